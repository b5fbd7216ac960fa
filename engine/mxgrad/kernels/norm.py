"""Normalisation of rows and of channels (level 2)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from . import cpu, deferred
from .cpu import Kernel, ffi, floats, lib, overrides, plain, rows


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


_FULL = "no memory for a number by column"


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
        sizes = _channels(x, axis)
        middle, spread = (numpy.empty_like(gamma) if v is None else v.copy() for v in (mean, var))
        if mean is None and lib.k_statistics(*map(floats, (x, middle, spread)), *sizes):
            raise MemoryError(_FULL)
        columns = middle, gamma / numpy.sqrt(spread + eps), beta
        y = None
        if x.size >= deferred.large:    # put off together with what follows
            y = deferred.affine(x, *(v.reshape(-1, *(1,) * (x.ndim - axis % x.ndim - 1)) for v in columns))
        return _affine(x, columns, sizes) if y is None else y, middle, spread

    return kernel


def _affine(x: Any, columns: Sequence[Any], sizes: tuple[int, int, int], r: Any = None,
            relu: bool = False) -> Any:
    """``(x - mean) * scale + shift``, the columns, with a number for each channel; plus `r`; of that relu."""
    y = numpy.empty_like(x)
    added = ffi.NULL if r is None else floats(r)
    if lib.k_affine(floats(x), added, *map(floats, (*columns, y)), *sizes, relu):
        raise MemoryError(_FULL)
    return y


@deferred.computes
def _computed(node: deferred.Deferred) -> Any:
    """`_affine` for a channel each, where that is what was put off, alone or as part of ``relu(... + r)``."""
    relu = node.code == "relu"
    y = deferred.inside(node, 0) if relu else node
    r = None
    if y is not None and y.code == "add":
        for first, second in ((0, 1), (1, 0)):
            if (below := deferred.inside(y, first)) is not None:
                y, r = below, deferred.known(y.args[second])
                if r is None or r.shape != y.shape or r.dtype != y.dtype:
                    return None
                break
    if y is None or y.code != "affine":
        return None
    x, *columns = y.args
    inner, channels = columns[0].layout
    sizes = x.array.size // (channels * inner), channels, inner
    return _affine(x.array, [v.array for v in columns], sizes, r, relu)


def _batch_norm_dx_of(
    g: Any, z: Any, x: Any, gamma: Any, mean: Any, var: Any, axis: int, eps: float,
) -> Any:
    """`batch_norm_dx` from `g`, or 0 where `z`, if there is one, is not positive; None if it is not for the
    kernel.
    """
    given = () if mean is None else (mean, var)
    if not _served(x, g, gamma, *given) or g.shape != x.shape or not _fit(x, axis, gamma, *given):
        return None
    dx, dgamma, dbeta = map(numpy.empty_like, (x, gamma, gamma))
    middle, spread = given or (numpy.empty_like(gamma), numpy.empty_like(gamma))
    if lib.k_batch_norm_dx(floats(g), ffi.NULL if z is None else floats(z),
                           *map(floats, (x, gamma, middle, spread, dx, dgamma, dbeta)), *_channels(x, axis),
                           eps, mean is None):
        raise MemoryError(_FULL)
    return dx, dgamma, dbeta


@overrides("batch_norm_dx")
def _batch_norm_dx(generic: Kernel) -> Kernel:
    def kernel(
        g: Any, x: Any, gamma: Any, mean: Any = None, var: Any = None, axis: int = 1, eps: float = 1e-3,
    ) -> Any:
        found = _batch_norm_dx_of(g, None, x, gamma, mean, var, axis, eps)
        return generic(g, x, gamma, mean, var, axis=axis, eps=eps) if found is None else found

    return kernel


@deferred.builds("batch_norm_dx")
def _masked_batch_norm_dx(
    g: Any, x: Any, gamma: Any, mean: Any = None, var: Any = None, axis: int = 1, eps: float = 1e-3,
) -> Any:
    g, z = deferred.masked(g)
    if z is None:
        return None
    x, gamma, mean, var = map(deferred.settled, (x, gamma, mean, var))
    return _batch_norm_dx_of(g, z, x, gamma, mean, var, axis, eps)
