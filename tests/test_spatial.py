"""Sampling of images, regions, resizing, deformable convolution, attention and the rest of contrib: values,
gradients and errors as MXNet 1.9.1 and 2.0.0b1 give them (tests/data/spatial_*.json, made by
record_spatial.py), gradients by differences.
"""
from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from checks import check_device, check_found
from mxgrad import MXNetError, autograd, nd, np, npx
from mxgrad.testing import check_grads, use_device_double

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_nd_conv", DATA / "record_nd_conv.py")
assert _spec is not None and _spec.loader is not None
_record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_record)
CASES = [case for version in ("1.9.1", "2.0.0b1")
         for case in json.loads((DATA / f"spatial_{version}.json").read_text())]


@pytest.mark.parametrize(("case", "expected"), CASES, ids=[c[0] for c in CASES])
def test_as_recorded(case: str, expected: Any) -> None:
    if "error" in expected:
        with pytest.raises(MXNetError) as caught:
            _record.run(case, nd, autograd, numpy)
        name = case.split("(")[0].split(".")[-1]
        assert name in str(caught.value) or name == "SVMOutput"     # the message names the op
        return
    check_found(_record.run(case, nd, autograd, numpy), expected)


def normal(*shape: int, seed: int = 5) -> Any:
    return nd.array(numpy.random.default_rng(seed).standard_normal(shape), dtype="float64")


# Gradients are checked where no coordinate is near a whole number, where interpolation has a kink.
X = normal(2, 4, 5, 4)
GRID = nd.array(numpy.random.default_rng(3).permutation(24).reshape(2, 2, 2, 3) / 12 - 1.05, dtype="float64")
THETA = nd.array([[0.71, 0.13, 0.05, -0.2, 0.83, 0.11], [1.1, -0.13, 0.31, 0.42, 0.53, 0.1]], dtype="float64")
ROIS = nd.array([[0, 0.3, 0.2, 3.1, 4.2], [1, 1.2, 0.4, 2.6, 3.3], [0, -1, 2, 9, 9]], dtype="float64")
OFFSET = nd.array(numpy.random.default_rng(4).permutation(2 * 16 * 9).reshape(2, 16, 3, 3) % 7 / 3 - 0.95,
                  dtype="float64")
MASK = normal(2, 8, 3, 3)
DEFORM = {"kernel": (2, 2), "stride": (2, 1), "pad": (1, 0), "dilate": (2, 1), "num_filter": 2,
          "num_group": 2, "num_deformable_group": 2}
NO_BIAS = {"no_bias": True}
FUNCTIONS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "sampler": (nd.BilinearSampler, [X, GRID]),
    "sampler, outside": (lambda x, g: nd.BilinearSampler(x, g * 1.7), [X, GRID]),
    "grid": (lambda t: nd.GridGenerator(t, "affine", (3, 2)), [THETA]),
    "grid, one": (lambda t: nd.GridGenerator(t, "affine", (1, 1)), [THETA]),
    "grid, warp": (lambda t: nd.GridGenerator(t, "warp"), [normal(2, 2, 3, 4)]),
    "transformer": (lambda x, t: nd.SpatialTransformer(x, t, (3, 4), "affine", "bilinear"), [X, THETA]),
    "roi pooling": (lambda x: nd.ROIPooling(x, ROIS, (2, 3), 0.9), [X]),
    "roi align": (lambda x: nd.contrib.ROIAlign(x, ROIS, (2, 3), 0.9), [X]),
    "roi align, by position": (lambda x: nd.contrib.ROIAlign(
        x, ROIS, (2, 2), 0.9, sample_ratio=2, position_sensitive=True, aligned=True), [X]),
    "resize": (lambda x: nd.contrib.BilinearResize2D(x, height=7, width=3), [X]),
    "resize, centres": (lambda x: nd.contrib.BilinearResize2D(
        x, height=3, width=9, align_corners=False), [X]),
    "resize, like": (lambda x, y: nd.contrib.BilinearResize2D(x, y, mode="like"), [X, normal(1, 1, 4, 4)]),
    "adaptive": (lambda x: nd.contrib.AdaptiveAvgPooling2D(x, (3, 7)), [X]),
    "pooling v1": (lambda x: nd.Pooling_v1(
        x, kernel=(3, 2), stride=(2, 2), pad=(1, 0), pool_type="avg", pooling_convention="full"), [X]),
    "deformable": (lambda x, o, w, b: nd.contrib.DeformableConvolution(x, o, w, b, **DEFORM),
                   [X, OFFSET, normal(2, 2, 2, 2), normal(2)]),
    "deformable, modulated": (lambda x, o, m, w: nd.contrib.ModulatedDeformableConvolution(
        x, o, m, w, no_bias=True, **DEFORM), [X, OFFSET, MASK, normal(2, 2, 2, 2)]),
    "correlation": (lambda x, y: nd.Correlation(
        x, y, kernel_size=3, max_displacement=2, stride1=2, stride2=2, pad_size=2), [X, normal(2, 4, 5, 4)]),
    "correlation of distances": (lambda x, y: nd.Correlation(x, y, is_multiply=False, pad_size=1),
                                 [X, normal(2, 4, 5, 4, seed=6)]),
    "crop": (lambda x: nd.Crop(x, offset=(1, 2), h_w=(2, 2)), [X]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str) -> None:
    function, arrays = FUNCTIONS[name]
    check_grads(lambda *xs: function(*xs) ** 2, arrays)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if not n.startswith("roi")])
def test_the_device_gives_the_same(name: str) -> None:
    check_device(*FUNCTIONS[name])


@pytest.mark.parametrize(("function", "reads"), [
    (lambda x, r: nd.ROIPooling(x, r, (2, 3), 0.9), 1),
    (lambda x, r: nd.contrib.ROIAlign(x, r, (2, 3), 0.9, sample_ratio=2), 0),
    (lambda x, r: nd.contrib.ROIAlign(x, r, (2, 3), 0.9), 2),
])
def test_regions_on_a_device(function: Callable[..., Any], reads: int) -> None:
    """Only what says how large the bins are is read from the device."""
    from mxgrad import gpu

    expected = function(X, ROIS).asnumpy()
    with use_device_double() as double:
        x, rois = X.as_in_context(gpu(0)), ROIS.as_in_context(gpu(0))
        with double.count() as cost:
            got = function(x, rois)
        assert cost.h2d == 0 and cost.d2h == reads
        numpy.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-12, atol=1e-12)


def test_a_point_that_is_not_a_number_gives_none() -> None:
    got = nd.BilinearSampler(nd.ones((1, 1, 2, 2)), nd.array([[[[numpy.nan, 0.5]], [[0, 0]]]]))
    assert numpy.isnan(got.asnumpy()).ravel().tolist() == [True, False]


def test_regions_that_are_nowhere_are_empty() -> None:
    nan, inf = numpy.nan, numpy.inf
    rois = nd.array([[nan, 0, 0, 2, 2], [0, nan, 0, 2, 2], [0, 0, 0, inf, 2], [-1, 0, 0, 2, 2],
                     [9, 0, 0, 2, 2], [0, 1e30, 0, 1e30, 2]])
    x = nd.ones((2, 1, 4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not nd.ROIPooling(x, rois, (2, 2), 1.0).asnumpy().any()
        assert not nd.contrib.ROIAlign(x, rois, (2, 2), 1.0, sample_ratio=1).asnumpy().any()


def test_grids_of_one_row_are_in_the_middle() -> None:
    """MXNet divides by zero here."""
    got = nd.GridGenerator(nd.array([[1, 2, 0, 3, 4, 0]]), "affine", (1, 3))
    assert got.asnumpy().tolist() == [[[[-1, 0, 1]], [[-3, 0, 3]]]]


def test_regions_have_no_gradient() -> None:
    x, rois = X.copy(), ROIS.copy()
    for a in (x, rois):
        a.attach_grad()
    for function in (nd.ROIPooling, nd.contrib.ROIAlign):
        with autograd.record():
            y = function(x, rois, (2, 2), 1.0)
        y.backward()
        assert not rois.grad.asnumpy().any() and x.grad.asnumpy().any()


def test_regions_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from mxgrad.ops import spatial

    whole = nd.ROIPooling(X, ROIS, (2, 2), 1.0).asnumpy()
    monkeypatch.setattr(spatial, "_VALUES", 1)
    numpy.testing.assert_array_equal(nd.ROIPooling(X, ROIS, (2, 2), 1.0).asnumpy(), whole)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes_are_kept(dtype: str) -> None:
    for function, arrays in FUNCTIONS.values():
        arrays = [a.astype(dtype) for a in arrays]
        for a in arrays:
            a.attach_grad()
        with autograd.record():
            y = function(*arrays)
        y.backward()
        assert y.dtype == arrays[0].dtype and arrays[0].grad.dtype == arrays[0].dtype


def test_empty_batches() -> None:
    empty = nd.zeros((0, 2, 3, 3))
    assert nd.BilinearSampler(empty, nd.zeros((0, 2, 4, 5))).shape == (0, 2, 4, 5)
    assert nd.contrib.BilinearResize2D(empty, height=5, width=2).shape == (0, 2, 5, 2)
    assert nd.contrib.AdaptiveAvgPooling2D(empty, 2).shape == (0, 2, 2, 2)
    assert nd.ROIPooling(X, ROIS[:0], (2, 3), 1.0).shape == (0, 4, 2, 3)
    assert nd.contrib.ROIAlign(X, ROIS[:0], (2, 3), 1.0).shape == (0, 4, 2, 3)
    assert nd.ROIPooling(empty, nd.zeros((1, 5)), (2, 3), 1.0).asnumpy().tolist() == [[[[0] * 3] * 2] * 2]


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: nd.contrib.BilinearResize2D(nd.zeros((1, 1, 1, 3)), mode="to_even_down"), ValueError,
     "at least 1, got 0 and 2"),
    (lambda: nd.contrib.BilinearResize2D(nd.zeros((1, 1, 0, 3)), height=2, width=2), ValueError, "no pixels"),
    (lambda: nd.contrib.AdaptiveAvgPooling2D(nd.zeros((1, 1, 2, 2)), (0, 2)), ValueError, "output_size"),
    (lambda: nd.contrib.AdaptiveAvgPooling2D(nd.zeros((1, 1, 0, 2)), 1), ValueError, "no pixels"),
    (lambda: nd.contrib.ROIAlign(X, ROIS, (2, 3), 1.0, position_sensitive=True), ValueError, "multiples"),
    (lambda: nd.contrib.ROIAlign(X, ROIS * float("inf"), (2, 3), 1.0), ValueError, "rois has bins of up to"),
    (lambda: nd.contrib.ROIAlign(X, ROIS, (2, 3)), TypeError, "'spatial_scale' is required"),
    (lambda: nd.contrib.ModulatedDeformableConvolution(X, OFFSET, None, X, kernel=(2, 2), num_filter=1),
     TypeError, "Argument mask must have NDArray type"),
    (lambda: nd.contrib.DeformableConvolution(
        X, OFFSET, X, kernel=(2, 2), num_filter=1, no_bias=True, layout="NHWC"), ValueError,
     "layout is 'NCHW'"),
    (lambda: nd.contrib.DeformableConvolution(
        X, OFFSET, normal(2, 4, 2, 2), kernel=(2, 2), num_filter=2, no_bias=True, num_deformable_group=3),
     ValueError, "num_deformable_group divides"),
    (lambda: nd.Crop(), TypeError, "one array or two, got 0"),
])
def test_errors(call: Callable[[], Any], kind: type, text: str) -> None:
    with pytest.raises(MXNetError, match=text) as caught:
        call()
    assert isinstance(caught.value, kind)


def test_of_np() -> None:
    """npx' functions are nd's, on np arrays."""
    arrays = [X, ROIS, OFFSET, MASK, normal(2, 2, 2, 2)]
    x, rois, offset, mask, w = (a.as_np_ndarray() for a in arrays)
    for name, theirs, given, params in (
        ("roi_pooling", nd.ROIPooling, (x, rois), {"pooled_size": (2, 3), "spatial_scale": 0.9}),
        ("deformable_convolution", nd.contrib.DeformableConvolution, (x, offset, w), DEFORM | NO_BIAS),
        ("modulated_deformable_convolution", nd.contrib.ModulatedDeformableConvolution, (x, offset, mask, w),
         DEFORM | NO_BIAS),
    ):
        got = getattr(npx, name)(*given, **params)
        expected = theirs(*(a.as_nd_ndarray() for a in given), **params)
        assert isinstance(got, np.ndarray)
        numpy.testing.assert_array_equal(got.asnumpy(), expected.asnumpy())
