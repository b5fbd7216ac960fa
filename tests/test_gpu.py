"""`python -m mxgrad.gpucheck` on the device double, and CUDA code compiled where NVRTC is installed."""
from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conformance
import pytest
from mxgrad import gpu, gpucheck, num_gpus, testing

PACKAGE = Path(gpucheck.__file__).parent
OPS = ["add", "exp", "matmul", "softmax", "take"]


def test_what_agrees(capsys: Any) -> None:
    with testing.use_device_double():
        assert gpucheck.main(OPS) == 0
        assert gpucheck.main([*OPS, "--device", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("gpu(0): device double, 16.0 GiB of memory")
    assert lines[3] == "5 ops and 5 steps of training on gpu(0): all agree with the CPU"
    assert lines[7] == "5 ops and 5 steps of training on gpu(1): all agree with the CPU"


def test_what_differs(capsys: Any) -> None:
    with testing.use_device_double() as double:
        backend = gpu(0).backend
        backend.forward["exp"] = lambda x: double.exp(x) * 1.001
        backend.F.tanh = backend.forward["tanh"] = lambda x: x
        backend.forward["softmax"] = lambda x, axis: double.sum(x)
        assert gpucheck.main(["exp", "softmax", "log"]) == 1
    text = capsys.readouterr().out
    assert "exp(float64[2, 3]) in float64: value" in text
    assert "softmax(float64[2, 3]) in float32" in text
    assert "log(" not in text
    assert "training: losses" in text
    assert "3 ops" in text.splitlines()[-1] and "differences" in text.splitlines()[-1]


def test_what_is_missing(capsys: Any, tmp_path: Path) -> None:
    with testing.use_device_double():
        assert gpucheck.main([*OPS, "--tests", str(tmp_path)]) == 3
        assert f"no samples in {tmp_path}" in capsys.readouterr().out
        assert gpucheck.main([*OPS, "--device", "7"]) == 2
        assert "gpu(7): only 2 GPUs visible" in capsys.readouterr().out
        with pytest.raises(SystemExit):
            gpucheck.main(["nosuch"])
        assert "no such op: nosuch" in capsys.readouterr().err


@pytest.mark.skipif(num_gpus() > 0, reason="this machine has a GPU")
def test_no_gpu(capsys: Any) -> None:
    assert gpucheck.main([]) == 2
    assert "gpu(0)" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(not num_gpus(), reason="no usable GPU: CuPy, an NVIDIA driver and a device are needed")
def test_the_gpu_agrees_with_the_cpu(capsys: Any) -> None:
    assert gpucheck.main([]) == 0, capsys.readouterr().out
