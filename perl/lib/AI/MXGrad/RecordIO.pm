package AI::MXGrad::RecordIO;
use strict;
use warnings;

use AI::MXGrad::NDArray ();
use AI::MXGrad::Namespace ();
use AI::MXGrad::Object ();

# Strings are bytes in a record.
sub _bytes { return AI::MXGrad::Value->bytes($_[0]) }

sub pack {    ## no critic (ProhibitBuiltinHomonyms): the engine's name
    my ($class, $header, $record) = @_;
    return AI::MXGrad::Object::_of_path('recordio', 'pack', $class->IRHeader(@$header), _bytes($record));
}

sub unpack {    ## no critic (ProhibitBuiltinHomonyms): the engine's name
    my ($class, $record) = @_;
    return AI::MXGrad::Object::_of_path('recordio', 'unpack', _bytes($record));
}

AI::MXGrad::Namespace->_class_package("recordio.$_") for qw(MXRecordIO MXIndexedRecordIO);
{
    package    # which the engine has, too
        AI::MXGrad::RecordIO::MXRecordIO;
    sub write { my ($self, $record) = @_; return $self->SUPER::write(AI::MXGrad::RecordIO::_bytes($record)) }

    package    # as well
        AI::MXGrad::RecordIO::MXIndexedRecordIO;
    sub write { my ($self, @rest) = @_; return AI::MXGrad::RecordIO::MXRecordIO::write($self, @rest) }

    sub write_idx {
        my ($self, $key, $record) = @_;
        return $self->SUPER::write_idx($key, AI::MXGrad::RecordIO::_bytes($record));
    }
}

1;

__END__

=encoding UTF-8

=head1 NAME

AI::MXGrad::RecordIO - files of records

=head1 SYNOPSIS

    use AI::MXGrad qw(mx);
    use File::Temp qw(tempdir);

    my $file = tempdir(CLEANUP => 1) . '/a.rec';
    my $records = mx->recordio->MXRecordIO($file, 'w');
    $records->write("record $_") for 1 .. 3;
    $records->close;

    $records = mx->recordio->MXRecordIO($file, 'r');
    while (defined(my $record = $records->read)) {
        print "$record\n";
    }

=head1 DESCRIPTION

The engine's C<recordio>: C<MXRecordIO>, C<MXIndexedRecordIO>, and C<pack>, C<unpack>, C<pack_img>,
C<unpack_img> for records with a header, which is C<[flag, label, id, id2]>. A record is a string of bytes.

=head1 METHODS

=over

=item write($record), write_idx($key, $record)

Of a file: write a record.

=item pack($header, $record), unpack($record)

A record with a header; header and record.

=back

=cut
