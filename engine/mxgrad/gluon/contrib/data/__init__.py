"""Contributed data: texts to learn language models from (level 17)."""
from . import text
from ...data.sampler import IntervalSampler

__all__ = ["IntervalSampler", "text"]
