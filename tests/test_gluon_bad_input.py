"""What training refuses, and that nothing has changed then: parameters without values, files that would run
code or are cut off, stale gradients, and Ctrl-C while workers load the data.
"""
from __future__ import annotations

import io
import json
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import MXNetError, autograd, gluon, nd
from mxgrad.gluon import nn
from mxgrad.gluon.parameter import DeferredInitializationError, LoadError


class Bomb:
    """A pickle of it fails the test that unpickles it."""

    def __reduce__(self) -> Any:
        return pytest.fail, ("a pickle was run",)


def net_of(**kwargs: Any) -> Any:
    net = nn.HybridSequential(prefix="net_")
    net.add(nn.Dense(3, activation="relu", in_units=2, prefix="a_"), nn.Dense(1, prefix="b_", **kwargs))
    return net


def values(net: Any) -> dict[str, list[Any]]:
    return {n: p.data().asnumpy().tolist() for n, p in net.collect_params().items()}


def trainer_of(net: Any, optimizer: str = "adam") -> Any:
    return gluon.Trainer(net.collect_params(), optimizer, {"learning_rate": 0.1})


# parameters without values ----------------------------------------------------------------------------------


def test_nothing_is_trained_that_has_no_values() -> None:
    with pytest.raises(RuntimeError, match="Parameter 'a_bias' has not been initialized"):
        trainer_of(net_of(in_units=3))
    net = net_of(in_units=3)
    with pytest.raises(RuntimeError, match="has not been initialized"):
        net(nd.ones((1, 2)))
    with pytest.raises(RuntimeError, match="has not been initialized"):
        net.save_parameters("never-written.params")
    assert not Path("never-written.params").exists()


def test_parameters_that_wait_for_their_shape() -> None:
    net = net_of()
    net.initialize()
    trainer = trainer_of(net)
    with pytest.raises(DeferredInitializationError, match="b_weight"):
        net[1].weight.data()
    with pytest.raises(DeferredInitializationError, match="b_weight"):
        trainer.step(1, ignore_stale_grad=True)
    with pytest.raises(DeferredInitializationError, match="b_weight"):
        net[1].weight.grad()
    before = net[0].weight.data().asnumpy()
    with pytest.raises(ValueError, match=r"FullyConnected.*\(3, 2\)"):
        net(nd.ones((1, 5)))
    with autograd.record():
        loss = net(nd.ones((4, 2)))
    loss.backward()
    assert (net[0].weight.data().asnumpy() == before).all()
    trainer.step(4)
    assert net[1].weight.shape == (1, 3)


# files ------------------------------------------------------------------------------------------------------


def _zipped(member: bytes, name: str = "0.weight.npy") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(name, member)
    return out.getvalue()


def _npy(header: str, data: bytes) -> bytes:
    text = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def _safetensors(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _object_array() -> bytes:
    out = io.BytesIO()
    numpy.save(out, numpy.array([Bomb()], dtype=object), allow_pickle=True)
    return out.getvalue()


F32 = {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}
FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a pickle": ("params", lambda: pickle.dumps({"0.weight": Bomb()})),
    "a pickle, called npz": ("npz", lambda: pickle.dumps({"0.weight": Bomb()})),
    "a pickle, called safetensors": ("safetensors", lambda: pickle.dumps({"0.weight": Bomb()})),
    "a pickle in a zip": ("npz", lambda: _zipped(pickle.dumps(Bomb()))),
    "an array of objects": ("npz", lambda: _zipped(_object_array())),
    "the same, called params": ("params", lambda: _zipped(_object_array())),
    "an array of objects alone": ("params", _object_array),
    "a header that is code": (
        "npz", lambda: _zipped(_npy("{'descr': __import__('os').abort(), 'shape': (1,)}", b"\0" * 4))),
    "an array of 2^60 numbers": (
        "npz",
        lambda: _zipped(_npy(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({1 << 60},)}}", b"1234"))),
    "a file of nothing": ("params", lambda: b""),
    "a zip of nothing but its mark": ("npz", lambda: b"PK\x03\x04"),
    "offsets behind the end": ("safetensors", lambda: _safetensors({"0.weight": F32}, b"\0" * 8)),
    "a header of 2^60 bytes": ("safetensors", lambda: struct.pack("<Q", 1 << 60) + b"{}"),
    "a header that is none": ("safetensors", lambda: struct.pack("<Q", 2) + b"[]"),
}


@pytest.mark.parametrize("what", FILES)
def test_files_that_are_malicious(what: str, tmp_path: Path) -> None:
    end, made = FILES[what]
    if end == "safetensors":
        pytest.importorskip("safetensors")
    file = tmp_path / f"net.{end}"
    file.write_bytes(made())
    net = net_of(in_units=3)
    net.initialize()
    before = values(net)
    with pytest.raises(MXNetError, match=re.escape(str(file))):
        net.load_parameters(str(file))
    assert values(net) == before


@pytest.mark.parametrize("end", ["params", "npz", "safetensors"])
def test_files_that_are_cut_off(end: str, tmp_path: Path) -> None:
    if end == "safetensors":
        pytest.importorskip("safetensors")
    file = tmp_path / f"net.{end}"
    other = net_of(in_units=3)
    other.initialize(mx.init.One())
    other.save_parameters(str(file))
    whole = file.read_bytes()
    net = net_of(in_units=3)
    net.initialize()
    before = values(net)
    for length in (*range(0, len(whole), 37), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(MXNetError, match=re.escape(str(file))):
            net.load_parameters(str(file))
        assert values(net) == before
    file.write_bytes(whole)
    net.load_parameters(str(file))
    assert values(net) == values(other) != before


def test_a_net_that_waits_for_its_shape_stays_so_after_a_file_that_does_not_fit(tmp_path: Path) -> None:
    file = str(tmp_path / "net.params")
    nd.save(file, {"0.weight": nd.ones((3, 2)), "0.bias": nd.ones(4), "1.weight": nd.ones((1, 3)),
                   "1.gamma": nd.ones(1)})
    net = net_of()
    net.initialize()
    before = net[0].weight.data().asnumpy()
    with pytest.raises(LoadError) as caught:
        net.load_parameters(file)
    assert str(caught.value).splitlines()[1:] == [
        "Nothing was loaded (- missing, + not expected, ! does not fit):",
        "  - 1.bias",
        "  + 1.gamma",
        "  ! 0.bias: (3,) float32 expected, (4,) float32 saved",
    ]
    assert (net[0].weight.data().asnumpy() == before).all()
    with pytest.raises(DeferredInitializationError):
        net[1].weight.data()


# gradients that no backward has written ---------------------------------------------------------------------


def test_a_stale_gradient_changes_nothing() -> None:
    net = net_of(in_units=3)
    net.initialize()
    trainer = trainer_of(net)
    with pytest.raises(UserWarning, match="`a_bias` on context cpu.0. has not been updated by backward"):
        trainer.step(1)
    with autograd.record():
        loss = net[0](nd.ones((1, 2)))
    loss.backward()
    before = values(net)
    with pytest.raises(MXNetError, match="`b_bias`"):
        trainer.step(1)
    assert values(net) == before and not trainer._updaters[0].states
    trainer.step(1, ignore_stale_grad=True)
    after = values(net)
    assert after["b_weight"] == before["b_weight"] and after["a_bias"] != before["a_bias"]


# Ctrl-C -----------------------------------------------------------------------------------------------------

PROGRAM = """
import numpy, signal, sys
import mxgrad as mx
from mxgrad import autograd, gluon, nd

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a shell's background job ignores it
    pixels = numpy.ones((512, 8), "float32")
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(pixels, pixels[:, 0]), 4, num_workers=2)
    net = gluon.nn.Dense(1)
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.001})
    print(*(worker.process.pid for worker in loader._workers._workers), flush=True)
    steps = 0
    try:
        while True:
            for x, y in loader:
                with autograd.record():
                    loss = gluon.loss.L2Loss()(net(x), y)
                loss.backward()
                trainer.step(4)
                steps += 1
                if steps == 3:
                    print("training", flush=True)
    finally:
        net.save_parameters(sys.argv[1])
"""


def test_ctrl_c_in_a_training_loop(tmp_path: Path) -> None:
    program, saved = tmp_path / "program.py", tmp_path / "net.params"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), str(saved)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2 and process.stdout.readline() == "training\n"
    os.killpg(process.pid, signal.SIGINT)       # as a terminal does: the workers get it, too
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")
    assert numpy.isfinite(nd.load(str(saved))["weight"].asnumpy()).all()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
