"""A stand-in for the module ``cupy`` in tests: NumPy computes, and CuPy's rules hold, made strict (level 1).

``DeviceBackend(device_double, 0)`` behaves as with CuPy on a machine with two GPUs. What a GPU would
refuse, or do silently and badly, raises here, so that a test without a GPU sees it. DeviceRuleError is
raised for

- a NumPy array or NumPy scalar in a device function, operator or assignment (CuPy refuses it, or copies
  it over);
- a device array in a NumPy function (CuPy refuses, or answers in NumPy's place);
- a list or NumPy array as an index or as the assigned value (CuPy copies it to the device);
- a device array where a host number is wanted, such as an axis or shape (CuPy waits for the device);
- arrays of two devices, or of another device than the current one (CuPy copies between devices);
- a parameter that CuPy's function does not have; a name that CuPy does not have is an AttributeError;
- different values assigned to one place through an index array (on a GPU, any of them stays).

An index array with a number out of range is an IndexError (CuPy wraps it around). Memory that nobody
wrote (`empty`) holds nan, or the extreme of an integer type.

Python numbers are operands, as in CuPy; results of reductions and of ``x[0, 1]`` stay 0-d device arrays.
Copies between host and device, waits for the device, copies between devices, and kernels are counted::

    with count() as cost:
        loss = step(x)
    assert cost.d2h == cost.sync == 0

Which names and parameters there are says ``cupy_manifest.json``, made from the real CuPy. Also here, as
in CuPy: ``cuda.Device``, ``cuda.runtime``, ``cuda.Stream.null``, memory figures and OutOfMemoryError (see
DEVICE_MEMORY), ``linalg``, ``fft``, ``lib.stride_tricks``. The sum at repeated indices is
``add.at(a, index, values)``, spelled alike in NumPy and CuPy; ``cupyx.scatter_add`` is the attribute
``cupyx`` here, where CuPy has a module of its own.

Not imitated: asynchrony, random numbers, hand-written kernels. NumPy's, not CUDA's, are the
rounding, denormals (a GPU flushes float32 ones to 0), floats out of range made integers, and singular
matrices (nan on a GPU).

>>> x = asarray([1.0, 2.0])
>>> with count() as cost:
...     y = float((x * x).sum())
>>> y, cost
(5.0, Counts(h2d=0, d2h=1, p2p=0, sync=1, kernels=2))
>>> numpy.exp(x)
Traceback (most recent call last):
    ...
mxgrad.device_double.DeviceRuleError: numpy.exp of a device array
"""
from __future__ import annotations

import inspect
import json
import operator
import pathlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import cache, partial
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy

DEVICES = 2
DEVICE_MEMORY = 1 << 34
"""Bytes of memory of each device; a test may make it small."""

_MANIFEST: dict[str, Any] = json.loads(pathlib.Path(__file__).with_name("cupy_manifest.json").read_text())
__version__: str = _MANIFEST["cupy"]


class DeviceRuleError(TypeError):
    """Something that CuPy refuses, or that would be slow or wrong without a word on a GPU."""


class CUDARuntimeError(RuntimeError):
    """As cupy.cuda.runtime.CUDARuntimeError."""


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


# --- counters -----------------------------------------------------------------------------------------

@dataclass
class Counts:
    """What was done: copies host to device, device to host and between devices, waits, kernels started."""

    h2d: int = 0
    d2h: int = 0
    p2p: int = 0
    sync: int = 0
    kernels: int = 0


stats = Counts()
"""All that was done so far, by every thread."""

_lock = threading.RLock()  # reentrant: freeing an array, which counts too, can happen anywhere


def _add(**amounts: int) -> None:
    with _lock:
        for name, amount in amounts.items():
            setattr(stats, name, getattr(stats, name) + amount)


@contextmanager
def count() -> Iterator[Counts]:
    """What the body did, in the Counts that it gives; filled when the body ends."""
    before, cost = astuple(stats), Counts()
    try:
        yield cost
    finally:
        for name, old, new in zip(vars(cost), before, astuple(stats), strict=True):
            setattr(cost, name, new - old)


# --- devices and their memory -------------------------------------------------------------------------

class _Thread(threading.local):
    """Each thread has a current device; a new one starts on device 0, whatever its parent chose."""

    def __init__(self) -> None:
        self.device = 0
        self.outer: list[int] = []


_thread = _Thread()


class Device:
    """A device by number (the current one without a number); ``with Device(1):`` makes it current."""

    def __init__(self, device: int | None = None) -> None:
        self.id = _thread.device if device is None else int(device)

    def use(self) -> None:
        if not 0 <= self.id < DEVICES:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        _thread.device = self.id

    def __enter__(self) -> Device:
        outer = _thread.device
        self.use()
        _thread.outer.append(outer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _thread.device = _thread.outer.pop()

    def synchronize(self) -> None:
        _add(sync=1)

    @property
    def mem_info(self) -> tuple[int, int]:
        """(free, total) bytes."""
        return DEVICE_MEMORY - _used[self.id], DEVICE_MEMORY

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


_used = [0] * DEVICES


class _Memory:
    """A piece of one device's memory, shared by an array and its views; given back with the last of them."""

    __slots__ = ("device", "nbytes")

    def __init__(self, device: int, nbytes: int) -> None:
        self.device, self.nbytes = device, 0
        with _lock:
            if _used[device] + nbytes > DEVICE_MEMORY:
                raise OutOfMemoryError(
                    f"Out of memory allocating {nbytes:,} bytes (allocated so far: {_used[device]:,} bytes)."
                )
            _used[device] += nbytes
            self.nbytes = nbytes

    def __del__(self) -> None:
        with _lock:
            _used[self.device] -= self.nbytes


class _Pool:
    """The memory pool of the current device. It keeps nothing back, so there is nothing to free."""

    def used_bytes(self) -> int:
        return _used[_thread.device]

    total_bytes = used_bytes

    def free_all_blocks(self) -> None:
        pass


def get_default_memory_pool() -> _Pool:
    return _Pool()


def is_available() -> bool:
    return True


class Stream:
    """The default stream, the only one."""

    null: Stream

    def synchronize(self) -> None:
        _add(sync=1)


Stream.null = Stream()


# --- what may go into a call, and what comes out ------------------------------------------------------

# Parameters that are host numbers, shapes, names … by CuPy's names for them.
_HOST = frozenset("""
    M N axes axis axis1 axis2 axisa axisb axisc base casting constant_values ddof decimals deg density
    destination dimensions dims dtype edge_order end_values endpoint indices_or_sections k keepdims kind
    kth minlength mode n ndim new_shape newshape num offset ord order pad_width range rcond repeats reps
    shape shift side source start stat_length step stop strides tol window_shape
""".split())
# Parameters where lists of host numbers are right as well as device arrays.
_EITHER = frozenset("arrays_and_dtypes bins operands q varargs".split())
# Functions that look at shapes and dtypes only.
_HOST_FUNCTIONS = frozenset("""
    broadcast_shapes can_cast common_type iscomplexobj isdtype isfortran isrealobj isscalar issubdtype
    iterable may_share_memory min_scalar_type ndim promote_types result_type shape shares_memory size
""".split())
_NOT_IMITATED = frozenset("""
    apply_along_axis apply_over_axes array2string array_repr array_str asarray_chkfinite disp fromDlpack
    from_dlpack frombuffer fromfile fromfunction fromiter fromstring fuse genfromtxt get_array_module
    get_array_wrap load loadtxt memoize piecewise save savetxt savez savez_compressed who
""".split())
# CUDA has atomicAdd and CuPy's atomicMax for these; other element types cannot be scattered into.
_ATOMIC = {"add": "iIlLqQefd", "maximum": "iIlLqQfd", "minimum": "iIlLqQfd"}


def signature(words: str) -> inspect.Signature:
    """The signature that a parameter string of the manifest stands for.

    >>> signature("a axis= * out=").bind(1, axis=2).arguments
    {'a': 1, 'axis': 2}
    """
    parameters: list[inspect.Parameter] = []
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for word in words.split():
        if word == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif word.startswith("**"):
            parameters.append(inspect.Parameter(word[2:], inspect.Parameter.VAR_KEYWORD))
        elif word.startswith("*"):
            parameters.append(inspect.Parameter(word[1:], inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            default = None if word.endswith("=") else inspect.Parameter.empty
            parameters.append(inspect.Parameter(word.rstrip("="), kind, default=default))
    return inspect.Signature(parameters)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex)) and not isinstance(value, numpy.generic)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value


def _refuse_host(name: str, value: Any) -> None:
    if isinstance(value, numpy.ndarray):
        raise DeviceRuleError(f"cupy.{name}: Unsupported type {type(value)} (an array on the host)")
    if isinstance(value, numpy.generic):
        raise DeviceRuleError(f"cupy.{name}: {value!r} is a NumPy scalar; use a Python number")


def _check(name: str, arguments: dict[str, Any]) -> None:
    """Refuse what a CuPy function would refuse, or would have to copy between host and device."""
    for place, (parameter, value) in enumerate(arguments.items()):
        host = parameter in _HOST and (name, parameter) != ("linalg.matrix_power", "M")
        nested = isinstance(value, (list, tuple))
        for leaf in _leaves(value):
            _refuse_host(name, leaf)
            if host and isinstance(leaf, ndarray):
                raise DeviceRuleError(
                    f"cupy.{name}: {parameter} is a device array where a host value is wanted; "
                    "the device would be waited for"
                )
            array_wanted = not host and parameter not in _EITHER and (nested or place == 0)
            if array_wanted and _is_number(leaf):
                raise DeviceRuleError(f"cupy.{name}: {parameter} is on the host, not a device array")


def _lower(value: Any, operands: list[ndarray]) -> Any:
    """`value` with the NumPy arrays that hold the device arrays' values; those are added to `operands`."""
    if isinstance(value, ndarray):
        operands.append(value)
        return value._host
    if isinstance(value, (list, tuple)):
        return type(value)(_lower(item, operands) for item in value)
    if isinstance(value, dict):
        return {key: _lower(item, operands) for key, item in value.items()}
    return value


def _require_here(name: str, operands: list[ndarray]) -> None:
    devices = sorted({array._memory.device for array in operands})
    if len(devices) > 1:
        raise DeviceRuleError(f"cupy.{name}: arrays on devices {devices}, without a copy in between")
    if devices and devices[0] != _thread.device:
        raise DeviceRuleError(
            f"cupy.{name}: the array is on device {devices[0]}, but device {_thread.device} is current; "
            "the result would land there"
        )


def _root(host: Any) -> Any:
    """The array that owns the memory `host` looks at."""
    while getattr(host, "base", None) is not None:
        host = host.base
    return host


def _new(host: numpy.ndarray, memory: _Memory) -> ndarray:
    array = object.__new__(ndarray)
    array._host, array._memory, array.base = host, memory, None
    return array


def _view(host: numpy.ndarray, of: ndarray) -> ndarray:
    array = _new(host, of._memory)
    array.base = of if of.base is None else of.base
    return array


def _lift_array(result: Any, operands: list[ndarray]) -> ndarray:
    """The device array of NumPy's `result`, an array or number; a view shares the memory of its operand."""
    for operand in operands:
        if result is operand._host:
            return operand
    host = numpy.asarray(result)
    if host.dtype.kind not in "biufc" or host.dtype.itemsize > (16 if host.dtype.kind == "c" else 8):
        raise ValueError(f"Unsupported dtype {host.dtype}")
    root = _root(host)
    for operand in operands:
        if _root(operand._host) is root:
            return _view(host, operand)
    return _new(host, _Memory(_thread.device, host.nbytes))


def _lift(result: Any, operands: list[ndarray]) -> Any:
    """NumPy's `result` with device arrays for its arrays and numbers."""
    if isinstance(result, (numpy.ndarray, numpy.generic)) or _is_number(result):
        return _lift_array(result, operands)
    if isinstance(result, tuple):
        return tuple(_lift(item, operands) for item in result)
    if isinstance(result, list):
        return [_lift(item, operands) for item in result]
    return result


def _compute(
    name: str, function: Callable[..., Any], args: Any, keywords: dict[str, Any], writes: bool = False
) -> Any:
    """Call NumPy's `function` as if on the device of its operands.

    That is one kernel, unless all it gives are views; `writes` says that it is one all the same.
    """
    operands: list[ndarray] = []
    args, keywords = _lower(tuple(args), operands), _lower(keywords, operands)
    _require_here(name, operands)
    try:
        with numpy.errstate(all="ignore"):
            result = _lift(function(*args, **keywords), operands)
    except MemoryError as error:
        raise OutOfMemoryError(str(error)) from error
    known = {id(operand._memory) for operand in operands}
    made = [leaf for leaf in _leaves(result) if isinstance(leaf, ndarray)]
    if writes or not made or any(id(array._memory) not in known for array in made):
        _add(kernels=1)
    return result


def _bind(name: str, parameters: inspect.Signature, args: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    try:
        return parameters.bind(*args, **keywords).arguments
    except TypeError as error:
        raise DeviceRuleError(f"cupy.{name}: {error}") from None


def _waits(name: str, arguments: dict[str, Any]) -> bool:
    """Whether CuPy's function waits for the device when called like this."""
    if name.removeprefix("ndarray.") not in _MANIFEST["synchronizing"]:
        return False
    if name == "where":
        return arguments.get("x") is None
    return name != "average" or arguments.get("weights") is not None


def _function(name: str, words: str, of_numpy: Callable[..., Any]) -> Callable[..., Any]:
    """CuPy's function or method `name`, taking the parameters `words`, computed by NumPy's."""
    parameters = signature(words)

    def call(*args: Any, **keywords: Any) -> Any:
        arguments = _bind(name, parameters, args, keywords)
        if name in _HOST_FUNCTIONS:
            return of_numpy(*_lower(args, []), **_lower(keywords, []))
        _check(name, arguments)
        result = _compute(name, of_numpy, args, keywords, writes=arguments.get("out") is not None)
        if _waits(name, arguments):
            _add(sync=1, d2h=1)
        return result

    call.__name__ = call.__qualname__ = name
    return call


class ufunc:
    """One of CuPy's universal functions: a call takes `out`, `dtype` and `casting`, never `where`."""

    def __init__(self, name: str) -> None:
        nin, nout, *methods = _MANIFEST["ufuncs"][name].split()
        self.__name__, self.name = name, f"cupy_{name}"
        self.nin, self.nout, self.nargs = int(nin), int(nout), int(nin) + int(nout)
        self._methods = methods
        self._numpy = getattr(numpy, name)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        _bind(self.__name__, _UFUNC_CALL, args, keywords)
        if not self.nin <= len(args) <= self.nargs:
            raise DeviceRuleError(f"cupy.{self.__name__}: {len(args)} arguments for {self.nin} operands")
        for value in (*args, *_leaves(keywords.get("out"))):
            self._check_operand(value)
        return _compute(self.__name__, self._numpy, args, keywords, writes=True)

    def _check_operand(self, value: Any) -> None:
        _refuse_host(self.__name__, value)
        if value is not None and not isinstance(value, ndarray) and not _is_number(value):
            raise DeviceRuleError(f"cupy.{self.__name__}: Unsupported type {type(value)}")

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        """``a[indices] op= b``, each of repeated indices in turn."""
        self._check_method("at")
        self._check_operand(a)
        self._check_operand(b)
        key = _Key(a, indices)
        scattered = any(index.dtype.kind != "b" for index in key.arrays)
        if scattered and a.dtype.char not in _ATOMIC.get(self.__name__, a.dtype.char):
            raise DeviceRuleError(f"cupy.{self.__name__}.at: there is no atomic operation on {a.dtype}")
        _compute(f"{self.__name__}.at", self._numpy.at, (a, key.host, b), {})

    def reduce(self, *args: Any, **keywords: Any) -> Any:
        return self._method("reduce", args, keywords)

    def accumulate(self, *args: Any, **keywords: Any) -> Any:
        return self._method("accumulate", args, keywords)

    def reduceat(self, *args: Any, **keywords: Any) -> Any:
        return self._method("reduceat", args, keywords)

    def outer(self, *args: Any, **keywords: Any) -> Any:
        return self._method("outer", args, keywords)

    def _method(self, method: str, args: Any, keywords: dict[str, Any]) -> Any:
        self._check_method(method)
        words = _MANIFEST["ufunc_methods"][method]
        return _function(f"{self.__name__}.{method}", words, getattr(self._numpy, method))(*args, **keywords)

    def _check_method(self, method: str) -> None:
        if method not in self._methods:
            raise NotImplementedError(f"`{self.name}.{method}` is not supported yet")

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"


_UFUNC_CALL = signature(_MANIFEST["ufunc_call"])


# --- indexing -----------------------------------------------------------------------------------------

def _is_basic(item: Any) -> bool:
    return isinstance(item, (int, slice)) or item is None or item is Ellipsis


class _Key:
    """An index, lowered: `host` for NumPy, `arrays` the device arrays in it."""

    def __init__(self, array: ndarray, key: Any) -> None:
        items = key if isinstance(key, tuple) else (key,)
        self.arrays: list[ndarray] = []
        for item in items:
            _refuse_host("ndarray.__getitem__", item)
            if isinstance(item, ndarray):
                self.arrays.append(item)
            elif isinstance(item, bool) or not _is_basic(item):
                raise DeviceRuleError(
                    f"an index is made of ints, slices, None, ... and device arrays, not of {type(item)}"
                )
            elif isinstance(item, slice):
                for bound in (item.start, item.stop, item.step):
                    _refuse_host("ndarray.__getitem__", bound)
                    if isinstance(bound, ndarray):
                        raise DeviceRuleError("a slice with a device array would wait for the device")
        _require_here("ndarray.__getitem__", [array, *self.arrays])
        if any(index.dtype.kind == "b" for index in self.arrays):
            _add(sync=1, d2h=1)  # how many are True must be known on the host
        if not self.arrays and Ellipsis not in items:
            items = (*items, Ellipsis)  # NumPy then gives a 0-d view where it would give a scalar
        self.host = _lower(items, [])


def _assign(
    name: str, array: ndarray, values: Any, write: Callable[[Any], None], read: Callable[[], Any]
) -> None:
    """Write `values` through index arrays, and see by reading back that no place was given two values."""
    host = _lower(values, [])
    host = host.copy() if isinstance(host, numpy.ndarray) else host  # it may be a view of `array`
    with numpy.errstate(all="ignore"):
        write(host)
        wanted = numpy.asarray(host).astype(array.dtype)
    _add(kernels=1)
    found = numpy.asarray(read())
    if wanted.size == found.size:
        wanted = wanted.reshape(found.shape)  # it may have more leading axes of length 1
    wanted = numpy.broadcast_to(wanted, found.shape)
    if not numpy.array_equal(found, wanted, equal_nan=array.dtype.kind in "fc"):
        raise DeviceRuleError(f"cupy.{name}: different values for one place; any of them may stay")


# --- the array ----------------------------------------------------------------------------------------

class ndarray:
    """An array in the memory of one device; made directly, it holds what `empty` does."""

    __slots__ = ("__weakref__", "_host", "_memory", "base")
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 100

    _host: numpy.ndarray
    _memory: _Memory
    base: ndarray | None        # the array whose memory a view looks at

    def __init__(self, shape: Any, dtype: Any = float, order: str = "C") -> None:
        made = empty(shape, dtype, order)
        self._host, self._memory, self.base = made._host, made._memory, None

    # NumPy looks for these before it does anything with an object it does not know.

    def __array__(self, *args: Any, **keywords: Any) -> Any:
        raise DeviceRuleError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def __array_ufunc__(self, function: Any, method: str, *args: Any, **keywords: Any) -> Any:
        called = function.__name__ if method == "__call__" else f"{function.__name__}.{method}"
        raise DeviceRuleError(f"numpy.{called} of a device array")

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        raise DeviceRuleError(f"numpy.{function.__name__} of a device array")

    # Attributes.

    @property
    def shape(self) -> tuple[int, ...]:
        return self._host.shape

    @property
    def dtype(self) -> numpy.dtype:
        return self._host.dtype

    @property
    def ndim(self) -> int:
        return self._host.ndim

    @property
    def size(self) -> int:
        return self._host.size

    @property
    def itemsize(self) -> int:
        return self._host.itemsize

    @property
    def nbytes(self) -> int:
        return self._host.nbytes

    @property
    def strides(self) -> tuple[int, ...]:
        return self._host.strides

    @property
    def flags(self) -> SimpleNamespace:
        flags = self._host.flags
        return SimpleNamespace(
            c_contiguous=flags.c_contiguous, f_contiguous=flags.f_contiguous, owndata=flags.owndata
        )

    @property
    def device(self) -> Device:
        return Device(self._memory.device)

    @property
    def T(self) -> ndarray:
        return _view(self._host.T, self)

    @property
    def mT(self) -> ndarray:
        return _view(self._host.swapaxes(-1, -2), self)

    @property
    def real(self) -> ndarray:
        return _view(self._host.real, self)

    @property
    def imag(self) -> ndarray:
        return _lift_array(self._host.imag, [self])

    # To the host: each a copy and a wait, allowed from any device.

    def _to_host(self) -> numpy.ndarray:
        _add(d2h=1, sync=1)
        return self._host

    def get(
        self, stream: Any = None, order: Any = "C", out: numpy.ndarray | None = None, blocking: bool = True
    ) -> numpy.ndarray:
        host = self._to_host()
        if out is None:
            return numpy.array(host, order=order)
        out[...] = host
        return out

    def item(self) -> Any:
        return self._to_host().item()

    def tolist(self) -> Any:
        return self._to_host().tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        return self._to_host().tobytes(order)

    def __bool__(self) -> bool:
        return bool(self._to_host())

    def __int__(self) -> int:
        return int(self._to_host())

    def __float__(self) -> float:
        return float(self._to_host())

    def __complex__(self) -> complex:
        return complex(self._to_host())

    def __format__(self, spec: str) -> str:
        return format(self._to_host(), spec)

    def __str__(self) -> str:
        return str(self._to_host())

    def __repr__(self) -> str:
        return repr(self._to_host())

    # Elements.

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Iterator[ndarray]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> ndarray:
        lowered = _Key(self, key)
        if lowered.arrays:
            _add(kernels=1)
        return _lift_array(self._host[lowered.host], [self])

    def __setitem__(self, key: Any, value: Any) -> None:
        lowered = _Key(self, key)
        if isinstance(value, (list, tuple)):
            raise DeviceRuleError("a list on the host is assigned to a device array")
        _refuse_host("ndarray.__setitem__", value)
        operands = [value] if isinstance(value, ndarray) else []
        _require_here("ndarray.__setitem__", [self, *operands])
        host, at = self._host, lowered.host
        if lowered.arrays:
            _assign("ndarray.__setitem__", self, value, partial(host.__setitem__, at), lambda: host[at])
        else:
            _add(kernels=1)
            host[at] = _lower(value, [])

    def put(self, indices: Any, values: Any, mode: str = "wrap") -> None:
        _check("ndarray.put", {"self": self, "indices": indices, "values": values})
        operands = [self]
        at = _lower(indices, operands)
        _lower(values, operands)
        _require_here("ndarray.put", operands)
        _assign("ndarray.put", self, values, partial(self._host.put, at), lambda: self._host.take(at))

    def fill(self, value: Any) -> None:
        self[...] = value

    def set(self, arr: numpy.ndarray, stream: Any = None) -> None:
        """Copy a host array of the same shape and dtype into this one."""
        if not isinstance(arr, numpy.ndarray) or arr.dtype != self.dtype or arr.shape != self.shape:
            raise DeviceRuleError(f"ndarray.set wants a NumPy array of {self.dtype} {self.shape}")
        _require_here("ndarray.set", [self])
        _add(h2d=1)
        self._host[...] = arr

    def scatter_add(self, slices: Any, value: Any) -> None:
        ufunc("add").at(self, slices, value)

    def scatter_max(self, slices: Any, value: Any) -> None:
        ufunc("maximum").at(self, slices, value)

    def scatter_min(self, slices: Any, value: Any) -> None:
        ufunc("minimum").at(self, slices, value)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __getattr__(self, name: str) -> Any:
        words = _MANIFEST["methods"].get(name)
        if words is None and name not in _MANIFEST["attributes"]:
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        of_numpy = getattr(numpy.ndarray, name, None)
        if words is None or of_numpy is None:
            raise AttributeError(f"ndarray.{name}: NumPy has none, or the device double does not imitate it")
        return partial(_function(f"ndarray.{name}", f"self {words}", of_numpy), self)


def _operator(name: str, function: Callable[..., Any], reflected: bool = False) -> Callable[..., Any]:
    inplace = name in _INPLACE

    def method(self: ndarray, *others: Any) -> Any:
        for other in others:
            _refuse_host(f"ndarray.{name}", other)
            if not isinstance(other, ndarray) and not _is_number(other):
                return NotImplemented
        args = (*others, self) if reflected else (self, *others)
        return _compute(f"ndarray.{name}", function, args, {}, writes=inplace)

    method.__name__ = name
    return method


_ARITHMETIC = "add sub mul truediv floordiv mod pow and or xor lshift rshift".split()
_INPLACE = {f"__i{word}__" for word in _ARITHMETIC}
_OTHER = "matmul lt le gt ge eq ne neg pos abs invert".split()
for _name in [f"__{word}__" for word in _ARITHMETIC + _OTHER] + sorted(_INPLACE):
    setattr(ndarray, _name, _operator(_name, getattr(operator, _name)))
for _name in [*_ARITHMETIC, "matmul"]:
    _function_of = getattr(operator, f"__{_name}__")
    setattr(ndarray, f"__r{_name}__", _operator(f"__r{_name}__", _function_of, reflected=True))
for _name in ("__divmod__", "__rdivmod__"):
    setattr(ndarray, _name, _operator(_name, divmod, reflected=_name == "__rdivmod__"))


# --- functions that are not NumPy's -------------------------------------------------------------------

def array(
    obj: Any, dtype: Any = None, copy: bool | None = True, order: Any = "K", subok: bool = False,
    ndmin: int = 0, *, blocking: bool = False,
) -> ndarray:
    """The door from the host, and from another device: a copy of `obj` on the current device."""
    operands: list[ndarray] = []
    host = _lower(obj, operands)
    elsewhere = any(operand._memory.device != _thread.device for operand in operands)
    if isinstance(obj, ndarray):
        here = not elsewhere and dtype in (None, obj.dtype) and obj.ndim >= ndmin
        if not copy and here and (order in ("K", "A", None) or obj._host.flags[order]):
            return obj
        _add(**{"p2p" if elsewhere else "kernels": 1})
    elif operands:  # a list of device arrays, which CuPy stacks
        if len(operands) != sum(1 for _ in _leaves(obj)):
            raise DeviceRuleError("cupy.array: a list of device arrays and other things")
        _require_here("array", operands)
        _add(kernels=1)
    else:
        _add(h2d=1)
    return _lift_array(numpy.array(host, dtype=dtype, order=order, ndmin=ndmin), [])


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, blocking: bool = False
) -> ndarray:
    """`a` on the current device: itself when it is there already, else a copy."""
    return array(a, dtype, bool(copy), "K" if order is None else order)


asanyarray = asarray


def asnumpy(
    a: Any, stream: Any = None, order: Any = "C", out: numpy.ndarray | None = None, *, blocking: bool = True
) -> numpy.ndarray:
    """The door to the host: the values of a device array, or a host array as it is."""
    return a.get(order=order, out=out) if isinstance(a, ndarray) else numpy.asarray(a, order=order)


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    """Memory that nobody wrote: filled with what shows up best in a result."""
    _check("empty", {"shape": shape, "dtype": dtype})
    try:
        made = _lift_array(numpy.empty(shape, dtype, order), [])  # type: ignore[call-overload]
    except MemoryError as error:
        raise OutOfMemoryError(str(error)) from error
    if made.dtype.kind in "fc":
        made._host.fill(numpy.nan)
    elif made.dtype.kind == "b":
        made._host.fill(True)
    else:
        limits = numpy.iinfo(made.dtype)
        made._host.fill(limits.max if limits.min == 0 else limits.min)
    return made


def empty_like(
    prototype: ndarray, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    """Memory that nobody wrote, in the shape and dtype of `prototype` where none are given."""
    _check("empty_like", {"prototype": prototype, "dtype": dtype, "shape": shape})
    return empty(prototype.shape if shape is None else shape, prototype.dtype if dtype is None else dtype)


def put(a: ndarray, ind: Any, v: Any, mode: str = "wrap") -> None:
    a.put(ind, v, mode)


def put_along_axis(arr: ndarray, indices: Any, values: Any, axis: Any) -> None:
    _check("put_along_axis", {"arr": arr, "indices": indices, "values": values, "axis": axis})
    operands = [arr]
    at = _lower(indices, operands)
    _lower(values, operands)
    _require_here("put_along_axis", operands)
    host = arr._host
    _assign("put_along_axis", arr, values, lambda v: numpy.put_along_axis(host, at, v, axis),
            lambda: numpy.take_along_axis(host, at, axis))


# --- the namespaces -----------------------------------------------------------------------------------

class _Namespace:
    """Functions of a submodule, made from the manifest when they are asked for."""

    def __init__(self, name: str, functions: dict[str, str], of_numpy: Any, **others: Any) -> None:
        self.__name__, self._functions, self._numpy = name, functions, of_numpy
        vars(self).update(others)

    def __getattr__(self, name: str) -> Any:
        words = self._functions.get(name)
        if words is None:
            raise AttributeError(f"cupy.{self.__name__} has no attribute {name!r}")
        function = _function(f"{self.__name__}.{name}", words, getattr(self._numpy, name))
        setattr(self, name, function)
        return function


linalg = _Namespace("linalg", _MANIFEST["linalg"], numpy.linalg, LinAlgError=numpy.linalg.LinAlgError)
fft = _Namespace("fft", _MANIFEST["fft"], numpy.fft)
lib = SimpleNamespace(
    stride_tricks=_Namespace("lib.stride_tricks", _MANIFEST["stride_tricks"], numpy.lib.stride_tricks)
)
cupyx = SimpleNamespace(
    scatter_add=ndarray.scatter_add, scatter_max=ndarray.scatter_max, scatter_min=ndarray.scatter_min
)
cuda = SimpleNamespace(
    Device=Device,
    Stream=Stream,
    get_current_stream=lambda: Stream.null,
    is_available=is_available,
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    runtime=SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=lambda: DEVICES,
        getDeviceProperties=lambda device: {"name": b"device double"},
        driverGetVersion=lambda: 0,
        getDevice=lambda: _thread.device,
        setDevice=lambda device: Device(device).use(),
        deviceSynchronize=lambda: Device().synchronize(),
        memGetInfo=lambda: Device().mem_info,
    ),
)


def __getattr__(name: str) -> Any:
    return _made(name)


@cache  # and not in globals(), where `sum` and `any` would take the place of Python's
def _made(name: str) -> Any:
    """CuPy's function, ufunc, type or constant `name`."""
    of_numpy = getattr(numpy, name, ...)
    if name in _MANIFEST["ufuncs"] and of_numpy is not ...:
        return ufunc(name)
    if name in _MANIFEST["functions"] and name not in _NOT_IMITATED and of_numpy is not ...:
        return _function(name, _MANIFEST["functions"][name], of_numpy)
    if name in _MANIFEST["names"] and _is_host_name(of_numpy):
        return of_numpy
    if any(name in _MANIFEST[part] for part in ("ufuncs", "functions", "names")):
        raise AttributeError(f"{name}: NumPy has none, or the device double does not imitate it")
    raise AttributeError(f"cupy {__version__} has no attribute {name!r}")


def _is_host_name(value: Any) -> bool:
    """Constants, and the types that describe arrays."""
    if isinstance(value, type):
        return issubclass(value, (numpy.generic, numpy.dtype, numpy.finfo, numpy.iinfo, numpy.ndindex))
    return value is None or isinstance(value, float)
