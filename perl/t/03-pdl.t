# PDL in and out.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(nd);

plan skip_all => 'PDL is not installed' if !has_module('PDL');
PDL->import;
require PDL::Matrix;

my $x = nd->array([[1, 2, 3], [4, 5, 6]]);

subtest 'out' => sub {
    my $pdl = $x->aspdl;
    isa_ok($pdl, 'PDL');
    is($pdl->type, 'float', 'float32 is float');
    is_deeply([$pdl->dims], [3, 2], 'the dims are the shape reversed');
    is("$pdl", "\n[\n [1 2 3]\n [4 5 6]\n]\n", 'as PDL prints it');
    $pdl .= 9;
    values_are($x, [[1, 2, 3], [4, 5, 6]], 'a copy');
    $x->aspdl .= 7;
    values_are($x, [[1, 2, 3], [4, 5, 6]], 'also when assigned to');
    is($x->at(1)->aspdl->sum, 15, 'of a part');
    is_deeply([$x->T->aspdl->list], [1, 4, 2, 5, 3, 6], 'of a transposed array');
    is_deeply([nd->ones([1])->aspdl->dims], [1], 'one element');
    my $empty = nd->zeros([0, 3])->aspdl;
    is_deeply([$empty->dims], [3, 0], 'none');
    is($x->grad, undef, 'no gradient appears');

    my $matrix = $x->asmpdl;
    isa_ok($matrix, 'PDL::Matrix');
    is_deeply([$matrix->dims], [2, 3], 'asmpdl: dims in matrix order');
    is($matrix->at(1, 2), 6, '... and so are its elements');
    is("$matrix", "\n[\n [1 2 3]\n [4 5 6]\n]\n", '... printed as a matrix');
};

subtest 'dtypes' => sub {
    my %type = (
        float16 => 'float', float32 => 'float', float64 => 'double', int8 => 'sbyte', uint8 => 'byte',
        int32 => 'long', int64 => 'longlong', bool => 'byte',
    );
    for my $dtype (sort keys %type) {
        my $array = nd->array([[0, 1, 1], [1, 0, 1]], dtype => $dtype);
        my $pdl = $array->aspdl;
        is($pdl->type, $type{$dtype}, "$dtype is $type{$dtype}");
        is_deeply([$pdl->list], [0, 1, 1, 1, 0, 1], "$dtype out");
        my $back = nd->array($pdl, dtype => $dtype);
        is($back->dtype, $dtype, "$dtype in");
        is_deeply($back->aslist, [[0, 1, 1], [1, 0, 1]], "$dtype and back");
    }
    is(nd->array(PDL->new([1.5]))->dtype, 'float32', 'float32 by default, also of a double PDL');
    is(nd->array(PDL::long(1))->dtype,    'float32', 'and of a long one');
    my $big = 9_007_199_254_740_993;
    is(nd->array(PDL::longlong($big), dtype => 'int64')->asscalar, $big, 'a longlong beyond a double');
};

subtest 'in' => sub {
    values_are(nd->array(PDL->sequence(3, 2)), [[0, 1, 2], [3, 4, 5]], 'dims reversed');
    values_are(nd->array(PDL->sequence(3, 2)->transpose), [[0, 3], [1, 4], [2, 5]], 'a transposed PDL');
    values_are(nd->array(PDL->sequence(4, 3)->slice('1:2,0:2:2')), [[1, 2], [9, 10]], 'a slice');
    values_are(nd->array(PDL->sequence(3)->slice('-1:0')), [2, 1, 0], 'a reversed slice');
    values_are(nd->array(PDL->sequence(2)->dummy(1, 2)), [[0, 1], [0, 1]], 'a dummy dimension');
    values_are(nd->array(PDL->new(5)), [5], 'a PDL without dims has shape [1]');
    is_deeply(nd->array(PDL->zeroes(0))->shape, [0], 'an empty PDL');
    is_deeply(nd->array(PDL->zeroes(3, 0))->shape, [0, 3], 'an empty PDL of two dims');
    my $matrix = PDL::Matrix::mpdl([[1, 2, 3], [4, 5, 6]]);
    values_are(nd->array($matrix), [[1, 2, 3], [4, 5, 6]], 'a PDL::Matrix');
    values_are(nd->array($x->asmpdl), [[1, 2, 3], [4, 5, 6]], 'a PDL::Matrix of ours');
    my $source = PDL->sequence(3);
    my $array = nd->array($source);
    $source .= 9;
    values_are($array, [0, 1, 2], 'a copy');
};

subtest 'operands' => sub {
    my $pdl = PDL->new([[10, 20, 30], [40, 50, 60]]);
    values_are($x + $pdl, [[11, 22, 33], [44, 55, 66]], 'NDArray + PDL');
    my $sum = $pdl + $x;
    isa_ok($sum, 'AI::MXGrad::NDArray', 'PDL + NDArray');
    values_are($sum, [[11, 22, 33], [44, 55, 66]], '... its value');
    values_are($pdl - $x, [[9, 18, 27], [36, 45, 54]], 'PDL - NDArray');
    values_are($pdl > $x * 12, [[0, 0, 0], [0, 0, 0]], 'PDL > NDArray');
    values_are($pdl < $x * 12, [[1, 1, 1], [1, 1, 1]], 'PDL < NDArray');
    values_are($pdl - $x->slice(1), [[6, 15, 24], [36, 45, 54]], 'PDL - a part');
    values_are($x->slice(1) - $pdl, [[-6, -15, -24], [-36, -45, -54]], 'a part - PDL');
    values_are($x->slice(1) - $x->slice(0), [[3, 3, 3]], 'a part - a part');
    values_are(PDL->new(12) / $x, [[12, 6, 4], [3, 2.4, 2]], 'a PDL without dims / NDArray');
    my $y = $x->copy;
    $y += $pdl;
    values_are($y, [[11, 22, 33], [44, 55, 66]], '+= PDL');
    $y->slice(0) .= PDL->new([[7, 8, 9]]);
    values_are($y, [[7, 8, 9], [44, 55, 66]], '.= PDL');
    values_are($x->dot(PDL->new([[1], [1], [1]])), [[6], [15]], 'as the input of an operator');
    is((nd->ones([1], dtype => 'int32') + PDL->new([2.0]))->dtype, 'int32', 'in the dtype of the array');
};

subtest 'bad values' => sub {
    my $pdl = PDL->sequence(3)->setbadat(1);
    throws(sub { nd->array($pdl) }, 'InvalidValueError', qr/bad values.*setbadtonan/, 'in');
    throws(sub { my $z = nd->ones([3]) + $pdl }, 'InvalidValueError', qr/bad values/, 'as an operand');
    values_are(nd->array($pdl->setbadtoval(5)), [0, 5, 2], 'once they have a value');
    my $clean = PDL->sequence(3);
    $clean->badflag(1);
    values_are(nd->array($clean), [0, 1, 2], 'the flag alone is no bad value');
};

done_testing;
