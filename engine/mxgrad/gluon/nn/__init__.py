"""Layers (level 14).

>>> import mxgrad as mx
>>> net = mx.gluon.nn.HybridSequential()
>>> net.add(mx.gluon.nn.Dense(8, activation="relu"), mx.gluon.nn.Dense(2))
>>> net
HybridSequential(
  (0): Dense(None -> 8, Activation(relu))
  (1): Dense(None -> 2, linear)
)
"""
from . import activations, basic_layers, conv_layers
from ..block import Block, HybridBlock, SymbolBlock
from .activations import *  # noqa: F403
from .basic_layers import *  # noqa: F403
from .conv_layers import *  # noqa: F403

__all__ = ["Block", "HybridBlock", "SymbolBlock", *activations.__all__, *basic_layers.__all__,
           *conv_layers.__all__]
