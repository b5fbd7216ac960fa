"""gluon.nn: what the layers print and compute, against MXNet 1.9.1 and 2.0 (tests/data/record_gluon.py)."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from checks import values, version
from mxgrad import autograd, gluon
from mxgrad.gluon import nn

DATA = Path(__file__).parent / "data"
RECORDED = {v: json.loads((DATA / f"gluon_{v}.json").read_text()) for v in ("1.9.1", "2.0")}


def fill(block: Any, array: Any) -> None:
    for i, (name, p) in enumerate(block.collect_params().items()):
        v = values(p.shape, 0.31 + 0.07 * i, p.data().dtype)
        p.set_data(array(abs(v) + 0.5 if "var" in name else v, dtype=p.data().dtype))


def close(ours: Any, theirs: Any) -> None:
    numpy.testing.assert_allclose(ours.asnumpy(), theirs, rtol=2e-4, atol=2e-5)


# MXNet says 0.92 for the slope of this at -0.6, where scale * alpha * exp(x) is 0.96.
WRONG = ("nn.SELU()",)

CASES = [(v, case) for v in RECORDED for case in RECORDED[v]["layers"]]


@pytest.mark.parametrize("number, case", CASES, ids=lambda c: c if isinstance(c, str) else c["source"])
def test_layer(number: str, case: dict[str, Any]) -> None:
    source, shape = case["source"], case["shape"]
    with version(number) as array:
        block = eval(source, {"nn": nn})
        if number == "2.0" and "in_channels" in source and "Conv" in source:
            case["repr"] = case["repr"].replace("-1 ->", f"{shape[1]} ->")  # MXNet 2 does not look at it
        assert repr(block) == case["repr"]
        block.initialize()
        dtype = "float64" if "float64" in source else "float32"
        x = array(
            numpy.arange(numpy.prod(shape)).reshape(shape) % 5
            if "Embedding" in source
            else values(shape, 0.37, dtype),
            dtype=dtype,
        )
        block(x)
        fill(block, array)
        if case["dx"]:
            x.attach_grad()
        with autograd.record():
            y = block(x)
        params = block.collect_params()
        assert repr(block) == case["repr_after"]
        names = list(params) if number == "2.0" else [n.split("_", 1)[1] for n in params]
        assert [[n, list(p.shape), p.grad_req] for n, p in zip(names, params.values())] == case["params"]
        if case["y"] is not None:
            assert type(y) is type(array(0))
            close(y, case["y"])
            if case["dx"] is not None or case["grads"]:
                y.backward()
            if case["dx"] is not None and source not in WRONG:
                close(x.grad, case["dx"])
            for p, grad in zip([p for p in params.values() if p.grad_req != "null"], case["grads"]):
                numpy.testing.assert_allclose(p.grad().asnumpy(), grad, rtol=1e-3, atol=2e-4)
        close(block(x), case["predicted"])
        for p, state in zip([p for n, p in params.items() if "running" in n], case["states"]):
            close(p.data(), state)


@pytest.mark.parametrize("number", list(RECORDED))
@pytest.mark.parametrize("name", list(RECORDED["2.0"]["nets"]))
def test_texts_of_a_net(number: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    case = RECORDED[number]["nets"][name]
    with version(number) as array:
        opened = contextlib.nullcontext if number == "2.0" else (lambda block: block.name_scope())
        names: dict[str, Any] = {
            "scope": {} if number == "2.0" else {"prefix": "net_"},
            "opened": opened,
            "gluon": gluon,
            "nn": nn,
        }
        exec(case["source"], names)
        net = names["net"]
        assert repr(net) == case["repr"]
        assert repr(net.collect_params()) == case["params"]
        net.initialize()
        net.summary(array(values(case["shape"], 0.37)))
        assert capsys.readouterr().out == case["summary"]
        assert repr(net) == case["after"]
        assert list(net.collect_params(".*weight")) == case["selected"]
