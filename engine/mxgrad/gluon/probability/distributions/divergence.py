"""The Kullback-Leibler divergence of two distributions (level 16)."""
from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from math import inf, pi
from typing import Any, TypeVar

from numpy import euler_gamma

from .... import np, npx
from ....base import InvalidTypeError
from .categorical import Categorical, OneHotCategorical
from .continuous import Cauchy, Exponential, Gumbel, Laplace, Normal, Uniform
from .discrete import Bernoulli, Binomial, Geometric, Poisson
from .distribution import Distribution
from .gammas import Beta, Dirichlet, Gamma
from .multivariate_normal import MultivariateNormal, mahalanobis
from .transformed import HalfNormal, Pareto

__all__ = ["empirical_kl", "kl_divergence", "register_kl"]

_Function = TypeVar("_Function", bound=Callable[[Any, Any], Any])
_table: dict[tuple[type, type], Callable[[Any, Any], Any]] = {}


def register_kl(typeP: type, typeQ: type) -> Callable[[_Function], _Function]:
    """Decorates the function ``f(p, q)`` that `kl_divergence` calls for distributions of these classes.

    Raises InvalidTypeError for a function that does not take two arguments.
    """
    def register(function: _Function) -> _Function:
        count = len(signature(function).parameters)
        if count != 2:
            raise InvalidTypeError("Expect kl_divergence implementation to have exactly two arguments, but "
                                   f"got {count}")
        _table[typeP, typeQ] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """The mean of log(p(x) / q(x)) over samples x of `p`, in closed form.

    Raises NotImplementedError for a pair of classes that `register_kl` does not know, nor their bases.

    Examples
    --------
    >>> from mxgrad.gluon import probability as mgp
    >>> mgp.kl_divergence(mgp.Normal(0.0, 1.0), mgp.Normal(1.0, 1.0))
    0.5
    """
    for P in type(p).__mro__:
        for Q in type(q).__mro__:
            if (P, Q) in _table:
                return _table[P, Q](p, q)
    raise NotImplementedError(
        f"KL divergence between {type(p).__name__} and {type(q).__name__} is not implemented.")


def empirical_kl(p: Distribution, q: Distribution, n_samples: int = 1) -> Any:
    """An estimate of `kl_divergence`, from `n_samples` samples of `p`."""
    samples = p.sample_n(n_samples)
    return (p.log_prob(samples) - q.log_prob(samples)).mean(0)


@register_kl(Normal, Normal)
@register_kl(HalfNormal, HalfNormal)
def _normal_normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - np.log(ratio))


@register_kl(Laplace, Laplace)
def _laplace_laplace(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, np.abs(p.loc - q.loc)
    return distance / q.scale + ratio * np.exp(-distance / p.scale) - np.log(ratio) - 1


@register_kl(Cauchy, Cauchy)
def _cauchy_cauchy(p: Any, q: Any) -> Any:
    return np.log((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2) - np.log(4 * p.scale * q.scale)


@register_kl(Gumbel, Gumbel)
def _gumbel_gumbel(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return (distance - np.log(ratio) + np.exp(npx.gammaln(1 + ratio) - distance)
            + euler_gamma * (ratio - 1) - 1)


@register_kl(Uniform, Uniform)
def _uniform_uniform(p: Any, q: Any) -> Any:
    outside = (q.low > p.low) | (q.high < p.high)
    return np.where(outside, inf, np.log((q.high - q.low) / (p.high - p.low)))


@register_kl(Exponential, Exponential)
def _exponential_exponential(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    return ratio - np.log(ratio) - 1


@register_kl(Pareto, Pareto)
def _pareto_pareto(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    kl = q.alpha * np.log(p.scale / q.scale) + ratio - np.log(ratio) - 1
    return np.where(p.scale < q.scale, inf, kl)


@register_kl(Gamma, Gamma)
def _gamma_gamma(p: Any, q: Any) -> Any:
    return (q.shape * np.log(q.scale / p.scale) + npx.gammaln(q.shape) - npx.gammaln(p.shape)
            + (p.shape - q.shape) * npx.digamma(p.shape) + p.shape * (p.scale / q.scale - 1))


@register_kl(Beta, Beta)
def _beta_beta(p: Any, q: Any) -> Any:
    sum_p, sum_q = p.alpha + p.beta, q.alpha + q.beta
    return (npx.gammaln(q.alpha) + npx.gammaln(q.beta) + npx.gammaln(sum_p)
            - npx.gammaln(p.alpha) - npx.gammaln(p.beta) - npx.gammaln(sum_q)
            + (p.alpha - q.alpha) * npx.digamma(p.alpha) + (p.beta - q.beta) * npx.digamma(p.beta)
            + (sum_q - sum_p) * npx.digamma(sum_p))


@register_kl(Dirichlet, Dirichlet)
def _dirichlet_dirichlet(p: Any, q: Any) -> Any:
    sum_p = p.alpha.sum(-1)
    means = npx.digamma(p.alpha) - np.expand_dims(npx.digamma(sum_p), -1)
    return (npx.gammaln(sum_p) - npx.gammaln(q.alpha.sum(-1))
            + (npx.gammaln(q.alpha) - npx.gammaln(p.alpha) + (p.alpha - q.alpha) * means).sum(-1))


@register_kl(Poisson, Poisson)
def _poisson_poisson(p: Any, q: Any) -> Any:
    return p.rate * (np.log(p.rate) - np.log(q.rate)) - (p.rate - q.rate)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli_bernoulli(p: Any, q: Any) -> Any:
    a, b = p.prob, q.prob
    return a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b))


@register_kl(Binomial, Binomial)
def _binomial_binomial(p: Any, q: Any) -> Any:
    kl = p.n * (p.prob * (p.logit - q.logit) + np.log1p(-p.prob) - np.log1p(-q.prob))
    if p.n == q.n:
        return kl
    # Of the numbers of ways the mean has no closed form; more than q.n is impossible in q.
    if p.n > q.n:
        return kl + inf
    count = np.arange(p.n + 1.0)
    count = count.reshape(-1, *[1] * len(getattr(kl, "shape", ())))
    return (p.pdf(count) * (p.log_prob(count) - q.log_prob(count))).sum(0)


@register_kl(Geometric, Geometric)
def _geometric_geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - np.log1p(-q.prob) / p.prob - q.logit


@register_kl(Categorical, Categorical)
@register_kl(OneHotCategorical, OneHotCategorical)
def _categorical_categorical(p: Any, q: Any) -> Any:
    return (p.prob * (p._log_prob - q._log_prob)).sum(-1)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Any:
    precision, diff = q.precision, q.loc - p.loc
    trace = np.trace(np.matmul(precision, p.cov), axis1=-2, axis2=-1)
    return (0.5 * (trace + mahalanobis(precision, diff) - diff.shape[-1])
            + q._half_log_det - p._half_log_det)


@register_kl(Uniform, Normal)
def _uniform_normal(p: Any, q: Any) -> Any:
    mean, variance = q.loc - p.mean, p.variance
    return (np.log(q.scale / (p.high - p.low)) + 0.5 * np.log(2 * pi)
            + 0.5 * (variance + mean ** 2) / q.scale ** 2)


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Any:
    ratio = q.scale / (p.high - p.low)
    low, high = (p.low - q.loc) / q.scale, (p.high - q.loc) / q.scale
    return np.log(ratio) + 0.5 * (high + low) - ratio * (np.exp(-high) - np.exp(-low))


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Any:
    ratio, loc = q.scale / p.scale, q.loc / q.scale
    return np.log(ratio) - 1 - loc + np.exp(loc) * ratio / (ratio + 1) + 1 / ratio


@register_kl(Exponential, Normal)
def _exponential_normal(p: Any, q: Any) -> Any:
    s = p.scale
    return (np.log(q.scale / s) + 0.5 * np.log(2 * pi) - 1
            + (s ** 2 - q.loc * s + 0.5 * q.loc ** 2) / q.scale ** 2)


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Any:
    ratio = p.scale / q.scale
    return (ratio - q.shape * np.log(ratio) + npx.gammaln(q.shape)
            + q.shape * euler_gamma - (1 + euler_gamma))
