"""Distributions made of gamma distributed numbers (level 16).

Samples have gradients by all parameters, where MXNet's have none (`has_grad` is MXNet's).
"""
from __future__ import annotations

from math import inf, nan, pi
from typing import Any

from .... import np, npx
from .constraint import Positive, Real, Simplex, UnitInterval
from .distribution import Distribution, ExponentialFamily
from .utils import EPS, clip_prob

__all__ = ["Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "StudentT"]


def _gamma(alpha: Any, shape: tuple[int, ...], where: Any) -> Any:
    return np.random.gamma(alpha, 1, size=shape, device=where)


def _log_beta(a: Any, b: Any) -> Any:
    """The logarithm of the beta function."""
    return npx.gammaln(a) + npx.gammaln(b) - npx.gammaln(a + b)


class Gamma(ExponentialFamily):
    """The gamma distribution: the density is proportional to x**(shape - 1) * exp(-x / scale)."""

    support = Positive()
    arg_constraints = {"shape": Positive(), "scale": Positive()}

    def __init__(self, shape: Any, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.shape, self.scale = shape, scale
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.shape * self.scale

    @property
    def variance(self) -> Any:
        return self.shape * self.scale ** 2

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return _gamma(self.shape, shape, self._context) * self.scale

    def log_prob(self, value: Any) -> Any:
        a, value = self.shape, self._checked(value)
        return (a - 1) * np.log(value) - a * np.log(self.scale) - value / self.scale - npx.gammaln(a)

    def entropy(self) -> Any:
        a = self.shape
        return a + np.log(self.scale) + npx.gammaln(a) + (1 - a) * npx.digamma(a)


class Chi2(Gamma):
    """The chi-square distribution of `df` degrees of freedom: Gamma(df / 2, 2).

    >>> Chi2(3.0).mean, Chi2(3.0).variance
    (3.0, 6.0)
    """

    arg_constraints = {**Gamma.arg_constraints, "df": Positive()}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        self.df = df
        super().__init__(df / 2, 2.0, validate_args)


class FisherSnedecor(Distribution):
    """The F distribution of `df1` and `df2` degrees of freedom."""

    support = Positive()
    arg_constraints = {"df1": Positive(), "df2": Positive()}

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = df1, df2
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        df2 = np.where(self.df2 <= 2, nan, self.df2)
        return df2 / (df2 - 2)

    @property
    def variance(self) -> Any:
        df1, df2 = self.df1, np.where(self.df2 <= 4, nan, self.df2)
        return 2 * df2 ** 2 * (df1 + df2 - 2) / (df1 * (df2 - 2) ** 2 * (df2 - 4))

    def _draw(self, shape: tuple[int, ...]) -> Any:
        x = _gamma(0.5 * self.df1, shape, self._context) / self.df1
        return x / (_gamma(0.5 * self.df2, shape, self._context) / self.df2)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        a, b, ratio = self.df1 / 2, self.df2 / 2, self.df1 / self.df2
        return (a * np.log(ratio) + (a - 1) * np.log(value) - (a + b) * np.log1p(ratio * value)
                - _log_beta(a, b))


class StudentT(Distribution):
    """Student's t distribution of `df` degrees of freedom, times `scale`, plus `loc`."""

    support = Real()
    arg_constraints = {"df": Positive(), "loc": Real(), "scale": Real()}

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = df, loc, scale
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return np.where(self.df <= 1, nan, self.loc)

    @property
    def variance(self) -> Any:
        df = np.where(self.df <= 2, nan, self.df)
        variance = np.where(self.df <= 2, inf, self.scale ** 2 * df / (df - 2))
        return np.where(self.df <= 1, nan, variance)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        normal, chi2 = self._noise("normal", shape), 2 * _gamma(0.5 * self.df, shape, self._context)
        return self.loc + normal * np.sqrt(self.df / chi2) * self.scale

    def log_prob(self, value: Any) -> Any:
        df, x = self.df, (self._checked(value) - self.loc) / self.scale
        return (npx.gammaln((df + 1) / 2) - npx.gammaln(df / 2) - np.log(self.scale) - 0.5 * np.log(df * pi)
                - 0.5 * (df + 1) * np.log1p(x ** 2 / df))

    def entropy(self) -> Any:
        half = 0.5 * self.df
        return (np.log(self.scale) + 0.5 * np.log(self.df) + _log_beta(half, 0.5)
                + (half + 0.5) * (npx.digamma(half + 0.5) - npx.digamma(half)))


class Beta(ExponentialFamily):
    """The beta distribution: the density is proportional to x**(alpha - 1) * (1 - x)**(beta - 1)."""

    support = UnitInterval()
    arg_constraints = {"alpha": Positive(), "beta": Positive()}

    def __init__(self, alpha: Any, beta: Any, validate_args: bool | None = None) -> None:
        self.alpha, self.beta = alpha, beta
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.alpha / (self.alpha + self.beta)

    @property
    def variance(self) -> Any:
        a, b = self.alpha, self.beta
        return a * b / ((a + b) ** 2 * (a + b + 1))

    def _draw(self, shape: tuple[int, ...]) -> Any:
        x = _gamma(self.alpha, shape, self._context)
        y = _gamma(self.beta, shape, self._context)
        return clip_prob(x / (x + y))

    def log_prob(self, value: Any) -> Any:
        a, b, value = self.alpha, self.beta, self._checked(value)
        return (a - 1) * np.log(value) + (b - 1) * np.log1p(-value) - _log_beta(a, b)

    def entropy(self) -> Any:
        a, b = self.alpha, self.beta
        return (_log_beta(a, b) - (a - 1) * npx.digamma(a) - (b - 1) * npx.digamma(b)
                + (a + b - 2) * npx.digamma(a + b))


class Dirichlet(ExponentialFamily):
    """The Dirichlet distribution of vectors that add up to 1.

    Parameters
    ----------
    alpha : ndarray
        Of shape (..., events).
    """

    support = Simplex()
    arg_constraints = {"alpha": Positive()}
    _axes = {"alpha": 1}

    def __init__(self, alpha: Any, validate_args: bool | None = None) -> None:
        self.alpha = alpha
        super().__init__(event_dim=1, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.alpha / self.alpha.sum(-1, keepdims=True)

    @property
    def variance(self) -> Any:
        a, s = self.alpha, self.alpha.sum(-1, keepdims=True)
        return a * (s - a) / ((s + 1) * s ** 2)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        x = _gamma(self.alpha, shape + self.alpha.shape[-1:], self._context)
        return np.maximum(x / x.sum(-1, keepdims=True), EPS)

    @property
    def _log_normalizer(self) -> Any:
        return npx.gammaln(self.alpha).sum(-1) - npx.gammaln(self.alpha.sum(-1))

    def log_prob(self, value: Any) -> Any:
        return (np.log(self._checked(value)) * (self.alpha - 1)).sum(-1) - self._log_normalizer

    def entropy(self) -> Any:
        a = self.alpha
        return (self._log_normalizer + (a - 1).sum(-1) * npx.digamma(a.sum(-1))
                - ((a - 1) * npx.digamma(a)).sum(-1))
