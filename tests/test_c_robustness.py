"""The C library under valgrind, under sanitizers, without memory, and with other Pythons: see tests/c."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import test_c
import test_packaging
from test_c import LINK, PACKAGE, SOURCES, WARNINGS, needs, output, run

source = test_packaging.source
programs = test_c.programs

# -- valgrind ---------------------------------------------------------------------------------------------

# valgrind takes half a minute for the start of Python alone
UNDER_VALGRIND = ["arrays", "operators", "autograd", "functions", "objects", "errors"]


@pytest.mark.slow
@pytest.mark.parametrize("name", UNDER_VALGRIND)
def test_under_valgrind(name: str, programs: test_c.Programs, tmp_path: Path) -> None:
    """No access to memory that is not the library's; Python's own allocator reads what it has not written."""
    command = [needs("valgrind"), "--quiet", "--error-exitcode=99", "--undef-value-errors=no",
               f"--suppressions={SOURCES / 'valgrind.supp'}", programs(name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=900)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr[-4000:]


# -- sanitizers -------------------------------------------------------------------------------------------


def sanitized(flags: str, source: Path, directory: Path) -> None:
    """Builds the library in `source` with gcc's sanitizers; the test is skipped where gcc has them not."""
    probe = directory / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    probing = subprocess.run(["gcc", *flags.split(), probe, "-o", directory / "probe"], capture_output=True)
    if probing.returncode:
        pytest.skip(f"gcc has no {flags.split()[0]} here")
    subprocess.run([sys.executable, source / "pyffi" / "build_ffi.py"], check=True, capture_output=True,
                   env={**os.environ, "CFLAGS": flags, "LDFLAGS": flags})


def sanitized_program(name: str, flag: str, source: Path, directory: Path) -> Path:
    """A program of tests/c, compiled and linked with the library in `source`."""
    files = [SOURCES / f"{name}.c"]
    if name == "nulls":
        files.append(directory / "calls.c")
        files[1].write_text(test_c.calls_c())
    library = [str(given).replace(str(PACKAGE), str(source / "pyffi")) for given in LINK]
    output("gcc", "-std=c99", "-g", flag, f"-I{PACKAGE}/include", f"-I{SOURCES}", *files,
           "-o", directory / name, *library)
    return directory / name


@pytest.mark.slow
def test_under_address_and_undefined_behaviour_sanitizers(source: Path, tmp_path: Path) -> None:
    sanitized("-fsanitize=address,undefined -fno-sanitize-recover=undefined -g", source, tmp_path)
    # what Python keeps to its end is no leak; a size that cannot be had is an error that the library reports
    env = {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"}
    for name in ("arrays", "operators", "functions", "objects", "errors", "nulls", "threads"):
        program = sanitized_program(name, "-fsanitize=address", source, tmp_path)
        done = subprocess.run([program], capture_output=True, text=True, cwd=tmp_path, env=env)
        said = [line for line in done.stderr.splitlines() if "Sanitizer failed to allocate" not in line]
        assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["threads", "functions", "objects"])
def test_under_thread_sanitizer(name: str, source: Path, tmp_path: Path) -> None:
    """No two threads touch the library's memory at a time without a lock between them."""
    sanitized("-fsanitize=thread -g", source, tmp_path)
    program = sanitized_program(name, "-fsanitize=thread", source, tmp_path)
    # without a random layout: the sanitizer's own tables have fixed places
    command = [needs("setarch"), "-R", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=900,
                          env={"TSAN_OPTIONS": "exitcode=66"})
    if "unexpected memory mapping" in done.stderr or "failed to set personality" in done.stderr:
        pytest.skip("the thread sanitizer finds no place for its tables here")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-4000:]


# -- without memory ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_when_memory_is_refused(tmp_path: Path) -> None:
    """Whichever allocation fails, a call says so; no crash, no success without a result, no lost handle."""
    program = tmp_path / "oom"
    test_c.compile_c(SOURCES / "oom.c", program, *WARNINGS, f"-I{SOURCES}")
    # the one thing that is printed is cffi's, when it cannot reach Python at all
    done = subprocess.run([program], capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-4000:]


# -- other Pythons ----------------------------------------------------------------------------------------


def pythons() -> list[str]:
    """A Python of each version from 3.10 on that is found here: on PATH and among pyenv's."""
    found = {}
    roots = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.1[0-9]*/bin/python")
    for python in [*map(str, roots), *filter(None, (shutil.which(f"python3.{n}") for n in range(10, 16)))]:
        asked = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                               capture_output=True, text=True)
        if asked.returncode == 0:
            found.setdefault(asked.stdout.strip(), python)
    return [found[version] for version in sorted(found, key=lambda v: int(v.split(".")[1]))]


@pytest.mark.slow
@pytest.mark.parametrize("python", pythons())
def test_the_library_with_another_python(
    python: str, source: Path, programs: test_c.Programs, tmp_path: Path
) -> None:
    """Built by each Python here, in its own environment, the library runs the test programs."""
    venv = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", venv], check=True, capture_output=True)
    pip = [venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check"]
    got = subprocess.run([*pip, "numpy", "cffi", "setuptools"], capture_output=True, text=True)
    if got.returncode:
        pytest.skip(f"NumPy and cffi cannot be installed for {python}")
    made = subprocess.run([venv / "bin" / "python", source / "pyffi" / "build_ffi.py"],
                          capture_output=True, text=True)
    if "has no libpython" in made.stderr:
        pytest.skip(made.stderr.strip())
    assert made.returncode == 0, made.stderr
    env = {"LD_LIBRARY_PATH": str(source / "pyffi")}
    # not errors: what is left of a RecursionError at the depth at which it arises differs between Pythons
    for name in ("arrays", "operators", "autograd", "functions", "objects", "threads", "forks"):
        run(programs(name), cwd=tmp_path, env=env)
    for variables in (
        {"PATH": "/nonexistent"}, {"PYTHONHOME": "/nonexistent"},
        {"PYTHONPATH": test_c.wrong_modules(tmp_path)}, {"VIRTUAL_ENV": "/nonexistent", "LANG": "C"},
    ):
        run(programs("environment"), "works", cwd=tmp_path, env={**env, **variables})
