"""MXNet's ``.params`` files: a list of arrays, named or not, read and written byte for byte (level 1).

The format is the one of MXNet's ``NDArray::Save`` and ``NDArray::Load`` (src/ndarray/ndarray.cc), checked
against files that MXNet 1.9.1 and 2.0.0b1 wrote. All numbers are little-endian::

    file    uint64 0x112 · uint64 0 (reserved) · uint64 count · count arrays
            uint64 count of names (0, or as many as arrays) · each name: uint64 length · UTF-8 bytes
    array   uint32 magic   0xF993FAC9  1.x
                           0xF993FACA  NumPy shapes: 2.x, and 1.x inside np_shape(True)
                           0xF993FAC8  before storage types: no `storage` field
                           any other   the oldest files: the number *is* ndim, and dims are uint32
            int32 storage (0 dense) · int32 ndim · ndim int64 dims
            int32 device type · int32 device id · int32 dtype code · the values in C order

Without NumPy shapes, ndim 0 marks an array that was never given a shape, and nothing follows it.

>>> import numpy
>>> data = dumps([numpy.arange(3, dtype="float32")], ["arg:w"])
>>> loads(data)
([array([0., 1., 2.], dtype=float32)], ['arg:w'])
"""
from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NoReturn

import numpy

from .base import InvalidTypeError, InvalidValueError, MXNetError

__all__ = ["FileError", "FileFormatError", "MissingFileError", "dumps", "load", "loads", "replacing", "save"]

_FILE = 0x112
_V1 = 0xF993FAC8
_V2 = 0xF993FAC9
_V3 = 0xF993FACA

_CODES = {
    "float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6, "bool": 7,
    "int16": 8, "uint16": 9, "uint32": 10, "uint64": 11,
}
_DTYPES = {code: numpy.dtype(name) for name, code in _CODES.items()}
_BFLOAT16 = 12
_STORAGE = {1: "row_sparse", 2: "csr"}
_MAX_NDIM = 64  # of NumPy 2; a NumPy with a lower limit refuses the shape itself
_ON_CPU = struct.pack("<ii", 1, 0)
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive (MXNet 2 saves gluon parameters as .npz: numpy.load reads it)"),
    (b"\x93NUMPY", "a .npy file (numpy.load reads it)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"{", "JSON text (a -symbol.json file?)"),
)


class FileFormatError(InvalidValueError):
    """Bytes that are not a ``.params`` file, or a damaged one.

    The message names the file, the offset in bytes, and what was expected there.
    """


class FileError(OSError, MXNetError):
    """A file that cannot be opened, read or written; `errno`, `strerror` and `filename` as in OSError."""

    action = "Open"

    def __str__(self) -> str:
        return f'LocalFileSystem: {self.action} "{self.filename}": {self.strerror}'


class MissingFileError(FileError, FileNotFoundError):
    """A path that does not exist."""


@contextlib.contextmanager
def _file_errors(path: str, action: str) -> Iterator[None]:
    """Turn an OSError of the body into a FileError about `path`, which the user named."""
    try:
        yield
    except OSError as error:
        kind = MissingFileError if isinstance(error, FileNotFoundError) else FileError
        ours = kind(error.errno, error.strerror or str(error), path)
        ours.action = action
        raise ours from error


def dumps(
    arrays: Sequence[numpy.ndarray], names: Sequence[str] | None = None, *, numpy_shapes: bool = False
) -> bytes:
    """The bytes of a ``.params`` file holding `arrays`.

    Byte for byte what MXNet 1.9.1 writes: without NumPy shapes, unless an array is 0-d or empty; 1.9.1 then
    has to be inside ``np_shape(True)``, for writing and for reading. MXNet 2 writes NumPy shapes always and,
    unless told otherwise, reads no other file.

    Parameters: `arrays`, of dtype float16/32/64, (u)int8/16/32/64 or bool, of any shape and layout;
    `names`, one for each array, all different, or None; `numpy_shapes`, True for the bytes of MXNet 2.
    Raises InvalidTypeError for another dtype, InvalidValueError for names that do not fit.

    >>> len(dumps([]))
    32
    """
    return b"".join(_parts(arrays, names, numpy_shapes))


def _parts(
    arrays: Sequence[numpy.ndarray], names: Sequence[str] | None, numpy_shapes: bool
) -> list[bytes | memoryview]:
    """The file in pieces; values are not copied when they are stored as the format wants them."""
    names = [] if names is None else list(names)
    if names and len(names) != len(arrays):
        raise InvalidValueError(f"{len(names)} names for {len(arrays)} arrays; give one for each, or none")
    if len(set(names)) != len(names):
        raise InvalidValueError(f"the name {_first_repeated(names)!r} is given to two arrays")
    numpy_shapes = numpy_shapes or any(array.size == 0 or array.ndim == 0 for array in arrays)
    parts: list[bytes | memoryview] = [struct.pack("<QQQ", _FILE, 0, len(arrays))]
    for array in arrays:
        code = _CODES.get(array.dtype.name)
        if code is None:
            raise InvalidTypeError(f"dtype {array.dtype} cannot be saved; use one of {', '.join(_CODES)}")
        head = struct.pack("<Iii", _V3 if numpy_shapes else _V2, 0, array.ndim)
        dims = struct.pack(f"<{array.ndim}q", *array.shape)
        parts += [head, dims, _ON_CPU, struct.pack("<i", code)]
        values = numpy.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        parts.append(values.reshape(-1).view(numpy.uint8).data)
    parts.append(struct.pack("<Q", len(names)))
    for name in names:
        try:
            text = name.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidValueError(f"the name {name!r} cannot be written as UTF-8") from None
        parts += [struct.pack("<Q", len(text)), text]
    return parts


def _first_repeated(names: Sequence[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]


class _Reader:
    """A cursor over the bytes of a file; knows where it is, so that its errors can say so."""

    def __init__(self, data: bytes, source: str) -> None:
        self.data, self.source, self.offset = memoryview(data), source, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.offset

    def fail(self, expected: str, found: str, at: int) -> NoReturn:
        raise FileFormatError(f"{self.source}: at byte {at}: expected {expected}, found {found}")

    def take(self, size: int, what: str) -> memoryview:
        """The next `size` bytes. A size that the file itself claims is compared with what is there, never
        allocated."""
        if size > self.left:
            self.fail(f"{what} ({size} bytes)", f"the end of the file after {self.left} bytes", self.offset)
        self.offset += size
        return self.data[self.offset - size:self.offset]

    def numbers(self, layout: str, what: str) -> tuple[int, ...]:
        layout = "<" + layout
        return struct.unpack(layout, self.take(struct.calcsize(layout), what))

    def number(self, layout: str, what: str) -> int:
        return self.numbers(layout, what)[0]

    def count(self, least: int, what: str) -> int:
        """How many items follow, each of at least `least` bytes."""
        at = self.offset
        count = self.number("Q", f"the number of {what}")
        most = self.left // least
        if count > most:
            self.fail(f"at most {most} {what} in the {self.left} bytes that follow", str(count), at)
        return count


def loads(data: bytes, source: str = "<bytes>") -> tuple[list[numpy.ndarray], list[str]]:
    """The arrays and their names in the bytes of a ``.params`` file; no names if they were saved as a list.

    Reads the files of every MXNet version. The arrays are new, writable, C-contiguous and on the host,
    whatever device they were saved from. bfloat16 values come back as float32, which holds them exactly.

    Raises FileFormatError when `data` is truncated, damaged or something else; `source` is what its message
    calls the data. No length found in the data is believed before that many bytes are known to be there.
    """
    reader = _Reader(data, source)
    for start, kind in _FOREIGN:
        if data[:len(start)] == start:
            reader.fail("a .params file", kind, 0)
    magic = reader.number("Q", "the mark of a .params file")
    if magic != _FILE:
        reader.fail(f"the mark of a .params file, {_FILE:#x}", f"{magic:#x}", 0)
    reader.number("Q", "the reserved number")
    arrays = [_read_array(reader) for _ in range(reader.count(4, "arrays"))]
    at = reader.offset
    names = [_read_name(reader) for _ in range(reader.count(8, "names"))]
    if names and len(names) != len(arrays):
        reader.fail(f"no names or {len(arrays)}", str(len(names)), at)
    if len(set(names)) != len(names):
        reader.fail("names that differ", f"{_first_repeated(names)!r} twice", at)
    if reader.left:
        reader.fail("the end of the file", f"{reader.left} more bytes", reader.offset)
    return arrays, names


def _read_array(reader: _Reader) -> numpy.ndarray:
    at = reader.offset
    magic = reader.number("I", "an array")
    if magic in (_V2, _V3):
        at = reader.offset
        storage = reader.number("i", "a storage type")
        if storage in _STORAGE:
            raise FileFormatError(
                f"{reader.source}: at byte {at}: {_STORAGE[storage]} arrays are not supported; "
                "in MXNet, save tostype('default') of it"
            )
        if storage != 0:
            reader.fail("storage type 0 (dense)", str(storage), at)
    at = reader.offset
    if magic in (_V1, _V2, _V3):
        ndim, dim = reader.number("i", "the number of dimensions"), "q"
    else:
        at, ndim, dim = at - 4, magic, "I"
    if not 0 <= ndim <= _MAX_NDIM:
        what = f"0 to {_MAX_NDIM} dimensions"
        reader.fail(what if dim == "q" else "an array, or " + what, f"{ndim} ({magic:#010x})", at)
    if ndim == 0 and magic != _V3:
        reader.fail("an array with a shape", "an array that was saved before its shape was known", at)
    at = reader.offset
    shape = reader.numbers(f"{ndim}{dim}", "a shape")
    if any(n < 0 for n in shape):
        reader.fail("a shape", str(shape), at)
    reader.take(8, "a device")  # where it was then says nothing about where it is wanted now
    at = reader.offset
    code = reader.number("i", "a dtype code")
    if code != _BFLOAT16 and code not in _DTYPES:
        reader.fail(f"a dtype code, 0 to {_BFLOAT16}", str(code), at)
    dtype = numpy.dtype("uint16") if code == _BFLOAT16 else _DTYPES[code]
    size = 1
    for n in shape:
        size *= n
    at = reader.offset
    raw = reader.take(size * dtype.itemsize, f"the values of a {dtype} array of shape {shape}")
    values: numpy.ndarray
    if dtype.kind == "b":
        values = numpy.frombuffer(raw, numpy.uint8) != 0  # any byte but 0 and 1 would make a bool of neither
    else:
        values = numpy.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)
    if code == _BFLOAT16:
        values = (values.astype(numpy.uint32) << 16).view(numpy.float32)
    try:
        return values.reshape(shape)
    except ValueError:  # empty, but with other axes longer than an array can have
        reader.fail("a shape that fits in memory", str(shape), at)


def _read_name(reader: _Reader) -> str:
    length = reader.number("Q", "the length of a name")
    at = reader.offset
    text = bytes(reader.take(length, "a name"))
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        reader.fail("a name in UTF-8", repr(text[:40]), at)


def save(
    path: str | os.PathLike[str], arrays: Sequence[numpy.ndarray], names: Sequence[str] | None = None, *,
    numpy_shapes: bool = False,
) -> None:
    """Write `arrays` to the file `path` (see `dumps` and `replacing`).

    Raises what `dumps` and `replacing` raise.
    """
    parts = _parts(arrays, names, numpy_shapes)
    with replacing(path) as file:
        file.writelines(parts)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of the file `path` at the end of the block, all or nothing.

    It is a new file in the same directory: whatever fails on the way, `path` holds either its old content or
    the new one. A symbolic link stays and its target is replaced; the permissions of an old file are kept.

    Raises FileError (MissingFileError for a directory that is not there; also for a device, a pipe or a
    directory).
    """
    named = os.fspath(path)
    with _file_errors(named, "Open"):
        target = os.path.realpath(named)
        mode = _mode(target)
        directory, name = os.path.split(target)
        draft = os.path.join(directory, f".{name[:200]}.{secrets.token_hex(8)}")
        file = open(draft, "xb")
    try:
        with _file_errors(named, "Write"):
            with file:
                if mode is not None:
                    os.chmod(draft, mode)
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)
            _sync_directory(directory)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
        raise


def _mode(path: str) -> int | None:
    """The permissions of the file there; None where there is none.

    Raises OSError for what is no regular file: a device or a pipe would be replaced, not written to.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file", path)
    return stat.S_IMODE(mode)


def _sync_directory(directory: str) -> None:
    """Make the new name as durable as the bytes."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(path: str | os.PathLike[str]) -> tuple[list[numpy.ndarray], list[str]]:
    """The arrays and their names in the file `path` (see `loads`).

    Raises MissingFileError or another FileError when it cannot be read, FileFormatError when it is not a
    ``.params`` file.
    """
    named = os.fspath(path)
    with _file_errors(named, "Open"), open(named, "rb") as file:
        data = file.read()
    return loads(data, named)
