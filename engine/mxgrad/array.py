"""The bare array: raw data, its context, its place on the tape.  `ndarray` gives it its methods (level 5)."""
from __future__ import annotations

from typing import Any

from .context import CPU0

_new = object.__new__


class Array:
    """What `invoke` and the tape know of an array.

    `_cell` is ``[version, site of the last write]`` of the memory, shared by all views of it.
    """

    __slots__ = ("_data", "_ctx", "_entry", "_cell", "__weakref__")

    _data: Any
    _ctx: Any
    _entry: Any
    _cell: list[Any]


def wrap(
    cls: type[Array], data: Any, ctx: Any = CPU0, entry: Any = None, cell: list[Any] | None = None
) -> Any:
    """An array of class `cls` around raw data."""
    out = _new(cls)
    out._data = data
    out._ctx = ctx
    out._entry = entry
    out._cell = [0, None] if cell is None else cell
    return out
