"""Reductions, and what makes an array of the argument's shape again on the way back (level 2)."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy

from ..base import as_dtype
from . import cpu
from .cpu import Kernel, ffi, fits, floats, lib, overrides, plain

_float32 = numpy.dtype("float32")
_add: Any = numpy.add.reduce
_SUM, _MAX, _MIN, _SQUARES = range(4)
_SHORT = 1 / 256        # of `cpu.small`: to reduce fewer elements at a time is not worth a call

Layout = tuple[int, int, int]


def _steps(shape: Sequence[int], reduced: Sequence[bool]) -> list[Layout]:
    """How to reduce the axes, neighbours in one, the last first: each time the middle one of (outer, n,
    inner).
    """
    steps = []
    inner = 1
    end = len(shape)
    while end:
        begin = end
        while begin and (reduced[begin - 1] == reduced[end - 1] or shape[begin - 1] == 1):
            begin -= 1
        n = math.prod(shape[begin:end])
        if not reduced[end - 1]:
            inner *= n
        elif n > 1:
            steps.append((math.prod(shape[:begin]), n, inner))
        end = begin
    return steps


def _axes(axis: Any, ndim: int) -> set[int]:
    """The axes meant; none of them where the op will say what is wrong."""
    if axis is None:
        return set(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = {a % ndim for a in given if -ndim <= a < ndim}
    return axes if len(axes) == len(given) else set()


def _along(shape: tuple[int, ...], axis: Any) -> list[Layout]:
    axes = _axes(axis, len(shape))
    return _steps(shape, [i in axes for i in range(len(shape))])


def _reduced(x: Any, steps: list[Layout], kind: int, count: float = 1) -> Any:
    """`x` reduced by `steps`, flat; None where that is not worth it, or there is no memory."""
    if not steps or not fits(x) or steps[0][1] * steps[0][2] < cpu.small * _SHORT or not x.size:
        return None
    for i, layout in enumerate(steps):
        y = numpy.empty(layout[0] * layout[2], _float32)
        if lib.k_reduce(floats(x), floats(y), *layout, kind, count if i + 1 == len(steps) else 1):
            return None
        x, kind = y, _SUM if kind == _SQUARES else kind
    return x


def _reduction(kind: int, is_mean: bool = False) -> Callable[[Kernel], Kernel]:
    def make(generic: Kernel) -> Kernel:
        def kernel(a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
            size = a.size
            if 0 < size < cpu.small and axis is None and kind == _SUM and a.dtype is _float32:
                if is_mean:     # what NumPy does, too, in more Python
                    return _add(a, None, None, None, keepdims) / _float32.type(size)
                # to make an array here takes less time than to make one of NumPy's scalar
                out = None if keepdims else numpy.empty((), _float32)
                return _add(a, None, None, out, keepdims)
            if size < cpu.small or not fits(a):
                return generic(a, axis=axis, keepdims=keepdims)
            steps = _along(a.shape, axis)
            y = _reduced(a, steps, kind, math.prod(n for _, n, _ in steps) if is_mean else 1)
            if y is None:
                return generic(a, axis=axis, keepdims=keepdims)
            return y.reshape(_result_shape(a.shape, axis, keepdims))

        return kernel

    return make


def _result_shape(shape: tuple[int, ...], axis: Any, keepdims: bool) -> list[int]:
    axes = _axes(axis, len(shape))
    return [1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes]


for _name, _arguments in (("sum", (_SUM,)), ("mean", (_SUM, True)), ("max", (_MAX,)), ("min", (_MIN,))):
    overrides(_name)(_reduction(*_arguments))


@overrides("norm")
def _norm(generic: Kernel) -> Kernel:
    def kernel(x: Any, *, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
        if ord == 2 and axis is None and not keepdims and x.size < cpu.small and x.dtype is _float32:
            flat = x.ravel()
            # The root in double precision, rounded, is the root: it has more than twice as many digits.
            return numpy.array(math.sqrt(flat.dot(flat)), _float32)
        squares = _reduced(x, _along(x.shape, axis), _SQUARES) if ord == 2 and fits(x) else None
        if squares is None:
            return generic(x, ord=ord, axis=axis, keepdims=keepdims)
        return numpy.sqrt(squares).reshape(_result_shape(x.shape, axis, keepdims))

    return kernel


@lru_cache(1024)
def _stretched(shape: tuple[int, ...], full: tuple[int, ...]) -> list[Layout]:
    """The steps that reduce `full` to `shape`, which broadcasts to it."""
    shape = (1,) * (len(full) - len(shape)) + shape
    return _steps(full, [a != b for a, b in zip(shape, full)])


@overrides("sum_to")
def _sum_to(generic: Kernel) -> Kernel:
    def kernel(x: Any, *, shape: tuple[int, ...]) -> Any:
        y = None
        if fits(x) and len(shape) <= x.ndim and all(n in (1, m) for n, m in zip(shape[::-1], x.shape[::-1])):
            y = _reduced(x, _stretched(tuple(shape), x.shape), _SUM)
        return generic(x, shape=shape) if y is None else y.reshape(shape)

    return kernel


def _fits_in(size: int) -> bool:
    return 0 < size >= cpu.small


@overrides("broadcast_to")
def _broadcast_to(generic: Kernel) -> Kernel:
    def kernel(a: Any, *, shape: Any) -> Any:
        full = tuple(shape)
        if (not _fits_in(math.prod(full)) or not plain(a) or a.ndim > len(full)
                or any(n not in (1, m) for n, m in zip(a.shape[::-1], full[::-1]))
                or not (steps := _stretched(a.shape, full))):
            return generic(a, shape=shape)
        for outer, n, inner in reversed(steps):
            y = numpy.empty(outer * n * inner, _float32)
            lib.k_spread(floats(a), ffi.NULL, ffi.NULL, floats(y), outer, n, inner)
            a = y
        return a.reshape(full)

    return kernel


@overrides("fill")
def _fill(generic: Kernel) -> Kernel:
    def kernel(like: Any, *, shape: Any, dtype: Any, value: Any) -> Any:
        if as_dtype(dtype) != _float32 or not _fits_in(math.prod(shape)):
            return generic(like, shape=shape, dtype=dtype, value=value)
        y = numpy.empty(shape, _float32)
        lib.k_spread(ffi.new("float *", value), ffi.NULL, ffi.NULL, floats(y), 1, y.size, 1)
        return y

    return kernel


@overrides("extreme_da")
def _extreme_da(generic: Kernel) -> Kernel:
    def kernel(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if (not fits(a) or not plain(g, y) or len(steps := _along(a.shape, axis)) != 1
                or not g.shape == y.shape == tuple(_result_shape(a.shape, axis, keepdims))):
            return generic(g, y, a, axis=axis, keepdims=keepdims)
        da = numpy.empty_like(a)
        lib.k_spread(floats(g), floats(y), floats(a), floats(da), *steps[0])
        return da

    return kernel
