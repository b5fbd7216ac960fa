"""`mx.engine`: the threads of the compiled kernels; the size of bulks, kept for programs that set it
(level 3).

MXNet runs ops in the background, and so many of them in one go.  Here an op has run when its call returns, or
it waits with others to be computed in one pass: the number changes nothing.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .base import InvalidValueError
from .kernels import cpu, deferred

__all__ = ["bulk", "num_threads", "set_bulk_size", "set_deferred", "set_num_threads"]

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


def set_deferred(on: bool) -> bool:
    """Switch the deferred evaluation of elementwise ops on large arrays on or off; gives what was set before.

    With it, which is the default, such ops on float32 arrays of 262144 elements and more are put off until
    somebody looks at the result, and then computed in one pass over memory; as in MXNet, `wait_to_read` and
    `waitall` wait for it.  Errors of shape and dtype are raised at once.  The environment variable
    ``MXGRAD_DEFERRED`` is the number of elements from which ops are put off, 0 for never.

    Examples
    --------
    >>> from mxgrad import engine, nd
    >>> before = engine.set_deferred(False)
    >>> y = nd.ones((1000, 1000)) * 2 + 1
    >>> engine.set_deferred(before)
    False
    """
    return deferred.switch(bool(on))
