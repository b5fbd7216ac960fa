package AI::MXGrad::Initializer;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::Initializer - the first values of parameters

=head1 SYNOPSIS

    use AI::MXGrad qw(mx nn init);

    my $net = nn->Dense(2, in_units => 3);
    $net->initialize(init->Xavier(magnitude => 2));
    print $net->weight->data->asstr, "\n";

=head1 DESCRIPTION

The engine's initializers: C<Zero>, C<One>, C<Constant>, C<Uniform>, C<Normal>, C<Xavier>, C<Orthogonal>,
.... C<init> and C<< mx->init >> are short for this package. Where an initializer is wanted, its name will
do: C<'xavier'>.

A package derived from C<AI::MXGrad::Initializer::Initializer> is one of your own: its
C<_init_weight($name, $array)> fills the array.

    use AI::MXGrad qw(nn);

    package Sevens {
        use parent -norequire, 'AI::MXGrad::Initializer::Initializer';
        sub _init_weight { my ($self, $name, $array) = @_; $array .= 7 }
    }

    nn->Dense(2, in_units => 3)->initialize(Sevens->new);

=cut
