"""MXNet 1.9's array frontend: `NDArray`, its functions, `nd.random`, `nd.linalg`, `nd.contrib`, files.

Habits of this frontend, kept here and nowhere below: arrays are float32 by default, a full reduction has
shape (1,), comparisons give 1 and 0 in the operands' dtype, dtypes never mix, numbers are cast to the array's
dtype, `reshape` and basic indexing share memory.
"""
from __future__ import annotations

from importlib import import_module
from typing import Any

from .array import NDArray
from .functions import ND
from . import (  # noqa: F401
    conv, creation, custom, elemwise, habits, image, index, linalg, nn, normalization, random, rnn,
    shape,
)
from . import boxes, contributed, density, legacy, spatial, update  # noqa: F401
from .creation import array, from_numpy, load, load_frombuffer, save, waitall
from .legacy import from_dlpack, to_dlpack_for_read, to_dlpack_for_write
from ..base import UnknownNameError
from ..frontend import Namespace, add_methods, publish_all

__all__ = [
    "NDArray", "array", "from_dlpack", "from_numpy", "load", "load_frombuffer", "random", "save",
    "to_dlpack_for_read", "to_dlpack_for_write", "waitall",
]

add_methods(NDArray, ND, [n for n in ND if n not in habits.NOT_METHODS])

publish_all(__name__, ND)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name in ("np", "npx"):       # what blocks find in the table F that is nd
        return import_module(f"mxgrad.{name}")
    if name in ("op", "ndarray"):   # where MXNet has the same names again
        return import_module(__name__)
    if name == "sparse":
        raise UnknownNameError(
            "module 'mxgrad.nd' has no attribute 'sparse': arrays are dense, the storage formats csr and "
            "row_sparse are not offered")
    prefixed = any(n.startswith(name + ".") for n in ND)
    found = globals()[name] = Namespace(ND, name) if prefixed else ND.function(name)
    return found


def __dir__() -> list[str]:
    return sorted({n.partition(".")[0] for n in ND} | set(__all__))
