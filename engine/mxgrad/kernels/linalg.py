"""Products of matrices, one and many (level 2).

NumPy's BLAS has threads of its own, which wait by spinning and so take the processors from those of the other
kernels; a product that it would divide among them is computed here.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from . import cpu, deferred
from .cpu import Kernel, ffi, floats, lib, overrides

WORK = 64       # multiplications for each element that arrays must have to be worth a kernel

_float32 = numpy.dtype("float32")
_NULL = None if ffi is None else ffi.NULL


def _plain(a: Any, b: Any) -> bool:
    return (a.dtype is _float32 and b.dtype is _float32 and a.size * b.size >= WORK * cpu.small
            and bool(a.flags.c_contiguous) and bool(b.flags.c_contiguous))


def _products(a: Any, b: Any, transpose_a: bool, transpose_b: bool, shape: tuple[int, ...],
              sizes: tuple[int, ...], bias: Any = None, factor: float = 1.0, relu: bool = False,
              gate: Any = None, sums: Any = None) -> Any:
    """`count` products (m, k) @ (k, n) of matrices that follow each other, times `factor`, plus `bias`; of
    that relu, and 0 where `gate` is not positive.  `sums` gets the sums over k of the first matrix.

    None if others do it as well.
    """
    count, m, n, k = sizes
    work = m * n * k
    # a product that takes other calls along is worth it sooner
    alone = bias is None and not relu and gate is None and sums is None
    if min(sizes) < 1 or n < 8 or m < 4 or count * work < (WORK if alone else WORK // 4) * cpu.small:
        return None
    c = numpy.empty(shape, numpy.float32)
    if lib.k_gemm(count, transpose_a, transpose_b, m, n, k, floats(a), floats(b),
                  _NULL if bias is None else floats(bias), factor, floats(c), relu,
                  _NULL if gate is None else floats(gate), _NULL if sums is None else floats(sums)):
        raise MemoryError("no memory for packed matrices")
    return c


def _dot_of(a: Any, b: Any, transpose_a: bool, transpose_b: bool, *more: Any) -> Any:
    """The op `dot` with `more` of what `_products` does; None if it is not for the kernel."""
    if b.ndim == 2 and (a.ndim == 2 or a.ndim > 2 and not transpose_a) and _plain(a, b):
        k, m = a.shape[-1], a.size // max(a.shape[-1], 1)
        if transpose_a:
            k, m = m, k
        n, inner = b.shape if transpose_b else b.shape[::-1]
        if k == inner:
            shape = (m, n) if transpose_a else (*a.shape[:-1], n)
            return _products(a, b, transpose_a, transpose_b, shape, (1, m, n, k), *more)
    return None


def _matmul_of(a: Any, b: Any, transpose_a: bool, transpose_b: bool, bias: None = None,
               factor: float = 1.0) -> Any:
    """The op `matmul`, times `factor`; None if it is not for the kernel."""
    if a.ndim == b.ndim > 1 and a.shape[:-2] == b.shape[:-2] and _plain(a, b):
        m, k = a.shape[:-3:-1] if transpose_a else a.shape[-2:]
        inner, n = b.shape[:-3:-1] if transpose_b else b.shape[-2:]
        if k == inner:
            sizes = (a.size // max(m * k, 1), m, n, k)
            return _products(a, b, transpose_a, transpose_b, (*a.shape[:-2], m, n), sizes, None, factor)
    return None


def _declare(name: str, product: Callable[..., Any]) -> None:
    """Have `product` in place of the op `name`, also where an operand times a number was put off."""
    def make(generic: Kernel) -> Kernel:
        def kernel(a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
            c = product(a, b, transpose_a, transpose_b)
            return generic(a, b, transpose_a=transpose_a, transpose_b=transpose_b) if c is None else c

        return kernel

    @deferred.builds(name)
    def build(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
        (a, by_a), (b, by_b) = deferred.scaled(a), deferred.scaled(b)
        if by_a == by_b == 1:
            return None
        return product(deferred.settled(a), deferred.settled(b), transpose_a, transpose_b, None, by_a * by_b)

    overrides(name)(make)


_declare("dot", _dot_of)
_declare("matmul", _matmul_of)


def _is_layer(x: Any, bias: Any, weight: Any) -> bool:
    return x.ndim > 1 and (bias is None or bias.shape == weight.shape[:1] and cpu.plain(bias))


@overrides("linear")
def _linear(generic: Kernel) -> Kernel:
    def kernel(x: Any, weight: Any, bias: Any = None) -> Any:
        if not _is_layer(x, bias, weight):
            return generic(x, weight, bias)
        # what is large is put off together with what follows
        later = bias is not None and x.size // max(x.shape[-1], 1) * bias.size >= deferred.large
        y = _dot_of(x, weight, False, True, None if later else bias)
        if y is None:
            return generic(x, weight, bias)
        return deferred.lifted(y) + bias if later else y

    return kernel


@cpu.joins("linear", "relu")
def _linear_relu(linear: Kernel, relu: Kernel) -> Kernel:
    def kernel(x: Any, weight: Any, bias: Any = None) -> Any:
        y = _dot_of(x, weight, False, True, bias, 1.0, True) if _is_layer(x, bias, weight) else None
        return relu(linear(x, weight, bias)) if y is None else y

    return kernel


@cpu.joins("dot", "relu_dx")
def _dot_relu_dx(dot: Kernel, relu_dx: Kernel) -> Kernel:
    def kernel(a: Any, b: Any, y: Any, **transposed: bool) -> Any:
        g = None
        if cpu.plain(y) and y.shape == (*a.shape[:-1], b.shape[-1]) and not transposed:
            g = _dot_of(a, b, False, False, None, 1.0, False, y)
        return relu_dx(dot(a, b, **transposed), y) if g is None else g

    return kernel


@overrides("linear_dparams")
def _linear_dparams(generic: Kernel) -> Kernel:
    def kernel(g: Any, x: Any) -> Any:
        if g.ndim != 2:
            return generic(g, x)
        sums = numpy.empty(g.shape[1:], numpy.float32)
        dweight = _dot_of(g, x, True, False, None, 1.0, False, None, sums)
        return generic(g, x) if dweight is None else (dweight, sums)

    # the sum joins the pass over what was put off
    deferred.builds("linear_dparams")(generic)
    return kernel
