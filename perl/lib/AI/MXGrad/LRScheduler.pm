package AI::MXGrad::LRScheduler;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::LRScheduler - learning rates that change

=head1 SYNOPSIS

    use AI::MXGrad qw(mx);

    my $scheduler = mx->lr_scheduler->FactorScheduler(step => 10, factor => 0.5, base_lr => 0.1);
    print $scheduler->(25), "\n";       # the rate of update 25: 0.025

=head1 DESCRIPTION

The engine's schedulers: C<FactorScheduler>, C<MultiFactorScheduler>, C<PolyScheduler>, C<CosineScheduler>.
An optimizer takes one as C<lr_scheduler>.

A package derived from C<AI::MXGrad::LRScheduler::LRScheduler> is one of your own: its C<call($update)>
gives the rate.

    package Inverse {
        use AI::MXGrad ();
        our @ISA = 'AI::MXGrad::LRScheduler::LRScheduler';
        sub call { my ($self, $update) = @_; return 1 / $update }
    }

=cut
