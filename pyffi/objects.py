"""The Python side of values and objects: mxgrad's public interface, called by name from C.

What C reaches is decided in one place, `_attribute`: public names of mxgrad's modules, classes and objects.
"""
from __future__ import annotations

import functools
import importlib
import importlib.machinery
import inspect
import itertools
import threading
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from contextlib import AbstractContextManager
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

import mxgrad
import numpy
from mxgrad import base, nd
from mxgrad.array import Array, wrap
from mxgrad.context import as_context
from mxgrad.tape import add_internal

from . import capi
from .capi import (
    CallbackError,
    _array,
    _Deletion,
    _export,
    _give,
    _name_address,
    _names,
    _next_handle,
    _no_handle,
    _objects,
)

add_internal(__file__)

NONE, BOOL, INT, DOUBLE, STRING, BYTES, NDARRAY, OBJECT, LIST, DICT, CALLABLE = range(11)      # MXG_IS_*
DEPTH = 64      # of lists and dicts in each other


def _object(h: int) -> Any:
    try:
        return _objects[h]
    except KeyError:
        raise _no_handle(h, "object") from None


# -- values read -----------------------------------------------------------------------------------------


class _Callable:
    """A function of C as a Python function."""

    __name__ = "callback"       # which callers put into names and messages

    def __init__(self, function: Any, ctx: Any, deleter: Any) -> None:
        self.function, self.ctx, self.deletion = function, ctx, _Deletion(deleter, ctx)

    def __call__(self, *args: Any, **named: Any) -> Any:
        if _is_worker():
            raise CallbackError("a function of the program was called on a thread of Python's own, such as a "
                                "data loader's worker; callbacks run on the thread that made the call")
        lib, new = capi.lib, capi.new
        lent = new("mxg_value[]", len(args) + 1)        # one more for those with names
        result = new("mxg_value *")
        try:
            for i, x in enumerate(args):
                _write(lent + i, x)
            if named:
                _write(lent + len(args), named)
            status = lib.mxg_c_call_values(self.function, self.ctx, len(args), lent, lent + len(args), result)
            if status == lib.MXG_ERR_STOP:
                raise StopIteration
            if status:
                raise CallbackError(capi.string(lib.mxg_last_error()).decode())
            return _values(None, result)[0]
        finally:
            for i in range(len(args) + 1):
                lib.mxg_value_clear(lent + i)
            lib.mxg_value_clear(result)


def _is_worker() -> bool:
    """Whether Python started this thread, not the program."""
    thread = threading.current_thread()
    return thread is not threading.main_thread() and not isinstance(thread, threading._DummyThread)


def _address(v: Any) -> int:
    return int(capi.cast("intptr_t", v.at))


def _bytes(v: Any) -> bytes:
    if not v.at:
        if v.count > 0 or v.kind == STRING:
            raise base.InvalidValueError("a string or bytes value is NULL")
        return b""
    if v.count == -1 and v.kind == STRING:
        return capi.string(capi.cast("char *", v.at))       # type: ignore[no-any-return]
    if v.count < 0:
        raise base.InvalidValueError(f"a string or bytes value has a count of {v.count}")
    return bytes(capi.buffer(v.at, v.count)) if v.count else b""


def _items(v: Any, taken: _Taken, depth: int) -> list[Any]:
    if v.count < 0 or v.count and not v.at:
        raise base.InvalidValueError(f"a list or dict value has a count of {v.count}"
                                     f"{'' if v.at else ' and is NULL'}")
    if depth >= DEPTH:
        raise base.InvalidValueError(f"lists and dicts are nested more than {DEPTH} deep")
    first = capi.cast("mxg_value *", v.at)
    return [_read(first + i, taken, depth + 1) for i in range(v.count)]


def _dict(v: Any, taken: _Taken, depth: int) -> dict[Any, Any]:
    if v.count % 2:
        raise base.InvalidValueError(f"a dict value has a count of {v.count}: key, value, ... is even")
    flat = _items(v, taken, depth)
    found = dict(zip(flat[::2], flat[1::2]))
    if 2 * len(found) != len(flat):
        raise base.InvalidValueError("a dict value has a key twice")
    return found


def _callable(v: Any, taken: _Taken, depth: int) -> _Callable:
    try:
        return taken[int(capi.cast("intptr_t", v))]
    except KeyError:
        raise base.InvalidValueError("a callable is NULL, or has no function") from None


_READ: tuple[Callable[[Any, Any, int], Any], ...] = (        # by MXG_IS_*
    lambda v, taken, depth: None,
    lambda v, taken, depth: v.number != 0,
    lambda v, taken, depth: v.number,
    lambda v, taken, depth: v.real,
    lambda v, taken, depth: _bytes(v).decode(),
    lambda v, taken, depth: _bytes(v),
    lambda v, taken, depth: _array(_address(v)),
    lambda v, taken, depth: _object(_address(v)),
    lambda v, taken, depth: (tuple if v.number else list)(_items(v, taken, depth)),
    _dict,
    _callable,
)


def _read(v: Any, taken: _Taken, depth: int = 0) -> Any:
    """What a value of C holds."""
    kind = v.kind
    if not 0 <= kind < len(_READ):
        raise base.InvalidTypeError(f"a value has the kind {kind}, which is no MXG_IS_*")
    return _READ[kind](v, taken, depth)


# the callables among the values of a call, by the address of the value
_Taken = dict[int, _Callable]


def _take(v: Any, taken: _Taken, depth: int = 0) -> None:
    """Takes over the callables in a value, before anything can fail: then their deleters run in any case."""
    kind = v.kind
    if kind == CALLABLE and v.at:
        c = capi.cast("mxg_callable *", v.at)
        if c.function:
            taken[int(capi.cast("intptr_t", v))] = _Callable(c.function, c.ctx, getattr(c, "del"))
    elif kind in (LIST, DICT) and v.at and depth < DEPTH:
        first = capi.cast("mxg_value *", v.at)
        for i in range(v.count):
            _take(first + i, taken, depth + 1)


def _values(target: Any, *values: Any) -> list[Any]:
    """What the values of a call hold.  Callables in the target, which cannot be one, are taken over, too."""
    taken: _Taken = {}
    for v in (target, *values):
        if v and v.kind > OBJECT:
            _take(v, taken)
    return [_read(v, taken) for v in values]


def _arguments(target: Any, n: int, args: Any, named: Any) -> tuple[list[Any], dict[str, Any]]:
    taken: _Taken = {}
    if target and target.kind > OBJECT:
        _take(target, taken)
    given = [args + i for i in range(n)]
    for v in given:
        if v.kind > OBJECT:
            _take(v, taken)
    if not named or named.kind == NONE:
        return [_read(v, taken) for v in given], {}
    _take(named, taken)
    values = [_read(v, taken) for v in given]
    if named.kind != DICT:
        raise base.InvalidTypeError("the arguments by name are no dict value")
    keywords = _dict(named, taken, 0)
    for key in keywords:
        if not isinstance(key, str):
            raise base.InvalidTypeError(f"an argument is named {key!r}, which is no string")
    return values, keywords


# -- values written --------------------------------------------------------------------------------------


# its functions take addresses and believe what they are told
_UNSAFE = "mxgrad.kernels"


def _is_ours(module: Any) -> bool:
    return isinstance(module, str) and _is_our_name(module)


@functools.lru_cache(maxsize=1024)
def _is_our_name(module: str) -> bool:
    return f"{module}.".startswith("mxgrad.") and not f"{module}.".startswith(f"{_UNSAFE}.")


def _is_passed_on(x: Any) -> bool:
    """Whether this is one of the functions and classes of NumPy's own that `mxgrad.np` offers."""
    return (getattr(x, "__module__", None) == "numpy" and x.__name__ in dir(mxgrad.np)
            and getattr(mxgrad.np, x.__name__) is x)


def _is_public(x: Any) -> bool:
    """Whether C may hold this as an object."""
    if isinstance(x, ModuleType):
        return _is_ours(x.__name__)
    if isinstance(x, type):
        return _is_ours(x.__module__) or _is_passed_on(x)
    if isinstance(x, MethodType):
        return _is_public(x.__self__)
    if isinstance(x, FunctionType):
        return _is_ours(x.__module__) or x.__module__ == __name__ or _is_passed_on(x)
    if isinstance(x, BuiltinMethodType):
        return _is_ours(type(x.__self__).__module__)
    return _is_ours(type(x).__module__) or isinstance(x, (_Callable, Iterator, AbstractContextManager))


def _call_status(status: int) -> None:
    if status:
        raise MemoryError("no memory for a result")


def _write(out: Any, x: Any, depth: int = 0) -> None:
    """Makes `out`, a pointer to a value that is "none", hold `x`."""
    kind = type(x)
    if x is None:
        return
    if kind is float:
        out.real, out.kind = x, DOUBLE
    elif isinstance(x, Array):
        out.at, out.kind = capi.cast("void *", _give(x)), NDARRAY
    elif kind is bool or kind is int:
        if not -1 << 63 <= x < 1 << 63:
            raise base.InvalidValueError(f"the integer {x} has more than 64 bits")
        out.number, out.kind = x, BOOL if kind is bool else INT
    elif isinstance(x, str):
        text = _text(x)
        _call_status(capi.lib.mxg_value_string(text, len(text), out))
    elif isinstance(x, (bytes, bytearray, memoryview)):
        data = bytes(x)
        _call_status(capi.lib.mxg_value_bytes(data, len(data), out))
    elif isinstance(x, numpy.generic):
        _write(out, x.item(), depth)
    elif isinstance(x, numpy.ndarray):
        known = x.dtype in capi._DL_CODES
        _write(out, wrap(nd.NDArray, x, as_context("cpu(0)")) if known else x.tolist(), depth)
    elif isinstance(x, numpy.dtype) or isinstance(x, type) and issubclass(x, numpy.generic):
        _write(out, numpy.dtype(x).name)
    elif isinstance(x, (numpy.finfo, numpy.iinfo)):
        limits = {limit: getattr(x, limit) for limit in _LIMITS if hasattr(x, limit)}
        if limits["max"] >= 1 << 63:
            limits["max"] = float(limits["max"])
        _write(out, limits, depth)
    elif not _is_ours(kind.__module__) and isinstance(x, Mapping):
        _write_all(out, list(itertools.chain.from_iterable(x.items())), True, depth)
    elif not _is_ours(kind.__module__) and isinstance(
            x, (list, tuple, set, frozenset, range, KeysView, ValuesView, ItemsView)):
        _write_all(out, list(x), False, depth)
        out.number = isinstance(x, (tuple, KeysView, ValuesView, ItemsView))
    elif _is_public(x):
        h = _next_handle()
        _objects[h] = x
        out.at, out.kind = capi.cast("void *", h), OBJECT
    else:
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        raise base.InvalidTypeError(f"the result is a {name}, which is not part of mxgrad's public interface")


# what NumPy's descriptions of dtypes tell
_LIMITS = ("bits", "dtype", "eps", "epsneg", "max", "min", "precision", "resolution", "smallest_normal",
           "smallest_subnormal", "tiny")


def _text(x: str) -> bytes:
    return str(x).encode("utf-8", "backslashreplace")


def _write_all(out: Any, values: list[Any], as_dict: bool, depth: int) -> None:
    if depth >= DEPTH:
        raise base.InvalidValueError(f"the result has lists and dicts nested more than {DEPTH} deep")
    _call_status(capi.lib.mxg_value_list(len(values), as_dict, out))
    first = capi.cast("mxg_value *", out.at)
    for i, x in enumerate(values):
        _write(first + i, x, depth + 1)


def _result(out: Any, x: Any) -> int:
    """Writes the result of a call, if C wants it."""
    if out:
        try:
            _write(out, x)
        except BaseException:
            capi.lib.mxg_value_clear(out)
            raise
    return 1


# -- what is public --------------------------------------------------------------------------------------


# what MXNet has for those who write optimizers and initializers
_FOR_AUTHORS = frozenset({"_get_lr", "_get_lrs", "_get_wd", "_get_wds", "_init_weight", "_update_count"})


@functools.lru_cache(maxsize=4096)
def _is_public_name(name: str) -> bool:
    return name.isidentifier() and (name[0] != "_" or name in _FOR_AUTHORS)


def _target(target: Any) -> Any:
    """The object or array of a value; the package itself for NULL."""
    if not target:
        return mxgrad
    if target.kind not in (OBJECT, NDARRAY):
        raise base.InvalidTypeError("the target is neither an object nor an array")
    return _read(target, {})


def _lone_target(target: Any) -> Any:
    """`_target`, of a call without other values."""
    _values(target)
    return _target(target)


def _describe(owner: Any) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return owner.__qualname__ if isinstance(owner, type) else f"a {type(owner).__qualname__}"


def _has_attributes(owner: Any) -> bool:
    if isinstance(owner, ModuleType):
        return _is_public(owner)
    return _is_ours((owner if isinstance(owner, type) else type(owner)).__module__)


def _attribute(owner: Any, name: str) -> Any:
    """The public attribute of that name."""
    if not _is_public_name(name):
        raise base.UnknownNameError(f"{name!r} is no public name")
    if not _has_attributes(owner):
        raise base.UnknownNameError(f"{_describe(owner)} has no public attributes, so no {name!r}")
    try:
        found = getattr(owner, name)
    except AttributeError as error:
        # a property that fails is not a name that is missing
        if not isinstance(owner, ModuleType) and hasattr(type(owner), name):
            raise
        found = _submodule(owner, name)
        if found is None:
            public = [n for n in dir(owner) if not n.startswith("_")]
            raise base.UnknownNameError(
                f"{_describe(owner)} has no {name!r}{base.nearest(name, public)}") from error
    kinds = (ModuleType, FunctionType, BuiltinMethodType, type, type(Any))      # Any is no class before 3.11
    if isinstance(owner, ModuleType) and isinstance(found, kinds):
        if _is_helper(owner, name, found):
            raise base.UnknownNameError(f"{name!r} is none of the names that {_describe(owner)} offers")
        home = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", None)
        if not (_is_ours(home) or isinstance(found, type) and issubclass(found, numpy.generic)
                or _is_passed_on(found)):
            raise base.UnknownNameError(f"{name!r} of {_describe(owner)} is from {home}, which is not public")
    return found


def _is_helper(module: ModuleType, name: str, found: Any) -> bool:
    """Whether a function that a module has is for mxgrad's own use: its list of names leaves it out.  One
    that makes functions when they are asked for does not list them.
    """
    has = vars(module)
    return "__all__" in has and "__getattr__" not in has and isinstance(found, FunctionType) \
        and found.__module__ == module.__name__ and {name, found.__name__}.isdisjoint(has["__all__"])


def _submodule(owner: Any, name: str) -> Any:
    """A module of the package `owner` that nobody has imported yet, or None."""
    if not isinstance(owner, ModuleType) or not hasattr(owner, "__path__"):
        return None
    full = f"{owner.__name__}.{name}"
    found = importlib.machinery.PathFinder.find_spec(full, owner.__path__)
    return importlib.import_module(full) if found else None


def _resolve(owner: Any, path: str) -> Any:
    for name in path.split("."):
        owner = _attribute(owner, name)
    return owner


# -- calls -----------------------------------------------------------------------------------------------


def _called(function: Any, path: str, /, *values: Any, **keywords: Any) -> Any:
    """What `function`, or what it has under the `path`, gives when it is called."""
    if path:
        function = _resolve(function, path)
    if not callable(function):
        raise base.InvalidTypeError(f"{path or _describe(function)} cannot be called")
    return function(*values, **keywords)


def _written(address: int, x: Any) -> int:
    """`_result` at an address."""
    return _result(capi.cast("mxg_value *", address), x)


@_export
def call(target: Any, method: Any, n: int, args: Any, named: Any, result: Any) -> int:
    values, keywords = _arguments(target, n, args, named)
    path = capi.string(method).decode() if method else ""
    return _result(result, _called(_target(target), path, *values, **keywords))


@_export
def get(target: Any, name: Any, result: Any) -> int:
    return _result(result, _resolve(_lone_target(target), capi.string(name).decode()))


@_export
def set_(target: Any, name: Any, value: Any) -> int:
    [new] = _values(target, value)
    path, _, last = capi.string(name).decode().rpartition(".")
    owner = _target(target)
    if path:
        owner = _resolve(owner, path)
    if not last.isidentifier() or last.startswith("_"):
        raise base.UnknownNameError(f"{last!r} is no public name")
    if isinstance(owner, (ModuleType, type)) or not _has_attributes(owner):
        raise base.InvalidTypeError(f"attributes of {_describe(owner)} cannot be set")
    setattr(owner, last, new)
    return 1


@_export
def get_item(target: Any, key: Any, result: Any) -> int:
    [at] = _values(target, key)
    return _result(result, _target(target)[_key(at)])


@_export
def set_item(target: Any, key: Any, value: Any) -> int:
    at, new = _values(target, key, value)
    _target(target)[_key(at)] = new
    return 1


def _key(found: Any) -> Any:
    return tuple(found) if isinstance(found, list) else found


@_export
def length(target: Any) -> int:
    return len(_lone_target(target)) + 1


@_export
def iterate(target: Any, iterator: Any) -> int:
    return _result(iterator, iter(_lone_target(target)))


@_export
def next_(iterator: Any, result: Any) -> int:
    over = object()
    found = next(_lone_target(iterator), over)
    if found is over:
        return 1
    _result(result, found)
    return 2


@_export
def enter(target: Any, result: Any) -> int:
    return _result(result, _context_manager(target).__enter__())


@_export
def exit_(target: Any, is_error: int) -> int:
    kind = CallbackError if is_error else None
    _context_manager(target).__exit__(kind, kind and kind("the block failed"), None)
    return 1


def _context_manager(target: Any) -> AbstractContextManager[Any]:
    found = _lone_target(target)
    if not isinstance(found, AbstractContextManager):
        raise base.InvalidTypeError(f"{_describe(found)} cannot be entered")
    return found


# -- classes made by C -----------------------------------------------------------------------------------


class _Calls:
    """The iterator that calls a function until it says that it has no more."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def __iter__(self) -> _Calls:
        return self

    def __next__(self) -> Any:
        return self.function()


def _iterator(found: Any) -> Iterator[Any]:
    return _Calls(found) if isinstance(found, _Callable) else iter(found)


# what a class made by C may define besides public names, and what becomes of the callable's result
_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "__call__": lambda x: x,
    "__getitem__": lambda x: x,
    "__setitem__": lambda x: x,
    "__iter__": _iterator,
    "__len__": int,
    "__repr__": str,
}


def _method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    finish = _SPECIAL.get(name)

    def method(self: Any, *args: Any, **named: Any) -> Any:
        found = function(self, *args, **named)
        return found if finish is None else finish(found)

    method.__name__ = name
    return method


@_export
def subclass(base_class: Any, name: Any, methods: Any, result: Any) -> int:
    [functions] = _values(base_class, methods)
    parent = _target(base_class)
    if not isinstance(parent, type):
        raise base.InvalidTypeError(f"{_describe(parent)} is no class to derive from")
    text = capi.string(name).decode()
    if not text.isidentifier():
        raise base.InvalidValueError(f"{text!r} is no name for a class")
    if not isinstance(functions, dict):
        raise base.InvalidTypeError("the methods are no dict value")
    for key, function in functions.items():
        if not isinstance(key, str) or not (key in _SPECIAL or _is_public_name(key)):
            raise base.InvalidValueError(
                f"{key!r} cannot be defined: only public names and {', '.join(_SPECIAL)} can")
        if not callable(function):
            raise base.InvalidTypeError(f"the method {key!r} is no callable")
    made = {key: _method(key, function) for key, function in functions.items()}
    return _result(result, type(parent)(text, (parent,), {**made, "__module__": parent.__module__}))


# -- objects ---------------------------------------------------------------------------------------------


@_export
def object_dup(h: int) -> int:
    x, new_h = _object(h), _next_handle()
    _objects[new_h] = x
    return new_h


@_export
def object_free(h: int) -> int:
    try:
        del _objects[h]
    except KeyError:
        raise _no_handle(h, "object") from None
    return 1


@_export
def object_id(h: int) -> int:
    return id(_object(h))


@_export
def object_is_a(h: int, name: Any) -> int:
    x, path = _object(h), capi.string(name).decode()
    found = _resolve(mxgrad, path)
    if not isinstance(found, type):
        raise base.InvalidTypeError(f"{path} is no class")
    return isinstance(x, found) + 1


@_export
def object_class(h: int) -> int:
    kind = type(_object(h))
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("mxgrad.").removeprefix("builtins.")
    try:
        return _names[name][1]
    except KeyError:
        return _name_address(name, name)


def _parameters(x: Any) -> str:
    """The parameters of something callable, as mxg_object_parameters describes them."""
    if isinstance(x, _Callable) or not callable(x):
        return "* **"
    try:
        found = inspect.signature(x).parameters.values()
    except ValueError:      # of C's functions not all say theirs
        return "* **"
    names, by_position = [], True
    for p in found:
        if p.kind is p.KEYWORD_ONLY and by_position:
            names.append("-")
        by_position = by_position and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        if p.kind is p.VAR_POSITIONAL or p.kind is p.VAR_KEYWORD:
            names.append("*" if p.kind is p.VAR_POSITIONAL else "**")
        else:
            names.append(p.name + ("" if p.default is p.empty else "="))
    return " ".join(names)


capi._TEXTS += [lambda h: str(_object(h)), lambda h: _parameters(_object(h))]     # TEXT_OBJECT, ...
