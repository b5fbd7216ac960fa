"""Transformations of random variables, and the ways to sets from unconstrained numbers (level 15).

>>> from mxgrad import np
>>> t = ComposeTransform([ExpTransform(), AffineTransform(1.0, 2.0)])
>>> t(np.array([0.0]))
array([3.])
>>> t.inv(np.array([3.0]))
array([0.])
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from ... import np, npx
from ...base import InvalidTypeError
from ..block import HybridBlock
from .distributions.constraint import (
    Constraint, GreaterThan, GreaterThanEq, HalfOpenInterval, Interval, LessThan, LessThanEq, NonNegative,
    Positive, UnitInterval,
)
from .distributions.utils import clip_prob, prob2logit, softplus, sum_right_most

__all__ = [
    "AbsTransform", "AffineTransform", "ComposeTransform", "ExpTransform", "PowerTransform",
    "SigmoidTransform", "SoftmaxTransform", "TransformBlock", "Transformation", "biject_to", "domain_map",
    "transform_to",
]


class Transformation:
    """A function y = f(x) of arrays, with its inverse and the logarithm of abs(dy/dx).

    A subclass defines ``_forward_compute(x)`` and, as far as they exist, ``_inverse_compute(y)``, `sign` and
    `log_det_jacobian`.

    Attributes
    ----------
    bijective : bool
        Whether there is just one x for each y.
    event_dim : int
        The number of last axes that are transformed together; 0 if each element is by itself.
    """

    bijective = False
    event_dim: Any = 0

    @property
    def sign(self) -> Any:
        """The sign of dy/dx, 1 or -1."""
        raise NotImplementedError(f"{type(self).__name__} has no sign")

    @property
    def inv(self) -> Any:
        """The inverse, a Transformation too."""
        return _InverseTransformation(self)

    def __call__(self, x: Any) -> Any:
        return self._forward_compute(x)

    def _forward_compute(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define _forward_compute")

    def _inverse_compute(self, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        """log(abs(dy/dx)) at `x`, for which `y` is f(x); of shape ``x.shape`` less `event_dim` axes."""
        raise NotImplementedError(f"{type(self).__name__} has no log_det_jacobian")


class _InverseTransformation(Transformation):
    def __init__(self, forward: Transformation) -> None:
        self._of = forward
        self.bijective, self.event_dim = forward.bijective, forward.event_dim

    @property
    def inv(self) -> Transformation:
        return self._of

    @property
    def sign(self) -> Any:
        return self._of.sign

    def _forward_compute(self, x: Any) -> Any:
        return self._of._inverse_compute(x)

    def _inverse_compute(self, y: Any) -> Any:
        return self._of(y)

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._of.log_det_jacobian(y, x)


class TransformBlock(Transformation, HybridBlock):
    """A transformation with parameters to be learned, as in normalizing flows.

    >>> import mxgrad as mx
    >>> class Shift(TransformBlock):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.by = mx.gluon.Parameter("by", shape=(1,), init="ones")
    ...     def _forward_compute(self, x):
    ...         return x + self.by.data().as_np_ndarray()
    >>> shift = Shift()
    >>> shift.initialize()
    >>> shift(mx.np.zeros(2))
    array([1., 1.])
    """


class ComposeTransform(Transformation):
    """Transformations one after the other, the first one first."""

    def __init__(self, parts: Sequence[Transformation]) -> None:
        self._parts = list(parts)
        self.bijective = all(p.bijective for p in self._parts)
        self.event_dim = max((p.event_dim for p in self._parts), default=0)

    @property
    def sign(self) -> Any:
        return prod(p.sign for p in self._parts)

    @property
    def inv(self) -> Transformation:
        return ComposeTransform([p.inv for p in reversed(self._parts)])

    def _forward_compute(self, x: Any) -> Any:
        for p in self._parts:
            x = p(x)
        return x

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        if not self._parts:
            return np.zeros_like(x)
        total = 0.0
        for p in self._parts[:-1]:
            x, before = p(x), x
            total = total + sum_right_most(p.log_det_jacobian(before, x), self.event_dim - p.event_dim)
        last = self._parts[-1]
        return total + sum_right_most(last.log_det_jacobian(x, y), self.event_dim - last.event_dim)


class ExpTransform(Transformation):
    """y = exp(x)"""

    bijective = True
    sign = 1

    def _forward_compute(self, x: Any) -> Any:
        return np.exp(x)

    def _inverse_compute(self, y: Any) -> Any:
        return np.log(y)

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        return x


class AffineTransform(Transformation):
    """y = loc + scale * x

    Parameters
    ----------
    loc, scale : ndarray or float
    event_dim : int
        The number of last axes that one random variable has.
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0) -> None:
        self._loc, self._scale, self.event_dim = loc, scale, event_dim

    @property
    def sign(self) -> Any:
        return np.sign(self._scale)

    def _forward_compute(self, x: Any) -> Any:
        return self._loc + self._scale * x

    def _inverse_compute(self, y: Any) -> Any:
        return (y - self._loc) / self._scale

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        return sum_right_most(np.ones_like(x) * np.log(np.abs(self._scale)), self.event_dim)


class PowerTransform(Transformation):
    """y = x ** exponent, for positive x."""

    bijective = True

    def __init__(self, exponent: Any) -> None:
        self._exponent = exponent

    @property
    def sign(self) -> Any:
        return np.sign(self._exponent)

    def _forward_compute(self, x: Any) -> Any:
        return np.power(x, self._exponent)

    def _inverse_compute(self, y: Any) -> Any:
        return np.power(y, 1 / self._exponent)

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        # abs(exponent * y / x), where x may be too small for its dtype.
        return np.log(np.abs(self._exponent)) + (1 - 1 / self._exponent) * np.log(np.abs(y))


class SigmoidTransform(Transformation):
    """y = 1 / (1 + exp(-x)), not quite 0 or 1."""

    bijective = True
    sign = 1

    def _forward_compute(self, x: Any) -> Any:
        return clip_prob(npx.sigmoid(x))

    def _inverse_compute(self, y: Any) -> Any:
        return prob2logit(y)

    def log_det_jacobian(self, x: Any, y: Any) -> Any:
        return -softplus(-x) - softplus(x)


class SoftmaxTransform(Transformation):
    """y = softmax(x) along the last axis; the inverse is one of many."""

    event_dim = 1

    def _forward_compute(self, x: Any) -> Any:
        return npx.softmax(x, axis=-1)

    def _inverse_compute(self, y: Any) -> Any:
        return np.log(y)


class AbsTransform(Transformation):
    """y = abs(x); of its inverse's two values the positive one."""

    def _forward_compute(self, x: Any) -> Any:
        return np.abs(x)

    def _inverse_compute(self, y: Any) -> Any:
        return y


class domain_map:
    """Finds a transformation from unconstrained numbers to the set that a constraint describes.

    `biject_to` and `transform_to` are such objects.

    >>> biject_to(Interval(1, 3))(0.0)
    2.0
    """

    def __init__(self) -> None:
        self._storage: dict[type, Callable[[Any], Transformation]] = {}

    def register(self, constraint: Any, factory: Callable[[Any], Transformation] | None = None) -> Any:
        """Use ``factory(constraint)``, which gives a transformation, for constraints of a class.

        Parameters
        ----------
        constraint : type or Constraint
            A class of constraints, or one of them.
        factory : callable, optional
            Without it, the method is a decorator.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, Constraint):
            raise InvalidTypeError("Expected constraint to be either a Constraint subclass or instance, but "
                                   f"got {constraint}")
        self._storage[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Transformation:
        factory = self._storage.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = domain_map()
transform_to = domain_map()


def _to_positive(constraint: Any) -> Transformation:
    return ExpTransform()


def _to_greater(constraint: Any) -> Transformation:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint._lower_bound, 1)])


def _to_less(constraint: Any) -> Transformation:
    return ComposeTransform([ExpTransform(), AffineTransform(constraint._upper_bound, -1)])


def _to_interval(constraint: Any) -> Transformation:
    low, high = constraint._lower_bound, constraint._upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(low, high - low)])


for _kinds, _factory in (
    ((Positive,), _to_positive), ((GreaterThan, GreaterThanEq, NonNegative), _to_greater),
    ((LessThan, LessThanEq), _to_less), ((Interval, HalfOpenInterval, UnitInterval), _to_interval),
):
    for _kind in _kinds:
        biject_to.register(_kind, _factory)
        transform_to.register(_kind, _factory)
