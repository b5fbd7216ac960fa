"""Blocks and data that MXNet 1 calls contributed (level 18)."""
from . import cnn, data, nn, rnn

__all__ = ["cnn", "data", "nn", "rnn"]
