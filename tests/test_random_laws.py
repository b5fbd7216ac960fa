"""Densities, and the random numbers that go by less common names; what MXNet gives for a seed."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import autograd, nd, np, npx, testing
from mxgrad.base import MXNetError

A = nd.array
SAMPLE = [[0.5, 1.5, 3.0], [0.1, 2.0, 0.25]]
COUNTS = [[0.0, 1.0, 3.0], [2.0, 5.0, 1.0]]
MIX = [[[0.2, 0.8], [0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.25, 0.75], [0.6, 0.4]]]


def negative_binomial(x: float, k: float, p: float) -> float:
    ways = math.lgamma(x + k) - math.lgamma(x + 1) - math.lgamma(k)
    return float(math.exp(ways) * p ** k * (1 - p) ** x)


DENSITIES: dict[str, tuple[Any, tuple[list[float], ...], Callable[..., float]]] = {
    "uniform": (SAMPLE, ([0, 1], [2, 4]), lambda x, a, b: 1 / (b - a)),
    "normal": (SAMPLE, ([0, 1], [2, 4]),
               lambda x, m, s: math.exp(-((x - m) / s) ** 2 / 2) / (s * math.sqrt(2 * math.pi))),
    "gamma": (SAMPLE, ([2, 1.5], [2, 4]),
              lambda x, a, b: b ** a * x ** (a - 1) * math.exp(-b * x) / math.gamma(a)),
    "exponential": (SAMPLE, ([2, 4],), lambda x, r: r * math.exp(-r * x)),
    "poisson": (COUNTS, ([2, 4],), lambda x, r: math.exp(-r) * r ** x / math.factorial(int(x))),
    "negative_binomial": (COUNTS, ([2, 4], [0.5, 0.25]), negative_binomial),
    "generalized_negative_binomial": (
        COUNTS, ([2, 4], [0.5, 0.25]), lambda x, m, a: negative_binomial(x, 1 / a, 1 / (m * a + 1))),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_densities(name: str) -> None:
    sample, parameters, law = DENSITIES[name]
    f = getattr(nd, f"random_pdf_{name}")
    expected = [[law(x, *p) for x in row] for row, p in zip(sample, zip(*parameters))]
    arrays = [A(v, dtype="float64") for v in (sample, *parameters)]
    numpy.testing.assert_allclose(f(*arrays).asnumpy(), expected, rtol=1e-12)
    logs = f(*arrays, is_log=True).asnumpy()
    numpy.testing.assert_allclose(logs, numpy.log(expected), rtol=1e-12, atol=1e-12)
    # Also with a sample for each of the parameters' elements, and with further axes.
    firsts = f(A([row[0] for row in sample], dtype="float64"), *arrays[1:])
    numpy.testing.assert_allclose(firsts.asnumpy(), [row[0] for row in expected], rtol=1e-12)
    wide = f(arrays[0].reshape((2, 3, 1)), *arrays[1:])
    numpy.testing.assert_allclose(wide.asnumpy()[..., 0], expected, rtol=1e-12)


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("name", [*DENSITIES, "dirichlet"])
def test_gradients_of_densities(name: str, is_log: bool) -> None:
    sample, parameters, _ = DENSITIES.get(name, (MIX, ([[2, 3], [1, 0.5]],), None))
    f = getattr(nd, f"random_pdf_{name}")
    arrays = [A(v, dtype="float64") for v in (sample, *parameters)]
    if sample is not COUNTS:
        testing.check_grads(lambda *a: f(*a, is_log=is_log), arrays)
        return
    testing.check_grads(lambda *a: f(arrays[0], *a, is_log=is_log), arrays[1:])
    arrays[0].attach_grad()
    arrays[1].attach_grad()
    with autograd.record():
        y = f(*arrays, is_log=is_log)
    y.backward()
    assert arrays[0].grad.asnumpy().any() == 0
    assert arrays[1].grad.asnumpy().all()


def test_dirichlet() -> None:
    # As MXNet 1.9.1 has it.
    y = nd.random_pdf_dirichlet(A(MIX), A([[2, 3], [1, 0.5]])).asnumpy()
    numpy.testing.assert_allclose(
        y, [[1.536, 1.5, 0.972], [0.5976143479, 0.5773503184, 0.7905694246]], rtol=2e-6)
    assert nd.random_pdf_dirichlet(A(MIX[0]), A([2, 3])).shape == (3,)


@pytest.mark.parametrize("call, message", [
    (lambda: nd.random_pdf_normal(A(SAMPLE), A([0]), A([1])), "random_pdf_normal: sample of shape"),
    (lambda: nd.random_pdf_normal(A(SAMPLE), A([0, 0]), A([1])), "parameters have one shape"),
    (lambda: nd.random_pdf_poisson(nd.ones(2, dtype="int32"), nd.ones(2, dtype="int32")), "floating point"),
    (lambda: nd.random_pdf_dirichlet(A(MIX), A([1, 2, 3])), "random_pdf_dirichlet: sample of shape"),
    (lambda: nd.random_pdf_normal([1], A([0]), A([1])), "Argument sample must have NDArray type"),
    (lambda: nd.random.uniform_like(nd.ones(2, dtype="int32")), "uniform_like: data is of floating point"),
    (lambda: nd.random.binomial(-1, 0.5), "binomial: n must be finite and not negative"),
    (lambda: nd.random.binomial(1, 1.5), r"binomial: p must lie in \[0, 1\]"),
    (lambda: npx.random.multinomial(np.array([1, 2]), np.ones((1, 2))), "multinomial: n of shape"),
    (lambda: npx.random.multinomial(np.array([1]), np.array([[2.0, 0]])), "multinomial: p must lie"),
    (lambda: npx.random.bernoulli(), "bernoulli: give either prob or logit"),
    (lambda: npx.random.bernoulli(1.5), "bernoulli: prob must lie"),
    (lambda: npx.random.uniform_n(np.ones(2), np.ones(3)), "uniform_n: parameters of shapes"),
    (lambda: np.random.multivariate_normal(np.ones(3), np.ones((2, 2))), "multivariate_normal: mean"),
    (lambda: np.random.multivariate_normal(np.ones(2), np.array([[1.0, 2], [2, 1]])), "not positive"),
])
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(MXNetError, match=message):
        call()


LIKE = nd.zeros((2, 2))


@pytest.mark.parametrize("draw, expected", [
    (lambda: nd.random.uniform_like(LIKE), [0.5853022336959839, 0.421657532453537, 0.44139108061790466]),
    (lambda: nd.random.uniform_like(LIKE, low=-1, high=2), [0.7559067010879517, 0.2649725675582886]),
    (lambda: nd.random.uniform_like(LIKE.astype("float64")), [0.4216575202497892, 0.32752714199977717]),
    (lambda: nd.random.normal_like(LIKE, 5, scale=2), [1.727815866470337, 1.1943182945251465]),
    (lambda: nd.random.exponential_like(LIKE, lam=2), [0.44010263681411743, 0.2737945318222046]),
    (lambda: nd.random.gamma_like(LIKE, alpha=2, beta=3), [0.9633134603500366, 1.6751114130020142]),
    (lambda: nd.random.poisson_like(LIKE, lam=4), [4, 3, 3, 6]),
    (lambda: nd.random.negative_binomial_like(LIKE, k=3, p=0.5), [0, 1, 3, 1]),
    (lambda: nd.random.generalized_negative_binomial_like(LIKE, mu=2, alpha=0.3), [0, 0, 0, 4]),
    (lambda: nd.sample_binomial(A([5, 2]), A([0.5, 0.3]), shape=3), [3, 2, 2, 0]),
    (lambda: npx.random.bernoulli(0.5, size=(2, 3), dtype="int32"), [0, 1, 1, 1, 1, 1]),
    (lambda: npx.random.bernoulli(logit=0.5, size=4), [1, 1, 1, 1]),
    (lambda: npx.random.uniform_n(np.array([0, 10]), 1, batch_shape=(3,)),
     [0.5853022336959839, 6.205081939697266]),
    (lambda: npx.random.normal_n(np.array([0, 10]), 1, batch_shape=3),
     [-1.6360920667648315, 11.781438827514648]),
    (lambda: npx.random.categorical(np.array([[0.2, 0.8], [0.5, 0.5]]), shape=3), [1, 1, 1, 0, 0, 0]),
    (lambda: npx.tensor_poisson(np.array([1.0, 20]), shape=3), [1, 1, 0, 26, 28, 23]),
    (lambda: npx.scalar_poisson(4.0, shape=3), [4, 3, 3]),
])
def test_numbers_for_a_seed(draw: Callable[[], Any], expected: list[float]) -> None:
    mx.random.seed(3)
    drawn = draw()
    numpy.testing.assert_array_equal(drawn.asnumpy().ravel()[:len(expected)].astype(float), expected)


def test_shapes_and_places() -> None:
    assert nd.random.uniform_like(nd.zeros((2, 3), ctx=mx.cpu(1))).context == mx.cpu(1)
    out = nd.zeros((2, 2))
    assert nd.random.normal_like(LIKE, out=out) is out and out.asnumpy().any()
    assert npx.random.uniform_n(np.zeros((2, 3)), np.ones(3), batch_shape=(4,)).shape == (4, 2, 3)
    assert npx.random.normal_n().shape == ()
    assert npx.random.bernoulli(prob=np.array([0.0, 1.0]), size=(3, 2)).tolist() == [[0, 1]] * 3
    assert npx.random.categorical(np.array([0.2, 0.8])).shape == (1,)
    assert isinstance(npx.scalar_poisson(), np.ndarray)


def test_the_probability_of_a_category_has_a_gradient() -> None:
    p = np.array([0.0, 1.0])
    p.attach_grad()
    with autograd.record():
        place, log_p = npx.random.categorical(p, get_prob=True)
    log_p.backward()
    assert (place.tolist(), p.grad.tolist()) == ([1], [0.0, 1.0])


@pytest.mark.parametrize("n, p", [(20, 0.3), (12, 0.8), (1_000, 0.5), (10_000, 0.2)])
def test_moments_of_binomial_numbers(n: int, p: float) -> None:
    mx.random.seed(1)
    x = nd.random.binomial(n, p, shape=100_000).asnumpy().astype("float64")
    spread = math.sqrt(n * p * (1 - p))
    assert abs(x.mean() - n * p) < 0.03 * spread
    assert abs(x.std() / spread - 1) < 0.03
    assert 0 <= x.min() <= x.max() <= n


def test_multivariate_normal() -> None:
    mx.random.seed(5)
    cov = numpy.array([[1.0, 0.5], [0.5, 4.0]])
    x = np.random.multivariate_normal(np.array([1.0, 2.0]), np.array(cov), size=100_000)
    assert (x.shape, x.dtype) == ((100_000, 2), numpy.float32)
    numpy.testing.assert_allclose(numpy.cov(x.asnumpy().T), cov, atol=0.05)
    numpy.testing.assert_allclose(x.asnumpy().mean(0), [1, 2], atol=0.03)
    assert np.random.multivariate_normal(np.zeros((3, 2)), np.array(cov), size=(5,)).shape == (5, 3, 2)
    assert np.random.multivariate_normal([0.0, 0.0], cov.tolist()).shape == (2,)
