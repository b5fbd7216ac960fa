package AI::MXGrad::NP;
use strict;
use warnings;

use AI::MXGrad::NDArray ();
use AI::MXGrad::Object ();

# Every `np.name` of the engine is a method there.
our @ISA = ('AI::MXGrad::Ops::np');

sub array {
    my ($class, $source, @options) = @_;
    return AI::MXGrad::Ops::invoke_named('np.copy', [AI::MXGrad::NDArray->array($source, @options)], {});
}

# What else is in the engine's np; and of its operators those that give no arrays, or take subs.
our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (ProhibitAutoloading): the engine knows the names
    my ($class, @args) = @_;
    my ($name) = $AUTOLOAD =~ /(\w+)\z/;
    return AI::MXGrad::Object::_of_path('np', $name, @args);
}

for my $name (qw(
    apply_along_axis apply_over_axes broadcast_shapes can_cast finfo fromfunction iinfo iscomplexobj isdtype
    isrealobj min_scalar_type ndenumerate piecewise promote_types result_type vectorize
)) {
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *{$name} = sub { my ($class, @args) = @_; return AI::MXGrad::Object::_of_path('np', $name, @args) };
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::NP - arrays with NumPy's habits

=head1 SYNOPSIS

    use AI::MXGrad qw(np autograd);

    my $x = np->array([1, 2, 3])->attach_grad;
    my $y = autograd->record(sub { np->sum($x * $x) });
    $y->backward;
    print $x->grad->asstr, "\n";        # [2. 4. 6.]
    print +($x > 2)->asstr, "\n";       # [False False  True]

=head1 DESCRIPTION

The engine knows two kinds of arrays, those of MXNet 1 (C<nd>) and those of MXNet 2, which behave like
NumPy's (C<np>). Both are L<AI::MXGrad::NDArray> objects with the same methods and operators, but arrays
made by C<np>, and what is computed from them, keep NumPy's habits: a full reduction has no axes (the shape
C<[]>), comparisons give C<bool>, dtypes mix, and C<attach_grad> on a computed array keeps its history.

=head1 METHODS

Every operator of L<AI::MXGrad::Ops/OPERATORS OF NP> is a class method, and so is what else the engine's
C<np> has:

    use AI::MXGrad qw(np);

    print np->pi, ' ', np->result_type('float32', 'int8'), "\n";       # 3.14159265358979 float32
    print np->finfo('float32')->{eps}, "\n";                           # 1.19209289550781e-07
    np->set_printoptions(precision => 2);
    print np->vectorize(sub { 1 / $_[0] })->(np->array([1, 3]))->asstr, "\n";  # [1.   0.33]

A dtype is its name, what C<finfo> and C<iinfo> tell of one a hash reference.

=over

=item array($source, dtype => 'float32', ctx => $context)

An array of a number, nested lists, a PDL, or an array of either kind; as C<array> of
L<AI::MXGrad::NDArray>.

=back

=cut
