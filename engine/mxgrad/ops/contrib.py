"""Ops of MXNet's contrib corner: attention over interleaved projections and sliding windows, Fourier
transforms, a support vector machine's output, Hawkes processes.
"""
from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

from ..base import as_indices, check_indices
from ..registry import register
from .conv import whole
from .shape import product

# attention, projections interleaved -------------------------------------------------------------------------
#
# Projections come as (length, batch, heads * parts * size): of queries, keys and values (three parts), of
# keys and values (two) or of queries alone.  Attention maps are (batch * heads, queries, keys).


def _projection(F: Any, x: Any, heads: Any, parts: int, which: int, name: str) -> Any:
    """One part of the projections as matrices (batch * heads, length, size)."""
    heads = whole(heads, "heads")
    if len(x.shape) != 3 or x.shape[2] % (heads * parts):
        raise ValueError(
            f"{name} has shape (length, batch, heads x {parts} x size) with {heads} heads, got "
            f"{tuple(x.shape)}")
    length, batch, size = x.shape
    size //= heads * parts
    x = F.getitem(F.reshape(x, shape=(length, batch, heads, parts, size)), key=(slice(None),) * 3 + (which,))
    return F.reshape(F.transpose(x, axes=(1, 2, 0, 3)), shape=(batch * heads, length, size))


def _scores(F: Any, q: Any, k: Any) -> Any:
    """Products of queries and keys, over the root of their size."""
    if q.shape[0] != k.shape[0] or q.shape[2] != k.shape[2]:
        raise ValueError(f"queries {tuple(q.shape)} and keys {tuple(k.shape)} differ in batch or size")
    return F.matmul(q * (1 / max(q.shape[2], 1) ** 0.5), k, transpose_b=True)


def _attended(F: Any, v: Any, attention: Any, heads: int) -> Any:
    """The values weighted by `attention`: (queries, batch, heads * size)."""
    if len(attention.shape) != 3 or (attention.shape[0], attention.shape[2]) != tuple(v.shape[:2]):
        raise ValueError(
            f"attention has shape ({v.shape[0]}, queries, {v.shape[1]}) here, got {tuple(attention.shape)}")
    y = F.matmul(attention, v)
    batch, length, size = y.shape[0] // heads, y.shape[1], y.shape[2]
    y = F.transpose(F.reshape(y, shape=(batch, heads, length, size)), axes=(2, 0, 1, 3))
    return F.reshape(y, shape=(length, batch, heads * size))


def selfatt_qk(F: Any, x: Any, heads: Any) -> Any:
    """Attention scores from projections of queries, keys and values."""
    q, k = (_projection(F, x, heads, 3, i, "queries_keys_values") for i in (0, 1))
    return _scores(F, q, k)


def selfatt_valatt(F: Any, x: Any, attention: Any, heads: Any) -> Any:
    """Attended values from projections of queries, keys and values."""
    return _attended(F, _projection(F, x, heads, 3, 2, "queries_keys_values"), attention, heads)


def encdec_qk(F: Any, queries: Any, keys_values: Any, heads: Any) -> Any:
    """Attention scores from projections of queries, and of keys and values."""
    return _scores(F, _projection(F, queries, heads, 1, 0, "queries"),
                   _projection(F, keys_values, heads, 2, 0, "keys_values"))


def encdec_valatt(F: Any, keys_values: Any, attention: Any, heads: Any) -> Any:
    """Attended values from projections of keys and values."""
    return _attended(F, _projection(F, keys_values, heads, 2, 1, "keys_values"), attention, heads)


# attention in sliding windows -------------------------------------------------------------------------------
#
# Position i of head h looks at the positions i + s * dilation[h] for the steps s of a window (Beltagy,
# Peters and Cohan, Longformer, 2020).  Arrays are (batch, length, heads, ...).  Three ops, linear in each of
# their two arrays, close under differentiation: scores, weighted sums, and the adjoint of both by what is
# looked at.


def window_steps(w: int, symmetric: bool) -> range:
    return range(-w, w + 1 if symmetric else 1)


def _looked_at(xp: Any, x: Any, dilation: Any, step: int) -> Any:
    """``x[:, i + step * dilation[h], h]``, 0 outside of the sequence."""
    batch, length, heads = x.shape[:3]
    at = xp.arange(length)[:, None] + step * as_indices(dilation, "dilations")
    inside = (at >= 0) & (at < length)
    rows = xp.where(inside, at, 0) * heads + xp.arange(heads)
    found = x.reshape(batch, length * heads, x.shape[3])[:, rows.reshape(-1)].reshape(x.shape)
    return xp.where(inside[:, :, None], found, 0)


def _window_scores(xp: Any, q: Any, k: Any, dilation: Any, *, w: int, symmetric: bool) -> Any:
    """The products of each query with the keys in its window: (batch, length, heads, steps)."""
    scores = [xp.sum(q * _looked_at(xp, k, dilation, s), axis=-1) for s in window_steps(w, symmetric)]
    return xp.stack(scores, axis=-1)


def _steps_of(weights: Any, w: int, symmetric: bool) -> Iterator[tuple[int, Any]]:
    for i, s in enumerate(window_steps(w, symmetric)):
        yield s, weights[..., i:i + 1]


def _window_sums(xp: Any, weights: Any, v: Any, dilation: Any, *, w: int, symmetric: bool) -> Any:
    """The values in each position's window, weighted and added up."""
    total = xp.zeros(v.shape, v.dtype)
    for s, weight in _steps_of(weights, w, symmetric):
        total += weight * _looked_at(xp, v, dilation, s)
    return total


def _window_spread(xp: Any, weights: Any, x: Any, dilation: Any, *, w: int, symmetric: bool) -> Any:
    """`x` of each position, weighted, added to the positions in its window."""
    total = xp.zeros(x.shape, x.dtype)
    for s, weight in _steps_of(weights, w, symmetric):
        total += _looked_at(xp, weight * x, dilation, -s)
    return total


register("window_scores", _window_scores,
         lambda F, g, y, q, k, d, **p: F.window_sums(g, k, d, **p),
         lambda F, g, y, q, k, d, **p: F.window_spread(g, q, d, **p), None, keeps="12|02|", mixed=True)
register("window_sums", _window_sums,
         lambda F, g, y, s, v, d, **p: F.window_scores(g, v, d, **p),
         lambda F, g, y, s, v, d, **p: F.window_spread(s, g, d, **p), None, keeps="12|02|", mixed=True)
register("window_spread", _window_spread,
         lambda F, h, y, s, x, d, **p: F.window_scores(x, h, d, **p),
         lambda F, h, y, s, x, d, **p: F.window_sums(s, h, d, **p), None, keeps="12|02|", mixed=True)


def _check_window(x: Any, dilation: Any, w: Any, name: str, last: int | None = None) -> None:
    whole(w, "w", 0)
    if len(x.shape) != 4 or last is not None and x.shape[3] != last:
        raise ValueError(
            f"{name} has shape (batch, length, heads, {'size' if last is None else last}), got "
            f"{tuple(x.shape)}")
    if tuple(dilation.shape) != (x.shape[2],):
        raise ValueError(f"dilation has a number for each of {x.shape[2]} heads, got {tuple(dilation.shape)}")


def window_score(F: Any, q: Any, k: Any, dilation: Any, w: Any, symmetric: bool) -> Any:
    """`window_scores` with its arguments checked."""
    _check_window(q, dilation, w, "query")
    if tuple(k.shape) != tuple(q.shape):
        raise ValueError(f"query and key have one shape, got {tuple(q.shape)} and {tuple(k.shape)}")
    return F.window_scores(q, k, dilation, w=w, symmetric=bool(symmetric))


def window_context(F: Any, score: Any, v: Any, dilation: Any, w: Any, symmetric: bool) -> Any:
    """`window_sums` with its arguments checked."""
    _check_window(score, dilation, w, "score", len(window_steps(whole(w, "w", 0), symmetric)))
    if len(v.shape) != 4 or tuple(v.shape[:3]) != tuple(score.shape[:3]):
        raise ValueError(f"value has shape {tuple(score.shape[:3])} and a size, got {tuple(v.shape)}")
    return F.window_sums(score, v, dilation, w=w, symmetric=bool(symmetric))


def window_mask(F: Any, score: Any, dilation: Any, valid_length: Any, w: Any, symmetric: bool) -> Any:
    """1 where a position and the one it looks at are both before the sequence's valid length, else 0."""
    steps = window_steps(whole(w, "w", 0), symmetric)
    _check_window(score, dilation, w, "score", len(steps))
    batch, length, heads = score.shape[:3]
    if tuple(valid_length.shape) != (batch,):
        raise ValueError(f"valid_length has a number for each of {batch} sequences, got "
                         f"{tuple(valid_length.shape)}")
    step = F.ramp(score, n=len(steps), start=-w, dtype="int64")
    here = F.reshape(F.ramp(score, n=length, dtype="int64"), shape=(length, 1, 1))
    there = here + F.reshape(F.as_indices(dilation, what="dilations"), shape=(heads, 1)) * step
    end = F.reshape(F.as_indices(valid_length, what="lengths"), shape=(batch, 1, 1, 1))
    valid = F.logical_and(F.logical_and(F.greater_equal(there, 0), F.less(there, end)), F.less(here, end))
    return F.where(valid, F.ones_like(score), 0)


# Fourier transforms -----------------------------------------------------------------------------------------
#
# The real and imaginary parts stand side by side along the last axis.  Neither direction divides by the
# length, so that each is the other's adjoint.


def _wide(x: Any) -> Any:
    return x.astype("float32") if x.dtype.itemsize < 4 else x


def _fourier(xp: Any, x: Any) -> Any:
    """The discrete Fourier transform along the last axis: real and imaginary parts in turn."""
    if x.ndim < 1 or x.shape[-1] == 0:
        raise ValueError(f"data has a last axis of 1 or more, got shape {tuple(x.shape)}")
    y = xp.fft.fft(_wide(x), axis=-1)
    y = xp.stack([xp.real(y), xp.imag(y)], axis=-1)
    return y.reshape(x.shape[:-1] + (2 * x.shape[-1],)).astype(x.dtype)


def _inverse_fourier(xp: Any, x: Any) -> Any:
    """The real part of the inverse transform along the last axis, not divided by its length."""
    if x.ndim < 1 or x.shape[-1] % 2 or x.shape[-1] == 0:
        raise ValueError(f"data has real and imaginary parts in turn on its last axis, got {tuple(x.shape)}")
    n = x.shape[-1] // 2
    parts = _wide(x).reshape(x.shape[:-1] + (n, 2))
    y = xp.fft.ifft(parts[..., 0] + parts[..., 1] * 1j, axis=-1)
    return (xp.real(y) * n).astype(x.dtype)


register("fourier", _fourier, lambda F, g, y, x: F.inverse_fourier(g), keeps="", result="float")
register("inverse_fourier", _inverse_fourier, lambda F, g, y, x: F.fourier(g), keeps="", result="float")

# a support vector machine's output --------------------------------------------------------------------------


def _svm_output(
    xp: Any, data: Any, label: Any, *, margin: float = 1.0, regularization_coefficient: float = 1.0,
    use_linear: bool = False,
) -> Any:
    """`data`, a score for each class in each row, with the gradient of the hinge loss of `label`.

    With t being 1 for the label's class and -1 for the others, the loss is the sum of
    ``max(0, margin - t * data)``, squared unless `use_linear`, times `regularization_coefficient`.  The
    gradient by `data` is that of the loss, whatever the head gradient.
    """
    if data.ndim != 2 or label.shape != data.shape[:1]:
        raise ValueError(
            f"a row of scores and a label for each example are needed, got {tuple(data.shape)} and "
            f"{tuple(label.shape)}")
    for name, number in (("margin", margin), ("regularization_coefficient", regularization_coefficient)):
        if not isinstance(number, Real):
            raise TypeError(f"{name} is a number, got {number!r}")
    check_indices(label, "labels")
    return data.copy()


def _svm_output_ddata(
    F: Any, g: Any, y: Any, data: Any, label: Any, margin: float = 1.0,
    regularization_coefficient: float = 1.0, use_linear: bool = False,
) -> Any:
    t = F.one_hot(label, depth=data.shape[1], on_value=1.0, off_value=-1.0, dtype=data.dtype)
    slack = margin - t * data
    slope = F.cast(F.greater(slack, 0), dtype=data.dtype) if use_linear else 2 * F.relu(slack)
    return t * slope * -regularization_coefficient


register("svm_output", _svm_output, _svm_output_ddata, None, mixed=True, nd="SVMOutput",
         nd_arrays=("data", "label"))

# small compositions -----------------------------------------------------------------------------------------


def count_sketch(F: Any, x: Any, h: Any, s: Any, out_dim: Any) -> Any:
    """The elements of the last axis times the signs `s`, each added to the place that `h` names."""
    out_dim = whole(out_dim, "out_dim")
    n = x.shape[-1] if len(x.shape) == 2 else -1
    if product(h.shape) != n or product(s.shape) != n:
        raise ValueError(
            f"data is a matrix, h and s have an element for each of its columns, got shapes "
            f"{tuple(x.shape)}, {tuple(h.shape)}, {tuple(s.shape)}")
    signed = x * F.reshape(s, shape=(1, n))
    return F.add_taken(signed, F.reshape(h, shape=(n,)), shape=(x.shape[0], out_dim), axis=1)


def index_array(F: Any, x: Any, axes: Any) -> Any:
    """The coordinates of each element of `x`, or those along `axes`, on a new last axis: int64."""
    shape = tuple(x.shape)
    if axes is None:
        axes = range(len(shape))
    elif isinstance(axes, Integral):
        axes = (axes,)
    if any(not -len(shape) <= a < len(shape) for a in axes):
        raise ValueError(f"axes {tuple(axes)} are not all among the {len(shape)} of data")
    if not len(axes):
        raise ValueError("data has no axes, or none is chosen")
    columns = []
    for a in axes:
        a %= len(shape)
        line = F.ramp(x, n=shape[a], dtype="int64")
        columns.append(F.broadcast_to(
            F.reshape(line, shape=(-1,) + (1,) * (len(shape) - a - 1)), shape=shape))
    return F.stack(*columns, axis=-1)


def hawkes(
    F: Any, mu: Any, alpha: Any, beta: Any, state: Any, lags: Any, marks: Any, valid_length: Any,
    max_time: Any,
) -> tuple[Any, Any]:
    """The log likelihood of each sequence of events of K Hawkes processes with exponential decay, and the
    processes' memory at the end of the interval (Bacry, Mastromatteo and Muzy, 2015).

    Process k has the intensity ``mu + alpha * beta * (sum of exp(-beta * (t - t_i)) over its events t_i)``.
    """
    if len(mu.shape) != 2 or len(lags.shape) != 2:
        raise ValueError(f"lda and lags are matrices, got shapes {tuple(mu.shape)} and {tuple(lags.shape)}")
    (n, k), steps = mu.shape, lags.shape[1]
    for name, v, shape in (
        ("alpha", alpha, (k,)), ("beta", beta, (k,)), ("state", state, (n, k)), ("lags", lags, (n, steps)),
        ("marks", marks, (n, steps)), ("valid_length", valid_length, (n,)), ("max_time", max_time, (n,)),
    ):
        if tuple(v.shape) != shape:
            raise ValueError(f"{name} has shape {shape} here, got {tuple(v.shape)}")
    times = F.cumsum(lags, axis=1)
    valid = F.before(valid_length, n=steps)
    happened = F.logical_and(F.one_hot(marks, depth=k, dtype="bool"), F.expand_dims(valid, axis=2))
    last = F.zeros_like(mu)
    total: Any = 0

    def since(time: Any) -> tuple[Any, Any]:
        """What each process' intensity adds up to since its last event, and what is left of its memory."""
        gap = time - last
        left = F.exp(-beta * gap)
        return mu * gap + alpha * state * (1 - left), left

    for i in range(steps):
        here = F.getitem(happened, key=(slice(None), i))
        time = F.getitem(times, key=(slice(None), slice(i, i + 1)))
        area, left = since(time)
        kept = state * left
        intensity = F.where(here, mu + alpha * beta * kept, 1)
        total = total + F.log(intensity) - F.where(here, area, 0)
        state, last = F.where(here, kept + 1, state), F.where(here, time, last)
    area, left = since(F.reshape(max_time, shape=(n, 1)))
    return F.sum(total - area, axis=1), state * left
