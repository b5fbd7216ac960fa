"""Writes nd_keys_1.9.1.json: what MXNet 1.9.1 reads and writes by keys of ints, slices, None and Ellipsis.

Run it with MXNet 1.9.1::

    python tests/data/record_nd_keys.py

Each entry is [shape, key, read, shared, written, gradient]: `read` is [shape, elements] of x[key], or
'IndexError'; `shared` says whether x changed when x[key] was written into; `written` are the elements of x
after x[key] = -1; `gradient` those of x.grad for the head gradient 1, 2, 3, ....
"""
from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "nd_keys_1.9.1.json"


def part(rng: random.Random, n: int) -> str:
    """One index for an axis of length n, as text: no index arrays, with which MXNet writes out of bounds."""
    kind = rng.choice(["int", "slice", "slice", "none"])
    if kind == "int":
        return str(rng.randint(-n, n - 1 + (rng.random() < .1)))
    if kind == "slice":
        start, stop = (rng.choice([None, rng.randint(-n - 1, n + 1)]) for _ in range(2))
        return f"slice({start}, {stop}, {rng.choice([None, 1, 2, -1, -2])})"
    return "None"


def keys() -> list[tuple[tuple[int, ...], str]]:
    rng = random.Random(0)
    found: dict[tuple[tuple[int, ...], str], None] = {}
    while len(found) < 300:
        shape = rng.choice([(5,), (3, 4), (2, 3, 4), (2, 3, 2, 2)])
        parts = [part(rng, n) for n in shape[:rng.randint(1, len(shape))]]
        if rng.random() < .25:
            parts.insert(rng.randint(0, len(parts)), "Ellipsis")
        found[shape, parts[0] if len(parts) == 1 else f"({', '.join(parts)})"] = None
    return list(found)


def play(shape: tuple[int, ...], text: str, nd: Any, onp: Any, autograd: Any) -> list[Any]:
    """[read, shared, written, gradient] of one key."""
    host = onp.arange(1, 1 + onp.prod(shape), dtype="float32").reshape(shape)
    key = eval(text)
    x = nd.array(host)
    try:
        y = x[key]
    except IndexError:
        return ["IndexError", None, None, None]
    read = [list(y.shape), y.asnumpy().reshape(-1).tolist()]
    y[:] = -5
    shared = bool((x.asnumpy() == -5).any())
    x = nd.array(host)
    x[key] = -1
    written = x.asnumpy().reshape(-1).tolist()
    x = nd.array(host)
    x.attach_grad()
    with autograd.record():
        y = x[key]
    y.backward(nd.array(onp.arange(1, 1 + y.size, dtype="float32").reshape(y.shape)))
    return [read, shared, written, x.grad.asnumpy().reshape(-1).tolist()]


def main() -> None:
    import numpy
    from mxnet import MXNetError, autograd, nd

    entries = []
    for shape, text in keys():
        empty = numpy.empty(shape)
        try:
            if not empty[eval(text)].size:     # MXNet may crash
                continue
        except IndexError:
            pass
        try:
            entries.append([list(shape), text, *play(shape, text, nd, numpy, autograd)])
        except MXNetError:      # arrays without elements fail here and there
            pass
    PATH.write_text("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n")


if __name__ == "__main__":
    main()
