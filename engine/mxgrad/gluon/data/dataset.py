"""Data sets: anything with a length and samples by number (level 14)."""
from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy

from ...array import wrap
from ...autograd import is_recording
from ...base import InvalidTypeError, InvalidValueError
from ...nd.array import NDArray
from ...ndarray import BaseArray
from ...np.array import ndarray
from ...recordio import MXIndexedRecordIO
from .sampler import FilterSampler, Sampler, SequentialSampler

__all__ = ["ArrayDataset", "Dataset", "RecordFileDataset", "SimpleDataset"]


class Dataset:
    """Base of data sets: a subclass defines ``__getitem__(self, i)``, a sample, and `__len__`.

    A sample of several parts is a tuple.  Lists and arrays are data sets as they are.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...     def __getitem__(self, i):
    ...         return i * i
    >>> even = Squares().filter(lambda x: x % 2 == 0).transform(lambda x: x + 1)
    >>> [even[i] for i in range(len(even))]
    [1, 5, 17]
    """

    def __getitem__(self, idx: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define __len__")

    def filter(self, fn: Callable[[Any], Any]) -> Dataset:
        """The samples for which ``fn(sample)`` is true; it is asked once, now."""
        return _SampledDataset(self, FilterSampler(fn, self))

    def shard(self, num_shards: int, index: int) -> Dataset:
        """Part `index` of `num_shards` parts of nearly equal lengths, one after the other.

        Raises InvalidValueError unless 0 <= index < num_shards.
        """
        if num_shards <= 0:
            raise InvalidValueError(f"Number of shards must be greater than 0, got {num_shards}")
        if not 0 <= index < num_shards:
            raise InvalidValueError(f"Shard index of out bound: {index} out of {num_shards}")
        length, longer = divmod(len(self), num_shards)
        start = length * index + min(index, longer)
        return _SampledDataset(self, SequentialSampler(length + (index < longer), start))

    def take(self, count: int | None) -> Dataset:
        """The first `count` samples, or all if there are fewer or `count` is None."""
        count = len(self) if count is None else min(count, len(self))
        return _SampledDataset(self, SequentialSampler(count))

    def sample(self, sampler: Sampler) -> Dataset:
        """The samples whose numbers a sampler gives; it is asked once, now."""
        if not isinstance(sampler, Sampler):
            raise InvalidTypeError(
                f"Invalid sampler type: {type(sampler)}. Expected gluon.data.Sampler instead.")
        return _SampledDataset(self, sampler)

    def transform(self, fn: Callable[..., Any], lazy: bool = True) -> Dataset:
        """What `fn` makes of each sample; the parts of a tuple are several arguments.

        With `lazy` it is called whenever a sample is asked for, which functions with random results need;
        otherwise once for each, now.
        """
        made = _LazyTransformDataset(self, fn)
        return made if lazy else SimpleDataset([made[i] for i in range(len(made))])

    def transform_first(self, fn: Callable[[Any], Any], lazy: bool = True) -> Dataset:
        """As `transform`, but `fn` gets and changes only the first part of each sample.

        >>> pairs = SimpleDataset([(1, "a"), (2, "b")])
        >>> pairs.transform_first(lambda x: 10 * x)[1]
        (20, 'b')
        """
        return self.transform(_TransformFirstClosure(fn), lazy)


class SimpleDataset(Dataset):
    """A list, or anything else with a length and samples by number, as a `Dataset`."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, idx: Any) -> Any:
        return self._data[idx]


class _LazyTransformDataset(SimpleDataset):
    """`Dataset.transform`'s result."""

    def __init__(self, data: Any, fn: Callable[..., Any]) -> None:
        super().__init__(data)
        self._fn = fn

    def __getitem__(self, idx: Any) -> Any:
        item = self._data[idx]
        return self._fn(*item) if isinstance(item, tuple) else self._fn(item)


class _TransformFirstClosure:
    """A function of the first of several arguments; an object, so that it can be pickled."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._fn = fn

    def __call__(self, x: Any, *args: Any) -> Any:
        return (self._fn(x), *args) if args else self._fn(x)


class _SampledDataset(Dataset):
    """The samples that a sampler chose when it was made."""

    def __init__(self, dataset: Any, sampler: Sampler) -> None:
        self._dataset, self._indices = dataset, list(sampler)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, idx: Any) -> Any:
        return self._dataset[self._indices[idx]]


class ArrayDataset(Dataset):
    """Sample i is ``(a[i], b[i], ...)``, or ``a[i]`` alone, for arrays, lists or data sets of one length.

    Arrays of nd and np with one axis are kept as NumPy arrays, so that their samples are numbers.  Raises
    InvalidValueError when lengths differ.

    >>> import mxgrad as mx
    >>> pairs = ArrayDataset(mx.nd.array([[1, 2], [3, 4]]), ["a", "b"])
    >>> len(pairs), pairs[1][0].asnumpy().tolist(), pairs[1][1]
    (2, [3.0, 4.0], 'b')
    """

    def __init__(self, *args: Any) -> None:
        if not args:
            raise InvalidValueError("ArrayDataset: Needs at least 1 arrays")
        self._length = len(args[0])
        for i, data in enumerate(args):
            if len(data) != self._length:
                raise InvalidValueError(
                    f"ArrayDataset: All arrays must have the same length; array[0] has length {self._length} "
                    f"while array[{i}] has {len(data)}.")
        self._data = [a.asnumpy() if isinstance(a, BaseArray) and a.ndim == 1 else a for a in args]

    def __getitem__(self, idx: Any) -> Any:
        if len(self._data) == 1:
            return self._data[0][idx]
        return tuple(data[idx] for data in self._data)

    def __len__(self) -> int:
        return self._length


class RecordFileDataset(Dataset):
    """The records, bytes, of a file of `mxgrad.recordio` that has its index beside it: a.rec and a.idx.

    Raises what `mxgrad.recordio.MXIndexedRecordIO` raises.
    """

    def __init__(self, filename: str | os.PathLike[str]) -> None:
        self.filename = os.fspath(filename)
        self.idx_file = os.path.splitext(self.filename)[0] + ".idx"
        self._record = MXIndexedRecordIO(self.idx_file, self.filename, "r")

    def __getitem__(self, idx: Any) -> Any:
        return self._record.read_idx(self._record.keys[idx])

    def __len__(self) -> int:
        return len(self._record.keys)


# Samples of arrays all at once ------------------------------------------------------------------------------


def gathered(dataset: Any, numbers: Any) -> Any:
    """The samples with these numbers in one array, as NumPy's or `BaseArray`, with memory of its own; in a
    tuple of arrays if they have several parts.  None if anything but indexing of arrays is to be done for
    them, or an index is wrong, which the sample itself tells better.
    """
    if isinstance(numbers, list) and set(map(type, numbers)) <= {int, numpy.int64}:
        numbers = numpy.array(numbers)
    if not isinstance(numbers, numpy.ndarray) or numbers.dtype != numpy.int64 or numbers.ndim != 1:
        return None
    try:
        return _rows(dataset, numbers)
    except IndexError:
        return None


def _rows(data: Any, numbers: Any) -> Any:
    kind = type(data)
    if kind is numpy.ndarray or kind is numpy.memmap:
        simple = data.ndim and data.dtype.kind in "biuf" and data.dtype.isnative
        return numpy.asarray(data).take(numbers, 0) if simple else None
    if kind is NDArray or kind is ndarray:
        # Of one axis, nd's samples have an axis of length 1.
        if data.ndim < 2 or is_recording() or data.context.device_type == "gpu":
            return None
        raw = _rows(data._data, numbers)
        return None if raw is None else wrap(kind, raw, data.context)
    rows = _ROWS.get(getattr(kind, "__getitem__", None))
    return None if rows is None else rows(data, numbers)


def _rows_of_parts(data: ArrayDataset, numbers: Any) -> Any:
    parts = tuple(_rows(part, numbers) for part in data._data)
    return None if any(p is None for p in parts) else parts if len(parts) > 1 else parts[0]


# By method: a class that has another one does something else.
_ROWS: dict[Any, Callable[[Any, Any], Any]] = {
    ArrayDataset.__getitem__: _rows_of_parts,
    SimpleDataset.__getitem__: lambda data, numbers: _rows(data._data, numbers),
    _SampledDataset.__getitem__:
        lambda data, numbers: gathered(data._dataset, [data._indices[i] for i in numbers]),
}
