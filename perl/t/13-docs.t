# The manual: its POD is sound, its programs run, and it names every public method.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Find qw(find);
use File::Temp qw(tempdir);
use FindBin;
use Pod::Checker qw(podchecker);
use Test::More;

my $perl_dir = abs_path("$FindBin::Bin/..");
my @perl = ($^X, map { "-I$_" } "$perl_dir/lib", grep { !ref } @INC);
my $dir = tempdir(CLEANUP => 1);

sub slurp {
    my ($file) = @_;
    open my $handle, '<', $file or die "$file: $!";
    local $/ = undef;
    return scalar <$handle>;
}

# Runs a program and gives what it says, with its exit status.
sub run_program {
    my ($program) = @_;
    open my $file, '>', "$dir/program.pl" or die $!;
    print {$file} $program;
    close $file;
    open my $pipe, '-|', join(' ', map { "'$_'" } @perl, "$dir/program.pl") . ' 2>&1' or die $!;
    my $said = do { local $/ = undef; <$pipe> } // '';
    close $pipe;
    return ($said, $?);
}

# The indented blocks of a page: (section, code) pairs.
sub code_blocks {
    my ($pod) = @_;
    my ($section, @blocks) = ('');
    my $open = 0;
    for my $line (split /\n/, $pod) {
        $section = $1 if $line =~ /^=head[12] (.*)/;
        if ($line =~ /^ {4}/) {
            push @blocks, [$section, ''] if !$open;
            $open = 1;
            $blocks[-1][1] .= "$line\n";
        }
        elsif ($line =~ /\S/) { $open = 0 }
        elsif ($open)         { $blocks[-1][1] .= "\n" }
    }
    return @blocks;
}

my $ops = "$dir/Ops.pod";
is(system(join(' ', map { "'$_'" } @perl, "$perl_dir/tools/make_pod.pl") . " > $ops"), 0,
    'the page of operators can be made');

my @pages = ($ops);
find({wanted => sub { push @pages, $_ if /\.pm\z/ && !/Prototypes|Installed|Ops\.pm/ }, no_chdir => 1},
    "$perl_dir/lib");

for my $file (sort @pages) {
    my $name = $file =~ s{.*/lib/}{}r;
    open my $complaints, '>', \my $text;
    my $errors = podchecker($file, $complaints, -warnings => 1);
    is($errors, 0, "$name: its POD") or diag $text;
    is($text // '', '', '... has nothing to complain of') if $file ne $ops;
    my $pod = slurp($file) =~ s/.*?^__END__$//msr;
    next if $pod =~ /^Internal: /m;
    like($pod, qr/^=head1 $_$/m, "... has $_") for qw(NAME SYNOPSIS DESCRIPTION);
    for my $block (grep { $_->[1] =~ /^ +use AI::MXGrad/m } code_blocks($pod)) {
        my ($section, $code) = @$block;
        my ($said, $status) = run_program("use strict; use warnings;\n$code");
        is($status, 0, "... the program under $section runs") or diag $said;
        unlike($said, qr/ at \S+ line \d/, '... without a warning');
    }
}

my ($said) = run_program(join '', map { $_->[1] } grep { $_->[0] eq 'SYNOPSIS' }
    code_blocks(slurp("$perl_dir/lib/AI/MXGrad.pm") =~ s/.*?^__END__$//msr));
like($said, qr/\[\[ 4\.  8\.\]\n \[12\. 16\.\]\]/, 'the first program prints what it says');

# Public is what has no underscore in front and is no word of Perl's own.
my %not_public = map { $_ => 1 } qw(
    import AUTOLOAD BEGIN CLONE CLONE_SKIP DESTROY END STORABLE_freeze STORABLE_thaw
);
for my $file (grep { $_ ne $ops } sort @pages) {
    my $source = slurp($file);
    my ($code, $pod) = split /^__END__$/m, $source;
    next if $pod =~ /^Internal: / || $pod =~ /^Internal: /m || $file =~ m{/(?:Slice|Compat)\.pm\z};
    my @subs = grep { !$not_public{$_} && !/\A_/ } $code =~ /^sub (\w+)/mg;
    my $items = join ' ', $pod =~ /^=item (.*)/mg, $pod =~ /C<<? ?(\w[^>]*)>/g;
    my @missing = grep { $items !~ /\b$_\b/ } @subs;
    is("@missing", '', ($file =~ s{.*/lib/}{}r) . ': every public method is in its manual');
}

done_testing;
