"""mxgrad-config: how to compile and link with the C library."""
from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

from . import HERE, cmake_dir, include_dir, library_path, man_dir, pkgconfig_dir


def _define(name: str) -> str:
    with open(os.path.join(include_dir(), "mxgrad.h"), encoding="utf-8") as header:
        found = re.search(rf'^#define {name} "?([\w.]+)', header.read(), flags=re.M)
    if found is None:
        raise LookupError(f"mxgrad.h does not define {name}")
    return found[1]


# what the option prints
_ANSWERS: dict[str, tuple[Callable[[], str], str]] = {
    "cflags": (lambda: shlex.quote(f"-I{include_dir()}"), "compiler flags"),
    "libs": (lambda: shlex.join([f"-L{HERE}", f"-Wl,-rpath,{HERE}", "-lmxgrad"]), "linker flags"),
    "lib": (library_path, "path of the library"),
    "includedir": (include_dir, "directory of mxgrad.h, mxgrad_ops.h and mxgrad.hpp"),
    "pcdir": (pkgconfig_dir, "directory of mxgrad.pc"),
    "cmakedir": (cmake_dir, "directory of mxgradConfig.cmake"),
    "mandir": (man_dir, "directory of the manual pages, for man -M"),
    "python": (lambda: sys.executable, "the Python that this command belongs to"),
    "version": (lambda: _define("MXG_VERSION_TEXT"), "version"),
    "abi": (lambda: _define("MXG_ABI_VERSION"), "version of the binary interface"),
}


_PROGRAM = r"""
#include <mxgrad.h>
#include <stdio.h>

int main(void)
{
    static char text[65536];
    if (mxg_info(text, sizeof text, NULL) != MXG_OK) {
        fprintf(stderr, "%s\n", mxg_last_error());
        return 1;
    }
    puts(text);
    return 0;
}
"""


def check() -> int:
    """Compiles, links and runs a C program that prints what mxg_info says; its exit status."""
    compiler = os.environ.get("CC", "cc")
    flags = shlex.split(f"{_ANSWERS['cflags'][0]()} {_ANSWERS['libs'][0]()}")
    with tempfile.TemporaryDirectory() as directory:
        source, program = os.path.join(directory, "check.c"), os.path.join(directory, "check")
        with open(source, "w", encoding="utf-8") as file:
            file.write(_PROGRAM)
        compiled = subprocess.run([*shlex.split(compiler), source, "-o", program, *flags], check=False)
        return compiled.returncode or subprocess.run([program], check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """mxgrad-config: prints the answers to the options, in one line."""
    parser = argparse.ArgumentParser(
        "mxgrad-config", description="How to compile and link with libmxgrad."
    )
    for name, (_, text) in _ANSWERS.items():
        parser.add_argument(f"--{name}", action="append_const", dest="asked", const=name, help=text)
    parser.add_argument("--check", action="store_true", help="run a C program that prints what mxg_info says")
    given = parser.parse_args(arguments)
    if not given.asked and not given.check:
        parser.print_help()
        return 2
    if (given.check or {"lib", "libs"} & set(given.asked or ())) and not os.path.exists(library_path()):
        print(
            "mxgrad-config: the C library was not built when mxgrad was installed; with gcc, cffi and a "
            "Python "
            "that has a shared libpython (Debian: python3-dev; pyenv: "
            "PYTHON_CONFIGURE_OPTS=--enable-shared), "
            "pip install --force-reinstall --no-deps mxgrad builds it",
            file=sys.stderr,
        )
        return 1
    if given.asked:
        print(" ".join(_ANSWERS[name][0]() for name in given.asked))
    return check() if given.check else 0
