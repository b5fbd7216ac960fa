"""Operators of MXNet beyond NumPy's: adapters with MXNet 2's signatures."""

from __future__ import annotations

from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import as_context
from ..invoke import F
from ..np.array import ndarray
from ..np.functions import array_of, arrays_of, axes_of, deliver, place, shared
from ..ops import nn
from ..ops.index import Slot, pick as _pick
from ..ops.shape import product
from .functions import NPX

# shapes -------------------------------------------------------------------------------------------------


def reshape_codes(shape: tuple[int, ...], target: tuple[int, ...], reverse: bool = False) -> tuple[int, ...]:
    """MXNet 2's reshape codes resolved.

    -1 is inferred, -2 copies a length, -3 leaves out a length that is 1, -4 copies the rest, -5 merges two
    lengths, -6 splits one into the two that follow (one may be -1); `reverse` reads from the right.

    >>> reshape_codes((2, 3, 4), (-2, -5)), reshape_codes((8, 3), (-6, 2, -1, -4))
    ((2, 12), (2, 4, 3))
    """
    source, codes = (shape[::-1], target[::-1]) if reverse else (shape, target)
    out: list[int] = []
    at = 0
    k = 0

    def take(code: int) -> int:
        nonlocal at
        if at >= len(source):
            raise InvalidValueError(f"reshape code {code} in {target} has no length left in shape {shape}")
        at += 1
        return source[at - 1]

    while k < len(codes):
        n = codes[k]
        k += 1
        if n >= 0:
            out.append(n)
            at += 1
        elif n == -1:
            out.append(-1)
            at += 1
        elif n == -2:
            out.append(take(n))
        elif n == -3:
            if take(n) != 1:
                raise InvalidValueError(
                    f"reshape code -3 leaves out lengths of 1 only, got {source[at - 1]} in {shape}"
                )
        elif n == -4:
            out.extend(source[at:])
            at = len(source)
        elif n == -5:
            out.append(take(n) * take(n))
        elif n == -6:
            if k + 2 > len(codes):
                raise InvalidValueError(f"reshape code -6 in {target} needs two lengths after it")
            whole = take(n)
            a, b = codes[k : k + 2]
            k += 2
            if a == b == -1:
                raise InvalidValueError(f"reshape code -6 in {target}: one of the two lengths must be given")
            a = whole // b if a == -1 else a
            b = whole // a if b == -1 else b
            if a * b != whole:
                raise InvalidValueError(f"reshape code -6 splits {whole} into {a} x {b}, which do not fit")
            out += [a, b]
        else:
            raise InvalidValueError(f"unknown reshape code {n} in {target}")
    if reverse:
        out.reverse()
    return tuple(out)


@NPX.adapter("reshape")
def reshape(a: Any, newshape: Any, reverse: bool = False, order: str = "C") -> Any:
    """A copy under another shape, given with MXNet 2's codes.

    -1 is inferred, -2 copies a length, -3 leaves out a length that is 1, -4 copies the rest, -5 merges two
    lengths, -6 splits one into the two that follow; `reverse` reads from the right.

    >>> from mxgrad import np, npx
    >>> npx.reshape(np.ones((2, 3, 4)), (-2, -5)).shape
    (2, 12)
    """
    if order != "C":
        raise InvalidValueError(f"reshape: only order 'C' is supported, got {order!r}")
    a = array_of(a, "reshape")
    target = (newshape,) if isinstance(newshape, int) else tuple(int(n) for n in newshape)
    return F.reshape(a, shape=reshape_codes(a.shape, target, reverse))


@NPX.adapter("reshape_like", arrays=2)
def reshape_like(
    lhs: Any, rhs: Any, lhs_begin: int | None = None, lhs_end: int | None = None,
    rhs_begin: int | None = None, rhs_end: int | None = None,
) -> Any:
    """`lhs` under the shape of `rhs`; with ranges of axes, those of `lhs` replaced by those of `rhs`."""
    ctx = place((lhs, rhs))
    lhs, rhs = array_of(lhs, "reshape_like", ctx), array_of(rhs, "reshape_like", ctx)
    first, last, _ = slice_(lhs_begin, lhs_end).indices(lhs.ndim)
    shape = lhs.shape[:first] + rhs.shape[slice_(rhs_begin, rhs_end)] + lhs.shape[max(first, last) :]
    return F.reshape(lhs, shape=shape)


slice_ = slice  # `slice` is also the name of an operator here


@NPX.adapter("batch_flatten")
def batch_flatten(data: Any) -> Any:
    """All axes but the first made one."""
    data = array_of(data, "batch_flatten")
    if not data.ndim:
        raise InvalidValueError("batch_flatten: the array has no axes")
    return F.reshape(data, shape=(data.shape[0], product(data.shape[1:])))


@NPX.adapter("broadcast_like", arrays=2)
def broadcast_like(lhs: Any, rhs: Any, lhs_axes: Any = None, rhs_axes: Any = None) -> Any:
    """`lhs` repeated to the shape of `rhs`, or its axes `lhs_axes` to the lengths of the axes `rhs_axes`
    of `rhs`.
    """
    ctx = place((lhs, rhs))
    lhs, rhs = array_of(lhs, "broadcast_like", ctx), array_of(rhs, "broadcast_like", ctx)
    if lhs_axes is None and rhs_axes is None:
        return F.broadcast_to(lhs, shape=rhs.shape)
    ours, theirs = axes_of(lhs_axes, lhs.ndim), axes_of(rhs_axes, rhs.ndim)
    if len(ours) != len(theirs):
        raise InvalidValueError(
            f"broadcast_like: lhs_axes {lhs_axes} and rhs_axes {rhs_axes} differ in number"
        )
    shape = list(lhs.shape)
    for i, j in zip(ours, theirs):
        shape[i] = rhs.shape[j]
    return F.broadcast_to(lhs, shape=tuple(shape))


def _listed(value: Any, ndim: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) + (None,) * (ndim - 1)


@NPX.adapter("slice")
def slice(data: Any, begin: Any, end: Any, step: Any = None) -> Any:
    """The elements from `begin` to `end` by `step` of the first axes; None leaves one open."""
    data = array_of(data, "slice")
    begin, end = _listed(begin, 1), _listed(end, 1)
    step = (None,) * len(begin) if step is None or step == () else _listed(step, len(begin))
    if not len(begin) == len(end) == len(step) <= data.ndim:
        raise InvalidValueError(
            f"slice: begin {begin}, end {end} and step {step} must have one entry for each of at most "
            f"{data.ndim} axes"
        )
    return F.copy(data[tuple(slice_(b, e, s) for b, e, s in zip(begin, end, step))])


@NPX.adapter("slice_like", arrays=2)
def slice_like(data: Any, shape_like: Any, axes: Any = None) -> Any:
    """`data` cut to the lengths of `shape_like`, on all axes or on `axes`."""
    ctx = place((data, shape_like))
    data, like = array_of(data, "slice_like", ctx), array_of(shape_like, "slice_like", ctx)
    cut = range(data.ndim) if axes is None or axes == () else axes_of(axes, data.ndim)
    for i in cut:
        if i >= like.ndim or like.shape[i] > data.shape[i]:
            raise InvalidValueError(
                f"slice_like: axis {i} of {data.shape} cannot be cut to the shape {like.shape}"
            )
    return F.copy(
        data[tuple(slice_(0, like.shape[i]) if i in cut else slice_(None) for i in range(data.ndim))]
    )


@NPX.adapter("slice_channel")
def slice_channel(data: Any, num_outputs: int, axis: int = 1, squeeze_axis: bool = False) -> Any:
    """`num_outputs` equal pieces along `axis`, which `squeeze_axis` takes away where its length is 1."""
    data = array_of(data, "slice_channel")
    pieces = F.split(data, indices_or_sections=int(num_outputs), axis=axis)
    out = [F.squeeze(p, axis=axis) if squeeze_axis else p for p in pieces]
    return out if len(out) > 1 else out[0]


@NPX.adapter("shape_array")
def shape_array(data: Any) -> Any:
    """The lengths of the axes as an int64 array."""
    data = array_of(data, "shape_array")
    return wrap(ndarray, data._ctx.backend.from_host(numpy.asarray(data.shape, numpy.int64)), data._ctx)


@NPX.adapter("pad")
def pad(data: Any, mode: str = "constant", pad_width: Any = (), constant_value: float = 0.0) -> Any:
    """Elements added around: `pad_width` has before and after for each axis in one row; mode constant,
    edge or reflect.
    """
    data = array_of(data, "pad")
    widths = tuple(int(n) for n in pad_width)
    if len(widths) != 2 * data.ndim or min(widths, default=0) < 0:
        raise InvalidValueError(
            f"pad: pad_width must have {2 * data.ndim} numbers that are not negative, got {pad_width}"
        )
    return F.pad(
        data, pad_width=tuple(zip(widths[::2], widths[1::2])), mode=mode, constant_value=constant_value
    )


# elementwise and sums -----------------------------------------------------------------------------------


@NPX.adapter("cast")
def cast(data: Any, dtype: Any) -> Any:
    """A copy with another dtype; the gradient is cast back."""
    return F.cast(array_of(data, "cast"), dtype=as_dtype(dtype))


@NPX.adapter("add_n", arrays="*")
def add_n(*args: Any, out: Any = None) -> Any:
    """The sum of the arrays."""
    total, *others = arrays_of(args, "add_n") if args else [None]
    if total is None:
        raise InvalidValueError("add_n: needs at least one array")
    for a in others:
        total = total + a
    return deliver(out, total if others else F.copy(total), "add_n")


@NPX.adapter("norm")
def norm(
    data: Any, ord: int = 2, axis: Any = None, out_dtype: Any = None, keepdims: bool = False,
) -> Any:
    """Vector norm over `axis`: `ord` 2 Euclidean, 1 the sum of sizes.  Over all axes its shape is (1,)."""
    data = array_of(data, "norm")
    out = F.norm(data, ord=ord, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)
    if axis is None and not keepdims:
        out = F.reshape(out, shape=(1,))
    return out if out_dtype is None else out.astype(out_dtype)


@NPX.adapter("nonzero")
def nonzero(a: Any) -> Any:
    """The places of the elements that are not zero, one a row: int64.  No gradient flows through places."""
    a = array_of(a, "nonzero")
    return wrap(ndarray, a._ctx.backend.from_host(numpy.argwhere(a.asnumpy())), a._ctx)


@NPX.adapter("constraint_check")
def constraint_check(x: Any, msg: str) -> Any:
    """True, as an array without axes, where all of the bools `x` are true; InvalidValueError saying `msg`
    otherwise.
    """
    result = F.all(array_of(x, "constraint_check"))
    if not bool(result):
        raise InvalidValueError(msg)
    return result


@NPX.adapter("broadcast_greater", arrays=2)
def broadcast_greater(lhs: Any, rhs: Any) -> Any:
    """Where lhs > rhs, as bools."""
    ctx = place((lhs, rhs))
    return F.greater(array_of(lhs, "broadcast_greater", ctx), array_of(rhs, "broadcast_greater", ctx))


@NPX.adapter("arange_like")
def arange_like(
    data: Any, start: float = 0.0, step: float = 1.0, repeat: int = 1, ctx: Any = None,
    axis: int | None = None,
) -> Any:
    """`start`, `start + step`, ..., each `repeat` times, as many as `data` has elements and in its shape,
    or as many as its axis `axis` is long; in its dtype.
    """
    data = array_of(data, "arange_like")
    where = data._ctx if ctx is None else as_context(ctx)
    if repeat < 1:
        raise InvalidValueError(f"arange_like: repeat must be positive, got {repeat}")
    shape = data.shape if axis is None else (data.shape[axes_of(axis, data.ndim)[0]],)
    host = start + numpy.arange(product(shape)) // repeat * step
    return wrap(ndarray, where.backend.from_host(host.astype(data.dtype).reshape(shape)), where)


# picking and putting ------------------------------------------------------------------------------------


@NPX.adapter("one_hot")
def one_hot(
    data: Any, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: Any = "float32",
) -> Any:
    """A new last axis of length `depth` with `on_value` at the place named and `off_value` elsewhere."""
    return F.one_hot(
        array_of(data, "one_hot"),
        depth=int(depth),
        on_value=on_value,
        off_value=off_value,
        dtype=as_dtype(dtype),
    )


@NPX.adapter("pick", arrays=2)
def pick(data: Any, index: Any, axis: int | None = -1, mode: str = "clip", keepdims: bool = False) -> Any:
    """For each place of the other axes the element that `index` names along `axis`; places outside are
    moved to the ends (mode 'clip') or count on from the other end ('wrap').
    """
    ctx = place((data, index))
    return shared(
        "pick",
        _pick,
        array_of(data, "pick", ctx),
        array_of(index, "pick", ctx),
        axis=axis,
        keepdims=keepdims,
        mode=mode,
    )


@NPX.adapter("topk")
def topk(
    data: Any, axis: int | None = -1, k: int = 1, ret_typ: str = "indices", is_ascend: bool = False,
    dtype: Any = "float32",
) -> Any:
    """The `k` largest elements (smallest with `is_ascend`) along `axis`, in order: all of them for k = 0.

    `ret_typ` 'indices' gives their places in `dtype`, 'value' the elements, 'both' a list of the two, 'mask'
    ones where they stand.  The gradient of the values goes to the places they came from.
    """
    data = array_of(data, "topk")
    if axis is None:
        data, axis = F.reshape(data, shape=(-1,)), 0
    (axis,) = axes_of(axis, data.ndim)
    n = data.shape[axis]
    if not 0 <= k <= n:
        raise InvalidValueError(f"topk: k must be between 0 and {n}, the length of axis {axis}; got {k}")
    if ret_typ not in ("indices", "value", "both", "mask"):
        raise InvalidValueError(f"topk: ret_typ is 'indices', 'value', 'both' or 'mask', not {ret_typ!r}")
    places = F.slice_axis(F.argsort(data, axis=axis, is_ascend=is_ascend), axis=axis, begin=0, end=k or n)
    if ret_typ == "mask":
        hot = F.one_hot(F.moveaxis(places, source=axis, destination=-1), depth=n, dtype=data.dtype)
        return F.moveaxis(F.sum(hot, axis=-2), source=-1, destination=axis)
    named = F.cast(places, dtype=as_dtype(dtype))
    if ret_typ == "indices":
        return named
    values = F.take_along_axis(data, places, axis=axis)
    return values if ret_typ == "value" else [values, named]


@NPX.adapter("embedding", arrays=2)
def embedding(
    data: Any, weight: Any, input_dim: int | None = None, output_dim: int | None = None,
    dtype: Any = "float32", sparse_grad: bool = False,
) -> Any:
    """The rows of `weight` that `data` names; numbers outside are moved to the first and last row."""
    ctx = place((data, weight))
    data, weight = array_of(data, "embedding", ctx), array_of(weight, "embedding", ctx)
    for given, n, name in (
        (input_dim, weight.shape[0], "input_dim"),
        (output_dim, weight.shape[-1], "output_dim"),
    ):
        if given is not None and given != n:
            raise InvalidValueError(f"embedding: {name}={given} does not fit weights of shape {weight.shape}")
    return F.take(weight, data, axis=0, mode="clip")


def _points(a: Any, ind: Any, what: str) -> tuple[Any, Any]:
    a = array_of(a, what)
    ind = array_of(ind, what, a._ctx)
    if ind.ndim == 1:
        ind = F.reshape(ind, shape=(-1, 1))
    if ind.ndim != 2 or ind.shape[0] > a.ndim:
        raise InvalidValueError(
            f"{what}: points have one coordinate a row, at most {a.ndim}; got shape {ind.shape}"
        )
    return a, F.cast(ind, dtype=numpy.int64)


def _put_key(ind: Any) -> tuple[tuple[Slot, ...], list[Any]]:
    rows = [ind[i] for i in range(ind.shape[0])]
    return tuple(Slot(i) for i in range(len(rows))), rows


@NPX.adapter("index_update", arrays=3)
def index_update(a: Any, ind: Any, val: Any) -> Any:
    """`a` with the elements or slices at the points `ind` (coordinates along its first axis) replaced by
    `val`.
    """
    a, ind = _points(a, ind, "index_update")
    val = array_of(val, "index_update", a._ctx)
    key, rows = _put_key(ind)
    return F.assign(a, F.cast(val, dtype=a.dtype), *rows, key=key)


@NPX.adapter("index_add", arrays=3)
def index_add(a: Any, ind: Any, val: Any) -> Any:
    """`a` with `val` added to the elements or slices at the points `ind` (coordinates along its first
    axis).
    """
    a, ind = _points(a, ind, "index_add")
    val = array_of(val, "index_add", a._ctx)
    key, rows = _put_key(ind)
    shape = (ind.shape[1],) + a.shape[ind.shape[0] :]
    return a + F.scatter_key(
        F.broadcast_to(F.cast(val, dtype=a.dtype), shape=shape), *rows, key=key, shape=a.shape
    )


# neural networks ----------------------------------------------------------------------------------------


@NPX.adapter("batch_dot", arrays=2)
def batch_dot(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, forward_stype: str = "default",
) -> Any:
    """The matrix products of two batches of matrices, either one transposed before."""
    ctx = place((a, b))
    a, b = array_of(a, "batch_dot", ctx), array_of(b, "batch_dot", ctx)
    if a.ndim != b.ndim or a.ndim < 3 or a.shape[:-2] != b.shape[:-2]:
        raise InvalidValueError(
            f"batch_dot: shapes {a.shape} and {b.shape} are not two batches of equally many matrices"
        )
    a = F.swapaxes(a, axis1=-1, axis2=-2) if transpose_a else a
    return F.matmul(a, F.swapaxes(b, axis1=-1, axis2=-2) if transpose_b else b)


@NPX.adapter("fully_connected", arrays=3)
def fully_connected(
    x: Any, weight: Any, bias: Any = None, num_hidden: int | None = None, no_bias: bool = True,
    flatten: bool = True,
) -> Any:
    """``x @ weight.T + bias``: all axes but the first are flattened before, or only the last is
    transformed.
    """
    ctx = place((x, weight))
    x, weight = array_of(x, "fully_connected", ctx), array_of(weight, "fully_connected", ctx)
    if not no_bias and bias is None:
        raise InvalidTypeError("fully_connected: no_bias=False needs a bias")
    bias = None if no_bias else array_of(bias, "fully_connected", ctx)
    return shared(
        "fully_connected", nn.fully_connected, x, weight, bias, num_hidden or weight.shape[0], flatten
    )


def _tempered(data: Any, temperature: float | None, dtype: Any, what: str) -> Any:
    data = array_of(data, what)
    if dtype is not None:
        data = data.astype(dtype, copy=False)
    return data if temperature is None or temperature == 1 else data / temperature


def _softmax(
    what: str, f: Any, data: Any, axis: int, length: Any, temperature: float | None, use_length: bool,
    dtype: Any,
) -> Any:
    data = _tempered(data, temperature, dtype, what)
    if not use_length:
        return f(data, axis=axis)
    if length is None:
        raise InvalidTypeError(f"{what}: use_length=True needs length")
    return shared(what, nn.masked_softmax, f, data, array_of(length, what, data._ctx), axis)


@NPX.adapter("softmax")
def softmax(
    data: Any, length: Any = None, axis: int = -1, temperature: float | None = None,
    use_length: bool = False, dtype: Any = None,
) -> Any:
    """exp(x) / sum of exp(x) along `axis`, x divided by `temperature` first; with `use_length` only the first
    `length` places of the axis count, the others are 0.

    >>> from mxgrad import np, npx
    >>> npx.softmax(np.zeros(2))
    array([0.5, 0.5])
    """
    return _softmax("softmax", F.softmax, data, axis, length, temperature, use_length, dtype)


@NPX.adapter("log_softmax")
def log_softmax(
    data: Any, axis: int = -1, length: Any = None, temperature: float | None = None,
    use_length: bool = False, dtype: Any = None,
) -> Any:
    """The logarithm of `softmax`."""
    return _softmax("log_softmax", F.log_softmax, data, axis, length, temperature, use_length, dtype)


def _masked(data: Any, mask: Any, temperature: float, what: str) -> tuple[Any, Any]:
    data = _tempered(data, temperature, None, what)
    mask = array_of(mask, what, data._ctx)
    return F.where(mask, data, float("-inf")), mask


@NPX.adapter("masked_softmax", arrays=2)
def masked_softmax(
    data: Any, mask: Any, axis: int = -1, temperature: float = 1.0, normalize: bool = True,
) -> Any:
    """Softmax over the places where `mask` is true; 0 at the others."""
    data, mask = _masked(data, mask, temperature, "masked_softmax")
    return F.where(mask, F.softmax(data, axis=axis), 0)


@NPX.adapter("masked_log_softmax", arrays=2)
def masked_log_softmax(
    data: Any, mask: Any, axis: int = -1, temperature: float = 1.0, normalize: bool = True,
) -> Any:
    """The logarithm of `masked_softmax`; minus infinity where `mask` is false."""
    data, mask = _masked(data, mask, temperature, "masked_log_softmax")
    return F.where(mask, F.log_softmax(data, axis=axis), float("-inf"))


ACTIVATIONS = nn.ACTIVATIONS + ("log_sigmoid", "mish")


@NPX.adapter("activation")
def activation(data: Any, act_type: str = "relu") -> Any:
    """The elementwise function named: relu, sigmoid, tanh, softrelu, softsign, log_sigmoid or mish."""
    data = array_of(data, "activation")
    if act_type == "mish":
        return data * F.tanh(F.softrelu(data))
    return shared("activation", nn.activation, data, act_type, ACTIVATIONS)


@NPX.adapter("leaky_relu")
def leaky_relu(
    data: Any, gamma: Any = None, act_type: str = "leaky", slope: float = 0.25, lower_bound: float = 0.125,
    upper_bound: float = 0.334,
) -> Any:
    """What is positive stays; below, `act_type` says: leaky ``slope x``, elu ``slope (exp(x) - 1)``, selu,
    gelu, prelu ``gamma x`` with a learnt slope per channel (axis 1).
    """
    data = array_of(data, "leaky_relu")
    if act_type == "leaky":
        return F.leaky_relu(data, slope=slope)
    if act_type == "elu":
        return F.elu(data, slope=slope)
    if act_type in ("selu", "gelu"):
        return getattr(nn, act_type)(F, data)
    if act_type == "prelu":
        if gamma is None:
            raise InvalidTypeError("leaky_relu: act_type 'prelu' needs gamma")
        return shared("leaky_relu", nn.prelu, data, array_of(gamma, "leaky_relu", data._ctx))
    raise InvalidValueError(
        f"leaky_relu: act_type is 'leaky', 'elu', 'selu', 'gelu' or 'prelu', not {act_type!r}"
    )


@NPX.adapter("layer_norm", arrays=3)
def layer_norm(
    data: Any, gamma: Any, beta: Any, axis: int = -1, eps: float = 1e-5, output_mean_var: bool = False,
) -> Any:
    """`data` with mean 0 and variance 1 along `axis`, times `gamma`, plus `beta`; with `output_mean_var` a
    list with the mean and the standard deviation.
    """
    data = array_of(data, "layer_norm")
    (at,) = axes_of(axis, data.ndim)
    y, mean, deviation = nn.normalized(F, data, at, eps)
    gamma, beta = (nn.on_axis(F, array_of(v, "layer_norm", data._ctx), at, data.ndim) for v in (gamma, beta))
    y = y * gamma + beta
    return [y, F.squeeze(mean, axis=at), F.squeeze(deviation, axis=at)] if output_mean_var else y


# sequences: time and batch are the first two axes -------------------------------------------------------


def _sequences(what: str, data: Any, lengths: Any, use: bool, axis: int) -> tuple[Any, Any]:
    """`data` with time first and batch second, and the lengths, or None where all sequences are whole."""
    data = array_of(data, what)
    if axis not in (0, 1) or data.ndim < 2:
        raise InvalidValueError(
            f"{what}: time and batch are the first two axes, axis says which one is time, 0 or 1; got "
            f"axis={axis} and data of shape {data.shape}"
        )
    data = _time_first(data, axis)
    if not use:
        return data, None
    if lengths is None:
        raise InvalidTypeError(f"{what}: use_sequence_length=True needs sequence_length")
    lengths = F.cast(array_of(lengths, what, data._ctx), dtype=numpy.int64)
    if lengths.shape != (data.shape[1],):
        raise InvalidValueError(
            f"{what}: sequence_length has shape {lengths.shape} for a batch of {data.shape[1]}"
        )
    return data, lengths


def _time_first(data: Any, axis: int) -> Any:
    return F.swapaxes(data, axis1=0, axis2=1) if axis else data


@NPX.adapter("sequence_mask", arrays=2)
def sequence_mask(
    data: Any, sequence_length: Any = None, use_sequence_length: bool = False, value: float = 0.0,
    axis: int = 0,
) -> Any:
    """`data` with `value` after the end of each sequence of the batch."""
    data, lengths = _sequences("sequence_mask", data, sequence_length, use_sequence_length, axis)
    if lengths is None:
        return F.copy(_time_first(data, axis))
    inside = F.transpose(F.before(lengths, n=data.shape[0]))
    inside = F.reshape(inside, shape=inside.shape + (1,) * (data.ndim - 2))
    return _time_first(F.where(inside, data, value), axis)


@NPX.adapter("sequence_last", arrays=2)
def sequence_last(
    data: Any, sequence_length: Any = None, use_sequence_length: bool = False, axis: int = 0,
) -> Any:
    """The last element of each sequence of the batch."""
    data, lengths = _sequences("sequence_last", data, sequence_length, use_sequence_length, axis)
    return F.copy(data[-1]) if lengths is None else data[lengths - 1, numpy.arange(data.shape[1])]


@NPX.adapter("sequence_reverse", arrays=2)
def sequence_reverse(
    data: Any, sequence_length: Any = None, use_sequence_length: bool = False, axis: int = 0,
) -> Any:
    """Each sequence of the batch in reverse order; what is after its end stays."""
    data, lengths = _sequences("sequence_reverse", data, sequence_length, use_sequence_length, axis)
    if lengths is None:
        return _time_first(F.flip(data, axis=0), axis)
    steps = numpy.arange(data.shape[0]).reshape(-1, 1)
    time = wrap(ndarray, data._ctx.backend.from_host(steps), data._ctx)
    return _time_first(
        data[F.where(F.less(time, lengths), lengths - 1 - time, time), numpy.arange(data.shape[1])], axis
    )
