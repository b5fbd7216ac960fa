#!/usr/bin/env perl
# Part 3 of 5, differentiation: what is recorded, gradients of Perl's own control flow, of a network.
#
#     perl -Ilib examples/part_3_autograd.pl
use strict;
use warnings;

use PDL;
use AI::MXGrad::Compat;
use AI::MXNet qw(mx);
use AI::MXNet::AutoGrad qw(autograd);
use AI::MXNet::Gluon::NN qw(nn);

my $x = nd->array([[1, 2], [3, 4]]);
$x->attach_grad;

print 'y = 2 * x * x; its gradient is 4 * x:';
my $y = autograd->record(sub { 2 * $x * $x });
$y->backward;
print $x->grad->aspdl;

print "\nA loop of Perl is followed: the gradient says how often x was doubled:";
$y = autograd->record(sub {
    my $z = 2 * $x;
    $z = 2 * $z while $z->norm->asscalar < 100;
    return $z;
});
$y->backward;
print $x->grad->aspdl;

print "\nThe first and the second derivative of sin(x):";
my $first = autograd->record(sub { autograd->grad(sin($x), $x, create_graph => 1) });
print $first->aspdl, autograd->grad($first, $x)->aspdl;

print "\nThe gradient of a layer's weight is where a Trainer finds it:";
mx->random->seed(3);
my $net = nn->Dense(1);
$net->initialize;
autograd->record(sub { $net->($x) })->backward;
print $net->weight->grad->aspdl;

# The derivative of tanh at many points, computed and drawn.
my $points = nd->array(sequence(61) / 10 - 3);
$points->attach_grad;
autograd->record(sub { $points->tanh })->backward;
print "\nThe derivative of tanh from -3 to 3:\n";
my $height = rint($points->grad->aspdl * 8);
for my $line (reverse 1 .. 8) {
    print join('', map { $_ >= $line ? '#' : ' ' } @{ unpdl($height) }) =~ s/ +\z//r, "\n";
}
