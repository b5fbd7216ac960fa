"""The type stubs are current, and mypy reads a user's program with them as it should."""
from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from checks import shows_signatures

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "data" / "typing_sample.py"


@shows_signatures
def test_stubs_are_current() -> None:
    for path, text in runpy.run_path(str(ROOT / "tools" / "stubs.py"))["stubs"]().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run `make docs`"


def test_package_says_that_it_is_typed() -> None:
    assert (ROOT / "engine" / "mxgrad" / "py.typed").exists()


def test_users_program(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    config = tmp_path / "mypy.ini"
    config.write_text(f"[mypy]\nmypy_path = {ROOT / 'engine'}\nfollow_imports = silent\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(tmp_path / "cache"),
         "--no-error-summary", str(SAMPLE)],
        capture_output=True, text=True, cwd=tmp_path,
    )
    found = re.findall(r"typing_sample.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.M)
    lines = SAMPLE.read_text().splitlines()
    marks = [(str(i), re.search(r"# error: ([a-z-]+)$", line)) for i, line in enumerate(lines, 1)]
    wanted = [(i, mark[1]) for i, mark in marks if mark]
    assert found == wanted, done.stdout + done.stderr
