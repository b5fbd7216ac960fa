"""Softmax, its logarithm and its cross entropy along an axis (level 2)."""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy

from ..base import as_indices
from . import cpu, deferred
from .cpu import Kernel, around, ffi, fits, floats, lib, overrides, plain

_float32 = numpy.dtype("float32")


def _softmax_of(data: Any, axis: int, logarithm: int, factor: float = 1.0) -> Any:
    """The op softmax, or its logarithm, of `data` times `factor`; None if it is not for the kernel."""
    if not fits(data) or (shape := around(data.shape, axis)) is None:
        return None
    y = numpy.empty_like(data)
    lib.k_softmax(floats(data), floats(y), *shape, logarithm, factor)
    return y


def _declare(name: str, logarithm: int) -> None:
    @overrides(name)
    def make(generic: Kernel) -> Kernel:
        def kernel(data: Any, *, axis: int = -1) -> Any:
            y = _softmax_of(data, axis, logarithm)
            return generic(data, axis=axis) if y is None else y

        return kernel

    @deferred.builds(name)
    def build(data: Any, axis: int = -1) -> Any:
        data, factor = deferred.scaled(data)
        return None if factor == 1 else _softmax_of(data, axis, logarithm, factor)

    overrides(name + "_dx")(_softmax_dx(logarithm))


def _softmax_dx(logarithm: int) -> Callable[[Kernel], Kernel]:
    def make(generic: Kernel) -> Kernel:
        def kernel(g: Any, y: Any, *, axis: int = -1) -> Any:
            if not fits(g, y) or g.shape != y.shape or (shape := around(y.shape, axis)) is None:
                return generic(g, y, axis=axis)
            dx = numpy.empty_like(y)
            lib.k_softmax_dx(floats(g), floats(y), floats(dx), *shape, logarithm)
            return dx

        return kernel

    return make


_declare("softmax", 0)
_declare("log_softmax", 1)


def _served(data: Any, *others: Any) -> bool:
    # What these kernels do takes a dozen ufuncs: they pay early.
    return plain(data, *others) and 0 < data.size and data.size * 64 >= cpu.small


Shape = tuple[int, ...]


@lru_cache(1024)
def _layout(shape: Shape, axis: int) -> tuple[tuple[int, int, int] | None, tuple[Shape, Shape]]:
    """The lengths before, of and after `axis`, None if there is no such axis, and the shapes of arrays of one
    number for all along it.
    """
    sizes = around(shape, axis)
    if sizes is None:
        return None, ((), ())
    axis %= len(shape)
    before, after = shape[:axis], shape[axis + 1:]
    return sizes, ((*before, *after), (*before, 1, *after))


def _places(label: Any) -> tuple[Any, Any]:
    """The addresses of labels, as 64-bit integers or as floats."""
    if plain(label):
        return ffi.NULL, floats(label)
    return ffi.from_buffer("int64_t[]", numpy.ascontiguousarray(as_indices(label))), ffi.NULL


@overrides("cross_entropy")
def _cross_entropy(generic: Kernel) -> Kernel:
    def kernel(data: Any, label: Any, *, axis: int = -1, keepdims: bool = False) -> Any:
        if not _served(data) or axis.__class__ is not int:
            return generic(data, label, axis=axis, keepdims=keepdims)
        sizes, shapes = _layout(data.shape, axis)
        if sizes is None or label.shape not in shapes:
            return generic(data, label, axis=axis, keepdims=keepdims)
        loss = numpy.empty(shapes[keepdims], _float32)
        if lib.k_cross_entropy(floats(data), *_places(label), floats(loss), *sizes):
            return generic(data, label, axis=axis, keepdims=keepdims)
        return loss

    return kernel


@overrides("cross_entropy_dx")
def _cross_entropy_dx(generic: Kernel) -> Kernel:
    def kernel(g: Any, data: Any, label: Any, axis: int = -1) -> Any:
        if not _served(data, g) or axis.__class__ is not int:
            return generic(g, data, label, axis=axis)
        sizes, shapes = _layout(data.shape, axis)
        if sizes is None or label.shape not in shapes or g.shape not in shapes:
            return generic(g, data, label, axis=axis)
        dx = numpy.empty(data.shape, _float32)
        lib.k_cross_entropy_dx(floats(g), floats(data), *_places(label), floats(dx), *sizes)
        return dx

    return kernel
