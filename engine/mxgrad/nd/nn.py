"""Adapters: functions of neural networks."""
from __future__ import annotations

from typing import Any

import numpy

from ..array import wrap
from ..base import as_dtype
from ..invoke import F
from ..ops import nn, norm
from ..ops.reduce import axes_of
from ..random import stream
from ..tape import state
from .array import needs_floats
from .functions import ND

# softmax ----------------------------------------------------------------------------------------------------


def _soft(softmax: Any, data: Any, length: Any, axis: int, temperature: float | None, dtype: Any,
          use_length: bool) -> Any:
    axes_of(axis, data.ndim)
    needs_floats(data._raw.dtype)
    if dtype is not None:
        needs_floats(as_dtype(dtype))
        data = F.cast(data, dtype=as_dtype(dtype))
    if temperature is not None and temperature != 1:
        data = data / temperature
    if not use_length:
        return softmax(data, axis=axis)
    if length is None:
        raise ValueError("use_length=True needs an array of lengths")
    if length.shape != data.shape[:axis % data.ndim] + data.shape[axis % data.ndim + 1:]:
        raise ValueError(f"lengths of shape {length.shape} for axis {axis} of data of shape {data.shape}")
    return nn.masked_softmax(F, softmax, data, length, axis)


@ND.composed("softmax", arrays=2)
def softmax(data: Any, length: Any = None, axis: int = -1, temperature: float | None = None,
            dtype: Any = None,
            use_length: bool = False, out: Any = None, name: Any = None) -> Any:
    """``exp(x / temperature)`` over its sum along `axis`, computed without overflow.

    With `use_length` only the first `length` places of the axis take part (an array shaped as `data` without
    the axis), and the others are 0.  `dtype` is that of the result.

    >>> from mxgrad import nd
    >>> nd.softmax(nd.array([0, 0])).asnumpy().tolist()
    [0.5, 0.5]
    """
    return _soft(F.softmax, data, length, axis, temperature, dtype, use_length)


@ND.composed("log_softmax")
def log_softmax(data: Any, axis: int = -1, temperature: float | None = None, dtype: Any = None,
                use_length: bool = False,
                length: Any = None, out: Any = None, name: Any = None) -> Any:
    """The logarithm of `softmax`, computed without overflow or underflow."""
    return _soft(F.log_softmax, data, length, axis, temperature, dtype, use_length)


@ND.composed("softmin")
def softmin(data: Any, axis: int = -1, temperature: float | None = None, dtype: Any = None,
            use_length: bool = False,
            length: Any = None, out: Any = None, name: Any = None) -> Any:
    """`softmax` of ``-data``."""
    return _soft(F.softmax, -data, length, axis, temperature, dtype, use_length)


def _masked(data: Any, mask: Any, temperature: float | None) -> Any:
    needs_floats(data._raw.dtype)
    return F.where(mask, data if temperature in (None, 1) else data / temperature, float("-inf"))


@ND.composed("masked_softmax", arrays=2)
def masked_softmax(data: Any, mask: Any, axis: int = -1, temperature: float | None = 1.0,
                   normalize: bool = True, out: Any = None, name: Any = None) -> Any:
    """Softmax over the places where `mask` is true; 0 at the others.  MXNet 2's.

    >>> from mxgrad import nd
    >>> nd.masked_softmax(nd.array([1, 1, 9]), nd.array([1, 1, 0])).asnumpy().tolist()
    [0.5, 0.5, 0.0]
    """
    return F.where(mask, F.softmax(_masked(data, mask, temperature), axis=axis), 0)


@ND.composed("masked_log_softmax", arrays=2)
def masked_log_softmax(data: Any, mask: Any, axis: int = -1, temperature: float | None = 1.0,
                       normalize: bool = True, out: Any = None, name: Any = None) -> Any:
    """The logarithm of `masked_softmax`; minus infinity where `mask` is false.  MXNet 2's."""
    return F.where(mask, F.log_softmax(_masked(data, mask, temperature), axis=axis), float("-inf"))


@ND.composed("SoftmaxActivation")
def SoftmaxActivation(data: Any, mode: str = "instance", out: Any = None, name: Any = None) -> Any:
    """Softmax over the last axis (mode 'instance'), or over axis 1 ('channel')."""
    if mode not in ("instance", "channel"):
        raise ValueError(f"mode is 'instance' or 'channel', not {mode!r}")
    needs_floats(data._raw.dtype)
    return F.softmax(data, axis=1 if mode == "channel" else -1)


@ND.composed("softmax_cross_entropy", arrays=2)
def softmax_cross_entropy(data: Any, label: Any, out: Any = None, name: Any = None) -> Any:
    """The sum over rows of minus the logarithm of the softmax at the row's label; shape (1,).

    >>> from mxgrad import nd
    >>> nd.softmax_cross_entropy(nd.zeros((2, 4)), nd.array([0, 3]))
    <BLANKLINE>
    [2.7725887]
    <NDArray 1 @cpu(0)>
    """
    if data.ndim != 2 or label.shape != data.shape[:1]:
        raise ValueError(
            f"a matrix and a label for each row are needed, got shapes {data.shape} and {label.shape}")
    return nn.softmax_cross_entropy(F, data, label)


# activations ------------------------------------------------------------------------------------------------


@ND.composed("Activation")
def Activation(data: Any, act_type: str, out: Any = None, name: Any = None) -> Any:
    """The elementwise function `act_type`: 'relu', 'sigmoid', 'softrelu', 'softsign' or 'tanh'."""
    needs_floats(data._raw.dtype)
    return nn.activation(F, data, act_type)


@ND.composed("LeakyReLU", arrays=2)
def LeakyReLU(data: Any, gamma: Any = None, act_type: str = "leaky", slope: float = 0.25,
              lower_bound: float = 0.125,
              upper_bound: float = 0.334, out: Any = None, name: Any = None) -> Any:
    """Activations that are the identity for positive numbers, or nearly so.

    `act_type` is 'leaky' (``slope * x`` below 0), 'elu' (``slope * (exp(x) - 1)``), 'selu', 'gelu', 'prelu'
    (the slope is the array `gamma`: one number, or one per channel), or 'rrelu' (the slope of each element is
    drawn between `lower_bound` and `upper_bound` when training, and is their mean otherwise).
    """
    needs_floats(data._raw.dtype)
    if act_type == "leaky":
        return F.leaky_relu(data, slope=slope)
    if act_type == "elu":
        return F.elu(data, slope=slope)
    if act_type == "selu":
        return nn.selu(F, data)
    if act_type == "gelu":
        return nn.gelu(F, data)
    if act_type == "prelu":
        if gamma is None:
            raise ValueError("act_type 'prelu' needs gamma, the array of slopes")
        return nn.prelu(F, data, gamma)
    if act_type != "rrelu":
        raise ValueError(f"act_type is 'leaky', 'elu', 'selu', 'gelu', 'prelu' or 'rrelu', not {act_type!r}")
    if not state.training:
        return F.leaky_relu(data, slope=(lower_bound + upper_bound) / 2)
    slopes = stream(data._ctx).uniform(lower_bound, upper_bound, data.shape, data._raw.dtype)
    return F.where(F.greater(data, 0), data, data * _beside(data, slopes))


def _beside(data: Any, host: numpy.ndarray) -> Any:
    """A host array as an array like `data`."""
    own = host.astype(data._raw.dtype, copy=False)
    backend = data._ctx.backend
    return wrap(type(data), own if backend.xp is numpy else backend.from_host(own), data._ctx)


@ND.composed("Dropout")
def Dropout(data: Any, p: float = 0.5, mode: str = "training", axes: Any = (), cudnn_off: bool = False,
            out: Any = None,
            name: Any = None) -> Any:
    """Each element becomes 0 with probability `p`, and is divided by ``1 - p`` otherwise; when training, or
    always with mode 'always'.

    Along `axes` elements share one draw.  The numbers come from the stream `mx.random.seed` starts.
    `cudnn_off` is accepted for MXNet's sake.

    >>> from mxgrad import nd
    >>> nd.Dropout(nd.array([1, 2, 3]), p=0.5).asnumpy().tolist()
    [1.0, 2.0, 3.0]
    """
    needs_floats(data._raw.dtype)
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability between 0 and 1, got {p}")
    if mode not in ("training", "always"):
        raise ValueError(f"mode is 'training' or 'always', not {mode!r}")
    shared = axes_of(tuple(axes), data.ndim)
    if p == 0 or mode == "training" and not state.training:
        return F.copy(data)
    keep = numpy.float32(1) - numpy.float32(p)
    shape = tuple(1 if i in shared else n for i, n in enumerate(data.shape))
    return data * _beside(data, stream(data._ctx).dropout_mask(keep, shape, data._raw.dtype))


# layers -----------------------------------------------------------------------------------------------------


@ND.composed("FullyConnected", arrays=3)
def FullyConnected(data: Any, weight: Any, bias: Any = None, num_hidden: int | None = None,
                   no_bias: bool = False,
                   flatten: bool = True, out: Any = None, name: Any = None) -> Any:
    """``data @ weight.T + bias``, `weight` of shape (`num_hidden`, features) and `bias` of shape
    (`num_hidden`,).

    All axes of `data` but the first are flattened into features before; without `flatten` only the last axis
    is.

    >>> from mxgrad import nd
    >>> nd.FullyConnected(nd.ones((2, 3)), nd.ones((1, 3)), nd.array([0.5]), num_hidden=1).asnumpy().tolist()
    [[3.5], [3.5]]
    """
    if num_hidden is None:
        raise TypeError("parameter 'num_hidden' is required")
    if bias is None and not no_bias:
        raise TypeError("a bias is needed unless no_bias=True")
    return nn.fully_connected(F, data, weight, None if no_bias else bias, num_hidden, bool(flatten))


@ND.composed("LayerNorm", arrays=3)
def LayerNorm(data: Any, gamma: Any, beta: Any, axis: int = -1, eps: float = 1e-5,
              output_mean_var: bool = False,
              out: Any = None, name: Any = None) -> Any:
    """`data` with mean 0 and variance 1 along `axis`, times `gamma` plus `beta`, vectors of that axis'
    length.

    With `output_mean_var` a list: the result, the mean, and the standard deviation (``sqrt(variance +
    eps)``).
    """
    result, mean, deviation = F.layer_norm(data, gamma, beta, axis=axis, eps=eps)
    return (result, F.stop_gradient(mean), F.stop_gradient(deviation)) if output_mean_var else result


@ND.composed("InstanceNorm", arrays=3)
def InstanceNorm(data: Any, gamma: Any, beta: Any, eps: float = 1e-3, out: Any = None,
                 name: Any = None) -> Any:
    """Each channel (axis 1) of each example with mean 0 and variance 1, times `gamma` plus `beta`, one per
    channel.
    """
    return norm.instance_norm(F, data, gamma, beta, eps)


@ND.composed("L2Normalization")
def L2Normalization(data: Any, eps: float = 1e-10, mode: str = "instance", out: Any = None,
                    name: Any = None) -> Any:
    """`data` over ``sqrt(sum of squares + eps)``: of each example (mode 'instance'), of each channel of it
    ('spatial'), or over the channels at each position ('channel').
    """
    needs_floats(data._raw.dtype)
    return nn.l2_normalized(F, data, eps, mode)


# sequences --------------------------------------------------------------------------------------------------


def _lengths(data: Any, sequence_length: Any, use_sequence_length: bool, axis: int) -> None:
    if axis not in (0, 1) or data.ndim < 2:
        raise ValueError(
            f"the sequence axis is 0 or 1 and the other one is the batch, got axis {axis} of {data.shape}")
    if use_sequence_length and sequence_length is None:
        raise ValueError("use_sequence_length=True needs an array of lengths")
    if use_sequence_length and sequence_length.shape != (data.shape[1 - axis],):
        raise ValueError(
            f"a length for each of {data.shape[1 - axis]} sequences is needed, got {sequence_length.shape}")


@ND.composed("SequenceMask", arrays=2)
def SequenceMask(data: Any, sequence_length: Any = None, use_sequence_length: bool = False,
                 value: float = 0.0,
                 axis: int = 0, out: Any = None, name: Any = None) -> Any:
    """`data` with `value` at the places of `axis` (0 or 1; the other one is the batch) after each sequence's
    length.
    """
    _lengths(data, sequence_length, use_sequence_length, axis)
    if not use_sequence_length:
        return F.copy(data)
    inside = F.before(sequence_length, n=data.shape[axis])
    if axis == 0:
        inside = F.transpose(inside)
    return F.where(F.reshape(inside, shape=inside.shape + (1,) * (data.ndim - 2)), data, value)


@ND.composed("SequenceLast", arrays=2)
def SequenceLast(data: Any, sequence_length: Any = None, use_sequence_length: bool = False, axis: int = 0,
                 out: Any = None, name: Any = None) -> Any:
    """The last element of each sequence along `axis` (0 or 1; the other one is the batch), which is then
    gone.
    """
    _lengths(data, sequence_length, use_sequence_length, axis)
    n = data.shape[axis]
    if not use_sequence_length:
        return F.getitem(data, key=(slice(None),) * axis + (n - 1,))
    return _along_sequences(data, F.expand_dims(sequence_length - 1, axis=0), axis)[0]


@ND.composed("SequenceReverse", arrays=2)
def SequenceReverse(data: Any, sequence_length: Any = None, use_sequence_length: bool = False, axis: int = 0,
                    out: Any = None, name: Any = None) -> Any:
    """Each sequence along the first axis backwards; what is after its length stays where it is."""
    _lengths(data, sequence_length, use_sequence_length, axis)
    if axis != 0:
        raise ValueError(f"the sequence axis is 0, got {axis}")
    if not use_sequence_length:
        return F.flip(data, axis=0)
    lengths = F.as_indices(sequence_length, what="lengths")
    inside = F.cast(F.transpose(F.before(lengths, n=data.shape[0])), dtype=as_dtype("int64"))
    places = F.cumsum(F.ones_like(inside), axis=0) - 1
    turned = places + inside * (lengths - 1 - places * 2)       # place t becomes length - 1 - t inside
    return _along_sequences(data, turned, 0)


def _along_sequences(data: Any, places: Any, axis: int) -> Any:
    """For each sequence (along axis 0 if `axis` is 0, else 1) its elements at `places`, of shape (count,
    batch).
    """
    if axis == 1:
        data = F.swapaxes(data, axis1=0, axis2=1)
    rest = tuple(data.shape[2:])
    index = F.broadcast_to(F.reshape(places, shape=places.shape + (1,) * len(rest)),
                           shape=places.shape + rest)
    return F.take_along_axis(data, index, axis=0)
