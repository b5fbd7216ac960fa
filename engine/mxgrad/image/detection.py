"""Augmenters and batches for the detection of objects (level 11).

A label is a float32 NumPy array (objects, 5 or more) of [class, left, top, right, bottom, ...], the corners
as parts of the image's width and height, 0 to 1.
"""
from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError
from ..image_codec import boxed
from ..invoke import F
from ..ndarray import BaseArray
from .augment import Augmenter, CastAug, ForceResizeAug, ResizeAug, colours
from .functions import copyMakeBorder, fixed_crop
from .iterator import ImageIter, InvalidExampleError

__all__ = [
    "CreateDetAugmenter", "CreateMultiRandCropAugmenter", "DetAugmenter", "DetBorrowAug",
    "DetHorizontalFlipAug", "DetRandomCropAug", "DetRandomPadAug", "DetRandomSelectAug", "ImageDetIter",
]

Box = tuple[int, int, int, int]


class DetAugmenter(Augmenter):
    """Base of augmenters of images with boxes: ``augmenter(src, label)`` gives both anew."""

    def __call__(self, src: Any, label: Any) -> tuple[Any, Any]:     # type: ignore[override]
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")


class DetBorrowAug(DetAugmenter):
    """An augmenter that leaves boxes where they are."""

    def __init__(self, augmenter: Augmenter) -> None:
        if not isinstance(augmenter, Augmenter) or isinstance(augmenter, DetAugmenter):
            raise InvalidTypeError(f"Borrowing from invalid Augmenter: {type(augmenter).__name__}")
        super().__init__()
        self.augmenter = augmenter

    def dumps(self) -> Any:
        """A list of the name and of what the augmenter gives."""
        return [type(self).__name__.lower(), self.augmenter.dumps()]

    def __call__(self, src: Any, label: Any) -> tuple[Any, Any]:    # type: ignore[override]
        return self.augmenter(src), label


class DetRandomSelectAug(DetAugmenter):
    """One of `aug_list` at random; with probability `skip_prob`, or from an empty list, none."""

    def __init__(self, aug_list: Any, skip_prob: float = 0) -> None:
        super().__init__(skip_prob=skip_prob)
        aug_list = aug_list if isinstance(aug_list, (list, tuple)) else [aug_list]
        for augmenter in aug_list:
            if not isinstance(augmenter, DetAugmenter):
                raise InvalidValueError(f"Allow DetAugmenter in list only, got {type(augmenter).__name__}")
        self.aug_list = list(aug_list)
        self.skip_prob = skip_prob if aug_list else 1

    def dumps(self) -> Any:
        """A list of the name and of what the augmenters give."""
        return [type(self).__name__.lower(), [a.dumps() for a in self.aug_list]]

    def __call__(self, src: Any, label: Any) -> tuple[Any, Any]:    # type: ignore[override]
        if random.random() < self.skip_prob:
            return src, label
        random.shuffle(self.aug_list)
        result: tuple[Any, Any] = self.aug_list[0](src, label)
        return result


class DetHorizontalFlipAug(DetAugmenter):
    """Columns in reverse with probability `p`."""

    def __init__(self, p: float) -> None:
        super().__init__(p=p)
        self.p = p

    def __call__(self, src: Any, label: Any) -> tuple[Any, Any]:    # type: ignore[override]
        if random.random() < self.p:
            src = F.flip(src, axis=1)
            label = label.copy()
            label[:, [1, 3]] = 1.0 - label[:, [3, 1]]
        return src, label


def _pair(value: Any, what: str, positive: bool = True) -> tuple[float, float]:
    """(from, to) of a pair, or of one number."""
    low, high = value if isinstance(value, (tuple, list)) else (value, value)
    if low > high or high <= 0 or positive and low <= 0:
        raise InvalidValueError(f"{what} is a positive number, or (from, to) with from <= to; got {value!r}")
    return low, high


def _areas(boxes: numpy.ndarray) -> numpy.ndarray:
    """Of boxes (n, 4); 0 where they are inside out."""
    sides = numpy.maximum(0, boxes[:, 2:4] - boxes[:, :2])
    areas: numpy.ndarray = sides[:, 0] * sides[:, 1]
    return areas


class DetRandomCropAug(DetAugmenter):
    """A random part of the image that has enough of every object it touches.

    Parameters
    ----------
    min_object_covered : float
        Which share of each object that the part touches it must at least show.
    aspect_ratio_range : (float, float) or float
        Between which ratios of width to height the part's is drawn.
    area_range : (float, float) or float
        Between which shares of the image's area.
    min_eject_coverage : float
        Objects of which not more than this share is seen are left out of the label.
    max_attempts : int
        After that many parts that do not do, the image stays as it is.
    """

    def __init__(
        self, min_object_covered: float = 0.1, aspect_ratio_range: Any = (0.75, 1.33),
        area_range: Any = (0.05, 1.0), min_eject_coverage: float = 0.3, max_attempts: int = 50,
    ) -> None:
        self.aspect_ratio_range = _pair(aspect_ratio_range, "aspect_ratio_range")
        self.area_range = _pair(area_range, "area_range", positive=False)
        super().__init__(
            min_object_covered=min_object_covered, aspect_ratio_range=self.aspect_ratio_range,
            area_range=self.area_range, min_eject_coverage=min_eject_coverage, max_attempts=max_attempts)
        self.min_object_covered, self.min_eject_coverage = min_object_covered, min_eject_coverage
        self.max_attempts = max_attempts

    def __call__(self, src: Any, label: Any) -> tuple[Any, Any]:    # type: ignore[override]
        height, width = src.shape[:2]
        for _ in range(self.max_attempts):
            box = self._drawn(width, height)
            if box is None:
                continue
            kept = self._seen(label, box, width, height)
            if kept is not None:
                return fixed_crop(src, *box), kept
        return src, label

    def _drawn(self, width: int, height: int) -> Box | None:
        """A part (x, y, width, height), or None if the ratio drawn does not go with the areas."""
        least, most = (share * width * height for share in self.area_range)
        ratio = random.uniform(*self.aspect_ratio_range)
        low, high = round(math.sqrt(least / ratio)), round(math.sqrt(most / ratio))
        if round(high * ratio) > width:
            high = int((width + 0.4999999) / ratio)
        high = min(high, height)
        h = random.randint(low, high) if low < high else high
        w = round(h * ratio)
        if w * h < least:
            h += 1
            w = round(h * ratio)
        if w * h > most:
            h -= 1
            w = round(h * ratio)
        if not (least <= w * h <= most and 0 < w <= width and 0 < h <= height):
            return None
        y = random.randint(0, height - h)
        return random.randint(0, width - w), y, w, h

    def _seen(self, label: Any, box: Box, width: int, height: int) -> Any:
        """The label of a part, or None if the part does not do."""
        x, y, w, h = box
        if w * h < 2:
            return None
        size = numpy.array([width, height] * 2)
        areas = _areas(label[:, 1:5])
        first, last = numpy.array([x, y] * 2) / size, numpy.array([x + w, y + h] * 2) / size
        clipped = numpy.clip(label[:, 1:5], first, last)
        covered = _areas(clipped) / numpy.where(areas > 0, areas, 1)
        touched = covered[(areas * width * height > 2) & (covered > 0)]
        if not touched.size or touched.min() <= self.min_object_covered:
            return None
        kept = label.copy()
        kept[:, 1:5] = numpy.clip((label[:, 1:5] * size - [x, y] * 2) / ([w, h] * 2), 0, 1)
        there = (kept[:, 3] > kept[:, 1]) & (kept[:, 4] > kept[:, 2])
        kept = kept[there & (covered > self.min_eject_coverage)]
        return kept if len(kept) else None


class DetRandomPadAug(DetAugmenter):
    """The image at a random place of a larger one.

    Parameters
    ----------
    aspect_ratio_range : (float, float) or float
        Between which ratios of width to height the larger one's is drawn.
    area_range : (float, float) or float
        Between which multiples of the image's area.
    max_attempts : int
        After that many that are not larger, the image stays as it is.
    pad_val : tuple of float, or float
        The colour around it.
    """

    def __init__(
        self, aspect_ratio_range: Any = (0.75, 1.33), area_range: Any = (1.0, 3.0), max_attempts: int = 50,
        pad_val: Any = (128, 128, 128),
    ) -> None:
        self.aspect_ratio_range = _pair(aspect_ratio_range, "aspect_ratio_range")
        self.area_range = _pair(area_range, "area_range")
        if self.area_range[1] <= 1:
            raise InvalidValueError(f"DetRandomPadAug: area_range ends above 1, got {area_range!r}")
        self.pad_val = tuple(pad_val) if isinstance(pad_val, (list, tuple)) else (pad_val,) * 3
        super().__init__(aspect_ratio_range=self.aspect_ratio_range, area_range=self.area_range,
                         max_attempts=max_attempts, pad_val=self.pad_val)
        self.max_attempts = max_attempts

    def __call__(self, src: Any, label: Any) -> tuple[Any, Any]:    # type: ignore[override]
        height, width = src.shape[:2]
        for _ in range(self.max_attempts):
            least, most = (multiple * width * height for multiple in self.area_range)
            ratio = random.uniform(*self.aspect_ratio_range)
            low, high = round(math.sqrt(least / ratio)), round(math.sqrt(most / ratio))
            if round(low * ratio) < width:
                low = int((width + 0.499999) / ratio)
            low = max(low, height)
            h = random.randint(low, high) if low < high else high
            w = round(h * ratio)
            if h - height < 2 or w - width < 2:
                continue
            y = random.randint(0, h - height)
            x = random.randint(0, w - width)
            src = copyMakeBorder(src, y, h - y - height, x, w - x - width, values=self.pad_val)
            label = label.copy()
            label[:, 1:5] = (label[:, 1:5] * ([width, height] * 2) + [x, y] * 2) / ([w, h] * 2)
            break
        return src, label


def CreateMultiRandCropAugmenter(
    min_object_covered: Any = 0.1, aspect_ratio_range: Any = (0.75, 1.33), area_range: Any = (0.05, 1.0),
    min_eject_coverage: Any = 0.3, max_attempts: Any = 50, skip_prob: float = 0,
) -> DetRandomSelectAug:
    """One of several `DetRandomCropAug` at random, or none with probability `skip_prob`.

    Lists give the parameters of each; what is no list is the same for all.
    """
    given = min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts
    lists = [p if isinstance(p, list) else [p] for p in given]
    number = max(map(len, lists))
    if any(len(p) not in (1, number) for p in lists):
        raise InvalidValueError(f"lists of parameters are equally long, got {[len(p) for p in lists]}")
    each = zip(*(p * (number // len(p)) for p in lists))
    return DetRandomSelectAug([DetRandomCropAug(*parameters) for parameters in each], skip_prob)


def CreateDetAugmenter(
    data_shape: Sequence[int], resize: int = 0, rand_crop: float = 0, rand_pad: float = 0,
    rand_gray: float = 0, rand_mirror: bool = False, mean: Any = None, std: Any = None, brightness: float = 0,
    contrast: float = 0, saturation: float = 0, pca_noise: float = 0, hue: float = 0, inter_method: int = 2,
    min_object_covered: Any = 0.1, aspect_ratio_range: Any = (0.75, 1.33), area_range: Any = (0.05, 3.0),
    min_eject_coverage: Any = 0.3, max_attempts: Any = 50, pad_val: Any = (127, 127, 127),
) -> list[DetAugmenter]:
    """The usual augmenters for detection: `CreateAugmenter`'s, but for crops and pads that know boxes.

    `rand_crop` and `rand_pad` are probabilities; the parameters from `min_object_covered` on are those of
    `CreateMultiRandCropAugmenter` and `DetRandomPadAug`.
    """
    augmenters: list[DetAugmenter] = []
    if resize > 0:
        augmenters.append(DetBorrowAug(ResizeAug(resize, inter_method)))
    if rand_crop > 0:
        augmenters.append(CreateMultiRandCropAugmenter(
            min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts,
            1 - rand_crop))
    if rand_mirror:
        augmenters.append(DetHorizontalFlipAug(0.5))
    if rand_pad > 0:
        pad = DetRandomPadAug(aspect_ratio_range, (1.0, area_range[1]), max_attempts, pad_val)
        augmenters.append(DetRandomSelectAug([pad], 1 - rand_pad))
    borrowed = [ForceResizeAug((data_shape[2], data_shape[1]), inter_method), CastAug()]
    borrowed += colours(mean, std, brightness, contrast, saturation, hue, pca_noise, rand_gray)
    return augmenters + [DetBorrowAug(a) for a in borrowed]


class ImageDetIter(ImageIter):
    """Batches of images with boxes.

    A label in a record or list is flat: [header width, object width, ... of the header, objects one after
    another].  In a batch it is (objects, object width), filled up with -1 to the largest number of objects.

    Parameters
    ----------
    label_name : str
        Its name in `provide_label`.
    aug_list : list of DetAugmenter, optional
        `CreateDetAugmenter`'s unless given; **kwargs are for that.

    The others are ImageIter's.  All labels are read once at the beginning.
    """

    def __init__(
        self, batch_size: int, data_shape: Sequence[int], path_imgrec: str | None = None,
        path_imglist: str | None = None, path_root: str | None = None, path_imgidx: str | None = None,
        shuffle: bool = False, part_index: int = 0, num_parts: int = 1, aug_list: list[Any] | None = None,
        imglist: list[Any] | None = None, data_name: str = "data", label_name: str = "label",
        last_batch_handle: str = "pad", **kwargs: Any,
    ) -> None:
        super().__init__(
            batch_size, data_shape, 1, path_imgrec, path_imglist, path_root, path_imgidx, shuffle, part_index,
            num_parts, [], imglist, data_name, label_name, "float32", last_batch_handle)
        self._made_with = kwargs if aug_list is None else None
        self.auglist = CreateDetAugmenter(data_shape, **kwargs) if aug_list is None else aug_list
        self._set_label_shape(self._largest_label())

    def _set_label_shape(self, shape: tuple[int, int]) -> None:
        self.label_shape = shape
        self.provide_label = [(self.provide_label[0][0], (self.batch_size, *shape))]

    def _largest_label(self) -> tuple[int, int]:
        """The shape that holds every label; raises if there is none that is valid."""
        objects = width = 0
        invalid: InvalidExampleError | None = None
        while True:
            try:
                label = self._boxes(self.next_sample()[0])
            except StopIteration:
                break
            except InvalidExampleError as error:
                invalid = error
                continue
            if width not in (0, label.shape[1]):
                raise InvalidValueError(f"objects of one width only: {width} and {label.shape[1]} numbers")
            objects, width = max(objects, len(label)), label.shape[1]
        if invalid is not None and not objects:
            raise invalid
        self.hard_reset()
        return objects, width

    def _boxes(self, label: Any) -> numpy.ndarray:
        """The objects of a flat label that have an area."""
        flat = numpy.ravel(label.asnumpy() if isinstance(label, BaseArray) else label)
        if flat.size < 7:
            raise InvalidExampleError(f"Label shape is invalid: {flat.shape}; 7 numbers are the least")
        header, width = int(flat[0]), int(flat[1])
        if header < 2 or width < 5 or flat.size < header or (flat.size - header) % width:
            raise InvalidExampleError(
                f"Label shape {flat.shape} inconsistent with header width {header} and annotation width "
                f"{width}")
        boxes: numpy.ndarray = flat[header:].reshape(-1, width)
        boxes = boxes[(boxes[:, 3] > boxes[:, 1]) & (boxes[:, 4] > boxes[:, 2])]
        if not len(boxes):
            raise InvalidExampleError("Encounter sample with no valid label.")
        return boxes

    def _example(self, image: Any, label: Any) -> tuple[Any, Any]:
        image, boxes = self.augmentation_transform(image, self._boxes(label))
        if not (boxes[:, 0] >= 0).any():
            raise InvalidExampleError("Invalid label occurs.")
        filled = numpy.full(self.label_shape, -1, numpy.float32)
        filled[:len(boxes)] = boxes
        return image, filled

    def augmentation_transform(self, data: Any, label: Any = None) -> Any:
        """What the augmenters make of an image and its boxes."""
        for augment in self.auglist:
            data, label = augment(data, label)
        return data, label

    def reshape(
        self, data_shape: Sequence[int] | None = None, label_shape: Sequence[int] | None = None,
    ) -> None:
        """Other shapes for the batches to come: (3, height, width), and (objects, object width).

        Objects can only become more.  Augmenters that were given stay, the usual ones are made anew.
        """
        if data_shape is not None:
            self.check_data_shape(data_shape)
        if label_shape is not None:
            self.check_label_shape(label_shape)
            self._set_label_shape((label_shape[0], label_shape[1]))
        if data_shape is not None:
            self.data_shape = tuple(data_shape)
            if self._made_with is not None:
                self.auglist = CreateDetAugmenter(self.data_shape, **self._made_with)
            self.provide_data = [(self.provide_data[0][0], (self.batch_size, *self.data_shape))]

    def check_label_shape(self, label_shape: Sequence[int]) -> None:
        """Raises InvalidValueError for a shape that `reshape` does not take."""
        if len(label_shape) != 2:
            raise InvalidValueError(f"label_shape should have length 2, got {tuple(label_shape)}")
        objects, width = self.label_shape
        if label_shape[0] < objects:
            raise InvalidValueError(
                f"Attempts to reduce label count from {objects} to {label_shape[0]}, not allowed.")
        if label_shape[1] != width:
            raise InvalidValueError(f"label_shape object width inconsistent: {width} vs {label_shape[1]}.")

    def sync_label_shape(self, it: ImageDetIter, verbose: bool = False) -> ImageDetIter:
        """Give this and another iterator the larger one's label shape; gives the other back."""
        if not isinstance(it, ImageDetIter):
            raise InvalidTypeError(f"Synchronize with invalid iterator: {type(it).__name__}")
        if self.label_shape[1] != it.label_shape[1]:
            raise InvalidValueError(f"object width mismatch: {self.label_shape[1]} and {it.label_shape[1]}")
        most = max(self.label_shape[0], it.label_shape[0])
        for each in (self, it):
            each.reshape(None, (most, self.label_shape[1]))
        if verbose:
            print(f"Resized label_shape to ({most}, {self.label_shape[1]}).")
        return it

    def draw_next(
        self, color: Sequence[int] | None = None, thickness: int = 2, mean: Any = None, std: Any = None,
        clip: bool = True, id2labels: dict[int, str] | None = None,
    ) -> Iterator[numpy.ndarray]:
        """Augmented images with their boxes drawn, one after another: uint8 (height, width, 3), RGB.

        Parameters
        ----------
        color : (int, int, int), optional
            Of the boxes; drawn for each by NumPy unless given.
        thickness : int
            Of the lines, in pixels.
        mean, std : numpy.ndarray, True or None
            What the augmenters normalised by, to be undone; True for ImageNet's.
        clip : bool
            Bring values into 0 to 255 before they become uint8.
        id2labels : dict, optional
            Names of classes, written into the boxes.

        Unlike MXNet's it draws with Pillow and opens no windows.
        """
        mean = numpy.array([123.68, 116.28, 103.53]) if mean is True else 0 if mean is None else mean
        std = numpy.array([58.395, 57.12, 57.375]) if std is True else 1 if std is None else std
        while True:
            try:
                label, file = self.next_sample()
            except StopIteration:
                return
            try:
                image, boxes = self.augmentation_transform(self.imdecode(file), self._boxes(label))
            except InvalidExampleError:
                continue
            pixels = image.asnumpy() * std + mean
            pixels = (numpy.clip(pixels, 0, 255) if clip else pixels).astype(numpy.uint8)
            size = [pixels.shape[1], pixels.shape[0]] * 2
            drawn = []
            for box in boxes[boxes[:, 1] >= 0]:
                colour = tuple(int(c) for c in (numpy.random.rand(3) * 255 if color is None else color))
                corners = [int(c) for c in box[1:5] * size]
                drawn.append((corners, colour, (id2labels or {}).get(int(box[0]), "")))
            yield boxed(pixels, drawn, thickness)
