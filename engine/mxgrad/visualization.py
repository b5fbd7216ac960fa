"""Graphs as text and as pictures: `mx.viz` (level 14).

>>> import mxgrad as mx
>>> x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="fc")
>>> y = mx.sym.relu(x, name="act")
>>> mx.viz.print_summary(y, shape={"data": (1, 3)}, line_length=80)
________________________________________________________________________________
Layer (type)                       Output Shape    Param # Previous Layer
================================================================================
data(null)                         3               0
________________________________________________________________________________
fc(FullyConnected)                 4               16      data
________________________________________________________________________________
act(relu)                          4               0       fc
================================================================================
Total params: 16
________________________________________________________________________________
"""
from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from . import nd, symbol as _symbol
from .base import InvalidTypeError, InvalidValueError, as_dtype
from .gluon.block import HybridBlock
from .symbol import Node, Symbol

__all__ = ["plot_network", "print_summary"]


def _as_graph(given: Any, what: str) -> Symbol:
    """The graph of a symbol, a block or a file."""
    if isinstance(given, Symbol):
        return given
    if isinstance(given, HybridBlock):
        return _symbol.Group(list(given._graph([0])[1]))
    if isinstance(given, (str, os.PathLike)):
        return _symbol.load(given)
    raise InvalidTypeError(f"{what}: symbol must be Symbol, a HybridBlock, or the path of a graph's JSON, "
                           f"got {type(given).__name__}")


def _computed(graph: Symbol, shape: Mapping[str, Any], dtype: Mapping[str, Any], what: str) -> dict[Any, Any]:
    """Arrays of zeros as (node, number of the output) gives them, for shapes of some variables."""
    variables = {n.name: n for n in graph._variables()}
    for name in (*shape, *dtype):
        if name not in variables:
            raise InvalidValueError(f"{what}: the graph has no variable {name!r}; it has "
                                    f"{', '.join(variables)}")
    known = {variables[n]: nd.zeros(s, dtype=as_dtype(dtype.get(n, "float32"))) for n, s in shape.items()}
    known.update((v, _symbol._given(v)) for n, v in variables.items() if n not in shape)
    return graph._infer(known, True)


def _unit(shape: Sequence[int]) -> str:
    """The shape of one example: '3x28x28'."""
    return "x".join(map(str, shape[1:]))


def print_summary(
    symbol: Any, shape: Mapping[str, Any] | None = None, line_length: int = 120,
    positions: Sequence[float] = (.44, .64, .74, 1.),
) -> None:
    """Print the operators of a graph with the shapes of their outputs and their numbers of parameters.

    Parameters
    ----------
    symbol : Symbol, HybridBlock, str or path
        The graph, a block of which one can be made, or the file in which `HybridBlock.export` put it.
    shape : dict of str to tuple of int, optional
        The shapes of the inputs; without them only what does not depend on the input is counted.
    line_length : int
        Characters of a line.
    positions : list of float or int
        Where the four columns end: parts of the line, or characters.

    Raises
    ------
    InvalidTypeError
        `symbol` is something else.
    InvalidValueError
        A name in `shape` is none of the graph's, or shapes do not follow from those given.
    """
    graph = _as_graph(symbol, "print_summary")
    found = None if shape is None else _computed(graph, shape, {}, "print_summary")
    ends = [int(line_length * p) if positions[-1] <= 1 else int(p) for p in positions]

    def show(*cells: Any) -> None:
        line = ""
        for cell, end in zip(cells, ends):
            line = (line + str(cell))[:end].ljust(end)
        print(line)

    nodes = graph._nodes()
    total = 0
    print("_" * line_length)
    show("Layer (type)", "Output Shape", "Param #", "Previous Layer")
    print("=" * line_length)
    for node in nodes:
        if not node.op and node is not nodes[0]:
            continue
        count = 0 if not node.op else _parameters(node, found, shape or {})
        before = [n.name for n, _ in node.inputs if n.op or n is nodes[0]] or [""]
        kind = _symbol._mxnet_name(node.op) or "null"
        shown = _unit(found[id(node), 0].shape) if found is not None and node.count == 1 else ""
        show(f"{node.name}({kind})", shown, count, before[0])
        for name in before[1:]:
            show("", "", "", name)
        total += count
        print(("=" if node is nodes[-1] else "_") * line_length)
    print(f"Total params: {total}")
    print("_" * line_length)


def _parameters(node: Node, found: dict[Any, Any] | None, given: Mapping[str, Any]) -> int:
    """How many numbers the variables of a call hold that are neither inputs nor statistics."""
    own = [n for n, _ in node.inputs if not n.op and not n.is_aux and n.name not in given]
    if found is not None:
        return sum(prod(found[id(n), 0].shape) for n in own)
    if node.op not in _symbol._SHAPES:
        return 0
    shapes = _symbol.parameter_shapes(node.op, (0,) * 3, _symbol._attrs(node))
    return sum(prod(s) for name, s in shapes.items() if any(n.name.endswith("_" + name) for n in own))


_COLORS = {"null": "#8dd3c7", "Convolution": "#fb8072", "FullyConnected": "#fb8072", "Activation": "#ffffb3",
           "LeakyReLU": "#ffffb3", "BatchNorm": "#bebada", "Pooling": "#80b1d3", "Concat": "#fdb462",
           "Flatten": "#fdb462", "Reshape": "#fdb462", "Softmax": "#b3de69"}
_OTHER = "#fccde5"
_WEIGHTS = ("_weight", "_bias", "_beta", "_gamma", "_moving_var", "_moving_mean", "_running_var",
            "_running_mean")


def _label(node: Node, kind: str) -> str:
    p = _symbol._attrs(node)

    def sizes(name: str, otherwise: str) -> str:
        return "x".join(map(str, p[name])) if name in p else otherwise

    if kind == "Convolution":
        return f"Convolution\n{sizes('kernel', '')}/{sizes('stride', '1')}, {p['num_filter']}"
    if kind == "FullyConnected":
        return f"FullyConnected\n{p['num_hidden']}"
    if kind == "Activation":
        return f"Activation\n{p['act_type']}"
    if kind == "LeakyReLU":
        return f"LeakyReLU\n{p.get('act_type', 'Leaky')}"
    if kind == "Pooling":
        return f"Pooling\n{p.get('pool_type', 'max')}, {sizes('kernel', '[]')}/{sizes('stride', '1')}"
    return str(p["op_type"]) if kind == "Custom" else node.name


def plot_network(
    symbol: Any, title: str = "plot", save_format: str = "pdf", shape: Mapping[str, Any] | None = None,
    dtype: Mapping[str, Any] | None = None, node_attrs: Mapping[str, str] | None = None,
    hide_weights: bool = True,
) -> Any:
    """A picture of a graph, as the Digraph of the package graphviz, which must be installed.

    Parameters
    ----------
    symbol : Symbol, HybridBlock, str or path
        As in `print_summary`.
    title, save_format : str
        What the Digraph is made with.
    shape, dtype : dict, optional
        Shapes and dtypes of the inputs; with them the edges show the shapes, or dtypes too.
    node_attrs : dict, optional
        Attributes of graphviz for the nodes.
    hide_weights : bool
        Leave variables out that are called like parameters.

    Raises
    ------
    ImportError
        The package graphviz is not installed.
    InvalidTypeError, InvalidValueError
        As in `print_summary`; also for `dtype` without `shape`.
    """
    try:
        from graphviz import Digraph
    except ImportError as error:
        raise ImportError("Draw network requires graphviz library: pip install graphviz; print_summary does "
                          "without it") from error
    graph = _as_graph(symbol, "plot_network")
    if dtype is not None and shape is None:
        raise InvalidValueError("plot_network: dtypes follow from shapes and dtypes of the inputs; give "
                                "shape, too")
    found = None if shape is None else _computed(graph, shape, dtype or {}, "plot_network")
    nodes = graph._nodes()
    names = [n.name for n in nodes]
    repeated = {n for n in names if names.count(n) > 1}
    if repeated:
        warnings.warn("There are multiple variables with the same name in your graph, this may result in "
                      f"cyclic graph. Repeated names: {','.join(sorted(repeated))}", RuntimeWarning,
                      stacklevel=2)
    look = {"shape": "box", "fixedsize": "true", "width": "1.3", "height": "0.8034", "style": "filled",
            **(node_attrs or {})}
    dot = Digraph(name=title, format=save_format)
    hidden = set()
    for node in nodes:
        kind = _symbol._mxnet_name(node.op) or "null"
        own = {**look, "fillcolor": _COLORS.get(kind, _OTHER)}
        if kind == "null":
            if node.name.endswith(_WEIGHTS):
                if hide_weights:
                    hidden.add(node.name)
                continue
            own["shape"] = "oval"
        dot.node(name=node.name, label=_label(node, kind), **own)
    for node in nodes:
        for source, i in node.inputs[:1] if node.op == "contrib.BilinearResize2D" else node.inputs:
            if source.name in hidden:
                continue
            label = ""
            if found is not None:
                value = found[id(source), i]
                label = _unit(value.shape) + (f"({value.dtype.__name__})" if dtype is not None else "")
            dot.edge(tail_name=node.name, head_name=source.name, dir="back", arrowtail="open", label=label)
    return dot
