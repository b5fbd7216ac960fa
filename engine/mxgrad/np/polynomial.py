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


# products and quotients ---------------------------------------------------------------------------------


@NP.adapter("polynomial.polymulx")
def polymulx(c: Any) -> Any:
    """The polynomial times x, lowest power first."""
    c = coefficients(c, "polynomial.polymulx")
    return F.concatenate(F.zeros_like(c[:1]), c, axis=0)


@NP.adapter("polynomial.polypow")
def polypow(c: Any, pow: int, maxpower: int | None = 16) -> Any:
    """The polynomial to the power `pow`, lowest power first; InvalidValueError above `maxpower`."""
    c = coefficients(c, "polynomial.polypow")
    if order_of(pow, "polynomial.polypow") > (pow if maxpower is None else maxpower):
        raise InvalidValueError(f"polynomial.polypow: power {pow} is above maxpower={maxpower}")
    result = F.ones_like(c[:1])
    for _ in range(pow):
        result = polymul(result, c)
    return result


@NP.adapter("polynomial.polydiv", arrays=2)
def polydiv(c1: Any, c2: Any) -> tuple[Any, Any]:
    """Quotient and remainder of two polynomials, lowest power first, by NumPy on the host; arrays that are
    being recorded are refused.
    """
    c1, c2 = two(c1, c2, "polynomial.polydiv")
    quotient, rest = NP.function("polydiv")(F.flip(c1, axis=0), F.flip(c2, axis=0))
    return F.flip(quotient, axis=0), F.flip(rest, axis=0)


@NP.adapter("polynomial.polytrim")
def polytrim(c: Any, tol: float = 0) -> Any:
    """The coefficients without the last ones of absolute value up to `tol`; the first one always stays."""
    c = coefficients(c, "polynomial.polytrim")
    if tol < 0:
        raise InvalidValueError(f"polynomial.polytrim: tol must not be negative, got {tol}")
    large = numpy.flatnonzero(numpy.abs(c.asnumpy()) > tol)
    return c[: large[-1] + 1] if large.size else F.zeros_like(c[:1])


@NP.adapter("polynomial.polyline", arrays=0)
def polyline(off: float, scl: float) -> Any:
    """The coefficients of ``off + scl x``; one alone where `scl` is 0."""
    return NP.function("array")([off, scl] if scl else [off])


@NP.adapter("polynomial.polycompanion")
def polycompanion(c: Any) -> Any:
    """The companion matrix, whose eigenvalues are the roots, of two coefficients or more."""
    c = coefficients(c, "polynomial.polycompanion")
    n = c.shape[0] - 1
    if n < 1:
        raise InvalidValueError(
            f"polynomial.polycompanion: takes two coefficients or more, got {describe(c._data)}")
    last = F.expand_dims(c[:-1] / c[n], axis=1)
    zeros = F.fill(c, shape=(n, n - 1), dtype=c.dtype, value=0)
    before, here = (F.ramp(c, n=n, start=start, dtype="int64") for start in (-1, 0))
    below = F.cast(F.equal(F.expand_dims(before, axis=1), here), dtype=c.dtype)
    return below - F.concatenate(zeros, last, axis=1)


# several variables --------------------------------------------------------------------------------------


@NP.adapter("polynomial.polyvalfromroots", arrays=2)
def polyvalfromroots(x: Any, r: Any, tensor: bool = True) -> Any:
    """The polynomial with the roots `r`, along its first axis, and leading coefficient 1, at `x`; `tensor` as
    in `polynomial.polyval`.
    """
    ctx = place((x, r))
    x, r = array_of(x, "polynomial.polyvalfromroots", ctx), array_of(r, "polynomial.polyvalfromroots", ctx)
    r = F.reshape(r, shape=r.shape or (1,))
    if tensor:
        r = F.reshape(r, shape=r.shape + (1,) * x.ndim)
    elif x.ndim >= r.ndim:
        raise InvalidValueError(
            f"polynomial.polyvalfromroots: without tensor x has fewer axes than r, not {x.ndim} and {r.ndim}")
    return F.prod(x - r, axis=0)


def _several(name: str, letters: str, grid: bool) -> None:
    """polyval2d, polyval3d: at points; polygrid2d, polygrid3d: at every combination of places."""
    full = f"polynomial.{name}"

    def evaluate(c: Any, places: tuple[Any, ...]) -> Any:
        ctx = place((*places, c))
        arrays = [array_of(p, full, ctx) for p in places]
        if not grid and len({a.shape for a in arrays}) > 1:
            raise InvalidValueError(f"{full}: the places have the shapes {[a.shape for a in arrays]}")
        c = polyval(arrays[0], c)
        for a in arrays[1:]:
            c = polyval(a, c, tensor=grid)
        return c

    if len(letters) == 2:
        def function(x: Any, y: Any, c: Any) -> Any:
            return evaluate(c, (x, y))
    else:
        def function(x: Any, y: Any, z: Any, c: Any) -> Any:        # type: ignore[misc]
            return evaluate(c, (x, y, z))
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"The polynomial in {', '.join(letters)} with coefficients ``c[i, j, ...]``, lowest powers first, at "
        + ("every combination of the places." if grid else "points, whose coordinates have one shape.")
    )
    NP.adapter(full, arrays=len(letters) + 1)(function)


for _dimensions, _letters in (("2d", "xy"), ("3d", "xyz")):
    _several(f"polyval{_dimensions}", _letters, False)
    _several(f"polygrid{_dimensions}", _letters, True)


def _powers(places: tuple[Any, ...], deg: Any, what: str) -> Any:
    if not isinstance(deg, (tuple, list)) or len(deg) != len(places):
        raise InvalidValueError(f"{what}: deg is one number for each of {len(places)} places, got {deg!r}")
    result, *others = [polyvander(p, d) for p, d in zip(places, deg)]
    for v in others:
        product = F.expand_dims(result, axis=-1) * F.expand_dims(v, axis=-2)
        result = F.reshape(product, shape=product.shape[:-2] + (product.shape[-2] * product.shape[-1],))
    return result


@NP.adapter("polynomial.polyvander2d", arrays=2)
def polyvander2d(x: Any, y: Any, deg: Any) -> Any:
    """The products of the powers 0 to ``deg[0]`` of `x` and 0 to ``deg[1]`` of `y` along a new last axis."""
    return _powers((x, y), deg, "polynomial.polyvander2d")


@NP.adapter("polynomial.polyvander3d", arrays=3)
def polyvander3d(x: Any, y: Any, z: Any, deg: Any) -> Any:
    """The products of the powers 0 to ``deg[0]`` of `x`, ``deg[1]`` of `y` and ``deg[2]`` of `z` along a new
    last axis.
    """
    return _powers((x, y, z), deg, "polynomial.polyvander3d")


polynomial = sys.modules[__name__]      # numpy.polynomial.polynomial
__getattr__, __dir__ = submodule("polynomial", globals())
