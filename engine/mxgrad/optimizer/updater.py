"""Weights, gradients and the states that go with them (level 11)."""
from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from ..base import InvalidValueError, py_str
from ..context import Context
from ..lr_scheduler import LRScheduler
from ..ndarray import BaseArray
from .optimizer import Optimizer

__all__ = ["Updater", "get_updater"]


# What a pickle of arrays refers to besides classes of ours, under NumPy 1 and 2.
_PARTS = {("mxgrad.ndarray", "_unpickle"), ("numpy", "dtype"), ("numpy", "ndarray"),
          *((f"numpy.{core}.multiarray", name)
            for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
          *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core"))}
_KINDS = (BaseArray, Context, LRScheduler, Optimizer)
_WITH_STATE = (LRScheduler, Optimizer, numpy.dtype, numpy.ndarray)
_build = pickle._Unpickler.dispatch[pickle.BUILD[0]]


def _build_only_what_was_made(unpickler: Any) -> None:
    made = unpickler.stack[-2]
    if not isinstance(made, _WITH_STATE):
        raise pickle.UnpicklingError(f"{made!r} is to be changed")
    _build(unpickler)


class _Unpickler(pickle._Unpickler):
    """Makes arrays, numbers, optimizers and schedulers, calls nothing else, and leaves classes and functions
    as they are: states are read from files, and a pickle could do anything (Python's documentation of
    `pickle`, "Restricting Globals").  The one written in Python can be told so.
    """

    dispatch = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: _build_only_what_was_made}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PARTS:
            return super().find_class(module, name)
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, _KINDS):
            return found
        raise pickle.UnpicklingError(
            f"{module}.{name} is not an optimizer or a scheduler that has been imported; states have arrays, "
            "numbers and those alone")


class Updater:
    """Calls an optimizer, and keeps the states of the weights.

    Parameters
    ----------
    optimizer : Optimizer

    Examples
    --------
    >>> import mxgrad as mx
    >>> update = mx.optimizer.get_updater(mx.optimizer.create("sgd", learning_rate=0.5, momentum=0.5))
    >>> weight = mx.nd.array([1.0])
    >>> for _ in range(2):
    ...     update(0, mx.nd.array([2.0]), weight)
    >>> weight.asnumpy().tolist(), update.states[0].asnumpy().tolist()
    ([-1.5], [-1.5])
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.states: dict[Any, Any] = {}
        self.states_synced: dict[Any, bool] = {}

    def __call__(self, index: Any, grad: Any, weight: Any) -> None:
        """Update a weight; or several, then all three are lists.

        Parameters
        ----------
        index : int or str, or a list of them
            What the states are kept under.
        grad, weight : array, or a list of them
        """
        if isinstance(index, (list, tuple)):
            indices, grads, weights = index, grad, weight
        else:
            indices, grads, weights = (index,), (grad,), (weight,)
        if not len(indices) == len(grads) == len(weights):
            raise InvalidValueError(f"Updater: there are {len(indices)} indices, {len(grads)} gradients and "
                                    f"{len(weights)} weights")
        if not indices:
            return
        indices = [py_str(i) if isinstance(i, bytes) else i for i in indices]
        optimizer = self.optimizer
        optimizer._set_current_device(weights[0].context.device_id)
        known, synced = self.states, self.states_synced
        states = [known[i] if i in known and synced.get(i) else self._state(i, w)
                  for i, w in zip(indices, weights)]
        size = optimizer._handed_over()
        if size == numpy.inf:
            optimizer.update_multi_precision(indices, list(weights), list(grads), states)
        elif size:
            for places in _groups(weights, size):
                optimizer.update_multi_precision(
                    *([values[p] for p in places] for values in (indices, weights, grads, states)))
        else:
            for values in zip(indices, weights, grads, states):
                optimizer.update_multi_precision(*values)

    def _state(self, index: Any, weight: Any) -> Any:
        if index not in self.states:
            self.states[index] = self.optimizer.create_state_multi_precision(index, weight)
        elif not self.states_synced[index]:
            self.states[index] = self.sync_state_context(self.states[index], weight.context)
        self.states_synced[index] = True
        return self.states[index]

    def sync_state_context(self, state: Any, context: Any) -> Any:
        """The state with its arrays on that context."""
        if isinstance(state, BaseArray):
            return state.as_in_context(context)
        if isinstance(state, (tuple, list)):
            return type(state)(self.sync_state_context(s, context) for s in state)
        return state

    def get_states(self, dump_optimizer: bool = False) -> bytes:
        """The states as bytes, pickled; with `dump_optimizer` the optimizer too."""
        return pickle.dumps((self.states, self.optimizer) if dump_optimizer else self.states)

    def set_states(self, states: bytes) -> None:
        """Take what `get_states` gave.

        The bytes are a pickle of which nothing is run but what makes arrays, numbers, optimizers and learning
        rate schedulers.  Classes of your own must have been imported.

        Raises
        ------
        InvalidValueError
            The bytes are something else; nothing has changed then.
        """
        try:
            found = _Unpickler(io.BytesIO(states)).load()
        except Exception as error:
            raise InvalidValueError(f"Updater: these are not the states of an optimizer: {error}") from error
        optimizer = self.optimizer
        if isinstance(found, tuple) and len(found) == 2:
            found, optimizer = found
        if not isinstance(found, dict) or not isinstance(optimizer, Optimizer):
            raise InvalidValueError("Updater: these are not the states of an optimizer: they are a "
                                    f"{type(found).__name__} and a {type(optimizer).__name__}")
        self.states, self.optimizer = found, optimizer
        self.states_synced = dict.fromkeys(found, False)


def _groups(weights: Sequence[Any], size: float) -> Iterator[Sequence[int]]:
    """The places of weights in groups of at most `size`, each of one dtype."""
    if size <= 1:
        for i in range(len(weights)):
            yield (i,)
    else:
        of_dtype: dict[Any, list[int]] = {}
        for i, weight in enumerate(weights):
            of_dtype.setdefault(weight.dtype, []).append(i)
        for places in of_dtype.values():
            for start in range(0, len(places), int(size)):
                yield places[start:start + int(size)]


def get_updater(optimizer: Optimizer) -> Updater:
    """The `Updater` of an optimizer."""
    return Updater(optimizer)
