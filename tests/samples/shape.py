"""Samples for mxgrad/ops/shape.py."""
from __future__ import annotations

from typing import Any

import numpy

from .base import Sample, ints, smooth


def joined(name: str) -> Any:
    """NumPy's function of that name, which takes the arrays as one argument."""
    return lambda *arrays, **params: getattr(numpy, name)(arrays, **params)


def pad(a: Any, pad_width: Any, mode: str = "constant", constant_value: float | None = None) -> Any:
    if mode == "constant":
        return numpy.pad(a, pad_width, mode=mode, constant_values=constant_value or 0)
    return numpy.pad(a, pad_width, mode=mode)


def unpad(g: Any, pad_width: Any, mode: str) -> Any:
    """Each element goes to the place that numpy.pad copied it from."""
    shape = tuple(n - b - e for n, (b, e) in zip(g.shape, pad_width))
    places = numpy.pad(numpy.arange(numpy.prod(shape)).reshape(shape), pad_width, mode=mode)
    return numpy.bincount(places.ravel(), g.ravel(), numpy.prod(shape)).reshape(shape)


def slice_axis(a: Any, axis: int, begin: int, end: int | None) -> Any:
    return numpy.take(a, range(a.shape[axis])[begin:end], axis=axis)


WIDTHS = ((1, 2), (0, 0), (2, 1))

SAMPLES: dict[str, list[Sample]] = {
    "reshape": [Sample(smooth(2, 6), shape=s) for s in ((3, 4), (-1,), (2, -1, 3), (1, 12))] + [
        Sample(smooth(2, 0), shape=(0, 3)), Sample(smooth(), shape=(1, 1)), Sample(smooth(1), shape=()),
        Sample(ints(6), shape=(2, 3)), Sample(smooth(6), shape=6)],
    "transpose": [Sample(smooth(2, 3)), Sample(smooth(2, 3, 4)), Sample(smooth(2, 3, 4), axes=(1, 2, 0)),
                  Sample(smooth(2, 3, 4), axes=(-1, 0, 1)), Sample(smooth(2, 0, 1)), Sample(smooth())],
    "swapaxes": [Sample(smooth(2, 3, 4), axis1=0, axis2=2), Sample(smooth(2, 3, 4), axis1=-1, axis2=1),
                 Sample(smooth(2, 0), axis1=0, axis2=1)],
    "moveaxis": [Sample(smooth(2, 3, 4), source=0, destination=-1),
                 Sample(smooth(2, 3, 4), source=(0, 2), destination=(1, 0)),
                 Sample(smooth(2, 0), source=0, destination=1)],
    "expand_dims": [Sample(smooth(2, 3), axis=0), Sample(smooth(2, 3), axis=-1),
                    Sample(smooth(2, 3), axis=(0, 2)),
                    Sample(smooth(0, 3), axis=1), Sample(smooth(), axis=0)],
    "squeeze": [Sample(smooth(1, 2, 1)), Sample(smooth(1, 2, 1), axis=0),
                Sample(smooth(1, 2, 1), axis=(0, -1)),
                Sample(smooth(1, 0)), Sample(smooth(1))],
    "broadcast_to": [Sample(smooth(3), shape=(2, 3)), Sample(smooth(2, 1), shape=(2, 3)),
                     Sample(smooth(), shape=(2,)),
                     Sample(smooth(1, 3), shape=(0, 3)), Sample(smooth(1, 1), shape=(4, 2, 3))],
    "flip": [Sample(smooth(2, 3)), Sample(smooth(2, 3), axis=0), Sample(smooth(2, 3, 2), axis=(0, -1)),
             Sample(smooth(0, 2), axis=0)],
    "roll": [Sample(smooth(2, 3), shift=1), Sample(smooth(2, 3), shift=-1, axis=1),
             Sample(smooth(2, 3), shift=(1, 4), axis=(0, 1)), Sample(smooth(2, 0), shift=1, axis=1)],
    "rot90": [Sample(smooth(2, 3), k=k) for k in (0, 1, 2, 3, -1)] + [Sample(smooth(2, 3, 2), axes=(1, 2)),
                                                                     Sample(smooth(2, 0))],
    "concatenate": [Sample(smooth(2, 3), smooth(1, 3), reference=joined("concatenate")),
                    Sample(smooth(2, 3), smooth(2, 1), smooth(2, 0), axis=-1,
                           reference=joined("concatenate")),
                    Sample(smooth(2, 3), smooth(2), axis=None, reference=joined("concatenate")),
                    Sample(smooth(3), reference=joined("concatenate"))],
    "stack": [Sample(smooth(2, 3), smooth(2, 3), axis=a, reference=joined("stack")) for a in (0, 1, -1)] + [
        Sample(smooth(2, 0), smooth(2, 0), axis=1, reference=joined("stack")),
        Sample(smooth(), reference=joined("stack"))],
    "slice_axis": [Sample(smooth(4, 3), axis=a, begin=b, end=e, reference=slice_axis)
                   for a, b, e in ((0, 1, 3), (1, 0, None), (-1, -2, -1), (0, -3, None), (0, 2, 2),
                                   (0, 0, 4))],
    "split": [Sample(smooth(4, 3), indices_or_sections=2),
              Sample(smooth(4, 3), indices_or_sections=3, axis=-1),
              Sample(smooth(5), indices_or_sections=(1, 3)), Sample(smooth(4, 2), indices_or_sections=(0, 3)),
              Sample(smooth(0, 2), indices_or_sections=1)],
    "tile": [Sample(smooth(2, 3), reps=2), Sample(smooth(2, 3), reps=(2, 1)),
             Sample(smooth(3), reps=(2, 1, 2)),
             Sample(smooth(2, 0), reps=(2, 2)), Sample(smooth(2), reps=(0,)), Sample(smooth(1), reps=3)],
    "repeat": [Sample(smooth(2, 3), repeats=2), Sample(smooth(2, 3), repeats=3, axis=-1),
               Sample(smooth(2, 0), repeats=2, axis=0), Sample(smooth(1, 2), repeats=0, axis=1)],
    "pad": [Sample(smooth(3, 2, 3), pad_width=WIDTHS, reference=pad),
            Sample(smooth(3, 2, 3), pad_width=WIDTHS, constant_value=1.5, reference=pad),
            Sample(smooth(2, 0), pad_width=((0, 0), (1, 1)), reference=pad),
            *(Sample(smooth(3, 2, 3), pad_width=WIDTHS, mode=m, reference=pad)
              for m in ("edge", "reflect", "symmetric")),
            *(Sample(smooth(2, 3), pad_width=((5, 0), (4, 7)), mode=m, reference=pad)
              for m in ("edge", "reflect", "symmetric")),
            *(Sample(smooth(1), pad_width=((2, 1),), mode=m, reference=pad)
              for m in ("edge", "reflect", "symmetric"))],
    "unpad": [*(Sample(smooth(6, 2, 6), pad_width=WIDTHS, mode=m, reference=unpad)
                for m in ("edge", "reflect", "symmetric")),
              *(Sample(smooth(2, 14), pad_width=((0, 0), (4, 7)), mode=m, reference=unpad)
                for m in ("edge", "reflect", "symmetric"))],
}
