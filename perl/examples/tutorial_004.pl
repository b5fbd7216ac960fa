#!/usr/bin/env perl
# Notes on autograd: record, train mode, control flow, the chain rule broken by hand, in Perl.
use strict;
use warnings;

use AI::MXGrad qw(nd autograd);

my $x = nd->arange(4)->reshape([4, 1]);
print $x->asstr, "\n";
$x->attach_grad;
print $x->grad->asstr, "\n";

my $y = 2 * $x->T->dot($x);
print $y->asstr, "\n";
if (!eval { $y->backward; 1 }) {
    my ($reason) = $@->message =~ /\A([^.]*)/;
    print "$reason\n";    # Cannot differentiate node because it is not in a computational graph
}

autograd->record(sub { $y = 2 * $x->T->dot($x) });
$y->backward;
print $x->grad->asstr, "\n";
print +($x->grad - 4 * $x)->asstr, "\n";

sub yes_or_no { return $_[0] ? 'True' : 'False' }

print yes_or_no(autograd->is_training), "\n";
autograd->record(sub { print yes_or_no(autograd->is_training), "\n" });

sub f {
    my ($v) = @_;
    my $w = 2 * $v;
    while ($w->norm->asscalar < 1000) {
        $w = 2 * $w;
    }
    return $w->sum->asscalar > 0 ? $w : 100 * $w;
}

my $v = nd->array([0.29956347]);    # the page drew it at random, on another operating system
print 'a: ', $v->asstr, "\n";
$v->attach_grad;
my $d = autograd->record(sub { f($v) });
$d->backward;
print $v->grad->asstr, "\n";
print +($d / $v)->asstr, "\n";

autograd->record(sub { $y = $x * 2 });
$y->attach_grad;
my $z = autograd->record(sub { $y * $x });
$z->backward;
$y->backward($y->grad);    # y left its graph when it was marked: the gradient of x is z's alone
print $x->grad->asstr, "\n";
print +(2 * $x)->asstr, "\n";

$z->attach_grad;
autograd->record(sub {
    $y = $x * 2;
    $z = $y * $x;
});
$z->backward;
print $x->grad->asstr, "\n";
