package AI::MXGrad::Random;
use strict;
use warnings;

use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(fail mxg_seed mxg_seed_context);
use AI::MXGrad::NDArray ();

# Every `random.name` of the engine is a method there.
our @ISA = ('AI::MXGrad::Ops::random');

# Its sizes are the positional arguments.
sub randn {
    my ($class, @arguments) = @_;
    my %option = @arguments && ref $arguments[-1] eq 'HASH' ? %{ pop @arguments } : ();
    while (@arguments >= 2 && !ref $arguments[-2] && $arguments[-2] =~ /\A[a-z]/) {
        my ($name, $value) = splice @arguments, -2;
        $option{$name} = $value;
    }
    if (@arguments) {
        $option{shape} = @arguments == 1 && ref $arguments[0] ? $arguments[0] : \@arguments;
    }
    return $class->normal(\%option);
}

sub seed {
    my ($class, $seed, %option) = @_;
    defined $seed && !ref $seed && $seed =~ /\A-?[0-9]+\z/
        or AI::MXGrad::Error->throw('InvalidTypeError', 'seed: the seed must be a whole number');
    my $ctx = $option{ctx} // 'all';
    ($ctx eq 'all' ? mxg_seed($seed) : mxg_seed_context($seed, "$ctx")) and fail();
    return;
}

1;
