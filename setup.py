"""Builds the packages: ``mxgrad`` (Python, and compiled kernels) and ``mxgrad_ffi`` (the C library and what
finds it).

Everything that is not code stands in pyproject.toml. The C library is no Python extension, though setuptools
is told of it as one, so that wheels carry a platform tag: it is a shared library that programs in C and Perl
link to, and it starts Python itself. Where it cannot be built, the packages install without it, and the
reason is printed.  So it is with the kernels, which make mxgrad faster and nothing else.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

REMEDY = "Debian: apt-get install gcc python3-dev; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared"


class BuildLibrary(build_ext):
    """Has ``pyffi/build_ffi.py`` put the library, and what compilers find it by, into ``mxgrad_ffi``, and
    ``pyffi/build_kernels.py`` the kernels into ``mxgrad``.
    """

    def run(self) -> None:
        for script, what, inplace, package in (
            ("pyffi/build_ffi.py", "C library", "pyffi", "mxgrad_ffi"),
            ("pyffi/build_kernels.py", "compiled kernels", "engine/mxgrad/kernels", "mxgrad/kernels"),
        ):
            builder = runpy.run_path(script)
            try:
                builder["build"](Path(inplace) if self.inplace else Path(self.build_lib, package))
            except builder["BuildError"] as error:
                print(f"mxgrad is installed without its {what}, because {error}; {REMEDY}.", file=sys.stderr)

    def get_outputs(self) -> list[str]:
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


setup(
    packages=[*find_packages("engine"), "mxgrad_ffi"],
    ext_modules=[Extension("mxgrad_ffi.libmxgrad", sources=[])],
    cmdclass={"build_ext": BuildLibrary},
)
