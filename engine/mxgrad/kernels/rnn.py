"""All steps of a recurrent layer in one direction, and back (level 2)."""
from __future__ import annotations

from typing import Any

import numpy

from . import cpu
from .cpu import Kernel, ffi, floats, lib, overrides


RELU, TANH, LSTM, GRU = range(4)        # as kernels.h numbers the kinds of layers


def _fit(steps: Any, *arrays: Any) -> bool:
    """Whether all are float32 and in C's order.  A loop over the steps in Python costs so much more than the
    numbers that few of them are enough.
    """
    return 64 * steps.size >= cpu.small and all(
        a.dtype == numpy.float32 and a.flags.c_contiguous for a in (steps, *arrays))


def _sizes(gates: int, turned: bool, x: Any, w_in: Any, w: Any, b_in: Any, b: Any, *states: Any,
           inside: Any) -> tuple[int, ...] | None:
    """(steps, batch, inputs, size, turned) if the arrays are those of a layer without a projection, and for
    the kernels; the biases may be None.
    """
    if x.ndim != 3 or w.ndim != 2 or not x.size or not w.size:
        return None
    steps, batch = x.shape[1::-1] if turned else x.shape[:2]
    inputs, (width, size) = x.shape[2], w.shape
    if (width != gates * size or w_in.shape != (width, inputs)
            or any(a is not None and a.shape != (width,) for a in (b_in, b))
            or any(s.shape != (batch, size) for s in states)
            or inside is not None and inside.shape != (steps, batch, 1)
            or not _fit(x, w_in, w, *states, *(a for a in (b_in, b) if a is not None))):
        return None
    return steps, batch, inputs, size, int(turned)


def _given(a: Any) -> Any:
    """The address of the elements of an optional array."""
    return ffi.NULL if a is None else floats(numpy.ascontiguousarray(a, numpy.float32))


def _mask(inside: Any) -> Any:
    return ffi.NULL if inside is None else ffi.from_buffer("uint8_t[]", numpy.ascontiguousarray(inside, bool))


def _forward(kind: int, sizes: tuple[int, ...], arrays: tuple[Any, ...], inside: Any, gates: int) -> Any:
    """States, cells and gates, the latter if the kind has `gates` of them; `arrays` are those of k_rnn."""
    steps, batch, _, size, turned = sizes
    hs = numpy.empty((batch, steps, size) if turned else (steps, batch, size), numpy.float32)
    cs = numpy.empty((steps, batch, size), numpy.float32) if kind == LSTM else None
    kept = numpy.empty((steps, batch, gates * size), numpy.float32) if gates else None
    if lib.k_rnn(kind, sizes, *map(_given, arrays), _mask(inside), floats(hs), _given(cs), _given(kept)):
        raise MemoryError("no memory for the packed weights of a recurrent layer")
    return hs, cs, kept


def _backward(kind: int, sizes: tuple[int, ...], cts: tuple[Any, Any], arrays: tuple[Any, ...],
              results: tuple[Any, ...], inside: Any, wants_x: bool, wants_h: bool) -> tuple[Any, ...]:
    """The cotangents of x, w_in, w, b_in, b, h and c; `arrays` are x, w_in, w, h and c, `results` states,
    cells and gates.
    """
    x, w_in, w, h, _ = arrays
    dx = numpy.empty_like(x) if wants_x else None
    dw_in, dw, db_in, dh = map(numpy.empty_like, (w_in, w, w[:, 0], h))
    db = numpy.empty_like(db_in) if kind == GRU else None
    dc = numpy.empty_like(h) if kind == LSTM else None
    if lib.k_rnn_dx(kind, sizes, *map(_given, (*cts, *arrays, *results)), _mask(inside),
                    *map(_given, (dx, dw_in, dw, db_in, db, dh, dc)), wants_h):
        raise MemoryError("no memory for the gradients of a recurrent layer")
    return dx, dw_in, dw, db_in, db, dh if wants_h else None, dc


def _are(shape: tuple[int, ...], *arrays: Any) -> bool:
    """Whether the arrays that are given have this shape."""
    return all(a is None or a.shape == shape for a in arrays)


def _results_fit(sizes: tuple[int, ...], hs: Any, gh: Any, cells: tuple[Any, ...], gates: Any) -> bool:
    """Whether the results of a layer, and their cotangents, are of such `sizes`, and for the kernels."""
    steps, batch, _, size, turned = sizes
    return (_are((batch, steps, size) if turned else (steps, batch, size), hs, gh)
            and _are((steps, batch, size), *cells) and _are((steps, batch, 4 * size), gates)
            and _fit(*(a for a in (hs, *cells[:1], gates) if a is not None)))


@overrides("rnn_steps")
def _rnn(generic: Kernel) -> Kernel:
    def kernel(x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None, *,
               relu: bool = False, turned: bool = False) -> Any:
        sizes = _sizes(1, turned, x, w_in, w, b_in, b, h, inside=inside)
        if sizes is None:
            return generic(x, w_in, w, b_in, b, h, inside, relu=relu, turned=turned)
        return _forward(RELU if relu else TANH, sizes, (x, w_in, w, b_in, b, h, None), inside, 0)[0]

    return kernel


@overrides("rnn_steps_dx")
def _rnn_dx(generic: Kernel) -> Kernel:
    def kernel(g: Any, hs: Any, x: Any, w_in: Any, w: Any, h: Any, inside: Any = None, *, relu: bool = False,
               turned: bool = False, wants_x: bool = True, wants_h: bool = True) -> Any:
        sizes = _sizes(1, turned, x, w_in, w, None, None, h, inside=inside)
        if sizes is None or not _results_fit(sizes, hs, g, (), None):
            return generic(g, hs, x, w_in, w, h, inside, relu=relu, turned=turned, wants_x=wants_x,
                           wants_h=wants_h)
        dx, dw_in, dw, db, _, dh, _ = _backward(
            RELU if relu else TANH, sizes, (g, None), (x, w_in, w, h, None), (hs, None, None), inside,
            wants_x, wants_h)
        return dx, dw_in, dw, db, dh

    return kernel


@overrides("lstm_steps")
def _lstm(generic: Kernel) -> Kernel:
    def kernel(x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, c: Any, r: Any = None,
               inside: Any = None, *, clip: Any = None, clip_nan: bool = False, turned: bool = False) -> Any:
        sizes = None if r is not None or clip is not None else _sizes(
            4, turned, x, w_in, w, b_in, b, h, c, inside=inside)
        if sizes is None:
            return generic(x, w_in, w, b_in, b, h, c, r, inside, clip=clip, clip_nan=clip_nan, turned=turned)
        return _forward(LSTM, sizes, (x, w_in, w, b_in, b, h, c), inside, 4)

    return kernel


@overrides("lstm_steps_dx")
def _lstm_dx(generic: Kernel) -> Kernel:
    def kernel(gh: Any, gc: Any, g_gates: Any, hs: Any, cs: Any, gates: Any, x: Any, w_in: Any, w: Any,
               h: Any, c: Any, r: Any = None, inside: Any = None, *, clip: Any = None, turned: bool = False,
               wants_x: bool = True, wants_h: bool = True) -> Any:
        sizes = None if g_gates is not None or r is not None or clip is not None else _sizes(
            4, turned, x, w_in, w, None, None, h, c, inside=inside)
        if sizes is None or not _results_fit(sizes, hs, gh, (cs, gc), gates):
            return generic(gh, gc, g_gates, hs, cs, gates, x, w_in, w, h, c, r, inside, clip=clip,
                           turned=turned, wants_x=wants_x, wants_h=wants_h)
        dx, dw_in, dw, db, _, dh, dc = _backward(
            LSTM, sizes, (gh, gc), (x, w_in, w, h, c), (hs, cs, gates), inside, wants_x, wants_h)
        return dx, dw_in, dw, db, dh, dc, None

    return kernel


@overrides("lstm_cell")
def _lstm_cell(generic: Kernel) -> Kernel:
    def kernel(sums: Any, c: Any) -> Any:
        if c.ndim != 2 or not c.size or sums.shape != (c.shape[0], 4 * c.shape[1]) or not _fit(sums, c):
            return generic(sums, c)
        h, cell, gates = numpy.empty_like(c), numpy.empty_like(c), numpy.empty_like(sums)
        lib.k_lstm_cell(*map(floats, (sums, c, h, cell, gates)), *c.shape)
        return h, cell, gates

    return kernel


@overrides("lstm_cell_dx")
def _lstm_cell_dx(generic: Kernel) -> Kernel:
    def kernel(gh: Any, gc: Any, g_gates: Any, cell: Any, gates: Any, c: Any) -> Any:
        if (g_gates is not None or c.ndim != 2 or not c.size or not _are(c.shape, cell, gh, gc)
                or gates.shape != (c.shape[0], 4 * c.shape[1]) or not _fit(gates, cell, c)):
            return generic(gh, gc, g_gates, cell, gates, c)
        dsums, dc = numpy.empty_like(gates), numpy.empty_like(c)
        lib.k_lstm_cell_dx(*map(_given, (gh, gc, c, cell, gates, dsums, dc)), *c.shape)
        return dsums, dc

    return kernel


@overrides("gru_steps")
def _gru(generic: Kernel) -> Kernel:
    def kernel(x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None, *,
               turned: bool = False) -> Any:
        sizes = _sizes(3, turned, x, w_in, w, b_in, b, h, inside=inside)
        if sizes is None:
            return generic(x, w_in, w, b_in, b, h, inside, turned=turned)
        hs, _, gates = _forward(GRU, sizes, (x, w_in, w, b_in, b, h, None), inside, 4)
        return hs, gates

    return kernel


@overrides("gru_steps_dx")
def _gru_dx(generic: Kernel) -> Kernel:
    def kernel(gh: Any, g_gates: Any, hs: Any, gates: Any, x: Any, w_in: Any, w: Any, h: Any,
               inside: Any = None, *, turned: bool = False, wants_x: bool = True,
               wants_h: bool = True) -> Any:
        sizes = None if g_gates is not None else _sizes(
            3, turned, x, w_in, w, None, None, h, inside=inside)
        if sizes is None or not _results_fit(sizes, hs, gh, (), gates):
            return generic(gh, g_gates, hs, gates, x, w_in, w, h, inside, turned=turned, wants_x=wants_x,
                           wants_h=wants_h)
        dx, dw_in, dw, db_in, db, dh, _ = _backward(
            GRU, sizes, (gh, None), (x, w_in, w, h, None), (hs, None, gates), inside, wants_x, wants_h)
        return dx, dw_in, dw, db_in, db, dh

    return kernel
