"""Arrays in files and in the hands of other libraries."""

from __future__ import annotations

import os
from typing import Any

import numpy

from .. import params_file
from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import current_context
from ..kernels import deferred
from ..nd.legacy import shared_memory
from ..ndarray import BaseArray
from ..np.array import ndarray


def save(file: str, arr: Any) -> None:
    """Write one array as NumPy's ``.npy``, a list or a dict of arrays in MXNet's ``.params`` format."""
    if isinstance(arr, BaseArray):
        with params_file.replacing(file) as f:
            numpy.save(f, arr.asnumpy(), allow_pickle=False)
        return
    names: list[str] | None = None
    if isinstance(arr, dict):
        names, arr = [str(k) for k in arr], list(arr.values())
    if not isinstance(arr, (list, tuple)) or not all(isinstance(a, BaseArray) for a in arr):
        raise SaveTypeError(
            f"data needs to either be an array, a list of arrays or a dict of arrays, got {type(arr)}"
        )
    params_file.save(file, [a.asnumpy() for a in arr], names)


class SaveTypeError(InvalidTypeError, InvalidValueError):
    """Something that is not made of arrays was to be saved."""


def savez(file: str, *args: Any, **kwds: Any) -> None:
    """Write arrays as NumPy's ``.npz``: those by position under the names arr_0, arr_1, ..."""
    named = dict(kwds)
    for i, a in enumerate(args):
        if f"arr_{i}" in named:
            raise InvalidValueError(f"savez: Naming conflict between arg {i} and kwargs.")
        named[f"arr_{i}"] = a
    for name, a in named.items():
        if not isinstance(a, BaseArray):
            raise InvalidTypeError(
                f"savez: Only accepts dict str->ndarray or list of ndarrays, {name} is {type(a)}"
            )
    with params_file.replacing(file) as f:
        numpy.savez(f, **{n: a.asnumpy() for n, a in named.items()})


def load(file: str) -> Any:
    """What `save`, `savez`, NumPy or MXNet wrote: an array, a list of arrays, or a dict where they have
    names.
    """
    if not isinstance(file, (str, os.PathLike)):
        raise InvalidTypeError(f"load: file required to be a string, got {type(file)}")
    ctx = current_context()

    def ours(host: numpy.ndarray) -> Any:
        as_dtype(host.dtype)
        return wrap(ndarray, ctx.backend.from_host(host), ctx)

    if os.path.isfile(file):
        with open(file, "rb") as f:
            head = f.read(6)
        if head == b"\x93NUMPY" or head[:4] == b"PK\x03\x04":
            found = _of_numpy(file)
            return {n: ours(a) for n, a in found.items()} if isinstance(found, dict) else ours(found)
    arrays, names = params_file.load(file)
    if names:
        return dict(zip(names, map(ours, arrays)))
    return ours(arrays[0]) if len(arrays) == 1 else [ours(a) for a in arrays]


def _of_numpy(file: str) -> Any:
    """The array of an ``.npy`` file or the arrays of an ``.npz`` file; no pickle is run."""
    with open(file, "rb") as f:         # numpy.load does not close what it opened in vain
        try:
            found = numpy.load(f, allow_pickle=False)
            if isinstance(found, numpy.ndarray):
                return found
            with found:
                arrays = {name: found[name] for name in found.files}
        except Exception as error:      # zipfile, zlib and NumPy each have their own
            raise params_file.FileFormatError(
                f"{file}: this is damaged, or no file of NumPy's arrays: {error}") from error
    for name, a in arrays.items():
        if not isinstance(a, numpy.ndarray):
            raise params_file.FileFormatError(f"{file}: {name!r} is not an array of NumPy's")
    return arrays


def from_numpy(ndarray_: numpy.ndarray, zero_copy: bool = True) -> Any:
    """A NumPy array as an array; with `zero_copy` in the same memory, which must then be C-contiguous."""
    if not isinstance(ndarray_, numpy.ndarray):
        raise InvalidTypeError(f"from_numpy takes a numpy.ndarray, got {type(ndarray_)}")
    as_dtype(ndarray_.dtype)
    if zero_copy and not ndarray_.flags.c_contiguous:
        raise InvalidValueError("from_numpy: zero_copy needs a C-contiguous array; use zero_copy=False")
    if zero_copy:
        deferred.share(ndarray_)
    return wrap(ndarray, ndarray_ if zero_copy else ndarray_.copy())


def from_dlpack(dlpack: Any) -> Any:
    """An array sharing the memory of a DLPack capsule, or of a host array of another library."""
    return wrap(ndarray, shared_memory(dlpack))
