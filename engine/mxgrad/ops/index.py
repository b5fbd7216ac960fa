"""Indexing: reading and writing by keys, gathering and scattering by index arrays.

A key is what Python puts between brackets, with array parts replaced by raw index arrays: `split_key` takes the arrays
out of it, so that they travel as array arguments and the rest as a parameter.
"""
from __future__ import annotations

from typing import Any

from ..registry import register


Basic = (int, slice, type(None), type(Ellipsis))


class Slot:
    """Where in a key the i-th index array stands."""

    __slots__ = ("i",)

    def __init__(self, i: int) -> None:
        self.i = i

    def __repr__(self) -> str:
        return f"array {self.i}"


def join_key(key: Any, indices: tuple[Any, ...]) -> Any:
    """The key with its index arrays back in their places."""
    if not indices:
        return key
    if isinstance(key, Slot):
        return indices[key.i]
    return tuple(indices[k.i] if isinstance(k, Slot) else k for k in key)


def _getitem(xp: Any, a: Any, *indices: Any, key: Any) -> Any:
    """``a[key]``; index arrays are given apart and stand in the key as slots."""
    out = a[join_key(key, indices)]
    return out


register("getitem", _getitem,
         lambda F, g, y, a, *indices, key: F.scatter_key(g, *indices, key=key, shape=a.shape), lambda i: None,
         keeps="1234567", mixed=True, view=True)


def _scatter_key(xp: Any, g: Any, *indices: Any, key: Any, shape: Any) -> Any:
    """Zeros of `shape` with `g` added at ``[key]``; places named twice receive the sum."""
    out = xp.zeros(shape, g.dtype)
    if indices:
        xp.add.at(out, join_key(key, indices), g)
    else:
        out[key] = g
    return out


register("scatter_key", _scatter_key,
         lambda F, h, y, g, *indices, key, shape: F.getitem(h, *indices, key=key), lambda i: None,
         keeps="1234567", mixed=True)


def _put_slice(xp: Any, g: Any, *, key: Any, shape: Any) -> Any:
    """Zeros of `shape` with `g` at the slices ``[key]``."""
    out = xp.zeros(shape, g.dtype)
    out[key] = g
    return out


register("put_slice", _put_slice, lambda F, h, y, g, key, shape: F.getitem(h, key=key), keeps="")


def _assign(xp: Any, a: Any, value: Any, *indices: Any, key: Any) -> Any:
    """`a` with ``a[key] = value`` done.  `setitem` does it in the memory of `a`; here it is a new array."""
    out = a.copy()
    out[join_key(key, indices)] = value
    return out


register("assign", _assign,
         lambda F, g, y, a, value, *indices, key: F.assign(g, 0, *indices, key=key),
         lambda F, g, y, a, value, *indices, key: F.getitem(g, *indices, key=key), lambda i: None,
         keeps="234567", broadcasts=True, mixed=True)


def _where(xp: Any, condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition is true (non-zero), `y` elsewhere."""
    return xp.where(condition != 0 if condition.dtype != bool else condition, x, y)


register("where", _where, None, lambda F, g, z, c, x, y: F.where(c, g, 0), lambda F, g, z, c, x, y: F.where(c, 0, g),
         keeps="0", broadcasts=True, mixed=True)
