#!/usr/bin/env perl
# Part 1 of 5, arrays: how they are made, asked, computed with, taken apart and given to PDL.
#
#     perl -Ilib examples/part_1_arrays.pl
use strict;
use warnings;

use PDL;
use AI::MXGrad::Compat;
use AI::MXNet qw(mx);

my $x = nd->array([[1, 2, 3], [5, 6, 7]]);
print 'An array of 2 rows and 3 columns, and what it says of itself:', $x->aspdl;
print "$x\n", "shape @{ $x->shape }, size ", $x->size, ', ', $x->dtype, ', ', $x->context, "\n";

print "\nOnes, and numbers from -1 to 1:";
mx->random->seed(1);
print nd->ones([2, 3])->aspdl, nd->random->uniform(-1, 1, shape => [2, 3])->aspdl;

print "\nx * x, exp(x), and the matrix product of x with itself transposed:";
print +($x * $x)->aspdl, $x->exp->aspdl, nd->dot($x, $x->T)->aspdl;

print "\nThe sums of the rows; the part of x in row 1, columns 1 to 2; and x after 9 was written there:\n";
print $x->sum(axis => 1)->aspdl, "\n", $x->slice(1, [1, 2])->aspdl;
$x->slice(1, [1, 2]) .= 9;
print $x->aspdl;

# A PDL's first dimension runs fastest, so its dims are the shape reversed and the memory is the same.
my $ramp = sequence(4, 3);
my $y = nd->array($ramp) / 12;
print "\nA PDL of dims 4 and 3 is an array of shape @{ $y->shape }; and a picture of it, row by row:\n";
my @shades = split //, ' .:-=+*#%@';
for my $row (@{ unpdl(floor($y->aspdl * 10)) }) {
    print join('', map { $shades[$_] x 2 } @$row), "\n";
}
