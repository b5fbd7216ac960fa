"""The normal distribution of vectors (level 16)."""
from __future__ import annotations

from math import e, log, pi
from typing import Any

from .... import np
from .constraint import LowerCholesky, PositiveDefinite, Real
from .distribution import Distribution
from .utils import derived, keep_one

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """The normal distribution of vectors.

    Parameters
    ----------
    loc : ndarray
        The mean, (..., k).
    cov, precision, scale_tril : ndarray
        One of them, (..., k, k): the covariance, its inverse, or its lower Cholesky factor.

    Notes
    -----
    Samples are loc + scale_tril @ noise; MXNet takes the transpose of `scale_tril`, which gives another
    covariance.

    >>> from mxgrad import np
    >>> d = MultivariateNormal(np.zeros(2), cov=np.array([[4.0, 2.0], [2.0, 2.0]]))
    >>> d.scale_tril
    array([[2., 0.],
           [1., 1.]])
    >>> d.sample((3,)).shape
    (3, 2)
    """

    has_grad = True
    support = Real()
    arg_constraints = {"loc": Real(), "cov": PositiveDefinite(), "precision": PositiveDefinite(),
                       "scale_tril": LowerCholesky()}
    _axes = {"loc": 1, "cov": 2, "precision": 2, "scale_tril": 2}

    def __init__(self, loc: Any, cov: Any = None, precision: Any = None, scale_tril: Any = None,
                 validate_args: bool | None = None) -> None:
        self.loc = loc
        keep_one(self, cov=cov, precision=precision, scale_tril=scale_tril)
        super().__init__(event_dim=1, validate_args=validate_args)

    @derived
    def scale_tril(self) -> Any:
        """The lower triangular L with a positive diagonal for which L @ L.T is the covariance."""
        return np.linalg.cholesky(self.cov)

    @derived
    def cov(self) -> Any:
        """The covariance."""
        if "scale_tril" in self.__dict__:
            return np.matmul(self.scale_tril, self.scale_tril.mT)
        return np.linalg.inv(self.precision)

    @derived
    def precision(self) -> Any:
        """The inverse of the covariance."""
        return np.linalg.inv(self.cov)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        return (self.scale_tril ** 2).sum(-1)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        noise = self._noise("normal", (*shape, self.loc.shape[-1], 1))
        return self.loc + np.matmul(self.scale_tril, noise)[..., 0]

    @property
    def _half_log_det(self) -> Any:
        """Half the logarithm of the determinant of the covariance."""
        return np.log(np.diagonal(self.scale_tril, axis1=-2, axis2=-1)).sum(-1)

    def log_prob(self, value: Any) -> Any:
        diff = self._checked(value) - self.loc
        return (-0.5 * mahalanobis(self.precision, diff) - self._half_log_det
                - 0.5 * log(2 * pi) * diff.shape[-1])

    def entropy(self) -> Any:
        return self._half_log_det + 0.5 * log(2 * pi * e) * self.loc.shape[-1]


def mahalanobis(precision: Any, diff: Any) -> Any:
    """The squared length of vectors `diff`: diff @ precision @ diff."""
    return (np.matmul(precision, diff[..., None])[..., 0] * diff).sum(-1)
