"""The levels of docs/architecture.md hold: a module imports from lower levels only, and ops know no array
library.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parent.parent / "engine" / "mxgrad"
PACKAGES = {"ops": 2, "kernels": 2, "nd": 9, "np": 9, "npx": 10}
MODULES = sorted(p for p in ENGINE.rglob("*.py") if p != ENGINE / "__init__.py")


def level(path: Path) -> int:
    """A package's level, or the one the module's docstring states: '(level 4)'."""
    parts = path.relative_to(ENGINE).parts
    if parts[0] in PACKAGES:
        return PACKAGES[parts[0]]
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    found = re.search(r"\(level (\d+)", doc)
    assert found, f"{path.name}: its docstring does not state its level"
    return int(found[1])


def imports(path: Path) -> Iterator[tuple[Path, int]]:
    """(module of ours, line) for each import that runs when the module is imported."""
    def top(nodes: list[ast.stmt]) -> Iterator[ast.ImportFrom]:
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                yield node
            elif isinstance(node, (ast.Try, ast.With)):
                yield from top(node.body)

    for node in top(ast.parse(path.read_text()).body):
        base = path.parent
        for _ in range(node.level - 1):
            base = base.parent
        where = base.joinpath(*(node.module or "").split(".")) if node.module else base
        for name in [a.name for a in node.names]:
            for candidate in (where / f"{name}.py", where / name / "__init__.py", where.with_suffix(".py"),
                              where / "__init__.py"):
                if candidate.exists():
                    yield candidate, node.lineno
                    break


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ENGINE)))
def test_imports_go_down(path: Path) -> None:
    own = level(path)
    for target, line in imports(path):
        if target == ENGINE / "__init__.py" or target.parent == path.parent and path.parent != ENGINE:
            continue  # the version number; modules of one package
        assert level(target) < own, (
            f"{path.name}:{line} (level {own}) imports {target.name} (level {level(target)})"
        )


@pytest.mark.parametrize("path", sorted((ENGINE / "ops").glob("*.py")), ids=lambda p: p.name)
def test_ops_know_no_array_library(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
        for name in names:
            assert name.split(".")[0] not in ("numpy", "cupy", "cupyx"), (
                f"{path.name}:{node.lineno} imports {name}"
            )
