"""gluon.probability against MXNet 2.0 (tests/data/record_probability.py) and against its own definitions:
densities add up to 1, moments, entropies and divergences are the integrals they stand for, samples follow
the law, gradients to order 2.
"""
from __future__ import annotations

import importlib.util
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, np
from mxgrad.base import InvalidTypeError, InvalidValueError
from mxgrad.gluon import Parameter, nn, probability as mgp
from mxgrad.gluon.probability.distributions import constraint
from mxgrad.testing import check_grads, use_device_double

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_probability", DATA / "record_probability.py")
assert _spec and _spec.loader
recorded = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recorded)
RECORDED = json.loads((DATA / "probability_2.0.0b1.json").read_text())
# MXNet's log_prob is that of the other event's count.
INSTEAD = {"NegativeBinomial(s, p).log_prob(k)": "NegativeBinomial(s, 1 - p).log_prob(k)",
           "NegativeBinomial(s, p).pdf(k)": "NegativeBinomial(s, 1 - p).pdf(k)"}
# MXNet gives float64 for float32.
WIDER = ("Uniform(lo, hi).log_prob(b)", "Uniform(lo, hi).pdf(b)")


def space(dtype: str = "float32") -> dict[str, Any]:
    """What expressions see: the names of gluon.probability, and the recorded arrays."""
    arrays = {n: np.array(v, dtype="int64" if n == "which" else dtype) for n, v in recorded.ARRAYS.items()}
    return {**vars(mgp), **arrays, "np": np}


def dist(source: str, dtype: str = "float64") -> Any:
    return eval(source, space(dtype))


@pytest.mark.parametrize("expression, dtype, value", RECORDED["values"],
                         ids=[v[0] for v in RECORDED["values"]])
def test_recorded(expression: str, dtype: str | None, value: Any) -> None:
    mx.random.seed(recorded.SEED)
    y = eval(INSTEAD.get(expression, expression), space())
    if dtype is None:
        assert isinstance(y, (int, float)) and y == pytest.approx(value, rel=1e-6, nan_ok=True)
        return
    assert isinstance(y, np.ndarray) and y.shape == numpy.shape(value)
    assert y.dtype.name == ("float32" if expression in WIDER else dtype)
    numpy.testing.assert_allclose(y.asnumpy(), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name, names, gradients", RECORDED["gradients"], ids=lambda v: str(v)[:12])
def test_recorded_gradients_of_samples(name: str, names: str, gradients: Any) -> None:
    args = [space()[n] for n in names.split()]
    for a in args:
        a.attach_grad()
    mx.random.seed(recorded.SEED)
    with autograd.record():
        total = getattr(mgp, name)(*args).sample_n((2,)).sum()
    total.backward()
    for a, g in zip(args, gradients):
        numpy.testing.assert_allclose(a.grad.asnumpy(), g, rtol=1e-4)


# definitions ------------------------------------------------------------------------------------------------

REAL = ("Normal(a, s)", "Laplace(a, s)", "Gumbel(a, s)", "StudentT(9.0, a, s)", "HalfNormal(s)",
        "Uniform(lo, hi)", "Exponential(s)", "Weibull(2 + t, s)", "Pareto(9.0, s)", "Gamma(1 + t, s)",
        "Beta(1 + t, 1 + s)", "Chi2(df)", "FisherSnedecor(4.0, 20.0)",
        "TransformedDistribution(Normal(a, 0.25), [ExpTransform(), AffineTransform(1.0, -2.0)])")
COUNTS = ("Poisson(s)", "Geometric(p)", "Geometric(logit=a)", "NegativeBinomial(s, q / 2)",
          "NegativeBinomial(2.5, logit=-s)", "Binomial(4, p)", "Binomial(4, logit=a)", "Binomial(0, 0.5)",
          "Bernoulli(p)", "Bernoulli(logit=a)", "Bernoulli(prob=0.25)", "Poisson(1.5)")
NO_ENTROPY = ("Poisson", "NegativeBinomial", "Binomial", "FisherSnedecor", "TransformedDistribution")


def grid() -> tuple[Any, Any]:
    """Places x > 0 (n, 1) and weights (n, 1) with which sums are integrals of functions that are smooth but
    at 0: the trapezoidal rule for x = exp(z).
    """
    z = numpy.linspace(-22, 7, 4001)
    x = numpy.exp(z)
    w = x * (z[1] - z[0])
    return np.array(x, dtype="float64")[:, None], np.array(w, dtype="float64")[:, None]


def pieces(source: str) -> list[tuple[Any, Any]]:
    """Integration nodes (n, parameters) and weights of the support's parts between singular places."""
    d = dist(source)
    x, w = grid()
    if source.startswith(("StudentT", "Normal", "Laplace", "Gumbel")):
        return [(d.loc + x, w), (d.loc - x, w)]
    if source.startswith(("Uniform", "Beta")):
        n = 4000
        u = (numpy.arange(n) + 0.5) / n
        low, high = (d.low, d.high) if source.startswith("Uniform") else (0.0, 1.0)
        unit = np.array(u, dtype="float64")[:, None]
        return [(low + unit * (high - low), np.ones_like(unit) * (high - low) / n)]
    if source.startswith("Pareto"):
        return [(d.scale + x, w)]
    if source.startswith("Transformed"):
        return [(1 - x, w)]
    return [(x, w)]


def support(d: Any) -> Any:
    """All counts that matter, (n, 1)."""
    high = getattr(d, "n", 400) if isinstance(d, mgp.Binomial) else 1 if isinstance(d, mgp.Bernoulli) else 400
    return np.arange(high + 1, dtype="float64")[:, None]


def expectation(source: str, f: Any) -> Any:
    """The mean of f over a distribution, from its density alone."""
    d = dist(source)
    if source in COUNTS:
        k = support(d)
        return (d.pdf(k) * f(k)).sum(0).asnumpy()
    total: Any = 0.0
    for x, w in pieces(source):
        density = d.pdf(x) * w
        total = total + np.where(density > 0, density * f(x), 0.0).sum(0).asnumpy()
    return total


@pytest.mark.parametrize("source", REAL + COUNTS)
def test_moments_and_entropy_are_those_of_the_density(source: str) -> None:
    d = dist(source)
    close: Any = {"rtol": 2e-4, "atol": 2e-5}
    numpy.testing.assert_allclose(expectation(source, lambda x: np.ones_like(x)), 1.0, **close)
    if not source.startswith("Transformed"):
        mean = expectation(source, lambda x: x)
        numpy.testing.assert_allclose(plain(d.mean), mean, **close)
        square = expectation(source, lambda x: (x - np.array(mean)) ** 2)
        numpy.testing.assert_allclose(plain(d.variance), square, rtol=2e-3, atol=2e-5)
        numpy.testing.assert_allclose(plain(d.stddev) ** 2, plain(d.variance), rtol=1e-6)
    if not source.startswith(NO_ENTROPY):
        entropy = expectation(source, lambda x: -d.log_prob(x))
        numpy.testing.assert_allclose(plain(d.entropy()), entropy, **close)
        numpy.testing.assert_allclose(plain(d.perplexity()), numpy.exp(entropy), **close)


def plain(value: Any) -> Any:
    return value.asnumpy() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("source", [
    *(s for s in REAL if not s.startswith(("StudentT", "Gamma", "Beta", "Chi2", "Fisher"))),
    "Cauchy(a, s)", "HalfCauchy(s)",
])
def test_cdf(source: str) -> None:
    """icdf is its inverse, the density its derivative."""
    d = dist(source)
    u = np.array([[0.125, 0.4375, 0.75], [0.25, 0.375, 0.9375]], dtype="float64")
    x = d.icdf(u)
    numpy.testing.assert_allclose(d.cdf(x).asnumpy(), u.asnumpy(), rtol=1e-6)
    x = x.detach()
    x.attach_grad()
    with autograd.record():
        y = d.cdf(x)
    y.backward()
    numpy.testing.assert_allclose(x.grad.asnumpy(), d.pdf(x).asnumpy(), rtol=1e-6)


@pytest.mark.parametrize("source", [
    *REAL, *COUNTS, "Cauchy(a, s)", "HalfCauchy(s)", "RelaxedBernoulli(2.0, prob=p)", "Normal(1.0, 2.0)",
])
def test_samples_follow_the_law(source: str) -> None:
    """Where samples fall between quantiles of many others is as likely as it should be (Kolmogorov)."""
    d = dist(source, "float32")
    mx.random.seed(11)
    n = 4000
    drawn = d.sample_n(n)
    assert drawn.shape == (n, *d.sample().shape) and drawn.dtype.name == "float32"
    drawn = drawn.asnumpy().reshape(n, -1)
    if source in COUNTS:
        k = support(d)
        steps = numpy.cumsum(numpy.broadcast_to(d.pdf(k).asnumpy(), (k.size, drawn.shape[1])), 0)
        places = [(drawn <= v).mean(0) for v in range(k.size)]
        gap = numpy.abs(numpy.array(places) - steps).max(0)
    else:
        fractions = [numpy.sort(integral(source, drawn, column)) for column in range(drawn.shape[1])]
        gap = numpy.array([numpy.abs(f - (numpy.arange(n) + 0.5) / n).max() for f in fractions])
    assert (gap < 2.0 / math.sqrt(n)).all(), gap


def integral(source: str, drawn: Any, column: int) -> Any:
    """The distribution function at samples: `cdf`, or the integral of the density where there is none."""
    d = dist(source)
    try:
        return numpy.broadcast_to(plain(d.cdf(np.array(drawn, dtype="float64"))), drawn.shape)[:, column]
    except NotImplementedError:
        if source.startswith("Relaxed"):
            x = numpy.linspace(0, 1, 8002)[1:-1, None]
        else:
            x = numpy.linspace(drawn.min() - 20, drawn.max() + 20, 40001)[:, None]
        with numpy.errstate(all="ignore"):
            density = numpy.nan_to_num(plain(d.pdf(np.array(x, dtype="float64"))))
        density = numpy.broadcast_to(density, (len(x), drawn.shape[1]))[:, column]
        return numpy.interp(drawn[:, column], x[:, 0], numpy.cumsum(density) * (x[1, 0] - x[0, 0]))


@pytest.mark.parametrize("p, q", [
    ("Normal(a, s)", "Normal(b, t)"), ("Laplace(a, s)", "Laplace(b, t)"),
    ("Gumbel(a, s)", "Gumbel(b, 1 + s)"), ("Exponential(s)", "Exponential(t)"),
    ("Exponential(s)", "Gumbel(b, 1 + s)"),
    ("Exponential(s)", "Normal(b, t)"), ("Exponential(s)", "Gamma(1 + t, s)"),
    ("Gamma(1 + t, s)", "Gamma(s, t)"), ("Chi2(df)", "Gamma(s, t)"), ("Beta(1 + t, 1 + s)", "Beta(t, dg)"),
    ("HalfNormal(s)", "HalfNormal(t)"), ("Uniform(lo, hi)", "Uniform(lo - 1, hi + s)"),
    ("Uniform(lo, hi)", "Normal(b, t)"), ("Uniform(lo, hi)", "Gumbel(b, t)"),
    ("Pareto(9.0, s)", "Pareto(t, s / 2)"), ("Poisson(s)", "Poisson(t)"), ("Geometric(p)", "Geometric(q)"),
    ("Bernoulli(p)", "Bernoulli(q)"), ("Bernoulli(logit=a)", "Bernoulli(logit=b)"),
    ("Binomial(4, p)", "Binomial(4, q)"), ("Binomial(4, p)", "Binomial(6, q)"),
])
def test_divergence_is_the_integral(p: str, q: str) -> None:
    first, second = dist(p), dist(q)
    wanted = expectation(p, lambda x: first.log_prob(x) - second.log_prob(x))
    numpy.testing.assert_allclose(plain(mgp.kl_divergence(first, second)), wanted, rtol=1e-3, atol=1e-4)


def test_divergences_of_vectors_and_empirical() -> None:
    mx.random.seed(3)
    for p, q in (
        ("MultivariateNormal(m, cov=cov)", "MultivariateNormal(v, precision=cov)"),
        ("Dirichlet(1 + y)", "Dirichlet(2 * y)"),
        ("Categorical(3, logit=x)", "Categorical(3, prob=others)"),
        ("OneHotCategorical(3, prob=events)", "OneHotCategorical(3, logit=x)"),
        ("Cauchy(a, s)", "Cauchy(b, t)"),
    ):
        first, second = dist(p), dist(q)
        wanted = mgp.empirical_kl(first, second, 40000).asnumpy()
        numpy.testing.assert_allclose(
            mgp.kl_divergence(first, second).asnumpy(), wanted, rtol=0.05, atol=0.03, err_msg=p)
    loc, other = numpy.array([0.5, -1.0]), numpy.array([1.0, 0.5])
    cov = numpy.array([[2.0, 0.5], [0.5, 1.0]])
    closed = 0.5 * (numpy.trace(cov @ cov) + (other - loc) @ cov @ (other - loc) - 2
                    - 2 * numpy.log(numpy.linalg.det(cov)))
    kl = mgp.kl_divergence(dist("MultivariateNormal(m[0], cov=cov)"),
                           dist("MultivariateNormal(v[0], precision=cov)"))
    assert float(kl) == pytest.approx(closed, rel=1e-10)


def test_divergences_that_are_infinite() -> None:
    assert mgp.kl_divergence(mgp.Uniform(0.0, 2.0), mgp.Uniform(0.0, 1.0)) == math.inf
    assert mgp.kl_divergence(mgp.Pareto(2.0, 1.0), mgp.Pareto(2.0, 3.0)) == math.inf
    assert mgp.kl_divergence(mgp.Binomial(3, 0.5), mgp.Binomial(2, 0.5)) == math.inf


def test_register_kl() -> None:
    class Mine(mgp.Distribution):
        pass

    class Derived(Mine):
        pass

    with pytest.raises(NotImplementedError, match="between Mine and Normal is not implemented"):
        mgp.kl_divergence(Mine(), mgp.Normal())
    with pytest.raises(InvalidTypeError, match="exactly two arguments, but got 1"):
        mgp.register_kl(Mine, mgp.Normal)(lambda p: 1)  # type: ignore[type-var]

    @mgp.register_kl(Mine, mgp.Normal)
    def _mine(p: Any, q: Any) -> Any:
        return q.scale

    assert mgp.kl_divergence(Mine(), mgp.Normal(0, 3)) == 3
    assert mgp.kl_divergence(Derived(), mgp.Normal(0, 4)) == 4


# vectors ----------------------------------------------------------------------------------------------------

def test_samples_of_vectors_have_mean_and_covariance() -> None:
    mx.random.seed(5)
    loc = np.array([1.0, -2.0])
    cov = numpy.array([[2.0, 1.2], [1.2, 1.0]], "float32")
    for given in ({"cov": np.array(cov)}, {"precision": np.array(numpy.linalg.inv(cov))},
                  {"scale_tril": np.array(numpy.linalg.cholesky(cov))}):
        d = mgp.MultivariateNormal(loc, **given)
        for name, wanted in (("cov", cov), ("scale_tril", numpy.linalg.cholesky(cov)),
                             ("precision", numpy.linalg.inv(cov))):
            numpy.testing.assert_allclose(getattr(d, name).asnumpy(), wanted, rtol=1e-4)
        drawn = d.sample_n(20000).asnumpy()
        numpy.testing.assert_allclose(drawn.mean(0), loc.asnumpy(), atol=0.05)
        numpy.testing.assert_allclose(numpy.cov(drawn.T), cov, atol=0.06)
        numpy.testing.assert_allclose(-d.log_prob(np.array(drawn)).mean(), d.entropy().asnumpy(), rtol=0.01)
    for d in (mgp.Dirichlet(np.array([0.75, 2.0, 3.0])),
              mgp.Multinomial(3, prob=np.array([0.25, 0.125, 0.625]), total_count=5),
              mgp.OneHotCategorical(3, logit=np.array([1.0, 3.0, 2.0]))):
        drawn = d.sample_n(20000).asnumpy()
        numpy.testing.assert_allclose(drawn.mean(0), d.mean.asnumpy(), atol=0.03)
        numpy.testing.assert_allclose(drawn.var(0), d.variance.asnumpy(), atol=0.03)


def test_events() -> None:
    logit = np.array([[1.0, 3.0, 2.0], [0.0, 0.0, 5.0]], dtype="float64")
    chances = numpy.exp(logit.asnumpy()) / numpy.exp(logit.asnumpy()).sum(-1, keepdims=True)
    d = mgp.Categorical(3, logit=logit)
    every = d.enumerate_support()
    assert every.shape == (3, 2)
    numpy.testing.assert_allclose(d.pdf(every).asnumpy(), chances.T, rtol=1e-6)
    entropy = -(chances * numpy.log(chances)).sum(-1)
    numpy.testing.assert_allclose(d.entropy().asnumpy(), entropy, rtol=1e-6)
    one_hot = mgp.OneHotCategorical(3, logit=logit)
    numpy.testing.assert_allclose(one_hot.pdf(one_hot.enumerate_support()).asnumpy(), chances.T, rtol=1e-6)
    numpy.testing.assert_allclose(one_hot.entropy().asnumpy(), entropy, rtol=1e-6)
    assert d.log_prob(np.array([1])).shape == (2,)
    assert mgp.Categorical(3, logit=logit[:1]).log_prob(np.array([1])).shape == (1,)
    many = mgp.Multinomial(3, logit=logit[0], total_count=2)
    outcomes = np.array([[i, j, 2 - i - j] for i in range(3) for j in range(3 - i)], dtype="float64")
    assert float(many.pdf(outcomes).sum()) == pytest.approx(1)


# gradients --------------------------------------------------------------------------------------------------

LOG_PROBS = [(name, given, value) for name, given, value, _ in recorded.DISTRIBUTIONS]


@pytest.mark.parametrize("name, given, value", LOG_PROBS, ids=lambda v: str(v))
def test_log_prob_has_gradients_of_order_two(name: str, given: str, value: str) -> None:
    # What a matrix is that is not symmetric, cholesky and inv see differently.
    given = given.replace("=cov", "=np.matmul(cov, cov.mT)")
    smooth = {*recorded.ARRAYS} - {"which", "one_hot", "ones"}
    names = sorted(smooth & {*re.findall(r"\w+", f"{given} {value}")})

    def log_prob(*arrays: Any) -> Any:
        scope = {**space("float64"), **dict(zip(names, arrays))}
        return eval(f"{name}({given}).log_prob({value})", scope)

    check_grads(log_prob, [space()[n] for n in names], order=2, rtol=(1e-5, 1e-3))


@pytest.mark.parametrize("source, names", [
    ("Normal(a, s)", "a s"), ("Laplace(a, s)", "a s"), ("Cauchy(a, s)", "a s"), ("Gumbel(a, s)", "a s"),
    ("Uniform(lo, hi)", "lo hi"), ("Exponential(s)", "s"), ("HalfNormal(s)", "s"), ("HalfCauchy(s)", "s"),
    ("Weibull(t, s)", "t s"), ("Pareto(df, s)", "df s"), ("MultivariateNormal(m, cov=cov)", "m"),
    ("MultivariateNormal(m, scale_tril=diagonal)", "m diagonal"), ("RelaxedBernoulli(0.5, prob=p)", "p"),
    ("RelaxedBernoulli(0.5, logit=a)", "a"), ("RelaxedOneHotCategorical(0.5, 3, logit=x)", "x"),
    ("RelaxedOneHotCategorical(0.5, 3, prob=events)", "events"), ("Independent(Normal(a, s), 1)", "a s"),
    ("TransformedDistribution(Normal(a, s), ExpTransform())", "a s"),
])
def test_samples_have_gradients(source: str, names: str) -> None:
    given = names.split()

    def sample(*arrays: Any) -> Any:
        mx.random.seed(2)
        return eval(f"{source}.sample_n(2)", {**space("float64"), **dict(zip(given, arrays))})

    assert dist(source).has_grad or source.startswith("Transformed")
    check_grads(sample, [space()[n] for n in given], order=2, rtol=(1e-5, 1e-3))


def test_parameters_are_not_remembered_without_their_gradients() -> None:
    cov = np.array([[2.0, 0.5], [0.5, 1.0]])
    cov.attach_grad()
    d = mgp.MultivariateNormal(np.zeros(2), cov=cov)
    assert d.scale_tril.shape == (2, 2)
    with autograd.record():
        entropy = d.entropy()
    entropy.backward()
    numpy.testing.assert_allclose(cov.grad.asnumpy(), numpy.linalg.inv(cov.asnumpy()) / 2, rtol=1e-5)


# the base class ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, given, value", [d for d in LOG_PROBS if "Transformed" not in d[0]],
                         ids=lambda v: str(v))
def test_broadcast_to(name: str, given: str, value: str) -> None:
    d = dist(f"{name}({given})")
    value_of = dist(value)
    shape = (2, *d.log_prob(value_of).shape)
    if name == "Independent":
        shape = (4,)
        value_of = np.broadcast_to(value_of[0], (4, 3))
    wide = d.broadcast_to(shape)
    mx.random.seed(1)
    assert type(wide) is type(d) and wide.sample().shape[:len(shape)] == shape
    numpy.testing.assert_allclose(wide.log_prob(value_of).asnumpy(),
                                  numpy.broadcast_to(d.log_prob(value_of).asnumpy(), shape), rtol=1e-6)
    assert repr(d) == repr(dist(f"{name}({given})"))


@pytest.mark.parametrize("name, given, value", [
    *LOG_PROBS, ("StudentT", "3.0, 0.0, s", "x"), ("FisherSnedecor", "3.0, t", "y"),
    ("Pareto", "3.0, s", "y"), ("Weibull", "2.0, s", "y"), ("NegativeBinomial", "2.0, p", "k"),
    ("Beta", "2.0, t", "u"),
], ids=lambda v: str(v))
def test_numbers_stay_on_their_device(name: str, given: str, value: str) -> None:
    with use_device_double():
        gpu = mx.gpu(0)
        there = {n: v.as_in_context(gpu) if isinstance(v, np.ndarray) else v for n, v in space().items()}
        for more in (f"log_prob({value})", "sample_n(2)"):
            found = eval(f"{name}({given}).{more}", there)
            assert found.context == gpu or given == "1.5, 2.0" and more == "sample_n(2)"


def test_repr_sizes_and_dtypes() -> None:
    assert repr(mgp.Normal(np.zeros((2, 3)), 1.0)) == "Normal(loc: size (2, 3), scale: size (), event_dim: 0)"
    assert repr(mgp.Bernoulli(logit=np.zeros(2))) == "Bernoulli(logit: size (2,), event_dim: 0)"
    d = mgp.Normal(np.zeros((3, 1)), np.ones(2))
    assert d.sample().shape == (3, 2) and d.sample((4, 3, 2)).shape == (4, 3, 2)
    assert d.sample_n().shape == d.sample_n(()).shape == (3, 2) and d.sample_n((4, 5)).shape == (4, 5, 3, 2)
    assert mgp.Normal().sample().shape == () and mgp.Normal().sample(3).shape == (3,)
    assert mgp.Poisson(np.ones((2, 3))).sample_n((4, 5)).shape == (4, 5, 2, 3)
    assert mgp.Normal(np.zeros(2, dtype="float64")).sample().dtype == "float64"
    assert mgp.RelaxedBernoulli(1.0, prob=np.ones(3) / 2).sample_n(2).shape == (2, 3)
    assert mgp.StudentT(np.ones(3)).sample_n((4, 2)).shape == (4, 2, 3)


def test_a_distribution_of_ones_own() -> None:
    class Triangular(mgp.Distribution):
        arg_constraints = {"width": constraint.Positive()}

        def __init__(self, width: Any, validate_args: bool | None = None) -> None:
            self.width = width
            super().__init__(event_dim=0, validate_args=validate_args)

        def log_prob(self, value: Any) -> Any:
            return np.log(1 - np.abs(value) / self.width) - np.log(self.width)

    d = Triangular(np.array([1.0, 2.0]))
    assert d.pdf(np.array([0.5, 0.5])).asnumpy().tolist() == pytest.approx([0.5, 0.375])
    assert d.broadcast_to((3, 2)).width.shape == (3, 2)
    for missing in (d.sample, d.sample_n, d.entropy, d.perplexity, d.enumerate_support):
        with pytest.raises(NotImplementedError, match="Triangular does not define"):
            missing()
    for missing in (d.cdf, d.icdf):
        with pytest.raises(NotImplementedError, match="Triangular does not define"):
            missing(0.0)
    for name in ("mean", "variance", "stddev", "support"):
        with pytest.raises(NotImplementedError, match="Triangular does not define"):
            getattr(d, name)
    with pytest.raises(InvalidValueError, match="Triangular: width: .* greater than 0"):
        Triangular(np.array([1.0, -2.0]), validate_args=True)


@pytest.fixture
def validating() -> Iterator[None]:
    mgp.Distribution.set_default_validate_args(True)
    yield
    mgp.Distribution.set_default_validate_args(False)


def test_validate_args(validating: None) -> None:
    for name, given, value, _ in recorded.DISTRIBUTIONS:
        dist(f"{name}({given}).log_prob({value})", "float32")
    with pytest.raises(InvalidValueError, match="Normal: scale: .* should be greater than 0"):
        mgp.Normal(0, -1)
    assert mgp.Normal(0, -1, validate_args=False).scale == -1
    for source in ("Poisson(2.0).log_prob(0.5)", "Bernoulli(0.5).log_prob(2)", "Beta(1.0, 1.0).log_prob(2.0)",
                   "Categorical(3, prob=events).log_prob(3 + which)", "Pareto(2.0, 3.0).log_prob(2.0)",
                   "Gamma(2.0).log_prob(-1.0)", "Uniform(0.0, 1.0).cdf(2.0)", "Binomial(4, 0.5).log_prob(5)",
                   "Normal().log_prob(np.array([0.0, np.nan]))", "Chi2(0.0)", "Dirichlet(y).log_prob(y)",
                   "Categorical(3, prob=x)", "MultivariateNormal(m, cov=v)", "Geometric(1.5)",
                   "MultivariateNormal(m, scale_tril=cov)", "RelaxedBernoulli(1.0, 0.5).log_prob(1.0)",
                   "Exponential(-1.0)"):
        with pytest.raises(ValueError, match=f"^{source.split('(')[0]}.*Constraint violated: "):
            dist(source, "float32")


@pytest.mark.parametrize("source, text", [
    ("Bernoulli()", "Bernoulli: give prob or logit, and only one of them, got none"),
    ("Binomial(2, 0.5, 0.5)", "Binomial: give prob or logit, and only one of them, got prob and logit"),
    ("MultivariateNormal(m)", "give cov, precision or scale_tril, and only one of them, got none"),
    ("Categorical(0, prob=p)", "Categorical: num_events must be a positive integer, got 0"),
    ("RelaxedOneHotCategorical(1.0, -1, prob=p)", "RelaxedOneHotCategorical: num_events must be a positive"),
    ("Binomial(1.5, 0.5)", "Binomial: n must be a non-negative integer, got 1.5"),
    ("Multinomial(3, prob=p, total_count=p)", "Multinomial: total_count must be a non-negative integer, got"),
    ("Normal(a, s).sample(2)", r"Normal.sample: parameters of shape \(3,\) do not broadcast to size \(2,\)"),
    ("Normal(a, s).sample((1,))", r"parameters of shape \(3,\) do not broadcast to size \(1,\)"),
    ("Normal(a, which).sample()", r"Normal: parameters of shapes .*'loc': \(3,\).* do not broadcast"),
    ("Independent(Normal(a, s), 2)", r"Independent: reinterpreted_batch_ndims 2 for parameters of shape"),
    ("Distribution.set_default_validate_args(3)", "takes True or False, got 3"),
])
def test_bad_input(source: str, text: str) -> None:
    with pytest.raises(InvalidValueError, match=text):
        dist(source)


def test_independent_enumerates_only_without_axes_of_its_own() -> None:
    base = mgp.Categorical(3, prob=np.ones((2, 3)) / 3)
    plain, joined = mgp.Independent(base, 0), mgp.Independent(base, 1)
    assert plain.has_enumerate_support and plain.enumerate_support().shape == (3, 2)
    assert not joined.has_enumerate_support
    with pytest.raises(NotImplementedError, match="cartesian product"):
        joined.enumerate_support()
    assert joined.support.check(2) == 2 and constraint.is_dependent(mgp.Independent.support)


# constraints ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source, inside, outside", [
    ("Real()", [0.5, -1.0], [numpy.nan]), ("Boolean()", [0.0, 1.0], [0.5]),
    ("Interval(0, 2)", [0.0, 2.0], [2.5]), ("OpenInterval(0, 2)", [0.5, 1.5], [2.0]),
    ("HalfOpenInterval(0, 2)", [0.0, 1.5], [2.0]), ("UnitInterval()", [0.0, 1.0], [1.5]),
    ("IntegerInterval(0, 2)", [0.0, 2.0], [0.5]), ("IntegerOpenInterval(0, 2)", [1.0], [2.0]),
    ("IntegerHalfOpenInterval(0, 2)", [0.0, 1.0], [2.0]), ("GreaterThan(1)", [1.5], [1.0]),
    ("GreaterThanEq(1)", [1.0], [0.5]), ("LessThan(1)", [0.5], [1.0]), ("LessThanEq(1)", [1.0], [1.5]),
    ("IntegerGreaterThan(1)", [2.0], [2.5]), ("IntegerGreaterThanEq(1)", [1.0], [0.0]),
    ("IntegerLessThan(1)", [0.0], [1.0]), ("IntegerLessThanEq(1)", [1.0], [2.0]),
    ("Positive()", [0.5], [0.0]), ("NonNegative()", [0.0], [-0.5]), ("PositiveInteger()", [1.0], [0.0]),
    ("NonNegativeInteger()", [0.0, 2.0], [-1.0]), ("Simplex()", [[0.25, 0.75], [1.0, 0.0]], [[0.5, 0.75]]),
    ("Simplex()", [0.5, 0.5], [1.5, -0.5]),
    ("LowerTriangular()", [[1.0, 0.0], [2.0, -3.0]], [[1.0, 1.0]] * 2),
    ("LowerTriangular()", [[0.0]], [[0.0, 0.0]]),
    ("LowerCholesky()", [[1.0, 0.0], [2.0, 3.0]], [[1.0, 0.0], [2.0, -3.0]]),
    ("LowerCholesky()", [[1.0]], [[1.0, 1.0], [0.0, 1.0]]),
    ("PositiveDefinite()", [[2.0, 1.0], [1.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]]),
    ("PositiveDefinite()", [[2.0]], [[1.0, 0.5], [0.0, 1.0]]),
    ("Cat([Positive(), Boolean()], lengths=[2, 1])", [2.0, 3.0, 1.0], [2.0, 3.0, 2.0]),
    ("Cat([Positive(), Boolean()], axis=1)", [[2.0, 1.0]], [[0.0, 1.0]]),
    ("Cat([Positive()])", [2.0], [2.0, 1.0]),
    ("Stack([Positive(), Boolean()], axis=1)", [[2.0, 1.0], [3.0, 0.0]], [[2.0, 3.0]]),
    ("Stack([Positive()])", [2.0], [2.0, 1.0]),
])
def test_constraints(source: str, inside: Any, outside: Any) -> None:
    c = eval(source, vars(constraint))
    value = np.array(inside)
    assert c.check(value) is value
    with pytest.raises(InvalidValueError, match="Constraint violated|must have the length"):
        c.check(np.array(outside))
    if numpy.ndim(outside) == 1 and not source.startswith(("Simplex", "Cat", "Stack")):
        assert c.check(inside[0]) == inside[0]
        with pytest.raises(InvalidValueError, match="Constraint violated"):
            c.check(outside[0])


def test_constraints_refuse() -> None:
    with pytest.raises(InvalidTypeError, match="Cat: takes constraints, got 3"):
        constraint.Cat([3])  # type: ignore[list-item]
    with pytest.raises(InvalidValueError, match="number of lengths 1 should be equal to number of constr.*2"):
        constraint.Cat([constraint.Real(), constraint.Real()], lengths=[1])
    with pytest.raises(InvalidValueError, match="Cannot validate dependent constraint"):
        mgp.Pareto.support.check(3)
    with pytest.raises(NotImplementedError, match="Constraint does not define _holds"):
        constraint.Constraint().check(3)


def test_functions_of_utils() -> None:
    x = np.array([0.5, 0.75])
    for name, number in (("digamma", -1.9635100260214235), ("gammaln", 0.5723649429247001),
                         ("erf", 0.5204998778130465), ("erfinv", 0.4769362762044699)):
        f = getattr(mgp, name)()
        assert f(0.5) == pytest.approx(number) and float(f(x)[0]) == pytest.approx(number, rel=1e-6)
    check = mgp.constraint_check()
    assert check(True, "no") is True and bool(check(x > 0, "no"))
    for condition in (False, x > 0.5):
        with pytest.raises(ValueError, match="too low"):
            check(condition, "too low")


# transformations --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("source", [
    "ExpTransform()", "AffineTransform(a, s)", "AffineTransform(1.0, -2.0)", "PowerTransform(3.0)",
    "PowerTransform(-0.5)", "SigmoidTransform()", "ComposeTransform([])", "ExpTransform().inv",
    "ComposeTransform([ExpTransform(), AffineTransform(a, -2.0), AffineTransform(1.0, 3.0)])",
    "ComposeTransform([PowerTransform(2.0), SigmoidTransform()]).inv.inv",
])
def test_transformations(source: str) -> None:
    t = dist(source)
    x = np.array([[0.25, 0.5, 1.5], [2.0, 1.0, 0.75]], dtype="float64")
    x.attach_grad()
    with autograd.record():
        y = t(x)
    y.backward()
    slope = x.grad.asnumpy() if source != "ComposeTransform([])" else numpy.ones((2, 3))
    assert t.bijective and t.event_dim == 0
    numpy.testing.assert_allclose(t.inv(y).asnumpy(), x.asnumpy(), rtol=1e-5)
    numpy.testing.assert_allclose(t.inv.inv(x).asnumpy(), y.asnumpy(), rtol=1e-12)
    numpy.testing.assert_allclose(t.log_det_jacobian(x, y).asnumpy(), numpy.log(abs(slope)), atol=1e-6)
    numpy.testing.assert_allclose(t.inv.log_det_jacobian(y, x).asnumpy(), -numpy.log(abs(slope)), atol=1e-6)
    assert numpy.all(numpy.sign(slope) == plain(t.sign)) and numpy.all(plain(t.inv.sign) == plain(t.sign))


def test_transformations_without_a_slope() -> None:
    x = np.array([[0.5, -1.0, 2.0]])
    t = mgp.SoftmaxTransform()
    assert t.event_dim == 1 and float(t(x).sum()) == pytest.approx(1)
    numpy.testing.assert_allclose(t(t.inv(t(x))).asnumpy(), t(x).asnumpy(), rtol=1e-6)
    for t in (mgp.SoftmaxTransform(), mgp.AbsTransform()):
        with pytest.raises(NotImplementedError, match="Transform has no sign"):
            _ = t.sign
        with pytest.raises(NotImplementedError, match="Transform has no log_det_jacobian"):
            t.log_det_jacobian(x, x)
    for call, text in ((mgp.Transformation(), "does not define _forward_compute"),
                       (mgp.Transformation().inv, "has no inverse")):
        with pytest.raises(NotImplementedError, match=text):
            call(x)


def test_the_slope_is_finite_where_the_base_underflows() -> None:
    d = mgp.Weibull(np.array([40.0]))
    assert float(d.log_prob(np.array([0.01]))) == pytest.approx(math.log(40) + 39 * math.log(0.01), rel=1e-6)


@pytest.mark.parametrize("c", [
    constraint.Positive(), constraint.NonNegative(), constraint.GreaterThan(-2), constraint.GreaterThanEq(3),
    constraint.LessThan(1), constraint.LessThanEq(-1), constraint.Interval(2, 5), constraint.UnitInterval(),
    constraint.HalfOpenInterval(-1, 1),
], ids=lambda c: type(c).__name__)
def test_domain_maps_lead_into_the_domain(c: constraint.Constraint) -> None:
    x = np.array([-3.0, 0.0, 2.5])
    for registry in (mgp.biject_to, mgp.transform_to):
        t = registry(c)
        c.check(t(x))
        numpy.testing.assert_allclose(t.inv(t(x)).asnumpy(), x.asnumpy(), rtol=1e-4, atol=1e-5)


def test_domain_maps_can_be_added_to() -> None:
    registry = mgp.domain_map()
    with pytest.raises(NotImplementedError, match="Cannot transform Boolean constraints"):
        registry(constraint.Boolean())

    @registry.register(constraint.Real)
    def _identity(c: Any) -> Any:
        return mgp.ComposeTransform([])

    registry.register(constraint.Boolean(), lambda c: mgp.SigmoidTransform())
    assert registry(constraint.Real())(3) == 3
    assert isinstance(registry(constraint.Boolean()), mgp.SigmoidTransform)
    with pytest.raises(InvalidTypeError, match="Expected constraint to be either a Constraint subclass or"):
        registry.register(int, lambda c: mgp.ExpTransform())


def test_a_flow_learns() -> None:
    """A transformation with parameters brings samples of Normal(3, 2) back to Normal(0, 1)."""
    class Affine(mgp.TransformBlock):
        bijective = True
        sign = 1

        def __init__(self) -> None:
            super().__init__()
            self.loc = Parameter("loc", shape=(1,), init="zeros")
            self.log_scale = Parameter("log_scale", shape=(1,), init="zeros")

        def _inverse_compute(self, y: Any) -> Any:
            return (y - self.loc.data()) / np.exp(self.log_scale.data())

        def log_det_jacobian(self, x: Any, y: Any) -> Any:
            return np.ones_like(x) * self.log_scale.data()

    with mx.util.np_shape(True), mx.util.np_array(True):
        flow = Affine()
        flow.initialize()
        trainer = mx.gluon.Trainer(flow.collect_params(), "adam", {"learning_rate": 0.1})
        mx.random.seed(1)
        data = mgp.Normal(3.0, 2.0).sample((500,))
        d = mgp.TransformedDistribution(mgp.Normal(), flow)
        for _ in range(150):
            with autograd.record():
                loss = -d.log_prob(data).mean()
            loss.backward()
            trainer.step(1)
        assert float(flow.loc.data()[0]) == pytest.approx(float(data.mean()), abs=0.02)
        assert float(np.exp(flow.log_scale.data())[0]) == pytest.approx(float(data.std()), abs=0.02)


# blocks -----------------------------------------------------------------------------------------------------

class Latent(mgp.StochasticBlock):
    @mgp.StochasticBlock.collectLoss
    def forward(self, loc: Any, scale: Any) -> Any:
        posterior = mgp.Normal(loc, scale)
        self.add_loss(mgp.kl_divergence(posterior, mgp.Normal(0.0, 1.0)))
        if (loc.asnumpy() == 9).any():
            raise KeyError("nine")
        self.add_loss(loc)
        return posterior.sample()


def test_stochastic_block() -> None:
    net = Latent()
    net.initialize()
    net.hybridize()
    for value in (1.0, 2.0):
        loc, scale = np.ones(2) * value, np.ones(2)
        assert net(loc, scale).shape == (2,)
        assert [v.asnumpy().tolist() for v in net.losses] == [[value ** 2 / 2] * 2, [value] * 2]
    with pytest.raises(KeyError):
        net(np.ones(2) * 9, scale)
    net(loc, scale)
    assert len(net.losses) == 2

    class Undecorated(mgp.StochasticBlock):
        def forward(self, x: Any) -> Any:
            return x

    with pytest.raises(ValueError, match="Undecorated: The forward function should be decorated by "
                                         "StochasticBlock.collectLoss"):
        Undecorated()(np.ones(2))


def test_stochastic_sequential() -> None:
    class Layer(mgp.StochasticBlock):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.dense = nn.Dense(units)

        @mgp.StochasticBlock.collectLoss
        def forward(self, x: Any) -> Any:
            y = self.dense(x)
            self.add_loss((y ** 2).mean())
            return y

    with mx.util.np_shape(True), mx.util.np_array(True):
        net = mgp.StochasticSequential()
        net.add(Layer(4), nn.Dense(3))
        net.add(Layer(2))
        net.initialize(mx.init.One())
        x = np.ones((1, 5))
        with autograd.record():
            y = net(x)
            loss = sum(part for losses in net.losses for part in losses)
        loss.backward()
        assert y.asnumpy().tolist() == [[60.0, 60.0]]
        assert [[float(v) for v in part] for part in net.losses] == [[25.0], [3600.0]]
        assert len(net) == 3 and isinstance(net[1], nn.Dense)
        assert float(np.abs(net[0].dense.weight.grad()).sum()) > 0
        assert isinstance(net[:2], mgp.StochasticSequential) and len(net[:2]) == 2
        assert net[:2](x).asnumpy().tolist() == [[20.0, 20.0, 20.0]]
        assert repr(net[1:2]) == "StochasticSequential(\n  (0): Dense(4 -> 3, linear)\n)"


def test_variational_inference_finds_the_posterior() -> None:
    """Of a normal mean with a normal prior: the closed form is known."""
    mx.random.seed(4)
    data = np.array([1.5, 2.5, 2.0, 3.0])
    loc, log_scale = np.zeros(()), np.zeros(())
    loc.attach_grad()
    log_scale.attach_grad()
    for step in range(400):
        with autograd.record():
            q = mgp.Normal(loc, np.exp(log_scale))
            z = q.sample_n(16)
            likelihood = mgp.Normal(z[:, None], 1.0).log_prob(data).sum(-1).mean()
            loss = mgp.kl_divergence(q, mgp.Normal(0.0, 1.0)) - likelihood
        loss.backward()
        rate = 0.05 / (1 + step / 50)
        loc[...] = loc - rate * loc.grad
        log_scale[...] = log_scale - rate * log_scale.grad
    assert float(loc) == pytest.approx(9 / 5, abs=0.03)
    assert float(np.exp(log_scale)) == pytest.approx(math.sqrt(1 / 5), abs=0.03)
