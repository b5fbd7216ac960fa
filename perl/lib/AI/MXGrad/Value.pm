package AI::MXGrad::Value;
use strict;
use warnings;

use overload ();

use Exporter qw(import);
use FFI::Platypus::Memory ();
use Scalar::Util qw(blessed looks_like_number reftype);

use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail buffer $CARE mxg_ndarray_dup mxg_object_dup mxg_value_string mxg_value_bytes mxg_value_list
    mxg_value_clear
);
use AI::MXGrad::FFI::Callback ();

our @EXPORT_OK = qw(pack_value pack_values pack_dict pack_object armed results take $ARRAYS $AN_ARRAY);

# The kinds and the layout of C's mxg_value: kind, count, number, real, at.
my ($NONE, $BOOL, $INT, $DOUBLE, $STRING, $BYTES, $NDARRAY, $OBJECT, $LIST, $DICT, $CALLABLE) = 0 .. 10;
my $LAYOUT = 'l l q d J';
my $SIZE   = 32;

# Of an array, all but its handle; and its class.
our $AN_ARRAY = pack 'l l q d', $NDARRAY, 0, 0, 0;
our $ARRAYS   = 'AI::MXGrad::NDArray';

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

sub pack_value {
    no if $] >= 5.035, warnings => 'experimental::builtin';
    my ($keep) = @_;
    if (my $ref = ref $_[1]) {
        return _pack_reference($keep, $_[1]) if $ref ne $ARRAYS;
        push @$keep, $_[1];
        return $AN_ARRAY . pack 'J', ${ $_[1] };
    }
    return $PACKED{none} if !defined $_[1];
    return $_[1] ? $PACKED{true} : $PACKED{false} if $is_bool->($_[1]);
    if ($is_number->($_[1])) {
        return pack 'l x4 q x16', $INT, $_[1] if $_[1] == int $_[1] && $_[1] < $MOST && $_[1] >= -$MOST;
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
    my ($keep, $kind, $count, $memory, $number) = @_;
    push @$keep, $memory;
    return pack 'l l q d P', $kind, $count, $number // 0, 0, $keep->[-1];
}

sub _pack_reference {
    my ($keep, $value) = @_;
    my $ref = ref $value;
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
        return pack_value($keep, $value->as_array);
    }
    return pack_value($keep, $ARRAYS->array($value)) if $value->isa('PDL');
    return pack_object($keep, $OBJECTS->_of_context($value)) if $value->isa('AI::MXGrad::Context');
    return _pointing($keep, $BYTES, length $$value, $$value) if $value->isa('AI::MXGrad::Value::Bytes');
    return _pointing($keep, $LIST, scalar @$value, pack_values($keep, @$value), 1)
        if $value->isa('AI::MXGrad::Value::Tuple');
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
    my $keep = shift;
    my $packed = '';
    $packed .= pack_value($keep, $_) for @_;
    return $packed;
}

sub pack_dict {
    my ($keep, @pairs) = @_;
    return _pointing($keep, $DICT, scalar @pairs, join '',
        map { $_ % 2 ? pack_value($keep, $pairs[$_]) : _pack_string($keep, $pairs[$_]) } 0 .. $#pairs);
}

# Values whose kind has to be said.
sub bytes {
    my ($class, $string) = @_;
    utf8::downgrade($string, 1) or _bad('InvalidValueError', 'bytes: a character is above 255');
    return bless \$string, 'AI::MXGrad::Value::Bytes';
}

sub tuple {
    my ($class, @values) = @_;
    return bless \@values, 'AI::MXGrad::Value::Tuple';
}

# ---- C's values as Perl's

# The values in packed ones. They are `ours`: their memory is given back, their handles are kept; or they are
# only lent, and every handle is another of our own. A list that is a tuple is a Tuple.
sub _unpack {
    my ($packed, $ours) = @_;
    my @fields = unpack "($LAYOUT)*", $packed;
    my @values;
    push @values, _value($ours, splice @fields, 0, 5) while @fields;
    return @values;
}

sub _value {
    my ($ours, $kind, $count, $number, $real, $at) = @_;
    return
          $kind == $NDARRAY ? $ARRAYS->_wrap($ours ? $at : _dup(\&mxg_ndarray_dup, $at))
        : $kind == $DOUBLE  ? $real
        : $kind == $INT     ? $number
        : $kind == $NONE    ? undef
        : $kind == $BOOL    ? $number != 0
        : $kind == $OBJECT  ? $OBJECTS->_from_handle($ours ? $at : _dup(\&mxg_object_dup, $at))
        :                     scalar _unpack_memory($kind, $count, $number, $at, $ours);
}

sub _dup {
    my ($dup, $handle) = @_;
    $dup->($handle, \my $h) and fail();
    return $h;
}

sub _unpack_memory {
    my ($kind, $count, $number, $at, $ours) = @_;
    my $is_text = $kind == $STRING || $kind == $BYTES;
    my $memory = _memory($at, $count * ($is_text ? 1 : $SIZE));
    if ($is_text) {
        mxg_value_clear(pack $LAYOUT, $kind, $count, 0, 0, $at) if $ours;
        utf8::decode($memory) if $kind == $STRING;
        return $memory;
    }
    my @values = _unpack($memory, $ours);

    # Without its entries, whose handles are kept.
    mxg_value_clear(pack $LAYOUT, $kind, 0, 0, 0, $at) if $ours;
    return {@values} if $kind == $DICT;
    return $number ? __PACKAGE__->tuple(@values) : \@values;
}

sub _memory {
    my ($address, $bytes) = @_;
    return $bytes ? unpack "P$bytes", pack 'J', $address : '';
}

# A list without the difference between Python's lists and tuples, which Perl does not make.
sub plain {
    my ($value) = @_;
    my $ref = ref $value or return $value;
    return [map { ref $_ ? plain($_) : $_ } @$value] if $ref eq 'ARRAY' || $ref eq 'AI::MXGrad::Value::Tuple';
    return {map { ref $_ ? plain($_) : $_ } %$value} if $ref eq 'HASH';
    return $value;
}

# What a call gave: a tuple is several values in list context.
sub results {
    my ($kind, $at) = unpack 'l x20 J', $_[0];
    return bless \$at, $ARRAYS if $kind == $NDARRAY;
    my $value = _value(1, unpack $LAYOUT, $_[0]);
    return $value if !ref $value;
    return map { plain($_) } @$value if wantarray && ref $value eq 'AI::MXGrad::Value::Tuple';
    return plain($value);
}

# What an attribute is.
sub take {
    return plain(_value(1, unpack $LAYOUT, $_[0]));
}

# ---- Perl's subs as C's callables

# The subs that the engine may call, by the number it knows them by: the sub, its C structure, for methods the
# package of the object, and whether an undef that it gives ends an iteration.
my %CALLED;
my $LAST = 0;

# The two C entry points of this interpreter; every sub shares them.
my $ENTRY;

sub CLONE {
    %CALLED = ();
    undef $ENTRY;
    return;
}

# (function, deleter)
sub _entries {
    $ENTRY ||= AI::MXGrad::FFI::Callback->new(
        ['(opaque, sint32, opaque, opaque, opaque)->int', \&_call], ['(opaque)->void', \&_deleted]);
    return $ENTRY->addresses;
}

# The engine takes a callable over with the call that it is given to; an error before that must leave none
# behind, so until then it is only noted.
sub _pack_callable {
    my ($keep, $code, %about) = @_;
    my ($function, $deleter) = _entries();
    my $number = ++$LAST;
    my $entry = {%about, code => $code, struct => pack 'J3', $function, $number, $deleter};
    push @{ $keep->[0] }, [$number, $entry];
    return pack 'l l q d P', $CALLABLE, 0, 0, 0, $entry->{struct};
}

# The methods of a class written in Perl, by their Python names, as a dict.
sub pack_methods {
    my ($keep, $package, %methods) = @_;
    return _pointing($keep, $DICT, 2 * keys %methods, join '', map {
        my $name = $methods{$_};
        _pack_string($keep, $_), _pack_callable($keep,
            sub { my ($self, @rest) = @_; return $self->$name(@rest) },
            package => $package, is_iterable => $_ eq '__iter__');
    } sort keys %methods);
}

# To be called when all is packed and C comes next.
sub armed {
    my ($keep) = @_;
    for my $new (@{ $keep->[0] || [] }) {
        $CALLED{ $new->[0] } = $new->[1];
        $CARE++;
    }
    return;
}

sub _deleted {
    my ($number) = @_;
    $CARE-- if delete $CALLED{$number};
    return;
}

my $STOP = -14;

sub _call {
    my ($number, $n_args, $args, $named, $result) = @_;
    return AI::MXGrad::FFI::Callback::guard(sub {
        my $about = $CALLED{$number};
        my @self = $about->{package} ? $OBJECTS->_of_package($about->{package},
            _dup(\&mxg_object_dup, (unpack $LAYOUT, _memory($args, $SIZE))[-1])) : ();
        my @rest = _unpack(_memory($args + $SIZE * @self, $SIZE * ($n_args - @self)), 0);
        my ($by_name) = _unpack(_memory($named, $SIZE), 0);
        my @results = $about->{code}->(@self, map { plain($_) } @rest, %{ $by_name || {} });
        return $STOP if $about->{is_iterator} && !defined $results[0];
        my $value = @results > 1 ? __PACKAGE__->tuple(@results) : $results[0];
        return _give($result, $value, $about->{is_iterable});
    });
}

# Writes a value that C then owns to where it expects one.
sub _give {
    my ($address, $value, $is_iterable) = @_;
    my $keep = [undef];
    my $owned = _owned($is_iterable && ref $value eq 'CODE'
        ? _pack_callable($keep, $value, is_iterator => 1) : pack_value($keep, $value));
    armed($keep);
    FFI::Platypus::Memory::memcpy($address, _address($owned), $SIZE);
    return 0;
}

# The same values in memory of C, with handles of their own.
sub _owned {
    my ($packed) = @_;
    my ($kind, $count, $number, $real, $at) = unpack $LAYOUT, $packed;
    if ($kind == $NDARRAY || $kind == $OBJECT) {
        return pack $LAYOUT, $kind, 0, 0, 0,
            _dup($kind == $NDARRAY ? \&mxg_ndarray_dup : \&mxg_object_dup, $at);
    }
    my $value = buffer($SIZE);
    if ($kind == $STRING || $kind == $BYTES) {
        my $make = $kind == $STRING ? \&mxg_value_string : \&mxg_value_bytes;
        $make->(_memory($at, $count), $count, $value) and fail();
        return $value;
    }
    return $packed if $kind != $LIST && $kind != $DICT;
    mxg_value_list($count, $kind == $DICT ? 1 : 0, $value) and fail();
    my $entries = join '', map { _owned($_) } unpack "(a$SIZE)*", _memory($at, $count * $SIZE);
    my (undef, undef, undef, undef, $new) = unpack $LAYOUT, $value;
    FFI::Platypus::Memory::memcpy($new, _address($entries), length $entries);
    return pack $LAYOUT, $kind, $count, $number, 0, $new;
}

sub _address { return unpack 'J', pack 'P', $_[0] }

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Value - Perl's values as the engine's, and back

=head1 DESCRIPTION

Internal: see L<AI::MXGrad::Object/VALUES> for what becomes of what.

=cut
