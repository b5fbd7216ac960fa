"""Recording state, tape nodes and the reverse pass (level 4).

A recorded call is a plain list, not an object: building a list literal costs a quarter of building an instance with
slots, and it is built for every recorded op.  The indices below name its fields; `invoke` builds it, this module reads
it.  A node's order is a number that decreases with every node, so that a heap of orders gives the latest node first;
creation order is a topological order, hence no sort and no recursion.
"""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from heapq import heappop, heappush
from itertools import count
from os.path import dirname
from typing import Any

from .base import AutogradError, InplaceError
from .registry import Op, Spec

ORDER, OP, PARAMS, CTX, PARENTS, VALUES, OUT, CELLS, VERSION, CODE, LASTI = range(11)

next_order: Callable[[], int] = count(0, -1).__next__

NOT_IN_GRAPH = (
    "Cannot differentiate node because it is not in a computational graph. You need to set is_recording to true or use "
    "autograd.record() to save computational graphs for backward. If you want to differentiate the same graph twice, you "
    "need to pass retain_graph=True to backward."
)
NO_INPUTS = "There are no inputs in computation graph that require gradients."


class State(threading.local):
    """What each thread sees: the two flags, and the line a C or Perl caller said it is at."""

    def __init__(self) -> None:
        self.recording: bool = False
        self.training: bool = False
        self.location: tuple[str, int] | None = None


state = State()

_PACKAGE = dirname(__file__)


def site(depth: int = 1) -> tuple[Any, int]:
    """(code object, instruction) of the first frame outside the package; decoded by `line_of` only when asked.

    Without such a frame, which is how calls from C and Perl arrive, (file, line) as the caller set it.
    """
    frame = sys._getframe(depth)
    while frame.f_code.co_filename.startswith(_PACKAGE):
        back = frame.f_back
        if back is None:
            return state.location or ("", 0)
        frame = back
    if state.location is not None:
        return state.location
    return frame.f_code, frame.f_lasti


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


class Leaf(list):
    """A marked array's place on the tape: [order, gradient array, grad_req, parent entry or None].

    The parent is set when an intermediate result is marked without leaving its graph, which is what MXNet 2 does: the
    cotangent is delivered here and travels on.
    """

    __slots__ = ()


class Output(list):
    """One of several outputs of a node: [order, node, index]."""

    __slots__ = ()


def leaf(grad: Any, grad_req: str, parent: Any = None) -> Leaf:
    return Leaf((next_order(), grad, grad_req, parent))


def record(
    op: Op, params: dict[str, Any], ctx: Any, parents: tuple[Any, ...], values: Sequence[Any],
    cells: Sequence[Any], out: Any, out_cells: Sequence[Any], depth: int = 2,
) -> list[Any]:
    """A new node for one call, keeping of the values only what the op's rules read.

    `out` is the raw output, or a tuple of them.
    """
    kept: list[Any] = []
    watched: list[Any] = []
    version = 0
    keeps = op.keeps
    for i, value in enumerate(values):
        cell = cells[i]
        if cell is None:
            kept.append(value)
        elif op.keeps_all or str(i) in keeps:
            kept.append(value)
            version += cell[0]
        else:
            kept.append(Spec(value.shape, value.dtype))
            cell = None
        watched.append(cell)
    outs: Any
    if op.keeps_y:
        outs = out
        watched.extend(out_cells)
        version += sum(cell[0] for cell in out_cells)
    elif type(out) is tuple:
        outs = tuple(Spec(o.shape, o.dtype) for o in out)
    else:
        outs = Spec(out.shape, out.dtype)
    code, lasti = site(depth + 1)
    return [next_order(), op, params, ctx, parents, tuple(kept), outs, tuple(watched), version, code, lasti]


class Recorded:
    """The world of arrays: rules run through `invoke`, so the reverse pass is on the tape itself (create_graph).

    `wrap(raw, ctx, entry, cell)` makes an array; it is handed in, because the tape does not know the array classes.
    """

    def __init__(self, F: Any, wrap: Callable[..., Any]) -> None:
        self.F, self.wrap = F, wrap

    def lift(self, node: list[Any]) -> tuple[Any, list[Any]]:
        ctx, cells = node[CTX], node[CELLS]
        values = [
            value if cell is None else self.wrap(value, ctx, parent, cell)
            for value, parent, cell in zip(node[VALUES], node[PARENTS], cells)
        ] if node[VALUES] is not None else [None] * len(node[PARENTS])
        out = node[OUT]
        if not node[OP].keeps_y:
            return out, values
        own = cells[len(values):]
        if type(out) is tuple:
            lifted: Any = tuple(
                self.wrap(o, ctx, Output((next_order(), node, i)), c) for i, (o, c) in enumerate(zip(out, own))
            )
        else:
            lifted = self.wrap(out, ctx, node, own[0])
        return lifted, values


def walk(
    heads: Sequence[Any], cotangents: Sequence[Any], retain_graph: bool, world: Recorded | None = None,
    wanted: Sequence[Any] = (),
) -> list[tuple[Any, Any]]:
    """The reverse pass: the (leaf, cotangent) pairs that the head entries depend on.

    The heads are distinct.  Without a `world` the rules run on raw arrays with the kernels of each node's backend.  Nothing is delivered here,
    so an error on the way leaves every gradient as it was.  `wanted` names entries of intermediate results whose
    cotangents are given too.
    """
    asked = {id(e) for e in wanted}
    pending: dict[int, tuple[Any, Any]] = {}
    queue: list[int] = []
    found: list[tuple[Any, Any]] = []
    F = None if world is None else world.F
    for entry, ct in zip(heads, cotangents):
        pending[entry[0]] = (entry, ct)
        heappush(queue, entry[0])
    while queue:
        node, g = pending.pop(heappop(queue))
        kind = type(node)
        if asked and kind is not Leaf and id(node) in asked:
            found.append((node, g))
        if kind is not list:
            if kind is Leaf:
                found.append((node, g))
                parent = node[3]
                if parent is not None:
                    _give(pending, queue, parent, g, node[1]._ctx.backend.guard)
            else:
                _, parent, index = node
                order = parent[0]
                if order in pending:
                    pending[order][1][index] = g
                else:
                    pending[order] = (parent, {index: g})
                    heappush(queue, order)
            continue
        order, op, params, ctx, parents, xs, y, cells, version, _, _ = node
        if parents is None:
            raise AutogradError(_freed(node))
        now = 0
        for cell in cells:
            if cell is not None:
                now += cell[0]
        if now != version:
            raise InplaceError(_moved(node))
        if world is None:
            backend = ctx.backend
            F = backend.F
            guard = backend.guard
        else:
            y, xs = world.lift(node)
            guard = None
        if guard is not None:
            guard.__enter__()
        try:
            if type(g) is dict:
                g = tuple(g[i] if i in g else F.fill(next(iter(g.values())), shape=o.shape, dtype=o.dtype, value=0)
                          for i, o in enumerate(node[OUT]))
            if xs is None:      # an elementwise op that keeps nothing and did not broadcast
                for rule, parent in zip(op.vjps, parents):
                    if parent is not None:
                        ct = rule(F, g, None, None, None)
                        if type(parent) is list and parent[PARENTS] is None:
                            if _outlived(parent, node):
                                continue
                        o = parent[0]
                        p = pending.get(o)
                        if p is None:
                            pending[o] = (parent, ct)
                            heappush(queue, o)
                        else:
                            pending[o] = (parent, p[1] + ct)
            else:
                if op.joint is not None:
                    cts: Any = op.joint(F, g, y, *xs, **params)
                else:
                    rules = op.vjps if len(op.vjps) == len(xs) else _spread(op, len(xs))
                    cts = [
                        None if parent is None or rule is None else rule(F, g, y, *xs, **params)
                        for rule, parent in zip(rules, parents)
                    ]
                for ct, parent, x in zip(cts, parents, xs):
                    if parent is None or ct is None:
                        continue
                    if ct.shape != x.shape:
                        if not op.broadcasts:
                            raise AutogradError(
                                f"{op.name}: its rule gave a gradient of shape {ct.shape} for an argument of shape "
                                f"{x.shape}{made_at(node)}"
                            )
                        ct = F.sum_to(ct, shape=x.shape)
                    if ct.dtype is not x.dtype and ct.dtype != x.dtype:
                        ct = F.cast(ct, dtype=x.dtype)
                    if type(parent) is list and parent[PARENTS] is None:
                        if _outlived(parent, node):
                            continue
                    o = parent[0]
                    p = pending.get(o)
                    if p is None:
                        pending[o] = (parent, ct)
                        heappush(queue, o)
                    else:
                        pending[o] = (parent, p[1] + ct)
        finally:
            if guard is not None:
                guard.__exit__(None, None, None)
        if not retain_graph:
            node[PARENTS] = node[VALUES] = node[OUT] = None
            node[CELLS] = ()
            node[VERSION] = next_order()        # when it was freed
    return found


def _give(pending: dict[int, tuple[Any, Any]], queue: list[int], entry: Any, ct: Any, guard: Any) -> None:
    order = entry[0]
    if order in pending:
        with guard or nullcontext():
            pending[order] = (entry, pending[order][1] + ct)
    else:
        pending[order] = (entry, ct)
        heappush(queue, order)


def _spread(op: Op, n: int) -> list[Any]:
    """The rules of a call with `n` arguments of a variadic op: the last rule, made for the index at hand, repeats."""
    fixed = len(op.arrays)
    return list(op.vjps[:fixed]) + [op.vjps[fixed](i) for i in range(n - fixed)]


def _outlived(parent: list[Any], node: list[Any]) -> bool:
    """True if `node` was recorded after the graph of `parent` was freed: the parent's array was a constant then."""
    if node[ORDER] < parent[VERSION]:
        return True
    raise AutogradError(_freed(parent))


def _freed(node: list[Any]) -> str:
    return (
        f"{NOT_IN_GRAPH} The graph through {node[OP].name}{made_at(node)} was freed by an earlier backward; give that one "
        "retain_graph=True."
    )


def _moved(node: list[Any]) -> str:
    writes = [line_of(*cell[1]) for cell in node[CELLS] if cell is not None and cell[1] is not None]
    where = f" (written at {', '.join(dict.fromkeys(w for w in writes if w))})" if any(writes) else ""
    return (
        f"{node[OP].name}{made_at(node)}: a value it needs for its gradient was changed in place since{where}. Write to a "
        "copy (x.copy()), or call backward before the write."
    )
