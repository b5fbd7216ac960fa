package AI::MXGrad::Error;
use strict;
use warnings;

use overload
    '""'     => sub { $_[0]->text },
    'bool'   => sub { 1 },
    fallback => 1;

# Whether a package is part of the distribution, for each that called.
our %IS_OURS;

# File and line of the first frame outside the distribution: what a user can change. `$up` frames above the
# caller are known to be inside.
sub user_line {
    my ($up) = @_;
    $up //= 1;

    # a frame's package alone costs a third of all that caller tells
    my $package = caller $up;
    return ('-', 0) if !defined $package;
    while ($IS_OURS{$package} //= $package =~ /\AAI::MX(?:Grad|Net)(?:::|\z)/ ? 1 : 0) {
        $package = caller $up + 1;
        last if !defined $package;
        $up++;
    }
    return (caller $up)[1, 2];
}

sub new {
    my ($class, %field) = @_;
    my $self = bless {type => 'MXNetError', code => -1, traceback => '', %field}, $class;
    @{$self}{qw(file line)} = user_line() if !defined $self->{line};
    return $self;
}

sub throw {
    my ($class, $type, $message) = @_;
    die $class->new(type => $type, message => $message);
}

sub type      { return $_[0]{type} }
sub code      { return $_[0]{code} }
sub message   { return $_[0]{message} }
sub traceback { return $_[0]{traceback} }
sub file      { return $_[0]{file} }
sub line      { return $_[0]{line} }

sub text {
    my ($self) = @_;
    return "$self->{type}: $self->{message} at $self->{file} line $self->{line}.\n";
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Error - what AI::MXGrad throws

=head1 SYNOPSIS

    use AI::MXGrad qw(nd);

    my $sum = eval { nd->ones([2, 3]) + nd->ones([4]) };
    if (ref $@ && $@->isa('AI::MXGrad::Error')) {
        print $@->type, "\n";      # InvalidValueError
        print $@->line, "\n";      # the line of the addition above
    }

=head1 DESCRIPTION

Every error of the distribution and of the engine under it is an object of this class. As a string it is an
ordinary Perl message, C<Type: text at FILE line N.>, that names the line of your program, so C<die>,
C<warn>, C<print> and pattern matches treat it as they treat any other.

=head1 METHODS

=over

=item type

The name of the error's class in the engine: C<InvalidValueError> (shapes, axes, parameters out of range),
C<InvalidTypeError> (operands of the wrong kind or dtype), C<OutOfRangeError> (an index), C<AutogradError>
(a gradient the tape cannot give), C<InplaceError> (a write that would spoil a gradient), C<ContextError>
(devices), C<UnknownNameError>, or C<MXNetError>, the base of them all.

=item message

The text without type and place.

=item code

The status number of the C library, negative.

=item traceback

The engine's own traceback, for bug reports; empty when the error was found on the Perl side.

=item file, line

The first call frame outside AI::MXGrad.

=item text

What the object is as a string.

=item new(type =>, message =>, ...), throw($type, $message)

An error at the first call frame outside AI::MXGrad; C<throw> dies with it.

=item user_line

A function: file and line of that frame.

=back

=cut
