package AI::MXGrad::Namespace;
use strict;
use warnings;

use mro ();

use AI::MXGrad::Error ();

# A module of the engine as a package: what is in it are class methods, found when they are first called. And
# which package is which module or class.

my $OBJECT = 'AI::MXGrad::Object';

# The modules of the engine that have a package of their own, below AI::MXGrad; and the words that are not
# written there as the rule has it.
my %IS_MODULE = map { $_ => 1 } qw(
    callback contrib engine gluon gluon.contrib gluon.data gluon.data.batchify gluon.data.vision
    gluon.data.vision.transforms gluon.loss gluon.metric gluon.model_zoo gluon.model_zoo.vision gluon.nn
    gluon.probability gluon.rnn gluon.utils image initializer io kvstore lr_scheduler metric optimizer
    recordio runtime symbol test_utils
);
my %WORD = (
    io       => 'IO',       kvstore => 'KVStore', lr_scheduler => 'LRScheduler', nn => 'NN',
    recordio => 'RecordIO', rnn     => 'RNN',     runtime      => 'RunTime',
);

# Modules that Perl has its own package for.
my %OWN = (
    'nd' => 'AI::MXGrad::NDArray', 'np' => 'AI::MXGrad::NP', 'npx' => 'AI::MXGrad::Ops::npx',
    'autograd' => 'AI::MXGrad::AutoGrad', 'random' => 'AI::MXGrad::Random',
);

# The dotted name of the module or class that a package is.
my %PATH;

sub _declare {
    my ($package, $path, $base) = @_;
    $PATH{$package} = $path;
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    my $isa = \@{"${package}::ISA"};
    push @$isa, $base if !@$isa;
    return $package;
}

# That of a package, whose name may also begin as in AI::MXNet; undef for others.
sub _path {
    my ($package) = @_;
    return $PATH{ $package =~ s/\AAI::MXNet\b/AI::MXGrad/r };
}

# The module or class that a package derives from, or is.
sub _base {
    my ($package) = @_;
    my ($base) = grep { defined _path($_) } @{ mro::get_linear_isa($package) };
    return $base
        // AI::MXGrad::Error->throw('InvalidTypeError', "$package derives from no class of AI::MXGrad");
}

# The package of a module.
sub _module {
    my ($class, $path) = @_;
    return $OWN{$path} if $OWN{$path};
    my $package = join '::', 'AI::MXGrad',
        map { $WORD{$_} // s/(?:\A|_)([a-z])/\u$1/gr } split /[.]/, $path;
    return exists $PATH{$package} ? $package : _declare($package, $path, __PACKAGE__);
}

# The package of a class, by the name that the engine has for it, which may be that of an inner module:
# gluon.nn.basic_layers.Dense is AI::MXGrad::Gluon::NN::Dense.
sub _class_package {
    my ($class, $name) = @_;
    my @parts = split /[.]/, $name;
    my $last = pop @parts;
    return $OBJECT if !@parts || $last =~ /\A_/ || $parts[0] eq 'mxgrad_ffi';
    while (@parts && !$IS_MODULE{ join '.', @parts }) { pop @parts }
    return $OBJECT if !@parts;
    my $package = $class->_module(join '.', @parts) . "::$last";
    return exists $PATH{$package} ? $package : _declare($package, join('.', @parts, $last), $OBJECT);
}

# The short names of modules.
my %SHORT = (
    callback => 'callback', gluon => 'gluon', img => 'image', init => 'initializer', kv => 'kvstore',
    loss => 'gluon.loss', metric => 'metric', nn => 'gluon.nn', opt => 'optimizer', rnn => 'gluon.rnn',
    sym => 'symbol',
);

__PACKAGE__->_module($_) for '', sort keys %IS_MODULE;

# The classes that programs derive from are there before an object is.
__PACKAGE__->_class_package($_) for qw(
    gluon.Block gluon.Constant gluon.HybridBlock gluon.Parameter gluon.ParameterDict gluon.SymbolBlock
    gluon.Trainer gluon.data.ArrayDataset gluon.data.DataLoader gluon.data.Dataset gluon.data.Sampler
    gluon.loss.Loss gluon.nn.HybridSequential gluon.nn.Sequential gluon.rnn.HybridRecurrentCell
    gluon.rnn.RecurrentCell initializer.Initializer io.DataIter lr_scheduler.LRScheduler metric.EvalMetric
    optimizer.Optimizer
);

# The package of a short name.
sub _short {
    my ($class, $name) = @_;
    return exists $SHORT{$name} ? $class->_module($SHORT{$name}) : undef;
}

sub _short_names {
    my @names = sort keys %SHORT;
    return @names;
}

sub import {
    my ($class, @names) = @_;
    my $caller = caller;
    for my $name (@names) {
        my $package = $class->_short($name);
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        *{"${caller}::$name"} = defined $package ? sub () { return $package } : sub { $class->$name(@_) };
    }
    return;
}

# The class that a package means which derives from a module.
my %MAIN = (
    initializer => 'Initializer', io => 'DataIter', lr_scheduler => 'LRScheduler', metric => 'EvalMetric',
    optimizer   => 'Optimizer',
);

sub new {
    my ($class, @args) = @_;
    my $path = _path(_base($class));
    my $main = $MAIN{$path} // AI::MXGrad::Error->throw('InvalidTypeError',
        "$class is a module of classes, no class");
    my $package = $class->_class_package("$path.$main");
    return $package->new(@args) if defined _path($class);
    for my $derived (@{ mro::get_linear_isa($class) }) {
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        my $isa = \@{"${derived}::ISA"};
        @$isa = map { (_path($_) // '') eq $path ? $package : $_ } @$isa if !defined _path($derived);
    }
    return AI::MXGrad::Object::new($class, @args);
}

our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (ProhibitAutoloading): the engine knows the names
    my ($class, @args) = @_;
    my ($name) = $AUTOLOAD =~ /(\w+)\z/;
    my $path = _path(_base($class));
    my $module = $path eq '' ? $class->_short($name) : undef;
    return $module // AI::MXGrad::Object::_of_path($path, $name, @args);
}

sub DESTROY { return }

sub can {
    my ($class, $name) = @_;
    return UNIVERSAL::can($class, $name) || AI::MXGrad::Object::can($class, $name);
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Namespace - the engine's modules as packages

=head1 DESCRIPTION

Internal: see L<AI::MXGrad::Object>.

=cut
