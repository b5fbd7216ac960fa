"""Probability densities: ``nd.random_pdf_normal`` and its kin.

The parameters have one shape; `sample` has that shape too, and may have more axes after it: so many samples
for each of the parameters' elements.  They are differentiable by the parameters, and by the sample where it
is continuous; the gradient by a count is zero, as in MXNet.

>>> from mxgrad import nd
>>> nd.random_pdf_exponential(nd.array([[0.0, 1.0]]), nd.array([2.0]))
<BLANKLINE>
[[2.         0.27067056]]
<NDArray 1x2 @cpu(0)>
"""
from __future__ import annotations

import math
from typing import Any

from ..invoke import F
from .functions import ND


def _spread(sample: Any, parameters: tuple[Any, ...], events: int = 0) -> list[Any]:
    """The parameters with axes that broadcast over those of the sample that they have not; `events` axes at
    the end of both belong to one event.
    """
    shape = parameters[0].shape
    lead = shape[:len(shape) - events]
    event = shape[len(shape) - events:]
    if any(p.shape != shape for p in parameters) or len(shape) < events:
        raise ValueError(
            f"parameters have one shape, of at least {events} axes, got "
            + ", ".join(str(p.shape) for p in parameters))
    more = sample.ndim - len(lead) - events
    if more < 0 or sample.shape != lead + sample.shape[len(lead):len(lead) + more] + event:
        raise ValueError(f"sample of shape {sample.shape} does not begin with the parameters' shape {shape}")
    for a in (sample, *parameters):
        if a._raw.dtype.kind != "f":
            raise TypeError(f"arguments are floating point, got {a._raw.dtype}")
    return [F.reshape(p, shape=lead + (1,) * more + event) for p in parameters]


def _density(log_density: Any, is_log: bool) -> Any:
    return log_density if is_log else F.exp(log_density)


@ND.composed("random_pdf_uniform", arrays=3)
def random_pdf_uniform(sample: Any, low: Any, high: Any, is_log: bool = False, out: Any = None,
                       name: Any = None) -> Any:
    """The density of uniform numbers, 1 / (`high` - `low`), inside of the bounds; `is_log` gives its
    logarithm.
    """
    low, high = _spread(sample, (low, high))
    return _density(F.zeros_like(sample) - F.log(high - low), is_log)


@ND.composed("random_pdf_normal", arrays=3)
def random_pdf_normal(sample: Any, mu: Any, sigma: Any, is_log: bool = False, out: Any = None,
                      name: Any = None) -> Any:
    """The density of normal numbers of mean `mu` and standard deviation `sigma`; `is_log` gives its
    logarithm.
    """
    mu, sigma = _spread(sample, (mu, sigma))
    z = (sample - mu) / sigma
    return _density(z * z * -0.5 - F.log(sigma) - 0.5 * math.log(2 * math.pi), is_log)


@ND.composed("random_pdf_gamma", arrays=3)
def random_pdf_gamma(sample: Any, alpha: Any, beta: Any, is_log: bool = False, out: Any = None,
                     name: Any = None) -> Any:
    """The density of gamma numbers of shape `alpha` and rate `beta` (`random_gamma` takes the scale, which
    is 1 over the rate); `is_log` gives its logarithm.
    """
    alpha, beta = _spread(sample, (alpha, beta))
    log = alpha * F.log(beta) + (alpha - 1) * F.log(sample) - beta * sample - F.gammaln(alpha)
    return _density(log, is_log)


@ND.composed("random_pdf_exponential", arrays=2)
def random_pdf_exponential(sample: Any, lam: Any, is_log: bool = False, out: Any = None, name: Any = None
                           ) -> Any:
    """The density of exponential numbers of rate `lam`; `is_log` gives its logarithm."""
    lam, = _spread(sample, (lam,))
    return _density(F.log(lam) - lam * sample, is_log)


@ND.composed("random_pdf_poisson", arrays=2)
def random_pdf_poisson(sample: Any, lam: Any, is_log: bool = False, out: Any = None, name: Any = None) -> Any:
    """The probability of Poisson counts of mean `lam`; `is_log` gives its logarithm."""
    lam, = _spread(sample, (lam,))
    sample = F.stop_gradient(sample)
    return _density(sample * F.log(lam) - F.gammaln(sample + 1) - lam, is_log)


def _negative_binomial(sample: Any, k: Any, p: Any) -> Any:
    """The log of the probability of so many failures before the `k`-th success of probability `p`."""
    sample = F.stop_gradient(sample)
    ways = F.gammaln(sample + k) - F.gammaln(sample + 1) - F.gammaln(k)
    return ways + k * F.log(p) + sample * F.log(1 - p)


@ND.composed("random_pdf_negative_binomial", arrays=3)
def random_pdf_negative_binomial(sample: Any, k: Any, p: Any, is_log: bool = False, out: Any = None,
                                 name: Any = None) -> Any:
    """The probability of so many failures before the `k`-th success of probability `p`; `is_log` gives its
    logarithm.
    """
    k, p = _spread(sample, (k, p))
    return _density(_negative_binomial(sample, k, p), is_log)


@ND.composed("random_pdf_generalized_negative_binomial", arrays=3)
def random_pdf_generalized_negative_binomial(sample: Any, mu: Any, alpha: Any, is_log: bool = False,
                                             out: Any = None, name: Any = None) -> Any:
    """The probability of negative binomial counts of mean `mu` and dispersion `alpha`; `is_log` gives its
    logarithm.
    """
    mu, alpha = _spread(sample, (mu, alpha))
    return _density(_negative_binomial(sample, 1 / alpha, 1 / (mu * alpha + 1)), is_log)


@ND.composed("random_pdf_dirichlet", arrays=2)
def random_pdf_dirichlet(sample: Any, alpha: Any, is_log: bool = False, out: Any = None, name: Any = None
                         ) -> Any:
    """The density of Dirichlet vectors, along the last axis, with the concentrations in the last axis of
    `alpha`; `is_log` gives its logarithm.
    """
    alpha, = _spread(sample, (alpha,), events=1)
    log = F.sum((alpha - 1) * F.log(sample), axis=-1) + F.gammaln(F.sum(alpha, axis=-1))
    return _density(log - F.sum(F.gammaln(alpha), axis=-1), is_log)
