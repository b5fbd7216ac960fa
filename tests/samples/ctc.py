"""Samples for mxgrad/ops/ctc.py; the reference walks every path."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from .base import Sample, smooth


def paths(x: Any, skip: Any) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every path of one sequence, and its probability; it begins in state 0 before the first step."""
    def longer(path: tuple[int, ...], p: float) -> Iterator[tuple[tuple[int, ...], float]]:
        t = len(path) - 1
        if t == len(x):
            yield path, p
            return
        for move in (0, 1, 2):
            s = path[-1] + move
            if s < x.shape[1] and (move < 2 or skip[s]):
                yield from longer((*path, s), p * numpy.exp(x[t, s]))
    return longer((0,), 1.0)


def ctc(x: Any, skip: Any, ends: Any, inside: Any = None) -> Any:
    steps, batch, states = x.shape
    found, last = numpy.full(batch, -numpy.inf), numpy.zeros((batch, states))
    weights = numpy.zeros((steps, 3, batch, states))
    for n in range(batch):
        length = steps if inside is None else int(inside[:, n].sum())
        for t in range(length):
            for path, p in paths(x[:t + 1, n], skip[n]):
                weights[t, path[-1] - path[-2], n, path[-1]] += p
        weights[length:, 0, n] = 1
        for path, p in paths(x[:length, n], skip[n]):
            if path[-1] in (ends[n], ends[n] - 1):
                last[n, path[-1]] += p
        if last[n].any():
            found[n] = numpy.log(last[n].sum())
    totals = weights.sum(axis=1, keepdims=True)
    weights = numpy.divide(weights, totals, out=weights, where=totals > 0)
    totals = last.sum(axis=1, keepdims=True)
    return found, weights, numpy.divide(last, totals, out=last, where=totals > 0)


SKIP = numpy.array([[0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool)
INSIDE = numpy.array([[1, 1], [1, 1], [1, 0], [1, 0]], bool)[:, :, None]

SAMPLES: dict[str, list[Sample]] = {
    "ctc": [
        Sample(smooth(4, 2, 5), SKIP, numpy.array([4, 4]), reference=ctc),
        Sample(smooth(4, 2, 5), SKIP, numpy.array([2, 0]), INSIDE, reference=ctc),
        # The second sequence is too short for its labels.
        Sample(smooth(4, 2, 5), SKIP, numpy.array([4, 4]), INSIDE, reference=ctc, differentiate=False),
        Sample(smooth(2, 1, 1), numpy.array([[False]]), numpy.array([0]), reference=ctc)],
}
