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
        (lambda: nd.ones((2,), dtype="(3,f4"), InvalidTypeError, ["'(3,f4' not understood"]),
        (lambda: nd.ones((2,), dtype="V,{"), InvalidTypeError, ["'V,{' not understood"]),
        (lambda: nd.ones((2,), dtype=A[0]), InvalidTypeError, ["type [1. 1. 1.] <NDArray 3 @cpu(0)> not"]),
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
        (lambda: nd.NDArray(), InvalidTypeError, ["NDArray", "array, zeros"]),
        (lambda: np.ndarray((2, 3)), InvalidTypeError, ["ndarray", "array, zeros"]),
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


STEPS = nd.ones((4, 2, 3))


@pytest.mark.parametrize("call, who, what", [
    (lambda bad: nd.SoftmaxOutput(A, bad), "softmax_output", "labels"),
    (lambda bad: nd.SVMOutput(A, bad), "svm_output", "labels"),
    (lambda bad: nd.softmax_cross_entropy(A, bad), "softmax_cross_entropy", "indices"),
    (lambda bad: nd.pick(A, bad), "pick", "indices"),
    (lambda bad: nd.one_hot(bad, 3), "one_hot", "indices"),
    (lambda bad: nd.Embedding(bad, A, input_dim=2, output_dim=3), "take", "indices"),
    (lambda bad: nd.unravel_index(bad, shape=(2, 3)), "unravel_index", "indices"),
    (lambda bad: nd.ravel_multi_index(nd.stack(bad, bad), shape=(2, 3)), "ravel_multi_index", "coordinates"),
    (lambda bad: nd.contrib.index_copy(A, bad, A), "contrib.index_copy", "indices"),
    (lambda bad: nd.SequenceMask(STEPS, bad, use_sequence_length=True), "SequenceMask", "lengths"),
    (lambda bad: nd.SequenceLast(STEPS, bad, use_sequence_length=True), "SequenceLast", "indices"),
    (lambda bad: nd.SequenceReverse(STEPS, bad, use_sequence_length=True), "SequenceReverse", "lengths"),
    (lambda bad: nd.softmax(A, length=bad, use_length=True), "softmax", "lengths"),
    (lambda bad: nd.CTCLoss(STEPS, B, bad, use_data_lengths=True), "CTCLoss", "data_lengths"),
    (lambda bad: nd.CTCLoss(STEPS, B, label_lengths=bad, use_label_lengths=True), "CTCLoss", "label_lengths"),
    (lambda bad: nd.RNN(STEPS, nd.ones(14), nd.ones((1, 2, 2)), sequence_length=bad, mode="rnn_tanh",
                        state_size=2, num_layers=1, use_sequence_length=True), "RNN", "lengths"),
    (lambda bad: np.put(np.ones(3), bad.as_np_ndarray(), 1), "put", "indices"),
    (lambda bad: np.repeat(np.ones(2), bad.as_np_ndarray()), "repeat", "repeats"),
    (lambda bad: np.delete(np.ones(2), bad.as_np_ndarray()), "delete", "indices"),
    (lambda bad: mx.npx.index_add(np.ones(3), bad.as_np_ndarray().reshape(1, 2), np.ones(2)),
     "index_add", "indices"),
    (lambda bad: mx.npx.sequence_mask(STEPS.as_np_ndarray(), bad.as_np_ndarray(), use_sequence_length=True),
     "sequence_mask", "lengths"),
])
@pytest.mark.parametrize("number", ["nan", "inf"])
def test_what_is_an_index_or_a_length_is_a_number(
    call: Callable[[nd.NDArray], object], who: str, what: str, number: str
) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        call(nd.array([1.0, float(number)]))
    assert str(caught.value).startswith(f"{who}: {what} are whole numbers, got {number} among them")


@pytest.mark.parametrize("call", [
    lambda: A.reshape((2.5, "a")), lambda: A.reshape((float("nan"),)), lambda: A.reshape(2.5),
    lambda: np.ones(2).reshape((float("inf"),)), lambda: np.ones(2).reshape("a"),
])
def test_a_shape_is_made_of_integers(call: Callable[[], object]) -> None:
    with pytest.raises(InvalidTypeError, match="reshape: a shape is a tuple of integers, got"):
        call()


@pytest.mark.parametrize("call, words", [
    (lambda: nd.SoftmaxOutput(A, nd.ones(2), grad_scale=None), "softmax_output: grad_scale is a number"),
    (lambda: np.allclose(2, 2, equal_nan=np.ones((2, 2))), "allclose: .*ambiguous"),
    (lambda: np.array_split(np.ones(1), 10 ** 18), "array_split: .*too many pieces"),
    (lambda: np.nan_to_num(np.ones(2), nan=slice(1, 2)), "nan_to_num: type <class 'slice'>"),
    (lambda: np.roll(np.ones(2), 1j), "roll: 'complex' object"),
    (lambda: np.broadcast_shapes(np.ones(2), (2, 1)), "broadcast_shapes: takes shapes, .* not arrays"),
    (lambda: nd.sample_gamma(B, B, out="nonsense"), "sample_gamma: Argument out must have NDArray type"),
    (lambda: nd.stack([A, A]), r"stack: Argument data must have NDArray type, but got \[ \[\[1"),
])
def test_what_the_fuzz_test_found(call: Callable[[], object], words: str) -> None:
    with pytest.raises(MXNetError, match=words):
        call()


def test_numbers_of_numpy_are_integers() -> None:
    one, two, six = map(numpy.int64, (1, 2, 6))
    x, y = nd.ones((2, 3)), np.ones((2, 3))
    assert x.reshape(six).shape == nd.reshape(x, shape=six).shape == y.reshape(six).shape == (6,)
    assert nd.sum(x, axis=one).shape == (2,) and np.tensordot(y, y.T, axes=one).shape == (2, 2)
    assert nd.contrib.AdaptiveAvgPooling2D(nd.ones((1, 1, 4, 4)), output_size=two).shape == (1, 1, 2, 2)
    assert nd.contrib.index_array(x, axes=one).shape == (2, 3, 1)
    assert nd.scatter_nd(nd.ones(2), nd.array([[0, 1]]), shape=six).shape == (6,)
    y.attach_grad()
    with autograd.record():
        z = np.tile(y, two)
    z.backward()
    assert z.shape == (2, 6) and y.grad.tolist() == [[2] * 3] * 2
    assert np.isclose(two, two, rtol=np.ones(2)).tolist() == [True, True]
    assert np.full((), 1e300).item() == numpy.inf       # without a warning


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
        assert nd.array([3e38, 3e38]).sum().asscalar() == numpy.inf
        assert nd.array([[3e38, 3e38]]).norm(ord=1, axis=1).asscalar() == numpy.inf
        assert nd.dot(nd.array([[1e30]]), nd.array([[1e30]])).asscalar() == numpy.inf
        x = nd.array([0.0])
        x.attach_grad()
        with autograd.record():
            y = nd.sqrt(x)
        y.backward()
        assert x.grad.asscalar() == numpy.inf
        # and they stay what they were, after errors too
        for call in (lambda: nd.sum(x, axis=3), lambda: nd.dot(x, nd.ones((2, 2)))):
            with pytest.raises(MXNetError):
                call()
        assert set(numpy.geterr().values()) == {"raise"}
