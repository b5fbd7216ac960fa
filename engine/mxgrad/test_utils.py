"""`mx.test_utils`: what tests written for MXNet compare, draw and check with (level 12).

Functions that take a Symbol there take a callable here: ``check_numeric_gradient(lambda x: nd.exp(x), [a])``.
Random numbers are NumPy's global ones (``numpy.random.seed``), as in MXNet.
"""
from __future__ import annotations

import bz2
import gzip
import os
import platform
import shutil
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from math import erfc, exp, lgamma, log, sqrt
from pathlib import Path
from typing import Any

import numpy
from numpy.testing import assert_allclose

from . import autograd, nd
from .base import DTYPES, InvalidTypeError, InvalidValueError, MXNetError, data_dir
from .context import as_context, current_context, set_default_context
from .ndarray import BaseArray
from .random import seed
from .testing import check_grads
from .util import get_gpu_count, setenv, use_np

__all__ = [
    "DummyIter",
    "almost_equal",
    "assert_allclose",
    "assert_almost_equal",
    "assert_almost_equal_ignore_nan",
    "assert_almost_equal_with_err",
    "assert_exception",
    "assign_each",
    "assign_each2",
    "checkShapes",
    "check_consistency",
    "check_gluon_hybridize_consistency",
    "check_numeric_gradient",
    "check_speed",
    "check_symbolic_backward",
    "check_symbolic_forward",
    "chi_square_check",
    "collapse_sum_like",
    "compare_ndarray_tuple",
    "compare_optimizer",
    "compare_optimizer_noise_seeded",
    "create_2d_np_tensor",
    "create_2d_tensor",
    "create_vector",
    "default_atols",
    "default_context",
    "default_device",
    "default_dtype",
    "default_numeric_eps",
    "default_rtols",
    "discard_stderr",
    "download",
    "effective_dtype",
    "environment",
    "gen_buckets_probs_with_ppf",
    "get_atol",
    "get_bz2_data",
    "get_cifar10",
    "get_etol",
    "get_identity_mat",
    "get_identity_mat_batch",
    "get_mnist",
    "get_mnist_pkl",
    "get_mnist_ubyte",
    "get_rtol",
    "get_tolerance",
    "get_tols",
    "get_zip_data",
    "has_tvm_ops",
    "is_aarch64_run",
    "is_cd_run",
    "is_op_runnable",
    "list_gpus",
    "locationError",
    "mean_check",
    "new_matrix_with_real_eigvals_2d",
    "new_matrix_with_real_eigvals_nd",
    "new_orthonormal_matrix_2d",
    "new_sym_matrix_with_real_eigvals_2d",
    "new_sym_matrix_with_real_eigvals_nd",
    "np_reduce",
    "numeric_grad",
    "rand_coord_2d",
    "rand_ndarray",
    "rand_shape_2d",
    "rand_shape_3d",
    "rand_shape_nd",
    "random_arrays",
    "random_sample",
    "random_uniform_arrays",
    "retry",
    "same",
    "same_array",
    "set_default_context",
    "set_default_device",
    "simple_forward",
    "use_np",
    "var_check",
    "verify_generator",
]

Tolerance = float | Mapping[Any, float] | None


# -- defaults ------------------------------------------------------------------------------------------------

default_context = default_device = current_context
set_default_device = set_default_context


def default_dtype() -> type:
    """The dtype of random arrays: float32."""
    return numpy.float32


def _by_dtype(float16: float, float32: float, float64: float, exact: float = 0) -> dict[Any, float]:
    values = {"float16": float16, "float32": float32, "float64": float64}
    return {numpy.dtype(name): values.get(name, exact) for name in DTYPES}


def default_rtols() -> dict[Any, float]:
    """The relative tolerance of each dtype, by NumPy dtype; 0 for integers and bool.

    >>> default_rtols()[numpy.dtype("float32")], default_rtols()[numpy.dtype("int32")]
    (0.0001, 0)
    """
    return _by_dtype(1e-2, 1e-4, 1e-5)


def default_atols() -> dict[Any, float]:
    """The absolute tolerance of each dtype, by NumPy dtype; 0 for integers and bool."""
    return _by_dtype(1e-1, 1e-3, 1e-20)


def default_numeric_eps() -> dict[Any, float]:
    """Steps of finite differences for each floating dtype: powers of 2, which round nothing."""
    return {d: e for d, e in _by_dtype(2.0 ** -6, 2.0 ** -9, 2.0 ** -14).items() if e}


def effective_dtype(dat: Any) -> numpy.dtype:
    """The NumPy dtype that tolerances are chosen by: that of `dat`."""
    return numpy.dtype(dat.dtype) if hasattr(dat, "dtype") else numpy.asarray(dat).dtype


def get_tolerance(dat: Any, tol: Tolerance, default_tol: Mapping[Any, float]) -> float:
    """The tolerance for comparing `dat`: `tol` if it is a number, else its entry, or that of `default_tol`,
    for the dtype of `dat`.

    >>> get_tolerance(nd.ones(2), {numpy.dtype("float32"): 0.5}, default_rtols())
    0.5
    """
    if isinstance(tol, (int, float, numpy.number)):
        return float(tol)
    dtype = effective_dtype(dat)
    given: Any = tol or {}
    return float(given[dtype] if dtype in given else default_tol[dtype])


def get_tols(x: Any, y: Any, rtol: Tolerance, atol: Tolerance) -> tuple[float, float]:
    """(rtol, atol) for comparing `x` with `y`: the looser of what `get_tolerance` says of each."""
    return (
        max(get_tolerance(d, rtol, default_rtols()) for d in (x, y)),
        max(get_tolerance(d, atol, default_atols()) for d in (x, y)),
    )


def get_rtol(rtol: float | None = None, dtype: Any = numpy.dtype("float64")) -> float:      # noqa: B008
    """`rtol`, or the default of `dtype` if it is None."""
    return default_rtols()[numpy.dtype(dtype)] if rtol is None else rtol


def get_atol(atol: float | None = None, dtype: Any = numpy.dtype("float64")) -> float:      # noqa: B008
    """`atol`, or the default of `dtype` if it is None."""
    return default_atols()[numpy.dtype(dtype)] if atol is None else atol


def get_etol(etol: float | None = None) -> float:
    """`etol`, the share of elements that may differ; 0 if it is None."""
    return 0 if etol is None else etol


# -- comparing -----------------------------------------------------------------------------------------------


def _host(a: Any) -> numpy.ndarray:
    return a.asnumpy() if isinstance(a, BaseArray) else numpy.asarray(a)


def same(a: Any, b: Any) -> bool:
    """Whether two arrays, of any kind, have the same shape and values.

    >>> same(nd.ones(2), numpy.ones(2)), same(nd.ones(2), nd.ones((1, 2)))
    (True, False)
    """
    return bool(numpy.array_equal(_host(a), _host(b)))


def same_array(array1: BaseArray, array2: BaseArray) -> bool:
    """Whether two arrays share their memory: a change of the first, which is undone, shows in the second."""
    before, other = array1.asnumpy().copy(), array2.asnumpy().copy()
    if before.shape != other.shape:
        return False
    array1[:] = before + 1
    try:
        return same(array1, array2) and not same(array2, other)
    finally:
        array1[:] = before


def checkShapes(a: Any, b: Any) -> None:
    """Raise AssertionError unless the shapes are equal."""
    if a.shape != b.shape:
        raise AssertionError(f"a.shape = {a.shape} and b.shape = {b.shape} are not equal")


def almost_equal(
    a: Any, b: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = False,
    use_broadcast: bool = True,
) -> bool:
    """Whether ``|a - b| <= atol + rtol * |b|`` everywhere; the default tolerances are those of float64."""
    a, b = _host(a), _host(b)
    if not use_broadcast:
        checkShapes(a, b)
    return bool(numpy.allclose(a, b, get_rtol(rtol), get_atol(atol), equal_nan))


def assert_almost_equal(
    a: Any, b: Any, rtol: Tolerance = None, atol: Tolerance = None, names: Sequence[str] = ("a", "b"),
    equal_nan: bool = False, use_broadcast: bool = True, mismatches: tuple[int, int] = (10, 10),
) -> None:
    """Raise AssertionError unless ``|a - b| <= atol + rtol * |b|`` everywhere.

    Parameters
    ----------
    a, b : arrays of either frontend, of NumPy, or numbers
        They are compared in their common dtype.
    rtol, atol : float, dict of NumPy dtype to float, or None
        None, or a dict without the dtype, means the looser of the two arrays' defaults.
    names : two strings
        What the message calls them.
    equal_nan : bool
        Whether nan equals nan.
    use_broadcast : bool
        Whether the shapes may differ where they broadcast.
    mismatches : (int, int)
        The message shows so many of the largest errors (the first number).

    Examples
    --------
    >>> assert_almost_equal(nd.array([1., 2.]), numpy.array([1., 2.00001]))
    >>> assert_almost_equal([1., 2.], [1., 2.5], rtol=1e-2, atol=0)    # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: Error 20.000000 exceeds tolerance rtol=1.000000e-02, ...
    Location of maximum error: (1,), a=2.00000000, b=2.50000000
    """
    rtol, atol = get_tols(a, b, rtol, atol)
    _assert_close(a, b, rtol, atol, names, equal_nan, use_broadcast, mismatches[0], 0)


def assert_almost_equal_with_err(
    a: Any, b: Any, rtol: Tolerance = None, atol: Tolerance = None, etol: float | None = None,
    names: Sequence[str] = ("a", "b"), equal_nan: bool = False, mismatches: tuple[int, int] = (10, 10),
) -> None:
    """As `assert_almost_equal`, where a share `etol` of the elements may differ."""
    rtol, atol = get_tols(a, b, rtol, atol)
    _assert_close(a, b, rtol, atol, names, equal_nan, True, mismatches[0], get_etol(etol))


def _assert_close(
    a: Any, b: Any, rtol: float, atol: float, names: Sequence[str], equal_nan: bool, use_broadcast: bool,
    show: int, etol: float,
) -> None:
    a, b = _host(a), _host(b)
    if not use_broadcast:
        checkShapes(a, b)
    wrong = ~numpy.isclose(a, b, rtol, atol, equal_nan)
    if numpy.count_nonzero(wrong) <= etol * wrong.size:
        return
    a, b = (numpy.broadcast_to(v, wrong.shape) for v in (a, b))
    with numpy.errstate(all="ignore"):
        x, y = a.astype(numpy.float64), b.astype(numpy.float64)
        error = numpy.abs(x - y) / (atol + rtol * numpy.abs(y) + 1e-20)
    size = numpy.where(wrong, numpy.where(numpy.isnan(error), numpy.inf, error), -1)
    order = numpy.argsort(size, axis=None, kind="stable")[::-1]
    places = [numpy.unravel_index(i, wrong.shape) for i in order[:min(max(show, 1), int(wrong.sum()))]]

    text = (
        f"Error {error[places[0]]:f} exceeds tolerance rtol={rtol:e}, atol={atol:e} "
        f"(mismatch {100 * wrong.mean():f}%).\n{locationError(a, b, places[0], names, True)}"
    )
    others = (f"Error {error[p]:f}  {locationError(a, b, p, names)}" for p in places[1:])
    raise AssertionError("\n".join([text, *others]))


def locationError(a: Any, b: Any, index: Any, names: Sequence[str], maxError: bool = False) -> str:
    """What a failed comparison says of one place.

    Parameters
    ----------
    a, b : arrays of NumPy
        What was compared.
    index : tuple of int
        The place.
    names : two strings
        What `a` and `b` are called.
    maxError : bool
        Whether it is the place of the largest error.

    Examples
    --------
    >>> locationError(numpy.zeros(2), numpy.ones(2), (1,), ("x", "y"), maxError=True)
    'Location of maximum error: (1,), x=0.00000000, y=1.00000000'
    """
    where = tuple(int(i) for i in index)
    kind = "maximum error" if maxError else "error"
    return (f"Location of {kind}: {where}, {names[0]}={float(a[where]):.8f}, "
            f"{names[1]}={float(b[where]):.8f}")


def assert_almost_equal_ignore_nan(
    a: Any, b: Any, rtol: Tolerance = None, atol: Tolerance = None, names: Sequence[str] = ("a", "b"),
) -> None:
    """As `assert_almost_equal`, without the places where either is nan."""
    a, b = _host(a).copy(), _host(b).copy()
    skip = numpy.isnan(a) | numpy.isnan(b)
    a[skip] = b[skip] = 0
    assert_almost_equal(a, b, rtol, atol, names)


def compare_ndarray_tuple(t1: Any, t2: Any, rtol: Tolerance = None, atol: Tolerance = None) -> None:
    """`assert_almost_equal` of arrays, or of (nested) tuples of them; None equals anything."""
    if t1 is None or t2 is None:
        return
    if isinstance(t1, tuple):
        for a, b in zip(t1, t2):
            compare_ndarray_tuple(a, b, rtol, atol)
    else:
        assert_almost_equal(t1, t2, rtol, atol)


def assert_exception(
    f: Callable[..., Any], exception_type: type[BaseException], *args: Any, **kwargs: Any,
) -> None:
    """Raise AssertionError unless ``f(*args, **kwargs)`` raises `exception_type`."""
    try:
        f(*args, **kwargs)
    except exception_type:
        return
    raise AssertionError(f"{f!r} did not raise {exception_type.__name__}")


# -- drawing -------------------------------------------------------------------------------------------------


def random_arrays(*shapes: tuple[int, ...]) -> Any:
    """NumPy arrays of standard normal float32 numbers: one, or a list of them for several shapes."""
    arrays: list[Any] = [numpy.asarray(numpy.random.standard_normal(s), default_dtype()) for s in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def random_uniform_arrays(
    *shapes: tuple[int, ...], low: float = 0.0, high: float = 1.0, dtype: Any = numpy.float32,
) -> list[numpy.ndarray]:
    """A list of NumPy arrays of numbers between `low` and `high`."""
    return [numpy.asarray(numpy.random.uniform(low, high, s), dtype) for s in shapes]


def random_sample(population: Sequence[Any], k: int) -> list[Any]:
    """`k` different elements of a sequence, in random order."""
    if not 0 <= k <= len(population):
        raise InvalidValueError(f"random_sample: {k} of {len(population)} elements")
    return [population[i] for i in numpy.random.permutation(len(population))[:k]]


def rand_ndarray(
    shape: tuple[int, ...], stype: str = "default", density: float | None = None, dtype: Any = None,
    modifier_func: Any = None, shuffle_csr_indices: bool = False, distribution: Any = None, ctx: Any = None,
) -> nd.NDArray:
    """An NDArray of standard normal numbers; the parameters after `dtype` are of sparse arrays, but `ctx`.

    Raises InvalidValueError for a sparse `stype`.

    >>> rand_ndarray((2, 3), dtype="float64").shape
    (2, 3)
    """
    if stype != "default":
        raise InvalidValueError(f"rand_ndarray: arrays are dense here, stype is 'default', not {stype!r}")
    return nd.array(random_arrays(shape), dtype=dtype, ctx=ctx)


def rand_shape_nd(num_dim: int, dim: int = 10, allow_zero_size: bool = False) -> tuple[int, ...]:
    """A shape of `num_dim` lengths, each from 1 (or 0) to `dim`."""
    return tuple(int(n) for n in numpy.random.randint(0 if allow_zero_size else 1, dim + 1, num_dim))


def rand_shape_2d(dim0: int = 10, dim1: int = 10, allow_zero_size: bool = False) -> tuple[int, ...]:
    """A shape of two lengths, at most `dim0` and `dim1`."""
    return tuple(rand_shape_nd(1, d, allow_zero_size)[0] for d in (dim0, dim1))


def rand_shape_3d(
    dim0: int = 10, dim1: int = 10, dim2: int = 10, allow_zero_size: bool = False,
) -> tuple[int, ...]:
    """A shape of three lengths, at most `dim0`, `dim1` and `dim2`."""
    return tuple(rand_shape_nd(1, d, allow_zero_size)[0] for d in (dim0, dim1, dim2))


def rand_coord_2d(x_low: int, x_high: int, y_low: int, y_high: int) -> tuple[int, int]:
    """A pair of integers from the half-open ranges."""
    return int(numpy.random.randint(x_low, x_high)), int(numpy.random.randint(y_low, y_high))


def create_vector(size: int, dtype: Any = numpy.int64) -> nd.NDArray:
    """The NDArray 0, 1, … of shape (size,)."""
    return nd.arange(0, size, dtype=dtype)


def create_2d_tensor(rows: int, columns: int, dtype: Any = numpy.int64) -> nd.NDArray:
    """The NDArray of shape (rows, columns) whose rows are 0, 1, …"""
    column = create_vector(rows, dtype).reshape((rows, 1))
    return nd.broadcast_to(column, shape=(rows, columns))


def create_2d_np_tensor(rows: int, columns: int, dtype: Any = numpy.int64) -> Any:
    """`create_2d_tensor` transposed, as an array of np: row i holds i.

    >>> create_2d_np_tensor(2, 3).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    from . import np

    column = np.arange(0, rows, dtype=dtype).reshape(rows, 1)
    return np.broadcast_to(column, shape=(rows, columns))


def get_identity_mat(size: int) -> nd.NDArray:
    """The identity matrix of shape (size, size) as an NDArray of float32."""
    return nd.eye(size)


def get_identity_mat_batch(size: int) -> nd.NDArray:
    """Two identity matrices, shape (2, size, size)."""
    return nd.array(numpy.stack([numpy.eye(size)] * 2))


def new_orthonormal_matrix_2d(n: int) -> numpy.ndarray:
    """A random orthonormal matrix of NumPy, shape (n, n), float64.

    >>> q = new_orthonormal_matrix_2d(3)
    >>> numpy.allclose(q @ q.T, numpy.eye(3))
    True
    """
    x = numpy.random.standard_normal((n, n))
    return numpy.linalg.qr(x.T @ x)[0]


def new_matrix_with_real_eigvals_2d(n: int) -> numpy.ndarray:
    """A random matrix of NumPy, shape (n, n), with real eigenvalues between -10 and 10 and eigenvectors of
    a condition number below 3.
    """
    identity = numpy.eye(n)
    while True:
        v = numpy.random.uniform(-1.0, 1.0, (n, 1))
        reflection = identity - 2 * (v @ v.T) / (v.T @ v)
        q = reflection * numpy.random.uniform(-1.0, 1.0, n)
        if numpy.linalg.cond(q, 2) < 3:
            break
    scaled: numpy.ndarray = numpy.random.uniform(-10.0, 10.0, (n, 1)) * q
    return numpy.matmul(numpy.linalg.inv(q), scaled)        # type: ignore[no-any-return]


def new_sym_matrix_with_real_eigvals_2d(n: int) -> numpy.ndarray:
    """A random symmetric matrix of NumPy, shape (n, n), with eigenvalues between -10 and 10."""
    q = new_orthonormal_matrix_2d(n)
    scaled: numpy.ndarray = numpy.random.uniform(-10.0, 10.0, (n, 1)) * q
    return numpy.matmul(q.T, scaled)        # type: ignore[no-any-return]


def _stacked(make: Callable[[int], numpy.ndarray], shape: Sequence[int]) -> numpy.ndarray:
    shape = tuple(shape)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise InvalidValueError(f"square matrices have a shape (..., n, n), not {shape}")
    count = int(numpy.prod(shape[:-2]))
    return numpy.array([make(shape[-1]) for _ in range(count)]).reshape(shape)


def new_matrix_with_real_eigvals_nd(shape: Sequence[int]) -> numpy.ndarray:
    """`new_matrix_with_real_eigvals_2d` for each matrix of an array of that shape, ``(..., n, n)``."""
    return _stacked(new_matrix_with_real_eigvals_2d, shape)


def new_sym_matrix_with_real_eigvals_nd(shape: Sequence[int]) -> numpy.ndarray:
    """`new_sym_matrix_with_real_eigvals_2d` for each matrix of an array of that shape, ``(..., n, n)``."""
    return _stacked(new_sym_matrix_with_real_eigvals_2d, shape)


# -- computing on the host -----------------------------------------------------------------------------------


def np_reduce(
    dat: Any, axis: int | Sequence[int] | None, keepdims: bool, numpy_reduce_func: Callable[..., Any],
) -> Any:
    """A reduction of NumPy that takes one axis, over several axes (all if None), the last one first."""
    axes = range(dat.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    out = dat
    for i in sorted((a % dat.ndim for a in axes), reverse=True):
        out = numpy_reduce_func(out, axis=i)
    if keepdims:
        kept = {a % dat.ndim for a in axes}
        out = out.reshape(tuple(1 if i in kept else n for i, n in enumerate(dat.shape)))
    return out


def collapse_sum_like(a: numpy.ndarray, shape: tuple[int, ...]) -> numpy.ndarray:
    """A NumPy array summed to a shape that broadcasts to its own: what broadcasting does to a gradient.

    >>> collapse_sum_like(numpy.ones((2, 3)), (3,)).tolist()
    [2.0, 2.0, 2.0]
    """
    lead = a.ndim - len(shape)
    if lead < 0 or any(s not in (1, n) for s, n in zip(shape, a.shape[lead:])):
        raise InvalidValueError(f"collapse_sum_like: {tuple(shape)} does not broadcast to {a.shape}")
    axes = [i for i, n in enumerate(a.shape) if i < lead or shape[i - lead] != n]
    return a.sum(axis=tuple(axes)).reshape(shape)       # type: ignore[no-any-return]


def assign_each(the_input: Any, function: Callable[[float], float] | None) -> Any:
    """A function of numbers, applied to each element; a copy if it is None."""
    if function is None:
        return numpy.array(the_input)
    return numpy.vectorize(function, otypes=[float])(the_input)


def assign_each2(
    input1: Any, input2: Any, function: Callable[[float, float], float] | None,
) -> Any:
    """A function of two numbers, applied to each pair of elements; a copy of `input1` if it is None."""
    if function is None:
        return numpy.array(input1)
    return numpy.vectorize(function, otypes=[float])(input1, input2)


# -- gradients -----------------------------------------------------------------------------------------------


def _named(location: Any, what: str) -> tuple[list[Any], list[str] | None]:
    """(values, their names if they were given by name)."""
    if isinstance(location, Mapping):
        return list(location.values()), list(location)
    if not isinstance(location, (list, tuple)):
        raise InvalidTypeError(f"{what} is a list or a dict of arrays, got {type(location).__name__}")
    return list(location), None


def _callable(sym: Any, names: list[str] | None, train: bool) -> Callable[..., Any]:
    """`sym` as a function of arrays in their order."""
    if not callable(sym):
        raise InvalidTypeError(f"expected a callable of arrays, got {type(sym).__name__}")

    def function(*arrays: Any) -> Any:
        with autograd.train_mode() if train else autograd.predict_mode():
            return sym(*arrays) if names is None else sym(**dict(zip(names, arrays)))
    return function


def _arrays(values: list[Any], ctx: Any, dtype: Any) -> list[Any]:
    """Fresh arrays with those values: floats in `dtype`, everything else in its own."""
    out = []
    for value in values:
        host = _host(value)
        wanted = dtype if host.dtype.kind == "f" and dtype != "asnumpy" else host.dtype
        a = nd.array(host, ctx=ctx, dtype=wanted)
        of_np = isinstance(value, BaseArray) and not isinstance(value, nd.NDArray)
        out.append(a.as_np_ndarray() if of_np else a)
    return out


def _dense(**given: Any) -> None:
    for name, value in given.items():
        if value:
            raise InvalidValueError(f"{name} is of symbols and sparse arrays; a callable has none")


def check_numeric_gradient(
    sym: Callable[..., Any], location: Any, aux_states: None = None, numeric_eps: float | None = None,
    rtol: float | None = None, atol: float | None = None, grad_nodes: Sequence[str] | None = None,
    use_forward_train: bool = True, ctx: Any = None, grad_stype_dict: None = None, dtype: Any = numpy.float32,
) -> None:
    """Check the gradients of a callable against central differences.

    Parameters
    ----------
    sym : callable
        ``sym(*location)``, or ``sym(**location)`` for a dict, gives an array or several.
    location : list or dict of arrays
        Where to check.  Arrays of NumPy become NDArrays.
    numeric_eps : float
        The step of the differences, 1e-5 by default.
    rtol : float
        The relative error allowed, 1e-4 by default.
    grad_nodes : names
        Of the arguments to check, for a `location` by name; the default is all floating point ones.
    use_forward_train : bool
        Whether the callable runs in training mode.
    atol, dtype
        Accepted; the check is made in float64 (`mxgrad.testing.check_grads`), and allows what rounding needs.

    Raises
    ------
    AssertionError
        A gradient differs.

    Examples
    --------
    >>> check_numeric_gradient(lambda x, y: nd.dot(x, y), [numpy.ones((2, 3)), numpy.ones((3, 2))])
    >>> check_numeric_gradient(lambda x: nd.BlockGrad(x) * x, [numpy.ones(1)])     # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: argument 0, order 1: expected ...
    """
    _dense(aux_states=aux_states, grad_stype_dict=grad_stype_dict)
    values, names = _named(location, "location")
    function = _callable(sym, names, use_forward_train)
    arrays = _arrays(values, ctx, numpy.float64)
    checked = list(range(len(arrays)))
    if grad_nodes is not None:
        unknown = set(grad_nodes) - set(names or ())
        if unknown:
            raise InvalidValueError(f"grad_nodes: location has no {', '.join(sorted(unknown))} by name")
        checked = [i for i, name in enumerate(names or ()) if name in grad_nodes]

    def of_checked(*given: Any) -> Any:
        full = list(arrays)
        for i, a in zip(checked, given):
            full[i] = a
        return function(*full)

    step = 1e-5 if numeric_eps is None else numeric_eps
    check_grads(of_checked, [arrays[i] for i in checked], 1, rtol=1e-4 if rtol is None else rtol, step=step)


def _listed(given: Any, names: list[str] | None) -> list[Any]:
    if isinstance(given, Mapping):
        return [given.get(name) for name in names] if names is not None else list(given.values())
    return list(given) if isinstance(given, (list, tuple)) else [given]


def check_symbolic_forward(
    sym: Callable[..., Any], location: Any, expected: Any, rtol: Tolerance = None, atol: Tolerance = None,
    aux_states: None = None, ctx: Any = None, equal_nan: bool = False, dtype: Any = numpy.float32,
) -> list[Any]:
    """Check what a callable gives at `location` against the list `expected`; gives the outputs.

    Floating point arguments are passed as `dtype`, or as they are if it is 'asnumpy'.  Raises AssertionError.

    >>> outputs = check_symbolic_forward(nd.dot, [numpy.ones((1, 2)), numpy.ones((2, 1))], [[[2.]]])
    """
    _dense(aux_states=aux_states)
    values, names = _named(location, "location")
    given = _callable(sym, names, False)(*_arrays(values, ctx, dtype))
    outputs = list(given) if isinstance(given, (list, tuple)) else [given]
    wanted = _listed(expected, None)
    if len(outputs) != len(wanted):
        raise AssertionError(f"{len(outputs)} outputs, {len(wanted)} expected")
    for i, (y, e) in enumerate(zip(outputs, wanted)):
        labels = (f"EXPECTED_{i}", f"FORWARD_{i}")
        assert_almost_equal(_host(e).astype(y.dtype), y, rtol, atol, labels, equal_nan)
    return outputs


def check_symbolic_backward(
    sym: Callable[..., Any], location: Any, out_grads: Any, expected: Any, rtol: Tolerance = None,
    atol: Tolerance = None, aux_states: None = None, grad_req: Any = "write", ctx: Any = None,
    grad_stypes: None = None, equal_nan: bool = False, dtype: Any = numpy.float32,
) -> Any:
    """Check the gradients of a callable at `location`, for the head gradients `out_grads` (None: ones),
    against `expected`; both as `location`, lists or dicts by name.  An expected None is not compared.

    `grad_req` is 'write', 'add' or 'null', for all arguments or one each; with 'add' the gradients are added
    to random numbers, with 'null' those must stay.  Gives the gradients, as `location` a list or a dict.
    Raises AssertionError.

    >>> grads = check_symbolic_backward(lambda x, y: x * y, [numpy.array([2.]), numpy.array([3.])],
    ...                                 [numpy.array([10.])], [[30.], [20.]])
    """
    _dense(aux_states=aux_states, grad_stypes=grad_stypes)
    values, names = _named(location, "location")
    arrays = _arrays(values, ctx, dtype)
    reqs = [grad_req] * len(arrays) if isinstance(grad_req, str) else _listed(grad_req, names)
    starts = [numpy.asarray(numpy.random.standard_normal(a.shape), a.dtype) for a in arrays]
    grads = [_arrays([start], ctx, "asnumpy")[0] for start in starts]
    autograd.mark_variables(arrays, grads, reqs)
    with autograd.record():
        given = _callable(sym, names, True)(*arrays)
    outputs = list(given) if isinstance(given, (list, tuple)) else [given]
    heads = None
    if out_grads is not None:
        given = _listed(out_grads, None)
        heads = [nd.array(_host(g), ctx=ctx, dtype=y.dtype) for y, g in zip(outputs, given)]
    autograd.backward(outputs, heads)
    wanted = _listed(expected, names)
    if len(wanted) != len(grads):
        raise AssertionError(f"{len(grads)} gradients, {len(wanted)} expected")
    for i, (grad, start, want, req) in enumerate(zip(grads, starts, wanted, reqs)):
        name = names[i] if names else str(i)
        labels = (f"EXPECTED_{name}", f"BACKWARD_{name}")
        if req == "null":
            assert_almost_equal(start, grad, rtol, atol, labels, equal_nan)
        elif want is not None:
            got = grad.asnumpy() - start if req == "add" else grad
            assert_almost_equal(_host(want).astype(start.dtype), got, rtol, atol, labels, equal_nan)
    return grads if names is None else dict(zip(names, grads))


def numeric_grad(
    executor: Callable[..., Any], location: Mapping[str, Any], aux_states: None = None, eps: float = 1e-4,
    use_forward_train: bool = True, dtype: Any = numpy.float32,
) -> dict[str, numpy.ndarray]:
    """Gradients of the sum of a callable's first output, by central differences, element by element.

    Parameters
    ----------
    executor : callable
        ``executor(**location)`` gives an array or several.
    location : dict of arrays
        Where; arguments that are not floating point are passed as they are.
    eps : float
        The distance of the two points of a difference.
    use_forward_train : bool
        Whether the callable runs in training mode.
    dtype : floating dtype
        What it computes in.

    Returns
    -------
    dict of NumPy arrays
        For each argument its gradient, of its shape; zeros for those that are not floating point.

    Examples
    --------
    >>> numeric_grad(lambda x: x * x, {"x": numpy.array([3.0])}, dtype=numpy.float64)["x"].round(6).tolist()
    [6.0]
    """
    _dense(aux_states=aux_states)
    values, names = _named(dict(location), "location")
    function = _callable(executor, names, use_forward_train)

    def total(hosts: list[Any]) -> float:
        given = function(*_arrays(hosts, None, dtype))
        first = given[0] if isinstance(given, (list, tuple)) else given
        return float(_host(first).sum(dtype=numpy.float64))

    hosts = [numpy.array(_host(v)) for v in values]
    grads = {}
    for name, host in zip(names or (), hosts):
        grads[name] = grad = numpy.zeros(host.shape, dtype)
        for place in numpy.ndindex(*host.shape if host.dtype.kind == "f" else (0,)):
            kept = host[place]
            ends = []
            for step in (eps / 2, -eps / 2):
                host[place] = kept + step
                ends.append(total(hosts))
            host[place] = kept
            grad[place] = (ends[0] - ends[1]) / eps
    return grads


def simple_forward(sym: Callable[..., Any], ctx: Any = None, is_train: bool = False, **inputs: Any) -> Any:
    """What a callable gives for NumPy arrays by name: a NumPy array, or a list of them.

    >>> simple_forward(lambda a, b: a + b, a=numpy.ones(2), b=numpy.ones(2)).tolist()
    [2.0, 2.0]
    """
    arrays = _arrays(list(inputs.values()), ctx, numpy.float32)
    given = _callable(sym, list(inputs), is_train)(*arrays)
    outputs = [_host(y) for y in given] if isinstance(given, (list, tuple)) else [_host(given)]
    return outputs[0] if len(outputs) == 1 else outputs


def _run(
    function: Callable[..., Any], arrays: list[Any], grad_req: str, heads: list[Any] | None = None,
) -> list[Any]:
    """The outputs of one pass forward and, unless `grad_req` is 'null', backward; each output is its own head
    gradient without `heads`, which are NumPy arrays.
    """
    floats = [a for a in arrays if numpy.dtype(a.dtype).kind == "f"]
    for a in floats:
        a.attach_grad(grad_req)
    with autograd.record():
        given = function(*arrays)
    outputs = list(given) if isinstance(given, (list, tuple)) else [given]
    if grad_req != "null":
        hosts = [y.asnumpy() for y in outputs] if heads is None else heads
        autograd.backward(outputs, [nd.array(h, y.context, y.dtype) for h, y in zip(hosts, outputs)])
    return outputs


def check_speed(
    sym: Callable[..., Any], location: Mapping[str, Any] | None = None, ctx: Any = None, N: int = 20,
    grad_req: str | None = None, typ: str = "whole", **kwargs: tuple[int, ...],
) -> float:
    """Seconds that a callable takes for one pass.

    Parameters
    ----------
    sym : callable
        ``sym(**location)`` gives an array or several.
    location : dict of arrays, optional
        The arguments; without it they are random, of the shapes given by name: ``x=(2, 3)``.
    ctx : Context, optional
        Where to run.
    N : int
        How many passes the time is the mean of.
    grad_req : {'write', 'add', 'null'}, optional
        What becomes of the gradients.
    typ : {'whole', 'forward'}
        Forward and backward, or forward alone.

    Examples
    --------
    >>> check_speed(lambda x: nd.exp(x), x=(2, 3), N=2) > 0
    True
    """
    if typ not in ("whole", "forward"):
        raise InvalidValueError(f'typ can only be "whole" or "forward", got {typ!r}')
    if location is None:
        location = {name: numpy.random.standard_normal(shape) for name, shape in kwargs.items()}
    values, names = _named(dict(location), "location")
    ctx = as_context(ctx)
    arrays = _arrays(values, ctx, numpy.float32)
    function = _callable(sym, names, typ == "whole")

    def once() -> None:
        if typ == "whole":
            _run(function, arrays, grad_req or "write")
        else:
            function(*arrays)
        ctx.backend.synchronize()

    once()
    start = time.perf_counter()
    for _ in range(N):
        once()
    return (time.perf_counter() - start) / N


def check_consistency(
    sym: Any, ctx_list: Sequence[Mapping[str, Any]], scale: float = 1.0, grad_req: str = "write",
    arg_params: Mapping[str, Any] | None = None, aux_params: None = None, rtol: Tolerance = None,
    atol: Tolerance = None, raise_on_err: bool = True, ground_truth: Mapping[str, Any] | None = None,
    equal_nan: bool = False, use_uniform: bool = False, rand_type: Any = numpy.float64,
) -> dict[str, Any]:
    """Check that a callable gives the same outputs and gradients on several devices and in several dtypes.

    Parameters
    ----------
    sym : callable, or a list of one for each entry of `ctx_list`
        ``sym(**arrays)`` gives an array or several.
    ctx_list : list of dicts
        Each has a context 'ctx', the shape of every argument under its name, and optionally 'type_dict':
        the dtype of each argument that is not float32.
    scale : float
        Standard deviation of the random arguments; with `use_uniform` their bound is ``0.92 * scale``.
    grad_req : {'write', 'add', 'null'}
        'null' leaves the gradients out.
    arg_params : dict of arrays, optional
        Arguments that are not drawn.
    rtol, atol : float, dict of NumPy dtype to float, or None
        As in `assert_almost_equal`.
    raise_on_err : bool
        Whether a difference raises; otherwise it is printed.
    ground_truth : dict, optional
        What to compare with, as returned; otherwise the entry of the widest dtype.
    equal_nan : bool
        Whether nan equals nan.
    use_uniform : bool
        Whether the numbers are uniform instead of normal.
    rand_type : dtype
        Of the numbers before they are cast.

    Returns
    -------
    dict of NumPy arrays
        What was compared with: 'output0', 'output1', ..., and each argument's gradient under its name.

    Raises
    ------
    AssertionError
        Something differs.

    Examples
    --------
    >>> import mxgrad as mx
    >>> places = [{"ctx": mx.cpu(), "x": (2, 3), "type_dict": {"x": t}} for t in ("float64", "float16")]
    >>> sorted(check_consistency(lambda x: nd.tanh(x), places))
    ['output0', 'x']
    """
    _dense(aux_params=aux_params)
    if len(ctx_list) < 2:
        raise InvalidValueError(f"check_consistency: compares at least two entries, got {len(ctx_list)}")
    functions = list(sym) if isinstance(sym, (list, tuple)) else [sym] * len(ctx_list)
    names = sorted(set(ctx_list[0]) - {"ctx", "type_dict"})
    hosts = dict(arg_params or {})
    for name in names:
        if name not in hosts:
            shape = ctx_list[0][name]
            draw = (numpy.random.uniform(-0.92 * scale, 0.92 * scale, shape) if use_uniform
                    else numpy.random.normal(0.0, scale, shape))
            hosts[name] = numpy.asarray(draw, rand_type)
    runs: list[dict[str, numpy.ndarray]] = []
    heads: list[numpy.ndarray] | None = None
    for function, entry in zip(functions, ctx_list):
        types = entry.get("type_dict", {})
        arrays = [nd.array(_host(hosts[n]), entry["ctx"], types.get(n, numpy.float32)) for n in names]
        call = _callable(function, names, True)
        outputs = _run(call, arrays, grad_req, heads)
        heads = heads or [y.asnumpy() for y in outputs]
        found = {f"output{i}": y.asnumpy() for i, y in enumerate(outputs)}
        if grad_req != "null":
            found.update((n, a.grad.asnumpy()) for n, a in zip(names, arrays) if a.grad is not None)
        runs.append(found)
    widths = [run["output0"].dtype.itemsize for run in runs]
    truth = dict(ground_truth) if ground_truth is not None else runs[widths.index(max(widths))]
    for run, entry in zip(runs, ctx_list):
        for name, value in run.items():
            try:
                assert_almost_equal(value, truth[name], *_loosest(run, rtol, atol), equal_nan=equal_nan)
            except AssertionError as error:
                text = f"check_consistency: {name} on {entry['ctx']} in {value.dtype}: {error}"
                if raise_on_err:
                    raise AssertionError(text) from None
                print(text)
    return truth


def _loosest(run: Mapping[str, numpy.ndarray], rtol: Tolerance, atol: Tolerance) -> tuple[float, float]:
    """The tolerances of the narrowest dtype of a run."""
    narrow = min(run.values(), key=lambda a: a.dtype.itemsize)
    return get_tols(narrow, narrow, rtol, atol)


def check_gluon_hybridize_consistency(
    net_builder: Callable[..., Any], data_l: Sequence[Any], numpy_func: Callable[..., Any] | None = None,
    test_grad: bool = True, rtol: float = 1e-4, atol: float = 1e-4,
) -> None:
    """Check that a block gives the same outputs and gradients before and after ``hybridize()``.

    Parameters
    ----------
    net_builder : callable
        ``net_builder(prefix='net_')`` makes the block.
    data_l : list of arrays
        Its inputs.
    numpy_func : callable, optional
        The same function over NumPy arrays, to compare the outputs with.
    test_grad : bool
        Whether the gradients by the inputs are compared too.
    rtol, atol : float
        The tolerances.

    Raises
    ------
    AssertionError
        Something differs.
    """
    params: dict[str, numpy.ndarray] | None = None
    first: list[numpy.ndarray] = []
    for hybridize in (False, True):
        net = net_builder(prefix="net_")
        net.initialize()
        inputs = [x.copy() for x in data_l]
        net(*inputs)        # shapes that the parameters wait for
        if params is None:
            params = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
        for name, p in net.collect_params().items():
            p.data()[:] = params[name]
        if hybridize:
            net.hybridize()
        found = [_host(net(*inputs))]
        if test_grad:
            found += [*map(_host, _run(net, inputs, "write")), *(_host(x.grad) for x in inputs)]
        first = first or found
        for got, expected in zip(found, first):
            assert_almost_equal(got, expected, rtol=rtol, atol=atol)
    if numpy_func is not None:
        assert_almost_equal(first[0], numpy_func(*map(_host, data_l)), rtol=rtol, atol=atol)


def compare_optimizer(
    opt1: Any, opt2: Any, shape: Any, dtype: Any, w_stype: str = "default", g_stype: str = "default",
    rtol: float = 1e-4, atol: float = 1e-5, compare_states: bool = True, ntensors: int = 1,
) -> None:
    """Check that two optimizers make the same step from random weights and gradients.

    Parameters
    ----------
    opt1, opt2 : Optimizer
        They have ``create_state_multi_precision`` and ``update_multi_precision``.
    shape : tuple of int, or list of them
        Of the weights.  With a list, `opt1` updates each by itself and `opt2` all in one call.
    dtype : dtype
        Of weights and gradients.
    w_stype, g_stype : str
        'default'; there are no sparse arrays.
    rtol, atol : float
        The tolerances.
    compare_states : bool
        Whether the states are compared too.
    ntensors : int
        The number of weights; the length of the list `shape` is used.

    Raises
    ------
    AssertionError
        A weight or state differs.
    """
    _compare_optimizers(opt1, opt2, shape, dtype, (w_stype, g_stype), rtol, atol, compare_states, None)


def compare_optimizer_noise_seeded(
    opt1: Any, opt2: Any, shapes: Any, dtype: Any, noise_seed: int, w_stype: str = "default",
    g_stype: str = "default", rtol: float = 1e-4, atol: float = 1e-5, compare_states: bool = True,
) -> None:
    """As `compare_optimizer`, the random numbers seeded with `noise_seed` before each optimizer's step."""
    _compare_optimizers(opt1, opt2, shapes, dtype, (w_stype, g_stype), rtol, atol, compare_states, noise_seed)


def _compare_optimizers(
    opt1: Any, opt2: Any, shape: Any, dtype: Any, stypes: tuple[str, str], rtol: float, atol: float,
    compare_states: bool, noise_seed: int | None,
) -> None:
    if stypes != ("default", "default"):
        raise InvalidValueError(f"compare_optimizer: arrays are dense here, storage types {stypes}")
    shapes = shape if isinstance(shape, list) else [shape]
    weights, grads = ([nd.random.uniform(shape=s, dtype=dtype) for s in shapes] for _ in range(2))
    results = []
    for opt, together in ((opt1, False), (opt2, isinstance(shape, list))):
        own = [w.copy() for w in weights]
        states = [opt.create_state_multi_precision(i, w) for i, w in enumerate(own)]
        if noise_seed is not None:
            seed(noise_seed)
        if together:
            opt.update_multi_precision(list(range(len(own))), own, [g.copy() for g in grads], states)
        else:
            for i, (w, g, state) in enumerate(zip(own, grads, states)):
                opt.update_multi_precision(i, w, g.copy(), state)
        results.append((tuple(own), tuple(states)))
    (w1, s1), (w2, s2) = results
    compare_ndarray_tuple(w1, w2, rtol, atol)
    if compare_states:
        compare_ndarray_tuple(s1, s2, rtol, atol)


# -- generators of random numbers ----------------------------------------------------------------------------


def _drawn(generator: Callable[[int], Any], nsamples: int) -> numpy.ndarray:
    return _host(generator(nsamples)).ravel()


def mean_check(generator: Callable[[int], Any], mu: float, sigma: float, nsamples: int = 1000000) -> bool:
    """Whether the mean of ``generator(nsamples)`` is within three standard errors of `mu`."""
    mean = float(_drawn(generator, nsamples).mean(dtype=numpy.float64))
    return abs(mean - mu) < 3 * sigma / sqrt(nsamples)


def var_check(generator: Callable[[int], Any], sigma: float, nsamples: int = 1000000) -> bool:
    """Whether the variance of ``generator(nsamples)`` is within three standard errors, those of a normal
    distribution, of ``sigma ** 2``.
    """
    var = float(_drawn(generator, nsamples).var(ddof=1, dtype=numpy.float64))
    return abs(var - sigma ** 2) < 3 * sqrt(2 * sigma ** 4 / (nsamples - 1))


def gen_buckets_probs_with_ppf(
    ppf: Callable[[float], float], nbuckets: int,
) -> tuple[list[tuple[float, float]], list[float]]:
    """Buckets of equal probability from a percent point function (the inverse of the distribution function).

    >>> gen_buckets_probs_with_ppf(lambda p: 2 * p, 2)
    ([(0.0, 1.0), (1.0, 2.0)], [0.5, 0.5])
    """
    edges = [float(ppf(i / nbuckets)) for i in range(nbuckets + 1)]
    return list(zip(edges[:-1], edges[1:])), [1.0 / nbuckets] * nbuckets


def _chi_square_tail(x: float, degrees: int) -> float:
    """P(chi-square with so many degrees of freedom > x): Abramowitz and Stegun, 26.4.4 and 26.4.5."""
    half = x / 2
    if half <= 0:
        return 1.0
    if degrees % 2:
        powers, total = [k + 0.5 for k in range(degrees // 2)], erfc(sqrt(half))
    else:
        powers, total = [float(k) for k in range(degrees // 2)], 0.0
    return total + sum(exp(p * log(half) - half - lgamma(p + 1)) for p in powers)


def chi_square_check(
    generator: Callable[[int], Any], buckets: Sequence[Any], probs: Sequence[float], nsamples: int = 1000000,
) -> tuple[float, numpy.ndarray, numpy.ndarray]:
    """Pearson's chi-square test of a generator.

    Parameters
    ----------
    generator : callable
        ``generator(n)`` gives `n` independent numbers.
    buckets : list of pairs, or of numbers
        Half-open ranges ``(low, high)`` in ascending order, or the values of a discrete distribution.
    probs : list of floats
        The probability of each bucket; together they cover the distribution.
    nsamples : int
        How many numbers to draw.

    Returns
    -------
    p : float
        The probability of frequencies that differ as much, or more, if the generator is right.
    obs_freq, expected_freq : arrays of one number per bucket

    Examples
    --------
    >>> numpy.random.seed(0)
    >>> buckets, probs = gen_buckets_probs_with_ppf(lambda p: p, 5)
    >>> p, _, _ = chi_square_check(lambda n: numpy.random.uniform(size=n), buckets, probs, 10000)
    >>> p > 0.05
    True
    """
    if len(buckets) < 2 or len(buckets) != len(probs):
        raise InvalidValueError(
            f"chi_square_check: {len(buckets)} buckets, {len(probs)} probs; give as many, and at least 2")
    drawn = _drawn(generator, nsamples)
    if isinstance(buckets[0], (list, tuple)):
        low, high = (numpy.array([b[i] for b in buckets], numpy.float64) for i in (0, 1))
        ordered = numpy.sort(drawn.astype(numpy.float64))
        observed = numpy.searchsorted(ordered, high) - numpy.searchsorted(ordered, low)
    else:
        observed = numpy.array([numpy.count_nonzero(drawn == b) for b in buckets])
    expected = len(drawn) * numpy.asarray(probs, numpy.float64)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return _chi_square_tail(statistic, len(buckets) - 1), observed, expected


def verify_generator(
    generator: Callable[[int], Any], buckets: Sequence[Any], probs: Sequence[float], nsamples: int = 1000000,
    nrepeat: int = 5, success_rate: float = 0.2, alpha: float = 0.05,
) -> list[float]:
    """`chi_square_check` `nrepeat` times; AssertionError if a share of less than `success_rate` of the
    p values, which it gives, is above `alpha`.
    """
    checks = [chi_square_check(generator, buckets, probs, nsamples) for _ in range(nrepeat)]
    found = [p for p, _, _ in checks]
    if sum(p > alpha for p in found) < nrepeat * success_rate:
        raise AssertionError(
            f"Generator test fails, Chi-square p={found}, obs_freq={[o.tolist() for _, o, _ in checks]}, "
            f"expected_freq={checks[0][2].tolist()}.\nbuckets={list(buckets)}, probs={list(probs)}"
        )
    return found


# -- around a test -------------------------------------------------------------------------------------------


def list_gpus() -> range:
    """The numbers of the usable GPUs."""
    return range(get_gpu_count())


def is_op_runnable() -> bool:
    """True: every operator runs on every device."""
    return True


def retry(n: int) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """A decorator for random tests: up to `n` attempts while they raise AssertionError.

    >>> attempts = []
    >>> @retry(3)
    ... def test():
    ...     attempts.append(1)
    ...     assert len(attempts) == 2
    >>> test()
    >>> len(attempts)
    2
    """
    if n < 1:
        raise InvalidValueError(f"retry: at least one attempt, got {n}")

    def decorate(test: Callable[..., Any]) -> Callable[..., None]:
        @wraps(test)
        def attempt(*args: Any, **kwargs: Any) -> None:
            for left in reversed(range(n)):
                try:
                    test(*args, **kwargs)
                    return
                except AssertionError:
                    if not left:
                        raise
        return attempt
    return decorate


@contextmanager
def environment(*args: Any) -> Iterator[None]:
    """A scope in which environment variables are set, or unset where the value is None.

    ``environment(name, value)``, or ``environment({name: value, …})``.

    >>> with environment("MXGRAD_EXAMPLE", "1"):
    ...     os.environ["MXGRAD_EXAMPLE"]
    '1'
    >>> "MXGRAD_EXAMPLE" in os.environ
    False
    """
    if not (len(args) == 2 or len(args) == 1 and isinstance(args[0], dict)):
        raise InvalidTypeError("environment takes a name and a value, or a dict of them")
    wanted: dict[str, str | None] = args[0] if len(args) == 1 else {args[0]: args[1]}
    before = {name: os.environ.get(name) for name in wanted}
    try:
        for name, value in wanted.items():
            setenv(name, value)
        yield
    finally:
        for name, value in before.items():
            setenv(name, value)


@contextmanager
def discard_stderr() -> Iterator[None]:
    """A scope in which what the process writes to its standard error, from C too, is dropped."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def is_cd_run() -> bool:
    """Whether the environment variable ``CD_JOB`` is 1."""
    return os.environ.get("CD_JOB") == "1"


def is_aarch64_run() -> bool:
    """Whether this is a 64-bit ARM machine."""
    return platform.machine() in ("aarch64", "arm64")


def has_tvm_ops() -> bool:
    """False: no operator here is generated by TVM."""
    return False


# -- files of data -------------------------------------------------------------------------------------------


def download(
    url: str, fname: str | None = None, dirname: str | None = None, overwrite: bool = False, retries: int = 5,
) -> str:
    """The local copy of a file.  Nothing is fetched from a network.

    Parameters
    ----------
    url : str
        Where MXNet would fetch it; a ``file://`` address is copied.
    fname : str, optional
        The file's name; otherwise the last part of `url`.
    dirname : str, optional
        Its folder; otherwise that of `fname`, or the current one.
    overwrite : bool
        Whether a copy that is there is made anew.
    retries : int
        Ignored.

    Returns
    -------
    str
        The path of the copy.

    Raises
    ------
    MXNetError
        There is no local copy.

    Examples
    --------
    >>> download("http://example.org/data.zip")
    Traceback (most recent call last):
        ...
    mxgrad.base.MXNetError: mxgrad fetches nothing from a network; put http://example.org/data.zip at data.zip
    """
    path = Path(dirname or "", fname or url.rpartition("/")[2])
    if path.exists() and not overwrite:
        return str(path)
    if not url.startswith("file://"):
        raise MXNetError(f"mxgrad fetches nothing from a network; put {url} at {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(url[len("file://"):], path)
    return str(path)


_MNIST = "http://data.mxnet.io/data/mnist/"
_MNIST_FILES = ("train-labels-idx1-ubyte", "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
                "t10k-images-idx3-ubyte")


def _idx(name: str) -> numpy.ndarray:
    """The array in a gzipped file of MNIST: in the current folder, in data/, or where `data_dir` says.

    Source: the format "idx", as described with the data set (big-endian: 0, 0, type 8, rank; lengths; bytes).
    """
    folders = ("", "data", os.path.join(data_dir(), "datasets", "mnist"))
    here = [folder for folder in folders if Path(folder, name + ".gz").exists()]
    path = download(f"{_MNIST}{name}.gz", dirname=here[0] if here else None)
    with gzip.open(path) as file:
        rank = struct.unpack(">HBB", file.read(4))[2]
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return numpy.frombuffer(file.read(), numpy.uint8).reshape(shape)


def get_mnist() -> dict[str, numpy.ndarray]:
    """The handwritten digits of MNIST, from the four gzipped files of the data set.

    They are looked for in the current folder, in ``data/``, and in ``datasets/mnist`` of
    `mxgrad.base.data_dir`.

    Returns
    -------
    dict of NumPy arrays
        'train_data' and 'test_data', float32 from 0 to 1, shapes (60000, 1, 28, 28) and (10000, 1, 28, 28);
        'train_label' and 'test_label', int8.

    Raises
    ------
    MXNetError
        A file is missing.
    """
    labels, images, test_labels, test_images = (_idx(name) for name in _MNIST_FILES)

    def picture(a: numpy.ndarray) -> numpy.ndarray:
        return a[:, None].astype(numpy.float32) / 255

    return {
        "train_data": picture(images), "train_label": labels.view(numpy.int8),
        "test_data": picture(test_images), "test_label": test_labels.view(numpy.int8),
    }


def _unzipped(needed: Sequence[str], url: str) -> None:
    """The files `needed` in data/, unpacked from a local copy of `url` if they are not there."""
    if not all(Path("data", name).exists() for name in needed):
        with zipfile.ZipFile(download(url, dirname="data")) as archive:
            archive.extractall("data")


def get_mnist_pkl() -> None:
    """Make sure that ``data/mnist.pkl.gz`` is there; MXNetError otherwise."""
    download("http://deeplearning.net/data/mnist/mnist.pkl.gz", dirname="data")


def get_mnist_ubyte() -> None:
    """Make sure that the four files of MNIST are in ``data/``, unpacked from ``data/mnist.zip`` if need be;
    MXNetError if that is not there either.
    """
    _unzipped(_MNIST_FILES, "http://data.mxnet.io/mxnet/data/mnist.zip")


def get_cifar10() -> None:
    """Make sure that the files of CIFAR-10 are in ``data/cifar/``, unpacked from ``data/cifar10.zip`` if need
    be; MXNetError if that is not there either.
    """
    needed = [f"cifar/{part}.{kind}" for part in ("train", "test") for kind in ("rec", "lst")]
    _unzipped(needed, "http://data.mxnet.io/mxnet/data/cifar10.zip")


def get_zip_data(data_dir: str, url: str, data_origin_name: str) -> None:
    """Unpack a zip file in the folder `data_dir` there; its local copy is that of `url` and has the name
    `data_origin_name`.  MXNetError if it is missing.
    """
    with zipfile.ZipFile(download(url, data_origin_name, data_dir)) as archive:
        archive.extractall(data_dir)


def get_bz2_data(data_dir: str, data_name: str, url: str, data_origin_name: str) -> None:
    """Unpack a bz2 file in the folder `data_dir` to `data_name` there, unless that exists; its local copy is
    that of `url` and has the name `data_origin_name`.  MXNetError if it is missing.
    """
    target = Path(data_dir, data_name)
    if not target.exists():
        packed = download(url, data_origin_name, data_dir)
        target.write_bytes(bz2.decompress(Path(packed).read_bytes()))


class DummyIter:
    """An iterator that gives the first batch of another one for ever, for measuring speed.

    Parameters
    ----------
    real_iter : iterator
        With `provide_data`, `provide_label` and `batch_size`, as mx.io's.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> class Batches(SimpleNamespace):
    ...     def __next__(self):
    ...         return "batch"
    >>> batches = DummyIter(Batches(provide_data=[], provide_label=[], batch_size=2))
    >>> next(batches), next(batches), batches.batch_size
    ('batch', 'batch', 2)
    """

    def __init__(self, real_iter: Any) -> None:
        self.real_iter = real_iter
        self.provide_data = real_iter.provide_data
        self.provide_label = real_iter.provide_label
        self.batch_size = real_iter.batch_size
        self.the_batch = next(real_iter)

    def __iter__(self) -> DummyIter:
        return self

    def next(self) -> Any:
        """The batch."""
        return self.the_batch

    __next__ = next

    def reset(self) -> None:
        """Nothing: every pass begins with the same batch."""
