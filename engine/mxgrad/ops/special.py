"""Special functions: erf and its inverse, gamma, log gamma, digamma, polygamma, quantiles of gamma numbers.

Kernels compute in float64 whatever the dtype, from functions that every array module has.

Sources: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969); M. J.
Wichura, Algorithm AS 241, Appl. Statist. 37 (1988); M. Abramowitz and I. A. Stegun, Handbook of Mathematical
Functions (1964), here A&S.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..registry import register


def _in_float64(f: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel that computes in float64 and gives the dtype of `x`, or float32 for integers."""
    def kernel(xp: Any, x: Any) -> Any:
        return f(xp, x.astype("float64")).astype(x.dtype if x.dtype.kind == "f" else "float32")

    kernel.__doc__ = f.__doc__
    return kernel


def _poly(coefficients: Sequence[float], x: Any) -> Any:
    """The polynomial with these coefficients, that of the highest power first."""
    y: Any = coefficients[0]
    for c in coefficients[1:]:
        y = y * x + c
    return y


# error function ---------------------------------------------------------------------------------------------

# Cody's rational functions for erf on |x| <= 0.46875, and for erfc up to 4 and beyond.
_ERF = ((1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
         3.20937758913846947e3),
        (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3))
_ERFC = ((2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
          2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
          1.23033935479799725e3),
         (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
          3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3))
_ERFC_FAR = ((1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
              1.60837851487422766e-2, 6.58749161529837803e-4),
             (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1,
              6.05183413124413191e-2,
              2.33520497626869185e-3))


def _erf(xp: Any, x: Any) -> Any:
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x (Cody 1969)."""
    a = xp.abs(x)
    t = xp.minimum(a, 0.46875) ** 2
    near = x * (_poly(_ERF[0], t) / _poly(_ERF[1], t))
    t = xp.clip(a, 0.46875, 4.0)
    tail = _poly(_ERFC[0], t) / _poly(_ERFC[1], t)
    t = xp.clip(a, 4.0, 30.0)
    w = 1 / (t * t)
    far = (1 / math.sqrt(math.pi) - _poly(_ERFC_FAR[0], w) / _poly(_ERFC_FAR[1], w) * w) / t
    rest = xp.exp(-a * a) * xp.where(a <= 4, tail, far)
    return xp.where(a <= 0.46875, near, xp.copysign(1 - rest, x))


# Wichura's rational functions for the normal quantile: the centre, the tails, the far tails.
_CENTRE = ((2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
            13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
           (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
            5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0))
_TAIL = ((7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
          3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
         (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
          0.14810397642748007459,
          0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0))
_FAR_TAIL = ((2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
              0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
              6.6579046435011037772),
             (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
              7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
              0.59983220655588793769,
              1.0))


def _erfinv(xp: Any, y: Any) -> Any:
    """The inverse of erf on [-1, 1], nan outside; by the normal quantile of (1 + y)/2 (AS 241)."""
    q = y / 2
    r = xp.maximum(0.180625 - q * q, 0)
    centre = q * (_poly(_CENTRE[0], r) / _poly(_CENTRE[1], r))
    r = xp.sqrt(-xp.log((1 - xp.abs(y)) / 2))
    t = r - 1.6
    tail = _poly(_TAIL[0], t) / _poly(_TAIL[1], t)
    t = xp.minimum(r, 40.0) - 5
    far = _poly(_FAR_TAIL[0], t) / _poly(_FAR_TAIL[1], t)
    outer = xp.copysign(xp.where(r <= 5, tail, far), y)
    x = xp.where(xp.abs(q) <= 0.425, centre, outer) * math.sqrt(0.5)
    return xp.where(xp.abs(y) == 1, xp.copysign(xp.inf, y), x)


def _unary(name: str, f: Callable[..., Any], vjp: Any, keeps: str = "x", **names: Any) -> None:
    register(name, _in_float64(f), vjp, keeps=keeps, broadcasts=True, result="float", nd_arrays=("data",),
             doc=f.__doc__ or "", **names)


_unary("erf", _erf, lambda F, g, y, x: g * (2 / math.sqrt(math.pi)) * F.exp(-x * x), nd="erf", npx="erf")
_unary("erfinv", _erfinv, lambda F, g, y, x: g * (math.sqrt(math.pi) / 2) * F.exp(y * y), keeps="y",
       nd="erfinv",
       npx="erfinv")

# gamma and its logarithmic derivatives ----------------------------------------------------------------------
#
# Where x >= 10 the asymptotic series serve; below, the recurrence leads there from x + 10; the reflection
# formulas lead from negative numbers to positive ones.

# B_2, B_4, ... B_20: A&S table 23.2.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
              -174611 / 330)
_STEPS = 10


def _zeta_less_1(s: int) -> float:
    """zeta(s) - 1 by the formula of Euler and Maclaurin from the term of n = 10 on (A&S 23.2.3)."""
    total = sum(float(n) ** -s for n in range(9, 1, -1)) + 10.0 ** (1 - s) / (s - 1) + 10.0 ** -s / 2
    factor = s * 10.0 ** (-s - 1) / 2
    for k, b in enumerate(_BERNOULLI, 1):
        total += b * factor
        factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2) * 100.0)
    return total


# lgamma(2 + z) = (1 - gamma) z + sum over k >= 2 of (-1)^k (zeta(k) - 1) z^k / k (A&S 6.1.33), the highest
# power first.
_EULER = 0.57721566490153286061
_AT_2 = tuple((-1) ** k * _zeta_less_1(k) / k for k in range(27, 1, -1)) + (1 - _EULER, 0.0)


def _stirling(xp: Any, z: Any) -> Any:
    """log gamma(z) - ((z - 1/2) log z - z + log(2 pi)/2) for z >= 10 (A&S 6.1.40)."""
    w = 1 / z
    return w * _poly([b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1)][::-1], w * w)


def _up(xp: Any, x: Any) -> tuple[Any, Any]:
    """(z, product) with gamma(x) = gamma(z) / product and z >= 10, for x >= 0."""
    product = x
    for k in range(1, _STEPS):
        product = product * (x + k)
    low = x < _STEPS
    return xp.where(low, x + _STEPS, x), xp.where(low, product, xp.ones_like(x))


def _sinpi(xp: Any, x: Any) -> Any:
    """sin(pi x), exact 0 at the integers."""
    n = xp.rint(x)
    return xp.where(n == 2 * xp.rint(n / 2), 1.0, -1.0) * xp.sin(math.pi * (x - n))


def _gamma(xp: Any, x: Any) -> Any:
    """The gamma function; nan at the negative integers."""
    positive = xp.minimum(xp.where(x < 0, 1 - x, x), 200.0)
    z, product = _up(xp, positive)
    # z ** (z - 1/2) overflows before gamma(z) does: half of the power at a time.
    half = z ** (z / 2 - 0.25)
    lost = xp.where(positive < _STEPS, positive - (z - _STEPS), 0.0)     # what z = x + 10 rounded away
    y = half * xp.exp(-z) * half * math.sqrt(2 * math.pi) * xp.exp(_stirling(xp, z)) / product
    y = y * (1 + lost * xp.log(z))
    sine = _sinpi(xp, x)
    mirrored = xp.where(sine == 0, xp.nan, math.pi / (sine * y))
    return xp.where(x < 0, mirrored, y)


def _gammaln(xp: Any, x: Any) -> Any:
    """log |gamma(x)|; inf at 0 and the negative integers."""
    positive = xp.where(x < 0, 1 - x, x)
    z, product = _up(xp, positive)
    y = (z - 0.5) * (xp.log(z) - 1) + (0.5 * math.log(2 * math.pi) - 0.5) + _stirling(xp, z) - xp.log(product)
    # Near its zeros 1 and 2 the series around 2 keeps the relative precision.
    near = xp.clip(positive - xp.where(positive < 1.5, 1.0, 2.0), -0.5, 0.5)
    series = _poly(_AT_2, near) - xp.where(positive < 1.5, xp.log1p(near), 0.0)
    y = xp.where((positive >= 0.5) & (positive <= 2.5), series, y)
    y = xp.where(x < 0, xp.log(math.pi / xp.abs(_sinpi(xp, x))) - y, y)
    return xp.where(x == -xp.inf, xp.inf, y)


def _digamma(xp: Any, x: Any) -> Any:
    """The logarithmic derivative of gamma; nan at the negative integers (A&S 6.3.5, 6.3.7, 6.3.18)."""
    positive = xp.where(x < 0, 1 - x, x)
    down = 1 / positive
    for k in range(1, _STEPS):
        down = down + 1 / (positive + k)
    low = positive < _STEPS
    z = xp.where(low, positive + _STEPS, positive)
    w = 1 / (z * z)
    series = w * _poly([b / (2 * k) for k, b in enumerate(_BERNOULLI, 1)][::-1], w)
    y = xp.log(z) - 0.5 / z - series - xp.where(low, down, 0.0)
    part = x - xp.rint(x)
    return xp.where(x < 0, y - xp.where(part == 0, xp.nan, math.pi / xp.tan(math.pi * part)), y)


def _polygamma(xp: Any, x: Any, *, n: int) -> Any:
    """The n-th derivative of digamma, n >= 1 (A&S 6.4.6, 6.4.7, 6.4.11)."""
    if n < 1:
        raise ValueError(f"polygamma: n is at least 1, got {n}")
    wide = x.astype("float64")
    positive = xp.where(wide < 0, 1 - wide, wide)
    steps = _STEPS + 2 * n
    z = positive + steps
    y = math.factorial(n - 1) / z ** n + math.factorial(n) / (2 * z ** (n + 1))
    for k, b in enumerate(_BERNOULLI, 1):
        y = y + (b * math.factorial(2 * k + n - 1) / math.factorial(2 * k)) / z ** (2 * k + n)
    for k in range(steps):
        y = y + math.factorial(n) / (positive + k) ** (n + 1)
    # psi_n(x) = (-1)^n psi_n(1 - x) - d^n/dx^n pi cot(pi x), which is a polynomial in c = cot(pi x), since
    # dc/dx = -pi (1 + c^2).
    p = [1.0, 0.0]
    for _ in range(n):
        d = [c * (len(p) - 1 - i) for i, c in enumerate(p[:-1])]
        p = [-math.pi * (a + b) for a, b in zip(d + [0.0, 0.0], [0.0, 0.0] + d)]
    part = wide - xp.rint(wide)
    y = xp.where(wide < 0, -y - math.pi * _poly(p, 1 / xp.tan(math.pi * part)), y if n % 2 else -y)
    return y.astype(x.dtype if x.dtype.kind == "f" else "float32")


_unary("gamma", _gamma, lambda F, g, y, x: g * y * F.digamma(x), keeps="xy", nd="gamma", npx="gamma")
_unary("gammaln", _gammaln, lambda F, g, y, x: g * F.digamma(x), nd="gammaln", npx="gammaln")
_unary("digamma", _digamma, lambda F, g, y, x: g * F.polygamma(x, n=1), nd="digamma",
       npx="digamma")
register("polygamma", _polygamma, lambda F, g, y, x, n: g * F.polygamma(x, n=n + 1), broadcasts=True,
         result="float")


# numbers drawn from gamma distributions ---------------------------------------------------------------------

# Of the double exponential rule for integrals of functions that decay exponentially, from 0 to infinity
# (H. Takahasi and M. Mori, Publ. RIMS 9 (1974)), at the points exp(t - exp(-t)): step of t, and how many down
# and up from 0.
_STEP, _BELOW, _ABOVE = 1 / 16, 64, 88


def _gamma_moment(xp: Any, a: Any, x: Any, *, n: int) -> Any:
    """The integral of (-v)^n exp(x (1 - exp(-v)) - a v) over v from 0 to infinity, for a > 0 and x >= 0: that
    of t^(a-1) exp(-t) log(t/x)^n over t from 0 to x, divided by x^a exp(-x).
    """
    dtype = a.dtype if a.dtype.kind == "f" else "float32"
    a, x = a.astype("float64"), x.astype("float64")
    width = 1 / xp.where(a < 1, a, xp.sqrt(a))
    total: Any = 0.0
    for k in range(-_BELOW, _ABOVE + 1):
        t = k * _STEP
        node = math.exp(t - math.exp(-t))
        v = width * node
        weight = (1 + math.exp(-t)) * _STEP
        total = total + weight * v * (-v) ** n * xp.exp(-x * xp.expm1(-v) - a * v)
    return total.astype(dtype)


register("gamma_moment", _gamma_moment,
         lambda F, g, y, a, x, n: g * F.gamma_moment(a, x, n=n + 1),
         lambda F, g, y, a, x, n: g * (y - F.gamma_moment(a + 1.0, x, n=n)), keeps="xy", broadcasts=True,
         mixed=True)


def _gamma_drawn(xp: Any, a: Any, x: Any) -> Any:
    """`x`, numbers drawn from gamma distributions of shapes `a`, which broadcast to them, and scale 1, as
    quantiles: when `a` moves, they move so that the probability of smaller ones stays.
    """
    return x.copy()


def _gamma_drawn_da(F: Any, g: Any, y: Any, a: Any, x: Any) -> Any:
    # dx/da is minus the distribution's derivative by a, divided by the density.
    wide, y = F.cast(a, dtype="float64"), F.maximum(F.cast(y, dtype="float64"), 1e-300)
    moved = (F.digamma(wide) - F.log(y)) * F.gamma_moment(wide, y, n=0) - F.gamma_moment(wide, y, n=1)
    return F.sum_to(g * F.cast(y * moved, dtype=g.dtype), shape=a.shape)


register("gamma_drawn", _gamma_drawn, _gamma_drawn_da, None, keeps="0y", mixed=True)
