package AI::MXGrad::KVStore;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::KVStore - values that several devices share

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd kv);

    my $store = kv->create('local');
    $store->init(3, nd->ones([2]));
    $store->push(3, [nd->ones([2]), nd->ones([2]) * 4]);
    my $sum = nd->zeros([2]);
    $store->pull(3, out => $sum);
    print $sum->asstr, "\n";            # [5. 5.]

=head1 DESCRIPTION

The engine's C<kvstore>: values by key, which are added up as they are pushed.

=cut
