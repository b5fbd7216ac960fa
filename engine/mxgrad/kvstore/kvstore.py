"""The store for the contexts of one process (level 12)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import optimizer as _optimizer
from ..autograd import pause
from ..base import InvalidTypeError, InvalidValueError, MXNetError, nearest
from ..ndarray import BaseArray
from ..params_file import replacing
from .base import OneProcess, added, deliver

__all__ = ["KVStore"]


class KVStore(OneProcess):
    """Arrays by key; `create` makes one.

    What is pushed under a key is added up, and replaces the stored array or, with `set_optimizer`, is the
    gradient of a step. All methods take one key, or a list of keys with a list of what goes with each of
    them: an array or, one for each context, a list of arrays. Keys are all strings, or all int. `priority` is
    accepted for MXNet's sake.

    A call that raises has not changed anything.

    Examples
    --------
    >>> import mxgrad as mx
    >>> store = mx.kvstore.create("device")
    >>> store.init([1, 2], [mx.nd.zeros(2), mx.nd.ones(3)])
    >>> store.set_optimizer(mx.optimizer.SGD(learning_rate=0.5))
    >>> store.push(2, mx.nd.ones(3))
    >>> w = mx.nd.zeros(3)
    >>> store.pull(2, out=w)
    >>> w.asnumpy().tolist()
    [0.5, 0.5, 0.5]
    """

    def __init__(self, name: str = "local") -> None:
        self._type = name
        self._stored: dict[Any, Any] = {}
        self._updater: Callable[[Any, Any, Any], Any] | None = None

    @property
    def type(self) -> str:
        """The name it was made with."""
        return self._type

    def is_capable(self, capability: str) -> bool:
        """True for 'optimizer'; InvalidValueError for anything else."""
        return self._is_capable(capability, True)

    # -- arguments -------------------------------------------------------------------------------------------

    def _pairs(self, what: str, key: Any, value: Any) -> dict[Any, list[Any]]:
        """The arrays that go with each key."""
        several = isinstance(key, (list, tuple))
        if several and (not isinstance(value, (list, tuple)) or len(value) != len(key)):
            kind = type(value).__name__
            given = f"{len(value)} values" if isinstance(value, (list, tuple)) else f"one {kind}"
            raise InvalidValueError(f"KVStore.{what}: there are {len(key)} keys and {given}")
        found: dict[Any, list[Any]] = {}
        for k, v in zip(key, value) if several else ((key, value),):
            if not isinstance(k, (int, str)):
                raise InvalidTypeError(f"KVStore.{what}: a key is a string or an int, got {k!r}")
            arrays = [v] if isinstance(v, BaseArray) else v
            if not isinstance(arrays, (list, tuple)) or not arrays or not all(
                    isinstance(a, BaseArray) for a in arrays):
                raise InvalidTypeError(f"KVStore.{what}: what goes with key {k!r} is an array or a list of "
                                       f"them, got {v!r}")
            found.setdefault(k, []).extend(arrays)
        if len({isinstance(k, str) for k in (*found, *self._stored)}) > 1:
            raise InvalidTypeError(f"KVStore.{what}: Mixed key types are not allowed: keys are all strings "
                                   "or all int")
        return found

    def _known(self, what: str, key: Any, value: Any) -> dict[Any, list[Any]]:
        """The same, for keys that are stored and arrays of their shapes."""
        pairs = self._pairs(what, key, value)
        for k, arrays in pairs.items():
            if k not in self._stored:
                hint = nearest(k, self._stored) if isinstance(k, str) else ""
                raise InvalidValueError(f"KVStore.{what}: key {k!r} has not been inited{hint}")
            shape = self._stored[k].shape
            for a in arrays:
                if a.shape != shape:
                    raise InvalidValueError(f"KVStore.{what}: the array of key {k!r} has shape {shape}, got "
                                            f"one of shape {a.shape}")
        return pairs

    # -- arrays ----------------------------------------------------------------------------------------------

    def init(self, key: Any, value: Any) -> None:
        """Store copies of arrays under keys that are new."""
        pairs = self._pairs("init", key, value)
        for k, arrays in pairs.items():
            if k in self._stored or len(arrays) > 1:
                raise InvalidValueError(
                    f"KVStore.init: duplicate init of key {k}. Please double check if you called kv.init or "
                    "kv.broadcast with this key multiple times")
        with pause():
            self._stored.update((k, arrays[0].copy()) for k, arrays in pairs.items())

    def push(self, key: Any, value: Any, priority: int = 0) -> None:
        """Add the arrays of each key up: the sum replaces the stored array, or is the gradient of a step."""
        self._push(self._known("push", key, value))

    def _push(self, pairs: dict[Any, list[Any]]) -> None:
        for k, arrays in pairs.items():
            stored = self._stored[k]
            total = added(arrays).as_in_context(stored.context)
            if self._updater is None:
                deliver(total, [stored])
            else:
                with pause():
                    self._updater(k, total, stored)

    def pull(self, key: Any, out: Any = None, priority: int = 0, ignore_sparse: bool = True) -> None:
        """Write the stored arrays into the arrays of `out`."""
        if out is None:
            raise InvalidValueError("KVStore.pull: give the arrays to write into as out")
        self._pull(self._known("pull", key, out))

    def _pull(self, pairs: dict[Any, list[Any]]) -> None:
        for k, arrays in pairs.items():
            deliver(self._stored[k], arrays)

    def pushpull(self, key: Any, value: Any, out: Any = None, priority: int = 0) -> None:
        """`push` the values, then `pull` into `out`, by default into the values."""
        values = self._known("pushpull", key, value)
        targets = values if out is None else self._known("pushpull", key, out)
        self._push(values)
        self._pull(targets)

    def broadcast(self, key: Any, value: Any, out: Any, priority: int = 0) -> None:
        """`init` the values, then `pull` into `out`."""
        first = {k: arrays[0].shape for k, arrays in self._pairs("broadcast", key, value).items()}
        for k, arrays in self._pairs("broadcast", key, out).items():
            for a in arrays:
                if a.shape != first[k]:
                    raise InvalidValueError(f"KVStore.broadcast: the value of key {k!r} has shape "
                                            f"{first[k]}, an array of out {a.shape}")
        self.init(key, value)
        self.pull(key, out)

    def row_sparse_pull(self, key: Any, out: Any = None, priority: int = 0, row_ids: Any = None) -> None:
        """Refused: arrays are dense."""
        raise MXNetError("KVStore.row_sparse_pull: arrays are dense; use pull, which gives all rows")

    def set_gradient_compression(self, compression_params: Any) -> None:
        """Refused: nothing is sent anywhere."""
        raise MXNetError("KVStore.set_gradient_compression: gradients stay in this process and are not "
                         "compressed")

    # -- steps -----------------------------------------------------------------------------------------------

    def set_optimizer(self, optimizer: Any) -> None:
        """Take a step with `optimizer` at every push: what is pushed is the gradient of what is stored."""
        if not isinstance(optimizer, _optimizer.Optimizer):
            raise InvalidTypeError(f"KVStore.set_optimizer: an Optimizer is needed, got {optimizer!r}")
        self._set_updater(_optimizer.get_updater(optimizer))

    def _set_updater(self, updater: Callable[[Any, Any, Any], Any]) -> None:
        """Call ``updater(key, sum, stored)``, which changes `stored`, at every push."""
        self._updater = updater

    def _barrier(self) -> None:
        """Wait for the other processes: there are none."""

    def _states(self) -> Any:
        if not isinstance(self._updater, _optimizer.Updater):
            raise MXNetError("KVStore: there are no states of an optimizer; call set_optimizer first")
        return self._updater

    def save_optimizer_states(self, fname: str, dump_optimizer: bool = False) -> None:
        """Write the states of the optimizer, and with `dump_optimizer` the optimizer, to a file."""
        states = self._states().get_states(dump_optimizer)
        with replacing(fname) as file:
            file.write(states)

    def load_optimizer_states(self, fname: str) -> None:
        """Read what `save_optimizer_states` wrote."""
        updater = self._states()
        with open(fname, "rb") as file:
            updater.set_states(file.read())
