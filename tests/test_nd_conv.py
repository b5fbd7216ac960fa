"""Convolution, pooling, upsampling and normalisation: values, gradients and errors as MXNet 1.9.1 gives them
(tests/data/nd_conv_1.9.1.json, made by record_nd_conv.py), gradients by differences.
"""
from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from checks import check_found
from mxgrad import MXNetError, autograd, nd, np, npx
from mxgrad.testing import check_grads

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_nd_conv", DATA / "record_nd_conv.py")
assert _spec is not None and _spec.loader is not None
_record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_record)
CASES = json.loads((DATA / "nd_conv_1.9.1.json").read_text())


@pytest.mark.parametrize(("case", "expected"), CASES, ids=[c[0] for c in CASES])
def test_as_recorded(case: str, expected: Any) -> None:
    if "error" in expected:
        with pytest.raises(MXNetError) as caught:
            _record.run(case, nd, autograd, numpy)
        assert case[3:].split("(")[0] in str(caught.value)      # the message names the op
        return
    check_found(_record.run(case, nd, autograd, numpy), expected)


def normal(*shape: int) -> Any:
    return nd.array(numpy.random.default_rng(5).standard_normal(shape), dtype="float64")


def training(function: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """A call in training mode, recording or not."""
    with autograd.train_mode():
        return function(*args, **params)


X, W = normal(2, 2, 4, 4), normal(4, 1, 2, 2)
ONE, ZERO = nd.ones((2,), dtype="float64"), nd.zeros((2,), dtype="float64")
FUNCTIONS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "convolution": (lambda x, w, b: nd.Convolution(
        x, w, b, kernel=(2, 2), stride=(1, 2), dilate=(2, 1), pad=(1, 0), num_filter=4, num_group=2),
        [X, W, normal(4)]),
    "convolution, channels last": (lambda x, w: nd.Convolution(
        x, w, kernel=(3,), num_filter=2, no_bias=True, layout="NWC"), [normal(2, 5, 3), normal(2, 3, 3)]),
    "deconvolution": (lambda x, w, b: nd.Deconvolution(
        x, w, b, kernel=(2, 2), stride=(2, 3), adj=(1, 0), pad=(0, 1), num_filter=2, num_group=2,
        no_bias=False), [X, normal(2, 1, 2, 2), normal(2)]),
    "deconvolution, target shape": (lambda x, w: nd.Deconvolution(
        x, w, kernel=(3, 3), stride=(2, 2), target_shape=(6, 7), num_filter=1), [X, normal(2, 1, 3, 3)]),
    "pooling, max": (lambda x: nd.Pooling(x, kernel=(2, 3), stride=(2, 1), pad=(1, 1)), [X]),
    "pooling, avg": (lambda x: nd.Pooling(
        x, kernel=(3, 2), stride=(2, 2), pad=(1, 0), pool_type="avg", pooling_convention="full"), [X]),
    "pooling, avg of the data": (lambda x: nd.Pooling(
        x, kernel=(3, 2), pad=(1, 1), pool_type="avg", count_include_pad=False), [X]),
    "pooling, same": (lambda x: nd.Pooling(
        x, kernel=(3, 2), stride=(3, 3), pool_type="sum", pooling_convention="same"), [X]),
    **{f"pooling, lp {p}": (lambda x, p=p: nd.Pooling(
        x * x + 1, kernel=(2, 2), pool_type="lp", p_value=p), [X]) for p in (1, 2, 3)},
    **{f"pooling, global {t}": (lambda x, t=t: nd.Pooling(
        x, global_pool=True, pool_type=t, p_value=2, layout="NHWC"), [X])
        for t in ("max", "avg", "sum", "lp")},
    "im2col": (lambda x: nd.im2col(x, kernel=(2, 3), pad=(1, 1), stride=(2, 1)), [X]),
    "col2im": (lambda x: nd.col2im(x, output_size=(3, 3), kernel=(2, 2)), [normal(2, 8, 4)]),
    "upsampling": (lambda x, y: nd.UpSampling(x, y, scale=2, sample_type="nearest"), [X, normal(2, 1, 2, 2)]),
    "upsampling, sum": (lambda x, y: nd.UpSampling(
        x, y, scale=2, sample_type="nearest", multi_input_mode="sum"), [X, normal(2, 2, 2, 2)]),
    "upsampling, bilinear": (lambda x, w: nd.UpSampling(
        x, w, scale=2, sample_type="bilinear", num_filter=2), [X, normal(2, 1, 4, 4)]),
    "batch norm": (lambda x, g, b: training(
        nd.BatchNorm, x, g, b, ZERO.copy(), ONE.copy(), fix_gamma=False), [X, normal(2), normal(2)]),
    "batch norm, fixed gamma": (lambda x, b: training(
        nd.BatchNorm, x, ONE, b, ZERO.copy(), ONE.copy(), axis=-1), [normal(3, 4, 2), normal(2)]),
    "batch norm, moving": (lambda x, g, b: nd.BatchNorm(
        x, g, b, ZERO, ONE * 2, fix_gamma=False, use_global_stats=True), [X, normal(2), normal(2)]),
    "group norm": (lambda x, g, b: nd.GroupNorm(x, g, b, num_groups=2),
                   [normal(2, 4, 3), normal(2), normal(2)]),
    "group norm of np": (lambda x, g, b: npx.group_norm(x, g, b, num_groups=2),
                         [normal(2, 4, 3), normal(4), normal(4)]),
    "local response": (lambda x: nd.LRN(x, nsize=3, alpha=0.5), [normal(2, 4, 2)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str) -> None:
    function, arrays = FUNCTIONS[name]
    check_grads(lambda *xs: function(*xs) ** 2, arrays)


def test_third_order() -> None:
    check_grads(lambda x, w: nd.Convolution(x, w, kernel=(2,), num_filter=1, no_bias=True) ** 3,
                [normal(1, 1, 4), normal(1, 1, 2)], order=3)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_channels_last(rank: int) -> None:
    """The layouts of channels last are the others with axes moved."""
    last = ("NWC", "NHWC", "NDHWC")[rank - 1]
    x, w = normal(2, 4, *(5, 4, 3)[:rank]), normal(6, 2, *(3, 2, 2)[:rank])
    kernel = w.shape[2:]

    def moved(a: Any) -> Any:
        return nd.moveaxis(a, 1, -1)

    def same(a: Any, b: Any) -> None:
        numpy.testing.assert_allclose(moved(a).asnumpy(), b.asnumpy(), rtol=1e-12, atol=1e-12)

    params = {"kernel": kernel, "num_filter": 6, "num_group": 2, "no_bias": True}
    same(nd.Convolution(x, w, **params), nd.Convolution(moved(x), moved(w), layout=last, **params))
    params["num_filter"] = 4
    y = nd.Convolution(x, w, kernel=kernel, num_filter=6, num_group=2, no_bias=True)
    same(nd.Deconvolution(y, w, **params), nd.Deconvolution(moved(y), moved(w), layout=last, **params))
    same(nd.Pooling(x, kernel=kernel), nd.Pooling(moved(x), kernel=kernel, layout=last))


def test_deconvolution_is_the_gradient_of_convolution() -> None:
    x, w = normal(2, 4, 7, 6), normal(6, 2, 3, 2)
    params = {"kernel": (3, 2), "stride": (2, 2), "pad": (1, 1), "num_group": 2, "no_bias": True}
    x.attach_grad()
    with autograd.record():
        y = nd.Convolution(x, w, num_filter=6, **params)
    y.backward(y)
    got = nd.Deconvolution(y, w, num_filter=4, target_shape=(7, 6), **params)
    numpy.testing.assert_allclose(got.asnumpy(), x.grad.asnumpy(), rtol=1e-12)


def test_batches_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"kernel": (2, 2), "stride": (2, 1), "pad": (1, 0), "num_filter": 4, "num_group": 2}

    def everything() -> list[Any]:
        x, w = normal(5, 2, 3, 3), normal(4, 1, 2, 2)
        x.attach_grad()
        w.attach_grad()
        with autograd.record():
            y = nd.Convolution(x, w, no_bias=True, **params) ** 2
        y.backward()
        return [y.asnumpy(), x.grad.asnumpy(), w.grad.asnumpy()]

    whole = everything()
    monkeypatch.setattr("mxgrad.ops.conv._COLUMNS", 100)     # the columns of two examples
    for part, all_at_once in zip(everything(), whole):
        numpy.testing.assert_allclose(part, all_at_once, rtol=1e-12, atol=1e-12)


def test_numbers_that_are_none() -> None:
    """As in the original, a maximum passes over nan, and a window with no number gives the lowest one."""
    lowest = float(numpy.finfo("float32").min)
    x = nd.array([[[1, numpy.nan, 0, numpy.nan, numpy.nan, 2]]])
    assert nd.Pooling(x, kernel=(2,)).asnumpy().tolist() == [[[1, 0, 0, lowest, 2]]]
    assert nd.Pooling(x, global_pool=True).asnumpy().tolist() == [[[2]]]
    assert nd.Pooling(nd.array([[[1, 2, 3, 4, 5]]]), kernel=(1,), stride=(3,),
                      pooling_convention="full").asnumpy().tolist() == [[[1, 4, lowest]]]


def test_empty_batch() -> None:
    x = nd.zeros((0, 2, 4, 4))
    assert nd.Convolution(x, nd.ones((3, 2, 3, 3)), nd.ones((3,)), kernel=(3, 3), num_filter=3).shape == (
        0, 3, 2, 2)
    assert nd.Pooling(x, kernel=(2, 2)).shape == (0, 2, 3, 3)


def test_float16() -> None:
    x = nd.ones((1, 2, 3, 3), dtype="float16")
    y = nd.Convolution(x, nd.ones((1, 2, 2, 2), dtype="float16"), kernel=(2, 2), num_filter=1, no_bias=True)
    assert y.dtype == numpy.float16 and y.asnumpy().ravel().tolist() == [8] * 4
    many = nd.array(numpy.arange(4000).reshape(1, 1, 4000), dtype="float16")     # its squares overflow
    stats = nd.zeros((1,)), nd.ones((1,))
    many.attach_grad()
    with autograd.record():
        z = nd.BatchNorm(many, nd.ones((1,)), nd.zeros((1,)), *stats)
    z.backward()
    assert z.dtype == numpy.float16 and abs(float(z.asnumpy().astype("float64").std()) - 1) < 1e-3
    assert stats[0].dtype == numpy.float32 and abs(stats[0].asscalar() - 199.95) < 0.1


# BatchNorm's statistics -------------------------------------------------------------------------------------


def statistics(scope: Any, **params: Any) -> list[float]:
    """The moving mean and variance, 0 and 3 before, after a step with a batch of mean 2 and variance 1."""
    x, mean, var = nd.array([[1], [3]]), nd.zeros((1,)), nd.ones((1,)) * 3
    x.attach_grad()
    with scope:
        y = nd.BatchNorm(x, nd.ones((1,)), nd.zeros((1,)), mean, var, momentum=0.5, **params)
        recorded = autograd.is_recording()
    assert mean.asscalar() == 0 and var.asscalar() == 3
    if recorded:
        y.backward()
    return [mean.asscalar(), var.asscalar()]


def test_statistics_move_when_training_and_recording() -> None:
    assert statistics(autograd.record()) == [1, 2]
    assert statistics(autograd.record(train_mode=False)) == [0, 3]
    assert statistics(autograd.train_mode()) == [0, 3]
    assert statistics(autograd.pause()) == [0, 3]
    assert statistics(autograd.record(), use_global_stats=True) == [0, 3]


def test_statistics_may_move_before_the_backward() -> None:
    """A recorded inference has its own copy of the statistics that a training step then moves."""
    x, mean, var = nd.array([[1], [3]]), nd.zeros((1,)), nd.ones((1,))
    x.attach_grad()
    with autograd.record(train_mode=False):
        y = nd.BatchNorm(x, nd.ones((1,)), nd.zeros((1,)), mean, var, eps=0)
    with autograd.record():
        z = nd.BatchNorm(x, nd.ones((1,)), nd.zeros((1,)), mean, var)
    z.backward()
    y.backward()
    assert x.grad.asnumpy().tolist() == [[1], [1]] and mean.asscalar() != 0


# npx --------------------------------------------------------------------------------------------------------


def test_npx_gives_what_nd_gives() -> None:
    x, w, b = X.as_np_ndarray(), W.as_np_ndarray(), np.ones(4, dtype="float64")
    params = {"kernel": (2, 2), "num_group": 2}
    for got, wanted in (
        (npx.convolution(x, w, b, num_filter=4, **params),
         nd.Convolution(X, W, nd.ones((4,), dtype="float64"), num_filter=4, **params)),
        (npx.deconvolution(x, w[:2], num_filter=2, no_bias=True, **params),
         nd.Deconvolution(X, W[:2], num_filter=2, **params)),
        (npx.pooling(x, (2, 2), (2, 1), (1, 0), "avg", "full", count_include_pad=False),
         nd.Pooling(X, (2, 2), "avg", stride=(2, 1), pad=(1, 0), pooling_convention="full",
                    count_include_pad=False)),
    ):
        assert type(got) is np.ndarray
        numpy.testing.assert_array_equal(got.asnumpy(), wanted.asnumpy())


def test_npx_batch_norm_moves_statistics() -> None:
    x, mean, var = np.array([[1.0], [3.0]]), np.zeros(1), np.ones(1)
    x.attach_grad()
    with autograd.record():
        y = npx.batch_norm(x, np.ones(1), np.zeros(1), mean, var, momentum=0.5, eps=0)
    assert mean.tolist() == [0]
    y.backward()
    assert y.tolist() == [[-1], [1]] and mean.tolist() == [1] and var.tolist() == [1]


def test_npx_group_norm() -> None:
    """Values of MXNet 2.0.0b1, whose gamma and beta have a number per channel."""
    x = (np.arange(16).reshape(2, 4, 2) + 1.0) ** 2
    y, mean, deviation = npx.group_norm(x, np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 2, 3]), num_groups=2,
                                        output_mean_var=True)
    numpy.testing.assert_allclose(y[0].asnumpy(), [
        [-1.1445684432983398, -0.6163060665130615], [1.5282623767852783, 3.9934866428375244],
        [-1.8095011711120605, 0.45560765266418457], [4.510072708129883, 8.62845230102539]], rtol=1e-5)
    assert mean.tolist() == [[7.5, 43.5], [111.5, 211.5]]
    numpy.testing.assert_allclose(deviation.asnumpy(), [
        [5.678996562957764, 14.56883716583252], [23.50002098083496, 32.438419342041016]], rtol=1e-6)


# errors -----------------------------------------------------------------------------------------------------

IMAGE, FILTERS = nd.ones((1, 2, 4, 4)), nd.ones((3, 2, 2, 2))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nd.Convolution(IMAGE, FILTERS, num_filter=3, no_bias=True), "parameter 'kernel' is required"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), no_bias=True), "'num_filter' is required"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), num_filter="x", no_bias=True),
     "Convolution: num_filter is a whole number of at least 1, got 'x'"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), num_filter=3, num_group=0, no_bias=True),
     "num_group is a whole number of at least 1, got 0"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), num_filter=3), "a bias is needed"),
    (lambda: nd.Convolution(IMAGE, FILTERS, ONE, kernel=(2, 2), num_filter=3),
     "the bias has shape (3,) here, got (2,)"),
    (lambda: nd.Convolution(IMAGE[0], FILTERS, kernel=(2, 2), num_filter=3, no_bias=True),
     "data has 4 axes (NCHW) for 2 spatial ones, got shape (2, 4, 4)"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), num_filter=3, num_group=2, no_bias=True),
     "num_group divides the channels and the filters: num_group=2, 2 channels, num_filter=3"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 3), num_filter=3, no_bias=True),
     "the weights have shape (3, 2, 2, 3) here, got (3, 2, 2, 2)"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), dilate=(4, 1), num_filter=3, no_bias=True),
     "the kernel is larger than the input: it spans 5 elements (dilate 4), the axis has 4, with padding 4"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), num_filter=3, no_bias=True, layout="CHWN"),
     "layout is 'NCHW' or 'NHWC' (or None, the first) for 2 spatial axes, not 'CHWN'"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), stride=2, num_filter=3, no_bias=True),
     "stride has a whole number of at least 1 for each of 2 spatial axes, got 2"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2, 2), pad=(-1, 0), num_filter=3, no_bias=True),
     "pad has a whole number of at least 0"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(2.5, 2), num_filter=3, no_bias=True),
     "kernel has whole numbers, one per spatial axis, got (2.5, 2)"),
    (lambda: nd.Convolution(IMAGE, FILTERS, kernel=(1,) * 4, num_filter=3, no_bias=True),
     "kernel has 1, 2 or 3 lengths"),
    (lambda: npx.convolution(IMAGE.as_np_ndarray(), FILTERS.as_np_ndarray(), kernel=(2, 2), num_filter=3),
     "convolution: a bias is needed unless no_bias=True"),
    (lambda: nd.Deconvolution(IMAGE, FILTERS[:2], kernel=(2, 2), adj=(1, 0), num_filter=2),
     "adj is smaller than stride along every axis"),
    (lambda: nd.Deconvolution(IMAGE, FILTERS[:2], kernel=(2, 2), target_shape=(6, 6), num_filter=2),
     "target_shape has lengths from 1 to those of (5, 5)"),
    (lambda: nd.Deconvolution(IMAGE, FILTERS[:2], kernel=(2, 2), pad=(3, 3), num_filter=2),
     "pad takes away more than there is"),
    (lambda: nd.Pooling(IMAGE, kernel=(5, 1)), "the kernel is larger than the input"),
    (lambda: nd.Pooling(IMAGE, kernel=(2, 2), pad=(2, 0)), "pad is smaller than kernel"),
    (lambda: nd.Pooling(IMAGE, kernel=(2, 2), pad=(1, 0), pooling_convention="same"), "pad is 0, got (1, 0)"),
    (lambda: nd.Pooling(IMAGE, kernel=(2, 2), pool_type="mean"), "pool_type is one of 'max', 'avg'"),
    (lambda: nd.Pooling(IMAGE, kernel=(2, 2), pooling_convention="valids"),
     "pooling_convention is one of 'valid', 'full', 'same'"),
    (lambda: nd.Pooling(IMAGE, kernel=(2, 2), pool_type="lp"), "needs a p_value of 1, 2 or 3"),
    (lambda: nd.Pooling(IMAGE.astype("int32"), kernel=(2, 2)), "data is floating point, got int32"),
    (lambda: nd.Pooling(nd.zeros((1, 1, 0)), global_pool=True), "there is nothing to pool"),
    (lambda: nd.col2im(nd.ones((1, 8, 5)), output_size=(3, 3), kernel=(2, 2)),
     "columns have shape (batch, channels x 4, 4) here"),
    (lambda: nd.col2im(nd.ones((1, 8, 4)), kernel=(2, 2)), "output_size has a whole number of at least 1"),
    (lambda: nd.UpSampling(IMAGE, sample_type="nearest"), "UpSampling: parameter 'scale' is required"),
    (lambda: nd.UpSampling(IMAGE, scale=2, sample_type="cubic"), "sample_type is 'nearest' or 'bilinear'"),
    (lambda: nd.UpSampling(IMAGE, IMAGE, scale=2, sample_type="nearest", multi_input_mode="mean"),
     "multi_input_mode is 'concat' or 'sum'"),
    (lambda: nd.UpSampling(IMAGE, scale=2, sample_type="bilinear"), "takes an image and the kernels"),
    (lambda: nd.BatchNorm(IMAGE, nd.ones((3,)), nd.ones((2,)), nd.ones((2,)), nd.ones((2,))),
     "gamma has shape (2,) for axis 1 of (1, 2, 4, 4), got (3,)"),
    (lambda: nd.BatchNorm(IMAGE, nd.ones((2,)), nd.ones((2,))), "moving_mean and moving_var are needed"),
    (lambda: nd.GroupNorm(IMAGE, nd.ones((3,)), nd.ones((3,)), num_groups=3),
     "num_groups divides the 2 channels, got 3"),
    (lambda: nd.LRN(IMAGE, nsize=2), "nsize, the number of channels in a window, is odd, got 2"),
    (lambda: nd.LRN(IMAGE), "parameter 'nsize' is required"),
])
def test_bad_input(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(MXNetError) as caught:
        call()
    assert words in str(caught.value)
