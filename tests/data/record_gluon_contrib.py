"""What MXNet's contributed layers and data sets print and give.

python record_gluon_contrib.py >gluon_contrib_1.9.1.json        # with MXNet 1.9.1
"""

import json
import os
import re
import tempfile
import warnings

import numpy
from mxnet import autograd, gluon, nd
from mxnet.gluon import contrib, nn  # noqa: F401

warnings.simplefilter("ignore")
LAYERS = [
    ("together(contrib.nn.Concurrent(axis=1), nn.Dense(2), contrib.nn.Identity())", (2, 3)),
    ("together(contrib.nn.HybridConcurrent(), nn.Dense(2), nn.Dense(1))", (2, 3)),
    ("contrib.nn.Identity()", (2, 3)),
    ("contrib.nn.PixelShuffle1D(2)", (1, 4, 3)),
    ("contrib.nn.PixelShuffle2D((2, 3))", (1, 12, 2, 2)),
    ("contrib.nn.PixelShuffle3D(2)", (1, 8, 2, 1, 2)),
    ("contrib.nn.SyncBatchNorm(in_channels=3, num_devices=1, momentum=0.5)", (2, 3, 2)),
    ("contrib.nn.SparseEmbedding(5, 2)", None),
    ("contrib.cnn.DeformableConvolution(2, (3, 3), padding=(1, 1), activation='relu')",
     (1, 2, 4, 4)),
    ("contrib.cnn.DeformableConvolution(2, 3, strides=2, use_bias=False, num_deformable_group=2)",
     (1, 2, 5, 4)),
]
TEXT = " \n = A title = \n \n the cat , the dog \n and <unk> the cow \n  \n the end \n"


def together(block, *blocks):
    block.add(*blocks)
    return block


def values(shape, step):
    """Numbers that differ, of both signs."""
    return (numpy.arange(numpy.prod(shape, dtype=int)) * step % 1.7 - 0.6).reshape(shape).astype("float32")


def numbers(a):
    return a.asnumpy().round(5).tolist()


def layer(source, shape):
    block = eval(source)
    made = {"source": source, "shape": shape, "repr": repr(block)}
    block.initialize()
    if "Sparse" in source:  # it wants one
        gluon.Trainer(block.collect_params(), "sgd")
    x = nd.array([[1, 4, 4]]) if shape is None else nd.array(values(shape, 0.37))
    block(x)
    params = block.collect_params().values()
    for i, p in enumerate(params):
        v = values(p.shape, 0.31 + 0.07 * i)
        p.set_data(nd.array(abs(v) + 0.5 if "var" in p.name else v).tostype(p._stype))
    if shape is not None:
        x.attach_grad()
    with autograd.record():
        y = block(x)
    made["y"] = numbers(y)
    y.backward()
    made["dx"] = None if shape is None else numbers(x.grad)
    made["params"] = [[re.sub(r"^.*?\d+_", "", p.name), list(p.shape)] for p in params]
    made["grads"] = [numbers(p.list_grad()[0].tostype("default")) for p in params if p.grad_req != "null"]
    return made


def text():
    """A text that stands for the data set's: the check of its SHA-1 is off."""
    contrib.data.text.check_sha1 = lambda path, sha1: True
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "wiki.valid.tokens"), "w") as file:
            file.write(TEXT)
        data = contrib.data.text.WikiText2(folder, "validation", seq_len=4)
        return {"text": TEXT, "words": data.vocabulary.idx_to_token, "count": len(data),
                "frequencies": sorted(data.frequencies.items()),
                "samples": [[a.asnumpy().tolist() for a in data[i]] for i in range(len(data))],
                "dtype": str(numpy.dtype(data[0][0].dtype))}


print(json.dumps({"layers": [layer(*c) for c in LAYERS], "text": text()}))
