"""The frontend object of nd."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from numpy import ndarray

from ..base import NotAnArrayError, shortened
from ..frontend import FRONTENDS, Frontend, Function, named
from ..invoke import F, into
from ..kernels import deferred
from ..ndarray import BaseArray
from ..ops.update import Update
from ..registry import Op
from ..tape import state
from .array import NDArray


def _no_array(value: Any, argument: str) -> NotAnArrayError:
    text = " ".join(str(value).split())     # on one line
    return NotAnArrayError(f"Argument {argument} must have NDArray type, but got {shortened(text)}")


class NDFrontend(Frontend):
    """Array arguments must be arrays, and a result without axes gets one."""

    name = "nd"
    generated_tail = "out=None, name=None"

    def prepare(self, value: Any, argument: str, op: Op) -> Any:
        if isinstance(value, BaseArray) or value is None and op.optional or (
                op.broadcasts and isinstance(value, (int, float))):
            return value
        raise _no_array(value, argument)

    def array_names(self, op: Op) -> tuple[str, ...]:
        return op.nd_arrays

    def caller(self, op: Op) -> Function:
        if isinstance(op, Update):
            from .update import update

            return update
        return self.call

    def finish(self, result: Any, values: tuple[Any, ...]) -> Any:
        if type(result) is NDArray and result._raw.shape:
            return result
        if isinstance(result, tuple):
            return [self.finish(r, values) for r in result]
        if result._raw.shape == () and type(result) is NDArray and any(
            isinstance(v, BaseArray) and v._raw.shape for v in values
        ):
            if result._entry is not None:
                return F.reshape(result, shape=(1,))
            self.give_axis(result)
        return result

    def give_axis(self, result: Any) -> None:
        """Turn an array without axes, which nobody else has seen, into one of shape (1,)."""
        raw = result._raw
        if raw.__class__ is ndarray:
            result._raw = raw[None]
            return
        if state.program is not None:
            seen = F.reshape(result, shape=(1,))
            result._raw, result._entry = seen._raw, seen._entry
            return
        seen = deferred.defer("reshape", (raw,), {"shape": (1,)})
        if seen is None:
            seen = result._ctx.backend.forward["reshape"](result._data, shape=(1,))
        result._raw = seen

    # what adapters are written with

    def array(self, value: Any, argument: str) -> Any:
        """`value`, which must be an array; NotAnArrayError names the argument."""
        if isinstance(value, BaseArray):
            return value
        raise _no_array(value, argument)

    def deliver(self, result: Any, out: Any, name: str) -> Any:
        """The result of the function `name`, several as a list, or `out` with the result in it."""
        if isinstance(result, (tuple, list)):
            result = list(result)
        return result if out is None else into(name, out, result)

    def composed(self, names: str, arrays: int = 1) -> Callable[[Function], Function]:
        """Decorator: `adapter` for a composition: its array arguments are checked, and its `out` (by name)
        and result without axes are taken care of here.
        """
        def declare(function: Function) -> Function:
            code = function.__code__
            required = code.co_varnames[:code.co_argcount - len(function.__defaults__ or ())]
            leading, called = code.co_varnames[:arrays], names.split()[0]

            @wraps(function)
            def call(*args: Any, out: Any = None, name: Any = None, **params: Any) -> Any:
                try:
                    for argument, value in zip(leading, args):
                        if not isinstance(value, BaseArray) and (value is not None or argument in required):
                            self.array(value, argument)
                    for argument in leading[len(args):]:
                        if argument in params:
                            value = params[argument]
                            if not isinstance(value, BaseArray) and (
                                    value is not None or argument in required):
                                self.array(value, argument)
                    result = function(*args, **params)
                    if type(result) is NDArray and result._raw.shape:
                        return result if out is None else self.deliver(result, out, called)
                    given = (*args[:arrays], *(params.get(argument) for argument in leading))
                    return self.deliver(self.finish(result, given), out, called)
                except Exception as error:
                    told = named(error, called, args, params, composed=True)
                    if told is error:
                        raise
                    raise told from None

            return self.adapter(names, arrays, names_its_errors=True)(call)
        return declare


ND = FRONTENDS["nd"] = NDFrontend()
