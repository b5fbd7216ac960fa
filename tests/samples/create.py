"""Samples for mxgrad/ops/create.py."""
from __future__ import annotations

import numpy

from mxgrad import cpu

from .base import Sample, bools, ints, smooth

SAMPLES: dict[str, list[Sample]] = {
    "fill": [Sample(smooth(2), shape=(2, 3), dtype="float32", value=1.5, differentiate=False,
                    reference=lambda like, shape, dtype, value: numpy.full(shape, value, dtype))],
    "cast": [Sample(smooth(2, 3), dtype="float64", reference=lambda x, dtype: x),
             Sample(smooth(2, 3), dtype="int32", reference=lambda x, dtype: numpy.trunc(x),
                    differentiate=False),
             Sample(ints(4), dtype="float64", reference=lambda x, dtype: x + 0.0),
             Sample(bools(4), dtype="int8", reference=lambda x, dtype: numpy.where(x, 1, 0))],
    "copy": [Sample(smooth(2, 3)), Sample(smooth(2, 0)), Sample(ints(3)), Sample(smooth())],
    "stop_gradient": [Sample(smooth(2, 3), reference=lambda x: x, differentiate=False)],
    "with_gradient_of": [
        Sample(smooth(2, 3), smooth(2, 3), reference=lambda x, path: x, differentiate=False)],
    "on_backward": [
        Sample(smooth(2, 3), smooth(2), action=abs, reference=lambda x, noted, action: x)],
    "zeros_like": [Sample(smooth(2, 3)), Sample(ints(3)), Sample(smooth(2, 0)), Sample(smooth())],
    "ones_like": [Sample(smooth(2, 3)), Sample(ints(3)), Sample(smooth(2, 0)), Sample(smooth())],
    "transfer": [Sample(smooth(2, 3), source=cpu(0), target=cpu(1), devices=False,
                        reference=lambda x, source, target: x)],
}
