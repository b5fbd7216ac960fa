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
