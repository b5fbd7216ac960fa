"""`mx.engine`: the threads of the compiled kernels; the size of bulks, kept for programs that set it
(level 3).

MXNet runs ops in the background, and so many of them in one go.  Here every op has run when its call
returns: there is nothing to put together, and the number changes nothing.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .base import InvalidValueError
from .kernels import cpu

__all__ = ["bulk", "num_threads", "set_bulk_size", "set_num_threads"]

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


def num_threads() -> int:
    """How many threads the compiled kernels compute on; 1 where they are not built.

    At first that is the number of processors this process may use, by affinity, by the quota of its control
    group, and by ``OMP_NUM_THREADS``.
    """
    return cpu.threads()


def set_num_threads(count: int) -> int:
    """Have the compiled kernels compute on `count` threads and give the number before; 64 is the most.

    A process that was forked computes on one.  NumPy's products of matrices have threads of their own, which
    ``OPENBLAS_NUM_THREADS`` sets before the program starts.

    Raises
    ------
    InvalidValueError
        The count is not a whole number of at least 1.

    Examples
    --------
    >>> import mxgrad as mx
    >>> before = mx.set_num_threads(1)
    >>> y = mx.nd.softmax(mx.nd.ones((100, 100)))
    >>> mx.set_num_threads(before)
    1
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidValueError(f"set_num_threads: the number of threads is a whole number of at least 1, "
                                f"got {count!r}")
    before = cpu.threads()
    cpu.set_threads(count)
    return before
