"""Arguments of the compiled kernels that do not belong together: each must be left to the generic kernel."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
from mxgrad.context import CPU0
from mxgrad.kernels import cpu

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Left(Exception):
    """A kernel called the generic one."""


def left(*args: Any, **params: Any) -> Any:
    raise Left


@contextmanager
def spied(calls: dict[str, list[Call]]) -> Iterator[None]:
    """Notes the raw arguments of what has compiled kernels, by its name."""
    table = CPU0.backend.F
    before = {name: getattr(table, name) for name in cpu.OVERRIDES}

    def spy(name: str) -> Callable[..., Any]:
        def call(*args: Any, **params: Any) -> Any:
            calls.setdefault(name, []).append((args, params))
            return before[name](*args, **params)

        return call

    for name in before:
        setattr(table, name, spy(name))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(table, name, function)


def _arrays(a: numpy.ndarray) -> Iterator[numpy.ndarray]:
    if not a.size:
        return
    yield a.reshape(-1)
    yield a[None]
    yield a[..., None]
    yield a.reshape(-1)[:1].reshape(())
    yield a.reshape(-1)[:0]
    yield a.astype("float64" if a.dtype.kind == "f" else "float32")
    for axis in range(a.ndim):
        yield numpy.take(a, range(a.shape[axis] - 1), axis=axis)
        yield numpy.repeat(a, 2, axis=axis)
        yield numpy.take(a, range(0), axis=axis)
    yield a.T


def _numbers(n: int) -> Iterator[int]:
    yield from {0, 1, -1, n + 1, n - 1, -n, 50} - {n}


def _tuples(t: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    yield ()
    yield t[1:]
    yield (*t, 1)
    yield t[::-1]
    for i, n in enumerate(t):
        for other in _numbers(n):
            yield (*t[:i], other, *t[i + 1:])


def wrong(args: tuple[Any, ...], params: dict[str, Any]) -> Iterator[Call]:
    """The call with one argument changed, which makes most of the calls wrong."""
    everything = [*enumerate(args), *params.items()]
    for place, value in everything:
        if isinstance(value, numpy.ndarray):
            others: Iterator[Any] = _arrays(value)
        elif type(value) is int:
            others = _numbers(value)
        elif isinstance(value, tuple) and all(type(n) is int for n in value):
            others = _tuples(value)
        else:
            continue
        for other in others:
            if isinstance(other, numpy.ndarray):
                other = numpy.ascontiguousarray(other) if other.ndim else other.copy()
            if isinstance(place, int):
                yield (*args[:place], other, *args[place + 1:]), params
            else:
                yield args, {**params, place: other}
