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


def per_call(f: Callable[[], Any], seconds: float) -> Callable[[], float]:
    """A function that measures: microseconds of a call of `f`, the best of the blocks of calls that fit into
    `seconds`, one at least.
    """
    f()
    start = time.perf_counter()
    f()
    once = max(time.perf_counter() - start, 1e-7)
    calls = range(max(1, int(BLOCK / once)))
    blocks = max(1, int(seconds / (once * len(calls))))

    def block() -> None:
        for _ in calls:
            f()

    return lambda: best(block, len(calls), blocks)


def serve(figures: Callable[[str], float]) -> None:
    """Answer each name on the standard input with its figure."""
    for name in sys.stdin:
        print(figures(name.strip()), flush=True)
