# The operators as Perl subs: every call form, parameters, errors.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd np);

my $x = nd->array([[1, 2], [3, 4]]);
my $y = nd->array([[5, 6], [7, 8]]);

subtest 'subs' => sub {
    my @names = AI::MXGrad::Ops::names();
    cmp_ok(scalar @names, '>', 100, 'there are many operators');
    my @missing = grep { !nd->can($_) } grep { !/[.]/ } @names;
    is("@missing", '', 'each is a sub of the array class');
    ok(nd->can('relu') && $x->can('dot'), 'can() says so for class and object');
    ok(!nd->can('no_such_operator'), '... and not for others');
    ok(!eval { $x->no_such_operator; 1 }, 'an unknown name dies');
    like($@, qr/\ACan't locate object method "no_such_operator".* at \Q$0\E/, '... as Perl does');
    my $info = AI::MXGrad::Ops::info('clip');
    is_deeply($info->{arrays}, ['data'], 'info: arrays');
    is_deeply([map { $_->[0] } @{ $info->{params} }], [qw(a_min a_max)], 'info: parameters in order');
};

subtest 'call forms' => sub {
    values_are($x->sum,                        [10],             'method');
    values_are(nd->sum($x),                    [10],             'function');
    values_are(mx->nd->sum($x, axis => 0),     [4, 6],           'name => value');
    values_are($x->sum(axis => 1),             [3, 7],           'method with name => value');
    values_are($x->sum({axis => 1}),           [3, 7],           'hash reference');
    values_are(nd->sum($x, {axis => 0, keepdims => 1}), [[4, 6]], 'hash reference with two');
    values_are(nd->sum($x, 1),                 [3, 7],           'by position');
    values_are($x->sum(1, 1),                  [[3], [7]],       'two by position');
    values_are($x->sum(1, keepdims => 1),      [[3], [7]],       'mixed');
    values_are(nd->sum(data => $x, axis => 1), [3, 7],           'the array by name');
    values_are($x->dot($y),                    [[19, 22], [43, 50]], 'self comes first');
    values_are(nd->dot($x, $y),                [[19, 22], [43, 50]], 'two arrays');
    values_are(nd->dot($x, $y, transpose_b => 1), [[17, 23], [39, 53]], '... and a parameter');
    values_are($x->dot($y->T),                 [[17, 23], [39, 53]], 'an expression');
    values_are($x->dot([[1, 0], [0, 1]]),      [[1, 2], [3, 4]], 'a nested list');
    values_are($x->maximum(3),                 [[3, 3], [3, 4]], 'an array and a number');
    values_are(nd->subtract(10, $x),           [[9, 8], [7, 6]], 'a number and an array');
    values_are(nd->maximum($x, $x->T),         [[1, 3], [3, 4]], 'two arrays of one');
    values_are($x->add($x, $y),                [[6, 8], [10, 12]],
        'an object that is one too many is left out');
    values_are(nd->concat($x, $y, dim => 0),   [[1, 2], [3, 4], [5, 6], [7, 8]], 'any number of arrays');
    values_are(nd->concat([$x, $y], dim => 1), [[1, 2, 5, 6], [3, 4, 7, 8]], '... in a list');
    values_are($x->concat($y, dim => 0),       [[1, 2], [3, 4], [5, 6], [7, 8]], '... self first');
    values_are(nd->stack($x->at(0), $y->at(0), axis => 1), [[1, 5], [2, 6]], '... of parts');
    values_are(AI::MXGrad::Ops::sum($x),   [10],             'as a plain sub');
    my $out = nd->zeros([2, 2]);
    is(nd->add($x, $y, out => $out)->handle, $out->handle, 'out => gives the target');
    values_are($out, [[6, 8], [10, 12]], '... written');
    nd->sum($x, {axis => 1, keepdims => 1, out => my $column = nd->zeros([2, 1])});
    values_are($column, [[3], [7]], '... with parameters');
    values_are($x->sum(axis => 0, name => 'ignored'), [4, 6], 'name => is ignored');
    my $parts = $x->split(num_outputs => 2, axis => 0);
    is(ref $parts, 'ARRAY', 'several results are an array reference');
    values_are($parts->[1], [[3, 4]], '... of arrays');
    my $many = nd->arange(40)->split(num_outputs => 40, axis => 0);
    is(scalar @$many, 40, 'very many, too');
    values_are($many->[39], [39], '... each');
};

subtest 'parameters' => sub {
    my %text = (
        'a number'       => [7,              '7'],
        'negative'       => [-3,             '-3'],
        'a fraction'     => [0.1,            '0.10000000000000001'],
        'small'          => [1e-30,          '1.0000000000000001e-30'],
        'words'          => ['float32',      'float32'],
        'undef'          => [undef,          'None'],
        'false'          => [!!0,            'False'],
        'empty'          => ['',             'False'],
        'true'           => [!!1,            '1'],
        'a list'         => [[1, 2],         '(1, 2)'],
        'one in a list'  => [[1],            '(1,)'],
        'no list'        => [[],             '()'],
        'lists in lists' => [[[1], [2, 3]],  '((1,), (2, 3))'],
        'undef in lists' => [[undef, 2],     '(None, 2)'],
        'a context'      => [mx->cpu(1),     'cpu(1)'],
        'infinity'       => [9**9**9,        'inf'],
    );
    is(lc AI::MXGrad::Ops::parameter($text{$_}[0]), lc $text{$_}[1], $_) for sort keys %text;
    values_are($x->sum(axis => undef), [10], 'undef is None');
    values_are($x->sum(axis => 1, keepdims => ''), [3, 7], "'' is False");
    values_are($x->sum(axis => [0, 1]), [10], 'a list of axes');
    values_are($x->at(0)->reshape([1, 1, 1, 2])->pad('edge', [0, 0, 0, 0, 0, 0, 1, 1]), [[[[1, 1, 2, 2]]]],
        'a word by position');
    values_are($x->clip(1.5, 3.5), [[1.5, 2], [3, 3.5]], 'fractions');
};

subtest 'sequences of arrays, and numbers for arrays' => sub {
    my $v = np->array([5, 6, 7]);
    values_are(np->concatenate([$v, $v]), [5, 6, 7, 5, 6, 7], 'concatenate of a list');
    values_are(np->concatenate($v, $v), [5, 6, 7, 5, 6, 7], '... of arguments');
    values_are(np->stack([$v, $v], axis => 1), [[5, 5], [6, 6], [7, 7]], 'stack with a parameter');
    values_are(np->vstack([$v, $v]), [[5, 6, 7], [5, 6, 7]], 'vstack');
    values_are(np->hstack([$v, $v]), [5, 6, 7, 5, 6, 7], 'hstack');
    values_are(np->dstack([$v, $v]), [[[5, 5], [6, 6], [7, 7]]], 'dstack');
    values_are(np->column_stack([$v, $v]), [[5, 5], [6, 6], [7, 7]], 'column_stack');
    my $m = np->array([[1, 2], [3, 4]]);
    values_are(np->linalg->multi_dot([$m, $m, $m]), [[37, 54], [81, 118]], 'multi_dot');
    values_are(np->where($v > 5, $v, 0), [0, 6, 7], 'where with a number');
    values_are(np->where($v > 5, 0.5, $v), [5, 0.5, 0.5], '... before the array');
    values_are(np->where($v > 5, 2, -1), [-1, 2, 2], '... with two, which are no booleans');
    values_are(np->where($v > 5, y => 1, x => $v), [1, 6, 7], '... by name');
    values_are(nd->where(nd->array([1, 0]), nd->array([1, 2]), 0), [1, 0], 'where of nd');
};

subtest 'refused' => sub {
    throws(sub { $x->sum(axis => 7) },        'InvalidValueError', qr/7/, 'a value');
    my $unexpected = qr/\Asum\(\) got an unexpected keyword argument 'axes'\z/;
    throws(sub { $x->sum(axes => 1) },        'TypeError', $unexpected, 'a name, in words of Python');
    throws(sub { nd->sum($x, axes => 1) },    'TypeError', $unexpected, '... of a function');
    throws(sub { nd->sum($x, {axes => 1}) },  'TypeError', $unexpected, '... in a hash');
    throws(sub { nd->sum($x, axes => 1, keepdims => 1) }, 'TypeError', $unexpected, '... before another');
    throws(sub { nd->sum($x, keepdims => 1, axes => 1) }, 'TypeError', $unexpected, '... behind another');
    throws(sub { nd->sum($x, axes => $y) }, 'InvalidTypeError', qr/not AI::MXGrad::NDArray/,
        '... with an array');
    throws(sub { $x->sum(1, 0, 0, 0, 0) },    'InvalidTypeError', qr/sum: too many arguments/, 'too many');
    throws(sub { nd->exp($x, $y) },           'InvalidTypeError',
        qr/exp: too many arguments; it takes data/, 'an array');
    throws(sub { nd->dot($x, $y, $y) },       'InvalidTypeError',
        qr/dot: too many arguments; it takes lhs, rhs and the parameters transpose_a, transpose_b/,
        'an array where a parameter is');
    throws(sub { $x->dot },                   'InvalidTypeError|TypeError|NotAnArrayError', qr/dot/,
        'a missing array');
    throws(sub { nd->$_($x) }, 'TypeError', qr/\A\Q$_() missing/, "... of $_") for qw(multiply arctan2);
    throws(sub { $x->sum(axis => {}) },       'InvalidTypeError', qr/not HASH/, 'a hash as value');
    throws(sub { $x->sum(axis => $y) },       'InvalidTypeError', qr/not AI::MXGrad::NDArray/,
        'an array as value');
    throws(sub { nd->add($x, $y, out => 3) }, 'InvalidTypeError', qr/out must be an NDArray/, 'out');
    throws(sub { nd->add($x, $y, out => nd->zeros([3])) }, 'InvalidValueError', qr/shape/,
        'out of another shape');
    throws(sub { $x->dot('abc') },            'InvalidTypeError|TypeError', qr/dot/, 'a word for an array');
    throws(sub { $x->dot(nd->ones([3, 1])) }, 'InvalidValueError', qr/dot/, 'shapes');
};

subtest 'what np has besides' => sub {
    my $v = np->array([1, 2, 3]);
    is(np->pi, atan2(0, -1), 'a number');
    is(np->newaxis, undef, 'None');
    is(np->int8, 'int8', 'a dtype');
    is(np->dtype('float16'), 'float16', '... made');
    is(np->result_type('float32', 'int8'), 'float32', '... that a function gives');
    is(np->result_type($v, 'float64'), 'float64', '... for an array');
    is(np->finfo('float64')->{eps}, 2**-52, 'the limits of a dtype');
    is(np->iinfo('int8')->{max}, 127, '... of integers');
    is(np->iinfo('uint64')->{max}, 2**64, '... that are no integers of Perl');
    ok(np->can_cast('int8', 'int16') && !np->can_cast('int16', 'int8'), 'a question');
    is_deeply([np->broadcast_shapes([1, 2], [3, 1])], [3, 2], 'shapes');
    values_are(np->vectorize(sub { $_[0]**2 })->($v), [1, 4, 9], 'what takes a sub');
    my $third = np->array([1 / 3]);
    my $usual = $third->asstr;
    is(np->printoptions(precision => 2)->with(sub { $third->asstr }), '[0.33]', 'texts in a block');
    is($third->asstr, $usual, '... and after it');
    throws(sub { np->ziros([2]) }, 'UnknownNameError', qr/did you mean 'zeros'/, 'a name that is wrong');
    throws(sub { np->$_ }, 'UnknownNameError', qr/no|not/, "what is not np's own: $_") for qw(os numpy _name);
};

done_testing;
