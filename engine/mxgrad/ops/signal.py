"""Convolution of sequences."""
from __future__ import annotations

from typing import Any

from ..registry import register


def _convolve(xp: Any, a: Any, v: Any, *, mode: str = "full") -> Any:
    """sum_j a[k - j] v[j] of two arrays with one axis: wherever they overlap (mode 'full'), or where all of
    the shorter one, `v`, lies within `a` ('valid').
    """
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ValueError(f"sequences with one axis and some elements are needed, got {a.shape} and {v.shape}")
    if mode not in ("full", "valid"):
        raise ValueError(f"mode is 'full' or 'valid', not {mode!r}")
    if mode == "valid" and a.size < v.size:
        raise ValueError(f"the second sequence, {v.size} long, is longer than the first, {a.size} long")
    return xp.convolve(a, v, mode)


def _convolve_da(F: Any, g: Any, y: Any, a: Any, v: Any, mode: str = "full") -> Any:
    return F.convolve(g, F.flip(v, axis=0), mode="valid" if mode == "full" else "full")


def _convolve_dv(F: Any, g: Any, y: Any, a: Any, v: Any, mode: str = "full") -> Any:
    if mode == "full":
        return F.convolve(g, F.flip(a, axis=0), mode="valid")
    return F.flip(F.convolve(a, F.flip(g, axis=0), mode="valid"), axis=0)


register("convolve", _convolve, _convolve_da, _convolve_dv, keeps="1|0", result="same")
