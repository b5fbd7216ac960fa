"""Initializers give the numbers of MXNet 1.9.1 for a seed."""
from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import initializer as init
from mxgrad import nd
from mxgrad.base import MXNetError


def run(initializer: init.Initializer, shape: tuple[int, ...], name: str = "w_weight") -> numpy.ndarray:
    mx.random.seed(0)
    array = nd.zeros(shape)
    initializer(init.InitDesc(name), array)
    return array.asnumpy()


# Recorded from 1.9.1: the first six values of a (3, 4) weight, (1, 1, 4, 4) for Bilinear, after
# mx.random.seed(0).
RECORDED = [
    (init.Xavier(), [0.0903850793838501, 0.17191481590270996, 0.3984532356262207, 0.6374562978744507,
                     0.19028079509735107, 0.6627864837646484]),
    (init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2),
     [1.5642660856246948, 0.547303318977356, 0.7378237247467041, 0.8371617197990417, 1.337641954421997,
      -0.8730940222740173]),
    (init.Xavier(factor_type="out"), [0.09762704372406006, 0.18568921089172363, 0.43037867546081543,
                                      0.6885315179824829, 0.2055267095565796, 0.7158912420272827]),
    (init.MSRAPrelu(), [1.6223410367965698, 0.5676224827766418, 0.7652161717414856, 0.8682422041893005,
                        1.387303113937378, -0.9055085182189941]),
    (init.Orthogonal(), [0.25018310546875, 0.76911860704422, 0.38024210929870605, 1.0957540273666382,
                         -0.41836121678352356, 0.8918254971504211]),
    (init.Orthogonal(rand_type="normal", scale=2),
     [0.7070741057395935, -1.1675868034362793, -1.4239870309829712,
                                                    -0.33022448420524597, -1.7937138080596924,
      -0.366965651512146]),
    (init.Uniform(0.3), [0.029288113117218018, 0.05570676922798157, 0.12911361455917358, 0.20655947923660278,
                         0.06165802478790283, 0.21476739645004272]),
    (init.Normal(0.5), [1.1061031818389893, 0.3870019018650055, 0.5217201709747314, 0.5919627547264099,
                        0.9458556771278381, -0.6173707246780396]),
    (init.Constant(3), [3.0] * 6), (init.One(), [1.0] * 6), (init.Zero(), [0.0] * 6),
]


@pytest.mark.parametrize("initializer, expected", RECORDED, ids=lambda v: type(v).__name__)
def test_recorded_values(initializer: init.Initializer, expected: list[float]) -> None:
    got = run(initializer, (3, 4)).ravel()[:6]
    numpy.testing.assert_allclose(got, expected, rtol=2e-6 if isinstance(initializer, init.Orthogonal) else 0)


def test_bilinear_and_lstm_bias() -> None:
    assert run(init.Bilinear(), (1, 1, 4, 4)).ravel()[:6].tolist() == [0.0625, 0.1875, 0.1875, 0.0625, 0.1875,
                                                                       0.5625]
    bias = nd.zeros((8,))
    init.LSTMBias(2.0)._init_weight("lstm_bias", bias)
    assert bias.asnumpy().tolist() == [0, 0, 2, 2, 0, 0, 0, 0]


@pytest.mark.parametrize("name, value",
                         [("x_bias", 0), ("x_beta", 0), ("x_min", 0), ("x_gamma", 1), ("x_max", 1)])
def test_names_decide(name: str, value: float) -> None:
    assert run(init.Uniform(), (3,), name).tolist() == [value] * 3


def test_own_initializer_mixed_and_load(tmp_path: Path) -> None:
    desc = init.InitDesc("anything", attrs={"__init__": init.Constant(7.0).dumps()})
    array = nd.zeros((2,))
    init.Zero()(desc, array)
    assert array.asnumpy().tolist() == [7, 7]
    init.Mixed(["bias", ".*"], [init.Zero(), init.One()])("some_weight", array)
    assert array.asnumpy().tolist() == [1, 1]
    nd.save(str(tmp_path / "p"), {"arg:w": nd.array([3, 4])})
    init.Load(str(tmp_path / "p"))("w", array)
    assert array.asnumpy().tolist() == [3, 4]


def test_mixed_and_load_start_a_net() -> None:
    net = mx.gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(mx.gluon.nn.Dense(1, in_units=2), mx.gluon.nn.BatchNorm(in_channels=1))
    dense = net[0]
    net.initialize(init.Mixed([".*bias", ".*"], [init.Zero(), init.Constant(2)]))
    assert dense.weight.data().asnumpy().tolist() == [[2, 2]]
    net.initialize(init.Load({"net_dense0_bias": nd.array([5])}, init.Constant(3)), force_reinit=True)
    assert dense.weight.data().asnumpy().tolist() == [[3, 3]]
    assert dense.bias.data().asnumpy().tolist() == [5]


class ByName(init.Initializer):
    """Without super().__init__, as scripts have them."""

    def __init__(self) -> None:
        pass

    def _init_weight(self, name: str, arr: Any) -> None:
        arr[:] = 2

    def _init_bias(self, name: str, arr: Any) -> None:
        arr[:] = 5

    def _init_default(self, name: str, arr: Any) -> None:
        arr[:] = 7


@pytest.mark.parametrize("name, value", [
    ("x_bias", 5), ("foo", 7), ("x_weight", 2), ("x_gamma", 1), ("x_beta", 0), ("x_min", 0), ("x_max", 1)])
def test_methods_by_the_end_of_the_name(name: str, value: float) -> None:
    assert run(ByName(), (1,), name).tolist() == [value]


def test_what_is_initialized_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    net = mx.gluon.nn.Dense(2, in_units=2, prefix="n_")
    net.initialize(init.One(), verbose=True)
    init.One().set_verbosity(True, lambda array: array.shape)("a_bias", nd.zeros((3,)))
    init.One().set_verbosity()("b_weight", nd.zeros((3,)))
    loader = init.Load({"arg:a": nd.ones((1,))}, init.One(), verbose=True)
    loader("a", nd.zeros((1,)))
    loader("b_weight", nd.zeros((1,)))
    _, *logged = caplog.messages
    assert caplog.messages[0].startswith("Initialized n_weight as <") and caplog.messages[0].endswith(": 1.0")
    assert logged == ["Initialized n_bias as zeros: 0.0", "Initialized a_bias as bias: (3,)",
                      "Initialized a by loading", "Initialized b_weight by default"]


# Recorded from 1.9.1, after mx.random.seed(0): an LSTM of 2 units for inputs of 2.
GATES = [
    0.11956822872161865, 0.22742187976837158, 0.5271041393280029, 0.8432754278182983, 0.25171780586242676,
    0.8767842054367065, 0.10994088649749756, 0.8505896329879761, -0.18700683116912842, 0.30266809463500977,
    0.35736608505249023, -0.2832058072090149, -0.1528794765472412, -0.49593693017959595, 0.9596439599990845,
    -1.085827112197876, 1.1357370615005493, -0.5568761229515076, -0.2855088710784912, -0.05470907688140869,
    0.7145775556564331, 0.7646540403366089, 0.0707777738571167, -0.049045681953430176, 0.16667437553405762,
    -0.26262253522872925, 1.0424946546554565, 0.8232215642929077, -1.0507428646087646, -0.39829641580581665,
    -1.0113226175308228, 0.362945556640625]


def test_gates_of_fused_layers() -> None:
    fused = init.FusedRNN(init.Xavier(), 2, 1, "lstm")
    array = nd.zeros((48,))
    mx.random.seed(0)
    fused._init_weight("parameters", array)
    assert array.asnumpy().tolist() == GATES + [0, 0, 1, 1, 0, 0, 0, 0] * 2
    assert init.create(fused.dumps()).dumps() == fused.dumps()
    mx.random.seed(0)
    init.Xavier()(init.InitDesc("parameters", {"__init__": init.FusedRNN(None, 2, 1, "lstm").dumps()}), array)
    assert array.asnumpy().tolist() == GATES + [0, 0, 1, 1, 0, 0, 0, 0] * 2


def test_create_and_dumps() -> None:
    xavier = '["xavier", {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}]'
    assert init.Xavier().dumps() == xavier
    for initializer in (init.Xavier(magnitude=2.0), init.MSRAPrelu(slope=0.1), init.Uniform(0.1),
                        init.Zero()):
        assert init.create(initializer.dumps()) == initializer
    assert isinstance(init.create("zeros"), init.Zero)


@pytest.mark.parametrize("call, words", [
    (lambda: run(init.Xavier(), (3,)), "cannot be applied to vector w_weight"),
    (lambda: run(init.Uniform(), (3,), "foo"), "Unknown initialization pattern for foo"),
    (lambda: init.create("xavir"), "did you mean 'xavier'"),
    (lambda: init.Xavier(rnd_type="x"), "'gaussian'"),
    (lambda: init.Orthogonal(rand_type="x"), "'normal'"), (lambda: init.Mixed(["a"], []), "1 patterns"),
    (lambda: init.Mixed(["a"], [init.Zero()])("b", nd.zeros((1,))), "did not match any pattern"),
    (lambda: init.Load({})("b", nd.zeros((1,))), "Cannot initialize b"),
    (lambda: init.Load({"b": nd.zeros((2,))})("b", nd.zeros((1,))), "Shape mismatch"),
])
def test_errors(call: object, words: str) -> None:
    with pytest.raises(MXNetError, match=words):
        call()      # type: ignore[operator]
