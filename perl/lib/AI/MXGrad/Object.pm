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
use AI::MXGrad::Namespace ();
use AI::MXGrad::Value qw(pack_value pack_values pack_dict pack_object armed results take $ARRAYS $AN_ARRAY);

# An object is a hash: a class written in Perl keeps what it likes there. Ours are
#   _handle   the engine's handle
#   _id       the engine's object, for as long as there is a handle
#   _class    the dotted name of its class
#   _is_perl  that its class is written in Perl
#   _iterator what <> reads from
my $VALUE_SIZE = 32;

# All of the packed value that is an object, but for its handle.
my $AN_OBJECT = pack 'l l q d', 7, 0, 0, 0;

my $STOP = -14;

# The objects by _id, without holding them. Those of a class written in Perl have a state here that must live
# as long as the engine's object: when Perl lets one go, it stays in %KEPT until the engine does the same.
my %LIVING;
my %KEPT;

# Contexts are values in Perl; the engine has an object for each, by its name. And its classes that are
# written in Perl, by their packages.
my (%CONTEXT, %PERL_CLASS);

# A new thread sees objects that stand for nothing. (With CLONE_SKIP the weak references to them would harm.)
sub CLONE {
    $_->{_handle} = 0 for values %LIVING;
    (%LIVING, %KEPT, %CONTEXT, %PERL_CLASS) = ();
    return;
}

{
    package    # of objects that nobody sees, so that they need no identity
        AI::MXGrad::Object::Anonymous;
    our @ISA = 'AI::MXGrad::Object';
    sub CLONE_SKIP { return 1 }
}

sub DESTROY {
    my ($self) = @_;
    return if $OVER || $DEPTH && ${^GLOBAL_PHASE} ne 'RUN';
    my $handle = delete $self->{_handle} or return;
    local $@;
    delete $LIVING{ $self->{_id} };
    $KEPT{ $self->{_id} } = $self if $self->{_is_perl};
    mxg_object_free($handle);
    return;
}

sub _bad { return AI::MXGrad::Error->throw(@_) }

sub _path { return AI::MXGrad::Namespace::_path(@_) }
sub _base { return AI::MXGrad::Namespace::_base(@_) }

sub handle { return $_[0]{_handle} }

# ---- objects from C

# A handle becomes ours with the call.
sub _from_handle {
    my ($class, $handle) = @_;
    mxg_object_id($handle, \my $id) and fail();
    return _again($id, $handle) if $LIVING{$id} || $KEPT{$id};
    mxg_object_class($handle, \my $name) and fail();
    if ($name eq 'context.Context' || $name eq 'module') {
        my $text = text_of(\&mxg_object_text, $handle);
        mxg_object_free($handle);
        return AI::MXGrad::Context->from_name($text) if $name ne 'module';
        return AI::MXGrad::Namespace->_module($text =~ /\A<module 'mxgrad[.]?([^']*)'/);
    }
    return _new(AI::MXGrad::Namespace->_class_package($name), $handle, $id, $name);
}

# The same for an object of a class written in Perl, which has its methods in that package.
sub _of_package {
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

sub _anonymous {
    my ($packed) = @_;
    return bless {_handle => _handle_in($packed), _id => 0}, 'AI::MXGrad::Object::Anonymous';
}

sub _handle_in { return (unpack 'l l q d J', $_[0])[-1] }

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

sub _of_context {
    my ($class, $context) = @_;
    return $CONTEXT{$context} ||= do {
        my $keep = [undef];
        my $args = pack_values($keep, $context->device_type, $context->device_id);
        my $result = buffer($VALUE_SIZE);
        mxg_call(undef, 'Context', 2, $args, undef, $result) and fail();
        _anonymous($result);
    };
}

# ---- calls

# What a path or an object's method takes: {names => {name => 1}, required, places, any_name}
my %SIGNATURE;

sub _signature {
    my ($key, $target, $name) = @_;
    return $SIGNATURE{$key} ||= do {
        my $callable = $name eq '' ? $target : (_attribute($target, $name))[0];
        my $text = blessed $callable && $callable->isa(__PACKAGE__)
            ? text_of(\&mxg_object_parameters, $callable->{_handle}) : '* **';
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
    return ref $object ? $AN_OBJECT . pack 'J', $object->{_handle} : undef;
}

# Takes the name => value pairs, or the hash reference, from the end of @$args. They begin with a name that
# the signature knows, or that may be any where no value by position is missing.
sub _take_named {
    my ($args, $signature) = @_;
    my $last = $args->[-1];
    if (ref $last eq 'HASH') {
        my $takes = $signature->();
        my @known = grep { $takes->{names}{$_} } keys %$last;
        return @known || $takes->{any_name} && %$last ? %{ pop @$args } : ();
    }
    my $first = @$args;
    for (my $i = @$args - 2; $i >= 0 && _is_name($args->[$i]); $i -= 2) {
        my $takes = $signature->();
        $first = $i if $takes->{names}{ $args->[$i] } || $takes->{any_name} && $i >= $takes->{required};
    }
    return splice @$args, $first;
}

sub _is_name { return defined $_[0] && !ref $_[0] && $_[0] =~ /\A[A-Za-z_]\w*\z/ }

# Calls a method of an object, or the object itself by the name ''; or, where the target is no object, the
# function or class of that path.
sub _call {
    my ($target, $name, @args) = @_;
    my ($keep, $dict, $block);
    my $last = @args ? ref $args[-1] : '';
    if ($last eq 'HASH' || $last eq 'CODE' || @args > 1 && !ref $args[-2] && _is_name($args[-2])) {
        ($block, my @named) = _block_and_named($target, $name, \@args);
        $dict = pack_dict($keep = [undef], @named) if @named;
    }

    # pack_values, without what it costs where a training step gives arrays
    my $packed = '';
    for (@args) {
        $packed .= ref eq $ARRAYS ? $AN_ARRAY . pack 'J', $$_ : pack_value($keep ||= [undef], $_);
    }
    my $result = "\0" x $VALUE_SIZE;
    my $of = ref $target ? $AN_OBJECT . pack 'J', $target->{_handle} : undef;
    armed($keep) if $keep && $keep->[0];
    local $@;
    if (my $status = mxg_call($of, $name, scalar @args, $packed, $dict, $result)) {
        return if $status == $STOP;
        fail();
    }
    return $block ? take($result)->with($block) : results($result);
}

# Takes the block and what is named from the arguments of a call.
sub _block_and_named {
    my ($target, $name, $args) = @_;

    # what is called has the same parameters each time
    my $key = !ref $target ? $name : $name eq '' ? "$target->{_class}()" : "$target->{_class}.$name";
    my $signature = sub { _signature($key, $target, $name) };
    my $block = ref $args->[-1] eq 'CODE' && $signature->()->{places} < @$args ? pop @$args : undef;
    return ($block, _take_named($args, $signature));
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
    here(caller) if $RECORDING;
    local $@;
    mxg_set(_target($self), $name, $packed) and fail();
    return $self;
}

# ---- methods of every object

# Classes of what is called under its name, not given: methods and the like.
my %IS_CODE = map { $_ => 1 } qw(function method builtin_function_or_method type method-wrapper);

sub _is_code {
    my ($value) = @_;
    return blessed $value && $value->isa(__PACKAGE__)
        && ($IS_CODE{ $value->{_class} } || "$value" =~ /\A<class /);
}

# class and name => whether it is a method there
my %IS_METHOD;

our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (ProhibitAutoloading): the engine knows the names
    my ($name) = $AUTOLOAD =~ /(\w+)\z/;
    return _dispatch($name, @_);
}

# The next call of a method that a class turned out to have goes to a sub of its package, unless that has one
# of its own.
sub _install {
    my ($self, $name) = @_;
    my ($package, $class) = (ref $self, $self->{_class});
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    return if $package eq __PACKAGE__ || $self->{_is_perl} || defined &{"${package}::$name"};
    *{"${package}::$name"} = sub {
        my $object = shift;
        here(caller) if $RECORDING;
        return _call($object, $name, @_)
            if ref $object && $object->{_class} eq $class && !$object->{_is_perl};
        return _dispatch($name, $object, @_);
    };
    return;
}

sub _dispatch {
    my ($name, $self, @args) = @_;
    return _of_path(_path(_base($self)), $name, @args) if !ref $self;
    here(caller) if $RECORDING;
    my $key = "$self->{_class}.$name";
    if ($self->{_is_perl} && UNIVERSAL::can($self, $name)) {
        my $path = _path(_base(ref $self));    # the sub there called SUPER::
        return _call(undef, "$path.$name", $self, @args);
    }
    return _call($self, $name, @args) if $IS_METHOD{$key};
    my ($value, $is_there) = _attribute($self, $name);
    if (!$is_there) {
        fail() if @args != 1 || !$self->{_is_perl};
        return _set_attribute($self, $name, @args);
    }
    if (_is_code($value)) {
        $IS_METHOD{$key} = 1;
        _install($self, $name);
        return _call($self, $name, @args);
    }
    return $value if !@args;
    _bad('InvalidTypeError', "$name is an attribute, which takes one value") if @args > 1;
    return _set_attribute($self, $name, @args);
}

sub _below { return $_[0] eq '' ? $_[1] : "$_[0].$_[1]" }

# What a module or class has under a name.
sub _of_path {
    my ($path, $name, @args) = @_;
    here(caller) if $RECORDING;
    my $full = _below($path, $name);
    if (!$IS_METHOD{$full}) {
        my ($value, $is_there) = _attribute(undef, $full);
        $is_there or fail();
        return $value if !_is_code($value);
        $IS_METHOD{$full} = 1;
        AI::MXGrad::Namespace->_class_package($full) if "$value" =~ /\A<class /;
    }
    return _call(undef, $full, @args);
}

sub new {
    my ($class, @args) = @_;
    here(caller) if $RECORDING;
    my $path = _path($class);
    return _call(undef, $path, @args) if defined $path;
    my $python = $PERL_CLASS{$class} ||= _made_class($class);
    my $takes = _signature("$class->new", $python, '');
    my %named = _take_named(\@args, sub { return {%$takes, any_name => 1} });
    my %is_own = map { $_ => 1 } $class->_attributes;
    my @theirs = grep { $takes->{names}{$_} || $takes->{any_name} && !$is_own{$_} } keys %named;
    my $keep = [undef];
    my $packed = pack_values($keep, @args);
    my $dict = pack_dict($keep, map { ($_ => delete $named{$_}) } @theirs);
    my $result = buffer($VALUE_SIZE);
    armed($keep);
    mxg_call(_target($python), '', scalar @args, $packed, $dict, $result) and fail();
    my $self = __PACKAGE__->_of_package($class, _handle_in($result));
    $self->_begin(\%named);
    for my $package (reverse @{ mro::get_linear_isa($class) }) {
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        my $build = *{"${package}::BUILD"}{CODE} or next;
        $self->$build({%named});
    }
    return $self;
}

# How an object of a class written in Perl begins, and which arguments of `new` are only Perl's. A system of
# classes may have its own.
sub _attributes { return }

sub _begin {
    my ($self, $given) = @_;
    @{$self}{keys %$given} = values %$given;
    return;
}

sub call {
    my ($self, @args) = @_;
    here(caller) if $RECORDING;
    return _call($self, '', @args);
}

sub set {
    my ($self, @pairs) = @_;
    @pairs % 2 and _bad('InvalidTypeError', 'set: an odd number of name => value arguments');
    while (my ($name, $value) = splice @pairs, 0, 2) {
        _set_attribute($self, $name, $value);
    }
    return $self;
}

sub with {
    my ($self, $code) = @_;
    my $entered = AI::MXGrad::Object::Entered->new(_target($self));
    my @results = wantarray ? $code->() : scalar $code->();
    $entered->leave;
    return wantarray ? @results : $results[0];
}

{
    package    # of a context that is left however its block is
        AI::MXGrad::Object::Entered;
    use AI::MXGrad::FFI qw(fail mxg_enter mxg_exit);

    sub CLONE_SKIP { return 1 }

    sub new {
        my ($class, $target) = @_;
        mxg_enter($target, undef) and fail();
        return bless {target => $target}, $class;
    }

    sub leave {
        my ($self) = @_;
        mxg_exit(delete $self->{target}, 0) and fail();
        return;
    }

    sub DESTROY {
        my ($self) = @_;
        local $@;
        mxg_exit($self->{target}, 1) if $self->{target} && !$AI::MXGrad::FFI::OVER;
        return;
    }
}

# ---- entries

sub len {
    my ($self) = @_;
    local $@;
    mxg_length(_target($self), \my $n) and fail();
    return $n;
}

sub at {
    my ($self, $key) = @_;
    my $keep = [undef];
    my $packed = pack_values($keep, $key);
    my $result = buffer($VALUE_SIZE);
    here(caller) if $RECORDING;
    local $@;
    mxg_get_item(_target($self), $packed, $result) and fail();
    return take($result);
}

sub put {
    my ($self, $key, $value) = @_;
    my $keep = [undef];
    my ($packed_key, $packed) = (pack_values($keep, $key), pack_values($keep, $value));
    armed($keep);
    local $@;
    mxg_set_item(_target($self), $packed_key, $packed) and fail();
    return $self;
}

sub iter {
    my ($self) = @_;
    my $iterator = _iterator($self);
    return sub { return _next($iterator) };
}

sub _iterator {
    my ($self) = @_;
    my $result = buffer($VALUE_SIZE);
    local $@;
    mxg_iterate(_target($self), $result) and fail();
    return _anonymous($result);
}

# The next value; an empty list at the end.
sub _next {
    my ($iterator) = @_;
    my $result = buffer($VALUE_SIZE);
    here(caller) if $RECORDING;
    local $@;
    mxg_next(_target($iterator), $result, \my $more) and fail();
    return $more ? take($result) : ();
}

sub _read_line {
    my ($self) = @_;
    my @next = _next($self->{_iterator} ||= _iterator($self)) or delete $self->{_iterator};
    return $next[0];
}

# Class => whether its objects have entries by number.
my %HAS_ENTRIES;

sub _entries {
    my ($self) = @_;
    my $has = $HAS_ENTRIES{ $self->{_class} };
    if (!defined $has) {
        my $length = eval { $self->len };
        return [] if defined $length && !$length;
        $has = $HAS_ENTRIES{ $self->{_class} } = defined $length && eval { $self->at(0); 1 } ? 1 : 0;
    }
    if ($has) {
        tie my @entries, 'AI::MXGrad::Object::Entries', $self;
        return \@entries;
    }
    my ($iterator, @all) = $self->iter;
    while (my ($next) = $iterator->()) { push @all, $next }
    return \@all;
}

{
    package    # of the array that an object is, read when it is looked at
        AI::MXGrad::Object::Entries;
    sub TIEARRAY  { my ($class, $object) = @_; return bless \$object, $class }
    sub FETCHSIZE { return ${ $_[0] }->len }
    sub FETCH     { my ($self, $i) = @_; return $$self->at($i) }
    sub STORE     { my ($self, $i, $value) = @_; $$self->put($i, $value); return }
}

# ---- asking

sub can {
    my ($self, $name) = @_;
    my $own = UNIVERSAL::can($self, $name);
    return $own if $own || !_is_name($name) || $name !~ /[a-z]/;
    return if !(_attribute(ref $self ? ($self, $name) : (undef, _below(_path(_base($self)), $name))))[1];
    return sub { my ($object, @args) = @_; return $object->$name(@args) };
}

sub isa {
    my ($self, $name) = @_;
    return 1 if UNIVERSAL::isa($self, $name);
    my $path = ref $self && $self->{_handle} && _path($name) or return '';
    mxg_object_is_a($self->{_handle}, $path, \my $yes) and return '';
    return $yes == 1;
}

sub text { return text_of(\&mxg_object_text, $_[0]{_handle}) }

sub _same {
    my ($self, $other) = @_;
    return blessed $other && $other->isa(__PACKAGE__) && $self->{_id} == $other->{_id};
}

use overload
    '""'     => sub { $_[0]->text },
    'bool'   => sub { 1 },
    '=='     => sub { _same($_[0], $_[1]) },
    '!='     => sub { !_same($_[0], $_[1]) },
    'eq'     => sub { ref $_[1] ? _same($_[0], $_[1]) : "$_[0]" eq "$_[1]" },
    'ne'     => sub { !(ref $_[1] ? _same($_[0], $_[1]) : "$_[0]" eq "$_[1]") },
    '&{}'    => sub {
        my ($self) = @_;
        return sub { here(caller) if $RECORDING; return _call($self, '', @_) };
    },
    '@{}'    => \&_entries,
    '<>'     => \&_read_line,
    fallback => 1;

sub STORABLE_freeze {
    my ($self) = @_;
    return _bad('InvalidTypeError', 'a ' . ref($self) . ' cannot be frozen; save what it holds with its own '
        . 'methods, such as save_parameters or save_states');
}

# ---- classes written in Perl

# What Python has special names for.
my %SPECIAL = (call => '__call__', len => '__len__', at => '__getitem__', put => '__setitem__',
    iter => '__iter__', text => '__repr__');
my %IS_SPECIAL = map { $_ => 1 } values %SPECIAL;

# The subs of a package that are its own, not imported.
sub _own_subs {
    my ($package) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    return grep {
        /\A\w+\z/ && defined &{"${package}::$_"}
            && B::svref_2object(\&{"${package}::$_"})->GV->STASH->NAME eq $package
    } sort keys %{"${package}::"};
}

# The engine calls a sub of a package as the method of the same name, if its class has one. Each is found when
# it is called, so that a package may change it.
sub _made_class {
    my ($package) = @_;
    my $base = _base($package);
    my ($class) = _attribute(undef, _path($base));
    my %methods;
    for my $own (@{ mro::get_linear_isa($package) }) {
        last if $own eq $base;
        for my $name (_own_subs($own)) {
            my $is_there = $IS_SPECIAL{$name} || (_attribute($class, $name))[1];
            my $python = $is_there ? $name : $SPECIAL{$name} // next;
            $methods{$python} = $name if !exists $methods{$python};
        }
    }
    my $keep = [undef];
    my $packed = AI::MXGrad::Value::pack_methods($keep, $package, %methods);
    my $result = buffer($VALUE_SIZE);
    armed($keep);
    mxg_subclass(pack_object($keep, $class), $package =~ s/.*:://sr, $packed, $result) and fail();
    return _anonymous($result);
}

# What was imported is no method.
{
    my %is_own = map { $_ => 1 } _own_subs(__PACKAGE__);
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    my $stash = \%{ __PACKAGE__ . '::' };
    delete @{$stash}{ grep { /\A\w+\z/ && !$is_own{$_} && defined &{ __PACKAGE__ . "::$_" } } keys %$stash };
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Object - anything of the engine that is no array

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nd nn);

    my $net = nn->Sequential;                               # a class is called like a method
    $net->add(nn->Dense(4, activation => 'relu'), nn->Dense(2));
    $net->initialize;                                       # a method

    print $net->(nd->ones([3, 5])), "\n";                   # an object that can be called
    print "$_\n" for @$net;
    print $net->[0]->weight->lr_mult(0.5)->lr_mult, "\n";   # an attribute, set and got

=head1 DESCRIPTION

Blocks, trainers, datasets, metrics, optimizers: all that the engine has under public names is reached in
one way. Modules are packages, such as L<AI::MXGrad::Gluon>; C<< mx->name >> is the module or function
C<name> of the engine. Classes are called like methods of their module, C<< nn->Dense(10) >>, and are
packages, too: C<< AI::MXGrad::Gluon::NN::Dense->new(10) >>, once one was called or derived from. What is
called, with what arguments and to what end says the engine's manual.

=head1 CALLS

Arguments come by position, by name, or both; those by name as pairs at the end or in a hash reference
there:

    use AI::MXGrad qw(mx);

    mx->lr_scheduler->FactorScheduler(10, 0.5);
    mx->lr_scheduler->FactorScheduler(10, factor => 0.5);
    mx->lr_scheduler->FactorScheduler({step => 10, factor => 0.5});

A text is taken as a name where the pairs of the call begin with a name of that function. A hash reference
that has none of the function's names is an argument like others.

A function that gives several results gives a list in list context and an array reference in scalar context.
What is a list to the engine is an array reference in both. At the end of what there is to give, such as
from C<next> of an iterator, the result is undef.

A sub at the end, beyond what a function takes, is run within the context that the function gives:

    use AI::MXGrad qw(nn);
    my $net = nn->Sequential;
    $net->name_scope(sub { $net->add(nn->Dense(3)) });

=head1 VALUES

=over

=item undef, numbers, text

None, integers where there is no fraction, floats, text. It is a number what was made as a number: of
C<"10">, which was read from a file, C<< 0 + $text >> makes one. Bytes that are no UTF-8 are bytes;
C<< AI::MXGrad::Value->bytes($string) >> is bytes in any case.

=item truth

C<!!1> and C<!!0> are True and False (before Perl 5.36 only the second is), as are C<\1> and C<\0> and
JSON's.

=item array references, hash references

Lists and dicts; C<< AI::MXGrad::Value->tuple(@values) >> is a tuple.

=item arrays, PDLs

Arrays are themselves, PDLs become arrays as C<< nd->array >> makes them.

=item code references

Functions. They get their arguments by position, then those by name as pairs; they give one value or a list.
What they die with arrives at the caller as it was. They run on the thread that made the call, so workers of
a data loader cannot call them.

=item regular expressions

Their text.

=item contexts

L<AI::MXGrad::Context>.

=back

=head1 METHODS

Every method and attribute of the engine's object, and

=over

=item new(@arguments)

Of a class: an object.

=item $object->(@arguments), call(@arguments)

Calls an object that can be called, such as a block.

=item name, name($value), set(name => $value, ...)

An attribute: got without an argument, set with one. Setting gives the object.

=item at($key), put($key, $value), len

An entry by its number or name; the number of entries. C<@$object> and C<< $object->[$i] >> are the entries
of what has some by number, and else what an iteration gives.

=item E<lt>$objectE<gt>, iter

The next value of an iteration, undef at its end, after which the next begins; a sub that gives one after
another, and the empty list at the end.

    use AI::MXGrad qw(nd gluon);
    my $data = gluon->data->ArrayDataset(nd->arange(6), nd->arange(6));
    my $loader = gluon->data->DataLoader($data, batch_size => 4);
    while (defined(my $batch = <$loader>)) {
        print scalar(@$batch), "\n";
    }

=item with($sub)

Runs the sub within a context, such as C<< $net->name_scope >>, and gives what it gives.

=item can($name), isa($class)

Truthful also for what is the engine's: C<< $net->isa('AI::MXGrad::Gluon::HybridBlock') >>.

=item text

The object as text, which is also what it is as a string.

=item handle

The number by which the library knows the object.

=back

An object is true. C<==>, C<!=> and, between objects, C<eq> and C<ne> compare identity: the engine's object
is one object in Perl for as long as Perl holds it. An error is an L<AI::MXGrad::Error> at the line of the
caller; a name that is not there is an UnknownNameError that suggests the nearest. Names that begin with an
underscore cannot be reached. An object cannot be frozen by L<Storable>: save what it holds, as with
C<save_parameters>.

=head1 CLASSES OF YOUR OWN

A package that derives from a class of the engine is a class, whose objects the engine uses like its own.
Its subs that are methods of the engine's class are called by the engine; C<SUPER> is the engine's method.
C<new> gives the engine's class the arguments that it knows; the others are keys of the object, which is a
hash, when C<BUILD> of the class and of those that it derives from, if there is one, is called with them. A
key must not begin with an underscore. What is called by another name in Perl:

    call        when an object is called
    len         for the number of entries
    at, put     for entries
    iter        for an iteration: an array reference, or a sub that gives one value after another, then undef
    text        for the text

An attribute that is not there is made by setting it. The object lives as long as Perl or the engine holds
it.

    use AI::MXGrad qw(nd gluon);

    package Squares {
        use parent -norequire, 'AI::MXGrad::Gluon::Data::Dataset';
        sub len { my ($self) = @_; return $self->{length} }
        sub at  { my ($self, $i) = @_; return ($i, $i ** 2) }
    }

    for my $batch (@{ gluon->data->DataLoader(Squares->new(length => 10), batch_size => 5) }) {
        print $batch->[1]->asstr, "\n";
    }

=cut
