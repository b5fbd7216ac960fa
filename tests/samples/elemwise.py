"""Samples for mxgrad/ops/elemwise.py."""
from .base import Sample, positive, smooth

SAMPLES: dict[str, list[Sample]] = {"tanh": [Sample(smooth(2,3))], "multiply": [Sample(smooth(2,3), smooth(2,3))],
"hypot": [Sample(smooth(2,3), smooth(2,3))], "add": [Sample(smooth(2,3), smooth(2,3))],
"sqrt": [Sample(positive(2,3))], "power": [Sample(positive(2,3), smooth(2,3))]}
