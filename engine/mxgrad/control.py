"""Loops and branches as functions: `foreach`, `while_loop`, `cond`.  They run step by step and record
(level 8).
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .base import InvalidTypeError, InvalidValueError
from .invoke import F, describe
from .ndarray import BaseArray

__all__ = ["cond", "foreach", "while_loop"]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _flat(value: Any, what: str) -> list[Any]:
    """The arrays in nested lists, which must hold nothing else."""
    if isinstance(value, (list, tuple)):
        return [a for v in value for a in _flat(v, what)]
    if not isinstance(value, BaseArray):
        raise InvalidTypeError(f"{what} are arrays or nested lists of them, got {describe(value)}")
    return [value]


def _like(values: Iterator[Any], shape: Any) -> Any:
    """The values in nested lists as `shape` has them; one value where it is none."""
    return [_like(values, s) for s in shape] if isinstance(shape, (list, tuple)) else next(values)


def _stacked(steps: list[list[Any]], shape: Any, what: str, length: int = 0) -> Any:
    """The arrays of each step in nested lists as `shape` has them, stacked along a new first axis; with
    zeros behind up to `length`.
    """
    if len({len(s) for s in steps}) != 1:
        raise InvalidValueError(f"{what}: every step gives as many outputs, got {[len(s) for s in steps]}")
    columns = []
    for column in zip(*steps):
        whole = F.stack(*column, axis=0)
        if len(steps) < length:
            rest = F.fill(whole, shape=(length - len(steps),) + whole.shape[1:], dtype=whole.dtype, value=0)
            whole = F.concatenate(whole, rest, axis=0)
        columns.append(whole)
    return _like(iter(columns), shape)


def foreach(body: Callable[..., Any], data: Any, init_states: Any) -> tuple[Any, Any]:
    """``body(slice, states) -> (outputs, states)`` for every slice of `data` along its first axis, one after
    the other.

    Parameters
    ----------
    body : callable
        It gets a slice of each array, in the lists `data` has them in, and the states, and gives outputs and
        states: arrays or nested lists of them, the same at every step.
    data, init_states : array or nested lists of arrays
        The arrays of `data` have first axes of one length.

    Returns
    -------
    outputs
        Those of each step, stacked along a new first axis; [] if there was no step.
    states
        The last ones.

    Raises
    ------
    InvalidTypeError
        `data` or the outputs are no arrays.
    InvalidValueError
        The arrays of `data` differ in length, or the steps in the number of outputs.

    Examples
    --------
    >>> from mxgrad import nd
    >>> sums, last = nd.contrib.foreach(lambda x, s: (x + s, x + s), nd.arange(4), nd.zeros(1))
    >>> sums.asnumpy().ravel().tolist(), last.asnumpy().tolist()
    ([0.0, 1.0, 3.0, 6.0], [6.0])
    """
    arrays = _flat(data, "foreach: data")
    lengths = {len(a) for a in arrays}
    if len(lengths) != 1:
        raise InvalidValueError(f"foreach: the arrays differ in length: {sorted(lengths)}")
    states, steps, given = init_states, [], None
    for i in range(lengths.pop()):
        given, states = body(_like((a[i] for a in arrays), data), states)
        steps.append(_flat(given, "foreach: outputs"))
    return (_stacked(steps, given, "foreach") if steps else []), states


def while_loop(
    cond: Callable[..., Any], func: Callable[..., Any], loop_vars: Any, max_iterations: int | None = None,
) -> tuple[Any, Any]:
    """``func(*loop_vars) -> (outputs, loop_vars)`` while ``cond(*loop_vars)`` holds, `max_iterations` times
    at most.

    Parameters
    ----------
    cond, func : callable
        They get the loop variables as arguments.  `cond` gives an array of one element or a bool; `func`
        gives outputs (arrays, nested lists of them, or None) and as many loop variables.
    loop_vars : array or list of arrays
        The first loop variables.
    max_iterations : int
        Required.

    Returns
    -------
    outputs
        Those of each step, stacked along a new first axis of length `max_iterations`, with zeros after the
        last step; [] if there was no step.
    loop_vars
        The last ones.

    Raises
    ------
    InvalidTypeError
        `max_iterations` is missing, or the outputs are no arrays.
    InvalidValueError
        There is no loop variable, or the number of variables or outputs changes.

    Examples
    --------
    >>> from mxgrad import nd
    >>> powers, last = nd.contrib.while_loop(
    ...     lambda x: x < 5, lambda x: (x, x * 2), nd.array([1]), max_iterations=4)
    >>> powers.asnumpy().ravel().tolist(), last.asnumpy().tolist()
    ([1.0, 2.0, 4.0, 0.0], [8.0])
    """
    if max_iterations is None:
        raise InvalidTypeError("while_loop: max_iterations should be specified")
    variables = _list(loop_vars)
    if not variables:
        raise InvalidValueError("while_loop: loop_vars should contain at least one element")
    steps: list[list[Any]] = []
    given: Any = None
    while len(steps) < max_iterations and bool(cond(*variables)):
        given, new = func(*variables)
        new = _list(new)
        if len(new) != len(variables):
            raise InvalidValueError(f"while_loop: func gave {len(new)} loop variables for {len(variables)}")
        variables, given = new, [] if given is None else given
        steps.append(_flat(given, "while_loop: outputs"))
    last = variables if isinstance(loop_vars, (list, tuple)) else variables[0]
    return (_stacked(steps, given, "while_loop", int(max_iterations)) if steps else []), last


def cond(
    pred: Any, then_func: Callable[..., Any], else_func: Callable[..., Any], inputs: Any = (),
    name: str = "cond",
) -> Any:
    """``then_func(*inputs)`` where `pred` (an array of one element, or a function of the inputs) is true,
    else ``else_func(*inputs)``.

    >>> from mxgrad import nd
    >>> x = nd.array([3])
    >>> nd.contrib.cond(x < 5, lambda: x + 1, lambda: x - 1).asnumpy().tolist()
    [4.0]
    """
    given = _list(inputs)
    answer = pred(*given) if callable(pred) and not isinstance(pred, BaseArray) else pred
    return (then_func if bool(answer) else else_func)(*given)
