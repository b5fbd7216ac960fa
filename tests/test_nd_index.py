"""nd: indexing by keys and index arrays, writing, ordering; values and errors of MXNet 1.9.1, gradients."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import autograd, nd
from mxgrad.base import InplaceError, OutOfRangeError, check_indices
from mxgrad.testing import check_grads, use_device_double
from nd_recorded import compare, recorded


def normal(*shape: int) -> Any:
    return nd.array(numpy.random.default_rng(7).standard_normal(shape), dtype="float64")


@recorded("index", "gradients index", "writes")
def test_as_recorded(kind: str, expression: str, expected: Any) -> None:
    compare(kind, expression, expected)


KEYS = {
    "an int": lambda x: x[1], "every axis": lambda x: x[-1, 1],
    "Ellipsis and every axis": lambda x: x[..., 1, 2],
    "slices": lambda x: x[:, 1:], "negative steps": lambda x: x[::-1, ::-2],
    "None": lambda x: x[None, :, None],
    "Ellipsis": lambda x: x[..., 0], "places twice": lambda x: x[[0, 0, 2]],
    "points": lambda x: x[[0, 1], [2, 2]],
    "float indices": lambda x: x[nd.array([1, 1])], "an inner list": lambda x: x[:, [1, 1]],
    "an int and a list": lambda x: x[1, [0, 0]], "a list and None": lambda x: x[[0], None],
    "nothing": lambda x: x[2:2], "a view of a view": lambda x: x[1:][0],
    "matrices": lambda x: x[nd.array([[1, 1], [0, 2]])],
    "a reshaped view": lambda x: x.reshape((4, 3))[1],
}


@pytest.mark.parametrize("read", KEYS.values(), ids=KEYS.keys())
def test_gradients_of_reading(read: Callable[[Any], Any]) -> None:
    check_grads(lambda x: read(x) ** 3, [normal(3, 4)])


FUNCTIONS = {
    "take": lambda x: nd.take(x, nd.array([0, 0, 9]), axis=1),
    "take, wrapped": lambda x: nd.take(x, nd.array([[-1, 5]]), axis=0, mode="wrap"),
    "pick": lambda x: nd.pick(x, nd.array([0, 7, 1])),
    "pick, kept": lambda x: nd.pick(x, nd.array([[0, 1, 0, 2]]), 0, True),
    "gather_nd": lambda x: nd.gather_nd(x, nd.array([[0, 0], [1, 1]])),
    "scatter_nd": lambda x: nd.scatter_nd(x, nd.array([[0, 0, 2]]), shape=(3, 4)),
    "Embedding": lambda x: nd.Embedding(nd.array([[1, 1], [0, 9]]), x, input_dim=3, output_dim=4),
    "sort": lambda x: nd.sort(x, axis=0, is_ascend=False), "sort, flattened": lambda x: nd.sort(x, axis=None),
    "topk": lambda x: nd.topk(x, k=2, ret_typ="both")[0], "where": lambda x: nd.where(x > 0, x * x, -x),
    "fill_element_0index": lambda x: nd.fill_element_0index(x, x[:, 0], nd.array([1, 9, 0])),
    "boolean_mask": lambda x: nd.contrib.boolean_mask(x, nd.array([1, 0, 1])),
    "index_copy": lambda x: nd.contrib.index_copy(x, nd.array([1, 1]), x[1:] * 2),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_gradients_of_functions(function: Callable[[Any], Any]) -> None:
    check_grads(lambda x: function(x) ** 2, [normal(3, 4)])


def test_places_named_twice_add_up() -> None:
    x = nd.zeros((3,))
    x.attach_grad()
    for read in (lambda: x[[1, 1, 0]], lambda: nd.take(x, nd.array([1, 1, 0])),
                 lambda: nd.gather_nd(x, nd.array([[1, 1, 0]]))):
        with autograd.record():
            y = read() * nd.array([1, 10, 100])
        y.backward()
        assert x.grad.asnumpy().tolist() == [100, 11, 0]
    assert nd.scatter_nd(nd.array([1, 10]), nd.array([[2, 2]]), shape=(3,)).asnumpy().tolist() == [0, 0, 11]


def test_a_mask_in_nd_is_places() -> None:
    x = nd.array([5, 7, 9])
    assert x[x > 5].asnumpy().tolist() == [5, 7, 7]
    assert x[nd.array([1, 0], dtype="bool")].asnumpy().tolist() == [7, 5]


def test_overlapping_memory() -> None:
    x = nd.arange(4)
    x[1:] = x[:-1]
    assert x.asnumpy().tolist() == [0, 0, 1, 2]
    x[:] = x[::-1]
    assert x.asnumpy().tolist() == [2, 1, 0, 0]


@pytest.mark.parametrize(("call", "words"), [
    (lambda x: x[3], "index 3 is out of bounds for axis 0 with size 3"),
    (lambda x: x[0, -5], "index -5 is out of bounds for axis 1 with size 4"),
    (lambda x: x[[0, 3]], "index 3 is out of bounds for axis 0 with size 3"),
    (lambda x: x.__setitem__([0, -4], 1), "index -4 is out of bounds for axis 0 with size 3"),
    (lambda x: nd.take(x, nd.array([4]), axis=1, mode="raise"),
     "index 4 is out of bounds for axis 1 with size 4"),
    (lambda x: nd.gather_nd(x, nd.array([[0], [4]])), "index 4 is out of bounds for axis 1 with size 4"),
    (lambda x: nd.take(x[:0], nd.array([0])), "an axis of length 0 has no places to take"),
    (lambda x: x[0, 0, 0], "too many indices: 3 for an array with 2 axes"),
])
def test_indices_outside(call: Callable[[Any], Any], words: str) -> None:
    x = nd.arange(12).reshape((3, 4))
    with pytest.raises(OutOfRangeError) as caught:
        call(x)
    assert words in str(caught.value)
    assert x.asnumpy().tolist() == numpy.arange(12.0).reshape(3, 4).tolist()


def test_outside_on_a_device() -> None:
    """Modes are computed there, not looked up by the host."""
    with use_device_double() as double:
        x = nd.array([10, 20, 30], ctx=mx.gpu(1))
        at = nd.array([-1, 1, 7], ctx=mx.gpu(1))
        x.attach_grad()
        with double.count() as cost:
            with autograd.record():
                y = nd.take(x, at) + nd.take(x, at, mode="wrap") + nd.pick(x.reshape((1, 3)), at[2:])
            y.backward()
        assert cost.d2h == cost.h2d == cost.sync == 0
        assert y.asnumpy().tolist() == [70, 70, 80]
        assert x.grad.asnumpy().tolist() == [1, 3, 5]


# writing while recording ------------------------------------------------------------------------------------


def cumulative(x: Any) -> Any:
    z = nd.zeros((4,), dtype="float64")
    z[0] = x[0]
    for i in range(1, 4):
        z[i] = nd.sin(z[i - 1]) * x[i]
    return z


def rows(x: Any) -> Any:
    z = nd.zeros((4, 3), dtype="float64")
    z[0] = nd.array([1, 2, 3], dtype="float64")
    for i in range(1, 4):
        z[i] = nd.tanh(z[i - 1]) * x[:3]
    return z


def parts(x: Any) -> Any:
    z = nd.ones((3, 4), dtype="float64")
    z[1:, ::2] = x.reshape((2, 2))
    z[0] = x * x
    z[[0, 2], [1, 3]] = x[0]
    z[2, 0] = x[1] * x[2]
    z[:, 2:] = x[:2].reshape((1, 2))
    return z


def repeated(x: Any) -> Any:
    z = nd.zeros((3,), dtype="float64")
    z[[0, 0, 1, 0]] = x
    return z


def overwritten(x: Any) -> Any:
    z = nd.zeros((4,), dtype="float64")
    z[:] = x * x
    z[1] = 5
    z[nd.array([3])] = 0
    return z


def read_before(x: Any) -> Any:
    z = nd.zeros((4,), dtype="float64")
    z[:] = x
    before = (z[1:3] * z[:2]).sum()
    z[1] = 3
    return before + (z * x).sum()


@pytest.mark.parametrize("build", [cumulative, rows, parts, repeated, overwritten, read_before],
                         ids=lambda f: f.__name__)
def test_arrays_built_by_writes(build: Callable[[Any], Any]) -> None:
    check_grads(lambda x: build(x) ** 2, [normal(4)])


def test_writes_that_would_break_a_graph() -> None:
    x = nd.array([1, 2, 3])
    x.attach_grad()
    with autograd.record():
        y = x * x
        z = nd.zeros((2, 3))
        row = z[1]
        for write in (lambda: y.__setitem__(0, 5), lambda: x.__setitem__(0, 5),
                      lambda: row.__setitem__(slice(None), x)):
            with pytest.raises(InplaceError):
                write()
        y.backward()
    assert x.grad.asnumpy().tolist() == [2, 4, 6]
    assert z.asnumpy().tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_write_through_a_view_is_seen() -> None:
    x = nd.arange(6).reshape((2, 3))
    x[1][1:] = 0
    x.reshape((6,))[0] = 9
    x[0][2] = 8
    assert x.asnumpy().tolist() == [[9, 1, 8], [3, 0, 0]]
    x.attach_grad()
    with autograd.record():
        y = x * x
    x[0][1:][0] = 4
    with pytest.raises(InplaceError, match="changed in place"):
        y.backward()


# ordering ---------------------------------------------------------------------------------------------------


def test_equal_elements_keep_their_order() -> None:
    x = nd.array([[1, 3, 3, 2, 3]])
    assert nd.argsort(x).asnumpy().tolist() == [[0, 3, 1, 2, 4]]
    assert nd.argsort(x, is_ascend=False).asnumpy().tolist() == [[1, 2, 4, 3, 0]]
    assert nd.topk(x, k=2).asnumpy().tolist() == [[1, 2]]
    small = nd.array([3, 0, 255], dtype="uint8")
    assert nd.sort(small, is_ascend=False).asnumpy().tolist() == [255, 3, 0]


def test_indices_have_a_zero_gradient() -> None:
    x = nd.array([[3, 1, 2]])
    x.attach_grad()
    for f in (nd.argmax, nd.argsort, nd.topk, lambda x: nd.one_hot(x, 4)):
        x.grad[:] = 7
        with autograd.record():
            y = f(x)
        y.backward()
        assert x.grad.asnumpy().tolist() == [[0, 0, 0]]


def test_out() -> None:
    x, out = nd.array([3, 1, 2]), nd.zeros((3,))
    assert nd.sort(x, out=out) is out
    assert out.asnumpy().tolist() == [1, 2, 3]
    both = [nd.zeros((1,)), nd.zeros((1,))]
    nd.topk(x, k=1, ret_typ="both", out=both)
    assert [o.asnumpy().tolist() for o in both] == [[3], [0]]


@pytest.mark.parametrize("call", [
    lambda x, i: nd.take(x, i), lambda x, i: nd.take(x, i, mode="wrap"),
    lambda x, i: nd.take(x, i, mode="raise"), lambda x, i: nd.take(nd.ones((3, 50_000)), i),
    lambda x, i: nd.pick(x, i), lambda x, i: nd.Embedding(i, x, input_dim=3, output_dim=4),
    lambda x, i: nd.one_hot(i, 3), lambda x, i: nd.gather_nd(x, nd.stack(i, i)), lambda x, i: x[i],
    lambda x, i: mx.np.ones(3)[i.as_np_ndarray()], lambda x, i: mx.gluon.loss.SoftmaxCELoss()(x, i),
])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_indices_that_are_no_numbers(call: Any, wrong: float) -> None:
    with pytest.raises(OutOfRangeError, match=f"indices are whole numbers, got {wrong} among them"):
        call(nd.ones((3, 4)), nd.array([0, wrong, 1]))


@pytest.mark.parametrize("count", [3, 5000])
@pytest.mark.parametrize("dtype, most", [("float16", 6e4), ("float32", 3e38), ("float64", 1e308)])
def test_indices_of_any_size_are_numbers(count: int, dtype: str, most: float) -> None:
    # whose squares are beyond the dtype
    index = numpy.full(count, most, dtype)
    with numpy.errstate(all="raise"):
        check_indices(index)
    index[count // 2] = numpy.nan
    with pytest.raises(OutOfRangeError, match="indices are whole numbers, got nan among them"):
        nd.take(nd.arange(4), nd.array(index, dtype=dtype))
