"""Indexing: reading and writing by keys, gathering and scattering by index arrays.

A key is what Python puts between brackets, with array parts replaced by raw index arrays: they travel as
array arguments, and the key, a parameter, has slots in their places.

Gathering and scattering are adjoint: the rule of each is a call of the other, and places named twice add up.
"""
from __future__ import annotations

from numbers import Integral
from typing import Any

from ..base import as_indices, check_indices
from ..registry import register, zero
from .reduce import axes_of, kept_shape
from .shape import product

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


# by keys ----------------------------------------------------------------------------------------------------


def _getitem(xp: Any, a: Any, *indices: Any, key: Any) -> Any:
    """``a[key]``; index arrays are given apart and stand in the key as slots."""
    return a[join_key(key, indices)]


def _add_at_key(xp: Any, total: Any, g: Any, *indices: Any, key: Any) -> Any:
    place = join_key(key, indices)
    if all(i.dtype == bool
           for i in indices):       # without index arrays, or with masks, no place is named twice
        total[place] += g
    else:
        xp.add.at(total, place, g)
    return total


register("getitem", _getitem,
         lambda F, g, y, a, *indices, key: F.scatter_key(g, *indices, key=key, shape=a.shape), lambda i: None,
         keeps="v", mixed=True, view=True, adds=_add_at_key)


def _scatter_key(xp: Any, g: Any, *indices: Any, key: Any, shape: Any) -> Any:
    """Zeros of `shape` with `g` added at ``[key]``; places named twice receive the sum."""
    return _add_at_key(xp, xp.zeros(shape, g.dtype), g, *indices, key=key)


register("scatter_key", _scatter_key,
         lambda F, h, y, g, *indices, key, shape: F.getitem(h, *indices, key=key), lambda i: None,
         keeps="v", mixed=True)


def _assign(xp: Any, a: Any, value: Any, *indices: Any, key: Any) -> Any:
    """`a` with ``a[key] = value`` done.  Arrays do it in their memory; here it is a new array."""
    out = a.copy()
    out[join_key(key, indices)] = value
    return out


def _assign_dvalue(F: Any, g: Any, y: Any, a: Any, value: Any, *indices: Any, key: Any) -> Any:
    g = F.getitem(g, *indices, key=key)
    if any(i.dtype != bool for i in indices):
        g = F.where(F.last_written(*indices, key=key, shape=a.shape), g, 0)
    # A value may have more leading axes of length 1 than its place.
    extra = len(value.shape) - len(g.shape)
    return F.reshape(g, shape=(1,) * extra + tuple(g.shape)) if extra > 0 else g


register("assign", _assign,
         lambda F, g, y, a, value, *indices, key: F.assign(g, 0, *indices, key=key), _assign_dvalue,
         lambda i: None, keeps="v", broadcasts=True, mixed=True)


def _last_written(xp: Any, *indices: Any, key: Any, shape: Any) -> Any:
    """For each element assigned at ``[key]`` whether it stays: of those assigned to one place the last does.
    """
    places = xp.zeros(shape, "int64")
    where = join_key(key, indices)
    order = xp.arange(product(places[where].shape)).reshape(places[where].shape)
    xp.maximum.at(places, where, order)
    return places[where] == order


register("last_written", _last_written, lambda i: None, keeps="", mixed=True)

# by index arrays --------------------------------------------------------------------------------------------


def _places(xp: Any, index: Any, n: int, mode: str) -> Any:
    """The places on an axis of length `n` that an index array names; floats are truncated.

    Mode 'clip' moves what is outside to the ends, 'wrap' counts on from the other end, 'raise' leaves it to
    the array module: NumPy raises IndexError, a device does not look.
    """
    if mode not in ("clip", "wrap", "raise"):
        raise ValueError(f"mode is 'clip', 'wrap' or 'raise', not {mode!r}")
    index = as_indices(index)
    if mode == "raise":
        return index
    if n == 0 and index.size:
        raise IndexError("an axis of length 0 has no places to take")
    return xp.minimum(xp.maximum(index, 0), n - 1) if mode == "clip" else index % max(n, 1)


def _take(xp: Any, a: Any, indices: Any, *, axis: int | None = 0, mode: str = "clip") -> Any:
    """The elements at `indices` along `axis`, which the axes of `indices` replace; of the flattened array
    without one.

    Indices outside the axis are moved to its ends (mode 'clip'), counted on from the other end ('wrap') or an
    error ('raise', on a CPU).
    """
    if axis is None:
        a, axis = a.reshape(-1), 0
    (axis,) = axes_of(axis, a.ndim)
    return a.take(_places(xp, indices, a.shape[axis], mode), axis)


def _add_where_taken(
    xp: Any, total: Any, g: Any, indices: Any, *, axis: int | None = 0, mode: str = "clip",
) -> Any:
    shape = total.shape
    whole = shape if axis is not None else (product(shape),)
    (axis,) = axes_of(axis or 0, len(whole))
    n, after = whole[axis], product(whole[axis + 1:])
    place = _places(xp, indices, n, mode).reshape(1, -1, 1)
    if mode == "raise":
        place = xp.where(place < 0, place + n, place)
    # Adding at places of one axis is several times faster in NumPy than adding rows.
    flat = (xp.arange(product(whole[:axis])).reshape(-1, 1, 1) * n + place) * after + xp.arange(after)
    out = total.reshape(-1)     # a copy where the elements are not in row-major order
    xp.add.at(out, flat.reshape(-1), g.reshape(-1))
    return out.reshape(shape)


register("take", _take,
         lambda F, g, y, a, i, axis=0, mode="clip": F.add_taken(g, i, shape=a.shape, axis=axis, mode=mode),
         None, keeps="1", mixed=True, adds=_add_where_taken, nd="take")


def _add_taken(xp: Any, g: Any, indices: Any, *, shape: Any, axis: int | None = 0, mode: str = "clip") -> Any:
    """Zeros of `shape` with `g` added where `take` reads: its adjoint."""
    return _add_where_taken(xp, xp.zeros(shape, g.dtype), g, indices, axis=axis, mode=mode)


register("add_taken", _add_taken,
         lambda F, h, y, g, i, shape, axis=0, mode="clip": F.take(h, i, axis=axis, mode=mode), None,
         keeps="1", mixed=True)


def _take_along_axis(xp: Any, a: Any, indices: Any, *, axis: int = -1, mode: str = "clip") -> Any:
    """For each place of `indices` the element of `a` it names along `axis`; the other axes go in parallel.

    Indices outside the axis are moved to its ends (mode 'clip'), counted on from the other end ('wrap') or an
    error ('raise', on a CPU).
    """
    if mode != "raise":
        return a.reshape(-1)[_places_along(xp, a.shape, indices, axis, mode)]
    (axis,) = axes_of(axis, a.ndim)
    _parallel(a.shape, indices.shape, axis)
    return xp.take_along_axis(a, _places(xp, indices, a.shape[axis], mode), axis)


def _parallel(shape: tuple[int, ...], index: tuple[int, ...], axis: int) -> None:
    if len(index) != len(shape) or any(n != m for i, (n, m) in enumerate(zip(shape, index)) if i != axis):
        raise ValueError(f"indices of shape {index} do not go along axis {axis} of shape {tuple(shape)}")


def _places_along(xp: Any, shape: tuple[int, ...], indices: Any, axis: int, mode: str) -> Any:
    """Where in a flattened array of `shape` the elements are that `indices` name along `axis`."""
    (axis,) = axes_of(axis, len(shape))
    _parallel(shape, indices.shape, axis)
    n, before, after = shape[axis], product(shape[:axis]), product(shape[axis + 1:])
    place = _places(xp, indices, n, mode).reshape(before, indices.shape[axis], after)
    if mode == "raise":
        place = xp.where(place < 0, place + n, place)
    flat = xp.arange(before).reshape(-1, 1, 1) * n + place
    if after != 1:
        flat = flat * after + xp.arange(after)
    return flat.reshape(indices.shape)


register("take_along_axis", _take_along_axis,
         lambda F, g, y, a, i, axis=-1, mode="clip":
         F.add_along_axis(g, i, shape=a.shape, axis=axis, mode=mode), None, keeps="1", mixed=True)


def _add_along_axis(
    xp: Any, g: Any, indices: Any, *, shape: Any, axis: int = -1, mode: str = "clip",
) -> Any:
    """Zeros of `shape` with `g` added where `take_along_axis` reads: its adjoint."""
    out = xp.zeros(product(shape), g.dtype)
    xp.add.at(out, _places_along(xp, shape, indices, axis, mode).reshape(-1), g.reshape(-1))
    return out.reshape(shape)


register("add_along_axis", _add_along_axis,
         lambda F, h, y, g, i, shape, axis=-1, mode="clip":
         F.take_along_axis(h, i, axis=axis, mode=mode), None, keeps="1", mixed=True)


def _gather_nd(xp: Any, data: Any, indices: Any) -> Any:
    """Elements or slices of `data` at the points whose coordinates stand along the first axis of `indices`.
    """
    return data[_coordinates(indices, data.ndim)]


def _coordinates(indices: Any, ndim: int) -> tuple[Any, ...]:
    if indices.ndim < 2:
        raise ValueError("indices needs two axes: coordinates along the first, points along the others")
    if not 1 <= indices.shape[0] <= ndim:
        raise ValueError(f"points of {indices.shape[0]} coordinates in an array with {ndim} axes")
    at = as_indices(indices)
    return tuple(at[k] for k in range(indices.shape[0]))


register("gather_nd", _gather_nd, lambda F, g, y, a, i: F.scatter_nd(g, i, shape=a.shape), None, keeps="1",
         mixed=True, nd="gather_nd", npx="gather_nd", nd_arrays=("data", "indices"))


def _scatter_nd(xp: Any, data: Any, indices: Any, *, shape: Any) -> Any:
    """Zeros of `shape` with `data` added at the points of `indices`, as `gather_nd` reads them."""
    shape = (shape,) if isinstance(shape, Integral) else tuple(shape)
    points = _coordinates(indices, len(shape))
    wanted = tuple(indices.shape[1:]) + shape[len(points):]
    if data.shape != wanted:
        raise ValueError(
            f"data of shape {tuple(data.shape)} where these points and shape {shape} need {wanted}")
    out = xp.zeros(shape, data.dtype)
    xp.add.at(out, points, data)
    return out


register("scatter_nd", _scatter_nd, lambda F, h, y, g, i, shape: F.gather_nd(h, i), None, keeps="1",
         mixed=True, nd="scatter_nd", nd_arrays=("data", "indices"))


def _where(xp: Any, condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition is true (non-zero), `y` elsewhere."""
    out = xp.where(condition != 0 if condition.dtype != bool else condition, x, y)
    if hasattr(x, "dtype") != hasattr(y, "dtype"):      # beside a number NumPy 1 widens arrays without axes
        dtype = (x if hasattr(x, "dtype") else y).dtype
        if out.dtype != dtype and out.dtype.kind == dtype.kind:
            return out.astype(dtype)
    return out


register("where", _where, None, lambda F, g, z, c, x, y: F.where(c, g, 0),
         lambda F, g, z, c, x, y: F.where(c, 0, g), keeps="0", broadcasts=True, mixed=True)

# made of index arrays ---------------------------------------------------------------------------------------


def _as_indices(xp: Any, x: Any, *, what: str) -> Any:
    """The numbers as int64, without what is behind the point.  Raises OutOfRangeError where they are nan or
    infinite, on a CPU; `what` they are says its text.
    """
    return as_indices(x, what)


register("as_indices", _as_indices, zero, keeps="", mixed=True, view=True)


def _one_hot(
    xp: Any, indices: Any, *, depth: int, on_value: float = 1.0, off_value: float = 0.0,
    dtype: Any = "float32",
) -> Any:
    """A new last axis of length `depth` with `on_value` at the place named and `off_value` elsewhere,
    everywhere for places outside the axis.
    """
    if depth < 0:
        raise ValueError(f"depth is not negative, got {depth}")
    at = as_indices(indices)
    out = xp.full((at.size, depth), off_value, dtype)
    if depth and at.size:
        flat = at.reshape(-1)
        inside = (flat >= 0) & (flat < depth)
        out[xp.arange(at.size), xp.where(inside, flat, 0)] = xp.where(
            inside, xp.full((), on_value, dtype), out[:, 0])
    return out.reshape(at.shape + (depth,))


register("one_hot", _one_hot, zero, keeps="", mixed=True, nd="one_hot")


def _before(xp: Any, length: Any, *, n: int) -> Any:
    """A new last axis of length `n`, true at the places before `length`."""
    check_indices(length, "lengths")
    return xp.arange(n) < length.reshape(length.shape + (1,))


register("before", _before, zero, keeps="", mixed=True)


def _ravel_multi_index(xp: Any, data: Any, *, shape: Any) -> Any:
    """Places in a flattened array of `shape` of the points whose coordinates stand along the first axis.

    The first length of `shape` may be -1: it does not matter.
    """
    if data.ndim != 2 or data.shape[0] != len(shape):
        raise ValueError(
            f"points of an array of shape {tuple(shape)} have {len(shape)} rows, got shape "
            f"{tuple(data.shape)}")
    check_indices(data, "coordinates")
    flat = data[0]
    for k in range(1, len(shape)):
        flat = flat * shape[k] + data[k]
    return flat


register("ravel_multi_index", _ravel_multi_index, zero, keeps="", result="same", nd="ravel_multi_index",
         nd_arrays=("data",))


def _unravel_index(xp: Any, data: Any, *, shape: Any) -> Any:
    """Coordinates, along a new first axis, of places in a flattened array of `shape`; undoes
    `ravel_multi_index`.
    """
    check_indices(data)
    rows = []
    for n in reversed(shape[1:]):
        rows.append(data % n)
        data = data // n
    return xp.stack([data, *reversed(rows)], axis=0)


register("unravel_index", _unravel_index, zero, keeps="", result="same", nd="unravel_index",
         nd_arrays=("data",))


def pick(F: Any, data: Any, index: Any, axis: int | None = -1, keepdims: bool = False,
         mode: str = "clip") -> Any:
    """For each place of the other axes the element that `index` names along `axis`: a composition.

    `index` has the shape of `data` without `axis`, or with 1 there; the result has the first, or with
    `keepdims` the second.
    """
    if axis is None:
        return F.take(data, index, axis=None, mode=mode)
    (axis,) = axes_of(axis, len(data.shape))
    rest = tuple(data.shape[:axis]) + tuple(data.shape[axis + 1:])
    kept = kept_shape(tuple(data.shape), axis)
    if tuple(index.shape) not in (rest, kept) and (rest or product(index.shape) != 1):
        raise ValueError(
            f"an index for axis {axis} of shape {tuple(data.shape)} has shape {rest}, not "
            f"{tuple(index.shape)}")
    out = F.take_along_axis(data, F.reshape(index, shape=kept), axis=axis, mode=mode)
    return out if keepdims else F.reshape(out, shape=rest)
