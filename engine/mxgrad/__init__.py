"""mxgrad: MXNet's arrays and autograd over NumPy and CuPy.

>>> import mxgrad as mx
>>> from mxgrad import autograd, nd
>>> x = nd.array([1., 2., 3.])
>>> x.attach_grad()
>>> with autograd.record():
...     y = (x * x).sum()
>>> y.backward()
>>> x.grad
<BLANKLINE>
[2. 4. 6.]
<NDArray 3 @cpu(0)>
"""
from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

from . import autograd, base, context, nd
from .base import MXNetError, UnknownNameError, nearest
from .context import Context, Device, cpu, cpu_pinned, current_context, current_device, gpu, num_gpus

ndarray = nd

# Modules that many programs do without are imported when they are first asked for.
_LAZY = ("error", "np", "npx", "random", "testing")

__all__ = [
    "MXNetError",
    "Context",
    "Device",
    "autograd",
    "base",
    "context",
    "cpu",
    "cpu_pinned",
    "current_context",
    "current_device",
    "gpu",
    "nd",
    "num_gpus",
    *_LAZY,
]


_ALIASES = {"numpy": "np", "numpy_extension": "npx"}


def __getattr__(name: str) -> Any:
    name = _ALIASES.get(name, name)
    if name in _LAZY:
        from importlib import import_module

        return import_module(f"mxgrad.{name}")
    raise UnknownNameError(f"module 'mxgrad' has no attribute {name!r}{nearest(name, __all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
