"""Every op of the registry, checked on the samples of tests/samples."""
from __future__ import annotations

from itertools import product
from typing import Any

import numpy
import pytest
from gradients import (
    BROADCAST, EMPTY_OR_SINGLE, FLOATS, arrays_of, check_grads, differentiated, gradients, hosts, listed,
    pointwise, resized, rules_of,
)
from mxgrad import gpu, nd, np, testing
from mxgrad.backend import cpu_backend
from mxgrad.invoke import F
from mxgrad.ndarray import BaseArray
from mxgrad.registry import OPS, Op, Spec
from samples import SAMPLES, Sample

RAW = cpu_backend().F
ARRAYS = (nd.NDArray, np.ndarray)


def cases(names: Any = OPS) -> Any:
    """One test per op that has samples; an op without any fails in `test_every_op_has_samples`."""
    return pytest.mark.parametrize("name", sorted(n for n in names if n in SAMPLES))


def close(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    got, expected = hosts(got), hosts(expected)
    assert len(got) == len(expected)
    for a, b in zip(got, expected):
        assert a.shape == b.shape
        numpy.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def test_every_op_has_samples() -> None:
    assert not set(OPS) - set(SAMPLES), "ops without samples in tests/samples"
    assert not set(SAMPLES) - set(OPS), "samples of what is no op"
    assert not [n for n, s in SAMPLES.items() if not s]


@cases()
def test_value(name: str) -> None:
    for sample in SAMPLES[name]:
        if sample.reference is False:
            continue
        reference: Any = sample.reference or getattr(numpy, name, None)
        assert reference is not None, f"NumPy has no {name}: give the sample a reference"
        with numpy.errstate(all="ignore"):
            expected = reference(*sample.arrays, **sample.params)
        close(getattr(F, name)(*arrays_of(sample), **sample.params), expected)


# on_backward's result takes its argument's place
@cases(set(OPS) - {"on_backward"})
def test_results_own_their_memory(name: str) -> None:
    for sample in SAMPLES[name]:
        arrays = arrays_of(sample)
        for y in listed(getattr(F, name)(*arrays, **sample.params)):
            assert not any(
                numpy.shares_memory(y._data, x._data) for x in arrays if isinstance(x, BaseArray)), sample


@cases()
def test_gradients(name: str) -> None:
    for sample in SAMPLES[name]:
        check_grads(name, sample, differentiated(OPS[name], sample))


@cases()
def test_dtypes_and_worlds(name: str) -> None:
    """Float dtypes are kept by value and gradient, and the raw reverse pass is the recorded one."""
    op = OPS[name]
    for sample in SAMPLES[name]:
        at = differentiated(op, sample)
        for dtype, cls in product(FLOATS, ARRAYS):
            first = next((a for a in sample.arrays if isinstance(a, numpy.ndarray)), None)
            out, raw = gradients(name, arrays_of(sample, None, dtype, cls), sample.params, at, False)
            again, recorded = gradients(name, arrays_of(sample, None, dtype, cls), sample.params, at, True)
            if op.result != "free" and first is not None and first.dtype.kind == "f":
                assert [y._data.dtype.name for y in out] == [dtype] * len(out), sample
            for a, b in zip(raw, recorded):
                assert a._data.dtype.name == b._data.dtype.name == dtype, sample
                # Equal but for the order of sums in a product of matrices, which depends on their layout.
                close(a, b, rtol=8 * float(numpy.finfo(dtype).eps))
            for y in out + again:
                assert type(y) is cls and isinstance(y._data, numpy.ndarray)


@cases(n for n, op in OPS.items() if op.result != "free" and op.broadcasts)
def test_dtypes_of_integers(name: str) -> None:
    """nd keeps integers, np leaves them for float32 where the function does."""
    op, sample = OPS[name], SAMPLES[name][0]
    whole = Sample(*[
        numpy.arange(1, a.size + 1, dtype="int32").reshape(a.shape) if isinstance(a, numpy.ndarray) else a
        for a in sample.arrays
    ])
    for cls in ARRAYS:
        wanted = "float32" if op.result == "float" and cls is np.ndarray else "int32"
        for y in listed(getattr(F, name)(*arrays_of(whole, cls=cls), **sample.params)):
            assert y._data.dtype.name == wanted


POINTWISE = [n for n, op in OPS.items() if pointwise(op)]


@cases(n for n in POINTWISE if len(OPS[n].arrays) > 1)
def test_broadcasting(name: str) -> None:
    op, sample = OPS[name], SAMPLES[name][0]
    n = len(op.arrays)
    for shapes in BROADCAST:
        part = resized(sample, shapes[:n])
        full = numpy.broadcast_shapes(*shapes[:n])
        wide = Sample(*[numpy.broadcast_to(a, full) for a in part.arrays])
        close(getattr(F, name)(*arrays_of(part)), getattr(F, name)(*arrays_of(wide)))
        check_grads(name, part, differentiated(op, part))


@cases(n for n in POINTWISE if len(OPS[n].arrays) == 2)
def test_numbers_as_operands(name: str) -> None:
    op, sample = OPS[name], SAMPLES[name][0]
    for i in (0, 1):
        number = sample.arrays[i].flat[0].item()
        mixed, full = list(sample.arrays), list(sample.arrays)
        mixed[i], full[i] = number, numpy.full_like(full[i], number)
        part = Sample(*mixed, differentiate=sample.differentiate)
        close(getattr(F, name)(*arrays_of(part)), getattr(F, name)(*arrays_of(Sample(*full))))
        check_grads(name, part, tuple(k for k in differentiated(op, part) if k != i))


@cases(POINTWISE)
def test_empty_and_single_axes(name: str) -> None:
    op, sample = OPS[name], SAMPLES[name][0]
    n = len(op.arrays)
    for shape in EMPTY_OR_SINGLE:
        part = resized(sample, (shape,) * n)
        (y,) = hosts(getattr(F, name)(*arrays_of(part)))
        assert y.shape == shape
        check_grads(name, part, differentiated(op, part))


class Unread(Spec):
    """A Spec that notices any use of the value it stands for."""

    __slots__ = ()

    def _used(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a value that is not kept was read")

    __eq__ = __ne__ = __array__ = __bool__ = _used      # type: ignore[assignment]


def raw_cotangents(op: Op, sample: Sample, kept: Any) -> list[Any]:
    """What the rules give raw, one entry per rule, with ``kept(rule, value)`` false for a value (position, or
    'y') that the rule gets as an Unread."""
    values = list(sample.arrays)
    with numpy.errstate(all="ignore"):
        out = op.kernel(numpy, *values, **sample.params)
        gs = [numpy.full(numpy.shape(o), 0.75, getattr(o, "dtype", None)) for o in listed(out)]

        def seen(rule: int, value: Any, name: str) -> Any:
            if kept(rule, name) or isinstance(value, (int, float)) or value is None:
                return value
            return None if op.keeps == "-" else Unread(numpy.shape(value), value.dtype)

        def run(rule: Any, i: int, **more: Any) -> Any:
            xs = [seen(i, v, str(k)) for k, v in enumerate(values)]
            ys = [seen(i, o, "y") for o in listed(out)]
            several = type(out) is tuple
            return rule(RAW, tuple(gs) if several else gs[0], tuple(ys) if several else ys[0], *xs,
                        **sample.params, **more)

        if op.asks and len(op.reads) > 1:       # one primal at a time, which reads what is its own
            return [[run(op.joint, i, wanted=[i == k for k in range(len(values))])[i]]
                    for i in range(len(values))]
        if op.joint is not None:
            return [list(run(op.joint, 0))]
        rules = rules_of(op, len(values))
        return [[None] if rules[i] is None or i not in differentiated(op, sample) else [run(rules[i], i)]
                for i in range(len(values))]


@cases()
def test_keeps_is_what_the_rules_read(name: str) -> None:
    op = OPS[name]
    samples = [s for s in SAMPLES[name] if differentiated(op, s)]
    width = max((len(s.arrays) for s in samples), default=0)
    places = {str(i) for i in range(width)}
    means = {"x": places, "v": {str(i) for i in range(len(op.arrays), width)}, "-": set()}
    letters = [set().union(*[means.get(letter, {letter}) for letter in r]) for r in op.reads]
    each = len(letters) > 1
    needed: list[set[str]] = [set() for _ in letters]
    for sample in samples:
        declared = [letters[i] if each else letters[0] for i in range(len(letters) if each else width)]
        everything = raw_cotangents(op, sample, lambda rule, value: True)

        def kept(rule: int, value: str, declared: Any = declared) -> bool:
            return value in declared[rule]

        for a, b in zip(raw_cotangents(op, sample, kept), everything):
            for ours, full in zip(a, b):
                if full is not None:
                    numpy.testing.assert_array_equal(ours, full)
        for r, values in enumerate(letters):
            for value in values:
                def without(rule: int, v: str, r: int = r, value: str = value) -> bool:
                    return v != value or each and rule != r
                try:
                    raw_cotangents(op, sample, without)
                except (TypeError, AttributeError):
                    needed[r].add(value)
    if samples:
        present = [v & (places | {"y"}) for v in letters]
        assert needed == present, f"keeps={op.keeps!r}, the rules need {needed}"


@cases()
def test_device_is_cpu(name: str) -> None:
    """The strict device double gives the CPU's numbers on both devices, and nothing crosses over."""
    op = OPS[name]
    with testing.use_device_double() as double:
        for sample in SAMPLES[name]:
            if not sample.devices:
                continue
            at = differentiated(op, sample)
            expected = gradients(name, arrays_of(sample), sample.params, at, True)
            for device in (gpu(0), gpu(1)):
                arrays = arrays_of(sample, device)
                with double.count() as cost:
                    got = gradients(name, arrays, sample.params, at, True)
                    raw = gradients(name, arrays, sample.params, at, False)
                assert cost.d2h == cost.sync == cost.p2p == cost.h2d == 0, f"{sample}: {cost}"
                for ours in (got, raw):
                    close(ours[0], expected[0])
                    close(ours[1], expected[1])
