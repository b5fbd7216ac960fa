"""Adapters: nd.contrib's attention, normalisation, Fourier transforms, control flow and the rest."""
from __future__ import annotations

import math
from typing import Any

from .. import autograd, control
from ..base import as_dtype
from ..context import as_context
from ..invoke import F
from ..ndarray import to_context
from ..ops import contrib, nn
from ..ops.conv import whole
from ..tape import state
from .functions import ND
from .habits import reshape_codes
from .normalization import batch_norm
from .random import uniform

# attention --------------------------------------------------------------------------------------------------


@ND.composed("contrib.interleaved_matmul_selfatt_qk")
def interleaved_matmul_selfatt_qk(queries_keys_values: Any, heads: int | None = None, out: Any = None,
                                  name: Any = None) -> Any:
    """Attention scores ``q @ k.T / sqrt(size)`` of each head: (batch x heads, length, length).

    `queries_keys_values` are projections (length, batch, heads x 3 x size), for each head its query, key and
    value.

    >>> from mxgrad import nd
    >>> x = nd.array([[[1, 2, 3]], [[4, 5, 6]]])
    >>> nd.contrib.interleaved_matmul_selfatt_qk(x, heads=1).asnumpy().tolist()
    [[[2.0, 5.0], [8.0, 20.0]]]
    """
    return contrib.selfatt_qk(F, queries_keys_values, heads)


@ND.composed("contrib.interleaved_matmul_selfatt_valatt", arrays=2)
def interleaved_matmul_selfatt_valatt(queries_keys_values: Any, attention: Any, heads: int | None = None,
                                      out: Any = None, name: Any = None) -> Any:
    """Values weighted by `attention` (batch x heads, length, length): (length, batch, heads x size).

    `queries_keys_values` are projections (length, batch, heads x 3 x size), for each head its query, key and
    value.

    >>> from mxgrad import nd
    >>> x, half = nd.array([[[1, 2, 3]], [[4, 5, 6]]]), nd.ones((1, 2, 2)) / 2
    >>> nd.contrib.interleaved_matmul_selfatt_valatt(x, half, heads=1).asnumpy().tolist()
    [[[4.5]], [[4.5]]]
    """
    return contrib.selfatt_valatt(F, queries_keys_values, attention, heads)


@ND.composed("contrib.interleaved_matmul_encdec_qk", arrays=2)
def interleaved_matmul_encdec_qk(queries: Any, keys_values: Any, heads: int | None = None, out: Any = None,
                                 name: Any = None) -> Any:
    """Attention scores ``q @ k.T / sqrt(size)`` of each head: (batch x heads, queries, keys).

    `queries` are projections (queries, batch, heads x size), `keys_values` (keys, batch, heads x 2 x size),
    for each head its key and value.

    >>> from mxgrad import nd
    >>> nd.contrib.interleaved_matmul_encdec_qk(nd.array([[[3]]]), nd.array([[[1, 2]]]), heads=1).shape
    (1, 1, 1)
    """
    return contrib.encdec_qk(F, queries, keys_values, heads)


@ND.composed("contrib.interleaved_matmul_encdec_valatt", arrays=2)
def interleaved_matmul_encdec_valatt(keys_values: Any, attention: Any, heads: int | None = None,
                                     out: Any = None, name: Any = None) -> Any:
    """Values weighted by `attention` (batch x heads, queries, keys): (queries, batch, heads x size).

    `keys_values` are projections (keys, batch, heads x 2 x size), for each head its key and value.

    >>> from mxgrad import nd
    >>> x = nd.array([[[1, 2]], [[3, 4]]])
    >>> nd.contrib.interleaved_matmul_encdec_valatt(x, nd.array([[[1, 10]]]), heads=1).asnumpy().tolist()
    [[[42.0]]]
    """
    return contrib.encdec_valatt(F, keys_values, attention, heads)


@ND.composed("contrib.sldwin_atten_score", arrays=3)
def sldwin_atten_score(query: Any, key: Any, dilation: Any, w: int | None = None,
                       symmetric: bool | None = None, out: Any = None, name: Any = None) -> Any:
    """Products of each query with the keys in a window around it: (batch, length, heads, steps).

    Parameters
    ----------
    query, key : array
        (batch, length, heads, size).
    dilation : array
        (heads,): position i looks at ``i + s * dilation`` for the steps s; outside of the sequence there
        is 0.
    w : int
        The window reaches so many steps back, and with `symmetric` as many ahead: ``2 * w + 1`` steps, or
        ``w + 1``.
    symmetric : bool
        Whether positions look ahead, too.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.array([1, 2, 3]).reshape((1, 3, 1, 1))
    >>> nd.contrib.sldwin_atten_score(x, x, nd.array([1]), w=1, symmetric=True)[0, :, 0].asnumpy().tolist()
    [[0.0, 1.0, 2.0], [2.0, 4.0, 6.0], [6.0, 9.0, 0.0]]
    """
    return contrib.window_score(F, query, key, dilation, w, _required(symmetric))


def _required(symmetric: bool | None) -> bool:
    if symmetric is None:
        raise TypeError("parameter 'symmetric' is required")
    return bool(symmetric)


@ND.composed("contrib.sldwin_atten_mask_like", arrays=3)
def sldwin_atten_mask_like(score: Any, dilation: Any, valid_length: Any, w: int | None = None,
                           symmetric: bool | None = None, out: Any = None, name: Any = None) -> Any:
    """The mask of `sldwin_atten_score`: 1 where position and step are before the sequence's `valid_length`
    (batch,), else 0, in shape and dtype of `score`.

    >>> from mxgrad import nd
    >>> s, one = nd.zeros((1, 3, 1, 2)), nd.array([1])
    >>> nd.contrib.sldwin_atten_mask_like(s, one, nd.array([2]), w=1, symmetric=False)[0, :, 0].asnumpy()
    array([[0., 1.],
           [1., 1.],
           [0., 0.]], dtype=float32)
    """
    return contrib.window_mask(F, score, dilation, valid_length, w, _required(symmetric))


@ND.composed("contrib.sldwin_atten_context", arrays=3)
def sldwin_atten_context(score: Any, value: Any, dilation: Any, w: int | None = None,
                         symmetric: bool | None = None, out: Any = None, name: Any = None) -> Any:
    """The values (batch, length, heads, size) in the window of each position, weighted by `score` and added
    up; windows are those of `sldwin_atten_score`.

    >>> from mxgrad import nd
    >>> s, v = nd.ones((1, 3, 1, 2)), nd.array([1, 2, 3]).reshape((1, 3, 1, 1))
    >>> nd.contrib.sldwin_atten_context(s, v, nd.array([1]), w=1, symmetric=False).asnumpy().ravel().tolist()
    [1.0, 3.0, 5.0]
    """
    return contrib.window_context(F, score, value, dilation, w, _required(symmetric))


# normalisation ----------------------------------------------------------------------------------------------


@ND.composed("contrib.BatchNormWithReLU", arrays=5)
def BatchNormWithReLU(data: Any, gamma: Any, beta: Any, moving_mean: Any = None, moving_var: Any = None,
                      eps: float = 0.0010000000474974513, momentum: float = 0.9, fix_gamma: bool = True,
                      use_global_stats: bool = False, output_mean_var: bool = False, axis: int = 1,
                      cudnn_off: bool = False, min_calib_range: float | None = None,
                      max_calib_range: float | None = None, out: Any = None, name: Any = None) -> Any:
    """The positive part of `BatchNorm`, whose parameters these are.

    >>> from mxgrad import nd
    >>> x, ones, zeros = nd.array([[1, -2]]), nd.ones((2,)), nd.zeros((2,))
    >>> nd.contrib.BatchNormWithReLU(x, ones, zeros, zeros, ones, eps=0).asnumpy().tolist()
    [[1.0, 0.0]]
    """
    result = batch_norm(F, data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma,
                        use_global_stats, output_mean_var, axis)
    return (F.relu(result[0]), *result[1:]) if output_mean_var else F.relu(result)


def _with_variance(data: Any, gamma: Any, beta: Any, moving_mean: Any, moving_var: Any, eps: float,
                   momentum: float, fix_gamma: bool, use_global_stats: bool, output_mean_var: bool) -> Any:
    """`batch_norm` along axis 1 that gives the variance where BatchNorm gives one over its root."""
    result = batch_norm(F, data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma,
                        use_global_stats, output_mean_var, 1)
    return (*result[:2], 1 / F.square(result[2]) - eps) if output_mean_var else result


@ND.composed("contrib.SyncBatchNorm", arrays=5)
def SyncBatchNorm(data: Any, gamma: Any, beta: Any, moving_mean: Any = None, moving_var: Any = None,
                  eps: float = 1e-3, momentum: float = 0.9, fix_gamma: bool = True,
                  use_global_stats: bool = False, output_mean_var: bool = False, ndev: int = 1,
                  key: str | None = None, out: Any = None, name: Any = None) -> Any:
    """`BatchNorm` along axis 1 for the batches of `ndev` devices together, which here is one.

    Parameters are as in `BatchNorm`; with `output_mean_var` the third result is the variance.  `key`, the
    layer's name among devices, is required and not looked at.

    >>> from mxgrad import nd
    >>> x, ones, zeros = nd.array([[1, -2]]), nd.ones((2,)), nd.zeros((2,))
    >>> nd.contrib.SyncBatchNorm(x, ones, zeros, zeros, ones, eps=0, key="first").asnumpy().tolist()
    [[1.0, -2.0]]
    """
    if key is None:
        raise TypeError("parameter 'key' is required")
    if ndev != 1:
        raise ValueError(f"statistics are those of one device, ndev is 1, not {ndev!r}")
    return _with_variance(data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma,
                          use_global_stats, output_mean_var)


@ND.composed("BatchNorm_v1", arrays=5)
def BatchNorm_v1(data: Any, gamma: Any, beta: Any, moving_mean: Any = None, moving_var: Any = None,
                 eps: float = 1e-3, momentum: float = 0.9, fix_gamma: bool = True,
                 use_global_stats: bool = False, output_mean_var: bool = False, out: Any = None,
                 name: Any = None) -> Any:
    """An old form of `BatchNorm`, along axis 1; with `output_mean_var` the third result is the variance."""
    return _with_variance(data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma,
                          use_global_stats, output_mean_var)


@ND.composed("IdentityAttachKLSparseReg", arrays=2)
def IdentityAttachKLSparseReg(data: Any, moving_avg: Any = None, sparseness_target: float = 0.1,
                              penalty: float = 0.001, momentum: float = 0.9, out: Any = None,
                              name: Any = None) -> Any:
    """`data`, with the gradient of a penalty for units that are not active as rarely as they should be.

    Parameters
    ----------
    data : array
        (batch, units, ...), numbers between 0 and 1.
    moving_avg : array
        (units,): when training and recording it becomes ``moving_avg * momentum + mean * (1 - momentum)``, in
        place, the mean being that of the batch.
    sparseness_target, penalty : float
        The gradient of data is the head gradient plus ``penalty * ((1 - target) / (1 - avg) - target /
        avg)``, avg being the moving mean: the slope of the Kullback-Leibler divergence between them.
    """
    if moving_avg is None:
        raise TypeError("moving_avg is needed, an array of a number for each unit")
    if data.ndim < 2 or moving_avg.shape != data.shape[1:2]:
        raise ValueError(
            f"data has an axis of examples and one of units, moving_avg a number for each unit, got "
            f"{data.shape} and {moving_avg.shape}")
    average = moving_avg.detach()
    if state.training and state.recording:
        with autograd.pause():
            others = (0, *range(2, data.ndim))
            moving_avg._assign(average * momentum + F.mean(data.detach(), axis=others) * (1 - momentum))
            average = moving_avg.copy()
    slope = penalty * ((1 - sparseness_target) / (1 - average) - sparseness_target / average)
    # A term of value 0 whose gradient is the slope, whatever the head gradient.
    loss = data * nn.on_axis(F, slope, 1, data.ndim)
    return data + (F.make_loss(loss) - F.stop_gradient(loss))


# Fourier transforms, sketches, indices ----------------------------------------------------------------------


def _batched(data: Any) -> None:
    if data.ndim not in (2, 4):
        raise ValueError(f"data has two or four axes, got shape {data.shape}")


@ND.composed("contrib.fft")
def fft(data: Any, compute_size: int = 128, out: Any = None, name: Any = None) -> Any:
    """The discrete Fourier transform along the last axis of `data`, of two or four axes: (..., 2 d), real
    and imaginary parts in turn.  `compute_size` is accepted for MXNet's sake.

    >>> from mxgrad import nd
    >>> nd.contrib.fft(nd.array([[1, 2, 3, 4]])).asnumpy().tolist()
    [[10.0, 0.0, -2.0, 2.0, -2.0, 0.0, -2.0, -2.0]]
    """
    _batched(data)
    return F.fourier(data)


@ND.composed("contrib.ifft")
def ifft(data: Any, compute_size: int = 128, out: Any = None, name: Any = None) -> Any:
    """The real part of the inverse transform of what `fft` gives, not divided by its length.

    >>> from mxgrad import nd
    >>> nd.contrib.ifft(nd.contrib.fft(nd.array([[1, 2, 3, 4]]))).asnumpy().tolist()
    [[4.0, 8.0, 12.0, 16.0]]
    """
    _batched(data)
    return F.inverse_fourier(data)


@ND.composed("contrib.count_sketch", arrays=3)
def count_sketch(data: Any, h: Any, s: Any, out_dim: int | None = None, processing_batch_size: int = 32,
                 out: Any = None, name: Any = None) -> Any:
    """Each element of a row of `data` times its sign in `s`, added to the place of the result, of `out_dim`
    columns, that `h` names.

    `h` and `s` have the shape (1, columns of data).  `processing_batch_size` is accepted for MXNet's sake.

    >>> from mxgrad import nd
    >>> x, h, s = nd.array([[1, 2, 3]]), nd.array([[0, 2, 0]]), nd.array([[1, -1, 1]])
    >>> nd.contrib.count_sketch(x, h, s, out_dim=3).asnumpy().tolist()
    [[4.0, 0.0, -2.0]]
    """
    return contrib.count_sketch(F, data, h, s, out_dim)


@ND.composed("contrib.index_array")
def index_array(data: Any, axes: Any = None, out: Any = None, name: Any = None) -> Any:
    """The coordinates of each element of `data`, those along `axes` if they are given, on a new last axis:
    int64.

    >>> from mxgrad import nd
    >>> nd.contrib.index_array(nd.zeros((1, 2))).asnumpy().tolist()
    [[[0, 0], [0, 1]]]
    """
    return contrib.index_array(F, data, axes)


@ND.composed("contrib.SparseEmbedding", arrays=2)
def SparseEmbedding(data: Any, weight: Any, input_dim: int, output_dim: int, dtype: Any = "float32",
                    sparse_grad: bool = True, out: Any = None, name: Any = None) -> Any:
    """An old name of `Embedding`; gradients are dense."""
    return ND.function("Embedding")(data, weight, input_dim, output_dim)


@ND.composed("contrib.dynamic_reshape", arrays=2)
def dynamic_reshape(data: Any, shape: Any, out: Any = None, name: Any = None) -> Any:
    """`reshape` to the lengths, or codes, in the array `shape`, which is read from its device.

    >>> from mxgrad import nd
    >>> nd.contrib.dynamic_reshape(nd.zeros((2, 3, 4)), nd.array([0, -1])).shape
    (2, 12)
    """
    if shape.ndim != 1:
        raise ValueError(f"shape has one axis, got shape {shape.shape}")
    lengths = tuple(int(n) for n in shape.asnumpy())
    return F.reshape(data, shape=reshape_codes(data.shape, lengths))


# processes, random candidates -------------------------------------------------------------------------------


@ND.composed("contrib.hawkesll", arrays=8)
def hawkesll(lda: Any, alpha: Any, beta: Any, state: Any, lags: Any, marks: Any, valid_length: Any,
             max_time: Any, out: Any = None, name: Any = None) -> Any:
    """A list: the log likelihood of each sequence of events of K independent Hawkes processes, (N,), and
    their memory at the end, (N, K).

    Process k has at time t the intensity
    ``lda + alpha * beta * (exp(-beta * t) * state + sum of exp(-beta * (t - t_i)) over its events t_i)``
    (Bacry, Mastromatteo and Muzy, Hawkes processes in finance, 2015).

    Parameters
    ----------
    lda : array
        (N, K): background intensities.
    alpha, beta : array
        (K,): branching ratios and decays.
    state : array
        (N, K): the memory of events before.
    lags : array
        (N, T): times since the event before.
    marks : array
        (N, T): the process of each event.
    valid_length, max_time : array
        (N,): how many events there are, and how long they were looked for.

    Examples
    --------
    >>> from mxgrad import nd
    >>> one = nd.ones((1,))
    >>> likelihood, memory = nd.contrib.hawkesll(
    ...     nd.array([[2]]), one * 0, one, nd.zeros((1, 1)), nd.array([[1]]), nd.array([[0]]), one, one * 3)
    >>> likelihood.asnumpy().round(3).tolist()      # log(2) - 2 * 3
    [-5.307000160217285]
    """
    return contrib.hawkes(F, lda, alpha, beta, state, lags, marks, valid_length, max_time)


@ND.adapter("contrib.rand_zipfian")
def rand_zipfian(true_classes: Any, num_sampled: int, range_max: int, ctx: Any = None) -> Any:
    """Candidates drawn with ``P(k) = log((k + 2) / (k + 1)) / log(range_max + 1)``, with replacement.

    Parameters
    ----------
    true_classes : array
        Classes whose expected counts are asked for, too; one axis.
    num_sampled, range_max : int
        How many candidates, and of how many classes, 0 to ``range_max - 1``.
    ctx : Context, optional
        Of the results; the current one by default.

    Returns
    -------
    samples, expected_count_true, expected_count_sample : array
        The candidates, int64, and how often the true classes and the candidates are expected, float64.

    Examples
    --------
    >>> from mxgrad import nd
    >>> samples, true, expected = nd.contrib.rand_zipfian(nd.array([3]), num_sampled=4, range_max=5)
    >>> samples.shape, true.asnumpy().round(3).tolist()
    ((4,), [0.498])
    """
    num_sampled, range_max = (whole(n, f"rand_zipfian: {name}") for n, name in (
        (num_sampled, "num_sampled"), (range_max, "range_max")))
    where = as_context(ctx)
    size = math.log(range_max + 1)
    drawn = uniform(0, size, shape=(num_sampled,), dtype="float64", ctx=where)
    int64, float64 = as_dtype("int64"), as_dtype("float64")
    samples = F.cast(F.exp(drawn) - 1, dtype=int64) % range_max
    classes = to_context(ND.array(true_classes, "true_classes"), where)
    counts = (F.log((c + 2) / (c + 1)) / size * num_sampled for c in (
        F.cast(classes, dtype=float64), F.cast(samples, dtype=float64)))
    return (samples, *counts)


ND.adapter("contrib.uniform", arrays=0)(uniform)

# control flow -----------------------------------------------------------------------------------------------

ND.adapter("contrib.foreach", arrays=0)(control.foreach)
ND.adapter("contrib.while_loop", arrays=0)(control.while_loop)
ND.adapter("contrib.cond", arrays=0)(control.cond)
