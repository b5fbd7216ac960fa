"""Transfer learning: a network that MXNet 1.9.1 trained on the digits 0 to 4 learns the digits 5 to 9.

``data/digits_0_to_4-symbol.json`` and ``-0000.params`` are what its ``export`` wrote, ``-outputs.csv`` what
the model gave there for some images. Those outputs are reproduced to 1e-5. Then the convolutional
layers stay as they are, and a new last layer is trained on the digits that the model has never seen: at least
95 % of the test images.

    python examples/transfer.py [--quick] [--epochs N] [--picture FILE]
"""
from __future__ import annotations

import sys

import numpy
from common import DATA, check, digits, draw_curves, options, progress

import mxgrad as mx
from mxgrad import autograd, gluon, nd

chosen = options("a trained network learns other digits", epochs=20)
NAME = str(DATA / "digits_0_to_4")
pretrained = gluon.SymbolBlock.imports(NAME + "-symbol.json", ["data"], NAME + "-0000.params")

expected = numpy.loadtxt(NAME + "-outputs.csv", delimiter=",", dtype="float32")
rows = numpy.loadtxt(DATA / "digits.csv", delimiter=",", dtype="float32")[expected[:, 0].astype(int)]
outputs = pretrained(nd.array(rows[:, :64].reshape(-1, 1, 8, 8) / 16)).asnumpy()
difference = float(numpy.abs(outputs - expected[:, 1:]).max())
print(f"difference from MXNet's outputs {difference:.1e}", file=sys.stderr)
if difference > 1e-5:
    sys.exit("the outputs of the loaded model are not MXNet's")

inside = mx.sym.load(NAME + "-symbol.json").get_internals()
features = gluon.SymbolBlock(inside["digits_flatten0_flatten0_output"], mx.sym.var("data"),
                             params=pretrained.collect_params())
head = gluon.nn.Dense(5)
head.initialize(mx.init.Xavier())

(train_x, train_y), (test_x, test_y) = digits()
train = gluon.data.ArrayDataset(train_x[train_y > 4], train_y[train_y > 4] - 5)
loader = gluon.data.DataLoader(train, 32, shuffle=True)
test_x, test_y = nd.array(test_x[test_y > 4]), nd.array(test_y[test_y > 4] - 5)

trainer = gluon.Trainer(head.collect_params(), "adam", {"learning_rate": 0.01})
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
losses, accuracies = [], []
for epoch in range(1, chosen.epochs + 1):
    mean_loss, accuracy = mx.metric.Loss(), mx.metric.Accuracy()
    for data, label in progress(loader, f"epoch {epoch} of {chosen.epochs}"):
        seen = features(data)               # not recorded: these layers do not learn
        with autograd.record():
            loss = loss_function(head(seen), label)
        loss.backward()
        trainer.step(data.shape[0])
        mean_loss.update(None, [loss])
    accuracy.update(test_y, head(features(test_x)))
    losses.append(mean_loss.get()[1])
    accuracies.append(accuracy.get()[1])
    print(f"epoch {epoch:2d}  loss {losses[-1]:.5f}  test accuracy {accuracies[-1]:.4f}")
draw_curves(chosen.picture, "transfer", "epoch", loss=losses, test_accuracy=accuracies)
check("test accuracy", accuracies[-1], accuracies[-1] >= 0.95, "at least 0.95", chosen.quick)
