"""Reductions.  `axis` is None (all axes), an int or a tuple of ints, negative counting from the end."""
from __future__ import annotations

from typing import Any

from ..registry import composition, register, zero

Axis = Any


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes meant, as non-negative ints; ValueError for one out of range or twice."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    out = []
    for a in given:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} is out of bounds for an array with {ndim} axes")
        out.append(a % ndim)
    if len(set(out)) != len(out):
        raise ValueError(f"axis {axis} names an axis twice")
    return tuple(out)


def kept_shape(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    """`shape` with the reduced axes as 1."""
    axes = axes_of(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def count_of(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements meet in one output element."""
    n = 1
    for a in axes_of(axis, len(shape)):
        n *= shape[a]
    return n


def expand(F: Any, g: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """A reduced value back with its axes as 1, so that it broadcasts against `x`."""
    return g if keepdims else F.reshape(g, shape=kept_shape(x.shape, axis))


def _sum(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over `axis`."""
    if axis is not None:
        axes_of(axis, a.ndim)
    return xp.add.reduce(a, axis=axis, keepdims=keepdims)


def _sum_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if axis is not None or not a.shape:
        g = expand(F, g, a, axis, keepdims)
    return F.broadcast_to(g, shape=a.shape)


register("sum", _sum, _sum_da, keeps="", result="same", nd_arrays=("data",))


def _sum_to(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """The sum of `x` over the axes along which `shape` was broadcast: the adjoint of broadcast_to."""
    lead = x.ndim - len(shape)
    stretched = tuple([i for i, n in enumerate(shape, lead) if n == 1 and x.shape[i] != 1])
    return xp.add.reduce(x, axis=(*range(lead), *stretched), keepdims=True).reshape(shape)


register("sum_to", _sum_to, lambda F, g, y, x, shape: F.broadcast_to(g, shape=x.shape), keeps="")


def mean_of(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Mean over `axis`; nan over no elements."""
    if count_of(a.shape, axis) == 0:        # NumPy warns then
        return a.sum(axis=axis, keepdims=keepdims) * xp.nan
    return a.mean(axis=axis, keepdims=keepdims)


register("mean", mean_of,
         lambda F, g, y, a, axis=None, keepdims=False:
         _sum_da(F, g * (1 / max(1, count_of(a.shape, axis))), y, a, axis, keepdims),
         keeps="", result="float", nd_arrays=("data",))


def _extreme(name: str) -> Any:
    def kernel(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
        axes_of(axis, a.ndim)
        if count_of(a.shape, axis) == 0:
            raise ValueError(f"zero-size array to reduction operation {name}imum which has no identity")
        return getattr(xp, name)(a, axis=axis, keepdims=keepdims)
    return kernel


@composition
def extreme_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The cotangent of the argument of max or min: every tie receives the whole one, as in MXNet."""
    return F.where(a == expand(F, y, a, axis, keepdims), expand(F, g, a, axis, keepdims), 0)


def _extreme_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return F.extreme_da(g, y, a, axis=axis, keepdims=keepdims)


for _name in ("max", "min"):
    register(_name, _extreme(_name), _extreme_da, keeps="xy", result="same", nd_arrays=("data",),
             doc=f"{_name.capitalize()}imum over `axis`; every tie gets the gradient.")


def _prod(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over `axis`."""
    axes_of(axis, a.ndim)
    return a.prod(axis=axis, keepdims=keepdims)


def _exclusive(F: Any, a: Any) -> Any:
    """For each element the product of those before it on the last axis."""
    n = a.shape[-1]
    ones = F.ones_like(F.slice_axis(a, axis=-1, begin=0, end=1))
    return F.cumprod(F.concatenate(ones, F.slice_axis(a, axis=-1, begin=0, end=n - 1), axis=-1), axis=-1)


def _prod_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    # The derivative by one factor is the product of the others, also where that factor is 0: what stands
    # before it times what stands after it, with the axes of `axis` last and flattened into one.
    axes = axes_of(axis, len(a.shape))
    order = tuple(i for i in range(len(a.shape)) if i not in axes) + axes
    moved = tuple(a.shape[i] for i in order)
    n = count_of(a.shape, axis)
    g = expand(F, g, a, axis, keepdims)
    if n < 2:
        return g * F.ones_like(a)
    flat = F.reshape(F.transpose(a, axes=order), shape=moved[:len(moved) - len(axes)] + (n,))
    others = _exclusive(F, flat) * F.flip(_exclusive(F, F.flip(flat, axis=-1)), axis=-1)
    return g * F.transpose(F.reshape(others, shape=moved),
                           axes=tuple(order.index(i) for i in range(len(order))))


register("prod", _prod, _prod_da, result="same", nd_arrays=("data",))


def _nan_to_zero(F: Any, x: Any, value: float) -> Any:
    return F.where(F.isnan(x), value, x)


def _nansum(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over `axis`, nan counting as 0."""
    axes_of(axis, a.ndim)
    return xp.nansum(a, axis=axis, keepdims=keepdims)


register("nansum", _nansum,
         lambda F, g, y, a, axis=None, keepdims=False:
         F.where(F.isnan(a), 0, expand(F, g, a, axis, keepdims)),
         result="same", nd_arrays=("data",))


def _nanprod(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over `axis`, nan counting as 1."""
    axes_of(axis, a.ndim)
    return xp.nanprod(a, axis=axis, keepdims=keepdims)


register("nanprod", _nanprod,
         lambda F, g, y, a, axis=None, keepdims=False:
         F.where(F.isnan(a), 0, _prod_da(F, g, y, _nan_to_zero(F, a, 1.0), axis, keepdims)),
         result="same", nd_arrays=("data",))


def _norm(xp: Any, x: Any, *, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:
    """Vector norm: `ord` 2 Euclidean, 1 the sum of absolute values.  The gradient at the origin is 0."""
    axes_of(axis, x.ndim)
    if ord == 1:
        return xp.sum(xp.abs(x), axis=axis, keepdims=keepdims)
    if ord != 2:
        raise ValueError(f"norm only supports ord=1 and ord=2, got ord={ord}")
    return xp.sqrt(xp.sum(xp.square(x), axis=axis, keepdims=keepdims))


def _norm_dx(F: Any, g: Any, y: Any, x: Any, ord: float = 2, axis: Axis = None,
             keepdims: bool = False) -> Any:
    g = expand(F, g, x, axis, keepdims)
    if ord == 1:
        return g * F.sign(x)
    y = expand(F, y, x, axis, keepdims)
    return g * (x / F.where(y == 0, F.ones_like(y), y))


register("norm", _norm, _norm_dx, keeps="xy", result="same", nd_arrays=("data",))


def _var(xp: Any, a: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Variance over `axis`: squared deviations summed over N - `ddof`; nan where that is not positive."""
    if count_of(a.shape, axis) <= ddof:     # NumPy warns
        return a.sum(axis=axis, keepdims=keepdims) * xp.nan
    return xp.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _var_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    centred = a - F.mean(a, axis=axis, keepdims=True)
    return expand(F, g, a, axis, keepdims) * centred * (2 / max(1, count_of(a.shape, axis) - ddof))


register("var", _var, _var_da, result="float")


def _std(xp: Any, a: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Standard deviation over `axis`; its gradient at a constant is 0."""
    return xp.sqrt(_var(xp, a, axis=axis, ddof=ddof, keepdims=keepdims))


def _std_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    half = F.where(y == 0, 0, g * 0.5 / F.where(y == 0, F.ones_like(y), y))
    return _var_da(F, half, y, a, axis, ddof, keepdims)


register("std", _std, _std_da, keeps="xy", result="float")


def _cumsum(xp: Any, a: Any, *, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sum along `axis`, or over the flattened array."""
    if axis is not None:
        axes_of(axis, a.ndim)
    return xp.cumsum(a, axis=axis, dtype=dtype or a.dtype)


def _cumsum_da(F: Any, g: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    along = 0 if axis is None else axis
    return F.reshape(F.flip(F.cumsum(F.flip(g, axis=along), axis=along), axis=along), shape=a.shape)


register("cumsum", _cumsum, _cumsum_da, keeps="", nd="cumsum")


def _cumprod(xp: Any, a: Any, *, axis: int | None = None, dtype: Any = None) -> Any:
    """Running product along `axis`, or over the flattened array."""
    if axis is not None:
        axes_of(axis, a.ndim)
    return xp.cumprod(a, axis=axis, dtype=dtype or a.dtype)


def _cumprod_da(F: Any, g: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    # da_j = (product of all before j) * r_j, where r_j = g_j + a_{j+1} r_{j+1}.  The recurrence is solved for
    # all j at once by doubling: after a step with distance d, (r, c) describe stretches of length 2 d.  No
    # division: zeros are factors like others.
    shape = a.shape
    if axis is None:
        a, axis = F.reshape(a, shape=(-1,)), 0
    n = a.shape[axis]
    if n < 2:
        return F.reshape(g, shape=shape)

    def later(v: Any, d: int) -> Any:
        zeros = F.zeros_like(F.slice_axis(v, axis=axis, begin=0, end=d))
        return F.concatenate(F.slice_axis(v, axis=axis, begin=d, end=n), zeros, axis=axis)

    r, c, d = g, later(a, 1), 1
    while d < n:
        r, c, d = r + c * later(r, d), c * later(c, d), 2 * d
    ones = F.ones_like(F.slice_axis(a, axis=axis, begin=0, end=1))
    before = F.concatenate(ones, F.slice_axis(y, axis=axis, begin=0, end=n - 1), axis=axis)
    return F.reshape(before * r, shape=shape)


register("cumprod", _cumprod, _cumprod_da, keeps="xy")


def _truth(name: str) -> Any:
    def kernel(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
        axes_of(axis, a.ndim)
        return getattr(xp, name)(a, axis=axis, keepdims=keepdims)
    return kernel


register("all", _truth("all"), zero, keeps="", doc="Whether all elements along `axis` are true.")
register("any", _truth("any"), zero, keeps="", doc="Whether any element along `axis` is true.")
