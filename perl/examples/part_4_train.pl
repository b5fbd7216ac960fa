#!/usr/bin/env perl
# Part 4 of 5, training: a network of two layers learns to read digits.
#
#     perl -Ilib examples/part_4_train.pl [digits.params [curve.pgm]]
#
# The parameters go into the file that is named, and the curve of the loss into a picture.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use AI::MXGrad::Compat;
use AI::MXNet qw(mx);
use DigitsNet qw(digits digits_net train);
use PDL;
use PDL::IO::Pnm;

my ($params, $picture) = @ARGV;

my $net = digits_net();
print "$net\n";
my @losses;
train($net, 10, sub {
    my ($epoch, $loss, $accuracy) = @_;
    printf "epoch %2d  loss %.4f  test accuracy %.4f\n", $epoch, $loss, $accuracy;
    push @losses, $loss;
});
$net->save_parameters($params) if defined $params;

# A bar of 16 pixels for each epoch, 100 pixels high for the first.
if (defined $picture) {
    my $heights = pdl(@losses)->dummy(0, 16)->clump(2) / max(pdl(@losses)) * 100;
    my $is_above = yvals(long, $heights->nelem, 100) >= $heights->dummy(1, 100);
    ($is_above * 255)->byte->wpnm($picture, 'PGM', 1);
}
