"""Image files from and to NumPy arrays, by Pillow, which is imported when it is first needed (level 2)."""
from __future__ import annotations

import io
from typing import Any

import numpy

from .base import InvalidTypeError, InvalidValueError, MXNetError

__all__ = ["MissingPackageError", "boxed", "decode", "encode", "gray"]

# Weights of R, G and B in luma (ITU-R BT.601), as integers, and by how many bits their sum is shifted.
# OpenCV rounds; libpng, which it leaves PNG files to, truncates.
_OPENCV = numpy.array([4899, 9617, 1868], numpy.int32), 14, 1 << 13
_LIBPNG = numpy.array([9798, 19235, 3735], numpy.int32), 15, 0


class MissingPackageError(MXNetError, ImportError):
    """A package that only some functions need is not installed."""


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError(
            "image files need Pillow, which is not installed: python -m pip install Pillow"
        ) from None
    return Image


def gray(rgb: numpy.ndarray, png: bool = False) -> numpy.ndarray:
    """The luma of uint8 RGB values, (..., 3): uint8 (...), rounded as OpenCV does, or as in PNG files.

    >>> gray(numpy.array([[255, 0, 0], [0, 255, 0]], "uint8")).tolist()
    [76, 150]
    """
    weights, bits, half = _LIBPNG if png else _OPENCV
    return ((rgb.astype(numpy.int32) @ weights + half) >> bits).astype(numpy.uint8)


def decode(data: bytes, color: bool | None = True) -> numpy.ndarray:
    """The image in the bytes of a JPEG, PNG, BMP, ... file, as it lies there: as in MXNet, a turn that its
    EXIF data asks for is not made.

    Parameters
    ----------
    data : bytes
        The whole file.
    color : bool or None
        True: uint8 (height, width, 3), RGB.  False: uint8 (height, width, 1), gray.  None: what the file
        has, uint8 (height, width) gray, or (height, width, 3) RGB, or 4 with opacity.

    Raises
    ------
    InvalidValueError
        The bytes are no image that Pillow reads, or a damaged one.
    MissingPackageError
        Pillow is not installed.
    """
    image_module = _pillow()
    if not data:
        raise InvalidValueError("Decoding failed. Invalid image file: it is empty")
    try:
        image = image_module.open(io.BytesIO(data))
        if color is False and image.format == "JPEG":
            image.draft("L", image.size)    # luma is what the file holds; no need to go by way of RGB
        if image.mode.startswith("I"):
            pixels = (numpy.asarray(image) >> 8).astype(numpy.uint8)
        elif image.mode in ("1", "L", "LA"):
            pixels = numpy.asarray(image.convert("L"))
        else:
            opaque = color is not None or image.mode != "RGBA" and "transparency" not in image.info
            pixels = numpy.asarray(image.convert("RGB" if opaque else "RGBA"))
    except image_module.DecompressionBombError as error:
        raise InvalidValueError(f"Decoding failed. The image is too large: {error}") from None
    except image_module.UnidentifiedImageError:
        raise InvalidValueError(
            f"Decoding failed. Invalid image file: {len(data)} bytes that are no image Pillow knows"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        raise InvalidValueError(f"Decoding failed. Invalid image file: {error}") from None
    if color is None:
        return pixels
    if color:
        return pixels if pixels.ndim == 3 else numpy.repeat(pixels[:, :, None], 3, axis=2)
    return (pixels if pixels.ndim == 2 else gray(pixels, image.format == "PNG"))[:, :, None]


def encode(pixels: numpy.ndarray, quality: int = 95, img_fmt: str = ".jpg") -> bytes:
    """The bytes of an image file.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 (height, width) or (height, width, 1) gray, (height, width, 3) RGB or, not for JPEG, 4 RGBA.
    quality : int
        For JPEG 1 to 100, for PNG the compression, 0 to 9; more is 9, as in OpenCV.
    img_fmt : str
        The ending of such a file's name: '.jpg', '.jpeg', '.png', '.bmp'; whatever Pillow writes.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        A shape, dtype, format or quality that cannot be written.
    MissingPackageError
        Pillow is not installed.
    """
    image_module = _pillow()
    pixels = numpy.asarray(pixels)
    if pixels.dtype != numpy.uint8:
        raise InvalidTypeError(f"an image to encode is uint8, got {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.size == 0 or not (pixels.ndim == 2 or pixels.ndim == 3 and pixels.shape[2] in (3, 4)):
        raise InvalidValueError(
            f"an image to encode has shape (height, width), (height, width, 1), 3 or 4, got {pixels.shape}")
    name = image_module.registered_extensions().get(img_fmt.lower())
    if name not in image_module.SAVE:
        raise InvalidValueError(f"no image format {img_fmt!r} to encode to; '.jpg', '.png', '.bmp' are some")
    limits = {"JPEG": (1, 100, "quality"), "PNG": (0, 9, "compress_level")}
    options: dict[str, Any] = {}
    if name in limits:
        low, high, option = limits[name]
        quality = min(quality, 9) if name == "PNG" else quality
        if not low <= quality <= high:
            raise InvalidValueError(f"the quality for {img_fmt} is {low} to {high}, got {quality}")
        options[option] = int(quality)
    file = io.BytesIO()
    try:
        image_module.fromarray(pixels).save(file, name, **options)
    except (OSError, ValueError) as error:
        text = f"{img_fmt} does not hold an image of shape {pixels.shape}: {error}"
        raise InvalidValueError(text) from None
    return file.getvalue()


def boxed(
    pixels: numpy.ndarray, boxes: list[tuple[list[int], tuple[int, ...], str]], thickness: int = 2
) -> numpy.ndarray:
    """`pixels`, uint8 RGB (height, width, 3), with boxes: ([left, top, right, bottom], colour, text) each."""
    image_module = _pillow()
    from PIL import ImageDraw

    image = image_module.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for corners, colour, text in boxes:
        draw.rectangle(corners, outline=colour, width=thickness)
        if text:
            draw.text((corners[0] + 5, corners[1] + 5), text, fill=(255, 255, 255))
    return numpy.asarray(image)
