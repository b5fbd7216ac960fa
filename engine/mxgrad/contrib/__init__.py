"""`mx.contrib`: the first autograd of MXNet, which scripts from its days still import; words (level 10)."""
from __future__ import annotations

from typing import Any

from . import autograd, text
from .. import nd as _nd
from ..base import UnknownNameError, nearest

nd = ndarray = _nd.contrib
__all__ = ["autograd", "nd", "ndarray", "sym", "symbol", "text"]


def __getattr__(name: str) -> Any:
    if name in ("sym", "symbol"):
        from .. import symbol

        return symbol.contrib
    raise UnknownNameError(f"module 'mxgrad.contrib' has no attribute {name!r}{nearest(name, __all__)}")
