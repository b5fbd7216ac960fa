# Making, asking, reading, indexing and writing arrays.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd np);

subtest 'make' => sub {
    my $x = nd->array([[1, 2, 3], [4, 5, 6]]);
    isa_ok($x, 'AI::MXGrad::NDArray');
    is_deeply($x->shape, [2, 3], 'shape');
    is($x->size,  6,         'size');
    is($x->ndim,  2,         'ndim');
    is($x->len,   2,         'len');
    is($x->dtype, 'float32', 'dtype is float32 by default');
    is($x->stype, 'default', 'stype');
    is("$x", '<AI::MXGrad::NDArray 2x3 @cpu(0)>', 'as a string');
    like($x->asstr, qr/\[\[1\. 2\. 3\.\]\n \[4\. 5\. 6\.\]\]/, 'its values as text');
    push @{ $x->shape }, 7;
    is_deeply($x->shape, [2, 3], 'the shape given out is a copy');

    values_are(nd->zeros([2, 3]),        [[0, 0, 0], [0, 0, 0]], 'zeros');
    values_are(nd->zeros(3),             [0, 0, 0],              'zeros of one axis');
    values_are(nd->ones([2, 1]),         [[1], [1]],             'ones');
    values_are(nd->full([2], 7.5),       [7.5, 7.5],             'full');
    is_deeply(nd->empty([4, 0])->shape,  [4, 0],                 'empty');
    values_are(nd->arange(5),            [0 .. 4],               'arange(n)');
    values_are(nd->arange(2, 8, 2),      [2, 4, 6],              'arange(start, stop, step)');
    values_are(nd->arange(start => 1, stop => 3, repeat => 2), [1, 1, 2, 2], 'arange by name');
    values_are(nd->arange(stop => 3),    [0, 1, 2],              'arange(stop => n)');
    values_are(nd->array(5),             [5],                    'an array of one number');
    is_deeply(nd->array([])->shape,      [0],                    'an empty list');
    is_deeply(nd->array([[], []])->shape, [2, 0],                'empty rows');
    values_are(nd->array($x),            [[1, 2, 3], [4, 5, 6]], 'of an array');
    values_are(nd->array($x->slice(0)),  [[1, 2, 3]],            'of a slice');
    values_are(nd->concatenate([$x, $x]), [([1, 2, 3], [4, 5, 6]) x 2], 'concatenate');
    values_are(nd->concatenate([$x, $x], axis => 1), [[1, 2, 3, 1, 2, 3], [4, 5, 6, 4, 5, 6]],
        'concatenate axis 1');
    my $out = nd->zeros([2]);
    nd->ones([2], out => $out);
    values_are($out, [1, 1], 'out =>');
};

subtest 'dtypes' => sub {
    for my $dtype (qw(float16 float32 float64 int8 int32 int64 uint8 bool)) {
        my $x = nd->array([[0, 1], [1, 0]], dtype => $dtype);
        is($x->dtype, $dtype, $dtype);
        is_deeply($x->aslist, [[0, 1], [1, 0]], "$dtype and back");
        is(nd->zeros([2], dtype => $dtype)->dtype, $dtype, "zeros of $dtype");
    }
    is(nd->array(nd->ones([1], dtype => 'int32'))->dtype, 'float32', 'array() makes float32 of int32');
    is(nd->ones([1])->astype('int32')->dtype, 'int32', 'astype');
    my $big = 9_007_199_254_740_993;
    is(nd->array([$big], dtype => 'int64')->asscalar, $big, 'an int64 beyond a double');
    is(nd->array([-128, 127], dtype => 'int8')->aslist->[0], -128, 'the least int8');
    values_are(nd->array([0.1, -2.5e-5], dtype => 'float16'), [0.1, -2.5e-5], 'float16', 1e-4);
    my ($inf, $nan) = (9**9**9, -sin 9**9**9);
    my $list = nd->array([$inf, -$inf, $nan])->aslist;
    ok($list->[0] == $inf && $list->[1] == -$inf && $list->[2] != $list->[2], 'infinities and nan');
};

subtest 'refused' => sub {
    throws(sub { nd->array([[1, 2], [3]]) },      'InvalidValueError',
        qr/ragged list: a row of 1 .* have 2/, 'ragged');
    throws(sub { nd->array([[1, 2], 3]) },        'InvalidValueError', qr/ragged list: 3 where/,
        'a number for a row');
    throws(sub { nd->array([1, [2]]) },           'InvalidValueError', qr/ragged list: a row where/,
        'a row for a number');
    throws(sub { nd->array([1, 'two']) },         'InvalidTypeError',  qr/must be numbers, not 'two'/,
        'a word');
    throws(sub { nd->array([1, undef]) },         'InvalidTypeError',  qr/must be numbers, not undef/,
        'undef');
    throws(sub { nd->array([1, '']) },            'InvalidTypeError',  qr/must be numbers, not ''/,
        'an empty string');
    throws(sub { nd->array([{}]) },               'InvalidTypeError',  qr/must be numbers, not HASH/,
        'a hash');
    throws(sub { nd->array('text') },             'InvalidTypeError',  qr/not 'text'/, 'array of a word');
    throws(sub { nd->array(undef) },              'InvalidTypeError',  qr/not undef/, 'array of undef');
    throws(sub { nd->array([300], dtype => 'uint8') }, 'InvalidValueError',
        qr/300 is out of the range of uint8/, 'range');
    throws(sub { nd->array([-sin 9**9**9], dtype => 'int32') }, 'InvalidValueError',
        qr/out of the range of int32/, 'nan');
    throws(sub { nd->array([1], dtype => 'float31') }, 'InvalidTypeError', qr/'float31' not understood/,
        'unknown dtype');
    throws(sub { nd->zeros([2], dtype => 'complex') }, 'InvalidTypeError', qr/complex/,
        'unknown dtype of zeros');
    throws(sub { nd->zeros([2, -1]) },            'InvalidValueError', qr/a shape is/, 'a negative size');
    throws(sub { nd->zeros('2x3') },              'InvalidValueError', qr/a shape is/, 'a shape in words');
    throws(sub { nd->ones([2], dtypo => 'int8') }, 'TypeError', qr/ones\(\) got an unexpected .*'dtypo'/,
        'unknown option');
    throws(sub { nd->ones([2], 'int8') },         'InvalidTypeError',  qr/odd number/, 'an odd option list');
    throws(sub { nd->ones([2])->asscalar },       'InvalidValueError', qr/size 1/,
        'asscalar of two elements');
    throws(sub { nd->ones([2])->astype('word') }, 'InvalidTypeError',  qr/'word' not understood/, 'astype');
    throws(sub { nd->ones([2])->tostype('csr') }, 'InvalidValueError', qr/'csr'.*dense/, 'tostype');
    throws(sub { nd->ones([2])->reshape([3]) },   'InvalidValueError', qr/size 2/,
        'reshape that does not fit');
};

subtest 'read parts' => sub {
    my $x = nd->arange(6)->reshape([2, 3]);
    values_are($x->at(1),                [3, 4, 5],              'at drops the axis');
    values_are($x->at(-1),               [3, 4, 5],              'at(-1)');
    values_are($x->at(1)->at(2),         [5],                    'at of one axis has shape [1]');
    my $of_np = np->array([1, 2, 3]);
    values_are($of_np->at(1),            2,                      '... but no axes with np');
    values_are($of_np->[2],              3,                      'an entry as well');
    $of_np->at(1) .= 7;
    $of_np->[0] += 1;
    values_are($of_np,                   [2, 7, 3],              '... which can be written');
    values_are($x->at(0, 2),             [[2]],                  'at of every axis is a slice');
    values_are($x->slice(1),             [[3, 4, 5]],            'slice keeps the axis');
    values_are($x->slice('0'),           [[0, 1, 2]],            'slice of a string');
    values_are($x->slice([0, 1]),        [[0, 1, 2], [3, 4, 5]], 'a range includes both ends');
    values_are($x->slice(0, [1, 2]),     [[1, 2]],               'one index per axis');
    values_are($x->slice([0, -1], [-2, -1]), [[1, 2], [4, 5]],   'negative ends');
    values_are($x->slice('X', 1),        [[1], [4]],             'X is a whole axis');
    values_are($x->slice(':', 1),        [[1], [4]],             'so is :');
    values_are($x->slice('X', [1]),      [[1], [4]],             '[i] is a range of one');
    values_are($x->slice('X', [undef, 1]), [[0, 1], [3, 4]],     'an open beginning');
    values_are($x->slice(0, [0, 2, 2]),  [[0, 2]],               'a step');
    values_are($x->slice(0, [2, 0, -1]), [[2, 1, 0]],            'backwards');
    values_are($x->slice([[0, 1], [2, 0]]), [2, 3],              'points');
    values_are($x->slice([[1, 0]]),      [[3, 4, 5], [0, 1, 2]], 'rows by list');
    values_are($x->slice(nd->array([1, 1])), [[3, 4, 5], [3, 4, 5]], 'rows by array');
    values_are($x->slice(begin => [0, 1], end => [2, 3]), [[1, 2], [4, 5]], 'the operator');
    values_are($x->[1],                  [3, 4, 5],              'as an array of rows');
    values_are($x->[1][2],               [5],                    'and elements');
    is(scalar @$x, 2, 'the number of rows');
    values_are($x->T, [[0, 3], [1, 4], [2, 5]], 'T');

    throws(sub { $x->at(2) },            'OutOfRangeError',   qr/index 2 .* axis 0 with size 2/,
        'at too far');
    throws(sub { $x->slice(0, -4) },     'OutOfRangeError',   qr/index -4 .* axis 1 with size 3/,
        'slice too far');
    throws(sub { $x->slice([0, 2]) },    'OutOfRangeError',   qr/index 2/, 'a range that ends outside');
    throws(sub { $x->slice([1, 0]) },    'InvalidValueError', qr/is empty; .*include both/, 'an empty range');
    throws(sub { $x->slice(0, 0, 0) },   'OutOfRangeError',   qr/3 indices .* 2 axes/, 'too many');
    throws(sub { $x->slice(1.5) },       'InvalidTypeError',  qr/not '1.5'/, 'a fraction');
    throws(sub { $x->slice('one') },     'InvalidTypeError',  qr/not 'one'/, 'a word');
    throws(sub { $x->slice(undef) },     'InvalidTypeError',  qr/not undef/, 'undef');
    throws(sub { $x->slice([0, 1, 0]) }, 'InvalidValueError', qr/a step is/, 'step 0');
    throws(sub { $x->slice([[0, 9]]) },  'OutOfRangeError|IndexError', qr/9/, 'a point outside');
    throws(sub { nd->array(1)->reshape([1])->at(1) }, 'OutOfRangeError', qr/index 1/, 'of one axis');
};

subtest 'write parts' => sub {
    my $x = nd->zeros([2, 3]);
    $x->slice(1, 2) .= 7;
    values_are($x, [[0, 0, 0], [0, 0, 7]], 'a number into one element');
    $x->slice(0) .= [1, 2, 3];
    values_are($x, [[1, 2, 3], [0, 0, 7]], 'a list into a row');
    $x->at(1) .= nd->array([4, 5, 6]);
    values_are($x, [[1, 2, 3], [4, 5, 6]], 'an array into at');
    $x->at(1) .= $x->at(0);
    values_are($x, [[1, 2, 3], [1, 2, 3]], 'a part into another');
    $x->slice('X', [1, 2]) *= 10;
    values_are($x, [[1, 20, 30], [1, 20, 30]], 'in place');
    $x->slice(0, 0) -= nd->array([1]);
    values_are($x, [[0, 20, 30], [1, 20, 30]], 'in place with an array');
    $x->[1][0] .= 9;
    values_are($x, [[0, 20, 30], [9, 20, 30]], 'through @{}');
    $x->reshape([6])->slice([0, 1]) .= 5;
    values_are($x, [[5, 5, 30], [9, 20, 30]], 'through reshape');
    my $row = $x->at(0);
    $x .= 1;
    values_are($row, [1, 1, 1], 'a part sees what is written to the whole');
    $x .= [[1, 2, 3], [4, 5, 6]];
    values_are($x->set(0), [[0, 0, 0], [0, 0, 0]], 'set');
    my $copy = $x->copy;
    $copy .= 3;
    values_are($x, [[0, 0, 0], [0, 0, 0]], 'a copy is apart');
    my $other = nd->ones([2, 3]);
    is($x->copyto($other)->handle, $other->handle, 'copyto gives the target');
    values_are($other, [[0, 0, 0], [0, 0, 0]], '... overwritten');
    $x->slice('X', [1, 2])->slice(1) .= 8;
    values_are($x, [[0, 0, 0], [0, 8, 8]], 'a part of a part');
    $x->slice('X', 1)->slice(0) += 3;
    values_are($x, [[0, 3, 0], [0, 8, 8]], '... in place');
    nd->exp(nd->zeros([2, 1]), out => $x->slice('X', 0));
    values_are($x, [[1, 3, 0], [1, 8, 8]], 'out => a part');
    nd->exp(nd->zeros([6]), out => $x->reshape([6]));
    values_are($x, [[1, 1, 1], [1, 1, 1]], 'out => another shape');
    $x .= 0;
    my $vector = nd->zeros([3]);
    $vector->at(1) .= 4;
    values_are($vector, [0, 4, 0], 'one element of one axis');

    throws(sub { $x .= [1, 2] },              'InvalidValueError', qr/./, 'a list that does not fit');
    throws(sub { $x->slice(0) .= [[1], [2]] }, 'InvalidValueError', qr/./, 'nor into a part');
    values_are($x, [[0, 0, 0], [0, 0, 0]], 'nothing was written');
};

done_testing;
