"""Threads and processes that load batches ahead of time (level 14)."""
from __future__ import annotations

import copyreg
import gc
import io
import math
import multiprocessing
import os
import pickle
import queue
import random
import select
import signal
import socket
import struct
import threading
import time
import traceback
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from functools import lru_cache, partial
from itertools import accumulate, islice
from typing import Any, NamedTuple, NoReturn
from weakref import ref

import numpy

from ... import random as mx_random
from ...array import wrap
from ...base import MXNetError
from ...context import cpu
from ...nd.array import NDArray
from ...np.array import ndarray
from ...npx.switches import is_np_array, is_np_shape, set_np

__all__ = ["Processes", "Threads", "WorkerDiedError", "WorkerError", "WorkerTimeoutError"]

Load = Callable[..., Any]
"""Makes a batch of what a batch sampler gave; a second argument is called before the data set's code is."""


class WorkerError(MXNetError):
    """An error in a worker process whose own class cannot be carried over; the message names it."""


class WorkerDiedError(MXNetError):
    """A worker process ended in the middle of its work."""


class WorkerTimeoutError(MXNetError, multiprocessing.TimeoutError, TimeoutError):
    """A batch took longer than `timeout`."""


class _WorkerTraceback(Exception):
    """The traceback of an error in a worker process, as its cause."""


def _too_late(timeout: float) -> WorkerTimeoutError:
    return WorkerTimeoutError(
        f"DataLoader: a worker needed more than {timeout} seconds for a batch; if the data set or its "
        "transforms are that slow, give a larger timeout")


def _switches() -> tuple[bool, bool]:
    return is_np_shape(), is_np_array()


class Threads:
    """Daemon threads that call `load`: one that hangs does not keep the program from ending."""

    alive = True

    def __init__(self, load: Load, number: int, timeout: float) -> None:
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._number, self._timeout = number, timeout
        for i in range(number):
            threading.Thread(target=_serve, args=(load, self._tasks), name=f"DataLoader-{i}",
                             daemon=True).start()

    def submit(self, samples: Any, seeds: Any) -> Future[Any]:
        """Ask for a batch; gives what `result` takes.  Threads share the random streams: no seeds."""
        ticket: Future[Any] = Future()
        # Weak: nobody waits for the batches of an epoch that was broken off.
        self._tasks.put((ref(ticket), samples, _switches()))
        return ticket

    def result(self, ticket: Future[Any]) -> Any:
        """The batch, as soon as it is there."""
        if not futures.wait([ticket], self._timeout).done:
            raise _too_late(self._timeout)
        return ticket.result()

    def close(self) -> None:
        """Let the threads end after their current batches."""
        for _ in range(self._number):
            self._tasks.put(None)


def _serve(load: Load, tasks: queue.SimpleQueue[Any]) -> None:
    """What a thread does."""
    while (task := tasks.get()) is not None:
        wanted, samples, switches = task
        if wanted() is None:
            continue
        try:
            set_np(*switches)
            worked, found = True, load(samples)
        except BaseException as error:
            worked, found = False, error
        ticket = wanted()
        if ticket is not None:
            (ticket.set_result if worked else ticket.set_exception)(found)
        del task, wanted, ticket, found


# Processes --------------------------------------------------------------------------------------------------
#
# Each worker is a fork with a socket of its own: tasks go in, and batches come out in the same order.  There
# are no queues, locks or threads, so a worker that dies cannot block anybody, and its end is noticed at once.
# A worker may wait until its batches are taken; this process never waits to get rid of tasks.  Large batches
# come as files in memory without a name (memfd): whoever dies, nothing stays.


class _Ticket:
    """A batch that was asked for; its outcome is (whether it worked, the batch or the error)."""

    __slots__ = ("number", "outcome", "__weakref__")

    def __init__(self, number: int) -> None:
        self.number = number
        self.outcome: tuple[bool, Any] | None = None


class _Worker(NamedTuple):
    process: Any
    socket: socket.socket
    news: Any           # polls the socket and the end of the process
    unsent: bytearray   # tasks, while the socket is full

    def send(self) -> None:
        """Send what the socket takes now."""
        with suppress(BlockingIOError):
            while self.unsent:
                del self.unsent[:self.socket.send(self.unsent, socket.MSG_DONTWAIT)]

    def wait(self, milliseconds: int) -> dict[int, int]:
        """The descriptors that have something new within this time, and poll's events of them."""
        self.news.modify(self.socket, select.POLLIN | (select.POLLOUT if self.unsent else 0))
        return dict(self.news.poll(milliseconds))


class Processes:
    """Forked processes that call `load`."""

    def __init__(self, load: Load, number: int, timeout: float) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise MXNetError("DataLoader: this system cannot fork processes for num_workers; set "
                             "thread_pool=True for threads, or num_workers=0")
        self._pid, self._timeout = os.getpid(), timeout
        self._asked = 0
        # Weak: nobody waits for the batches of an epoch that was broken off.
        self._waiting: dict[int, ref[_Ticket]] = {}
        self._workers: list[_Worker] = []
        try:
            for i in range(number):
                self._workers.append(_forked(load, f"DataLoader-{i}", timeout))
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether there are workers: there are none after an error that ended them."""
        return bool(self._workers)

    def submit(self, samples: Any, seeds: Any) -> _Ticket:
        """Ask for a batch, with random streams that start from `seeds` (see `Seeds`); gives what `result`
        takes.
        """
        if not self._workers:
            raise WorkerDiedError("DataLoader: the worker processes have ended; iterate anew")
        ticket = _Ticket(self._asked)
        self._asked += 1
        self._waiting[ticket.number] = ref(ticket)
        try:
            worker = self._of(ticket)
            worker.unsent.extend(pickle.dumps((ticket.number, *_compact(samples), seeds, _switches()), 5))
            worker.send()
        except ConnectionError:
            pass        # the worker has died, which is told when the turn of the batch comes
        except BaseException as error:
            self._broken(ticket, error)
        return ticket

    def _of(self, ticket: _Ticket) -> _Worker:
        return self._workers[ticket.number % len(self._workers)]

    def result(self, ticket: _Ticket) -> Any:
        """The batch, as soon as it is there; or the error, with the worker's traceback as its cause."""
        deadline = time.monotonic() + self._timeout
        while ticket.outcome is None:
            self._receive(ticket, deadline)
        worked, found = ticket.outcome
        if worked:
            return found
        error, trace = found
        raise error from _WorkerTraceback(f'\n"""\n{trace}"""')

    def _receive(self, ticket: _Ticket, deadline: float) -> None:
        """Take the next batch of the worker that has this task."""
        if not self._workers:
            raise WorkerDiedError("DataLoader: the worker processes have ended; iterate anew")
        worker = self._of(ticket)
        left = math.ceil(1e3 * max(0, deadline - time.monotonic()))
        news = worker.wait(min(left, 0x7FFFFFFF))
        if not news:
            self.close()
            raise _too_late(self._timeout)
        try:
            found = news.get(worker.socket.fileno(), 0)
            if found == select.POLLOUT:
                worker.send()
                return
            if not found:
                raise EOFError
            number, kind, parts = _received(worker.socket)
        except BaseException as error:
            self._broken(ticket, error)
        wanted = self._waiting.pop(number)()
        if wanted is not None:
            try:
                wanted.outcome = kind != _ERROR, _unpacked(kind, parts)
            except Exception as error:
                wanted.outcome = False, (error, traceback.format_exc())

    def _broken(self, ticket: _Ticket, error: BaseException) -> NoReturn:
        """End the workers after an error that may have left half a message in a socket."""
        process = self._of(ticket).process
        if isinstance(error, BlockingIOError):
            self.close()
            raise _too_late(self._timeout)
        if not isinstance(error, (EOFError, OSError)):
            self.close()
            raise error
        process.join(1)
        code, pid = process.exitcode, process.pid
        how = f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"
        self.close()
        raise WorkerDiedError(
            f"DataLoader: worker process {pid} ended unexpectedly ({how}); SIGKILL often means that the "
            "memory did not suffice. num_workers=0 shows errors in this process")

    def close(self) -> None:
        """End the workers."""
        if os.getpid() != self._pid:
            return      # a copy in a forked process
        workers, self._workers = self._workers, []
        for worker in workers:
            # Closing alone would not be noticed while processes forked later have copies of the socket.
            with worker.socket, suppress(OSError):
                worker.socket.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 0.5
        for process, *_ in workers:
            process.join(max(0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _forked(load: Load, name: str, timeout: float) -> _Worker:
    """A new worker; whoever reads half a message waits for the rest until BlockingIOError after `timeout`
    seconds.
    """
    context = multiprocessing.get_context("fork")
    here, there = socket.socketpair()
    limit = struct.pack("@ll", int(timeout), int(timeout % 1 * 1e6))
    here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    process = context.Process(target=_work, args=(load, here, there), name=name, daemon=True)
    collects = gc.isenabled()
    gc.disable()        # nothing of this process is to be finalized in the new one
    try:
        with warnings.catch_warnings():
            # Python 3.12 on warns of the threads of NumPy's BLAS, which minds forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
    finally:
        if collects:
            gc.enable()
    there.close()
    news = select.poll()
    news.register(here, select.POLLIN)
    news.register(process.sentinel, select.POLLIN)
    return _Worker(process, here, news, bytearray())


def _work(load: Load, far_end: socket.socket, own: socket.socket) -> None:
    """What a worker process does."""
    gc.freeze()
    gc.enable()
    far_end.close()
    # Ctrl-C is for the main process, which ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tasks = own.makefile("rb")
    while True:
        try:
            number, samples, compact, seeds, switches = pickle.load(tasks)
        except (EOFError, OSError, pickle.UnpicklingError):
            return      # the main process has gone
        try:
            set_np(*switches)
            if compact:
                samples = numpy.frombuffer(samples, numpy.int64)
            with cpu():
                kind, parts = _packed(load(samples, partial(_seed, *seeds)))
        except Exception as error:
            kind, parts = _ERROR, [_packed_error(error)]
        try:
            _send(own, number, kind, parts)
        except OSError:
            return


# Messages ---------------------------------------------------------------------------------------------------
#
# A batch is a pickle and the memory of its arrays, its parts.  A header goes before them, and the length of
# each.  They follow through the socket or, where they are large and the system has it, in a file in memory.

_LARGE = 1 << 16
_HEADER = struct.Struct("=qBqq")    # number of the task, kind, how many parts, bytes that follow here
_ERROR, _VALUE, _ARRAYS, _IN_FILE = 0, 1, 2, 4
_MOST = 1024                        # parts that the system reads or writes at once


def _compact(samples: Any) -> tuple[Any, bool]:
    """The numbers of a `RandomSampler` as the bytes of their array, which gives the same when it is iterated,
    and True: to pickle them one by one takes long.  Anything else as it is, and False.
    """
    if type(samples) is list and set(map(type, samples)) == {numpy.int64}:
        return numpy.array(samples).tobytes(), True
    return samples, False


def _contiguous(array: Any) -> Any:
    return numpy.ascontiguousarray(array._data).reshape(-1).view(numpy.uint8)


def _made(about: Any, memory: Any) -> Any:
    """The array that `_about` is about, in this memory."""
    cls, ctx, shape, dtype = about
    return wrap(cls, numpy.ndarray(shape, dtype, memory), ctx)


def _about(array: Any) -> tuple[Any, ...]:
    return type(array), array._ctx, array.shape, array._raw.dtype.str


def _reduced(array: Any) -> Any:
    """Pickled without a copy of the memory before and after."""
    if array._ctx.device_type == "gpu":
        return array.__reduce__()
    return _made, (_about(array), pickle.PickleBuffer(_contiguous(array)))


# The batches of an epoch are alike: what there is to tell about lists of arrays is pickled once.
_dumped = lru_cache(64)(partial(pickle.dumps, protocol=5))
_loaded = lru_cache(64)(pickle.loads)


def _packed(value: Any) -> tuple[int, list[Any]]:
    """Kind and parts of a batch."""
    kind = type(value)
    arrays = value if kind is list or kind is tuple else [value]
    if all((type(a) is NDArray or type(a) is ndarray) and a._ctx.device_type != "gpu" for a in arrays):
        about = tuple(map(_about, arrays)), kind if arrays is value else None
        return _ARRAYS, [_dumped(about), *map(_contiguous, arrays)]
    found: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, 5, buffer_callback=found.append)
    pickler.dispatch_table = {**copyreg.dispatch_table, NDArray: _reduced, ndarray: _reduced}
    pickler.dump(value)
    return _VALUE, [stream.getbuffer(), *(b.raw() for b in found)]


def _unpacked(kind: int, parts: list[Any]) -> Any:
    """The batch; or the error, and its traceback as a text."""
    if kind != _ARRAYS:
        return pickle.loads(parts[0], buffers=parts[1:])
    abouts, container = _loaded(bytes(parts[0]))
    arrays = map(_made, abouts, parts[1:])
    return next(arrays) if container is None else container(arrays)


def _packed_error(error: Exception) -> bytes:
    trace = "".join(traceback.format_exception(error))
    try:
        message = pickle.dumps((error, trace))
        pickle.loads(message)       # not every error that can be pickled can be made again
    except Exception:
        message = pickle.dumps((WorkerError(f"{type(error).__name__}: {error}"), trace))
    return message


def _through(transfer: Callable[[int, list[memoryview]], int], descriptor: int, parts: Iterable[Any]) -> None:
    """`os.readv` or `os.writev` all of these parts; EOFError if the other side has ended."""
    left = deque(view for view in (memoryview(part) for part in parts) if view.nbytes)
    while left:
        done = transfer(descriptor, list(islice(left, _MOST)))
        if not done:
            raise EOFError
        while left and done >= left[0].nbytes:
            done -= left.popleft().nbytes
        if done:
            left[0] = left[0][done:]


def _send(to: socket.socket, number: int, kind: int, parts: list[Any]) -> None:
    sizes = [memoryview(p).nbytes for p in parts]
    lengths = struct.pack(f"={len(sizes)}q", *sizes)
    if sum(sizes) < _LARGE or not hasattr(os, "memfd_create"):
        header = _HEADER.pack(number, kind, len(sizes), len(lengths) + sum(sizes))
        _through(os.writev, to.fileno(), [header, lengths, *parts])
        return
    file = os.memfd_create("mxgrad-batch")
    try:
        _through(os.writev, file, parts)
        os.lseek(file, 0, os.SEEK_SET)      # the other side reads from where this one is
        to.sendall(_HEADER.pack(number, kind | _IN_FILE, len(sizes), len(lengths)) + lengths)
        socket.send_fds(to, [b"\0"], [file])
    finally:
        os.close(file)


def _received(at: socket.socket) -> tuple[int, int, list[Any]]:
    """Number of the task, kind, and parts, in memory of their own."""
    number, kind, count, size = _HEADER.unpack(_bytes(at, _HEADER.size))
    message = memoryview(_bytes(at, size))
    lengths = struct.unpack_from(f"={count}q", message)
    if not kind & _IN_FILE:
        ends = accumulate(lengths, initial=8 * count)
        return number, kind, [bytearray(message[i:i + n]) for i, n in zip(ends, lengths)]
    files = socket.recv_fds(at, 1, 1)[1]
    if not files:
        raise EOFError
    try:
        # Read, not mapped: a mapping keeps the descriptor, of which a process may have a thousand.
        parts = [numpy.empty(n, numpy.uint8) for n in lengths]
        _through(os.readv, files[0], parts)
    finally:
        os.close(files[0])
    return number, kind - _IN_FILE, parts


def _bytes(at: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = at.recv(size - len(found), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        found += more
    return found


# Random numbers ---------------------------------------------------------------------------------------------


class Seeds:
    """Seeds for each batch of each epoch, for Python's, NumPy's and mxgrad's random streams.

    Forks begin with equal streams; so that their random transforms differ, and are the same whichever worker
    has which batch, each batch has its own, which follow from the state of this process's.
    """

    def __init__(self) -> None:
        self._epochs = 0

    def epoch(self) -> Callable[[int], tuple[int, int, list[int]]]:
        """The function that gives of batch i of the next epoch what `_seed` takes.  No stream moves."""
        epoch, self._epochs = self._epochs, self._epochs + 1
        ours = mx_random.np_stream(cpu()).engines.get_state(parallel=False)
        states = (random.getstate(), numpy.random.get_state(legacy=False),
                  (ours["seeds"], ours["sequential"]))
        roots = [zlib.crc32(pickle.dumps(s)) for s in states]
        return lambda i: (epoch, i, roots)


def _seed(epoch: int, i: int, roots: list[int]) -> None:
    """Start the streams of this process for batch i of an epoch."""
    of_python, of_numpy, ours = (
        int(numpy.random.SeedSequence((root, epoch, i)).generate_state(1)[0]) for root in roots)
    random.seed(of_python)
    numpy.random.seed(of_numpy)
    mx_random.seed(ours)
