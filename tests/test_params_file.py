"""MXNet's .params format: the original's files load, its bytes are written, damaged files are refused."""
from __future__ import annotations

import errno
import os
import pathlib
import random
import re
import struct
import sys

import numpy
import pytest
from mxgrad.base import InvalidTypeError, InvalidValueError, MXNetError
from mxgrad.params_file import FileError, FileFormatError, MissingFileError, dumps, load, loads, save

DATA = pathlib.Path(__file__).parent / "data"
sys.path.insert(0, str(DATA))
from make_params import ARRAYS, ARRAYS_2, COMMON, LEGACY, ONLY_2  # noqa: E402

WRITTEN = [("1.9.1", name) for name in [*ARRAYS, *LEGACY]]
WRITTEN += [("2.0.0b1", name) for name in [*ARRAYS, *ARRAYS_2]]


def content(name: str) -> tuple[list[numpy.ndarray], list[str]]:
    """The arrays and names that make_params put into the file called `name`."""
    arrays = {**ARRAYS, **ARRAYS_2, **LEGACY}[name]
    return (list(arrays.values()), list(arrays)) if isinstance(arrays, dict) else (arrays, [])


def original(version: str, name: str) -> pathlib.Path:
    return DATA / f"params_{version}_{name}.params"


def assert_same(found: list[numpy.ndarray], expected: list[numpy.ndarray]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
        assert one.flags.writeable and one.flags.c_contiguous and one.flags.aligned


# --- the original's files -------------------------------------------------------------------------

@pytest.mark.parametrize(("version", "name"), WRITTEN)
def test_loads_what_the_original_wrote(version, name):
    arrays, names = load(original(version, name))
    expected, expected_names = content(name)
    assert names == expected_names
    assert_same(arrays, expected)


@pytest.mark.parametrize("name", ARRAYS)
def test_writes_the_original_bytes(name):
    assert dumps(*content(name)) == original("1.9.1", name).read_bytes()


@pytest.mark.parametrize("name", [*ARRAYS, *ARRAYS_2])
def test_writes_the_bytes_of_mxnet_2_when_asked(name, tmp_path):
    expected = original("2.0.0b1", name).read_bytes()
    assert dumps(*content(name), numpy_shapes=True) == expected
    save(tmp_path / "a.params", *content(name), numpy_shapes=True)
    assert (tmp_path / "a.params").read_bytes() == expected


def test_loads_gluon_parameters():
    arrays, names = load(original("1.9.1", "gluon"))
    assert names == ["weight", "bias"]
    assert_same(arrays, [numpy.ones((2, 3), "float32"), numpy.zeros(2, "float32")])


@pytest.mark.parametrize("stype", ["row_sparse", "csr"])
def test_sparse_storage_is_refused_by_name(stype):
    with pytest.raises(FileFormatError, match=rf"{stype}\.params: at byte 28: {stype} arrays are not supp"):
        load(original("1.9.1", stype))


def test_every_data_file_is_tested():
    names = {original(*case).name for case in WRITTEN}
    names |= {original("1.9.1", name).name for name in ("row_sparse", "csr", "gluon")}
    assert names == {path.name for path in DATA.glob("params_*")}


# --- round trips ----------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", COMMON + ONLY_2)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (1, 2, 1, 3, 2)])
def test_round_trip(dtype, shape):
    array = numpy.arange(numpy.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    arrays, names = loads(dumps([array], ["a"]))
    assert names == ["a"]
    assert_same(arrays, [array])


def test_layout_and_byte_order_do_not_matter():
    plain = numpy.arange(24, dtype="float32").reshape(2, 3, 4)
    for array in (plain.transpose(2, 0, 1), plain[:, ::-2], numpy.asfortranarray(plain), plain.astype(">f4")):
        (found,), _ = loads(dumps([array]))
        assert_same([found], [numpy.ascontiguousarray(array).astype("float32")])


def test_bfloat16_is_widened_to_float32():
    head = struct.pack("<QQQIiiqiii", 0x112, 0, 1, 0xF993FACA, 0, 1, 3, 1, 0, 12)
    values = struct.pack("<3H", 0x3FC0, 0xC010, 0x7F80)
    (found,), _ = loads(head + values + struct.pack("<Q", 0))
    assert_same([found], [numpy.array([1.5, -2.25, numpy.inf], "float32")])


def test_device_of_the_writer_is_ignored():
    data = bytearray(dumps([numpy.array([7], "int32")]))
    struct.pack_into("<ii", data, 44, 2, 3)  # gpu(3)
    (found,), _ = loads(bytes(data))
    assert_same([found], [numpy.array([7], "int32")])


def test_bool_bytes_become_true_or_false():
    data = bytearray(dumps([numpy.array([True, False])]))
    data[56] = 0x80
    (found,), _ = loads(bytes(data))
    assert_same([found], [numpy.array([True, False])])


def test_names_may_be_empty_or_any_unicode():
    arrays = [numpy.zeros(1)] * 3
    assert loads(dumps(arrays, ["", "größe 数", "a\0b"]))[1] == ["", "größe 数", "a\0b"]


# --- bad arguments --------------------------------------------------------------------------------

@pytest.mark.parametrize("array", [numpy.zeros(1, "complex64"), numpy.array(["a"]), numpy.array([None]),
                                   numpy.zeros(1, "datetime64[s]"), numpy.zeros(1, "f4,f4")])
def test_dtypes_without_a_code_are_refused(array):
    with pytest.raises(InvalidTypeError, match="cannot be saved"):
        dumps([array])


@pytest.mark.parametrize(("names", "message"), [
    (["a"], "1 names for 2 arrays"), (["a", "a"], "'a' is given to two"), (["a", "\ud800"], "UTF-8"),
])
def test_names_that_do_not_fit_are_refused(names, message):
    with pytest.raises(InvalidValueError, match=message):
        dumps([numpy.zeros(1), numpy.zeros(1)], names)


# --- damaged and foreign files --------------------------------------------------------------------

def array_bytes(storage=0, ndim=1, dims=(1,), code=0, values=b"\0\0\x80?", magic=0xF993FAC9) -> bytes:
    return struct.pack(f"<Iii{len(dims)}qiii", magic, storage, ndim, *dims, 1, 0, code) + values


def file_bytes(*arrays: bytes, names=(), count=None, name_count=None) -> bytes:
    count = len(arrays) if count is None else count
    name_count = len(names) if name_count is None else name_count
    data = struct.pack("<QQQ", 0x112, 0, count) + b"".join(arrays) + struct.pack("<Q", name_count)
    return data + b"".join(struct.pack("<Q", len(name)) + name for name in names)


def test_the_hand_made_file_is_good():
    arrays, names = loads(file_bytes(array_bytes(), names=[b"a"]))
    assert names == ["a"]
    assert_same(arrays, [numpy.ones(1, "float32")])


DAMAGED = [
    (b"", 0, "expected the mark of a .params file (8 bytes), found the end of the file after 0 bytes"),
    (b"x" * 100, 0, "expected the mark of a .params file, 0x112, found 0x7878787878787878"),
    (b"PK\x03\x04" + b"x" * 40, 0, "found a zip archive"),
    (b"\x93NUMPY\x01\x00", 0, "found a .npy file"),
    (b'{"nodes": []}', 0, "found JSON text"),
    (file_bytes()[:12], 8, "expected the reserved number (8 bytes), found the end of the file after 4 bytes"),
    (file_bytes(array_bytes(), count=2**63), 16, f"arrays in the 44 bytes that follow, found {2**63}"),
    (file_bytes(array_bytes(), count=2), 60, "saved before its shape was known"),
    (file_bytes(array_bytes(magic=0xDEADBEEF)), 24, "found 3735928559 (0xdeadbeef)"),
    (file_bytes(array_bytes(storage=9)), 28, "expected storage type 0 (dense), found 9"),
    (file_bytes(array_bytes(storage=-1)), 28, "expected storage type 0 (dense), found -1"),
    (file_bytes(array_bytes(ndim=-1)), 32, "expected 0 to 64 dimensions, found -1"),
    (file_bytes(array_bytes(ndim=65)), 32, "expected 0 to 64 dimensions, found 65"),
    (file_bytes(array_bytes(ndim=0, dims=())), 32, "saved before its shape was known"),
    (file_bytes(array_bytes(dims=(-1,))), 36, "expected a shape, found (-1,)"),
    (file_bytes(array_bytes(dims=(2**40,))), 56, f"values of a float32 array of shape ({2**40},) ({2**42} b"),
    (file_bytes(array_bytes(ndim=3, dims=(2**62,) * 3)), 72, "expected the values of a float32 array"),
    (file_bytes(array_bytes(ndim=2, dims=(2**62, 0), values=b"")), 64, "a shape that fits in memory"),
    (file_bytes(array_bytes(code=13)), 52, "expected a dtype code, 0 to 12, found 13"),
    (file_bytes(array_bytes(code=-1)), 52, "expected a dtype code, 0 to 12, found -1"),
    (file_bytes(array_bytes(), names=[b"a", b"b"]), 60, "expected no names or 1, found 2"),
    (file_bytes(array_bytes(), array_bytes(), names=[b"a", b"a"]), 96, "'a' twice"),
    (file_bytes(array_bytes(), names=[b"a"], name_count=2**62), 60, "expected at most 1 names"),
    (file_bytes(array_bytes(), names=[b"\xff"]), 76, "expected a name in UTF-8"),
    (file_bytes(array_bytes()) + b"junk", 68, "expected the end of the file, found 4 more bytes"),
]


@pytest.mark.parametrize(("data", "at", "message"), DAMAGED, ids=[message for _, _, message in DAMAGED])
def test_damage_is_located(data, at, message):
    with pytest.raises(FileFormatError) as raised:
        loads(data, "model.params")
    text = str(raised.value)
    assert text.startswith(f"model.params: at byte {at}: expected ") and message in text
    assert isinstance(raised.value, MXNetError) and isinstance(raised.value, ValueError)


def test_pickles_are_not_run():
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("a pickle was run",)

    import pickle
    with pytest.raises(FileFormatError):
        loads(pickle.dumps(Bomb()))


GOOD = [original("1.9.1", name) for name in ("dict", "npshape", "v0", "v1")]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_truncation_is_refused(path):
    data = path.read_bytes()
    for length in range(len(data)):
        with pytest.raises(FileFormatError, match=r"^cut: at byte"):
            loads(data[:length], "cut")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_flipped_bytes_load_or_are_refused(path):
    random_ = random.Random(2)
    good = path.read_bytes()
    refused = 0
    for _ in range(2_000):
        data = bytearray(good)
        for _ in range(random_.choice((1, 1, 1, 2, 5))):
            data[random_.randrange(len(data))] ^= random_.randrange(1, 256)
        try:
            arrays, _ = loads(bytes(data), "flipped")
        except FileFormatError as error:
            assert str(error).startswith("flipped: at byte ")
            refused += 1
        else:
            assert sum(array.nbytes for array in arrays) <= len(data)
    assert 0 < refused < 2_000


# --- files ----------------------------------------------------------------------------------------

ARRAY = numpy.arange(6, dtype="float32").reshape(2, 3)


def test_save_and_load(tmp_path):
    path = tmp_path / "a.params"
    save(path, [ARRAY], ["w"])
    assert path.read_bytes() == dumps([ARRAY], ["w"])
    arrays, names = load(str(path))
    assert names == ["w"]
    assert_same(arrays, [ARRAY])
    assert os.listdir(tmp_path) == ["a.params"]


def test_save_uses_the_umask_and_keeps_permissions(tmp_path):
    path = tmp_path / "a.params"
    before = os.umask(0o027)
    try:
        save(path, [ARRAY])
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o606)
        save(path, [ARRAY])
        assert path.stat().st_mode & 0o777 == 0o606
    finally:
        os.umask(before)


def test_save_writes_through_a_symbolic_link(tmp_path):
    real, link = tmp_path / "real.params", tmp_path / "link.params"
    link.symlink_to(real.name)
    save(link, [ARRAY])
    assert link.is_symlink() and load(real)[0][0].shape == (2, 3)


def test_save_in_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("a.params", [ARRAY])
    assert_same(load("a.params")[0], [ARRAY])


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch, step, error):
    path = tmp_path / "a.params"
    path.write_bytes(b"old")

    def fail(*_args):
        raise error

    monkeypatch.setattr(os, step, fail)
    expected = FileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as raised:
        save(path, [ARRAY])
    monkeypatch.undo()
    if expected is FileError:
        assert str(raised.value) == f'LocalFileSystem: Write "{path}": No space left on device'
        assert isinstance(raised.value, OSError) and raised.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.params"]


def test_bad_arguments_leave_the_old_file(tmp_path):
    path = tmp_path / "a.params"
    path.write_bytes(b"old")
    with pytest.raises(InvalidTypeError):
        save(path, [ARRAY, ARRAY.astype(complex)])
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.params"]


@pytest.mark.parametrize("use", [load, lambda path: save(path / "below.params", [ARRAY])])
def test_a_missing_file_or_directory(tmp_path, use):
    path = tmp_path / "nothing"
    with pytest.raises(MissingFileError) as raised:
        use(path)
    error = raised.value
    assert isinstance(error, MXNetError) and isinstance(error, FileNotFoundError)
    assert str(error) == f'LocalFileSystem: Open "{error.filename}": No such file or directory'
    assert error.errno == errno.ENOENT and error.filename.startswith(str(path))


def test_a_directory_is_no_file(tmp_path):
    for use in (load, lambda path: save(path, [ARRAY])):
        with pytest.raises(FileError, match="Is a directory"):
            use(tmp_path)
    assert os.listdir(tmp_path) == []


def test_load_names_the_file(tmp_path):
    path = tmp_path / "bad.params"
    path.write_bytes(b"bad")
    with pytest.raises(FileFormatError, match=re.escape(f"{path}: at byte 0: expected the mark")):
        load(path)


def test_what_is_no_regular_file_is_refused_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(MXNetError, match="Not a regular file"):
        save(pipe, [numpy.ones(2, "float32")])
    assert pipe.is_fifo()
    with pytest.raises(MXNetError, match="Is a directory"):
        save(tmp_path, [numpy.ones(2, "float32")])
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]
