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
from collections import ChainMap, deque
from collections.abc import Callable, Iterable
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, NoReturn
from weakref import WeakValueDictionary, ref

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
# are no queues, locks or threads in this process, so a worker that dies cannot block anybody, and its end is
# noticed at once.  Large batches come as files in memory without a name (memfd): whoever dies, nothing stays.


class _Ticket:
    """A batch that was asked for; its outcome is (whether it worked, the batch or the error)."""

    __slots__ = ("number", "outcome", "__weakref__")

    def __init__(self, number: int) -> None:
        self.number = number
        self.outcome: tuple[bool, Any] | None = None


class _Worker(NamedTuple):
    process: Any
    socket: socket.socket
    news: Any       # polls the socket and the end of the process


class Processes:
    """Forked processes that call `load`."""

    def __init__(self, load: Load, number: int, timeout: float) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise MXNetError("DataLoader: this system cannot fork processes for num_workers; set "
                             "thread_pool=True for threads, or num_workers=0")
        self._pid, self._timeout = os.getpid(), timeout
        self._asked = 0
        # Weak: nobody waits for the batches of an epoch that was broken off.
        self._waiting: WeakValueDictionary[int, _Ticket] = WeakValueDictionary()
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
        self._waiting[ticket.number] = ticket
        try:
            task = pickle.dumps((ticket.number, _compact(samples), seeds, _switches()), 5)
            self._of(ticket).socket.sendall(task)
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
        ready = [descriptor for descriptor, _ in worker.news.poll(min(left, 0x7FFFFFFF))]
        if not ready:
            self.close()
            raise _too_late(self._timeout)
        try:
            if worker.socket.fileno() not in ready:
                raise EOFError
            number, worked, message, buffers = _received(worker.socket)
        except BaseException as error:
            self._broken(ticket, error)
        wanted = self._waiting.get(number)
        if wanted is not None:
            try:
                wanted.outcome = worked, pickle.loads(message, buffers=buffers)
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
        for process, _, _ in workers:
            process.join(max(0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _forked(load: Load, name: str, timeout: float) -> _Worker:
    """A new worker process and the socket to it, which raises BlockingIOError after `timeout` seconds."""
    context = multiprocessing.get_context("fork")
    here, there = socket.socketpair()
    limit = struct.pack("@ll", int(timeout), int(timeout % 1 * 1e6))
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
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
    return _Worker(process, here, news)


def _listen(own: socket.socket, tasks: queue.SimpleQueue[Any]) -> None:
    """Take tasks from the socket at once: it never fills up, and the end of the other side is noticed."""
    arriving = own.makefile("rb")
    task: Any = True
    while task is not None:
        try:
            task = pickle.load(arriving)
        except (EOFError, OSError):
            task = None
        tasks.put(task)


def _work(load: Load, far_end: socket.socket, own: socket.socket) -> None:
    """What a worker process does."""
    gc.freeze()
    gc.enable()
    far_end.close()
    # Ctrl-C is for the main process, which ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(own, tasks), daemon=True).start()
    while (task := tasks.get()) is not None:
        number, samples, seeds, switches = task
        try:
            set_np(*switches)
            with cpu():
                found = _packed(load(samples, partial(_seed, *seeds)))
            worked = True
        except Exception as error:
            worked, found = False, [_packed_error(error)]
        try:
            _send(own, number, worked, found)
        except OSError:
            return      # the main process has gone


# Messages ---------------------------------------------------------------------------------------------------

#
# A batch is a pickle and the memory of its arrays; before them go the header, and the length of each.  They
# follow through the socket or, where they are large and the system has it, in a file in memory whose descriptor comes with the header.

_LARGE = 1 << 16
_HEADER = struct.Struct("=q??q")     # number of the task, whether it worked, whether in a file, how many parts
_MOST = 1024                        # parts that the system reads or writes at once


def _compact(samples: Any) -> Any:
    """The numbers of a `RandomSampler` in one array, which gives the same when it is iterated: to pickle them
    one by one takes long.
    """
    if type(samples) is list and samples and set(map(type, samples)) == {numpy.int64}:
        return numpy.array(samples)
    return samples


def _reduced(array: Any) -> Any:
    """Pickled without a copy before and after."""
    if array._ctx.device_type == "gpu":
        return array.__reduce__()
    return wrap, (type(array), array._data, array._ctx)


class _Pickler(pickle.Pickler):
    dispatch_table = ChainMap({NDArray: _reduced, ndarray: _reduced}, copyreg.dispatch_table)


def _packed(value: Any) -> list[Any]:
    """`value` as a pickle and the memory of its arrays."""
    found: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, 5, buffer_callback=found.append).dump(value)
    return [stream.getbuffer(), *(b.raw() for b in found)]


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
    left = deque(view for view in map(memoryview, parts) if view.nbytes)
    while left:
        done = transfer(descriptor, list(islice(left, _MOST)))
        if not done:
            raise EOFError
        while left and done >= left[0].nbytes:
            done -= left.popleft().nbytes
        if done:
            left[0] = left[0][done:]


def _send(to: socket.socket, number: int, worked: bool, parts: list[Any]) -> None:
    lengths = numpy.array([memoryview(p).nbytes for p in parts], numpy.int64)
    everything = [lengths.data.cast("B"), *parts]
    if lengths.sum() < _LARGE or not hasattr(os, "memfd_create"):
        _through(os.writev, to.fileno(), [_HEADER.pack(number, worked, False, len(parts)), *everything])
        return
    file = os.memfd_create("mxgrad-batch")
    try:
        _through(os.writev, file, everything)
        os.lseek(file, 0, os.SEEK_SET)      # the other side reads from where this one is
        socket.send_fds(to, [_HEADER.pack(number, worked, True, len(parts))], [file])
    finally:
        os.close(file)


def _received(at: socket.socket) -> tuple[int, bool, Any, list[Any]]:
    """Number of the task, whether it worked, the pickle, and its arrays' memory."""
    header, files, _, _ = socket.recv_fds(at, _HEADER.size, 1)
    if len(header) < _HEADER.size:
        raise EOFError
    try:
        number, worked, apart, count = _HEADER.unpack(header)
        source = files[0] if apart else at.fileno()
        lengths = numpy.empty(count, numpy.int64)
        _through(os.readv, source, [lengths.data.cast("B")])
        # Files are read, not mapped: a mapping keeps the descriptor, of which a process may have a thousand.
        parts = [numpy.empty(n, numpy.uint8) for n in lengths.tolist()]
        _through(os.readv, source, parts)
    finally:
        for file in files:
            os.close(file)
    return number, worked, parts[0], parts[1:]


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
