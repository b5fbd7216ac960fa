"""Samplers: in which order a data set is gone through (level 14)."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy

from ...base import InvalidTypeError, InvalidValueError

__all__ = ["BatchSampler", "FilterSampler", "IntervalSampler", "RandomSampler", "Sampler",
           "SequentialSampler"]


class Sampler:
    """Base of samplers: a subclass defines `__iter__`, which gives numbers of samples, and `__len__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define __len__")


def _length(length: Any, what: str) -> int:
    if not isinstance(length, (int, numpy.integer)):
        raise InvalidTypeError(f"{what}: length is an integer, got {length!r}")
    if length < 0:
        raise InvalidValueError(f"{what}: length is not negative, got {length}")
    return int(length)


class SequentialSampler(Sampler):
    """start, start + 1, ..., start + length - 1."""

    def __init__(self, length: int, start: int = 0) -> None:
        self._length, self._start = _length(length, "SequentialSampler"), start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self._start, self._start + self._length))

    def __len__(self) -> int:
        return self._length


class RandomSampler(Sampler):
    """0, ..., length - 1 in random order, another one each time, by ``numpy.random.shuffle``."""

    def __init__(self, length: int) -> None:
        self._length = _length(length, "RandomSampler")

    def __iter__(self) -> Iterator[Any]:
        order = numpy.arange(self._length)
        numpy.random.shuffle(order)
        return iter(order)

    def __len__(self) -> int:
        return self._length


class FilterSampler(Sampler):
    """The numbers of those samples of `dataset` for which ``fn(sample)`` is true.

    >>> list(FilterSampler(lambda x: x > 3, [5, 1, 4]))
    [0, 2]
    """

    def __init__(self, fn: Callable[[Any], Any], dataset: Any) -> None:
        self._indices = [i for i in range(len(dataset)) if fn(dataset[i])]

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


class IntervalSampler(Sampler):
    """Every `interval`-th number from 0 on; with `rollover` then every one from 1 on, and so on.

    >>> list(IntervalSampler(7, interval=3)), list(IntervalSampler(7, interval=3, rollover=False))
    ([0, 3, 6, 1, 4, 2, 5], [0, 3, 6])
    """

    def __init__(self, length: int, interval: int, rollover: bool = True) -> None:
        self._length = _length(length, "IntervalSampler")
        if not 0 < interval <= length:
            raise InvalidValueError(
                f"IntervalSampler: interval is positive and at most the length {length}, got {interval}")
        self._interval, self._rollover = interval, rollover

    def __iter__(self) -> Iterator[int]:
        for first in range(self._interval if self._rollover else 1):
            yield from range(first, self._length, self._interval)

    def __len__(self) -> int:
        return self._length if self._rollover else -(-self._length // self._interval)


class BatchSampler(Sampler):
    """Lists of `batch_size` numbers of another sampler.

    Parameters
    ----------
    sampler : Sampler
    batch_size : int
    last_batch : {'keep', 'discard', 'rollover'}
        What becomes of the last numbers when they are fewer: a shorter list; nothing; or the beginning of the
        first list when it is iterated again.

    Raises InvalidValueError for another `last_batch`, or a batch size that is not positive.

    >>> list(BatchSampler(SequentialSampler(5), 2))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Any, batch_size: int, last_batch: str = "keep") -> None:
        if last_batch not in ("keep", "discard", "rollover"):
            raise InvalidValueError(
                f"last_batch must be one of 'keep', 'discard', or 'rollover', but got {last_batch}")
        if batch_size < 1:
            raise InvalidValueError(f"BatchSampler: batch_size is positive, got {batch_size}")
        self._sampler, self._batch_size, self._last_batch = sampler, batch_size, last_batch
        self._prev: list[Any] = []

    def __iter__(self) -> Iterator[list[Any]]:
        batch, self._prev = self._prev, []
        numbers = iter(self._sampler)
        while len(batch := [*batch, *islice(numbers, self._batch_size - len(batch))]) == self._batch_size:
            yield batch
            batch = []
        if batch and self._last_batch == "keep":
            yield batch
        elif self._last_batch == "rollover":
            self._prev = batch

    def __len__(self) -> int:
        length, size = len(self._sampler), self._batch_size
        if self._last_batch == "keep":
            return -(-length // size)
        return (length + len(self._prev)) // size
