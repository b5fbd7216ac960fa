#!/usr/bin/env perl
# Writes lib/AI/MXGrad/Ops.pod, the reference of all operators, from what the engine says of them:
#     perl -Ilib tools/make_pod.pl > lib/AI/MXGrad/Ops.pod
use strict;
use warnings;

use AI::MXGrad ();

my $VERBATIM = '    ';

# A docstring of the engine as POD: ``code`` and examples after >>> are all the markup it has.
sub pod_of {
    my ($text) = @_;
    $text =~ s/\s+\z//;
    my @blocks = split /\n[ \t]*\n/, $text;
    for my $block (@blocks) {
        if ($block =~ /^\s*>>>/) {
            $block =~ s/^\s*/$VERBATIM/gm;
            next;
        }
        $block =~ s/^\s+//gm;
        $block =~ s/([<>])/$1 eq '<' ? 'E<lt>' : 'E<gt>'/ge;
        $block =~ s/``(.+?)``/C<$1>/gs;
        $block =~ s/`([^`\n]+)`/C<$1>/g;
    }
    return join "\n\n", @blocks;
}

sub entry {
    my ($name) = @_;
    my $info = AI::MXGrad::Ops::info($name);
    my @arguments = map { "\$$_" } @{ $info->{arrays} };
    push @arguments, "\@$info->{variadic}" if defined $info->{variadic};
    push @arguments, map { $_->[0] . ' =>' . (defined $_->[1] ? " $_->[1]" : '') } @{ $info->{params} };
    my $call = $name =~ s/\Anpx?[.]//r =~ s/[.]/->/gr;
    my $signature = "$call(" . join(', ', @arguments) . ')';
    $signature =~ s/([<>])/$1 eq '<' ? 'E<lt>' : 'E<gt>'/ge;
    return "=item $signature\n\n" . pod_of($info->{doc}) . "\n\n";
}

sub section {
    my ($title, $intro, @names) = @_;
    return "=head1 $title\n\n$intro\n\n=over\n\n" . join('', map { entry($_) } @names) . "=back\n\n";
}

my @names = AI::MXGrad::Ops::names();
my @np  = grep { /\Anp[.]/ } @names;
my @npx = grep { /\Anpx[.]/ } @names;
my @nd  = grep { !/\Anpx?[.]/ } @names;

print <<'POD';
=encoding UTF-8

=head1 NAME

AI::MXGrad::Ops - every operator

=head1 SYNOPSIS

    use AI::MXGrad qw(nd);

    my $x = nd->array([[1, 2], [3, 4]]);
    my $a = $x->sum(axis => 1);                      # as a method
    my $b = nd->sum($x, axis => 1);                  # as a function
    my $c = nd->sum($x, {axis => 1, keepdims => 1}); # parameters in a hash reference
    my $d = nd->sum($x, 1);                          # parameters by position, after the arrays
    nd->exp($x, out => $x);                          # into an existing array

=head1 DESCRIPTION

This page is generated from the engine. Operators are real subs: C<< nd->can('relu') >> is true, and an
unknown name is Perl's own error.

Arrays come first, by position or by name; as a method the object is the first of them. Then come
parameters, by position or by name. A parameter is a number, a string, undef (Python's None), C<''> (False),
1 (True), or an array reference (a tuple). Defaults and examples below are written as in Python; a parameter
without a default must be given. Every operator takes C<out>, an array to write the result into. One result
is returned as an array, several as an array reference.

Errors are L<AI::MXGrad::Error> objects: InvalidTypeError for unknown parameters and dtypes that do not fit,
InvalidValueError for shapes and values that do not.

=head1 METHODS

The class itself has functions that the rest of the distribution uses:

=over

=item names

All operators, as the engine writes their names: C<dot>, C<random.uniform>, C<np.exp>.

=item info($name)

What the engine says of one: a hash reference with C<name>, C<doc>, C<arrays>, C<variadic> and C<params>.

=item handle($name), invoke($op, \@arrays, \%params), invoke_named($name, ...), parameter($value)

Internal.

=back

POD
print section('OPERATORS', 'As methods of arrays, and of C<nd>.', @nd);
print section('OPERATORS OF NP', 'As methods of C<np>: see L<AI::MXGrad/EXPORTS>.', @np) if @np;
print section('OPERATORS OF NPX', 'As methods of C<npx>.', @npx) if @npx;
print "=cut\n";
