"""Samples for mxgrad/ops/create.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
