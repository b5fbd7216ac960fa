"""Discrete Fourier transforms on pairs of real arrays, real and imaginary part: no array is complex.

Each transform is linear, so its rule is its transpose, which is a transform again: forward and inverse take
each other's place, and so do real input and real output.
"""
from __future__ import annotations

from typing import Any

from ..registry import register


def _complex(xp: Any, re: Any, im: Any) -> Any:
    z = xp.empty(re.shape, "complex128" if re.dtype == "float64" else "complex64")
    z.real[...] = re
    z.imag[...] = 0 if im is None else im
    return z


def _parts(z: Any, dtype: Any, factor: Any) -> tuple[Any, Any]:
    return (z.real * factor).astype(dtype, copy=False), (z.imag * factor).astype(dtype, copy=False)


def _dft(xp: Any, re: Any, im: Any = None, *, axes: Any, inverse: bool = False, scale: float = 1.0) -> Any:
    """Real and imaginary part of scale * sum_t (re + i im)_t exp(-2 pi i t k / n) along `axes`; with
    `inverse` the exponent's sign is plus.  Without `im` the argument is real.
    """
    z = _complex(xp, re, im)
    if z.size:
        z = xp.fft.ifftn(z, axes=axes, norm="forward") if inverse else xp.fft.fftn(z, axes=axes)
    return _parts(z, re.dtype, scale)


def _dft_joint(
    F: Any, g: Any, y: Any, re: Any, im: Any = None, *, axes: Any, inverse: bool = False, scale: float = 1.0,
) -> Any:
    return F.dft(*g, axes=axes, inverse=not inverse, scale=scale)


register("dft", _dft, joint=_dft_joint, keeps="", result="float")


def _weights(xp: Any, m: int, n: int, inner: float, scale: float, like: Any, axis: int) -> Any:
    """`scale` for the frequency 0 and, if n is even, n/2; `scale` times `inner` for those between them."""
    if inner == 1:
        return scale
    w = xp.full(m, inner * scale, like.dtype)
    w[:1] = scale
    if n % 2 == 0:
        w[-1:] = scale
    return w.reshape((-1,) + (1,) * (like.ndim - 1 - axis % like.ndim))


def _rdft(xp: Any, x: Any, *, axis: int = -1, scale: float = 1.0, inner: float = 1.0) -> Any:
    """Real and imaginary part of the frequencies 0 to n/2 of a real array's transform along `axis`, those
    strictly inside times `inner`.
    """
    n = x.shape[axis]
    z = xp.fft.rfft(x if x.dtype != "float16" else x.astype("float32"), axis=axis)
    return _parts(z, x.dtype, _weights(xp, n // 2 + 1, n, inner, scale, x, axis))


register("rdft", _rdft, keeps="", result="float",
         joint=lambda F, g, y, x, *, axis=-1, scale=1.0, inner=1.0:
         (F.irdft(*g, n=x.shape[axis], axis=axis, scale=scale, inner=inner / 2),))


def _irdft(
    xp: Any, re: Any, im: Any, *, n: int, axis: int = -1, scale: float = 1.0, inner: float = 1.0,
) -> Any:
    """The real array of length `n` along `axis` that sums the frequencies 0 to n/2 and their conjugates,
    those strictly inside times `inner`.
    """
    z = _complex(xp, re, im) * _weights(xp, n // 2 + 1, n, inner, scale, re, axis)
    return xp.fft.irfft(z, n=n, axis=axis, norm="forward").astype(re.dtype, copy=False)


register("irdft", _irdft, keeps="", result="float",
         joint=lambda F, g, y, re, im, *, n, axis=-1, scale=1.0, inner=1.0:
         F.rdft(g, axis=axis, scale=scale, inner=2 * inner))
