"""Builds libmxgrad.so.1, and beside it what compilers and build systems find it by.

``python build_ffi.py [DIRECTORY]`` builds into DIRECTORY, by default the directory of this file, from where
the library serves the source tree that it is in.  The C compiler is $CC, or gcc, cc or clang; $CFLAGS and
$LDFLAGS are added.  The library is for the Python that runs this file, which needs cffi, Python.h and a
shared libpython; it also needs NumPy, to import the engine whose operators mxgrad_ops.h lists.
"""
from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from runpy import run_path

HERE = Path(__file__).resolve().parent
HEADER = HERE / "include" / "mxgrad.h"
CPP_HEADER = HERE / "include" / "mxgrad.hpp"
SOURCES = ("shim.c", "values.c")
SONAME = "libmxgrad.so.1"
MODULE = "mxgrad_ffi._mxgrad"       # what cffi generates; it exists only inside the library


class BuildError(Exception):
    """The library cannot be built here; the text says what is missing."""


def build(target: str | os.PathLike[str]) -> Path:
    """Builds the library into the package directory `target` and gives its path.

    Raises BuildError if cffi, NumPy, a C compiler, Python.h or a shared libpython is missing, or the compiler
    fails.
    """
    target = Path(target).resolve()
    target.mkdir(parents=True, exist_ok=True)
    compiler = find_compiler()
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        raise BuildError(f"there is no Python.h in {include}")
    libpython = find_libpython()
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        generated, exports, library = work / "_mxgrad.c", work / "exports.map", work / SONAME
        generate(generated)
        exports.write_text(export_map())
        cflags = [
            "-std=gnu99", "-O2", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing",
            f"-I{HERE}", f"-I{HEADER.parent}", f"-I{include}", *shlex.split(os.environ.get("CFLAGS", "")),
        ]
        python = f'-DMXG_BUILD_PYTHON="{sys.executable}"'
        objects = []
        strict = [(HERE / name, ["-Wall", "-Wextra"]) for name in SOURCES]
        for source, warnings in [*strict, (generated, ["-w"])]:
            objects.append(str(work / source.stem) + ".o")
            run(compiler, *warnings, *cflags, python, "-c", str(source), "-o", objects[-1])
        run(
            compiler, "-shared", *objects, "-o", str(library),
            f"-Wl,-soname,{SONAME}", f"-Wl,--version-script={exports}",
            "-Wl,-z,nodelete", "-Wl,-z,now", "-Wl,-z,relro",
            f"-Wl,-rpath,{libpython.parent}", str(libpython), "-ldl", "-lpthread", "-lm",
            *shlex.split(os.environ.get("LDFLAGS", "")),
        )
        operators = work / "mxgrad_ops.h"
        generate_operators(operators)
        # a program may have the old one mapped: put the new one beside it, not into it
        shutil.copy2(library, target / (SONAME + ".new"))
        os.replace(target / (SONAME + ".new"), target / SONAME)
        install_files(target, operators)
    return target / SONAME


def find_compiler() -> str:
    candidates = [os.environ["CC"]] if os.environ.get("CC") else ["gcc", "cc", "clang"]
    for name in candidates:
        if shutil.which(shlex.split(name)[0]):
            return name
    raise BuildError(f"there is no C compiler ({', '.join(candidates)})")


def find_libpython() -> Path:
    """The shared libpython of this Python."""
    name = f"libpython{sysconfig.get_config_var('LDVERSION')}.so"
    directories = [
        Path(d) for d in (
            sysconfig.get_config_var("LIBDIR"),
            f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('MULTIARCH')}",
            os.path.join(sys.base_prefix, "lib"),
        ) if d
    ]
    for directory in directories:
        if (directory / name).exists():
            return directory / name
    raise BuildError(
        f"Python {sys.version.split()[0]} in {sys.base_prefix} has no {name}; Debian has it in "
        "the package libpython3-dev, pyenv builds it with PYTHON_CONFIGURE_OPTS=--enable-shared"
    )


def run(compiler: str, *arguments: str) -> None:
    done = subprocess.run([*shlex.split(compiler), *arguments], capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    if done.returncode:
        said = done.stderr.splitlines() or [f"status {done.returncode}"]
        raise BuildError(f"{compiler} failed: {said[0]}")


# -- the sources, read -----------------------------------------------------------------------------------


def part(text: str, name: str) -> str:
    """What stands between the comments NAME-BEGIN and NAME-END, or MXG-BEGIN and MXG-END in the header."""
    after = text.split(f"/* {name}-BEGIN", 1)[1].split("*/", 1)[1]
    return after.split(f"/* {name}-END", 1)[0]


def header() -> str:
    return part(HEADER.read_text(), "MXG").replace("\\\n", " ")


def version() -> str:
    """The version in the header, such as '0.1.0'."""
    text = HEADER.read_text()
    number = int(re.search(r"#define MXG_VERSION (\d+)", text)[1])       # type: ignore[index]
    name: str = re.search(r'#define MXG_VERSION_TEXT "(.*)"', text)[1]      # type: ignore[index]
    if name != f"{number // 10000}.{number // 100 % 100}.{number % 100}":
        raise BuildError(f"mxgrad.h has MXG_VERSION {number} and MXG_VERSION_TEXT {name}")
    return name


def exported() -> list[str]:
    """The names of the functions that the header declares."""
    code = re.sub(r"/\*.*?\*/", "", header(), flags=re.S)
    return re.findall(r"^MXG_API\b[^;]*?\b(mxg_\w+)\(", code, flags=re.M)


def export_map() -> str:
    """The linker's version script: the header's functions and nothing else."""
    return "MXGRAD_1 {\n  global:\n" + "".join(f"    {name};\n" for name in exported()) + "  local: *;\n};\n"


def generate(path: Path) -> None:
    """Writes the C file through which Python and shim.c reach each other."""
    try:
        from cffi import FFI, recompiler
    except ImportError:
        raise BuildError("there is no cffi: pip install cffi") from None

    internal = (HERE / "shim.h").read_text()
    types = re.sub(r"^MXG_API\b[^;]*;", "", header(), flags=re.M)
    ffi = FFI()
    ffi.cdef(re.sub(r"(#define MXG_\w+) .*", r"\1 ...", types))
    ffi.cdef(part(internal, "TYPES"))
    ffi.cdef('extern "Python+C" {\n' + part(internal, "PYTHON") + "}\n")
    ffi.cdef(part(internal, "C"))
    bootstrap = (HERE / "bootstrap.py").read_text()
    preamble = f'#include "shim.h"\nconst char mxg_bootstrap[] =\n{c_string(bootstrap)};\n'
    recompiler.make_c_source(ffi, MODULE, preamble, str(path))


def generate_operators(path: Path) -> None:
    """Writes mxgrad_ops.h, in another process, which imports the engine."""
    command = [sys.executable, str(HERE / "ops_header.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.splitlines() or [f"status {done.returncode}"]
        raise BuildError(f"the operators cannot be listed: {said[-1]}")


def c_string(text: str) -> str:
    lines = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.splitlines())
    return "\n".join(f'"{line}\\n"' for line in lines)


# -- the files beside the library ------------------------------------------------------------------------


def install_files(target: Path, operators: Path) -> None:
    include = target / "include"
    include.mkdir(exist_ok=True)
    if include.resolve() != HEADER.parent:
        shutil.copy2(HEADER, include)
        shutil.copy2(CPP_HEADER, include)
    shutil.copy2(operators, include)
    pages = run_path(str(HERE / "man_pages.py"))
    pages["write"](HEADER.read_text(), version(), target / "share" / "man" / "man3")
    # wheels cannot hold symbolic links; the linker reads this instead
    (target / "libmxgrad.so").write_text(f"INPUT(-l:{SONAME})\n")
    pkgconfig, cmake = target / "lib" / "pkgconfig", target / "lib" / "cmake" / "mxgrad"
    for directory in (pkgconfig, cmake):
        directory.mkdir(parents=True, exist_ok=True)
    values = {"VERSION": version(), "SONAME": SONAME}
    for template, out in (
        ("mxgrad.pc.in", pkgconfig / "mxgrad.pc"),
        ("mxgradConfig.cmake.in", cmake / "mxgradConfig.cmake"),
        ("mxgradConfigVersion.cmake.in", cmake / "mxgradConfigVersion.cmake"),
    ):
        text = (HERE / "templates" / template).read_text()
        out.write_text(re.sub(r"@(\w+)@", lambda m: values[m[1]], text))


def main() -> None:
    try:
        print(build(sys.argv[1] if len(sys.argv) > 1 else HERE))
    except BuildError as error:
        sys.exit(f"build_ffi.py: {error}")


if __name__ == "__main__":
    main()
