"""np.linalg: norms, inverses, decompositions, solutions of equations."""

from __future__ import annotations

from typing import Any

import numpy

from ..base import InvalidValueError
from ..invoke import F
from ..ops.shape import product
from .array import default_float
from .functions import NP, array_of, axes_of, place, submodule
from .host import on_host


def _float(a: Any, what: str) -> Any:
    a = array_of(a, what)
    return a if a.dtype.kind == "f" else F.cast(a, dtype=default_float())


def _vector_norm(x: Any, order: Any, axis: Any, keepdims: bool) -> Any:
    params = {"axis": axis, "keepdims": keepdims}
    if order is None or order in (1, 2):
        return F.norm(x, ord=order or 2, **params)
    size = F.abs(x)
    if order == numpy.inf:
        return F.max(size, **params)
    if order == -numpy.inf:
        return F.min(size, **params)
    if order == 0:
        return F.sum(F.cast(F.not_equal(x, 0), dtype=x.dtype), **params)
    if not isinstance(order, (int, float)):
        raise InvalidValueError(f"norm: {order!r} is no order of a vector norm")
    total = F.sum(size**order, **params)
    none = F.equal(total, 0)  # the root has no slope there, and the norm's subgradient is 0
    return F.where(none, 0, F.where(none, 1, total) ** (1 / order))


def _matrix_norm(x: Any, order: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    if order in (None, "fro", "f"):
        return F.norm(x, ord=2, axis=axes, keepdims=keepdims)
    row, column = axes
    if order in (1, -1, numpy.inf, -numpy.inf):
        inner, outer = (row, column) if abs(order) == 1 else (column, row)
        sums = F.sum(F.abs(x), axis=inner, keepdims=True)
        out = (F.max if order > 0 else F.min)(sums, axis=outer, keepdims=True)
    elif order in (2, -2, "nuc"):
        values = svdvals(F.moveaxis(x, source=axes, destination=(-2, -1)))
        reduce = {2: F.max, -2: F.min, "nuc": F.sum}[order]
        out = F.reshape(
            reduce(values, axis=-1), shape=tuple(1 if i in axes else n for i, n in enumerate(x.shape))
        )
    else:
        raise InvalidValueError(
            f"norm: {order!r} is no order of a matrix norm; there are 'fro', 'nuc', 1, -1, 2, -2, inf, -inf"
        )
    return out if keepdims else F.reshape(out, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@NP.adapter("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of a vector (one axis), of a matrix (two), or of everything where neither `ord` nor `axis` is
    given.

    Vectors: `ord` None or 2 Euclidean, any other number p the p-norm, 0 the count of non-zeros, inf and -inf
    the largest and smallest size.  Matrices: None or 'fro' Frobenius, 'nuc' the sum of singular values, 2 and
    -2 the largest and smallest of them, 1, -1, inf, -inf sums of columns and rows.  The gradient of a norm at
    the origin is 0.

    >>> from mxgrad import np
    >>> np.linalg.norm(np.array([3, 4]))
    array(5.)
    """
    x = _float(x, "norm")
    if axis is None:
        if ord is None:
            return F.norm(x, ord=2, axis=None, keepdims=keepdims)
        axis = tuple(range(x.ndim))
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, (axes[0], axes[1]), keepdims)
    raise InvalidValueError(f"norm: of one axis or two, not of {len(axes)}; axis={axis}")


@NP.adapter("linalg.vector_norm")
def vector_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm over `axis`, the elements taken as one vector."""
    return _vector_norm(
        _float(x, "vector_norm"), ord, tuple(axis) if isinstance(axis, list) else axis, keepdims
    )


@NP.adapter("linalg.matrix_norm")
def matrix_norm(x: Any, ord: Any = "fro", axis: Any = (-2, -1), keepdims: bool = False) -> Any:
    """The norm of the matrices in the two axes `axis`."""
    x = _float(x, "matrix_norm")
    row, column = axes_of(axis, x.ndim)
    return _matrix_norm(x, ord, (row, column), keepdims)


def _transposed(a: Any) -> Any:
    return F.swapaxes(a, axis1=-1, axis2=-2)


@NP.adapter("linalg.cholesky")
def cholesky(a: Any, upper: bool = False) -> Any:
    """L, lower triangular, with ``L @ L.T = a``; its transpose with `upper`."""
    factor = F.cholesky(_float(a, "cholesky"))
    return _transposed(factor) if upper else factor


@NP.adapter("linalg.qr")
def qr(a: Any, mode: str = "reduced") -> tuple[Any, Any]:
    """Q with orthonormal columns and upper triangular R, ``Q @ R = a``."""
    if mode != "reduced":
        raise InvalidValueError(f"qr: only mode 'reduced' is supported, got {mode!r}")
    q, r = F.qr(_float(a, "qr"))
    return q, r


@NP.adapter("linalg.eigh")
def eigh(a: Any, upper: bool = False) -> tuple[Any, Any]:
    """Eigenvalues, ascending, and eigenvectors, as columns, of symmetric matrices, of which one triangle
    is read.
    """
    a = _float(a, "eigh")
    w, v = F.eigh(_transposed(a) if upper else a)
    return w, v


@NP.adapter("linalg.eigvalsh")
def eigvalsh(a: Any, upper: bool = False) -> Any:
    """Eigenvalues, ascending, of symmetric matrices."""
    return eigh(a, upper)[0]


def _general(what: str, a: Any) -> Any:
    """Eigenvalues (and vectors) of any square matrices, by NumPy on the host."""

    def function(x: numpy.ndarray) -> Any:
        out = getattr(numpy.linalg, what)(x)
        parts = out if what == "eig" else (out,)
        if parts[0].imag.any():
            raise InvalidValueError(
                "the matrix has complex eigenvalues, which arrays cannot hold; use numpy.linalg"
            )
        # from NumPy 2.5 on real ones are complex numbers, too
        real = [numpy.ascontiguousarray(part.real) for part in parts]
        return real if what == "eig" else real[0]

    return on_host(f"linalg.{what}", function, (_float(a, what),), {}, True)


@NP.adapter("linalg.eig")
def eig(a: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors, as columns, of square matrices whose eigenvalues are real.

    Computed by NumPy on the host without a gradient: arrays that are being recorded are refused.  Symmetric
    matrices have `eigh`, which is differentiable.
    """
    w, v = _general("eig", a)
    return w, v


@NP.adapter("linalg.eigvals")
def eigvals(a: Any) -> Any:
    """Eigenvalues of square matrices, where they are real; as `eig`."""
    return _general("eigvals", a)


@NP.adapter("linalg.svd")
def svd(a: Any) -> tuple[Any, Any, Any]:
    """U with orthonormal columns, singular values, falling, and V with orthonormal rows: ``(U * s) @ V =
    a``.
    """
    u, s, vt = F.svd(_float(a, "svd"))
    return u, s, vt


@NP.adapter("linalg.svdvals")
def svdvals(a: Any) -> Any:
    """Singular values, falling."""
    return svd(a)[1]


def _cut(s: Any, rtol: Any, shape: tuple[int, ...]) -> Any:
    """Below it a singular value counts as zero."""
    if rtol is None:
        rtol = max(shape[-2:]) * float(numpy.finfo(s.dtype).eps)
    elif not isinstance(rtol, (int, float)):
        rtol = F.expand_dims(array_of(rtol, "rtol", s._ctx), axis=-1)
    return F.max(s, axis=-1, keepdims=True) * rtol


@NP.adapter("linalg.pinv")
def pinv(a: Any, rtol: Any = None, hermitian: bool = False) -> Any:
    """The pseudo-inverse of Moore and Penrose; singular values below `rtol` times the largest count as
    zero.
    """
    a = _float(a, "pinv")
    u, s, vt = F.svd(a)
    small = F.less_equal(s, _cut(s, rtol, a.shape))
    inverse = F.where(small, 0, 1 / F.where(small, 1, s))
    return F.matmul(_transposed(vt) * F.expand_dims(inverse, axis=-2), _transposed(u))


@NP.adapter("linalg.matrix_rank")
def matrix_rank(M: Any, rtol: Any = None, hermitian: bool = False) -> Any:
    """How many singular values are above `rtol` times the largest: int64."""
    a = _float(M, "matrix_rank")
    if a.ndim < 2:
        return F.cast(F.any(F.not_equal(a, 0)), dtype=numpy.int64)
    s = svdvals(a)
    return F.sum(F.greater(s, _cut(s, rtol, a.shape)), axis=-1)


@NP.adapter("linalg.cond")
def cond(x: Any, p: Any = None) -> Any:
    """The condition number: the norm of a matrix times that of its inverse, or the ratio of its extreme
    singular values.
    """
    x = _float(x, "cond")
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(F.inv(x), p, (-2, -1))


@NP.adapter("linalg.lstsq", arrays=2)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """(x, residuals, rank, singular values) of the least squares solution of ``a @ x = b``.

    residuals, the sums of squares left, is empty unless the columns of `a` are independent and fewer than its
    rows.
    """
    ctx = place((a, b))
    a, b = _float(array_of(a, "lstsq", ctx), "lstsq"), _float(array_of(b, "lstsq", ctx), "lstsq")
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise InvalidValueError(
            f"lstsq: shapes {a.shape} and {b.shape}: a matrix and one row of b for each of its rows"
        )
    rcond = None if rcond in (None, "warn", -1) else rcond
    x = F.matmul(pinv(a, rcond), b)
    rank = matrix_rank(a, rcond)
    rows, columns = a.shape
    if rows > columns and int(rank) == columns:
        left = F.matmul(a, x) - b
        residuals = F.reshape(F.sum(left * left, axis=0), shape=(-1,))
    else:
        residuals = F.fill(a, shape=(0,), dtype=a.dtype, value=0)
    return x, residuals, rank, svdvals(a)


@NP.adapter("linalg.tensorinv")
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of `a` for `tensordot` over its first `ind` axes."""
    a = _float(a, "tensorinv")
    if ind <= 0:
        raise InvalidValueError(f"tensorinv: ind must be positive, got {ind}")
    left, right = a.shape[:ind], a.shape[ind:]
    n = product(right)
    if product(left) != n:
        raise InvalidValueError(f"tensorinv: the axes {left} and {right} must have equally many elements")
    return F.reshape(F.inv(F.reshape(a, shape=(n, n))), shape=right + left)


@NP.adapter("linalg.tensorsolve", arrays=2)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x with ``tensordot(a, x, x.ndim) = b``; `axes` of `a` are moved to its end first."""
    ctx = place((a, b))
    a, b = _float(array_of(a, "tensorsolve", ctx), "tensorsolve"), array_of(b, "tensorsolve", ctx)
    if axes is not None:
        named = axes_of(tuple(axes), a.ndim)
        a = F.transpose(a, axes=tuple(i for i in range(a.ndim) if i not in named) + named)
    shape = a.shape[b.ndim :]
    n = product(shape)
    if a.size != n * n or b.size != n:
        raise InvalidValueError(f"tensorsolve: shapes {a.shape} and {b.shape} are no square system")
    return F.reshape(F.solve(F.reshape(a, shape=(n, n)), F.reshape(b, shape=(n,))), shape=shape)


LinAlgError = numpy.linalg.LinAlgError
__getattr__, __dir__ = submodule("linalg", globals())
