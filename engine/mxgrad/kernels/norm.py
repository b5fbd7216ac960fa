"""Normalisation of rows and of channels (level 2)."""
from __future__ import annotations

from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, floats, lib, overrides, plain, rows


def _served(x: Any, *others: Any) -> bool:
    # What these kernels do takes a dozen ufuncs: they pay early.
    return plain(x, *others) and 0 < x.size and x.size * 64 >= cpu.small


@overrides("layer_norm")
def _layer_norm(generic: Kernel) -> Kernel:
    def kernel(x: Any, gamma: Any, beta: Any, *, axis: int = -1, eps: float = 1e-5) -> Any:
        if not _served(x, gamma, beta) or (shape := rows(x, axis)) is None or not (
                gamma.shape == beta.shape == x.shape[-1:]):
            return generic(x, gamma, beta, axis=axis, eps=eps)
        y = numpy.empty_like(x)
        mean, deviation = (numpy.empty((*x.shape[:-1], 1), "float32") for _ in range(2))
        lib.k_layer_norm(*map(floats, (x, gamma, beta, y, mean, deviation)), *shape, eps)
        return y, mean, deviation

    return kernel


@overrides("layer_norm_dx")
def _layer_norm_dx(generic: Kernel) -> Kernel:
    def kernel(g: Any, x: Any, gamma: Any, axis: int = -1, eps: float = 1e-5) -> Any:
        if (not _served(x, g, gamma) or (shape := rows(x, axis)) is None
                or g.shape != x.shape or gamma.shape != x.shape[-1:]):
            return generic(g, x, gamma, axis=axis, eps=eps)
        dx, dgamma, dbeta = map(numpy.empty_like, (x, gamma, gamma))
        if lib.k_layer_norm_dx(*map(floats, (g, x, gamma, dx, dgamma, dbeta)), *shape, eps):
            raise MemoryError("no memory to add up the gradients of gamma and beta in")
        return dx, dgamma, dbeta

    return kernel


def _fit(x: Any, axis: int, *vectors: Any) -> bool:
    """Whether the vectors have a number for each channel."""
    return -x.ndim <= axis < x.ndim and all(v.shape == (x.shape[axis],) for v in vectors)


def _channels(x: Any, axis: int) -> tuple[int, int, int]:
    """(elements before, channels, elements behind) of the axis of the channels."""
    axis %= x.ndim
    inner = 1
    for n in x.shape[axis + 1:]:
        inner *= n
    return x.size // (x.shape[axis] * inner), x.shape[axis], inner


@overrides("batch_norm")
def _batch_norm(generic: Kernel) -> Kernel:
    def kernel(
        x: Any, gamma: Any, beta: Any, mean: Any = None, var: Any = None, *, axis: int = 1, eps: float = 1e-3,
    ) -> Any:
        vectors = (gamma, beta) if mean is None else (gamma, beta, mean, var)
        if not _served(x, *vectors) or not _fit(x, axis, *vectors):
            return generic(x, gamma, beta, mean, var, axis=axis, eps=eps)
        y = numpy.empty_like(x)
        middle, spread = (numpy.empty_like(gamma) if v is None else v.copy() for v in (mean, var))
        if lib.k_batch_norm(*map(floats, (x, gamma, beta, y, middle, spread)), *_channels(x, axis), eps,
                            mean is None):
            raise MemoryError("no memory to add up columns in")
        return y, middle, spread

    return kernel


@overrides("batch_norm_dx")
def _batch_norm_dx(generic: Kernel) -> Kernel:
    def kernel(
        g: Any, x: Any, gamma: Any, mean: Any = None, var: Any = None, axis: int = 1, eps: float = 1e-3,
    ) -> Any:
        given = () if mean is None else (mean, var)
        if not _served(x, g, gamma, *given) or g.shape != x.shape or not _fit(x, axis, gamma, *given):
            return generic(g, x, gamma, mean, var, axis=axis, eps=eps)
        dx, dgamma, dbeta = map(numpy.empty_like, (x, gamma, gamma))
        middle, spread = given or (numpy.empty_like(gamma), numpy.empty_like(gamma))
        if lib.k_batch_norm_dx(*map(floats, (g, x, gamma, middle, spread, dx, dgamma, dbeta)),
                               *_channels(x, axis), eps, mean is None):
            raise MemoryError("no memory to add up columns in")
        return dx, dgamma, dbeta

    return kernel
