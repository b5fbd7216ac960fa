"""Constraints: the sets that parameters and samples are in (level 14).

>>> from mxgrad import np
>>> Positive().check(np.array([1.0, 2.0]))
array([1., 2.])
>>> Interval(0, 1).check(3)
Traceback (most recent call last):
mxgrad.base.InvalidValueError: Constraint violated: 3 should be >= 0 and <= 1
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .... import np
from ....base import InvalidTypeError, InvalidValueError

__all__ = [
    "Boolean", "Cat", "Constraint", "GreaterThan", "GreaterThanEq", "HalfOpenInterval", "IntegerGreaterThan",
    "IntegerGreaterThanEq", "IntegerHalfOpenInterval", "IntegerInterval", "IntegerLessThan",
    "IntegerLessThanEq", "IntegerOpenInterval", "Interval", "LessThan", "LessThanEq", "LowerCholesky",
    "LowerTriangular", "NonNegative", "NonNegativeInteger", "OpenInterval", "Positive", "PositiveDefinite",
    "PositiveInteger", "Real", "Simplex", "Stack", "UnitInterval", "dependent_property", "is_dependent",
]


class Constraint:
    """A set; a subclass defines `_holds` and `_set`, or `check`."""

    # What values should be, for the message; an attribute or a property.
    _set: Any = "in the set"

    def _holds(self, value: Any) -> Any:
        """Where `value`, a number or an array, is in the set: a bool, or an array of them."""
        raise NotImplementedError(f"{type(self).__name__} does not define _holds")

    def check(self, value: Any) -> Any:
        """`value`, a number or an array, if all of it is in the set; otherwise InvalidValueError is raised.
        """
        if not np.all(self._holds(value)):
            raise InvalidValueError(f"Constraint violated: {value} should be {self._set}")
        return value


class _Dependent(Constraint):
    """What a class has for a set that depends on an object's parameters."""

    def check(self, value: Any) -> Any:
        raise InvalidValueError("Cannot validate dependent constraint: ask an object for it, not its class")


class dependent_property(property, _Dependent):
    """A property of objects that gives a constraint, for sets that depend on parameters.

    >>> class Below:
    ...     def __init__(self, high):
    ...         self.high = high
    ...     @dependent_property
    ...     def support(self):
    ...         return LessThan(self.high)
    >>> is_dependent(Below.support), is_dependent(Below(3).support)
    (True, False)
    """


def is_dependent(constraint: Any) -> bool:
    """Whether it is a class's, and only an object can say what the set is."""
    return isinstance(constraint, _Dependent)


class Real(Constraint):
    """Numbers: no nan."""

    _set = "a real tensor"

    def _holds(self, value: Any) -> Any:
        return value == value


class Boolean(Constraint):
    """0 and 1."""

    _set = "either 0 or 1"

    def _holds(self, value: Any) -> Any:
        return (value == 0) | (value == 1)


class _Integer(Constraint):
    """Mixin, before another constraint: the integers in its set."""

    @property
    def _set(self) -> str:
        return f"integer and be {super()._set}"

    def _holds(self, value: Any) -> Any:
        return (value % 1 == 0) & super()._holds(value)


class Interval(Constraint):
    """[`lower_bound`, `upper_bound`]"""

    _signs = ">=", "<="

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self._lower_bound, self._upper_bound = lower_bound, upper_bound

    @property
    def _set(self) -> str:
        low, high = self._signs
        return f"{low} {self._lower_bound} and {high} {self._upper_bound}"

    def _holds(self, value: Any) -> Any:
        return (value >= self._lower_bound) & (value <= self._upper_bound)


class OpenInterval(Interval):
    """(`lower_bound`, `upper_bound`)"""

    _signs = ">", "<"

    def _holds(self, value: Any) -> Any:
        return (value > self._lower_bound) & (value < self._upper_bound)


class HalfOpenInterval(Interval):
    """[`lower_bound`, `upper_bound`)"""

    _signs = ">=", "<"

    def _holds(self, value: Any) -> Any:
        return (value >= self._lower_bound) & (value < self._upper_bound)


class UnitInterval(Interval):
    """[0, 1]"""

    def __init__(self) -> None:
        super().__init__(0, 1)


class IntegerInterval(_Integer, Interval):
    """The integers in [`lower_bound`, `upper_bound`]."""


class IntegerOpenInterval(_Integer, OpenInterval):
    """The integers in (`lower_bound`, `upper_bound`)."""


class IntegerHalfOpenInterval(_Integer, HalfOpenInterval):
    """The integers in [`lower_bound`, `upper_bound`)."""


class GreaterThan(Constraint):
    """(`lower_bound`, ∞)"""

    def __init__(self, lower_bound: Any) -> None:
        self._lower_bound = lower_bound

    @property
    def _set(self) -> str:
        return f"greater than {self._lower_bound}"

    def _holds(self, value: Any) -> Any:
        return value > self._lower_bound


class GreaterThanEq(GreaterThan):
    """[`lower_bound`, ∞)"""

    @property
    def _set(self) -> str:
        return f"greater than or equal to {self._lower_bound}"

    def _holds(self, value: Any) -> Any:
        return value >= self._lower_bound


class LessThan(Constraint):
    """(-∞, `upper_bound`)"""

    def __init__(self, upper_bound: Any) -> None:
        self._upper_bound = upper_bound

    @property
    def _set(self) -> str:
        return f"less than {self._upper_bound}"

    def _holds(self, value: Any) -> Any:
        return value < self._upper_bound


class LessThanEq(LessThan):
    """(-∞, `upper_bound`]"""

    @property
    def _set(self) -> str:
        return f"less than or equal to {self._upper_bound}"

    def _holds(self, value: Any) -> Any:
        return value <= self._upper_bound


class IntegerGreaterThan(_Integer, GreaterThan):
    """The integers above `lower_bound`."""


class IntegerGreaterThanEq(_Integer, GreaterThanEq):
    """The integers from `lower_bound`."""


class IntegerLessThan(_Integer, LessThan):
    """The integers below `upper_bound`."""


class IntegerLessThanEq(_Integer, LessThanEq):
    """The integers up to `upper_bound`."""


class Positive(GreaterThan):
    """Above 0."""

    def __init__(self) -> None:
        super().__init__(0)


class NonNegative(GreaterThanEq):
    """From 0."""

    def __init__(self) -> None:
        super().__init__(0)


class PositiveInteger(IntegerGreaterThan):
    """1, 2, 3, …"""

    def __init__(self) -> None:
        super().__init__(0)


class NonNegativeInteger(IntegerGreaterThanEq):
    """0, 1, 2, …"""

    def __init__(self) -> None:
        super().__init__(0)


class Simplex(Constraint):
    """Along the last axis: not negative, and adding up to 1 within 1e-6."""

    _set = ">= 0 and its rightmost dimension should sum up to 1"

    def _holds(self, value: Any) -> Any:
        return np.all(value >= 0, axis=-1) & (np.abs(value.sum(-1) - 1) < 1e-6)


class LowerTriangular(Constraint):
    """Square matrices, in the last two axes, with zeros above the diagonal."""

    _set = "square lower triangular matrices"

    def _holds(self, value: Any) -> Any:
        return value.shape[-2:-1] == value.shape[-1:] and np.tril(value) == value


class LowerCholesky(LowerTriangular):
    """Lower triangular matrices with a positive diagonal."""

    _set = "square lower triangular matrices with real and positive diagonal entries"

    def _holds(self, value: Any) -> Any:
        if not np.all(super()._holds(value)):
            return False
        return np.diagonal(value, axis1=-2, axis2=-1) > 0


class PositiveDefinite(Constraint):
    """Square matrices, in the last two axes, which are symmetric within 1e-5 and have positive eigenvalues.
    """

    _set = "positive definite matrices"

    def _holds(self, value: Any) -> Any:
        if value.shape[-2:-1] != value.shape[-1:] or not np.all(np.abs(value - value.mT) < 1e-5):
            return False
        return np.linalg.eigvalsh(value) > 0


def _constraints(owner: object, constraint_seq: Sequence[Constraint]) -> list[Constraint]:
    found = list(constraint_seq)
    for c in found:
        if not isinstance(c, Constraint):
            raise InvalidTypeError(f"{type(owner).__name__}: takes constraints, got {c!r}")
    return found


class Cat(Constraint):
    """Constraints for the parts that make up `axis`, which have the `lengths` (1 by default).

    >>> from mxgrad import np
    >>> Cat([Positive(), Boolean()], lengths=[2, 1]).check(np.array([3.0, 2.0, 1.0]))
    array([3., 2., 1.])
    """

    def __init__(self, constraint_seq: Sequence[Constraint], axis: int = 0,
                 lengths: Sequence[int] | None = None) -> None:
        self._constraint_seq = _constraints(self, constraint_seq)
        self._lengths = [1] * len(self._constraint_seq) if lengths is None else list(lengths)
        if len(self._lengths) != len(self._constraint_seq):
            raise InvalidValueError(f"Cat: the number of lengths {len(self._lengths)} should be equal to "
                                    f"number of constraints {len(self._constraint_seq)}")
        self._axis = axis

    def check(self, value: Any) -> Any:
        if value.shape[self._axis] != sum(self._lengths):
            raise InvalidValueError(f"Cat: axis {self._axis} must have the length {sum(self._lengths)}, got "
                                    f"shape {value.shape}")
        start = 0
        for constraint, length in zip(self._constraint_seq, self._lengths):
            constraint.check(np.take(value, np.arange(start, start + length), axis=self._axis))
            start += length
        return value


class Stack(Constraint):
    """A constraint for each place of `axis`.

    >>> from mxgrad import np
    >>> Stack([Positive(), Boolean()]).check(np.array([[3.0, 2.0], [0.0, 1.0]])).shape
    (2, 2)
    """

    def __init__(self, constraint_seq: Sequence[Constraint], axis: int = 0) -> None:
        self._constraint_seq = _constraints(self, constraint_seq)
        self._axis = axis

    def check(self, value: Any) -> Any:
        if value.shape[self._axis] != len(self._constraint_seq):
            raise InvalidValueError(f"Stack: axis {self._axis} must have the length "
                                    f"{len(self._constraint_seq)}, got shape {value.shape}")
        for place, constraint in enumerate(self._constraint_seq):
            constraint.check(np.take(value, place, axis=self._axis))
        return value
