"""A pool of memory for NumPy's large arrays (level 2).

The system fills memory with zeros before it gives it, page by page, and takes it back as soon as an array
is gone; then a kernel that writes a new array waits for the system as long as it computes.  The pool keeps
blocks of 256 KiB and more for the next array of any program in the process, up to `DEFAULT` bytes; the
environment variable ``MXGRAD_MEMORY`` says another number of bytes, 0 for no pool.
"""
from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import numpy

from .cpu import ffi, lib

_SET_HANDLER, _GET_HANDLER = 304, 305      # places in NumPy's table of functions: __multiarray_api.h
_CAPSULE = b"mem_handler"
DEFAULT = 1 << 30
FIGURES = ("limit", "kept", "used", "peak", "new")

_installed: Any = None


def install() -> None:
    """Have NumPy take memory of this thread's large arrays from the pool, unless ``MXGRAD_MEMORY`` is 0."""
    global _installed
    asked = os.environ.get("MXGRAD_MEMORY", "")
    limit = int(asked) if asked.isdigit() else DEFAULT
    if lib is None or _installed is not None or not limit:
        return
    import ctypes

    def python(name: str, result: Any, *arguments: Any) -> Any:
        return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))

    address, text, thing = ctypes.c_void_p, ctypes.c_char_p, ctypes.py_object
    pointer = python("PyCapsule_GetPointer", address, thing, text)
    capsule = python("PyCapsule_New", thing, address, text, address)
    umath: Any = import_module(f"numpy.{'_core' if hasattr(numpy, '_core') else 'core'}._multiarray_umath")
    functions = (ctypes.c_size_t * (_GET_HANDLER + 1)).from_address(pointer(umath._ARRAY_API, None))
    inner = ctypes.PYFUNCTYPE(thing)(functions[_GET_HANDLER])()
    made = lib.k_memory_handler(ffi.cast("void *", pointer(inner, _CAPSULE)))
    if made == ffi.NULL:
        return
    lib.k_memory_limit(limit)
    _installed = capsule(int(ffi.cast("uintptr_t", made)), _CAPSULE, None), inner
    ctypes.PYFUNCTYPE(thing, thing)(functions[_SET_HANDLER])(_installed[0])


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
