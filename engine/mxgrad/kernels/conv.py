"""Convolution in one and two spatial axes (level 2)."""
from __future__ import annotations

from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, floats, lib, overrides

Lengths = tuple[int, ...]

_float32 = numpy.dtype("float32")


def _ordered(a: Any) -> Any:
    """`a` in C's order if it is float32, else None."""
    if a.__class__ is not numpy.ndarray or a.dtype is not _float32:
        return None
    return a if a.flags.c_contiguous else numpy.ascontiguousarray(a)


def _sizes(
    data: Lengths, weight: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int,
) -> tuple[list[int], Lengths]:
    """What the kernels take as sizes, from the shapes of the data and the weights, and the numbers of
    windows.
    """
    shape, kernel = data[2:], weight[2:]
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1
                for n, k, s, d, p in zip(shape, kernel, stride, dilate, pad))
    per_axis = [shape, kernel, stride, dilate, pad]
    if len(shape) == 1:         # an image of one row
        per_axis = [(first, *lengths) for first, lengths in zip((1, 1, 1, 1, 0), per_axis)]
    elif kernel == (1, 1) and stride == (1, 1) and pad == (0, 0):
        per_axis[0] = (1, shape[0] * shape[1])
    numbers = [data[0], groups, weight[1], weight[0] // groups]
    return numbers + [n for lengths in per_axis for n in lengths], out


def _serves(size: int, *shapes: Lengths) -> bool:
    """Whether there are kernels for arrays of these shapes, the larger one having `size` elements."""
    return size >= cpu.small and all(len(s) in (3, 4) and 0 not in s for s in shapes)


@overrides("conv")
def _conv(generic: Kernel) -> Kernel:
    def kernel(x: Any, w: Any, *, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1) -> Any:
        params = {"stride": stride, "dilate": dilate, "pad": pad, "groups": groups}
        if not _serves(x.size, x.shape, w.shape) or (a := _ordered(x)) is None or (b := _ordered(w)) is None:
            return generic(x, w, **params)
        sizes, out = _sizes(x.shape, w.shape, **params)
        y = numpy.empty((x.shape[0], w.shape[0], *out), _float32)
        return generic(x, w, **params) if lib.k_conv(floats(a), floats(b), floats(y), sizes) else y

    return kernel


@overrides("conv_data")
def _conv_data(generic: Kernel) -> Kernel:
    def kernel(
        g: Any, w: Any, *, shape: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1,
    ) -> Any:
        params = {"stride": stride, "dilate": dilate, "pad": pad, "groups": groups}
        if (not _serves(g.size, g.shape, w.shape) or 0 in shape
                or (a := _ordered(g)) is None or (b := _ordered(w)) is None):
            return generic(g, w, shape=shape, **params)
        x = numpy.empty((g.shape[0], groups * w.shape[1], *shape), _float32)
        sizes, out = _sizes(x.shape, w.shape, **params)
        if out != g.shape[2:] or lib.k_conv_data(floats(a), floats(b), floats(x), sizes):
            return generic(g, w, shape=shape, **params)
        return x

    return kernel


@overrides("conv_weight")
def _conv_weight(generic: Kernel) -> Kernel:
    def kernel(
        x: Any, g: Any, *, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1,
    ) -> Any:
        params = {"stride": stride, "dilate": dilate, "pad": pad, "groups": groups}
        if (not _serves(x.size, x.shape, g.shape)
                or (a := _ordered(x)) is None or (b := _ordered(g)) is None):
            return generic(x, g, kernel=kernel, **params)
        w = numpy.empty((g.shape[1], x.shape[1] // groups, *kernel), _float32)
        sizes, _ = _sizes(x.shape, w.shape, **params)
        if lib.k_conv_weight(floats(a), floats(b), floats(w), sizes):
            return generic(x, g, kernel=kernel, **params)
        return w

    return kernel
