"""NumPy's functions called with arrays of ours: `numpy.sin(x)`, `numpy.concatenate([x, x])`,
`numpy.linalg.norm(x)`.

They run the function of np of that name, so they record.  What np does not have runs on the host.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..base import InvalidTypeError, UnknownNameError
from ..ndarray import BaseArray
from .functions import NP, deliver
from .host import on_host

_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}


def _ours(function: Any) -> Any:
    """np's function for NumPy's, or None."""
    module = getattr(function, "__module__", None) or "numpy"
    name = function.__name__
    try:
        return NP.function("linalg." + name if module.startswith("numpy.linalg") else name)
    except UnknownNameError:
        return None


def _to_numpy(out: Any, result: Any) -> Any:
    """Write a result into NumPy arrays given as out=."""
    results = result if isinstance(result, tuple) else (result,)
    for o, r in zip(out, results):
        if o is None:
            continue
        if isinstance(o, numpy.ndarray):
            o[...] = r.asnumpy() if isinstance(r, BaseArray) else r
        else:
            deliver(o, r, "out")
    return out[0] if len(out) == 1 else out


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc of NumPy on arrays of ours, as its `__array_ufunc__` protocol asks for."""
    out = kwargs.pop("out", None)
    kwargs = {k: v for k, v in kwargs.items() if not (k == "where" and v is True)}
    if method == "reduce" and ufunc.__name__ in _REDUCTIONS:
        kwargs.setdefault("axis", 0)
        result = NP.function(_REDUCTIONS[ufunc.__name__])(*inputs, **kwargs)
    elif method == "__call__":
        dtype = kwargs.pop("dtype", None)
        for name in ("casting", "order", "subok"):
            kwargs.pop(name, None)
        if kwargs:
            raise InvalidTypeError(
                f"{ufunc.__name__}: {next(iter(kwargs))}= is not supported for arrays of mxgrad"
            )
        function = _ours(ufunc)
        if function is None:
            result = on_host(ufunc.__name__, ufunc, inputs, {}, True)
        else:
            result = function(*inputs)
        if dtype is not None:
            result = result.astype(dtype)
    else:
        raise InvalidTypeError(
            f"numpy.{ufunc.__name__}.{method} does not take arrays of mxgrad; use x.asnumpy()"
        )
    return result if out is None else _to_numpy(out, result)


def call_function(function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of NumPy on arrays of ours, as its `__array_function__` protocol asks for."""
    if not all(issubclass(t, (BaseArray, numpy.ndarray)) for t in types):
        return NotImplemented
    ours = _ours(function)
    if ours is None:
        return on_host(function.__name__, function, args, kwargs, True)
    out = kwargs.get("out")
    if isinstance(out, numpy.ndarray):
        return _to_numpy((out,), ours(*args, **{k: v for k, v in kwargs.items() if k != "out"}))
    return ours(*args, **kwargs)
