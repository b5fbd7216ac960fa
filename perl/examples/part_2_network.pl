#!/usr/bin/env perl
# Part 2 of 5, a network: layers, a block of layers, a block of one's own, parameters, output.
#
#     perl -Ilib examples/part_2_network.pl
use strict;
use warnings;

use PDL;
use AI::MXGrad::Compat;
use AI::MXNet qw(mx);
use AI::MXNet::Gluon qw(gluon);
use AI::MXNet::Gluon::NN qw(nn);

mx->random->seed(2);
my $x = nd->random->uniform(shape => [3, 4]);

print "A layer of 2 units, and what it makes of 3 rows with 4 numbers each:\n";
my $layer = nn->Dense(2);
print "$layer\n";
$layer->initialize;
print $layer->($x)->aspdl;

print "\nIts weight, whose shape it took from its first input:";
print $layer->weight->data->aspdl;

print "\nLayers one after the other:\n";
my $net = nn->Sequential;
$net->add(nn->Dense(16, activation => 'relu'), nn->Dense(8, activation => 'relu'), nn->Dense(10));
$net->initialize;
print "$net\n", $net->($x)->softmax->aspdl;

print "\nThe layer in the middle is \$net->[1]; the parameters of all:\n";
print $net->[1], "\n", join(', ', $net->collect_params->keys), "\n";

# Two ways for the input, and their results side by side.
package TwoWays {
    use parent -norequire, 'AI::MXNet::Gluon::Block';

    sub BUILD {
        my ($self) = @_;
        $self->name_scope(sub {
            $self->wide(nn->Dense($self->{units}, activation => 'tanh'));
            $self->deep(nn->Sequential);
            $self->deep->add(nn->Dense(5, activation => 'relu'), nn->Dense($self->{units}));
        });
        return;
    }

    sub forward {
        my ($self, $x) = @_;
        return nd->concat($self->wide->($x), $self->deep->($x), dim => 1);
    }
}

print "\nA block of one's own, given a PDL:\n";
my $two = TwoWays->new(units => 3);
$two->initialize;
print "$two\n", 'its output has the shape ', join(' x ', @{ $two->(sequence(4, 2))->shape }), "\n";
