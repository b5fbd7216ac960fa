"""The frontend object of nd."""
from __future__ import annotations

from typing import Any

from ..base import NotAnArrayError
from ..frontend import FRONTENDS, Frontend
from ..invoke import F, into
from ..ndarray import BaseArray
from ..registry import Op
from .array import NDArray


class NDFrontend(Frontend):
    """Array arguments must be arrays, and a result without axes gets one."""

    name = "nd"
    generated_tail = "out=None, name=None"

    def prepare(self, value: Any, argument: str, op: Op) -> Any:
        if isinstance(value, BaseArray) or value is None or op.broadcasts and isinstance(value, (int, float)):
            return value
        raise NotAnArrayError(f"Argument {argument} must have NDArray type, but got {value}")

    def array_names(self, op: Op) -> tuple[str, ...]:
        return op.nd_arrays

    def finish(self, result: Any, values: tuple[Any, ...]) -> Any:
        if isinstance(result, tuple):
            return [self.finish(r, values) for r in result]
        if result._data.shape == () and type(result) is NDArray and any(
            isinstance(v, BaseArray) and v._data.shape for v in values
        ):
            return F.reshape(result, shape=(1,))
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


ND = FRONTENDS["nd"] = NDFrontend()
