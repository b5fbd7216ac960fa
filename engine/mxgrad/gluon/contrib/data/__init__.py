"""Contributed data: texts to learn language models from, images that are augmented (level 19)."""
from . import text, vision
from ...data.sampler import IntervalSampler

__all__ = ["IntervalSampler", "text", "vision"]
