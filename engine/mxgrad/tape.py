"""Recording state, tape nodes and the reverse pass (level 4).

A recorded call is a plain list, not an object: building a list literal costs a quarter of building an
instance with slots, and it is built for every recorded op.  The indices below name its fields; `invoke`
builds it, this module reads it.  A short node, of an elementwise op of floats of one dtype and shape, has
None for parameters, and parents, values and cells stand in the list itself: [..., version, x's parent, y's
parent, x, y, x's cell, y's cell], or [..., version, parent, value, cell] for one argument.  That leaves the
garbage collector less to look at, which is what long chains wait for.  A node's order is a number that
decreases with every node, so that a heap of orders gives the latest node first; creation order is a
topological order, hence no sort and no recursion.

A folded node stands for the nodes of all steps of a program (see `reverse`): [order, op, code, lasti and ctx
of the last step, reverse, orders of the nodes, version, parents, values, cells, what each cell said].  The
walk has `reverse` compute the cotangents of its parents at once, or opens it.
"""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count, islice
from os.path import dirname
from typing import Any

import numpy

from .base import AutogradError, InplaceError, ProgramError, completed, describe
from .kernels import deferred
from .kernels.deferred import lifted, settled
from .registry import OPS, Op, Spec

ORDER, OP, CODE, LASTI, CTX, PARAMS, OUT, VERSION, PARENTS, VALUES, CELLS = range(11)
VERSIONS = 11
FOLDED = 12     # fields of a folded node, which has its `Reverse` for PARAMS and its orders for OUT
FREED = CTX     # a freed node ends here: [order, op, code, lasti, [order when it was freed]]

_getframe = sys._getframe
_ndarray = numpy.ndarray
_orders = count(0, -1)
next_order: Callable[[], int] = _orders.__next__

NOT_IN_GRAPH = (
    "Cannot differentiate node because it is not in a computational graph. You need to set is_recording to "
    "true or use "
    "autograd.record() to save computational graphs for backward. If you want to differentiate the same "
    "graph twice, you "
    "need to pass retain_graph=True to backward."
)
NO_INPUTS = "There are no inputs in computation graph that require gradients."


class State(threading.local):
    """What each thread sees: the two flags, the line a C or Perl caller said it is at, the recorder of the
    program it is recording.
    """

    def __init__(self) -> None:
        self.recording: bool = False
        self.training: bool = False
        self.location: tuple[str, int] | None = None
        self.program: Any = None


state = State()

_INTERNAL: tuple[str, ...] = (dirname(__file__),)
internal: set[str] = set()      # files under these folders, of those seen so far


def add_internal(folder: str) -> None:
    """Count the code under `folder` as ours: a user's line is never there."""
    global _INTERNAL
    _INTERNAL = (*_INTERNAL, folder)
    internal.clear()


def site(depth: int = 1) -> tuple[Any, int]:
    """(code object, instruction) of the first frame outside the package; decoded by `line_of` only when
    asked.

    Without such a frame, which is how calls from C and Perl arrive, (file, line) as the caller set it.
    """
    try:
        frame: Any = _getframe(depth)
    except ValueError:      # the C library called an operator's function directly
        frame = None
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if file not in internal:
            if not file.startswith(_INTERNAL):
                return state.location or (code, frame.f_lasti)
            internal.add(file)
        frame = frame.f_back
    return state.location or ("", 0)


def line_of(code: Any, lasti: int) -> str:
    """'file:line' of a site, or '' when it is not known."""
    if isinstance(code, str):
        return f"{code}:{lasti}" if code else ""
    for start, end, line in code.co_lines():
        if start <= lasti < end and line is not None:
            return f"{code.co_filename}:{line}"
    return f"{code.co_filename}"


def made_at(node: Any) -> str:
    """' (recorded at file:line)' of a node, or ''."""
    where = line_of(node[CODE], node[LASTI])
    return f" (recorded at {where})" if where else ""


class Leaf(list[Any]):
    """A marked array's place on the tape: [order, gradient array, grad_req, parent entry or None, fresh].

    The parent is set when an intermediate result is marked without leaving its graph, which is what MXNet 2
    does: the cotangent is delivered here and travels on.  `fresh` says whether a backward has delivered since
    it was last set to 0, which is how trainers find gradients that nobody computed.
    """

    __slots__ = ()


class Output(list[Any]):
    """One of several outputs of a node: [order, node, index]."""

    __slots__ = ()


def leaf(grad: Any, grad_req: str, parent: Any = None) -> Leaf:
    return Leaf((next_order(), grad, grad_req, parent, 0))


def next_orders(n: int) -> list[int]:
    """The orders of `n` nodes."""
    return list(islice(_orders, n))


def unfold(node: Any) -> None:
    """Make a folded node the node of its last step, in place."""
    if len(node) == FOLDED:
        node[:] = node[PARAMS].opened(node[OUT], *node[PARENTS:CELLS + 1], node[VERSIONS])


def is_freed(node: Any) -> bool:
    return len(node) == FREED + 1


def parents_of(node: Any) -> Sequence[Any]:
    """The places on the tape of a node's arguments, None for those that have none."""
    if node[PARAMS] is not None:
        return node[PARENTS]        # type: ignore[no-any-return]
    return node[8:9] if len(node) == 11 else node[8:10]     # type: ignore[no-any-return]


def values_of(node: Any) -> Sequence[Any]:
    if node[PARAMS] is not None:
        return node[VALUES]     # type: ignore[no-any-return]
    return node[9:10] if len(node) == 11 else node[10:12]       # type: ignore[no-any-return]


def _cells_of(node: Any) -> Sequence[Any]:
    if node[PARAMS] is not None:
        return node[CELLS]      # type: ignore[no-any-return]
    return [cell for cell in (node[10:] if len(node) == 11 else node[12:]) if cell is not None]


def record(
    op: Op, params: dict[str, Any], ctx: Any, parents: Sequence[Any], values: Sequence[Any],
    arrays: Sequence[Any], out: Any, outs: Sequence[Any], depth: int = 2,
) -> list[Any]:
    """A new node for one call, keeping of the values only what the op's rules read.

    `values` are raw, and `arrays` has the array around each, None for a value that is not one; `out` is the
    raw output, or a tuple of them, in the arrays `outs`.  The version cells that stay are those of the kept
    arrays in their order, then those of the outputs if they are kept.
    A constant that shares its memory with other arrays is kept as a copy: ``z[i] = z[i - 1] * x`` writes
    into z, not into what was read.
    """
    kept: list[Any]
    watched: list[Any] = []
    version = 0
    if not op.keeps:
        kept = [value if a is None else Spec(value.shape, value.dtype) for value, a in zip(values, arrays)]
    else:
        kept = []
        reads = op.reads_always
        if reads is None:
            reads = op.read_by(tuple([parent is not None for parent in parents]))
        for value, a, parent, read in zip(values, arrays, parents, reads):
            if a is None:
                kept.append(value)
            elif read:
                cell = a._version
                if cell is None:
                    cell = a._cell
                if parent is None and len(cell) > 2:
                    value, cell = value.copy(), [0, None]
                kept.append(value)
                watched.append(cell)
                version += cell[0]
            else:
                kept.append(Spec(value.shape, value.dtype))
    if op.keeps_y:
        for a in outs:
            cell = a._cell
            watched.append(cell)
            version += cell[0]
    elif type(out) is tuple:
        out = tuple([Spec(o.shape, o.dtype) for o in out])
    else:
        out = Spec(out.shape, out.dtype)
    code, lasti = site(depth + 1)
    return [next_order(), op, code, lasti, ctx, params, out, version, parents, kept, watched]


class Recorded:
    """The world of arrays: rules run through `invoke`, so the reverse pass is on the tape itself
    (create_graph).

    `wrap(raw, ctx, entry, cell)` makes an array; it is handed in, because the tape does not know the array
    classes.
    """

    def __init__(self, F: Any, wrap: Callable[..., Any]) -> None:
        self.F, self.wrap = F, wrap

    def lift(self, node: list[Any]) -> tuple[Any, Sequence[Any]]:
        ctx, cells = node[CTX], iter(_cells_of(node))
        raw = ctx.backend.ndarray if state.program is None else (ctx.backend.ndarray, state.program.stand_in)
        values = [
            self.wrap(v, ctx, parent, next(cells)) if isinstance(v, raw) else v
            for v, parent in zip(values_of(node), parents_of(node))
        ]
        out = node[OUT]
        if not node[OP].keeps_y:
            return out, values
        if type(out) is tuple:
            return tuple(
                self.wrap(o, ctx, Output((next_order(), node, i)), next(cells)) for i, o in enumerate(out)
            ), values
        return self.wrap(out, ctx, node, next(cells)), values


def walk(
    heads: Sequence[Any], cotangents: Sequence[Any], retain_graph: bool, world: Recorded | None = None,
    wanted: Sequence[Any] = (), only: bool = False,
) -> list[tuple[Any, Any]]:
    """The reverse pass: the (leaf, cotangent) pairs that the head entries depend on.

    The heads are distinct.  Without a `world` the rules run on raw arrays with the kernels of each node's
    backend. Nothing is delivered here, so an error on the way leaves every gradient as it was.  `wanted`
    names entries of intermediate results whose cotangents are given too; with `only` the walk ends at them
    and goes nowhere else: what it does not go through is neither computed, checked nor freed.
    """
    if state.program is not None and world is None:
        raise ProgramError("of derivatives, a program can contain those that autograd.grad gives; run the "
                           "backward on what the program gives")
    asked = {id(e) for e in wanted}
    leads = _leading(heads, wanted) if only else None
    # order -> [entry, cotangent so far, order of the oldest node that gave to it, whether the cotangent is a
    # sum that was made here and that nobody else has seen]
    pending: dict[int, list[Any]] = {}
    owns = world is None
    queue: list[int] = []
    found: list[tuple[Any, Any]] = []
    freed = [0]
    here: Any = None            # the context whose kernels and guard are in use
    guard: Any = None
    p: Any
    F = None if world is None else world.F
    for entry, ct in zip(heads, cotangents):
        if leads is not None and entry[0] not in leads and id(entry) not in asked:
            continue
        pending[entry[0]] = [entry, ct, 1, False]
        heappush(queue, entry[0])
    try:
        while queue:
            node, g, giver, _ = pending.pop(heappop(queue))
            kind = type(node)
            if kind is not list or asked:
                if kind is Leaf or id(node) in asked:
                    found.append((node, g))
                if leads is not None and node[0] not in leads:
                    continue
                if kind is Leaf:
                    if node[3] is None:
                        continue
                    parents: Any = (node[3],)
                    cts: Any = (g,)
                    order = node[0]
                elif kind is Output:
                    order, parent, index = node
                    o = parent[0]
                    if o in pending:
                        # An output lifted into the recorded world is another entry for the same output.
                        given = pending[o][1]
                        given[index] = given[index] + g if index in given else g
                        pending[o][2] = order
                    else:
                        pending[o] = [parent, {index: g}, order, False]
                        heappush(queue, o)
                    continue
            if kind is list:
                size = len(node)
                if size == 14:
                    order, op, _, _, ctx, params, y, version, xe, ye, x1, x2, xc, yc = node
                    if xc is not None:
                        version -= xc[0]
                    if yc is not None:
                        version -= yc[0]
                elif size == 11:
                    order, op, _, _, ctx, params, y, version, parents, xs, cells = node
                    if params is not None:
                        for cell in cells:
                            version -= cell[0]
                    elif cells is not None:
                        version -= cells[0]
                elif size == FOLDED:
                    order, _, _, _, ctx, params, _, version, parents, xs, cells, _ = node
                    for cell in cells:
                        version -= cell[0]
                    if version or world is not None or leads is not None \
                            or (cts := params.cotangents(g, xs)) is None:
                        unfold(node)
                        asked.discard(id(node))     # it has been found
                        pending[order] = [node, g, giver, False]
                        heappush(queue, order)
                        continue
                elif giver < node[FREED][0]:        # recorded after the graph was freed: a constant by then
                    continue
                else:
                    raise AutogradError(_freed(node))
                if version:
                    raise InplaceError(_moved(node))
                if ctx is not here:
                    if guard is not None:
                        guard.__exit__(None, None, None)
                        guard = None
                    here = ctx
                    if world is None:
                        F = ctx.backend.F
                        if ctx.backend.guard is not None:
                            ctx.backend.guard.__enter__()
                            guard = ctx.backend.guard
                if world is not None or leads is not None:
                    parents, xs = parents_of(node), values_of(node)
                    if leads is not None:
                        parents = [p if p is not None and (p[0] in leads or id(p) in asked) else None
                                   for p in parents]
                    if world is not None:
                        y, xs = world.lift(node)
                    if params is None:
                        cts = [None if parent is None else rule(F, g, y, *xs)
                               for rule, parent in zip(op.vjps, parents)]
                    else:
                        cts = _cotangents(F, node, parents, g, y, xs, world is None)
                elif params is None:
                    # A short node: all floats of one dtype and one shape, nothing to check.
                    if size == 11:
                        ye = parents
                        ct = op.vjps[0](F, g, y, xs)
                    else:
                        first, second = op.vjps
                        if xe is not None:
                            ct = first(F, g, y, x1, x2)
                            o = xe[0]
                            p = pending.get(o)
                            if p is None:
                                pending[o] = [xe, ct, order, False]
                                heappush(queue, o)
                            else:
                                if p[3]:
                                    p[1] += ct
                                else:
                                    p[1] = p[1] + ct
                                    p[3] = owns
                                p[2] = order
                        if ye is not None:
                            ct = second(F, g, y, x1, x2)
                    if not retain_graph:
                        node[FREED:] = (freed,)
                    if ye is None:
                        continue
                    o = ye[0]
                    p = pending.get(o)
                    if p is None:
                        pending[o] = [ye, ct, order, False]
                        heappush(queue, o)
                    else:
                        if p[3]:
                            p[1] += ct
                        else:
                            p[1] = p[1] + ct
                            p[3] = owns
                        p[2] = order
                    continue
                elif size == FOLDED:
                    pass
                elif op.adds is None or parents[0] is None or parents[0][0] not in pending:
                    if op.rule is None or g.__class__ is dict:
                        cts = _cotangents(F, node, parents, g, y, xs, True)
                    else:
                        ct = op.rule(F, g, y, xs[0], **params)
                        cts = (_fitted(F, node, ct, xs[0], True),)
                else:
                    (parent, *_), (_, *others), xp = parents, xs, ctx.backend.xp
                    p = pending[parent[0]]
                    if not p[3]:
                        p[1], p[3] = xp.array(settled(p[1])), True
                    p[1], p[2] = op.adds(xp, settled(p[1]), g, *others, **params), order
                    if not retain_graph:
                        node[FREED:] = (freed,)
                    continue
                if not retain_graph:
                    node[FREED:] = (freed,)
            for parent, ct in zip(parents, cts):
                if parent is not None and ct is not None:
                    o = parent[0]
                    p = pending.get(o)
                    if p is None:
                        pending[o] = [parent, ct, order, False]
                        heappush(queue, o)
                    else:
                        if p[3]:
                            p[1] += ct
                        else:
                            p[1] = p[1] + ct
                            p[3] = owns
                        p[2] = order
    except Exception as error:
        _name_failed(node, error)
        raise
    finally:
        if guard is not None:
            guard.__exit__(None, None, None)
        freed[0] = next_order()
    return found


def _leading(heads: Sequence[Any], wanted: Sequence[Any]) -> set[int]:
    """Orders of the entries that lead to one of `wanted` without being one; of freed nodes too, which the
    walk judges.
    """
    ends = {id(e) for e in wanted}
    oldest = max(e[0] for e in wanted)
    parents: dict[int, Sequence[Any]] = {}
    leads: set[int] = set()
    todo = list(heads)
    while todo:
        entry = todo.pop()
        order = entry[0]
        if order > oldest or order in parents or id(entry) in ends:
            continue
        kind = type(entry)
        if kind is list:
            unfold(entry)
        if kind is list and is_freed(entry):
            leads.add(order)
            parents[order] = ()
            continue
        above = (entry[3],) if kind is Leaf else (entry[1],) if kind is Output else parents_of(entry)
        parents[order] = above = [p for p in above if p is not None]
        todo.extend(above)
    for order in sorted(parents, reverse=True):         # the oldest first: parents before children
        if any(id(p) in ends or p[0] in leads for p in parents[order]):
            leads.add(order)
    return leads


def _cotangents(
    F: Any, node: list[Any], parents: Sequence[Any], g: Any, y: Any, xs: Sequence[Any], raw: bool,
) -> list[Any]:
    """The cotangents of one node's arguments, each of its argument's shape and dtype; None where nothing
    flows, or to no parent that counts.  `raw` says in which world the rules run.
    """
    op, params = node[OP], node[PARAMS]
    cts: list[Any]
    if type(g) is dict:
        some = next(iter(g.values()))
        g = tuple(
            g[i] if i in g else None if op.gaps else F.fill(some, shape=o.shape, dtype=o.dtype, value=0)
            for i, o in enumerate(node[OUT])
        )
    if op.joint is not None:
        if op.asks:
            params = {**params, "wanted": [parent is not None for parent in parents]}
        cts = list(op.joint(F, g, y, *xs, **params))
    elif len(xs) == 1 and op.variadic is None:
        rule = op.vjps[0]
        cts = [None if rule is None else rule(F, g, y, xs[0], **params)]
    else:
        rules = op.vjps if op.variadic is None else _spread(op, len(xs))
        cts = [
            None if parent is None or rule is None else rule(F, g, y, *xs, **params)
            for rule, parent in zip(rules, parents)
        ]
    # A joint rule may give more cotangents than there are xs.
    for i, (ct, parent, x) in enumerate(zip(cts, parents, xs)):
        if parent is not None:
            cts[i] = _fitted(F, node, ct, x, raw)
    return cts


def _fitted(F: Any, node: list[Any], ct: Any, x: Any, raw: bool) -> Any:
    """A cotangent as a rule gave it in the shape and dtype of its primal."""
    if ct is None:
        return None
    if ct.shape != x.shape:
        op = node[OP]
        if not op.broadcasts:
            raise AutogradError(
                f"{op.name}: its rule gave a gradient of shape {ct.shape} for an argument of shape {x.shape}"
                f"{made_at(node)}"
            )
        ct = F.sum_to(ct, shape=x.shape)
    if raw:
        if ct.__class__ is _ndarray and ct.size >= deferred.large:
            ct = lifted(ct)
        have, dtype = ct.dtype, x.dtype
    else:
        have, dtype = ct._raw.dtype, x.dtype if type(x) is Spec else x._raw.dtype
    return ct if have is dtype or have == dtype else F.cast(ct, dtype=dtype)


def _spread(op: Op, n: int) -> list[Any]:
    """The rules of a call with `n` arguments of a variadic op: the last rule, made for the index at hand,
    repeats.
    """
    fixed = len(op.arrays)
    return list(op.vjps[:fixed]) + [op.vjps[fixed](i) for i in range(n - fixed)]


def _freed(node: list[Any]) -> str:
    return (
        f"{NOT_IN_GRAPH} The graph through {node[OP].name}{made_at(node)} was freed by an earlier backward; "
        "give that one "
        "retain_graph=True."
    )


def _name_failed(node: Any, error: Exception) -> None:
    """Raise the error of a rule once more, with the op, its line and its arguments; not where the walk itself
    made it, nor where it comes out of a function of the user's.
    """
    if isinstance(error, AutogradError) or type(node) is not list or len(node) in (FREED + 1, FOLDED):
        return
    op = node[OP]
    if op not in OPS.values():
        return
    given = ", ".join(map(describe, values_of(node)))
    params = "".join(f"; {k}={describe(v)}" for k, v in (node[PARAMS] or {}).items())
    text = str(error).split("\n")[0].rstrip(".")
    raise completed(
        error, f"{op.name}{made_at(node)}: its gradient failed: {text} (called with {given}{params})"
    ) from error


def _moved(node: list[Any]) -> str:
    writes = [line_of(*cell[1]) for cell in _cells_of(node) if cell[1] is not None]
    where = f" (written at {', '.join(dict.fromkeys(w for w in writes if w))})" if any(writes) else ""
    return (
        f"{node[OP].name}{made_at(node)}: a value it needs for its gradient was changed in place "
        f"since{where}. Write to a "
        "copy (x.copy()), or call backward before the write."
    )
