"""Ops called on their samples, and how wrong their gradients are: for test_ops.py, `make certificate` and
`python -m mxgrad.gpucheck`.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy
from mxgrad import autograd, cpu, nd, testing
from mxgrad.array import wrap
from mxgrad.invoke import F
from mxgrad.ndarray import BaseArray
from mxgrad.registry import Op, zero, zero_second
from samples import SAMPLES, Sample

FLOATS = ("float64", "float32", "float16")
# Relative errors allowed at order 1 and 2: in float64 beside differences, in the others beside float64.
BOUNDS = {"float64": (1e-6, 1e-4), "float32": (1e-5, 1e-4), "float16": (0.02, 0.1)}

# Shapes of three arguments that broadcast together, and shapes of no elements or one.
BROADCAST: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((2, 3), (3,), (2, 1)), ((2, 1), (1, 3), ()), ((), (2, 3), (3,)), ((1,), (2, 1, 3), (2, 3)),
)
EMPTY_OR_SINGLE: tuple[tuple[int, ...], ...] = ((0,), (2, 0), (0, 0, 3), (1,), (1, 1), ())


def arrays_of(sample: Sample, ctx: Any = None, dtype: str | None = None, cls: type = nd.NDArray) -> list[Any]:
    """The sample's arguments as arrays on `ctx`, floating point ones in `dtype`."""
    ctx = ctx or cpu()
    out = []
    for a in sample.arrays:
        if isinstance(a, numpy.ndarray):
            with numpy.errstate(over="ignore"):
                host = a.astype(dtype) if dtype and a.dtype.kind == "f" else a
            a = wrap(cls, ctx.backend.from_host(host), ctx)
        out.append(a)
    return out


def rules_of(op: Op, n: int) -> list[Any]:
    """The rule of each of `n` arguments; the joint rule for all of them."""
    if op.joint is not None:
        return [op.joint] * n
    fixed = len(op.arrays)
    return [op.vjps[i] if i < fixed else op.vjps[fixed](i - fixed) for i in range(n)]


def differentiated(op: Op, sample: Sample) -> tuple[int, ...]:
    """Positions of the arrays whose gradients are checked."""
    if sample.differentiate is False:
        return ()
    if isinstance(sample.differentiate, tuple):
        return sample.differentiate
    rules = rules_of(op, len(sample.arrays))
    return tuple(
        i for i, a in enumerate(sample.arrays)
        if isinstance(a, numpy.ndarray) and a.dtype.kind == "f" and rules[i] is not None
    )


def pointwise(op: Op) -> bool:
    """Whether each element is computed from the elements at the same place, and there are no parameters."""
    return op.broadcasts and not op.variadic and not op.params and op.name != "matmul"


def resized(sample: Sample, shapes: tuple[tuple[int, ...], ...]) -> Sample:
    """The sample with its arrays' values in other shapes."""
    arrays = [
        numpy.resize(a, s) if isinstance(a, numpy.ndarray) and a.size else a
        for a, s in zip(sample.arrays, shapes)
    ]
    return Sample(*arrays, differentiate=sample.differentiate, **sample.params)


def samples_of(op: Op) -> list[Sample]:
    """The op's samples; if it is pointwise, the first one in other shapes, too."""
    samples = SAMPLES[op.name]
    n = len(op.arrays)
    if not pointwise(op):
        return samples
    shapes = [s[:n] for s in BROADCAST] if n > 1 else []
    return samples + [resized(samples[0], s) for s in shapes + [(s,) * n for s in EMPTY_OR_SINGLE]]


def listed(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (tuple, list)) else [out]


def hosts(out: Any) -> list[numpy.ndarray]:
    return [o.asnumpy() if isinstance(o, BaseArray) else numpy.asarray(o) for o in listed(out)]


def gradients(
    name: str, arrays: list[Any], params: dict[str, Any], at: tuple[int, ...], create_graph: bool,
) -> Any:
    """(outputs, gradients by the arrays `at`) of an op, with head gradients that are not all one."""
    for i in at:
        arrays[i].attach_grad()
    with autograd.record():
        out = listed(getattr(F, name)(*arrays, **params))
    if not at:
        return out, []
    heads = [y for y in out if y._data.dtype.kind == "f"]
    weights = [y * 0 + 0.75 for y in map(BaseArray.detach, heads)]
    return out, testing.slopes(heads, [arrays[i] for i in at], weights, create_graph)


def function_of(name: str, sample: Sample, at: tuple[int, ...], arrays: list[Any]) -> Callable[..., Any]:
    """The op as a function of the arrays `at` alone."""
    def function(*some: Any) -> Any:
        full = list(arrays)
        for i, a in zip(at, some):
            full[i] = a
        return getattr(F, name)(*full, **sample.params)

    return function


def check_grads(name: str, sample: Sample, at: tuple[int, ...]) -> None:
    arrays = arrays_of(sample)
    if at:
        testing.check_grads(function_of(name, sample, at, arrays), [arrays[i] for i in at])


def worst(*errors: float) -> float:
    """The largest; nan where one is not a number."""
    return functools.reduce(lambda a, b: a if a != a or b <= a else b, errors, 0.0)


def errors_beside_differences(name: str, sample: Sample, at: tuple[int, ...], ctx: Any) -> list[float]:
    """The relative errors in float64 of orders 1 and 2, the differences of each order being the measure."""
    arrays = arrays_of(sample, ctx)
    found: list[list[float]] = [[], []]
    for n, *_, error in testing.compare_grads(
            function_of(name, sample, at, arrays), [arrays[i] for i in at]):
        found[n - 1].append(error)
    return [worst(*f) for f in found]


def _both_orders(
    name: str, sample: Sample, at: tuple[int, ...], arrays: list[Any],
) -> list[list[numpy.ndarray]]:
    """Gradients of order 1, and of order 2 along a direction, with weights that every float dtype has."""
    rng = numpy.random.default_rng(0)
    xs = [arrays[i] for i in at]
    for x in xs:
        x.attach_grad()
    with autograd.record():
        ys = listed(getattr(F, name)(*arrays, **sample.params))
    orders = []
    for create_graph in (True, False):
        ys = [y for y in ys if y._data.dtype.kind == "f"]
        weights = [
            wrap(type(y), y._ctx.backend.from_host((rng.integers(4, 9, y.shape) / 8).astype(y.dtype)), y._ctx)
            for y in ys
        ]
        ys = testing.slopes(ys, xs, weights, create_graph)
        orders.append(hosts(ys))
    return orders


def errors_beside_float64(
    name: str, sample: Sample, at: tuple[int, ...], ctx: Any, dtype: str,
) -> list[float]:
    """The errors in `dtype` of orders 1 and 2, float64 at the same values being the measure: relative to the
    largest element of the gradient, or to 1 where that is larger.  What comes near the end of the dtype's
    range, where a factor on the way may lie outside, is not compared.
    """
    rounded = Sample(*[
        a.astype(dtype).astype("float64") if isinstance(a, numpy.ndarray) and a.dtype.kind == "f" else a
        for a in sample.arrays
    ], **sample.params)
    low = _both_orders(name, rounded, at, arrays_of(rounded, ctx, dtype))
    high = _both_orders(name, rounded, at, arrays_of(rounded))
    limit = float(numpy.finfo(dtype).max) / 8

    def error(ours: numpy.ndarray, exact: numpy.ndarray) -> float:
        ours, exact = ours[abs(exact) < limit], exact[abs(exact) < limit]
        return float(numpy.max(abs(ours - exact), initial=0.0) / numpy.max(abs(exact), initial=1.0))

    return [worst(*map(error, ours, exact)) for ours, exact in zip(low, high)]


def errors(name: str, sample: Sample, at: tuple[int, ...], ctx: Any) -> dict[str, list[float]]:
    """By float dtype, the errors of orders 1 and 2 on a device."""
    return {
        dtype: errors_beside_differences(name, sample, at, ctx) if dtype == "float64"
        else errors_beside_float64(name, sample, at, ctx, dtype)
        for dtype in FLOATS
    }


# Ops whose gradient is stated, not derived.
BY_DEFINITION = {
    "gamma_drawn": "how quantiles of the gamma distribution move with its shape",
    "gradient_multiplier": "the cotangent times `scalar`",
    "linear_regression_output": "output minus label, whatever the cotangent",
    "logistic_regression_output": "output minus label, whatever the cotangent",
    "mae_regression_output": "the sign of output minus label, whatever the cotangent",
    "make_loss": "`grad_scale`, whatever the cotangent",
    "round_ste": "the cotangent (straight through)",
    "sign_ste": "the cotangent (straight through)",
    "softmax_output": "output minus the label's indicator, whatever the cotangent",
    "svm_output": "that of the hinge loss, whatever the cotangent",
    "with_gradient_of": "that of `path`",
}


def without_gradient(op: Op) -> str | None:
    """Why an op has no gradient that differences could check; None where it has one."""
    if op.name in BY_DEFINITION:
        return BY_DEFINITION[op.name]
    rules = set(rules_of(op, len(op.arrays) + (op.variadic is not None)))
    if rules <= {None}:
        return "no gradient flows"
    return "zero: piecewise constant" if rules <= {None, zero, zero_second} else None
