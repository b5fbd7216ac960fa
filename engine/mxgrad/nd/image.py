"""nd.image: operators on images, (height, width, channels) or a batch of them, MXNet 1.9's and 2.0's.

They are compositions over F, and serve np arrays as well (`npx.image`).  Integers leave an operator as they
came: computed in float32, brought into their range, truncated.  Gradients are those of the formulas, also
where MXNet gives others.

Random numbers are drawn from the sequential stream of the array's context, as in MXNet (see
`mxgrad.streams`): one decision per call, the same for every image of a batch.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError
from ..image_codec import decode
from ..invoke import F
from ..random import np_stream
from ..registry import REQUIRED
from .creation import array
from .functions import ND

# shapes and dtypes ------------------------------------------------------------------------------------------


def _image(data: Any, channels: tuple[int, ...] = (1, 3)) -> None:
    if data.ndim not in (3, 4):
        raise ValueError("an image has shape (height, width, channels), a batch (N, height, width, channels)")
    if channels and data.shape[-1] not in channels:
        raise ValueError(f"an image has {' or '.join(map(str, channels))} channels, not {data.shape[-1]}")


def _like(host: Any, data: Any, dtype: Any = None) -> Any:
    """The values of `host` as an array like `data`: its kind, its context, its dtype unless one is given."""
    host = numpy.asarray(host, data._raw.dtype if dtype is None else dtype)
    return wrap(type(data), data._ctx.backend.from_host(host), data._ctx)


def _floats(data: Any) -> Any:
    """`data` in float32, unless it has a longer float dtype."""
    return data if data._raw.dtype in ("float32", "float64") else F.cast(data, dtype=numpy.dtype("float32"))


def _back(result: Any, dtype: Any, rounded: bool = False) -> Any:
    """`result` in `dtype`, for integers within its range and truncated, or rounded to nearest."""
    if result._raw.dtype == dtype:
        return result
    if dtype.kind in "iu":
        info = numpy.iinfo(dtype)
        result = F.clip(F.rint(result) if rounded else result, a_min=info.min, a_max=info.max)
    return F.cast(result, dtype=dtype)


def _numbers(values: Any, what: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in (values if hasattr(values, "__len__") else (values,)))
    except (TypeError, ValueError):
        raise InvalidTypeError(f"{what} is a number or a sequence of numbers, got {values!r}") from None


# from pixels to what networks take --------------------------------------------------------------------------


@ND.composed("image.to_tensor")
def to_tensor(data: Any, out: Any = None, name: Any = None) -> Any:
    """Pixels 0 ... 255 as float32 0 ... 1, with the channels first.

    (height, width, channels) becomes (channels, height, width), (N, height, width, channels) becomes
    (N, channels, height, width).

    >>> from mxgrad import nd
    >>> nd.image.to_tensor(nd.array([[[0, 51, 255]]], dtype="uint8")).asnumpy().ravel().tolist()
    [0.0, 0.20000000298023224, 1.0]
    """
    _image(data, ())
    scaled = F.cast(data, dtype=numpy.dtype("float32")) / 255
    return F.transpose(scaled, axes=(2, 0, 1) if data.ndim == 3 else (0, 3, 1, 2))


@ND.composed("image.normalize")
def normalize(data: Any, mean: Any = (0, 0, 0, 0), std: Any = (1, 1, 1, 1), out: Any = None, name: Any = None
              ) -> Any:
    """``(data - mean) / std``, channel by channel, of what `to_tensor` gives: (channels, height, width) or
    (N, channels, height, width), of 1 or 3 channels.

    `mean` and `std` are numbers, or one for each channel.
    """
    if data.ndim not in (3, 4) or data.shape[-3] not in (1, 3):
        raise ValueError(
            "data has shape (channels, height, width) or (N, channels, height, width), and 1 or 3 channels")
    channels = data.shape[-3]
    shaped = []
    for what, given, default in (("mean", mean, (0, 0, 0, 0)), ("std", std, (1, 1, 1, 1))):
        values = _numbers(given, what)
        values = values[:channels] if given == default else values
        if len(values) not in (1, channels):
            raise ValueError(f"{what} has 1 or {channels} values, one for each channel, got {given!r}")
        shaped.append(numpy.array(values).reshape(-1, 1, 1))
    x = _floats(data)
    y = (x - _like(shaped[0], x)) / _like(shaped[1], x)
    # Not `_back`: MXNet does not keep these within an integer dtype's range.
    return y if y._raw.dtype == data._raw.dtype else F.cast(y, dtype=data._raw.dtype)


# resizing ---------------------------------------------------------------------------------------------------

NEAREST, LINEAR, CUBIC, AREA, LANCZOS = range(5)
_INTERPOLATIONS = "0 (nearest), 1 (bilinear), 2 (bicubic), 3 (area), 4 (Lanczos, 8 x 8)"

Taps = tuple[numpy.ndarray, numpy.ndarray]


def _taps(new: int, old: int, interp: int, shrinks: bool) -> Taps:
    """Which of `old` places each of `new` ones is made of, int64 (new, k), and with which weights, (new, k).

    OpenCV's: centres of pixels lie at halves, places beyond the border are those of the border, bicubic is
    Keys' with a = -0.75, Lanczos' window has 4 lobes on each side.  `shrinks`: neither axis grows.
    """
    scale = old / new
    at = numpy.arange(new)
    if interp == NEAREST:
        nearest = numpy.minimum(numpy.floor(at * scale), old - 1).astype(numpy.int64)
        return nearest[:, None], numpy.ones((new, 1))
    if interp == AREA and shrinks:
        left, right = at[:, None] * scale, (at[:, None] + 1) * scale
        places = numpy.floor(left + 1e-9).astype(numpy.int64) + numpy.arange(math.ceil(scale - 1e-9) + 1)
        covered = numpy.minimum(places + 1, right) - numpy.maximum(places, left)
        covered = numpy.where((covered > 1e-3) & (places < old), covered, 0)
        return numpy.minimum(places, old - 1), covered / covered.sum(axis=1, keepdims=True)
    if interp == AREA:
        first = numpy.floor(at * scale)
        x = (at + 1) - (first + 1) / scale
        x = numpy.where(x <= 0, 0, x - numpy.floor(x))
    else:
        centre = ((at + 0.5) * scale - 0.5).astype(numpy.float32)
        first = numpy.floor(centre)
        x = (centre - first).astype(numpy.float64)
    if interp == CUBIC:
        weights = [((-0.75 * (x + 1) + 3.75) * (x + 1) - 6) * (x + 1) + 3]
        weights += [(1.25 * d - 2.25) * d * d + 1 for d in (x, 1 - x)]
        weights.append(1 - weights[0] - weights[1] - weights[2])
    elif interp == LANCZOS:
        distances = [x + 3 - k for k in range(8)]
        weights = [numpy.sinc(d) * numpy.sinc(d / 4) for d in distances]
        weights = [w / sum(weights) for w in weights]
    else:
        weights = [1 - x, x]
    start = first.astype(numpy.int64) - (len(weights) // 2 - 1)
    places = numpy.clip(start[:, None] + numpy.arange(len(weights)), 0, old - 1)
    return places, numpy.stack(weights, axis=1)


def _weighed(data: Any, axis: int, taps: Taps, dtype: Any) -> Any:
    """The sum over k of weight k times the values at places k along `axis`, -3 or -2."""
    places, weights = taps
    total: Any = None
    for k in range(places.shape[1]):
        values = F.take(data, _like(places[:, k], data, numpy.int64), axis=data.ndim + axis)
        shape = (-1, 1, 1) if axis == -3 else (-1, 1)
        values = F.cast(values, dtype=dtype) * _like(weights[:, k].reshape(shape), data, dtype)
        total = values if total is None else total + values
    return total


def _resized_pixels(data: Any, rows: Taps, columns: Taps) -> Any:
    """uint8 as OpenCV does it: weights in units of 2**-11, sums in integers."""
    dtype = numpy.dtype("int32" if rows[0].shape[1] == 2 else "int64")
    (top, down), (left, across) = rows, columns
    down, across = (numpy.rint(w.astype(numpy.float32) * numpy.float32(2048)) for w in (down, across))
    wide = _weighed(data, -2, (left, across), dtype)
    if dtype == "int64":
        return _back(F.right_shift(_weighed(wide, -3, (top, down), dtype) + (1 << 21), 22), data._raw.dtype)
    wide = F.right_shift(wide, 4)
    halves = [
        F.right_shift(_weighed(wide, -3, (top[:, k:k + 1], down[:, k:k + 1]), dtype), 16) for k in (0, 1)]
    return _back(F.right_shift(halves[0] + halves[1] + 2, 2), data._raw.dtype)


def resized(data: Any, width: int, height: int, interp: int = LINEAR) -> Any:
    """`data`, (..., height, width, channels), with another height and width."""
    _image(data, ())
    if interp not in range(5):
        raise InvalidValueError(f"interp is {_INTERPOLATIONS}, not {interp!r}")
    if width < 1 or height < 1:
        raise InvalidValueError(f"width and height are positive, got {width} and {height}")
    old_height, old_width = data.shape[-3:-1]
    if old_height == 0 or old_width == 0:
        raise InvalidValueError(f"an image of shape {data.shape} has no pixels to resize")
    dtype = data._raw.dtype
    halved = old_height == 2 * height and old_width == 2 * width
    if interp == LINEAR and halved:
        interp = AREA       # the same average of four, rounded otherwise
    shrinks = height <= old_height and width <= old_width
    rows, columns = (_taps(n, m, interp, shrinks) for n, m in ((height, old_height), (width, old_width)))
    if interp == LINEAR:
        # As in OpenCV: at the border, all of the weight goes to one column; of the rows, both take part.
        same = columns[0][:, :1] == columns[0][:, 1:]
        columns = columns[0], numpy.where(same, [1.0, 0.0], columns[1])
    if (height, width) == (old_height, old_width):
        return F.copy(data)
    if interp == NEAREST:
        for axis, (places, _) in ((-3, rows), (-2, columns)):
            data = F.take(data, _like(places[:, 0], data, numpy.int64), axis=data.ndim + axis)
        return data
    if dtype == "uint8" and not (interp == AREA and shrinks):
        return _resized_pixels(data, rows, columns)
    inner = numpy.dtype("float32" if dtype == "float32" or dtype.itemsize < 4 else "float64")
    result = _weighed(_weighed(data, -2, columns, inner), -3, rows, inner)
    if dtype == "uint8" and halved:
        result = F.floor(result + 0.5)
    return _back(result, dtype, rounded=True)


def _size(size: Any) -> tuple[int, ...]:
    given = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if len(given) not in (1, 2) or not all(isinstance(n, (int, numpy.integer)) and n > 0 for n in given):
        raise InvalidValueError(f"size is one positive integer or (width, height), got {size!r}")
    return tuple(int(n) for n in given)


@ND.composed("image.resize")
def resize(data: Any, size: Any = (), keep_ratio: bool = False, interp: int = 1, out: Any = None,
           name: Any = None) -> Any:
    """An image, (height, width, channels), or each of a batch, (N, height, width, channels), in another size.

    Parameters
    ----------
    data : array
        Of any dtype; integers are rounded.
    size : int or (width, height)
        One number is both lengths, or with `keep_ratio` the shorter one.
    interp : int
        0 nearest, 1 bilinear, 2 bicubic, 3 average over the area of the new pixel (bilinear when an axis
        grows), 4 Lanczos.  Results are OpenCV's; uint8 may differ by 1 for other methods than 0 and 1.

    >>> from mxgrad import nd
    >>> nd.image.resize(nd.array([[[0], [100]]], dtype="uint8"), (4, 1)).asnumpy().ravel()
    array([  0,  25,  75, 100], dtype=uint8)
    """
    _image(data, ())
    given = _size(size)
    if len(given) == 2:
        width, height = given
    elif keep_ratio:
        h, w = data.shape[-3:-1]
        width, height = (given[0], h * given[0] // w) if h > w else (w * given[0] // h, given[0])
    else:
        width = height = given[0]
    return resized(data, width, height, interp)


# cutting ----------------------------------------------------------------------------------------------------


def cut(data: Any, x: int, y: int, width: int, height: int) -> Any:
    """`width` columns from `x` on of `height` rows from `y` on."""
    _image(data, ())
    if width < 1 or height < 1:
        raise InvalidValueError(f"width and height are positive, got {width} and {height}")
    h, w = data.shape[-3:-1]
    if x < 0 or y < 0 or x + width > w or y + height > h:
        raise InvalidValueError(
            f"columns {x} to {x + width} and rows {y} to {y + height} are not inside an image of width {w} "
            f"and height {h}")
    data = F.slice_axis(data, axis=data.ndim - 3, begin=y, end=y + height)
    return F.slice_axis(data, axis=data.ndim - 2, begin=x, end=x + width)


@ND.composed("image.crop")
def crop(data: Any, x: int, y: int, width: int, height: int, out: Any = None, name: Any = None) -> Any:
    """The part of an image, or of each of a batch, whose left upper corner is (`x`, `y`).

    Raises InvalidValueError when it is not inside the image.
    """
    return cut(data, x, y, width, height)


def _range(given: Any, what: str, low: float, high: float) -> tuple[float, float]:
    values = _numbers(given, what)
    if len(values) != 2 or not low <= values[0] <= values[1] <= high:
        raise InvalidValueError(f"{what} is (from, to) with {low} <= from <= to <= {high}, got {given!r}")
    return values[0], values[1]


def _cut_and_resized(data: Any, x: int, y: int, w: int, h: int, width: int, height: int, interp: int) -> Any:
    part = cut(data, x, y, w, h)
    return part if (w, h) == (width, height) else resized(part, width, height, interp)


def scale_down(src_size: Sequence[int], size: Sequence[int]) -> tuple[int, int]:
    """`size`, (width, height), made small enough for `src_size`, with its ratio kept.

    >>> scale_down((640, 480), (720, 120))
    (640, 106)
    """
    w, h = float(size[0]), float(size[1])
    src_w, src_h = src_size
    if src_h < h:
        w, h = w * src_h / h, float(src_h)
    if src_w < w:
        w, h = float(src_w), h * src_w / w
    return int(w), int(h)


@ND.composed("image.random_crop")
def random_crop(data: Any, xrange: Any = (0.0, 1.0), yrange: Any = (0.0, 1.0), width: Any = REQUIRED,
                height: Any = REQUIRED, interp: int = 1, out: Any = None, name: Any = None) -> Any:
    """A random part of an image, or the same part of each of a batch; MXNet 2.0's.

    `xrange` and `yrange`, within 0 and 1, say between which parts of the free room left of it and above it
    the corner is drawn.  Where the image is smaller than (`width`, `height`), a part of the same shape is
    cut that fits, and resized.
    """
    _positive(width, height)
    xs, ys = _range(xrange, "xrange", 0, 1), _range(yrange, "yrange", 0, 1)
    _image(data, ())
    src_h, src_w = data.shape[-3:-1]
    w, h = scale_down((src_w, src_h), (width, height))
    u, v = _uniforms(data, xs), _uniforms(data, ys)
    return _cut_and_resized(data, int(u * (src_w - w)), int(v * (src_h - h)), w, h, width, height, interp)


@ND.composed("image.random_resized_crop")
def random_resized_crop(data: Any, width: int, height: int, area: Any = (0.08, 1.0),
                        ratio: Any = (3 / 4, 4 / 3), interp: int = 1, max_trial: int = 10, out: Any = None,
                        name: Any = None) -> Any:
    """A random part of an image, or the same part of each of a batch, resized; MXNet 2.0's.

    Parameters
    ----------
    data : array
        (height, width, channels) or (N, height, width, channels).
    width, height : int
        The size of the result.
    area : (float, float)
        Between which parts of the image's area that of the part is drawn.
    ratio : (float, float)
        Between which ratios of width to height its ratio is drawn, uniformly in their logarithm.
    max_trial : int
        After that many parts that do not fit into the image, the centre of it is taken.
    """
    _positive(width, height)
    areas, ratios = _range(area, "area", 0, 1), _range(ratio, "ratio", 1e-6, 1e6)
    _image(data, ())
    src_h, src_w = data.shape[-3:-1]
    for _ in range(max_trial):
        target = _uniforms(data, areas) * src_w * src_h
        drawn = math.exp(_uniforms(data, (math.log(ratios[0]), math.log(ratios[1]))))
        w, h = int(math.sqrt(target * drawn) + 0.5), int(math.sqrt(target / drawn) + 0.5)
        if 0 < w <= src_w and 0 < h <= src_h:
            x, y = int(_uniforms(data, (0, src_w - w))), int(_uniforms(data, (0, src_h - h)))
            return _cut_and_resized(data, x, y, w, h, width, height, interp)
    w, h = scale_down((src_w, src_h), (width, height))
    return _cut_and_resized(data, (src_w - w) // 2, (src_h - h) // 2, w, h, width, height, interp)


def _positive(width: Any, height: Any) -> None:
    for what, n in (("width", width), ("height", height)):
        if n is REQUIRED:
            raise InvalidTypeError(f"parameter {what!r} is required")
        if n < 1:
            raise InvalidValueError(f"width and height are positive, got {what}={n}")


# mirrors ----------------------------------------------------------------------------------------------------


@ND.composed("image.flip_left_right")
def flip_left_right(data: Any, out: Any = None, name: Any = None) -> Any:
    """The columns of an image, or of each of a batch, in reverse."""
    _image(data, ())
    return F.flip(data, axis=data.ndim - 2)


@ND.composed("image.flip_top_bottom")
def flip_top_bottom(data: Any, out: Any = None, name: Any = None) -> Any:
    """The rows of an image, or of each of a batch, in reverse."""
    _image(data, ())
    return F.flip(data, axis=data.ndim - 3)


def _maybe(flip: Callable[..., Any], data: Any, p: float) -> Any:
    if not 0 <= p <= 1:
        raise InvalidValueError(f"p is a probability, 0 to 1, got {p!r}")
    _image(data, ())
    # MXNet 1.9 leaves the image as it is where a coin shows 1.
    return F.copy(data) if np_stream(data._ctx).coin(1 - p) else flip(data)


@ND.composed("image.random_flip_left_right")
def random_flip_left_right(data: Any, p: float = 0.5, out: Any = None, name: Any = None) -> Any:
    """`flip_left_right` with probability `p`, else a copy."""
    return _maybe(flip_left_right, data, p)


@ND.composed("image.random_flip_top_bottom")
def random_flip_top_bottom(data: Any, p: float = 0.5, out: Any = None, name: Any = None) -> Any:
    """`flip_top_bottom` with probability `p`, else a copy."""
    return _maybe(flip_top_bottom, data, p)


# colours ----------------------------------------------------------------------------------------------------

_LUMA = (0.299, 0.587, 0.114)
# Steps of R, G and B along the principal axes of ImageNet's colours: eigenvalue times eigenvector.
_LIGHTS = numpy.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
                      ) * [55.46, 4.794, 1.148]


def _uniforms(data: Any, bounds: tuple[float, float]) -> float:
    """The next number between `bounds` of the stream of `data`'s context."""
    return float(np_stream(data._ctx).uniform(bounds[0], bounds[1], ()))


def _gray(x: Any) -> Any:
    """The luma of floats, with a last axis of 1."""
    return x if x.shape[-1] == 1 else F.sum(x * _like(_LUMA, x), axis=-1, keepdims=True)


def _brightened(x: Any, alpha: float) -> Any:
    return x * alpha


def _contrasted(x: Any, alpha: float) -> Any:
    return x * alpha + F.mean(_gray(x), axis=(-3, -2, -1), keepdims=True) * (1 - alpha)


def _saturated(x: Any, alpha: float) -> Any:
    """MXNet's: of the luma only the part of the last channel is mixed in."""
    if x.shape[-1] == 1:
        return x
    blue = F.slice_axis(x, axis=x.ndim - 1, begin=2, end=3)
    return x * alpha + blue * (_LUMA[2] * (1 - alpha))


def _hued(x: Any, alpha: float) -> Any:
    """Turned by `alpha` whole turns on the colour circle of hue, lightness and saturation."""
    if x.shape[-1] == 1:
        return x
    x = x / 255
    most, least = F.max(x, axis=-1, keepdims=True), F.min(x, axis=-1, keepdims=True)
    r, g, b = (F.slice_axis(x, axis=x.ndim - 1, begin=i, end=i + 1) for i in range(3))
    spread, total = most - least, most + least
    gray = F.less_equal(spread, 1.1920929e-07)      # 2**-23, the epsilon of float32
    one = F.ones_like(spread)
    # In MXNet's order of steps, so that rounding, and then truncation, gives the same integers.
    slope = 60 / F.where(gray, one, spread)
    hue = F.where(F.equal(most, r), (g - b) * slope,
                  F.where(F.equal(most, g), (b - r) * slope + 120, (r - g) * slope + 240))
    hue = (F.where(F.less(hue, 0), hue + 360, hue) + alpha * 360) * (1 / 60)
    sector = F.floor(hue)
    part = hue - sector
    light = total * 0.5
    saturation = spread / F.where(gray, one, F.where(F.less(light, 0.5), total, 2 - most - least))
    product = light * saturation
    upper = F.where(F.less_equal(light, 0.5), light * (1 + saturation), light + saturation - product)
    lower = 2 * light - upper
    turned = []
    for shift in (2, 0, 4):     # how far R, G and B are on their way up and down when hue is 0
        step = sector + shift
        step = step - F.floor(step / 6) * 6
        ramp = F.clip(F.minimum(step + part, 4 - step - part), a_min=0, a_max=1)
        turned.append(F.where(gray, light, lower + (upper - lower) * ramp))
    return F.concatenate(*turned, axis=-1) * 255


def _recoloured(change: Callable[[Any, float], Any], data: Any, alpha: float) -> Any:
    _image(data)
    return _back(change(_floats(data), alpha), data._raw.dtype)


def _factor(data: Any, min_factor: Any, max_factor: Any) -> float:
    low, high = _numbers((min_factor, max_factor), "a factor")
    if low < 0 or high < low:
        raise InvalidValueError(f"0 <= min_factor <= max_factor, got {min_factor!r} and {max_factor!r}")
    return _uniforms(data, (low, high))


@ND.composed("image.random_brightness")
def random_brightness(data: Any, min_factor: float, max_factor: float, out: Any = None,
                      name: Any = None) -> Any:
    """``data * a``, with `a` drawn uniformly between `min_factor` and `max_factor`."""
    return _recoloured(_brightened, data, _factor(data, min_factor, max_factor))


@ND.composed("image.random_contrast")
def random_contrast(data: Any, min_factor: float, max_factor: float, out: Any = None,
                    name: Any = None) -> Any:
    """``data * a + (1 - a) * m``, with `m` the mean luma of the image, and `a` drawn uniformly between
    `min_factor` and `max_factor`.
    """
    return _recoloured(_contrasted, data, _factor(data, min_factor, max_factor))


@ND.composed("image.random_saturation")
def random_saturation(data: Any, min_factor: float, max_factor: float, out: Any = None,
                      name: Any = None) -> Any:
    """``data * a + (1 - a) * l``, with `a` drawn uniformly between `min_factor` and `max_factor`.

    As in MXNet, `l` is not all of the pixel's luma, but the last channel's share in it, 0.114 times its
    value; `mxgrad.image.SaturationJitterAug` has all of it.
    """
    return _recoloured(_saturated, data, _factor(data, min_factor, max_factor))


@ND.composed("image.random_hue")
def random_hue(data: Any, min_factor: float, max_factor: float, out: Any = None,
               name: Any = None) -> Any:
    """The hue of every pixel turned by a part of the colour circle, drawn uniformly between `min_factor` and
    `max_factor`; lightness and saturation stay.
    """
    return _recoloured(_hued, data, _factor(data, min_factor, max_factor))


@ND.composed("image.random_color_jitter")
def random_color_jitter(data: Any, brightness: float, contrast: float, saturation: float, hue: float,
                        out: Any = None, name: Any = None) -> Any:
    """Brightness, contrast, saturation and hue changed in random order.

    Each factor is drawn uniformly between 1 - b and 1 + b (the hue's turn between -b and b), where b is the
    number given; 0 leaves one out.
    """
    bounds = _numbers((brightness, contrast, saturation, hue), "a jitter")
    if min(bounds) < 0:
        raise InvalidValueError(f"a jitter is not negative, got {bounds}")
    changes = _brightened, _contrasted, _saturated, _hued
    _image(data)
    for i in np_stream(data._ctx).permutation(4).tolist():
        if bounds[i] > 0:
            alpha = _uniforms(data, (-bounds[i], bounds[i]))
            data = _recoloured(changes[i], data, alpha if i == 3 else 1 + alpha)
    return data if any(bounds) else F.copy(data)


def _lit(data: Any, alpha: Any) -> Any:
    _image(data)
    if data.shape[-1] == 1:
        return F.copy(data)
    x = _floats(data)
    return _back(x + _like(_LIGHTS @ numpy.asarray(alpha, numpy.float64), x), data._raw.dtype)


@ND.composed("image.adjust_lighting")
def adjust_lighting(data: Any, alpha: Any, out: Any = None, name: Any = None) -> Any:
    """`data` plus the colours of ImageNet's three principal axes, times `alpha`, three numbers; images of one
    channel stay.
    """
    values = _numbers(alpha, "alpha")
    if len(values) != 3:
        raise InvalidValueError(f"alpha has three numbers, got {alpha!r}")
    return _lit(data, values)


@ND.composed("image.random_lighting")
def random_lighting(data: Any, alpha_std: float = 0.05, out: Any = None, name: Any = None) -> Any:
    """`adjust_lighting` by normal numbers of standard deviation `alpha_std`."""
    if alpha_std < 0:
        raise InvalidValueError(f"alpha_std is not negative, got {alpha_std!r}")
    return _lit(data, np_stream(data._ctx).normal(0, alpha_std, (3,)))


# files ------------------------------------------------------------------------------------------------------


@ND.adapter("imdecode", arrays=0)
def imdecode(str_img: bytes, clip_rect: Sequence[int] = (0, 0, 0, 0), out: Any = None, index: int = 0,
             channels: int = 3, mean: Any = None) -> Any:
    """MXNet's old decoder of image files; `mxgrad.image.imdecode` is the one to use.

    Parameters
    ----------
    str_img : bytes
        The whole file.
    clip_rect : (x0, y0, x1, y1)
        The part wanted; x1 and y1 are beyond it, 0 is the border.
    out : array, optional
        Takes the result, (channels, height, width); or as its image `index`, (N, channels, height, width).
    channels : {3, 1}
        Three of colour, blue, green, red; or one of gray.
    mean : array, optional
        Is subtracted.

    Returns
    -------
    NDArray
        float32 (channels, height, width).
    """
    if channels not in (1, 3):
        raise InvalidValueError(f"imdecode: channels is 1 or 3, got {channels!r}")
    pixels = decode(str_img, color=channels == 3)
    h, w = pixels.shape[:2]
    x0, y0, x1, y1 = clip_rect
    x1, y1 = x1 or w, y1 or h
    if not (0 <= x0 < x1 <= w and 0 <= y0 < y1 <= h):
        raise InvalidValueError(f"imdecode: clip_rect {tuple(clip_rect)} is not inside an image {w} x {h}")
    result = array(pixels[y0:y1, x0:x1, ::-1].transpose(2, 0, 1))
    if mean is not None:
        result = result - mean
    if out is None:
        return result
    if out.ndim == 4:
        out[index] = result
    else:
        out[:] = result
    return out
