"""The training examples, shortened: they run, the loss falls, and they draw their picture."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# what each shows: its loss falls, or it only goes on
FALLS = {
    "mlp_digits": "loss", "cnn_digits": "loss", "lstm_digits": "loss", "char_lm": "perplexity",
    "transfer": "loss", "dcgan": None,
}


def test_every_example_is_here() -> None:
    others = {"common", "digits"}       # what they share; what test_digits.py runs
    assert {p.stem for p in (ROOT / "examples").glob("*.py")} - others == set(FALLS)


@pytest.mark.parametrize("name", FALLS)
def test_example(name: str, tmp_path: Path) -> None:
    for module in ("tqdm", "matplotlib"):
        pytest.importorskip(module)
    picture = tmp_path / "curve.png"
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py", "--quick", "--picture", picture],
        capture_output=True, text=True, cwd=tmp_path, timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "engine"), *sys.path])},
    )
    assert done.returncode == 0, done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = re.findall(rf"^epoch .*?\b{FALLS[name] or 'loss'} +([\d.]+)", done.stdout, re.M)
    figures = [float(f) for f in shown]
    assert len(figures) > 1
    if FALLS[name]:
        assert figures[-1] < figures[0]
