"""Errors, dtype names and the small vocabulary every other module shares (level 0)."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, Generic, TypeVar

import numpy

__all__ = [
    "MXNetError",
    "InvalidValueError",
    "InvalidTypeError",
    "OutOfRangeError",
    "NotAnArrayError",
    "AutogradError",
    "InplaceError",
    "ContextError",
    "UnknownNameError",
    "DTYPES",
    "as_dtype",
    "nearest",
    "string_types",
    "integer_types",
    "numeric_types",
    "basestring",
    "classproperty",
    "data_dir",
    "data_dir_default",
    "long",
    "mx_real_t",
    "py_str",
    "with_metaclass",
]

# What MXNet's programs import from here, some of it from the days of Python 2.
basestring, long, mx_real_t = str, int, numpy.float32
string_types = (str,)
integer_types = (int, numpy.integer)
numeric_types = (float, int, numpy.generic)


class MXNetError(RuntimeError):
    """Base of every error mxgrad raises on purpose; the name MXNet users catch.

    Subclasses are also the builtin error a Python programmer expects: a shape clash is both an
    ``MXNetError`` and a ``ValueError``.

    >>> issubclass(InvalidValueError, MXNetError) and issubclass(InvalidValueError, ValueError)
    True
    """


class InvalidValueError(MXNetError, ValueError):
    """Shapes that do not fit, an axis or parameter out of its range, an unknown enum value."""


class InvalidTypeError(MXNetError, TypeError):
    """An operand or parameter of a type or dtype the op does not take."""


class NotAnArrayError(InvalidTypeError, AssertionError, AttributeError):
    """Something that is not an array was given where an array is needed."""


class OutOfRangeError(MXNetError, IndexError):
    """An index outside its axis."""


class AutogradError(MXNetError):
    """A gradient was asked for that the tape cannot give."""


class ProgramError(AutogradError):
    """Something that a recorded program cannot replay."""


class InplaceError(AutogradError):
    """A write into an array the tape still needs, or the use of a value such a write destroyed."""


class ContextError(MXNetError):
    """A device that does not exist, or arrays on different devices in one op."""


class UnknownNameError(MXNetError, AttributeError):
    """A name the namespace does not have; the message suggests the nearest ones."""


class OutOfMemoryError(MXNetError, MemoryError):
    """The device, or the host, has no room for the array."""


_COMPLETED: dict[type, type] = {
    ValueError: InvalidValueError,
    TypeError: InvalidTypeError,
    IndexError: OutOfRangeError,
    OverflowError: InvalidValueError,
    ZeroDivisionError: InvalidValueError,
    MemoryError: OutOfMemoryError,
    SystemError: OutOfMemoryError,      # a function of C failed and did not say why, as NumPy's do then
    AssertionError: InvalidValueError,
}


def completed(error: Exception, text: str) -> Exception:
    """The MXNetError that is also of `error`'s kind, saying `text`; any other error type is kept as it is."""
    if isinstance(error, MXNetError):
        cls: type = type(error)
    else:
        cls = next((ours for theirs, ours in _COMPLETED.items() if isinstance(error, theirs)), MXNetError)
    error = cls(text)
    return error


def describe(raw: Any) -> str:
    """'float32 (2, 3)' for an array, its repr for anything else; what error messages say of arguments."""
    if hasattr(raw, "dtype") and hasattr(raw, "shape"):
        return f"{raw.dtype} {tuple(raw.shape)}"
    return shortened(repr(raw))


def shortened(text: str) -> str:
    """The text, or the beginning of a long one."""
    return text if len(text) < 60 else text[:57] + "..."


DTYPES: tuple[str, ...] = (
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
)
_KNOWN = {numpy.dtype(name): numpy.dtype(name) for name in DTYPES}


def as_dtype(dtype: Any) -> numpy.dtype:
    """The NumPy dtype for a name, a NumPy class, a Python type or a dtype.

    Raises InvalidTypeError for anything arrays cannot hold (complex, strings, objects, unknown names).

    >>> as_dtype("float32"), as_dtype(int), as_dtype(numpy.uint8)
    (dtype('float32'), dtype('int64'), dtype('uint8'))
    """
    if dtype is None:
        raise InvalidTypeError("dtype None is not understood; name one of " + ", ".join(DTYPES))
    try:
        if isinstance(dtype, str):
            if dtype[:1] == "a":
                raise TypeError     # bytes: NumPy might warn of its old name
        elif isinstance(dtype, (tuple, list, dict)) or isinstance(getattr(dtype, "dtype", None), type):
            raise TypeError         # records, and arrays of nd, which NumPy before 2.4 only warns of
        return _KNOWN[numpy.dtype(dtype)]
    except (TypeError, KeyError, ValueError, SyntaxError):     # the latter two of texts for records
        given = " ".join(repr(dtype).split())       # an array's has several lines
        raise InvalidTypeError(
            f"data type {given} not understood{nearest(str(dtype), DTYPES)}; arrays hold "
            + ", ".join(DTYPES)
        ) from None


def on_host(a: Any) -> bool:
    """Whether a raw array is NumPy's, so that one may look at its numbers: on a device that would mean
    waiting.
    """
    return isinstance(a, numpy.ndarray)


def _all_finite(a: numpy.ndarray) -> bool:
    """Whether no element is nan or infinite."""
    if a.size < 4096 and a.itemsize > 2:        # of so many, NumPy's multiplication does not wake its threads
        flat = a.ravel()
        try:
            if isfinite(flat.dot(flat)):        # takes a fifth of the time
                return True
        except (FloatingPointError, RuntimeWarning):    # it overflows, and that is what the user wants
            pass
    return bool(numpy.isfinite(a).all())


def check_indices(index: Any, what: str = "indices") -> None:
    """OutOfRangeError for a raw array of indices (or lengths: `what` says it) that has nan or infinite ones,
    if it is `on_host`.
    """
    if index.dtype.kind == "f" and on_host(index) and not _all_finite(index):
        bad = index[~numpy.isfinite(index)]
        raise OutOfRangeError(f"{what} are whole numbers, got {bad[0]} among them")


def as_indices(index: Any, what: str = "indices") -> Any:
    """A raw array of indices as int64; floats are truncated.  Raises as `check_indices`."""
    check_indices(index, what)
    dtype = index.dtype
    return index if dtype.kind == "i" and dtype.itemsize == 8 else index.astype("int64")


def nearest(name: str, names: Iterable[str]) -> str:
    """' (did you mean …?)' for the names closest to `name`, or an empty string."""
    import difflib      # here, because it is only needed for an error

    close = difflib.get_close_matches(name, list(names), n=3) if isinstance(name, str) else ()
    return f" (did you mean {', '.join(repr(c) for c in close)}?)" if close else ""


def data_dir_default() -> str:
    """The folder for data and models of this user: ``~/.mxnet``, on Windows ``mxnet`` in its AppData."""
    if os.name == "nt":
        return os.path.join(os.environ.get("APPDATA", os.path.expanduser("~")), "mxnet")
    return os.path.join(os.path.expanduser("~"), ".mxnet")


def data_dir() -> str:
    """The environment variable ``MXNET_HOME``, else `data_dir_default`."""
    return os.environ.get("MXNET_HOME", data_dir_default())


def py_str(x: bytes) -> str:
    """UTF-8 bytes as a string.

    >>> py_str(b"conv0")
    'conv0'
    """
    return x.decode("utf-8")


_T = TypeVar("_T")


class classproperty(Generic[_T]):
    """A property of a class, computed by a method of it.

    >>> class Layer:
    ...     @classproperty
    ...     def kind(cls):
    ...         return cls.__name__.lower()
    >>> Layer.kind, Layer().kind
    ('layer', 'layer')
    """

    def __init__(self, fget: Callable[[Any], _T]) -> None:
        self.fget = fget

    def __get__(self, instance: Any, owner: type) -> _T:
        return self.fget(owner)


def with_metaclass(meta: type, *bases: type) -> Any:
    """A base class for a class of metaclass `meta` with the bases `bases`.

    >>> class Meta(type):
    ...     pass
    >>> class Model(with_metaclass(Meta, dict)):
    ...     pass
    >>> type(Model) is Meta, Model.__mro__[1] is dict
    (True, True)
    """
    class Once(type):
        def __new__(cls, name: str, these: tuple[type, ...], namespace: dict[str, Any]) -> Any:
            return meta(name, bases, namespace)

        @classmethod
        def __prepare__(cls, name: str, these: tuple[type, ...], /, **given: Any) -> Any:
            return meta.__prepare__(name, bases)

    return type.__new__(Once, "with_metaclass", (), {})
