"""DataLoader: batches of a data set (level 14)."""
from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any
from weakref import finalize

from ...base import InvalidValueError
from ...context import Context, cpu_pinned
from ...ndarray import BaseArray
from ...npx.switches import is_np_array
from .batchify import Stack, default_batchify_fn, default_mp_batchify_fn, for_gathered
from .dataset import gathered
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .workers import Processes, Seeds, Threads

__all__ = ["DataLoader"]


def _as_in_context(data: Any, ctx: Context) -> Any:
    if isinstance(data, BaseArray):
        return data.as_in_context(ctx)
    if isinstance(data, (list, tuple)):
        return [_as_in_context(d, ctx) for d in data]
    return data


class _Ahead:
    """The batches of an epoch in order, loaded by workers, `prefetch` of them ahead of time."""

    def __init__(self, workers: Any, batches: Any, prefetch: int, seeds: Callable[[int], Any]) -> None:
        self._workers, self._seeds = workers, seeds
        self._batches = enumerate(batches)
        self._tickets: deque[Any] = deque()
        for _ in range(prefetch):
            self._ask()

    def _ask(self) -> None:
        for i, samples in self._batches:
            self._tickets.append(self._workers.submit(samples, self._seeds(i)))
            return

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._ask()
        if not self._tickets:
            raise StopIteration
        try:
            return self._workers.result(self._tickets.popleft())
        except StopIteration as error:
            # It is a mistake in the data set, not the end of the data.
            raise RuntimeError("DataLoader: a sample raised StopIteration") from error


class DataLoader:
    """Batches of a data set; iterating it is an epoch, and its `len` the number of batches.

    Parameters
    ----------
    dataset : Dataset
        Or a list or an array: anything with a length and samples by number.
    batch_size : int
        How many samples are in a batch.
    shuffle : bool
        In random order, by `RandomSampler`; otherwise one after the other.
    sampler : Sampler
        Gives the order, instead of `shuffle`.
    last_batch : {'keep', 'discard', 'rollover'}
        What becomes of a last batch that is not full: see `BatchSampler`.
    batch_sampler : Sampler
        Gives lists of numbers of samples, instead of the four parameters before.
    batchify_fn : callable
        Makes a batch of a list of samples: see `mxgrad.gluon.data.batchify`.  By default they are stacked;
        of tuples each part, in a list.
    num_workers : int
        Processes that load the batches ahead of time; with 0, each is loaded when it is asked for.  The
        workers are forks of this process, made here: later changes of the data set do not reach them, and
        they cannot use a GPU.
    pin_memory : bool
        Arrays come on the context ``cpu_pinned(pin_device_id)``.
    pin_device_id : int
    prefetch : int
        How many batches are loaded ahead of time; two for each worker by default.
    thread_pool : bool
        The workers are threads, which suits work that waits for files or runs in NumPy.
    timeout : float
        Seconds to wait for a batch of a worker.
    auto_reload : bool
        Begin to load an epoch when the one before ends, and the first one here.
    try_nopython : bool
        Accepted for MXNet's sake: MXNet 2 has a loader in C++.

    Batches come in order whatever the number of workers.  Their arrays are np's with NumPy arrays on
    (`npx.set_np`), else nd's, on ``cpu(0)``, or, where workers stacked them, ``cpu_shared(0)``, which is the
    same memory.  Each batch of a worker process has random streams of its own that follow from the seeds of
    this process, so that its random transforms do not depend on the number of workers.

    Raises
    ------
    InvalidValueError
        Parameters that do not fit together.
    WorkerTimeoutError, WorkerDiedError
        While iterating: a worker did not answer, or ended.  The workers are made anew by the next epoch.
    Exception
        While iterating: the error of a worker, with its traceback.

    Examples
    --------
    >>> from mxgrad.gluon.data import ArrayDataset
    >>> data = ArrayDataset(list(range(5)), [1.5, 2.5, 3.5, 4.5, 5.5])
    >>> for number, value in DataLoader(data, batch_size=2):
    ...     print(number.asnumpy(), value.asnumpy())
    [0 1] [1.5 2.5]
    [2 3] [3.5 4.5]
    [4] [5.5]
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = None, shuffle: bool = False, sampler: Any = None,
        last_batch: str | None = None, batch_sampler: Any = None,
        batchify_fn: Callable[[Any], Any] | None = None, num_workers: int = 0, pin_memory: bool = False,
        pin_device_id: int = 0, prefetch: int | None = None, thread_pool: bool = False, timeout: float = 120,
        auto_reload: bool = False, try_nopython: bool | None = None,
    ) -> None:
        if timeout <= 0:
            raise InvalidValueError(f"timeout must be positive, given {timeout}")
        if batch_sampler is None:
            if batch_size is None:
                raise InvalidValueError("batch_size must be specified unless batch_sampler is specified")
            if sampler is None:
                sampler = (RandomSampler if shuffle else SequentialSampler)(len(dataset))
            elif shuffle:
                raise InvalidValueError("shuffle must not be specified if sampler is specified")
            batch_sampler = BatchSampler(sampler, batch_size, last_batch or "keep")
        elif batch_size is not None or shuffle or sampler is not None or last_batch is not None:
            raise InvalidValueError("batch_size, shuffle, sampler and last_batch must not be specified if "
                                    "batch_sampler is specified.")
        self._dataset, self._batch_sampler = dataset, batch_sampler
        self._num_workers = max(0, num_workers)
        self._pinned = cpu_pinned(pin_device_id) if pin_memory else None
        self._prefetch = max(0, 2 * self._num_workers if prefetch is None else int(prefetch))
        self._thread_pool, self._timeout = thread_pool, timeout
        if batchify_fn is None:
            if is_np_array():
                batchify_fn = Stack(use_shared_mem=self._num_workers > 0)
            else:
                batchify_fn = default_mp_batchify_fn if self._num_workers else default_batchify_fn
        self._load = _Load(dataset, batchify_fn)
        self._seeds = Seeds()
        self._workers: Any = None
        if self._num_workers:
            self._start()
        self.auto_reload = auto_reload
        self._iter: Any = None
        if auto_reload:
            self.refresh()

    def _start(self) -> None:
        gc.collect()        # what is garbage here would be copied into each process
        kind: Any = Threads if self._thread_pool else Processes
        self._workers = kind(self._load, self._num_workers, self._timeout)
        finalize(self, self._workers.close)

    def refresh(self) -> None:
        """Begin to load the next epoch."""
        if not self._num_workers:
            self._iter = (self._load(samples) for samples in self._batch_sampler)
            return
        if not self._workers.alive:
            self._start()
        self._iter = _Ahead(self._workers, self._batch_sampler, self._prefetch, self._seeds.epoch())

    def clean(self) -> None:
        """Forget an epoch that `refresh` began."""
        self._iter = None

    def __iter__(self) -> Iterator[Any]:
        if self._iter is None:
            self.refresh()
        batches, self._iter = self._iter, None
        for batch in batches:
            yield batch if self._pinned is None else _as_in_context(batch, self._pinned)
        if self._iter is None and self.auto_reload:
            self.refresh()

    def __len__(self) -> int:
        return len(self._batch_sampler)


class _Load:
    """Makes a batch of the samples with these numbers."""

    def __init__(self, dataset: Any, batchify_fn: Callable[[Any], Any]) -> None:
        self._dataset, self._batchify, self._at_once = dataset, batchify_fn, for_gathered(batchify_fn)

    def __call__(self, numbers: Any, first: Callable[[], None] | None = None) -> Any:
        """`first` is called before code that is the user's."""
        if self._at_once is not None:
            found = gathered(self._dataset, numbers)
            if found is not None:
                return self._at_once(found)
        if first is not None:
            first()
        return self._batchify([self._dataset[i] for i in numbers])
