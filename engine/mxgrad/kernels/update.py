"""Steps of the optimizers, for many weights in one loop (level 2)."""
from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, ffi, floats, lib

_HEAD = object.__basicsize__
_float32 = numpy.dtype("float32")
_TYPE, _DTYPE = id(numpy.ndarray), id(_float32)
Numbers = dict[str, float]


def _slope(n: Numbers) -> tuple[float, float]:
    limit = n.get("clip_gradient", -1.0)
    return n.get("rescale_grad", 1.0), limit if limit >= 0 else math.inf


def _sgd(n: Numbers) -> tuple[float, ...]:
    lr = n["lr"]
    return *_slope(n), lr, 1 - lr * n.get("wd", 0.0)


def _momentum(n: Numbers) -> tuple[float, ...]:
    return *_slope(n), n["lr"], n.get("wd", 0.0), n.get("momentum", 0.0)


def _adam(n: Numbers) -> tuple[float, ...]:
    return *_slope(n), n["lr"], n.get("wd", 0.0), 0.0, *_moments(n)


def _adamw(n: Numbers) -> tuple[float, ...]:
    eta = n["eta"]
    return *_slope(n), eta * n["lr"], 0.0, eta * n.get("wd", 0.0), *_moments(n)


def _moments(n: Numbers) -> tuple[float, ...]:
    beta1, beta2 = n.get("beta1", 0.9), n.get("beta2", 0.999)
    return beta1, 1 - beta1, beta2, 1 - beta2, n.get("epsilon", 1e-8)


def _are_known() -> bool:
    """Whether NumPy's arrays are laid out as the kernels take them to be."""
    if lib is None or sys.implementation.name != "cpython":     # elsewhere `id` is no address
        return False
    a, data, end = numpy.zeros((3, 5), _float32), ffi.new(_ADDRESSES, 1), ffi.new(_LONGS, 1)
    known = lib.k_rows(1, 1, [id(a)], _HEAD, _TYPE, _DTYPE, data, end) == 0
    return bool(known and data[0] == floats(a) and end[0] == a.size)


if lib is not None:
    _ADDRESSES, _LONGS = ffi.typeof("float *[]"), ffi.typeof("long[]")

_UPDATES: dict[str, tuple[Any, Callable[[Numbers], tuple[float, ...]]]] = {} if not _are_known() else {
    "sgd_update": (lib.k_sgd, _sgd),
    "sgd_mom_update": (lib.k_momentum, _momentum),
    "nag_mom_update": (lib.k_nesterov, _momentum),
    "adam_update": (lib.k_adam, _adam),
    "contrib.adamw_update": (lib.k_adam, _adamw),
}


Rows = tuple[Sequence[Any], Any, Any]
"""Arrays that a kernel changes where they are, the addresses of their memory, and where each weight ends."""


def rows(arrays: Sequence[Any], count: int) -> Rows | None:
    """The arrays of `count` weights if kernels can work on them and are faster: all weights, then as many
    gradients, and so on.

    The arrays of one weight must have one shape, or the answer is None.  None may share memory with another.
    """
    if not _UPDATES:
        return None
    data, ends = ffi.new(_ADDRESSES, len(arrays)), ffi.new(_LONGS, count)
    if lib.k_rows(count, len(arrays) // count, [*map(id, arrays)], _HEAD, _TYPE, _DTYPE, data, ends):
        return None
    total = ends[count - 1]
    if total * 64 < cpu.small or not total:     # NumPy is as fast then
        return None
    return arrays, data, ends


def together(name: str, rows: Rows, numbers: Sequence[Numbers]) -> bool:
    """Make the update `name` of each weight in `rows`, with numbers of its own.

    False, and nothing has changed, where there is no compiled kernel for it.
    """
    found = _UPDATES.get(name)
    if found is None:
        return False
    kernel, coefficients = found
    flat: list[float] = []
    last: Numbers | None = None
    own: tuple[float, ...] = ()
    for n in numbers:
        if n is not last:       # many weights share them
            last, own = n, coefficients(n)
        flat += own
    _, data, ends = rows
    count = len(numbers)
    kernel(count, ends, *[data + i for i in range(0, len(data), count)], flat)
    return True


def override(name: str, generic: Kernel) -> Kernel:
    """The kernel of the update `name` for one weight."""
    if name not in _UPDATES:
        return generic

    def kernel(xp: Any, out: Any, *arrays: Any, **numbers: float) -> None:
        found = rows(arrays, 1) if out is arrays[0] else None
        if found is None or not together(name, found, [numbers]):
            generic(xp, out, *arrays, **numbers)

    return kernel
