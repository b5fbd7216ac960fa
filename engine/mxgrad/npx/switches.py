"""The switches of MXNet's NumPy mode.  np arrays, shapes of zero length and arrays without axes work whatever
they say; `gluon` asks them which names and arrays blocks have.  They are off at first, as in MXNet 1.9.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..np.array import defaults

_T = TypeVar("_T")


class _Switches(threading.local):
    def __init__(self) -> None:
        self.shape = self.array = False


_state = _Switches()


def set_np(shape: bool = True, array: bool = True, dtype: bool = False) -> None:
    """Blocks get np arrays and MXNet 2's names; `dtype` is for `set_np_default_dtype`.  NumPy semantics are
    on in any case.
    """
    if array and not shape:
        raise ValueError("NumPy Shape semantics is required in using NumPy array semantics.")
    _state.shape, _state.array = bool(shape), bool(array)
    set_np_default_dtype(dtype)


def reset_np() -> None:
    """Undo `set_np`; NumPy semantics stay on."""
    set_np(False, False, False)


def is_np_shape() -> bool:
    """What `set_np` was last told of shapes."""
    return _state.shape


def is_np_array() -> bool:
    """What `set_np` was last told of arrays."""
    return _state.array


def is_np_default_dtype() -> bool:
    """Whether np's default dtype is NumPy's, float64, in this thread; else it is float32."""
    return defaults.float64


def set_np_default_dtype(is_np_default_dtype: bool = True) -> bool:
    """Make float64, or again float32, np's default dtype, and tell what it was.

    With float64, `np.arange` of ints gives int64, what is made of NumPy's arrays keeps their dtypes, and
    functions of integers that give fractions give them in float64.  It holds for this thread.

    >>> from mxgrad import np, npx
    >>> before = npx.set_np_default_dtype(True)
    >>> np.ones(2).dtype, np.arange(2).dtype
    (dtype('float64'), dtype('int64'))
    >>> npx.set_np_default_dtype(before), np.ones(2).dtype
    (True, dtype('float32'))
    """
    before, defaults.float64 = defaults.float64, bool(is_np_default_dtype)
    return before


def set_np_shape(active: bool) -> bool:
    """Note the wish and give the one before; NumPy shapes are always on."""
    before, _state.shape = _state.shape, bool(active)
    return before


@contextmanager
def np_shape(active: bool = True) -> Iterator[None]:
    """A scope, or a decorator, in which `is_np_shape` says `active`."""
    before = set_np_shape(active)
    try:
        yield
    finally:
        _state.shape = before


@contextmanager
def np_array(active: bool = True) -> Iterator[None]:
    """A scope, or a decorator, in which `is_np_array` says `active`."""
    before, _state.array = _state.array, bool(active)
    try:
        yield
    finally:
        _state.array = before


@contextmanager
def np_default_dtype(active: bool = True) -> Iterator[None]:
    """A scope, or a decorator, with `set_np_default_dtype`."""
    before = set_np_default_dtype(active)
    try:
        yield
    finally:
        defaults.float64 = before


def use_np(func: _T) -> _T:
    """A decorator for functions and classes that asks for NumPy semantics, which are always on."""
    return func


use_np_shape: Callable[[Any], Any] = use_np
use_np_array: Callable[[Any], Any] = use_np


def use_np_default_dtype(func: _T) -> _T:
    """A decorator for functions, and for the methods of classes, during which `np_default_dtype` holds.

    >>> from mxgrad import np, npx
    >>> npx.use_np_default_dtype(lambda: np.ones(2).dtype)()
    dtype('float64')
    """
    if isinstance(func, type):
        for name, member in list(vars(func).items()):
            if callable(member) and not isinstance(member, type):
                setattr(func, name, np_default_dtype()(member))
        return func
    return np_default_dtype()(func)     # type: ignore[type-var]
