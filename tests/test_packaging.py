"""What `pip install .` puts into site-packages, with a C compiler and without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "libmxgrad.so*", "lib")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The sources alone, as in a fresh clone."""
    copy = tmp_path / "source"
    for folder in ("engine", "pyffi"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=NOT_SOURCE)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def install(source: Path, site: Path, **environ: str) -> str:
    """Unpacks the wheel of `source` into `site`, and gives what its build said."""
    command = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "-w", str(site.parent), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, env=os.environ | environ, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = site.parent.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return built.stdout + built.stderr


def run(site: Path, *arguments: str) -> str:
    """What Python prints with `site` in front of its path."""
    command, environ = [sys.executable, *arguments], os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=site.parent, check=True)
    return done.stdout


def files(package: Path) -> set[str]:
    found = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {str(p.relative_to(package)) for p in found}


def test_wheel_has_every_file_and_a_library_that_works(source: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(source, site)
    assert files(site / "mxgrad") == files(source / "engine" / "mxgrad")
    library = {
        "capi.py", "libmxgrad.so", "libmxgrad.so.1", "include/mxgrad.h", "lib/pkgconfig/mxgrad.pc",
        "lib/cmake/mxgrad/mxgradConfig.cmake",
    }
    assert library <= files(site / "mxgrad_ffi")
    assert f'"engine": "{site}/mxgrad/__init__.py"' in run(site, "-m", "mxgrad_ffi", "--check")


def test_without_a_compiler_the_python_package_installs(source: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    said = install(source, site, CC="/nonexistent/cc")
    assert "installed without its C library, because there is no C compiler (/nonexistent/cc)" in said
    assert not (site / "mxgrad_ffi" / "libmxgrad.so.1").exists()
    printed = run(site, "-c", "from mxgrad import nd; print(nd.ones(2).sum().asscalar(), nd.__file__)")
    assert printed == f"2.0 {site}/mxgrad/nd/__init__.py\n"
