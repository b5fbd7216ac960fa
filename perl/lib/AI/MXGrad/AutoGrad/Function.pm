package AI::MXGrad::AutoGrad::Function;
use strict;
use warnings;

use FFI::Platypus::Memory ();

use AI::MXGrad::AutoGrad::Scope ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail here buffer handles take_handles $RECORDING $CARE mxg_ndarray_dup mxg_function_new mxg_function_call
    mxg_function_free mxg_save_for_backward
);
use AI::MXGrad::FFI::Callback ();

use overload '&{}' => sub { my ($self) = @_; return sub { $self->call(@_) } }, fallback => 1;

my $NDARRAY = 'AI::MXGrad::NDArray';

# The functions that the engine may call back, by the number it knows them by.
my %CALLED;
my $LAST = 0;

# The three C entry points of this interpreter; every function shares them and is told apart by its number.
my $ENTRY;

sub CLONE {
    %CALLED = ();
    undef $ENTRY;
    return;
}

# (forward, backward, deleter)
sub _entries {
    my $callback = '(opaque, sint32, opaque, sint32, opaque)->int';
    $ENTRY ||= AI::MXGrad::FFI::Callback->new(
        [$callback, \&_forward], [$callback, \&_backward], ['(opaque)->void', \&_deleted]);
    return $ENTRY->addresses;
}

# The outputs are known already (see `call`): C gets them, and what backward needs.
sub _forward {
    my ($number, $n_in, $in, $n_out, $out) = @_;
    return AI::MXGrad::FFI::Callback::guard(sub {
        my $self = $CALLED{$number};
        my ($outputs, $saved) = delete @{$self}{qw(_outputs _saved)};
        mxg_save_for_backward(scalar @$saved, handles(@$saved)) and fail() if @$saved;
        return _give($out, @$outputs);
    });
}

sub _backward {
    my ($number, $n_in, $in, $n_out, $out) = @_;
    return AI::MXGrad::FFI::Callback::guard(sub {
        my $self = $CALLED{$number};
        my @given = map { _own($_) } _handles_at($in, $n_in);
        local $self->{_saved} = [splice @given, $self->{_n_outputs}];
        my $paused = AI::MXGrad::AutoGrad::Scope->new(0, -1);
        my @grads = $self->backward(@given);
        @grads == $n_out or AI::MXGrad::Error->throw('InvalidValueError', sprintf
            '%s::backward gave %d gradients for %d inputs; give undef where there is none',
            ref $self, scalar @grads, $n_out);
        return _give($out, map { defined $_ ? $NDARRAY->coerce($_) : undef } @grads);
    });
}

sub _deleted {
    my ($number) = @_;
    $CARE-- if delete $CALLED{$number};
    return;
}

sub _handles_at {
    my ($address, $count) = @_;
    return $count ? unpack "J$count", unpack 'P' . 8 * $count, pack 'J', $address : ();
}

# An array of our own beside one that C only lends.
sub _own {
    my ($handle) = @_;
    mxg_ndarray_dup($handle, \my $h) and fail();
    return $NDARRAY->_wrap($h);
}

# Writes handles that C then owns to where it expects them.
sub _give {
    my ($address, @arrays) = @_;
    my @handles;
    for my $array (@arrays) {
        my $h = 0;
        if (defined $array) {
            mxg_ndarray_dup($array->handle, \$h) and fail();
        }
        push @handles, $h;
    }
    FFI::Platypus::Memory::memcpy($address, _address(my $packed = pack 'J*', @handles), 8 * @handles);
    return 0;
}

sub _address { return unpack 'J', pack 'P', $_[0] }

sub new {
    my ($class, @state) = @_;
    return bless {@state}, $class;
}

sub save_for_backward {
    my ($self, @arrays) = @_;
    $self->{_saved} = \@arrays;
    return;
}

sub saved_tensors { return @{ $_[0]{_saved} || [] } }

sub call {
    my ($self, @inputs) = @_;
    $self->{_used}++ and AI::MXGrad::Error->throw('InvalidValueError',
        'Each Function instance can only be called once. Please create another instance.');
    UNIVERSAL::isa($_, $NDARRAY) or AI::MXGrad::Error->throw('NotAnArrayError',
        ref($self) . ': the inputs must be NDArrays') for @inputs;

    # Perl's forward says how many outputs there are only by returning them, so it runs before C is asked.
    my @outputs = _paused($self, @inputs);
    @outputs = _recorded($self, \@inputs, \@outputs) if $RECORDING;
    return wantarray ? @outputs : @outputs == 1 ? $outputs[0] : \@outputs;
}

sub _recorded {
    my ($self, $inputs, $outputs) = @_;
    @{$self}{qw(_outputs _n_outputs)} = ($outputs, scalar @$outputs);
    $self->{_saved} ||= [];
    my $number = ++$LAST;
    my ($forward, $backward, $deleted) = _entries();
    my $function;
    here(caller);
    mxg_function_new(ref $self, $forward, $backward, $number, $deleted, \$function) and fail();
    $CALLED{$number} = $self;
    $CARE++;
    my $results = buffer(8 * @$outputs);
    my $status = mxg_function_call($function, scalar @$inputs, handles(@$inputs), scalar @$outputs, $results);
    my $failed = $status && !eval { fail(); 1 } ? $@ : undef;
    mxg_function_free($function);
    die $failed if $failed;
    return map { $NDARRAY->_wrap($_) } take_handles($results, scalar @$outputs);
}

sub _paused {
    my ($self, @inputs) = @_;
    my $paused = AI::MXGrad::AutoGrad::Scope->new(0, -1);
    my @outputs = $self->forward(@inputs);
    @outputs = @{ $outputs[0] } if @outputs == 1 && ref $outputs[0] eq 'ARRAY';
    @outputs && !grep { !UNIVERSAL::isa($_, $NDARRAY) } @outputs
        or AI::MXGrad::Error->throw('InvalidTypeError', ref($self) . '::forward must return NDArrays');
    return map { $_->as_array } @outputs;
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::AutoGrad::Function - a function with a gradient of its own

=head1 SYNOPSIS

    use AI::MXGrad qw(nd autograd);

    package Sigmoid {
        use parent -norequire, 'AI::MXGrad::AutoGrad::Function';

        sub forward {
            my ($self, $x) = @_;
            my $y = 1 / (1 + exp(-$x));
            $self->save_for_backward($y);
            return $y;
        }

        sub backward {
            my ($self, $dy) = @_;
            my ($y) = $self->saved_tensors;
            return $dy * $y * (1 - $y);
        }
    }

    my $x = nd->array([0, 1])->attach_grad;
    my $y = autograd->record(sub { Sigmoid->new->($x) });
    $y->backward;
    print $x->grad->asstr, "\n";    # [0.25 0.19661193]

=head1 DESCRIPTION

A subclass says how the outputs are computed and how the gradients of the inputs follow from those of the
outputs. Nothing is recorded inside either. What dies in them arrives unchanged at the caller of the
function or of C<backward>.

=head1 METHODS TO WRITE

=over

=item forward($self, @inputs)

Returns the output arrays, one or a list.

=item backward($self, @head_grads)

Gets one gradient for each output; returns one for each input, of the input's shape, or undef for none.

=back

=head1 METHODS TO CALL

=over

=item new(%state)

An object, a hash with the given state. Keys that begin with an underscore are taken.

=item $function->(@inputs), call(@inputs)

The outputs: an array if there is one, else a list, or a list reference in scalar context. An object is
called once.

=item save_for_backward(@arrays), saved_tensors

Keep arrays in C<forward> and get them back in C<backward>. If one was overwritten meanwhile, C<backward> is
an error.

=back

=cut
