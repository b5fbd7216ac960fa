package AI::MXGrad::Random;
use strict;
use warnings;

use AI::MXGrad::Convert ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(fail mxg_seed mxg_seed_context);
use AI::MXGrad::NDArray ();

# Every `random.name` of the engine is a method there.
our @ISA = ('AI::MXGrad::Ops::random');

# Its sizes are the positional arguments.
sub randn {
    my ($class, @arguments) = @_;
    my %option = AI::MXGrad::Convert::take_named(\@arguments);
    if (@arguments) {
        $option{shape} = @arguments == 1 && ref $arguments[0] ? $arguments[0] : \@arguments;
    }
    return $class->normal(\%option);
}

sub seed {
    my ($class, $seed, @options) = @_;
    my %option = AI::MXGrad::Convert::options('seed', ['ctx'], @options);
    defined $seed && !ref $seed && $seed =~ /\A-?[0-9]+\z/
        or AI::MXGrad::Error->throw('InvalidTypeError', 'seed: the seed must be a whole number');
    my $ctx = $option{ctx} // 'all';
    ($ctx eq 'all' ? mxg_seed($seed) : mxg_seed_context($seed, "$ctx")) and fail();
    return;
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Random - random numbers

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd);

    mx->random->seed(42);
    my $noise = nd->random->normal(0, 0.1, [2, 3]);
    my $coins = nd->random->uniform(shape => 10) > 0.5;
    print $noise->asstr, "\n", $coins->asstr, "\n";

=head1 DESCRIPTION

The streams are those of MXNet 1.x on a CPU, bit for bit, and the same from Python and C; without C<seed> a
program draws as after C<seed(0)>. C<< nd->random >> and C<< mx->random >> are this class; all methods are
class methods.

=head1 METHODS

Every operator of L<AI::MXGrad::Ops> whose name begins with C<random.> is a method: C<uniform($low, $high)>,
C<normal($loc, $scale)>, C<gamma>, C<exponential>, C<poisson>, C<randint>, C<multinomial>, C<shuffle>, ....
Parameters come by position or by name; all know C<shape> (a number or a list), C<dtype>, C<ctx> and C<out>.

=over

=item randn(@sizes, loc => 0, scale => 1)

Normal numbers; the sizes are arguments.

=item seed($number, ctx => 'all')

Starts the streams of all contexts, or of one. Error: InvalidTypeError for what is no whole number.

=back

=cut
