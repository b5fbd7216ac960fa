"""Recording scopes, the reverse pass over arrays, custom functions (level 8).

>>> from mxgrad import nd, autograd
>>> x = nd.array([[1, 2], [3, 4]])
>>> x.attach_grad()
>>> with autograd.record():
...     y = 2 * x * x
>>> y.backward()
>>> x.grad.asnumpy().tolist()
[[4.0, 8.0], [12.0, 16.0]]
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from sys import getrefcount
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy

from .array import Array, wrap
from .backend import quietly
from .base import (
    AutogradError, InvalidTypeError, InvalidValueError, NotAnArrayError, UnknownNameError, nearest,
)
from .invoke import F, describe
from .kernels import deferred
from .kernels.deferred import Deferred, evaluate, flush, lifted
from .ndarray import BaseArray, check_grad_req
from .registry import Op
from .tape import (
    CODE,
    LASTI,
    NO_INPUTS,
    NOT_IN_GRAPH,
    OP,
    PARAMS,
    Leaf,
    Output,
    Recorded,
    is_freed,
    line_of,
    next_order,
    parents_of,
    record as tape_record,
    state,
    unfold,
    walk,
)

if TYPE_CHECKING:
    from .functional import *  # noqa: F403
    from .program import *  # noqa: F403

__all__ = [
    "record",
    "pause",
    "train_mode",
    "predict_mode",
    "is_recording",
    "is_training",
    "set_recording",
    "set_training",
    "mark_variables",
    "backward",
    "grad",
    "Function",
    "get_symbol",
    "Symbol",
]

_Fn = TypeVar("_Fn", bound=Callable[..., Any])


def __getattr__(name: str) -> Any:
    # What is built on this module is imported when it is first asked for.
    if name.startswith("_"):
        raise AttributeError(f"module 'mxgrad.autograd' has no attribute {name!r}")
    for module in _above():
        if name in module.__all__:
            return getattr(module, name)
    raise UnknownNameError(f"module 'mxgrad.autograd' has no attribute {name!r}{nearest(name, __dir__())}")


def _above() -> tuple[Any, ...]:
    from . import functional, program

    return functional, program


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for module in _above() for name in module.__all__)})


def is_recording() -> bool:
    """Whether this thread records."""
    return state.recording


def is_training() -> bool:
    """Whether this thread is in training mode (Dropout drops, BatchNorm uses the batch)."""
    return state.training


def set_recording(is_recording: bool) -> bool:
    """Set the flag of this thread and give what it was."""
    before, state.recording = state.recording, bool(is_recording)
    return before


def set_training(train_mode: bool) -> bool:
    """Set the flag of this thread and give what it was."""
    before, state.training = state.training, bool(train_mode)
    return before


class _Scope:
    """Sets either flag (None leaves it) and puts both back, after an exception too.

    It may be entered again and nested, and decorates functions.
    """

    __slots__ = ("_recording", "_training", "_before")

    def __init__(self, recording: bool | None, training: bool | None) -> None:
        self._recording, self._training = recording, training
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        self._before.append((state.recording, state.training))
        if self._recording is not None:
            state.recording = self._recording
        if self._training is not None:
            state.training = self._training

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        state.recording, state.training = self._before.pop()

    def __call__(self, function: _Fn) -> _Fn:
        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with _Scope(self._recording, self._training):
                return function(*args, **kwargs)
        return inside       # type: ignore[return-value]


def record(train_mode: bool = True) -> _Scope:
    """A scope in which calls on marked arrays are recorded; a ``with`` block or a decorator."""
    return _Scope(True, train_mode)


def pause(train_mode: bool = False) -> _Scope:
    """A scope in which nothing is recorded."""
    return _Scope(False, train_mode)


def train_mode() -> _Scope:
    """A scope in training mode; recording stays as it is."""
    return _Scope(None, True)


def predict_mode() -> _Scope:
    """A scope out of training mode; recording stays as it is."""
    return _Scope(None, False)


def _as_list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def mark_variables(variables: Any, gradients: Any, grad_reqs: Any = "write") -> None:
    """Mark arrays as variables whose gradients go into the given arrays (shape and dtype of their variable
    each).

    Raises InvalidValueError, before anything is marked, if the counts or a shape do not fit.
    """
    variables, gradients = _as_list(variables), _as_list(gradients)
    reqs = [grad_reqs] * len(variables) if isinstance(grad_reqs, str) else list(grad_reqs)
    if not len(variables) == len(gradients) == len(reqs):
        raise InvalidValueError(
            f"mark_variables: {len(variables)} variables, {len(gradients)} gradients, {len(reqs)} grad_reqs; "
            "give one each")
    for i, (x, g, req) in enumerate(zip(variables, gradients, reqs)):
        check_grad_req(req)
        for what, a in (("variable", x), ("gradient", g)):
            if not isinstance(a, BaseArray):
                raise NotAnArrayError(f"mark_variables: {what} {i} is not an array: {describe(a)}")
        if x.shape != g.shape:
            raise InvalidValueError(
                f"mark_variables: gradient {i} has shape {g.shape}, its variable has {x.shape}")
    for x, g, req in zip(variables, gradients, reqs):
        x._mark(g, req)


def _heads(heads: Any, head_grads: Any, who: str) -> tuple[list[Any], list[Any]]:
    """Distinct head arrays and their head gradients, checked."""
    heads = _as_list(heads)
    grads = [None] * len(heads) if head_grads is None else _as_list(head_grads)
    if len(grads) != len(heads):
        raise HeadCountError(
            f"heads and head_grads must be lists of the same length: {len(heads)} vs. {len(grads)}")
    if not heads:
        raise AutogradError(f"{who}: no heads given. {NO_INPUTS}")
    for i, (y, g) in enumerate(zip(heads, grads)):
        if not isinstance(y, BaseArray):
            raise NotAnArrayError(f"{who}: head {i} must be an array, got {describe(y)} of type {type(y)}")
        if y._entry is None:
            raise AutogradError(NOT_IN_GRAPH)
        if g is None:
            continue
        if not isinstance(g, BaseArray):
            raise NotAnArrayError(
                f"{who}: the head gradient must be an array like its head, got {describe(g)} of type "
                f"{type(g)}; wrap it "
                "with nd.array(…)"
            )
        if g.shape != y.shape:
            raise InvalidValueError(f"{who}: head gradient of shape {g.shape} for a head of shape {y.shape}")
        if g._raw.dtype != y._raw.dtype:
            raise InvalidTypeError(
                f"{who}: head gradient of dtype {g._raw.dtype.name} for a head of dtype "
                f"{y._raw.dtype.name}; cast it "
                f"with .astype('{y._raw.dtype.name}')"
            )
    return heads, grads


class HeadCountError(InvalidValueError, AssertionError):
    """Heads and head gradients differ in number."""


def _start(heads: list[Any], grads: list[Any], taped: bool) -> tuple[list[Any], list[Any]]:
    """Entries and cotangents to start the walk from; a head given twice counts twice."""
    entries: list[Any] = []
    cts: list[Any] = []
    for y, g in zip(heads, grads):
        if g is None:
            raw = y._raw
            if raw.__class__ is numpy.ndarray and raw.size < deferred.large:
                one = numpy.empty(raw.shape, raw.dtype)
                one.fill(1)
            else:
                one = y._ctx.backend.forward["fill"](raw, shape=raw.shape, dtype=raw.dtype, value=1)
            g = wrap(type(y), one, y._ctx)
        elif g._ctx.backend is not y._ctx.backend:
            g = g.as_in_context(y._ctx)
        for i, entry in enumerate(entries):
            if entry is y._entry:
                cts[i] = F.add(cts[i], g)
                break
        else:
            entries.append(y._entry)
            cts.append(g)
    return entries, cts if taped else [lifted(c._raw) for c in cts]


def backward(
    heads: Any, head_grads: Any = None, retain_graph: bool = False, train_mode: bool = True,
) -> None:
    """Gradients of the sum of `heads`, each weighted by its head gradient (ones if None), into the marked
    arrays.

    Nothing is written unless the whole pass succeeds.  Raises AutogradError if a head does not depend on a
    marked array, InplaceError if a value the pass needs was overwritten, InvalidValueError for a head
    gradient that does not fit.
    """
    heads, grads = _heads(heads, head_grads, "backward")
    before = state.recording, state.training
    state.recording, state.training = False, bool(train_mode)
    try:
        with quietly():
            found = walk(*_start(heads, grads, False), retain_graph)
        # The stand-ins of `functional` have no buffer.
        pairs = [[leaf, ct] for leaf, ct in found if leaf[2] != "null" and leaf[1] is not None]
        if not pairs:
            raise AutogradError(NO_INPUTS)
        found.clear()       # only `pairs` have the cotangents
        late = _deliver_ready(pairs)
        pairs.clear()
        if late:
            _deliver_together(late)
    finally:
        state.recording, state.training = before


def _deliver_ready(found: list[list[Any]]) -> list[list[Any]]:
    """Write the gradients that are there; give the other pairs of leaf and cotangent, which were put off."""
    late = []
    for pair in found:
        leaf = pair[0]
        if pair[1].__class__ is Deferred:
            late.append(pair)
            continue
        if pair[1].size > _COPIED and _give_memory(pair):
            leaf[1]._cell[0] += 1
        elif leaf[1]._ctx.backend.guard is None:
            _deliver(leaf[1], pair[1], leaf[2] == "add")
        else:
            with leaf[1]._ctx.backend.guard:
                _deliver(leaf[1], pair[1], leaf[2] == "add")
        leaf[4] = 1
    return late


def _deliver(grad: Any, ct: Any, add: bool) -> None:
    data = _buffer(grad, ct)
    if add:
        ct = data + ct
    data[...] = ct
    grad._cell[0] += 1


def _buffer(grad: Any, ct: Any) -> Any:
    """The memory of a gradient buffer, which nobody waits to read any more."""
    data = grad._data
    if ct.shape != data.shape:
        raise InvalidValueError(f"the gradient buffer has shape {data.shape}, the gradient {ct.shape}")
    flush(data)
    return data


def _deliver_together(late: list[list[Any]]) -> None:
    """Gradients that were put off: one pass computes them, straight into their buffers.

    A cotangent that somebody else has, too, such as a second leaf, keeps memory of its own.
    """
    given = [_give_memory(pair) for pair in late]
    # who else had a cotangent may have been computed with it, and not need it any more
    for pair in _computed([pair for pair, done in zip(late, given) if not done]):
        if not _give_memory(pair):
            numpy.copyto(pair[0][1]._data, pair[1].value())
    for leaf, _ in late:
        leaf[1]._cell[0] += 1
        leaf[4] = 1


def _computed(left: list[list[Any]]) -> list[list[Any]]:
    """Compute the cotangents, into the gradients where nobody else has them, and give the other pairs."""
    shared = []
    roots: list[Any] = []
    into: list[Any] = []
    for pair, buffer in zip(left, [_buffer(pair[0][1], pair[1]) for pair in left]):
        if pair[0][2] == "add":
            roots.append(buffer + pair[1])
            into.append(buffer)
            continue
        alone = getrefcount(pair[1]) == _ONE
        if not alone:
            shared.append(pair)
        roots.append(pair[1])
        into.append(buffer if alone else None)
    evaluate(roots, into)
    return shared


def _give_memory(pair: list[Any]) -> bool:
    """Have the gradient of [leaf, cotangent] refer to the cotangent, if nobody else does, nor to what the
    gradient was before: that takes no time, a copy would take as long as many a kernel.
    """
    leaf, grad = pair[0], pair[0][1]
    if leaf[2] == "add" or getrefcount(pair[1]) != _ONE:
        return False
    if pair[1].__class__ is not Deferred:
        value = pair[1]
    elif pair[1].is_known and getrefcount(pair[1].value()) == _ONE:
        value = pair[1].value()
    else:
        return False
    if (value.__class__ is not numpy.ndarray or grad._raw.__class__ is not numpy.ndarray
            or getrefcount(grad._raw) != _ONE
            or grad._raw.base is not None or value.base is not None         # parts of other arrays
            or not deferred.is_ours(grad._raw) or not deferred.is_ours(value)
            or not value.flags.carray or (grad.shape, grad.dtype) != (value.shape, value.dtype)):
        return False
    grad._raw = value
    return True


def _references(place: list[Any]) -> int:
    return getrefcount(place[0])


_COPIED = 4096
"""Of cotangents that have no more elements, a copy costs less than the question whether it is needed."""

_ONE = _references([object()])
"""What the counter says of an object that one place refers to."""


def grad(
    heads: Any,
    variables: Any,
    head_grads: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    train_mode: bool = True,
) -> list[Any]:
    """The gradients of `heads` by `variables`, as a list of new arrays; `.grad` is left alone.

    With `create_graph` the reverse pass is itself recorded, so that the results can be differentiated again,
    to any order.  Variables are marked arrays or intermediate results on the way.  `retain_graph` defaults
    to `create_graph`.

    >>> from mxgrad import nd, autograd
    >>> x = nd.array([2.])
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     y = x ** 3
    ...     dy = autograd.grad(y, x, create_graph=True)[0]
    >>> dy.backward()
    >>> dy.asnumpy().tolist(), x.grad.asnumpy().tolist()
    ([12.0], [12.0])
    """
    heads, grads = _heads(heads, head_grads, "grad")
    variables = _as_list(variables)
    if not variables:
        raise EmptyVariablesError("variables cannot be an empty list.")
    for i, x in enumerate(variables):
        if not isinstance(x, BaseArray):
            raise NotAnArrayError(f"grad: variable {i + 1} is not an array: {describe(x)}")
        entry = x._entry
        if entry is None or type(entry) is Leaf and entry[2] == "null":
            raise AutogradError(
                f"Cannot differentiate with respect to the {i + 1}-th variable because it does not require "
                "gradient. "
                "Mark it with attach_grad() before recording."
            )
    before = state.recording, state.training
    state.recording, state.training = create_graph, bool(train_mode)
    cls = type(heads[0])
    retain = create_graph if retain_graph is None else retain_graph
    try:
        with quietly():
            taped = create_graph or state.program is not None
            world = Recorded(F, lambda *a: wrap(cls, *a)) if taped else None
            entries, cts = _start(heads, grads, taped)
            found = {
                id(leaf): ct for leaf, ct in walk(entries, cts, retain, world, [x._entry for x in variables])
            }
    finally:
        state.recording, state.training = before
    out = []
    for i, x in enumerate(variables):
        ct = found.get(id(x._entry))
        if ct is None:
            raise AutogradError(
                f"Cannot differentiate with respect to the {i + 1}-th variable because it is unreachable "
                "from the "
                "outputs."
            )
        out.append(ct if taped else wrap(type(x), x._ctx.backend.forward["copy"](ct), x._ctx))
    return out


class EmptyVariablesError(InvalidValueError, AssertionError):
    """No variables to differentiate by."""


# -- custom functions ----------------------------------------------------------------------------------------


def _function_kernel(xp: Any, *inputs: Any) -> Any:
    raise AutogradError("a custom function is called through its object")


class FunctionUseError(AutogradError, AssertionError, AttributeError):
    """A Function object called twice, or one whose __init__ did not call super().__init__()."""


class Function:
    """A function with a gradient of its own.

    Subclasses define ``forward(self, *inputs)``, giving one array or a tuple or list of them, and
    ``backward(self, *head_grads)``, giving one gradient per input (None where no gradient flows).  Both run
    outside recording, unless the gradient itself is differentiated.  An object is called once.

    >>> from mxgrad import nd, autograd
    >>> class Sigmoid(autograd.Function):
    ...     def forward(self, x):
    ...         y = 1 / (1 + nd.exp(-x))
    ...         self.save_for_backward(y)
    ...         return y
    ...     def backward(self, dy):
    ...         y, = self.saved_tensors
    ...         return dy * y * (1 - y)
    >>> x = nd.array([0.])
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     y = Sigmoid()(x)
    >>> y.backward()
    >>> x.grad.asnumpy().tolist()
    [0.25]
    """

    def __init__(self) -> None:
        self._used = False
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *args: Any) -> None:
        """Keep arrays for `backward`, which finds them in `self.saved_tensors`."""
        self.saved_tensors = args

    def forward(self, *inputs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, *head_grads: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    def __call__(self, *inputs: Any) -> Any:
        if not hasattr(self, "_used"):
            raise FunctionUseError(f"{type(self).__name__}.__init__ must call super().__init__()")
        if self._used:
            raise FunctionUseError(
                "Each Function instance can only be called once. Please create another instance.")
        for i, x in enumerate(inputs):
            if not isinstance(x, BaseArray):
                raise NotAnArrayError(
                    f"{type(self).__name__}: input {i} must be an array, got {describe(x)} of type {type(x)}")
        self._used = True
        with _Scope(False, None):
            given = self.forward(*inputs)
        outputs = list(given) if isinstance(given, (list, tuple)) else [given]
        for i, y in enumerate(outputs):
            if not isinstance(y, BaseArray):
                raise NotAnArrayError(
                    f"{type(self).__name__}.forward: output {i} is not an array: {describe(y)}"
                )
        if not state.recording or all(x._entry is None for x in inputs):
            return given
        # An output that is an input, or is on the tape already, gets an identity of its own.
        outputs = [wrap(type(y), y._data, y._ctx) for y in outputs]
        node = tape_record(
            _function_op(self, inputs, outputs), {}, outputs[0]._ctx, tuple(x._entry for x in inputs),
            [x._data for x in inputs], inputs, tuple(y._data for y in outputs), outputs,
        )
        for i, y in enumerate(outputs):
            y._entry = Output((next_order(), node, i))
        if isinstance(given, BaseArray):
            return outputs[0]
        return type(given)(outputs) if type(given) in (list, tuple) else outputs


def _function_op(function: Function, inputs: Sequence[Any], outputs: Sequence[Any]) -> Op:
    """The op a custom function is on the tape: its joint rule calls `backward` with arrays."""
    name = type(function).__name__
    flavour = [type(y) for y in outputs]
    ctxs = [y._ctx for y in outputs]
    specs = [(x.shape, x._raw.dtype) for x in inputs]

    def joint(F_: Any, gs: Any, ys: Any, *xs: Any) -> list[Any]:
        raw = not isinstance(gs[0], Array)
        heads = [wrap(cls, g, ctx) for cls, g, ctx in zip(flavour, gs, ctxs)] if raw else list(gs)
        with _Scope(not raw, None):
            given = function.backward(*heads)
        grads = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(grads) != len(specs):
            raise FunctionGradError(
                f"{name}.backward gave {len(grads)} gradients for {len(specs)} inputs of forward; give one "
                "each, None "
                "where no gradient flows"
            )
        for i, (g, (shape, _)) in enumerate(zip(grads, specs)):
            if g is None:
                continue
            if not isinstance(g, BaseArray):
                raise FunctionGradError(f"{name}.backward: gradient {i} is not an array: {describe(g)}")
            if g.shape != shape:
                raise FunctionGradError(
                    f"{name}.backward: gradient {i} has shape {g.shape}, input {i} of forward has {shape}")
        return [g._data if raw and g is not None else g for g in grads]

    return Op(name, _function_kernel, (), joint, "", False, False, {}, "", None, "free", True, False)


class FunctionGradError(AutogradError, ValueError, TypeError):
    """What a custom backward returned does not fit the inputs of its forward."""


# -- a readable graph ----------------------------------------------------------------------------------------


class Symbol:
    """The recorded graph of an array, to read: `list_arguments()`, `list_ops()`, `tojson()`, and a text
    tree.
    """

    def __init__(self, nodes: list[dict[str, Any]], name: str) -> None:
        self._nodes, self.name = nodes, name

    def list_arguments(self) -> list[str]:
        """Names of the variables, in the order of their first use."""
        return [n["name"] for n in self._nodes if n["op"] == "null"]

    def list_ops(self) -> list[str]:
        """Names of the ops, in the order they ran."""
        return [n["op"] for n in self._nodes if n["op"] != "null"]

    def tojson(self) -> str:
        """JSON in the shape of MXNet's graphs: nodes with op, name, attrs and inputs; arg_nodes; heads."""
        import json

        return json.dumps({
            "nodes": self._nodes,
            "arg_nodes": [i for i, n in enumerate(self._nodes) if n["op"] == "null"],
            "heads": [[len(self._nodes) - 1, 0, 0]],
        }, indent=2)

    def __repr__(self) -> str:
        return f"<Symbol {self.name}>"

    def __str__(self) -> str:
        return "\n".join(
            f"{n['name']} = {n['op']}({', '.join(self._nodes[i[0]]['name'] for i in n['inputs'])})"
            + (f"    # {n['attrs']['recorded_at']}" if "recorded_at" in n["attrs"] else "")
            for n in self._nodes if n["op"] != "null"
        ) or self.name


def get_symbol(x: Any) -> Symbol:
    """The graph that computed `x` while recording; AutogradError if there is none."""
    if not isinstance(x, BaseArray):
        raise NotAnArrayError(f"get_symbol: not an array: {describe(x)}")
    if x._entry is None:
        raise AutogradError(
            "NDArray is not part of a computation graph. Did you forget to turn on recording?"
        )
    reached: dict[int, Any] = {}
    todo = [x._entry]
    while todo:
        entry = todo.pop()
        node = entry[1] if type(entry) is Output else entry
        if node[0] in reached:
            continue
        reached[node[0]] = node
        if type(node) is not Leaf:
            unfold(node)
            if is_freed(node):
                raise AutogradError(f"get_symbol: the graph was freed by backward. {NOT_IN_GRAPH}")
            todo.extend(p for p in parents_of(node) if p is not None)
        elif node[3] is not None:
            todo.append(node[3])
    ordered = sorted(reached.values(), key=lambda n: -n[0])
    at = {n[0]: i for i, n in enumerate(ordered)}
    nodes: list[dict[str, Any]] = []
    variables = ops = 0
    for node in ordered:
        if type(node) is Leaf and node[3] is None:
            nodes.append({"op": "null", "name": f"var{variables}", "attrs": {}, "inputs": []})
            variables += 1
            continue
        if type(node) is Leaf:
            parents: Sequence[Any] = (node[3],)
            op_name, attrs = "mark", {}
        else:
            parents, op_name = parents_of(node), node[OP].name
            attrs = {k: str(v) for k, v in (node[PARAMS] or {}).items()}
            where = line_of(node[CODE], node[LASTI])
            if where:
                attrs["recorded_at"] = where
        inputs = []
        for p in parents:
            if p is not None:
                inner, index = (p[1], p[2]) if type(p) is Output else (p, 0)
                inputs.append([at[inner[0]], index, 0])
        nodes.append({"op": op_name, "name": f"node_{ops}", "attrs": attrs, "inputs": inputs})
        ops += 1
    return Symbol(nodes, nodes[-1]["name"])

