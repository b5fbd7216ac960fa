"""nd.contrib's attention, transforms, processes, normalisation and control flow; their values as MXNet gives
them are among those of test_spatial.py.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from checks import check_device
from mxgrad import MXNetError, autograd, nd, np, npx, random
from mxgrad.testing import check_grads

C = nd.contrib


def normal(*shape: int, seed: int = 5) -> Any:
    return nd.array(numpy.random.default_rng(seed).standard_normal(shape), dtype="float64")


def positive(*shape: int) -> Any:
    return nd.abs(normal(*shape)) + 0.3


ONE, ZERO = nd.ones((2,), dtype="float64"), nd.zeros((2,), dtype="float64")
DILATION = nd.array([1, 2], dtype="int32")
MARKS, LENGTHS = nd.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 1]], dtype="int32"), nd.array([2, 3, 4])


def training(function: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """A call in training mode, recording or not."""
    with autograd.train_mode():
        return function(*args, **params)


FUNCTIONS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "self attention": (lambda x: C.interleaved_matmul_selfatt_valatt(
        x, C.interleaved_matmul_selfatt_qk(x, heads=2), heads=2), [normal(3, 2, 12)]),
    "attention": (lambda q, kv: C.interleaved_matmul_encdec_valatt(
        kv, nd.softmax(C.interleaved_matmul_encdec_qk(q, kv, heads=2)), heads=2),
        [normal(2, 2, 6), normal(3, 2, 12)]),
    "window attention": (lambda q, k, v: C.sldwin_atten_context(
        C.sldwin_atten_score(q, k, DILATION, w=2, symmetric=True), v, DILATION, w=2, symmetric=True),
        [normal(2, 5, 2, 3, seed=i) for i in range(3)]),
    "window attention, backwards only": (lambda q, k, v: C.sldwin_atten_context(
        C.sldwin_atten_score(q, k, DILATION, w=1, symmetric=False), v, DILATION, w=1, symmetric=False),
        [normal(1, 4, 2, 2, seed=i) for i in range(3)]),
    "fft": (C.fft, [normal(3, 5)]),
    "ifft": (C.ifft, [normal(2, 1, 1, 6)]),
    "sketch": (lambda x, s: C.count_sketch(x, nd.array([[0, 2, 0, 1]]), s, out_dim=4),
               [normal(3, 4), normal(1, 4)]),
    "hawkes": (lambda lda, alpha, beta, state, lags, time: C.hawkesll(
        lda, alpha, beta, state, lags, MARKS, LENGTHS, time + 5),
        [positive(3, 2), positive(2), positive(2), positive(3, 2), positive(3, 4) / 4, positive(3)]),
    "batch norm with relu": (lambda x, g, b: training(
        C.BatchNormWithReLU, x, g, b, ZERO.copy(), ONE.copy(), fix_gamma=False),
        [normal(3, 2, 4), normal(2), normal(2)]),
    "sync batch norm": (lambda x, g, b: training(
        C.SyncBatchNorm, x, g, b, ZERO.copy(), ONE.copy(), fix_gamma=False, key="one"),
        [normal(3, 2, 4), normal(2), normal(2)]),
    "batch norm v1": (lambda x, b: training(nd.BatchNorm_v1, x, ONE, b, ZERO.copy(), ONE.copy()),
                      [normal(3, 2, 4), normal(2)]),
    "sparse embedding": (lambda w: C.SparseEmbedding(nd.array([3, 0, 3]), w, 4, 2), [normal(4, 2)]),
    "dynamic reshape": (lambda x: C.dynamic_reshape(x, nd.array([-1, 0])), [normal(4, 3)]),
    "foreach": (lambda x, s: nd.broadcast_mul(*C.foreach(lambda a, b: (a * b, a + b * b), x, s)),
                [normal(3, 2), normal(2)]),
    "while loop": (lambda x: C.while_loop(
        lambda a, i: i < 3, lambda a, i: (a, (a * x + a, i + 1)), (x, nd.zeros(1)), 5)[0], [normal(2)]),
    "branch": (lambda x: C.cond(x.sum() < 99, lambda: x * x, lambda: x), [normal(2)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str) -> None:
    function, arrays = FUNCTIONS[name]

    def squares(*xs: Any) -> list[Any]:
        out = function(*xs)
        return [y * y for y in (out if isinstance(out, list) else [out])]

    check_grads(squares, arrays)


# attention --------------------------------------------------------------------------------------------------


def test_window_attention_is_masked_attention() -> None:
    """With a window as long as the sequence every position sees all."""
    q, k, v = (normal(1, 4, 1, 3, seed=i) for i in range(3))
    one, params = nd.array([1]), {"w": 3, "symmetric": True}
    scores = C.sldwin_atten_score(q, k, one, **params)
    mask = C.sldwin_atten_mask_like(scores, one, nd.array([3]), **params)
    weights = npx.masked_softmax(scores.as_np_ndarray(), mask.as_np_ndarray().astype(bool)).as_nd_ndarray()
    got = C.sldwin_atten_context(weights, v, one, **params)[0, :3, 0]
    full = nd.softmax(nd.dot(q[0, :3, 0], k[0, :3, 0], transpose_b=True))
    numpy.testing.assert_allclose(got.asnumpy(), nd.dot(full, v[0, :3, 0]).asnumpy(), rtol=1e-12)


def test_attention_of_np() -> None:
    x = np.array(normal(3, 2, 12).asnumpy())
    scores = npx.interleaved_matmul_selfatt_qk(x, heads=2)
    got = npx.interleaved_matmul_selfatt_valatt(x, npx.softmax(scores), heads=2)
    assert isinstance(got, np.ndarray) and got.shape == (3, 2, 4)
    s = npx.sldwin_atten_score(x.reshape(1, 3, 2, 12), x.reshape(1, 3, 2, 12), np.array([1, 1]), w=1,
                               symmetric=False)
    assert s.shape == (1, 3, 2, 2) and s[0, 0, 0, 0] == 0


# transforms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_fft_is_numpys(dtype: str) -> None:
    x = normal(3, 8).astype(dtype)
    y = C.fft(x)
    expected = numpy.fft.fft(x.asnumpy().astype("float64"))
    rtol = {"float16": 5e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
    pairs = y.asnumpy().reshape(3, 8, 2)
    assert y.dtype == numpy.dtype(dtype)
    numpy.testing.assert_allclose(pairs[..., 0] + 1j * pairs[..., 1], expected, rtol=rtol, atol=rtol * 8)
    numpy.testing.assert_allclose((C.ifft(y) / 8).asnumpy(), x.asnumpy(), rtol=rtol, atol=rtol)


def test_count_sketch() -> None:
    """The example of the original's documentation."""
    x = nd.array([[1.2, 2.5, 3.4], [3.2, 5.7, 6.6]])
    got = C.count_sketch(x, nd.array([[0, 3, 4]]), nd.array([[1, -1, 1]]), out_dim=5)
    numpy.testing.assert_allclose(got.asnumpy(), [[1.2, 0, 0, -2.5, 3.4], [3.2, 0, 0, -5.7, 6.6]], rtol=1e-6)


def test_index_array() -> None:
    got = C.index_array(nd.zeros((3, 2, 2)), axes=(1, -3))
    assert got.dtype == numpy.int64 and got.shape == (3, 2, 2, 2)
    assert got[2, 1, 0].asnumpy().tolist() == [1, 2]
    numpy.testing.assert_array_equal(
        C.index_array(nd.zeros((3, 2))).asnumpy(), numpy.moveaxis(numpy.indices((3, 2)), 0, -1))


# outputs with gradients of their own ------------------------------------------------------------------------


@pytest.mark.parametrize("linear", [False, True])
def test_svm_output_has_the_gradient_of_the_hinge_loss(linear: bool) -> None:
    x, label = normal(4, 3), nd.array([0, 2, 1, 1])
    x.attach_grad()
    with autograd.record():
        y = nd.SVMOutput(x, label, margin=0.7, regularization_coefficient=0.3, use_linear=linear)
    y.backward(y * 17)
    defined = x.grad.copy()
    with autograd.record():
        hinge = nd.relu(0.7 - (2 * nd.one_hot(label, 3).astype("float64") - 1) * x)
        loss = 0.3 * (hinge if linear else hinge * hinge)
    loss.backward()
    numpy.testing.assert_allclose(defined.asnumpy(), x.grad.asnumpy(), rtol=1e-12, atol=1e-12)
    assert y.asnumpy().tolist() == x.asnumpy().tolist()


def test_sparse_regularisation() -> None:
    """Gradients and moving mean as MXNet 1.9.1's symbol gives them."""
    host = (numpy.arange(12) * 7 % 19 - 8.5) / 4
    x, average = nd.sigmoid(nd.array(host.reshape(3, 4))), nd.array([0.1, 0.2, 0.3, 0.4])
    x.attach_grad()
    params = {"sparseness_target": 0.2, "penalty": 0.5, "momentum": 0.6}
    with autograd.record():
        y = nd.IdentityAttachKLSparseReg(x, average, **params)
    y.backward()
    assert y.asnumpy().tolist() == x.asnumpy().tolist()
    numpy.testing.assert_allclose(average.asnumpy(), [0.26704, 0.336402, 0.419758, 0.366511], rtol=1e-5)
    numpy.testing.assert_allclose(
        x.grad.asnumpy(), [[1.171257, 1.305511, 1.451135, 1.358581]] * 3, rtol=1e-5)
    before = average.asnumpy()
    nd.IdentityAttachKLSparseReg(x, average, **params)
    assert average.asnumpy().tolist() == before.tolist()


# normalisation ----------------------------------------------------------------------------------------------


def test_batch_norms_move_their_statistics() -> None:
    x, g, b = normal(3, 2, 4), normal(2), normal(2)
    moved = []
    for function, params in ((nd.BatchNorm, {}), (C.BatchNormWithReLU, {}), (C.SyncBatchNorm, {"key": "k"}),
                             (nd.BatchNorm_v1, {})):
        mean, var = ZERO.copy(), ONE.copy()
        with autograd.record():
            y = function(x, g, b, mean, var, fix_gamma=False, output_mean_var=True, **params)
        moved.append((y[0], y[1], mean, var))
    plain, relu, *others = ([a.asnumpy() for a in m] for m in moved)
    numpy.testing.assert_array_equal(relu[0], numpy.maximum(plain[0], 0))
    for other in [relu[1:], *(o[1:] for o in others)]:
        for a, e in zip(other, plain[1:]):
            numpy.testing.assert_allclose(a, e, rtol=1e-6)


# processes, random candidates -------------------------------------------------------------------------------


def test_hawkes_without_events_is_the_background() -> None:
    likelihood, memory = C.hawkesll(
        nd.array([[2, 3]]), nd.zeros(2), nd.ones(2), nd.zeros((1, 2)), nd.ones((1, 1)), nd.zeros((1, 1)),
        nd.zeros(1), nd.array([4]))
    assert likelihood.asnumpy().tolist() == [-20] and memory.asnumpy().tolist() == [[0, 0]]


def test_hawkes_by_its_definition() -> None:
    """The sum of log intensities at the events, less the integral of the intensity by a fine grid."""
    mu, alpha, beta, memory = 0.7, 0.4, 1.3, 0.6
    times, end = numpy.array([0.5, 1.1, 2.0]), 3.0

    def intensity(t: Any) -> Any:
        since = numpy.asarray(t)[..., None] - times
        kernel = numpy.where(since > 0, numpy.exp(-beta * numpy.maximum(since, 0)), 0).sum(-1)
        return mu + alpha * beta * (memory * numpy.exp(-beta * numpy.asarray(t)) + kernel)

    fine = (numpy.arange(300_000) + 0.5) / 100_000
    expected = numpy.log(intensity(times)).sum() - intensity(fine).mean() * end
    one = nd.ones(1, dtype="float64")
    got, left = C.hawkesll(
        one.reshape((1, 1)) * mu, one * alpha, one * beta, one.reshape((1, 1)) * memory,
        nd.array([[0.5, 0.6, 0.9, 7]], dtype="float64"), nd.zeros((1, 4)), nd.array([3]), one * end)
    assert got.asscalar() == pytest.approx(expected, rel=1e-7)
    assert left.asscalar() == pytest.approx((intensity(end) - mu) / alpha / beta)


def test_rand_zipfian_is_the_originals() -> None:
    """Recorded from MXNet 1.9.1."""
    random.seed(3)
    samples, true, expected = C.rand_zipfian(nd.array([3, 0]), 4, 5)
    assert (samples.dtype, true.dtype, expected.dtype) == (numpy.int64, numpy.float64, numpy.float64)
    assert samples.asnumpy().tolist() == [1, 0, 0, 0]
    numpy.testing.assert_allclose(true.asnumpy(), [0.498155, 1.547411], rtol=1e-5)
    numpy.testing.assert_allclose(expected.asnumpy(), [0.905178, 1.547411, 1.547411, 1.547411], rtol=1e-5)


# control flow -----------------------------------------------------------------------------------------------


def test_foreach_keeps_the_form_of_its_lists() -> None:
    x = nd.array([[1, 2], [3, 4]])
    out, states = C.foreach(lambda a, s: ([a + s[0], [a, [a]]], [a]), x, [nd.zeros(2)])
    assert out[0].asnumpy().tolist() == [[1, 2], [4, 6]]
    assert out[1][0].asnumpy().tolist() == out[1][1][0].asnumpy().tolist() == x.asnumpy().tolist()
    assert [s.asnumpy().tolist() for s in states] == [[3, 4]]
    out, states = C.foreach(lambda a, s: (a[0] + a[1], s), [x, x], [])
    assert out.asnumpy().tolist() == (2 * x).asnumpy().tolist() and states == []
    assert C.foreach(lambda a, s: (a, s), nd.zeros((0, 2)), [])[0] == []


def test_while_loop_gives_zeros_after_the_last_step() -> None:
    out, (i, s) = C.while_loop(
        lambda i, s: i < 3, lambda i, s: ([i, [s]], [i + 1, s + i]), [nd.array([0]), nd.array([1])], 4)
    assert out[0].asnumpy().ravel().tolist() == [0, 1, 2, 0]
    assert out[1][0].asnumpy().ravel().tolist() == [1, 1, 2, 0]
    assert (i.asscalar(), s.asscalar()) == (3, 4)
    out, last = C.while_loop(lambda i: i < 2, lambda i: (None, i + 1), nd.array([0]), 4)
    assert out == [] and last.asscalar() == 2


def test_cond_takes_one_branch() -> None:
    a = nd.array([1])
    assert C.cond(a > 0, lambda: a + 1, lambda: 1 / 0).asscalar() == 2
    assert [v.asscalar() for v in C.cond(a < 0, lambda: 1 / 0, lambda: [a, a])] == [1, 1]


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: C.foreach(lambda a, s: (a, s), 3, []), TypeError, "foreach: data are arrays"),
    (lambda: C.foreach(lambda a, s: (3, s), nd.ones(2), []), TypeError, "foreach: outputs are arrays"),
    (lambda: C.foreach(lambda a, s: (a, s), [nd.ones(2), nd.ones(3)], []), ValueError, "differ in length"),
    (lambda: C.foreach(lambda a, s: ([a] * (1 + len(s)), [*s, a]), nd.ones(2), []), ValueError, "as many"),
    (lambda: C.while_loop(lambda i: True, lambda i: (i, i), nd.ones(1)), TypeError, "max_iterations"),
    (lambda: C.while_loop(lambda: True, lambda: ([], []), [], 3), ValueError, "at least one"),
    (lambda: C.while_loop(lambda i: True, lambda i: (i, [i, i]), nd.ones(1), 3), ValueError, "gave 2 loop"),
    (lambda: C.cond(nd.ones(2), lambda: 1, lambda: 2), ValueError, "ambiguous"),
    (lambda: C.interleaved_matmul_selfatt_qk(nd.ones((3, 2, 12)), heads=5), ValueError, "with 5 heads"),
    (lambda: C.interleaved_matmul_encdec_qk(nd.ones((3, 2, 4)), nd.ones((3, 1, 8)), heads=2), ValueError,
     "differ in batch or size"),
    (lambda: C.interleaved_matmul_encdec_valatt(nd.ones((3, 2, 4)), nd.ones((3, 1, 8)), heads=2), ValueError,
     r"attention has shape \(4, queries, 3\)"),
    (lambda: C.sldwin_atten_score(nd.ones((1, 2, 3)), nd.ones((1, 2, 3)), DILATION, w=1, symmetric=True),
     ValueError, "query has shape"),
    (lambda: C.sldwin_atten_score(
        nd.ones((1, 2, 2, 3)), nd.ones((1, 2, 2, 4)), DILATION, w=1, symmetric=True), ValueError,
     "one shape"),
    (lambda: C.sldwin_atten_score(
        nd.ones((1, 2, 3, 3)), nd.ones((1, 2, 3, 3)), DILATION, w=1, symmetric=True), ValueError,
     "each of 3"),
    (lambda: C.sldwin_atten_score(nd.ones((1, 2, 2, 3)), nd.ones((1, 2, 2, 3)), DILATION, w=1), TypeError,
     "'symmetric' is required"),
    (lambda: C.sldwin_atten_score(
        nd.ones((1, 2, 2, 3)), nd.ones((1, 2, 2, 3)), DILATION, symmetric=True), TypeError,
     "'w' is required"),
    (lambda: C.sldwin_atten_context(
        nd.ones((1, 2, 2, 3)), nd.ones((1, 2, 2, 3)), DILATION, w=2, symmetric=True), ValueError,
     r"heads, 5\)"),
    (lambda: C.sldwin_atten_mask_like(nd.ones((1, 2, 2, 3)), DILATION, DILATION, w=1, symmetric=True),
     ValueError, "valid_length has a number for each of 1"),
    (lambda: C.fft(nd.ones(3)), ValueError, "two or four axes"),
    (lambda: C.fft(nd.ones((3, 0))), ValueError, "last axis of 1 or more"),
    (lambda: C.ifft(nd.ones((3, 3))), ValueError, "in turn"),
    (lambda: C.count_sketch(nd.ones((2, 3)), nd.ones((1, 2)), nd.ones((1, 3)), out_dim=2), ValueError,
     "an element for each"),
    (lambda: C.index_array(nd.ones((2, 3)), axes=(2,)), ValueError, "not all among the 2"),
    (lambda: C.index_array(nd.ones((2, 3)), axes=()), ValueError, "none is chosen"),
    (lambda: C.hawkesll(nd.ones((3, 2)), ONE, ONE, nd.ones((3, 2)), nd.ones((3, 4)), MARKS, ONE, ONE),
     ValueError, r"valid_length has shape \(3,\)"),
    (lambda: C.SyncBatchNorm(nd.ones((3, 2)), ONE, ONE, ONE, ONE), TypeError, "'key' is required"),
    (lambda: C.SyncBatchNorm(nd.ones((3, 2)), ONE, ONE, ONE, ONE, key="k", ndev=2), ValueError, "not 2"),
    (lambda: C.rand_zipfian(nd.ones(2), 0, 5), ValueError, "num_sampled is a whole number"),
    (lambda: C.dynamic_reshape(nd.ones(2), nd.ones((2, 2))), ValueError, "shape has one axis"),
    (lambda: nd.SVMOutput(nd.ones((2, 3)), nd.ones(2), margin=[1]), TypeError, "margin is a number"),
    (lambda: C.gradientmultiplier(nd.ones(2), scalar="2"), TypeError, "scalar is a number"),
    (lambda: nd.IdentityAttachKLSparseReg(nd.ones((2, 3))), TypeError, "moving_avg is needed"),
    (lambda: nd.IdentityAttachKLSparseReg(nd.ones((2, 3)), nd.ones(2)), ValueError, "for each unit"),
])
def test_errors(call: Callable[[], Any], kind: type, text: str) -> None:
    with pytest.raises(MXNetError, match=text) as caught:
        call()
    assert isinstance(caught.value, kind)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "norm" not in n and n not in (
    "sketch", "window attention", "window attention, backwards only", "hawkes", "sparse embedding",
    "dynamic reshape", "while loop", "branch")])
def test_the_device_gives_the_same(name: str) -> None:
    check_device(*FUNCTIONS[name])
