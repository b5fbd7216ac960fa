"""The C library: its header and symbols, its behaviour in programs (tests/c), how compilers find it."""
from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "c"
PACKAGE = ROOT / "pyffi"
HEADER = PACKAGE / "include" / "mxgrad.h"
LIBRARY = PACKAGE / "libmxgrad.so.1"

if not LIBRARY.exists():
    pytest.skip(f"{LIBRARY} is not there; `python pyffi/build_ffi.py` builds it", allow_module_level=True)
if not shutil.which("gcc"):
    pytest.skip("there is no gcc", allow_module_level=True)

BUILD = runpy.run_path(str(PACKAGE / "build_ffi.py"))


def needs(program: str) -> str:
    """The path of a program; the test is skipped where it is missing."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"there is no {program}")
    return path


def output(*command: object, **options: Any) -> str:
    """What a command prints; it has to succeed and to write nothing to standard error."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


# -- the header -------------------------------------------------------------------------------------------


def prototypes() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(name, result type, [(parameter type, parameter name), ...]) of every function in mxgrad.h."""
    code = re.sub(r"/\*.*?\*/", "", BUILD["header"](), flags=re.S)
    found = []
    for result, name, given in re.findall(r"^MXG_API\s+(.*?)(\w+)\(([^)]*)\);", code, flags=re.M | re.S):
        texts = [] if given == "void" else [" ".join(p.split()) for p in given.split(",")]
        parameters = [re.fullmatch(r"(.*?)\s*(\w+)", p).groups() for p in texts]
        found.append((name, result.strip(), parameters))
    assert len(found) == len(re.findall(r"^MXG_API\b", code, flags=re.M))
    return found


def test_library_exports_what_the_header_declares() -> None:
    declared = {name for name, _, _ in prototypes()}
    listed = output(needs("nm"), "-D", "--defined-only", LIBRARY).splitlines()
    exported = {line.split()[-1] for line in listed} - {"MXGRAD_1"}
    assert exported == {f"{name}@@MXGRAD_1" for name in declared}
    in_map = re.findall(r"^\s+(mxg_\w+);$", BUILD["export_map"](), flags=re.M)
    assert set(in_map) == declared and len(in_map) == len(declared)


@pytest.mark.parametrize("standard", ["c89", "c99", "c11", "c17", "c++98", "c++11", "c++17", "c++20"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_header_compiles_alone(compiler: str, standard: str) -> None:
    language = "c++" if "+" in standard else "c"
    if language == "c++" and compiler == "gcc":
        needs("g++")
    output(
        needs(compiler), f"-std={standard}", "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
        "-fsyntax-only", "-x", language, HEADER,
    )


def test_cffi_reads_the_header() -> None:
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    declarations = re.sub(r"^MXG_API\b", "", BUILD["header"](), flags=re.M)
    # it takes numbers without parentheses only
    ffi.cdef(re.sub(r"^(#define \w+) \((-\d+)\)", r"\1 \2", declarations, flags=re.M))
    names = set(dir(ffi.dlopen(str(LIBRARY))))
    assert {name for name, _, _ in prototypes()} <= names
    assert {"MXG_OK", "MXG_ERR_BUFFER", "MXG_VERSION"} <= names


def test_the_program_in_the_header_runs(tmp_path: Path) -> None:
    manual = HEADER.read_text().split("*/", 1)[0]
    lines = re.findall(r"^ \*(?:     ?(.*))?$", manual.split("A first program.", 1)[1], flags=re.M)
    program = "\n".join(lines).split("cc first.c")[0]
    (tmp_path / "first.c").write_text(program)
    compile_c(tmp_path / "first.c", tmp_path / "first", "-std=c99")
    assert output(tmp_path / "first") == "dy/dx = 2 4 6\n"


# -- programs ---------------------------------------------------------------------------------------------

WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
LINK = [f"-L{PACKAGE}", "-lmxgrad", f"-Wl,-rpath,{PACKAGE}", "-lpthread", "-ldl", "-lm"]


def compile_c(source: Path, target: Path, *more: object) -> None:
    output("gcc", "-g", *more, f"-I{PACKAGE}/include", source, "-o", target, *LINK)


class Programs:
    """The programs of tests/c, each compiled when it is first wanted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, name: str) -> Path:
        target = self.directory / name
        if not target.exists():
            more: list[object] = [*WARNINGS, f"-I{SOURCES}"]
            if '#include "calls.h"' in (SOURCES / f"{name}.c").read_text():
                calls = self.directory / "calls.c"
                calls.write_text(calls_c())
                more.append(calls)
            compile_c(SOURCES / f"{name}.c", target, *more)
        return target


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("programs"))


def calls_c() -> str:
    """Every function of the header as data: the table that calls.h describes."""
    members = {"double": "d", "mxg_callback": "callback", "mxg_deleter": "deleter"}
    handles = {"mxg_ndarray", "mxg_op", "mxg_function", "mxg_object"}
    no_status = {"mxg_version", "mxg_abi_version", "mxg_last_code", "mxg_set_error"}
    lines, table = ['#include "calls.h"'], []
    for name, result, parameters in prototypes():
        arguments = []
        for i, (kind, _) in enumerate(parameters):
            member = members.get(kind, "p" if "*" in kind or kind in handles else "i")
            arguments.append(f"({kind})v[{i}].{member}")
        call = f"{name}({', '.join(arguments)})"
        if result == "const char *":
            call += " != NULL ? MXG_OK : MXG_ERR_INTERNAL"
        elif name in no_status:
            call = f"((void){call}, MXG_OK)"
        else:
            assert result == "int", name
        lines.append(f"static int call_{name}(const value *v) {{ (void)v; return {call}; }}")
        described = ", ".join(f'{{"{kind}", "{p}"}}' for kind, p in parameters) or "{NULL, NULL}"
        table.append(f'    {{"{name}", {len(parameters)}, {{{described}}}, call_{name}}},')
    lines += ["const function FUNCTIONS[] = {", *table, "};", f"const int N_FUNCTIONS = {len(table)};", ""]
    return "\n".join(lines)


def run(program: Path, *arguments: object, cwd: Path, status: int = 0, **options: Any) -> None:
    """Runs a test program, which prints nothing unless a check fails."""
    done = subprocess.run(
        [str(program), *map(str, arguments)], capture_output=True, text=True, timeout=200, cwd=cwd, **options,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", ""), done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    ["arrays", "operators", "autograd", "functions", "objects", "programs", "errors", "nulls", "threads",
     "forks", "leaks"],
)
def test_program(name: str, programs: Programs, tmp_path: Path) -> None:
    run(programs(name), cwd=tmp_path)


@pytest.mark.parametrize(
    "name", ["arrays", "operators", "autograd", "functions", "objects", "programs", "threads", "forks"])
def test_program_whose_ops_wait(name: str, programs: Programs, tmp_path: Path) -> None:
    """The same where every elementwise op is put off until somebody looks at its result."""
    run(programs(name), cwd=tmp_path, env={**os.environ, "MXGRAD_DEFERRED": "1"})


@pytest.mark.parametrize("seed", range(4))
def test_random_calls(seed: int, programs: Programs, tmp_path: Path) -> None:
    run(programs("fuzz"), seed, 30_000, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_random_calls(seed: int, programs: Programs, tmp_path: Path) -> None:
    run(programs("fuzz"), seed, 100_000, cwd=tmp_path)


@pytest.mark.parametrize("case", [
    "never started", "handles left", "inside a scope", "atexit before the start", "atexit after the start",
    "first call in atexit", "destructor", "callback", "callback, then atexit", "other threads compute",
    "other threads compute, and atexit", "in a thread", "quick_exit", "_exit",
])
def test_exit(case: str, programs: Programs, tmp_path: Path) -> None:
    run(programs("exits"), case, cwd=tmp_path, status=7)


def test_loaded_and_closed_three_times(programs: Programs, tmp_path: Path) -> None:
    run(programs("loads"), LIBRARY, cwd=tmp_path, status=7)


# -- the environment --------------------------------------------------------------------------------------


def wrong_modules(directory: Path) -> str:
    """A directory for PYTHONPATH with modules that cannot be imported."""
    for name in ("numpy", "mxgrad", "mxgrad_ffi", "site", "_cffi_backend"):
        (directory / f"{name}.py").write_text("raise ImportError('from PYTHONPATH')\n")
    return str(directory)


@pytest.mark.parametrize("variables", [
    {},
    {"PATH": "/nonexistent"},
    {"HOME": "/nonexistent"},
    {"PYTHONHOME": "/nonexistent"},
    {"PYTHONPATH": "wrong modules"},
    {"VIRTUAL_ENV": "/nonexistent"},
    {"PYTHONHOME": "/usr", "PYTHONPATH": "/usr/lib/python3", "VIRTUAL_ENV": "/", "PYTHONVERBOSE": "1"},
    {"PYTHONMALLOC": "nonsense", "PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"},
    {"LANG": "C"},
    {"LANG": "C.UTF-8"},
    {"LANG": "xx_YY.nonsense", "LC_ALL": "xx_YY.nonsense"},
], ids=lambda variables: ",".join(variables) or "none")
def test_environment_variables(variables: dict[str, str], programs: Programs, tmp_path: Path) -> None:
    env = {k: wrong_modules(tmp_path) if v == "wrong modules" else v for k, v in variables.items()}
    run(programs("environment"), "works", cwd=tmp_path, env=env)


def test_memory_from_malloc(programs: Programs, tmp_path: Path) -> None:
    run(programs("environment"), "malloc", cwd=tmp_path)


def test_current_directory(programs: Programs, tmp_path: Path) -> None:
    wrong_modules(tmp_path)     # not taken from the current directory either
    run(programs("environment"), "works", cwd=tmp_path)
    run(programs("environment"), "works", cwd=Path("/"))
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'rmdir "{gone}" && exec "{programs("environment")}" works'
    run(Path("/bin/sh"), "-c", command, cwd=gone)


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(streams: str, programs: Programs, tmp_path: Path) -> None:
    run(Path("/bin/sh"), "-c", f'exec "{programs("environment")}" works {streams}', cwd=tmp_path)


def test_small_stack(programs: Programs, tmp_path: Path) -> None:
    run(Path("/bin/sh"), "-c", f'ulimit -s 512 && exec "{programs("environment")}" works', cwd=tmp_path)


def test_symbolic_link_to_the_library(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "libmxgrad.so.1").symlink_to(LIBRARY)
    run(programs("environment"), "works", cwd=tmp_path, env={"LD_LIBRARY_PATH": str(tmp_path)})
    run(programs("loads"), tmp_path / "libmxgrad.so.1", cwd=tmp_path, status=7)


def test_named_python_is_used(programs: Programs, tmp_path: Path) -> None:
    program = programs("environment")
    run(program, "works", cwd=tmp_path, env={"MXGRAD_PYTHON": built_with()})
    missing = {"MXGRAD_PYTHON": "/nonexistent"}
    run(program, "fails", "MXGRAD_PYTHON=/nonexistent: no such file", cwd=tmp_path, env=missing)
    said = "mxg_options.python=/nowhere: no such file"      # which comes before the variable
    run(program, "options", "/nowhere", said, cwd=tmp_path, env=missing)


def test_library_without_its_package(programs: Programs, tmp_path: Path) -> None:
    shutil.copy(LIBRARY, tmp_path)
    said = f"libmxgrad.so.1 has to stay in its package mxgrad_ffi, but {tmp_path} is none"
    run(programs("environment"), "fails", said, cwd=tmp_path, env={"LD_LIBRARY_PATH": str(tmp_path)})


def test_python_without_numpy(programs: Programs, tmp_path: Path) -> None:
    empty = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", empty], check=True)
    python = empty / "bin" / "python"
    if subprocess.run([python, "-c", "import _cffi_backend"], capture_output=True).returncode == 0:
        pytest.skip("an empty virtual environment has cffi")
    said = f"Python at {python} cannot import _cffi_backend: ModuleNotFoundError"
    run(programs("environment"), "fails", said, cwd=tmp_path, env={"MXGRAD_PYTHON": str(python)})


# -- inside a Python that runs already --------------------------------------------------------------------


def version_of(python: str) -> str:
    return output(python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])").strip()


def built_with() -> str:
    """The Python for which the library was built."""
    (version,) = {found.decode() for found in re.findall(rb"/python(3\.\d+)/", LIBRARY.read_bytes())}
    for python in (sys.executable, shutil.which(f"python{version}")):
        if python and version_of(python).startswith(version + "."):
            return python
    pytest.skip(f"the library is for Python {version}, which is not found")


def in_python(code: str, python: str | None = None) -> str:
    """What a Python prints that has loaded the library."""
    prelude = f"import atexit, ctypes, json, os\nlib = ctypes.CDLL({str(LIBRARY)!r})\n" \
        "lib.mxg_last_error.restype = ctypes.c_char_p\n"
    env = dict(os.environ)
    if python is None:      # the one that has NumPy where these tests run
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "engine"), *filter(None, sys.path)])
    return output(python or built_with(), "-c", prelude + code, env=env)


def test_hosted_by_python_shares_its_arrays() -> None:
    printed = in_python("""
from mxgrad import nd
text = ctypes.create_string_buffer(1 << 16)
assert lib.mxg_info(text, ctypes.c_size_t(len(text)), None) == 0, lib.mxg_last_error()
print(text.value.decode())
import mxgrad_ffi.capi
x = nd.array([1, 2, 3])
handle, data, size = ctypes.c_void_p(mxgrad_ffi.capi._give(x)), ctypes.c_void_p(), ctypes.c_size_t()
assert lib.mxg_ndarray_data(handle, ctypes.byref(data), ctypes.byref(size)) == 0
ctypes.cast(data, ctypes.POINTER(ctypes.c_float))[1] = 20
print(x.asnumpy().tolist())
""")
    info, array = printed.splitlines()
    assert json.loads(info)["hosted"] is True
    assert array == "[1.0, 20.0, 3.0]"


def test_after_the_end_of_its_python_the_library_is_shut_down() -> None:
    printed = in_python("""
handle, count = ctypes.c_void_p(), ctypes.c_int64()
def last():
    print(lib.mxg_live(0, ctypes.byref(count)), lib.mxg_last_error().decode())
    print(lib.mxg_ndarray_free(handle))
    print(lib.mxg_ndarray_scalar(ctypes.c_double(1), None, None, ctypes.byref(handle)), handle.value)
atexit.register(last)       # before the library registers what it does then
assert lib.mxg_ndarray_scalar(ctypes.c_double(1), None, None, ctypes.byref(handle)) == 0
""")
    assert printed.splitlines() == [
        "-7 ShutdownError: mxgrad has been shut down with the Python that it runs in", "0", "-7 None",
    ]


@pytest.mark.parametrize("minor", range(10, 16))
def test_refuses_a_python_of_another_version(minor: int) -> None:
    python = needs(f"python3.{minor}")
    if subprocess.run([python, "-c", "import ctypes"], capture_output=True).returncode:
        pytest.skip(f"python3.{minor} does not run")
    running = version_of(python)
    built = ".".join(version_of(built_with()).split(".")[:2])
    if built == f"3.{minor}":
        pytest.skip("the library is for this version")
    printed = in_python("print(lib.mxg_init(None), lib.mxg_last_error().decode())", python)
    said = f"libmxgrad was built for Python {built} but this process runs Python {running}"
    assert printed == f"-2 InitError: {said}\n"


def test_two_copies_in_one_process_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "mxgrad_ffi"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    printed = in_python(f"""
import mxgrad
assert lib.mxg_init(None) == 0, lib.mxg_last_error()
other = ctypes.CDLL({str(copy / "libmxgrad.so.1")!r})
other.mxg_last_error.restype = ctypes.c_char_p
print(other.mxg_init(None), other.mxg_last_error().decode())
""")
    assert printed.startswith("-2 InitError: libmxgrad is in this process twice: ")


# -- how compilers and build systems find it --------------------------------------------------------------

PROGRAM = """
#include <mxgrad.h>
#include <stdio.h>
int main(void)
{
    mxg_ndarray a;
    double value = 0;
    if (mxg_ndarray_scalar(42, NULL, NULL, &a) || mxg_ndarray_item(a, &value))
        puts(mxg_last_error());
    printf("%s %g\\n", mxg_version_string(), value);
    return 0;
}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "program.c"
    path.write_text(PROGRAM)
    return path


def expected() -> str:
    return f"{BUILD['version']()} 42\n"


def test_pkg_config(source: Path) -> None:
    env = {**os.environ, "PKG_CONFIG_PATH": str(PACKAGE / "lib" / "pkgconfig")}
    flags = output(needs("pkg-config"), "--cflags", "--libs", "mxgrad", env=env).split()
    assert output("pkg-config", "--modversion", "mxgrad", env=env).strip() == BUILD["version"]()
    output("gcc", source, "-o", source.with_suffix(""), *flags)
    assert output(source.with_suffix("")) == expected()


def test_cmake(source: Path, tmp_path: Path) -> None:
    cmake = needs("cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.10)\nproject(program C)\n"
        f"find_package(mxgrad {BUILD['version']()} REQUIRED)\n"
        "add_executable(program program.c)\ntarget_link_libraries(program mxgrad::mxgrad)\n"
    )
    where = PACKAGE / "lib" / "cmake" / "mxgrad"
    subprocess.run([cmake, "-S", tmp_path, "-B", tmp_path / "build", f"-Dmxgrad_DIR={where}"], check=True,
                   capture_output=True)
    subprocess.run([cmake, "--build", tmp_path / "build"], check=True, capture_output=True)
    assert output(tmp_path / "build" / "program") == expected()


def test_cmake_refuses_a_newer_version(tmp_path: Path) -> None:
    cmake = needs("cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.10)\nproject(program C)\nfind_package(mxgrad 99.0 REQUIRED)\n"
    )
    where = PACKAGE / "lib" / "cmake" / "mxgrad"
    done = subprocess.run([cmake, "-S", tmp_path, "-B", tmp_path / "build", f"-Dmxgrad_DIR={where}"],
                          capture_output=True, text=True)
    assert done.returncode != 0 and "requested version" in done.stderr


def config(site: Path, *options: str) -> str:
    """What mxgrad-config prints for the package in `site`."""
    return output(sys.executable, "-m", "mxgrad_ffi", *options, env={**os.environ, "PYTHONPATH": str(site)})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory in which the package has the name that it is installed under."""
    (tmp_path / "mxgrad_ffi").symlink_to(PACKAGE)
    return tmp_path


def test_mxgrad_config(source: Path, site: Path) -> None:
    flags = config(site, "--cflags", "--libs").split()
    output("gcc", source, "-o", source.with_suffix(""), *flags)
    assert output(source.with_suffix("")) == expected()
    assert config(site, "--version").strip() == BUILD["version"]()
    assert Path(config(site, "--lib").strip()).samefile(LIBRARY)
    assert (Path(config(site, "--includedir").strip()) / "mxgrad.h").samefile(HEADER)
    assert (Path(config(site, "--pcdir").strip()) / "mxgrad.pc").exists()
    assert (Path(config(site, "--cmakedir").strip()) / "mxgradConfig.cmake").exists()
    assert json.loads(config(site, "--check"))["version"] == BUILD["version"]()
