"""What a user gets wrong is answered by a clear error of a documented class, and changes nothing."""
from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, nd, np
from mxgrad.base import (
    ContextError,
    InvalidTypeError,
    InvalidValueError,
    MXNetError,
    NotAnArrayError,
    OutOfRangeError,
    UnknownNameError,
)

A, B, I = nd.ones((2, 3)), nd.ones((2, 2)), nd.ones((2, 3), dtype="int32")


@pytest.mark.parametrize(
    "call, kind, words",
    [
        (lambda: nd.array([[1, 2], [3]]), InvalidTypeError, ["source_array must be array like"]),
        (lambda: nd.array("abc"), InvalidTypeError, ["source_array"]),
        (lambda: nd.array([1 + 2j]), InvalidTypeError, ["complex"]),
        (lambda: np.array([[1, 2], [3]]), TypeError, ["inhomogeneous"]),
        (lambda: nd.ones((2,), dtype="foo"), InvalidTypeError, ["'foo'", "not understood", "float32"]),
        (lambda: nd.ones((2,), dtype="flaot32"), InvalidTypeError, ["did you mean 'float32'"]),
        (lambda: A.astype("complex64"), InvalidTypeError, ["complex64"]),
        (lambda: nd.zeros((2, -1)), InvalidValueError, ["negative", "(2, -1)"]),
        (lambda: A + B, InvalidValueError, ["add", "could not be broadcast", "(2, 3)", "(2, 2)"]),
        (lambda: A * I, InvalidTypeError, ["multiply", "float32", "int32", "astype"]),
        (lambda: A + [1, 2], InvalidTypeError, ["<class 'list'> not supported"]),
        (lambda: A + "a", InvalidTypeError, ["<class 'str'> not supported"]),
        (lambda: A + None, InvalidTypeError, ["NoneType"]),
        (lambda: A == "a", InvalidTypeError, ["str"]),
        (lambda: nd.dot(A, A), InvalidValueError, ["dot", "[2, 3] X [2, 3]"]),
        (lambda: nd.sum(A, axis=7), InvalidValueError, ["axis 7", "[2, 3]"]),
        (
            lambda: nd.softmax(A, axis=7),
            InvalidValueError,
            ["softmax", "axis 7 is out of bounds", "float32 (2, 3)", "axis=7"],
        ),
        (lambda: nd.transpose(A, axes=(0, 0)), InvalidValueError, ["transpose", "axes=(0, 0)"]),
        (lambda: A.reshape((4, 2)), InvalidValueError, ["size 6", "(4, 2)"]),
        (lambda: A.reshape((-1, -1)), InvalidValueError, ["one dim can be inferred"]),
        (lambda: A.expand_dims(5), InvalidValueError, ["range [-3, 2]", "5"]),
        (lambda: nd.concat(A, B, dim=0), InvalidValueError, ["concat"]),
        (lambda: A[5], OutOfRangeError, ["index 5 is out of bounds for axis 0 with size 2"]),
        (lambda: A[0, 9], OutOfRangeError, ["index 9", "axis 1"]),
        (lambda: A[0, 0, 0], OutOfRangeError, ["too many indices"]),
        (lambda: A[1.5], InvalidValueError, ["1.5"]),
        (lambda: A["a"], InvalidValueError, ["does not support slicing with key a"]),
        (lambda: nd.sin("a"), NotAnArrayError, ["sin", "'a'"]),
        (lambda: nd.sin(1), NotAnArrayError, ["sin", "1"]),
        (lambda: nd.nosuch, UnknownNameError, ["nosuch"]),
        (lambda: nd.softmx, UnknownNameError, ["did you mean 'softmax'"]),
        (lambda: nd.Dropout(A, p=2), InvalidValueError, ["2"]),
        (lambda: A.asscalar(), InvalidValueError, ["not a scalar"]),
        (lambda: bool(A), InvalidValueError, ["ambiguous"]),
        (lambda: float(A), InvalidTypeError, ["one element"]),
        (lambda: len(nd.array(3.5)), InvalidTypeError, ["unsized"]),
        (lambda: nd.exp(A, out=nd.zeros((5,))), InvalidValueError, ["(5,)", "(2, 3)"]),
        (lambda: nd.exp(A, out=3), InvalidTypeError, ["out must be an array"]),
        (lambda: nd.zeros((2,), ctx="cpu"), ContextError, ["Invalid context string cpu"]),
        (lambda: mx.Context("tpu", 0), InvalidValueError, ["'tpu'", "gpu"]),
        (lambda: nd.save("x.params", {"a": 3}), InvalidTypeError, ["only arrays can be saved"]),
        (lambda: nd.load("no/such/file.params"), MXNetError, ["no/such/file.params"]),
    ],
)
def test_the_error_says_what_is_wrong(
    call: Callable[[], object], kind: type[Exception], words: list[str]
) -> None:
    flags = autograd.is_recording(), autograd.is_training()
    with autograd.record():
        with pytest.raises(kind) as caught:
            call()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, f"{word!r} is not in: {text}"
    assert flags == (autograd.is_recording(), autograd.is_training())


@pytest.mark.parametrize("call", [
    lambda: A + B, lambda: nd.dot(A, A), lambda: A[5], lambda: nd.array([[1, 2], [3]]),
])
def test_the_last_frame_of_the_users_is_theirs(call: Callable[[], object]) -> None:
    try:
        call()
    except MXNetError as error:
        ours = [
            f
            for f in traceback.extract_tb(error.__traceback__)
            if Path(f.filename).name == Path(__file__).name
        ]
        assert "call()" in (ours[-2].line or "")
        assert error.__suppress_context__ or error.__context__ is None


def test_a_failed_write_leaves_the_array() -> None:
    x = nd.array([1.0, 2.0, 3.0])
    for write in (lambda: x.__setitem__(7, 1), lambda: x.__setitem__(slice(0, 2), nd.ones((3,))),
                  lambda: x.__setitem__(0, "a"), lambda: x.__setitem__(slice(None), [[1, 2], [3]])):
        with pytest.raises(MXNetError):
            write()
        assert x.asnumpy().tolist() == [1.0, 2.0, 3.0]


def test_gpu_contexts_say_what_is_missing() -> None:
    if mx.num_gpus():
        pytest.skip("this machine has a GPU")
    assert mx.gpu(0).device_type == "gpu"       # naming one touches nothing
    with pytest.raises(ContextError, match="gpu\\(0\\).*USE_CUDA=1|gpu\\(0\\).*no usable NVIDIA GPU"):
        nd.zeros((2,), ctx=mx.gpu(0))
    with pytest.raises(ContextError):
        nd.ones((1,)).as_in_context(mx.gpu(0))


def test_no_floating_point_warnings_whatever_the_settings() -> None:
    with numpy.errstate(all="raise"):
        assert (nd.array([1.0, 0.0]) / 0).asnumpy()[0] == numpy.inf
        assert numpy.isnan(nd.log(nd.array([-1.0])).asscalar())
        assert (nd.array([1e38]) * 10).asscalar() == numpy.inf
        assert (nd.array([1e38]) + nd.array([3e38])).asscalar() == numpy.inf
        x = nd.array([0.0])
        x.attach_grad()
        with autograd.record():
            y = nd.sqrt(x)
        y.backward()
        assert x.grad.asscalar() == numpy.inf
