"""The functional calculus of autograd and checkpoint, against closed forms, differences and each other."""
from __future__ import annotations

import gc
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, nd, np
from mxgrad.base import (
    AutogradError, InplaceError, InvalidTypeError, InvalidValueError, MXNetError, NotAnArrayError,
)
from mxgrad.testing import check_grads, use_device_double

RNG = numpy.random.default_rng(0)
FRONTENDS = [nd, np]


def make(frontend: Any, values: Any, dtype: str = "float64") -> Any:
    return frontend.array(numpy.asarray(values), dtype=dtype)


def close(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    got = got.asnumpy() if hasattr(got, "asnumpy") else got
    expected = expected.asnumpy() if hasattr(expected, "asnumpy") else expected
    numpy.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-12)
    assert numpy.shape(got) == numpy.shape(expected)


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_hessian(x: numpy.ndarray) -> numpy.ndarray:
    n = x.size
    h = numpy.zeros((n, n))
    for i in range(n - 1):
        h[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i + 1, i + 1] += 200
        h[i, i + 1] = h[i + 1, i] = -400 * x[i]
    return h


# closed forms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_quadratic_form(frontend: Any) -> None:
    a, point, v = RNG.standard_normal((4, 4)), RNG.standard_normal(4), RNG.standard_normal(4)
    A, x = make(frontend, a), make(frontend, point)

    def f(x: Any) -> Any:
        return (x * frontend.dot(A, x)).sum()

    value, gradient = autograd.value_and_grad(f)(x)
    close(value.asnumpy().reshape(()), point @ a @ point)
    close(gradient, (a + a.T) @ point)
    close(autograd.hessian(f)(x), a + a.T)
    close(autograd.hvp(f, x, make(frontend, v)), (a + a.T) @ v)
    y, dy = autograd.jvp(f, x, make(frontend, v))
    close(y.asnumpy().reshape(()), point @ a @ point)
    close(dy.asnumpy().reshape(()), v @ (a + a.T) @ point)
    assert {type(r) for r in (value, gradient, y, dy)} == {type(x)}


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_softmax_jacobian(frontend: Any) -> None:
    softmax = nd.softmax if frontend is nd else mx.npx.softmax
    x = make(frontend, RNG.standard_normal(5))
    s = softmax(x).asnumpy()
    close(autograd.jacobian(softmax)(x), numpy.diag(s) - numpy.outer(s, s))


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_rosenbrock(frontend: Any) -> None:
    point = numpy.array([0.5, -1.25, 2.0, 0.75])
    close(autograd.hessian(rosenbrock)(make(frontend, point)), rosenbrock_hessian(point))


def test_least_squares_tall_and_wide() -> None:
    for shape in ((7, 2), (2, 7)):
        a = RNG.standard_normal(shape)
        b, x = RNG.standard_normal(shape[0]), RNG.standard_normal(shape[1])
        A, B, X = np.array(a, dtype="float64"), np.array(b, dtype="float64"), np.array(x, dtype="float64")
        close(autograd.jacobian(lambda x, A=A, B=B: A @ x - B)(X), a)
        close(autograd.hessian(lambda x, A=A, B=B: ((A @ x - B) ** 2).sum())(X), 2 * a.T @ a, 1e-10)


def test_shapes_of_jacobians() -> None:
    x, y = make(np, RNG.standard_normal((2, 3))), make(np, RNG.standard_normal((3, 2, 2)))
    J = autograd.jacobian(lambda x, y: np.tensordot(x, y, axes=1), (0, 1))(x, y)
    assert [j.shape for j in J] == [(2, 2, 2, 2, 3), (2, 2, 2, 3, 2, 2)]
    eye = numpy.eye(2)
    close(J[0], numpy.einsum("abk,ij->iabjk", numpy.moveaxis(y.asnumpy(), 0, -1), eye))
    close(J[1], numpy.einsum("ik,aj,bl->iabkjl", x.asnumpy(), eye, eye))
    assert autograd.jacobian(lambda x: x * 2)(np.zeros((0, 3))).shape == (0, 3, 0, 3)
    assert autograd.jacobian(lambda x: x.sum(axis=0))(np.zeros((0, 3))).shape == (3, 0, 3)
    close(autograd.jacobian(lambda x: x[:0])(x), numpy.zeros((0, 3, 2, 3)))
    close(autograd.jacobian(lambda x: x.sum())(x), numpy.ones((2, 3)))
    assert autograd.jacobian(lambda x: nd.sum(x))(nd.ones((2, 3))).shape == (1, 2, 3)


def test_structures_of_arrays() -> None:
    p = {"w": np.array([1.0, 2.0]), "b": [np.array(3.0), (np.array([4.0]),)]}

    def f(p: Any, k: float) -> dict[str, Any]:
        return {"y": p["w"] * p["b"][0] * k, "z": [p["b"][1][0] ** 2]}

    J = autograd.jacobian(f)(p, 2.0)
    close(J["y"]["w"], 6.0 * numpy.eye(2))
    close(J["y"]["b"][0], [2.0, 4.0])
    close(J["y"]["b"][1][0], numpy.zeros((2, 1)))
    close(J["z"][0]["b"][1][0], [[8.0]])
    out, pull = autograd.vjp(lambda p: f(p, 2.0), p)
    (g,) = pull({"z": [None], "y": np.array([1.0, 1.0])})
    assert list(g) == ["w", "b"] and type(g["b"]) is list and type(g["b"][1]) is tuple
    close(g["b"][0], 6.0)
    _, t = autograd.jvp(lambda p: f(p, 2.0), (p,), ({"w": np.array([1.0, 0.0]), "b": (None, [np.ones(1)])},))
    close(t["y"], [6.0, 0.0])
    close(t["z"][0], [8.0])


def test_hessian_blocks_argnums_and_order() -> None:
    x, y = make(np, [1.0, 2.0]), make(np, [3.0])

    def f(x: Any, k: Any, y: Any) -> Any:
        return (x ** 2).sum() * y[0] ** k

    H = autograd.hessian(f, (-1, 0))(x, 3, y)
    close(H[0][0], [[5 * 6 * 3.0]])
    close(H[0][1], [[2 * 27.0, 4 * 27.0]])
    close(H[1][0], [[2 * 27.0], [4 * 27.0]])
    close(H[1][1], 2 * 27.0 * numpy.eye(2))
    value, grads = autograd.value_and_grad(f, [2, 0])(x, 3, y)
    close(grads[0], [5 * 27.0])
    close(grads[1], [54.0, 108.0])


# against differences and each other -------------------------------------------------------------------------


def network(x: Any, w: Any) -> Any:
    h = np.tanh(np.dot(x, w))
    return mx.npx.softmax(h * np.exp(-h)) / (1 + (x ** 2).sum())


def test_jvp_and_vjp_agree_with_the_jacobian_and_with_differences() -> None:
    x, w = make(np, RNG.standard_normal((2, 3))), make(np, RNG.standard_normal((3, 4)))
    vx, vw, u = (make(np, RNG.standard_normal(s)) for s in ((2, 3), (3, 4), (2, 4)))
    y, dy = autograd.jvp(network, (x, w), (vx, vw))
    Jx, Jw = autograd.jacobian(network, (0, 1))(x, w)
    close(y, network(x, w))
    close(dy, np.tensordot(Jx, vx, 2) + np.tensordot(Jw, vw, 2))
    h = 1e-6
    close(dy, (network(x + h * vx, w + h * vw) - network(x - h * vx, w - h * vw)) / (2 * h), 1e-6)
    gx, gw = autograd.vjp(network, x, w)[1](u)
    close(gx, np.tensordot(u, Jx, 2))
    close(gw, np.tensordot(u, Jw, 2))
    close((u * dy).sum(), (gx * vx).sum() + (gw * vw).sum())


def test_hvp_agrees_with_the_hessian_and_forward_over_reverse() -> None:
    x, v = make(np, RNG.standard_normal(4)), make(np, RNG.standard_normal(4))

    def f(x: Any) -> Any:
        return np.log(1 + (x ** 4).sum()) * np.sin(x).sum()

    Hv = np.dot(autograd.hessian(f)(x), v)
    close(autograd.hvp(f, x, v), Hv)
    close(autograd.jvp(lambda x: autograd.value_and_grad(f)(x)[1], x, v)[1], Hv)
    close(autograd.vjp(lambda x: autograd.jvp(f, x, v)[1], x)[1](np.ones((), dtype="float64"))[0], Hv)
    close(autograd.value_and_grad(lambda x: autograd.jvp(f, x, v)[1])(x)[1], Hv)
    close(autograd.jacobian(autograd.jacobian(f))(x), autograd.hessian(f)(x))


def test_nested_three_deep() -> None:
    x = make(np, [0.5, 1.5])
    third = autograd.jacobian(autograd.hessian(lambda x: (x ** 4).sum()))(x).asnumpy()
    expected = numpy.zeros((2, 2, 2))
    expected[[0, 1], [0, 1], [0, 1]] = 24 * x.asnumpy()
    close(third, expected)
    one = np.array([1.0, 1.0], dtype="float64")

    def along(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: autograd.jvp(f, x, one)[1]

    close(along(along(along(np.sin)))(x), -np.cos(x))


def test_closures_of_the_outer_function_count() -> None:
    # Both derivatives are by different variables of the same value: they must not be confused.
    def f(x: Any) -> Any:
        return x * autograd.jvp(lambda y: x * y, np.array([1.0]), np.array([1.0]))[1]

    close(autograd.jvp(f, np.array([3.0]), np.array([1.0]))[1], [6.0])

    def g(x: Any) -> Any:
        return (x * autograd.value_and_grad(lambda y: (x * y ** 2).sum())(x * 2)[1]).sum()    # 4 x^3

    close(autograd.value_and_grad(g)(np.array([3.0]))[1], [4 * 3 * 9.0])


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_a_function_that_calls_grad_itself(frontend: Any) -> None:
    def f(x: Any) -> Any:
        with autograd.record():
            y = (x ** 4).sum()
            return (autograd.grad(y, x, create_graph=True)[0] * x).sum()

    x = make(frontend, [1.0, 2.0])
    close(autograd.hessian(f)(x), numpy.diag(48 * x.asnumpy() ** 2))


def test_backward_through_results_reaches_marked_arrays() -> None:
    w = make(np, [1.0, 2.0])
    w.attach_grad()
    with autograd.record():
        z = w * w
        y, pull = autograd.vjp(lambda x: x ** 3, z)
        (g,) = pull(np.ones(2, dtype="float64"))
        loss = (y + g).sum()
    loss.backward()
    close(w.grad, 6 * w.asnumpy() ** 5 + 12 * w.asnumpy() ** 3)
    with autograd.record():
        loss = autograd.hvp(lambda x: (x ** 3 * w).sum(), w, np.ones(2, dtype="float64")).sum()
    loss.backward()
    close(w.grad, numpy.full(2, 12.0) * w.asnumpy())


def test_a_pullback_is_differentiable_by_its_cotangent() -> None:
    _, pull = autograd.vjp(np.sin, make(np, [0.5, 1.0]))
    u = make(np, [1.0, 2.0])
    u.attach_grad()
    with autograd.record():
        loss = (pull(u)[0] ** 2).sum()
    loss.backward()
    close(u.grad, 2 * u.asnumpy() * numpy.cos([0.5, 1.0]) ** 2)


@pytest.mark.parametrize("f", [
    lambda x: autograd.value_and_grad(lambda x: (np.sin(x) * x).sum())(x)[1],
    lambda x: autograd.jvp(lambda x: np.exp(x) * x[0], x, np.array([1.0, 2.0], dtype="float64"))[1],
    lambda x: autograd.jacobian(lambda x: x ** 3 * x[0])(x),
    autograd.checkpoint(lambda x: np.exp(np.sin(x) * x)),
], ids=["grad", "jvp", "jacobian", "checkpoint"])
def test_results_have_right_gradients(f: Any) -> None:
    check_grads(f, [np.array([0.5, -1.5])])


# dtypes, contexts, what is passed on ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_dtypes_are_kept(frontend: Any, dtype: str) -> None:
    x = make(frontend, [1.0, 2.0], dtype)

    def f(x: Any) -> Any:
        return (x * x * x).sum()

    results = [autograd.hessian(f)(x), *autograd.value_and_grad(f)(x), *autograd.jvp(f, x, x),
               autograd.hvp(f, x, x), autograd.jacobian(lambda x: x * x)(x)]
    assert {str(numpy.dtype(r.dtype)) for r in results} == {dtype}
    close(results[0], [[6.0, 0.0], [0.0, 12.0]])


def test_contexts_are_kept() -> None:
    with use_device_double() as double:
        x = nd.array([1.0, 2.0], ctx=mx.gpu(1))
        w = nd.array([3.0, 4.0], ctx=mx.gpu(1))

        def f(x: Any, w: Any) -> Any:
            return (x * x * w).sum()

        with double.count() as cost:
            results = [autograd.hessian(f)(x, w), *autograd.value_and_grad(f, (0, 1))(x, w)[1],
                       *autograd.jvp(f, (x, w), (w, x)), *autograd.hvp(f, (x, w), (w, x)),
                       autograd.jacobian(lambda x: nd.stack(x, x, x))(x)]
        assert (cost.d2h, cost.h2d, cost.sync) == (0, 0, 0)
        assert {r.context for r in results} == {mx.gpu(1)}
        close(results[0], [[6.0, 0.0], [0.0, 8.0]])
        y, pull = autograd.vjp(lambda x: x.as_in_context(mx.cpu()) * 2, x)
        assert y.context == mx.cpu() and pull(nd.ones(2))[0].context == mx.gpu(1)
        w.attach_grad()
        with autograd.record():
            y = autograd.checkpoint(lambda x: nd.Dropout(x * w, p=0.5))(x)
        y.backward()
        close(w.grad * w, y)


def test_other_arguments_are_passed_on() -> None:
    x, i = np.array([1.0, 2.0, 3.0]), np.array([0, 2], dtype="int32")
    y, pull = autograd.vjp(lambda a: {"y": a["x"][a["i"]] * a["k"], "n": a["i"]}, {"x": x, "i": i, "k": 2.0})
    (g,) = pull({"y": np.array([1.0, 10.0]), "n": None})
    close(g["x"], [2.0, 0.0, 20.0])
    assert g["i"] is None and g["k"] is None
    _, t = autograd.jvp(lambda a: (a[0] * 2, a[1]), ([x, i],), ([x, None],))
    close(t[0], x * 2)
    assert t[1] is None
    close(autograd.value_and_grad(lambda x, *, k: (x * k).sum())(x, k=3.0)[1], [3.0, 3.0, 3.0])


def test_has_aux() -> None:
    x = np.array([1.0, 2.0])

    def f(x: Any) -> Any:
        h = x * x
        return h.sum(), {"h": h, "note": "kept"}

    (value, aux), g = autograd.value_and_grad(f, has_aux=True)(x)
    close(value, 5.0)
    close(g, [2.0, 4.0])
    close(aux["h"], [1.0, 4.0])
    assert aux["note"] == "kept" and aux["h"]._entry is None
    with pytest.raises(InvalidTypeError, match="pair"):
        autograd.value_and_grad(lambda x: x.sum(), has_aux=True)(x)


def test_what_does_not_depend_has_gradient_zero() -> None:
    x, y = np.array([1.0, 2.0]), np.array([3.0])
    close(autograd.value_and_grad(lambda x, y: (x * x).sum(), (0, 1))(x, y)[1][1], [0.0])
    close(autograd.hessian(lambda x: (3 * x).sum())(x), numpy.zeros((2, 2)))
    close(autograd.hvp(lambda x: (3 * x).sum(), x, x), [0.0, 0.0])
    close(autograd.jvp(lambda x: np.ones(3), x, x)[1], [0.0, 0.0, 0.0])
    close(autograd.jvp(lambda x, y: (x, y), (x, y), (x, None))[1][1], [0.0])


def test_one_array_given_or_returned_twice() -> None:
    x = np.array([1.0, 2.0])
    gx, gy = autograd.vjp(lambda a, b: a * a * b, x, x)[1](np.ones(2))
    close(gx, 2 * x * x)
    close(gy, x * x)

    def twice(x: Any) -> Any:
        y = x * x
        return y, y

    close(autograd.vjp(twice, x)[1]((np.ones(2), 10 * np.ones(2)))[0], 22 * x)
    close(autograd.jvp(twice, x, np.ones(2))[1][1], 2 * x)


# what the caller has stays as it is -------------------------------------------------------------------------


def flags() -> tuple[bool, bool]:
    return autograd.is_recording(), autograd.is_training()


def test_marks_buffers_and_flags_are_left_alone() -> None:
    x = np.array([1.0, 2.0])
    x.attach_grad("add")
    x.grad[...] = 7
    entry, buffer = x._entry, x.grad
    seen = []

    def f(x: Any) -> Any:
        seen.append(flags())
        return (x ** 3).sum()

    one = np.ones(2)
    for call in (autograd.value_and_grad(f), autograd.hessian(f), autograd.jacobian(f),
                 autograd.grad_and_loss(f), lambda x: autograd.jvp(f, x, one),
                 lambda x: autograd.hvp(f, x, one),
                 lambda x: autograd.vjp(f, x)[1](np.ones(()))):
        call(x)
        with autograd.record(train_mode=False):
            call(x)
        assert flags() == (False, False)
        assert x._entry is entry and x.grad is buffer and buffer.asnumpy().tolist() == [7.0, 7.0]
    assert set(seen) == {(True, False), (True, True)}
    assert seen.count((True, True)) == 2        # grad_and_loss, which trains


def test_results_outside_recording_are_plain_and_own_their_memory() -> None:
    x = np.array([1.0, 2.0])
    x.attach_grad()
    y, pull = autograd.vjp(lambda x: x, x)
    (g,) = pull(u := np.array([5.0, 6.0]))
    y[:] = 9
    g[:] = 9
    assert x.asnumpy().tolist() == [1.0, 2.0] and u.asnumpy().tolist() == [5.0, 6.0]
    assert y._entry is None and g._entry is None
    with autograd.record():
        a, b = autograd.vjp(lambda x, y: x + y, x, x * 1)[1](u)
    assert a is not u and a is not b


def test_a_write_between_is_seen() -> None:
    x = np.array([1.0, 2.0])
    _, pull = autograd.vjp(lambda x: x * x, x)
    x[:] = 5
    with pytest.raises(InplaceError):
        pull(np.ones(2))


def test_exceptions_leave_everything_as_it_was() -> None:
    x = np.array([1.0, 2.0])
    x.attach_grad()
    entry = x._entry

    def bad(x: Any) -> Any:
        raise KeyError("bad")

    for call in (autograd.value_and_grad(bad), autograd.jacobian(bad), autograd.hessian(bad),
                 autograd.checkpoint(bad), lambda x: autograd.jvp(bad, x, x),
                 lambda x: autograd.vjp(bad, x)):
        with autograd.record(train_mode=False):
            with pytest.raises(KeyError, match="bad"):
                call(x)
            assert flags() == (True, False)
        assert x._entry is entry


def test_a_backward_inside_does_not_touch_stand_ins() -> None:
    w = np.array([2.0, 3.0])
    w.attach_grad()

    def f(x: Any) -> Any:
        y = (x * w).sum()
        y.backward(retain_graph=True)
        return y

    x = np.array([1.0, 4.0])
    close(autograd.value_and_grad(f)(x)[1], w)
    close(w.grad, x)


def test_the_graph_of_the_caller_is_not_freed() -> None:
    w = np.array([2.0, 3.0])
    w.attach_grad()
    with autograd.record():
        c = (w * w).exp()
    close(autograd.value_and_grad(lambda x: (x * x * c).sum())(X)[1], 2 * X * c)
    close(autograd.jvp(lambda x: x * x * c, X, X)[1], 2 * X * X * c)
    c.backward()
    close(w.grad, 2 * w * c, 1e-6)


class Cube(autograd.Function):
    """x^3 with a gradient of its own."""

    def forward(self, x: Any) -> Any:
        self.save_for_backward(x)
        return x * x * x

    def backward(self, dy: Any) -> Any:
        (x,) = self.saved_tensors
        return 3 * dy * x * x


def test_custom_functions() -> None:
    x = make(np, [1.0, -2.0])
    close(autograd.jvp(lambda x: Cube()(x * x), x, x)[1], 6 * x ** 6)
    close(autograd.hessian(lambda x: Cube()(x).sum())(x), numpy.diag(6 * x.asnumpy()))
    recomputed = autograd.checkpoint(lambda x: Cube()(x).sum())
    close(autograd.hessian(recomputed)(x), numpy.diag(6 * x.asnumpy()))


def test_several_outputs_of_one_op() -> None:
    a = numpy.array([[2.0, 0.5], [0.5, 1.0]])

    def f(x: Any) -> Any:
        halves = np.split(x, 2)
        return np.concatenate([halves[1] * halves[0], halves[0]]).sum()

    close(autograd.hessian(f)(make(np, [1.0, 2.0])), [[0.0, 1.0], [1.0, 0.0]])

    def largest(x: Any) -> Any:
        values, vectors = np.linalg.eigh(x)
        return values[1] + (vectors[:, 1] ** 4).sum()

    x, v = make(np, a), make(np, [[0.5, 0.25], [0.25, -1.0]])
    h = 1e-4
    gradient = autograd.value_and_grad(largest)
    close(autograd.hvp(largest, x, v), (gradient(x + h * v)[1] - gradient(x - h * v)[1]) / (2 * h), 1e-5)
    close(autograd.hvp(autograd.checkpoint(largest), x, v), autograd.hvp(largest, x, v))


# errors -----------------------------------------------------------------------------------------------------

X = np.array([1.0, 2.0])
I = np.array([1, 2], dtype="int32")
THREE: Any = 3
STRING: Any = "x"


@pytest.mark.parametrize("call, error, text", [
    (lambda: autograd.vjp(np.sin, 1.0), NotAnArrayError, "vjp: argument 0 must be, or hold, an array"),
    (lambda: autograd.vjp(np.sin, numpy.ones(2)), NotAnArrayError, "argument 0"),
    (lambda: autograd.vjp(np.sin), NotAnArrayError, "no arguments"),
    (lambda: autograd.vjp(THREE, X), InvalidTypeError, "vjp: f must be a function, got 3"),
    (lambda: autograd.vjp(lambda x: 3, X), NotAnArrayError, "vjp: f must return an array.* it returned 3"),
    (lambda: autograd.vjp(lambda x: None, X), NotAnArrayError, "it returned None"),
    (lambda: autograd.vjp(lambda x: (), X), InvalidTypeError, "it gave nothing"),
    (lambda: autograd.vjp(lambda x: I, X), InvalidTypeError, r"floating point dtype, it gave int32 \(2,\)"),
    (lambda: autograd.vjp(np.sin, X)[1](np.ones(3)), InvalidValueError, r"cotangent has shape \(3,\)"),
    (lambda: autograd.vjp(np.sin, X)[1](I), InvalidTypeError, "has dtype int32, it must have float32"),
    (lambda: autograd.vjp(np.sin, X)[1](1.0), NotAnArrayError, "cotangent must be an array"),
    (lambda: autograd.vjp(lambda x: (x, x), X)[1](X), InvalidValueError, "a list or tuple of 2, got a"),
    (lambda: autograd.vjp(lambda x: {"y": x}, X)[1]({"z": X}), InvalidValueError, "keys \\['y'\\]"),
    (lambda: autograd.jvp(np.sin, X, np.ones(3)), InvalidValueError, r"jvp: the tangent has shape \(3,\)"),
    (lambda: autograd.jvp(np.sin, X, X.astype("float64")), InvalidTypeError, "has dtype float64"),
    (lambda: autograd.jvp(np.sin, (X,), X), InvalidValueError, "must be a list or tuple of 1"),
    (lambda: autograd.jvp(lambda x, i: x[i], (X, I), (X, I)), InvalidTypeError, r"\[1\] must be None"),
    (lambda: autograd.hvp(np.sin, X, X), InvalidValueError, r"hvp: f must return one .* float32 \(2,\)"),
    (lambda: autograd.hvp(np.sum, X, np.ones(3)), InvalidValueError, "hvp: the tangent"),
    (lambda: autograd.hessian(np.sin)(X), InvalidValueError, "hessian: f must return one number"),
    (lambda: autograd.hessian(lambda x: (x, x))(X), InvalidValueError, "it gave a tuple"),
    (lambda: autograd.value_and_grad(np.sin)(X), InvalidValueError, "_grad: f must return one number"),
    (lambda: autograd.value_and_grad(np.sum, 1)(X), InvalidValueError, "argnums 1 is out .* 1 argument"),
    (lambda: autograd.value_and_grad(np.sum, -2)(X), InvalidValueError, "out of range"),
    (lambda: autograd.value_and_grad(np.sum, (0, 0))(X), InvalidValueError, "each once"),
    (lambda: autograd.value_and_grad(np.sum, ())(X), InvalidValueError, "must name arguments"),
    (lambda: autograd.value_and_grad(np.sum, STRING)(X), InvalidTypeError, "argnums is an int"),
    (lambda: autograd.value_and_grad(np.sum, True)(X), InvalidTypeError, "argnums is an int"),
    (lambda: autograd.value_and_grad(np.sum)(I), NotAnArrayError, r"got int32 \(2,\)"),
    (lambda: autograd.jacobian(lambda x: (x, I))(X), InvalidTypeError, "floating point arrays only"),
    (lambda: autograd.jacobian(THREE)(X), InvalidTypeError, "jacobian: f must be a function"),
    (lambda: autograd.grad_and_loss(np.sum, 3)(X), InvalidValueError, "grad_and_loss: argnums 3"),
    (lambda: autograd.checkpoint(THREE), InvalidTypeError, "checkpoint: f must be a function"),
    (lambda: autograd.jakobian, MXNetError, "did you mean 'jacobian'"),
])
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()
    assert flags() == (False, False)


def test_grad_and_loss() -> None:
    x, y = nd.array([1.0, 2.0]), nd.array([3.0, 4.0])
    grads, out = autograd.grad_and_loss(lambda x, y: [x * y, x])(x, y)
    assert [g.asnumpy().tolist() for g in grads] == [[4.0, 5.0], [1.0, 2.0]]
    assert [o.asnumpy().tolist() for o in out] == [[3.0, 8.0], [1.0, 2.0]]
    (g,), _ = autograd.grad_and_loss(lambda x, y: x * y, argnum=[1])(x, y)
    assert g.asnumpy().tolist() == [1.0, 2.0] and x.grad is None


# checkpoint -------------------------------------------------------------------------------------------------


def marked(values: Any) -> Any:
    x = make(np, values)
    x.attach_grad()
    return x


def test_checkpoint_gradients_equal_through_arguments_and_closures() -> None:
    def gradients(wrapper: Callable[[Any], Any]) -> list[Any]:
        x, w, b = marked([0.5, 1.0]), marked([1.5, -1.0]), marked([0.25, 2.0])
        with autograd.record():
            c = w * b

            @wrapper
            def block(x: Any, *, scale: Any, extra: Any) -> Any:
                return {"out": np.sin(x * c) * w * scale + extra[0], "same": x, "n": I, "c": c}

            y = block(2 * w * x, scale=b, extra=[b * b, "text"])
            loss = (y["out"] * y["same"] + y["c"]).sum()
            first = autograd.grad(loss, [x, w, b], create_graph=True)
            second = sum((g * g).sum() for g in first)
        second.backward()
        return [loss, *first, x.grad, w.grad, b.grad]

    for got, expected in zip(gradients(autograd.checkpoint), gradients(lambda f: f)):
        close(got, expected)


def test_checkpoint_nests_and_works_inside_the_calculus() -> None:
    inner = autograd.checkpoint(lambda x: np.sin(x) * x)
    outer = autograd.checkpoint(lambda x: inner(inner(x)) + x)
    x = make(np, [0.5, 1.5])

    def plain(x: Any) -> Any:
        y = np.sin(x) * x
        return np.sin(y) * y + x

    close(autograd.jacobian(outer)(x), autograd.jacobian(plain)(x))
    close(autograd.hessian(lambda x: outer(x).sum())(x), autograd.hessian(lambda x: plain(x).sum())(x))
    close(autograd.jvp(outer, x, x)[1], autograd.jvp(plain, x, x)[1])
    grad_inside = autograd.checkpoint(lambda x: autograd.value_and_grad(lambda x: plain(x).sum())(x)[1])
    close(autograd.jacobian(grad_inside)(x), autograd.hessian(lambda x: plain(x).sum())(x))


def test_checkpoint_outside_recording_and_off_the_tape_is_the_function() -> None:
    f = autograd.checkpoint(lambda x: x * x)
    assert f(X)._entry is None
    with autograd.record():
        assert f(X)._entry is None
    assert autograd.checkpoint(rosenbrock).__name__ == "rosenbrock"


def test_checkpoint_draws_the_same_numbers() -> None:
    def run(wrapper: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
        mx.random.seed(3)
        x = nd.ones(1000)
        x.attach_grad()
        inner = wrapper(lambda h: nd.Dropout(h, p=0.5) * nd.random.uniform(shape=1000))
        block = wrapper(lambda h: inner(nd.Dropout(h, p=0.5)) * 2)
        with autograd.record():
            y = block(block(x)) * nd.random.normal(shape=1000)
        y.backward()
        after = nd.random.uniform(shape=3)      # the recomputation moves no stream
        return [y.asnumpy().tolist(), x.grad.asnumpy().tolist()], after.asnumpy().tolist()

    assert run(autograd.checkpoint) == run(lambda f: f)


def test_checkpoint_replays_a_seed_inside() -> None:
    def f(x: Any) -> Any:
        a = nd.random.uniform(shape=100)
        mx.random.seed(5)
        return x * a * nd.random.uniform(shape=100) * np.random.uniform(size=100).as_nd_ndarray()

    x = nd.ones(100)
    x.attach_grad()
    mx.random.seed(1)
    with autograd.record():
        y = autograd.checkpoint(f)(x)
    expected = nd.random.uniform(shape=3).asnumpy().tolist()
    mx.random.seed(9)
    y.backward()
    close(x.grad, y, 1e-6)
    mx.random.seed(5)
    nd.random.uniform(shape=100)
    assert nd.random.uniform(shape=3).asnumpy().tolist() == expected


def test_checkpoint_recomputes_in_the_mode_and_context_of_the_call() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append((*flags(), mx.current_context()))
        return x * x

    x = marked([1.0])
    with autograd.record(train_mode=False), mx.cpu(3):
        y = autograd.checkpoint(f)(x)
    y.backward()
    assert seen == [(True, False, mx.cpu(3))] * 2
    assert flags() == (False, False) and mx.current_context() == mx.cpu()


def test_checkpoint_with_other_threads_drawing() -> None:
    def f(x: Any) -> Any:
        for _ in range(20):
            x = nd.Dropout(x, p=0.01)
        return x

    stop = threading.Event()
    noise = threading.Thread(target=lambda: [nd.random.uniform(shape=100) for _ in iter(stop.is_set, True)])
    noise.start()
    try:
        for _ in range(20):
            x = nd.ones(500)
            x.attach_grad()
            with autograd.record():
                y = autograd.checkpoint(f)(x)
            y.backward()
            assert x.grad.asnumpy().tolist() == y.asnumpy().tolist()
    finally:
        stop.set()
        noise.join()


def test_checkpoint_says_when_the_second_call_differs() -> None:
    x, w = marked([1.0]), [marked([2.0]), marked([3.0])]
    for f in (lambda x: x * w.pop(), lambda x: [x * 2] * len(w)):
        with autograd.record():
            y = autograd.checkpoint(f)(x)
            w[1:] = []
        with pytest.raises(AutogradError, match="called again"):
            autograd.backward(y)
        w[:] = [marked([2.0]), marked([3.0])]


def test_checkpoint_sees_an_argument_overwritten() -> None:
    x = marked([1.0])
    with autograd.record():
        h = x * 1
        y = autograd.checkpoint(lambda a: a + 1)(h)
    h[:] = 3
    with pytest.raises(InplaceError, match="checkpoint"):
        y.backward()


def live_bytes(y: Any) -> int:
    """Bytes of all raw arrays the graph of `y` keeps."""
    kept: dict[int, int] = {}
    seen: set[int] = set()
    todo = [y._entry]
    while todo:
        item = todo.pop()
        if isinstance(item, numpy.ndarray):
            kept[id(item)] = item.nbytes
        elif isinstance(item, (list, tuple)) and id(item) not in seen:
            seen.add(id(item))
            todo.extend(item)
    return sum(kept.values())


def chain(wrapper: Callable[[Any], Any], x: Any, blocks: int, depth: int) -> Any:
    def block(h: Any) -> Any:
        for _ in range(depth):
            h = np.sin(h) * np.exp(-h * h)
        return h

    for _ in range(blocks):
        x = wrapper(block)(x)
    return x


def test_checkpoint_keeps_arguments_only() -> None:
    x = marked(RNG.standard_normal(1000))
    kept = {}
    for name, wrapper in (("all", lambda f: f), ("checkpoint", autograd.checkpoint)):
        with autograd.record():
            kept[name] = live_bytes(chain(wrapper, x, 4, 10))
    assert kept["checkpoint"] == 4 * x.nbytes
    assert kept["all"] > 120 * x.nbytes


def test_checkpoint_lowers_the_peak() -> None:
    x = marked(RNG.standard_normal(20000))
    peaks, grads = [], []
    for wrapper in (lambda f: f, autograd.checkpoint):
        gc.collect()
        tracemalloc.start()
        with autograd.record():
            y = chain(wrapper, x, 10, 10)
        y.backward()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        grads.append(x.grad.asnumpy().tolist())
    assert grads[0] == grads[1]
    assert peaks[1] < peaks[0] / 4


def test_graphs_are_freed_with_what_holds_them() -> None:
    x = marked(RNG.standard_normal(20000))
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        start = tracemalloc.get_traced_memory()[0]
        _, pull = autograd.vjp(lambda x: chain(lambda f: f, x, 1, 10), x)
        pull(np.ones(20000, dtype="float64"))
        held = tracemalloc.get_traced_memory()[0] - start
        del pull, _
        freed = tracemalloc.get_traced_memory()[0] - start
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held > 10 * x.nbytes and freed < x.nbytes / 2


def test_import_stays_lazy() -> None:
    code = ("import sys, mxgrad; assert 'mxgrad.functional' not in sys.modules; mxgrad.autograd.jvp; "
            "assert 'mxgrad.functional' in sys.modules; assert 'hvp' in dir(mxgrad.autograd)")
    subprocess.run([sys.executable, "-c", code], check=True)
