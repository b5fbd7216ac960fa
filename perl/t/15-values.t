# Values on their way to the engine and back.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Test::More;

use AI::MXGrad qw(mx nd);

# An object whose call goes through the engine, which calls a sub.
{
    package Echo;
    our @ISA = 'AI::MXGrad::LRScheduler::LRScheduler';
    our ($got, @give);
    sub call { my ($self, @got) = @_; $got = \@got; return @give }
}
my $object = Echo->new;
my $echo = sub { return AI::MXGrad::Object::call($object, @_) };

sub there { my (@values) = @_; @Echo::give = (); $echo->(@values, 0); return $Echo::got->[0] }
sub back  { @Echo::give = @_; return $echo->(0) }

for my $case (
    ['none',            undef],
    ['an integer',      42], ['the least integer', -9_223_372_036_854_775_807 - 1],
    ['a large one',     4_611_686_018_427_387_905],
    ['a number',        0.25], ['a huge one', 1e300],
    ['text', 'word'], ['empty text', ''], ['text with a zero', "a\0b"], ['characters', 'grün ∂'],
    ['digits as text',  '42'],
    ['a list',          [1, [2.5, 'x', undef], []]], ['a hash', {a => 1, b => {c => [2]}, 'ключ' => 3}],
) {
    my ($name, $value) = @$case;
    is_deeply(there($value), $value, "$name goes");
    is_deeply(scalar back($value), $value, "$name comes");
}

# The engine says what it cannot use by its Python type.
for my $case (
    [int => 3], [int => 6 / 2], [float => 3.5], [float => 9**999], [str => '3'], [str => "gr\xc3\xbcn"],
    [bytes => "\xff"], [bytes => AI::MXGrad::Value->bytes('a')], [list => [1]], [dict => {a => 1}],
    [tuple => AI::MXGrad::Value->tuple(1, 2)], [bool => \1], [bool => \0], [bool => !!0], [str => qr/a.b/i],
    $] >= 5.036 ? [bool => !!1] : (), [NoneType => undef], [Context => mx->cpu(1)],
    [Accuracy => mx->metric->Accuracy],
) {
    my ($type, $value) = @$case;
    eval { mx->functional->vjp($value, nd->ones([1])) };
    like($@->message, qr/of type <class '(?:\w+[.])*$type'>/, "a Perl value as Python's $type");
}
{
    my $number = '12';
    my $used = 1 + $number;
    is(there($number), '12', 'text that was used as a number');
    my $text = 12;
    is(there($text), 12, 'a number that was used as text: ' . "$text");
}
is(scalar there(qr/a.b/i), '(?i)a.b', 'a regular expression is its text');
is(there(AI::MXGrad::Value->bytes("\xff\0")), "\xff\0", 'bytes');

# Arrays, PDLs, objects, contexts, subs.
my $x = nd->array([1, 2]);
values_are(there($x), [1, 2], 'an array');
values_are(there($x->slice([1, 1])), [2], 'a part of one');
values_are(scalar back([$x, {y => $x}])->[1]{y}, [1, 2], 'arrays inside lists and hashes');
there($x)->set(5);
values_are($x, [5, 5], 'it is the same array, not a copy');
my $other = mx->lr_scheduler->LRScheduler(base_lr => 3);
ok(there($other) == $other, 'an object');
ok(back($other) == $other, '... comes back as the same');
is(there(mx->cpu(1)), 'cpu(1)', 'a context');
isa_ok(there(mx->cpu(1)), 'AI::MXGrad::Context');
is(there(sub { 2 * $_[0] })->(21), 42, 'a sub');
is(back(sub { 3 * $_[0] })->(4), 12, 'a sub that comes');
is_deeply([there(sub { return (1, 2) })->()], [1, 2], 'several results');
is_deeply(scalar there(sub { return (1, 2) })->(), [1, 2], '... as a list in scalar context');
is_deeply([there(sub { return [1, 2] })->()], [[1, 2]], 'a list is one result');
is(there(sub { return })->(), undef, 'no result');
is_deeply(there(sub { return {@_} })->(a => 1, b => 2), {a => 1, b => 2}, 'names are positions to a sub');

SKIP: {
    has_module('PDL') or skip 'PDL is not installed', 1;
    PDL->import;
    values_are(there(PDL->new([[1, 2], [3, 4]])), [[1, 2], [3, 4]], 'a PDL is an array');
}

# What cannot go.
throws(sub { $object->base_lr(\*STDOUT) }, 'InvalidTypeError', qr/a glob reference cannot/, 'a handle');
throws(sub { $object->base_lr(bless {}, 'Some::Class') }, 'InvalidTypeError', qr/an object of Some::Class/,
    'an object');
throws(sub { AI::MXGrad::Value->bytes("\x{100}") }, 'InvalidValueError', qr/above 255/,
    'bytes that are none');
my $deep = 1;
$deep = [$deep] for 1 .. 70;
throws(sub { $object->base_lr($deep) }, 'InvalidValueError', qr/64 deep/, 'lists in lists in lists');
{
    my $before = $AI::MXGrad::FFI::CARE;
    eval { $echo->(sub { 1 }, \*STDOUT) };
    is($AI::MXGrad::FFI::CARE, $before, 'a sub beside it is not kept');
}

done_testing;
