"""Adapters: convolution, pooling, upsampling, windows as columns."""
from __future__ import annotations

from typing import Any

from ..base import MXNetError, completed
from ..invoke import F, describe
from ..ops import conv
from .functions import ND


def given_bias(bias: Any, no_bias: bool) -> Any:
    """The bias, which is there exactly when `no_bias` is false."""
    if bias is None and not no_bias:
        raise TypeError("a bias is needed unless no_bias=True")
    if bias is not None and no_bias:
        raise TypeError("no_bias=True takes no bias, and one was given")
    return bias


@ND.composed("Convolution Convolution_v1", arrays=3)
def Convolution(data: Any, weight: Any, bias: Any = None, kernel: Any = None, stride: Any = (),
                dilate: Any = (), pad: Any = (), num_filter: int | None = None, num_group: int = 1,
                workspace: int = 1024, no_bias: bool = False, cudnn_tune: Any = None, cudnn_off: bool = False,
                layout: str | None = None, out: Any = None, name: Any = None) -> Any:
    """Cross-correlation of `data` with `num_filter` filters, plus a bias for each.

    Parameters
    ----------
    data : array
        (batch, channels, spatial axes): 1, 2 or 3 of them, as many as `kernel` has lengths.
    weight : array
        (`num_filter`, channels / `num_group`, kernel).
    bias : array, optional
        (`num_filter`,); left out with `no_bias`.
    kernel, stride, dilate, pad : tuple of int
        Per spatial axis: elements of a filter, steps between windows (1), steps between the elements of a
        window (1), zeros added on both sides (0).
    num_group : int
        Channels and filters are divided into so many groups, each computed by itself.
    layout : str, optional
        'NCW', 'NCHW', 'NCDHW' by the number of spatial axes; 'NWC', 'NHWC', 'NDHWC' for data and result with
        the channels last, and weights (`num_filter`, kernel, channels / `num_group`).
    workspace, cudnn_tune, cudnn_off
        Accepted for MXNet's sake.

    Returns
    -------
    array
        (batch, `num_filter`, windows), an axis of n having
        ``(n + 2 * pad - dilate * (kernel - 1) - 1) // stride + 1`` windows.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.array([[[1, 2, 4, 8]]])
    >>> w, b = nd.array([[[1, 10]]]), nd.array([0.5])
    >>> nd.Convolution(x, w, b, kernel=(2,), num_filter=1).asnumpy().tolist()
    [[[21.5, 42.5, 84.5]]]
    """
    return conv.convolution(F, data, weight, given_bias(bias, no_bias), kernel, stride, dilate, pad,
                            num_filter, num_group, layout)


@ND.composed("Deconvolution", arrays=3)
def Deconvolution(data: Any, weight: Any, bias: Any = None, kernel: Any = None, stride: Any = (),
                  dilate: Any = (), pad: Any = (), adj: Any = (), target_shape: Any = (),
                  num_filter: int | None = None, num_group: int = 1, workspace: int = 512,
                  no_bias: bool = True, cudnn_tune: Any = None, cudnn_off: bool = False,
                  layout: str | None = None, out: Any = None, name: Any = None) -> Any:
    """The transposed convolution: what the gradient of `Convolution` by its data computes.

    Every element of `data` (batch, channels, spatial axes) lays its multiple of the filters, `weight` of
    shape (channels, `num_filter` / `num_group`, kernel), over the result, and what overlaps is added.  An
    axis of n becomes ``stride * (n - 1) + dilate * (kernel - 1) + 1 - 2 * pad + adj``, `adj` being smaller
    than `stride`; a `target_shape` sets `pad` and `adj` so that this is the length it names.  There is no
    bias unless ``no_bias=False``.  The other parameters are as in `Convolution`.

    >>> from mxgrad import nd
    >>> x, w = nd.array([[[1, 2]]]), nd.array([[[1, 10, 100]]])
    >>> nd.Deconvolution(x, w, kernel=(3,), stride=(2,), num_filter=1).asnumpy().tolist()
    [[[1.0, 10.0, 102.0, 20.0, 200.0]]]
    """
    return conv.deconvolution(F, data, weight, given_bias(bias, no_bias), kernel, stride, dilate, pad, adj,
                              target_shape, num_filter, num_group, layout)


@ND.composed("Pooling")
def Pooling(data: Any, kernel: Any = (), pool_type: str = "max", global_pool: bool = False,
            cudnn_off: bool = False, pooling_convention: str = "valid", stride: Any = (), pad: Any = (),
            p_value: int | None = None, count_include_pad: bool | None = None, layout: str | None = None,
            out: Any = None, name: Any = None) -> Any:
    """One number for each window of each channel of `data` (batch, channels, 1 to 3 spatial axes).

    Parameters
    ----------
    kernel, stride, pad : tuple of int
        Per spatial axis: elements of a window, steps between windows (1), places added on both sides (0).
    pool_type : str
        'max', 'avg', 'sum' or 'lp': the `p_value`-th root (1, 2 or 3) of the sum of ``x ** p_value``.  The
        gradient of a maximum goes to the first element that has it.
    global_pool : bool
        One window, the whole image; `kernel`, `stride` and `pad` do not count.
    pooling_convention : str
        'valid': windows inside the padded axis, ``(n + 2 * pad - kernel) // stride + 1``; 'full': the
        quotient rounded up; 'same': ``n / stride`` rounded up, without `pad`.
    count_include_pad : bool, optional
        Whether the mean counts the padding, too (it does unless this is False).
    layout : str, optional
        'NCW', 'NCHW', 'NCDHW', or 'NWC', 'NHWC', 'NDHWC' for channels last.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.array([[[1, 3, 2, 4, 0]]])
    >>> nd.Pooling(x, kernel=(2,), stride=(2,)).asnumpy().tolist()
    [[[3.0, 4.0]]]
    >>> nd.Pooling(x, pool_type="avg", global_pool=True).asnumpy().tolist()
    [[[2.0]]]
    """
    return conv.pooling(F, data, kernel, pool_type, global_pool, pooling_convention, stride, pad, p_value,
                        count_include_pad, layout)


@ND.composed("im2col")
def im2col(data: Any, kernel: Any = None, stride: Any = (), dilate: Any = (), pad: Any = (), out: Any = None,
           name: Any = None) -> Any:
    """The windows of `data` (batch, channels, 1 to 3 spatial axes) as columns: (batch, channels x elements of
    a window, windows).

    >>> from mxgrad import nd
    >>> nd.im2col(nd.array([[[1, 2, 3]]]), kernel=(2,)).asnumpy().tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    return conv.windows_as_columns(F, data, kernel, stride, dilate, pad)


@ND.composed("col2im")
def col2im(data: Any, output_size: Any = None, kernel: Any = None, stride: Any = (), dilate: Any = (),
           pad: Any = (), out: Any = None, name: Any = None) -> Any:
    """Columns as `im2col` gives them added up to images with spatial axes of the lengths `output_size`.

    >>> from mxgrad import nd
    >>> nd.col2im(nd.array([[[1, 2], [2, 3]]]), output_size=(3,), kernel=(2,)).asnumpy().tolist()
    [[[1.0, 4.0, 3.0]]]
    """
    return conv.columns_as_image(F, data, output_size, kernel, stride, dilate, pad)


@ND.adapter("UpSampling", arrays="*")
def UpSampling(*data: Any, scale: int | None = None, num_filter: int = 0, sample_type: str | None = None,
               multi_input_mode: str = "concat", num_args: int | None = None, workspace: int = 512,
               out: Any = None, name: Any = None) -> Any:
    """Images (batch, channels, height, width) enlarged `scale` times.

    With `sample_type` 'nearest' every pixel is repeated; several images are enlarged to the same size, the
    first one's times `scale`, and joined along the channels (`multi_input_mode` 'concat') or added ('sum').
    With 'bilinear' the arrays are one image and kernels of shape (channels, 1, k, k), k being
    ``2 * scale - scale % 2``, for a transposed convolution channel by channel; `num_filter` is the number of
    channels.

    >>> from mxgrad import nd
    >>> nd.UpSampling(nd.array([[[[1, 2]]]]), scale=2, sample_type="nearest").asnumpy().tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    images = [ND.array(x, "data") for x in data]
    try:
        result = conv.upsampled(F, images, scale, num_filter, sample_type, multi_input_mode)
    except (ValueError, TypeError) as error:
        if isinstance(error, MXNetError):
            raise
        given = ", ".join(describe(x._data) for x in images)
        raise completed(error, f"UpSampling: {error} (called with {given})") from None
    return ND.deliver(result, out, "UpSampling")
