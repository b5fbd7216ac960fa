"""MXNet 1.9's array frontend: `NDArray`, its functions, `nd.random`, `nd.linalg`, `nd.contrib`, files.

Habits of this frontend, kept here and nowhere below: arrays are float32 by default, a full reduction has
shape (1,), comparisons give 1 and 0 in the operands' dtype, dtypes never mix, numbers are cast to the array's
dtype, `reshape` and basic indexing share memory.
"""
from __future__ import annotations

from typing import Any

from .array import NDArray
from .functions import ND
from . import conv, creation, custom, elemwise, habits, index, linalg, nn, normalization, random, shape  # noqa: F401
from .creation import array, from_numpy, load, save, waitall
from ..frontend import Namespace, add_methods

__all__ = ["NDArray", "array", "from_numpy", "load", "random", "save", "waitall"]

add_methods(NDArray, ND, [n for n in ND if n not in habits.NOT_METHODS])


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    prefixed = any(n.startswith(name + ".") for n in ND)
    found = globals()[name] = Namespace(ND, name) if prefixed else ND.function(name)
    return found


def __dir__() -> list[str]:
    return sorted({n for n in ND if "." not in n} | set(__all__))
