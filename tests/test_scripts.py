"""Scripts written for MXNet run unedited and print what the originals did: texts alike, numbers nearly."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "tests/scripts").glob("mxnet*/*.py"))
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?(?!\w)")
SPEED = re.compile(r"Speed: [\d.]+")


def shape(text: str) -> list[str]:
    """A printed text without the values of its floating numbers and what depends on them: spaces, and where
    rows of arrays are wrapped.
    """
    text = NUMBER.sub(lambda m: "#" if "." in m[0] or "e" in m[0] else m[0], SPEED.sub("Speed:", text))
    text = re.sub(r"\n +(?=[-#\d])", " ", text).replace("mxgrad.np.ndarray", "mxnet.numpy.ndarray")
    return [re.sub(r"(?<=[\[(,]) | (?=[\])])", "", re.sub(r"\s+", " ", line)) for line in text.splitlines()]


def numbers(text: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(SPEED.sub("Speed:", text))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_prints_what_the_originals_print(script: Path, tmp_path: Path) -> None:
    from scripts.published import fashion_mnist

    expected = (ROOT / "tests/data/scripts" / script.parent.name / f"{script.stem}.txt").read_text()
    fashion_mnist(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mxgrad", str(script)],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine"), "MXNET_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert shape(done.stdout) == shape(expected)
    assert numbers(done.stdout) == pytest.approx(numbers(expected), rel=2e-4, abs=2e-5)
