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
from mxgrad import autograd, nd, np
from mxgrad.base import MXNetError

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
