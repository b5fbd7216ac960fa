"""Builds the kernels for the CPU: a Python extension without NumPy's or the engine's headers.

``python build_kernels.py [DIRECTORY]`` builds kernels/*.c into DIRECTORY, by default engine/mxgrad/kernels,
from where mxgrad takes them.  The C compiler is $CC, or gcc, cc or clang; $CFLAGS and $LDFLAGS are added.  On
x86-64 every kernel is compiled for each of `LEVELS`, and the extension chooses when it is loaded.  For Python
before 3.12 a second extension is built of buffer.c, which gives arrays the buffer protocol.
"""
from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from runpy import run_path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "kernels"
HEADER = SOURCES / "kernels.h"
TARGET = HERE.parent / "engine" / "mxgrad" / "kernels"
MODULE = "mxgrad.kernels._cpu"
FILE = "_cpu.abi3.so"
ONCE = ("memory.c", "pool.c")      # sources with state: there is one of each, whatever the level
UNFUSED = ("random.c",)     # whose numbers are others' to the bit: a fused multiplication rounds differently

# x86-64's levels as its psABI defines them, the best first, and what the processor must have for each.
LEVELS = {
    "v4": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    "v3": ("avx2", "bmi", "bmi2", "fma"),
    "v2": ("sse4.2", "popcnt"),
}

_ffi = run_path(str(HERE / "build_ffi.py"))
BuildError: type[Exception] = _ffi["BuildError"]


def prototypes(header: Path = HEADER) -> list[tuple[str, str, str]]:
    """(type, name, arguments) of every function of a header; their names begin with k_."""
    code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    found = re.findall(r"^(\w[\w ]*?\**)\s*\b(k_\w+)\(([^;{]*)\);", code, flags=re.M)
    return [(kind.strip(), name, " ".join(arguments.split())) for kind, name, arguments in found]


def defined_once() -> set[str]:
    """The functions of the sources that are compiled once."""
    return {name for source in ONCE for name in re.findall(r"^\w+ \**(k_\w+)\(",
                                                           (SOURCES / source).read_text(), flags=re.M)}


def choice(levels: list[str]) -> str:
    """C that binds each function of the kernels to the one for the best level there is."""
    lines = ["#include <string.h>", '#include "kernels.h"']
    per_level = [p for p in prototypes() if p[1] not in defined_once()]
    for kind, name, arguments in per_level:
        lines += [f"{kind} {name}_{level}({arguments});" for level in levels]
        lines += [f"static {kind} (*chosen_{name})({arguments}) = {name}_{levels[-1]};",
                  f"#define {name} chosen_{name}"]
    lines.append("static int runs(int level) {")
    for i, level in enumerate(levels):
        needs = " && ".join(f'__builtin_cpu_supports("{f}")' for f in LEVELS.get(level, ())) or "1"
        lines.append(f"    if (level == {i}) return {needs};")
    lines += ["    return 0;", "}", "static const char *the_level;",
              "static const char *const names[] = {" + ", ".join(f'"{v}"' for v in levels) + "};",
              "const char *k_level(void) { return the_level; }",
              "int k_choose(const char *level) {", f"    for (int i = 0; i < {len(levels)}; i++) {{",
              "        if (!runs(i) || (level[0] && strcmp(level, names[i]))) continue;",
              "        the_level = names[i];"]
    for _, name, _ in per_level:
        lines += [f"        chosen_{name} = " + " : ".join(
            f"i == {i} ? {name}_{level}" for i, level in enumerate(levels[:-1]))
            + (" : " if levels[1:] else "") + f"{name}_{levels[-1]};"]
    return "\n".join([*lines, "        return 0;", "    }", "    return -1;", "}"])


CHOICE = """
const char *k_level(void);
int k_choose(const char *level);
"""


def generate(path: Path, levels: list[str]) -> None:
    """Writes the extension's own C file."""
    try:
        from cffi import FFI, recompiler
    except ImportError:
        raise BuildError("there is no cffi: pip install cffi") from None
    ffi = FFI()
    ffi.cdef(CHOICE + "".join(f"{kind} {name}({arguments});\n" for kind, name, arguments in prototypes()))
    recompiler.make_c_source(ffi, MODULE, choice(levels), str(path))


def build_buffer(compiler: str, include: Path, target: Path) -> None:
    """Builds the extension of buffer.c into the directory `target`."""
    file = "_buffer" + str(sysconfig.get_config_var("EXT_SUFFIX"))
    with tempfile.TemporaryDirectory() as directory:
        library = Path(directory, file)
        _ffi["run"](compiler, "-std=c99", "-O2", "-fPIC", "-Wall", "-Wextra", f"-I{include}",
                    *shlex.split(os.environ.get("CFLAGS", "")), "-shared", str(HERE / "buffer.c"),
                    "-o", str(library), *shlex.split(os.environ.get("LDFLAGS", "")))
        put(library, target)


def put(library: Path, target: Path) -> None:
    """Moves a library into the directory `target`; a process may have the old one mapped."""
    new = target / (library.name + ".new")
    shutil.copy2(library, new)
    os.replace(new, target / library.name)


def build(target: str | os.PathLike[str] = TARGET) -> Path:
    """Builds the extensions into the directory `target` and gives the path of that of the kernels.

    Raises BuildError if cffi, a C compiler or Python.h is missing, or the compiler fails.
    """
    target = Path(target).resolve()
    target.mkdir(parents=True, exist_ok=True)
    compiler, run = _ffi["find_compiler"](), _ffi["run"]
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        raise BuildError(f"there is no Python.h in {include}")
    if sys.version_info < (3, 12):
        build_buffer(compiler, include, target)
    x86 = platform.machine() in ("x86_64", "AMD64")
    levels = list(LEVELS) if x86 else ["c"]
    # NaN and infinity count, what the flags and errno say does not.
    cflags = ["-std=gnu99", "-O3", "-fPIC", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math",
              "-ffp-contract=fast", f"-I{SOURCES}", *shlex.split(os.environ.get("CFLAGS", ""))]
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        generated, library = work / "_cpu.c", work / FILE
        generate(generated, levels)
        commands = [["-w", *cflags, f"-I{include}", "-c", str(generated)]]
        strict = ["-Wall", "-Wextra", *cflags]
        commands += [[*strict, "-c", str(SOURCES / source)] for source in ONCE]
        for level in levels:
            renamed = work / f"{level}.h"
            renamed.write_text("".join(
                f"#define {name} {name}_{level}\n" for header in sorted(SOURCES.glob("*.h"))
                for _, name, _ in prototypes(header) if name not in defined_once()))
            march = [f"-march=x86-64-{level}", "-mprefer-vector-width=512"] if x86 else []
            commands += [[*strict, *(["-ffp-contract=off"] if source.name in UNFUSED else []), *march,
                          "-include", str(renamed), "-c", str(source)]
                         for source in sorted(SOURCES.glob("*.c")) if source.name not in ONCE]
        objects = [str(work / f"{i}.o") for i in range(len(commands))]
        with ThreadPoolExecutor(os.cpu_count()) as together:
            list(together.map(lambda c, o: run(compiler, *c, "-o", o), commands, objects))
        run(compiler, "-shared", *objects, "-o", str(library), "-lpthread", "-lm",
            *shlex.split(os.environ.get("LDFLAGS", "")))
        put(library, target)
    return target / FILE


def main() -> None:
    try:
        print(build(*sys.argv[1:2]))
    except BuildError as error:
        sys.exit(f"build_kernels.py: {error}")


if __name__ == "__main__":
    main()
