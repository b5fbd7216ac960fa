"""Recurrent layers and cells (level 15).

A layer (`RNN`, `LSTM`, `GRU`) computes whole sequences at once.  A cell computes one step, and can be
unrolled, stacked, modified.

>>> import mxgrad as mx
>>> layer = mx.gluon.rnn.LSTM(100, num_layers=2, bidirectional=True, layout="NTC")
>>> layer.initialize()
>>> layer(mx.nd.ones((3, 5, 10))).shape
(3, 5, 200)
>>> layer
LSTM(10 -> 100, NTC, num_layers=2, bidirectional)
"""
from . import conv_rnn_cell, rnn_cell, rnn_layer
from .conv_rnn_cell import *  # noqa: F403
from .rnn_cell import *  # noqa: F403
from .rnn_layer import *  # noqa: F403

__all__ = [*conv_rnn_cell.__all__, *rnn_cell.__all__, *rnn_layer.__all__]
