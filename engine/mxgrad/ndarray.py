"""What the arrays of both frontends share: attributes, operators, indexing, the autograd methods (level 7).
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from html import escape
from importlib import import_module
from itertools import zip_longest
from typing import Any

import numpy

from .array import Array, wrap
from .base import (
    AutogradError, InplaceError, InvalidTypeError, InvalidValueError, OutOfRangeError, ProgramError,
    as_dtype, completed,
)
from .context import Context, as_context
from .kernels import deferred
from .invoke import F, describe, invoke, shared_cell
from .ops.index import Slot
from .registry import OPS
from .tape import OP, Leaf, leaf, record, site, state

IN_GRAPH = (
    "Assigning to NDArrays that are already in a computational graph will cause undefined behavior when "
    "evaluating "
    "gradients. Please call backward first to clear the graph or do this out side of a record section. Also "
    "note that "
    "you cannot use inplace operations like +=, *=, relu(x, out=x), y[idx]=x, etc inside a record section."
)

_ONE = (1,)

GRAD_REQS = ("write", "add", "null")


@cache
def _engine() -> Any:
    return import_module(".autograd", __package__)


class GradReqError(InvalidValueError, KeyError):
    """A grad_req that is none of 'write', 'add', 'null'."""

    __str__ = Exception.__str__


def check_grad_req(grad_req: Any) -> str:
    if grad_req not in GRAD_REQS:
        raise GradReqError(f"grad_req must be 'write', 'add' or 'null', got {grad_req!r}")
    return str(grad_req)


class BaseArray(Array):
    """An n-dimensional array that remembers how it was computed while recording."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__
    _rank = 0

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # an array without data would be no array; `wrap` makes them
        raise InvalidTypeError(
            f"{cls.__name__}(…) makes no array: functions such as array, zeros and empty of mxgrad.nd and "
            "mxgrad.np do"
        )

    # -- asking ----------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        shape: tuple[int, ...] = self._raw.shape
        return shape

    @property
    def ndim(self) -> int:
        return len(self._raw.shape)

    @property
    def size(self) -> int:
        return int(self._raw.size)

    @property
    def itemsize(self) -> int:
        return int(self._raw.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def context(self) -> Context:
        """The device the array lives on."""
        ctx: Context = self._ctx
        return ctx

    ctx = device = context

    @property
    def stype(self) -> str:
        """Storage type; always 'default' (dense)."""
        return "default"

    @property
    def writable(self) -> bool:
        """Whether the memory may be written."""
        return bool(getattr(self._data.flags, "writeable", True))

    def tostype(self, stype: str) -> Any:
        """A copy with that storage type, of which 'default' (dense) is the only one there is."""
        if stype != "default":
            raise InvalidValueError(
                f"tostype: arrays are dense, of storage type 'default'; {stype!r} is not supported")
        return F.copy(self)

    def __len__(self) -> int:
        if not self._raw.shape:
            raise InvalidTypeError("len() of unsized object: the array has no axes")
        return int(self._raw.shape[0])

    def __iter__(self) -> Iterator[Any]:
        # an array without axes is refused at once: that is how numpy.iterable asks
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), self.asnumpy(), self._ctx)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return wrap(type(self), self._data.copy(), self._ctx)

    # -- to the host -----------------------------------------------------------------------------------------

    def asnumpy(self) -> numpy.ndarray:
        """A NumPy copy: same shape and dtype.  Waits for the device; cuts the graph."""
        return self._ctx.backend.to_host(self._data)        # type: ignore[no-any-return]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        """A NumPy copy, in `dtype` if given.  Shared memory is what ``numpy.from_dlpack(x)`` gives."""
        if copy is False:
            raise InvalidValueError(
                "an array becomes NumPy's by a copy, copy=False is not possible; numpy.from_dlpack(x) shares "
                "its memory"
            )
        host = self.asnumpy()
        return host if dtype is None else host.astype(dtype, copy=False)

    def __buffer__(self, flags: int) -> memoryview:
        """The memory of a host copy, in C's order: ``memoryview(x)``, ``hashlib.sha256(x)``.

        Before Python 3.12 (PEP 688) this takes an extension, which is built with the compiled kernels.
        """
        return memoryview(numpy.asarray(self.asnumpy(), order="C"))     # type: ignore[arg-type]

    def __bytes__(self) -> bytes:
        # without it, bytes(x) of one integer would be that many zeros
        return self.asnumpy().tobytes()

    def item(self, *where: int) -> Any:
        """The only element, or the one at a flat index or a full one, as a Python number."""
        try:
            return self.asnumpy().item(*where)
        except ValueError:
            raise InvalidValueError(
                f"can only convert an array of size 1 to a Python scalar, this has shape {self.shape}"
            ) from None
        except IndexError as error:
            raise OutOfRangeError(str(error)) from None

    def asscalar(self) -> Any:
        """The only element, as a NumPy scalar."""
        raw = self._raw
        if raw.__class__ is numpy.ndarray and raw.shape == _ONE:
            return raw[0]
        raw = self._data
        if raw.size != 1:
            raise InvalidValueError("The current array is not a scalar")
        return (raw if raw.__class__ is numpy.ndarray else self.asnumpy()).reshape(-1)[0]

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self.asnumpy().tolist()

    def __float__(self) -> float:
        return float(self._one("float"))

    def __int__(self) -> int:
        return int(self._one("int"))

    def __complex__(self) -> complex:
        return complex(self._one("complex"))

    def __index__(self) -> int:
        if self._raw.dtype.kind not in "iub" or self.size != 1:
            raise InvalidTypeError(
                f"only an integer array of one element is an index, not {describe(self._data)}"
            )
        return int(self._one("an index"))

    def _one(self, what: str) -> Any:
        if self.size != 1:
            raise InvalidTypeError(
                f"only an array of one element can become {what}, this has shape {self.shape}"
            )
        return self.asnumpy().reshape(-1)[0]

    def __bool__(self) -> bool:
        n = self.size
        if n > 1:
            raise InvalidValueError(
                f"The truth value of an {type(self).__name__} with multiple elements is ambiguous.")
        return bool(self.asnumpy().reshape(-1)[0]) if n else False

    def wait_to_read(self) -> None:
        """Wait until the value is there."""
        _ = self._data      # which computes it, if it was put off
        self._ctx.backend.synchronize()

    # -- meeting NumPy and others ----------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .np.protocol import call_ufunc

        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from .np.protocol import call_function

        return call_function(function, types, args, kwargs)

    def __dlpack__(self, **kwargs: Any) -> Any:
        """The array's memory as a DLPack capsule; keywords as the protocol has them."""
        self.wait_to_read()
        deferred.share(self._data)
        return self._data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        """(device type, device number) as DLPack counts them."""
        return self._data.__dlpack_device__()       # type: ignore[no-any-return]

    def to_dlpack_for_read(self) -> Any:
        """A DLPack capsule of the memory, for one reader."""
        return self.__dlpack__()

    def to_dlpack_for_write(self) -> Any:
        """A DLPack capsule of the memory, for one reader that may write; the tape does not see its writes."""
        return self.__dlpack__()

    def _repr_html_(self) -> str:
        """What Jupyter shows: the values as they are printed, shape, dtype and context."""
        values = escape(str(self.asnumpy()))
        about = f"{type(self).__name__} {self.shape} {self._raw.dtype.name} @{self._ctx}"
        return f"<div><pre>{values}</pre><code>{escape(about)}</code></div>"

    # -- copies and places -----------------------------------------------------------------------------------

    def astype(self, dtype: Any, copy: bool = True, **ignored: Any) -> Any:
        """A copy with another dtype; with ``copy=False`` the array itself where nothing changes."""
        dtype = as_dtype(dtype)
        if not copy and dtype == self._raw.dtype:
            return self
        return F.cast(self, dtype=dtype)

    def copy(self) -> Any:
        """The same values in new memory; recorded."""
        return F.copy(self)

    def as_in_context(self, context: Any) -> Any:
        """The array on `context`: itself where it is there already, else a recorded copy."""
        context = as_context(context)
        return self if context is self._ctx else to_context(self, context)

    as_in_ctx = to_device = as_in_context

    def copyto(self, other: Any) -> Any:
        """Copy into an array (returned), or to a context (a new array)."""
        if isinstance(other, Context):
            return to_context(self, other)
        if not isinstance(other, BaseArray):
            raise InvalidTypeError(f"copyto does not support type {type(other)}")
        if other is self:
            raise InvalidValueError("copyto: source and target are the same array")
        other._assign(self)
        return other

    # -- autograd --------------------------------------------------------------------------------------------

    @property
    def grad(self) -> Any:
        """The gradient buffer of `attach_grad`, or None."""
        entry = self._entry
        return entry[1] if type(entry) is Leaf else None

    @property
    def _fresh_grad(self) -> int:
        """1 after a backward has written the gradient, until it is set to 0; trainers look at it."""
        entry = self._entry
        return entry[4] if type(entry) is Leaf else 0

    @_fresh_grad.setter
    def _fresh_grad(self, fresh: int) -> None:
        if type(self._entry) is Leaf:
            self._entry[4] = int(fresh)

    def attach_grad(
        self, grad_req: str = "write", stype: str | None = None, detach: bool | None = None
    ) -> None:
        """Mark the array as a variable: backward writes ('write') or adds ('add') its gradient to `.grad`, or
        ('null') leaves it alone.

        For an intermediate result `detach` decides whether it leaves its graph; the default is the
        frontend's: nd detaches as MXNet 1.9 does, np keeps the graph as MXNet 2 does.  `stype` is accepted
        and ignored with a warning when it names a sparse storage: gradients are dense.

        >>> from mxgrad import nd, autograd
        >>> x = nd.array([1., 2.])
        >>> x.attach_grad()
        >>> with autograd.record():
        ...     y = x * x
        >>> y.backward()
        >>> x.grad.asnumpy().tolist()
        [2.0, 4.0]
        """
        check_grad_req(grad_req)
        if stype not in (None, "default"):
            import warnings

            warnings.warn(
                f"attach_grad(stype={stype!r}): gradients are dense here, the storage type is ignored",
                stacklevel=2,
            )
        grad = wrap(type(self), self._ctx.backend.forward["zeros_like"](self._data), self._ctx)
        self._mark(grad, grad_req, self._attach_detaches if detach is None else detach)

    _attach_detaches = True

    def _mark(self, grad: Any, grad_req: str, detach: bool = True) -> None:
        entry = self._entry
        while type(entry) is Leaf:
            entry = entry[3]
        if self._version is None:       # what threads share is a marked array: make its cell before they look
            self._cell = [0, None]
        self._entry = leaf(grad, grad_req, None if detach else entry)

    def drop_grad(self) -> None:
        """Undo `attach_grad`: forget the buffer; the place in a graph, if any, stays."""
        entry = self._entry
        while type(entry) is Leaf:
            entry = entry[3]
        self._entry = entry

    def zero_grad(self) -> None:
        """Set the gradient buffer to zero."""
        if self.grad is None:
            raise AutogradError("zero_grad: the array has no gradient buffer; call attach_grad() first")
        self.grad[...] = 0

    def detach(self) -> Any:
        """The same memory outside the graph."""
        out = wrap(type(self), self._data, self._ctx)
        out._cell = shared_cell(self, out)
        return out

    def backward(self, out_grad: Any = None, retain_graph: bool = False, train_mode: bool = True) -> None:
        """Run the reverse pass from this array; `out_grad` is its head gradient, ones if not given.

        Gradients are written to `.grad` of the marked arrays it depends on.  Raises AutogradError if it does
        not depend on any, or if its graph was freed by an earlier backward without ``retain_graph=True``.
        """
        _engine().backward([self], [out_grad], retain_graph, train_mode)

    # -- indexing --------------------------------------------------------------------------------------------

    def _key(self, key: Any) -> tuple[Any, list[Any]]:
        """The key as a tuple with slots, and the index arrays that go into the slots."""
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        key, indices = self._key(key)
        return invoke(OPS["getitem"], (self, *indices), {"key": key}, share=True)

    def __setitem__(self, key: Any, value: Any) -> None:
        key, indices = self._key(key)
        self._write(value, key, indices)

    def slice_assign(self, rhs: Any, begin: Any, end: Any, step: Any) -> Any:
        """``self[begin[0]:end[0]:step[0], ...] = rhs``, in place; the array itself."""
        self[tuple(slice(*ends) for ends in zip_longest(begin, end, step or ()))] = rhs
        return self

    def slice_assign_scalar(self, value: float, begin: Any, end: Any, step: Any) -> Any:
        """`slice_assign` of a number."""
        return self.slice_assign(float(value), begin, end, step)

    def _write(self, value: Any, key: Any, indices: list[Any]) -> None:
        """``self[key] = value`` in place: refused before anything changes where the tape forbids it."""
        if state.program is not None:
            raise ProgramError("a program cannot write in place; compute a new array, or write outside it")
        recording = state.recording
        entry = self._entry
        if recording and entry is not None and not self._is_built_by_writes():
            raise InplaceError(IN_GRAPH)
        taped = recording and (entry is not None or isinstance(value, BaseArray) and value._entry is not None)
        if taped and any(r() is not None and r() is not self for r in self._cell[2:]):
            raise InplaceError(
                "a recorded value cannot be written through a view, or under one: the other arrays that "
                "share this "
                "memory would not know. Write by index into the whole array (z[i] = …), or into a copy."
            )
        backend = self._ctx.backend
        if isinstance(value, BaseArray):
            if value._ctx.backend is not backend:
                value = value.as_in_context(self._ctx)
            if value._raw.dtype != self._raw.dtype:
                value = F.cast(value, dtype=self._raw.dtype)
            raw = value._data
        else:
            raw = self._operand(value)
        raws = [i._data for i in indices]
        deferred.flush(self._data)
        try:
            if backend.guard is None:
                _put(self._data, key, raws, raw)
            else:
                with backend.guard:
                    _put(self._data, key, raws, raw)
        except Exception as error:
            raise completed(
                error, f"assigning {describe(raw)} to {describe(self._data)}: {error}") from None
        self._touch()
        if taped:
            values = (self, value, *indices)
            params = {"key": key}
            parent = value._entry if isinstance(value, BaseArray) else None
            self._entry = record(
                OPS["assign"], params, self._ctx, (entry, parent) + (None,) * len(indices),
                [v._data if isinstance(v, BaseArray) else v for v in values],
                [v if isinstance(v, BaseArray) else None for v in values], self._data, (self,),
            )

    def _is_built_by_writes(self) -> bool:
        entry = self._entry
        return type(entry) is list and entry[OP].name == "assign"

    def _touch(self, where: Any = None) -> None:
        """Note a write, `where` being its site if known: the version moves, and an intermediate result
        written outside recording leaves its graph.
        """
        cell = self._cell
        cell[0] += 1
        cell[1] = site(2) if where is None else where
        entry = self._entry
        if entry is not None and not state.recording:
            if type(entry) is not Leaf:
                self._entry = None
            elif entry[3] is not None:
                self._entry = leaf(entry[1], entry[2])

    def _operand(self, value: Any) -> Any:
        """A host value as something the array's memory can be assigned from: a Python number or a raw array.
        """
        if isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, numpy.generic):
            return value.item()
        try:
            if value is None or isinstance(value, (str, bytes)):        # NumPy makes nan and numbers of them
                raise TypeError("it is neither an array nor a number")
            host = numpy.asarray(value, dtype=self._raw.dtype)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"cannot assign {describe(value)} to {describe(self._data)}: {error}"
            ) from None
        return self._ctx.backend.from_host(host)

    def _assign(self, value: Any) -> None:
        """Take over `value` whole (out=, copyto): same shape, any dtype, recorded where the value is."""
        if value._raw.shape != self._raw.shape:
            raise InvalidValueError(f"out has shape {self.shape}, the result has shape {value.shape}")
        self._write(value, (slice(None),) * self.ndim if self.ndim else (Ellipsis,), [])

    def _receive(self, result: Any) -> None:
        """Take over what an op computed for this array (in-place operators, out=)."""
        self._assign(result)


def _put(data: Any, key: Any, indices: list[Any], value: Any) -> None:
    if indices:
        key = tuple(indices[k.i] if isinstance(k, Slot) else k for k in key)
    data[key] = value


def to_context(a: Any, context: Context) -> Any:
    """A copy on another context; its gradient goes back to where `a` lives."""
    source, target = a._ctx, context
    raw = target.backend.from_host(source.backend.to_host(a._data))
    out = wrap(type(a), raw, target)
    if a._entry is not None and state.recording:
        out._entry = record(
            OPS["transfer"],
            {"source": source, "target": target},
            source,
            (a._entry,),
            [a._data],
            [a],
            a._data,
            (out,),
        )
    return out


F.transfer = lambda x, source, target: to_context(x, target)


def _unpickle(cls: Any, host: numpy.ndarray, ctx: Context) -> Any:
    return wrap(cls, ctx.backend.from_host(host), ctx)


def reflected(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return f(other, self)
    return method


def inplace(name: str) -> Callable[[Any, Any], Any]:
    f = getattr(F, name)

    def method(self: Any, other: Any) -> Any:
        if state.recording and self._entry is not None:
            raise InplaceError(IN_GRAPH)
        self._receive(f(self, other))
        return self
    return method


for _symbol, _op in (("add", "add"), ("sub", "subtract"), ("mul", "multiply"), ("truediv", "divide"),
                     ("mod", "remainder"), ("pow", "power")):
    setattr(BaseArray, f"__{_symbol}__", getattr(F, _op))
    setattr(BaseArray, f"__r{_symbol}__", reflected(getattr(F, _op)))
    setattr(BaseArray, f"__i{_symbol}__", inplace(_op))
for _symbol, _op in (("neg", "negative"), ("abs", "abs")):
    setattr(BaseArray, f"__{_symbol}__", getattr(F, _op))
