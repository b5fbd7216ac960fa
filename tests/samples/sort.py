"""Samples for mxgrad/ops/sort.py."""
import numpy

from .base import Sample, smooth

TIES = numpy.array([[1.0, 3.0, 3.0, 2.0, 3.0], [2.0, 2.0, 1.0, 1.0, 0.0]])


def sort(a, axis=-1, is_ascend=True):
    return numpy.sort(a, axis) if is_ascend else -numpy.sort(-a, axis)


def argsort(a, axis=-1, is_ascend=True):
    return numpy.argsort(a if is_ascend else -a, axis, kind="stable")


def first_places(a, k, axis=-1, is_ascend=True):
    return numpy.take(argsort(a, axis, is_ascend), numpy.arange(k), axis)


SAMPLES = {
    "sort": [
        Sample(smooth(3, 4), reference=sort), Sample(smooth(3, 4), axis=0, is_ascend=False, reference=sort),
        Sample(smooth(0, 3), axis=1, reference=sort),
        Sample(TIES, is_ascend=False, differentiate=False, reference=sort),
    ],
    "argsort": [
        Sample(smooth(3, 4), axis=0, reference=argsort), Sample(TIES, reference=argsort),
        Sample(TIES, is_ascend=False, reference=argsort, differentiate=False),
    ],
    "first_places": [
        Sample(smooth(3, 4), k=2, reference=first_places),
        Sample(smooth(3, 4), k=3, axis=0, reference=first_places),
        Sample(TIES, k=2, is_ascend=False, reference=first_places, differentiate=False),
        Sample(TIES, k=4, reference=first_places, differentiate=False),
        Sample(TIES, k=0, reference=first_places, differentiate=False),
    ],
    "argmax": [
        Sample(smooth(3, 4)), Sample(smooth(3, 4), axis=1), Sample(smooth(3, 4), axis=0, keepdims=True),
        Sample(smooth(2, 3), keepdims=True), Sample(TIES, axis=1, differentiate=False),
    ],
    "argmin": [
        Sample(smooth(3, 4)), Sample(smooth(3, 4), axis=-1, keepdims=True),
        Sample(TIES, axis=1, differentiate=False),
    ],
}
