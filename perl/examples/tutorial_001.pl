#!/usr/bin/env perl
# Automatic differentiation with autograd: the tutorial of MXNet 2's np and npx, in Perl.
use strict;
use warnings;

use AI::MXGrad qw(np autograd);

sub show { return print $_[0]->asstr, "\n" }

my $x = np->array([[1, 2], [3, 4]]);
show($x);
$x->attach_grad;
my $y = autograd->record(sub { 2 * $x * $x });
$y->backward;
show($x->grad);    # 4x

$y = autograd->record(sub { np->sum(2 * $x * $x) });
$y->backward;
show($x->grad);    # $y->backward was $y->sum->backward

$y = autograd->record(sub { np->sum(2 * $x * $x) });
$y->backward(retain_graph => 1);
show($x->grad);
print "Since you have retained your previous graph you can run backward again\n";
$y->backward;
show($x->grad);
if (!eval { $y->backward; 1 }) {
    print "However, you can't do backward twice unless you retain the graph.\n";
}

# Three outputs, two inputs, and gradients of its own making.
package MyFirstCustomOperation {
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';

    sub forward {
        my ($self, $x, $y) = @_;
        $self->save_for_backward($x, $y);
        return (2 * $x, 2 * $x * $y, 2 * $y);
    }

    # As many arguments as forward returned; returns as many gradients as forward had arguments.
    sub backward {
        my ($self, $dx, $dxy, $dy) = @_;
        my ($x, $y) = $self->saved_tensors;
        return ($x, $y);
    }
}

sub same {
    my ($one, $other) = @_;
    return ($one == $other)->astype('float32')->min ? 'True' : 'False';
}

$x = np->random->uniform(-1, 1, [2, 3]);
$y = np->random->uniform(-1, 1, [2, 3]);
$_->attach_grad for $x, $y;
my $out = autograd->record(sub {
    my ($z1, $z2, $z3) = MyFirstCustomOperation->new->($x, $y);
    return $z1 + $z2 + $z3;
});
$out->backward;
print same($x, $x), "\n", same($y, $y), "\n";
print same($x->grad, $x), ' ', same($y->grad, $y), "\n";

sub my_first_function {
    my ($x) = @_;
    return autograd->is_training ? 4 * $x : $x;    # something else when training
}

print same(my_first_function($x), $x), "\n";
$y = autograd->record(sub { my_first_function($x) }, train_mode => 0);
$y->backward;
show($x->grad);
$y = autograd->record(sub { my_first_function($x) }, train_mode => 1);    # train_mode is 1 by default
$y->backward;
show($x->grad);

sub my_second_function {
    my ($x) = @_;
    return autograd->record(sub { 2 * $x });
}

$y = my_second_function($x);
$y->backward;
show($x->grad);

my $z = autograd->record(sub { my_second_function(my_second_function($x)) + 2 });
$z->backward;
show($x->grad);

# Double until the sum of magnitudes reaches 1000, then select by the sign of the sum.
sub f {
    my ($v) = @_;
    my $w = $v * 2;
    while (abs($w)->sum < 1000) {
        $w = $w * 2;
    }
    return $w->sum >= 0 ? $w->at(0) : $w->at(1);
}

my $v = np->random->uniform(size => 2);
$v->attach_grad;
my $c = autograd->record(sub { f($v) });
$c->backward;
show($v->grad == $c / $v);

$x->attach_grad;
$z = autograd->record(sub {
    $y = 3 * $x;
    $y->attach_grad;
    return 4 * $y + 2 * $x;
});
$z->backward;
show($x->grad);
show($y->grad);

$z = autograd->record(sub {
    $y = 3 * $x;
    return 4 * $y + 2 * $x;
});
$z->backward;
show($x->grad);
print defined $y->grad ? $y->grad->asstr : 'None', "\n";
