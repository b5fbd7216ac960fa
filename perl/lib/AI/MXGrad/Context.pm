package AI::MXGrad::Context;
use strict;
use warnings;

use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(fail text_of mxg_info);

use overload
    '""' => sub { $_[0]->name },
    '==' => sub { "$_[0]" eq "$_[1]" },
    '!=' => sub { "$_[0]" ne "$_[1]" },
    fallback => 1;

# Where arrays are made that do not say; `local` on it holds for a block.
our $CURRENT;

sub new {
    my ($class, @given) = @_;
    my %field = @given % 2 || @given == 2 && $given[0] !~ /\Adevice_/
        ? (device_type => $given[0], device_id => $given[1]) : @given;
    my ($type, $id) = ($field{device_type} // 'cpu', $field{device_id} // 0);
    if (ref $type) {
        ($type, $id) = @{$type}{qw(device_type device_id)};
    }
    $type =~ /\A(?:cpu|gpu|cpu_pinned|cpu_shared)\z/
        or AI::MXGrad::Error->throw('InvalidValueError', "unknown device type '$type'; there are cpu, gpu");
    $id =~ /\A[0-9]+\z/
        or AI::MXGrad::Error->throw('InvalidValueError',
            "$type($id): a device number is a whole number from 0 on");
    return bless {device_type => $type, device_id => $id}, $class;
}

sub from_name {
    my ($class, $name) = @_;
    my ($type, $id) = $name =~ /\A(\w+?)(?:\(([0-9]+)\))?\z/;
    return $class->new($type, $id);
}

sub cpu        { my ($class, $id) = @_; return AI::MXGrad::Context->new('cpu', $id) }
sub gpu        { my ($class, $id) = @_; return AI::MXGrad::Context->new('gpu', $id) }
sub cpu_pinned { my ($class, $id) = @_; return AI::MXGrad::Context->new('cpu_pinned', $id) }

sub device_type { return $_[0]{device_type} }
sub device_id   { return $_[0]{device_id} }
sub name        { return "$_[0]{device_type}($_[0]{device_id})" }

sub current_name { return $CURRENT ? $CURRENT->name : 'cpu(0)' }

sub current_ctx { return $CURRENT || AI::MXGrad::Context->cpu }

sub current_context { return current_ctx() }

sub set_current {
    my ($class, $context) = @_;
    $CURRENT = ref $class ? $class : $context;
    return $CURRENT;
}

sub num_gpus {
    require JSON::PP;
    my $info = JSON::PP->new->utf8->decode(text_of(\&mxg_info));
    return scalar grep { /\Agpu/ } @{ $info->{contexts} };
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Context - the device an array lives on

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd);

    my $x = nd->ones([2, 3], ctx => mx->cpu);
    print $x->context, "\n";                            # cpu(0)
    $x = $x->as_in_context(mx->gpu(0)) if mx->num_gpus;

=head1 DESCRIPTION

A context is a value: C<mx-E<gt>cpu(1)>, C<mx-E<gt>gpu(0)>. It reads C<cpu(1)> as a string and equals
another with that name. Naming a device touches none; making an array there does, and is a ContextError if
it is not there.

=head1 METHODS

=over

=item new($type, $id), new(device_type => $type, device_id => $id), cpu($id), gpu($id), cpu_pinned($id)

A context; number 0 if none is given.

=item from_name('gpu(1)')

The context of that name.

=item device_type, device_id, name

Its parts, and its name.

=item current_ctx, current_context, current_name

The context of arrays that do not say theirs, and its name.

=item set_current($context)

Sets it. C<local $AI::MXGrad::Context::CURRENT = $context> sets it for a block.

=item num_gpus

How many GPUs can be used.

=back

=cut
