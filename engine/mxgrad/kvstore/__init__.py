"""Stores of arrays by key, through which several contexts share gradients and weights (level 12).

>>> import mxgrad as mx
>>> store = mx.kvstore.create("local")
>>> store.init("w", mx.nd.zeros(2))
>>> store.push("w", [mx.nd.array([1, 2]), mx.nd.array([10, 20])])
>>> w = mx.nd.zeros(2)
>>> store.pull("w", out=w)
>>> w.asnumpy().tolist()
[11.0, 22.0]
"""
from .base import KVStoreBase, TestStore, create
from .kvstore import KVStore

__all__ = ["KVStore", "KVStoreBase", "TestStore", "create"]
