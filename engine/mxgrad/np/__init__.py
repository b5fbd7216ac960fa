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
from ..frontend import FRONTENDS, add_methods, publish_all
from .array import ndarray
from .functions import NP
from . import analysis, apply, calculate, creation, fft, host, linalg, order, polynomial  # noqa: F401
from . import coefficients, products, random, rearrange  # noqa: F401
from .creation import array, c_, mgrid, ogrid, r_  # `array` over the module of that name

__all__ = ["array", "c_", "e", "inf", "mgrid", "nan", "ndarray", "newaxis", "ogrid", "pi", "r_"]

# What this module needs itself is no name of the namespace.
_IMPORTED = frozenset(globals())

newaxis = None
NaN = NAN = nan
PINF, NINF, PZERO, NZERO = inf, -inf, 0.0, -0.0
euler_gamma = numpy.euler_gamma

# What is about Python, dtypes and texts rather than about arrays is NumPy's own.
for _name in (
    "False_ True_ base_repr binary_repr errstate finfo floating format_float_positional "
    "format_float_scientific generic get_printoptions geterr index_exp inexact integer issubdtype "
    "iterable ndindex number printoptions s_ set_printoptions seterr signedinteger typename unsignedinteger"
).split():
    globals()[_name] = getattr(numpy, _name)

globals().update({name: numpy.dtype(name) for name in DTYPES})
for _name in ("half single double byte ubyte short ushort intc uintc intp uintp int_ uint longlong "
    "long ulong ulonglong").split():
    globals()[_name] = numpy.dtype(_name.rstrip("_"))
dtype = numpy.dtype
bool_ = numpy.dtype("bool")
boolean_dtypes = [bool_]
integer_dtypes = [numpy.dtype(n) for n in DTYPES if "int" in n]
floating_dtypes = [numpy.dtype(n) for n in DTYPES if "float" in n]
numeric_dtypes = integer_dtypes + floating_dtypes

# Functions that are about something else than their first argument are no methods.
_NOT_METHODS = frozenset(
    "shape ndim size dtype real imag piecewise take_along_axis multi_dot where stack concatenate concat "
    "place putmask put_along_axis poly polyadd polyder polyfit polyint polymul polysub polyval".split()
)
add_methods(
    ndarray,
    NP,
    [n for n in NP if n not in _NOT_METHODS and getattr(NP.table[n], "_array_count", 1) not in (0, "*")],
)

# NumPy's methods among the functions that it computes itself.
add_methods(ndarray, NP, ["argpartition", "searchsorted"])

# Methods that MXNet 2 names but has not; they are nd's.
add_methods(
    ndarray,
    FRONTENDS["nd"],
    "argmax_channel broadcast_axes depth_to_space log_sigmoid log_softmax mish norm one_hot pick rcbrt relu "
    "reshape_like rsqrt shape_array sigmoid size_array slice slice_axis slice_like softmax softmin "
    "space_to_depth split_v2 topk".split(),
)

publish_all(__name__, NP)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    function = globals()[name] = NP.function(name)
    return function


def __dir__() -> list[str]:
    own = {n for n in globals() if n[0] != "_" and n not in _IMPORTED}
    return sorted({n.partition(".")[0] for n in NP} | own | set(__all__))
