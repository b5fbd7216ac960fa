# Perl's own values: no use of a call leaves any behind.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

BEGIN { plan skip_all => 'Test::LeakTrace is not installed' if !has_module('Test::LeakTrace') }
use Test::LeakTrace;

use AI::MXGrad qw(mx nd np autograd nn);

{
    package My::Double;
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';
    sub forward  { my ($self, $x) = @_; $self->save_for_backward($x); return $x * 2 }
    sub backward { my ($self, $dy) = @_; my ($x) = $self->saved_tensors; return $dy * 2 + $x * 0 }
}

my $x = nd->ones([4, 4])->attach_grad;
my $v = np->array([1, 2, 3]);
my $metric = mx->metric->Accuracy;
my $set = mx->gluon->data->ArrayDataset($x, $x);
my $dense = nn->Dense(4, in_units => 4);
$dense->initialize;

# Blocks that are written in Perl are not among them: they go when Python's collector finds their cycle.
my %step = (
    'operators'         => sub { my $y = 2 - $x * $x + 1 },
    'parameters'        => sub { my $y = $x->sum(axis => 1); $y = nd->softmax($x, {axis => 0}) },
    'lists of arrays'   => sub { my $y = np->where(np->stack([$v, $v]) > 1, 1, $v) },
    'in place'          => sub { $x += 0; $x .= 1 },
    'parts'             => sub { my $z = $x->slice(1, [0, 2]); $x->at(1) .= 2; my @rows = @$x },
    'lists'             => sub { my $list = nd->array([[1, 2], [3, 4]])->aslist },
    'texts'             => sub { my $text = "$x" . $x->asstr },
    'gradients'         => sub { autograd->record(sub { ($x * $x)->sum })->backward; my $g = $x->grad },
    'functions'         => sub { autograd->record(sub { scalar My::Double->new->($x) })->backward },
    'packed calls'      => sub {
        $metric->update([$x->sum(axis => 1)], [$x]);
        my ($name, $value) = $metric->get;
    },
    'layers'            => sub { my $y = $dense->($x) },
    'iteration'         => sub { my @all = @$set },
    'callables'         => sub { mx->metric->CustomMetric(sub { 1 })->update([$x], [$x]) },
    'errors of ours'    => sub { eval { my $z = $x->slice(9); 1 } },
    'errors of Python'  => sub { eval { my $z = $x + nd->ones([3]); 1 } },
    'unknown names'     => sub { eval { $x->sum(axes => 1); 1 } },
    'death in closures' => sub { eval { autograd->record(sub { die {reason => 1} }); 1 } },
);
for my $name (sort keys %step) {
    my $code = $step{$name};
    $code->() for 1 .. 3;    # what is kept for ever is made now
    no_leaks_ok { $code->() } $name;
}

done_testing;
