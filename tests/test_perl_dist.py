"""The Perl distribution by itself: `make dist` gives what installs and passes its tests anywhere."""
from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "pyffi" / "libmxgrad.so.1"
MADE = shutil.ignore_patterns("blib", "Makefile", "Makefile.old", "MANIFEST", "*.tar.gz", "MYMETA.*",
                              "pm_to_blib", "Installed.pm", "Ops.pod")

if not LIBRARY.exists():
    pytest.skip(f"{LIBRARY} is not there; `python pyffi/build_ffi.py` builds it", allow_module_level=True)
for _program in ("perl", "make"):
    if not shutil.which(_program):
        pytest.skip(f"there is no {_program}", allow_module_level=True)
if subprocess.run(["perl", "-MFFI::Platypus", "-MFFI::CheckLib", "-e1"], capture_output=True).returncode:
    pytest.skip("perl has no FFI::Platypus or no FFI::CheckLib", allow_module_level=True)


def said(*command: object, cwd: Path, **environ: str) -> str:
    """What a command prints, on both its outputs."""
    env = {k: v for k, v in os.environ.items() if k != "MXGRAD_LIBRARY"} | environ
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """perl/ as in a fresh clone, but with nothing beside it."""
    shutil.copytree(ROOT / "perl", tmp_path / "perl", ignore=MADE)
    return tmp_path / "perl"


def test_a_missing_library_is_explained_in_a_sentence(tree: Path, tmp_path: Path) -> None:
    none = tmp_path / "none.so"
    printed = said("perl", "Makefile.PL", cwd=tree, MXGRAD_LIBRARY=str(none))
    what = f"MXGRAD_LIBRARY={none}, but there is no such file"
    assert printed == f"AI::MXGrad cannot find its library: {what}\n"
    first, *places = said("perl", "Makefile.PL", cwd=tree, MXGRAD_PYTHON="/nonexistent/python").splitlines()
    assert first == "AI::MXGrad cannot find its library libmxgrad.so.1 (pip install mxgrad builds it). Tried:"
    assert len(places) == 5 and all(place.startswith("    ") for place in places)
    assert not (tree / "Makefile").exists()


def test_a_missing_module_is_explained_in_a_sentence(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "old" / "FFI").mkdir(parents=True)
    (tmp_path / "old" / "FFI" / "Platypus.pm").write_text("package FFI::Platypus; our $VERSION = '1.0'; 1;\n")
    printed = said("perl", f"-I{tmp_path / 'old'}", "Makefile.PL", cwd=tree,
                   MXGRAD_LIBRARY=str(LIBRARY))
    assert printed == ("AI::MXGrad needs the Perl module FFI::Platypus 2.00 or newer, which is not "
                       "installed: `cpan FFI::Platypus` installs it.\n")


@pytest.mark.slow
def test_what_make_dist_packs_installs_and_passes_its_tests(tree: Path, tmp_path: Path) -> None:
    said("perl", "Makefile.PL", cwd=tree, MXGRAD_LIBRARY=str(LIBRARY))
    said("make", "dist", cwd=tree)
    (archive,) = tree.glob("AI-MXGrad-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    shutil.rmtree(tree)
    (unpacked,) = tmp_path.glob("AI-MXGrad-*")
    assert (unpacked / "META.json").exists()
    assert "Looks good" in said("perl", "Makefile.PL", f"INSTALL_BASE={tmp_path / 'base'}", cwd=unpacked,
                                MXGRAD_LIBRARY=str(LIBRARY))
    said("make", cwd=unpacked)
    # the library is now known without the variable
    assert "Result: PASS" in said("make", "test", cwd=unpacked)
    said("make", "install", cwd=unpacked)
    shutil.rmtree(unpacked)
    program = "use AI::MXGrad qw(nd); print nd->ones([2])->sum->asscalar"
    assert said("perl", f"-I{tmp_path / 'base' / 'lib' / 'perl5'}", "-e", program, cwd=tmp_path) == "2"
