"""`mx.engine`: the size of bulks, kept for programs that set it (level 1).

MXNet runs ops in the background, and so many of them in one go.  Here every op has run when its call
returns: there is nothing to put together, and the number changes nothing.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["bulk", "set_bulk_size"]

_size = 0


def set_bulk_size(size: int) -> int:
    """Note the size and give the one before, which is 0 at first.

    >>> before = set_bulk_size(10)
    >>> set_bulk_size(before)
    10
    """
    global _size
    before, _size = _size, int(size)
    return before


@contextmanager
def bulk(size: int) -> Iterator[None]:
    """A scope with another bulk size.

    >>> from mxgrad import engine, nd
    >>> with engine.bulk(10):
    ...     x = nd.zeros((1,))
    ...     for i in range(100):
    ...         x += 1
    >>> x.asnumpy().tolist()
    [100.0]
    """
    before = set_bulk_size(size)
    try:
        yield
    finally:
        set_bulk_size(before)
