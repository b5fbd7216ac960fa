"""MXNet 2's NumPy frontend: `ndarray`, NumPy's functions with gradients, `np.linalg`, `np.random`.

>>> from mxgrad import autograd, np
>>> x = np.array([1., 2., 3.])
>>> x.attach_grad()
>>> with autograd.record():
...     y = np.sum(x ** 2)
>>> y.backward()
>>> x.grad
array([2., 4., 6.])

Habits of this frontend, kept here and nowhere below: arrays are float32 by default, arrays without axes
exist, comparisons give bools, dtypes promote (the widest float wins), `reshape` copies, `x[0]` is a view.
`npx.set_np()` is not needed.
"""

from __future__ import annotations

from math import e, inf, nan, pi
from typing import Any

import numpy

from ..base import DTYPES
from ..frontend import add_methods
from .array import ndarray
from .functions import NP
from . import calculate, creation, host, linalg, order, products, random, rearrange  # noqa: F401
from .creation import array  # over the module of that name

__all__ = ["array", "e", "inf", "nan", "ndarray", "newaxis", "pi"]

newaxis = None
NaN = NAN = nan
PINF, NINF, PZERO, NZERO = inf, -inf, 0.0, -0.0
set_printoptions = numpy.set_printoptions

globals().update({name: numpy.dtype(name) for name in DTYPES})
dtype = numpy.dtype
bool_ = numpy.dtype("bool")
boolean_dtypes = [bool_]
integer_dtypes = [numpy.dtype(n) for n in DTYPES if "int" in n]
floating_dtypes = [numpy.dtype(n) for n in DTYPES if "float" in n]
numeric_dtypes = integer_dtypes + floating_dtypes

# Functions that are about something else than their first argument are no methods.
NOT_METHODS = frozenset(
    "shape ndim size dtype real piecewise take_along_axis multi_dot where stack concatenate concat".split()
)
add_methods(
    ndarray,
    NP,
    [n for n in NP if n not in NOT_METHODS and getattr(NP.table[n], "_array_count", 1) not in (0, "*")],
)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    function = globals()[name] = NP.function(name)
    return function


def __dir__() -> list[str]:
    return sorted({n for n in NP if "." not in n} | {n for n in globals() if n[0] != "_"})
