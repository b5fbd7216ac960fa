package AI::MXGrad::Convert;
use strict;
use warnings;

use Scalar::Util qw(blessed looks_like_number reftype);
use AI::MXGrad::Error ();

# dtype name => [pack letter, bytes per element, PDL type, least and greatest integer].
# Perl and PDL have no half precision and no bool: those travel as float32 and uint8.
my %DTYPE = (
    float16 => ['f', 4, 'float'],
    float32 => ['f', 4, 'float'],
    float64 => ['d', 8, 'double'],
    int8    => ['c', 1, 'sbyte',     -128,                         127],
    int16   => ['s', 2, 'short',     -32_768,                      32_767],
    int32   => ['l', 4, 'long',      -2_147_483_648,               2_147_483_647],
    int64   => ['q', 8, 'longlong',  -9_223_372_036_854_775_807-1, 9_223_372_036_854_775_807],
    uint8   => ['C', 1, 'byte',      0,                            255],
    uint16  => ['S', 2, 'ushort',    0,                            65_535],
    uint32  => ['L', 4, 'ulong',     0,                            4_294_967_295],
    uint64  => ['Q', 8, 'ulonglong', 0,                            18_446_744_073_709_551_615],
    bool    => ['C', 1, 'byte',      0,                            1],
);

my %TRAVELS_AS = (float16 => 'float32', bool => 'uint8');

sub _bad { return AI::MXGrad::Error->throw(@_) }

sub known_dtype {
    my ($dtype) = @_;
    return $DTYPE{$dtype // ''}
        || _bad('InvalidTypeError', sprintf 'data type %s not understood; arrays hold %s',
            _show($dtype), join ', ', sort keys %DTYPE);
}

# The dtype in which bytes of `$dtype` are exchanged with Perl.
sub travels_as {
    my ($dtype) = @_;
    return $TRAVELS_AS{$dtype} || $dtype;
}

sub itemsize { return known_dtype($_[0])->[1] }

sub _show {
    my ($value) = @_;
    return 'undef' if !defined $value;
    return ref $value if ref $value;
    return looks_like_number($value) ? $value : "'$value'";
}

# Takes the name => value pairs at the end of a list of arguments, or a hash reference there.
sub take_named {
    my ($args) = @_;
    return %{ pop @$args } if @$args && ref $args->[-1] eq 'HASH';
    my %named;
    while (@$args >= 2 && defined $args->[-2] && !ref $args->[-2] && $args->[-2] =~ /\A[a-z_]+\z/) {
        my ($name, $value) = splice @$args, -2;
        $named{$name} = $value;
    }
    return %named;
}

# Name => value arguments of a method, which knows only those in @$allowed.
sub options {
    my ($method, $allowed, @options) = @_;
    @options = %{ $options[0] } if @options == 1 && ref $options[0] eq 'HASH';
    @options % 2 and _bad('InvalidTypeError', "$method: an odd number of name => value arguments");
    my %option = @options;
    my %known = map { $_ => 1 } @$allowed;
    for my $name (sort keys %option) {
        $known{$name} or _bad('TypeError', "$method() got an unexpected keyword argument '$name'");
    }
    return %option;
}

# (bytes, shape) of nested array references of numbers; every row must be as long as its neighbours.
sub pack_nested {
    my ($source, $dtype) = @_;
    my ($letter, undef, undef, $least, $most) = @{ known_dtype($dtype) };
    my @shape;
    for (my $row = $source; ref $row; $row = $row->[0]) {
        last if reftype($row) ne 'ARRAY' || blessed $row;
        push @shape, scalar @$row;
        last if !@$row;
    }
    my @flat;
    _flatten($source, 0, \@shape, \@flat);
    if (defined $least) {
        for my $value (@flat) {
            next if $value >= $least && $value <= $most;
            _bad('InvalidValueError', "$value is out of the range of $dtype");
        }
    }
    return (pack("$letter*", @flat), \@shape);
}

sub _flatten {
    my ($row, $depth, $shape, $flat) = @_;
    if (@$row != $shape->[$depth]) {
        _bad('InvalidValueError', sprintf 'ragged list: a row of %d elements where its neighbours have %d',
            scalar @$row, $shape->[$depth]);
    }
    my $inner = $depth < $#$shape;
    for my $item (@$row) {
        my $is_row = ref $item && !blessed $item && ref $item eq 'ARRAY';
        if ($inner) {
            my $what = _show($item);
            $is_row or _bad('InvalidValueError', "ragged list: $what where its neighbours are rows");
            _flatten($item, $depth + 1, $shape, $flat);
            next;
        }
        if (!looks_like_number($item) || (ref $item && blessed $item && $item->isa('AI::MXGrad::NDArray'))) {
            _bad('InvalidValueError', 'ragged list: a row where its neighbours are numbers') if $is_row;
            _bad('InvalidTypeError', 'array elements must be numbers, not ' . _show($item));
        }
    }
    push @$flat, @$row if !$inner;
    return;
}

# Nested array references from bytes.
sub unpack_nested {
    my ($bytes, $dtype, $shape) = @_;
    my @flat = unpack known_dtype($dtype)->[0] . '*', $bytes;
    my @rest = @$shape;
    shift @rest;
    for my $n (reverse @rest) {
        return _empty(@$shape) if !$n;
        my @rows;
        push @rows, [splice @flat, 0, $n] while @flat;
        @flat = @rows;
    }
    return \@flat;
}

sub _empty {
    my ($n, @inner) = @_;
    return @inner ? [map { _empty(@inner) } 1 .. $n] : [];
}

# PDL's dims run fastest first, so they are the shape reversed and the memory is the same. PDL::Matrix gives
# its dims in matrix order over transposed memory, so there the axes are turned round.

# (piddle that owns contiguous memory of the travelling dtype, shape)
sub from_pdl {
    my ($pdl, $dtype) = @_;
    _need_pdl();
    if ($pdl->badflag && $pdl->isbad->any) {
        _bad('InvalidValueError', 'the PDL holds bad values; give them a meaning first, '
            . 'with $pdl->setbadtonan or $pdl->setbadtoval($number)');
    }
    my $type = PDL::Type->new(known_dtype($dtype)->[2]);
    my $matrix = $pdl->isa('PDL::Matrix');
    my @dims = $pdl->PDL::dims;
    $pdl = $pdl->PDL::reorder(reverse 0 .. $#dims) if $matrix && @dims > 1;
    my @shape = $matrix ? @dims : reverse @dims;
    $pdl = $dtype eq 'bool' ? PDL::ne($pdl, 0, 0)->PDL::convert($type) : $pdl->PDL::convert($type);
    $pdl->PDL::make_physical;
    return ($pdl, @shape ? \@shape : [1]);
}

my $has_pdl;

# PDL loads its parts only for a package that imports it.
sub _need_pdl {
    return if $has_pdl;
    eval { require PDL; 1 }
        or _bad('MXNetError', 'PDL is needed for this, and is not installed (aslist needs none)');
    {
        package    # that can hold its functions
            AI::MXGrad::Convert::Guest;
        PDL->import;
    }
    $has_pdl = 1;
    return;
}

# A new PDL of `$shape`; `$fill` is called with the address of its memory and the number of bytes there.
sub to_pdl {
    my ($dtype, $shape, $fill, $matrix) = @_;
    _need_pdl();
    my $pdl = PDL->new_from_specification(PDL::Type->new(known_dtype($dtype)->[2]), reverse @$shape);
    my $data = $pdl->get_dataref;
    $fill->($$data, $pdl->nelem * itemsize($dtype));
    $pdl->upd_data;
    return $pdl if !$matrix;
    require PDL::Matrix;
    return bless $pdl->reorder(reverse 0 .. $#$shape)->copy, 'PDL::Matrix';
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Convert - nested lists and PDLs as bytes, and back

=head1 DESCRIPTION

Internal: see L<AI::MXGrad::NDArray> for what it makes possible.

=cut
