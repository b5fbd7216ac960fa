"""NumPy's functions called with arrays of ours: `numpy.sin(x)`, `numpy.concatenate([x, x])`,
`numpy.add.accumulate(x)`, `numpy.linalg.norm(x)`.

They run the function of np of that name, so they record; with arrays of nd they give arrays of nd.  What np
does not have, or not with these arguments, runs on the host, and says so where a gradient would be lost.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, UnknownNameError
from ..invoke import F, describe
from ..ndarray import BaseArray
from .array import ndarray
from .functions import NP, array_of, deliver, place
from .host import arrays_in, on_host

_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
_RUNNING = {"add": "cumsum", "multiply": "cumprod"}


def _ours(function: Any) -> Any:
    """np's function for NumPy's, or None."""
    module = getattr(function, "__module__", None) or "numpy"
    _, _, inner = module.partition("numpy.")
    prefix = f"{inner}." if inner in ("linalg", "fft") else ""
    try:
        return NP.function(prefix + function.__name__)
    except UnknownNameError:
        return None


# the two flavours -----------------------------------------------------------------------------------------


class _Flavour:
    """Makes np arrays of the arguments, and arrays of nd of the results where no argument is of np."""

    def __init__(self, values: Any) -> None:
        given = arrays_in(values)
        self.cls = max((type(a) for a in given), key=lambda cls: cls._rank, default=ndarray)
        self._taken: list[tuple[Any, Any]] = []

    def take(self, value: Any) -> Any:
        """`value` with its arrays as np's: the same memory and place on the tape."""
        if isinstance(value, BaseArray):
            if type(value) is ndarray:
                return value
            same = array_of(value, "numpy")
            self._taken.append((value, same))
            return same
        if isinstance(value, dict):
            return {k: self.take(v) for k, v in value.items()}
        return type(value)(map(self.take, value)) if type(value) in (list, tuple) else value

    def give(self, result: Any) -> Any:
        """`result` with its arrays in the arguments' flavour."""
        for value, same in self._taken:     # a function that writes moves its argument on the tape
            value._entry = same._entry
        return self._give(result)

    def _give(self, result: Any) -> Any:
        if type(result) is ndarray and self.cls is not ndarray:
            if not result.ndim:
                result = F.reshape(result, shape=(1,))
            return wrap(self.cls, result._data, result._ctx, result._entry, result._cell)
        if isinstance(result, (list, tuple)):
            out = [self._give(r) for r in result]
            return type(result)(out) if type(result) in (list, tuple) else type(result)(*out)
        return result


def _write(out: Any, result: Any) -> Any:
    """Deliver a result into the arrays given as out=, NumPy's or ours."""
    results = result if isinstance(result, tuple) else (result,)
    for o, r in zip(out, results):
        if isinstance(o, numpy.ndarray):
            o[...] = r.asnumpy() if isinstance(r, BaseArray) else r
        elif o is not None:
            deliver(o, r, "out")
    filled = tuple(r if o is None else o for o, r in zip(out, results))
    return filled[0] if len(filled) == 1 else filled


# ufuncs ---------------------------------------------------------------------------------------------------

# What NumPy calls for an operator whose left operand is NumPy's; nd's operators have dtypes of their own.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "remainder": operator.mod, "power": operator.pow, "equal": operator.eq, "not_equal": operator.ne,
    "less": operator.lt, "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
}


def _number(ufunc: Any, value: Any) -> Any:
    """An operand beside arrays of nd: NumPy's scalars as Python numbers; NumPy's arrays are refused."""
    if not isinstance(value, (numpy.ndarray, numpy.generic)):
        return value
    if value.ndim:
        raise InvalidTypeError(
            f"{ufunc.__name__}: type {type(value)} not supported beside arrays of nd; wrap it in nd.array"
        )
    return value.item()


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc of NumPy, or one of its methods, on arrays of ours, as its `__array_ufunc__` protocol asks
    for.
    """
    out = kwargs.pop("out", None)
    flavour = _Flavour(inputs)
    if out is None and flavour.cls is not ndarray and method != "at":
        inputs = tuple(_number(ufunc, v) for v in inputs)
        if method == "__call__" and not kwargs and ufunc.__name__ in _OPERATORS:
            return _OPERATORS[ufunc.__name__](*inputs)
    methods: dict[str, Callable[..., Any]] = {
        "__call__": _plain, "reduce": _reduce, "accumulate": _accumulate, "outer": _outer, "at": _at,
        "reduceat": _on_host("reduceat"),
    }
    if method == "__call__" and kwargs.get("where", True) is not True:
        if out is None or out[0] is None:
            raise InvalidValueError(f"{ufunc.__name__}: with where=, out= is needed: the result elsewhere")
        kwargs["elsewhere"] = flavour.take(out[0])
    result = flavour.give(methods[method](ufunc, *flavour.take(inputs), **flavour.take(kwargs)))
    return result if out is None else _write(out, result)


def _plain(
    ufunc: Any, *inputs: Any, dtype: Any = None, where: Any = True, elsewhere: Any = None, **ignored: Any,
) -> Any:
    """``ufunc(*inputs)``; with `dtype` floats are computed in it."""
    if dtype is not None and numpy.dtype(dtype).kind == "f":
        inputs = tuple(v.astype(dtype, copy=False) if isinstance(v, BaseArray) else v for v in inputs)
    function = _ours(ufunc)
    result = on_host(ufunc.__name__, ufunc, inputs, {}, True) if function is None else function(*inputs)
    if dtype is not None:
        result = result.astype(dtype, copy=False)
    if where is True:
        return result
    return NP.function("where")(_mask(where, result), result, elsewhere)


def _mask(where: Any, like: Any) -> Any:
    return where if isinstance(where, BaseArray) else wrap(
        ndarray, like._ctx.backend.from_host(numpy.asarray(where, bool)), like._ctx)


def _on_host(method: str) -> Callable[..., Any]:
    """A method of ufuncs as NumPy computes it."""

    def run(ufunc: Any, *inputs: Any, **kwargs: Any) -> Any:
        return on_host(f"{ufunc.__name__}.{method}", getattr(ufunc, method), inputs, kwargs, True)

    return run


def _named(method: str, names: dict[str, str]) -> Callable[..., Any]:
    """A method of ufuncs that is a function of np for some of them; over the first axis by default."""
    host = _on_host(method)

    def run(ufunc: Any, array: Any, axis: Any = 0, *args: Any, **kwargs: Any) -> Any:
        name = names.get(ufunc.__name__)
        if name is None:
            return host(ufunc, array, axis, *args, **kwargs)
        return NP.function(name)(array, axis, *args, **kwargs)

    return run


_reduce, _accumulate = _named("reduce", _REDUCTIONS), _named("accumulate", _RUNNING)


def _outer(ufunc: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    """The ufunc of every element of `a` with every element of `b`."""
    ctx = place((a, b))
    a, b = array_of(a, ufunc.__name__, ctx), array_of(b, ufunc.__name__, ctx)
    return _plain(ufunc, F.reshape(a, shape=a.shape + (1,) * b.ndim), b, **kwargs)


def _at(ufunc: Any, a: Any, indices: Any, *operands: Any) -> None:
    """``a[indices] op= b``, each of repeated places in turn: in place, and without a gradient."""
    if not isinstance(a, BaseArray):
        raise InvalidTypeError(f"{ufunc.__name__}.at: an array of ours cannot be put into {describe(a)}")

    def run(host: Any, *rest: Any) -> Any:
        ufunc.at(host, *rest)
        return host

    a[...] = on_host(f"{ufunc.__name__}.at", run, (a, indices, *operands), {}, True)


# functions ------------------------------------------------------------------------------------------------


def call_function(function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of NumPy on arrays of ours, as its `__array_function__` protocol asks for."""
    if not all(issubclass(t, (BaseArray, numpy.ndarray)) for t in types):
        return NotImplemented
    out = kwargs.get("out")
    flavour = _Flavour([args, kwargs])
    given: Any = flavour.take(args)
    named: Any = flavour.take({k: v for k, v in kwargs.items() if k != "out"})
    ours = _ours(function)
    host = partial(on_host, function.__name__, function, given, named, True)
    if ours is None or not _takes(ours, given, named):
        result = host()
    else:
        try:
            result = ours(*given, **named)
        except InvalidTypeError:        # operands without a dtype of ours, as matplotlib's None
            result = host()
    result = flavour.give(result)
    return result if out is None else _write(out if isinstance(out, tuple) else (out,), result)


def _takes(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    try:
        signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True
