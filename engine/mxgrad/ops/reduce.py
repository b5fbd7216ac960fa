"""Reductions.  `axis` is None (all axes), an int or a tuple of ints, negative counting from the end."""
from __future__ import annotations

from typing import Any

from ..registry import register, zero

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
    axes_of(axis, a.ndim)
    return xp.sum(a, axis=axis, keepdims=keepdims)


def _sum_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return F.broadcast_to(expand(F, g, a, axis, keepdims), shape=a.shape)


register("sum", _sum, _sum_da, keeps="", result="same", nd_arrays=("data",), np="sum")


def _sum_to(xp: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    """The sum of `x` over the axes along which `shape` was broadcast: the adjoint of broadcast_to."""
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1)
    return xp.sum(x, axis=axes, keepdims=True).reshape(shape)


register("sum_to", _sum_to, lambda F, g, y, x, shape: F.broadcast_to(g, shape=x.shape), keeps="")


def _mean(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Mean over `axis`; nan over no elements."""
    axes_of(axis, a.ndim)
    return xp.mean(a, axis=axis, keepdims=keepdims)


register("mean", _mean,
         lambda F, g, y, a, axis=None, keepdims=False:
         _sum_da(F, g, y, a, axis, keepdims) * (1 / max(1, count_of(a.shape, axis))),
         keeps="", result="float", nd_arrays=("data",), np="mean")


def _extreme(name: str) -> Any:
    def kernel(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
        axes_of(axis, a.ndim)
        if count_of(a.shape, axis) == 0:
            raise ValueError(f"zero-size array to reduction operation {name}imum which has no identity")
        return getattr(xp, name)(a, axis=axis, keepdims=keepdims)
    return kernel


def _extreme_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    # Every tie receives the whole cotangent, as in MXNet.
    return F.where(a == expand(F, y, a, axis, keepdims), expand(F, g, a, axis, keepdims), 0)


for _name in ("max", "min"):
    register(_name, _extreme(_name), _extreme_da, keeps="xy", result="same", nd_arrays=("data",),
             np=f"{_name} a{_name}", doc=f"{_name.capitalize()}imum over `axis`; every tie gets the gradient.")


def _prod(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over `axis`."""
    axes_of(axis, a.ndim)
    return xp.prod(a, axis=axis, keepdims=keepdims)


def _prod_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    # The derivative by one factor is the product of the others, also where that factor is 0.
    return expand(F, g, a, axis, keepdims) * F.prod_others(a, axis=axis)


register("prod", _prod, _prod_da, result="same", nd_arrays=("data",), np="prod")


def _flat_groups(xp: Any, a: Any, axis: Axis) -> tuple[Any, Any]:
    """`a` with the axes of `axis` moved to the end and flattened into one, and the function that undoes it."""
    axes = axes_of(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    order = rest + axes
    moved = xp.transpose(a, order)
    flat = moved.reshape(tuple(a.shape[i] for i in rest) + (count_of(a.shape, axis),))
    back = tuple(order.index(i) for i in range(a.ndim))

    def undo(b: Any) -> Any:
        return xp.transpose(b.reshape(moved.shape), back)

    return flat, undo


def _prod_others(xp: Any, a: Any, *, axis: Axis = None) -> Any:
    """For each element the product of all other elements along `axis`: exclusive products from both ends."""
    flat, undo = _flat_groups(xp, a, axis)
    ones = xp.ones_like(flat[..., :1])
    before = xp.cumprod(xp.concatenate([ones, flat[..., :-1]], axis=-1), axis=-1)
    after = xp.cumprod(xp.concatenate([ones, flat[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return undo(before * after)


def _prod_others_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None) -> Any:
    # d y_i / d a_j = product of all but i and j.  One column j at a time: set a_j to 1, take the products of the
    # others, leave out i = j.
    axes = axes_of(axis, len(a.shape))
    rest = tuple(i for i in range(len(a.shape)) if i not in axes)
    order = rest + axes
    n = count_of(a.shape, axis)
    lead = tuple(a.shape[i] for i in rest)
    flat = F.reshape(F.transpose(a, axes=order), shape=lead + (n,))
    gs = F.reshape(F.transpose(g, axes=order), shape=lead + (n,))
    columns = []
    for j in range(n):
        others = F.delete_at(flat, index=j, axis=-1)
        columns.append(F.sum(F.delete_at(gs, index=j, axis=-1) * F.prod_others(others, axis=-1), axis=-1, keepdims=True))
    moved = tuple(a.shape[i] for i in order)
    back = tuple(order.index(i) for i in range(len(a.shape)))
    return F.transpose(F.reshape(F.concatenate(*columns, axis=-1), shape=moved), axes=back)


register("prod_others", _prod_others, _prod_others_da)


def _nan_to_zero(F: Any, x: Any, value: float) -> Any:
    return F.where(F.isnan(x), value, x)


def _nansum(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum over `axis`, nan counting as 0."""
    axes_of(axis, a.ndim)
    return xp.nansum(a, axis=axis, keepdims=keepdims)


register("nansum", _nansum,
         lambda F, g, y, a, axis=None, keepdims=False: F.where(F.isnan(a), 0, expand(F, g, a, axis, keepdims)),
         result="same", nd_arrays=("data",), np="nansum")


def _nanprod(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over `axis`, nan counting as 1."""
    axes_of(axis, a.ndim)
    return xp.nanprod(a, axis=axis, keepdims=keepdims)


register("nanprod", _nanprod,
         lambda F, g, y, a, axis=None, keepdims=False:
         F.where(F.isnan(a), 0, _prod_da(F, g, y, _nan_to_zero(F, a, 1.0), axis, keepdims)),
         result="same", nd_arrays=("data",), np="nanprod")


def _norm(xp: Any, x: Any, *, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002
    """Vector norm: `ord` 2 is the Euclidean one, 1 the sum of absolute values.  The gradient at the origin is 0."""
    axes_of(axis, x.ndim)
    if ord == 1:
        return xp.sum(xp.abs(x), axis=axis, keepdims=keepdims)
    if ord != 2:
        raise ValueError(f"norm only supports ord=1 and ord=2, got ord={ord}")
    return xp.sqrt(xp.sum(xp.square(x), axis=axis, keepdims=keepdims))


def _norm_dx(F: Any, g: Any, y: Any, x: Any, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002
    g = expand(F, g, x, axis, keepdims)
    if ord == 1:
        return g * F.sign(x)
    y = expand(F, y, x, axis, keepdims)
    return g * (x / F.where(y == 0, F.ones_like(y), y))


register("norm", _norm, _norm_dx, keeps="xy", result="same", nd_arrays=("data",))


def _var(xp: Any, a: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Variance over `axis`: mean of squared deviations, divided by N - `ddof`."""
    axes_of(axis, a.ndim)
    return xp.var(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _var_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    centred = a - F.mean(a, axis=axis, keepdims=True)
    return expand(F, g, a, axis, keepdims) * centred * (2 / max(1, count_of(a.shape, axis) - ddof))


register("var", _var, _var_da, result="float", np="var")


def _std(xp: Any, a: Any, *, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Standard deviation over `axis`; its gradient at a constant is 0."""
    axes_of(axis, a.ndim)
    return xp.std(a, axis=axis, ddof=ddof, keepdims=keepdims)


def _std_da(F: Any, g: Any, y: Any, a: Any, axis: Axis = None, ddof: int = 0, keepdims: bool = False) -> Any:
    half = F.where(y == 0, 0, g * 0.5 / F.where(y == 0, F.ones_like(y), y))
    return _var_da(F, half, y, a, axis, ddof, keepdims)


register("std", _std, _std_da, keeps="xy", result="float", np="std")


def _cumsum(xp: Any, a: Any, *, axis: int | None = None, dtype: Any = None) -> Any:
    """Running sum along `axis`, or over the flattened array."""
    if axis is not None:
        axes_of(axis, a.ndim)
    return xp.cumsum(a, axis=axis, dtype=dtype or a.dtype)


def _cumsum_da(F: Any, g: Any, y: Any, a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    along = 0 if axis is None else axis
    return F.reshape(F.flip(F.cumsum(F.flip(g, axis=along), axis=along), axis=along), shape=a.shape)


register("cumsum", _cumsum, _cumsum_da, keeps="", nd_arrays=("data",), nd="cumsum", np="cumsum")


def _truth(name: str) -> Any:
    def kernel(xp: Any, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
        axes_of(axis, a.ndim)
        return getattr(xp, name)(a, axis=axis, keepdims=keepdims)
    return kernel


register("all", _truth("all"), zero, keeps="", np="all", doc="Whether all elements along `axis` are true.")
register("any", _truth("any"), zero, keeps="", np="any", doc="Whether any element along `axis` is true.")
