"""Softmax and its logarithm along the last axis (level 2)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from .cpu import Kernel, fits, floats, lib, overrides, rows


def _softmax(logarithm: int) -> Callable[[Kernel], Kernel]:
    def make(generic: Kernel) -> Kernel:
        def kernel(data: Any, *, axis: int = -1) -> Any:
            if not fits(data) or (shape := rows(data, axis)) is None:
                return generic(data, axis=axis)
            y = numpy.empty_like(data)
            lib.k_softmax(floats(data), floats(y), *shape, logarithm)
            return y

        return kernel

    return make


def _softmax_dx(logarithm: int) -> Callable[[Kernel], Kernel]:
    def make(generic: Kernel) -> Kernel:
        def kernel(g: Any, y: Any, *, axis: int = -1) -> Any:
            if not fits(g, y) or (shape := rows(y, axis)) is None:
                return generic(g, y, axis=axis)
            dx = numpy.empty_like(y)
            lib.k_softmax_dx(floats(g), floats(y), floats(dx), *shape, logarithm)
            return dx

        return kernel

    return make


for _name, _logarithm in (("softmax", 0), ("log_softmax", 1)):
    overrides(_name)(_softmax(_logarithm))
    overrides(_name + "_dx")(_softmax_dx(_logarithm))
