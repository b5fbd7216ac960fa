"""Functions on single images (level 11)."""
from __future__ import annotations

import math
import os
import random
import warnings
from numbers import Number
from typing import Any

import numpy

from .. import nd
from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, NotAnArrayError, numeric_types
from ..context import current_context
from ..image_codec import decode
from ..invoke import F, into
from ..nd.image import AREA, CUBIC, LINEAR, resized, scale_down
from ..ndarray import BaseArray
from ..np.array import ndarray
from ..npx.switches import is_np_array
from ..params_file import FileError, MissingFileError

__all__ = [
    "center_crop", "color_normalize", "copyMakeBorder", "fixed_crop", "imdecode", "imread", "imresize",
    "imrotate", "random_crop", "random_rotate", "random_size_crop", "resize_short", "scale_down",
]


def _image(src: Any, what: str) -> Any:
    if not isinstance(src, BaseArray):
        raise NotAnArrayError(f"{what}: the image must be an array, got {type(src).__name__}")
    if src.ndim != 3:
        raise InvalidValueError(f"{what}: an image has shape (height, width, channels), got {src.shape}")
    return src


# files ------------------------------------------------------------------------------------------------------


def imdecode(buf: Any, flag: int = 1, to_rgb: bool | int = 1, out: Any = None) -> Any:
    """The image in the bytes of a file: JPEG, PNG, BMP and whatever else Pillow reads.

    Parameters
    ----------
    buf : bytes, bytearray, numpy.ndarray or array
        The whole file.
    flag : {1, 0}
        1: three channels of colour, 0: one of gray.
    to_rgb : bool
        Red first; otherwise blue first, as OpenCV has it.
    out : array, optional
        Takes the result.

    Returns
    -------
    array
        uint8 (height, width, 3) or (height, width, 1); of np while NumPy's arrays are switched on.

    Raises
    ------
    InvalidValueError
        The bytes are no image, or a damaged one; another `flag`.
    InvalidTypeError
        `buf` is of another type.
    MissingPackageError
        Pillow is not installed.
    """
    if isinstance(buf, BaseArray):
        buf = buf.asnumpy()
    if isinstance(buf, numpy.ndarray):
        buf = buf.astype(numpy.uint8).tobytes()
    if not isinstance(buf, (bytes, bytearray)):
        raise _NoBytesError(
            f"imdecode: buf must be of type bytes, bytearray or numpy.ndarray, got {type(buf).__name__}")
    if flag not in (0, 1):
        raise InvalidValueError(f"imdecode: flag is 1 (colour) or 0 (gray), got {flag!r}")
    pixels = decode(bytes(buf), color=bool(flag))
    if flag and not to_rgb:
        pixels = pixels[:, :, ::-1]
    ctx = current_context()
    cls = ndarray if is_np_array() else nd.NDArray
    result = wrap(cls, ctx.backend.from_host(numpy.array(pixels)), ctx)
    return result if out is None else into("imdecode", out, result)


class _NoBytesError(InvalidTypeError, ValueError):
    """Something else than bytes was to be decoded."""


def imread(filename: str | os.PathLike[str], flag: int = 1, to_rgb: bool | int = 1, out: Any = None) -> Any:
    """The image in the file `filename`; the rest as for `imdecode`.

    Also raises FileError when the file cannot be read (MissingFileError if it is not there).
    """
    path = os.fspath(filename)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        cls = MissingFileError if isinstance(error, FileNotFoundError) else FileError
        raise cls(error.errno, error.strerror, path) from None
    try:
        return imdecode(data, flag, to_rgb, out)
    except InvalidValueError as error:
        raise InvalidValueError(f"{path}: {error}") from None


# sizes ------------------------------------------------------------------------------------------------------


def imresize(src: Any, w: int, h: int, interp: int = LINEAR, out: Any = None) -> Any:
    """The image `src`, (height, width, channels), in width `w` and height `h`.

    Parameters
    ----------
    interp : int
        0 nearest, 1 bilinear, 2 bicubic, 3 average over the area of the new pixel (bilinear when an axis
        grows), 4 Lanczos.

    >>> from mxgrad import nd
    >>> imresize(nd.array([[[0.], [1.]]]), 4, 1).asnumpy().ravel().tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    result = resized(_image(src, "imresize"), w, h, interp)
    return result if out is None else into("imresize", out, result)


def chosen(interp: int, old: tuple[int, int], new: tuple[int, int]) -> int:
    """The method `interp` means: 9 is bicubic where both axes grow, area where both shrink, else bilinear; 10
    is drawn.
    """
    if interp == 9:
        if new[0] > old[0] and new[1] > old[1]:
            return CUBIC
        return AREA if new[0] < old[0] and new[1] < old[1] else LINEAR
    if interp == 10:
        return random.randint(0, 4)
    if interp not in range(5):
        raise InvalidValueError(f"Unknown interp method {interp}: it is 0 to 4, 9 or 10")
    return interp


def resize_short(src: Any, size: int, interp: int = 2) -> Any:
    """The image with its shorter side `size` long, and its ratio kept.

    `interp` may also be 9 (bicubic to grow, area to shrink, else bilinear) or 10 (one of 0 to 4 at random).
    """
    h, w, _ = _image(src, "resize_short").shape
    new_h, new_w = (size * h // w, size) if h > w else (size, size * w // h)
    return imresize(src, new_w, new_h, chosen(interp, (h, w), (new_h, new_w)))


def fixed_crop(src: Any, x0: int, y0: int, w: int, h: int, size: Any = None, interp: int = 2) -> Any:
    """The part of an image `w` wide and `h` high with its left upper corner at (`x0`, `y0`).

    It is resized to `size`, (width, height), if given.  What lies beyond the image is left out.
    """
    part = _image(src, "fixed_crop")[y0:y0 + h, x0:x0 + w]
    if size is None or (w, h) == tuple(size):
        return part
    return imresize(part, size[0], size[1], chosen(interp, (h, w), (size[1], size[0])))


Crop = tuple[Any, tuple[int, int, int, int]]


def random_crop(src: Any, size: Any, interp: int = 2) -> Crop:
    """A random part of an image of `size`, (width, height), and where it lay: (x, y, width, height).

    Where the image is smaller, the part is as large as fits with that ratio, and resized to `size`.
    """
    h, w, _ = _image(src, "random_crop").shape
    new_w, new_h = scale_down((w, h), size)
    x0, y0 = random.randint(0, w - new_w), random.randint(0, h - new_h)
    return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)


def center_crop(src: Any, size: Any, interp: int = 2) -> Crop:
    """The centre of an image; as `random_crop` otherwise."""
    h, w, _ = _image(src, "center_crop").shape
    new_w, new_h = scale_down((w, h), size)
    x0, y0 = (w - new_w) // 2, (h - new_h) // 2
    return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)


def renamed_area(area: Any, kwargs: dict[str, Any], what: str) -> Any:
    """`area`, or what was given under its old name."""
    if "min_area" in kwargs:
        text = "`min_area` is deprecated. Please use `area` instead."
        warnings.warn(text, DeprecationWarning, stacklevel=3)
        area = kwargs.pop("min_area")
    if kwargs:
        raise InvalidTypeError(f"unexpected keyword arguments for `{what}`: {', '.join(kwargs)}")
    return area


def random_size_crop(
    src: Any, size: Any, area: Any, ratio: tuple[float, float], interp: int = 2, **kwargs: Any,
) -> Crop:
    """A random part of an image, resized to `size`, (width, height), and where it lay: (x, y, width, height).

    Parameters
    ----------
    area : float or (float, float)
        Between which shares of the image's area the part's is drawn; one number is the lower, the upper is 1.
    ratio : (float, float)
        Between which ratios of width to height its ratio is drawn, uniformly in their logarithm.

    After ten parts that do not fit it is `center_crop`'s.
    """
    h, w, _ = _image(src, "random_size_crop").shape
    area = renamed_area(area, kwargs, "random_size_crop")
    low, high = (float(area), 1.0) if isinstance(area, numeric_types) else area
    for _ in range(10):
        target = random.uniform(low, high) * h * w
        drawn = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
        new_w, new_h = round(math.sqrt(target * drawn)), round(math.sqrt(target / drawn))
        if 0 < new_w <= w and 0 < new_h <= h:
            x0, y0 = random.randint(0, w - new_w), random.randint(0, h - new_h)
            return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)
    return center_crop(src, size, interp)


# borders, colours, turns ------------------------------------------------------------------------------------

# OpenCV's numbers of borders, and NumPy's names of them.
_BORDERS = {0: "constant", 1: "edge", 2: "symmetric", 3: "wrap", 4: "reflect"}


def copyMakeBorder(src: Any, top: int, bot: int, left: int, right: int, type: int = 0, value: float = 0.0,
                   values: Any = (), out: Any = None) -> Any:
    """An image with `top`, `bot`, `left` and `right` pixels more around it.

    Parameters
    ----------
    type : int
        0: of the colour `values`, a number for each channel, or `value`; 1: as the border; 2: mirrored with
        the border (ba|abcd|dc); 3: the other end (cd|abcd|ab); 4: mirrored at the border (cb|abcd|cb).
    """
    src = _image(src, "copyMakeBorder")
    if min(top, bot, left, right) < 0:
        raise InvalidValueError(f"copyMakeBorder: no border is negative, got {(top, bot, left, right)}")
    if type not in _BORDERS:
        raise InvalidValueError(f"copyMakeBorder: type is 0 to 4, got {type!r}")
    h, w, channels = src.shape
    if type:
        rows, columns = (numpy.pad(numpy.arange(n), around, mode=_BORDERS[type])    # type: ignore[call-overload]
                         for n, around in ((h, (top, bot)), (w, (left, right))))
        result = src
        for axis, places in enumerate((rows, columns)):
            at = wrap(nd.NDArray, src._ctx.backend.from_host(places), src._ctx)
            result = F.take(result, at, axis=axis)
    else:
        colour = list(values) or [value] * channels
        if len(colour) < channels:
            raise InvalidValueError(
                f"copyMakeBorder: values has {len(colour)} numbers for an image of {channels} channels")
        around = ((top, bot), (left, right))
        planes = [
            F.pad(F.slice_axis(src, axis=2, begin=c, end=c + 1), pad_width=(*around, (0, 0)), mode="constant",
                  constant_value=colour[c]) for c in range(channels)]
        result = F.concatenate(*planes, axis=2)
    return result if out is None else into("copyMakeBorder", out, result)


def color_normalize(src: Any, mean: Any, std: Any = None) -> Any:
    """``(src - mean) / std``, written into `src`; None leaves a step out."""
    if mean is not None:
        src -= mean
    if std is not None:
        src /= std
    return src


def imrotate(src: Any, rotation_degrees: Any, zoom_in: bool = False, zoom_out: bool = False) -> Any:
    """Images turned about their centre, clockwise; what comes from outside is 0.

    Parameters
    ----------
    src : array
        float32, one image (channels, height, width) or several (N, channels, height, width).
    rotation_degrees : float or array
        The angle, or for several images one each, (N,).
    zoom_in, zoom_out : bool
        Enlarge so that nothing comes from outside; or shrink so that all of the image is seen.
    """
    if zoom_in and zoom_out:
        raise InvalidValueError("`zoom_in` and `zoom_out` cannot be both True")
    if not isinstance(src, BaseArray) or src._data.dtype != numpy.float32:
        raise InvalidTypeError("Only `float32` images are supported by this function")
    if src.ndim not in (3, 4):
        raise InvalidValueError(f"Only 3D and 4D are supported by this function, got {src.shape}")
    if src.ndim == 3:
        if not isinstance(rotation_degrees, Number):
            raise InvalidTypeError(
                "When a single image is passed the rotation angle is required to be a scalar.")
        return imrotate(F.expand_dims(src, axis=0), rotation_degrees, zoom_in, zoom_out)[0]
    n, _, h, w = src.shape
    if isinstance(rotation_degrees, BaseArray):
        rotation_degrees = rotation_degrees.asnumpy()
    degrees = numpy.asarray(rotation_degrees, numpy.float64)
    if degrees.ndim == 0:
        degrees = numpy.full(n, degrees)
    if degrees.shape != (n,):
        raise InvalidValueError("The number of images must be equal to the number of rotation angles")
    angle = numpy.deg2rad(degrees)[:, None, None]
    across, down = numpy.arange(w) - (w - 1) / 2, (numpy.arange(h) - (h - 1) / 2)[:, None]
    grid = numpy.stack([
        (across * numpy.cos(angle) - down * numpy.sin(angle)) / (max(w - 1, 1) / 2),
        (across * numpy.sin(angle) + down * numpy.cos(angle)) / (max(h - 1, 1) / 2)], axis=1)
    if zoom_in or zoom_out:
        cos, sin = abs(numpy.cos(angle)), abs(numpy.sin(angle))
        most_x, most_y = (w * cos + h * sin) / w, (w * sin + h * cos) / h
        scale = numpy.maximum(most_x, most_y)
        grid *= (scale if zoom_out else 1 / scale)[:, None]
    places = wrap(type(src), src._ctx.backend.from_host(grid.astype(numpy.float32)), src._ctx)
    return nd.BilinearSampler(src, places)


def random_rotate(src: Any, angle_limits: tuple[float, float], zoom_in: bool = False, zoom_out: bool = False
                  ) -> Any:
    """`imrotate` by angles drawn uniformly between two, in degrees, from NumPy's global generator."""
    size = None if src.ndim == 3 else len(src)
    return imrotate(src, numpy.random.uniform(*angle_limits, size=size), zoom_in, zoom_out)
