"""The streams of random numbers of every context, and `mx.random` (level 5).

The numbers are MXNet's, bit for bit, on every device and from every language: see `mxgrad.streams`.
"""
from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from .base import InvalidTypeError
from .context import Context, as_context

if TYPE_CHECKING:
    from .streams import Engines, NDStreams, NPStreams

__all__ = ["seed", "stream", "np_stream"]

_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    # Or a fork while another thread has it would never get it again.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class _Set:
    """The engines of every device used so far, and the seed of the others."""

    def __init__(self, states: dict[tuple[str, int], Any], base: int) -> None:
        self.engines: dict[tuple[str, int], Engines] = {}
        self.base = base
        for key, state in states.items():
            self._new(key).set_state(state)

    def _new(self, key: tuple[str, int]) -> Engines:
        from .kernels import random as _compiled  # noqa: F401  (gives the streams its kernels)
        from .streams import Engines

        made = self.engines[key] = Engines(self.base, device_id=key[1])
        return made

    def of(self, key: tuple[str, int]) -> Engines:
        return self.engines.get(key) or self._new(key)


class _Here(threading.local):
    """The set this thread draws from, and where it notes the states it draws at."""

    streams = _Set({}, 0)
    notes: tuple[tuple[dict[tuple[str, int], Any], ExitStack], ...] = ()


_here = _Here()


@contextmanager
def noting() -> Iterator[dict[tuple[str, int], Any]]:
    """A ``with`` block that notes, for `replaying`, the state of every stream this thread draws from in it.

    Other threads do not draw from such a stream until the block ends, or the numbers would not be the same.
    """
    notes: dict[tuple[str, int], Any] = {}
    before = _here.notes
    with ExitStack() as locks:
        _here.notes = (*before, (notes, locks))
        try:
            yield notes
        finally:
            _here.notes = before


@contextmanager
def replaying(notes: dict[tuple[str, int], Any]) -> Iterator[None]:
    """A ``with`` block in which this thread draws again the numbers of a `noting` block.

    It draws from streams of its own: the ones that all threads share do not move.
    """
    before = _here.streams, _here.notes
    _here.streams, _here.notes = _Set(notes, before[0].base), ()
    try:
        yield
    finally:
        _here.streams, _here.notes = before


def _device(ctx: Context) -> tuple[str, int]:
    """Whose engines a context draws from: every CPU context shares those of cpu(0), as in MXNet."""
    return ("gpu", ctx.device_id) if ctx.device_type == "gpu" else ("cpu", 0)


def _engines_of(ctx: Context) -> Engines:
    key = _device(ctx)
    with _lock:
        found = _here.streams.of(key)
    for notes, locks in _here.notes:
        if key not in notes:
            locks.enter_context(found.lock)
            notes[key] = found.get_state()
    return found


def stream(ctx: Context) -> NDStreams:
    """The parallel streams of a context: nd.random, initializers, Dropout."""
    from .streams import NDStreams

    return NDStreams(engines=_engines_of(ctx))


def np_stream(ctx: Context) -> NPStreams:
    """The streams of np.random on a context."""
    from .streams import NPStreams

    return NPStreams(engines=_engines_of(ctx))


def seed(seed_state: int, ctx: Any = "all") -> None:
    """Start the streams of every context, or of one, anew.

    As in MXNet, the generators start from ``127 * seed_state`` plus the device's number; with a context by
    name the sequential one (np.random) starts from `seed_state` itself.  A process that never calls this has
    seed 0.  Raises SeedError for anything but an integer.

    >>> import mxgrad as mx
    >>> mx.random.seed(0)
    >>> mx.nd.random.uniform(shape=2).asnumpy().tolist()
    [0.54881352186203, 0.5928446054458618]
    """
    if isinstance(seed_state, bool) or not hasattr(seed_state, "__index__"):
        raise SeedError(f"seed_state must be int, got {seed_state!r}")
    number = int(seed_state.__index__())
    if isinstance(ctx, str) and ctx == "all":
        with _lock:
            _here.streams.base = number
            _here.streams.engines.clear()
        return
    where = as_context(ctx)
    _engines_of(where).seed(number, per_context=True, device_id=_device(where)[1])


class SeedError(InvalidTypeError, ValueError):
    """A seed that is not an integer."""


def __getattr__(name: str) -> Any:
    # mx.random.uniform and its like are nd.random's.
    from .nd import random as nd_random

    if name.startswith("_") or not hasattr(nd_random, name):
        raise AttributeError(f"module 'mxgrad.random' has no attribute {name!r}")
    return getattr(nd_random, name)
