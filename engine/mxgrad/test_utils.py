"""`mx.test_utils`: what tests written for MXNet compare, draw and check with (level 12).

Functions that take a Symbol there take a callable here: ``check_numeric_gradient(lambda x: nd.exp(x), [a])``.
Random numbers are NumPy's global ones (``numpy.random.seed``), as in MXNet.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from math import erfc, exp, lgamma, log, sqrt
from typing import Any

import numpy
from numpy.testing import assert_allclose

from . import autograd, nd
from .base import DTYPES, InvalidTypeError, InvalidValueError
from .context import current_context, set_default_context
from .ndarray import BaseArray
from .testing import check_grads
from .util import get_gpu_count, setenv, use_np

__all__ = [
    "almost_equal",
    "assert_allclose",
    "assert_almost_equal",
    "assert_almost_equal_ignore_nan",
    "assert_almost_equal_with_err",
    "assert_exception",
    "assign_each",
    "assign_each2",
    "checkShapes",
    "check_numeric_gradient",
    "check_symbolic_backward",
    "check_symbolic_forward",
    "chi_square_check",
    "collapse_sum_like",
    "compare_ndarray_tuple",
    "create_2d_tensor",
    "create_vector",
    "default_atols",
    "default_context",
    "default_device",
    "default_dtype",
    "default_numeric_eps",
    "default_rtols",
    "discard_stderr",
    "effective_dtype",
    "environment",
    "gen_buckets_probs_with_ppf",
    "get_atol",
    "get_etol",
    "get_rtol",
    "get_tolerance",
    "get_tols",
    "is_op_runnable",
    "list_gpus",
    "mean_check",
    "np_reduce",
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

    def at(place: Any) -> str:
        where = tuple(int(i) for i in place)
        return f"{where}, {names[0]}={float(a[place]):.8f}, {names[1]}={float(b[place]):.8f}"

    text = (
        f"Error {error[places[0]]:f} exceeds tolerance rtol={rtol:e}, atol={atol:e} "
        f"(mismatch {100 * wrong.mean():f}%).\nLocation of maximum error: {at(places[0])}"
    )
    raise AssertionError("\n".join([text, *(f"Error {error[p]:f} at {at(p)}" for p in places[1:])]))


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
    return nd.arange(0, size, dtype=dtype)      # type: ignore[no-any-return]


def create_2d_tensor(rows: int, columns: int, dtype: Any = numpy.int64) -> nd.NDArray:
    """The NDArray of shape (rows, columns) whose rows are 0, 1, …"""
    column = create_vector(rows, dtype).reshape((rows, 1))
    return nd.broadcast_to(column, shape=(rows, columns))       # type: ignore[no-any-return]


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
