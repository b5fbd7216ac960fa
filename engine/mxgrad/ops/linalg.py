"""Products of arrays, diagonals and triangles, factorisations.

Matrices are the last two axes, the others are a batch.  Gradients of the factorisations follow M. Giles, "An
extended collection of matrix derivative results" (2008), and I. Murray, "Differentiation of the Cholesky
decomposition" (2016).
"""
from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters
from numbers import Integral
from typing import Any

from ..registry import register
from .reduce import axes_of
from .shape import product

# products ---------------------------------------------------------------------------------------------------


def mT(F: Any, a: Any) -> Any:
    """Matrices transposed."""
    return F.swapaxes(a, axis1=-1, axis2=-2)


def _matmul(xp: Any, a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """Matrix product of the last two axes, transposed before where asked for, broadcast over the others; an
    array of one axis is a row on the left and a column on the right.
    """
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("matmul needs arrays of at least one axis; multiply by a scalar with *")
    a = xp.swapaxes(a, -1, -2) if transpose_a else a
    b = xp.swapaxes(b, -1, -2) if transpose_b else b
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ValueError(
            f"matrices do not fit: the rows of the first have length {a.shape[-1]}, the columns of the "
                         f"second {inner}")
    return xp.matmul(a, b)


def _matmul_da(
    F: Any, g: Any, y: Any, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False,
) -> Any:
    if len(a.shape) == 1 and len(b.shape) == 1:
        return g * b
    if len(b.shape) == 1:
        return _outer(F, b, g) if transpose_a else _outer(F, g, b)
    if len(a.shape) == 1:
        rows = F.matmul(F.expand_dims(g, axis=-2), b, transpose_b=not transpose_b)
        return F.reshape(rows, shape=tuple(g.shape[:-1]) + tuple(a.shape))
    if transpose_a:
        return F.matmul(b, g, transpose_a=transpose_b, transpose_b=True)
    return F.matmul(g, b, transpose_b=not transpose_b)


def _matmul_db(
    F: Any, g: Any, y: Any, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False,
) -> Any:
    if len(a.shape) == 1 and len(b.shape) == 1:
        return g * a
    if len(a.shape) == 1:
        return _outer(F, g, a) if transpose_b else _outer(F, a, g)
    if len(b.shape) == 1:
        columns = F.matmul(a, F.expand_dims(g, axis=-1), transpose_a=not transpose_a)
        return F.reshape(columns, shape=tuple(a.shape[:-2]) + tuple(b.shape))
    if transpose_b:
        return F.matmul(g, a, transpose_a=True, transpose_b=transpose_a)
    return F.matmul(a, g, transpose_a=not transpose_a)


def _outer(F: Any, a: Any, b: Any) -> Any:
    return F.expand_dims(a, axis=-1) * F.expand_dims(b, axis=-2)


register("matmul", _matmul, _matmul_da, _matmul_db, keeps="1|0", broadcasts=True, result="same")


def _dot(xp: Any, a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """Sum over the last axis of `a` (the first with `transpose_a`) and the first of `b` (the last with
    `transpose_b`); the product where one of them is a number without axes.
    """
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    left, right = 0 if transpose_a else a.ndim - 1, b.ndim - 1 if transpose_b else 0
    if a.shape[left] != b.shape[right]:
        raise ValueError(f"dot shape error: {list(a.shape)} X {list(b.shape)}")
    if a.ndim <= 2 and b.ndim <= 2:
        return xp.dot(a.T if transpose_a else a, b.T if transpose_b else b)
    return xp.tensordot(a, b, ((left,), (right,)))


def _dot_da(F: Any, g: Any, y: Any, a: Any, b: Any, transpose_a: bool = False,
            transpose_b: bool = False) -> Any:
    na, nb = len(a.shape), len(b.shape)
    if na == 0 or nb == 0:
        return g * b if nb == 0 else F.sum(g * b)
    if na == 2 and nb == 2:
        if transpose_a:
            return F.dot(b, g, transpose_a=transpose_b, transpose_b=True)
        return F.dot(g, b, transpose_b=not transpose_b)
    if nb == 2 and not transpose_a:
        return F.dot(g, b, transpose_b=not transpose_b)
    free = tuple(range(nb - 1)) if transpose_b else tuple(range(1, nb))
    da = F.tensordot(g, b, axes=(tuple(range(na - 1, na + nb - 2)), free))
    return F.moveaxis(da, source=-1, destination=0) if transpose_a and na > 1 else da


def _dot_db(F: Any, g: Any, y: Any, a: Any, b: Any, transpose_a: bool = False,
            transpose_b: bool = False) -> Any:
    na, nb = len(a.shape), len(b.shape)
    if na == 0 or nb == 0:
        return g * a if na == 0 else F.sum(g * a)
    if na == 2 and nb == 2:
        if transpose_b:
            return F.dot(g, a, transpose_a=True, transpose_b=transpose_a)
        return F.dot(a, g, transpose_a=not transpose_a)
    if nb == 2 and not transpose_a:      # as one product of matrices
        a, g = (F.reshape(v, shape=(product(v.shape[:-1]), v.shape[-1])) for v in (a, g))
        return _dot_db(F, g, y, a, b, transpose_b=transpose_b)
    free = tuple(range(1, na)) if transpose_a else tuple(range(na - 1))
    db = F.tensordot(a, g, axes=(free, tuple(range(na - 1))))
    return F.moveaxis(db, source=0, destination=-1) if transpose_b and nb > 1 else db


register("dot", _dot, _dot_da, _dot_db, keeps="1|0", result="same")


def _tensordot(xp: Any, a: Any, b: Any, *, axes: Any = 2) -> Any:
    """Sum of products over `axes`: a number of last axes of `a` and first axes of `b`, or two lists of axes.
    """
    left, right = _axes_pair(axes, a.ndim, b.ndim)
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(
            f"shape-mismatch for sum: the axes {axes} of shapes {a.shape} and {b.shape} do not fit")
    return xp.tensordot(a, b, (left, right))


def _axes_pair(axes: Any, na: int, nb: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, Integral):
        n = int(axes)
        if not 0 <= n <= min(na, nb):
            raise ValueError(f"cannot sum over {n} axes of arrays with {na} and {nb}")
        return tuple(range(na - n, na)), tuple(range(n))
    left, right = axes
    return axes_of(left, na), axes_of(right, nb)


def _tensordot_da(F: Any, g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    na, nb = len(a.shape), len(b.shape)
    left, right = _axes_pair(axes, na, nb)
    free_a = [i for i in range(na) if i not in left]
    free_b = [i for i in range(nb) if i not in right]
    ct = F.tensordot(g, b, axes=(tuple(range(len(free_a), len(free_a) + len(free_b))), tuple(free_b)))
    # ct has a's free axes, then b's contracted ones in b's order.
    order = free_a + [left[right.index(i)] for i in sorted(right)]
    return F.transpose(ct, axes=tuple(order.index(i) for i in range(na)))


def _tensordot_db(F: Any, g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    na, nb = len(a.shape), len(b.shape)
    left, right = _axes_pair(axes, na, nb)
    free_a = [i for i in range(na) if i not in left]
    free_b = [i for i in range(nb) if i not in right]
    ct = F.tensordot(a, g, axes=(tuple(free_a), tuple(range(len(free_a)))))
    order = [right[left.index(i)] for i in sorted(left)] + free_b
    return F.transpose(ct, axes=tuple(order.index(i) for i in range(nb)))


register("tensordot", _tensordot, _tensordot_da, _tensordot_db, keeps="1|0", result="same")


def _einsum(xp: Any, *operands: Any, subscripts: str) -> Any:
    """Sum of products in Einstein's notation: 'ij,jk->ik' is the matrix product.

    Without '->' the result has the letters that occur once, in alphabetical order; '...' stands for any
    further axes, which broadcast.
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"subscripts is a string like 'ij,jk->ik', got {subscripts!r}")
    if subscripts.count(",") + 1 != len(operands):
        raise ValueError(
            f"subscripts {subscripts!r} name {subscripts.count(',') + 1} operands, given {len(operands)}")
    if len(operands) == 1:
        return xp.einsum(subscripts, operands[0]).copy()        # it may be a view
    return xp.einsum(subscripts, *operands, optimize=True)


def _einsum_terms(subscripts: str, ndims: list[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters in place of '...' and an implied result."""
    text = subscripts.replace(" ", "")
    given, arrow, result = text.partition("->")
    terms = given.split(",")
    spare = "".join(c for c in ascii_letters if c not in text)
    used = 0
    for i, term in enumerate(terms):
        if "..." in term:
            n = ndims[i] - len(term) + 3
            used = max(used, n)
            # The last axes under '...' are those with the first spare letters.
            terms[i] = term.replace("...", spare[:n][::-1])
    if arrow:
        result = result.replace("...", spare[:used][::-1])
    else:
        letters = given.replace("...", "").replace(",", "")
        result = spare[:used][::-1] + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return terms, result


def _einsum_rule(i: int) -> Callable[..., Any]:
    """The cotangent of operand `i`: its letters from the cotangent of the result and the other operands."""
    def rule(F: Any, g: Any, y: Any, *xs: Any, subscripts: str) -> Any:
        terms, result = _einsum_terms(subscripts, [len(x.shape) for x in xs])
        mine, shape = terms[i], xs[i].shape
        values = [x for k, x in enumerate(xs) if k != i] + [g]
        labels = [t for k, t in enumerate(terms) if k != i] + [result]
        spare = iter(c for c in ascii_letters if c not in "".join(terms))
        lengths: dict[str, int] = {}
        for value, label in zip(values, labels):
            for letter, n in zip(label, value.shape):
                lengths[letter] = max(n, lengths.get(letter, 1))
        target = ""
        for letter, n in zip(mine, shape):
            place = letter
            if letter in target:
                # A repeated letter reads the diagonal: the cotangent lies there and is zero elsewhere.
                place = next(spare)
                values.append(F.put_diagonal(F.fill(g, shape=(n,), dtype=g.dtype, value=1), shape=(n, n)))
                labels.append(letter + place)
            elif letter not in lengths or lengths[letter] < n:
                # The operand was summed over this axis alone: every place gets the same.
                values.append(F.fill(g, shape=(n,), dtype=g.dtype, value=1))
                labels.append(letter)
            target += place
        return F.einsum(*values, subscripts=",".join(labels) + "->" + target)
    return rule


register("einsum", _einsum, _einsum_rule, broadcasts=True, result="same")

# diagonals and triangles ------------------------------------------------------------------------------------


def _diagonal(xp: Any, a: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the planes of `axis1` and `axis2`, as a last axis; `offset` is above (positive) or
    below.
    """
    _plane(axis1, axis2, a.ndim)
    return xp.diagonal(a, offset, axis1, axis2).copy()


def _plane(axis1: int, axis2: int, ndim: int) -> tuple[int, ...]:
    if ndim < 2:
        raise ValueError(f"a diagonal needs two axes, the array has {ndim}")
    return axes_of((axis1, axis2), ndim)


register("diagonal", _diagonal,
         lambda F, g, y, a, offset=0, axis1=0, axis2=1:
         F.put_diagonal(g, shape=a.shape, offset=offset, axis1=axis1, axis2=axis2), keeps="")


def _put_diagonal(xp: Any, v: Any, *, shape: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros of `shape` with `v` on a diagonal: the adjoint of `diagonal`."""
    plane = _plane(axis1, axis2, len(shape))
    rows, columns = shape[plane[0]], shape[plane[1]]
    rest = tuple(n for i, n in enumerate(shape) if i not in plane)
    flat = xp.zeros(rest + (rows * columns,), v.dtype)
    first, n = offset if offset > 0 else -offset * columns, v.shape[-1]
    flat[..., first:first + n * (columns + 1):columns + 1] = v
    return xp.moveaxis(flat.reshape(rest + (rows, columns)), (-2, -1), plane)


register("put_diagonal", _put_diagonal,
         lambda F, h, y, v, shape, offset=0, axis1=0, axis2=1:
         F.diagonal(h, offset=offset, axis1=axis1, axis2=axis2), keeps="")


def _diag(xp: Any, v: Any, *, k: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Of one axis, the matrix with `v` on its `k`-th diagonal; of more, the `k`-th diagonals of the planes of
    `axis1` and `axis2`, as a last axis.
    """
    if v.ndim == 1:
        return _put_diagonal(xp, v, shape=(v.shape[0] + abs(k),) * 2, offset=k)
    return _diagonal(xp, v, offset=k, axis1=axis1, axis2=axis2)


def _diag_dv(F: Any, g: Any, y: Any, v: Any, k: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    if len(v.shape) == 1:
        return F.diagonal(g, offset=k)
    return F.put_diagonal(g, shape=v.shape, offset=k, axis1=axis1, axis2=axis2)


register("diag", _diag, _diag_dv, keeps="", nd="diag", nd_arrays=("data",))


def _tril(xp: Any, m: Any, *, k: int = 0) -> Any:
    """The matrices with zeros above the `k`-th diagonal."""
    return xp.tril(m, k)


def _triu(xp: Any, m: Any, *, k: int = 0) -> Any:
    """The matrices with zeros below the `k`-th diagonal."""
    return xp.triu(m, k)


def _triangle_rule(name: str) -> Callable[..., Any]:
    def rule(F: Any, g: Any, y: Any, m: Any, k: int = 0) -> Any:
        g = getattr(F, name)(g, k=k)
        return F.sum_to(g, shape=m.shape) if len(m.shape) == 1 else g   # one row serves for all

    return rule


register("tril", _tril, _triangle_rule("tril"), keeps="")
register("triu", _triu, _triangle_rule("triu"), keeps="")


def _triangle_places(xp: Any, n: int, offset: int, lower: bool) -> Any:
    """Where in a flattened n x n matrix the elements of a triangle are: by rows if lower, by columns if
    upper.
    """
    m = n - abs(offset)
    p = xp.arange(m * (m + 1) // 2)
    i = ((xp.sqrt(8.0 * p + 1) - 1) / 2).astype("int64")       # the last i with i (i + 1) / 2 <= p
    j = p - i * (i + 1) // 2
    if offset > 0 or offset == 0 and not lower:
        return j * n + i + offset
    return (i - offset) * n + j


def _pack_triangle(xp: Any, a: Any, *, offset: int = 0, lower: bool = True) -> Any:
    """The elements of a triangle of square matrices in one axis: lower ones by rows, upper ones by columns.

    `offset` is the diagonal the triangle ends at, positive for upper and negative for lower ones; `lower`
    decides where it is 0.
    """
    n = side(a)
    if abs(offset) > n:
        raise ValueError(f"offset {offset} is outside matrices of {n} x {n}")
    return a.reshape(a.shape[:-2] + (n * n,))[..., _triangle_places(xp, n, offset, lower)]


register("pack_triangle", _pack_triangle,
         lambda F, g, y, a, offset=0, lower=True: F.unpack_triangle(g, offset=offset, lower=lower), keeps="",
         nd="linalg.extracttrian linalg_extracttrian", nd_arrays=("A",))


def _unpack_triangle(xp: Any, v: Any, *, offset: int = 0, lower: bool = True) -> Any:
    """Square matrices with a triangle filled from the last axis and zeros elsewhere: undoes `pack_triangle`.
    """
    total = v.shape[-1] if v.ndim else 0
    m = int(((8 * total + 1) ** 0.5 - 1) / 2)
    if m == 0 or m * (m + 1) // 2 != total:
        raise ValueError(
            f"a triangle has 1, 3, 6, 10, ... elements, the last axis of shape {v.shape} does not")
    n = m + abs(offset)
    out = xp.zeros(v.shape[:-1] + (n * n,), v.dtype)
    out[..., _triangle_places(xp, n, offset, lower)] = v
    return out.reshape(v.shape[:-1] + (n, n))


register("unpack_triangle", _unpack_triangle,
         lambda F, h, y, v, offset=0, lower=True: F.pack_triangle(h, offset=offset, lower=lower), keeps="",
         nd="linalg.maketrian linalg_maketrian", nd_arrays=("A",))

# factorisations ---------------------------------------------------------------------------------------------


def side(a: Any) -> int:
    """The height and width of square matrices; ValueError for other shapes."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"square matrices are needed, the array has shape {tuple(a.shape)}")
    return int(a.shape[-1])


def _single(xp: Any, a: Any) -> Any:
    """`a` as LAPACK takes it: half precision is computed in single."""
    return a.astype("float32") if a.dtype == "float16" else a


def _svd_of(xp: Any, a: Any, full_matrices: bool) -> Any:
    """The decomposition; nan for a matrix with an element that is not finite, which LAPACK refuses, or
    searches for ever.
    """
    a = _single(xp, a)
    finite = xp.isfinite(a).all(axis=(-2, -1), keepdims=True)
    u, s, vt = xp.linalg.svd(xp.where(finite, a, 0), full_matrices=full_matrices)
    return xp.where(finite, u, xp.nan), xp.where(finite[..., 0], s, xp.nan), xp.where(finite, vt, xp.nan)


def _inv(xp: Any, a: Any) -> Any:
    """Inverse matrices."""
    side(a)
    return xp.linalg.inv(_single(xp, a)).astype(a.dtype)


register("inv", _inv, lambda F, g, y, a: -F.matmul(y, F.matmul(g, y, transpose_b=True), transpose_a=True),
         keeps="y", result="float", nd="linalg.inverse linalg_inverse", np="linalg.inv", nd_arrays=("A",))


def _det(xp: Any, a: Any) -> Any:
    """Determinants."""
    side(a)
    return xp.linalg.det(_single(xp, a)).astype(a.dtype)


def _wide(F: Any, g: Any) -> Any:
    """A number per matrix, as it multiplies matrices."""
    return F.reshape(g, shape=tuple(g.shape) + (1, 1))


register("det", _det, lambda F, g, y, a: _wide(F, g) * F.cofactor(a), result="float",
         nd="linalg.det linalg_det", np="linalg.det", nd_arrays=("A",))


def _cofactor(xp: Any, a: Any) -> Any:
    """det(a) times the transposed inverse, for singular matrices too: by singular values."""
    n = side(a)
    if n == 0:
        return a.copy()
    u, s, vt = _svd_of(xp, a, full_matrices=True)
    others = xp.prod(xp.where(xp.eye(n, dtype=bool), 1, s[..., None, :]), axis=-1)
    sign = xp.rint(xp.linalg.det(u) * xp.linalg.det(vt))
    return ((u * (sign[..., None] * others)[..., None, :]) @ vt).astype(a.dtype)


def _cofactor_da(F: Any, g: Any, y: Any, a: Any) -> Any:
    inverse = F.inv(a)
    along = F.sum(g * y, axis=(-2, -1), keepdims=True) * mT(F, inverse)
    return along - F.matmul(F.matmul(y, g, transpose_b=True), inverse, transpose_b=True)


register("cofactor", _cofactor, _cofactor_da, keeps="xy", result="float")


def _slogdet(xp: Any, a: Any) -> Any:
    """Signs and logarithms of the absolute values of determinants: two arrays."""
    side(a)
    sign, logabsdet = xp.linalg.slogdet(_single(xp, a))
    return xp.asarray(sign, a.dtype), xp.asarray(logabsdet, a.dtype)


register("slogdet", _slogdet, joint=lambda F, gs, ys, a: (_wide(F, gs[1]) * mT(F, F.inv(a)),), keeps="x",
         nd="linalg.slogdet linalg_slogdet", np="linalg.slogdet", nd_arrays=("A",))


def _solve(xp: Any, a: Any, b: Any) -> Any:
    """x with ``a @ x = b``; with one axis less than `a`, `b` is a vector for each matrix."""
    side(a)
    if b.ndim == a.ndim - 1:
        return xp.linalg.solve(_single(xp, a), _single(xp, b)[..., None])[..., 0].astype(a.dtype)
    return xp.linalg.solve(_single(xp, a), _single(xp, b)).astype(a.dtype)


def _solve_db(F: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return F.sum_to(F.solve(mT(F, a), g), shape=b.shape)


def _solve_da(F: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    back = F.solve(mT(F, a), g)
    if len(b.shape) == len(a.shape) - 1:
        return F.sum_to(-F.expand_dims(back, axis=-1) * F.expand_dims(y, axis=-2), shape=a.shape)
    return F.sum_to(-F.matmul(back, y, transpose_b=True), shape=a.shape)


register("solve", _solve, _solve_da, _solve_db, keeps="0y", result="float", np="linalg.solve")


def _solve_triangular(xp: Any, a: Any, b: Any, *, lower: bool = True, transpose: bool = False) -> Any:
    """x with ``t @ x = b``, t the lower or upper triangle of `a`, transposed if asked for."""
    side(a)
    if b.ndim != a.ndim or b.shape[:-1] != a.shape[:-1]:
        raise ValueError(
            f"matrices of shape {tuple(a.shape)} do not fit the right hand sides {tuple(b.shape)}")
    t = _triangle(xp, _single(xp, a), lower)
    return xp.linalg.solve(xp.swapaxes(t, -1, -2) if transpose else t, _single(xp, b)).astype(a.dtype)


def _triangle(F: Any, a: Any, lower: bool) -> Any:
    return F.tril(a) if lower else F.triu(a)


def _solve_triangular_da(
    F: Any, g: Any, y: Any, a: Any, b: Any, lower: bool = True, transpose: bool = False,
) -> Any:
    back = F.solve_triangular(a, g, lower=lower, transpose=not transpose)
    left, right = (y, back) if transpose else (back, y)
    return -_triangle(F, F.matmul(left, right, transpose_b=True), lower)


register("solve_triangular", _solve_triangular, _solve_triangular_da,
         lambda F, g, y, a, b, lower=True, transpose=False:
         F.solve_triangular(a, g, lower=lower, transpose=not transpose), keeps="0y", result="float")


def _cholesky(xp: Any, a: Any) -> Any:
    """Lower triangular L with ``L @ L.T = a``, for symmetric positive definite matrices.

    Only the lower triangle is read; the gradient is symmetric.
    """
    side(a)
    return xp.linalg.cholesky(_single(xp, a)).astype(a.dtype)


def _cholesky_da(F: Any, g: Any, y: Any, a: Any) -> Any:
    # Murray's equation 9: L^-T phi(L^T g) L^-1, made symmetric; phi is the lower triangle with half its
    # diagonal.
    inner = F.matmul(y, g, transpose_a=True)
    phi = (F.tril(inner) + F.tril(inner, k=-1)) * 0.5
    right = F.solve_triangular(y, mT(F, phi), transpose=True)       # (phi L^-1)^T
    whole = F.solve_triangular(y, mT(F, right), transpose=True)
    return (whole + mT(F, whole)) * 0.5


register("cholesky", _cholesky, _cholesky_da, keeps="y", result="float", nd="linalg.potrf linalg_potrf",
         nd_arrays=("A",))


def _eigh(xp: Any, a: Any) -> Any:
    """Eigenvalues, ascending, and eigenvectors, as columns, of symmetric matrices: two arrays.

    Only the lower triangle is read; the gradient is symmetric, and that of the eigenvectors leaves out what
    is between equal eigenvalues, where it does not exist.
    """
    side(a)
    w, v = xp.linalg.eigh(_single(xp, a))
    return w.astype(a.dtype), v.astype(a.dtype)


def _eigh_joint(F: Any, gs: Any, ys: Any, a: Any) -> Any:
    w, v = ys
    gap = F.expand_dims(w, axis=-2) - F.expand_dims(w, axis=-1)
    same = F.equal(gap, 0)
    mixing = F.where(same, 0, F.matmul(v, gs[1], transpose_a=True) / F.where(same, 1, gap))
    n = a.shape[-1]
    inner = mixing + F.put_diagonal(gs[0], shape=tuple(a.shape[:-2]) + (n, n), axis1=-2, axis2=-1)
    whole = F.matmul(F.matmul(v, inner), v, transpose_b=True)
    return ((whole + mT(F, whole)) * 0.5,)


register("eigh", _eigh, joint=_eigh_joint, keeps="y")


def _qr(xp: Any, a: Any) -> Any:
    """Q with orthonormal columns and upper triangular R, ``Q @ R = a``: two arrays, k = min(rows, columns)
    wide.
    """
    if a.ndim < 2:
        raise ValueError(f"matrices are needed, the array has shape {tuple(a.shape)}")
    q, r = xp.linalg.qr(_single(xp, a))
    return q.astype(a.dtype), r.astype(a.dtype)


def _qr_joint(F: Any, gs: Any, ys: Any, a: Any) -> Any:
    (gq, gr), (q, r) = gs, ys
    rows, columns = a.shape[-2:]
    if rows >= columns:
        return (_qr_tall(F, gq, gr, q, r),)
    # [a1 a2] = q [r1 r2] with a1 square: q and r1 come from a1, and r2 = q^T a2.
    lead = (Ellipsis, slice(None), slice(None, rows))
    tail = (Ellipsis, slice(None), slice(rows, None))
    gr2 = F.getitem(gr, key=tail)
    a2 = F.matmul(q, F.getitem(r, key=tail))
    da1 = _qr_tall(F, gq + F.matmul(a2, gr2, transpose_b=True), F.getitem(gr, key=lead), q,
                   F.getitem(r, key=lead))
    return (F.concatenate(da1, F.matmul(q, gr2), axis=-1),)


def _qr_tall(F: Any, gq: Any, gr: Any, q: Any, r: Any) -> Any:
    m = F.matmul(r, gr, transpose_b=True) - F.matmul(gq, q, transpose_a=True)
    sym = F.tril(m) + mT(F, F.tril(m, k=-1))
    return mT(F, F.solve_triangular(r, mT(F, gq + F.matmul(q, sym)), lower=False))


register("qr", _qr, joint=_qr_joint, keeps="y")


def _svd(xp: Any, a: Any) -> Any:
    """U with orthonormal columns, the singular values, falling, and V^T with orthonormal rows, ``(U * s) @
    V^T = a``: three arrays, k = min(rows, columns) wide.

    The gradient (J. Townsend, "Differentiating the singular value decomposition", 2016) leaves out what is
    between equal singular values, where it does not exist.
    """
    if a.ndim < 2:
        raise ValueError(f"matrices are needed, the array has shape {tuple(a.shape)}")
    u, s, vt = _svd_of(xp, a, full_matrices=False)
    return u.astype(a.dtype), s.astype(a.dtype), vt.astype(a.dtype)


def _svd_joint(F: Any, gs: Any, ys: Any, a: Any) -> Any:
    (gu, gvalues, gvt), (u, s, vt) = gs, ys
    row, column = F.expand_dims(s, axis=-2), F.expand_dims(s, axis=-1)
    gap = (row - column) * (row + column)
    same = F.equal(gap, 0)

    def skew(m: Any) -> Any:
        return F.where(same, 0, (m - mT(F, m)) / F.where(same, 1, gap))

    k = s.shape[-1]
    inner = skew(F.matmul(u, gu, transpose_a=True)) * row + column * skew(F.matmul(vt, gvt, transpose_b=True))
    inner = inner + F.put_diagonal(gvalues, shape=tuple(s.shape) + (k,), axis1=-2, axis2=-1)
    da = F.matmul(F.matmul(u, inner), vt)
    rows, columns = a.shape[-2:]
    if rows > k:
        out = gu / row
        da = da + F.matmul(out - F.matmul(u, F.matmul(u, out, transpose_a=True)), vt)
    if columns > k:
        out = gvt / column
        da = da + F.matmul(u, out - F.matmul(F.matmul(out, vt, transpose_b=True), vt))
    return (da,)


register("svd", _svd, joint=_svd_joint, keeps="y")
