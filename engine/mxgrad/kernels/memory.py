"""A pool of memory for NumPy's large arrays (level 2).

The system fills memory with zeros before it gives it, page by page, and takes it back as soon as an array is
gone; then a kernel that writes a new array waits for the system as long as it computes.  The pool keeps blocks
of 256 KiB and more for the next array.  ``MXGRAD_MEMORY`` says how many bytes it may keep, 0 switches it off.
"""
from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy

from .cpu import ffi, lib

_SET_HANDLER, _GET_HANDLER = 304, 305      # places in NumPy's table of functions: __multiarray_api.h
_CAPSULE = b"mem_handler"
FIGURES = ("limit", "kept", "used", "peak", "new")

_installed: Any = None


def default_limit() -> int:
    """A quarter of the memory this machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, OSError, ValueError):
        return 1 << 30


def install() -> None:
    """Have NumPy take the memory of large arrays from the pool, in this thread and those it starts later."""
    global _installed
    asked = os.environ.get("MXGRAD_MEMORY", "")
    limit = int(asked) if asked.isdigit() else default_limit()
    if lib is None or not limit or _installed is not None:
        return
    umath = getattr(numpy, "_core", None) or numpy.core
    pointer, python = ctypes.pythonapi.PyCapsule_GetPointer, ctypes.PYFUNCTYPE
    pointer = python(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
    new = python(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
        ("PyCapsule_New", ctypes.pythonapi))
    functions = (ctypes.c_void_p * (_GET_HANDLER + 1)).from_address(pointer(umath._multiarray_umath._ARRAY_API, None))
    set_handler = python(ctypes.py_object, ctypes.py_object)(functions[_SET_HANDLER])
    get_handler = python(ctypes.py_object)(functions[_GET_HANDLER])
    inner = get_handler()
    made = lib.k_memory_handler(ffi.cast("void *", pointer(inner, _CAPSULE)))
    if made == ffi.NULL:
        return
    lib.k_memory_limit(limit)
    _installed = new(int(ffi.cast("uintptr_t", made)), _CAPSULE, None), inner
    set_handler(_installed[0])


def figures() -> dict[str, int]:
    """`FIGURES`: bytes, and the number of blocks that the system gave; all 0 without a pool."""
    if lib is None:
        return dict.fromkeys(FIGURES, 0)
    out = ffi.new("int64_t[]", len(FIGURES))
    lib.k_memory_figures(out)
    return dict(zip(FIGURES, out))


def release() -> None:
    """Give the memory that the pool keeps back to the system."""
    if lib is not None:
        limit = figures()["limit"]
        lib.k_memory_limit(0)
        lib.k_memory_limit(limit)
