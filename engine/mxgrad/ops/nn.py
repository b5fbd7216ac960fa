"""Functions of neural networks."""
from __future__ import annotations

from typing import Any

from ..registry import register
from .reduce import axes_of


def _softmax(xp: Any, data: Any, *, axis: int = -1) -> Any:
    """exp(x) / sum of exp(x) along `axis`, shifted by the maximum so that nothing overflows."""
    axes_of(axis, data.ndim)
    if data.size == 0:
        return data.copy()
    e = xp.exp(data - xp.max(data, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


register("softmax", _softmax,
         lambda F, g, y, x, axis=-1: y * (g - F.sum(g * y, axis=axis, keepdims=True)), keeps="y", result="float")


def _log_softmax(xp: Any, data: Any, *, axis: int = -1) -> Any:
    """The logarithm of softmax."""
    axes_of(axis, data.ndim)
    if data.size == 0:
        return data.copy()
    shifted = data - xp.max(data, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


register("log_softmax", _log_softmax,
         lambda F, g, y, x, axis=-1: g - F.exp(y) * F.sum(g, axis=axis, keepdims=True), keeps="y", result="float")
