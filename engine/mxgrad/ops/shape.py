"""Ops that move elements without computing: reshape, transpose, broadcast, join, split, repeat, pad."""
from __future__ import annotations

import math
from numbers import Integral
from operator import index
from typing import Any

from ..registry import register
from .reduce import axes_of


def product(shape: Any) -> int:
    return math.prod(shape)


def _reshape(xp: Any, a: Any, *, shape: Any) -> Any:
    """The same elements in row-major order under another shape; one dimension may be -1."""
    shape = (shape,) if isinstance(shape, Integral) else tuple(shape)
    if shape and min(shape) > 0 and product(shape) == a.size:
        return a.reshape(shape)
    unknown = [i for i, n in enumerate(shape) if n == -1]
    known = product(n for n in shape if n != -1)
    if len(unknown) > 1:
        raise ValueError("One and only one dim can be inferred")
    if any(n < -1 for n in shape):
        raise ValueError(f"a dimension is not negative, and -1 is inferred; got {shape}")
    if a.size != known if not unknown else (known == 0 or a.size % known):
        raise ValueError(f"Cannot reshape array of size {a.size} into shape {shape}")
    return a.reshape(shape)


register("reshape", _reshape, lambda F, g, y, a, shape: F.reshape(g, shape=a.shape), keeps="", view=True)


def _transpose(xp: Any, a: Any, *, axes: Any = None) -> Any:
    """Axes permuted as `axes` says, reversed without it."""
    if axes is not None:
        axes = tuple(axes)
        if len(axes) != a.ndim or len(set(axes_of(axes, a.ndim))) != a.ndim:
            raise ValueError(f"axes {axes} is not a permutation of the {a.ndim} axes")
    return xp.transpose(a, axes)


def _transpose_da(F: Any, g: Any, y: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return F.transpose(g)
    order = axes_of(tuple(axes), len(a.shape))
    return F.transpose(g, axes=tuple(order.index(i) for i in range(len(order))))


register("transpose", _transpose, _transpose_da, keeps="", view=True, np="transpose permute_dims")


def _swapaxes(xp: Any, a: Any, *, axis1: int = 0, axis2: int = 0) -> Any:
    """Two axes exchanged."""
    axes_of(axis1, a.ndim), axes_of(axis2, a.ndim)
    return xp.swapaxes(a, axis1, axis2)


register("swapaxes", _swapaxes, lambda F, g, y, a, axis1=0, axis2=0: F.swapaxes(g, axis1=axis1, axis2=axis2),
         keeps="", view=True, np="swapaxes")


def _moveaxis(xp: Any, a: Any, *, source: Any, destination: Any) -> Any:
    """Axes moved to new positions, the others keeping their order."""
    return xp.moveaxis(a, source, destination)


register("moveaxis", _moveaxis,
         lambda F, g, y, a, source, destination: F.moveaxis(g, source=destination, destination=source),
         keeps="", view=True, nd="moveaxis", np="moveaxis")


def _expand_dims(xp: Any, a: Any, *, axis: Any) -> Any:
    """New axes of length 1 at the positions `axis` of the result."""
    ndim = a.ndim + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    for i in axis if isinstance(axis, (tuple, list)) else (axis,):
        if not -ndim <= i < ndim:
            raise ValueError(f"axis must be in the range [{-ndim}, {ndim - 1}] ({i} provided)")
    return xp.expand_dims(a, axis)


register("expand_dims", _expand_dims, lambda F, g, y, a, axis: F.reshape(g, shape=a.shape), keeps="",
         view=True,
         np="expand_dims")


def _squeeze(xp: Any, a: Any, *, axis: Any = None) -> Any:
    """Axes of length 1 removed: all of them, or those in `axis`, which must have length 1."""
    for i in axes_of(axis, a.ndim) if axis is not None else ():
        if a.shape[i] != 1:
            raise ValueError(f"cannot squeeze axis {i}: its length is {a.shape[i]}, not 1")
    return xp.squeeze(a, axis)


register("squeeze", _squeeze, lambda F, g, y, a, axis=None: F.reshape(g, shape=a.shape), keeps="", view=True,
         np="squeeze")


def _broadcast_to(xp: Any, a: Any, *, shape: Any) -> Any:
    """`a` repeated along new axes and axes of length 1 to fill `shape`."""
    shape = tuple(shape)
    if a.ndim > len(shape):
        return xp.broadcast_to(a, shape)        # an error
    out = xp.empty(shape, a.dtype)
    out[...] = a
    return out


register("broadcast_to", _broadcast_to, lambda F, g, y, a, shape: F.sum_to(g, shape=a.shape), keeps="")


def _flip(xp: Any, a: Any, *, axis: Any = None) -> Any:
    """Elements in reverse order along `axis`, along all axes without one."""
    axes_of(axis, a.ndim)
    return xp.flip(a, axis)


register("flip", _flip, lambda F, g, y, a, axis=None: F.flip(g, axis=axis), keeps="", view=True,
         nd="flip reverse",
         np="flip", nd_arrays=("data",))


def _roll(xp: Any, a: Any, *, shift: Any, axis: Any = None) -> Any:
    """Elements moved on by `shift` places, the last coming back first."""
    shift = tuple(map(index, shift)) if isinstance(shift, (tuple, list)) else index(shift)
    return xp.roll(a, shift, axis)


def _roll_da(F: Any, g: Any, y: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return F.roll(g, shift=back, axis=axis)


register("roll", _roll, _roll_da, keeps="", np="roll")


def _rot90(xp: Any, m: Any, *, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Rotated by `k` quarter turns in the plane of `axes`."""
    return xp.rot90(m, k, axes)


register("rot90", _rot90, lambda F, g, y, m, k=1, axes=(0, 1): F.rot90(g, k=-k, axes=axes), keeps="",
         view=True,
         np="rot90")


def _concatenate(xp: Any, *arrays: Any, axis: int | None = 0) -> Any:
    """Arrays joined along an axis; flattened first if `axis` is None."""
    if not arrays:
        raise ValueError("need at least one array to concatenate")
    if axis is not None:
        axes_of(axis, arrays[0].ndim)
    return xp.concatenate(arrays, axis=axis)


def _concatenate_joint(F: Any, g: Any, y: Any, *arrays: Any, axis: int | None = 0) -> Any:
    cts, at = [], 0
    for a in arrays:
        if axis is None:
            n = product(a.shape)
            piece = F.reshape(F.slice_axis(g, axis=0, begin=at, end=at + n), shape=a.shape)
        else:
            n = a.shape[axis]
            piece = F.slice_axis(g, axis=axis, begin=at, end=at + n)
        cts.append(piece)
        at += n
    return cts


register("concatenate", _concatenate, joint=_concatenate_joint, keeps="")


def _stack(xp: Any, *arrays: Any, axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    if not arrays:
        raise ValueError("need at least one array to stack")
    return xp.stack(arrays, axis=axis)


register("stack", _stack, joint=lambda F, g, y, *arrays, axis=0:
         [F.getitem(g, key=_along(g, axis, i)) for i in range(len(arrays))], keeps="")


def _along(a: Any, axis: int, i: Any) -> tuple[Any, ...]:
    """The key that picks `i` on one axis and all of the others."""
    return (slice(None),) * (axis % len(a.shape)) + (i,)


def _slice_axis(xp: Any, a: Any, *, axis: int, begin: int, end: int | None) -> Any:
    """Elements `begin` to before `end` of one axis; negative counts from the end, None is the end."""
    (i,) = axes_of(axis, a.ndim)
    n = a.shape[i]
    first, last, _ = slice(begin, end).indices(n)
    if begin > n or begin < -n or (end is not None and end > n):
        raise ValueError(f"slice {begin}:{end} is out of bounds for axis {axis} of length {n}")
    return a[_along(a, i, slice(first, last))].copy()


register("slice_axis", _slice_axis,
         lambda F, g, y, a, axis, begin, end:
         F.scatter_key(g, key=_along(a, axis, slice(begin, end)), shape=a.shape),
         keeps="", nd="slice_axis", npx="slice_axis", nd_arrays=("data",))


def _split(xp: Any, a: Any, *, indices_or_sections: Any, axis: int = 0) -> tuple[Any, ...]:
    """The pieces between positions (a tuple), or that many equal ones (an int), along `axis`."""
    (i,) = axes_of(axis, a.ndim)
    n = a.shape[i]
    if isinstance(indices_or_sections, Integral):
        parts = indices_or_sections
        if parts < 1 or n % parts:
            raise ValueError(f"axis {axis} of length {n} does not divide into {parts} equal parts")
        cuts = [k * (n // parts) for k in range(1, parts)]
    else:
        cuts = [int(c) for c in indices_or_sections]
    return tuple(p.copy() for p in xp.split(a, cuts, i))


register("split", _split,
         joint=lambda F, gs, ys, a, indices_or_sections, axis=0: (F.concatenate(*gs, axis=axis),), keeps="")


def _tile(xp: Any, a: Any, *, reps: Any) -> Any:
    """The array repeated `reps` times along each axis."""
    return xp.tile(a, tuple(map(index, reps)) if isinstance(reps, (tuple, list)) else index(reps))


def _tile_da(F: Any, g: Any, y: Any, a: Any, reps: Any) -> Any:
    reps = (reps,) if isinstance(reps, Integral) else tuple(reps)
    ndim = max(len(reps), len(a.shape))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - len(a.shape)) + tuple(a.shape)
    pairs = tuple(int(n) for pair in zip(reps, shape) for n in pair)
    return F.reshape(F.sum(F.reshape(g, shape=pairs), axis=tuple(range(0, 2 * ndim, 2))), shape=a.shape)


register("tile", _tile, _tile_da, keeps="", nd="tile", np="tile", nd_arrays=("data",))


def _repeat(xp: Any, a: Any, *, repeats: int, axis: int | None = None) -> Any:
    """Each element repeated in place, along `axis` or over the flattened array."""
    if axis is not None:
        axes_of(axis, a.ndim)
    if index(repeats) < 0:
        raise ValueError(f"repeats is a number that is not negative, got {repeats!r}")
    return xp.repeat(a, repeats, axis=axis)


def _repeat_da(F: Any, g: Any, y: Any, a: Any, repeats: int, axis: int | None = None) -> Any:
    shape = (product(a.shape),) if axis is None else tuple(a.shape)
    at = axes_of(0 if axis is None else axis, len(shape))[0]
    return F.reshape(F.sum(F.reshape(g, shape=shape[:at + 1] + (repeats,) + shape[at + 1:]), axis=at + 1),
                     shape=a.shape)


register("repeat", _repeat, _repeat_da, keeps="", nd="repeat", nd_arrays=("data",))


def _pad(xp: Any, a: Any, *, pad_width: Any, mode: str = "constant", constant_value: float = 0.0) -> Any:
    """`pad_width` elements ((before, after) per axis) added around.

    `mode` says which: "constant" `constant_value`, "edge" the nearest element, "reflect" the mirror image
    without the edge, "symmetric" with it.
    """
    pad_width = _widths(a, pad_width, mode)
    if mode == "constant":
        return xp.pad(a, pad_width, mode=mode, constant_values=constant_value)
    return xp.pad(a, pad_width, mode=mode)


def _widths(a: Any, pad_width: Any, mode: str) -> tuple[tuple[int, int], ...]:
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"mode is 'constant', 'edge', 'reflect' or 'symmetric', not {mode!r}")
    widths = tuple((int(b), int(e)) for b, e in pad_width)
    if len(widths) != len(a.shape) or any(n < 0 for pair in widths for n in pair):
        raise ValueError(
            f"pad_width is a pair (before, after), not negative, per axis of {a.shape}, got {pad_width}")
    for axis, (pair, n) in enumerate(zip(widths, a.shape)):
        if n == 0 and any(pair) and mode != "constant":
            raise ValueError(f"axis {axis} is empty: there is nothing to pad it with in mode {mode!r}")
    return widths


def _pad_da(F: Any, g: Any, y: Any, a: Any, pad_width: Any, mode: str = "constant",
            constant_value: float = 0.0) -> Any:
    if mode == "constant":
        return F.getitem(g, key=tuple(slice(b, b + n) for (b, _), n in zip(pad_width, a.shape)))
    return F.unpad(g, pad_width=pad_width, mode=mode)


register("pad", _pad, _pad_da, keeps="")


def _unpad(xp: Any, g: Any, *, pad_width: Any, mode: str) -> Any:
    """The adjoint of `pad`: each element of the padding added to the one it was copied from."""
    for axis, (before, after) in enumerate(pad_width):
        n = g.shape[axis] - before - after
        if not before and not after:
            continue
        source = xp.arange(-before, n + after)
        if mode == "edge":
            source = xp.clip(source, 0, n - 1)
        elif mode == "reflect":
            source = xp.abs((source + n - 1) % max(1, 2 * n - 2) - (n - 1)) if n > 1 else source * 0
        else:
            source = source % (2 * n)
            source = xp.minimum(source, 2 * n - 1 - source)
        moved = xp.moveaxis(g, axis, 0)
        out = xp.zeros((n,) + moved.shape[1:], g.dtype)
        xp.add.at(out, source, moved)
        g = xp.moveaxis(out, 0, axis)
    return g


register("unpad", _unpad, lambda F, h, y, g, pad_width, mode: F.pad(h, pad_width=pad_width, mode=mode),
         keeps="")
