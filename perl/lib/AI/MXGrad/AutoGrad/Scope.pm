package AI::MXGrad::AutoGrad::Scope;
use strict;
use warnings;

use AI::MXGrad::FFI qw(fail $RECORDING $DEPTH $OVER mxg_scope_begin mxg_scope_end);

# The recording and training flags set for as long as the object lives: 1, 0, or -1 for as it is. Perl ends
# it however the block is left.

sub CLONE_SKIP { return 1 }

sub new {
    my ($class, $recording, $training) = @_;
    mxg_scope_begin($recording, $training, \my $token) and fail();
    my $self = bless [$token, $RECORDING], $class;
    $RECORDING = $recording if $recording >= 0;
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    return if $OVER || $DEPTH && ${^GLOBAL_PHASE} ne 'RUN';
    $RECORDING = $self->[1];
    mxg_scope_end($self->[0]);
    return;
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::AutoGrad::Scope - the flags of autograd, for as long as an object lives

=head1 DESCRIPTION

Internal: see L<AI::MXGrad::AutoGrad>.

=cut
