"""`mx.attribute`: scopes of string attributes (level 1)."""
from __future__ import annotations

import threading
from types import TracebackType

from .base import InvalidValueError

__all__ = ["AttrScope", "current"]


class AttrScope:
    """Attributes, all strings, that hold inside a ``with`` block, added to those of the blocks around it.

    Raises InvalidValueError for a value that is not a string.

    >>> from mxgrad import attribute
    >>> with attribute.AttrScope(group="4", stage="1"):
    ...     with attribute.AttrScope(stage="2"):
    ...         attribute.current().get({"name": "x"})
    {'group': '4', 'stage': '2', 'name': 'x'}
    """

    def __init__(self, **kwargs: str) -> None:
        for name, value in kwargs.items():
            if not isinstance(value, str):
                raise InvalidValueError(f"Attributes need to be string: {name} is {value!r}")
        self._attr = kwargs

    def get(self, attr: dict[str, str] | None) -> dict[str, str]:
        """The scope's attributes and those of `attr`, which win."""
        return {**self._attr, **(attr or {})}

    def __enter__(self) -> AttrScope:
        self._attr = {**current()._attr, **self._attr}
        _scopes.scopes.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        _scopes.scopes.pop()


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.scopes = [AttrScope()]


_scopes = _Scopes()


def current() -> AttrScope:
    """The innermost scope of this thread."""
    return _scopes.scopes[-1]
