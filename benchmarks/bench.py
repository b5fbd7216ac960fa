"""The workloads of `workloads`, beside PyTorch, MXNet, JAX and NumPy::

    python benchmarks/bench.py [options] [torch=/path/to/python] [mxnet=...] [jax=...]

    --only chain,deep_*   these workloads
    --rounds N            rounds of measuring
    --quick               fewer and shorter rounds
    --output FILE.md      where to write the report, and a picture FILE.svg; a whole run that is not quick
                          writes docs/benchmarks.md

Every library has a process that lives as long as the run, and measures in turns with the others, in wall
clock time, on two processors with two threads.  Before it is measured, the results of its first step
(outputs, gradients, new parameters) are compared with a reference in float64: the NumPy program's, or
PyTorch's if there is none, or, where no PyTorch is named, mxgrad's own.  Exits with 1 if an aim is missed, a
result is wrong or a program fails.
"""
from __future__ import annotations

import argparse
import fnmatch
import math
import os
import platform
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from peers import ROOT, Worker, WorkerDied, named
from tqdm import tqdm
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

    def versions(self) -> dict[str, str]:
        return {library: self.worker(library).ask("version") for library in self.pythons}

    def ask(self, library: str, figures: Figures, line: str) -> str | None:
        """The answer, or None after a failure, which is noted."""
        try:
            answer = self.worker(library).ask(line)
        except WorkerDied:
            died = self.workers.pop(library)
            died.end()
            figures.failures[library] = f"its process died, exit status {died.process.returncode}, in: {line}"
            return None
        if answer.startswith("error "):
            figures.failures[library] = answer.removeprefix("error ")
            return None
        return answer

    def referee(self, workload: Workload) -> str:
        """The library whose results in float64 are the reference."""
        order = ("numpy", "torch", "mxgrad")
        return next(lib for lib in order if lib in self.pythons and workload.runs_in(lib))

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

    def measure(self, name: str) -> Figures:
        workload = WORKLOADS[name]
        figures = Figures(workload)
        libraries = [library for library in self.pythons if workload.runs_in(library)]
        rounds = self.rounds
        if workload.figure == "time":
            libraries = self.check(name, libraries, figures)
        elif workload.figure != "import":
            rounds = 1
            self.close()        # memory is looked at in fresh processes
        for _ in range(rounds):
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
    """Three digits."""
    return "" if value is None else f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def geometric_mean(found: dict[str, Figures], peer: str) -> float | None:
    ratios = [r for figures in found.values() if (r := figures.ratio(peer)) is not None]
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None


def verdicts(found: dict[str, Figures]) -> list[tuple[str, float, float]]:
    """What has an aim: its name, the figure, the aim."""
    judged = []
    for name, figures in found.items():
        workload, own = figures.workload, figures.best("mxgrad")
        ratio, over_mxnet = figures.ratio("torch"), figures.ratio("mxnet")
        if workload.aim is not None and ratio is not None:
            judged.append((f"{name} / torch", ratio, workload.aim))
        if workload.limit is not None and own is not None:
            judged.append((f"{name} in {workload.unit}", own, workload.limit))
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


def shortfalls(found: dict[str, Figures]) -> list[str]:
    """A line for everything that is not as it should be."""
    lines = []
    for what, figure, aim in verdicts(found):
        if figure > aim:
            name = what.split()[0]
            why = found[name].workload.describe()[1] if name in found else ""
            lines.append(f"MISSED {what}: {number(figure)}, aim {aim:g}{'; ' * bool(why)}{why}")
    for name, figures in found.items():
        lines += [f"FAILED {name} in {library}: {why}" for library, why in figures.failures.items()]
    return lines


def table(found: dict[str, Figures], libraries: list[str]) -> str:
    """Markdown: best (median) figures of every library, our ratio to each."""
    peers = [library for library in libraries if library != "mxgrad"]
    head = ["workload", "", "unit", *libraries, *[f"/ {p}" for p in peers], "aim / torch"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|" + "--:|" * (len(head) - 3)]
    for name, figures in found.items():
        cells = [name, figures.workload.describe()[0], figures.workload.unit]
        for library in libraries:
            readings = figures.readings.get(library)
            cells.append(f"{number(min(readings))} ({number(statistics.median(readings))})" if readings else
                         "failed" if library in figures.failures else "-")
        cells += [number(figures.ratio(peer)) or "-" for peer in peers]
        cells.append("-" if figures.workload.aim is None else f"{figures.workload.aim:g}")
        lines.append("| " + " | ".join(cells) + " |")
    means = [number(geometric_mean(found, peer)) or "-" for peer in peers]
    cells = ["geometric mean", *[""] * (2 + len(libraries)), *means, str(MEAN)]
    lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def report(found: dict[str, Figures], versions: dict[str, str], picture: str) -> str:
    """The page docs/benchmarks.md."""
    kept = ", ".join(f"{library} {version}" for library, version in versions.items())
    aims = len(verdicts(found))
    worst = max(figures.errors.get("mxgrad", 0.0) for figures in found.values())
    missed = [f"- {line}" for line in shortfalls(found)]
    return f"""# Benchmarks

Written by `make bench PEERS="torch=/path/python mxnet=/path/python jax=/path/python"`; the programs are in
`benchmarks/workloads`.  {processor()}, two processors, two threads; {kept};
Python {platform.python_version()}; float32.

The libraries measure in turns, each in a process of its own, in wall clock time: the best reading, and the
median in parentheses.  Before that, the results of each library's first step (outputs, gradients, new
parameters) are compared with float64 ones; the relative error in the 2-norm is at most 1e-5 for functions of
arrays and 1e-4 for nets and long chains (of mxgrad's here {number(worst)} at most).  A step ends when all its
results are there.  PyTorch runs eagerly with fused optimizers, JAX is compiled (the time of compiling is not
counted), gluon's nets are hybridized, and so is, by `autograd.program`, mxgrad's Hessian-vector product.
`/ torch` is mxgrad's best time divided by PyTorch's; the aim beside MXNet is {OVER_MXNET} for every workload.

![mxgrad's time divided by the peers']({picture})

{table(found, list(versions))}

{aims - sum("MISSED" in line for line in missed)} of {aims} aims are reached.
""" + ("\n" + "\n".join(missed) + "\n" if missed else "")


def draw(found: dict[str, Figures], file: Path) -> None:
    """Bars of mxgrad's times divided by PyTorch's and MXNet's, and the aims."""
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "mxgrad", "svg.fonttype": "none"})
    from matplotlib import pyplot

    names = [name for name, figures in found.items() if figures.workload.limit is None]
    figure, axes = pyplot.subplots(figsize=(8, 1.5 + 0.32 * len(names)), layout="constrained")
    for offset, (peer, color) in zip((-0.2, 0.2), (("torch", "tab:orange"), ("mxnet", "tab:blue"))):
        ratios = [(at + offset, found[name].ratio(peer)) for at, name in enumerate(names)]
        bars = [(at, ratio) for at, ratio in ratios if ratio is not None]
        if bars:
            # from 1, so that the length is what the logarithm is
            axes.barh([at for at, _ in bars], [ratio - 1 for _, ratio in bars], 0.38, left=1, color=color,
                      label=f"mxgrad / {peer}")
    aims = [(found[name].workload.aim, at - 0.2) for at, name in enumerate(names) if found[name].workload.aim]
    if aims:
        axes.plot(*zip(*aims), "k|", markersize=9, label="aim / torch")
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time of mxgrad divided by the peer's: left of 1 mxgrad is faster")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper center", ncols=3)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


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
    parser.add_argument("--output", type=Path, metavar="FILE.md")
    options = parser.parse_intermixed_args()
    peers = named(options.peers)
    if len(peers) < len(options.peers) or not set(peers) <= set(LIBRARIES[1:]):
        parser.error(f"a peer is library=python, the library one of {', '.join(LIBRARIES[1:])}")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: one at least")
    names = chosen(options.only)
    output: Path | None = options.output
    if output is None and not options.only and not options.quick:
        output = ROOT / "docs" / "benchmarks.md"
    if output is not None:
        import matplotlib  # noqa: F401    # before an hour of measuring, not after it
    pythons = {"mxgrad": sys.executable, "numpy": sys.executable, **peers}
    two_processors()

    with tempfile.TemporaryDirectory() as folder:
        seconds, rounds = (0.1, 4) if options.quick else (0.3, 15)
        run = Run({library: pythons[library] for library in LIBRARIES if library in pythons},
                  options.rounds or rounds, seconds, Path(folder))
        try:
            versions = run.versions()
            bar = tqdm(names, disable=None)
            found = {}
            for name in bar:
                bar.set_description(name)
                found[name] = run.measure(name)
        finally:
            run.close()
    print(table(found, list(versions)), end="\n\n")
    faults = shortfalls(found)
    print(*faults, sep="\n")
    if output is not None:
        picture = output.with_suffix(".svg")
        draw(found, picture)
        output.write_text(report(found, versions, picture.name))
        print(f"written: {output} and {picture}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
