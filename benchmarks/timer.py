"""Timing inside a process, for the workers of peers.py, too: it imports nothing but Python's own."""
from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

BLOCK = 2e-4    # seconds that one reading of the clock is about at least: its steps are a microsecond


def best(f: Callable[[], Any], n: int, repeat: int) -> float:
    """Microseconds of one of the n ops in `f`, the best of `repeat` calls, in CPU time of this thread."""
    shortest = 1e9
    for _ in range(repeat):
        start = time.thread_time()
        f()
        shortest = min(shortest, time.thread_time() - start)
    return shortest / n * 1e6


def blocks(f: Callable[[], Any], seconds: float) -> tuple[Callable[[], None], int, int]:
    """Calls of `f` in a row that take `BLOCK` seconds about, their number, and the number of such blocks that
    fit into `seconds`, one at least.
    """
    f()
    start = time.perf_counter()
    f()
    once = max(time.perf_counter() - start, 1e-7)
    calls = range(max(1, int(BLOCK / once)))

    def block() -> None:
        for _ in calls:
            f()

    return block, len(calls), max(1, int(seconds / (once * len(calls))))


def per_call(f: Callable[[], Any], seconds: float) -> Callable[[], float]:
    """A function that measures: microseconds of a call of `f`, the best of the blocks of calls that fit into
    `seconds`, one at least.
    """
    block, calls, repeat = blocks(f, seconds)
    return lambda: best(block, calls, repeat)


def readings(f: Callable[[], Any], seconds: float) -> Callable[[], list[float]]:
    """A function that measures: seconds of a call of `f` by the clock on the wall, for each of the blocks of
    calls that fit into `seconds`, one at least.
    """
    block, calls, repeat = blocks(f, seconds)

    def measure() -> list[float]:
        found = []
        for _ in range(repeat):
            start = time.perf_counter()
            block()
            found.append((time.perf_counter() - start) / calls)
        return found

    return measure


def serve(answer: Callable[[str], object]) -> None:
    """Answer each line of the standard input with a line: the figure asked for."""
    for name in sys.stdin:
        print(answer(name.strip()), flush=True)
