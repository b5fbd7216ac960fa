"""The machine for elementwise programs beside NumPy, and the error bounds of its functions."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pytest
from mxgrad.kernels import cpu, vm
from mxgrad.kernels.vm import BYTES, FULL, MAX, MIN, SUM

pytestmark = pytest.mark.skipif(cpu.lib is None, reason="the kernels are not built (make setup)")

OPS = vm.OPS
PART = 32 * 1024        # elements that a thread takes at a time


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with numpy.errstate(all="ignore"):
        yield


def apply(name: str, *arrays: numpy.ndarray) -> numpy.ndarray:
    """One operation on full float32 arrays."""
    n, k = arrays[0].size, len(arrays)
    out = numpy.empty(n, "float32")
    operands = (0, min(1, k - 1), k - 1)
    vm.run(n, [(OPS[name], k, *operands)], [], arrays, [(1, n, FULL)] * k, [out], [(k, 1, n, FULL)])
    return out


# functions --------------------------------------------------------------------------------------------------

def every_size() -> numpy.ndarray:
    """Floats of all exponents and both signs, dense ones where functions bend, and the special values."""
    bits = numpy.arange(0, 1 << 32, 20011, dtype="uint64").astype("uint32").view("float32")
    dense = [numpy.linspace(-end, end, 50001, dtype="float32") for end in (1.5, 20, 110, 12000)]
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e-40, -1e-40, 1e-45, 3.4e38, -3.4e38,
               88.72283, 88.72284, -87.33655, -103.97, -104.1, -17.4, 12800.0, 12801.0, 1e9, 3.92, 3.94, 4.0]
    return numpy.concatenate([bits, *dense, numpy.array(special, "float32")])


def ulps(got: numpy.ndarray, exact: numpy.ndarray) -> numpy.ndarray:
    """Errors in units of the last place of the true value; inf where only one is nan."""
    rounded = exact.astype("float32")
    unit = numpy.spacing(numpy.abs(numpy.clip(rounded, -3.4e38, 3.4e38))).astype("float64")
    error = numpy.abs(got.astype("float64") - exact) / unit
    error[(got == rounded) | (numpy.isnan(got) & numpy.isnan(rounded))] = 0
    return numpy.where(numpy.isnan(error), numpy.inf, error)


# name: (true value in float64, bound in ulp); docs/kernels.md says the same
FUNCTIONS: dict[str, tuple[Callable[..., Any], float]] = {
    "exp": (numpy.exp, 1.1),
    "expm1": (numpy.expm1, 2.0),
    "log": (numpy.log, 1.0),
    "log1p": (numpy.log1p, 2.0),
    "tanh": (numpy.tanh, 2.5),
    "erf": (numpy.vectorize(math.erf, otypes=["float64"]), 2.0),
    "sin": (numpy.sin, 2.5),
    "cos": (numpy.cos, 2.5),
    "sqrt": (numpy.sqrt, 0.5),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_keep_their_bounds(name: str) -> None:
    exact, bound = FUNCTIONS[name]
    x = every_size()
    error = ulps(apply(name, x), exact(x.astype("float64")))
    worst = int(error.argmax())
    assert error[worst] <= bound, (x[worst], error[worst])


def test_sigmoid_keeps_its_bound_and_is_0_where_it_would_be_denormal() -> None:
    x = every_size()
    exact = 1 / (1 + numpy.exp(-x.astype("float64")))
    got, tiny = apply("sigmoid", x), exact < 2.0 ** -127
    assert ulps(got, exact)[~tiny].max() <= 3
    assert (got[tiny] <= 2.0 ** -126).all()


def test_power_keeps_its_bound() -> None:
    random = numpy.random.RandomState(0)
    x = numpy.concatenate([random.uniform(-3, 3, 100000), numpy.exp(random.uniform(-80, 80, 100000))])
    y = numpy.concatenate([random.randint(-9, 10, 100000), random.uniform(-40, 40, 100000)])
    special = numpy.array([0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, math.inf, -math.inf, math.nan, 1e-40,
                           3e38, 2 ** 24, 2 ** 24 + 2], "float32")
    x = numpy.concatenate([x.astype("float32"), numpy.repeat(special, special.size)])
    y = numpy.concatenate([y.astype("float32"), numpy.tile(special, special.size)])
    error = ulps(apply("power", x, y), numpy.power(x.astype("float64"), y.astype("float64")))
    worst = int(error.argmax())
    assert error[worst] <= 1, (x[worst], y[worst], error[worst])


@pytest.mark.parametrize("name", ["expm1", "tanh", "log1p", "erf", "sin"])
def test_odd_functions_keep_the_sign_of_zero(name: str) -> None:
    zeros = numpy.array([0.0, -0.0], "float32")
    assert numpy.signbit(apply(name, zeros)).tolist() == [False, True]


# operations that give NumPy's bits --------------------------------------------------------------------------

def _halves_down(x: numpy.ndarray) -> numpy.ndarray:
    low = numpy.floor(x)
    return low + (x - low > 0.5)


EXACT: dict[str, Callable[..., Any]] = {
    **{name: getattr(numpy, name) for name in (
        "add", "subtract", "multiply", "divide", "maximum", "minimum", "negative", "abs", "sign", "square",
        "sqrt", "reciprocal", "floor", "ceil", "equal", "not_equal", "less", "less_equal", "greater",
        "greater_equal", "logical_and", "logical_or", "logical_not")},
    "rsqrt": lambda x: 1 / numpy.sqrt(x),
    "relu": lambda x: numpy.maximum(x, 0),
    "relu_dx": lambda g, y: numpy.where(y > 0, g, numpy.float32(0)),
    "rint": _halves_down,
    "where": lambda c, a, b: numpy.where(c != 0, a, b),
    "copy": lambda x: x,
}
ARITY = {**dict.fromkeys(EXACT, 1), **dict.fromkeys(
    ("add", "subtract", "multiply", "divide", "maximum", "minimum", "equal", "not_equal", "less",
     "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "relu_dx"), 2), "where": 3}


def test_every_operation_is_tested() -> None:
    assert set(OPS) == set(EXACT) | set(FUNCTIONS) | {"sigmoid", "power"}


@pytest.mark.parametrize("name", sorted(EXACT))
def test_arithmetic_has_the_bits_of_numpy(name: str) -> None:
    special = numpy.array([0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 8388607.5, 8388609, 1e30, -1e30, 1e-40,
                           3.4e38, math.inf, -math.inf, math.nan, 0.99999994, -0.99999994], "float32")
    random = numpy.random.RandomState(0).standard_normal((3, 5001)).astype("float32") * 10
    grid = numpy.array(numpy.meshgrid(special, special, special)).reshape(3, -1)
    arrays = numpy.ascontiguousarray(numpy.concatenate([random, grid], axis=1))[:ARITY[name]]
    expected = EXACT[name](*arrays).astype("float32")
    numpy.testing.assert_array_equal(apply(name, *arrays), expected)


# programs ---------------------------------------------------------------------------------------------------

def spread(a: numpy.ndarray, n: int, inner: int, m: int) -> numpy.ndarray:
    return a[numpy.arange(n) // inner % m].astype("float32")


def reduced(v: numpy.ndarray, inner: int, m: int, kind: int) -> numpy.ndarray:
    ufunc, start = {SUM: (numpy.add, 0.0), MAX: (numpy.maximum, -math.inf),
                    MIN: (numpy.minimum, math.inf)}[kind]
    out = numpy.full(m, start, "float64")
    ufunc.at(out, numpy.arange(v.size) // inner % m, v)
    return out


def layouts_of(n: int) -> list[tuple[int, int]]:
    """(inner, m) of full arrays, rows, columns, channels and scalars."""
    found = [(1, n), (1, 1), (n, 1)]
    for d in (2, 3, 7, 10, 64, 1000, 1024, 1500):
        if n % d == 0:
            found += [(1, d), (n // d, d), (1, n // d), (d, n // d)]
            found += [(d, n // (d * e)) for e in (2, 5) if n % (d * e) == 0]
    return found


# the simple operations, without those that tell 0 from -0
STEPS = ["add", "subtract", "multiply", "maximum", "minimum", "negative", "abs", "floor", "ceil", "less",
         "greater_equal", "not_equal", "logical_and", "logical_or", "logical_not", "where", "relu", "copy"]


@pytest.mark.parametrize("seed", range(200))
def test_random_programs(seed: int) -> None:
    random = numpy.random.RandomState(seed)
    n = [1, 5, 60, 1000, 1024, 1025, 2100, 7000, PART, PART + 1, 3 * PART + 64, 90000, 210000][seed % 13]
    shapes = layouts_of(n)

    def layout() -> tuple[int, int]:
        return shapes[random.randint(len(shapes))]

    inputs, in_layouts, values = [], [], []
    for _ in range(random.randint(1, 5)):
        (inner, m), kind = layout(), random.randint(2)
        a = random.standard_normal(m).astype("float32")
        a[random.randint(m)] = math.nan if random.rand() < 0.1 else 1
        a = a > 0 if kind == BYTES else a
        inputs.append(a)
        in_layouts.append((inner, m, kind))
        values.append(spread(a, n, inner, m))
    constants = [float(c) for c in random.randint(-3, 4, 2)]
    registers: list[numpy.ndarray] = [*values, *[None] * 3]
    code = []
    for _ in range(random.randint(1, 12)):
        name = STEPS[random.randint(len(STEPS))]
        known = [i for i, v in enumerate(registers) if v is not None]
        operands = [int(random.choice([*known, -1, -2])) for _ in range(3)]
        to = random.randint(len(registers))
        code.append((OPS[name], to, *operands))
        taken = [registers[i] if i >= 0 else numpy.full(n, constants[-1 - i], "float32")
                 for i in operands[:ARITY[name]]]
        registers[to] = EXACT[name](*taken).astype("float32")
    known = [i for i, v in enumerate(registers) if v is not None]
    outputs, out_layouts, expected = [], [], []
    for _ in range(random.randint(1, 5)):
        register, kind = int(random.choice(known)), random.randint(5)
        v = registers[register]
        if kind in (FULL, BYTES):
            inner, m = 1, n
            outputs.append(numpy.empty(n, "float32" if kind == FULL else "bool"))
            expected.append(v if kind == FULL else v != 0)
        else:
            inner, m = layout()
            outputs.append(numpy.empty(m, "float32"))
            expected.append(reduced(v, inner, m, kind))
        out_layouts.append((register, inner, m, kind))
    before, found = cpu.threads(), []
    try:
        for threads in (1, 2, 3):
            cpu.set_threads(threads)
            for out in outputs:
                out[...] = 1
            vm.run(n, code, constants, inputs, in_layouts, outputs, out_layouts)
            found.append([out.copy() for out in outputs])
    finally:
        cpu.set_threads(before)
    for out, *others in zip(*found):
        for other in others:
            assert out.tobytes() == other.tobytes()
    for out, wanted, (register, _, _, kind) in zip(found[0], expected, out_layouts):
        if kind == SUM:
            scale = float(numpy.nansum(numpy.abs(registers[register]))) / max(1, out.size) + 1
            numpy.testing.assert_allclose(out, wanted, rtol=1e-6, atol=1e-6 * scale)
        else:
            numpy.testing.assert_array_equal(out, wanted)


@pytest.mark.parametrize("inner, m", [(1, 50000), (1, 1000), (1, 3), (2, 100000), (40, 100), (200, 1000),
                                      (100000, 1), (1, 200000), (200000, 1)])
@pytest.mark.parametrize("kind", [SUM, MAX, MIN])
def test_reductions(inner: int, m: int, kind: int) -> None:
    n = 200000
    x = numpy.random.RandomState(1).standard_normal(n).astype("float32") + 3
    out = numpy.empty(m, "float32")
    vm.run(n, [], [], [x], [(1, n, FULL)], [out], [(0, inner, m, kind)])
    numpy.testing.assert_allclose(out, reduced(x, inner, m, kind), rtol=3e-7)
    x[n // 3] = math.nan
    vm.run(n, [], [], [x], [(1, n, FULL)], [out], [(0, inner, m, kind)])
    assert numpy.isnan(out).sum() == 1 and numpy.isnan(out[n // 3 // inner % m])


@pytest.mark.parametrize("code, layouts, out_layouts", [
    ([(999, 1, 0, 0, 0)], [(1, 8, 0)], [(1, 1, 8, 0)]),         # no such operation
    ([(-1, 1, 0, 0, 0)], [(1, 8, 0)], [(1, 1, 8, 0)]),
    ([(0, 1, 0, 2, 0)], [(1, 8, 0)], [(1, 1, 8, 0)]),           # no such register
    ([(0, 2, 0, 1, 0)], [(1, 8, 0)], [(2, 1, 8, 0)]),           # register 1 is read before it is written
    ([(0, 1, 0, -2, 0)], [(1, 8, 0)], [(1, 1, 8, 0)]),          # no such constant
    ([(0, -1, 0, 0, 0)], [(1, 8, 0)], [(0, 1, 8, 0)]),          # a constant is written
    ([(0, 1, 0, 0, 0)], [(0, 8, 0)], [(1, 1, 8, 0)]),           # no layout
    ([(0, 1, 0, 0, 0)], [(1, 8, 0)], [(1, 1, 8, 5)]),           # no such kind
])
def test_bad_programs_are_refused(code: Any, layouts: Any, out_layouts: Any) -> None:
    x, out = numpy.ones(8, "float32"), numpy.full(8, 7, "float32")
    with pytest.raises(ValueError, match="no program"):
        vm.run(8, code, [1.0], [x], layouts, [out], out_layouts)
    assert (out == 7).all()
