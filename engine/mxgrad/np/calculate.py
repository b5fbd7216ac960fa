"""Reductions with NumPy's signatures, statistics, and elementwise functions that are compositions."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy

from ..array import Array
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..invoke import F
from ..ndarray import BaseArray
from ..ops.index import Slot
from ..ops.reduce import count_of, kept_shape
from .array import default_float, ndarray, operand, promoted
from .fft import Complex
from .functions import NP, array_of, axes_of, deliver, on_numbers, one, place
from ..registry import OPS

Axis = Any


def alone(value: Any) -> bool:
    """Whether the value is a number of Python's or NumPy's."""
    return isinstance(value, (int, float, numpy.generic))


def given(*values: Any) -> bool:
    """Whether any of the values is an array, of ours or NumPy's."""
    return any(isinstance(v, (Array, numpy.ndarray)) for v in values)


# reductions ---------------------------------------------------------------------------------------------


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _reduction(op: str, names: str, doc: str, neutral: Any, combine: str, typed: bool) -> None:
    f = getattr(F, op)

    def reduce(a: Any, axis: Axis, dtype: Any, out: Any, keepdims: bool, initial: Any, where: Any) -> Any:
        if a.__class__ is not ndarray:
            if alone(a):
                return on_numbers(OPS[op], (a,), {"axis": axis, "keepdims": bool(keepdims)})
            a = array_of(a, op)
        if dtype is not None:
            a = a.astype(dtype, copy=False)
        if where is not None and where is not True:
            filler = initial if neutral is None else neutral
            if filler is None:
                raise InvalidValueError(
                    f"{op}: with where, initial is needed: the result where nothing is left"
                )
            a = NP.function("where")(where, a, filler)
        result = f(a, axis=tuple(axis) if axis.__class__ is list else axis, keepdims=bool(keepdims))
        if initial is not None:
            result = NP.function(combine)(result, initial)
        return result if out is None else deliver(out, result, op)

    def with_dtype(
        a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
        initial: Any = None, where: Any = None,
    ) -> Any:
        return reduce(a, axis, dtype, out, keepdims, initial, where)

    def without(
        a: Any, axis: Axis = None, out: Any = None, keepdims: bool = False, initial: Any = None,
        where: Any = None,
    ) -> Any:
        return reduce(a, axis, None, out, keepdims, initial, where)

    function: Any = with_dtype if typed else without
    function.__name__ = function.__qualname__ = op
    function.__doc__ = (
        f"{doc} over `axis`: None for all axes, a number or a tuple of numbers."
        + ("  With `dtype` the elements are cast first." if typed else "")
        + "\n\n`initial` takes part in every result; elements where `where` is false do not."
    )
    NP.adapter(names)(function)


for _op, _names, _doc, _neutral, _combine, _typed in (
    ("sum", "sum", "Sum", 0, "add", True),
    ("prod", "prod product", "Product", 1, "multiply", True),
    ("nansum", "nansum", "Sum, nan counting as 0,", 0, "add", True),
    ("nanprod", "nanprod", "Product, nan counting as 1,", 1, "multiply", True),
    ("max", "max amax", "Maximum", None, "maximum", False),
    ("min", "min amin", "Minimum", None, "minimum", False),
    ("all", "all alltrue", "Whether all elements are true,", True, "logical_and", False),
    ("any", "any sometrue", "Whether any element is true,", False, "logical_or", False),
):
    _reduction(_op, _names, _doc, _neutral, _combine, _typed)


@NP.adapter("mean")
def mean(a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Mean over `axis`; integers are averaged in float32.  With `dtype` the elements are cast first."""
    if a.__class__ is not ndarray:
        if alone(a):
            return on_numbers(OPS["mean"], (a,), {"axis": axis, "keepdims": bool(keepdims)})
        a = array_of(a, "mean")
    if dtype is not None:
        a = a.astype(dtype, copy=False)
    return deliver(out, F.mean(a, axis=_axis(axis), keepdims=bool(keepdims)), "mean")


def _spread(op: str, names: str, doc: str) -> None:
    def function(
        a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, ddof: float = 0,
        keepdims: bool = False, *, correction: float | None = None,
    ) -> Any:
        ddof = ddof if correction is None else correction
        params = {"axis": _axis(axis), "ddof": ddof, "keepdims": bool(keepdims)}
        if alone(a):
            return on_numbers(OPS[op], (a,), params)
        a = array_of(a, op)
        if dtype is not None:
            a = a.astype(dtype, copy=False)
        return deliver(out, getattr(F, op)(a, **params), op)

    function.__name__ = function.__qualname__ = names
    function.__doc__ = (
        f"{doc} over `axis`: squared deviations from the mean, divided by N - `ddof`.\n\n"
        "`correction` is another name of `ddof`."
    )
    NP.adapter(names)(function)


_spread("var", "var", "Variance")
_spread("std", "std", "Standard deviation")


@NP.adapter("average")
def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, out: Any = None, *,
    keepdims: bool = False,
) -> Any:
    """Mean over `axis`, each element counting as its weight; with `returned` also the sum of weights."""
    a = array_of(a, "average")
    axis = _axis(axis)
    if weights is None:
        result = F.mean(a, axis=axis, keepdims=keepdims)
        total = F.fill(result, shape=result.shape, dtype=result.dtype, value=count_of(a.shape, axis))
    else:
        weights = array_of(weights, "average", a._ctx)
        if weights.shape != a.shape:
            if weights.ndim != 1 or not isinstance(axis, Integral) or weights.shape[0] != a.shape[axis]:
                raise InvalidValueError(
                    f"average: weights of shape {weights.shape} for an array of shape {a.shape} and axis "
                    f"{axis}: they have the array's shape, or one axis as long as the one averaged over"
                )
            weights = F.reshape(
                weights, shape=tuple(n if i == axis % a.ndim else 1 for i, n in enumerate(a.shape))
            )
        result = F.sum(a * weights, axis=axis, keepdims=keepdims) / F.sum(
            weights, axis=axis, keepdims=keepdims
        )
        total = F.sum(F.broadcast_to(weights, shape=a.shape), axis=axis, keepdims=keepdims)
    result = deliver(out, result, "average")
    return [result, total] if returned else result


@NP.adapter("ptp")
def ptp(a: Any, axis: Axis = None, out: Any = None, keepdims: bool = False) -> Any:
    """Maximum minus minimum over `axis`."""
    a = array_of(a, "ptp")
    params = {"axis": _axis(axis), "keepdims": keepdims}
    return deliver(out, F.max(a, **params) - F.min(a, **params), "ptp")


# order statistics ---------------------------------------------------------------------------------------

_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")


def _quantile(a: Any, q: Any, axis: Axis, method: str, keepdims: bool) -> Any:
    """The q-quantiles over `axis`, those of q's axes first.  Sorted elements are picked and mixed, so that
    the gradient goes to the elements picked.
    """
    if method not in _METHODS:
        raise InvalidValueError(f"quantile: interpolation is one of {', '.join(_METHODS)}, not {method!r}")
    host = _fractions(q)
    if a.dtype.kind != "f":
        a = F.cast(a, dtype=default_float())
    axes = axes_of(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    n = count_of(a.shape, axis)
    if n == 0:
        raise InvalidValueError("quantile of no elements")
    flat = F.reshape(F.transpose(a, axes=rest + axes), shape=tuple(a.shape[i] for i in rest) + (n,))
    ordered = NP.function("sort")(flat, axis=-1)
    hole = F.any(F.isnan(flat), axis=-1)
    results = []
    for p in host.reshape(-1).tolist():
        at = p * (n - 1)
        low = min(int(at), n - 1)
        high = min(low + 1, n - 1)
        share = {
            "linear": at - low,
            "lower": 0.0,
            "higher": float(at > low),
            "midpoint": 0.5 * (at > low),
            "nearest": float(round(at) - low),
        }[method]
        first, second = ordered[..., low], ordered[..., high]
        value = first if share == 0 else second if share == 1 else first + (second - first) * share
        results.append(F.where(hole, float("nan"), value))
    shape = kept_shape(a.shape, axis) if keepdims else tuple(a.shape[i] for i in rest)
    if host.ndim == 0:
        return F.reshape(results[0], shape=shape)
    return F.reshape(F.stack(*results, axis=0), shape=host.shape + shape)


def _nan_quantile(a: Any, q: Any, axis: Axis, keepdims: bool) -> Any:
    """The q-quantiles over `axis` of the elements that are not nan, nan where there is none."""
    host = _fractions(q)
    a = _floats(a, None, "nanquantile")
    axes = axes_of(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    flat = F.reshape(
        F.transpose(a, axes=rest + axes), shape=tuple(a.shape[i] for i in rest) + (count_of(a.shape, axis),)
    )
    if not flat.shape[-1]:
        raise InvalidValueError("quantile of no elements")
    # Sorted, nan comes last; its gradient would be nan times 0, so it is filled where it is not picked.
    hole = F.isnan(flat)
    ordered = NP.function("sort")(F.where(hole, float("inf"), flat), axis=-1)
    last = F.sum(F.cast(F.logical_not(hole), dtype=numpy.int64), axis=-1, keepdims=True) - 1
    results = []
    for p in host.reshape(-1).tolist():
        at = F.cast(F.maximum(last, F.zeros_like(last)), dtype=a.dtype) * p
        low = F.floor(at)
        first, second = (
            F.take_along_axis(ordered, F.cast(i, dtype=numpy.int64), axis=-1) for i in (low, F.ceil(at))
        )
        value = F.where(F.equal(at, low), first, first + (second - first) * (at - low))
        results.append(F.where(F.less(last, F.zeros_like(last)), float("nan"), value))
    shape = kept_shape(a.shape, axis) if keepdims else tuple(a.shape[i] for i in rest)
    return F.reshape(F.stack(*results, axis=0), shape=host.shape + shape)


def _fractions(q: Any, whole: int = 1) -> numpy.ndarray:
    """Fractions on the host, given as parts of `whole`."""
    host: numpy.ndarray = numpy.asarray(q.asnumpy() if isinstance(q, BaseArray) else q, numpy.float64) / whole
    if host.size and not (0 <= host.min() and host.max() <= 1):
        raise InvalidValueError("Quantiles must be in the range [0, 1] (percentiles in [0, 100])")
    return host


@NP.adapter("nanquantile")
def nanquantile(
    a: Any, q: Any, axis: Axis = None, out: Any = None, overwrite_input: bool | None = None,
    keepdims: bool = False,
) -> Any:
    """`quantile` of the elements that are not nan, linear between two of them."""
    return deliver(
        out, _nan_quantile(array_of(a, "nanquantile"), q, _axis(axis), keepdims), "nanquantile")


@NP.adapter("nanpercentile")
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, out: Any = None, overwrite_input: bool | None = None,
    keepdims: bool = False,
) -> Any:
    """`nanquantile` with `q` in percent."""
    return nanquantile(a, _fractions(q, 100), axis, out, keepdims=keepdims)


@NP.adapter("nanmedian")
def nanmedian(
    a: Any, axis: Axis = None, out: Any = None, overwrite_input: bool | None = None, keepdims: bool = False,
) -> Any:
    """`median` of the elements that are not nan."""
    return nanquantile(a, 0.5, axis, out, keepdims=keepdims)


@NP.adapter("quantile")
def quantile(
    a: Any, q: Any, axis: Axis = None, out: Any = None, overwrite_input: bool | None = None,
    interpolation: str = "linear", keepdims: bool = False, *, method: str | None = None,
) -> Any:
    """The values below which the fractions `q` of the elements along `axis` lie; axes of `q` come first.

    Between two elements `interpolation` (also called `method`) decides: linear, lower, higher, nearest,
    midpoint.  The gradient goes to the elements chosen; none flows to `q`.
    """
    result = _quantile(array_of(a, "quantile"), q, _axis(axis), method or interpolation, keepdims)
    return deliver(out, result, "quantile")


@NP.adapter("percentile")
def percentile(
    a: Any, q: Any, axis: Axis = None, out: Any = None, overwrite_input: bool | None = None,
    interpolation: str = "linear", keepdims: bool = False, *, method: str | None = None,
) -> Any:
    """`quantile` with `q` in percent."""
    return quantile(a, _fractions(q, 100), axis, out, None, method or interpolation, keepdims)


@NP.adapter("median")
def median(
    a: Any, axis: Axis = None, out: Any = None, overwrite_input: bool | None = None, keepdims: bool = False,
) -> Any:
    """The middle element along `axis`, or the mean of the middle two."""
    return deliver(out, _quantile(array_of(a, "median"), 0.5, _axis(axis), "linear", keepdims), "median")


# reductions past nan ------------------------------------------------------------------------------------


def _nan_extreme(name: str, worst: float) -> None:
    def function(a: Any, axis: Axis = None, out: Any = None, keepdims: bool = False) -> Any:
        a = array_of(a, f"nan{name}")
        params = {"axis": _axis(axis), "keepdims": keepdims}
        hole = F.isnan(a)
        result = F.where(
            F.all(hole, **params), float("nan"), getattr(F, name)(F.where(hole, worst, a), **params)
        )
        return deliver(out, F.cast(result, dtype=a.dtype) if a.dtype.kind != "f" else result, f"nan{name}")

    function.__name__ = function.__qualname__ = f"nan{name}"
    function.__doc__ = (
        f"{name.capitalize()}imum over `axis` of the elements that are not nan; nan where there is none."
    )
    NP.adapter(f"nan{name}")(function)


_nan_extreme("max", float("-inf"))
_nan_extreme("min", float("inf"))


def _nan_count(a: Any, params: dict[str, Any]) -> Any:
    return F.sum(F.cast(F.logical_not(F.isnan(a)), dtype=a.dtype), **params)


def _nan_var(a: Any, axis: Axis, ddof: float, keepdims: bool) -> Any:
    kept = {"axis": axis, "keepdims": True}
    # The holes are filled before the square: behind it their gradient would be 0 times nan.
    centred = F.where(F.isnan(a), 0, a - F.nansum(a, **kept) / _nan_count(a, kept))
    params = {"axis": axis, "keepdims": keepdims}
    return F.sum(centred * centred, **params) / (_nan_count(a, params) - ddof)


def _floats(a: Any, dtype: Any, what: str) -> Any:
    a = array_of(a, what)
    if dtype is not None:
        return a.astype(dtype, copy=False)
    return a if a.dtype.kind == "f" else F.cast(a, dtype=default_float())


@NP.adapter("nanmean")
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Mean over `axis` of the elements that are not nan."""
    a = _floats(a, dtype, "nanmean")
    params = {"axis": _axis(axis), "keepdims": keepdims}
    return deliver(out, F.nansum(a, **params) / _nan_count(a, params), "nanmean")


@NP.adapter("nanvar")
def nanvar(
    a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False,
) -> Any:
    """Variance over `axis` of the elements that are not nan."""
    return deliver(out, _nan_var(_floats(a, dtype, "nanvar"), _axis(axis), ddof, keepdims), "nanvar")


@NP.adapter("nanstd")
def nanstd(
    a: Any, axis: Axis = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: bool = False,
) -> Any:
    """Standard deviation over `axis` of the elements that are not nan; the gradient at a constant is 0."""
    var = _nan_var(_floats(a, dtype, "nanstd"), _axis(axis), ddof, keepdims)
    flat = var == 0
    return deliver(out, F.where(flat, 0, F.sqrt(F.where(flat, 1, var))), "nanstd")


# running sums and differences ---------------------------------------------------------------------------


def _running(op: str, a: Any, axis: int | None, dtype: Any, out: Any) -> Any:
    a = array_of(a, op)
    if dtype is None and a.dtype.kind == "b":
        dtype = "int64"
    if dtype is not None:
        a = a.astype(dtype, copy=False)
    return deliver(out, getattr(F, op)(a, axis=axis), op)


@NP.adapter("cumsum")
def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sum along `axis`, or over the flattened array; bools are counted in int64."""
    return _running("cumsum", a, axis, dtype, out)


@NP.adapter("nancumsum")
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sum along `axis`, nan counting as 0."""
    a = array_of(a, "nancumsum")
    return cumsum(F.where(F.isnan(a), 0, a) if a.dtype.kind == "f" else a, axis, dtype, out)


@NP.adapter("cumprod")
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """Running product along `axis`, or over the flattened array."""
    return _running("cumprod", a, axis, dtype, out)


@NP.adapter("nancumprod")
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    """Running product along `axis`, nan counting as 1."""
    a = array_of(a, "nancumprod")
    return cumprod(F.where(F.isnan(a), 1, a) if a.dtype.kind == "f" else a, axis, dtype, out)


@NP.adapter("diff")
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along `axis`, taken `n` times."""
    a = array_of(a, "diff")
    if n < 0:
        raise InvalidValueError(f"diff: n must not be negative, got {n}")
    (axis,) = axes_of(axis, a.ndim)
    pieces = [e if e is None or e is a else _end(e, a, axis) for e in (prepend, a, append)]
    if prepend is not None or append is not None:
        a = F.concatenate(*(p for p in pieces if p is not None), axis=axis)
    lead = (slice(None),) * axis
    for _ in range(n):
        later, earlier = a[lead + (slice(1, None),)], a[lead + (slice(None, -1),)]
        a = F.not_equal(later, earlier) if a.dtype.kind == "b" else later - earlier
    return a


def _end(value: Any, a: Any, axis: int) -> Any:
    value = array_of(value, "diff", a._ctx)
    if value.ndim == 0:
        value = F.broadcast_to(value, shape=tuple(1 if i == axis else m for i, m in enumerate(a.shape)))
    return value


@NP.adapter("ediff1d")
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours in the flattened array, with numbers or arrays put before and after."""
    ary = F.reshape(array_of(ary, "ediff1d"), shape=(-1,))
    pieces = [to_begin, ary[1:] - ary[:-1], to_end]
    return F.concatenate(
        *(F.reshape(array_of(p, "ediff1d", ary._ctx), shape=(-1,)) for p in pieces if p is not None), axis=0
    )


@NP.adapter("trapz trapezoid")
def trapz(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """The integral of `y` along `axis` by the trapezoidal rule, at the points `x` or `dx` apart."""
    y = array_of(y, "trapz")
    (axis,) = axes_of(axis, y.ndim)
    lead = (slice(None),) * axis
    step: Any = dx
    if x is not None:
        x = array_of(x, "trapz", y._ctx)
        step = diff(x, axis=axis if x.ndim == y.ndim else -1)
        if x.ndim == 1:
            step = F.reshape(step, shape=tuple(-1 if i == axis else 1 for i in range(y.ndim)))
    return F.sum((y[lead + (slice(1, None),)] + y[lead + (slice(None, -1),)]) * step * 0.5, axis=axis)


# elementwise --------------------------------------------------------------------------------------------


def _alone(numpys: Callable[..., Any], *values: Any) -> Any:
    """NumPy's function on numbers alone, giving Python numbers."""
    out = numpys(*values)
    if isinstance(out, tuple):
        return tuple(o.item() for o in out)
    return out.item() if hasattr(out, "item") else out


def _pair(x1: Any, x2: Any, what: str) -> tuple[Any, Any]:
    """Two operands as arrays of one dtype."""
    ctx = place((x1, x2))
    a, b = (array_of(v, what, ctx) if given(v) else operand(v, ctx, what) for v in (x1, x2))
    like = a if isinstance(a, ndarray) else b
    numbers = [v for v in (a, b) if not isinstance(v, ndarray)]
    dtype = promoted(OPS["add"], [v.dtype for v in (a, b) if isinstance(v, ndarray)], numbers)
    first, second = (
        v.astype(dtype, copy=False) if given(v) else F.fill(like, shape=(), dtype=dtype, value=v)
        for v in (a, b)
    )
    return first, second


@NP.adapter("where", arrays=3)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """`x` where the condition is true, `y` elsewhere; with the condition alone, the places where it is true.

    Where `x` and `y` are both numbers the result is float32.
    """
    if x is None and y is None:
        return NP.function("nonzero")(condition)
    if x is None or y is None:
        raise InvalidValueError("where: give both x and y, or neither")
    if not given(condition, x, y):
        return x if condition else y
    ctx = place((condition, x, y))
    condition = array_of(condition, "where", ctx)
    if not given(x, y):
        x, y = (F.fill(condition, shape=(), dtype=default_float(), value=v) for v in (x, y))
    else:
        x, y = _pair(x, y, "where")
    return F.where(condition, x, y)


@NP.adapter("clip")
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    """Values below `a_min` become `a_min`, above `a_max` become `a_max`; the bounds are numbers, arrays or
    None.

    The gradient passes at the bounds.
    """
    a_min, a_max = a_min if min is None else min, a_max if max is None else max
    if not given(a_min, a_max):
        return one("clip", (a,), {"a_min": a_min, "a_max": a_max}, out)
    result = array_of(a, "clip", place((a, a_min, a_max)))
    if a_min is not None:
        result = NP.function("maximum")(result, a_min)
    if a_max is not None:
        result = NP.function("minimum")(result, a_max)
    return deliver(out, result, "clip")


@NP.adapter("nan_to_num")
def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None,
    out: Any = None,
) -> Any:
    """nan becomes `nan`; the infinities become `posinf` and `neginf`, by default the dtype's largest and
    smallest.

    With ``copy=False`` the array itself is changed.
    """
    if alone(x):
        return _alone(numpy.nan_to_num, x)
    x = array_of(x, "nan_to_num")
    result = x
    if x.dtype.kind == "f":
        for value in (nan, posinf, neginf):
            if value is not None and not alone(value):
                array_of(value, "nan_to_num", x._ctx)
        largest = numpy.finfo(x.dtype)
        result = F.where(F.isnan(x), nan, x)
        result = F.where(F.isposinf(x), float(largest.max) if posinf is None else posinf, result)
        result = F.where(F.isneginf(x), float(largest.min) if neginf is None else neginf, result)
    if out is None and not copy:
        out = x
    return deliver(out, F.copy(x) if result is x else result, "nan_to_num")


@NP.adapter("divmod", arrays=2)
def divmod(x1: Any, x2: Any, out: Any = None) -> Any:
    """(floor_divide, remainder)."""
    return deliver(out, (NP.function("floor_divide")(x1, x2), NP.function("remainder")(x1, x2)), "divmod")


@NP.adapter("modf")
def modf(x: Any, out: Any = None) -> Any:
    """The fractional and the whole part, both with the sign of `x`."""
    if alone(x):
        return _alone(numpy.modf, x)
    x = _floats(x, None, "modf")
    whole = F.trunc(x)
    return deliver(out, (x - whole, whole), "modf")


@NP.adapter("heaviside", arrays=2)
def heaviside(x1: Any, x2: Any, out: Any = None) -> Any:
    """0 where x1 < 0, 1 where x1 > 0, x2 where x1 is 0."""
    if alone(x1) and alone(x2):
        return _alone(numpy.heaviside, x1, x2)
    a, b = _pair(x1, x2, "heaviside")
    result = F.where(F.equal(a, 0), b, F.cast(F.greater(a, 0), dtype=a.dtype))
    return deliver(out, F.where(F.isnan(a), a, result) if a.dtype.kind == "f" else result, "heaviside")


@NP.adapter("real")
def real(val: Any) -> Any:
    """The real part: of arrays the array itself."""
    return val.real if isinstance(val, Complex) else array_of(val, "real")


@NP.adapter("imag")
def imag(val: Any) -> Any:
    """The imaginary part: of arrays zeros."""
    return val.imag if isinstance(val, Complex) else F.zeros_like(array_of(val, "imag"))


@NP.adapter("conj conjugate")
def conj(x: Any) -> Any:
    """The complex conjugate: of arrays a copy."""
    return x.conj() if isinstance(x, Complex) else F.copy(array_of(x, "conj"))


@NP.adapter("angle")
def angle(z: Any, deg: bool = False) -> Any:
    """The angle in radians, or degrees: of numbers that are not negative 0, of negative ones pi, with the
    gradient 0.
    """
    if isinstance(z, Complex):
        found = z.angle()
    else:
        z = _floats(z, None, "angle")
        found = F.where(F.isnan(z), z, F.where(F.less(z, 0), numpy.pi, F.zeros_like(z)))
    return found * (180 / numpy.pi) if deg else found


@NP.adapter("unwrap")
def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * numpy.pi) -> Any:
    """Multiples of `period` added along `axis` so that neighbours differ by half a period at most."""
    p = _floats(p, None, "unwrap")
    (axis,) = axes_of(axis, p.ndim)
    lead = (slice(None),) * axis
    step = diff(p, axis=axis)
    half = period / 2
    wrapped = F.remainder(step + half, F.fill(step, shape=(), dtype=step.dtype, value=period)) - half
    wrapped = F.where(F.logical_and(F.equal(wrapped, -half), F.greater(step, 0)), half, wrapped)
    shift = F.where(F.less(F.abs(step), max(half, discont or half)), 0, wrapped - step)
    return F.concatenate(
        p[lead + (slice(0, 1),)], p[lead + (slice(1, None),)] + F.cumsum(shift, axis=axis), axis=axis
    )


@NP.adapter("interp", arrays=3)
def interp(
    x: Any, xp: Any, fp: Any, left: float | None = None, right: float | None = None,
    period: float | None = None,
) -> Any:
    """The piecewise linear function through the points (xp, fp), xp increasing, at `x`.

    Outside it is `left` (default ``fp[0]``) and `right` (``fp[-1]``), or repeated with `period`.
    Differentiable in `x`, `xp` and `fp`; at a point the slope is that of the piece to the right.
    """
    ctx = place((x, xp, fp))
    x, xp, fp = (_floats(array_of(v, "interp", ctx), None, "interp") for v in (x, xp, fp))
    if xp.ndim != 1 or fp.shape != xp.shape or not xp.size:
        raise InvalidValueError(
            f"interp: xp and fp are one axis of points, got shapes {xp.shape} and {fp.shape}"
        )
    if period is not None:
        turn = F.fill(x, shape=(), dtype=x.dtype, value=abs(period))
        x, xp = F.remainder(x, turn), F.remainder(xp, turn)
        order = NP.function("argsort")(xp)
        xp, fp = xp[order], fp[order]
        xp = F.concatenate(xp[-1:] - abs(period), xp, xp[:1] + abs(period), axis=0)
        fp = F.concatenate(fp[-1:], fp, fp[:1], axis=0)
    n = xp.size
    if n == 1:
        inside = F.broadcast_to(fp[0], shape=x.shape)
    else:
        # How many points are at or below x: the piece to the right of each.
        reached = F.greater_equal(F.expand_dims(x, axis=-1), xp)
        piece = F.clip(F.sum(F.cast(reached, dtype=numpy.int64), axis=-1) - 1, a_min=0, a_max=n - 2)
        x0, y0 = xp[piece], fp[piece]
        inside = y0 + (x - x0) * ((fp[piece + 1] - y0) / (xp[piece + 1] - x0))
    if period is None:
        inside = F.where(F.less(x, xp[0]), fp[0] if left is None else left, inside)
        inside = F.where(F.greater(x, xp[-1]), fp[-1] if right is None else right, inside)
    return inside


@NP.adapter("vander")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The matrix of powers of `x`, column by column, falling unless `increasing`."""
    x = array_of(x, "vander")
    if x.ndim != 1:
        raise InvalidValueError(f"vander: x must have one axis, got shape {x.shape}")
    n = x.size if N is None else N
    if n < 1:
        return F.fill(x, shape=(x.size, 0), dtype=x.dtype, value=0)
    column = F.reshape(x, shape=(x.size, 1))
    factors = F.concatenate(F.ones_like(column), F.broadcast_to(column, shape=(x.size, n - 1)), axis=1)
    powers = F.cumprod(factors, axis=1, dtype=x.dtype)
    return powers if increasing else F.flip(powers, axis=1)


@NP.adapter("cov")
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:
    """Covariance matrix of the variables in the rows of `m` (and `y`), or in the columns with
    ``rowvar=False``.

    Divided by N - 1, by N with `bias`, by N - `ddof` if given; `fweights` counts, `aweights` weighs
    observations.
    """
    m = _observations(m, rowvar, dtype)
    if y is not None:
        m = F.concatenate(m, _observations(y, rowvar, dtype), axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = None
    for w in (fweights, aweights):
        if w is not None:
            w = _floats(w, m.dtype, "cov")
            weights = w if weights is None else weights * w
    if weights is None:
        centred = m - F.mean(m, axis=1, keepdims=True)
        scaled, norm = centred, m.shape[1] - ddof
    else:
        total = F.sum(weights)
        centred = m - F.sum(m * weights, axis=1, keepdims=True) / total
        scaled = centred * weights
        norm = (
            total
            if ddof == 0
            else total - ddof
            if aweights is None
            else (total - ddof * F.sum(weights * _floats(aweights, m.dtype, "cov")) / total)
        )
    return _square(F.matmul(scaled, F.transpose(centred)) / norm)


def _observations(m: Any, rowvar: bool, dtype: Any) -> Any:
    m = _floats(m, dtype, "cov")
    if m.ndim > 2:
        raise InvalidValueError(f"cov: at most two axes, got shape {m.shape}")
    if m.ndim < 2:
        return F.reshape(m, shape=(1, -1))
    return m if rowvar or m.shape[0] == 1 else F.transpose(m)


def _square(c: Any) -> Any:
    return F.reshape(c, shape=()) if c.size == 1 else c


@NP.adapter("corrcoef")
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Correlation matrix of the variables: their covariances divided by their standard deviations."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    spread = F.sqrt(F.sum(c * _eye(c), axis=1))
    return c / F.reshape(spread, shape=(-1, 1)) / spread


def _eye(c: Any) -> Any:
    return NP.function("eye")(c.shape[0], dtype=c.dtype, ctx=c._ctx)


@NP.adapter("bincount")
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number 0, 1, ... occurs in `x`, or the sum of its weights; differentiable in the
    weights.
    """
    x = array_of(x, "bincount")
    if x.dtype.kind not in "iu":
        raise InvalidTypeError(f"bincount: x must be of integers, got {x.dtype.name}")
    if x.ndim != 1:
        raise InvalidValueError(f"bincount: x must have one axis, got shape {x.shape}")
    host = x.asnumpy()
    if host.size and host.min() < 0:
        raise InvalidValueError("bincount: x must not be negative")
    n = max(int(minlength), int(host.max()) + 1 if host.size else 0)
    weights = F.ones_like(x) if weights is None else array_of(weights, "bincount", x._ctx)
    if weights.shape != x.shape:
        raise InvalidValueError(f"bincount: weights of shape {weights.shape} for x of shape {x.shape}")
    return F.scatter_key(weights, x, key=(Slot(0),), shape=(n,))


# dtypes -------------------------------------------------------------------------------------------------


def _dtype_of(x: Any) -> Any:
    if isinstance(x, Array):
        return x._raw.dtype
    return as_dtype(x.dtype if isinstance(x, (numpy.generic, numpy.ndarray)) else x)


@NP.adapter("result_type", arrays=0)
def result_type(*arrays_and_dtypes: Any) -> numpy.dtype:
    """The dtype arrays of these dtypes meet in: the widest float, or NumPy's promotion of integers and
    bools.
    """
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (int, float))]
    dtypes = [_dtype_of(x) for x in arrays_and_dtypes if not isinstance(x, (int, float))]
    if not dtypes:
        raise InvalidTypeError("result_type: give at least one array or dtype")
    return promoted(OPS["add"], dtypes, numbers)


@NP.adapter("promote_types", arrays=0)
def promote_types(type1: Any, type2: Any) -> Any:
    """`result_type` of two."""
    return result_type(type1, type2)


@NP.adapter("can_cast", arrays=0)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether every value of one dtype has its like in the other."""
    return bool(numpy.can_cast(_dtype_of(from_), as_dtype(to), casting))


@NP.adapter("min_scalar_type", arrays=0)
def min_scalar_type(a: Any) -> numpy.dtype:
    """The smallest dtype that holds the number `a`."""
    return numpy.min_scalar_type(a.asnumpy() if isinstance(a, BaseArray) else a)


@NP.adapter("finfo", arrays=0)
def finfo(dtype: Any) -> Any:
    """NumPy's description of a float dtype: eps, max, min, tiny, bits, ..."""
    return numpy.finfo(_dtype_of(dtype))


@NP.adapter("iinfo", arrays=0)
def iinfo(dtype: Any) -> Any:
    """NumPy's description of an integer dtype: max, min, bits."""
    return numpy.iinfo(_dtype_of(dtype))
