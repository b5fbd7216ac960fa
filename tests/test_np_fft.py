"""np.fft: NumPy's transforms, gradients to second order, and the pairs that stand for complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from mxgrad import MXNetError, autograd, gpu, nd, np
from mxgrad.testing import check_grads, use_device_double

Complex = np.fft.Complex


def real(*shape: int, seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng(seed + sum(shape)).standard_normal(shape)


def pair(*shape: int) -> numpy.ndarray:
    return real(*shape) + 1j * real(*shape, seed=9)


def ours(host: numpy.ndarray) -> Any:
    if host.dtype.kind != "c":
        return np.array(host, dtype="float64")
    return Complex(np.array(host.real, dtype="float64"), np.array(host.imag, dtype="float64"))


X, Z = real(4, 5), pair(4, 5)
CASES: list[tuple[str, numpy.ndarray, dict[str, Any]]] = [
    *[
        (name, a, kw)
        for name in ("fft", "ifft")
        for a in (X, Z)
        for kw in ({}, {"n": 3}, {"n": 8, "axis": 0}, {"norm": "ortho"}, {"norm": "forward"})
    ],
    *[
        (name, a, kw)
        for name in ("fft2", "ifft2", "fftn", "ifftn")
        for a in (X, Z, pair(2, 3, 4))
        for kw in ({}, {"s": (3, 7), "axes": (0, 1)}, {"norm": "ortho"}, {"axes": (1,)}, {"norm": "forward"})
    ],
    ("fftn", Z, {"axes": ()}),
    *[
        (name, X, kw)
        for name in ("rfft", "ihfft")
        for kw in ({}, {"n": 4}, {"n": 7}, {"axis": 0}, {"n": 1}, {"norm": "ortho"}, {"norm": "forward"})
    ],
    *[
        (name, a, kw)
        for name in ("irfft", "hfft")
        for a in (X, Z)
        for kw in (
            {},
            {"n": 5},
            {"n": 12},
            {"n": 3, "axis": 0},
            {"norm": "ortho"},
            {"norm": "forward"},
            {"n": 1},
        )
    ],
    *[
        (name, a, kw)
        for name in ("rfftn", "rfft2")
        for a in (X, real(2, 3, 4))
        for kw in ({}, {"s": (3, 7), "axes": (0, 1)}, {"norm": "ortho"}, {"axes": (1, 0)})
    ],
    *[
        (name, a, kw)
        for name in ("irfftn", "irfft2")
        for a in (X, Z, pair(2, 3, 4))
        for kw in ({}, {"s": (3, 7), "axes": (0, 1)}, {"norm": "forward"}, {"axes": (1, 0)})
    ],
    *[
        (name, a, kw)
        for name in ("fftshift", "ifftshift")
        for a in (X, Z)
        for kw in ({}, {"axes": 1}, {"axes": (0,)})
    ],
]


@pytest.mark.parametrize("name, a, kw", CASES)
def test_values_are_numpys(name: str, a: numpy.ndarray, kw: dict[str, Any]) -> None:
    expected = getattr(numpy.fft, name)(a, **kw)
    got = getattr(np.fft, name)(ours(a), **kw)
    assert isinstance(got, Complex) is (expected.dtype.kind == "c") and got.shape == expected.shape
    assert got.dtype == expected.dtype
    numpy.testing.assert_allclose(got.asnumpy(), expected, atol=1e-13)


@pytest.mark.parametrize("name, a, kw", CASES)
def test_gradients(name: str, a: numpy.ndarray, kw: dict[str, Any]) -> None:
    def f(*parts: Any) -> Any:
        z = parts[0] if len(parts) == 1 else Complex(*parts)
        y = getattr(np.fft, name)(z, **kw)
        return (y.real**2, y.imag**3) if isinstance(y, Complex) else y**2

    z = ours(a)
    check_grads(f, [z.real, z.imag] if isinstance(z, Complex) else [z])


def test_dtypes() -> None:
    for dtype, half in (
        ("float16", "float16"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("int32", "float32"),
    ):
        x = np.array([1, 2, 3, 4], dtype=dtype)
        for f in (np.fft.fft, np.fft.rfft):
            assert f(x).real.dtype == f(x).imag.dtype == half
        assert np.fft.irfft(np.fft.rfft(x)).dtype == half
    assert np.fft.fft(numpy.array([1, 1j])).dtype == "complex128"
    assert np.fft.fft(nd.array([1, 2])).real.tolist() == [3, -1]
    assert np.fft.fftfreq(4, 0.5).tolist() == [0, 0.5, -1, -0.5] and np.fft.rfftfreq(4).tolist() == [
        0,
        0.25,
        0.5,
    ]
    assert np.fft.fftfreq(4).dtype == "float32" and np.fft.rfftfreq(4, dtype="float64").dtype == "float64"


def test_complex_arithmetic() -> None:
    a, b = Z, pair(5) + 2
    x, y = ours(a), ours(b)
    cases: list[tuple[Any, Any]] = [
        (x + y, a + b),
        (x - y, a - b),
        (x * y, a * b),
        (x / y, a / b),
        (-x, -a),
        (x.conj(), a.conj()),
        (2 * x, 2 * a),
        (1j * x, 1j * a),
        (x / 2j, a / 2j),
        (x + 1, a + 1),
        (3 - x, 3 - a),
        (1 / y, 1 / b),
        (2j / y, 2j / b),
        (x * y.real, a * b.real),
        (x * b, a * b),
        (b * x, b * a),
        (x / y.real, a / b.real),
        (x[1:, ::2], a[1:, ::2]),
        (x[0, 0], a[0, 0]),
        (numpy.array(a) - y, a - b),
    ]
    for got, expected in cases:
        assert isinstance(got, Complex) and got.shape == expected.shape and got.ndim == expected.ndim
        numpy.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-12)
    numpy.testing.assert_allclose(abs(x).asnumpy(), abs(a), rtol=1e-12)
    numpy.testing.assert_allclose(x.angle().asnumpy(), numpy.angle(a), rtol=1e-12)
    assert np.real(x) is x.real and np.imag(x) is x.imag and np.conj(x).imag.tolist() == (-x.imag).tolist()
    numpy.testing.assert_allclose(np.angle(x, deg=True).asnumpy(), numpy.angle(a, deg=True), rtol=1e-12)
    assert numpy.asarray(x).dtype == "complex128" and x.size == 20
    assert repr(Complex(np.array([1.0]), np.array([2.0]))) == "Complex(array([1.]), array([2.]))"


def test_convolution_theorem_and_spectra_can_be_learned() -> None:
    x, w = (np.array(real(6, seed=s), dtype="float64") for s in (1, 2))

    def circular(x: Any, w: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(w))

    expected = [sum(x[(k - j) % 6].item() * w[j].item() for j in range(6)) for k in range(6)]
    numpy.testing.assert_allclose(circular(x, w).asnumpy(), expected)
    check_grads(circular, [x, w])
    check_grads(lambda x: abs(np.fft.fft(x)), [x])
    zero = np.zeros(4)
    zero.attach_grad()
    with autograd.record():
        y = abs(np.fft.fft(zero)).sum()
    y.backward()
    assert zero.grad.tolist() == [0] * 4


def test_numpys_fft_is_recorded() -> None:
    x = np.array([1.0, 2.0, 3.0])
    x.attach_grad()
    with autograd.record():
        y = (numpy.fft.rfft(x).real ** 2).sum()
    y.backward()
    numpy.testing.assert_allclose(x.grad.asnumpy(), [12 - 0.5 - 1, 12 + 0.5 + 0.25 * 0, 12 + 1], atol=2)
    assert type(numpy.fft.fftshift(x)) is np.ndarray


@pytest.mark.parametrize(
    "call, error, text",
    [
        (
            lambda: np.fft.fft(np.ones(3), n=0),
            ValueError,
            "fft: a transform has at least one point, got n = 0",
        ),
        (lambda: np.fft.fft(np.ones((3, 0))), ValueError, "fft: a transform has at least one point"),
        (lambda: np.fft.fft(np.ones(3), axis=1), ValueError, "axis 1 is out of bounds"),
        (lambda: np.fft.fft(np.ones(3), norm="foo"), ValueError, "'ortho' or 'forward', not 'foo'"),
        (lambda: np.fft.fft([1, 2]), TypeError, "list"),
        (lambda: np.fft.fft(2.0), TypeError, "fft: takes arrays, got 2.0"),
        (lambda: np.fft.rfft(np.fft.fft(np.ones(3))), TypeError, "rfft: takes a real array"),
        (
            lambda: np.fft.irfft(np.ones(1)),
            ValueError,
            "irfft: a transform has at least one point, got n = 0",
        ),
        (lambda: np.fft.fftn(np.ones((2, 2)), s=(2,), axes=(0, 1)), ValueError, "1 lengths s for 2 axes"),
        (lambda: np.fft.rfftn(np.ones(2), axes=()), ValueError, "at least one axis"),
        (lambda: np.fft.fftfreq(0), ValueError, "fftfreq"),
        (lambda: Complex(np.ones(2), np.ones(3)), ValueError, "one shape and dtype"),
        (lambda: np.fft.foo, AttributeError, "'mxgrad.np.fft' has no attribute 'foo'"),
    ],
)
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        call()
    assert isinstance(caught.value, MXNetError)


def test_on_a_device() -> None:
    with use_device_double():
        x = np.array([1.0, 2.0, 3.0, 4.0], ctx=gpu(0))
        x.attach_grad()
        with autograd.record():
            y = np.fft.irfft(np.fft.rfft(x) * np.fft.fft(x)[:3]).sum()
        y.backward()
        assert y.ctx == x.grad.ctx == gpu(0)
        numpy.testing.assert_allclose(x.grad.asnumpy(), [20] * 4, rtol=1e-6)
