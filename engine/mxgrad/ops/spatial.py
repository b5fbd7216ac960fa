"""Sampling of images between pixels, pooling of regions, resizing, correlation of images.

Images are (batch, channels, height, width).  Most of this is composed of gathers and products, so that every
derivative of data and coordinates exists.
"""
from __future__ import annotations

from numbers import Integral
from typing import Any

from ..base import as_dtype
from ..registry import register
from .conv import Lengths, check_filters, fits, kernel_lengths, lengths, out_length, whole
from .shape import product

# points along a line ----------------------------------------------------------------------------------------


def _ramp(xp: Any, like: Any, *, n: int, start: float = 0, step: float = 1, dtype: Any) -> Any:
    """``start + step * i`` for i below `n`, on the device of `like`."""
    return (xp.arange(n) * step + start).astype(dtype)


register("ramp", _ramp, None, keeps="", mixed=True)


def image_of(x: Any, name: str = "data") -> Lengths:
    """The shape of an array that must be images."""
    if len(x.shape) != 4:
        raise ValueError(f"{name} has four axes (batch, channels, height, width), got shape {tuple(x.shape)}")
    return tuple(x.shape)


def height_width(value: Any, name: str) -> tuple[int, int]:
    """A required pair (height, width) of whole numbers of at least 1; one number serves both."""
    if value is None or isinstance(value, tuple) and not value:
        raise TypeError(f"parameter {name!r} is required: (height, width)")
    height, width = lengths((value, value) if isinstance(value, Integral) else value, name, 2, 1, 1)
    return height, width


# between pixels ---------------------------------------------------------------------------------------------


def bilinear(F: Any, x: Any, image: Any, row: Any, column: Any, edge: bool = False) -> Any:
    """Values of images between their pixels: (sets, channels, points).

    `row` and `column`, of shape (sets, points), say where to look, in pixels; `image`, int64 of shape
    (sets,), in which image of the batch.  A point gets the weighted mean of the four pixels around it; those
    outside the image count as 0, or with `edge` as the nearest one inside.
    """
    batch, channels, height, width = x.shape
    dtype = as_dtype(x.dtype)
    pixels = F.reshape(F.moveaxis(x, source=1, destination=-1), shape=(batch * height * width, channels))
    first = F.reshape(image * (height * width), shape=(-1, 1))
    rows, columns = (_neighbours(F, at, n, edge) for at, n in ((row, height), (column, width)))
    total: Any = None
    for above, vertical in rows:
        for left, horizontal in columns:
            values = F.take(pixels, first + above * width + left, axis=0)
            weight = F.expand_dims(vertical * horizontal, axis=-1)
            part = values * (weight if as_dtype(weight.dtype) == dtype else F.cast(weight, dtype=dtype))
            total = part if total is None else total + part
    return F.moveaxis(total, source=-1, destination=1)


def _neighbours(F: Any, at: Any, n: int, edge: bool) -> list[tuple[Any, Any]]:
    """The two pixels around each point on an axis of n, as (place, weight)."""
    low = F.floor(at)
    pairs = []
    for place, weight in ((low, 1 - (at - low)), (low + 1, at - low)):
        if not edge:
            # The weight of a point that is not a number (nan) is none, either.
            weight = F.where(F.logical_or(_before(F, place, n), F.isnan(at)), weight, 0)
        place = F.where(F.greater(place, 0), F.minimum(place, n - 1), 0)
        pairs.append((F.cast(place, dtype="int64"), weight))
    return pairs


def _between(F: Any, low: float, at: Any, high: float) -> Any:
    return F.logical_and(F.greater_equal(at, low), F.less_equal(at, high))


def _before(F: Any, at: Any, n: int) -> Any:
    """Where a point is at 0 or behind it and before n."""
    return F.logical_and(F.greater_equal(at, 0), F.less(at, n))


def each_image(F: Any, x: Any) -> Any:
    """0, 1, ...: an int64 number for each example of `x`."""
    return F.ramp(x, n=x.shape[0], dtype="int64")


def sample_grid(F: Any, x: Any, grid: Any) -> Any:
    """`x` at the points of `grid` (batch, 2, rows, columns): first x, then y, both from -1 to 1 over the
    centres of the image's pixels; 0 outside (Jaderberg et al., Spatial Transformer Networks, 2015).
    """
    batch, channels, height, width = image_of(x)
    if len(grid.shape) != 4 or tuple(grid.shape[:2]) != (batch, 2):
        raise ValueError(
            f"grid has shape ({batch}, 2, height, width) for data of shape {tuple(x.shape)}, got "
            f"{tuple(grid.shape)}")
    points = F.reshape(grid, shape=(batch, 2, product(grid.shape[2:])))
    column, row = (
        (F.getitem(points, key=(slice(None), i)) + 1) * ((n - 1) / 2) for i, n in ((0, width), (1, height)))
    values = bilinear(F, x, each_image(F, x), row, column)
    return F.reshape(values, shape=(batch, channels, *grid.shape[2:]))


def _from_minus_one(F: Any, like: Any, n: int) -> Any:
    """n points evenly from -1 to 1; the middle of them if it is one."""
    return F.ramp(like, n=n, start=-1 if n > 1 else 0, step=2 / max(n - 1, 1), dtype=like.dtype)


def affine_grid(F: Any, theta: Any, target_shape: Any) -> Any:
    """The grid of `sample_grid` that the matrices `theta` (batch, 6) make of the points of an image:
    ``(x', y') = theta (x, y, 1)``.
    """
    if len(theta.shape) != 2 or theta.shape[1] != 6:
        raise ValueError(
            f"an affine transformation has six numbers, (batch, 6) is the shape, got {tuple(theta.shape)}")
    height, width = height_width(target_shape, "target_shape")
    x = F.broadcast_to(_from_minus_one(F, theta, width), shape=(height, width))
    y = F.broadcast_to(F.reshape(_from_minus_one(F, theta, height), shape=(height, 1)), shape=(height, width))
    places = F.reshape(F.stack(x, y, F.ones_like(x)), shape=(3, height * width))
    grid = F.matmul(F.reshape(theta, shape=(theta.shape[0] * 2, 3)), places)
    return F.reshape(grid, shape=(theta.shape[0], 2, height, width))


def warp_grid(F: Any, flow: Any) -> Any:
    """The grid of `sample_grid` that looks `flow` (batch, 2, height, width; in pixels, first x) away from
    each pixel.
    """
    if len(flow.shape) != 4 or flow.shape[1] != 2:
        raise ValueError(f"a flow has shape (batch, 2, height, width), got {tuple(flow.shape)}")
    height, width = flow.shape[2:]
    x = F.ramp(flow, n=width, dtype=flow.dtype)
    y = F.reshape(F.ramp(flow, n=height, dtype=flow.dtype), shape=(height, 1))
    parts = [(F.getitem(flow, key=(slice(None), i)) + places) * (2 / max(n - 1, 1)) - (1 if n > 1 else 0)
             for i, n, places in ((0, width, x), (1, height, y))]
    return F.stack(*parts, axis=1)


def grid(F: Any, data: Any, transform_type: Any, target_shape: Any) -> Any:
    """`affine_grid` or `warp_grid`, by name."""
    if transform_type == "affine":
        return affine_grid(F, data, target_shape)
    if transform_type != "warp":
        raise ValueError(f"transform_type is 'affine' or 'warp', not {transform_type!r}")
    return warp_grid(F, data)


# resizing ---------------------------------------------------------------------------------------------------

RESIZE_MODES = ("size", "odd_scale", "like", "to_even_down", "to_even_up", "to_odd_down", "to_odd_up")


def resized_length(n: int, given: int, scale: float | None, mode: str) -> int:
    """What becomes of an axis of n: the length `given` (mode 'size'), n times `scale`, or an even or odd
    neighbour of n.
    """
    if mode == "to_even_down" or mode == "to_odd_down":
        return n - (n % 2 == (mode == "to_even_down"))
    if mode == "to_even_up" or mode == "to_odd_up":
        return n + (n % 2 == (mode == "to_even_up"))
    if mode == "odd_scale":
        if scale is None:
            raise TypeError("mode 'odd_scale' needs scale_height and scale_width")
        return int(n * scale) if n % 2 == 0 else int((n - 1) * scale) + 1
    return given if scale is None else int(n * scale)


def resize(F: Any, x: Any, height: int, width: int, align_corners: bool) -> Any:
    """Images of another size, their values interpolated bilinearly.

    With `align_corners` the first and last pixels of old and new image coincide; without, their outer edges
    do, but where there is one pixel it is the first.
    """
    image_of(x)
    for axis, n in ((2, height), (3, width)):
        if n < 1:
            raise ValueError(f"an image has a height and a width of at least 1, got {height} and {width}")
        x = _resize_axis(F, x, axis, n, align_corners)
    return x


def _resize_axis(F: Any, x: Any, axis: int, n: int, align_corners: bool) -> Any:
    old = x.shape[axis]
    if old == n:
        return x
    if old == 0:
        raise ValueError(f"data of shape {tuple(x.shape)} has no pixels")
    if align_corners or n == 1:
        at = F.ramp(x, n=n, step=(old - 1) / max(n - 1, 1), dtype=x.dtype)
    else:
        at = F.maximum(F.ramp(x, n=n, start=old / n / 2 - 0.5, step=old / n, dtype=x.dtype), 0)
    low = F.minimum(F.floor(at), old - 1)
    weight = F.reshape(at - low, shape=(n,) + (1,) * (3 - axis))
    return F.take(x, low, axis=axis) * (1 - weight) + F.take(x, low + 1, axis=axis) * weight


# means of bins ----------------------------------------------------------------------------------------------
#
# Bin i of m on an axis of n goes from floor(i n / m) to ceil((i + 1) n / m): bins overlap where m does not
# divide n.


def _bins(n: int, m: int) -> list[tuple[int, slice, int]]:
    edges = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    return [(i, slice(b, e), e - b) for i, (b, e) in enumerate(edges)]


def _bin_means(xp: Any, x: Any, *, out: Lengths) -> Any:
    """The means of ``out[0] x out[1]`` bins of each image, of any size."""
    for axis, m in ((2, out[0]), (3, out[1])):
        x = xp.moveaxis(x, axis, 0)
        y = xp.empty((m, *x.shape[1:]), x.dtype)
        for i, part, count in _bins(x.shape[0], m):
            y[i] = xp.sum(x[part], axis=0) / count
        x = xp.moveaxis(y, 0, axis)
    return xp.ascontiguousarray(x)


def _spread_bins(xp: Any, g: Any, *, shape: Lengths) -> Any:
    """The adjoint of `bin_means`: the number of each bin divided among its elements."""
    for axis, n in ((2, shape[0]), (3, shape[1])):
        g = xp.moveaxis(g, axis, 0)
        x = xp.zeros((n, *g.shape[1:]), g.dtype)
        for i, part, count in _bins(n, g.shape[0]):
            x[part] += g[i] / count
        g = xp.moveaxis(x, 0, axis)
    return xp.ascontiguousarray(g)


register("bin_means", _bin_means, lambda F, g, y, x, out: F.spread_bins(g, shape=x.shape[2:]), keeps="",
         result="same")
register("spread_bins", _spread_bins, lambda F, h, y, g, shape: F.bin_means(h, out=g.shape[2:]), keeps="",
         result="same")


def adaptive_mean(F: Any, x: Any, output_size: Any) -> Any:
    """The means of bins that divide each image into `output_size` rows and columns."""
    shape = image_of(x)
    if output_size is None or isinstance(output_size, tuple) and not output_size:
        output_size = 1
    given = (output_size,) if isinstance(output_size, Integral) else tuple(output_size)
    out = lengths(given * 2 if len(given) == 1 else given, "output_size", 2, 1, 1)
    if not product(shape[2:]):
        raise ValueError(f"data of shape {shape} has no pixels")
    return F.bin_means(x, out=out)


# regions ----------------------------------------------------------------------------------------------------


def check_rois(x: Any, rois: Any, spatial_scale: float | None) -> float:
    """The scale, which must be given; data and regions are checked."""
    image_of(x)
    if len(rois.shape) != 2 or rois.shape[1] != 5:
        raise ValueError(
            f"rois has a row of 5 numbers for each region, got shape {tuple(rois.shape)}")
    if spatial_scale is None:
        raise TypeError("parameter 'spatial_scale' is required")
    return spatial_scale


_VALUES = 1 << 22       # how many values of the data a part of the regions looks at in one step


def _bin_edges(
    xp: Any, rois: Any, pooled: Lengths, scale: float, shape: Lengths,
) -> tuple[Any, Any, Any, Any]:
    """Where the bins of each region begin and end in an image of `shape`: rows, then columns; int64 (regions,
    bins).
    """
    corners = rois[:, 1:] * scale
    corners = xp.sign(corners) * xp.floor(xp.abs(corners) + 0.5)
    edges = []
    for i, m, n in ((1, pooled[0], shape[0]), (0, pooled[1], shape[1])):
        first = corners[:, i:i + 1]
        size = xp.maximum(corners[:, i + 2:i + 3] - first + 1, 1) / m
        place = xp.arange(m).astype(first.dtype)
        for edge in (xp.floor(place * size), xp.ceil((place + 1) * size)):
            edges.append(xp.clip(edge + first, 0, n).astype("int64"))
    top, bottom, left, right = edges
    return top, bottom, left, right


def _present(xp: Any, rois: Any, batch: int) -> tuple[Any, Any]:
    """Which regions are in an image that is there and are finite, and the regions with 0 for the others."""
    here = (rois[:, 0] >= 0) & (rois[:, 0] < batch) & xp.all(xp.isfinite(rois), axis=1)
    return here, xp.where(here[:, None], rois, 0)


def largest_bin(xp: Any, rois: Any, pooled: Lengths, scale: float, shape: Lengths) -> tuple[int, int]:
    """The rows and the columns of the largest bin of `roi_places` for raw `rois` on the host."""
    top, bottom, left, right = _bin_edges(xp, _present(xp, rois, shape[0])[1], pooled, scale, shape[2:])
    return int((bottom - top).max(initial=0)), int((right - left).max(initial=0))


def _roi_places(
    xp: Any, x: Any, rois: Any, *, pooled: Lengths, scale: float, most: tuple[int, int],
) -> Any:
    """Where in the flattened data the maximum of each bin of each region is: int64 (regions, channels,
    *pooled); -1 for an empty bin.  `most` is `largest_bin`.

    The first maximum in the order of rows counts, and nan is passed over.
    """
    batch, channels, height, width = x.shape
    low = -xp.inf if x.dtype.kind == "f" else 0
    pixels = xp.moveaxis(x, 1, -1).reshape(batch * height * width, channels)
    pixels = xp.where(pixels == pixels, pixels, low)
    here, rois = _present(xp, rois, batch)
    edges = _bin_edges(xp, rois, pooled, scale, (height, width))
    image = rois[:, 0].astype("int64")
    out = xp.empty((rois.shape[0], *pooled, channels), "int64")
    step = max(1, _VALUES // max(1, product(pooled) * most[1] * channels))
    for r in range(0, rois.shape[0], step):
        part = slice(r, r + step)
        top, bottom, left, right = (e[part] for e in edges)
        out[part] = _first_maxima(xp, pixels, image[part, None] * height, top, bottom, left, right, width,
                                  most, low)
    first = (image * (channels - 1) * height * width)[:, None, None, None]
    out = xp.where((out >= 0) & here[:, None, None, None],
                   out + first + xp.arange(channels) * (height * width), -1)
    return xp.moveaxis(out, -1, 1).copy()


def _first_maxima(
    xp: Any, pixels: Any, first_row: Any, top: Any, bottom: Any, left: Any, right: Any, width: int,
    most: tuple[int, int], low: float,
) -> Any:
    """The place in `pixels` (places, channels) of the maximum of each bin: (regions, rows of bins, columns of
    bins, channels); -1 where there is none.
    """
    shape = (*top.shape, left.shape[1], pixels.shape[1])
    best, places = xp.full(shape, low, pixels.dtype), xp.full(shape, -1, "int64")
    columns = left[:, None, :, None] + xp.arange(most[1])
    beside = columns < right[:, None, :, None]
    for i in range(most[0]):
        inside = ((top + i) < bottom)[:, :, None, None] & beside
        row = ((first_row + top + i) * width)[:, :, None, None]
        values = xp.where(inside[..., None], pixels[xp.where(inside, row + columns, 0)], low)
        found = xp.max(values, axis=3)
        better = found > best
        best = xp.where(better, found, best)
        places = xp.where(better, row + left[:, None, :, None] + xp.argmax(values, axis=3), places)
    return places


register("roi_places", _roi_places, None, None, keeps="", mixed=True)


def roi_pooling(
    F: Any, x: Any, rois: Any, pooled: Lengths, scale: float, most: tuple[int, int],
) -> Any:
    """The maximum of each of `pooled` bins of each region, its edges rounded to pixels; 0 for an empty one
    (Girshick, Fast R-CNN, 2015).

    A region is a row (number of the image, x1, y1, x2, y2), times `scale` in pixels, both corners included.
    `most` is `largest_bin`.  No gradient flows through regions: it is zero almost everywhere.
    """
    if not product(x.shape):
        return F.fill(x, shape=(rois.shape[0], x.shape[1], *pooled), dtype=x.dtype, value=0)
    places = F.roi_places(x, rois, pooled=pooled, scale=scale, most=most)
    return F.where(F.greater_equal(places, 0), F.take(x, places, axis=None), 0)


def roi_sizes(F: Any, rois: Any, pooled: Lengths, spatial_scale: float, aligned: bool) -> tuple[Any, Any]:
    """The height and the width, each of shape (regions,), of the bins of `roi_align`, in pixels."""
    low, high = (F.getitem(rois, key=(slice(None), slice(i, i + 2))) * spatial_scale for i in (1, 3))
    size = high - low if aligned else F.maximum(high - low, 1)
    width, height = (F.getitem(size, key=(slice(None), i)) for i in (0, 1))
    return height / pooled[0], width / pooled[1]


def roi_align(
    F: Any, x: Any, rois: Any, pooled_size: Any, spatial_scale: float, sample_ratio: int,
    position_sensitive: bool, aligned: bool, most: tuple[int, int],
) -> Any:
    """The mean of points in each bin of each region, values between pixels interpolated (He et al., Mask
    R-CNN, 2017).

    A bin has `sample_ratio` points in each direction; if that is not positive, its size in pixels rounded up,
    `most` (rows, columns) being the largest of these.
    """
    batch, channels, height, width = image_of(x)
    pooled = height_width(pooled_size, "pooled_size")
    bins = product(pooled)
    if position_sensitive and channels % bins:
        raise ValueError(f"position_sensitive needs channels in multiples of {bins}, got {channels}")
    if not product(x.shape):
        shape = (rois.shape[0], channels // bins if position_sensitive else channels, *pooled)
        return F.fill(x, shape=shape, dtype=x.dtype, value=0)
    rois = F.stop_gradient(rois)
    sizes = roi_sizes(F, rois, pooled, spatial_scale, aligned)
    along, inside, count = [], [], 1
    for i, (size, m, points, n) in enumerate(zip(sizes, pooled, most, (height, width))):
        first = F.getitem(rois, key=(slice(None), 2 - i)) * spatial_scale - (0.5 if aligned else 0)
        number = F.ceil(size) if sample_ratio <= 0 else F.ones_like(size) * sample_ratio
        number = F.maximum(number, 1)
        first, size, number = (F.reshape(v, shape=(-1, 1, 1)) for v in (first, size, number))
        which = F.reshape(F.ramp(rois, n=m, dtype=rois.dtype), shape=(m, 1))
        point = F.ramp(rois, n=points, dtype=rois.dtype)
        at = first + size * (which + (point + 0.5) / number)
        along.append(at)
        inside.append(F.logical_and(_between(F, -1, at, n), F.broadcast_to(F.less(point, number),
                                                                           shape=at.shape)))
        count = count * number
    # (regions, rows of bins, columns of bins, rows of points, columns of points)
    full = (rois.shape[0], *pooled, *most)
    shapes = (full[0], full[1], 1, full[3], 1), (full[0], 1, full[2], 1, full[4])
    row, column = (F.broadcast_to(F.reshape(a, shape=s), shape=full) for a, s in zip(along, shapes))
    valid = F.logical_and(*(F.reshape(v, shape=s) for v, s in zip(inside, shapes)))
    image = F.getitem(rois, key=(slice(None), 0))
    real = _before(F, image, batch)
    valid = F.logical_and(valid, F.reshape(real, shape=(-1, 1, 1, 1, 1)))
    image = F.cast(F.where(real, image, 0), dtype="int64")
    if position_sensitive:
        channels //= bins
        x = F.reshape(x, shape=(batch, channels, bins, height, width))
        x = F.reshape(F.moveaxis(x, source=2, destination=1), shape=(batch * bins, channels, height, width))
        image = F.reshape(image, shape=(-1, 1)) * bins + F.ramp(x, n=bins, dtype="int64")
        image = F.reshape(image, shape=(full[0] * bins,))
    sets = (product(image.shape), product(full) // max(product(image.shape), 1))
    row, column, valid = (F.reshape(v, shape=sets) for v in (row, column, valid))
    values = F.where(F.expand_dims(valid, axis=1), bilinear(F, x, image, row, column, edge=True), 0)
    if position_sensitive:
        values = F.moveaxis(F.reshape(values, shape=(full[0], bins, channels, product(most))),
                            source=1, destination=2)
    values = F.sum(F.reshape(values, shape=(full[0], channels, *pooled, product(most))), axis=-1)
    return values / F.cast(F.reshape(count, shape=(-1, 1, 1, 1)), dtype=x.dtype)


# deformable convolution -------------------------------------------------------------------------------------


def deformable_convolution(
    F: Any, x: Any, offset: Any, mask: Any, weight: Any, bias: Any, kernel: Any, stride: Any, dilate: Any,
    pad: Any, num_filter: Any, num_group: Any, num_deformable_group: Any, layout: Any,
) -> Any:
    """A convolution of images whose windows look `offset` away from where their elements are (Dai et al.,
    Deformable Convolutional Networks, 2017), each value multiplied by the `mask`, if there is one (Zhu et
    al., Deformable ConvNets v2, 2018).
    """
    batch, channels, height, width = image_of(x)
    if layout not in (None, "NCHW"):
        raise ValueError(f"layout is 'NCHW' or None, not {layout!r}")
    kernel = kernel_lengths(kernel)
    if len(kernel) != 2:
        raise ValueError(f"kernel has a height and a width, got {kernel}")
    num_filter, num_group = whole(num_filter, "num_filter"), whole(num_group, "num_group")
    parts = whole(num_deformable_group, "num_deformable_group")
    stride, dilate = lengths(stride, "stride", 2, 1, 1), lengths(dilate, "dilate", 2, 1, 1)
    pad = lengths(pad, "pad", 2, 0, 0)
    wanted = (num_filter, channels // num_group, *kernel)
    check_filters(tuple(weight.shape), wanted, bias, num_filter, num_group, channels)
    fits((height, width), kernel, dilate, pad)
    if channels % parts:
        raise ValueError(f"num_deformable_group divides the channels: {parts}, {channels} channels")
    out = tuple(map(out_length, (height, width), kernel, stride, dilate, pad))
    taps, windows = product(kernel), product(out)
    for name, v, per_tap in (("offset", offset, 2), ("mask", mask, 1)):
        if v is not None and tuple(v.shape) != (batch, parts * taps * per_tap, *out):
            raise ValueError(
                f"{name} has shape {(batch, parts * taps * per_tap, *out)} here, got {tuple(v.shape)}")
    moved = F.reshape(offset, shape=(batch * parts, *kernel, 2, *out))
    coordinates = []
    for i, (s, d, p) in enumerate(zip(stride, dilate, pad)):
        at = F.reshape(F.ramp(x, n=out[i], start=-p, step=s, dtype=x.dtype), shape=(-1,) + (1,) * (1 - i))
        tap = F.reshape(F.ramp(x, n=kernel[i], step=d, dtype=x.dtype), shape=(-1,) + (1,) * (3 - i))
        part = F.getitem(moved, key=(slice(None),) * 3 + (i,)) + (at + tap)
        coordinates.append(F.reshape(part, shape=(batch * parts, taps * windows)))
    row, column = coordinates
    images = F.reshape(x, shape=(batch * parts, channels // parts, height, width))
    if mask is None:
        inside = F.logical_and(_before(F, row, height), _before(F, column, width))
        columns = bilinear(F, images, each_image(F, images), row, column, edge=True)
        columns = F.where(F.expand_dims(inside, axis=1), columns, 0)
    else:
        columns = bilinear(F, images, each_image(F, images), row, column)
        columns = columns * F.reshape(mask, shape=(batch * parts, 1, taps * windows))
    columns = F.reshape(columns, shape=(batch, num_group, channels // num_group * taps, windows))
    filters = F.reshape(weight, shape=(1, num_group, num_filter // num_group, channels // num_group * taps))
    y = F.reshape(F.matmul(filters, columns), shape=(batch, num_filter, *out))
    return y if bias is None else y + F.reshape(bias, shape=(-1, 1, 1))


# correlation of two images ----------------------------------------------------------------------------------


def correlation(
    F: Any, a: Any, b: Any, kernel_size: Any, max_displacement: Any, stride1: Any, stride2: Any,
    pad_size: Any, is_multiply: bool,
) -> Any:
    """How alike a patch of `a` and patches of `b` around the same place are: (batch, displacements, rows,
    columns).

    The mean over patch and channels of the products (or, without `is_multiply`, of the distances) of their
    elements, for displacements up to `max_displacement` in steps of `stride2` (Dosovitskiy et al., FlowNet,
    2015).
    """
    batch, channels, height, width = image_of(a, "data1")
    if tuple(b.shape) != tuple(a.shape):
        raise ValueError(f"data1 and data2 have one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    kernel, stride1 = whole(kernel_size, "kernel_size"), whole(stride1, "stride1")
    if kernel % 2 == 0:
        raise ValueError(f"kernel_size is odd, got {kernel}")
    far, stride2 = whole(max_displacement, "max_displacement", 0), whole(stride2, "stride2")
    pad = whole(pad_size, "pad_size", 0)
    inner = (height + 2 * pad - 2 * far, width + 2 * pad - 2 * far)
    if min(inner) < kernel:
        raise ValueError(
            f"displacements of {far} and a kernel of {kernel} do not fit in {height} x {width} with padding "
            f"{pad}")
    around = ((0, 0), (0, 0), (pad, pad), (pad, pad))
    a, b = (F.pad(v, pad_width=around) if pad else v for v in (a, b))
    centre = F.getitem(a, key=(Ellipsis, slice(far, far + inner[0]), slice(far, far + inner[1])))
    steps = [far + stride2 * i for i in range(-(far // stride2), far // stride2 + 1)]
    maps = []
    for i in steps:
        for j in steps:
            other = F.getitem(b, key=(Ellipsis, slice(i, i + inner[0]), slice(j, j + inner[1])))
            maps.append(F.sum(centre * other if is_multiply else F.abs(centre - other), axis=1))
    y = F.stack(*maps, axis=1)
    out = tuple((n - kernel) // stride1 + 1 for n in inner)
    y = F.sum_windows(y, out=out, kernel=(kernel, kernel), stride=(stride1, stride1), pad=(0, 0))
    return y / (kernel * kernel * channels)


# cropping ---------------------------------------------------------------------------------------------------


def crop(F: Any, x: Any, like: Any, offset: Any, h_w: Any, center_crop: bool) -> Any:
    """A part of each image, of the size `h_w` or that of the images `like`, at `offset` (row, column) or in
    the middle.
    """
    shape = image_of(x)
    size = image_of(like, "the second array")[2:] if like is not None else height_width(h_w, "h_w")
    start = lengths(offset, "offset", 2, 0, 0)
    if center_crop:
        start = tuple((n - m) // 2 for n, m in zip(shape[2:], size))
    if any(s < 0 or s + m > n for s, m, n in zip(start, size, shape[2:])):
        raise ValueError(f"a crop of {size} at {start} does not fit in images of {shape[2:]}")
    return F.getitem(x, key=(Ellipsis, *(slice(s, s + m) for s, m in zip(start, size))))
