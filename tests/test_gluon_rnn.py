"""gluon.rnn: what cells and layers print and compute, against MXNet 1.9.1 and 2.0
(tests/data/record_gluon_rnn.py), and against each other.
"""
from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, gluon, nd, np, npx
from mxgrad.base import InvalidTypeError, InvalidValueError
from mxgrad.gluon import nn, rnn

DATA = Path(__file__).parent / "data"
RECORDED = {v: json.loads((DATA / f"gluon_rnn_{v}.json").read_text()) for v in ("1.9.1", "2.0")}
MODES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "rnn_relu": (rnn.RNN, lambda n, **k: rnn.RNNCell(n, activation="relu", **k)),
    "rnn_tanh": (lambda n, **k: rnn.RNN(n, activation="tanh", **k), rnn.RNNCell),
    "lstm": (rnn.LSTM, rnn.LSTMCell),
    "gru": (rnn.GRU, rnn.GRUCell),
}


@contextlib.contextmanager
def version(number: str) -> Iterator[Any]:
    """The flavour of that MXNet, and its function that makes arrays."""
    with npx.np_shape(number == "2.0"), npx.np_array(number == "2.0"):
        yield mx.np.array if number == "2.0" else nd.array


def values(shape: Any, step: float, dtype: Any = "float32") -> numpy.ndarray:
    """As in record_gluon_rnn.py."""
    steps: numpy.ndarray = numpy.arange(numpy.prod(shape, dtype=int)) * step
    return (steps % 1.7 - 0.6).reshape(shape).astype(dtype)  # type: ignore[no-any-return]


def fill(block: Any, array: Any) -> None:
    for i, p in enumerate(block.collect_params().values()):
        p.set_data(array(values(p.shape, 0.31 + 0.07 * i), dtype=p.dtype))


def flat(found: Any) -> list[Any]:
    return [a for f in found for a in flat(f)] if isinstance(found, (list, tuple)) else [found]


def close(ours: Any, theirs: Any) -> None:
    numpy.testing.assert_allclose(ours.asnumpy(), theirs, rtol=1e-4, atol=2e-5)


def stack(*cells: Any) -> Any:
    made = rnn.HybridSequentialRNNCell()
    for cell in cells:
        made.add(cell)
    return made


def bi() -> Any:
    return rnn.BidirectionalCell(rnn.LSTMCell(3, input_size=4), rnn.GRUCell(2, input_size=4))


def names(block: Any, number: str) -> list[str]:
    return [n if number == "2.0" else re.sub(r"^.*?\d+_", "", n) for n in block.collect_params()]


class Net(gluon.Block):
    """As in record_gluon_rnn.py."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers = rnn.LSTM(3, 2, bidirectional=True, layout="NTC")
        self.top = rnn.GRU(2, layout="NTC")
        self.cells = stack(bi(), rnn.ResidualCell(rnn.GRUCell(5, input_size=5)))
        self.dense = nn.Dense(2)

    def forward(self, x: Any) -> Any:
        y = self.top(self.layers(x))
        z, _ = self.cells.unroll(3, x, merge_outputs=True)
        return self.dense(y) + self.dense(z[:, :, :2])


# -- against MXNet ------------------------------------------------------------------------------------------

CASES = [(v, case) for v in RECORDED for case in RECORDED[v]["cases"]]


@pytest.mark.parametrize(
    "number, case", CASES, ids=lambda c: c if isinstance(c, str) else f"{c['source']}-{c['arguments']}")
def test_recorded(number: str, case: dict[str, Any]) -> None:
    source, shape = case["source"], case["shape"]
    with version(number) as array:
        block = eval(source, {"rnn": rnn, "nn": nn, "contrib": gluon.contrib.rnn, "stack": stack, "bi": bi})
        shown = (case["repr"], case["repr_after"])
        if number == "2.0":     # MXNet 2 shows -1 for what it does not know
            shown = tuple(s.replace("(-1 ->", "(None ->") for s in shown)
        assert repr(block) == shown[0]
        assert [[list(i["shape"]), i["__layout__"]] for i in block.state_info(2)] == case["info"]
        block.initialize()
        x = array(values(shape, 0.37))
        known = {"block": block, "x": x, "lengths": array([2, 4])}
        batch = shape[1] if "Cell" not in source and "NTC" not in source else shape[0]
        known["states"] = [array(values(i["shape"], 0.23)) for i in block.state_info(batch)]
        if "Cell" not in source:
            eval(case["run"], known)
        fill(block, array)
        x.attach_grad()
        mx.random.seed(5)
        with autograd.record():
            found = eval(case["run"], known)
        autograd.backward(list({id(a): a for a in flat(found)}.values()))
        params = block.collect_params()
        assert repr(block) == shown[1]
        assert [[n, list(p.shape)] for n, p in zip(names(block, number), params.values())] == case["params"]
        if isinstance(found, tuple):
            assert isinstance(found[0], list) is not case["merged"]
        ours = flat(found)
        assert len(ours) == len(case["y"])
        for y, theirs in zip(ours, case["y"]):
            assert type(y) is type(x)
            close(y, theirs)
        close(x.grad, case["dx"])
        for p, grad in zip(params.values(), case["grads"]):
            numpy.testing.assert_allclose(p.grad().asnumpy(), grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("number", RECORDED)
def test_printed(number: str) -> None:
    with version(number):
        for source, shown, theirs, shapes in RECORDED[number]["printed"]:
            block = eval(source, {"rnn": rnn})
            assert repr(block) == shown
            assert names(block, number) == theirs
            assert [list(i["shape"]) for i in block.state_info(2)] == shapes


@pytest.mark.parametrize("number", RECORDED)
def test_first_values(number: str) -> None:
    with version(number) as array:
        for source, theirs in RECORDED[number]["started"]:
            block = eval(source, {"rnn": rnn})
            mx.random.seed(3)
            block.initialize(mx.init.Uniform(0.5))
            block(array(values((2, 1, 3), 0.37)))
            for p, first in zip(block.collect_params().values(), theirs):
                close(p.data(), first)


@pytest.mark.parametrize("flavour", RECORDED)
@pytest.mark.parametrize("number", RECORDED)
def test_saved_models(number: str, flavour: str, tmp_path: Path) -> None:
    """Files of both versions load in both flavours, and give the outputs they had in MXNet."""
    case = RECORDED[number]["model"]
    with version(flavour) as array:
        net = Net()
        net.load_parameters(str(DATA / f"gluon_rnn_{number}.params"))
        x = array(case["x"])
        close(net(x), case["y"])
        net.save_parameters(str(tmp_path / "saved.params"))
        again = Net()
        again.load_parameters(str(tmp_path / "saved.params"))
        close(again(x), case["y"])
        theirs = set(mx.npx.load(str(DATA / f"gluon_rnn_{flavour}.params")))
        assert set(mx.npx.load(str(tmp_path / "saved.params"))) == theirs
