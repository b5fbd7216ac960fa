"""gluon.rnn: what cells and layers print and compute, against MXNet 1.9.1 and 2.0
(tests/data/record_gluon_rnn.py), and against each other.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from checks import values, version
from mxgrad import autograd, gluon, nd, np
from mxgrad.base import InvalidTypeError, InvalidValueError
from mxgrad.gluon import nn, rnn
from mxgrad.gluon.rnn.rnn_cell import dynamic_unroll
from mxgrad.testing import check_grads

DATA = Path(__file__).parent / "data"
RECORDED = {v: json.loads((DATA / f"gluon_rnn_{v}.json").read_text()) for v in ("1.9.1", "2.0")}
MODES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "rnn_relu": (rnn.RNN, lambda n, **k: rnn.RNNCell(n, activation="relu", **k)),
    "rnn_tanh": (lambda n, **k: rnn.RNN(n, activation="tanh", **k), rnn.RNNCell),
    "lstm": (rnn.LSTM, rnn.LSTMCell),
    "gru": (rnn.GRU, rnn.GRUCell),
}


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


def test_exported_models_of_mxnet() -> None:
    """MXNet 1 leaves the batch open in the states of a graph; here it is another than there, too."""
    case = RECORDED["1.9.1"]["exported"]
    net = gluon.SymbolBlock.imports(
        str(DATA / "gluon_rnn_1.9.1-symbol.json"), ["data"], str(DATA / "gluon_rnn_1.9.1-0000.params"))
    x = nd.array(case["x"])
    close(net(x), case["y"])
    close(net(x[:1]), case["y"][:1])


# -- layers against cells -----------------------------------------------------------------------------------


def parts(layer: Any) -> dict[str, numpy.ndarray]:
    """The parameters of a layer by the names they have in MXNet 1."""
    if not layer._packed:
        return {n: p.data().asnumpy() for n, p in layer._reg_params.items()}
    vector = layer.rnn_param.data().asnumpy()
    found = {}
    for kind in ("weight", "bias"):
        for name, shape in layer._shapes(layer._input_size):
            if name.endswith(kind):
                found[name], vector = vector[:numpy.prod(shape)].reshape(shape), vector[numpy.prod(shape):]
    return found


def take_over(cell: Any, found: dict[str, numpy.ndarray], start: str, array: Any) -> None:
    for name, p in cell._reg_params.items():
        p.shape = found[start + name].shape
        p.initialize()
        p.set_data(array(found[start + name]))


def unfused(layer: Any, make: Callable[..., Any], array: Any) -> Any:
    """Cells with the parameters of a layer."""
    cells = stack()
    for k in range(layer._num_layers):
        made = [make(layer._hidden_size) for _ in range(layer._dir)]
        for direction, cell in zip("lr", made):
            take_over(cell, parts(layer), f"{direction}{k}_", array)
        cells.add(rnn.BidirectionalCell(*made) if layer._dir == 2 else made[0])
    return cells


@pytest.mark.parametrize("number", RECORDED)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", ("TNC", "NTC"))
@pytest.mark.parametrize("directions", (1, 2))
@pytest.mark.parametrize("lengths", (None, [3, 5, 1]))
def test_a_layer_is_its_cells_unrolled(
    number: str, mode: str, layout: str, directions: int, lengths: list[int] | None,
) -> None:
    make_layer, make_cell = MODES[mode]
    with version(number) as array:
        layer = make_layer(4, num_layers=2, layout=layout, bidirectional=directions == 2,
                           use_sequence_length=lengths is not None)
        layer.initialize(mx.init.Uniform(0.7))
        x = array(values((5, 3, 2) if layout == "TNC" else (3, 5, 2), 0.37))
        valid = None if lengths is None else array(lengths)
        first = [array(values(i["shape"], 0.23)) for i in layer.state_info(3)]
        layer(x, first, valid) if lengths else layer(x, first)
        cells = unfused(layer, make_cell, array)
        # Each layer's and direction's states are next to each other.
        begin = [state[k] for k in range(2 * directions) for state in first]
        got = []
        runs: tuple[Callable[[], Any], ...] = (
            lambda: layer(x, first, valid) if lengths else layer(x, first),
            lambda: cells.unroll(5, x, begin, layout=layout, merge_outputs=True, valid_length=valid),
        )
        for run in runs:
            x.attach_grad()
            with autograd.record():
                y, states = run()
                total = (y * array(values(y.shape, 0.11))).sum()
                for s in states:
                    total = total + (s * s).sum()
            total.backward()
            got.append((y, states, x.grad))
        (y, states, dx), (y2, states2, dx2) = got
        close(y, y2.asnumpy())
        close(dx, dx2.asnumpy())
        each = [s[k] for k in range(2 * directions) for s in states]
        for one, other in zip(each, states2):
            close(one, other.asnumpy())


@pytest.mark.parametrize("number", RECORDED)
def test_a_projection_is_that_of_the_cell(number: str) -> None:
    with version(number) as array:
        layer = rnn.LSTM(4, projection_size=2, h2r_weight_initializer="ones", i2h_bias_initializer="ones")
        layer.initialize(mx.init.Uniform(0.7))
        x = array(values((5, 2, 3), 0.37))
        layer(x)
        y, (r, c) = layer(x, layer.begin_state(batch_size=2))
        assert parts(layer)["l0_h2r_weight"].tolist() == [[1] * 4] * 2
        assert parts(layer)["l0_i2h_bias"].tolist() == [1] * 16
        cell = rnn.LSTMPCell(4, 2)
        take_over(cell, parts(layer), "l0_", array)
        y2, (r2, c2) = cell.unroll(5, x, layout="TNC", merge_outputs=True)
        for a, b in ((y, y2), (r[0], r2), (c[0], c2)):
            close(a, b.asnumpy())


@pytest.mark.parametrize("number", RECORDED)
def test_bounds_of_the_cells(number: str) -> None:
    with version(number) as array:
        layer = rnn.LSTM(2, state_clip_min=-0.1, state_clip_max=0.2, state_clip_nan=True)
        layer.initialize(mx.init.Uniform(2))
        _, (_, c) = layer(array(values((5, 1, 3), 0.37)), layer.begin_state(batch_size=1))
        assert c.asnumpy().min() >= numpy.float32(-0.1) and c.asnumpy().max() <= numpy.float32(0.2)
        _, (_, c) = layer(array([[[numpy.nan] * 3]]), layer.begin_state(batch_size=1))
        assert c.asnumpy().ravel().tolist() == [numpy.float32(-0.1)] * 2


# -- gradients ----------------------------------------------------------------------------------------------


def float64(block: Any) -> Any:
    block.initialize(mx.init.Uniform(0.7))
    block.cast("float64")
    return block


@pytest.mark.parametrize("make", [
    lambda: rnn.RNNCell(2, input_size=3), lambda: rnn.LSTMCell(2, input_size=3),
    lambda: rnn.GRUCell(2, input_size=3), lambda: rnn.LSTMPCell(3, 2, input_size=3),
    lambda: rnn.ResidualCell(rnn.GRUCell(3, input_size=3)),
    lambda: rnn.BidirectionalCell(rnn.LSTMCell(2, input_size=3), rnn.GRUCell(1, input_size=3)),
    lambda: rnn.Conv1DLSTMCell((3, 4), 1, 3, 3, i2h_pad=1),
    lambda: rnn.Conv1DGRUCell((3, 4), 1, 1, 3),
])
def test_gradients_of_cells(make: Callable[[], Any]) -> None:
    cell = float64(make())
    params = list(cell.collect_params().values())
    shape = (2, 3, 3, 4) if "Conv" in type(cell).__name__ else (2, 3, 3)

    def compute(x: Any, *arrays: Any) -> Any:
        for p, a in zip(params, arrays):
            p._data = [a]
        y, states = cell.unroll(3, x, merge_outputs=True, valid_length=nd.array([3, 2], dtype="float64"))
        return (y, *states)

    x = nd.array(values(shape, 0.37, "float64"), dtype="float64")
    check_grads(compute, [x, *(p.data().copy() for p in params)], order=2, rtol=(1e-6, 1e-4))


@pytest.mark.parametrize("number", RECORDED)
@pytest.mark.parametrize("mode", ("rnn_tanh", "lstm", "gru"))
def test_gradients_of_layers(number: str, mode: str) -> None:
    with version(number) as array:
        layer = float64(MODES[mode][0](2, num_layers=2, bidirectional=True, layout="NTC"))
        x = array(values((2, 3, 2), 0.37, "float64"), dtype="float64")
        begin = [array(values((4, 2, 2), 0.23 + i, "float64"), dtype="float64") for i in range(layer._states)]
        layer(x, begin)
        params = list(layer._reg_params.values())

        def compute(x: Any, *arrays: Any) -> Any:
            for p, a in zip(params, arrays[len(begin):]):
                p._data = [a]
            y, states = layer(x, list(arrays[:len(begin)]))
            return (y, *states)

        check_grads(compute, [x, *begin, *(p.data().copy() for p in params)], order=2)


# -- states -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", RECORDED)
def test_first_states(number: str) -> None:
    with version(number):
        kind = type(mx.np.zeros(1)) if number == "2.0" else nd.NDArray
        for block in (rnn.LSTMCell(3), rnn.LSTM(3), stack(rnn.GRUCell(3), rnn.GRUCell(3)),
                      rnn.ResidualCell(rnn.LSTMCell(3))):
            made = block.begin_state(batch_size=2, ctx=mx.cpu(1), dtype="float64")
            assert [type(s) for s in made] == [kind] * 2
            for s in made:
                assert (s.shape[-2:], s.context, s.dtype) == ((2, 3), mx.cpu(1), numpy.float64)
                assert not s.asnumpy().any()
            ones = np.ones if number == "2.0" else nd.ones
            assert all(s.asnumpy().all() for s in block.begin_state(batch_size=2, func=ones))
            drawn = np.random.uniform if number == "2.0" else nd.random.uniform
            assert [s.shape[-2:] for s in block.begin_state(2, drawn, low=1, high=2)] == [(2, 3)] * 2
        assert rnn.LSTM(3, dtype="float64").begin_state(2)[0].dtype == numpy.float64


def test_names_of_states_and_outputs_of_symbols() -> None:
    """As MXNet 1 calls them."""
    cell = rnn.LSTMCell(3, prefix="rnn_")
    first = cell.begin_state(func=mx.sym.var)
    assert [s.name for s in first] == ["rnn_begin_state_0", "rnn_begin_state_1"]
    outputs, _ = cell.unroll(2, [mx.sym.var("a"), mx.sym.var("b")])
    both = mx.sym.Group(outputs)
    assert both.list_outputs() == ["rnn_t0_out_output", "rnn_t1_out_output"]
    assert set(both.list_arguments()) == {
        "a", "b", "rnn_i2h_weight", "rnn_i2h_bias", "rnn_h2h_weight", "rnn_h2h_bias"}
    assert both.infer_shape(a=(10, 5), b=(10, 5))[1] == [(10, 3), (10, 3)]
    assert [s.name for s in rnn.GRU(3, prefix="gru_").begin_state(func=mx.sym.var)] == ["gru_h0_0"]


def test_inputs_decide_dtype_and_place_of_the_first_states() -> None:
    layer, cell = rnn.GRU(2), rnn.GRUCell(2)
    for block in (layer, cell):
        block.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
        block.cast("float64")
    x = nd.ones((3, 2, 4), ctx=mx.cpu(1), dtype="float64")
    for y in (layer(x), cell.unroll(3, x, layout="TNC", merge_outputs=True)[0]):
        assert (y.context, y.dtype) == (mx.cpu(1), numpy.float64)
    y, _ = layer(x, layer.begin_state(2))       # states from elsewhere come along
    assert y.context == mx.cpu(1)


def test_states_go_on_and_are_cut_off() -> None:
    """Truncated backpropagation, as books write it."""
    layer = rnn.RNN(3, activation="tanh")
    layer.initialize(mx.init.Uniform(0.7))
    x = nd.array(values((4, 2, 3), 0.37))
    whole, _ = layer(x, layer.begin_state(2))
    states = layer.begin_state(2)
    pieces = []
    for piece in (x[:2], x[2:]):
        states = [s.detach() for s in states]
        with autograd.record():
            y, states = layer(piece, states)
        y.backward()
        pieces.append(y.asnumpy())
    close(whole, numpy.concatenate(pieces))


# -- unrolling ----------------------------------------------------------------------------------------------


def test_what_unroll_gives_and_takes() -> None:
    cell = rnn.GRUCell(2)
    cell.initialize()
    x = nd.array(values((3, 4, 5), 0.37))
    steps = [x[:, t] for t in range(4)]
    want, last = cell.unroll(4, x, merge_outputs=True)
    for inputs in (x, steps, tuple(steps)):
        for length in (4, None):
            listed, _ = cell.unroll(length, inputs)
            assert isinstance(listed, list)
            close(nd.stack(*listed, axis=1), want.asnumpy())
    again, _ = cell.unroll(2, x[:, 2:], cell.unroll(2, x[:, :2])[1], merge_outputs=True)
    close(again, want[:, 2:].asnumpy())
    one, (end,) = cell.unroll(1, x[:, :1])
    assert len(one) == 1
    close(one[0], want[:, 0].asnumpy())
    masked, (end,) = cell.unroll(4, x, valid_length=nd.array([1, 4, 2]))
    assert not masked[0, 1:].asnumpy().any() and not masked[2, 2:].asnumpy().any()
    close(end, [want[0, 0].asnumpy(), want[1, 3].asnumpy(), want[2, 1].asnumpy()])


def test_bidirectional_cells_without_merge_outputs_but_with_lengths() -> None:
    """MXNet fails: it stacks what has been stacked."""
    cell = bi()
    cell.initialize()
    x, lengths = nd.array(values((2, 3, 4), 0.37)), nd.array([2, 3])
    y, _ = cell.unroll(3, x, valid_length=lengths)
    close(y, cell.unroll(3, x, merge_outputs=True, valid_length=lengths)[0].asnumpy())
    with pytest.raises(NotImplementedError, match="cannot be stepped"):
        cell(x[:, 0], cell.begin_state(batch_size=2))


@pytest.mark.parametrize("lengths", (None, [2, 4]))
def test_dynamic_unroll(lengths: list[int] | None) -> None:
    cell = rnn.LSTMCell(3)
    cell.initialize()
    x = nd.array(values((4, 2, 3), 0.37))
    valid = None if lengths is None else nd.array(lengths)
    got = dynamic_unroll(cell, x, cell.begin_state(batch_size=2), valid_length=valid)
    want = cell.unroll(4, x, layout="TNC", merge_outputs=True, valid_length=valid)
    for a, b in zip(flat(got), flat(want)):
        close(a, b.asnumpy())
    turned, _ = dynamic_unroll(cell, x.swapaxes(0, 1), cell.begin_state(batch_size=2), layout="NTC",
                               valid_length=valid)
    close(turned.swapaxes(0, 1), want[0].asnumpy())
    with autograd.record():
        dropped, _ = dynamic_unroll(
            cell, x, cell.begin_state(batch_size=2), drop_inputs=0.5, drop_outputs=0.5)
    zero = dropped.asnumpy() == 0
    assert zero.any() and (zero == zero[0]).all()


@pytest.mark.parametrize("number", RECORDED)
def test_cells_of_users(number: str) -> None:
    """Both versions' ways to write them, in a stack with others."""
    class Old(rnn.HybridRecurrentCell):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.scale = self.params.get("scale", shape=(1,), init="ones")

        def state_info(self, batch_size: int = 0) -> Any:
            return [{"shape": (batch_size, 2), "__layout__": "NC"}]

        def hybrid_forward(self, F: Any, inputs: Any, states: Any, scale: Any) -> Any:
            total = F.broadcast_mul(inputs, scale) + states[0]
            return total, [total]

    class New(rnn.RecurrentCell):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Dense(2)

        def state_info(self, batch_size: int = 0) -> Any:
            return [{"shape": (batch_size, 2)}]

        def forward(self, inputs: Any, states: Any) -> Any:
            y = self.inner(inputs) + states[0]
            return y, [y]

    with version(number) as array:
        cells = rnn.SequentialRNNCell()
        for cell in (Old(), New(), rnn.RNNCell(2)):
            cells.add(cell)
        cells.initialize()
        y, states = cells.unroll(3, array(values((1, 3, 2), 0.37)), merge_outputs=True)
        assert (y.shape, len(states), len(cells)) == ((1, 3, 2), 3, 3)
        assert type(y) is type(array(0)) and isinstance(cells[1], New)
        close(states[0], values((1, 3, 2), 0.37).sum(axis=1))


# -- dropout ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", RECORDED)
def test_dropout_between_layers(number: str) -> None:
    with version(number) as array:
        layer, one = (rnn.GRU(3, num_layers=2, dropout=p) for p in (1.0, 0.0))
        layer.initialize(mx.init.Uniform(0.7))
        x = array(values((4, 2, 3), 0.37))
        layer(x)
        one.load_dict({n: p.data() for n, p in layer._collect_params_with_prefix().items()})
        close(layer(x), one(x).asnumpy())
        with autograd.record():     # nothing goes from the first layer to the second
            y = layer(x)
        assert (y.asnumpy()[:, 0] == y.asnumpy()[:, 1]).all()
        single = rnn.GRU(3, dropout=1.0)
        single.initialize()
        with autograd.record():
            assert single(x).asnumpy().any()


def test_variational_dropout_chooses_once_for_all_steps() -> None:
    cell = rnn.VariationalDropoutCell(rnn.RNNCell(50), 0.5, 0.5, 0.5)
    cell.initialize()
    with autograd.record():
        y, _ = cell.unroll(4, nd.ones((2, 4, 3)), merge_outputs=True)
    zero = y.asnumpy() == 0
    assert 0.2 < zero.mean() < 0.8 and (zero == zero[:, :1]).all()
    first = cell.drop_outputs_mask
    cell.reset()
    assert first is not None and cell.drop_outputs_mask is None
    close(cell.unroll(4, nd.ones((2, 4, 3)), merge_outputs=True)[0],
          cell.base_cell.unroll(4, nd.ones((2, 4, 3)), cell.begin_state(batch_size=2), merge_outputs=True)[0]
          .asnumpy())


def test_zoneout_keeps() -> None:
    cell = rnn.ZoneoutCell(rnn.RNNCell(50, i2h_bias_initializer="ones"), 0.5, 0.5)
    cell.initialize()
    for _ in range(2):      # the second sequence begins without an output of the first
        with autograd.record():
            y, _ = cell.unroll(3, nd.ones((2, 3, 3)), merge_outputs=True)
        kept = y.asnumpy()[:, 1:] == y.asnumpy()[:, :-1]
        assert 0.2 < kept.mean() < 0.8
        assert 0.2 < (y.asnumpy()[:, 0] == 0).mean() < 0.8


# -- sharing, files, training -------------------------------------------------------------------------------


def test_shared_parameters() -> None:
    first = rnn.LSTMCell(3, prefix="a_")
    second = rnn.LSTMCell(3, prefix="a_", params=first.params)
    layer = rnn.LSTM(3, prefix="b_")
    other = rnn.LSTM(3, prefix="b_", params=layer.params)
    for one, two in ((first, second), (layer, other)):
        one.initialize()
        assert all(a is b for a, b in zip(one._reg_params.values(), two._reg_params.values()))
    x = nd.ones((2, 1, 4))
    close(layer(x), other(x).asnumpy())


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    path = str(tmp_path / "layer.params")
    layer = rnn.LSTM(3, input_size=2)
    layer.initialize()
    layer.save_parameters(path)
    with pytest.raises(mx.gluon.parameter.LoadError, match=r"- _unfused.0.l_cell.i2h_weight"):
        rnn.LSTM(3, bidirectional=True).load_parameters(path)
    with pytest.raises(mx.gluon.parameter.LoadError, match="shape incompatible"):
        rnn.LSTM(4).load_parameters(path)
    with version("2.0"):
        with pytest.raises(mx.gluon.parameter.LoadError, match="rnn_param"):
            rnn.LSTM(3, 2).load_parameters(path)
        with pytest.raises(mx.gluon.parameter.LoadError, match="rnn_param"):
            rnn.GRU(3).load_parameters(str(DATA / "gluon_rnn_2.0.params"))
    twelve = rnn.RNN(1, 12, input_size=1)
    twelve.initialize()
    twelve.save_parameters(path)        # MXNet has names for ten layers
    rnn.RNN(1, 12).load_parameters(path)


@pytest.mark.parametrize("number", RECORDED)
def test_training(number: str) -> None:
    """Which of two numbers came first in a sequence is learned."""
    with version(number) as array:
        numpy.random.seed(0)
        mx.random.seed(0)
        x = numpy.random.rand(64, 6, 1).astype("float32")
        label = (x[:, 0, 0] > x[:, 1, 0]).astype("float32") * 2 - 1
        net = rnn.LSTM(8, layout="NTC")
        dense = nn.Dense(1)
        losses = []
        for block in (net, dense):
            block.initialize(mx.init.Xavier())
        params = {**net.collect_params(), **{"dense_" + n: p for n, p in dense.collect_params().items()}}
        inputs, target = array(x), array(label)
        net(inputs)
        trainer = gluon.Trainer(params, "adam", {"learning_rate": 0.05})
        for _ in range(60):
            with autograd.record():
                loss = ((dense(net(inputs)[:, -1]).reshape(-1) - target) ** 2).mean()
            loss.backward()
            trainer.step(1)
            losses.append(float(loss))
        assert losses[-1] < 0.5 * losses[0]


def test_exported_and_imported_again(tmp_path: Path) -> None:
    class Net(gluon.HybridBlock):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            with self.name_scope():
                self.lstm = rnn.LSTM(3, num_layers=2, bidirectional=True, layout="NTC")
                self.gru = rnn.GRU(2)
                self.cell = rnn.BidirectionalCell(rnn.LSTMCell(2), rnn.GRUCell(2))

        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return self.cell.unroll(5, self.gru(self.lstm(x)), merge_outputs=True)[0]

    net = Net()
    net.initialize(mx.init.Uniform(2))
    net.hybridize()
    x = nd.array(values((4, 5, 3), 0.37))
    y = net(x)
    names = net.export(str(tmp_path / "net"))
    again = gluon.SymbolBlock.imports(names[0], ["data"], names[1])
    close(again(x), y.asnumpy())
    close(again(x[:1]), y[:1].asnumpy())
    written = json.loads(Path(names[0]).read_text())["nodes"]
    # MXNet asks for it; with it, it computes the same.
    assert {n["attrs"].get("num_args") for n in written if n["op"] == "Concat"} == {"2", "16", "4"}


# -- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, error, text", [
    (lambda: rnn.LSTM(3, layout="CNT"), InvalidValueError, "Invalid layout CNT; must be one of"),
    (lambda: rnn.RNN(3, activation="tan"), InvalidValueError, "activation is 'relu' or 'tanh', got 'tan'"),
    (lambda: rnn.GRU(0), InvalidValueError, "at least 1, got 0 and 1"),
    (lambda: rnn.GRU(3, dropout=2), InvalidValueError, "dropout is a probability, got 2"),
    (lambda: rnn.LSTM(3, state_clip_min=1.0), InvalidValueError, "given together"),
    (lambda: layer()(nd.ones((4, 2))), InvalidValueError, r"LSTM: inputs have three axes, TNC here, got"),
    (lambda: layer()(nd.ones((4, 2, 5))), InvalidValueError, "not those for inputs of 5 features"),
    (lambda: layer()(nd.ones((0, 2, 2))), InvalidValueError, "no steps"),
    (lambda: layer()(nd.ones((4, 2, 2), dtype="float64")), InvalidTypeError, "inputs are float64, states fl"),
    (lambda: layer()(nd.ones((4, 2, 2)), nd.ones((1, 2, 3))), InvalidValueError, "LSTM has 2 states, got 1"),
    (lambda: layer()(nd.ones((4, 2, 2)), layer().begin_state(3)), InvalidValueError,
     r"Expecting \(1, 2, 3\), got \(1, 3, 3\)"),
    (lambda: layer()(nd.ones((4, 2, 2)), None, nd.ones(2)), InvalidValueError, "use_sequence_length=True"),
    (lambda: layer(use_sequence_length=True)(nd.ones((4, 2, 2)), None, nd.ones(3)), InvalidValueError,
     r"sequence_length has shape \(2,\) here, got \(3,\)"),
    (lambda: cell().unroll(3, None), InvalidTypeError, "inputs are one array or a list"),
    (lambda: cell().unroll(3, []), InvalidTypeError, "inputs are one array or a list"),
    (lambda: cell().unroll(3, nd.ones((2, 4, 2))), InvalidValueError, "inputs have 4 steps, length is 3"),
    (lambda: cell().unroll(3, [nd.ones((2, 2))] * 2), InvalidValueError, "inputs have 2 steps, length is 3"),
    (lambda: cell().unroll(2, nd.ones((2, 2, 2)), layout="NC"), InvalidValueError, "has axes N and T"),
    (lambda: cell().unroll(2, nd.ones(2), layout="NTC"), InvalidValueError, "do not have the layout 'NTC'"),
    (lambda: cell().unroll(None, mx.sym.var("x")), InvalidValueError, "an unknown number of steps"),
    (lambda: rnn.DropoutCell("much"),  # type: ignore[arg-type]
     InvalidTypeError, "rate must be a number, got 'much'"),
    (lambda: rnn.ZoneoutCell(bi()), InvalidValueError, "doesn't support zoneout"),
    (lambda: rnn.VariationalDropoutCell(stack(bi()), drop_states=0.1), InvalidValueError,
     "doesn't support variational state dropout"),
    (lambda: rnn.Conv2DRNNCell((1, 4, 4), 1, 3, 2), InvalidValueError, "Only support odd number"),
    (lambda: rnn.Conv2DRNNCell((1, 4, 4), 1, (3,), 3), InvalidValueError, r"For 2D .* i2h_kernel=\(3,\)"),
    (lambda: rnn.Conv2DRNNCell((4, 4), 1, 3, 3), InvalidValueError, "input_shape has 3 lengths"),
    (lambda: rnn.RecurrentCell().state_info(), NotImplementedError, "does not define state_info"),
])
def test_bad_input(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def layer(**kwargs: Any) -> Any:
    made = rnn.LSTM(3, input_size=2, **kwargs)
    made.initialize()
    return made


def cell() -> Any:
    made = rnn.RNNCell(3)
    made.initialize()
    return made


def test_a_modified_cell_is_used_through_its_modifier_only() -> None:
    base = rnn.RNNCell(3)
    with pytest.raises(InvalidValueError, match="stepped|children|Children"):
        rnn.ResidualCell(rnn.SequentialRNNCell())  # type: ignore[arg-type]
    modified = rnn.ResidualCell(base)
    for call in (lambda: base.begin_state(batch_size=1), lambda: base.unroll(1, nd.ones((1, 1, 3)))):
        with pytest.raises(InvalidValueError, match="After applying modifier cells"):
            call()
    with pytest.raises(InvalidValueError, match="already modified"):
        rnn.ZoneoutCell(base)
    modified.initialize()
    with pytest.raises(InvalidValueError):
        modified.unroll(2, nd.ones((1, 1, 3)))
    assert base._modified
    assert list(modified.params) == list(base.params) == list(modified.collect_params())
    assert modified.unroll(1, nd.ones((1, 1, 3)), merge_outputs=True)[0].shape == (1, 1, 3)


def test_a_packed_vector_of_another_length() -> None:
    with version("2.0"), pytest.raises(InvalidValueError, match="not those for inputs of 4 features"):
        made = rnn.LSTM(3)
        made.initialize()
        made(np.ones((1, 1, 2)))
        made(np.ones((1, 1, 4)))
    with pytest.raises(ValueError, match="no input size gives such layers 7 parameters"):
        mx.init.RNNFused("lstm", 1, 3)(mx.init.InitDesc("x_weight"), nd.zeros(7))
