"""Short programs of everyday use give what they gave in MXNet: indexing, dtypes, in-place operations, views,
writes under record, pickles, copies, texts.  They stand with their results in data/everyday.json, which
data/record_everyday.py wrote.
"""
from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxgrad as mx
import pytest

DATA = Path(__file__).parent / "data"
RECORDED: dict[str, dict[str, str]] = json.loads((DATA / "everyday.json").read_text())
PROGRAMS = [(name, program) for name, programs in RECORDED.items() for program in programs]
outcome: Callable[..., str] = runpy.run_path(str(DATA / "record_everyday.py"))["outcome"]


@pytest.mark.parametrize("name, program", PROGRAMS)
def test_everyday(name: str, program: str) -> None:
    M: Any = getattr(mx, name)
    expected, found = RECORDED[name][program], outcome(mx, M, program)
    if expected.startswith("raises"):       # ours may be of several kinds
        assert set(expected.split()) <= set(found.split()), found
    else:
        assert found == expected
