"""What a step of training costs: forward, backward and update of an MLP (8x8 digits), LeNet (28x28) and an
LSTM (28 rows of 28, 128 units), batches of 64, Adam; and whether two workers of a DataLoader feed the MLP.

How the figures are taken says peers.py, but the CPU time is that of the whole process, and everybody computes
on one thread::

    python benchmarks/training.py [torch=/path/to/python] [mxnet=/path/to/python]

MXNet's nets are hybridized.  The times with a loader are wall clock times.  Run it with OPENBLAS_CORETYPE and
OPENBLAS_L2_SIZE unset.  Exits with 1 if a ratio misses its aim.
"""
from __future__ import annotations

import os
import sys
from functools import partial

from peers import Worker, best, named

ROUNDS = 12
NETS = ("mlp", "lenet", "lstm")

DATA = """
import numpy
time.thread_time = time.process_time
draw = numpy.random.RandomState(0)
def batch(*shape):
    return draw.uniform(-1, 1, (64, *shape)).astype("float32"), draw.randint(0, 10, 64)
BATCHES = {"mlp": batch(64), "lenet": batch(1, 28, 28), "lstm": batch(28, 28)}
"""

GLUON = """
from {package} import autograd, gluon, init, nd
from {package}.gluon import nn, rnn
class Rows(gluon.Block):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = rnn.LSTM(128, layout="NTC"), nn.Dense(10)
    def forward(self, x):
        return self.out(self.lstm(x)[:, -1])
def made(name):
    if name == "lstm":
        return Rows()
    net = nn.HybridSequential()
    if name == "lenet":
        net.add(nn.Conv2D(6, 5, padding=2, activation="tanh"), nn.AvgPool2D(2),
                nn.Conv2D(16, 5, activation="tanh"), nn.AvgPool2D(2), nn.Flatten(),
                nn.Dense(120, activation="tanh"), nn.Dense(84, activation="tanh"))
    else:
        net.add(nn.Dense(128, activation="relu"), nn.Dense(64, activation="relu"))
    net.add(nn.Dense(10))
    return net
def trained(name):
    net, loss = made(name), gluon.loss.SoftmaxCrossEntropyLoss()
    net.initialize(init.Xavier())
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.001})
    def step(x, y):
        with autograd.record():
            l = loss(net(x), y)
        l.backward()
        trainer.step(64)
        return l
    x, y = map(nd.array, BATCHES[name])
    return lambda: step(x, y), step
"""

STEPS = """
STEPS = {name: trained(name)[0] for name in BATCHES}
def figure(name):
    def steps():
        for _ in range(8):
            l = STEPS[name]()
        l.asnumpy()
    return best(steps, 8, 3)
figure("mlp")
serve(figure)
"""

TORCH = """
import torch
from torch import nn
torch.set_num_threads(1)
class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(28, 128, batch_first=True), nn.Linear(128, 10)
    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])
def made(name):
    if name == "lstm":
        return Rows()
    if name == "lenet":
        return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
                             nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
                             nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
def trained(name):
    net, loss = made(name), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    x, y = map(torch.from_numpy, BATCHES[name])
    def step():
        optimizer.zero_grad()
        l = loss(net(x), y)
        l.backward()
        optimizer.step()
        return l.detach()
    return step, None
""" + STEPS.replace("l.asnumpy()", "l.numpy()")

# An epoch of the digits' size, from memory and through a loader: wall clock time of a step.
FED = """
from mxgrad.gluon.data import ArrayDataset, DataLoader
_, step = trained("mlp")
pixels = draw.uniform(-1, 1, (64 * 28, 64)).astype("float32")
labels = draw.randint(0, 10, 64 * 28).astype("float32")
batches = [(nd.array(pixels[i:i + 64]), nd.array(labels[i:i + 64])) for i in range(0, 64 * 28, 64)]
loader = DataLoader(ArrayDataset(pixels, labels), 64, shuffle=True, num_workers=2)
def figure(name):
    t = time.perf_counter()
    for x, y in batches if name == "memory" else loader:
        step(x, y).wait_to_read()
    return (time.perf_counter() - t) / 28 * 1e6
serve(figure)
"""


def main() -> int:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    peers = named(sys.argv[1:])
    own = DATA + GLUON.replace("{package}", "mxgrad")
    sources = {"mxgrad": own + STEPS, "mxnet": DATA + GLUON.replace("{package}", "mxnet") + STEPS,
               "torch": DATA + TORCH}
    workers = {"mxgrad": Worker.python(sys.executable, sources["mxgrad"])}
    for name in ("mxnet", "torch"):
        if name in peers:
            workers[name] = Worker.python(peers[name], sources[name])
    figures = best(ROUNDS, {
        (name, net): partial(worker.measure, net) for net in NETS for name, worker in workers.items()
    })
    fed = Worker.python(sys.executable, own + FED)
    steps = best(ROUNDS, {source: partial(fed.measure, source) for source in ("memory", "loader")})

    for (name, net), micros in figures.items():
        print(f"{name:7s} {net:6s} {micros:9.1f} us/step")
    for source, micros in steps.items():
        print(f"mlp from {source:6s} {micros:7.1f} us/step by the clock")
    ratios: list[tuple[str, float, float | None]] = [
        (f"{net}: mxgrad / {name}", figures["mxgrad", net] / figures[name, net], aim)
        for name, aim in (("mxnet", 0.5), ("torch", None)) if name in workers for net in NETS
    ]
    ratios.append(("mlp: with 2 workers / from memory", steps["loader"] / steps["memory"], 1.5))
    missed = 0
    for what, ratio, aim in ratios:
        verdict = "" if aim is None else f"aim {aim:4.1f}   {'reached' if ratio <= aim else 'MISSED'}"
        missed += aim is not None and ratio > aim
        print(f"{what:38s} {ratio:6.2f}   {verdict}".rstrip())
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
