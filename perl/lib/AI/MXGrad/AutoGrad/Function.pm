package AI::MXGrad::AutoGrad::Function;
use strict;
use warnings;

use FFI::Platypus::Memory ();

use AI::MXGrad::AutoGrad::Scope ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail here buffer handles take_handles $RECORDING $DEPTH $CARE $PENDING mxg_set_error mxg_ndarray_dup
    mxg_ndarray_free mxg_function_new mxg_function_call mxg_function_free mxg_save_for_backward
);

use overload '&{}' => sub { my ($self) = @_; return sub { $self->call(@_) } }, fallback => 1;

my $NDARRAY = 'AI::MXGrad::NDArray';
my $FAILED  = -6;

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
    $ENTRY ||= AI::MXGrad::AutoGrad::Function::Entry->new(\&_forward, \&_backward, \&_deleted);
    return @{ $ENTRY->{addresses} };
}

{
    package    # of addresses for C, and of what is behind them
        AI::MXGrad::AutoGrad::Function::Entry;

    # A thread has an interpreter, and so entries, of its own; copies of ours would be freed a second time.
    sub CLONE_SKIP { return 1 }

    sub new {
        my ($class, @subs) = @_;
        my $ffi = $AI::MXGrad::FFI::FFI;
        my $callback = '(opaque, sint32, opaque, sint32, opaque)->int';
        my @closures = map { $ffi->closure($_) } @subs;
        my @addresses = map { $ffi->cast($_->[0] => 'opaque', $_->[1]) }
            [$callback, $closures[0]], [$callback, $closures[1]], ['(opaque)->void', $closures[2]];
        return bless {addresses => \@addresses, closures => \@closures}, $class;
    }
}

# Runs what C called. An exception cannot cross C: it waits in $PENDING for the call that started it all.
# Nor can next, last and goto; an overloaded operator runs on a stack of its own, where they find no label
# and become exceptions.
sub _guard {
    my ($code) = @_;
    local $@;
    $DEPTH++;
    $CARE++;
    my $done = 0 + bless sub { eval { $code->(); 1 } || 0 }, __PACKAGE__ . '::Fence';
    $DEPTH--;
    $CARE--;
    return 0 if $done;
    my $error = $@;
    $PENDING = \$error;
    return mxg_set_error($FAILED, ref $error || $error);
}

{
    package    # only for _guard
        AI::MXGrad::AutoGrad::Function::Fence;
    use overload '+' => sub { return $_[0]->() };
}

# The outputs are known already (see `call`): C gets them, and what backward needs.
sub _forward {
    my ($number, $n_in, $in, $n_out, $out) = @_;
    return _guard(sub {
        my $self = $CALLED{$number};
        my ($outputs, $saved) = delete @{$self}{qw(_outputs _saved)};
        mxg_save_for_backward(scalar @$saved, handles(@$saved)) and fail() if @$saved;
        _give($out, @$outputs);
    });
}

sub _backward {
    my ($number, $n_in, $in, $n_out, $out) = @_;
    return _guard(sub {
        my $self = $CALLED{$number};
        my @given = map { _own($_) } _handles_at($in, $n_in);
        local $self->{_saved} = [splice @given, $self->{_n_outputs}];
        my $paused = AI::MXGrad::AutoGrad::Scope->new(0, -1);
        my @grads = $self->backward(@given);
        @grads == $n_out or AI::MXGrad::Error->throw('InvalidValueError', sprintf
            '%s::backward gave %d gradients for %d inputs; give undef where there is none',
            ref $self, scalar @grads, $n_out);
        _give($out, map { defined $_ ? $NDARRAY->coerce($_) : undef } @grads);
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
    return;
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
    here();
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
