"""mx.sym: graphs, their names, shapes, values and files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, nd, sym


@pytest.fixture(autouse=True)
def fresh_names() -> Iterator[None]:
    with mx.name.NameManager():
        yield


def network() -> Any:
    x = sym.var("data")
    h = sym.Convolution(x, kernel=(3, 3), num_filter=4, name="conv", pad=(1, 1))
    h = sym.Activation(sym.BatchNorm(h, name="bn"), act_type="relu")
    h = sym.Flatten(sym.Pooling(h, kernel=(2, 2), stride=(2, 2), pool_type="max"))
    return sym.FullyConnected(h, num_hidden=3, no_bias=True)


def test_names_and_shapes_are_those_of_mxnet() -> None:
    h = network()
    group = sym.Group([h * 2 + 1, (1 - h) / h, -(h**2), 2**h, h > 0, h == h])
    assert group.list_arguments() == [
        "data",
        "conv_weight",
        "conv_bias",
        "bn_gamma",
        "bn_beta",
        "fullyconnected0_weight",
    ]
    assert group.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    assert group.list_outputs() == [
        "_plusscalar0_output",
        "_div0_output",
        "_mulscalar1_output",
        "_rpower_scalar0_output",
        "_greater_scalar0_output",
        "_equal0_output",
    ]
    assert group.infer_shape(data=(2, 1, 4, 4)) == (
        [(2, 1, 4, 4), (4, 1, 3, 3), (4,), (4,), (4,), (3, 16)],
        [(2, 3)] * 6,
        [(4,), (4,)],
    )
    assert repr(group[0]) == "<Symbol _plusscalar0>" and group.name is None
    assert repr(sym.Group([h, group[1]])) == "<Symbol group [fullyconnected0, _div0]>"
    assert group.get_internals().list_outputs()[:9] == [
        "data",
        "conv_weight",
        "conv_bias",
        "conv_output",
        "bn_gamma",
        "bn_beta",
        "bn_moving_mean",
        "bn_moving_var",
        "bn_output",
    ]
    assert repr(h.get_children()) == "<Symbol group [flatten0, fullyconnected0_weight]>"
    assert group[0].list_attr() == {"scalar": "1"} and group[0].attr("scalar") == "1"
    assert sym.var("x").get_children() is None and sym.zeros((2, 3)).list_outputs() == ["_zeros0_output"]


def test_values() -> None:
    x, y = sym.var("x"), sym.var("y")
    a: Any = nd.array([[1, 2], [3, 4]])
    b: Any = nd.array([[5, 6], [7, 8]])
    for graph, expected in (
        (x + y * 2 - 1, a + b * 2 - 1),
        (3 - x, 3 - a),
        (6 / x, 6 / a),
        (2**x, 2**a),
        (x % 2, a % 2),
        (5 % x, 5 % a),
        (x.reshape(shape=(4,)).sum(), a.sum()),
        (sym.concat(x, y, dim=1), nd.concat(a, b, dim=1)),
        (sym.split(x, num_outputs=2, axis=1)[1], a[:, 1:]),
        (x >= 2, a >= 2),
        (x != y, a != b),
        (-x, -a),
        (sym.linalg.gemm2(x, y), nd.linalg.gemm2(a, b)),
        (sym.contrib.div_sqrt_dim(x), nd.contrib.div_sqrt_dim(a)),
        (sym.npx.relu(x - 2), nd.relu(a - 2)),
        (sym.np.exp(x), nd.exp(a)),
    ):
        for g in (graph, sym.load_json(graph.tojson())):
            values = {n: {"x": a, "y": b}[n] for n in g.list_arguments()}
            assert numpy.array_equal(g.eval(**values)[0].asnumpy(), expected.asnumpy()), graph
    assert x.eval(ctx=mx.cpu(1), x=a)[0].context == mx.cpu(1)


def test_a_graph_is_differentiated() -> None:
    a = nd.array([2.0])
    a.attach_grad()
    with autograd.record():
        (y,) = (sym.var("x") ** 3).eval(x=a)
    y.backward()
    assert float(a.grad) == 12


def test_files(tmp_path: Path) -> None:
    graph, file = network(), str(tmp_path / "net-symbol.json")
    graph.save(file)
    again = sym.load(file)
    assert again.list_arguments() == graph.list_arguments() and again.tojson() == graph.tojson()
    assert again.list_auxiliary_states() == graph.list_auxiliary_states()
    old = json.loads(graph.tojson())  # before MXNet 1.0 the parameters were under other keys
    for i, node in enumerate(old["nodes"]):
        if "attrs" in node:
            node[("param", "attr")[i % 2]] = node.pop("attrs")
    assert sym.fromjson(json.dumps(old)).infer_shape(data=(1, 1, 4, 4))[1] == [(1, 3)]


def test_indices() -> None:
    parts = sym.split(sym.var("x"), num_outputs=3, name="s")
    assert len(parts) == 3 and parts["s_output2"].list_outputs() == ["s_output2"] == parts[-1].list_outputs()
    assert [s.list_outputs() for s in parts][0] == ["s_output0"]


@pytest.mark.parametrize(
    "act, error, text",
    [
        (lambda x: x.shape, AttributeError, "a symbol has no attribute 'shape': it has no values yet"),
        (lambda x: x[0:1], TypeError, "cut arrays with slice or slice_axis"),
        (lambda x: x[1], IndexError, "output 1 of 1"),
        (lambda x: x["y"], AttributeError, "no output 'y'"),
        (lambda x: x + "a", TypeError, "unsupported operand"),
        (lambda x: "a" - x, TypeError, "unsupported operand"),
        (lambda x: sym.relu(x, slope=2), TypeError, "relu: got an unexpected keyword argument 'slope'"),
        (
            lambda x: sym.broadcast_add(x, nd.ones(1)),
            TypeError,
            "argument rhs is of type NDArray; a graph is built of symbols",
        ),
        (lambda x: sym.relu(sym.Group([x, x])), ValueError, "has 2 outputs; pick one"),
        (lambda x: sym.Group([x, x]) + 1, ValueError, "has several outputs; pick one"),
        (lambda x: sym.Group([]), TypeError, "Expected a list of symbols as input"),
        (lambda x: sym.var(3), TypeError, "Expect a string for variable `name`"),
        (lambda x: (x + 1).eval(y=nd.ones(1)), ValueError, "no value for the variable 'x'"),
        (
            lambda x: sym.dot(x, sym.var("w")).infer_shape(x=(2, 3)),
            ValueError,
            "operator dot0: the shape of w does not",
        ),
        (lambda x: sym.rely(x), AttributeError, "did you mean .*'relu'"),
    ],
)
def test_errors(act: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        act(sym.var("x"))


def test_operators_with_names_of_builtins_do_not_replace_them() -> None:
    x = sym.var("x")
    for name in ("sum", "max", "min", "abs", "round"):
        assert getattr(sym, name)(x).list_arguments() == ["x"]
    net = sym.RNN(x, mode="lstm", state_size=5, num_layers=2, bidirectional=True)
    assert net.infer_shape(x=(7, 4, 3))[0][1] == (1080,)
    weight = mx.gluon.Parameter("w", shape=(0, 3), allow_deferred_init=True).var()
    assert json.loads(weight.tojson())["nodes"][0]["attrs"]["__shape__"] == "(0, 3)"
