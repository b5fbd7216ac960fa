"""Writes the reference of every public operator, in Markdown: what `help()` says, on one page.

    python tools/reference.py build/docs/operators.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mxgrad import np, npx  # noqa: F401 (their functions join the table at import)
from mxgrad.frontend import FRONTENDS, Frontend, op_names


def signature(function: Callable[..., Any]) -> str:
    """The parameters and their defaults, without the annotations, which are the same for most functions."""
    bare = inspect.signature(function)
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in bare.parameters.values()]
    return str(inspect.Signature(parameters))


def lines(frontend: Frontend) -> Iterator[str]:
    """One section for each function of the frontend, its other names in the heading."""
    names: dict[int, list[str]] = {}
    for name in sorted(frontend):
        names.setdefault(id(frontend.table[name]), []).append(name)
    for same in names.values():
        function = frontend.function(same[0])
        yield "### " + ", ".join(f"`{frontend.name}.{name}`" for name in same)
        yield f"```python\n{frontend.name}.{same[0]}{signature(function)}\n```"
        yield inspect.getdoc(function) or ""


def main(path: str) -> None:
    parts = ["# Operators", f"{len(op_names())} functions, generated from the registry of operators."]
    for frontend in FRONTENDS.values():
        parts += [f"## {frontend.name}", *lines(frontend)]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n\n".join(parts) + "\n")
    print(f"{path}: {parts[1]}")


if __name__ == "__main__":
    main(sys.argv[1])
