package AI::MXGrad::FFI::Callback;
use strict;
use warnings;

use AI::MXGrad::FFI qw($RECORDING $DEPTH $CARE $PENDING mxg_set_error mxg_is_recording);

my $FAILED = -6;

# A thread has an interpreter, and so entries, of its own; copies of ours would be freed a second time.
sub CLONE_SKIP { return 1 }

# C entry points: of [signature in the words of FFI::Platypus, sub] each. They live as long as the object.
sub new {
    my ($class, @entries) = @_;
    my $ffi = $AI::MXGrad::FFI::FFI;
    my @closures = map { $ffi->closure($_->[1]) } @entries;
    my @addresses = map { $ffi->cast($entries[$_][0] => 'opaque', $closures[$_]) } 0 .. $#entries;
    return bless {addresses => \@addresses, closures => \@closures}, $class;
}

sub addresses { return @{ $_[0]{addresses} } }

# Runs what C called and gives the status to return: that of the sub, or 0. An exception cannot cross C: it
# waits in $PENDING for the call that started it all. Nor can next, last and goto; an overloaded operator runs
# on a stack of its own, where they find no label and become exceptions.
sub guard {
    my ($code) = @_;
    local $@;
    my $recording = $RECORDING;
    mxg_is_recording(\$RECORDING);
    $DEPTH++;
    $CARE++;
    my $status;
    my $done = 0 + bless sub { eval { $status = $code->(); 1 } || 0 }, __PACKAGE__ . '::Fence';
    $DEPTH--;
    $CARE--;
    $RECORDING = $recording;
    return $status || 0 if $done;
    my $error = $@;
    $PENDING = \$error;
    return mxg_set_error($FAILED, ref $error || $error);
}

{
    package    # only for guard
        AI::MXGrad::FFI::Callback::Fence;
    use overload '+' => sub { return $_[0]->() };
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::FFI::Callback - Perl that C calls

=head1 DESCRIPTION

Internal: see L<AI::MXGrad::AutoGrad::Function> and L<AI::MXGrad::Object> for what it makes possible.

=cut
