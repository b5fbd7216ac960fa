"""The digits example learns what plain NumPy learns by the same formulas, and prints one text everywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parent.parent


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def printed() -> str:
    return output(sys.executable, ROOT / "examples/digits.py")


def numpy_training() -> tuple[list[float], float]:
    """Losses and test accuracy of the example's task in float64, the gradient written out by hand."""
    rows = numpy.loadtxt(ROOT / "examples/data/digits.csv", delimiter=",")
    assert rows.shape == (1797, 65)
    pixels, digits = rows[:, :64] / 16, rows[:, 64].astype(int)
    test = numpy.arange(len(rows)) % 5 == 4
    x, one_hot = pixels[~test], numpy.eye(10)[digits[~test]]
    weight, bias, losses = numpy.zeros((64, 10)), numpy.zeros(10), []
    for _ in range(300):
        e = numpy.exp(x @ weight + bias)
        p = e / e.sum(axis=1, keepdims=True)
        losses.append(-numpy.log((p * one_hot).sum(axis=1)).mean())
        residual = (p - one_hot) / len(x)
        weight -= 2 * x.T @ residual
        bias -= 2 * residual.sum(axis=0)
    right = (pixels[test] @ weight + bias).argmax(axis=1) == digits[test]
    return losses, right.mean()


def test_losses_and_accuracy_are_those_of_plain_numpy(printed: str) -> None:
    *steps, last = printed.splitlines()
    assert steps[0] == "step   1  loss 2.302585"        # the logarithm of 10: all digits are equally likely
    losses = [float(re.fullmatch(r"step +\d+  loss (\d\.\d{6})", line)[1]) for line in steps]
    accuracy = float(re.fullmatch(r"test accuracy (\d\.\d{4})", last)[1])
    expected, expected_accuracy = numpy_training()
    assert losses == pytest.approx(expected, abs=1e-5)
    assert accuracy == pytest.approx(expected_accuracy, abs=1.5 / 359)
    assert accuracy >= 0.95


def test_perl_prints_the_same_lines(printed: str) -> None:
    if subprocess.run(["perl", "-MFFI::Platypus", "-e1"], capture_output=True).returncode:
        pytest.skip("perl has no FFI::Platypus")
    assert output("perl", f"-I{ROOT}/perl/lib", ROOT / "perl/examples/digits.pl") == printed


def test_c_prints_the_same_lines(printed: str, tmp_path: Path) -> None:
    if not shutil.which("gcc"):
        pytest.skip("there is no gcc")
    flags = output(sys.executable, "-m", "mxgrad_ffi", "--cflags", "--libs").split()
    output("gcc", "-std=c99", ROOT / "examples/c/digits.c", "-o", tmp_path / "digits", *flags)
    assert output(tmp_path / "digits") == printed
