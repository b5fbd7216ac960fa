package AI::MXGrad::NP;
use strict;
use warnings;

use AI::MXGrad::NDArray ();

# Every `np.name` of the engine is a method there.
our @ISA = ('AI::MXGrad::Ops::np');

sub array {
    my ($class, $source, @options) = @_;
    return AI::MXGrad::Ops::invoke_named('np.copy', [AI::MXGrad::NDArray->array($source, @options)], {});
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

Every operator of L<AI::MXGrad::Ops/OPERATORS OF NP> is a class method.

=over

=item array($source, dtype => 'float32', ctx => $context)

An array of a number, nested lists, a PDL, or an array of either kind; as C<array> of
L<AI::MXGrad::NDArray>.

=back

=cut
