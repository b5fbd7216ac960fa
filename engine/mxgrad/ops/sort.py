"""Order: sorting, ranking, places of extremes."""
from __future__ import annotations

from typing import Any

from ..registry import register, zero
from .reduce import axes_of, count_of, kept_shape


def _sort(xp: Any, a: Any, *, axis: int = -1, is_ascend: bool = True) -> Any:
    """The elements along `axis` in ascending or descending order."""
    axes_of(axis, a.ndim)
    out = xp.sort(a, axis=axis)
    return out if is_ascend else xp.flip(out, axis).copy()


def _sort_da(F: Any, g: Any, y: Any, a: Any, axis: int = -1, is_ascend: bool = True) -> Any:
    return F.add_along_axis(g, F.argsort(a, axis=axis, is_ascend=is_ascend), shape=a.shape, axis=axis)


register("sort", _sort, _sort_da, keeps="x", result="same")


def _argsort(xp: Any, a: Any, *, axis: int = -1, is_ascend: bool = True) -> Any:
    """The places, int64, that put the elements along `axis` in order; equal elements keep theirs."""
    (axis,) = axes_of(axis, a.ndim)
    if is_ascend:
        return xp.argsort(a, axis=axis, kind="stable")
    # Read backwards, so that equal elements keep their order in the reversed result.
    backwards = xp.argsort(xp.flip(a, axis), axis=axis, kind="stable")
    return xp.flip(a.shape[axis] - 1 - backwards, axis).copy()


register("argsort", _argsort, zero, keeps="")


def _first_places(xp: Any, a: Any, *, k: int, axis: int = -1, is_ascend: bool = True) -> Any:
    """The first `k` of the places that `argsort` gives."""
    (axis,) = axes_of(axis, a.ndim)
    if not 0 <= k <= a.shape[axis]:
        raise ValueError(f"k must be between 0 and {a.shape[axis]}, the length of the axis, got k = {k}")
    return _argsort(xp, a, axis=axis, is_ascend=is_ascend)[(slice(None),) * axis + (slice(k),)].copy()


register("first_places", _first_places, zero, keeps="")


def _arg_extreme(name: str) -> Any:
    def kernel(xp: Any, a: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
        axes_of(axis, a.ndim)
        if count_of(a.shape, axis) == 0:
            raise ValueError(f"{name} of no elements: the array has shape {tuple(a.shape)}")
        out = getattr(xp, name)(a, axis=axis)
        return out.reshape(kept_shape(a.shape, axis)) if keepdims else out
    return kernel


for _name, _what in (("argmax", "maximum"), ("argmin", "minimum")):
    register(_name, _arg_extreme(_name), zero, keeps="",
             doc=f"The place, int64, of the first {_what} along `axis`, of the flattened array without one.")
