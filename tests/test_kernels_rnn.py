"""Recurrent layers on the compiled kernels: a plain backward beside the generic one."""
from __future__ import annotations

from typing import Any

import numpy
import pytest
from mxgrad import autograd, gluon, nd
from mxgrad.kernels import cpu
from test_kernels import NEVER, kernels_from

pytestmark = pytest.mark.skipif(cpu.lib is None, reason="the kernels are not built (make setup)")

LAYERS: dict[str, tuple[type, dict[str, Any]]] = {
    "relu": (gluon.rnn.RNN, {"activation": "relu"}),
    "tanh": (gluon.rnn.RNN, {"activation": "tanh"}),
    "lstm": (gluon.rnn.LSTM, {}),
    "gru": (gluon.rnn.GRU, {}),
    "two layers, both directions": (gluon.rnn.LSTM, {"num_layers": 2, "bidirectional": True}),
    "sequences that end": (gluon.rnn.LSTM, {"bidirectional": True, "use_sequence_length": True}),
    "sequences of a gru": (gluon.rnn.GRU, {"bidirectional": True, "use_sequence_length": True}),
    "sequences of a rnn": (gluon.rnn.RNN, {"bidirectional": True, "use_sequence_length": True}),
    "projection": (gluon.rnn.LSTM, {"projection_size": 5}),
    "clipped": (gluon.rnn.LSTM, {"state_clip_min": -0.1, "state_clip_max": 0.1}),
}


def trained(kind: type, params: dict[str, Any], size: int, batch: int, last: bool) -> list[numpy.ndarray]:
    """Outputs, and gradients of inputs, states and weights; of the last states' too if `last`."""
    draw = numpy.random.RandomState(0)
    layer = kind(size, input_size=7, **params)
    layer.initialize()
    for weight in layer.collect_params().values():
        weight.set_data(nd.array(draw.uniform(-0.5, 0.5, weight.shape)))
    x = nd.array(draw.standard_normal((5, batch, 7)))
    states = [nd.array(draw.uniform(-1, 1, s.shape)) for s in layer.begin_state(batch)]
    for a in (x, *states):
        a.attach_grad()
    lengths = [nd.array(draw.randint(1, 6, batch))] if params.get("use_sequence_length") else []
    with autograd.record():
        out, ends = layer(x, states, *lengths)
        total = (out * nd.array(draw.standard_normal(out.shape))).sum()
        if last:
            total = total + sum((e * e).sum() for e in ends)
    total.backward()
    return [a.asnumpy() for a in (out, *ends, x.grad, *(s.grad for s in states),
                                  *(w.grad() for w in layer.collect_params().values()))]


@pytest.mark.parametrize("last", [False, True], ids=["outputs", "states too"])
@pytest.mark.parametrize("size, batch", [(1, 1), (19, 3), (64, 32), (70, 50)])
@pytest.mark.parametrize("name", LAYERS)
def test_a_backward_agrees(name: str, size: int, batch: int, last: bool) -> None:
    with kernels_from(NEVER):
        expected = trained(*LAYERS[name], size, batch, last)
    with kernels_from(0):
        got = trained(*LAYERS[name], size, batch, last)
    for a, b in zip(got, expected, strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5 * float(abs(b).max()))


def test_results_do_not_depend_on_the_threads() -> None:
    before = cpu.threads()
    try:
        results = []
        for threads in (1, 2, 3):
            cpu.set_threads(threads)
            results.append(trained(*LAYERS["lstm"], 130, 40, True))
    finally:
        cpu.set_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert (a == b).all()


def test_nan_stays_in_its_sequence() -> None:
    layer = gluon.rnn.LSTM(40, input_size=3)
    layer.initialize()
    x = numpy.ones((4, 9, 3), "float32")
    x[1, 4] = numpy.nan
    with kernels_from(0):
        out = layer(nd.array(x)).asnumpy()
    spoiled = numpy.isnan(out)
    assert spoiled[1:, 4].all() and spoiled.sum() == 3 * 40
