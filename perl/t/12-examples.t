# The tutorials: what they print is what their pages print.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

my $perl_dir = abs_path("$FindBin::Bin/..");
my $dir = tempdir(CLEANUP => 1);
my @perl = ($^X, map { "-I$_" } "$perl_dir/lib", grep { !ref } @INC);

sub output_of {
    my (@command) = @_;
    open my $pipe, '-|', join(' ', map { "'$_'" } @command) . " 2>$dir/stderr" or die "@command: $!";
    my $said = do { local $/ = undef; <$pipe> };
    close $pipe;
    open my $complaints, '<', "$dir/stderr" or die $!;
    is($?, 0, "$command[-1] runs") or diag <$complaints>;
    return $said;
}

# All numbers in a text, None and the like left out; what stands between < and > is no value.
sub numbers {
    my ($text) = @_;
    $text =~ s/<[^>]*>//g;
    return $text =~ /(?<![\w.])-?[0-9]+(?:[.][0-9]*)?(?:e[-+]?[0-9]+)?(?![\w])/g;
}

SKIP: {
    has_module('PDL::LinearAlgebra') or skip 'PDL::LinearAlgebra is not installed', 4;
    my $expected = "\n[\n [1 2]\n [3 4]\n]\n" . "\n[\n [ 4  8]\n [12 16]\n]\n" . '[2048 0]'
        . '[2048 1895.89]';
    my $shortened = sub { return $_[0] =~ s/(1895[.]89)\d+/$1/r };    # newer PDLs print more digits
    my $file = "$perl_dir/examples/tutorial_003.pl";
    is($shortened->(output_of(@perl, $file)), $expected, 'the Perl tutorial prints what its page prints');

    open my $tutorial, '<', $file or die $!;
    my ($page) = do { local $/ = undef; <$tutorial> } =~ /^(use AI::MXNet qw\(mx\);\n.*)/ms;
    open my $copy, '>', "$dir/page.pl" or die $!;
    print {$copy} $page;
    close $copy;
    is($shortened->(output_of(@perl, '-MAI::MXGrad::Compat', "$dir/page.pl")), $expected,
        'also verbatim, with -MAI::MXGrad::Compat');
}

SKIP: {
    my $file = "$perl_dir/../tests/data/tutorials.json";
    -e $file or skip 'the expectations are not beside this distribution', 1;
    require JSON::PP;
    open my $json, '<', $file or die $!;
    my $tutorials = JSON::PP->new->decode(do { local $/ = undef; <$json> })->{tutorials};
    for my $name (qw(000 001 002 004)) {
        my $said = output_of(@perl, "$perl_dir/examples/tutorial_$name.pl");
        my $text = $tutorials->{$name}{text};
        if ($name eq '000' || $name eq '004') {
            is($said, $text, "tutorial $name prints what Python prints");
            next;
        }
        is("@{[map { 0 + $_ } numbers($said)]}", "@{[map { 0 + $_ } numbers($text)]}",
            "tutorial $name prints the numbers that Python prints");
    }
}

SKIP: {
    -e "$perl_dir/../examples/data/digits.csv" or skip 'the digits are not beside this distribution', 1;
    my @lines = split /\n/, output_of(@perl, "$perl_dir/examples/digits.pl");
    is(scalar @lines, 301, 'digits.pl: a line for each step');
    is($lines[0], 'step   1  loss 2.302585', '... the first is log 10');
    my ($accuracy) = $lines[-1] =~ /^test accuracy (.*)/;
    cmp_ok($accuracy, '>=', 0.95, '... and the accuracy');
}

SKIP: {
    has_module('PDL') or skip 'PDL is not installed', 1;
    my $said = output_of(@perl, "$perl_dir/examples/part_1_arrays.pl");
    like($said, qr/The sums of the rows.*\[6 18\].*\[5 9 9\]/s, 'part 1, arrays');
    like($said, qr/^ {4}\.\.::\n--==\+\+\+\+\n\*\*##%%@@\n\z/m, '... and its picture');
    $said = output_of(@perl, "$perl_dir/examples/part_2_network.pl");
    like($said, qr/dense1_weight, dense1_bias.*TwoWays\(.*the shape 2 x 6\n\z/s, 'part 2, a network');
    $said = output_of(@perl, "$perl_dir/examples/part_3_autograd.pl");
    like($said, qr/\[ 4 {2}8\]\n \[12 16\].*\[32 32\].*\[4 6\].*#{41}\n\z/s, 'part 3, gradients');

    -e "$perl_dir/../examples/data/digits.csv" or skip 'the digits are not beside this distribution', 1;
    $said = output_of(@perl, "$perl_dir/examples/part_4_train.pl", "$dir/net.params", "$dir/curve.pgm");
    my @losses = $said =~ /loss (\S+)/g;
    is(scalar @losses, 10, 'part 4, training');
    is($losses[0], '1.9286', '... starts as in every language');
    cmp_ok($losses[-1], '<', 0.15, '... and learns');
    is(-s "$dir/curve.pgm", length("P5\n160 100\n255\n") + 16_000, '... and draws');
    $said = output_of(@perl, "$perl_dir/examples/part_5_predict.pl", "$dir/net.params", "$dir/digits.pgm");
    my ($accuracy) = $said =~ /^test accuracy (.*)/m;
    cmp_ok($accuracy, '>=', 0.92, 'part 5, prediction');
    is(scalar(() = $said =~ /^reads \d with \d+ %, is \d$/mg), 4, '... says what it reads');
    is(-s "$dir/digits.pgm", length("P5\n256 64\n255\n") + 16_384, '... and shows it');
}

done_testing;
