use strict;
use warnings;
use Cwd qw(abs_path);
use File::Spec::Functions qw(catfile);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use AI::MXGrad qw(mx nd autograd);
use AI::MXGrad::FFI::Prototypes;

my $perl_dir = abs_path("$FindBin::Bin/..");

# What perl says when it loads the distribution with this environment and this code.
sub run_perl {
    my ($environment, $code) = @_;
    local @ENV{ keys %$environment } = values %$environment;
    delete @ENV{ grep { !defined $environment->{$_} } keys %$environment };
    my @include = map { "-I$_" } grep { !ref } @INC;
    open my $pipe, '-|', join ' ', map { "'$_'" } $^X, @include, '-e', $code . ' # 2>&1' or die $!;
    my $said = do { local $/ = undef; <$pipe> };
    close $pipe;
    return $said;
}

my $stderr_too = 'BEGIN { open STDERR, ">&", \*STDOUT } ';

is(mx(),       'AI::MXGrad',           'mx is the distribution');
is(nd(),       'AI::MXGrad::NDArray',  'nd is the array class');
is(autograd(), 'AI::MXGrad::AutoGrad', 'autograd is the autograd class');
ok(!eval { AI::MXGrad->import('nonsense'); 1 }, 'an unknown export is an error');
like($@, qr/exports .*autograd.*not nonsense at \Q$0\E/, '... that names the others, at the right line');

my $info = mx->info;
ok(-e $info->{library}, 'the running library has a path');
my $abi = $AI::MXGrad::FFI::Prototypes::ABI;
is($info->{abi}, $abi, 'its interface has the version the prototypes have');

SKIP: {
    my $header = catfile($perl_dir, '..', 'pyffi', 'include', 'mxgrad.h');
    -e $header or skip 'the C header is not beside this distribution', 1;
    my $generated = qx{'$^X' '$perl_dir/tools/make_prototypes.pl' '$header'};
    open my $file, '<', "$perl_dir/lib/AI/MXGrad/FFI/Prototypes.pm" or die $!;
    is(do { local $/ = undef; <$file> }, $generated, 'the prototypes are those of the header');
}

my $nowhere = tempdir(CLEANUP => 1);
like(run_perl({MXGRAD_LIBRARY => "$nowhere/none.so"}, $stderr_too . 'require AI::MXGrad'),
    qr/MXGRAD_LIBRARY=\Q$nowhere\E\/none\.so, but there is no such file/, 'MXGRAD_LIBRARY that is not there');

{
    open my $file, '>', "$nowhere/broken.so" or die $!;
    print $file "not a library\n";
    close $file;
    like(run_perl({MXGRAD_LIBRARY => "$nowhere/broken.so"}, $stderr_too . 'require AI::MXGrad'),
        qr/cannot load its library: .*broken\.so/, 'a file that is no library: the loader says so');
}

{
    # The module alone, far from any build, with a python3 that knows nothing.
    mkdir "$nowhere/$_" for qw(AI AI/MXGrad AI/MXGrad/FFI bin);
    for my $module (qw(FFI Error FFI/Prototypes)) {
        open my $from, '<', "$perl_dir/lib/AI/MXGrad/$module.pm" or die $!;
        open my $to, '>', "$nowhere/AI/MXGrad/$module.pm" or die $!;
        print {$to} <$from>;
        close $to;
    }
    open my $installed, '>', "$nowhere/AI/MXGrad/FFI/Installed.pm" or die $!;    # before that of `make`
    print {$installed} 'die "nothing is installed"';
    close $installed;
    my $said = run_perl({MXGRAD_LIBRARY => undef, MXGRAD_PYTHON => "$nowhere/bin/python"},
        $stderr_too . "BEGIN { unshift \@INC, q($nowhere) } require AI::MXGrad::FFI");
    like($said, qr/cannot find its library .*Tried:/, 'no library anywhere');
    like($said, qr/\Q$_\E/, "... the places tried are named: $_")
        for 'MXGRAD_LIBRARY', 'pyffi/libmxgrad.so.1', "$nowhere/bin/python", 'library path of the system';
}

done_testing;
