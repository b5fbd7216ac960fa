"""Records: MXNet's files are read, and written byte by byte; damaged ones and misuse are told."""
from __future__ import annotations

import importlib.util
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy
import pytest
from mxgrad import MXNetError, recordio
from mxgrad.recordio import IRHeader, MXIndexedRecordIO, MXRecordIO, pack, pack_img, unpack, unpack_img

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_recordio", DATA / "record_recordio.py")
assert _spec is not None and _spec.loader is not None
made: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)
ALL = {**made.RECORDS, **{
    100 + i: pack(IRHeader(*header), image) for i, (header, image) in enumerate(made.LABELLED.values())}}
THEIRS = DATA / "recordio_1.9.1.rec"


def test_files_are_mxnets_to_the_byte(tmp_path: Path) -> None:
    with MXIndexedRecordIO(tmp_path / "a.idx", tmp_path / "a.rec", "w") as writer:
        for key, record in ALL.items():
            writer.write_idx(key, record)
        assert writer.keys == list(ALL)
    assert (tmp_path / "a.rec").read_bytes() == THEIRS.read_bytes()
    assert (tmp_path / "a.idx").read_bytes() == THEIRS.with_suffix(".idx").read_bytes()


def test_mxnets_file_is_read_in_order_and_by_key() -> None:
    with MXRecordIO(THEIRS, "r") as reader:
        assert [reader.read() for _ in ALL] == list(ALL.values())
        assert reader.read() is None
        reader.reset()
        assert reader.read() == ALL[3]
    with MXIndexedRecordIO(THEIRS.with_suffix(".idx"), THEIRS, "r") as by_key:
        assert by_key.keys == list(ALL)
        assert {key: by_key.read_idx(key) for key in reversed(ALL)} == ALL
        by_key.seek(4)
        assert by_key.read() == ALL[4] and by_key.read() == ALL[15]
        with pytest.raises(KeyError, match="no record has the key 77; there are 11") as caught:
            by_key.read_idx(77)
        assert isinstance(caught.value, MXNetError)


def test_headers() -> None:
    assert pack(IRHeader(7, 2.5, 3, 4), b"image") == struct.pack("<IfQQ", 0, 2.5, 3, 4) + b"image"
    header, rest = unpack(ALL[100])
    assert (tuple(header), rest) == ((0, 2.5, 3, 4), b"image") and repr(header).startswith("HEADER(flag=0")
    header, rest = unpack(ALL[101])
    assert header.flag == 3 and header.id == 2**40 and rest == b""
    assert header.label.dtype == numpy.float32 and header.label.tolist() == [1, 2, 3.5]
    with pytest.raises(MXNetError, match="24 bytes, got 3"):
        unpack(b"abc")
    with pytest.raises(MXNetError, match="a label of 3 numbers, 8 bytes follow"):
        unpack(ALL[101][:-4])
    with pytest.raises(ValueError, match="does not fit into a header"):
        pack(IRHeader(0, 1.0, -1, 0), b"")


MARK = made.MARK


@pytest.mark.parametrize(("damaged", "text"), [
    (b"abcdefgh", "at byte 0: expected the mark of a record, 0xced7230a, found 0x64636261"),
    (MARK, "at byte 0: the file ends within a record"),
    (MARK + struct.pack("<I", 9) + b"12345678", "at byte 0: the file ends within a record of 9 bytes"),
    (MARK + struct.pack("<I", 3) + b"123", "the file ends within a record of 3 bytes"),
    (MARK + struct.pack("<I", 2 << 29) + MARK, "part of kind 2 does not belong at the beginning"),
    (MARK + struct.pack("<I", 1 << 29) + MARK + struct.pack("<I", 0), "at byte 8: a part of kind 0 does not"),
    (MARK + struct.pack("<I", 1 << 29 | 4) + b"abcd", "at byte 12: the file ends within a record"),
])
def test_damaged_files(damaged: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.rec").write_bytes(damaged)
    with MXRecordIO(tmp_path / "a.rec", "r") as reader, pytest.raises(ValueError, match=text) as caught:
        reader.read()
    assert isinstance(caught.value, MXNetError) and "a.rec" in str(caught.value)


def test_misuse(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    with pytest.raises(MXNetError, match="a.rec"):
        MXRecordIO(path, "r")
    with pytest.raises(FileNotFoundError):
        MXRecordIO(path, "r")
    with pytest.raises(ValueError, match="Invalid flag a"):
        MXRecordIO(path, "a")
    writer = MXRecordIO(path, "w")
    with pytest.raises(MXNetError, match="opened to write, not for reading"):
        writer.read()
    with pytest.raises(TypeError, match="a record is bytes, got str"):
        writer.write("text")    # type: ignore[arg-type]
    writer.close()
    writer.close()
    with pytest.raises(MXNetError, match="is closed"):
        writer.write(b"")
    with MXRecordIO(path, "r") as reader, pytest.raises(AssertionError, match="not for writing"):
        reader.write(b"")
    (tmp_path / "a.idx").write_text("0\t0\nnonsense\n")
    with pytest.raises(MXNetError, match="a.idx: line 2: expected a key, a tab and a number"):
        MXIndexedRecordIO(tmp_path / "a.idx", path, "r")
    with pytest.raises(FileNotFoundError):
        MXIndexedRecordIO(tmp_path / "b.idx", path, "r")


def test_a_copy_by_pickle_reads_anew() -> None:
    with MXIndexedRecordIO(THEIRS.with_suffix(".idx"), THEIRS, "r") as reader:
        reader.read()
        with pickle.loads(pickle.dumps(reader)) as copy:
            assert copy.read() == ALL[3] and copy.read_idx(9) == ALL[9]
        assert reader.read() == ALL[1]


def test_after_a_fork() -> None:
    """In a child, reading by key opens the file anew; reading in order is refused, as in MXNet."""
    with MXIndexedRecordIO(THEIRS.with_suffix(".idx"), THEIRS, "r") as reader:
        reader.pid = os.getpid() + 1     # as if this process were the child
        with pytest.raises(MXNetError, match="Forbidden operation in multiple processes"):
            reader.read()
        assert reader.read_idx(35) == ALL[35] and reader.pid == os.getpid()


def test_images() -> None:
    pytest.importorskip("PIL")
    rng = numpy.random.default_rng(0)
    for shape in ((5, 7), (5, 7, 3), (5, 7, 4)):
        pixels = rng.integers(0, 256, shape).astype("uint8")
        header, back = unpack_img(pack_img(IRHeader(0, [1, 2], 5, 0), pixels, 3, ".png"))
        assert header.label.tolist() == [1, 2] and (back == pixels).all()
    record = pack_img((0, 1.0, 0, 0), pixels[:, :, :3], 3, ".png")
    gray = unpack_img(record, 0)[1]
    blue, green, red = pixels[:, :, :3].astype(float).transpose(2, 0, 1)
    assert gray.shape == (5, 7) and abs(gray - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 1
    assert unpack_img(pack_img((0, 1.0, 0, 0), gray, 3, ".png"), 1)[1].shape == (5, 7, 3)
    smooth = numpy.add.outer(numpy.arange(32), numpy.arange(40)).astype("uint8")
    assert abs(unpack_img(pack_img((0, 1.0, 0, 0), smooth))[1].astype(int) - smooth).max() <= 2
    assert len(pack_img((0, 1.0, 0, 0), smooth, 10)) < len(pack_img((0, 1.0, 0, 0), smooth, 100))
    # The default, which is meant for JPEG, is 9 for PNG.
    assert pack_img((0, 1.0, 0, 0), smooth, img_fmt=".png") == pack_img((0, 1.0, 0, 0), smooth, 9, ".png")


@pytest.mark.parametrize(("pixels", "quality", "img_fmt", "error", "text"), [
    (numpy.zeros((2, 2, 3)), 95, ".jpg", TypeError, "uint8, got float64"),
    (numpy.zeros((2, 2, 2), "uint8"), 95, ".jpg", ValueError, r"shape .* got \(2, 2, 2\)"),
    (numpy.zeros((2, 2, 4), "uint8"), 95, ".jpg", ValueError, "does not hold an image of shape"),
    (numpy.zeros((2, 2), "uint8"), 0, ".jpg", ValueError, "quality for .jpg is 1 to 100, got 0"),
    (numpy.zeros((2, 2), "uint8"), -1, ".png", ValueError, "quality for .png is 0 to 9, got -1"),
    (numpy.zeros((2, 2), "uint8"), 95, ".nonsense", ValueError, "no image format '.nonsense'"),
])
def test_images_that_cannot_be_packed(
    pixels: Any, quality: int, img_fmt: str, error: type, text: str,
) -> None:
    pytest.importorskip("PIL")
    with pytest.raises(error, match=text) as caught:
        recordio.pack_img((0, 1.0, 0, 0), pixels, quality, img_fmt)
    assert isinstance(caught.value, MXNetError)
