"""The reverse pass of a program, recorded once and then replayed (level 9).

A program of one result puts a single node on the tape where it can, a folded one: it refers to a `Reverse`,
which all its calls share, and keeps what the nodes of the program's steps would.  The first walk through such
a node opens it, runs the rules on `_Value`s, and writes down the kernels and operators that they call; these
become the source of one Python function, which later walks call.  Whoever asks for more than raw cotangents,
such as derivatives that are differentiated again, a profiler or a message about a value that was overwritten,
has the node opened: then it is, in place, the node of the program's last step, with the others behind it.
"""
from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy

from . import backend as _backend
from .backend import cpu_backend
from .kernels import cpu, deferred
from .kernels.deferred import settled
from .registry import COMPOSITIONS, OPS
from .tape import OUT, Recorded, leaf, values_of, walk

_CONSTANTS = (bool, int, type(None))


class Source:
    """Names for what the source of a function refers to."""

    def __init__(self, **names: Any) -> None:
        self.names = names
        self._known: dict[int, str] = {}

    def constant(self, value: Any) -> str:
        if value.__class__ in _CONSTANTS:
            return repr(value)
        name = self._known.get(id(value))
        if name is None:
            name = self._known[id(value)] = f"K{len(self.names)}"
            self.names[name] = value
        return name

    def function(self, lines: Sequence[str]) -> Any:
        """The function whose definition is the first line, of the others."""
        exec(compile("\n    ".join(lines), "<program>", "exec"), self.names)
        return self.names[lines[0][4:lines[0].index("(")]]


class Reverse:
    """The reverse pass of a program's steps.

    ``opened(orders, entries, saved, cells, versions)`` gives the node of its last step, as the walk knows it:
    from the orders of the nodes, the place on the tape of each argument that comes from outside, in the order
    in which the walk reaches them, the values that are kept, and the version cells with what they said.
    """

    def __init__(self, source: Source, lines: list[str], sizes: tuple[int, int, int, int]) -> None:
        self._source, self._lines = source, lines
        self._opened: Callable[..., Any] | None = None
        self._sizes = sizes         # how many orders, entries, cells and versions there are
        self._replay: Callable[..., Any] | None = None
        self._fails = self._acts = False
        self._forward = cpu_backend().forward

    def opened(self, *kept: Any) -> Any:
        if self._opened is None:
            self._opened = self._source.function(self._lines)
        return self._opened(*kept)

    def cotangents(self, g: Any, saved: Sequence[Any]) -> Sequence[Any] | None:
        """What flows to each entry from the cotangent `g` of the result; None if that is to be found out node
        by node.
        """
        # a profiler wants to see every rule
        if self._fails or _backend._observer is not None or self._forward is not cpu_backend().forward:
            return None
        try:
            g = settled(g)
            if self._replay is not None:
                return self._replay(g, *saved)      # type: ignore[no-any-return]
            cts, effects = self._record(g, saved)
        except Exception:       # node by node it is raised again, with the op and the line
            if self._acts:      # but what has been done must not be done again
                raise
            self._fails = self._replay is None
            return None
        for effect in effects:
            effect()
        return cts

    def _record(self, g: Any, saved: Sequence[Any]) -> tuple[Sequence[Any], list[Callable[[], Any]]]:
        """The cotangents, and what is still to be done."""
        orders, entries, cells, versions = self._sizes
        steps = _Steps()
        values = [_Value(steps, f"v{i}", v) for i, v in enumerate(saved)]
        head = _Value(steps, "g", g)
        ends = [leaf(None, "write") for _ in range(entries)]
        last = self.opened(range(orders, 0, -1), ends, values, [[0, None]] * cells, [0] * versions)
        found = {id(end): ct for end, ct in walk([last], [head], True, _World(steps))}
        given = [found.get(id(end)) for end in ends]
        replay = steps.function(["g", *(v.name for v in values)], given)
        self._acts = bool(steps.effects)        # before another thread may replay
        self._replay = replay
        return [None if ct is None else ct._raw for ct in given], steps.effects


class _World(Recorded):
    """The world in which the rules of opened nodes are written down."""

    def __init__(self, steps: _Steps) -> None:
        super().__init__(_Kernels(steps), _refused)

    def lift(self, node: list[Any]) -> tuple[Any, Sequence[Any]]:
        return node[OUT], values_of(node)


class _Refused(Exception):
    """A rule does what cannot be written down."""


def _refused(*args: Any, **params: Any) -> Any:
    raise _Refused


class _Kernels(SimpleNamespace):
    """The namespace F of those rules: the kernels that the raw one has."""

    def __init__(self, steps: _Steps) -> None:
        super().__init__()
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        if name in OPS:
            op = OPS[name]
            kernel = getattr(numpy, name) if op.ufunc else cpu_backend().kernel(op)
        else:
            if name == "effect":
                return self._steps.effect
            raw = partial(COMPOSITIONS[name], cpu_backend().F)
            kernel = cpu.override(name, raw)
            if kernel is raw:
                return partial(COMPOSITIONS[name], self)
        call = partial(self._steps.call, name, kernel)
        setattr(self, name, call)
        return call


@dataclass
class _Line:
    """A call of a kernel, or an expression, and the names of what it gives and takes."""

    targets: list[str]
    used: set[str]
    expression: str = ""
    name: str = ""          # of the op or composition
    kernel: Any = None
    args: Sequence[str] = ()
    params: Sequence[str] = ()
    acts: bool = False      # is called for what it does

    def written(self, source: Source) -> str:
        text = self.expression or f"{source.constant(self.kernel)}({', '.join([*self.args, *self.params])})"
        return f"{', '.join(self.targets)}{',' * (len(self.targets) > 1)} = {text}"


class _Steps:
    """Calls of kernels and operators, as the lines of a function."""

    def __init__(self) -> None:
        self.source = Source()
        self.lines: list[_Line] = []
        self.effects: list[Callable[[], Any]] = []
        self._count = 0

    def operand(self, value: Any, used: set[str]) -> str:
        if value.__class__ is _Value:
            used.add(value.name)
            return value.name
        if isinstance(value, (list, tuple)) and any(v.__class__ is _Value for v in value):
            inside = "".join(f"{self.operand(v, used)}, " for v in value)
            return f"[{inside}]" if isinstance(value, list) else f"({inside})"
        return self.source.constant(value)

    def call(self, name: str, kernel: Callable[..., Any], /, *args: Any, **params: Any) -> Any:
        used: set[str] = set()
        line = _Line([], used, "", name, kernel, [self.operand(a, used) for a in args],
                     [f"{key}={self.operand(value, used)}" for key, value in params.items()])
        return self.note(line, kernel(*map(_raw, args), **{key: _raw(v) for key, v in params.items()}))

    def operation(self, text: str, function: Callable[..., Any], *args: Any) -> Any:
        used: set[str] = set()
        line = _Line([], used, text.format(*[self.operand(a, used) for a in args]))
        return self.note(line, function(*map(_raw, args)))

    def effect(self, *noted: Any, action: Callable[..., Any]) -> None:
        used: set[str] = set()
        given = ", ".join(self.operand(a, used) for a in noted)
        self._count += 1
        self.lines.append(
            _Line([f"w{self._count}"], used, f"{self.source.constant(action)}({given})", acts=True))
        self.effects.append(partial(action, *map(_raw, noted)))

    def note(self, line: _Line, out: Any) -> Any:
        values: list[_Value | None] = []
        for o in out if isinstance(out, (list, tuple)) else (out,):
            self._count += 1
            line.targets.append(f"w{self._count}")
            if o is None:
                values.append(None)
            elif isinstance(o, (numpy.ndarray, numpy.generic)) and o.size < deferred.large:
                values.append(_Value(self, line.targets[-1], o))
            else:
                raise _Refused      # large ones may be put off
        self.lines.append(line)
        return type(out)(values) if isinstance(out, (list, tuple)) else values[0]

    def function(self, arguments: list[str], given: Sequence[Any]) -> Any:
        """The function of these lines that gives the values `given`; what they do not need is left out, and
        what is not needed any more let go.
        """
        live = {v.name for v in given if v is not None}
        lines = []
        for line in reversed(self._joined(live)):
            if live.isdisjoint(line.targets) and not line.acts:
                continue
            over = sorted({*line.used, *line.targets} - live - set(arguments))
            if over:
                lines.append(f"del {', '.join(over)}")
            lines.append(line.written(self.source))
            live |= line.used
        body = lines[::-1]
        values = "".join(f"{None if v is None else v.name}, " for v in given)
        return self.source.function([f"def reverse({', '.join(arguments)}):", *body, f"return ({values})"])

    def _joined(self, kept: set[str]) -> list[_Line]:
        """The lines, with one in place of two where there is a kernel for both."""
        users: dict[str, int] = {}
        for line in self.lines:
            for name in line.used:
                users[name] = users.get(name, 0) + 1
        lines: dict[str, _Line] = {}
        for line in self.lines:
            before = lines.get(line.args[0]) if line.args else None
            if before is not None and line.args[0] not in kept and users[line.args[0]] == 1:
                kernel = cpu.joined(before.name, line.name, before.kernel, line.kernel)
                if kernel is not None and line.args[0] not in [*line.args[1:], *line.params]:
                    del lines[line.args[0]]
                    line = _Line(line.targets, before.used | line.used - {line.args[0]}, "", "", kernel,
                                 [*before.args, *line.args[1:]], [*before.params, *line.params])
            lines[line.targets[0]] = line
        return [*lines.values()]


def _raw(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_raw, value))
    return value._raw if value.__class__ is _Value else value


class _Value:
    """A raw array in a rule that is written down: its operators are lines, too."""

    __slots__ = ("_steps", "name", "_raw")
    __array_ufunc__ = None

    def __init__(self, steps: _Steps, name: str, raw: Any) -> None:
        self._steps, self.name, self._raw = steps, name, raw

    shape = property(lambda self: self._raw.shape)
    dtype = property(lambda self: self._raw.dtype)
    size = property(lambda self: self._raw.size)
    ndim = property(lambda self: self._raw.ndim)

    def __getitem__(self, key: Any) -> Any:
        return self._steps.operation("{}[{}]", operator.getitem, self, key)

    __array__ = __setitem__ = __len__ = __bool__ = __float__ = __int__ = __index__ = __iter__ = _refused

    def __getattr__(self, name: str) -> Any:
        raise _Refused(name)


def _operators() -> None:
    """Python's operators, as they are on raw arrays."""
    two = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "mod": "%", "floordiv": "//",
           "matmul": "@", "and": "&", "or": "|", "xor": "^"}
    compared = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
    one = {"neg": "-", "pos": "+", "invert": "~"}

    def declare(name: str, text: str, turned: bool = False) -> None:
        function = getattr(operator, f"__{name}__")

        def call(self: Any, *others: Any) -> Any:
            args = (*others, self) if turned else (self, *others)
            return self._steps.operation(text, function, *args)

        setattr(_Value, f"__{'r' * turned}{name}__", call)

    for name, sign in {**two, **compared}.items():
        declare(name, f"{{}} {sign} {{}}")
    for name, sign in two.items():
        declare(name, f"{{}} {sign} {{}}", turned=True)
    for name, sign in one.items():
        declare(name, f"{sign}{{}}")
    declare("abs", "abs({})")
    _Value.__hash__ = object.__hash__       # type: ignore[method-assign]


_operators()
