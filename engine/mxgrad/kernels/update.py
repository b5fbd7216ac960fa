"""Steps of the optimizers, for many weights in one loop (level 2)."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, ffi, floats, lib

_float32 = numpy.dtype("float32")
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


_UPDATES: dict[str, tuple[Any, Callable[[Numbers], tuple[float, ...]]]] = {} if lib is None else {
    "sgd_update": (lib.k_sgd, _sgd),
    "sgd_mom_update": (lib.k_momentum, _momentum),
    "nag_mom_update": (lib.k_nesterov, _momentum),
    "adam_update": (lib.k_adam, _adam),
    "contrib.adamw_update": (lib.k_adam, _adamw),
}


def together(name: str, rows: Sequence[Sequence[Any]], numbers: Sequence[Numbers]) -> bool:
    """Make the update `name` of every row of arrays (weight, gradient, states), written where they are.

    False, and nothing has changed, where there is no compiled kernel for them.  The arrays of a row have one
    shape; no array may share memory with another.
    """
    found = _UPDATES.get(name)
    if found is None:
        return False
    total = 0
    for row in rows:
        for a in row:
            if a.dtype is not _float32 or not a.flags.carray:
                return False
        total += a.size
    if total * 64 < cpu.small or not total:     # NumPy is as fast then
        return False
    kernel, coefficients = found
    columns = [[floats(a) for a in column] for column in zip(*rows)]
    flat: list[float] = []
    last: Numbers | None = None
    own: tuple[float, ...] = ()
    for n in numbers:
        if n is not last:       # many rows share one
            last, own = n, coefficients(n)
        flat += own
    kernel(len(rows), ffi.new("long[]", list(accumulate([row[0].size for row in rows]))),
           *[ffi.new("float*[]", column) for column in columns], ffi.new("float[]", flat))
    return True


def override(name: str, generic: Kernel) -> Kernel:
    """The kernel of the update `name` for one weight."""
    if name not in _UPDATES:
        return generic

    def kernel(xp: Any, out: Any, *arrays: Any, **numbers: float) -> None:
        if xp is not numpy or out is not arrays[0] or not together(name, [arrays], [numbers]):
            generic(xp, out, *arrays, **numbers)

    return kernel
