"""The switches of MXNet's NumPy mode.  np arrays, shapes of zero length and arrays without axes work whatever
they say; `gluon` asks them which names and arrays blocks have.  They are off at first, as in MXNet 1.9.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Switches(threading.local):
    def __init__(self) -> None:
        self.shape = self.array = self.dtype = False


_state = _Switches()


def set_np(shape: bool = True, array: bool = True, dtype: bool = False) -> None:
    """Blocks get np arrays and MXNet 2's names; NumPy semantics are on in any case."""
    if array and not shape:
        raise ValueError("NumPy Shape semantics is required in using NumPy array semantics.")
    _state.shape, _state.array, _state.dtype = bool(shape), bool(array), bool(dtype)


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
    """What `set_np` was last told of dtypes; the default dtype is float32 in any case."""
    return _state.dtype


def set_np_default_dtype(is_np_default_dtype: bool = True) -> bool:
    """Note the wish and give the one before; the default dtype stays float32."""
    before, _state.dtype = _state.dtype, bool(is_np_default_dtype)
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
    """A scope, or a decorator, in which `is_np_default_dtype` says `active`."""
    before = set_np_default_dtype(active)
    try:
        yield
    finally:
        _state.dtype = before


def use_np(func: _T) -> _T:
    """A decorator for functions and classes that asks for NumPy semantics, which are always on."""
    return func


use_np_shape: Callable[[Any], Any] = use_np
use_np_array: Callable[[Any], Any] = use_np
use_np_default_dtype: Callable[[Any], Any] = use_np
