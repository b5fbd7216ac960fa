# Every handle comes back, and memory does not grow.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd autograd nn);

{
    package My::Double;
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';
    sub forward  { my ($self, $x) = @_; $self->save_for_backward($x); return $x * 2 }
    sub backward { my ($self, $dy) = @_; my ($x) = $self->saved_tensors; return $dy * 2 + $x * 0 }
}

{
    package My::Block;
    our @ISA = 'AI::MXGrad::Gluon::Block';
    sub forward { my ($self, $x, @rest) = @_; return [$x, {rest => \@rest}, 'text'] }
}

# Resident memory in KiB, where the system tells.
sub resident {
    open my $status, '<', '/proc/self/status' or return 0;
    my ($kib) = map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$status>;
    return $kib;
}

my $x = nd->ones([4, 4])->attach_grad;
my $y = nd->ones([4, 4]);

my $scheduler = mx->lr_scheduler->FactorScheduler(step => 10);
my $metric = mx->metric->Accuracy;
my $dense = nn->Dense(4, in_units => 4);
$dense->initialize;
my $block = My::Block->new;
my $care = $AI::MXGrad::FFI::CARE;
my $set = mx->gluon->data->ArrayDataset($x, $y);

my %step = (
    'packed calls'   => [50_000, sub { $scheduler->(5) }],
    'attributes'     => [10_000, sub { $scheduler->base_lr($scheduler->base_lr) }],
    'values'         => [5_000,  sub { $block->($x, [1, 'two', {three => [3, undef]}], !!1) }],
    'objects'        => [5_000,  sub { $dense->collect_params->values }],
    'layers'         => [5_000,  sub { autograd->record(sub { $dense->($x)->sum })->backward }],
    'results'        => [5_000,  sub { my ($name, $value) = $metric->get }],
    'iteration'      => [500,    sub { my @all = @$set; my $next = $set->iter; $next->() }],
    'callables'      => [5_000,  sub { mx->metric->CustomMetric(sub { 1 })->update([$x], [$y]) }],
    'blocks in Perl' => [500,    sub { My::Block->new->($x) }],
    'failing calls'  => [2_000,  sub {
        eval { $scheduler->(sub { 1 }, sub { 2 }); 1 } and die 'no error';
        eval { $dense->($x, 3); 1 } and die 'no error';
        eval { $dense->nothing; 1 } and die 'no error';
    }],
    'operators'  => [50_000, sub { my $z = $x * $y }],
    'numbers'    => [20_000, sub { my $z = 2 - $x }],
    'in place'   => [10_000, sub { $y += 0; $y *= 1; $y .= 1 }],
    'methods'    => [5_000,  sub { $x->sum(axis => 1)->dot($x) }],
    'parts'      => [5_000,  sub { my $z = $x->slice(1, [0, 2]); $y->at(1) .= $x->at(0); $z->shape }],
    'arrays'     => [5_000,  sub { nd->array([[1, 2], [3, 4]])->aslist }],
    'errors'     => [2_000,  sub { eval { my $z = $x + nd->ones([3]); 1 } and die 'no error' }],
    'recording'  => [2_000,  sub { autograd->record(sub { ($x * $y + $x)->sum })->backward }],
    'left alone' => [2_000,  sub { autograd->record(sub { ($x * $y + $x)->sum }) }],
    'functions'  => [2_000,  sub { autograd->record(sub { scalar My::Double->new->($x) })->backward }],
    'unused functions' => [2_000, sub { autograd->record(sub { scalar My::Double->new->($x) }) }],
    'failing functions' => [1_000, sub {
        eval { autograd->record(sub { My::Double->new->($x, 3) }); 1 } and die 'no error';
        eval { autograd->record(sub { die {} }); 1 } and die 'no error';
    }],
    'second order' => [500, sub {
        my $z = autograd->record(sub { ($x * $x * $x)->sum });
        autograd->grad(autograd->grad($z, $x, create_graph => 1), $x);
    }],
);
for my $name (sort keys %step) {
    my ($count, $code) = @{ $step{$name} };
    $code->() for 1 .. $count / 10;
    my ($live, $memory) = (live(), resident());
    $code->() for 1 .. $count;
    is(live(), $live, "$count x $name: as many handles as before");
    cmp_ok(resident() - $memory, '<', 4_096, '... and less than 4 MiB more memory');
}
cmp_ok($AI::MXGrad::FFI::CARE, '<', $care + 100, 'few subs wait for the collector of garbage');

done_testing;
