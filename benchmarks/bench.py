"""The workloads of `workloads`, beside PyTorch, MXNet, JAX and NumPy::

    python benchmarks/bench.py [options] [torch=/path/to/python] [mxnet=/path/to/python] [jax=/path/to/python]

    --only chain,deep_*   these workloads
    --rounds N            rounds of measuring
    --quick               fewer and shorter rounds
    --report              write docs/benchmarks.md and docs/benchmarks.svg (which a run of everything does by itself)

Every library has a process that lives as long as the run, and measures in turns with the others, in wall clock
time, on two processors with two threads.  Before it is measured, the results of its first step (outputs,
gradients, new parameters) are compared with a reference in float64: the NumPy program, or the PyTorch program if
there is none, or, where no PyTorch is named, mxgrad's own.  Exits with 1 if an aim is missed, a result is wrong
or a program fails.
"""
from __future__ import annotations

import argparse
import fnmatch
import math
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from peers import ROOT, Worker, named
from workloads import WORKLOADS
from workloads.kinds import SCALES, Workload
from workloads.worker import THREADS

LIBRARIES = ("mxgrad", "torch", "mxnet", "jax", "numpy")
OVER_MXNET = 0.5        # the aim of every workload beside MXNet
MEAN = 0.55             # the aim of the geometric mean beside PyTorch
FLAT = ("deep_100k", "deep_100", 1.5)       # an op of the first may cost so many times one of the second

PROGRAM = """
from workloads.worker import Answers
serve(Answers({library!r}))
"""


@dataclass
class Figures:
    """What was measured of one workload: the readings of each library, in the workload's unit."""

    workload: Workload
    readings: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def best(self, library: str) -> float | None:
        return min(self.readings[library]) if library in self.readings else None

    def ratio(self, peer: str) -> float | None:
        """Our best figure divided by the peer's; of memory there is none."""
        own, other = self.best("mxgrad"), self.best(peer)
        return None if own is None or not other or self.workload.limit is not None else own / other


def environment(library: str) -> dict[str, str]:
    """A worker's: the peers get as many threads as mxgrad finds processors."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    if library == "mxgrad":
        for name in threads:
            env.pop(name, None)
    else:
        env.update(dict.fromkeys(threads, str(THREADS)))
    return env


class Run:
    """The workers, and the measuring of one workload after the other."""

    def __init__(self, pythons: dict[str, str], rounds: int, seconds: float, folder: Path) -> None:
        self.pythons, self.rounds, self.seconds, self.folder = pythons, rounds, seconds, folder
        self.workers: dict[str, Worker] = {}

    def worker(self, library: str) -> Worker:
        if library not in self.workers:
            source = PROGRAM.format(library=library)
            self.workers[library] = Worker.python(self.pythons[library], source, environment(library))
        return self.workers[library]

    def ask(self, library: str, figures: Figures, line: str) -> str | None:
        """The answer, or None after a failure, which is noted."""
        answer = self.worker(library).ask(line)
        if answer.startswith("error "):
            figures.failures[library] = answer.removeprefix("error ")
            return None
        return answer

    def referee(self, workload: Workload) -> str:
        """The library whose results in float64 are the reference."""
        if "numpy" in workload.languages():
            return "numpy"
        return "torch" if "torch" in self.pythons and "torch" in workload.languages() else "mxgrad"

    def check(self, name: str, libraries: list[str], figures: Figures) -> list[str]:
        """The libraries whose results are right."""
        file = str(self.folder / f"{name}.npz")
        if self.ask(self.referee(figures.workload), figures, f"reference {name} {file}") is None:
            return []
        right = []
        for library in libraries:
            answer = self.ask(library, figures, f"check {name} {file}")
            if answer is not None:
                figures.errors[library] = float(answer)
                if figures.errors[library] <= figures.workload.tolerance:
                    right.append(library)
                else:
                    figures.failures[library] = (
                        f"wrong results: relative error {answer}, allowed {figures.workload.tolerance:g}")
        return right

    def measure(self, name: str, tell: Callable[[str], None]) -> Figures:
        workload = WORKLOADS[name]
        figures = Figures(workload)
        libraries = [lib for lib in self.pythons
                     if {"mxgrad": "gluon", "mxnet": "gluon"}.get(lib, lib) in workload.languages()
                     and lib not in workload.without]
        if workload.figure == "time":
            libraries = self.check(name, libraries, figures)
        elif workload.figure in ("bytes", "growth"):
            self.close()        # memory is looked at in fresh processes
        rounds = self.rounds if workload.figure in ("time", "import") else 1
        for number in range(rounds):
            tell(f"{name} {number + 1}/{rounds}")
            for library in list(libraries):
                answer = self.ask(library, figures, f"measure {name} {self.seconds}")
                if answer is None:
                    libraries.remove(library)
                else:
                    scale = SCALES.get(workload.unit, 1.0)
                    figures.readings.setdefault(library, []).extend(scale * float(t) for t in answer.split())
        return figures

    def close(self) -> None:
        for worker in self.workers.values():
            worker.end()
        self.workers.clear()


def number(value: float | None) -> str:
    return "" if value is None else f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:.0f}"


def verdicts(found: dict[str, Figures]) -> list[tuple[str, float, float]]:
    """What has an aim: its name, the figure, the aim."""
    judged = []
    for name, figures in found.items():
        workload, own = figures.workload, figures.best("mxgrad")
        ratio, over_mxnet = figures.ratio("torch"), figures.ratio("mxnet")
        if workload.aim is not None and ratio is not None:
            judged.append((f"{name} / torch", ratio, workload.aim))
        if workload.limit is not None and own is not None:
            judged.append((f"{name} ({workload.unit})", own, workload.limit))
        if over_mxnet is not None:
            judged.append((f"{name} / mxnet", over_mxnet, OVER_MXNET))
    long, short, allowed = FLAT
    if long in found and short in found:
        a, b = found[long].best("mxgrad"), found[short].best("mxgrad")
        if a is not None and b is not None:
            judged.append((f"{long} / {short}", a / b, allowed))
    mean = geometric_mean(found, "torch")
    if mean is not None and set(found) == set(WORKLOADS):
        judged.append(("geometric mean / torch", mean, MEAN))
    return judged


def geometric_mean(found: dict[str, Figures], peer: str) -> float | None:
    ratios = [r for figures in found.values() if (r := figures.ratio(peer)) is not None]
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None


def table(found: dict[str, Figures], libraries: list[str]) -> str:
    """Markdown: best (median) figures of every library, our ratio to each."""
    peers = [lib for lib in libraries if lib != "mxgrad"]
    head = ["workload", "", "unit", *libraries, *[f"/ {p}" for p in peers], "aim / torch"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|" + "--:|" * (len(head) - 3)]
    for name, figures in found.items():
        cells = [name, figures.workload.describe(), figures.workload.unit]
        for library in libraries:
            readings = figures.readings.get(library)
            cells.append(f"{number(min(readings))} ({number(statistics.median(readings))})" if readings else
                         "failed" if library in figures.failures else "-")
        cells += [number(figures.ratio(peer)) or "-" for peer in peers]
        cells.append("-" if figures.workload.aim is None else f"{figures.workload.aim:g}")
        lines.append("| " + " | ".join(cells) + " |")
    means = [number(geometric_mean(found, peer)) or "-" for peer in peers]
    lines.append("| **geometric mean** |" + " |" * (2 + len(libraries)) + " " + " | ".join([*means, str(MEAN)]) + " |")
    return "\n".join(lines)


def chosen(only: str | None) -> list[str]:
    if only is None:
        return list(WORKLOADS)
    names = []
    for pattern in only.split(","):
        matching = fnmatch.filter(WORKLOADS, pattern)
        if not matching:
            raise SystemExit(f"no workload {pattern!r}; there are {', '.join(WORKLOADS)}")
        names += [n for n in matching if n not in names]
    return names


def two_processors() -> None:
    """All processes of this run share the same two, however many there are."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("::")[0])
    parser.add_argument("peers", nargs="*", metavar="library=python")
    parser.add_argument("--only", metavar="name,name")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_intermixed_args()
    peers = named(options.peers)
    unknown = (set(options.peers) - {f"{k}={v}" for k, v in peers.items()}) | (set(peers) - set(LIBRARIES))
    if unknown:
        parser.error(f"not library=python with one of {', '.join(LIBRARIES[1:])}: {', '.join(sorted(unknown))}")
    pythons = {"mxgrad": sys.executable, "numpy": sys.executable, **peers}
    libraries = [lib for lib in LIBRARIES if lib in pythons]
    two_processors()

    def tell(what: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{what:40s}", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        rounds = options.rounds or (4 if options.quick else 15)
        run = Run({lib: pythons[lib] for lib in libraries}, rounds, 0.1 if options.quick else 0.3, Path(folder))
        try:
            found = {name: run.measure(name, tell) for name in chosen(options.only)}
        finally:
            run.close()
    tell("")
    print(table(found, libraries), end="\n\n")
    missed = [(what, figure, aim) for what, figure, aim in verdicts(found) if figure > aim]
    for what, figure, aim in missed:
        print(f"MISSED  {what:32s} {number(figure):>7s}   aim {aim:g}")
    failed = [(f"{library} {name}", why) for name, f in found.items() for library, why in f.failures.items()]
    for what, why in failed:
        print(f"FAILED  {what}: {why}")
    return int(bool(missed or failed))


if __name__ == "__main__":
    sys.exit(main())
