"""Fills a namespace from the registry (level 8).

Each frontend ('nd', 'np', 'npx') is a table of public functions: an op under its name there, or an adapter,
a function written by hand where MXNet's habit differs from the op.  A function for an op is generated, with
its real signature, when it is first asked for: importing mxgrad compiles none of them.
"""
from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from inspect import Parameter, signature
from os.path import dirname
from sys import modules
from types import FunctionType, ModuleType
from typing import Any

import numpy

from .base import InvalidTypeError, MXNetError, UnknownNameError, completed, nearest
from .documentation import compose
from .invoke import F, describe, into
from .ndarray import BaseArray
from .registry import OPS, REQUIRED, Op

Function = Callable[..., Any]

_FILE = dirname(__file__) + "/<generated>"


# Functions whose docstrings are whole; they live as long as the tables do.
_documented: set[int] = set()


def document(public: str, function: Function, op: Op | None) -> None:
    """Give a function, once, its first name as `public`, its whole docstring, and a signature that says of
    types only what help can use.
    """
    if id(function) in _documented:
        return
    _documented.add(id(function))
    given = signature(function)
    bare = [p.replace(annotation=p.empty) if p.annotation == "Any" else p for p in given.parameters.values()]
    whole = compose(public, function, op)
    function.__signature__ = given.replace(     # type: ignore[attr-defined]
        parameters=bare, return_annotation=Parameter.empty)
    function.public, function.written = public, function.__doc__        # type: ignore[attr-defined]
    function.__doc__ = whole


class Frontend:
    """One namespace of public functions.

    Subclasses say what a function of this frontend does around an op: `prepare` makes array arguments of
    what the user passed, `finish` gives the result its historical shape.
    """

    name = ""
    generated_tail = "out=None"

    def __init__(self) -> None:
        self.table: dict[str, Op | Function] = {}
        self.beside: dict[str, Function] = {}       # public functions that are not on arrays
        self._made: dict[str, Function] = {}
        for op in OPS.values():
            for public in op.names.get(self.name, ()):
                self.table[public] = op

    def prepare(self, value: Any, argument: str, op: Op) -> Any:
        """`value`, which is no array, as an argument of `op`."""
        return value

    def finish(self, result: Any, values: tuple[Any, ...]) -> Any:
        return result

    def array_names(self, op: Op) -> tuple[str, ...]:
        return op.arrays

    def __contains__(self, name: str) -> bool:
        return name in self.table

    def __iter__(self) -> Iterator[str]:
        return iter(self.table)

    def function(self, name: str) -> Function:
        """The public function of that name; UnknownNameError suggests the nearest."""
        made = self._made.get(name)
        if made is None:
            try:
                found = self.table[name]
            except KeyError:
                raise UnknownNameError(f"module 'mxgrad.{self.name}' has no attribute {name!r}"
                                       f"{nearest(name, self.table)}") from None
            op, made = (found, self._generate(name, found)) if isinstance(found, Op) else (None, found)
            first = next(n for n, entry in self.table.items() if entry is found)
            document(f"{self.name}.{first}", made, op)
            self._made[name] = made
        return made

    def adapter(
        self, names: str, arrays: int | str = 1, names_its_errors: bool = False,
    ) -> Callable[[Function], Function]:
        """Decorator: the function is public under `names`; its first `arrays` parameters ('*': its variadic
        one, plus those before; 'list': its first, a sequence of them) are arrays.  Its errors
        name it; it says whether it sees to that itself.
        """
        def declare(function: Function) -> Function:
            if not names_its_errors:
                function = _guarded(names.split()[0], function)
            function._array_count = arrays      # type: ignore[attr-defined]
            for public in names.split():
                if public in self.table:
                    raise ValueError(f"{self.name}.{public} is declared twice")
                self.table[public] = function
            return function
        return declare

    def _generate(self, name: str, op: Op) -> Function:
        arrays = self.array_names(op)
        required = len(arrays) - op.optional
        given = [a if i < required else f"{a}=None" for i, a in enumerate(arrays)]
        if op.variadic:
            given.append("*" + op.variadic)
        given += [f"{p}=REQUIRED" if d is REQUIRED else f"{p}={d!r}" for p, d in op.params.items()]
        tail = self.generated_tail
        passed = ", ".join(arrays) + ("," if arrays else "") + (f" *{op.variadic}" if op.variadic else "")
        params = ", ".join(f"{p!r}: {p}" for p in op.params)
        short = op.ufunc and not op.params
        body = f"return call(op, ({passed}), {{{params}}}, out)"
        if short and tail:
            body = f"return short({', '.join(arrays)}) if out is None else call(op, ({passed}), {{}}, out)"
        source = (
            f"def {name.rsplit('.', 1)[-1]}({', '.join(given + [tail])}):\n    try:\n        {body}\n"
            "    except Exception as error:\n"
            f"        told = named(error, {name!r}, ({passed}), {{{params}}})\n"
            "        if told is error:\n"
            "            raise\n"
            "        raise told from None\n"
        )
        scope: dict[str, Any] = {"call": self.caller(op), "named": named, "op": op, "REQUIRED": REQUIRED}
        if short:
            scope["short"] = self.short(op)
        exec(compile(source, _FILE, "exec"), scope)
        function: Function = scope[name.rsplit(".", 1)[-1]]
        function.__module__ = f"mxgrad.{self.name}"
        function.__doc__ = op.doc
        if op.ufunc and len(arrays) == 2:
            function.__doc__ = op.doc.replace("x1", arrays[0]).replace("x2", arrays[1])
        function._array_count = "*" if op.variadic else len(arrays)     # type: ignore[attr-defined]
        if short:
            function.short = scope["short"]     # type: ignore[attr-defined]
        return function

    def caller(self, op: Op) -> Function:
        """What a generated function calls: ``caller(op)(op, arrays, parameters, out)``."""
        return self.call

    def short(self, op: Op) -> Function:
        """The op called with arrays only."""
        return getattr(F, op.name)      # type: ignore[no-any-return]

    def call(self, op: Op, values: tuple[Any, ...], params: dict[str, Any], out: Any) -> Any:
        """An op called from its generated function."""
        for p, value in params.items():
            if value is REQUIRED:
                raise InvalidTypeError(f"{op.name}: parameter {p!r} is required")
        for value in values:
            if not isinstance(value, BaseArray):
                names = self.array_names(op)
                last = op.variadic or ""
                values = tuple(
                    self.prepare(v, names[i] if i < len(names) else last, op) for i, v in enumerate(values)
                )
                while values and values[-1] is None:
                    values = values[:-1]
                break
        result = self.finish(getattr(F, op.name)(*values, **params), values)
        return result if out is None else into(op.name, out, result)


# What Python, NumPy and we say of values that are not taken; any other error is a fault of the code.
_REFUSALS = (MXNetError, ValueError, TypeError, IndexError, ArithmeticError, MemoryError)
_NUMPY = (dirname(numpy.__file__), "numpy/")      # the latter is how compiled modules name their sources
_OURS = (dirname(__file__), *_NUMPY)
_STDLIB = dirname(ast.__file__)


def named(
    error: Exception, name: str, values: tuple[Any, ...], params: dict[str, Any], composed: bool = False,
) -> Exception:
    """The error to raise from the public function `name`: an MXNetError that names it, or the public op in
    it, and what it was called with.

    It is `error` itself where that says so already, where Python says that the call does not fit the
    signature (that of what the caller calls, too, unless that is `composed`), and where it comes out of a
    function that the user gave.
    """
    trace = error.__traceback__
    if trace is not None and not composed:
        trace = trace.tb_next
    files = []
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    if not files or not all(map(_of_no_user, files)) or not (
        isinstance(error, _REFUSALS)
        or isinstance(error, (AttributeError, LookupError)) and files[-1].startswith(_NUMPY)
    ):
        return error
    text = str(error).split("\n")[0].rstrip(".")
    who, colon, what = text.partition(": ")
    who = who.rpartition(".")[2]
    if isinstance(error, MXNetError) and colon:
        if who == name.rpartition(".")[2] or who in OPS and OPS[who].names:
            return error
        if who in OPS or any(who in f.table for f in FRONTENDS.values()):     # what the user did not call
            text = what.partition(" (called with ")[0]
    if "(called with " not in text:
        given = "".join(f"; {p}={_shown(v)}" for p, v in params.items())
        text = f"{text} (called with {', '.join(map(_shown, values))}{given})"
    return completed(error, f"{name}: {text}")


def _of_no_user(file: str) -> bool:
    """Whether code in that file is mxgrad's, NumPy's or Python's."""
    return file.startswith(_OURS) or file.startswith(_STDLIB) and "-packages" not in file


def _shown(value: Any) -> str:
    return describe(value._data) if isinstance(value, BaseArray) else " ".join(describe(value).split())


def _guarded(name: str, function: Function) -> Function:
    """`function` as the public function `name`: its errors say so."""
    @wraps(function)
    def call(*args: Any, **params: Any) -> Any:
        try:
            return function(*args, **params)
        except Exception as error:
            told = named(error, name, args, params)
            if told is error:
                raise
            raise told from None

    return call


def describe_function(function: Function) -> tuple[tuple[str, ...], dict[str, Any]]:
    """(array argument names, parameters with their defaults) of a public function.

    An argument that takes any number of arrays, be it as a sequence, is written '*data'.  `out`, `name` and
    what takes the rest are left out.
    """
    count = getattr(function, "_array_count", 0)
    arrays: list[str] = []
    params: dict[str, Any] = {}
    for p in signature(function).parameters.values():
        if p.kind is Parameter.VAR_POSITIONAL:
            arrays.append("*" + p.name)
        elif p.kind is Parameter.VAR_KEYWORD or p.name in ("out", "name"):
            continue
        elif count == "list" and not arrays:
            arrays.append("*" + p.name)
        elif count != "list" and p.kind is not Parameter.KEYWORD_ONLY and (
            count != "*" and len(arrays) < count or count == "*" and p.default is Parameter.empty
        ):
            arrays.append(p.name)
        else:
            params[p.name] = Parameter.empty if p.default is REQUIRED else p.default
    return tuple(arrays), params


FRONTENDS: dict[str, Frontend] = {}


def _frontend(name: str) -> Frontend:
    """The frontend of that name; np and npx are imported when they are first needed."""
    if name not in FRONTENDS:
        import_module(f"mxgrad.{name}")
    return FRONTENDS[name]


def op_names() -> list[str]:
    """Every public function by name: nd's as they are, the others' as 'np.<name>' and 'npx.<name>'."""
    names = list(_frontend("nd"))
    for other in ("np", "npx"):
        names += [f"{other}.{n}" for n in _frontend(other)]
    return sorted(names)


def op_function(name: str) -> Function:
    """The function `op_names` lists, with `arrays` and `params` attributes that `describe_function` gives."""
    prefix, _, rest = name.partition(".")
    if prefix in ("np", "npx"):
        function = _frontend(prefix).function(rest)
    else:
        function = _frontend("nd").function(name)
    if not hasattr(function, "arrays"):
        function.arrays, function.params = describe_function(function)      # type: ignore[attr-defined]
    return function


def parse_value(text: str) -> Any:
    """A parameter written as text: 'None', 'True', '1.5', '(0, 1)', '[2]'; anything else is a string.

    >>> parse_value("(0, 1)"), parse_value("1e-3"), parse_value("float32")
    ((0, 1), 0.001, 'float32')
    """
    try:
        return ast.literal_eval(text.strip())
    except MemoryError:     # which the parser also raises where a text is nested too deep for it
        if len(text) < 1000:
            raise
        return text
    except (ValueError, SyntaxError, RecursionError, TypeError):
        return {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}.get(text.strip(), text)


class _Method:
    """A public function as a method: made real on first use, and then an ordinary attribute of the class."""

    def __init__(self, frontend: Frontend, name: str) -> None:
        self.frontend, self.name = frontend, name

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner = owner

    def __get__(self, instance: Any, owner: type) -> Any:
        function = self.frontend.function(self.name)
        setattr(self.owner, self.name, function)
        return function if instance is None else function.__get__(instance, owner)


def add_methods(cls: type[BaseArray], frontend: Frontend, names: Iterator[str] | list[str]) -> None:
    """Give `cls` the frontend's functions of those names as methods, where it has none of its own."""
    for name in names:
        if name not in cls.__dict__ and not hasattr(BaseArray, name) and name.isidentifier():
            method = _Method(frontend, name)
            method.__set_name__(cls, name)
            setattr(cls, name, method)


class Namespace:
    """The functions of a frontend whose names begin with `prefix` and a dot: ``nd.contrib``."""

    def __init__(self, frontend: Frontend, prefix: str) -> None:
        self._frontend, self._prefix = frontend, prefix + "."

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        function = self._frontend.function(self._prefix + name)
        setattr(self, name, function)
        return function

    def __dir__(self) -> list[str]:
        return sorted(n[len(self._prefix):] for n in self._frontend if n.startswith(self._prefix))

    def __repr__(self) -> str:
        return f"<functions mxgrad.{self._frontend.name}.{self._prefix}*>"


class _Published:
    """A function of a module, whose docstring is made whole when somebody looks at it from outside."""

    def __init__(self, frontend: Frontend, public: str, function: Function) -> None:
        self.frontend, self.public, self.function, self.whole = frontend, public, function, False

    def __get__(self, module: Any, cls: type) -> Any:
        if not self.whole:
            self.whole = True
            if self.public in self.frontend.table:
                self.function = self.frontend.function(self.public)
            else:
                document(f"{self.frontend.name}.{self.public}", self.function, None)
        return self.function

    def __set__(self, module: Any, value: Any) -> None:
        self.function, self.whole = value, True


def publish(module: ModuleType, frontend: Frontend, prefix: str = "") -> None:
    """Show functions that a module defines or imports, those of the frontend's table and those in its
    ``__all__``, with whole docstrings; ``frontend.beside`` has the latter.  `dir` of an inner namespace that
    does not say otherwise lists these names only.
    """
    listed = getattr(module, "__all__", ())
    shown: dict[str, Any] = {}
    for name, value in vars(module).items():
        if isinstance(value, FunctionType):
            if frontend.table.get(prefix + name) is not value:
                if name not in listed:
                    continue
                frontend.beside[prefix + name] = value
            shown[name] = _Published(frontend, prefix + name, value)
    if prefix and "__dir__" not in vars(module):
        names = {n.removeprefix(prefix) for n in frontend if n.startswith(prefix)} | set(listed)
        shown["__dir__"] = lambda module: sorted(names)
    module.__class__ = type("module", (ModuleType,), shown)


def publish_all(package: str, frontend: Frontend) -> None:
    """`publish` for a frontend's package, named ``mxgrad.np``, and its modules that are namespaces too."""
    module = modules[package]
    for prefix in {name.partition(".")[0] for name in frontend if "." in name}:
        inner = vars(module).get(prefix)
        if isinstance(inner, ModuleType):
            publish(inner, frontend, prefix + ".")
    publish(module, frontend)
