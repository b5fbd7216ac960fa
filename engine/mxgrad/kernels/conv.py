"""Convolution and pooling in one and two spatial axes (level 2).

Kernels of 3x3 without strides go by Winograd's method where that is faster.  It computes in another order:
the largest error is about 1e-5 of the largest result in place of 1e-6.  The environment variable
``MXGRAD_WINOGRAD=0`` switches it off.
"""
from __future__ import annotations

import os
from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, floats, lib, overrides

Lengths = tuple[int, ...]

winograd = os.environ.get("MXGRAD_WINOGRAD", "1") != "0"
"""Whether Winograd's method may be used."""

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


def _window(axes: int, *lengths: Lengths, pad: Lengths) -> bool:
    """Whether each axis has a length, a stride and so on, none of them below 1, and no padding below 0."""
    return (all(len(each) == axes and min(each) > 0 for each in lengths)
            and len(pad) == axes and min(pad) >= 0)


def _fit(data: Lengths, weight: Lengths, groups: int) -> bool:
    """Whether weights belong to the data, as the kernels take for granted."""
    return len(data) == len(weight) and data[1] == groups * weight[1] and weight[0] % groups == 0


def _by_winograd(sizes: list[int], out: Lengths) -> bool:
    """Whether Winograd's method is for a convolution, and faster: many channels and filters, and windows that
    are most of the 4x4 tiles.
    """
    n, groups, channels, filters, _, _, *kernel_to_dilate, ph, pw = sizes
    if not winograd or groups != 1 or kernel_to_dilate != [3, 3, 1, 1, 1, 1] or max(ph, pw) > 2:
        return False
    if not cpu.small:
        return True
    used = out[0] * out[1] / (-(-out[0] // 4) * -(-out[1] // 4) * 16)
    return channels >= 24 and filters >= 24 and used > 0.8


@overrides("conv")
def _conv(generic: Kernel) -> Kernel:
    def kernel(x: Any, w: Any, *, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1) -> Any:
        params: dict[str, Any] = {"stride": stride, "dilate": dilate, "pad": pad, "groups": groups}
        if not _serves(x.size, x.shape, w.shape) or (a := _ordered(x)) is None or (b := _ordered(w)) is None:
            return generic(x, w, **params)
        if not _window(x.ndim - 2, w.shape[2:], stride, dilate, pad=pad):
            return generic(x, w, **params)
        sizes, out = _sizes(x.shape, w.shape, **params)
        if not _fit(x.shape, w.shape, groups) or min(out) < 1:
            return generic(x, w, **params)
        y = numpy.empty((x.shape[0], w.shape[0], *out), _float32)
        pointers = floats(a), floats(b), floats(y), sizes
        if _by_winograd(sizes, out) and not lib.k_winograd(*pointers, 0):
            return y
        return generic(x, w, **params) if lib.k_conv(*pointers) else y

    return kernel


@overrides("conv_data")
def _conv_data(generic: Kernel) -> Kernel:
    def kernel(
        g: Any, w: Any, *, shape: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1,
    ) -> Any:
        params: dict[str, Any] = {"stride": stride, "dilate": dilate, "pad": pad, "groups": groups}
        if (not _serves(g.size, g.shape, w.shape)
                or not _window(g.ndim - 2, shape, w.shape[2:], stride, dilate, pad=pad)
                or (a := _ordered(g)) is None or (b := _ordered(w)) is None):
            return generic(g, w, shape=shape, **params)
        x = numpy.empty((g.shape[0], groups * w.shape[1], *shape), _float32)
        sizes, out = _sizes(x.shape, w.shape, **params)
        # by taps, weights meet zeros in the padding: infinite ones would make nan of them
        if ((out, w.shape[0]) != (g.shape[2:], g.shape[1]) or not _fit(x.shape, w.shape, groups)
                or not numpy.isfinite(b).all()):
            return generic(g, w, shape=shape, **params)
        pointers = floats(a), floats(b), floats(x), sizes
        if _by_winograd(sizes, shape) and not lib.k_winograd(*pointers, 1):
            return x
        return generic(g, w, shape=shape, **params) if lib.k_conv_data(*pointers) else x

    return kernel


@overrides("conv_weight")
def _conv_weight(generic: Kernel) -> Kernel:
    def kernel(
        x: Any, g: Any, *, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1,
    ) -> Any:
        params: dict[str, Any] = {"stride": stride, "dilate": dilate, "pad": pad, "groups": groups}
        if (not _serves(x.size, x.shape, g.shape)
                or not _window(x.ndim - 2, g.shape[2:], kernel, stride, dilate, pad=pad)
                or (a := _ordered(x)) is None or (b := _ordered(g)) is None):
            return generic(x, g, kernel=kernel, **params)
        w = numpy.empty((g.shape[1], x.shape[1] // groups, *kernel), _float32)
        sizes, out = _sizes(x.shape, w.shape, **params)
        if (out, x.shape[0]) != (g.shape[2:], g.shape[0]) or not _fit(x.shape, w.shape, groups):
            return generic(x, g, kernel=kernel, **params)
        pointers = floats(a), floats(b), floats(w), sizes
        if _by_winograd(sizes, out) and not lib.k_winograd_weight(*pointers):
            return w
        return generic(x, g, kernel=kernel, **params) if lib.k_conv_weight(*pointers) else w

    return kernel


def _window_sizes(
    shape: Lengths, out: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths,
) -> list[int]:
    """What the kernels of pooling take as sizes."""
    per_axis = [shape, out, kernel, stride, pad]
    if len(shape) == 1:
        per_axis = [(first, *lengths) for first, lengths in zip((1, 1, 1, 1, 0), per_axis)]
    return [n for lengths in per_axis for n in lengths]


@overrides("max_windows")
def _max_windows(generic: Kernel) -> Kernel:
    def kernel(
        x: Any, *, out: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths, lowest: float,
    ) -> Any:
        if (_serves(x.size, x.shape) and _window(x.ndim - 2, out, kernel, stride, pad=pad)
                and (a := _ordered(x)) is not None):
            y = numpy.empty(x.shape[:2] + out, _float32)
            sizes = _window_sizes(x.shape[2:], out, kernel, stride, pad)
            if not lib.k_max_windows(floats(a), floats(y), x.shape[0] * x.shape[1], sizes, lowest):
                return y
        return generic(x, out=out, kernel=kernel, stride=stride, pad=pad, lowest=lowest)

    return kernel


@overrides("max_windows_dx")
def _max_windows_dx(generic: Kernel) -> Kernel:
    def kernel(g: Any, y: Any, x: Any, *, kernel: Lengths, stride: Lengths, pad: Lengths) -> Any:
        if (not _serves(x.size, x.shape, g.shape) or g.shape != y.shape or x.shape[:2] != g.shape[:2]
                or not _window(x.ndim - 2, g.shape[2:], kernel, stride, pad=pad)
                or (a := _ordered(g)) is None or (b := _ordered(y)) is None or (c := _ordered(x)) is None):
            return generic(g, y, x, kernel=kernel, stride=stride, pad=pad)
        dx = numpy.empty(x.shape, _float32)
        sizes = _window_sizes(x.shape[2:], g.shape[2:], kernel, stride, pad)
        if lib.k_max_windows_dx(floats(a), floats(b), floats(c), floats(dx), x.shape[0] * x.shape[1], sizes):
            return generic(g, y, x, kernel=kernel, stride=stride, pad=pad)
        return dx

    return kernel


_COUNTS = {None: 0, "data": 1, "pad": 2}


@overrides("sum_windows")
def _sum_windows(generic: Kernel) -> Kernel:
    def kernel(
        x: Any, *, out: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths, count: str | None = None,
    ) -> Any:
        if (_serves(x.size, x.shape) and _window(x.ndim - 2, out, kernel, stride, pad=pad)
                and (a := _ordered(x)) is not None):
            y = numpy.empty(x.shape[:2] + out, _float32)
            sizes = _window_sizes(x.shape[2:], out, kernel, stride, pad)
            if not lib.k_sum_windows(floats(a), floats(y), x.shape[0] * x.shape[1], sizes, _COUNTS[count]):
                return y
        return generic(x, out=out, kernel=kernel, stride=stride, pad=pad, count=count)

    return kernel


@overrides("spread_windows")
def _spread_windows(generic: Kernel) -> Kernel:
    def kernel(
        g: Any, *, shape: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths, count: str | None = None,
    ) -> Any:
        if (_serves(g.size, g.shape) and _window(g.ndim - 2, shape, kernel, stride, pad=pad)
                and (a := _ordered(g)) is not None):
            dx = numpy.empty(g.shape[:2] + shape, _float32)
            sizes, planes = _window_sizes(shape, g.shape[2:], kernel, stride, pad), g.shape[0] * g.shape[1]
            if not lib.k_spread_windows(floats(a), floats(dx), planes, sizes, _COUNTS[count]):
                return dx
        return generic(g, shape=shape, kernel=kernel, stride=stride, pad=pad, count=count)

    return kernel
