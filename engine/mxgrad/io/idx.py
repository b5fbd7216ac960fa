"""MNIST's files of arrays, IDX (level 10)."""
from __future__ import annotations

import gzip
from typing import Any

import numpy

from ..params_file import FileFormatError

__all__ = ["read_idx"]


def read_idx(path: str, axes: int) -> numpy.ndarray:
    """The uint8 array with so many axes in an IDX file, as it is or as ``.gz``; read-only.

    The file begins with the bytes 0, 0, 8 (uint8) and the number of axes, and their lengths as big-endian
    32-bit integers (http://yann.lecun.com/exdb/mnist).  Raises FileFormatError for anything else.
    """
    try:
        opened: Any = gzip.open if path.endswith(".gz") else open
        with opened(path, "rb") as file:
            data = file.read()
    except (EOFError, gzip.BadGzipFile, ValueError) as error:
        raise FileFormatError(f"{path}: a damaged file: {error}") from None
    start = 4 + 4 * axes
    if len(data) < start or data[:4] != bytes((0, 0, 8, axes)):
        raise FileFormatError(
            f"{path}: expected the bytes {bytes((0, 0, 8, axes))!r} of an IDX file with {axes} axes, found "
            f"{data[:4]!r}")
    shape = tuple(numpy.frombuffer(data, ">u4", axes, 4).tolist())
    values = numpy.frombuffer(data, numpy.uint8, offset=start)
    if values.size != numpy.prod(shape, dtype=numpy.int64):
        raise FileFormatError(f"{path}: shape {shape} is announced, {values.size} bytes follow")
    return values.reshape(shape)
