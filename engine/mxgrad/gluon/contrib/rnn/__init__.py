"""Contributed cells, which MXNet 2 has in `gluon.rnn` (level 17)."""
from ...rnn import LSTMPCell, VariationalDropoutCell, conv_rnn_cell, rnn_cell
from ...rnn.conv_rnn_cell import *  # noqa: F403

__all__ = ["LSTMPCell", "VariationalDropoutCell", "rnn_cell", *conv_rnn_cell.__all__]
