"""Distributions made of another one (level 16)."""
from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, pi, sqrt
from typing import Any

from numpy import euler_gamma

from .... import np, npx
from ....base import InvalidValueError
from ..transformation import (
    AbsTransform, AffineTransform, ExpTransform, PowerTransform, SigmoidTransform, Transformation,
)
from .constraint import GreaterThan, Interval, OpenInterval, Positive, Real, Simplex, dependent_property
from .continuous import Cauchy, Exponential, Normal
from .distribution import Distribution
from .utils import Binary, Events, count_of, keep_one, softplus, sum_right_most

__all__ = ["HalfCauchy", "HalfNormal", "Independent", "Pareto", "RelaxedBernoulli",
           "RelaxedOneHotCategorical", "TransformedDistribution", "Weibull"]


class TransformedDistribution(Distribution):
    """The distribution of transformed samples of another one.

    Parameters
    ----------
    base_dist : Distribution
    transforms : Transformation or list of Transformation
        The first one is applied first.

    Examples
    --------
    >>> from mxgrad.gluon import probability as mgp
    >>> lognormal = mgp.TransformedDistribution(mgp.Normal(), mgp.ExpTransform())
    >>> lognormal.cdf(1.0)
    0.5
    """

    def __init__(self, base_dist: Distribution, transforms: Transformation | Sequence[Transformation],
                 validate_args: bool | None = None) -> None:
        self._base_dist = base_dist
        self._transforms = [transforms] if isinstance(transforms, Transformation) else list(transforms)
        event_dim = max([base_dist.event_dim, *(t.event_dim for t in self._transforms)])
        super().__init__(event_dim=event_dim, validate_args=validate_args)

    @property
    def _batch_shape(self) -> tuple[int, ...]:
        return super()._batch_shape if self._parameters() else self._base_dist._batch_shape

    def _draw(self, shape: tuple[int, ...]) -> Any:
        x = self._base_dist._draw(shape)
        for t in self._transforms:
            x = t(x)
        return x

    def log_prob(self, value: Any) -> Any:
        y, total = self._checked(value), 0.0
        for t in reversed(self._transforms):
            x = t.inv(y)
            total = total - sum_right_most(t.log_det_jacobian(x, y), self.event_dim - t.event_dim)
            y = x
        base = self._base_dist
        return total + sum_right_most(base.log_prob(y), self.event_dim - base.event_dim)

    def cdf(self, value: Any) -> Any:
        value = self._checked(value)
        sign: Any = 1
        for t in reversed(self._transforms):
            value = t.inv(value)
            sign = sign * t.sign
        return sign * (self._base_dist.cdf(value) - 0.5) + 0.5

    def icdf(self, value: Any) -> Any:
        sign: Any = 1
        for t in self._transforms:
            sign = sign * t.sign
        x = self._base_dist.icdf(sign * (value - 0.5) + 0.5)
        for t in self._transforms:
            x = t(x)
        return x


class _Half(TransformedDistribution):
    """The absolute value of a symmetric distribution around 0."""

    has_grad = True
    support = Positive()
    arg_constraints = {"scale": Positive()}

    def __init__(self, base_dist: Distribution, validate_args: bool | None) -> None:
        super().__init__(base_dist, AbsTransform(), validate_args)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        return np.where(value < 0, -inf, self._base_dist.log_prob(value) + log(2))

    def cdf(self, value: Any) -> Any:
        return 2 * self._base_dist.cdf(self._checked(value)) - 1

    def icdf(self, value: Any) -> Any:
        return self._base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self._base_dist.entropy() - log(2)


class HalfNormal(_Half):
    """The absolute value of Normal(0, scale)."""

    def __init__(self, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.scale = scale
        super().__init__(Normal(0, scale), validate_args)

    @property
    def loc(self) -> Any:
        """The mean of the normal distribution, 0."""
        return self._base_dist.mean

    @property
    def mean(self) -> Any:
        return self.scale * sqrt(2 / pi)

    @property
    def variance(self) -> Any:
        return self.scale ** 2 * (1 - 2 / pi)


class HalfCauchy(_Half):
    """The absolute value of Cauchy(0, scale); its mean is infinite (MXNet gives that of `HalfNormal`)."""

    def __init__(self, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.scale = scale
        super().__init__(Cauchy(0, scale), validate_args)

    @property
    def mean(self) -> Any:
        return self.scale * inf

    @property
    def variance(self) -> Any:
        return self.scale * inf


class Weibull(TransformedDistribution):
    """scale * E ** (1 / concentration), where E is Exponential(1)."""

    has_grad = True
    support = Positive()
    arg_constraints = {"scale": Positive(), "concentration": Positive()}

    def __init__(self, concentration: Any, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.concentration, self.scale = concentration, scale
        super().__init__(Exponential(), [PowerTransform(1 / concentration), AffineTransform(0, scale)],
                         validate_args)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self.scale * self._noise("exponential", shape) ** (1 / self.concentration)

    @property
    def mean(self) -> Any:
        return self.scale * np.exp(npx.gammaln(1 + 1 / self.concentration))

    @property
    def variance(self) -> Any:
        return self.scale ** 2 * np.exp(npx.gammaln(1 + 2 / self.concentration)) - self.mean ** 2

    def entropy(self) -> Any:
        k = self.concentration
        return euler_gamma * (1 - 1 / k) + np.log(self.scale / k) + 1


class Pareto(TransformedDistribution):
    """scale * exp(E / alpha), where E is Exponential(1): the density is proportional to x**(-alpha - 1) above
    `scale`.
    """

    has_grad = True
    arg_constraints = {"scale": Positive(), "alpha": Positive()}

    def __init__(self, alpha: Any, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.alpha, self.scale = alpha, scale
        super().__init__(Exponential(1 / alpha), [ExpTransform(), AffineTransform(0, scale)], validate_args)

    @dependent_property
    def support(self) -> Any:
        return GreaterThan(self.scale)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self.scale * np.exp(self._noise("exponential", shape) / self.alpha)

    @property
    def mean(self) -> Any:
        a = self.alpha
        return np.where(a <= 1, inf, a * self.scale / np.where(a <= 1, 1.0, a - 1))

    @property
    def variance(self) -> Any:
        a = self.alpha
        square = np.where(a <= 2, 1.0, (a - 1) ** 2 * (a - 2))
        return np.where(a <= 2, inf, self.scale ** 2 * a / square)

    def entropy(self) -> Any:
        return np.log(self.scale / self.alpha) + 1 / self.alpha + 1


class _Logistic(Binary, Distribution):
    """Logistic numbers around `logit`, divided by the temperature `T`."""

    has_grad = True
    support = Real()
    arg_constraints = {"prob": Interval(0, 1), "logit": Real()}

    def __init__(self, T: Any, prob: Any, logit: Any, validate_args: bool | None) -> None:
        self.T = T
        keep_one(self, prob=prob, logit=logit)
        super().__init__(event_dim=0, validate_args=validate_args)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return (self.logit + self._noise("logistic", shape)) / self.T

    def log_prob(self, value: Any) -> Any:
        diff = self.logit - self.T * self._checked(value)
        return np.log(self.T) + diff - 2 * softplus(diff)


class RelaxedBernoulli(Binary, TransformedDistribution):
    """Numbers between 0 and 1, the closer to them the lower the temperature `T`, above 1/2 with probability
    `prob`; samples have gradients, which those of `Bernoulli` have not.

    Parameters
    ----------
    T : float
        Positive.
    prob, logit : ndarray or float
        One of them, as of `Bernoulli`.
    """

    has_grad = True
    support = OpenInterval(0, 1)
    arg_constraints = _Logistic.arg_constraints

    def __init__(
        self, T: Any, prob: Any = None, logit: Any = None, validate_args: bool | None = None,
    ) -> None:
        keep_one(self, prob=prob, logit=logit)
        self.T = T
        super().__init__(_Logistic(T, prob, logit, validate_args), SigmoidTransform(), validate_args)


class _LogSoftmax(Events, Distribution):
    """The logarithms of relaxed one-hot vectors."""

    has_grad = True
    support = Real()
    arg_constraints = {"prob": Simplex(), "logit": Real()}
    _axes = {"prob": 1, "logit": 1}

    def __init__(
        self, T: Any, num_events: int, prob: Any, logit: Any, validate_args: bool | None,
    ) -> None:
        self.T, self.num_events = T, num_events
        keep_one(self, prob=prob, logit=logit)
        super().__init__(event_dim=1, validate_args=validate_args)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        scores = self.logit + self._noise("gumbel", (*shape, self.num_events))
        return npx.log_softmax(scores / self.T)

    def log_prob(self, value: Any) -> Any:
        k = self.num_events
        y = self.logit - self._checked(value) * self.T
        return npx.log_softmax(y).sum(-1) + npx.gammaln(float(k)) + (k - 1) * np.log(self.T)


class RelaxedOneHotCategorical(Events, TransformedDistribution):
    """Vectors that add up to 1, the closer to `OneHotCategorical` samples the lower the temperature `T`, with
    gradients (the Concrete distribution, Maddison et al. 2017).

    Parameters
    ----------
    T : float
        Positive.
    num_events : int
    prob, logit : ndarray
        One of them, as of `Categorical`.
    """

    has_grad = True
    support = Simplex()
    arg_constraints = _LogSoftmax.arg_constraints
    _axes = _LogSoftmax._axes

    def __init__(self, T: Any, num_events: int, prob: Any = None, logit: Any = None,
                 validate_args: bool | None = None) -> None:
        self.num_events = count_of(self, num_events)
        keep_one(self, prob=prob, logit=logit)
        self.T = T
        super().__init__(_LogSoftmax(T, self.num_events, prob, logit, validate_args), ExpTransform(),
                         validate_args)


class Independent(Distribution):
    """Takes the last `reinterpreted_batch_ndims` axes of a distribution's parameters for axes of one sample,
    so that `log_prob` and `entropy` are sums over them; sizes remain those of the base distribution.

    >>> from mxgrad import np
    >>> d = Independent(Normal(np.zeros((2, 3)), 1.0), 1)
    >>> d.log_prob(np.zeros((2, 3))).shape, d.event_dim
    ((2,), 1)
    """

    def __init__(self, base_distribution: Distribution, reinterpreted_batch_ndims: int,
                 validate_args: bool | None = None) -> None:
        if not 0 <= reinterpreted_batch_ndims <= len(base_distribution._batch_shape):
            raise InvalidValueError(
                f"Independent: reinterpreted_batch_ndims {reinterpreted_batch_ndims} for parameters of shape "
                f"{base_distribution._batch_shape}")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, reinterpreted_batch_ndims
        self.has_grad = base_distribution.has_grad
        super().__init__(reinterpreted_batch_ndims + (base_distribution.event_dim or 0), validate_args)

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Any:
        shape = self.base_dist._batch_shape
        own = shape[len(shape) - self.reinterpreted_batch_ndims:]
        return Independent(self.base_dist.broadcast_to((*batch_shape, *own)), self.reinterpreted_batch_ndims,
                           self._validate_args)

    @property
    def has_enumerate_support(self) -> Any:
        return not self.reinterpreted_batch_ndims and self.base_dist.has_enumerate_support

    @dependent_property
    def support(self) -> Any:
        return self.base_dist.support

    @property
    def mean(self) -> Any:
        return self.base_dist.mean

    @property
    def variance(self) -> Any:
        return self.base_dist.variance

    def sample(self, size: Any = None) -> Any:
        return self.base_dist.sample(size)

    def sample_n(self, size: Any = None) -> Any:
        return self.base_dist.sample_n(size)

    def log_prob(self, value: Any) -> Any:
        return sum_right_most(self.base_dist.log_prob(self._checked(value)), self.reinterpreted_batch_ndims)

    def entropy(self) -> Any:
        return sum_right_most(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self) -> Any:
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Independent: enumeration over a cartesian product is not implemented")
        return self.base_dist.enumerate_support()
