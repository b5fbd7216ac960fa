"""Functions that rearrange, join, split and extend arrays, with NumPy's signatures."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError, as_indices
from ..invoke import F
from ..ndarray import BaseArray
from ..ops.shape import product
from .array import host_array, ndarray, reshaped
from .calculate import alone
from .functions import NP, array_of, arrays_of, axes_of, deliver, place


@NP.adapter("reshape")
def reshape(a: Any, newshape: Any = None, order: str = "C", out: Any = None, *, shape: Any = None) -> Any:
    """A copy under another shape (`shape` is another name of `newshape`); one length may be -1."""
    target = newshape if shape is None else shape
    if target is None:
        raise InvalidTypeError("reshape: give a shape")
    return deliver(out, reshaped(array_of(a, "reshape"), target, order), "reshape")


@NP.adapter("ravel")
def ravel(x: Any, order: str = "C") -> Any:
    """A copy with one axis."""
    return reshaped(array_of(x, "ravel"), (-1,), order)


@NP.adapter("rollaxis")
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """One axis moved so that it stands before the axis `start`."""
    a = array_of(a, "rollaxis")
    (axis,) = axes_of(axis, a.ndim)
    start = start + a.ndim if start < 0 else start
    if not 0 <= start <= a.ndim:
        raise InvalidValueError(f"rollaxis: start {start} is out of range for an array with {a.ndim} axes")
    return F.moveaxis(a, source=axis, destination=start - (axis < start))


@NP.adapter("fliplr")
def fliplr(m: Any) -> Any:
    """The order of the second axis reversed."""
    return F.flip(array_of(m, "fliplr"), axis=1)


@NP.adapter("flipud")
def flipud(m: Any) -> Any:
    """The order of the first axis reversed."""
    return F.flip(array_of(m, "flipud"), axis=0)


def _at_least(n: int, names: str, doc: str) -> None:
    def function(*arys: Any) -> Any:
        out = [_padded(NP.function("asarray")(a) if alone(a) else array_of(a, names), n) for a in arys]
        return out[0] if len(out) == 1 else out

    function.__name__ = function.__qualname__ = names
    function.__doc__ = f"Each array with {doc}; one array for one argument, a list for several."
    NP.adapter(names, arrays="*")(function)


def _padded(a: Any, n: int) -> Any:
    if a.ndim >= n:
        return a
    shape = (1,) * (n - a.ndim) + a.shape
    if n == 3:  # NumPy's atleast_3d puts a new axis last, and around a single one
        shape = a.shape + (1,) if a.ndim == 2 else (1,) + a.shape + (1,) if a.ndim == 1 else (1, 1, 1)
    return F.reshape(a, shape=shape)


_at_least(1, "atleast_1d", "at least one axis")
_at_least(2, "atleast_2d", "at least two axes")
_at_least(3, "atleast_3d", "at least three axes")


@NP.adapter("broadcast_to")
def broadcast_to(array: Any, shape: Any) -> Any:
    """The array repeated along new axes and axes of length 1 to fill `shape`; a copy."""
    return F.broadcast_to(
        array_of(array, "broadcast_to"), shape=(shape,) if isinstance(shape, Integral) else tuple(shape)
    )


@NP.adapter("broadcast_arrays", arrays="*")
def broadcast_arrays(*args: Any) -> list[Any]:
    """The arrays repeated to their common shape; copies."""
    arrays = arrays_of(args, "broadcast_arrays")
    try:
        shape = numpy.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        raise InvalidValueError(
            f"broadcast_arrays: shapes {', '.join(str(a.shape) for a in arrays)} do not broadcast together"
        ) from None
    return [F.broadcast_to(a, shape=shape) for a in arrays]


# joining ------------------------------------------------------------------------------------------------


@NP.adapter("concatenate concat", arrays="list")
def concatenate(seq: Any, axis: int | None = 0, out: Any = None, *, dtype: Any = None) -> Any:
    """Arrays joined along an axis; flattened first if `axis` is None.

    >>> from mxgrad import np
    >>> np.concatenate([np.ones(2), np.zeros(1)])
    array([1., 1., 0.])
    """
    result = F.concatenate(*_some(seq, "concatenate"), axis=axis)
    return deliver(out, result if dtype is None else result.astype(dtype, copy=False), "concatenate")


def _some(seq: Any, what: str) -> list[Any]:
    arrays = arrays_of(seq, what)
    if not arrays:
        raise InvalidValueError(f"{what}: need at least one array")
    return arrays


@NP.adapter("stack", arrays="list")
def stack(arrays: Any, axis: int = 0, out: Any = None) -> Any:
    """Arrays of one shape joined along a new axis."""
    return deliver(out, F.stack(*_some(arrays, "stack"), axis=axis), "stack")


@NP.adapter("vstack row_stack", arrays="list")
def vstack(arrays: Any, out: Any = None) -> Any:
    """Arrays joined along their first axis; those with one axis are rows."""
    joined = F.concatenate(*(_padded(a, 2) for a in _some(arrays, "vstack")), axis=0)
    return deliver(out, joined, "vstack")


@NP.adapter("hstack", arrays="list")
def hstack(arrays: Any) -> Any:
    """Arrays joined along their second axis, or their only one."""
    given = [_padded(a, 1) for a in _some(arrays, "hstack")]
    return F.concatenate(*given, axis=0 if given[0].ndim == 1 else 1)


@NP.adapter("dstack", arrays="list")
def dstack(arrays: Any) -> Any:
    """Arrays joined along a third axis."""
    return F.concatenate(*(_padded(a, 3) for a in _some(arrays, "dstack")), axis=2)


@NP.adapter("column_stack", arrays="list")
def column_stack(tup: Any) -> Any:
    """Arrays joined along their second axis; those with one axis are columns."""
    given = _some(tup, "column_stack")
    return F.concatenate(*(F.reshape(a, shape=(-1, 1)) if a.ndim < 2 else a for a in given), axis=1)


@NP.adapter("append")
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Two arrays joined along an axis, flattened without one."""
    return F.concatenate(*arrays_of([arr, values], "append"), axis=axis)


# splitting ----------------------------------------------------------------------------------------------


@NP.adapter("split")
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """The pieces between the places `indices_or_sections`, or that many equal ones, along `axis`."""
    return _pieces(array_of(ary, "split"), indices_or_sections, axis, True)


@NP.adapter("array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As `split`, but a number of pieces need not divide the axis: the first ones are longer by one."""
    return _pieces(array_of(ary, "array_split"), indices_or_sections, axis, False)


_PIECES = 1 << 20       # no axis divides into more without there being an empty one


def _pieces(a: Any, cuts: Any, axis: int, equal: bool) -> list[Any]:
    if isinstance(cuts, BaseArray):
        cuts = cuts.tolist()
    if isinstance(cuts, (int, numpy.integer)):
        sections = int(cuts)
        (at,) = axes_of(axis, a.ndim)
        n = a.shape[at]
        if sections < 1 or equal and n % sections:
            raise InvalidValueError(
                f"array split of {n} into {sections} does not result in an equal division"
            )
        if sections > max(n, _PIECES):
            raise InvalidValueError(f"array split of {n} into {sections}: that is too many pieces")
        size, longer = divmod(n, sections)
        cuts = [i * size + min(i, longer) for i in range(1, sections)]
    return list(F.split(a, indices_or_sections=tuple(int(c) for c in cuts), axis=axis))


@NP.adapter("hsplit")
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the second axis, or the only one."""
    a = array_of(ary, "hsplit")
    if a.ndim < 1:
        raise InvalidValueError("hsplit only works on arrays of 1 or more dimensions")
    return _pieces(a, indices_or_sections, 0 if a.ndim == 1 else 1, True)


@NP.adapter("vsplit")
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the first axis of an array with at least two."""
    a = array_of(ary, "vsplit")
    if a.ndim < 2:
        raise InvalidValueError("vsplit only works on arrays of 2 or more dimensions")
    return _pieces(a, indices_or_sections, 0, True)


@NP.adapter("dsplit")
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the third axis."""
    a = array_of(ary, "dsplit")
    if a.ndim < 3:
        raise InvalidValueError("dsplit only works on arrays of 3 or more dimensions")
    return _pieces(a, indices_or_sections, 2, True)


# repeating, padding, inserting --------------------------------------------------------------------------


@NP.adapter("repeat")
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated in place, along `axis` or over the flattened array; `repeats` is a number, or
    one for each place of the axis.
    """
    a = array_of(a, "repeat")
    if isinstance(repeats, (int, numpy.integer)):
        return F.repeat(a, repeats=int(repeats), axis=axis)
    host = repeats.asnumpy() if isinstance(repeats, BaseArray) else numpy.asarray(repeats)
    counts = as_indices(host, "repeats").reshape(-1)
    if axis is None:
        a, axis = F.reshape(a, shape=(-1,)), 0
    (axis,) = axes_of(axis, a.ndim)
    if counts.size not in (1, a.shape[axis]):
        raise InvalidValueError(f"repeat: {counts.size} counts for an axis of length {a.shape[axis]}")
    return at_places(a, numpy.repeat(numpy.arange(a.shape[axis]), counts), axis)


def at_places(a: Any, places: numpy.ndarray, axis: int) -> Any:
    """The places (known on the host) of one axis; the gradient of a place named twice is the sum."""
    return a[(slice(None),) * axis + (places,)]


@NP.adapter("resize")
def resize(a: Any, new_shape: Any) -> Any:
    """The elements, repeated as often as it takes, under a shape of any size."""
    a = F.reshape(array_of(a, "resize"), shape=(-1,))
    shape = (new_shape,) if isinstance(new_shape, Integral) else tuple(new_shape)
    n = product(shape)
    if not a.size:
        return NP.function("zeros")(shape, dtype=a.dtype, ctx=a._ctx)
    return F.reshape(at_places(a, numpy.arange(n) % a.size, 0), shape=shape)


@NP.adapter("pad")
def pad(x: Any, pad_width: Any = None, mode: str = "constant", **kwargs: Any) -> Any:
    """Elements added around: `pad_width` of them, or (before, after), or such a pair for each axis.

    mode is constant (with `constant_values`, given as `pad_width` is), edge, reflect, symmetric, wrap,
    maximum, minimum or mean.
    """
    x = array_of(x, "pad")
    if pad_width is None:
        raise InvalidTypeError("pad: give pad_width")
    widths = _pairs(pad_width, x.ndim, "pad_width")
    fill = kwargs.pop("constant_values", 0) if mode == "constant" else 0
    if kwargs:
        raise InvalidTypeError(f"pad: unsupported keyword argument {next(iter(kwargs))!r} for mode {mode!r}")
    if any(int(n) != n or n < 0 for pair in widths for n in pair):
        raise InvalidValueError(f"pad: pad_width is made of numbers that are not negative, got {pad_width}")
    widths = [(int(b), int(e)) for b, e in widths]
    if mode == "constant":
        values = _pairs(fill, x.ndim, "constant_values")
        if len({v for pair in values for v in pair}) <= 1:
            return F.pad(x, pad_width=tuple(widths), mode=mode, constant_value=values[0][0] if values else 0)
    elif mode in ("edge", "reflect", "symmetric"):
        return F.pad(x, pad_width=tuple(widths), mode=mode)
    elif mode not in ("wrap", "maximum", "minimum", "mean"):
        raise InvalidValueError(f"pad: unknown mode {mode!r}")
    for axis, (before, after) in enumerate(widths):
        n = x.shape[axis]
        if mode == "wrap":
            if not n and before + after:
                raise InvalidValueError("pad: an axis of length 0 cannot be wrapped")
            x = at_places(x, numpy.arange(-before, n + after) % max(n, 1), axis)
            continue
        if mode == "constant":
            ends = [F.fill(x, shape=(), dtype=x.dtype, value=v) for v in values[axis]]
        else:
            op = {"maximum": F.max, "minimum": F.min, "mean": F.mean}[mode]
            ends = [op(x, axis=axis, keepdims=True)] * 2
        blocks = [
            F.broadcast_to(e, shape=tuple(k if i == axis else m for i, m in enumerate(x.shape)))
            for e, k in zip(ends, (before, after))
        ]
        x = F.concatenate(blocks[0], x, blocks[1], axis=axis)
    return x


def _pairs(given: Any, ndim: int, what: str) -> list[tuple[Any, Any]]:
    """One (before, after) for each axis, from a number, a pair, or a pair for each axis."""
    try:
        pairs = numpy.broadcast_to(numpy.asarray(given), (ndim, 2)).tolist()
        return [(before, after) for before, after in pairs]
    except ValueError:
        raise InvalidValueError(f"pad: {what} {given!r} does not fit an array with {ndim} axes") from None


def _places(obj: Any, n: int, what: str) -> numpy.ndarray:
    """Places of an axis of length n, named by a number, a slice or a sequence."""
    if isinstance(obj, slice):
        return numpy.arange(*obj.indices(n))
    host = obj.asnumpy() if isinstance(obj, BaseArray) else host_array(obj)
    if host.dtype.kind == "b":
        return numpy.flatnonzero(host)
    return as_indices(host)  # type: ignore[no-any-return]


@NP.adapter("delete")
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """The array without the places `obj` (a number, a slice or several numbers) of one axis, flattened
    without one.
    """
    a = array_of(arr, "delete")
    if axis is None:
        a, axis = F.reshape(a, shape=(-1,)), 0
    (axis,) = axes_of(axis, a.ndim)
    n = a.shape[axis]
    places = _places(obj, n, "delete").reshape(-1)
    if ((places < -n) | (places >= n)).any():
        raise InvalidValueError(f"delete: {obj} is out of bounds for axis {axis} with size {n}")
    keep = numpy.ones(n, bool)
    keep[places] = False
    return at_places(a, numpy.flatnonzero(keep), axis)


@NP.adapter("insert")
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The array with `values` put in before the places `obj` of one axis, flattened without one."""
    a = array_of(arr, "insert")
    if axis is None:
        a, axis = F.reshape(a, shape=(-1,)), 0
    (axis,) = axes_of(axis, a.ndim)
    n = a.shape[axis]
    places = _places(obj, n, "insert")
    single = places.ndim == 0
    places = places.reshape(-1)
    if ((places < -n) | (places > n)).any():
        raise InvalidValueError(f"insert: {obj} is out of bounds for axis {axis} with size {n}")
    places = numpy.where(places < 0, places + n, places)
    values = array_of(
        values if isinstance(values, (BaseArray, numpy.ndarray, int, float)) else host_array(values),
        "insert",
        a._ctx,
    )
    count = places.size
    if single:  # one place takes any number of values, which stand on their first axis
        values = F.reshape(values, shape=(1,) * (a.ndim - values.ndim) + values.shape)
        values = F.moveaxis(values, source=0, destination=axis)
        count = values.shape[axis]
        places = numpy.repeat(places, count)
    shape = tuple(count if i == axis else m for i, m in enumerate(a.shape))
    block = F.broadcast_to(F.cast(values, dtype=a.dtype), shape=shape)
    order = numpy.argsort(numpy.concatenate([places, numpy.arange(n) + 0.5]), kind="stable")
    source = numpy.where(order < count, n + order, order - count)
    return at_places(F.concatenate(a, block, axis=axis), source, axis)


# diagonals and triangles --------------------------------------------------------------------------------


def _triangle(name: str, side: str) -> None:
    def function(m: Any, k: int = 0) -> Any:
        return getattr(F, name)(array_of(m, name), k=k)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The matrices with zeros {side} diagonal `k`."
    NP.adapter(name)(function)


_triangle("tril", "above")
_triangle("triu", "below")


@NP.adapter("diagonal")
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonal `offset` of the matrices in two axes, as a new last axis; a copy."""
    return F.diagonal(array_of(a, "diagonal"), offset=offset, axis1=axis1, axis2=axis2)


@NP.adapter("trace")
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, out: Any = None) -> Any:
    """Sum along diagonal `offset` of the matrices in two axes."""
    return deliver(out, F.sum(diagonal(a, offset, axis1, axis2), axis=-1), "trace")


@NP.adapter("diag")
def diag(array: Any, k: int = 0) -> Any:
    """Diagonal `k` of a matrix; or the square matrix with the elements of one axis on diagonal `k`."""
    a = array_of(array, "diag")
    if a.ndim not in (1, 2):
        raise InvalidValueError(f"diag: takes one or two axes, got shape {a.shape}")
    return F.diag(a, k=k)


@NP.adapter("diagflat")
def diagflat(array: Any, k: int = 0) -> Any:
    """The square matrix with the flattened elements on diagonal `k`."""
    return diag(F.reshape(array_of(array, "diagflat"), shape=(-1,)), k)


@NP.adapter("fill_diagonal")
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write `val` on the main diagonal of `a`, in place; with `wrap` it starts again below a square."""
    if not isinstance(a, ndarray):
        raise InvalidTypeError(f"fill_diagonal: takes an array, got {type(a)}")
    if a.ndim < 2 or a.ndim > 2 and len(set(a.shape)) != 1:
        raise InvalidValueError(f"fill_diagonal: needs two axes, or more of one length, got shape {a.shape}")
    n = min(a.shape)
    if wrap and a.ndim == 2:
        flat = numpy.arange(0, a.size, a.shape[1] + 1)
        a[flat // a.shape[1], flat % a.shape[1]] = val
    else:
        a[(numpy.arange(n),) * a.ndim] = val


# shapes asked for ---------------------------------------------------------------------------------------


@NP.adapter("shape")
def shape(a: Any) -> tuple[int, ...]:
    """The lengths of the axes."""
    return a.shape if isinstance(a, BaseArray) else numpy.shape(a)


@NP.adapter("ndim")
def ndim(a: Any) -> int:
    """The number of axes."""
    return len(shape(a))


@NP.adapter("size")
def size(a: Any, axis: int | None = None) -> int:
    """The number of elements, or the length of one axis."""
    return product(shape(a)) if axis is None else shape(a)[axis]


@NP.adapter("may_share_memory shares_memory", arrays=2)
def may_share_memory(a: Any, b: Any, max_work: int | None = None) -> bool:
    """Whether two arrays look at the same memory."""
    ctx = place((a, b))
    raws = [v._data if isinstance(v, BaseArray) else v for v in (a, b)]
    return bool(ctx.backend.xp.may_share_memory(*raws))


@NP.adapter("ix_", arrays="*")
def ix_(*args: Any) -> tuple[Any, ...]:
    """Index arrays that pick the grid the 1-D sequences `args` span."""
    out = []
    for i, a in enumerate(args):
        host = _places(a, 0, "ix_")
        if host.ndim != 1:
            raise InvalidValueError("ix_: each argument is a sequence with one axis")
        out.append(
            NP.function("array")(
                host.reshape(tuple(-1 if d == i else 1 for d in range(len(args)))), dtype="int64"
            )
        )
    return tuple(out)
