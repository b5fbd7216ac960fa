"""Steps of training."""
from __future__ import annotations

from .kinds import Workload

WORKLOADS: dict[str, Workload] = {}
