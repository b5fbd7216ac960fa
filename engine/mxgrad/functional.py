"""Functional calculus on the same rules: jvp, vjp, Jacobians, Hessians, recomputation (level 9).

All of these are names of `mxgrad.autograd`.  Each calls a Python function once, recorded, on stand-ins for
the arrays to differentiate by.  A stand-in shares its array's memory and has a place of its own on the tape,
so that the caller's marks and gradient buffers are left alone.  While the caller records, it leads on to the
array's own place: results can be differentiated again, and calls nest to any order.  The flag
`autograd.is_training` stays as the caller has it.

Arguments and results may be arrays of either frontend, and lists, tuples and dicts of them, nested; results
have the structure, dtype and context of what they belong to.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .array import Array, wrap
from .autograd import _function_kernel, _Scope, _start
from .backend import quietly
from .base import AutogradError, InvalidTypeError, InvalidValueError, NotAnArrayError
from .context import current_context
from .invoke import F, describe
from .ndarray import BaseArray
from .random import noting, replaying
from .registry import Op
from .tape import Leaf, Output, Recorded, is_freed, leaf, next_order, parents_of, record, state, walk

__all__ = ["vjp", "jvp", "jacobian", "hessian", "hvp", "value_and_grad", "grad_and_loss", "checkpoint"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


# -- structures of arrays ------------------------------------------------------------------------------------


def _map(f: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with `f` of each leaf, in order."""
    if isinstance(tree, dict):
        return {k: _map(f, v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [_map(f, v) for v in tree]
        if isinstance(tree, list):
            return items
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    return f(tree)


def _leaves(tree: Any) -> list[Any]:
    found: list[Any] = []
    _map(found.append, tree)
    return found


def _build(tree: Any, values: Iterable[Any], where: Callable[[Any], bool]) -> Any:
    """`tree` with `values` at the leaves that `where` is true of, None at the others."""
    rest = iter(values)
    return _map(lambda a: next(rest) if where(a) else None, tree)


def _is_float(a: Any) -> bool:
    return isinstance(a, BaseArray) and a._data.dtype.kind == "f"


def _fitting(name: str, tree: Any, given: Any) -> list[Any]:
    """What `given` has for the floating point arrays of `tree`, in their order; None where it has None.

    `name` says what it is, for errors.
    """
    if isinstance(tree, dict):
        if not isinstance(given, dict) or tree.keys() != given.keys():
            got = f"the keys {list(given)}" if isinstance(given, dict) else f"a {type(given).__name__}"
            raise InvalidValueError(f"{name} must be a dict with the keys {list(tree)}, got {got}")
        return [v for k in tree for v in _fitting(f"{name}[{k!r}]", tree[k], given[k])]
    if isinstance(tree, (list, tuple)):
        if not isinstance(given, (list, tuple)) or len(tree) != len(given):
            got = str(len(given)) if isinstance(given, (list, tuple)) else f"a {type(given).__name__}"
            raise InvalidValueError(f"{name} must be a list or tuple of {len(tree)}, got {got}")
        return [v for i, a in enumerate(tree) for v in _fitting(f"{name}[{i}]", a, given[i])]
    if not _is_float(tree):
        if given is not None:
            raise InvalidTypeError(
                f"{name} must be None, because {_said(tree)} is not differentiated; got {_said(given)}")
        return []
    if given is None:
        return [None]
    if not isinstance(given, BaseArray):
        raise NotAnArrayError(f"{name} must be an array, {_said(tree)}; got {describe(given)} of type "
                              f"{type(given)}")
    if given.shape != tree.shape:
        raise InvalidValueError(f"{name} has shape {given.shape}, it must have {tree.shape}")
    dtype = tree._data.dtype
    if given._data.dtype != dtype:
        raise InvalidTypeError(
            f"{name} has dtype {given._data.dtype.name}, it must have {dtype.name}; cast it with "
            f".astype('{dtype.name}')")
    return [given if given._ctx.backend is tree._ctx.backend else given.as_in_context(tree._ctx)]


def _said(a: Any) -> str:
    return describe(a._data if isinstance(a, BaseArray) else a)


# -- one recorded call ---------------------------------------------------------------------------------------


class _Call:
    """``f(*args, **kwargs)``, recorded, and the pass back from its result.

    Stand-ins are made for the floating point arrays of the arguments numbered `argnums`.  `linked` says that
    the caller records too.
    """

    def __init__(
        self, who: str, f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int],
        kwargs: dict[str, Any], has_aux: bool = False,
    ) -> None:
        if not callable(f):
            raise InvalidTypeError(f"{who}: f must be a function, got {describe(f)} of type {type(f)}")
        self.who, self.linked = who, state.recording
        self.xs: list[Any] = []
        self.at: list[Leaf] = []
        for i in argnums:
            if not any(_is_float(a) for a in _leaves(args[i])):
                kinds = ", ".join(_said(a) for a in _leaves(args[i])) or "nothing"
                raise NotAnArrayError(
                    f"{who}: argument {i} must be, or hold, an array of a floating point dtype to "
                    f"differentiate by, got {kinds}")
        if not argnums:
            raise NotAnArrayError(f"{who}: no arguments are given to differentiate by")
        inside = [_map(self._stand_in, a) if i in argnums else a for i, a in enumerate(args)]
        with _Scope(True, state.training):
            out = f(*inside, **kwargs)
            if has_aux:
                if not isinstance(out, (tuple, list)) or len(out) != 2:
                    raise InvalidTypeError(
                        f"{who}: with has_aux f must return a pair (value, aux), got {describe(out)} of type "
                        f"{type(out)}")
                out, aux = out
            # Nothing that is given back may be an argument: a write to one would be a write to the other.
            own = {id(a) for a in self.at}
            out = _map(lambda y: F.copy(y) if isinstance(y, BaseArray) and id(y._entry) in own else y, out)
        self.tree = out
        arrays = _leaves(out)
        for y in arrays:
            if not isinstance(y, BaseArray):
                raise NotAnArrayError(
                    f"{who}: f must return an array, or a list, tuple or dict of arrays; it returned "
                    f"{describe(y)} of type {type(y)}")
        self.ys = [y for y in arrays if _is_float(y)]
        if not self.ys:
            kinds = ", ".join(describe(y._data) for y in arrays) or "nothing"
            raise InvalidTypeError(
                f"{who}: f must return an array of a floating point dtype, it gave {kinds}")
        self.outputs = _map(self._cut, out)
        self.aux = _map(self._cut, aux) if has_aux else None

    def _stand_in(self, x: Any) -> Any:
        if not _is_float(x):
            return x
        self.xs.append(x)
        self.at.append(leaf(None, "write", x._entry if self.linked else None))
        return wrap(type(x), x._data, x._ctx, self.at[-1], x._cell)

    def _cut(self, y: Any) -> Any:
        """An output as the caller gets it: on the tape only if the caller records."""
        if self.linked or not isinstance(y, BaseArray) or y._entry is None:
            return y
        return wrap(type(y), y._data, y._ctx, None, y._cell)

    def the_number(self) -> Any:
        """The only output, of size 1."""
        y = self.tree
        if not isinstance(y, BaseArray) or y.size != 1:
            got = describe(y._data) if isinstance(y, BaseArray) else f"a {type(y).__name__}"
            raise InvalidValueError(
                f"{self.who}: f must return one number, an array of size 1; it gave {got}")
        return y

    def pull(self, cotangents: Sequence[Any], taped: bool, retain: bool) -> list[Any]:
        """The cotangents of `xs`, new arrays, from those of `ys` (None for zero)."""
        with quietly():
            found = _pull(self.ys, cotangents, self.at, taped, retain)
            return _given(found, self.xs, cotangents, taped)


def _pull(
    heads: Sequence[Any], cotangents: Sequence[Any], wanted: Sequence[Any], taped: bool, retain: bool,
    constants: bool = False,
) -> list[Any]:
    """What reaches the entries `wanted`: raw, or arrays if the pass is `taped`; None where nothing does.

    With `constants` the pass is on the tape as a function of the cotangents only.
    """
    pairs = [(y, g) for y, g in zip(heads, cotangents) if g is not None and y._entry is not None]
    if not pairs or not wanted:
        return [None] * len(wanted)
    cls = type(pairs[0][0])

    def lift(data: Any, ctx: Any, entry: Any = None, cell: Any = None) -> Any:
        return wrap(cls, data, ctx, None if constants else entry, cell)

    with _Scope(taped, None), quietly():
        entries, cts = _start([y for y, _ in pairs], [g for _, g in pairs], taped)
        found = {
            id(e): ct
            for e, ct in walk(entries, cts, retain, Recorded(F, lift) if taped else None, wanted, only=True)
        }
    return [found.get(id(e)) for e in wanted]


def _given(found: Sequence[Any], like: Sequence[Any], used: Iterable[Any], taped: bool) -> list[Any]:
    """What `_pull` found as arrays of the kind of `like`, none of them an array the caller has already."""
    seen = {id(u) for u in used}
    out = []
    with _Scope(taped, None):
        for ct, x in zip(found, like):
            if ct is None:
                ct = _filled(x, "zeros_like")
            elif not taped:
                ct = wrap(type(x), x._ctx.backend.forward["copy"](ct), x._ctx)
            else:
                if id(ct) in seen:
                    ct = F.copy(ct)
                if type(ct) is not type(x):
                    ct = wrap(type(x), ct._data, ct._ctx, ct._entry, ct._cell)
            seen.add(id(ct))
            out.append(ct)
    return out


def _filled(x: Any, name: str, entry: Any = None) -> Any:
    return wrap(type(x), x._ctx.backend.forward[name](x._data), x._ctx, entry)


def _basis(x: Any) -> Iterable[Any]:
    """The unit arrays of the shape of `x`, in C order."""
    backend, size = x._ctx.backend, x.size
    for i in range(size):
        with backend.guard or nullcontext():
            raw = backend.xp.zeros(size, dtype=x._data.dtype)
            raw[i] = 1
            raw = raw.reshape(x.shape)
        yield wrap(type(x), raw, x._ctx)


# -- vector-Jacobian and Jacobian-vector products ------------------------------------------------------------


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f`, and the function that multiplies row vectors by its Jacobian (reverse mode).

    Parameters
    ----------
    f : callable
        ``f(*primals)`` gives an array, or a list, tuple or dict of arrays, at least one of them floating
        point.
    *primals : array, or list, tuple or dict of arrays
        Any shapes; each must be or hold an array of a floating point dtype.  Other dtypes and values that are
        no arrays are passed on as they are.

    Returns
    -------
    outputs : array or structure of arrays
        ``f(*primals)``.
    pullback : callable
        ``pullback(cotangents)`` takes what has the structure, shapes and dtypes of `outputs` (None stands for
        zero) and gives a tuple with one gradient per primal: its structure, shapes, dtypes and contexts; zero
        where no output depends on it, None in place of what is not floating point.  It may be called any
        number of times; the graph of `f` lives as long as it does.

    Raises
    ------
    NotAnArrayError
        A primal without a floating point array; an output or cotangent that is not an array.
    InvalidTypeError, InvalidValueError
        No floating point output; a cotangent of another dtype, shape or structure.
    InplaceError
        From `pullback`, if a value it needs was overwritten since.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> y, pullback = autograd.vjp(lambda x, w: x * w, nd.array([1., 2.]), nd.array([3., 4.]))
    >>> y.asnumpy().tolist()
    [3.0, 8.0]
    >>> [g.asnumpy().tolist() for g in pullback(nd.array([1., 10.]))]
    [[3.0, 40.0], [1.0, 20.0]]
    """
    call = _Call("vjp", f, primals, range(len(primals)), {})

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        cts = _fitting("vjp: the cotangent", call.tree, cotangents)
        taped = state.recording and (call.linked or any(c is not None and c._entry is not None for c in cts))
        return tuple(_build(tuple(primals), call.pull(cts, taped, True), _is_float))

    return call.outputs, pullback


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `f` and its derivative along `tangents` (forward mode).

    The pullback of `vjp` is linear in its cotangent, so that its own pullback is the Jacobian times a vector:
    no op needs a second rule (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
    Where an op defines a gradient that is not its derivative, the product is that gradient's.

    Parameters
    ----------
    f : callable
        As for `vjp`.
    primals : array, or tuple or list of arguments
        Where to evaluate: an array is the only argument, a tuple or list holds all of them.
    tangents : array or structure of arrays
        The direction: structure, shapes and dtypes of `primals`; None stands for zero.

    Returns
    -------
    outputs : array or structure of arrays
        ``f(*primals)``.
    tangents_out : array or structure of arrays
        ``d/dt f(primals + t * tangents)`` at t = 0, shapes and dtypes of `outputs`; None in place of outputs
        that are not floating point.

    Raises
    ------
    NotAnArrayError, InvalidTypeError, InvalidValueError
        As for `vjp`, and for tangents that do not fit.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> x, v = nd.array([1., 2., 3.]), nd.array([1., 0., -1.])
    >>> y, dy = autograd.jvp(lambda x: x ** 2, x, v)
    >>> y.asnumpy().tolist(), dy.asnumpy().tolist()
    ([1.0, 4.0, 9.0], [2.0, 0.0, -6.0])
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    taped = state.recording
    vs = _fitting("jvp: the tangent", primals, tangents)
    call = _Call("jvp", f, args, range(len(args)), {})
    out = _Linear(call, taped).push(vs)
    return call.outputs, _build(call.tree, out, _is_float)


class _Linear:
    """The pullback of a call as a function on the tape, linear in its cotangents: its pullback pushes."""

    def __init__(self, call: _Call, taped: bool) -> None:
        self.call, self.taped = call, taped
        self.at = [leaf(None, "write") for _ in call.ys]
        us = [_filled(y, "zeros_like", at) for y, at in zip(call.ys, self.at)]
        gs = _pull(call.ys, us, call.at, True, taped, constants=not taped)
        self.heads = [_filled(x, "zeros_like") if g is None else g for g, x in zip(gs, call.xs)]

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """The tangents of the call's `ys` from those of its `xs` (None for zero)."""
        found = _pull(self.heads, tangents, self.at, self.taped, True)
        return _given(found, self.call.ys, tangents, self.taped)


# -- whole matrices ------------------------------------------------------------------------------------------


def _numbers(who: str, argnums: Any, n: int) -> list[int]:
    """The argument numbers meant, between 0 and n - 1."""
    several = isinstance(argnums, (tuple, list))
    numbers = list(argnums) if several else [argnums]
    for i in numbers:
        if isinstance(i, bool) or not isinstance(i, int):
            raise InvalidTypeError(f"{who}: argnums is an int, or a tuple or list of ints, got {argnums!r}")
        if not -n <= i < n:
            raise InvalidValueError(f"{who}: argnums {argnums!r} is out of range: f was given {n} arguments")
    numbers = [i % n for i in numbers]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InvalidValueError(f"{who}: argnums {argnums!r} must name arguments, each once")
    return numbers


def _chosen(args: Sequence[Any], argnums: Any, numbers: list[int]) -> Any:
    """The arguments `argnums` names, in the structure of results."""
    return tuple(args[i] for i in numbers) if isinstance(argnums, (tuple, list)) else args[numbers[0]]


def _in_order(call: _Call, numbers: list[int], args: Sequence[Any], found: Sequence[Any]) -> list[Any]:
    """`found`, which is in the order of the arguments, in the order of `numbers`."""
    rest, by_number = iter(found), {}
    for i in sorted(numbers):
        by_number[i] = [next(rest) for a in _leaves(args[i]) if _is_float(a)]
    return [g for i in numbers for g in by_number[i]]


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that gives the matrix of all partial derivatives of `f`.

    It takes one pass per element of the outputs or of the arguments, whichever are fewer: in reverse mode
    (rows) or in forward mode (columns).

    Parameters
    ----------
    f : callable
        Gives an array, or a list, tuple or dict of arrays, all of them floating point.
    argnums : int or sequence of ints
        The arguments to differentiate by; negative ones count from the last.

    Returns
    -------
    callable
        Takes the arguments of `f`.  For an output of shape S and an argument of shape T it gives an array of
        shape ``S + T``, dtype and context of the argument in reverse mode, of the output in forward mode.
        Structures of outputs give structures of Jacobians, and in them structures of arguments do; a sequence
        of argnums gives a tuple.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        When called: argnums out of range, repeated, or not ints; an output that is not floating point.
    NotAnArrayError
        When called: an argument to differentiate by, or an output, is not an array.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> f = lambda x: nd.stack(x[0] * x[1], x[0] + x[1])
    >>> autograd.jacobian(f)(nd.array([2., 3.])).asnumpy().reshape(2, 2).tolist()
    [[3.0, 2.0], [1.0, 1.0]]
    """
    return _jacobian("jacobian", f, argnums)


def _jacobian(who: str, f: Callable[..., Any], argnums: Any) -> Callable[..., Any]:
    def of(*args: Any, **kwargs: Any) -> Any:
        numbers = _numbers(who, argnums, len(args))
        call = _Call(who, f, args, numbers, kwargs)
        for y in _leaves(call.tree):
            if not _is_float(y):
                raise InvalidTypeError(f"{who}: f must return floating point arrays only, it gave "
                                       f"{describe(y._data)}")
        blocks = _blocks(call)
        chosen = _chosen(args, argnums, numbers)
        return _build(call.tree, [
            _build(chosen, _in_order(call, numbers, args, row), _is_float) for row in blocks
        ], _is_float)

    return wraps(f)(of) if callable(f) else of


def _blocks(call: _Call) -> list[list[Any]]:
    """The Jacobian of each of the call's `ys` by each of its `xs`."""
    ys, xs, taped = call.ys, call.xs, call.linked
    if sum(x.size for x in xs) < sum(y.size for y in ys):
        linear = _Linear(call, taped)
        columns = [[linear.push(_alone(xs, i, e)) for e in _basis(x)] for i, x in enumerate(xs)]
        return [[_stacked([c[k] for c in columns[i]], -1, y, x) for i, x in enumerate(xs)]
                for k, y in enumerate(ys)]
    out = []
    for k, y in enumerate(ys):
        rows = [call.pull(_alone(ys, k, e), taped, True) for e in _basis(y)]
        out.append([_stacked([r[i] for r in rows], 0, y, x) for i, x in enumerate(xs)])
    return out


def _alone(arrays: Sequence[Any], i: int, e: Any) -> list[Any]:
    return [e if j == i else None for j in range(len(arrays))]


def _stacked(parts: list[Any], axis: int, y: Any, x: Any) -> Any:
    shape = y.shape + x.shape
    if not parts:
        return F.fill(x, shape=shape, dtype=x._data.dtype, value=0)
    return F.reshape(F.stack(*parts, axis=axis), shape=shape)


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that gives the matrix of all second partial derivatives of `f`, which gives one number.

    Parameters
    ----------
    f : callable
        Gives an array of size 1 and a floating point dtype.
    argnums : int or sequence of ints
        The arguments to differentiate by; negative ones count from the last.

    Returns
    -------
    callable
        Takes the arguments of `f`.  For an argument of shape T it gives an array of shape ``T + T``, dtype
        and context of the argument; for a sequence of argnums a tuple of tuples, ``[i][j]`` being
        ``d2 f / dx_i dx_j`` of shape ``T_i + T_j``.

    Raises
    ------
    InvalidValueError, InvalidTypeError, NotAnArrayError
        As for `jacobian`, and if `f` gives anything but one number.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> autograd.hessian(lambda x: (x ** 3).sum())(nd.array([1., 2.])).asnumpy().tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    return _jacobian("hessian", _value_and_grad("hessian", f, argnums, False, only_grad=True), argnums)


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of `f` times a vector, without the Hessian: two reverse passes.

    It is the pullback of the gradient, the Hessian being symmetric (B. A. Pearlmutter, "Fast exact
    multiplication by the Hessian", 1994).

    Parameters
    ----------
    f : callable
        Gives an array of size 1 and a floating point dtype.
    primals : array, or tuple or list of arguments
        Where to evaluate: an array is the only argument, a tuple or list holds all of them.
    tangents : array or structure of arrays
        The vector: structure, shapes and dtypes of `primals`; None stands for zero.

    Returns
    -------
    array or structure of arrays
        Structure, shapes, dtypes and contexts of `primals`; None in place of what is not floating point.

    Raises
    ------
    InvalidValueError, InvalidTypeError, NotAnArrayError
        As for `jvp`, and if `f` gives anything but one number.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> x, v = nd.array([1., 2.]), nd.array([1., -1.])
    >>> autograd.hvp(lambda x: (x ** 3).sum(), x, v).asnumpy().tolist()
    [6.0, -12.0]
    """
    args = primals if isinstance(primals, (tuple, list)) else (primals,)
    vs = _fitting("hvp: the tangent", primals, tangents)
    numbers = range(len(args))
    gradient = _value_and_grad("hvp", f, tuple(numbers), False, only_grad=True)
    call = _Call("hvp", lambda *xs: [g for g in _leaves(gradient(*xs)) if g is not None], args, numbers, {})
    return _build(primals, call.pull(vs, call.linked, call.linked), _is_float)


# -- values with gradients -----------------------------------------------------------------------------------


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False,
) -> Callable[..., Any]:
    """The function that gives the value of `f`, which is one number, and its gradient.

    Parameters
    ----------
    f : callable
        Gives an array of size 1 and a floating point dtype; with `has_aux` a pair of it and anything else.
    argnums : int or sequence of ints
        The arguments to differentiate by; negative ones count from the last.
    has_aux : bool
        Whether `f` gives something besides that is not differentiated.

    Returns
    -------
    callable
        Takes the arguments of `f`, gives ``(value, gradient)``, or ``((value, aux), gradient)``.  The
        gradient has the structure, shapes, dtypes and contexts of the argument, zero where the value does not
        depend on it and None in place of what is not floating point; a sequence of argnums gives a tuple.
        The `.grad` of arrays is left alone.

    Raises
    ------
    InvalidValueError, InvalidTypeError, NotAnArrayError
        When called: argnums out of range, repeated, or not ints; `f` gives anything but one number; an
        argument to differentiate by is not a floating point array and holds none.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> params = {"w": nd.array([1., 2.]), "b": nd.array([0.5])}
    >>> loss = lambda p, x: ((p["w"] * x).sum() + p["b"]) ** 2
    >>> value, grad = autograd.value_and_grad(loss)(params, nd.array([1., 1.]))
    >>> value.asnumpy().tolist(), grad["w"].asnumpy().tolist(), grad["b"].asnumpy().tolist()
    ([12.25], [7.0, 7.0], [7.0])
    """
    return _value_and_grad("value_and_grad", f, argnums, has_aux)


def _value_and_grad(
    who: str, f: Callable[..., Any], argnums: Any, has_aux: bool, only_grad: bool = False,
) -> Callable[..., Any]:
    def of(*args: Any, **kwargs: Any) -> Any:
        numbers = _numbers(who, argnums, len(args))
        call = _Call(who, f, args, numbers, kwargs, has_aux)
        one = _filled(call.the_number(), "ones_like")
        found = _in_order(call, numbers, args, call.pull([one], call.linked, call.linked))
        grad = _build(_chosen(args, argnums, numbers), found, _is_float)
        if only_grad:
            return grad
        return ((call.outputs, call.aux) if has_aux else call.outputs), grad

    return wraps(f)(of) if callable(f) else of


def grad_and_loss(func: Callable[..., Any], argnum: int | Sequence[int] | None = None) -> Callable[..., Any]:
    """The function that gives the gradients of `func` and its outputs, as in MXNet's ``contrib.autograd``.

    Differs from `value_and_grad` in what MXNet chose: gradients come first and as a list, outputs may have
    any shape and are summed, and `func` runs in training mode.  Unlike MXNet's, it does not mark the arrays.

    Parameters
    ----------
    func : callable
        Gives an array, or a list or tuple of arrays.
    argnum : int or sequence of ints, optional
        The arguments to differentiate by, arrays; all by default.

    Returns
    -------
    callable
        Takes the arguments of `func`, gives ``(gradients, outputs)``.

    Raises
    ------
    InvalidValueError, InvalidTypeError, NotAnArrayError
        When called, as for `value_and_grad`.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> grads, loss = autograd.grad_and_loss(lambda x, y: x * x + y)(nd.array([1., 2.]), nd.array([3., 4.]))
    >>> [g.asnumpy().tolist() for g in grads], loss.asnumpy().tolist()
    ([[2.0, 4.0], [1.0, 1.0]], [4.0, 8.0])
    """
    def of(*args: Any) -> Any:
        wanted = list(range(len(args))) if argnum is None else argnum
        numbers = _numbers("grad_and_loss", wanted, len(args))
        with _Scope(None, True):
            call = _Call("grad_and_loss", func, args, numbers, {})
        found = call.pull([_filled(y, "ones_like") for y in call.ys], call.linked, call.linked)
        return _in_order(call, numbers, args, found), call.outputs

    return wraps(func)(of) if callable(func) else of


# -- recomputation -------------------------------------------------------------------------------------------


def checkpoint(f: Callable[_P, _R]) -> Callable[_P, _R]:
    """`f`, recomputed when its gradient is needed instead of kept in memory.

    While recording, a call of the result keeps the array arguments and nothing of what happens inside; the
    reverse pass calls `f` again, with the same random numbers, training mode and current context, and goes
    through it.  Values and gradients, of every order, are those of `f`, also by marked arrays that are not
    among its arguments.  (A. Griewank and A. Walther, "Algorithm 799: revolve", 2000; T. Chen et al.,
    "Training deep nets with sublinear memory cost", 2016.)

    Parameters
    ----------
    f : callable
        Takes and gives anything; arrays may lie in lists, tuples and dicts.  Called again it must do the
        same: what it reads besides its arguments must not change until the reverse pass, and what it writes
        elsewhere is written twice.

    Returns
    -------
    callable
        With the signature of `f`; it may serve as a decorator.  Outside recording it is `f`.

    Raises
    ------
    InvalidTypeError
        `f` is not a function.
    AutogradError
        In the reverse pass: the second call gave other arrays, or used other marked ones, than the first.
    InplaceError
        In the reverse pass: an argument was overwritten since.

    Examples
    --------
    >>> from mxgrad import nd, autograd
    >>> x = nd.array([0.5, 1.])
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     y = autograd.checkpoint(lambda x: nd.exp(nd.sin(x) * x))(x)
    >>> y.backward()
    >>> bool(nd.sum(nd.abs(x.grad - y * (nd.sin(x) + nd.cos(x) * x))) < 1e-6)
    True
    """
    if not callable(f):
        raise InvalidTypeError(f"checkpoint: f must be a function, got {describe(f)} of type {type(f)}")

    @wraps(f)
    def of(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not state.recording:
            return f(*args, **kwargs)
        arrays = [a for a in _leaves((args, kwargs)) if isinstance(a, BaseArray)]
        out: _R = _Replay(f, args, kwargs).first(arrays)
        return out

    return of


class _Replay:
    """What a checkpoint keeps to call its function again; the arrays are on the tape."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.f, self.training, self.ctx = f, state.training, current_context()
        self.template = _map(lambda a: _HOLE if isinstance(a, BaseArray) else a, (args, kwargs))
        self.notes: dict[Any, Any] = {}
        self.kinds: list[tuple[type, Any, bool]] = []
        self.specs: list[Any] = []
        self.outer: list[int] = []

    def first(self, xs: list[Any]) -> Any:
        """The result of the first call, on the tape as outputs of one node."""
        self.kinds = [(type(x), x._ctx, x._entry is not None) for x in xs]
        with noting() as self.notes:
            out, ys, _, outer = self.call(xs, False)
        if not ys or not outer and all(x._entry is None for x in xs):
            return out
        self.specs, self.outer = [(y.shape, y._data.dtype) for y in ys], list(outer)
        op = Op("checkpoint", _function_kernel, (), self.joint, "x", False, False, {}, "", None, "free", True,
                False)
        node = record(
            op, {}, ys[0]._ctx, [*(x._entry for x in xs), *outer.values()], [x._data for x in xs],
            xs, tuple(y._data for y in ys), ys,
        )
        given = iter([
            wrap(type(y), y._data, y._ctx, Output((next_order(), node, i)), y._cell) for i, y in enumerate(ys)
        ])
        return _map(lambda y: next(given) if isinstance(y, BaseArray) and y._entry is not None else y, out)

    def call(self, xs: Sequence[Any], linked: bool) -> tuple[Any, list[Any], list[Any], dict[int, Any]]:
        """The result, its arrays on the tape, the stand-ins' places, and the places outside it depends on."""
        since = next_order()
        at = [leaf(None, "write", x._entry if linked else None) if taped else None
              for x, (_, _, taped) in zip(xs, self.kinds)]
        inside = iter([
            wrap(kind, x._data, ctx, a, x._cell) for x, (kind, ctx, _), a in zip(xs, self.kinds, at)
        ])
        args, kwargs = _map(lambda a: next(inside) if a is _HOLE else a, self.template)
        out = self.f(*args, **kwargs)
        ys = [y for y in _leaves(out) if isinstance(y, BaseArray) and y._entry is not None]
        return out, ys, at, _outside([y._entry for y in ys], since, at)

    def joint(self, F_: Any, gs: Any, specs: Any, *values: Any) -> list[Any]:
        """The rule of the node: call again, and pull back through that."""
        taped = isinstance(gs[0], Array)
        xs = []
        for v, (kind, ctx, wanted) in zip(values, self.kinds):
            if not isinstance(v, Array):
                if taped and wanted:
                    raise AutogradError(
                        f"checkpoint: {self.name} takes arrays of one device and gives arrays of another; "
                        "its gradient cannot be differentiated again. Move the arrays outside it.")
                v = wrap(kind, v, ctx)
            xs.append(v)
        with _Scope(True, self.training), self.ctx, replaying(self.notes):
            _, ys, at, outer = self.call(xs, taped)
        if [(y.shape, y._data.dtype) for y in ys] != self.specs or outer.keys() != set(self.outer):
            raise AutogradError(
                f"checkpoint: {self.name}, called again for its gradient, gave other arrays or used other "
                "marked arrays than the first time; it must do the same whenever it is called")
        heads = gs if taped else [wrap(type(y), g, y._ctx) for y, g in zip(ys, gs)]
        wanted_at = [a for a in at if a is not None] + [outer[i] for i in self.outer]
        found = iter(_pull(ys, heads, wanted_at, taped, taped))
        return [None if a is None else next(found) for a in at] + list(found)

    @property
    def name(self) -> str:
        return getattr(self.f, "__name__", type(self.f).__name__)


_HOLE = object()


def _outside(entries: list[Any], since: int, stands: Sequence[Any]) -> dict[int, Any]:
    """The entries made before `since` that `entries` lead to, by id."""
    ends = {id(s) for s in stands}
    seen: set[int] = set()
    outer: dict[int, Any] = {}
    todo = list(entries)
    while todo:
        entry = todo.pop()
        if entry is None or id(entry) in ends or entry[0] in seen:
            continue
        seen.add(entry[0])
        kind = type(entry)
        if entry[0] > since or kind is Output and entry[1][0] > since:
            outer[id(entry)] = entry
        elif kind is Leaf:
            todo.append(entry[3])
        elif kind is Output:
            todo.append(entry[1])
        elif not is_freed(entry):
            todo.extend(parents_of(entry))
    return outer
