"""Comfort in C: a function for each operator, the layer for C++, manual pages, what is installed."""
from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import test_c
import test_packaging
from test_c import BUILD, HEADER, LINK, PACKAGE, ROOT, needs, output, prototypes, run

CPP = ROOT / "tests" / "cpp"
GENERATOR = runpy.run_path(str(PACKAGE / "ops_header.py"))
PAGES = runpy.run_path(str(PACKAGE / "man_pages.py"))
STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror"]

source = test_packaging.source


# -- mxgrad_ops.h -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the headers, and mxgrad_ops.h made from the operators as they are now."""
    directory = tmp_path_factory.mktemp("include")
    shutil.copy(HEADER, directory)
    shutil.copy(HEADER.with_suffix(".hpp"), directory)
    (directory / "mxgrad_ops.h").write_text(GENERATOR["header"]())
    return directory


@pytest.mark.parametrize("compiler, standard", [
    ("gcc", "c99"), ("gcc", "c11"), ("gcc", "c17"), ("clang", "c99"), ("clang", "c11"),
    ("g++", "c++17"), ("g++", "c++20"), ("clang++", "c++17"),
])
def test_the_header_of_operators_compiles(
    compiler: str, standard: str, operators: Path, tmp_path: Path
) -> None:
    needs(compiler)
    program = tmp_path / ("program.cpp" if "++" in compiler else "program.c")
    program.write_text("#include <mxgrad_ops.h>\n#include <mxgrad_ops.h>\n")
    output(compiler, f"-std={standard}", *STRICT, "-fsyntax-only", f"-I{operators}", program)


def test_program_of_operators(operators: Path, tmp_path: Path) -> None:
    program = tmp_path / "ops"
    output("gcc", "-std=c99", *STRICT, f"-I{operators}", f"-I{test_c.SOURCES}", test_c.SOURCES / "ops.c",
           "-o", program, *LINK)
    run(program, cwd=tmp_path)


def test_every_operator_that_c_can_call_has_a_function(operators: Path) -> None:
    from mxgrad import frontend

    text = (operators / "mxgrad_ops.h").read_text()
    defined = set(re.findall(r"^static inline int\s+(mxgop_\w+[a-zA-Z0-9])\(", text, flags=re.M))
    left_out = {n for n in frontend.op_names() if GENERATOR["c_name"](n) not in defined}
    assert len(defined) > 850
    # functions as arguments, lists of arrays beside others, and results that are no arrays
    assert {"contrib.foreach", "np.select", "np.einsum", "np.finfo", "np.save"} <= left_out
    assert len(left_out) < 60, sorted(left_out)
    declared = "static inline int mxgop_np_stack(int32_t n_arrays, const mxg_ndarray *arrays,\n"
    assert declared in text and "mxgop_np_concatenate" in defined
    documented = re.findall(r" \*/\nstatic inline int\s+mxgop_\w+[a-zA-Z0-9]\(", text)
    assert len(documented) == len(defined)


def test_the_parameters_in_the_header_are_those_of_the_operator(operators: Path) -> None:
    from mxgrad import frontend

    text = (operators / "mxgrad_ops.h").read_text()
    for name in ("softmax", "np.linalg.norm", "npx.batch_norm", "clip", "topk"):
        c = GENERATOR["c_name"](name)
        found = re.search(rf"typedef struct {c}_params {{\n(.*?)}} {c}_params;", text, flags=re.S)
        assert found is not None
        fields = re.findall(r"const char \*(\w+);", found[1])
        assert fields == list(frontend.op_function(name).params)


# -- mxgrad.hpp -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standard", ["c++17", pytest.param("c++20", marks=pytest.mark.slow)])
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("name", ["arrays", "objects"])
def test_cpp_program(name: str, compiler: str, standard: str, tmp_path: Path) -> None:
    program = tmp_path / name
    output(needs(compiler), f"-std={standard}", *STRICT, "-g", f"-I{PACKAGE}/include", CPP / f"{name}.cpp",
           "-o", program, *LINK)
    run(program, cwd=tmp_path)


def manual_of_cpp() -> str:
    """The program in the comment at the top of mxgrad.hpp."""
    comment = HEADER.with_suffix(".hpp").read_text().split("*/", 1)[0]
    return "\n".join(re.findall(r"^ \*     ?(.*)$", comment, flags=re.M)).split("c++ -std")[0]


def test_the_program_in_the_cpp_header_runs_from_two_sources(tmp_path: Path) -> None:
    (tmp_path / "first.cpp").write_text(manual_of_cpp())
    (tmp_path / "second.cpp").write_text("#include <mxgrad_ops.h>\n#include <mxgrad.hpp>\n")
    output(needs("g++"), "-std=c++17", *STRICT, f"-I{PACKAGE}/include", tmp_path / "first.cpp",
           tmp_path / "second.cpp", "-o", tmp_path / "first", *LINK)
    assert output(tmp_path / "first") == "dy/dx = \n[2. 4. 6.]\n<NDArray 3 @cpu(0)>\n2 units\n"


# -- manual pages -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def man3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("man") / "man3"
    PAGES["write"](HEADER.read_text(), BUILD["version"](), directory)
    return directory


def test_every_function_has_a_manual_page(man3: Path) -> None:
    assert {page.stem for page in man3.iterdir()} == {"mxgrad", *(name for name, _, _ in prototypes())}
    overview = (man3 / "mxgrad.3").read_text()
    for name, _, parameters in prototypes():
        page = (man3 / f"{name}.3").read_text()
        assert f".BR {name} (3)" in overview
        assert re.search(rf'^\.SH NAME\n{name} \\- [^\n]{{8,}}\n\.SH SYNOPSIS$', page, flags=re.M), name
        for kind, parameter in parameters:
            assert parameter in page and kind.split()[0] in page
    for constant in re.findall(r"^#define (MXG_\w+)", BUILD["header"](), flags=re.M):
        assert f"#define {constant} " in overview
    assert "dy/dx = %g %g %g" in overview


def test_manual_pages_are_good_roff(man3: Path) -> None:
    pages = sorted(man3.iterdir())
    output(needs("groff"), "-man", "-ww", "-z", "-Tutf8", *pages)
    if shutil.which("mandoc"):
        output("mandoc", "-T", "lint", "-W", "warning", *pages)


def test_man_finds_the_pages(man3: Path) -> None:
    printed = output(needs("man"), "-M", man3.parent, "-P", "cat", "3", "mxg_invoke",
                     env={**os.environ, "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""})
    words = " ".join(printed.split())
    assert "Calls an operator on n_in arrays" in words
    assert "const char *const *keys, const char *const *vals" in words
    assert "BUFFER (nothing is kept; the operator did run)." in words


def test_a_page_of_a_function_that_is_gone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "mxg_gone.3").write_text("")
    PAGES["write"](HEADER.read_text(), "0.1.0", tmp_path)
    assert not (tmp_path / "mxg_gone.3").exists() and (tmp_path / "mxg_call.3").exists()


# -- the examples with gluon ------------------------------------------------------------------------------

# runs a program's main, and then looks for handles that it did not give back
AROUND = """
#include <mxgrad.h>
#include <stdio.h>
int example_main();
int main(int argc, char **argv)
{
    int64_t live = -1;
    int status = example_main(argc, argv);
    if (status || mxg_live(0, &live) || live)
        fprintf(stderr, "status %d, %d handles\\n", status, (int)live);
    return status;
}
"""


def example(name: str, directory: Path, *arguments: object) -> str:
    """What a program of examples/c prints."""
    program, around = directory / name, directory / "around.c"
    around.write_text(AROUND)
    include = f"-I{PACKAGE}/include"
    output("gcc", "-c", "-std=c99", *STRICT, "-Dmain=example_main", include, ROOT / f"examples/c/{name}.c",
           "-o", f"{program}.o")
    output("gcc", "-std=c99", include, around, f"{program}.o", "-o", program, *LINK)
    return output(program, *arguments)


@pytest.mark.parametrize("name, parts", [
    ("part_1_arrays", ["[[ 14.  38.]\n [ 38. 110.]]\n<NDArray 2x2 @cpu(0)>", "\n1 2 3 5 9 9\n"]),
    ("part_2_network", ["\n  (1): Dense(None -> 8, Activation(relu))\n", "<NDArray 3x10 @cpu(0)>",
                        "\nDense(16 -> 8, Activation(relu))\n"]),
    ("part_3_autograd", ["[[ 4.  8.]\n [12. 16.]]", "[[32. 32.]\n [32. 32.]]", "[[-0.841471  -0.9092974]",
                         "[[4. 6.]]\n<NDArray 1x2 @cpu(0)>"]),
])
def test_example(name: str, parts: list[str], tmp_path: Path) -> None:
    printed = example(name, tmp_path)
    for part in parts:
        assert part in printed


def test_examples_train_and_predict(tmp_path: Path) -> None:
    trained = example("part_4_train", tmp_path, tmp_path / "digits.params").splitlines()
    losses = [float(line.split()[3]) for line in trained if line.startswith("epoch")]
    assert len(losses) == 10 and losses[-1] < 0.2 < 1 < losses[0]
    accuracy = trained[-1].partition("test accuracy ")[2]
    assert float(accuracy) > 0.9
    predicted = example("part_5_predict", tmp_path, tmp_path / "digits.params")
    assert predicted.count("\nreads ") == 4 and predicted.endswith(f"test accuracy {accuracy}\n")
    assert output(tmp_path / "part_5_predict") == predicted     # it trains itself where it is given no file


# -- what is installed ------------------------------------------------------------------------------------

C_PROGRAM = """
#include <mxgrad_ops.h>
#include <stdio.h>
int main(void)
{
    mxg_ndarray a, b;
    double value = 0;
    if (mxg_ndarray_scalar(6, NULL, NULL, &a) || mxgop_square(a, &b) || mxg_ndarray_item(b, &value))
        puts(mxg_last_error());
    printf("%s %g\\n", mxg_version_string(), value);
    return 0;
}
"""

CPP_PROGRAM = """
#include <mxgrad.hpp>
#include <iostream>
int main()
{
    std::cout << mxg_version_string() << " " << (mxgrad::ndarray({6}) * 6).item() << "\\n";
}
"""

CMAKE = f"""
cmake_minimum_required(VERSION 3.10)
project(programs C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(mxgrad {BUILD['version']()} REQUIRED)
add_executable(in_c program.c)
add_executable(in_cpp program.cpp)
target_link_libraries(in_c mxgrad::mxgrad)
target_link_libraries(in_cpp mxgrad::mxgrad)
"""


@pytest.mark.slow
def test_programs_are_built_from_an_installed_tree(source: Path, tmp_path: Path) -> None:
    site, work = tmp_path / "site", tmp_path / "programs"
    test_packaging.install(source, site)
    shutil.rmtree(source)       # what is built below comes from the installed tree alone
    work.mkdir()
    (work / "program.c").write_text(C_PROGRAM)
    (work / "program.cpp").write_text(CPP_PROGRAM)
    (work / "CMakeLists.txt").write_text(CMAKE)
    env = {**os.environ, "PYTHONPATH": str(site)}

    def config(*options: str) -> str:
        return output(sys.executable, "-m", "mxgrad_ffi", *options, env=env).strip()

    expected = f"{config('--version')} 36\n"
    built = []

    def compiled(*flags: str) -> None:
        for compiler, name in (("gcc", "program.c"), ("g++", "program.cpp")):
            program = work / f"{compiler}{len(built)}"
            standard = "-std=c++17" if compiler == "g++" else "-std=c99"
            output(needs(compiler), standard, work / name, "-o", program, *flags)
            built.append(program)

    compiled(*config("--cflags", "--libs").split())
    if shutil.which("pkg-config"):
        found = output("pkg-config", "--cflags", "--libs", "mxgrad",
                       env={**os.environ, "PKG_CONFIG_PATH": config("--pcdir")})
        compiled(*found.split())
    if shutil.which("cmake"):
        where = f"-Dmxgrad_DIR={config('--cmakedir')}"
        for arguments in (["-S", work, "-B", work / "build", where], ["--build", work / "build"]):
            subprocess.run(["cmake", *arguments], check=True, capture_output=True)
        built += [work / "build" / "in_c", work / "build" / "in_cpp"]
    for program in built:
        assert output(program) == expected
    assert Path(config("--mandir"), "man3", "mxg_call.3").exists()
    assert str(site) in config("--check")
