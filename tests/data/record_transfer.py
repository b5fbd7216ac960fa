"""The pretrained model of examples/transfer.py: a network trained with MXNet 1.9.1 on the digits 0 to 4.

python record_transfer.py       writes digits_0_to_4-* in examples/data
"""

from pathlib import Path

import mxnet as mx
import numpy
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

DATA = Path(__file__).resolve().parent.parent.parent / "examples/data"
NAME = str(DATA / "digits_0_to_4")

mx.random.seed(3)
rows = numpy.loadtxt(DATA / "digits.csv", delimiter=",", dtype="float32")
X, y = nd.array(rows[:, :64].reshape(-1, 1, 8, 8) / 16), rows[:, 64]
is_test = numpy.arange(len(rows)) % 5 == 4
train = numpy.flatnonzero(~is_test & (y < 5))

net = nn.HybridSequential(prefix="digits_")
with net.name_scope():
    net.add(nn.Conv2D(12, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"),
            nn.MaxPool2D())
    net.add(nn.Conv2D(24, 3, padding=1, activation="relu"), nn.MaxPool2D(), nn.Flatten())
    net.add(nn.Dense(32, activation="relu", prefix="features_"), nn.Dense(5, prefix="output_"))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.003})
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
for _ in range(8):
    order = numpy.random.RandomState(0).permutation(train)
    for start in range(0, len(order), 32):
        chosen = order[start:start + 32]
        with autograd.record():
            loss = loss_function(net(X[chosen]), nd.array(y[chosen]))
        loss.backward()
        trainer.step(len(chosen))
net.export(NAME)
images = numpy.flatnonzero(is_test & (y < 5))[:20]
scores = net(X[images])
print((scores.asnumpy().argmax(axis=1) == y[images]).mean())
numpy.savetxt(NAME + "-outputs.csv", numpy.column_stack([images, scores.asnumpy()]),
              delimiter=",", fmt="%.9g",
              header="row of digits.csv, then the model's five outputs, by MXNet 1.9.1")
