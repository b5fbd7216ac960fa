"""The Python side of the C library: each function ``mxg_py_x`` of shim.h is the function ``x`` here.

The library calls `install` once, when it starts.  The functions take handles as integers and C pointers as
cffi objects, and return a positive integer; an exception becomes the error of the C call.
"""
from __future__ import annotations

import atexit
import functools
import itertools
import json
import linecache
import math
import os
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from inspect import Parameter, signature
from typing import Any, TypeVar

import mxgrad
import numpy
from mxgrad import autograd, base, frontend, nd, params_file
from mxgrad.array import Array, wrap
from mxgrad.context import Context, as_context
from mxgrad.kernels import deferred
from mxgrad.program import Recording, Routine
from mxgrad.tape import add_internal, state

add_internal(__file__)      # the user's line is in C or Perl: see set_location

Call = TypeVar("Call", bound=Callable[..., int])

ffi: Any = None
lib: Any = None
# methods of ffi, bound once
buffer: Any = None
cast: Any = None
memmove: Any = None
new: Any = None
string: Any = None
unpack: Any = None

_exports: list[Callable[..., int]] = []
_about: dict[str, Any] = {}


def _export(f: Call) -> Call:
    """Marks a function that C calls."""
    _exports.append(f)
    return f


def install(ffi_: Any, lib_: Any, library: str, libpython: str, own: int) -> bool:
    """Connects the functions of this module with the C library `lib_` at the path `library`.

    `own` says that the library started this Python.  Raises ImportError if another copy of the library
    has come first.
    """
    global ffi, lib, buffer, cast, memmove, new, string, unpack, _called, _written
    if lib is not None:
        raise ImportError(
            f"libmxgrad is in this process twice: {_about['library']} came before {library}; use one of them"
        )
    ffi, lib = ffi_, lib_
    buffer, cast, memmove, new = ffi.buffer, ffi.cast, ffi.memmove, ffi.new
    string, unpack = ffi.string, ffi.unpack
    from .objects import _called, _written      # which exports its functions, too

    for f in _exports:
        ffi.def_extern(name="mxg_py_" + f.__name__.rstrip("_"), error=0, onerror=_report)(f)
    _about.update(library=library, libpython=libpython, hosted=not own)
    atexit.register(lib.mxg_c_shutdown)
    return True


class _Local(threading.local):
    """What belongs to one calling thread."""

    def __init__(self) -> None:
        self.error: tuple[str, list[tuple[str, int, str]]] = ("", [])
        self.results: list[Any] = []
        self.scopes: list[tuple[int, bool, bool]] = []
        self.deletions: list[tuple[Any, Any]] = []
        self.calls: list[_Call] = []
        self.program: Recording | None = None


_local = _Local()

# -- errors ----------------------------------------------------------------------------------------------


class HandleError(base.MXNetError):
    """A handle that is not, or no longer, given out."""


class CallbackError(base.MXNetError):
    """A callback reported failure."""


# the first class that fits decides
_STATUS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (HandleError, "MXG_ERR_HANDLE"),
    (CallbackError, "MXG_ERR_CALLBACK"),
    # of C's functions some fail without memory and do not say why
    ((MemoryError, SystemError), "MXG_ERR_MEMORY"),
    ((base.UnknownNameError, FileNotFoundError), "MXG_ERR_NOTFOUND"),
    ((params_file.FileFormatError, OSError), "MXG_ERR_IO"),
    (base.AutogradError, "MXG_ERR_AUTOGRAD"),
    (StopIteration, "MXG_ERR_STOP"),
    (base.ContextError, "MXG_ERR_CONTEXT"),
    # NumPy's way of seeing that something is no array is to look for an attribute
    ((TypeError, AttributeError, NotImplementedError), "MXG_ERR_TYPE"),
    ((base.MXNetError, ValueError, LookupError, ArithmeticError, AssertionError), "MXG_ERR_VALUE"),
    (BaseException, "MXG_ERR_INTERNAL"),
)


def _status(error: BaseException) -> str:
    # how Python says that it has no memory for a file's lock
    if type(error) is RuntimeError and str(error).startswith("can't allocate"):
        return "MXG_ERR_MEMORY"
    return next(status for classes, status in _STATUS if isinstance(error, classes))


def _report(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Records an exception as the error of the C call that it leaves; cffi then returns 0."""
    try:
        name = kind.__name__
        status = _status(error)
        text = str(error)
        if not isinstance(error, base.MXNetError):
            # Python 3.13 adds a guess that older ones do not make
            text = text.split("\n", 1)[0].split(". Did you mean '", 1)[0]
        lib.mxg_c_error(getattr(lib, status), name.encode(), _c_text(f"{name}: {text}"), 1)
        frames: list[tuple[str, int, str]] = []     # not the traceback itself, which would keep arrays alive
        while trace is not None and len(frames) < 64:
            code = trace.tb_frame.f_code
            frames.append((code.co_filename, trace.tb_lineno, code.co_name))
            trace = trace.tb_next
        _local.error = f"{name}: {error}", frames
    except RecursionError:      # Python 3.12's stack can be too full for a look at the exception
        lib.mxg_c_error(
            lib.MXG_ERR_INTERNAL, b"RecursionError", b"RecursionError: maximum recursion depth exceeded", 0
        )
    except BaseException:
        lib.mxg_c_error(
            lib.MXG_ERR_MEMORY, b"OutOfMemoryError", b"OutOfMemoryError: while reporting an error", 0
        )


def _c_text(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace").replace(b"\0", b"\\0")


@_export
def traceback() -> int:
    text, frames = _local.error
    lines = ["Traceback (most recent call last):"]
    for file, line, name in frames:
        lines.append(f'  File "{file}", line {line}, in {name}')
        source = linecache.getline(file, line).strip()
        if source:
            lines.append(f"    {source}")
    lib.mxg_c_traceback(_c_text("\n".join([*lines, text])))
    return 1


# -- handles ---------------------------------------------------------------------------------------------

_arrays: dict[int, Any] = {}
_functions: dict[int, _Function] = {}
_objects: dict[int, Any] = {}       # of objects.py
_programs: dict[int, Routine] = {}
_tables: tuple[dict[int, Any], ...] = (_arrays, _functions, _objects, _programs)
# No number is used twice, no small number is a handle, and a number that is an address is none either.
# The shim gives the odd ones.
_next_handle = itertools.count(0x4D58 << 32, 2).__next__


def _no_handle(h: int, what: str = "array") -> HandleError:
    if h == 0:
        return HandleError(f"the {what} is NULL")
    return HandleError(f"{_hex(h)} is no {what}: it was freed, or never was one")


def _hex(h: int) -> str:
    return f"0x{h & (1 << 64) - 1:x}"


def _array(h: int) -> Any:
    try:
        return _arrays[h]
    except KeyError:
        raise _no_handle(h) from None


def _array_list(n: int, handles: Any) -> list[Any]:
    return [_array(h) for h in unpack(handles, n)] if n else []


def _optional_list(n: int, handles: Any) -> list[Any]:
    return [_array(h) if h else None for h in unpack(handles, n)] if n else []


def _give(a: Any) -> int:
    h = _next_handle()
    _arrays[h] = a
    return h


@_export
def dup(h: int) -> int:
    return _give(_array(h))


@_export
def free(h: int) -> int:
    try:
        del _arrays[h]
    except KeyError:
        raise _no_handle(h) from None
    return 1


@_export
def free_n(n: int, handles: Any) -> int:
    wrong = [h for h in unpack(handles, n) if h and _arrays.pop(h, None) is None]
    if wrong:
        raise _no_handle(wrong[0])
    return 1


@_export
def live(kind: int) -> int:
    if not 0 <= kind <= len(_tables):
        raise base.InvalidValueError(f"kind {kind} must be 0, 1, 2, 3 or 4")
    return 1 + sum(map(len, _tables if kind == 0 else _tables[kind - 1:kind]))


# -- library ---------------------------------------------------------------------------------------------


def _info(h: int) -> str:
    return json.dumps({
        "version": mxgrad.__version__,
        "abi": lib.MXG_ABI_VERSION,
        **_about,
        "engine": mxgrad.__file__,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "prefix": sys.prefix,
        "numpy": numpy.__version__,
        "contexts": ["cpu(0)", *(f"gpu({i})" for i in range(mxgrad.context.num_gpus()))],
    })


def _op_info(op: int) -> str:
    call: Any = frontend.op_function(_op_names[op])
    required = {"required": True}
    return json.dumps({
        "name": _op_names[op],
        "arrays": list(call.arrays),
        "params": {
            name: required if default is Parameter.empty else {"default": str(default)}
            for name, default in call.params.items()
        },
        "doc": call.__doc__ or "",
    })


# in the order of TEXT_* in shim.h
_TEXTS: list[Callable[[int], str]] = [
    _info,
    lambda h: str(_array(h)),
    _op_info,
    lambda h: str(autograd.get_symbol(_array(h))),
    lambda h: autograd.get_symbol(_array(h)).tojson(),
]


@_export
def text(what: int, h: int, buf: Any, cap: int) -> int:
    data = _c_text(_TEXTS[what](h)) + b"\0"
    if len(data) <= cap:
        memmove(buf, data, len(data))
    return len(data)


@_export
def waitall() -> int:
    nd.waitall()
    return 1


@_export
def set_location(file: Any, line: int) -> int:
    state.location = (string(file).decode(), line) if file else None
    return 1


@_export
def set_line(line: int) -> int:
    """set_location in the same file."""
    if state.location is not None:
        state.location = state.location[0], line
    return 1


# -- arrays ----------------------------------------------------------------------------------------------

_dtypes: dict[bytes, numpy.dtype] = {name.encode(): numpy.dtype(name) for name in base.DTYPES}
_contexts: dict[bytes, Context] = {}
_FLOAT32 = numpy.dtype("float32")
_BOOL = numpy.dtype("bool")


def _dtype(p: Any) -> numpy.dtype:
    if not p:
        return _FLOAT32
    name = string(p)
    try:
        return _dtypes[name]
    except KeyError:
        return base.as_dtype(name.decode())


def _context(p: Any) -> Context:
    if not p:
        return as_context(None)
    name = string(p)
    try:
        return _contexts[name]
    except KeyError:
        text = name.decode()
        context = _contexts[name] = as_context(text if "(" in text else text + "(0)")
        return context


_names: dict[Any, tuple[Any, int]] = {}


def _name_address(thing: Any, name: str) -> int:
    """Address of a C text that is kept for ever."""
    c = new("char[]", name.encode())
    return _names.setdefault(thing, (c, int(cast("intptr_t", c))))[1]


def _memory(p: Any, nbytes: int, dtype: numpy.dtype) -> numpy.ndarray:
    """The caller's memory as a flat array."""
    if not nbytes:
        return numpy.empty(0, dtype)
    flat = numpy.frombuffer(buffer(p, nbytes), numpy.uint8 if dtype is _BOOL else dtype)
    return flat.astype(_BOOL) if dtype is _BOOL else flat      # any byte that is not 0 is true in C


@_export
def from_data(data: Any, dtype: Any, ndim: int, shape: Any, context: Any) -> int:
    d = _dtype(dtype)
    s = unpack(shape, ndim) if ndim else []
    ctx = _context(context)
    host = _memory(data, math.prod(s) * d.itemsize, d).reshape(s)
    return _give(wrap(nd.NDArray, ctx.backend.from_host(host), ctx))


@_export
def full(value: float, dtype: Any, ndim: int, shape: Any, context: Any) -> int:
    d = _dtype(dtype)
    s = unpack(shape, ndim) if ndim else []
    ctx = _context(context)
    host = numpy.zeros(s, d)
    if value != 0 or math.copysign(1, value) < 0:
        with numpy.errstate(all="ignore"):      # 1e9 as a float16 is inf
            host.fill(int(value) if d.kind in "iu" else value)
    return _give(wrap(nd.NDArray, ctx.backend.from_host(host), ctx))


@_export
def shape(h: int, cap: int, out: Any) -> int:
    s = _array(h).shape
    n = len(s)
    if n <= cap:
        out[0:n] = s
    return n + 1


@_export
def dtype(h: int) -> int:
    d = _array(h)._raw.dtype
    try:
        return _names[d][1]
    except KeyError:
        return _name_address(d, d.name)


@_export
def context(h: int) -> int:
    ctx = _array(h).context
    try:
        return _names[ctx][1]
    except KeyError:
        return _name_address(ctx, str(ctx))


@_export
def nbytes(h: int) -> int:
    return _array(h).nbytes + 1     # type: ignore[no-any-return]


def _check_size(a: Any, n: int) -> None:
    if n != a.nbytes:
        raise base.InvalidValueError(f"nbytes is {n}, the array has {a.nbytes} bytes")


@_export
def copy_to(h: int, dst: Any, n: int) -> int:
    a = _array(h)
    _check_size(a, n)
    if n:
        data = a._data
        host = data if data.__class__ is numpy.ndarray else a.asnumpy()
        memmove(dst, host if host.flags.c_contiguous else numpy.ascontiguousarray(host), n)
    return 1


@_export
def copy_from(h: int, src: Any, n: int) -> int:
    a = _array(h)
    _check_size(a, n)
    a[...] = _memory(src, n, a._data.dtype).reshape(a.shape)
    return 1


def _cpu_data(a: Any) -> numpy.ndarray:
    if not isinstance(a._data, numpy.ndarray):
        raise base.InvalidValueError(f"the array is on {a.context}, not in the CPU's memory: copy it")
    return a._data


def _address(data: numpy.ndarray) -> int:
    address: int = data.__array_interface__["data"][0]
    return address


@_export
def data(h: int, nbytes: Any) -> int:
    d = _cpu_data(_array(h))
    if not d.flags.c_contiguous:
        raise base.InvalidValueError("the array is not contiguous (part of another, or transposed): copy it")
    deferred.share(d)
    nbytes[0] = d.nbytes
    return _address(d)


@_export
def touch(h: int) -> int:
    _array(h)._touch()
    return 1


def _number(a: Any) -> float:
    return float(a.item())


@_export
def item(h: int, value: Any) -> int:
    value[0] = _number(_array(h))
    return 1


@_export
def as_in_context(h: int, context: Any) -> int:
    return _give(_array(h).as_in_context(_context(context)))


_NONE = -(1 << 63)      # MXG_NONE


def _slices(n: int, begin: Any, end: Any, step: Any, drop: Any) -> Any:
    """The key of basic indexing."""
    if not n:
        return ...
    return tuple(
        begin[i] if drop and drop[i] else slice(
            None if begin[i] == _NONE else begin[i],
            None if end[i] == _NONE else end[i],
            step[i] if step else None,
        )
        for i in range(n)
    )


def _indices(n: int, index: Any) -> Any:
    """The key of advanced indexing."""
    return tuple(slice(None) if i is None else i for i in _optional_list(n, index))


@_export
def slice_(h: int, n: int, begin: Any, end: Any, step: Any, drop: Any) -> int:
    return _give(_array(h)[_slices(n, begin, end, step, drop)])


@_export
def at(h: int, i: int) -> int:
    return _give(_array(h)[i])


@_export
def index(h: int, n: int, index: Any) -> int:
    return _give(_array(h)[_indices(n, index)])


@_export
def assign_scalar(h: int, value: float) -> int:
    _array(h)[...] = value
    return 1


@_export
def assign_slice(h: int, n: int, begin: Any, end: Any, step: Any, drop: Any, value: int) -> int:
    _array(h)[_slices(n, begin, end, step, drop)] = _array(value)
    return 1


@_export
def assign_index(h: int, n: int, index: Any, value: int) -> int:
    _array(h)[_indices(n, index)] = _array(value)
    return 1


# -- files and DLPack ------------------------------------------------------------------------------------


@_export
def save(path: Any, n: int, names: Any, handles: Any) -> int:
    arrays = _array_list(n, handles)
    if not names:
        nd.save(string(path).decode(), arrays)
        return 1
    named = {string(names[i]).decode(): a for i, a in enumerate(arrays)}
    if len(named) != n:
        raise base.InvalidValueError("two arrays have the same name")
    nd.save(string(path).decode(), named)
    return 1


@_export
def load(path: Any, cap: int, out: Any, names: Any, names_cap: int, sizes: Any) -> int:
    loaded = nd.load(string(path).decode())
    arrays = list(loaded.values()) if isinstance(loaded, dict) else loaded
    keys = list(loaded) if isinstance(loaded, dict) else [""] * len(arrays)
    text = b"".join(key.encode() + b"\0" for key in keys)
    sizes[0], sizes[1] = len(arrays), len(text)
    if len(arrays) <= cap and (not names_cap or len(text) <= names_cap):
        if names_cap:
            memmove(names, text, len(text))
        out[0:len(arrays)] = [_give(a) for a in arrays]
    return 1


# (type code, bits) of DLPack
_DL_TYPES = {
    **{(code, bits): numpy.dtype(f"{name}{bits}")
       for code, name in ((0, "int"), (1, "uint")) for bits in (8, 16, 32, 64)},
    **{(2, bits): numpy.dtype(f"float{bits}") for bits in (16, 32, 64)},
    (6, 8): _BOOL,
}
_DL_CODES = {dtype: key for key, dtype in _DL_TYPES.items()}
_DL_CPU, _DL_READ_ONLY = 1, 1


@_export
def from_dlpack(managed: Any, versioned: int) -> int:
    m = cast("dl_managed_versioned *" if versioned else "dl_managed *", managed)
    if versioned and m.major != 1:
        raise base.InvalidValueError(f"the DLPack structure has version {m.major}.{m.minor}, not 1.x")
    t = m.tensor
    if t.device_type != _DL_CPU:
        raise base.InvalidValueError(f"the tensor is on DLPack's device type {t.device_type}, not on the CPU")
    d = _DL_TYPES.get((t.type_code, t.bits))
    if d is None or t.lanes != 1:
        raise base.InvalidTypeError(f"DLPack's type code {t.type_code} with {t.bits} bits, {t.lanes} lanes")
    if not 0 <= t.ndim <= 32:
        raise base.InvalidValueError(f"ndim is {t.ndim}, it must be in 0..32")
    s = unpack(t.shape, t.ndim) if t.ndim else []
    if 0 in s:
        a = numpy.empty(s, d)
        if m.deleter:
            m.deleter(m)
    else:
        a = _foreign(m, t, s, d)
    if versioned and m.flags & _DL_READ_ONLY:
        a.flags.writeable = False
    return _give(wrap(nd.NDArray, a, as_context("cpu(0)")))


def _foreign(m: Any, t: Any, s: list[int], d: numpy.dtype) -> numpy.ndarray:
    """The memory of a DLPack tensor as an array whose end calls the deleter."""
    if t.strides and t.ndim:
        strides = [n * d.itemsize for n in unpack(t.strides, t.ndim)]
    else:
        strides = [math.prod(s[i + 1:]) * d.itemsize for i in range(len(s))]
    reach = [(n - 1) * stride for n, stride in zip(s, strides)]
    low = sum(r for r in reach if r < 0)
    high = sum(r for r in reach if r > 0) + d.itemsize
    delete = m.deleter
    first = cast("char *", t.data) + t.byte_offset + low
    owner = ffi.gc(first, lambda _: delete(m)) if delete else first
    try:
        a: numpy.ndarray = numpy.ndarray(s, d, buffer(owner, high - low), -low, strides)
        return a
    except BaseException:
        if delete:
            ffi.gc(owner, None)     # still the caller's
        raise


_exported: dict[int, tuple[Any, ...]] = {}


@_export
def to_dlpack(h: int) -> int:
    a = _cpu_data(_array(h))
    deferred.share(a)
    m = new("dl_managed_versioned *")
    s = new("int64_t[]", list(a.shape) or 1)
    strides = new("int64_t[]", [n // a.itemsize for n in a.strides] or 1)
    m.major, m.minor = 1, 0
    m.deleter = ffi.addressof(lib, "mxg_c_dlpack_delete")
    m.flags = 0 if a.flags.writeable else _DL_READ_ONLY
    t = m.tensor
    t.data = cast("void *", _address(a))
    t.device_type, t.device_id, t.ndim, t.lanes = _DL_CPU, 0, a.ndim, 1
    t.type_code, t.bits = _DL_CODES[a.dtype]
    t.shape, t.strides, t.byte_offset = s, strides, 0
    address = int(cast("intptr_t", m))
    _exported[address] = m, s, strides, a
    return address


@_export
def dlpack_release(managed: int) -> int:
    _exported.pop(managed, None)
    return 1


# -- operators -------------------------------------------------------------------------------------------

_op_names: list[str] = []
_op_numbers: dict[str, int] = {}
# of each operator, for one array and for two: the function, or what finds it
_unary: list[Callable[..., Any]] = []
_binary: list[Callable[..., Any]] = []
_bound: dict[tuple[int, int, bytes], Callable[..., Any]] = {}
_MAX_BOUND = 4096
_listing = threading.Lock()
# A child would wait for ever for a thread of its parent.
os.register_at_fork(before=_listing.acquire, after_in_parent=_listing.release,
                    after_in_child=_listing.release)
_SEVERAL = -1       # SEVERAL of shim.h


class _FirstCall:
    """Stands for an operator in `_unary` or `_binary` until it is called: its function is generated then."""

    def __init__(self, calls: list[Callable[..., Any]], op: int) -> None:
        self.calls, self.op = calls, op

    def __call__(self, *arrays: Any) -> Any:
        f = _bind((self.op, len(arrays), b""))
        # without `out` and parameters a function only passes the arrays on, or says that one is missing
        if len(arrays) == len(getattr(f, "arrays", ())):
            f = getattr(f, "short", f)
        self.calls[self.op] = f
        return f(*arrays)


@_export
def op_count() -> int:
    if not _op_names:       # before the lock: a thread that held it at a fork holds it for ever in the child
        with _listing:      # the frontends are imported now, and a half imported one has half its names
            if not _op_names:
                names = frontend.op_names()
                for calls in _unary, _binary:
                    calls.extend(_FirstCall(calls, i) for i in range(len(names)))
                _op_numbers.update((name, i) for i, name in enumerate(names))
                _op_names.extend(names)
    return len(_op_names)


@_export
def op_find(name: Any) -> int:
    text = string(name).decode()
    try:
        return _op_numbers[text] + 1
    except KeyError:
        raise base.UnknownNameError(f"no operator {text!r}{base.nearest(text, _op_names)}") from None


@_export
def op_name(op: int) -> int:
    name = _op_names[op]
    try:
        return _names[name][1]
    except KeyError:
        return _name_address(name, name)


def _with(op: int, n: int, params: Any, nbytes: int) -> Callable[..., Any]:
    """The operator for n arrays with the parameters of a block bound to it; the block serves many calls."""
    key = op, n, unpack(params, nbytes) if nbytes else b""
    try:
        return _bound[key]
    except KeyError:
        f = _bind(key)
        if len(_bound) >= _MAX_BOUND:
            _bound.clear()
        _bound[key] = f
        return f


def _bind(key: tuple[int, int, bytes]) -> Callable[..., Any]:
    op, n, block = key
    f = _of_arrays(_op_names[op], n)
    if not block:
        return f
    parts = block.decode().split("\0")
    if parts.pop() != "" or len(parts) % 2:
        raise base.InvalidValueError("the parameter block is not made of key, NUL, value, NUL")
    params = {k: frontend.parse_value(v) for k, v in zip(parts[::2], parts[1::2])}
    if 2 * len(params) != len(parts):
        raise base.InvalidValueError("a parameter is given twice")
    if "out" in params:
        raise base.InvalidTypeError("'out' is no parameter: mxg_invoke_into writes into an array")
    arrays: Any = frontend.op_function(_op_names[op]).arrays        # type: ignore[attr-defined]
    if not params.keys().isdisjoint(arrays[:n]):
        f = _left_out(f, arrays)
    return functools.partial(f, **params)


def _of_arrays(name: str, n: int) -> Callable[..., Any]:
    """The operator's function, if n arrays by position cannot end up in its parameters or its `out`."""
    f: Any = frontend.op_function(name)
    arrays: Sequence[str] = f.arrays
    positional = [p for p in signature(f).parameters.values() if p.kind is not Parameter.KEYWORD_ONLY]
    if arrays and arrays[-1].startswith("*"):
        if any(p.kind is Parameter.VAR_POSITIONAL for p in positional):
            return f        # type: ignore[no-any-return]
        return lambda *arrays, **params: f(list(arrays), **params)
    # one that names no arrays is NumPy's own: it looks at each argument itself
    room = len(arrays) or sum(p.name != "out" for p in positional)
    if n > room:
        raise base.InvalidTypeError(f"{name} takes {room} arrays ({', '.join(arrays)}), {n} are given")
    return f        # type: ignore[no-any-return]


def _left_out(f: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """`f`, where a parameter may have the name of an array that is left out: a number in its place."""
    def call(*arrays: Any, **params: Any) -> Any:
        given = {name: a for name, a in zip(names, arrays) if a is not None or name not in params}
        return f(**given, **params)

    return call


def _give_results(r: Any) -> int:
    """One handle, or SEVERAL with the results waiting for `results`."""
    if isinstance(r, Array):
        return _give(r)
    if r is not None and not isinstance(r, (list, tuple)):
        return _give(_as_array(r))
    _local.results = [_as_array(a) for a in r or ()]
    return _SEVERAL


def _as_array(r: Any) -> Any:
    """A result that is a number, as NumPy's functions have it for questions like allclose, as an array."""
    if isinstance(r, Array):
        return r
    if isinstance(r, (bool, int, float, numpy.generic)):
        host = numpy.asarray(r)
        if host.dtype in _DL_CODES:
            return wrap(nd.NDArray, host, as_context("cpu(0)"))
    raise base.InvalidTypeError(f"the result is a {type(r).__name__}, which C has no type for")


@_export
def results(cap: int, out: Any) -> int:
    r, _local.results = _local.results, []
    if len(r) <= cap:
        out[0:len(r)] = [_give(a) for a in r]
    return len(r) + 1


def _check_left_out(op: int, arrays: list[Any], params: Collection[str]) -> None:
    """An array may be left out where the operator's function has a default, or a parameter stands for it."""
    parameters = iter(signature(frontend.op_function(_op_names[op])).parameters.values())
    p = next(parameters, None)
    for a in arrays:
        if p is None:
            return      # too many, which the call finds out
        if a is None and p.default is Parameter.empty and p.name not in params:
            raise HandleError(f"{_op_names[op]}: the array {p.name!r} is NULL")
        if p.kind is not Parameter.VAR_POSITIONAL:
            p = next(parameters, None)


@_export
def invoke(op: int, n: int, handles: Any, params: Any, nbytes: int, into: int) -> int:
    call = _with(op, n, params, nbytes)
    arrays = _optional_list(n, handles)
    if any(a is None for a in arrays):
        _check_left_out(op, arrays, getattr(call, "keywords", ()))
    if not into:
        return _give_results(call(*arrays))
    call(*arrays, out=_array(into))
    return 1


# The next ones are written out because they are what a small operator costs.


@_export
def invoke1(op: int, a: int) -> int:
    try:
        x = _arrays[a]
    except KeyError:
        raise _no_handle(a) from None
    r = _unary[op](x)
    if isinstance(r, Array):
        h = _next_handle()
        _arrays[h] = r
        return h
    return _give_results(r)


@_export
def invoke2(op: int, a: int, b: int) -> int:
    try:
        x = _arrays[a]
        y = _arrays[b]
    except KeyError:
        raise _no_handle(b if a in _arrays else a) from None
    r = _binary[op](x, y)
    if isinstance(r, Array):
        h = _next_handle()
        _arrays[h] = r
        return h
    return _give_results(r)


@_export
def invoke1_with(op: int, a: int, params: Any, nbytes: int) -> int:
    return _give_results(_with(op, 1, params, nbytes)(_array(a)))


@_export
def invoke2_with(op: int, a: int, b: int, params: Any, nbytes: int) -> int:
    return _give_results(_with(op, 2, params, nbytes)(_array(a), _array(b)))


@_export
def invoke_double(op: int, a: int, value: float, swapped: int) -> int:
    x = _array(a)
    return _give_results(_binary[op](value, x) if swapped else _binary[op](x, value))


@_export
def invoke_int(op: int, a: int, value: int, swapped: int) -> int:
    x = _array(a)
    return _give_results(_binary[op](value, x) if swapped else _binary[op](x, value))


# -- automatic differentiation ---------------------------------------------------------------------------


@_export
def recording(on: int) -> int:
    before = state.recording
    if on >= 0:
        state.recording = on == 1
    return before + 1


@_export
def training(on: int) -> int:
    before = state.training
    if on >= 0:
        state.training = on == 1
    return before + 1


@_export
def scope_begin(recording: int, training: int) -> int:
    token = _next_handle()
    _local.scopes.append((token, state.recording, state.training))
    if recording >= 0:
        state.recording = recording == 1
    if training >= 0:
        state.training = training == 1
    return token


@_export
def scope_end(token: int) -> int:
    scopes = _local.scopes
    for i in reversed(range(len(scopes))):
        if scopes[i][0] == token:
            _, state.recording, state.training = scopes[i]
            del scopes[i:]
            return 1
    raise base.InvalidValueError(f"{token} is no scope that this thread began and has not ended")


@_export
def attach_grad(h: int, grad_req: Any) -> int:
    _array(h).attach_grad(string(grad_req).decode())
    return 1


@_export
def drop_grad(h: int) -> int:
    _array(h).drop_grad()
    return 1


@_export
def mark_variables(n: int, variables: Any, gradients: Any, grad_reqs: Any) -> int:
    reqs: Any = [string(grad_reqs[i]).decode() for i in range(n)] if grad_reqs else "write"
    autograd.mark_variables(_array_list(n, variables), _array_list(n, gradients), reqs)
    return 1


_NO_GRAD = 1        # NO_GRAD of shim.c


@_export
def grad(h: int) -> int:
    g = _array(h).grad
    return _NO_GRAD if g is None else _give(g)


@_export
def detach(h: int) -> int:
    return _give(_array(h).detach())


_backward = autograd.backward


@_export
def backward(n: int, heads: Any, head_grads: Any, retain: int, train: int) -> int:
    grads = _optional_list(n, head_grads) if head_grads else None
    _backward(_array_list(n, heads), grads, bool(retain), bool(train))
    return 1


@_export
def grad_of(
    n_heads: int, heads: Any, head_grads: Any, n_vars: int, variables: Any, retain: int, create_graph: int,
    train: int, out: Any,
) -> int:
    grads = _optional_list(n_heads, head_grads) if head_grads else None
    found = autograd.grad(
        _array_list(n_heads, heads), _array_list(n_vars, variables), grads, bool(retain), bool(create_graph),
        bool(train),
    )
    out[0:n_vars] = [_give(g) for g in found]
    return 1


# -- custom functions ------------------------------------------------------------------------------------


class _Deletion:
    """Calls the deleter of a callback when it goes itself.  Where another thread lets it go, such as the one
    that the garbage collector happens to run on, it waits until its own thread makes the next.
    """

    def __init__(self, deleter: Any, ctx: Any) -> None:
        self.deleter, self.ctx, self.waiting = deleter, ctx, _local.deletions
        while self.waiting:
            delete, old = self.waiting.pop()
            delete(old)

    def __del__(self) -> None:
        if self.deleter:
            if self.waiting is _local.deletions:
                self.deleter(self.ctx)
            else:
                self.waiting.append((self.deleter, self.ctx))


class _Function:
    """A custom function of two callbacks; the deleter runs when neither its handle nor a tape needs it."""

    def __init__(self, name: str, forward: Any, backward: Any, ctx: Any, deleter: Any) -> None:
        self.forward, self.backward, self.ctx = forward, backward, ctx
        self.deletion = _Deletion(deleter, ctx)
        self.call: type[_Call] = type(name, (_Call,), {})


class _Call(autograd.Function):
    """One call of a custom function; the engine names it by its class."""

    def __init__(self, function: _Function, n_out: int) -> None:
        super().__init__()
        self.function, self.n_out, self.n_in = function, n_out, 0
        self.stage = ""

    def forward(self, *inputs: Any) -> list[Any]:
        self.n_in = len(inputs)
        outputs = self._run("forward", self.function.forward, inputs, self.n_out)
        missing = [i for i, y in enumerate(outputs) if y is None]
        if missing:
            name = type(self).__name__
            raise CallbackError(f"custom function {name!r} forward left out[{missing[0]}] unset")
        return outputs

    def backward(self, *head_grads: Any) -> list[Any]:
        return self._run("backward", self.function.backward, (*head_grads, *self.saved_tensors), self.n_in)

    def _run(self, stage: str, callback: Any, inputs: Sequence[Any], n_out: int) -> list[Any]:
        """The callback's outputs, None where it set none.  Every handle that it left is taken back."""
        what = f"custom function {type(self).__name__!r} {stage}"
        lent: list[int] = []
        outputs: list[Any] = []
        given = new("int64_t[]", n_out or 1)
        _local.calls.append(self)
        self.stage = stage
        try:
            lent.extend(map(_give, inputs))
            c_lent = new("int64_t[]", lent or 1)
            status = lib.mxg_c_call(callback, self.function.ctx, len(lent), c_lent, n_out, given)
            if status:
                raise CallbackError(f"{what}: {string(lib.mxg_last_error()).decode()}")
        finally:
            self.stage = ""
            _local.calls.pop()
            for h in lent:
                _arrays.pop(h, None)
            outputs.extend(_arrays.pop(given[i], None) for i in range(n_out))
        for i, y in enumerate(outputs):
            h = given[i]
            if h in lent:
                raise CallbackError(f"{what} gave its input back as out[{i}]; give a mxg_ndarray_dup of it")
            if h and y is None:
                raise CallbackError(f"{what}: out[{i}] is {_hex(h)}, which is no array of its own")
        return outputs


@_export
def function_new(name: Any, forward: Any, backward: Any, ctx: Any, deleter: Any) -> int:
    h = _next_handle()
    text = string(name).decode()
    _functions[h] = _Function(text, forward, backward, ctx, deleter)
    return h


@_export
def function_call(h: int, n_in: int, handles: Any, n_out: int, out: Any) -> int:
    try:
        f = _functions[h]
    except KeyError:
        raise _no_handle(h, "custom function") from None
    outputs = f.call(f, n_out)(*_array_list(n_in, handles))
    if n_out:
        out[0:n_out] = [_give(y) for y in outputs]
    return 1


@_export
def save_for_backward(n: int, handles: Any) -> int:
    if not _local.calls or _local.calls[-1].stage != "forward":
        raise base.InvalidValueError("no forward callback is running whose backward could use the arrays")
    _local.calls[-1].save_for_backward(*_array_list(n, handles))
    return 1


@_export
def function_free(h: int) -> int:
    try:
        del _functions[h]
    except KeyError:
        raise _no_handle(h, "custom function") from None
    return 1


# -- programs --------------------------------------------------------------------------------------------


@_export
def program_begin(n: int, handles: Any) -> int:
    arguments = _array_list(n, handles)
    if len({id(a) for a in arguments}) < n:
        raise base.InvalidValueError("one array cannot be two arguments of a program; give a copy of it")
    _local.program = Recording(arguments)
    return 1


@_export
def program_end(n: int, handles: Any, is_wanted: int) -> int:
    recording, _local.program = _local.program, None
    if recording is None:
        raise base.ProgramError("no program has begun on this thread")
    with recording.scope:
        if not is_wanted:
            return 1
        routine = Routine(recording, _array_list(n, handles))
    h = _next_handle()
    _programs[h] = routine
    return h


@_export
def program_run(h: int, n_in: int, handles: Any, n_out: int, out: Any) -> int:
    try:
        program = _programs[h]
    except KeyError:
        raise _no_handle(h, "program") from None
    if n_out != program.n_out:
        raise base.InvalidValueError(f"the program gives {program.n_out} arrays, room is for {n_out}")
    outputs = program.run(_array_list(n_in, handles))
    if n_out:
        out[0:n_out] = [_give(y) for y in outputs]
    return 1


@_export
def program_free(h: int) -> int:
    try:
        del _programs[h]
    except KeyError:
        raise _no_handle(h, "program") from None
    return 1


# -- random numbers --------------------------------------------------------------------------------------


@_export
def seed(seed: int, context: Any) -> int:
    mxgrad.random.seed(seed, _context(context) if context else "all")
    return 1
