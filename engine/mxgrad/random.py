"""The streams of random numbers of every context, and `mx.random` (level 5).

The numbers are MXNet's, bit for bit, on every device and from every language: see `mxgrad.streams`.
"""
from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .base import InvalidTypeError
from .context import Context, as_context

if TYPE_CHECKING:
    from .streams import NDStreams, NPStreams

__all__ = ["seed", "stream", "np_stream"]

_lock = threading.Lock()
_base = 0                                       # the seed of contexts not yet used
_nd: dict[Context, NDStreams] = {}
_np: dict[Context, NPStreams] = {}


def _engine_seed(base: int, device_id: int) -> int:
    return (127 * base + device_id) % 2**32


def stream(ctx: Context) -> NDStreams:
    """The parallel streams of a context: nd.random, initializers, Dropout."""
    from .streams import NDStreams

    with _lock:
        found = _nd.get(ctx)
        if found is None:
            found = _nd[ctx] = NDStreams(_engine_seed(_base, ctx.device_id), per_context=True)
        return found


def np_stream(ctx: Context) -> NPStreams:
    """The sequential stream of a context: np.random."""
    from .streams import NPStreams

    with _lock:
        found = _np.get(ctx)
        if found is None:
            found = _np[ctx] = NPStreams(_engine_seed(_base, ctx.device_id), per_context=True)
        return found


def seed(seed_state: int, ctx: Any = "all") -> None:
    """Start the streams of every context, or of one, anew.

    As in MXNet, the generators of ``cpu(k)`` start from ``127 * seed_state + k`` for 'all' and from
    ``seed_state + k`` for a context by name; a process that never calls this has seed 0.

    >>> import mxgrad as mx
    >>> mx.random.seed(0)
    >>> mx.nd.random.uniform(shape=2).asnumpy().tolist()
    [0.54881352186203, 0.5928446054458618]
    """
    global _base
    try:
        number = int(seed_state.__index__())
    except (AttributeError, TypeError):
        raise SeedError(f"seed_state must be int, got {seed_state!r}") from None
    if isinstance(ctx, str) and ctx == "all":
        with _lock:
            _base = number
            _nd.clear()
            _np.clear()
        return
    where = as_context(ctx)
    from .streams import NDStreams, NPStreams

    engine = (number + where.device_id) % 2**32
    with _lock:
        _nd[where] = NDStreams(engine, per_context=True)
        _np[where] = NPStreams(engine, per_context=True)


class SeedError(InvalidTypeError, ValueError):
    """A seed that is not an integer."""


def __getattr__(name: str) -> Any:
    # mx.random.uniform and its like are nd.random's.
    from .nd import random as nd_random

    if name.startswith("_") or not hasattr(nd_random, name):
        raise AttributeError(f"module 'mxgrad.random' has no attribute {name!r}")
    return getattr(nd_random, name)
