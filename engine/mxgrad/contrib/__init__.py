"""`mx.contrib`: the first autograd of MXNet, which scripts from its days still import (level 10)."""
from __future__ import annotations

from . import autograd

__all__ = ["autograd"]
