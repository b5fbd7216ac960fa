package AI::MXGrad::Ops;
use strict;
use warnings;

use overload ();
use Scalar::Util qw(blessed looks_like_number);

use AI::MXGrad::Context ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail here handles take_handles text_of buffer $RECORDING mxg_op_find mxg_op_count mxg_op_at mxg_op_info
    mxg_invoke_packed mxg_invoke_into mxg_invoke1 mxg_invoke2 mxg_invoke_scalar
);

my $NDARRAY = 'AI::MXGrad::NDArray';

# Room for results at the first try; an op that has more is called again.
my $ROOM = 16;

my %OP;

# `dot` becomes the method dot of this package, `random.uniform` the method uniform of the package random
# below it, which `->random` gives, and so on; those of nd also have the flat name random_uniform.
sub _install {
    mxg_op_count(\my $count) and fail();
    for my $i (0 .. $count - 1) {
        mxg_op_at($i, \my $handle, \my $name) and fail();
        my $code = _method($OP{$name} = {name => $name, h => $handle});
        my ($package, @below) = (__PACKAGE__, split /[.]/, $name);
        my $method = pop @below;
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        no warnings 'redefine';
        for my $part (@below) {
            my $inner = "${package}::$part";
            *{$inner} = sub { return $inner } if !defined &{$inner};
            $package = $inner;
        }
        *{"${package}::$method"} = $code;
        if (@below && $below[0] !~ /\Anpx?\z/) {
            my $flat = __PACKAGE__ . '::' . join '_', @below, $method;
            *{$flat} = $code if !defined &{$flat};
        }
    }
    return;
}

# The handle of an operator by the engine's name.
sub handle {
    my ($name) = @_;
    if (!$OP{$name}) {
        mxg_op_find($name, \my $handle) and fail();
        $OP{$name} = {name => $name, h => $handle};
    }
    return $OP{$name}{h};
}

# Names of all operators, as the engine writes them.
sub names {
    my @names = sort keys %OP;
    return @names;
}

# {name, doc, arrays => [...], variadic, params => [[name, default text or undef if required], ...]}
sub info {
    my ($name) = @_;
    handle($name);
    return $OP{$name}{info} ||= _info($OP{$name});
}

sub _info {
    my ($op) = @_;
    require JSON::PP;
    my $json = text_of(\&mxg_op_info, $op->{h});
    my $read = JSON::PP->new->utf8->decode($json);
    my $params = $read->{params};

    # Positional parameters need the order, which a hash loses; in the text it is there.
    my %at;
    for my $name (keys %$params) {
        $json =~ /"\Q$name\E"\s*:\s*\{\s*"(?:required|default)"/ and $at{$name} = $-[0];
    }
    my @params = map { [$_, $params->{$_}{default}] } sort { $at{$a} <=> $at{$b} } keys %$params;
    my @arrays = @{ $read->{arrays} };
    my $variadic = @arrays && $arrays[-1] =~ s/\A\*// ? pop @arrays : undef;
    my %is_param = map { $_->[0] => 1 } @params;
    return {
        name     => $op->{name},
        doc      => $read->{doc},
        arrays   => \@arrays,
        variadic => $variadic,
        params   => \@params,
        is_param => \%is_param,
        known    => {%is_param, map { $_ => 1 } @arrays, 'out', 'name'},

        # No parameter can be a word, so that a word among the positional ones is a misspelt name.
        wordless => !(grep { !defined $_->[1] || $_->[1] !~ /\A(?:None|True|False|[-0-9.(].*)\z/s } @params),
    };
}

# The Perl sub of an operator. Once a call without parameters gave one result, such calls go the short way.
sub _method {
    my ($op) = @_;
    my $handle = $op->{h};
    return sub {
        if ($op->{one_result}) {
            my $h;
            if (@_ == 1) {
                if (ref $_[0] eq $NDARRAY) {
                    here(caller) if $RECORDING;
                    mxg_invoke1($handle, ${ $_[0] }, \$h) and fail();
                    return bless \$h, $NDARRAY;
                }
            }
            elsif (@_ == 2 && ref $_[1] eq $NDARRAY) {
                if (!ref $_[0]) {
                    here(caller) if $RECORDING;
                    mxg_invoke1($handle, ${ $_[1] }, \$h) and fail();
                    return bless \$h, $NDARRAY;
                }
                if (ref $_[0] eq $NDARRAY) {
                    here(caller) if $RECORDING;
                    mxg_invoke2($handle, ${ $_[0] }, ${ $_[1] }, \$h) and fail();
                    return bless \$h, $NDARRAY;
                }
            }
        }
        return _call($op, @_);
    };
}

sub _is_array { return blessed $_[0] && $_[0]->isa($NDARRAY) }

sub _bad { return AI::MXGrad::Error->throw(@_) }

# A parameter as the engine reads it: as in Python.
sub parameter {
    my ($value) = @_;
    return 'None' if !defined $value;
    if (ref $value) {
        return "$value" if blessed $value && overload::Method($value, '""') && !_is_array($value);
        ref $value eq 'ARRAY'
            or _bad('InvalidTypeError', 'a parameter is a number, a string or an array reference, not '
                . ref $value);
        my @items = map { parameter($_) } @$value;
        return '(' . join(', ', @items) . (@items == 1 ? ',)' : ')');
    }
    return 'False' if $value eq '';
    return $value if $value =~ /\A-?[0-9]+\z/ || !looks_like_number($value);
    return sprintf '%.17g', $value;
}

# What every call form comes to: an operator, its input arrays and its parameters by name.
sub invoke {
    my ($op, $inputs, $params) = @_;
    my %given = %$params;
    my $out = delete $given{out};
    delete $given{name};
    my @pairs = map { ($_ => parameter($given{$_})) } sort keys %given;
    if (defined $out) {
        _is_array($out) or _bad('InvalidTypeError', "$op->{name}: out must be an NDArray");
        return $out->set(invoke($op, $inputs, \%given)) if ref $out ne $NDARRAY;
        here(caller);
        my (@keys, @values);
        while (my ($key, $value) = splice @pairs, 0, 2) {
            push @keys,   $key;
            push @values, $value;
        }
        mxg_invoke_into($op->{h}, scalar @$inputs, handles(@$inputs), scalar @keys,
            pack('p*', @keys), pack('p*', @values), $$out) and fail();
        return $out->_written;
    }
    my $packed = join '', map { "$_\0" } @pairs;
    return _run($op, scalar @$inputs, handles(@$inputs), $packed);
}

# Where C writes the handles of the results, which are taken from there before anything else is called.
my $RESULTS = buffer(8 * $ROOM);

sub _run {
    my ($op, $n_inputs, $inputs, $packed) = @_;
    if ($AI::MXGrad::Context::CURRENT && ($op->{info} ||= _info($op))->{is_param}{ctx}
        && $packed !~ /(?:\A|\0)ctx\0/) {
        $packed .= "ctx\0" . AI::MXGrad::Context->current_name . "\0";
    }
    here(caller) if $RECORDING;
    my $count = $ROOM;
    my $status = mxg_invoke_packed($op->{h}, $n_inputs, $inputs, $packed, length $packed, \$count, $RESULTS);
    if (!$status && $count == 1) {
        $op->{one_result} ||= $packed eq '';
        my $h = unpack 'J', $RESULTS;
        return bless \$h, $NDARRAY;
    }
    my $results = $RESULTS;
    if ($status && $count > $ROOM) {
        $results = buffer(8 * $count);
        $status = mxg_invoke_packed($op->{h}, $n_inputs, $inputs, $packed, length $packed, \$count, $results);
    }
    fail() if $status;
    return [map { $NDARRAY->_wrap($_) } take_handles($results, $count)];
}

# invoke, by name.
sub invoke_named {
    my ($name, @rest) = @_;
    handle($name);
    return invoke($OP{$name}, @rest);
}

# From the arguments of a Perl call to `invoke`. Arrays come first, then parameters by position, then
# name => value pairs or a hash reference.
sub _call {
    my ($op, $first, @args) = @_;
    my $info = $op->{info} ||= _info($op);
    my $self = ref $first ? $first : undef;

    # The commonest form by far: one array, then name => value pairs.
    if (@{ $info->{arrays} } == 1 && !defined $info->{variadic}) {
        my ($x, @pairs) = defined $self ? ($self, @args) : @args;
        my $packed = ref $x eq $NDARRAY ? _packed_pairs($info, @pairs) : undef;
        return _run($op, 1, pack('J', $$x), $packed) if defined $packed;
    }

    my %params;
    %params = %{ pop @args } if @args && ref $args[-1] eq 'HASH';

    # A name that the operator does not know is passed on, so that the error is Python's.
    while (@args >= 2 && defined $args[-2] && !ref $args[-2]
        && ($info->{known}{ $args[-2] } || $info->{wordless} && _is_name($args[-2]))) {
        my ($name, $value) = splice @args, -2;
        $params{$name} = $value if !exists $params{$name};
    }

    my ($inputs, $number) = _inputs($info, $self, \@args, \%params);
    if (defined $number) {
        my ($x, $value, $reversed) = @$number;
        here(caller) if $RECORDING;
        mxg_invoke_scalar($op->{h}, $$x, $value, $reversed, \my $h) and fail();
        return bless \$h, $NDARRAY;
    }
    for my $param (@{ $info->{params} }) {
        last if !@args || _is_array($args[0]);    # which is no parameter, but one array too many
        next if exists $params{ $param->[0] };
        $params{ $param->[0] } = shift @args;
    }
    _bad('InvalidTypeError', _too_many($info)) if @args;
    return invoke($op, $inputs, \%params);
}

# Whether a value is written like a name: neither a number nor a dtype.
sub _is_name {
    my ($value) = @_;
    return defined $value && !ref $value && $value =~ /\A[a-z_]+\z/ && !looks_like_number($value);
}

# Name => value pairs as C takes them; undef if there is anything else among them.
sub _packed_pairs {
    my ($info, @pairs) = @_;
    return if @pairs % 2;
    my $packed = '';
    while (my ($name, $value) = splice @pairs, 0, 2) {
        return if !defined $name || !$info->{is_param}{$name};
        $packed .= "$name\0" . parameter($value) . "\0";
    }
    return $packed;
}

sub _too_many {
    my ($info) = @_;
    my @arrays = (@{ $info->{arrays} }, defined $info->{variadic} ? 'any number of arrays' : ());
    my @params = map { $_->[0] } @{ $info->{params} };
    return "$info->{name}: too many arguments; it takes " . (@arrays ? join ', ', @arrays : 'no arrays')
        . ' and ' . (@params ? 'the parameters ' . join ', ', @params : 'no parameters');
}

# Takes the arrays from the front of @$args. Gives the inputs; or, for a function of two arrays called with
# one array and one number, that pair.
sub _inputs {
    my ($info, $self, $args, $params) = @_;
    my $slots = $info->{arrays};
    unshift @$args, $self if defined $self;

    if (defined $info->{variadic}) {
        if (@$args && ref $args->[-1] eq 'ARRAY' && @{ $args->[-1] } && _is_array($args->[-1][0])) {
            push @$args, @{ pop @$args };
        }
        my @inputs;
        push @inputs, $NDARRAY->coerce(shift @$args) while @$args && _is_array($args->[0]);
        return (\@inputs, undef);
    }

    # An op called on an object with all its arrays as arguments: the object is only where it was found.
    if (defined $self && @$args > @$slots && !(grep { !_is_array($_) } @{$args}[0 .. @$slots])) {
        shift @$args;
    }

    if (@$slots == 2 && @$args == 2 && !%$params && !@{ $info->{params} }) {
        my @number = grep { defined $args->[$_] && !ref $args->[$_] && looks_like_number($args->[$_]) } 0, 1;
        if (@number == 1 && _is_array($args->[1 - $number[0]])) {
            return (undef, [$args->[1 - $number[0]]->as_array, $args->[$number[0]], $number[0] == 0 ? 1 : 0]);
        }
    }

    my @inputs;
    my ($like) = grep { _is_array($_) } @$args, values %$params;
    for my $slot (0 .. $#$slots) {
        my $name = $slots->[$slot];
        my $given = exists $params->{$name}    ? delete $params->{$name}
            : @$args && _fits($info, $args->[0]) ? shift @$args
            :                                      next;

        # a number decides the dtype of np's results less than an array does
        if ($info->{name} =~ /\Anpx?[.]/ && defined $given && !ref $given && looks_like_number($given)) {
            $params->{$name} = $given;
            next;
        }
        $inputs[$slot] = defined $given ? $NDARRAY->coerce($given, $like) : undef;
    }
    return (\@inputs, undef);
}

# Whether an argument can stand for an array where one may come. A bare number can only if it cannot be a
# parameter.
sub _fits {
    my ($info, $value) = @_;
    return 1 if !defined $value;
    return !@{ $info->{params} } && looks_like_number($value) if !ref $value;
    return ref $value eq 'ARRAY' || _is_array($value) || blessed $value && $value->isa('PDL');
}

_install();

1;
