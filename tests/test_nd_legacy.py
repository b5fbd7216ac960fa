"""Odd names of MXNet 1.x's nd: storage types, histograms, DLPack, bytes; methods that np arrays share."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
from mxgrad import autograd, nd, np, npx
from mxgrad.base import MXNetError

BOTH = pytest.mark.parametrize("array", [nd.array, np.array], ids=["nd", "np"])


def test_histogram() -> None:
    # As MXNet 1.9.1 has it, dtypes included.
    x = nd.array([[0, 1, 2], [3, 4, 5]])
    for bins, limits, counts, edges, dtype in (
        (3, None, [2, 2, 2], [0, 5 / 3, 10 / 3, 5], numpy.float32),
        (3, (1, 4), [1, 1, 2], [1, 2, 3, 4], numpy.int64),
        (nd.array([0, 1, 3, 5]), None, [1, 2, 3], [0, 1, 3, 5], numpy.int64),
    ):
        got = nd.histogram(x, bins, limits)
        assert got[0].asnumpy().tolist() == counts and got[0].dtype is dtype
        numpy.testing.assert_allclose(got[1].asnumpy(), edges, rtol=1e-6)
        assert got[1].dtype is numpy.float32
    assert nd.histogram(nd.array([numpy.nan, 1, 2, 9]), 2, (0, 2))[0].asnumpy().tolist() == [0, 2]
    for bad in (0, [0, 1], True, "auto"):
        with pytest.raises(MXNetError, match="histogram: "):
            nd.histogram(x, bins=bad)
    with pytest.raises(MXNetError, match="histogram: max must be larger"):
        nd.histogram(x, 3, (4, 1))


def test_onehot_encode() -> None:
    out = nd.ones((3, 3), dtype="int32")
    assert nd.onehot_encode(nd.array([1, 5, -1]), out) is out
    assert out.asnumpy().tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(MXNetError, match="onehot_encode: out has a row for each index"):
        nd.onehot_encode(nd.array([1, 0]), out)


@BOTH
def test_storage_types(array: Any) -> None:
    x = array([1.0, 2.0])
    x.attach_grad()
    with autograd.record():
        y = x.tostype("default") * 2
    y.backward()
    assert x.grad.asnumpy().tolist() == [2.0, 2.0]
    with pytest.raises(MXNetError, match="dense.*'csr' is not supported"):
        x.tostype("csr")
    assert nd.cast_storage(nd.ones(2), "default").asnumpy().tolist() == [1.0, 1.0]
    with pytest.raises(MXNetError, match="cast_storage: .*'row_sparse' is not supported"):
        nd.cast_storage(nd.ones(2), stype="row_sparse")


@BOTH
def test_slice_assign(array: Any) -> None:
    x = array([[0.0, 1, 2], [3, 4, 5]])
    assert x.slice_assign(array([[7.0, 8.0]]), (0, 1), (1, 3), (None, None)) is x
    assert x.asnumpy().tolist() == [[0, 7, 8], [3, 4, 5]]
    x.slice_assign_scalar(9, (1, 2), (2, 0), (None, -1))
    assert x.asnumpy().tolist() == [[0, 7, 8], [3, 9, 9]]
    x.slice_assign_scalar(1, (0,), (1,), ())
    assert x.asnumpy().tolist() == [[1, 1, 1], [3, 9, 9]]


@BOTH
def test_asscalar_and_writable(array: Any) -> None:
    assert array([2.5]).asscalar() == numpy.float32(2.5)
    with pytest.raises(ValueError, match="not a scalar"):
        array([1.0, 2.0]).asscalar()
    assert array([1.0]).writable
    host = numpy.ones(2, "float32")
    host.flags.writeable = False
    assert not (nd if array is nd.array else npx).from_numpy(host).writable


def test_op_is_nd() -> None:
    assert nd.op.relu is nd.relu
    assert "relu" in dir(nd.op)


def test_bytes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.params"
    nd.save(str(path), {"a": nd.array([1, 2])})
    loaded = nd.load_frombuffer(path.read_bytes())
    assert loaded["a"].asnumpy().tolist() == [1.0, 2.0]
    nd.save(str(path), [nd.ones(3), nd.zeros(1)])
    assert [a.shape for a in nd.load_frombuffer(path.read_bytes())] == [(3,), (1,)]
    with pytest.raises(MXNetError, match="end of the file"):
        nd.load_frombuffer(path.read_bytes()[:20])
    with pytest.raises(TypeError, match="load_frombuffer: buf required to be a string or bytes"):
        nd.load_frombuffer(5)      # type: ignore[arg-type]


@pytest.mark.parametrize("space", [nd, npx])
def test_dlpack(space: Any) -> None:
    host = numpy.arange(3, dtype="float32")
    shared = space.from_dlpack(host)
    shared[1] = 9
    assert host.tolist() == [0, 9, 2]
    back = numpy.from_dlpack(shared)
    host[0] = 5
    assert back.tolist() == [5, 9, 2]
    for give in (space.to_dlpack_for_read, space.to_dlpack_for_write):
        capsule = give(shared)
        other = space.from_dlpack(capsule)
        assert type(other) is type(shared)
        other[2] = 7
        assert host[2] == 7
        host[2] = 2
        with pytest.raises(MXNetError, match="consumed only once"):
            space.from_dlpack(capsule)
    with pytest.raises(TypeError, match="no DLPack capsule"):
        space.from_dlpack(5)


METHODS: dict[str, tuple[Any, ...]] = {
    "argmax_channel": (), "broadcast_axes": (0, 1), "depth_to_space": (1,), "log_sigmoid": (),
    "log_softmax": (), "mish": (), "norm": (), "one_hot": (5,), "rcbrt": (), "relu": (), "rsqrt": (),
    "shape_array": (), "sigmoid": (), "size_array": (), "slice": ((0, 0), (1, 1)), "slice_axis": (1, 0, 1),
    "softmax": (), "softmin": (), "space_to_depth": (1,), "split_v2": (1,), "topk": (),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_np_arrays(name: str) -> None:
    """They give what nd's give, as np arrays."""
    host: Any = numpy.linspace(0.5, 2, 6, dtype="float32").reshape(2, 3)
    if name in ("space_to_depth", "depth_to_space", "broadcast_axes"):
        host = host.reshape(1, 2, 3, 1)
    ours, theirs = np.array(host), nd.array(host)
    got, expected = getattr(ours, name)(*METHODS[name]), getattr(theirs, name)(*METHODS[name])
    got, expected = (v if isinstance(v, list) else [v] for v in (got, expected))
    for a, b in zip(got, expected):
        assert type(a) is np.ndarray
        numpy.testing.assert_array_equal(a.asnumpy().reshape(b.shape), b.asnumpy())


def test_methods_of_np_arrays_with_arrays() -> None:
    x = np.array([[1.0, 2, 3], [4, 5, 6]])
    assert x.pick(np.array([0, 2])).tolist() == [1.0, 6.0]
    assert x.reshape_like(np.ones((3, 2))).shape == (3, 2)
    assert x.slice_like(np.ones((1, 2))).tolist() == [[1.0, 2.0]]
    assert type(x.slice_like(np.ones((1, 2)))) is np.ndarray
