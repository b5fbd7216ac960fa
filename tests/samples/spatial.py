"""Samples for mxgrad/ops/spatial.py; the references look at every bin of every region by itself."""
import numpy

from .base import Sample, ints, smooth
from .conv import adjoint


def ramp(like, n, start=0, step=1, dtype=None):
    return numpy.array([start + step * i for i in range(n)], dtype)


def bin_means(x, out):
    y = numpy.empty(x.shape[:2] + out)
    for i in range(out[0]):
        for j in range(out[1]):
            rows, columns = (
                slice(int(numpy.floor(k * n / m)), int(numpy.ceil((k + 1) * n / m)))
                for k, n, m in ((i, x.shape[2], out[0]), (j, x.shape[3], out[1])))
            y[:, :, i, j] = x[:, :, rows, columns].mean((2, 3))
    return y


def spread_bins(g, shape):
    return adjoint(lambda x: bin_means(x, g.shape[2:]), g.shape[:2] + shape, g)


def half_away(v):
    return int(numpy.floor(abs(v) + 0.5) * numpy.sign(v))


def roi_places(x, rois, pooled, scale, most):
    batch, channels, height, width = x.shape
    out = numpy.full((len(rois), channels, *pooled), -1, "int64")
    for r, (image, *corners) in enumerate(rois):
        left, top, right, bottom = (half_away(c * scale) for c in corners)
        size = max(bottom - top + 1, 1) / pooled[0], max(right - left + 1, 1) / pooled[1]
        for i in range(pooled[0]):
            for j in range(pooled[1]):
                for c in range(channels):
                    best = -numpy.inf
                    for h in range(max(top + int(i * size[0]), 0),
                                   min(top + int(numpy.ceil((i + 1) * size[0])), height)):
                        for w in range(max(left + int(j * size[1]), 0),
                                       min(left + int(numpy.ceil((j + 1) * size[1])), width)):
                            if 0 <= image < batch and x[int(image), c, h, w] > best:
                                best = x[int(image), c, h, w]
                                out[r, c, i, j] = numpy.ravel_multi_index((int(image), c, h, w), x.shape)
    return out


_rois = numpy.array([[0, 0, 0, 4, 4], [1, 1, 2, 7, 3], [1, -2, 0.5, 2.5, 9], [0, 3, 3, 2, 2],
                     [0, 7, 7, 9, 9], [-1, 0, 0, 3, 3], [2, 0, 0, 3, 3]])
_ties = ints(2, 1, 5, 6, high=2).astype("float64")
_ties[0, 0, 0, :3] = numpy.nan, -numpy.inf, numpy.nan
_BINS = (((4, 6), (2, 3)), ((5, 4), (3, 2)), ((2, 3), (4, 5)), ((3, 3), (1, 1)))

SAMPLES = {
    "ramp": [Sample(smooth(2, 3), n=4, dtype="int64", reference=ramp),
             Sample(smooth(1), n=3, start=-1.5, step=0.25, dtype="float32", reference=ramp),
             Sample(smooth(1), n=0, dtype="float64", reference=ramp)],
    "bin_means": [Sample(smooth(2, 2, *shape), out=out, reference=bin_means) for shape, out in _BINS],
    "spread_bins": [Sample(smooth(2, 2, *out), shape=shape, reference=spread_bins) for shape, out in _BINS],
    "roi_places": [
        Sample(smooth(2, 2, 5, 6), _rois, pooled=(2, 2), scale=1.0, most=(5, 6), reference=roi_places),
        Sample(smooth(2, 1, 4, 3), _rois, pooled=(3, 4), scale=0.5, most=(3, 2), reference=roi_places),
        Sample(_ties, _rois, pooled=(2, 1), scale=1.0, most=(5, 6), reference=roi_places),
        Sample(smooth(2, 1, 4, 3), _rois[:0], pooled=(3, 4), scale=0.5, most=(0, 0), reference=roi_places),
    ],
}
