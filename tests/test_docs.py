"""Every example in the docstrings and in README.md runs and prints what it shows."""
from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mxgrad
from mxgrad.optimizer import contrib  # noqa: F401 (it registers its own when it is imported)
from nearly import failures

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    ["mxgrad"]
    + [m.name for m in pkgutil.walk_packages(mxgrad.__path__, "mxgrad.") if not m.name.endswith("__main__")]
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.S | re.M)
README = [(language, code) for language, code in BLOCK.findall((ROOT / "README.md").read_text())]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mxgrad.random.seed(0)
    optimizers = mxgrad.optimizer.Optimizer     # an example registers one
    module = importlib.import_module(name)
    monkeypatch.setattr(optimizers, "opt_registry", dict(optimizers.opt_registry))
    assert sum(failures(test) for test in doctest.DocTestFinder().find(module, name)) == 0


@pytest.mark.parametrize("code", [c for language, c in README if language == "python"])
def test_readme_python(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    check_shown(code, done.stdout, "#")


@pytest.mark.parametrize("code", [c for language, c in README if language == "perl"])
def test_readme_perl(code: str) -> None:
    if subprocess.run(["perl", "-MFFI::Platypus", "-MPDL", "-e", "1"], capture_output=True).returncode:
        pytest.skip("Perl with FFI::Platypus and PDL is not installed")
    done = subprocess.run(
        ["perl", f"-I{ROOT}/perl/lib", "-e", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    check_shown(code, done.stdout, "#")


@pytest.mark.parametrize("code", [c for language, c in README if language == "c"])
def test_readme_c(code: str, tmp_path: Path) -> None:
    if not shutil.which("gcc") or not (ROOT / "pyffi/libmxgrad.so.1").exists():
        pytest.skip("gcc or the C library is missing")
    (tmp_path / "readme.c").write_text(code)
    subprocess.run(
        [
            "gcc",
            "-Wall",
            "-Wextra",
            "-Werror",
            f"-I{ROOT}/pyffi/include",
            "readme.c",
            "-o",
            "readme",
            f"-L{ROOT}/pyffi",
            "-l:libmxgrad.so.1",
            f"-Wl,-rpath,{ROOT}/pyffi",
        ],
        check=True,
        cwd=tmp_path,
    )
    done = subprocess.run([tmp_path / "readme"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_shown(code, done.stdout, "/*")


def check_shown(code: str, printed: str, comment: str) -> None:
    """The comments behind what prints are in the output, in their order."""
    at = 0
    for line in code.splitlines():
        if "print" in line and comment in line:
            shown = line.split(comment, 1)[1].replace("*/", "").strip()
            found = printed.find(shown, at)
            assert found >= 0, f"{shown!r} is not printed after what came before:\n{printed}"
            at = found + len(shown)
