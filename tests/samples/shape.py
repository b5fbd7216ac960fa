"""Samples for mxgrad/ops/shape.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
