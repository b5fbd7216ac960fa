"""Samples for mxgrad/ops/contrib.py; the references loop, or multiply by the matrix of the transform."""
import numpy

from .base import Sample, ints, smooth
from .conv import adjoint


def places(shape, dilation, w, symmetric):
    """Every (position, head, step) of a window with the position it looks at."""
    for i in range(shape[1]):
        for h in range(shape[2]):
            for j, step in enumerate(range(-w, w + 1 if symmetric else 1)):
                there = i + step * int(dilation[h])
                if 0 <= there < shape[1]:
                    yield i, h, j, there


def steps(w, symmetric):
    return 2 * w + 1 if symmetric else w + 1


def window_scores(q, k, dilation, w, symmetric):
    out = numpy.zeros(q.shape[:3] + (steps(w, symmetric),))
    for i, h, j, there in places(q.shape, dilation, w, symmetric):
        out[:, i, h, j] = (q[:, i, h] * k[:, there, h]).sum(-1)
    return out


def window_sums(weights, v, dilation, w, symmetric):
    out = numpy.zeros(v.shape)
    for i, h, j, there in places(v.shape, dilation, w, symmetric):
        out[:, i, h] += weights[:, i, h, j, None] * v[:, there, h]
    return out


def window_spread(weights, x, dilation, w, symmetric):
    return adjoint(lambda v: window_sums(weights, v, dilation, w, symmetric), x.shape, x)


def fourier(x):
    n = x.shape[-1]
    angle = -2 * numpy.pi * numpy.outer(numpy.arange(n), numpy.arange(n)) / n
    return numpy.stack([x @ numpy.cos(angle), x @ numpy.sin(angle)], -1).reshape(x.shape[:-1] + (2 * n,))


def inverse_fourier(x):
    return adjoint(fourier, x.shape[:-1] + (x.shape[-1] // 2,), x)


def copied(data, label, **params):
    return data


SAMPLES = {name: [] for name in ("window_scores", "window_sums", "window_spread")}
for _w, _symmetric in ((0, True), (1, True), (1, False), (4, True)):
    _params = {"w": _w, "symmetric": _symmetric}
    _dilation, _weights = numpy.array([1, 2]), (2, 4, 2, steps(_w, _symmetric))
    SAMPLES["window_scores"].append(
        Sample(smooth(2, 4, 2, 3), smooth(2, 4, 2, 3), _dilation, reference=window_scores, **_params))
    SAMPLES["window_sums"].append(
        Sample(smooth(*_weights), smooth(2, 4, 2, 3), _dilation, reference=window_sums, **_params))
    SAMPLES["window_spread"].append(
        Sample(smooth(*_weights), smooth(2, 4, 2, 3), _dilation, reference=window_spread, **_params))

SAMPLES.update({
    "fourier": [Sample(smooth(*s), reference=fourier) for s in ((3, 4), (2, 5), (1,), (0, 3), (2, 1, 3))],
    "inverse_fourier": [
        Sample(smooth(*s), reference=inverse_fourier) for s in ((3, 4), (2, 10), (2,), (0, 6), (2, 1, 6))],
    # The gradient is that of the hinge loss, not of the value: tests/test_contrib.py looks at it.
    "svm_output": [Sample(smooth(3, 4), ints(3, high=4), margin=m, use_linear=linear,
                          regularization_coefficient=0.5, reference=copied, differentiate=False)
                   for m in (0.25, 1.3) for linear in (False, True)],
})
