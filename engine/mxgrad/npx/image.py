"""npx.image: MXNet 2's operators on images, on np arrays, and with them everything of `mxgrad.image`.

>>> from mxgrad import np, npx
>>> npx.image.to_tensor(np.array([[[0, 255]]], dtype="uint8")).ravel()
array([0., 1.])
"""
from __future__ import annotations

from importlib import import_module
from typing import Any

from ..nd.functions import ND
from .functions import NPX
from .operators import _as_in_nd

_OPERATORS = [n for n in ND if n.startswith("image.")]

for _name in _OPERATORS:
    _as_in_nd(_name, _name)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if f"image.{name}" in NPX:
        found = NPX.function(f"image.{name}")
    else:
        found = getattr(import_module("mxgrad.image"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({n.partition(".")[2] for n in _OPERATORS} | set(import_module("mxgrad.image").__all__))
