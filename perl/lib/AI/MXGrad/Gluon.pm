package AI::MXGrad::Gluon;
use strict;
use warnings;

use AI::MXGrad::NDArray ();
use AI::MXGrad::Namespace ();
use AI::MXGrad::Object ();

{
    package    # which the engine has, too
        AI::MXGrad::Gluon::NN::Sequential;

    sub slice {
        my ($self, $range) = @_;
        my ($from, $to) = map { $_ < 0 ? $_ + $self->len : $_ } @$range > 1 ? @$range : (@$range, @$range);
        my $kind = $self->isa('AI::MXGrad::Gluon::NN::HybridSequential') ? 'HybridSequential' : 'Sequential';
        my $part = AI::MXGrad::Gluon::NN->$kind(prefix => $self->prefix);
        $part->add(map { $self->at($_) } $from .. $to);
        return $part;
    }

    package    # as well
        AI::MXGrad::Gluon::Data;

    sub ArrayDataset {
        my ($class, @arrays) = @_;
        my %named = @arrays == 4 && !ref $arrays[0] ? @arrays : ();
        @arrays = @named{qw(data label)} if exists $named{data} && exists $named{label};
        return AI::MXGrad::Object::_of_path('gluon.data', 'ArrayDataset', @arrays);
    }

    package    # as well
        AI::MXGrad::Gluon::NN::HybridSequential;
    sub slice { my ($self, $range) = @_; return AI::MXGrad::Gluon::NN::Sequential::slice($self, $range) }
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Gluon - models: layers, losses, data, training

=head1 SYNOPSIS

    use AI::MXGrad qw(nd autograd gluon nn);

    my $net = nn->Sequential;
    $net->add(nn->Dense(8, activation => 'relu'), nn->Dense(2));
    $net->initialize;

    my $loss = gluon->loss->SoftmaxCrossEntropyLoss;
    my $trainer = gluon->Trainer($net->collect_params, 'sgd', {learning_rate => 0.5});
    my $points = nd->array([[0, 0], [0, 1], [1, 0], [1, 1]]);
    my $data = gluon->data->ArrayDataset($points, nd->array([0, 1, 1, 0]));

    for my $epoch (1 .. 200) {
        for my $batch (@{ gluon->data->DataLoader($data, batch_size => 4) }) {
            my ($x, $y) = @$batch;
            autograd->record(sub { $loss->($net->($x), $y) })->backward;
            $trainer->step(4);
        }
    }
    print $net->($points)->argmax(axis => 1)->asstr, "\n";

=head1 DESCRIPTION

All of the engine's C<gluon>, which is described by its Python manual, under the same names. Classes are
called like methods: C<< nn->Dense(10) >> makes a layer. What an object can do, in which forms it is called
and how it is printed, compared and iterated is said in L<AI::MXGrad::Object>.

C<gluon> and C<nn> can be imported from here or from L<AI::MXGrad>. The modules of C<gluon> are

=over

=item gluon->nn, AI::MXGrad::Gluon::NN

Layers: C<Dense>, C<Conv2D>, C<BatchNorm>, C<Dropout>, C<Embedding>, C<Sequential>, C<HybridSequential>,
....

=item gluon->loss, AI::MXGrad::Gluon::Loss

Losses: C<L2Loss>, C<SoftmaxCrossEntropyLoss>, ....

=item gluon->data, AI::MXGrad::Gluon::Data

Datasets, samplers, C<DataLoader>; C<< gluon->data->vision >> has the well-known sets of images.

=item gluon->rnn, AI::MXGrad::Gluon::RNN

Recurrent layers and cells.

=item gluon->model_zoo, AI::MXGrad::Gluon::ModelZoo

Well-known networks.

=item gluon->utils, AI::MXGrad::Gluon::Utils

C<split_and_load>, C<clip_global_norm>, ....

=back

and in C<gluon> itself are C<Block>, C<HybridBlock>, C<SymbolBlock>, C<Parameter>, C<ParameterDict>,
C<Constant> and C<Trainer>.

=head1 BLOCKS OF YOUR OWN

A package that derives from C<AI::MXGrad::Gluon::Block> is a block. C<new> makes one; C<BUILD> gets what
C<new> was given. Blocks and parameters that become attributes belong to the block: an attribute is set by
calling it with a value, and got by calling it. What is only Perl's goes into the hash that an object is;
names that begin with an underscore are taken.

    use AI::MXGrad qw(nd gluon nn);

    package TwoLayers {
        use parent -norequire, 'AI::MXGrad::Gluon::Block';

        sub BUILD {
            my ($self, $args) = @_;
            $self->name_scope(sub {
                $self->first(AI::MXGrad::Gluon::NN->Dense($self->{hidden}, activation => 'tanh'));
                $self->second(AI::MXGrad::Gluon::NN->Dense(1));
            });
        }

        sub forward {
            my ($self, $x) = @_;
            return $self->second->($self->first->($x));
        }
    }

    my $net = TwoLayers->new(hidden => 16);
    $net->initialize;
    print $net, $net->(nd->ones([4, 3]))->asstr, "\n";

A C<HybridBlock> may define C<hybrid_forward($self, $F, $x, %params)> instead: C<$F> has the operators, and
the parameters that are the block's own come by their names.

    package Scale {
        use parent -norequire, 'AI::MXGrad::Gluon::HybridBlock';

        sub BUILD {
            my ($self) = @_;
            $self->factor($self->params->get('factor', shape => [1], init => 'ones'));
        }

        sub hybrid_forward {
            my ($self, $F, $x, %params) = @_;
            return $F->broadcast_mul($x, $params{factor});
        }
    }

=head1 OF PERL'S OWN

=over

=item gluon->data->ArrayDataset(@arrays), gluon->data->ArrayDataset(data => $data, label => $label)

Arrays, PDLs or lists of one length, side by side.

=item $net->slice([$from, $to])

Of a C<Sequential> or C<HybridSequential>: one with the layers from C<$from> to C<$to>, both included, which
share their parameters with it.

=back

=head1 SEE ALSO

L<AI::MXGrad::Optimizer>, L<AI::MXGrad::Metric>, L<AI::MXGrad::Initializer>, L<AI::MXGrad::LRScheduler>.

=cut
