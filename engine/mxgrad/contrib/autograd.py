"""`mx.contrib.autograd`: the interface that `mxgrad.autograd` had at first (level 9).

>>> from mxgrad import nd
>>> from mxgrad.contrib import autograd
>>> @autograd.grad_and_loss
... def loss(x):
...     return nd.sum(x * x)
>>> grads, value = loss(nd.array([1., 2.]))
>>> grads[0].asnumpy().tolist(), value.asnumpy().tolist()
([2.0, 4.0], [5.0])
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from .. import autograd
from ..autograd import mark_variables
from ..base import InvalidTypeError, NotAnArrayError
from ..invoke import F
from ..ndarray import BaseArray

__all__ = [
    "TrainingStateScope",
    "backward",
    "compute_gradient",
    "grad",
    "grad_and_loss",
    "mark_variables",
    "set_is_training",
    "test_section",
    "train_section",
]


def set_is_training(is_train: bool) -> bool:
    """Switch recording and training mode, both, on or off; gives whether it was recording before."""
    autograd.set_training(is_train)
    return autograd.set_recording(is_train)


class TrainingStateScope:
    """A ``with`` block in which `set_is_training` has been called with `enter_state`.

    Parameters
    ----------
    enter_state : bool
        Whether the block records, in training mode, or does neither.

    Examples
    --------
    >>> from mxgrad import autograd as modern
    >>> from mxgrad.contrib.autograd import TrainingStateScope
    >>> with TrainingStateScope(True):
    ...     modern.is_recording(), modern.is_training()
    (True, True)
    """

    def __init__(self, enter_state: bool) -> None:
        self._enter_state = enter_state
        self._before = (False, False)

    def __enter__(self) -> None:
        self._before = autograd.is_training(), autograd.is_recording()
        set_is_training(self._enter_state)

    def __exit__(self, *error: object) -> None:
        autograd.set_training(self._before[0])
        autograd.set_recording(self._before[1])


def train_section() -> TrainingStateScope:
    """A scope that records in training mode, as `mxgrad.autograd.record`."""
    return TrainingStateScope(True)


def test_section() -> TrainingStateScope:
    """A scope that does not record and is not in training mode, as `mxgrad.autograd.pause`."""
    return TrainingStateScope(False)


def backward(
    outputs: Sequence[Any], out_grads: Sequence[Any] | None = None, retain_graph: bool = False,
) -> None:
    """Compute the gradients of marked variables, as `mxgrad.autograd.backward`.

    Parameters
    ----------
    outputs : list of arrays
        The heads.
    out_grads : list of arrays or None, optional
        One head gradient per output; None means ones.
    retain_graph : bool
        Whether the graph is kept for another backward.

    Raises
    ------
    InvalidTypeError
        `outputs` is no list or tuple.
    """
    if not isinstance(outputs, (list, tuple)):
        raise InvalidTypeError(f"backward: outputs must be a list or tuple of NDArrays, got {type(outputs)}")
    autograd.backward(list(outputs), out_grads, retain_graph)


def compute_gradient(outputs: Sequence[Any]) -> None:
    """`backward` of a list of arrays, under its older name."""
    backward(outputs)


def grad_and_loss(
    func: Callable[..., Any], argnum: int | list[int] | None = None,
) -> Callable[..., tuple[list[Any], Any]]:
    """A function that computes gradients by the arguments of `func`, and what `func` gives.

    Parameters
    ----------
    func : callable
        ``func(*arrays)`` gives an array, or a list of arrays.
    argnum : int or list of int, optional
        The arguments to differentiate by; None means all of them.

    Returns
    -------
    callable
        ``f(*arrays)`` gives ``(gradients, outputs)``, the gradients as a list.

    Raises
    ------
    NotAnArrayError
        When called: an argument to differentiate by is not an array.
    """
    @wraps(func)
    def wrapped(*args: Any) -> tuple[list[Any], Any]:
        chosen = range(len(args)) if argnum is None else argnum if isinstance(argnum, list) else [argnum]
        variables = [args[i] for i in chosen]
        for x in variables:
            if not isinstance(x, BaseArray):
                raise NotAnArrayError(f"type of autograd input should be NDArray, got {type(x)}")
        grads = [F.zeros_like(x) for x in variables]
        mark_variables(variables, grads)
        with train_section():
            outputs = func(*args)
        compute_gradient([outputs] if isinstance(outputs, BaseArray) else outputs)
        return grads, outputs
    return wrapped


def grad(func: Callable[..., Any], argnum: int | list[int] | None = None) -> Callable[..., list[Any]]:
    """As `grad_and_loss`, for the gradients alone.

    >>> from mxgrad import nd
    >>> from mxgrad.contrib import autograd
    >>> slope = autograd.grad(lambda x, y: x * y, argnum=0)
    >>> slope(nd.array([1.]), nd.array([7.]))[0].asnumpy().tolist()
    [7.0]
    """
    both = grad_and_loss(func, argnum)

    @wraps(both)
    def wrapped(*args: Any) -> list[Any]:
        return both(*args)[0]
    return wrapped
