"""The frontend object of nd."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..base import NotAnArrayError
from ..frontend import FRONTENDS, Frontend, Function
from ..invoke import F, into
from ..ndarray import BaseArray
from ..ops.update import Update
from ..registry import Op
from .array import NDArray


class NDFrontend(Frontend):
    """Array arguments must be arrays, and a result without axes gets one."""

    name = "nd"
    generated_tail = "out=None, name=None"

    def prepare(self, value: Any, argument: str, op: Op) -> Any:
        if isinstance(value, BaseArray) or value is None and op.optional or (
                op.broadcasts and isinstance(value, (int, float))):
            return value
        raise NotAnArrayError(f"Argument {argument} must have NDArray type, but got {value}")

    def array_names(self, op: Op) -> tuple[str, ...]:
        return op.nd_arrays

    def caller(self, op: Op) -> Function:
        if isinstance(op, Update):
            from .update import update

            return update
        return self.call

    def finish(self, result: Any, values: tuple[Any, ...]) -> Any:
        if isinstance(result, tuple):
            return [self.finish(r, values) for r in result]
        if result._data.shape == () and type(result) is NDArray and any(
            isinstance(v, BaseArray) and v._data.shape for v in values
        ):
            if result._entry is not None:
                return F.reshape(result, shape=(1,))
            result._data = result._data.reshape(1)      # nobody else has seen this array
        return result

    # what adapters are written with

    def array(self, value: Any, argument: str) -> Any:
        """`value`, which must be an array; NotAnArrayError names the argument."""
        if isinstance(value, BaseArray):
            return value
        raise NotAnArrayError(f"Argument {argument} must have NDArray type, but got {value}")

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
            called = names.split()[0]

            @wraps(function)
            def call(*args: Any, out: Any = None, name: Any = None, **params: Any) -> Any:
                given = dict(zip(code.co_varnames, args[:arrays]))
                given.update((n, params[n]) for n in code.co_varnames[:arrays] if n in params)
                for argument, value in given.items():
                    if value is not None or argument in required:
                        self.array(value, argument)
                result = function(*args, **params)
                return self.deliver(self.finish(result, tuple(given.values())), out, called)

            return self.adapter(names, arrays)(call)
        return declare


ND = FRONTENDS["nd"] = NDFrontend()
