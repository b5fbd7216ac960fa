"""viz: what print_summary prints and plot_network draws, as recorded by data/record_visualization.py."""
from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mxgrad as mx
from mxgrad import nd, symbol as sym, visualization as viz

RECORDED = json.loads((Path(__file__).parent / "data" / "visualization_1.9.1.json").read_text())


def built(source: str) -> Any:
    """The graph `net` of a source."""
    names: dict[str, Any] = {"mx": mx}
    with mx.name.NameManager():
        exec(source, names)
    return names["net"]


@pytest.mark.parametrize("i", range(len(RECORDED["printed"])))
def test_print_summary(i: int, capsys: pytest.CaptureFixture[str]) -> None:
    case = RECORDED["printed"][i]
    viz.print_summary(built(case["source"]), **case["kwargs"])
    assert capsys.readouterr().out == case["printed"]


def test_blocks_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = mx.gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        net.add(mx.gluon.nn.Dense(4, activation="relu"), mx.gluon.nn.Dense(2))
    viz.print_summary(net, shape={"data": (1, 3)})
    printed = capsys.readouterr().out
    assert "Total params: 26\n" in printed and "net_dense0_fwd(FullyConnected)" in printed
    net.initialize()
    net.hybridize()
    net(nd.zeros((1, 3)))
    graph, _ = net.export(str(tmp_path / "net"))
    viz.print_summary(graph, shape={"data": (1, 3)})
    assert capsys.readouterr().out == printed
    viz.print_summary(Path(graph), shape={"data": (1, 3)})
    assert capsys.readouterr().out == printed


def test_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Where MXNet's rules of thumb are wrong: it counts channels for features, and no other layers."""
    x = sym.Convolution(sym.var("data"), kernel=(2, 2), num_filter=3, name="conv")
    x = sym.Deconvolution(x, kernel=(2, 2), num_filter=5, no_bias=False, name="up")
    x = sym.LayerNorm(x, name="norm")
    x = sym.FullyConnected(x, num_hidden=2, name="fc")
    viz.print_summary(x, shape={"data": (2, 1, 4, 4)})
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    found = {r[0]: r[2] for r in rows if "(" in r[0]}
    assert found == {"data(null)": "0", "conv(Convolution)": "15", "up(Deconvolution)": "65",
                     "norm(LayerNorm)": "8", "fc(FullyConnected)": "162"}
    assert rows[-2] == ["Total", "params:", "250"]


def test_several_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    x = sym.split(sym.var("data"), num_outputs=2, name="halves")
    viz.print_summary(sym.Group([x[0] + x[1]]), shape={"data": (1, 4)})
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("halves"))
    assert row.split() == ["halves(SliceChannel)", "0", "data"]


class Digraph:
    """In place of graphviz's: it notes what it is told."""

    def __init__(self, **kwargs: Any) -> None:
        self.drawn: list[list[Any]] = [["graph", kwargs]]

    def node(self, **kwargs: Any) -> None:
        self.drawn.append(["node", kwargs])

    def edge(self, **kwargs: Any) -> None:
        self.drawn.append(["edge", kwargs])


@pytest.fixture
def graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", SimpleNamespace(Digraph=Digraph))     # type: ignore[misc]


@pytest.mark.parametrize("i", range(len(RECORDED["plots"])))
def test_plot_network(i: int, graphviz: None) -> None:
    case = RECORDED["plots"][i]
    assert viz.plot_network(built(case["source"]), **case["kwargs"]).drawn == case["drawn"]


def test_plot_shows_dtypes_and_warns_of_names(graphviz: None) -> None:
    x = sym.var("x")
    drawn = viz.plot_network(sym.tanh(x, name="y"), shape={"x": (2, 3)}, dtype={"x": "float64"}).drawn
    assert drawn[-1] == ["edge", {"tail_name": "y", "head_name": "x", "dir": "back", "arrowtail": "open",
                                  "label": "3(float64)"}]
    with pytest.warns(RuntimeWarning, match="Repeated names: x"):
        viz.plot_network(sym.tanh(x, name="y") + sym.var("x"))


def test_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = sym.tanh(sym.var("x"))
    with pytest.raises(TypeError, match="print_summary: symbol must be Symbol, a HybridBlock, or the path"):
        viz.print_summary(3)
    with pytest.raises(ValueError, match="the graph has no variable 'y'; it has x"):
        viz.print_summary(x, shape={"y": (1,)})
    with pytest.raises(ValueError, match="shape"):
        viz.print_summary(x, shape={})
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match="Draw network requires graphviz library"):
        viz.plot_network(x)
    monkeypatch.setitem(sys.modules, "graphviz", SimpleNamespace(Digraph=Digraph))     # type: ignore[misc]
    with pytest.raises(ValueError, match="give shape, too"):
        viz.plot_network(x, dtype={"x": "float64"})
