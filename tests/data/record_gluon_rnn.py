"""What MXNet's recurrent cells and layers print and compute, and models of them that it wrote.

It writes gluon_rnn_<version>.json, gluon_rnn_<version>.params and, with 1.9.1, the exported
gluon_rnn_1.9.1-symbol.json and -0000.params.

    python record_gluon_rnn.py        # with MXNet 1.9.1, and again with 2.0.0b1
"""

import json
import os
import re
import warnings

import mxnet as mx
import numpy
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn

os.chdir(os.path.dirname(os.path.abspath(__file__)))
warnings.simplefilter("ignore")
NEW = mx.__version__.startswith("2")
VERSION = "2.0" if NEW else "1.9.1"
if NEW:
    mx.npx.set_np()
    array, contrib = mx.np.array, rnn
else:
    array, contrib = mx.nd.array, gluon.contrib.rnn

ALL = "4, x, merge_outputs=True"
CASES = [
    # block, shape of the inputs, arguments of unroll, or of a call
    ("rnn.RNNCell(3, input_size=4)", (2, 4), None),
    ("rnn.RNNCell(3, activation='relu', input_size=4)", (2, 4, 4), "4, x"),
    ("rnn.RNNCell(3, activation=nn.LeakyReLU(0.1), input_size=4)", (2, 4), None),
    ("rnn.LSTMCell(3, input_size=4)", (2, 4), None),
    ("rnn.LSTMCell(3, input_size=4)", (2, 4, 4), "4, x, valid_length=lengths"),
    ("rnn.LSTMCell(3, input_size=4)", (4, 2, 4), "4, x, layout='TNC', merge_outputs=True"),
    ("rnn.LSTMCell(3, input_size=4, activation='relu', recurrent_activation='softsign')", (2, 4, 4), ALL),
    ("rnn.GRUCell(3, input_size=4)", (2, 4), None),
    ("rnn.GRUCell(3, input_size=4)", (4, 2, 4),
     "4, x, layout='TNC', merge_outputs=False, valid_length=lengths"),
    ("rnn.GRUCell(3, input_size=4)", (2, 4, 4), "4, [x[:, t] for t in range(4)], begin_state=[x[:, 0, :3]]"),
    ("contrib.LSTMPCell(3, 2, input_size=4)", (2, 4), None),
    ("contrib.LSTMPCell(3, 2, input_size=4)", (2, 4, 4), ALL),
    ("stack(rnn.LSTMCell(3, input_size=4), rnn.GRUCell(2, input_size=3))", (2, 4), None),
    ("stack(rnn.LSTMCell(3, input_size=4), rnn.GRUCell(2, input_size=3))", (2, 4, 4), "4, x"),
    ("stack(bi(), rnn.DropoutCell(0), rnn.RNNCell(2, input_size=5))", (2, 4, 4),
     "4, x, merge_outputs=False"),
    ("bi()", (2, 4, 4), "4, x"),
    ("bi()", (2, 4, 4), "4, x, valid_length=lengths, merge_outputs=True"),
    ("bi()", (2, 4, 4), "4, x, valid_length=lengths, merge_outputs=False"),
    ("bi()", (4, 2, 4), "4, x, layout='TNC', merge_outputs=True"),
    ("rnn.ResidualCell(rnn.GRUCell(4, input_size=4))", (2, 4), None),
    ("rnn.ResidualCell(rnn.GRUCell(4, input_size=4))", (2, 4, 4), "4, x, valid_length=lengths"),
    ("rnn.ResidualCell(rnn.GRUCell(4, input_size=4))", (2, 4, 4), "4, x, merge_outputs=False"),
    ("rnn.ZoneoutCell(rnn.LSTMCell(3, input_size=4))", (2, 4, 4), ALL),
    ("rnn.ZoneoutCell(rnn.LSTMCell(3, input_size=4), 0.5, 0.3)", (2, 4, 4), ALL),
    ("rnn.DropoutCell(0.5)", (2, 4, 4), "4, x"),
    ("rnn.DropoutCell(0.5, axes=(1,))", (2, 4, 4), "4, x"),
    ("contrib.VariationalDropoutCell(rnn.GRUCell(3, input_size=4), 0.5, 0.0, 0.3)", (2, 4, 4), "4, x"),
    ("contrib.VariationalDropoutCell(rnn.LSTMCell(3, input_size=4), 0.5, 0.5, 0.3)", (2, 4, 4), ALL),
    ("contrib.Conv1DRNNCell((2, 5), 2, 3, 3, activation='relu')", (1, 2, 5), None),
    ("contrib.Conv2DRNNCell((1, 4, 3), 1, (3, 1), 3, i2h_pad=(1, 0), i2h_dilate=1)", (1, 1, 4, 3), None),
    ("contrib.Conv3DRNNCell((1, 2, 3, 2), 1, 1, 1)", (1, 1, 2, 3, 2), None),
    ("contrib.Conv1DLSTMCell((2, 5), 2, 3, 3, i2h_pad=1)", (1, 3, 2, 5), "3, x, merge_outputs=True"),
    ("contrib.Conv2DLSTMCell((1, 4, 3), 1, 3, 1, i2h_pad=1)", (1, 1, 4, 3), None),
    ("contrib.Conv3DLSTMCell((1, 2, 3, 2), 1, 1, 1)", (1, 1, 2, 3, 2), None),
    ("contrib.Conv1DGRUCell((2, 5), 2, 3, 3, i2h_dilate=2, h2h_dilate=2)", (1, 2, 5), None),
    ("contrib.Conv2DGRUCell((1, 4, 3), 1, 3, 1, i2h_pad=1)", (1, 2, 1, 4, 3), "2, x"),
    ("contrib.Conv3DGRUCell((1, 2, 3, 2), 1, 1, 1)", (1, 1, 2, 3, 2), None),
    # layers
    ("rnn.RNN(3)", (4, 2, 3), "x"),
    ("rnn.RNN(3, 2, 'tanh', bidirectional=True, input_size=3)", (4, 2, 3), "x, states"),
    ("rnn.LSTM(3)", (4, 2, 3), "x, states"),
    ("rnn.LSTM(3, 2, layout='NTC', bidirectional=True)", (2, 4, 3), "x, states"),
    ("rnn.GRU(3, 2)", (4, 2, 3), "x, states"),
    ("rnn.GRU(2, layout='NTC', bidirectional=True)", (2, 4, 3), "x"),
]
# MXNet's CPU has no projection nor lengths of sequences, and its dropout is not that of other operators.
ONLY_PRINTED = ["rnn.LSTM(3, 2, dropout=0.5)", "rnn.LSTM(3, 2, projection_size=2, bidirectional=True)",
                "rnn.GRU(3, num_layers=2, dropout=0.2)"]


def stack(*cells):
    made = rnn.HybridSequentialRNNCell()
    for cell in cells:
        made.add(cell)
    return made


def bi():
    return rnn.BidirectionalCell(rnn.LSTMCell(3, input_size=4), rnn.GRUCell(2, input_size=4))


def values(shape, step):
    """Numbers that differ, of both signs."""
    return (numpy.arange(numpy.prod(shape, dtype=int)) * step % 1.7 - 0.6).reshape(shape).astype("float32")


def fill(block):
    """Every parameter gets numbers of its own."""
    for i, p in enumerate(block.collect_params().values()):
        p.set_data(array(values(p.shape, 0.31 + 0.07 * i)))


def flat(found):
    return [a for f in found for a in flat(f)] if isinstance(found, (list, tuple)) else [found]


def numbers(a):
    return a.asnumpy().round(5).tolist()


def names(block):
    return [n if NEW else re.sub(r"^.*?\d+_", "", n) for n in block.collect_params()]


def case(source, shape, arguments):
    layer = source.startswith(("rnn.RNN(", "rnn.LSTM(", "rnn.GRU("))
    block = eval(source)
    made = {"source": source, "shape": shape, "arguments": arguments, "repr": repr(block)}
    made["info"] = [[i["shape"], i["__layout__"]] for i in block.state_info(2)]
    block.initialize()
    x = array(values(shape, 0.37))
    batch = shape[0] if arguments is None or "TNC" not in arguments and not layer or "NTC" in source else 2
    states = [array(values(i["shape"], 0.23)) for i in block.state_info(batch)]
    known = {"block": block, "x": x, "states": states, "lengths": array([2, 4])}
    if layer:
        run = f"block({arguments})"
        eval(run, known)
    else:
        run = "block(x, states)" if arguments is None else f"block.unroll({arguments})"
    fill(block)
    x.attach_grad()
    mx.random.seed(5)
    with autograd.record():
        found = eval(run, known)
    autograd.backward(list({id(a): a for a in flat(found)}.values()))
    made["run"] = run
    made["repr_after"] = repr(block)
    made["params"] = [[n, list(p.shape)] for n, p in zip(names(block), block.collect_params().values())]
    made["merged"] = not isinstance(found[0], (list, tuple)) if isinstance(found, (list, tuple)) else True
    made["y"] = [numbers(a) for a in flat(found)]
    made["dx"] = numbers(x.grad)
    made["grads"] = [numbers(p.grad()) for p in block.collect_params().values()]
    return made


class Net(gluon.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layers = rnn.LSTM(3, 2, bidirectional=True, layout="NTC")
        self.top = rnn.GRU(2, layout="NTC")
        self.cells = stack(bi(), rnn.ResidualCell(rnn.GRUCell(5, input_size=5)))
        self.dense = nn.Dense(2)

    def forward(self, x):
        y = self.top(self.layers(x))
        z, _ = self.cells.unroll(3, x, merge_outputs=True)
        return self.dense(y) + self.dense(z[:, :, :2])


def model():
    net = Net()
    mx.random.seed(1)
    net.initialize(mx.init.Uniform(1.5))
    x = array(values((2, 3, 4), 0.37))
    y = net(x)
    net.save_parameters(f"gluon_rnn_{VERSION}.params")
    return {"x": numbers(x), "y": numbers(y)}


def exported():
    class Tagger(gluon.HybridBlock):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.lstm = rnn.LSTM(3, 2, bidirectional=True, layout="NTC")
                self.gru = rnn.GRU(2, layout="NTC")
                self.cell = rnn.LSTMCell(2)
                self.dense = nn.Dense(2, flatten=False)

        def hybrid_forward(self, F, x):
            y, _ = self.cell.unroll(3, self.gru(self.lstm(x)), merge_outputs=True)
            return self.dense(y)

    net = Tagger(prefix="tagger_")
    mx.random.seed(2)
    net.initialize(mx.init.Uniform(2))
    net.hybridize()
    x = array(values((2, 3, 4), 0.37))
    y = net(x)
    net.export("gluon_rnn_1.9.1")
    return {"x": numbers(x), "y": numbers(y)}


def started():
    """The first numbers of parameters."""
    found = []
    for source in ("rnn.LSTM(3, 2, bidirectional=True)", "rnn.GRU(2)"):
        block = eval(source)
        mx.random.seed(3)
        block.initialize(mx.init.Uniform(0.5))
        block(array(values((2, 1, 3), 0.37)))
        found.append([source, [numbers(p.data()) for p in block.collect_params().values()]])
    return found


def main():
    found = {"cases": [case(*c) for c in CASES], "model": model(), "started": started()}
    found["printed"] = []
    for source in ONLY_PRINTED:
        block = eval(source)
        shapes = [i["shape"] for i in block.state_info(2)]
        found["printed"].append([source, repr(block), names(block), shapes])
    if not NEW:
        found["exported"] = exported()
    with open(f"gluon_rnn_{VERSION}.json", "w") as file:
        json.dump(found, file)


main()
