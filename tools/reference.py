"""Writes docs/operators.md: every public function with its signature, a line on it, how gradients flow
through it; then what MXNet and NumPy have that is not here, and why.

    python tools/reference.py

What `help()` says of a function is longer; it is put together by mxgrad/documentation.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import mxgrad
from mxgrad import np, npx  # noqa: F401 (their functions join the table at import)
from mxgrad.documentation import examples, parse
from mxgrad.frontend import FRONTENDS, Frontend, op_names

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operators.md"
DATA = ROOT / "tests" / "data"
GRADIENT = {"differentiable": "yes", "zero": "zero", "none": "no", "": ""}
OF = {
    "nd": "MXNet 1.9's arrays: `from mxgrad import nd`.",
    "np": "NumPy's functions with gradients, as in MXNet 2: `from mxgrad import np`.",
    "npx": "What MXNet 2 has beyond NumPy: `from mxgrad import npx`.",
}


def signature(function: Callable[..., Any]) -> str:
    """The parameters and their defaults, without the annotations."""
    bare = inspect.signature(function)
    parameters = [p.replace(annotation=p.empty) for p in bare.parameters.values()]
    return str(bare.replace(parameters=parameters, return_annotation=bare.empty))


def summary(function: Callable[..., Any]) -> str:
    """The first sentence of the docstring, on one line of a table."""
    prose = parse(inspect.getdoc(function) or "")[0].partition("\n\n")[0].replace("\n", " ")
    sentence = prose.partition(".  ")[0].rstrip(".") + "."
    return sentence.replace("|", "\\|")


def rows(frontend: Frontend) -> Iterator[str]:
    """A line of the table for each function, under its first name, with its other names."""
    names: dict[str, list[str]] = {}
    for name in frontend:
        names.setdefault(frontend.function(name).public, []).append(name)
    for public, same in sorted(names.items(), key=lambda item: item[0].lower()):
        function = frontend.function(same[0])
        also = "".join(f", `{name}`" for name in same[1:])
        gradient = GRADIENT[examples()[public].gradient] if public in examples() else ""
        call = f"{same[0]}{signature(function)}".replace("|", "\\|")
        yield f"| `{call}`{also} | {summary(function)} | {gradient} |"


def found(namespace: str) -> Any:
    """The namespace of mxgrad for one of MXNet's, or None."""
    here: Any = mxgrad
    for part in namespace.split("."):
        if not hasattr(here, part):
            try:
                import_module(f"{here.__name__}.{part}")
            except (ImportError, AttributeError):
                return None
        here = getattr(here, part)
    return here


def coverage(version: str, reasons: dict[str, list[str]]) -> Iterator[str]:
    """A line for each namespace of that version of MXNet."""
    recorded: dict[str, list[str]] = json.loads((DATA / f"names_{version}.json").read_text())
    left_out = {name for names in reasons.values() for name in names}
    for space, names in recorded.items():
        wanted = [n for n in names if f"{space}.{n}" not in left_out]
        here = found(space)
        offered = sum(hasattr(here, n) for n in wanted)
        yield f"| `{space}` | {len(names)} | {offered} | {len(names) - len(wanted)} |"


def page() -> str:
    """The whole page."""
    parts = [
        "# Operators",
        f"{len(op_names())} names of functions, written by `make docs` from the registry. The last column "
        "says whether gradients flow through: *yes* to any order; *zero*, by definition; *no*; and nothing "
        "where no array goes in. A function's other names follow its signature. `help(nd.exp)` says more of "
        "each: parameters, results, an example.",
    ]
    for frontend in FRONTENDS.values():
        table = "\n".join(["| function | | gradient |", "| --- | --- | --- |", *rows(frontend)])
        parts += [f"## {frontend.name}", OF[frontend.name], table]
    reasons: dict[str, list[str]] = json.loads((DATA / "not_offered.json").read_text())
    parts += [
        "## What MXNet and NumPy have",
        "The public names of their namespaces, how many are offered, and how many are left out for the "
        "reasons below.",
    ]
    for version, library in (("1.9.1", "MXNet 1.9.1"), ("2.0", "MXNet 2.0"), ("numpy", "NumPy 2.4")):
        head = [f"| {library} | names | offered | left out |", "| --- | --- | --- | --- |"]
        parts.append("\n".join([*head, *coverage(version, reasons)]))
    parts.append("## What is left out")
    for reason, names in reasons.items():
        parts.append(f"{reason}\n" + "\n".join(f"- {line}" for line in by_space(names)))
    return "\n\n".join(parts) + "\n"


def by_space(names: list[str]) -> Iterator[str]:
    """'`nd.contrib`: a, b' for each namespace."""
    spaces: dict[str, list[str]] = {}
    for name in names:
        space, _, last = name.rpartition(".")
        spaces.setdefault(space, []).append(last)
    for space, inner in spaces.items():
        yield f"`{space}`: " + ", ".join(f"`{n}`" for n in inner)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(op_names())} functions")
