"""`mx.name`: automatic names, for programs that number what they make (level 1)."""
from __future__ import annotations

import threading
from types import TracebackType

__all__ = ["NameManager", "Prefix", "current"]


class NameManager:
    """Gives names out: the one asked for, else the hint and a number.  A ``with`` block makes it current.

    >>> from mxgrad.name import NameManager, Prefix
    >>> names = NameManager()
    >>> names.get(None, "fc"), names.get(None, "fc"), names.get("out", "fc")
    ('fc0', 'fc1', 'out')
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def get(self, name: str | None, hint: str) -> str:
        """`name`, or a new one that begins with `hint` if it is None or empty."""
        if name:
            return name
        number = self._counts.get(hint, 0)
        self._counts[hint] = number + 1
        return f"{hint}{number}"

    def __enter__(self) -> NameManager:
        _scopes.managers.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        _scopes.managers.pop()


class Prefix(NameManager):
    """Puts a prefix before every name, given ones too.

    >>> from mxgrad import name
    >>> with name.Prefix("net_"):
    ...     name.current().get("weight", "w"), name.current().get(None, "w")
    ('net_weight', 'net_w0')
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def get(self, name: str | None, hint: str) -> str:
        return self._prefix + super().get(name, hint)


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.managers = [NameManager()]


_scopes = _Scopes()


def current() -> NameManager:
    """The manager of the innermost ``with`` block of this thread, else the thread's own."""
    return _scopes.managers[-1]
