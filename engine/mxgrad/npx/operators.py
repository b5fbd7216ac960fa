"""Operators of MXNet beyond NumPy's: adapters with MXNet 2's signatures."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from numbers import Integral
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..documentation import without_examples, written
from ..invoke import F
from ..nd.conv import given_bias
from ..nd.functions import ND
from ..nd.normalization import batch_norm as _batch_norm
from ..np.array import ndarray
from ..np.functions import array_of, place, shared
from ..ops import conv, nn, norm as _norms
from ..ops.index import Slot, pick as _pick
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
    target = tuple(int(n) for n in ((newshape,) if isinstance(newshape, Integral) else newshape))
    return F.reshape(a, shape=reshape_codes(a.shape, target, reverse))


# operators that nd has with the same parameters -----------------------------------------------------------

AS_IN_ND = {
    "add_n": "add_n", "arange_like": "contrib.arange_like", "batch_dot": "batch_dot",
    "batch_norm_with_relu": "contrib.BatchNormWithReLU",
    "deformable_convolution": "contrib.DeformableConvolution",
    "modulated_deformable_convolution": "contrib.ModulatedDeformableConvolution",
    "roi_pooling": "ROIPooling", "sync_batch_norm": "contrib.SyncBatchNorm",
    **{n: f"contrib.{n}" for n in (
        "box_decode", "box_encode", "box_iou", "box_nms",
        "interleaved_matmul_encdec_qk", "interleaved_matmul_encdec_valatt", "interleaved_matmul_selfatt_qk",
        "interleaved_matmul_selfatt_valatt", "sldwin_atten_context", "sldwin_atten_mask_like",
        "sldwin_atten_score")},
    "batch_flatten": "flatten", "broadcast_like": "broadcast_like", "dropout": "Dropout",
    "instance_norm": "InstanceNorm", "layer_norm": "LayerNorm", "leaky_relu": "LeakyReLU", "pad": "pad",
    "reshape_like": "reshape_like", "sequence_last": "SequenceLast", "sequence_mask": "SequenceMask",
    "sequence_reverse": "SequenceReverse", "shape_array": "shape_array", "slice": "slice",
    "slice_channel": "split", "slice_like": "slice_like", "topk": "topk",
}


def _as_in_nd(name: str, theirs: str) -> None:
    f = ND.function(theirs)
    count: Any = getattr(f, "_array_count", 1)
    names = list(signature(f).parameters)[: 0 if count == "*" else count]

    @wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        n = len(args) if count == "*" else count
        ctx = place(args)
        args = tuple(array_of(a, name, ctx) if i < n and a is not None else a for i, a in enumerate(args))
        for k in names:
            if kwargs.get(k) is not None:
                kwargs[k] = array_of(kwargs[k], name, ctx)
        out = f(*args, **kwargs)
        return [array_of(o, name) for o in out] if isinstance(out, list) else array_of(out, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = without_examples(written(ND.table[theirs]))      # they show arrays of nd
    NPX.adapter(name, count)(function)


for _name, _theirs in AS_IN_ND.items():
    _as_in_nd(_name, _theirs)

# elementwise and sums -----------------------------------------------------------------------------------


@NPX.adapter("cast")
def cast(data: Any, dtype: Any) -> Any:
    """A copy with another dtype; the gradient is cast back."""
    return F.cast(array_of(data, "cast"), dtype=as_dtype(dtype))


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
    return a, F.as_indices(ind, what="indices")


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


@NPX.adapter("softmax")
def softmax(
    data: Any, length: Any = None, axis: int = -1, temperature: float | None = None, use_length: bool = False,
    dtype: Any = None,
) -> Any:
    """exp(x) / sum of exp(x) along `axis`, x divided by `temperature` first; with `use_length` only the first
    `length` places of the axis count, the others are 0.

    >>> from mxgrad import np, npx
    >>> npx.softmax(np.zeros(2))
    array([0.5, 0.5])
    """
    data = array_of(data, "softmax")
    length = None if length is None else array_of(length, "softmax", data._ctx)
    return ND.function("softmax")(data, length, axis, temperature, dtype, use_length)


@NPX.adapter("log_softmax")
def log_softmax(
    data: Any, axis: int = -1, length: Any = None, temperature: float | None = None, use_length: bool = False,
    dtype: Any = None,
) -> Any:
    """The logarithm of `softmax`; with `use_length` 0 at the places that do not count."""
    data = array_of(data, "log_softmax")
    length = None if length is None else array_of(length, "log_softmax", data._ctx)
    return ND.function("log_softmax")(data, axis, temperature, dtype, use_length, length)


@NPX.adapter("masked_softmax", arrays=2)
def masked_softmax(
    data: Any, mask: Any, axis: int = -1, temperature: float = 1.0, normalize: bool = True,
) -> Any:
    """Softmax over the places where `mask` is true; 0 at the others."""
    data = array_of(data, "masked_softmax")
    mask = array_of(mask, "masked_softmax", data._ctx)
    return ND.function("masked_softmax")(data, mask, axis, temperature)


@NPX.adapter("masked_log_softmax", arrays=2)
def masked_log_softmax(
    data: Any, mask: Any, axis: int = -1, temperature: float = 1.0, normalize: bool = True,
) -> Any:
    """The logarithm of `masked_softmax`; minus infinity where `mask` is false."""
    data = array_of(data, "masked_log_softmax")
    mask = array_of(mask, "masked_log_softmax", data._ctx)
    return ND.function("masked_log_softmax")(data, mask, axis, temperature)


ACTIVATIONS = nn.ACTIVATIONS + ("log_sigmoid", "mish")


@NPX.adapter("activation")
def activation(data: Any, act_type: str = "relu") -> Any:
    """The elementwise function named: relu, sigmoid, tanh, softrelu, softsign, log_sigmoid or mish."""
    data = array_of(data, "activation")
    if act_type == "mish":
        return ND.function("mish")(data)
    return shared("activation", nn.activation, data, act_type, ACTIVATIONS)


def _arrays(what: str, *values: Any, optional: int = 0) -> list[Any]:
    """Arguments as arrays beside each other; of the last `optional` ones None stays."""
    if any(v is None for v in values[:len(values) - optional]):
        raise InvalidTypeError(f"{what}: arrays are needed, one is None")
    ctx = place(values)
    return [None if v is None else array_of(v, what, ctx) for v in values]


@NPX.adapter("convolution", arrays=3)
def convolution(
    data: Any, weight: Any, bias: Any = None, kernel: Any = None, stride: Any = None, dilate: Any = None,
    pad: Any = None, num_filter: int = 1, num_group: int = 1, workspace: int = 1024, no_bias: bool = False,
    cudnn_tune: Any = None, cudnn_off: bool = False, layout: str | None = None,
) -> Any:
    """Cross-correlation of `data` (batch, channels, 1 to 3 spatial axes) with `num_filter` filters, plus a
    bias for each; parameters as in `nd.Convolution`.

    >>> from mxgrad import np, npx
    >>> npx.convolution(np.array([[[1., 2, 4]]]), np.array([[[1., 10]]]), kernel=(2,), no_bias=True)
    array([[[21., 42.]]])
    """
    data, weight, bias = _arrays("convolution", data, weight, bias, optional=1)

    def composed(F: Any) -> Any:
        return conv.convolution(F, data, weight, given_bias(bias, no_bias), kernel, stride, dilate, pad,
                                num_filter, num_group, layout)

    return shared("convolution", composed)


@NPX.adapter("deconvolution", arrays=3)
def deconvolution(
    data: Any, weight: Any, bias: Any = None, kernel: Any = None, stride: Any = None, dilate: Any = None,
    pad: Any = None, adj: Any = None, target_shape: Any = None, num_filter: int = 1, num_group: int = 1,
    workspace: int = 1024, no_bias: bool = False, cudnn_tune: Any = None, cudnn_off: bool = False,
    layout: str | None = None,
) -> Any:
    """The transposed convolution, plus a bias; parameters as in `nd.Deconvolution`.

    >>> from mxgrad import np, npx
    >>> w = np.array([[[1., 10, 100]]])
    >>> npx.deconvolution(np.array([[[1., 2]]]), w, kernel=(3,), stride=(2,), no_bias=True)
    array([[[  1.,  10., 102.,  20., 200.]]])
    """
    data, weight, bias = _arrays("deconvolution", data, weight, bias, optional=1)

    def composed(F: Any) -> Any:
        return conv.deconvolution(F, data, weight, given_bias(bias, no_bias), kernel, stride, dilate, pad,
                                  adj, target_shape, num_filter, num_group, layout)

    return shared("deconvolution", composed)


@NPX.adapter("pooling")
def pooling(
    data: Any, kernel: Any = None, stride: Any = None, pad: Any = None, pool_type: str = "max",
    pooling_convention: str = "valid", global_pool: bool = False, cudnn_off: bool = False,
    p_value: int | None = None, count_include_pad: bool | None = None, layout: str | None = None,
) -> Any:
    """One number for each window of each channel: maximum, 'avg', 'sum' or 'lp'; parameters as in
    `nd.Pooling`.

    >>> from mxgrad import np, npx
    >>> npx.pooling(np.array([[[1., 3, 2, 4]]]), kernel=(2,), stride=(2,))
    array([[[3., 4.]]])
    """
    return shared("pooling", conv.pooling, array_of(data, "pooling"), kernel, pool_type, global_pool,
                  pooling_convention, stride, pad, p_value, count_include_pad, layout)


@NPX.adapter("batch_norm", arrays=5)
def batch_norm(
    x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, eps: float = 1e-3,
    momentum: float = 0.9, fix_gamma: bool = True, use_global_stats: bool = False,
    output_mean_var: bool = False, axis: int = 1, cudnn_off: bool = False,
    min_calib_range: float | None = None, max_calib_range: float | None = None,
) -> Any:
    """`x` with mean 0 and variance 1 along every axis but `axis`, times `gamma` plus `beta`; parameters as in
    `nd.BatchNorm`.

    >>> from mxgrad import np, npx
    >>> npx.batch_norm(np.array([[1., 2]]), np.ones(2), np.ones(2), np.ones(2), np.ones(2), eps=0)
    array([[1., 2.]])
    """
    return shared("batch_norm", _batch_norm,
                  *_arrays("batch_norm", x, gamma, beta, running_mean, running_var), eps, momentum, fix_gamma,
                  use_global_stats, output_mean_var, axis)


@NPX.adapter("group_norm", arrays=3)
def group_norm(
    data: Any, gamma: Any, beta: Any, num_groups: int = 1, eps: float = 1e-3, output_mean_var: bool = False,
) -> Any:
    """Each of `num_groups` groups of channels (axis 1) of each example with mean 0 and variance 1, times
    `gamma` plus `beta`, one number per channel.

    With `output_mean_var` also, of shape (batch, groups), the means and the standard deviations
    (``sqrt(variance + eps)``), without gradients.

    >>> from mxgrad import np, npx
    >>> x = np.array([[[0.], [2], [0], [4]]])
    >>> npx.group_norm(x, np.ones(4), np.zeros(4), num_groups=2, eps=0).ravel()
    array([-1.,  1., -1.,  1.])
    """
    data, gamma, beta = _arrays("group_norm", data, gamma, beta)
    y, mean, deviation = shared("group_norm", _norms.group_norm, data, gamma, beta, num_groups, eps, False)
    return (y, F.stop_gradient(mean), F.stop_gradient(deviation)) if output_mean_var else y
