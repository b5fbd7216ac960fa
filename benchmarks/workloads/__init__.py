"""What `bench.py` measures: every workload, declared once for every library that can run it.

The data (NumPy, made from a seed) and the programs stand together in one class, sizes and aims in the tables
`WORKLOADS` of the modules.  A program is written as a user of that library would write it; `gluon` serves
mxgrad and MXNet, which have one API.
"""
from __future__ import annotations

from . import arrays, nets, small
from .kinds import Workload

WORKLOADS: dict[str, Workload] = {
    name: workload for module in (small, arrays, nets) for name, workload in module.WORKLOADS.items()
}
