"""Transforms of images, (height, width, channels), and the boxes of objects in them (level 17).

Boxes are arrays (objects, 4 or more): left, top, right, bottom in pixels, and what else there is of an
object.  The functions take and give NumPy's arrays, the blocks those of the image's frontend.  Random numbers
are Python's (``random.seed``) and NumPy's, as in MXNet.
"""
from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy

from ...... import nd, np, npx
from ......base import InvalidTypeError, InvalidValueError
from ......image import copyMakeBorder
from .....block import Block

__all__ = [
    "ImageBboxCrop", "ImageBboxRandomCropWithConstraints", "ImageBboxRandomExpand",
    "ImageBboxRandomFlipLeftRight", "ImageBboxResize", "bbox_clip_xyxy", "bbox_crop", "bbox_flip", "bbox_iou",
    "bbox_random_crop_with_constraints", "bbox_resize", "bbox_translate", "bbox_xywh_to_xyxy",
    "bbox_xyxy_to_xywh",
]

Box = tuple[int, int, int, int]


# -- functions ----------------------------------------------------------------------------------------------


def bbox_crop(bbox: numpy.ndarray, crop_box: Any = None, allow_outside_center: bool = True) -> numpy.ndarray:
    """The boxes in a part of the image.

    Parameters
    ----------
    bbox : numpy.ndarray
        (objects, 4 or more).
    crop_box : tuple, optional
        (left, top, width, height) of the part; None, or None for one of them, leaves it open.
    allow_outside_center : bool
        Keep boxes whose centres are outside, too; those that are outside altogether are left out.

    Raises InvalidValueError if `crop_box` does not have four numbers.

    >>> bbox_crop(numpy.array([[0, 0, 4, 4], [6, 6, 9, 9]]), (1, 2, 4, 5))
    array([[0, 0, 3, 2]])
    """
    bbox = bbox.copy()
    if crop_box is None or all(c is None for c in crop_box):
        return bbox
    if len(crop_box) != 4:
        raise InvalidValueError(f"bbox_crop: crop_box has length 4, got {crop_box!r}")
    left, top = (c or 0 for c in crop_box[:2])
    first = numpy.array([left, top])
    last = numpy.array([begin + (length or math.inf) for begin, length in zip((left, top), crop_box[2:])])
    kept = numpy.ones(len(bbox), bool)
    if not allow_outside_center:
        centres = (bbox[:, :2] + bbox[:, 2:4]) / 2
        kept = ((first <= centres) & (centres < last)).all(axis=1)
    bbox[:, :2] = numpy.maximum(bbox[:, :2], first) - first
    bbox[:, 2:4] = numpy.minimum(bbox[:, 2:4], last) - first
    found: numpy.ndarray = bbox[kept & (bbox[:, :2] < bbox[:, 2:4]).all(axis=1)]
    return found


def _two(size: Any, what: str) -> Any:
    if len(size) != 2:
        raise InvalidValueError(f"{what} is (width, height), got {size!r}")
    return size


def bbox_flip(bbox: numpy.ndarray, size: Any, flip_x: bool = False, flip_y: bool = False) -> numpy.ndarray:
    """The boxes in an image of `size`, (width, height), whose columns (`flip_x`) or rows are reversed."""
    width, height = _two(size, "bbox_flip: size")
    bbox = bbox.copy()
    if flip_y:
        bbox[:, [1, 3]] = height - bbox[:, [3, 1]]
    if flip_x:
        bbox[:, [0, 2]] = width - bbox[:, [2, 0]]
    return bbox


def bbox_resize(bbox: numpy.ndarray, in_size: Any, out_size: Any) -> numpy.ndarray:
    """The boxes, float64, in an image that is resized from one (width, height) to another."""
    bbox = bbox.astype(float)
    scale = numpy.divide(_two(out_size, "bbox_resize: out_size"), _two(in_size, "bbox_resize: in_size"))
    bbox[:, :4] *= numpy.tile(scale, 2)
    return bbox


def bbox_translate(bbox: numpy.ndarray, x_offset: float = 0, y_offset: float = 0) -> numpy.ndarray:
    """The boxes, moved."""
    bbox = bbox.copy()
    bbox[:, :4] += numpy.array([x_offset, y_offset] * 2, bbox.dtype)
    return bbox


def bbox_iou(bbox_a: numpy.ndarray, bbox_b: numpy.ndarray, offset: float = 0) -> numpy.ndarray:
    """The area that boxes have in common over that of both together, (boxes of `a`, boxes of `b`).

    `offset` is 1 where right and bottom are pixels of the object.

    >>> bbox_iou(numpy.array([[0, 0, 2, 2]]), numpy.array([[1, 0, 3, 2], [2, 0, 3, 2]])).round(3)
    array([[0.333, 0.   ]])
    """
    if bbox_a.shape[1] < 4 or bbox_b.shape[1] < 4:
        raise InvalidValueError("bbox_iou: Bounding boxes axis 1 must have at least length 4, got "
                                f"{bbox_a.shape} and {bbox_b.shape}")
    first = numpy.maximum(bbox_a[:, None, :2], bbox_b[:, :2])
    last = numpy.minimum(bbox_a[:, None, 2:4], bbox_b[:, 2:4])
    both = numpy.prod(last - first + offset, axis=2) * (first < last).all(axis=2)
    a, b = (numpy.prod(box[:, 2:4] - box[:, :2] + offset, axis=1) for box in (bbox_a, bbox_b))
    found: numpy.ndarray = both / (a[:, None] + b - both)
    return found


def _corners(boxes: Any, what: str) -> Any:
    """The columns of boxes, or the four numbers of one in a list or tuple."""
    if isinstance(boxes, numpy.ndarray):
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise InvalidValueError(f"{what}: boxes have shape (N, 4), got {boxes.shape}")
        return boxes.T
    if not isinstance(boxes, (tuple, list)):
        raise InvalidTypeError(f"{what}: a list, tuple or numpy.ndarray is expected, got "
                               f"{type(boxes).__name__}")
    if len(boxes) != 4:
        raise InvalidValueError(f"{what}: Bounding boxes must have 4 elements, given {len(boxes)}")
    return boxes


def bbox_xywh_to_xyxy(xywh: Any) -> Any:
    """(left, top, width, height) as (left, top, right, bottom), where right and bottom are pixels inside:
    a tuple, or numpy.ndarray (boxes, 4).

    >>> bbox_xywh_to_xyxy((1, 2, 3, 4))
    (1, 2, 3, 5)
    """
    x, y, w, h = _corners(xywh, "bbox_xywh_to_xyxy")
    return _like(xywh, (x, y, x + numpy.maximum(w - 1, 0), y + numpy.maximum(h - 1, 0)))


def bbox_xyxy_to_xywh(xyxy: Any) -> Any:
    """What `bbox_xywh_to_xyxy` reverts.

    >>> bbox_xyxy_to_xywh((1, 2, 3, 5))
    (1, 2, 3, 4)
    """
    left, top, right, bottom = _corners(xyxy, "bbox_xyxy_to_xywh")
    return _like(xyxy, (left, top, right - left + 1, bottom - top + 1))


def bbox_clip_xyxy(xyxy: Any, width: float, height: float) -> Any:
    """Boxes whose corners are pixels, moved into an image.

    >>> bbox_clip_xyxy((-1, 2, 30, 5), 10, 5)
    (0, 2, 9, 4)
    """
    corners = _corners(xyxy, "bbox_clip_xyxy")
    ends = width - 1, height - 1, width - 1, height - 1
    return _like(xyxy, [numpy.minimum(end, numpy.maximum(0, c)) for c, end in zip(corners, ends)])


def _like(given: Any, columns: Sequence[Any]) -> Any:
    if isinstance(given, numpy.ndarray):
        return numpy.stack(columns, axis=1)
    return tuple(c.item() if isinstance(c, numpy.generic) else c for c in columns)


# At least, at most so much of the boxes and the part in common.
_CONSTRAINTS = ((0.1, None), (0.3, None), (0.5, None), (0.7, None), (0.9, None), (None, 1))


def bbox_random_crop_with_constraints(
    bbox: numpy.ndarray, size: tuple[int, int], min_scale: float = 0.3, max_scale: float = 1,
    max_aspect_ratio: float = 2, constraints: Any = None, max_trial: int = 50,
) -> tuple[numpy.ndarray, Box]:
    """A random part of an image that shows objects (W. Liu and others, SSD, arXiv:1512.02325).

    Parameters
    ----------
    bbox : numpy.ndarray
        (objects, 4 or more).
    size : (int, int)
        (width, height) of the image.
    min_scale, max_scale : float
        Of the part's sides to the image's.
    max_aspect_ratio : float
        How many times wider than high, in proportion, or higher than wide.
    constraints : sequence of (float or None, float or None), optional
        Of each a part is sought that has with every box at least and at most so much in common, as
        `bbox_iou` says; one of them all, or the whole image, is taken.
    max_trial : int
        How often.

    Returns
    -------
    numpy.ndarray
        The boxes in the part whose centres are in it.
    tuple
        (left, top, width, height) of the part.
    """
    w, h = size
    found: list[Box] = [(0, 0, w, h)]
    for low, high in _CONSTRAINTS if constraints is None else constraints:
        least, most = -math.inf if low is None else low, math.inf if high is None else high
        for _ in range(max_trial):
            scale = random.uniform(min_scale, max_scale)
            ratio = random.uniform(max(1 / max_aspect_ratio, scale * scale),
                                   min(max_aspect_ratio, 1 / (scale * scale)))
            height, width = int(h * scale / math.sqrt(ratio)), int(w * scale * math.sqrt(ratio))
            top, left = (random.randrange(max(room, 1)) for room in (h - height, w - width))
            if len(bbox) == 0:
                return bbox, (left, top, width, height)
            common = bbox_iou(bbox, numpy.array([[left, top, left + width, top + height]]))
            if least <= common.min() and common.max() <= most:
                found.append((left, top, width, height))
                break
    while found:
        part = found.pop(numpy.random.randint(0, len(found)))
        kept = bbox_crop(bbox, part, allow_outside_center=False)
        if kept.size:
            return kept, part
    return bbox, (0, 0, w, h)


# -- blocks -------------------------------------------------------------------------------------------------


def _images(img: Any) -> Any:
    """The functions of images of the frontend."""
    return npx.image if isinstance(img, np.ndarray) else nd.image


def _boxes(img: Any, boxes: numpy.ndarray) -> Any:
    """Boxes as an array of the image's frontend."""
    return (np if isinstance(img, np.ndarray) else nd).array(boxes)


def _checked(what: str, img: Any, bbox: Any) -> numpy.ndarray:
    """The boxes on the host."""
    if img.ndim != 3:
        raise InvalidValueError(f"{what}: images are (height, width, channels), got shape {img.shape}")
    if bbox.ndim != 2 or bbox.shape[1] < 4:
        raise InvalidValueError(f"{what}: bbox requires shape of (N, 4+), given: {bbox.shape}")
    found: numpy.ndarray = bbox.asnumpy()
    return found


class ImageBboxRandomFlipLeftRight(Block):
    """The columns in reverse, with probability `p`.

    >>> import mxgrad as mx
    >>> flip = ImageBboxRandomFlipLeftRight(p=1)
    >>> image, boxes = flip(mx.nd.array([[[1], [2], [3]]]), mx.nd.array([[0, 0, 1, 1]]))
    >>> image.asnumpy().ravel().tolist(), boxes.asnumpy().tolist()
    ([3.0, 2.0, 1.0], [[2.0, 0.0, 3.0, 1.0]])
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any, bbox: Any) -> tuple[Any, Any]:
        """The image and its boxes."""
        host = _checked(type(self).__name__, img, bbox)
        if self.p <= 0 or self.p < 1 and self.p < random.random():
            return img, bbox
        return _images(img).flip_left_right(img), _boxes(img, bbox_flip(host, img.shape[1::-1], flip_x=True))


class ImageBboxCrop(Block):
    """A part of the image, if it is larger.

    Parameters
    ----------
    crop : (int, int, int, int)
        (left, top, width, height).
    allow_outside_center : bool
        Keep boxes whose centres are outside, too.

    Raises InvalidValueError if `crop` is no part.
    """

    def __init__(self, crop: Box, allow_outside_center: bool = False) -> None:
        super().__init__()
        if len(crop) != 4 or min(crop[:2]) < 0 or min(crop[2:]) <= 0:
            raise InvalidValueError(f"ImageBboxCrop: crop is (left, top, width, height), got {crop!r}")
        self._crop, self._allow_outside_center = tuple(crop), allow_outside_center

    def forward(self, img: Any, bbox: Any) -> tuple[Any, Any]:
        """The image and its boxes."""
        host = _checked(type(self).__name__, img, bbox)
        left, top, width, height = self._crop
        if left + width >= img.shape[1] or top + height >= img.shape[0]:
            return img, bbox
        return (_images(img).crop(img, *self._crop),
                _boxes(img, bbox_crop(host, self._crop, self._allow_outside_center)))


class ImageBboxRandomCropWithConstraints(Block):
    """A random part of the image, with probability `p`; see `bbox_random_crop_with_constraints`."""

    def __init__(
        self, p: float = 0.5, min_scale: float = 0.3, max_scale: float = 1, max_aspect_ratio: float = 2,
        constraints: Any = None, max_trial: int = 50,
    ) -> None:
        super().__init__()
        self.p = p
        self._args = min_scale, max_scale, max_aspect_ratio, constraints, max_trial

    def forward(self, img: Any, bbox: Any) -> tuple[Any, Any]:
        """The image and its boxes."""
        host = _checked(type(self).__name__, img, bbox)
        if random.random() > self.p:
            return img, bbox
        width, height = img.shape[1], img.shape[0]
        found, part = bbox_random_crop_with_constraints(host, (width, height), *self._args)
        if part == (0, 0, width, height):
            return img, bbox
        return _images(img).crop(img, *part), _boxes(img, found)


class ImageBboxRandomExpand(Block):
    """The image at a random place of a larger one, with probability `p`.

    Parameters
    ----------
    p : float
    max_ratio : float
        How many times larger the sides may be.
    fill : float or sequence of float
        The colour around it.
    keep_ratio : bool
        The larger one has the same ratio of width to height.
    """

    def __init__(self, p: float = 0.5, max_ratio: float = 4, fill: Any = 0, keep_ratio: bool = True) -> None:
        super().__init__()
        self.p = p
        self._max_ratio, self._fill, self._keep_ratio = max_ratio, fill, keep_ratio

    def forward(self, img: Any, bbox: Any) -> tuple[Any, Any]:
        """The image and its boxes."""
        host = _checked(type(self).__name__, img, bbox)
        if self._max_ratio <= 1 or random.random() > self.p:
            return img, bbox
        height, width, channels = img.shape
        colour = [self._fill] * channels if isinstance(self._fill, (int, float)) else list(self._fill)
        if len(colour) != channels:
            raise InvalidValueError("ImageBboxRandomExpand: Channel and fill size mismatch, "
                                    f"{channels} vs {len(colour)}")
        across = random.uniform(1, self._max_ratio)
        down = across if self._keep_ratio else random.uniform(1, self._max_ratio)
        h, w = int(height * down), int(width * across)
        top = random.randint(0, h - height)
        left = random.randint(0, w - width)
        nd_image = img.as_nd_ndarray() if isinstance(img, np.ndarray) else img
        larger = copyMakeBorder(nd_image, top, h - height - top, left, w - width - left, values=colour)
        if isinstance(img, np.ndarray):
            larger = larger.as_np_ndarray()
        return larger, _boxes(img, bbox_translate(host, left, top))


class ImageBboxResize(Block):
    """Another size.

    Parameters
    ----------
    width, height : int
    interp : int
        As of ``image.imresize``; -1 chooses one of 0 to 4 at random, for each image.
    """

    def __init__(self, width: int, height: int, interp: int = 1) -> None:
        super().__init__()
        self._size, self._interp = (width, height), interp

    def forward(self, img: Any, bbox: Any) -> tuple[Any, Any]:
        """The image and its boxes."""
        host = _checked(type(self).__name__, img, bbox)
        interp = random.randint(0, 4) if self._interp == -1 else self._interp
        return (_images(img).resize(img, self._size, False, interp),
                _boxes(img, bbox_resize(host, img.shape[1::-1], self._size)))
