# However a program ends, it ends with its own status and says nothing but its own words.
use strict;
use warnings;
use Config;
use Test::More;

my $PRELUDE = <<'PERL';
use strict;
use warnings;
use AI::MXGrad qw(mx nd autograd nn);
use POSIX ();
our ($global, @list);
{ package F; our @ISA = 'AI::MXGrad::AutoGrad::Function'; our $CODE;
  sub forward { $_[1] * 1 } sub backward { $CODE->(); $_[1] } }
{ package B; our @ISA = 'AI::MXGrad::Gluon::Block'; our $CODE; sub forward { $CODE->(); $_[1] } }
{ package Late; sub new { bless {x => $_[1]}, $_[0] }
  sub DESTROY { my $z = eval { $_[0]{x} && $_[0]{x} + 1 } } }
my $x = nd->ones([3])->attach_grad;
$| = 1;
PERL

# name => [program after the prelude, what it prints, how its standard error begins, exit status]; the status
# of a program that dies is $!, if that is not 0.
my %case = (
    'arrays and objects in package variables' => [
        '$global = {x => $x, net => nn->Dense(2), y => autograd->record(sub { $x * 2 })}; print "done"',
        'done', '', 0],
    'cycles' => ['my $cycle = [nd->ones([1])]; push @$cycle, $cycle; push @list, $cycle', '', '', 0],
    'a destructor that computes' => ['our $late = Late->new($x); $global = $late', '', '', 0],
    'blocks and functions' => [
        '$global = B->new; $B::CODE = sub { }; $global->($x); @list = F->new; print "done"', 'done', '', 0],
    'a generator that is not at its end' => [
        '$global = mx->gluon->data->ArrayDataset($x, $x)->iter; $global->(); print "done"', 'done', '', 0],
    'exit while recording' => ['autograd->record(sub { exit 7 }); print "no"', '', '', 7],
    'exit in a function' => [
        '$F::CODE = sub { exit 7 }; autograd->record(sub { F->new->($x) })->backward; print "no"', '', '', 7],
    'exit in a block' => [
        '$B::CODE = sub { exit 7 }; $global = B->new; $global->($x); print "no"', '', '', 7],
    'exit in a metric' => ['mx->metric->CustomMetric(sub { exit 7 })->update([$x], [$x])', '', '', 7],
    'exit in END' => ['END { $x = $x + 1; print $x->sum->asscalar; $? = 7 }', '6', '', 7],
    'exit in a signal handler' => [
        '$SIG{USR1} = sub { exit 7 }; kill USR1 => $$; $x *= 1 for 1 .. 9', '', '', 7],
    '_exit' => ['$global = $x; POSIX::_exit(7)', '', '', 7],
    'die' => ['die "at the end\n"', '', "at the end\n", undef],
    'die while recording' => ['autograd->record(sub { die "inside\n" })', '', "inside\n", undef],
    'die in a function' => [
        '$F::CODE = sub { die "inside\n" }; autograd->record(sub { F->new->($x) })->backward',
        '', "inside\n", undef],
    'die in a block' => [
        '$B::CODE = sub { die "inside\n" }; $global = B->new; $global->($x)', '', "inside\n", undef],
    'an error of the engine' => ['$x = $x + nd->ones([2])', '', 'InvalidValueError: add: operands', undef],
    'another program' => ['exec $^X, "-e", "print 5; exit 7"', '5', '', 7],
);
if ($Config{useithreads}) {
    $case{'a thread that has ended'} = [
        'require threads; print threads->create(sub { (nd->ones([2]) + 1)->sum->asscalar })->join; exit 7',
        '4', '', 7];
    $case{'die in a thread'} = [
        'require threads; $SIG{__WARN__} = sub { }; threads->create(sub { die "inside\n" })->join; exit 7',
        '', '', 7];
    # Perl warns of the thread if it is at its end before anybody waits for it
    $case{'exit in a thread'} = [
        'no warnings "threads"; require threads;'
        . ' threads->create(sub { my $y = nd->ones([2]); exit 7 })->join; print "no"', '', '', 7];
}

my @include = map { "-I$_" } grep { !ref } @INC;
for my $name (sort keys %case) {
    my ($code, $prints, $complains, $status) = @{ $case{$name} };
    my $program = "{ package main; open STDERR, '>&', \\*STDOUT }\n$PRELUDE\n$code;\n";
    open my $pipe, '-|', $^X, @include, '-e', $program or die $!;
    my $said = do { local $/ = undef; <$pipe> };
    close $pipe;
    is($? & 255, 0, "$name: no signal");
    defined $status ? is($? >> 8, $status, '... the status') : isnt($? >> 8, 0, '... a status');
    my $wanted = $prints . $complains;
    if ($complains =~ /\n\z/ || $complains eq '') {
        is($said, $wanted, '... and nothing else is said');
    }
    else {
        like($said, qr/\A\Q$wanted\E.* line [0-9]+\.\n\z/s, '... and why');
    }
}

done_testing;
