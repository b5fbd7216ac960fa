"""The frontend object of np, and what its adapters share."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy

from ..array import Array, wrap
from ..base import InvalidTypeError, InvalidValueError, MXNetError, UnknownNameError, completed
from ..context import CPU0, Context, current_context
from ..frontend import FRONTENDS, Frontend, Function
from ..invoke import F, into
from ..ndarray import BaseArray
from ..ops import reduce
from ..registry import OPS, REQUIRED, Op
from .array import ndarray, operand


class NPFrontend(Frontend):
    """Array arguments are arrays of either frontend, NumPy's, or numbers; numbers alone give numbers."""

    name = "np"

    def short(self, op: Op) -> Function:
        f = getattr(F, op.name)
        if len(op.arrays) == 1:

            def unary(x: Any) -> Any:
                return f(x) if x.__class__ is ndarray else self.call(op, (x,), {}, None)

            return unary

        def binary(x1: Any, x2: Any) -> Any:
            if x1.__class__ is ndarray and x2.__class__ is ndarray:
                return f(x1, x2)
            return self.call(op, (x1, x2), {}, None)

        return binary

    def call(self, op: Op, values: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
        for p, value in params.items():
            if value is REQUIRED:
                raise InvalidTypeError(f"{op.name}: parameter {p!r} is required")
        while values and values[-1] is None:
            values = values[:-1]
        ctx = place(values)
        values = tuple(v if v is None else operand(v, ctx, op.name) for v in values)
        if any(isinstance(v, Array) for v in values):
            if not op.broadcasts:
                values = tuple(v if v is None else array_of(v, op.name, ctx) for v in values)
            else:
                values = tuple(array_of(v, op.name) if isinstance(v, Array) else v for v in values)
            result = getattr(F, op.name)(*values, **params)
        else:
            result = on_numbers(op, values, params)
        return result if out is None else into(op.name, out, result)


def place(values: Any) -> Context:
    """The context of the first array of ours among `values`, else the current one."""
    for v in values:
        if isinstance(v, Array):
            ctx: Context = v._ctx
            return ctx
    return current_context()


def array_of(value: Any, what: str, ctx: Context | None = None) -> Any:
    """An array argument as an array of this frontend; numbers become arrays without axes.

    Raises InvalidTypeError for lists, strings and the rest, as MXNet does.
    """
    if value.__class__ is ndarray:
        return value
    value = operand(value, ctx or current_context(), what)
    if isinstance(value, BaseArray):
        return value.as_np_ndarray()  # type: ignore[attr-defined]
    ctx = ctx or current_context()
    dtype = numpy.float32 if isinstance(value, float) else None
    return wrap(ndarray, ctx.backend.from_host(numpy.asarray(value, dtype)), ctx)


def arrays_of(values: Any, what: str) -> list[Any]:
    """A sequence of array arguments as arrays of this frontend."""
    if not isinstance(values, (list, tuple, ndarray)):
        raise InvalidTypeError(f"{what}: takes a list or tuple of arrays, got {type(values)}")
    values = list(values)
    ctx = place(values)
    return [array_of(v, what, ctx) for v in values]


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes meant by a number, several or None (all), not negative; InvalidValueError for one that is
    not there.
    """
    try:
        return reduce.axes_of(axis, ndim)
    except ValueError as error:
        raise InvalidValueError(str(error)) from None


def shared(what: str, composition: Function, *args: Any, **params: Any) -> Any:
    """A composition that both frontends share, called over F; its errors say `what` failed."""
    try:
        return composition(F, *args, **params)
    except MXNetError:
        raise
    except (ValueError, TypeError, IndexError) as error:
        raise completed(error, f"{what}: {error}") from None


def on_numbers(op: Op, values: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """An op on Python numbers alone: a Python number, or an array where the op makes axes."""
    hosts = [v if v is None else numpy.asarray(v) for v in values]
    out = CPU0.backend.forward[op.name](*hosts, **params)
    if isinstance(out, tuple):
        return tuple(number(o) for o in out)
    return number(out)


def number(host: numpy.ndarray) -> Any:
    """A host result without axes as a Python number, any other as an array."""
    return host.item() if host.ndim == 0 else wrap(ndarray, host)


def one(op: str, values: tuple[Any, ...], params: dict[str, Any], out: Any = None) -> Any:
    """An op called the way generated functions call it."""
    return NP.call(OPS[op], values, params, out)


def signed_as(function: Any, other: Callable[..., Any]) -> None:
    """Give `function` the signature of NumPy's function `other`, where that one has any."""
    try:
        function.__signature__ = signature(other)
    except (ValueError, TypeError):
        pass


def submodule(
    prefix: str, space: dict[str, Any], *more: str,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of the module that offers the functions whose names begin with `prefix`
    and a dot, and `more` names of its own; `space` is its namespace.
    """

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            function = space[name] = NP.function(f"{prefix}.{name}")
        except UnknownNameError as error:
            text = str(error).replace(f"{prefix}.", "").replace("mxgrad.np", f"mxgrad.np.{prefix}")
            raise UnknownNameError(text) from None
        return function

    def names() -> list[str]:
        start = f"{prefix}."
        return sorted({n.removeprefix(start) for n in NP if n.startswith(start)} | set(more))

    return find, names


def deliver(out: Any, result: Any, what: str) -> Any:
    """`result`, or `out` holding it."""
    return result if out is None else into(what, out, result)


NP = FRONTENDS["np"] = NPFrontend()


def alias(**names: str) -> None:
    """Further names of functions the table has."""
    for other, name in names.items():
        NP.table[other] = NP.table[name]


alias(pow="power", atan2="arctan2", bitwise_invert="invert")
