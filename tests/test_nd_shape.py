"""nd's functions that move elements as MXNet 1.9.1 has them: values, shapes, defaults, gradients, errors."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from mxgrad import nd
from mxgrad.base import InvalidTypeError, InvalidValueError, MXNetError, NotAnArrayError
from mxgrad.testing import check_grads


def r(*shape: int, dtype: str = "float32") -> Any:
    """0, 1, 2, ... in that shape."""
    return nd.array(numpy.arange(numpy.prod(shape)).reshape(shape), dtype=dtype)


VALUES: list[tuple[Callable[[], Any], Any]] = [
    (lambda: nd.transpose(r(2, 3)), [[0, 3], [1, 4], [2, 5]]),
    (lambda: nd.transpose(r(2, 3), axes=(0, 1)), [[0, 1, 2], [3, 4, 5]]),
    (lambda: nd.transpose(r(2, 3), axes=()), [[0, 3], [1, 4], [2, 5]]),
    (lambda: r(2, 3).T, [[0, 3], [1, 4], [2, 5]]),
    (lambda: r(2, 3).transpose((1, 0)), [[0, 3], [1, 4], [2, 5]]),
    (lambda: nd.swapaxes(r(2, 3), 0, 1), [[0, 3], [1, 4], [2, 5]]),
    (lambda: nd.swapaxes(r(2, 1)), [[0], [1]]),
    (lambda: nd.SwapAxis(r(2, 3), dim1=-1, dim2=0), [[0, 3], [1, 4], [2, 5]]),
    (lambda: nd.flatten(r(1, 2, 2)), [[0, 1, 2, 3]]), (lambda: nd.Flatten(r(3)), [[0], [1], [2]]),
    (lambda: nd.squeeze(r(1, 2, 1)), [0, 1]), (lambda: nd.squeeze(r(1, 2, 1), axis=0), [[0], [1]]),
    (lambda: nd.squeeze(r(1, 2, 1), axis=(0, 2)), [0, 1]), (lambda: nd.squeeze(r(1, 1)), [0]),
    (lambda: nd.expand_dims(r(2), axis=0), [[0, 1]]), (lambda: r(2).expand_dims(-1), [[0], [1]]),
    (lambda: nd.depth_to_space(r(1, 4, 1, 1), block_size=2), [[[[0, 1], [2, 3]]]]),
    (lambda: nd.space_to_depth(r(1, 1, 2, 4), block_size=2), [[[[0, 2]], [[1, 3]], [[4, 6]], [[5, 7]]]]),

    (lambda: nd.broadcast_to(r(1, 3), shape=(2, 3)), [[0, 1, 2]] * 2),
    (lambda: nd.broadcast_to(r(1, 3), shape=(2, 0)), [[0, 1, 2]] * 2),
    (lambda: nd.broadcast_like(r(1, 3), r(2, 3)), [[0, 1, 2]] * 2),
    (lambda: nd.broadcast_like(r(1, 3), r(5, 6, 2), lhs_axes=(0,), rhs_axes=(-1,)), [[0, 1, 2]] * 2),
    (lambda: nd.broadcast_axis(r(1, 2, 1), axis=(0, 2), size=(2, 2)), [[[0, 0], [1, 1]]] * 2),
    (lambda: nd.broadcast_axes(r(1, 2), axis=0, size=2), [[0, 1]] * 2),

    (lambda: nd.concat(r(2, 2), r(2, 1)), [[0, 1, 0], [2, 3, 1]]),
    (lambda: nd.concat(r(1, 2), r(1, 2), dim=0), [[0, 1], [0, 1]]),
    (lambda: nd.Concat(r(2), r(1), num_args=2, dim=0), [0, 1, 0]),
    (lambda: nd.concat(r(2, 2), r(2, 1), dim=-1), [[0, 1, 0], [2, 3, 1]]),
    (lambda: nd.concatenate([r(1, 2), r(2, 2)]), [[0, 1], [0, 1], [2, 3]]),
    (lambda: nd.concatenate([r(1, 2), r(1, 1)], axis=1), [[0, 1, 0]]),
    (lambda: nd.stack(r(2), r(2)), [[0, 1], [0, 1]]),
    (lambda: nd.stack(r(2), r(2), axis=-1), [[0, 0], [1, 1]]),
    (lambda: nd.split(r(2, 2), num_outputs=1), [[0, 1], [2, 3]]), (lambda: nd.split_v2(r(3), 1), [0, 1, 2]),

    (lambda: nd.slice(r(3, 4), begin=(0, 1), end=(2, 3)), [[1, 2], [5, 6]]),
    (lambda: nd.slice(r(3, 4), begin=(None, 1), end=(None, None)), [[1, 2, 3], [5, 6, 7], [9, 10, 11]]),
    (lambda: nd.slice(r(3, 4), begin=(2, 3), end=(0, None), step=(-1, -2)), [[11, 9], [7, 5]]),
    (lambda: nd.slice(r(3, 4), begin=(-2,), end=(-1,)), [[4, 5, 6, 7]]),
    (lambda: nd.slice(r(3, 4), begin=(0, 2), end=(1, 10)), [[2, 3]]),
    (lambda: nd.slice(r(3), begin=1, end=3), [1, 2]),
    (lambda: nd.crop(r(3, 4), begin=(0, 0), end=(1, 2)), [[0, 1]]),
    (lambda: nd.slice_axis(r(2, 3), axis=1, begin=1, end=None), [[1, 2], [4, 5]]),
    (lambda: nd.slice_axis(r(2, 3), axis=-1, begin=-2, end=-1), [[1], [4]]),
    (lambda: nd.slice_like(r(3, 4), r(2, 3)), [[0, 1, 2], [4, 5, 6]]),
    (lambda: nd.slice_like(r(3, 2), r(2, 9), axes=(0,)), [[0, 1], [2, 3]]),
    (lambda: nd.slice_like(r(2, 4), r(2, 2), axes=-1), [[0, 1], [4, 5]]),

    (lambda: nd.pad(r(1, 1, 1, 2), mode="constant", pad_width=(0, 0, 0, 0, 1, 0, 0, 1), constant_value=5),
     [[[[5, 5, 5], [0, 1, 5]]]]),
    (lambda: nd.pad(r(1, 1, 1, 2), mode="edge", pad_width=(0, 0, 0, 0, 1, 0, 1, 1)), [[[[0, 0, 1, 1]] * 2]]),
    (lambda: nd.Pad(r(1, 1, 2, 2), mode="reflect", pad_width=(0, 0, 0, 0, 1, 1, 1, 1)),
     [[[[3, 2, 3, 2], [1, 0, 1, 0], [3, 2, 3, 2], [1, 0, 1, 0]]]]),
    (lambda: nd.flip(r(2, 2), axis=1), [[1, 0], [3, 2]]),
    (lambda: nd.reverse(r(2, 2), axis=0), [[2, 3], [0, 1]]),
    (lambda: nd.tile(r(2), reps=(2, 2)), [[0, 1, 0, 1]] * 2), (lambda: nd.tile(r(2), 2), [0, 1, 0, 1]),
    (lambda: nd.tile(r(1, 2), reps=()), [[0, 1]]), (lambda: nd.repeat(r(2, 1), 2), [0, 0, 1, 1]),
    (lambda: nd.repeat(r(1, 2), repeats=2, axis=1), [[0, 0, 1, 1]]), (lambda: nd.repeat(r(2), repeats=0), []),
    (lambda: nd.moveaxis(r(1, 2, 2), 0, 2), [[[0], [1]], [[2], [3]]]),
    (lambda: nd.shape_array(r(2, 3)), [2, 3]), (lambda: nd.size_array(r(2, 3)), [6]),
]


@pytest.mark.parametrize("case", range(len(VALUES)))
def test_values(case: int) -> None:
    f, expected = VALUES[case]
    got = f().asnumpy()
    assert got.shape == numpy.shape(expected)
    assert got.tolist() == expected


def lists(pieces: Any) -> Any:
    assert isinstance(pieces, list)
    return [p.asnumpy().tolist() for p in pieces]


def test_split() -> None:
    assert lists(nd.split(r(2, 4), num_outputs=2)) == [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    assert lists(nd.split(r(4, 1), num_outputs=2, axis=0)) == [[[0], [1]], [[2], [3]]]
    assert lists(nd.SliceChannel(r(2, 2), num_outputs=2, squeeze_axis=True)) == [[0, 2], [1, 3]]
    assert lists(r(2, 2).split(2, axis=-1, squeeze_axis=1)) == [[0, 2], [1, 3]]
    assert lists(nd.split_v2(r(6), 3)) == [[0, 1], [2, 3], [4, 5]]
    assert lists(nd.split_v2(r(6), (1, 3))) == [[0], [1, 2], [3, 4, 5]]
    assert lists(nd.split_v2(r(2, 2), 2, squeeze_axis=True)) == [[0, 1], [2, 3]]


def test_moments() -> None:
    assert lists(nd.moments(r(2, 3), axes=(0,))) == [[1.5, 2.5, 3.5], [2.25, 2.25, 2.25]]
    mean, var = nd.moments(r(2, 3), axes=(0, 1))
    assert (mean.shape, mean.asscalar(), var.shape) == ((1,), 2.5, (1,))
    assert var.asscalar() == pytest.approx(35 / 12, rel=1e-6)
    assert nd.moments(r(2, 3), axes=(0, 1), keepdims=True)[0].shape == (1, 1)


@pytest.mark.parametrize("f, shape", [
    (lambda: nd.reshape_like(r(6), r(2, 3)), (2, 3)),
    (lambda: nd.reshape_like(r(30, 7), r(15, 2, 4), lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2),
     (15, 2, 7)),
    (lambda: nd.reshape_like(r(30, 12), r(4, 2, 2, 3), lhs_begin=-1, lhs_end=None, rhs_begin=1, rhs_end=None),
     (30, 2, 2, 3)),
    (lambda: nd.slice(r(3, 4), begin=(2,), end=(1,)), (0, 4)), (lambda: nd.flatten(r(2, 3, 4)), (2, 12)),
    (lambda: nd.moveaxis(r(2, 3, 4), [0, 1], [1, 0]), (3, 2, 4)),
    (lambda: r(2, 3).flatten(inplace=True), (2, 3)),
    (lambda: r(1, 2).squeeze(axis=0), (2,)), (lambda: r(1, 2).broadcast_to((3, 2)), (3, 2)),
    (lambda: r(1, 2).broadcast_like(r(3, 2)), (3, 2)), (lambda: nd.concat(r(2, 0), r(2, 3)), (2, 3)),
    (lambda: nd.flatten(nd.zeros((2, 0, 3))), (2, 0)),
])
def test_shapes(f: Callable[[], Any], shape: tuple[int, ...]) -> None:
    assert f().shape == shape


def test_dtypes() -> None:
    assert nd.shape_array(r(2)).dtype is nd.size_array(r(2)).dtype is numpy.int64
    for dtype in ("float16", "float64", "int32", "uint8"):
        x = r(2, 2, dtype=dtype)
        for y in (nd.concat(x, x), nd.stack(x, x), nd.tile(x, 2), nd.pad(x, "edge", (1, 0, 0, 1)), x.T,
                  nd.flip(x, 0),
                  nd.broadcast_axis(nd.expand_dims(x, 0), 0, 3), *nd.split(x, 2), nd.slice(x, (0,), (1,))):
            assert y.dtype is x.dtype


def test_results_are_copies() -> None:
    x = r(2, 2)
    for f in (nd.transpose, nd.flatten, nd.squeeze, lambda x: nd.slice(x, 0, 2), lambda x: nd.split(x, 2)[0],
              lambda x: nd.concat(x), lambda x: nd.broadcast_to(x, (2, 2)), lambda x: nd.flip(x, 0),
              lambda x: nd.split(x, 1), lambda x: nd.swapaxes(x, 0, 1), lambda x: nd.slice_like(x, x)):
        f(x)[:] = 7
        assert x.asnumpy().tolist() == [[0, 1], [2, 3]]


def test_out() -> None:
    target = nd.zeros((2, 2))
    assert nd.transpose(r(2, 2), out=target) is target
    assert target.asnumpy().tolist() == [[0, 2], [1, 3]]
    left, right = nd.zeros((2, 1)), nd.zeros((2, 1))
    nd.split(r(2, 2), num_outputs=2, out=[left, right])
    assert (left.asnumpy().tolist(), right.asnumpy().tolist()) == ([[0], [2]], [[1], [3]])
    with pytest.raises(InvalidValueError, match="out has shape"):
        nd.concat(r(2, 2), r(2, 2), out=target)


def test_reset_arrays() -> None:
    x, y = r(2), r(3)
    nd.reset_arrays(x, y, num_arrays=2)
    assert x.asnumpy().tolist() + y.asnumpy().tolist() == [0] * 5


@pytest.mark.parametrize("f", [
    lambda x: nd.swapaxes(x * x, 0, 1), lambda x: nd.flatten(x * x), lambda x: nd.expand_dims(x * x, 1),
    lambda x: nd.reshape_like(x * x, r(3, 2)), lambda x: nd.broadcast_like(nd.slice(x, 0, 1) ** 2, r(4, 3)),
    lambda x: nd.concat(x, x * x, x, dim=0), lambda x: nd.stack(x, x * x, axis=1),
    lambda x: nd.split(x * x, 3),
    lambda x: nd.split(x * x, 2, axis=0, squeeze_axis=True), lambda x: nd.split(x * x, 3)[1],
    lambda x: nd.split_v2(x * x, (1, 2), axis=1), lambda x: nd.slice(x * x, (0, 2), (2, 0), (1, -1)),
    lambda x: nd.slice_like(x * x, r(1, 2)), lambda x: nd.pad(x * x, "reflect", (1, 1, 2, 1)),
    lambda x: nd.pad(x * x, "constant", (1, 1, 2, 1), constant_value=3),
    lambda x: nd.moments(x * x, axes=(1,)),
    lambda x: nd.broadcast_axis(nd.expand_dims(x * x, 0), 0, 2), lambda x: nd.squeeze(nd.slice(x, 0, 1) ** 2),
    lambda x: nd.depth_to_space(nd.reshape(nd.concat(x, x * x, dim=0), (1, 4, 1, 3)), 2),
    lambda x: nd.space_to_depth(nd.reshape(nd.slice_axis(x * x, axis=1, begin=0, end=2), (1, 1, 2, 2)), 2),
])
def test_gradients(f: Callable[[Any], Any]) -> None:
    check_grads(f, [nd.array([[0.3, -1.2, 2.0], [1.1, 0.7, -0.4]], dtype="float64")])


@pytest.mark.parametrize("f, error, text", [
    (lambda: nd.transpose(r(2, 3), axes=(0,)), InvalidValueError, "not a permutation"),
    (lambda: nd.squeeze(r(1, 2, 1), axis=1), InvalidValueError, "cannot squeeze axis 1"),
    (lambda: nd.expand_dims(r(2), axis=3), InvalidValueError, r"range \[-2, 1\] \(3 provided\)"),
    (lambda: nd.swapaxes(r(2), 0, 1), InvalidValueError, "axis 1 is out of bounds"),
    (lambda: nd.flatten(nd.array(1.0)), InvalidValueError, "no axes"),
    (lambda: nd.reshape_like(r(6), r(4)), InvalidValueError, "Cannot reshape array of size 6"),
    (lambda: nd.depth_to_space(r(1, 3, 1, 1), 2), InvalidValueError, "multiple of 2 x 2"),
    (lambda: nd.space_to_depth(r(1, 1, 3, 2), 2), InvalidValueError, "multiples of 2"),
    (lambda: nd.broadcast_to(r(2, 3), shape=(4, 3)), InvalidValueError, "broadcast"),
    (lambda: nd.broadcast_axis(r(1, 3), axis=1, size=2), InvalidValueError,
     "Broadcasting axis must have size 1"),
    (lambda: nd.broadcast_axis(r(1, 3), axis=(0, 1), size=2), InvalidValueError, "one each"),
    (lambda: nd.broadcast_like(r(1, 3), r(2, 3), lhs_axes=0), InvalidValueError, "together"),
    (lambda: nd.concat(r(2), r(2)), InvalidValueError, "axis 1 is out of bounds"),
    (lambda: nd.concat(r(2, 3), r(3, 3)), InvalidValueError, "concat: "),
    (lambda: nd.concat(), InvalidValueError, "at least one array"),
    (lambda: nd.concat(r(2), [1]), NotAnArrayError, "Argument data must have NDArray type"),
    (lambda: nd.stack(r(2), r(3)), InvalidValueError, "same shape"),
    (lambda: nd.split(r(4, 3), num_outputs=2), InvalidValueError, "does not divide into 2 equal parts"),
    (lambda: nd.split(r(4, 2), 2, 0, True), InvalidValueError, "If squeeze axis is True"),
    (lambda: nd.split(r(4, 2), 2, axis=2), InvalidValueError, "axis 2 is out of bounds"),
    (lambda: nd.split_v2(r(4), [2]), InvalidValueError, "must either int or tuple of ints"),
    (lambda: nd.slice(r(4), begin=(0, 0), end=(1, 1)), InvalidValueError, "1 at most"),
    (lambda: nd.slice(r(4), begin=(0,), end=(1,), step=(0,)), InvalidValueError, "step must not be 0"),
    (lambda: nd.slice_axis(r(3), axis=0, begin=1, end=10), InvalidValueError, "out of bounds"),
    (lambda: nd.slice_like(r(3, 4), r(2, 9)), InvalidValueError, r"\(2, 9\) exceeds \(3, 4\)"),
    (lambda: nd.pad(r(2), mode="symmetric", pad_width=(1, 1)), InvalidValueError, "valid values are"),
    (lambda: nd.pad(r(2), mode="edge", pad_width=(1,)), InvalidValueError, "two numbers per axis"),
    (lambda: nd.pad(r(2), mode="edge", pad_width=(-1, 1)), InvalidValueError, "not negative"),
    (lambda: nd.moments(r(2), axes=()), InvalidValueError, "Empty axes is not supported"),
    (lambda: nd.moments(r(2, dtype="int32"), axes=(0,)), InvalidTypeError, "floating point"),
    (lambda: nd.transpose(5), NotAnArrayError, "Argument data must have NDArray type, but got 5"),
    (lambda: nd.tile(r(2), reps=-1), InvalidValueError, "tile"),
    (lambda: nd.repeat(r(2), -1), InvalidValueError, "repeat"),
])
def test_errors(f: Callable[[], Any], error: type, text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        f()
    assert isinstance(caught.value, MXNetError)
