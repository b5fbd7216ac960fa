package AI::MXGrad::IO;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::IO - batches from arrays and files

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd);

    my $iterator = mx->io->NDArrayIter(nd->arange(10)->reshape([5, 2]), nd->arange(5), batch_size => 2);
    while (defined(my $batch = <$iterator>)) {
        print $batch->data->[0]->asstr, ' padded with ', $batch->pad, "\n";
    }
    $iterator->reset;

=head1 DESCRIPTION

The engine's C<io>: iterators over batches, each with C<data>, C<label> and C<pad>. C<next> gives the next
batch, and undef at the end; C<reset> starts again.

=cut
