# What the Perl rendering of steps.txt begins with: how a step's result or error is printed.
use strict;
use warnings;

use AI::MXGrad qw(mx nd np npx autograd);
use Scalar::Util qw(blessed looks_like_number);

use constant {inf => 9**9**9, nan => -sin 9**9**9};

sub text {
    my ($value) = @_;
    return 'None' if !defined $value;
    return $value->asstr if blessed $value && $value->isa('AI::MXGrad::NDArray');
    if (ref $value eq 'ARRAY') {
        return join "\n", map { text($_) } @$value if grep { ref } @$value;
        return '[' . join(', ', map { text($_) } @$value) . ']';
    }
    return looks_like_number($value) ? sprintf '%.9g', $value : "$value";
}

sub show {
    my ($place, $value) = @_;
    print "\@$place\n", text($value), "\n";
    return;
}

sub failed {
    my ($place, $error) = @_;
    chomp $error if !ref $error;
    $error = $error->type . ': ' . $error->message if ref $error;
    print "\@$place\n! $error\n";
    return;
}
