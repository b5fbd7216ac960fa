# Where arrays live.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd);

my $cpu1 = mx->cpu(1);
is("$cpu1", 'cpu(1)', 'a context reads as its name');
is($cpu1->device_type, 'cpu', 'device_type');
is($cpu1->device_id, 1, 'device_id');
ok($cpu1 == mx->Context('cpu', 1), 'equal by value');
ok($cpu1 == mx->Context(device_type => 'cpu', device_id => 1), 'made by name');
ok($cpu1 != mx->cpu, 'cpu is cpu(0)');
is('' . mx->gpu, 'gpu(0)', 'naming a device touches none');

is('' . nd->ones([2])->context, 'cpu(0)', 'arrays are on cpu(0)');
is('' . nd->ones([2], ctx => $cpu1)->ctx, 'cpu(1)', 'unless they say');
is('' . nd->array([1], ctx => 'cpu(1)')->context, 'cpu(1)', 'a name does');
is('' . nd->arange(3, ctx => $cpu1)->context, 'cpu(1)', 'in an operator, too');
is('' . nd->random->uniform(shape => 2, ctx => $cpu1)->context, 'cpu(1)', '... of random numbers');
{
    local $AI::MXGrad::Context::CURRENT = $cpu1;
    is('' . mx->current_context, 'cpu(1)', 'the context of a block');
    is('' . $_->context, 'cpu(1)', '... is that of its arrays')
        for nd->zeros([1]), nd->array([1]), nd->arange(2), nd->random->normal(shape => 1), nd->eye(2);
}
is('' . mx->current_context, 'cpu(0)', 'after the block');

my $x = nd->array([1, 2]);
my $y = $x->as_in_context($cpu1);
is('' . $y->context, 'cpu(1)', 'as_in_context');
values_are($y, [1, 2], '... has the values');
is('' . $x->copyto($cpu1)->context, 'cpu(1)', 'copyto a context');

throws(sub { mx->Context('tpu') }, 'InvalidValueError', qr/'tpu'.*cpu, gpu/, 'an unknown type');
throws(sub { mx->cpu(-1) }, 'InvalidValueError', qr/cpu\(-1\)/, 'a negative number');
is(mx->num_gpus =~ /\A[0-9]+\z/ ? 'a number' : mx->num_gpus, 'a number', 'num_gpus');
throws(sub { nd->ones([1], ctx => mx->gpu(99)) }, '\w+', qr/gpu/, 'a device that is not there');

done_testing;
