"""Runs the examples of engine/mxgrad/documentation/examples.txt and writes the file anew: what they print,
and before each what the function returns and whether gradients flow through it.

    python tools/examples.py            all functions
    python tools/examples.py nd.exp     these, the others as they stand

A function without an example, in its docstring or there, is named; write its lines that begin with ``>>>``.
"""

from __future__ import annotations

import ast
import contextlib
import io
import sys
from collections.abc import Iterator
from doctest import DocTestParser
from pathlib import Path
from typing import Any

import numpy

import mxgrad as mx
from mxgrad import autograd, documentation, nd, np, npx
from mxgrad.base import ContextError, MXNetError
from mxgrad.frontend import FRONTENDS, document
from mxgrad.ndarray import BaseArray

FILE = Path(documentation.__file__).parent / "examples.txt"
HEADER = "What public functions return, whether gradients flow through them, and examples: see __init__.py.\n"


def public_functions() -> dict[str, Any]:
    """Every function of the frontends under its first name."""
    found: dict[str, Any] = {}
    for frontend in FRONTENDS.values():
        for name in frontend:
            function = frontend.function(name)
            found.setdefault(function.public, function)
        for name, function in frontend.beside.items():
            document(f"{frontend.name}.{name}", function, None)
            found.setdefault(function.public, function)
    return found


def run(statements: list[str]) -> tuple[dict[str, Any], list[str]]:
    """(the names known after those statements, what each printed)."""
    names: dict[str, Any] = {}
    printed = []
    mx.random.seed(0)
    for source in statements:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(source, "<example>", "single"), names)
        printed.append(out.getvalue())
    return names, printed


def shown(statements: list[str]) -> str:
    """The example with what it prints."""
    lines = []
    for source, printed in zip(statements, run(statements)[1]):
        lines += [("... " if i else ">>> ") + line for i, line in enumerate(source.rstrip("\n").split("\n"))]
        lines += [line or "<BLANKLINE>" for line in printed.rstrip("\n").split("\n")] if printed else []
    return "\n".join(lines)


def call_of(name: str, statements: list[str]) -> tuple[ast.Call, list[str]] | None:
    """The last call of the function `name` in an example, and the statements before it; a call under the name
    of another namespace counts where there is no other.
    """
    last = name.rpartition(".")[2]
    for exact in (True, False):
        for i, source in reversed(list(enumerate(statements))):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    if called == name or not exact and called.rpartition(".")[2] == last:
                        return node, statements[:i]
    return None


def arrays_in(value: Any) -> Iterator[BaseArray]:
    if isinstance(value, BaseArray):
        yield value
    elif isinstance(value, np.fft.Complex):
        yield from (value.real, value.imag)
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from arrays_in(v)


def described(value: Any) -> str:
    """The kind of a result, in words."""
    if value is None:
        return "None"
    if isinstance(value, numpy.dtype):
        return "dtype"
    if type(value) in (list, tuple):
        kinds = {described(v) for v in value}
        return type(value).__name__ + (f" of {kinds.pop()}" if len(kinds) == 1 else "")
    return type(value).__name__


def evaluated(node: ast.Call, before: list[str]) -> tuple[Any, list[Any], dict[str, Any], list[BaseArray]]:
    """(function, arguments, arguments by name, the arrays among these and all names) of a call after those
    statements.
    """
    names, _ = run(before)

    def value(of: ast.expr) -> Any:
        return eval(compile(ast.Expression(of), "<example>", "eval"), names)

    args: list[Any] = []
    for a in node.args:
        args += value(a.value) if isinstance(a, ast.Starred) else [value(a)]
    given = {k.arg: value(k.value) for k in node.keywords if k.arg}
    return value(node.func), args, given, list(arrays_in([*args, *given.values(), *names.values()]))


def as_floats(value: Any) -> Any:
    """The value with its arrays cast to float32."""
    if isinstance(value, BaseArray):
        return value.astype("float32")
    return type(value)(map(as_floats, value)) if type(value) in (list, tuple) else value


def flows(node: ast.Call, before: list[str], seed: int) -> str:
    """How gradients flow through the call: 'differentiable', 'zero', 'none', or '' where no array goes in."""
    function, args, given, arrays = evaluated(node, before)
    if not arrays:
        return ""
    floats = [a for a in arrays if numpy.dtype(a.dtype).kind == "f"]
    if not floats:
        args = [as_floats(a) for a in args]
        floats = list(arrays_in(args))
    for a in floats:
        a.attach_grad()
    mx.random.seed(seed)
    try:
        with autograd.record():
            result = function(*args, **given)
            result = list(arrays_in(list(result) if isinstance(result, Iterator) else result))
        if any(y is a for y in result for a in floats) and given.get("out") is None:
            return "differentiable"
        heads = [y for y in result if y._entry is not None and not any(y is a for a in floats)]
        if not heads:
            return "none"
        rng = numpy.random.default_rng(0)
        autograd.backward(heads, [nd.array(rng.normal(size=y.shape), y.context, y.dtype) for y in heads])
    except MXNetError:
        return "none"
    return "differentiable" if any(numpy.any(a.grad.asnumpy()) for a in floats) else "zero"


@contextlib.contextmanager
def switches_kept() -> Iterator[None]:
    """A scope after which `npx.set_np` has said what it said before."""
    before = npx.is_np_shape(), npx.is_np_array(), npx.is_np_default_dtype()
    try:
        yield
    finally:
        npx.set_np(*before)


def facts(node: ast.Call, before: list[str]) -> tuple[str, str]:
    """(what the call returns, how gradients flow)."""
    with switches_kept():
        function, args, given, _ = evaluated(node, before)
        kind = described(function(*args, **given))
        found = [flows(node, before, seed) for seed in range(3)]
    return kind, next((f for f in ("differentiable", "zero", "none") if f in found), "")


def main(chosen: list[str]) -> int:
    kept, blocks, missing = documentation.examples(), [HEADER], []
    for name, function in public_functions().items():
        old = kept.get(name)
        frontend, _, inner = name.partition(".")
        author = documentation.written(FRONTENDS[frontend].table.get(inner, function))
        own = dict(documentation.parse(author)[1]).get("Examples", "")
        code = own or (old.code if old else "")
        if not code:
            missing.append(name)
            continue
        text, returns, gradient = (old.code, old.returns, old.gradient) if old else ("", "", "")
        if old is None or not chosen or name in chosen:
            statements = [e.source for e in DocTestParser().get_examples(code)]
            call = call_of(name, statements)
            if call is None:
                print(f"{name}: its example does not call it")
                continue
            with switches_kept():
                text = shown(statements)
            with contextlib.suppress(NameError, ContextError):      # of a call inside a `with` block
                returns, gradient = facts(*call)
        head = f"== {name} -> {returns}" + (f", {gradient}" if gradient else "")
        blocks.append(head if own else f"{head}\n{text}")
    FILE.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    if missing:
        print(f"{len(missing)} functions without an example: {' '.join(missing)}")
    return len(missing) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
