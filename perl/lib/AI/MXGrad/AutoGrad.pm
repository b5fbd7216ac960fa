package AI::MXGrad::AutoGrad;
use strict;
use warnings;

use AI::MXGrad::AutoGrad::Function ();
use AI::MXGrad::AutoGrad::Scope ();
use AI::MXGrad::AutoGrad::Symbol ();
use AI::MXGrad::Convert ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail here buffer handles take_handles $RECORDING mxg_set_recording mxg_set_training mxg_is_recording
    mxg_is_training mxg_mark_variables mxg_backward mxg_grad_of
);
use AI::MXGrad::NDArray ();

my $NDARRAY = 'AI::MXGrad::NDArray';

sub import {
    my ($class, @names) = @_;
    my $caller = caller;
    for my $name (@names) {
        $name eq 'autograd'
            or AI::MXGrad::Error->throw('UnknownNameError', "$class exports autograd, not $name");
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        *{"${caller}::autograd"} = sub () { return __PACKAGE__ };
    }
    return;
}

sub _bad { return AI::MXGrad::Error->throw(@_) }

sub _list { return ref $_[0] eq 'ARRAY' ? @{ $_[0] } : ($_[0]) }

# ---- scopes

my $AS_IT_IS = -1;

# Runs the block with both flags set and gives what it gives. The scope ends with this frame, however it is
# left: by return, by an exception, which so passes unchanged, or by next and last.
sub _scope {
    my ($recording, $training, $code) = @_;
    ref $code eq 'CODE' || UNIVERSAL::can($code, '(&{}')
        or _bad('InvalidTypeError', 'the block to run must be a sub');
    my $scope = AI::MXGrad::AutoGrad::Scope->new($recording, $training);
    return $code->();
}

sub _flag { return !defined $_[0] ? $AS_IT_IS : $_[0] ? 1 : 0 }

sub record {
    my ($class, $code, @options) = @_;
    return _scope(1, 1, $code) if !@options;
    my %option = (train_mode => 1, AI::MXGrad::Convert::options('record', ['train_mode'], @options));
    return _scope(1, _flag($option{train_mode}), $code);
}

sub pause {
    my ($class, $code, @options) = @_;
    my %option = (train_mode => 0, AI::MXGrad::Convert::options('pause', ['train_mode'], @options));
    return _scope(0, _flag($option{train_mode}), $code);
}

sub train_mode   { my ($class, $code) = @_; return _scope($AS_IT_IS, 1, $code) }
sub predict_mode { my ($class, $code) = @_; return _scope($AS_IT_IS, 0, $code) }

sub is_recording {
    mxg_is_recording(\my $on) and fail();
    return $on;
}

sub is_training {
    mxg_is_training(\my $on) and fail();
    return $on;
}

sub set_is_recording {
    my ($class, $on) = @_;
    mxg_set_recording($on ? 1 : 0, \my $was) and fail();
    $RECORDING = $on ? 1 : 0;
    return $was;
}

sub set_is_training {
    my ($class, $on) = @_;
    mxg_set_training($on ? 1 : 0, \my $was) and fail();
    return $was;
}

# ---- gradients

sub mark_variables {
    my ($class, $variables, $gradients, @options) = @_;
    unshift @options, 'grad_reqs' if @options % 2;
    my %option = (
        grad_reqs => 'write',
        AI::MXGrad::Convert::options('mark_variables', ['grad_reqs'], @options),
    );
    my @variables = _list($variables);
    my @gradients = _list($gradients);
    my @requests  = ref $option{grad_reqs} ? @{ $option{grad_reqs} } : ($option{grad_reqs}) x @variables;
    @variables == @gradients && @variables == @requests
        or _bad('InvalidValueError', sprintf 'mark_variables: %d variables, %d gradients, %d grad_reqs',
            scalar @variables, scalar @gradients, scalar @requests);
    mxg_mark_variables(scalar @variables, handles(_arrays(@variables)), handles(_arrays(@gradients)),
        pack 'p*', @requests) and fail();
    return;
}

sub _arrays {
    my @arrays = @_;
    for my $array (@arrays) {
        UNIVERSAL::isa($array, $NDARRAY)
            or _bad('NotAnArrayError', 'an NDArray is needed, not '
                . (defined $array ? ref $array || "'$array'" : 'undef'));
    }
    return map { $_->as_array } @arrays;
}

# Head gradients packed for C, undef where there are none. The arrays made for it go into @$keep.
sub _head_grads {
    my ($heads, $grads, $keep) = @_;
    return undef if !defined $grads;    ## no critic (ProhibitExplicitReturnUndef)
    my @grads = ref $grads eq 'ARRAY' && (ref $grads->[0] || !defined $grads->[0]) ? @$grads : ($grads);
    @grads == @$heads
        or _bad('InvalidValueError', 'heads and head_grads must be lists of the same length: '
            . @$heads . ' and ' . @grads);
    @$keep = map { defined $grads[$_] ? $NDARRAY->coerce($grads[$_], $heads->[$_]) : undef } 0 .. $#grads;
    return handles(@$keep);
}

sub backward {
    my ($class, $heads, @options) = @_;
    unshift @options, 'head_grads' if @options % 2;
    my %option = (
        train_mode => 1,
        AI::MXGrad::Convert::options('backward', [qw(head_grads retain_graph train_mode)], @options),
    );
    my @heads = _arrays(_list($heads));
    my $grads = _head_grads(\@heads, $option{head_grads}, \my @keep);
    here(caller);
    local $@;
    mxg_backward(scalar @heads, handles(@heads), $grads,
        $option{retain_graph} ? 1 : 0, $option{train_mode} ? 1 : 0) and fail();
    return;
}

sub compute_gradient {
    my ($class, $outputs) = @_;
    return $class->backward($outputs);
}

sub grad {
    my ($class, $heads, $variables, @options) = @_;
    unshift @options, 'head_grads' if @options % 2;
    my %option = (
        train_mode => 1,
        AI::MXGrad::Convert::options('grad', [qw(head_grads retain_graph create_graph train_mode)], @options),
    );
    my @heads = _arrays(_list($heads));
    my @variables = _arrays(_list($variables));
    @variables or _bad('EmptyVariablesError', 'variables cannot be an empty list.');
    my $grads = _head_grads(\@heads, $option{head_grads}, \my @keep);
    my $results = buffer(8 * @variables);
    here(caller);
    local $@;
    mxg_grad_of(scalar @heads, handles(@heads), $grads, scalar @variables, handles(@variables),
        _flag($option{retain_graph}), $option{create_graph} ? 1 : 0, $option{train_mode} ? 1 : 0,
        $results) and fail();
    my @results = map { $NDARRAY->_wrap($_) } take_handles($results, scalar @variables);
    return ref $variables eq 'ARRAY' ? \@results : $results[0];
}

sub grad_and_loss {
    my ($class, $code, $argnum) = @_;
    return sub {
        my @arguments = @_;
        my @variables = _arrays(defined $argnum ? @arguments[_list($argnum)] : @arguments);
        my @grads = map { $_->zeros_like } @variables;
        $class->mark_variables(\@variables, \@grads);
        my $outputs = $class->record(sub { $code->(@arguments) });
        $class->backward([_list($outputs)]);
        return (\@grads, $outputs);
    };
}

sub get_symbol {
    my ($class, $array) = @_;
    return AI::MXGrad::AutoGrad::Symbol->new(_arrays($array));
}

# ---- programs, Jacobians and whatever else the engine has

our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (ProhibitAutoloading): the engine knows the names
    my ($class, @args) = @_;
    my ($name) = $AUTOLOAD =~ /(\w+)\z/;
    require AI::MXGrad::Object;
    return AI::MXGrad::Object::_of_path('autograd', $name, @args);
}

sub DESTROY { return }

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::AutoGrad - recording and gradients

=head1 SYNOPSIS

    use AI::MXGrad qw(nd autograd);

    my $x = nd->array([1, 2, 3])->attach_grad;
    my $y = autograd->record(sub { ($x**3)->sum });

    my $dx  = autograd->grad($y, $x, create_graph => 1);    # 3x²
    my $ddx = autograd->grad($dx, $x);                      # 6x
    print $dx->asstr, "\n", $ddx->asstr, "\n";

=head1 DESCRIPTION

C<autograd> is short for this class; all methods are class methods. Arguments called heads and variables are
an array or a reference to a list of them.

=head1 SCOPES

Each runs a block and gives what it gives, in the context it was called in. However the block is left, the
flags are what they were; an exception passes unchanged.

=over

=item record($code, train_mode => 1)

Records what is computed from variables. C<train_mode> is the mode of operators like Dropout; undef leaves
it as it is.

=item pause($code, train_mode => 0)

Does not record.

=item train_mode($code), predict_mode($code)

Set the mode and leave recording as it is.

=item is_recording, is_training

The flags of this thread, 1 or 0.

=item set_is_recording($on), set_is_training($on)

Set a flag and give what it was.

=back

=head1 GRADIENTS

=over

=item backward($heads, head_grads =>, retain_graph => 0, train_mode => 1)

Fills the gradients of all variables the heads were computed from; those of several heads add up.
C<head_grads> has an array, or undef for ones, for each head. The graph is freed unless C<retain_graph> is
true. Errors: AutogradError (nothing recorded, graph freed, a value overwritten since), InvalidValueError
(lengths, shapes).

=item grad($heads, $variables, head_grads =>, retain_graph =>, create_graph => 0, train_mode => 1)

The gradients themselves: an array for one variable, a list reference for a list. Attached gradients stay as
they are. With C<create_graph> the computation of the gradient is recorded, so that it can be differentiated
again, any number of times; C<retain_graph> is as C<create_graph> unless given. Errors: as C<backward>; a
variable that is not marked or not reached.

=item compute_gradient(\@heads)

C<backward(\@heads)>.

=item mark_variables(\@variables, \@gradients, grad_reqs => 'write')

Makes variables whose gradients go into the given arrays. C<grad_reqs> is C<write>, C<add> or C<null>, or a
list.

=item grad_and_loss($code, $argnum)

A sub that calls C<$code> and returns C<(\@gradients, $result)>: the gradients of the result by all
arguments, or those with the numbers C<$argnum>.

=item get_symbol($array)

The recorded computation of an array, as an object that prints readably and has the methods
C<list_arguments> and C<tojson>.

=back

=head1 PROGRAMS AND CALCULUS

The other names of the engine's C<autograd> are methods, too; they take and give subs as they take and give
arrays.

=over

=item program($code)

C<$code> as a program: it is called once for arguments of one kind, recorded, and replayed by the next calls,
as an object that is called like a sub.

    my $cell = autograd->program(sub { my ($x, $h) = @_; ($x + 0.5 * $h)->tanh });
    my $h    = nd->zeros([1]);
    $h = $cell->($_, $h) for map { nd->array([$_]) } 1 .. 3;

Errors: ProgramError if the code looks at numbers, writes in place, draws random numbers or runs a backward.

=item vjp, jvp, jacobian, hessian, hvp, value_and_grad, checkpoint

Derivatives of functions, and recomputation instead of memory. C<autograd-E<gt>jacobian($code)-E<gt>($x)> is
the Jacobian of C<$code> at C<$x>.

=back

=head1 CUSTOM FUNCTIONS

See L<AI::MXGrad::AutoGrad::Function>.

=cut
