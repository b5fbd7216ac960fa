"""Samples for mxgrad/ops/reduce.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
