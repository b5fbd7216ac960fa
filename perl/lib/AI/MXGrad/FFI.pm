package AI::MXGrad::FFI;
use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Spec ();
use FFI::Platypus 2.00;
use FFI::Platypus::DL qw(dlopen dlerror dlclose RTLD_PLATYPUS_DEFAULT);

use AI::MXGrad::Error ();
use AI::MXGrad::FFI::Prototypes ();

my @PROTOTYPES = @AI::MXGrad::FFI::Prototypes::PROTOTYPES;

our @EXPORT_OK = (
    qw(fail here buffer text_of handles take_handles drop $RECORDING $DEPTH $CARE $PENDING $OVER),
    map { $_->[0] } @PROTOTYPES,
);

# Mirrors the recording flag of this thread, so that only recorded calls pay for saying where they are made.
our $RECORDING = 0;

# How many callbacks C is in now. `exit` inside one jumps over the frames of the engine, which must not be
# entered again.
our $DEPTH = 0;

# Set when the program is over: from then on handles are left to the system.
our $OVER = 0;

# Not 0 while giving back a handle needs care: in a callback, at the end, or as long as there are custom
# functions, since Platypus clears $@ after the callback that one may end in.
our $CARE = 0;

# A reference to the exception that a callback ended with, on its way round C to the caller: unless the engine
# catches what the callback's failure is there.
our $PENDING;
my $CALLBACK_FAILED = -6;

# The location that the engine knows of this thread.
my ($FILE_NOW, $LINE_NOW) = ('', 0);

# A new thread starts with flags of its own.
sub CLONE {
    ($RECORDING, $DEPTH, $CARE, $PENDING) = (0, 0, 0, undef);
    ($FILE_NOW, $LINE_NOW) = ('', 0);
    return;
}

END { $OVER = $CARE = 1 }

# ---- finding and opening the library

my $FILE = 'libmxgrad.so.1';

sub _in_place {
    my $up = abs_path(__FILE__) // return;
    for (1 .. 6) {
        $up = dirname($up);
        my $file = File::Spec->catfile($up, 'pyffi', $FILE);
        return $file if -e $file;
    }
    return;
}

# Makefile.PL writes this module, with the path of the library that it found.
sub _from_install {
    return eval { require AI::MXGrad::FFI::Installed; AI::MXGrad::FFI::Installed::library() };
}

sub _from_python {
    my $python = ($ENV{MXGRAD_PYTHON} || 'python3') =~ s/'/'\\''/gr;
    open my $pipe, '-|', "'$python' -m mxgrad_ffi --lib 2>/dev/null" or return;
    my $file = <$pipe>;
    close $pipe or return;
    chomp $file;
    return $file;
}

sub _from_system {
    require FFI::CheckLib;
    return scalar FFI::CheckLib::find_lib(lib => 'mxgrad');
}

# The path of the library.
sub find_library {
    if (defined(my $file = $ENV{MXGRAD_LIBRARY})) {
        return $file if -e $file;
        die "AI::MXGrad cannot find its library: MXGRAD_LIBRARY=$file, but there is no such file\n";
    }
    my $python = $ENV{MXGRAD_PYTHON} || 'python3';
    my @places = (
        ['the environment variable MXGRAD_LIBRARY, which is not set', sub { return }],
        ["pyffi/$FILE above " . dirname(File::Spec->rel2abs(__FILE__)), \&_in_place],
        ['what Makefile.PL found when AI::MXGrad was installed', \&_from_install],
        ["the Python package mxgrad_ffi, by '$python -m mxgrad_ffi --lib'", \&_from_python],
        ['libmxgrad.so in the library path of the system', \&_from_system],
    );
    for my $place (@places) {
        my $file = $place->[1]->();
        return $file if defined $file && -e $file;
    }
    die join("\n    ", "AI::MXGrad cannot find its library $FILE (pip install mxgrad builds it). Tried:",
        map { $_->[0] } @places) . "\n";
}

sub _load {
    my $file = find_library();

    # Platypus only warns when a library does not load; the loader's own sentence says what is missing.
    my $library = dlopen($file, RTLD_PLATYPUS_DEFAULT)
        or die 'AI::MXGrad cannot load its library: ' . dlerror() . "\n";
    dlclose($library);

    my $ffi = FFI::Platypus->new(api => 2, lib => $file);
    for my $prototype (@PROTOTYPES) {
        my ($name, $returns, @takes) = @$prototype;
        if (!$ffi->find_symbol($name)) {
            die "AI::MXGrad needs a newer libmxgrad: $file has no $name\n";
        }
        $ffi->attach($name => \@takes => $returns);
    }
    my ($ours, $theirs) = ($AI::MXGrad::FFI::Prototypes::ABI, mxg_abi_version());
    if ($theirs != $ours) {
        die "AI::MXGrad speaks version $ours of libmxgrad's interface, $file version $theirs\n";
    }

    # mxg_ndarray_free where nobody looks at the status, which would be made and thrown away
    $ffi->attach([mxg_ndarray_free => 'drop'] => ['opaque'] => 'void');
    mxg_init(undef) and fail();
    return $ffi;
}

# ---- what every caller of C needs

# Throws the last error; called when a status is not 0.
sub fail {
    my $pending = $PENDING;
    undef $PENDING;
    my $code = mxg_last_code();
    die $$pending if $pending && $code == $CALLBACK_FAILED;
    my ($type, $message) = (mxg_last_type(), mxg_last_error());
    $message =~ s/\A\Q$type\E: //;
    die AI::MXGrad::Error->new(
        type      => $type eq '' ? 'MXNetError' : $type,
        code      => $code,
        message   => $message,
        traceback => mxg_last_traceback(),
    );
}

# Tells the engine which line of the user makes the calls that follow, if it is not the one it knows. Takes
# what `caller` gives, which is that line already where the user calls the caller of this.
sub here {
    my ($package, $file, $line) = @_;
    ($file, $line) = AI::MXGrad::Error::user_line(2) if $AI::MXGrad::Error::IS_OURS{$package} // 1;
    return if $line == $LINE_NOW && $file eq $FILE_NOW;
    ($FILE_NOW, $LINE_NOW) = ($file, $line);
    mxg_set_location($file, $line);
    return;
}

# Zeroed memory of its own that C may write to: a copy of a constant would share the constant's.
sub buffer {
    my ($bytes) = @_;
    my $buffer = "\0";
    $buffer x= $bytes;
    return $buffer;
}

# The text that a function(..., buf, cap, need) gives.
sub text_of {
    my ($function, @arguments) = @_;
    my $need = 0;
    $function->(@arguments, undef, 0, \$need);    # too small on purpose: says what is needed
    my $text = buffer($need || 1);
    $function->(@arguments, $text, $need, \$need) and fail();
    return unpack 'Z*', $text;
}

# An array of handles for C; undef stands for NULL.
sub handles {
    return pack 'J*', map { defined $_ ? $_->handle : 0 } @_;
}

# The handles that C wrote.
sub take_handles {
    my ($buffer, $count) = @_;
    return unpack "J$count", $buffer;
}

our $FFI = _load();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::FFI - the C library

=head1 DESCRIPTION

Internal: the only part of the distribution that knows C. It finds and opens the library (see
L<AI::MXGrad/THE LIBRARY>), attaches every function of its header, and turns a status into an
L<AI::MXGrad::Error>.

=cut
