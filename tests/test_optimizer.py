"""Optimizers: the numbers of MXNet 1.9.1 and 2.0, states, and optimizers of one's own."""
from __future__ import annotations

import importlib
import importlib.util
import json
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import autograd, gluon, nd, optimizer, testing
from mxgrad.kernels import cpu as kernels
from mxgrad.lr_scheduler import FactorScheduler

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_optimizers", DATA / "record_optimizers.py")
assert _spec is not None and _spec.loader is not None
record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record)

ONE = json.loads((DATA / "optimizers_1.9.1.json").read_text())
TWO = json.loads((DATA / "optimizers_2.0.0b1.json").read_text())


@pytest.fixture
def np_on() -> Iterator[None]:
    mx.npx.set_np()
    yield
    mx.npx.reset_np()


def name_of(case: list[Any]) -> str:
    return "-".join(map(str, case[:3]))


def check(case: list[Any], array: Any) -> None:
    *call, found = case
    with warnings.catch_warnings():     # a scheduler's rate that is overwritten; float16
        warnings.simplefilter("ignore")
        got = record.run(call, mx, array)
    rtol, atol = (4e-3, 4e-3) if "half" in case[2] else (2e-6, 1e-6)
    if case[0] == "adabelief":      # clipped gradients are nearly their mean: it divides by rounding errors
        atol = 1e-5
    if case[0] == "test":           # MXNet 1 does not count its updates
        got[-1][1] = found[-1][1]
    for ours, theirs in zip(got, found):
        numpy.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("case", ONE, ids=name_of)
def test_steps_of_mxnet_1(case: list[Any]) -> None:
    check(case, lambda host, dtype: mx.nd.array(host, dtype=dtype))


@pytest.mark.parametrize("case", TWO, ids=name_of)
@pytest.mark.usefixtures("np_on")
def test_steps_of_mxnet_2(case: list[Any]) -> None:
    check(case, lambda host, dtype: mx.np.array(host, dtype=dtype))


def test_every_optimizer_is_recorded() -> None:
    ours = {n for n, c in optimizer.Optimizer.opt_registry.items()      # not those of examples
            if getattr(sys.modules[c.__module__], c.__name__, None) is c}
    assert {case[0] for case in ONE + TWO} == ours


# -- what every optimizer does -------------------------------------------------------------------------------

ALL = sorted(optimizer.Optimizer.opt_registry)
DETERMINED = [name for name in ALL if name != "sgld"]


def arrays(n: int = 3, dtype: str = "float32", ctx: Any = None) -> tuple[list[Any], list[Any]]:
    """Weights and gradients, matrices."""
    weights = [numpy.sin(numpy.arange(6) + i).reshape(3, 2) for i in range(n)]
    grads = [numpy.cos(numpy.arange(6) * i).reshape(3, 2) for i in range(n)]
    return [nd.array(w, ctx, dtype) for w in weights], [nd.array(g, ctx, dtype) for g in grads]


def hosts(values: list[Any]) -> list[Any]:
    return [v.asnumpy().tolist() for v in values]


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_left_alone(name: str) -> None:
    weights, grads = arrays()
    before = hosts(weights), hosts(grads)
    updater = optimizer.get_updater(optimizer.create(name, rescale_grad=0.5, clip_gradient=0.25))
    for _ in range(2):
        updater([0, 1, 2], grads, weights)
    assert hosts(grads) == before[1]
    assert all(ours != was for ours, was in zip(hosts(weights), before[0]))


@pytest.mark.parametrize("name", DETERMINED)
def test_weights_together_or_one_by_one(name: str) -> None:
    found = []
    for together in (True, False):
        weights, grads = arrays()
        opt = optimizer.create(name, learning_rate=0.1)
        states = [opt.create_state_multi_precision(i, w) for i, w in enumerate(weights)]
        for _ in range(3):
            if together:
                opt.update_multi_precision([0, 1, 2], weights, grads, states)
            else:
                for i in range(3):
                    opt.update_multi_precision(i, weights[i], grads[i], states[i])
        found.append(hosts(weights))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ALL)
def test_gradients_of_zero_give_numbers(name: str) -> None:
    weights, _ = arrays(1)
    updater = optimizer.get_updater(optimizer.create(name))
    for _ in range(2):
        updater(0, nd.zeros((3, 2)), weights[0])
    assert numpy.isfinite(weights[0].asnumpy()).all()


@pytest.mark.parametrize("name", ALL)
def test_float64_is_kept(name: str) -> None:
    weights, grads = arrays(1, "float64")
    opt = optimizer.create(name, learning_rate=1e-12)
    state = opt.create_state(0, weights[0])
    opt.update(0, weights[0], grads[0], state)
    flat = [s for s in (state if isinstance(state, tuple) else (state,)) if s is not None]
    assert {a.dtype for a in [weights[0], *flat]} == {numpy.float64}


@pytest.mark.parametrize("name", [n for n in ALL if n != "groupadagrad"])
@pytest.mark.usefixtures("np_on")
def test_arrays_without_axes(name: str) -> None:
    weight, grad = mx.np.array(1.0), mx.np.array(0.5)
    optimizer.get_updater(optimizer.create(name, wd=0.1))(0, grad, weight)
    assert weight.shape == () and isinstance(weight, mx.np.ndarray) and weight.item() != 1.0


@pytest.mark.parametrize("name", DETERMINED)
def test_devices(name: str) -> None:
    """The device double gives the CPU's numbers."""
    weights, grads = arrays()
    update = optimizer.get_updater(optimizer.create(name, rescale_grad=0.5, clip_gradient=0.25))
    update([0, 1, 2], grads, weights)
    with testing.use_device_double():
        there, theirs = arrays(ctx=mx.gpu(1))
        update = optimizer.get_updater(optimizer.create(name, rescale_grad=0.5, clip_gradient=0.25))
        update([0, 1, 2], theirs, there)
        assert {w.context for w in there} == {mx.gpu(1)}
        for ours, expected in zip(there, weights):
            numpy.testing.assert_allclose(ours.asnumpy(), expected.asnumpy(), rtol=1e-5)


@pytest.mark.parametrize("name", DETERMINED)
def test_states_go_on_where_they_were(name: str) -> None:
    weights, grads = arrays()
    update = optimizer.get_updater(optimizer.create(name, learning_rate=0.1))
    update([0, 1, 2], grads, weights)
    copies = [w.copy() for w in weights]
    dumped = update.get_states(dump_optimizer=True)
    update([0, 1, 2], grads, weights)

    again = optimizer.get_updater(optimizer.Optimizer())
    again.set_states(dumped)
    again([0, 1, 2], grads, copies)
    assert type(again.optimizer) is type(update.optimizer)
    assert hosts(copies) == hosts(weights)


def test_states_without_the_optimizer_follow_the_weights() -> None:
    weights, grads = arrays()
    update = optimizer.get_updater(optimizer.RMSProp(centered=True, param_dict={5: None}))
    update([0, 1, 2], grads, weights)
    with testing.use_device_double():
        there, theirs = ([a.as_in_context(mx.gpu(1)) for a in values] for values in (weights, grads))
        again = optimizer.get_updater(optimizer.RMSProp(centered=True))
        again.set_states(update.get_states())
        again([0, 1, 2], theirs, there)
        assert {a.context for state in again.states.values() for a in state} == {mx.gpu(1)}
        update([0, 1, 2], grads, weights)
        assert hosts(there) == hosts(weights)
    again.set_states(update.get_states(dump_optimizer=True))
    assert again.optimizer is not update.optimizer and again.optimizer.param_dict == {}


class Scheduler(FactorScheduler):
    """One of a user's own."""


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_states_are_read_without_running_anything_else(protocol: int) -> None:
    class Call:
        def __reduce__(self) -> Any:
            return pytest.fail, ("a pickle was run",)

    optimizer_of = optimizer.SGD(momentum=0.5, lr_scheduler=Scheduler(2))
    states = {0: nd.ones(2), 1: (numpy.float32(3), numpy.arange(2.0))}
    update = optimizer.get_updater(optimizer.SGD())
    update.set_states(pickle.dumps((states, optimizer_of), protocol))
    assert update.states[0].asnumpy().tolist() == [1, 1] and update.states[1][1].tolist() == [0, 1]
    assert type(update.optimizer.lr_scheduler) is Scheduler
    for bad in (Call(), os.system, nd.save, type):
        with pytest.raises(ValueError, match="not the states of an .* is not an optimizer or a sched"):
            update.set_states(pickle.dumps({0: bad}, protocol))
    assert type(update.optimizer.lr_scheduler) is Scheduler and len(update.states) == 2


@pytest.mark.parametrize("target", ["mxgrad.context Context", "mxgrad.ndarray _unpickle"])
def test_states_change_nothing_that_is_there(target: str) -> None:
    module, name = target.split()
    found = getattr(importlib.import_module(module), name)
    setting = b"\x80\x02}" + f"c{module}\n{name}\n".encode() + b"(N}X\x05\x00\x00\x00addedK\x01stb."
    pickle.loads(setting)       # would set an attribute
    assert found.added == 1
    del found.added
    with pytest.raises(ValueError, match=rf"not the states of an optimizer: <.*{name}.* is to be changed"):
        optimizer.get_updater(optimizer.SGD()).set_states(setting)
    assert not hasattr(found, "added")


# -- rates, decays, counts -----------------------------------------------------------------------------------


def test_learning_rates() -> None:
    assert optimizer.SGD().learning_rate == 0.01
    opt = optimizer.SGD(lr_scheduler=FactorScheduler(1, 0.5, base_lr=0.3))
    assert opt.learning_rate == 0.3
    with pytest.warns(UserWarning, match="0.3, has been overwritten by ``learning_rate`` in optimizer, 0.5"):
        assert optimizer.SGD(learning_rate=0.5, lr_scheduler=opt.lr_scheduler).learning_rate == 0.5
    with pytest.raises(UserWarning, match="LRScheduler of the optimizer has already been defined") as caught:
        opt.set_learning_rate(1.0)
    assert isinstance(caught.value, mx.MXNetError)
    opt = optimizer.SGD()
    opt.set_learning_rate(0.25)
    assert opt.learning_rate == 0.25


@pytest.mark.usefixtures("np_on")
def test_defaults_with_np_on() -> None:
    assert [optimizer.create(n).learning_rate for n in ("sgd", "nag", "ftml", "adadelta", "adagrad")] == [
        0.1, 0.1, 0.0025, 1.0, 0.01]
    assert optimizer.NAG().momentum == 0.9
    assert optimizer.SGD(param_idx2name={0: "bias"}).wd_mult == {}


def test_factors_of_parameters_come_first() -> None:
    parameter = gluon.Parameter("weight", shape=(1,), lr_mult=0.5, wd_mult=4.0)
    opt = optimizer.SGD(learning_rate=1.0, wd=0.5, param_dict={0: parameter},
                        param_idx2name={1: "a_weight", 2: "a_bias"})
    opt.set_lr_mult({0: 7.0, "a_bias": 0.25})
    opt.set_wd_mult({1: 2.0})
    assert opt._get_lrs([0, 1, 2, 3]) == [0.5, 1.0, 0.25, 1.0]
    assert opt._get_wds([0, 1, 2, 3]) == [2.0, 1.0, 0.0, 0.5]


def test_devices_count_by_themselves() -> None:
    opt = optimizer.Adam(begin_num_update=5)
    opt._update_count([0, 1])
    opt._set_current_device(1)
    opt._update_count(0)
    opt._update_count(0)
    assert opt.num_update == 7 and opt._all_index_update_counts == {0: {0: 6, 1: 6}, 1: {0: 7}}


def test_float16_without_a_float32_copy_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="Consider using multi_precision=True option of Adam"):
        optimizer.Adam().create_state_multi_precision(0, nd.ones(2, dtype="float16"))
    master, (mean, var) = optimizer.Adam(multi_precision=True).create_state_multi_precision(
        0, nd.ones(2, dtype="float16"))
    assert {a.dtype for a in (master, mean, var)} == {numpy.float32}


def test_weights_of_several_dtypes() -> None:
    weights = [nd.ones(2, dtype=d) for d in ("float16", "float32", "float16", "float64")]
    grads = [w.copy() for w in weights]
    update = optimizer.get_updater(optimizer.SGD(learning_rate=0.5, multi_precision=True))
    update([0, 1, 2, 3], grads, weights)
    assert [(w.dtype, w.asnumpy().tolist()) for w in weights] == [
        (d, [0.5, 0.5]) for d in (numpy.float16, numpy.float32, numpy.float16, numpy.float64)]


# -- optimizers of one's own ---------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Iterator[None]:
    before = dict(optimizer.Optimizer.opt_registry)
    yield
    optimizer.Optimizer.opt_registry.clear()
    optimizer.Optimizer.opt_registry.update(before)


@pytest.mark.usefixtures("registry")
def test_one_of_mxnet_1() -> None:
    @mx.optimizer.register
    class Slow(mx.optimizer.Optimizer):
        def create_state(self, index: Any, weight: Any) -> Any:
            return nd.zeros(weight.shape, weight.context)

        def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
            self._update_count(index)
            state[:] += 1
            weight[:] -= self._get_lr(index) * (grad + self._get_wd(index) * weight)

    updater = optimizer.get_updater(optimizer.create("Slow", learning_rate=0.5, wd=0.5))
    weights = [nd.ones(2), nd.ones(3)]
    updater([0, b"b"], [w.copy() for w in weights], weights)
    assert [w.asnumpy().tolist() for w in weights] == [[0.25] * 2, [0.25] * 3]
    assert updater.states["b"].asnumpy().tolist() == [1.0] * 3
    with pytest.warns(UserWarning, match="Slow is overriding existing optimizer .*Slow"):
        optimizer.register(Slow)


class TogetherOnly(optimizer.Optimizer):
    """In the way of MXNet 2; it notes what it gets."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.calls: list[Any] = []

    def step(self, indices: Any, weights: Any, grads: Any, states: Any) -> None:
        self.calls.append(list(indices))
        for weight, grad in zip(weights, grads):
            weight -= self.lr * grad


@pytest.mark.parametrize("size, calls", [
    (None, [[0], [1], [2], [3]]), (2, [[0, 2], [3], [1]]), (numpy.inf, [[0, 1, 2, 3]])])
@pytest.mark.usefixtures("np_on")
def test_one_of_mxnet_2(size: Any, calls: Any) -> None:
    opt = TogetherOnly(aggregate_num=size)
    weights = [mx.np.ones(2, dtype=d) for d in ("float32", "float64", "float32", "float32")]
    optimizer.get_updater(opt)([0, 1, 2, 3], [w.copy() for w in weights], weights)
    assert opt.calls == calls
    assert [w.item(0) for w in weights] == pytest.approx([0.99] * 4)


def test_one_of_mxnet_2_without_np() -> None:
    opt, weight = TogetherOnly(), nd.ones(2)
    optimizer.get_updater(opt)([4], [nd.ones(2)], [weight])
    assert opt.calls == [[4]] and weight.asnumpy().tolist() == pytest.approx([0.99] * 2)


@pytest.mark.parametrize("name", ["sgd", "nag", "adam", "adamw", "ftml"])
@pytest.mark.parametrize("np_arrays", [False, True])
@pytest.mark.parametrize("small", [0, 1 << 60])
def test_every_weight_has_its_own_formula(name: str, np_arrays: bool, small: int,
                                          monkeypatch: pytest.MonkeyPatch, request: Any) -> None:
    """Factors, counts and states that differ, and a rate that changes: in lists as one by one."""
    if np_arrays:
        request.getfixturevalue("np_on")
    monkeypatch.setattr(kernels, "small", small)
    found = []
    for together in (True, False):
        weights, grads = arrays(5)
        opt: Any = optimizer.create(name, learning_rate=0.1, wd=0.25, clip_gradient=0.5)
        opt.set_lr_mult({1: 0.5})
        opt.set_wd_mult({1: 0.0, 3: 0.0})
        states = [opt.create_state(i, w) for i, w in enumerate(weights)]
        if name in ("sgd", "nag"):
            opt.momentum, opt.rescale_grad = 0.5, 2.0
            states[2:] = [opt.create_state(i, weights[i]) for i in range(2, 5)]
        opt.update(4, weights[4], grads[4], states[4])
        for step in range(3):
            opt.set_learning_rate(0.1 + step)
            if together:
                opt.update(list(range(5)), weights, grads, states)
            else:
                for i in range(5):
                    opt.update(i, weights[i], grads[i], states[i])
        found.append(hosts(weights))
    numpy.testing.assert_allclose(found[0], found[1], rtol=1e-6)


@pytest.mark.parametrize("small", [0, 1 << 60])
@pytest.mark.parametrize("by", ["trainer", "updater", "update", "step"])
def test_a_step_is_seen_where_it_was_made(by: str, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "small", small)
    net = gluon.nn.Dense(3, in_units=2)
    net.initialize()
    params = list(net.collect_params().values())
    trainer = gluon.Trainer(params, "adam")
    opt = trainer.optimizer
    weights = [p.data() for p in params]
    states = [opt.create_state(i, w) for i, w in enumerate(weights)]
    for _ in range(2):
        with autograd.record():
            y = sum((w * w).sum() for w in weights)
        y.backward(retain_graph=True)
        rows = [p.grad() for p in params], weights
        if by == "trainer":
            line = sys._getframe().f_lineno + 1
            trainer.step(1)
        elif by == "updater":
            line = sys._getframe().f_lineno + 1
            trainer._updaters[0]([0, 1], *rows)
        elif by == "update":
            line = sys._getframe().f_lineno + 1
            opt.update([0, 1], *rows[::-1], states)
        else:
            line = sys._getframe().f_lineno + 1
            opt.step([0, 1], *rows[::-1], states)
        with pytest.raises(mx.base.InplaceError, match=rf"test_optimizer.py:{line}\b"):
            y.backward()


def test_a_step_waits_for_who_reads_the_weights() -> None:
    weight = nd.ones((600, 600))
    opt = optimizer.create("adam", learning_rate=0.5)
    state = opt.create_state(0, weight)
    for was in (1.0, 0.5):
        read = (weight + 1) * 2 - weight
        opt.update([0], [weight], [nd.ones((600, 600))], [state])
        numpy.testing.assert_allclose(read.asnumpy(), was + 2, rtol=1e-5)


def test_no_step_where_the_tape_forbids_it() -> None:
    weights, grads = [nd.ones(200) for _ in range(2)], [nd.ones(200) for _ in range(2)]
    opt = optimizer.create("sgd", learning_rate=0.5)
    weights[1].attach_grad()
    with autograd.record(), pytest.raises(mx.base.InplaceError, match="computational graph"):
        opt.update([0, 1], weights, grads, [None, None])
    assert all((w.asnumpy() == 1).all() for w in weights)
    net = gluon.nn.Dense(100, in_units=2, weight_initializer="ones")
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), opt)
    with autograd.record():
        net(nd.ones((1, 2))).backward()
        trainer.step(1)
        assert autograd.is_recording() and autograd.is_training()
    assert (net.weight.data().asnumpy() == 0.5).all()


def test_a_step_needs_a_state_for_each_weight() -> None:
    weights, grads = [nd.ones(200) for _ in range(3)], [nd.ones(200) for _ in range(3)]
    optimizer.create("sgd", learning_rate=0.5).update([0, 1, 2], weights[:2], grads[:2], [None] * 3)
    assert [w.asnumpy()[0] for w in weights] == [0.5, 0.5, 1]


def changes(trainer: Any, params: list[Any]) -> Iterator[None]:
    """What a script may do between two steps."""
    first, second = params
    yield
    trainer.set_learning_rate(0.25)
    yield
    first.lr_mult, second.wd_mult = 0.5, 0.0
    yield
    first.data()[:] = 2
    second.set_data(nd.ones(second.shape))
    yield
    second.grad_req = "null"
    yield
    second.grad_req = "add"
    yield
    first.zero_grad()
    first.initialize(mx.init.Constant(0.5), force_reinit=True)
    yield
    for p in params:
        p.cast("float64")
    yield
    for p in params:
        p.cast("float32")
    yield
    first.reset_ctx([mx.cpu(1)])
    second.reset_ctx([mx.cpu(1)])
    yield
    first._grad[0][:] = 7
    yield


@pytest.mark.parametrize("small", [0, 1 << 60])
def test_what_changes_between_steps(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against SGD in NumPy, of weights and gradients as they are before each step."""
    monkeypatch.setattr(kernels, "small", small)
    params = [gluon.Parameter(f"p{i}", shape=shape, init="ones") for i, shape in enumerate([(20, 5), (3,)])]
    for p in params:
        p.initialize()
    trainer = gluon.Trainer(params, "sgd", {"learning_rate": 0.5, "wd": 0.125})
    steps = changes(trainer, params)
    for step, _ in enumerate(steps):
        ctx = params[0].list_ctx()[0]
        with autograd.record():
            losses = [(p.data(ctx) * (step + 1)).sum().astype("float32") for p in params]
        autograd.backward([y for y, p in zip(losses, params) if p.grad_req != "null"])
        if step == 6:
            gluon.utils.clip_global_norm([params[0].grad()], 0.5)
        expected = []
        for p in params:
            w = p.data(ctx).asnumpy()
            if p.grad_req != "null":
                g, lr = p.grad(ctx).asnumpy() / 4, trainer.learning_rate * p.lr_mult
                w = w - lr * (g + 0.125 * p.wd_mult * w)
            expected.append(w)
        trainer.step(4)
        for p, w in zip(params, expected):
            numpy.testing.assert_allclose(p.data(ctx).asnumpy(), w, rtol=1e-5)
    assert step == 10


def test_a_trainer_takes_steps() -> None:
    net = gluon.nn.Dense(1, in_units=2, weight_initializer="ones")
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5, "momentum": 0.5})
    for _ in range(2):
        with autograd.record():
            loss = net(nd.array([[1.0, 2.0]]))
        loss.backward()
        trainer.step(1)
    assert net.weight.data().asnumpy().tolist() == [[-0.25, -1.5]]
    assert net.bias.data().asnumpy().tolist() == [-1.25]


# -- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call, error, message", [
    (lambda: optimizer.create("adan"), ValueError, r"Cannot find optimizer adan \(did you mean 'adam'"),
    (lambda: optimizer.create(3), TypeError,     # type: ignore[arg-type]
     "the name of an optimizer is a string, not 3"),
    (lambda: optimizer.register(3), TypeError,       # type: ignore[arg-type]
     "registered as a class, not 3"),
    (lambda: optimizer.create("sgd", momentun=0.9), TypeError,
     r"SGD got an unexpected keyword argument 'momentun' \(did you mean 'momentum'"),
    (lambda: optimizer.SGD(sym=mx.sym.var("a")), ValueError, "SGD: sym is not supported; name the weights"),
    (lambda: optimizer.SGD(param_idx2name=["a"]), TypeError, r"SGD: param_idx2name should be .*\['a'\]"),
    (lambda: optimizer.SGD(lr_scheduler=0.1), TypeError, "SGD: lr_scheduler is an LRScheduler, not 0.1"),
    (lambda: optimizer.LBSGD(warmup_strategy="x"), ValueError, "LBSGD: warmup_strategy is 'linear', .*'x'"),
    (lambda: optimizer.LBSGD(batch_scale=0), ValueError, "LBSGD: batch_scale is at least 1, not 0"),
    (lambda: optimizer.contrib.GroupAdaGrad().create_state(0, nd.ones(3)), ValueError,
     r"GroupAdaGrad: a weight is a matrix, this one has shape \(3,\)"),
    (lambda: optimizer.contrib.GroupAdaGrad(wd=0.1).update(0, nd.ones((1, 1)), nd.ones((1, 1)), None),
     ValueError, "Weight decay is not supported for GroupAdaGrad"),
    (lambda: optimizer.get_updater(optimizer.SGD())([0, 1], [nd.ones(3)], [nd.ones(2)]), ValueError,
     "Updater: there are 2 indices, 1 gradients and 1 weights"),
    (lambda: optimizer.get_updater(optimizer.SGD()).set_states(b"no pickle"), ValueError,
     "Updater: these are not the states of an optimizer: "),
    (lambda: optimizer.get_updater(optimizer.SGD()).set_states(b"\x80\x04K\x01."), ValueError,
     "not the states of an optimizer: they are a int and a SGD"),
])
def test_bad_input_is_named(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, mx.MXNetError)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("grad, error, message", [
    (nd.ones((3, 1)), ValueError, r" weight 7 has shape \(3, 2\), its gradient has shape \(3, 1\)"),
    (nd.ones((3, 2), dtype="float64"), TypeError, " weight 7 and its gradient .*, not float32 and float64"),
    ([[1.0, 2.0]], TypeError, " weight 7 and its gradient are arrays, not NDArray and list"),
])
def test_bad_gradients_change_nothing(name: str, grad: Any, error: type[Exception], message: str) -> None:
    (weight,), _ = arrays(1)
    before = weight.asnumpy()
    opt = optimizer.create(name)
    states = pickle.dumps(opt.create_state(7, weight))
    state = pickle.loads(states)
    with pytest.raises(error, match=type(opt).__name__ + ":" + message) as caught:
        opt.update(7, weight, grad, state)
    assert isinstance(caught.value, mx.MXNetError)
    assert (weight.asnumpy() == before).all() and pickle.dumps(state) == states and opt.num_update == 0


def test_what_an_optimizer_must_define() -> None:
    opt, one = optimizer.Optimizer(), nd.ones(1)
    with pytest.raises(NotImplementedError, match="Optimizer defines neither step.* nor update"):
        opt.update(0, one, one, None)
    opt = optimizer.Optimizer(use_fused_step=True)
    with pytest.raises(NotImplementedError, match="Optimizer does not define fused_step"):
        opt.update(0, one, one, None)
