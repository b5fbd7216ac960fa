"""Loaders of images that augment them, as MXNet 2 contributes (level 18)."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from ..... import nd, np
from .....base import InvalidValueError
from ....block import Block, HybridBlock
from ....data import DataLoader, Dataset
from ....data.batchify import Group, Pad, Stack
from ....data.vision import ImageListDataset, ImageRecordDataset, transforms
from ....nn import HybridSequential, Sequential
from .transforms import bbox

__all__ = ["BboxLabelTransform", "ImageBboxDataLoader", "ImageDataLoader", "create_bbox_augment",
           "create_image_augment"]

# Of ImageNet's pixels from 0 to 255, red, green, blue.
_MEAN, _DEVIATION = [123.68, 116.28, 103.53], [58.395, 57.12, 57.375]


def create_image_augment(
    data_shape: tuple[int, int, int], resize: int = 0, rand_crop: bool = False, rand_resize: bool = False,
    rand_mirror: bool = False, mean: Any = None, std: Any = None, brightness: float = 0, contrast: float = 0,
    saturation: float = 0, hue: float = 0, pca_noise: float = 0, rand_gray: float = 0, inter_method: int = 2,
    dtype: Any = "float32",
) -> HybridSequential:
    """A block that makes float arrays (channels, height, width) of images uint8 (height, width, channels).

    Parameters
    ----------
    data_shape : tuple of int
        (channels, height, width) of what comes out.
    resize : int
        First make the shorter edge as long as this.
    rand_crop, rand_resize : bool
        Crop at a random place, and with `rand_resize` of a random size; otherwise in the middle.
    rand_mirror : bool
        Reverse the columns with probability 1/2.
    mean, std : sequence of float or True, optional
        What is subtracted from the pixels, which are from 0 to 1 then, and what they are divided by.  True
        means the figures of ImageNet's pixels, which are from 0 to 255, as in MXNet.
    brightness, contrast, saturation, hue, pca_noise : float
        As of `transforms.RandomColorJitter` and `transforms.RandomLighting`.
    rand_gray : float
        The probability of `transforms.RandomGray`.
    inter_method : int
        As of ``image.imresize``; 10 chooses one of 0 to 4 at random, once.
    dtype : dtype

    Raises
    ------
    InvalidValueError
        `rand_resize` without `rand_crop`, or a `mean` or `std` that is no sequence.

    Examples
    --------
    >>> import mxgrad as mx
    >>> augment = mx.gluon.contrib.data.vision.create_image_augment((3, 4, 4), resize=5, mean=True)
    >>> augment(mx.nd.zeros((8, 6, 3), dtype="uint8")).shape
    (3, 4, 4)
    """
    if rand_resize and not rand_crop:
        raise InvalidValueError("create_image_augment: rand_resize needs rand_crop")
    if inter_method == 10:
        inter_method = numpy.random.randint(0, 5)
    crop = transforms.RandomResizedCrop if rand_resize else (
        transforms.RandomCrop if rand_crop else transforms.CenterCrop)
    steps: list[HybridBlock] = []
    if resize > 0:
        steps.append(transforms.Resize(resize, interpolation=inter_method))
    steps.append(crop((data_shape[2], data_shape[1]), interpolation=inter_method))
    if rand_mirror:
        steps.append(transforms.RandomFlipLeftRight(0.5))
    steps.append(transforms.Cast())
    steps += _colours("create_image_augment", mean, std, brightness, contrast, saturation, hue, pca_noise,
                      rand_gray)
    net = HybridSequential()
    net.add(*steps, transforms.Cast(dtype))
    return net


def _colours(
    what: str, mean: Any, std: Any, brightness: float, contrast: float, saturation: float, hue: float,
    pca_noise: float, rand_gray: float,
) -> list[HybridBlock]:
    """What is done to the colours of an image, and the way to channels first."""
    steps: list[HybridBlock] = []
    if brightness or contrast or saturation or hue:
        steps.append(transforms.RandomColorJitter(brightness, contrast, saturation, hue))
    if pca_noise > 0:
        steps.append(transforms.RandomLighting(pca_noise))
    if rand_gray > 0:
        steps.append(transforms.RandomGray(rand_gray))
    mean, std = _MEAN if mean is True else mean, _DEVIATION if std is True else std
    for name, given in (("mean", mean), ("std", std)):
        if given is not None and not isinstance(given, (list, tuple)):
            raise InvalidValueError(f"{what}: {name} is True, a list or a tuple, not {given!r}")
    steps.append(transforms.ToTensor())
    if mean is not None or std is not None:
        steps.append(transforms.Normalize(0.0 if mean is None else mean, 1.0 if std is None else std))
    return steps


def create_bbox_augment(
    data_shape: tuple[int, int, int], rand_crop: float = 0, rand_pad: float = 0, rand_gray: float = 0,
    rand_mirror: bool = False, mean: Any = None, std: Any = None, brightness: float = 0, contrast: float = 0,
    saturation: float = 0, pca_noise: float = 0, hue: float = 0, inter_method: int = 2,
    max_aspect_ratio: float = 2, area_range: tuple[float, float] = (0.3, 3.0), max_attempts: int = 50,
    pad_val: Any = (127, 127, 127), dtype: Any = "float32",
) -> Sequential:
    """A block that makes float arrays (channels, height, width) of images uint8 (height, width, channels),
    and moves the boxes of their objects, (objects, 4 or more), along.

    Parameters
    ----------
    data_shape : tuple of int
        (channels, height, width) of what comes out.
    rand_crop : float
        The probability of `ImageBboxRandomCropWithConstraints`, with `max_aspect_ratio`, `max_attempts` and
        the lower end of `area_range` as the smallest scale.
    rand_pad : float
        That of `ImageBboxRandomExpand`, up to the upper end of `area_range`, filled with `pad_val`.
    rand_mirror : bool
        Reverse the columns with probability 1/2.
    mean, std, brightness, contrast, saturation, hue, pca_noise, rand_gray, inter_method, dtype
        As of `create_image_augment`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> augment = mx.gluon.contrib.data.vision.create_bbox_augment((3, 4, 8))
    >>> image, boxes = augment(mx.nd.zeros((8, 8, 3), dtype="uint8"), mx.nd.array([[0, 2, 4, 6]]))
    >>> image.shape, boxes.asnumpy().tolist()
    ((3, 4, 8), [[0.0, 1.0, 4.0, 3.0]])
    """
    if inter_method == 10:
        inter_method = numpy.random.randint(0, 5)
    steps: list[Block] = []
    if rand_crop > 0:
        steps.append(bbox.ImageBboxRandomCropWithConstraints(
            rand_crop, area_range[0], 1.0, max_aspect_ratio, max_trial=max_attempts))
    if rand_mirror:
        steps.append(bbox.ImageBboxRandomFlipLeftRight(0.5))
    if rand_pad > 0:
        steps.append(bbox.ImageBboxRandomExpand(rand_pad, area_range[1], pad_val))
    steps.append(bbox.ImageBboxResize(data_shape[2], data_shape[1], inter_method))
    steps += _colours("create_bbox_augment", mean, std, brightness, contrast, saturation, hue, pca_noise,
                      rand_gray)
    net = Sequential()
    net.add(*steps, transforms.Cast(dtype))
    return net


class ImageDataLoader:
    """Batches of augmented images, (batch, channels, height, width), and their labels.

    Parameters
    ----------
    batch_size : int
    data_shape : tuple of int
        (channels, height, width).
    path_imgrec : str, optional
        A record file, as of `ImageRecordDataset`; else
    path_imglist, imglist, path_root
        the images that a file, or a list, names, as of `ImageListDataset`.
    num_parts, part_index : int
        Only this part of the images, for training on several machines.
    aug_list : Block or list of Block, optional
        What is done to an image, by default `create_image_augment` with `data_shape` and the keyword
        arguments that are left.
    dtype : str
        Accepted for MXNet's sake: labels are as in the files.
    shuffle, sampler, last_batch, batch_sampler, batchify_fn, num_workers
        As of `DataLoader`, and so those that follow them.

    Raises
    ------
    InvalidValueError
        No images are given, or `aug_list` is something else.
    """

    def __init__(
        self, batch_size: int, data_shape: tuple[int, int, int], path_imgrec: str | None = None,
        path_imglist: str | None = None, path_root: str = ".", part_index: int = 0, num_parts: int = 1,
        aug_list: Any = None, imglist: list[Any] | None = None, dtype: str = "float32",
        shuffle: bool = False, sampler: Any = None, last_batch: str | None = None, batch_sampler: Any = None,
        batchify_fn: Any = None, num_workers: int = 0, pin_memory: bool = False, pin_device_id: int = 0,
        prefetch: int | None = None, thread_pool: bool = False, timeout: float = 120,
        try_nopython: bool | None = None, **kwargs: Any,
    ) -> None:
        dataset = _images(type(self).__name__, path_imgrec, path_imglist, imglist, path_root, num_parts,
                          part_index)
        augment = _block(type(self).__name__, aug_list, create_image_augment, data_shape, kwargs)
        self._loader = DataLoader(
            dataset.transform_first(augment), batch_size, shuffle, sampler, last_batch, batch_sampler,
            batchify_fn, num_workers, pin_memory, pin_device_id, prefetch, thread_pool, timeout,
            try_nopython=try_nopython)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._loader)

    def __len__(self) -> int:
        return len(self._loader)


def _images(
    what: str, path_imgrec: str | None, path_imglist: str | None, imglist: list[Any] | None, path_root: str,
    num_parts: int, part_index: int,
) -> Dataset:
    """The images that a loader is told of, or a part of them."""
    dataset: Dataset
    if path_imgrec:
        dataset = ImageRecordDataset(path_imgrec)
    elif path_imglist or imglist is not None:
        dataset = ImageListDataset(path_root, path_imglist or imglist)
    else:
        raise InvalidValueError(f"{what}: give path_imgrec, path_imglist or imglist")
    return dataset.shard(num_parts, part_index) if num_parts > 1 else dataset


def _block(
    what: str, aug_list: Any, default: Callable[..., Block], data_shape: tuple[int, int, int],
    options: dict[str, Any],
) -> Block:
    """What a loader is told to do to images."""
    if aug_list is None:
        return default(data_shape, **options)
    if isinstance(aug_list, Block):
        return aug_list
    if not isinstance(aug_list, list):
        raise InvalidValueError(f"{what}: aug_list is a Block or a list of them, not {aug_list!r}")
    augment = Sequential()
    augment.add(*aug_list)
    return augment


class BboxLabelTransform(Block):
    """The label of an image in a file as the boxes of its objects, (objects, 5 or more): left, top, right,
    bottom, class, and what else there is.

    Such a label has a header, which begins with its own length and the number of values of an object, and for
    each object its class, left, top, right, bottom, and what else there is.

    Parameters
    ----------
    coord_normalized : bool
        The coordinates are shares of width and height, and become pixels.

    Raises InvalidValueError for a label that is none of these.

    Examples
    --------
    >>> import mxgrad as mx
    >>> transform = BboxLabelTransform()
    >>> image = mx.nd.zeros((4, 8, 3))
    >>> transform(image, mx.nd.array([2, 5, 7, 0.25, 0.25, 0.5, 1]))[1].asnumpy().tolist()
    [[2.0, 1.0, 4.0, 4.0, 7.0]]
    """

    def __init__(self, coord_normalized: bool = True) -> None:
        super().__init__()
        self._coord_normalized = coord_normalized

    def forward(self, img: Any, label: Any) -> tuple[Any, Any]:
        """The image as it is, and the boxes."""
        values = (label if isinstance(label, numpy.ndarray) else label.asnumpy()).reshape(-1)
        header, width = (int(v) for v in values[:2]) if len(values) > 1 else (0, 0)
        if width < 5:
            raise InvalidValueError(
                f"BboxLabelTransform: Label info for each object should >= 5, given {width}")
        if len(values) < header + 5:
            raise InvalidValueError(
                f"BboxLabelTransform: Expected label length >= {header + 5}, got {len(values)}")
        if (len(values) - header) % width:
            raise InvalidValueError(f"BboxLabelTransform: Broken label of size {len(values)}, cannot reshape "
                                    f"into (N, {width}) if header length {header} is excluded")
        objects = values[header:].reshape(-1, width)
        boxes = numpy.concatenate([objects[:, 1:5], objects[:, :1], objects[:, 5:]], axis=1)
        if self._coord_normalized:
            boxes[:, :4] *= [img.shape[1], img.shape[0]] * 2
        return img, (np if isinstance(img, np.ndarray) else nd).array(boxes)


class ImageBboxDataLoader:
    """Batches of augmented images, (batch, channels, height, width), and of the boxes of their objects,
    (batch, objects, 5 or more), as `BboxLabelTransform` gives them; where an image has fewer objects than
    another there is -1.

    Parameters
    ----------
    batch_size : int
    data_shape : tuple of int
        (channels, height, width).
    path_imgrec, path_imglist, path_root, part_index, num_parts, imglist
        The images, as of `ImageDataLoader`.
    aug_list : Block or list of Block, optional
        What is done to an image and its boxes, by default `create_bbox_augment` with `data_shape` and the
        keyword arguments that are left.
    coord_normalized : bool
        Whether the coordinates in the labels are shares of width and height.
    dtype : str
        Accepted for MXNet's sake: labels are as in the files.
    shuffle, sampler, last_batch, batch_sampler, batchify_fn, num_workers
        As of `DataLoader`, and so those that follow them.

    Raises
    ------
    InvalidValueError
        No images are given, or `aug_list` is something else.
    """

    def __init__(
        self, batch_size: int, data_shape: tuple[int, int, int], path_imgrec: str | None = None,
        path_imglist: str | None = None, path_root: str = ".", part_index: int = 0, num_parts: int = 1,
        aug_list: Any = None, imglist: list[Any] | None = None, coord_normalized: bool = True,
        dtype: str = "float32", shuffle: bool = False, sampler: Any = None, last_batch: str | None = None,
        batch_sampler: Any = None, batchify_fn: Any = None, num_workers: int = 0, pin_memory: bool = False,
        pin_device_id: int = 0, prefetch: int | None = None, thread_pool: bool = False, timeout: float = 120,
        try_nopython: bool | None = None, **kwargs: Any,
    ) -> None:
        dataset = _images(type(self).__name__, path_imgrec, path_imglist, imglist, path_root, num_parts,
                          part_index)
        padded = Pad(val=-1)
        padded._warned = True       # the boxes of a few images are soon padded
        augment = Sequential()
        augment.add(BboxLabelTransform(coord_normalized),
                    _block(type(self).__name__, aug_list, create_bbox_augment, data_shape, kwargs))
        self._loader = DataLoader(
            dataset.transform(augment), batch_size, shuffle, sampler, last_batch, batch_sampler,
            batchify_fn or Group(Stack(), padded), num_workers, pin_memory, pin_device_id, prefetch,
            thread_pool, timeout, try_nopython=try_nopython)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._loader)

    def __len__(self) -> int:
        return len(self._loader)
