"""What `help()` says of every public function: a summary, its parameters, what it returns, an example that
runs; and the generated files that say so are current.
"""
from __future__ import annotations

import doctest
import inspect
import runpy
from pathlib import Path
from typing import Any

import pytest

import mxgrad
from checks import shows_signatures
from mxgrad import documentation
from nearly import failures

TOOLS = Path(__file__).resolve().parent.parent / "tools"
EXAMPLES = runpy.run_path(str(TOOLS / "examples.py"))
FUNCTIONS: dict[str, Any] = EXAMPLES["public_functions"]()


def entries(name: str) -> dict[str, str]:
    """Parameter -> what the docstring says of it."""
    return {s.title: s.body for s in documentation.parse(FUNCTIONS[name].__doc__)[1]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_is_whole(name: str) -> None:
    function = FUNCTIONS[name]
    prose, _ = documentation.parse(function.__doc__)
    assert prose.strip() and "Elementwise " + name.partition(".")[2] + "." not in prose
    sections = entries(name)
    described = documentation.parameters(sections.get("Parameters", ""))
    # NumPy before 2.4 has np.save's fix_imports, and warns whoever gives it
    parameters = [p for key, p in inspect.signature(function).parameters.items() if key != "fix_imports"]
    missing = [p.name for p in parameters if not all(described.get(p.name, ("", "")))]
    assert not missing, (
        f"{name}: say in its docstring, or in engine/mxgrad/documentation/parameters.txt, what "
        f"{', '.join(missing)} means"
    )
    for p in parameters:
        kind = described[p.name][0]
        if kind.startswith("{") and isinstance(p.default, str):
            assert repr(p.default) in kind.partition("}")[0], f"{name}: {p.name} = {p.default!r} is no {kind}"
    assert ">>> " in sections.get("Examples", ""), (
        f"{name} has no example: write one into its docstring, or, after a line '== {name} -> ', into "
        "engine/mxgrad/documentation/examples.txt and run tools/examples.py"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_example_runs(name: str) -> None:
    if name == "nd.imdecode":
        pytest.importorskip("PIL")
    mxgrad.random.seed(0)
    code = entries(name).get("Examples", "")
    test = doctest.DocTestParser().get_doctest(code, {}, name, None, 0)
    with EXAMPLES["switches_kept"]():
        assert failures(test) == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_said_of_results_and_gradients_is_true(name: str) -> None:
    said = documentation.examples().get(name)
    assert said is not None, f"run tools/examples.py {name}"
    statements = [e.source for e in doctest.DocTestParser().get_examples(entries(name)["Examples"])]
    call = EXAMPLES["call_of"](name, statements)
    assert call is not None, "the example does not call the function"
    try:
        found = EXAMPLES["facts"](*call)
    except (NameError, mxgrad.base.ContextError):       # a call inside a `with` block
        return
    assert (said.returns, said.gradient) == found, f"run tools/examples.py {name}"


@shows_signatures
def test_no_entry_is_left_over() -> None:
    unknown = set(documentation.examples()) - set(FUNCTIONS)
    assert not unknown, "examples.txt has functions that are not there; run tools/examples.py"
    parameters = {p for f in FUNCTIONS.values() for p in inspect.signature(f).parameters} | {"*"}
    for key in documentation.parameters(documentation.read("parameters.txt")):
        function, _, parameter = key.rpartition(".")
        assert parameter in parameters, f"parameters.txt: no function has a parameter {parameter}"
        if function and "*" not in function:
            assert function in FUNCTIONS, f"parameters.txt: {key}: no such function"


@shows_signatures
def test_reference_is_current() -> None:
    tool = runpy.run_path(str(TOOLS / "reference.py"))
    committed = tool["PAGE"].read_text(encoding="utf-8")
    assert tool["page"]() == committed, "docs/operators.md is out of date: run `make docs`"


def test_help_of_modules_and_methods_is_that_of_functions() -> None:
    from mxgrad import nd, np

    for function in (np.linalg.norm, np.random.normal, nd.random.uniform, nd.NDArray.sum, np.ndarray.sum):
        assert "Parameters\n----------\n" in function.__doc__
    assert nd.contrib.round_ste.__doc__ == nd.contrib.round_ste.__doc__.strip() + "\n"
    assert "lhs + rhs" in nd.broadcast_add.__doc__ and "x1 + x2" in np.add.__doc__
    assert str(inspect.signature(np.random.normal)).startswith("(loc=0.0, scale=1.0, size=None")


def test_written_sections_win() -> None:
    def norm(data: Any, ord: int = 2, *rest: Any) -> None:
        """A norm.

        Parameters
        ----------
        ord : {1, 2}
            Which
            one.

        Raises
        ------
        ValueError
            Always.

        Examples
        --------
        >>> 1 + 1
        2
        """

    whole = documentation.compose("np.norm", norm)
    assert whole == (
        "A norm.\n\nParameters\n----------\ndata : ndarray\n    Any shape and dtype.\n"
        "ord : {1, 2}, default 2\n    Which\n    one.\n*rest\n\nRaises\n------\nValueError\n    Always.\n\n"
        "Examples\n--------\n>>> 1 + 1\n2\n"
    )


@pytest.mark.parametrize("space", [
    "nd", "np", "npx", "nd.contrib", "nd.image", "nd.linalg", "nd.random", "np.fft", "np.linalg", "np.random",
    "npx.image", "npx.random",
])
def test_dir_lists_public_names_only(space: str) -> None:
    module: Any = mxgrad
    for part in space.split("."):
        module = getattr(module, part)
    names = dir(module)
    assert {name.removeprefix(space + ".").partition(".")[0] for name in FUNCTIONS
            if name.startswith(space + ".")} <= set(names)
    for name in names:
        value = getattr(module, name)       # every name is there
        assert not name.startswith("_") and getattr(value, "__module__", "") != "typing", name
        assert not inspect.ismodule(value) or value.__name__ == f"mxgrad.{space}.{name}", name
    assert not {"annotations", "BaseArray", "F", "ND", "NP", "NPX", "numpy", "wrap"} & set(names)
