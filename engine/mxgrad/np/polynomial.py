"""np.polynomial: polynomials by their coefficients, lowest power first, as `numpy.polynomial.polynomial`.

>>> from mxgrad import np
>>> np.polynomial.polyval(np.array([2.]), np.array([1., 0., 3.]))
array([13.])
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError
from ..invoke import F, describe
from . import coefficients as high
from .array import ndarray
from .calculate import vander
from .functions import NP, array_of, place, submodule
from .coefficients import coefficients, constants_of, order_of, two


def _reversed(name: str, function: Callable[..., Any], doc: str) -> Callable[..., Any]:
    def binary(c1: Any, c2: Any) -> Any:
        c1, c2 = two(c1, c2, f"polynomial.{name}")
        return F.flip(function(F.flip(c1, axis=0), F.flip(c2, axis=0)), axis=0)

    binary.__name__ = binary.__qualname__ = name
    binary.__doc__ = f"{doc}, lowest power first."
    return NP.adapter(f"polynomial.{name}", arrays=2)(binary)


polyadd = _reversed("polyadd", high.polyadd, "The sum of two polynomials")
polysub = _reversed("polysub", high.polysub, "The difference of two polynomials")
polymul = _reversed("polymul", high.polymul, "The product of two polynomials")


@NP.adapter("polynomial.polyval", arrays=2)
def polyval(x: Any, c: Any, tensor: bool = True) -> Any:
    """The polynomial with coefficients `c`, lowest power first along its first axis, at `x`.

    With `tensor` every column of `c` is evaluated at every place; otherwise they broadcast.
    """
    ctx = place((x, c))
    x, c = array_of(x, "polynomial.polyval", ctx), array_of(c, "polynomial.polyval", ctx)
    if not c.ndim or not c.shape[0]:
        raise InvalidValueError(f"polynomial.polyval: no coefficients in an array of shape {c.shape}")
    if tensor:
        c = F.reshape(c, shape=c.shape + (1,) * x.ndim)
    y = c[c.shape[0] - 1] + x * 0
    for i in range(c.shape[0] - 2, -1, -1):
        y = y * x + c[i]
    return y


@NP.adapter("polynomial.polyvander")
def polyvander(x: Any, deg: int) -> Any:
    """The powers 0 to `deg` of `x` along a new last axis."""
    x = array_of(x, "polynomial.polyvander")
    powers = vander(F.reshape(x, shape=(-1,)), order_of(deg, "polynomial.polyvander") + 1, increasing=True)
    return F.reshape(powers, shape=x.shape + (powers.shape[-1],))


@NP.adapter("polynomial.polyfit", arrays=2)
def polyfit(x: Any, y: Any, deg: int, rcond: float | None = None, w: Any = None) -> Any:
    """`polyfit`, lowest power first."""
    return NP.function("flip")(high.polyfit(x, y, deg, rcond, w=w), axis=0)


@NP.adapter("polynomial.polyder")
def polyder(c: Any, m: int = 1, scl: float = 1) -> Any:
    """The derivative of order `m`, each times `scl`, lowest power first."""
    c = F.flip(coefficients(c, "polynomial.polyder"), axis=0)
    found = F.flip(high.polyder(c, m), axis=0) * scl**m
    return found if found.size else F.fill(c, shape=(1,), dtype=c.dtype, value=0)


@NP.adapter("polynomial.polyint")
def polyint(c: Any, m: int = 1, k: Any = None, lbnd: float = 0, scl: float = 1) -> Any:
    """The integral of order `m`, each times `scl` and with the value `k` (a number, or one for each order) at
    `lbnd`; lowest power first.
    """
    c = F.flip(coefficients(c, "polynomial.polyint"), axis=0)
    values = constants_of(k, order_of(m, "polynomial.polyint"), c, "polynomial.polyint")
    for i in range(m):
        c = high.polyint(c) * scl
        shift = values[i : i + 1] - high.polyval(c, F.fill(c, shape=(1,), dtype=c.dtype, value=lbnd))
        c = F.concatenate(c[:-1], c[-1:] + shift, axis=0)
    return F.flip(c, axis=0)


@NP.adapter("polynomial.polyfromroots")
def polyfromroots(roots: Any) -> Any:
    """`poly` of roots, lowest power first."""
    roots = array_of(roots, "polynomial.polyfromroots")
    if roots.ndim > 1:
        raise InvalidTypeError(f"polynomial.polyfromroots: roots have one axis, got {describe(roots._data)}")
    return F.flip(high.poly(roots), axis=0)


@NP.adapter("polynomial.polyroots")
def polyroots(c: Any) -> Any:
    """The roots in rising order, by NumPy on the host; arrays that are being recorded are refused.

    Where they are complex, a NumPy array.
    """
    found = NP.function("roots")(F.flip(coefficients(c, "polynomial.polyroots"), axis=0))
    return NP.function("sort")(found) if isinstance(found, ndarray) else numpy.sort(found)


polynomial = sys.modules[__name__]      # numpy.polynomial.polynomial
__getattr__, __dir__ = submodule("polynomial", globals())
