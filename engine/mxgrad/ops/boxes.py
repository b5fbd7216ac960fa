"""Boxes of object detection: overlaps, codes relative to anchors, suppression, matching.

The last axis of an array of boxes has two corners (x1, y1, x2, y2), format 'corner', or the centre, the
width and the height, format 'center'.
"""
from __future__ import annotations

from typing import Any

from ..base import on_host
from ..registry import register
from .shape import product

FORMATS = ("corner", "center")


def check_format(value: str, name: str = "format") -> None:
    if value not in FORMATS:
        raise ValueError(f"{name} is 'corner' or 'center', not {value!r}")


def _four(boxes: Any, name: str) -> None:
    if not len(boxes.shape) or boxes.shape[-1] != 4:
        raise ValueError(f"{name} has four numbers for each box on its last axis, got {tuple(boxes.shape)}")


def _halves(F: Any, boxes: Any) -> tuple[Any, Any]:
    """The first and the last two of the four numbers of each box."""
    first, second = (F.getitem(boxes, key=(Ellipsis, slice(i, i + 2))) for i in (0, 2))
    return first, second


def _corners(F: Any, boxes: Any, form: str) -> tuple[Any, Any]:
    """The corners of boxes, each of shape (..., 2)."""
    first, second = _halves(F, boxes)
    return (first, second) if form == "corner" else (first - second * 0.5, first + second * 0.5)


def _centres(F: Any, boxes: Any, form: str) -> tuple[Any, Any]:
    """The centres and the sizes of boxes, each of shape (..., 2)."""
    first, second = _halves(F, boxes)
    return ((first + second) * 0.5, second - first) if form == "corner" else (first, second)


def converted(F: Any, boxes: Any, form: str, wanted: str) -> Any:
    """Boxes in the other format."""
    if form == wanted:
        return boxes
    return F.concatenate(*(_corners if wanted == "corner" else _centres)(F, boxes, form), axis=-1)


def _area(F: Any, low: Any, high: Any) -> Any:
    sides = F.relu(high - low)
    return F.getitem(sides, key=(Ellipsis, 0)) * F.getitem(sides, key=(Ellipsis, 1))


def overlaps(F: Any, a: Any, b: Any, form: str) -> Any:
    """The area that each box of `a` shares with each of `b`, over the area of both together."""
    _four(a, "lhs")
    _four(b, "rhs")
    check_format(form)
    first, second = tuple(a.shape[:-1]), tuple(b.shape[:-1])
    a, b = F.reshape(a, shape=(product(first), 1, 4)), F.reshape(b, shape=(1, product(second), 4))
    (low, high), (low_b, high_b) = _corners(F, a, form), _corners(F, b, form)
    shared = _area(F, F.maximum(low, low_b), F.minimum(high, high_b))
    union = _area(F, low, high) + _area(F, low_b, high_b) - shared
    some = F.greater(union, 0)
    return F.reshape(F.where(some, shared / F.where(some, union, 1), 0), shape=first + second)


def encode(
    F: Any, samples: Any, matches: Any, anchors: Any, refs: Any, means: Any, stds: Any,
) -> tuple[Any, Any]:
    """How the box in `refs` that matches each anchor differs from it, and where: centres in sizes of the
    anchor, sizes as logarithms of quotients, less `means`, over `stds`; 0 where the sample is not positive.
    """
    _four(anchors, "anchors")
    _four(refs, "refs")
    shape = tuple(anchors.shape[:2])
    if (len(anchors.shape), len(refs.shape)) != (3, 3) or refs.shape[0] != shape[0]:
        raise ValueError(f"anchors and refs have shapes (batch, boxes, 4), got {tuple(anchors.shape)} and "
                         f"{tuple(refs.shape)}")
    for name, v in (("samples", samples), ("matches", matches)):
        if tuple(v.shape) != shape:
            raise ValueError(f"{name} has shape {shape} here, got {tuple(v.shape)}")
    for name, v in (("means", means), ("stds", stds)):
        if tuple(v.shape) != (4,):
            raise ValueError(f"{name} has four numbers, got shape {tuple(v.shape)}")
    places = F.broadcast_to(F.expand_dims(matches, axis=2), shape=(*shape, 4))
    (centre, size), (at, mine) = (_centres(F, v, "corner") for v in (
        F.take_along_axis(refs, places, axis=1), anchors))
    positive = F.expand_dims(F.greater(samples, 0.5), axis=2)
    quotient = F.where(positive, size / mine, 1)
    codes = F.concatenate((centre - at) / mine, F.log(quotient), axis=-1)
    mask = F.broadcast_to(F.where(positive, F.ones_like(F.expand_dims(samples, axis=2)), 0),
                          shape=(*shape, 4))
    return F.where(positive, (codes - means) / stds, 0), mask


def decode(F: Any, x: Any, anchors: Any, stds: tuple[float, ...], clip: float, form: str) -> Any:
    """The corners of the boxes that the codes `x` (batch, boxes, 4) make of the anchors (1, boxes, 4)."""
    _four(x, "data")
    check_format(form)
    if len(x.shape) != 3 or tuple(anchors.shape) != (1, x.shape[1], 4):
        raise ValueError(f"data has shape (batch, boxes, 4) and anchors (1, boxes, 4), got {tuple(x.shape)} "
                         f"and {tuple(anchors.shape)}")
    moved, scaled = _halves(F, x)
    at, size = _centres(F, anchors, form)
    parts = []
    for i in (0, 1):
        here, mine, move, grow = (F.getitem(v, key=(Ellipsis, i)) for v in (at, size, moved, scaled))
        grow = grow * stds[2 + i]
        grow = F.exp(F.clip(grow, a_max=clip) if clip > 0 else grow) * mine * 0.5
        parts.append((move * stds[i] * mine + here, grow))
    return F.stack(*(centre - half for centre, half in parts), *(centre + half for centre, half in parts),
                   axis=-1)


# choices among boxes ----------------------------------------------------------------------------------------


_BLOCK, _VALUES = 64, 1 << 17       # boxes compared with all later ones at once; how many pairs that are


def _suppress(xp: Any, boxes: Any, ids: Any, keep: Any, overlap_thresh: float, step: int) -> None:
    """Take out of `keep`, in place, the boxes that overlap one that stays and stands before them."""
    n = boxes.shape[1]
    x1, y1, x2, y2 = (xp.moveaxis(boxes, -1, 0)[i] for i in range(4))
    area = xp.maximum(x2 - x1, 0) * xp.maximum(y2 - y1, 0)
    earlier = xp.arange(step)[:, None] < xp.arange(step)
    for start in range(0, n, step):
        end = min(start + step, n)
        these, all_after, count = slice(start, end), slice(start, n), end - start
        width, height = (
            xp.maximum(xp.minimum(high[:, these, None], high[:, None, all_after])
                       - xp.maximum(low[:, these, None], low[:, None, all_after]), 0)
            for low, high in ((x1, x2), (y1, y2)))
        shared = width * height
        gone = shared > overlap_thresh * (area[:, these, None] + area[:, None, all_after] - shared)
        if ids is not None:
            gone &= ids[:, these, None] == ids[:, None, all_after]
        # Within the block each choice depends on those before.  Round by round at least the next one is
        # final: mostly a few rounds settle all of them.
        inside = gone[:, :, :count] & earlier[:count, :count]
        candidates = stays = keep[:, these].copy()
        for _ in range(count):
            before, stays = stays, candidates & ~xp.any(inside & stays[:, :, None], axis=1)
            if on_host(stays) and (before == stays).all():
                break
        keep[:, these] = stays
        keep[:, end:] &= ~xp.any(gone[:, :, count:] & stays[:, :, None], axis=1)


def _nms_order(
    xp: Any, boxes: Any, scores: Any, ids: Any = None, *, overlap_thresh: float = 0.5,
    valid_thresh: float = 0.0, topk: int = -1, background_id: int = -1,
) -> Any:
    """Which boxes stay, the highest score first: int64 places in each row of `scores`, then -1.

    `boxes` are corners.  A box goes if it overlaps a better one that stays by more than `overlap_thresh`, if
    they have the same id, and if its score is not above `valid_thresh`, it is not among the `topk` best (all
    count if this is negative) or its id is `background_id` (none is if this is negative).
    """
    batch, n = scores.shape
    valid = scores > valid_thresh
    if ids is not None and background_id >= 0:
        valid = valid & (ids != background_id)
    order = xp.argsort(xp.where(valid, -scores, xp.inf), axis=1, kind="stable")
    best = n if topk < 0 else min(topk, n)
    keep = xp.take_along_axis(valid, order, 1) & (xp.arange(n) < best)
    boxes = xp.take_along_axis(boxes, order[:, :, None], 1)
    ids = None if ids is None else xp.take_along_axis(ids, order, 1)
    if on_host(keep) and keep.size:
        best = min(best, int(xp.max(xp.sum(keep, axis=1))))        # boxes that are not valid come last
    step = max(1, min(_BLOCK, _VALUES // max(1, best)))
    rows = max(1, _VALUES // max(1, step * best))
    for r in range(0, batch, rows):
        part = slice(r, r + rows)
        _suppress(xp, boxes[part, :best], None if ids is None else ids[part, :best], keep[part, :best],
                  overlap_thresh, step)
    order = xp.where(keep, order, -1)
    return xp.take_along_axis(order, xp.argsort(~keep, axis=1, kind="stable"), 1)


register("nms_order", _nms_order, None, None, None, keeps="", mixed=True)


def suppressed(
    F: Any, x: Any, overlap_thresh: float, valid_thresh: float, topk: int, coord_start: int,
    score_index: int, id_index: int, background_id: int, force_suppress: bool, in_format: str,
    out_format: str,
) -> Any:
    """Rows of `x` (..., boxes, numbers) that stay after non-maximum suppression, then rows of -1."""
    check_format(in_format, "in_format")
    check_format(out_format, "out_format")
    if len(x.shape) < 2:
        raise ValueError(f"data has an axis of boxes and one of their numbers, got shape {tuple(x.shape)}")
    n, width = x.shape[-2:]
    for name, i, count, least in (
        ("coord_start", coord_start, 4, 0), ("score_index", score_index, 1, 0), ("id_index", id_index, 1, -1),
    ):
        if not least <= i <= width - count:
            raise ValueError(f"{name} is from {least} to {width - count} for rows of {width}, got {i}")
    if topk == 0 or not product(x.shape):
        return F.copy(x)
    rows = F.reshape(x, shape=(product(x.shape[:-2]), n, width))
    end = coord_start + 4
    boxes = F.getitem(rows, key=(Ellipsis, slice(coord_start, end)))
    score = F.getitem(rows, key=(Ellipsis, score_index))
    ids = [F.getitem(rows, key=(Ellipsis, id_index))] if id_index >= 0 else []
    # Boxes of different ids do not suppress each other unless force_suppress: then the ids count only for the
    # background, whose score is made to fail.
    if ids and force_suppress:
        if background_id >= 0:
            score = F.where(F.equal(ids[0], background_id), float("-inf"), score)
        ids = []
    order = F.nms_order(converted(F, boxes, in_format, "corner"), score, *ids, overlap_thresh=overlap_thresh,
                        valid_thresh=valid_thresh, topk=topk, background_id=background_id)
    if in_format != out_format:
        parts = [F.getitem(rows, key=(Ellipsis, slice(0, coord_start))),
                 converted(F, boxes, in_format, out_format),
                 F.getitem(rows, key=(Ellipsis, slice(end, None)))]
        rows = F.concatenate(*parts, axis=-1)
    places = F.broadcast_to(F.expand_dims(order, axis=2), shape=rows.shape)
    taken = F.take_along_axis(rows, places, axis=1)
    return F.reshape(F.where(F.greater_equal(places, 0), taken, -1), shape=x.shape)


def _bipartite_matching(
    xp: Any, data: Any, *, is_ascend: bool = False, threshold: float, topk: int = -1,
) -> tuple[Any, Any]:
    """Rows and columns of scores (..., rows, columns) matched greedily, the highest score first.

    Gives for each row the column that matches it and for each column the row, -1 where none does, in the
    dtype of `data`.  A score below `threshold` is no match; with `is_ascend` the lowest score is first, and
    one above.  `topk`, if it is positive, is how many matches there are at most.
    """
    if data.ndim < 2:
        raise ValueError(f"data has rows and columns of scores, got shape {tuple(data.shape)}")
    n, m = data.shape[-2:]
    scores = (-data if is_ascend else data).reshape(product(data.shape[:-2]), n, m)
    scores = xp.where(scores >= (-threshold if is_ascend else threshold), scores, -xp.inf)
    rows = xp.full((scores.shape[0], n), -1, "int64")
    score = xp.full((scores.shape[0], n), -xp.inf, scores.dtype)
    # The best of a row that is the best of its column, too, is matched whatever comes first: one such pair at
    # least in each round, and mostly many.
    most = min(n, m) if topk <= 0 else min(n, m, topk)
    for _ in range(most if data.size else 0):
        column = xp.argmax(scores, axis=2)
        best = xp.take_along_axis(scores, column[:, :, None], 2)[:, :, 0]
        found = (xp.take_along_axis(xp.argmax(scores, axis=1), column, 1) == xp.arange(n)) & (best > -xp.inf)
        if on_host(found) and not found.any():
            break
        rows, score = xp.where(found, column, rows), xp.where(found, best, score)
        taken = xp.any(found[:, :, None] & (column[:, :, None] == xp.arange(m)), axis=1)
        scores = xp.where(found[:, :, None] | taken[:, None, :], -xp.inf, scores)
    if 0 < topk < n:
        rank = xp.argsort(xp.argsort(-score, axis=1, kind="stable"), axis=1)
        rows = xp.where(rank < topk, rows, -1)
    pairs = rows[:, :, None] == xp.arange(m)
    columns = xp.where(xp.any(pairs, axis=1), xp.argmax(pairs, axis=1), -1) if n else xp.full(
        (rows.shape[0], m), -1)
    batch = data.shape[:-2]
    return rows.astype(data.dtype).reshape(batch + (n,)), columns.astype(data.dtype).reshape(batch + (m,))


register("bipartite_matching", _bipartite_matching, keeps="", nd="contrib.bipartite_matching",
         npx="bipartite_matching",
         joint=lambda F, gs, ys, data, **p: (F.fill(gs[0], shape=data.shape, dtype=data.dtype, value=0),))
