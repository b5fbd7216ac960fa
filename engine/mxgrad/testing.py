"""Checks of gradients, for tests of mxgrad itself and of functions built on it (level 10).

`check_grads` compares the gradients autograd gives with central differences; `use_device_double` puts a
strict stand-in for CuPy behind gpu contexts, so that device code is tested where there is no GPU.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy

from . import autograd
from .array import wrap
from .backend import set_device_module
from .base import InvalidTypeError, InvalidValueError
from .context import Context
from .invoke import F
from .ndarray import BaseArray

__all__ = ["check_grads", "compare_grads", "use_device_double"]


def check_grads(
    f: Callable[..., Any], arrays: Sequence[Any], order: int = 2, *,
    rtol: float | Sequence[float] = (1e-6, 1e-4), step: float = 1e-5, seed: int = 0,
) -> None:
    """Check the gradients of `f` at `arrays` against central differences, in float64.

    Each gradient is compared along one random direction per argument, with random head gradients: the exact
    slope ``<df/dx, v>`` against ``(f(x + h v) - f(x - h v)) / 2h``.  Order 2 checks the gradients of that
    gradient by every argument and by the head gradients, and so on.

    Parameters
    ----------
    f : callable
        ``f(*arrays)`` gives an array or a tuple or list of arrays; outputs that are not floating point are
        ignored.  It must be smooth near `arrays` and give the same result when it is called again.
    arrays : sequence of arrays
        Of either frontend, on any device.  Floating point ones are differentiated, in float64 whatever they
        are; all others (indices, masks, anything that is no array) are passed as they are.
    order : int
        The highest order of derivative to check, at least 1.
    rtol : float or sequence of floats
        The relative error allowed, for each order; the last one serves all higher orders.
    step : float
        The step h of the differences.
    seed : int
        Of the random directions.

    Raises
    ------
    AssertionError
        Naming the argument, the order, the slope expected (by differences) and the one got (by autograd);
        also for a gradient of another shape or dtype than its argument.
    InvalidTypeError
        No argument is a floating point array.

    Examples
    --------
    >>> from mxgrad import nd
    >>> from mxgrad.testing import check_grads
    >>> check_grads(lambda x, y: nd.exp(x) * y, [nd.array([0.5, 1.0]), nd.array([2.0, 3.0])])
    >>> check_grads(lambda x: nd.BlockGrad(x) * x, [nd.array([2.0])])   # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: argument 0, order 1: expected -0.066438..., got -0.033219...
    """
    if order < 1:
        raise InvalidValueError(f"check_grads: order is at least 1, got {order}")
    tolerances = [float(rtol)] if isinstance(rtol, (int, float)) else [float(t) for t in rtol]
    for n, name, expected, got, error in compare_grads(f, arrays, order, step=step, seed=seed):
        if not error <= tolerances[min(n, len(tolerances)) - 1]:
            raise AssertionError(f"{name}, order {n}: expected {expected!r}, got {got!r}")


def compare_grads(
    f: Callable[..., Any], arrays: Sequence[Any], order: int = 2, *, step: float = 1e-5, seed: int = 0,
) -> Iterator[tuple[int, str, float, float, float]]:
    """What `check_grads` compares, as it goes: (order, argument, slope expected, slope got, relative error).

    The error is what rounding in the differences cannot explain, relative to the slope.

    >>> from mxgrad import nd
    >>> from mxgrad.testing import compare_grads
    >>> [(n, name, error < 1e-6) for n, name, _, _, error in compare_grads(nd.exp, [nd.array([0.5])])]
    [(1, 'argument 0', True), (2, 'argument 0', True), (2, 'head gradient 0', True)]
    """
    at = [i for i, a in enumerate(arrays) if _is_float(a)]
    if not at:
        raise InvalidTypeError("check_grads: none of the arrays is of a floating point dtype")
    kinds = [(type(arrays[i]), arrays[i]._ctx) for i in at]

    def function(*xs: Any) -> list[Any]:
        full = list(arrays)
        for i, x in zip(at, xs):
            full[i] = x
        out = f(*full)
        return [y for y in (out if isinstance(out, (tuple, list)) else [out]) if _is_float(y)]

    names = [f"argument {i}" for i in at]
    points = [arrays[i].asnumpy().astype(numpy.float64) for i in at]
    rng = numpy.random.default_rng(seed)
    for n in range(1, order + 1):
        for result in _compared(function, points, kinds, names, n, step, rng):
            yield (n, *result)
        if n < order:
            function, points, kinds, names = _gradient(function, points, kinds, names, rng)


def _is_float(a: Any) -> bool:
    return isinstance(a, BaseArray) and a._data.dtype.kind == "f"


def _marked(points: list[Any], kinds: list[Any]) -> list[Any]:
    """Fresh variables with the values `points`."""
    out = []
    for host, (cls, ctx) in zip(points, kinds):
        x = wrap(cls, ctx.backend.from_host(host), ctx)
        x.attach_grad()
        out.append(x)
    return out


def slopes(ys: list[Any], xs: list[Any], weights: list[Any], create_graph: bool) -> list[Any]:
    """Gradients of the weighted outputs by `xs`: zero where an output does not depend on one."""
    with autograd.record():
        # An argument that no output depends on is made reachable by a term whose gradient is zero.
        heads = [(y, w) for y, w in zip(ys, weights) if y._entry is not None]
        heads += [(F.zeros_like(x), None) for x in xs]
    return autograd.grad([y for y, _ in heads], xs, [w for _, w in heads], create_graph=create_graph)


def _outputs(function: Callable[..., list[Any]], points: list[Any], kinds: list[Any]) -> list[numpy.ndarray]:
    return [y.asnumpy() for y in function(*_marked(points, kinds))]


def _compared(
    function: Callable[..., list[Any]], points: list[Any], kinds: list[Any], names: list[str], order: int,
    step: float, rng: numpy.random.Generator,
) -> Iterator[tuple[str, float, float, float]]:
    xs = _marked(points, kinds)
    with autograd.record():
        ys = function(*xs)
    weights = [rng.standard_normal(y.shape) for y in ys]
    given = slopes(ys, xs, [
        wrap(type(y), y._ctx.backend.from_host(w.astype(y._data.dtype)), y._ctx) for y, w in zip(ys, weights)
    ], False)
    size = sum(float(numpy.abs(w * y.asnumpy()).sum()) for w, y in zip(weights, ys))
    for i, (x, grad, name) in enumerate(zip(points, given, names)):
        if grad.shape != x.shape or grad._data.dtype != x.dtype:
            raise AssertionError(f"{name}, order {order}: expected a gradient of float64 {x.shape}, got "
                                 f"{grad._data.dtype} {grad.shape}")
        v = rng.standard_normal(x.shape)
        ends = []
        for h in (step, -step):
            moved = list(points)
            moved[i] = x + h * v
            ends.append(_outputs(function, moved, kinds))
        expected = sum(float((w * (a - b)).sum()) for w, a, b in zip(weights, *ends)) / (2 * step)
        parts = grad.asnumpy() * v
        got = float(parts.sum())
        scale = max(abs(expected), abs(got), float(numpy.abs(parts).sum()))
        rounding = 16 * numpy.finfo(numpy.float64).eps * size / step
        excess = abs(got - expected) - rounding
        yield name, expected, got, 0.0 if excess <= 0 else excess / scale


def _gradient(
    function: Callable[..., list[Any]], points: list[Any], kinds: list[Any], names: list[str],
    rng: numpy.random.Generator,
) -> tuple[Callable[..., list[Any]], list[Any], list[Any], list[str]]:
    """The gradient of `function`, a function of its arguments and head gradients, and where to check it."""
    n = len(points)
    samples = function(*_marked(points, kinds))

    def gradient(*args: Any) -> list[Any]:
        xs, weights = list(args[:n]), list(args[n:])
        with autograd.record():
            ys = function(*xs)
        return slopes(ys, xs, weights, True)

    return (
        gradient,
        points + [rng.standard_normal(y.shape) for y in samples],
        kinds + [(type(y), y._ctx) for y in samples],
        names + [f"head gradient {i}" for i in range(len(samples))],
    )


@contextmanager
def use_device_double(module: ModuleType | None = None) -> Iterator[Any]:
    """A ``with`` block in which gpu contexts are served by `mxgrad.device_double`, which it gives.

    The double has two devices, computes with NumPy and refuses what would be slow, wrong or an error on a
    real GPU.  `module` is another module to serve them.  Arrays made inside are not used after the block.

    >>> import mxgrad as mx
    >>> from mxgrad.testing import use_device_double
    >>> with use_device_double() as double:
    ...     x = mx.nd.array([1., 2.], ctx=mx.gpu(1))
    ...     with double.count() as cost:
    ...         y = x * x + 1
    >>> cost.d2h, cost.sync
    (0, 0)
    """
    if module is None:
        from . import device_double

        module = device_double
    before = set_device_module(module)
    kept = _forget_devices({})
    try:
        yield module
    finally:
        set_device_module(before)
        _forget_devices(kept)


def _forget_devices(backends: dict[Context, Any]) -> dict[Context, Any]:
    """Give every gpu context the backend named, else none; what they had."""
    had = {}
    for ctx in list(Context._known.values()):
        if ctx.device_type == "gpu":
            had[ctx] = ctx._backend
            ctx._backend = backends.get(ctx)
    return had
