"""Augmenters: objects that vary an image when they are called on it (level 11)."""
from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy

from .. import nd
from ..base import InvalidTypeError, InvalidValueError
from ..invoke import F
from ..ndarray import BaseArray
from .functions import (
    center_crop,
    chosen,
    color_normalize,
    imresize,
    random_crop,
    random_size_crop,
    renamed_area,
    resize_short,
)

__all__ = [
    "Augmenter", "BrightnessJitterAug", "CastAug", "CenterCropAug", "ColorJitterAug", "ColorNormalizeAug",
    "ContrastJitterAug", "CreateAugmenter", "ForceResizeAug", "HorizontalFlipAug", "HueJitterAug",
    "LightingAug", "RandomCropAug", "RandomGrayAug", "RandomOrderAug", "RandomSizedCropAug", "ResizeAug",
    "SaturationJitterAug", "SequentialAug",
]


class Augmenter:
    """Base of augmenters: ``augmenter(src)`` gives an image for an image, (height, width, channels).

    Colours are changed in `src` itself where that is possible, as in MXNet.  What is passed to this
    constructor by name is what `dumps` writes.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = {k: numpy.asarray(v).tolist() if isinstance(v, (BaseArray, numpy.ndarray)) else v
                        for k, v in kwargs.items()}

    def dumps(self) -> Any:
        """Name and parameters in JSON.

        >>> CastAug().dumps()
        '["castaug", {"type": "float32"}]'
        """
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __call__(self, src: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")


class SequentialAug(Augmenter):
    """The augmenters `ts`, one after the other."""

    def __init__(self, ts: list[Any]) -> None:
        super().__init__()
        self.ts = ts

    def dumps(self) -> Any:
        """A list of the name and of what the augmenters give."""
        return [type(self).__name__.lower(), [t.dumps() for t in self.ts]]

    def __call__(self, src: Any) -> Any:
        for t in self.ts:
            src = t(src)
        return src


class RandomOrderAug(SequentialAug):
    """The augmenters `ts`, in random order."""

    def __call__(self, src: Any) -> Any:
        random.shuffle(self.ts)
        return super().__call__(src)


class ResizeAug(Augmenter):
    """The shorter side becomes `size`; see `resize_short`."""

    def __init__(self, size: int, interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Any) -> Any:
        return resize_short(src, self.size, self.interp)


class ForceResizeAug(Augmenter):
    """The size becomes `size`, (width, height); the ratio is not kept."""

    def __init__(self, size: Sequence[int], interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Any) -> Any:
        w, h = self.size
        return imresize(src, w, h, chosen(self.interp, src.shape[:2], (h, w)))


class RandomCropAug(Augmenter):
    """See `random_crop`; `size` is (width, height)."""

    def __init__(self, size: Sequence[int], interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Any) -> Any:
        return random_crop(src, self.size, self.interp)[0]


class CenterCropAug(Augmenter):
    """See `center_crop`; `size` is (width, height)."""

    def __init__(self, size: Sequence[int], interp: int = 2) -> None:
        super().__init__(size=size, interp=interp)
        self.size, self.interp = size, interp

    def __call__(self, src: Any) -> Any:
        return center_crop(src, self.size, self.interp)[0]


class RandomSizedCropAug(Augmenter):
    """See `random_size_crop`; `size` is (width, height)."""

    def __init__(
        self, size: Sequence[int], area: Any, ratio: tuple[float, float], interp: int = 2, **kwargs: Any,
    ) -> None:
        area = renamed_area(area, kwargs, "RandomSizedCropAug")
        super().__init__(size=size, area=area, ratio=ratio, interp=interp)
        self.size, self.area, self.ratio, self.interp = size, area, ratio, interp

    def __call__(self, src: Any) -> Any:
        return random_size_crop(src, self.size, self.area, self.ratio, self.interp)[0]


def _luma(src: Any) -> Any:
    return src * nd.array([[[0.299, 0.587, 0.114]]], ctx=src._ctx)


class BrightnessJitterAug(Augmenter):
    """Values times a number drawn uniformly between 1 - `brightness` and 1 + `brightness`."""

    def __init__(self, brightness: float) -> None:
        super().__init__(brightness=brightness)
        self.brightness = brightness

    def __call__(self, src: Any) -> Any:
        src *= 1.0 + random.uniform(-self.brightness, self.brightness)
        return src


class ContrastJitterAug(Augmenter):
    """Values moved away from, or to, the mean luma, by a factor between 1 - `contrast` and 1 + `contrast`."""

    def __init__(self, contrast: float) -> None:
        super().__init__(contrast=contrast)
        self.contrast = contrast

    def __call__(self, src: Any) -> Any:
        alpha = 1.0 + random.uniform(-self.contrast, self.contrast)
        gray = F.mean(_luma(src), axis=None, keepdims=True) * (3 * (1.0 - alpha))
        src *= alpha
        src += gray
        return src


class SaturationJitterAug(Augmenter):
    """Values moved away from, or to, their pixel's luma, by a factor between 1 - `saturation` and 1 +
    `saturation`.
    """

    def __init__(self, saturation: float) -> None:
        super().__init__(saturation=saturation)
        self.saturation = saturation

    def __call__(self, src: Any) -> Any:
        alpha = 1.0 + random.uniform(-self.saturation, self.saturation)
        gray = F.sum(_luma(src), axis=2, keepdims=True) * (1.0 - alpha)
        src *= alpha
        src += gray
        return src


class HueJitterAug(Augmenter):
    """Colours turned in the I-Q plane of YIQ, by an angle between -`hue` and `hue` half turns."""

    _YIQ = numpy.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.321], [0.211, -0.523, 0.311]])
    _RGB = numpy.array([[1.0, 0.956, 0.621], [1.0, -0.272, -0.647], [1.0, -1.107, 1.705]])

    def __init__(self, hue: float) -> None:
        super().__init__(hue=hue)
        self.hue = hue

    def __call__(self, src: Any) -> Any:
        alpha = random.uniform(-self.hue, self.hue) * numpy.pi
        u, w = numpy.cos(alpha), numpy.sin(alpha)
        turn = self._RGB @ [[1, 0, 0], [0, u, -w], [0, w, u]] @ self._YIQ
        return F.matmul(src, nd.array(turn.T, ctx=src._ctx))


class ColorJitterAug(RandomOrderAug):
    """Brightness, contrast and saturation varied in random order; 0 leaves one out."""

    def __init__(self, brightness: float, contrast: float, saturation: float) -> None:
        kinds: tuple[type[Any], ...] = BrightnessJitterAug, ContrastJitterAug, SaturationJitterAug
        jitters = brightness, contrast, saturation
        super().__init__([kind(jitter) for kind, jitter in zip(kinds, jitters) if jitter > 0])


class LightingAug(Augmenter):
    """Noise along the principal axes of colours.

    Parameters
    ----------
    alphastd : float
        Standard deviation of the three numbers drawn.
    eigval, eigvec : numpy.ndarray
        Eigenvalues (3,) and, in columns, eigenvectors (3, 3) of the colours' covariance.
    """

    def __init__(self, alphastd: float, eigval: Any, eigvec: Any) -> None:
        super().__init__(alphastd=alphastd, eigval=eigval, eigvec=eigvec)
        self.alphastd, self.eigval, self.eigvec = alphastd, eigval, eigvec

    def __call__(self, src: Any) -> Any:
        alpha = numpy.random.normal(0, self.alphastd, size=(3,))
        src += nd.array(numpy.dot(self.eigvec * alpha, self.eigval), ctx=src._ctx)
        return src


class ColorNormalizeAug(Augmenter):
    """See `color_normalize`; `mean` and `std` have one value for each channel, or are None."""

    def __init__(self, mean: Any, std: Any) -> None:
        super().__init__(mean=mean, std=std)
        self.mean, self.std = (
            v if v is None or isinstance(v, BaseArray) else nd.array(v) for v in (mean, std))

    def __call__(self, src: Any) -> Any:
        return color_normalize(src, self.mean, self.std)


class RandomGrayAug(Augmenter):
    """Gray, in three equal channels, with probability `p`."""

    _WEIGHTS = numpy.array([[0.21], [0.72], [0.07]]).repeat(3, axis=1)

    def __init__(self, p: float) -> None:
        super().__init__(p=p)
        self.p = p

    def __call__(self, src: Any) -> Any:
        return F.matmul(src, nd.array(self._WEIGHTS, ctx=src._ctx)) if random.random() < self.p else src


class HorizontalFlipAug(Augmenter):
    """Columns in reverse with probability `p`."""

    def __init__(self, p: float) -> None:
        super().__init__(p=p)
        self.p = p

    def __call__(self, src: Any) -> Any:
        return F.flip(src, axis=1) if random.random() < self.p else src


class CastAug(Augmenter):
    """Another dtype."""

    def __init__(self, typ: Any = "float32") -> None:
        super().__init__(type=typ)
        self.typ = typ

    def __call__(self, src: Any) -> Any:
        return src.astype(self.typ)


def CreateAugmenter(
    data_shape: Sequence[int], resize: int = 0, rand_crop: bool = False, rand_resize: bool = False,
    rand_mirror: bool = False, mean: Any = None, std: Any = None, brightness: float = 0, contrast: float = 0,
    saturation: float = 0, hue: float = 0, pca_noise: float = 0, rand_gray: float = 0, inter_method: int = 2,
) -> list[Augmenter]:
    """The usual augmenters for images of a data set, in the usual order.

    Parameters
    ----------
    data_shape : (int, int, int)
        (channels, height, width) of the result.
    resize : int
        If positive, the shorter side is resized to that first.
    rand_crop : bool
        Cut at random, instead of from the centre.
    rand_resize : bool
        With `rand_crop`, at random size and ratio too.
    rand_mirror : bool
        Mirror every second image, at random.
    mean, std : array, numpy.ndarray, True or None
        What is subtracted from the channels, and what they are divided by; True for ImageNet's.
    brightness, contrast, saturation, hue : float
        How much each is varied.
    pca_noise : float
        Standard deviation of the noise along ImageNet's principal axes of colour.
    rand_gray : float
        The share of images made gray.
    inter_method : int
        How images are resized, 0 to 4, 9 or 10; see `resize_short`.

    >>> [type(a).__name__ for a in CreateAugmenter((3, 24, 24), rand_mirror=True, mean=True)]
    ['CenterCropAug', 'HorizontalFlipAug', 'CastAug', 'ColorNormalizeAug']
    """
    augmenters: list[Augmenter] = []
    if resize > 0:
        augmenters.append(ResizeAug(resize, inter_method))
    size = (data_shape[2], data_shape[1])
    if rand_resize:
        if not rand_crop:
            raise InvalidValueError("CreateAugmenter: rand_resize needs rand_crop")
        augmenters.append(RandomSizedCropAug(size, 0.08, (3.0 / 4.0, 4.0 / 3.0), inter_method))
    else:
        augmenters.append((RandomCropAug if rand_crop else CenterCropAug)(size, inter_method))
    if rand_mirror:
        augmenters.append(HorizontalFlipAug(0.5))
    augmenters.append(CastAug())
    augmenters += colours(mean, std, brightness, contrast, saturation, hue, pca_noise, rand_gray)
    return augmenters


def colours(mean: Any, std: Any, brightness: float, contrast: float, saturation: float, hue: float,
            pca_noise: float, rand_gray: float) -> list[Augmenter]:
    """`CreateAugmenter`'s augmenters of colours."""
    augmenters: list[Augmenter] = []
    if brightness or contrast or saturation:
        augmenters.append(ColorJitterAug(brightness, contrast, saturation))
    if hue:
        augmenters.append(HueJitterAug(hue))
    if pca_noise > 0:
        eigvec = [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
        augmenters.append(LightingAug(pca_noise, numpy.array([55.46, 4.794, 1.148]), numpy.array(eigvec)))
    if rand_gray > 0:
        augmenters.append(RandomGrayAug(rand_gray))
    mean = _per_channel(mean, "mean", [123.68, 116.28, 103.53])
    std = _per_channel(std, "std", [58.395, 57.12, 57.375])
    if mean is not None or std is not None:
        augmenters.append(ColorNormalizeAug(mean, std))
    return augmenters


def _per_channel(value: Any, what: str, usual: list[float]) -> Any:
    if value is None:
        return None
    if value is True:
        return nd.array(usual)
    if not isinstance(value, (numpy.ndarray, BaseArray)):
        raise InvalidTypeError(f"CreateAugmenter: {what} is an array, True or None, got {value!r}")
    if value.shape[:1] not in ((1,), (3,)):
        raise InvalidValueError(f"CreateAugmenter: {what} has one value or three, got shape {value.shape}")
    return value
