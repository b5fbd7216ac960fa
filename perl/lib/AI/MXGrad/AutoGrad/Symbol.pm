package AI::MXGrad::AutoGrad::Symbol;
use strict;
use warnings;

use AI::MXGrad::FFI qw(text_of mxg_symbol_text mxg_symbol_json);

use overload '""' => sub { $_[0]{text} }, fallback => 1;

sub new {
    my ($class, $array) = @_;
    return bless {
        text => text_of(\&mxg_symbol_text, $array->handle),
        json => text_of(\&mxg_symbol_json, $array->handle),
    }, $class;
}

sub tojson { return $_[0]{json} }

sub list_arguments {
    my ($self) = @_;
    require JSON::PP;
    my $graph = JSON::PP->new->utf8->decode($self->{json});
    return [map { $graph->{nodes}[$_]{name} } @{ $graph->{arg_nodes} }];
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::AutoGrad::Symbol - a recorded computation to look at

=head1 SYNOPSIS

    use AI::MXGrad qw(nd autograd);
    my $x = nd->ones([2])->attach_grad;
    my $y = autograd->record(sub { exp($x) * $x });
    my $symbol = autograd->get_symbol($y);
    print "$symbol has ", scalar @{ $symbol->list_arguments }, " argument\n";

=head1 DESCRIPTION

The operators and variables an array was computed from. As a string it prints readably.

=head1 METHODS

=over

=item new($array)

The computation of an array; C<< autograd->get_symbol >> calls it. Error: AutogradError if it was not
recorded.

=item list_arguments

A reference to the list of names of the variables it depends on.

=item tojson

The graph, laid out as MXNet's C<Symbol.tojson()>.

=back

=cut
