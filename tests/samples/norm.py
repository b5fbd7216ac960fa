"""Samples for mxgrad/ops/norm.py."""
import numpy

from .base import Sample, positive, smooth


def shaped(v, axis, ndim):
    return v.reshape([-1 if i == axis % ndim else 1 for i in range(ndim)])


def layer_norm(x, gamma, beta, axis=-1, eps=1e-5):
    mean, deviation = x.mean(axis, keepdims=True), numpy.sqrt(x.var(axis, keepdims=True) + eps)
    y = (x - mean) / deviation * shaped(gamma, axis, x.ndim) + shaped(beta, axis, x.ndim)
    return y, mean, deviation


def batch_norm(x, gamma, beta, mean=None, var=None, axis=1, eps=1e-3):
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    if mean is None:
        mean, var = x.mean(others), x.var(others)
    m, v, g, b = (shaped(a, axis, x.ndim) for a in (mean, var, gamma, beta))
    return (x - m) / numpy.sqrt(v + eps) * g + b, mean, var


SAMPLES = {
    "layer_norm": [
        Sample(smooth(2, 5), positive(5), smooth(5), reference=layer_norm),
        Sample(smooth(3, 4, 2), positive(4), smooth(4), axis=-2, eps=0.25, reference=layer_norm),
        Sample(smooth(4), smooth(4), smooth(4), axis=0, reference=layer_norm),
        Sample(smooth(0, 3), smooth(3), smooth(3), reference=layer_norm),
    ],
    "batch_norm": [
        Sample(smooth(4, 3), positive(3), smooth(3), reference=batch_norm),
        Sample(smooth(2, 3, 2, 2), smooth(3), smooth(3), eps=0.25, reference=batch_norm),
        Sample(smooth(2, 2, 3), positive(3), smooth(3), axis=-1, reference=batch_norm),
        Sample(smooth(1, 2, 20), positive(2), smooth(2), axis=1, reference=batch_norm),
        Sample(smooth(2, 3, 2), positive(3), smooth(3), smooth(3), positive(3), eps=1e-5,
               differentiate=(0, 1, 2), reference=batch_norm),
        Sample(smooth(2, 3, 20), positive(3), smooth(3), smooth(3), positive(3), differentiate=(0, 1, 2),
               reference=batch_norm),
        Sample(smooth(0, 3), positive(3), smooth(3), smooth(3), positive(3), differentiate=(0, 1, 2),
               reference=batch_norm),
    ],
}
