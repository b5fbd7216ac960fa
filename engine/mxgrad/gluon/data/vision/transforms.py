"""Transforms: what is done to images before they go into a network (level 16).

They are blocks.  Images are (height, width, channels), or batches of them, (N, height, width, channels), up
to `ToTensor`, and have their channels first after it.  Arguments after the image are passed on, so that a
transform also takes the samples (image, label) of a data set.

>>> import mxgrad as mx
>>> from mxgrad.gluon.data.vision import transforms
>>> prepare = transforms.Compose([
...     transforms.Resize(2), transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
>>> prepare(mx.nd.full((4, 4, 1), 255, dtype="uint8")).asnumpy().tolist()
[[[1.0, 1.0], [1.0, 1.0]]]
"""
from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy

from .... import image, nd, np
from ....base import InvalidTypeError, InvalidValueError, numeric_types
from ....invoke import F as ops
from ....npx.switches import is_np_array
from ...block import Block, HybridBlock
from ...nn import HybridSequential, Sequential

__all__ = ["Cast", "CenterCrop", "Compose", "CropResize", "HybridCompose", "HybridRandomApply", "Normalize",
           "RandomApply", "RandomBrightness", "RandomColorJitter", "RandomContrast", "RandomCrop",
           "RandomFlipLeftRight", "RandomFlipTopBottom", "RandomGray", "RandomHue", "RandomLighting",
           "RandomResizedCrop", "RandomRotation", "RandomSaturation", "Resize", "Rotate", "ToTensor"]


class Compose(Sequential):
    """Transforms one after the other; those that are hybrid blocks in a row are put into one block.

    Parameters
    ----------
    transforms : list of Block
    """

    def __init__(self, transforms: Sequence[Any]) -> None:
        super().__init__()
        row: list[Any] = []
        # In MXNet 1 these are no hybrid blocks, which shows when the chain is printed.
        alone = () if is_np_array() else (CenterCrop, RandomResizedCrop)
        for block in [*transforms, None]:
            if isinstance(block, HybridBlock) and not isinstance(block, alone):
                row.append(block)
                continue
            if len(row) > 1:
                together = HybridSequential()
                together.add(*row)
                together.hybridize()
                row = [together]
            self.add(*row)
            row = []
            if block is not None:
                self.add(block)


class HybridCompose(HybridSequential):
    """Transforms one after the other, all of them hybrid blocks; InvalidValueError for another."""

    def __init__(self, transforms: Sequence[Any]) -> None:
        super().__init__()
        for block in transforms:
            if not isinstance(block, HybridBlock):
                raise InvalidValueError(f"{block} is not a HybridBlock, try use `Compose` instead")
            self.add(block)
        self.hybridize()


class _Transform(HybridBlock):
    """A transform of the first argument; the others are passed on."""

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        changed = self._changed(F, x)
        return (changed, *args) if args else changed

    def _changed(self, F: Any, x: Any) -> Any:
        raise NotImplementedError(type(self).__name__)


class _Random(_Transform):
    """The operator `_name` of ``nd.image`` with the arguments `_args`."""

    _name: str
    _args: tuple[Any, ...]

    def _changed(self, F: Any, x: Any) -> Any:
        return getattr(F.image, self._name)(x, *self._args)


class Cast(_Transform):
    """The dtype `dtype`, of all arguments."""

    def __init__(self, dtype: Any = "float32") -> None:
        super().__init__()
        self._dtype = dtype

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        cast = tuple(a.astype(self._dtype) for a in (x, *args))
        return cast if args else cast[0]


class ToTensor(_Transform):
    """Pixels 0 ... 255 as float32 0 ... 1, with the channels first."""

    def _changed(self, F: Any, x: Any) -> Any:
        return F.image.to_tensor(x)


class Normalize(_Transform):
    """``(x - mean) / std``, channels first; `mean` and `std` are numbers, or one for each channel."""

    def __init__(self, mean: Any = 0.0, std: Any = 1.0) -> None:
        super().__init__()
        self._mean, self._std = mean, std

    def _changed(self, F: Any, x: Any) -> Any:
        return F.image.normalize(x, self._mean, self._std)


def _is_float32(x: Any) -> None:
    if numpy.dtype(x.dtype) != numpy.float32:
        raise InvalidTypeError("This transformation only supports float32. Consider calling it after "
                               f"ToTensor, given: {numpy.dtype(x.dtype)}")


class Rotate(Block):
    """Images, channels first, float32, turned by an angle in degrees: see `mxgrad.image.imrotate`.

    Raises InvalidTypeError for another dtype.
    """

    def __init__(self, rotation_degrees: Any, zoom_in: bool = False, zoom_out: bool = False) -> None:
        super().__init__()
        self._args = rotation_degrees, zoom_in, zoom_out

    def forward(self, x: Any, *args: Any) -> Any:
        """The images turned, and the other arguments."""
        _is_float32(x)
        turned = image.imrotate(x, *self._args)
        return (turned, *args) if args else turned


class RandomRotation(Block):
    """As `Rotate`, by an angle drawn uniformly between two, from NumPy's global generator.

    Parameters
    ----------
    angle_limits : (float, float)
        In degrees.
    zoom_in, zoom_out : bool
    rotate_with_proba : float
        The probability that the image is turned at all.
    """

    def __init__(self, angle_limits: tuple[float, float], zoom_in: bool = False, zoom_out: bool = False,
                 rotate_with_proba: float = 1.0) -> None:
        super().__init__()
        if angle_limits[0] >= angle_limits[1]:
            raise InvalidValueError(f"`angle_limits` must be an ordered tuple, got {angle_limits}")
        if not 0 <= rotate_with_proba <= 1:
            raise InvalidValueError("Probability of rotating the image should be between 0 and 1, got "
                                    f"{rotate_with_proba}")
        self._args = angle_limits, zoom_in, zoom_out
        self._rotate_with_proba = rotate_with_proba

    def forward(self, x: Any, *args: Any) -> Any:
        """The images turned, or as they were, and the other arguments."""
        if numpy.random.random() <= self._rotate_with_proba:
            _is_float32(x)
            x = image.random_rotate(x, *self._args)
        return (x, *args) if args else x


def _pair(size: Any) -> tuple[Any, Any]:
    return (size, size) if isinstance(size, numeric_types) else (size[0], size[1])


class RandomResizedCrop(_Transform):
    """A random part of the image, resized.

    Parameters
    ----------
    size : int or (width, height)
    scale : (float, float)
        Between which shares of the image's area that of the part is drawn; one number is the lower.
    ratio : (float, float)
        Between which ratios of width to height its ratio is drawn, uniformly in their logarithm.
    interpolation : int
        As in ``nd.image.resize``.

    nd arrays are cut by `mxgrad.image.random_size_crop`, with Python's random numbers, as in MXNet 1; np
    arrays by ``npx.image.random_resized_crop``, as in MXNet 2.
    """

    def __init__(self, size: Any, scale: Any = (0.08, 1.0), ratio: tuple[float, float] = (3 / 4, 4 / 3),
                 interpolation: int = 1) -> None:
        super().__init__()
        scale = (scale, 1.0) if isinstance(scale, numeric_types) else scale
        self._size, self._args = _pair(size), (scale, ratio, interpolation)

    def _changed(self, F: Any, x: Any) -> Any:
        if isinstance(x, nd.NDArray):
            return image.random_size_crop(x, self._size, *self._args)[0]
        return F.image.random_resized_crop(x, *self._size, *self._args)


class CropResize(_Transform):
    """The part of an image, or of each of a batch, with the left upper corner (`x`, `y`), and of a width and
    height; it is resized to `size`, an integer or (width, height), if given.
    """

    def __init__(self, x: int, y: int, width: int, height: int, size: Any = None,
                 interpolation: int | None = None) -> None:
        super().__init__()
        self._crop = x, y, width, height
        self._size, self._interpolation = size, 1 if interpolation is None else interpolation

    def _changed(self, F: Any, x: Any) -> Any:
        part = F.image.crop(x, *self._crop)
        return F.image.resize(part, self._size, False, self._interpolation) if self._size else part


class RandomCrop(_Transform):
    """A random part of the image, with a border around it first; a part of the same shape that fits is
    resized where the image is smaller.

    Parameters
    ----------
    size : int or (width, height)
    pad : int or (int, int, int, int), optional
        Pixels added on each side, or above, below, left and right.
    pad_value : float
        What they are.
    interpolation : int
        As in ``nd.image.resize``.
    """

    def __init__(self, size: Any, pad: Any = None, pad_value: float = 0, interpolation: int = 1) -> None:
        super().__init__()
        self._args = (0, 1), (0, 1), *_pair(size), interpolation
        around = (pad,) * 4 if isinstance(pad, int) else () if pad is None else tuple(pad)
        if len(around) not in (0, 4):
            raise InvalidValueError(
                f"RandomCrop: pad is one number, or four: above, below, left, right; got {pad}")
        self._around, self._pad_value = around, pad_value

    def _changed(self, F: Any, x: Any) -> Any:
        if self._around:
            width = *[(0, 0)] * (x.ndim - 3), self._around[:2], self._around[2:], (0, 0)
            x = ops.pad(x, pad_width=width, mode="constant", constant_value=self._pad_value)
        return F.image.random_crop(x, *self._args)


class CenterCrop(_Transform):
    """The centre of an image; where the image is smaller, what fits of that shape, resized.

    Parameters
    ----------
    size : int or (width, height)
    interpolation : int
        As in ``nd.image.resize``.
    """

    def __init__(self, size: Any, interpolation: int = 1) -> None:
        super().__init__()
        self._size, self._interpolation = _pair(size), interpolation

    def _changed(self, F: Any, x: Any) -> Any:
        if isinstance(x, nd.NDArray) and x.ndim == 3:
            return image.center_crop(x, self._size, self._interpolation)[0]
        return F.image.random_crop(x, (0.5, 0.5), (0.5, 0.5), *self._size, self._interpolation)


class Resize(_Transform):
    """Another size: see ``nd.image.resize``."""

    def __init__(self, size: Any, keep_ratio: bool = False, interpolation: int = 1) -> None:
        super().__init__()
        self._size, self._keep, self._interpolation = size, keep_ratio, interpolation

    def _changed(self, F: Any, x: Any) -> Any:
        return F.image.resize(x, self._size, self._keep, self._interpolation)


class _RandomFlip(_Transform):
    _axis: str

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def _changed(self, F: Any, x: Any) -> Any:
        if self.p <= 0:
            return x
        if self.p >= 1:
            return getattr(F.image, f"flip_{self._axis}")(x)
        return getattr(F.image, f"random_flip_{self._axis}")(x, p=self.p)


class RandomFlipLeftRight(_RandomFlip):
    """The columns in reverse, with probability `p`."""

    _axis = "left_right"


class RandomFlipTopBottom(_RandomFlip):
    """The rows in reverse, with probability `p`."""

    _axis = "top_bottom"


class _Jitter(_Random):
    def __init__(self, amount: float) -> None:
        super().__init__()
        self._args = max(0, 1 - amount), 1 + amount


class RandomBrightness(_Jitter):
    """``nd.image.random_brightness`` by a factor between max(0, 1 - brightness) and 1 + brightness."""

    _name = "random_brightness"

    def __init__(self, brightness: float) -> None:
        super().__init__(brightness)


class RandomContrast(_Jitter):
    """``nd.image.random_contrast`` by a factor between max(0, 1 - contrast) and 1 + contrast."""

    _name = "random_contrast"

    def __init__(self, contrast: float) -> None:
        super().__init__(contrast)


class RandomSaturation(_Jitter):
    """``nd.image.random_saturation`` by a factor between max(0, 1 - saturation) and 1 + saturation."""

    _name = "random_saturation"

    def __init__(self, saturation: float) -> None:
        super().__init__(saturation)


class RandomHue(_Jitter):
    """``nd.image.random_hue`` by a number between max(0, 1 - hue) and 1 + hue."""

    _name = "random_hue"

    def __init__(self, hue: float) -> None:
        super().__init__(hue)


class RandomColorJitter(_Random):
    """``nd.image.random_color_jitter``: the four colour transforms in random order."""

    _name = "random_color_jitter"

    def __init__(self, brightness: float = 0, contrast: float = 0, saturation: float = 0,
                 hue: float = 0) -> None:
        super().__init__()
        self._args = brightness, contrast, saturation, hue


class RandomLighting(_Random):
    """``nd.image.random_lighting``, with the standard deviation `alpha`."""

    _name = "random_lighting"

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self._args = (alpha,)


class RandomGray(_Transform):
    """float32; with probability `p` each channel is replaced.

    As in MXNet 2, by the sum of the channels times 0.2989, 0.587 and 0.114 respectively;
    `mxgrad.image.RandomGrayAug` makes images gray.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def _changed(self, F: Any, x: Any) -> Any:
        x = x.astype("float32")
        if self.p < float(np.random.uniform()):
            return x
        total = ops.sum(x, axis=-1, keepdims=True)
        return ops.concatenate(*(total * share for share in (0.2989, 0.587, 0.114)), axis=x.ndim - 1)


class RandomApply(Sequential):
    """The block `transforms`, with probability `p`, by Python's random numbers."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, x: Any, *args: Any) -> Any:
        """The image transformed, or as it was, and the other arguments."""
        if self.p >= random.random():
            x = self.transforms(x)
        return (x, *args) if args else x


class HybridRandomApply(HybridSequential):
    """The hybrid block `transforms`, with probability `p`, by mxgrad's random numbers."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        if not isinstance(transforms, HybridBlock):
            raise InvalidTypeError(
                f"HybridRandomApply: transforms is a HybridBlock, got {type(transforms).__name__}")
        self.transforms, self.p = transforms, p

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        if self.p >= float(np.random.uniform()):
            x = self.transforms(x)
        return (x, *args) if args else x
