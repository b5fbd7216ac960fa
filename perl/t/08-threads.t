# Perl's threads, fork, signals.
use strict;
use warnings;
use Config;
use FindBin;
use if $Config{useithreads}, 'threads';
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(nd autograd nn);

{
    package Doubles;
    our @ISA = 'AI::MXGrad::Gluon::Block';
    sub forward { my ($self, $x) = @_; return $x * 2 }
}

{
    package My::Double;
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';
    sub forward  { return $_[1] * 2 }
    sub backward { return $_[1] * 2 }
}

my $x = nd->array([1, 2, 3])->attach_grad;

# A gradient through operators and a function of Perl's, from start to end.
sub gradient {
    my $v = nd->array([1, 2, 3])->attach_grad;
    autograd->record(sub { My::Double->new->($v * $v) })->backward;
    return join ' ', @{ $v->grad->aslist };
}

subtest 'threads' => sub {
    plan skip_all => 'this perl has no threads' if !$Config{useithreads};
    is(gradient(), '4 8 12', 'before');
    my $live = live();
    autograd->record(sub {
        my @threads = map {
            threads->create(sub {
                my $seen = join ' ', autograd->is_recording, ref \$x eq 'REF' ? ref $x : 'gone';
                my @gradients = map { gradient() } 1 .. 20;
                my $error = eval { my $z = nd->ones([2]) + nd->ones([3]); 1 } ? '' : ref $@;
                return join '|', $seen, $error, keys %{ { map { $_ => 1 } @gradients } };
            })
        } 1 .. 4;
        my @said = map { $_->join } @threads;
        is($said[$_], '0 SCALAR|AI::MXGrad::Error|4 8 12',
            "thread $_: its own flags, no copies of our arrays, its gradients")
            for 0 .. 3;
        is(autograd->is_recording, 1, 'the flag of this thread is as it was');
    });
    is(live(), $live, 'the threads gave back what they made, and nothing else');
    values_are($x, [1, 2, 3], 'our array is still ours');

    my $block = Doubles->new;
    my $said = threads->create(sub {
        my $old = eval { $block->(nd->ones([3])); 1 } ? 'alive' : $@->type;
        my $sequence = nn->Sequential;
        $sequence->add(Doubles->new);
        return "$old " . $sequence->(nd->ones([2]))->sum->asscalar;
    })->join;
    is($said, 'HandleError 4', 'blocks of a thread are its own, too');
    values_are($block->($x), [2, 4, 6], '... and ours is ours');
    is(gradient(), '4 8 12', 'and everything works');
};

subtest 'fork' => sub {
    my $child = open(my $pipe, '-|') // plan skip_all => "no fork: $!";
    if (!$child) {
        print join ';', gradient(), "@{ $x->aslist }", ($x * 2)->sum->asscalar;
        exit 3;    # arrays of the parent are destroyed here
    }
    my $said = do { local $/ = undef; <$pipe> };
    close $pipe;
    is($said, '4 8 12;1 2 3;12', 'the child computes with old and new arrays');
    is($?, 3 << 8, '... and ends as it says');
    values_are($x * 2, [2, 4, 6], 'the parent goes on');
};

subtest 'signals' => sub {
    my $caught = 0;
    local $SIG{INT} = sub { $caught++ };
    kill INT => $$;
    my $z = $x + 1;
    is($caught, 1, "a handler of Perl's still runs");
};

done_testing;
