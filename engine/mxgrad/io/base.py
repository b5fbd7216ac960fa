"""What every data iterator is and gives (level 10)."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from ..base import InvalidTypeError

__all__ = ["DataBatch", "DataDesc", "DataIter"]


class _NameAndShape(NamedTuple):
    name: str
    shape: tuple[int, ...]


class DataDesc(_NameAndShape):
    """Name and shape of one array of a batch, as a tuple of these two, with its dtype and layout.

    Parameters
    ----------
    name : str
        How the array is called.
    shape : tuple of int
        Its shape, the batch size included.
    dtype : dtype
        numpy.float32 unless given.
    layout : str
        A letter for each axis; N is the batch's.

    >>> DataDesc("data", (2, 3), layout="NC")
    DataDesc[data,(2, 3),<class 'numpy.float32'>,NC]
    """

    dtype: Any
    layout: str | None

    def __new__(
        cls, name: str, shape: tuple[int, ...], dtype: Any = numpy.float32, layout: str | None = "NCHW",
    ) -> DataDesc:
        made = super().__new__(cls, name, shape)
        made.dtype, made.layout = dtype, layout
        return made

    def __repr__(self) -> str:
        return f"DataDesc[{self.name},{self.shape},{self.dtype},{self.layout}]"

    @staticmethod
    def get_batch_axis(layout: str | None) -> int:
        """Where N stands in `layout`: -1 if it does not, 0 if there is no layout."""
        return 0 if layout is None else layout.find("N")

    @staticmethod
    def get_list(
        shapes: Iterable[Sequence[Any]], types: Iterable[tuple[str, Any]] | None
    ) -> list[DataDesc]:
        """Descriptions from pairs (name, shape) and, unless None, pairs (name, dtype)."""
        if types is None:
            return [DataDesc(s[0], s[1]) for s in shapes]
        dtypes = dict(types)
        return [DataDesc(s[0], s[1], dtypes[s[0]]) for s in shapes]


class DataBatch:
    """A batch: lists of arrays, the first axis of each as long as the batch.

    Parameters
    ----------
    data, label : list of arrays or None
    pad : int or None
        How many examples at the end only fill the batch, and do not count.
    index : numpy.ndarray or None
        The examples' numbers.
    bucket_key : object
        Which bucket the batch is of, where examples are sorted by length.
    provide_data, provide_label : list of DataDesc or None
        What `data` and `label` hold.

    Raises InvalidTypeError when `data` or `label` is no list.
    """

    def __init__(
        self, data: list[Any] | tuple[Any, ...] | None, label: list[Any] | tuple[Any, ...] | None = None,
        pad: int | None = None, index: Any = None, bucket_key: Any = None, provide_data: Any = None,
        provide_label: Any = None,
    ) -> None:
        for what, given in (("Data", data), ("Label", label)):
            if given is not None and not isinstance(given, (list, tuple)):
                raise NotAListError(f"{what} must be list of NDArrays, got {type(given).__name__}")
        self.data, self.label, self.pad, self.index = data, label, pad, index
        self.bucket_key, self.provide_data, self.provide_label = bucket_key, provide_data, provide_label

    def __str__(self) -> str:
        shapes = [[a.shape for a in arrays] if arrays else None for arrays in (self.data, self.label)]
        return f"{type(self).__name__}: data shapes: {shapes[0]} label shapes: {shapes[1]}"


class NotAListError(InvalidTypeError, AssertionError):
    """Something that is not a list was given where a list of arrays is needed."""


class DataIter:
    """Base of data iterators: give batches until StopIteration, then `reset` for the next epoch.

    Subclasses define `next`, or `iter_next` and what it moves: `getdata`, `getlabel`, `getpad`, `getindex`.
    `provide_data` and `provide_label` are lists of DataDesc, or of (name, shape).

    Parameters
    ----------
    batch_size : int
        How many examples are in a batch.

    >>> class Ones(DataIter):
    ...     left = 2
    ...     def iter_next(self):
    ...         self.left -= 1
    ...         return self.left >= 0
    ...     def getdata(self):
    ...         return [numpy.ones((1, 3))]
    >>> for batch in Ones(batch_size=1):
    ...     print(batch)
    DataBatch: data shapes: [(1, 3)] label shapes: None
    DataBatch: data shapes: [(1, 3)] label shapes: None
    """

    provide_data: Sequence[Any]
    provide_label: Sequence[Any]

    def __init__(self, batch_size: int = 0) -> None:
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[DataBatch]:
        return self

    def __next__(self) -> DataBatch:
        return self.next()

    def reset(self) -> None:
        """Begin anew."""

    def next(self) -> DataBatch:
        """The next batch; StopIteration at the end of the data."""
        if not self.iter_next():
            raise StopIteration
        return DataBatch(self.getdata(), self.getlabel(), self.getpad(), self.getindex())

    def iter_next(self) -> bool:
        """Move to the next batch; False at the end."""
        return False

    def getdata(self) -> list[Any] | None:
        """The data of the batch."""
        return None

    def getlabel(self) -> list[Any] | None:
        """The labels of the batch."""
        return None

    def getindex(self) -> Any:
        """The numbers of the examples in the batch."""
        return None

    def getpad(self) -> int | None:
        """How many examples of the batch only fill it."""
        return None
