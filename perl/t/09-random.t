# Random numbers: MXNet's streams, and every call form.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd np autograd);

# Recorded from MXNet 1.9.1 on a CPU.
my @uniform = (0.54881352186203, 0.5928446054458618, 0.7151893377304077, 0.8442657589912415,
    0.6027633547782898);
my @normal  = (2.2122063636779785, 0.774003803730011, 1.043440341949463);

values_are(nd->random->uniform(shape => 2), [@uniform[0, 1]], 'without a seed it is 0');
values_are(nd->random->uniform(0, 1, [3]),  [@uniform[2 .. 4]], 'the stream goes on', 1e-7);
mx->random->seed(7);
values_are(nd->random->uniform(shape => 2), [0.428559452, 0.917516232], 'seed 7');

my %form = (
    '(low, high, shape)'          => sub { nd->random->uniform(0, 1, [2]) },
    '(low, high, shape => list)'  => sub { nd->random->uniform(0, 1, shape => [2]) },
    '(shape => number)'           => sub { nd->random->uniform(shape => 2) },
    'a hash reference'            => sub { nd->random->uniform({low => 0, high => 1, shape => [2]}) },
    'mx->random'                  => sub { mx->random->uniform(0, 1, [2]) },
    'mx->rnd'                     => sub { mx->rnd->uniform(shape => [2]) },
    'mx->nd->random_uniform'      => sub { mx->nd->random_uniform(shape => [2]) },
    'mx->nd->uniform'             => sub { mx->nd->uniform(shape => [2]) },
    'ctx =>'                      => sub { nd->random->uniform(shape => [2], ctx => mx->cpu) },
    'out =>'                      => sub { nd->random->uniform(out => nd->zeros([2])) },
    'dtype =>'                    => sub { nd->random->uniform(shape => 2, dtype => 'float32') },
);
for my $name (sort keys %form) {
    mx->random->seed(0);
    values_are($form{$name}->(), [@uniform[0, 1]], $name);
}

mx->random->seed(0);
values_are(nd->random->uniform(-1, 1, [2]), [0.09762704372406006, 0.18568921089172363], 'bounds', 1e-7);
mx->random->seed(0);
values_are(nd->random->normal(0, 1, [3]), \@normal, 'normal', 1e-6);
mx->random->seed(0);
values_are(nd->random->randn(3), \@normal, 'randn', 1e-6);
mx->random->seed(0);
values_are(nd->random->randn(1, 3, loc => 1, scale => 2), [[map { 2 * $_ + 1 } @normal]],
    'randn with options', 1e-6);
mx->random->seed(0);
values_are(nd->random->randint(0, 1000, [3]), [751, 344, 403], 'randint');
mx->random->seed(0);
my $double = nd->random->uniform(shape => [2], dtype => 'float64');
is($double->dtype, 'float64', 'float64');

for my $case (
    ['gamma',       sub { nd->random->gamma(9, 0.5, [2000]) },      4.5],
    ['exponential', sub { nd->random->exponential(2, [2000]) },     2],
    ['poisson',     sub { nd->random->poisson(4, [2000]) },         4],
    ['multinomial', sub { nd->random->multinomial(nd->array([0, 0.5, 0.5]), 2000)->astype('float32') }, 1.5],
) {
    my ($name, $code, $mean) = @$case;
    my $draw = $code->();
    is_deeply($draw->shape, [2000], "$name: its shape");
    cmp_ok(abs($draw->mean->asscalar - $mean), '<', 0.1 * $mean, '... and its mean');
}
is_deeply([sort { $a <=> $b } @{ nd->random->shuffle(nd->arange(50))->aslist }], [0 .. 49], 'shuffle');
isnt("@{ nd->random->shuffle(nd->arange(50))->aslist }", "@{[0 .. 49]}", '... moves them');

mx->random->seed(5, ctx => mx->cpu(0));
my $first = nd->random->uniform(shape => 3);
mx->random->seed(5, ctx => 'cpu(0)');
is_deeply(nd->random->uniform(shape => 3)->aslist, $first->aslist, 'the seed of one context');
throws(sub { mx->random->seed('five') },  'InvalidTypeError', qr/whole number/, 'a word for a seed');
throws(sub { mx->random->seed(1.5) },     'InvalidTypeError', qr/whole number/, 'a fraction');
throws(sub { nd->random->uniform(shap => 2) }, 'TypeError', qr/unexpected keyword argument 'shap'/,
    'an unknown parameter');

# Every value that was recorded from MXNet, where the source tree has them.
SKIP: {
    my $file = "$FindBin::Bin/../../tests/data/random_golden.json";
    -e $file or skip 'the recorded values are not beside this distribution', 1;
    require JSON::PP;
    open my $json, '<', $file or die $!;
    my $cases = JSON::PP->new->decode(do { local $/ = undef; <$json> });
    my %draw = (
        'nd.uniform'         => sub { nd->random->uniform(shape => $_[0]) },
        'nd.uniform(-1,1)'   => sub { nd->random->uniform(-1, 1, shape => $_[0]) },
        'nd.normal'          => sub { nd->random->normal(shape => $_[0]) },
        'nd.randint(0,1000)' => sub { nd->random->randint(0, 1000, shape => $_[0]) },
        'np.uniform'         => sub { np->random->uniform(size => $_[0]) },
        'np.normal'          => sub { np->random->normal(size => $_[0]) },
        'nd.dropout(.3)'     => sub {
            my ($n) = @_;
            return autograd->train_mode(sub { nd->ones([$n])->Dropout(p => 0.3) != 0 });
        },
    );
    my %wrong;
    for my $case (@$cases) {
        mx->random->seed($case->{seed});
        my $list = $draw{ $case->{kind} }->($case->{n})->aslist;
        $wrong{ $case->{kind} } += grep { $list->[$_] != $case->{values}[$_] } 0 .. $#{ $case->{values} };
    }
    is($wrong{$_}, 0, "$_: every recorded value, to the bit") for sort keys %draw;
}

done_testing;
