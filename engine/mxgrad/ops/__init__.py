"""Every op, by kind.  A kernel gets the array module as `xp`; a rule knows only `F` and operators (level 2).

Importing this package declares them all in `mxgrad.registry.OPS`.
"""
from . import conv, create, ctc, elemwise, fft, index, linalg, nn, reduce, rnn, shape, sort, special  # noqa: F401
from . import boxes, contrib, norm, signal, spatial  # noqa: F401
