"""Loaders of images that augment them, as MXNet 2 contributes (level 18)."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from ....base import InvalidValueError
from ...block import Block, HybridBlock
from ...data import DataLoader, Dataset
from ...data.vision import ImageListDataset, ImageRecordDataset, transforms
from ...nn import HybridSequential, Sequential

__all__ = ["ImageDataLoader", "create_image_augment"]

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
    mean, std = _MEAN if mean is True else mean, _DEVIATION if std is True else std
    for name, given in (("mean", mean), ("std", std)):
        if given is not None and not isinstance(given, (list, tuple)):
            raise InvalidValueError(f"create_image_augment: {name} is True, a list or a tuple, not {given!r}")
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
    if brightness or contrast or saturation or hue:
        steps.append(transforms.RandomColorJitter(brightness, contrast, saturation, hue))
    if pca_noise > 0:
        steps.append(transforms.RandomLighting(pca_noise))
    if rand_gray > 0:
        steps.append(transforms.RandomGray(rand_gray))
    steps.append(transforms.ToTensor())
    if mean is not None or std is not None:
        steps.append(transforms.Normalize(0.0 if mean is None else mean, 1.0 if std is None else std))
    net = HybridSequential()
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
        dataset: Dataset
        if path_imgrec:
            dataset = ImageRecordDataset(path_imgrec)
        elif path_imglist or imglist is not None:
            dataset = ImageListDataset(path_root, path_imglist or imglist)
        else:
            raise InvalidValueError("ImageDataLoader: give path_imgrec, path_imglist or imglist")
        if num_parts > 1:
            dataset = dataset.shard(num_parts, part_index)
        if aug_list is None:
            augment: Block = create_image_augment(data_shape, **kwargs)
        elif isinstance(aug_list, Block):
            augment = aug_list
        elif isinstance(aug_list, list):
            augment = Sequential()
            augment.add(*aug_list)
        else:
            raise InvalidValueError(
                f"ImageDataLoader: aug_list is a Block or a list of them, not {aug_list!r}")
        self._loader = DataLoader(
            dataset.transform_first(augment), batch_size, shuffle, sampler, last_batch, batch_sampler,
            batchify_fn, num_workers, pin_memory, pin_device_id, prefetch, thread_pool, timeout,
            try_nopython=try_nopython)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._loader)

    def __len__(self) -> int:
        return len(self._loader)
