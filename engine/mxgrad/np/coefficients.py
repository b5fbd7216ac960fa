"""Polynomials by their coefficients, highest power first, and convolution.

Unlike NumPy's they keep zero coefficients at the high end: what is computed does not depend on the values.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..base import InvalidValueError
from ..invoke import F
from ..ndarray import BaseArray
from .array import default_float, host_array, ndarray
from .calculate import vander
from .functions import NP, array_of, place
from .linalg import eigvals, lstsq


def coefficients(p: Any, what: str, like: Any = None) -> Any:
    """Coefficients as an array with one axis; a sequence of numbers will do, and a number."""
    if not isinstance(p, (BaseArray, numpy.ndarray)):
        p = host_array(p).astype(default_float() if like is None or like.dtype.kind != "f" else like.dtype)
    a = array_of(p, what, place((like,)))
    if a.ndim > 1 or not a.size:
        raise InvalidValueError(f"{what}: coefficients have one axis and some elements, got shape {a.shape}")
    return F.reshape(a, shape=(-1,))


def two(a: Any, b: Any, what: str) -> tuple[Any, Any]:
    like = next((v for v in (a, b) if isinstance(v, ndarray)), None)
    return coefficients(a, what, like), coefficients(b, what, like)


def _longer(a: Any, n: int) -> Any:
    """`a` with zeros before it up to the length n."""
    return F.pad(a, pad_width=((n - a.size, 0),), mode="constant", constant_value=0) if n > a.size else a


def _sum(what: str, a: Any, b: Any, sign: int) -> Any:
    a, b = two(a, b, what)
    n = max(a.size, b.size)
    a, b = _longer(a, n), _longer(b, n)
    return a + b if sign > 0 else a - b


@NP.adapter("polyadd", arrays=2)
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    return _sum("polyadd", a1, a2, 1)


@NP.adapter("polysub", arrays=2)
def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    return _sum("polysub", a1, a2, -1)


@NP.adapter("polymul", arrays=2)
def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials.

    >>> from mxgrad import np
    >>> np.polymul(np.array([1, 2]), np.array([1, -2]))
    array([ 1.,  0., -4.])
    """
    return F.convolve(*two(a1, a2, "polymul"))


@NP.adapter("polyval", arrays=2)
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients `p`, highest power first, at `x`."""
    ctx = place((p, x))
    p, x = array_of(p, "polyval", ctx), array_of(x, "polyval", ctx)
    y = x * 0
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


def order_of(m: Any, what: str) -> int:
    if not isinstance(m, (int, numpy.integer)) or m < 0:
        raise InvalidValueError(f"{what}: the order is a number that is not negative, got {m!r}")
    return int(m)


def _powers(n: int, like: Any) -> Any:
    """n, n - 1, ..., 1 in the dtype and on the device of `like`."""
    return NP.function("arange")(n, 0, -1, dtype=like.dtype, ctx=like._ctx)


@NP.adapter("polyder")
def polyder(p: Any, m: int = 1) -> Any:
    """The polynomial's derivative of order `m`."""
    p = coefficients(p, "polyder")
    for _ in range(min(order_of(m, "polyder"), p.size)):
        p = p[:-1] * _powers(p.size - 1, p)
    return p


@NP.adapter("polyint")
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The polynomial's integral of order `m`, with the constants of integration `k` (a number, or one for
    each order; zeros by default).
    """
    p = coefficients(p, "polyint")
    if p.dtype.kind != "f":
        p = F.cast(p, dtype=default_float())
    m = order_of(m, "polyint")
    constants = constants_of(k, m, p, "polyint")
    for i in range(m):
        p = F.concatenate(p / _powers(p.size, p), constants[i : i + 1], axis=0)
    return p


def constants_of(k: Any, m: int, p: Any, what: str) -> Any:
    constants = F.cast(coefficients([0] if k is None else k, what, p), dtype=p.dtype)
    if constants.size == 1 and m != 1:
        return F.broadcast_to(constants, shape=(m,))
    if constants.size != m and m:
        raise InvalidValueError(f"{what}: {constants.size} constants of integration for the order {m}")
    return constants


@NP.adapter("poly")
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial 1 x^n + ... with these roots; of a square matrix, its characteristic polynomial, for
    which it must not be recorded.
    """
    a = array_of(seq_of_zeros, "poly")
    if a.ndim == 2 and a.shape[0] == a.shape[1] and a.size:
        a = eigvals(a)
    elif a.ndim > 1:
        raise InvalidValueError(f"poly: takes roots along one axis or a square matrix, got shape {a.shape}")
    a = F.reshape(a if a.dtype.kind == "f" else F.cast(a, dtype=default_float()), shape=(-1,))
    one = F.fill(a, shape=(1,), dtype=a.dtype, value=1)
    p = one
    for i in range(a.size):
        p = F.convolve(p, F.concatenate(one, -a[i : i + 1], axis=0))
    return p


@NP.adapter("polyfit", arrays=2)
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False,
) -> Any:
    """The polynomial of degree `deg` that fits the points (x, y) best: least squares of the residuals, times
    the weights `w` if given.  `y` may have several columns.

    With `full` also the residuals, the rank and singular values of the scaled Vandermonde matrix, and
    `rcond`, below which those count as zero; with `cov` also the coefficients' covariance matrix ('unscaled'
    if the weights are known to be 1/sigma).  Differentiable in `x`, `y` and `w`.

    >>> from mxgrad import np
    >>> np.polyfit(np.array([0, 1, 2]), np.array([1, 3, 5]), 1).round(4)
    array([2., 1.])
    """
    if not any(isinstance(v, BaseArray) for v in (x, y, w)):
        host: Any = numpy.polyfit
        return host(x, y, deg, rcond, full, w, cov)
    ctx = place((x, y, w))
    x, y = (array_of(v, "polyfit", ctx) for v in (x, y))
    x, y = (v if v.dtype.kind == "f" else F.cast(v, dtype=default_float()) for v in (x, y))
    deg = order_of(deg, "polyfit")
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.size:
        raise InvalidValueError(
            f"polyfit: x has one axis and y as many points (in columns), got shapes {x.shape} and {y.shape}"
        )
    matrix, goal = vander(x, deg + 1), y
    if w is not None:
        w = array_of(w, "polyfit", ctx)
        if w.shape != x.shape:
            raise InvalidValueError(f"polyfit: weights of shape {w.shape} for points of shape {x.shape}")
        column = F.reshape(w, shape=(-1, 1))
        matrix, goal = matrix * column, y * (column if y.ndim == 2 else w)
    rcond = x.size * float(numpy.finfo(matrix.dtype).eps) if rcond is None else rcond
    size = F.sqrt(F.sum(matrix * matrix, axis=0))
    found, left, rank, values = lstsq(matrix / size, goal, rcond)
    found = found / (F.reshape(size, shape=(-1, 1)) if y.ndim == 2 else size)
    if full:
        return found, left, rank, values, rcond
    if not cov:
        return found
    base = F.inv(F.matmul(F.transpose(matrix), matrix))
    if cov != "unscaled":
        if x.size <= deg + 1:
            raise InvalidValueError(f"polyfit: {x.size} points are too few for a covariance of degree {deg}")
        left = F.sum(F.square(F.matmul(matrix, found) - goal), axis=0) / (x.size - deg - 1)
        base = F.expand_dims(base, axis=-1) * left if y.ndim == 2 else base * left
    return found, base


@NP.adapter("convolve", arrays=2)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """sum_j a[k - j] v[j] of two sequences: wherever they overlap ('full'), where the shorter one lies within
    the longer ('valid'), or the middle part of 'full' as long as the longer one ('same').
    """
    return _convolved("convolve", a, v, mode, False)


@NP.adapter("correlate", arrays=2)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """sum_j a[k + j] v[j] of two sequences; modes as in `convolve`."""
    return _convolved("correlate", a, v, mode, True)


def _convolved(what: str, a: Any, v: Any, mode: str, backwards: bool) -> Any:
    ctx = place((a, v))
    a, v = (F.reshape(array_of(x, what, ctx), shape=(-1,)) for x in (a, v))
    swapped = a.size < v.size
    if swapped:
        a, v = v, a
    if mode not in ("full", "same", "valid"):
        raise InvalidValueError(f"{what}: mode is 'full', 'same' or 'valid', not {mode!r}")
    result = F.convolve(a, F.flip(v, axis=0) if backwards else v, mode="valid" if mode == "valid" else "full")
    if mode == "same":
        start = (v.size - 1) // 2
        result = result[start : start + a.size]
    return F.flip(result, axis=0) if backwards and swapped else result
