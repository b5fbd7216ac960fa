"""`mx.util`: the switches of NumPy mode, environment variables, small tools (level 11)."""
from __future__ import annotations

import os
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

import numpy

from .base import InvalidTypeError, InvalidValueError, integer_types, numeric_types
from .context import Context, gpu_memory_info, num_gpus
from .npx.switches import (
    is_np_array,
    is_np_default_dtype,
    is_np_shape,
    np_array,
    np_default_dtype,
    np_shape,
    reset_np,
    set_np,
    set_np_default_dtype,
    set_np_shape,
    use_np,
    use_np_array,
    use_np_default_dtype,
    use_np_shape,
)

__all__ = [
    "default_array",
    "dtype_from_number",
    "get_cuda_compute_capability",
    "get_gpu_count",
    "get_gpu_memory",
    "getenv",
    "integer_types",
    "is_np_array",
    "is_np_default_dtype",
    "is_np_shape",
    "np_array",
    "np_default_dtype",
    "np_shape",
    "numeric_types",
    "reset_np",
    "set_module",
    "set_np",
    "set_np_default_dtype",
    "set_np_shape",
    "setenv",
    "use_np",
    "use_np_array",
    "use_np_default_dtype",
    "use_np_shape",
]

_T = TypeVar("_T")


def getenv(name: str) -> str | None:
    """The value of an environment variable, None where it is not set.

    >>> setenv("MXGRAD_EXAMPLE", "1")
    >>> getenv("MXGRAD_EXAMPLE")
    '1'
    >>> setenv("MXGRAD_EXAMPLE", None)
    >>> getenv("MXGRAD_EXAMPLE") is None
    True
    """
    return os.environ.get(name)


def setenv(name: str, value: str | None) -> None:
    """Set an environment variable of this process, or remove it if `value` is None."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def get_gpu_count() -> int:
    """Number of usable GPUs, as `mxgrad.num_gpus`."""
    return num_gpus()


def get_gpu_memory(gpu_dev_id: int) -> tuple[int, int]:
    """(free, total) bytes of a GPU; raises ContextError where it cannot be used."""
    return gpu_memory_info(gpu_dev_id)


def get_cuda_compute_capability(device: Context) -> int:
    """The compute capability of a GPU: 70 for sm_70.

    Raises InvalidValueError for a context that is no GPU, ContextError where the GPU cannot be used.
    """
    if device.device_type != "gpu":
        raise InvalidValueError(
            f"Expecting a gpu context to get cuda compute capability, while received context {device}")
    backend: Any = device.backend
    return int(backend.device.compute_capability)


def set_module(module: str | None) -> Callable[[_T], _T]:
    """A decorator that gives a function or class another ``__module__``; None changes nothing.

    >>> @set_module("mxnet.numpy")
    ... def double(x):
    ...     return 2 * x
    >>> double.__module__
    'mxnet.numpy'
    """
    def name(decorated: _T) -> _T:
        if module is not None:
            decorated.__module__ = module
        return decorated
    return name


def default_array(source_array: Any, device: Any = None, dtype: Any = None) -> Any:
    """An array of the frontend that `is_np_array` tells: ``np.array``, or else ``nd.array``.

    >>> with np_array(False):
    ...     default_array([1., 2.])
    <BLANKLINE>
    [1. 2.]
    <NDArray 2 @cpu(0)>
    """
    if is_np_array():
        from .np import array

        return array(source_array, dtype=dtype, device=device)
    from .nd import array as nd_array

    return nd_array(source_array, ctx=device, dtype=dtype)


def dtype_from_number(number: Any) -> Any:
    """The NumPy type of a number: int64, or uint64 beyond its range; float32, or float64 beyond it, or when
    `is_np_default_dtype`.

    Raises OverflowError for an integer beyond 64 bits, InvalidTypeError for anything but a number.

    >>> dtype_from_number(3), dtype_from_number(1e300)
    (<class 'numpy.int64'>, <class 'numpy.float64'>)
    """
    if isinstance(number, numpy.generic):
        return number.dtype
    if isinstance(number, int):
        if number > numpy.iinfo(numpy.uint64).max or number < numpy.iinfo(numpy.int64).min:
            raise OverflowError(f"{number} needs more than 64 bits")
        return numpy.uint64 if number > numpy.iinfo(numpy.int64).max else numpy.int64
    if not isinstance(number, float):
        raise InvalidTypeError(f"dtype_from_number: {number!r} is not a number")
    large = isfinite(number) and abs(number) > float(numpy.finfo(numpy.float32).max)
    return numpy.float64 if large or is_np_default_dtype() else numpy.float32
