"""All steps of a recurrent layer in one direction, and back (level 2)."""
from __future__ import annotations

from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, ffi, floats, lib, overrides


def _fit(steps: Any, *arrays: Any) -> bool:
    """Whether all are float32 and in C's order.  A loop over the steps in Python costs so much more than the
    numbers that few of them are enough.
    """
    return 64 * steps.size >= cpu.small and all(
        a.dtype == numpy.float32 and a.flags.c_contiguous for a in (steps, *arrays))


def _are(shape: tuple[int, ...], *arrays: Any) -> bool:
    """Whether the arrays that are given have this shape, and elements."""
    return 0 not in shape and all(a is None or a.shape == shape for a in arrays)


def _lasts(inside: Any, steps: int, batch: int) -> bool:
    """Whether what says where sequences last does so for each step and example."""
    return inside is None or inside.shape == (steps, batch, 1)


def _given(a: Any) -> Any:
    """The address of the elements of an optional array."""
    return ffi.NULL if a is None else floats(numpy.ascontiguousarray(a, numpy.float32))


def _mask(inside: Any) -> Any:
    return ffi.NULL if inside is None else ffi.from_buffer("uint8_t[]", numpy.ascontiguousarray(inside, bool))


def _done(code: int) -> None:
    if code:
        raise MemoryError("no memory for the packed weights of a recurrent layer")


def _square(x: Any, w: Any, b: Any, gates: int, inside: Any, *states: Any) -> bool:
    """Whether the shapes are those of a layer without a projection."""
    if x.ndim != 3 or not x.size or x.shape[2] % gates:
        return False
    steps, batch, width = x.shape
    size = width // gates
    return (w.shape == (width, size) and b.shape == (width,) and all(s.shape == (batch, size) for s in states)
            and _lasts(inside, steps, batch) and _fit(x, w, b, *states))


@overrides("rnn_steps")
def _rnn(generic: Kernel) -> Kernel:
    def kernel(x: Any, w: Any, b: Any, h: Any, inside: Any = None, *, relu: bool = False) -> Any:
        if not _square(x, w, b, 1, inside, h):
            return generic(x, w, b, h, inside, relu=relu)
        hs = numpy.empty_like(x)
        _done(lib.k_rnn(floats(x), floats(w), floats(b), floats(h), _mask(inside), floats(hs),
                        *x.shape, relu))
        return hs

    return kernel


@overrides("rnn_steps_dx")
def _rnn_dx(generic: Kernel) -> Kernel:
    def kernel(g: Any, hs: Any, w: Any, inside: Any = None, *, relu: bool = False) -> Any:
        size = w.shape[-1] if w.ndim else 0
        if (not _fit(hs, w) or not _are((*hs.shape[:2], size), hs, g) or w.shape != (size, size)
                or not _lasts(inside, *hs.shape[:2])):
            return generic(g, hs, w, inside, relu=relu)
        dx, dh = numpy.empty_like(hs), numpy.empty_like(hs[0])
        _done(lib.k_rnn_dx(_given(g), floats(w), floats(hs), _mask(inside), floats(dx), floats(dh), *hs.shape,
                           relu))
        return dx, dh

    return kernel


@overrides("lstm_steps")
def _lstm(generic: Kernel) -> Kernel:
    def kernel(x: Any, w: Any, b: Any, h: Any, c: Any, r: Any = None, inside: Any = None, *, clip: Any = None,
               clip_nan: bool = False) -> Any:
        if r is not None or clip is not None or not _square(x, w, b, 4, inside, h, c):
            return generic(x, w, b, h, c, r, inside, clip=clip, clip_nan=clip_nan)
        shape = x.shape[0], *h.shape
        hs, cs, gates = numpy.empty(shape, x.dtype), numpy.empty(shape, x.dtype), numpy.empty_like(x)
        _done(lib.k_lstm(floats(x), floats(w), floats(b), floats(h), floats(c), _mask(inside), floats(hs),
                         floats(cs), floats(gates), *shape))
        return hs, cs, gates

    return kernel


@overrides("lstm_steps_dx")
def _lstm_dx(generic: Kernel) -> Kernel:
    def kernel(gh: Any, gc: Any, g_gates: Any, cs: Any, gates: Any, w: Any, h: Any, c: Any, r: Any = None,
               inside: Any = None, *, clip: Any = None) -> Any:
        shape, size = cs.shape, w.shape[-1] if w.ndim else 0
        if (g_gates is not None or r is not None or clip is not None or not _fit(gates, cs, w, c)
                or len(shape) != 3 or not _are((*shape[:2], size), cs, gh, gc)
                or not _are((*shape[:2], 4 * size), gates) or not _are((4 * size, size), w)
                or not _are((shape[1], size), h, c) or not _lasts(inside, *shape[:2])):
            return generic(gh, gc, g_gates, cs, gates, w, h, c, r, inside, clip=clip)
        dx, dh, dc = numpy.empty_like(gates), numpy.empty_like(c), numpy.empty_like(c)
        _done(lib.k_lstm_dx(_given(gh), _given(gc), floats(w), floats(c), floats(cs), floats(gates),
                            _mask(inside), floats(dx), floats(dh), floats(dc), *cs.shape))
        return dx, dh, dc, None

    return kernel


@overrides("gru_steps")
def _gru(generic: Kernel) -> Kernel:
    def kernel(x: Any, w: Any, b: Any, b_state: Any, h: Any, inside: Any = None) -> Any:
        if not _square(x, w, b, 3, inside, h) or b_state.shape != b.shape or not _fit(x, b_state):
            return generic(x, w, b, b_state, h, inside)
        steps, batch, size = shape = x.shape[0], *h.shape
        hs, gates = numpy.empty(shape, x.dtype), numpy.empty((steps, batch, 4 * size), x.dtype)
        _done(lib.k_gru(floats(x), floats(w), floats(b), floats(b_state), floats(h), _mask(inside),
                        floats(hs), floats(gates), *shape))
        return hs, gates

    return kernel


@overrides("gru_steps_dx")
def _gru_dx(generic: Kernel) -> Kernel:
    def kernel(gh: Any, g_gates: Any, hs: Any, gates: Any, w: Any, h: Any, inside: Any = None) -> Any:
        states, size = hs.shape, w.shape[-1] if w.ndim else 0
        if (g_gates is not None or not _fit(gates, hs, w, h) or len(states) != 3
                or not _are((*states[:2], size), hs, gh) or not _are((*states[:2], 4 * size), gates)
                or not _are((3 * size, size), w) or not _are((states[1], size), h)
                or not _lasts(inside, *states[:2])):
            return generic(gh, g_gates, hs, gates, w, h, inside)
        shape = (*gates.shape[:2], w.shape[0])
        dx, da, dh = numpy.empty(shape, hs.dtype), numpy.empty(shape, hs.dtype), numpy.empty_like(h)
        _done(lib.k_gru_dx(_given(gh), floats(w), floats(h), floats(hs), floats(gates), _mask(inside),
                           floats(dx), floats(da), floats(dh), *hs.shape))
        return dx, da, dh

    return kernel
