"""The functions of np: values as MXNet 2.0 printed them, gradients against central differences."""
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxgrad
import numpy
import pytest
from mxgrad import MXNetError, autograd, np
from mxgrad.base import AutogradError
from mxgrad.testing import check_grads
from transcript import differences, read

DATA = Path(__file__).parent / "data"


def space() -> dict[str, Any]:
    return {"mx": mxgrad, "nd": mxgrad.nd, "np": mxgrad.np, "npx": mxgrad.npx, "onp": numpy, "math": math}


def test_values_are_those_of_mxnet() -> None:
    path = DATA / "np_2.0.0b1.txt"
    assert len(read(path.read_text())) > 450
    with numpy.printoptions(legacy="1.21"):     # how NumPy printed scalars then
        assert not differences(path, space())


def spread(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Any:
    """Distinct float64 values, in random order."""
    rng = numpy.random.default_rng(seed + len(shape) * 7 + sum(shape))
    n = int(numpy.prod(shape))
    values = low + (high - low) * (numpy.arange(n) + rng.uniform(0.2, 0.8, n)) / n
    return np.array(rng.permutation(values).reshape(shape), dtype="float64")


def above(*shape: int, seed: int = 0) -> Any:
    return spread(*shape, low=0.2, high=3.0, seed=seed)


def f64(*values: float) -> Any:
    return np.array(values, dtype="float64")


A, P = spread, above
GRADIENTS: dict[str, tuple[Callable[..., Any], ...]] = {
    "sum where": (lambda x: np.sum(x, where=x > 0, axis=0), A(2, 3)),
    "sum initial": (lambda x: np.sum(x, initial=3.), A(3)),
    "sum dtype": (lambda x: np.sum(x, axis=(0, 1), dtype="float64", keepdims=True), A(2, 3)),
    "prod": (np.prod, A(2, 3)),
    "prod with a zero": (lambda x: np.prod(x * f64(0, 1, 2)), P(3)),
    "mean": (lambda x: np.mean(x, axis=1, keepdims=True), A(2, 3)),
    "max initial": (lambda x: np.max(x, axis=1, initial=0.3), A(2, 3)),
    "var": (lambda x: np.var(x, axis=0, ddof=1), A(3, 2)),
    "std": (np.std, A(4)),
    "std correction": (lambda x: x.std(axis=0, correction=1), A(3, 2)),
    "average": (lambda x, w: np.average(x, weights=w, axis=0), A(2, 3), P(2, 3)),
    "average vector of weights": (lambda x, w: np.average(x, weights=w, axis=1), A(2, 3), P(3)),
    "ptp": (lambda x: np.ptp(x, axis=1), A(2, 3)),
    "median": (lambda x: np.median(x, axis=1), A(2, 4)),
    "median of three": (np.median, A(3)),
    "quantile": (lambda x: np.quantile(x, [.2, .7], axis=0), A(5, 2)),
    "percentile": (lambda x: np.percentile(x, 30, interpolation="midpoint", keepdims=True), A(5)),
    "nansum": (np.nansum, A(3)),
    "nanmax": (lambda x: np.nanmax(x, axis=0), A(2, 3)),
    "nanmin": (np.nanmin, A(3)),
    "nanmean": (lambda x: np.nanmean(np.where(x > 1, math.nan, x)), A(5)),
    "nanvar": (lambda x: np.nanvar(np.where(x > 1, math.nan, x)), A(5)),
    "nanstd": (np.nanstd, A(4)),
    "cumsum": (lambda x: np.cumsum(x, axis=1), A(2, 3)),
    "cumprod": (lambda x: np.cumprod(x, axis=1), A(2, 3)),
    "nancumprod": (np.nancumprod, A(3)),
    "diff": (lambda x: np.diff(x, n=2, axis=0, append=1.), A(4, 2)),
    "ediff1d": (lambda x: np.ediff1d(x, to_begin=x[:1]), A(4)),
    "trapz": (lambda y, x: np.trapz(y, x), A(4), A(4, seed=1)),
    "where with a number": (lambda x: np.where(x > 0, x * x, 0.), A(4)),
    "where": (lambda x, y: np.where(np.array([1, 0]), x, y), A(2, 1), A(2)),
    "clip by arrays": (lambda x, low: np.clip(x, low, None), A(3), A(3, seed=1)),
    "nan_to_num": (np.nan_to_num, A(3)),
    "modf": (lambda x: np.modf(x)[0], A(3)),
    "divmod": (lambda x, y: np.divmod(x, y)[1], P(3), P(3, seed=1)),
    "heaviside": (np.heaviside, A(3), A(3, seed=1)),
    "unwrap": (np.unwrap, spread(4, low=0, high=20)),
    "interp in x and fp": (lambda x, y: np.interp(x, f64(-3, -1, .11, 1.7), y), A(3), A(4)),
    "interp in xp": (lambda xp: np.interp(f64(.4, 1.3), xp, f64(1, 5, 2)), f64(0, 1, 2)),
    "interp period": (lambda x: np.interp(x, f64(.1, 1, 2), f64(1, 5, 2), period=3), A(4)),
    "polyval": (np.polyval, A(3), A(2)),
    "vander": (lambda x: np.vander(x, 3, increasing=True), A(3)),
    "cov": (np.cov, A(2, 4)),
    "cov of weighted observations": (lambda x, w: np.cov(x, aweights=w), A(2, 4), P(4)),
    "corrcoef": (np.corrcoef, A(2, 4)),
    "bincount": (lambda w: np.bincount(np.array([0, 2, 2], dtype="int32"), w), A(3)),
    "reshape in Fortran order": (lambda x: np.reshape(x, (3, 2), order="F"), A(2, 3)),
    "ravel": (lambda x: np.ravel(x, order="F"), A(2, 3)),
    "rollaxis": (lambda x: np.rollaxis(x, 2), A(2, 1, 3)),
    "rot90": (lambda x: np.rot90(x, 3), A(2, 3)),
    "atleast_1d": (np.atleast_1d, A()),
    "atleast_2d": (np.atleast_2d, A(2)),
    "atleast_3d": (np.atleast_3d, A(2)),
    "concatenate": (lambda x, y: np.concatenate([x, y], axis=None), A(2, 2), A(3)),
    "append": (lambda x: np.append(x, 5.), A(3)),
    "stack": (lambda x, y: np.stack([x, y], 1), A(2), A(2, seed=1)),
    "vstack": (lambda x, y: np.vstack([x, y]), A(2), A(3, 2)),
    "hstack": (lambda x, y: np.hstack([x, y]), A(2, 1), A(2, 2)),
    "dstack": (lambda x, y: np.dstack([x, y]), A(2), A(2, seed=1)),
    "column_stack": (lambda x, y: np.column_stack([x, y]), A(2), A(2, 2)),
    "split": (lambda x: np.split(x, [1], axis=1)[1], A(2, 3)),
    "array_split": (lambda x: np.array_split(x, 2)[0], A(3)),
    "broadcast_arrays": (lambda x, y: np.broadcast_arrays(x, y)[0], A(2, 1), A(3)),
    "repeat": (lambda x: np.repeat(x, [0, 2, 3], axis=0), A(3, 2)),
    "tile": (lambda x: np.tile(x, (2, 1, 2)), A(2, 2)),
    "resize": (lambda x: np.resize(x, (7,)), A(3)),
    "pad constant": (lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=((1, 2), (3, 4))), A(2, 2)),
    "pad edge": (lambda x: np.pad(x, 2, mode="edge"), A(2, 2)),
    "pad reflect": (lambda x: np.pad(x, 3, mode="reflect"), A(3)),
    "pad symmetric": (lambda x: np.pad(x, 4, mode="symmetric"), A(3)),
    "pad wrap": (lambda x: np.pad(x, 2, mode="wrap"), A(3)),
    "pad maximum": (lambda x: np.pad(x, 1, mode="maximum"), A(2, 3)),
    "pad mean": (lambda x: np.pad(x, 1, mode="mean"), A(2, 3)),
    "insert": (lambda x, v: np.insert(x, [0, 2], v), A(3), A(2)),
    "delete": (lambda x: np.delete(x, [0, 2], axis=1), A(2, 4)),
    "diag of a vector": (lambda x: np.diag(x, 1), A(3)),
    "diag of a matrix": (np.diag, A(3, 3)),
    "diagflat": (np.diagflat, A(2, 2)),
    "diagonal": (lambda x: np.diagonal(x, 1, 2, 0), A(3, 2, 4)),
    "trace": (lambda x: np.trace(x, 1), A(3, 3)),
    "tril": (np.tril, A(3, 3)),
    "meshgrid": (lambda x, y: np.meshgrid(x, y)[0], A(2), A(3)),
    "linspace": (lambda a, b: np.linspace(a, b, 3), A(2), A(2, seed=1)),
    "full": (lambda a: np.full((2, 2), a), A(2)),
    "dot": (np.dot, A(2, 3), A(3, 2)),
    "dot of a stack": (np.dot, A(2, 3), A(2, 3, 2)),
    "inner": (np.inner, A(2, 3), A(4, 3)),
    "outer": (np.outer, A(2), A(3)),
    "vdot": (np.vdot, A(2, 2), A(2, 2, seed=1)),
    "kron": (np.kron, A(2, 2), A(2)),
    "cross": (np.cross, A(2, 3), A(2, 3, seed=1)),
    "cross of two and three": (np.cross, A(2), A(3)),
    "einsum": (lambda x, y: np.einsum("ij,jk->i", x, y), A(2, 3), A(3, 2)),
    "einsum by lists": (lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [2, 0]), A(2, 3), A(3, 2)),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 3), A(2, 2)),
    "multi_dot": (lambda x, y, z: np.linalg.multi_dot([x, y, z]), A(2), A(2, 3), A(3, 2)),
    "norm": (np.linalg.norm, A(2, 3)),
    "norm of order 3": (lambda x: np.linalg.norm(x, 3), A(4)),
    "norm of order ½": (lambda x: np.linalg.norm(x, .5), P(3)),
    "norm of order inf": (lambda x: np.linalg.norm(x, math.inf, axis=0), A(2, 3)),
    "matrix norm 1": (lambda x: np.linalg.norm(x, 1), A(2, 3)),
    "matrix norm nuc": (lambda x: np.linalg.norm(x, "nuc"), A(2, 3)),
    "cond": (np.linalg.cond, A(2, 2)),
    "pinv": (np.linalg.pinv, A(3, 2)),
    "svd": (lambda x: [abs(y) for y in np.linalg.svd(x)], A(3, 2)),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], A(4, 2), A(4)),
    "tensorinv": (lambda x: np.linalg.tensorinv(x, ind=1), A(4, 2, 2)),
    "tensorsolve": (np.linalg.tensorsolve, A(2, 2, 4), A(2, 2)),
    "eigvalsh": (lambda x: np.linalg.eigvalsh(x + x.T), A(3, 3)),
    "cholesky": (lambda x: np.linalg.cholesky(x @ x.T + np.eye(2, dtype="float64"), upper=True), A(2, 2)),
    "sort": (lambda x: np.sort(x, axis=0, descending=True), A(3, 2)),
    "partition": (lambda x: np.partition(x, 1), A(4)),
    "take": (lambda x: np.take(x, [0, 2, 2], axis=1), A(2, 3)),
    "take_along_axis": (lambda x: np.take_along_axis(x, np.argsort(x, axis=1), 1), A(2, 3)),
    "compress": (lambda x: np.compress([True, False, True], x, axis=1), A(2, 3)),
    "choose": (lambda x, y: np.choose(np.array([0, 1], dtype="int64"), [x, y]), A(2), A(2, seed=1)),
    "select": (lambda x: np.select([x > 1, x > 0], [x * x, x], default=0.), A(4)),
    "piecewise": (lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v * v]), A(4)),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda r: r * r.sum(), 0, x), A(2, 3)),
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x, [0, 1]), A(2, 3)),
    "unique": (np.unique, A(4)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    f, *arrays = GRADIENTS[name]
    check_grads(f, arrays)


def grad(f: Callable[..., Any], values: Any) -> list[float]:
    x = np.array(values)
    x.attach_grad()
    with autograd.record():
        y = f(x)
    y.backward()
    return x.grad.tolist()      # type: ignore[no-any-return]


@pytest.mark.parametrize("f, values, expected", [
    (np.linalg.norm, [0, 0], [0, 0]),                       # MXNet: nan
    (np.prod, [0, 2, 3], [6, 0, 0]),                        # MXNet: nan, 0, 0
    (np.std, [1, 1, 1], [0, 0, 0]),
    (np.nanstd, [1, 1, 1], [0, 0, 0]),
    (np.median, [1, 2, 4], [0, 1, 0]),                      # MXNet: zeros
    (np.max, [1, 3, 3], [0, 1, 1]),                         # every tie, as MXNet
    (lambda x: np.maximum(x, 2), [1, 2, 3], [0, 1, 1]),
    (lambda x: np.clip(x, 0, 2), [-1, 0, 1, 2, 3], [0, 1, 1, 1, 0]),
    (lambda x: np.where(x > 0, x, 0), [-1, 0, 1], [0, 0, 1]),
    (lambda x: x ** 0, [0, 1], [0, 0]),                     # MXNet: nan at 0
    (lambda x: np.interp(x, np.array([0, 1]), np.array([0, 10])), [0.5, 3], [10, 0]),
    (np.argmax, [1, 2], [0, 0]),
    (lambda x: np.linalg.norm(x, 3), [0, 0], [0, 0]),
    (lambda x: np.unique(x).sum(), [3, 1, 3], [1, 1, 0]),
], ids=str)
def test_conventions_of_gradients(f: Callable[..., Any], values: Any, expected: list[float]) -> None:
    assert grad(f, values) == expected


def test_numbers_alone_give_numbers() -> None:
    for got, expected in (
        (np.sqrt(4), 2.0), (np.add(1, 2), 3), (np.maximum(1, 2.5), 2.5), (np.sum(3), 3), (np.mean(2), 2.0),
        (np.where(True, 1, 2), 1), (np.round(2.567, 1), 2.6), (np.clip(5, 0, 2), 2), (np.equal(1, 1), True),
        (np.modf(1.5), (0.5, 1.0)), (np.isclose(1.0, 1.0 + 1e-9), True), (np.power(numpy.float32(2), 3), 8.0),
    ):
        assert got == expected and type(got) is type(expected)


def test_results_of_functions_on_other_arrays_are_np_arrays() -> None:
    from mxgrad import nd

    for a in (nd.array([1, 2]), numpy.array([1., 2.])):
        for f in (np.sin, np.sum, np.sort, np.cumsum, np.median, np.linalg.norm):
            assert type(f(a)) is np.ndarray
        assert type(np.concatenate([a, a])) is type(np.add(a, 1)) is np.ndarray


def test_out_receives_the_result() -> None:
    x, z = np.array([1., 4.]), np.zeros(2)
    for call in (lambda: np.sqrt(x, out=z), lambda: np.add(x, 1, out=z), lambda: np.cumsum(x, out=z),
                 lambda: np.concatenate([x[:1], x[1:]], out=z), lambda: np.clip(x, 0, 2, out=z)):
        z[:] = 0
        assert call() is z and z.sum().item() > 0
    total = np.zeros(())
    assert np.sum(x, out=total) is total and total.item() == 5
    with pytest.raises(TypeError, match="does not fit in place into int32"):
        np.sqrt(x, out=np.zeros(2, dtype="int32"))
    with pytest.raises(ValueError, match="out has shape"):
        np.sqrt(x, out=np.zeros(3))


@pytest.mark.parametrize("call, error, text", [
    (lambda: np.sin([1, 2]), TypeError, r"sin: type <class 'list'> not supported.*np\.array"),
    (lambda: np.sum([1, 2]), TypeError, "sum: type <class 'list'>"),
    (lambda: np.add(np.ones(2), "a"), TypeError, "add: type <class 'str'>"),
    (lambda: np.dot(np.ones((2, 3)), np.ones((2, 3))), ValueError, "dot"),
    (lambda: np.concatenate([]), ValueError, "at least one array"),
    (lambda: np.concatenate(np.ones), TypeError, "list or tuple of arrays"),
    (lambda: np.split(np.arange(6), 4), ValueError, "equal division"),
    (lambda: np.max(np.array([])), ValueError, "zero-size array to reduction operation maximum"),
    (lambda: np.sum(np.ones(2), axis=3), ValueError, "axis 3 is out of bounds"),
    (lambda: np.median(np.ones(2), axis=3), ValueError, "axis 3 is out of bounds"),
    (lambda: np.take(np.ones(2), np.array([5])), IndexError, "index 5 is out of bounds"),
    (lambda: np.quantile(np.ones(2), 1.5), ValueError, "range"),
    (lambda: np.reshape(np.ones(4), (3,)), ValueError, "Cannot reshape array of size 4"),
    (lambda: np.where(np.ones(2), 1), ValueError, "both x and y"),
    (lambda: np.pad(np.ones(2), -1), ValueError, "pad_width"),
    (lambda: np.linalg.norm(np.ones((2, 2)), "foo"), ValueError, "'foo'"),
    (lambda: np.bincount(np.ones(2)), TypeError, "integers"),
    (lambda: np.zeros((2, -1)), ValueError, "negative"),
    (lambda: np.zeros(2, dtype="foo"), TypeError, "'foo' not understood"),
    (lambda: np.arange(1, 3, 0), ValueError, "step"),
    (lambda: np.array([[1, 2], [3]]), TypeError, "inhomogeneous"),
    (lambda: np.array("abc"), TypeError, "could not convert"),
    (lambda: np.array(1j), TypeError, "complex"),
    (lambda: np.linalg.eig(np.array([[0., -1], [1, 0]])), ValueError, "complex"),
    (lambda: np.tri(2.5), TypeError, "tri: 'float' object cannot be interpreted as an integer"),
    (lambda: np.triu_indices(2, m=0.5), TypeError, "triu_indices: 'float' object"),
    (lambda: np.foo, AttributeError, "no attribute 'foo'"),
    (lambda: np.linalg.foo, AttributeError, "'mxgrad.np.linalg' has no attribute 'foo'"),
])
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        call()
    assert isinstance(caught.value, MXNetError)


def test_vectorize() -> None:
    f = np.vectorize(lambda a, b: a * b if a > b else a - b)
    assert f(np.array([[1.0, 5.0]]), np.array([[2.0], [3.0]])).tolist() == [[-1, 10], [-2, 15]]
    assert f(3, [1, 4]).tolist() == [3, -1]
    whole, large = np.vectorize(lambda v: (v * 2, v > 1))(np.array([1.0, 2.0]))
    assert whole.tolist() == [2, 4] and large.tolist() == [False, True]
    polynomial = np.vectorize(lambda p, x, scale=1: (p[0] + p[1] * x) * scale, excluded={0})
    assert polynomial([1, 2], np.array([1.0, 2.0]), scale=[1, 2]).tolist() == [3, 10]
    inner = np.vectorize(lambda x, y: (x * y).sum(), signature="(n),(n)->()")
    assert inner(np.ones((2, 1, 3)), np.ones((4, 3))).tolist() == [[3] * 4] * 2

    @np.vectorize(otypes=["float64"])
    def cube(x: Any) -> Any:
        """Cubed."""
        return x * x * x

    assert cube(np.ones((0, 2))).shape == (0, 2) and cube(np.ones(2)).dtype == "float64"
    assert cube.__doc__ == "Cubed." and np.vectorize(abs, doc="Other.").__doc__ == "Other."
    check_grads(cube, [A(2, 2)])
    pair = np.vectorize(lambda v: (v, v), otypes="fd")(np.ones(0))
    assert [a.dtype.name for a in pair] == ["float32", "float64"]


def _twice(x: Any) -> Any:
    return x, x


@pytest.mark.parametrize("call, text", [
    (lambda: np.vectorize(3), "must be a function"),
    (lambda: np.vectorize(_twice)(np.ones(0)), "no element to call the function on"),
    (lambda: np.vectorize(_twice, otypes="f")(np.ones(2)), r"gives 2 result\(s\), otypes has 1 dtype"),
    (lambda: np.vectorize(divmod)(np.ones(2), np.ones(3)), "cannot be broadcast"),
    (lambda: np.vectorize(lambda x: np.ones(int(x)))(np.array([1, 2])), "several shapes"),
    (lambda: np.vectorize(_twice, signature="(n->()")(np.ones(2)), "not a valid signature"),
    (lambda: np.vectorize(_twice, signature="(n),(n)->()")(np.ones(2)), "2 arguments, the call has 1"),
    (lambda: np.vectorize(_twice, signature="(n,m)->()")(np.ones(2)), "does not fit signature"),
    (lambda: np.vectorize(divmod, signature="(n),(n)->()")(np.ones(2), np.ones(3)), "does not fit signature"),
    (lambda: np.vectorize(lambda x: None)(np.ones(2)), "vectorize: type <class 'NoneType'>"),
])
def test_vectorize_says_what_is_wrong(call: Callable[[], Any], text: str) -> None:
    with pytest.raises(MXNetError, match=text):
        call()


def test_elements_one_by_one() -> None:
    x = np.array([[3.0, 1.0, 2.0]])
    assert [(place, v.item()) for place, v in np.ndenumerate(x)] == [((0, 0), 3), ((0, 1), 1), ((0, 2), 2)]
    assert [v.item() for v in x.flat] == [3, 1, 2] and len(x.flat) == 3
    x.flat[1] = 7
    assert x.tolist() == [[3, 7, 2]]
    x.flat = [1, 2, 3]
    assert x.tolist() == [[1, 2, 3]]
    assert np.array([1.0, 2.0, 4.0]).searchsorted(3.0) == 2
    assert np.array([3.0, 1.0, 2.0]).argpartition(0)[0] == 1
    assert not np.iscomplexobj(x) and np.iscomplexobj(1j) and np.isrealobj(x) and not np.isrealobj([1j])


def test_functions_without_a_gradient_say_so() -> None:
    x = np.array([1., 2., 3.])
    x.attach_grad()
    assert np.i0(x).shape == (3,)
    with autograd.record():
        with pytest.raises(AutogradError, match=r"np\.i0 is computed by NumPy on the host"):
            np.i0(x)
        with pytest.raises(AutogradError, match="has no gradient"):
            np.linalg.eigvals(x * np.eye(3))
        places = np.searchsorted(x, np.array([2.5]))
        assert np.i0(x.detach()).shape == (3,)
    assert places.tolist() == [2] and places.dtype == "int64"
    assert "No gradient flows" in np.i0.__doc__ and "No gradient flows" in np.searchsorted.__doc__


def test_numpys_results_stay_numpys_without_arrays_of_ours() -> None:
    assert type(np.polyfit(numpy.arange(3), numpy.arange(3), 1)) is numpy.ndarray


def test_every_name_is_there_and_documented() -> None:
    names = [n for n in dir(np) if callable(getattr(np, n)) and n not in ("dtype", "set_printoptions")]
    assert len(names) > 300
    for n in names:
        assert getattr(np, n).__doc__, n
    for n in dir(np.linalg):
        assert getattr(np.linalg, n).__doc__, n
    assert np.float32 == numpy.dtype("float32") and np.bool == np.bool_ == numpy.dtype("bool")
    assert np.newaxis is None and np.pi == math.pi
