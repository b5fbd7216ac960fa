"""Writes the certificate of the gradients: how wrong they are, op by op, on the samples of tests/samples.

    python tools/certificate.py docs/gradients.md

Exits with 1 when an op that has a gradient is never differentiated, or when an error is above its bound.
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from gradients import BOUNDS, FLOATS, differentiated, errors, samples_of, without_gradient, worst  # noqa: E402
from mxgrad import cpu, gpu, testing  # noqa: E402
from mxgrad.registry import OPS, Op  # noqa: E402

TEXT = f"""\
# Gradients

Written by `make certificate`.  For every op of the registry, the worst relative error of its gradients over
its samples (`tests/samples`: among them empty ones, axes of length 1 and every value of a parameter that has
few; elementwise ops in shapes that broadcast, too), on the CPU and on the strict double of a GPU
(`mxgrad.device_double`, which computes with NumPy; no figure is from a real GPU).

- **float64, order 1**: gradients beside central differences along random directions, with random head
  gradients; what rounding in the differences explains does not count.  Bound {BOUNDS["float64"][0]:g}.
- **float64, order 2**: the gradient of that gradient, by all arguments and head gradients, beside central
  differences of the gradient.  Bound {BOUNDS["float64"][1]:g}.
- **float32, float16**: beside the gradient in float64 at the same values, relative to its largest element, or
  to 1 where that is larger.  Bounds for the orders 1 and 2: {BOUNDS["float32"][0]:g} and
  {BOUNDS["float32"][1]:g} in float32, {BOUNDS["float16"][0]:g} and {BOUNDS["float16"][1]:g} in float16.
  Elements near the end of the dtype's range are left out.

A dash: the op has no sample for that device.

"""
Errors = dict[tuple[str, str, int], float]


def measured(op: Op) -> tuple[int, Errors]:
    """How many samples of the op are differentiated, and (device, dtype, order) -> worst error."""
    samples = [(s, differentiated(op, s)) for s in samples_of(op)]
    samples = [(s, at) for s, at in samples if at]
    found: Errors = {}
    for device in ("CPU", "double"):
        with testing.use_device_double() if device == "double" else nullcontext():
            ctx = gpu(0) if device == "double" else cpu()
            for sample, at in samples:
                if device == "double" and not sample.devices:
                    continue
                for dtype, orders in errors(op.name, sample, at, ctx).items():
                    for order, error in enumerate(orders, 1):
                        key = device, dtype, order
                        found[key] = worst(found.get(key, 0.0), error)
    return len(samples), found


def faults(name: str, count: int, found: Errors) -> Iterator[str]:
    """What is wrong with an op that has a gradient."""
    if not count:
        yield f"{name}: no sample differentiates it"
    for (device, dtype, order), error in found.items():
        bound = BOUNDS[dtype][order - 1]
        if not error <= bound:
            yield f"{name}: {device}, {dtype}, order {order}: {error:.1e} is above {bound:g}"


def shown(error: float | None) -> str:
    return "–" if error is None else "0" if error == 0 else f"{error:.0e}".replace("e-0", "e-")


def kind(op: Op) -> str:
    """The module of mxgrad.ops that declares the op."""
    return str(op.kernel.__module__).rpartition(".")[2] if op.kernel.__module__ else ""


def main(path: str) -> int:
    rows: dict[str, list[str]] = {}
    without: dict[str, list[str]] = {}
    wrong: list[str] = []
    keys = [(device, dtype, order) for device in ("CPU", "double") for dtype in FLOATS for order in (1, 2)]
    for op in tqdm(OPS.values(), unit="op", desc="gradients"):
        reason = without_gradient(op)
        if reason is not None:
            without.setdefault(reason, []).append(f"`{op.name}`")
            continue
        with numpy.errstate(all="ignore"):
            count, found = measured(op)
        wrong += faults(op.name, count, found)
        cells = [f"`{op.name}`", str(count), *(shown(found.get(key)) for key in keys)]
        rows.setdefault(kind(op), []).append("| " + " | ".join(cells) + " |")
    heads = [f"{device} {dtype} {order}" for device, dtype, order in keys]
    text = TEXT
    for name, lines in sorted(rows.items()):
        text += f"## {name}\n\n| op | samples | {' | '.join(heads)} |\n"
        text += "|---|" + "--:|" * (len(heads) + 1) + "\n" + "\n".join(sorted(lines)) + "\n\n"
    text += "## Ops that have no gradient to check\n\n"
    for reason, names in sorted(without.items()):
        text += f"- {reason}: {', '.join(sorted(names))}\n"
    Path(path).write_text(text)
    print(f"{path}: {sum(map(len, rows.values()))} ops differentiated, "
          f"{sum(map(len, without.values()))} without a gradient to check, {len(wrong)} faults")
    print("\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
