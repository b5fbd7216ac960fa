"""`mx.contrib`: the first autograd of MXNet, which scripts from its days still import; words (level 10)."""
from __future__ import annotations

from . import autograd, text

__all__ = ["autograd", "text"]
