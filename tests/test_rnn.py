"""Recurrent layers: values and gradients as MXNet 1.9.1 gives them (tests/data/rnn_1.9.1.json, made by
record_rnn.py), gradients by differences, and what the original has on GPUs only against the definition.
"""
from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, autograd, nd, np, npx, tape
from mxgrad.ops.rnn import GATES, layer_shapes
from mxgrad.testing import check_grads, use_device_double

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_rnn", DATA / "record_rnn.py")
assert _spec is not None and _spec.loader is not None
record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record)
CASES = json.loads((DATA / "rnn_1.9.1.json").read_text())


@pytest.mark.parametrize(("case", "expected"), CASES, ids=[c[0] for c in CASES])
def test_as_recorded(case: str, expected: Any) -> None:
    found = record.run(case, nd, autograd, numpy)
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected):
        assert got["shape"] == wanted["shape"]
        numpy.testing.assert_allclose(got["flat"], wanted["flat"], rtol=1e-6, atol=4e-6)


def count(mode: str, layers: int, directions: int, project: int | None = None) -> int:
    shapes = layer_shapes(mode, layers, 2, 3, directions, project)
    return int(sum(numpy.prod(s) for layer in shapes for s in layer))


def arguments(
    mode: str, layers: int, directions: int, project: int | None = None, steps: int = 4,
) -> list[Any]:
    """Data of 3 sequences with 2 features, parameters, states and cells of size 3, in float64."""
    rng = numpy.random.default_rng(2)
    shapes: list[Any] = [(steps, 3, 2), count(mode, layers, directions, project),
                         (layers * directions, 3, project or 3)]
    if mode == "lstm":
        shapes.append((layers * directions, 3, 3))
    return [nd.array(rng.uniform(-1, 1, s), dtype="float64") for s in shapes]


def rnn(mode: str, layers: int = 1, directions: int = 1, project: int | None = None, **params: Any) -> Any:
    """nd.RNN of that kind, as a function of the arrays."""
    return lambda *arrays: nd.RNN(
        *arrays, mode=mode, num_layers=layers, state_size=3, bidirectional=directions == 2,
        projection_size=project, state_outputs=True, **params)


LENGTHS = {"use_sequence_length": True, "sequence_length": nd.array([4, 2, 0])}
CLIP = {"lstm_state_clip_min": -0.3, "lstm_state_clip_max": 0.2}


@pytest.mark.parametrize("params", [{}, LENGTHS], ids=["full", "lengths"])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("mode", GATES)
def test_gradients(mode: str, directions: int, params: dict[str, Any]) -> None:
    check_grads(rnn(mode, 2, directions, **params), arguments(mode, 2, directions))


@pytest.mark.parametrize("params", [{}, LENGTHS, CLIP, {**LENGTHS, **CLIP}],
                         ids=["full", "lengths", "clipped", "both"])
def test_gradients_with_a_projection(params: dict[str, Any]) -> None:
    check_grads(rnn("lstm", 2, 2, 2, **params), arguments("lstm", 2, 2, 2))


@pytest.mark.parametrize("used", [(0,), (1,), (2,), (1, 2)], ids=str)
def test_gradients_of_some_results(used: tuple[int, ...]) -> None:
    for mode in ("lstm", "gru") if used == (1,) else ("lstm",):
        f = rnn(mode)
        check_grads(lambda *arrays, f=f: [f(*arrays)[i] for i in used], arguments(mode, 1, 1))


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("mode", GATES)
def test_sequence_lengths(mode: str, directions: int) -> None:
    """Each sequence of a batch is as alone, without what is after its end, even nan."""
    x, parameters, *states = arguments(mode, 2, directions)
    marked = x.copy()
    marked[2:, 1] = numpy.nan
    marked[:, 2] = numpy.nan
    found = rnn(mode, 2, directions, **LENGTHS)(marked, parameters, *states)
    for n, length in ((0, 4), (1, 2)):
        alone = rnn(mode, 2, directions)(x[:length, n:n + 1], parameters, *[s[:, n:n + 1] for s in states])
        numpy.testing.assert_allclose(found[0][:length, n].asnumpy(), alone[0][:, 0].asnumpy(), rtol=1e-12)
        assert not found[0][length:, n].asnumpy().any()
        for many, one in zip(found[1:], alone[1:]):
            numpy.testing.assert_allclose(many[:, n].asnumpy(), one[:, 0].asnumpy(), rtol=1e-12)
    assert not found[0][:, 2].asnumpy().any()
    for last, first in zip(found[1:], states):
        assert (last[:, 2] == first[:, 2]).asnumpy().all()


def test_lengths_in_the_place_of_cells() -> None:
    """Gluon gives the arrays by position, and only 'lstm' has cells."""
    x, parameters, h = arguments("gru", 1, 1)
    lengths = nd.array([4, 2, 1])
    a = nd.RNN(x, parameters, h, lengths, mode="gru", num_layers=1, state_size=3, use_sequence_length=True)
    b = nd.RNN(x, parameters, h, None, lengths, mode="gru", num_layers=1, state_size=3,
               use_sequence_length=True)
    assert (a == b).asnumpy().all() and not a[1:, 2].asnumpy().any()


def test_clipped_cells() -> None:
    """By steps: the clipped cell is what a step gives out and what the next one takes."""
    x, parameters, h, c = arguments("lstm", 1, 1)
    whole = rnn("lstm", **CLIP)(x, parameters, h, c)
    outputs = []
    for t in range(4):
        out, h, c = rnn("lstm")(x[t:t + 1], parameters, h, c)
        free, c = c, nd.clip(c, -0.3, 0.2)
        ratio = nd.tanh(c) / nd.tanh(free)      # out is o tanh(c)
        h = h * ratio
        outputs.append(out[0] * ratio[0])
    for got, wanted in zip(whole, (nd.stack(*outputs, axis=0), h, c)):
        numpy.testing.assert_allclose(got.asnumpy(), wanted.asnumpy(), rtol=1e-10)
    assert {-0.3, 0.2} & set(whole[2].asnumpy().ravel().tolist())


def test_nan_in_cells() -> None:
    x, parameters, h, c = arguments("lstm", 1, 1)
    c[0, 1, 2] = numpy.nan
    assert numpy.isnan(rnn("lstm", **CLIP)(x, parameters, h, c)[0].asnumpy()).any()
    found = rnn("lstm", lstm_state_clip_nan=True, **CLIP)(x, parameters, h, c)
    assert numpy.isfinite(found[0].asnumpy()).all()
    assert numpy.isnan(rnn("lstm", lstm_state_clip_nan=True)(x, parameters, h, c)[0].asnumpy()).any()


def test_dropout_between_layers() -> None:
    """Layer by layer it is nd.Dropout, with its numbers; the last layer and the states are spared."""
    x, parameters, h = arguments("rnn_tanh", 2, 1)
    # The weights of both layers, then their biases.
    cut = nd.split_v2(parameters, (6, 15, 24, 33, 36, 39, 42), axis=0)
    lower, upper = (nd.concat(*[cut[i] for i in of], dim=0) for of in ((0, 1, 4, 5), (2, 3, 6, 7)))
    mx.random.seed(8)
    with autograd.train_mode():
        first, h0 = rnn("rnn_tanh")(x, lower, h[:1])
        dropped = nd.Dropout(first, p=0.4)
        second = rnn("rnn_tanh")(dropped, upper, h[1:])[0]
    mx.random.seed(8)
    with autograd.train_mode():
        out, states = rnn("rnn_tanh", 2, p=0.4)(x, parameters, h)
    numpy.testing.assert_allclose(out.asnumpy(), second.asnumpy(), rtol=1e-12)
    numpy.testing.assert_allclose(states[0].asnumpy(), h0[0].asnumpy(), rtol=1e-12)
    assert 0 < (dropped == 0).asnumpy().sum() < dropped.size
    plain = rnn("rnn_tanh", 2)(x, parameters, h)[0]
    assert (rnn("rnn_tanh", 2, p=0.4)(x, parameters, h)[0] == plain).asnumpy().all()     # not when predicting
    with autograd.train_mode():
        once = rnn("rnn_tanh", p=0.4)(x, lower, h[:1])[0]
    assert (once == first).asnumpy().all()                                               # nothing in between


def test_results() -> None:
    arrays = arguments("lstm", 1, 1)
    out = nd.RNN(*arrays, mode="lstm", num_layers=1, state_size=3)
    assert isinstance(out, nd.NDArray) and out.shape == (4, 3, 3) and out.dtype == numpy.float64
    several = rnn("lstm", 2, 2, 2)(*arguments("lstm", 2, 2, 2))
    assert isinstance(several, list)
    assert [a.shape for a in several] == [(4, 3, 4), (4, 3, 2), (4, 3, 3)]
    empty = rnn("gru")(arrays[0][:, :0], arguments("gru", 1, 1)[1], arrays[2][:, :0])
    assert [a.shape for a in empty] == [(4, 0, 3), (1, 0, 3)]


def test_npx() -> None:
    arrays = arguments("lstm", 2, 2)
    expected = rnn("lstm", 2, 2)(*arrays)
    found = npx.rnn(*[a.as_np_ndarray() for a in arrays], mode="lstm", num_layers=2, state_size=3,
                    bidirectional=True, state_outputs=True)
    assert isinstance(found, list)
    for got, wanted in zip(found, expected):
        assert type(got) is np.ndarray and (got.asnumpy() == wanted.asnumpy()).all()
    with pytest.raises(MXNetError, match="rnn: parameter 'num_layers' is required"):
        npx.rnn(*[a.as_np_ndarray() for a in arrays], mode="lstm", state_size=3)


def nodes_under(entry: Any) -> int:
    """How many nodes there are on the tape from an entry down."""
    seen, todo = set(), [entry]
    while todo:
        entry = todo.pop()
        if entry is None or isinstance(entry, tape.Leaf):
            continue
        if isinstance(entry, tape.Output):
            todo.append(entry[1])
        elif entry[tape.ORDER] not in seen:
            seen.add(entry[tape.ORDER])
            todo += tape.parents_of(entry)
    return len(seen)


@pytest.mark.parametrize("mode", GATES)
def test_a_layer_is_one_node(mode: str) -> None:
    """A pass over many steps puts no more on the tape than one over few, and nothing crosses to the host."""
    nodes = set()
    with use_device_double() as double:
        for steps in (2, 9):
            arrays = [a.as_in_context(mx.gpu(0)) for a in arguments(mode, 1, 1, steps=steps)]
            for a in arrays:
                a.attach_grad()
            with double.count() as cost:
                with autograd.record():
                    out = rnn(mode)(*arrays)[0]
                nodes.add(nodes_under(out._entry))
                out.backward()
            assert cost.d2h == cost.h2d == cost.sync == 0
    assert len(nodes) == 1 and max(nodes) < 20


X, PARAMETERS, H, C = arguments("lstm", 1, 1)


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nd.RNN(X, PARAMETERS, H, C, mode="lstn", num_layers=1, state_size=3),
     "RNN: mode is one of 'rnn_relu', 'rnn_tanh', 'lstm', 'gru', not 'lstn' (called with float64 (4, 3, 2)"),
    (lambda: nd.RNN(X, PARAMETERS, H, C, num_layers=1, state_size=3), "RNN: parameter 'mode' is required"),
    (lambda: nd.RNN(X, PARAMETERS, H, C, mode="lstm", num_layers=0, state_size=3),
     "num_layers is at least 1, got 0"),
    (lambda: nd.RNN(X, PARAMETERS, H, mode="lstm", num_layers=1, state_size=3), "'lstm' needs state_cell"),
    (lambda: nd.RNN(X, PARAMETERS[:-1], H, C, mode="lstm", num_layers=1, state_size=3),
     "these layers have 84 parameters in one vector, got shape (83,)"),
    (lambda: nd.RNN(X[0], PARAMETERS, H, C, mode="lstm", num_layers=1, state_size=3),
     "data is (steps, batch, features) with at least one step, got shape (3, 2)"),
    (lambda: nd.RNN(X, PARAMETERS, H[:, :1], C, mode="lstm", num_layers=1, state_size=3),
     "state has shape (1, 3, 3) here, got (1, 1, 3)"),
    (lambda: nd.RNN(X, PARAMETERS, H, C.astype("float32"), mode="lstm", num_layers=1, state_size=3),
     "data, parameters and states are of one float dtype, got float32, float64"),
    (lambda: rnn("gru", project=2)(X, PARAMETERS, H), "projection_size, at least 1, is for mode 'lstm'"),
    (lambda: rnn("lstm", p=1.5)(X, PARAMETERS, H, C), "p is a probability between 0 and 1, got 1.5"),
    (lambda: rnn("lstm", lstm_state_clip_min=0)(X, PARAMETERS, H, C), "given together or not at all"),
    (lambda: rnn("lstm", use_sequence_length=True)(X, PARAMETERS, H, C), "needs sequence_length"),
    (lambda: rnn("lstm", use_sequence_length=True, sequence_length=nd.ones(2))(X, PARAMETERS, H, C),
     "a length for each of 3 sequences is needed, got shape (2,)"),
])
def test_bad_input(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(MXNetError) as caught:
        call()
    assert words in str(caught.value) and str(caught.value).startswith("RNN: ")
