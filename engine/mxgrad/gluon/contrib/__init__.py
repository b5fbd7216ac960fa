"""Blocks, data and training that MXNet calls contributed (level 15).

>>> import mxgrad as mx
>>> "nn" in dir(mx.gluon.contrib)
True
"""
from __future__ import annotations

from pkgutil import iter_modules
from typing import Any

from ..utils import submodule


def __getattr__(name: str) -> Any:
    return submodule(__name__, name, __dir__())


def __dir__() -> list[str]:
    return sorted(m.name for m in iter_modules(__path__))
