"""nd.dot, nd.linalg and their kin: values, errors and gradients of MXNet 1.9.1; gradients by differences."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from mxgrad import autograd, nd
from mxgrad.base import InvalidValueError
from mxgrad.invoke import F
from mxgrad.testing import check_grads
from nd_recorded import compare, recorded


def normal(*shape: int) -> Any:
    return nd.array(numpy.random.default_rng(5).standard_normal(shape), dtype="float64")


def spd(x: Any) -> Any:
    """A symmetric positive definite matrix made of any, with separate eigenvalues."""
    far = nd.diag(nd.arange(1, x.shape[-1] + 1).astype("float64"))
    return nd.linalg.syrk(x) + far


@recorded("linalg", "gradients linalg")
def test_as_recorded(kind: str, expression: str, expected: Any) -> None:
    compare(kind, expression, expected)


FUNCTIONS = {
    "potrf": lambda x: nd.linalg.potrf(spd(x)), "potri": lambda x: nd.linalg.potri(nd.linalg.potrf(spd(x))),
    "syevd, values": lambda x: nd.linalg.syevd(spd(x))[1],
    "syevd, vectors": lambda x: nd.linalg.syevd(spd(x))[0],
    "gelqf, q": lambda x: nd.linalg.gelqf(x)[0], "gelqf, l": lambda x: nd.linalg.gelqf(x[:, :2])[1],
    "sumlogdiag": lambda x: nd.linalg.sumlogdiag(nd.linalg.potrf(spd(x))),
    "inverse": lambda x: nd.linalg.inverse(spd(x)),
    "slogdet": lambda x: nd.linalg.slogdet(x)[1], "det": nd.linalg.det,
    "trsm": lambda x: nd.linalg.trsm(spd(x), x, transpose=True, rightside=True, lower=False, alpha=3),
    "trmm": lambda x: nd.linalg.trmm(x, x * x, transpose=True, rightside=True, alpha=0.5),
    "gemm": lambda x: nd.linalg.gemm(x, x, x, transpose_a=True, alpha=2, beta=3),
    "gemm2, rows first": lambda x: nd.linalg.gemm2(x, x * x, transpose_b=True, axis=-3),
    "makediag": lambda x: nd.linalg.makediag(x, offset=-2),
    "extractdiag": lambda x: nd.linalg.extractdiag(x, offset=1),
    "maketrian": lambda x: nd.linalg.maketrian(x.reshape((2, -1))[:, :6], lower=False),
    "extracttrian": lambda x: nd.linalg.extracttrian(x, lower=False),
    "khatri_rao": lambda x: nd.khatri_rao(x[0], x[1], x[0]),
    "batch_dot": lambda x: nd.batch_dot(x, x * x, transpose_b=True),
    "dot": lambda x: nd.dot(x, x, transpose_b=True),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_gradients(function: Callable[[Any], Any]) -> None:
    check_grads(function, [normal(2, 3, 3)])


def test_the_determinant_of_a_singular_matrix() -> None:
    x = nd.array([[1, 2], [2, 4]])
    x.attach_grad()
    with autograd.record():
        y = nd.linalg.det(x)
    y.backward()
    numpy.testing.assert_allclose(x.grad.asnumpy(), [[4, -2], [-2, 1]], rtol=1e-6)


def test_equal_eigenvalues() -> None:
    """Their values have gradients, and what does not exist of the vectors' is left out."""
    x = nd.diag(nd.array([2, 2, 1]))
    x.attach_grad()
    with autograd.record():
        u, w = nd.linalg.syevd(x)
        y = (w * w).sum() + 0 * u.sum()
    y.backward()
    numpy.testing.assert_allclose(x.grad.asnumpy(), numpy.diag([4, 4, 2]), atol=1e-6)


def test_factors_multiply_back() -> None:
    x = normal(2, 3, 3)
    s = spd(x)
    low = nd.linalg.potrf(s)
    u, w = nd.linalg.syevd(s)
    q, low_q = nd.linalg.gelqf(x[:, :2])
    for got, wanted in (
        (nd.linalg.syrk(low), s), (nd.batch_dot(low, nd.linalg.trsm(low, x)), x),
        (nd.batch_dot(nd.batch_dot(u, nd.linalg.makediag(w), transpose_a=True), u), s),
        (nd.batch_dot(low_q, q), x[:, :2]), (nd.linalg.maketrian(nd.linalg.extracttrian(low)), low),
        (nd.batch_dot(nd.linalg.potri(low), s), nd.stack(nd.eye(3), nd.eye(3))),
    ):
        numpy.testing.assert_allclose(got.asnumpy(), wanted.asnumpy(), atol=1e-12)


def test_half_precision() -> None:
    x = nd.array([[4, 1], [1, 3]], dtype="float16")
    for f in (nd.linalg.potrf, nd.linalg.inverse, nd.linalg.det, lambda a: nd.linalg.syevd(a)[1]):
        assert f(x).dtype is numpy.float16
    numpy.testing.assert_allclose(nd.linalg.det(x).asscalar(), 11, rtol=1e-3)


@pytest.mark.parametrize(("call", "words"), [
    (lambda a: nd.dot(a, a), "dot shape error: [2, 3] X [2, 3]"),
    (lambda a: nd.linalg.gemm2(a, a), "the rows of the first have length 3, the columns of the second 2"),
    (lambda a: nd.batch_dot(a, a), "arrays with three axes or more are needed"),
    (lambda a: nd.linalg.potrf(a), "square matrices are needed, the array has shape (2, 3)"),
    (lambda a: nd.linalg.potrf(-nd.eye(2)), "not positive definite"),
    (lambda a: nd.linalg.inverse(nd.ones((2, 2))), "Singular matrix"),
    (lambda a: nd.linalg.trsm(nd.eye(2), nd.ones((3, 2))), "do not fit the right hand sides (3, 2)"),
    (lambda a: nd.linalg.maketrian(a[:, :2]), "a triangle has 1, 3, 6, 10, ... elements"),
    (lambda a: nd.linalg.gelqf(nd.ones((3, 2))), "at least as wide as high"),
    (lambda a: nd.khatri_rao(a, nd.ones((2, 2))), "matrices of one width are needed"),
    (lambda a: F.einsum(a, subscripts="ij,jk->ik"), "name 2 operands, given 1"),
    (lambda a: F.tensordot(a, a, axes=((0,), (1,))), "do not fit"),
    (lambda a: F.tensordot(a, a, axes=3), "cannot sum over 3 axes of arrays with 2 and 2"),
])
def test_bad_input(call: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        call(nd.ones((2, 3)))
    assert words in str(caught.value)


def test_names() -> None:
    assert "det" in dir(nd.linalg) and nd.linalg_gemm2 is nd.linalg.gemm2
    with pytest.raises(AttributeError, match="gemm2"):
        nd.linalg.gemm3     # noqa: B018
