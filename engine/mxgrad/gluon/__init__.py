"""Gluon: parameters, blocks, layers, training (level 15).

Both of MXNet's ways of writing models work, also side by side.  Where NumPy arrays are on (`npx.set_np`),
names and arrays are MXNet 2's: parameters by the paths of attributes ('0.weight'), as np arrays; otherwise
they are MXNet 1's: prefixes ('dense0_weight') and nd arrays.

>>> import mxgrad as mx
>>> from mxgrad import autograd, gluon, nd
>>> net = gluon.nn.Dense(1, prefix="net_")
>>> net.initialize(mx.init.One())
>>> with autograd.record():
...     loss = net(nd.array([[1, 2]])).sum()
>>> loss.backward()
>>> net.weight.grad().asnumpy().tolist()
[[1.0, 2.0]]
"""
from __future__ import annotations

from pkgutil import iter_modules
from typing import Any

from .block import Block, HybridBlock, SymbolBlock
from .parameter import Constant, DeferredInitializationError, Parameter, ParameterDict
from .trainer import Trainer
from .utils import submodule

__all__ = ["Block", "Constant", "DeferredInitializationError", "HybridBlock", "Parameter", "ParameterDict",
           "SymbolBlock", "Trainer"]


def __getattr__(name: str) -> Any:
    return submodule(__name__, name, __dir__())


def __dir__() -> list[str]:
    return sorted({*__all__, *(m.name for m in iter_modules(__path__))})
