"""Adapters for functions that move elements: shapes, axes, joining, splitting, slicing, padding."""
from __future__ import annotations

from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidValueError
from ..invoke import F
from ..ops.reduce import axes_of
from ..ops.shape import product
from .array import needs_floats
from .functions import ND


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


# one array under another shape ------------------------------------------------------------------------------


@ND.composed("transpose")
def transpose(data: Any, axes: Any = None, out: Any = None, name: Any = None) -> Any:
    """The axes in the order `axes`, reversed without it.

    >>> from mxgrad import nd
    >>> nd.transpose(nd.zeros((2, 3, 4)), axes=(1, 0, 2)).shape
    (3, 2, 4)
    """
    return F.transpose(data, axes=None if axes is None or axes == () else tuple(axes))


@ND.composed("swapaxes SwapAxis")
def swapaxes(data: Any, dim1: int = 0, dim2: int = 0, out: Any = None, name: Any = None) -> Any:
    """The axes `dim1` and `dim2` exchanged."""
    return F.swapaxes(data, axis1=dim1, axis2=dim2)


@ND.composed("flatten Flatten")
def flatten(data: Any, out: Any = None, name: Any = None, inplace: bool = False) -> Any:
    """Two axes: the first one, and all others merged; an array of shape (2, 3, 4) becomes (2, 12).

    `inplace` is accepted for MXNet's sake: `x.reshape((0, -1))` is the view.
    """
    if not data.ndim:
        raise ValueError("the array has no axes")
    return F.reshape(data, shape=(data.shape[0], product(data.shape[1:])))


@ND.composed("expand_dims")
def expand_dims(data: Any, axis: int, out: Any = None, name: Any = None, inplace: bool = False) -> Any:
    """A new axis of length 1 at place `axis` of the result.  `inplace` is accepted for MXNet's sake."""
    return F.expand_dims(data, axis=axis)


@ND.composed("squeeze")
def squeeze(data: Any, axis: Any = None, out: Any = None, name: Any = None, inplace: bool = False) -> Any:
    """Axes of length 1 removed, all or those in `axis`; one stays where nothing else would.

    >>> from mxgrad import nd
    >>> nd.squeeze(nd.zeros((1, 2, 1)), axis=0).shape, nd.squeeze(nd.zeros((1, 1))).shape
    ((2, 1), (1,))
    """
    return F.squeeze(data, axis=axis)


@ND.composed("reshape_like", arrays=2)
def reshape_like(lhs: Any, rhs: Any, lhs_begin: int | None = None, lhs_end: int | None = None,
                 rhs_begin: int | None = None, rhs_end: int | None = None, out: Any = None,
                 name: Any = None) -> Any:
    """`lhs` in the shape of `rhs`, or with its axes ``lhs_begin:lhs_end`` under the lengths of
    ``rhs_begin:rhs_end``.

    >>> from mxgrad import nd
    >>> x, y = nd.zeros((30, 7)), nd.zeros((15, 2, 4))
    >>> nd.reshape_like(x, y, lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2).shape
    (15, 2, 7)
    """
    first, last, _ = slice(lhs_begin, lhs_end).indices(lhs.ndim)
    shape = lhs.shape[:first] + rhs.shape[slice(rhs_begin, rhs_end)] + lhs.shape[max(first, last):]
    return F.reshape(lhs, shape=shape)


@ND.composed("depth_to_space")
def depth_to_space(data: Any, block_size: int, out: Any = None, name: Any = None) -> Any:
    """(n, b b c, h, w) becomes (n, c, b h, b w): blocks of b x b come out of the second axis."""
    b = block_size
    if data.ndim != 4 or b < 1 or data.shape[1] % (b * b):
        raise ValueError(f"needs four axes, the second a multiple of {b} x {b}, got shape {data.shape}")
    n, c, h, w = data.shape
    x = F.transpose(F.reshape(data, shape=(n, b, b, c // (b * b), h, w)), axes=(0, 3, 4, 1, 5, 2))
    return F.reshape(x, shape=(n, c // (b * b), h * b, w * b))


@ND.composed("space_to_depth")
def space_to_depth(data: Any, block_size: int, out: Any = None, name: Any = None) -> Any:
    """The inverse of `depth_to_space`: (n, c, b h, b w) becomes (n, b b c, h, w)."""
    b = block_size
    if data.ndim != 4 or b < 1 or data.shape[2] % b or data.shape[3] % b:
        raise ValueError(f"needs four axes, the last two multiples of {b}, got shape {data.shape}")
    n, c, h, w = data.shape
    x = F.transpose(F.reshape(data, shape=(n, c, h // b, b, w // b, b)), axes=(0, 3, 5, 1, 2, 4))
    return F.reshape(x, shape=(n, b * b * c, h // b, w // b))


# broadcasting -----------------------------------------------------------------------------------------------


@ND.composed("broadcast_to")
def broadcast_to(data: Any, shape: Any, out: Any = None, name: Any = None) -> Any:
    """`data` repeated along axes of length 1 to fill `shape`, where 0 stands for the length it has.

    >>> from mxgrad import nd
    >>> nd.broadcast_to(nd.zeros((1, 3)), shape=(2, 0)).shape
    (2, 3)
    """
    shape = tuple(int(n) for n in _tuple(shape))
    if len(shape) == data.ndim:
        shape = tuple(n or m for n, m in zip(shape, data.shape))
    return F.broadcast_to(data, shape=shape)


@ND.composed("broadcast_axis broadcast_axes")
def broadcast_axis(data: Any, axis: Any = (), size: Any = (), out: Any = None, name: Any = None) -> Any:
    """`data` repeated to the lengths `size` along the axes `axis`, which have length 1."""
    axes, sizes = axes_of(_tuple(axis), data.ndim), _tuple(size)
    if len(axes) != len(sizes):
        raise ValueError(f"{len(axes)} axes and {len(sizes)} sizes; give one each")
    shape = list(data.shape)
    for i, n in zip(axes, sizes):
        if shape[i] != 1:
            raise ValueError(f"Broadcasting axis must have size 1, axis {i} has {shape[i]}")
        shape[i] = int(n)
    return F.broadcast_to(data, shape=tuple(shape))


@ND.composed("broadcast_like", arrays=2)
def broadcast_like(lhs: Any, rhs: Any, lhs_axes: Any = None, rhs_axes: Any = None, out: Any = None,
                   name: Any = None) -> Any:
    """`lhs` repeated to the shape of `rhs`, or along `lhs_axes` to the lengths of the `rhs_axes`."""
    if (lhs_axes is None) != (rhs_axes is None):
        raise ValueError("give lhs_axes and rhs_axes together")
    if lhs_axes is None:
        return F.broadcast_to(lhs, shape=rhs.shape)
    theirs = axes_of(_tuple(rhs_axes), rhs.ndim)
    return broadcast_axis(lhs, lhs_axes, tuple(rhs.shape[i] for i in theirs))


# joining and splitting --------------------------------------------------------------------------------------


@ND.adapter("concat Concat", arrays="*")
def concat(*data: Any, dim: int = 1, num_args: int | None = None, out: Any = None, name: Any = None) -> Any:
    """Arrays joined along the axis `dim`, by default the second.

    >>> from mxgrad import nd
    >>> nd.concat(nd.zeros((2, 3)), nd.zeros((2, 1))).shape
    (2, 4)
    """
    return ND.deliver(F.concatenate(*_several(data, "concat"), axis=dim), out, "concat")


def _several(arrays: Any, who: str) -> list[Any]:
    if not arrays:
        raise InvalidValueError(f"{who}: needs at least one array")
    return [ND.array(a, "data") for a in arrays]


@ND.adapter("concatenate", arrays="list")
def concatenate(arrays: Any, axis: int = 0, always_copy: bool = True) -> Any:
    """A list of arrays joined along `axis`; with ``always_copy=False`` a single one is given back itself."""
    arrays = _several(arrays, "concatenate")
    return arrays[0] if len(arrays) == 1 and not always_copy else F.concatenate(*arrays, axis=axis)


@ND.adapter("stack", arrays="*")
def stack(*data: Any, axis: int = 0, num_args: int | None = None, out: Any = None, name: Any = None) -> Any:
    """Arrays of one shape joined along a new axis.

    >>> from mxgrad import nd
    >>> nd.stack(nd.array([1, 2]), nd.array([3, 4]), axis=1).asnumpy().tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return ND.deliver(F.stack(*_several(data, "stack"), axis=axis), out, "stack")


def _pieces(data: Any, sections: Any, axis: int, squeeze_axis: bool) -> Any:
    (i,) = axes_of(axis, data.ndim)
    parts = F.split(data, indices_or_sections=sections, axis=i)
    if squeeze_axis:
        for p in parts:
            if p.shape[i] != 1:
                raise ValueError(f"If squeeze axis is True, pieces have length 1, not {p.shape[i]}")
        parts = tuple(F.squeeze(p, axis=i) for p in parts)
    return parts if len(parts) > 1 else parts[0]


@ND.composed("split SliceChannel")
def split(data: Any, num_outputs: int, axis: int = 1, squeeze_axis: bool = False, out: Any = None,
          name: Any = None) -> Any:
    """A list of `num_outputs` equal pieces along `axis`; with `squeeze_axis` that axis, then of length 1,
    goes.

    One piece alone is not in a list.

    >>> from mxgrad import nd
    >>> [p.shape for p in nd.split(nd.zeros((4, 6)), num_outputs=3)]
    [(4, 2), (4, 2), (4, 2)]
    """
    return _pieces(data, int(num_outputs), axis, squeeze_axis)


@ND.composed("split_v2")
def split_v2(ary: Any, indices_or_sections: Any, axis: int = 0, squeeze_axis: bool = False) -> Any:
    """A list of pieces along `axis`: so many equal ones, or cut before each position of a tuple."""
    if not isinstance(indices_or_sections, (int, tuple)):
        raise ValueError("indices_or_sections must either int or tuple of ints")
    return _pieces(ary, indices_or_sections, axis, squeeze_axis)


# parts ------------------------------------------------------------------------------------------------------


@ND.composed("slice crop")
def slice_(data: Any, begin: Any, end: Any, step: Any = None, out: Any = None, name: Any = None) -> Any:
    """``data[begin[0]:end[0]:step[0], ...]`` for the first axes; None stands for the end that a slice leaves
    out.

    >>> from mxgrad import nd
    >>> nd.slice(nd.array([[1, 2, 3], [4, 5, 6]]), begin=(0, 1), end=(None, 3)).asnumpy().tolist()
    [[2.0, 3.0], [5.0, 6.0]]
    """
    begins, ends = _tuple(begin), _tuple(end)
    steps = (None,) * len(begins) if step is None or step == () else _tuple(step)
    if not len(begins) == len(ends) == len(steps) <= data.ndim:
        raise ValueError(f"begin, end, step have one length, {data.ndim} at most; got {begin}, {end}, {step}")
    if 0 in steps:
        raise ValueError("step must not be 0")
    return F.getitem(data, key=tuple(slice(*s) for s in zip(begins, ends, steps)))


slice_.__name__ = slice_.__qualname__ = "slice"


@ND.composed("slice_like", arrays=2)
def slice_like(data: Any, shape_like: Any, axes: Any = (), out: Any = None, name: Any = None) -> Any:
    """The first elements of `data`, as many as `shape_like` has, along `axes` (all if empty)."""
    chosen = axes_of(_tuple(axes), data.ndim) if axes != () and axes is not None else range(data.ndim)
    key = [slice(None)] * data.ndim
    for i in chosen:
        if i >= shape_like.ndim or shape_like.shape[i] > data.shape[i]:
            raise ValueError(f"on axis {i} shape {shape_like.shape} exceeds {data.shape}")
        key[i] = slice(0, shape_like.shape[i])
    return F.getitem(data, key=tuple(key))


@ND.composed("pad Pad")
def pad(data: Any, mode: str, pad_width: Any, constant_value: float = 0.0, out: Any = None,
        name: Any = None) -> Any:
    """Elements added around: `pad_width` is a flat tuple (before, after, before, after, ...) over all axes.

    `mode` is 'constant', 'edge' or 'reflect'.

    >>> from mxgrad import nd
    >>> nd.pad(nd.array([[1, 2]]), mode="edge", pad_width=(0, 0, 1, 1)).asnumpy().tolist()
    [[1.0, 1.0, 2.0, 2.0]]
    """
    widths = tuple(pad_width)
    if mode not in ("constant", "edge", "reflect"):
        raise ValueError(f"Invalid Input: {mode!r}, valid values are: 'constant', 'edge', 'reflect'")
    if len(widths) != 2 * data.ndim:
        raise ValueError(f"pad_width has two numbers per axis, {2 * data.ndim}, got {len(widths)}")
    pairs = tuple(zip(widths[::2], widths[1::2]))
    return F.pad(data, pad_width=pairs, mode=mode, constant_value=constant_value)


# shapes as arrays -------------------------------------------------------------------------------------------


def _of_host(like: Any, host: numpy.ndarray) -> Any:
    return wrap(type(like), like._ctx.backend.from_host(host), like._ctx)


@ND.composed("shape_array")
def shape_array(data: Any, out: Any = None, name: Any = None) -> Any:
    """The shape of `data` as an int64 array."""
    return _of_host(data, numpy.array(data.shape, "int64"))


@ND.composed("size_array")
def size_array(data: Any, out: Any = None, name: Any = None) -> Any:
    """The number of elements of `data` as an int64 array of shape (1,)."""
    return _of_host(data, numpy.array([data.size], "int64"))


# several results --------------------------------------------------------------------------------------------


@ND.composed("moments")
def moments(data: Any, axes: Any, keepdims: bool = False, out: Any = None, name: Any = None) -> Any:
    """[mean, variance] over `axes`, which must name at least one.

    >>> from mxgrad import nd
    >>> [m.asnumpy().tolist() for m in nd.moments(nd.array([[1, 2], [3, 6]]), axes=(0,))]
    [[2.0, 4.0], [1.0, 4.0]]
    """
    if axes is None or axes == ():
        raise ValueError("Empty axes is not supported; for global moments name all axes")
    needs_floats(data._raw.dtype)
    chosen = axes_of(_tuple(axes), data.ndim)
    return F.mean(data, axis=chosen, keepdims=keepdims), F.var(data, axis=chosen, keepdims=keepdims)


@ND.adapter("reset_arrays", arrays="*")
def reset_arrays(*data: Any, num_arrays: int | None = None) -> None:
    """Set every array to zero in place."""
    for a in data:
        ND.array(a, "data")[...] = 0
