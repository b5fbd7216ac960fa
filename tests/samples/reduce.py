"""Samples for mxgrad/ops/reduce.py."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from .base import Sample, bools, ints, smooth

NAN = numpy.nan


def axes(
    make: Callable[..., numpy.ndarray] = smooth, reference: Any = None, empty: bool = True, **params: Any,
) -> list[Sample]:
    """A reduction over all axes, one, several, none; keepdims; empty axes and axes of length 1."""
    samples = [
        Sample(make(2, 3), reference=reference, **params),
        Sample(make(2, 3, 2), axis=1, reference=reference, **params),
        Sample(make(2, 3, 2), axis=-1, keepdims=True, reference=reference, **params),
        Sample(make(2, 3, 2), axis=(0, 2), reference=reference, **params),
        Sample(make(2, 3, 2), axis=(-1, 0), keepdims=True, reference=reference, **params),
        Sample(make(2, 3), keepdims=True, reference=reference, **params),
        Sample(make(2, 3), axis=(), reference=reference, **params),
        Sample(make(2, 1, 3), axis=1, reference=reference, **params),
        Sample(make(2, 0), axis=0, reference=reference, **params),
        Sample(make(), reference=reference, **params),
    ]
    if empty:
        samples += [Sample(make(2, 0), axis=1, reference=reference, **params),
                    Sample(make(0, 3), reference=reference, **params)]
    return samples


def with_nan(*shape: int) -> numpy.ndarray:
    values = smooth(*shape)
    values.ravel()[::3] = NAN
    return values


def norm(ord: int) -> Any:
    """|x| summed, or the root of the sum of squares."""
    def reference(x: Any, axis: Any = None, keepdims: bool = False, **params: Any) -> Any:
        if ord == 1:
            return numpy.abs(x).sum(axis, keepdims=keepdims)
        return numpy.sqrt((x * x).sum(axis, keepdims=keepdims))
    return reference


def sum_to(x: Any, shape: Any) -> Any:
    """Column by column: each element of the result adds up what broadcasting would make of it."""
    out = numpy.zeros(shape)
    where = numpy.broadcast_to(numpy.arange(out.size).reshape(shape), x.shape)
    numpy.add.at(out.reshape(-1), where.ravel(), x.ravel())
    return out



def deviations() -> list[Sample]:
    return [
        Sample(smooth(2, 3)), Sample(smooth(2, 3, 2), axis=1), Sample(smooth(3, 2), axis=0, ddof=1),
        Sample(smooth(2, 3, 2), axis=(0, 2), keepdims=True), Sample(smooth(2, 1, 3), axis=0, keepdims=True),
        Sample(smooth(2, 0), axis=0), Sample(numpy.full((3, 2), 1.5), axis=0, differentiate=False),
    ]


ZEROS = numpy.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [1.5, -2.0, 0.5]])

SAMPLES: dict[str, list[Sample]] = {
    "sum": axes() + [Sample(ints(2, 3), axis=0), Sample(ints(2, 3, dtype="int64"))],
    "sum_to": [
        *(Sample(smooth(2, 3), shape=s, reference=sum_to)
          for s in ((3,), (2, 1), (1, 3), (1, 1), (), (2, 3))),
        Sample(smooth(4, 2, 3), shape=(2, 1), reference=sum_to),
        Sample(smooth(0, 3), shape=(1, 3), reference=sum_to),
        Sample(smooth(0, 3), shape=(3,), reference=sum_to),
        Sample(smooth(2, 0), shape=(2, 1), reference=sum_to)],
    "mean": axes(empty=False) + [Sample(smooth(0, 3), differentiate=False,
                                        reference=lambda a: numpy.array(NAN))],
    "max": axes(empty=False), "min": axes(empty=False),
    "prod": axes() + [Sample(ZEROS, axis=1), Sample(ZEROS, axis=0), Sample(ZEROS[:1])],
    "nansum": axes() + [Sample(with_nan(2, 3), differentiate=False),
                        Sample(with_nan(2, 4), axis=1, differentiate=False)],
    "nanprod": axes() + [Sample(with_nan(2, 3), differentiate=False),
                         Sample(with_nan(2, 4), axis=1, differentiate=False)],
    "norm": axes(reference=norm(2)) + axes(reference=norm(1), ord=1) + [
        Sample(numpy.zeros((2, 2)), reference=norm(2), differentiate=False)],
    "var": deviations(), "std": deviations(),
    "cumsum": [Sample(smooth(2, 3)), Sample(smooth(2, 3), axis=0), Sample(smooth(2, 3), axis=-1),
               Sample(smooth(5)),
               Sample(smooth(2, 0), axis=1), Sample(smooth(2, 1), axis=1),
               Sample(ints(4, dtype="int64"), dtype="float64")],
    "cumprod": [Sample(smooth(2, 3)), Sample(smooth(2, 3), axis=0), Sample(smooth(2, 3), axis=-1),
                Sample(smooth(5)),
                Sample(smooth(2, 0), axis=1), Sample(smooth(2, 1), axis=1), Sample(ZEROS, axis=1)],
    "all": axes(bools, differentiate=False) + [Sample(smooth(2, 3))],
    "any": axes(bools, differentiate=False) + [Sample(smooth(2, 3))],
}
