"""The base classes of distributions (level 16)."""
from __future__ import annotations

from copy import copy
from typing import Any

from numpy import broadcast_shapes

from .... import np
from ....base import InvalidValueError
from ....context import Context
from ....np.functions import place

__all__ = ["Distribution", "ExponentialFamily"]


class Distribution:
    """A probability distribution, or an array of them: parameters are np arrays, which broadcast, or numbers.

    A subclass assigns its parameters to attributes that `arg_constraints` names, and defines what there is
    of the methods.

    Parameters
    ----------
    event_dim : int, optional
        The number of axes that one sample has: 0 for numbers, 1 for vectors.
    validate_args : bool, optional
        Whether parameters and values are checked; see `set_default_validate_args` for the default.

    Attributes
    ----------
    has_grad : bool
        Whether samples have gradients by the parameters.
    has_enumerate_support : bool
        Whether `enumerate_support` exists.
    arg_constraints : dict
        Of parameters' names and their `Constraint`.
    support : Constraint
        The set of possible samples.

    Raises
    ------
    InvalidValueError
        With `validate_args`, for parameters and values outside of the sets they should be in.
    NotImplementedError
        From methods and properties that a distribution does not have.

    Examples
    --------
    >>> from mxgrad import autograd, np
    >>> from mxgrad.gluon import probability as mgp
    >>> loc = np.array([0.0, 1.0])
    >>> loc.attach_grad()
    >>> with autograd.record():
    ...     d = mgp.Normal(loc, 2.0)
    ...     loss = d.log_prob(np.array([1.0, 1.0])).sum() + d.sample_n(3).sum()
    >>> loss.backward()
    >>> loc.grad
    array([3.25, 3.  ])
    >>> d
    Normal(loc: size (2,), scale: size (), event_dim: 0)
    """

    has_grad = False
    has_enumerate_support: Any = False
    arg_constraints: Any = {}
    # The last axes of a parameter that belong to one distribution.
    _axes: dict[str, int] = {}
    _validate_args = False

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments if `validate_args` is not given; at first they do not.
        """
        if value not in (True, False):
            raise InvalidValueError(f"set_default_validate_args: takes True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(self, event_dim: int | None = None, validate_args: bool | None = None) -> None:
        self.event_dim: Any = event_dim
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, value in self._parameters().items():
                try:
                    self.arg_constraints[name].check(value)
                except ValueError as error:
                    raise InvalidValueError(f"{type(self).__name__}: {name}: {error}") from None

    def _parameters(self) -> dict[str, Any]:
        """The parameters that were given."""
        return {n: self.__dict__[n] for n in self.arg_constraints if n in self.__dict__}

    def __repr__(self) -> str:
        sizes = [f"{n}: size {getattr(v, 'shape', ())}" for n, v in self._parameters().items()]
        return f"{type(self).__name__}({', '.join([*sizes, f'event_dim: {self.event_dim}'])})"

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not define {what}")

    def _validate_samples(self, value: Any) -> Any:
        """`value`, if it is in the support."""
        try:
            return self.support.check(value)
        except ValueError as error:
            raise InvalidValueError(f"{type(self).__name__}: {error}") from None

    def _checked(self, value: Any) -> Any:
        """`value`; with `validate_args`, if it is in the support, as far as that is known."""
        known = self._validate_args and type(self).support is not Distribution.support
        return self._validate_samples(value) if known else value

    # -- what a subclass may define --------------------------------------------------------------------------

    @property
    def support(self) -> Any:
        """The set of possible samples."""
        raise self._lacks("support")

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or of the probability, of `value`."""
        raise self._lacks("log_prob")

    def cdf(self, value: Any) -> Any:
        """The probability of a sample not above `value`."""
        raise self._lacks("cdf")

    def icdf(self, value: Any) -> Any:
        """The quantile: the inverse of `cdf`."""
        raise self._lacks("icdf")

    def enumerate_support(self) -> Any:
        """All possible samples, along a new first axis."""
        raise self._lacks("enumerate_support")

    @property
    def mean(self) -> Any:
        """The mean of the samples."""
        raise self._lacks("mean")

    @property
    def variance(self) -> Any:
        """The variance of the samples, element by element."""
        raise self._lacks("variance")

    def entropy(self) -> Any:
        """The mean of ``-log_prob(sample)``, in nats."""
        raise self._lacks("entropy")

    def _draw(self, shape: tuple[int, ...]) -> Any:
        """Samples of `shape`, followed by the axes of one sample; the parameters broadcast to them."""
        raise self._lacks("sample")

    # -- what follows from it --------------------------------------------------------------------------------

    def pdf(self, value: Any) -> Any:
        """The density, or the probability, of `value`."""
        return np.exp(self.log_prob(value))

    @property
    def stddev(self) -> Any:
        """The square root of the variance."""
        return np.sqrt(self.variance)

    def perplexity(self) -> Any:
        """exp(entropy)"""
        return np.exp(self.entropy())

    def sample(self, size: Any = None) -> Any:
        """Samples.

        Parameters
        ----------
        size : int or tuple of ints, optional
            The shape of the result, less the axes of one sample; the parameters broadcast to it.  Without
            it, that of the parameters.
        """
        batch = self._batch_shape
        shape = batch if size is None else as_shape(size)
        try:
            fits = broadcast_shapes(batch, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise InvalidValueError(f"{type(self).__name__}.sample: parameters of shape {batch} do not "
                                    f"broadcast to size {shape}")
        return self._draw(shape)

    def sample_n(self, size: Any = None) -> Any:
        """`size` (int or tuple of ints) samples for each element of the parameters, whose axes come last."""
        return self._draw(as_shape(() if size is None else size) + self._batch_shape)

    def broadcast_to(self, batch_shape: tuple[int, ...]) -> Any:
        """The same distribution, with parameters of `batch_shape` (and the axes of one sample)."""
        new = copy(self)
        for name, value in self.__dict__.items():
            if isinstance(value, Distribution):
                new.__dict__[name] = value.broadcast_to(batch_shape)
            elif name in self.arg_constraints:
                new.__dict__[name] = np.broadcast_to(value, as_shape(batch_shape) + self._own(name, value))
        return new

    def _own(self, name: str, value: Any) -> tuple[int, ...]:
        """The axes of a parameter that belong to one distribution."""
        shape = getattr(value, "shape", ())
        return tuple(shape[len(shape) - self._axes.get(name, 0):])

    @property
    def _batch_shape(self) -> tuple[int, ...]:
        """The shape of the parameters together, without the axes that belong to one distribution."""
        shapes = {n: getattr(v, "shape", ()) for n, v in self._parameters().items()}
        try:
            return broadcast_shapes(*(s[:len(s) - self._axes.get(n, 0)] for n, s in shapes.items()))
        except ValueError:
            raise InvalidValueError(f"{type(self).__name__}: parameters of shapes {shapes} do not broadcast"
                                    ) from None

    @property
    def _context(self) -> Context:
        """Where the parameters are."""
        return place(self._parameters().values())

    def _noise(self, kind: str, shape: tuple[int, ...]) -> Any:
        """Numbers of a distribution of `np.random` with its default parameters."""
        return getattr(np.random, kind)(size=shape, device=self._context)


class ExponentialFamily(Distribution):
    """A distribution whose density is exp(<t(x), θ> - F(θ) + k(x)), with natural parameters θ."""


def as_shape(size: Any) -> tuple[int, ...]:
    """A size as a tuple."""
    return (size,) if isinstance(size, int) else tuple(size)
