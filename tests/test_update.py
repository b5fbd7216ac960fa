"""The optimizers' steps: MXNet's numbers, in place, on every device."""
from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from mxgrad import autograd, cpu, gpu, nd, np, testing
from mxgrad.array import wrap
from mxgrad.base import AutogradError, InplaceError, MXNetError
from mxgrad.frontend import op_function
from mxgrad.kernels import cpu as kernels
from mxgrad.nd.update import fitted, together, updates
from mxgrad.ops.update import UPDATES

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_updates", DATA / "record_updates.py")
assert _spec is not None and _spec.loader is not None
record_updates = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_updates)

RECORDED = [
    case for version in ("1.9.1", "2.0.0b1")
    for case in json.loads((DATA / f"updates_{version}.json").read_text())
]


def is_left_alone(f: str, argument: str, last: bool) -> bool:
    """Whether MXNet has changed an argument here that ours must not, or the other way round.

    Its AdamW and AdaBelief leave the scaled and clipped gradient in `grad`; its mp_lamb_update_phase2 does
    not write weight32, so that the weights never get further than one step.
    """
    return argument[0] == "g" and ("adamw" in f or "adabelief" in f) or f == "mp_lamb_update_phase2" and last


@pytest.mark.parametrize("case", RECORDED, ids=lambda c: f"{c[0]}-{c[3]}-{c[2]}")
def test_recorded_values(case: list[Any]) -> None:
    *call, found = case
    f, arguments = call[:2]
    flat = [n for a in arguments for n in (a if isinstance(a, list) else [a])]
    got = record_updates.run(call, nd)
    rtol, atol = (2e-3, 1e-3) if "h" in str(arguments) else (2e-6, 1e-6)
    if f == "ftml_update":      # MXNet computes 1 - beta^t in float32
        rtol = 1e-5
    assert len(got) == len(found)
    names = [""] * (len(got) - len(flat)) + flat
    for i, (ours, theirs, name) in enumerate(zip(got, found, names)):
        if name and is_left_alone(f, name, i == len(got) - 1):
            if name[0] != "g":
                theirs = got[0]
            else:
                theirs = record_updates.value(name).ravel()
        numpy.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def test_every_update_is_recorded_but_one() -> None:
    # MXNet's group_adagrad_update takes row_sparse gradients only.
    called = {case[0] for case in RECORDED}
    assert set(UPDATES) - called == {"contrib.group_adagrad_update"}


def test_group_adagrad() -> None:
    w, g = nd.array([[1.0, 2.0], [3.0, 4.0]]), nd.array([[2.0, 2.0], [0.0, 4.0]])
    history = nd.array([[12.0], [1.0]])
    f = nd.contrib.group_adagrad_update
    f(w, g, history, lr=1.0, epsilon=0.0, rescale_grad=2.0, clip_gradient=3.0, out=w)
    numpy.testing.assert_allclose(history.asnumpy(), [[21.0], [5.5]])
    numpy.testing.assert_allclose(
        w.asnumpy(), [[1 - 3 / 21 ** 0.5, 2 - 3 / 21 ** 0.5], [3, 4 - 3 / 5.5 ** 0.5]], rtol=1e-6)
    with pytest.raises(ValueError, match=r"group_adagrad_update: history has one number a row, shape \(2, 1"):
        f(w, g, nd.ones((2, 2)), lr=1.0)


def test_float64_is_float64() -> None:
    w, g = nd.array([1.0], dtype="float64"), nd.array([1.0], dtype="float64")
    assert nd.sgd_update(w, g, lr=0.1).asscalar() == 0.9
    assert w.asscalar() == 1.0


def arrays_of(name: str, ctx: Any, cls: type = nd.NDArray) -> list[Any]:
    """Arguments for an update, positive where it takes roots."""
    shapes = {"r1": (1,), "r2": (1,), "history": (3, 1)}
    op = UPDATES[name]
    out = []
    for i, a in enumerate(op.arrays):
        n = numpy.arange(6).reshape(3, 2)
        host = numpy.abs(numpy.sin(n + i)) + (0.1 if a in ("var", "n", "v", "d", "history") else -0.5)
        host = host[:1, 0] + 1 if a in ("r1", "r2") else host[:, :1] if a == "history" else host
        assert host.shape == shapes.get(a, (3, 2))
        dtype = "float16" if op.master and a in ("weight", "grad") else "float32"
        if a == "grad" and name == "rmspropalex_update":
            host = host * 0.1
        out.append(wrap(cls, ctx.backend.from_host(host.astype(dtype)), ctx))
    return out


def params_of(name: str) -> dict[str, float]:
    params = {
        "lr": 0.5, "eta": 0.5, "wd": 0.1, "t": 2, "step_count": 2, "rescale_grad": 0.5, "lazy_update": 1,
        "clip_gradient": 0.2, "clip_grad": 0.2, "clip_weights": 0.75, "lower_bound": 0.5, "upper_bound": 2.0,
    }
    return {p: v for p, v in params.items() if p in UPDATES[name].params}


def function_of(name: str) -> Callable[..., Any]:
    """The public function as one that takes single arrays and numbers."""
    f = op_function(name)
    if not name.startswith("contrib.multi_"):
        return f

    def call(*arrays: Any, out: Any = None, lr: float, wd: float, step_count: int, **more: Any) -> Any:
        outs = None if out is None else [out]
        return f(*([a] for a in arrays), lrs=[lr], wds=[wd], step_count=[step_count], out=outs, **more)[0]
    return call


@pytest.mark.parametrize("name", UPDATES)
def test_devices(name: str) -> None:
    """The device double gives the CPU's numbers, and nothing crosses over."""
    host = arrays_of(name, cpu())
    expected = [function_of(name)(*host, **params_of(name)), *host]
    with testing.use_device_double() as double:
        arrays = arrays_of(name, gpu(0))
        with double.count() as cost:
            result = function_of(name)(*arrays, **params_of(name))
        assert cost.d2h == cost.sync == cost.p2p == cost.h2d == 0
        for a, b in zip([result, *arrays], expected):
            assert a.context == gpu(0)
            numpy.testing.assert_allclose(a.asnumpy(), b.asnumpy(), rtol=1e-5)


@pytest.mark.parametrize("name", UPDATES)
def test_what_is_written(name: str) -> None:
    """`weight` and what is only read stay as they are without `out`; with it, it is the result."""
    op, f = UPDATES[name], function_of(name)
    first, second = arrays_of(name, cpu()), arrays_of(name, cpu(), np.ndarray)
    before = arrays_of(name, cpu())
    result = f(*first, **params_of(name))
    for i, (a, x, y) in enumerate(zip(op.arrays, first, before)):
        if i not in op.changed:
            numpy.testing.assert_array_equal(x.asnumpy(), y.asnumpy())
        elif a != "weight32" or not op.direction:
            assert (x.asnumpy() != y.asnumpy()).any(), a
    if not op.direction:
        assert f(*second, out=second[0], **params_of(name)) is second[0]
        assert isinstance(second[0], np.ndarray)
        numpy.testing.assert_allclose(second[0].asnumpy(), result.asnumpy(), rtol=2e-3 if op.master else 1e-6)


# several weights in one loop of a compiled kernel -----------------------------------------------------------

STEPS: list[tuple[str, dict[str, float]]] = [
    ("sgd_update", {"lr": 0.1}),
    ("sgd_update", {"lr": 0.1, "wd": 0.3, "clip_gradient": 0.5, "rescale_grad": 3}),
    ("sgd_mom_update", {"lr": 0.1, "momentum": 0.9}),
    ("sgd_mom_update", {"lr": 0.1, "momentum": 0.9, "wd": 0.3, "clip_gradient": 0.5, "rescale_grad": 3}),
    ("nag_mom_update", {"lr": 0.1, "momentum": 0.9, "wd": 0.3, "rescale_grad": 0.5}),
    ("nag_mom_update", {"lr": 0.1, "momentum": 0.9, "clip_gradient": 0.5}),
    ("adam_update", {"lr": 0.1}), ("adam_update", {"lr": 0.1, "wd": 0.3, "clip_gradient": 0.5, "beta1": 0.7}),
    ("contrib.adamw_update", {"lr": 1, "eta": 0.1, "wd": 0.3, "rescale_grad": 2, "clip_gradient": 0.5}),
    ("contrib.adamw_update", {"lr": 1, "eta": 0.1, "rescale_grad": 0}),
]


def weights_of(name: str, shapes: list[tuple[int, ...]]) -> list[tuple[nd.NDArray, ...]]:
    """Random weights, gradients and states, with nan and infinities among the weights and gradients."""
    draw = numpy.random.RandomState(5)
    rows = []
    for shape in shapes:
        hosts = [draw.standard_normal(shape).astype("float32") for _ in UPDATES[name].arrays]
        hosts[-1] = numpy.abs(hosts[-1])
        for i, bad in enumerate((numpy.nan, numpy.inf, -numpy.inf)):
            for host in hosts[:2]:
                host.flat[i % host.size] = bad if host.size > 9 else 0.5
        rows.append(tuple(nd.array(h) for h in hosts))
    return rows


@pytest.mark.skipif(kernels.lib is None, reason="the kernels are not built (make setup)")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name, params", STEPS)
def test_weights_together(name: str, params: dict[str, float], threads: int, monkeypatch: Any) -> None:
    shapes: list[tuple[int, ...]] = [(3,), (211, 333), (1,), (40000,), (17, 5)]
    found, before = [], kernels.threads()
    kernels.set_threads(threads)
    for small in (1 << 60, 0):
        monkeypatch.setattr(kernels, "small", small)
        rows = weights_of(name, shapes)
        calls = [(UPDATES[name], row, {**params, "lr": params["lr"] * (i + 1)}) for i, row in enumerate(rows)]
        updates(calls)
        updates(calls[1:2])
        found.append([a.asnumpy() for row in rows for a in row])
    kernels.set_threads(before)
    for generic, compiled in zip(*found):
        numpy.testing.assert_allclose(compiled, generic, rtol=3e-6, atol=1e-6)


@pytest.mark.skipif(kernels.lib is None, reason="the kernels are not built (make setup)")
def test_what_the_loop_of_a_kernel_takes(monkeypatch: Any) -> None:
    def row(shape: tuple[int, ...] = (3, 5), dtype: str = "float32") -> tuple[Any, ...]:
        return tuple(nd.ones(shape, dtype=dtype) for _ in range(3))

    monkeypatch.setattr(kernels, "small", 0)
    frozen = numpy.ones((3, 5), "float32")
    frozen.flags.writeable = False
    odd = numpy.frombuffer(bytes(61), "float32", 15, 1).reshape(3, 5).copy()
    assert fitted([row(), row((7,)), row(()), row((2, 3, 4))]) is not None
    assert fitted([row()]) is not None and fitted([row(), (wrap(nd.NDArray, odd), *row()[:2])]) is not None
    x, other = nd.ones((3, 5)), nd.ones((3, 5), ctx=cpu(1))
    for bad in (row(dtype="float64"), row((5, 3))[:1] + row()[:2], row((15,))[:1] + row()[:2], row()[:2],
                (x, x, nd.ones((3, 5))), (x, nd.ones((3, 5)), x[:]), (other, *row()[:2]), (*row()[:2], None),
                (nd.ones((3, 5)), numpy.ones((3, 5), "float32"), x), row(dtype="int32"),
                (wrap(nd.NDArray, numpy.ones((5, 3), "float32").T), *row()[:2]),
                (wrap(nd.NDArray, frozen), *row()[:2]),
                (wrap(nd.NDArray, numpy.frombuffer(bytes(61), "float32", 15, 1).reshape(3, 5)), *row()[:2])):
        assert fitted([row(), bad, row()]) is None
    assert fitted([]) is None and fitted([row((0,))]) is None
    with autograd.record():
        assert fitted([row()]) is None
    monkeypatch.setattr(kernels, "small", 64 * 16)
    assert fitted([row()]) is None


@pytest.mark.skipif(kernels.lib is None, reason="the kernels are not built (make setup)")
def test_the_loop_has_a_formula_for_each_weight(monkeypatch: Any) -> None:
    monkeypatch.setattr(kernels, "small", 0)
    rows = [(nd.ones(5), nd.ones(5)) for _ in range(2)]
    found = fitted(rows)
    assert found is not None
    sgd, adam = (UPDATES["sgd_update"], {"lr": 0.5}), (UPDATES["adam_update"], {"lr": 0.5})
    for formulas in ([], [sgd], [sgd] * 3, [adam] * 2, [sgd, (UPDATES["signsgd_update"], {"lr": 0.5})]):
        assert not together(found, formulas)
    assert all((w.asnumpy() == 1).all() for w, _ in rows)
    assert together(found, [sgd, (sgd[0], {"lr": 0.25})])
    assert [w.asnumpy()[0] for w, _ in rows] == [0.5, 0.75]


def test_weights_that_share_memory_are_updated_one_after_the_other() -> None:
    w = nd.ones(1000)
    halves = w[:500], w[500:]
    updates([(UPDATES["sgd_update"], (v, nd.ones(v.shape)), {"lr": 0.25}) for v in (*halves, w)])
    assert (w.asnumpy() == 0.5).all()


def test_arrays_without_axes() -> None:
    w, m = np.array(1.0), np.array(0.0)
    nd.sgd_mom_update(w, np.array(1.0), m, lr=0.5, wd=0.5, clip_gradient=1, out=w)
    assert (w.item(), m.item(), w.shape) == (0.25, -0.75, ())


def test_nothing_is_recorded_and_the_tape_is_respected() -> None:
    w: Any = nd.array([1.0, 2.0])
    x: Any = nd.array([3.0, 4.0])
    w.attach_grad()
    with autograd.record():
        y = (w * w * x).sum()
        step = nd.sgd_update(w, x, lr=1.0)
        with pytest.raises(InplaceError, match="computational graph"):
            nd.sgd_update(w, x, lr=1.0, out=w)
    assert w.asnumpy().tolist() == [1.0, 2.0]
    with pytest.raises(AutogradError, match="not in a computational graph"):
        step.backward()
    nd.sgd_update(w, x, lr=1.0, out=w)
    with pytest.raises(InplaceError, match="test_update.py"):
        y.backward()
    with autograd.record():
        y = (w * w).sum()
    y.backward()
    assert w.grad.asnumpy().tolist() == [-4.0, -4.0]


def test_several_weights_without_out() -> None:
    w, g = [nd.ones(2), nd.ones(3)], [nd.ones(2), nd.ones(3)]
    new = nd.multi_sgd_update(w[0], g[0], w[1], g[1], lrs=(0.5, 0.25), wds=(0, 0), num_weights=2)
    assert [n.asnumpy().tolist() for n in new] == [[0.5] * 2, [0.75] * 3]
    assert w[0].asnumpy().tolist() == [1.0, 1.0]


def test_the_scale_may_be_an_array() -> None:
    w, g, mean, var = (nd.ones(2) for _ in range(4))
    for scale in (nd.array([numpy.nan]), nd.array([0.0]), float("inf")):
        assert nd.contrib.adamw_update(w, g, mean, var, scale, 0.5, 1.0).asnumpy().tolist() == [1.0, 1.0]
        assert mean.asnumpy().tolist() == [1.0, 1.0]
    by_array = nd.contrib.adamw_update(w, g, mean.copy(), var.copy(), nd.array([2.0]), 0.5, 1.0)
    by_number = nd.contrib.adamw_update(w, g, mean, var, 2.0, 0.5, 1.0)
    numpy.testing.assert_array_equal(by_array.asnumpy(), by_number.asnumpy())


def test_rates_of_lars_have_gradients() -> None:
    at = [nd.array([v, v + 1], dtype="float64") for v in (0.5, 4.0, 2.0, 0.25)]
    testing.check_grads(lambda *a: nd.multi_lars(*a, eta=0.5, eps=0.1, rescale_grad=2.0), at)
    zero = nd.multi_lars(nd.ones(1), nd.zeros(1), nd.ones(1), nd.ones(1), eta=2.0, eps=0.1)
    assert zero.asnumpy().tolist() == [1.0]


def test_what_the_other_languages_see() -> None:
    f = op_function("mp_sgd_mom_update")
    assert f.arrays == ("weight", "grad", "mom", "weight32")        # type: ignore[attr-defined]
    assert list(f.params) == "lr momentum wd rescale_grad clip_gradient lazy_update".split()    # type: ignore
    assert op_function("multi_sgd_update").arrays == ("*data",)     # type: ignore[attr-defined]


ONE = nd.ones(2)


@pytest.mark.parametrize("call, error, message", [
    (lambda: nd.sgd_update(ONE, ONE), TypeError, "sgd_update: parameter 'lr' is required"),
    (lambda: nd.sgd_update(ONE, nd.ones(3), lr=1), ValueError, r"sgd_update: grad has shape \(3,\)"),
    (lambda: nd.sgd_update(ONE, nd.ones(2, dtype="float64"), lr=1), TypeError, "sgd_update: grad is float64"),
    (lambda: nd.sgd_update(nd.ones(2, dtype="int32"), nd.ones(2, dtype="int32"), lr=1), TypeError,
     "weight is int32"),
    (lambda: nd.sgd_update(ONE, [1, 2], lr=1), TypeError, "Argument grad must have NDArray type"),
    (lambda: nd.sgd_update(ONE, ONE, lr="fast"), TypeError, "sgd_update: parameters are numbers"),
    (lambda: nd.sgd_update(ONE, ONE, lr=1, out=nd.ones(3)), ValueError, "sgd_update: out has shape"),
    (lambda: nd.mp_sgd_update(ONE, ONE, nd.ones(2, dtype="float16"), lr=1, out=nd.ones(2, dtype="int8")),
     TypeError, "mp_sgd_update: out is int8"),
    (lambda: nd.lamb_update_phase2(ONE, ONE, ONE, ONE, lr=1), ValueError, "update_phase2: r1 and r2 are"),
    (lambda: nd.multi_sgd_update(ONE, ONE, lrs=(1, 2), wds=(0,), num_weights=1), ValueError, "lrs has one"),
    (lambda: nd.multi_sgd_update(ONE, ONE, ONE, lrs=(1,), wds=(0,)), ValueError, "1 weights need 2 arrays"),
    (lambda: nd.preloaded_multi_sgd_update(ONE), ValueError, "preloaded_multi_sgd_update: 0 weights need"),
    (lambda: nd.multi_sgd_update(ONE, ONE, lrs=(1,), wds=(0,), out=[ONE, ONE]), ValueError, "out has 2"),
    (lambda: nd.contrib.multi_adamw_update([ONE], [ONE], [ONE], [], 1, [1], [0], [1]), ValueError,
     "multi_adamw_update: var has one for each of 1 weights, got 0"),
    (lambda: nd.contrib.multi_lamb_update([ONE], [ONE]), TypeError, "multi_lamb_update: missing"),
])
def test_bad_input_is_named(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, MXNetError)
    assert ONE.asnumpy().tolist() == [1.0, 1.0]
