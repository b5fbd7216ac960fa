# Custom functions: values, gradients, exceptions, and the ways out of a callback.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(nd autograd);

{
    package My::Sigmoid;
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

{
    package My::Two;
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';
    our @SEEN;

    sub forward {
        my ($self, $x, $y) = @_;
        push @SEEN, join ' ', AI::MXGrad::AutoGrad->is_recording, AI::MXGrad::AutoGrad->is_training;
        $self->{factor} //= 1;
        return ($x * $y * $self->{factor}, $x + $y);
    }

    sub backward {
        my ($self, @heads) = @_;
        push @SEEN, AI::MXGrad::AutoGrad->is_recording . ' ' . @heads;
        return ($heads[0] * 10, undef);
    }
}

# Calls what the test gives it.
{
    package My::Code;
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';
    sub forward  { my ($self, @in) = @_; return $self->{forward}  ? $self->{forward}->(@in)  : $in[0] * 1 }
    sub backward { my ($self, @in) = @_; return $self->{backward} ? $self->{backward}->(@in) : $in[0] }
}

my $x = nd->array([0, 1, 2])->attach_grad;

subtest 'values and gradients' => sub {
    my $y = autograd->record(sub { scalar My::Sigmoid->new->($x) });
    my $s = $x->sigmoid;
    values_are($y, $s->aslist, 'forward', 1e-6);
    $y->backward;
    values_are($x->grad, ($s * (1 - $s))->aslist, 'backward', 1e-6);
    autograd->record(sub { $y = My::Sigmoid->new->call($x * 2) * 3 })->backward;
    my $t = (2 * $x)->sigmoid;
    values_are($x->grad, (6 * $t * (1 - $t))->aslist, 'inside a longer computation, by call()', 1e-6);
    $y = autograd->record(sub { My::Sigmoid->new->($x) });
    $y->backward(retain_graph => 1);
    $y->backward;
    values_are($x->grad, ($s * (1 - $s))->aslist, 'twice, with retain_graph', 1e-6);
    values_are(scalar My::Sigmoid->new->($x), $s->aslist, 'not recorded', 1e-6);

    my ($p, $q) = map { nd->array([$_])->attach_grad } 2, 3;
    my ($product, $sum);
    autograd->record(sub { ($product, $sum) = My::Two->new(factor => 2)->($p, $q) });
    values_are($product, [12], 'two outputs: the first, with state from new');
    values_are($sum,     [5],  '... the second');
    $q->grad .= 7;
    autograd->backward([$product, $sum]);
    values_are($p->grad, [10], 'the gradient that backward gave');
    values_are($q->grad, [7],  'undef is no gradient: the variable is not reached');
    is_deeply(\@My::Two::SEEN, ['0 1', '0 2'],
        'nothing is recorded in either; backward has one head for each output');
    my $row = nd->array([[1, 2], [3, 4]])->attach_grad;
    autograd->record(sub { My::Code->new(forward => sub { ($_[0] * 2)->slice('X', 0) },
        backward => sub { $_[0]->concat($_[0] * 5, dim => 1) })->($row->slice(1)) })->backward;
    values_are($row->grad, [[0, 0], [1, 5]], 'parts in and out');
    my $both = My::Two->new->($p, $q);
    is(ref $both, 'ARRAY', 'a list in scalar context');

    my $once = My::Sigmoid->new;
    $once->($x);
    throws(sub { $once->($x) }, 'InvalidValueError', qr/only be called once/, 'a second call');
    throws(sub { My::Sigmoid->new->(3) }, 'NotAnArrayError', qr/My::Sigmoid: the inputs/, 'a number');
    throws(sub { My::Code->new(forward => sub { 3 })->($x) }, 'InvalidTypeError', qr/forward must return/,
        'a number back');
    autograd->record(sub { $y = My::Code->new(backward => sub { return (1, 2, 3) })->($x) });
    throws(sub { $y->backward }, 'InvalidValueError', qr/My::Code::backward gave 3 gradients for 1 inputs/,
        'too many');
    autograd->record(sub { $y = My::Code->new(backward => sub { nd->ones([7]) })->($x) });
    ok(!eval { $y->backward; 1 }, 'a gradient of another shape');
    ok(!eval { autograd->record(sub { My::Code->new(forward => sub { $_[0] })->($x) }); 0 },
        'the input itself as output')
        or diag 'it was taken';
};

subtest 'exceptions' => sub {
    my $object = {code => 42};
    for my $exception ("plain\n", $object, bless([], 'My::Exception')) {
        my $name = ref $exception || 'a string';
        ok(!eval { autograd->record(sub { My::Code->new(forward => sub { die $exception })->($x) }); 1 },
            "$name in forward");
        is($@, $exception, '... arrives unchanged');
        is(autograd->is_recording . autograd->is_training, '00', '... the flags restored');
        my $y = autograd->record(sub { My::Code->new(backward => sub { die $exception })->($x * 2) + 1 });
        ok(!eval { $y->backward; 1 }, "$name in backward");
        is($@, $exception, '... arrives unchanged');
        is(autograd->is_recording . autograd->is_training, '00', '... the flags restored');
        $y = autograd->record(sub { My::Code->new(backward => sub { die $exception })->($x * 2) });
        ok(!eval { autograd->grad($y, $x); 1 } && $@ eq $exception, '... through grad, too');
    }
    my $y = autograd->record(sub { My::Code->new(backward => sub { die 'with a line' })->($x) });
    eval { $y->backward };
    is($@, 'with a line at ' . __FILE__ . ' line ' . (__LINE__ - 2) . ".\n", 'the line is that of the die');
    $y = autograd->record(sub { My::Code->new(backward => sub { $_[0] + nd->ones([7]) })->($x) });
    eval { $y->backward };
    is($@->line, __LINE__ - 2, 'an error of the engine is at the line of the callback');
    $y = autograd->record(sub { My::Code->new(backward => sub { eval { die "inner\n" }; $_[0] })->($x) });
    local $@ = 'before';
    $y->backward;
    is($@, 'before', '$@ is left alone by a callback that succeeds');
    $y = autograd->record(sub { My::Code->new->($x) });
    $@ = 'before';
    undef $y;
    is($@, 'before', 'and by a function that goes away');
    ok(eval { (nd->ones([1]) + 1)->asscalar == 2 }, 'and everything still works');

    my $outer = sub {
        my ($dy) = @_;
        my $z = nd->ones([3])->attach_grad;
        my $inner = autograd->record(sub { My::Code->new(backward => sub { die "deep\n" })->($z) });
        eval { $inner->backward };
        die "not deep: $@" if $@ ne "deep\n";
        $inner = autograd->record(sub { My::Sigmoid->new->($z) });
        $inner->backward;
        return $dy * $z->grad;
    };
    autograd->record(sub { My::Code->new(backward => $outer)->($x) })->backward;
    my $s = nd->ones([3])->sigmoid;
    values_are($x->grad, ($s * (1 - $s))->aslist, 'backward inside backward', 1e-6);
};

subtest 'jumps' => sub {
    no warnings 'exiting';
    my $y = autograd->record(sub { My::Code->new(backward => sub { last })->($x) });
    ok(!eval { $y->backward; 1 }, 'last');
    like($@, qr/Can't "last" outside a loop block/, '... has nowhere to go');
    my $passes = 0;
    OUTER: for (1 .. 2) {
        $passes++;
        $y = autograd->record(sub { My::Code->new(backward => sub { next OUTER })->($x) });
        ok(!eval { $y->backward; 1 }, 'next with a label');
        like($@, qr/Label not found for "next OUTER"/, '... is not found');
    }
    is($passes, 2, 'the loop ran on');
    is($AI::MXGrad::FFI::DEPTH, 0, 'all callbacks have ended');
};

subtest 'exit inside a callback' => sub {
    my @include = map { "-I$_" } grep { !ref } @INC;
    my $code = <<'PERL';
        use AI::MXGrad qw(nd autograd);
        package F; our @ISA = 'AI::MXGrad::AutoGrad::Function';
        sub forward { $_[1] * 1 }
        sub backward { exit 7 }
        package main;
        our $global = nd->ones([3]);
        my $x = nd->ones([3])->attach_grad;
        my $cycle = [nd->ones([1])]; push @$cycle, $cycle;
        my $y = autograd->record(sub { F->new->($x) });
        END { my $gone = nd; undef $global; print "end\n" }
        $y->backward;
        print "not here\n";
PERL
    open my $pipe, '-|', $^X, @include, '-e', $code or die $!;
    my $said = do { local $/ = undef; <$pipe> };
    close $pipe;
    is($said, "end\n", 'END blocks run');
    is($?, 7 << 8, 'the exit code is kept, without a signal');
};

done_testing;
