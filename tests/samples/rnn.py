"""Samples for mxgrad/ops/rnn.py; the references compute a sequence and a step at a time from the formulas."""
from __future__ import annotations

from typing import Any

import numpy

from .base import Sample, smooth


def sigmoid(x: Any) -> Any:
    return 1 / (1 + numpy.exp(-x))


def each_sequence(step: Any, x: Any, states: tuple[Any, ...], inside: Any) -> tuple[numpy.ndarray, ...]:
    """``step(x, *states)`` gives the new states and then what else there is, for one sequence; the old states
    stay where `inside` is false.  Everything over all steps and sequences.
    """
    steps, batch, _ = x.shape
    results = []
    for n in range(batch):
        now, rows = [s[n] for s in states], []
        for t in range(steps):
            found = list(step(x[t, n], *now))
            if inside is None or inside[t, n, 0]:
                now = found[:len(now)]
            rows.append(now + found[len(now):])
        results.append([numpy.stack(column) for column in zip(*rows)])
    return tuple(numpy.stack(column, axis=1) for column in zip(*results))


def by_steps(layer: Any) -> Any:
    """A reference that takes and gives (batch, steps, ...) if `turned`."""
    def of_either(x: Any, *arrays: Any, turned: bool = False, **params: Any) -> Any:
        found = layer(x.swapaxes(0, 1) if turned else x, *arrays, **params)
        return (found[0].swapaxes(0, 1), *found[1:]) if turned else found

    return of_either


@by_steps
def _rnn(x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None, relu: bool = False) -> Any:
    act = (lambda a: numpy.where(a > 0, a, 0)) if relu else numpy.tanh
    return each_sequence(lambda x, h: [act(w_in @ x + b_in + w @ h + b)], x, (h,), inside)


def rnn(*arrays: Any, **params: Any) -> Any:
    return _rnn(*arrays, **params)[0]


@by_steps
def lstm(x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, c: Any, r: Any = None, inside: Any = None,
         clip: Any = None, clip_nan: bool = False) -> Any:
    def step(x: Any, h: Any, c: Any) -> list[Any]:
        i, f, g, o = numpy.split(w_in @ x + b_in + w @ h + b, 4)
        gates = [sigmoid(i), sigmoid(f), numpy.tanh(g), sigmoid(o)]
        c = gates[1] * c + gates[0] * gates[2]
        if clip is not None:
            c = numpy.array([clip[0] if clip_nan and e != e else min(max(e, clip[0]), clip[1]) for e in c])
        h = gates[3] * numpy.tanh(c)
        return [h if r is None else r @ h, c, numpy.concatenate(gates)]

    return each_sequence(step, x, (h, c), inside)


def lstm_cell(sums: Any, c: Any) -> Any:
    i, f, g, o = numpy.split(sums, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), numpy.tanh(g), sigmoid(o)
    c = f * c + i * g
    return o * numpy.tanh(c), c, numpy.concatenate([i, f, g, o], axis=1)


@by_steps
def gru(x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None) -> Any:
    def step(x: Any, h: Any) -> list[Any]:
        x0, x1, x2 = numpy.split(w_in @ x + b_in, 3)
        a0, a1, a2 = numpy.split(w @ h + b, 3)
        r, z = sigmoid(x0 + a0), sigmoid(x1 + a1)
        n = numpy.tanh(x2 + r * a2)
        return [(1 - z) * n + z * h, numpy.concatenate([r, z, n, a2])]

    return each_sequence(step, x, (h,), inside)


def layer(gates: int, steps: int, batch: int, inputs: int, size: int, back: int | None = None,
          turned: bool = False) -> list[Any]:
    """Inputs, weights, biases and the first states."""
    width, back = gates * size, size if back is None else back
    x = smooth(batch, steps, inputs) if turned else smooth(steps, batch, inputs)
    return [x, smooth(width, inputs), smooth(width, back), smooth(width),
            smooth(width), smooth(batch, back)]


# The second sequence has ended after the first step; the third has not begun before the last, as backwards.
INSIDE = numpy.array([[1, 1, 0], [1, 0, 0], [1, 0, 1]], bool)[:, :, None]

SAMPLES: dict[str, list[Sample]] = {
    "rnn_steps": [
        Sample(*layer(1, 3, 2, 3, 2), reference=rnn),
        Sample(*layer(1, 3, 2, 2, 2), reference=rnn, relu=True),
        Sample(*layer(1, 3, 3, 1, 2), INSIDE, reference=rnn),
        Sample(*layer(1, 3, 2, 2, 2, turned=True), reference=rnn, turned=True),
        Sample(*layer(1, 1, 1, 1, 1), reference=rnn)],
    "lstm_steps": [
        Sample(*layer(4, 3, 2, 3, 2), smooth(2, 2), reference=lstm),
        Sample(*layer(4, 3, 2, 1, 2, 3), smooth(2, 2), smooth(3, 2), reference=lstm),
        Sample(*layer(4, 3, 3, 2, 2, 1), smooth(3, 2), smooth(1, 2), INSIDE, reference=lstm),
        Sample(*layer(4, 3, 2, 2, 2), smooth(2, 2), reference=lstm, clip=(-0.3, 0.25)),
        Sample(*layer(4, 3, 2, 2, 1, turned=True), smooth(2, 1), reference=lstm, turned=True),
        Sample(*layer(4, 2, 1, 1, 1), numpy.array([[numpy.nan]]), reference=lstm, clip=(-0.3, 0.25),
               clip_nan=True, differentiate=False)],
    "lstm_cell": [
        Sample(smooth(2, 8), smooth(2, 2), reference=lstm_cell),
        Sample(smooth(3, 4), smooth(3, 1), reference=lstm_cell),
        Sample(smooth(0, 8), smooth(0, 2), reference=lstm_cell)],
    "gru_steps": [
        Sample(*layer(3, 3, 2, 3, 2), reference=gru),
        Sample(*layer(3, 3, 3, 1, 2), INSIDE, reference=gru),
        Sample(*layer(3, 3, 2, 2, 1, turned=True), reference=gru, turned=True)],
}
