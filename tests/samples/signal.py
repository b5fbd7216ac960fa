"""Samples for mxgrad/ops/signal.py."""
import numpy

from .base import Sample, smooth


def convolve(a, v, mode="full"):
    return numpy.convolve(a, v, mode)


SAMPLES = {
    "convolve": [
        Sample(smooth(5), smooth(3), reference=convolve), Sample(smooth(2), smooth(4), reference=convolve),
        Sample(smooth(5), smooth(3), mode="valid", reference=convolve),
        Sample(smooth(3), smooth(3), mode="valid", reference=convolve),
        Sample(smooth(1), smooth(1), reference=convolve),
    ],
}
