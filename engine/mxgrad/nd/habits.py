"""Adapters: functions of nd whose habits differ from the op below."""
from __future__ import annotations

from numbers import Integral
from typing import Any

from ..base import InvalidTypeError, InvalidValueError
from ..frontend import named
from ..invoke import F, into
from ..ndarray import BaseArray
from ..ops.reduce import axes_of
from ..ops.shape import product
from ..registry import OPS
from .array import NDArray, _comparison
from .functions import ND

NOT_METHODS = frozenset("zeros ones empty full arange linspace eye".split())


def one(op: str, values: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
    """An op called the way generated functions call it."""
    return ND.call(OPS[op], values, params, out)


def _reduced_axes(data: Any, axis: Any, exclude: bool) -> Any:
    """MXNet's reading: no axis and () are all axes; `exclude` means all but those."""
    if axis is None or isinstance(axis, tuple) and not axis:
        return None
    axis = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    for a in axis:
        if not -data.ndim <= a < data.ndim:
            raise InvalidValueError(f"Reduction axis {a} Exceeds input dimensions {list(data.shape)}")
    if exclude:
        named = axes_of(axis, data.ndim)
        return tuple(i for i in range(data.ndim) if i not in named)
    return axis


def _with_axis(result: Any, data: Any, op: str, out: Any) -> Any:
    """What a reduction of `data` gives, at least of shape (1,), or `out` with it."""
    if not result._raw.shape and data._raw.shape and result.__class__ is NDArray:
        # The rules of reductions take a cotangent with an axis, too: there is nothing to record.
        ND.give_axis(result)
    return result if out is None else into(op, out, result)


def _told(error: Exception, name: str, data: Any, **params: Any) -> Exception:
    """`named` for a reduction, which is called so often that it catches its errors itself."""
    given = {p: value for p, value in params.items() if value is not None and value is not False}
    return named(error, name, (data,), given, composed=True)


def _reduction(op: str, names: str, doc: str) -> None:
    f, called = getattr(F, op), names.split()[0]

    def reduce(data: Any, axis: Any = None, keepdims: bool = False, exclude: bool = False, out: Any = None,
               name: Any = None) -> Any:
        try:
            if data.__class__ is not NDArray:
                ND.array(data, "data")
            if axis is None and keepdims is False:
                result = f(data)
            else:
                axis = None if axis is None else _reduced_axes(data, axis, exclude)
                result = f(data, axis=axis, keepdims=bool(keepdims))
            return _with_axis(result, data, op, out)
        except Exception as error:
            told = _told(error, called, data, axis=axis, keepdims=keepdims, exclude=exclude)
            if told is error:
                raise
            raise told from None

    reduce.__name__ = reduce.__qualname__ = called
    reduce.__doc__ = (
        f"{doc} over `axis` (None or (): all; with `exclude`: all but those); "
        "without axes left the shape is (1,)."
    )
    ND.adapter(names, names_its_errors=True)(reduce)


for _op, _names, _doc in (
    ("sum", "sum sum_axis", "Sum"),
    ("mean", "mean", "Mean"),
    ("max", "max max_axis", "Maximum"),
    ("min", "min min_axis", "Minimum"),
    ("prod", "prod", "Product"),
    ("nansum", "nansum", "Sum, nan counting as 0,"),
    ("nanprod", "nanprod", "Product, nan counting as 1,"),
):
    _reduction(_op, _names, _doc)


@ND.adapter("norm", names_its_errors=True)
def norm(
    data: Any,
    ord: int = 2,
    axis: Any = None,
    out_dtype: Any = None,
    keepdims: bool = False,
    out: Any = None,
    name: Any = None,
) -> Any:
    """Vector norm over `axis` (None: all): `ord` 2 Euclidean, 1 sum of absolute values."""
    try:
        if data.__class__ is not NDArray:
            ND.array(data, "data")
        if ord == 2 and axis is None and keepdims is False:
            result = F.norm(data)
        else:
            axis = None if axis is None else _reduced_axes(data, axis, False)
            result = F.norm(data, ord=ord, axis=axis, keepdims=bool(keepdims))
        return _with_axis(result, data, "norm", out)
    except Exception as error:
        told = _told(error, "norm", data, ord=ord, axis=axis, keepdims=keepdims)
        if told is error:
            raise
        raise told from None


def reshape_codes(shape: tuple[int, ...], target: tuple[int, ...], reverse: bool = False) -> tuple[int, ...]:
    """MXNet's reshape codes resolved: 0 copies a length, -1 is inferred, -2 copies the rest, -3 merges two
    lengths,
    -4 splits one into the two that follow (one may be -1); `reverse` reads from the right."""
    if all(n > 0 for n in target):
        if product(target) != product(shape):
            raise InvalidValueError(f"Cannot reshape array of size {product(shape)} into shape {target}")
        return target
    if reverse:
        shape, target = shape[::-1], target[::-1]
    out: list[int] = []
    i = 0
    codes = iter(range(len(target)))
    for k in codes:
        n = target[k]
        if n == 0 or n == -3 or n == -4:
            if i + (n == -3) >= len(shape):
                raise InvalidValueError(f"reshape code {n} in {target} has no length left in shape {shape}")
        if n > 0:
            out.append(n)
            i += 1
        elif n == 0:
            out.append(shape[i])
            i += 1
        elif n == -1:
            out.append(-1)
            i += 1
        elif n == -2:
            out.extend(shape[i:])
            i = len(shape)
        elif n == -3:
            out.append(shape[i] * shape[i + 1])
            i += 2
        elif n == -4:
            if k + 2 >= len(target):
                raise InvalidValueError(f"reshape code -4 in {target} needs two lengths after it")
            a, b = target[k + 1], target[k + 2]
            a = shape[i] // b if a == -1 else a
            b = shape[i] // a if b == -1 else b
            if a * b != shape[i]:
                raise InvalidValueError(f"reshape code -4 splits {shape[i]} into {a} x {b}, which do not fit")
            out += [a, b]
            i += 1
            next(codes), next(codes)
        else:
            raise InvalidValueError(f"unknown reshape code {n} in {target}")
    if reverse:
        out.reverse()
    if out.count(-1) > 1:
        raise InvalidValueError("One and only one dim can be inferred")
    known = product(n for n in out if n != -1)
    if -1 in out:
        if known == 0 or product(shape) % known:
            raise InvalidValueError(f"Cannot reshape array of size {product(shape)} into shape {target}")
        out[out.index(-1)] = product(shape) // known
    elif known != product(shape):
        raise InvalidValueError(f"Cannot reshape array of size {product(shape)} into shape {target}")
    return tuple(out)


@ND.adapter("reshape Reshape")
def reshape(
    data: Any,
    shape: Any = None,
    reverse: bool = False,
    target_shape: Any = None,
    keep_highest: bool = False,
    out: Any = None,
    name: Any = None,
) -> Any:
    """The elements in row-major order under another shape.

    Codes: 0 copies a length of the input, -1 is inferred, -2 copies the rest, -3 merges two, -4 splits one
    into the next two; `reverse` applies them from the right.  `target_shape` is an old name of `shape`.
    """
    data = ND.prepare(data, "data", OPS["reshape"])
    shape = target_shape if shape is None else shape
    if shape is None:
        raise InvalidTypeError("reshape: give a shape")
    if keep_highest:
        raise InvalidValueError("reshape: keep_highest is not supported; write the first length as 0")
    shape = (shape,) if isinstance(shape, Integral) else tuple(shape)
    return one("reshape", (data,), {"shape": reshape_codes(data.shape, shape, reverse)}, out)


def _named_comparison(op: str) -> Any:
    compare = _comparison(op)

    def function(lhs: Any, rhs: Any, out: Any = None, name: Any = None) -> Any:
        if not isinstance(lhs, BaseArray):
            if not isinstance(rhs, BaseArray):
                ND.prepare(lhs, "lhs", OPS["copy"])
            turned = {"greater": "less", "less": "greater", "greater_equal": "less_equal",
                      "less_equal": "greater_equal"}.get(op, op)
            result = _comparison(turned)(rhs, lhs)
        else:
            result = compare(lhs, rhs)
        return ND.deliver(result, out, op)

    function.__name__ = function.__qualname__ = op
    function.__doc__ = (
        f"Elementwise {op.replace('_', ' ')}: 1 where it holds and 0 elsewhere, in the operands' dtype."
    )
    return function


for _op, _names in (
    ("equal", "equal broadcast_equal"),
    ("not_equal", "not_equal broadcast_not_equal"),
    ("greater", "greater broadcast_greater"),
    ("greater_equal", "greater_equal broadcast_greater_equal"),
    ("less", "lesser broadcast_lesser less"),
    ("less_equal", "lesser_equal broadcast_lesser_equal less_equal"),
    ("logical_and", "logical_and broadcast_logical_and"),
    ("logical_or", "logical_or broadcast_logical_or"),
    ("logical_xor", "logical_xor broadcast_logical_xor"),
):
    ND.adapter(_names, arrays=2)(_named_comparison(_op))


@ND.adapter("logical_not")
def logical_not(data: Any, out: Any = None, name: Any = None) -> Any:
    """1 where the element is 0, and 0 elsewhere, in its dtype."""
    result = F.cast(F.logical_not(ND.prepare(data, "data", OPS["logical_not"])), dtype=data._raw.dtype)
    return ND.deliver(result, out, "logical_not")


