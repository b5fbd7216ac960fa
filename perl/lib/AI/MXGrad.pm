package AI::MXGrad;
use 5.014;
use strict;
use warnings;

our $VERSION = '0.1.0';

use AI::MXGrad::AutoGrad ();
use AI::MXGrad::Context ();
use AI::MXGrad::Error ();
use AI::MXGrad::FFI qw(text_of mxg_info mxg_live fail);
use AI::MXGrad::NDArray ();
use AI::MXGrad::NP ();
use AI::MXGrad::Namespace ();
use AI::MXGrad::Object ();
use AI::MXGrad::Random ();

my %EXPORT = (
    mx       => __PACKAGE__,
    nd       => 'AI::MXGrad::NDArray',
    autograd => 'AI::MXGrad::AutoGrad',
    np       => 'AI::MXGrad::NP',
    npx      => 'AI::MXGrad::Ops::npx',
);

sub import {
    my ($class, @names) = @_;
    my $caller = caller;
    for my $name (@names) {
        my $package = $EXPORT{$name} || AI::MXGrad::Namespace->_short($name)
            or AI::MXGrad::Error->throw('UnknownNameError', "$class exports "
                . join(', ', sort keys %EXPORT, AI::MXGrad::Namespace->_short_names) . ", not $name");
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        *{"${caller}::$name"} = sub () { return $package };
    }
    return;
}

# With habits of Perl's own.
require AI::MXGrad::Gluon;
require AI::MXGrad::RecordIO;

sub nd       { return $EXPORT{nd} }
sub ndarray  { return $EXPORT{nd} }
sub np       { return $EXPORT{np} }
sub npx      { return $EXPORT{npx} }
sub autograd { return $EXPORT{autograd} }
sub random   { return 'AI::MXGrad::Random' }
sub rnd      { return 'AI::MXGrad::Random' }

sub cpu             { my ($class, $id) = @_; return AI::MXGrad::Context->cpu($id) }
sub gpu             { my ($class, $id) = @_; return AI::MXGrad::Context->gpu($id) }
sub cpu_pinned      { my ($class, $id) = @_; return AI::MXGrad::Context->cpu_pinned($id) }
sub context         { return 'AI::MXGrad::Context' }
sub Context         { my ($class, @given) = @_; return AI::MXGrad::Context->new(@given) }
sub current_context { return AI::MXGrad::Context->current_ctx }
sub num_gpus        { return AI::MXGrad::Context->num_gpus }

sub waitall { return AI::MXGrad::NDArray->waitall }

sub info {
    require JSON::PP;
    return JSON::PP->new->utf8->decode(text_of(\&mxg_info));
}

sub live {
    mxg_live(0, \my $count) and fail();
    return $count;
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad - arrays and automatic differentiation

=head1 SYNOPSIS

    use AI::MXGrad qw(nd autograd);

    my $x = nd->array([[1, 2], [3, 4]]);
    $x->attach_grad;

    my $y = autograd->record(sub { 2 * $x * $x });
    $y->backward;

    print $x->grad->asstr, "\n";    # [[ 4.  8.] [12. 16.]], which is 4x

=head1 DESCRIPTION

AI::MXGrad computes with n-dimensional arrays and differentiates what was computed. It is the Perl door to
mxgrad, the same engine that Python programs C<import mxgrad> and C programs C<#include E<lt>mxgrad.hE<gt>>:
operators, gradients, random numbers and files are the same in all three, to the bit.

Programs written for AI::MXNet run on it: see L<AI::MXGrad::Compat>.

This page is the tour; the parts have pages of their own:

=over

=item L<AI::MXGrad::NDArray>

Arrays: making, reading, slicing, writing, the overloaded operators, PDL, files.

=item L<AI::MXGrad::Ops>

Every operator with its parameters: C<exp>, C<dot>, C<sum>, C<softmax>, ....

=item L<AI::MXGrad::AutoGrad>

Recording and gradients of any order; functions with gradients of their own.

=item L<AI::MXGrad::NP>

Arrays with NumPy's habits.

=item L<AI::MXGrad::Gluon>

Models: layers, losses, data, training. With it go L<AI::MXGrad::Optimizer>, L<AI::MXGrad::LRScheduler>,
L<AI::MXGrad::Initializer>, L<AI::MXGrad::Metric>, L<AI::MXGrad::IO>, L<AI::MXGrad::RecordIO>,
L<AI::MXGrad::KVStore>, L<AI::MXGrad::Callback>, L<AI::MXGrad::RunTime>, L<AI::MXGrad::Engine> and
L<AI::MXGrad::TestUtils>.

=item L<AI::MXGrad::Object>

How all of these are called from Perl, and classes of your own.

=item L<AI::MXGrad::Random>

MXNet's random numbers.

=item L<AI::MXGrad::Context>

Devices.

=item L<AI::MXGrad::Error>

What is thrown.

=item L<AI::MXGrad::Compat>

The names of AI::MXNet.

=back

=head1 TOUR

=head2 Arrays

An array has a shape, a dtype (C<float32> unless you say otherwise) and a context, which is the device it
lives on.

    use AI::MXGrad qw(nd);

    my $x = nd->array([[1, 2, 3], [4, 5, 6]]);      # from nested lists
    my $z = nd->zeros([2, 3], dtype => 'float64');
    print "@{ $x->shape } ", $z->dtype, "\n";       # 2 3 float64

    my $y = 1 / (1 + exp(-$x));                     # elementwise, with numbers, lists, PDLs, arrays
    my $p = $x->dot($x->T);                         # every operator is a method ...
    my $s = nd->sum($x, axis => 1);                 # ... and a function of the class

    print $x->slice('X', [1, 2])->asstr, "\n";      # all rows, columns 1 to 2: ranges include their ends
    $x->slice(0) .= [7, 8, 9];                      # assign to a part

    print $x->sum->asscalar, "\n";                  # a Perl number
    print $x->aslist->[1][2], "\n";                 # nested lists
    print "$x\n";                                   # <AI::MXGrad::NDArray 2x3 @cpu(0)>

With L<PDL> installed, C<< $x->aspdl >> is a PDL of the same values and C<< nd->array($pdl) >> an array;
PDL's dims are the shape reversed.

=head2 Gradients

What is computed inside C<record> from an array with C<attach_grad> is remembered, and C<backward> fills
C<grad>. Any Perl is allowed inside: loops, conditions, recursion, subs.

    use AI::MXGrad qw(nd autograd);

    my $w = nd->array([0.5, -1])->attach_grad;
    my ($input, $target) = (nd->array([[1, 2], [3, 4], [5, 6]]), nd->array([5, 11, 17]));

    for my $step (1 .. 200) {
        my $loss = autograd->record(sub { (($input * $w)->sum(axis => 1) - $target)**2 });
        $loss->backward;
        $w -= 0.005 * $w->grad;
    }
    print $w->asstr, "\n";                          # about [1. 2.]

=head2 Models

    use AI::MXGrad qw(nd autograd gluon nn);

    my ($input, $target) = (nd->array([[1, 2], [3, 4], [5, 6]]), nd->array([5, 11, 17]));
    my $net = nn->Dense(1);
    $net->initialize;
    my ($loss, $trainer) = (gluon->loss->L2Loss, gluon->Trainer($net->collect_params, 'adam'));
    for my $step (1 .. 10) {
        autograd->record(sub { $loss->($net->($input), $target) })->backward;
        $trainer->step(3);
    }

=head2 Truth

An array of one element is as true as its value; a comparison of arrays is an array, too:

    use AI::MXGrad qw(nd);
    my $x = nd->array([1, 2, 3]);
    print "yes\n" if $x->sum > 5;

An array of any other size is neither true nor false, and using it so is an error. Ask C<defined
$x-E<gt>grad>, not C<if ($x-E<gt>grad)>, whether there is a gradient.

=head2 Errors

Every error is an L<AI::MXGrad::Error>, reads like C<die>'s own text and names the line of your program.
What you C<die> with inside C<record> or a custom function arrives unchanged, objects too.

=head1 EXPORTS

Nothing by default. On request, constants that are classes, so that C<< nd->zeros([3]) >> reads as it does
in Python:

=over

=item C<mx>

AI::MXGrad, with the methods below.

=item C<nd>

L<AI::MXGrad::NDArray>.

=item C<autograd>

L<AI::MXGrad::AutoGrad>.

=item C<np>, C<npx>

L<AI::MXGrad::NP>, for arrays that behave like NumPy's, and the operators of neural networks on them:
C<< npx->softmax($x) >>.

=item C<gluon>, C<nn>, C<loss>, C<rnn>, C<init>, C<metric>, C<opt>, C<kv>, C<callback>, C<img>, C<sym>

Modules of the engine, see L<AI::MXGrad::Object>: C<gluon>, C<gluon.nn>, C<gluon.loss>, C<gluon.rnn>,
C<initializer>, C<metric>, C<optimizer>, C<kvstore>, C<callback>, C<image>, C<symbol>.

=back

=head1 METHODS

All are class methods. Besides those below there are all modules, functions and classes of the engine, by
their names: C<< mx->gluon >>, C<< mx->lr_scheduler >>, C<< mx->io >>, C<< mx->test_utils >>, ....

=over

=item nd, ndarray, np, npx, autograd

The classes above.

=item random, rnd

L<AI::MXGrad::Random>.

=item cpu($id), gpu($id), cpu_pinned($id), Context($type, $id)

A L<context|AI::MXGrad::Context>; device 0 if no number is given.

=item context

The class L<AI::MXGrad::Context>.

=item current_context

The context of new arrays.

=item num_gpus

How many GPUs can be used.

=item waitall

Waits until everything computed so far is there.

=item info

A hash reference about the running library: C<version>, C<abi>, C<library>, C<engine>, C<python>,
C<libpython>, C<numpy>, C<contexts>. Put it into bug reports.

=item live

How many handles of arrays, objects and functions exist: to look for leaks.

=back

=head1 THE LIBRARY

The engine is in F<libmxgrad.so.1>, which comes with the Python package mxgrad (C<pip install mxgrad>). It
is looked for

=over

=item 1. where the environment variable C<MXGRAD_LIBRARY> says;

=item 2. in F<pyffi/> of the source tree that this file is in;

=item 3. where it was when C<perl Makefile.PL> found it, for an installed AI::MXGrad;

=item 4. where C<python3 -m mxgrad_ffi --lib> says; C<MXGRAD_PYTHON> names another Python;

=item 5. in the library path of the system.

=back

=head1 THREADS, FORK, EXIT

Arrays and objects belong to the thread that made them: a new ithread sees none of its parent's, only
unblessed references to undef and objects that stand for nothing, and begins with recording off. Arrays
survive C<fork> in both processes. At the end of the program handles are left to the operating system.
C<exit> inside a custom function ends the program as everywhere, after its END blocks, which cannot use
arrays any more. Perl's signal handlers run when a call of the engine has returned.

=head1 SEE ALSO

L<PDL>, L<AI::MXNet>, and the manual of the engine's C interface, which is its header F<mxgrad.h>.

=head1 LICENSE

Apache License, version 2.0.

=cut
