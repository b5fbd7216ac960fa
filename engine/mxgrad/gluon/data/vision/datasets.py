"""Data sets of images in files (level 15)."""
from __future__ import annotations

import gzip
import os
import tarfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy

from .... import image
from ....base import InvalidTypeError, InvalidValueError, data_dir
from ....io.idx import read_idx
from ....npx.switches import is_np_array
from ....params_file import FileFormatError
from ....recordio import unpack
from ....util import default_array
from ...utils import DownloadError
from ..batchify import array_of
from ..dataset import Dataset, RecordFileDataset

__all__ = ["CIFAR10", "CIFAR100", "FashionMNIST", "ImageFolderDataset", "ImageListDataset",
           "ImageRecordDataset", "MNIST"]

Transform = Callable[[Any, Any], Any]


class _Published(Dataset):
    """A published data set in its own files, below a folder: images uint8 (height, width, channels), and
    labels.
    """

    _folder: str
    _source: str

    def __init__(self, root: str | os.PathLike[str] | None, transform: Transform | None) -> None:
        if root is None:
            root = os.path.join(data_dir(), "datasets", self._folder)
        self._root, self._transform = os.path.expanduser(root), transform
        data, label = self._get_data()
        self._data = array_of(data)
        # As in MXNet, labels are NumPy's unless NumPy arrays are on.
        self._label = default_array(label, dtype=label.dtype) if is_np_array() else label

    def _get_data(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        raise NotImplementedError(type(self).__name__)

    def __getitem__(self, idx: Any) -> Any:
        sample = self._data[idx], self._label[idx]
        return sample if self._transform is None else self._transform(*sample)

    def __len__(self) -> int:
        return len(self._label)

    def _missing(self, names: list[str]) -> DownloadError:
        return DownloadError(
            f"{type(self).__name__}: mxgrad does not fetch files from the network; put "
            f"{' and '.join(names)}, as published at {self._source}, into the folder "
            f"{os.path.abspath(self._root)}")


class MNIST(_Published):
    """MNIST: handwritten digits; sample i is (image, label), uint8 (28, 28, 1) and int32 0 to 9.

    Parameters
    ----------
    root : str, optional
        The folder with the published files (IDX, as they are or as ``.gz``); ``datasets/mnist`` below
        `mxgrad.base.data_dir` by default.
    train : bool
        The 60,000 images for training (``train-…``), or the 10,000 to test (``t10k-…``).
    transform : callable, optional
        ``transform(image, label)`` is the sample then.

    Raises
    ------
    DownloadError
        Files are missing; the message says which, and where they are expected.
    FileFormatError
        A file is damaged, or something else.

    The images come from http://yann.lecun.com/exdb/mnist, where the format is described.
    """

    _folder, _source = "mnist", "http://yann.lecun.com/exdb/mnist"

    def __init__(self, root: str | os.PathLike[str] | None = None, train: bool = True,
                 transform: Transform | None = None) -> None:
        self._train = train
        super().__init__(root, transform)

    def _get_data(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        part = "train" if self._train else "t10k"
        names = [f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"]
        found = [next((p for p in (path, path[:-3]) if os.path.exists(p)), None)
                 for path in (os.path.join(self._root, n) for n in names)]
        missing = [name for name, path in zip(names, found) if path is None]
        if missing:
            raise self._missing(missing)
        data, label = (read_idx(str(path), axes) for path, axes in zip(found, (3, 1)))
        if len(data) != len(label):
            raise FileFormatError(f"{found[0]} has {len(data)} images, {found[1]} has {len(label)} labels")
        return data[..., None].copy(), label.astype(numpy.int32)


class FashionMNIST(MNIST):
    """Fashion-MNIST: pictures of clothes in MNIST's format, with the same parameters and errors.

    The folder is ``datasets/fashion-mnist`` by default; the files come from
    https://github.com/zalandoresearch/fashion-mnist.
    """

    _folder, _source = "fashion-mnist", "https://github.com/zalandoresearch/fashion-mnist"


class CIFAR10(_Published):
    """CIFAR-10: small photographs of ten kinds; sample i is (image, label), uint8 (32, 32, 3) and int32.

    Parameters
    ----------
    root : str, optional
        The folder with ``cifar-10-binary.tar.gz``, the "binary version", or with its unpacked files;
        ``datasets/cifar10`` below `mxgrad.base.data_dir` by default.
    train : bool
        The 50,000 images for training, or the 10,000 to test.
    transform : callable, optional
        ``transform(image, label)`` is the sample then.

    Raises
    ------
    DownloadError
        Files are missing; the message says which, and where they are expected.
    FileFormatError
        A file is damaged, or something else.

    The images come from https://www.cs.toronto.edu/~kriz/cifar.html, where the format is described.
    """

    _folder, _source = "cifar10", "https://www.cs.toronto.edu/~kriz/cifar.html"
    _archive, _unpacked = "cifar-10-binary.tar.gz", "cifar-10-batches-bin"
    _files = {True: tuple(f"data_batch_{i}.bin" for i in range(1, 6)), False: ("test_batch.bin",)}
    # Labels before each image, and which of them counts.
    _labels, _label_at = 1, 0

    def __init__(self, root: str | os.PathLike[str] | None = None, train: bool = True,
                 transform: Transform | None = None) -> None:
        self._train = train
        super().__init__(root, transform)

    def _get_data(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        records = numpy.concatenate([self._records(name, data) for name, data in self._contents()])
        images = records[:, self._labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return numpy.ascontiguousarray(images), records[:, self._label_at].astype(numpy.int32)

    def _contents(self) -> list[tuple[str, bytes]]:
        """Names and contents of the files."""
        names = self._files[bool(self._train)]
        for folder in (self._root, os.path.join(self._root, self._unpacked)):
            paths = [os.path.join(folder, n) for n in names]
            if all(map(os.path.exists, paths)):
                found = []
                for path in paths:
                    with open(path, "rb") as file:
                        found.append((path, file.read()))
                return found
        archive = os.path.join(self._root, self._archive)
        if not os.path.exists(archive):
            raise self._missing([self._archive])
        try:
            with tarfile.open(archive) as tar:
                # Read in memory: nothing is unpacked to wherever an archive says.
                members = {os.path.basename(m.name): m for m in tar.getmembers() if m.isfile()}
                lost = [n for n in names if n not in members]
                if lost:
                    raise FileFormatError(f"{archive} does not have {', '.join(lost)}")
                return [(n, part.read()) for n in names if (part := tar.extractfile(members[n]))]
        except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
            raise FileFormatError(f"{archive}: a damaged file: {error}") from None

    def _records(self, name: str, data: bytes) -> numpy.ndarray:
        length = 3072 + self._labels
        if not data or len(data) % length:
            raise FileFormatError(
                f"{name}: {len(data)} bytes, which is no multiple of {length}, the length of a record")
        return numpy.frombuffer(data, numpy.uint8).reshape(-1, length)


class CIFAR100(CIFAR10):
    """CIFAR-100: small photographs of a hundred kinds, in 20 groups; otherwise as `CIFAR10`.

    The files are ``cifar-100-binary.tar.gz`` or what is in it, by default in ``datasets/cifar100``.

    Parameters
    ----------
    root : str, optional
    fine_label : bool
        The label is one of the hundred kinds; otherwise of the 20 groups.
    train : bool
    transform : callable, optional
    """

    _folder = "cifar100"
    _archive, _unpacked = "cifar-100-binary.tar.gz", "cifar-100-binary"
    _files = {True: ("train.bin",), False: ("test.bin",)}
    _labels = 2

    def __init__(self, root: str | os.PathLike[str] | None = None, fine_label: bool = False,
                 train: bool = True, transform: Transform | None = None) -> None:
        self._label_at = int(fine_label)
        super().__init__(root, train, transform)


class ImageRecordDataset(RecordFileDataset):
    """The images of a record file, as `mxgrad.recordio.pack_img` makes records; its index is beside it.

    Parameters
    ----------
    filename : str
    flag : {1, 0}
        1: three channels of colour, 0: one of gray.
    transform : callable, optional
        ``transform(image, label)`` is the sample then.

    Sample i is (image, label), the label a number or an array, as the record has it.
    """

    def __init__(self, filename: str | os.PathLike[str], flag: int = 1,
                 transform: Transform | None = None) -> None:
        super().__init__(filename)
        self._flag, self._transform = flag, transform

    def __getitem__(self, idx: Any) -> Any:
        header, data = unpack(super().__getitem__(idx))
        sample = image.imdecode(data, self._flag), header.label
        return sample if self._transform is None else self._transform(*sample)


class ImageFolderDataset(Dataset):
    """The images ``root/kind/name.jpg`` (or .jpeg, .png): sample i is (image, number of its kind).

    Parameters
    ----------
    root : str
    flag : {1, 0}
        1: three channels of colour, 0: one of gray.
    transform : callable, optional
        ``transform(image, label)`` is the sample then.

    Attributes
    ----------
    synsets : list of str
        The kinds: names of the folders, sorted.
    items : list of (str, int)
        Path and label of each image.
    """

    _endings = (".jpg", ".jpeg", ".png")

    def __init__(self, root: str | os.PathLike[str], flag: int = 1,
                 transform: Transform | None = None) -> None:
        self._root, self._flag, self._transform = os.path.expanduser(root), flag, transform
        self.synsets: list[str] = []
        self.items: list[tuple[str, int]] = []
        for kind in sorted(os.listdir(self._root)):
            folder = os.path.join(self._root, kind)
            if not os.path.isdir(folder):
                warnings.warn(f"Ignoring {folder}, which is not a directory.", stacklevel=2)
                continue
            for path in (os.path.join(folder, name) for name in sorted(os.listdir(folder))):
                ending = os.path.splitext(path)[1]
                if ending.lower() in self._endings:
                    self.items.append((path, len(self.synsets)))
                else:
                    warnings.warn(
                        f"Ignoring {path} of type {ending}. Only support {', '.join(self._endings)}",
                        stacklevel=2)
            self.synsets.append(kind)

    def __getitem__(self, idx: Any) -> Any:
        path, label = self.items[idx]
        sample = image.imread(path, self._flag), label
        return sample if self._transform is None else self._transform(*sample)

    def __len__(self) -> int:
        return len(self.items)


class ImageListDataset(Dataset):
    """Images by a list of labels and paths: sample i is (image, label), the label an array.

    Parameters
    ----------
    root : str
        Where the paths begin.
    imglist : str or list
        A text file below `root`, with a line for each image, tabs between: a key, one or more labels, the
        path.  Or a list of lists: [label, ..., path], or [[label, ...], path].
    flag : {1, 0}
        1: three channels of colour, 0: one of gray.

    Raises InvalidValueError when `imglist` is something else, FileFormatError for a line that is no such one.
    """

    def __init__(self, root: str | os.PathLike[str] = ".", imglist: Any = None, flag: int = 1) -> None:
        self._root, self._flag = os.path.expanduser(root), flag
        if isinstance(imglist, str):
            listed = self._read(os.path.join(self._root, imglist))
        elif isinstance(imglist, list):
            listed = imglist
        else:
            raise InvalidValueError(
                f"imglist must be filename or list of valid entries, given {type(imglist)}")
        self.items: list[tuple[str, Any]] = []
        for entry in listed:
            labels: Any = entry[:-1]
            path = entry[-1]
            if not isinstance(path, str):
                raise InvalidTypeError(f"ImageListDataset: an entry ends with a path, got {entry!r}")
            if len(labels) == 1 and isinstance(labels[0], (list, tuple, numpy.ndarray)):
                labels = labels[0]
            self.items.append((os.path.join(self._root, path), default_array(labels)))

    @staticmethod
    def _read(path: str) -> list[list[Any]]:
        found = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                fields = line.strip().split("\t")
                try:
                    int(fields[0])
                    found.append([*map(float, fields[1:-1]), fields[-1]])
                except ValueError:
                    fields = []
                if len(fields) < 3:
                    raise FileFormatError(
                        f"{path}: line {number}: expected a key, one or more labels and a path, tabs "
                        f"between, found {line!r}")
        return found

    def __getitem__(self, idx: Any) -> Any:
        path, label = self.items[idx]
        return image.imread(path, self._flag), label

    def __len__(self) -> int:
        return len(self.items)
