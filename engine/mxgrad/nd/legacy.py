"""Functions of MXNet 1.x's `nd` that belong to no kind: storage types, mish, histograms, DLPack."""
from __future__ import annotations

from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..invoke import F, into
from .array import NDArray
from .functions import ND


@ND.composed("cast_storage")
def cast_storage(data: Any, stype: str, out: Any = None, name: Any = None) -> Any:
    """A copy of the array: 'default', which is dense, is the only storage type there is."""
    return data.tostype(stype)


@ND.composed("mish")
def mish(data: Any, out: Any = None, name: Any = None) -> Any:
    """``x tanh(log(1 + exp(x)))`` elementwise (Misra 2019); MXNet 2's.

    >>> from mxgrad import nd
    >>> nd.mish(nd.array([0.0, 1.0])).asnumpy().round(4).tolist()
    [0.0, 0.8651000261306763]
    """
    return data * F.tanh(F.softrelu(data))


@ND.adapter("histogram")
def histogram(a: Any, bins: Any = 10, range: Any = None) -> list[Any]:
    """How many elements fall into each bin, and the edges of the bins; no gradient flows through counts.

    `bins` is the number of bins of one width between the two ends in `range` (the least and the greatest
    element without), or the array of their edges.  Elements outside are not counted; the last bin has both
    its ends.  As in MXNet, counts without `range` and edges are float32, others int64.

    >>> from mxgrad import nd
    >>> counts, edges = nd.histogram(nd.array([0, 1, 2, 4]), bins=2)
    >>> counts.asnumpy().tolist(), edges.asnumpy().tolist()
    ([2.0, 2.0], [0.0, 2.0, 4.0])
    """
    data = ND.array(a, "a").asnumpy()
    dtype = "int64"
    edges: Any = bins
    if isinstance(bins, NDArray):
        edges = bins.asnumpy()
    elif isinstance(bins, bool) or not isinstance(bins, (int, numpy.integer)):
        raise InvalidValueError(f"histogram: bins is a number or an array of edges, got {type(bins)}")
    elif range is None:
        dtype = "float32"
    counts, edges = numpy.histogram(data, edges, range)
    hosts = counts.astype(dtype), edges.astype("float32")
    return [wrap(NDArray, a._ctx.backend.from_host(h), a._ctx) for h in hosts]


@ND.adapter("onehot_encode", arrays=2)
def onehot_encode(indices: Any, out: Any) -> Any:
    """Write into each row of the matrix `out` 1 at the place that `indices` names and 0 elsewhere; a row
    whose place is outside has zeros only.
    """
    if ND.array(out, "out").ndim != 2 or ND.array(indices, "indices").shape != out.shape[:1]:
        raise InvalidValueError(
            f"onehot_encode: out has a row for each index, got shapes {indices.shape} and {out.shape}")
    rows = F.one_hot(indices, depth=out.shape[1], on_value=1, off_value=0, dtype=out._raw.dtype)
    return into("onehot_encode", out, rows)


# DLPack -----------------------------------------------------------------------------------------------------


class _Capsule:
    """A bare DLPack capsule of host memory, as NumPy wants to be handed it."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


class _Writable:
    """The memory of an array that NumPy calls read-only because a bare capsule does not say."""

    def __init__(self, host: numpy.ndarray) -> None:
        self.host = host
        self.__array_interface__ = {**host.__array_interface__, "data": (host.ctypes.data, False)}


def shared_memory(dlpack: Any) -> numpy.ndarray:
    """The host memory of a DLPack capsule, or of an object that gives one."""
    bare = not hasattr(dlpack, "__dlpack__")
    if bare and type(dlpack).__name__ != "PyCapsule":
        raise InvalidTypeError(f"from_dlpack: {type(dlpack)} is no DLPack capsule and has no __dlpack__()")
    try:
        host = numpy.from_dlpack(_Capsule(dlpack) if bare else dlpack)
    except ValueError as error:
        raise InvalidValueError(
            f"from_dlpack: invalid DLPack tensor; a capsule can be consumed only once ({error})") from None
    as_dtype(host.dtype)
    return numpy.asarray(_Writable(host)) if bare else host


def from_dlpack(dlpack: Any) -> NDArray:
    """An array sharing the memory of a DLPack capsule, or of a host array of another library.

    >>> import numpy
    >>> from mxgrad import nd
    >>> host = numpy.zeros(2, "float32")
    >>> nd.from_dlpack(host)[0] = 7
    >>> host.tolist()
    [7.0, 0.0]
    """
    return wrap(NDArray, shared_memory(dlpack))      # type: ignore[no-any-return]


def to_dlpack_for_read(data: Any) -> Any:
    """A DLPack capsule of the array's memory, for one reader."""
    return data.to_dlpack_for_read()


def to_dlpack_for_write(data: Any) -> Any:
    """A DLPack capsule of the array's memory, for one reader that may write; the tape does not see its
    writes.
    """
    return data.to_dlpack_for_write()
