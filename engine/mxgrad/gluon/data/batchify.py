"""Functions that make a batch of a list of samples (level 14)."""
from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy

from ... import nd
from ...array import wrap
from ...base import InvalidTypeError, InvalidValueError, as_dtype
from ...context import Context, cpu, cpu_shared, current_context
from ...invoke import F
from ...ndarray import BaseArray
from ...npx.switches import is_np_array

__all__ = ["Append", "AsList", "Group", "Pad", "Stack"]


def array_of(host: numpy.ndarray, ctx: Context | None = None) -> Any:
    """A NumPy array as an array of the frontend that `is_np_array` tells; it takes over the memory."""
    from ...np.array import ndarray

    as_dtype(host.dtype)
    ctx = current_context() if ctx is None else ctx
    data = ctx.backend.from_host(host) if ctx.device_type == "gpu" else host
    return wrap(ndarray if is_np_array() else nd.NDArray, data, ctx)


def stacked(data: Any, ctx: Context | None = None) -> Any:
    """Arrays of one shape, or numbers, in one array with a new first axis."""
    if isinstance(data[0], BaseArray):
        try:
            joined = F.stack(*data, axis=0)
        except ValueError:
            raise _different(data, [a.shape for a in data]) from None
        return joined if ctx is None else joined.as_in_context(ctx)
    try:
        host = numpy.array(data)
    except ValueError:
        raise _different(data, [numpy.shape(a) for a in data]) from None
    if host.dtype.kind not in "biuf":
        raise InvalidTypeError(
            f"samples of type {type(data[0]).__name__} do not make an array (NumPy's dtype is {host.dtype}); "
            "give a batchify_fn, see gluon.data.batchify.AsList and Group")
    return array_of(host, ctx)


def _different(data: Any, shapes: list[Any]) -> InvalidValueError:
    other = next((s for s in shapes if s != shapes[0]), "another")
    return InvalidValueError(
        f"the samples of a batch have different shapes, such as {shapes[0]} and {other}; give a batchify_fn, "
        "see gluon.data.batchify.Pad and Append")


def default_batchify_fn(data: Any) -> Any:
    """A batch of samples: arrays or numbers stacked; for tuples a list with a batch of each part.

    >>> from mxgrad.gluon.data.dataloader import default_batchify_fn
    >>> numbers, letters = default_batchify_fn([(1, 2.5), (3, 4.5)])
    >>> numbers.asnumpy().tolist(), letters.asnumpy().tolist()
    ([1, 3], [2.5, 4.5])
    """
    if isinstance(data[0], tuple):
        return [default_batchify_fn(part) for part in zip(*data)]
    return stacked(data)


def default_mp_batchify_fn(data: Any) -> Any:
    """As `default_batchify_fn`, on the context ``cpu_shared(0)``."""
    if isinstance(data[0], tuple):
        return [default_mp_batchify_fn(part) for part in zip(*data)]
    return stacked(data, cpu_shared(0))


def for_gathered(fn: Any) -> Callable[[Any], Any] | None:
    """A function that makes of samples that `dataset.gathered` found the batch that `fn` makes of a list of
    them; None if `fn` does more than stack them.
    """
    if type(fn) is Stack:
        return partial(_batch, _shared(fn._use_shared_mem))
    if fn is default_batchify_fn:
        return partial(_batch, None)
    return partial(_batch, cpu_shared(0)) if fn is default_mp_batchify_fn else None


def _batch(ctx: Context | None, found: Any) -> Any:
    if isinstance(found, tuple):
        return [_batch(ctx, part) for part in found]
    if isinstance(found, BaseArray):
        return found if ctx is None else wrap(type(found), found._data, ctx)
    return array_of(found, ctx)


def _shared(use_shared_mem: bool) -> Context | None:
    return cpu_shared(0) if use_shared_mem else None


class Stack:
    """Stacks arrays of one shape, or numbers; of tuples and lists each part, in a list.

    Parameters
    ----------
    use_shared_mem : bool
        The context is ``cpu_shared(0)``.

    >>> Stack()([numpy.array([1, 2]), numpy.array([3, 4])])
    <BLANKLINE>
    [[1 2]
     [3 4]]
    <NDArray 2x2 @cpu(0)>
    """

    def __init__(self, use_shared_mem: bool = False) -> None:
        self._use_shared_mem = use_shared_mem

    def __call__(self, data: Any) -> Any:
        if isinstance(data[0], (tuple, list)):
            return [self(part) for part in zip(*data)]
        return stacked(data, _shared(self._use_shared_mem))


class Pad:
    """Fills arrays up to the largest length along each axis, and stacks them.

    Parameters
    ----------
    val : float, optional
        What is filled in; 0 by default.
    dtype : str or dtype, optional
        Of the batch; that of the first sample by default.
    round_to : int, optional
        Lengths are rounded up to multiples of it.
    use_shared_mem : bool
        The context is ``cpu_shared(0)``.

    Raises InvalidTypeError for samples that are neither arrays nor lists (see `Group`), InvalidValueError
    when their numbers of axes differ.

    >>> Pad(val=-1)([[1, 2, 3], [4]])
    <BLANKLINE>
    [[ 1  2  3]
     [ 4 -1 -1]]
    <NDArray 2x3 @cpu(0)>
    """

    def __init__(self, val: float | None = None, dtype: Any = None, round_to: int | None = None,
                 use_shared_mem: bool = False) -> None:
        self._pad_val = 0 if val is None else val
        self._dtype, self._round_to, self._use_shared_mem = dtype, round_to, use_shared_mem
        self._warned = False

    def __call__(self, data: Any) -> Any:
        if not isinstance(data[0], (BaseArray, numpy.ndarray, list)):
            raise _SeveralPartsError(
                "Pad() does not support multiple items, use Group(Pad(), Pad(), ...) instead; got samples of "
                f"type {type(data[0]).__name__}")
        if isinstance(data[0], BaseArray) and not self._warned:
            self._warned = True
            warnings.warn(
                "Using Pad with NDArrays is discouraged for speed reasons. Instead you should pad your data "
                "while it is still a list and before converting to an NDArray. Alternatively you can "
                "consider inputting a numpy.ndarray.", stacklevel=2)
        arrays = [a.asnumpy() if isinstance(a, BaseArray) else numpy.asarray(a) for a in data]
        if len({a.ndim for a in arrays}) > 1:
            raise InvalidValueError(
                f"Pad: the samples have {sorted({a.ndim for a in arrays})} axes; they need the same number")
        step = self._round_to or 1
        lengths = [-(-max(n) // step) * step for n in zip(*(a.shape for a in arrays))]
        padded = numpy.full((len(arrays), *lengths), self._pad_val,
                            dtype=arrays[0].dtype if self._dtype is None else as_dtype(self._dtype))
        for i, array in enumerate(arrays):
            place: Any = i, *map(slice, array.shape)
            padded[place] = array
        return array_of(padded, cpu_shared(0) if self._use_shared_mem else cpu())


class _SeveralPartsError(InvalidTypeError, NotImplementedError):
    """Samples of several parts were given to a function for one."""


class Append:
    """A list of the samples as arrays, whatever their shapes.

    Parameters
    ----------
    expand : bool
        Each gets an axis of length 1, `batch_axis`.
    batch_axis : int
    use_shared_mem : bool
        The context is ``cpu_shared(0)``.

    >>> [a.shape for a in Append()([numpy.zeros(3), numpy.zeros(2)])]
    [(1, 3), (1, 2)]
    """

    def __init__(self, expand: bool = True, batch_axis: int = 0, use_shared_mem: bool = False) -> None:
        self._expand, self._batch_axis, self._use_shared_mem = expand, batch_axis, use_shared_mem

    def __call__(self, data: Any) -> Any:
        from ...util import default_array

        ctx = _shared(self._use_shared_mem)
        arrays = [a if isinstance(a, BaseArray) else default_array(a, ctx) for a in data]
        if ctx is not None:
            arrays = [a.as_in_context(ctx) for a in arrays]
        return [F.expand_dims(a, axis=self._batch_axis) for a in arrays] if self._expand else arrays


class Group:
    """One function for each part of the samples.

    ``Group(f, g)`` and ``Group([f, g])`` make a batch of samples (a, b): a tuple of f's of all a and g's of
    all b.  Raises InvalidTypeError for something that is not callable, InvalidValueError for samples of
    another number of parts.

    >>> texts, numbers = Group(AsList(), Stack())([("one", 1), ("two", 2)])
    >>> texts, numbers.asnumpy().tolist()
    (['one', 'two'], [1, 2])
    """

    def __init__(self, fn: Any, *args: Callable[[Any], Any]) -> None:
        if isinstance(fn, (list, tuple)) and args:
            raise InvalidValueError(
                "Input pattern not understood. The input of Group can be Group(A, B, C) or Group([A, B, C]) "
                f"or Group((A, B, C)). Received fn={fn}, args={args}")
        self._fn = tuple(fn) if isinstance(fn, (list, tuple)) else (fn, *args)
        for i, f in enumerate(self._fn):
            if not callable(f):
                raise InvalidTypeError(f"Batchify functions must be callable! type(fn[{i}]) = {type(f)}")

    def __call__(self, data: Any) -> Any:
        if len(data[0]) != len(self._fn):
            raise InvalidValueError(
                f"The number of attributes in each data sample should contains {len(self._fn)} elements, got "
                f"{len(data[0])}")
        return tuple(f([sample[i] for sample in data]) for i, f in enumerate(self._fn))


class AsList:
    """The samples themselves, in a list."""

    def __call__(self, data: Any) -> Any:
        return list(data)
