"""`python -m mxgrad.gpucheck` on the device double, and CuPy's kernels compiled where NVRTC is installed."""
from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import conformance
import pytest
from mxgrad import gpu, gpucheck, num_gpus, testing
from mxgrad.registry import OPS

PACKAGE = Path(gpucheck.__file__).parent
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
SOME = ["add", "exp", "matmul", "softmax", "take"]


def test_what_agrees(capsys: Any) -> None:
    with testing.use_device_double():
        assert gpucheck.main(SOME) == 0
        assert gpucheck.main([*SOME, "--device", "1"]) == 0
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
        assert gpucheck.main([*SOME, "--tests", str(tmp_path)]) == 3
        assert f"no samples in {tmp_path}" in capsys.readouterr().out
        assert gpucheck.main([*SOME, "--device", "7"]) == 2
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


def loops(cupy: Any) -> tuple[str, int]:
    """CUDA source with a kernel for each float32 and float64 loop of CuPy's ufuncs that the engine uses."""
    manifest = json.loads((PACKAGE / "cupy_manifest.json").read_text())
    names = {use.chain[0] for use, _ in conformance.engine_uses(PACKAGE)}
    names = (names | {op.name for op in OPS.values() if op.ufunc}) & set(manifest["ufuncs"])
    kernels = []
    for name in sorted(names):
        ufunc = getattr(cupy, name)
        for loop in ufunc._ops.ops:
            types = [str(t) for t in (*loop.in_types, *loop.out_types)]
            c = {"float32": "float", "float64": "double", "bool": "bool", "int32": "int"}
            if types[0] not in ("float32", "float64") or not set(types) <= set(c) or loop.routine is None:
                continue
            args = [f"in{i}" for i in range(ufunc.nin)] + [f"out{i}" for i in range(ufunc.nout)]
            taken = ", ".join(f"{c[t]}* {a}_" for t, a in zip(types, args))
            said = " ".join(f"typedef {c[t]} {a}_type; {a}_type& {a} = *{a}_;" for t, a in zip(types, args))
            here = f"{name}_{len(kernels)}"
            kernels.append(
                f'namespace in_{here} {{ {ufunc._preamble}\nextern "C" __global__ void {here}({taken}) '
                f"{{ {said} {ufunc._loop_prep}; {loop.routine}; }} }}")
    headers = ("complex.cuh", "carray.cuh", "atomics.cuh", "math_constants.h")
    return "\n".join([*(f"#include <cupy/{h}>" for h in headers), *kernels]), len(kernels)


def test_the_kernels_of_the_ufuncs_compile() -> None:
    """NVRTC makes machine code of them for every architecture; float16 needs CUDA's headers, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cupy = pytest.importorskip("cupy", exc_type=ImportError, reason="CuPy is not installed")
        from cupy._core import core
        from cupy.cuda import nvrtc
    try:
        nvrtc.getVersion()
    except Exception as error:
        pytest.skip(f"NVRTC cannot be loaded (pip install nvidia-cuda-nvrtc): {error}")
    source, count = loops(cupy)
    assert count > 100
    include = Path(cupy.__file__).parent / "_core" / "include"
    for architecture in ARCHITECTURES:
        program = nvrtc.createProgram(source, "ufuncs.cu", (), ())
        options = (f"-I{include}", *core._get_cccl_include_options(), "--std=c++17", "-ftz=true",
                   f"--gpu-architecture={architecture}")
        try:
            nvrtc.compileProgram(program, options)
        except nvrtc.NVRTCError as error:
            pytest.fail(f"{architecture}: {error}\n{nvrtc.getProgramLog(program)}")
        assert len(nvrtc.getCUBIN(program)) > 1000
        nvrtc.destroyProgram(program)
