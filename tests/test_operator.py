"""Custom operators of mx.operator, as MXNet 1.9.1 runs them; what it left undefined has its own tests."""
from __future__ import annotations

from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, nd, np
from mxgrad.base import AutogradError, InplaceError, InvalidTypeError, InvalidValueError, NotAnArrayError
from mxgrad.testing import check_grads

seen: list[Any] = []


class Scale(mx.operator.CustomOp):
    def __init__(self, k: float) -> None:
        self.k = k

    def forward(self, is_train: Any, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
        seen.append(("forward", is_train, list(req), autograd.is_recording(), autograd.is_training()))
        self.assign(out_data[0], req[0], in_data[0] * self.k)

    def backward(self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any) -> None:
        seen.append(("backward", list(req), out_grad[0].asnumpy().tolist(), autograd.is_recording()))
        self.assign(in_grad[0], req[0], out_grad[0] * self.k)


@mx.operator.register("scale")
class ScaleProp(mx.operator.CustomOpProp):
    def __init__(self, k: str = "2.0") -> None:
        super().__init__(need_top_grad=True)
        self.k = float(k)
        seen.append(("prop", k))

    def create_operator(self, ctx: Any, in_shapes: Any, in_dtypes: Any) -> Scale:
        seen.append(("create", str(ctx), in_shapes, in_dtypes))
        return Scale(self.k)


class Two(mx.operator.CustomOp):
    """a * b and a + b, counting its calls."""

    def forward(self, is_train: Any, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
        a, b = in_data
        out_data[0][:] = a * b
        self.assign(out_data[1], req[1], a + b)
        aux[0][:] += 1

    def backward(self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any) -> None:
        seen.append((list(req), [g.asnumpy().tolist() for g in out_grad], aux[0].asscalar()))
        a, b = in_data
        self.assign(in_grad[0], req[0], out_grad[0] * b + out_grad[1])
        self.assign(in_grad[1], req[1], out_grad[0] * a + out_grad[1])


@mx.operator.register("two")
class TwoProp(mx.operator.CustomOpProp):
    def list_arguments(self) -> list[str]:
        return ["a", "b"]

    def list_outputs(self) -> list[str]:
        return ["product", "sum"]

    def list_auxiliary_states(self) -> list[str]:
        return ["count"]

    def infer_shape(self, in_shape: Any) -> Any:
        return in_shape, [in_shape[0], in_shape[0]], [[1]]

    def create_operator(self, ctx: Any, in_shapes: Any, in_dtypes: Any) -> Two:
        return Two()


class Sigmoid(mx.operator.CustomOp):
    def forward(self, is_train: Any, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
        self.assign(out_data[0], req[0], 1 / (1 + (-in_data[0]).exp()))

    def backward(self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any) -> None:
        y = out_data[0]
        self.assign(in_grad[0], req[0], out_grad[0] * y * (1 - y))


@mx.operator.register("sigmoid")
class SigmoidProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx: Any, in_shapes: Any, in_dtypes: Any) -> Sigmoid:
        return Sigmoid()


@pytest.fixture(autouse=True)
def fresh() -> None:
    seen.clear()


def variable(*values: float, grad_req: str = "write") -> Any:
    x = nd.array(values)
    x.attach_grad(grad_req)
    return x


def test_parameters_arrive_as_strings_and_once_per_call() -> None:
    assert nd.Custom(nd.array([1., 2.]), op_type="scale", k=3).asnumpy().tolist() == [3, 6]
    assert seen == [
        ("prop", "3"),
        ("create", "cpu(0)", [[2]], [numpy.float32]),
        ("forward", False, ["write"], False, False),
    ]
    assert nd.Custom(data=nd.array([1., 2.]), op_type="scale").asnumpy().tolist() == [2, 4]
    out = nd.zeros(2)
    assert nd.Custom(nd.ones(2), op_type="scale", k=5, out=out, name="x") is out and out[0] == 5


def test_forward_and_backward_run_outside_recording() -> None:
    x = variable(1, 2)
    with autograd.record():
        y = nd.Custom(x, op_type="scale", k=3)
    y.backward(nd.array([1., 10.]))
    assert x.grad.asnumpy().tolist() == [3, 30]
    assert seen[-2:] == [("forward", True, ["write"], False, True), ("backward", ["write"], [1, 10], False)]
    with autograd.record(train_mode=False):
        nd.Custom(x, op_type="scale")
    assert seen[-1] == ("forward", False, ["write"], False, False)


def test_gradients_add_up() -> None:
    x = variable(1, 2, grad_req="add")
    for _ in range(2):
        with autograd.record():
            y = nd.Custom(x, op_type="scale", k=3) * x
        y.backward()
    assert x.grad.asnumpy().tolist() == [12, 24]
    with autograd.record():
        y = nd.Custom(nd.Custom(x, op_type="scale"), op_type="scale") + x
    y.backward()
    assert x.grad.asnumpy().tolist() == [17, 29]


def test_several_inputs_outputs_and_states() -> None:
    a, b, count = variable(1, 2), variable(3, 4, grad_req="null"), nd.zeros(1)
    with autograd.record():
        out = nd.Custom(a, b, count, op_type="two")
    assert type(out) is list and [y.asnumpy().tolist() for y in out] == [[3, 8], [4, 6]]
    out[1].backward()
    assert seen == [(["write", "null"], [[0, 0], [1, 1]], 1)]
    assert a.grad.asnumpy().tolist() == [1, 1] and count.asscalar() == 1
    with autograd.record():
        product, total = nd.Custom(a, count=count, b=b, op_type="two")
        z = product + total
    z.backward()
    assert a.grad.asnumpy().tolist() == [4, 5] and count.asscalar() == 2
    with autograd.record():
        product, total = nd.Custom(nd.ones(2), nd.ones(2), count, op_type="two")
    assert product._entry is None


def test_shapes_and_dtypes_are_those_inferred() -> None:
    class Total(mx.operator.CustomOp):
        def forward(self, is_train: Any, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
            self.assign(out_data[0], req[0], in_data[0].sum())

        def backward(
            self, req: Any, out_grad: Any, in_data: Any, out_data: Any, in_grad: Any, aux: Any,
        ) -> None:
            self.assign(in_grad[0], req[0], nd.ones(3) * 7)

    @mx.operator.register("total")
    class TotalProp(mx.operator.CustomOpProp):
        def __init__(self) -> None:
            super().__init__(need_top_grad=False)

        def infer_shape(self, in_shape: Any) -> Any:
            return in_shape, [[1]]

        def infer_type(self, in_type: Any) -> Any:
            return in_type, [numpy.float64], []

        def create_operator(self, ctx: Any, in_shapes: Any, in_dtypes: Any) -> Total:
            return Total()

    x = variable(1, 2, 3)
    with autograd.record():
        y = nd.Custom(x, op_type="total")
    y.backward()
    assert y.shape == (1,) and y.dtype is numpy.float64 and y.asscalar() == 6
    assert x.grad.asnumpy().tolist() == [7, 7, 7] and x.grad.dtype is numpy.float32


def test_np_arrays() -> None:
    x = np.array(0.5)
    x.attach_grad()
    with autograd.record():
        y = nd.Custom(x, op_type="scale", k=4)
    y.backward()
    assert isinstance(y, np.ndarray) and y.shape == () and float(y) == 2 and float(x.grad) == 4


def test_second_order() -> None:
    check_grads(lambda x: nd.Custom(x, op_type="sigmoid") * x, [nd.array([0.3, -1.2])], order=3)
    a, b, count = nd.array([0.3, -1.2]), nd.array([2., 3.]), nd.zeros(1, dtype="float64")
    check_grads(lambda a, b: nd.Custom(a, b, count, op_type="two"), [a, b])


def test_a_value_the_gradient_needs_is_guarded() -> None:
    x = variable(1, 2)
    with autograd.record():
        y = x * 1
        z = nd.Custom(y, op_type="sigmoid")
        head = z + 1
    with autograd.pause():
        z[:] = 0
    with pytest.raises(InplaceError, match="sigmoid"):
        head.backward()


def test_assign() -> None:
    op, x = mx.operator.CustomOp(), nd.ones(2)
    for req, expected in (("null", 1), ("write", 3), ("add", 6), ("inplace", 3)):
        op.assign(x, req, nd.ones(2) * 3)
        assert x.asnumpy().tolist() == [expected, expected]
    with pytest.raises(InvalidValueError, match="req is 'write'"):
        op.assign(x, "wirte", 1)


@pytest.mark.parametrize("error, message, call", [
    (InvalidValueError, "required argument `op_type` is missing", lambda x: nd.Custom(x)),
    (InvalidValueError, r"'scal' \(did you mean 'scale'\?\)", lambda x: nd.Custom(x, op_type="scal")),
    (InvalidValueError, r"expects 1 inputs \(data\), but got 2", lambda x: nd.Custom(x, x, op_type="scale")),
    (InvalidValueError, r"expects 1 inputs \(data\), but got 0", lambda x: nd.Custom(op_type="scale")),
    (InvalidValueError, "but got 1 and q by name", lambda x: nd.Custom(x, q=x, op_type="scale")),
    (InvalidValueError, r"expects 3 inputs \(a, b, count\)", lambda x: nd.Custom(x, x, op_type="two")),
    (InvalidValueError, "infer_shape wants", lambda x: nd.Custom(x, x, x, op_type="two")),
    (NotAnArrayError, "Argument data must have NDArray type", lambda x: nd.Custom([1], op_type="scale")),
    (TypeError, "unexpected keyword argument 'q'", lambda x: nd.Custom(x, op_type="scale", q=1)),
    (InvalidTypeError, "not a subclass of CustomOpProp", lambda x: mx.operator.register("x")(Scale)),
])
def test_mistakes_in_calls(error: type[Exception], message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call(nd.ones(2))


def test_mistakes_in_operators() -> None:
    class Nothing(mx.operator.CustomOp):
        def forward(self, is_train: Any, req: Any, in_data: Any, out_data: Any, aux: Any) -> None:
            if in_data[0].size == 3:
                raise KeyError("three")
            self.assign(out_data[0], req[0], in_data[0])

    @mx.operator.register("nothing")
    class NothingProp(mx.operator.CustomOpProp):
        def infer_shape(self, in_shape: Any) -> Any:
            return (in_shape, in_shape * 2) if in_shape == [[4]] else super().infer_shape(in_shape)

        def create_operator(self, ctx: Any, in_shapes: Any, in_dtypes: Any) -> Nothing:
            return Nothing()

    x = variable(1, 2)
    with autograd.record():
        y = nd.Custom(x, op_type="nothing")
    with pytest.raises(AutogradError, match="Nothing does not define backward"):
        y.backward()
    with autograd.record():
        with pytest.raises(KeyError, match="three"):
            nd.Custom(nd.ones(3), op_type="nothing")
        assert autograd.is_recording()
    with pytest.raises(InvalidValueError, match=r"infer_shape gave lists of \[1, 2, 0\] entries"):
        nd.Custom(nd.ones(4), op_type="nothing")

    @mx.operator.register("nothing")
    class Unfinished(mx.operator.CustomOpProp):
        pass

    with pytest.raises(InvalidTypeError, match="Unfinished does not define create_operator"):
        nd.Custom(x, op_type="nothing")


def test_names_of_all_operators() -> None:
    names = mx.operator.get_all_registered_operators()
    assert {"dot", "Custom", "np.sin"} <= set(names)


def test_on_a_device() -> None:
    with mx.testing.use_device_double():
        x = nd.array([1., 2.], ctx=mx.gpu(1))
        x.attach_grad()
        with autograd.record():
            y = nd.Custom(x, op_type="scale", k=3)
        y.backward()
        assert y.context == x.grad.context == mx.gpu(1)
        assert x.grad.asnumpy().tolist() == [3, 3] and ("create", "gpu(1)", [[2]], [numpy.float32]) in seen
