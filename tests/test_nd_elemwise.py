"""nd's elementwise functions and reductions as MXNet 1.9.1 has them: values, dtypes, gradients at kinks."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from mxgrad import autograd, nd
from mxgrad.base import InvalidTypeError, InvalidValueError, MXNetError, NotAnArrayError
from mxgrad.testing import check_grads

NAN, INF = numpy.nan, numpy.inf


def a(values: Any, dtype: str = "float32") -> Any:
    return nd.array(values, dtype=dtype)


def i(values: Any) -> Any:
    return nd.array(values, dtype="int32")


def gradients(f: Callable[..., Any], *values: Any) -> list[Any]:
    """Gradients of the sum of f."""
    xs = [a(v) for v in values]
    for x in xs:
        x.attach_grad()
    with autograd.record():
        y = f(*xs)
    y.backward()
    return [x.grad.asnumpy().tolist() for x in xs]


X, Y = [[1, 2], [3, 4]], [[4, 3], [2, 0]]

VALUES: list[tuple[Callable[[], Any], Any]] = [
    (lambda: nd.elemwise_add(a(X), a(Y)), [[5, 5], [5, 4]]),
    (lambda: nd.elemwise_sub(a(X), a(Y)), [[-3, -1], [1, 4]]),
    (lambda: nd.elemwise_mul(a(X), a(Y)), [[4, 6], [6, 0]]),
    (lambda: nd.elemwise_div(a(X), a(Y)), [[0.25, 2 / 3], [1.5, INF]]),
    (lambda: nd.add_n(a(X), a(X), a(Y)), [[6, 7], [8, 8]]),
    (lambda: nd.ElementWiseSum(a([1, 2])), [1, 2]),
    (lambda: nd.broadcast_add(a([[1], [2]]), a([[10, 20]])), [[11, 21], [12, 22]]),
    (lambda: nd.broadcast_hypot(a([3, 5]), a([4, 12])), [5, 13]),
    (lambda: nd.add(1, a([1, 2])), [2, 3]), (lambda: nd.subtract(1, a([1, 2])), [0, -1]),
    (lambda: nd.multiply(a([1, 2]), 3), [3, 6]), (lambda: nd.divide(1, a([1, 2])), [1, 0.5]),
    (lambda: nd.true_divide(a([1, 2]), 2), [0.5, 1]), (lambda: nd.modulo(a([7, -7]), -3), [-2, -1]),
    (lambda: nd.modulo(7, a([2, -3])), [1, -2]), (lambda: nd.power(2, a([1, 3])), [2, 8]),
    (lambda: nd.power(base=a([2, 3]), exp=2), [4, 9]), (lambda: nd.power(a([-8]), 1 / 3), [NAN]),
    (lambda: nd.maximum(a([1, 3]), 2), [2, 3]), (lambda: nd.minimum(2, a([1, 3])), [1, 2]),
    (lambda: nd.clip(a([0, 1, 5]), 1, 2), [1, 1, 2]),
    (lambda: nd.where(a([1, 0]), a([1, 2]), a([3, 4])), [1, 4]),
    (lambda: nd.where(a([1, 0]), a(X), a(Y)), [[1, 2], [2, 0]]),
    (lambda: nd.where(i([[1, 0], [0, 2]]), a(X), a(Y)), [[1, 3], [2, 4]]),
    (lambda: nd.equal(a([1, 2]), 2), [0, 1]), (lambda: nd.lesser(a([1, 2]), 2), [1, 0]),
    (lambda: nd.logical_not(a([0, 2])), [1, 0]), (lambda: nd.logical_xor(a([1, 0]), a([1, 1])), [0, 1]),
    (lambda: nd.broadcast_logical_and(a([[1], [0]]), a([[1, 0]])), [[1, 0], [0, 0]]),
    (lambda: nd.fix(a([-1.5, 1.5])), [-1, 1]), (lambda: nd.trunc(a([-1.5, 1.5])), [-1, 1]),
    (lambda: nd.rint(a([-1.5, 1.5, 0.5, 2.5])), [-2, 1, 0, 2]),
    (lambda: nd.round(a([-1.5, -2.5, 1.5, 0.5, 2.5])), [-2, -3, 2, 1, 3]),
    (lambda: nd.rsqrt(a([4])), [0.5]), (lambda: nd.rcbrt(a([8])), [0.5]),
    (lambda: nd.reciprocal(a([4])), [0.25]),
    (lambda: nd.gamma(a([0.5, 5, 10])), [1.7724538, 24, 362880]),
    (lambda: nd.gammaln(a([0.5, 5, 100])), [0.5723649, 3.1780539, 359.13422]),
    (lambda: nd.erf(a([-1, 0, 0.3, 2])), [-0.8427008, 0, 0.32862678, 0.9953223]),
    (lambda: nd.erfinv(a([-0.5, 0, 0.9, 1, 2])), [-0.47693628, 0, 1.1630871, INF, NAN]),
    (lambda: nd.hard_sigmoid(a([-3, 0, 2, 3])), [0, 0.5, 0.9, 1]),
    (lambda: nd.softsign(a([0, 1, -3])), [0, 0.5, -0.75]),
    (lambda: nd.smooth_l1(a([0.5, 1, 2])), [0.125, 0.5, 1.5]),
    (lambda: nd.smooth_l1(i([1, 2, 3])), [0, 1, 2]), (lambda: nd.degrees(a([3.14159265])), [180]),
    (lambda: nd.contrib.isnan(a([0, NAN, INF])), [0, 1, 0]),
    (lambda: nd.contrib.isinf(a([0, NAN, INF])), [0, 0, 1]),
    (lambda: nd.contrib.isfinite(a([0, NAN, INF])), [1, 0, 0]),
    (lambda: nd.contrib.div_sqrt_dim(a([[0, 1, 2, 4]])), [[0, 0.5, 1, 2]]),
    (lambda: nd.contrib.quadratic(a([0, 1, 2]), a=1, b=2, c=3), [3, 6, 11]),
    (lambda: nd.contrib.arange_like(a(X)), [[0, 1], [2, 3]]),
    (lambda: nd.contrib.arange_like(a(X), axis=1), [0, 1]),
    (lambda: nd.contrib.arange_like(a(X), start=1, step=2, repeat=2), [[1, 1], [3, 3]]),
    (lambda: nd.contrib.round_ste(a([0, 0.5, 1])), [0, 1, 1]),
    (lambda: nd.all_finite(a([0, 1])), [1]), (lambda: nd.all_finite(a([0, NAN])), [0]),
    (lambda: nd.multi_all_finite(a([0, 1]), a([INF]), num_arrays=2), [0]),
    (lambda: nd.multi_sum_sq(a([0, 1]), a([0, 1, 2]), num_arrays=2), [1, 5]),
    (lambda: nd.cast(a([0.5, -1.5]), dtype="int32"), [0, -1]),
    (lambda: nd.cumsum(a(X)), [1, 3, 6, 10]), (lambda: nd.cumsum(a(X), axis=1), [[1, 3], [3, 7]]),
    (lambda: nd.sum(a(X)), [10]), (lambda: nd.sum(a(X), axis=1, keepdims=True), [[3], [7]]),
    (lambda: nd.sum(a(X), axis=()), [10]), (lambda: nd.sum(a(X), axis=(0, 1), exclude=True), X),
    (lambda: nd.mean(a(X), axis=0, exclude=True), [1.5, 3.5]), (lambda: nd.mean(i(X)), [2]),
    (lambda: nd.max(i(X), axis=1), [2, 4]), (lambda: nd.min(a(X)), [1]),
    (lambda: nd.prod(a(X), axis=0), [3, 8]),
    (lambda: nd.nansum(a([1, NAN])), [1]), (lambda: nd.nanprod(a([2, NAN])), [2]),
    (lambda: nd.norm(a(X), axis=1), [2.236068, 5]), (lambda: nd.norm(a(X), ord=1, axis=0), [4, 6]),
    (lambda: nd.sum_axis(a(X), axis=1), [3, 7]), (lambda: nd.max_axis(a(X), axis=1), [2, 4]),
]


@pytest.mark.parametrize("case", range(len(VALUES)))
def test_values(case: int) -> None:
    f, expected = VALUES[case]
    got = f().asnumpy()
    assert got.shape == numpy.shape(expected)
    numpy.testing.assert_allclose(got, expected, rtol=2e-7)


def test_numbers_give_numbers() -> None:
    got = nd.add(1, 2), nd.subtract(1, 2), nd.multiply(2, 3), nd.divide(1, 2), nd.modulo(7, 4), nd.power(2, 3)
    assert got == (3, -1, 6, 0.5, 3, 8)
    assert (nd.maximum(1, 2), nd.minimum(1, 2)) == (2, 1)


def test_numbers_as_operands() -> None:
    # They are kept as NumPy makes them operands: whatever came before, the same as if they were not.
    x = numpy.array([1.5, -2, 0, numpy.inf], "float32")
    numbers = [2, 2.0, 1, 0, 0.0, -0.0, 0.1, -3, 16777217, 1e-46, 3e38, -1e39, 1e300, NAN, numpy.inf]
    more = [float(n) for n in range(1000, 1600)]
    with numpy.errstate(all="ignore"):
        for n in [*numbers, *more, *reversed(numbers)]:
            for got, expected in ((a(x) * n, x * n), (n - a(x), n - x), (a(x) / n, x / n), (n / a(x), n / x)):
                numpy.testing.assert_array_equal(got.asnumpy(), expected)
                numpy.testing.assert_array_equal(numpy.signbit(got.asnumpy()), numpy.signbit(expected))
    wide = a([1.0], "float64") * 0.1        # after the same number beside float32
    assert wide.asnumpy().tolist() == [0.1]


@pytest.mark.parametrize("f, expected", [
    (lambda: i([1, 2]) * 1.7, [1, 2]), (lambda: i([7, -7]) / 2, [3, -3]), (lambda: i([7, -7]) % 3, [1, 2]),
    (lambda: nd.sqrt(i([4, 10])), [2, 3]), (lambda: nd.exp(i([1, 2, 3])), [2, 7, 20]),
    (lambda: nd.erf(i([1])), [0]),
    (lambda: nd.gamma(i([1, 2, 3])), [1, 1, 2]), (lambda: nd.degrees(i([1, 2])), [57, 114]),
    (lambda: nd.clip(i([0, 1, 2]), 0.5, 1.5), [0, 1, 1]), (lambda: nd.round(i([1, 2])), [1, 2]),
    (lambda: nd.amp_cast(i([0, 1]), dtype="float16"), [0, 1]), (lambda: nd.zeros_like(i([5])), [0]),
    (lambda: nd.sum(i(X)), [10]), (lambda: nd.equal(i([1, 2]), 2), [0, 1]),
])
def test_integers_stay_integers(f: Callable[[], Any], expected: list[int]) -> None:
    got = f()
    assert got.dtype is numpy.int32
    assert got.asnumpy().tolist() == expected


def test_dtypes() -> None:
    assert nd.cumsum(i(X), axis=1, dtype="float32").dtype is numpy.float32
    assert nd.amp_cast(a([1]), dtype="float16").dtype is numpy.float16
    wide = nd.amp_multicast(a([1]), a([1], "float16"), i([1]), num_outputs=3)
    narrow = nd.amp_multicast(a([1]), a([1], "float16"), num_outputs=2, cast_narrow=True)
    assert [x.dtype for x in wide] == [numpy.float32, numpy.float32, numpy.int32]
    assert [x.dtype for x in narrow] == [numpy.float16, numpy.float16]
    same = nd.contrib.allclose(a([1.0, NAN]), a([1.0 + 1e-7, NAN]))
    assert (same.shape, same.dtype, same.asscalar()) == ((), numpy.uint8, 1)
    assert nd.contrib.allclose(a([1.0]), a([1.1])).asscalar() == 0
    assert nd.contrib.isnan(a([1], "float16")).dtype is numpy.float16


KINKS: list[tuple[Callable[..., Any], tuple[Any, ...], list[Any]]] = [
    (nd.abs, ([-1, 0, 2],), [[-1, 0, 1]]), (nd.relu, ([-1, 0, 2],), [[0, 0, 1]]),
    (nd.sign, ([-1, 0, 2],), [[0, 0, 0]]),
    (nd.maximum, ([1, 2, 3], [2, 2, 2]), [[0, 1, 1], [1, 0, 0]]),
    (nd.minimum, ([1, 2, 3], [2, 2, 2]), [[1, 1, 0], [0, 0, 1]]),
    (lambda x: nd.maximum(x, 2), ([1, 2, 3],), [[0, 1, 1]]),
    (lambda x: nd.maximum(2, x), ([1, 2, 3],), [[0, 1, 1]]),
    (lambda x: nd.minimum(x, 2), ([1, 2, 3],), [[1, 1, 0]]),
    (lambda x: nd.minimum(2, x), ([1, 2, 3],), [[1, 1, 0]]),
    (lambda x: nd.clip(x, 1, 2), ([0.5, 1, 1.5, 2, 3],), [[0, 1, 1, 1, 0]]),
    (nd.max, ([1, 3, 3],), [[0, 1, 1]]), (nd.min, ([1, 1, 3],), [[1, 1, 0]]),
    (nd.norm, ([0, 0],), [[0, 0]]), (nd.norm, ([3, 4],), [[0.6, 0.8]]),
    (nd.prod, ([0, 2, 3],), [[6, 0, 0]]), (nd.prod, ([0, 0, 3],), [[0, 0, 0]]),
    (lambda x: x ** 0, ([0, 2],), [[0, 0]]), (lambda x: x ** 2, ([0, -3],), [[0, -6]]),
    (nd.power, ([0, 2], [0, 3]), [[0, 12], [0, 8 * numpy.log(2)]]),
    (nd.sqrt, ([0, 1],), [[INF, 0.5]]), (nd.log, ([0, 1],), [[INF, 1]]),
    (nd.hard_sigmoid, ([-3, -2, 0, 2.5, 3],), [[0, 0.2, 0.2, 0, 0]]),
    (nd.smooth_l1, ([-2, -1, 0, 0.5, 1],), [[-1, -1, 0, 0.5, 1]]),
    (nd.modulo, ([3, -3], [2, 2]), [[1, 1], [-1, 2]]),
    (nd.nansum, ([2, NAN],), [[1, 0]]), (nd.nanprod, ([2, NAN, 3],), [[3, 0, 2]]),
    (lambda x: nd.cast(nd.cast(x, "int32"), "float32"), ([1.5, 2],), [[1, 1]]),
    (nd.contrib.round_ste, ([0.2, 0.5],), [[1, 1]]), (nd.contrib.sign_ste, ([0.2, -0.5],), [[1, 1]]),
    (lambda x: nd.contrib.gradientmultiplier(x, scalar=-3), ([0.2, 0.5],), [[-3, -3]]),
    (nd.BlockGrad, ([1, 2],), [[0, 0]]), (nd.broadcast_hypot, ([0, 3], [0, 4]), [[0, 0.6], [0, 0.8]]),
]


@pytest.mark.parametrize("case", range(len(KINKS)))
def test_gradients_at_kinks(case: int) -> None:
    f, values, expected = KINKS[case]
    for got, wanted in zip(gradients(f, *values), expected, strict=True):
        numpy.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize("f", [
    lambda x, y: nd.elemwise_mul(x, y), lambda x, y: nd.add_n(x, y, x), lambda x, y: nd.power(x * x, y),
    lambda x, y: nd.where(a([[1, 0, 1], [0, 0, 1]]), x * x, x * y), lambda x,
    y: nd.where(a([0, 1]), x * y, y),
    lambda x, y: nd.contrib.div_sqrt_dim(x * y), lambda x, y: nd.contrib.quadratic(x * y, 1, 2, 3),
    lambda x, y: nd.multi_sum_sq(x, y).astype("float64") * 0 + nd.sum(x * y), lambda x,
    y: nd.divide(2, x) * y,
    lambda x, y: nd.cumsum(x * y, axis=1), lambda x, y: nd.mean(x * y, axis=0, exclude=True),
], ids=str)
def test_gradients(f: Callable[..., Any]) -> None:
    x = nd.array([[0.3, -1.2, 2.0], [1.1, 0.7, -0.4]], dtype="float64")
    check_grads(f, [x, x[::-1] * 1.5 + 0.2])


def test_out() -> None:
    target = nd.zeros((2, 2))
    for f, expected in (
        (lambda: nd.elemwise_add(a(X), a(Y), out=target), [[5, 5], [5, 4]]),
        (lambda: nd.add(a(X), 1, out=target), [[2, 3], [4, 5]]), (lambda: nd.sqrt(a(X) ** 2, out=target), X),
        (lambda: nd.add_n(a(X), a(X), out=target), [[2, 4], [6, 8]]),
        (lambda: nd.where(a([1, 0]), a(X), a(Y), out=target), [[1, 2], [2, 0]]),
    ):
        assert f() is target
        assert target.asnumpy().tolist() == expected


def test_add_n_of_one_is_a_copy() -> None:
    x = a([1, 2])
    y = nd.add_n(x)
    y[:] = 0
    assert x.asnumpy().tolist() == [1, 2]


@pytest.mark.parametrize("f, error, text", [
    (lambda: nd.elemwise_add(a(X), a([1, 2])), InvalidValueError,
     r"elemwise_add: Incompatible attr .* \(2, 2\), got \(2,\)"),
    (lambda: nd.add_n(a([1]), a([1, 2])), InvalidValueError,
     "add_n: Incompatible attr in node at 1-th input"),
    (lambda: nd.add_n(), InvalidValueError, "at least one array"),
    (lambda: nd.elemwise_add(a(X), 2), NotAnArrayError, "Argument rhs must have NDArray type, but got 2"),
    (lambda: nd.sin(5), NotAnArrayError, "must be an array, got 5"),
    (lambda: nd.add("1", 2), InvalidTypeError, "operands are arrays and numbers"),
    (lambda: nd.add(a([1]), i([1])), InvalidTypeError, "nd arrays do not mix dtypes"),
    (lambda: nd.where(a([1, 0]), a([1, 2]), 3), NotAnArrayError, "Argument y must have NDArray type"),
    (lambda: nd.where(a([1, 0, 1]), a(X), a(Y)), InvalidValueError, "does not choose the rows"),
    (lambda: nd.cast(a([1]), "float99"), InvalidTypeError, "float99"),
    (lambda: nd.norm(a(X), ord=3), InvalidValueError, "ord=1 and ord=2"),
    (lambda: nd.sum(a(X), axis=2), InvalidValueError, "Reduction axis 2 Exceeds input dimensions"),
    (lambda: nd.max(nd.zeros((2, 0))), InvalidValueError, "zero-size array"),
    (lambda: nd.clip(a(X)), InvalidValueError, "a_min or a_max"),
])
def test_errors(f: Callable[[], Any], error: type, text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        f()
    assert isinstance(caught.value, MXNetError)
