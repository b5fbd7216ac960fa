"""The array of the nd frontend."""
from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy

from ..array import Array, wrap
from ..base import InvalidTypeError, InvalidValueError, OutOfRangeError, as_indices, check_indices
from ..invoke import F, describe, invoke
from ..ndarray import BaseArray
from ..ops.index import Slot
from ..registry import OPS, Op


class _Single(numpy.ndarray[Any, Any]):
    """A host array of one element, in the place of a number as NumPy before 2.4 took it: MXNet's full
    reductions have shape (1,), and its scripts print ``loss.mean().asnumpy()`` with '%f'.
    """

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        host = numpy.asarray(array)
        return host.view(_Single) if host.size == 1 and host.ndim else host[()]

    def __repr__(self) -> str:
        return repr(numpy.asarray(self))

    def __reduce__(self) -> Any:
        return numpy.asarray(self).__reduce__()


class NDArray(BaseArray):
    """An n-dimensional array as MXNet 1.9's.

    >>> from mxgrad import nd
    >>> nd.array([[1, 2], [3, 4]])
    <BLANKLINE>
    [[1. 2.]
     [3. 4.]]
    <NDArray 2x2 @cpu(0)>
    """

    __slots__ = ()

    @property
    def dtype(self) -> type:
        """The NumPy scalar class of the elements."""
        return self._raw.dtype.type        # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"\n{self.asnumpy()!s}\n<NDArray {'x'.join(map(str, self.shape))} @{self._ctx}>"

    def asnumpy(self) -> numpy.ndarray:
        """A NumPy copy: same shape and dtype.  Waits for the device; cuts the graph.

        If it has one element, ``float(copy)``, ``int(copy)`` and ``'%f' % copy`` give that element.
        """
        host = super().asnumpy()
        return host.view(_Single) if host.size == 1 and host.ndim else host

    @property
    def T(self) -> Any:
        """The array with its axes reversed."""
        return F.transpose(self)

    @property
    def handle(self) -> int:
        """An identity; MXNet's scripts test it for None."""
        return id(self)

    def __format__(self, spec: str) -> str:
        if spec:
            raise InvalidTypeError("unsupported format string passed to NDArray.__format__")
        return str(self)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """A view under another shape, sharing memory; MXNet's codes 0, -1, -2, -3, -4 as in `nd.reshape`."""
        from .habits import reshape_codes

        reverse = kwargs.pop("reverse", False)
        target: Any = kwargs.pop("shape", None) if not shape else shape
        if kwargs:
            raise InvalidTypeError(f"reshape() got an unexpected keyword argument {next(iter(kwargs))!r}")
        if target is None:
            raise InvalidTypeError("reshape: give a shape")
        if isinstance(target, Integral):
            target = (target,)
        elif len(target) == 1 and not isinstance(target[0], Integral):
            target = target[0]
        try:
            target = tuple(int(n) for n in target)
        except (TypeError, ValueError, OverflowError):
            raise InvalidTypeError(f"reshape: a shape is a tuple of integers, got {target!r}") from None
        new = reshape_codes(self.shape, target, reverse)
        return invoke(OPS["reshape"], (self,), {"shape": new}, share=True)

    def as_np_ndarray(self) -> Any:
        """The same memory and graph as an `mx.np.ndarray`."""
        from ..np import ndarray

        return wrap(ndarray, self._data, self._ctx, self._entry, self._cell)

    def as_nd_ndarray(self) -> Any:
        return self

    # -- what differs below ----------------------------------------------------------------------------------

    @classmethod
    def _convert(cls, op: Op, values: tuple[Any, ...]) -> tuple[Any, ...]:
        arrays = [v for v in values if isinstance(v, Array)]
        dtype = arrays[0]._raw.dtype
        for v in arrays[1:]:
            if v._raw.dtype != dtype:
                raise InvalidTypeError(
                    f"{op.name}: operands have dtypes {', '.join(a._raw.dtype.name for a in arrays)}; nd "
                    "arrays do not "
                    f"mix dtypes, cast with .astype('{dtype.name}')"
                )
        # As in MXNet, elementwise functions and means of integers are integers, and no others are there.
        if op.result == "float" and not op.broadcasts and op.name != "mean":
            needs_floats(dtype, f"{op.name}: ")
        return tuple(v if isinstance(v, Array) else _number(op, v, dtype) for v in values)

    @classmethod
    def _settle(cls, op: Op, result: Any, dtype: Any) -> Any:
        if dtype.kind == "b" and result._raw.dtype.kind in "iu":
            return result
        return F.cast(result, dtype=dtype)

    def _key(self, key: Any) -> tuple[Any, list[Any]]:
        if key.__class__ is int:
            shape = self._raw.shape
            if shape and -shape[0] <= key < shape[0]:
                key %= shape[0]
                return ((key, Ellipsis) if len(shape) > 1 else (slice(key, key + 1),)), _NO_ARRAYS
        parts = key if type(key) is tuple else (key,)
        indices: list[Any] = []
        out: list[Any] = []
        used = sum(1 for p in parts if p is not None and p is not Ellipsis)
        if used > self.ndim:
            raise OutOfRangeError(f"too many indices: {used} for an array with {self.ndim} axes")
        axis = 0
        last_int: tuple[int, int] | None = None
        for p in parts:
            if p is Ellipsis:
                axis = self.ndim - sum(1 for q in parts[len(out) + 1:] if q is not None)
                out.append(p)
                continue
            if p is None:
                out.append(p)
                continue
            if isinstance(p, (bool, numpy.bool_)):
                p = int(p)
            if isinstance(p, (int, numpy.integer)):
                p = int(p)
                n = self.shape[axis]
                if not -n <= p < n:
                    raise OutOfRangeError(f"index {p} is out of bounds for axis {axis} with size {n}")
                last_int = len(out), p % n
                out.append(p % n)
            elif isinstance(p, slice):
                out.append(slice(*(None if s is None else _position(s) for s in (p.start, p.stop, p.step))))
            elif isinstance(p, (BaseArray, list, tuple, numpy.ndarray, range)):
                out.append(Slot(len(indices)))
                indices.append(_index_array(self, p))
            else:
                raise InvalidValueError(f"NDArray does not support slicing with key {p} of type {type(p)}.")
            axis += 1
        if indices:
            return tuple(out), indices
        if last_int is not None and used == self.ndim and all(
            isinstance(p, int) or p is Ellipsis for p in out
        ):
            # Every axis has its index: the result is one element of shape (1,), and a view.
            where, i = last_int
            out[where] = slice(i, i + 1)
        elif Ellipsis not in out:
            out.append(Ellipsis)
        return tuple(out), indices


_NO_ARRAYS: list[Any] = []


def needs_floats(dtype: numpy.dtype, who: str = "") -> None:
    """InvalidTypeError for a dtype in which fractions would be lost without a word."""
    if dtype.kind != "f":
        raise InvalidTypeError(f"{who}needs a floating point dtype, got {dtype.name}")


def _position(s: Any) -> int:
    if isinstance(s, BaseArray):
        return int(s.asscalar() if isinstance(s, NDArray) else s.item())
    return int(s)


def _index_array(like: NDArray, index: Any) -> Any:
    """An index as an int64 array beside `like`; nd has no masks, 1 and 0 are places."""
    if isinstance(index, BaseArray):
        if index._raw.dtype.kind == "i":
            return index
        check_indices(index._data)
        return wrap(
            NDArray, index._ctx.backend.forward["cast"](index._data, dtype=numpy.dtype("int64")), index._ctx
        )
    host = numpy.asarray(index)
    if host.dtype.kind not in "iubf":
        raise InvalidValueError(f"NDArray does not support slicing with key {index} of type {type(index)}.")
    return wrap(NDArray, like._ctx.backend.from_host(as_indices(host)), like._ctx)


def _number(op: Op, v: Any, dtype: Any) -> Any:
    """A number as the array's dtype takes it; anything else is refused."""
    if v is None and op.optional:
        return v
    if isinstance(v, numpy.generic):
        v = v.item()
    if isinstance(v, (bool, int, float)):
        if dtype.kind in "iu" and isinstance(v, float):
            return int(v)
        return v
    raise OperandError(f"type {type(v)} not supported: {op.name} takes arrays and numbers, got {describe(v)}")


class OperandError(InvalidTypeError):
    """An operand that is neither an array nor a number."""


def _comparison(name: str) -> Any:
    f = getattr(F, name)

    def compare(self: Any, other: Any) -> Any:
        if not isinstance(other, Array):
            other = _number(OPS[name], other, self._raw.dtype)
        elif other._raw.dtype != self._raw.dtype:
            NDArray._convert(OPS[name], (self, other))
        out = f(self, other)
        return out if type(out) is not NDArray else F.cast(out, dtype=self._raw.dtype)
    return compare


for _symbol, _op in (
    ("eq", "equal"),
    ("ne", "not_equal"),
    ("gt", "greater"),
    ("ge", "greater_equal"),
    ("lt", "less"),
    ("le", "less_equal"),
):
    setattr(NDArray, f"__{_symbol}__", _comparison(_op))
