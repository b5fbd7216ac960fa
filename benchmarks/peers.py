"""What the benchmarks share: processes that measure on demand, and the best of rounds taken in turns.

Figures are ratios of times taken in turns in one run, each the best of many rounds, in CPU time of the thread
that computes where a script does not say otherwise.
"""
from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent

# The beginning of a worker's program.
PRELUDE = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from timer import best, per_call, serve
"""

Key = TypeVar("Key")


def named(arguments: Iterable[str]) -> dict[str, str]:
    """The interpreters named on the command line: ``torch=/path/to/python``."""
    return dict(a.split("=", 1) for a in arguments if "=" in a)


class WorkerDied(SystemExit):
    """A worker ended before it answered; so does the script that asked, if it makes nothing of it."""


class Worker:
    """A process that measures what it is asked for, line by line."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=env)

    @classmethod
    def python(cls, interpreter: str, source: str, env: dict[str, str] | None = None) -> Worker:
        """A worker that runs the program `source`, which `PRELUDE` precedes."""
        return cls([interpreter, "-W", "ignore", "-c", PRELUDE + source], env)

    def measure(self, what: str) -> float:
        return float(self.ask(what))

    def ask(self, what: str) -> str:
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise WorkerDied(f"a worker died, exit status {self.process.wait()}: {self.process.args!r}")
        return line.strip()

    def end(self) -> None:
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def best(rounds: int, measures: dict[Key, Callable[[], float]]) -> dict[Key, float]:
    """The smallest figure of each measure, all being taken in turns `rounds` times."""
    figures = dict.fromkeys(measures, float("inf"))
    for _ in range(rounds):
        for key, measure in measures.items():
            figures[key] = min(figures[key], measure())
    return figures
