package AI::MXGrad::Callback;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Callback - what is called during training

=head1 SYNOPSIS

    use AI::MXGrad qw(mx);

    my $speed = mx->callback->Speedometer(32, frequent => 50);
    print ref $speed, "\n";

=head1 DESCRIPTION

The engine's C<callback>: C<Speedometer>, C<ProgressBar>, C<do_checkpoint>, C<log_train_metric>.

=cut
