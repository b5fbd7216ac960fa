"""The modules that MXNet's scripts import beside the arrays: util, device, runtime, engine, name, attribute,
test_utils.
"""
from __future__ import annotations

import bz2
import gzip
import os
import struct
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import attribute, engine, name, nd, np, npx, runtime, util
from mxgrad import test_utils as tu
from mxgrad.base import InvalidTypeError, InvalidValueError, integer_types, numeric_types, string_types

# -- base, util, device --------------------------------------------------------------------------------------


def test_type_tuples() -> None:
    assert all(isinstance(n, numeric_types) for n in (1, 1.5, numpy.int32(1), numpy.float16(1)))
    assert all(isinstance(n, integer_types) for n in (1, numpy.int64(1)))
    assert not isinstance(1.5, integer_types) and isinstance("x", string_types)
    assert util.integer_types is integer_types and util.numeric_types is numeric_types


def test_switches_are_those_of_npx() -> None:
    shared = [n for n in util.__all__ if hasattr(npx.switches, n)]
    assert len(shared) == 14
    for n in shared:
        assert getattr(util, n) is getattr(npx.switches, n)
    for n in (n for n, module in mx._FROM.items() if module == "util"):
        assert getattr(mx, n) is getattr(util, n) and n in dir(mx)
    before = util.is_np_default_dtype()
    with mx.np_default_dtype():
        assert mx.is_np_default_dtype() and util.dtype_from_number(1.0) is numpy.float64
    assert util.is_np_default_dtype() is before is False


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MXGRAD_TEST", raising=False)
    assert util.getenv("MXGRAD_TEST") is None
    util.setenv("MXGRAD_TEST", "1")
    assert util.getenv("MXGRAD_TEST") == os.environ["MXGRAD_TEST"] == "1"
    with tu.environment({"MXGRAD_TEST": None, "MXGRAD_TEST2": "2"}):
        assert util.getenv("MXGRAD_TEST") is None and util.getenv("MXGRAD_TEST2") == "2"
    with pytest.raises(ZeroDivisionError), tu.environment("MXGRAD_TEST", "3"):
        assert util.getenv("MXGRAD_TEST") == "3"
        1 / 0       # noqa: B018
    assert util.getenv("MXGRAD_TEST") == "1" and util.getenv("MXGRAD_TEST2") is None
    util.setenv("MXGRAD_TEST", None)
    util.setenv("MXGRAD_TEST", None)
    with pytest.raises(InvalidTypeError), tu.environment("MXGRAD_TEST"):
        pass


@pytest.mark.parametrize("number, expected", [
    (3, numpy.int64), (-3, numpy.int64), (2 ** 63, numpy.uint64), (2 ** 63 - 1, numpy.int64),
    (1.5, numpy.float32), (1e300, numpy.float64), (float("inf"), numpy.float32),
    (numpy.float16(1), numpy.dtype("float16")),
])
def test_dtype_from_number(number: Any, expected: Any) -> None:
    assert util.dtype_from_number(number) == expected


def test_dtype_from_number_refuses() -> None:
    for number in (2 ** 64, -2 ** 64):
        with pytest.raises(OverflowError):
            util.dtype_from_number(number)
    with pytest.raises(InvalidTypeError):
        util.dtype_from_number("1")


def test_default_array_and_set_module() -> None:
    with util.np_array(True):
        assert isinstance(util.default_array([1, 2]), np.ndarray)
    with util.np_array(False):
        x = util.default_array([1, 2], device=mx.cpu(1), dtype="int32")
    assert isinstance(x, nd.NDArray) and x.context == mx.cpu(1) and x.dtype is numpy.int32

    def function() -> None: ...

    assert util.set_module(None)(function).__module__ == __name__
    assert util.set_module("mxnet.numpy")(function).__module__ == "mxnet.numpy"


def test_gpus_and_devices() -> None:
    assert util.get_gpu_count() == len(tu.list_gpus()) == mx.num_gpus()
    assert mx.device.Device is mx.Device and mx.device.current_device() == mx.cpu()


# -- runtime, engine, name, attribute ------------------------------------------------------------------------


def test_features() -> None:
    features = runtime.Features()
    assert features.is_enabled("lapack") and not features.is_enabled("DIST_KVSTORE")
    assert features["CUDNN"].name == "CUDNN" and features["CUDNN"].enabled is False
    assert list(features.values()) == runtime.feature_list()
    assert "✔ LAPACK" in repr(features) and "✖ OPENCV" in repr(features) and len(features) == 34
    assert sum(features[n].enabled for n in features if n.startswith("BLAS_")) <= 1
    with pytest.raises(RuntimeError, match="Feature 'X' is unknown, known features are: "):
        features.is_enabled("x")


def test_bulk() -> None:
    assert engine.set_bulk_size(7) == 0
    with pytest.raises(ZeroDivisionError), engine.bulk(9):
        assert engine.set_bulk_size(9) == 9
        1 / 0       # noqa: B018
    assert engine.set_bulk_size(0) == 7


def test_names_and_attributes() -> None:
    with name.Prefix("a_") as outer, name.NameManager() as inner:
        assert name.current() is inner and inner.get("", "x") == "x0"
    assert outer.get(None, "x") == "a_x0" and name.current() not in (outer, inner)
    with attribute.AttrScope(k="1"):
        found: list[Any] = []
        other = threading.Thread(target=lambda: found.append(attribute.current().get(None)))
        other.start()
        other.join()
        assert found == [{}] and attribute.current().get({"k": "2"}) == {"k": "2"}
    assert attribute.current().get(None) == {}
    with pytest.raises(InvalidValueError, match="need to be string: k is 1"):
        attribute.AttrScope(k=1)        # type: ignore[arg-type]


# -- test_utils ----------------------------------------------------------------------------------------------


def test_tolerances() -> None:
    f16, f32 = numpy.dtype("float16"), numpy.dtype("float32")
    assert tu.get_tols(numpy.float16(1), numpy.ones(2), None, None) == (1e-2, 1e-1)
    assert tu.get_tols(nd.ones(2), np.ones(2), None, 0.5) == (1e-4, 0.5)
    assert tu.get_tols(numpy.float16(1), numpy.ones(2), {f16: 5.0}, None) == (5, 1e-1)
    assert (tu.get_rtol(), tu.get_atol(), tu.get_etol()) == (1e-5, 1e-20, 0)
    assert (tu.get_rtol(dtype=f16), tu.get_atol(3), tu.get_etol(0.5)) == (1e-2, 3, 0.5)
    assert tu.effective_dtype(nd.ones(2, dtype="float16")) == f16 and tu.default_dtype() is numpy.float32
    assert tu.default_numeric_eps() == {f16: 2 ** -6, f32: 2 ** -9, numpy.dtype("float64"): 2 ** -14}
    assert tu.default_atols()[f32] == 1e-3 and tu.default_rtols()[numpy.dtype("bool")] == 0


@pytest.mark.parametrize("a, b, options", [
    (nd.array([1, 2]), np.array([1, 2.0005]), {}),
    (nd.ones(2, dtype="int32"), numpy.ones(2), {}),
    (1.0, 1.000001, {}),
    ([1.0, 2.0], [1.0, 2.0], {}),
    (numpy.zeros((0, 2)), numpy.zeros((0, 2)), {}),
    (numpy.ones((2, 1)), numpy.ones((1, 3)), {}),
    (nd.array([float("nan")]), nd.array([float("nan")]), {"equal_nan": True}),
    (numpy.array([True]), numpy.array([True]), {}),
    (1.0, 1.5, {"rtol": 0, "atol": 0.5}),
])
def test_almost_equal(a: Any, b: Any, options: dict[str, Any]) -> None:
    tu.assert_almost_equal(a, b, **options)


@pytest.mark.parametrize("a, b, options, message", [
    (numpy.array([1., 2.]), numpy.array([1., 2.1]), {},
     "Error 4761.904762 exceeds tolerance rtol=1.000000e-05, atol=1.000000e-20 (mismatch 50.000000%).\n"
     "Location of maximum error: (1,), a=2.00000000, b=2.10000000"),
    (numpy.array([1., 2.]), numpy.array([1., 2.1]), {"names": ("x", "yy"), "rtol": 1e-9, "atol": 1e-9},
     "Error 32258064.516025 exceeds tolerance rtol=1.000000e-09, atol=1.000000e-09 (mismatch 50.000000%).\n"
     "Location of maximum error: (1,), x=2.00000000, yy=2.10000000"),
    (nd.array([1, 2]), nd.array([1, float("nan")]), {},
     "Error nan exceeds tolerance rtol=1.000000e-04, atol=1.000000e-03"),
    (1.0, 2.0, {}, "Error 50000.000000 exceeds tolerance rtol=1.000000e-05"),
    (numpy.array([1, 2]), numpy.array([1, 3]), {}, "exceeds tolerance rtol=0.000000e+00"),
    (numpy.array([True]), numpy.array([False]), {}, "mismatch 100.000000%"),
    (numpy.ones((2, 1)), numpy.ones((1, 3)), {"use_broadcast": False}, "are not equal"),
    (numpy.zeros(20), numpy.arange(20.), {"rtol": 1, "atol": 0, "mismatches": (3, 3)}, ""),
])
def test_not_almost_equal(a: Any, b: Any, options: dict[str, Any], message: str) -> None:
    if not message:
        tu.assert_almost_equal(a, b, **options)     # |0 - b| <= 1 * |b|
        options = {**options, "rtol": 0.5}
    with pytest.raises(AssertionError) as caught:
        tu.assert_almost_equal(a, b, **options)
    assert message in str(caught.value)
    assert str(caught.value).count("Error") == (options["mismatches"][0] if "mismatches" in options else
                                                int(message != "" and "Error" in str(caught.value)))


def test_other_comparisons() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        tu.assert_almost_equal(numpy.ones(2), numpy.ones(3))
    assert tu.almost_equal(nd.ones(2), numpy.ones(2) + 1e-6)
    assert not tu.almost_equal(nd.ones(2), numpy.ones(2) + 1e-4)
    assert tu.same(nd.ones(2), np.ones(2)) and not tu.same(nd.ones(2), nd.zeros(2))
    x = nd.zeros((2, 2))
    assert tu.same_array(x, x.reshape((2, 2))) and not tu.same_array(x, x.copy())
    assert tu.same(x, numpy.zeros((2, 2)))
    nan = float("nan")
    tu.assert_almost_equal_ignore_nan(numpy.array([1, nan, 2]), nd.array([1, 5, nan]))
    with pytest.raises(AssertionError):
        tu.assert_almost_equal_ignore_nan(numpy.array([1, nan]), numpy.array([2, nan]))
    wrong = numpy.array([1, 1, 1, 2.])
    tu.assert_almost_equal_with_err(numpy.ones(4), wrong, etol=0.3)
    for etol in (0.2, None):
        with pytest.raises(AssertionError, match=r"mismatch 25\.0"):
            tu.assert_almost_equal_with_err(numpy.ones(4), wrong, etol=etol)
    tu.compare_ndarray_tuple((nd.ones(2), (nd.zeros(1), None)), (nd.ones(2), (nd.zeros(1), nd.ones(1))))
    with pytest.raises(AssertionError):
        tu.compare_ndarray_tuple((nd.ones(2),), (nd.zeros(2),))
    tu.assert_exception(lambda x: 1 / x, ZeroDivisionError, 0)
    with pytest.raises(AssertionError, match="did not raise ZeroDivisionError"):
        tu.assert_exception(lambda x: 1 / x, ZeroDivisionError, 1)
    with pytest.raises(KeyError):
        tu.assert_exception({}.__getitem__, ZeroDivisionError, 1)


def test_random_things() -> None:
    numpy.random.seed(1)
    shapes = [tu.rand_shape_nd(2, 3) for _ in range(100)] + [tu.rand_shape_2d(3, 2) for _ in range(100)]
    assert {min(s) for s in shapes} == {1, 2, 3} and max(max(s) for s in shapes) == 3
    assert {tu.rand_shape_3d(1, 1, 1, allow_zero_size=True)[2] for _ in range(50)} == {0, 1}
    one, (two, three) = tu.random_arrays((2, 3)), tu.random_arrays((), (4,))
    assert one.shape == (2, 3) and two.shape == () and three.dtype == numpy.float32
    (uniform,) = tu.random_uniform_arrays((100,), low=2, high=3, dtype="float64")
    assert uniform.min() >= 2 and uniform.max() < 3 and uniform.dtype == numpy.float64
    assert sorted(tu.random_sample([1, 2, 3], 3)) == [1, 2, 3] and len(tu.random_sample("abc", 2)) == 2
    with pytest.raises(InvalidValueError):
        tu.random_sample([1], 2)
    x = tu.rand_ndarray((2, 3), dtype="float64", ctx=mx.cpu(1))
    assert x.dtype is numpy.float64 and x.context == mx.cpu(1)
    with pytest.raises(InvalidValueError, match="arrays are dense here"):
        tu.rand_ndarray((2, 3), "csr")
    assert all(0 <= a < 2 <= b < 4 for a, b in [tu.rand_coord_2d(0, 2, 2, 4) for _ in range(20)])
    assert tu.create_2d_tensor(2, 3).asnumpy().tolist() == [[0, 0, 0], [1, 1, 1]]
    assert tu.create_vector(2).dtype is numpy.int64


def test_host_helpers() -> None:
    a = numpy.arange(24.0).reshape(2, 3, 4)
    assert numpy.array_equal(tu.np_reduce(a, None, False, numpy.sum), a.sum())
    assert numpy.array_equal(tu.np_reduce(a, (0, -1), True, numpy.sum), a.sum((0, 2), keepdims=True))
    assert numpy.array_equal(tu.np_reduce(a, 1, False, numpy.max), a.max(1))
    for shape in ((3, 4), (1, 4), (2, 1, 1), (), (2, 3, 4)):
        lead = tuple(range(3 - len(shape)))
        kept = tuple(i for i in range(3) if i not in lead and shape[i - 3 + len(shape)] == 1)
        assert numpy.array_equal(tu.collapse_sum_like(a, shape), a.sum(lead + kept).reshape(shape))
    for shape in ((2, 4), (1, 2, 3, 4), (0,)):
        with pytest.raises(InvalidValueError, match="does not broadcast"):
            tu.collapse_sum_like(a, shape)
    assert tu.collapse_sum_like(numpy.ones((0, 2)), (2,)).tolist() == [0, 0]
    assert tu.assign_each(numpy.array([1, 2]), lambda v: v / 2).tolist() == [0.5, 1]
    assert tu.assign_each2(numpy.array([1, 2]), numpy.array([3, 4]), lambda v, w: v * w).tolist() == [3, 8]
    assert tu.assign_each(numpy.array([1]), None).tolist() == tu.assign_each2([1], [2], None).tolist() == [1]


def test_default_context() -> None:
    assert tu.default_context() == tu.default_device() == mx.cpu()
    tu.set_default_context(mx.cpu(1))
    try:
        found: list[Any] = []
        other = threading.Thread(target=lambda: found.append(mx.current_context()))
        other.start()
        other.join()
        assert found == [mx.cpu()] and nd.ones(1).context == mx.cpu(1)
        with mx.cpu(2):
            assert tu.default_context() == mx.cpu(2)
    finally:
        tu.set_default_device(mx.cpu())
    assert mx.current_context() == mx.cpu()


def test_check_numeric_gradient() -> None:
    x, y = numpy.array([[0.5, 1.0]]), nd.array([[2.0], [3.0]])
    tu.check_numeric_gradient(nd.dot, [x, y])
    tu.check_numeric_gradient(
        lambda a, b: nd.dot(a, b), {"b": y, "a": x}, grad_nodes=["a"], numeric_eps=1e-3, rtol=1e-2)
    tu.check_numeric_gradient(lambda a: np.sin(a), [np.array([0.5])])
    wrong = {"a": nd.array([1.0]), "b": nd.array([2.0])}
    tu.check_numeric_gradient(lambda a, b: nd.BlockGrad(a) * b, wrong, grad_nodes=["b"])
    with pytest.raises(AssertionError, match="argument 0, order 1"):
        tu.check_numeric_gradient(lambda a, b: nd.BlockGrad(a) * b, wrong)
    for train in (True, False):
        modes: list[bool] = []
        tu.check_numeric_gradient(
            lambda a, m=modes: m.append(mx.autograd.is_training()) or a * 2, [x], use_forward_train=train)
        assert set(modes) == {train}
    with pytest.raises(InvalidValueError, match="no c by name"):
        tu.check_numeric_gradient(nd.dot, wrong, grad_nodes=["c"])
    with pytest.raises(InvalidValueError, match="aux_states"):
        tu.check_numeric_gradient(nd.dot, [x, y], aux_states=[x])       # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="callable"):
        tu.check_numeric_gradient("dot", [x, y])        # type: ignore[arg-type]
    with pytest.raises(InvalidTypeError, match="location is a list"):
        tu.check_numeric_gradient(nd.dot, x)


def test_check_symbolic_forward_and_backward() -> None:
    x, y = numpy.array([1., 2.]), numpy.array([3., 4.])
    (out,) = tu.check_symbolic_forward(lambda a, b: a * b, [x, y], [x * y])
    assert out.dtype is numpy.float32
    (out,) = tu.check_symbolic_forward(lambda a, b: a * b, {"b": y, "a": x}, x * y, dtype="asnumpy")
    assert out.dtype is numpy.float64
    tu.check_symbolic_forward(lambda a: np.split(a, 2), [np.array(x)], [[1], [2]])
    with pytest.raises(AssertionError, match="EXPECTED_0"):
        tu.check_symbolic_forward(lambda a: a * 2, [x], [x])
    with pytest.raises(AssertionError, match="1 outputs, 2 expected"):
        tu.check_symbolic_forward(lambda a: a * 2, [x], [x, x])

    def product(a: Any, b: Any) -> Any:
        return a * b

    g = numpy.array([10., 100.])
    for req in ("write", "add", ["add", "write"]):
        grads = tu.check_symbolic_backward(product, [x, y], [g], [g * y, g * x], grad_req=req)
    assert grads[1].asnumpy().tolist() == [10, 200]
    grads = tu.check_symbolic_backward(
        product, {"a": np.array(x), "b": np.array(y)}, None, {"b": x}, grad_req={"a": "null", "b": "write"})
    assert list(grads) == ["a", "b"] and grads["b"].tolist() == [1, 2]
    for expected in ([g * y, g * y], [g * x, None]):
        with pytest.raises(AssertionError, match="BACKWARD_"):
            tu.check_symbolic_backward(product, [x, y], [g], expected)
    with pytest.raises(AssertionError, match="2 gradients, 1 expected"):
        tu.check_symbolic_backward(product, [x, y], [g], [g * y])


def test_chi_square_tail() -> None:
    # The 5 % and 1 % points of the distribution, as printed in tables.
    table = ((1, 3.841, 6.635), (2, 5.991, 9.210), (5, 11.070, 15.086), (10, 18.307, 23.209))
    for degrees, five, one in table:
        assert tu._chi_square_tail(five, degrees) == pytest.approx(0.05, rel=1e-3)
        assert tu._chi_square_tail(one, degrees) == pytest.approx(0.01, rel=1e-3)
    assert tu._chi_square_tail(0, 3) == 1 and tu._chi_square_tail(5000, 99) < 1e-300


def test_generators() -> None:
    mx.random.seed(3)
    buckets, probs = tu.gen_buckets_probs_with_ppf(lambda p: 2 * p, 5)
    found = tu.verify_generator(lambda n: nd.random.uniform(0, 2, shape=n), buckets, probs, 20000)
    assert len(found) == 5 and all(0 <= p <= 1 for p in found)
    with pytest.raises(AssertionError, match="Generator test fails"):
        tu.verify_generator(lambda n: nd.random.uniform(0, 1.9, shape=n), buckets, probs, 20000)
    _, observed, expected = tu.chi_square_check(lambda n: numpy.arange(n) % 4, [0, 1, 2, 3], [0.25] * 4, 100)
    assert observed.tolist() == expected.tolist() == [25] * 4
    assert tu.mean_check(lambda n: nd.random.normal(1, 2, shape=n), 1, 2, 10000)
    assert not tu.mean_check(lambda n: nd.random.normal(1.2, 2, shape=n), 1, 2, 10000)
    assert tu.var_check(lambda n: nd.random.normal(1, 2, shape=n), 2, 10000)
    assert not tu.var_check(lambda n: nd.random.normal(1, 2.2, shape=n), 2, 10000)
    with pytest.raises(InvalidValueError, match="at least 2"):
        tu.chi_square_check(lambda n: numpy.zeros(n), [0], [1.0])


def test_retry() -> None:
    calls: list[int] = []

    @tu.retry(2)
    def fails(error: type[Exception]) -> None:
        """Its docstring."""
        calls.append(1)
        raise error

    for error, attempts in ((AssertionError, 2), (KeyError, 1)):
        calls.clear()
        with pytest.raises(error):
            fails(error)
        assert len(calls) == attempts
    assert fails.__doc__ == "Its docstring."
    with pytest.raises(InvalidValueError):
        tu.retry(0)


def test_discard_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with tu.discard_stderr():
        os.write(2, b"dropped\n")
    os.write(2, b"kept\n")
    print("kept too", file=sys.stderr)
    assert capfd.readouterr().err == "kept\nkept too\n"
    assert tu.is_op_runnable()


# -- test_utils: callables on devices, speed, optimizers, matrices, files ------------------------------------


def test_type_helpers() -> None:
    assert mx.base.long is int and mx.base.basestring is str and mx.base.mx_real_t is numpy.float32
    assert mx.base.py_str("ä".encode()) == "ä"
    with tu.environment("MXNET_HOME", "/somewhere"):
        assert mx.base.data_dir() == "/somewhere"
    with tu.environment("MXNET_HOME", None):
        assert mx.base.data_dir() == mx.base.data_dir_default() and mx.base.data_dir().endswith("mxnet")

    class Named:
        @mx.base.classproperty
        def title(cls) -> str:
            return cls.__name__         # type: ignore[attr-defined, no-any-return]

    class Child(Named):
        pass

    assert (Named.title, Child.title, Child().title) == ("Named", "Child", "Child")


def test_compute_capability() -> None:
    with pytest.raises(InvalidValueError, match=r"Expecting a gpu context .* received context cpu\(0\)"):
        util.get_cuda_compute_capability(mx.cpu())
    with pytest.raises(mx.base.ContextError):
        util.get_cuda_compute_capability(mx.gpu(99))


def test_operator_arguments() -> None:
    found = mx.operator.get_operator_arguments("FullyConnected")
    assert found.narg == len(found.names) == len(found.types) == 6
    assert found.names == ["data", "weight", "bias", "num_hidden", "no_bias", "flatten"]
    assert found.types[0] == "NDArray" and found.types[4] == "optional, default=False"
    assert mx.operator.get_operator_arguments("add_n").types[0] == "NDArray[]"
    groups = mx.operator.get_all_registered_operators_grouped()
    assert sorted(n for names in groups.values() for n in names) == mx.operator.get_all_registered_operators()
    assert groups["Reshape"] == ["Reshape", "reshape"] and all(names[0] == n for n, names in groups.items())
    with pytest.raises(mx.UnknownNameError, match="did you mean"):
        mx.operator.get_operator_arguments("FullyConected")


def test_dispatch_protocol_decorators() -> None:
    protocol = mx.numpy_dispatch_protocol
    assert protocol.with_array_ufunc_protocol(lambda: 3)() == 3
    for decorate, kind in ((protocol.with_array_function_protocol, "function"),
                           (protocol.with_array_ufunc_protocol, "ufunc")):
        @decorate
        def wrong() -> None:
            numpy.concatenate([np.ones((1, 2)), np.ones((1, 3))])

        with pytest.raises(RuntimeError, match=f"^Running function wrong with NumPy array {kind} protocol"):
            wrong()


def test_first_autograd() -> None:
    first, modern = mx.contrib.autograd, mx.autograd
    x, w = nd.array([1., 2.]), nd.array([3., 4.])
    grads, outputs = first.grad_and_loss(lambda a, b: [a * b, a])(x, w)
    assert [g.asnumpy().tolist() for g in grads] == [[4, 5], [1, 2]] and len(outputs) == 2
    assert not modern.is_recording() and not modern.is_training()
    (by_w,) = first.grad(lambda a, b: a * b, argnum=[1])(x, w)
    assert by_w.asnumpy().tolist() == [1, 2]
    with first.train_section():
        y = x * x
        with first.test_section():
            assert not modern.is_recording() and not modern.is_training()
        assert modern.is_recording() and modern.is_training()
    x.grad[:] = 0
    first.backward([y], [nd.array([10., 1.])])
    assert x.grad.asnumpy().tolist() == [20, 4]
    assert first.set_is_training(True) is False and modern.is_training()
    assert first.set_is_training(False) is True and not modern.is_training()
    with pytest.raises(InvalidTypeError, match="list or tuple"):
        first.backward(y)
    with pytest.raises(mx.base.NotAnArrayError, match="should be NDArray"):
        first.grad(lambda a: a)(3.0)


def test_numeric_grad_and_simple_forward() -> None:
    where = {"a": numpy.array([[1., 2.]]), "b": numpy.array([[3.], [4.]]), "i": numpy.array([1, 2])}
    grads = tu.numeric_grad(lambda a, b, i: [a * b, b], where, eps=1e-3, dtype=numpy.float64)
    numpy.testing.assert_allclose(grads["a"], [[7, 7]], rtol=1e-6)
    numpy.testing.assert_allclose(grads["b"], [[3], [3]], rtol=1e-6)
    assert grads["i"].tolist() == [0, 0] and where["a"].tolist() == [[1, 2]]
    first, second = tu.simple_forward(lambda x: nd.split(x, 2, axis=0), x=numpy.ones((2, 3)))
    assert isinstance(first, numpy.ndarray) and first.shape == second.shape == (1, 3)


def test_check_speed() -> None:
    passes: list[bool] = []

    def function(x: Any) -> Any:
        passes.append(mx.autograd.is_recording())
        return x * x

    assert tu.check_speed(function, {"x": numpy.ones(3)}, N=3) > 0 and passes == [True] * 4
    passes.clear()
    assert tu.check_speed(function, x=(3,), N=2, typ="forward") > 0 and passes == [False] * 3
    with pytest.raises(InvalidValueError, match='typ can only be "whole" or "forward"'):
        tu.check_speed(function, x=(3,), typ="backward")


def test_check_consistency(capsys: pytest.CaptureFixture[str]) -> None:
    types = ("float16", "float64", "float32")
    places = [{"ctx": mx.cpu(i), "a": (2, 3), "b": (3, 2), "type_dict": dict.fromkeys("ab", t)}
              for i, t in enumerate(types)]
    truth = tu.check_consistency(lambda a, b: nd.dot(a, b), places)
    assert sorted(truth) == ["a", "b", "output0"] and truth["a"].dtype == numpy.float64
    assert truth["a"].shape == (2, 3)
    only = tu.check_consistency(lambda a, b: [a, b], places, grad_req="null", arg_params={"a": numpy.ones(2)})
    assert sorted(only) == ["output0", "output1"] and only["output0"].tolist() == [1, 1]

    def wrong(a: Any, b: Any) -> Any:
        return a * (2 if a.dtype is numpy.float16 else 1)

    with pytest.raises(AssertionError, match=r"check_consistency: output0 on cpu\(0\) in float16: Error"):
        tu.check_consistency(wrong, places, grad_req="null")
    tu.check_consistency(wrong, places, grad_req="null", raise_on_err=False)
    assert "check_consistency: output0 on cpu(0)" in capsys.readouterr().out
    with pytest.raises(InvalidValueError, match="at least two"):
        tu.check_consistency(wrong, places[:1])


class Descent:
    """A step of gradient descent with a count as its state, and noise from the global stream."""

    def __init__(self, rate: float, noise: float = 0.0) -> None:
        self.rate, self.noise = rate, noise

    def create_state_multi_precision(self, index: int, weight: Any) -> Any:
        return nd.zeros(1)

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        several = isinstance(index, list)
        for w, g, s in zip(weight, grad, state) if several else [(weight, grad, state)]:
            w[:] = w - self.rate * g + self.noise * nd.random.normal(shape=w.shape)
            s[:] = s + 1


@pytest.mark.parametrize("shape", [(2, 3), [(2, 3), (4,)]])
def test_compare_optimizer(shape: Any) -> None:
    tu.compare_optimizer(Descent(0.1), Descent(0.1), shape, "float32")
    with pytest.raises(AssertionError):
        tu.compare_optimizer(Descent(0.1), Descent(0.2), shape, "float32")
    tu.compare_optimizer_noise_seeded(Descent(0.1, 1.0), Descent(0.1, 1.0), shape, "float32", 7)
    with pytest.raises(AssertionError):
        tu.compare_optimizer(Descent(0.1, 1.0), Descent(0.1, 1.0), shape, "float32")
    with pytest.raises(InvalidValueError, match="dense"):
        tu.compare_optimizer(Descent(1), Descent(1), shape, "float32", w_stype="row_sparse")


def test_matrices_with_known_eigenvalues() -> None:
    numpy.random.seed(1)
    for a in tu.new_matrix_with_real_eigvals_nd((2, 3, 4, 4)).reshape(-1, 4, 4):
        values = numpy.linalg.eigvals(a)
        assert abs(values.imag).max() < 1e-9 and abs(values).max() <= 10 + 1e-9
    symmetric = tu.new_sym_matrix_with_real_eigvals_nd([2, 3, 3])
    numpy.testing.assert_allclose(symmetric, symmetric.transpose(0, 2, 1), atol=1e-12)
    with pytest.raises(InvalidValueError, match=r"\(2, 3\)"):
        tu.new_sym_matrix_with_real_eigvals_nd((2, 3))
    assert tu.get_identity_mat(3).asnumpy().tolist() == numpy.eye(3).tolist()
    assert tu.get_identity_mat_batch(2).asnumpy().tolist() == [numpy.eye(2).tolist()] * 2
    assert isinstance(tu.create_2d_np_tensor(2, 2), np.ndarray)


def test_download_and_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mx.MXNetError, match=r"put http://x.org/a.zip at sub/b.zip"):
        tu.download("http://x.org/a.zip", "b.zip", "sub")
    (tmp_path / "a.txt").write_text("first")
    assert tu.download("http://x.org/a.txt") == "a.txt"
    copy = tu.download(f"file://{tmp_path}/a.txt", "c.txt", "sub")
    (tmp_path / "a.txt").write_text("second")
    assert copy == "sub/c.txt" and Path(tu.download(f"file://{tmp_path}/a.txt", copy)).read_text() == "first"
    assert Path(tu.download(f"file://{tmp_path}/a.txt", copy, overwrite=True)).read_text() == "second"
    with zipfile.ZipFile(tmp_path / "sub" / "z.zip", "w") as archive:
        archive.writestr("inside.txt", "zipped")
    tu.get_zip_data("sub", "http://x.org/z.zip", "z.zip")
    assert Path("sub/inside.txt").read_text() == "zipped"
    Path("sub/n.bz2").write_bytes(bz2.compress(b"packed"))
    tu.get_bz2_data("sub", "n.txt", "http://x.org/n.bz2", "n.bz2")
    assert Path("sub/n.txt").read_bytes() == b"packed"


def test_data_sets_from_local_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "home"))
    for missing in (tu.get_mnist, tu.get_mnist_pkl, tu.get_mnist_ubyte, tu.get_cifar10):
        with pytest.raises(mx.MXNetError, match="fetches nothing from a network; put http://"):
            missing()
    folder = tmp_path / "home" / "datasets" / "mnist"
    folder.mkdir(parents=True)
    for part, n in (("train", 3), ("t10k", 2)):
        labels = struct.pack(">HBBI", 0, 8, 1, n) + bytes(range(n))
        images = struct.pack(">HBBIII", 0, 8, 3, n, 28, 28) + bytes([255]) * (n * 784)
        for kind, content in (("labels-idx1", labels), ("images-idx3", images)):
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
    data = tu.get_mnist()
    assert data["train_data"].shape == (3, 1, 28, 28) and data["train_data"].dtype == numpy.float32
    assert data["train_data"].min() == 1 and data["test_label"].tolist() == [0, 1]
    assert data["train_label"].dtype == numpy.int8
    Path("data").mkdir(exist_ok=True)
    with zipfile.ZipFile("data/mnist.zip", "w") as archive:
        for name in tu._MNIST_FILES:
            archive.writestr(name, b"")
    tu.get_mnist_ubyte()
    assert all(Path("data", name).exists() for name in tu._MNIST_FILES)


def test_about_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CD_JOB", "1")
    assert tu.is_cd_run() and not tu.has_tvm_ops()
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert tu.is_aarch64_run()
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert not tu.is_aarch64_run()
