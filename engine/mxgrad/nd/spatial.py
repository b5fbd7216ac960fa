"""Adapters: sampling of images, pooling of regions, resizing, deformable convolution."""
from __future__ import annotations

from typing import Any

import numpy

from ..invoke import F
from ..ops import conv, spatial
from ..ops.shape import product
from .conv import given_bias
from .array import needs_floats
from .functions import ND

# spatial transformers ---------------------------------------------------------------------------------------


@ND.composed("GridGenerator")
def GridGenerator(data: Any, transform_type: str | None = None, target_shape: Any = (), out: Any = None,
                  name: Any = None) -> Any:
    """Where `BilinearSampler` looks: (batch, 2, height, width), first x, then y, from -1 to 1 over the image.

    Parameters
    ----------
    data : array
        For 'affine' a 2 x 3 matrix for each image, (batch, 6): the place (x, y) looks at
        ``matrix @ (x, y, 1)``.  For 'warp' a flow (batch, 2, height, width): each pixel looks so many pixels
        away, first x.
    transform_type : str
        'affine' or 'warp'.
    target_shape : tuple of int
        (height, width) of the result, for 'affine'.

    Examples
    --------
    >>> from mxgrad import nd
    >>> mirrored = nd.array([[-1, 0, 0, 0, 1, 0]])
    >>> nd.GridGenerator(mirrored, "affine", (2, 2))[0, 0].asnumpy().tolist()
    [[1.0, -1.0], [1.0, -1.0]]
    """
    if transform_type is None:
        raise TypeError("parameter 'transform_type' is required")
    needs_floats(data._raw.dtype)
    return spatial.grid(F, data, transform_type, target_shape)


@ND.composed("BilinearSampler", arrays=2)
def BilinearSampler(data: Any, grid: Any, cudnn_off: bool | None = None, out: Any = None,
                    name: Any = None) -> Any:
    """The images `data` (batch, channels, height, width) at the points `grid` (batch, 2, rows, columns):
    (batch, channels, rows, columns).

    A point is x and y from -1 to 1 over the centres of the first and the last pixels; values between pixels
    are interpolated, outside of the image there is 0.  Gradients flow to data and grid.  `cudnn_off` is
    accepted for MXNet's sake.

    >>> from mxgrad import nd
    >>> x = nd.array([[[[1, 2], [3, 4]]]])
    >>> nd.BilinearSampler(x, nd.array([[[[-1, 0]], [[0, 0]]]])).asnumpy().tolist()
    [[[[2.0, 2.5]]]]
    """
    needs_floats(data._raw.dtype)
    return spatial.sample_grid(F, data, grid)


@ND.composed("SpatialTransformer", arrays=2)
def SpatialTransformer(data: Any, loc: Any, target_shape: Any = (), transform_type: str | None = None,
                       sampler_type: str | None = None, cudnn_off: bool | None = None, out: Any = None,
                       name: Any = None) -> Any:
    """`BilinearSampler` on the grid that `GridGenerator` makes of the matrices `loc` (batch, 6).

    `transform_type` is 'affine' and `sampler_type` 'bilinear', the only ones there are.

    >>> from mxgrad import nd
    >>> x, same = nd.array([[[[1, 2], [3, 4]]]]), nd.array([[1, 0, 0, 0, 1, 0]])
    >>> nd.SpatialTransformer(x, same, (1, 3), "affine", "bilinear").asnumpy().tolist()
    [[[[2.0, 2.5, 3.0]]]]
    """
    for parameter, given, known in (("transform_type", transform_type, "affine"),
                                    ("sampler_type", sampler_type, "bilinear")):
        if given != known:
            raise ValueError(f"{parameter} is {known!r}, not {given!r}")
    return spatial.sample_grid(F, data, spatial.affine_grid(F, loc, target_shape))


# regions ----------------------------------------------------------------------------------------------------


@ND.composed("ROIPooling", arrays=2)
def ROIPooling(data: Any, rois: Any, pooled_size: Any = None, spatial_scale: float | None = None,
               out: Any = None, name: Any = None) -> Any:
    """The maximum of each bin of each region of the images `data`: (regions, channels, *pooled_size).

    Parameters
    ----------
    data : array
        (batch, channels, height, width).
    rois : array
        A row (image, x1, y1, x2, y2) for each region, both corners included; an image that is not there
        gives 0.  They are read from their device.  No gradient flows to them, since it is 0 almost
        everywhere.
    pooled_size : tuple of int
        Rows and columns of bins.
    spatial_scale : float
        Pixels of `data` per unit of the corners, which are rounded to pixels.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.arange(16).reshape((1, 1, 4, 4))
    >>> nd.ROIPooling(x, nd.array([[0, 0, 0, 3, 1]]), (1, 2), 1.0).asnumpy().tolist()
    [[[[5.0, 7.0]]]]
    """
    scale = spatial.check_rois(data, rois, spatial_scale)
    pooled = spatial.height_width(pooled_size, "pooled_size")
    most = spatial.largest_bin(numpy, rois.asnumpy(), pooled, scale, data.shape)
    return spatial.roi_pooling(F, data, rois, pooled, scale, most)


@ND.composed("contrib.ROIAlign", arrays=2)
def ROIAlign(data: Any, rois: Any, pooled_size: Any = None, spatial_scale: float | None = None,
             sample_ratio: int = -1, position_sensitive: bool = False, aligned: bool = False,
             out: Any = None, name: Any = None) -> Any:
    """The mean of interpolated points in each bin of each region of the images `data`: (regions, channels,
    *pooled_size).

    Parameters
    ----------
    data, rois, pooled_size, spatial_scale
        As in `ROIPooling`, but corners are not rounded.  No gradient flows to `rois`.
    sample_ratio : int
        Points per bin in each direction; the size of the bin in pixels, rounded up, if it is not positive
        (the largest of these is read from the device).
    position_sensitive : bool
        Each bin has channels of its own: there are channels x bins in `data`, the bins changing fastest.
    aligned : bool
        Pixel centres are at halves, and a region may be smaller than a pixel.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.arange(16).reshape((1, 1, 4, 4))
    >>> nd.contrib.ROIAlign(x, nd.array([[0, 0, 0, 2, 2]]), (1, 2), 1.0, sample_ratio=1).asnumpy().tolist()
    [[[[4.5, 5.5]]]]
    """
    scale = spatial.check_rois(data, rois, spatial_scale)
    pooled = spatial.height_width(pooled_size, "pooled_size")
    if sample_ratio > 0:
        most = (sample_ratio, sample_ratio)
    else:
        sizes = spatial.roi_sizes(F, rois.detach(), pooled, scale, aligned)
        rows, columns = (float(s.asnumpy().max(initial=1)) for s in sizes)
        if not max(rows, columns) <= 1e4:
            raise ValueError(f"rois has bins of up to {rows} x {columns} pixels")
        most = (-int(-rows // 1), -int(-columns // 1))
    return spatial.roi_align(F, data, rois, pooled, scale, sample_ratio, position_sensitive, aligned, most)


# sizes of images --------------------------------------------------------------------------------------------


@ND.composed("contrib.BilinearResize2D", arrays=2)
def BilinearResize2D(data: Any, like: Any = None, height: int = 1, width: int = 1,
                     scale_height: float | None = None, scale_width: float | None = None,
                     mode: str = "size", align_corners: bool = True, out: Any = None,
                     name: Any = None) -> Any:
    """The images `data` (batch, channels, height, width) in another size, values interpolated.

    Parameters
    ----------
    like : array
        With mode 'like', images whose height and width the result gets.
    height, width : int
        Those of the result, with mode 'size' and without scales.
    scale_height, scale_width : float, optional
        Factors instead (rounded down), with mode 'size' or 'odd_scale'; with the latter an odd length n
        becomes ``(n - 1) * scale + 1``.
    mode : str
        'size', 'odd_scale', 'like', or 'to_even_down', 'to_even_up', 'to_odd_down', 'to_odd_up': the next
        even or odd length.
    align_corners : bool
        Whether the centres of the corner pixels stay in the corners, or their outer edges; where there is
        one pixel it is the first.

    Examples
    --------
    >>> from mxgrad import nd
    >>> nd.contrib.BilinearResize2D(nd.array([[[[1, 2]]]]), height=1, width=3).asnumpy().tolist()
    [[[[1.0, 1.5, 2.0]]]]
    """
    spatial.image_of(data)
    needs_floats(data._raw.dtype)
    if mode not in spatial.RESIZE_MODES:
        raise ValueError(f"mode is one of {', '.join(map(repr, spatial.RESIZE_MODES))}, not {mode!r}")
    if (mode == "like") != (like is not None):
        raise TypeError("mode 'like' takes a second array, the others do not")
    if (scale_height is None) != (scale_width is None):
        raise TypeError("give scale_height and scale_width together")
    if like is not None:
        height, width = spatial.image_of(like, "like")[2:]
    else:
        height = spatial.resized_length(data.shape[2], height, scale_height, mode)
        width = spatial.resized_length(data.shape[3], width, scale_width, mode)
    return spatial.resize(F, data, height, width, align_corners)


@ND.composed("contrib.AdaptiveAvgPooling2D")
def AdaptiveAvgPooling2D(data: Any, output_size: Any = (), out: Any = None, name: Any = None) -> Any:
    """The means of `output_size` bins (height, width; one number serves both, and 1 is the default) into
    which the images `data` are divided.

    Bin i of m on an axis of n has the elements from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``.

    >>> from mxgrad import nd
    >>> nd.contrib.AdaptiveAvgPooling2D(nd.array([[[[1, 2, 3]]]]), (1, 2)).asnumpy().tolist()
    [[[[1.5, 2.5]]]]
    """
    needs_floats(data._raw.dtype)
    return spatial.adaptive_mean(F, data, output_size)


@ND.adapter("Crop", arrays="*")
def Crop(*data: Any, offset: Any = (0, 0), h_w: Any = (0, 0), center_crop: bool = False,
         num_args: int | None = None, out: Any = None, name: Any = None) -> Any:
    """A part of the images `data[0]` (batch, channels, height, width), at `offset` (row, column) or in the
    middle; of the size `h_w`, or of the second array's height and width.

    >>> from mxgrad import nd
    >>> nd.Crop(nd.arange(9).reshape((1, 1, 3, 3)), offset=(1, 1), h_w=(1, 2)).asnumpy().tolist()
    [[[[4.0, 5.0]]]]
    """
    if not 1 <= len(data) <= 2:
        raise TypeError(f"takes one array or two, got {len(data)}")
    x, *like = (ND.array(a, "data") for a in data)
    return ND.deliver(spatial.crop(F, x, like[0] if like else None, offset, h_w, center_crop), out, "Crop")


# convolutions that look elsewhere ---------------------------------------------------------------------------


@ND.composed("contrib.DeformableConvolution", arrays=4)
def DeformableConvolution(data: Any, offset: Any, weight: Any, bias: Any = None, kernel: Any = None,
                          stride: Any = (), dilate: Any = (), pad: Any = (), num_filter: int | None = None,
                          num_group: int = 1, num_deformable_group: int = 1, workspace: int = 1024,
                          no_bias: bool = False, layout: str | None = None, out: Any = None,
                          name: Any = None) -> Any:
    """A convolution of images whose windows look `offset` pixels away from where their elements are.

    Parameters
    ----------
    offset : array
        (batch, `num_deformable_group` x elements of the kernel x 2, height, width of the result): for each
        element of each window how far away it looks, first down, then right.  Values between pixels are
        interpolated; a place outside of the image counts as 0.
    num_deformable_group : int
        Channels are divided into so many groups, each with offsets of its own.
    data, weight, bias, kernel, stride, dilate, pad, num_filter, num_group, no_bias
        As in `Convolution`, for images; `layout` is 'NCHW'.
    workspace
        Accepted for MXNet's sake.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x, half = nd.array([[[[1, 2, 4]]]]), nd.array([[[[0, 0]], [[0.5, 0.5]]]])
    >>> w = nd.ones((1, 1, 1, 1))
    >>> nd.contrib.DeformableConvolution(
    ...     x, half, w, kernel=(1, 1), stride=(1, 2), num_filter=1, no_bias=True).asnumpy().tolist()
    [[[[1.5, 4.0]]]]
    """
    return spatial.deformable_convolution(
        F, data, offset, None, weight, given_bias(bias, no_bias), kernel, stride, dilate, pad, num_filter,
        num_group, num_deformable_group, layout)


@ND.composed("contrib.ModulatedDeformableConvolution", arrays=5)
def ModulatedDeformableConvolution(data: Any, offset: Any, mask: Any, weight: Any, bias: Any = None,
                                   kernel: Any = None, stride: Any = (), dilate: Any = (), pad: Any = (),
                                   num_filter: int | None = None, num_group: int = 1,
                                   num_deformable_group: int = 1, workspace: int = 1024,
                                   no_bias: bool = False, im2col_step: int = 64, layout: str | None = None,
                                   out: Any = None, name: Any = None) -> Any:
    """`DeformableConvolution` with every value that a window looks at multiplied by `mask`, (batch,
    `num_deformable_group` x elements of the kernel, height, width of the result).

    A pixel outside of the image counts as 0 in the interpolation.  `workspace` and `im2col_step` are accepted
    for MXNet's sake.

    >>> from mxgrad import nd
    >>> x, half = nd.array([[[[1, 2, 4]]]]), nd.array([[[[0, 0]], [[0.5, 0.5]]]])
    >>> m, w = nd.array([[[[1, 10]]]]), nd.ones((1, 1, 1, 1))
    >>> nd.contrib.ModulatedDeformableConvolution(
    ...     x, half, m, w, kernel=(1, 1), stride=(1, 2), num_filter=1, no_bias=True).asnumpy().tolist()
    [[[[1.5, 20.0]]]]
    """
    return spatial.deformable_convolution(
        F, data, offset, mask, weight, given_bias(bias, no_bias), kernel, stride, dilate, pad, num_filter,
        num_group, num_deformable_group, layout)


# correlation ------------------------------------------------------------------------------------------------


@ND.composed("Correlation", arrays=2)
def Correlation(data1: Any, data2: Any, kernel_size: int = 1, max_displacement: int = 1, stride1: int = 1,
                stride2: int = 1, pad_size: int = 0, is_multiply: bool = True, out: Any = None,
                name: Any = None) -> Any:
    """How alike patches of two batches of images are: (batch, displacements, rows, columns).

    Parameters
    ----------
    data1, data2 : array
        (batch, channels, height, width).
    kernel_size : int
        Height and width of a patch, odd.
    max_displacement, stride2 : int
        The patch of `data2` is moved by up to `max_displacement` pixels in each direction, in steps of
        `stride2`.
    stride1 : int
        Steps between patches.
    pad_size : int
        Zeros around both images.
    is_multiply : bool
        The mean of the products of the patches' elements, or of the absolute differences.

    Examples
    --------
    >>> from mxgrad import nd
    >>> x = nd.array([[[[1, 2, 3]]]])
    >>> nd.Correlation(x, x, max_displacement=1, pad_size=1)[0, 3:6, 0].asnumpy().tolist()
    [[0.0, 2.0, 6.0], [1.0, 4.0, 9.0], [2.0, 6.0, 0.0]]
    """
    return spatial.correlation(F, data1, data2, kernel_size, max_displacement, stride1, stride2, pad_size,
                               is_multiply)


# older names ------------------------------------------------------------------------------------------------


@ND.composed("Pooling_v1")
def Pooling_v1(data: Any, kernel: Any = (), pool_type: str = "max", global_pool: bool = False,
               pooling_convention: str = "valid", stride: Any = (), pad: Any = (), out: Any = None,
               name: Any = None) -> Any:
    """An old form of `Pooling`, for images and volumes.

    `pool_type` is 'max', 'avg' or 'sum'; a mean is the sum divided by all elements of the window, those
    outside of the image, too.

    >>> from mxgrad import nd
    >>> nd.Pooling_v1(nd.array([[[[1, 3, 2]]]]), kernel=(1, 2), pool_type="avg").asnumpy().tolist()
    [[[[2.0, 2.5]]]]
    """
    if data.ndim not in (4, 5):
        raise ValueError(f"data has four or five axes, got shape {data.shape}")
    for parameter, given, known in (("pool_type", pool_type, ("max", "avg", "sum")),
                                    ("pooling_convention", pooling_convention, ("valid", "full"))):
        if given not in known:
            raise ValueError(f"{parameter} is one of {', '.join(map(repr, known))}, not {given!r}")
    mean = pool_type == "avg" and not global_pool
    y = conv.pooling(F, data, kernel, "sum" if mean else pool_type, global_pool, pooling_convention, stride,
                     pad, None, None, None)
    return y / product(conv.kernel_lengths(kernel)) if mean else y
