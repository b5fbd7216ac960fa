#!/usr/bin/env perl
# Automatic differentiation: the crash-course tutorial of MXNet's nd, in Perl.
use strict;
use warnings;

use AI::MXGrad qw(nd autograd);

my $x = nd->array([[1, 2], [3, 4]]);
print $x->asstr, "\n";

$x->attach_grad;
my $z = autograd->record(sub {
    my $y = $x * 2;
    return $y * $x;
});
$z->backward;                    # the same as $z->sum->backward
print $x->grad->asstr, "\n";     # dz/dx = 4x

# Double until the norm reaches 1000, then select by the sign of the sum.
sub f {
    my ($v) = @_;
    my $w = $v * 2;
    while ($w->norm->asscalar < 1000) {
        $w = $w * 2;
    }
    return $w->sum->asscalar >= 0 ? $w->at(0) : $w->at(1);
}

my $v = nd->random->uniform(shape => 2);
$v->attach_grad;
my $c = autograd->record(sub { f($v) });
$c->backward;

# f is linear in v as long as it takes the same way: the gradient is [c/v[0], 0] or [0, c/v[1]].
print '[', join(', ', map { $_->asstr } $v->grad, $c / $v), "]\n";
