"""Loops and branches as functions: `foreach`, `while_loop`, `cond`.  Here they run step by step and
record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base import InvalidTypeError, InvalidValueError
from ..invoke import F
from ..ndarray import BaseArray


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _like(values: list[Any], shape: Any) -> Any:
    """One value where `shape` is one, else the list."""
    return values if isinstance(shape, (list, tuple)) else values[0]


def foreach(body: Callable[..., Any], data: Any, init_states: Any) -> tuple[Any, Any]:
    """``body(slice, states) -> (outputs, states)`` for every slice of `data` along its first axis, one after
    the other.

    `data`, `init_states` and the outputs are arrays or lists of them.  Gives the outputs, stacked along a new
    first axis, and the last states.

    >>> from mxgrad import np, npx
    >>> npx.foreach(lambda x, s: (x + s, x + s), np.arange(4), np.zeros(()))
    (array([0., 1., 3., 6.]), array(6.))
    """
    arrays = _list(data)
    lengths = {len(a) for a in arrays}
    if len(lengths) != 1:
        raise InvalidValueError(f"foreach: the arrays differ in length: {sorted(lengths)}")
    states, outputs, shape = init_states, [], None
    for i in range(lengths.pop()):
        given, states = body(_like([a[i] for a in arrays], data), states)
        outputs.append(_list(given))
        shape = given
    stacked = [F.stack(*column, axis=0) for column in zip(*outputs)]
    return (_like(stacked, shape) if outputs else []), states


def while_loop(
    cond: Callable[..., Any], func: Callable[..., Any], loop_vars: Any, max_iterations: int | None = None,
) -> tuple[Any, Any]:
    """``func(*loop_vars) -> (outputs, loop_vars)`` while ``cond(*loop_vars)`` holds, `max_iterations` times
    at most.

    Gives the outputs, stacked along a new first axis of length `max_iterations` with zeros after the last
    step, and the last loop variables.
    """
    if max_iterations is None:
        raise InvalidTypeError("while_loop: max_iterations should be specified")
    variables, shape = _list(loop_vars), None
    outputs: list[list[Any]] = []
    if not variables:
        raise InvalidValueError("while_loop: loop_vars should contain at least one element")
    while len(outputs) < max_iterations and bool(cond(*variables)):
        given, new = func(*variables)
        new = _list(new)
        if len(new) != len(variables):
            raise InvalidValueError(f"while_loop: func gave {len(new)} loop variables for {len(variables)}")
        variables = new
        outputs.append([] if given is None else _list(given))
        shape = given
    left = int(max_iterations) - len(outputs)
    stacked = []
    for column in zip(*outputs):
        whole = F.stack(*column, axis=0)
        if left:
            rest = F.fill(whole, shape=(left,) + whole.shape[1:], dtype=whole.dtype, value=0)
            whole = F.concatenate(whole, rest, axis=0)
        stacked.append(whole)
    return (_like(stacked, shape) if stacked else []), _like(variables, loop_vars)


def cond(
    pred: Any, then_func: Callable[..., Any], else_func: Callable[..., Any], inputs: Any = (),
    name: str = "cond",
) -> Any:
    """``then_func(*inputs)`` where `pred` (an array of one element, or a function of the inputs) is true,
    else ``else_func(*inputs)``.
    """
    given = _list(inputs)
    answer = pred(*given) if callable(pred) and not isinstance(pred, BaseArray) else pred
    return (then_func if bool(answer) else else_func)(*given)
