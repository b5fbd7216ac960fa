"""Backends: an array module, its kernels bound in a table, and the way to and from the host (level 3)."""
from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import numpy

from . import ops as _ops  # noqa: F401  (declares every op)
from .base import ContextError
from .kernels import memory, cpu, deferred
from .registry import OPS, Op, table

# NumPy's floating point flags are IEEE behaviour here, as in MXNet: x/0 is inf without a word.  The filter
# is for the ufuncs of the fast path; every other kernel runs under errstate.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"mxgrad\.")

_ndarray = numpy.ndarray


try:
    # What ``with numpy.errstate(all="ignore")`` does costs more than a small ufunc.  NumPy 2 keeps its flags
    # in a context variable, and setting that one to a prepared value is seven times cheaper.
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    SILENT: Any = _make_extobj(all="ignore")
    enter: Callable[[Any], Any] = _extobj_contextvar.set
    leave: Callable[[Any], Any] = _extobj_contextvar.reset
    leave(enter(SILENT))
except (ImportError, TypeError, AttributeError):        # NumPy 1.26, or a later change of its internals
    SILENT = {"all": "ignore"}

    def enter(flags: Any) -> Any:
        return numpy.seterr(**flags)

    def leave(flags: Any) -> Any:
        numpy.seterr(**flags)


def as_arrays(out: Any) -> Any:
    """What a kernel gave, with an array where NumPy gives a scalar."""
    if out.__class__ is tuple:
        return tuple(as_arrays(o) for o in out)
    return numpy.asarray(out) if isinstance(out, numpy.generic) else out


def quiet(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` without NumPy's floating point warnings, and with an array where NumPy gives a scalar.

    What is called often does the same in its own code: the call in between costs twice as much as the rest.
    """
    def call(*args: Any, **params: Any) -> Any:
        token = enter(SILENT)
        try:
            out = f(*args, **params)
        finally:
            leave(token)
        return out if out.__class__ is _ndarray else as_arrays(out)

    return call


class quietly:
    """A ``with`` block without NumPy's floating point warnings around many kernels, such as a whole reverse
    pass.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = enter(SILENT)

    def __exit__(self, *error: object) -> None:
        leave(self._token)


_backends: WeakSet[Backend] = WeakSet()
_observer: Callable[[str, Any, Any], Any] | None = None


def observe(observer: Callable[[str, Any, Any], Any] | None) -> None:
    """Have `invoke` call ``observer(name of the op, kernel, backend)`` in place of each kernel, on all
    backends; with None the kernels themselves again.
    """
    global _observer
    _observer = observer
    deferred.watched(observer is not None)
    for backend in _backends:
        backend.forward = backend.bound_forward()


class Backend:
    """One array module on one device.

    xp
        The module: NumPy, CuPy, or the strict device double.
    F
        The raw table: every op bound to its kernel here, for rules.
    forward
        The same kernels by name as `invoke` calls them: made quiet, or inside the device's guard.
    guard
        None, or a context manager that makes the device current; kernels run inside it.
    """

    def __init__(self, xp: Any, guard: AbstractContextManager[Any] | None = None) -> None:
        self.xp = xp
        self.ndarray: Any = xp.ndarray      # a class, or a tuple of classes
        self.guard = guard
        self.F: SimpleNamespace = table(self.bind, self.fused)
        self.forward: dict[str, Any] = self.bound_forward()
        _backends.add(self)

    def bound_forward(self) -> dict[str, Any]:
        """The table `forward`."""
        bound = {name: self.bind_forward(op) for name, op in OPS.items()}
        if _observer is None:
            return bound
        return {name: _observer(name, kernel, self) for name, kernel in bound.items()}

    def kernel(self, op: Op) -> Any:
        """The kernel of `op` here."""
        return partial(op.kernel, self.xp)

    def fused(self, name: str, composition: Any) -> Any:
        """The kernel for a composition, or itself."""
        return composition

    def bind(self, op: Op) -> Any:
        """The kernel as rules call it, many within one guard."""
        return self.kernel(op)

    def bind_forward(self, op: Op) -> Any:
        """The kernel as `invoke` calls it."""
        kernel, guard = self.kernel(op), self.guard
        if guard is None:
            return kernel

        def call(*args: Any, **params: Any) -> Any:
            with guard:
                return kernel(*args, **params)

        return call

    def from_host(self, array: numpy.ndarray) -> Any:
        """A device copy of a host array."""
        raise NotImplementedError

    def to_host(self, raw: Any) -> numpy.ndarray:
        """A host copy of a raw array: a synchronisation, and the only way out."""
        raise NotImplementedError

    def synchronize(self) -> None:
        """Wait for the device."""

    def empty_cache(self) -> None:
        """Give unused memory back to the device."""

    def memory_stats(self) -> dict[str, int]:
        """Bytes that arrays have, and that are kept for others."""
        raise NotImplementedError

    def memory_info(self) -> tuple[int, int]:
        """(free, total) bytes."""
        raise ContextError("memory figures exist for gpu contexts only")


class CPUBackend(Backend):
    """NumPy, and the compiled kernels where they are built.  A forward kernel's result is always an array:
    NumPy's scalars are wrapped.
    """

    def __init__(self) -> None:
        super().__init__(numpy)
        self.ndarray = (numpy.ndarray, deferred.Deferred)

    def kernel(self, op: Op) -> Any:
        return cpu.override(op.name, super().kernel(op))

    def fused(self, name: str, composition: Any) -> Any:
        kernel = cpu.override(name, composition)
        return kernel if kernel is composition else deferred.deferring(name, kernel)

    def bind(self, op: Op) -> Any:
        return deferred.deferring(op.name, self.kernel(op))

    def bind_forward(self, op: Op) -> Any:
        return quiet(self.kernel(op))

    def memory_stats(self) -> dict[str, int]:
        return memory.figures()

    def empty_cache(self) -> None:
        memory.release()

    def from_host(self, array: numpy.ndarray) -> Any:
        return numpy.array(array)

    def to_host(self, raw: Any) -> numpy.ndarray:
        return numpy.array(raw)


class DeviceBackend(Backend):
    """CuPy, or its strict double, on one device."""

    def __init__(self, module: Any, device_id: int) -> None:
        self.device = module.cuda.Device(device_id)
        super().__init__(module, self.device)

    def from_host(self, array: numpy.ndarray) -> Any:
        with self.device:
            return self.xp.asarray(numpy.asarray(array, order="C"))

    def to_host(self, raw: Any) -> numpy.ndarray:
        with self.device:
            return numpy.asarray(self.xp.asnumpy(raw))

    def synchronize(self) -> None:
        self.device.synchronize()

    def empty_cache(self) -> None:
        self.xp.get_default_memory_pool().free_all_blocks()

    def memory_stats(self) -> dict[str, int]:
        with self.device:
            pool = self.xp.get_default_memory_pool()
            used, total = int(pool.used_bytes()), int(pool.total_bytes())
        return {"kept": total - used, "used": used}

    def memory_info(self) -> tuple[int, int]:
        with self.device:
            free, total = self.xp.cuda.runtime.memGetInfo()
        return int(free), int(total)


_cpu: CPUBackend | None = None
_module: Any = None     # what serves gpu contexts: cupy, or a double put here by mxgrad.testing


def cpu_backend() -> CPUBackend:
    global _cpu
    if _cpu is None:
        memory.install()
        _cpu = CPUBackend()
    return _cpu


def set_device_module(module: Any) -> Any:
    """Put `module` behind gpu contexts and give what was there; for the tests' device double."""
    global _module
    before, _module = _module, module
    return before


def device_module() -> Any:
    if _module is not None:
        return _module
    import cupy

    return cupy


def device_count() -> int:
    try:
        return int(device_module().cuda.runtime.getDeviceCount())
    except Exception:       # no CuPy, a wheel for another CUDA, no driver, no device: all mean none
        return 0


def device_backend(device_id: int) -> DeviceBackend:
    """The backend of gpu(device_id); ContextError says what is missing."""
    name = f"gpu({device_id})"
    try:
        module = device_module()
    except ImportError as error:
        raise ContextError(
            f"GPU context {name} was asked for, but CuPy cannot be imported ({error}). pip install "
            "'mxgrad[cuda13]' (or "
            "[cuda12]); it needs an NVIDIA driver. (MXNet said: Compile with USE_CUDA=1 to enable GPU usage.)"
        ) from None
    try:
        count = int(module.cuda.runtime.getDeviceCount())
    except Exception as error:
        raise ContextError(
            f"GPU context {name} was asked for; CuPy {module.__version__} found, but no usable NVIDIA GPU: "
            f"{error}"
        ) from None
    if device_id >= count:
        raise ContextError(f"{name}: only {count} GPU{'s' if count != 1 else ''} visible")
    return DeviceBackend(module, device_id)


assert OPS, "the ops are declared before a table is bound"
