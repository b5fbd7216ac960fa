"""Functions that NumPy itself computes on the host: their arguments are copied there and their results back.

No gradient flows through them.  Those whose results vary with their arguments refuse arrays that are being
recorded, instead of losing a gradient silently; those that give places, counts and truths are piecewise
constant and do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..array import wrap
from ..backend import quietly
from ..base import AutogradError, completed
from ..ndarray import BaseArray
from ..tape import state
from .array import ndarray
from .functions import NP, place, signed_as

PIECEWISE_CONSTANT = (
    "argpartition array2string bitwise_count digitize einsum_path frexp histogram histogram_bin_edges "
    "histogram2d histogramdd intersect1d isin lexsort nanargmax nanargmin packbits save savetxt savez "
    "savez_compressed searchsorted setdiff1d setxor1d spacing trim_zeros union1d unpackbits"
)
VARYING = "i0 nextafter polydiv roots"


def arrays_in(value: Any) -> list[Any]:
    """The arrays of ours in nested tuples, lists and dicts."""
    if isinstance(value, BaseArray):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [a for v in value for a in arrays_in(v)] if isinstance(value, (list, tuple)) else []


def to_host(value: Any) -> Any:
    """`value` with every array of ours as a NumPy array."""
    if isinstance(value, BaseArray):
        return value.asnumpy()
    if isinstance(value, dict):
        return {k: to_host(v) for k, v in value.items()}
    return type(value)([to_host(v) for v in value]) if type(value) in (list, tuple) else value


def from_host(value: Any, like: Any, dtype: Any) -> Any:
    """`value` with every NumPy array as one of ours on the device of `like`; what NumPy computed in
    float64 for lack of a better reason comes back in `dtype`.
    """
    if isinstance(value, numpy.ndarray) and value.dtype.kind in "iubf":
        if value.dtype == numpy.float64 and dtype is not None:
            value = value.astype(dtype)
        return wrap(ndarray, like.backend.from_host(value), like)
    if isinstance(value, numpy.generic) and value.dtype.kind in "iubf":
        return value.item()
    if isinstance(value, (list, tuple)):
        out = [from_host(v, like, dtype) for v in value]
        return type(value)(out) if type(value) in (list, tuple) else type(value)(*out)
    return value


def on_host(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], varying: bool,
) -> Any:
    """`function` of NumPy called with host copies of the arrays; without any it is NumPy's own call."""
    given = arrays_in([args, kwargs])
    if not given:
        with quietly():
            return function(*args, **kwargs)
    if varying and state.recording and any(a._entry is not None for a in given):
        raise AutogradError(
            f"np.{name} is computed by NumPy on the host and has no gradient; call it under "
            "autograd.pause(), or on x.detach()."
        )
    floats = [a._raw.dtype for a in given if a._raw.dtype.kind == "f"]
    try:
        with quietly():
            out = function(*to_host(args), **to_host(kwargs))
    except Exception as error:
        raise completed(error, f"{name}: {error}") from error
    return from_host(out, place(given), max(floats, key=lambda d: d.itemsize) if floats else None)


def _make(name: str, varying: bool) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return on_host(name, getattr(numpy, name), args, kwargs, varying)

    function.__name__ = function.__qualname__ = name
    signed_as(function, getattr(numpy, name))
    function.__doc__ = f"`numpy.{name}`, computed on the host.  No gradient flows through it" + (
        "; arrays that are being recorded are refused."
        if varying
        else ": its results are piecewise constant."
    )
    return function


for _names, _varying in ((PIECEWISE_CONSTANT, False), (VARYING, True)):
    for _name in _names.split():
        if hasattr(numpy, _name):  # NumPy 2 dropped some of the names
            NP.adapter(_name, arrays=0)(_make(_name, _varying))
