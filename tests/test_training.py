"""Training as a whole: MXNet's losses (tests/data/record_training.py), and the memory of many steps."""
from __future__ import annotations

import gc
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, gluon, nd
from mxgrad.gluon import nn, rnn

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_training", DATA / "record_training.py")
assert _spec and _spec.loader
record_training = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_training)
RECORDED = json.loads((DATA / "training_1.9.1.json").read_text())


@pytest.mark.parametrize("case", record_training.CASES)
def test_losses_are_mxnets(case: str) -> None:
    numpy.testing.assert_allclose(record_training.losses(mx, case), RECORDED[case], rtol=1e-5)


def resident() -> int:
    """The memory that the process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def mlp() -> tuple[Any, tuple[int, ...]]:
    net = nn.HybridSequential()
    net.add(nn.Dense(32, activation="relu"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(10))
    return net, (16, 64)


def lstm() -> tuple[Any, tuple[int, ...]]:
    net = nn.HybridSequential()
    net.add(rnn.LSTM(8, layout="NTC"), nn.Dense(10))
    return net, (16, 4, 5)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the resident size is read from /proc")
@pytest.mark.parametrize("make", [mlp, lstm])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_memory_does_not_grow(make: Any, optimizer: str) -> None:
    """A batch of the MLP kept in every step would be 4 MB after 1,000 steps.

    The garbage collector is off: no step may need it.
    """
    net, shape = make()
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": 0.01})
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()

    def steps(n: int) -> None:
        for _ in range(n):
            x, y = nd.ones(shape), nd.zeros(shape[0])
            with autograd.record():
                loss = loss_of(net(x), y)
            loss.backward()
            trainer.step(shape[0])

    gc.collect()
    gc.disable()
    try:
        steps(100)
        before = resident()
        steps(1000)
        assert resident() - before < 1 << 20
    finally:
        gc.enable()
