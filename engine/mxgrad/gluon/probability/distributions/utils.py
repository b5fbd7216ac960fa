"""What distributions share: probabilities and log-odds, functions of numbers and arrays alike (level 14)."""
from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from .... import np, npx
from ....base import InvalidValueError

__all__ = ["cached_property", "constraint_check", "digamma", "erf", "erfinv", "gammaln", "logit2prob",
           "prob2logit"]

# The distance from 0 and 1 that probabilities keep: float32's, whatever their dtype, as in MXNet.
EPS = 2.0 ** -23


def constraint_check() -> Callable[[Any, str], Any]:
    """A function of a condition, a bool or an array of them, and a message: it gives what the condition is,
    and raises InvalidValueError with the message where it does not hold.

    >>> constraint_check()(True, "cannot be")
    True
    """
    def check(condition: Any, message: str) -> Any:
        if isinstance(condition, bool):
            if not condition:
                raise InvalidValueError(message)
            return condition
        return npx.constraint_check(condition, message)

    return check


def digamma() -> Callable[[Any], Any]:
    """The function `npx.digamma`, of a number or an array."""
    return npx.digamma


def gammaln() -> Callable[[Any], Any]:
    """The function `npx.gammaln`, of a number or an array.

    >>> gammaln()(1.0)
    0.0
    """
    return npx.gammaln


def erf() -> Callable[[Any], Any]:
    """The function `npx.erf`, of a number or an array."""
    return npx.erf


def erfinv() -> Callable[[Any], Any]:
    """The function `npx.erfinv`, of a number or an array."""
    return npx.erfinv


def clip_prob(prob: Any) -> Any:
    """Probabilities, not quite 0 or 1."""
    return np.clip(prob, EPS, 1 - EPS)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), which does not overflow."""
    return np.logaddexp(x, 0.0)


def sum_right_most(x: Any, ndim: int) -> Any:
    """The sum over the last `ndim` axes."""
    return x.sum(tuple(range(-ndim, 0))) if ndim else x


def prob2logit(prob: Any, binary: bool = True) -> Any:
    """The log-odds log(p / (1 - p)) of probabilities; log(p) with ``binary=False``.

    >>> prob2logit(0.5)
    0.0
    """
    prob = clip_prob(prob)
    return np.log(prob) - np.log1p(-prob) if binary else np.log(prob)


def logit2prob(logit: Any, binary: bool = True) -> Any:
    """The probabilities of log-odds: sigmoid(logit); softmax(logit), along the last axis, with
    ``binary=False``.

    >>> logit2prob(0.0)
    0.5
    """
    return npx.sigmoid(logit) if binary else npx.softmax(logit)


class derived:
    """Decorates the method that computes a parameter from others; an attribute of this name comes first.

    So a distribution's ``__dict__`` has the parameters that were given, and nothing is remembered that was
    computed outside of `autograd.record`.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else self._compute(instance)


def keep_one(owner: object, **given: Any) -> None:
    """Make the one parameter that is not None an attribute; InvalidValueError if there is not just one."""
    found = {n: v for n, v in given.items() if v is not None}
    if len(found) != 1:
        names, last = list(given), list(given)[-1]
        raise InvalidValueError(
            f"{type(owner).__name__}: give {', '.join(names[:-1])} or {last}, and only one of them, got "
            + (" and ".join(found) or "none"))
    owner.__dict__.update(found)


class Binary:
    """Mixin: one of `prob` and `logit`, the log-odds, was given, and the other is computed."""

    @derived
    def prob(self) -> Any:
        """The probability of 1."""
        return logit2prob(self.logit)

    @derived
    def logit(self) -> Any:
        """The log-odds of 1, log(p / (1 - p))."""
        return prob2logit(self.prob)


class Events:
    """Mixin: one of `prob` and `logit` was given, with an event at each place of the last axis."""

    @derived
    def prob(self) -> Any:
        """The probabilities of the events."""
        return logit2prob(self.logit, False)

    @derived
    def logit(self) -> Any:
        """The logarithms of the probabilities, up to a constant if they were given."""
        return prob2logit(self.prob, False)

    @property
    def _log_prob(self) -> Any:
        """The logarithms of the probabilities."""
        return npx.log_softmax(self.logit) if "logit" in self.__dict__ else self.logit


def count_of(owner: object, num_events: Any) -> int:
    """The number of events as an int, if it is positive."""
    if not num_events > 0 or num_events % 1:
        raise InvalidValueError(f"{type(owner).__name__}: num_events must be a positive integer, got "
                                f"{num_events!r}")
    return int(num_events)
