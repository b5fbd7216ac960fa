"""Functions of neural networks: primitives, and compositions ``name(F, ...)`` that both frontends share."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from ..base import as_indices, check_indices
from ..registry import composition, register
from .reduce import axes_of, kept_shape
from .shape import product

# softmax ----------------------------------------------------------------------------------------------------


def _softmax(xp: Any, data: Any, *, axis: int = -1) -> Any:
    """exp(x) / sum of exp(x) along `axis`, shifted by the maximum so that nothing overflows."""
    axes_of(axis, data.ndim)
    if data.size == 0:
        return data.copy()
    e = xp.exp(data - xp.max(data, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@composition
def softmax_dx(F: Any, g: Any, y: Any, axis: int = -1) -> Any:
    """The cotangent of softmax's argument."""
    return y * (g - F.sum(g * y, axis=axis, keepdims=True))


register("softmax", _softmax, lambda F, g, y, x, axis=-1: F.softmax_dx(g, y, axis=axis), keeps="y",
         result="float")


def _log_softmax(xp: Any, data: Any, *, axis: int = -1) -> Any:
    """The logarithm of softmax."""
    axes_of(axis, data.ndim)
    if data.size == 0:
        return data.copy()
    shifted = data - xp.max(data, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@composition
def log_softmax_dx(F: Any, g: Any, y: Any, axis: int = -1) -> Any:
    """The cotangent of log_softmax's argument."""
    return g - F.exp(y) * F.sum(g, axis=axis, keepdims=True)


register("log_softmax", _log_softmax, lambda F, g, y, x, axis=-1: F.log_softmax_dx(g, y, axis=axis),
         keeps="y", result="float")


def masked_softmax(F: Any, softmax: Callable[..., Any], data: Any, length: Any, axis: int = -1) -> Any:
    """`softmax` (or its logarithm) over the first `length` places of `axis`, and 0 at the others.

    `length` has the shape of `data` without that axis.
    """
    (axis,) = axes_of(axis, len(data.shape))
    inside = F.moveaxis(F.before(length, n=data.shape[axis]), source=-1, destination=axis)
    return F.where(inside, softmax(F.where(inside, data, float("-inf")), axis=axis), 0)


def _cross_entropy(xp: Any, data: Any, label: Any, *, axis: int = -1, keepdims: bool = False) -> Any:
    """Minus the logarithm of the softmax along `axis` at the place that `label` names, the nearest one for
    places outside.

    One op, and not minus `pick` of `log_softmax`, because it is the loss of most training steps.
    """
    shape = tuple(data.shape)
    (axis,) = axes_of(axis, len(shape))
    kept, rest = kept_shape(shape, axis), shape[:axis] + shape[axis + 1:]
    if tuple(label.shape) not in (rest, kept):
        raise ValueError(
            f"labels for axis {axis} of shape {shape} have shape {rest}, not {tuple(label.shape)}")
    if data.size == 0:
        return xp.empty(kept if keepdims else rest, data.dtype)
    shifted = data - xp.max(data, axis=axis, keepdims=True)
    at = xp.minimum(xp.maximum(as_indices(label).reshape(kept), 0), shape[axis] - 1)
    total = xp.sum(xp.exp(shifted), axis=axis, keepdims=True)
    out = xp.log(total) - xp.take_along_axis(shifted, at, axis=axis)
    return out if keepdims else out.reshape(rest)


@composition
def cross_entropy_dx(F: Any, g: Any, data: Any, label: Any, axis: int = -1) -> Any:
    """The cotangent of cross_entropy's data, from that of its result, with or without `axis`.

    The softmax is computed once more: to keep it would cost more than that, on large arrays.
    """
    shape = tuple(data.shape)
    (axis,) = axes_of(axis, len(shape))
    at = F.reshape(F.cast(label, dtype="int64"), shape=shape[:axis] + shape[axis + 1:])
    at = F.clip(at, a_min=0, a_max=shape[axis] - 1)
    hot = F.moveaxis(F.one_hot(at, depth=shape[axis], dtype=data.dtype), source=-1, destination=axis)
    return (F.softmax(data, axis=axis) - hot) * F.reshape(g, shape=kept_shape(shape, axis))


register("cross_entropy", _cross_entropy,
         lambda F, g, y, data, label, axis=-1, keepdims=False:
         F.cross_entropy_dx(g, data, label, axis=axis),
         None, mixed=True)


def softmax_cross_entropy(F: Any, data: Any, label: Any) -> Any:
    """The sum over rows of minus the logarithm of the softmax at the row's label."""
    return F.sum(F.cross_entropy(data, label))


# outputs with gradients of their own ------------------------------------------------------------------------


def _softmax_axis(ndim: int, multi_output: bool) -> int:
    return 1 if multi_output else ndim - 1


def _softmax_output(
    xp: Any, data: Any, label: Any, *, grad_scale: float = 1.0, ignore_label: float = -1.0,
    multi_output: bool = False, use_ignore: bool = False, preserve_shape: bool = False,
    normalization: str = "null", out_grad: bool = False, smooth_alpha: float = 0.0,
) -> Any:
    """Softmax of `data` along the last axis (axis 1 with `multi_output`), with the gradient of the cross
    entropy.

    The gradient by `data` is ``grad_scale * (softmax - one-hot label)`` whatever the head gradient, unless
    `out_grad` multiplies it in.  `label` has the places, or the probabilities in the shape of `data`.
    `normalization` divides: by the number of examples ('batch'), by the number of labels that are not
    `ignore_label` ('valid'), or not at all ('null'); with `multi_output` and not 'valid', by the number of
    places per example, too.  `use_ignore` zeroes the gradient where the label is `ignore_label`;
    `smooth_alpha` moves that much of the label's probability to the others.
    """
    if normalization not in ("null", "batch", "valid"):
        raise ValueError(f"normalization is 'null', 'batch' or 'valid', not {normalization!r}")
    for name, number in (
        ("grad_scale", grad_scale), ("ignore_label", ignore_label), ("smooth_alpha", smooth_alpha),
    ):
        if not isinstance(number, Real):
            raise TypeError(f"{name} is a number, got {number!r}")
    if data.ndim < 2 and multi_output:
        raise ValueError(f"multi_output needs two axes, data has shape {tuple(data.shape)}")
    axis = _softmax_axis(data.ndim, multi_output)
    if label.shape != data.shape and label.size * data.shape[axis] != data.size:
        raise ValueError(f"labels of shape {tuple(label.shape)} do not fit data of shape {tuple(data.shape)}")
    if label.shape != data.shape:       # said here, where the user's call is, and not in the backward
        check_indices(label, "labels")
    return _softmax(xp, data, axis=axis)


def _softmax_output_ddata(
    F: Any, g: Any, y: Any, data: Any, label: Any, grad_scale: float = 1.0, ignore_label: float = -1.0,
    multi_output: bool = False, use_ignore: bool = False, preserve_shape: bool = False,
    normalization: str = "null", out_grad: bool = False, smooth_alpha: float = 0.0,
) -> Any:
    shape = tuple(data.shape)
    axis = _softmax_axis(len(shape), multi_output)
    # Not y: what is read here has the derivative of softmax, and y the defined one.
    p = F.softmax(data, axis=axis)
    if tuple(label.shape) == shape:
        ct = (p - F.cast(label, dtype=data.dtype)) * grad_scale
        return ct * g if out_grad else ct
    n = shape[axis]
    label = F.reshape(label, shape=shape[:axis] + shape[axis + 1:])
    hot = F.one_hot(
        label, depth=n, on_value=1 - smooth_alpha, off_value=smooth_alpha / max(n - 1, 1), dtype=data.dtype)
    ct = p - F.moveaxis(hot, source=-1, destination=axis)
    valid = F.not_equal(label, ignore_label)
    if use_ignore:
        ct = F.where(F.expand_dims(valid, axis=axis), ct, 0)
    if normalization == "valid":
        ct = ct * (grad_scale / F.maximum(F.sum(F.cast(valid, dtype=data.dtype)), 1))
    else:
        places = product(shape[2:]) if multi_output else 1
        examples = shape[0] if multi_output else product(shape[:-1])
        ct = ct * (grad_scale / places / (examples if normalization == "batch" else 1))
    return ct * g if out_grad else ct


register("softmax_output", _softmax_output, _softmax_output_ddata, None, mixed=True,
         nd="SoftmaxOutput Softmax", nd_arrays=("data", "label"))


def _regression(
    name: str, public: str, link: Callable[..., Any], slope: Callable[..., Any], doc: str,
) -> None:
    def kernel(xp: Any, data: Any, label: Any, *, grad_scale: float = 1.0) -> Any:
        if label.size != data.size:
            raise ValueError(
                f"labels of shape {tuple(label.shape)} do not fit data of shape {tuple(data.shape)}")
        return link(xp, data)

    def rule(F: Any, g: Any, y: Any, data: Any, label: Any, grad_scale: float = 1.0) -> Any:
        per_example = max(1, product(label.shape[1:]))
        return slope(F, data, F.reshape(label, shape=data.shape)) * (grad_scale / per_example)

    register(name, kernel, rule, None, result="float", nd=public, nd_arrays=("data", "label"), doc=doc + (
        "  Its gradient by `data` does not depend on the head gradient and is divided by the number of "
        "labels per example."))


_regression(
    "linear_regression_output", "LinearRegressionOutput", lambda xp, x: x.copy(), lambda F, x, t: x - t,
    "`data`, with the gradient ``grad_scale * (data - label)`` of half the squared error.")
_regression(
    "logistic_regression_output", "LogisticRegressionOutput", lambda xp, x: 1 / (1 + xp.exp(-x)),
    lambda F, x, t: F.sigmoid(x) - t,
    "The sigmoid of `data`, with the gradient ``grad_scale * (sigmoid - label)`` of the cross entropy.")
_regression(
    "mae_regression_output", "MAERegressionOutput", lambda xp, x: x.copy(), lambda F, x, t: F.sign(x - t),
    "`data`, with the gradient ``grad_scale * sign(data - label)`` of the absolute error.")


def _make_loss(
    xp: Any, data: Any, *, grad_scale: float = 1.0, valid_thresh: float = 0.0, normalization: str = "null",
) -> Any:
    """`data` as a loss: its gradient is `grad_scale` whatever the head gradient, divided by the batch size
    ('batch') or the number of elements above `valid_thresh` ('valid').
    """
    if normalization not in ("null", "batch", "valid"):
        raise ValueError(f"normalization is 'null', 'batch' or 'valid', not {normalization!r}")
    return data.copy()


def _make_loss_ddata(
    F: Any, g: Any, y: Any, data: Any, grad_scale: float = 1.0, valid_thresh: float = 0.0,
    normalization: str = "null",
) -> Any:
    if normalization == "batch":
        grad_scale = grad_scale / data.shape[0]
    ct = F.fill(g, shape=data.shape, dtype=g.dtype, value=grad_scale)
    if normalization == "valid":
        ct = ct / F.maximum(F.sum(F.cast(F.greater(data, valid_thresh), dtype=data.dtype)), 1)
    return ct


register("make_loss", _make_loss, _make_loss_ddata, result="same", nd="make_loss MakeLoss",
         nd_arrays=("data",))

# activations ------------------------------------------------------------------------------------------------


def _leaky_relu(xp: Any, x: Any, *, slope: float = 0.25) -> Any:
    """x where it is positive, ``slope * x`` elsewhere; the derivative at 0 is `slope`."""
    return xp.where(x > 0, x, x * slope)


register("leaky_relu", _leaky_relu, lambda F, g, y, x, slope=0.25: F.where(x > 0, g, g * slope),
         broadcasts=True, result="float")


def _elu(xp: Any, x: Any, *, slope: float = 1.0) -> Any:
    """x where it is positive, ``slope * (exp(x) - 1)`` elsewhere; the derivative at 0 is `slope`."""
    return xp.where(x > 0, x, xp.expm1(x) * slope)


register("elu", _elu, lambda F, g, y, x, slope=1.0: F.where(x > 0, g, g * (y + slope)), keeps="xy",
         broadcasts=True, result="float")

# Klambauer et al., Self-Normalizing Neural Networks (2017).
_SELU_SCALE, _SELU_SLOPE = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def selu(F: Any, x: Any) -> Any:
    """The scaled exponential linear unit."""
    return F.elu(x, slope=_SELU_SLOPE) * _SELU_SCALE


def gelu(F: Any, x: Any) -> Any:
    """x times the probability that a standard normal number is below x (Hendrycks and Gimpel, 2016)."""
    return x * (F.erf(x * 0.5 ** 0.5) + 1) * 0.5


def prelu(F: Any, x: Any, gamma: Any) -> Any:
    """Leaky ReLU with a learnt slope: one, or one per channel (axis 1, or the only axis)."""
    if product(gamma.shape) == 1:
        gamma = F.reshape(gamma, shape=(1,) * len(x.shape))
    elif len(x.shape) > 1:
        gamma = F.reshape(gamma, shape=(1, -1) + (1,) * (len(x.shape) - 2))
    return F.where(F.greater(x, 0), x, x * gamma)


ACTIVATIONS = ("relu", "sigmoid", "tanh", "softrelu", "softsign")


def activation(F: Any, x: Any, act_type: str, known: tuple[str, ...] = ACTIVATIONS) -> Any:
    """The elementwise op of that name."""
    if act_type not in known:
        raise ValueError(f"act_type is one of {', '.join(map(repr, known))}, not {act_type!r}")
    return getattr(F, act_type)(x)


# layers -----------------------------------------------------------------------------------------------------


def _linear(xp: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """``x @ weight.T + bias`` along the last axis of `x`: one op, as most layers are one."""
    y = xp.dot(x, weight.T)
    if bias is not None:
        y += bias
    return y


@composition
def linear_dparams(F: Any, g: Any, x: Any) -> tuple[Any, Any]:
    """The cotangents of weight and bias, from matrices."""
    return F.dot(g, x, transpose_a=True), F.sum_to(g, shape=g.shape[1:])


def _linear_joint(
    F: Any, g: Any, y: Any, x: Any, weight: Any, bias: Any = None, wanted: Sequence[bool] = (True,) * 3,
) -> tuple[Any, ...]:
    dx = F.dot(g, weight) if wanted[0] else None
    of_bias = bias is not None and wanted[2]
    if not wanted[1]:
        return dx, None, F.sum_to(g, shape=bias.shape) if of_bias else None
    if len(x.shape) != 2:
        g, x = (F.reshape(v, shape=(product(v.shape[:-1]), v.shape[-1])) for v in (g, x))
    if of_bias:
        return dx, *F.linear_dparams(g, x)
    return dx, F.dot(g, x, transpose_a=True), None


register("linear", _linear, joint=_linear_joint, keeps="1|0|", result="same")


def fully_connected(F: Any, x: Any, weight: Any, bias: Any, num_hidden: int, flatten: bool = True) -> Any:
    """``x @ weight.T + bias``: all axes but the first are flattened before, or only the last is transformed.
    """
    shape = tuple(x.shape)
    features = product(shape[1:]) if flatten else shape[-1]
    if tuple(weight.shape) != (num_hidden, features):
        raise ValueError(
            f"num_hidden={num_hidden} and data of shape {shape} need weights of shape "
            f"{(num_hidden, features)}, got "
            f"{tuple(weight.shape)}")
    if bias is not None and tuple(bias.shape) != (num_hidden,):
        raise ValueError(
            f"num_hidden={num_hidden} needs a bias of shape {(num_hidden,)}, got {tuple(bias.shape)}")
    if flatten and len(shape) != 2:
        x = F.reshape(x, shape=(shape[0], features))
    return F.linear(x, weight) if bias is None else F.linear(x, weight, bias)


def on_axis(F: Any, v: Any, axis: int, ndim: int) -> Any:
    """A vector that broadcasts along `axis` of an array with `ndim` axes."""
    return F.reshape(v, shape=(1,) * axis + (-1,) + (1,) * (ndim - axis - 1))


def l2_normalized(F: Any, x: Any, eps: float, mode: str) -> Any:
    """`x` over its Euclidean norm: of each example ('instance'), of each channel of it ('spatial'), or over
    the channels at each position ('channel').
    """
    ndim = len(x.shape)
    axes = {"instance": tuple(range(1, ndim)), "channel": (1,), "spatial": tuple(range(2, ndim))}
    if mode not in axes:
        raise ValueError(f"mode is 'instance', 'channel' or 'spatial', not {mode!r}")
    return x / F.sqrt(F.sum(F.square(x), axis=axes[mode], keepdims=True) + eps)
