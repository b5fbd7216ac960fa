package MXGradTest;
# What the tests of AI::MXGrad share.
use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max);
use Test::More;

our @EXPORT = qw(values_are throws live has_module);

sub _flat { return map { ref $_ eq 'ARRAY' ? _flat(@$_) : $_ } @_ }

sub _shape {
    my ($list) = @_;
    return ref $list eq 'ARRAY' ? (scalar @$list, @$list ? _shape($list->[0]) : ()) : ();
}

# The array has the shape and, but for rounding, the values of the nested list; a difference is relative
# above 1.
sub values_are {
    my ($array, $expected, $name, $tolerance) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $tolerance //= 1e-6;
    my @got  = _flat($array->aslist);
    my @want = _flat($expected);
    my ($got_shape, $want_shape) = map { join 'x', @$_ } $array->shape, [_shape($expected)];
    my @apart = grep { !(abs($got[$_] - $want[$_]) <= $tolerance * max(1, abs $want[$_])) } 0 .. max($#got,
        $#want);
    return pass($name) if $got_shape eq $want_shape && !@apart;
    return fail($name) || diag("shape $got_shape: @got\nshape $want_shape: @want");
}

# The code dies with an AI::MXGrad::Error of this type and text, at its own line: it is written on one.
sub throws {
    my ($code, $type, $text, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my (undef, $file, $line) = caller;
    my $error = eval { $code->(); 1 } ? undef : $@;
    my $is_right = ref $error && $error->isa('AI::MXGrad::Error')
        && $error->type =~ /\A(?:$type)\z/ && $error->message =~ $text
        && $error->file eq $file && $error->line == $line && "$error" =~ / at \Q$file\E line $line\.\n\z/;
    return pass($name) if $is_right;
    return fail($name) || diag(defined $error ? "got: $error" : 'nothing was thrown',
        "wanted: $type, $text, line $line");
}

# Handles given out and not yet back.
sub live {
    require AI::MXGrad;
    return AI::MXGrad->live;
}

sub has_module {
    my ($module) = @_;
    return eval "require $module; 1";    ## no critic (ProhibitStringyEval)
}

1;
