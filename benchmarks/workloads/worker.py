"""What a worker of bench.py does: run the workloads in one library, check their results, take the times."""
from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
from timer import readings

from . import WORKLOADS
from .kinds import LANGUAGES, Step, Workload

THREADS = 2
SAMPLE = 4096       # elements of a result that are compared, one at least
WARM, STEPS = 100, 1000     # steps before memory is looked at, and those it is looked at for


class Library:
    """An array library in this process: arrays there and back."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.language = LANGUAGES[name]
        self.module = importlib.import_module(name)
        if name == "torch":
            self.module.set_num_threads(THREADS)
        if name == "jax":
            self.module.config.update("jax_enable_x64", True)

    def array(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.array(v) for v in value]
        if isinstance(value, int):
            return value
        if self.language == "torch":
            return self.module.from_numpy(value)
        if self.language == "gluon":
            dtype = "int32" if value.dtype.kind == "i" else value.dtype
            return self.module.nd.array(value, dtype=dtype)
        return self.module.numpy.asarray(value) if self.language == "jax" else value

    def host(self, result: Any) -> Any:
        if self.language == "torch":
            return result.detach().numpy()
        return result.asnumpy() if self.language == "gluon" else numpy.asarray(result)

    def wait(self, results: list[Any]) -> None:
        """Until the results are there: some libraries compute beside the program, some only when asked."""
        if self.language == "gluon":
            for result in results:
                result.wait_to_read()
        elif self.language == "jax":
            for result in results:
                result.block_until_ready()


def made(library: Library, workload: Workload, sizes: dict[str, int], dtype: str = "float32") -> Step:
    """The program of a workload on fresh data, which are the same numbers whatever the dtype."""

    def typed(value: Any) -> Any:
        if isinstance(value, list):
            return [typed(v) for v in value]
        value = numpy.asarray(value)
        return value.astype("float32").astype(dtype) if value.dtype.kind == "f" else value

    data = workload.data(numpy.random.RandomState(0), SimpleNamespace(**sizes))
    w = SimpleNamespace(**sizes, **{name: library.array(typed(value)) for name, value in data.items()})
    step = workload.step(library.language, library.module, w)
    if library.language in ("torch", "numpy"):
        return step

    def waited() -> list[Any]:
        results = step()
        library.wait(results)
        return results

    return waited


def digests(library: Library, results: list[Any]) -> list[Any]:
    """Of each result, elements at equal distances, and the root of the mean square of all."""
    found = []
    for result in results:
        flat = library.host(result).ravel()
        every = max(1, flat.size // SAMPLE) | 1
        square = numpy.sqrt(numpy.mean(numpy.square(flat, dtype="float64")))
        found.append(numpy.append(flat[::every].astype("float64"), square))
    return found


def worst_error(found: list[Any], reference: list[Any]) -> float:
    """The largest relative error of the results, in the 2-norm; inf where one is missing or not finite."""
    if [a.size for a in found] != [a.size for a in reference]:
        return numpy.inf
    errors = [numpy.linalg.norm(a - b) / (numpy.linalg.norm(b) or 1) for a, b in zip(found, reference)]
    worst = float(max(errors))
    return worst if numpy.isfinite(worst) else numpy.inf


def resident() -> int:
    """The memory that this process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bytes_left(step: Step) -> float:
    before = resident()
    results = step()
    return float(resident() - before) if results else 0.0


def growth(step: Step) -> float:
    """Megabytes."""
    for _ in range(WARM):
        step()
    before = resident()
    for _ in range(STEPS):
        step()
    return (resident() - before) / 1e6


def import_seconds(name: str) -> float:
    code = f"import time\nt = time.perf_counter()\nimport {name}\nprint(time.perf_counter() - t)"
    # users have compiled modules
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return float(subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=env, check=True,
                                capture_output=True, text=True).stdout)


class Answers:
    """A worker's answers to ``version``, ``reference NAME FILE``, ``check NAME FILE`` and ``measure NAME
    SECONDS``.

    What begins with ``error`` is the report of a failure, after which the worker goes on.
    """

    def __init__(self, name: str) -> None:
        self.library = Library(name)
        # One workload at a time, since some hold gigabytes: its name, program, and what measures it.
        self.name = ""
        self.program: Step | None = None
        self.timed: Callable[[], list[float]] | None = None

    def step(self, name: str) -> Step:
        if self.program is None or self.name != name:
            self.program = self.timed = None
            self.name = name
            self.program = made(self.library, WORKLOADS[name], WORKLOADS[name].sizes)
        return self.program

    def version(self) -> str:
        return str(self.library.module.__version__)

    def reference(self, name: str, file: str) -> str:
        """Write the results in float64 to a file."""
        self.program = None
        workload = WORKLOADS[name]
        results = made(self.library, workload, workload.sizes, "float64")()
        numpy.savez(file, *digests(self.library, results))
        return "written"

    def check(self, name: str, file: str) -> str:
        """The worst error of the first step."""
        self.program = None
        with numpy.load(file) as kept:
            reference = [kept[key] for key in kept.files]
        return repr(worst_error(digests(self.library, self.step(name)()), reference))

    def measure(self, name: str, seconds: str) -> str:
        """Readings of the workload's figure."""
        workload = WORKLOADS[name]
        if workload.figure == "import":
            return repr(import_seconds(self.library.name))
        step = self.step(name)
        if workload.figure == "bytes":
            return repr(bytes_left(step) / workload.count())
        if workload.figure == "growth":
            return repr(growth(step))
        if self.timed is None:
            self.timed = readings(step, float(seconds))
        return " ".join(repr(t / workload.count()) for t in self.timed())

    def __call__(self, line: str) -> str:
        command, *arguments = line.split()
        try:
            answer: Callable[..., str] = getattr(self, command)
            return answer(*arguments)
        except Exception as error:
            return "error " + " ".join(f"{type(error).__name__}: {error}".split())
