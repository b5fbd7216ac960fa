"""Products of arrays with NumPy's signatures."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError
from ..invoke import F
from .functions import NP, array_of, arrays_of, axes_of, deliver, place


def _two(a: Any, b: Any, what: str) -> tuple[Any, Any]:
    ctx = place((a, b))
    return array_of(a, what, ctx), array_of(b, what, ctx)


@NP.adapter("dot", arrays=2)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """The product of two vectors or matrices; with more axes, the sum over the last axis of `a` and the last
    but one of `b`; an array without axes multiplies.

    >>> from mxgrad import np
    >>> np.dot(np.array([1, 2]), np.array([3, 4]))
    array(11.)
    """
    a, b = _two(a, b, "dot")
    if a.ndim == 0 or b.ndim == 0:
        result = F.multiply(a, b)
    elif b.ndim <= 2:
        result = F.dot(a, b)
    else:
        if a.shape[-1] != b.shape[-2]:
            raise InvalidValueError(
                f"dot: shapes {a.shape} and {b.shape} do not match: {a.shape[-1]} and {b.shape[-2]}"
            )
        result = F.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 2,)))
    return deliver(out, result, "dot")


@NP.adapter("matmul linalg.matmul", arrays=2)
def matmul(a: Any, b: Any, out: Any = None) -> Any:
    """Matrix product of the last two axes, broadcast over the others (the operator ``@``)."""
    return deliver(out, F.matmul(*_two(a, b, "matmul")), "matmul")


@NP.adapter("tensordot linalg.tensordot", arrays=2)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum of products over `axes`: a number of last axes of `a` and first axes of `b`, or two lists of
    axes.
    """
    a, b = _two(a, b, "tensordot")
    if not isinstance(axes, Integral):
        axes = tuple((x,) if isinstance(x, Integral) else tuple(x) for x in axes)
    return F.tensordot(a, b, axes=axes)


@NP.adapter("inner", arrays=2)
def inner(a: Any, b: Any) -> Any:
    """Sum of products over the last axes of both."""
    a, b = _two(a, b, "inner")
    if a.ndim == 0 or b.ndim == 0:
        return F.multiply(a, b)
    return F.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


@NP.adapter("outer linalg.outer", arrays=2)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """Every element of the flattened `a` times every one of the flattened `b`."""
    a, b = _two(a, b, "outer")
    return deliver(out, F.reshape(a, shape=(-1, 1)) * F.reshape(b, shape=(1, -1)), "outer")


@NP.adapter("vdot", arrays=2)
def vdot(a: Any, b: Any) -> Any:
    """The sum of products of the flattened arrays."""
    a, b = _two(a, b, "vdot")
    if a.size != b.size:
        raise InvalidValueError(f"vdot: arrays of {a.size} and {b.size} elements")
    return F.dot(F.reshape(a, shape=(-1,)), F.reshape(b, shape=(-1,)))


@NP.adapter("linalg.vecdot vecdot", arrays=2)
def vecdot(a: Any, b: Any, axis: int | None = -1) -> Any:
    """The sum of products along one axis, the others broadcast."""
    a, b = _two(a, b, "vecdot")
    return F.sum(F.multiply(a, b), axis=-1 if axis is None else axis)


@NP.adapter("kron", arrays=2)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: blocks of `b`, each times an element of `a`."""
    a, b = _two(a, b, "kron")
    n = max(a.ndim, b.ndim)
    sa, sb = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    product = F.reshape(a, shape=tuple(k for m in sa for k in (m, 1))) * F.reshape(
        b, shape=tuple(k for m in sb for k in (1, m))
    )
    return F.reshape(product, shape=tuple(p * q for p, q in zip(sa, sb)))


@NP.adapter("cross", arrays=2)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product along an axis of 2 or 3 components; of two plane vectors it is a number."""
    a, b = _two(a, b, "cross")
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = F.moveaxis(a, source=axisa, destination=-1), F.moveaxis(b, source=axisb, destination=-1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise InvalidValueError(f"cross: vectors have 2 or 3 components, got {a.shape[-1]} and {b.shape[-1]}")
    x, y = ([v[..., i] for i in range(v.shape[-1])] for v in (a, b))
    z = x[0] * y[1] - x[1] * y[0]
    if len(x) == len(y) == 2:
        return z
    x2, y2 = (v[2] if len(v) == 3 else F.zeros_like(v[0]) for v in (x, y))
    parts = [x[1] * y2 - x2 * y[1], x2 * y[0] - x[0] * y2, z]
    shape = numpy.broadcast_shapes(*(p.shape for p in parts))
    return F.moveaxis(
        F.stack(*(F.broadcast_to(p, shape=shape) for p in parts), axis=-1), source=-1, destination=axisc
    )


@NP.adapter("linalg.cross", arrays=2)
def linalg_cross(a: Any, b: Any, axis: int = -1) -> Any:
    """The vector product along an axis of 3 components."""
    return cross(a, b, axis=axis)


@NP.adapter("einsum", arrays="*")
def einsum(*operands: Any, out: Any = None, optimize: Any = True) -> Any:
    """Sums of products by Einstein's convention: 'ij,jk->ik', or arrays each followed by the list of its
    axes.

    >>> from mxgrad import np
    >>> np.einsum("ij,j->i", np.ones((2, 3)), np.arange(3))
    array([3., 3.])
    """
    if not operands:
        raise InvalidTypeError("einsum: give the subscripts and the arrays")
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], arrays_of(operands[1:], "einsum")
    else:
        subscripts, arrays = _subscripts(operands)
    return deliver(out, F.einsum(*arrays, subscripts=subscripts), "einsum")


def _subscripts(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """The text form of the interleaved one: array, axes, array, axes, ..., result's axes."""

    def letters(axes: Any) -> str:
        return "".join(
            "..." if x is Ellipsis else chr(ord("a") + x if x < 26 else ord("A") + x - 26) for x in axes
        )

    given = list(operands)
    result = "->" + letters(given.pop()) if len(given) % 2 else ""
    return ",".join(letters(x) for x in given[1::2]) + result, arrays_of(given[::2], "einsum")


@NP.adapter("linalg.trace")
def linalg_trace(a: Any, offset: int = 0) -> Any:
    """Sum along diagonal `offset` of the last two axes."""
    return NP.function("trace")(a, offset, -2, -1)


@NP.adapter("linalg.diagonal")
def linalg_diagonal(a: Any, offset: int = 0) -> Any:
    """Diagonal `offset` of the last two axes."""
    return NP.function("diagonal")(a, offset, -2, -1)


@NP.adapter("linalg.matrix_transpose matrix_transpose")
def matrix_transpose(a: Any) -> Any:
    """The last two axes exchanged."""
    a = array_of(a, "matrix_transpose")
    axes_of((-1, -2), a.ndim)
    return F.swapaxes(a, axis1=-1, axis2=-2)


@NP.adapter("linalg.matrix_power")
def matrix_power(a: Any, n: int) -> Any:
    """A square matrix multiplied by itself `n` times; a negative `n` takes the inverse first."""
    a = array_of(a, "matrix_power")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise InvalidValueError(f"matrix_power: the last two axes must be equally long, got shape {a.shape}")
    if n < 0:
        a, n = NP.function("linalg.inv")(a), -n
    result = None
    while n:
        if n & 1:
            result = a if result is None else F.matmul(result, a)
        n >>= 1
        if n:
            a = F.matmul(a, a)
    if result is None:
        eye = NP.function("eye")(a.shape[-1], dtype=a.dtype, ctx=a._ctx)
        return F.broadcast_to(eye, shape=a.shape)
    return result


@NP.adapter("linalg.multi_dot", arrays="list")
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """The product of several matrices; the first and the last may have one axis.

    They are multiplied in the cheapest order, found by dynamic programming on their shapes.
    """
    given = arrays_of(arrays, "multi_dot")
    if len(given) < 2:
        raise InvalidValueError("multi_dot: give at least two arrays")
    first, last = given[0].ndim, given[-1].ndim
    if first == 1:
        given[0] = F.reshape(given[0], shape=(1, -1))
    if last == 1:
        given[-1] = F.reshape(given[-1], shape=(-1, 1))
    for a, b in zip(given, given[1:]):
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
            raise InvalidValueError(f"multi_dot: shapes {[g.shape for g in given]} do not chain")
    result = _chain(given, _cheapest([g.shape[0] for g in given] + [given[-1].shape[1]]), 0, len(given) - 1)
    if first == 1:
        result = result[0]
    if last == 1:
        result = result[..., 0]
    return deliver(out, result, "multi_dot")


def _cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For each run of matrices the place to split it."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def _chain(given: list[Any], split: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return given[i]
    k = split[i, j]
    return F.matmul(_chain(given, split, i, k), _chain(given, split, k + 1, j))
