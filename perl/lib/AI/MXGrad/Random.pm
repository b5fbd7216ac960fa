package AI::MXGrad::Random;
use strict;
use warnings;

use AI::MXGrad::Context ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(fail mxg_seed mxg_seed_context);
use AI::MXGrad::NDArray ();

my $NDARRAY = 'AI::MXGrad::NDArray';

# Every `random.name` of the engine is a method `name` here.
for my $op (grep { s/\Arandom\.// } AI::MXGrad::Ops::names()) {
    my $sub = $NDARRAY->can("random_$op");
    my $code = sub {
        my ($class, @arguments) = @_;
        if ($AI::MXGrad::Context::CURRENT && AI::MXGrad::Ops::info("random.$op")->{known}{ctx}) {
            my %given = ref $arguments[-1] eq 'HASH' ? %{ pop @arguments } : ();
            push @arguments, {ctx => AI::MXGrad::Context->current_name, %given} if !grep { ($_ // '') eq 'ctx' } @arguments;
        }
        return $sub->($NDARRAY, @arguments);
    };
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *{ __PACKAGE__ . "::$op" } = $code;
}

# The sizes of randn are its positional arguments.
{
    no warnings 'redefine';
    *randn = sub {
        my ($class, @arguments) = @_;
        my %option = @arguments && ref $arguments[-1] eq 'HASH' ? %{ pop @arguments } : ();
        while (@arguments >= 2 && !ref $arguments[-2] && $arguments[-2] =~ /\A[a-z]/) {
            my ($name, $value) = splice @arguments, -2;
            $option{$name} = $value;
        }
        $option{shape} //= @arguments == 1 && ref $arguments[0] ? $arguments[0] : \@arguments if @arguments;
        return $class->normal(\%option);
    };
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
