"""np indexing: every form of key NumPy has, read, written and differentiated; NumPy itself is the reference.
"""
from __future__ import annotations

from typing import Any

import numpy
import pytest
from mxgrad import MXNetError, autograd, nd, np
from mxgrad.testing import check_grads

HOST = numpy.arange(24, dtype="float32").reshape(2, 3, 4) + 1
MASK = numpy.array([[True, False, True], [False, True, True]])
GRID = numpy.array([[0, 1], [1, 0]])
PLACES = numpy.array([0, 2, 2])

BASIC = [
    0, -1, (0, 1), (1, -1, 2), slice(None), slice(1, None), slice(None, None, -1), slice(5, 9), slice(1, 0),
    (0, slice(1, 3)), (slice(None), 1), (slice(None), slice(None), -1), (slice(0, 2), slice(0, 3, 2)),
    Ellipsis, (Ellipsis, 0), (0, Ellipsis), (Ellipsis, 1, slice(None)), None, (None, 0, None), (0, None, 1),
    (slice(None), None, 2), (Ellipsis, None), (), (slice(None, None, -2), Ellipsis, slice(3, 0, -1)),
]
ADVANCED = [
    [0, 1], [1], [], [-1, 0], GRID, (GRID, 1), (GRID, GRID), (PLACES[:2] // 2, PLACES[:2]),
    (slice(None), PLACES), (slice(None), PLACES, 1), (0, PLACES), (PLACES // 2, slice(None), PLACES),
    (Ellipsis, PLACES), (None, PLACES // 2), (slice(None), slice(1, 3), [3, 0]),
    (slice(None), [[0], [2]], [1, 3]), (numpy.array(1),), (numpy.int64(1), 2),
    [True, False], (slice(None), [False, True, True]), MASK, (MASK, 2), HOST > 7, True, False,
    (slice(None), numpy.array([True, False, True])), (Ellipsis, numpy.array([True, True, False, False])),
    (0, numpy.array([True, False, True])),
    (range(2), 0), (numpy.array([], dtype="int64"), 1),
]


def ours(key: Any) -> Any:
    """The key with its NumPy arrays as np arrays."""
    if isinstance(key, tuple):
        return tuple(ours(k) for k in key)
    return np.array(key, dtype=key.dtype) if isinstance(key, numpy.ndarray) else key


def name(key: Any) -> str:
    return repr(key).replace("\n", "")


@pytest.mark.parametrize("key", BASIC + ADVANCED, ids=name)
def test_read(key: Any) -> None:
    expected = HOST[key]
    for k in (key, ours(key)):
        got = np.array(HOST)[k]
        assert type(got) is np.ndarray
        assert got.shape == expected.shape and got.dtype == "float32"
        numpy.testing.assert_array_equal(got.asnumpy(), expected)


@pytest.mark.parametrize("key", BASIC + ADVANCED, ids=name)
def test_write(key: Any) -> None:
    shape = HOST[key].shape
    values = numpy.arange(numpy.prod(shape), dtype="float32").reshape(shape) - 100
    for value in (7, values):
        expected = HOST.copy()
        expected[key] = value
        a = np.array(HOST)
        a[ours(key)] = value
        numpy.testing.assert_array_equal(a.asnumpy(), expected)
        a = np.array(HOST)
        a[key] = np.array(value)
        numpy.testing.assert_array_equal(a.asnumpy(), expected)


@pytest.mark.parametrize("key", BASIC + ADVANCED, ids=name)
def test_gradient_of_reading(key: Any) -> None:
    x = np.array(HOST, dtype="float64")
    if HOST[key].size:
        check_grads(lambda x: x[ours(key)] * x[ours(key)], [x])
    x.attach_grad()
    with autograd.record():
        y = x[ours(key)]
    y.backward()
    expected = numpy.zeros(HOST.shape)
    numpy.add.at(expected, key, 1.0)
    numpy.testing.assert_array_equal(x.grad.asnumpy(), expected)


@pytest.mark.parametrize("key", [k for k in BASIC + ADVANCED if HOST[k].size], ids=name)
def test_gradient_of_writing(key: Any) -> None:
    def write(value: Any) -> Any:
        z = np.zeros(HOST.shape, dtype="float64")
        z[ours(key)] = value * value
        return z * np.array(HOST, dtype="float64")

    shape = HOST[key].shape
    value = np.array(numpy.arange(1, numpy.prod(shape) + 1).reshape(shape) / 7, dtype="float64")
    check_grads(write, [value])


def test_iteration() -> None:
    x = np.array([[1, 2], [3, 4]])
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert [v.shape for v in x[0]] == [(), ()]
    assert sum(x[0]).item() == 3
    with pytest.raises(TypeError, match="unsized"):
        iter(np.array(1.)).__next__()


@pytest.mark.parametrize("key, shared", [
    (0, True), ((0, 1), True), ((1, 2, 3), True), (slice(0, 1), True), (slice(None), True),
    ((0, slice(1, 3)), True), ((slice(None), 1), False), ((slice(None), slice(None), slice(1, 3)), False),
    (slice(None, None, -1), False), ([0], False), (numpy.array(0), False),
], ids=name)
def test_views_share_one_block_of_memory(key: Any, shared: bool) -> None:
    # MXNet shares what is one block of memory and copies the rest.
    x = np.array(HOST)
    y = x[key]
    assert np.shares_memory(x, y) is shared
    y[...] = -5
    assert bool((x[key] == -5).all()) is shared


def test_a_view_without_axes() -> None:
    x = np.array([1., 2.])
    x[1][()] = 7
    x[0] += 1
    assert x.tolist() == [2, 7]


def test_reshape_copies_and_reshape_view_does_not() -> None:
    x = np.zeros((2, 3))
    x.reshape(3, 2)[:] = 1
    assert x.sum().item() == 0
    x.reshape_view(3, 2)[:] = 1
    assert x.sum().item() == 6


def test_floats_are_places() -> None:
    # np.array makes float32 by default, and MXNet takes such arrays as indices.
    x = np.array([10, 20, 30])
    assert x[np.array([2, 0])].tolist() == [30, 10]
    assert x[np.array(1)].item() == 20
    assert x[nd.array([2])].tolist() == [30]


def test_numbers_beside_masks_and_lists_of_arrays() -> None:
    x = np.array(HOST)
    assert x[[np.array(0), np.array(1)], [1, 2]].shape == (2, 4)
    x[x > 20] = 0
    assert int((x == 0).sum()) == 4
    x[x > 3] += 1
    assert x[1, 0, 0].item() == 14


@pytest.mark.parametrize("key, error, text", [
    (2, IndexError, "index 2 is out of bounds for axis 0 with size 2"),
    ((0, 5), IndexError, "index 5 is out of bounds for axis 1 with size 3"),
    ((0, 0, 0, 0), IndexError, r"too many indices \(4\) for array with 3 dimensions"),
    ((Ellipsis, Ellipsis), IndexError, "one ellipsis"),
    (1.5, ValueError, "does not support slicing with key 1.5"),
    ("a", ValueError, "does not support slicing with key 'a'"),
    ([[0, 1], [0]], ValueError, "does not support slicing"),
    (numpy.array([1j]), ValueError, "complex128"),
    ([0, 9], IndexError, "index 9 is out of bounds for axis 0 with size 2"),
    (numpy.array([True, False, True]), IndexError, "boolean"),
], ids=name)
def test_bad_keys(key: Any, error: type[Exception], text: str) -> None:
    x = np.array(HOST)
    with pytest.raises(error, match=text) as caught:
        x[key]
    assert isinstance(caught.value, MXNetError)
    with pytest.raises(error):
        x[key] = 1
    numpy.testing.assert_array_equal(x.asnumpy(), HOST)


@pytest.mark.parametrize("value, error, text", [
    ([1, 2], ValueError, r"could not broadcast|cannot broadcast"),
    ("a", TypeError, "cannot assign 'a'"),
    (None, TypeError, "cannot assign None"),
    (np.zeros((5,)), ValueError, "broadcast"),
], ids=name)
def test_bad_values(value: Any, error: type[Exception], text: str) -> None:
    x = np.array(HOST)
    with pytest.raises(error, match=text):
        x[0] = value
    numpy.testing.assert_array_equal(x.asnumpy(), HOST)


def test_values_are_cast() -> None:
    i = np.array([1, 2, 3], dtype="int32")
    i[0] = 2.7
    i[1:] = np.array([5.5, 6.5])
    assert i.tolist() == [2, 5, 6]
    b = np.zeros(2, dtype=bool)
    b[1] = 3
    assert b.tolist() == [False, True]


def test_writing_under_record() -> None:
    x = np.array([1., 2., 3.])
    x.attach_grad()
    with autograd.record():
        z = np.zeros(3)
        z[0] = x[0] * x[1]
        z[1:] = x[1:] * 2
    z.backward()
    assert x.grad.tolist() == [2, 3, 2]
    with autograd.record():
        y = x * 2
        with pytest.raises(MXNetError, match="already in a computational graph"):
            y[0] = 5
    assert y.tolist() == [2, 4, 6]
