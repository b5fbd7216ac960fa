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

ok(!eval { require AI::MXNet::Gluon; 1 }, 'a module that is not here');
like($@, qr/does not have AI::MXNet::Gluon; it serves AI::MXNet, AI::MXNet::AutoGrad/, '... says which are');
ok(!eval { AI::MXNet->import('gluon'); 1 }, 'an unknown export');
ok(!eval { require Some::Module::That::Is::Not; 1 }, 'other modules are looked for as always');
like($@, qr/Can't locate Some.Module/, '... with the usual words');

done_testing;
