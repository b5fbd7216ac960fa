"""What a sample is, and array values that stay away from kinks."""
from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy

_seed = count()


def restart() -> None:
    """Begin the values anew, so that those of one module do not depend on another's."""
    global _seed
    _seed = count()


class Sample:
    """Arguments of one op: NumPy arrays, numbers and None by position, parameters by name.

    reference
        ``reference(*arrays, **params)``: the value by independent NumPy code.  Without one it is the NumPy
        function of the op's name; False where there is no value to compare (random numbers).
    differentiate
        Which arrays' gradients are compared with differences: False for none, a tuple of positions, or (None)
        every floating point array that the op has a rule for.
    devices
        False for an op that cannot run on the device double.
    """

    def __init__(
        self, *arrays: Any, reference: Callable[..., Any] | None | bool = None,
        differentiate: tuple[int, ...] | None | bool = None, devices: bool = True, **params: Any,
    ) -> None:
        self.arrays, self.params = arrays, params
        self.reference, self.differentiate, self.devices = reference, differentiate, devices

    def __repr__(self) -> str:
        given = [
            f"{a.dtype}{list(a.shape)}" if isinstance(a, numpy.ndarray) else repr(a) for a in self.arrays
        ]
        return ", ".join(given + [f"{k}={v}" for k, v in self.params.items()])


def smooth(*shape: int, low: float = -2.0, high: float = 2.0) -> numpy.ndarray:
    """Distinct float64 values between `low` and `high`, in random order, away from 0, ±½, ±1, ±1½ … by 0.02.

    Every call gives other values, the same ones in every run.
    """
    rng = numpy.random.default_rng(next(_seed))
    n = int(numpy.prod(shape))
    values = low + (high - low) * (numpy.arange(n) + rng.uniform(0.25, 0.75, n)) / max(n, 1)
    off = 2 * values - numpy.rint(2 * values)
    values = values + numpy.where(numpy.abs(off) < 0.04, 0.02 * numpy.where(off < 0, -1, 1), 0)
    return rng.permutation(values).reshape(shape)


def positive(*shape: int, low: float = 0.2, high: float = 3.0) -> numpy.ndarray:
    """`smooth` values above zero."""
    return smooth(*shape, low=low, high=high)


def ints(*shape: int, low: int = 0, high: int = 10, dtype: str = "int64") -> numpy.ndarray:
    """Integers from `low` (inclusive) to `high` (exclusive)."""
    return numpy.random.default_rng(next(_seed)).integers(low, high, shape).astype(dtype)


def bools(*shape: int) -> numpy.ndarray:
    """A bool array that has both values, if it has two elements or more."""
    n = int(numpy.prod(shape))
    return numpy.random.default_rng(next(_seed)).permutation(numpy.arange(n) % 2 == 0).reshape(shape)
