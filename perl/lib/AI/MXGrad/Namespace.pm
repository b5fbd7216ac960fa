package AI::MXGrad::Namespace;
use strict;
use warnings;

use AI::MXGrad::Error ();
use AI::MXGrad::Object ();

# A module of the engine as a package: what is in it are class methods, found when they are first called.

# The short names of modules.
my %SHORT = (
    callback => 'callback', gluon => 'gluon', img => 'image', init => 'initializer', kv => 'kvstore',
    loss => 'gluon.loss', metric => 'metric', nn => 'gluon.nn', opt => 'optimizer', rnn => 'gluon.rnn',
    sym => 'symbol',
);

AI::MXGrad::Object->module($_) for AI::MXGrad::Object->modules;

# The classes that programs derive from are there before an object is.
AI::MXGrad::Object->class_package($_) for qw(
    gluon.Block gluon.HybridBlock gluon.loss.Loss gluon.data.Dataset gluon.data.Sampler gluon.nn.Sequential
    gluon.nn.HybridSequential gluon.rnn.RecurrentCell gluon.rnn.HybridRecurrentCell initializer.Initializer
    io.DataIter lr_scheduler.LRScheduler metric.EvalMetric optimizer.Optimizer
);

# The package of a short name.
sub short {
    my ($class, $name) = @_;
    return exists $SHORT{$name} ? AI::MXGrad::Object->module($SHORT{$name}) : undef;
}

sub short_names {
    my @names = sort keys %SHORT;
    return @names;
}

sub import {
    my ($class, @names) = @_;
    my $caller = caller;
    for my $name (@names) {
        my $package = $class->short($name);
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        *{"${caller}::$name"} = defined $package ? sub () { return $package } : sub { $class->$name(@_) };
    }
    return;
}

our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (ProhibitAutoloading): the engine knows the names
    my ($class, @args) = @_;
    my ($name) = $AUTOLOAD =~ /(\w+)\z/;
    my $path = AI::MXGrad::Object::path(AI::MXGrad::Object::base($class));
    my $module = $path eq '' ? $class->short($name) : undef;
    return $module // AI::MXGrad::Object::of_path($path, $name, @args);
}

sub DESTROY { return }

sub can {
    my ($class, $name) = @_;
    return UNIVERSAL::can($class, $name) || AI::MXGrad::Object::can($class, $name);
}

1;
