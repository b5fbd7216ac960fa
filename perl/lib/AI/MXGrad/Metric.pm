package AI::MXGrad::Metric;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Metric - how good predictions are

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd);

    my $accuracy = mx->metric->Accuracy;
    $accuracy->update([nd->array([0, 1, 1])], [nd->array([[0.3, 0.7], [0.1, 0.9], [0.4, 0.6]])]);
    my ($name, $value) = $accuracy->get;
    printf "%s %.3f\n", $name, $value;      # accuracy 0.667

=head1 DESCRIPTION

The engine's metrics: C<Accuracy>, C<TopKAccuracy>, C<F1>, C<MSE>, C<CrossEntropy>, ....
C<< mx->metric->create >> takes a name, a list of names, or a sub of a label and a prediction. C<update>
gets lists of labels and predictions, arrays or PDLs; C<get> gives name and value.

A package derived from C<AI::MXGrad::Metric::EvalMetric> is a metric of your own: its C<update> adds to the
attributes C<sum_metric> and C<num_inst>.

    use AI::MXGrad qw(mx nd);

    package Positive {
        use parent -norequire, 'AI::MXGrad::Metric::EvalMetric';

        sub update {
            my ($self, $labels, $predictions) = @_;
            for my $prediction (@$predictions) {
                $self->sum_metric($self->sum_metric + ($prediction > 0)->sum->asscalar);
                $self->num_inst($self->num_inst + $prediction->size);
            }
        }
    }

    my $positive = Positive->new('positive');
    $positive->update([], [nd->array([1, -1])]);
    print join(' ', $positive->get), "\n";          # positive 0.5

=cut
