"""Batches of arrays, and of other iterators' batches (level 11)."""
from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy

from .. import nd
from ..base import InvalidTypeError, InvalidValueError
from ..invoke import F
from ..ndarray import BaseArray
from .base import DataBatch, DataDesc, DataIter

__all__ = ["NDArrayIter", "PrefetchingIter", "ResizeIter"]

Named = list[tuple[str, Any]]


def _named(data: Any, name: str, needed: bool) -> Named:
    """Names and arrays, sorted by name, of an array, a list of arrays or a dict of them."""
    if isinstance(data, (numpy.ndarray, BaseArray)):
        data = [data]
    if isinstance(data, list):
        data = {name: data[0]} if len(data) == 1 else {f"_{i}_{name}": d for i, d in enumerate(data)}
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise InvalidTypeError(
            "NDArrayIter: data and label are an array, a list of arrays or a dict of them, got "
            f"{type(data).__name__}")
    if needed and not data:
        raise InvalidValueError("NDArrayIter: there is no data")
    found = {}
    for key, value in data.items():
        try:
            found[key] = value if isinstance(value, nd.NDArray) else nd.array(value)
        except (TypeError, ValueError):
            raise InvalidTypeError(
                f"NDArrayIter: {key} should be an array, got {type(value).__name__}") from None
    return sorted(found.items())


class NDArrayIter(DataIter):
    """Batches of arrays, cut along their axis of examples.

    Parameters
    ----------
    data : array, list of array or dict of str to array
        Arrays of nd keep their dtype; others become float32.
    label : array, list of array or dict of str to array, optional
    batch_size : int
    shuffle : bool
        Another order after each reset, by ``numpy.random.shuffle``.
    last_batch_handle : {'pad', 'discard', 'roll_over'}
        What becomes of a last batch that is not full: it is filled from the beginning; left out; or the
        examples come first in the next epoch.
    data_name, label_name : str
        Names in `provide_data` and `provide_label` unless the dict tells them.
    layout : str
        A letter for each axis; N is that of the examples.

    Raises
    ------
    InvalidTypeError
        Data that do not make arrays.
    InvalidValueError
        No data, arrays with fewer examples than the first one, another `last_batch_handle`.

    Examples
    --------
    >>> for batch in NDArrayIter(numpy.arange(3), batch_size=2):
    ...     print(batch.data[0].asnumpy(), batch.pad)
    [0. 1.] 0
    [2. 0.] 1
    """

    def __init__(
        self, data: Any, label: Any = None, batch_size: int = 1, shuffle: bool = False,
        last_batch_handle: str = "pad", data_name: str = "data", label_name: str = "softmax_label",
        layout: str = "NCHW",
    ) -> None:
        super().__init__(batch_size)
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            raise InvalidValueError("NDArrayIter: last_batch_handle is 'pad', 'discard' or 'roll_over', got "
                                    f"{last_batch_handle!r}")
        if batch_size < 1:
            raise InvalidValueError(f"NDArrayIter: batch_size is positive, got {batch_size}")
        self._axis = layout.find("N")
        if self._axis < 0:
            raise InvalidValueError(f"NDArrayIter: the layout {layout!r} has no N")
        self.data, self.label = _named(data, data_name, True), _named(label, label_name, False)
        for name, array in [*self.data, *self.label]:
            if array.ndim <= self._axis:
                raise InvalidValueError(
                    f"NDArrayIter: {name} of shape {array.shape} does not have the axis N of {layout!r}")
        self.num_data: int = self.data[0][1].shape[self._axis]
        for name, array in [*self.data, *self.label]:
            if array.shape[self._axis] < self.num_data:
                raise InvalidValueError(
                    f"NDArrayIter: {self.data[0][0]} has {self.num_data} examples, {name} only "
                    f"{array.shape[self._axis]}")
        self.idx = numpy.arange(self.num_data)
        self.shuffle, self.last_batch_handle, self.layout = shuffle, last_batch_handle, layout
        self.cursor = -batch_size
        # The last examples of an epoch, data and label, that come first in the next one.
        self._kept: tuple[list[Any], list[Any]] | None = None
        self.hard_reset()

    @property
    def provide_data(self) -> list[DataDesc]:       # type: ignore[override]
        """Name, shape, dtype and layout of each array of the data in a batch."""
        return self._described(self.data)

    @property
    def provide_label(self) -> list[DataDesc]:      # type: ignore[override]
        """Name, shape, dtype and layout of each array of the labels in a batch."""
        return self._described(self.label)

    def _described(self, arrays: Named) -> list[DataDesc]:
        n = self._axis
        return [DataDesc(name, (*a.shape[:n], self.batch_size, *a.shape[n + 1:]), a.dtype, self.layout)
                for name, a in arrays]

    def reset(self) -> None:
        """Begin a new epoch; examples that roll over come first in it."""
        left = self.num_data - self.cursor
        rolls = self.last_batch_handle == "roll_over" and self._kept is not None
        if not (rolls and self.cursor >= 0 and 0 < left < self.batch_size):
            self.hard_reset()
            return
        if self.shuffle:
            self._shuffle()
        self.cursor = -left - self.batch_size

    def hard_reset(self) -> None:
        """Begin anew, and forget examples that roll over."""
        if self.shuffle:
            self._shuffle()
        self.cursor = -self.batch_size
        self._kept = None

    def _shuffle(self) -> None:
        # As in MXNet each order is one of the order before.
        numpy.random.shuffle(self.idx)
        self.data, self.label = self._taken(self.data, self.idx), self._taken(self.label, self.idx)

    def _taken(self, arrays: Named, places: Any) -> Named:
        return [(name, F.take(a, nd.array(places, dtype="int64", ctx=a.context), axis=self._axis))
                for name, a in arrays]

    def iter_next(self) -> bool:
        """Move to the next batch; False at the end."""
        self.cursor += self.batch_size
        return self.cursor < self.num_data

    def next(self) -> DataBatch:
        """The next batch; StopIteration at the end of the data."""
        if not self.iter_next():
            raise StopIteration
        data, label = self.getdata(), self.getlabel()
        if data[0].shape[self._axis] < self.batch_size:
            self._kept = data, label
            raise StopIteration
        if self.cursor >= 0:
            self._kept = None
        return DataBatch(data, label, self.getpad(), None)

    def getdata(self) -> list[Any]:
        """The data of the batch."""
        return self._cut(self.data, 0)

    def getlabel(self) -> list[Any]:
        """The labels of the batch."""
        return self._cut(self.label, 1)

    def _cut(self, arrays: Named, which: int) -> list[Any]:
        start, stop = self.cursor, self.cursor + self.batch_size
        if start >= self.num_data:
            raise InvalidValueError("NDArrayIter: DataIter needs reset.")
        if start < 0:
            assert self._kept is not None
            start = 0
            before = self._kept[which]
        else:
            before = []
        if stop > self.num_data and (before or self.last_batch_handle == "pad"):
            found = [a for _, a in self._taken(arrays, numpy.arange(start, stop) % self.num_data)]
        else:
            stop = min(stop, self.num_data)
            found = [F.slice_axis(a, axis=self._axis, begin=start, end=stop) for _, a in arrays]
        return [F.concatenate(b, a, axis=self._axis) for b, a in zip(before, found)] if before else found

    def getpad(self) -> int:
        """How many examples of the batch fill it up at the end, or rolled over at its beginning."""
        if self.last_batch_handle == "pad":
            return max(0, self.cursor + self.batch_size - self.num_data)
        return max(0, -self.cursor) if self.last_batch_handle == "roll_over" else 0


class ResizeIter(DataIter):
    """Epochs of `size` batches of another iterator, which begins anew where it ends.

    Parameters
    ----------
    data_iter : DataIter
    size : int
    reset_internal : bool
        Whether it begins anew with each epoch, too.

    >>> twice = ResizeIter(NDArrayIter(numpy.arange(2)), 4)
    >>> [batch.data[0].asnumpy().tolist() for batch in twice]
    [[0.0], [1.0], [0.0], [1.0]]
    """

    def __init__(self, data_iter: DataIter, size: int, reset_internal: bool = True) -> None:
        super().__init__(data_iter.batch_size)
        self.data_iter, self.size, self.reset_internal = data_iter, size, reset_internal
        self.cur = 0
        self.current_batch: DataBatch | None = None
        self.provide_data, self.provide_label = data_iter.provide_data, data_iter.provide_label
        if hasattr(data_iter, "default_bucket_key"):
            self.default_bucket_key = data_iter.default_bucket_key

    def reset(self) -> None:
        """Begin anew."""
        self.cur = 0
        if self.reset_internal:
            self.data_iter.reset()

    def iter_next(self) -> bool:
        """Move to the next batch; False after `size` of them."""
        if self.cur == self.size:
            return False
        try:
            self.current_batch = self.data_iter.next()
        except StopIteration:
            self.data_iter.reset()
            self.current_batch = self.data_iter.next()
        self.cur += 1
        return True

    def next(self) -> DataBatch:
        """The next batch; StopIteration after `size` of them."""
        if not self.iter_next():
            raise StopIteration
        assert self.current_batch is not None
        return self.current_batch


class PrefetchingIter(DataIter):
    """Batches of other iterators, joined, that threads make ahead of time.

    Parameters
    ----------
    iters : DataIter or list of DataIter
        Their batches have the same size and `pad`.
    rename_data, rename_label : list of dict, optional
        New names for those in `provide_data` and `provide_label`, a dict for each iterator.

    An error of an iterator is raised when the batch is asked for.

    >>> both = PrefetchingIter([NDArrayIter({"x": numpy.arange(2)}), NDArrayIter({"y": numpy.ones(2)})])
    >>> [[d.name for d in both.provide_data], [len(batch.data) for batch in both]]
    [['x', 'y'], [2, 2]]
    """

    def __init__(self, iters: Any, rename_data: list[dict[str, str]] | None = None,
                 rename_label: list[dict[str, str]] | None = None) -> None:
        self.iters: list[DataIter] = iters if isinstance(iters, list) else [iters]
        if not self.iters:
            raise InvalidValueError("PrefetchingIter: there are no iterators")
        self.rename_data, self.rename_label = rename_data, rename_label
        super().__init__(self.provide_data[0][1][0])
        self.current_batch: DataBatch | None = None
        self._pool = ThreadPoolExecutor(len(self.iters), "PrefetchingIter")
        self._begin()

    def _begin(self) -> None:
        self._next: list[Future[DataBatch | None]] = [self._pool.submit(_next_of, i) for i in self.iters]

    @property
    def provide_data(self) -> list[Any]:        # type: ignore[override]
        """What the iterators' batches have as data."""
        return _renamed([i.provide_data for i in self.iters], self.rename_data)

    @property
    def provide_label(self) -> list[Any]:       # type: ignore[override]
        """What the iterators' batches have as labels."""
        return _renamed([i.provide_label for i in self.iters], self.rename_label)

    def reset(self) -> None:
        """Begin anew."""
        for future in self._next:
            future.exception()
        for i in self.iters:
            i.reset()
        self._begin()

    def iter_next(self) -> bool:
        """Move to the next batch; False at the end."""
        batches = [future.result() for future in self._next]
        first = batches[0]
        if any((b and b.pad) != (first and first.pad) or (b is None) != (first is None) for b in batches):
            raise InvalidValueError("PrefetchingIter: Number of entry mismatches between iterators")
        if first is None:
            return False
        self.current_batch = DataBatch(
            [a for b in batches if b for a in b.data or []], [a for b in batches if b for a in b.label or []],
            first.pad, first.index, provide_data=self.provide_data, provide_label=self.provide_label)
        self._begin()
        return True

    def next(self) -> DataBatch:
        """The next batch; StopIteration at the end of the data."""
        if not self.iter_next():
            raise StopIteration
        assert self.current_batch is not None
        return self.current_batch


def _next_of(data_iter: DataIter) -> DataBatch | None:
    try:
        return data_iter.next()
    except StopIteration:
        return None


def _renamed(described: list[Any], names: list[dict[str, str]] | None) -> list[Any]:
    if names is None:
        return [d for ds in described for d in ds]
    return [DataDesc(new[d.name], d.shape, d.dtype) if isinstance(d, DataDesc) else DataDesc(*d)
            for new, ds in zip(names, described) for d in ds]
