"""Samples for mxgrad/ops/index.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
