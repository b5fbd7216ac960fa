"""Gets Python ready for the C library: search path, imports.  The library holds this file's text and runs it.

It runs in a Python that the library started, or in one that was running already.  Nothing of mxgrad can be
imported before it has run.
"""
from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any


def start(directory: str, own: bool, version: str) -> Any:
    """The module `mxgrad_ffi.capi` that belongs to the library in `directory`.

    `own` says that the library started this Python, whose `site` module has therefore not run yet.  Raises
    ImportError, with a text for the user, if a module is missing or is not of the library's `version`.
    """
    if own:
        import site

        site.main()
        import warnings

        warnings.simplefilter("ignore")     # the standard streams belong to the host program
    _find_package(directory)
    for name in ("signal", "_cffi_backend", "numpy", "mxgrad", "mxgrad_ffi.capi"):
        try:
            importlib.import_module(name)
        except BaseException as error:
            text = f"{type(error).__name__}: {error}".split("\n", 1)[0]
            python = sys.executable or sys.prefix
            raise ImportError(f"Python at {python} cannot import {name}: {text}") from error
    engine, capi = sys.modules["mxgrad"], sys.modules["mxgrad_ffi.capi"]
    if engine.__version__ != version:
        raise ImportError(
            f"the library in {directory} has version {version}, but the engine in {engine.__file__} has "
            f"version {engine.__version__}; install them together"
        )
    return capi


def _find_package(directory: str) -> None:
    """Make `mxgrad_ffi` importable from the directory that the library is in."""
    if not os.path.exists(os.path.join(directory, "capi.py")):
        raise ImportError(f"libmxgrad.so.1 has to stay in its package mxgrad_ffi, but {directory} is none")
    parent, name = os.path.split(directory)
    if name == "mxgrad_ffi":
        if parent not in sys.path:
            # after the standard library, before other site directories, whose cffi or NumPy may not be ours
            after = [i for i, entry in enumerate(sys.path) if entry.endswith("lib-dynload")]
            sys.path.insert(after[-1] + 1 if after else len(sys.path), parent)
    elif "mxgrad_ffi" not in sys.modules:
        # a library built inside the source tree serves that tree
        if "mxgrad" not in sys.modules:
            sys.path.insert(0, os.path.join(parent, "engine"))
        spec = importlib.util.spec_from_file_location(
            "mxgrad_ffi", os.path.join(directory, "__init__.py"), submodule_search_locations=[directory]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"there is no package in {directory}")
        module = importlib.util.module_from_spec(spec)
        sys.modules["mxgrad_ffi"] = module
        spec.loader.exec_module(module)
