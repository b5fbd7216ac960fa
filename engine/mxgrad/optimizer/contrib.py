"""Where MXNet has `GroupAdaGrad` (level 11)."""
from .adaptive import GroupAdaGrad

__all__ = ["GroupAdaGrad"]
