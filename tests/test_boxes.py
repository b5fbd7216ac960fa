"""Boxes of object detection; their values as MXNet gives them are among those of test_spatial.py."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
import samples.boxes as plain
from checks import check_device
import mxgrad as mx
from mxgrad import MXNetError, autograd, nd, np, npx
from mxgrad.testing import check_grads

C = nd.contrib


def corners(*shape: int, seed: int = 1) -> Any:
    rng = numpy.random.default_rng(seed)
    low = rng.uniform(0, 2, (*shape, 2))
    return nd.array(numpy.concatenate([low, low + rng.uniform(0.5, 3, (*shape, 2))], -1), dtype="float64")


def rows(*shape: int) -> Any:
    """Class, score and corners of boxes."""
    rng = numpy.random.default_rng(2)
    return nd.concat(nd.array(rng.integers(0, 3, (*shape, 1)), dtype="float64"),
                     nd.array(rng.uniform(0.1, 1, (*shape, 1)), dtype="float64"), corners(*shape), dim=-1)


@pytest.mark.parametrize("block, values", [(64, 1 << 17), (4, 1 << 17), (5, 200)])
def test_many_boxes_are_suppressed_one_by_one(
    monkeypatch: pytest.MonkeyPatch, block: int, values: int
) -> None:
    monkeypatch.setattr("mxgrad.ops.boxes._BLOCK", block)
    monkeypatch.setattr("mxgrad.ops.boxes._VALUES", values)
    rng = numpy.random.default_rng(3)
    low = rng.integers(0, 9, (3, 150, 2)).astype("float64")     # whole numbers, so that there are ties
    boxes = numpy.concatenate([low, low + rng.integers(1, 6, low.shape)], -1)
    scores, ids = rng.integers(0, 40, (3, 150)) / 40, rng.integers(0, 2, (3, 150)) * 1.0
    kernel = mx.registry.OPS["nms_order"].kernel
    for more in ((), (ids,)):
        for params in ({"overlap_thresh": 0.3}, {"overlap_thresh": 0.6, "topk": 70, "valid_thresh": 0.2}):
            found = kernel(numpy, boxes, scores, *more, **params)
            expected = plain.nms_order(boxes, scores, *more, **params)
            assert (found == expected).all() and (found >= 0).any() and (found < 0).any()


@pytest.mark.parametrize("topk", [-1, 7])
def test_many_rows_are_matched_one_by_one(topk: int) -> None:
    scores = numpy.random.default_rng(4).integers(0, 30, (2, 20, 25)) / 30
    found = C.bipartite_matching(nd.array(scores, dtype="float64"), threshold=0.2, topk=topk)
    for ours, expected in zip(found, plain.bipartite_matching(scores, threshold=0.2, topk=topk)):
        assert (ours.asnumpy() == expected).all() and (expected >= 0).sum() >= 14


SAMPLES, MATCHES = nd.array([[1, 0, -1], [1, 1, 0.4]]), nd.array([[0, 1, 0], [1, 0, 1]])
FUNCTIONS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "iou": (C.box_iou, [corners(2, 3), corners(4, seed=3)]),
    "iou by centres": (lambda a, b: C.box_iou(a, b, format="center"), [corners(2, 3), corners(4, seed=3)]),
    "encode": (lambda a, r, m, s: C.box_encode(SAMPLES, MATCHES, a, r, m, s)[0],
               [corners(2, 3), corners(2, 2), corners(), corners() + 0.1]),
    "decode": (lambda x, a: C.box_decode(x, a, std2=0.3, format="corner"), [corners(2, 3), corners(1, 3)]),
    "decode, clipped": (lambda x, a: C.box_decode(x, a, clip=2.0), [corners(2, 3), corners(1, 3)]),
    "nms": (lambda x: C.box_nms(
        nd.concat(nd.round(x[:, :, :1] * 0 + 1), x, dim=2), overlap_thresh=0.2, id_index=0),
        [rows(2, 9)[:, :, 1:]]),
    "nms, other format": (lambda x: C.box_nms(x, overlap_thresh=0.2, out_format="center"), [rows(9)]),
    "nms, other format back": (lambda x: C.box_nms(x, overlap_thresh=0.2, in_format="center"), [rows(9)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str) -> None:
    function, arrays = FUNCTIONS[name]
    check_grads(lambda *xs: function(*xs) ** 2, arrays)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "encode"])
def test_the_device_gives_the_same(name: str) -> None:
    check_device(*FUNCTIONS[name])


def test_decode_undoes_encode() -> None:
    anchors, boxes = corners(1, 5), corners(1, 5, seed=4)
    ones, places = nd.ones((1, 5)), nd.array([[0, 1, 2, 3, 4]])
    codes, mask = C.box_encode(ones, places, anchors, boxes, nd.zeros(4, dtype="float64"),
                               nd.array([0.1, 0.1, 0.2, 0.2], dtype="float64"))
    got = C.box_decode(codes, anchors, 0.1, 0.1, 0.2, 0.2, format="corner")
    numpy.testing.assert_allclose(got.asnumpy(), boxes.asnumpy(), rtol=1e-12)
    assert mask.shape == (1, 5, 4) and mask.asnumpy().all()


def test_boxes_beyond_the_image_are_converted() -> None:
    """MXNet leaves boxes with a negative number as they are."""
    x = nd.array([[0, 1, 0, 0, 4, 2]])
    assert C.box_nms(x, in_format="center").asnumpy().tolist() == [[0, 1, -2, -1, 2, 1]]


def test_the_number_of_matches_is_limited() -> None:
    """MXNet gives one more."""
    matched = C.bipartite_matching(nd.array([[3, 1], [1, 2]]), threshold=0, topk=1)
    assert [m.asnumpy().tolist() for m in matched] == [[0, -1], [0, -1]]


def test_matching_has_the_gradient_zero() -> None:
    x = corners(3)
    x.attach_grad()
    with autograd.record():
        y = C.bipartite_matching(x, threshold=0.1)[0] + x.sum() * 2
    y.backward()
    assert x.grad.asnumpy().tolist() == [[6] * 4] * 3


def test_of_np() -> None:
    x = rows(4).as_np_ndarray()
    boxes = x[:, 2:]
    for got, expected in (
        (npx.box_nms(x), C.box_nms(rows(4))), (npx.box_iou(boxes, boxes), C.box_iou(corners(4), corners(4))),
        (npx.box_decode(boxes[None], boxes[None]), C.box_decode(corners(1, 4), corners(1, 4))),
        (npx.bipartite_matching(boxes, threshold=0.1)[0], C.bipartite_matching(corners(4), threshold=0.1)[0]),
    ):
        assert isinstance(got, np.ndarray)
        numpy.testing.assert_allclose(got.asnumpy(), expected.asnumpy(), rtol=1e-12)


def test_empty() -> None:
    assert C.box_iou(nd.zeros((0, 4)), corners(3).astype("float32")).shape == (0, 3)
    assert C.box_nms(nd.zeros((2, 0, 6))).shape == (2, 0, 6)
    assert [m.shape for m in C.bipartite_matching(nd.zeros((0, 3)), threshold=1)] == [(0,), (3,)]


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: C.box_iou(nd.ones((2, 4)), nd.ones((2, 3))), ValueError, "rhs has four numbers"),
    (lambda: C.box_encode(SAMPLES, MATCHES, nd.ones((2, 3, 4)), nd.ones((1, 2, 4)), nd.ones(4), nd.ones(4)),
     ValueError, "anchors and refs have shapes"),
    (lambda: C.box_encode(SAMPLES, MATCHES, nd.ones((2, 4, 4)), nd.ones((2, 2, 4)), nd.ones(4), nd.ones(4)),
     ValueError, r"samples has shape \(2, 4\)"),
    (lambda: C.box_encode(SAMPLES, MATCHES, nd.ones((2, 3, 4)), nd.ones((2, 2, 4)), nd.ones(3), nd.ones(4)),
     ValueError, "means has four numbers"),
    (lambda: C.box_nms(nd.ones((3, 6)), id_index=6), ValueError, "id_index is from -1 to 5"),
    (lambda: C.box_nms(nd.ones((3, 6)), out_format="x"), ValueError, "out_format is 'corner'"),
    (lambda: C.bipartite_matching(nd.ones(3), threshold=0.5), ValueError, "rows and columns"),
])
def test_errors(call: Callable[[], Any], kind: type, text: str) -> None:
    with pytest.raises(MXNetError, match=text) as caught:
        call()
    assert isinstance(caught.value, kind)
