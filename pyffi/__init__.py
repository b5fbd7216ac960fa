"""The C library of mxgrad: where it is, and how to compile against it.

``python -m mxgrad_ffi --cflags --libs`` or ``mxgrad-config --cflags --libs`` prints what a C compiler needs;
the manual of the library is its header, ``mxgrad.h``.

>>> import mxgrad_ffi
>>> mxgrad_ffi.library_path().endswith("libmxgrad.so.1")
True
"""
import os

__all__ = ["cmake_dir", "include_dir", "library_path", "man_dir", "pkgconfig_dir"]

HERE = os.path.dirname(os.path.abspath(__file__))


def library_path() -> str:
    """Path of libmxgrad.so.1.  It is not there if it could not be built when the package was installed."""
    return os.path.join(HERE, "libmxgrad.so.1")


def include_dir() -> str:
    """The directory of mxgrad.h, mxgrad_ops.h and mxgrad.hpp."""
    return os.path.join(HERE, "include")


def man_dir() -> str:
    """The directory of the manual pages, for ``man -M``: mxgrad(3) and one for each function."""
    return os.path.join(HERE, "share", "man")


def pkgconfig_dir() -> str:
    """The directory of mxgrad.pc, for PKG_CONFIG_PATH."""
    return os.path.join(HERE, "lib", "pkgconfig")


def cmake_dir() -> str:
    """The directory of mxgradConfig.cmake, for mxgrad_DIR."""
    return os.path.join(HERE, "lib", "cmake", "mxgrad")
