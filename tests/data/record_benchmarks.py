"""Writes benchmarks.json: results in float64 of the workloads of benchmarks/workloads, made tiny, for which
there is no program in NumPy.

    python tests/data/record_benchmarks.py tests/data/benchmarks.json       (with a Python that has PyTorch)
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from workloads import WORKLOADS
from workloads.worker import Library, digests, made


def main(path: str) -> None:
    torch = Library("torch")
    found = {
        name: [[float(f"{v:.9g}") for v in result]
               for result in digests(torch, made(torch, workload, workload.tiny, "float64")())]
        for name, workload in WORKLOADS.items() if workload.figure == "time" and not workload.runs_in("numpy")
    }
    with open(path, "w") as file:
        json.dump(found, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
