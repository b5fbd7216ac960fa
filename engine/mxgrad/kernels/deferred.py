"""Elementwise ops on large arrays, put off until somebody looks at the result (level 2).

A `Deferred` stands where a raw array stands: in an array, on the tape, in a rule.  It knows its shape and
dtype, and how to compute itself from arrays that exist.  Ops on it give others, so that a chain of ops, and
the chain of rules that goes back through it, becomes one pass of `vm` over memory instead of one per op.
Whoever needs the numbers takes `value`.

Elements are numbered in C's order.  An operand that is broadcast must be one whose number for element p is
``a[(p // inner) % m]``: a scalar, a row, a column, one number per channel.  A sum over axes gives such an
array, too, and is part of the same pass.

What lies inside an expression is kept if somebody else refers to it, too, or else the third time that it is
computed: arithmetic is cheaper than memory.
"""
from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import pack
from typing import Any
from weakref import WeakValueDictionary, ref

import numpy

from ..registry import OPS
from . import cpu, vm

_asked = os.environ.get("MXGRAD_DEFERRED", "")

large = int(_asked) if _asked.isdigit() and int(_asked) else 1 << 18
"""Results of fewer elements are computed at once; ``MXGRAD_DEFERRED`` sets it, 0 switches all of this off."""

_LONGEST = 96       # ops in one expression
_VISITS = 3         # how often a number is computed at most
_PARALLEL = 1 << 19  # elements from which two threads are faster than NumPy's one
_GROUPS = 1 << 14   # numbers that a sum gives at most: every part of the pass has as many of its own

_ndarray, _generic = numpy.ndarray, numpy.generic
_float32, _bool = numpy.dtype("float32"), numpy.dtype("bool")
_GREATEST = float(numpy.finfo("float32").max)

Layout = tuple[int, int]        # (inner, m)


def _references() -> int:
    place = object()
    return sys.getrefcount(place)


_LOCAL = _references()
"""What the counter says of an object in one local variable; before Python 3.14 the call refers to it, too."""

available = cpu.lib is not None and numpy.lib.NumpyVersion(numpy.__version__) >= "2.0.0"
"""Whether ops can be put off at all.  NumPy 1 promotes numbers in another way."""

wanted = _asked != "0"
"""Whether they should be."""

enabled = available and wanted
"""Whether they are: not while a profiler looks at every op."""

_is_watched = False


def switch(on: bool) -> bool:
    """Have ops put off, or not; gives what was said before."""
    global wanted
    before, wanted = wanted, on
    watched(_is_watched)
    return before


def watched(by_somebody: bool) -> None:
    """Say whether a profiler looks at every op, which then must be computed when it is called."""
    global _is_watched, enabled
    _is_watched = by_somebody
    enabled = available and wanted and not by_somebody


class Deferred:
    """A float32 or bool array that is computed when `value` is first called."""

    __slots__ = ("shape", "dtype", "size", "code", "args", "weight", "visits", "layout", "factor", "_value",
                 "__weakref__")

    def __init__(
        self, shape: tuple[int, ...], size: int, dtype: numpy.dtype, code: str, args: tuple[Any, ...],
        weight: int, layout: Layout | None = None, factor: float = 1.0, value: Any = None,
    ) -> None:
        self.shape, self.size, self.dtype = shape, size, dtype
        self.code, self.args, self.weight = code, args, weight
        self.visits = 0
        self.layout, self.factor = layout, factor       # of a reduction
        self._value = value
        if value is None:
            (_pending if layout is None else _reductions).add(self)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def is_known(self) -> bool:
        """Whether the value has been computed."""
        return self._value is not None

    def value(self) -> numpy.ndarray:
        """The array itself, computed now if it has not been before."""
        if self._value is None:
            evaluate((self,))
        return self._value      # type: ignore[no-any-return]

    # NumPy's protocols: its ufuncs go on putting off, its functions get the values

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and enabled:
            found = defer(_NAMES.get(ufunc, ""), inputs)
            if found is not None:
                return found
        return getattr(ufunc, method)(*map(settled, inputs), **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not kwargs and enabled and (name := _FUNCTIONS.get(function)) is not None:
            found = _BUILDERS[name](*args)
            if found is not None:
                return found
        return function(*_settled_all(args), **{k: settled(v) for k, v in kwargs.items()})

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        return numpy.array(self.value(), dtype=dtype, copy=copy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.value(), name)

    def __getitem__(self, key: Any) -> Any:
        return self.value()[settled(key)]

    def __len__(self) -> int:
        return len(self.value())

    def __bool__(self) -> bool:
        return bool(self.value())

    def __float__(self) -> float:
        return float(self.value())

    def __int__(self) -> int:
        return int(self.value())

    def __repr__(self) -> str:
        return f"<deferred {self.code}, {self.dtype.name} {self.shape}>"


def _operators() -> None:
    """Python's operators through the ufuncs; not the ones in place, which Python then writes as x = x + y."""
    two: list[tuple[str, Any]] = [
        ("add", numpy.add), ("sub", numpy.subtract), ("mul", numpy.multiply), ("truediv", numpy.divide),
        ("pow", numpy.power), ("mod", numpy.remainder), ("floordiv", numpy.floor_divide),
        ("matmul", numpy.matmul), ("and", numpy.bitwise_and), ("or", numpy.bitwise_or),
        ("xor", numpy.bitwise_xor),
    ]
    compared: list[tuple[str, Any]] = [
        ("lt", numpy.less), ("le", numpy.less_equal), ("gt", numpy.greater), ("ge", numpy.greater_equal),
        ("eq", numpy.equal), ("ne", numpy.not_equal),
    ]
    one: list[tuple[str, Any]] = [
        ("neg", numpy.negative), ("abs", numpy.absolute), ("invert", numpy.invert), ("pos", numpy.positive),
    ]
    for name, ufunc in two:
        setattr(Deferred, f"__{name}__", lambda self, other, f=ufunc: f(self, other))
        setattr(Deferred, f"__r{name}__", lambda self, other, f=ufunc: f(other, self))
    for name, ufunc in compared:
        setattr(Deferred, f"__{name}__", lambda self, other, f=ufunc: f(self, other))
    for name, ufunc in one:
        setattr(Deferred, f"__{name}__", lambda self, f=ufunc: f(self))
    Deferred.__hash__ = object.__hash__     # type: ignore[method-assign]


_operators()


# Held by the thread that computes: an expression may belong to several threads, and a pass takes the sums of
# others along.
_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    # a child would wait for ever for a thread of its parent
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class _Waiting:
    """What has not been computed yet and is still held by somebody."""

    # A WeakSet compares its members, and costs more than the rest of putting an op off.

    def __init__(self) -> None:
        self.refs: list[ref[Deferred]] = []
        self.limit = 64

    def add(self, node: Deferred) -> None:
        with _lock:
            self.refs.append(ref(node))
            if len(self.refs) > self.limit:
                self.limit = 64 + 2 * len(self.list())

    def list(self) -> list[Deferred]:
        with _lock:
            found = [(r, n) for r in self.refs if (n := r()) is not None and n._value is None]
            self.refs[:] = [r for r, _ in found]
            return [n for _, n in found]


# expressions, and sums of them
_pending = _Waiting()
_reductions = _Waiting()


def settled(x: Any) -> Any:
    """`x`, or its value if it was put off."""
    return x.value() if x.__class__ is Deferred else x


def scaled(x: Any) -> tuple[Any, float]:
    """`x` as an array and a number to multiply it with, where that is what was put off; else `x` and 1.

    For kernels that multiply on the way.  The number is a moderate one: what they compute before they
    multiply does not overflow where the product does not come close to it.
    """
    if x.__class__ is Deferred and x.code == "multiply" and (args := x.args):   # none: it has been computed
        array, factor = args if args[1].__class__ is float else args[::-1]
        array = known(array)
        if (factor.__class__ is float and array.__class__ is _ndarray and array.shape == x.shape
                and array.dtype is _float32 and 2 ** -8 <= abs(factor) <= 2 ** 8):
            return array, factor
    return x, 1.0


def masked(x: Any) -> tuple[Any, Any]:
    """Two arrays g and z if `x` is g where z is positive, 0 elsewhere, which is relu's rule, and was put off;
    else `x` and None.  For kernels that do that on the way.
    """
    if x.__class__ is Deferred and x.code == "relu_dx" and (args := x.args):    # none: it has been computed
        g, z = map(known, args)
        if all(a is not None and a.shape == x.shape and a.dtype is _float32 for a in (g, z)):
            return g, z
    return x, None


def known(x: Any) -> Any:
    """The array that an operand of an expression is; None if it is not computed yet, or a number."""
    return x.array if x.__class__ is _Operand else x._value if x.__class__ is Deferred else None


def inside(node: Deferred, i: int) -> Deferred | None:
    """Operand `i` of an expression if it is one, too, which nobody else refers to."""
    a = node.args[i]
    # the tuple refers to it, too
    return a if a.__class__ is Deferred and a._value is None and sys.getrefcount(a) == _LOCAL + 1 else None


def _settled_all(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return type(x)(map(_settled_all, x))
    return settled(x)


# building ---------------------------------------------------------------------------------------------------


def _layout(small: tuple[int, ...], shape: tuple[int, ...]) -> Layout | None:
    """How an operand of the shape `small` lies in a result of `shape`, which it broadcasts to."""
    small = (1,) * (len(shape) - len(small)) + small
    own = [i for i, n in enumerate(small) if n != 1]
    if not own:
        return _product(shape), 1
    first, end = own[0], own[-1] + 1
    if small[first:end] != shape[first:end]:
        return None
    return _product(shape[end:]), _product(shape[first:end])


def _product(numbers: Iterable[int]) -> int:
    out = 1
    for n in numbers:
        out *= n
    return out


class _Operand:
    """An array that exists, as an expression reads it."""

    __slots__ = ("array", "layout")

    def __init__(self, array: numpy.ndarray, layout: Layout) -> None:
        self.array, self.layout = array, layout


def _build(code: str, operands: Sequence[Any], dtype: numpy.dtype,
           shape: tuple[int, ...] | None = None) -> Deferred | None:
    """The op `code` of the VM on arrays and numbers, which broadcast to `shape`; None where it cannot be put
    off.
    """
    for o in () if shape is not None else operands:
        if isinstance(o, (Deferred, _ndarray)):
            if shape is None or shape == o.shape:
                shape = o.shape
            else:
                try:
                    shape = numpy.broadcast_shapes(shape, o.shape)
                except ValueError:
                    return None     # the kernel says what is wrong
    if shape is None or (size := _product(shape)) < large:
        return None
    args: list[Any] = []
    weight = 1
    for o in operands:
        kind = o.__class__
        if kind is Deferred:
            if o._value is None and o.layout is None and o.shape == shape:
                args.append(o)
                weight += o.weight
                continue
            o = o.value()
        elif kind is float or kind is int:
            if not abs(o) <= _GREATEST and o == o and abs(o) != float("inf"):
                return None
            args.append(float(o))
            continue
        elif isinstance(o, _generic):
            if o.dtype != _float32:
                return None
            args.append(float(o))
            continue
        if o.__class__ is not _ndarray or o.dtype is not _float32 and o.dtype != _bool \
                or not o.flags.c_contiguous or not is_ours(o):
            return None
        layout = (1, size) if o.shape == shape else _layout(o.shape, shape)
        if layout is None:
            return None
        args.append(_Operand(o, layout))
    if weight > _LONGEST:
        for a in args:
            if a.__class__ is Deferred:
                a.value()
        args = [_Operand(a._value, (1, size)) if a.__class__ is Deferred else a for a in args]
        weight = 1
    return Deferred(shape, size, dtype, code, tuple(args), weight)


def _is_float(x: Any) -> bool:
    return not hasattr(x, "dtype") or x.dtype == _float32


def _is_bool(x: Any) -> bool:
    return bool(getattr(x, "dtype", None) == _bool)


def _arithmetic(code: str) -> Callable[..., Deferred | None]:
    def build(*operands: Any) -> Deferred | None:
        # bools count as 0 and 1 beside a float, and have an arithmetic of their own among themselves
        if not any(hasattr(o, "dtype") and o.dtype == _float32 for o in operands):
            return None
        return _build(code, operands, _float32)

    return build


def _comparison(code: str) -> Callable[..., Deferred | None]:
    def build(*operands: Any) -> Deferred | None:
        return _build(code, operands, _bool) if all(map(_is_float, operands)) else None

    return build


def _logical(code: str) -> Callable[..., Deferred | None]:
    def build(*operands: Any) -> Deferred | None:
        return _build(code, operands, _bool) if all(map(_is_bool, operands)) else None

    return build


def _where(condition: Any, x: Any, y: Any) -> Deferred | None:
    if not _is_bool(condition) or not (_is_float(x) and _is_float(y)):
        return None
    if not (hasattr(x, "dtype") or hasattr(y, "dtype")):
        return None
    return _build("where", (condition, x, y), _float32)


def _cast(data: Any, dtype: Any = None) -> Deferred | None:
    if data.__class__ is not Deferred or numpy.dtype(dtype) != _float32:
        return None
    return _build("copy", (data,), _float32)


def _clip(data: Any, a_min: Any = None, a_max: Any = None) -> Deferred | None:
    out: Any = data
    for code, bound in (("maximum", a_min), ("minimum", a_max)):
        if bound is not None and out is not None:
            out = _arithmetic(code)(out, bound)
    return None if out is data else out


def _power(x: Any, exponent: Any) -> Deferred | None:
    if exponent.__class__ is not float and exponent.__class__ is not int or not _is_float(x):
        return None
    code = _POWERS.get(exponent)
    return None if code is None else _build(code, (x,), _float32)


_POWERS = {2: "square", 1: "copy", 0.5: "sqrt", -1: "reciprocal"}


def _broadcast_to(a: Any, shape: Any) -> Deferred | None:
    if _product(shape) < large or not hasattr(a, "dtype") or a.dtype != _float32 \
            or len(a.shape) > len(shape) \
            or any(have not in (1, n) for have, n in zip(a.shape[::-1], shape[::-1])):
        return None
    return _build("copy", (a,), _float32, tuple(shape))


def _reshape(data: Any, shape: Any) -> Deferred | None:
    if data.__class__ is not Deferred or data._value is not None:
        return None
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in shape) or _product(shape) != data.size:
        return None
    if data.layout is None:
        return Deferred(shape, data.size, data.dtype, "copy", (data,), data.weight + 1)
    if not (args := data.args):
        return None     # another thread has just computed it
    return Deferred(shape, data.size, data.dtype, data.code, args, data.weight, data.layout, data.factor)


def _fill(like: Any, shape: Any, dtype: Any, value: Any) -> Deferred | None:
    if numpy.dtype(dtype) != _float32 or not isinstance(value, (int, float)):
        return None
    return _build("copy", (value,), _float32, tuple(shape))


def affine(x: Any, mean: Any, scale: Any, shift: Any) -> Deferred | None:
    """``(x - mean) * scale + shift`` of arrays, put off; None where that is not possible or does not pay."""
    return _build("affine", (x, mean, scale, shift), _float32) if enabled else None


def _reduced(code: str, data: Any, kept: tuple[int, ...], shape: tuple[int, ...],
             mean: bool = False) -> Deferred | None:
    """The reduction of an expression to `kept`, its shape with 1 for the axes that go, seen as `shape`."""
    if data.__class__ is not Deferred or data._value is not None or data.layout is not None \
            or data.dtype != _float32 or kept == data.shape:
        return None
    layout = _layout(kept, data.shape)
    if layout is None or layout[1] > _GROUPS:
        return None
    factor = layout[1] / data.size if mean else 1.0
    return Deferred(shape, layout[1], _float32, code, (data,), data.weight, layout, factor)


def _reduction(code: str, mean: bool = False) -> Callable[..., Deferred | None]:
    def build(data: Any, axis: Any = None, keepdims: bool = False) -> Deferred | None:
        ndim = len(data.shape)
        axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        if not all(isinstance(a, int) and -ndim <= a < ndim for a in axes):
            return None     # the kernel says what is wrong
        gone = {a % ndim for a in axes}
        kept = tuple(1 if i in gone else n for i, n in enumerate(data.shape))
        shape = kept if keepdims else tuple(n for i, n in enumerate(data.shape) if i not in gone)
        return _reduced(code, data, kept, shape, mean)

    return build


def _sum_to(data: Any, shape: Any) -> Deferred | None:
    if len(shape) > len(data.shape):
        return None
    return _reduced("sum", data, (1,) * (len(data.shape) - len(shape)) + tuple(shape), tuple(shape))


_UFUNCS = {
    **{name: _arithmetic(name) for name in (
        "add subtract multiply divide maximum minimum negative abs sign square sqrt reciprocal exp expm1 log "
        "log1p tanh sin cos floor ceil").split()},
    **{name: _comparison(name) for name in
       "equal not_equal less less_equal greater greater_equal".split()},
    **{name: _logical(name) for name in "logical_and logical_or logical_not".split()},
}
_BUILDERS: dict[str, Callable[..., Deferred | None]] = {
    **_UFUNCS,
    # rint is MXNet's, not NumPy's: halves go down
    **{name: _arithmetic(name) for name in "sigmoid relu relu_dx erf rsqrt rint".split()},
    "where": _where, "cast": _cast, "clip": _clip, "power": _power,
    "broadcast_to": _broadcast_to, "fill": _fill, "reshape": _reshape,
    "on_backward": lambda x, *noted, action: x,
    "sum": _reduction("sum"), "mean": _reduction("sum", mean=True), "sum_to": _sum_to,
}
_DIRECT: dict[str, Any] = {**{name: getattr(numpy, name) for name in _UFUNCS}, "where": numpy.where}
_FUNCTIONS: dict[Any, str] = {numpy.where: "where", numpy.clip: "clip"}
_NAMES: dict[Any, str] = {getattr(numpy, name): name for name in _UFUNCS}
_NAMES[numpy.absolute] = "abs"
_NAMES[numpy.power] = "power"


def builds(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what is asked first for the op `name` of arrays some of which were put off: it gives the
    result, put off or not, or None.
    """
    def declare(build: Callable[..., Any]) -> Callable[..., Any]:
        _BUILDERS[name] = build
        return build

    return declare


def lifted(raw: Any) -> Any:
    """A large array as a `Deferred` whose value is there: ops on it are put off."""
    if raw.__class__ is not _ndarray or raw.size < large or raw.dtype != _float32 \
            or not raw.flags.c_contiguous:
        return raw
    return Deferred(raw.shape, raw.size, _float32, "copy", (), 0, value=raw)


def defer(name: str, raws: Sequence[Any], params: dict[str, Any] | None = None) -> Deferred | None:
    """The op `name` of raw arrays and numbers, put off; None where that is not possible or does not pay."""
    build = _builder(name)
    if build is None:
        return None
    return build(*raws, **params) if params else build(*raws)


@functools.cache
def _builder(name: str) -> Callable[..., Deferred | None] | None:
    """What puts off the op `name`: for one that is not listed but elementwise in one array its own kernel,
    which is written over operators and NumPy's functions, and these give deferred arrays for one.
    """
    op = OPS.get(name)
    if name in _BUILDERS or op is None or not op.broadcasts or op.ufunc or len(op.arrays) != 1:
        return _BUILDERS.get(name)

    def build(x: Any, **params: Any) -> Deferred | None:
        x = lifted(x)
        if x.__class__ is not Deferred:
            return None
        with numpy.errstate(all="ignore"):
            out = op.kernel(numpy, x, **params)
        return out if out.__class__ is Deferred else None

    return build


def deferring(name: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The raw kernel of the op `name` for rules, which call it on arrays and on what was put off."""
    build = _builder(name)
    from_nothing = name in ("broadcast_to", "fill")

    def call(*args: Any, **params: Any) -> Any:
        for a in args:
            if a.__class__ is Deferred:
                break
        else:
            if not from_nothing or _product(params["shape"]) < large:
                return kernel(*args, **params)
        if build is not None and enabled:
            found = build(*args, **params)
            if found is not None:
                return found
        return kernel(*map(settled, args), **params)

    return call


# computing --------------------------------------------------------------------------------------------------


_kernels: list[Callable[[Deferred], Any]] = []


def computes(kernel: Callable[[Deferred], Any]) -> Callable[[Deferred], Any]:
    """Declare what computes some expressions in a better way: it gives the value, or None for others."""
    _kernels.append(kernel)
    return kernel


def _by_kernel(node: Deferred) -> bool:
    """Compute an expression by a kernel that was declared for it."""
    if node._value is None and node.layout is None:
        for kernel in _kernels:
            if (value := kernel(node)) is not None:
                node._value, node.args = value, ()
                return True
    return False


def evaluate(roots: Iterable[Deferred], into: Sequence[numpy.ndarray | None] | None = None) -> None:
    """Compute `roots`, those of one size in one pass, and what is waiting for the same numbers, too.

    `into` has for each root an array of its shape to write to, which becomes its value, or None.
    """
    with _lock:
        roots = list(roots)
        if len(roots) == 1 and into is None and (_alone(roots[0]) or _by_kernel(roots[0])):
            return
        groups: dict[int, list[tuple[Deferred, Any]]] = {}
        for root, target in zip(roots, into or _nothing()):
            if root._value is None:
                size = root.args[0].size if root.layout else root.size
                groups.setdefault(size, []).append((root, target))
            elif target is not None:
                numpy.copyto(target, root._value)
        for size, group in groups.items():
            _run(size, [root for root, _ in group], {id(root): target for root, target in group})


def _alone(node: Deferred) -> bool:
    """Compute a single op of moderate size by NumPy's function, which is as fast and takes no preparation."""
    function = _DIRECT.get(node.code)
    if function is None or node.size >= _PARALLEL or node.layout is not None or node._value is not None:
        return False
    if any(a.__class__ is Deferred and a._value is None for a in node.args):
        return False
    with numpy.errstate(all="ignore"):
        node._value = numpy.asarray(function(*(
            a._value if a.__class__ is Deferred else a.array if a.__class__ is _Operand else a
            for a in node.args)))       # without axes NumPy gives a scalar
    node.args = ()
    return True


def _nothing() -> Iterator[None]:
    while True:
        yield None


def _visit(root: Deferred, seen: dict[int, Deferred]) -> None:
    """Add what `root` depends on and itself to `seen`, which lists a node after its arguments."""
    todo = [(root, False)]
    while todo:
        node, ready = todo.pop()
        if id(node) in seen:
            continue
        if ready:
            seen[id(node)] = node
            continue
        todo.append((node, True))
        todo.extend((a, False) for a in node.args if a.__class__ is Deferred and a._value is None)


def _users(nodes: list[Deferred]) -> tuple[dict[int, int], dict[int, int]]:
    """By a node's id: how often the others have it as an argument, and the place of the last that has."""
    uses: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, node in enumerate(nodes):
        for a in node.args:
            if a.__class__ is Deferred:
                uses[id(a)] = uses.get(id(a), 0) + 1
                # what is summed is read when a block has been computed whole
                last[id(a)] = len(nodes) if node.layout else max(place, last.get(id(a), 0))
    return uses, last


def _run(size: int, roots: list[Deferred], into: dict[int, Any]) -> None:
    seen: dict[int, Deferred] = {}
    own: dict[int, Deferred]
    for root in roots:
        _visit(root, seen)
    # a sum over the same numbers costs nothing more in the same pass
    for other in _reductions.list():
        if other._value is None and id(other) not in seen and other.args[0].size == size:
            own = {}
            _visit(other, own)
            if any(key in seen for key in own):
                roots.append(other)
                _visit(other, seen)
    own = {}
    nodes = list(seen.values())
    wanted = {id(root) for root in roots}
    uses, last = _users(nodes)
    for node in nodes:
        if id(node) not in wanted:
            node.visits += 1
            # `nodes` and `seen` refer to it, too, and its users here: whoever else does, such as an array,
            # will ask for it
            if node.visits == _VISITS or sys.getrefcount(node) > _LOCAL + 2 + uses[id(node)]:
                wanted.add(id(node))

    inputs: list[numpy.ndarray] = []
    layouts: list[tuple[int, int, int]] = []
    register_of: dict[tuple[int, Layout], int] = {}

    def read(array: numpy.ndarray, layout: Layout) -> int:
        key = id(array), layout
        if key not in register_of:
            register_of[key] = len(inputs)
            inputs.append(array)
            layouts.append((*layout, int(array.dtype == _bool)))
        return register_of[key]

    for node in nodes:
        for a in node.args:
            if a.__class__ is _Operand:
                read(a.array, a.layout)
            elif a.__class__ is Deferred and a._value is not None:
                read(a._value, (1, size))
    constants: dict[bytes, tuple[int, float]] = {}      # by their bits, which tell 0 and -0 apart
    code: list[tuple[int, int, int, int, int]] = []
    places: dict[int, int] = {}         # of a node: its register
    free: list[int] = []
    registers = len(inputs)
    outputs: list[numpy.ndarray] = []
    out_layouts: list[tuple[int, int, int, int]] = []
    stored: list[tuple[Deferred, numpy.ndarray]] = []
    owners = [_owner(a) for a in inputs]

    def operand(a: Any) -> int:
        if a.__class__ is Deferred:
            return places[id(a)] if a._value is None else read(a._value, (1, size))
        if a.__class__ is _Operand:
            return read(a.array, a.layout)
        return -1 - constants.setdefault(pack("d", a), (len(constants), a))[0]

    for place, node in enumerate(nodes):
        if node.layout is None:
            arguments = [operand(a) for a in node.args]
            if free and id(node) not in wanted:
                register = free.pop()
            else:
                register = registers
                registers += 1
            places[id(node)] = register
            if node.code == "affine":
                for name, second in zip(("subtract", "multiply", "add"), arguments[1:]):
                    code.append((vm.OPS[name], register, arguments[0], second, 0))
                    arguments[0] = register
            else:
                first, second, third, *_ = *arguments, 0, 0
                code.append((vm.OPS[node.code], register, first, second, third))
            if id(node) in wanted:
                out = into.get(id(node))
                # a pass reads its inputs after it has begun to write
                if out is None or any(_owner(out) is owner for owner in owners):
                    out = numpy.empty(node.shape, node.dtype)
                outputs.append(out)
                out_layouts.append((register, 1, size, int(node.dtype == _bool)))
                stored.append((node, out))
        else:
            out = numpy.empty(node.layout[1], _float32)
            outputs.append(out)
            out_layouts.append((operand(node.args[0]), *node.layout, _KINDS[node.code]))
            stored.append((node, out))
        for key in {id(a) for a in node.args if a.__class__ is Deferred and a._value is None}:
            if last[key] == place and key not in wanted:
                free.append(places[key])
    vm.run(size, code, [a for _, a in constants.values()], inputs, layouts, outputs, out_layouts)
    for node, out in stored:
        if node.layout is not None:
            if node.factor != 1.0:
                out *= numpy.float32(node.factor)
            out = out.reshape(node.shape)
        node._value = out
        node.args = ()
    for root in roots:
        target = into.get(id(root))
        if target is not None and target is not root._value:
            numpy.copyto(target, root._value)


_KINDS = {"sum": vm.SUM}


def _owner(a: Any) -> Any:
    """The object whose memory `a` looks at."""
    while (base := getattr(a, "base", None)) is not None:
        a = base
    return a


# arrays whose memory others see, too, by id
_shared: WeakValueDictionary[int, numpy.ndarray] = WeakValueDictionary()


def share(array: Any) -> None:
    """Say that others may write the memory of `array` when they like: nothing waits to read it any more."""
    flush(array)
    owner = _owner(array)
    if owner.__class__ is _ndarray:
        _shared[id(owner)] = owner


def is_ours(array: numpy.ndarray) -> bool:
    """Whether the memory of `array` changes through our writes alone."""
    owner = _owner(array)
    return owner.__class__ is _ndarray and owner.flags.owndata and id(owner) not in _shared


def flush(array: Any) -> None:
    """Compute what reads the memory of `array`, which is about to be written."""
    if _pending.refs or _reductions.refs:
        owner = _owner(array)
        with _lock:
            waiting = (*_pending.list(), *_reductions.list())
            evaluate([d for d in waiting if any(_owner(a) is owner for a in _reads(d))])


def _reads(node: Deferred) -> Iterator[Any]:
    """The arrays that an expression reads itself."""
    for a in node.args:
        if a.__class__ is _Operand:
            yield a.array
        elif a.__class__ is Deferred and a._value is not None:
            yield a._value


def flush_all() -> None:
    """Compute all that somebody still holds."""
    evaluate([*_pending.list(), *_reductions.list()])
