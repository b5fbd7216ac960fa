"""Sorting, searching, picking and sets."""

from __future__ import annotations

from collections import namedtuple
from numbers import Integral
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_indices
from ..invoke import F
from ..ndarray import BaseArray
from .array import host_array, ndarray
from .functions import NP, array_of, arrays_of, axes_of, deliver, on_numbers, place
from .calculate import alone
from ..registry import OPS


def _flat(a: Any, axis: int | None) -> tuple[Any, int]:
    """`a` and its axis, flattened if there is none."""
    if axis is None:
        return F.reshape(a, shape=(-1,)), 0
    return a, axes_of(axis, a.ndim)[0]


@NP.adapter("sort")
def sort(
    a: Any, axis: int | None = -1, descending: bool = False, stable: bool = True, *, kind: str | None = None,
) -> Any:
    """The elements in order along `axis`, of the flattened array if it is None.  The gradient goes back to
    the places the elements came from.
    """
    a, at = _flat(array_of(a, "sort"), axis)
    return F.sort(a, axis=at, is_ascend=not descending)


@NP.adapter("argsort")
def argsort(
    a: Any, axis: int | None = -1, descending: bool = False, stable: bool = True, *, kind: str | None = None,
) -> Any:
    """The places, int64, that put the elements in order along `axis`."""
    a, at = _flat(array_of(a, "argsort"), axis)
    return F.argsort(a, axis=at, is_ascend=not descending)


@NP.adapter("msort")
def msort(a: Any) -> Any:
    """The elements in order along the first axis."""
    return sort(a, 0)


def _extreme_place(name: str, doc: str) -> None:
    def function(a: Any, axis: int | None = None, out: Any = None, keepdims: bool = False) -> Any:
        if alone(a):
            return on_numbers(OPS[name], (a,), {"axis": axis, "keepdims": bool(keepdims)})
        return deliver(out, getattr(F, name)(array_of(a, name), axis=axis, keepdims=bool(keepdims)), name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Place, int64, of the first {doc} along `axis`, or in the flattened array."
    NP.adapter(name)(function)


_extreme_place("argmax", "maximum")
_extreme_place("argmin", "minimum")


# picking ------------------------------------------------------------------------------------------------


@NP.adapter("take", arrays=2)
def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise", out: Any = None) -> Any:
    """The elements at the places `indices` (an array, a number or a list) of one axis, or of the flattened
    array.

    Places outside raise an error, are moved to the ends (mode 'clip'), or count on from the other end
    ('wrap').
    """
    a = array_of(a, "take", place((a, indices)))
    if isinstance(indices, (list, tuple)):
        indices = host_array(indices)
    return deliver(out, F.take(a, array_of(indices, "take", a._ctx), axis=axis, mode=mode), "take")


@NP.adapter("take_along_axis", arrays=2)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For every place of `indices` the element of `arr` that it names along `axis`, the other axes going
    along.
    """
    ctx = place((arr, indices))
    a, axis = _flat(array_of(arr, "take_along_axis", ctx), axis)
    at = array_of(indices, "take_along_axis", ctx)
    if at.ndim != a.ndim:
        raise InvalidValueError(f"take_along_axis: indices with {at.ndim} axes for an array with {a.ndim}")
    grid: list[Any] = [
        numpy.arange(n).reshape(tuple(-1 if d == i else 1 for d in range(a.ndim)))
        for i, n in enumerate(a.shape)
    ]
    return a[tuple(grid[:axis] + [at] + grid[axis + 1 :])]


@NP.adapter("compress", arrays=2)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """The places of one axis where `condition` is true."""
    a, axis = _flat(array_of(a, "compress", place((a,))), axis)
    host = condition.asnumpy() if isinstance(condition, BaseArray) else host_array(condition)
    places = numpy.flatnonzero(host)
    return deliver(out, a[(slice(None),) * axis + (places,)], "compress")


@NP.adapter("extract", arrays=2)
def extract(condition: Any, arr: Any) -> Any:
    """The elements of the flattened array where `condition` is true."""
    return compress(F.reshape(array_of(condition, "extract"), shape=(-1,)), arr)


@NP.adapter("choose")
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """For every place the element of the choice whose number stands in `a`."""
    arrays = arrays_of(choices, "choose")
    at = array_of(a, "choose", place(arrays))
    if mode == "wrap":
        at = F.remainder(at, len(arrays))
    elif mode == "clip":
        at = F.clip(at, a_min=0, a_max=len(arrays) - 1)
    elif at.size and not 0 <= int(F.min(at)) <= int(F.max(at)) < len(arrays):
        raise InvalidValueError(
            f"choose: there are {len(arrays)} choices; use mode 'clip' or 'wrap' for other numbers"
        )
    result = arrays[0]
    for i, choice in enumerate(arrays):
        result = NP.function("where")(F.equal(at, i), choice, result)
    return deliver(out, result, "choose")


@NP.adapter("select")
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For every place the element of the first choice whose condition is true, else `default`."""
    if len(condlist) != len(choicelist):
        raise InvalidValueError(f"select: {len(condlist)} conditions for {len(choicelist)} choices")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        result = NP.function("where")(condition, choice, result)
    return result


@NP.adapter("piecewise")
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """For every place the number or function of `x` whose condition holds last; one more of them is for
    the rest.
    """
    x = array_of(x, "piecewise")
    conditions = (
        [array_of(c, "piecewise", x._ctx) for c in condlist]
        if isinstance(condlist, (list, tuple))
        else [array_of(condlist, "piecewise", x._ctx)]
    )
    functions = list(funclist)
    result: Any = F.zeros_like(x)
    if len(functions) == len(conditions) + 1:
        other = functions.pop()
        result = result + (other(x, *args, **kw) if callable(other) else other)
    elif len(functions) != len(conditions):
        raise InvalidValueError(f"piecewise: {len(functions)} functions for {len(conditions)} conditions")
    for condition, f in zip(conditions, functions):
        result = NP.function("where")(condition, f(x, *args, **kw) if callable(f) else f, result)
    return result


# places -------------------------------------------------------------------------------------------------


def _placed(host: numpy.ndarray, like: Any) -> Any:
    return wrap(ndarray, like._ctx.backend.from_host(host), like._ctx)


@NP.adapter("nonzero")
def nonzero(a: Any) -> tuple[Any, ...]:
    """The places of the elements that are not zero: one int64 array per axis.  No gradient flows through
    places.
    """
    a = array_of(a, "nonzero")
    return tuple(_placed(i, a) for i in numpy.nonzero(a.asnumpy()))


@NP.adapter("flatnonzero")
def flatnonzero(a: Any) -> Any:
    """The places of the elements of the flattened array that are not zero.  No gradient flows through
    places.
    """
    return nonzero(F.reshape(array_of(a, "flatnonzero"), shape=(-1,)))[0]


@NP.adapter("argwhere")
def argwhere(a: Any) -> Any:
    """The places of the elements that are not zero, one a row.  No gradient flows through places."""
    a = array_of(a, "argwhere")
    return _placed(numpy.argwhere(a.asnumpy()), a)


@NP.adapter("count_nonzero")
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements along `axis` are not zero; over all axes a Python int."""
    a = array_of(a, "count_nonzero")
    count = F.sum(F.not_equal(a, 0), axis=axis, keepdims=keepdims)
    return int(count) if axis is None and not keepdims else count


@NP.adapter("unravel_index")
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    """Places of the flattened array as places of the array of `shape`: one array per axis, in the indices'
    dtype.
    """
    a = array_of(indices, "unravel_index")
    host = a.asnumpy()
    try:
        found: Any = numpy.unravel_index(as_indices(host), shape, "F" if order == "F" else "C")
    except ValueError as error:
        raise InvalidValueError(f"unravel_index: {error}") from None
    return tuple(
        _placed(numpy.asarray(i).astype(host.dtype if host.dtype.kind in "iu" else numpy.int64), a)
        for i in found
    )


# sets ---------------------------------------------------------------------------------------------------

UniqueAll = namedtuple("UniqueAll", "values indices inverse_indices counts")
UniqueInverse = namedtuple("UniqueInverse", "values inverse_indices")


@NP.adapter("unique")
def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None,
) -> Any:
    """The distinct elements (or slices along `axis`) in order; on request the place of each one's first
    occurrence, the place of every element among them, and how often each occurs.

    The gradient of a distinct element goes to its first occurrence.
    """
    a = array_of(ar, "unique")
    _, first, inverse, counts = numpy.unique(
        a.asnumpy(), return_index=True, return_inverse=True, return_counts=True, axis=axis
    )
    a, at = _flat(a, axis)
    values = a[(slice(None),) * at + (first,)]
    out = [values]
    for wanted, places in (
        (return_index, first),
        (return_inverse, inverse.reshape(-1)),
        (return_counts, counts),
    ):
        if wanted:
            out.append(_placed(places, a))
    return out[0] if len(out) == 1 else tuple(out)


@NP.adapter("unique_values")
def unique_values(x: Any) -> Any:
    """The distinct elements in order."""
    return unique(x)


@NP.adapter("unique_inverse")
def unique_inverse(x: Any) -> Any:
    """(values, inverse_indices): the distinct elements, and the place of every element among them."""
    x = array_of(x, "unique_inverse")
    values, inverse = unique(x, return_inverse=True)
    return UniqueInverse(values, F.reshape(inverse, shape=x.shape))


@NP.adapter("unique_all")
def unique_all(x: Any) -> Any:
    """(values, indices, inverse_indices, counts) of the distinct elements."""
    x = array_of(x, "unique_all")
    values, first, inverse, counts = unique(x, True, True, True)
    return UniqueAll(values, first, F.reshape(inverse, shape=x.shape), counts)


@NP.adapter("in1d", arrays=2)
def in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """`isin` of the flattened array."""
    flat = F.reshape(array_of(ar1, "in1d"), shape=(-1,))
    return NP.function("isin")(flat, ar2, assume_unique=assume_unique, invert=invert)


@NP.adapter("partition")
def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None) -> Any:
    """The elements rearranged along `axis` so that those before place `kth` are not larger and those after
    not smaller: sorted, which is one such order.
    """
    if order is not None:
        raise InvalidTypeError("partition: arrays have no fields to order by")
    a, at = _flat(array_of(a, "partition"), axis)
    n = a.shape[at]
    for k in (kth,) if isinstance(kth, Integral) else kth:
        if not -n <= k < n:
            raise InvalidValueError(f"partition: kth={k} is out of bounds for an axis of length {n}")
    return sort(a, at)


# equality -----------------------------------------------------------------------------------------------


def _comparable(a: Any, b: Any, what: str) -> tuple[Any, Any]:
    ctx = place((a, b))
    first, second = (
        array_of(v if isinstance(v, (BaseArray, int, float)) else host_array(v), what, ctx) for v in (a, b)
    )
    return first, second


@NP.adapter("isclose", arrays=2)
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Where \\|a - b\\| <= atol + rtol \\|b\\|; equal infinities are close, nan only with `equal_nan`."""
    if all(map(alone, (a, b, rtol, atol, equal_nan))):
        return bool(numpy.isclose(a, b, rtol, atol, equal_nan))
    a, b = _comparable(a, b, "isclose")
    near = F.logical_and(
        F.isfinite(b), F.less_equal(F.abs(_signed(a) - _signed(b)), F.abs(_signed(b)) * rtol + atol)
    )
    result = F.logical_or(near, F.equal(a, b))
    return F.logical_or(result, F.logical_and(F.isnan(a), F.isnan(b))) if equal_nan else result


def _signed(a: Any) -> Any:
    """In floats, so that differences of unsigned integers and bools are what they should be."""
    return a if a.dtype.kind == "f" else F.cast(a, dtype=numpy.float64)


@NP.adapter("allclose", arrays=2)
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere."""
    close = isclose(a, b, rtol, atol, equal_nan)
    return close if isinstance(close, bool) else bool(F.all(close))


@NP.adapter("array_equal", arrays=2)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    """Whether two arrays have the same shape and elements."""
    a, b = _comparable(a1, a2, "array_equal")
    if a.shape != b.shape:
        return False
    same = F.equal(a, b)
    return bool(F.all(F.logical_or(same, F.logical_and(F.isnan(a), F.isnan(b))) if equal_nan else same))


@NP.adapter("array_equiv", arrays=2)
def array_equiv(a1: Any, a2: Any) -> bool:
    """Whether two arrays are equal once broadcast to a common shape."""
    a, b = _comparable(a1, a2, "array_equiv")
    try:
        return bool(F.all(F.equal(a, b)))
    except InvalidValueError:
        return False
