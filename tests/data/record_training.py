"""Writes training_1.9.1.json: the losses of the first ten steps of small nets, as MXNet computes them.

    python tests/data/record_training.py tests/data/training_1.9.1.json     (with a Python that has MXNet)

A net is made and trained with whatever package has MXNet's names: this module is also what the test trains
with.
"""
from __future__ import annotations

import json
import sys
from typing import Any

import numpy

STEPS, BATCH = 10, 16
SHAPES = {"mlp": (20,), "cnn": (1, 12, 12), "lstm": (7, 5)}
OPTIMIZERS = {
    "sgd": {"learning_rate": 0.1, "momentum": 0.9, "wd": 0.001},
    "adam": {"learning_rate": 0.01},
}
CASES = [f"{net} {optimizer}" for net in SHAPES for optimizer in OPTIMIZERS]


def made(mx: Any, kind: str) -> Any:
    """The net: its shapes follow from the data, so every parameter waits for the first batch."""
    nn, rnn = mx.gluon.nn, mx.gluon.rnn
    net = nn.HybridSequential()
    if kind == "mlp":
        net.add(nn.Dense(32, activation="relu"), nn.Dense(16, activation="tanh"))
    elif kind == "cnn":
        net.add(nn.Conv2D(6, 3, padding=1), nn.BatchNorm(), nn.Activation("relu"), nn.MaxPool2D(),
                nn.Conv2D(8, 3, use_bias=False), nn.BatchNorm(), nn.LeakyReLU(0.1), nn.GlobalAvgPool2D(),
                nn.Flatten())
    else:
        net = nn.Sequential()
        net.add(rnn.LSTM(12, num_layers=2, layout="NTC", bidirectional=True),
                nn.HybridLambda(lambda F, x: F.mean(x, axis=1)))
    net.add(nn.Dense(4))
    return net


def losses(mx: Any, case: str) -> list[float]:
    """The mean losses before each step; the last one is after all of them."""
    kind, optimizer = case.split()
    draw = numpy.random.RandomState(7)
    data = draw.uniform(-1, 1, (BATCH * 2, *SHAPES[kind])).astype("float32")
    labels = draw.randint(0, 4, BATCH * 2).astype("float32")
    mx.random.seed(42)
    net = made(mx, kind)
    net.initialize(mx.init.Xavier() if kind == "mlp" else mx.init.Uniform(0.3))
    trainer = mx.gluon.Trainer(net.collect_params(), optimizer, dict(OPTIMIZERS[optimizer]))
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    found = []
    for step in range(STEPS + 1):
        part = slice(step % 2 * BATCH, (step % 2 + 1) * BATCH)
        x, y = mx.nd.array(data[part]), mx.nd.array(labels[part])
        with mx.autograd.record():
            loss = loss_of(net(x), y)
        loss.backward()
        trainer.step(BATCH)
        found.append(float(loss.asnumpy().mean(dtype="float64")))
    return found


if __name__ == "__main__":
    import mxnet

    lines = [f'"{case}": {json.dumps(losses(mxnet, case))}' for case in CASES]
    with open(sys.argv[1], "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
