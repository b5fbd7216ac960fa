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
_LAZY = (
    "attribute", "callback", "contrib", "device", "engine", "error", "executor", "gluon", "image",
    "initializer", "io", "kvstore", "log", "lr_scheduler", "metric", "model", "module", "monitor", "name",
    "np", "npx", "numpy_dispatch_protocol", "operator", "optimizer", "profiler", "random", "recordio",
    "runtime", "symbol", "test_utils", "testing", "util", "visualization",
)
# Names of theirs that are the package's too.
_FROM = {
    **dict.fromkeys((
        "is_np_array", "is_np_default_dtype", "is_np_shape", "np_array", "np_default_dtype", "np_shape",
        "set_np_shape", "use_np", "use_np_array", "use_np_default_dtype", "use_np_shape"), "util"),
    "AttrScope": "attribute",
    "set_num_threads": "engine",
}

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
    "as_mxnet",
    *_LAZY,
    *_FROM,
]


_ALIASES = {"img": "image", "init": "initializer", "kv": "kvstore", "mod": "module", "mon": "monitor",
            "numpy": "np", "numpy_extension": "npx", "rnd": "random", "sym": "symbol", "viz": "visualization"}


def as_mxnet() -> None:
    """Make ``import mxnet``, and every ``mxnet.x.y``, mean mxgrad in this process, from now on.

    The modules are mxgrad's own, not copies: ``mxnet.nd is mxgrad.nd``, and ``mxnet.__version__`` is
    mxgrad's.  A module or name that mxgrad does not have gives an ImportError, or an AttributeError, that
    suggests the nearest.  ``python -m mxgrad script.py`` runs a program that way without a change to it.

    Raises
    ------
    MXNetError
        Another mxnet was imported before.

    Examples
    --------
    >>> import mxgrad
    >>> mxgrad.as_mxnet()
    >>> import mxnet as mx
    >>> from mxnet.ndarray import NDArray
    >>> isinstance(mx.nd.ones(2), NDArray), mx is mxgrad
    (True, True)
    """
    from .compat import install

    install()


def __getattr__(name: str) -> Any:
    name = _ALIASES.get(name, name)
    if name in _LAZY or name in _FROM:
        from importlib import import_module

        if name in _FROM:
            return getattr(import_module(f"mxgrad.{_FROM[name]}"), name)
        return import_module(f"mxgrad.{name}")
    raise UnknownNameError(f"module 'mxgrad' has no attribute {name!r}{nearest(name, __all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_FROM})
