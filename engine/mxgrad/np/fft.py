"""np.fft: discrete Fourier transforms, with NumPy's names, arguments and normalisation.

Arrays hold no complex numbers, so a complex result is a `Complex`, the pair of its real and its imaginary
part: ``np.fft.rfft(x).real`` and ``abs(np.fft.rfft(x))`` read as with NumPy, and gradients flow through both
parts.  Arguments are arrays, pairs, or NumPy's complex arrays.

``norm`` says where the division by the number of points n is done: 'backward' in the inverse transforms,
'forward' in the forward ones, 'ortho' by the square root of n in both.

>>> from mxgrad import np
>>> z = np.fft.rfft(np.array([1., 2., 3., 4.]))
>>> z.real, z.imag
(array([10., -2., -2.]), array([0., 2., 0.]))
>>> np.fft.irfft(z * z)
array([26., 28., 26., 20.])
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy

from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import as_context
from ..invoke import F, describe
from .array import default_float, ndarray
from .creation import made
from .functions import NP, array_of, axes_of, submodule


class Complex:
    """Complex numbers: their real and their imaginary part as two arrays of one shape and dtype.

    Sums, differences, products, quotients, `abs`, `conj`, `angle` and indexing are those of complex numbers,
    recorded on the parts; other operands may be numbers of Python's (complex ones too) and, to the right,
    arrays.

    >>> from mxgrad import np
    >>> z = np.fft.Complex(np.array([3., 0.]), np.array([4., 1.]))
    >>> abs(z), (z * z.conj()).real
    (array([5., 1.]), array([25.,  1.]))
    """

    __slots__ = ("real", "imag")
    __array_ufunc__ = None      # so that NumPy leaves mixed operators to this class

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag
        if real.shape != imag.shape or real.dtype != imag.dtype:
            raise InvalidValueError(
                f"real and imaginary part have one shape and dtype, not {describe(real._data)} and "
                f"{describe(imag._data)}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.real.shape      # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def dtype(self) -> numpy.dtype:
        """NumPy's complex dtype that holds both parts."""
        return numpy.result_type(self.real.dtype, numpy.complex64)

    def asnumpy(self) -> numpy.ndarray:
        """A complex NumPy array; cuts the graph."""
        host = numpy.empty(self.shape, self.dtype)
        host.real, host.imag = self.real.asnumpy(), self.imag.asnumpy()
        return host

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        host = self.asnumpy()
        return host if dtype is None else host.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return f"Complex({self.real!r}, {self.imag!r})"

    def __getitem__(self, key: Any) -> Complex:
        return Complex(self.real[key], self.imag[key])

    def conj(self) -> Complex:
        """The imaginary part's sign changed."""
        return Complex(self.real, -self.imag)

    def angle(self) -> Any:
        """The angles in radians, between -pi and pi."""
        return F.arctan2(self.imag, self.real)

    def __abs__(self) -> Any:
        """The absolute values; their gradient at 0 is 0."""
        return F.hypot(self.real, self.imag)

    def __neg__(self) -> Complex:
        return Complex(-self.real, -self.imag)

    def __add__(self, other: Any) -> Complex:
        return _sum(self, other)

    def __sub__(self, other: Any) -> Complex:
        re, im = _parts(other)
        return _paired(self.real - re, self.imag - im)

    def __rsub__(self, other: Any) -> Complex:
        return _sum(-self, other)

    def __mul__(self, other: Any) -> Complex:
        re, im = _parts(other)
        return _paired(self.real * re - self.imag * im, self.real * im + self.imag * re)

    def __truediv__(self, other: Any) -> Complex:
        re, im = _parts(other)
        if isinstance(im, (int, float)) and im == 0:
            return Complex(self.real / re, self.imag / re)
        norm = re * re + im * im
        return _paired((self.real * re + self.imag * im) / norm, (self.imag * re - self.real * im) / norm)

    def __rtruediv__(self, other: Any) -> Complex:
        size = self.real * self.real + self.imag * self.imag
        return Complex(self.real / size, -self.imag / size).__mul__(other)

    __radd__, __rmul__ = __add__, __mul__


def _sum(z: Complex, other: Any) -> Complex:
    re, im = _parts(other)
    return _paired(z.real + re, z.imag + im)


def _paired(re: Any, im: Any) -> Complex:
    """Two parts, one of which may lack axes that the other has."""
    if re.shape != im.shape:
        shape = numpy.broadcast_shapes(re.shape, im.shape)
        re, im = F.broadcast_to(re, shape=shape), F.broadcast_to(im, shape=shape)
    return Complex(re, im)


def _parts(value: Any) -> tuple[Any, Any]:
    """Real and imaginary part of a pair, a number, an array (whose imaginary part is the number 0) or a
    complex array of NumPy's.
    """
    if isinstance(value, Complex):
        return value.real, value.imag
    if isinstance(value, (complex, numpy.complexfloating)):
        return float(value.real), float(value.imag)
    if isinstance(value, (int, float)):
        return value, 0
    if isinstance(value, numpy.ndarray) and value.dtype.kind == "c":
        return array_of(value.real, "fft"), array_of(value.imag, "fft")
    return array_of(value, "fft"), 0


def _operand(a: Any, what: str) -> tuple[Any, Any]:
    """Both parts of an argument as arrays of floats; None for the imaginary part of a real one."""
    re, im = _parts(a)
    if not isinstance(re, ndarray):
        raise InvalidTypeError(f"{what}: takes arrays, got {describe(a)}")
    if re.dtype.kind != "f":
        re = F.cast(re, dtype=default_float())
    return re, im if isinstance(im, ndarray) else None


def _resized(part: Any, axis: int, n: int) -> Any:
    """`part` cut, or continued by zeros, to the length `n` along `axis`."""
    have = part.shape[axis]
    if n < have:
        return part[(slice(None),) * axis + (slice(n),)]
    if n > have:
        widths = tuple((0, n - have) if i == axis else (0, 0) for i in range(part.ndim))
        return F.pad(part, pad_width=widths, mode="constant", constant_value=0)
    return part


def _scale(norm: str | None, n: int, inverse: bool) -> float:
    if norm not in (None, "backward", "ortho", "forward"):
        raise InvalidValueError(f"norm is 'backward', 'ortho' or 'forward', not {norm!r}")
    if norm == "ortho":
        return 1 / sqrt(n)
    return 1 / n if (norm == "forward") != inverse else 1.0


def _points(n: Any, what: str) -> int:
    if not isinstance(n, (int, numpy.integer)) or n < 1:
        raise InvalidValueError(f"{what}: a transform has at least one point, got n = {n!r}")
    return int(n)


def _axis(axis: int, ndim: int) -> int:
    return axes_of(axis, ndim)[0]


def _lengths(what: str, a: Any, s: Any, axes: Any) -> tuple[list[int | None], tuple[int, ...]]:
    """The length for each axis to transform (None leaves it), and the axes."""
    if axes is None:
        axes = range(a.ndim) if s is None else range(a.ndim - len(s), a.ndim)
    found = tuple(_axis(axis, a.ndim) for axis in axes)
    if s is not None and len(s) != len(found):
        raise InvalidValueError(f"{what}: {len(s)} lengths s for {len(found)} axes")
    return [None if n in (None, -1) else _points(n, what) for n in s or (None,) * len(found)], found


def _transform(what: str, a: Any, s: Any, axes: Any, norm: str | None, inverse: bool) -> Any:
    """The complex transform along several axes, one after the other where one is named twice."""
    re, im = _operand(a, what)
    lengths, axes = _lengths(what, re, s, axes)
    for axis, n in zip(axes, lengths):
        if n is not None:
            re, im = _resized(re, axis, n), im if im is None else _resized(im, axis, n)
    points = prod(_points(re.shape[axis], what) for axis in axes)
    given = (re,) if im is None else (re, im)
    return Complex(*F.dft(*given, axes=axes, inverse=inverse, scale=_scale(norm, points, inverse)))


def _real(what: str, a: Any, n: int | None, axis: int, norm: str | None, inverse: bool = False) -> Any:
    """The transform of a real array along one axis: the frequencies 0 to n/2."""
    re, im = _operand(a, what)
    if im is not None:
        raise InvalidTypeError(f"{what}: takes a real array; complex ones have fft")
    axis = _axis(axis, re.ndim)
    re = re if n is None else _resized(re, axis, _points(n, what))
    n = _points(re.shape[axis], what)
    return Complex(*F.rdft(re, axis=axis, scale=_scale(norm, n, inverse)))


def _real_back(what: str, a: Any, n: int | None, axis: int, norm: str | None, inverse: bool = True) -> Any:
    """The real array of length n with the given frequencies 0 to n/2 along one axis."""
    re, im = _operand(a, what)
    im = F.zeros_like(re) if im is None else im
    axis = _axis(axis, re.ndim)
    n = _points(2 * (re.shape[axis] - 1) if n is None else n, what)
    re, im = (_resized(part, axis, n // 2 + 1) for part in (re, im))
    return F.irdft(re, im, n=n, axis=axis, scale=_scale(norm, n, inverse))


@NP.adapter("fft.fft")
def fft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The transform along one axis, cut or continued by zeros to `n` points: sum_t a_t exp(-2 pi i t k / n).

    >>> from mxgrad import np
    >>> abs(np.fft.fft(np.array([1., 0., 0., 0.])))
    array([1., 1., 1., 1.])
    """
    return _transform("fft", a, None if n is None else (n,), (axis,), norm, False)


@NP.adapter("fft.ifft")
def ifft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `fft`."""
    return _transform("ifft", a, None if n is None else (n,), (axis,), norm, True)


@NP.adapter("fft.fft2")
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The transform along two axes."""
    return _transform("fft2", a, s, axes, norm, False)


@NP.adapter("fft.ifft2")
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of `fft2`."""
    return _transform("ifft2", a, s, axes, norm, True)


@NP.adapter("fft.fftn")
def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The transform along several axes, all by default, each cut or continued by zeros to its length in `s`.
    """
    return _transform("fftn", a, s, axes, norm, False)


@NP.adapter("fft.ifftn")
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of `fftn`."""
    return _transform("ifftn", a, s, axes, norm, True)


@NP.adapter("fft.rfft")
def rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The transform of a real array: the n // 2 + 1 frequencies that are not conjugates of others."""
    return _real("rfft", a, n, axis, norm)


@NP.adapter("fft.irfft")
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `rfft`: a real array of `n` points, by default of an even number of them."""
    return _real_back("irfft", a, n, axis, norm)


@NP.adapter("fft.hfft")
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The real transform, of `n` frequencies, of an array whose second half is the conjugate of its first."""
    z = Complex(*_both(a, "hfft")).conj()
    return _real_back("hfft", z, n, axis, norm, False)


@NP.adapter("fft.ihfft")
def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `hfft`."""
    return _real("ihfft", a, n, axis, norm, True).conj()


def _both(a: Any, what: str) -> tuple[Any, Any]:
    re, im = _operand(a, what)
    return re, F.zeros_like(re) if im is None else im


@NP.adapter("fft.rfftn")
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The transform of a real array along several axes, all by default: `rfft` along the last of them, `fft`
    along the others.
    """
    lengths, axes = _lengths("rfftn", _operand(a, "rfftn")[0], s, axes)
    if not axes:
        raise InvalidValueError("rfftn: give at least one axis")
    z = _real("rfftn", a, lengths[-1], axes[-1], norm)
    return _transform("rfftn", z, lengths[:-1], axes[:-1], norm, False)


@NP.adapter("fft.irfftn")
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of `rfftn`: a real array, of an even number of points along the last axis unless `s` says
    otherwise.
    """
    lengths, axes = _lengths("irfftn", _operand(a, "irfftn")[0], s, axes)
    if not axes:
        raise InvalidValueError("irfftn: give at least one axis")
    z = _transform("irfftn", a, lengths[:-1], axes[:-1], norm, True)
    return _real_back("irfftn", z, lengths[-1], axes[-1], norm)


@NP.adapter("fft.rfft2")
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The transform of a real array along two axes; as `rfftn`."""
    return rfftn(a, s, axes, norm)


@NP.adapter("fft.irfft2")
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of `rfft2`."""
    return irfftn(a, s, axes, norm)


def _frequencies(numpys: Callable[..., Any], n: int, d: float, dtype: Any, device: Any) -> Any:
    return made(numpys(_points(n, numpys.__name__), d), dtype and as_dtype(dtype), as_context(device))


@NP.adapter("fft.fftfreq", arrays=0)
def fftfreq(n: int, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of `fft`, in cycles per unit of the distance `d` of the points: 0, 1, ..., -1 times
    1 / (n d).
    """
    return _frequencies(numpy.fft.fftfreq, n, d, dtype, device)


@NP.adapter("fft.rfftfreq", arrays=0)
def rfftfreq(n: int, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of `rfft`: 0, 1, ..., n // 2 times 1 / (n d)."""
    return _frequencies(numpy.fft.rfftfreq, n, d, dtype, device)


def _shifted(what: str, x: Any, axes: Any, sign: int) -> Any:
    if isinstance(x, Complex):
        return Complex(_shifted(what, x.real, axes, sign), _shifted(what, x.imag, axes, sign))
    x = array_of(x, what)
    axes = axes_of(tuple(axes) if isinstance(axes, list) else axes, x.ndim)
    # Forward by n // 2, back by the same, which for odd n is not the same way.
    return F.roll(x, shift=tuple(sign * (x.shape[i] // 2) for i in axes), axis=axes)


@NP.adapter("fft.fftshift")
def fftshift(x: Any, axes: Any = None) -> Any:
    """The frequency 0 brought to the middle of `axes` (all by default)."""
    return _shifted("fftshift", x, axes, 1)


@NP.adapter("fft.ifftshift")
def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of `fftshift`."""
    return _shifted("ifftshift", x, axes, -1)


__getattr__, __dir__ = submodule("fft", globals(), "Complex")
