# Overloaded operators, comparison, truth, numbers, identity.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(nd);

my $x = nd->array([[1, 2], [3, 4]]);
my $y = nd->array([[5, 6], [7, 8]]);

subtest 'arithmetic' => sub {
    values_are($x + $y,   [[6, 8], [10, 12]],          '+');
    values_are($x - $y,   [[-4, -4], [-4, -4]],        '-');
    values_are($x * $y,   [[5, 12], [21, 32]],         '*');
    values_are($y / $x,   [[5, 3], [7 / 3, 2]],        '/');
    values_are($y % $x,   [[0, 0], [1, 0]],            '%');
    values_are($x**$x,    [[1, 4], [27, 256]],         '**');
    values_are($x + 1,    [[2, 3], [4, 5]],            '+ number');
    values_are(1 + $x,    [[2, 3], [4, 5]],            'number +');
    values_are(10 - $x,   [[9, 8], [7, 6]],            'number -');
    values_are($x - 10,   [[-9, -8], [-7, -6]],        '- number');
    values_are(12 / $x,   [[12, 6], [4, 3]],           'number /');
    values_are(2**$x,     [[2, 4], [8, 16]],           'number **');
    values_are($x**2,     [[1, 4], [9, 16]],           '** number');
    values_are(7 % $x,    [[0, 1], [1, 3]],            'number %');
    values_are($x * 0.5,  [[0.5, 1], [1.5, 2]],        '* fraction');
    values_are($x * '2',  [[2, 4], [6, 8]],            'a number in a string');
    values_are($x + '1e1', [[11, 12], [13, 14]],       'with an exponent');
    values_are(-$x,       [[-1, -2], [-3, -4]],        'unary -');
    values_are(abs(-$x),  [[1, 2], [3, 4]],            'abs');
    values_are(sqrt($x * $x), [[1, 2], [3, 4]],        'sqrt');
    values_are(log(exp $x), [[1, 2], [3, 4]],          'log exp', 1e-6);
    values_are(sin($x)**2 + cos($x)**2, [[1, 1], [1, 1]], 'sin cos', 1e-6);
    values_are($x + [[1, 0], [0, 1]], [[2, 2], [3, 5]], '+ list');
    values_are([[1, 0], [0, 1]] - $x, [[0, -2], [-3, -3]], 'list -');
    values_are($x + $x->slice(0), [[2, 4], [4, 6]],    '+ slice');
    values_are($x->slice(0) + $x, [[2, 4], [4, 6]],    'slice +');
    values_are(1 - $x->slice(0),  [[0, -1]],           'number - slice');
    values_are(-$x->at(1),        [-3, -4],            '- slice');
    values_are($x + nd->array([10, 20]), [[11, 22], [13, 24]], 'broadcast');
    my $pi = 4 * atan2 1, 1;
    my $angles = atan2(nd->array([1, 1, -1, -1]), nd->array([1, -1, 1, -1]));
    values_are($angles, [$pi / 4, 3 * $pi / 4, -$pi / 4, -3 * $pi / 4], 'atan2 knows the quadrant');
    values_are(atan2(1, nd->array([-1])), [3 * $pi / 4], 'atan2 of a number');
    is(($x + 1)->dtype, 'float32', 'the dtype stays');
    my $n = nd->array([1, 2, 3], dtype => 'int32');
    is(($n + 2)->dtype, 'int32', 'int32 + integer');
    values_are($n * 2, [2, 4, 6], 'int32 * integer');
    is_deeply((nd->array([9_007_199_254_740_991], dtype => 'int64') + 0)->aslist, [9_007_199_254_740_991],
        'int64 exact');
};

subtest 'in place' => sub {
    my $z = $x->copy;
    my $same = $z;
    $z += $y;
    values_are($z, [[6, 8], [10, 12]], '+=');
    $z -= 6;
    values_are($z, [[0, 2], [4, 6]], '-= number');
    $z *= [[1, 1], [2, 2]];
    values_are($z, [[0, 2], [8, 12]], '*= list');
    $z /= 2;
    values_are($z, [[0, 1], [4, 6]], '/=');
    $z %= 4;
    values_are($z, [[0, 1], [0, 2]], '%=');
    values_are($same, [[0, 1], [0, 2]], 'all in the same array');
    $z++;
    values_are($z, [[1, 2], [1, 3]], '++ too');
    $z **= 2;
    values_are($z, [[1, 4], [1, 9]], '**= makes a new array');
    values_are($same, [[1, 2], [1, 3]], '... and leaves the old');
    $z += $z;
    values_are($z, [[2, 8], [2, 18]], 'with itself');
};

subtest 'comparison' => sub {
    values_are($x == nd->array([[1, 0], [3, 0]]), [[1, 0], [1, 0]], '==');
    values_are($x != 1,  [[0, 1], [1, 1]], '!=');
    values_are($x > 2,   [[0, 0], [1, 1]], '>');
    values_are($x >= 2,  [[0, 1], [1, 1]], '>=');
    values_are($x < 2,   [[1, 0], [0, 0]], '<');
    values_are($x <= 2,  [[1, 1], [0, 0]], '<=');
    values_are(2 < $x,   [[0, 0], [1, 1]], 'number <');
    values_are(2 >= $x,  [[1, 1], [0, 0]], 'number >=');
    is(($x > 2)->dtype, 'float32', 'in the dtype of the operands');
};

subtest 'truth, numbers, identity' => sub {
    ok(nd->array([2]),      'a value other than 0 is true');
    ok(!nd->array([[0]]),   '0 is false');
    ok($x->sum >= 10,       'a comparison of one element');
    ok(!($x->sum > 10),     '... and the other way');
    throws(sub { if ($x) { die "true\n" } }, 'InvalidValueError',
        qr/array of 4 elements is neither true nor false/, 'several');
    throws(sub { return !nd->zeros([0]) }, 'InvalidValueError', qr/array of 0 elements/, 'none');
    is(sprintf('%.2f', nd->array([1.25])), '1.25', 'one element is a number for sprintf');
    is(int nd->array([7.9]), 7, '... and int');
    my $same = $x;
    ok($x eq $same,        'eq is identity');
    ok($x ne $x->copy,     'ne of another array');
    ok($x eq '<AI::MXGrad::NDArray 2x2 @cpu(0)>', 'eq of a string compares strings');
    is("[$x]", '[<AI::MXGrad::NDArray 2x2 @cpu(0)>]', 'inside a string');
};

subtest 'refused' => sub {
    throws(sub { my $z = $x + 'abc' },      'InvalidTypeError',  qr/not 'abc'/,  '+ word');
    throws(sub { my $z = $x + undef },      'InvalidTypeError',  qr/not undef/,  '+ undef');
    throws(sub { my $z = $x + {} },         'InvalidTypeError',  qr/not HASH/,   '+ hash');
    throws(sub { my $z = '' . ($x * '') },  'InvalidTypeError',  qr/not ''/,     '* empty string');
    throws(sub { $x += 'abc' },             'InvalidTypeError',  qr/not 'abc'/,  '+= word');
    throws(sub { $x .= 'abc' },             'InvalidTypeError',  qr/not 'abc'/,  '.= word');
    throws(sub { my $z = $x + nd->ones([3]) }, 'InvalidValueError', qr/add: .*\(2, 2\).*\(3,\)/,
        'shapes are named');
    throws(sub { my $z = $x + nd->ones([2, 2], dtype => 'int32') }, 'InvalidTypeError', qr/float32, int32/,
        'dtypes');
    throws(sub { my $z = $x + [[1], [2, 3]] }, 'InvalidValueError', qr/ragged/,  'a ragged operand');
    throws(sub { $x += nd->ones([3]) },     'InvalidValueError', qr/./,          '+= that does not fit');
    values_are($x, [[1, 2], [3, 4]], 'the operand is as it was');
};

done_testing;
