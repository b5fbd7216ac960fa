"""The docstrings of public functions, put together when a function is first asked for (level 2).

What its author wrote comes first: a summary, more prose if need be, sections.  From the signature and two
files beside this one come the sections that are missing.

parameters.txt
    What a parameter means, in numpydoc's form.  ``axis : int`` is for every function; ``np.diff.n : int`` is
    for one, ``np.random.*.size : int`` for all that match, and both win over the plain name, which wins over
    ``np.loadtxt.* : any``.
examples.txt
    For every function a line ``nd.exp -> NDArray, differentiable`` and, where the docstring has no example,
    one.  ``tools/examples.py`` runs the examples and writes the lines and what they print.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import cache
from inspect import Parameter, cleandoc, signature
from itertools import groupby
from pathlib import Path
from re import sub
from typing import Any, NamedTuple

from ..registry import REQUIRED, Op

__all__ = [
    "Example", "Section", "compose", "examples", "meaning", "parameters", "parse", "read", "unparse",
    "without_examples", "written",
]

ARRAY = {"nd": "NDArray", "np": "ndarray", "npx": "ndarray"}
GRADIENT = {
    "differentiable": "Differentiable to any order.",
    "zero": "Its gradient is zero by definition.",
    "none": "No gradient flows through it.",
}


class Section(NamedTuple):
    """A section of a docstring: its title and its lines."""

    title: str
    body: str


class Example(NamedTuple):
    """What examples.txt says of a function: what it returns, how gradients flow ('differentiable', 'zero',
    'none', or '' where no array goes in), and an example or ''.
    """

    returns: str
    gradient: str
    code: str


def parse(doc: str) -> tuple[str, list[Section]]:
    """(prose, sections) of a docstring; an example that ends the prose is a section too.

    >>> parse("Sum.\\n\\n>>> 1 + 1\\n2")
    ('Sum.', [Section(title='Examples', body='>>> 1 + 1\\n2')])
    """
    lines = cleandoc(doc).split("\n")
    heads = [i for i in range(len(lines) - 1) if lines[i + 1] and set(lines[i + 1]) == {"-"}]
    sections = [
        Section(lines[i], "\n".join(lines[i + 2:end]).rstrip())
        for i, end in zip(heads, [*heads[1:], len(lines)])
    ]
    prose = lines[:heads[0]] if heads else lines
    code = next((i for i, line in enumerate(prose) if line.startswith(">>> ")), len(prose))
    if code < len(prose):
        sections.append(Section("Examples", "\n".join(prose[code:]).rstrip()))
    return "\n".join(prose[:code]).rstrip(), sections


def unparse(prose: str, sections: list[Section]) -> str:
    """The docstring with those parts, sections without lines left out."""
    parts = [prose, *(f"{s.title}\n{'-' * len(s.title)}\n{s.body}" for s in sections if s.body)]
    return "\n\n".join(part for part in parts if part) + "\n"


def written(entry: Op | Callable[..., Any]) -> str:
    """The docstring that the author of an op, or of a function of a frontend's table, wrote."""
    return (entry.doc if isinstance(entry, Op) else getattr(entry, "written", entry.__doc__)) or ""


def without_examples(doc: str) -> str:
    """The docstring for another function that does the same."""
    prose, sections = parse(doc)
    return unparse(prose, [s for s in sections if s.title != "Examples"])


def parameters(body: str) -> dict[str, tuple[str, str]]:
    """name -> (type, text) of the lines of a section Parameters."""
    found: dict[str, tuple[str, str]] = {}
    names: list[str] = []
    for line in body.split("\n"):
        if line and not line.startswith(" "):
            head, _, kind = line.partition(" : ")
            names = [n.strip() if "." in n else n.strip().lstrip("*") for n in head.split(",")]
            found.update((n, (kind, "")) for n in names)
        else:
            found.update((n, (found[n][0], f"{found[n][1]}\n{line[4:].rstrip()}".strip())) for n in names)
    return found


def read(name: str) -> str:
    """A file beside this one."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@cache
def _meanings() -> dict[str, list[tuple[str, tuple[str, str]]]]:
    """parameter -> (function or pattern or '', (type, text)) of parameters.txt, single functions first."""
    found: dict[str, list[tuple[str, tuple[str, str]]]] = {}
    for key, entry in parameters(read("parameters.txt")).items():
        function, _, name = key.rpartition(".")
        found.setdefault(name, []).append((function, entry))
    for entries in found.values():
        entries.sort(key=lambda e: (not e[0], "*" in e[0]))
    return found


@cache
def examples() -> dict[str, Example]:
    """examples.txt: what it says of each function, by name with the frontend: 'nd.exp'."""
    found = {}
    for block in read("examples.txt").split("\n== ")[1:]:
        head, _, code = block.partition("\n")
        name, _, facts = head.partition(" -> ")
        returns, _, gradient = facts.partition(", ")
        found[name] = Example(returns, gradient, code.strip("\n"))
    return found


def meaning(function: str, parameter: str) -> tuple[str, str] | None:
    """(type, text) for a parameter of the function 'np.diff', or None where parameters.txt has neither."""
    entries = _meanings().get(parameter, []) + _meanings()["*"]
    return next((e for key, e in entries if not key or key == function or fnmatchcase(function, key)), None)


def _parameter(name: str, p: Parameter, known: dict[str, tuple[str, str]]) -> tuple[str, str, str]:
    """(name, type, text) of a parameter of the function `name`."""
    usual = meaning(name, p.name) or ("", "")
    kind, text = known.get(p.name, usual)
    kind = sub(r"\barray\b", ARRAY[name.partition(".")[0]], kind or usual[0])
    if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and "optional" not in kind and "default" not in kind:
        kind = kind or "any"
        if p.default is None:
            kind += ", optional"
        elif p.default is not p.empty and p.default is not REQUIRED:
            kind += f", default {p.default!r}"
    stars = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
    return stars + p.name, kind, text


def _listed(parameters: Iterable[tuple[str, str, str]]) -> str:
    """The lines of a section Parameters; neighbours with the same type and text share an entry."""
    parts = []
    for (kind, text), same in groupby(parameters, key=lambda p: p[1:]):
        head = ", ".join(name for name, _, _ in same) + (f" : {kind}" if kind else "")
        parts += [head, *(f"    {line}" for line in text.split("\n") if line)]
    return "\n".join(parts)


def _dtype(name: str, op: Op | None) -> str:
    """What a generated function says of its result's dtype."""
    if op is None or op.result == "free":
        return ""
    if op.result == "float" and not name.startswith("nd."):
        return "    Of the dtype of floating point arguments; float32 for integers and bools.\n"
    return "    Of the dtype of the arguments.\n"


def compose(name: str, function: Callable[..., Any], op: Op | None = None) -> str:
    """The whole docstring of a public function.

    Parameters
    ----------
    name : str
        Its first name with the frontend: 'np.linalg.norm'.
    function : callable
        With the docstring its author wrote.
    op : Op, optional
        For a function generated from an op.

    Returns
    -------
    str
        In numpydoc's form: prose, Parameters, Returns, other sections, Examples.
    """
    prose, sections = parse(function.__doc__ or "")
    own = {s.title: s.body for s in sections}
    known = parameters(own.pop("Parameters", ""))
    described = _listed(_parameter(name, p, known) for p in signature(function).parameters.values())
    facts = examples().get(name, Example("", "", ""))
    returned = own.pop("Returns", f"{facts.returns}\n{_dtype(name, op)}".rstrip() if facts.returns else "")
    code = own.pop("Examples", facts.code)
    gradient = GRADIENT.get(facts.gradient, "")
    rest = [Section(title, body) for title, body in own.items()]
    return unparse(f"{prose}\n\n{gradient}".strip(), [
        Section("Parameters", described), Section("Returns", returned), *rest, Section("Examples", code),
    ])
