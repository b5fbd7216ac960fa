"""The array of np: dtypes, printing, operators, conversions, NumPy's protocols, marking."""
from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, autograd, nd, np
from mxgrad.base import AutogradError, InvalidTypeError

SHORT = {"f2": "float16", "f4": "float32", "f8": "float64", "i1": "int8", "i2": "int16", "i4": "int32",
         "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64", "b": "bool"}
DTYPES = tuple(SHORT.values())

# The dtype of x + y by the dtypes of x (rows) and y (columns), as MXNet 2.0 has it, except where a signed
# integer meets uint64: MXNet gives up there, NumPy and we take float64.
SUMS = """
f2 f4 f8 f2 f2 f2 f2 f2 f2 f2 f2 f2
f4 f4 f8 f4 f4 f4 f4 f4 f4 f4 f4 f4
f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8
f2 f4 f8 i1 i2 i4 i8 i2 i4 i8 f8 i1
f2 f4 f8 i2 i2 i4 i8 i2 i4 i8 f8 i2
f2 f4 f8 i4 i4 i4 i8 i4 i4 i8 f8 i4
f2 f4 f8 i8 i8 i8 i8 i8 i8 i8 f8 i8
f2 f4 f8 i2 i2 i4 i8 u1 u2 u4 u8 u1
f2 f4 f8 i4 i4 i4 i8 u2 u2 u4 u8 u2
f2 f4 f8 i8 i8 i8 i8 u4 u4 u4 u8 u4
f2 f4 f8 f8 f8 f8 f8 u8 u8 u8 u8 u8
f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b
"""
# The dtype of x op number, by the dtype of x.
NUMBERS = {
    2: "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 i8", True: "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 i8",
    2.5: "f2 f4 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8",
}
QUOTIENTS = "f2 f4 f8 f4 f4 f4 f4 f4 f4 f4 f4 f4"


def one(dtype: str) -> Any:
    return np.array([1], dtype=dtype)


@pytest.mark.parametrize("left", range(12), ids=lambda i: DTYPES[i])
def test_mixed_dtypes_promote(left: int) -> None:
    row = [SHORT[s] for s in SUMS.split("\n")[1:][left].split()]
    for right, expected in zip(DTYPES, row):
        a, b = one(DTYPES[left]), one(right)
        for op in (operator.add, operator.mul):
            assert op(a, b).dtype == expected, (op, DTYPES[left], right)
        assert (a < b).dtype == np.logical_and(a, b).dtype == "bool"
        assert np.maximum(a, b).dtype == np.result_type(a, b) == np.concatenate([a, b]).dtype == expected
        assert np.where(np.array([True]), a, b).dtype == expected
        quotient = expected if "float" in expected and "float" in DTYPES[left] + right else "float32"
        assert (a / b).dtype == np.arctan2(a, b).dtype == quotient


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_beside_arrays(number: Any) -> None:
    for dtype, expected, quotient in zip(DTYPES, NUMBERS[number].split(), QUOTIENTS.split()):
        x = one(dtype)
        for op in (operator.add, operator.sub, operator.mul, operator.pow, operator.mod, operator.floordiv):
            if op is operator.sub and dtype == "bool":
                continue
            assert op(x, number).dtype == op(number, x).dtype == SHORT[expected], (op, dtype)
        assert (x / number).dtype == (number / x).dtype == SHORT[quotient]
        assert (x > number).dtype == "bool"
        scalars = (numpy.float32, numpy.float64) if isinstance(number, float) else (numpy.int32, numpy.int8)
        for scalar in scalars:
            assert (x + scalar(number)).dtype == (scalar(number) + x).dtype == SHORT[expected]


def test_values_of_mixed_arithmetic() -> None:
    i = np.array([1, 2, 3], dtype="int32")
    assert (i * 2.5).tolist() == (2.5 * i).tolist() == [2.5, 5, 7.5]
    assert (i / 2).tolist() == [0.5, 1, 1.5] and (1 / i).tolist()[1] == 0.5
    assert (i // 2).tolist() == [0, 1, 1] and (7 // i).tolist() == [7, 3, 2]
    assert (i + np.array([0.5, 1, 2])).tolist() == [1.5, 3, 5]
    assert (np.array([True, False], dtype=bool) + 1).tolist() == [2, 1]
    assert np.arctan2(i, 1).tolist() == pytest.approx([math.atan2(n, 1) for n in (1, 2, 3)])


def test_reductions_and_functions_settle_their_dtype() -> None:
    for dtype in DTYPES:
        x = one(dtype)
        whole = "float" not in dtype
        assert x.sum().dtype == x.prod().dtype == x.cumsum().dtype == ("int64" if dtype == "bool" else dtype)
        assert x.max().dtype == np.sort(x).dtype == abs(x).dtype == dtype
        assert x.mean().dtype == np.exp(x).dtype == np.sqrt(x).dtype == ("float32" if whole else dtype)
        assert x.argmax().dtype == np.argsort(x).dtype == "int64"
        assert x.all().dtype == np.isnan(x).dtype == "bool"


def test_casts_of_promotion_are_recorded() -> None:
    x, h = np.array([1., 2.]), np.array([3., 4.], dtype="float16")
    for a in (x, h):
        a.attach_grad()
    with autograd.record():
        y = x * h * np.array([2, 2], dtype="int64")
    y.backward()
    assert x.grad.tolist() == [6, 8] and x.grad.dtype == "float32"
    assert h.grad.tolist() == [2, 4] and h.grad.dtype == "float16"


@pytest.mark.parametrize("source, dtype", [
    ([1, 2], "float32"), ([True, False], "float32"), (3, "float32"), (numpy.array([1, 2]), "float32"),
    (numpy.array([1.5]), "float32"), (numpy.array([True]), "float32"), (numpy.float64(3), "float64"),
    (numpy.int32(3), "int32"), (range(3), "float32"), ((1, 2), "float32"), ([], "float32"),
], ids=repr)
def test_default_dtype(source: Any, dtype: str) -> None:
    assert np.array(source).dtype == dtype


def test_arrays_keep_their_dtype() -> None:
    for source in (np.array([1], dtype="int32"), nd.array([1], dtype="int32")):
        assert np.array(source).dtype == "int32"
    assert np.array([np.array(1.), np.array(2.)]).tolist() == [1, 2]
    assert np.full((2,), 7).dtype == "int64" and np.full((2,), 7.5).dtype == "float32"
    assert np.ones(2, dtype=int).dtype == "int64"
    assert type(np.ones(2).dtype) is type(numpy.dtype("float32"))


def test_copies_are_recorded() -> None:
    x = np.array([1., 2.])
    x.attach_grad()
    with autograd.record():
        y = np.array(x) * x.copy() * x.astype("float64")
    y.backward()
    assert x.grad.tolist() == [3, 12]
    assert np.asarray(x) is x and np.asarray(x, dtype="int32").dtype == "int32"


@pytest.mark.parametrize("array, text", [
    (lambda: np.array([1, 2], dtype="int64"), "array([1, 2], dtype=int64)"),
    (lambda: np.array([1, 2], dtype="float64"), "array([1., 2.], dtype=float64)"),
    (lambda: np.array([1, 0], dtype="bool"), "array([ True, False])"),
    (lambda: np.array(3.5), "array(3.5)"),
    (lambda: np.array([]), "array([])"),
    (lambda: np.zeros((0, 3)), "array([], shape=(0, 3))"),
    (lambda: np.zeros((0, 3), dtype="int32"), "array([], shape=(0, 3), dtype=int32)"),
    (lambda: np.arange(1001), "array([   0.,    1.,    2., ...,  998.,  999., 1000.])"),
    (lambda: np.array([1, 2], dtype="int32", ctx=mx.cpu_pinned()),
     "array([1, 2], dtype=int32, device=cpu_pinned(0))"),
    (lambda: np.array([1, 2], ctx=mx.cpu(1)), "array([1., 2.])"),
    (lambda: np.arange(18, dtype="int8"),
     "array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,\n       17], dtype=int8)"),
    (lambda: np.arange(17, dtype="int8"),
     "array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16],\n      dtype=int8)"),
])
def test_repr(array: Callable[[], Any], text: str) -> None:
    assert repr(array()) == text


def test_str_and_format() -> None:
    x = np.array([[1, 2], [3, 4]])
    assert str(x) == f"{x}" == "[[1. 2.]\n [3. 4.]]"
    assert f"{np.array(3.14159):.2f}" == "3.14"
    with pytest.raises(TypeError, match="Cannot format"):
        f"{np.array([3.14159]):.2f}"
    with numpy.printoptions(precision=3):
        assert repr(np.array([1 / 3])) == "array([0.333])"


def test_comparisons_give_bools() -> None:
    x, y = np.array([1, 2, 3]), np.array([1, 0, 3])
    assert (x == y).tolist() == [True, False, True] and (x == y).dtype == "bool"
    assert (x != y).tolist() == [False, True, False]
    assert (2 < x).tolist() == (x > 2).tolist() == [False, False, True]
    assert (~(x > 2) & (x >= 1) | (y == 9) ^ (x == 0)).tolist() == [True, True, False]
    assert ((x > 1) & True).dtype == (True & (x > 1)).dtype == "bool"
    assert (x == numpy.array([1, 2, 3])).tolist() == [True] * 3
    assert (x == x.reshape(3, 1)).shape == (3, 3)
    assert hash(x) != hash(y) and x in [x]
    assert 1 in x and 5 not in x


@pytest.mark.parametrize("other", [None, "a", [1, 2, 3], (1, 2), 1j, object(), b"a"], ids=repr)
def test_bad_operands(other: Any) -> None:
    x = np.array([1, 2, 3])
    for op in (operator.add, operator.eq, operator.lt, operator.pow, operator.and_, operator.matmul,
               operator.iadd):
        with pytest.raises(InvalidTypeError):
            op(x, other)
    with pytest.raises(TypeError):
        other + x


def test_operators_of_integers() -> None:
    i = np.array([6, 3], dtype="int32")
    assert (~i).tolist() == [-7, -4] and (i << 1).tolist() == [12, 6] and (i >> 1).tolist() == [3, 1]
    assert (1 << i).tolist() == [64, 8] and (i | 1).tolist() == [7, 3] and (i ^ 2).tolist() == [4, 1]
    assert (i & np.array([2, 2], dtype="int64")).dtype == "int64"
    with pytest.raises(TypeError):
        ~np.array([1.])
    with pytest.raises(TypeError):
        np.array([1.]) & 1


def test_matmul_and_divmod() -> None:
    a, v = np.array([[1, 2], [3, 4]]), np.array([1, 10])
    assert (a @ v).tolist() == [21, 43] and (v @ a).tolist() == [31, 42] and (v @ v).item() == 101
    assert (numpy.array([[1., 2.]]) @ v).tolist() == [21]
    with pytest.raises(TypeError, match="matmul takes arrays"):
        a @ 2
    quotient, rest = divmod(np.array([7., 8.]), 3)
    assert quotient.tolist() == [2, 2] and rest.tolist() == [1, 2]
    assert [y.tolist() for y in divmod(7, np.array([2., 3.]))] == [[3, 2], [1, 1]]


def test_unary_functions_of_python() -> None:
    x = np.array([-1.5, 2.5])
    assert (-x).tolist() == [1.5, -2.5] and (+x).tolist() == [-1.5, 2.5] and abs(x).tolist() == [1.5, 2.5]
    assert round(np.array(2.567), 1).item() == pytest.approx(2.6)
    assert math.floor(np.array(2.5)).item() == 2 and math.ceil(np.array(2.5)).item() == 3
    assert math.trunc(np.array(-2.5)).item() == -2


def test_in_place_operators() -> None:
    x = np.array([1., 2.])
    before = x
    x += 1
    x *= np.array([2., 3.])
    x //= 2
    x **= 2
    assert x is before and x.tolist() == [4, 16]
    x @= np.array([[1., 0.], [0., 2.]])
    assert x.tolist() == [4, 32]
    i = np.array([1, 2], dtype="int32")
    i += 1
    i <<= 1
    assert i.tolist() == [4, 6] and i.dtype == "int32"
    for wrong in (1.5, np.array([1.5, 2.])):
        with pytest.raises(TypeError, match="does not fit in place into int32"):
            i += wrong
    with pytest.raises(ValueError):
        x += np.ones((2, 2))
    assert i.tolist() == [4, 6] and x.tolist() == [4, 32]
    m = np.array([True, False], dtype=bool)
    m |= np.array([False, False], dtype=bool)
    assert m.tolist() == [True, False]


def test_in_place_under_record() -> None:
    x = np.array([1., 2.])
    x.attach_grad()
    with autograd.record():
        y = x * 2
        with pytest.raises(MXNetError, match="already in a computational graph"):
            y += 1
        with pytest.raises(MXNetError, match="already in a computational graph"):
            x @= np.eye(2)
    assert y.tolist() == [2, 4] and x.tolist() == [1, 2]


def test_to_python() -> None:
    x = np.array([[1, 2], [3, 4]])
    assert x.tolist() == [[1, 2], [3, 4]] and x.item(1) == 2 and x.item(1, 0) == 3
    assert type(np.array([3.5]).item()) is float and type(np.array([3], dtype="int8").item()) is int
    assert float(np.array([1.5])) == 1.5 and int(np.array([[3]])) == 3 and bool(np.array([0.])) is False
    assert [10, 20, 30][np.array(1, dtype="int32")] == 20
    assert list(range(5))[:np.array(2, dtype="uint8")] == [0, 1]
    assert len(x) == 2 and math.sqrt(np.array(4.)) == 2
    with pytest.raises(ValueError, match="size 1"):
        x.item()
    with pytest.raises(IndexError):
        x.item(9)
    for call in (float, int, operator.index):
        with pytest.raises(TypeError):
            call(x)
    with pytest.raises(TypeError):
        operator.index(np.array(1.))
    with pytest.raises(ValueError, match="The truth value of an ndarray with multiple elements is ambiguous"):
        bool(x)
    with pytest.raises(TypeError, match="unsized"):
        len(np.array(1.))


def test_shapes() -> None:
    x = np.arange(6).reshape(2, 3)
    assert x.T.shape == x.mT.shape == (3, 2) and np.ones((2, 3, 4)).mT.shape == (2, 4, 3)
    assert x.reshape((3, -1)).shape == x.reshape(3, 2).shape == x.reshape(newshape=(3, 2)).shape == (3, 2)
    assert x.reshape(3, 2, order="F").tolist() == [[0, 4], [3, 2], [1, 5]]
    assert x.flatten().tolist() == x.ravel().tolist() == [0, 1, 2, 3, 4, 5]
    assert x.flatten(order="F").tolist() == [0, 3, 1, 4, 2, 5]
    assert np.ones((2, 3, 4)).transpose(2, 0, 1).shape == (4, 2, 3)
    assert np.ones((2, 3, 4)).transpose((2, 0, 1)).shape == (4, 2, 3)
    assert x.broadcast_like(np.ones((4, 2, 3))).shape == (4, 2, 3)
    assert (x.size, x.ndim, x.nbytes, x.itemsize, x.stype) == (6, 2, 24, 4, "default")
    with pytest.raises(ValueError, match="Cannot reshape array of size 6"):
        x.reshape(5)
    with pytest.raises(TypeError, match="give one shape"):
        x.reshape()
    with pytest.raises(ValueError, match="two axes"):
        _ = np.array([1.]).mT


def test_methods_are_the_functions() -> None:
    x = np.array([[3., 1.], [2., 5.]])
    assert x.sum(axis=0).tolist() == [5, 6] and x.std().item() == pytest.approx(numpy.std(x.asnumpy()))
    assert x.clip(min=2).tolist() == [[3, 2], [2, 5]] and x.sort().tolist() == [[1, 3], [2, 5]]
    assert x.argmax().item() == 3 and x.take(np.array([0, 3])).tolist() == [3, 5]
    assert x.dot(x).tolist() == (x @ x).tolist() and x.exp().shape == (2, 2)
    assert x.round().tolist() == x.tolist()
    assert [i.tolist() for i in x.nonzero()] == [[0, 0, 1, 1], [0, 1, 0, 1]]
    assert x.repeat(2).shape == (8,) and x.tile(2).shape == (2, 4) and x.cumsum(axis=1).tolist()[0] == [3, 4]
    assert not hasattr(x, "zeros") and not hasattr(x, "arange") and not hasattr(x, "concatenate")


def test_numpys_functions_give_recorded_np_arrays() -> None:
    x = np.array([1., 2.])
    x.attach_grad()
    calls: list[tuple[Callable[[Any], Any], list[float]]] = [
        (numpy.sin, [math.cos(1), math.cos(2)]), (numpy.sum, [1, 1]), (numpy.mean, [0.5, 0.5]),
        (lambda x: numpy.concatenate([x, x]), [2, 2]),
        (numpy.linalg.norm, [1 / 5 ** .5, 2 / 5 ** .5]),
        (lambda x: numpy.add(numpy.array([1., 2.]), x), [1, 1]),
        (lambda x: numpy.array([3., 4.]) * x, [3, 4]),
        (lambda x: numpy.where(x > 1, x, 0), [0, 1]), (lambda x: numpy.add.reduce(x), [1, 1]),
        (lambda x: numpy.stack([x, x], axis=1), [2, 2]), (lambda x: numpy.dot(x, x), [2, 4]),
        (lambda x: numpy.float64(2.5) * x, [2.5, 2.5]),
        (lambda x: numpy.power(2, x, dtype="float64"), [2 * math.log(2), 4 * math.log(2)]),
    ]
    for f, expected in calls:
        with autograd.record():
            y = f(x)
        assert type(y) is np.ndarray
        y.backward()
        assert x.grad.tolist() == pytest.approx(expected)


def test_numpy_protocols() -> None:
    x = np.array([1., 4.])
    assert type(numpy.asarray(x)) is numpy.ndarray and numpy.asarray(x, dtype="int64").tolist() == [1, 4]
    a = numpy.zeros(2)
    assert numpy.sqrt(x, out=a) is a and a.tolist() == [1, 2]
    a += x
    assert type(a) is numpy.ndarray and a.tolist() == [2, 6]
    z = np.zeros(2)
    assert numpy.sqrt(x, out=z) is z and z.tolist() == [1, 2]
    assert numpy.sum(x, out=numpy.zeros(())).item() == 5
    assert numpy.sinc(x).shape == (2,) and type(numpy.sinc(x)) is np.ndarray       # np has none: on the host
    assert numpy.logaddexp2(x, x).tolist() == [2, 5]
    assert (numpy.float64(2) * x).dtype == "float32" and (numpy.array(2.) * x).dtype == "float64"
    assert (numpy.array([1, 4]) == x).tolist() == [True, True]
    x.attach_grad()
    with autograd.record():
        y = x * 2
        with pytest.raises(AutogradError, match="has no gradient"):
            numpy.i0(y)


def test_dlpack() -> None:
    x = np.array([1., 2.])
    shared = numpy.from_dlpack(x)
    x[0] = 9
    assert shared.tolist() == np.from_dlpack(x).tolist() == [9, 2]
    assert x.__dlpack_device__() == (1, 0)
    assert type(x.to_dlpack_for_read()).__name__ == "PyCapsule"


def test_copies_pickles_and_places() -> None:
    x = np.array([[1, 2]], dtype="int32")
    copies = (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x), x.copy(), x.as_in_ctx(mx.cpu(1)))
    for y in copies:
        assert type(y) is np.ndarray and y.tolist() == x.tolist() and y.dtype == "int32"
        assert not np.shares_memory(x, y)
    assert x.to_device(mx.cpu()) is x and x.ctx is x.device is x.context is mx.cpu()
    assert x.copyto(mx.cpu(1)).ctx == mx.cpu(1)
    z = np.zeros((1, 2))
    assert x.copyto(z) is z and z.tolist() == [[1, 2]]
    with mx.cpu(1):
        assert np.zeros(2).ctx == np.array([1]).ctx == mx.cpu(1)
    with pytest.raises(TypeError, match="give device or ctx"):
        np.zeros(2, device=mx.cpu(), ctx=mx.cpu())


def test_the_other_frontend() -> None:
    x = np.array([1., 2.])
    x.attach_grad()
    n = x.as_nd_ndarray()
    assert type(n) is nd.NDArray and type(n.as_np_ndarray()) is np.ndarray and x.as_np_ndarray() is x
    n[0] = 5
    assert x[0].item() == 5
    with autograd.record():
        y = (x.as_nd_ndarray() * 3).sum().as_np_ndarray() + nd.array([1]) * x[0]
    assert type(y) is np.ndarray
    y.backward()
    assert x.grad.tolist() == [4, 3]
    assert type(nd.array([1, 2]) + x) is type(x + nd.array([1, 2])) is np.ndarray


def test_marking_keeps_the_graph() -> None:
    x = np.ones((2, 3))
    x.attach_grad()
    with autograd.record():
        y = 3 * x
        y.attach_grad()
        z = 4 * y + 2 * x
    z.backward()
    assert (x.grad == 14).all() and (y.grad == 4).all() and type(x.grad) is np.ndarray
    x.drop_grad()
    assert x.grad is None
    x.attach_grad()
    with autograd.record():
        y = 3 * x
        y.attach_grad(detach=True)
        z = 4 * y + 2 * x
    z.backward()
    assert (x.grad == 2).all()


def test_attributes_that_cannot_be_set() -> None:
    x = np.ones(2)
    for name in ("grad", "shape", "dtype", "T"):
        with pytest.raises(AttributeError):
            setattr(x, name, 1)
    assert type(x).__module__ == "mxgrad.np" and type(x).__name__ == "ndarray"
    assert x.__array_namespace__() is np
