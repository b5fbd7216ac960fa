package AI::MXGrad::Object;
use strict;
use warnings;

use B ();
use mro ();
use Scalar::Util qw(blessed weaken);

use AI::MXGrad::Context ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(
    fail here buffer text_of $RECORDING $OVER $DEPTH mxg_call mxg_get mxg_set mxg_get_item mxg_set_item
    mxg_length mxg_iterate mxg_next mxg_enter mxg_exit mxg_subclass mxg_object_free mxg_object_id
    mxg_object_is_a mxg_object_class mxg_object_text mxg_object_parameters
);
use AI::MXGrad::Value qw(pack_values pack_dict pack_object armed results take);

# An object is a hash: a class written in Perl keeps what it likes there. Ours are
#   _handle   the engine's handle
#   _id       the engine's object, for as long as there is a handle
#   _class    the dotted name of its class
#   _is_perl  that its class is written in Perl
#   _iterator what <> reads from
my $VALUE_SIZE = 32;

# The objects by _id, without holding them. Those of a class written in Perl have a state here that must live
# as long as the engine's object: when Perl lets one go, it stays in %KEPT until the engine does the same.
my %LIVING;
my %KEPT;

sub CLONE_SKIP { return 1 }

sub CLONE {
    (%LIVING, %KEPT) = ();
    return;
}

sub DESTROY {
    my ($self) = @_;
    return if $OVER || $DEPTH && ${^GLOBAL_PHASE} ne 'RUN';
    my $handle = delete $self->{_handle} // return;
    local $@;
    delete $LIVING{ $self->{_id} };
    $KEPT{ $self->{_id} } = $self if $self->{_is_perl};
    mxg_object_free($handle);
    return;
}

sub _bad { return AI::MXGrad::Error->throw(@_) }

sub handle { return $_[0]{_handle} }

# ---- packages of classes and modules

# The modules of the engine that have a package of their own, below AI::MXGrad.
my %MODULE = (
    ''                     => '',
    'callback'             => 'Callback',
    'contrib'              => 'Contrib',
    'engine'               => 'Engine',
    'gluon'                => 'Gluon',
    'gluon.contrib'        => 'Gluon::Contrib',
    'gluon.data'           => 'Gluon::Data',
    'gluon.data.batchify'  => 'Gluon::Data::Batchify',
    'gluon.data.vision'    => 'Gluon::Data::Vision',
    'gluon.data.vision.transforms' => 'Gluon::Data::Vision::Transforms',
    'gluon.loss'           => 'Gluon::Loss',
    'gluon.metric'         => 'Gluon::Metric',
    'gluon.model_zoo'      => 'Gluon::ModelZoo',
    'gluon.model_zoo.vision' => 'Gluon::ModelZoo::Vision',
    'gluon.nn'             => 'Gluon::NN',
    'gluon.probability'    => 'Gluon::Probability',
    'gluon.rnn'            => 'Gluon::RNN',
    'gluon.utils'          => 'Gluon::Utils',
    'image'                => 'Image',
    'initializer'          => 'Initializer',
    'io'                   => 'IO',
    'kvstore'              => 'KVStore',
    'lr_scheduler'         => 'LRScheduler',
    'metric'               => 'Metric',
    'optimizer'            => 'Optimizer',
    'recordio'             => 'RecordIO',
    'runtime'              => 'RunTime',
    'symbol'               => 'Symbol',
    'test_utils'           => 'TestUtils',
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

sub path {
    my ($package) = @_;
    return $PATH{ $package =~ s/\AAI::MXNet\b/AI::MXGrad/r };
}

# The package of a module.
sub module {
    my ($class, $path) = @_;
    return $OWN{$path} if $OWN{$path};
    my $package = join '::', 'AI::MXGrad',
        grep { $_ ne '' } $MODULE{$path} // join '::', map { s/(?:\A|_)([a-z])/\u$1/gr } split /[.]/, $path;
    return exists $PATH{$package} ? $package : _declare($package, $path, 'AI::MXGrad::Namespace');
}

sub modules {
    my @paths = sort keys %MODULE;
    return @paths;
}

# The package of a class, by the name that the engine has for it, which may be that of an inner module:
# gluon.nn.basic_layers.Dense is AI::MXGrad::Gluon::NN::Dense.
sub class_package {
    my ($class, $name) = @_;
    my @parts = split /[.]/, $name;
    my $last = pop @parts;
    return __PACKAGE__ if !@parts || $last =~ /\A_/ || $parts[0] eq 'mxgrad_ffi';
    while (@parts && !exists $MODULE{ join '.', @parts }) { pop @parts }
    return __PACKAGE__ if !@parts;
    my $package = $class->module(join '.', @parts) . "::$last";
    return exists $PATH{$package} ? $package : _declare($package, join('.', @parts, $last), __PACKAGE__);
}

# ---- objects from C

# A handle becomes ours with the call.
sub from_handle {
    my ($class, $handle) = @_;
    mxg_object_id($handle, \my $id) and fail();
    return _again($id, $handle) if $LIVING{$id} || $KEPT{$id};
    mxg_object_class($handle, \my $name) and fail();
    if ($name eq 'context.Context' || $name eq 'module') {
        my $text = text_of(\&mxg_object_text, $handle);
        mxg_object_free($handle);
        return AI::MXGrad::Context->from_name($text) if $name ne 'module';
        return $class->module($text =~ /\A<module 'mxgrad[.]?([^']*)'/);
    }
    return _new($class->class_package($name), $handle, $id, $name);
}

# The same for an object of a class written in Perl, which has its methods in that package.
sub of_package {
    my ($class, $package, $handle) = @_;
    mxg_object_id($handle, \my $id) and fail();
    return _again($id, $handle) if $LIVING{$id} || $KEPT{$id};
    mxg_object_class($handle, \my $name) and fail();
    my $self = _new($package, $handle, $id, $name);
    $self->{_is_perl} = 1;

    # Goes with the engine's object.
    my $holder = AI::MXGrad::Object::Holder->new($id);
    _set_attribute($self, perl_object => sub { return $holder });
    return $self;
}

sub _new {
    my ($package, $handle, $id, $name) = @_;
    my $self = bless {_handle => $handle, _id => $id, _class => $name}, $package;
    weaken($LIVING{$id} = $self);
    return $self;
}

sub _again {
    my ($id, $handle) = @_;
    if (my $self = $LIVING{$id}) {
        mxg_object_free($handle);
        return $self;
    }
    my $self = delete $KEPT{$id};
    $self->{_handle} = $handle;
    weaken($LIVING{$id} = $self);
    return $self;
}

{
    package    # of what ends the state of an object of a class written in Perl
        AI::MXGrad::Object::Holder;

    sub CLONE_SKIP { return 1 }
    sub new { my ($class, $id) = @_; return bless \$id, $class }
    sub DESTROY { delete $KEPT{ ${ $_[0] } } if !$AI::MXGrad::FFI::OVER; return }
}

# Contexts are values in Perl; the engine has an object for each.
my %CONTEXT;

sub context {
    my ($class, $context) = @_;
    return $CONTEXT{$context} ||= do {
        my $keep = [undef];
        my $args = pack_values($keep, $context->device_type, $context->device_id);
        my $result = buffer($VALUE_SIZE);
        mxg_call(undef, 'Context', 2, $args, undef, $result) and fail();
        my ($handle) = (unpack 'l l q d J', $result)[-1];
        bless {_handle => $handle, _id => 0}, __PACKAGE__;
    };
}

# ---- calls

# What a path or an object's method takes: {names => {name => 1}, required, places, any_name}
my %SIGNATURE;

sub _signature {
    my ($key, $target, $name) = @_;
    return $SIGNATURE{$key} ||= do {
        my $result = buffer($VALUE_SIZE);
        my ($callable) = ref $target;
        if ($name ne '') {
            mxg_get(_target($target), $name, $result) and fail();
            $callable = take($result);
        }
        else {
            $callable = $target;
        }
        my $text = blessed $callable && $callable->isa(__PACKAGE__)
            ? text_of(\&mxg_object_parameters, $callable->handle) : '* **';
        my %takes = (names => {}, required => 0, places => 0, any_name => 0);
        my $by_position = 1;
        for my $word (split / /, $text) {
            if ($word eq '**')     { $takes{any_name} = 1; next }
            if ($word eq '-')      { $by_position = 0;     next }
            if ($word eq '*')      { $by_position = 0; $takes{places} = 9**9; next }
            my $is_optional = $word =~ s/=\z//;
            $takes{names}{$word} = 1;
            next if !$by_position;
            $takes{places}++;
            $takes{required}++ if !$is_optional;
        }
        \%takes;
    };
}

sub _target {
    my ($object) = @_;
    return ref $object ? pack 'l l q d J', 7, 0, 0, 0, $object->{_handle} : undef;
}

# Takes the name => value pairs, or the hash reference, from the end of @$args: what the signature knows by
# name.
sub _take_named {
    my ($args, $signature) = @_;
    my $last = $args->[-1];
    if (ref $last eq 'HASH') {
        my $takes = $signature->();
        my @known = grep { $takes->{names}{$_} } keys %$last;
        return @known || $takes->{any_name} && %$last ? %{ pop @$args } : ();
    }
    my @named;
    while (@$args >= 2 && _is_name($args->[-2])) {
        my $takes = $signature->();
        last if !$takes->{names}{ $args->[-2] } && !($takes->{any_name} && @$args - 2 >= $takes->{required});
        push @named, splice @$args, -2;
    }
    return @named;
}

sub _is_name { return defined $_[0] && !ref $_[0] && $_[0] =~ /\A[A-Za-z_]\w*\z/ }

# Calls a method of an object; or, where the target is no object, the function or class of that path.
# `$key` stands for what is called, which has the same parameters each time.
sub _call {
    my ($key, $target, $name, @args) = @_;
    my $signature = sub { _signature($key, $target, $name) };
    my $block = @args && ref $args[-1] eq 'CODE' && $signature->()->{places} < @args ? pop @args : undef;
    my @named = @args ? _take_named(\@args, $signature) : ();
    my $keep = [undef];
    my $args = pack_values($keep, @args);
    my $named = @named ? pack_dict($keep, @named) : undef;
    my $result = buffer($VALUE_SIZE);
    armed($keep) if $keep->[0];
    here() if $RECORDING;
    local $@;
    mxg_call(_target($target), $name, scalar @args, $args, $named, $result) and fail();
    return $block ? take($result)->with($block) : results($result);
}

# What an attribute is; undef and false in list context if there is none of that name.
my $NOT_FOUND = -10;

sub _attribute {
    my ($target, $name) = @_;
    my $result = buffer($VALUE_SIZE);
    local $@;
    my $status = mxg_get(_target($target), $name, $result);
    return (undef, 0) if $status == $NOT_FOUND;
    fail() if $status;
    return (take($result), 1);
}

sub _set_attribute {
    my ($self, $name, $value) = @_;
    my $keep = [undef];
    my $packed = pack_values($keep, $value);
    armed($keep);
    here() if $RECORDING;
    local $@;
    mxg_set(_target($self), $name, $packed) and fail();
    return $self;
}

# ---- methods of every object

# Classes of what is called under its name, not given: methods and the like.
my %IS_CODE = map { $_ => 1 } qw(function method builtin_function_or_method type method-wrapper);

sub _is_code { return blessed $_[0] && $_[0]->isa(__PACKAGE__) && $IS_CODE{ $_[0]{_class} // '' } }

# class and name => whether it is a method there
my %IS_METHOD;

our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (ProhibitAutoloading): the engine knows the names
    my ($self, @args) = @_;
    my ($package, $name) = $AUTOLOAD =~ /\A(.*)::(\w+)\z/s;
    return _class_method($self, $name, @args) if !ref $self;
    if ($self->{_is_perl}) {
        my $own = UNIVERSAL::can($self, $name);
        return _super($self, $name, @args) if $own;
    }
    my $key = "$self->{_class}.$name";
    return _call($key, $self, $name, @args) if $IS_METHOD{$key};
    my ($value, $is_there) = _attribute($self, $name);
    if (!$is_there) {
        return _set_attribute($self, $name, @args) if @args == 1 && $self->{_is_perl};
        fail_at_name($self, $name);
    }
    if (_is_code($value)) {
        $IS_METHOD{$key} = 1;
        return _call($key, $self, $name, @args);
    }
    return $value if !@args;
    _bad('InvalidTypeError', "$name is an attribute of " . ref($self) . ", which takes one value") if @args > 1;
    return _set_attribute($self, $name, @args);
}
