#!/usr/bin/env perl
# Automatic differentiation with autograd: the tutorial with head gradients, in Perl.
use strict;
use warnings;

use AI::MXGrad qw(mx nd autograd);

mx->random->seed(1);

my $x = nd->array([[1, 2], [3, 4]]);
$x->attach_grad;
my $z;
autograd->record(sub {
    my $y = $x * 2;
    $z = $y * $x;
});
$z->backward;
print $x->grad->asstr, "\n";

autograd->record(sub {
    my $y = $x * 2;
    $z = $y * $x;
});
my $head_gradient = nd->array([[10, 1], [0.1, 0.01]]);
$z->backward($head_gradient);
print $x->grad->asstr, "\n";

my $v = nd->random->normal(shape => 3);
$v->attach_grad;
my $c;
autograd->record(sub {
    my $w = $v * 2;
    while ($w->norm < 1000) {
        $w = $w * 2;
    }
    $c = $w->sum > 0 ? $w : 100 * $w;
});
$c->backward(nd->array([0.01, 1, 0.1]));
print $v->grad->asstr, "\n";
