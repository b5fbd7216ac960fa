package AI::MXGrad::NDArray::Slice;
use strict;
use warnings;

use AI::MXGrad::FFI qw(fail here $RECORDING mxg_ndarray_slice mxg_ndarray_assign_slice);

# A part of an array: the whole, and (begin, end, step) of each axis. What is written goes into the whole,
# also where the part is no block of its memory, and under `record` with the tape's knowledge. What is read
# is read from the whole at that moment; a part taken under `record` is computed, and so recorded, there and
# then.

our @ISA = ('AI::MXGrad::NDArray');

sub new {
    my ($class, $whole, $drop, @ranges) = @_;
    my ($begin, $end, $step) = map { my $i = $_; pack 'q*', map { $_->[$i] } @ranges } 0 .. 2;
    my $self = bless {
        whole => $whole,
        part  => [scalar @ranges, $begin, $end, $step, $drop ? pack('l*', (1) x @ranges) : undef],
    }, $class;
    $self->{recorded} = $self->_read if $RECORDING;
    return $self;
}

# It has no handle to give back.
sub DESTROY { return }

sub _read {
    my ($self) = @_;
    my $whole = $self->{whole}->as_array;
    here(caller) if $RECORDING;
    mxg_ndarray_slice($$whole, @{ $self->{part} }, \my $h) and fail();
    return AI::MXGrad::NDArray->_wrap($h);
}

sub as_array { return $_[0]{recorded} // $_[0]->_read }

# Kept so that the handle lives as long as the part, or until the next is asked for.
sub handle {
    my ($self) = @_;
    return ${ $self->{read} = $self->as_array };
}

sub _shape { return $_[0]{shape} ||= $_[0]->as_array->_shape }

sub dtype { return $_[0]{whole}->dtype }

sub set {
    my ($self, $value) = @_;
    $value = AI::MXGrad::NDArray->coerce($value, $self);

    # The tape allows a write only while no other array shares the memory.
    delete @{$self}{qw(recorded read)};
    my $whole = $self->{whole}->as_array;
    here(caller);
    mxg_ndarray_assign_slice($$whole, @{ $self->{part} }, $$value) and fail();
    ref $self->{whole} eq __PACKAGE__ ? $self->{whole}->set($whole) : $whole->_written;
    $self->{recorded} = $self->_read if $RECORDING;
    return $self;
}

# A part that was frozen comes back as all of an array of its own.
sub STORABLE_thaw {
    my ($self, $cloning, $frozen) = @_;
    @{$self}{qw(whole part)} = (AI::MXGrad::NDArray->_thawed($frozen), [0, '', '', '', undef]);
    return;
}

sub _in_place {
    my ($code) = @_;
    return sub { my ($self, $y) = @_; return $self->set($code->($self->as_array, $y, '')) };
}

sub _on_array {
    my ($code) = @_;
    return sub {
        my ($self, @rest) = @_;
        $self = $self->as_array if ref $self eq __PACKAGE__;    # a PDL may come first
        return $code->($self, @rest);
    };
}

use overload ();
overload->import(
    (map { ($_ => _on_array($AI::MXGrad::NDArray::BINARY{$_})) } keys %AI::MXGrad::NDArray::BINARY),
    (map { ($_ => _on_array($AI::MXGrad::NDArray::UNARY{$_})) } keys %AI::MXGrad::NDArray::UNARY),
    (map { ("$_=" => _in_place($AI::MXGrad::NDArray::BINARY{$_})) } qw(+ - * / %)),
);

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::NDArray::Slice - a part of an array

=head1 SYNOPSIS

    use AI::MXGrad qw(nd);
    my $x = nd->zeros([2, 3]);
    my $corner = $x->slice([0, 1], 2);
    $corner .= 5;
    print $x->asstr, "\n";          # the last column is 5

=head1 DESCRIPTION

What C<slice> and C<at> of L<AI::MXGrad::NDArray> give: an array in every respect, whose elements are those
of the array that it was taken from.

=cut
