"""Taking rows by index and the way back, and the first places in order (level 2)."""
from __future__ import annotations

import math
from typing import Any

import numpy

from ..base import as_indices
from . import cpu
from .cpu import Kernel, around, ffi, fits, floats, lib, overrides, rows

_int64 = numpy.dtype("int64")
_MODES = {"clip": 0, "wrap": 1}


def _integers(a: numpy.ndarray) -> Any:
    return ffi.from_buffer("int64_t[]", a)


def _split(shape: Any, axis: int | None) -> tuple[int, int, int] | None:
    """The lengths before, of and after the axis; of the flattened array without one."""
    return (1, math.prod(shape), 1) if axis is None else around(shape, axis)


def _whole(indices: numpy.ndarray) -> numpy.ndarray:
    """The indices as the kernels read them: int64 in C's order; floats are truncated."""
    return numpy.ascontiguousarray(as_indices(indices))


@overrides("take")
def _take(generic: Kernel) -> Kernel:
    def kernel(a: Any, indices: Any, *, axis: int | None = 0, mode: str = "clip") -> Any:
        split, wrap = _split(a.shape, axis), _MODES.get(mode)
        if split is None or wrap is None or not indices.size or not fits(a):
            return generic(a, indices, axis=axis, mode=mode)
        before, n, after = split
        if before * indices.size * after < cpu.small:
            return generic(a, indices, axis=axis, mode=mode)
        at = len(a.shape) if axis is None else axis % len(a.shape)
        shape = indices.shape if axis is None else a.shape[:at] + indices.shape + a.shape[at + 1:]
        y = numpy.empty(shape, a.dtype)
        lib.k_take(floats(a), _integers(_whole(indices)), floats(y), before, n, indices.size, after, wrap)
        return y

    return kernel


@overrides("add_taken")
def _add_taken(generic: Kernel) -> Kernel:
    def kernel(g: Any, indices: Any, *, shape: Any, axis: int | None = 0, mode: str = "clip") -> Any:
        split, wrap = _split(shape, axis), _MODES.get(mode)
        if split is None or wrap is None or not indices.size or not fits(g) or not all(shape):
            return generic(g, indices, shape=shape, axis=axis, mode=mode)
        before, n, after = split
        if g.size != before * indices.size * after:
            return generic(g, indices, shape=shape, axis=axis, mode=mode)
        y = numpy.empty(shape, g.dtype)
        if lib.k_add_taken(floats(g), _integers(_whole(indices)), floats(y), before, n, indices.size, after,
                           wrap):
            return generic(g, indices, shape=shape, axis=axis, mode=mode)
        return y

    return kernel


@overrides("first_places")
def _first_places(generic: Kernel) -> Kernel:
    def kernel(a: Any, *, k: int, axis: int = -1, is_ascend: bool = True) -> Any:
        if not (fits(a) and a.ndim and (shape := rows(a, axis)) and 0 < k <= shape[1]):
            return generic(a, k=k, axis=axis, is_ascend=is_ascend)
        places = numpy.empty((*a.shape[:-1], k), _int64)
        if lib.k_first_places(floats(a), _integers(places), *shape, k, not is_ascend):
            return generic(a, k=k, axis=axis, is_ascend=is_ascend)
        return places

    return kernel
