"""Distributions of one of several events (level 16)."""
from __future__ import annotations

from typing import Any

from numpy import broadcast_shapes

from .... import np, npx
from ....base import InvalidValueError
from .constraint import IntegerInterval, Real, Simplex
from .distribution import Distribution
from .utils import Events, count_of, keep_one

__all__ = ["Categorical", "Multinomial", "OneHotCategorical"]


class _OfEvents(Events, Distribution):
    """What distributions with a probability for each of `num_events` events share."""

    arg_constraints = {"prob": Simplex(), "logit": Real()}
    _axes = {"prob": 1, "logit": 1}
    _event_dim = 1

    def __init__(self, num_events: int, prob: Any = None, logit: Any = None,
                 validate_args: bool | None = None) -> None:
        self.num_events = count_of(self, num_events)
        keep_one(self, prob=prob, logit=logit)
        super().__init__(event_dim=self._event_dim, validate_args=validate_args)

    def _indices(self, shape: tuple[int, ...]) -> Any:
        """Drawn events: the largest of the log-probabilities, each with Gumbel noise, is so distributed."""
        return np.argmax(self.logit + self._noise("gumbel", (*shape, self.num_events)), axis=-1)


class Categorical(_OfEvents):
    """One of the numbers 0 ... `num_events` - 1.

    Parameters
    ----------
    num_events : int
    prob, logit : ndarray
        One of them, of shape (..., num_events): the probabilities, or their logarithms up to a constant.

    Notes
    -----
    Where `logit` was given MXNet's `log_prob` takes it for the logarithms of probabilities that add up to 1;
    here the constant does not matter.

    >>> from mxgrad import np
    >>> d = Categorical(3, logit=np.log(np.array([1.0, 2.0, 1.0])))
    >>> d.pdf(np.array([0, 1]))
    array([0.25, 0.5 ])
    """

    has_enumerate_support = True
    _event_dim = 0

    @property
    def support(self) -> Any:
        return IntegerInterval(0, self.num_events - 1)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return self._indices(shape)

    def log_prob(self, value: Any) -> Any:
        chances = self._log_prob
        index = np.array(self._checked(value), dtype="int64", device=chances.context)
        shape = broadcast_shapes(index.shape, chances.shape[:-1])
        return npx.pick(np.broadcast_to(chances, (*shape, self.num_events)), np.broadcast_to(index, shape))

    def entropy(self) -> Any:
        return -(self.prob * self._log_prob).sum(-1)

    def enumerate_support(self) -> Any:
        return np.moveaxis(npx.arange_like(self.logit) % self.num_events, -1, 0)


class OneHotCategorical(_OfEvents):
    """Vectors of `num_events` zeros, but a 1 at the event's place; parameters as of `Categorical`."""

    has_enumerate_support = True
    support = Simplex()

    @property
    def mean(self) -> Any:
        return self.prob

    @property
    def variance(self) -> Any:
        return self.prob * (1 - self.prob)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return npx.one_hot(self._indices(shape), self.num_events)

    def log_prob(self, value: Any) -> Any:
        return (self._checked(value) * self._log_prob).sum(-1)

    def entropy(self) -> Any:
        return -(self.prob * self._log_prob).sum(-1)

    def enumerate_support(self) -> Any:
        return npx.one_hot(Categorical(self.num_events, logit=self.logit).enumerate_support(),
                           self.num_events)


class Multinomial(_OfEvents):
    """How often each of `num_events` events came in `total_count` trials.

    Parameters
    ----------
    num_events : int
    prob, logit : ndarray
        One of them, as of `Categorical`.
    total_count : int

    >>> from mxgrad import np
    >>> Multinomial(2, prob=np.array([0.25, 0.75]), total_count=4).mean
    array([1., 3.])
    """

    def __init__(self, num_events: int, prob: Any = None, logit: Any = None, total_count: int = 1,
                 validate_args: bool | None = None) -> None:
        if not isinstance(total_count, int) or total_count < 0:
            raise InvalidValueError(f"Multinomial: total_count must be a non-negative integer, got "
                                    f"{total_count!r}")
        self.total_count = total_count
        super().__init__(num_events, prob, logit, validate_args)

    @property
    def support(self) -> Any:
        return IntegerInterval(0, self.total_count)

    @property
    def mean(self) -> Any:
        return self.prob * self.total_count

    @property
    def variance(self) -> Any:
        return self.total_count * self.prob * (1 - self.prob)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return npx.one_hot(self._indices((self.total_count, *shape)), self.num_events).sum(0)

    def log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        ways = npx.gammaln(value.sum(-1) + 1) - npx.gammaln(value + 1).sum(-1)
        return ways + (self._log_prob * value).sum(-1)
