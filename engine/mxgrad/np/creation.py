"""Arrays from values, shapes and ranges.  They are float32 where no dtype is
given, float64 if `npx.set_np_default_dtype` says so.
"""

from __future__ import annotations

from contextlib import nullcontext
from operator import index
from typing import Any

import numpy

from ..array import wrap
from ..backend import quietly
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import Context, as_context
from ..invoke import F
from ..ndarray import BaseArray, to_context
from .array import default_float, defaults, host_array, ndarray
from .functions import NP, array_of, deliver, place, signed_as

_FLOAT32 = numpy.dtype("float32")
_CUDA = 2       # DLPack's number for the memory of NVIDIA devices


def _where(device: Any, ctx: Any) -> Context:
    if device is not None and ctx is not None:
        raise InvalidTypeError("give device or ctx, which are two names of one thing")
    return as_context(ctx if device is None else device)


def made(host: numpy.ndarray, dtype: Any, where: Context) -> Any:
    dtype = default_float() if dtype is None else as_dtype(dtype)
    with numpy.errstate(all="ignore"):
        return wrap(ndarray, where.backend.from_host(host.astype(dtype)), where)


@NP.adapter("array", arrays=0)
def array(object: Any, dtype: Any = None, device: Any = None, *, ctx: Any = None) -> Any:
    """A new array with the values of a (nested) sequence, a number, a NumPy array or an array.

    Without `dtype` it is float32; only arrays of ours and NumPy scalars keep their own.  A copy of a recorded
    array is recorded.  Raises InvalidTypeError for ragged lists, text and complex numbers.

    >>> from mxgrad import np
    >>> np.array([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    >>> np.array([1, 2], dtype="int64")
    array([1, 2], dtype=int64)
    """
    if isinstance(object, BaseArray):
        a = object.as_np_ndarray()  # type: ignore[attr-defined]
        out = F.copy(a) if dtype is None else F.cast(a, dtype=as_dtype(dtype))
        where = a._ctx if device is None and ctx is None else _where(device, ctx)
        return out if where is a._ctx else to_context(out, where)
    where = _where(device, ctx)
    if dtype is None and isinstance(
            object, (numpy.generic, numpy.ndarray) if defaults.float64 else numpy.generic):
        dtype = object.dtype
    try:
        given = host_array(object)
        if given.dtype.kind == "c":
            raise TypeError(f"complex numbers are not supported, got {object!r}")
        return made(given, dtype, where)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(str(error)) from None


@NP.adapter("asarray", arrays=0)
def asarray(obj: Any, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """`obj` itself if it is an array that fits and `copy` is not True, else `np.array` of it."""
    if (
        isinstance(obj, ndarray)
        and not copy
        and (dtype is None or as_dtype(dtype) == obj.dtype)
        and (device is None or as_context(device) is obj._ctx)
    ):
        return obj
    return array(obj, dtype, device)


def _shape(shape: Any) -> tuple[int, ...]:
    try:
        given = (int(shape),) if not isinstance(shape, (tuple, list)) else tuple(int(n) for n in shape)
    except (TypeError, ValueError):
        raise InvalidTypeError(f"a shape is a tuple of integers, got {shape!r}") from None
    if any(n < 0 for n in given):
        raise InvalidValueError(f"a shape has no negative lengths, got {given}")
    return given


def _check_order(order: str) -> None:
    if order not in ("C", "K", "A"):
        raise InvalidValueError(f"arrays are stored in C order, order={order!r} is not supported")


def _new(make: str, shape: Any, dtype: Any, order: str, where: Context, *more: Any) -> Any:
    _check_order(order)
    dtype = default_float() if dtype is None else as_dtype(dtype)
    backend = where.backend
    with backend.guard or nullcontext(), quietly():
        return wrap(ndarray, getattr(backend.xp, make)(_shape(shape), *more, dtype=dtype), where)


@NP.adapter("zeros", arrays=0)
def zeros(shape: Any, dtype: Any = None, order: str = "C", device: Any = None, *, ctx: Any = None) -> Any:
    """An array of zeros."""
    return _new("zeros", shape, dtype, order, _where(device, ctx))


@NP.adapter("ones", arrays=0)
def ones(shape: Any, dtype: Any = None, order: str = "C", device: Any = None, *, ctx: Any = None) -> Any:
    """An array of ones."""
    return _new("ones", shape, dtype, order, _where(device, ctx))


@NP.adapter("empty", arrays=0)
def empty(shape: Any, dtype: Any = None, order: str = "C", device: Any = None, *, ctx: Any = None) -> Any:
    """An array whose values are not set."""
    return _new("empty", shape, dtype, order, _where(device, ctx))


@NP.adapter("full", arrays=0)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", device: Any = None, out: Any = None, *,
    ctx: Any = None,
) -> Any:
    """An array filled with a number, or with an array repeated to `shape` (recorded).

    Without `dtype` integers give int64, bools bool, other numbers float32.
    """
    if isinstance(fill_value, (BaseArray, numpy.ndarray)):
        value = array_of(fill_value, "full", _where(device, ctx))
        result = F.broadcast_to(value, shape=_shape(shape))
        return deliver(out, result if dtype is None else result.astype(dtype, copy=False), "full")
    if isinstance(fill_value, numpy.generic):
        fill_value = fill_value.item()
    if not isinstance(fill_value, (int, float)):
        raise InvalidTypeError(
            f"full: the value is a number or an array, got {fill_value!r} of type {type(fill_value)}"
        )
    if dtype is None:
        dtype = (
            "bool" if isinstance(fill_value, bool) else "int64" if isinstance(fill_value, int)
            else default_float()
        )
    return deliver(out, _new("full", shape, dtype, order, _where(device, ctx), fill_value), "full")


def _like(a: Any, make: str, dtype: Any, order: str, device: Any, shape: Any, *more: Any) -> Any:
    a = array_of(a, make)
    where = a._ctx if device is None else as_context(device)
    return _new(
        make, a.shape if shape is None else shape, a.dtype if dtype is None else dtype, order, where, *more
    )


@NP.adapter("zeros_like")
def zeros_like(
    a: Any, dtype: Any = None, order: str = "C", device: Any = None, out: Any = None, *, shape: Any = None,
) -> Any:
    """Zeros of the shape, dtype and device of `a`."""
    return deliver(out, _like(a, "zeros", dtype, order, device, shape), "zeros_like")


@NP.adapter("ones_like")
def ones_like(
    a: Any, dtype: Any = None, order: str = "C", device: Any = None, out: Any = None, *, shape: Any = None,
) -> Any:
    """Ones of the shape, dtype and device of `a`."""
    return deliver(out, _like(a, "ones", dtype, order, device, shape), "ones_like")


@NP.adapter("full_like")
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "C", device: Any = None, out: Any = None, *,
    shape: Any = None,
) -> Any:
    """`fill_value` in the shape, dtype and device of `a`."""
    a = array_of(a, "full_like")
    if isinstance(fill_value, (BaseArray, numpy.ndarray)):
        value = array_of(fill_value, "full_like", a._ctx)
        result = F.broadcast_to(value, shape=a.shape if shape is None else shape).astype(
            dtype or a.dtype, copy=False
        )
    else:
        result = _like(a, "full", dtype, order, device, shape, fill_value)
    return deliver(out, result, "full_like")


@NP.adapter("empty_like")
def empty_like(
    prototype: Any, dtype: Any = None, device: Any = None, order: str = "C", subok: bool = False,
    shape: Any = None,
) -> Any:
    """An array of the shape, dtype and device of `prototype` whose values are not set."""
    return _like(prototype, "empty", dtype, order, device, shape)


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, BaseArray) else value


@NP.adapter("arange", arrays=0)
def arange(
    start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, device: Any = None, *, ctx: Any = None,
) -> Any:
    """`start`, `start + step`, ... below `stop`; one argument is `stop`."""
    start, stop, step = _number(start), _number(stop), _number(step)
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise InvalidValueError("arange: step must not be 0")
    values = numpy.arange(start, stop, step)
    if dtype is None:
        dtype = values.dtype if defaults.float64 else _FLOAT32
    dtype = as_dtype(dtype)
    if dtype.kind == "f":  # counted in the result's dtype, as MXNet does: the last bits are the same
        wide = numpy.promote_types(dtype, _FLOAT32).type
        values = wide(start) + numpy.arange(values.size).astype(wide) * wide(step)
    return made(values, dtype, _where(device, ctx))


@NP.adapter("linspace", arrays=0)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, device: Any = None, *, ctx: Any = None,
) -> Any:
    """`num` evenly spaced values from `start` to `stop`; with `retstep` also the distance between them."""
    if isinstance(start, (BaseArray, numpy.ndarray)) or isinstance(stop, (BaseArray, numpy.ndarray)):
        return _linspace_arrays(start, stop, num, endpoint, retstep, dtype, axis)
    values, step = numpy.linspace(start, stop, num, endpoint, retstep=True)
    a = made(values, dtype, _where(device, ctx))
    return (a, float(step)) if retstep else a


def _linspace_arrays(
    start: Any, stop: Any, num: int, endpoint: bool, retstep: bool, dtype: Any, axis: int,
) -> Any:
    ctx = place((start, stop))
    start, stop = (array_of(v, "linspace", ctx) for v in (start, stop))
    step = (stop - start) / max(1, num - 1 if endpoint else num)
    counts = made(numpy.arange(num), step.dtype, step._ctx)
    values = start + F.reshape(counts, shape=(num,) + (1,) * step.ndim) * step
    values = F.moveaxis(values, source=0, destination=axis)
    values = values if dtype is None else values.astype(dtype)
    return (values, step) if retstep else values


@NP.adapter("logspace", arrays=0)
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: float = 10.0, dtype: Any = None,
    axis: int = 0, device: Any = None, *, ctx: Any = None,
) -> Any:
    """`num` values from ``base ** start`` to ``base ** stop``, evenly spaced in their logarithm."""
    with numpy.errstate(all="ignore"):
        values = numpy.logspace(_number(start), _number(stop), num, endpoint, _number(base))
    return made(values, dtype, _where(device, ctx))


@NP.adapter("geomspace", arrays=0)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0,
    device: Any = None, *, ctx: Any = None,
) -> Any:
    """`num` values from `start` to `stop`, of one sign, each the same multiple of the one before."""
    start, stop = (v.asnumpy() if isinstance(v, BaseArray) else v for v in (start, stop))
    try:
        with numpy.errstate(all="ignore"):
            host = numpy.geomspace(start, stop, num, endpoint, axis=axis)
    except ValueError as error:
        raise InvalidValueError(f"geomspace: {error}") from None
    return made(host, dtype, _where(device, ctx))


@NP.adapter("fromfunction", arrays=0)
def fromfunction(function: Any, shape: Any, *, dtype: Any = None, **kwargs: Any) -> Any:
    """`function` of the coordinates of every place of `shape`: one array per axis, float32 by default."""
    return function(*indices(shape, dtype or default_float()), **kwargs)


@NP.adapter("eye", arrays=0)
def eye(
    N: int, M: int | None = None, k: int = 0, dtype: Any = None, device: Any = None, *, ctx: Any = None,
) -> Any:
    """An N x M matrix (square without M) with ones on diagonal `k`."""
    return made(numpy.eye(N, M, k), dtype, _where(device, ctx))


@NP.adapter("identity", arrays=0)
def identity(n: int, dtype: Any = None, device: Any = None, *, ctx: Any = None) -> Any:
    """The n x n matrix with ones on the diagonal."""
    return made(numpy.eye(n), dtype, _where(device, ctx))


def _sides(n: Any, m: Any) -> tuple[int, int | None]:
    """The sides of a matrix, `m` None where it is square; NumPy before 2.5 takes floats, too."""
    return index(n), None if m is None else index(m)


@NP.adapter("tri", arrays=0)
def tri(
    N: int, M: int | None = None, k: int = 0, dtype: Any = None, device: Any = None, *, ctx: Any = None,
) -> Any:
    """An N x M matrix with ones on and below diagonal `k`."""
    return made(numpy.tri(*_sides(N, M), k), dtype, _where(device, ctx))


def _window(name: str, doc: str) -> None:
    def window(M: int, dtype: Any = None, device: Any = None, *, ctx: Any = None) -> Any:
        return made(getattr(numpy, name)(M), dtype, _where(device, ctx))

    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"The {doc} window of `M` points."
    NP.adapter(name, arrays=0)(window)


for _name, _doc in (
    ("hanning", "Hann"), ("hamming", "Hamming"), ("blackman", "Blackman"), ("bartlett", "Bartlett"),
):
    _window(_name, _doc)


@NP.adapter("kaiser", arrays=0)
def kaiser(M: int, beta: float, dtype: Any = None, device: Any = None, *, ctx: Any = None) -> Any:
    """The Kaiser window of `M` points with the shape `beta`."""
    with numpy.errstate(all="ignore"):
        values = numpy.kaiser(M, beta)
    return made(values, dtype, _where(device, ctx))


@NP.adapter("indices", arrays=0)
def indices(dimensions: Any, dtype: Any = None, device: Any = None, *, ctx: Any = None) -> Any:
    """For every place of a grid its coordinates: shape (len(dimensions), *dimensions), int64."""
    return made(numpy.indices(_shape(dimensions)), dtype or "int64", _where(device, ctx))


@NP.adapter("meshgrid", arrays="*")
def meshgrid(*xi: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> list[Any]:
    """Coordinate arrays of the grid the 1-D arrays `xi` span; with indexing 'ij' axis i belongs to
    ``xi[i]``, with 'xy' the first two axes are exchanged.
    """
    if indexing not in ("xy", "ij"):
        raise InvalidValueError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    axes = [array_of(x, "meshgrid") for x in xi]
    n = len(axes)
    order = list(range(n))
    if indexing == "xy" and n > 1:
        order[:2] = 1, 0
    grid = [
        F.reshape(x, shape=tuple(-1 if d == order[i] else 1 for d in range(n))) for i, x in enumerate(axes)
    ]
    if sparse:
        return grid
    shape = tuple(axes[i].size for i in order)
    return [F.broadcast_to(g, shape=shape) for g in grid]


def _places(found: Any) -> tuple[Any, ...]:
    return tuple(made(i, "int64", as_context(None)) for i in found)


@NP.adapter("tril_indices", arrays=0)
def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Any, ...]:
    """The places on and below diagonal `k` of an n x m matrix: row numbers and column numbers, int64."""
    n, m = _sides(n, m)
    return _places(numpy.tril_indices(n, k, m))


@NP.adapter("triu_indices", arrays=0)
def triu_indices(n: int, k: int = 0, m: int | None = None, device: Any = None) -> tuple[Any, ...]:
    """The places on and above diagonal `k` of an n x m matrix: row numbers and column numbers, int64."""
    n, m = _sides(n, m)
    return _places(numpy.triu_indices(n, k, m))


def _matrix_shape(arr: Any, what: str) -> tuple[int, ...]:
    if arr.ndim != 2:
        raise InvalidValueError(f"{what}: needs an array with two axes, got shape {arr.shape}")
    shape: tuple[int, ...] = arr.shape
    return shape


@NP.adapter("tril_indices_from")
def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """`tril_indices` for the shape of a matrix."""
    n, m = _matrix_shape(array_of(arr, "tril_indices_from"), "tril_indices_from")
    return tril_indices(n, k, m)


@NP.adapter("triu_indices_from")
def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """`triu_indices` for the shape of a matrix."""
    n, m = _matrix_shape(array_of(arr, "triu_indices_from"), "triu_indices_from")
    return triu_indices(n, k, m)


@NP.adapter("diag_indices_from")
def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """The places of the main diagonal of an array whose axes are equally long."""
    arr = array_of(arr, "diag_indices_from")
    if len(set(arr.shape)) != 1:
        raise InvalidValueError(f"diag_indices_from: needs axes of one length, got shape {arr.shape}")
    return _places((numpy.arange(arr.shape[0]),) * arr.ndim)


@NP.adapter("diag_indices", arrays=0)
def diag_indices(n: int, ndim: int = 2) -> tuple[Any, ...]:
    """The places of the main diagonal of an array with `ndim` axes of length `n`."""
    return _places((numpy.arange(n),) * ndim)


@NP.adapter("mask_indices", arrays=0)
def mask_indices(n: int, mask_func: Any, k: Any = 0) -> tuple[Any, ...]:
    """The places of an n x n matrix that `mask_func`, such as `np.triu`, with the argument `k` leaves in one
    of ones.
    """
    found: tuple[Any, ...] = NP.function("nonzero")(mask_func(ones((n, n)), k))
    return found


@NP.adapter("from_dlpack", arrays=0)
def from_dlpack(x: Any) -> Any:
    """An array of any library that speaks DLPack, sharing its memory on the device where it is.

    >>> import numpy
    >>> from mxgrad import np
    >>> host = numpy.zeros(2, "float32")
    >>> np.from_dlpack(host)[0] = 7
    >>> host.tolist()
    [7.0, 0.0]
    """
    if isinstance(x, BaseArray):
        return array_of(x.detach(), "from_dlpack")
    if not hasattr(x, "__dlpack_device__"):
        raise InvalidTypeError(f"from_dlpack: {type(x)} has no __dlpack_device__()")
    kind, number = x.__dlpack_device__()
    where = as_context(f"gpu({number})" if kind == _CUDA else "cpu(0)")
    backend = where.backend
    with backend.guard or nullcontext():
        raw = backend.xp.from_dlpack(x)
    as_dtype(raw.dtype)
    return wrap(ndarray, raw, where)


def _read(name: str, what: str) -> None:
    def function(*args: Any, **kwargs: Any) -> Any:
        given = kwargs.get("dtype", args[1] if len(args) > 1 else None)
        return array(getattr(numpy, name)(*args, **kwargs), dtype=given)

    function.__name__ = function.__qualname__ = name
    signed_as(function, getattr(numpy, name))
    function.__doc__ = f"An array from {what}, read as `numpy.{name}` reads it; float32 without `dtype`."
    NP.adapter(name, arrays=0)(function)


for _name, _doc in (
    ("genfromtxt", "a text file"), ("loadtxt", "a text file"), ("frombuffer", "a buffer of bytes"),
    ("fromfile", "a file of bytes"), ("fromiter", "an iterable of numbers"),
):
    _read(_name, _doc)


@NP.adapter("fromstring", arrays=0)
def fromstring(string: str, dtype: Any = None, count: int = -1, *, sep: str, like: Any = None) -> Any:
    """An array from text, read as `numpy.fromstring` reads it; float32 without `dtype`."""
    return array(numpy.fromstring(string, dtype, count, sep=sep, like=like), dtype=dtype)


@NP.adapter("load", arrays=0)
def load(file: Any) -> Any:
    """The array in an .npy file, or the dict of those in an .npz file, in their own dtypes."""
    found = numpy.load(file)
    if isinstance(found, numpy.ndarray):
        return array(found, dtype=found.dtype)
    with found:
        return {name: array(a, dtype=a.dtype) for name, a in found.items()}


class _Grid:
    """``np.mgrid[0:2, 0:3]``: coordinate arrays of a grid; of each axis a slice start:stop:step, or
    start:stop:nj for n points, stop included.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, key: Any) -> Any:
        found = getattr(numpy, self._name)[key]
        return tuple(map(_grid, found)) if isinstance(found, (list, tuple)) else _grid(found)

    def __repr__(self) -> str:
        return f"<mxgrad.np.{self._name}>"


def _grid(host: numpy.ndarray) -> Any:
    return made(host, numpy.int64 if host.dtype.kind in "iu" else default_float(), as_context(None))


class _Joined:
    """``np.r_[1:3, 0, x]``: slices as ranges, numbers and arrays joined along the first axis, or, by
    ``np.c_``, as columns.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, key: Any) -> Any:
        parts = [self._part(k) for k in (key if isinstance(key, tuple) else (key,))]
        return NP.function("concatenate" if self._name == "r_" else "column_stack")(parts)

    def _part(self, part: Any) -> Any:
        if isinstance(part, str):
            raise InvalidTypeError(f"{self._name}: directives such as {part!r} are not supported")
        if isinstance(part, slice):
            return _grid(numpy.r_[part])
        a = array_of(part if isinstance(part, (BaseArray, int, float)) else host_array(part), self._name)
        return F.reshape(a, shape=(1,)) if not a.ndim else a

    def __repr__(self) -> str:
        return f"<mxgrad.np.{self._name}>"


mgrid, ogrid, r_, c_ = _Grid("mgrid"), _Grid("ogrid"), _Joined("r_"), _Joined("c_")
