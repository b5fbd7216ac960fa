"""More of NumPy's functions in np: values as NumPy's, gradients to second order, writes in place, errors."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest
from checks import check_device
from mxgrad import MXNetError, autograd, np
from mxgrad.base import AutogradError
from mxgrad.testing import check_grads

RNG = numpy.random.default_rng(3)
A, B, V, W = (
    RNG.standard_normal((3, 4)),
    RNG.standard_normal((4, 2)),
    RNG.standard_normal(5),
    RNG.standard_normal(3),
)
T = numpy.cumsum(RNG.uniform(0.5, 1.5, 4))  # coordinates
HOLES = numpy.where(RNG.uniform(size=(4, 5)) < 0.3, numpy.nan, RNG.permutation(20).reshape(4, 5) / 7)
HOLES[1] = numpy.nan


def ours(value: Any) -> Any:
    if isinstance(value, numpy.ndarray):
        return np.array(value, dtype=value.dtype)
    return [ours(v) for v in value] if isinstance(value, list) else value


def same(got: Any, expected: Any) -> None:
    if isinstance(expected, (list, tuple)):
        assert len(got) == len(expected)
        for a, b in zip(got, expected):
            same(a, b)
        return
    got, expected = (v.asnumpy() if isinstance(v, np.ndarray) else numpy.asarray(v) for v in (got, expected))
    assert got.shape == expected.shape
    numpy.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


CALLS: dict[str, tuple[Any, ...]] = {
    "sinc": (lambda np, x: np.sinc(x), numpy.append(V, [0.0, 1e-4, 0.006, 0.5])),
    "logaddexp2": (lambda np, x, y: np.logaddexp2(x, y), V, numpy.float64(0.3) * V[::-1]),
    "angle": (lambda np, x: np.angle(x), V),
    "angle deg": (lambda np, x: np.angle(x, deg=True), V),
    "conj": (lambda np, x: np.conj(x), V),
    "imag": (lambda np, x: np.imag(x), V),
    "gradient": (lambda np, x: np.gradient(x), V),
    "gradient of a matrix": (lambda np, x: np.gradient(x), A),
    "gradient step": (lambda np, x: np.gradient(x, 0.5, 2, edge_order=2), A),
    "gradient axis": (lambda np, x: np.gradient(x, 0.5, axis=-1), A),
    "gradient coordinates": (lambda np, x, t: np.gradient(x, t, axis=1), A, T),
    "gradient coordinates, order 2": (lambda np, x, t: np.gradient(x, 2.0, t, edge_order=2), A, T),
    **{
        f"{f} {mode} {i}": (lambda np, a, v, f=f, mode=mode: getattr(np, f)(a, v, mode), *pair)
        for f in ("convolve", "correlate")
        for mode in ("full", "same", "valid")
        for i, pair in enumerate([(V, W), (W, V), (V, V), (T, V), (W, W[:2]), (V[:1], W)])
    },
    "polyadd": (lambda np, a, b: np.polyadd(a, b), V, W),
    "polysub": (lambda np, a, b: np.polysub(a, b), W, V),
    "polymul": (lambda np, a, b: np.polymul(a, b), W, V),
    "polyder": (lambda np, a: np.polyder(a, 2), V),
    "polyder to nothing": (lambda np, a: np.polyder(a, 1), V[:1] * 0 + 2),
    "polyint": (lambda np, a: np.polyint(a), V),
    "polyint k": (lambda np, a: np.polyint(a, 2, [3.0, 4.0]), V),
    "poly": (lambda np, a: np.poly(a), W),
    "polyval": (lambda np, p, x: np.polyval(p, x), W, A),
    "polyfit": (lambda np, x, y: np.polyfit(x, y, 2), V, V[::-1] * 2),
    "polyfit w": (lambda np, x, y, w: np.polyfit(x, y, 1, w=w), T, A[0], numpy.abs(A[1])),
    "polyfit columns": (lambda np, x, y: np.polyfit(x, y, 1), T, B),
    "polyfit cov": (lambda np, x, y: np.polyfit(x, y, 1, cov=True), T, A[0]),
    "polyfit cov of columns": (lambda np, x, y: np.polyfit(x, y, 1, cov=True), T, B),
    "nanmedian": (lambda np, x: np.nanmedian(x, axis=1), HOLES),
    "nanmedian all": (lambda np, x: np.nanmedian(x), HOLES),
    "nanquantile": (lambda np, x: np.nanquantile(x, [0.1, 0.5, 1.0], axis=0, keepdims=True), HOLES),
    "nanpercentile": (lambda np, x: np.nanpercentile(x, 30, axis=(0, 1)), HOLES),
    "unstack": (lambda np, x: np.unstack(x, axis=1), A),
    "matvec": (lambda np, x, y: np.matvec(x, y), A, T),
    "vecmat": (lambda np, x, y: np.vecmat(x, y), W, A),
    "cumulative_sum": (lambda np, x: np.cumulative_sum(x, axis=1, include_initial=True), A),
    "cumulative_prod": (lambda np, x: np.cumulative_prod(x, include_initial=True), V),
    "block": (lambda np, x, y: np.block([[x, x], [y]]), A, numpy.append(A, A, 1)),
    "block of vectors": (lambda np, x, y: np.block([x, y]), V, W),
    "block of one": (lambda np, x: np.block(x), A),
    "block, a number": (lambda np, x: np.block([[x], [V[:4].reshape(1, 4)]]), A),
    "r_": (lambda np, x: np.r_[x, 2.0, x], V),
    "c_": (lambda np, x: np.c_[x, x], V),
    "astype": (lambda np, x: np.astype(x, "float64"), V),
    "permute_dims": (lambda np, x: np.permute_dims(x, (1, 0)), A),
    "float_power": (lambda np, x: np.float_power(x, 3), A),
    "float_power of float32": (lambda np, x: np.float_power(x, -0.5), abs(V).astype("float32")),
}


NUMPY_2 = ("unstack", "matvec", "vecmat", "cumulative_sum", "cumulative_prod", "astype", "permute_dims")


@pytest.mark.parametrize("name", CALLS)
def test_values_are_numpys(name: str) -> None:
    f, *arrays = CALLS[name]
    if name in NUMPY_2 and not hasattr(numpy, name):
        pytest.skip(f"NumPy {numpy.__version__} has no {name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # slices of nothing but nan
        expected = f(numpy, *arrays)
    same(f(np, *map(ours, arrays)), expected)


@pytest.mark.parametrize("name", CALLS)
def test_gradients(name: str) -> None:
    f, *arrays = CALLS[name]
    if name.startswith("nan"):  # differences of nan are nan: only what is not is varied
        full = numpy.where(numpy.isnan(arrays[0]), 0, arrays[0])
        hole = ours(numpy.isnan(arrays[0]))
        check_grads(
            lambda x: np.where(np.isnan(y := f(np, np.where(hole, numpy.nan, x))), 0.0, y), [ours(full)]
        )
        return
    check_grads(lambda *xs: f(np, *xs), [ours(a.astype("float64")) for a in arrays])


def _trailing(f: Callable[..., Any], rest: tuple[Any, ...], named: dict[str, Any], x: Any) -> Any:
    return f(x, *map(ours, rest), **named)


def test_low_order_polynomials() -> None:
    low = numpy.polynomial.polynomial
    c, d = numpy.array([1.0, -2.0, 3.0]), numpy.array([2.0, 5.0])
    x = numpy.array([[0.5, -1.0], [2.0, 3.0]])
    cases: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("polyadd", (c, d), {}),
        ("polysub", (d, c), {}),
        ("polymul", (c, d), {}),
        ("polyval", (x, c), {}),
        ("polyval", (x, x), {}),
        ("polyval", (x[0], x), {"tensor": False}),
        ("polyvander", (x, 2), {}),
        ("polyfromroots", (d,), {}),
        ("polyder", (c,), {"m": 1, "scl": 2.0}),
        ("polyint", (c,), {}),
        ("polyint", (c,), {"m": 2, "k": [1.0, 2.0], "lbnd": 0.5, "scl": 3.0}),
        ("polyroots", (numpy.array([2.0, -3, 1]),), {}),
        ("polyfit", (T, A[0], 2), {}),
        ("polyfit", (T, A[0], 1), {"w": numpy.abs(A[1])}),
        ("polymulx", (c,), {}),
        ("polypow", (c, 3), {}),
        ("polypow", (c, 0), {}),
        ("polydiv", (c, d), {}),
        ("polytrim", (numpy.array([1.0, 0.5, 0.0, -0.1]), 0.2), {}),
        ("polycompanion", (c,), {}),
        ("polycompanion", (d,), {}),
        ("polyvalfromroots", (x, c), {}),
        ("polyvalfromroots", (x[0], x), {"tensor": False}),
        ("polyval2d", (x, x + 1, A[:2]), {}),
        ("polyval3d", (x, x + 1, -x, numpy.arange(12.0).reshape(2, 2, 3)), {}),
        ("polygrid2d", (x, c, A[:2]), {}),
        ("polygrid3d", (x, c, d, numpy.arange(12.0).reshape(2, 2, 3)), {}),
        ("polyvander2d", (x, x + 1, (1, 2)), {}),
        ("polyvander3d", (x, x + 1, -x, (1, 0, 2)), {}),
    ]
    for name, args, kw in cases:
        kw = {k: ours(v) if k == "w" else v for k, v in kw.items()}
        f = partial(_trailing, getattr(np.polynomial, name), args[1:], kw)
        hosts = {k: v.asnumpy() if k == "w" else v for k, v in kw.items()}
        same(f(ours(args[0])), getattr(low, name)(*args, **hosts))
        if name not in ("polyroots", "polydiv"):
            check_grads(f, [ours(args[0])])
    assert np.polynomial.polynomial.polyval is np.polynomial.polyval
    assert np.polynomial.polyline(1, 2).tolist() == [1, 2] and np.polynomial.polyline(1, 0).tolist() == [1]
    assert np.polynomial.polytrim(np.zeros(2)).tolist() == [0]
    assert np.polyadd(np.array([1.0, 2.0]), [1, 1, 1]).tolist() == [1, 2, 3]


@pytest.mark.parametrize("f", [
    np.vectorize(lambda v: v * v), np.polynomial.polycompanion, np.polynomial.polymulx,
    lambda x: np.polynomial.polyvander2d(x, x + 1, (1, 2)), lambda x: np.polynomial.polypow(x, 3),
    lambda x: np.polynomial.polyvalfromroots(x, x + 1), lambda x: np.polynomial.polyval2d(x, x, np.vander(x)),
    lambda x: sum(v for _, v in np.ndenumerate(x)), lambda x: x.flat[1],
])
def test_on_a_device(f: Callable[[Any], Any]) -> None:
    check_device(f, [np.array([0.5, 2.0, -1.0], dtype="float64")])


HOST: dict[str, Callable[[Any], Any]] = {
    "isreal": lambda np: np.isreal(ours(A) if np is not numpy else A),
    "iscomplex": lambda np: np.iscomplex(ours(A) if np is not numpy else A),
    "geomspace": lambda np: np.geomspace(1, 8, 4, **({} if np is numpy else {"dtype": "float64"})),
    "bartlett": lambda np: np.bartlett(5),
    "kaiser": lambda np: np.kaiser(1, 3.0),
    "diag_indices": lambda np: np.diag_indices(3),
    "mask_indices": lambda np: np.mask_indices(3, np.triu, 1),
    "fromfunction": lambda np: np.fromfunction(lambda i, j: i * 10 + j, (2, 3)),
    "mgrid": lambda np: np.mgrid[0:2, 0:3],
    "mgrid of one": lambda np: np.mgrid[0:1:5j],
    "ogrid": lambda np: np.ogrid[0:2, 0:3],
    "broadcast_shapes": lambda np: np.broadcast_shapes((2, 1), (3,)),
    "ravel_multi_index": lambda np: np.ravel_multi_index((numpy.array([0, 1]), numpy.array([2, 1])), (2, 3)),
    "fromiter": lambda np: np.fromiter(range(3), "int64"),
    "frombuffer": lambda np: np.frombuffer(b"ab", "uint8"),
    "loadtxt": lambda np: np.loadtxt(io.StringIO("1 2\n3 4")),
    "fromstring": lambda np: np.fromstring("1,2", sep=","),
    "bitwise_count": lambda np: np.bitwise_count(
        ours(numpy.array([7, 8])) if np is not numpy else numpy.array([7, 8])
    ),
    "unique_counts": lambda np: tuple(
        np.unique_counts(ours(numpy.array([3, 1, 3])) if np is not numpy else numpy.array([3, 1, 3]))
    ),
    "r_": lambda np: np.r_[1:4, 0, 0:1:3j],
}


@pytest.mark.parametrize("name", HOST)
def test_made_as_numpy_makes_it(name: str) -> None:
    if not hasattr(numpy, name.split()[0]):
        pytest.skip(f"NumPy {numpy.__version__} has no {name}")
    same(HOST[name](np), HOST[name](numpy))


def test_dtypes() -> None:
    assert np.float_power(np.array([2.0]), 2).dtype == "float64" and np.float_power(2, 3) == 8.0
    assert np.isdtype("float32", "real floating") and np.isdtype("int8", ("bool", "integral"))
    assert not np.isdtype("uint8", "signed integer") and np.isdtype(np.float64, "float64")
    assert np.double == "float64" and np.half == "float16" and np.issubdtype(np.int8, np.integer)
    assert (
        np.sinc(np.array([1, 2], dtype="int32")).dtype
        == np.gradient(np.arange(3, dtype="int64")).dtype
        == "float32"
    )
    assert np.fromfunction(lambda i: i, (2,)).dtype == "float32" and np.mgrid[0:2].dtype == "int64"
    assert np.astype(np.ones(2), "int32", copy=False).dtype == "int32"
    assert (
        np.ones(2).real.shape == np.ones(2).imag.shape == (2,)
        and np.isscalar(3.0)
        and not np.isscalar(np.ones(()))
    )
    x = np.ones((2, 2))
    x.fill(7)
    assert x.tobytes() == x.asnumpy().tobytes() and x.sum().item() == 28
    assert np.array_repr(x) == repr(x) and np.array_str(np.array([1 / 3]), precision=2) == "[0.33]"
    assert np.array2string(np.array([1.0, 2.0])) == "[1. 2.]"


def test_files(tmp_path: Path) -> None:
    x = np.array([[1, 2]], dtype="int32")
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "y.npz", a=x, b=np.ones(2))
    np.savetxt(tmp_path / "z.txt", x)
    assert np.load(tmp_path / "x.npy").dtype == "int32" and np.load(tmp_path / "x.npy").tolist() == [[1, 2]]
    both = np.load(tmp_path / "y.npz")
    assert set(both) == {"a", "b"} and both["b"].tolist() == [1, 1]
    assert np.loadtxt(tmp_path / "z.txt").tolist() == [1, 2]


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "copyto": lambda np, x: np.copyto(x, 5.0),
    "copyto a row": lambda np, x: np.copyto(x, V[:4].astype("float32")),
    "copyto where": lambda np, x: np.copyto(x, -1.0, where=x > 4),
    "put": lambda np, x: np.put(x, [0, -1, 5], [7.0, 8.0]),
    "put a number": lambda np, x: np.put(x, 3, 9.0),
    "put clip": lambda np, x: np.put(x, [99, -99], [1.0, 2.0], mode="clip"),
    "put wrap": lambda np, x: np.put(x, [13, -1], [1.0, 2.0], mode="wrap"),
    "put nothing": lambda np, x: np.put(x, [], []),
    "place": lambda np, x: np.place(x, x > 5, [1.0, 2.0, 3.0]),
    "putmask": lambda np, x: np.putmask(x, x > 3, [1.0, 2.0, 3.0, 4.0, 5.0]),
    "put_along_axis": lambda np, x: np.put_along_axis(x, np.argmax(x, axis=1, keepdims=True), -1.0, axis=1),
    "fill_diagonal": lambda np, x: np.fill_diagonal(x, 0.0),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_in_place(name: str) -> None:
    host = numpy.arange(12, dtype="float32").reshape(3, 4)
    x = np.array(host)
    for target, module in ((host, numpy), (x, np)):
        assert WRITES[name](module, target) is None
    numpy.testing.assert_array_equal(x.asnumpy(), host)
    y = np.array(numpy.arange(12).reshape(3, 4))
    WRITES[name](numpy, y)  # by NumPy's protocol
    numpy.testing.assert_array_equal(y.asnumpy(), host)


def test_a_recorded_value_written_by_a_function() -> None:
    x, z = np.array([1.0, 2.0]), np.zeros(4)
    x.attach_grad()
    with autograd.record():
        np.put(z, [1, 3], x * x)
        np.copyto(z, x[0] * 3, where=np.array([1, 0, 0, 0]))
    z.backward()
    assert z.tolist() == [3, 1, 0, 4] and x.grad.tolist() == [5, 4]


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: np.gradient(np.ones(1)), ValueError, "1 samples along axis 0 are too few"),
        (lambda: np.gradient(np.ones((2, 2)), 1, 2, 3), TypeError, "3 distances for 2 axes"),
        (lambda: np.gradient(np.ones(3), edge_order=3), ValueError, "edge_order is 1 or 2"),
        (lambda: np.gradient(np.ones(3), np.ones(2)), ValueError, r"coordinates of shape \(2,\)"),
        (lambda: np.convolve(np.ones(3), np.ones(0)), ValueError, "some elements"),
        (lambda: np.convolve(np.ones(3), np.ones(2), "foo"), ValueError, "'same' or 'valid', not 'foo'"),
        (lambda: np.polyfit(np.ones(3), np.ones(2), 1), ValueError, r"shapes \(3,\) and \(2,\)"),
        (lambda: np.polyint(np.ones(2), -1), ValueError, "not negative, got -1"),
        (
            lambda: np.polyint(np.ones(2), 2, [1.0, 2.0, 3.0]),
            ValueError,
            "3 constants of integration for the order 2",
        ),
        (lambda: np.poly(np.ones((2, 3))), ValueError, "square matrix"),
        (lambda: np.cumulative_sum(np.ones((2, 2))), ValueError, "name the axis"),
        (lambda: np.isdtype("int8", "real number"), ValueError, "kind is a dtype or one of"),
        (lambda: np.block([[np.ones(2)], np.ones(2)]), ValueError, "nested equally deep"),
        (lambda: np.put(np.ones(3), 5, 1.0), ValueError, "place 5 is out of bounds for 3 elements"),
        (lambda: np.put(numpy.ones(3), 0, 1.0), TypeError, "put: takes an array to write into"),
        (lambda: np.place(np.ones(3), np.ones(2), 1.0), ValueError, "a mask of shape"),
        (lambda: np.place(np.ones(3), np.ones(3), []), ValueError, "no values to write"),
        (
            lambda: np.copyto(np.ones(2, dtype="int32"), np.ones(2)),
            TypeError,
            "float32 does not become int32",
        ),
        (
            lambda: np.put_along_axis(np.ones((2, 2)), np.zeros((2, 1), dtype="int64"), 1.0, None),
            ValueError,
            "name the axis",
        ),
        (lambda: np.geomspace(0, 1), ValueError, "geomspace"),
        (lambda: np.asarray_chkfinite(np.array([numpy.inf])), ValueError, "infinities"),
        (lambda: np.broadcast_shapes((2,), (3,)), ValueError, "do not broadcast"),
        (lambda: np.r_["0,2", 1], TypeError, "directives"),
        (lambda: np.nanmedian(np.ones((0,))), ValueError, "no elements"),
        (lambda: np.polynomial.polyval(np.ones(2), np.ones(0)), ValueError, "no coefficients"),
        (lambda: np.polynomial.polypow(np.ones(2), 17), ValueError, "above maxpower=16"),
        (lambda: np.polynomial.polycompanion(np.ones(1)), ValueError, "two coefficients or more"),
        (lambda: np.polynomial.polytrim(np.ones(2), -1), ValueError, "tol must not be negative"),
        (lambda: np.polynomial.polyval2d(np.ones(2), np.ones(3), np.ones((2, 2))), ValueError, "shapes"),
        (lambda: np.polynomial.polyvander2d(np.ones(2), np.ones(2), [1]), ValueError, "each of 2 places"),
        (lambda: np.polynomial.polyvalfromroots(np.ones(2), 1, tensor=False), ValueError, "fewer axes"),
        (lambda: np.ones(3).fill(np.ones(2)), ValueError, "one number"),
    ],
)
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        call()
    assert isinstance(caught.value, MXNetError)


def test_what_has_no_gradient_says_so() -> None:
    x = np.array([1.0, 2.0, 1.0])
    x.attach_grad()
    with autograd.record():
        calls: tuple[Callable[[], Any], ...] = (
            lambda: np.roots(x),
            lambda: np.polydiv(x, x),
            lambda: np.nextafter(x, 2.0),
            lambda: np.poly(x * np.eye(3)),
        )
        for call in calls:
            with pytest.raises(AutogradError, match="has no gradient"):
                call()
