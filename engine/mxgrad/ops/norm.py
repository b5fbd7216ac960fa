"""Normalisation of rows, over a batch, of groups of channels, by neighbouring channels."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..base import as_dtype
from ..registry import composition, register
from .conv import whole
from .nn import on_axis
from .reduce import axes_of, count_of, mean_of
from .shape import product


def _moments(mean: Callable[..., Any], x: Any, axes: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """`x` less its mean, the mean, and the variance, over `axes`, which stay as 1."""
    middle = mean(x, axis=axes, keepdims=True)
    centred = x - middle
    return centred, middle, mean(centred * centred, axis=axes, keepdims=True)


def _check_vectors(x: Any, axis: int, **vectors: Any) -> int:
    """`axis`, counted from the front; ValueError unless the vectors have the length that it has in `x`."""
    shape = tuple(x.shape)
    (axis,) = axes_of(axis, len(shape))
    for name, v in vectors.items():
        if v is not None and tuple(v.shape) != (shape[axis],):
            raise ValueError(
                f"{name} has shape {(shape[axis],)} for axis {axis} of {shape}, got {tuple(v.shape)}")
    return axis


def _column(v: Any, axis: int, ndim: int) -> Any:
    """`on_axis` for a raw array."""
    return v.reshape((1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


def _by_moments(
    F: Any, x: Any, axes: tuple[int, ...], by_mean: Any, by_spread: Any, eps: float | None = None,
) -> Any:
    """The cotangent of `x` from those of its mean over `axes` and of its variance, or with `eps` of its
    standard deviation; None where both are.
    """
    found = None
    share = 1 / max(1, count_of(tuple(x.shape), axes))
    if by_mean is not None:
        found = F.broadcast_to(by_mean * share, shape=tuple(x.shape))
    if by_spread is not None:
        centred, _, var = _moments(F.mean, x, axes)
        slope = centred * (by_spread * (2 * share) if eps is None else by_spread / F.sqrt(var + eps) * share)
        found = slope if found is None else found + slope
    return found


# rows -------------------------------------------------------------------------------------------------------


def _layer_norm(
    xp: Any, x: Any, gamma: Any, beta: Any, *, axis: int = -1, eps: float = 1e-5,
) -> tuple[Any, Any, Any]:
    """`x` with mean 0 and variance 1 along `axis`, times `gamma` plus `beta`, vectors of that axis' length;
    the mean; and the standard deviation, ``sqrt(variance + eps)``.
    """
    axis = _check_vectors(x, axis, gamma=gamma, beta=beta)
    centred, mean, var = _moments(partial(mean_of, xp), x, (axis,))
    deviation = xp.sqrt(var + eps)
    y = centred / deviation * _column(gamma, axis, x.ndim) + _column(beta, axis, x.ndim)
    return y, mean, deviation


@composition
def layer_norm_dx(
    F: Any, g: Any, x: Any, gamma: Any, axis: int = -1, eps: float = 1e-5,
) -> tuple[Any, Any, Any]:
    """The cotangents of layer_norm's arguments, from that of its first result."""
    ndim = len(x.shape)
    (axis,) = axes_of(axis, ndim)
    others = tuple(i for i in range(ndim) if i != axis)
    centred, _, var = _moments(F.mean, x, (axis,))
    deviation = F.sqrt(var + eps)
    unit, h = centred / deviation, g * on_axis(F, gamma, axis, ndim)
    common = F.mean(h, axis=axis, keepdims=True) + unit * F.mean(h * unit, axis=axis, keepdims=True)
    return (h - common) / deviation, F.sum(g * unit, axis=others), F.sum(g, axis=others)


def _layer_norm_ds(
    F: Any, g: Any, y: Any, x: Any, gamma: Any, beta: Any, axis: int = -1, eps: float = 1e-5,
) -> tuple[Any, Any, Any]:
    by_y, by_mean, by_deviation = g
    dx = _by_moments(F, x, axes_of(axis, len(x.shape)), by_mean, by_deviation, eps)
    if by_y is None:
        return dx, None, None
    by_x, dgamma, dbeta = F.layer_norm_dx(by_y, x, gamma, axis=axis, eps=eps)
    return by_x if dx is None else by_x + dx, dgamma, dbeta


register("layer_norm", _layer_norm, joint=_layer_norm_ds, keeps="01", result="float", gaps=True)


# channels ---------------------------------------------------------------------------------------------------


def _batch_norm(
    xp: Any, x: Any, gamma: Any, beta: Any, mean: Any = None, var: Any = None, *, axis: int = 1,
    eps: float = 1e-3,
) -> tuple[Any, Any, Any]:
    """`x` with mean 0 and variance 1 over all axes but `axis`, times `gamma` plus `beta`; the mean and the
    variance used, of that axis' length.

    They are those of `x`, or `mean` and `var`, through which no gradient flows.
    """
    axis = _check_vectors(x, axis, gamma=gamma, beta=beta, mean=mean, var=var)
    if mean is None:
        centred, middle, spread = _moments(
            partial(mean_of, xp), x, tuple(i for i in range(x.ndim) if i != axis))
    else:
        middle, spread = (_column(v, axis, x.ndim) for v in (mean, var))
        centred = x - middle
    # The small arrays first: one product over the data instead of a quotient and a product.
    y = centred * (_column(gamma, axis, x.ndim) / xp.sqrt(spread + eps)) + _column(beta, axis, x.ndim)
    flat = tuple(v.reshape(-1) if mean is None else v.reshape(-1).copy() for v in (middle, spread))
    return y, *flat


@composition
def batch_norm_dx(
    F: Any, g: Any, x: Any, gamma: Any, mean: Any = None, var: Any = None, axis: int = 1, eps: float = 1e-3,
) -> tuple[Any, Any, Any]:
    """The cotangents of batch_norm's x, gamma and beta, from that of its first result."""
    ndim = len(x.shape)
    (axis,) = axes_of(axis, ndim)
    others = tuple(i for i in range(ndim) if i != axis)
    of_batch = mean is None
    if of_batch:
        centred, _, var = _moments(F.mean, x, others)
    else:
        middle, var = (on_axis(F, F.stop_gradient(v), axis, ndim) for v in (mean, var))
        centred = x - middle
    scale = 1 / F.sqrt(var + eps)
    unit = centred * scale
    dgamma, dbeta = F.sum(g * unit, axis=others, keepdims=True), F.sum(g, axis=others, keepdims=True)
    if of_batch:
        share = 1 / max(1, count_of(tuple(x.shape), others))
        g = g - dbeta * share - unit * (dgamma * share)
    return (g * (on_axis(F, gamma, axis, ndim) * scale),
            *(F.reshape(v, shape=gamma.shape) for v in (dgamma, dbeta)))


def _batch_norm_ds(
    F: Any, g: Any, y: Any, x: Any, gamma: Any, beta: Any, mean: Any = None, var: Any = None, axis: int = 1,
    eps: float = 1e-3,
) -> tuple[Any, Any, Any, None, None]:
    by_y, by_mean, by_var = g
    ndim = len(x.shape)
    (axis,) = axes_of(axis, ndim)
    dx = None
    if mean is None:
        by_mean, by_var = (None if v is None else on_axis(F, v, axis, ndim) for v in (by_mean, by_var))
        dx = _by_moments(F, x, tuple(i for i in range(ndim) if i != axis), by_mean, by_var)
    if by_y is None:
        return dx, None, None, None, None
    by_x, dgamma, dbeta = F.batch_norm_dx(by_y, x, gamma, mean, var, axis=axis, eps=eps)
    return by_x if dx is None else by_x + dx, dgamma, dbeta, None, None


register("batch_norm", _batch_norm, joint=_batch_norm_ds, keeps="0134", result="float", gaps=True)


def batch_norm(
    F: Any, x: Any, gamma: Any, beta: Any, moving: tuple[Any, Any], axis: int, eps: float, fix_gamma: bool,
    of_batch: bool,
) -> tuple[Any, Any, Any]:
    """`x` with mean 0 and variance 1 over all axes but `axis`, times `gamma` plus `beta`; with the mean and
    the variance used.

    They are those of the batch, or the pair `moving`, through which no gradient flows.  With `fix_gamma`
    gamma counts as 1.  float16 data is computed in float32.
    """
    shape = tuple(x.shape)
    if len(shape) < 2:
        raise ValueError(f"data has an axis of examples and one of channels at least, got shape {shape}")
    axis = _check_vectors(
        x, axis, gamma=gamma, beta=beta, **{"the mean": moving[0], "the variance": moving[1]})
    if of_batch and not product(shape):
        raise ValueError(f"an empty batch of shape {shape} has no mean")
    dtype = as_dtype(x.dtype)
    work = as_dtype("float32") if dtype.itemsize < 4 else dtype
    x, gamma, beta, *moving_pair = (
        v if as_dtype(v.dtype) == work else F.cast(v, dtype=work) for v in (x, gamma, beta, *moving))
    scale = F.ones_like(gamma) if fix_gamma else gamma
    # Copies of the moving statistics, which may move on before the backward.
    used = [] if of_batch else [F.stop_gradient(v) for v in moving_pair]
    y, mean, var = F.batch_norm(x, scale, beta, *used, axis=axis, eps=eps)
    return y if work == dtype else F.cast(y, dtype=dtype), mean, var


def group_norm(
    F: Any, x: Any, gamma: Any, beta: Any, num_groups: int, eps: float, per_group: bool,
) -> tuple[Any, Any, Any]:
    """Each of `num_groups` groups of channels of each example with mean 0 and variance 1, times `gamma` plus
    `beta`; with the means and the standard deviations, of shape (batch, groups).

    `gamma` and `beta` have a number per group, or one per channel.
    """
    shape = tuple(x.shape)
    if len(shape) < 3:
        raise ValueError(f"data has an axis of examples, one of channels and others, got shape {shape}")
    n, channels = shape[:2]
    num_groups = whole(num_groups, "num_groups")
    if channels % num_groups:
        raise ValueError(f"num_groups divides the {channels} channels, got {num_groups}")
    wanted = (num_groups if per_group else channels,)
    for name, v in (("gamma", gamma), ("beta", beta)):
        if tuple(v.shape) != wanted:
            raise ValueError(f"{name} has shape {wanted} here, got {tuple(v.shape)}")
    inner = (n, num_groups, product(shape[1:]) // num_groups)
    if per_group:
        y, mean, var = _of_each(F, x, gamma, beta, inner, eps)
    else:
        one, none = (F.fill(x, shape=(num_groups,), dtype=x.dtype, value=v) for v in (1, 0))
        y, mean, var = _of_each(F, x, one, none, inner, eps)
        y = y * on_axis(F, gamma, 1, len(shape)) + on_axis(F, beta, 1, len(shape))
    return y, mean, F.sqrt(var + eps)


def instance_norm(F: Any, x: Any, gamma: Any, beta: Any, eps: float) -> Any:
    """Each channel of each example with mean 0 and variance 1, times `gamma` plus `beta`, one per channel."""
    shape = tuple(x.shape)
    if len(shape) < 3:
        raise ValueError(f"data has an axis of examples, one of channels and others, got shape {shape}")
    _check_vectors(x, 1, gamma=gamma, beta=beta)
    return _of_each(F, x, gamma, beta, (*shape[:2], product(shape[2:])), eps)[0]


def _of_each(
    F: Any, x: Any, gamma: Any, beta: Any, inner: tuple[int, int, int], eps: float,
) -> tuple[Any, Any, Any]:
    """`x` in the shape `inner`, (examples, groups, elements), normalised for each example and group, with the
    means and the variances; `gamma` and `beta` have a number per group.
    """
    n, groups, length = inner
    gamma, beta = (
        F.reshape(F.broadcast_to(v, shape=(n, groups)), shape=(n * groups,)) for v in (gamma, beta))
    y, mean, var = F.batch_norm(F.reshape(x, shape=(1, n * groups, length)), gamma, beta, axis=1, eps=eps)
    return F.reshape(y, shape=tuple(x.shape)), *(F.reshape(v, shape=(n, groups)) for v in (mean, var))


def local_response(F: Any, x: Any, alpha: float, beta: float, knorm: float, nsize: int) -> Any:
    """``x / (knorm + alpha / nsize * s) ** beta``, s being the sum of squares over the `nsize` nearest
    channels (axis 1), at the edges over those there are (Krizhevsky et al., 2012).
    """
    shape = tuple(x.shape)
    if len(shape) < 2:
        raise ValueError(f"data has an axis of examples and one of channels at least, got shape {shape}")
    if nsize % 2 == 0:
        raise ValueError(f"nsize, the number of channels in a window, is odd, got {nsize}")
    flat = F.reshape(F.square(x), shape=(shape[0], 1, shape[1], product(shape[2:])))
    near = F.sum_windows(flat, out=flat.shape[2:], kernel=(nsize, 1), stride=(1, 1), pad=(nsize // 2, 0))
    return x * (F.reshape(near, shape=shape) * (alpha / nsize) + knorm) ** -beta
