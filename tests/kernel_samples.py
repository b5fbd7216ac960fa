"""Large samples for the ops that have compiled kernels: several parts for threads, lengths that no vector
divides, infinities and nan.
"""
from __future__ import annotations

import numpy
from samples import Sample


def large(*shape: int, seed: int = 0) -> numpy.ndarray:
    """Normal numbers."""
    return numpy.random.RandomState(seed).standard_normal(shape)


def spoiled(*shape: int) -> numpy.ndarray:
    """Normal numbers with nan, both infinities and extremes among them, each in a row of its own."""
    a = large(*shape)
    rows = a.reshape(-1, shape[-1])
    for i, bad in enumerate((numpy.nan, numpy.inf, -numpy.inf, 1e30, -1e30, 1e-40)):
        rows[i % len(rows), (7 * i) % shape[-1]] = bad
    return a


_ROWS = [Sample(large(40, 1037)), Sample(spoiled(9, 1000), differentiate=False),
         Sample(large(3, 5, 700), axis=-1), Sample(large(70000, 3), axis=1), Sample(large(40, 50, 60), axis=1)]

KERNEL_SAMPLES: dict[str, list[Sample]] = {
    "softmax": _ROWS,
    "log_softmax": _ROWS,
}
