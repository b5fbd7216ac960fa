"""What MXNet's layers print and compute: gluon_1.9.1.json with MXNet 1.9.1, gluon_2.0.json with 2.0.0b1.

python record_gluon.py >gluon_1.9.1.json
"""

import contextlib
import io
import json
import sys
import warnings

import mxnet as mx
import numpy
from mxnet import autograd, gluon
from mxnet.gluon import nn

warnings.simplefilter("ignore")
NEW = mx.__version__.startswith("2")
array = mx.np.array if NEW else mx.nd.array

LAYERS = [
    ("nn.Dense(3)", (2, 4)),
    ("nn.Dense(3, activation='relu', flatten=False, use_bias=False)", (2, 2, 3)),
    ("nn.Dense(2, in_units=6, dtype='float64')", (2, 2, 3)),
    ("nn.Dropout(0.5, axes=(1,))", (2, 3)),
    ("nn.Dropout(0)", (2, 3)),
    ("nn.BatchNorm()", (2, 3, 2)),
    ("nn.BatchNorm(axis=-1, momentum=0.5, epsilon=0.1, scale=False, center=False, in_channels=2)", (2, 3, 2)),
    ("nn.BatchNorm(use_global_stats=True)", (2, 3, 2)),
    ("nn.InstanceNorm(scale=True)", (2, 3, 4)),
    ("nn.LayerNorm()", (2, 3, 4)),
    ("nn.LayerNorm(axis=1, epsilon=0.1, in_channels=3)", (2, 3, 4)),
    ("nn.GroupNorm(2)", (2, 4, 3)),
    ("nn.Embedding(5, 2)", (2, 3)),
    ("nn.Flatten()", (2, 3, 2)),
    ("nn.Lambda('tanh')", (2, 3)),
    ("nn.HybridLambda('relu')", (2, 3)),
    ("nn.Activation('softsign')", (2, 3)),
    ("nn.LeakyReLU(0.1)", (2, 3)),
    ("nn.PReLU()", (2, 3)),
    ("nn.ELU(0.5)", (2, 3)),
    ("nn.SELU()", (2, 3)),
    ("nn.GELU()", (2, 3)),
    ("nn.Swish(2.0)", (2, 3)),
    ("nn.Conv1D(2, 3, strides=2, padding=1)", (1, 3, 6)),
    ("nn.Conv2D(4, (3, 2), dilation=(1, 2), groups=2, activation='tanh')", (1, 4, 4, 5)),
    ("nn.Conv2D(2, 3, use_bias=False, in_channels=1)", (1, 1, 4, 4)),
    ("nn.Conv3D(2, 2)", (1, 1, 2, 3, 3)),
    ("nn.Conv1DTranspose(2, 3, strides=2, output_padding=1)", (1, 3, 3)),
    ("nn.Conv2DTranspose(2, 3, strides=2, padding=1, groups=2, in_channels=4)", (1, 4, 2, 3)),
    ("nn.Conv3DTranspose(1, 2)", (1, 2, 2, 2, 1)),
    ("nn.MaxPool1D()", (1, 2, 5)),
    ("nn.MaxPool2D(3, 2, 1, ceil_mode=True)", (1, 2, 4, 6)),
    ("nn.MaxPool3D((1, 2, 2))", (1, 1, 2, 4, 4)),
    ("nn.AvgPool1D(2, 1, 1)", (1, 2, 5)),
    ("nn.AvgPool2D(3, 2, 1, count_include_pad=False)", (1, 2, 4, 6)),
    ("nn.AvgPool3D()", (1, 1, 2, 4, 4)),
    ("nn.GlobalMaxPool1D()", (1, 2, 3)),
    ("nn.GlobalMaxPool2D()", (1, 2, 3, 2)),
    ("nn.GlobalMaxPool3D()", (1, 2, 3, 2, 2)),
    ("nn.GlobalAvgPool1D()", (1, 2, 3)),
    ("nn.GlobalAvgPool2D()", (1, 2, 3, 2)),
    ("nn.GlobalAvgPool3D()", (1, 2, 3, 2, 2)),
    ("nn.ReflectionPad2D(1)", (1, 1, 3, 3)),
]
ONLY_NEW = [
    ("nn.SiLU()", (2, 3)),
    ("nn.Identity()", (2, 3)),
    ("nn.PixelShuffle1D(2)", (1, 4, 3)),
    ("nn.PixelShuffle2D((2, 3))", (1, 12, 2, 2)),
    ("nn.PixelShuffle3D(2)", (1, 8, 2, 1, 2)),
    ("nn.DeformableConvolution(2, (3, 3), padding=(1, 1))", (1, 2, 4, 4)),
    ("nn.Activation('mish')", (2, 3)),
    ("nn.Activation('log_sigmoid')", (2, 3)),
]

NETS = {
    "cnn": """
net = nn.HybridSequential(**scope)
with opened(net):
    net.add(nn.Conv2D(4, 3, activation='relu'), nn.BatchNorm(), nn.MaxPool2D(), nn.Flatten(),
            nn.Dense(3, activation='tanh'), nn.Dropout(0.5), nn.Dense(2, use_bias=False))
data = (2, 1, 8, 8)
""",
    "nested": """
class Net(gluon.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with opened(self):
            self.body = nn.Sequential()
            with opened(self.body):
                self.body.add(nn.Dense(3), nn.Dense(3, in_units=3))
            self.head = nn.Dense(1)
    def forward(self, x):
        return self.head(self.body(x))
net = Net(**scope)
data = (2, 4)
""",
}


def values(shape, step, dtype="float32"):
    """Numbers that differ, of both signs."""
    return (numpy.arange(numpy.prod(shape, dtype=int)) * step % 1.7 - 0.6).reshape(shape).astype(dtype)


def fill(block):
    """Every parameter gets numbers of its own; variances positive ones."""
    for i, (name, p) in enumerate(block.collect_params().items()):
        v = values(p.shape, 0.31 + 0.07 * i, p.data().dtype)
        p.set_data(array(abs(v) + 0.5 if "var" in name else v, dtype=p.data().dtype))


def layer(source, shape):
    block = eval(source)
    made = {"source": source, "shape": shape, "repr": repr(block)}
    block.initialize()
    dtype = "float64" if "float64" in source else "float32"
    x = array(
        values(shape, 0.37, dtype)
        if "Embedding" not in source
        else numpy.arange(numpy.prod(shape)).reshape(shape) % 5,
        dtype=dtype,
    )
    block(x)
    fill(block)
    differentiable = "Embedding" not in source and "Dropout(0.5" not in source
    if differentiable:
        x.attach_grad()
    with autograd.record():
        y = block(x)
    if "Dropout(0.5" not in source:
        y.backward()
    params = block.collect_params()
    made["repr_after"] = repr(block)
    made["params"] = [
        [n.split("_", 1)[1] if "_" in n and not NEW else n, list(p.shape), p.grad_req]
        for n, p in params.items()
    ]
    made["y"] = None if "Dropout(0.5" in source else y.asnumpy().round(5).tolist()
    made["predicted"] = block(x).asnumpy().round(5).tolist()
    made["dx"] = x.grad.asnumpy().round(5).tolist() if differentiable else None
    made["grads"] = [p.grad().asnumpy().round(4).tolist() for p in params.values() if p.grad_req != "null"]
    made["states"] = [p.data().asnumpy().round(5).tolist() for n, p in params.items() if "running" in n]
    return made


def net(source):
    scope = {} if NEW else {"prefix": "net_"}
    opened = contextlib.nullcontext if NEW else (lambda block: block.name_scope())
    names = {"scope": scope, "opened": opened, "gluon": gluon, "nn": nn}
    exec(source, names)
    block = names["net"]
    made = {
        "source": source,
        "repr": repr(block),
        "params": repr(block.collect_params()),
        "shape": names["data"],
    }
    block.initialize()
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        block.summary(array(values(names["data"], 0.37)))
    made["summary"] = text.getvalue()
    made["after"] = repr(block)
    made["selected"] = list(block.collect_params(".*weight"))
    return made


found = {
    "layers": [layer(*case) for case in LAYERS + (ONLY_NEW if NEW else [])],
    "nets": {name: net(source) for name, source in NETS.items()},
}
json.dump(found, sys.stdout, indent=None, separators=(",", ":"))
print()
