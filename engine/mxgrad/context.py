"""Contexts: where an array lives (level 4)."""
from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from .backend import Backend, cpu_backend, device_backend, device_count
from .base import ContextError, InvalidTypeError, InvalidValueError

__all__ = ["Context", "Device", "cpu", "cpu_pinned", "cpu_shared", "gpu", "num_gpus", "current_context",
           "current_device", "gpu_memory_info", "memory_stats"]

_TYPES = {"cpu": 1, "gpu": 2, "cpu_pinned": 3, "cpu_shared": 5}


class Context:
    """A device: ``cpu(0)``, ``gpu(1)``.  A value: making one touches no hardware, the first allocation does.

    As a ``with`` block it is the context of arrays made inside.

    >>> import mxgrad as mx
    >>> mx.cpu(1)
    cpu(1)
    >>> mx.Context("cpu", 0) is mx.cpu()
    True
    """

    __slots__ = ("device_type", "device_id", "_backend")
    devtype2str = {n: t for t, n in _TYPES.items()}
    devstr2type = dict(_TYPES)
    _known: dict[tuple[str, int], Context] = {}

    device_type: str
    device_id: int
    _backend: Backend | None

    def __new__(cls, device_type: str | Context, device_id: int = 0) -> Context:
        if isinstance(device_type, Context):
            return device_type
        if device_type not in _TYPES:
            raise InvalidValueError(f"unknown device type {device_type!r}; there are " + ", ".join(_TYPES))
        key = (device_type, int(device_id))
        if key[1] < 0:
            raise InvalidValueError(f"{device_type}({device_id}): a device number is not negative")
        ctx = cls._known.get(key)
        if ctx is None:
            ctx = object.__new__(cls)
            ctx.device_type, ctx.device_id, ctx._backend = device_type, key[1], None
            ctx = cls._known.setdefault(key, ctx)
        return ctx

    @property
    def device_typeid(self) -> int:
        return _TYPES[self.device_type]

    @property
    def backend(self) -> Backend:
        """The Backend; raises ContextError where the device cannot be used."""
        if self._backend is None:
            self._backend = cpu_backend() if self.device_type != "gpu" else device_backend(self.device_id)
        return self._backend

    def __repr__(self) -> str:
        return f"{self.device_type}({self.device_id})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Context, (self.device_type, self.device_id)

    def __enter__(self) -> Context:
        _current.stack.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        _current.stack.pop()

    def empty_cache(self) -> None:
        """Give the memory that is kept for other arrays back to the device or the system."""
        self.backend.empty_cache()


Device = Context


CPU0 = Context("cpu", 0)


class _Current(threading.local):
    """The contexts of the ``with`` blocks a thread is in, after its default one."""

    def __init__(self) -> None:
        self.stack = [CPU0]


_current = _Current()


def current_context() -> Context:
    """The context of the innermost ``with ctx:`` block of this thread, else its default, ``cpu(0)``.

    >>> import mxgrad as mx
    >>> with mx.cpu(1):
    ...     mx.current_context()
    cpu(1)
    """
    return _current.stack[-1]


def set_default_context(ctx: Context) -> None:
    """The context of this thread outside all ``with ctx:`` blocks, from now on."""
    _current.stack[0] = as_context(ctx)


current_device = current_context


def cpu(device_id: int = 0) -> Context:
    """Main memory, as a context.

    Parameters
    ----------
    device_id : int, default 0
        Any number: they are contexts of their own on the same memory.

    Returns
    -------
    Context

    Examples
    --------
    >>> import mxgrad as mx
    >>> mx.cpu(1)
    cpu(1)
    """
    return Context("cpu", device_id)


def cpu_pinned(device_id: int = 0) -> Context:
    """Pinned main memory, which GPUs copy from faster; here it is the same as `cpu`, as a context.

    Parameters
    ----------
    device_id : int, default 0
        Any number: they are contexts of their own on the same memory.

    Returns
    -------
    Context

    Examples
    --------
    >>> import mxgrad as mx
    >>> mx.cpu_pinned(1)
    cpu_pinned(1)
    """
    return Context("cpu_pinned", device_id)


def cpu_shared(device_id: int = 0) -> Context:
    """Main memory that processes share; here it is the same as `cpu`, as a context.

    Parameters
    ----------
    device_id : int, default 0
        Any number: they are contexts of their own on the same memory.

    Returns
    -------
    Context

    Examples
    --------
    >>> import mxgrad as mx
    >>> mx.context.cpu_shared(1)
    cpu_shared(1)
    """
    return Context("cpu_shared", device_id)


def gpu(device_id: int = 0) -> Context:
    """A GPU, as a context.  Making a context does not need the GPU; the first array on it does.

    Parameters
    ----------
    device_id : int, default 0
        Its number.

    Returns
    -------
    Context

    Examples
    --------
    >>> import mxgrad as mx
    >>> mx.gpu(1)
    gpu(1)
    """
    return Context("gpu", device_id)


def num_gpus() -> int:
    """Number of usable GPUs; 0 without CuPy, driver or device, never an error.

    >>> import mxgrad as mx
    >>> mx.num_gpus() >= 0
    True
    """
    return device_count()


def gpu_memory_info(device_id: int = 0) -> tuple[int, int]:
    """(free, total) bytes of a GPU.

    Parameters
    ----------
    device_id : int, default 0
        Its number.

    Raises
    ------
    ContextError
        The GPU cannot be used.

    Examples
    --------
    >>> import mxgrad as mx
    >>> from mxgrad.testing import use_device_double
    >>> with use_device_double():
    ...     free, total = mx.context.gpu_memory_info(0)
    >>> 0 < free <= total
    True
    """
    return gpu(device_id).backend.memory_info()


def memory_stats(ctx: Any = None) -> dict[str, int]:
    """Figures of the pool that the arrays of a context take their memory from.

    Parameters
    ----------
    ctx : Context, optional
        The current one if it is None.

    Returns
    -------
    dict of str to int
        ``used`` and ``kept``: bytes that arrays have, and that the pool keeps for others until
        `Context.empty_cache`.  For main memory also ``limit``, the most bytes it keeps, ``peak``, the most
        that arrays have had, and ``new``, how many blocks the system gave; the pool has the arrays of 256 KiB
        and more.  It keeps 1 GiB at most, or as many bytes as the environment variable MXGRAD_MEMORY says,
        which makes none with 0; without the compiled kernels there is none either.

    Examples
    --------
    >>> import mxgrad as mx
    >>> sorted(mx.context.memory_stats(mx.cpu()))
    ['kept', 'limit', 'new', 'peak', 'used']
    """
    return as_context(ctx).backend.memory_stats()


def as_context(ctx: Any) -> Context:
    """The context meant by `ctx`: None is the current one."""
    if ctx is None:
        return current_context()
    if isinstance(ctx, Context):
        return ctx
    if isinstance(ctx, str):
        kind, _, number = ctx.rstrip(")").partition("(")
        if kind in _TYPES and number.isdigit():
            return Context(kind, int(number))
        raise ContextError(f"Invalid context string {ctx}; write it like 'cpu(0)' or pass mx.cpu()")
    raise InvalidTypeError(f"a context is mx.cpu(), mx.gpu(0), …; got {ctx!r}")
