"""Random numbers through the frontends: MXNet's, for a seed, in every call form."""
from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, nd, np, npx
from mxgrad.base import MXNetError
from mxgrad.invoke import F
from mxgrad.testing import check_grads

GOLDEN = json.loads((Path(__file__).parent / "data/random_golden.json").read_text())


def dropout(n: int) -> Any:
    with autograd.train_mode():
        return nd.Dropout(nd.ones((n,)), p=0.3) != 0


DRAW: dict[str, Callable[[int], Any]] = {
    "nd.uniform": lambda n: nd.random.uniform(shape=n),
    "nd.uniform(-1,1)": lambda n: nd.random.uniform(-1, 1, shape=(n,)),
    "nd.normal": lambda n: nd.random.normal(shape=(n,)),
    "nd.randint(0,1000)": lambda n: nd.random.randint(0, 1000, shape=n),
    "nd.dropout(.3)": dropout,
    "np.uniform": lambda n: np.random.uniform(size=n),
    "np.normal": lambda n: np.random.normal(0, 1, (n,)),
}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: f"{g['kind']}-seed{g['seed']}-{g['n']}")
def test_recorded_values(golden: dict[str, Any]) -> None:
    mx.random.seed(golden["seed"])
    got = DRAW[golden["kind"]](golden["n"]).asnumpy().astype(numpy.float64)
    numpy.testing.assert_array_equal(got, golden["values"])


def test_a_seed_repeats_and_streams_go_on() -> None:
    mx.random.seed(7)
    first = [
        nd.random.normal(shape=5).asnumpy(),
        np.random.uniform(size=3).asnumpy(),
        nd.random.normal(shape=2).asnumpy(),
    ]
    mx.random.seed(7)
    again = [
        nd.random.normal(shape=5).asnumpy(),
        np.random.uniform(size=3).asnumpy(),
        nd.random.normal(shape=2).asnumpy(),
    ]
    for a, b in zip(first, again):
        numpy.testing.assert_array_equal(a, b)
    assert first[0][0] != first[2][0]


def test_seeding_one_context() -> None:
    mx.random.seed(3, ctx=mx.cpu())
    a = np.random.uniform(size=4).asnumpy()
    mx.random.seed(3)
    b = np.random.uniform(size=4).asnumpy()
    assert not (a == b).all()
    mx.random.seed(3, ctx=mx.cpu())
    numpy.testing.assert_array_equal(np.random.uniform(size=4).asnumpy(), a)


@pytest.mark.parametrize("bad", [1.5, "1", None])
def test_a_seed_is_an_integer(bad: object) -> None:
    with pytest.raises(ValueError, match="seed_state must be int"):
        mx.random.seed(bad)     # type: ignore[arg-type]


def test_call_forms() -> None:
    mx.random.seed(0)
    assert nd.random.uniform().shape == (1,)
    assert nd.random.normal(0, 1, (2, 3)).shape == (2, 3)
    assert nd.random.randn(2, 3, loc=5.0).shape == (2, 3)
    assert nd.random.randint(0, 3, shape=(2,)).dtype is numpy.int32
    assert nd.random_uniform(low=-1, high=1, shape=(4,)).shape == (4,)
    assert nd.random.uniform(shape=2, dtype="float64").dtype is numpy.float64
    assert nd.random.uniform(nd.array([0.0, 10.0]), nd.array([1.0, 11.0]), shape=3).shape == (2, 3)
    assert mx.random.uniform(0, 1, shape=(2,)).shape == (2,)
    assert np.random.uniform().shape == ()
    assert np.random.randint(5, size=(2, 2)).shape == (2, 2)
    assert np.random.randn(2).shape == (2,)
    assert np.random.choice(5, 3).shape == (3,)
    out = nd.zeros((3,))
    assert nd.random.uniform(1, 2, out=out) is out
    assert (out.asnumpy() >= 1).all()
    assert nd.random.uniform(shape=(2,), ctx=mx.cpu(1)).context == mx.cpu(1)


def test_shuffles_and_draws() -> None:
    mx.random.seed(1)
    x = nd.arange(10)
    y = nd.random.shuffle(x)
    assert sorted(y.asnumpy().tolist()) == list(range(10)) != y.asnumpy().tolist()
    drawn = nd.random.multinomial(nd.array([[0.0, 1.0], [1.0, 0.0]]), shape=5)
    assert drawn.asnumpy().tolist() == [[1] * 5, [0] * 5]


def test_the_probability_of_a_draw_has_a_gradient() -> None:
    p = nd.array([0.0, 1.0])
    p.attach_grad()
    with autograd.record():
        _, log_p = nd.random.multinomial(p, get_prob=True)
    log_p.backward()
    assert p.grad.asnumpy().tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "draw, mean, variance",
    [
        (lambda n: nd.random.exponential(2.0, shape=n), 2.0, 4.0),
        (lambda n: nd.random.gamma(3.0, 2.0, shape=n), 6.0, 12.0),
        (lambda n: nd.random.poisson(4.0, shape=n), 4.0, 4.0),
        (lambda n: nd.random.negative_binomial(5, 0.5, shape=n), 5.0, 10.0),
        (lambda n: np.random.gumbel(size=n), 0.5772, 1.645),
    ],
)
def test_moments(draw: Callable[[int], Any], mean: float, variance: float) -> None:
    mx.random.seed(5)
    x = draw(200_000).asnumpy().astype(numpy.float64)
    assert abs(x.mean() - mean) < 6 * (variance / x.size) ** 0.5
    assert abs(x.var() / variance - 1) < 0.05


def test_threads_share_the_stream_without_loss() -> None:
    mx.random.seed(2)
    got: list[float] = []

    def work() -> None:
        for _ in range(100):
            got.extend(np.random.uniform(size=5).asnumpy().tolist())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    mx.random.seed(2)
    assert sorted(got) == sorted(np.random.uniform(size=4000).asnumpy().tolist())


@pytest.mark.parametrize("draw, word", [
    (lambda: nd.random.uniform(shape=-1), "shape"), (lambda: nd.random.normal(scale=-1.0, shape=2), "scale"),
    (lambda: nd.random.randint(5, 5, shape=2), "high"), (lambda: nd.random.poisson(-1.0, shape=2), "lam"),
    (lambda: nd.random.gamma(-1.0, shape=2), "alpha"), (lambda: np.random.uniform(size=-3), "size"),
    (lambda: nd.random.uniform(nd.ones((2,)), nd.ones((3,))), "one shape"),
])
def test_bad_parameters_are_named(draw: Callable[[], Any], word: str) -> None:
    with pytest.raises(MXNetError, match=word):
        draw()


# name: parameters, numbers at seed 7 and gradients of their sum by the parameters, as MXNet 2.0.0b1 gives
# them.
GRADIENTS: dict[str, tuple[tuple[float, ...], list[float], list[list[float]]]] = {
    "normal": ((.3, 2.), [1.9056799411773682, .03788191080093384],
               [[1., 1.], [.802839994430542, -.137372687458992]]),
    "lognormal": ((.3, 2.), [6.723978042602539, 1.0386085510253906],
                  [[6.723978042602539, 1.0386085510253906], [5.398278713226318, -.142676442861557]]),
    "logistic": ((.3, 2.), [-.2754620909690857, 7.677205562591553],
                 [[1., 1.], [-.2877310514450073, 2.4090685844421387]]),
    "gumbel": ((.3, 2.), [.6313400268554688, 7.807259559631348],
               [[1., 1.], [.1656700074672699, 2.4524199962615967]]),
    "exponential": ((2.,), [1.6946516036987305, .2582550048828125], [[.8473258018493652, .0860850065946579]]),
    "rayleigh": ((2.,), [2.6035757064819336, 1.2448012828826904], [[1.3017878532409668, .4149337410926819]]),
    "weibull": ((2.,), [.9205030202865601, .44154587388038635], [[.0381249338388443, .12031732499599457]]),
    "pareto": ((2.,), [.5275465250015259, .02911067008972168], [[-.32358241081237793, -.00984344445168972]]),
    # MXNet's numbers, for which its gradients are zero: here they are those of the transformations.
    "uniform": ((.3, 2.), [1.0285511016845703, 2.7896664142608643],
                [[.5714406, .0824838], [.4285594, .9175162]]),
    "laplace": ((.3, 2.), [-.008357226848602295, 5.856019496917725], [[1., 1.], [-.1541786, 1.8020066]]),
    "power": ((2.,), [.755936861038208, .4353008270263672], [[.1057546, .1206825]]),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_by_parameters(name: str) -> None:
    scalars, numbers, slopes = GRADIENTS[name]
    draw = getattr(np.random, name)
    parameters = [np.array([p, 1.5 * p]) for p in scalars]
    for p in parameters:
        p.attach_grad()
    mx.random.seed(7)
    with autograd.record():
        x = draw(*parameters)
    after = np.random.uniform()
    x.backward()
    assert x.tolist() == numbers
    for p, slope in zip(parameters, slopes):
        numpy.testing.assert_allclose(p.grad.asnumpy(), slope, rtol=1e-5, atol=1e-7)
    mx.random.seed(7)
    assert draw(*parameters).tolist() == numbers        # recording changes neither the numbers
    assert np.random.uniform() == after                 # nor where the stream goes on


def _path(name: str, size: Any) -> Callable[..., Any]:
    """The numbers at one seed as a function of the parameters, in float64."""
    def function(*parameters: Any) -> Any:
        mx.random.seed(7)
        return getattr(np.random, name)(*parameters, size=size, dtype="float64")

    return function


# The same of gamma numbers and what is made of them; MXNet's gradients are right to four digits.
GAMMAS: dict[str, tuple[tuple[float, ...], list[float], list[list[float]]]] = {
    "gamma": ((2.5,), [3.2652578353881836, .0018413891084492207], [[1.2179111242294312, .03767373040318489]]),
    "chisquare": ((4.,), [5.298277854919434, 7.560919761657715], [[1.2464278936386108, 1.1840635538101196]]),
    "f": ((4., 5.), [2.134178638458252, 2.5139710903167725],
          [[-.03147590160369873, -.02529945969581604], [-.14602729678153992, -.14951097965240479]]),
}


@pytest.mark.parametrize("name", GAMMAS)
def test_gradients_of_gamma_numbers(name: str) -> None:
    scalars, numbers, slopes = GAMMAS[name]
    factor = .12 if name == "gamma" else 1.5
    parameters = [np.array([p, factor * p]) for p in scalars]
    for p in parameters:
        p.attach_grad()
    mx.random.seed(7)
    with autograd.record():
        x = getattr(np.random, name)(*parameters)
    x.backward()
    assert x.tolist() == numbers
    for p, slope in zip(parameters, slopes):
        numpy.testing.assert_allclose(p.grad.asnumpy(), slope, rtol=1e-3)


def _slope(a: float, x: float) -> tuple[float, float]:
    """First and second derivative by a of a gamma number."""
    shape = np.array(a, dtype="float64")
    shape.attach_grad()
    with autograd.record():
        slope = autograd.grad(F.gamma_drawn(shape, np.array(x, dtype="float64")), shape, create_graph=True)[0]
    slope.backward()
    return slope.item(), shape.grad.item()


@pytest.mark.parametrize("a", [.05, .7, 2.5, 40., 1000.])
@pytest.mark.parametrize("deviations", [-.8, 0., 2.5])
def test_gamma_numbers_follow_their_quantile(a: float, deviations: float) -> None:
    """Along the curve of one probability, the second derivative is the difference of the first."""
    x = max(a + deviations * a ** .5, a * 1e-3)
    first, second = _slope(a, x)
    h = 1e-4 * a
    ahead, behind = (_slope(a + s, x + s * first + s * s / 2 * second)[0] for s in (h, -h))
    assert second == pytest.approx((ahead - behind) / (2 * h), rel=1e-4, abs=1e-6 / a)


def test_gamma_and_beta_by_their_scale_and_shapes() -> None:
    shape, scale = np.array([2., .5]), np.array([3., 4.])
    shape.attach_grad()
    scale.attach_grad()
    mx.random.seed(7)
    with autograd.record():
        x = np.random.gamma(shape, scale, size=(3, 2))
    x.backward()
    numpy.testing.assert_allclose(scale.grad.asnumpy(), (x / scale).sum(0).asnumpy(), rtol=1e-5)
    mx.random.seed(7)
    with autograd.record():     # X / (X + Y) of two such numbers
        x = np.random.gamma(shape, 1.)
        ratio = x / (x + np.random.gamma(scale, 1.))
    slopes = [g.asnumpy() for g in autograd.grad(ratio, [shape, scale])]
    mx.random.seed(7)
    with autograd.record():
        drawn = np.random.beta(shape, scale)
    drawn.backward()
    numpy.testing.assert_allclose(drawn.asnumpy(), ratio.asnumpy(), rtol=1e-6)
    numpy.testing.assert_allclose(shape.grad.asnumpy(), slopes[0], rtol=1e-5)
    numpy.testing.assert_allclose(scale.grad.asnumpy(), slopes[1], rtol=1e-5)


def test_gradients_of_normal_vectors() -> None:
    mean = np.array([[.5, 1.], [0., 2.]], dtype="float64")
    cov = np.array([[2., .5], [.5, 1.]], dtype="float64")

    def draw(mean: Any, half: Any) -> Any:
        mx.random.seed(7)
        return np.random.multivariate_normal(mean, half + half.T, size=(3,))

    check_grads(draw, [mean, cov / 2])


@pytest.mark.parametrize("name", ["uniform", "normal", "lognormal", "laplace"])
@pytest.mark.parametrize("size", [None, (4, 2), (-2, 3)])
def test_gradients_beside_differences(name: str, size: Any) -> None:
    parameters = [np.array([.3, .5], dtype="float64"), np.array([[2.], [1.]], dtype="float64")]
    if size == (4, 2):
        parameters[1] = np.array([2.], dtype="float64")
    check_grads(_path(name, size), parameters)


@pytest.mark.parametrize("name", ["weibull", "pareto", "power"])
def test_gradients_of_order_two(name: str) -> None:
    mx.random.seed(7)
    a = np.array([2.], dtype="float64")
    a.attach_grad()
    with autograd.record():
        x = getattr(np.random, name)(a)
        slope = autograd.grad(x, a, create_graph=True, retain_graph=True)[0]
    slope.backward()
    value = x.item()
    u = .42855945       # the uniform number at this seed
    e = -numpy.log(u)
    wanted = {
        "weibull": value * numpy.log(e) / a.item() ** 3 * (2 + numpy.log(e) / a.item()),
        "pareto": (value + 1) * e / a.item() ** 3 * (2 + e / a.item()),
        "power": value * numpy.log(1 - u) / a.item() ** 3 * (2 + numpy.log(1 - u) / a.item()),
    }
    assert a.grad.item() == pytest.approx(wanted[name], rel=1e-4)


def test_parameters_of_every_kind() -> None:
    loc = nd.array([1., 2.])
    loc.attach_grad()
    out = np.zeros((3, 2))
    with autograd.record():
        y = np.random.normal(loc, 2., size=(3, 2), dtype="float16")
        z = np.random.normal(loc, [1., 2.])
    autograd.backward([y, z])
    assert y.dtype == "float16" and loc.grad.asnumpy().tolist() == [4., 4.]
    assert np.random.normal(loc, 2., size=(3, 2), out=out) is out


@pytest.mark.parametrize(("draw", "shape"), [
    (lambda: np.random.uniform(0, 1, (-2, 3)), (3,)),
    (lambda: np.random.normal(np.zeros(3), 1, (-2, 4)), (4, 3)),
    (lambda: np.random.gumbel(np.zeros(3), np.ones((2, 1)), -2), (2, 3)),
    (lambda: np.random.gamma(np.ones(3), size=(-2, 2)), (2, 3)), (lambda: np.random.exponential(size=-2), ()),
    (lambda: npx.random.bernoulli(np.zeros(3), size=(-2, 2)), (2, 3)),
])
def test_sizes_before_the_shape_of_the_parameters(draw: Callable[[], Any], shape: tuple[int, ...]) -> None:
    assert draw().shape == shape


@pytest.mark.parametrize("draw", [
    lambda: np.random.uniform(0, 1, (2, -2)), lambda: np.random.randint(3, size=(-2, 2)),
    lambda: npx.random.normal_n(0., 1., (-2, 2)), lambda: np.random.normal(np.ones(2), np.ones(3), (-2,)),
])
def test_sizes_that_are_none(draw: Callable[[], Any]) -> None:
    with pytest.raises(MXNetError, match="size"):
        draw()
