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
use AI::MXGrad::Random ();

my %EXPORT = (
    mx       => __PACKAGE__,
    nd       => 'AI::MXGrad::NDArray',
    autograd => 'AI::MXGrad::AutoGrad',
    np       => 'AI::MXGrad::Ops::np',
    npx      => 'AI::MXGrad::Ops::npx',
);

sub import {
    my ($class, @names) = @_;
    my $caller = caller;
    for my $name (@names) {
        my $package = $EXPORT{$name}
            or AI::MXGrad::Error->throw('UnknownNameError', "$class exports " . join(', ', sort keys %EXPORT) . ", not $name");
        no strict 'refs';    ## no critic (ProhibitNoStrict)
        *{"${caller}::$name"} = sub () { return $package };
    }
    return;
}

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
