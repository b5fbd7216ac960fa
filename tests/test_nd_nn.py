"""nd's functions of neural networks: values, errors and gradients of MXNet 1.9.1; gradients by differences.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import autograd, nd
from mxgrad.base import InvalidTypeError, InvalidValueError
from mxgrad.testing import check_grads
from nd_recorded import compare, recorded


def normal(*shape: int) -> Any:
    return nd.array(numpy.random.default_rng(11).standard_normal(shape), dtype="float64")


@recorded("nn", "gradients nn")
def test_as_recorded(kind: str, expression: str, expected: Any) -> None:
    compare(kind, expression, expected)


LENGTHS = nd.array([1, 3])
FUNCTIONS = {
    "softmax": lambda x: nd.softmax(x, axis=1, temperature=0.5),
    "softmax of lengths": lambda x: nd.softmax(x, nd.array([[1, 3, 2, 0], [3, 3, 1, 2]]), axis=1,
                                               use_length=True),
    "log_softmax": lambda x: nd.log_softmax(x, axis=0), "softmin": nd.softmin,
    "softmax_cross_entropy": lambda x: nd.softmax_cross_entropy(x[0], nd.array([1, 0, 3])),
    "SoftmaxActivation": lambda x: nd.SoftmaxActivation(x, mode="channel"), "leaky": nd.LeakyReLU,
    "elu": lambda x: nd.LeakyReLU(x, act_type="elu", slope=0.7),
    "selu": lambda x: nd.LeakyReLU(x, act_type="selu"),
    "gelu": lambda x: nd.LeakyReLU(x, act_type="gelu"),
    "prelu": lambda x: nd.LeakyReLU(x, nd.sum(x, axis=(0, 2)), act_type="prelu"),
    "LayerNorm": lambda x: nd.LayerNorm(x, x[0, :, 1], x[1, :, 0], axis=1),
    "InstanceNorm": lambda x: nd.InstanceNorm(x, x[0, :, 1], x[1, :, 0]),
    "L2Normalization": nd.L2Normalization,
    "L2Normalization, spatial": lambda x: nd.L2Normalization(x, mode="spatial"),
    "FullyConnected": lambda x: nd.FullyConnected(x, x.reshape((2, 12)), x[0, 0, :2], num_hidden=2),
    "FullyConnected, last axis": lambda x: nd.FullyConnected(x, x[0], no_bias=True, num_hidden=3,
                                                             flatten=False),
    "SequenceMask": lambda x: nd.SequenceMask(x, LENGTHS, use_sequence_length=True, axis=1),
    "SequenceLast": lambda x: nd.SequenceLast(x, LENGTHS, use_sequence_length=True, axis=1),
    "SequenceReverse": lambda x: nd.SequenceReverse(x, nd.array([1, 2, 2]), use_sequence_length=True),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_gradients(function: Callable[[Any], Any]) -> None:
    check_grads(lambda x: function(x) ** 2, [normal(2, 3, 4)])


def second(f: Callable[[Any], Any], x: Any) -> list[float]:
    """The gradient of the sum of squares of f's gradient."""
    x.attach_grad()
    with autograd.record():
        (g,) = autograd.grad(f(x), [x], create_graph=True)
        y = (g * g).sum()
    y.backward()
    return x.grad.asnumpy().round(5).tolist()       # type: ignore[no-any-return]


def test_defined_gradients_have_derivatives() -> None:
    """An output op's gradient is a function like any other."""
    x = nd.array([[0.5, -1.0]], dtype="float64")
    label = nd.array([[0.0, 1.0]], dtype="float64")
    assert second(lambda x: nd.LinearRegressionOutput(x, label), x) == [[0.25, -1.0]]     # of ((x - t) / 2)^2
    p = 1 / (1 + numpy.exp(-x.asnumpy()))
    wanted = (p - label.asnumpy()) / 2 * p * (1 - p)
    numpy.testing.assert_allclose(second(lambda x: nd.LogisticRegressionOutput(x, label), x), wanted,
                                  atol=1e-5)
    assert second(lambda x: nd.MakeLoss(x * x), x) == [[4.0, -8.0]]     # of (2 x)^2


def test_softmax_output_of_head_gradients() -> None:
    x = nd.array([[1, 2, 3]])
    x.attach_grad()
    with autograd.record():
        y = nd.SoftmaxOutput(x, nd.array([1]), out_grad=True)
    y.backward(nd.array([[1, 10, 100]]))
    p = y.asnumpy()
    numpy.testing.assert_allclose(x.grad.asnumpy(), (p - [[0, 1, 0]]) * [[1, 10, 100]], rtol=1e-5)


def test_softmax_at_extremes() -> None:
    x = nd.array([[1e4, 0, -1e4], [-numpy.inf, 0, 0]])
    assert nd.softmax(x).asnumpy().tolist() == [[1, 0, 0], [0, 0.5, 0.5]]
    assert nd.log_softmax(x).asnumpy()[0].tolist() == [0, -1e4, -2e4]
    x.attach_grad()
    with autograd.record():
        y = nd.softmax(x, nd.array([1, 0]), use_length=True)
    y.backward(nd.array([[1, 2, 3], [1, 2, 3]]))
    assert y.asnumpy().tolist() == [[1, 0, 0], [0, 0, 0]]
    assert x.grad.asnumpy().tolist() == [[0, 0, 0], [0, 0, 0]]


# Dropout ----------------------------------------------------------------------------------------------------


def test_dropout_draws_mxnets_numbers() -> None:
    mx.random.seed(3)
    x = nd.ones((2, 4))
    x.attach_grad()
    with autograd.record():
        y = nd.Dropout(x, p=0.5)
    y.backward()
    assert y.asnumpy().tolist() == x.grad.asnumpy().tolist() == [[0, 2, 2, 2], [2, 2, 0, 2]]


def test_dropout_is_for_training() -> None:
    x = nd.ones((1000,))
    assert nd.Dropout(x).asnumpy().all()
    with autograd.record(train_mode=False):
        assert nd.Dropout(x).asnumpy().all()
    with autograd.train_mode():
        assert not nd.Dropout(x).asnumpy().all()
    assert not nd.Dropout(x, mode="always").asnumpy().all()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(p: float) -> None:
    y = nd.Dropout(nd.ones((20000,)), p=p, mode="always").asnumpy()
    assert set(y.tolist()) == {0.0, float(numpy.float32(1) / (numpy.float32(1) - numpy.float32(p)))}
    assert abs(y.mean() - 1) < 5 * (p / (1 - p) / y.size) ** 0.5


def test_dropout_of_nothing_and_everything() -> None:
    mx.random.seed(1)
    first = nd.random.uniform(shape=3).asnumpy().tolist()
    mx.random.seed(1)
    assert nd.Dropout(nd.ones((3,)), p=0, mode="always").asnumpy().tolist() == [1, 1, 1]
    assert nd.random.uniform(shape=3).asnumpy().tolist() == first
    assert nd.Dropout(nd.ones((3,)), p=1, mode="always").asnumpy().tolist() == [0, 0, 0]


def test_dropout_shares_draws_along_axes() -> None:
    y = nd.Dropout(nd.ones((50, 4, 3)), mode="always", axes=(1, -1)).asnumpy()
    assert (y == y[:, :1, :1]).all() and 0 < (y[:, 0, 0] == 0).sum() < 50


def test_rrelu() -> None:
    x = nd.array([-1.0, 0.0, 2.0, -4.0])
    numpy.testing.assert_allclose(nd.LeakyReLU(x, act_type="rrelu", lower_bound=0.1,
                                               upper_bound=0.3).asnumpy(),
                                  [-0.2, 0, 2, -0.8], rtol=1e-6)
    x.attach_grad()
    with autograd.record():
        y = nd.LeakyReLU(x, act_type="rrelu", lower_bound=0.1, upper_bound=0.3)
    y.backward()
    slopes = x.grad.asnumpy()
    assert slopes[2] == 1 and ((0.1 <= slopes[[0, 1, 3]]) & (slopes[[0, 1, 3]] < 0.3)).all()
    numpy.testing.assert_allclose(y.asnumpy(), x.asnumpy() * slopes)


@pytest.mark.parametrize(("call", "words"), [
    (lambda x: nd.softmax(x, axis=2),
     "axis 2 is out of bounds for an array with 2 axes (called with float32 (2, 3)"),
    (lambda x: nd.softmax(x, use_length=True), "use_length=True needs an array of lengths"),
    (lambda x: nd.softmax(x, nd.array([1]), use_length=True),
     "lengths of shape (1,) for axis -1 of data of shape (2, 3)"),
    (lambda x: nd.SoftmaxOutput(x, nd.array([1])), "labels of shape (1,) do not fit data of shape (2, 3)"),
    (lambda x: nd.SoftmaxOutput(x, nd.array([1, 2]), normalization="no"),
     "normalization is 'null', 'batch' or 'valid'"),
    (lambda x: nd.LinearRegressionOutput(x, nd.array([1])),
     "labels of shape (1,) do not fit data of shape (2, 3)"),
    (lambda x: nd.FullyConnected(x, x, num_hidden=3, no_bias=True),
     "need weights of shape (3, 3), got (2, 3)"),
    (lambda x: nd.FullyConnected(x, x, x, num_hidden=2), "needs a bias of shape (2,), got (2, 3)"),
    (lambda x: nd.Activation(x, "relo"),
     "act_type is one of 'relu', 'sigmoid', 'tanh', 'softrelu', 'softsign'"),
    (lambda x: nd.LeakyReLU(x, act_type="prelu"), "act_type 'prelu' needs gamma"),
    (lambda x: nd.Dropout(x, p=-0.5), "p is a probability between 0 and 1, got -0.5"),
    (lambda x: nd.Dropout(x, mode="never"), "mode is 'training' or 'always'"),
    (lambda x: nd.InstanceNorm(x, x, x), "data has an axis of examples, one of channels and others"),
    (lambda x: nd.SequenceMask(x, use_sequence_length=True), "needs an array of lengths"),
])
def test_bad_input(call: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        call(nd.ones((2, 3)))
    assert words in str(caught.value)


def test_masked_softmax() -> None:
    x, mask = nd.array([[1, 2, 3]]), nd.array([[1, 0, 1]])
    numpy.testing.assert_allclose(
        nd.masked_softmax(x, mask).asnumpy(), [[0.11920291, 0, 0.880797]], rtol=1e-6)
    numpy.testing.assert_allclose(
        nd.masked_log_softmax(x, mask, temperature=1.0).asnumpy(), [[-2.126928, -numpy.inf, -0.12692802]],
        rtol=1e-6)
    check_grads(lambda a: nd.masked_softmax(a, mask.astype("float64"), temperature=2.0), [x])
    check_grads(lambda a: nd.masked_log_softmax(a, mask.astype("float64"))[:, 2], [x])


def test_softmax_activation_of_three_axes() -> None:
    """Mode 'instance' is over the last axis, as MXNet 1.9.1 computes it."""
    x = nd.array([[[0, 1], [2, 2]], [[3, 1], [0, 0]]])
    for mode, axis in (("instance", -1), ("channel", 1)):
        numpy.testing.assert_array_equal(
            nd.SoftmaxActivation(x, mode=mode).asnumpy(), nd.softmax(x, axis=axis).asnumpy())


@pytest.mark.parametrize("call", [
    lambda x: nd.softmax(x), lambda x: nd.softmax(x, dtype="float32"), lambda x: nd.log_softmax(x),
    lambda x: nd.log_softmax(x.astype("float32"), dtype="int32"), lambda x: nd.SoftmaxActivation(x),
    lambda x: nd.masked_softmax(x, x), lambda x: nd.Activation(x, act_type="tanh"),
    lambda x: nd.LeakyReLU(x, act_type="elu"), lambda x: nd.Dropout(x, mode="always"),
    lambda x: nd.L2Normalization(x), lambda x: nd.linalg.inverse(x), lambda x: nd.linalg.det(x),
    lambda x: nd.random.uniform(shape=2, dtype="int32"), lambda x: nd.random.normal(shape=2, dtype="int32"),
])
def test_fractions_are_not_cut_to_integers(call: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidTypeError, match="^[\\w.]+: needs a floating point dtype, got int32"):
        call(nd.array([[4, 1], [1, 3]], dtype="int32"))


def test_integer_parameters_of_a_distribution_give_floats() -> None:
    low = nd.array([1, 2], dtype="int32")
    assert nd.random.uniform(low, low + 2).dtype is numpy.float32
    assert nd.sample_normal(low, low).dtype is numpy.float32
