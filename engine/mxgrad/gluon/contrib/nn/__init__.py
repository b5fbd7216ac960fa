"""Contributed layers; most are MXNet 2's `gluon.nn` under the names of MXNet 1 (level 17).

>>> import mxgrad as mx
>>> net = mx.gluon.contrib.nn.HybridConcurrent(axis=1)
>>> net.add(mx.gluon.nn.Dense(2), mx.gluon.contrib.nn.Identity())
>>> net.initialize()
>>> net(mx.nd.ones((4, 3))).shape
(4, 5)
"""
from __future__ import annotations

from typing import Any

from ...nn import (
    Concatenate, Embedding, HybridConcatenate, Identity, PixelShuffle1D, PixelShuffle2D, PixelShuffle3D,
    SyncBatchNorm,
)

__all__ = ["Concurrent", "HybridConcurrent", "Identity", "PixelShuffle1D", "PixelShuffle2D", "PixelShuffle3D",
           "SparseEmbedding", "SyncBatchNorm"]


class Concurrent(Concatenate):
    """`Concatenate` under its name in MXNet 1."""


class HybridConcurrent(HybridConcatenate):
    """`HybridConcatenate` under its name in MXNet 1."""


class SparseEmbedding(Embedding):
    """`Embedding`; weight and gradient, which MXNet stores by rows, are dense here."""

    def __init__(self, input_dim: int, output_dim: int, dtype: Any = "float32",
                 weight_initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(input_dim, output_dim, dtype, weight_initializer, sparse_grad=True, **kwargs)
