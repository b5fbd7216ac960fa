# Files in MXNet's format, Storable.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MXGradTest;
use Storable qw(dclone freeze thaw);
use Test::More;

use AI::MXGrad qw(mx nd);

my $dir = tempdir(CLEANUP => 1);
my $x = nd->array([[1, 2], [3, 4]]);
my $n = nd->array([5, 6], dtype => 'int64');

mx->nd->save("$dir/list.params", [$x, $n]);
my $list = mx->nd->load("$dir/list.params");
is(ref $list, 'ARRAY', 'a list comes back as a list');
values_are($list->[0], [[1, 2], [3, 4]], '... its first array');
is($list->[1]->dtype, 'int64', '... and the dtype of its second');

nd->save("$dir/named.params", {weight => $x, 'bias é' => $n});
my $named = nd->load("$dir/named.params");
is_deeply([sort keys %$named], ['bias é', 'weight'], 'names');
values_are($named->{weight}, [[1, 2], [3, 4]], '... and what they name');

nd->save("$dir/one.params", $x);
values_are(nd->load("$dir/one.params")->[0], [[1, 2], [3, 4]], 'one array');
$x->save("$dir/method.params");
values_are(nd->load("$dir/method.params")->[0], [[1, 2], [3, 4]], 'as a method');
nd->save("$dir/part.params", [$x->slice('X', 1)]);
values_are(nd->load("$dir/part.params")->[0], [[2], [4]], 'a part');
nd->save("$dir/none.params", []);
is_deeply(nd->load("$dir/none.params"), [], 'no arrays');

throws(sub { nd->load("$dir/missing.params") }, '\w+', qr/missing\.params/, 'a file that is not there');
throws(sub { nd->save("$dir/no/such/dir", $x) }, '\w+', qr/no\/such\/dir/, 'a directory that is not there');
throws(sub { nd->save("$dir/x", [1, 2]) }, 'InvalidTypeError', qr/NDArray/, 'numbers');
open my $file, '>', "$dir/foreign" or die $!;
print {$file} "not a parameter file at all";
close $file;
throws(sub { nd->load("$dir/foreign") }, '\w+', qr/foreign/, 'a foreign file');
open $file, '<:raw', "$dir/list.params" or die $!;
my $bytes = do { local $/ = undef; <$file> };
close $file;
open $file, '>:raw', "$dir/short" or die $!;
print {$file} substr $bytes, 0, length($bytes) - 9;
close $file;
throws(sub { nd->load("$dir/short") }, '\w+', qr/short/, 'a truncated file');

for my $dtype (qw(float16 float32 float64 int32 int64 uint8 bool)) {
    my $source = nd->array([[1, 0, 1]], dtype => $dtype);
    my $copy = dclone({array => $source})->{array};
    is($copy->dtype, $dtype, "Storable: $dtype");
    is_deeply($copy->aslist, [[1, 0, 1]], '... its values');
    isnt($copy->handle, $source->handle, '... apart');
}
values_are(thaw(freeze($x->slice(1))), [[3, 4]], 'a part, frozen');
is_deeply(thaw(freeze(nd->zeros([0, 2])))->shape, [0, 2], 'an empty array, frozen');

done_testing;
