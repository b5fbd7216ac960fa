package AI::MXGrad::Engine;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Engine - operations in bulk

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd);

    my $sum = mx->engine->bulk(10, sub { nd->ones([3]) + 1 });

=head1 DESCRIPTION

C<bulk($size, $sub)> runs the sub and gives what it gives; C<set_bulk_size($size)> gives the size before.
The operations of this engine run at once, so that both change nothing else.

=cut
