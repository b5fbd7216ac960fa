"""Samples for mxgrad/ops/fft.py."""

import numpy

from .base import Sample, smooth


def parts(z):
    return z.real, z.imag


def dft(re, im=0.0, *, axes, inverse=False, scale=1.0):
    z = re + 1j * numpy.asarray(im)
    n = numpy.prod([z.shape[a] for a in axes])
    return parts(scale * (numpy.fft.ifftn(z, axes=axes) * n if inverse else numpy.fft.fftn(z, axes=axes)))


def weights(n, inner, ndim, axis):
    w = numpy.where(numpy.isin(numpy.arange(n // 2 + 1), [0, n / 2]), 1.0, inner)
    return w.reshape([-1 if i == axis % ndim else 1 for i in range(ndim)])


def rdft(x, axis=-1, scale=1.0, inner=1.0):
    return parts(scale * numpy.fft.rfft(x, axis=axis) * weights(x.shape[axis], inner, x.ndim, axis))


def irdft(re, im, n, axis=-1, scale=1.0, inner=1.0):
    z = (re + 1j * im) * weights(n, inner, re.ndim, axis)
    return scale * n * numpy.fft.irfft(z, n, axis)


SAMPLES = {
    "dft": [
        Sample(smooth(4), smooth(4), axes=(0,), reference=dft),
        Sample(smooth(2, 3), axes=(-1,), inverse=True, reference=dft),
        Sample(smooth(2, 3, 2), smooth(2, 3, 2), axes=(2, 0), scale=0.5, reference=dft),
        Sample(smooth(2, 3), smooth(2, 3), axes=(0, 1), inverse=True, reference=dft),
        Sample(smooth(1), smooth(1), axes=(0,), reference=dft),
        Sample(smooth(0, 3), smooth(0, 3), axes=(1,), reference=dft),
    ],
    "rdft": [
        Sample(smooth(6), reference=rdft),
        Sample(smooth(5), scale=0.5, reference=rdft),
        Sample(smooth(4, 3), axis=0, inner=2.0, reference=rdft),
        Sample(smooth(1), reference=rdft),
        Sample(smooth(2, 5), axis=1, inner=0.5, scale=3.0, reference=rdft),
        Sample(smooth(2), reference=rdft),
    ],
    "irdft": [
        Sample(smooth(4), smooth(4), n=6, reference=irdft),
        Sample(smooth(3), smooth(3), n=5, reference=irdft),
        Sample(smooth(3, 2), smooth(3, 2), n=4, axis=0, inner=2.0, scale=0.5, reference=irdft),
        Sample(smooth(1), smooth(1), n=1, reference=irdft),
        Sample(smooth(2, 3), smooth(2, 3), n=5, inner=0.5, reference=irdft),
    ],
}
