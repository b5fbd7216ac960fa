"""Connectionist temporal classification: the probability of a labelling, over all its alignments.

A. Graves et al., Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent
Neural Networks (2006).  The states of an alignment are the labels with a blank before, between and after.
"""
from __future__ import annotations

from typing import Any

from ..base import as_dtype
from ..registry import register

BLANKS = ("first", "last")


def _ctc(xp: Any, x: Any, skip: Any, ends: Any, inside: Any = None) -> tuple[Any, Any, Any]:
    """Logarithms of the probabilities of ending in state ends or ends - 1, (batch,), and two kinds of
    weights.

    x (steps, batch, states) has the log-probability of what each state says.  A path begins in state 0 or 1,
    and goes on from a state to the same, the next, or, where `skip` (batch, states) is true, from two states
    before.  Where `inside` (steps, batch, 1) is false it stays.

    The first weights (steps, 3, batch, states) are the probabilities that a path which is in a state then
    came from the same, the state before and two before; the second (batch, states) those of the last states.
    They are 0 for states that cannot be reached.
    """
    steps, batch, states = x.shape
    # What stands for the logarithm of 0: differences of infinities would be nan.
    low = -3e4 if x.dtype.itemsize == 2 else -1e30
    room = xp.full((batch, states + 2), low, x.dtype)       # two states that are never reached come first
    now = room[:, 2:]
    now[:, 0] = 0
    weights = xp.empty((steps, 3, batch, states), x.dtype)
    for t in range(steps):
        w = weights[t]
        w[0] = now
        w[1] = room[:, 1:-1]
        w[2] = xp.where(skip, room[:, :-2], low)
        best = xp.max(w, axis=0)
        w -= best
        xp.exp(w, out=w)
        total = xp.sum(w, axis=0)
        w /= total
        w *= best > low / 2     # nan stays nan
        new = xp.maximum(best + xp.log(total) + x[t], low)
        if inside is not None:
            w[0] = xp.where(inside[t], w[0], 1)
            w[1:] = xp.where(inside[t], w[1:], 0)
            new = xp.where(inside[t], new, now)
        now[...] = new
    state, ends = xp.arange(states), ends.reshape(batch, 1)
    end = xp.logical_or(state == ends, state == ends - 1)
    now = xp.where(end, now, low)
    best = xp.max(now, axis=1, keepdims=True)
    last = xp.exp(now - best) * end
    total = xp.sum(last, axis=1, keepdims=True)
    lost = best <= low / 2
    found = xp.where(lost, -xp.inf, best + xp.log(total))
    return found.reshape(batch), weights, xp.where(lost, 0, last / total)


def _ctc_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], x: Any, skip: Any, ends: Any, inside: Any = None,
) -> tuple[Any, ...]:
    (g, g_weights, g_last), (_, weights, last) = gs, ys
    steps, batch, states = x.shape
    now: Any = None
    if g is not None:
        now = F.expand_dims(g, axis=1) * last
    if g_last is not None:
        also = _softmax_ct(F, g_last, last, 1)
        now = also if now is None else now + also
    if now is None:
        now = F.zeros_like(last)
    if g_weights is not None:
        g_weights = _softmax_ct(F, g_weights, weights, 1)
    beyond = F.fill(weights, shape=(3, batch, 2), dtype=x.dtype, value=0)
    dxs = []
    whole = slice(None)
    for t in reversed(range(steps)):
        dxs.append(now)
        came = F.getitem(weights, key=t) * now
        if g_weights is not None:
            came = came + F.getitem(g_weights, key=t)
        came = F.concatenate(came, beyond, axis=2)
        same, one, two = (F.getitem(came, key=(k, whole, slice(k, k + states))) for k in range(3))
        now = same + one + two
    dx = F.stack(*dxs[::-1], axis=0)
    return dx if inside is None else F.where(inside, dx, 0), None, None, None


def _softmax_ct(F: Any, g: Any, y: Any, axis: int) -> Any:
    """The cotangent of the logarithms of weights y that add up to 1 along `axis`."""
    return y * (g - F.sum(g * y, axis=axis, keepdims=True))


register("ctc", _ctc, joint=_ctc_joint, keeps="3y", mixed=True, gaps=True)


def ctc_loss(
    F: Any, x: Any, label: Any, data_lengths: Any = None, label_lengths: Any = None, blank: str = "first",
) -> Any:
    """Minus the logarithm of the probability of each labelling, (batch,); 0 where the data is too short for
    it.

    x (steps, batch, classes) are activations, label (batch, length) the classes.  The blank is class 0, or
    the 'last'; lengths are int64, and without label_lengths a labelling ends before its first 0, or -1 where
    the blank is the last.
    """
    if blank not in BLANKS:
        raise ValueError(f"blank_label is 'first' or 'last', not {blank!r}")
    if len(x.shape) != 3 or len(label.shape) != 2 or x.shape[1] != label.shape[0]:
        raise ValueError(f"data is (steps, batch, classes) and label (batch, length), got shapes "
                         f"{tuple(x.shape)} and {tuple(label.shape)}")
    (steps, batch, classes), length = x.shape, label.shape[1]
    if length > steps or not classes:
        raise ValueError(f"labels of length {length} are too long for {steps} steps of {classes} classes")
    for name, v in (("data", data_lengths), ("label", label_lengths)):
        if v is not None and tuple(v.shape) != (batch,):
            raise ValueError(f"{name}_lengths has shape {(batch,)} here, got {tuple(v.shape)}")
    dtype, whole = as_dtype(x.dtype), as_dtype("int64")
    if dtype.kind != "f":
        raise TypeError(f"activations are of a float dtype, got {dtype.name}")
    label = F.cast(label, dtype=whole)
    if label_lengths is None:
        padding = F.cast(F.equal(label, 0 if blank == "first" else -1), dtype=whole)
        inside = F.equal(F.cumsum(padding, axis=1), 0)
    else:
        inside = F.before(label_lengths, n=length)
    lengths = F.sum(F.cast(inside, dtype=whole), axis=1)
    nothing = 0 if blank == "first" else classes - 1
    # A negative label would count from the last class.
    label = F.where(inside, F.where(F.less(label, 0), classes, label), nothing)
    before = F.slice_axis(F.pad(label, pad_width=((0, 0), (1, 0)), constant_value=-1), axis=1, begin=0,
                          end=length)
    repeats = F.sum(F.cast(F.logical_and(inside, F.equal(label, before)), dtype=whole), axis=1)
    says = _spaced(F, label, nothing)
    skip = _spaced(F, F.logical_and(F.not_equal(label, before), F.not_equal(label, nothing)), False)
    used, enough = None, F.less_equal(lengths + repeats, steps)
    if data_lengths is not None:
        used = F.expand_dims(F.transpose(F.before(data_lengths, n=steps)), axis=2)
        enough = F.logical_and(enough, F.less_equal(lengths + repeats, data_lengths))
    # float16 could not hold the sums.
    work = as_dtype("float32") if dtype.itemsize < 4 else dtype
    logs = F.log_softmax(x if work == dtype else F.cast(x, dtype=work), axis=2)
    index = F.broadcast_to(F.expand_dims(says, axis=0), shape=(steps, *says.shape))
    found, _, _ = F.ctc(F.take_along_axis(logs, index, axis=2, mode="raise"), skip, lengths * 2, used)
    loss = F.where(enough, -found, 0)
    return loss if work == dtype else F.cast(loss, dtype=dtype)


def _spaced(F: Any, a: Any, between: Any) -> Any:
    """The columns of `a` with `between` before, between and after them."""
    n, length = a.shape
    dtype = as_dtype(a.dtype)
    pairs = F.stack(F.fill(a, shape=(n, length), dtype=dtype, value=between), a, axis=2)
    return F.concatenate(F.reshape(pairs, shape=(n, 2 * length)),
                         F.fill(a, shape=(n, 1), dtype=dtype, value=between), axis=1)
