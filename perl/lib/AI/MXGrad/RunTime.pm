package AI::MXGrad::RunTime;
use strict;
use warnings;

use AI::MXGrad ();

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::RunTime - what the engine can do here

=head1 SYNOPSIS

    use AI::MXGrad qw(mx);

    print "with a GPU\n" if mx->runtime->Features->is_enabled('CUDA');

=head1 DESCRIPTION

The engine's C<runtime>: C<Features> and C<feature_list>.

=cut
