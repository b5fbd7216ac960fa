"""Distributions of counts (level 16)."""
from __future__ import annotations

from typing import Any

from .... import np, npx
from ....base import InvalidValueError
from .constraint import Boolean, GreaterThanEq, IntegerInterval, Interval, NonNegativeInteger, Positive, Real
from .distribution import Distribution, ExponentialFamily
from .gammas import Gamma
from .utils import Binary, keep_one, softplus

__all__ = ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson"]

_CHANCE = {"prob": Interval(0, 1), "logit": Real()}


class Poisson(ExponentialFamily):
    """The Poisson distribution of mean `rate`."""

    support = NonNegativeInteger()
    arg_constraints = {"rate": Positive()}

    def __init__(self, rate: Any = 1.0, validate_args: bool | None = None) -> None:
        self.rate = rate
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.rate

    @property
    def variance(self) -> Any:
        return self.rate

    def sample_n(self, size: Any = None) -> Any:
        """`size` (int or tuple of ints) samples for each element of the parameters, whose axes come last."""
        if not hasattr(self.rate, "shape") or not size:
            return self.sample(size)
        samples = npx.tensor_poisson(self.rate, size)
        axes = tuple(range(len(self.rate.shape), samples.ndim))
        return np.moveaxis(samples, axes, tuple(range(len(axes))))

    def _draw(self, shape: tuple[int, ...]) -> Any:
        if not hasattr(self.rate, "shape"):
            return npx.scalar_poisson(self.rate, shape)
        return npx.tensor_poisson(np.broadcast_to(self.rate, shape))

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        return value * np.log(self.rate) - self.rate - npx.gammaln(value + 1)


class Bernoulli(Binary, ExponentialFamily):
    """1 with probability `prob`, or with log-odds `logit`, and 0 otherwise.

    >>> Bernoulli(prob=0.25).variance
    0.1875
    """

    support = Boolean()
    arg_constraints = _CHANCE

    def __init__(self, prob: Any = None, logit: Any = None, validate_args: bool | None = None) -> None:
        keep_one(self, prob=prob, logit=logit)
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.prob

    @property
    def variance(self) -> Any:
        return self.prob * (1 - self.prob)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return npx.random.bernoulli(**self._parameters(), size=shape, device=self._context)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        if "logit" in self.__dict__:
            return value * self.logit - softplus(self.logit)
        eps = 1e-12     # so that what is impossible, times 0, is 0
        return np.log(self.prob + eps) * value + np.log1p(-self.prob + eps) * (1 - value)

    def entropy(self) -> Any:
        return softplus(-self.logit) + (1 - self.prob) * self.logit


class Binomial(Binary, Distribution):
    """How often an event came in `n` trials; its probability is `prob`, or its log-odds `logit`.

    Parameters
    ----------
    n : int
        Not negative.
    prob, logit : ndarray or float
        One of them.
    """

    arg_constraints = _CHANCE

    def __init__(
        self, n: int = 1, prob: Any = None, logit: Any = None, validate_args: bool | None = None,
    ) -> None:
        if n < 0 or n % 1:
            raise InvalidValueError(f"Binomial: n must be a non-negative integer, got {n!r}")
        keep_one(self, prob=prob, logit=logit)
        self.n = int(n)
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def support(self) -> Any:
        return IntegerInterval(0, self.n)

    @property
    def mean(self) -> Any:
        return self.n * self.prob

    @property
    def variance(self) -> Any:
        return self.n * self.prob * (1 - self.prob)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        logit = np.broadcast_to(self.logit, shape)
        trials = np.broadcast_to(np.expand_dims(logit, -1), (*shape, self.n))
        return npx.random.bernoulli(logit=trials, size=trials.shape, device=self._context).sum(-1)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        ways = npx.gammaln(self.n + 1.0) - npx.gammaln(1 + value) - npx.gammaln(self.n - value + 1)
        return ways + value * np.log(self.prob) + (self.n - value) * np.log1p(-self.prob)


class Geometric(Binary, Distribution):
    """How often an event did not come before it did; its probability is `prob`, or its log-odds `logit`."""

    support = NonNegativeInteger()
    arg_constraints = _CHANCE

    def __init__(self, prob: Any = None, logit: Any = None, validate_args: bool | None = None) -> None:
        keep_one(self, prob=prob, logit=logit)
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return 1 / self.prob - 1

    @property
    def variance(self) -> Any:
        return (1 / self.prob - 1) / self.prob

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return np.floor(np.log(self._noise("uniform", shape)) / np.log1p(-self.prob))

    def log_prob(self, value: Any) -> Any:
        return self._checked(value) * np.log1p(-self.prob) + np.log(self.prob)

    def entropy(self) -> Any:
        return (softplus(-self.logit) + (1 - self.prob) * self.logit) / self.prob


class NegativeBinomial(Binary, Distribution):
    """How often an event came before it did not for the `n`-th time.

    Parameters
    ----------
    n : ndarray or float
        Positive; it need not be an integer.
    prob, logit : ndarray or float
        One of them: the probability of the event, or its log-odds.

    Notes
    -----
    The mean is n * prob / (1 - prob), and samples have the same numbers, as in MXNet 2.  MXNet's `log_prob`
    is that of another distribution, with ``1 - prob`` for `prob`; here it is that of the samples.
    """

    support = NonNegativeInteger()
    arg_constraints = {"n": GreaterThanEq(0), **_CHANCE}

    def __init__(
        self, n: Any, prob: Any = None, logit: Any = None, validate_args: bool | None = None,
    ) -> None:
        self.n = n
        keep_one(self, prob=prob, logit=logit)
        super().__init__(event_dim=0, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.n * np.exp(self.logit)

    @property
    def variance(self) -> Any:
        return self.n * self.prob / (1 - self.prob) ** 2

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return Poisson(Gamma(self.n, np.exp(self.logit))._draw(shape)).sample()

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        ways = npx.gammaln(value + self.n) - npx.gammaln(1 + value) - npx.gammaln(self.n)
        return ways + self.n * np.log1p(-self.prob) + value * np.log(self.prob)
