"""Samples for mxgrad/ops/sort.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
