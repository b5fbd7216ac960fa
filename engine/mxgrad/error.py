"""MXNet 2's module of errors (level 1)."""
from .base import MXNetError

__all__ = ["InternalError", "MXNetError"]


class InternalError(MXNetError):
    """A state that should not exist; please report it."""
