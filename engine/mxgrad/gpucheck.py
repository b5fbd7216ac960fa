"""Compares a GPU with the CPU, op by op: ``python -m mxgrad.gpucheck`` (level 12).

    python -m mxgrad.gpucheck [--device N] [--tests FOLDER] [op ...]

Values and gradients of every op (or of those named) on the samples of its tests, in float64 and float32, and
a few steps of training.  The report is made to be pasted into a bug report.

Exit status: 0 all agree; 1 something differs or fails; 2 there is no such GPU, or CuPy is missing, and the
report says which; 3 the samples, which are in the repository and not in the installed package, were not
found.
"""
from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy

from . import __version__, autograd, nd
from .array import wrap
from .backend import device_module
from .base import ContextError
from .context import Context, cpu, gpu
from .registry import OPS

__all__ = ["main"]

TESTS = Path(__file__).resolve().parents[2] / "tests"
# Of the largest element.  Sums go in another order there, and float32's smallest numbers are 0.
TOLERANCES = {"float64": 1e-9, "float32": 1e-4}


def equipment(ctx: Context) -> Iterator[str]:
    """What runs, line by line; ContextError where `ctx` cannot be used."""
    yield f"mxgrad {__version__}, Python {platform.python_version()}, NumPy {numpy.__version__}"
    backend = ctx.backend
    module = device_module()
    runtime = module.cuda.runtime
    yield f"CuPy {module.__version__}, CUDA driver {runtime.driverGetVersion()}, {platform.platform()}"
    free, total = backend.memory_info()
    name = runtime.getDeviceProperties(ctx.device_id)["name"].decode()
    yield f"{ctx}: {name}, {total / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB free"


def differences(name: str, ctx: Context, tests: Any, samples: Any) -> Iterator[str]:
    """What is wrong with an op on `ctx`, a line for each sample."""
    for sample in samples[name]:
        if not sample.devices:
            continue
        at = tests.differentiated(OPS[name], sample)
        for dtype, tolerance in TOLERANCES.items():
            where = f"{name}({sample}) in {dtype}"
            expected = tests.gradients(name, tests.arrays_of(sample, cpu(), dtype), sample.params, at, False)
            try:
                arrays = tests.arrays_of(sample, ctx, dtype)
                got = tests.gradients(name, arrays, sample.params, at, False)
            except Exception as error:      # whatever a driver, a compiler or a kernel comes up with
                yield f"{where}: {type(error).__name__}: {error}"
                continue
            for kind, ours, cpus in zip(("value", "gradient"), got, expected):
                for a, b in zip(tests.hosts(ours), tests.hosts(cpus)):
                    if a.shape != b.shape or a.dtype != b.dtype:
                        yield f"{where}: {kind} is {a.dtype} {a.shape}, the CPU's is {b.dtype} {b.shape}"
                    elif not _agree(a, b, tolerance):
                        yield f"{where}: {kind} {a.ravel()[:6]}, the CPU's is {b.ravel()[:6]}"


def _agree(a: numpy.ndarray, b: numpy.ndarray, tolerance: float) -> bool:
    finite = b[numpy.isfinite(b)] if b.dtype.kind == "f" else b
    scale = float(numpy.max(numpy.abs(finite.astype("float64")), initial=1e-30))
    return bool(numpy.allclose(a, b, rtol=tolerance, atol=tolerance * min(scale, 1e30), equal_nan=True))


def train(ctx: Context) -> list[float]:
    """The losses of some steps of gradient descent with two layers, on numbers that are always the same."""
    rng = numpy.random.default_rng(0)

    def array(*shape: int) -> Any:
        return wrap(nd.NDArray, ctx.backend.from_host(rng.standard_normal(shape).astype("float32")), ctx)

    x, y, weights = array(32, 8), array(32, 1), [array(8, 16), array(16, 1)]
    losses = []
    for _ in range(5):
        for w in weights:
            w.attach_grad()
        with autograd.record():
            loss = nd.mean((nd.dot(nd.tanh(nd.dot(x, weights[0])), weights[1]) - y) ** 2)
        loss.backward()
        for w in weights:
            w -= 0.05 * w.grad
        losses.append(float(loss.asscalar()))
    return losses


def main(arguments: list[str] | None = None) -> int:
    """Run the checks and print the report; gives the exit status."""
    parser = argparse.ArgumentParser("python -m mxgrad.gpucheck", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("ops", nargs="*", metavar="op", help="ops to check; all without any")
    parser.add_argument("--device", type=int, default=0, metavar="N", help="number of the GPU (0)")
    parser.add_argument("--tests", type=Path, default=TESTS, metavar="FOLDER",
                        help="the folder tests of the repository")
    given = parser.parse_args(arguments)
    ctx = gpu(given.device)
    try:
        for line in equipment(ctx):
            print(line)
    except ContextError as error:
        print(error)
        return 2
    if not (given.tests / "samples").is_dir():
        print(f"no samples in {given.tests}: clone the repository and run this in it, or name its folder "
              "tests with --tests")
        return 3
    sys.path.insert(0, str(given.tests))
    try:
        tests, samples = import_module("gradients"), import_module("samples").SAMPLES
    finally:
        sys.path.remove(str(given.tests))
    names = given.ops or sorted(samples)
    unknown = [n for n in names if n not in OPS]
    if unknown:
        parser.error(f"no such op: {', '.join(unknown)}")
    wrong = 0
    for name in names:
        for line in differences(name, ctx, tests, samples):
            print(line)
            wrong += 1
    on_cpu, here = train(cpu()), train(ctx)
    if not numpy.allclose(here, on_cpu, rtol=1e-4) or not here[-1] < here[0]:
        print(f"training: losses {here}, on the CPU {on_cpu}")
        wrong += 1
    print(f"{len(names)} ops and {len(here)} steps of training on {ctx}: "
          + (f"{wrong} differences" if wrong else "all agree with the CPU"))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
