"""`mx.recordio`: records, such as labelled images, one after another in a file (level 3).

The format is MXNet's RecordIO, read and written byte by byte as MXNet does: see `MXRecordIO`.

>>> import os, tempfile
>>> path = os.path.join(tempfile.mkdtemp(), "a.rec")
>>> with MXRecordIO(path, "w") as records:
...     records.write(pack(IRHeader(0, 3.0, 7, 0), b"some bytes"))
>>> with MXRecordIO(path, "r") as records:
...     unpack(records.read())
(HEADER(flag=0, label=3.0, id=7, id2=0), b'some bytes')
"""
from __future__ import annotations

import os
import struct
from collections import namedtuple
from collections.abc import Callable, Iterator
from numbers import Number
from types import TracebackType
from typing import IO, Any, TypeVar

import numpy

from .base import InvalidTypeError, InvalidValueError, MXNetError
from .image_codec import decode, encode
from .params_file import FileError, FileFormatError, MissingFileError

__all__ = ["IRHeader", "MXIndexedRecordIO", "MXRecordIO", "pack", "pack_img", "unpack", "unpack_img"]

_MAGIC = 0xCED7230A
_MARK = struct.pack("<I", _MAGIC)
_MAX_LENGTH = 1 << 29
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)

_Self = TypeVar("_Self", bound="MXRecordIO")


class ClosedRecordError(MXNetError, ValueError, AssertionError):
    """A record file that is closed, or open for the other direction."""


class KeyNotFoundError(MXNetError, KeyError):
    """A key that the index does not have."""

    __str__ = Exception.__str__


class MXRecordIO:
    """A file of records, written or read one after another.

    A record is stored as parts; each is a mark (the 4 bytes 0x0a 23 d7 ce), a little-endian uint32 with the
    length in its low 29 bits and the kind in the upper 3 (0: the whole record, 1, 2, 3: its first, a middle,
    its last part), the bytes, and zeros up to a multiple of 4.  A record is cut where it has the mark at a
    multiple of 4 itself, and these 4 bytes are left out: so whoever looks for marks finds only beginnings.
    (The format of dmlc-core's recordio.h.)

    Parameters
    ----------
    uri : str
        Path of the file.
    flag : str
        'w' to write a new file, 'r' to read.

    Raises
    ------
    InvalidValueError
        Another flag.
    FileError
        The file cannot be opened (MissingFileError if it is not there).

    It is a context manager, and can be pickled: the copy opens the file anew.
    """

    def __init__(self, uri: str | os.PathLike[str], flag: str) -> None:
        self.uri = os.fspath(uri)
        self.flag = flag
        self.is_open = False
        self.pid: int | None = None
        self.open()

    def open(self) -> None:
        """Open the file; a file to write is emptied."""
        if self.flag not in ("r", "w"):
            raise InvalidValueError(f"Invalid flag {self.flag}: 'r' reads, 'w' writes")
        self.writable = self.flag == "w"
        self._file: IO[bytes] = _opened(self.uri, self.flag + "b")
        self.pid = os.getpid()
        self.is_open = True

    def close(self) -> None:
        """Close the file; nothing happens if it is closed."""
        if self.is_open:
            self.is_open = False
            self.pid = None
            self._file.close()

    def __del__(self) -> None:
        if getattr(self, "is_open", False):
            self.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        if self.is_open and self.writable:
            self._file.flush()
        return {k: v for k, v in self.__dict__.items() if k not in ("_file", "fidx")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if state["is_open"]:
            self.is_open = False
            self.open()

    def reset(self) -> None:
        """Go back to the first record; a file to write is emptied."""
        self.close()
        self.open()

    def _check(self, writing: bool, reopens: bool = False) -> None:
        if not self.is_open:
            raise ClosedRecordError(f"{self.uri}: the record file is closed")
        if self.writable is not writing:
            has, not_for = ("write", "reading") if self.writable else ("read", "writing")
            raise ClosedRecordError(f"{self.uri}: the record file was opened to {has}, not for {not_for}")
        if self.pid != os.getpid():
            # After a fork the position in the file is shared with the parent.
            if not reopens:
                raise MXNetError(
                    f"{self.uri}: Forbidden operation in multiple processes: the record file was opened in "
                    "another one; call reset() first")
            self.reset()

    def write(self, buf: bytes) -> None:
        """Append a record of at most 2**29 - 1 bytes."""
        self._check(writing=True)
        if not isinstance(buf, (bytes, bytearray, memoryview)):
            raise InvalidTypeError(f"a record is bytes, got {type(buf).__name__}; encode a str first")
        buf = bytes(buf)
        if len(buf) >= _MAX_LENGTH:
            raise InvalidValueError(f"a record has less than 2**29 bytes, got {len(buf)}")
        pieces = _cut(buf)
        for i, piece in enumerate(pieces):
            if len(pieces) == 1:
                kind = _WHOLE
            else:
                kind = _FIRST if i == 0 else _LAST if i == len(pieces) - 1 else _MIDDLE
            head = struct.pack("<II", _MAGIC, kind << 29 | len(piece))
            self._file.write(head + piece + b"\0" * (-len(piece) % 4))

    def read(self) -> bytes | None:
        """The next record; None after the last one.

        Raises FileFormatError, with the place, for bytes that are no record.
        """
        self._check(writing=False)
        pieces: list[bytes] = []
        while True:
            at = self._file.tell()
            head = self._file.read(8)
            if not head and not pieces:
                return None
            if len(head) < 8:
                raise FileFormatError(f"{self.uri}: at byte {at}: the file ends within a record")
            magic, word = struct.unpack("<II", head)
            kind, length = word >> 29, word & (_MAX_LENGTH - 1)
            if magic != _MAGIC:
                raise FileFormatError(
                    f"{self.uri}: at byte {at}: expected the mark of a record, {_MAGIC:#x}, found {magic:#x}")
            if kind not in ((_MIDDLE, _LAST) if pieces else (_WHOLE, _FIRST)):
                raise FileFormatError(
                    f"{self.uri}: at byte {at}: a part of kind {kind} does not belong "
                    + ("after the first part of a record" if pieces else "at the beginning of a record"))
            piece = self._file.read(length)
            padding = self._file.read(-length % 4)
            if len(piece) < length or len(padding) < -length % 4:
                raise FileFormatError(
                    f"{self.uri}: at byte {at}: the file ends within a record of {length} bytes")
            pieces.append(piece)
            if kind in (_WHOLE, _LAST):
                return _MARK.join(pieces)


def _cut(buf: bytes) -> list[bytes]:
    """The parts of `buf` between the marks at multiples of 4."""
    pieces, start, at = [], 0, buf.find(_MARK)
    while at >= 0:
        if at % 4 == 0 and at + 4 <= len(buf) // 4 * 4:
            pieces.append(buf[start:at])
            start = at + 4
            at = buf.find(_MARK, start)
        else:
            at = buf.find(_MARK, at + 1)
    return [*pieces, buf[start:]]


def _opened(path: str, mode: str) -> IO[Any]:
    try:
        return open(path, mode, encoding=None if "b" in mode else "utf-8")
    except OSError as error:
        cls = MissingFileError if isinstance(error, FileNotFoundError) else FileError
        raise cls(error.errno, error.strerror, path) from None


class MXIndexedRecordIO(MXRecordIO):
    """A file of records with an index beside it, so that they can be read in any order.

    The index is text, a line for each record: its key, a tab, the byte it begins at.

    Parameters
    ----------
    idx_path : str
        Path of the index.
    uri, flag : str
        As for MXRecordIO.
    key_type : callable
        Makes a key of its text, int unless given.

    Attributes
    ----------
    keys : list
        The keys in the order of the file.
    idx : dict
        Where the record of each key begins.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a")
    >>> with MXIndexedRecordIO(path + ".idx", path + ".rec", "w") as records:
    ...     for i in range(3):
    ...         records.write_idx(i, b"record %d" % i)
    >>> with MXIndexedRecordIO(path + ".idx", path + ".rec", "r") as records:
    ...     records.keys, records.read_idx(1)
    ([0, 1, 2], b'record 1')
    """

    def __init__(
        self, idx_path: str | os.PathLike[str], uri: str | os.PathLike[str], flag: str,
        key_type: Callable[[Any], Any] = int,
    ) -> None:
        self.idx_path = os.fspath(idx_path)
        self.key_type = key_type
        self.idx: dict[Any, int] = {}
        self.keys: list[Any] = []
        super().__init__(uri, flag)

    def open(self) -> None:
        """Open both files and read the index; files to write are emptied."""
        super().open()
        try:
            self.fidx: IO[str] = _opened(self.idx_path, self.flag)
            self.idx, self.keys = {}, []
            if not self.writable:
                for key, place in self._lines():
                    self.idx[key] = place
                    self.keys.append(key)
        except BaseException:
            self.close()
            raise

    def _lines(self) -> Iterator[tuple[Any, int]]:
        for number, line in enumerate(self.fidx, 1):
            fields = line.strip().split("\t")
            try:
                yield self.key_type(fields[0]), int(fields[1])
            except (ValueError, IndexError):
                raise FileFormatError(
                    f"{self.idx_path}: line {number}: expected a key, a tab and a number, found {line!r}"
                ) from None

    def close(self) -> None:
        """Close both files."""
        super().close()
        index = self.__dict__.get("fidx")
        if index is not None:
            index.close()

    def __getstate__(self) -> dict[str, Any]:
        if self.is_open and self.writable:
            self.fidx.flush()
        return super().__getstate__()

    def seek(self, idx: Any) -> None:
        """Make `read` go on with the record of key `idx`.

        Raises KeyNotFoundError, a KeyError, if there is none.
        """
        self._check(writing=False, reopens=True)
        try:
            place = self.idx[idx]
        except KeyError:
            raise KeyNotFoundError(
                f"{self.idx_path}: no record has the key {idx!r}; there are {len(self.keys)}") from None
        self._file.seek(place)

    def tell(self) -> int:
        """Where the next record written will begin."""
        self._check(writing=True)
        return self._file.tell()

    def read_idx(self, idx: Any) -> bytes | None:
        """The record of key `idx`."""
        self.seek(idx)
        return self.read()

    def write_idx(self, idx: Any, buf: bytes) -> None:
        """Append a record under the key `idx`."""
        key = self.key_type(idx)
        place = self.tell()
        self.write(buf)
        self.fidx.write(f"{key}\t{place}\n")
        self.idx[key] = place
        self.keys.append(key)


IRHeader = namedtuple("HEADER", ["flag", "label", "id", "id2"])     # type: ignore[name-match]
IRHeader.__doc__ = """What stands before an image in a record.

flag : int
    How many numbers the label has, if it is an array; `pack` sets it.
label : float or array of float
id, id2 : int
    The image's number, and its upper 64 bits.
"""
_HEADER = struct.Struct("<IfQQ")


def pack(header: Any, s: bytes) -> bytes:
    """A record: `header`, an IRHeader, and after it the bytes `s`.

    The header takes 24 bytes, little-endian: flag (uint32), label (float32), id and id2 (uint64); a label
    that is an array follows as `flag` float32 numbers.

    >>> len(pack(IRHeader(0, [1, 2, 3], 5, 0), b"x"))
    37
    """
    header = IRHeader(*header)
    if isinstance(header.label, Number):
        header = header._replace(flag=0)
    else:
        label = numpy.asarray(header.label, dtype="<f4")
        header = header._replace(flag=label.size, label=0)
        s = label.tobytes() + s
    try:
        return _HEADER.pack(*header) + s
    except struct.error as error:
        raise InvalidValueError(f"pack: {header} does not fit into a header: {error}") from None


def unpack(s: bytes) -> tuple[Any, bytes]:
    """The header and the bytes that `pack` put together.

    Raises FileFormatError when `s` is too short for what its header says.
    """
    if len(s) < _HEADER.size:
        raise FileFormatError(
            f"unpack: a record begins with a header of {_HEADER.size} bytes, got {len(s)} bytes")
    header = IRHeader(*_HEADER.unpack_from(s))
    s = s[_HEADER.size:]
    if header.flag > 0:
        if len(s) < 4 * header.flag:
            raise FileFormatError(
                f"unpack: the header announces a label of {header.flag} numbers, {len(s)} bytes follow")
        header = header._replace(label=numpy.frombuffer(s, "<f4", header.flag).astype(numpy.float32))
        s = s[4 * header.flag:]
    return header, s


def pack_img(header: Any, img: Any, quality: int = 95, img_fmt: str = ".jpg") -> bytes:
    """A record with an image in it: `pack` of the image encoded as a file.

    Parameters
    ----------
    header : IRHeader
    img : numpy.ndarray
        uint8 (height, width) gray, (height, width, 3) in the order blue, green, red, as OpenCV has it and
        MXNet takes it, or (height, width, 4) with opacity.
    quality : int
        For JPEG 1 to 100, for PNG the compression, 0 to 9; more is 9, as in OpenCV.
    img_fmt : str
        '.jpg', '.png' and what else Pillow writes.

    Raises what `mxgrad.image_codec.encode` raises.
    """
    return pack(header, encode(_swapped(numpy.asarray(img)), quality, img_fmt))


def unpack_img(s: bytes, iscolor: int = -1) -> tuple[Any, numpy.ndarray]:
    """The header and the image of a record.

    The image is uint8 (height, width, 3) in the order blue, green, red, as OpenCV has it.  `iscolor` 1: in
    any case; 0: gray, (height, width); -1: as the file has it, (height, width), or 3 or 4 channels.

    Raises InvalidValueError when it cannot be decoded.
    """
    header, s = unpack(s)
    if iscolor == 0:
        return header, decode(s, color=False)[:, :, 0]
    return header, _swapped(decode(s, color=True if iscolor > 0 else None))


def _swapped(pixels: numpy.ndarray) -> numpy.ndarray:
    """RGB for BGR and the other way round; gray stays, opacity stays last."""
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return numpy.ascontiguousarray(pixels[:, :, [2, 1, 0, 3][:pixels.shape[2]]])
    return pixels
