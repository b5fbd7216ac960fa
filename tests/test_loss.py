"""gluon.loss against MXNet 1.9.1 and 2.0 (tests/data/record_losses.py), and gradients to order 2."""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, gluon, nd
from mxgrad.testing import check_grads

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_losses", DATA / "record_losses.py")
assert _spec and _spec.loader
record_losses = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_losses)
RECORDED = [
    (version, *case) for version in ("1.9.1", "2.0")
    for case in json.loads((DATA / f"losses_{version}.json").read_text())
]
KINKED = ("Hinge", "Triplet", "CosineEmbedding", "L1", "Huber")


def make(source: str) -> gluon.loss.Loss:
    loss = eval(source, vars(gluon.loss))
    assert isinstance(loss, gluon.loss.Loss)
    return loss


def arguments(names: str, array: Any, dtype: str = "float32") -> list[Any]:
    values = map(record_losses.argument, names.split())
    return [None if a is None else array(a, dtype=dtype) for a in values]


@pytest.mark.parametrize("version, source, names, shown, value, gradients", RECORDED,
                         ids=lambda v: v if isinstance(v, str) else "")
def test_recorded(version: str, source: str, names: str, shown: str, value: Any, gradients: Any) -> None:
    array = nd.array if version == "1.9.1" else mx.np.array
    args = arguments(names, array)
    wanted = [a for k, a in zip(names.split(), args) if k[0] in "xyzpqlw"]
    for a in wanted:
        a.attach_grad()
    loss = make(source)
    assert repr(loss) == shown
    with autograd.record():
        y = loss(*args)
        total = (y * array(numpy.arange(1, y.size + 1).reshape(y.shape))).sum()
    total.backward()
    assert type(y) is type(args[0]) and y.shape == numpy.shape(value)
    numpy.testing.assert_allclose(y.asnumpy(), value, rtol=1e-5, atol=2e-6)
    for a, g in zip(wanted, gradients):
        numpy.testing.assert_allclose(a.grad.asnumpy(), g, rtol=2e-5, atol=2e-5)
