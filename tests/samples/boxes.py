"""Samples for mxgrad/ops/boxes.py; the references are the plain greedy algorithms."""
import numpy

from .base import Sample, ints, smooth


def overlap(a, b):
    sides = numpy.maximum(numpy.minimum(a[2:], b[2:]) - numpy.maximum(a[:2], b[:2]), 0)
    areas = [numpy.prod(numpy.maximum(x[2:] - x[:2], 0)) for x in (a, b)]
    return sides.prod() / (sum(areas) - sides.prod())


def nms_order(boxes, scores, ids=None, overlap_thresh=0.5, valid_thresh=0.0, topk=-1, background_id=-1):
    out = numpy.full(scores.shape, -1, "int64")
    for b, row in enumerate(scores):
        left = [i for i in sorted(range(len(row)), key=lambda i: -row[i]) if row[i] > valid_thresh and (
            ids is None or background_id < 0 or ids[b, i] != background_id)]
        stay = []
        for i in left if topk < 0 else left[:topk]:
            if not any(overlap(boxes[b, i], boxes[b, j]) > overlap_thresh and (
                    ids is None or ids[b, i] == ids[b, j]) for j in stay):
                stay.append(i)
        out[b, :len(stay)] = stay
    return out


def bipartite_matching(data, threshold, is_ascend=False, topk=-1):
    rows, columns = numpy.full(data.shape[:-1], -1.0), numpy.full(data.shape[:-2] + data.shape[-1:], -1.0)
    for b in numpy.ndindex(data.shape[:-2]):
        sign = -1 if is_ascend else 1
        places = sorted(numpy.ndindex(data.shape[-2:]), key=lambda p: -sign * data[b + p])
        count = 0
        for i, j in places:
            if sign * data[b + (i, j)] < sign * threshold or topk > 0 and count == topk:
                break
            if rows[b + (i,)] < 0 and columns[b + (j,)] < 0:
                rows[b + (i,)], columns[b + (j,)] = j, i
                count += 1
    return rows, columns


_low = smooth(2, 9, 2)
_boxes = numpy.concatenate([_low, _low + smooth(2, 9, 2, low=0.5, high=3.0)], -1)
_scores, _ids = smooth(2, 9), ints(2, 9, high=3)

SAMPLES = {
    "nms_order": [
        Sample(_boxes, _scores, overlap_thresh=0.2, reference=nms_order),
        Sample(_boxes, _scores, _ids, overlap_thresh=0.1, valid_thresh=-9.0, reference=nms_order),
        Sample(_boxes, _scores, _ids, overlap_thresh=0.1, background_id=1, topk=4, reference=nms_order),
        Sample(_boxes, _scores, valid_thresh=9.0, reference=nms_order),
        Sample(_boxes[:, :1], _scores[:, :1], valid_thresh=-9.0, reference=nms_order),
    ],
    "bipartite_matching": [
        Sample(smooth(3, 4), threshold=-9.0, reference=bipartite_matching),
        Sample(smooth(2, 2, 5, 3), threshold=0.3, reference=bipartite_matching),
        Sample(smooth(2, 3, 4), threshold=0.3, is_ascend=True, reference=bipartite_matching),
        Sample(smooth(2, 4, 4), threshold=-9.0, topk=2, reference=bipartite_matching),
        Sample(smooth(0, 4, 4), threshold=0.0, reference=bipartite_matching),
        Sample(smooth(2, 0, 4), threshold=0.0, reference=bipartite_matching),
    ],
}
