"""Arrays from values, shapes and files."""
from __future__ import annotations

from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import as_context, current_context
from ..invoke import F
from ..kernels import deferred
from ..ndarray import BaseArray, to_context
from .array import NDArray
from .functions import ND


def _shape(shape: Any) -> tuple[int, ...]:
    shape = (shape,) if isinstance(shape, (int, numpy.integer)) else tuple(int(n) for n in shape)
    if any(n < 0 for n in shape):
        raise InvalidValueError(f"a shape has no negative lengths, got {tuple(shape)}")
    return tuple(int(n) for n in shape)


def array(source_array: Any, ctx: Any = None, dtype: Any = None) -> NDArray:
    """An array with the values of a (nested) sequence, a NumPy array or an array.

    The dtype is float32 unless given, or unless the source is an array of ours; a copy of a recorded array
    is recorded. Raises InvalidTypeError for ragged lists, strings and complex numbers.

    >>> from mxgrad import nd
    >>> nd.array([1, 2], dtype="int32").dtype
    <class 'numpy.int32'>
    """
    if isinstance(source_array, BaseArray):
        out = F.copy(source_array) if dtype is None else F.cast(source_array, dtype=as_dtype(dtype))
        if ctx is not None and as_context(ctx) is not out._ctx:
            out = to_context(out, as_context(ctx))
        return out if type(out) is NDArray else out.as_nd_ndarray()
    target = as_dtype(numpy.float32 if dtype is None else dtype)
    try:
        given = numpy.asarray(source_array)
        if given.dtype.kind == "c":
            raise TypeError("complex numbers")
        if (
            given.dtype.kind == "O"
            and given.ndim
            and any(isinstance(v, BaseArray) for v in given.ravel()[:1])
        ):
            given = numpy.asarray([v.asnumpy() for v in source_array])
        with numpy.errstate(all="ignore"):
            host = given.astype(target)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"source_array must be array like object: {error}") from None
    where = as_context(ctx)
    return wrap(NDArray, where.backend.from_host(host), where)      # type: ignore[no-any-return]


def from_numpy(ndarray: numpy.ndarray, zero_copy: bool = True) -> NDArray:
    """A NumPy array as an array; with `zero_copy` in the same memory, which must then be C-contiguous."""
    if not isinstance(ndarray, numpy.ndarray):
        raise InvalidTypeError(f"from_numpy takes a numpy.ndarray, got {type(ndarray)}")
    as_dtype(ndarray.dtype)
    if zero_copy and not ndarray.flags.c_contiguous:
        raise InvalidValueError("from_numpy: zero_copy needs a C-contiguous array; use zero_copy=False")
    if zero_copy:
        deferred.share(ndarray)
    return wrap(NDArray, ndarray if zero_copy else ndarray.copy())      # type: ignore[no-any-return]


def _new(make: str, shape: Any, ctx: Any, dtype: Any, *more: Any) -> Any:
    shape = _shape(shape)
    dtype = as_dtype(numpy.float32 if dtype is None else dtype)
    where = as_context(ctx)
    backend = where.backend
    with backend.guard or _nothing:
        return wrap(NDArray, getattr(backend.xp, make)(shape, *more, dtype=dtype), where)


class _Nothing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *a: Any) -> None:
        pass


_nothing = _Nothing()


@ND.adapter("zeros", arrays=0)
def zeros(shape: Any, ctx: Any = None, dtype: Any = None, stype: str | None = None, out: Any = None) -> Any:
    """An array of zeros."""
    return ND.deliver(_new("zeros", shape, ctx, dtype), out, "zeros")


@ND.adapter("ones", arrays=0)
def ones(shape: Any, ctx: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """An array of ones."""
    return ND.deliver(_new("ones", shape, ctx, dtype), out, "ones")


@ND.adapter("empty", arrays=0)
def empty(shape: Any, ctx: Any = None, dtype: Any = None, stype: str | None = None) -> Any:
    """An array whose values are not set."""
    return _new("empty", shape, ctx, dtype)


@ND.adapter("full", arrays=0)
def full(shape: Any, val: float, ctx: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """An array where every element is `val`."""
    return ND.deliver(_new("full", shape, ctx, dtype, val), out, "full")


def _from_host(host: numpy.ndarray, ctx: Any, dtype: Any) -> Any:
    where = as_context(ctx)
    return wrap(NDArray, where.backend.from_host(host.astype(as_dtype(dtype or numpy.float32))), where)


@ND.adapter("arange", arrays=0)
def arange(
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    infer_range: bool = False,
    ctx: Any = None,
    dtype: Any = None,
) -> Any:
    """`start`, `start + step`, ... below `stop`, each `repeat` times; one argument is `stop`."""
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise InvalidValueError("arange: step must not be 0")
    host = numpy.repeat(numpy.arange(start, stop, step, dtype=numpy.float64), repeat)
    return _from_host(host, ctx, dtype)


@ND.adapter("linspace", arrays=0)
def linspace(
    start: float, stop: float, num: int, endpoint: bool = True, ctx: Any = None, dtype: Any = None
) -> Any:
    """`num` evenly spaced values from `start` to `stop`."""
    return _from_host(numpy.linspace(start, stop, num, endpoint=endpoint), ctx, dtype)


@ND.adapter("eye", arrays=0)
def eye(N: int, M: int = 0, k: int = 0, ctx: Any = None, dtype: Any = None) -> Any:
    """An N x M matrix (square if M is 0) with ones on diagonal `k`."""
    return _from_host(numpy.eye(N, M or None, k), ctx, dtype)


def save(fname: str, data: Any) -> None:
    """Write an array, a list of arrays or a dict of named arrays to a file in MXNet's `.params` format.

    The file is written beside and moved into place: an existing one survives any failure.
    """
    from .. import params_file

    if isinstance(data, BaseArray):
        data = [data]
    if isinstance(data, dict):
        names: list[str] | None = [str(k) for k in data]
        arrays = list(data.values())
    elif isinstance(data, (list, tuple)):
        names, arrays = None, list(data)
    else:
        raise InvalidValueError(
            f"data needs to either be an NDArray, dict of str, NDArray pairs or a list of NDArrays, "
            f"got {type(data)}"
        )
    for a in arrays:
        if not isinstance(a, BaseArray):
            raise InvalidTypeError(f"save: only arrays can be saved, got {type(a)}")
    params_file.save(fname, [a.asnumpy() for a in arrays], names)


def load(fname: str) -> Any:
    """What `save` wrote, or MXNet itself: a list of arrays, or a dict where they have names."""
    from .. import params_file

    return _named(*params_file.load(fname))


def load_frombuffer(buf: bytes) -> Any:
    """What `save` wrote, in bytes: a list of arrays, or a dict where they have names."""
    from .. import params_file

    if not isinstance(buf, (str, bytes)):
        raise InvalidTypeError(f"load_frombuffer: buf required to be a string or bytes, got {type(buf)}")
    return _named(*params_file.loads(buf.encode("latin-1") if isinstance(buf, str) else buf))


def _named(arrays: list[numpy.ndarray], names: list[str]) -> Any:
    ctx = current_context()
    ours = [wrap(NDArray, ctx.backend.from_host(a), ctx) for a in arrays]
    return dict(zip(names, ours)) if names else ours


def waitall() -> None:
    """Wait for everything computed so far; what was put off is computed now."""
    deferred.flush_all()
    current_context().backend.synchronize()
