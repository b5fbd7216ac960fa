"""Functions of numerical analysis and of the array API: gradients of samples, special functions, joining and
splitting by other names, products of vectors and matrices.
"""

from __future__ import annotations

from collections import namedtuple
from math import log, pi
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError, as_dtype, as_indices
from ..invoke import F
from ..ndarray import BaseArray
from .calculate import alone
from .array import default_float
from .functions import NP, alias, array_of, axes_of, deliver, place
from .order import unique


def _float(x: Any, what: str) -> Any:
    x = array_of(x, what)
    return x if x.dtype.kind == "f" else F.cast(x, dtype=default_float())


@NP.adapter("sinc")
def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at 0.

    >>> from mxgrad import np
    >>> np.sinc(np.array([0., 0.5])).round(4)
    array([1.    , 0.6366])
    """
    y = _float(x, "sinc") * pi
    # Near 0 the series, whose derivatives are right where those of the quotient are 0/0.
    near = F.less(F.abs(y), 0.02)
    square = F.where(near, y * y, 0)
    far = F.where(near, 1, y)
    return F.where(near, 1 - square / 6 * (1 - square / 20 * (1 - square / 42)), F.sin(far) / far)


@NP.adapter("logaddexp2", arrays=2)
def logaddexp2(x1: Any, x2: Any) -> Any:
    """log2(2 ** x1 + 2 ** x2), without overflow."""
    ctx = place((x1, x2))
    x1, x2 = (_float(array_of(x, "logaddexp2", ctx), "logaddexp2") for x in (x1, x2))
    return F.logaddexp(x1 * log(2), x2 * log(2)) / log(2)


@NP.adapter("float_power", arrays=2)
def float_power(x1: Any, x2: Any, out: Any = None) -> Any:
    """x1 to the power x2, computed in float64.

    >>> from mxgrad import np
    >>> np.float_power(np.array([2, 3]), -1)
    array([0.5       , 0.33333333], dtype=float64)
    """
    if alone(x1) and alone(x2):
        return float(numpy.float_power(x1, x2))
    ctx = place((x1, x2))
    x1, x2 = (F.cast(array_of(x, "float_power", ctx), dtype=numpy.float64) for x in (x1, x2))
    return deliver(out, F.power(x1, x2), "float_power")


@NP.adapter("gradient")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The derivative of samples along each axis: central differences, and one-sided ones at the ends, of
    order `edge_order` (1 or 2).

    `varargs` are the distances of the samples, one for all axes or one for each: numbers, or arrays of
    coordinates.  One array for one axis, otherwise a list; `axis` chooses axes.

    >>> from mxgrad import np
    >>> np.gradient(np.array([1., 2., 4., 7.]))
    array([1. , 1.5, 2.5, 3. ])
    """
    f = _float(f, "gradient")
    axes = axes_of(tuple(axis) if isinstance(axis, list) else axis, f.ndim)
    steps = list(varargs) or [1.0]
    if len(steps) == 1:
        if getattr(steps[0], "ndim", 0) and len(axes) > 1:
            raise InvalidTypeError(f"gradient: one array of coordinates for {len(axes)} axes")
        steps = steps * len(axes)
    if len(steps) != len(axes):
        raise InvalidTypeError(f"gradient: {len(varargs)} distances for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise InvalidValueError(f"gradient: edge_order is 1 or 2, not {edge_order!r}")
    found = [_slope(f, step, i, edge_order) for step, i in zip(steps, axes)]
    return found[0] if len(found) == 1 else found


def _slope(f: Any, step: Any, axis: int, edge_order: int) -> Any:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise InvalidValueError(
            f"gradient: {n} samples along axis {axis} are too few, edge_order {edge_order} needs "
            f"{edge_order + 1}"
        )
    lead = (slice(None),) * axis

    def at(start: int | None, stop: int | None) -> Any:
        return f[lead + (slice(start, stop),)]

    if getattr(step, "ndim", 0):
        x = array_of(step, "gradient", f._ctx)
        if x.shape != (n,):
            raise InvalidValueError(f"gradient: coordinates of shape {x.shape} for {n} samples")
        d = x[1:] - x[:-1]
        d = F.reshape(d, shape=(-1,) + (1,) * (f.ndim - axis - 1))
        h, k = d[:-1], d[1:]
        first, last = d[:1], d[-1:]
        h0, k0, h1, k1 = d[:1], d[1:2], d[-2:-1], d[-1:]
    else:
        h = k = first = last = h0 = k0 = h1 = k1 = step
    middle = (at(2, None) * (h / (k * (h + k))) + at(1, -1) * ((k - h) / (h * k))
              - at(None, -2) * (k / (h * (h + k))))
    if edge_order == 1:
        begin, end = (at(1, 2) - at(0, 1)) / first, (at(-1, None) - at(-2, -1)) / last
    else:
        begin = (at(1, 2) * ((h0 + k0) / (h0 * k0)) - at(0, 1) * ((2 * h0 + k0) / (h0 * (h0 + k0)))
                 - at(2, 3) * (h0 / (k0 * (h0 + k0))))
        end = (at(-1, None) * ((2 * k1 + h1) / (k1 * (h1 + k1))) - at(-2, -1) * ((h1 + k1) / (h1 * k1))
               + at(-3, -2) * (k1 / (h1 * (h1 + k1))))
    return F.concatenate(begin, middle, end, axis=axis)


# the array API --------------------------------------------------------------------------------------------


@NP.adapter("astype")
def astype(x: Any, dtype: Any, *, copy: bool = True, device: Any = None) -> Any:
    """`x` in another dtype; with ``copy=False`` the array itself where nothing changes."""
    out = array_of(x, "astype").astype(dtype, copy=copy)
    return out if device is None else out.as_in_context(device)


@NP.adapter("isdtype", arrays=0)
def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind: 'bool', 'signed integer', 'unsigned integer', 'integral', 'real
    floating', 'complex floating', 'numeric', a dtype, or a tuple of these.
    """
    kinds = {"bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu",
             "real floating": "f", "complex floating": "", "numeric": "iuf"}
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str) and kind in kinds:
        return as_dtype(dtype).kind in kinds[kind]
    if isinstance(kind, str) and " " in kind:
        raise InvalidValueError(f"isdtype: kind is a dtype or one of {', '.join(kinds)}, not {kind!r}")
    return as_dtype(dtype) == as_dtype(kind)


@NP.adapter("unstack")
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis, without it."""
    x = array_of(x, "unstack")
    (axis,) = axes_of(axis, x.ndim)
    return tuple(x[(slice(None),) * axis + (i,)] for i in range(x.shape[axis]))


def _cumulative(name: str, running: str, neutral: int) -> None:
    def function(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        x = array_of(x, name)
        if axis is None:
            if x.ndim > 1:
                raise InvalidValueError(f"{name}: name the axis of an array of shape {x.shape}")
            axis = 0
        (axis,) = axes_of(axis, x.ndim)
        result = NP.function(running)(x, axis, dtype)
        if include_initial:
            shape = tuple(1 if i == axis else n for i, n in enumerate(x.shape))
            start = F.fill(result, shape=shape, dtype=result.dtype, value=neutral)
            result = F.concatenate(start, result, axis=axis)
        return deliver(out, result, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"`{running}` along an axis, which must be named if there are several; with `include_initial` it "
        f"begins with {neutral}."
    )
    NP.adapter(name)(function)


_cumulative("cumulative_sum", "cumsum", 0)
_cumulative("cumulative_prod", "cumprod", 1)

UniqueCounts = namedtuple("UniqueCounts", "values counts")


@NP.adapter("unique_counts")
def unique_counts(x: Any) -> Any:
    """(values, counts) of the distinct elements."""
    return UniqueCounts(*unique(x, return_counts=True))


@NP.adapter("matvec", arrays=2)
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors in the last axes, the others broadcast."""
    ctx = place((x1, x2))
    x1, x2 = array_of(x1, "matvec", ctx), array_of(x2, "matvec", ctx)
    return F.matmul(x1, F.expand_dims(x2, axis=-1))[..., 0]


@NP.adapter("vecmat", arrays=2)
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices in the last axes, the others broadcast."""
    ctx = place((x1, x2))
    x1, x2 = array_of(x1, "vecmat", ctx), array_of(x2, "vecmat", ctx)
    return F.matmul(F.expand_dims(x1, axis=-2), x2)[..., 0, :]


@NP.adapter("block", arrays=0)
def block(arrays: Any) -> Any:
    """One array of nested lists of blocks: the innermost are joined along the last axis, those around them
    along the one before, and so on.

    >>> from mxgrad import np
    >>> np.block([[np.ones((1, 1)), np.zeros((1, 2))], [np.zeros((1, 3))]])
    array([[1., 0., 0.],
           [0., 0., 0.]])
    """

    def depth_of(part: Any) -> int:
        if not isinstance(part, list):
            return 0
        depths = {depth_of(p) for p in part}
        if len(depths) != 1:
            raise InvalidValueError("block: lists are nested equally deep and not empty")
        return 1 + depths.pop()

    def leaves(part: Any) -> list[Any]:
        return [leaf for p in part for leaf in leaves(p)] if isinstance(part, list) else [part]

    ctx = place(leaves(arrays))
    depth = depth_of(arrays)
    least = max([depth] + [getattr(leaf, "ndim", 0) for leaf in leaves(arrays)])

    def joined(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            a = array_of(part, "block", ctx)
            return F.reshape(a, shape=(1,) * (least - a.ndim) + a.shape)
        return F.concatenate(*(joined(p, level - 1) for p in part), axis=-level)

    return joined(arrays, depth)


# asked of numbers that are never complex ------------------------------------------------------------------


@NP.adapter("isreal")
def isreal(x: Any) -> Any:
    """True everywhere: arrays hold no complex numbers."""
    x = array_of(x, "isreal")
    return F.fill(x, shape=x.shape, dtype=numpy.bool_, value=True)


@NP.adapter("iscomplex")
def iscomplex(x: Any) -> Any:
    """False everywhere: arrays hold no complex numbers."""
    return F.logical_not(isreal(x))


@NP.adapter("real_if_close")
def real_if_close(a: Any, tol: float = 100) -> Any:
    """The array itself: it is real."""
    return array_of(a, "real_if_close")


@NP.adapter("iscomplexobj", arrays=0)
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex, which no array of ours has."""
    return not isinstance(x, BaseArray) and bool(numpy.iscomplexobj(x))


@NP.adapter("isrealobj", arrays=0)
def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex: true of every array of ours."""
    return not iscomplexobj(x)


@NP.adapter("isscalar", arrays=0)
def isscalar(element: Any) -> bool:
    """Whether `element` is a number or text rather than an array or a sequence."""
    return alone(element) or isinstance(element, (str, bytes, complex))


# asked of arrays, and printed -----------------------------------------------------------------------------


@NP.adapter("array_repr")
def array_repr(arr: Any, max_line_width: int | None = None, precision: int | None = None,
               suppress_small: bool | None = None) -> str:
    """The text ``repr(arr)`` gives, with the printing options given."""
    with _printed(max_line_width, precision, suppress_small):
        return repr(array_of(arr, "array_repr"))


@NP.adapter("array_str")
def array_str(a: Any, max_line_width: int | None = None, precision: int | None = None,
              suppress_small: bool | None = None) -> str:
    """The text ``str(a)`` gives, with the printing options given."""
    with _printed(max_line_width, precision, suppress_small):
        return str(array_of(a, "array_str"))


def _printed(width: int | None, precision: int | None, suppress: bool | None) -> Any:
    given: dict[str, Any] = {"linewidth": width, "precision": precision, "suppress": suppress}
    return numpy.printoptions(**{k: v for k, v in given.items() if v is not None})


def _finite(a: Any) -> Any:
    if a.dtype.kind == "f" and not bool(F.all(F.isfinite(a))):
        raise InvalidValueError("asarray_chkfinite: the array has infinities or nan")
    return a


@NP.adapter("asarray_chkfinite", arrays=0)
def asarray_chkfinite(a: Any, dtype: Any = None) -> Any:
    """`asarray`, refusing infinities and nan."""
    return _finite(NP.function("asarray")(a, dtype))


@NP.adapter("broadcast_shapes", arrays=0)
def broadcast_shapes(*args: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes have in common after broadcasting."""
    if any(isinstance(a, BaseArray) for a in args):
        raise InvalidTypeError("broadcast_shapes: takes shapes, integers or tuples of them, not arrays")
    try:
        return numpy.broadcast_shapes(*args)
    except ValueError:
        raise InvalidValueError(
            f"broadcast_shapes: {', '.join(map(str, args))} do not broadcast together") from None


@NP.adapter("ravel_multi_index", arrays=0)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Places in the flattened array of the points with these coordinates, one array per axis: int64; undoes
    `unravel_index`.
    """
    like = place(multi_index if isinstance(multi_index, (list, tuple)) else (multi_index,))
    hosts = tuple(
        as_indices(numpy.asarray(i.asnumpy() if isinstance(i, BaseArray) else i)) for i in multi_index
    )
    try:
        flat: Any = numpy.ravel_multi_index(hosts, dims, mode=mode, order="F" if order == "F" else "C")
    except ValueError as error:
        raise InvalidValueError(f"ravel_multi_index: {error}") from None
    return NP.function("array")(flat, dtype=numpy.int64, ctx=like)


# in place -------------------------------------------------------------------------------------------------


def _target(a: Any, what: str) -> Any:
    if not isinstance(a, BaseArray):
        raise InvalidTypeError(f"{what}: takes an array to write into, got {type(a)}")
    return a


@NP.adapter("copyto", arrays=2)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Write `src`, broadcast, into `dst`, in place; only where `where` is true."""
    dst = _target(dst, "copyto")
    src = array_of(src, "copyto", dst._ctx)
    if not numpy.can_cast(src.dtype, dst._raw.dtype, casting):
        raise InvalidTypeError(
            f"copyto: {src.dtype.name} does not become {dst._raw.dtype.name} by casting={casting!r}"
        )
    if where is not True:
        same = F.copy(array_of(dst, "copyto"))
        src = F.where(array_of(where, "copyto", dst._ctx), F.cast(src, dtype=same.dtype), same)
    dst[...] = src


def _repeated(values: Any, n: int, like: Any, what: str) -> Any:
    """The elements of `values`, from the beginning again as often as it takes, n of them."""
    values = array_of(values if isinstance(values, BaseArray) else numpy.asarray(values), what, like._ctx)
    if not values.size and n:
        raise InvalidValueError(f"{what}: there are no values to write")
    return NP.function("resize")(values, (n,))


@NP.adapter("put")
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write the values `v`, repeated as needed, at the places `ind` of the flattened array, in place; places
    outside as in `take`.
    """
    a = _target(a, "put")
    host = as_indices(numpy.asarray(ind.asnumpy() if isinstance(ind, BaseArray) else ind)).reshape(-1)
    if mode == "wrap":
        host = host % max(a.size, 1)
    elif mode == "clip":
        host = numpy.clip(host, 0, max(a.size - 1, 0))
    elif mode != "raise":
        raise InvalidValueError(f"put: mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    outside = (host < -a.size) | (host >= a.size)
    if outside.any():
        raise InvalidValueError(f"put: place {host[outside][0]} is out of bounds for {a.size} elements")
    places = numpy.unravel_index(host % max(a.size, 1), a.shape) if host.size else ()
    if host.size:
        a[tuple(places)] = _repeated(v, host.size, a, "put")


@NP.adapter("place", arrays=2)
def place_values(arr: Any, mask: Any, vals: Any) -> None:
    """Write the values `vals`, one after the other, where `mask` is true, in place."""
    arr = _target(arr, "place")
    mask = _mask(mask, arr, "place")
    arr[mask] = _repeated(vals, int(F.sum(mask)), arr, "place")


@NP.adapter("putmask", arrays=2)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """Write where `mask` is true, in place, the element of `values` (repeated to the shape of `a`) of the
    same place.
    """
    a = _target(a, "putmask")
    mask = _mask(mask, a, "putmask")
    a[mask] = F.reshape(_repeated(values, a.size, a, "putmask"), shape=a.shape)[mask]


def _mask(mask: Any, a: Any, what: str) -> Any:
    mask = array_of(mask if isinstance(mask, BaseArray) else numpy.asarray(mask), what, a._ctx)
    if mask.shape != a.shape:
        raise InvalidValueError(f"{what}: a mask of shape {mask.shape} for an array of shape {a.shape}")
    return F.cast(mask, dtype=numpy.bool_)


@NP.adapter("put_along_axis", arrays=2)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write `values` where `take_along_axis` reads, in place."""
    arr = _target(arr, "put_along_axis")
    if axis is None:
        raise InvalidValueError("put_along_axis: name the axis")
    (axis,) = axes_of(axis, arr.ndim)
    at = array_of(indices, "put_along_axis", arr._ctx)
    if at.ndim != arr.ndim:
        raise InvalidValueError(f"put_along_axis: indices with {at.ndim} axes for an array with {arr.ndim}")
    grid: list[Any] = list(numpy.ogrid[tuple(slice(n) for n in arr.shape)])
    arr[tuple(grid[:axis] + [at] + grid[axis + 1 :])] = values


alias(asanyarray="asarray", ascontiguousarray="asarray")

