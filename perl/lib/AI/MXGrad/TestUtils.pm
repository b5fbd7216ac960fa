package AI::MXGrad::TestUtils;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::TestUtils - comparing arrays, checking gradients

=head1 SYNOPSIS

    use AI::MXGrad qw(nd);
    use AI::MXGrad::TestUtils qw(almost_equal);

    print "equal\n" if almost_equal(nd->ones([2]), nd->ones([2]) + 1e-9);

=head1 DESCRIPTION

The engine's C<test_utils>. All of its functions can be imported; they take arrays, PDLs and lists.

=cut
