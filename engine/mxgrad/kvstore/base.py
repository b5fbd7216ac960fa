"""What a store is, the table of the kinds, and the simplest of them (level 10)."""
from __future__ import annotations

import warnings
from typing import Any, TypeVar

from ..autograd import pause
from ..base import InvalidTypeError, InvalidValueError, nearest
from ..ndarray import BaseArray

__all__ = ["KVStoreBase", "create"]


class KVStoreBase:
    """A store of arrays by key; a subclass defines what it can do.

    `register` makes it known to `create`, under its name in small letters.

    Examples
    --------
    >>> import mxgrad as mx
    >>> @mx.kvstore.KVStoreBase.register
    ... class First(mx.kvstore.KVStoreBase):
    ...     def broadcast(self, key, value, out, priority=0):
    ...         out[0][...] = value
    >>> type(mx.kvstore.create("first")).__name__
    'First'
    """

    OPTIMIZER = "optimizer"
    kv_registry: dict[str, Any] = {}

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} has no {what}")

    def broadcast(self, key: Any, value: Any, out: Any, priority: int = 0) -> None:
        """Give every array of `out` the value."""
        raise self._lacks("broadcast")

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """Give every array of `out`, by default of `value`, the sum of the values."""
        raise self._lacks("pushpull")

    def set_optimizer(self, optimizer: Any) -> None:
        """Take steps with that optimizer from now on."""
        raise self._lacks("set_optimizer")

    def is_capable(self, capability: str) -> bool:
        """Whether the store can take steps itself (`capability` 'optimizer')."""
        raise self._lacks("is_capable")

    def save_optimizer_states(self, fname: str, dump_optimizer: bool = False) -> None:
        """Write the states of the optimizer to a file."""
        raise self._lacks("save_optimizer_states")

    def load_optimizer_states(self, fname: str) -> None:
        """Read what `save_optimizer_states` wrote."""
        raise self._lacks("load_optimizer_states")

    @property
    def type(self) -> str:
        """The kind of the store."""
        raise self._lacks("type")

    @property
    def rank(self) -> int:
        """The number of this process among those that share the store."""
        raise self._lacks("rank")

    @property
    def num_workers(self) -> int:
        """How many processes share the store."""
        raise self._lacks("num_workers")

    @staticmethod
    def register(klass: _Kind) -> _Kind:
        """Make a class known to `create`; a warning if the name is taken."""
        if not isinstance(klass, type):
            raise InvalidTypeError(f"KVStoreBase.register takes a class, got {klass!r}")
        known, name = KVStoreBase.kv_registry, klass.__name__.lower()
        if name in known:
            old = known[name]
            warnings.warn(f"WARNING: New kvstore {klass.__module__}.{klass.__name__} is overriding existing "
                          f"kvstore {old.__module__}.{old.__name__}", stacklevel=2)
        known[name] = klass
        return klass


_Kind = TypeVar("_Kind", bound=type[KVStoreBase])


class OneProcess(KVStoreBase):
    """What the stores for one process share."""

    @property
    def rank(self) -> int:
        """0."""
        return 0

    @property
    def num_workers(self) -> int:
        """1."""
        return 1

    def _is_capable(self, capability: str, optimizer: bool) -> bool:
        if capability.lower() != self.OPTIMIZER:
            raise InvalidValueError(f"Unknown capability: {capability}")
        return optimizer


@KVStoreBase.register
class TestStore(OneProcess):
    """A store that keeps nothing: it adds and copies.

    >>> import mxgrad as mx
    >>> x, y = mx.nd.array([1]), mx.nd.array([2])
    >>> mx.kvstore.create("teststore").pushpull("w", [x, y])
    >>> x.asnumpy().tolist(), y.asnumpy().tolist()
    ([3.0], [3.0])
    """

    # pytest takes classes of this name for tests.
    __test__ = False

    def broadcast(self, key: Any, value: Any, out: Any, priority: int = 0) -> None:
        """Give every array of `out` the value."""
        deliver(value, out if isinstance(out, list) else [out])

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """Give every array of `out`, by default of `value`, the sum of the values."""
        values = [value] if isinstance(value, BaseArray) else value
        target = values if out is None else out
        deliver(added(values), target if isinstance(target, list) else [target])

    def is_capable(self, capability: str) -> bool:
        """False for 'optimizer': there are no weights to take steps with."""
        return self._is_capable(capability, False)

    @property
    def type(self) -> str:
        """'teststore'."""
        return "teststore"


def added(arrays: Any) -> Any:
    """The sum of arrays on several contexts, on the first one's."""
    with pause():
        total = arrays[0]
        for array in arrays[1:]:
            total = total + array.as_in_context(total.context)
    return total


def deliver(value: Any, out: list[Any]) -> None:
    """Give every array of `out` the value, on whatever context it is."""
    with pause():
        for array in out:
            array[...] = value.as_in_context(array.context)


# They differ in MXNet by where the sum is computed, here by their names.
_LOCAL = ("device", "local", "local_allreduce_cpu", "local_allreduce_device", "local_update_cpu", "nccl")


def create(name: str = "local") -> Any:
    """A store for the contexts of this process.

    Parameters
    ----------
    name : str
        'local' or 'device', which here are the same; one of MXNet's other names for such stores; or that of a
        class that `KVStoreBase.register` knows.

    Raises
    ------
    InvalidTypeError
        `name` is no string.
    InvalidValueError
        There is no such store; those of MXNet for several machines are not offered.
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"kvstore.create: name must be a string, got {name!r}")
    name = name.lower()
    if name in KVStoreBase.kv_registry:
        return KVStoreBase.kv_registry[name]()
    if name in _LOCAL:
        from .kvstore import KVStore

        return KVStore(name)
    if name.startswith(("dist", "p3")) or name in ("horovod", "byteps"):
        raise InvalidValueError(f"kvstore.create: {name!r} shares arrays between processes, which mxgrad "
                                "does not do; 'local' and 'device' share them between the contexts of one")
    known = sorted({*_LOCAL, *KVStoreBase.kv_registry})
    raise InvalidValueError(f"kvstore.create: there is no {name!r}{nearest(name, known)}; known are "
                            f"{', '.join(known)}")
