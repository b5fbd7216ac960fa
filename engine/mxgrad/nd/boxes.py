"""Adapters: boxes of object detection."""
from __future__ import annotations

from typing import Any

from ..invoke import F
from ..ops import boxes
from .functions import ND


@ND.composed("contrib.box_iou", arrays=2)
def box_iou(lhs: Any, rhs: Any, format: str = "corner", out: Any = None, name: Any = None) -> Any:
    """The overlap of each box of `lhs` (..., 4) with each of `rhs` (..., 4): the area of the intersection
    over that of the union.

    `format` says what the four numbers are: x1, y1, x2, y2 ('corner'), or the centre's x and y, the width
    and the height ('center').  The shape is that of the boxes of `lhs`, then of `rhs`.

    >>> from mxgrad import nd
    >>> nd.contrib.box_iou(nd.array([[0, 0, 2, 2]]), nd.array([[1, 0, 3, 2], [0, 0, 2, 2]])).asnumpy()
    array([[0.33333334, 1.        ]], dtype=float32)
    """
    return boxes.overlaps(F, lhs, rhs, format)


@ND.composed("contrib.box_encode", arrays=6)
def box_encode(samples: Any, matches: Any, anchors: Any, refs: Any, means: Any, stds: Any, out: Any = None,
               name: Any = None) -> Any:
    """A list: what a detector should predict for each anchor, and 1 where there is something to predict.

    Parameters
    ----------
    samples : array
        (batch, N): 1 for anchors that match a box, 0 or -1 for others, whose codes are 0.
    matches : array
        (batch, N): which box of `refs`.
    anchors, refs : array
        (batch, N, 4) and (batch, M, 4): corners.
    means, stds : array
        (4,): subtracted from the codes, and what they are divided by.

    Returns
    -------
    list of arrays
        (batch, N, 4) each: the codes ``(x - x_a) / w_a, (y - y_a) / h_a, log(w / w_a), log(h / h_a)`` by
        centres and sizes, and the mask.

    Examples
    --------
    >>> from mxgrad import nd
    >>> anchor, box, one = nd.array([[[0, 0, 2, 2]]]), nd.array([[[1, 0, 3, 2]]]), nd.ones((1, 1))
    >>> codes, mask = nd.contrib.box_encode(one, one * 0, anchor, box, nd.zeros(4), nd.ones(4))
    >>> codes.asnumpy().tolist()
    [[[0.5, 0.0, 0.0, 0.0]]]
    """
    return boxes.encode(F, samples, matches, anchors, refs, means, stds)


@ND.composed("contrib.box_decode", arrays=2)
def box_decode(data: Any, anchors: Any, std0: float = 1.0, std1: float = 1.0, std2: float = 1.0,
               std3: float = 1.0, clip: float = -1.0, format: str = "center", out: Any = None,
               name: Any = None) -> Any:
    """The corners of the boxes that the codes `data` (batch, N, 4), times `std0` to `std3`, make of
    `anchors` (1, N, 4): the inverse of `box_encode`.

    `clip`, if positive, is the largest logarithm of a quotient of sizes; `format` is that of the anchors,
    'center' or 'corner'.

    >>> from mxgrad import nd
    >>> codes, anchor = nd.array([[[0.5, 0, 0, 0]]]), nd.array([[[0, 0, 2, 2]]])
    >>> nd.contrib.box_decode(codes, anchor, format="corner").asnumpy().tolist()
    [[[1.0, 0.0, 3.0, 2.0]]]
    """
    return boxes.decode(F, data, anchors, (std0, std1, std2, std3), clip, format)


@ND.composed("contrib.box_nms contrib.box_non_maximum_suppression")
def box_nms(data: Any, overlap_thresh: float = 0.5, valid_thresh: float = 0.0, topk: int = -1,
            coord_start: int = 2, score_index: int = 1, id_index: int = -1, background_id: int = -1,
            force_suppress: bool = False, in_format: str = "corner", out_format: str = "corner",
            out: Any = None, name: Any = None) -> Any:
    """Non-maximum suppression: the boxes that no better one overlaps, the best first, then rows of -1.

    Parameters
    ----------
    data : array
        (..., boxes, numbers): by default id, score, and four coordinates.
    overlap_thresh : float
        The overlap (intersection over union) with a better box above which a box goes.
    valid_thresh : float
        Boxes go whose score is not above it.
    topk : int
        How many of the best boxes are looked at; all if it is negative.
    coord_start, score_index, id_index : int
        Where coordinates, score and class are in a row; without a class (-1) all boxes are of one.
    background_id : int
        A class that goes; none if it is negative.
    force_suppress : bool
        Boxes of other classes suppress, too.
    in_format, out_format : str
        'corner' or 'center', as in `box_iou`.

    Returns
    -------
    array
        As `data`; the gradient goes to the boxes that stay.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.array([[0, 0.5, 0, 0, 2, 2], [0, 0.4, 0, 0, 2, 1.9], [1, 0.6, 5, 5, 6, 6]])
    >>> nd.contrib.box_nms(x)[:, 1].asnumpy().round(1).tolist()
    [0.6000000238418579, 0.5, -1.0]
    """
    return boxes.suppressed(F, data, overlap_thresh, valid_thresh, topk, coord_start, score_index, id_index,
                            background_id, force_suppress, in_format, out_format)
