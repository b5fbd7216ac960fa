#!/usr/bin/env perl
# Part 5 of 5, prediction: what the network of part 4 reads in some images.
#
#     perl -Ilib examples/part_5_predict.pl [digits.params [digits.pgm]]
#
# Without a file of parameters, as part 4 writes it, the network is trained first. The images go into a
# picture.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use AI::MXGrad::Compat;
use AI::MXNet qw(mx);
use DigitsNet qw(digits digits_net train accuracy);
use PDL;
use PDL::IO::Pnm;

my ($params, $picture) = @ARGV;
my $SHOWN = 4;

my $net = digits_net();
if (defined $params) {
    $net->load_parameters($params);
}
else {
    train($net, 10, sub { });
}

my (undef, undef, $pixels, $digits) = digits();
my $images = $pixels->slice(':,0:' . ($SHOWN - 1));
my $chances = $net->($images)->softmax->aspdl;
my $best = $chances->maximum_ind;
my @shades = split //, ' .:-=+*#%@';
for my $i (0 .. $SHOWN - 1) {
    for my $row (@{ unpdl(long($images->slice(":,($i)")->reshape(8, 8) * 9)) }) {
        print join('', map { $shades[$_] x 2 } @$row), "\n";
    }
    printf "reads %d with %.0f %%, is %d\n\n", $best->at($i), 100 * $chances->at($best->at($i), $i),
        $digits->at($i);
}
printf "test accuracy %.4f\n", accuracy($net);

# Side by side, each pixel 8 pixels wide and high; to PDL the first row of a picture is the lowest.
if (defined $picture) {
    my $row = $images->reshape(8, 8, $SHOWN)->xchg(1, 2)->clump(2);
    my $large = $row->dummy(0, 8)->clump(2)->dummy(1, 8)->clump(1, 2)->slice(':,-1:0');
    ($large * 255)->byte->wpnm($picture, 'PGM', 1);
}
