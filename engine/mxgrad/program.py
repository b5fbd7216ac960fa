"""Functions that are recorded once and then replayed, op by op, without the way there (level 10).

While a program is recorded, `deferred.large` is 0, so that every call of an op goes the long way through
`invoke`, which hands it to the `Recorder` of its thread.  A `Traced` stands for the numbers of every result:
shape and dtype are known, and whoever asks for more is told that a program cannot know it.  Arrays that the
function did not get as arguments are captured: the program reads them each time it runs.

A `Plan` is the Python source of these steps, compiled.  Running it calls the kernels and, while recording,
puts the same nodes on the tape as the function would have, or one that stands for them (see `reverse`); what
follows, a backward of any order, is the tape's and knows nothing of programs.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import update_wrapper
from threading import Lock
from typing import Any
from weakref import ref

import numpy

from . import backend as _backend
from .array import Array, wrap
from .backend import cpu_backend, quietly
from .base import InvalidTypeError, InvalidValueError, ProgramError, describe
from .context import current_context
from .functional import _leaves, _map
from .kernels import cpu, deferred
from .kernels.deferred import settled
from .ndarray import BaseArray
from .random import noting, replaying
from .registry import Op, Spec
from .reverse import Reverse, Source
from .tape import (
    CELLS, OP, OUT, PARAMS, PARENTS, VALUES, Output, leaf, next_order, next_orders, record, state,
)

__all__ = ["program"]

_KEPT = 32      # plans that a program keeps
_ONE = object()     # the structure of a single array
_NOTED = 1024   # kinds of calls that a `Replay` counts
_TRIES = 4      # how often a `Replay` is recorded for calls of one kind


class Traced:
    """What stands in an array for the numbers of a result while a program is recorded."""

    __slots__ = ("recorder", "slot", "numbers")
    base = None

    def __init__(self, recorder: Recorder, slot: int, numbers: Any) -> None:
        self.recorder, self.slot, self.numbers = recorder, slot, numbers

    shape = property(lambda self: self.numbers.shape)
    dtype = property(lambda self: self.numbers.dtype)
    size = property(lambda self: self.numbers.size)
    ndim = property(lambda self: self.numbers.ndim)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise ProgramError(
            f"a program cannot look at numbers ({describe(self)}) while it is recorded: they would be those "
            "of the first call for ever. Look at them outside the function, or do not make a program of it")

    def copy(self) -> Traced:
        """Itself: nobody can write to it."""
        return self

    __array__ = __array_ufunc__ = __array_function__ = _refuse
    __getitem__ = __setitem__ = __len__ = __bool__ = __float__ = __int__ = __iter__ = _refuse

    def __getattr__(self, name: str) -> Any:
        return self._refuse()


class _Step:
    """One call of an op: where its values come from, and the node it is to be on the tape, if any."""

    __slots__ = ("op", "params", "ctx", "values", "sources", "slots", "several", "node", "large")

    op: Op
    params: dict[str, Any]
    ctx: Any
    values: list[Any]               # raw, with numbers and None
    sources: list[int | None]       # the slot each value is in, None for what is no array
    slots: list[int]                # of the results
    several: bool
    node: list[Any] | None
    large: bool                     # whether a result or a value may be put off


_recording = 0
_large = 0
_lock = Lock()


@contextmanager
def _all_calls_seen() -> Iterator[None]:
    """Have every op of every array go through `invoke`."""
    global _recording, _large
    with _lock:
        if not _recording:
            _large, deferred.large = deferred.large, 0
        _recording += 1
    try:
        yield
    finally:
        with _lock:
            _recording -= 1
            if not _recording:
                deferred.large = _large


class Recorder:
    """The steps between the beginning of a program and its end, in one thread.

    `arrays` holds the arguments and then the captured arrays; the slots of values are numbered as they come.
    Results are on the tape as always, so that the function can ask for derivatives; other nodes, of the
    numbers, are what the plan will make.
    """

    stand_in = Traced

    def __init__(self, arguments: Sequence[Array]) -> None:
        self.steps: list[_Step] = []
        self.arrays: list[Array] = list(arguments)
        self.externals: list[int] = []          # the slots of `arrays`
        self.cells: list[list[Any]] = []        # by slot; stands for the version cell it will have
        self.raws: list[Any] = []               # by slot
        self.made: list[ref[Array]] = []
        self.count = len(self.arrays)
        self._captured: dict[int, int] = {}
        self._entries: dict[int, Any] = {}      # by identity: the places on the tape that are known here
        self._before: list[tuple[Array, Any, Any]] = []
        for a in arguments:
            slot = self._slot(settled(a._raw))
            self.externals.append(slot)
            self._before.append((a, a._raw, a._entry))

    def _slot(self, raw: Any) -> int:
        self.raws.append(raw)
        self.cells.append([0, None])
        return len(self.raws) - 1

    def _known(self, entry: Any) -> Any:
        self._entries[id(entry)] = entry
        return entry

    @contextmanager
    def running(self) -> Iterator[None]:
        """Record what this thread calls; the arguments stand for those of later calls meanwhile.  Results
        that are left over become constants.
        """
        if state.program is not None:
            raise ProgramError("a program is being recorded already; programs do not nest")
        for slot, (a, _, entry) in zip(self.externals, self._before):
            a._raw = Traced(self, slot, self.raws[slot])
            a._entry = None if entry is None else self._known(leaf(None, "write"))
        state.program = self
        try:
            with _all_calls_seen():
                yield
        finally:
            if state.program is self:       # not where another thread collects what one left open
                state.program = None
            for a, raw, entry in self._before:
                a._raw, a._entry = raw, entry
            for made in self.made:
                out = made()
                if out is not None and out._raw.__class__ is Traced:
                    out._raw, out._entry = out._raw.numbers, None
            self.steps.clear()      # they refer to each other, and to the numbers of a whole call
            self.raws.clear()
            self._entries.clear()

    def source(self, a: Array) -> tuple[int, bool]:
        """The slot of an array, and whether it is on the tape."""
        raw, entry = a._raw, a._entry
        if raw.__class__ is Traced:
            if raw.recorder is not self:
                raise ProgramError("an array of another program that was being recorded is used in this one")
            node = entry[1] if type(entry) is Output else entry
            if entry is not None and id(node) not in self._entries:
                raise ProgramError(
                    "a program cannot replay custom functions, checkpoints and derivatives of functions; "
                    "call them outside it")
            return raw.slot, entry is not None
        slot = self._captured.get(id(a))
        if slot is None:
            slot = self._captured[id(a)] = self._slot(a._data)
            self.externals.append(slot)
            self.arrays.append(a)
        return slot, entry is not None

    def step(
        self, op: Op, values: tuple[Any, ...], params: dict[str, Any], cls: type[Array], ctx: Any,
    ) -> Any:
        """The arrays that a call gives: what `invoke` does, but on numbers that nobody sees."""
        if any(isinstance(p, Array) for p in params.values()):
            raise ProgramError(f"a program cannot replay {op.name}, which has an array for a parameter")
        step = _Step()
        step.op, step.params, step.ctx = op, params, ctx
        found = [self.source(v) if isinstance(v, Array) else None for v in values]
        step.sources = [None if f is None else f[0] for f in found]
        step.values = [v if s is None else self.raws[s] for v, s in zip(values, step.sources)]
        out = (ctx._backend or ctx.backend).forward[op.name](*step.values, **params)
        step.several = out.__class__ is tuple
        outs = [settled(o) for o in (out if step.several else (out,))]
        step.slots = [self._slot(o) for o in outs]
        step.large = max([o.size for o in outs] + [self.raws[s].size for s in step.sources if s is not None]
                         ) >= _large
        traced = [Traced(self, s, o) for s, o in zip(step.slots, outs)]
        results = [wrap(cls, o, ctx) for o in traced]
        step.node = None
        if state.recording and any(f is not None and f[1] for f in found):
            step.node = self._node(
                step, cls, [f[0] if f is not None and f[1] else None for f in found], step.values, outs)
            arrays = [v if isinstance(v, Array) else None for v in values]
            node = self._known(record(
                op, params, ctx, [None if a is None else a._entry for a in arrays],
                [v if a is None else a._raw for v, a in zip(values, arrays)], arrays,
                tuple(traced) if step.several else traced[0], results, 3))
            for i, r in enumerate(results):
                r._entry = Output((next_order(), node, i)) if step.several else node
        self.made.extend(map(ref, results))
        self.steps.append(step)
        return tuple(results) if step.several else results[0]

    def _node(self, step: _Step, cls: type[Array], parents: list[int | None], values: list[Any],
              outs: list[Any]) -> list[Any]:
        """The node of a call, with slots for parents, numbers for values, and the cells of slots."""
        arrays = [None if s is None else wrap(cls, v, step.ctx, None, self.cells[s])
                  for v, s in zip(values, step.sources)]
        given = [wrap(cls, o, step.ctx, None, self.cells[s]) for o, s in zip(outs, step.slots)]
        return record(step.op, step.params, step.ctx, parents, values, arrays,
                      tuple(outs) if step.several else outs[0], given, 4)


def _frozen(a: Array) -> tuple[Any, list[Any]]:
    """The numbers and the version cell of a constant, which others that share its memory may write to."""
    cell = a._cell
    return (a._data.copy(), [0, None]) if len(cell) > 2 else (a._data, cell)


def _put_off(name: str, kernel: Callable[..., Any], raws: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """A call of which a value or the result may be computed later."""
    out = deferred.defer(name, raws, params) if deferred.enabled else None
    return kernel(*map(settled, raws), **params) if out is None else out


def _own(raw: Any, source: Any, copy: Callable[[Any], Any]) -> Any:
    """What an op gave, as memory of its own."""
    return copy(raw) if raw is source or getattr(raw, "base", None) is not None else raw


class Plan:
    """The steps of a recorder as Python source, for outputs that are in the slots of `outputs`.

    It may be run in the scope it was recorded in, on arguments of the same shapes, dtypes and contexts, and
    as long as it `holds`.
    """

    def __init__(self, recorder: Recorder, outputs: Sequence[Array]) -> None:
        self.captured = recorder.arrays[recorder.count:]
        self._seen = [(a._raw.shape, a._raw.dtype, a._entry is None) for a in self.captured]
        self._forward = cpu_backend().forward
        lines, source = _written(recorder, outputs)
        self.source = "\n    ".join(lines)
        self._replay = source.function(lines)

    def is_current(self) -> bool:
        """Whether it `holds`, and calls what is in the place of kernels, such as a profiler."""
        return self._forward is cpu_backend().forward and self.holds()

    def holds(self) -> bool:
        """Whether the captured arrays are still what they were but for their numbers."""
        for a, (shape, dtype, constant) in zip(self.captured, self._seen):
            raw = a._raw
            if raw.shape != shape or raw.dtype is not dtype and raw.dtype != dtype \
                    or (a._entry is None) is not constant:
                return False
        return True

    def run(self, arguments: Sequence[Array]) -> tuple[Any, ...]:
        with quietly():
            return self._replay(*arguments, *self.captured)      # type: ignore[no-any-return]


def _written(recorder: Recorder, outputs: Sequence[Array]) -> tuple[list[str], Source]:
    """The source of the steps that the outputs depend on, and what its names stand for."""
    source = Source(next_order=next_order, next_orders=next_orders, Output=Output, wrap=wrap, frozen=_frozen,
                    put_off=_put_off, own=_own)
    returned = [recorder.source(a)[0] for a in outputs]
    given = dict(zip(returned, outputs))
    external = set(recorder.externals)
    steps, parents = _needed(recorder, given)
    nodes = _Nodes(recorder, source, steps, given)
    folded = nodes.folded()

    lines = [f"def replay({', '.join(f'x{s}' for s in recorder.externals)}):", "cell = [0, None]"]
    for slot in recorder.externals:
        if slot in nodes.watched and slot not in parents:
            lines.append(f"v{slot}, c{slot} = frozen(x{slot})")
            continue
        lines.append(f"v{slot} = x{slot}._data")
        if slot in nodes.watched:
            lines.append(f"c{slot} = x{slot}._cell")
        if slot in parents:
            lines.append(f"e{slot} = x{slot}._entry")
    lines += [f"c{slot} = [0, None]" for slot in given if slot not in external]
    last = {s: step for step in steps for s in (*step.sources, *step.slots) if s is not None}
    over: dict[int, list[str]] = {}
    for slot, step in last.items():
        # what nobody holds any more is not computed for itself where it is part of an expression
        if slot not in external and slot not in given and recorder.raws[slot].size >= _large:
            over.setdefault(id(step), []).append(f"v{slot} = None")
    ended: list[str] = []
    firsts = _firsts(steps, nodes, recorder, given)
    joined = {id(first) for first in firsts.values()}
    for step in steps:
        lines += ended
        ended = over.get(id(step), [])
        if id(step) not in joined:
            lines += _call_of(step, source, recorder, external, given, firsts.get(id(step)))
        if step.node is not None and not folded:
            entries = [f"e{p}" for p in step.node[PARENTS]]
            lines += nodes.of(step, entries, "next_order()", nodes.version(step))
    lines += folded
    live = {s for step in steps if step.node is not None for s in step.slots}
    for slot, a in given.items():
        if slot in external:
            lines.append(f"y{slot} = x{slot}")
        else:
            lines.append(f"y{slot} = wrap({source.constant(type(a))}, v{slot}, {source.constant(a._ctx)}, "
                         f"{f'e{slot}' if slot in live and a._entry is not None else None}, c{slot})")
    lines.append(f"return ({''.join(f'y{slot}, ' for slot in returned)})")
    return lines, source


def _needed(recorder: Recorder, given: dict[int, Array]) -> tuple[list[_Step], set[int]]:
    """The steps that the outputs depend on, with the nodes that lead to an output on the tape; and the slots
    that are parents of nodes.
    """
    values = set(given)
    entries = {s for s, a in given.items() if a._entry is not None}
    parents: set[int] = set()
    steps = []
    for step in reversed(recorder.steps):
        if step.node is not None and entries.isdisjoint(step.slots):
            step.node = None
        if values.isdisjoint(step.slots):
            continue
        steps.append(step)
        values.update(s for s in step.sources if s is not None)
        if step.node is not None:
            found = [p for p in step.node[PARENTS] if p is not None]
            entries.update(found)
            parents.update(found)
    return steps[::-1], parents


def _is_plain(step: _Step) -> bool:
    return step.ctx.backend is cpu_backend() and _backend._observer is None


def _kernel_of(step: _Step, recorder: Recorder) -> Any:
    op, backend = step.op, step.ctx.backend
    if _is_plain(step) and all(recorder.raws[s].shape for s in step.slots):
        # NumPy's scalars need no care, and warnings are off for the whole program
        return getattr(numpy, op.name) if op.ufunc and not step.large else backend.kernel(op)
    return backend.forward[op.name]


def _firsts(steps: Sequence[_Step], nodes: _Nodes, recorder: Recorder, given: dict[int, Array]
            ) -> dict[int, _Step]:
    """By the identity of a step: the one before it that a kernel computes together with it, whose result
    nobody else wants.
    """
    users: dict[int, int] = dict.fromkeys(given, 2)
    made = {step.slots[0]: step for step in steps if not step.several}
    for step in steps:
        for s in (*step.sources, *(() if step.node is None else nodes.kept(step))):
            if s is not None:
                users[s] = users.get(s, 0) + 1
    found = {}
    for step in steps:
        slot = step.sources[0] if step.sources else None
        first = None if slot is None or users[slot] > 1 else made.get(slot)
        if first is None or step.large or first.large or not (_is_plain(step) and _is_plain(first)):
            continue
        if cpu.joined(first.op.name, step.op.name, *[_kernel_of(s, recorder) for s in (first, step)]):
            found[id(step)] = first
    return found


def _call_of(step: _Step, source: Source, recorder: Recorder, external: set[int], given: dict[int, Array],
             first: _Step | None = None) -> list[str]:
    """The call of a step's kernel, or of one that computes the step before it, too."""
    op, backend = step.op, step.ctx.backend
    kernel = _kernel_of(step, recorder)
    args, params = _arguments(step, source), step.params
    targets = ", ".join(f"v{s}" for s in step.slots) + ("," if step.several else "")
    if first is not None:
        kernel = cpu.joined(first.op.name, op.name, _kernel_of(first, recorder), kernel)
        args, params = _arguments(first, source) + args[1:], {**first.params, **params}
    if _is_plain(step) and step.large:
        values = "".join(f"{a}, " for a in args)
        call = f"put_off({op.name!r}, {source.constant(kernel)}, ({values}), {source.constant(step.params)})"
    else:
        args += [f"{name}={source.constant(value)}" for name, value in params.items()]
        call = f"{source.constant(kernel)}({', '.join(args)})"
    lines = [f"{targets} = {call}"]
    if op.view and not step.several:
        # a view will do where nobody else can write, and sums over it have the order they always have
        (slot,), source_slot = step.slots, step.sources[0]
        if (source_slot in external or slot in given or source_slot in given
                or not recorder.raws[slot].flags.c_contiguous):
            lines.append(f"v{slot} = own(v{slot}, {args[0]}, {source.constant(backend.forward['copy'])})")
    return lines


def _arguments(step: _Step, source: Source) -> list[str]:
    return [source.constant(v) if s is None else f"v{s}" for v, s in zip(step.values, step.sources)]


class _Nodes:
    """The nodes of a program's steps as source."""

    def __init__(self, recorder: Recorder, source: Source, steps: Sequence[_Step],
                 given: dict[int, Array]) -> None:
        self._source, self._given = source, given
        self._external = set(recorder.externals)
        self._cell_of = {id(cell): s for s, cell in enumerate(recorder.cells)}
        self._steps = [step for step in steps if step.node is not None]
        self.watched = {s for step in self._steps for s in self._cells(step)}   # slots

    def _cells(self, step: _Step) -> list[int]:
        assert step.node is not None
        return [self._cell_of[id(c)] for c in step.node[CELLS]]

    def _cell(self, slot: int) -> str:
        return f"c{slot}" if slot in self._external or slot in self._given else "cell"

    def _outs(self, step: _Step) -> Sequence[Any]:
        assert step.node is not None
        return step.node[OUT] if step.several else [step.node[OUT]]

    def kept(self, step: _Step) -> list[int]:
        """The slots of what a node keeps."""
        assert step.node is not None
        values = [*zip(step.node[VALUES], step.sources), *zip(self._outs(step), step.slots)]
        return [s for v, s in values if s is not None and not isinstance(v, Spec)]

    def _kept(self, value: Any, slot: int | None) -> str:
        return self._source.constant(value) if slot is None or isinstance(value, Spec) else f"v{slot}"

    def version(self, step: _Step, said: str = "c{}[0]") -> str:
        """The sum of what the cells of a node say."""
        return " + ".join(said.format(s) for s in self._cells(step) if s in self._external) or "0"

    def of(self, step: _Step, entries: Sequence[str], order: str, version: str) -> list[str]:
        """The node of a step: short where `invoke` makes a short one, see `tape`."""
        node = step.node
        assert node is not None
        constant = self._source.constant
        entries = [e if p is not None else "None" for e, p in zip(entries, node[PARENTS])]
        cells = [*map(self._cell, self._cells(step))]
        kept = [*map(self._kept, node[VALUES], step.sources)]
        outs = [*map(self._kept, self._outs(step), step.slots)]
        head = f"[{order}, {', '.join(map(constant, node[OP:PARAMS]))}"
        if step.several:
            made = (f"{head}, {constant(step.params)}, ({', '.join(outs)},), {version}, "
                    f"({', '.join(entries)},), [{', '.join(kept)}], [{', '.join(cells)}]]")
            return [f"node = {made}",
                    *(f"e{s} = Output(({order}, node, {i}))" for i, s in enumerate(step.slots))]
        (slot,), (out,) = step.slots, outs
        shapes = {v.shape for v, s in zip(step.values, step.sources) if s is not None}
        dtypes = {v.dtype for v, s in zip(step.values, step.sources) if s is not None}
        reads = [s is not None and not isinstance(v, Spec) for v, s in zip(node[VALUES], step.sources)]
        if (step.op.ufunc and not step.params and len(shapes) == len(dtypes) == 1
                and next(iter(dtypes)).kind == "f" and len(cells) == sum(reads) + step.op.keeps_y):
            if len(entries) == 1 and len(cells) < 2:
                shown = out if step.op.keeps_y else "None"
                watched = cells[0] if cells else "None"
                return [f"e{slot} = {head}, None, {shown}, {version}, {entries[0]}, {kept[0]}, {watched}]"]
            if len(entries) == 2 and not step.op.keeps_y:
                left = iter(cells)
                watched = ", ".join(next(left) if read else "None" for read in reads)
                fields = ", ".join([version, *entries, *kept])
                return [f"e{slot} = {head}, None, None, {fields}, {watched}]"]
        return [f"e{slot} = {head}, {constant(step.params)}, {out}, {version}, ({', '.join(entries)},), "
                f"[{', '.join(kept)}], [{', '.join(cells)}]]"]

    def folded(self) -> list[str]:
        """The lines that make one node of all, for a program of one result; none where that does not pay.

        What is large stays node by node: rules put it off, and each node that has been gone through lets its
        values go.
        """
        steps = self._steps
        if (len(steps) < 2 or len(self._given) != 1 or steps[-1].several
                or steps[-1].slots[0] not in self._given):
            return []
        inner: dict[int, int] = {}      # how often a result is an argument
        for step in steps:
            assert step.node is not None
            for p in step.node[PARENTS]:
                if p is not None:
                    inner[p] = inner.get(p, 0) + 1
        for step in steps:
            assert step.node is not None
            part_of = step.node[PARENTS][0] if step.op.adds is not None else None
            # the walk adds to such a part alone
            if (step.large or step.ctx.backend is not cpu_backend()
                    or part_of is not None and (part_of in self._external or inner[part_of] > 1)):
                return []
        lines: list[str] = []
        entries: list[int] = []     # slots, in the order in which the walk gives to them
        kept: dict[int, None] = {}
        for step in reversed(steps):
            assert step.node is not None
            named = []
            for p in step.node[PARENTS]:
                named.append(f"e{p}")
                if p in self._external:
                    named[-1] += f"_{len(entries)}"
                    entries.append(p)
            kept.update(dict.fromkeys(self.kept(step)))
            lines[:0] = self.of(step, named, "take()", self.version(step, "n{}"))
        orders = sum(1 + len(step.slots) * step.several for step in steps)
        outer = sorted(self.watched & self._external)
        cells = outer + sorted(self.watched & set(self._given))
        (result,) = self._given
        opened = [
            "def opened(orders, entries, saved, cells, versions):", "take = iter(orders).__next__",
            "cell = [0, None]", f"{_named('e{1}_{0}', entries)} = entries",
            f"{_named('v{1}', kept)} = saved", f"{_named('c{1}', cells)} = cells",
            f"{_named('n{1}', outer)} = versions", *lines, f"return e{result}",
        ]
        reverse = Reverse(self._source, opened, (orders, len(entries), len(cells), len(outer)))
        assert steps[-1].node is not None
        head = ", ".join(map(self._source.constant, [*steps[-1].node[OP:PARAMS], reverse]))
        return [
            f"orders = next_orders({orders})",
            f"e{result} = [orders[-1], {head}, orders, {' + '.join(f'c{s}[0]' for s in outer) or '0'}, "
            f"{_named('e{1}', entries)}, {_named('v{1}', kept)}, "
            f"{_named('c{1}', cells)}, {_named('c{1}[0]', outer)}]",
        ]


def _named(form: str, slots: Iterable[int]) -> str:
    """A tuple of names, each of its place and a slot."""
    return f"({''.join(form.format(i, s) + ', ' for i, s in enumerate(slots))})"


class Recording:
    """The time in which this thread records a program: until its `scope`, which has begun, is left."""

    def __init__(self, arguments: Sequence[Array]) -> None:
        self.kind = _scope(), [_signature(a, []) for a in arguments]
        self._recorder = Recorder(arguments)
        with ExitStack() as stack:
            # a recording that is given up must not have moved the random streams
            stack.enter_context(replaying({}))
            self._notes = stack.enter_context(noting())
            stack.enter_context(self._recorder.running())
            self.scope = stack.pop_all()

    def plan(self, outputs: Sequence[Array]) -> Plan:
        """The plan that gives these arrays.  Call it within the scope."""
        if self._notes:
            raise ProgramError(
                "a program cannot draw random numbers, which would be the same whenever it runs; draw them "
                "outside it, and let it have them as an argument")
        return Plan(self._recorder, outputs)


class Routine:
    """The plan of a recording, for the same scope and arrays of the same kind: what C calls a program."""

    def __init__(self, recording: Recording, outputs: Sequence[Array]) -> None:
        self._kind, self._plan = recording.kind, recording.plan(outputs)
        self.n_out = len(outputs)

    def run(self, arguments: Sequence[Array]) -> tuple[Any, ...]:
        """The outputs.  Raises InvalidValueError for other arguments or another scope than were recorded,
        ProgramError if other arrays that were used are not what they were.
        """
        scope, signatures = self._kind
        if len(arguments) != len(signatures):
            raise InvalidValueError(
                f"the program was recorded with {len(signatures)} arguments, got {len(arguments)}")
        for i, (a, known) in enumerate(zip(arguments, signatures)):
            given = _signature(a, [])
            if given != known:
                raise InvalidValueError(f"argument {i} of the program is {_said(given)}; it was recorded "
                                        f"with {_said(known)}. Record a program for each")
        if _scope() != scope:
            was, now = (f"recording {'on' if s[0] else 'off'}, training {'on' if s[1] else 'off'}, {s[2]}"
                        for s in (scope, _scope()))
            raise InvalidValueError(f"the program was recorded with {was}, and is run with {now}. Record a "
                                    "program for each")
        if not self._plan.holds():
            raise ProgramError("an array that the program uses has another shape, dtype or attached gradient "
                               "than when it was recorded; record the program again")
        return self._plan.run(arguments)


def _said(signature: tuple[Any, ...]) -> str:
    _, shape, dtype, ctx, is_constant = signature
    return f"{dtype} {shape} on {ctx}, {'without' if is_constant else 'with'} a gradient"


def _scope() -> tuple[Any, ...]:
    return state.recording, state.training, current_context()


class Program:
    """What `program` makes of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise InvalidTypeError(f"program: {describe(function)} is not a function")
        update_wrapper(self, function)
        self._function = function
        self._plans: dict[Any, tuple[Plan, Any]] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if state.program is not None:       # part of the program that is being recorded
            return self._function(*args, **kwargs)
        arrays: list[Any] = []
        key = (*_scope(), *[_signature(a, arrays) for a in args],
               *[(name, _signature(a, arrays)) for name, a in kwargs.items()])
        try:
            found = self._plans.get(key)
        except TypeError:
            return self._not_hashed(args, kwargs)
        if found is None or not found[0].is_current():
            self._plans.pop(key, None)
            found = self._new(key, args, kwargs)
            if found is None:
                return self._function(*args, **kwargs)
            if len(self._plans) >= _KEPT:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = found
        plan, tree = found
        outputs = plan.run(arrays)
        if tree is _ONE:
            return outputs[0]
        rest = iter(outputs)
        return _map(lambda a: next(rest) if isinstance(a, BaseArray) else a, tree)

    def _new(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Plan, Any] | None:
        """The plan for such a call, or None if the function itself is to be called."""
        return self._record(args, kwargs)

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Plan, Any]:
        """The plan for such arguments, and the structure of its outputs."""
        stands: list[Any] = []

        def stand_in(a: Any) -> Any:
            if not isinstance(a, BaseArray):
                return a
            stands.append(wrap(type(a), a._data, a._ctx, a._entry))
            return stands[-1]

        inside, named = _map(stand_in, (list(args), kwargs))
        recording = Recording(stands)
        with recording.scope:
            out = self._function(*inside, **named)
            plan = recording.plan([a for a in _leaves(out) if isinstance(a, BaseArray)])
        return plan, _ONE if isinstance(out, BaseArray) else _map(_forgotten, out)

    def _not_hashed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise InvalidTypeError(
            f"{self!r}: arguments must be arrays, constants that can be hashed, or lists, tuples and dicts "
            "of these")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._function,)

    def __repr__(self) -> str:
        return f"<program {getattr(self._function, '__qualname__', type(self._function).__name__)}>"


class Replay(Program):
    """A program of a function that may be none: it is recorded when a call comes the second time, and called
    itself wherever it cannot be replayed.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._calls: dict[Any, int] = {}

    def _new(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Plan, Any] | None:
        if len(self._calls) >= _NOTED:
            self._calls.clear()
        calls = self._calls[key] = self._calls.get(key, 0) + 1
        if calls < 2 or calls > _TRIES or not any(isinstance(a, BaseArray) for a in _leaves((args, kwargs))):
            return None
        try:
            return self._record(args, kwargs)
        except Exception:       # if it is the caller's error, calling the function raises it
            self._calls[key] = _TRIES
            return None

    def _not_hashed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._function(*args, **kwargs)


def _forgotten(a: Any) -> Any:
    """An output in the structure that a program remembers, without its numbers."""
    return wrap(type(a), None) if isinstance(a, BaseArray) else a


def _signature(value: Any, arrays: list[Any]) -> Any:
    """What of an argument a plan depends on; its arrays are added to `arrays`."""
    if isinstance(value, BaseArray):
        arrays.append(value)
        raw = value._raw
        return value.__class__, raw.shape, raw.dtype, value._ctx, value._entry is None
    if isinstance(value, (list, tuple)):
        return value.__class__, *[_signature(v, arrays) for v in value]
    if isinstance(value, dict):
        return dict, *[(k, _signature(v, arrays)) for k, v in value.items()]
    return value.__class__, value


def program(function: Callable[..., Any]) -> Program:
    """`function` as a program: recorded at the first call, replayed by the next ones.

    Replaying calls the same kernels in the same order, and while recording gives the same graph, without
    Python's way to them: a small op costs about half.  Gradients of every order, `retain_graph`, errors of
    later in-place writes are those of the function itself.

    Parameters
    ----------
    function : callable
        Takes and gives arrays of either frontend, also in lists, tuples and dicts, nested.  Other arguments
        must be hashable.  It is recorded once for every combination of shapes, dtypes, contexts, places on
        the tape (marked or not), other arguments, and scopes of `autograd`.
        Arrays it takes from elsewhere are read each time, and may change their numbers; everything else that
        it does beside calling ops on arrays happens while it is recorded only.

    Returns
    -------
    callable
        The same function to its caller.  May be called by several threads.

    Raises
    ------
    ProgramError
        When called: the function looks at numbers (``if x.sum() > 0``, ``asnumpy``, printing), writes in
        place, draws random numbers, runs a backward, or calls a custom function.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> @autograd.program
    ... def cell(x, h):
    ...     return nd.tanh(x + 0.5 * h)
    >>> h = nd.zeros((1,))
    >>> for x in nd.array([[1.], [2.], [3.]]):
    ...     h = cell(x, h)
    >>> print("%.4f" % h.asscalar())
    0.9981
    """
    return Program(function)
