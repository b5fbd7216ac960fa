package AI::MXGrad::NDArray;
use strict;
use warnings;

use Scalar::Util qw(blessed looks_like_number refaddr weaken);

use AI::MXGrad::Context ();
use AI::MXGrad::Convert ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail here buffer text_of handles take_handles drop $RECORDING $OVER $DEPTH $CARE mxg_waitall
    mxg_ndarray_from_data mxg_ndarray_zeros mxg_ndarray_ones mxg_ndarray_full mxg_ndarray_scalar
    mxg_ndarray_shape mxg_ndarray_dtype mxg_ndarray_context mxg_ndarray_copy_to
    mxg_ndarray_item mxg_ndarray_text mxg_ndarray_as_in_context mxg_ndarray_index mxg_ndarray_assign
    mxg_ndarray_assign_scalar mxg_save mxg_load mxg_invoke_into mxg_invoke1 mxg_invoke2 mxg_invoke_scalar
    mxg_attach_grad mxg_drop_grad mxg_grad mxg_detach mxg_backward
);
use AI::MXGrad::Ops ();

our @ISA = ('AI::MXGrad::Ops');

# What users see as the class in `print $x`, and whether a whole array is true in a condition:
# AI::MXGrad::Compat sets both to the habits of AI::MXNet.
our $SHOWN_AS = __PACKAGE__;
our $ALL_TRUE = 0;

# An array is a reference to its handle: of all kinds of objects Perl makes and frees that one fastest. A
# part of another array is of the class AI::MXGrad::NDArray::Slice, which has no handle of its own: code
# that may meet one says `handle` or `as_array`.

# The array that another, by its handle, is another shape of: a weak reference.
my %RESHAPED;

# A thread must not give back the handles of the thread that started it.
sub CLONE_SKIP { return 1 }

sub DESTROY { return $CARE ? _free_with_care(${ $_[0] } // 0) : drop(${ $_[0] }) }

sub _free_with_care {
    my ($h) = @_;
    local $@;
    if (exists $RESHAPED{$h}) {
        delete $RESHAPED{$h};
        $CARE--;
    }
    drop($h) if !$OVER && (!$DEPTH || ${^GLOBAL_PHASE} eq 'RUN');
    return;
}

sub _bad { return AI::MXGrad::Error->throw(@_) }

sub _is_array { return blessed $_[0] && $_[0]->isa(__PACKAGE__) }

sub _is_number { return defined $_[0] && !ref $_[0] && looks_like_number($_[0]) }

# ---- operators

# The operators are what small arrays cost, so they touch nothing twice: bless without a class does not search
# for the class.
## no critic (ClassHierarchies::ProhibitOneArgBless)
sub _binary {
    my ($name) = @_;
    my $op = AI::MXGrad::Ops::handle($name);
    return sub {
        here(caller) if $RECORDING;
        return _with_other($op, @_) if ref $_[1] ne ref $_[0];    # equal: both are arrays
        mxg_invoke2($op, ${ $_[0] }, ${ $_[1] }, \my $h) and fail();
        return bless \$h;
    };
}

# An operator on an array and something that is none.
sub _with_other {
    my ($op, $x, $y, $swapped) = @_;

    # PDL since 2.100 hands its operands on as they stand, itself first
    if (ref $x ne __PACKAGE__ && !_is_array($x)) {
        ($x, $y, $swapped) = ($y->as_array, $x, !$swapped);
    }
    my $h;
    if (!ref $y && looks_like_number($y)) {
        mxg_invoke_scalar($op, $$x, $y, $swapped ? 1 : 0, \$h) and fail();
    }
    else {
        $y = __PACKAGE__->coerce($y, $x);
        ($x, $y) = ($y, $x) if $swapped;
        mxg_invoke2($op, $$x, $$y, \$h) and fail();
    }
    return bless \$h, __PACKAGE__;
}

sub _unary {
    my ($name) = @_;
    my $op = AI::MXGrad::Ops::handle($name);
    return sub {
        here(caller) if $RECORDING;
        mxg_invoke1($op, ${ $_[0] }, \my $h) and fail();
        return bless \$h;
    };
}

sub _in_place {
    my ($name, $plain) = @_;
    my $op = AI::MXGrad::Ops::handle($name);
    return sub {
        my ($x, $y) = @_;
        return $x->set($plain->($x, $y)) if _is_number($y);
        here(caller);
        $y = __PACKAGE__->coerce($y, $x);
        mxg_invoke_into($op, 2, pack('J2', $$x, $$y), 0, undef, undef, $$x) and fail();
        return $x->_written;
    };
}

sub _equal {
    my ($x, $y) = @_;
    return refaddr $x == refaddr $y if ref $y && _is_array($y);
    return defined $y && $x->_label eq "$y";
}

sub _true {
    my ($x) = @_;
    if ($x->size == 1) {
        mxg_ndarray_item($x->handle, \my $value) and fail();
        return $value != 0;
    }
    if (!$ALL_TRUE) {
        _bad('InvalidValueError', 'an array of ' . $x->size . ' elements is neither true nor false; '
            . 'compare a reduction of it, or ask whether it is defined');
    }
    if ($ALL_TRUE == 1) {
        $ALL_TRUE = 2;
        my ($file, $line) = AI::MXGrad::Error::user_line();
        warn "an NDArray of several elements is true whatever they are at $file line $line.\n";
    }
    return 1;
}

our %BINARY = map { $_->[0] => _binary($_->[1]) } (
    ['+',  'add'],   ['-',  'subtract'],  ['*', 'multiply'], ['/',  'divide'],        ['%', 'modulo'],
        ['**', 'power'],
    ['==', 'equal'], ['!=', 'not_equal'], ['>', 'greater'],  ['>=', 'greater_equal'], ['<', 'lesser'],
    ['<=', 'lesser_equal'], ['atan2', 'arctan2'],
);
our %UNARY = map { $_->[0] => _unary($_->[1]) } (
    ['neg', 'negative'], map { [$_, $_] } qw(abs sqrt exp log sin cos),
);
my %IN_PLACE = map { ("$_->[0]=" => _in_place($_->[1], $BINARY{ $_->[0] })) } (
    ['+', 'add'], ['-', 'subtract'], ['*', 'multiply'], ['/', 'divide'], ['%', 'modulo'],
);

use overload ();
overload->import(
    %BINARY, %UNARY, %IN_PLACE,
    '.='   => sub { $_[0]->set($_[1]) },
    '='    => sub { $_[0] },
    'eq'   => sub { _equal($_[0], $_[1]) },
    'ne'   => sub { !_equal($_[0], $_[1]) },
    'bool' => \&_true,
    '0+'   => sub { $_[0]->asscalar },
    '""'   => sub { $_[0]->_label },
    '@{}'  => sub { my ($x) = @_; return [map { $x->at($_) } 0 .. $x->len - 1] },
);

# ---- making arrays

sub _wrap {
    my ($class, $h) = @_;
    return bless \$h, $class;
}

sub _context {
    my ($ctx) = @_;
    return defined $ctx ? "$ctx" : AI::MXGrad::Context->current_name;
}

sub _dims {
    my ($method, $shape) = @_;
    my @shape = ref $shape eq 'ARRAY' ? @$shape : ($shape);
    for my $n (@shape) {
        next if defined $n && !ref $n && $n =~ /\A[0-9]+\z/;
        _bad('InvalidValueError', "$method: a shape is an array reference of whole numbers");
    }
    return @shape;
}

# An array from bytes. Perl and PDL have no float16 and no bool: the engine makes those from what they
# travel as.
sub _from_bytes {
    my ($bytes, $dtype, $shape, $ctx) = @_;
    my $travels = AI::MXGrad::Convert::travels_as($dtype);
    mxg_ndarray_from_data($bytes, $travels, scalar @$shape, pack('q*', @$shape), $ctx, \my $h) and fail();
    my $array = __PACKAGE__->_wrap($h);
    return $travels eq $dtype ? $array : $array->astype($dtype);
}

# An array from what Perl calls one: an NDArray, a PDL, nested array references of numbers, a number.
sub _from {
    my ($source, $dtype, $ctx) = @_;
    if (ref $source eq 'ARRAY') {
        my ($bytes, $shape) = AI::MXGrad::Convert::pack_nested($source, $dtype);
        return _from_bytes($bytes, $dtype, $shape, $ctx);
    }
    if (blessed $source && $source->isa('PDL')) {
        my ($pdl, $shape) = AI::MXGrad::Convert::from_pdl($source, $dtype);
        return _from_bytes(${ $pdl->get_dataref }, $dtype, $shape, $ctx);
    }
    if (_is_number($source)) {
        mxg_ndarray_scalar($source, $dtype, $ctx, \my $h) and fail();
        return __PACKAGE__->_wrap($h);
    }
    my $kind = !defined $source ? 'undef' : ref $source || "'$source'";
    return _bad('InvalidTypeError',
        "an array is an NDArray, a PDL, nested array references or a number, not $kind");
}

# What an operand or an input of an operator stands for; with the dtype and context of the array `$like`
# beside it.
sub coerce {
    my ($class, $value, $like) = @_;
    return $value if ref $value eq __PACKAGE__;
    return $value->as_array if _is_array($value);
    return _from($value, defined $like ? ($like->dtype, $like->_context_name) : ('float32', _context(undef)));
}

sub array :lvalue {
    my ($class, $source, @options) = @_;
    my %option = AI::MXGrad::Convert::options('array', [qw(dtype ctx)], @options);
    my $dtype = $option{dtype} // 'float32';
    my $array;
    if (_is_array($source)) {
        $array = $source->dtype eq $dtype ? $source->copy : $source->astype($dtype);
        $array = $array->as_in_context($option{ctx}) if defined $option{ctx};
    }
    else {
        $array = _from($source, $dtype, _context($option{ctx}));
    }
    $array;
}

sub _filled {
    my ($method, $make, $shape, @options) = @_;
    my %option = AI::MXGrad::Convert::options($method, [qw(dtype ctx out)], @options);
    my @shape = _dims($method, $shape);
    my $dtype = $option{dtype} // (defined $option{out} ? $option{out}->dtype : 'float32');
    $make->($dtype, scalar @shape, pack('q*', @shape), _context($option{ctx}), \my $h) and fail();
    my $array = __PACKAGE__->_wrap($h);
    return defined $option{out} ? $option{out}->set($array) : $array;
}

sub zeros :lvalue {
    my ($class, @rest) = @_;
    my $array = _filled('zeros', \&mxg_ndarray_zeros, @rest);
    $array;
}

sub ones :lvalue {
    my ($class, @rest) = @_;
    my $array = _filled('ones', \&mxg_ndarray_ones, @rest);
    $array;
}

sub empty :lvalue {
    my ($class, @rest) = @_;
    my $array = _filled('empty', \&mxg_ndarray_zeros, @rest);
    $array;
}

sub full :lvalue {
    my ($class, $shape, $value, @options) = @_;
    _is_number($value) or _bad('InvalidTypeError', 'full: the value must be a number');
    my $array = _filled('full', sub { mxg_ndarray_full($value, @_) }, $shape, @options);
    $array;
}

sub arange {
    my ($class, @args) = @_;
    my %option = AI::MXGrad::Convert::take_named(\@args);
    $option{start} = shift @args if @args;
    $option{stop}  = shift @args if @args;
    $option{step}  = shift @args if @args;
    $option{start} //= 0;
    $option{ctx} = _context($option{ctx});
    return $class->SUPER::arange(\%option);
}

sub concatenate {
    my ($class, $arrays, @options) = @_;
    my %option = AI::MXGrad::Convert::options('concatenate', [qw(axis always_copy)], @options);
    ref $arrays eq 'ARRAY' && @$arrays or _bad('InvalidTypeError', 'concatenate: needs a list of arrays');
    return AI::MXGrad::Ops::invoke_named('concat', [map { $class->coerce($_) } @$arrays],
        {dim => $option{axis} // 0});
}

sub random { return 'AI::MXGrad::Random' }

sub waitall {
    mxg_waitall() and fail();
    return;
}

# ---- asking

sub handle { return ${ $_[0] } }

sub as_array { return $_[0] }

# Where C writes the sizes.
my $MAX_NDIM = 32;
my $SIZES = buffer(8 * $MAX_NDIM);

sub _shape {
    my ($x) = @_;
    mxg_ndarray_shape($$x, $MAX_NDIM, $SIZES, \my $ndim) and fail();
    return [unpack "q$ndim", $SIZES];
}

sub shape { return [@{ $_[0]->_shape }] }

sub ndim { return scalar @{ $_[0]->_shape } }

sub size {
    my $size = 1;
    $size *= $_ for @{ $_[0]->_shape };
    return $size;
}

sub len {
    my ($x) = @_;
    my $shape = $x->_shape;
    @$shape or _bad('InvalidTypeError', 'an array without axes has no length');
    return $shape->[0];
}

sub dtype {
    my ($x) = @_;
    mxg_ndarray_dtype($x->handle, \my $name) and fail();
    return $name;
}

sub _context_name {
    my ($x) = @_;
    mxg_ndarray_context($x->handle, \my $name) and fail();
    return $name;
}

sub context { return AI::MXGrad::Context->from_name($_[0]->_context_name) }

sub ctx { return $_[0]->context }

sub stype { return 'default' }

sub _label {
    my ($x) = @_;
    return "<$SHOWN_AS " . join('x', @{ $x->_shape }) . ' @' . $x->_context_name . '>';
}

# ---- reading

sub wait_to_read { return waitall() }

sub _bytes {
    my ($x) = @_;
    my $travels = AI::MXGrad::Convert::travels_as($x->dtype);
    $x = $x->detach->astype($travels) if $travels ne $x->dtype;
    my $bytes = $x->size ? buffer($x->size * AI::MXGrad::Convert::itemsize($travels)) : '';
    mxg_ndarray_copy_to($x->handle, $bytes, length $bytes) and fail();
    return $bytes;
}

sub _pdl {
    my ($x, $matrix) = @_;
    my $travels = AI::MXGrad::Convert::travels_as($x->dtype);
    $x = $x->detach->astype($travels) if $travels ne $x->dtype;
    return AI::MXGrad::Convert::to_pdl($travels, $x->_shape,
        sub { mxg_ndarray_copy_to($x->handle, $_[0], $_[1]) and fail() }, $matrix);
}

sub aspdl  :lvalue { my $pdl = $_[0]->_pdl(0); $pdl }
sub asmpdl :lvalue { my $pdl = $_[0]->_pdl(1); $pdl }

sub aslist {
    my ($x) = @_;
    my @shape = @{ $x->_shape };
    my $travels = AI::MXGrad::Convert::travels_as($x->dtype);
    my $list = AI::MXGrad::Convert::unpack_nested($x->_bytes, $travels, \@shape);
    return @shape ? $list : $list->[0];
}

# Beyond this a double does not hold every integer.
my $EXACT = 2**53;

sub asscalar {
    my ($x) = @_;
    mxg_ndarray_item($x->handle, \my $value) and fail();
    return $value if abs $value < $EXACT || $x->dtype !~ /\Au?int64\z/;
    return AI::MXGrad::Convert::unpack_nested($x->_bytes, $x->dtype, [1])->[0];
}

sub asstr { return text_of(\&mxg_ndarray_text, $_[0]->handle) }

# ---- parts

# The argument that leaves a bound out.
my $NONE = -9_223_372_036_854_775_807 - 1;

sub _whole_number {
    my ($value, $n, $axis) = @_;
    if (!defined $value || ref $value || $value !~ /\A-?[0-9]+\z/) {
        _bad('InvalidTypeError', 'an index is a whole number, [from, to] or \'X\', not '
            . (!defined $value ? 'undef' : ref $value || "'$value'"));
    }
    my $at = $value < 0 ? $value + $n : $value;
    $at >= 0 && $at < $n
        or _bad('OutOfRangeError', "index $value is out of bounds for axis $axis with size $n");
    return $at;
}

# (begin, end, step) of one axis; Perl's ranges include their end.
sub _range {
    my ($index, $n, $axis) = @_;
    return ($NONE, $NONE, 1) if defined $index && !ref $index && ($index eq 'X' || $index eq ':');
    if (ref $index ne 'ARRAY') {
        my $at = _whole_number($index, $n, $axis);
        return ($at, $at + 1, 1);
    }
    my ($from, $to, $step) = @$index > 1 ? @$index : (@$index, @$index);
    @$index >= 1 && @$index <= 3
        or _bad('InvalidTypeError', 'a range of indices is [from, to], with both its ends in it');
    $step //= 1;
    $step =~ /\A-?[1-9][0-9]*\z/
        or _bad('InvalidValueError', "a step is a whole number other than 0, not '$step'");
    $from = _whole_number($from // ($step > 0 ? 0 : -1), $n, $axis);
    $to   = _whole_number($to   // ($step > 0 ? -1 : 0), $n, $axis);
    if (($to - $from) * $step < 0) {
        _bad('InvalidValueError',
            "the range [$from, $to] of axis $axis is empty; ranges include both their ends");
    }
    my $end = $to + ($step <=> 0);
    return ($from, $end < 0 ? $NONE : $end, $step);
}

sub _part {
    my ($x, $drop, @index) = @_;
    my $shape = $x->_shape;
    if (@index > @$shape) {
        _bad('OutOfRangeError', scalar @index . ' indices for an array of ' . scalar @$shape . ' axes');
    }
    my @ranges = map { [_range($index[$_], $shape->[$_], $_)] } 0 .. $#index;
    return AI::MXGrad::NDArray::Slice->new($x, $drop, @ranges);
}

sub _points {
    my ($x, @index) = @_;
    my @arrays = map { $_->dtype eq 'int64' ? $_ : $_->astype('int64') }
        map { _is_array($_) ? $_->as_array : _from($_, 'int64', $x->_context_name) } @index;
    here(caller) if $RECORDING;
    mxg_ndarray_index($x->handle, scalar @arrays, handles(@arrays), \my $h) and fail();
    return __PACKAGE__->_wrap($h);
}

sub _slice {
    my ($x, @index) = @_;
    my $first = $index[0] // '';
    if (ref $first eq 'HASH' || $first =~ /\A(?:begin|end|step)\z/) {
        my %option = AI::MXGrad::Convert::options('slice', [qw(begin end step)], @index);
        return AI::MXGrad::Ops::invoke_named('slice', [$x->as_array], \%option);
    }
    if (@index == 1 && ref $index[0] eq 'ARRAY' && ref $index[0][0]) {
        return _points($x, @{ $index[0] });
    }
    return _points($x, @index) if grep { _is_array($_) } @index;
    return _part($x, 0, @index);
}

sub slice :lvalue { my $part = _slice(@_); $part }

sub at :lvalue {
    my ($x, @index) = @_;
    my $part = _part($x, @index == 1 ? 1 : 0, @index);
    $part;
}

# ---- writing

# A write says where it is made also when nothing is recorded: an error of a later backward names it.
sub set {
    my ($x, $value) = @_;
    here(caller);
    if (_is_number($value)) {
        mxg_ndarray_assign_scalar($$x, $value) and fail();
    }
    else {
        $value = __PACKAGE__->coerce($value, $x);
        mxg_ndarray_assign($$x, $$value) and fail();
    }
    return $x->_written;
}

# After a write: takes it to the array that this is another shape of.
sub _written {
    my ($x) = @_;
    if (defined(my $source = $RESHAPED{$$x})) {
        $source->set(AI::MXGrad::Ops::invoke_named('reshape', [$x], {shape => $source->shape}));
    }
    return $x;
}

# ---- shapes, dtypes, contexts, copies

sub reshape :lvalue {
    my ($x, @shape) = @_;
    ($x, @shape) = @shape if !ref $x;      # nd->reshape($x, ...)
    my %option;
    if (@shape > 1 && defined $shape[-2] && $shape[-2] =~ /\A(?:shape|reverse)\z/) {
        %option = AI::MXGrad::Convert::options('reshape', [qw(shape reverse)],
            @shape % 2 ? (shape => $shape[0], @shape[1 .. $#shape]) : @shape);
    }
    else {
        %option = (shape => @shape == 1 && ref $shape[0] ? $shape[0] : \@shape);
    }
    my $array = AI::MXGrad::Ops::invoke_named('reshape', [$x->as_array], \%option);
    $CARE++ if !exists $RESHAPED{$$array};
    weaken($RESHAPED{$$array} = $x);
    $array;
}

sub T :lvalue {
    my $array = AI::MXGrad::Ops::invoke_named('transpose', [$_[0]->as_array], {});
    $array;
}

sub astype :lvalue {
    my ($x, $dtype) = @_;
    AI::MXGrad::Convert::known_dtype($dtype);
    my $array = AI::MXGrad::Ops::invoke_named('cast', [$x->as_array], {dtype => $dtype});
    $array;
}

sub copy :lvalue {
    my $array = AI::MXGrad::Ops::invoke_named('copy', [$_[-1]->as_array], {});
    $array;
}

sub sever :lvalue { my $array = $_[0]->copy; $array }

sub as_in_context :lvalue {
    my ($x, $ctx) = @_;
    here(caller) if $RECORDING;
    mxg_ndarray_as_in_context($x->handle, "$ctx", \my $h) and fail();
    my $array = __PACKAGE__->_wrap($h);
    $array;
}

sub copyto :lvalue {
    my ($x, $other) = @_;
    my $array = _is_array($other) ? $other->set($x) : $x->copy->as_in_context($other);
    $array;
}

sub tostype {
    my ($x, $stype) = @_;
    $stype eq 'default' or _bad('InvalidValueError', "no storage type '$stype': all arrays are dense");
    return $x;
}

# ---- gradients

sub attach_grad {
    my ($x, @options) = @_;
    unshift @options, 'grad_req' if @options % 2;
    my %option = AI::MXGrad::Convert::options('attach_grad', [qw(grad_req stype)], @options);
    if (($option{stype} // 'default') ne 'default') {
        _bad('InvalidValueError', "attach_grad: no storage type '$option{stype}': gradients are dense");
    }
    mxg_attach_grad($x->handle, $option{grad_req}) and fail();
    return $x;
}

sub drop_grad {
    my ($x) = @_;
    mxg_drop_grad($x->handle) and fail();
    return $x;
}

sub grad :lvalue {
    my ($x) = @_;
    mxg_grad($x->handle, \my $h) and fail();
    my $grad = $h ? __PACKAGE__->_wrap($h) : undef;
    $grad;
}

sub detach {
    my ($x) = @_;
    mxg_detach($x->handle, \my $h) and fail();
    return __PACKAGE__->_wrap($h);
}

sub backward {
    my ($x, @options) = @_;
    my ($retain, $train, $head) = (0, 1);
    if (@options) {
        unshift @options, 'out_grad' if @options % 2;
        my %option =
            AI::MXGrad::Convert::options('backward', [qw(out_grad retain_graph train_mode)], @options);
        $head = __PACKAGE__->coerce($option{out_grad}, $x) if defined $option{out_grad};
        ($retain, $train) = ($option{retain_graph} ? 1 : 0, $option{train_mode} // 1 ? 1 : 0);
    }
    here(caller);
    local $@;
    mxg_backward(1, pack('J', $x->handle), defined $head ? pack('J', $$head) : undef, $retain, $train)
        and fail();
    return;
}

# ---- files, Storable

sub save {
    my ($class, $file, $data) = @_;
    ($class, $data) = (ref $class, $class) if ref $class && @_ == 2;
    my @names = ref $data eq 'HASH' ? sort keys %$data : ();
    my @arrays = ref $data eq 'HASH' ? @{$data}{@names} : ref $data eq 'ARRAY' ? @$data : ($data);
    if (grep { !_is_array($_) } @arrays) {
        _bad('InvalidTypeError', 'save: the data is an NDArray, or a list or hash reference of them');
    }
    mxg_save($file, scalar @arrays, @names ? pack('p*', @names) : undef,
        handles(map { $_->as_array } @arrays)) and fail();
    return;
}

my $BUFFER_TOO_SMALL = -13;

sub load {
    my ($class, $file) = @_;
    my ($count, $bytes) = (0, 0);
    my $status = mxg_load($file, 0, undef, \$count, undef, 0, \$bytes);
    fail() if $status && $status != $BUFFER_TOO_SMALL;
    my ($arrays, $text) = (buffer(8 * $count || 8), buffer($bytes || 1));
    mxg_load($file, $count, $arrays, \$count, $text, $bytes, \$bytes) and fail();
    my @arrays = map { __PACKAGE__->_wrap($_) } take_handles($arrays, $count);
    my @names = unpack "(Z*)$count", $text;
    return \@arrays if !grep { $_ ne '' } @names;
    my %named;
    @named{@names} = @arrays;
    return \%named;
}

sub STORABLE_freeze {
    my ($x) = @_;
    return join "\0", $x->dtype, $x->_context_name, join(',', @{ $x->_shape }), $x->_bytes;
}

sub _thawed {
    my ($class, $frozen) = @_;
    my ($dtype, $ctx, $shape, $bytes) = split /\0/, $frozen, 4;
    return _from_bytes($bytes, $dtype, [split /,/, $shape], $ctx);
}

sub STORABLE_thaw {
    my ($x, $cloning, $frozen) = @_;
    my $array = __PACKAGE__->_thawed($frozen);
    ($$x, $$array) = ($$array, 0);    # which so gives nothing back when it goes
    return;
}

require AI::MXGrad::NDArray::Slice;

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::NDArray - n-dimensional arrays

=head1 SYNOPSIS

    use AI::MXGrad qw(nd);

    my $x = nd->array([[1, 2, 3], [4, 5, 6]]);
    my $y = $x * 2 + nd->ones([3]);
    $y->slice('X', 0) .= 0;
    print $y->asstr, "\n";
    # [[ 0.  5.  7.]
    #  [ 0. 11. 13.]]
    # <NDArray 2x3 @cpu(0)>

=head1 DESCRIPTION

C<nd> is short for this class. Besides the methods below an array has every operator of L<AI::MXGrad::Ops>:
C<< $x->exp >>, C<< $x->dot($y) >>, C<< $x->sum(axis => 0) >>; the same can be written C<< nd->exp($x) >>.

Dtypes are named as in NumPy: C<float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64
bool>. A shape is a reference to a list of sizes. Wherever an operator wants an array beside another, a PDL
or nested lists of numbers will do, and take the dtype of that other.

All errors are L<AI::MXGrad::Error> objects; the types named below are what their C<type> says.

=head1 MAKING ARRAYS

=over

=item nd->array($source, dtype => 'float32', ctx => $context)

An array of a number, of nested lists, of a PDL (its dims are the shape reversed; those of a L<PDL::Matrix>
are not) or of another array. The copy of an array is recorded under C<record>. Errors: InvalidValueError
for rows of different lengths, integers out of range, bad values in a PDL; InvalidTypeError for what is not
a number, an unknown dtype.

=item nd->zeros($shape, dtype =>, ctx =>, out =>), nd->ones(...), nd->empty(...)

=item nd->full($shape, $value, dtype =>, ctx =>, out =>)

Arrays of a shape. With C<out> an existing array is filled.

=item nd->arange($stop), nd->arange($start, $stop, $step)

=item nd->arange(start =>, stop =>, step =>, repeat =>, ctx =>, dtype =>)

The numbers from C<$start> (0) in steps of C<$step> (1), without C<$stop>.

=item nd->concatenate([@arrays], axis => 0)

The arrays one after the other along an axis.

=item nd->load($file)

What was saved: a list reference, or a hash reference if the arrays have names. Reads all versions of
MXNet's F<.params>.

=item nd->random

L<AI::MXGrad::Random>.

=item nd->coerce($value, $like)

The array that C<$value> stands for as an operand beside the array C<$like>.

=back

=head1 ASKING

=over

=item shape

A reference to a new list of the sizes.

=item size, ndim, len

The number of elements, of axes, of entries of the first axis.

=item dtype, stype

The dtype's name; the storage type, which is always C<default>.

=item context, ctx

The L<context|AI::MXGrad::Context>.

=item handle

The number by which the engine knows the array. Two variables with one handle are one array, which also
C<eq> tells.

=item as_array

The array itself; of a slice, the array it stands for at this moment.

=back

=head1 READING

=over

=item aslist

Nested lists of Perl numbers.

=item asscalar

The value of an array of one element, as a Perl number. Error: InvalidValueError for another size.

=item asstr

The values as text, as Python prints them.

=item aspdl

A PDL with a copy of the values. C<float16> becomes C<float>, C<int64> C<longlong>, C<bool> C<byte>.

=item asmpdl

The same as a L<PDL::Matrix>, whose C<at($row, $column)> and dims are in the order of the shape.

=item wait_to_read, waitall

Wait until values are there, as they always are on a CPU.

=back

=head1 PARTS

    use AI::MXGrad qw(nd);
    my $x = nd->arange(12)->reshape([3, 4]);

    my $row    = $x->at(1);                   # row 1, shape [4]
    my $kept   = $x->slice(1);                # row 1, shape [1, 4]
    my $rows   = $x->slice([0, 1]);           # rows 0 and 1
    my $last   = $x->slice(-1, [1, 3]);       # columns 1 to 3 of the last row
    my $column = $x->slice('X', 2);           # column 2, shape [3, 1]
    my $points = $x->slice([[0, 2], [1, 3]]); # the elements (0, 1) and (2, 3)
    my $one    = $x->[1][2];                  # one element, shape [1]
    for my $each (@$x) { print $each->sum->asscalar, "\n" }

    $x->slice(0, 0) .= 7;       # write
    $x->at(1) += 1;

=over

=item slice(@indices)

The part at one index for each of the first axes: a number, which counts from the end if negative and keeps
its axis; C<[$from, $to]>, a range with both its ends in it, either of which may be undef; C<[$from, $to,
$step]>; C<'X'> or C<':'> for a whole axis. With a reference to lists, or arrays, of numbers: the elements
at those places, as a copy. With C<< begin => [...], end => [...], step => [...] >>: the operator C<slice>,
whose ends are not in it.

=item at($i), at(@indices)

Entry C<$i> of the first axis, without that axis: of an array of one axis, an array of shape [1], or [] with
C<np>; with several indices, C<slice(@indices)>.

=item @$x, $x->[$i]

The entries C<at> each index.

=back

What is written to a part goes into the array it was taken from. What is read from a part is read there at
that moment; a part taken under C<record> is computed there and then, and gradients flow through it.

Errors: OutOfRangeError for an index outside its axis or too many indices, InvalidTypeError for what is no
index, InvalidValueError for an empty range.

=head1 WRITING

=over

=item $x .= $value, set($value)

Overwrites all elements with a number, an array that broadcasts, a PDL or lists. (C<$x = $value> would only
give the variable another value.)

=item copyto($other)

Writes the values into the array C<$other> and gives that; or makes a copy in the context C<$other>.

=item += -= *= /= %= ++ --

In place. C<**=> makes a new array.

=back

Under C<record> an array that gradients may need cannot be overwritten: the attempt is an InplaceError, and
nothing is written. Assigning to an array made inside C<record>, whole or in parts, is differentiable.

=head1 OPERATORS

C<+ - * / % **>, C<== != E<gt> E<gt>= E<lt> E<lt>=> (1 and 0 in the dtype of the operands), C<atan2>, unary
C<->, C<abs sqrt exp log sin cos> work by element. Operands are arrays of one dtype, numbers, lists, PDLs.

C<eq> and C<ne> compare identity. An array of one element is a number and a truth value; one of any other
size is neither, and asking is an InvalidValueError. As a string an array tells its shape and context, not
its values: print C<< $x->asstr >>.

=head1 SHAPE, DTYPE, CONTEXT

=over

=item reshape(\@shape, reverse => 0)

The elements in another shape. 0 copies a size, -1 is inferred, -2 copies the rest, -3 merges two, -4 splits
one into the two that follow; C<reverse> counts from the right. What is written to the result goes into the
array, too.

=item T

The axes reversed.

=item astype($dtype), as_in_context($context)

A copy of another dtype; the array in another context.

=item copy, sever

A copy.

=item tostype('default')

The array: all arrays are dense.

=back

=head1 GRADIENTS

=over

=item attach_grad(grad_req => 'write')

Makes the array a variable with a gradient of zeros; gives the array. C<grad_req> is C<write>, C<add> or
C<null>. An array that was computed is cut off from its history.

=item grad

The gradient, or undef.

=item drop_grad

Makes the array no variable.

=item backward(out_grad => $array, retain_graph => 0, train_mode => 1)

Fills the gradients of all variables that the array was computed from. C<out_grad> is ones unless given; it
may be given without its name. Error: AutogradError if nothing was recorded, or the graph was used up by an
earlier C<backward>.

=item detach

The same values without history.

=back

=head1 FILES

=over

=item nd->save($file, $arrays), $x->save($file)

Writes an array, a list reference or a hash reference in MXNet's F<.params> format.

=back

Arrays can be stored, frozen and cloned with L<Storable>.

=cut
