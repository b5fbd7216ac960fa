"""Adapters for elementwise functions."""
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..invoke import F, into
from ..ndarray import BaseArray
from ..ops.reduce import count_of
from .creation import _from_host
from .functions import ND


def _check_alike(op: str, arrays: list[Any]) -> None:
    for i, a in enumerate(arrays):
        if a.shape != arrays[0].shape:
            raise InvalidValueError(
                f"{op}: Incompatible attr in node at {i}-th input: expected shape {arrays[0].shape}, got "
                f"{a.shape}; broadcast_add and its kin broadcast")


def _elemwise(op: str, names: str) -> None:
    name = names.split()[0]
    f = getattr(F, op)

    def function(lhs: Any, rhs: Any, out: Any = None, name: Any = None) -> Any:
        lhs, rhs = ND.array(lhs, "lhs"), ND.array(rhs, "rhs")
        _check_alike(function.__name__, [lhs, rhs])
        return ND.deliver(f(lhs, rhs), out, op)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`nd.{op}` of two arrays of one shape; InvalidValueError where the shapes differ."
    ND.adapter(names, arrays=2)(function)


for _op, _names in (("add", "elemwise_add"), ("subtract", "elemwise_sub"), ("multiply", "elemwise_mul"),
                    ("divide", "elemwise_div")):
    _elemwise(_op, _names)


def _arithmetic(op: str, names: str, plain: Callable[[Any, Any], Any]) -> None:
    f = getattr(F, op)

    def function(lhs: Any, rhs: Any, out: Any = None, name: Any = None) -> Any:
        if isinstance(lhs, BaseArray) or isinstance(rhs, BaseArray):
            return f(lhs, rhs) if out is None else into(op, out, f(lhs, rhs))
        if isinstance(lhs, (int, float)) and isinstance(rhs, (int, float)):
            return plain(lhs, rhs)
        raise InvalidTypeError(f"{op}: type {type(lhs)} not supported; operands are arrays and numbers")

    function.__name__ = function.__qualname__ = names.split()[0]
    function.__doc__ = f"Elementwise {op} of arrays, which broadcast, and numbers; of two numbers, a number."
    ND.adapter(names, arrays=2)(function).short = f     # type: ignore[attr-defined]


for _op, _names, _plain in (
    ("add", "add", operator.add), ("subtract", "subtract", operator.sub),
    ("multiply", "multiply", operator.mul),
    ("divide", "divide true_divide", operator.truediv), ("remainder", "modulo", operator.mod),
    ("maximum", "maximum", max), ("minimum", "minimum", min),
):
    _arithmetic(_op, _names, _plain)


@ND.adapter("power", arrays=2)
def power(base: Any, exp: Any, out: Any = None, name: Any = None) -> Any:
    """`base` to the power of `exp`, arrays or numbers; of two numbers, a number.

    >>> from mxgrad import nd
    >>> nd.power(2, nd.array([1, 2, 3])).asnumpy().tolist()
    [2.0, 4.0, 8.0]
    """
    if isinstance(base, (int, float)) and isinstance(exp, (int, float)):
        return base ** exp
    return ND.deliver(F.power(base, exp), out, "power")


@ND.adapter("add_n ElementWiseSum", arrays="*")
def add_n(*args: Any, out: Any = None, name: Any = None, num_args: int | None = None) -> Any:
    """The sum of arrays of one shape.

    >>> from mxgrad import nd
    >>> x = nd.ones(2)
    >>> nd.add_n(x, x, x).asnumpy().tolist()
    [3.0, 3.0]
    """
    if not args:
        raise InvalidValueError("add_n: give at least one array")
    arrays = [ND.array(a, "args") for a in args]
    _check_alike("add_n", arrays)
    total = arrays[0] if len(arrays) > 1 else F.copy(arrays[0])
    for a in arrays[1:]:
        total = F.add(total, a)
    return ND.deliver(total, out, "add_n")


@ND.composed("cast Cast")
def cast(data: Any, dtype: Any, out: Any = None, name: Any = None) -> Any:
    """A copy with another dtype; floats are truncated towards zero.  The gradient is cast back.

    >>> from mxgrad import nd
    >>> nd.cast(nd.array([0.9, -1.9]), dtype="int32").asnumpy().tolist()
    [0, -1]
    >>> nd.cast(nd.array([0.5]), dtype="float16").dtype
    <class 'numpy.float16'>
    """
    return F.cast(data, dtype=as_dtype(dtype))


@ND.composed("amp_cast")
def amp_cast(data: Any, dtype: Any, out: Any = None, name: Any = None) -> Any:
    """`cast` for floating point arrays; others keep their dtype."""
    dtype = as_dtype(dtype)
    return F.cast(data, dtype=dtype if data._raw.dtype.kind == "f" else data._raw.dtype)


@ND.adapter("amp_multicast", arrays="*")
def amp_multicast(*data: Any, num_outputs: int | None = None, cast_narrow: bool = False, out: Any = None,
                  name: Any = None) -> Any:
    """The arrays, those of floats cast to their widest dtype, or the narrowest with `cast_narrow`."""
    arrays = [ND.array(a, "data") for a in data]
    floats = [a._raw.dtype for a in arrays if a._raw.dtype.kind == "f"]
    chosen = sorted(floats, key=lambda d: d.itemsize)[0 if cast_narrow else -1] if floats else None
    cast_all = tuple(F.cast(a, dtype=chosen if a._raw.dtype.kind == "f" else a._raw.dtype) for a in arrays)
    return ND.deliver(cast_all, out, "amp_multicast")


# what asks about values -------------------------------------------------------------------------------------


def _question(name: str) -> None:
    f = getattr(F, name)

    def function(data: Any) -> Any:
            return F.cast(f(data), dtype=data._raw.dtype)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"1 where NumPy's `{name}` holds and 0 elsewhere, in the dtype of `data`."
    ND.adapter(f"contrib.{name}")(function)


for _name in ("isnan", "isinf", "isfinite"):
    _question(_name)


@ND.adapter("all_finite")
def all_finite(data: Any, init_output: bool = True, out: Any = None, name: Any = None) -> Any:
    """[1] if no element is nan or infinite, else [0]; without `init_output`, [0] also if `out` holds 0."""
    return multi_all_finite(data, init_output=init_output, out=out)


@ND.adapter("multi_all_finite", arrays="*")
def multi_all_finite(*data: Any, num_arrays: int | None = None, init_output: bool = True, out: Any = None,
                     name: Any = None) -> Any:
    """`all_finite` of several arrays together."""
    result: Any = None
    for a in data:
        finite = F.cast(F.all(F.isfinite(ND.array(a, "data"))), dtype="float32")
        result = finite if result is None else result * finite
    result = F.reshape(result, shape=(1,))
    if not init_output and out is not None:
        result = result * out
    return ND.deliver(result, out, "multi_all_finite")


@ND.adapter("multi_sum_sq", arrays="*")
def multi_sum_sq(*data: Any, num_arrays: int | None = None, out: Any = None, name: Any = None) -> Any:
    """The sum of squares of each array, as one array of float32."""
    sums = [F.cast(F.sum(F.square(ND.array(a, "data"))), dtype="float32") for a in data]
    return ND.deliver(F.stack(*sums), out, "multi_sum_sq")


@ND.adapter("contrib.allclose", arrays=2)
def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = True, out: Any = None,
             name: Any = None) -> Any:
    """1 if ``|a - b| <= atol + rtol |b|`` everywhere, else 0, as an array of uint8 without axes."""
    a, b = ND.array(a, "a"), ND.array(b, "b")
    near = F.logical_or(F.equal(a, b), F.less_equal(F.abs(a - b), atol + rtol * F.abs(b)))
    if equal_nan:
        near = F.logical_or(near, F.logical_and(F.isnan(a), F.isnan(b)))
    return ND.deliver(F.cast(F.all(near), dtype="uint8"), out, "allclose")


# small formulas of nd.contrib -------------------------------------------------------------------------------


@ND.composed("contrib.div_sqrt_dim")
def div_sqrt_dim(data: Any, out: Any = None, name: Any = None) -> Any:
    """`data` divided by the root of the length of its last axis."""
    return data / float(count_of(data.shape, -1)) ** 0.5


@ND.composed("contrib.quadratic")
def quadratic(data: Any, a: float = 0.0, b: float = 0.0, c: float = 0.0, out: Any = None,
              name: Any = None) -> Any:
    """a x^2 + b x + c."""
    return (a * data + b) * data + c


@ND.composed("contrib.arange_like")
def arange_like(data: Any, start: float = 0.0, step: float = 1.0, repeat: int = 1, ctx: Any = None,
                axis: int | None = None, out: Any = None, name: Any = None) -> Any:
    """start, start + step, ..., each `repeat` times, in the shape of `data`, or as long as its `axis`.

    >>> from mxgrad import nd
    >>> nd.contrib.arange_like(nd.zeros((2, 3)), axis=1).asnumpy().tolist()
    [0.0, 1.0, 2.0]
    """
    n = count_of(data.shape, axis)
    host = start + step * (numpy.arange(n) // repeat)
    where = data.context if ctx is None else ctx
    return _from_host(host.reshape(data.shape if axis is None else (n,)), where, data._raw.dtype)
