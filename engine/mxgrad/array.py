"""The bare array: raw data, its context, its place on the tape.  `ndarray` gives it its methods (level 5)."""
from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .context import CPU0
from .kernels.deferred import Deferred

_new = object.__new__

if TYPE_CHECKING or sys.version_info >= (3, 12):
    _Base = object
else:       # a method `__buffer__` alone makes no buffer yet (PEP 688)
    try:
        from .kernels._buffer import Buffer as _Base
    except ImportError:
        _Base = object


class Array(_Base):
    """What `invoke` and the tape know of an array.

    `_cell` is ``[version, site of the last write]`` of the memory, shared by all views of it.  It is made
    when somebody first asks for it: most arrays are never written and never watched.  The slots behind
    `_data` and `_cell`, `_raw` and `_version`, are for the short path and the tape; all others use the
    properties.
    """

    __slots__ = ("_raw", "_ctx", "_entry", "_version", "__weakref__")

    _raw: Any
    _ctx: Any
    _entry: Any
    _version: list[Any] | None

    @property
    def _data(self) -> Any:
        raw = self._raw
        if raw.__class__ is Deferred:
            raw = self._raw = raw.value()
        return raw

    @_data.setter
    def _data(self, data: Any) -> None:
        self._raw = data

    @property
    def _cell(self) -> list[Any]:
        cell = self._version
        if cell is None:
            cell = self._version = [0, None]
        return cell

    @_cell.setter
    def _cell(self, cell: list[Any]) -> None:
        self._version = cell


def wrap(
    cls: type[Array], data: Any, ctx: Any = CPU0, entry: Any = None, cell: list[Any] | None = None
) -> Any:
    """An array of class `cls` around raw data."""
    out = _new(cls)
    out._raw = data
    out._ctx = ctx
    out._entry = entry
    out._version = cell
    return out
