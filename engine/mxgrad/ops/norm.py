"""Normalisation over a batch, groups of channels, neighbouring channels: compositions of ops."""
from __future__ import annotations

from typing import Any

from ..base import as_dtype
from .conv import whole
from .nn import normalized, on_axis
from .reduce import axes_of
from .shape import product


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
    (axis,) = axes_of(axis, len(shape))
    for name, v in (("gamma", gamma), ("beta", beta), ("the mean", moving[0]), ("the variance", moving[1])):
        if tuple(v.shape) != (shape[axis],):
            raise ValueError(
                f"{name} has shape {(shape[axis],)} for axis {axis} of {shape}, got {tuple(v.shape)}")
    if of_batch and not product(shape):
        raise ValueError(f"an empty batch of shape {shape} has no mean")
    dtype = as_dtype(x.dtype)
    work = as_dtype("float32") if dtype.itemsize < 4 else dtype
    x, gamma, beta, *moving_pair = (
        v if as_dtype(v.dtype) == work else F.cast(v, dtype=work) for v in (x, gamma, beta, *moving))
    others = tuple(i for i in range(len(shape)) if i != axis)
    if of_batch:
        mean = F.mean(x, axis=others, keepdims=True)
        centred = x - mean
        var = F.mean(F.square(centred), axis=others, keepdims=True)
    else:
        mean, var = (on_axis(F, F.stop_gradient(v), axis, len(shape)) for v in moving_pair)
        centred = x - mean
    scale = F.ones_like(gamma) if fix_gamma else gamma
    # The small arrays first: one product over the data instead of a quotient and a product.
    y = centred * (on_axis(F, scale, axis, len(shape)) / F.sqrt(var + eps)) + on_axis(
        F, beta, axis, len(shape))
    flat = (F.reshape(v, shape=(shape[axis],)) for v in (mean, var))
    return (y if work == dtype else F.cast(y, dtype=dtype), *flat)


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
    y, mean, deviation = normalized(F, F.reshape(x, shape=inner), 2, eps)
    if per_group:
        y = F.reshape(y * on_axis(F, gamma, 1, 3) + on_axis(F, beta, 1, 3), shape=shape)
    else:
        y = F.reshape(y, shape=shape)
        y = y * on_axis(F, gamma, 1, len(shape)) + on_axis(F, beta, 1, len(shape))
    return y, F.reshape(mean, shape=inner[:2]), F.reshape(deviation, shape=inner[:2])


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
