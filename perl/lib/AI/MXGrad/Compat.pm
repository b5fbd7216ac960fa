package AI::MXGrad::Compat;
use strict;
use warnings;

use AI::MXGrad ();

# The names of AI::MXNet belong to its author and are not indexed from here.

# Modules that a script may ask for, and which are here under the other name.
my %SERVED = map { ("AI/MXNet$_.pm" => 1) } '', map { "/$_" } qw(
    AutoGrad Base Callback Context Engine Gluon Gluon/Block Gluon/Data Gluon/Loss Gluon/NN Gluon/RNN
    Gluon/Trainer Gluon/Utils IO Initializer KVStore LRScheduler Metric NDArray Optimizer Random RecordIO
    RunTime TestUtils
);

# Modules that are of this file, with what they need.
my %HERE = (
    'AI/MXNet/Gluon/Mouse.pm'         => 'Mouse',
    'AI/MXNet/Function/Parameters.pm' => 'Function::Parameters',
);

my $installed;

sub import {
    return if $installed;
    if (my $original = $INC{'AI/MXNet.pm'}) {
        AI::MXGrad::Error->throw('MXNetError',
            "AI::MXGrad::Compat must come first: $original is loaded already");
    }
    $installed = 1;
    $AI::MXGrad::NDArray::SHOWN_AS = 'AI::MXNet::NDArray';
    $AI::MXGrad::NDArray::ALL_TRUE = 1;
    unshift @INC, \&_serve;
    return;
}

sub _serve {
    my ($hook, $file) = @_;
    if (my $needed = $HERE{$file}) {
        eval { require($needed =~ s{::}{/}gr . '.pm'); 1 }
            or _refuse('MXNetError', "$file needs the module $needed, which is not installed");
    }
    if ($SERVED{$file} || $HERE{$file}) {
        open my $module, '<', \"1;\n" or die $!;    # all that is to load is here already
        return $module;
    }
    return if $file !~ m{\AAI/MXNet/};
    my $name = $file =~ s{\.pm\z}{}r =~ s{/}{::}gr;
    return _refuse('UnknownNameError', "AI::MXGrad::Compat does not have $name; it serves "
        . join ', ', map { s{\.pm\z}{}r =~ s{/}{::}gr } sort keys %SERVED, keys %HERE);
}

# Perl since 5.38 passes over a hook that dies with an object, so here the error is its text.
sub _refuse {
    my ($type, $message) = @_;
    die AI::MXGrad::Error->new(type => $type, message => $message)->text;
}

# One package under two names: an array of the one `isa` the other.
BEGIN {
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *{"AI::MXNet::${_}::"} = *{"AI::MXGrad::${_}::"} for qw(
        AutoGrad Callback Context Engine Gluon IO Image Initializer KVStore LRScheduler Metric NDArray
        Optimizer Random RecordIO RunTime TestUtils
    );
}

package    # whose classes a script may name without importing them
    nd;
our @ISA = ('AI::MXGrad::NDArray');

package    # as above
    autograd;
our @ISA = ('AI::MXGrad::AutoGrad');

package    # as above
    gluon;
our @ISA = ('AI::MXGrad::Gluon');

package    # as above
    nn;
our @ISA = ('AI::MXGrad::Gluon::NN');

package    # as above
    mx;
our @ISA = ('AI::MXNet');

package    # not indexed
    AI::MXNet;
our @ISA     = ('AI::MXGrad');
our $VERSION = '1.6';

sub import {
    my ($class, @names) = @_;
    my $caller = caller;
    my %package = (mx => 'AI::MXNet', nd => 'AI::MXGrad::NDArray', autograd => 'AI::MXGrad::AutoGrad');
    for my $name (@names) {
        my $package = $package{$name} || AI::MXGrad::Namespace->_short($name)
            or AI::MXGrad::Error->throw('UnknownNameError', 'AI::MXNet exports '
                . join(', ', sort keys %package, AI::MXGrad::Namespace->_short_names) . " here, not $name");
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        *{"${caller}::$name"} = sub () { return $package };
    }
    return;
}

package    # with a method that Mouse looks for, as it cannot use one of AUTOLOAD's
    AI::MXGrad::Object;

sub BUILDARGS { my ($class, %given) = @_; return \%given }

package    # not indexed: Mouse for classes that derive from the engine's
    AI::MXNet::Gluon::Mouse;

# An object of such a class is made by the engine; what Mouse calls attributes it gets then. Blocks and
# parameters among them become the engine's attributes, too.
sub import {
    my $caller = caller;
    Mouse->import({into => $caller});
    my %own = (
        has => sub {
            my ($names, %about) = @_;
            my $trigger = $about{trigger};
            for my $name (ref $names ? @$names : $names) {
                $caller->meta->add_attribute($name, %about, trigger => sub {
                    my ($self, $value, @rest) = @_;
                    _tell($self, $name => $value);
                    $trigger->($self, $value, @rest) if $trigger;
                });
            }
            return;
        },
        _attributes => sub { return grep { defined } map { $_->init_arg } $_[0]->meta->get_all_attributes },
        _begin      => sub {
            my ($self, $given) = @_;
            $self->meta->_initialize_object($self, $given);
            _tell($self, $_ => $self->{$_}) for map { $_->name } $self->meta->get_all_attributes;
            return;
        },
    );
    no strict 'refs';         ## no critic (ProhibitNoStrict)
    no warnings 'redefine';
    *{"${caller}::$_"} = $own{$_} for keys %own;
    return;
}

sub _tell {
    my ($self, $name, $value) = @_;
    return if !UNIVERSAL::isa($value, 'AI::MXGrad::Object') || !$self->isa('AI::MXGrad::Gluon::Block');
    $self->set($name => $value) if $value->isa('AI::MXGrad::Gluon::Block')
        || $value->isa('AI::MXGrad::Gluon::Parameter');
    return;
}

package    # not indexed: `func` and `method` with typed parameters
    AI::MXNet::Function::Parameters;

sub import {
    Function::Parameters->import({
        func   => {defaults => 'function_strict', runtime => 1},
        method => {defaults => 'method_strict',   runtime => 1},
    });
    return;
}

package    # not indexed
    AI::MXNet::Base;

use Exporter qw(import);
use List::Util qw(min);
our @EXPORT = qw(zip enumerate product assert);

# Lists of corresponding elements, as array references or given to a sub.
sub zip {
    my @lists = @_;
    my $code = ref $lists[0] eq 'CODE' ? shift @lists : undef;
    my @rows;
    for my $i (0 .. min(map { scalar @$_ } @lists) - 1) {
        my @row = map { $_->[$i] } @lists;
        push @rows, $code ? $code->(@row) : \@row;
    }
    return @rows;
}

sub enumerate {
    my @lists = @_;
    my @code = ref $lists[0] eq 'CODE' ? shift @lists : ();
    return zip(@code, [0 .. min(map { scalar @$_ } @lists) - 1], @lists);
}

sub product {
    my $product = 1;
    $product *= $_ for map { ref $_ ? @$_ : $_ } @_;
    return $product;
}

sub assert {
    my ($condition, $message) = @_;
    $condition or AI::MXGrad::Error->throw('InvalidValueError', $message // 'an assertion failed');
    return;
}

{
    package    # which has these functions, too
        AI::MXNet;
    AI::MXNet::Base->import;
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Compat - the names of AI::MXNet

=head1 SYNOPSIS

    use AI::MXGrad::Compat;
    use AI::MXNet qw(mx);

    my $x = nd->array([1, 2, 3]);
    $x->attach_grad;
    my $y;
    mx->autograd->record(sub { $y = $x * $x });
    $y->backward;
    print $x->grad->aslist->[2], "\n";      # 6

An old program runs without a change:

    perl -MAI::MXGrad::Compat program.pl

=head1 DESCRIPTION

After this module is loaded, C<use AI::MXNet> and C<use> of its parts, such as C<AI::MXNet::Gluon>,
C<AI::MXNet::Gluon::NN>, C<AI::MXNet::AutoGrad> or C<AI::MXNet::TestUtils>, find AI::MXGrad under those
names. The packages C<mx>, C<nd>, C<autograd>, C<gluon> and C<nn> exist whatever was imported, as in
AI::MXNet up to 1.4. It must be loaded before AI::MXNet itself. What is not here, such as
C<AI::MXNet::Module>, is an error that says so; C<require> lets only its text through, not the object.

C<AI::MXNet::Gluon::Mouse> needs L<Mouse>: blocks and parameters that are attributes of a class then belong
to the block. C<AI::MXNet::Function::Parameters> needs L<Function::Parameters>.

=head1 WHAT DIFFERS FROM AI::MXGRAD

=over

=item *

An array prints as C<E<lt>AI::MXNet::NDArray 2x3 @cpu(0)E<gt>>.

=item *

An array of several elements is true, as in AI::MXNet, with one warning per program. An array of one element
has the truth of its value.

=back

=head1 WHAT DIFFERS FROM AI::MXNET

C<< $x->dot($y) >> takes C<$x> as first operand. C<record> gives the value of its block. C<atan2> knows the
quadrant. Writes that would spoil a gradient are refused before they happen. undef and false are understood
as parameters. C<eq> and C<ne> compare identity. PDLs and lists are operands. Every operator has gradients
of every order.

=cut
