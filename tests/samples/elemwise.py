"""Samples for mxgrad/ops/elemwise.py.

The first sample of an op also serves in other shapes: its values are laid out anew for broadcasting, empty
axes and axes of length 1.
"""
from __future__ import annotations

import math
from typing import Any

import numpy

from .base import Sample, bools, ints, positive, smooth

NAN, INF = numpy.nan, numpy.inf
ODD = numpy.array([NAN, INF, -INF, 0.0, -0.0, 1e300, -1e-300, 700.0])
HALVES = numpy.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
NEAR_HALVES = numpy.array([0.49999999999999994, -0.2, 2.0 ** 52 + 1, 1e300, NAN, INF])
WIDE = numpy.array([-1e4, -750.0, -30.0, -1.0, 0.0, 1.0, 30.0, 750.0, 1e4])


def over(*shape: int, low: float, high: float) -> list[Sample]:
    """A one-argument op on `low` to `high`, and at values where naive formulas fail."""
    return [Sample(smooth(*shape or (2, 3), low=low, high=high)), Sample(ODD, differentiate=False)]


def pair(**wanted: Any) -> list[Sample]:
    """A two-argument op of arrays of one shape."""
    return [Sample(smooth(2, 3), smooth(2, 3), **wanted),
            Sample(ODD, ODD[::-1].copy(), differentiate=False, **wanted)]


def truth() -> list[Sample]:
    """Comparisons and logic: floats with ties and odd values, ints, bools."""
    ties = numpy.array([1.0, 2.0, 3.0, 0.0])
    return [Sample(smooth(2, 3), smooth(2, 3)), Sample(ties, ties[::-1].copy(), differentiate=False),
            Sample(ODD, ODD[::-1].copy(), differentiate=False), Sample(ints(5, high=3), ints(5, high=3)),
            Sample(bools(4), numpy.array([True, True, False, False]))]


def bits() -> list[Sample]:
    return [Sample(ints(2, 3, low=1), ints(2, 3, low=1)),
            Sample(ints(4, dtype="uint8"), ints(4, dtype="uint8"))]


def wide(reference: Any) -> list[Sample]:
    """A function of neural networks, far out too."""
    return [Sample(smooth(2, 3), reference=reference), Sample(WIDE, differentiate=False, reference=reference)]


def sigmoid(x: Any) -> Any:
    return 0.5 * (1 + numpy.tanh(0.5 * x))


SAMPLES: dict[str, list[Sample]] = {
    "add": pair(), "subtract": pair(), "multiply": pair(), "divide": pair(),
    "floor_divide": [Sample(smooth(2, 3, low=1, high=9), smooth(2, 3)), Sample(ints(4), ints(4, low=1))],
    "remainder": [Sample(smooth(2, 3, low=-9, high=9), smooth(2, 3)),
                  Sample(ints(4, low=-9), ints(4, low=1))],
    "fmod": [Sample(smooth(2, 3, low=-9, high=9), smooth(2, 3)), Sample(ints(4, low=-9), ints(4, low=1))],
    "power": [Sample(positive(2, 3), smooth(2, 3)),
              Sample(numpy.array([-1.5, -2.0, 0.0, 3.0]), numpy.array([2.0, 3.0, 3.0, 0.0]),
                     differentiate=(0,)),
              Sample(numpy.array([0.0, 0.0, 2.0, -1.0, INF]), numpy.array([0.0, -1.0, INF, 0.5, 0.0]),
                     differentiate=False), Sample(ints(4), ints(4, high=4))],
    "maximum": pair(), "minimum": pair(), "fmax": pair(), "fmin": pair(), "arctan2": pair(), "hypot": pair(),
    "logaddexp": pair(), "copysign": pair(),
    "ldexp": [Sample(smooth(2, 3), smooth(2, 3), reference=lambda x, y: x * 2.0 ** y)],

    "negative": over(low=-2, high=2), "positive": over(low=-2, high=2), "abs": over(low=-2, high=2),
    "reciprocal": over(low=-2, high=2), "square": over(low=-2, high=2), "sqrt": over(low=0.2, high=4),
    "rsqrt": [Sample(positive(2, 3), reference=lambda x: x ** -0.5)],
    "cbrt": over(low=-2, high=2),
    "rcbrt": [Sample(smooth(2, 3), reference=lambda x: numpy.sign(x) * numpy.abs(x) ** (-1 / 3))],

    "exp": over(low=-2, high=2), "exp2": over(low=-2, high=2), "expm1": over(low=-2, high=2),
    "log": over(low=0.2, high=4), "log2": over(low=0.2, high=4), "log10": over(low=0.2, high=4),
    "log1p": over(low=-0.8, high=4),

    "sin": over(low=-4, high=4), "cos": over(low=-4, high=4), "tan": over(low=-1.2, high=1.2),
    "arcsin": over(low=-0.9, high=0.9), "arccos": over(low=-0.9, high=0.9), "arctan": over(low=-3, high=3),
    "sinh": over(low=-2, high=2), "cosh": over(low=-2, high=2), "tanh": over(low=-2, high=2),
    "arcsinh": over(low=-2, high=2), "arccosh": over(low=1.2, high=4), "arctanh": over(low=-0.9, high=0.9),
    "degrees": over(low=-4, high=4), "radians": over(low=-200, high=200),

    **{name: over(low=-3, high=3) + [Sample(HALVES, differentiate=False)]
       for name in ("sign", "floor", "ceil", "trunc")},
    "fix": [Sample(smooth(2, 3, low=-3, high=3), reference=numpy.trunc),
            Sample(ODD, differentiate=False, reference=numpy.trunc),
            Sample(HALVES, differentiate=False, reference=numpy.trunc)],     # NumPy 2.5 deprecates its fix
    "rint": [Sample(smooth(2, 3), reference=numpy.rint), Sample(ints(4), reference=lambda x: x),
             Sample(HALVES, differentiate=False, reference=lambda x: numpy.floor(x)),
             Sample(NEAR_HALVES, differentiate=False,
                    reference=lambda x: numpy.array([0, -0.0, 2.0 ** 52 + 1, 1e300, NAN, INF]))],
    "round_away": [Sample(smooth(2, 3), reference=numpy.round),
                   Sample(HALVES, differentiate=False, reference=lambda x: x + numpy.copysign(0.5, x)),
                   Sample(NEAR_HALVES, differentiate=False,
                          reference=lambda x: numpy.array([0, -0.0, 2.0 ** 52 + 1, 1e300, NAN, INF])),
                   Sample(ints(4), reference=lambda x: x)],
    "around": [Sample(smooth(2, 3), reference=numpy.round),
               Sample(smooth(2, 3) * 100, decimals=-1, reference=numpy.round),
               Sample(smooth(2, 3) * math.pi, decimals=2, reference=numpy.round)],

    "round_ste": [Sample(smooth(2, 3), reference=numpy.round, differentiate=False)],
    "sign_ste": [Sample(smooth(2, 3), reference=numpy.sign, differentiate=False)],
    "gradient_multiplier": [Sample(smooth(2, 3), scalar=3.0, reference=lambda x, scalar: x,
                                   differentiate=False)],

    **{name: truth() for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal",
                                  "logical_and", "logical_or", "logical_xor")},
    **{name: over(low=-2, high=2) for name in (
        "logical_not", "isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit")},
    **{name: bits() for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "gcd", "lcm")},
    "left_shift": [Sample(ints(2, 3), ints(2, 3, high=5))],
    "right_shift": [Sample(ints(2, 3), ints(2, 3, high=5))],
    "invert": [Sample(ints(2, 3)), Sample(bools(3)), Sample(ints(3, dtype="uint8"))],

    "sigmoid": wide(sigmoid),
    "relu": wide(lambda x: numpy.where(x > 0, x, 0.0)) + [
        Sample(numpy.array([NAN, INF, -INF]), reference=lambda x: numpy.array([NAN, INF, 0]),
               differentiate=False)],
    "softsign": wide(lambda x: x / (1 + numpy.abs(x))),
    "softrelu": wide(lambda x: numpy.logaddexp(x, 0)),
    "log_sigmoid": wide(lambda x: -numpy.logaddexp(-x, 0)),
    "hard_sigmoid": [
        Sample(smooth(2, 3, low=-4, high=4),
               reference=lambda x: numpy.minimum(numpy.maximum(0.2 * x + 0.5, 0), 1)),
        Sample(smooth(2, 3, low=-4, high=4), alpha=0.3, beta=0.1,
               reference=lambda x, alpha, beta: numpy.minimum(numpy.maximum(alpha * x + beta, 0), 1))],
    "clip": [Sample(smooth(2, 3), a_min=-1.0, a_max=1.2), Sample(smooth(2, 3), a_min=None, a_max=0.5),
             Sample(smooth(2, 3), a_min=-0.5, a_max=None), Sample(ints(5), a_min=2, a_max=7),
             Sample(ODD, differentiate=False, a_min=-1.0, a_max=1.0),
             Sample(smooth(2, 0), a_min=-1.0, a_max=1.2)],
    "smooth_l1": [
        Sample(smooth(2, 3), reference=lambda x: numpy.where(numpy.abs(x) < 1, 0.5 * x * x,
                                                             numpy.abs(x) - 0.5)),
        Sample(smooth(2, 3), scalar=2.0,
               reference=lambda x, scalar: numpy.where(numpy.abs(x) < 0.25, 2 * x * x,
                                                       numpy.abs(x) - 0.125))],
}
