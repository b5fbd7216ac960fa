# Objects of the engine: calls, attributes, entries, iteration, identity, classes written in Perl.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use Storable ();
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd autograd gluon nn);

# ---- call forms

my $named = 'AI::MXGrad::LRScheduler';
for my $case (
    ['by position', 2, 0.5],
    ['by name',     step => 2, factor => 0.5],
    ['with a hash', {step => 2, factor => 0.5}],
    ['both', 2, factor => 0.5], ['both, with a hash', 2, {factor => 0.5}],
) {
    my ($name, @arguments) = @$case;
    my $scheduler = $named->FactorScheduler(@arguments);
    is($scheduler->step . ' ' . $scheduler->factor, '2 0.5', "arguments $name");
}
is(AI::MXGrad::LRScheduler::FactorScheduler->new(3)->step, 3, 'a class has new');
my $scheduler = mx->lr_scheduler->FactorScheduler(step => 2, factor => 0.5, base_lr => 8);
is($scheduler->(5), 2, 'an object is called');
is($scheduler->call(5), 2, '... also by name');
is($scheduler->base_lr(4), $scheduler, 'setting an attribute gives the object');
is($scheduler->base_lr, 4, '... and sets it');
is($scheduler->set(base_lr => 6, factor => 0.1)->factor, 0.1, 'several attributes');
throws(sub { $scheduler->base_lr(1, 2) }, 'InvalidTypeError', qr/takes one value/, 'two values for one');
throws(sub { $scheduler->stepp }, 'UnknownNameError', qr/has no 'stepp' \(did you mean 'step'/, 'a typo');
throws(sub { $scheduler->stepp(1) }, 'UnknownNameError', qr/has no 'stepp'/, '... also when it is set');
throws(sub { mx->lr_schedular }, 'UnknownNameError', qr/lr_scheduler/, '... of a module');
throws(sub { $named->FactorScheduler }, 'TypeError', qr/missing 1 required .*'step'/, 'a missing argument');
throws(sub { $named->FactorScheduler(step => 1, stepp => 2) }, 'TypeError', qr/stepp/, 'an unknown one');
throws(sub { $scheduler->_step }, 'UnknownNameError', qr/no public name/, 'what is not public');

# Positional text is no name of an argument, a hash is none where names are not known.
my $params = nn->Dense(2, in_units => 2)->collect_params;
$params->initialize;
$params->setattr('grad_req', 'null');
is((($params->values)[0])->grad_req, 'null', 'two texts by position');
is(gluon->Trainer($params, 'sgd', {learning_rate => 0.25})->learning_rate, 0.25, 'a hash by position');

# ---- context

my $metric = mx->metric->Accuracy(name => 'hits');
$metric->update([nd->array([0, 1])], [nd->array([[0.4, 0.6], [0.3, 0.7]])]);
is_deeply([$metric->get], ['hits', 0.5], 'several results in list context');
is_deeply(scalar $metric->get, ['hits', 0.5], '... in scalar context');
is_deeply([nn->Dense(2, in_units => 3)->weight->shape], [[2, 3]], 'an attribute is one value');
is_deeply([gluon->utils->split_data(nd->arange(4), 2)]->[0][1]->aslist, [2, 3], 'a list is one result');

# ---- identity, classes, text

my $net = nn->Sequential(prefix => 'net_');
$net->add(nn->Dense(3, in_units => 2), nn->Dense(1, in_units => 3));
is(ref $net, 'AI::MXGrad::Gluon::NN::Sequential', 'the class');
isa_ok($net, 'AI::MXGrad::Gluon::Block');
ok(!$net->isa('AI::MXGrad::Gluon::HybridBlock'), 'and not another');
ok(!$net->isa('PDL') && !$net->isa('AI::MXGrad::Metric::EvalMetric'), '... nor of another kind');
ok($net->[0] == $net->[0] && $net->[0] eq $net->[0], 'an object is itself');
ok($net->[0] != $net->[1] && $net->[0] ne $net->[1], 'and no other');
like("$net", qr/\ASequential\(\n  \(0\): Dense\(2 -> 3, linear\)\n/, 'text');
ok($net->can('add') && $net->can('initialize') && $net->can('new'), 'can what it can');
ok(!$net->can('fly') && !$net->can('_children') && !$net->can('TO_JSON'), 'and not what it cannot');
is($net->can('len')->($net), 2, 'can gives a sub');
my $add = $net->can('add');
$add->($net, nn->Dense(1));
is($net->len, 3, '... of the engine, too');
ok(AI::MXGrad::Gluon->can('Trainer') && !AI::MXGrad::Gluon->can('Trianer'), 'a namespace, too');
is(gluon->nn, 'AI::MXGrad::Gluon::NN', 'a module is a package');
is(nn, 'AI::MXGrad::Gluon::NN', '... which nn is short for');
{
    package Importing;
    use AI::MXGrad::TestUtils qw(almost_equal);
    Test::More::ok(almost_equal(AI::MXGrad->nd->ones([2]), AI::MXGrad->nd->ones([2])), 'a function imported');
}

# ---- entries and iteration

is_deeply([map { ref } @$net], [('AI::MXGrad::Gluon::NN::Dense') x 3], '@$net');
is($#$net, 2, '$#$net');
is($net->[-1], $net->[2], 'from the end');
throws(sub { $net->at(7) }, 'OutOfRangeError|IndexError', qr/./, 'beyond the end');
my $data = gluon->data->ArrayDataset(nd->arange(5), nd->arange(5) * 2);
is($data->[3][1], 6, 'an entry of a dataset');
is($data->len, 5, 'its length');
my $loader = gluon->data->DataLoader($data, batch_size => 2, last_batch => 'keep');
for my $round (1, 2) {
    my @sums;
    while (defined(my $batch = <$loader>)) {
        push @sums, $batch->[0]->sum->asscalar;
    }
    is_deeply(\@sums, [1, 5, 4], "<\$loader>, round $round");
}
is_deeply([map { $_->[1]->sum->asscalar } @$loader], [2, 10, 8], '@$loader');
my $next = $loader->iter;
$next->() for 1 .. 3;
is_deeply([$next->()], [], 'an iterator ends');
my $values = nn->Dense(1, in_units => 1, prefix => 'd_')->collect_params;
is_deeply([$values->keys], ['d_weight', 'd_bias'], 'keys');
is($values->at('d_bias')->name, 'd_bias', 'an entry by name');
throws(sub { $values->at('nothing') }, '.*', qr/nothing/, 'one that is not there');
my $file = gluon->data->SimpleDataset([10, 20]);
is_deeply([@$file], [10, 20], 'entries that are numbers');

# ---- habits of Perl's own

my $middle = $net->slice([1, 2]);
ok($middle->len == 2 && $middle->[0] == $net->[1], 'a slice of a network');
is(gluon->data->ArrayDataset(data => nd->arange(3), label => nd->arange(3))->[2][1], 2, 'data and label');
my $directory = tempdir(CLEANUP => 1);
my $records = mx->recordio->MXIndexedRecordIO("$directory/idx", "$directory/rec", 'w');
$records->write_idx($_, mx->recordio->pack([0, $_ / 2, $_, 0], "\xff$_")) for 1 .. 3;
$records->close;
$records = mx->recordio->MXIndexedRecordIO("$directory/idx", "$directory/rec", 'r');
my ($header, $bytes) = mx->recordio->unpack($records->read_idx(3));
is_deeply([[@$header], $header->label, $bytes], [[0, 1.5, 3, 0], 1.5, "\xff3"], 'records');
$records = mx->recordio->MXRecordIO("$directory/plain", 'w');
$records->write('text');
$records->close;
is(mx->recordio->MXRecordIO("$directory/plain", 'r')->read, 'text', 'a plain one');
throws(sub { Storable::dclone($net) }, 'InvalidTypeError', qr/cannot be frozen; save/, 'Storable');

# ---- contexts

my $dense = $net->name_scope(sub { nn->Dense(1) });
like($dense->name, qr/\Anet_dense/, 'name_scope');
is($net->name_scope->with(sub { 5 }), 5, '... is a context of its own, too');
is_deeply([$net->name_scope(sub { return (1, 2) })], [1, 2], '... in list context');
throws(sub { $scheduler->with(sub { 1 }) }, 'InvalidTypeError', qr/cannot be entered/, 'what is none');
ok(!eval { $net->name_scope(sub { die {why => 'because'} }); 1 } && $@->{why} eq 'because', 'an exception');
unlike(nn->Dense(1)->name, qr/\Anet_/, '... leaves the scope');

# ---- classes written in Perl

{
    package Affine;
    use AI::MXGrad qw(nn);
    our @ISA = 'AI::MXGrad::Gluon::Block';
    our @built;

    sub BUILD {
        my ($self, $given) = @_;
        push @built, $given;
        $self->name_scope(sub { $self->inner(nn->Dense($self->{units}, use_bias => 0)) });
        return;
    }

    sub forward {
        my ($self, $x) = @_;
        $self->{calls}++;
        return $self->inner->($x) + $self->shift_by;
    }
    sub shift_by { return 10 }

    package Affine::Further;
    our @ISA = 'Affine';
    sub shift_by { return 20 }
    sub cast { my ($self, $dtype) = @_; $self->{cast} = $dtype; return $self->SUPER::cast($dtype) }
}
my $affine = Affine->new(units => 2, prefix => 'affine_');
is_deeply(\@Affine::built, [{units => 2}], 'BUILD gets what the engine does not know');
is($affine->prefix, 'affine_', 'the engine what it knows');
is_deeply([map { $_->name } $affine->collect_params->values], ['affine_dense0_weight'], 'a child');
like("$affine", qr/\AAffine\(\n  \(inner\): Dense\(None -> 2, linear\)/, 'it is printed');
$affine->initialize(mx->init->One);
my $x = nd->ones([1, 3]);
values_are($affine->($x), [[13, 13]], 'forward');
is($affine->{calls}, 1, 'state');
my $y = autograd->record(sub { $affine->($x)->sum });
$y->backward;
values_are($affine->inner->weight->grad, [[1, 1, 1], [1, 1, 1]], 'gradients');
my $further = Affine::Further->new(units => 1);
$further->initialize(mx->init->One);
values_are($further->($x), [[23]], 'a class derived in Perl');
$further->cast('float64');
is($further->{cast} . ' ' . $further->inner->weight->dtype, 'float64 float64', 'SUPER');

# A method is a sub of its class's package from the first call on, which classes written in Perl must not
# mind.
my $layer = nn->Dense(1, in_units => 3);
$layer->initialize;
$layer->cast('float64') for 1 .. 2;
is($layer->weight->dtype, 'float64', 'a method is called again');
ok(defined &AI::MXGrad::Gluon::NN::Dense::cast, '... as a sub');
{
    package Wide;
    our @ISA = 'AI::MXGrad::Gluon::NN::Dense';
    sub cast { my ($self, $dtype) = @_; $self->{cast} = $dtype; return $self->SUPER::cast($dtype) }
}
my $wide = Wide->new(1, in_units => 3);
$wide->initialize;
$wide->cast('float16');
is($wide->{cast} . ' ' . $wide->weight->dtype, 'float16 float16', '... which SUPER finds, too');
throws(sub { $layer->cast(1, 2, 3) }, 'TypeError', qr/cast\(\) takes/, '... with wrong arguments');

isa_ok($further, 'Affine');
isa_ok($further, 'AI::MXGrad::Gluon::Block');

my $outer = nn->Sequential;
$outer->add($affine);
my $calls = $affine->{calls};
undef $affine;
values_are($outer->($x), [[13, 13]], 'one that only the engine has');
is(ref $outer->[0], 'Affine', '... keeps its class');
is($outer->[0]{calls}, $calls + 1, '... and its state');

{
    package Scaled;
    our @ISA = 'AI::MXGrad::Gluon::HybridBlock';

    sub BUILD {
        my ($self) = @_;
        $self->scale($self->params->get('scale', shape => [1], init => 'ones'));
        return;
    }
    sub hybrid_forward {
        my ($self, $F, $x, %of) = @_;
        return $F->broadcast_mul($x, $of{scale} * $self->{by});
    }
}
my $scaled = Scaled->new(by => 3);
$scaled->initialize;
values_are($scaled->($x), [[3, 3, 3]], 'hybrid_forward');
$scaled->hybridize;
values_are($scaled->($x), [[3, 3, 3]], '... hybridized');

{
    package Squares;
    our @ISA = 'AI::MXGrad::Gluon::Data::Dataset';
    sub len { return 6 }
    sub at { my ($self, $i) = @_; return ($i, $i * $i) }

    package Momentum;
    our @ISA = 'AI::MXGrad::Optimizer::Optimizer';
    sub create_state { my ($self, $index, $weight) = @_; return $weight->zeros_like }

    sub update {
        my ($self, $index, $weight, $grad, $state) = @_;
        $self->_update_count($index);
        $state .= 0.5 * $state + $self->_get_lr($index) * $self->rescale_grad * $grad;
        $weight -= $state;
        return;
    }

    package Inverse;
    our @ISA = 'AI::MXGrad::LRScheduler::LRScheduler';
    sub call { my ($self, $update) = @_; return 1 / $update }

    package Sevens;
    our @ISA = 'AI::MXGrad::Initializer::Initializer';
    sub _init_weight { my ($self, $name, $array) = @_; $array .= 7; return }

    package Calls;
    our @ISA = 'AI::MXGrad::Metric::EvalMetric';

    sub update {
        my ($self, $labels, $predictions) = @_;
        $self->set(sum_metric => $self->sum_metric + @$labels, num_inst => $self->num_inst + 2);
        return;
    }
}
my @squares = map { $_->[1]->aslist } @{ gluon->data->DataLoader(Squares->new, batch_size => 3) };
is_deeply(\@squares, [[0, 1, 4], [9, 16, 25]], 'a dataset');
is(Squares->new->transform(sub { $_[0] + $_[1] })->[4], 20, '... transformed');

$net = nn->Dense(1, in_units => 2, use_bias => 0);
$net->initialize(Sevens->new);
values_are($net->weight->data, [[7, 7]], 'an initializer');
my $trainer = gluon->Trainer($net->collect_params, Momentum->new(learning_rate => 1));
for my $step (1, 2) {
    autograd->record(sub { $net->(nd->array([[1, 2]])) })->backward;
    $trainer->step(1);
}
values_are($net->weight->data, [[7 - 1 - 1.5, 7 - 2 - 3]], 'an optimizer');
$trainer = gluon->Trainer($net->collect_params, 'sgd', {lr_scheduler => Inverse->new});
for my $step (1 .. 3) {
    autograd->record(sub { $net->(nd->array([[1, 2]])) })->backward;
    $trainer->step(1);
}
cmp_ok(abs($trainer->learning_rate - 1 / 3), '<', 1e-6, 'a scheduler of learning rates');
$metric = Calls->new('calls');
$metric->update([1, 2, 3], [1, 2, 3]);
is_deeply([$metric->get], ['calls', 1.5], 'a metric');
ok(AI::MXGrad->live >= 0, 'handles are counted');

# ---- exceptions

{
    package Failing;
    our @ISA = 'AI::MXGrad::Gluon::Block';
    our $error;
    sub forward { die $error }
}
for my $error ({code => 5}, "text\n", AI::MXGrad::Error->new(message => 'mine')) {
    $Failing::error = $error;
    is(eval { Failing->new->($x); 1 } ? 'nothing' : $@, $error, 'an exception comes back as it was');
}
eval { Affine->new(units => 1)->($x->reshape([3, 1])); 1 } or like($@, qr/./, 'an error inside');
throws(sub { Failing->new->forward_never }, 'UnknownNameError', qr/forward_never/, 'no such method');
{
    package Homeless;
    our @ISA = 'AI::MXGrad::Object';
}
throws(sub { Homeless->new }, 'InvalidTypeError', qr/derives from no class/,
    'a class that is derived of none');
is(eval { mx->metric->CustomMetric(sub { die "in a metric\n" })->update([$x], [$x]); 1 } ? '' : $@,
    "in a metric\n", 'an exception in a sub');

done_testing;
