"""Samples for mxgrad/ops/special.py; the references are Python's math module and known values."""
from __future__ import annotations

import math
from typing import Any

import numpy

from .base import Sample, positive, smooth

NAN, INF = numpy.nan, numpy.inf


def by_math(f: Any) -> Any:
    """A function of Python's math module, elementwise."""
    def reference(x: numpy.ndarray, **params: Any) -> numpy.ndarray:
        return numpy.array([f(v) for v in x.ravel()], "float64").reshape(x.shape)
    return reference


def solve_erf(y: float) -> float:
    """The x with erf(x) = y, by bisection."""
    low, high = -6.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < y else (low, middle)
    return low


# Values of the digamma and polygamma functions: tables 6.1 and 6.4 of Abramowitz and Stegun, and
# psi(1/2) = -gamma - 2 log 2, psi'(1/2) = pi^2/2, psi'(1) = pi^2/6, psi''(1) = -2 zeta(3).
EULER, ZETA3 = 0.57721566490153286061, 1.20205690315959428540


def shifted(n: int, at: float, value: float, steps: int) -> list[tuple[float, float]]:
    """(x, polygamma(n, x)) for x = at - steps ... at + steps, from one value by the recurrence."""
    sign = (-1) ** n * math.factorial(n)
    found = [(at, value)]
    up = value
    for k in range(steps):
        up += sign / (at + k) ** (n + 1)
        found.append((at + k + 1, up))
    down = value
    for k in range(1, steps + 1):
        if at - k == 0:
            break
        down -= sign / (at - k) ** (n + 1)
        found.append((at - k, down))
    return found


def tabled(at: float, value: float, steps: int, **order: int) -> Sample:
    """(Polygamma of) the order that is named, digamma without one, against `shifted`."""
    x, y = (numpy.array(column) for column in zip(*shifted(order.get("n", 0), at, value, steps)))
    return Sample(x, reference=lambda x, **order: y, differentiate=False, **order)


SAMPLES: dict[str, list[Sample]] = {
    "erf": [Sample(smooth(3, 5, low=-3, high=3), reference=by_math(math.erf)),
            Sample(numpy.array([0.0, -0.0, 1e-20, -0.46875, 0.47, 3.99, 4.01, 6.0, -40.0, INF, -INF, NAN]),
                   reference=by_math(math.erf), differentiate=False)],
    "erfinv": [
        Sample(smooth(3, 5, low=-0.95, high=0.95), reference=by_math(solve_erf)),
        Sample(numpy.array([0.0, 1.0, -1.0, 1.5, NAN]), differentiate=False,
               reference=lambda y: numpy.array([0.0, INF, -INF, NAN, NAN]))],
    "gamma": [Sample(numpy.concatenate([smooth(2, 4, low=0.3, high=6), smooth(1, 4, low=-3, high=0)]),
                     reference=by_math(math.gamma)),
              Sample(numpy.array([1.0, 2.0, 10.0, 33.3, 100.5, 170.6, 1e-5, -20.5, -150.25]),
                     reference=by_math(math.gamma), differentiate=False),
              Sample(numpy.array([0.0, -0.0, -1.0, -2.0, 172.0, INF, -INF, NAN]), differentiate=False,
                     reference=lambda x: numpy.array([INF, -INF, NAN, NAN, INF, INF, NAN, NAN]))],
    "gammaln": [Sample(numpy.concatenate([smooth(2, 4, low=0.3, high=6), smooth(1, 4, low=-3, high=0)]),
                       reference=by_math(math.lgamma)),
                Sample(numpy.array([1.0, 2.0, 10.0, 33.3, 171.5, 1e5, 1e300, 1e-300, -20.5, -1e5 - 0.5]),
                       reference=by_math(math.lgamma), differentiate=False),
                Sample(numpy.array([0.0, -1.0, -2.0, INF, -INF, NAN]), differentiate=False,
                       reference=lambda x: numpy.array([INF, INF, INF, INF, INF, NAN]))],
    "digamma": [Sample(smooth(2, 4, low=0.3, high=6), reference=False),
                Sample(smooth(2, 4, low=-3, high=0), reference=False),
                tabled(1.0, -EULER, 20), tabled(0.5, -EULER - 2 * math.log(2), 9)],
    "polygamma": [Sample(smooth(2, 4, low=0.3, high=6), n=1, reference=False),
                  Sample(smooth(2, 4, low=-3, high=0), n=2, reference=False),
                  tabled(1.0, math.pi ** 2 / 6, 20, n=1), tabled(0.5, math.pi ** 2 / 2, 9, n=1),
                  tabled(1.0, -2 * ZETA3, 9, n=2)],
    "gamma_moment": [
        Sample(positive(2, 4, high=5), positive(2, 4, high=5), n=0, reference=False),
        Sample(positive(4, high=5), positive(2, 1, high=5), n=1, reference=False),
        Sample(numpy.ones(5), numpy.array([0.01, 0.5, 2.0, 10.0, 50.0]), n=0,
               reference=lambda a, x, n: numpy.expm1(x) / x),
        Sample(numpy.array([0.01, 0.5, 1.0, 30.0, 1e4]), numpy.zeros(5), n=2, differentiate=False,
               reference=lambda a, x, n: 2 / a ** 3)],
    "gamma_drawn": [Sample(positive(2, 3), positive(2, 3), reference=lambda a, x: x, differentiate=False)],
}
