"""Kernels that take the place of an op's own on one kind of device (level 2)."""
from . import conv, cpu, elemwise, index, linalg, norm, reduce, rnn, softmax, update

__all__ = ["conv", "cpu", "elemwise", "index", "linalg", "norm", "reduce", "rnn", "softmax", "update"]
