# Every handle comes back, and memory does not grow.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(nd autograd);

{
    package My::Double;
    use parent -norequire, 'AI::MXGrad::AutoGrad::Function';
    sub forward  { my ($self, $x) = @_; $self->save_for_backward($x); return $x * 2 }
    sub backward { my ($self, $dy) = @_; my ($x) = $self->saved_tensors; return $dy * 2 + $x * 0 }
}

# Resident memory in KiB, where the system tells.
sub resident {
    open my $status, '<', '/proc/self/status' or return 0;
    my ($kib) = map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$status>;
    return $kib;
}

my $x = nd->ones([4, 4])->attach_grad;
my $y = nd->ones([4, 4]);

my %step = (
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
is($AI::MXGrad::FFI::CARE, 0, 'no function is waiting to be called');

done_testing;
