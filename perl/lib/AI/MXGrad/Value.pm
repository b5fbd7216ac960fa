package AI::MXGrad::Value;
use strict;
use warnings;

use Exporter qw(import);
use FFI::Platypus::Memory ();
use Scalar::Util qw(blessed looks_like_number reftype);

use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail buffer $CARE mxg_ndarray_dup mxg_object_dup mxg_value_string mxg_value_bytes mxg_value_list
    mxg_value_clear
);
use AI::MXGrad::FFI::Callback ();

our @EXPORT_OK = qw(pack_values pack_dict pack_object armed results take);

# The kinds and the layout of C's mxg_value: kind, count, number, real, at.
my ($NONE, $BOOL, $INT, $DOUBLE, $STRING, $BYTES, $NDARRAY, $OBJECT, $LIST, $DICT, $CALLABLE) = 0 .. 10;
my $LAYOUT = 'l l q d J';
my $SIZE   = 32;

my $ARRAYS  = 'AI::MXGrad::NDArray';
my $OBJECTS = 'AI::MXGrad::Object';

sub _bad { return AI::MXGrad::Error->throw(@_) }

# ---- Perl's values as C's
#
# What a packed value points to is in @$keep, which has to live as long as it is used; the first entry there
# has the callables: see `armed`.

my %PACKED = (
    none  => pack($LAYOUT, $NONE, 0, 0, 0,   0),
    true  => pack($LAYOUT, $BOOL, 0, 1, 0,   0),
    false => pack($LAYOUT, $BOOL, 0, 0, 0,   0),
);

# Whether a scalar was made as a number, and as a truth value: both can only be told from 5.36 on; before,
# a string that was used as a number counts as one, and only false is recognised.
my ($is_number, $is_bool) = defined &builtin::is_bool
    ? (\&builtin::created_as_number, \&builtin::is_bool)
    : (\&_has_number, sub { $_[0] eq '' && _has_number($_[0]) });

sub _has_number {
    require B;
    return B::svref_2object(\$_[0])->FLAGS & (B::SVp_IOK() | B::SVp_NOK()) && looks_like_number($_[0] || 0);
}

# Integers are exact in 64 bits.
my $MOST = 2**63;

sub _pack {
    no warnings;    ## no critic (ProhibitNoWarnings): builtin's are experimental
    my ($keep) = @_;
    return $PACKED{none} if !defined $_[1];
    return _pack_reference($keep, $_[1]) if ref $_[1];
    return $_[1] ? $PACKED{true} : $PACKED{false} if $is_bool->($_[1]);
    if ($is_number->($_[1])) {
        return pack $LAYOUT, $INT, 0, $_[1], 0, 0 if $_[1] == int $_[1] && $_[1] < $MOST && $_[1] >= -$MOST;
        return pack $LAYOUT, $DOUBLE, 0, 0, $_[1], 0;
    }
    return _pack_string($keep, $_[1]);
}

# Text is UTF-8 already, or Perl knows its characters; what is neither is bytes.
sub _pack_string {
    my ($keep, $string) = @_;
    my $kind = $STRING;
    if (utf8::is_utf8($string)) {
        utf8::encode($string);
    }
    elsif ($string =~ /[^\x00-\x7F]/) {
        my $copy = $string;
        $kind = $BYTES if !utf8::decode($copy);
    }
    return _pointing($keep, $kind, length $string, $string);
}

sub _pointing {
    my ($keep, $kind, $count, $memory) = @_;
    push @$keep, $memory;
    return pack 'l l q d P', $kind, $count, 0, 0, $keep->[-1];
}

sub _pack_reference {
    my ($keep, $value) = @_;
    my $ref = ref $value;
    if ($ref eq $ARRAYS) {
        push @$keep, $value;
        return pack $LAYOUT, $NDARRAY, 0, 0, 0, $value->handle;
    }
    return _pointing($keep, $LIST, scalar @$value, pack_values($keep, @$value)) if $ref eq 'ARRAY';
    return pack_dict($keep, %$value) if $ref eq 'HASH';
    return _pack_callable($keep, $value) if $ref eq 'CODE';
    if (blessed $value) {
        return _pack_object($keep, $value);
    }
    if ($ref eq 'SCALAR' && defined $$value && $$value =~ /\A[01]?\z/) {
        return $$value ? $PACKED{true} : $PACKED{false};
    }
    return _bad('InvalidTypeError', 'a ' . lc($ref) . ' reference cannot be given to the engine; '
        . 'array, hash and code references can');
}

sub _pack_object {
    my ($keep, $value) = @_;
    if ($value->isa($OBJECTS)) {
        return pack_object($keep, $value);
    }
    if ($value->isa($ARRAYS)) {
        return _pack_reference($keep, $value->as_array);
    }
    return _pack_reference($keep, $ARRAYS->array($value)) if $value->isa('PDL');
    return pack_object($keep, $OBJECTS->context($value)) if $value->isa('AI::MXGrad::Context');
    return _pack_reference($keep, $$value) if $value->isa('AI::MXGrad::Value::As');
    return $$value ? $PACKED{true} : $PACKED{false} if $value->isa('JSON::PP::Boolean');
    if ($value->isa('Regexp')) {
        my ($pattern, $flags) = re::regexp_pattern($value);
        $flags =~ s/[^imsx]//g;
        return _pack_string($keep, $flags eq '' ? $pattern : "(?$flags)$pattern");
    }
    return _pack_callable($keep, $value) if reftype $value eq 'CODE' || overload::Method($value, '&{}');
    return _pack_string($keep, "$value") if overload::Method($value, '""');
    return _bad('InvalidTypeError', 'an object of ' . ref($value) . ' cannot be given to the engine');
}

sub pack_object {
    my ($keep, $object) = @_;
    push @$keep, $object;
    return pack $LAYOUT, $OBJECT, 0, 0, 0, $object->handle;
}

sub pack_values {
    my ($keep, @values) = @_;
    return join '', map { _pack($keep, $_) } @values;
}

sub pack_dict {
    my ($keep, @pairs) = @_;
    return _pointing($keep, $DICT, scalar @pairs,
        join '', map { $_ % 2 ? _pack($keep, $pairs[$_]) : _pack_string($keep, $pairs[$_]) } 0 .. $#pairs);
}

# Values whose kind has to be said.
sub bytes {
    my ($class, $string) = @_;
    utf8::downgrade($string, 1) or _bad('InvalidValueError', 'bytes: a character is above 255');
    return bless \[$BYTES, $string], 'AI::MXGrad::Value::Bytes';
}
