"""Models known by name (level 19).

>>> from mxgrad.gluon.model_zoo import vision
>>> vision.get_model("squeezenet1.1", classes=10).output[0]
Conv2D(None -> 10, kernel_size=(1, 1), stride=(1, 1))
"""
from . import model_store, vision
from .vision import get_model

__all__ = ["get_model", "model_store", "vision"]
