#!/usr/bin/env perl
# Softmax regression on the UCI handwritten digits: one linear layer, trained by gradient descent.
#
# examples/digits.py and examples/c/digits.c of the source tree are this program in Python and C; the three
# print the same lines.
#
# * Every fifth line of digits.csv is a test image (359), the others are for training (1,438). Pixels are
#   divided by 16.
# * The weights (64, 10) and biases (10) are float32 and start at zero.
# * One step: the mean cross-entropy over all training images, its gradient, and p -= 2 * gradient. 300
#   steps.
#
# The losses go to standard output, a progress line to standard error:
#
#     perl -Ilib examples/digits.pl [digits.csv]
use strict;
use warnings;

use FindBin;
use AI::MXGrad qw(nd autograd);

my $STEPS         = 300;
my $LEARNING_RATE = 2;

my $file = shift @ARGV || "$FindBin::Bin/../../examples/data/digits.csv";
open my $csv, '<', $file or die "$file: $!\n";

my (@train_pixels, @train_digits, @test_pixels, @test_digits);
while (my $line = <$csv>) {
    my @numbers = split /,/, $line;
    my $digit = 0 + pop @numbers;
    my $is_test = ($. - 1) % 5 == 4;
    push @{ $is_test ? \@test_pixels : \@train_pixels }, [map { $_ / 16 } @numbers];
    push @{ $is_test ? \@test_digits : \@train_digits }, $digit;
}
close $csv;

my ($x, $y) = (nd->array(\@train_pixels), nd->array(\@train_digits));
my $weights = nd->zeros([64, 10])->attach_grad;
my $biases  = nd->zeros([10])->attach_grad;

$| = 1;
for my $step (1 .. $STEPS) {
    my $loss = autograd->record(sub {
        my $log_p = ($x->dot($weights) + $biases)->log_softmax;
        return -$log_p->pick($y)->mean;
    });
    $loss->backward;
    for my $parameter ($weights, $biases) {
        $parameter -= $LEARNING_RATE * $parameter->grad;
    }
    printf "step %3d  loss %.6f\n", $step, $loss->asscalar;
    print STDERR "\rtraining: step $step of $STEPS", $step == $STEPS ? "\n" : '';
}

my $guess = (nd->array(\@test_pixels)->dot($weights) + $biases)->argmax(axis => 1);
my $accuracy = ($guess == nd->array(\@test_digits))->mean;
printf "test accuracy %.4f\n", $accuracy->asscalar;
