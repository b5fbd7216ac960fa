"""What MXNet prints and draws of graphs: visualization_1.9.1.json with MXNet 1.9.1.

python record_visualization.py >visualization_1.9.1.json
"""

import contextlib
import io
import json
import sys
import types

import mxnet as mx

drawn = []


class Digraph:
    """In place of graphviz's: it notes what it is told."""

    def __init__(self, **kwargs):
        drawn.append(["graph", kwargs])

    def node(self, **kwargs):
        drawn.append(["node", kwargs])

    def edge(self, **kwargs):
        drawn.append(["edge", kwargs])


sys.modules["graphviz"] = types.SimpleNamespace(Digraph=Digraph)

MLP = """
net = mx.sym.var("data")
net = mx.sym.FullyConnected(data=net, name="fc1", num_hidden=128)
net = mx.sym.Activation(data=net, name="relu1", act_type="relu")
net = mx.sym.FullyConnected(data=net, name="fc2", num_hidden=10, no_bias=True)
net = mx.sym.softmax(net, name="out")
"""
CNN = """
data = mx.sym.var("data")
a = mx.sym.Convolution(data, kernel=(3, 3), num_filter=8, pad=(1, 1), name="conv1")
a = mx.sym.BatchNorm(a, name="bn1")
a = mx.sym.LeakyReLU(a, act_type="elu", name="elu1")
b = mx.sym.Convolution(data, kernel=(3, 3), num_filter=4, pad=(1, 1), stride=(1, 1), no_bias=True,
                       name="conv2")
b = mx.sym.Activation(b, act_type="tanh", name="tanh1")
net = mx.sym.Concat(a, b, dim=1, name="joined")
net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="avg", name="pool1")
net = mx.sym.Convolution(net, kernel=(1, 1), num_filter=6, num_group=2, name="conv3")
net = net + net * 2
net = mx.sym.Flatten(net, name="flat")
net = mx.sym.FullyConnected(net, num_hidden=3, name="fc")
"""
EMBEDDING = """
net = mx.sym.Embedding(mx.sym.var("words"), input_dim=7, output_dim=5, name="embed")
"""
BLOCK = """
block = mx.gluon.nn.HybridSequential(prefix="net_")
with block.name_scope():
    block.add(mx.gluon.nn.Conv2D(4, 3, activation="relu"), mx.gluon.nn.BatchNorm(), mx.gluon.nn.MaxPool2D(),
              mx.gluon.nn.Flatten(), mx.gluon.nn.Dense(2))
net = block(mx.sym.var("data"))
"""
CASES = [
    (MLP, {"shape": {"data": (100, 200)}}), (MLP, {}),
    (MLP, {"shape": {"data": (1, 3)}, "line_length": 60, "positions": [25, 35, 45, 60]}),
    (CNN, {"shape": {"data": (1, 3, 8, 8)}}), (CNN, {}), (EMBEDDING, {"shape": {"words": (2, 4)}}),
    (BLOCK, {"shape": {"data": (1, 3, 8, 8)}}),
]
PLOTS = [
    (MLP, {"shape": {"data": (100, 200)}, "node_attrs": {"fixedsize": "false"}, "title": "mlp"}),
    (MLP, {"hide_weights": False, "save_format": "png"}), (CNN, {"shape": {"data": (1, 3, 8, 8)}}), (CNN, {}),
]

names = {"mx": mx}
printed = []
for source, kwargs in CASES:
    with mx.name.NameManager():
        exec(source, names)
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            mx.viz.print_summary(names["net"], **kwargs)
    printed.append({"source": source, "kwargs": kwargs, "printed": text.getvalue()})
plots = []
for source, kwargs in PLOTS:
    with mx.name.NameManager():
        exec(source, names)
        drawn.clear()
        mx.viz.plot_network(names["net"], **kwargs)
    plots.append({"source": source, "kwargs": kwargs, "drawn": list(drawn)})
json.dump({"printed": printed, "plots": plots}, sys.stdout, indent=1)
