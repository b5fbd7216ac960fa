package DigitsNet;
# A network that reads digits, and its training: parts 4 and 5 share it.
use strict;
use warnings;

use Exporter qw(import);
use FindBin;
use PDL;
use PDL::IO::Misc qw(rcols);

use AI::MXGrad::Compat;
use AI::MXNet qw(mx);
use AI::MXNet::AutoGrad qw(autograd);
use AI::MXNet::Gluon qw(gluon);
use AI::MXNet::Gluon::NN qw(nn);

our @EXPORT_OK = qw(digits digits_net train accuracy);

# (pixels, digits, pixels for testing, digits for testing) as PDLs: dims 64 and number of images, with pixels
# from 0 to 1. Every fifth line of the file is for testing.
sub digits {
    my $file = "$FindBin::Bin/../../examples/data/digits.csv";
    my ($rows) = rcols($file, [], {COLSEP => ',', DEFTYPE => float});
    $rows = $rows->transpose;
    my ($is_test, $is_training) = which_both(sequence(long, $rows->dim(1)) % 5 == 4);
    return map { ($_->slice('0:63') / 16, $_->slice('(64)')) }
        map { $rows->dice_axis(1, $_)->sever } $is_training, $is_test;
}

# 64 pixels -> 32 units -> 10 scores, with first values that are the same each time.
sub digits_net {
    mx->random->seed(0);
    my $net = nn->Sequential;
    $net->add(nn->Dense(32, activation => 'relu'), nn->Dense(10));
    $net->initialize;
    return $net;
}

# How many of the test images the network reads right, from 0 to 1.
sub accuracy {
    my ($net) = @_;
    my (undef, undef, $pixels, $digits) = digits();
    return ($net->($pixels)->argmax(axis => 1) == nd->array($digits))->mean->asscalar;
}

# Trains the network for some epochs; the sub is told epoch, mean loss and accuracy after each.
sub train {
    my ($net, $epochs, $tell) = @_;
    my ($pixels, $digits) = digits();
    my $loss = gluon->loss->SoftmaxCrossEntropyLoss;
    my $trainer = gluon->Trainer($net->collect_params, 'adam', {learning_rate => 0.01});
    my $data = gluon->data->ArrayDataset(data => nd->array($pixels), label => nd->array($digits));
    my $loader = gluon->data->DataLoader($data, batch_size => 64, last_batch => 'discard');
    for my $epoch (1 .. $epochs) {
        my ($sum, $count) = (0, 0);
        while (defined(my $batch = <$loader>)) {
            my ($x, $y) = @$batch;
            my $losses = autograd->record(sub { $loss->($net->($x), $y) });
            $losses->backward;
            $trainer->step($x->len);
            $sum += $losses->mean->asscalar;
            $count++;
        }
        $tell->($epoch, $sum / $count, accuracy($net));
    }
    return;
}

1;
