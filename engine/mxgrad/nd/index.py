"""Adapters: taking and placing elements by index arrays, sorting and ranking.

Index arrays may be floating point, as results of this frontend's own functions are: they are truncated.
"""
from __future__ import annotations

from typing import Any

from ..base import as_dtype
from ..invoke import F
from ..ops.index import Slot, pick as _pick
from ..ops.reduce import axes_of
from .functions import ND


@ND.composed("pick choose_element_0index", arrays=2)
def pick(data: Any, index: Any, axis: int | None = -1, keepdims: bool = False, mode: str = "clip",
         out: Any = None, name: Any = None) -> Any:
    """For each place of the other axes the element that `index` names along `axis`.

    `index` has the shape of `data` without `axis`, or with 1 there, and so has the result with `keepdims`.
    Indices outside are moved to the ends (mode 'clip') or counted on from the other end ('wrap').  The
    gradient goes to the elements picked.

    >>> from mxgrad import nd
    >>> nd.pick(nd.array([[1, 2], [3, 4]]), nd.array([1, 0])).asnumpy().tolist()
    [2.0, 3.0]
    """
    return _pick(F, data, index, axis, bool(keepdims), mode)


@ND.composed("batch_take", arrays=2)
def batch_take(a: Any, indices: Any, out: Any = None, name: Any = None) -> Any:
    """From each row of a matrix the element that `indices` names; those outside are moved to the ends."""
    return _pick(F, a, indices, 1)


@ND.composed("fill_element_0index", arrays=3)
def fill_element_0index(lhs: Any, mhs: Any, rhs: Any, out: Any = None, name: Any = None) -> Any:
    """The matrix `lhs` with ``mhs[i]`` in row i at column ``rhs[i]``; columns outside are left out."""
    if lhs.ndim != 2 or mhs.shape != lhs.shape[:1] or rhs.shape != lhs.shape[:1]:
        raise ValueError(
            f"a matrix and two vectors of its height are needed, got {lhs.shape}, {mhs.shape}, {rhs.shape}")
    return F.where(F.one_hot(rhs, depth=lhs.shape[1], dtype="bool"), F.expand_dims(mhs, axis=1), lhs)


@ND.composed("where", arrays=3)
def where(condition: Any, x: Any, y: Any, out: Any = None, name: Any = None) -> Any:
    """Elements of `x` where the condition is not zero, of `y` elsewhere.

    Shapes broadcast; a condition of one axis as long as the first axis of `x` chooses rows.

    >>> from mxgrad import nd
    >>> nd.where(nd.array([1, 0]), nd.ones((2, 2)), nd.zeros((2, 2))).asnumpy().tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    if condition.ndim == 1 and x.ndim > 1:
        if condition.shape[0] != x.shape[0]:
            raise ValueError(f"a condition of shape {condition.shape} does not choose the rows of {x.shape}")
        condition = F.reshape(condition, shape=(-1,) + (1,) * (x.ndim - 1))
    return F.where(condition, x, y)


@ND.composed("Embedding", arrays=2)
def Embedding(data: Any, weight: Any, input_dim: int, output_dim: int, dtype: Any = "float32",
              sparse_grad: bool = False, out: Any = None, name: Any = None) -> Any:
    """Rows of `weight` (shape (`input_dim`, `output_dim`)) at the places `data`, moved into range where they
    are outside.

    The result has the shape of `data` and a last axis of `output_dim`, in the dtype of `weight`; gradients
    are dense whatever `sparse_grad` says.
    """
    if weight.shape != (input_dim, output_dim):
        raise ValueError(
            f"weight has shape {weight.shape}, not (input_dim, output_dim) = {(input_dim, output_dim)}")
    return F.take(weight, data, axis=0, mode="clip")


@ND.composed("contrib.boolean_mask", arrays=2)
def boolean_mask(data: Any, index: Any, axis: int = 0, out: Any = None, name: Any = None) -> Any:
    """The places along `axis` where `index`, of one axis of the same length, is not zero."""
    (axis,) = axes_of(axis, data.ndim)
    if index.shape != (data.shape[axis],):
        raise ValueError(f"a mask of shape {index.shape} for axis {axis} of shape {data.shape}")
    return F.getitem(data, F.not_equal(index, 0), key=(slice(None),) * axis + (Slot(0),))


@ND.composed("contrib.index_copy", arrays=3)
def index_copy(old_tensor: Any, index_vector: Any, new_tensor: Any, out: Any = None, name: Any = None) -> Any:
    """`old_tensor` with its rows `index_vector` replaced by those of `new_tensor`; of those replaced twice,
    the last stays.
    """
    return F.assign(old_tensor, new_tensor, F.as_indices(index_vector, what="indices"), key=(Slot(0),))


# order ------------------------------------------------------------------------------------------------------


def _on_axis(data: Any, axis: int | None) -> tuple[Any, int]:
    """The array and the axis; the flattened array without one."""
    if axis is None:
        return F.reshape(data, shape=(data.size,)), 0
    return data, axes_of(axis, data.ndim)[0]


@ND.composed("sort")
def sort(data: Any, axis: int | None = -1, is_ascend: bool = True, out: Any = None, name: Any = None) -> Any:
    """The elements along `axis` in order; the flattened ones if it is None.  The gradient goes back to their
    places.
    """
    data, axis = _on_axis(data, axis)
    return F.sort(data, axis=axis, is_ascend=bool(is_ascend))


@ND.composed("argsort")
def argsort(data: Any, axis: int | None = -1, is_ascend: bool = True, dtype: Any = "float32", out: Any = None,
            name: Any = None) -> Any:
    """The places that put the elements along `axis` in order, of the flattened ones if it is None; equal ones
    keep theirs.
    """
    data, axis = _on_axis(data, axis)
    return F.cast(F.argsort(data, axis=axis, is_ascend=bool(is_ascend)), dtype=as_dtype(dtype))


@ND.composed("topk")
def topk(data: Any, axis: int | None = -1, k: int = 1, ret_typ: str = "indices", is_ascend: bool = False,
         dtype: Any = "float32", out: Any = None, name: Any = None) -> Any:
    """The `k` largest elements along `axis`, or the smallest with `is_ascend`; all of them, in order, if `k`
    is 0.

    `ret_typ` says what is given: their places ('indices', in `dtype`), themselves ('value'), the list of both
    ('both'), or an array like `data` with 1 at their places ('mask').  The gradient of values goes back to
    their places.

    >>> from mxgrad import nd
    >>> nd.topk(nd.array([3, 1, 2]), k=2).asnumpy().tolist()
    [0.0, 2.0]
    >>> nd.topk(nd.array([3, 1, 2]), k=2, ret_typ="value").asnumpy().tolist()
    [3.0, 2.0]
    """
    if ret_typ not in ("indices", "value", "both", "mask"):
        raise ValueError(f"ret_typ is 'indices', 'value', 'both' or 'mask', not {ret_typ!r}")
    flat, axis = _on_axis(data, axis)
    n = flat.shape[axis]
    if not 0 <= k <= n:
        raise ValueError(f"k must be between 0 and {n}, the length of the axis, got k = {k}")
    places = F.first_places(flat, k=k or n, axis=axis, is_ascend=bool(is_ascend))
    if ret_typ == "mask":
        ones = F.cast(F.ones_like(places), dtype=data.dtype)
        return F.reshape(F.add_along_axis(ones, places, shape=flat.shape, axis=axis), shape=data.shape)
    if ret_typ == "indices":
        return F.cast(places, dtype=as_dtype(dtype))
    values = F.take_along_axis(flat, places, axis=axis)
    return values if ret_typ == "value" else (values, F.cast(places, dtype=as_dtype(dtype)))


def _arg_extreme(op: str, what: str) -> None:
    def function(data: Any, axis: int | None = None, keepdims: bool = False, out: Any = None,
                 name: Any = None) -> Any:
        return F.cast(getattr(F, op)(data, axis=axis, keepdims=bool(keepdims)), dtype=data.dtype)

    function.__name__ = function.__qualname__ = op
    function.__doc__ = (
        f"The place of the first {what} along `axis`, of the flattened array without one, in the dtype of "
        "`data`.")
    ND.composed(op)(function)


_arg_extreme("argmax", "maximum")
_arg_extreme("argmin", "minimum")


@ND.composed("argmax_channel")
def argmax_channel(data: Any, out: Any = None, name: Any = None) -> Any:
    """The place of the first maximum along axis 1, in the dtype of `data`."""
    return F.cast(F.argmax(data, axis=1), dtype=data.dtype)
