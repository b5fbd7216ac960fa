"""Elementwise ops that are put off give what they give when they are not, whatever happens between."""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import autograd, nd, np
from mxgrad.invoke import F
from mxgrad.kernels import cpu, deferred, norm, vm
from mxgrad.registry import OPS

pytestmark = pytest.mark.skipif(
    not deferred.available, reason="ops are put off with compiled kernels and NumPy 2 only")


@contextmanager
def from_size(size: int) -> Iterator[None]:
    before, deferred.large = deferred.large, size
    try:
        yield
    finally:
        deferred.large = before


@contextmanager
def kernels_from(size: int) -> Iterator[None]:
    before, cpu.small = cpu.small, size
    try:
        yield
    finally:
        cpu.small = before


@pytest.fixture(autouse=True)
def always() -> Iterator[None]:
    with from_size(1):
        yield


@contextmanager
def passes() -> Iterator[list[int]]:
    """The number of outputs of each pass that is made."""
    made: list[int] = []
    run = vm.run

    def counted(n: int, code: Any, constants: Any, inputs: Any, layouts: Any, outputs: Any,
                out_layouts: Any) -> None:
        made.append(len(outputs))
        run(n, code, constants, inputs, layouts, outputs, out_layouts)

    vm.run = counted
    try:
        yield made
    finally:
        vm.run = run


def variable(*shape: int, seed: int = 0) -> Any:
    x = nd.array(numpy.random.RandomState(seed).uniform(-1, 1, shape))
    x.attach_grad()
    return x


def test_nothing_is_computed_before_somebody_looks() -> None:
    x = variable(4, 5)
    with passes() as made:
        y = nd.tanh(x * 2 + 1) * nd.exp(-x)
        assert y.shape == (4, 5) and y.dtype == numpy.float32 and not made
        y.wait_to_read()
        assert made == [1]
        y.asnumpy()
        assert made == [1]


def test_forward_and_backward_are_one_pass() -> None:
    x = variable(4, 5)
    with passes() as made:
        with autograd.record():
            loss = (nd.tanh(x * 2 + 1) * nd.exp(-x) + x).sum()
        loss.backward()
        assert made == [2]      # the gradient, and with it the loss
        loss.asnumpy()
        assert made == [2]
    a = x.asnumpy().astype("float64")
    t, e = numpy.tanh(a * 2 + 1), numpy.exp(-a)
    numpy.testing.assert_allclose(x.grad.asnumpy(), 2 * e * (1 - t * t) - t * e + 1, rtol=1e-5)
    numpy.testing.assert_allclose(loss.asscalar(), (t * e + a).sum(), rtol=1e-5)


def test_errors_come_at_once() -> None:
    with pytest.raises(ValueError, match=r"add: .*\(2, 3\).*\(4, 5\)"):
        nd.ones((2, 3)) * 2 + nd.ones((4, 5))
    with pytest.raises(ValueError, match="axis 7"):
        (nd.ones((2, 3)) * 2).sum(axis=7)


def test_writes_come_after_what_was_asked_before() -> None:
    a, b = nd.ones((6,)), nd.ones((1,))
    y = a * 2 + b
    a[:] = 10
    assert y.asnumpy().tolist() == [3] * 6
    z = a * b
    b += 5
    assert z.asnumpy().tolist() == [10] * 6
    view = a[2:4]
    w = a + 1
    view[:] = 0
    assert w.asnumpy().tolist() == [11] * 6
    assert (a + 1).asnumpy().tolist() == [11, 11, 1, 1, 11, 11]


def test_a_write_into_what_was_put_off() -> None:
    a = nd.ones((6,))
    y = a + 1
    z = y * 3
    y[0] = 7
    assert z.asnumpy().tolist() == [6] * 6
    assert y.asnumpy().tolist() == [7, 2, 2, 2, 2, 2]


def test_gradients_are_read_before_they_are_written_again() -> None:
    x = variable(5)
    with autograd.record():
        y = x * x
    y.backward()
    half = x.grad * 0.5
    with autograd.record():
        y = x * 3
    y.backward()
    numpy.testing.assert_allclose(half.asnumpy(), x.asnumpy(), rtol=1e-6)
    assert x.grad.asnumpy().tolist() == [3] * 5


@pytest.mark.parametrize("grad_req", ["write", "add"])
def test_gradient_buffers(grad_req: str) -> None:
    x, w = variable(4, 3), variable(3, seed=1)
    x.attach_grad(grad_req)
    w.attach_grad(grad_req)
    for _ in range(2):
        with autograd.record():
            y = (nd.sigmoid(x * w) + w).sum()
        y.backward()
    a, b = x.asnumpy().astype("float64"), w.asnumpy().astype("float64")
    s = 1 / (1 + numpy.exp(-a * b))
    times = 2 if grad_req == "add" else 1
    numpy.testing.assert_allclose(x.grad.asnumpy(), times * s * (1 - s) * b, rtol=1e-5)
    numpy.testing.assert_allclose(w.grad.asnumpy(), times * ((s * (1 - s) * a).sum(0) + 4), rtol=1e-5)


def test_version_checks_stay() -> None:
    x = variable(5)
    with autograd.record():
        y = x * 2
        z = y * y
    y += 1
    with pytest.raises(mx.base.InplaceError):
        z.backward()


def test_a_loop_computes_each_number_three_times_at_most() -> None:
    x = nd.ones((10,))
    steps = 0
    with passes():
        run = vm.run

        def counted(n: int, code: Any, *rest: Any) -> None:
            nonlocal steps
            steps += len(code)
            run(n, code, *rest)

        vm.run = counted
        for _ in range(50):
            x = x * 0.5 + 1
            x.sum().asscalar()
    assert steps <= 3 * 2 * 50
    numpy.testing.assert_allclose(x.asnumpy(), 2, rtol=1e-6)


def test_long_expressions() -> None:
    x = y = nd.ones((10,))
    for _ in range(1000):
        y = y * 0.5 + x
    numpy.testing.assert_allclose(y.asnumpy(), 2, rtol=1e-6)


def test_switch() -> None:
    before = mx.engine.set_deferred(False)
    try:
        with passes() as made:
            (nd.ones((5,)) * 2).asnumpy()
        assert not made
    finally:
        assert mx.engine.set_deferred(before) is False


def test_waitall() -> None:
    y = nd.exp(nd.ones((5,)) - 1) * 2
    with passes() as made:
        nd.waitall()
        assert made
        made.clear()
        assert y.asnumpy().tolist() == [2] * 5
        assert not made


# random programs --------------------------------------------------------------------------------------------


class Program:
    """Random statements over a few arrays; the same seed gives the same ones."""

    UNARY = ("tanh", "exp", "sigmoid", "relu", "square", "negative", "abs", "log1p", "sqrt", "erf", "sign")
    BINARY: tuple[Callable[[Any, Any], Any], ...] = (
        lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (b * b + 1),
        # far from ties, which the last bit decides
        lambda a, b: nd.maximum(a, 0.317 * b + 0.0123), lambda a, b: (a > 0.1234) * b,
        lambda a, b: nd.where(nd.broadcast_like(a, a + b) > 0.0567, a + b, b - a),
    )
    SHAPES = ((6, 4, 5), (5,), (4, 1), (6, 1, 1), (1,), (4, 5), (1, 4, 1))

    def __init__(self, seed: int) -> None:
        self.draw = numpy.random.RandomState(seed)

    def run(self, recorded: bool) -> list[numpy.ndarray]:
        draw = self.draw
        leaves = [nd.array(draw.uniform(-1, 1, s)) for s in self.SHAPES]
        values = list(leaves)
        seen: list[numpy.ndarray] = []
        for leaf in leaves:
            leaf.attach_grad()
        with autograd.record() if recorded else autograd.pause():
            for _ in range(25):
                values.append(self.statement(values, leaves, seen, recorded))
            if recorded:
                total = sum(nd.tanh(v).sum() for v in values[len(leaves):])
        if recorded:
            total.backward()
            seen += [leaf.grad.asnumpy() for leaf in leaves]
        return seen + [v.asnumpy() for v in values]

    def statement(self, values: list[Any], leaves: list[Any], seen: list[numpy.ndarray],
                  recorded: bool) -> Any:
        draw = self.draw
        a, b = (values[draw.randint(len(values))] for _ in range(2))
        what = draw.randint(13)
        if what < 3:
            name = self.UNARY[draw.randint(len(self.UNARY))]
            a = nd.abs(a) if name in ("sqrt", "log1p") else nd.clip(a, -3, 3)
            return getattr(nd, name)(a)
        if what < 8:
            f = self.BINARY[draw.randint(len(self.BINARY))]
            try:
                return nd.tanh(f(a, b))
            except ValueError:
                return nd.tanh(f(a, a * 0.5))
        if what == 8:
            axis = int(draw.randint(a.ndim))
            return a.mean(axis=axis, keepdims=True)
        if what == 9:
            return a.sum() * 0.01
        if what == 10:
            seen.append(a.asnumpy())
            return a * 1
        if what == 11 and not recorded:
            b[:] = 0.25                     # a write: whole, or through a view
            return b + a.max()
        if what == 12 and not recorded:
            b[0:1] = a.mean()
            return b.reshape((-1,)) * 2
        return a.reshape((-1,)) * 0.5 if draw.randint(2) else a.T


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int, recorded: bool) -> None:
    got = Program(seed).run(recorded)
    with from_size(1 << 60):
        expected = Program(seed).run(recorded)
    assert len(got) == len(expected)
    for a, b in zip(got, expected):
        assert a.shape == b.shape and a.dtype == b.dtype
        numpy.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_arithmetic_is_the_same_to_the_bit() -> None:
    draw = numpy.random.RandomState(3)
    a, b = (nd.array(draw.standard_normal((50, 70)) * 10.0 ** draw.randint(-20, 20, (50, 70)))
            for _ in range(2))

    def program() -> list[numpy.ndarray]:
        y = (a * b + a) / b - nd.sqrt(nd.abs(a))
        return [y.asnumpy(), nd.maximum(y, b).asnumpy(), (a > b).asnumpy(), nd.floor(a * 0.3).asnumpy()]

    got = program()
    with from_size(1 << 60):
        expected = program()
    for x, y in zip(got, expected):
        numpy.testing.assert_array_equal(x, y)


def test_np_arrays_and_bools() -> None:
    x = np.array(numpy.arange(12.0).reshape(3, 4), dtype="float32")
    mask = np.logical_and(x > 2, x < 9)
    assert mask.dtype == numpy.bool_
    assert np.where(mask, x, -x).asnumpy().tolist() == [[0, -1, -2, 3], [4, 5, 6, 7], [8, -9, -10, -11]]
    assert (~mask).asnumpy().sum() == 6
    assert int(mask.sum()) == 6
    assert (x[mask] + 1).asnumpy().tolist() == [4, 5, 6, 7, 8, 9]


def test_numpy_gets_the_numbers() -> None:
    y = nd.ones((3, 2)) * 2
    assert numpy.asarray(y).tolist() == [[2, 2]] * 3
    assert numpy.from_dlpack(nd.ones((3,)) * 2).tolist() == [2, 2, 2]
    assert str(nd.ones((2,)) * 2) == "\n[2. 2.]\n<NDArray 2 @cpu(0)>"


@pytest.mark.parametrize("activation", [
    lambda x: nd.LeakyReLU(x, slope=0.1), lambda x: nd.LeakyReLU(x, act_type="elu", slope=0.3),
    lambda x: nd.LeakyReLU(x, act_type="gelu"), nd.softrelu, nd.softsign, nd.log_sigmoid, nd.hard_sigmoid,
    lambda x: nd.smooth_l1(x, scalar=2), nd.mish])
def test_activations_are_part_of_the_pass(activation: Any) -> None:
    def slopes(x: Any) -> numpy.ndarray:
        with autograd.record():
            y = activation(x * 3).sum()
        y.backward()
        return x.grad.asnumpy()

    with passes() as made:
        got = slopes(variable(7, 9))
    assert made == [2]
    with from_size(1 << 60):
        numpy.testing.assert_allclose(got, slopes(variable(7, 9)), rtol=1e-5, atol=1e-6)


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is computed of all that was put off, with kernels for arrays of any size."""
    roots: list[Any] = []
    evaluate = deferred.evaluate

    def noted(these: Any, into: Any = None) -> None:
        these = list(these)
        roots.extend(these)
        evaluate(these, into)

    monkeypatch.setattr(deferred, "evaluate", noted)
    monkeypatch.setattr(cpu, "small", 1)
    return roots


def test_products_and_softmax_multiply_on_the_way(evaluated: list[Any]) -> None:
    found = []
    for on in (False, True):
        before = deferred.switch(on)
        q, k, v = arrays = [variable(3, 20, 17, seed=seed) for seed in range(3)]
        with autograd.record():
            y = nd.batch_dot(nd.softmax(nd.batch_dot(q, k, transpose_b=True) * 0.125), v)
        y.backward()
        found.append([a.asnumpy() for a in (y, *[x.grad for x in arrays])])
        deferred.switch(before)
    assert not evaluated
    for plain, put_off in zip(*found):
        numpy.testing.assert_allclose(put_off, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("factor, passed", [(0.25, 0), (-3, 0), (0.0, 1), (1e-30, 1), (1e30, 1)])
def test_which_factors_a_product_takes(evaluated: list[Any], factor: float, passed: int) -> None:
    """Where the product could overflow or vanish without its factor, an operand is multiplied first."""
    x, y = (nd.array(numpy.full((20, 20), v)) for v in (1 / (factor or 1), 1e20))
    product = nd.dot(x * factor, y).asnumpy()
    numpy.testing.assert_allclose(product, numpy.full((20, 20), 20e20 if factor else 0), rtol=1e-5)
    assert len(evaluated) == passed


def test_a_cotangent_of_two_leaves_goes_into_both() -> None:
    x, b, bias, other = variable(30, 4), variable(30, 4), variable(4), variable(4)
    a = nd.array(numpy.arange(120).reshape(30, 4))
    with autograd.record():
        y = (x + b + (bias + other)) * a
    y.backward()
    for leaf in (x, b):
        numpy.testing.assert_array_equal(leaf.grad.asnumpy(), a.asnumpy())
    for leaf in (bias, other):
        numpy.testing.assert_array_equal(leaf.grad.asnumpy(), a.asnumpy().sum(0))
    x.grad[:] = 0
    bias.grad[:] = 0
    assert b.grad.asnumpy().any() and other.grad.asnumpy().any()


def test_a_head_gradient_keeps_its_memory() -> None:
    x = variable(30, 4)
    head = nd.ones((30, 4)) * 2
    with autograd.record():
        y = x + 1
    y.backward(head)
    x.grad[:] = 0
    assert (head.asnumpy() == 2).all()


def test_gradients_take_the_memory_of_what_was_computed() -> None:
    x, scale, shift = variable(30, 400), variable(400), variable(400)
    head = nd.array(numpy.arange(12000).reshape(30, 400))

    def gradient() -> numpy.ndarray:
        with kernels_from(1), autograd.record():
            y = nd.LayerNorm(x, scale, shift)
        with kernels_from(1):
            y.backward(head)
        return x.grad.asnumpy()

    address = x.grad._data.ctypes.data
    results = [gradient()]
    assert x.grad._data.ctypes.data != address
    part = x.grad[1:3]          # now somebody else sees the memory
    address = x.grad._data.ctypes.data
    results.append(gradient())
    assert x.grad._data.ctypes.data == address
    numpy.testing.assert_array_equal(*results)
    numpy.testing.assert_array_equal(part.asnumpy(), results[0][1:3])
    x.grad[:] = 0
    assert not part.asnumpy().any()


@pytest.mark.parametrize("name", [n for n in deferred._BUILDERS if n in OPS and len(OPS[n].arrays) == 1
                                  and OPS[n].broadcasts])
def test_each_function_of_one_array(name: str) -> None:
    """As eager ones, at halves and other special places, alone and within an expression."""
    x = nd.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, 3.3, numpy.inf, -numpy.inf, numpy.nan])
    params = {"a_min": -1.0, "a_max": 2.0} if name == "clip" else {}
    function = getattr(F, name)
    got = [function(x, **params).asnumpy(), function(x * 1, **params).asnumpy()]
    with from_size(1 << 60):
        expected = function(x, **params).asnumpy()
    for a in got:
        assert a.dtype == expected.dtype
        numpy.testing.assert_allclose(a, expected, rtol=1e-6, atol=1e-30)


def test_zeros_of_both_signs() -> None:
    x = nd.array([1.0, 2.0])
    y = (x / 0.0) * 2 + nd.negative(x / -0.0)       # two constants, which compare equal
    assert y.asnumpy().tolist() == [numpy.inf] * 2


def test_no_floating_point_warnings() -> None:
    x = nd.array([0.0, 1.0, -1.0])
    got = nd.gammaln(x * 1) + nd.log(x) / x
    assert got.asnumpy().tolist()[1] == 0


def test_memory_that_others_write() -> None:
    host = numpy.ones(5, "float32")
    x = nd.from_numpy(host)
    y = x + 1
    host[:] = 7
    assert y.asnumpy().tolist() == [2] * 5
    z = nd.ones((5,))
    alias = numpy.from_dlpack(z)
    w = z + 1
    alias[:] = 3
    assert w.asnumpy().tolist() == [2] * 5
    assert (z + 1).asnumpy().tolist() == [4] * 5


def test_gradient_buffers_that_are_parts_of_others() -> None:
    whole = nd.zeros((3, 50))
    x = nd.ones((50,))
    autograd.mark_variables([x], [whole[1]])
    head = nd.full((50,), 2)
    with autograd.record():
        y = x + 0
    y.backward(head)
    assert whole.asnumpy().sum(axis=1).tolist() == [0, 100, 0]
    y = None
    whole[:] = 0
    assert head.asnumpy().sum() == 100


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads that take turns within a Python function."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_threads_share_what_waits(quick_switches: None) -> None:
    for _ in range(20):
        z = nd.full((64,), 3) * 2 + 1
        w = nd.exp(z - 7) + z
        start = threading.Barrier(6)

        def look(i: int, z: Any = z, w: Any = w, start: threading.Barrier = start) -> list[float]:
            start.wait()
            return (w * i + z).asnumpy().tolist()      # type: ignore[no-any-return]

        with ThreadPoolExecutor(6) as threads:
            assert list(threads.map(look, range(6))) == [[8 * i + 7] * 64 for i in range(6)]


def test_writes_of_many_threads(quick_switches: None) -> None:
    """Each sees its own reads before its own writes."""
    def work(i: int) -> None:
        for _ in range(30):
            a = nd.full((8,), i)
            waiting = [a + j for j in range(70)]
            a += 1
            assert [y.asnumpy().tolist() for y in waiting] == [[i + j] * 8 for j in range(70)]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))


def test_higher_orders() -> None:
    def second() -> numpy.ndarray:
        x = variable(7)
        with autograd.record():
            y = nd.tanh(x) * x
            g = autograd.grad(y, x, create_graph=True)[0]
            total = (g * g).sum()
        total.backward()
        return x.grad.asnumpy()

    got = second()
    with from_size(1 << 60):
        numpy.testing.assert_allclose(got, second(), rtol=1e-5, atol=1e-6)


# normalisation: what follows is part of its pass ------------------------------------------------------------


@pytest.fixture
def affine(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, bool]]:
    """Of each call of the kernel of normalisation: whether it adds an array, and whether it takes relu; with
    kernels for arrays of any size.
    """
    calls: list[tuple[bool, bool]] = []
    kernel = norm._affine

    def noted(x: Any, columns: Any, sizes: Any, r: Any = None, relu: bool = False) -> Any:
        calls.append((r is not None, relu))
        return kernel(x, columns, sizes, r, relu)

    monkeypatch.setattr(norm, "_affine", noted)
    monkeypatch.setattr(cpu, "small", 0)
    return calls


class Normalised:
    """Data, residual and parameters of a normalisation, with gradients."""

    def __init__(self, *shape: int, axis: int = 1, of_batch: bool = True) -> None:
        channels = shape[axis]
        self.x, self.r = variable(*shape), variable(*shape, seed=1)
        self.gamma, self.beta = variable(channels, seed=2), variable(channels, seed=3)
        self.mean, self.var = variable(channels, seed=4), nd.ones(channels) * 2
        self.params: dict[str, Any] = {
            "fix_gamma": False, "axis": axis, "use_global_stats": not of_batch, "momentum": 0.25}
        self.leaves = [self.x, self.r, self.gamma, self.beta]

    def __call__(self) -> Any:
        return nd.BatchNorm(self.x, self.gamma, self.beta, self.mean, self.var, **self.params)


def test_relu_is_part_of_the_normalisation(
        affine: list[tuple[bool, bool]], monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    run = vm.run

    def noted(n: int, *rest: Any) -> None:
        sizes.append(n)
        run(n, *rest)

    monkeypatch.setattr(vm, "run", noted)
    for add in (False, True):
        n = Normalised(6, 5, 3, 7)
        with autograd.record():
            y = n() + n.r if add else n()
            y = nd.relu(y)
        y.wait_to_read()
        assert affine == [(add, True)]
        y.backward(nd.ones(y.shape))
        assert (n.x.grad.asnumpy() != 0).any()
        assert sizes.count(y.size) == add       # the gradient of r
        affine.clear()
        sizes.clear()
    n().wait_to_read()
    assert affine == [(False, False)]


def test_a_normalisation_that_is_used_twice(affine: list[tuple[bool, bool]]) -> None:
    n = Normalised(6, 5, 3, 7)
    with passes() as made:
        y = n()
        z = nd.relu(y)
        z.wait_to_read()
    assert made == [2] and not affine       # both, in one pass
    numpy.testing.assert_array_equal(z.asnumpy(), numpy.maximum(y.asnumpy(), 0))


_FOLLOWED: list[Callable[[Normalised], Any]] = [
    lambda n: nd.relu(n()), lambda n: nd.relu(n() + n.r), lambda n: nd.relu(n.r + n()), lambda n: n(),
    lambda n: nd.relu(n()) * nd.tanh(n()), lambda n: nd.relu(n() + nd.relu(n())),
    lambda n: nd.sigmoid(n() * 2 - n.r)]


@pytest.mark.parametrize("of_batch", [True, False])
@pytest.mark.parametrize("shape, axis", [
    ((6, 5, 3, 7), 1), ((2, 40, 4, 5), 1), ((30, 17), 1), ((9, 4, 3, 3), 1), ((4, 3, 5, 6), -1),
    ((1, 7, 40), 1), ((3, 50), 0), ((5, 1, 30), 1)])
def test_what_follows_a_normalisation(shape: tuple[int, ...], axis: int, of_batch: bool) -> None:
    """Values, moving statistics, gradients of two backwards and of a recorded one, and its own gradients."""
    def all_of(followed: Callable[[Normalised], Any]) -> list[numpy.ndarray]:
        n = Normalised(*shape, axis=axis, of_batch=of_batch)
        head = variable(*shape, seed=5)
        with autograd.record():
            y = followed(n)
        found = [y.asnumpy()]
        for retain in (True, False):
            y.backward(head, retain_graph=retain)
            found += [a.asnumpy() for a in (*[leaf.grad for leaf in n.leaves], n.mean, n.var)]
        with autograd.record():
            slopes = autograd.grad(followed(n), n.leaves[2:], head, create_graph=True)
            total = sum((s * s).sum() for s in slopes)
        total.backward()
        return found + [s.asnumpy() for s in slopes] + [leaf.grad.asnumpy() for leaf in (n.x, n.gamma)]

    for followed in _FOLLOWED:
        with kernels_from(0):
            got = all_of(followed)
        with from_size(1 << 60), kernels_from(1 << 60):
            expected = all_of(followed)
        for a, b in zip(got, expected, strict=True):
            numpy.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * max(abs(b).max(), 1e-3))


def test_writes_between_a_normalisation_and_its_backward() -> None:
    n = Normalised(6, 5, 3, 7)
    with autograd.record():
        expected = nd.relu(n()).asnumpy()
        z = nd.relu(n())
    n.x[:] = 0
    numpy.testing.assert_allclose(z.asnumpy(), expected, rtol=1e-6)
    with pytest.raises(mx.base.InplaceError, match="batch_norm"):
        z.backward()
