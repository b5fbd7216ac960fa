#!/usr/bin/env perl
# Writes lib/AI/MXGrad/FFI/Prototypes.pm from the C header:
#     perl tools/make_prototypes.pl ../pyffi/include/mxgrad.h > lib/AI/MXGrad/FFI/Prototypes.pm
use strict;
use warnings;

# A pointer that C writes one value through becomes a reference to a Perl scalar; one that it writes an
# array through, named here, becomes a packed buffer.
my %FILLS_ARRAY = map { $_ => 1 } (
    'mxg_ndarray_shape shape', 'mxg_load a', 'mxg_invoke out', 'mxg_invoke_packed out', 'mxg_grad_of out',
    'mxg_function_call out', 'mxg_program_run out',
);

my %VALUE = (
    'int' => 'int', 'double' => 'double', 'size_t' => 'size_t', 'int32_t' => 'sint32', 'int64_t' => 'sint64',
    'mxg_callback' => 'opaque', 'mxg_deleter' => 'opaque',
);

sub platypus_type {
    my ($function, $declaration) = @_;
    my ($type, $name) = $declaration =~ /\A(.*?)(\w+)\z/s or die "cannot read '$declaration' of $function\n";
    $type =~ s/\s+/ /g;
    $type =~ s/ ?(\*) ?/$1/g;
    $type =~ s/\s+\z//;
    return 'string*'  if $type eq 'const char**';
    return 'opaque*'  if $type eq 'void**';
    return 'string'   if $type eq 'mxg_value*';     # packed, see AI::MXGrad::Value
    return 'opaque'   if $type eq 'void*' && $name ne 'dst' || $type eq 'const mxg_options*';
    return 'string'   if $type =~ /\A(?:const )?(?:char|void)\*\z/ || $type =~ /\Aconst [\w*]+\*\z/;
    my $pointer = $type =~ s/\*\z//;
    my $value = $VALUE{$type} || ($type =~ /\Amxg_\w+\z/ && 'opaque')
        or die "unknown type '$type' in $function\n";
    return $value if !$pointer;
    return $FILLS_ARRAY{"$function $name"} ? 'string' : "$value*";
}

my $header = do { local $/ = undef; <> };
my ($abi) = $header =~ /#define MXG_ABI_VERSION (\d+)/ or die "no MXG_ABI_VERSION\n";
my ($public) = $header =~ /MXG-BEGIN(.*)MXG-END/s or die "no MXG-BEGIN ... MXG-END\n";
$public =~ s{/\*.*?\*/}{}gs;

print <<"TOP";
package AI::MXGrad::FFI::Prototypes;
# Generated from mxgrad.h by tools/make_prototypes.pl; do not edit.
use strict;
use warnings;

our \$ABI = $abi;

# [function, its result, its arguments] in the type names of FFI::Platypus; 'string' also stands for packed
# arrays and for buffers that C fills.
our \@PROTOTYPES = (
TOP
while ($public =~ /MXG_API\s+(.*?)(mxg_\w+)\((.*?)\);/gs) {
    my ($returns, $function, $arguments) = ($1, $2, $3);
    my @types = map { s/\A\s+|\s+\z//gr } split /,/, $arguments;
    @types = () if "@types" eq 'void';
    @types = map { platypus_type($function, $_) } @types;
    $returns = $returns =~ /char/ ? 'string' : 'int';
    print "    [qw($function $returns" . join('', map { " $_" } @types) . ")],\n";
}
print ");\n\n1;\n";
