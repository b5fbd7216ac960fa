"""`gluon.data`: data sets, the order of their samples, and batches of them (level 17).

>>> from mxgrad.gluon import data
>>> squares = data.SimpleDataset([0, 1, 2, 3]).transform(lambda x: x * x)
>>> [batch.asnumpy().tolist() for batch in data.DataLoader(squares, batch_size=3)]
[[0, 1, 4], [9]]
"""
from __future__ import annotations

from . import batchify, dataloader, vision
from .dataloader import DataLoader
from .dataset import ArrayDataset, Dataset, RecordFileDataset, SimpleDataset
from .sampler import (
    BatchSampler,
    FilterSampler,
    IntervalSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
)

__all__ = ["ArrayDataset", "BatchSampler", "DataLoader", "Dataset", "FilterSampler", "IntervalSampler",
           "RandomSampler", "RecordFileDataset", "Sampler", "SequentialSampler", "SimpleDataset", "batchify",
           "dataloader", "vision"]
