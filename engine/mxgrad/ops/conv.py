"""Sliding windows: convolution and its adjoints, pooling, windows as columns.

A convolution is linear in the data and in the weights, so three ops close under differentiation: `conv` gives
the output, `conv_data` is its adjoint by the data (and so the transposed convolution), `conv_weight` by the
weights; the derivatives of each are the other two.  In the same way the ops of pooling come in pairs, from
windows and back into them.

Arrays are (batch, channels, spatial axes).  A window has one element, a tap, per element of the kernel; the
kernels below loop over taps, and each tap is one slice of the input and one of the output.
"""
from __future__ import annotations

from collections.abc import Iterator
from itertools import product as combinations
from operator import index
from typing import Any

from ..base import as_dtype
from ..registry import composition, register
from .shape import product

Lengths = tuple[int, ...]


def out_length(n: int, kernel: int, stride: int, dilate: int, pad: int) -> int:
    """How many windows fit in `n` elements padded on both sides; less than 1 if none does."""
    return (n + 2 * pad - dilate * (kernel - 1) - 1) // stride + 1


def _out_shape(shape: Lengths, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths) -> Lengths:
    return tuple(map(out_length, shape, kernel, stride, dilate, pad))


def _taps(
    shape: Lengths, out: Lengths, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
) -> Iterator[tuple[int, Any, Any]]:
    """For each tap its number, where it reads the input, and in which windows: keys over the last axes.

    What would be read from the padding is left out of both.
    """
    axes = []
    for n, m, k, s, d, p in zip(shape, out, kernel, stride, dilate, pad):
        along = []
        for i in range(k):
            start = i * d - p
            first, end = max(0, -(start // s)), min(m, (n - 1 - start) // s + 1)
            inside = slice(start + first * s, start + (end - 1) * s + 1, s), slice(first, end)
            along.append(inside if first < end else None)
        axes.append(along)
    for number, chosen in enumerate(combinations(*axes)):
        pairs = [c for c in chosen if c is not None]
        if len(pairs) == len(chosen):
            yield number, (Ellipsis, *(a for a, _ in pairs)), (Ellipsis, *(b for _, b in pairs))


def _columns(
    xp: Any, x: Any, out: Lengths, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
) -> Any:
    """The windows of `x` (leading axes a, b, then spatial ones) as an array (a, taps, b, windows ...)."""
    # Without padding every element is written below.
    make = xp.zeros if any(pad) else xp.empty
    cols = make((x.shape[0], product(kernel), x.shape[1], *out), x.dtype)
    for t, read, write in _taps(x.shape[2:], out, kernel, stride, dilate, pad):
        cols[:, t][write] = x[read]
    return cols


def _from_columns(
    xp: Any, cols: Any, shape: Lengths, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
) -> Any:
    """The adjoint of `_columns`: every element of a window added to where it came from."""
    x = xp.zeros((cols.shape[0], cols.shape[2], *shape), cols.dtype)
    for t, read, write in _taps(shape, cols.shape[3:], kernel, stride, dilate, pad):
        x[read] += cols[:, t][write]
    return x


# convolution ------------------------------------------------------------------------------------------------
#
# Channels go before the batch here, so that one product of matrices per group does many examples: as many as
# keep the columns small enough to stay near the processor.

_COLUMNS = 1 << 21


def _batches(n: int, columns: int) -> Iterator[slice]:
    """The batch of n examples in parts, `columns` being how many elements the columns of one example have."""
    step = max(1, _COLUMNS // max(1, columns))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))


def _conv(
    xp: Any, x: Any, w: Any, *, stride: Lengths, dilate: Lengths, pad: Lengths, groups: int = 1,
) -> Any:
    """Cross-correlation of `x` (batch, channels, ...) with the weights `w` (filters, channels / groups, ...).

    ``y[n, f, i] = sum over c, t of w[f, c, t] * x[n, c, i * stride + t * dilate - pad]``, c running over the
    channels of f's group.
    """
    kernel, filters = w.shape[2:], w.shape[0]
    out = _out_shape(x.shape[2:], kernel, stride, dilate, pad)
    rows = w.shape[1] * product(kernel)
    weights = w.reshape(groups, filters // groups, rows)
    y = xp.empty((x.shape[0], filters, *out), x.dtype)
    for part in _batches(x.shape[0], groups * rows * product(out)):
        cols = _columns(xp, xp.swapaxes(x[part], 0, 1), out, kernel, stride, dilate, pad)
        z = xp.matmul(weights, cols.reshape(groups, rows, cols.shape[2] * product(out)))
        y[part] = xp.swapaxes(z.reshape(filters, cols.shape[2], *out), 0, 1)
    return y


def _filters_first(xp: Any, g: Any, groups: int) -> Any:
    """`g` (batch, filters, ...) as (groups, filters / groups, the rest)."""
    filters, rest = g.shape[1] // groups, g.shape[0] * product(g.shape[2:])
    return xp.swapaxes(g, 0, 1).reshape(groups, filters, rest)


def _conv_data(
    xp: Any, g: Any, w: Any, *, shape: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
    groups: int = 1,
) -> Any:
    """The adjoint of `conv` by its data, whose spatial axes have the lengths `shape`."""
    kernel, channels, out = w.shape[2:], groups * w.shape[1], g.shape[2:]
    rows = w.shape[1] * product(kernel)
    weights = xp.swapaxes(w.reshape(groups, w.shape[0] // groups, rows), 1, 2)
    # Of one filter per group the product of matrices is an outer product, which BLAS is slow at.
    multiply = xp.multiply if w.shape[0] == groups else xp.matmul
    x = xp.empty((g.shape[0], channels, *shape), g.dtype)
    for part in _batches(g.shape[0], groups * rows * product(out)):
        some = g[part]
        cols = multiply(weights, _filters_first(xp, some, groups))
        cols = cols.reshape(channels, product(kernel), some.shape[0], *out)
        x[part] = xp.swapaxes(_from_columns(xp, cols, shape, kernel, stride, dilate, pad), 0, 1)
    return x


def _conv_weight(
    xp: Any, x: Any, g: Any, *, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
    groups: int = 1,
) -> Any:
    """The adjoint of `conv` by its weights, whose spatial axes have the lengths `kernel`."""
    channels, filters, out = x.shape[1] // groups, g.shape[1], g.shape[2:]
    rows = channels * product(kernel)
    w = xp.zeros((groups, filters // groups, rows), g.dtype)
    for part in _batches(x.shape[0], groups * rows * product(out)):
        cols = _columns(xp, xp.swapaxes(x[part], 0, 1), out, kernel, stride, dilate, pad)
        cols = cols.reshape(groups, rows, cols.shape[2] * product(out))
        w += xp.matmul(_filters_first(xp, g[part], groups), xp.swapaxes(cols, 1, 2))
    return w.reshape(filters, channels, *kernel)


register("conv", _conv,
         lambda F, g, y, x, w, **p: F.conv_data(g, w, shape=x.shape[2:], **p),
         lambda F, g, y, x, w, **p: F.conv_weight(x, g, kernel=w.shape[2:], **p),
         keeps="1|0", result="same")
register("conv_data", _conv_data,
         lambda F, h, y, g, w, shape, **p: F.conv(h, w, **p),
         lambda F, h, y, g, w, shape, **p: F.conv_weight(h, g, kernel=w.shape[2:], **p),
         keeps="1|0", result="same")
register("conv_weight", _conv_weight,
         lambda F, h, y, x, g, kernel, **p: F.conv_data(g, h, shape=x.shape[2:], **p),
         lambda F, h, y, x, g, kernel, **p: F.conv(x, h, **p),
         keeps="1|0", result="same")


def _im2col(
    xp: Any, x: Any, *, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
) -> Any:
    """The windows of `x` (batch, channels, ...) as columns: (batch, channels * taps, windows)."""
    out = _out_shape(x.shape[2:], kernel, stride, dilate, pad)
    n, c = x.shape[:2]
    cols = _columns(xp, x.reshape(n * c, 1, *x.shape[2:]), out, kernel, stride, dilate, pad)
    return cols.reshape(n, c * product(kernel), product(out))


def _col2im(
    xp: Any, cols: Any, *, shape: Lengths, kernel: Lengths, stride: Lengths, dilate: Lengths, pad: Lengths,
) -> Any:
    """The adjoint of `im2col`: columns added up to an image whose spatial axes have the lengths `shape`."""
    out = _out_shape(shape, kernel, stride, dilate, pad)
    n, c = cols.shape[0], cols.shape[1] // product(kernel)
    x = _from_columns(xp, cols.reshape(n * c, product(kernel), 1, *out), shape, kernel, stride, dilate, pad)
    return x.reshape(n, c, *shape)


register("im2col", _im2col, lambda F, g, y, x, **p: F.col2im(g, shape=x.shape[2:], **p), keeps="")
register("col2im", _col2im, lambda F, g, y, cols, shape, **p: F.im2col(g, **p), keeps="")


# windows of pooling -----------------------------------------------------------------------------------------


def _counts(xp: Any, like: Any, n: int, m: int, k: int, s: int, p: int, count: str) -> Any:
    """How many elements the m windows of an axis count: those in the data, or in the padding, too."""
    start = xp.arange(m) * s - p
    end = xp.minimum(start + k, n + p if count == "pad" else n)
    return xp.maximum(end - (start if count == "pad" else xp.maximum(start, 0)), 1).astype(like.dtype)


def _divided(
    xp: Any, y: Any, shape: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths, count: str | None,
) -> Any:
    """`y`, one number per window, over how many elements the window counts."""
    if count is not None:
        for axis, (n, m, k, s, p) in enumerate(zip(shape, y.shape[2:], kernel, stride, pad)):
            y = y / _counts(xp, y, n, m, k, s, p, count).reshape((-1,) + (1,) * (len(shape) - axis - 1))
    return y


def _combined(
    xp: Any, x: Any, combine: Any, start: float, out: Lengths, kernel: Lengths, stride: Lengths,
    pad: Lengths,
) -> Any:
    """The elements of each window combined by a ufunc, one axis after the other: a sum of taps per axis
    instead of their product.
    """
    later = len(out)
    for m, k, s, p in zip(out, kernel, stride, pad):
        axis = x.ndim - later
        later -= 1
        rest = (slice(None),) * later
        y = xp.full(x.shape[:axis] + (m,) + x.shape[axis + 1:], start, x.dtype)
        for _, read, write in _taps((x.shape[axis],), (m,), (k,), (s,), (1,), (p,)):
            part = y[write + rest]
            combine(part, x[read + rest], out=part)
        x = y
    return x


def _sum_windows(
    xp: Any, x: Any, *, out: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths,
    count: str | None = None,
) -> Any:
    """The sum of each window; with `count` the mean, over its elements in the data ('data') or in the data
    and the padding ('pad').
    """
    y = _combined(xp, x, xp.add, 0, out, kernel, stride, pad)
    return _divided(xp, y, x.shape[2:], kernel, stride, pad, count)


def _spread_windows(
    xp: Any, g: Any, *, shape: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths,
    count: str | None = None,
) -> Any:
    """The adjoint of `sum_windows`: the number of each window added to all of its elements."""
    g = _divided(xp, g, shape, kernel, stride, pad, count)
    later = len(shape)
    for n, k, s, p in zip(shape, kernel, stride, pad):
        axis = g.ndim - later
        later -= 1
        rest = (slice(None),) * later
        x = xp.zeros(g.shape[:axis] + (n,) + g.shape[axis + 1:], g.dtype)
        for _, read, write in _taps((n,), (g.shape[axis],), (k,), (s,), (1,), (p,)):
            x[read + rest] += g[write + rest]
        g = x
    return g


register("sum_windows", _sum_windows,
         lambda F, g, y, x, out, **p: F.spread_windows(g, shape=x.shape[2:], **p), keeps="", result="same")
register("spread_windows", _spread_windows,
         lambda F, h, y, g, shape, **p: F.sum_windows(h, out=g.shape[2:], **p), keeps="", result="same")


def _max_windows(
    xp: Any, x: Any, *, out: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths, lowest: float,
) -> Any:
    """The maximum of each window, at least `lowest`; nan is passed over."""
    return _combined(xp, x, xp.fmax, lowest, out, kernel, stride, pad)


def _max_places(
    xp: Any, x: Any, y: Any, *, kernel: Lengths, stride: Lengths, pad: Lengths,
) -> Any:
    """Which tap of each window is the first that equals its `y`, counted from the last one, that being 1; 0
    where none does.  int8 or int32.
    """
    # Counted backwards the first one is a maximum, which is several times as fast as `where`.
    number = product(kernel)
    places = xp.zeros(y.shape, "int8" if number < 128 else "int32")
    for t, read, write in _taps(x.shape[2:], y.shape[2:], kernel, stride, (1,) * len(kernel), pad):
        part, hits = places[write], x[read] == y[write]
        xp.maximum(part, hits.astype(places.dtype) * (number - t), out=part)
    return places


def _pick_windows(
    xp: Any, x: Any, places: Any, *, kernel: Lengths, stride: Lengths, pad: Lengths,
) -> Any:
    """The element of each window that `places` names as `max_places` does; 0 where it names none."""
    number = product(kernel)
    y = xp.zeros(places.shape, x.dtype)
    for t, read, write in _taps(x.shape[2:], y.shape[2:], kernel, stride, (1,) * len(kernel), pad):
        y[write] = xp.where(places[write] == number - t, x[read], y[write])
    return y


def _put_windows(
    xp: Any, g: Any, places: Any, *, shape: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths,
) -> Any:
    """The adjoint of `pick_windows`: the number of each window added to the element that `places` names."""
    number = product(kernel)
    x = xp.zeros(g.shape[:2] + tuple(shape), g.dtype)
    for t, read, write in _taps(shape, g.shape[2:], kernel, stride, (1,) * len(shape), pad):
        x[read] += g[write] * (places[write] == number - t)
    return x


@composition
def max_windows_dx(
    F: Any, g: Any, y: Any, x: Any, kernel: Lengths, stride: Lengths, pad: Lengths,
) -> Any:
    """The cotangent of max_windows' argument."""
    windows = {"kernel": kernel, "stride": stride, "pad": pad}
    return F.put_windows(g, F.max_places(x, y, **windows), shape=x.shape[2:], **windows)


register("max_windows", _max_windows,
         lambda F, g, y, x, out, lowest, **p: F.max_windows_dx(g, y, x, **p), keeps="xy", result="same")
register("max_places", _max_places, None, None, keeps="", mixed=True)
register("pick_windows", _pick_windows,
         lambda F, g, y, x, i, **p: F.put_windows(g, i, shape=x.shape[2:], **p), None,
         keeps="1|", mixed=True)
register("put_windows", _put_windows,
         lambda F, h, y, g, i, shape, **p: F.pick_windows(h, i, **p), None, keeps="1|", mixed=True)


# what the frontends share -----------------------------------------------------------------------------------

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
"""Layouts by the number of spatial axes: channels second (the default), channels last."""


def _numbers(value: Any, name: str) -> Lengths:
    if value is None:
        return ()
    try:
        return tuple(index(n) for n in value) if isinstance(value, (tuple, list)) else (index(value),)
    except TypeError:
        raise TypeError(f"{name} has whole numbers, one per spatial axis, got {value!r}") from None


def lengths(value: Any, name: str, rank: int, default: int, least: int) -> Lengths:
    """A number per spatial axis; nothing given means `default` for each."""
    given = _numbers(value, name) or (default,) * rank
    if len(given) != rank or min(given) < least:
        raise ValueError(
            f"{name} has a whole number of at least {least} for each of {rank} spatial axes, got {value!r}")
    return given


def whole(value: Any, name: str, least: int = 1) -> int:
    """A required whole number of at least `least`."""
    if value is None:
        raise TypeError(f"parameter {name!r} is required")
    try:
        n = index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number of at least {least}, got {value!r}") from None
    if n < least:
        raise ValueError(f"{name} is a whole number of at least {least}, got {value!r}")
    return n


def kernel_lengths(kernel: Any) -> Lengths:
    """The kernel as given by a user: 1, 2 or 3 lengths."""
    given = _numbers(kernel, "kernel")
    if not given:
        raise TypeError("parameter 'kernel' is required: a length for each of 1, 2 or 3 spatial axes")
    if len(given) not in LAYOUTS:
        raise ValueError(f"kernel has 1, 2 or 3 lengths, got {kernel!r}")
    return lengths(given, "kernel", len(given), 1, 1)


def _channels_last(layout: Any, shape: Lengths, rank: int) -> bool:
    """Whether the channels of `shape` are its last axis; the layout and the rank are checked."""
    if layout is not None and layout not in LAYOUTS[rank]:
        raise ValueError(
            f"layout is {' or '.join(map(repr, LAYOUTS[rank]))} (or None, the first) for {rank} spatial "
            f"axes, not {layout!r}")
    last: bool = layout == LAYOUTS[rank][1]
    if len(shape) != rank + 2:
        raise ValueError(
            f"data has {rank + 2} axes ({layout or LAYOUTS[rank][0]}) for {rank} spatial ones, "
            f"got shape {shape}")
    return last


def _second(F: Any, x: Any, last: bool) -> Any:
    """`x` with its channels as the second axis."""
    return F.moveaxis(x, source=-1, destination=1) if last else x


def fits(shape: Lengths, kernel: Lengths, dilate: Lengths, pad: Lengths) -> None:
    for n, k, d, p in zip(shape, kernel, dilate, pad):
        if d * (k - 1) + 1 > n + 2 * p:
            raise ValueError(
                f"the kernel is larger than the input: it spans {d * (k - 1) + 1} elements"
                f"{f' (dilate {d})' if d > 1 else ''}, the axis has {n}, with padding {n + 2 * p}")


def check_filters(
    weight: Lengths, wanted: Lengths, bias: Any, num_filter: int, num_group: int, channels: int,
) -> None:
    if channels % num_group or num_filter % num_group:
        raise ValueError(
            f"num_group divides the channels and the filters: num_group={num_group}, {channels} channels, "
            f"num_filter={num_filter}")
    if weight != wanted:
        raise ValueError(f"the weights have shape {wanted} here, got {weight}")
    if bias is not None and tuple(bias.shape) != (num_filter,):
        raise ValueError(f"the bias has shape {(num_filter,)} here, got {tuple(bias.shape)}")


def _add_bias(F: Any, y: Any, bias: Any, last: bool) -> Any:
    if bias is not None:
        y = y + F.reshape(bias, shape=(-1,) + (1,) * (len(y.shape) - 2))
    return F.moveaxis(y, source=1, destination=-1) if last else y


def _wanted(first: int, second: int, kernel: Lengths, last: bool) -> Lengths:
    return (first, *kernel, second) if last else (first, second, *kernel)


def convolution(
    F: Any, x: Any, weight: Any, bias: Any, kernel: Any, stride: Any, dilate: Any, pad: Any, num_filter: Any,
    num_group: Any, layout: Any,
) -> Any:
    """`conv` in any layout, plus the bias of each filter; arguments are checked."""
    kernel = kernel_lengths(kernel)
    rank = len(kernel)
    num_filter, num_group = whole(num_filter, "num_filter"), whole(num_group, "num_group")
    stride = lengths(stride, "stride", rank, 1, 1)
    dilate = lengths(dilate, "dilate", rank, 1, 1)
    pad = lengths(pad, "pad", rank, 0, 0)
    last = _channels_last(layout, tuple(x.shape), rank)
    channels = x.shape[-1 if last else 1]
    wanted = _wanted(num_filter, channels // num_group, kernel, last)
    check_filters(tuple(weight.shape), wanted, bias, num_filter, num_group, channels)
    x, weight = _second(F, x, last), _second(F, weight, last)
    fits(x.shape[2:], kernel, dilate, pad)
    y = F.conv(x, weight, stride=stride, dilate=dilate, pad=pad, groups=num_group)
    return _add_bias(F, y, bias, last)


def deconvolution(
    F: Any, x: Any, weight: Any, bias: Any, kernel: Any, stride: Any, dilate: Any, pad: Any, adj: Any,
    target_shape: Any, num_filter: Any, num_group: Any, layout: Any,
) -> Any:
    """The transposed convolution in any layout, plus the bias of each filter; arguments are checked.

    An axis of n becomes one of ``stride * (n - 1) + dilate * (kernel - 1) + 1 - 2 * pad + adj``.  A
    `target_shape` sets `pad` and `adj` so that this is the length it names.
    """
    kernel = kernel_lengths(kernel)
    rank = len(kernel)
    num_filter, num_group = whole(num_filter, "num_filter"), whole(num_group, "num_group")
    stride = lengths(stride, "stride", rank, 1, 1)
    dilate = lengths(dilate, "dilate", rank, 1, 1)
    pad = lengths(pad, "pad", rank, 0, 0)
    adj = lengths(adj, "adj", rank, 0, 0)
    target = lengths(target_shape, "target_shape", rank, 0, 0)
    last = _channels_last(layout, tuple(x.shape), rank)
    channels = x.shape[-1 if last else 1]
    wanted = _wanted(channels, num_filter // num_group, kernel, last)
    check_filters(tuple(weight.shape), wanted, bias, num_filter, num_group, channels)
    x, weight = _second(F, x, last), _second(F, weight, last)
    full = tuple(s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilate))
    if any(target):
        surplus = [n - t for n, t in zip(full, target)]
        if min(surplus) < 0 or not all(target):
            raise ValueError(f"target_shape has lengths from 1 to those of {full}, got {target_shape!r}")
        pad, adj = tuple((n + 1) // 2 for n in surplus), tuple(n % 2 for n in surplus)
    if any(a >= s for a, s in zip(adj, stride)):
        raise ValueError(f"adj is smaller than stride along every axis, got {adj} and {stride}")
    shape = tuple(n - 2 * p + a for n, p, a in zip(full, pad, adj))
    if min(shape) < 1:
        raise ValueError(f"pad takes away more than there is: output {full} less 2 x {pad}")
    y = F.conv_data(x, weight, shape=shape, stride=stride, dilate=dilate, pad=pad, groups=num_group)
    return _add_bias(F, y, bias, last)


def windows_as_columns(F: Any, x: Any, kernel: Any, stride: Any, dilate: Any, pad: Any) -> Any:
    """`im2col` with its arguments checked."""
    kernel = kernel_lengths(kernel)
    rank = len(kernel)
    dilate, pad = lengths(dilate, "dilate", rank, 1, 1), lengths(pad, "pad", rank, 0, 0)
    _channels_last(None, tuple(x.shape), rank)
    fits(x.shape[2:], kernel, dilate, pad)
    return F.im2col(x, kernel=kernel, stride=lengths(stride, "stride", rank, 1, 1), dilate=dilate, pad=pad)


def columns_as_image(
    F: Any, cols: Any, output_size: Any, kernel: Any, stride: Any, dilate: Any, pad: Any,
) -> Any:
    """`col2im` with its arguments checked."""
    kernel = kernel_lengths(kernel)
    rank = len(kernel)
    stride = lengths(stride, "stride", rank, 1, 1)
    dilate, pad = lengths(dilate, "dilate", rank, 1, 1), lengths(pad, "pad", rank, 0, 0)
    # Without a default: 0 is none.
    shape = lengths(output_size, "output_size", rank, 0, 1)
    fits(shape, kernel, dilate, pad)
    windows = product(_out_shape(shape, kernel, stride, dilate, pad))
    if len(cols.shape) != 3 or cols.shape[1] % product(kernel) or cols.shape[2] != windows:
        raise ValueError(
            f"columns have shape (batch, channels x {product(kernel)}, {windows}) here, got "
            f"{tuple(cols.shape)}")
    return F.col2im(cols, shape=shape, kernel=kernel, stride=stride, dilate=dilate, pad=pad)


# pooling ----------------------------------------------------------------------------------------------------

POOLINGS = ("max", "avg", "sum", "lp")
CONVENTIONS = ("valid", "full", "same")
# The lowest number of a float dtype by its size: what MXNet gives for a window with no number in it.
_LOWEST = {2: -65504.0, 4: -3.4028234663852886e38, 8: -1.7976931348623157e308}


def _root(F: Any, s: Any, p: int) -> Any:
    """The p-th root, whose derivative at 0 counts as 0."""
    if p == 1:
        return s
    empty = F.equal(s, 0)
    return F.where(empty, 0, (F.sqrt if p == 2 else F.cbrt)(F.where(empty, 1, s)))


def pooling(
    F: Any, x: Any, kernel: Any, pool_type: str, global_pool: bool, pooling_convention: str, stride: Any,
    pad: Any, p_value: Any, count_include_pad: Any, layout: Any,
) -> Any:
    """Maximum, mean, sum or p-norm of each window; arguments are checked.

    The derivative of a maximum goes to the first element that has it; numbers that are not (nan) are passed
    over.  The sum under a p-norm is of x ** p, not of its size.
    """
    for name, given, known in (("pool_type", pool_type, POOLINGS),
                               ("pooling_convention", pooling_convention, CONVENTIONS)):
        if given not in known:
            raise ValueError(f"{name} is one of {', '.join(map(repr, known))}, not {given!r}")
    if pool_type == "lp" and p_value not in (1, 2, 3):
        raise ValueError(f"pool_type 'lp' needs a p_value of 1, 2 or 3, got {p_value!r}")
    dtype = as_dtype(x.dtype)
    if dtype.kind != "f":
        raise TypeError(f"data is floating point, got {dtype}")
    if global_pool:
        if len(x.shape) - 2 not in LAYOUTS:
            raise ValueError(f"data has 3, 4 or 5 axes, got shape {tuple(x.shape)}")
        kernel = (1,) * (len(x.shape) - 2)
        stride = pad = None
    else:
        kernel = kernel_lengths(kernel)
    rank = len(kernel)
    last = _channels_last(layout, tuple(x.shape), rank)
    x = _second(F, x, last)
    if pool_type == "lp":
        x = x if p_value == 1 else x * x if p_value == 2 else x * x * x
    lowest = _LOWEST[dtype.itemsize]
    if global_pool:
        y = _global(F, x, pool_type, lowest)
    else:
        stride, pad = lengths(stride, "stride", rank, 1, 1), lengths(pad, "pad", rank, 0, 0)
        out = _pooled_shape(x.shape[2:], kernel, stride, pad, pooling_convention)
        windows = {"kernel": kernel, "stride": stride, "pad": pad}
        if pool_type == "max":
            y = F.max_windows(x, out=out, lowest=lowest, **windows)
        elif pool_type == "avg":
            count = "data" if count_include_pad is not None and not count_include_pad else "pad"
            y = F.sum_windows(x, out=out, count=count, **windows)
        else:
            y = F.sum_windows(x, out=out, **windows)
    if pool_type == "lp":
        y = _root(F, y, p_value)
    return F.moveaxis(y, source=1, destination=-1) if last else y


def _pooled_shape(shape: Lengths, kernel: Lengths, stride: Lengths, pad: Lengths, convention: str) -> Lengths:
    if convention == "same":
        if any(pad):
            raise ValueError(f"pooling_convention 'same' pads by itself: pad is 0, got {pad}")
        return tuple(-(-n // s) for n, s in zip(shape, stride))
    if any(p >= k for p, k in zip(pad, kernel)):
        raise ValueError(f"pad is smaller than kernel along every axis, got {pad} and {kernel}")
    fits(shape, kernel, (1,) * len(shape), pad)
    up = 1 if convention == "full" else 0
    return tuple(
        (n + 2 * p - k + up * (s - 1)) // s + 1 for n, k, s, p in zip(shape, kernel, stride, pad))


def _global(F: Any, x: Any, pool_type: str, lowest: float) -> Any:
    """One window that is the whole image."""
    n, c = x.shape[:2]
    places = product(x.shape[2:])
    if not places:
        raise ValueError(f"there is nothing to pool in data of shape {tuple(x.shape)}")
    flat = F.reshape(x, shape=(n, c, places))
    if pool_type == "max":
        flat = F.where(F.greater(flat, lowest), flat, lowest)
        y = F.take_along_axis(flat, F.argmax(flat, axis=2, keepdims=True), axis=2)
    else:
        y = (F.mean if pool_type == "avg" else F.sum)(flat, axis=2)
    return F.reshape(y, shape=(n, c) + (1,) * (len(x.shape) - 2))


# upsampling -------------------------------------------------------------------------------------------------


def upsampled(
    F: Any, images: list[Any], scale: Any, num_filter: Any, sample_type: Any, multi_input_mode: str,
) -> Any:
    """Images enlarged in the way that `sample_type` names; arguments are checked."""
    if sample_type not in ("nearest", "bilinear"):
        raise ValueError(f"sample_type is 'nearest' or 'bilinear', not {sample_type!r}")
    scale = whole(scale, "scale")
    if not images or any(len(x.shape) != 4 for x in images):
        raise ValueError("images have four axes (batch, channels, height, width)")
    if sample_type == "nearest":
        return upsample_nearest(F, images, scale, multi_input_mode)
    if len(images) != 2:
        raise TypeError("'bilinear' takes an image and the kernels")
    return upsample_bilinear(F, images[0], images[1], scale, num_filter)


def upsample_nearest(F: Any, images: list[Any], scale: int, mode: str) -> Any:
    """Every pixel of each image repeated so that all have the size of the first times `scale`; joined along
    the channels (mode 'concat') or added up ('sum').
    """
    if mode not in ("concat", "sum"):
        raise ValueError(f"multi_input_mode is 'concat' or 'sum', not {mode!r}")
    height, width = (n * scale for n in images[0].shape[2:])
    grown = []
    for x in images:
        h, w = x.shape[2:]
        if h == 0 or w == 0 or height % h or width % w:
            raise ValueError(f"an image of {h} x {w} does not grow to {height} x {width} by whole factors")
        x = F.repeat(x, repeats=height // h, axis=2) if h != height else x
        grown.append(F.repeat(x, repeats=width // w, axis=3) if w != width else x)
    if len(grown) == 1:
        return F.copy(images[0]) if scale == 1 else grown[0]
    if mode == "concat":
        return F.concatenate(*grown, axis=1)
    total = grown[0]
    for x in grown[1:]:
        total = total + x
    return total


def upsample_bilinear(F: Any, x: Any, weight: Any, scale: int, num_filter: int) -> Any:
    """The transposed convolution of each channel with its own kernel, which makes the image `scale` times as
    large.
    """
    if num_filter != x.shape[1]:
        raise ValueError(f"num_filter is the number of channels, {x.shape[1]}, not {num_filter}")
    size = 2 * scale - scale % 2
    return deconvolution(F, x, weight, None, (size, size), (scale, scale), None, (scale // 2, scale // 2),
                         None, None, num_filter, num_filter, None)
