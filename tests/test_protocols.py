"""Arrays among NumPy's, PyTorch's and Python's own: dispatch, DLPack, buffers, pickles, numbers, Jupyter."""

from __future__ import annotations

import copy
import hashlib
import io
import math
import operator
import pickle
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, autograd, nd, np
from mxgrad.base import AutogradError

MAKERS = {"np": np.array, "nd": nd.array}
# PEP 688, or the extension that stands in for it
BUFFERS = sys.version_info >= (3, 12) or find_spec("mxgrad.kernels._buffer") is not None
both = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def grad(f: Callable[[Any], Any], x: Any) -> list[float]:
    x.attach_grad()
    with autograd.record():
        y = f(x)
    assert type(y) is type(x)
    y.backward()
    return x.grad.asnumpy().tolist()  # type: ignore[no-any-return]


CALLS: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "sin": (numpy.sin, [math.cos(1), math.cos(2)]),
    "add": (lambda x: numpy.add(x, 1), [1, 1]),
    "multiply, number first": (lambda x: numpy.multiply(3, x), [3, 3]),
    "power": (lambda x: numpy.power(x, 3), [3, 12]),
    "maximum": (lambda x: numpy.maximum(x, 1.5), [0, 1]),
    "sum": (numpy.sum, [1, 1]),
    "mean": (numpy.mean, [0.5, 0.5]),
    "prod": (numpy.prod, [2, 1]),
    "std": (numpy.std, [-0.5, 0.5]),
    "concatenate": (lambda x: numpy.concatenate([x, x * x]), [3, 5]),
    "stack": (lambda x: numpy.stack((x, x), axis=1), [2, 2]),
    "where": (lambda x: numpy.where(x > 1, x, 0), [0, 1]),
    "reshape": (lambda x: numpy.reshape(x, (2, 1)), [1, 1]),
    "norm": (numpy.linalg.norm, [1 / 5**0.5, 2 / 5**0.5]),
    "dot": (lambda x: numpy.dot(x, x), [2, 4]),
    "einsum": (lambda x: numpy.einsum("i,i->", x, x), [2, 4]),
    "clip": (lambda x: numpy.clip(x, 0, 1.5), [1, 0]),
    "split": (lambda x: numpy.split(x, 2)[1], [0, 1]),
    "add.reduce": (numpy.add.reduce, [1, 1]),
    "multiply.reduce": (lambda x: numpy.multiply.reduce(x, axis=0), [2, 1]),
    "maximum.reduce": (numpy.maximum.reduce, [0, 1]),
    "add.accumulate": (numpy.add.accumulate, [2, 1]),
    "multiply.accumulate": (numpy.multiply.accumulate, [3, 1]),
    "multiply.outer": (lambda x: numpy.multiply.outer(x, x), [6, 6]),
    "subtract.outer": (lambda x: numpy.subtract.outer(x, 3), [1, 1]),
    "dtype": (lambda x: numpy.exp(x, dtype="float64"), [math.exp(1), math.exp(2)]),
    "numpy scalar first": (lambda x: numpy.float32(2) * x - numpy.int64(1), [2, 2]),
    "numpy scalar last": (lambda x: x / numpy.float64(2), [0.5, 0.5]),
}


@both
@pytest.mark.parametrize("name", CALLS)
def test_numpys_functions_are_recorded(name: str, make: Any) -> None:
    f, expected = CALLS[name]
    assert grad(f, make([1.0, 2.0])) == pytest.approx(expected, abs=1e-6)


@both
def test_what_has_no_gradient_runs_on_the_host_and_says_so(make: Any) -> None:
    x = make([3.0, 1.0, 2.0])
    largest: Any = numpy.maximum.accumulate(x)
    sums: Any = numpy.add.reduceat(x, [0, 2])
    assert largest.asnumpy().tolist() == [3, 3, 3] and sums.asnumpy().tolist() == [4, 2]
    assert numpy.mean(x, where=[True, True, False]) == 2  # np's mean knows no where
    x.attach_grad()
    with autograd.record():
        y = x * 2
        for call in (
            lambda: numpy.maximum.accumulate(y),
            lambda: numpy.add.reduceat(y, [0, 2]),
            lambda: numpy.mean(y, where=[True, True, False]),
            lambda: numpy.i0(y),
        ):
            with pytest.raises(AutogradError, match="has no gradient"):
                call()
    for plain in (numpy.shape, numpy.ndim, numpy.size):
        assert plain(x) == plain(x.asnumpy())
    assert numpy.allclose(x, x.asnumpy()) is True and numpy.array_equal(x, [3.0, 1.0, 2.0])
    numpy.testing.assert_allclose(x, [3, 1, 2])
    assert numpy.array2string(x.asnumpy()) == "[3. 1. 2.]"


@both
def test_out_and_where(make: Any) -> None:
    x, z, host = make([1.0, 4.0, 9.0]), make([7.0, 7.0, 7.0]), numpy.full(3, 7.0)
    assert numpy.sqrt(x, out=z) is z and z.asnumpy().tolist() == [1, 2, 3]
    assert numpy.sqrt(x, out=host) is host and host.tolist() == [1, 2, 3]
    mask = numpy.array([True, False, True])
    for target in (make([7.0, 7.0, 7.0]), numpy.full(3, 7.0)):
        for where in (mask, make(mask, dtype=bool), [True, False, True]):
            assert numpy.negative(x, out=target, where=where) is target
            assert numpy.asarray(target).tolist() == [-1, 7, -9]
    assert numpy.sum(x, out=numpy.zeros(())).item() == 14
    host += x
    assert type(host) is numpy.ndarray and host.tolist() == [2, 6, 12]
    with pytest.raises(ValueError, match="with where=, out= is needed"):
        numpy.sin(x, where=mask)
    x.attach_grad()
    with autograd.record():
        filled = make([5.0, 5.0, 5.0])
        numpy.multiply(x, x, out=filled, where=mask)
    filled.backward()
    assert filled.asnumpy().tolist() == [1, 5, 81] and x.grad.asnumpy().tolist() == [2, 0, 18]


@both
def test_ufunc_at_writes_in_place(make: Any) -> None:
    x = make([1.0, 2.0, 3.0])
    numpy.add.at(x, numpy.array([0, 0, 2]), 10)
    numpy.multiply.at(x, [1], make([5.0]))
    assert x.asnumpy().tolist() == [21, 10, 13]
    with pytest.raises(TypeError, match=r"add\.at"):
        numpy.add.at(numpy.zeros(3), [0], x[:1])
    x.attach_grad()
    with autograd.record(), pytest.raises(AutogradError):
        numpy.add.at(x, [0], 1)
    assert x.asnumpy().tolist() == [21, 10, 13]


@both
def test_numbers_of_both_sides(make: Any) -> None:
    x = make([2.0, 4.0])
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.pow):
        for number in (3, 2.5, numpy.float32(3), numpy.float64(2.5), numpy.int8(3), numpy.int64(3)):
            for got, expected in (
                (op(x, number), op(x.asnumpy(), number)),
                (op(number, x), op(number, x.asnumpy())),
            ):
                assert type(got) is type(x) and numpy.dtype(got.dtype) == "float32"
                numpy.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6)
    assert (numpy.float32(3) > x).asnumpy().tolist() == [1, 0] and (
        x == numpy.int32(2)
    ).asnumpy().tolist() == [1, 0]


def test_numpy_arrays_beside_arrays() -> None:
    x, host = np.array([1.0, 2.0]), numpy.array([3.0, 4.0])
    for op in (
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.pow,
        operator.lt,
        operator.eq,
    ):
        for got, expected in ((op(x, host), op(x.asnumpy(), host)), (op(host, x), op(host, x.asnumpy()))):
            assert type(got) is np.ndarray
            numpy.testing.assert_allclose(got.asnumpy(), expected)
    # MXNet 1.9 refuses them in both orders, and so does nd.
    n = nd.array([1.0, 2.0])
    for call in (lambda: n * host, lambda: host * n, lambda: numpy.maximum(n, host)):
        with pytest.raises(TypeError, match="numpy.ndarray'> not supported"):
            call()
    joined: Any = numpy.concatenate([n, host])
    assert type(joined) is nd.NDArray and joined.asnumpy().tolist() == [1, 2, 3, 4]


@both
def test_conversion_to_numpy(make: Any) -> None:
    x = make([[1.0, 2.0]])
    host = numpy.asarray(x)
    assert type(host) is numpy.ndarray and host.dtype == "float32"
    host[0, 0] = 9
    assert x.asnumpy().tolist() == [[1, 2]]
    assert numpy.asarray(x, dtype="int64").tolist() == numpy.array([x, x]).astype(int).tolist()[0] == [[1, 2]]
    assert x.__array__("float64").dtype == "float64"
    with pytest.raises(ValueError, match=r"numpy\.from_dlpack"):
        x.__array__(copy=False)


@both
def test_buffer(make: Any) -> None:
    x = make([[1.0, 2.0, 3.0]])
    seen = memoryview(x) if BUFFERS else x.__buffer__(0)
    assert bytes(x) == x.asnumpy().tobytes()
    assert bytes(make([3], dtype="int8")) == b"\3"
    assert seen.shape == (1, 3) and seen.format == "f" and seen.tolist() == [[1, 2, 3]]
    seen[0, 0] = 5.0
    assert x.asnumpy().tolist() == [[1, 2, 3]]


@pytest.mark.skipif(not BUFFERS, reason="Python before 3.12, and no compiled extension")
@both
def test_buffer_for_others(make: Any) -> None:
    x = make([[1.0, 2.0], [3.0, 4.0]], dtype="float64")
    assert hashlib.sha256(x).digest() == hashlib.sha256(x.asnumpy()).digest()
    turned = nd.from_dlpack(numpy.arange(6.0).reshape(2, 3).T)
    assert hashlib.sha256(turned).digest() == hashlib.sha256(bytes(turned)).digest()
    file = io.BytesIO()
    file.write(x)
    assert file.getvalue() == bytes(x)
    assert numpy.array([x, x]).shape == (2, 2, 2)

    class Refusing(type(x)):  # type: ignore[misc]
        __slots__ = ()

        def __buffer__(self, flags: int) -> memoryview:
            raise BufferError("not today")

    with pytest.raises(BufferError, match="not today"):
        memoryview(object.__new__(Refusing))


@both
def test_dlpack_shares_memory(make: Any) -> None:
    x = make([1.0, 2.0, 3.0])
    assert x.__dlpack_device__() == (1, 0)
    host = numpy.from_dlpack(x)
    x[0] = 9
    assert host.tolist() == [9, 2, 3]
    y = np.from_dlpack(x)
    assert type(y) is np.ndarray
    y[1] = 7
    assert x.asnumpy().tolist() == [9, 7, 3]
    x.attach_grad()
    with autograd.record():  # writes through either are seen by the tape
        z = x * x
    y[0] = 0
    with pytest.raises(MXNetError, match="changed in place"):
        z.backward()
    numbers = numpy.arange(3, dtype="int32")
    shared = np.from_dlpack(numbers)
    numbers[0] = 5
    assert shared.dtype == "int32" and shared[0].item() == 5
    with pytest.raises(TypeError, match="complex64"):
        np.from_dlpack(numpy.zeros(2, "complex64"))


@both
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"]
)
def test_round_trip_with_torch(make: Any, dtype: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = make([[1, 0, 1], [0, 1, 1]], dtype=dtype)
    t = torch.from_dlpack(x)
    assert str(t.dtype) == f"torch.{dtype}" and t.tolist() == x.asnumpy().tolist()
    t[0, 1] = 1
    assert x.asnumpy()[0, 1] == 1
    back = np.from_dlpack(t.T)
    assert back.dtype == dtype and back.shape == (3, 2)
    back[2, 0] = 0
    assert x.asnumpy()[0, 2] == t[0, 2].item() == 0


@both
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(make: Any, protocol: int) -> None:
    for x in (
        make([[1, 2]], dtype="int32"),
        make([1.5], dtype="float16"),
        make([], dtype="float32"),
        make([1.0, 2.0], ctx=mx.cpu(1)),
    ):
        y = pickle.loads(pickle.dumps(x, protocol))
        assert type(y) is type(x) and numpy.dtype(y.dtype) == x.dtype and y.ctx == x.ctx
        assert y.shape == x.shape and y.asnumpy().tolist() == x.asnumpy().tolist()


@both
def test_copies(make: Any) -> None:
    x = make([1.0, 2.0])
    for y in (copy.copy(x), copy.deepcopy(x)):
        y[0] = 5
        assert type(y) is type(x) and x.asnumpy().tolist() == [1, 2]
    a, b = copy.deepcopy([x, x])
    assert a is b and a is not x
    x.attach_grad()
    with autograd.record():
        y = copy.copy(x) * 2
    y.backward()
    assert x.grad.asnumpy().tolist() == [2, 2]


@both
def test_as_python_values(make: Any) -> None:
    x, i = make([2.5]), make([3], dtype="int32")
    assert float(x) == 2.5 and int(x) == 2 and complex(x) == 2.5 and bool(x) is True and len(x) == 1
    assert operator.index(i) == 3 and list(range(9))[i] == 3 and math.sqrt(make([4.0])) == 2
    assert bool(make([0.0])) is False and [
        row.asnumpy().tolist() for row in make([[1.0, 2.0], [3.0, 4.0]])
    ] == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match="ambiguous"):
        bool(make([1.0, 2.0]))
    for convert in (float, int, complex, operator.index):
        with pytest.raises(TypeError):
            convert(make([1.0, 2.0]))
    with pytest.raises(TypeError, match="integer array of one element is an index"):
        operator.index(x)


def test_copies_of_one_element_are_numbers_to_scripts() -> None:
    host = nd.array([1.5]).mean().asnumpy()
    assert "%f %d" % (host * 2, host) == "3.000000 1" and math.sqrt(host) == math.sqrt(1.5)  # noqa: UP031
    assert (float(host), int(host), repr(host)) == (1.5, 1, "array([1.5], dtype=float32)")
    curve = numpy.zeros(2)
    curve[0] = host
    assert curve.tolist() == [1.5, 0]
    assert float(nd.ones((1, 1)).asnumpy()) == 1
    # Otherwise it is as any array.
    assert type(host.sum()) is type(host[0]) is numpy.float32
    assert all(type(other) is numpy.ndarray for other in (
        host + numpy.ones(2), numpy.asarray(host), numpy.concatenate([host, host]),
        pickle.loads(pickle.dumps(host)), nd.ones((2,)).asnumpy()))
    with pytest.raises(ValueError):
        float(host[[0, 0]])


def test_formatting() -> None:
    assert f"{np.array(3.14159):.2f} {np.array(7, dtype='int32'):>4d}" == "3.14    7"
    assert f"{np.array([1.0, 2.0])}" == "[1. 2.]"
    # As in the originals, an axis, even of one element, has no format.
    for x in (np.array([3.14159]), nd.array([3.14159])):
        with pytest.raises(TypeError, match="format"):
            f"{x:.2f}"


@both
def test_html(make: Any) -> None:
    html = make([[1.0, 2.0], [3.0, 4.0]])._repr_html_()
    assert "<pre>[[1. 2.]\n [3. 4.]]</pre>" in html
    assert "(2, 2) float32 @cpu(0)" in html and html.startswith("<div>") and html.endswith("</div>")
