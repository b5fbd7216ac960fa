"""nd.linalg: products, triangles and factorisations of matrices, which are the last two axes; the others are
a batch.

The names are those of BLAS and LAPACK.  Gradients exist to every order.
"""
from __future__ import annotations

from typing import Any

from ..base import InvalidValueError
from ..frontend import Namespace
from ..invoke import F
from ..ops.linalg import mT, side
from ..ops.reduce import axes_of
from .functions import ND


def _scaled(a: Any, alpha: float) -> Any:
    return a if alpha == 1 else a * alpha


def _same_batch(a: Any, b: Any) -> None:
    if a.ndim < 2 or a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2]:
        raise ValueError(
            f"matrices of shapes {a.shape} and {b.shape}: all axes but the last two must be the same")


def _product(a: Any, b: Any, transpose_a: bool, transpose_b: bool, alpha: float, axis: int) -> Any:
    """alpha op(a) op(b), rows of the matrices being on `axis`; the result has them next to the columns."""
    if axes_of(axis, a.ndim)[0] != a.ndim - 2:
        a, b = (F.swapaxes(m, axis1=axis, axis2=-2) for m in (a, b))
    _same_batch(a, b)
    return _scaled(F.matmul(a, b, transpose_a=bool(transpose_a), transpose_b=bool(transpose_b)), alpha)


@ND.composed("dot", arrays=2)
def dot(lhs: Any, rhs: Any, transpose_a: bool = False, transpose_b: bool = False, forward_stype: Any = None,
        out: Any = None, name: Any = None) -> Any:
    """Sum of products over the last axis of `lhs` (the first with `transpose_a`) and the first of `rhs` (the
    last with `transpose_b`): inner products of vectors, products of matrices.

    Raises InvalidValueError where the two axes differ in length.  `forward_stype` is accepted: arrays are
    dense.

    >>> from mxgrad import nd
    >>> nd.dot(nd.array([[1, 2], [3, 4]]), nd.array([1, 1])).asnumpy().tolist()
    [3.0, 7.0]
    """
    return F.dot(lhs, rhs, transpose_a=bool(transpose_a), transpose_b=bool(transpose_b))


@ND.composed("batch_dot", arrays=2)
def batch_dot(lhs: Any, rhs: Any, transpose_a: bool = False, transpose_b: bool = False,
              forward_stype: Any = None,
              out: Any = None, name: Any = None) -> Any:
    """Products of matrices, the last two axes of arrays with three or more; the leading axes must be the
    same.
    """
    if lhs.ndim < 3:
        raise ValueError(f"arrays with three axes or more are needed, got {lhs.shape} and {rhs.shape}")
    _same_batch(lhs, rhs)
    return F.matmul(lhs, rhs, transpose_a=bool(transpose_a), transpose_b=bool(transpose_b))


@ND.composed("linalg.gemm linalg_gemm", arrays=3)
def gemm(A: Any, B: Any, C: Any, transpose_a: bool = False, transpose_b: bool = False, alpha: float = 1.0,
         beta: float = 1.0, axis: int = -2, out: Any = None, name: Any = None) -> Any:
    """``alpha * op(A) @ op(B) + beta * C``, op being the transpose where asked for; `axis` is that of the
    rows.
    """
    product = _product(A, B, transpose_a, transpose_b, alpha, axis)
    if axes_of(axis, A.ndim)[0] != A.ndim - 2:
        product = F.swapaxes(product, axis1=axis, axis2=-2)
    return product + _scaled(C, beta)


@ND.composed("linalg.gemm2 linalg_gemm2", arrays=2)
def gemm2(A: Any, B: Any, transpose_a: bool = False, transpose_b: bool = False, alpha: float = 1.0,
          axis: int = -2,
          out: Any = None, name: Any = None) -> Any:
    """``alpha * op(A) @ op(B)``, op being the transpose where asked for; `axis` is that of the rows.

    >>> from mxgrad import nd
    >>> nd.linalg.gemm2(nd.ones((1, 2)), nd.ones((3, 2)), transpose_b=True, alpha=2).asnumpy().tolist()
    [[4.0, 4.0, 4.0]]
    """
    product = _product(A, B, transpose_a, transpose_b, alpha, axis)
    return product if axes_of(axis, A.ndim)[0] == A.ndim - 2 else F.swapaxes(product, axis1=axis, axis2=-2)


@ND.composed("linalg.syrk linalg_syrk")
def syrk(A: Any, transpose: bool = False, alpha: float = 1.0, out: Any = None, name: Any = None) -> Any:
    """``alpha * A @ A.T``, or ``alpha * A.T @ A`` with `transpose`."""
    _same_batch(A, A)
    return _scaled(F.matmul(A, A, transpose_a=bool(transpose), transpose_b=not transpose), alpha)


@ND.composed("linalg.trmm linalg_trmm", arrays=2)
def trmm(A: Any, B: Any, transpose: bool = False, rightside: bool = False, lower: bool = True,
         alpha: float = 1.0, out: Any = None, name: Any = None) -> Any:
    """``alpha * op(T) @ B``, or ``alpha * B @ op(T)`` with `rightside`; T is the lower or upper triangle of
    A.
    """
    side(A)
    _same_batch(A, B)
    T = F.tril(A) if lower else F.triu(A)
    if rightside:
        return _scaled(F.matmul(B, T, transpose_b=bool(transpose)), alpha)
    return _scaled(F.matmul(T, B, transpose_a=bool(transpose)), alpha)


@ND.composed("linalg.trsm linalg_trsm", arrays=2)
def trsm(A: Any, B: Any, transpose: bool = False, rightside: bool = False, lower: bool = True,
         alpha: float = 1.0, out: Any = None, name: Any = None) -> Any:
    """X with ``op(T) @ X = alpha * B``, or ``X @ op(T) = alpha * B`` with `rightside`; T is the lower or
    upper triangle of A.

    >>> from mxgrad import nd
    >>> nd.linalg.trsm(nd.array([[2, 0], [1, 1]]), nd.array([[2], [3]])).asnumpy().tolist()
    [[1.0], [2.0]]
    """
    if rightside:
        X = mT(F, F.solve_triangular(A, mT(F, B), lower=bool(lower), transpose=not transpose))
    else:
        X = F.solve_triangular(A, B, lower=bool(lower), transpose=bool(transpose))
    return _scaled(X, alpha)


@ND.composed("linalg.potri linalg_potri")
def potri(A: Any, out: Any = None, name: Any = None) -> Any:
    """The inverse of B from its Cholesky factor, the lower triangle of A (see `potrf`)."""
    side(A)
    inverse = F.inv(F.tril(A))
    return F.matmul(inverse, inverse, transpose_a=True)


@ND.composed("linalg.sumlogdiag linalg_sumlogdiag")
def sumlogdiag(A: Any, out: Any = None, name: Any = None) -> Any:
    """The sum of the logarithms of the diagonal: half the logarithm of the determinant of ``A @ A.T``, A
    triangular.
    """
    side(A)
    return F.sum(F.log(F.diagonal(A, axis1=-2, axis2=-1)), axis=-1)


@ND.composed("linalg.extractdiag linalg_extractdiag")
def extractdiag(A: Any, offset: int = 0, out: Any = None, name: Any = None) -> Any:
    """The diagonals of square matrices, `offset` above (positive) or below the main one, as a last axis."""
    side(A)
    return F.diagonal(A, offset=offset, axis1=-2, axis2=-1)


@ND.composed("linalg.makediag linalg_makediag")
def makediag(A: Any, offset: int = 0, out: Any = None, name: Any = None) -> Any:
    """Square matrices with the last axis of A on a diagonal, `offset` above (positive) or below the main one.
    """
    n = A.shape[-1] + abs(offset)
    return F.put_diagonal(A, shape=A.shape[:-1] + (n, n), offset=offset, axis1=-2, axis2=-1)


@ND.composed("linalg.gelqf linalg_gelqf")
def gelqf(A: Any, out: Any = None, name: Any = None) -> Any:
    """[Q, L] with ``A = L @ Q``: Q has orthonormal rows, L is lower triangular; A is at least as wide as
    high.
    """
    if A.ndim < 2 or A.shape[-2] > A.shape[-1]:
        raise ValueError(f"matrices at least as wide as high are needed, got shape {A.shape}")
    q, r = F.qr(mT(F, A))
    return mT(F, q), mT(F, r)


@ND.composed("linalg.syevd linalg_syevd")
def syevd(A: Any, out: Any = None, name: Any = None) -> Any:
    """[U, L] with ``A = U.T @ diag(L) @ U``: eigenvectors as rows and ascending eigenvalues of symmetric
    matrices.

    The element of an eigenvector that is largest in size is positive.
    """
    w, v = F.eigh(A)
    u = mT(F, v)
    largest = F.take_along_axis(u, F.argmax(F.abs(u), axis=-1, keepdims=True), axis=-1)
    return u * F.sign(largest), w


@ND.adapter("khatri_rao", arrays="*")
def khatri_rao(*args: Any, out: Any = None, name: Any = None) -> Any:
    """Kronecker products of the matrices' columns, which are equally many: the heights multiply.

    >>> from mxgrad import nd
    >>> nd.khatri_rao(nd.array([[1, -1], [2, -3]]), nd.array([[1, 4], [2, 5]])).asnumpy().tolist()
    [[1.0, -4.0], [2.0, -5.0], [2.0, -12.0], [4.0, -15.0]]
    """
    shapes = [ND.array(a, "args").shape for a in args]
    if not args or any(len(s) != 2 or s[1] != shapes[0][1] for s in shapes):
        raise InvalidValueError(f"khatri_rao: matrices of one width are needed, got shapes {shapes}")
    result = args[0]
    for a in args[1:]:
        result = F.reshape(F.expand_dims(result, axis=1) * F.expand_dims(a, axis=0), shape=(-1, a.shape[1]))
    return ND.deliver(result, out, "khatri_rao")


_functions = Namespace(ND, "linalg")


def __getattr__(name: str) -> Any:
    return getattr(_functions, name)


def __dir__() -> list[str]:
    return dir(_functions)
