"""Samples for mxgrad/ops/nn.py.

The gradients of output ops are theirs by definition, not derivatives: tests/test_nd_nn.py has them.
"""
import numpy

from .base import Sample, ints, smooth


def softmax(x, axis=-1):
    e = numpy.exp(x)
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    return numpy.log(softmax(x, axis))


def softmax_output(data, label, multi_output=False, **params):
    return softmax(data, 1 if multi_output else -1)


def elu(x, slope=1.0):
    return numpy.where(x > 0, x, slope * (numpy.exp(numpy.minimum(x, 0)) - 1))


def cross_entropy(data, label, axis=-1, keepdims=False):
    p = numpy.moveaxis(softmax(data, axis), axis, -1)
    hot = numpy.eye(p.shape[-1])[numpy.maximum(label.astype(int), 0).reshape(p.shape[:-1])]
    loss = -numpy.log((p * hot).sum(-1))
    return numpy.expand_dims(loss, axis) if keepdims else loss


def linear(x, weight, bias=0):
    return numpy.einsum("...k,nk->...n", x, weight) + bias


SAMPLES = {
    "linear": [
        Sample(smooth(2, 3), smooth(4, 3), smooth(4), reference=linear),
        Sample(smooth(2, 3), smooth(1, 3), reference=linear),
        Sample(smooth(2, 1, 3), smooth(4, 3), smooth(4), reference=linear),
        Sample(smooth(3), smooth(4, 3), smooth(4), reference=linear),
        Sample(smooth(0, 3), smooth(4, 3), smooth(4), reference=linear),
    ],
    "softmax": [
        Sample(smooth(2, 3), reference=softmax), Sample(smooth(2, 3, 2), axis=1, reference=softmax),
        Sample(smooth(3, 1), reference=softmax), Sample(smooth(0, 3), reference=softmax),
        Sample(numpy.array([0.0, 1e4, -1e4]), differentiate=False,
               reference=lambda x: numpy.array([0.0, 1.0, 0.0])),
    ],
    "log_softmax": [
        Sample(smooth(2, 3), reference=log_softmax), Sample(smooth(2, 3, 2), axis=0, reference=log_softmax),
        Sample(smooth(3, 1), reference=log_softmax), Sample(smooth(0, 3), reference=log_softmax),
        Sample(numpy.array([0.0, 1e4]), differentiate=False, reference=lambda x: numpy.array([-1e4, 0.0])),
    ],
    "softmax_output": [
        Sample(smooth(2, 3), ints(2, high=3), differentiate=False, reference=softmax_output),
        Sample(smooth(2, 3, 2), ints(2, 2, high=3), multi_output=True, differentiate=False,
               reference=softmax_output),
        Sample(smooth(2, 3), ints(2, high=3), use_ignore=True, ignore_label=1.0, normalization="valid",
               out_grad=True, differentiate=False, reference=softmax_output),
        Sample(smooth(2, 3, 2), ints(2, 3, high=2), preserve_shape=True, normalization="batch",
               differentiate=False, reference=softmax_output),
    ],
    "linear_regression_output": [
        Sample(smooth(2, 3), smooth(2, 3), differentiate=False, reference=lambda x, label: x),
    ],
    "logistic_regression_output": [
        Sample(smooth(2, 3), smooth(2, 3), differentiate=False,
               reference=lambda x, label: 1 / (1 + numpy.exp(-x))),
    ],
    "mae_regression_output": [Sample(smooth(2, 3), smooth(2, 3), differentiate=False,
                                     reference=lambda x, label: x)],
    "make_loss": [
        Sample(smooth(2, 3), differentiate=False, reference=lambda x: x),
        *(Sample(smooth(2, 3), normalization=n, differentiate=False, reference=lambda x, normalization: x)
          for n in ("valid", "batch")),
    ],
    "leaky_relu": [
        Sample(smooth(2, 3), reference=lambda x: numpy.where(x > 0, x, x / 4)),
        Sample(smooth(3), slope=0.1, reference=lambda x, slope: numpy.where(x > 0, x, x * slope)),
    ],
    "elu": [
        Sample(smooth(2, 3), reference=elu), Sample(smooth(3), slope=0.3, reference=elu),
        Sample(numpy.array([900.0, -900.0]), reference=elu),
    ],
    "cross_entropy": [
        Sample(smooth(2, 3), numpy.array([2, 0]), reference=cross_entropy),
        Sample(smooth(2, 3, 2), numpy.array([[[2.0, 0.0]], [[1.0, 2.0]]]), axis=1, keepdims=True,
               differentiate=(0,), reference=cross_entropy),
        Sample(smooth(2, 3, 2).transpose(2, 0, 1), numpy.array([[1, 0, 1], [1, 1, -3]]), axis=-2,
               reference=cross_entropy),
        Sample(smooth(0, 3), ints(0), reference=cross_entropy),
        Sample(numpy.array([[900.0, -900.0]]), numpy.array([7]),
               reference=lambda x, label: numpy.array([1800.0])),
    ],
}
