"""Samples for mxgrad/ops/linalg.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
