"""mxgrad.testing finds what is wrong, and says where."""
from __future__ import annotations

from typing import Any

import numpy
import pytest

from mxgrad import autograd, gpu, nd, np
from mxgrad.base import ContextError, InvalidTypeError, InvalidValueError
from mxgrad.testing import check_grads, use_device_double


class Cube(autograd.Function):
    """x^3 with the gradient `factor` x^2, recorded or, if `frozen`, computed from numbers off the tape."""

    def __init__(self, factor: float = 3.0, frozen: bool = False) -> None:
        super().__init__()
        self.factor, self.frozen = factor, frozen

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return x * x * x

    def backward(self, dy: Any) -> Any:
        (x,) = self.saved_tensors
        return dy * self.factor * (x.detach() * x.detach() if self.frozen else x * x)


X = nd.array([0.5, -1.5, 2.0])


def test_right_gradients_pass() -> None:
    check_grads(lambda x: Cube()(x), [X])
    check_grads(lambda x, y: (nd.sin(x) * y, nd.sum(y)), [X, X * 0.5], order=3)
    check_grads(lambda x, y: np.sin(x) @ y, [np.array([[0.5, 1.0]]), np.array([[2.0], [0.5]])])
    check_grads(lambda x, i: nd.take(x, i), [X, nd.array([0, 2, 0], dtype="int32")])
    check_grads(lambda x: nd.ceil(x) * 2.0, [X * 1.1])
    check_grads(lambda x: x * 0, [nd.zeros((0, 3))])


def test_arguments_that_do_not_matter_have_zero_gradients() -> None:
    check_grads(lambda x, y: x * 2, [X, X])
    with pytest.raises(AssertionError, match="argument 1, order 1"):
        check_grads(lambda x, y: x * nd.BlockGrad(y), [X, X])


def test_wrong_gradients_are_found_at_their_order() -> None:
    with pytest.raises(AssertionError, match=r"argument 0, order 1: expected .*, got "):
        check_grads(lambda x: Cube(factor=2.9999)(x), [X])
    check_grads(lambda x: Cube(frozen=True)(x), [X], order=1)
    with pytest.raises(AssertionError, match="argument 0, order 2"):
        check_grads(lambda x: Cube(frozen=True)(x), [X])
    check_grads(lambda x: Cube(factor=2.9999)(x), [X], order=1, rtol=1e-3)


def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match="none of the arrays"):
        check_grads(lambda i: i, [nd.array([1], dtype="int32")])
    with pytest.raises(InvalidValueError, match="order is at least 1"):
        check_grads(lambda x: x, [X], order=0)


def test_arguments_are_left_alone() -> None:
    x = nd.array([1.0, 2.0])
    x.attach_grad()
    check_grads(lambda x: x * x, [x])
    assert x.grad.asnumpy().tolist() == [0, 0] and x.dtype is numpy.float32
    assert not autograd.is_recording()


def test_device_double_serves_gpu_contexts_inside_its_block() -> None:
    with pytest.raises(ContextError):
        nd.ones(2, ctx=gpu(0))
    with use_device_double() as double:
        x = nd.ones(2, ctx=gpu(1))
        with double.count() as cost:
            y = x + x
        assert (cost.d2h, cost.kernels > 0, y.context) == (0, True, gpu(1))
        check_grads(lambda x: nd.tanh(x) * x, [x])
        with pytest.raises(ContextError):
            nd.ones(2, ctx=gpu(2))
    with pytest.raises(ContextError):
        nd.ones(2, ctx=gpu(1))
