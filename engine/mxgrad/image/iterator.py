"""Batches of images from record files, lists and folders (level 11)."""
from __future__ import annotations

import logging
import os
import random
from collections.abc import Sequence
from typing import Any

import numpy

from .. import nd
from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError
from ..context import current_context
from ..io.base import DataBatch, DataIter
from ..ndarray import BaseArray
from ..np.array import ndarray
from ..npx.switches import is_np_array
from ..params_file import FileError, FileFormatError, MissingFileError
from ..recordio import MXIndexedRecordIO, MXRecordIO, unpack
from .augment import CreateAugmenter
from .functions import imdecode

__all__ = ["ImageIter"]


def _array(host: numpy.ndarray) -> Any:
    ctx = current_context()
    return wrap(ndarray if is_np_array() else nd.NDArray, ctx.backend.from_host(host), ctx)


class ImageIter(DataIter):
    """Batches of images, read one by one, decoded, augmented, with the channels first.

    Parameters
    ----------
    batch_size : int
    data_shape : (3, int, int)
        (channels, height, width) of an image in the batch.
    label_width : int
        Numbers in a label.
    path_imgrec : str, optional
        A record file of images, as `mxgrad.recordio.pack_img` makes records.
    path_imglist : str, optional
        A text file with a line for each image, tabs between: key, one or more labels, path.
    path_root : str, optional
        Where the paths begin; the current directory unless given.
    path_imgidx : str, optional
        The index of the record file; `shuffle` and `num_parts` need it.
    shuffle : bool
        Another order in each epoch, by Python's `random`.
    part_index, num_parts : int
        Of `num_parts` equal shares of the images, take this one.
    aug_list : list of Augmenter, optional
        What is done to each image; `CreateAugmenter`'s unless given.
    imglist : list, optional
        Like `path_imglist`, a list of lists: [label, ..., path], or [[label, ...], path].
    data_name, label_name : str
        Names in `provide_data` and `provide_label`.
    dtype : str
        'int32', 'int64', 'float32' or 'float64': in which labels of lists are kept.
    last_batch_handle : {'pad', 'discard', 'roll_over'}
        What happens to a last batch that is not full: it is filled from the beginning; left out; or kept for
        the next epoch.
    **kwargs
        For `CreateAugmenter`.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        Parameters that do not fit together.
    FileError, FileFormatError
        A file that is not there, or not what it should be.
    BrokenImageError
        While iterating: an image cannot be decoded.
    """

    _dtype: Any = numpy.float32     # of the data in a batch

    def __init__(
        self, batch_size: int, data_shape: Sequence[int], label_width: int = 1,
        path_imgrec: str | None = None, path_imglist: str | None = None, path_root: str | None = None,
        path_imgidx: str | None = None, shuffle: bool = False, part_index: int = 0, num_parts: int = 1,
        aug_list: list[Any] | None = None,
        imglist: list[Any] | None = None, data_name: str = "data", label_name: str = "softmax_label",
        dtype: str = "float32", last_batch_handle: str = "pad", **kwargs: Any,
    ) -> None:
        super().__init__(batch_size)
        if not (path_imgrec or path_imglist or isinstance(imglist, list)):
            raise InvalidValueError("ImageIter: give path_imgrec, path_imglist or imglist, a list")
        if dtype not in ("int32", "float32", "int64", "float64"):
            raise InvalidTypeError(
                f"ImageIter: {dtype} label not supported; int32, int64, float32, float64 are")
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            raise InvalidValueError(
                f"ImageIter: last_batch_handle is 'pad', 'discard' or 'roll_over', not {last_batch_handle!r}")
        if not 0 <= part_index < num_parts:
            raise InvalidValueError(f"ImageIter: part_index is 0 to {num_parts - 1}, got {part_index}")
        if batch_size < 1:
            raise InvalidValueError(f"ImageIter: batch_size is positive, got {batch_size}")
        self.check_data_shape(data_shape)
        self.data_shape = tuple(data_shape)
        self.label_width, self.shuffle, self.path_root = label_width, shuffle, path_root
        self.last_batch_handle = last_batch_handle
        self.provide_data = [(data_name, (batch_size, *self.data_shape))]
        self.provide_label = [(label_name, (batch_size, label_width) if label_width > 1 else (batch_size,))]
        self.imglist: dict[Any, tuple[Any, str]] | None = None
        if path_imglist:
            self.imglist = _read_list(path_imglist, dtype)
        elif isinstance(imglist, list):
            self.imglist = _listed(imglist, dtype)
        self.imgrec: MXRecordIO | None = None
        self.seq: list[Any] | None = None
        if path_imgrec:
            self.imgrec, self.seq = self._opened(path_imgrec, path_imgidx, shuffle or num_parts > 1)
        elif self.imglist is not None:
            self.seq = list(self.imglist)
        if self.seq is not None and num_parts > 1:
            self.seq = self._part(self.seq, part_index, num_parts)
        self.num_image = None if self.seq is None else len(self.seq)
        self.auglist: list[Any] = CreateAugmenter(self.data_shape, **kwargs) if aug_list is None else aug_list
        self._kept: tuple[Any, Any, int] | None = None      # a batch that rolls over, and how full it is
        self.hard_reset()

    def _opened(self, path: str, index: str | None, any_order: bool) -> tuple[MXRecordIO, list[Any] | None]:
        """The record file, and its keys if it is read in any order."""
        if index:
            indexed = MXIndexedRecordIO(index, path, "r")
            return indexed, list(indexed.keys)
        if any_order:
            raise InvalidValueError("ImageIter: shuffle and num_parts need path_imgidx for a record file")
        return MXRecordIO(path, "r"), None

    def _part(self, keys: list[Any], part_index: int, num_parts: int) -> list[Any]:
        """One of `num_parts` equal shares."""
        share = len(keys) // num_parts
        return keys[part_index * share:(part_index + 1) * share]

    def _shuffle(self) -> None:
        """Bring the keys into another order, if so wanted."""
        if self.seq is not None and self.shuffle:
            random.shuffle(self.seq)

    def _rewind(self) -> None:
        """Go on with the first image where there are no more: they fill the last batch."""
        self.cur = 0

    def reset(self) -> None:
        """Begin a new epoch; a batch that rolls over comes first in it."""
        if self._kept is None or self.last_batch_handle != "roll_over":
            self.hard_reset()
        else:
            self._shuffle()

    def hard_reset(self) -> None:
        """Begin anew, and forget a batch that rolls over."""
        self._shuffle()
        if self.imgrec is not None:
            self.imgrec.reset()
        self.cur = 0
        self._allow_read = True
        self._kept = None

    def next_sample(self) -> tuple[Any, bytes]:
        """Label and file of the next image; StopIteration at the end."""
        if not self._allow_read:
            raise StopIteration
        if self.seq is None:
            assert self.imgrec is not None
            record = self.imgrec.read()
            if record is None:
                if self.last_batch_handle != "discard":
                    self.imgrec.reset()
                raise StopIteration
            self.cur += 1
            header, file = unpack(record)
            return header.label, file
        if self.cur == len(self.seq):
            if self.last_batch_handle != "discard":
                self._rewind()
            raise StopIteration
        key = self.seq[self.cur]
        self.cur += 1
        if self.imgrec is None:
            assert self.imglist is not None
            label, name = self.imglist[key]
            return label, self.read_image(name)
        assert isinstance(self.imgrec, MXIndexedRecordIO)
        header, file = unpack(self.imgrec.read_idx(key) or b"")
        return (header.label if self.imglist is None else self.imglist[key][0]), file

    def _fill(self, data: Any, label: Any, i: int) -> int:
        """Read images into the batch from place `i` on; gives the place where they ended."""
        while i < self.batch_size:
            try:
                given, file = self.next_sample()
            except StopIteration:
                break
            image = self.imdecode(file)
            try:
                self.check_valid_image(image)
                image, given = self._example(image, given)
            except InvalidExampleError as error:
                logging.debug("Invalid image, skipping:  %s", error)
                continue
            data[i] = self.postprocess_data(image)
            label[i] = given
            i += 1
        return i

    def _example(self, image: Any, label: Any) -> tuple[Any, Any]:
        """Image and label as they go into the batch, but for the order of the axes."""
        return self.augmentation_transform(image), label

    def next(self) -> DataBatch:
        """The next batch, its `pad` the number of images that only fill it."""
        rolled = self._kept is not None
        if self._kept is not None:
            data, label, filled = self._kept
            self._kept = None
        else:
            data = _array(numpy.zeros(self.provide_data[0][1], self._dtype))
            label = _array(numpy.zeros(self.provide_label[0][1], numpy.float32))
            filled = self._fill(data, label, 0)
            if filled == 0:
                raise StopIteration
        pad = self.batch_size - filled
        if pad:
            if self.last_batch_handle == "discard":
                raise StopIteration
            if self.last_batch_handle == "roll_over" and not rolled:
                self._kept = data, label, filled
                raise StopIteration
            while filled < self.batch_size:
                more = self._fill(data, label, filled)
                if more == filled:
                    break
                filled = more
            if rolled:
                pad = self.batch_size - filled
            else:
                self._allow_read = False
        return DataBatch([data], [label], pad=pad)

    def check_data_shape(self, data_shape: Sequence[int]) -> None:
        """Raises InvalidValueError unless `data_shape` is (3, height, width)."""
        if len(data_shape) != 3:
            raise InvalidValueError(
                f"data_shape should have length 3, with dimensions CxHxW, got {tuple(data_shape)}")
        if data_shape[0] != 3:
            raise InvalidValueError(
                f"This iterator expects inputs to have 3 channels, got {tuple(data_shape)}")

    def check_valid_image(self, data: Any) -> None:
        """Raises InvalidExampleError, which leaves the image out, unless `data` has rows of pixels."""
        if data.ndim < 2:
            raise InvalidExampleError(f"Data shape is wrong: {data.shape}")

    def imdecode(self, s: bytes) -> Any:
        """The image in a file; BrokenImageError says which one cannot be decoded."""
        try:
            return imdecode(s)
        except InvalidValueError as error:
            if self.seq is None:
                which = f"index: {self.cur - 1}"
            else:
                key = self.seq[self.cur - 1]
                which = f"index: {key}" if self.imglist is None else f"filename: {self.imglist[key][1]}"
            raise BrokenImageError(f"Broken image {which}, {error}") from None

    def read_image(self, fname: str) -> bytes:
        """The bytes of the file `fname` below the root."""
        with open(os.path.join(self.path_root or "", fname), "rb") as file:
            return file.read()

    def augmentation_transform(self, data: Any) -> Any:
        """What the augmenters make of an image."""
        for augment in self.auglist:
            data = augment(data)
        return data

    def postprocess_data(self, datum: Any) -> Any:
        """An augmented image as it goes into the batch: channels first."""
        return datum.transpose((2, 0, 1))


class BrokenImageError(InvalidValueError):
    """An image of a data set that cannot be decoded; the message says which."""


class InvalidExampleError(InvalidValueError):
    """An image, or its label, that is left out of the batches."""


def _read_list(path: str, dtype: str) -> dict[Any, tuple[Any, str]]:
    """Labels and paths of a ``.lst`` file, by key."""
    found: dict[Any, tuple[Any, str]] = {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError as error:
        cls = MissingFileError if isinstance(error, FileNotFoundError) else FileError
        raise cls(error.errno, error.strerror, path) from None
    for number, line in enumerate(lines, 1):
        fields = line.strip().split("\t")
        try:
            key, labels = int(fields[0]), numpy.array([float(f) for f in fields[1:-1]], dtype)
        except ValueError:
            fields = []
        if len(fields) < 3:
            raise FileFormatError(
                f"{path}: line {number}: expected a key, one or more labels and a path, tabs between, found "
                f"{line!r}")
        found[key] = labels, fields[-1]
    return found


def _listed(images: list[Any], dtype: str) -> dict[Any, tuple[Any, str]]:
    """Labels and paths of a list of lists, by keys '1', '2', ..."""
    found: dict[Any, tuple[Any, str]] = {}
    for number, image in enumerate(images, 1):
        label = image[:-1] if len(image) > 2 else image[0]
        label = label.asnumpy() if isinstance(label, BaseArray) else label
        found[str(number)] = numpy.atleast_1d(numpy.asarray(label, dtype)), image[-1]
    return found
