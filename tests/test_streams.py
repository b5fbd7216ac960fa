"""mxgrad.streams against random numbers recorded from MXNet, and what the recordings cannot show."""
from __future__ import annotations

import ctypes
import importlib.util
import json
import math
import pickle
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mxgrad import streams
from mxgrad.base import InvalidValueError, MXNetError
from mxgrad.kernels import cpu as kernels
from mxgrad.streams import Engines, NDStreams, NPStreams

DATA = Path(__file__).parent / "data"
GOLDEN = json.loads((DATA / "random_golden.json").read_text())
MORE = json.loads((DATA / "random_golden_more.json").read_text())

_spec = importlib.util.spec_from_file_location("record_random", DATA / "record_random.py")
assert _spec and _spec.loader
record_random = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_random)

GLIBC = tuple(int(n) for n in platform.libc_ver()[1].split(".")) if platform.libc_ver()[0] == "glibc" else ()
SAME_DOUBLE_LIBM = platform.machine() == "x86_64" and GLIBC >= (2, 28)


# ---- recorded ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "draw"), [
    ("nd.uniform", lambda s, n: NDStreams(s).uniform(0, 1, n)),
    ("nd.uniform(-1,1)", lambda s, n: NDStreams(s).uniform(-1, 1, n)),
    ("nd.normal", lambda s, n: NDStreams(s).normal(0, 1, n)),
    ("nd.randint(0,1000)", lambda s, n: NDStreams(s).randint(0, 1000, n)),
    ("nd.dropout(.3)", lambda s, n: NDStreams(s).bernoulli_mask(np.float32(1) - np.float32(0.3), n)),
    ("np.uniform", lambda s, n: NPStreams(s).uniform(0, 1, n)),
    ("np.normal", lambda s, n: NPStreams(s).normal(0, 1, n)),
])
def test_golden(kind: str, draw: Callable[[int, int], Any]) -> None:
    golden = [g for g in GOLDEN if g["kind"] == kind]
    assert golden
    for g in golden:
        np.testing.assert_array_equal(draw(g["seed"], g["n"]).astype(float), g["values"], err_msg=str(g))


def value(v: Any) -> Any:
    return np.array(v["array"], v["dtype"]) if isinstance(v, dict) else v


def calls(case: dict[str, Any]) -> list[Any]:
    """The numbers of two calls in a row, as the case asks for them."""
    frontend, method = case["method"].split(".")
    stream = {"nd": NDStreams, "np": NPStreams}[frontend](case["seed"], case["per_context"])
    size = tuple(case["size"])
    kwargs = {k: value(v) for k, v in case["kwargs"].items()}
    if case["dtype"] is not None:
        kwargs["dtype"] = case["dtype"]
    args = [value(a) for a in case["args"]]
    drawn: list[Any] = []
    for _ in range(2):
        if method == "shuffle":
            drawn.append(stream.shuffle(np.arange(math.prod(size), dtype=np.float32).reshape(size)))
        else:
            out = getattr(stream, method)(*args, shape=size, **kwargs)
            drawn += out if isinstance(out, tuple) else [out]
    return drawn


@pytest.mark.parametrize("method", sorted({c["method"] for c in MORE}))
def test_recorded(method: str) -> None:
    """Bit for bit, with dtype and shape; in float64 where log, exp and pow are the recording machine's."""
    for case in (c for c in MORE if c["method"] == method):
        drawn = calls(case)
        assert len(drawn) == len(case["calls"])
        for numbers, (head, digest) in zip(drawn, case["calls"]):
            np.testing.assert_allclose(numbers.ravel()[:2].astype(float), head, rtol=1e-13, err_msg=str(case))
            if case["dtype"] != "float64" or SAME_DOUBLE_LIBM:
                assert record_random.digest(numbers) == digest, case


def test_every_sampler_is_recorded() -> None:
    samplers = {
        f"{frontend}.{name}"
        for frontend, cls in (("nd", NDStreams), ("np", NPStreams)) for name in vars(cls) if name[0] != "_"
    }
    recorded = {c["method"] for c in MORE}
    # inherited, and what is a product of the recorded mask
    assert samplers - {"nd.dropout_mask"} == recorded - {"nd.shuffle", "np.shuffle"}


def drawn_in_turns(seed: int) -> list[bytes]:
    """Numbers of streams in words, pairs and masks, with words put back in between."""
    stream, other, found = NDStreams(seed), NPStreams(seed), []
    for n in (1, 63, 64, 65, 130, 70001):
        found += [stream.dropout_mask(0.3, n), stream.uniform(0, 1, n), stream.randint(0, 9, n),
                  stream.dropout_mask(1.0, (n, 1)), stream.dropout_mask(0.3, n, np.float64),
                  stream.dropout_mask(0.5, n, np.float16), stream.normal(0.3, 1.7, n),
                  stream.normal([0, 1], [1, 2], n), stream.normal(0, 1, n, np.float16),
                  stream.uniform(-1, 2.5, n, np.float64), other.normal(0.3, 1.7, n), other.normal(0, 1, 0),
                  other.normal(0.3, 1.7, n, np.float64), other.uniform(-1, 2.5, n)]
        if n in (1, 65):
            found += [stream.normal(0, 1, n, np.float64), other.lognormal(0, 1, n)]
            saved = stream.engines.get_state()
            found += [stream.dropout_mask(0.7, n)]
            stream.engines.set_state(saved)
    return [a.tobytes() for a in found]


@pytest.mark.skipif(kernels.lib is None, reason="the kernels are not built (make setup)")
def test_compiled_numbers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from mxgrad.kernels import random  # noqa: F401

    assert streams.compiled is not None
    found = drawn_in_turns(4)
    monkeypatch.setattr(streams, "compiled", None)
    assert drawn_in_turns(4) == found


def test_dropout_mask_is_the_mask_times_a_factor() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        mask = NDStreams(5).bernoulli_mask(0.25, (7, 100), dtype)
        factors = NDStreams(5).dropout_mask(0.25, (7, 100), dtype)
        assert factors.dtype == dtype and (factors == 4 * mask).all()
    with pytest.raises(InvalidValueError, match="keep_probability"):
        NDStreams(5).dropout_mask(1.5, 3)


# ---- what holds for every sampler --------------------------------------------------------------------------

SAMPLERS: dict[str, Callable[[Any, Any], Any]] = {
    "nd.uniform": lambda s, n: s.uniform(-1, 1, n),
    "nd.uniform64": lambda s, n: s.uniform(-1, 1, n, np.float64),
    "nd.normal": lambda s, n: s.normal(0, 1, n),
    "nd.exponential": lambda s, n: s.exponential(2, n),
    "nd.gamma": lambda s, n: s.gamma(0.5, 2, n),
    "nd.poisson": lambda s, n: s.poisson(3, n),
    "nd.poisson20": lambda s, n: s.poisson(20, n),
    "nd.negative_binomial": lambda s, n: s.negative_binomial(3, 0.5, n),
    "nd.generalized_negative_binomial": lambda s, n: s.generalized_negative_binomial(3, 0.5, n),
    "nd.binomial": lambda s, n: s.binomial(9, 0.5, n),
    "nd.binomial100": lambda s, n: s.binomial(100, 0.5, n),
    "nd.randint": lambda s, n: s.randint(0, 1000, n),
    "nd.bernoulli_mask": lambda s, n: s.bernoulli_mask(0.5, n),
    "nd.multinomial": lambda s, n: s.multinomial([0.1, 0.2, 0.3, 0.4], n),
    "np.uniform": lambda s, n: s.uniform(0, 1, n),
    "np.bernoulli": lambda s, n: s.bernoulli(0.5, shape=n),
    "np.exponential": lambda s, n: s.exponential(2.0, n),
    "np.normal": lambda s, n: s.normal(0, 1, n),
    "np.gamma": lambda s, n: s.gamma(0.5, 2.0, n),
    "np.randint": lambda s, n: s.randint(1000, shape=n),
    "np.choice": lambda s, n: s.choice(1000, n),
    "np.weibull": lambda s, n: s.weibull(3.0, n),
    "np.power": lambda s, n: s.power(3.0, n),
}


def stream_of(name: str, seed: int = 3) -> Any:
    return (NDStreams if name.startswith("nd") else NPStreams)(seed)


@pytest.mark.parametrize("name", SAMPLERS)
def test_shapes(name: str) -> None:
    draw = SAMPLERS[name]
    assert draw(stream_of(name), 0).shape == (0,)
    assert draw(stream_of(name), (2, 0, 3)).shape == (2, 0, 3)
    scalar = draw(stream_of(name), ())
    assert isinstance(scalar, np.ndarray) and scalar.shape == ()
    assert scalar == draw(stream_of(name), 1)[0]
    np.testing.assert_array_equal(draw(stream_of(name), (2, 65)), draw(stream_of(name), 130).reshape(2, 65))


@pytest.mark.parametrize("name", SAMPLERS)
def test_nothing_drawn_leaves_the_stream_alone(name: str) -> None:
    draw, stream = SAMPLERS[name], stream_of(name)
    draw(stream, 0)
    if name == "np.power":
        pytest.skip("draws one number more than it returns, even for none")
    np.testing.assert_array_equal(draw(stream, 70), draw(stream_of(name), 70))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_seed_repeats_and_a_state_goes_on(name: str) -> None:
    draw, stream = SAMPLERS[name], stream_of(name)
    draw(stream, 200)
    state = pickle.loads(pickle.dumps(stream.get_state()))
    going_on = [draw(stream, 200), draw(stream, 3), draw(stream, 5000)]
    assert not np.array_equal(going_on[0], draw(stream, 200))
    other = stream_of(name, seed=8)
    draw(other, 100)
    other.set_state(state)
    for expected in going_on:
        np.testing.assert_array_equal(draw(other, expected.size), expected)
    other.seed(3)
    draw(other, 200)
    np.testing.assert_array_equal(draw(other, 200), going_on[0])


def test_a_saved_state_does_not_move() -> None:
    stream = NDStreams(1)
    stream.normal(0, 1, 100)
    state = stream.get_state()
    a, b = stream.normal(0, 1, 1000), stream.gamma(2, 1, 1000)
    for _ in range(2):
        stream.set_state(state)
        np.testing.assert_array_equal(stream.normal(0, 1, 1000), a)
        np.testing.assert_array_equal(stream.gamma(2, 1, 1000), b)


def test_a_helping_too_small_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries at the polar method are taken in numbers that nearly always suffice; here they do not."""
    expected = [NDStreams(0).normal(0, 1, 500), NPStreams(0).normal(0, 1, 501)]
    monkeypatch.setattr("mxgrad.streams.math.pi", 1e9)
    monkeypatch.setattr("mxgrad.streams.math.sqrt", lambda x: 0)
    np.testing.assert_array_equal(NDStreams(0).normal(0, 1, 500), expected[0])
    np.testing.assert_array_equal(NPStreams(0).normal(0, 1, 501), expected[1])


def test_frontends_share_engines_as_in_mxnet() -> None:
    engines = Engines(5)
    nd, np_ = NDStreams(engines=engines), NPStreams(engines=engines)
    alone_nd, alone_np = NDStreams(5), NPStreams(5)
    nd.uniform(0, 1, 10)
    np.testing.assert_array_equal(np_.uniform(0, 1, 4), alone_np.uniform(0, 1, 4))      # not shared
    alone_nd.uniform(0, 1, 10)
    np.testing.assert_array_equal(np_.randint(0, 100, 4), alone_nd.randint(0, 100, 4))  # the parallel ones
    nd.shuffle(np.arange(9))
    alone_np.shuffle(np.arange(9))
    np.testing.assert_array_equal(np_.uniform(0, 1, 4), alone_np.uniform(0, 1, 4))      # the sequential one


def test_devices() -> None:
    """Device k starts from the seed of device 0, plus k."""
    words = [NDStreams(engines=Engines(0, device_id=k)).randint(0, 2**31, 70, np.int64) for k in (0, 1)]
    np.testing.assert_array_equal(words[0][35:], words[1][:35])     # engine 1 of 0 is engine 0 of 1
    engines = Engines(0, device_id=1)
    stream = NDStreams(engines=engines)
    stream.seed(0)
    np.testing.assert_array_equal(stream.randint(0, 2**31, 70, np.int64), words[1])


@pytest.mark.parametrize("seed", [1.0, "1", None, True])
def test_a_seed_is_an_integer(seed: Any) -> None:
    with pytest.raises(InvalidValueError, match="seed_state must be int"):
        NDStreams(seed)


def test_threads_share_a_stream_without_losing_numbers() -> None:
    """Whatever the order of the threads, each call gets the next numbers of the stream, whole."""
    for name in ("nd.normal", "nd.gamma", "np.normal", "np.gamma", "np.choice"):
        draw, stream = SAMPLERS[name], stream_of(name)
        expected = {draw(stream, 300).tobytes() for _ in range(40)}
        shared = stream_of(name)
        got: list[bytes] = []
        barrier = threading.Barrier(4)

        def work(draw: Any = draw, shared: Any = shared, got: Any = got, barrier: Any = barrier) -> None:
            barrier.wait()
            for _ in range(10):
                got.append(draw(shared, 300).tobytes())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert set(got) == expected, name


# ---- parameters --------------------------------------------------------------------------------------------


def test_dtypes_of_parameters() -> None:
    """Numbers and lists count as float32, float64 arrays as themselves, float16 arrays as float32."""
    plain = NDStreams(0).normal(0.1, 0.3, 5, np.float64)
    single = NDStreams(0).normal(np.float32(0.1), np.float32(0.3), 5, np.float64)
    double = NDStreams(0).normal(np.array(0.1), np.array(0.3), 5, np.float64)
    np.testing.assert_array_equal(plain, single)
    assert (plain != double).all() and np.allclose(plain, double, rtol=1e-6)
    half = NDStreams(0).normal(np.array([0.5], np.float16), np.array([0.25], np.float16), 5)
    np.testing.assert_array_equal(half[0], NDStreams(0).normal(0.5, 0.25, 5))


def test_parameters_per_draw() -> None:
    assert NDStreams(0).gamma([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], (4, 2)).shape == (3, 4, 2)
    assert NDStreams(0).poisson(np.ones((2, 3)), 0).shape == (2, 3, 0)
    assert NDStreams(0).uniform(np.ones((0,)), np.ones((0,)), 4).shape == (0, 4)
    assert NPStreams(0).gamma(np.ones((3, 1)), np.ones(4)).shape == (3, 4)
    assert NPStreams(0).normal(np.ones(3), 1.0, (2, 3)).shape == (2, 3)
    assert NPStreams(0).normal(np.ones(3), 1.0, (0, 3)).shape == (0, 3)
    far = NDStreams(0).poisson([1.0, 1000.0], 200)
    assert abs(far[0].mean() - 1) < 0.3 and abs(far[1].mean() - 1000) < 10


def test_exponential_by_rate() -> None:
    by_rate = NDStreams(0).exponential(lam=4.0, shape=9)
    np.testing.assert_array_equal(by_rate, NDStreams(0).exponential(0.25, 9))


def test_permutation_is_what_shuffle_does() -> None:
    x = np.arange(40) * 3
    np.testing.assert_array_equal(NPStreams(2).shuffle(x), x[NPStreams(2).permutation(40)])
    rows = x.reshape(20, 2)
    np.testing.assert_array_equal(NPStreams(2).shuffle(rows), rows[NPStreams(2).permutation(20, rows=True)])
    assert NPStreams(2).permutation(0).shape == (0,)
    np.testing.assert_array_equal(x, np.arange(40) * 3)     # the argument is left alone


def test_shuffle_skips_words_past_a_whole_multiple() -> None:
    """Of 2**32 words, 3 * 1431655765 are a whole multiple of 3; a larger word is drawn again."""
    words = np.array([0xFFFFFFFF, 5, 0xFFFFFFFF, 0xFFFFFFFF, 2**31], np.uint32)
    stream = NPStreams(0)
    stream.engines.sequential.put_back(words)
    np.testing.assert_array_equal(stream.permutation(3), [1, 2, 0])


@pytest.mark.parametrize(("name", "call"), [
    ("low", lambda: NDStreams().uniform(2, 1, 3)),
    ("low", lambda: NDStreams().uniform(math.nan, 1, 3)),
    ("scale", lambda: NDStreams().normal(0, 0, 3)),
    ("scale", lambda: NDStreams().exponential(-1, 3)),
    ("scale", lambda: NDStreams().exponential(0, 3)),
    ("lam", lambda: NDStreams().exponential(lam=-1.0, shape=3)),
    ("alpha", lambda: NDStreams().gamma(0, 1, 3)),
    ("beta", lambda: NDStreams().gamma(1, -1, 3)),
    ("lam", lambda: NDStreams().poisson(-0.5, 3)),
    ("lam", lambda: NDStreams().poisson([1.0, -1.0], 3)),
    ("k", lambda: NDStreams().negative_binomial(-1, 0.5, 3)),
    ("p", lambda: NDStreams().negative_binomial(1, 0, 3)),
    ("p", lambda: NDStreams().negative_binomial(1, 1.5, 3)),
    ("mu", lambda: NDStreams().generalized_negative_binomial(-1, 1, 3)),
    ("alpha", lambda: NDStreams().generalized_negative_binomial(1, -1, 3)),
    ("low", lambda: NDStreams().randint(3, 3, 3)),
    ("high", lambda: NDStreams().randint(0, 2**31 + 1, 3, np.int32)),
    ("keep_probability", lambda: NDStreams().bernoulli_mask(1.5, 3)),
    ("probabilities", lambda: NDStreams().multinomial([0.5, -0.5, 1.0], 3)),
    ("probabilities", lambda: NDStreams().multinomial([0.5, 0.2], 3)),
    ("probabilities", lambda: NDStreams().multinomial(0.5, 3)),
    ("parameters", lambda: NDStreams().uniform([0.0, 1.0], [2.0], 3)),
    ("shape", lambda: NDStreams().uniform(0, 1, -1)),
    ("shape", lambda: NDStreams().uniform(0, 1, (2, -1))),
    ("shape", lambda: NDStreams().uniform(0, 1, 2.5)),      # type: ignore[arg-type]
    ("shape", lambda: NPStreams().uniform(0, 1, (2, -1))),
    ("broadcast", lambda: NPStreams().uniform(np.ones(2), np.ones(3))),
    ("broadcast", lambda: NPStreams().uniform(np.ones(2), 1.0, 3)),
    ("scale", lambda: NPStreams().normal(0, -1, 3)),
    ("scale", lambda: NPStreams().gumbel(0, -1, 3)),
    ("scale", lambda: NPStreams().exponential(-1, 3)),
    ("a", lambda: NPStreams().weibull(0, 3)),
    ("a", lambda: NPStreams().gamma(0, 1, 3)),
    ("scale", lambda: NPStreams().gamma(1, 0, 3)),
    ("a", lambda: NPStreams().beta(0, 1, 3)),
    ("b", lambda: NPStreams().beta(1, 0, 3)),
    ("df", lambda: NPStreams().chisquare(0, 3)),
    ("dfden", lambda: NPStreams().f(1, 0, 3)),
    ("prob", lambda: NPStreams().bernoulli(-0.1, shape=3)),
    ("prob", lambda: NPStreams().bernoulli(0.1, 0.1, 3)),
    ("low", lambda: NPStreams().randint(0, shape=3)),
    ("n", lambda: NPStreams().multinomial(-1, [1.0])),
    ("pvals", lambda: NPStreams().multinomial(1, [0.9, 0.9, 0.1])),
    ("pvals", lambda: NPStreams().multinomial(1, [-0.5, 1.0])),
    ("a", lambda: NPStreams().choice(0, 3)),
    ("replacement", lambda: NPStreams().choice(2, 3, replace=False)),
    ("p", lambda: NPStreams().choice(2, 3, p=[0.5, 0.4, 0.1])),
    ("p", lambda: NPStreams().choice(2, 3, p=[0.5, 0.1])),
    ("n", lambda: NPStreams().permutation(-1)),
    ("axis", lambda: NPStreams().shuffle(np.array(3.0))),
])
def test_errors_name_the_parameter(name: str, call: Callable[[], Any]) -> None:
    with pytest.raises(InvalidValueError, match=rf"\b{name}\b") as caught:
        call()
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, MXNetError)


# ---- statistics: the recordings show the numbers are MXNet's, these that MXNet's are right -----------------

N = 40_000


@pytest.mark.parametrize(("numbers", "mean", "variance"), [
    (lambda: NDStreams(1).uniform(-1, 3, N), 1, 16 / 12),
    (lambda: NDStreams(1).normal(2, 3, N), 2, 9),
    (lambda: NDStreams(1).exponential(2, N), 2, 4),
    (lambda: NDStreams(1).gamma(0.5, 2, N), 1, 2),
    (lambda: NDStreams(1).gamma(9, 0.5, N), 4.5, 2.25),
    (lambda: NDStreams(1).poisson(4, N), 4, 4),
    (lambda: NDStreams(1).poisson(50, N), 50, 50),
    (lambda: NDStreams(1).negative_binomial(3, 0.4, N), 3 * 0.6 / 0.4, 3 * 0.6 / 0.16),
    (lambda: NDStreams(1).generalized_negative_binomial(3, 0.5, N), 3, 3 + 0.5 * 9),
    (lambda: NDStreams(1).randint(-2, 8, N), 2.5, 99 / 12),
    (lambda: NDStreams(1).bernoulli_mask(0.3, N), 0.3, 0.21),
    (lambda: NPStreams(1).gumbel(1, 2, N), 1 + 2 * 0.57721566, 4 * math.pi**2 / 6),
    (lambda: NPStreams(1).logistic(1, 2, N), 1, 4 * math.pi**2 / 3),
    (lambda: NPStreams(1).laplace(1, 2, N), 1, 8),
    (lambda: NPStreams(1).rayleigh(2, N), 2 * math.sqrt(math.pi / 2), 4 * (2 - math.pi / 2)),
    (lambda: NPStreams(1).weibull(2, N), math.gamma(1.5), math.gamma(2) - math.gamma(1.5)**2),
    (lambda: NPStreams(1).pareto(6, N), 1 / 5, 6 / (25 * 4)),
    (lambda: NPStreams(1).power(3, N), 3 / 4, 3 / (16 * 5)),
    (lambda: NPStreams(1).lognormal(0, 0.5, N), math.exp(0.125), (math.exp(0.25) - 1) * math.exp(0.25)),
    (lambda: NPStreams(1).gamma(0.5, 2, N), 1, 2),
    (lambda: NPStreams(1).chisquare(3, N), 3, 6),
    (lambda: NPStreams(1).beta(2, 3, N), 0.4, 0.04),
    (lambda: NPStreams(1).f(4, 20, N), 20 / 18, 2 * 400 * 22 / (4 * 324 * 16)),
    (lambda: NPStreams(1).bernoulli(logit=1.0, shape=N), 1 / (1 + math.exp(-1)), 0.1966),
    (lambda: NPStreams(1).choice(10, N), 4.5, 99 / 12),
    (lambda: NPStreams(1).choice(3, N, p=[0.5, 0.25, 0.25]), 0.75, 0.6875),
    (lambda: NPStreams(1).multinomial(10, [0.3, 0.7], N)[:, 0], 3, 2.1),
    (lambda: NPStreams(1).permutation(N), (N - 1) / 2, (N**2 - 1) / 12),
])
def test_moments(numbers: Callable[[], Any], mean: float, variance: float) -> None:
    x = numbers().astype(float)
    assert abs(x.mean() - mean) < 5 * math.sqrt(variance / N)
    assert abs(x.var() / variance - 1) < 0.15


def test_choice_without_replacement() -> None:
    for a, n in ((50, 5), (50, 45), (50, 50), (1, 1), (50, 0)):
        drawn = NPStreams(4).choice(a, n, replace=False)
        assert len(set(drawn.tolist())) == n and set(drawn.tolist()) <= set(range(a))
    stream = NPStreams(4)
    counts = np.bincount(np.concatenate([stream.choice(10, 3, replace=False) for _ in range(4000)]))
    assert (abs(counts - 1200) < 150).all()
    firsts = [stream.choice(2, 1, replace=False, p=[0.9, 0.1])[0] for _ in range(2000)]
    assert abs(np.mean(firsts) - 0.1) < 0.04


# ---- glibc's functions -------------------------------------------------------------------------------------


@pytest.mark.skipif(GLIBC < (2, 28), reason="glibc's functions are restated")
@pytest.mark.parametrize(("name", "low", "high"), [
    ("logf", 1e-30, 1e30), ("logf", 0.5, 2), ("expf", 1e-9, 88),
    # These have changed since, and in glibc 2.41 altogether.
    *(pytest.param(*p, marks=pytest.mark.skipif(GLIBC != (2, 36), reason="as of glibc 2.36"))
      for p in (("tanf", 1e-9, 3.1415926), ("tanf", 1.5, 1.6415), ("lgammaf", 8, 1e12))),
])
def test_float_functions(name: str, low: float, high: float) -> None:
    libm = ctypes.CDLL("libm.so.6")
    function = getattr(libm, name)
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    x = np.exp(np.random.RandomState(0).uniform(math.log(low), math.log(high), 20_000)).astype(np.float32)
    if name == "expf":
        x = np.concatenate([x, -x])
    expected = np.array([function(v) for v in x], np.float32)
    np.testing.assert_array_equal(getattr(streams, "_" + name)(x), expected)
