"""`mx.io`: batches of data for training (level 10)."""
from __future__ import annotations

from .base import DataBatch, DataDesc, DataIter

__all__ = ["DataBatch", "DataDesc", "DataIter"]
