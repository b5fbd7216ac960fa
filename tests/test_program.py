"""Programs: what is replayed gives the numbers, graphs and errors of the function itself."""
from __future__ import annotations

import copy
import gc
import pickle
import threading
from typing import Any

import numpy
import pytest
from gradients import arrays_of, differentiated, hosts, listed
from mxgrad import autograd, cpu, gluon, gpu, init, nd, np, profiler, random, reverse, testing
from mxgrad.base import AutogradError, InplaceError, InvalidTypeError, ProgramError
from mxgrad.context import memory_stats
from mxgrad.gluon import nn
from mxgrad.invoke import F
from mxgrad.kernels import deferred
from mxgrad.kernels.deferred import settled
from mxgrad.ndarray import BaseArray
from mxgrad.registry import OPS
from samples import SAMPLES


def marked(*values: Any) -> Any:
    arrays = [nd.array(v, dtype="float64") for v in values]
    for a in arrays:
        a.attach_grad()
    return arrays if len(arrays) > 1 else arrays[0]


def equal(a: Any, b: Any) -> bool:
    return all(x.dtype == y.dtype and numpy.array_equal(x, y, equal_nan=x.dtype.kind == "f")
               for x, y in zip(hosts(a), hosts(b), strict=True))


@pytest.mark.parametrize("name", sorted(set(OPS) - {"transfer"}))      # which is no call of an op, but a copy
def test_every_op_is_replayed(name: str) -> None:
    for sample in SAMPLES[name]:
        at = differentiated(OPS[name], sample)

        def call(*arrays: Any, params: Any = sample.params) -> Any:
            return getattr(F, name)(*arrays, **params)

        results = []
        for f in (call, autograd.program(call)):
            for _ in range(2):
                arrays = arrays_of(sample)
                for i in at:
                    arrays[i].attach_grad()
                with autograd.record():
                    out = listed(f(*arrays))
                heads = [y for y in out if y._entry is not None]
                if heads:
                    autograd.backward(heads)
                results.append((out, [arrays[i].grad for i in at]))
        for out, grads in results[1:]:
            assert equal(results[0][0], out), sample
            assert equal(results[0][1], grads), sample


def random_function(seed: int) -> Any:
    """A function of two arrays of shape (3, 4) that calls some of everything, and reads a third."""
    draw = numpy.random.RandomState(seed)
    w = marked(draw.uniform(0.5, 1, (4, 4)))
    ops: list[Any] = [
        lambda a, b: a * b, lambda a, b: a + 2 * b, lambda a, b: a / (1.5 + b * b), lambda a, b: nd.dot(a, w),
        lambda a, b: nd.tanh(a) - b, lambda a, b: a.reshape((4, 3)).T.reshape((3, 4)),
        lambda a, b: nd.concat(a[:1], b[1:], dim=0), lambda a, b: nd.softmax(a) * b.sum(),
        lambda a, b: nd.where(a > b, a, b), lambda a, b: a.detach() * b, lambda a, b: nd.stop_gradient(b) - a,
        lambda a, b: nd.split(a, 2, axis=1)[0].repeat(2, axis=1) + (w * w).sum(),
        lambda a, b: nd.broadcast_add(a, b.mean(axis=0, keepdims=True)),
    ]
    chosen = draw.randint(len(ops), size=12)

    def f(x: Any, y: Any) -> Any:
        values = [x, y]
        for k in chosen:
            values.append(ops[k](values[-1], values[-2]))
        with autograd.pause():
            values.append(values[-1] * values[-2])
        return values[-2], {"rest": [values[-1], values[5], x]}

    return f, w


@pytest.mark.parametrize("seed", range(20))
def test_random_functions(seed: int) -> None:
    f, w = random_function(seed)
    p = autograd.program(f)
    draw = numpy.random.RandomState(seed)
    for _ in range(3):
        x, y = marked(draw.uniform(-1, 1, (3, 4)), draw.uniform(-1, 1, (3, 4)))
        w[:] = w * 0.9
        found = []
        for g in (f, p):
            with autograd.record():
                a, rest = g(x, y)
                assert list(rest) == ["rest"] and rest["rest"][2] is x
                (first,) = autograd.grad(a + x, x, create_graph=True)
                total = (first * first).sum() + (a * x).sum()
            total.backward()
            found.append([a, *rest["rest"], first, x.grad.copy(), y.grad.copy(), w.grad.copy()])
        assert equal(*found)
        assert equal(listed(f(x, y)[0]), listed(p(x, y)[0]))


def asked_once(ops: Any, monkeypatch: Any) -> None:
    """Have the rules of `ops` refuse to be called again."""
    def never(*args: Any, **params: Any) -> Any:
        raise AssertionError("a rule was called")

    for op in ops:
        monkeypatch.setattr(op, "vjps", tuple(rule and never for rule in op.vjps))
        monkeypatch.setattr(op, "joint", op.joint and never)
        monkeypatch.setattr(op, "rule", op.rule and never)


@pytest.mark.parametrize("name", sorted(set(OPS) - {"transfer"}))
def test_every_rule_is_replayed(name: str, monkeypatch: Any) -> None:
    """The first backward of a program calls the rules, the next ones what these called."""
    op = OPS[name]
    for sample in SAMPLES[name]:
        at = differentiated(op, sample)

        def call(*arrays: Any, params: Any = sample.params) -> Any:
            first, *others = [y for y in listed(getattr(F, name)(*arrays, **params)) if y._entry is not None]
            return sum([(y * 0.5).sum() for y in others], first * 1.5)

        p = autograd.program(call)
        results = []
        for f in (call, p, p, p):
            arrays = arrays_of(sample)
            for i in at:
                arrays[i].attach_grad()
            if not at or all(y._entry is None for y in recorded(op, arrays, sample.params)):
                break
            with autograd.record():
                y = f(*arrays)
            with monkeypatch.context() as patch:
                # the walk adds to the part of an array that was taken
                if len(results) > 1 and op.adds is None:
                    asked_once([op], patch)
                y.backward()
            results.append([y, *(arrays[i].grad for i in at)])
        for result in results[1:]:
            assert equal(results[0], result), sample


def recorded(op: Any, arrays: Any, params: Any) -> Any:
    with autograd.record():
        return listed(getattr(F, op.name)(*arrays, **params))


@pytest.mark.parametrize("seed", range(20))
def test_the_reverse_pass_is_replayed(seed: int) -> None:
    """What is given to an array inside and outside is added up in the order it always has."""
    both, w = random_function(seed)

    def f(x: Any, y: Any) -> Any:
        return both(x, y)[0]

    p = autograd.program(f)
    draw = numpy.random.RandomState(seed)
    results: list[Any] = [[], []]
    for i in range(4):
        values = draw.uniform(-1, 1, (2, 3, 4))
        for g, found in zip((f, p), results):
            x, y = marked(*values)
            for a in (x, w):
                a.attach_grad("add")
            with autograd.record():
                a = g(x * y, y)
                total = (a * x / 3).sum() + (g(a, y) * y / 7).sum()
                if i == 2:
                    (first,) = autograd.grad(total, x, create_graph=True)
                    total = total + (first * first).sum()
                if i == 3:
                    found += autograd.grad(total, [a, y], retain_graph=True)
            total.backward(retain_graph=True)
            total.backward()
            found += [total, x.grad, y.grad, w.grad.copy()]
            with pytest.raises(AutogradError, match="The graph through") as freed:
                total.backward()
            assert "mul" in str(freed.value) or "add" in str(freed.value)
    assert equal(*results)


def test_a_replayed_graph_is_like_any_other(monkeypatch: Any, tmp_path: Any) -> None:
    w = marked([0.5, 2.0])

    def f(x: Any) -> Any:
        return nd.tanh(nd.exp(x) * w) * x

    p = autograd.program(f)
    x = marked([1.0, 2.0])
    for _ in range(2):
        shown, texts = [], []
        for g in (f, p):
            with autograd.record():
                y = g(x)
            symbol = autograd.get_symbol(y)
            shown.append([str(symbol), symbol.list_arguments(), symbol.list_ops()])
            y.backward()
            with pytest.raises(AutogradError) as freed:
                y.backward()
            with autograd.record():
                y = g(x)
            w[:] = w * 2
            x.grad[:] = -1
            with pytest.raises(InplaceError, match="multiply.*changed in place since.*test_program") as moved:
                y.backward()
            assert x.grad.asnumpy().tolist() == [-1, -1]
            texts.append([str(freed.value), str(moved.value).partition(" (written")[0]])
        assert shown[0] == shown[1] and texts[0] == texts[1]
    with autograd.record():
        y = p(x)
    y.backward()
    with autograd.record():
        y = p(x)
    profiler.set_config(filename=str(tmp_path / "trace.json"), profile_all=True)
    profiler.set_state("run")
    try:
        y.backward()
    finally:
        profiler.set_state("stop")
    assert {"_backward_tanh", "_backward_exp"} <= {r.name for r in profiler._state.records}
    with autograd.record():
        p(x).backward()
    with autograd.record():
        y = p(x)
    asked_once([OPS["tanh"], OPS["exp"]], monkeypatch)
    y.backward()
    monkeypatch.undo()
    grad = x.grad.copy()
    with autograd.record():
        f(x).backward()
    assert equal([grad], [x.grad])


def test_a_replayed_pass_that_fails(monkeypatch: Any) -> None:
    """The nodes are gone through one by one then."""
    def fails(raw: Any) -> Any:
        raise MemoryError("no memory")

    p = autograd.program(lambda x: nd.exp(x * 2) + x)
    x = marked([1.0])
    found = []
    for i in range(4):
        monkeypatch.setattr(reverse, "settled", fails if i % 2 else settled)
        with autograd.record():
            y = p(x)
        y.backward()
        found.append([x.grad.copy()])
    assert found[0][0].shape == (1,) and all(equal(found[0], other) for other in found[1:])


def test_the_function_runs_once_for_each_kind_of_call() -> None:
    calls = []

    @autograd.program
    def f(x: Any, n: int = 1) -> Any:
        """Documented."""
        calls.append((x.shape, n))
        return x * n

    x = nd.ones((2,))
    for _ in range(3):
        assert f(x).asnumpy().tolist() == [1, 1]
        assert f(x, n=2).asnumpy().tolist() == [2, 2]
        assert f(nd.ones((3,)), 2).asnumpy().tolist() == [2, 2, 2]
    assert len(calls) == 3
    with autograd.record():
        f(x)
    assert len(calls) == 4
    x.attach_grad()
    with autograd.record():
        f(x).backward()
    assert len(calls) == 5
    assert x.grad.asnumpy().tolist() == [1, 1]
    assert f(np.ones((2,))).dtype == "float32" and isinstance(f(np.ones((2,))), np.ndarray)
    assert f.__doc__ == "Documented." and "f" in repr(f)


def test_captured_arrays_are_read_each_time() -> None:
    w = nd.array([1.0])
    f = autograd.program(lambda x: x * (w + w))
    x = marked([3.0]).astype("float32")
    assert f(x).asscalar() == 6
    w[:] = 2
    assert f(x).asscalar() == 12
    w.attach_grad()
    with autograd.record():
        y = f(x)
    y.backward()
    assert w.grad.asscalar() == 6
    w.drop_grad()
    w += 1
    assert f(x).asscalar() == 18


def test_writes_are_noticed() -> None:
    x, w = marked([1.0, 2.0], [3.0, 4.0])
    f = autograd.program(lambda x: [x * w, x.reshape((2, 1)) * x.reshape((2, 1))])
    for array in (x, w):
        with autograd.record():
            y = f(x)[0]
        array[:] = 5
        with pytest.raises(InplaceError, match="was changed in place"):
            y.backward()
    with autograd.record():
        y = f(x)[1]
    x[:] = 7        # reshape gave a copy
    y.backward()
    assert x.grad.asnumpy().tolist() == [10, 10]
    with autograd.record():
        a = f(x)[1]
        b = nd.exp(a)
    a[:] = 0
    b.backward()
    assert numpy.isfinite(x.grad.asnumpy()).all()


def test_outputs_that_are_written_to() -> None:
    x = marked([1.0, 2.0])
    f = autograd.program(lambda x: [nd.exp(x), nd.exp(x).reshape((2, 1))])
    with autograd.record():
        y = f(x)
    y[0][:] = 0
    with pytest.raises(AutogradError):
        y[0].backward()
    y[1][:] = 0
    assert f(x)[1].asnumpy().ravel().tolist() == numpy.exp([1.0, 2.0]).tolist()


REFUSED: dict[str, Any] = {
    "look at numbers": lambda x: x if x.sum() > 0 else -x,
    "numbers": lambda x: nd.array(x.asnumpy()),
    "recorded: they would": lambda x: x * float(x.sum()),
    "write in place": lambda x: x.__setitem__(0, 1),
    "cannot write": lambda x: nd.sgd_update(nd.ones((2,)), nd.ones((2,)), lr=0.1, out=nd.ones((2,))),
    "random numbers": lambda x: x + nd.random.uniform(shape=(2,), dtype="float64"),
    "backward": lambda x: (x * x).backward(),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_replayed_is_refused(what: str) -> None:
    x, large = marked([1.0, 2.0]), deferred.large
    f = autograd.program(REFUSED[what])
    for _ in range(2):
        with pytest.raises(ProgramError, match=what.replace(" ", ".* ")), autograd.record():
            f(x)
    assert deferred.large == large and not autograd.is_recording()
    assert x.asnumpy().tolist() == [1, 2]
    with autograd.record():
        y = x * x
    y.backward()
    assert x.grad.asnumpy().tolist() == [2, 4]


def test_derivatives_inside() -> None:
    w = marked([[0.1, 0.2], [0.3, 0.4]])

    def product(x: Any, v: Any) -> Any:
        """The Hessian of a loss by w, times v."""
        with autograd.record():
            loss = (nd.tanh(nd.dot(x, w)) ** 2).sum()
            (g,) = autograd.grad(loss, [w], create_graph=True)
            along = (g * v).sum()
        return loss.detach(), autograd.grad(along, [w])[0]

    def penalty(x: Any, v: Any) -> Any:
        """A loss with a gradient by its argument in it."""
        y = nd.softmax(nd.dot(x, w)) * v
        (g,) = autograd.grad(y, [x], create_graph=True)
        return (g * g).sum() + y.sum()

    programs = [autograd.program(product), autograd.program(penalty)]
    x, v = marked([[1.0, 2.0], [3.0, 4.0]], [[0.5, -1.0], [2.0, 0.0]])
    for _ in range(3):
        w[:] = w * 1.5
        assert equal(product(x, v), programs[0](x, v))
        found = []
        for f in (penalty, programs[1]):
            with autograd.record():
                y = f(x, v)
            y.backward()
            found.append([y, x.grad.copy(), v.grad.copy(), w.grad.copy()])
        assert equal(*found)
    source = next(iter(programs[0]._plans.values()))[0].source
    assert "next_order" not in source       # nothing of it is on the tape


def test_recording_leaves_no_memory_behind() -> None:
    x = nd.ones((1 << 18,))
    x.attach_grad()

    def f(x: Any) -> Any:
        for _ in range(8):
            x = nd.softmax(x)
        return x

    p = autograd.program(f)
    gc.collect()
    gc.disable()
    try:
        before = memory_stats(cpu())["used"]
        with autograd.record():
            y = p(x)
        y.backward()
        del y
        assert memory_stats(cpu())["used"] - before < 4 << 20
    finally:
        gc.enable()


def test_what_nobody_needs_is_not_computed() -> None:
    def f(x: Any) -> Any:
        nd.exp(x)
        return nd.log(x)

    p = autograd.program(f)
    assert p(nd.ones((1,))).asscalar() == 0
    assert len(next(iter(p._plans.values()))[0].source.splitlines()) == 7


def test_moving_statistics_are_not_arguments() -> None:
    x = marked([[1.0, 2.0], [3.0, 5.0]])
    mean, var, one = (nd.full((2,), n, dtype="float64") for n in (0, 1, 1))
    f = autograd.program(lambda x, mean, var: nd.BatchNorm(x, one, one, mean, var))
    with autograd.record(), pytest.raises(ProgramError, match="moving statistics"):
        f(x, mean, var)
    assert f(x, mean, var).shape == (2, 2)      # nothing moves here
    g = autograd.program(lambda x: nd.BatchNorm(x, one, one, mean, var))
    for _ in range(2):
        with autograd.record():
            y = g(x)
        y.backward()
    assert numpy.allclose(mean.asnumpy(), numpy.array([2, 3.5]) * (1 - 0.9 ** 2))


def test_what_a_backward_does_it_does_once(monkeypatch: Any) -> None:
    done: list[str] = []

    def acts(name: str) -> Any:
        def action(*noted: Any) -> None:
            done.append(name)
            if len(done) == 6:
                raise KeyError("the sixth")

        return action

    first, second = acts("first"), acts("second")
    p = autograd.program(lambda x: F.on_backward(F.on_backward(x * 2, x, action=first) + 1, action=second))
    x = marked([1.0])
    for i in range(3):
        with autograd.record():
            y = p(x)
        if i < 2:
            y.backward()
            assert x.grad.asnumpy().tolist() == [2]
    with monkeypatch.context() as patch, pytest.raises(KeyError, match="sixth"):
        asked_once([OPS["on_backward"]], patch)
        y.backward()
    assert done == ["second", "first"] * 3

    net, other = (nn.HybridSequential() for _ in range(2))
    for n in (net, other):
        n.add(nn.Dense(4), nn.BatchNorm(), nn.Activation("relu"), nn.BatchNorm())
        n.initialize(init.Constant(0.3))
    other.hybridize()
    draw = numpy.random.RandomState(0)
    for i in range(6):
        values = nd.array(draw.uniform(-1, 1, (5, 3)))
        for n in (net, other):
            with autograd.record():
                y = n(values)
            with monkeypatch.context() as patch:
                if n is other and i > 3:
                    asked_once([OPS["batch_norm"], OPS["on_backward"]], patch)
                y.backward()
    assert equal(*[[v for p in n.collect_params().values()
                    for v in ([p.data()] if p.grad_req == "null" else [p.data(), p.grad()])]
                   for n in (net, other)])


def test_custom_functions_are_refused() -> None:
    class Double(autograd.Function):
        def forward(self, x: Any) -> Any:
            return 2 * x

        def backward(self, g: Any) -> Any:
            return 3 * g

    x = marked([1.0])
    for f in (lambda x: Double()(x) + 1, autograd.checkpoint(lambda x: nd.exp(x))):
        with pytest.raises(ProgramError), autograd.record():
            autograd.program(lambda x, f=f: f(x) * 2)(x)


def test_what_is_left_over_is_a_constant() -> None:
    left = []

    def f(x: Any) -> Any:
        left.append(x * 2)
        return left[-1] + 1

    x = marked([1.0])
    with autograd.record():
        autograd.program(f)(x)
    assert left[0].asscalar() == 2
    with pytest.raises(AutogradError):
        left[0].backward()


def test_errors_of_the_function() -> None:
    f = autograd.program(lambda x, y: nd.dot(x, y))
    with pytest.raises(Exception, match="dot"):
        f(nd.ones((2, 3)), nd.ones((2, 3)))
    assert f(nd.ones((2, 3)), nd.ones((3, 2))).shape == (2, 2)
    with pytest.raises(InvalidTypeError, match="hashed"):
        f(nd.ones((2, 3)), {1, 2})
    with pytest.raises(InvalidTypeError, match="not a function"):
        autograd.program(3)     # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        autograd.program(lambda x: 1 / 0)(nd.ones((1,)))
    assert autograd.program(lambda x: None)(nd.ones((1,))) is None


def test_programs_call_programs() -> None:
    inner = autograd.program(lambda x: x * x)
    outer = autograd.program(lambda x: inner(x) + inner(2 * x))
    assert outer(nd.array([3.0])).asscalar() == 45
    assert outer(nd.array([1.0])).asscalar() == 5


def test_threads() -> None:
    f = autograd.program(lambda x: nd.tanh(x * x).sum())
    wrong = []

    def run(k: int) -> None:
        for n in range(1, 60):
            x = nd.array(numpy.full((n % 7 + 1,), k / 9))
            x.attach_grad()
            with autograd.record():
                y = f(x)
            y.backward()
            expected = 2 * k / 9 / numpy.cosh((k / 9) ** 2) ** 2
            if not numpy.allclose(x.grad.asnumpy(), expected, rtol=1e-4):
                wrong.append((k, n))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_large_arrays_stay_deferred() -> None:
    x = nd.array(numpy.linspace(-1, 1, 1 << 19))
    x.attach_grad()
    f: Any = lambda x: (nd.tanh(x * 2 + 1) * nd.exp(-x)).sum()
    p = autograd.program(f)
    found = []
    for g in (f, p, p):
        with autograd.record():
            y = g(x)
        y.backward()
        found.append([y, x.grad.copy()])
    assert equal(found[0], found[1]) and equal(found[0], found[2])


def test_a_profiler_sees_the_ops(tmp_path: Any) -> None:
    f = autograd.program(lambda x: nd.tanh(x) + 1)
    x = nd.ones((2,))
    f(x)
    profiler.set_config(filename=str(tmp_path / "trace.json"), profile_all=True)
    profiler.set_state("run")
    try:
        f(x)
        f(x)
    finally:
        profiler.set_state("stop")
    assert [r.name for r in profiler._state.records].count("tanh") == 3     # and once when it was recorded
    assert f(x).shape == (2,)


def test_on_a_device() -> None:
    with testing.use_device_double():
        x, w = nd.ones((2, 3), ctx=gpu(1)), nd.ones((3, 2), ctx=gpu(1))
        w.attach_grad()
        f = autograd.program(lambda x: nd.tanh(nd.dot(x, w)).reshape((4,)))
        for _ in range(2):
            with autograd.record():
                y = f(x)
            y.backward()
        assert y.context == gpu(1)
        got = w.grad.asnumpy()
    assert numpy.allclose(got, 2 / numpy.cosh(3) ** 2)


# hybridized blocks ------------------------------------------------------------------------------------------


class Counting(nn.HybridSequential):
    """Counts how often its forward is called."""

    count = 0

    def forward(self, x: Any, *args: Any) -> Any:
        self.count += 1
        return super().forward(x, *args)


def network(dropout: float = 0) -> Any:
    net = Counting()
    net.add(nn.Conv2D(4, 3, activation="relu"), nn.BatchNorm(), nn.MaxPool2D(2), nn.Dropout(dropout),
            nn.Dense(3))
    net.initialize(init.Constant(0.1))
    return net


def trained(net: Any, steps: int = 6) -> list[Any]:
    draw = numpy.random.RandomState(0)
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
    out = []
    for _ in range(steps):
        x, y = nd.array(draw.uniform(-1, 1, (5, 1, 8, 8))), nd.array(draw.randint(3, size=5))
        with autograd.record():
            value = loss(net(x), y)
        value.backward()
        trainer.step(5)
        out += [value, net(x)]
    return out + [p.data() for p in net.collect_params().values()]


def test_a_hybridized_block_is_replayed() -> None:
    direct, replayed = network(), network()
    replayed.hybridize()
    assert equal(trained(direct), trained(replayed))
    assert direct.count == 12
    # directly, for the shapes, recorded, then directly and recorded when predicting
    assert replayed.count == 5


def test_what_cannot_be_replayed_is_computed() -> None:
    direct, net = network(dropout=0.5), network(dropout=0.5)
    net.hybridize()
    found = []
    for n in (direct, net):
        random.seed(3)
        found.append(trained(n, 6))
    assert equal(*found)        # the recording that was given up has drawn nothing
    with autograd.train_mode():
        a, b = net(nd.ones((5, 1, 8, 8))), net(nd.ones((5, 1, 8, 8)))
    assert not equal(a, b)      # Dropout draws


def test_a_replayed_block_sees_what_becomes_of_it() -> None:
    net = nn.Dense(1, in_units=2, use_bias=False)
    net.initialize(init.One())
    net.hybridize()
    x = nd.ones((1, 2))
    assert [net(x).asscalar() for _ in range(3)] == [2, 2, 2]
    net.weight.set_data(nd.array([[2.0, 3.0]]))
    assert net(x).asscalar() == 5
    net.initialize(init.Constant(4), force_reinit=True)
    assert net(x).asscalar() == 8
    net.cast("float64")
    assert net(x.astype("float64")).dtype == numpy.float64
    net.cast("float32")
    net.weight.grad_req = "null"
    with autograd.record(), pytest.raises(AutogradError):
        net(x).backward()
    net.weight.grad_req = "write"
    for _ in range(3):
        with autograd.record():
            y = net(x)
        y.backward()
        assert net.weight.grad().asnumpy().tolist() == [[1, 1]]
    net.collect_params().reset_ctx(cpu(1))
    assert net(x.as_in_context(cpu(1))).context == cpu(1)
    twin = copy.deepcopy(net)
    twin.weight.set_data(nd.zeros((1, 2)))
    assert [twin(x.as_in_context(cpu(1))).asscalar(), net(x.as_in_context(cpu(1))).asscalar()] == [0, 8]
    seen = []
    with net.register_forward_hook(lambda *args: seen.append(1)):
        net(x.as_in_context(cpu(1)))
    assert seen == [1]


def test_hooks_inside_are_called() -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(2, in_units=2), nn.Dense(2, in_units=2))
    net.initialize()
    net.hybridize()
    x, seen = nd.ones((1, 2)), []
    for _ in range(3):
        net(x)
    handle = net[0].register_forward_hook(lambda *args: seen.append(1))
    net(x)
    net(x)
    handle.detach()
    net(x)
    assert seen == [1, 1]


def test_a_block_that_looks_at_numbers() -> None:
    class Sign(gluon.HybridBlock):
        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return x if x.sum().asscalar() > 0 else -x

    net = Sign()
    net.hybridize()
    for _ in range(4):
        assert net(nd.array([1.0])).asscalar() == 1
        assert net(nd.array([-1.0])).asscalar() == 1


def test_errors_of_a_replayed_block() -> None:
    net = nn.Dense(2, in_units=3)
    net.initialize()
    net.hybridize()
    for _ in range(4):
        with pytest.raises(Exception, match="FullyConnected|fully_connected|dot"):
            net(nd.ones((2, 4)))
    assert net(nd.ones((2, 3))).shape == (2, 2)


def test_programs_are_copied_and_pickled() -> None:
    f = autograd.program(nd.tanh)
    f(nd.ones((1,)))
    assert copy.deepcopy(f)(nd.zeros((1,))).asscalar() == 0
    g = pickle.loads(pickle.dumps(autograd.program(_named)))
    assert g(nd.ones((1,))).asscalar() == 2


def _named(x: Any) -> Any:
    return x + 1


def test_only_so_many_plans_are_kept() -> None:
    f = autograd.program(lambda x, n: x * n)
    for n in range(100):
        assert f(nd.ones((1,)), n).asscalar() == n
    assert len(f._plans) <= 32
    assert isinstance(f(nd.ones((1,)), 3), BaseArray)
