"""Models that MXNet wrote, and what they compute.

It writes gluon_model_<version>-symbol.json and -0000.params, the files of save_parameters and of
collect_params().save, and gluon_files_<version>.json.

    python record_gluon_files.py        # with MXNet 1.9.1, and again with 2.0.0b1
"""

import json
import os

import mxnet as mx
import numpy
from mxnet import gluon
from mxnet.gluon import nn

os.chdir(os.path.dirname(os.path.abspath(__file__)))
NEW = mx.__version__.startswith("2")
VERSION = "2.0" if NEW else "1.9.1"
array = mx.np.array if NEW else mx.nd.array
mx.random.seed(3)


def conv_net():
    net = nn.HybridSequential() if NEW else nn.HybridSequential(prefix="cnn_")
    layers = lambda: net.add(
        nn.Conv2D(3, 3, padding=1, activation="relu"),
        nn.BatchNorm(),
        nn.MaxPool2D(),
        nn.Conv2DTranspose(2, 2, strides=2, use_bias=False),
        nn.GlobalAvgPool2D(),
        nn.Flatten(),
        nn.Dense(4, activation="tanh"),
        nn.Dropout(0.3),
        nn.LayerNorm(),
        nn.LeakyReLU(0.2),
        nn.Dense(2),
    )
    if NEW:
        layers()
    else:
        with net.name_scope():
            layers()
    return net


def write(net, x, name):
    net.initialize(mx.init.Xavier())
    with mx.autograd.record():  # so that the statistics are not those of the start
        net(*x)
    net.hybridize()
    y = net(*x)
    net.export(f"gluon_{name}_{VERSION}")
    y = y if isinstance(y, (list, tuple)) else [y]
    return {"x": [a.asnumpy().tolist() for a in x], "y": [a.asnumpy().tolist() for a in y]}


found = {}
net = conv_net()
x = array(numpy.sin(numpy.arange(2 * 2 * 4 * 4)).reshape(2, 2, 4, 4).astype("float32"))
found["model"] = write(net, [x], "model")
net.save_parameters(f"gluon_saved_{VERSION}.params")
if not NEW:
    net.collect_params().save("gluon_prefixed_1.9.1.params", strip_prefix="cnn_")

    class Mixed(gluon.HybridBlock):
        """Operators with numbers, several inputs and outputs, a constant."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            with self.name_scope():
                self.weight = self.params.get("weight", shape=(3, 0), allow_deferred_init=True)
                self.factor = self.params.get_constant("factor", [[1.0, 2.0, 3.0]])

        def hybrid_forward(self, F, a, b, weight, factor):
            h = F.FullyConnected(a, weight, None, no_bias=True, num_hidden=3)
            h = F.broadcast_mul(h, factor) * 2 - 1
            h = (3 - h) / (1 + F.exp(-b)) + a.sum(axis=1, keepdims=True).broadcast_like(b) ** 2
            first, second = F.split(F.concat(h, -b, dim=1), num_outputs=2, axis=1)
            return (
                F.reshape(first, shape=(0, -1)),
                F.contrib.div_sqrt_dim(second) > 0,
                F.dot(first, second, transpose_b=True),
            )

    a, b = (array(numpy.cos(numpy.arange(6) * k).reshape(2, 3)) for k in (1, 2))
    found["mixed"] = write(Mixed(prefix="mixed_"), [a, b], "mixed")
with open(f"gluon_files_{VERSION}.json", "w") as file:
    json.dump(found, file)
    file.write("\n")
