"""Transforms of images and the boxes of objects in them (level 17)."""
from . import bbox

__all__ = ["bbox"]
