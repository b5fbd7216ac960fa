"""`mx.io`: batches of data for training (level 12)."""
from __future__ import annotations

from typing import Any

from ..base import UnknownNameError, nearest
from .arrays import NDArrayIter, PrefetchingIter, ResizeIter
from .base import DataBatch, DataDesc, DataIter

# Imported when they are first asked for: they need mxgrad.image, which itself imports `io.base`.
_FROM_FILES = ("CSVIter", "ImageRecordInt8Iter", "ImageRecordIter", "ImageRecordUInt8Iter", "LibSVMIter",
               "MNISTIter", "MXDataIter")

__all__ = ["DataBatch", "DataDesc", "DataIter", "NDArrayIter", "PrefetchingIter", "ResizeIter", *_FROM_FILES]


def __getattr__(name: str) -> Any:
    if name in _FROM_FILES:
        from . import files

        return getattr(files, name)
    raise UnknownNameError(f"module 'mxgrad.io' has no attribute {name!r}{nearest(name, __all__)}")
