"""Functions of the user's, applied to parts of arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial, wraps
from numbers import Integral
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import Context
from ..invoke import F
from .array import host_array, ndarray
from .functions import NP, array_of, axes_of, place


@NP.adapter("apply_along_axis", arrays=0)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`func1d` called on every row along `axis`; what it gives stands in place of the axis."""
    a = array_of(arr, "apply_along_axis")
    (axis,) = axes_of(axis, a.ndim)
    moved = F.moveaxis(a, source=axis, destination=-1)
    lead = moved.shape[:-1]
    rows = F.reshape(moved, shape=(-1, moved.shape[-1]))
    results = [
        array_of(func1d(rows[i], *args, **kwargs), "apply_along_axis", a._ctx) for i in range(rows.shape[0])
    ]
    if not results:
        raise InvalidValueError("apply_along_axis: there is no row to apply the function to")
    joined = F.reshape(F.stack(*results, axis=0), shape=lead + results[0].shape)
    new = tuple(range(len(lead), joined.ndim))
    return F.moveaxis(joined, source=new, destination=tuple(range(axis, axis + len(new))))


@NP.adapter("apply_over_axes", arrays=0)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    """``func(a, axis)`` for one axis after the other; the number of axes is kept."""
    result = array_of(a, "apply_over_axes")
    for axis in (axes,) if isinstance(axes, Integral) else axes:
        reduced = func(result, axis)
        result = (
            reduced
            if reduced.ndim == result.ndim
            else F.expand_dims(reduced, axis=axes_of(axis, result.ndim)[0])
        )
    return result


@NP.adapter("ndenumerate", arrays=0)
def ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """An iterator over pairs: the place of an element as a tuple, and the element as an array without axes.
    """
    a = array_of(arr, "ndenumerate")
    return ((place, a[place]) for place in numpy.ndindex(a.shape))


def _core_axes(signature: str, count: int) -> list[list[str]]:
    """The names of the last axes that `signature`, such as '(n),(n)->()', gives each of `count` arguments."""
    group = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"
    inputs, _, outputs = signature.partition("->")
    if not all(re.fullmatch(rf"\s*{group}\s*(?:,\s*{group}\s*)*", part) for part in (inputs, outputs)):
        raise InvalidValueError(f"vectorize: not a valid signature: {signature!r}; one is '(m,n),(n)->(m)'")
    names = [re.findall(r"\w+", core) for core in re.findall(r"\(([^()]*)\)", inputs)]
    if len(names) != count:
        raise InvalidTypeError(
            f"vectorize: signature {signature!r} is of {len(names)} arguments, the call has {count}")
    return names


def _joined(results: list[Any], lead: tuple[int, ...], ctx: Context, dtype: Any) -> Any:
    """The results of calls, arrays or numbers, as one array, `lead` before their own axes."""
    arrays = [array_of(r, "vectorize", ctx) for r in results]
    if len({a.shape for a in arrays}) > 1:
        raise InvalidValueError("vectorize: the function gave results of several shapes")
    if not arrays:
        return wrap(ndarray, ctx.backend.from_host(numpy.zeros(lead, dtype)), ctx)
    joined = F.reshape(F.stack(*arrays, axis=0), shape=lead + arrays[0].shape)
    return joined if dtype is None else F.cast(joined, dtype=dtype)


@NP.adapter("vectorize", arrays=0)
def vectorize(
    pyfunc: Any = None, otypes: Any = None, doc: str | None = None, excluded: Any = (),
    signature: str | None = None,
) -> Any:
    """A function that calls `pyfunc` on one element after the other of arrays that broadcast, and joins what
    it gives: a number or an array without axes, or several of them as a tuple.

    It is a loop of Python's, for convenience and not for speed; elements come as arrays without axes, so that
    what is computed from them has gradients.  Without `pyfunc` it gives a decorator.
    """
    if pyfunc is None:
        return partial(vectorize, otypes=otypes, doc=doc, excluded=excluded, signature=signature)
    if not callable(pyfunc):
        raise InvalidTypeError(f"vectorize: pyfunc must be a function, got {type(pyfunc)}")
    dtypes = None if otypes is None else [as_dtype(t) for t in otypes]
    whole = frozenset(excluded or ())

    @wraps(pyfunc)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        named: dict[Any, Any] = {} if signature else kwargs
        given = {k: v for k, v in (*enumerate(args), *named.items()) if k not in whole}
        ctx = place(list(given.values()))
        arrays = {k: array_of(host_array(v) if isinstance(v, (list, tuple)) else v, "vectorize", ctx)
                  for k, v in given.items()}
        cores = _core_axes(signature, len(arrays)) if signature else [[] for _ in arrays]
        lengths: dict[str, int] = {}
        cells: dict[Any, list[Any]] = {}
        places: Any = []
        for (k, a), core in zip(arrays.items(), cores):
            split = a.ndim - len(core)
            if split < 0 or any(lengths.setdefault(c, n) != n for c, n in zip(core, a.shape[split:])):
                raise InvalidValueError(
                    f"vectorize: argument {k} of shape {a.shape} does not fit signature {signature!r}")
            lead = a.shape[:split]
            cells[k] = list(F.reshape(a, shape=(math.prod(lead), *a.shape[split:])))
            places.append(numpy.arange(math.prod(lead)).reshape(lead))
        try:
            places = numpy.broadcast_arrays(*places)
        except ValueError as error:
            raise InvalidValueError(f"vectorize: {error}") from None
        lead = places[0].shape if places else ()
        results = []
        for at in zip(*(p.ravel().tolist() for p in places)):
            each = {k: cells[k][i] for k, i in zip(cells, at)}
            results.append(pyfunc(*(each.get(i, v) for i, v in enumerate(args)),
                                  **{k: each.get(k, v) for k, v in kwargs.items()}))
        if not results and dtypes is None:
            raise InvalidValueError("vectorize: there is no element to call the function on; give otypes")
        several = isinstance(results[0], tuple) if results else len(dtypes or ()) != 1
        columns = list(zip(*results)) if several else [results]
        if dtypes is not None and several and not results:
            columns = [()] * len(dtypes)
        if dtypes is not None and len(columns) != len(dtypes):
            raise InvalidValueError(
                f"vectorize: the function gives {len(columns)} result(s), otypes has {len(dtypes)} dtype(s)")
        out = [_joined(list(c), lead, ctx, dtypes and dtypes[i]) for i, c in enumerate(columns)]
        return tuple(out) if several else out[0]

    if doc is not None:
        vectorized.__doc__ = doc
    return vectorized
