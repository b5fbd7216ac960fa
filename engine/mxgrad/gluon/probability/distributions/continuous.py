"""Distributions of real numbers given by a location, a scale or bounds (level 16)."""
from __future__ import annotations

from math import e, inf, log, nan, pi, sqrt
from typing import Any

from numpy import euler_gamma

from .... import np, npx
from .constraint import Interval, Positive, Real
from .distribution import Distribution, ExponentialFamily

__all__ = ["Cauchy", "Exponential", "Gumbel", "Laplace", "Normal", "Uniform"]


class _LocationScale(Distribution):
    """loc + scale * noise, for noise of a kind that `np.random` has."""

    has_grad = True
    support = Real()
    arg_constraints = {"loc": Real(), "scale": Positive()}
    _kind = ""

    def __init__(self, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.loc, self.scale = loc, scale
        super().__init__(event_dim=0, validate_args=validate_args)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self.loc + self._noise(self._kind, shape) * self.scale

    def _standard(self, value: Any) -> Any:
        return (self._checked(value) - self.loc) / self.scale


class Normal(_LocationScale, ExponentialFamily):
    """The normal distribution of mean `loc` and standard deviation `scale`.

    >>> Normal(1.0, 2.0).cdf(1.0), Normal(1.0, 2.0).variance
    (0.5, 4.0)
    """

    _kind = "normal"

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale ** 2

    def log_prob(self, value: Any) -> Any:
        return -0.5 * self._standard(value) ** 2 - np.log(self.scale) - log(sqrt(2 * pi))

    def cdf(self, value: Any) -> Any:
        return 0.5 * (1 + npx.erf(self._standard(value) / sqrt(2)))

    def icdf(self, value: Any) -> Any:
        return self.loc + self.scale * npx.erfinv(2 * value - 1) * sqrt(2)

    def entropy(self) -> Any:
        return 0.5 * log(2 * pi * e) + np.log(self.scale)


class Laplace(_LocationScale):
    """The density exp(-abs(x - loc) / scale) / (2 scale)."""

    _kind = "laplace"

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def stddev(self) -> Any:
        return sqrt(2) * self.scale

    @property
    def variance(self) -> Any:
        return 2 * self.scale ** 2

    def log_prob(self, value: Any) -> Any:
        return -np.log(2 * self.scale) - np.abs(self._standard(value))

    def cdf(self, value: Any) -> Any:
        x = self._standard(value)
        return 0.5 - 0.5 * np.sign(x) * np.expm1(-np.abs(x))

    def icdf(self, value: Any) -> Any:
        value = value - 0.5
        return self.loc - self.scale * np.sign(value) * np.log1p(-2 * np.abs(value))

    def entropy(self) -> Any:
        return 1 + np.log(2 * self.scale)


class Cauchy(_LocationScale):
    """The Cauchy distribution of mode `loc` and half width `scale` at half maximum; it has no moments."""

    arg_constraints = {"loc": Real(), "scale": Real()}

    @property
    def mean(self) -> Any:
        return nan

    @property
    def variance(self) -> Any:
        return nan

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self.icdf(self._noise("uniform", shape))

    def log_prob(self, value: Any) -> Any:
        return -log(pi) - np.log(self.scale) - np.log1p(self._standard(value) ** 2)

    def cdf(self, value: Any) -> Any:
        return np.arctan(self._standard(value)) / pi + 0.5

    def icdf(self, value: Any) -> Any:
        return np.tan(pi * (value - 0.5)) * self.scale + self.loc

    def entropy(self) -> Any:
        return log(4 * pi) + np.log(self.scale)


class Gumbel(_LocationScale):
    """The Gumbel distribution of mode `loc`: cdf(x) = exp(-exp(-(x - loc) / scale))."""

    _kind = "gumbel"

    def __init__(self, loc: Any, scale: Any = 1, validate_args: bool | None = None) -> None:
        super().__init__(loc, scale, validate_args)

    @property
    def mean(self) -> Any:
        return self.loc + self.scale * euler_gamma

    @property
    def stddev(self) -> Any:
        return (pi / sqrt(6)) * self.scale

    @property
    def variance(self) -> Any:
        return self.stddev ** 2

    def log_prob(self, value: Any) -> Any:
        x = -self._standard(value)
        return (x - np.exp(x)) - np.log(self.scale)

    def cdf(self, value: Any) -> Any:
        return np.exp(-np.exp(-self._standard(value)))

    def icdf(self, value: Any) -> Any:
        return self.loc - self.scale * np.log(-np.log(value))

    def entropy(self) -> Any:
        return np.log(self.scale) + (1 + euler_gamma)


class Uniform(Distribution):
    """Uniform between `low` and `high`."""

    has_grad = True
    arg_constraints = {"low": Real(), "high": Real()}

    def __init__(self, low: Any = 0.0, high: Any = 1.0, validate_args: bool | None = None) -> None:
        self.low, self.high = low, high
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def support(self) -> Any:
        return Interval(self.low, self.high)

    @property
    def mean(self) -> Any:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Any:
        return (self.high - self.low) ** 2 / 12

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self.icdf(self._noise("uniform", shape))

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        inside = (value >= self.low) & (value <= self.high)
        return np.where(inside, -np.log(self.high - self.low), -inf)

    def cdf(self, value: Any) -> Any:
        return np.clip((self._checked(value) - self.low) / (self.high - self.low), 0, 1)

    def icdf(self, value: Any) -> Any:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        return np.log(self.high - self.low)


class Exponential(ExponentialFamily):
    """The exponential distribution of mean `scale`."""

    has_grad = True
    support = Positive()
    arg_constraints = {"scale": Positive()}

    def __init__(self, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.scale = scale
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def rate(self) -> Any:
        """1 / scale"""
        return 1 / self.scale

    @property
    def mean(self) -> Any:
        return self.scale

    @property
    def stddev(self) -> Any:
        return self.scale

    @property
    def variance(self) -> Any:
        return self.scale ** 2

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self._noise("exponential", shape) * self.scale

    def log_prob(self, value: Any) -> Any:
        return -np.log(self.scale) - self._checked(value) / self.scale

    def cdf(self, value: Any) -> Any:
        return -np.expm1(-self._checked(value) / self.scale)

    def icdf(self, value: Any) -> Any:
        return -self.scale * np.log1p(-value)

    def entropy(self) -> Any:
        return 1.0 + np.log(self.scale)
