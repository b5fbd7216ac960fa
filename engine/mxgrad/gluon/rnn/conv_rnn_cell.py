"""Recurrent cells whose products are convolutions (level 15)."""
from __future__ import annotations

from typing import Any

from ...base import InvalidValueError, numeric_types
from .rnn_cell import ElmanStep, GatedCell, GRUStep, LSTMStep

__all__ = ["Conv1DGRUCell", "Conv1DLSTMCell", "Conv1DRNNCell", "Conv2DGRUCell", "Conv2DLSTMCell",
           "Conv2DRNNCell", "Conv3DGRUCell", "Conv3DLSTMCell", "Conv3DRNNCell"]


class _ConvCell(GatedCell):
    """Images as inputs and states: in the formulas W x and U h are convolutions, * is elementwise.

    Parameters
    ----------
    input_shape : tuple of int
        Of the inputs without the batch: (channels, ...), or (..., channels), as `conv_layout` says.  0
        channels are learned from the first input.
    hidden_channels : int
        Channels of h, which is the output and the (first) state.  Its images have the size that the
        convolution of the inputs gives; that of the state keeps it.
    i2h_kernel, h2h_kernel : int or tuple of int
        Sizes of both convolutions' filters; `h2h_kernel` is odd.
    i2h_pad, i2h_dilate, h2h_dilate : int or tuple of int
        As padding and dilation of `Conv2D`.
    i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer
        Of W, U, b and d: Initializer or str, optional.
    conv_layout : str, optional
        As layout of `Conv2D`: channels second by default.
    activation : str, LeakyReLU or callable
    prefix, params
        As in `Block`.
    """

    _dims = 0

    def __init__(
        self, input_shape: Any, hidden_channels: int, i2h_kernel: Any, h2h_kernel: Any, i2h_pad: Any = 0,
        i2h_dilate: Any = 1, h2h_dilate: Any = 1, i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, i2h_bias_initializer: Any = "zeros",
        h2h_bias_initializer: Any = "zeros", conv_layout: str | None = None, activation: Any = "tanh",
        prefix: str | None = None, params: Any = None,
    ) -> None:
        layout = conv_layout or "NC" + "DHW"[3 - self._dims:]
        kind, axis = type(self).__name__, layout.find("C")
        if len(input_shape) != self._dims + 1 or len(layout) != self._dims + 2 or axis < 1:
            raise InvalidValueError(f"{kind}: input_shape has {self._dims + 1} lengths, as conv_layout "
                                    f"without N says; got {tuple(input_shape)} and {layout!r}")
        super().__init__(prefix, params)
        self._hidden_channels, self._input_shape = hidden_channels, tuple(input_shape)
        self._conv_layout = self._state_layout = layout
        self._activation, self._axis = activation, axis
        kernel, pad, dilate, h_kernel, h_dilate = (
            self._lengths(name, value) for name, value in (
                ("i2h_kernel", i2h_kernel), ("i2h_pad", i2h_pad), ("i2h_dilate", i2h_dilate),
                ("h2h_kernel", h2h_kernel), ("h2h_dilate", h2h_dilate)))
        if any(k % 2 == 0 for k in h_kernel):
            raise InvalidValueError(f"{kind}: Only support odd number, get h2h_kernel= {h2h_kernel}")
        rows = hidden_channels * self._gates
        common = {"num_filter": rows, "stride": (1,) * self._dims, "layout": layout}
        self._i2h = {"kernel": kernel, "pad": pad, "dilate": dilate, **common}
        self._h2h = {"kernel": h_kernel, "pad": tuple(d * (k - 1) // 2 for d, k in zip(h_dilate, h_kernel)),
                     "dilate": h_dilate, **common}
        image = [n for i, n in enumerate(self._input_shape) if i != axis - 1]
        size = [n + 2 * p - d * (k - 1) if n else 0 for n, p, d, k in zip(image, pad, dilate, kernel)]
        self._state_shape = self._with_channels(hidden_channels, size)
        self._declare(
            i2h_weight=((rows, *self._with_channels(self._input_shape[axis - 1], kernel)),
                        i2h_weight_initializer),
            h2h_weight=((rows, *self._with_channels(hidden_channels, h_kernel)), h2h_weight_initializer),
            i2h_bias=((rows,), i2h_bias_initializer), h2h_bias=((rows,), h2h_bias_initializer))

    def _lengths(self, name: str, value: Any) -> tuple[int, ...]:
        if isinstance(value, numeric_types):
            return (value,) * self._dims        # type: ignore[return-value]
        if len(value) != self._dims:
            raise InvalidValueError(
                f"{type(self).__name__}: For {self._dims}D convolution, the convolution settings can only be "
                f"either int or list/tuple of length {self._dims}; got {name}={value}")
        return tuple(value)

    def _with_channels(self, channels: int, image: Any) -> tuple[int, ...]:
        """A shape without the batch."""
        at = self._axis - 1
        return (*image[:at], channels, *image[at:])

    def _sums(self, F: Any, inputs: Any, state: Any, i2h_weight: Any, h2h_weight: Any, i2h_bias: Any,
              h2h_bias: Any) -> tuple[Any, Any]:
        start = f"t{self._counter}_"
        return (F.Convolution(inputs, i2h_weight, i2h_bias, name=start + "i2h", **self._i2h),
                F.Convolution(state, h2h_weight, h2h_bias, name=start + "h2h", **self._h2h))

    def __repr__(self) -> str:
        shape = self.i2h_weight.shape       # type: ignore[attr-defined]
        return (f"{type(self).__name__}({shape[self._axis] or None} -> {shape[0]}, {self._activation}, "
                f"{self._conv_layout})")


class _ConvRNNCell(ElmanStep, _ConvCell):
    __doc__ = f"h = activation(W x + b + U h + d).\n\n    {_ConvCell.__doc__}"

    def _alias(self) -> str:
        return "conv_rnn"


class _ConvLSTMCell(LSTMStep, _ConvCell):
    __doc__ = f"""With the four parts i, f, g, o of W x + b + U h + d, c = s(f) c + s(i) a(g) and
    h = s(o) a(c), where a is the activation and s the sigmoid (Shi and others, arXiv:1506.04214).

    {_ConvCell.__doc__}"""

    def _alias(self) -> str:
        return "conv_lstm"


class _ConvGRUCell(GRUStep, _ConvCell):
    __doc__ = f"""With the three parts of W x + b and of U h + d, r = s(x_r + h_r), z = s(x_z + h_z),
    n = a(x_n + r h_n) and h = (1 - z) n + z h, where a is the activation and s the sigmoid.

    {_ConvCell.__doc__}"""

    def _alias(self) -> str:
        return "conv_gru"


class Conv1DRNNCell(_ConvRNNCell):
    __doc__ = f"{_ConvRNNCell.__doc__}\n    One spatial axis.\n    "
    _dims = 1


class Conv2DRNNCell(_ConvRNNCell):
    __doc__ = f"{_ConvRNNCell.__doc__}\n    Two spatial axes.\n    "
    _dims = 2


class Conv3DRNNCell(_ConvRNNCell):
    __doc__ = f"{_ConvRNNCell.__doc__}\n    Three spatial axes.\n    "
    _dims = 3


class Conv1DLSTMCell(_ConvLSTMCell):
    __doc__ = f"{_ConvLSTMCell.__doc__}\n    One spatial axis.\n    "
    _dims = 1


class Conv2DLSTMCell(_ConvLSTMCell):
    __doc__ = f"""{_ConvLSTMCell.__doc__}
    Two spatial axes.

    Examples
    --------
    >>> import mxgrad as mx
    >>> cell = mx.gluon.rnn.Conv2DLSTMCell((3, 8, 8), 4, i2h_kernel=3, h2h_kernel=3, i2h_pad=1)
    >>> cell.initialize()
    >>> outputs, states = cell.unroll(5, mx.nd.ones((2, 5, 3, 8, 8)), merge_outputs=True)
    >>> outputs.shape, [s.shape for s in states]
    ((2, 5, 4, 8, 8), [(2, 4, 8, 8), (2, 4, 8, 8)])
    """
    _dims = 2


class Conv3DLSTMCell(_ConvLSTMCell):
    __doc__ = f"{_ConvLSTMCell.__doc__}\n    Three spatial axes.\n    "
    _dims = 3


class Conv1DGRUCell(_ConvGRUCell):
    __doc__ = f"{_ConvGRUCell.__doc__}\n    One spatial axis.\n    "
    _dims = 1


class Conv2DGRUCell(_ConvGRUCell):
    __doc__ = f"{_ConvGRUCell.__doc__}\n    Two spatial axes.\n    "
    _dims = 2


class Conv3DGRUCell(_ConvGRUCell):
    __doc__ = f"{_ConvGRUCell.__doc__}\n    Three spatial axes.\n    "
    _dims = 3
