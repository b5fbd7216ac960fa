"""Random words, numbers and Dropout's mask, for `mxgrad.streams` (level 2).

The generators stay NumPy's: the kernels continue each where its memory says, as NumPy's own code does.
"""
from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy

from .. import streams
from .cpu import ffi, floats, lib

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.argtypes, _pointer.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p


def address(bits: numpy.random.MT19937) -> int:
    """Where a generator's ``bitgen_t`` (numpy/random/bitgen.h) is, whose first field points to its state."""
    found: int = _pointer(bits.capsule, b"BitGenerator")
    return found


def _row(generators: Sequence[int]) -> Any:
    return ffi.new("uintptr_t[]", generators)


def words(generators: Sequence[int], n: int, each: int) -> numpy.ndarray:
    """The next words, uint32 (n,): `each` of them from each generator, from the last one fewer.

    `generators` are their addresses.
    """
    out, row = numpy.empty(n, numpy.uint32), _row(generators)
    lib.k_words(ffi.cast("void *const *", row), ffi.from_buffer("uint32_t[]", out), n, each)
    return out


def units(generators: Sequence[int], n: int, each: int) -> numpy.ndarray:
    """Float32 numbers in [0, 1), (n,), of words drawn as by `words`."""
    out, row = numpy.empty(n, numpy.float32), _row(generators)
    lib.k_units(ffi.cast("void *const *", row), floats(out), n, each)
    return out


def polar(generators: Sequence[int], n: int, each: int, both: bool) -> numpy.ndarray:
    """Float32 (n,): Gaussian numbers of mean 0 and standard deviation 1, `each` of them from each generator,
    from the last one fewer; one number of each pair, or both.
    """
    out, row = numpy.empty(n, numpy.float32), _row(generators)
    lib.k_polar(ffi.cast("void *const *", row), floats(out), n, each, both)
    return out


def dropout_mask(generators: Sequence[int], n: int, each: int, keep: float, scale: float) -> numpy.ndarray:
    """Float32 (n,): `scale` with probability `keep`, 0 otherwise; one word for each, drawn as by `words`."""
    out, row = numpy.empty(n, numpy.float32), _row(generators)
    lib.k_dropout_mask(ffi.cast("void *const *", row), floats(out), n, each, keep, scale)
    return out


def _is_understood() -> bool:
    """Whether this NumPy keeps its generators as the kernels read them."""
    ours, theirs = (numpy.random.MT19937(7) for _ in range(2))
    n = 1000
    return (words([address(ours)], n, n) == theirs.random_raw(n)).all() and bool(
        ours.random_raw() == theirs.random_raw())


if lib is not None and _is_understood():
    streams.compiled = streams.Compiled(address, words, units, polar, dropout_mask)
