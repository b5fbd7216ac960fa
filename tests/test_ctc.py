"""CTCLoss: gradients by differences, labellings counted by hand, extremes, bad input.  Values as MXNet gives
them are in test_rnn.py.
"""
from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, product
from typing import Any

import numpy
import pytest
from mxgrad import MXNetError, autograd, nd, np, npx
from mxgrad.base import OutOfRangeError
from mxgrad.testing import check_grads


def activations(*shape: int, dtype: str = "float64") -> Any:
    return nd.array(numpy.random.default_rng(4).uniform(-2, 2, shape), dtype=dtype)


def by_counting(x: numpy.ndarray, label: list[int], blank: int) -> float:
    """Minus the logarithm of the summed probabilities of all paths that say `label`, of one sequence."""
    p = numpy.exp(x) / numpy.exp(x).sum(axis=1, keepdims=True)
    total = 0.0
    for path in product(range(x.shape[1]), repeat=len(x)):
        if [k for k, _ in groupby(path) if k != blank] == label:
            total += float(numpy.prod(p[numpy.arange(len(x)), list(path)]))
    return float(-numpy.log(total))


LABELS = {"first": [[1, 2], [1, 1], [2, 0], [0, 0]], "last": [[1, 0], [1, 1], [0, -1], [-1, -1]]}
LENGTHS = {
    "full": {},
    "data": {"data_lengths": nd.array([3, 5, 2, 1]), "use_data_lengths": True},
    "label": {"label_lengths": nd.array([2, 1, 1, 0]), "use_label_lengths": True},
    "both": {"data_lengths": nd.array([4, 3, 1, 0]), "use_data_lengths": True,
             "label_lengths": nd.array([1, 2, 1, 0]), "use_label_lengths": True},
}


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("blank", LABELS)
def test_values_and_gradients(blank: str, lengths: str) -> None:
    x, label, params = activations(5, 4, 3), LABELS[blank], LENGTHS[lengths]
    loss = nd.CTCLoss(x, nd.array(label), blank_label=blank, **params)
    assert loss.shape == (4,) and loss.dtype == numpy.float64
    for n in range(4):
        steps = int(params["data_lengths"][n].asscalar()) if "data_lengths" in params else 5
        count = int(params["label_lengths"][n].asscalar()) if "label_lengths" in params else (2, 2, 1, 0)[n]
        wanted = by_counting(x[:steps, n].asnumpy(), label[n][:count], 0 if blank == "first" else 2)
        assert loss[n].asscalar() == pytest.approx(wanted, rel=1e-10)
    check_grads(lambda x: nd.CTCLoss(x, nd.array(label), blank_label=blank, **params) ** 2, [x])


def test_npx_and_other_names() -> None:
    x, label = activations(4, 2, 3, dtype="float32"), nd.array([[1, 2], [2, 0]])
    expected = nd.CTCLoss(x, label)
    for f in (nd.ctc_loss, nd.contrib.CTCLoss, nd.contrib.ctc_loss):
        assert (f(x, label) == expected).asnumpy().all()
    found = npx.ctc_loss(x.as_np_ndarray(), label.as_np_ndarray().astype("int32"))
    assert type(found) is np.ndarray and (found.asnumpy() == expected.asnumpy()).all()


def test_too_short() -> None:
    """MXNet's loss is then 0; the gradient is 0 too, and that of the others is not disturbed."""
    x, label = activations(3, 2, 3), nd.array([[1, 1, 2], [1, 1, 0]])
    x.attach_grad()
    with autograd.record():
        loss = nd.CTCLoss(x, label)
    loss.backward()
    assert loss[0].asscalar() == 0 and not x.grad[:, 0].asnumpy().any()
    alone = x[:, 1:].copy()
    alone.attach_grad()
    with autograd.record():
        loss = nd.CTCLoss(alone, label[1:])
    loss.backward()
    numpy.testing.assert_allclose(x.grad[:, 1:].asnumpy(), alone.grad.asnumpy(), rtol=1e-12)


def test_labels_after_the_end_do_not_matter() -> None:
    x = activations(4, 1, 3)
    params = {"label_lengths": nd.array([1]), "use_label_lengths": True}
    expected = nd.CTCLoss(x, nd.array([[2, 1]]), **params)
    for rest in (2, -7, 99):
        assert nd.CTCLoss(x, nd.array([[2, rest]]), **params) == expected


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_extremes(dtype: str) -> None:
    """Many steps and large activations: the sum of the logarithms of single steps, no overflow."""
    x = nd.zeros((300, 1, 3), dtype=dtype)
    x[:, :, 1] = 40
    x.attach_grad()
    with autograd.record():
        loss = nd.CTCLoss(x, nd.array([[1]]))
    loss.backward()
    assert loss.dtype == x.grad.dtype == numpy.dtype(dtype)
    assert 0 <= loss.asscalar() < 1e-3 and abs(x.grad.asnumpy()).max() < 1e-3
    # 300 times exp(-40), for each of the 300 * 301 / 2 places the label can fill.
    wanted = 12000 - numpy.log(45150)
    assert nd.CTCLoss(x, nd.array([[2]])).asscalar() == pytest.approx(wanted, rel=1e-3)


def test_impossible_and_nan() -> None:
    x = nd.zeros((3, 2, 3))
    x[:, 0, 2] = -numpy.inf
    x[1, 1, 0] = numpy.nan
    loss = nd.CTCLoss(x, nd.array([[2], [1]])).asnumpy()
    assert loss[0] == numpy.inf and numpy.isnan(loss[1])


X, LABEL = activations(4, 2, 3), nd.array([[1, 2], [1, 0]])


@pytest.mark.parametrize(("call", "words"), [
    (lambda: nd.CTCLoss(X, nd.array([[1, 3], [1, 0]])),
     "CTCLoss: labels are places of 3 classes (called with float64 (4, 2, 3), float32 (2, 2)"),
    (lambda: nd.CTCLoss(X, nd.array([[-1, 1], [1, 0]])), "CTCLoss: labels are places of 3 classes"),
    (lambda: nd.CTCLoss(X, nd.array([1, 2])), "got shapes (4, 2, 3) and (2,)"),
    (lambda: nd.CTCLoss(X, LABEL[:1]), "got shapes (4, 2, 3) and (1, 2)"),
    (lambda: nd.CTCLoss(X[:1], LABEL), "labels of length 2 are too long for 1 steps of 3 classes"),
    (lambda: nd.CTCLoss(X, LABEL, blank_label="middle"), "blank_label is 'first' or 'last', not 'middle'"),
    (lambda: nd.CTCLoss(X, LABEL, use_data_lengths=True), "use_data_lengths=True needs data_lengths"),
    (lambda: nd.CTCLoss(X, LABEL, label_lengths=nd.ones(3), use_label_lengths=True),
     "label_lengths has shape (2,) here, got (3,)"),
    (lambda: nd.CTCLoss(X.astype("int32"), LABEL), "activations are of a float dtype, got int32"),
    (lambda: npx.ctc_loss(np.zeros((4, 2, 3)), np.full((2, 2), 9)),
     "ctc_loss: labels are places of 3 classes"),
])
def test_bad_input(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(MXNetError) as caught:
        call()
    assert words in str(caught.value)
    assert isinstance(caught.value, OutOfRangeError) == ("places" in words)
