"""Every op, by kind.  A kernel gets the array module as `xp`; a rule knows only `F` and operators (level 2).

Importing this package declares them all in `mxgrad.registry.OPS`.
"""
from . import conv, create, elemwise, index, linalg, nn, reduce, shape, sort, special  # noqa: F401
