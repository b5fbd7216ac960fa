"""Threads and processes that load batches ahead of time (level 14)."""
from __future__ import annotations

import gc
import io
import multiprocessing
import os
import pickle
import queue
import random
import signal
import socket
import struct
import threading
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from itertools import accumulate
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any, NoReturn
from weakref import WeakValueDictionary, ref

import numpy

from ... import random as mx_random
from ...array import wrap
from ...base import MXNetError
from ...context import cpu
from ...ndarray import BaseArray
from ...npx.switches import is_np_array, is_np_shape, set_np

__all__ = ["Processes", "Threads", "WorkerDiedError", "WorkerError", "WorkerTimeoutError"]

Load = Callable[[Any], Any]


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
        self._workers: list[tuple[Any, Connection]] = []
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
        """Ask for a batch, made with random streams that start from `seeds`; gives what `result` takes."""
        if not self._workers:
            raise WorkerDiedError("DataLoader: the worker processes have ended; iterate anew")
        ticket = _Ticket(self._asked)
        self._asked += 1
        self._waiting[ticket.number] = ticket
        try:
            self._of(ticket)[1].send((ticket.number, samples, seeds, _switches()))
        except ConnectionError:
            pass        # the worker has died, which is told when the turn of the batch comes
        except BaseException as error:
            self._broken(ticket, error)
        return ticket

    def _of(self, ticket: _Ticket) -> tuple[Any, Connection]:
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
        process, connection = self._of(ticket)
        ready = wait([connection, process.sentinel], max(0, deadline - time.monotonic()))
        if not ready:
            self.close()
            raise _too_late(self._timeout)
        try:
            if connection not in ready:
                raise EOFError
            number, worked, message, sizes = connection.recv()
            memory = recv_handle(connection) if sizes else -1
        except BaseException as error:
            self._broken(ticket, error)
        wanted = self._waiting.get(number)
        if wanted is not None:
            try:
                wanted.outcome = worked, _unpacked(message, sizes, memory)
            except Exception as error:
                wanted.outcome = False, (error, traceback.format_exc())
        if sizes:
            os.close(memory)

    def _broken(self, ticket: _Ticket, error: BaseException) -> NoReturn:
        """End the workers after an error that may have left half a message in a socket."""
        process = self._of(ticket)[0]
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
        for _, connection in workers:
            # Closing alone would not be noticed while processes forked later have copies of the socket.
            with _socket(connection) as own, suppress(OSError):
                own.shutdown(socket.SHUT_RDWR)
            connection.close()
        deadline = time.monotonic() + 0.5
        for process, _ in workers:
            process.join(max(0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _socket(connection: Connection) -> socket.socket:
    return socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)


def _forked(load: Load, name: str, timeout: float) -> tuple[Any, Connection]:
    """A new worker process and the socket to it, which raises BlockingIOError after `timeout` seconds."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    limit = struct.pack("@ll", int(timeout), int(timeout % 1 * 1e6))
    with _socket(here) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
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
    return process, here


def _listen(connection: Connection, tasks: queue.SimpleQueue[Any]) -> None:
    """Take tasks from the socket at once: it never fills up, and the end of the other side is noticed."""
    task: Any = True
    while task is not None:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            task = None
        tasks.put(task)


def _work(load: Load, far_end: Connection, connection: Connection) -> None:
    """What a worker process does."""
    gc.freeze()
    gc.enable()
    far_end.close()
    # Ctrl-C is for the main process, which ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    while (task := tasks.get()) is not None:
        number, samples, seeds, switches = task
        try:
            set_np(*switches)
            random.seed(seeds[0])
            numpy.random.seed(seeds[1])
            mx_random.seed(seeds[2])
            with cpu():
                found = _packed(load(samples))
            worked = True
        except Exception as error:
            worked, found = False, (_packed_error(error), [], -1)
        message, sizes, memory = found
        try:
            connection.send((number, worked, message, sizes))
            if sizes:
                send_handle(connection, memory, 0)
                os.close(memory)
        except OSError:
            return      # the main process has gone


# Messages ---------------------------------------------------------------------------------------------------

_LARGE = 1 << 16

class _Pickler(pickle.Pickler):
    """Pickles arrays without a copy of them before and after."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, BaseArray) and obj._ctx.device_type != "gpu":
            return wrap, (type(obj), obj._data, obj._ctx)
        return NotImplemented


def _packed(value: Any) -> tuple[bytes, list[int], int]:
    """`value` as bytes; if its arrays are large and the system has memfd, their memory apart: its sizes,
    and the descriptor of a file with it.
    """
    found: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, 5, buffer_callback=found.append).dump(value)
    buffers = [b.raw() for b in found]
    if sum(b.nbytes for b in buffers) >= _LARGE and hasattr(os, "memfd_create"):
        return stream.getvalue(), [b.nbytes for b in buffers], _in_memory(buffers)
    stream = io.BytesIO()
    _Pickler(stream, 5).dump(value)
    return stream.getvalue(), [], -1


def _packed_error(error: Exception) -> bytes:
    trace = "".join(traceback.format_exception(error))
    try:
        message = pickle.dumps((error, trace))
        pickle.loads(message)       # not every error that can be pickled can be made again
    except Exception:
        message = pickle.dumps((WorkerError(f"{type(error).__name__}: {error}"), trace))
    return message


def _places(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Where memory of these sizes lies in a file, one after the other: (start, end)."""
    ends = list(accumulate(sizes))
    return list(zip([0, *ends], ends))


def _in_memory(buffers: list[memoryview]) -> int:
    """A file in memory with these contents; gives its descriptor."""
    memory = os.memfd_create("mxgrad-batch")
    for (start, end), buffer in zip(_places([b.nbytes for b in buffers]), buffers):
        while start < end:
            start += os.pwrite(memory, buffer[start - end:], start)
    return memory


def _unpacked(message: bytes, sizes: list[int], memory: int) -> Any:
    # Read, not mapped: a mapping would keep the descriptor, of which a process may have a thousand.
    buffers = [numpy.empty(size, numpy.uint8).data for size in sizes]
    for (start, end), buffer in zip(_places(sizes), buffers):
        while start < end:
            start += os.preadv(memory, [buffer[start - end:]], start)
    return pickle.loads(message, buffers=buffers)


# Random numbers ---------------------------------------------------------------------------------------------


class Seeds:
    """Seeds for each batch of each epoch, for Python's, NumPy's and mxgrad's random streams.

    Forks begin with equal streams; so that their random transforms differ, and are the same whichever worker
    has which batch, each batch has its own, which follow from the state of this process's.
    """

    def __init__(self) -> None:
        self._epochs = 0

    def epoch(self) -> Callable[[int], list[int]]:
        """The function that gives the seeds of batch i of the next epoch.  No stream moves."""
        epoch, self._epochs = self._epochs, self._epochs + 1
        with mx_random.noting() as notes:
            mx_random.np_stream(cpu())
        ours = next(iter(notes.values()))
        states = (random.getstate(), numpy.random.get_state(legacy=False),
                  (ours["seeds"], ours["sequential"]))
        roots = [zlib.crc32(pickle.dumps(s)) for s in states]

        def seeds(i: int) -> list[int]:
            return [int(numpy.random.SeedSequence((root, epoch, i)).generate_state(1)[0]) for root in roots]

        return seeds
