"""Products of matrices, one and many (level 2).

NumPy's BLAS has threads of its own, which wait by spinning and so take the processors from those of the other
kernels; a product that it would divide among them is computed here.
"""
from __future__ import annotations

from typing import Any

import numpy

from . import cpu, deferred
from .cpu import Kernel, ffi, floats, lib, overrides

WORK = 64       # multiplications for each element that arrays must have to be worth a kernel

_float32 = numpy.dtype("float32")


def _plain(a: Any, b: Any) -> bool:
    return (a.dtype is _float32 and b.dtype is _float32 and a.size * b.size >= WORK * cpu.small
            and bool(a.flags.c_contiguous) and bool(b.flags.c_contiguous))


def _products(a: Any, b: Any, transpose_a: bool, transpose_b: bool, shape: tuple[int, ...],
              sizes: tuple[int, ...]) -> Any:
    """`count` products (m, k) @ (k, n) of matrices that follow each other; None if others do it as well."""
    count, m, n, k = sizes
    work = m * n * k
    if min(sizes) < 1 or n < 8 or m < 4 or count * work < WORK * cpu.small:
        return None
    c = numpy.empty(shape, numpy.float32)
    if lib.k_gemm(count, transpose_a, transpose_b, m, n, k, floats(a), floats(b), ffi.NULL, 1, floats(c)):
        raise MemoryError("no memory for packed matrices")
    return c


@overrides("dot")
def _dot(generic: Kernel) -> Kernel:
    def kernel(a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        if b.ndim == 2 and (a.ndim == 2 or a.ndim > 2 and not transpose_a) and _plain(a, b):
            k, m = a.shape[-1], a.size // max(a.shape[-1], 1)
            if transpose_a:
                k, m = m, k
            n, inner = b.shape if transpose_b else b.shape[::-1]
            if k == inner:
                shape = (m, n) if transpose_a else (*a.shape[:-1], n)
                c = _products(a, b, transpose_a, transpose_b, shape, (1, m, n, k))
                if c is not None:
                    return c
        return generic(a, b, transpose_a=transpose_a, transpose_b=transpose_b)

    return kernel


@overrides("matmul")
def _matmul(generic: Kernel) -> Kernel:
    def kernel(a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        if a.ndim == b.ndim > 1 and a.shape[:-2] == b.shape[:-2] and _plain(a, b):
            m, k = a.shape[:-3:-1] if transpose_a else a.shape[-2:]
            inner, n = b.shape[:-3:-1] if transpose_b else b.shape[-2:]
            if k == inner:
                shape = (*a.shape[:-2], m, n)
                count = a.size // max(m * k, 1)
                c = _products(a, b, transpose_a, transpose_b, shape, (count, m, n, k))
                if c is not None:
                    return c
        return generic(a, b, transpose_a=transpose_a, transpose_b=transpose_b)

    return kernel


@overrides("linear")
def _linear(generic: Kernel) -> Kernel:
    dot = _dot(lambda a, b, *, transpose_a, transpose_b: numpy.dot(a, b.T))

    def kernel(x: Any, weight: Any, bias: Any = None) -> Any:
        y = dot(x, weight, transpose_b=True)
        if bias is None:
            return y
        if y.size >= deferred.large:        # together with what follows
            return deferred.lifted(y) + bias
        y += bias
        return y

    return kernel
