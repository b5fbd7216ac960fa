"""Convolution, pooling, padding, rearranged pixels (level 14)."""
from __future__ import annotations

from typing import Any

from ...base import InvalidValueError, numeric_types
from ...npx.switches import is_np_array
from ...symbol import parameter_shapes
from ..block import HybridBlock
from .activations import Activation

__all__ = [
    "AvgPool1D", "AvgPool2D", "AvgPool3D", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D",
    "Conv3DTranspose", "DeformableConvolution", "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D",
    "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "MaxPool1D", "MaxPool2D", "MaxPool3D",
    "ModulatedDeformableConvolution", "PixelShuffle1D", "PixelShuffle2D", "PixelShuffle3D",
    "ReflectionPad2D",
]

_LAYOUTS = (("NCW",), ("NCHW", "NHWC"), ("NCDHW", "NDHWC"))
_POOL_LAYOUTS = (("NCW", "NWC"), ("NCHW", "NHWC"), ("NCDHW", "NDHWC"))


def _lengths(value: Any, count: int, what: str) -> tuple[int, ...]:
    """A number for all spatial axes, or one for each."""
    if isinstance(value, numeric_types):
        return (value,) * count     # type: ignore[return-value]
    if len(value) != count:
        raise InvalidValueError(f"{what} must be a number or a list of {count} ints")
    return tuple(value)


def _known(layout: str, count: int, layouts: Any, what: str) -> None:
    if layout not in layouts[count - 1]:
        names = " and ".join(f"'{n}'" for n in layouts[count - 1])
        raise InvalidValueError(f"{what}: only supports {names} layout, got {layout!r}")


class _Conv(HybridBlock):
    """A convolution or transposed convolution over `_axes` spatial axes."""

    _axes = 0
    _op_name = "Convolution"

    def __init__(
        self, channels: int, kernel_size: Any, strides: Any, padding: Any, dilation: Any, groups: int,
        layout: str, in_channels: int, activation: str | None, use_bias: bool, weight_initializer: Any,
        bias_initializer: Any, adj: Any = None, **kwargs: Any,
    ) -> None:
        n = self._axes
        _known(layout, n, _LAYOUTS, type(self).__name__)
        super().__init__(**kwargs)
        self._channels, self._in_channels = channels, in_channels
        self._kwargs = {
            "kernel": _lengths(kernel_size, n, "kernel_size"), "stride": _lengths(strides, n, "strides"),
            "dilate": _lengths(dilation, n, "dilation"), "pad": _lengths(padding, n, "padding"),
            "num_filter": channels, "num_group": groups, "no_bias": not use_bias, "layout": layout,
        }
        if adj is not None:
            self._kwargs["adj"] = self.outpad = _lengths(adj, n, "output_padding")
        data = tuple(in_channels if axis == "C" else 1 for axis in layout)
        shapes = parameter_shapes(self._op_name, data, self._kwargs)
        self.act: Activation | None = None
        self.bias: Any = None
        with self.name_scope():
            self.weight = self.params.get("weight", shape=shapes["weight"], init=weight_initializer,
                                          allow_deferred_init=True)
            if use_bias:
                self.bias = self.params.get("bias", shape=shapes["bias"], init=bias_initializer,
                                            allow_deferred_init=True)
            if activation is not None:
                self.act = Activation(activation, prefix=activation + "_")

    def _alias(self) -> str:
        return "conv"

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        y = getattr(F, self._op_name)(x, weight, bias, name="fwd", **self._kwargs)
        return y if self.act is None else self.act(y)

    def __repr__(self) -> str:
        mapping = (self.weight.shape[1] or None, self.weight.shape[0])
        if is_np_array() and self._op_name == "Deconvolution":
            mapping = mapping[::-1]
        return (f"{type(self).__name__}({mapping[0]} -> {mapping[1]}"
                f"{_as_shown(self._kwargs, self.bias, self.act)})")


def _as_shown(k: dict[str, Any], bias: Any, act: Any) -> str:
    """What a convolution prints after its channels."""
    n = len(k["kernel"])
    text = f", kernel_size={k['kernel']}, stride={k['stride']}"
    if k["pad"] != (0,) * n:
        text += f", padding={k['pad']}"
    if k["dilate"] != (1,) * n:
        text += f", dilation={k['dilate']}"
    if k["num_group"] != 1:
        text += f", groups={k['num_group']}"
    if bias is None:
        text += ", bias=False"
    return text + (f", {act}" if act else "")


class _Convolution(_Conv):
    """Cross-correlation of the input with `channels` filters, plus a bias for each.

    Parameters
    ----------
    channels : int
        How many filters.
    kernel_size, strides, padding, dilation : int or tuple of int
        Elements of a filter, steps between windows, zeros on both sides, steps between a window's elements:
        one number, or one for each spatial axis.
    groups : int
        Channels and filters are divided into so many groups, each computed by itself.
    layout : str, optional
        Where the batch, the channels and the spatial axes are; the channels come second by default.
    activation : str, optional
        As `Activation` takes it.
    use_bias : bool
    weight_initializer, bias_initializer : Initializer or str, optional
    in_channels : int
        Channels of the input; 0 to learn them from the first one.
    """

    def __init__(
        self, channels: int, kernel_size: Any, strides: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1, layout: str | None = None, activation: str | None = None, use_bias: bool = True,
        weight_initializer: Any = None, bias_initializer: Any = "zeros", in_channels: int = 0, **kwargs: Any,
    ) -> None:
        super().__init__(channels, kernel_size, strides, padding, dilation, groups,
                         layout or _LAYOUTS[self._axes - 1][0], in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, **kwargs)


class Conv1D(_Convolution):
    __doc__ = f"{_Convolution.__doc__}\n    One spatial axis; `layout` is 'NCW'.\n    "
    _axes = 1


class Conv2D(_Convolution):
    __doc__ = f"""{_Convolution.__doc__}
    Two spatial axes; `layout` is 'NCHW' or 'NHWC'.

    Examples
    --------
    >>> import mxgrad as mx
    >>> layer = mx.gluon.nn.Conv2D(4, kernel_size=3, padding=1)
    >>> layer.initialize()
    >>> layer(mx.nd.zeros((2, 1, 5, 5))).shape
    (2, 4, 5, 5)
    """
    _axes = 2


class Conv3D(_Convolution):
    __doc__ = f"{_Convolution.__doc__}\n    Three spatial axes; `layout` is 'NCDHW' or 'NDHWC'.\n    "
    _axes = 3


class _ConvTranspose(_Conv):
    """What the gradient of a convolution by its input computes: every element lays its multiple of the
    filters over the output.

    `output_padding` is added to one side of the output; the other parameters are as in `Conv2D`.
    """

    _op_name = "Deconvolution"

    def __init__(
        self, channels: int, kernel_size: Any, strides: Any = 1, padding: Any = 0, output_padding: Any = 0,
        dilation: Any = 1, groups: int = 1, layout: str | None = None, activation: str | None = None,
        use_bias: bool = True, weight_initializer: Any = None, bias_initializer: Any = "zeros",
        in_channels: int = 0, **kwargs: Any,
    ) -> None:
        super().__init__(channels, kernel_size, strides, padding, dilation, groups,
                         layout or _LAYOUTS[self._axes - 1][0], in_channels, activation, use_bias,
                         weight_initializer, bias_initializer, output_padding, **kwargs)


class Conv1DTranspose(_ConvTranspose):
    __doc__ = f"{_ConvTranspose.__doc__}\n    One spatial axis.\n    "
    _axes = 1


class Conv2DTranspose(_ConvTranspose):
    __doc__ = f"{_ConvTranspose.__doc__}\n    Two spatial axes.\n    "
    _axes = 2


class Conv3DTranspose(_ConvTranspose):
    __doc__ = f"{_ConvTranspose.__doc__}\n    Three spatial axes.\n    "
    _axes = 3


class _Pooling(HybridBlock):
    """One number for each window of each channel."""

    _axes = 0
    _type = "max"

    def __init__(
        self, pool_size: Any, strides: Any, padding: Any, layout: str | None, ceil_mode: bool,
        global_pool: bool = False, count_include_pad: bool | None = None, **kwargs: Any,
    ) -> None:
        n = self._axes
        layout = layout or _POOL_LAYOUTS[n - 1][0]
        _known(layout, n, _POOL_LAYOUTS, type(self).__name__)
        super().__init__(**kwargs)
        size = _lengths(pool_size, n, "pool_size")
        self._kwargs = {
            "kernel": size, "stride": size if strides is None else _lengths(strides, n, "strides"),
            "pad": _lengths(padding, n, "padding"), "global_pool": global_pool, "pool_type": self._type,
            "layout": layout, "pooling_convention": "full" if ceil_mode else "valid",
        }
        if count_include_pad is not None:
            self._kwargs["count_include_pad"] = count_include_pad

    def _alias(self) -> str:
        return "pool"

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.Pooling(x, name="fwd", **self._kwargs)

    def __repr__(self) -> str:
        k = self._kwargs
        return (f"{type(self).__name__}(size={k['kernel']}, stride={k['stride']}, padding={k['pad']}, "
                f"ceil_mode={k['pooling_convention'] == 'full'}, global_pool={k['global_pool']}, "
                f"pool_type={k['pool_type']}, layout={k['layout']})")


class _MaxPool(_Pooling):
    """The maximum of each window of each channel.

    Parameters
    ----------
    pool_size, strides, padding : int or tuple of int
        Elements of a window, steps between windows (`pool_size` by default), places added on both sides.
    layout : str, optional
        Channels second by default; 'NWC', 'NHWC', 'NDHWC' for channels last.
    ceil_mode : bool
        Windows that reach over the end count, too.
    """

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = 0, layout: str | None = None,
                 ceil_mode: bool = False, **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, layout, ceil_mode, **kwargs)


class MaxPool1D(_MaxPool):
    __doc__ = f"{_MaxPool.__doc__}\n    One spatial axis.\n    "
    _axes = 1


class MaxPool2D(_MaxPool):
    __doc__ = f"{_MaxPool.__doc__}\n    Two spatial axes.\n    "
    _axes = 2


class MaxPool3D(_MaxPool):
    __doc__ = f"{_MaxPool.__doc__}\n    Three spatial axes.\n    "
    _axes = 3

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 layout: str | None = None, **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, layout, ceil_mode, **kwargs)


class _AvgPool(_Pooling):
    """The mean of each window of each channel; `count_include_pad` says whether padding counts, the other
    parameters are as in `MaxPool2D`.
    """

    _type = "avg"

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 layout: str | None = None, count_include_pad: bool = True, **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, layout, ceil_mode, False, count_include_pad, **kwargs)


class AvgPool1D(_AvgPool):
    __doc__ = f"{_AvgPool.__doc__}\n    One spatial axis.\n    "
    _axes = 1

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = 0, layout: str | None = None,
                 ceil_mode: bool = False, count_include_pad: bool = True, **kwargs: Any) -> None:
        super().__init__(pool_size, strides, padding, ceil_mode, layout, count_include_pad, **kwargs)


class AvgPool2D(_AvgPool):
    __doc__ = f"{_AvgPool.__doc__}\n    Two spatial axes.\n    "
    _axes = 2


class AvgPool3D(_AvgPool):
    __doc__ = f"{_AvgPool.__doc__}\n    Three spatial axes.\n    "
    _axes = 3


class _GlobalPool(_Pooling):
    """One number for each channel, of the whole image."""

    def __init__(self, layout: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, None, 0, layout, True, True, **kwargs)


class GlobalMaxPool1D(_GlobalPool):
    """The maximum of each channel; one spatial axis."""

    _axes = 1


class GlobalMaxPool2D(_GlobalPool):
    """The maximum of each channel; two spatial axes."""

    _axes = 2


class GlobalMaxPool3D(_GlobalPool):
    """The maximum of each channel; three spatial axes."""

    _axes = 3


class GlobalAvgPool1D(_GlobalPool):
    """The mean of each channel; one spatial axis."""

    _axes, _type = 1, "avg"


class GlobalAvgPool2D(_GlobalPool):
    """The mean of each channel; two spatial axes."""

    _axes, _type = 2, "avg"


class GlobalAvgPool3D(_GlobalPool):
    """The mean of each channel; three spatial axes."""

    _axes, _type = 3, "avg"


class ReflectionPad2D(HybridBlock):
    """Images (batch, channels, height, width) continued over their edges by reflection: by `padding` places
    on all sides, or as eight numbers (before and after for each axis) say.

    >>> import mxgrad as mx
    >>> mx.gluon.nn.ReflectionPad2D(1)(mx.nd.array([[[[1, 2], [3, 4]]]])).asnumpy()[0, 0].tolist()
    [[4.0, 3.0, 4.0, 3.0], [2.0, 1.0, 2.0, 1.0], [4.0, 3.0, 4.0, 3.0], [2.0, 1.0, 2.0, 1.0]]
    """

    def __init__(self, padding: Any = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._padding = (0,) * 4 + (padding,) * 4 if isinstance(padding, numeric_types) else tuple(padding)
        if len(self._padding) != 8:
            raise InvalidValueError(f"ReflectionPad2D: padding is a number or eight, got {padding}")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.pad(x, mode="reflect", pad_width=self._padding)


class DeformableConvolution(HybridBlock):
    """Cross-correlation at places moved by offsets, which another convolution of the input computes (Dai and
    others, arXiv:1703.06211).

    `num_deformable_group` groups of channels have offsets of their own; the weights and bias of the other
    convolution are `offset_…`, and zero at first; the other parameters are as in `Conv2D`.
    """

    _offsets = 2
    _op_name = "DeformableConvolution"

    def __init__(
        self, channels: int, kernel_size: Any = (1, 1), strides: Any = (1, 1), padding: Any = (0, 0),
        dilation: Any = (1, 1), groups: int = 1, num_deformable_group: int = 1, layout: str = "NCHW",
        use_bias: bool = True, in_channels: int = 0, activation: str | None = None,
        weight_initializer: Any = None, bias_initializer: Any = "zeros",
        offset_weight_initializer: Any = "zeros", offset_bias_initializer: Any = "zeros",
        offset_use_bias: bool = True, op_name: str | None = None, adj: Any = None, **kwargs: Any,
    ) -> None:
        _known(layout, 2, _LAYOUTS, type(self).__name__)
        super().__init__(**kwargs)
        self._kwargs: dict[str, Any] = {
            "kernel": _lengths(kernel_size, 2, "kernel_size"), "stride": _lengths(strides, 2, "strides"),
            "dilate": _lengths(dilation, 2, "dilation"), "pad": _lengths(padding, 2, "padding"),
            "num_group": groups, "layout": layout,
        }
        if adj:
            self._kwargs["adj"] = adj
        self._groups = num_deformable_group
        size = self._kwargs["kernel"][0] * self._kwargs["kernel"][1]
        self._own = {"num_filter": channels, "no_bias": not use_bias}
        self._offset = {"num_filter": self._offsets * size * num_deformable_group,
                        "no_bias": not offset_use_bias}
        data = tuple(in_channels if axis == "C" else 1 for axis in layout)
        self.act: Activation | None = None
        with self.name_scope():
            for start, own, inits in (
                ("offset", self._offset, (offset_weight_initializer, offset_bias_initializer)),
                ("deformable_conv", self._own, (weight_initializer, bias_initializer)),
            ):
                shapes = parameter_shapes("Convolution", data, {**self._kwargs, **own})
                for kind, init in zip(("weight", "bias"), inits):
                    wanted = kind == "weight" or not own["no_bias"]
                    setattr(self, f"{start}_{kind}", self.params.get(
                        f"{start}_{kind}", shape=shapes[kind], init=init, allow_deferred_init=True,
                    ) if wanted else None)
            if activation:
                self.act = Activation(activation, prefix=activation + "_")

    def _alias(self) -> str:
        return "deformable_conv"

    def hybrid_forward(
        self, F: Any, x: Any, offset_weight: Any, deformable_conv_weight: Any, offset_bias: Any = None,
        deformable_conv_bias: Any = None,
    ) -> Any:
        offset = F.Convolution(x, offset_weight, offset_bias, **self._kwargs, **self._offset)
        y = self._deformed(F, x, offset, deformable_conv_weight, deformable_conv_bias)
        return y if self.act is None else self.act(y)

    def _deformed(self, F: Any, x: Any, offset: Any, weight: Any, bias: Any) -> Any:
        return F.contrib.DeformableConvolution(x, offset, weight, bias, num_deformable_group=self._groups,
                                               name="fwd", **self._kwargs, **self._own)

    def __repr__(self) -> str:
        shape = self.deformable_conv_weight.shape       # type: ignore[attr-defined]
        shown = _as_shown(self._kwargs, self.deformable_conv_bias, self.act)    # type: ignore[attr-defined]
        return f"{type(self).__name__}({shape[1] or None} -> {shape[0]}{shown})"


class ModulatedDeformableConvolution(DeformableConvolution):
    """`DeformableConvolution` with a factor between 0 and 2 for each place, too, which the other convolution
    computes (Zhu and others, arXiv:1811.11168).
    """

    _offsets = 3

    def _alias(self) -> str:
        return "modulated_deformable_conv"

    def _deformed(self, F: Any, x: Any, offset: Any, weight: Any, bias: Any) -> Any:
        split = self._offset["num_filter"] // 3 * 2
        places = F.slice_axis(offset, axis=1, begin=0, end=split)
        mask = F.sigmoid(F.slice_axis(offset, axis=1, begin=split, end=None)) * 2
        return F.contrib.ModulatedDeformableConvolution(
            x, places, mask, weight, bias, num_deformable_group=self._groups, name="fwd", **self._kwargs,
            **self._own)


class _PixelShuffle(HybridBlock):
    """Groups of f channels become f places along each spatial axis (Shi and others, arXiv:1609.05158)."""

    _axes = 0

    def __init__(self, factor: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._factors = tuple(int(f) for f in _lengths(factor, self._axes, "factor"))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        n = self._axes
        # (N, C * f1 * …, W1, …) to (N, C, f1, …, W1, …), to (N, C, W1, f1, …), to (N, C, W1 * f1, …)
        left = 1
        for f in self._factors:
            left *= f
        x = F.reshape(x, shape=(0, -4, -1, left, -2))
        for i, f in enumerate(self._factors[:-1]):
            left //= f
            x = F.reshape(x, shape=(0,) * (2 + i) + (-4, f, left, -2))
        order = [0, 1]
        for i in range(n):
            order += [2 + n + i, 2 + i]
        x = F.transpose(x, axes=tuple(order))
        return F.reshape(x, shape=(0, 0) + (-3,) * n)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._factors[0] if self._axes == 1 else self._factors})"


class PixelShuffle1D(_PixelShuffle):
    """(N, C * f, W) becomes (N, C, W * f): groups of f channels become f places (Shi and others,
    arXiv:1609.05158).

    >>> import mxgrad as mx
    >>> mx.gluon.nn.PixelShuffle1D(2)(mx.nd.array([[[1, 2], [3, 4]]])).asnumpy().tolist()
    [[[1.0, 3.0, 2.0, 4.0]]]
    """

    _axes = 1


class PixelShuffle2D(_PixelShuffle):
    """(N, C * f * g, H, W) becomes (N, C, H * f, W * g), `factor` being f = g or both."""

    _axes = 2


class PixelShuffle3D(_PixelShuffle):
    """(N, C * f * g * h, D, H, W) becomes (N, C, D * f, H * g, W * h), `factor` being f = g = h or all three.
    """

    _axes = 3
