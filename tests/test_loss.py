"""gluon.loss against MXNet 1.9.1 and 2.0 (tests/data/record_losses.py), and gradients to order 2."""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import MXNetError, autograd, nd
from mxgrad.gluon import loss as losses
from mxgrad.testing import check_grads

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_losses", DATA / "record_losses.py")
assert _spec and _spec.loader
record_losses = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_losses)
RECORDED = [
    (version, *case) for version in ("1.9.1", "2.0")
    for case in json.loads((DATA / f"losses_{version}.json").read_text())
]


def make(source: str) -> losses.Loss:
    loss = eval(source, vars(losses))
    assert isinstance(loss, losses.Loss)
    return loss


def arguments(names: str, array: Any, dtype: str = "float32") -> list[Any]:
    values = map(record_losses.argument, names.split())
    return [None if a is None else array(a, dtype=dtype) for a in values]


def wanted(names: str) -> list[int]:
    """The places of the arguments that have gradients."""
    return [i for i, name in enumerate(names.split()) if name[0] in "xyzpqlw"]


@pytest.mark.parametrize("version, source, names, shown, value, gradients", RECORDED,
                         ids=lambda v: v if isinstance(v, str) else "")
def test_recorded(version: str, source: str, names: str, shown: str, value: Any, gradients: Any) -> None:
    array = nd.array if version == "1.9.1" else mx.np.array
    args = arguments(names, array)
    for i in wanted(names):
        args[i].attach_grad()
    loss = make(source)
    assert repr(loss) == shown
    with autograd.record():
        y = loss(*args)
        total = (y * array(numpy.arange(1, y.size + 1).reshape(y.shape))).sum()
    total.backward()
    assert type(y) is type(args[0]) and y.shape == numpy.shape(value)
    numpy.testing.assert_allclose(y.asnumpy(), value, rtol=1e-5, atol=2e-6)
    for i, g in zip(wanted(names), gradients):
        numpy.testing.assert_allclose(args[i].grad.asnumpy(), g, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("version, source, names", [
    case[:3] for case in RECORDED
    if case[0] == "1.9.1" or case[1].startswith(("KLDiv", "Poisson", "Cosine", "SDML"))])
def test_gradients(version: str, source: str, names: str) -> None:
    loss, args = make(source), arguments(names, nd.array if version == "1.9.1" else mx.np.array, "float64")
    args[0] = args[0] + 0.013       # away from kinks, where differences say nothing

    def f(*varied: Any) -> Any:
        given = list(args)
        for i, a in zip(wanted(names), varied):
            given[i] = a
        return loss(*given)

    check_grads(f, [args[i] for i in wanted(names)], order=2)


@pytest.mark.parametrize("source, names, value", [(case[1], case[2], case[4]) for case in RECORDED
                                                  if case[0] == "1.9.1" and "SDML" not in case[1]])
def test_symbols(source: str, names: str, value: Any) -> None:
    args = arguments(names, nd.array)
    given = {f"x{i}": a for i, a in enumerate(args) if a is not None}
    out = make(source)(*[None if a is None else mx.sym.var(f"x{i}") for i, a in enumerate(args)])
    numpy.testing.assert_allclose(out.eval(**given)[0].asnumpy(), value, rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize("array", [nd.array, mx.np.array])
def test_softmax_cross_entropy_of_far_apart_scores(array: Any) -> None:
    pred = array([[1000, 0, -1000], [0, 0, 0]], dtype="float32")
    pred.attach_grad()
    with autograd.record():
        loss = losses.SoftmaxCELoss()(pred, array([2, 1], dtype="int32"))
    loss.backward()
    assert loss.asnumpy().tolist() == pytest.approx([2000, numpy.log(3)], rel=1e-6)
    numpy.testing.assert_allclose(pred.grad.asnumpy(), [[1.0, 0.0, -1.0], [1 / 3, -2 / 3, 1 / 3]], rtol=1e-6)


def test_softmax_cross_entropy_is_one_op() -> None:
    pred = nd.ones((4, 3))
    pred.attach_grad()
    with autograd.record():
        loss = losses.SoftmaxCELoss()(pred, nd.zeros(4))
    nodes = json.loads(autograd.get_symbol(loss).tojson())["nodes"]
    assert [n["op"] for n in nodes] == ["null", "cross_entropy"]


def test_dtypes_and_contexts() -> None:
    for dtype in ("float16", "float64"):
        pred = nd.array([[1, 2]], dtype=dtype, ctx=mx.cpu(1))
        loss = losses.SoftmaxCELoss()(pred, nd.array([1], dtype="int64", ctx=mx.cpu(1)))
        pair = losses.SDMLLoss()(pred, pred)
        for y in (loss, pair):
            assert numpy.dtype(y.dtype) == dtype and y.context == mx.cpu(1)


def test_counts_of_zero() -> None:
    # MXNet says nan: 0 * log(0).
    loss = losses.PoissonNLLLoss(compute_full=True)
    target = nd.array([[0, 1, 3]])
    target.attach_grad()
    with autograd.record():
        y = loss(nd.zeros((1, 3)), target)
    y.backward()
    stirling = 3 * numpy.log(3) - 3 + 0.5 * numpy.log(6 * numpy.pi)
    assert y.asscalar() == pytest.approx((3 + stirling) / 3)
    slope: Any = target.grad
    assert numpy.isfinite(slope.asnumpy()).all()


def test_own_losses() -> None:
    class Squared(losses.Loss):
        def __init__(self, weight: float | None = None, batch_axis: int = 0, **kwargs: Any) -> None:
            super().__init__(weight, batch_axis, **kwargs)

        def hybrid_forward(self, F: Any, pred: Any, label: Any, sample_weight: Any = None) -> Any:
            label = losses._reshape_like(F, label, pred)
            loss = losses._apply_weighting(F, F.square(pred - label), self._weight, sample_weight)
            return F.mean(loss, axis=self._batch_axis, exclude=True)

    class New(Squared):
        def forward(self, x: Any, *args: Any) -> Any:
            return mx.np.square(x - args[0]).mean(axis=1)

    pred, label = [[1.0, 2.0]], [[1.0, 4.0]]
    assert Squared(weight=0.5)(nd.array(pred), nd.array([1, 4])).asnumpy().tolist() == [1.0]
    assert New()(mx.np.array(pred), mx.np.array(label)).tolist() == [2.0]
    assert repr(Squared(3)) == "Squared(batch_axis=0, w=3)"
    assert losses.L2Loss(prefix="mine_").name == "mine"
    assert not losses.L2Loss().collect_params()


FLAT, WIDE = nd.ones(3), nd.ones((2, 3))


@pytest.mark.parametrize("call, kind, message", [
    (lambda: losses.L2Loss(weight=FLAT), TypeError, "L2Loss: weight must be a number, not"),  # type: ignore[arg-type]
    (lambda: losses.CTCLoss(layout="CTN"), ValueError, "Only 'NTC' and 'TNC' layouts for pred .* Got: CTN"),
    (lambda: losses.CTCLoss(label_layout="X"), ValueError, "Only 'NT' and 'TN' layouts for label"),
    (lambda: losses.LogisticLoss(label_format="s"), ValueError, "label_format can only be signed or binary"),
    (lambda: losses.L1Loss()(WIDE, nd.ones(5)), ValueError, r"size 5 into shape \(2, 3\)"),
    (lambda: losses.SoftmaxCELoss()(WIDE, FLAT), ValueError,
     r"cross_entropy: labels for axis 1 of shape \(2, 3\) have shape \(2,\), not \(3,\)"),
    (lambda: losses.SoftmaxCELoss(axis=2)(WIDE, nd.ones(2)), ValueError, "axis 2 is out of"),
    (lambda: losses.SDMLLoss()(WIDE, nd.ones((3, 3))), ValueError, "SDMLLoss: two arrays"),
    (lambda: losses.L2Loss()([1.0], [2.0]), ValueError, "there must be one NDArray or one Symbol"),
    (lambda: losses.Loss(1, 0)(FLAT, FLAT), NotImplementedError, "defines neither forward nor"),
])
def test_bad_input(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as error:
        call()
    assert isinstance(error.value, (MXNetError, NotImplementedError))
