"""Batches of what is in files (level 12)."""
from __future__ import annotations

import logging
import os
import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy

from .. import nd
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..image import ImageIter, copyMakeBorder, imresize
from ..image.augment import (
    CastAug,
    CenterCropAug,
    ColorJitterAug,
    ColorNormalizeAug,
    HorizontalFlipAug,
    LightingAug,
    RandomCropAug,
    RandomSizedCropAug,
    ResizeAug,
)
from ..params_file import FileError, FileFormatError, MissingFileError
from ..recordio import MXIndexedRecordIO, MXRecordIO
from ..streams import Engines, NDStreams
from .base import DataBatch, DataDesc, DataIter
from .idx import read_idx

__all__ = ["CSVIter", "ImageRecordInt8Iter", "ImageRecordIter", "ImageRecordUInt8Iter", "LibSVMIter",
           "MNISTIter", "MXDataIter"]


class MXDataIter(DataIter):
    """What the iterators of files share: batches of examples that were read into memory.

    `batch.index` tells the places of the examples in the file.

    Parameters
    ----------
    data, label : numpy.ndarray
        Arrays with as many examples.
    batch_size : int
    last : {'round', 'stale', 'discard'}
        What becomes of a last batch that is not full: it is filled with the first examples, and the next
        epoch begins with the ones after them; filled with what the batch before it has there; or left out.
    data_name, label_name : str
        Names in `provide_data` and `provide_label`.
    """

    def __init__(
        self, data: numpy.ndarray, label: numpy.ndarray, batch_size: int, last: str,
        data_name: str = "data", label_name: str = "softmax_label", places: numpy.ndarray | None = None,
    ) -> None:
        super().__init__(batch_size)
        if batch_size < 1:
            raise InvalidValueError(f"{self._kind}: batch_size is positive, got {batch_size}")
        if len(data) != len(label):
            raise InvalidValueError(f"{self._kind}: {len(data)} examples have {len(label)} labels")
        if 2 * len(data) < batch_size or last == "discard" and len(data) < batch_size:
            raise InvalidValueError(
                f"{self._kind}: number of input must be bigger than batch size; there are {len(data)} "
                f"examples for batches of {batch_size}")
        self._data, self._label, self._last = data, label, last
        self._places = numpy.arange(len(data)) if places is None else places
        self._start = self._over = 0
        self._chosen = numpy.arange(batch_size) % len(data)
        self.provide_data, self.provide_label = (
            [DataDesc(name, (batch_size, *a.shape[1:]), a.dtype.type)]
            for name, a in ((data_name, data), (label_name, label)))

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def reset(self) -> None:
        """Begin a new epoch."""
        self._start = self._over if self._last == "round" else 0
        self._over = 0

    def iter_next(self) -> bool:
        """Move to the next batch; False at the end."""
        count, stop = len(self._data), self._start + self.batch_size
        if self._over or self._start >= count or self._last == "discard" and stop > count:
            return False
        self._over = max(0, stop - count)
        chosen = numpy.arange(self._start, stop) % count
        if self._over and self._last == "stale":
            chosen[-self._over:] = self._chosen[-self._over:]
        self._chosen, self._start = chosen, stop
        return True

    def next(self) -> DataBatch:
        """The next batch; StopIteration at the end of the data."""
        if not self.iter_next():
            raise StopIteration
        return DataBatch([self.getdata()], [self.getlabel()], self.getpad(), self.getindex())

    def getdata(self) -> Any:
        """The data of the batch, an array."""
        return nd.array(self._data[self._chosen], dtype=self._data.dtype)

    def getlabel(self) -> Any:
        """The labels of the batch, an array."""
        return nd.array(self._label[self._chosen], dtype=self._label.dtype)

    def getindex(self) -> Any:
        """The places of the examples in the file, uint64."""
        return self._places[self._chosen].astype(numpy.uint64)

    def getpad(self) -> int:
        """How many examples of the batch only fill it."""
        return self._over


def _texts(path: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Paths and contents of a text file, or of all in a folder, sorted by name."""
    path = os.fspath(path)
    names = [path]
    if os.path.isdir(path):
        names = [p for p in (os.path.join(path, n) for n in sorted(os.listdir(path))) if os.path.isfile(p)]
    found = []
    for name in names:
        try:
            with open(name, encoding="utf-8") as file:
                found.append((name, file.read()))
        except OSError as error:
            cls = MissingFileError if isinstance(error, FileNotFoundError) else FileError
            raise cls(error.errno, error.strerror, name) from None
        except UnicodeDecodeError as error:
            raise FileFormatError(f"{name}: no text: {error}") from None
    return found


class CSVIter(MXDataIter):
    """Examples in the lines of a text file, numbers with commas between.

    Parameters
    ----------
    data_csv : str
        The file, or a folder of which all files are read.
    data_shape : tuple of int
        Shape of an example: a line has as many numbers.
    batch_size : int
    label_csv : str, optional
        The labels, in the same order; without it they are 0.
    label_shape : tuple of int
        Shape of a label; with (1,) the batch's labels have one axis.
    round_batch : bool
        A last batch that is not full is filled with the first examples, and the next epoch begins with the
        ones after them; otherwise it is filled with what the batch before it has there.
    dtype : str
        Of data and labels.
    data_name, label_name : str
    prefetch_buffer, ctx
        Accepted for MXNet's sake.

    Raises
    ------
    FileError, FileFormatError
        A file that is not there; a line that has other things than such numbers.
    InvalidValueError
        Fewer or more labels than examples; fewer examples than half a batch.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("1,2\\n3,4\\n")
    >>> for batch in CSVIter(data_csv=path, data_shape=(2,), batch_size=2):
    ...     print(batch.data[0].asnumpy().tolist(), batch.label[0].asnumpy())
    [[1.0, 2.0], [3.0, 4.0]] [0. 0.]
    """

    def __init__(
        self, data_csv: str | os.PathLike[str], data_shape: Sequence[int], batch_size: int,
        label_csv: str | os.PathLike[str] | None = None, label_shape: Sequence[int] = (1,),
        round_batch: bool = True, dtype: Any = "float32", data_name: str = "data",
        label_name: str = "softmax_label", prefetch_buffer: int = 4, ctx: Any = None,
    ) -> None:
        kind = as_dtype("float32" if dtype is None else dtype)
        data = _table(data_csv, kind, data_shape)
        if label_csv is None:
            label = numpy.zeros((len(data), *label_shape), kind)
        else:
            label = _table(label_csv, kind, label_shape)
        super().__init__(data, _flat(label), batch_size, "round" if round_batch else "stale", data_name,
                         label_name)


def _flat(label: numpy.ndarray) -> numpy.ndarray:
    """Labels that are one number each in one axis."""
    return label[:, 0] if label.shape[1:] == (1,) else label


def _table(path: str | os.PathLike[str], dtype: numpy.dtype, shape: Sequence[int]) -> numpy.ndarray:
    """The numbers in lines of text, (lines, *shape)."""
    tables, size = [], prod(shape)
    for name, text in _texts(path):
        lines = [line for line in text.splitlines() if line.strip()]
        if not lines:
            continue
        try:
            table = numpy.loadtxt(lines, dtype, comments=None, delimiter=",", ndmin=2)
        except ValueError as error:
            raise FileFormatError(f"{name}: {error}") from None
        if table.shape[1] != size:
            raise FileFormatError(f"{name}: lines of {table.shape[1]} numbers do not have the shape "
                                  f"{tuple(shape)}, which has {size}")
        tables.append(table)
    if not tables:
        raise FileFormatError(f"{os.fspath(path)}: there are no numbers")
    return numpy.concatenate(tables).reshape(-1, *shape)


class LibSVMIter(MXDataIter):
    """Examples in the lines of a text file in LibSVM's format, ``label index:value index:value ...``.

    Indices count from 0, as MXNet has it; what is not mentioned is 0.  The arrays are dense, where MXNet has
    sparse ones.

    Parameters
    ----------
    data_libsvm : str
        The file, or a folder of which all files are read.
    data_shape : (int,)
        Numbers in an example.
    batch_size : int
    label_libsvm : str, optional
        A file of the same format whose values are the labels; without it the labels before the data are.
    label_shape : (int,)
        Numbers in a label of that file.
    num_parts, part_index : int
        Of `num_parts` parts of nearly equal lengths, take this one.
    dtype : str
    data_name, label_name : str
    round_batch : bool
        Must be true: as for `CSVIter`.
    prefetch_buffer, ctx
        Accepted for MXNet's sake.

    Raises
    ------
    FileError, FileFormatError
        A file that is not there; a line that is no such one.
    InvalidValueError
        Parameters that do not fit together.
    """

    def __init__(
        self, data_libsvm: str | os.PathLike[str], data_shape: Sequence[int], batch_size: int,
        label_libsvm: str | os.PathLike[str] | None = None, label_shape: Sequence[int] = (1,),
        num_parts: int = 1, part_index: int = 0, round_batch: bool = True, dtype: Any = "float32",
        data_name: str = "data", label_name: str = "softmax_label", prefetch_buffer: int = 4, ctx: Any = None,
    ) -> None:
        if not round_batch:
            raise InvalidValueError("LibSVMIter: round_batch=False is not supported")
        kind = as_dtype("float32" if dtype is None else dtype)
        data, label = _svm(data_libsvm, data_shape, kind)
        if label_libsvm is not None:
            label = _flat(_svm(label_libsvm, label_shape, kind)[0])
        part = _part(len(data), num_parts, part_index, "LibSVMIter")
        super().__init__(data[part], label[part], batch_size, "round", data_name, label_name,
                         numpy.arange(len(data))[part])


def _part(count: int, num_parts: int, part_index: int, what: str) -> slice:
    if not 0 <= part_index < num_parts:
        raise InvalidValueError(f"{what}: part_index is 0 to {num_parts - 1}, got {part_index}")
    return slice(count * part_index // num_parts, count * (part_index + 1) // num_parts)


def _svm(path: str | os.PathLike[str], shape: Sequence[int], dtype: numpy.dtype
         ) -> tuple[numpy.ndarray, numpy.ndarray]:
    if len(shape) != 1:
        raise InvalidValueError(f"LibSVMIter: examples have one axis, got the shape {tuple(shape)}")
    labels: list[float] = []
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for name, text in _texts(path):
        for number, line in enumerate(text.splitlines(), 1):
            fields = line.split("#")[0].split()
            if not fields:
                continue
            try:
                for column, value in (field.split(":") for field in fields[1:]):
                    rows.append(len(labels))
                    columns.append(int(column))
                    values.append(float(value))
                    if not 0 <= columns[-1] < shape[0]:
                        raise ValueError(f"index {column} is not 0 to {shape[0] - 1}")
                labels.append(float(fields[0]))
            except ValueError as error:
                raise FileFormatError(
                    f"{name}: line {number}: expected a label and fields index:value, found {line!r}: {error}"
                ) from None
    if not labels:
        raise FileFormatError(f"{os.fspath(path)}: there are no examples")
    table = numpy.zeros((len(labels), *shape), dtype)
    table[rows, columns] = values
    return table, numpy.array(labels, dtype)


class MNISTIter(MXDataIter):
    """The images of MNIST, float32 from 0 to 255/256, and their labels, from the published files.

    Parameters
    ----------
    image, label : str
        The files: IDX, as they are or as ``.gz``.
    batch_size : int
        Examples that do not fill a batch are left out.
    shuffle : bool
        In random order, the same in all epochs, MXNet's for the `seed`.
    flat : bool
        An image has one axis; otherwise (1, height, width).
    seed : int
    silent : bool
        Do not log how many images there are.
    num_parts, part_index : int
        Of `num_parts` parts of nearly equal lengths, take this one.
    data_name, label_name : str
    prefetch_buffer, ctx
        Accepted for MXNet's sake.

    Raises
    ------
    FileError, FileFormatError
        A file that is not there, or something else.
    InvalidValueError
        Parameters that do not fit together; fewer images than a batch.
    """

    def __init__(
        self, image: str = "./train-images-idx3-ubyte", label: str = "./train-labels-idx1-ubyte",
        batch_size: int = 128, shuffle: bool = True, flat: bool = False, seed: int = 0, silent: bool = False,
        num_parts: int = 1, part_index: int = 0, data_name: str = "data", label_name: str = "softmax_label",
        prefetch_buffer: int = 4, ctx: Any = None,
    ) -> None:
        pixels, numbers = _idx(image, 3), _idx(label, 1)
        if len(pixels) != len(numbers):
            raise FileFormatError(f"{image} has {len(pixels)} images, {label} has {len(numbers)} labels")
        part = _part(len(pixels), num_parts, part_index, "MNISTIter")
        places = numpy.arange(len(pixels))[part]
        if shuffle:
            places = places[NDStreams(engines=Engines(seed, per_context=True)).permutation(len(places))]
        pixels = pixels[places]
        pixels = pixels.reshape(len(pixels), -1) if flat else pixels[:, None]
        super().__init__(pixels.astype(numpy.float32) / 256, numbers[places].astype(numpy.float32),
                         batch_size, "discard", data_name, label_name, places)
        if not silent:
            logging.info("MNISTIter: load %d images, shuffle=%d, shape=%s", len(pixels), shuffle,
                         self.provide_data[0].shape)


def _idx(path: str, axes: int) -> numpy.ndarray:
    try:
        return read_idx(path, axes)
    except FileNotFoundError as error:
        raise MissingFileError(error.errno, error.strerror, path) from None


class _Scanned(MXIndexedRecordIO):
    """A record file without an index, which is found by going through the file; keys are numbers from 0."""

    def __init__(self, path: str) -> None:
        super().__init__(path, path, "r")

    def open(self) -> None:
        """Open the file; the first time, find where records begin."""
        MXRecordIO.open(self)
        if self.keys:
            return
        file, place, size = self._file, 0, os.path.getsize(self.uri)
        while place < size:
            file.seek(place)
            head = file.read(8)
            kind, length = divmod(struct.unpack("<II", head)[1] if len(head) == 8 else 0, 2**29)
            if kind < 2:        # a whole record, or the first part of one
                self.keys.append(len(self.keys))
                self.idx[self.keys[-1]] = place
            place += 8 + length + -length % 4
        file.seek(0)


class _Border:
    """Adds so many pixels of one colour around an image."""

    def __init__(self, width: int, colour: float) -> None:
        self.width, self.colour = width, colour

    def __call__(self, src: Any) -> Any:
        n = self.width
        return copyMakeBorder(src, n, n, n, n, value=self.colour)


class _Enlarged:
    """An image that is smaller than what shall be cut out of it is enlarged; `size` is (width, height)."""

    def __init__(self, size: tuple[int, int], interp: int) -> None:
        self.size, self.interp = size, interp

    def __call__(self, src: Any) -> Any:
        old = src.shape[1], src.shape[0]
        factor = max(new / n for new, n in zip(self.size, old))
        if factor <= 1:
            return src
        w, h = (max(int(n * factor), new) for new, n in zip(self.size, old))
        return imresize(src, w, h, self.interp)


class ImageRecordIter(ImageIter):
    """Batches of the images in a record file.

    Parameters
    ----------
    path_imgrec : str
        The record file.
    data_shape : (3, int, int)
        (channels, height, width) of an image in the batch.
    batch_size : int
    path_imgidx : str
        Its index; without it, `shuffle` and `num_parts` go through the file once to find the records.
    path_imglist : str
        A list of labels to take instead of those in the records.
    label_width : int
        Numbers in a label.
    shuffle : bool
        Another order in each epoch.
    seed : int
        What the orders follow from; they are MXNet's.
    round_batch : bool
        A last batch that is not full is filled with the first images, and the next epoch begins with the ones
        after them; otherwise it is left out.
    num_parts, part_index : int
        Of `num_parts` parts of nearly equal lengths, take this one.
    dtype : {'float32', 'uint8', 'int8'}
        Of the data; integers are not normalized, and what is too large for int8 becomes 127.
    resize : int
        Length of the shorter side before anything else; -1 leaves it.
    pad, fill_value : int
        Pixels of this value to add on each side.
    rand_crop : bool
        A random part of the image instead of its centre.
    random_resized_crop : bool
        A random part of random size, see `mxgrad.image.RandomSizedCropAug`: `min_random_area` to
        `max_random_area` of the image, `min_aspect_ratio` to `max_aspect_ratio` times as wide as high.
    rand_mirror, mirror : bool
        Mirror with probability 1/2, or always.
    mean_r, mean_g, mean_b, std_r, std_g, std_b, scale : float
        ``(x - mean) / std * scale``.
    brightness, contrast, saturation, pca_noise : float
        As for `mxgrad.image.CreateAugmenter`.
    inter_method : int
        How images are resized.
    data_name, label_name : str
    preprocess_threads, prefetch_buffer, verbose, device_id, ctx, seed_aug, shuffle_chunk_size,
    shuffle_chunk_seed
        Accepted for MXNet's sake: images are read when they are asked for, by the thread that asks
        (`PrefetchingIter` has another one do so), and all of them are shuffled.

    Raises
    ------
    InvalidTypeError
        Another parameter of MXNet's.
    InvalidValueError
        Parameters that do not fit together.
    FileError, FileFormatError
        A file that is not there, or not what it should be.

    Notes
    -----
    Random crops, mirrors and colours are drawn by Python's `random`, so that they differ from MXNet's.
    """

    _kinds: tuple[str, ...] = ("float32", "uint8", "int8")

    def __init__(
        self, path_imgrec: str, data_shape: Sequence[int], batch_size: int, path_imgidx: str = "",
        path_imglist: str = "", label_width: int = 1, shuffle: bool = False, round_batch: bool = True,
        num_parts: int = 1, part_index: int = 0, resize: int = -1, rand_crop: bool = False,
        rand_mirror: bool = False, mirror: bool = False, mean_r: float = 0, mean_g: float = 0,
        mean_b: float = 0, std_r: float = 1, std_g: float = 1, std_b: float = 1, scale: float = 1,
        brightness: float = 0, contrast: float = 0, saturation: float = 0, pca_noise: float = 0,
        inter_method: int = 1, data_name: str = "data", label_name: str = "softmax_label", seed: int = 0,
        dtype: Any = None, pad: int = 0, fill_value: int = 255, random_resized_crop: bool = False,
        min_random_area: float = 1, max_random_area: float = 1, min_aspect_ratio: float | None = None,
        max_aspect_ratio: float = 0, **kwargs: Any,
    ) -> None:
        what = type(self).__name__
        refused = sorted(set(kwargs) - _ACCEPTED)
        if refused:
            raise InvalidTypeError(f"{what}: not supported: {', '.join(refused)}; see "
                                   "mxgrad.image.ImageIter and its augmenters")
        self._dtype = as_dtype(self._kinds[0] if dtype is None else dtype)
        if self._dtype.name not in self._kinds:
            raise InvalidValueError(f"{what}: dtype is one of {', '.join(self._kinds)}, got {dtype!r}")
        size = data_shape[2], data_shape[1]
        steps: list[Callable[[Any], Any]] = [] if resize <= 0 else [ResizeAug(resize, inter_method)]
        if pad:
            steps.append(_Border(pad, fill_value))
        if random_resized_crop:
            ratio = min_aspect_ratio or 1.0, max_aspect_ratio or 1.0
            steps.append(RandomSizedCropAug(size, (min_random_area, max_random_area), ratio, inter_method))
        elif (min_random_area, max_random_area, min_aspect_ratio, max_aspect_ratio) != (1, 1, None, 0):
            raise InvalidValueError(f"{what}: areas and aspect ratios need random_resized_crop")
        else:
            steps.append(_Enlarged(size, inter_method))
            steps.append((RandomCropAug if rand_crop else CenterCropAug)(size, inter_method))
        steps.append(CastAug())
        if mirror or rand_mirror:
            steps.append(HorizontalFlipAug(1 if mirror else 0.5))
        if brightness or contrast or saturation:
            steps.append(ColorJitterAug(brightness, contrast, saturation))
        if pca_noise:
            steps.append(LightingAug(pca_noise, nd.array([55.46, 4.794, 1.148]), nd.array([
                [-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])))
        mean, std = (mean_r, mean_g, mean_b), (std_r, std_g, std_b)
        if any(mean) or std != (1, 1, 1) or scale != 1:
            if self._dtype.kind != "f":
                raise InvalidValueError(f"{what}: mean, std and scale are for the dtype float32, not "
                                        f"{self._dtype}")
            steps.append(ColorNormalizeAug(nd.array(mean), nd.array(std) / scale))
        # The originals start the engine from the seed and this number.
        self._orders = NDStreams(engines=Engines(111 + seed, per_context=True))
        self._keys: list[Any] = []
        self._waits = False         # for another order, which the next image needs
        super().__init__(
            batch_size, data_shape, label_width, path_imgrec, path_imglist or None, "", path_imgidx or None,
            shuffle, part_index, num_parts, steps, None, data_name, label_name,
            last_batch_handle="pad" if round_batch else "discard")
        self.provide_data, self.provide_label = (
            [DataDesc(name, shape, dtype)] for ((name, shape),), dtype in (
                (self.provide_data, self._dtype.type), (self.provide_label, numpy.float32)))

    def _opened(self, path: str, index: str | None, any_order: bool) -> tuple[MXRecordIO, list[Any] | None]:
        if any_order and not index:
            records = _Scanned(path)
            return records, list(records.keys)
        return super()._opened(path, index, any_order)

    def _part(self, keys: list[Any], part_index: int, num_parts: int) -> list[Any]:
        step = -(-len(keys) // num_parts)
        return keys[part_index * step:(part_index + 1) * step]

    def _shuffle(self) -> None:
        if self.seq is not None and self.shuffle:
            self._keys, self._waits = self._keys or self.seq, False
            self.seq = [self._keys[i] for i in self._orders.permutation(len(self._keys))]

    def _rewind(self) -> None:
        self.cur, self._waits = 0, True

    def next_sample(self) -> tuple[Any, bytes]:
        """Label and file of the next image; StopIteration at the end."""
        if self._waits and self._allow_read:
            self._shuffle()
        return super().next_sample()

    def postprocess_data(self, datum: Any) -> Any:
        """An augmented image as it goes into the batch: channels first, numbers that the dtype has."""
        datum = super().postprocess_data(datum)
        if self._dtype.kind == "f":
            return datum
        limits = numpy.iinfo(self._dtype)
        return datum.clip(limits.min, limits.max).astype(self._dtype)

    def reset(self) -> None:
        """Begin a new epoch."""
        if self._allow_read:
            super().reset()
        else:
            self._allow_read = True     # the last batch ended with the first images


class ImageRecordUInt8Iter(ImageRecordIter):
    """An `ImageRecordIter` whose data are uint8, as in the images."""

    _kinds = ("uint8",)


class ImageRecordInt8Iter(ImageRecordIter):
    """An `ImageRecordIter` whose data are int8; what is larger becomes 127."""

    _kinds = ("int8",)


_ACCEPTED = {"preprocess_threads", "prefetch_buffer", "verbose", "device_id", "ctx", "shuffle_chunk_size",
             "shuffle_chunk_seed", "seed_aug"}
