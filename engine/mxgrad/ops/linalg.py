"""Products of arrays and linear algebra."""
from __future__ import annotations

from typing import Any

from ..registry import register


def _matmul(xp: Any, a: Any, b: Any) -> Any:
    """Matrix product of the last two axes, broadcast over the others (NumPy's ``@``)."""
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("matmul needs arrays of at least one axis; multiply by a scalar with *")
    return xp.matmul(a, b)


def _t(F: Any, a: Any) -> Any:
    return F.swapaxes(a, axis1=-1, axis2=-2)


def _matmul_da(F: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1 and len(b.shape) == 1:
        return g * b
    if len(b.shape) == 1:
        return F.expand_dims(g, axis=-1) * b
    if len(a.shape) == 1:
        return F.reshape(F.matmul(F.expand_dims(g, axis=-2), _t(F, b)), shape=g.shape[:-1] + a.shape)
    return F.matmul(g, _t(F, b))


def _matmul_db(F: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    if len(a.shape) == 1 and len(b.shape) == 1:
        return g * a
    if len(a.shape) == 1:
        return F.expand_dims(a, axis=-1) * F.expand_dims(g, axis=-2)
    if len(b.shape) == 1:
        wide = F.matmul(_t(F, a), F.expand_dims(g, axis=-1))
        return F.reshape(wide, shape=a.shape[:-2] + b.shape)
    return F.matmul(_t(F, a), g)


register("matmul", _matmul, _matmul_da, _matmul_db, keeps="1|0", broadcasts=True, result="same", np="matmul")


def _dot(xp: Any, a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """Sum over the last axis of `a` and the first of `b`, either array with its axes reversed if asked for."""
    a = xp.transpose(a) if transpose_a else a
    b = xp.transpose(b) if transpose_b else b
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if a.shape[-1] != b.shape[0]:
        raise ValueError(f"dot shape error: {list(a.shape)} X {list(b.shape)}")
    if a.ndim <= 2 and b.ndim <= 2:
        return xp.dot(a, b)
    return xp.tensordot(a, b, 1)


def _dot_da(F: Any, g: Any, y: Any, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    if len(a.shape) == 0 or len(b.shape) == 0:
        return F.sum(g * b) if len(a.shape) == 0 else g * b
    # Contract g with b over all of b's axes but the one that met a.
    free = len(b.shape) - 1
    if not transpose_b:
        b = F.moveaxis(b, source=0, destination=-1)
    else:
        b = F.transpose(b)
        b = F.moveaxis(b, source=0, destination=-1)
    da = F.tensordot(g, b, axes=free)
    return F.transpose(da) if transpose_a else da


def _dot_db(F: Any, g: Any, y: Any, a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    if len(a.shape) == 0 or len(b.shape) == 0:
        return F.sum(g * a) if len(b.shape) == 0 else g * a
    free = len(a.shape) - 1
    if transpose_a:
        a = F.transpose(a)
    a = F.moveaxis(a, source=-1, destination=0)
    db = F.tensordot(a, g, axes=free)
    return F.transpose(db) if transpose_b else db


register("dot", _dot, _dot_da, _dot_db, keeps="1|0", result="same", nd="dot", nd_arrays=("lhs", "rhs"))


def _tensordot(xp: Any, a: Any, b: Any, *, axes: Any = 2) -> Any:
    """Sum of products over `axes`: a number of last axes of `a` and first axes of `b`, or two lists of axes."""
    return xp.tensordot(a, b, axes)


def _axes_pair(axes: Any, na: int, nb: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, int):
        return tuple(range(na - axes, na)), tuple(range(axes))
    left, right = ((x,) if isinstance(x, int) else tuple(x) for x in axes)
    return tuple(i % na for i in left), tuple(i % nb for i in right)


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


register("tensordot", _tensordot, _tensordot_da, _tensordot_db, keeps="1|0", result="same", np="tensordot")
