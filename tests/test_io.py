"""mx.io: batches of arrays and files.  What they give was recorded from MXNet 1.9.1, by hand, as literals."""
from __future__ import annotations

import gc
import gzip
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, nd, recordio
from mxgrad.base import InvalidValueError
from mxgrad.io import DataBatch, DataDesc, DataIter, NDArrayIter, PrefetchingIter, ResizeIter
from mxgrad.params_file import FileFormatError, MissingFileError

X, Y = numpy.arange(10).reshape(5, 2), numpy.arange(5)


def first(batches: Any) -> Any:
    return next(batches)


def epoch(batches: Any) -> list[Any]:
    """(labels, pad) of each batch; afterwards the iterator is reset."""
    found = []
    for batch in batches:
        labels = batch.label[0].asnumpy()
        if batch.data[0].shape[1:] == (2,):
            assert (batch.data[0].asnumpy()[:, 0] == 2 * labels).all()
        found.append((labels.tolist(), batch.pad))
    batches.reset()
    return found


def epochs(batches: Any, count: int = 3) -> list[Any]:
    return [epoch(batches) for _ in range(count)]


# Arrays -----------------------------------------------------------------------------------------------------


def test_arrays_pad_discard_and_roll_over() -> None:
    assert epochs(NDArrayIter(X, Y, 3)) == [[([0, 1, 2], 0), ([3, 4, 0], 1)]] * 3
    assert epochs(NDArrayIter(X, Y, 12)) == [[([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], 7)]] * 3
    assert epochs(NDArrayIter(X, Y, 2, last_batch_handle="discard")) == [[([0, 1], 0), ([2, 3], 0)]] * 3
    assert epochs(NDArrayIter(X, Y, 7, last_batch_handle="discard")) == [[]] * 3
    assert epochs(NDArrayIter(X, Y, 2, last_batch_handle="roll_over")) == [
        [([0, 1], 0), ([2, 3], 0)], [([4, 0], 1), ([1, 2], 0), ([3, 4], 0)], [([0, 1], 0), ([2, 3], 0)]]
    assert epochs(NDArrayIter(X, Y, 3, last_batch_handle="roll_over")) == [
        [([0, 1, 2], 0)], [([3, 4, 0], 2), ([1, 2, 3], 0)], [([4, 0, 1], 1), ([2, 3, 4], 0)]]
    assert epochs(NDArrayIter(X, Y, 7, last_batch_handle="roll_over")) == [
        [], [([0, 1, 2, 3, 4, 0, 1], 5)], [([2, 3, 4, 0, 1, 2, 3], 3)]]
    rolled = NDArrayIter(X, Y, 3, last_batch_handle="roll_over")
    epoch(rolled)
    rolled.hard_reset()
    assert epoch(rolled) == [([0, 1, 2], 0)]


def test_arrays_are_shuffled_as_in_mxnet() -> None:
    numpy.random.seed(1)
    assert epochs(NDArrayIter(X, Y, 3, True)) == [
        [([2, 1, 4], 0), ([0, 3, 2], 1)], [([4, 3, 0], 0), ([2, 1, 4], 1)], [([2, 4, 1], 0), ([3, 0, 2], 1)]]
    numpy.random.seed(1)
    assert epochs(NDArrayIter(X, Y, 3, True, "roll_over")) == [
        [([2, 1, 4], 0)], [([0, 3, 4], 2), ([3, 0, 2], 0)], [([1, 2, 4], 1), ([1, 3, 0], 0)]]


def test_arrays_are_described() -> None:
    one = NDArrayIter(X, Y, 2)
    assert one.provide_data == [("data", (2, 2))] and one.provide_label == [("softmax_label", (2,))]
    assert repr(one.provide_data) == "[DataDesc[data,(2, 2),<class 'numpy.float32'>,NCHW]]"
    assert one.num_data == 5 and next(one).index is None
    assert [d.name for d in NDArrayIter({"b": X, "a": X}, batch_size=2).provide_data] == ["a", "b"]
    several = NDArrayIter([X, X], [X, X], 2, data_name="x")
    assert [d.name for d in several.provide_data + several.provide_label] == [
        "_0_x", "_1_x", "_0_softmax_label", "_1_softmax_label"]
    whole = NDArrayIter(nd.array(X, dtype="int32"), batch_size=2, shuffle=True)
    assert whole.provide_data[0].dtype is numpy.int32 and first(whole).data[0].dtype is numpy.int32
    across: Any = NDArrayIter(X.T, batch_size=2, layout="CN")
    assert across.provide_data == [("data", (2, 2))] and across.provide_data[0].layout == "CN"
    assert [b.data[0].asnumpy().tolist() for b in across][2] == [[8, 0], [9, 1]]
    assert first(NDArrayIter({"a": X, "b": numpy.ones(9)}, batch_size=5)).data[1].shape == (5,)


def test_arrays_refuse() -> None:
    for given, error, text in (
        ({"data": None}, ValueError, "no data"), ({"data": []}, ValueError, "no data"),
        ({"data": "abc"}, TypeError, "got str"),
        ({"data": {"a": object()}}, TypeError, "a should be an array"),
        ({"data": [X, X[:3]]}, ValueError, "_0_data has 5 examples, _1_data only 3"),
        ({"data": X, "last_batch_handle": "keep"}, ValueError, "got 'keep'"),
        ({"data": X, "batch_size": 0}, ValueError, "positive, got 0"),
        ({"data": X, "layout": "HW"}, ValueError, "has no N"),
        ({"data": Y, "layout": "CN"}, ValueError, "does not have the axis N"),
    ):
        with pytest.raises(error, match=text) as caught:
            NDArrayIter(**given)
        assert isinstance(caught.value, MXNetError)
    spent = NDArrayIter(X)
    assert len(list(spent)) == 5
    with pytest.raises(MXNetError, match="needs reset"):
        spent.getdata()


# Other iterators' batches -----------------------------------------------------------------------------------


def test_resize() -> None:
    inner = NDArrayIter(X, Y, 2)
    longer = ResizeIter(inner, 4)
    assert longer.batch_size == 2 and longer.provide_data == inner.provide_data
    assert epochs(longer, 2) == [[([0, 1], 0), ([2, 3], 0), ([4, 0], 1), ([0, 1], 0)]] * 2
    going_on = ResizeIter(NDArrayIter(X, Y, 2), 2, reset_internal=False)
    assert epochs(going_on, 2) == [[([0, 1], 0), ([2, 3], 0)], [([4, 0], 1), ([0, 1], 0)]]


class Counting(DataIter):
    """Batches 0, 1, 2, ... that take a moment; number `bad` fails."""

    def __init__(self, length: int, bad: int = -1) -> None:
        super().__init__(1)
        self.length, self.bad, self.at = length, bad, 0
        self.provide_data, self.provide_label = [DataDesc("data", (1,))], [("label", (1,))]

    def reset(self) -> None:
        self.at = 0

    def next(self) -> DataBatch:
        if self.at == self.length:
            raise StopIteration
        if self.at == self.bad:
            raise ValueError("rotten")
        time.sleep(0.01)
        self.at += 1
        return DataBatch([nd.array([2 * self.at - 2])], [nd.array([self.at - 1])], 0)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another thread brings about."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_prefetching() -> None:
    counting = Counting(3)
    single: Any = PrefetchingIter(counting)
    until(lambda: counting.at == 1)
    time.sleep(0.1)
    assert counting.at == 1
    assert epochs(single, 2) == [[([0], 0), ([1], 0), ([2], 0)]] * 2
    next(single)
    single.reset()      # in the middle
    assert len(epoch(single)) == 3
    both = PrefetchingIter([Counting(2), Counting(2)], [{"data": "a"}, {"data": "b"}])
    assert [d.name for d in both.provide_data] == ["a", "b"] and len(both.provide_label) == 2
    batch = first(both)
    assert len(batch.data) == len(batch.label) == 2 and batch.provide_data == both.provide_data
    with pytest.raises(MXNetError, match="mismatches between iterators"):
        list(PrefetchingIter([Counting(2), Counting(3)]))
    failing = PrefetchingIter(Counting(3, bad=1))
    assert first(failing).label[0].asscalar() == 0
    with pytest.raises(ValueError, match="rotten"):
        next(failing)
    with pytest.raises(MXNetError, match="no iterators"):
        PrefetchingIter([])
    del single, both, failing
    gc.collect()
    until(lambda: not any(t.name.startswith("PrefetchingIter") for t in threading.enumerate()))


# Files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    (tmp_path / "d.csv").write_text("0,2,3\n1,3,4\n\n2,4,5\n3,5,6\n")
    (tmp_path / "l.csv").write_text("0\n1\n2\n3\n")
    return tmp_path


def test_csv(csv: Path) -> None:
    given: dict[str, Any] = {"data_csv": str(csv / "d.csv"), "data_shape": (3,), "label_csv": csv / "l.csv"}
    rounding = mx.io.CSVIter(batch_size=3, **given)
    assert repr(rounding.provide_label) == "[DataDesc[softmax_label,(3,),<class 'numpy.float32'>,NCHW]]"
    assert epochs(rounding) == [[([0, 1, 2], 0), ([3, 0, 1], 2)], [([2, 3, 0], 1)], [([1, 2, 3], 0)]]
    # As in MXNet, an epoch is empty where the one before has used up all of it.
    assert epochs(mx.io.CSVIter(batch_size=6, **given), 4) == [
        [([0, 1, 2, 3, 0, 1], 2)], [([2, 3, 0, 1, 2, 3], 4)], [], [([0, 1, 2, 3, 0, 1], 2)]]
    stale = mx.io.CSVIter(batch_size=3, round_batch=False, **given)
    assert epochs(stale) == [[([0, 1, 2], 0), ([3, 1, 2], 2)]] * 3
    assert [b.index.tolist() for b in stale] == [[0, 1, 2], [3, 1, 2]]
    batch = next(mx.io.CSVIter(batch_size=2, data_csv=csv / "d.csv", data_shape=(1, 3), dtype="int32"))
    assert batch.data[0].asnumpy().tolist() == [[[0, 2, 3]], [[1, 3, 4]]]
    assert batch.data[0].dtype is numpy.int32
    assert batch.label[0].asnumpy().tolist() == [0, 0] and batch.index.dtype == numpy.uint64
    (csv / "folder").mkdir()
    for i in range(2):
        (csv / "folder" / f"{i}.csv").write_text(f"{i}\n")
    folder = mx.io.CSVIter(data_csv=csv / "folder", data_shape=(1,), batch_size=2)
    assert next(folder).data[0].asnumpy().tolist() == [[0], [1]]


def test_csv_refuses(csv: Path) -> None:
    path = csv / "wrong.csv"
    for text, shape, error, message in (
        ("1,2\n", (3,), FileFormatError, r"lines of 2 numbers do not have the shape \(3,\), which has 3"),
        ("1,2\n3\n", (2,), FileFormatError, "wrong.csv"), ("1,a\n", (2,), FileFormatError, "'a'"),
        ("\n", (2,), FileFormatError, "no numbers"),
        ("1,2\n", (2,), ValueError, "1 examples for batches of 5"),
    ):
        path.write_text(text)
        with pytest.raises(error, match=message) as caught:
            mx.io.CSVIter(data_csv=path, data_shape=shape, batch_size=5)
        assert isinstance(caught.value, MXNetError)
    path.write_bytes(b"\xff\xfe1")
    with pytest.raises(FileFormatError, match="no text"):
        mx.io.CSVIter(data_csv=path, data_shape=(1,), batch_size=1)
    with pytest.raises(MissingFileError, match="nowhere"):
        mx.io.CSVIter(data_csv=csv / "nowhere", data_shape=(1,), batch_size=1)
    path.write_text("1\n2\n")
    with pytest.raises(MXNetError, match="4 examples have 2 labels"):
        mx.io.CSVIter(data_csv=csv / "d.csv", data_shape=(3,), label_csv=path, batch_size=1)


def test_libsvm(tmp_path: Path) -> None:
    rows, marks = tmp_path / "d.t", tmp_path / "l.t"
    rows.write_text("1.0 0:0.5 2:1.25\n-2.0\n-3.0 0:0.5 1:2.5 2:1.25  # a remark\n4 2:-1.25\n")
    marks.write_text("1.0\n-2.0 0:0.125\n-3.0 2:1.25\n4 1:1.0 2:-1.25\n")
    batches = mx.io.LibSVMIter(data_libsvm=rows, data_shape=(3,), batch_size=3)
    assert epochs(batches, 2) == [[([1, -2, -3], 0), ([4, 1, -2], 2)], [([-3, 4, 1], 1)]]
    wide = next(mx.io.LibSVMIter(data_libsvm=rows, data_shape=(3,), batch_size=4, label_libsvm=marks,
                                 label_shape=(3,)))
    assert wide.data[0].asnumpy().tolist() == [[0.5, 0, 1.25], [0, 0, 0], [0.5, 2.5, 1.25], [0, 0, -1.25]]
    assert wide.label[0].asnumpy().tolist() == [[0, 0, 0], [0.125, 0, 0], [0, 0, 1.25], [0, 1, -1.25]]
    part = mx.io.LibSVMIter(data_libsvm=rows, data_shape=(3,), batch_size=2, num_parts=2, part_index=1)
    assert epoch(part) == [([-3, 4], 0)] and next(part).index.tolist() == [2, 3]
    for given, text in (
        ({"round_batch": False}, "round_batch=False"), ({"data_shape": (1, 3)}, "one axis"),
        ({"data_shape": (2,)}, "line 1: .* index 2 is not 0 to 1"), ({"part_index": 1}, "0 to 0, got 1"),
    ):
        with pytest.raises(MXNetError, match=text):
            mx.io.LibSVMIter(**{"data_libsvm": rows, "data_shape": (3,), "batch_size": 2, **given})
    rows.write_text("1 0=3\n")
    with pytest.raises(FileFormatError, match="line 1: expected a label and fields index:value"):
        mx.io.LibSVMIter(data_libsvm=rows, data_shape=(3,), batch_size=1)


def test_mnist(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = numpy.arange(20, dtype=numpy.uint8).reshape(5, 2, 2) * 10
    image, label = tmp_path / "images", tmp_path / "labels.gz"
    image.write_bytes(struct.pack(">IIII", 2051, 5, 2, 2) + pixels.tobytes())
    label.write_bytes(gzip.compress(struct.pack(">II", 2049, 5) + bytes(range(5))))
    files = {"image": str(image), "label": str(label), "batch_size": 2}
    caplog.set_level("INFO")
    plain: Any = mx.io.MNISTIter(shuffle=False, **files)
    assert "load 5 images, shuffle=0, shape=(2, 1, 2, 2)" in caplog.text
    found = next(plain).data[0].asnumpy()
    assert found[0].tolist() == [[[0, 0.0390625], [0.078125, 0.1171875]]] and found.dtype == numpy.float32
    plain.reset()
    assert epochs(plain, 2) == [[([0, 1], 0), ([2, 3], 0)]] * 2
    # The orders are MXNet's for the seeds.
    assert epochs(mx.io.MNISTIter(silent=True, **files), 2) == [[([0, 2], 0), ([3, 1], 0)]] * 2
    flat: Any = mx.io.MNISTIter(seed=3, flat=True, silent=True, **files)
    assert [b.label[0].asnumpy().tolist() for b in flat] == [[2, 1], [3, 0]]
    assert flat.provide_data == [("data", (2, 4))]
    second = mx.io.MNISTIter(shuffle=False, num_parts=2, part_index=1, silent=True, **files)
    assert epoch(second) == [([2, 3], 0)]
    with pytest.raises(MXNetError, match="5 examples for batches of 7"):
        mx.io.MNISTIter(**{**files, "batch_size": 7})
    with pytest.raises(MissingFileError, match="train-images-idx3-ubyte"):
        mx.io.MNISTIter()
    with pytest.raises(FileFormatError, match="IDX file with 3 axes"):
        mx.io.MNISTIter(image=str(label), label=str(label))


def repeated(data_iter: Any, epochs: int) -> Iterator[Any]:
    """The iterator, for so many epochs."""
    for _ in range(epochs):
        yield data_iter
        data_iter.reset()


def labels(data_iter: Any) -> list[float]:
    return [x for b in data_iter for x in b.label[0].asnumpy().tolist()]


@pytest.fixture
def records(tmp_path: Path) -> str:
    """The path, without ``.rec`` and ``.idx``, of five images of 6 rows and 8 columns."""
    pytest.importorskip("PIL")
    path = str(tmp_path / "a")
    with recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "w") as file:
        for i in range(5):
            pixels = (numpy.arange(6 * 8 * 3).reshape(6, 8, 3) * (i + 1) % 256).astype(numpy.uint8)
            file.write_idx(i, recordio.pack_img(recordio.IRHeader(0, float(i), i, 0), pixels, 3, ".png"))
    return path


def test_image_records(records: str) -> None:
    path = records
    given: dict[str, Any] = {"path_imgrec": path + ".rec", "batch_size": 2, "preprocess_threads": 1}
    whole = mx.io.ImageRecordIter(data_shape=(3, 6, 8), **given)
    assert repr(whole.provide_data) == "[DataDesc[data,(2, 3, 6, 8),<class 'numpy.float32'>,NCHW]]"
    odd, even = [([0, 1], 0), ([2, 3], 0), ([4, 0], 1)], [([1, 2], 0), ([3, 4], 0)]
    rounds = [odd, even, odd]
    assert epochs(whole) == rounds
    assert epochs(mx.io.ImageRecordIter(data_shape=(3, 6, 8), path_imgidx=path + ".idx", **given)) == rounds
    dropped = mx.io.ImageRecordIter(data_shape=(3, 6, 8), round_batch=False, **given)
    assert epochs(dropped, 2) == [[([0, 1], 0), ([2, 3], 0)]] * 2
    for more, row in (
        ({"data_shape": (3, 6, 8)}, [[2, 5, 8], [1, 4, 7], [0, 3, 6]]),
        ({"data_shape": (3, 4, 4)}, [[32, 35, 38], [31, 34, 37], [30, 33, 36]]),
        ({"data_shape": (3, 4, 4), "resize": 4}, [[9, 14, 18], [8, 13, 17], [7, 12, 16]]),
        ({"data_shape": (3, 6, 8), "mirror": True}, [[23, 20, 17], [22, 19, 16], [21, 18, 15]]),
        ({"data_shape": (3, 6, 8), "mean_r": 10, "mean_g": 20, "mean_b": 30, "std_r": 2, "std_g": 3,
          "std_b": 4, "scale": 0.5}, [[-2, -1.25, -0.5], [-19 / 6, -16 / 6, -13 / 6], [-3.75, -3.375, -3]]),
    ):
        found = next(mx.io.ImageRecordIter(**given, **more)).data[0].asnumpy()[0, :, 0, :3]
        assert found == pytest.approx(numpy.array(row), rel=1e-6)
    with pytest.raises(TypeError, match="not supported: max_rotate_angle"):
        mx.io.ImageRecordIter(data_shape=(3, 6, 8), max_rotate_angle=10, **given)
    # A small image is enlarged; a border is added (MXNet's numbers).
    large = next(mx.io.ImageRecordIter(data_shape=(3, 10, 10), **given)).data[0].asnumpy()[0, 0]
    assert large[[0, 9]].tolist() == [[3, 5, 7, 9, 11, 12, 14, 16, 18, 20],
                                      [123, 125, 127, 129, 130, 132, 134, 136, 138, 140]]
    framed = mx.io.ImageRecordIter(data_shape=(3, 8, 10), pad=1, fill_value=7, **given)
    border = next(framed).data[0].asnumpy()
    assert border[0, 0, :3, :3].tolist() == [[7, 7, 7], [7, 2, 5], [7, 26, 29]]
    for area in ((0.3, 1), (1, 1)):
        cut = mx.io.ImageRecordIter(
            data_shape=(3, 4, 4), random_resized_crop=True, min_random_area=area[0], max_random_area=area[1],
            min_aspect_ratio=0.7, max_aspect_ratio=1.3, **given)
        assert next(cut).data[0].shape == (2, 3, 4, 4)
    with pytest.raises(InvalidValueError, match="areas and aspect ratios need random_resized_crop"):
        mx.io.ImageRecordIter(data_shape=(3, 4, 4), min_random_area=0.5, **given)


def test_orders_and_parts_of_image_records(records: str) -> None:
    """As MXNet has them, with an index and without."""
    given: dict[str, Any] = {"path_imgrec": records + ".rec", "data_shape": (3, 6, 8)}
    for index in ({}, {"path_imgidx": records + ".idx"}):
        shuffled = mx.io.ImageRecordIter(batch_size=2, shuffle=True, **index, **given)
        found = [[b.label[0].asnumpy().tolist() for b in epoch] for epoch in repeated(shuffled, 5)]
        assert found == [[[3, 4], [0, 2], [1, 1]], [[4, 2], [3, 0]], [[3, 4], [0, 1], [2, 1]],
                         [[3, 0], [4, 2]], [[1, 3], [2, 0], [4, 3]]]
        seeded = mx.io.ImageRecordIter(batch_size=1, shuffle=True, seed=5, **index, **given)
        assert labels(seeded) == [1, 3, 0, 2, 4]
        parts = [mx.io.ImageRecordIter(batch_size=1, num_parts=3, part_index=i, **index, **given)
                 for i in range(3)]
        assert [labels(part) for part in parts] == [[0, 1], [2, 3], [4]]
    whole = mx.io.ImageRecordIter(batch_size=2, shuffle=True, round_batch=False, **given)
    assert [labels(epoch) for epoch in repeated(whole, 3)] == [[3, 4, 0, 2], [1, 4, 2, 3], [3, 4, 0, 1]]


def test_a_damaged_record_file_without_an_index(records: str, tmp_path: Path) -> None:
    data = Path(records + ".rec").read_bytes()
    (tmp_path / "b.rec").write_bytes(data[:-5])
    found = mx.io.ImageRecordIter(str(tmp_path / "b.rec"), (3, 6, 8), 5, num_parts=1, shuffle=True)
    with pytest.raises(FileFormatError, match="ends within a record"):
        next(found)


def test_integers_of_image_records(records: str) -> None:
    given: dict[str, Any] = {"path_imgrec": records + ".rec", "data_shape": (3, 6, 8), "batch_size": 2}
    for made, dtype, last in (
        (mx.io.ImageRecordUInt8Iter(**given), numpy.uint8, 143),
        (mx.io.ImageRecordInt8Iter(**given), numpy.int8, 127),
        (mx.io.ImageRecordIter(dtype="uint8", **given), numpy.uint8, 143),
    ):
        found = next(made).data[0]
        assert found.dtype == dtype == made.provide_data[0].dtype
        assert found.asnumpy()[0, :, 0, 0].tolist() == [2, 1, 0] and found.asnumpy()[0, 0, -1, -1] == last
    with pytest.raises(InvalidValueError, match="one of float32, uint8, int8, got 'float16'"):
        mx.io.ImageRecordIter(dtype="float16", **given)
    with pytest.raises(InvalidValueError, match="for the dtype float32, not uint8"):
        mx.io.ImageRecordUInt8Iter(mean_r=3, **given)


def test_names() -> None:
    with pytest.raises(AttributeError, match="did you mean 'CSVIter'"):
        mx.io.__getattr__("CSVItr")
