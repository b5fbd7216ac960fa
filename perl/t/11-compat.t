# The names of AI::MXNet.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad::Compat;
use AI::MXNet qw(mx);
use AI::MXNet::AutoGrad qw(autograd);
use AI::MXNet::NDArray;

is(mx, 'AI::MXNet', 'mx is AI::MXNet');
is(AI::MXNet->VERSION, '1.6', 'in the version whose names these are');

my $x = nd->array([[1, 2], [3, 4]]);
is("$x", '<AI::MXNet::NDArray 2x2 @cpu(0)>', 'an array prints under its name');
isa_ok($x, 'AI::MXNet::NDArray');
isa_ok($x, 'AI::MXGrad::NDArray');
isa_ok($x->slice(0), 'AI::MXNet::NDArray', 'a part');
isa_ok(AI::MXNet::NDArray->zeros([2]), 'AI::MXGrad::NDArray', 'what the class makes');

for my $class ('mx->nd' => 'mx->ndarray' => 'nd') {
    my $array = eval "$class->ones([2])" // diag $@;    ## no critic (ProhibitStringyEval)
    values_are($array, [1, 1], $class);
}
values_are(mx->nd->dot($x, $x), [[7, 10], [15, 22]], 'an operator of mx->nd');
values_are(nd->dot($x, $x),     [[7, 10], [15, 22]], 'of nd');
values_are($x->nd::reshape([4]), [1, 2, 3, 4], 'a method by its full name');
is_deeply(nd->random->uniform(shape => 2)->shape, [2], 'nd->random');
is_deeply(mx->random->uniform(0, 1, [3])->shape, [3], 'mx->random');
is_deeply(mx->nd->random->normal(shape => [2, 2])->shape, [2, 2], 'mx->nd->random');
is('' . mx->cpu(1), 'cpu(1)', 'mx->cpu');
is('' . mx->context->current_ctx, 'cpu(0)', 'mx->context->current_ctx');
isa_ok(AI::MXNet::Context->new(device_type => 'cpu', device_id => 0), 'AI::MXGrad::Context',
    'AI::MXNet::Context->new');

{
    package Some::Other::Package;
    use AI::MXNet qw(nd);
    use AI::MXNet ('mx', 'autograd');
    Test::More::is(nd->ones([3])->size, 3, 'qw(nd) gives the array class');
    Test::More::is(mx->autograd, autograd, 'and the others theirs');
    sub class_only { return AI::MXNet->nd->ones([4])->size }
}
is(Some::Other::Package::class_only(), 4, 'AI::MXNet->nd');

$x->attach_grad;
my $y;
mx->autograd->record(sub { $y = 2 * $x * $x });
$y->backward;
values_are($x->grad, [[4, 8], [12, 16]], 'mx->autograd');
autograd->record(sub { $y = 3 * $x }, train_mode => 0);
$y->backward;
values_are($x->grad, [[3, 3], [3, 3]], 'autograd');
{
    package My::Square;
    our @ISA = ('AI::MXNet::AutoGrad::Function');
    sub forward  { return $_[1] * $_[1] }
    sub backward { return $_[1] * 5 }
}
autograd->record(sub { $y = My::Square->new->($x) });
$y->backward;
values_are($x->grad, [[5, 5], [5, 5]], 'AI::MXNet::AutoGrad::Function');

{
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, @_ };
    my $true = $x ? 'yes' : 'no';
    is($true, 'yes', 'an array of several elements is true');
    is(scalar @warnings, 1, '... with a warning');
    like($warnings[0], qr/several elements is true whatever they are at \Q$0\E line @{[__LINE__ - 3]}\.$/,
        '... at the line');
    $true = nd->zeros([2, 2]) ? 'yes' : 'no';
    is($true, 'yes', '... of zeros, too');
    is(scalar @warnings, 1, '... and warned of only once');
    ok(!nd->zeros([1]), 'one element has the truth of its value');
}

values_are($x->slice('X', 0), [[1], [3]], 'slice');
is_deeply([map { "@$_" } AI::MXNet::zip([1, 2], [3, 4])], ['1 3', '2 4'], 'zip');
is_deeply([AI::MXNet::zip(sub { $_[0] * $_[1] }, [1, 2], [3, 4])], [3, 8], 'zip with a sub');
is_deeply([map { $_->asscalar } map { $_->[1] } AI::MXNet::zip([1, 2], \@{ $x->at(1) })], [3, 4],
    'zip of an array');
is_deeply([map { "@$_" } AI::MXNet::enumerate(['a', 'b'])], ['0 a', '1 b'], 'enumerate');
is(AI::MXNet::product(2, 3, 4), 24, 'product');
ok(eval { AI::MXNet::assert(1); 1 } && !eval { AI::MXNet::assert(0, 'no'); 1 }, 'assert');
is(mx->engine->bulk(10, sub { 5 }), 5, 'engine->bulk');

use AI::MXNet::Gluon qw(gluon);
use AI::MXNet::Gluon::NN qw(nn);
is(gluon, 'AI::MXGrad::Gluon', 'gluon');
is(mx->gluon->nn, nn, 'nn');
my $net = nn->Sequential;
$net->add(nn->Dense(2, in_units => 3));
$net->initialize(mx->init->One);
values_are($net->(nd->ones([1, 3])), [[3, 3]], 'a network');
isa_ok($net, 'AI::MXNet::Gluon::Block');
isa_ok($net->[0], 'AI::MXNet::Gluon::NN::Dense');
{
    package Some::Other::Package;
    Test::More::is(gluon->nn, 'AI::MXGrad::Gluon::NN', 'gluon without an import');
    Test::More::is(ref nn->Dense(1), 'AI::MXGrad::Gluon::NN::Dense', 'nn, too');

    package Quarter;
    our @ISA = 'AI::MXNet::LRScheduler';
    sub call { return 0.25 }

    package Half;
    our @ISA = 'AI::MXNet::Gluon::Block';
    sub forward { return $_[1] / 2 }
}
is(Quarter->new->(3), 0.25, 'a class derived from AI::MXNet::LRScheduler');
values_are(Half->new->(nd->ones([2])), [0.5, 0.5], 'from AI::MXNet::Gluon::Block');
isa_ok(AI::MXNet::Optimizer->create('sgd'), 'AI::MXNet::Optimizer::SGD', 'an optimizer');
throws(sub { AI::MXNet::Gluon->new }, 'InvalidTypeError', qr/no class/, 'a module is no class');

SKIP: {
    has_module('Mouse') or skip 'Mouse is not installed', 1;
    my $class = <<'CLASS';
        package Mixed;
        use AI::MXNet::Gluon::Mouse;
        extends 'AI::MXNet::Gluon::Block';
        has 'scale'         => (is => 'rw', default => 2);
        has [qw(first end)] => (is => 'rw');

        sub BUILD {
            my ($self) = @_;
            $self->name_scope(sub {
                $self->first(nn->Dense(3));
                $self->end(nn->Dense(1));
            });
            return;
        }
        sub forward { my ($self, $x) = @_; return $self->end->($self->first->($x)) * $self->scale }

        package PerlSGD;
        use AI::MXNet::Gluon::Mouse;
        extends 'AI::MXNet::Optimizer';
        has 'momentum' => (is => 'rw', default => 3);

        sub update {
            my ($self, $index, $weight, $grad) = @_;
            $self->_update_count($index);
            $weight -= $self->_get_lr($index) * $self->momentum * $grad;
            return;
        }
        1;
CLASS
    ok(eval $class, 'classes with Mouse') or diag $@;    ## no critic (ProhibitStringyEval)
    my $mixed = Mixed->new(scale => 5);
    $mixed->initialize(mx->init->One);
    values_are($mixed->(nd->ones([1, 2])), [[30]], 'a block');
    is(scalar(() = $mixed->collect_params->keys), 4, '... whose attributes are children');
    autograd->record(sub { $mixed->(nd->ones([1, 2])) })->backward;
    gluon->Trainer($mixed->collect_params, PerlSGD->new(learning_rate => 1))->step(1);
    values_are($mixed->end->bias->data, [-15], 'an optimizer');
}
SKIP: {
    has_module('Function::Parameters') or skip 'Function::Parameters is not installed', 1;
    my $program = 'use AI::MXNet::Function::Parameters; func f($x, $y = 2) { $x * $y } f(4)';
    is(eval $program, 8, 'func');    ## no critic (ProhibitStringyEval)
}

ok(!eval { require AI::MXNet::Symbol; 1 }, 'a module that is not here');
like($@, qr/does not have AI::MXNet::Symbol; it serves AI::MXNet, AI::MXNet::AutoGrad/, '... says which are');
like($@, qr/\AUnknownNameError: .* at \Q$0\E line \d+[.]\n/, '... and where it is asked for');
ok(!eval { AI::MXNet->import('gluom'); 1 }, 'an unknown export');
ok(!eval { require Some::Module::That::Is::Not; 1 }, 'other modules are looked for as always');
like($@, qr/Can't locate Some.Module/, '... with the usual words');

done_testing;
