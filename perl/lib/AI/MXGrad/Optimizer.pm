package AI::MXGrad::Optimizer;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Optimizer - how weights follow their gradients

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd autograd gluon nn);

    my $net = nn->Dense(1, in_units => 2);
    $net->initialize;
    my $trainer = gluon->Trainer($net->collect_params, mx->optimizer->Adam(learning_rate => 0.01));

    autograd->record(sub { $net->(nd->ones([4, 2])) })->backward;
    $trainer->step(4);

=head1 DESCRIPTION

The engine's optimizers: C<< mx->optimizer->SGD(...) >>, C<Adam>, C<RMSProp>, .... A trainer also takes the
name of one, and a hash reference of its arguments.

=head1 OPTIMIZERS OF YOUR OWN

A package derived from C<AI::MXGrad::Optimizer::Optimizer> defines C<create_state($index, $weight)>, if it
needs a state, and C<update($index, $weight, $grad, $state)>, which writes into the weight.

    use AI::MXGrad qw(nd gluon nn autograd);

    package SignDescent {
        use parent -norequire, 'AI::MXGrad::Optimizer::Optimizer';

        sub update {
            my ($self, $index, $weight, $grad, $state) = @_;
            $self->_update_count($index);
            $weight -= $self->_get_lr($index) * $grad->sign;
        }
    }

    my $net = nn->Dense(1, in_units => 2, use_bias => 0);
    $net->initialize;
    my $trainer = gluon->Trainer($net->collect_params, SignDescent->new(learning_rate => 0.5));
    autograd->record(sub { $net->(nd->ones([1, 2])) })->backward;
    $trainer->step(1);

C<_update_count($index)> counts an update; C<_get_lr($index)> and C<_get_wd($index)> are the learning rate
and the weight decay for the weight, after schedulers and factors.

=cut
