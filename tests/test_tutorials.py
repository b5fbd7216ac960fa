"""The five tutorials print what their pages show, in Python, Perl and C, from one file of expectations."""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = json.loads((ROOT / "tests/data/tutorials.json").read_text())["tutorials"]
LABEL = re.compile(r"<NDArray[^>]*>|@cpu\(\d+\)")
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")


def numbers(text: str) -> list[float]:
    """All numbers in a program's output, without those in array labels."""
    return [float(n) for n in NUMBER.findall(LABEL.sub("", text))]


def same(got: float, shown: float, digits: str) -> bool:
    """Equal as float32, or to as many digits as were shown."""
    if numpy.float32(got) == numpy.float32(shown):
        return True
    decimals = len(digits.partition(".")[2])
    return decimals > 0 and round(got, decimals) == shown


def assert_same_numbers(got: list[float], expected: list[float], digits: int = 6) -> None:
    assert len(got) == len(expected), f"{len(got)} numbers printed, {len(expected)} expected: {got}"
    for i, (g, e) in enumerate(zip(got, expected)):
        assert g == pytest.approx(e, rel=10.0 ** -digits, abs=1e-12), f"number {i}: printed {g}, expected {e}"


def run(command: list[str], **env: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_python_prints_the_text(name: str) -> None:
    out = run([sys.executable, str(ROOT / f"examples/tutorials/tutorial_{name}.py")])
    assert out == TUTORIALS[name]["text"]


@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_the_page_is_in_the_text(name: str) -> None:
    printed = numbers(TUTORIALS[name]["text"])
    at = 0
    for block in TUTORIALS[name]["page"]:
        n = len(block)
        while at + n <= len(printed):
            if all(same(p, b, repr(b)) for p, b in zip(printed[at:at + n], block)):
                break
            at += 1
        else:
            pytest.fail(f"the page's block {block} is not printed, in its place")
        at += n


def perl_is_complete() -> bool:
    return (
        bool(shutil.which("perl"))
        and subprocess.run(
            ["perl", "-MFFI::Platypus", "-MPDL", "-MPDL::LinearAlgebra", "-e", "1"], capture_output=True
        ).returncode
        == 0
    )


@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_perl_prints_the_numbers(name: str) -> None:
    if not perl_is_complete():
        pytest.skip("Perl with FFI::Platypus, PDL and PDL::LinearAlgebra is not installed")
    compat = ["-MAI::MXGrad::Compat"] if name == "003" else []
    out = run(["perl", f"-I{ROOT}/perl/lib", *compat, str(ROOT / f"perl/examples/tutorial_{name}.pl")])
    assert_same_numbers(numbers(out), numbers(TUTORIALS[name]["text"]), digits=5)


@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_c_prints_the_numbers(name: str, tmp_path: Path) -> None:
    library = ROOT / "pyffi/libmxgrad.so.1"
    if not shutil.which("gcc") or not library.exists():
        pytest.skip("gcc or the C library is missing")
    program = tmp_path / "tutorial"
    subprocess.run(
        [
            "gcc",
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Werror",
            f"-I{ROOT}/pyffi/include",
            str(ROOT / f"examples/c/tutorial_{name}.c"),
            "-o",
            str(program),
            f"-L{ROOT}/pyffi",
            "-l:libmxgrad.so.1",
            f"-Wl,-rpath,{ROOT}/pyffi",
        ],
        check=True,
    )
    out = run([str(program)])
    assert_same_numbers(numbers(out), numbers(TUTORIALS[name]["text"]), digits=6)
