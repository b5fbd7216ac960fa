"""Samples for mxgrad/ops/nn.py."""
from .base import Sample

SAMPLES: dict[str, list[Sample]] = {}
