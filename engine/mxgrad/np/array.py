"""The array of the np frontend."""

from __future__ import annotations

import threading
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy

from ..array import Array, wrap
from ..base import (
    InvalidTypeError, InvalidValueError, NotAnArrayError, OutOfRangeError, as_dtype, check_indices,
)
from ..context import Context
from ..invoke import F, describe, invoke
from ..ndarray import BaseArray, inplace, reflected
from ..ops.index import Slot
from ..registry import OPS, Op

_FLOAT32, _FLOAT64, _INT64 = numpy.dtype("float32"), numpy.dtype("float64"), numpy.dtype("int64")
_numbers = (int, float)  # bool is an int


class _Defaults(threading.local):
    float64 = False


defaults = _Defaults()      # npx.set_np_default_dtype sets it


def default_float() -> numpy.dtype:
    """The dtype of floats where nothing says another one."""
    return _FLOAT64 if defaults.float64 else _FLOAT32


# Between a mask and True or False these stay in bits; other arithmetic of bools and numbers counts in int64.
_BITS = frozenset(("bitwise_and", "bitwise_or", "bitwise_xor"))


class ndarray(BaseArray):
    """An n-dimensional array as MXNet 2's: NumPy's behaviour, float32 by default, recorded.

    It is made by `np.array` and its kin.

    >>> from mxgrad import np
    >>> x = np.array([[1, 2], [3, 4]])
    >>> x[0] * 2.5
    array([2.5, 5. ])
    >>> x > 2
    array([[False, False],
           [ True,  True]])
    """

    __slots__ = ()
    __module__ = "mxgrad.np"
    _rank = 1
    _attach_detaches = False

    @property
    def dtype(self) -> numpy.dtype:
        """The NumPy dtype of the elements."""
        return self._raw.dtype  # type: ignore[no-any-return]

    @property
    def T(self) -> Any:
        """The array with its axes reversed."""
        return F.transpose(self)

    @property
    def mT(self) -> Any:
        """The array with its last two axes exchanged."""
        if self.ndim < 2:
            raise InvalidValueError(f"mT needs an array of at least two axes, this has shape {self.shape}")
        return F.swapaxes(self, axis1=-1, axis2=-2)

    @property
    def handle(self) -> int:
        """An identity; MXNet's scripts test it for None."""
        return id(self)

    # -- printing ----------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        """As NumPy's, but the default dtype and bool go without saying, and every other dtype is shown."""
        host = self.asnumpy()
        if host.size or host.shape == (0,):
            text = "array(" + numpy.array2string(host, separator=", ", prefix="array(", suffix=",")
        else:
            text = f"array([], shape={host.shape}"
        if host.dtype != default_float() and host.dtype.kind != "b":
            shown = f"dtype={host.dtype.name}"
            # NumPy starts a new line for a dtype that it names itself.
            width = len(text) - text.rfind("\n") - 1 + len(shown) + 3
            over = host.dtype not in (_FLOAT64, _INT64) and width > numpy.get_printoptions()["linewidth"]
            text += (",\n      " if over else ", ") + shown
        if self._ctx.device_type != "cpu":
            text += f", device={self._ctx}"
        return text + ")"

    def __str__(self) -> str:
        return str(self.asnumpy())

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if self.ndim:
            raise InvalidTypeError(
                f"Cannot format mxgrad.np.ndarray with format_spec {spec!r}: it has shape {self.shape}"
            )
        return format(self.item(), spec)

    # -- shape and copies --------------------------------------------------------------------------------

    def reshape(self, *shape: Any, order: str = "C", newshape: Any = None) -> Any:
        """A copy under another shape, given as one tuple or as numbers; one length may be -1."""
        return reshaped(self, _shape_given("reshape", shape, newshape), order)

    def reshape_view(self, *shape: Any, newshape: Any = None) -> Any:
        """The same memory under another shape."""
        return invoke(
            OPS["reshape"], (self,), {"shape": _shape_given("reshape_view", shape, newshape)}, share=True
        )

    def ravel(self, order: str = "C") -> Any:
        """A copy with one axis."""
        return reshaped(self, (-1,), order)

    flatten = ravel

    def transpose(self, *axes: Any) -> Any:
        """Axes in the order given, as one tuple or as numbers; reversed without any."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], Integral) else axes or None
        return F.transpose(self, axes=None if given is None else tuple(given))

    def copy(self, order: str = "C") -> Any:
        """The same values in new memory; recorded."""
        return F.copy(self)

    def broadcast_like(self, other: Any) -> Any:
        """The array repeated to the shape of `other`."""
        return F.broadcast_to(self, shape=other.shape)

    @property
    def real(self) -> Any:
        """The array itself: no array is complex."""
        return self

    @property
    def imag(self) -> Any:
        """Zeros."""
        return F.zeros_like(self)

    @property
    def flat(self) -> Any:
        """The elements as an array of one axis that shares the memory: ``x.flat[3] = 0``, ``x.flat = y``."""
        return self.reshape_view(-1)

    @flat.setter
    def flat(self, value: Any) -> None:
        self.flat[...] = value

    def fill(self, value: Any) -> None:
        """Write one number everywhere, in place."""
        if getattr(value, "size", 1) != 1:
            raise InvalidValueError(f"fill: takes one number, got shape {value.shape}")
        self[...] = value

    def tobytes(self, order: str = "C") -> bytes:
        """The elements' bytes, in C order or in Fortran order ('F')."""
        return self.asnumpy().tobytes("F" if order == "F" else "C")

    def as_np_ndarray(self) -> Any:
        return self

    def as_nd_ndarray(self) -> Any:
        """The same memory and graph as an `mx.nd.NDArray`."""
        from ..nd.array import NDArray

        return wrap(NDArray, self._data, self._ctx, self._entry, self._cell)

    # -- meeting others ----------------------------------------------------------------------------------

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        """The module of the array API."""
        import mxgrad.np

        return mxgrad.np

    # -- Python's operators that only this frontend has --------------------------------------------------

    def __pos__(self) -> Any:
        return F.positive(self)

    def __invert__(self) -> Any:
        return F.invert(self)

    def __divmod__(self, other: Any) -> Any:
        return F.floor_divide(self, other), F.remainder(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return F.floor_divide(other, self), F.remainder(other, self)

    def __round__(self, digits: int | None = None) -> Any:
        return F.around(self, decimals=digits or 0)

    def __floor__(self) -> Any:
        return F.floor(self)

    def __ceil__(self) -> Any:
        return F.ceil(self)

    def __trunc__(self) -> Any:
        return F.trunc(self)

    def __contains__(self, value: Any) -> bool:
        return bool(F.any(self == value))

    def __matmul__(self, other: Any) -> Any:
        return F.matmul(self, factor(other, self))

    def __rmatmul__(self, other: Any) -> Any:
        return F.matmul(factor(other, self), self)

    # -- what differs below ------------------------------------------------------------------------------

    @classmethod
    def _convert(cls, op: Op, values: tuple[Any, ...]) -> tuple[Any, ...]:
        like = next(v for v in values if isinstance(v, Array))
        values = tuple(operand(v, like._ctx, op.name) if v is not None else v for v in values)
        arrays: list[Any] = [v for v in values if isinstance(v, Array)]
        numbers = [v for v in values if not isinstance(v, Array) and v is not None]
        dtype = promoted(op, [a._raw.dtype for a in arrays], numbers)
        return tuple(F.cast(v, dtype=dtype) if _differs(v, dtype) else v for v in values)

    @classmethod
    def _settle(cls, op: Op, result: Any, dtype: Any) -> Any:
        # What comes of bools is counted in NumPy's integers.
        return result if dtype.kind == "b" else F.cast(result, dtype=dtype)

    def _receive(self, result: Any) -> None:
        if not numpy.can_cast(result._raw.dtype, self._raw.dtype, "same_kind"):
            raise InvalidTypeError(
                f"the result is {result._raw.dtype.name} and does not fit in place into "
                f"{self._raw.dtype.name}; cast it with .astype('{self._raw.dtype.name}')"
            )
        self._assign(result)

    def _key(self, key: Any) -> tuple[Any, list[Any]]:
        parts = key if type(key) is tuple else (key,)
        out: list[Any] = []
        indices: list[Any] = []
        used, ellipsis = 0, False
        for p in parts:
            if p is None or p is True or p is False:
                out.append(p)
            elif p is Ellipsis:
                if ellipsis:
                    raise OutOfRangeError("an index has one ellipsis ('...') at most")
                ellipsis = True
                out.append(p)
            elif isinstance(p, slice):
                used += 1
                out.append(slice(_position(p.start), _position(p.stop), _position(p.step)))
            elif isinstance(p, (int, numpy.integer)):
                used += 1
                out.append(int(p))
            else:
                p = self._index_array(p)
                used += p.ndim if p._raw.dtype.kind == "b" else 1
                out.append(Slot(len(indices)))
                indices.append(p)
        if used > self.ndim:
            raise OutOfRangeError(f"too many indices ({used}) for array with {self.ndim} dimensions")
        if not indices and not ellipsis:
            # So that a full set of numbers gives a view without axes, not a copied element.
            out.append(Ellipsis)
        return tuple(out), indices

    def _index_array(self, index: Any) -> Any:
        """An index as an array of ints or bools on this array's device; floats, which np makes by default,
        are places too.
        """
        if isinstance(index, BaseArray):
            if index._ctx.backend is not self._ctx.backend:
                index = index.as_in_context(self._ctx)
            if index._raw.dtype.kind == "f":
                check_indices(index._data)
                raw = index._ctx.backend.forward["cast"](index._data, dtype=_INT64)
                return wrap(ndarray, raw, self._ctx)
            return index
        if isinstance(index, (float, str, bytes, dict)):
            raise KeyTypeError(f"ndarray does not support slicing with key {index!r} of type {type(index)}")
        try:
            host = host_array(index)
        except InvalidTypeError as error:
            raise KeyTypeError(
                f"ndarray does not support slicing with key {describe(index)}: {error}"
            ) from None
        if isinstance(index, (list, tuple)) and (not host.size or isinstance(index[0], BaseArray)):
            host = host.astype(_INT64)
        if host.dtype.kind not in "iub":
            raise KeyTypeError(f"an index is made of integers or bools, not of {host.dtype.name}")
        return wrap(ndarray, self._ctx.backend.from_host(host), self._ctx)


class KeyTypeError(OutOfRangeError, InvalidValueError):
    """An index of a type that is none: MXNet says ValueError, NumPy IndexError."""


def _differs(value: Any, dtype: numpy.dtype) -> bool:
    return isinstance(value, Array) and value._raw.dtype != dtype


def _position(s: Any) -> int | None:
    return s if s is None else s.__index__() if hasattr(s, "__index__") else int(s)


def _shape_given(method: str, shape: tuple[Any, ...], newshape: Any) -> Any:
    if shape and newshape is not None or not shape and newshape is None:
        raise InvalidTypeError(f"{method}: give one shape")
    if newshape is not None:
        return newshape
    return shape[0] if len(shape) == 1 and not isinstance(shape[0], Integral) else shape


def reshaped(a: Any, shape: Any, order: str) -> Any:
    """`a` under another shape, its elements read and written in C or Fortran order."""
    try:
        shape = (int(shape),) if isinstance(shape, (int, numpy.integer)) else tuple(int(n) for n in shape)
    except (TypeError, ValueError, OverflowError):
        raise InvalidTypeError(f"reshape: a shape is a tuple of integers, got {shape!r}") from None
    if order == "F":
        return F.transpose(F.reshape(F.transpose(a), shape=shape[::-1]))
    if order != "C":
        raise InvalidValueError(f"order is 'C' or 'F', not {order!r}")
    return F.reshape(a, shape=shape)


def host_array(value: Any) -> numpy.ndarray:
    """A (nested) sequence as a NumPy array, arrays of ours within it included; InvalidTypeError where
    there is none.
    """
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], BaseArray):
        value = [v.asnumpy() if isinstance(v, BaseArray) else v for v in value]
    try:
        host = numpy.asarray(value)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(str(error)) from None
    if host.dtype.kind == "O" and isinstance(value, (list, tuple)):
        host = numpy.asarray([host_array(v) for v in value])
    return host


def operand(value: Any, ctx: Context, what: str) -> Any:
    """An operand on `ctx`: an array, or a Python number; InvalidTypeError for anything else."""
    if isinstance(value, (Array, *_numbers)):
        return value
    if isinstance(value, numpy.generic):
        if value.dtype.kind in "iubf":
            return value.item()
    elif isinstance(value, numpy.ndarray):
        as_dtype(value.dtype)
        return wrap(ndarray, ctx.backend.from_host(value), ctx)
    raise InvalidTypeError(
        f"{what}: type {type(value)} not supported, operands are arrays and numbers, got {describe(value)}"
        + ("; wrap it with np.array(…)" if isinstance(value, (list, tuple)) else "")
    )


def factor(value: Any, like: Any) -> Any:
    """An operand that must be an array."""
    value = operand(value, like._ctx, "matmul")
    if not isinstance(value, Array):
        raise NotAnArrayError(f"matmul takes arrays, got {describe(value)}; multiply by a number with *")
    return value


def promoted(op: Op, dtypes: list[numpy.dtype], numbers: list[Any] | tuple[()] = ()) -> numpy.dtype:
    """The dtype in which `op` computes on arrays of `dtypes` and on Python numbers.

    The widest float wins, whatever the integers; integers and bools promote as NumPy's.  Functions that leave
    the integers compute in `default_float`.  Beside integers a Python float means float64, beside bools a
    number means int64.
    """
    floats = [d for d in dtypes if d.kind == "f"]
    if floats:
        return max(floats, key=lambda d: d.itemsize)
    if op.result == "float":
        return default_float()
    dtype = numpy.result_type(*dtypes)
    if numbers:
        if any(isinstance(n, float) for n in numbers):
            return _FLOAT64
        if dtype.kind == "b" and not (op.name in _BITS and all(isinstance(n, bool) for n in numbers)):
            return _INT64
    return dtype


def _comparison(name: str) -> Callable[[Any, Any], Any]:
    f = getattr(F, name)

    def compare(self: Any, other: Any) -> Any:
        kind = other.__class__
        if kind is not ndarray and kind is not float and kind is not int:
            other = operand(other, self._ctx, name)
        return f(self, other)

    return compare


for _symbol, _op in (
    ("eq", "equal"),
    ("ne", "not_equal"),
    ("gt", "greater"),
    ("ge", "greater_equal"),
    ("lt", "less"),
    ("le", "less_equal"),
):
    setattr(ndarray, f"__{_symbol}__", _comparison(_op))
for _symbol, _op in (
    ("floordiv", "floor_divide"),
    ("and", "bitwise_and"),
    ("or", "bitwise_or"),
    ("xor", "bitwise_xor"),
    ("lshift", "left_shift"),
    ("rshift", "right_shift"),
):
    setattr(ndarray, f"__{_symbol}__", getattr(F, _op))
    setattr(ndarray, f"__r{_symbol}__", reflected(getattr(F, _op)))
    setattr(ndarray, f"__i{_symbol}__", inplace(_op))
ndarray.__imatmul__ = inplace("matmul")  # type: ignore[attr-defined]
