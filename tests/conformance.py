"""Finds every use of ``xp`` in the engine and says which of them CuPy would refuse, without running anything.

``xp`` is NumPy or CuPy, so what is written after it must exist in both, with the parameters given. CuPy's
side comes from a manifest (see make_cupy_manifest). Kernels for the CPU alone live in kernels/cpu.py and are
not looked at.
"""
from __future__ import annotations

import ast
import inspect
import operator
import pathlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy
from mxgrad.device_double import signature


@dataclass(frozen=True)
class Use:
    """``xp.linalg.norm(x)`` in a line of `path`: chain ("linalg", "norm"), and how it is called, if it is."""

    path: str
    line: int
    chain: tuple[str, ...]
    call: ast.Call | None = None
    partial: bool = False
    """Called through ``partial(xp.norm, ord=2)``: more arguments come later."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: xp.{'.'.join(self.chain)}"


def uses(source: str, path: str) -> list[Use]:
    """Each place in `source` that takes something from a variable or attribute called xp, from the top."""
    tree = ast.parse(source, path)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    found = []
    for node in ast.walk(tree):
        parent = parents.get(node)
        if not isinstance(node, ast.Attribute) or isinstance(parent, ast.Attribute) and _chain(parent):
            continue
        chain = _chain(node)
        if not chain:
            continue
        if isinstance(parent, ast.Call) and parent.func is node:
            found.append(Use(path, node.lineno, chain, parent))
        elif isinstance(parent, ast.Call) and _is_partial(parent.func) and parent.args[:1] == [node]:
            rest = ast.Call(parent.func, parent.args[1:], parent.keywords)
            found.append(Use(path, node.lineno, chain, rest, partial=True))
        else:
            found.append(Use(path, node.lineno, chain))
    return sorted(found, key=operator.attrgetter("line"))


def _chain(node: ast.expr) -> tuple[str, ...]:
    """The names after xp; none for an expression that does not start with xp."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and node.attr != "xp":
        names.append(node.attr)
        node = node.value
    starts = isinstance(node, ast.Attribute) or isinstance(node, ast.Name) and node.id == "xp"
    return tuple(reversed(names)) if starts else ()


def _is_partial(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "partial"


def violations(use: Use, manifest: dict[str, Any], also_numpy: bool) -> list[str]:
    """What is wrong with `use`, one line each."""
    found = []
    cupy = f"cupy {manifest['cupy']}"
    try:
        parameters = _parameters(use.chain, manifest)
        if use.call is not None and parameters is not None:
            _bind(use, parameters)
    except LookupError:
        found.append(f"{use}: {cupy} has none")
    except TypeError as error:
        found.append(f"{use}: {cupy}: {error}")
    if also_numpy:
        try:
            operator.attrgetter(".".join(use.chain))(numpy)
        except AttributeError:
            found.append(f"{use}: numpy {numpy.__version__} has none")
    return found


def _parameters(chain: tuple[str, ...], manifest: dict[str, Any]) -> inspect.Signature | None:
    """How the thing called `chain` is called; None when that is not known, LookupError when there is none."""
    head, *rest = chain
    if head == "cuda" and rest:
        if ".".join(rest[:2]) not in manifest["cuda"]:
            raise LookupError
        return None
    if head == "linalg" and rest == ["LinAlgError"] or head in manifest["names"]:
        return None
    if head in manifest["ufuncs"]:
        nin, nout, *methods = manifest["ufuncs"][head].split()
        if rest:
            if rest[0] not in methods:
                raise LookupError
            return signature(manifest["ufunc_methods"][rest[0]])
        operands = " ".join(f"x{i}" for i in range(int(nin))) + "".join(f" out{i}=" for i in range(int(nout)))
        return signature(manifest["ufunc_call"].replace("*args", operands + " *"))
    if chain[:-1] == ("lib", "stride_tricks"):
        return signature(manifest["stride_tricks"][chain[-1]])
    if head in ("linalg", "fft") and len(rest) == 1:
        return signature(manifest[head][rest[0]])
    if rest:
        raise LookupError
    return signature(manifest["functions"][head])


def _bind(use: Use, parameters: inspect.Signature) -> None:
    """TypeError when the call does not fit; of ``*args`` and ``**keywords``, nothing is known."""
    assert use.call is not None
    keywords = {word.arg: None for word in use.call.keywords if word.arg is not None}
    spread = any(word.arg is None for word in use.call.keywords) or any(
        isinstance(argument, ast.Starred) for argument in use.call.args
    )
    if spread:
        parameters.bind_partial(**keywords)
    elif use.partial:
        parameters.bind_partial(*use.call.args, **keywords)
    else:
        parameters.bind(*use.call.args, **keywords)


def engine_uses(package: pathlib.Path) -> Iterator[tuple[Use, bool]]:
    """Every use in the ops and the backends of `package`, and whether it must work with NumPy too."""
    for path in [*sorted((package / "ops").rglob("*.py")), package / "backend.py"]:
        for use in uses(path.read_text(), str(path.relative_to(package.parent))):
            yield use, path.name != "backend.py"


def report(found: Iterable[tuple[Use, bool]], manifest: dict[str, Any]) -> str:
    """All violations, one a line; nothing when there are none."""
    return "\n".join(line for use, also_numpy in found for line in violations(use, manifest, also_numpy))
