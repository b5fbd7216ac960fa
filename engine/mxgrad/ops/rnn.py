"""Recurrent layers: an op takes one layer in one direction through time, a composition stacks them.

An op gets everything that a layer computes with, so that a kernel can do it in one pass through time, and
gives everything its rule reads: besides the states the activated gates.  The rule goes back through time
once.  It computes the slopes at each step, not for all steps before: arrays of one step stay in the
processor's cache, and memory is not asked for anew.

Inputs x are (steps, batch, inputs), weights (gates size, inputs) and (gates size, size), states come out as
(steps, batch, size).  With `turned` inputs and states are (batch, steps, ...); cells and gates are (steps,
batch, ...) all the same.

Where `inside` (steps, batch, 1) is false a sequence has ended, or, backwards, has not begun: its state stays.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..base import as_dtype
from ..registry import composition, register
from .shape import product

_ALL = (True,) * 6      # which cotangents are wanted, of the inputs to the first states

GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}


def _check_steps(
    x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, gates: int, turned: bool,
) -> tuple[int, int]:
    """(steps, batch), if the shapes fit: the kernels write into arrays made before."""
    if x.ndim != 3 or h.ndim != 2 or not x.shape[turned]:
        raise ValueError(f"inputs are (steps, batch, features) with at least one step, states (batch, size); "
                         f"got {tuple(x.shape)} and {tuple(h.shape)}")
    steps, batch = x.shape[1::-1] if turned else x.shape[:2]
    shapes = tuple(tuple(a.shape) for a in (w_in, w, b_in, b))
    width = b_in.size
    if (batch != h.shape[0] or width % gates
            or shapes != ((width, x.shape[2]), (width, h.shape[1]), (width,), (width,))):
        raise ValueError(f"inputs of shape {tuple(x.shape)}, weights {shapes[0]} and {shapes[1]}, biases "
                         f"{shapes[2]} and {shapes[3]} and a state {tuple(h.shape)} do not fit")
    return steps, batch


def _given(xp: Any, x: Any, w_in: Any, b_in: Any, turned: bool) -> Any:
    """What the inputs give: (steps, batch, width)."""
    if turned:
        x = x.swapaxes(0, 1)
    steps, batch, features = x.shape
    given = xp.dot(x.reshape(steps * batch, features), w_in.T)
    given += b_in
    return given.reshape(steps, batch, w_in.shape[0])


def _states(xp: Any, steps: int, batch: int, size: int, dtype: Any, turned: bool) -> tuple[Any, Any]:
    """Room for the states of all steps, and the same as (steps, batch, size)."""
    hs = xp.empty((batch, steps, size) if turned else (steps, batch, size), dtype)
    return hs, hs.swapaxes(0, 1) if turned else hs


# what the rules share ---------------------------------------------------------------------------------------


def _at(F: Any, a: Any, t: int) -> Any:
    return F.getitem(a, key=t)


def _before(F: Any, first: Any, states: Any) -> Any:
    """The states that the steps began with."""
    return F.concatenate(F.expand_dims(first, axis=0), F.getitem(states, key=slice(0, -1)), axis=0)


def _blocks(F: Any, gates: Any, t: int, n: int) -> list[Any]:
    """The n gates of step t."""
    size = gates.shape[2] // n
    return [F.getitem(gates, key=(t, slice(None), slice(k * size, (k + 1) * size))) for k in range(n)]


def _plus(a: Any, b: Any) -> Any:
    """The sum of what there is."""
    return b if a is None else a if b is None else a + b


def _in_order(F: Any, backwards: list[Any]) -> Any:
    """What a loop back through time collected, as one array."""
    return F.stack(*backwards[::-1], axis=0)


def _by_steps(F: Any, a: Any, turned: bool) -> Any:
    """The inputs or states, or a cotangent of them, as (steps, batch, ...)."""
    return F.swapaxes(a, axis1=0, axis2=1) if turned and a is not None else a


def _weights_ct(F: Any, ct: Any, states: Any) -> Any:
    """The cotangent of weights that made outputs with the cotangent `ct` of `states`, over all steps."""
    rows = product(ct.shape[:2])
    return F.dot(F.reshape(ct, shape=(rows, ct.shape[2])), F.reshape(states, shape=(rows, states.shape[2])),
                 transpose_a=True)


def _inputs_cts(F: Any, ct: Any, x: Any, w_in: Any, turned: bool, wants_x: bool) -> tuple[Any, Any]:
    """The cotangents of the inputs, if they are wanted, and of their weights."""
    dx = _by_steps(F, F.dot(ct, w_in), turned) if wants_x else None
    return dx, _weights_ct(F, ct, _by_steps(F, x, turned))


# one activation ---------------------------------------------------------------------------------------------


def _rnn_steps(
    xp: Any, x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None, *, relu: bool = False,
    turned: bool = False,
) -> Any:
    """The states h[t] = tanh(x[t] @ w_in.T + b_in + h[t-1] @ w.T + b), or relu of that."""
    steps, batch = _check_steps(x, w_in, w, b_in, b, h, 1, turned)
    hs, each = _states(xp, steps, batch, h.shape[1], x.dtype, turned)
    given = _given(xp, x, w_in, b_in + b, turned)
    wt = w.T
    for t in range(steps):
        new = given[t]
        new += xp.dot(h, wt)
        if relu:
            xp.maximum(new, 0, out=new)
        else:
            xp.tanh(new, out=new)
        each[t] = new if inside is None else xp.where(inside[t], new, h)
        h = each[t]
    return hs


@composition
def _rnn_steps_dx(
    F: Any, g: Any, hs: Any, x: Any, w_in: Any, w: Any, h: Any, inside: Any = None, *, relu: bool = False,
    turned: bool = False, wants_x: bool = True, wants_h: bool = True,
) -> tuple[Any, Any, Any, Any, Any]:
    """The cotangents of x, w_in, w, each bias, and h."""
    g, hs = _by_steps(F, g, turned), _by_steps(F, hs, turned)
    dh: Any = None
    das = []
    for t in reversed(range(hs.shape[0])):
        now, dh = _at(F, hs, t), _plus(dh, _at(F, g, t))
        da = F.where(F.greater(now, 0), dh, 0) if relu else dh * (1 - now * now)
        if inside is not None:
            da = F.where(_at(F, inside, t), da, 0)
            dh = F.dot(da, w) + F.where(_at(F, inside, t), 0, dh)
        else:
            dh = F.dot(da, w)
        das.append(da)
    da = _in_order(F, das)
    return (*_inputs_cts(F, da, x, w_in, turned, wants_x), _weights_ct(F, da, _before(F, h, hs)),
            F.sum(da, axis=(0, 1)), dh)


def _rnn_joint(
    F: Any, g: Any, hs: Any, x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None,
    wanted: Sequence[bool] = _ALL, **params: Any,
) -> tuple[Any, ...]:
    dx, dw_in, dw, db, dh = F.rnn_steps_dx(g, hs, x, w_in, w, h, inside, wants_x=wanted[0],
                                           wants_h=wanted[5], **params)
    return dx, dw_in, dw, db, db, dh, None


register("rnn_steps", _rnn_steps, joint=_rnn_joint, keeps="01256y", mixed=True)

# long short-term memory -------------------------------------------------------------------------------------


def _lstm_steps(
    xp: Any, x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, c: Any, r: Any = None, inside: Any = None,
    *, clip: tuple[float, float] | None = None, clip_nan: bool = False, turned: bool = False,
) -> tuple[Any, Any, Any]:
    """States, cells and gates (in, forget, new, out) of every step of a long short-term memory.

    i, f, g, o are the four parts of x[t] @ w_in.T + b_in + h[t-1] @ w.T + b, each through the sigmoid, but g
    through tanh.  c[t] = f c[t-1] + i g, within `clip`, and h[t] = o tanh(c[t]), times r.T where there is a
    projection.  With `clip_nan` a nan becomes the lower bound.
    """
    steps, batch = _check_steps(x, w_in, w, b_in, b, h, 4, turned)
    width, back = w.shape
    size = width // 4
    if c.shape != (batch, size) or (back != size if r is None else r.shape != (back, size)):
        raise ValueError(f"weights of shape {tuple(w.shape)}, cells {tuple(c.shape)} and a projection "
                         f"{r if r is None else tuple(r.shape)} do not fit a state {tuple(h.shape)}")
    gates = _given(xp, x, w_in, b_in + b, turned)
    cs = xp.empty((steps, batch, size), x.dtype)
    hs, each = _states(xp, steps, batch, back, x.dtype, turned)
    wt = w.T
    # sigmoid(a) is tanh(a / 2) / 2 + 1 / 2: one pass of tanh serves all gates.
    scale = xp.full(width, 0.5, x.dtype)
    scale[2 * size:3 * size] = 1
    shift = 1 - scale
    for t in range(steps):
        a = gates[t]
        a += xp.dot(h, wt)
        a *= scale
        xp.tanh(a, out=a)
        a *= scale
        a += shift
        new = cs[t]
        xp.multiply(a[:, size:2 * size], c, out=new)
        new += a[:, :size] * a[:, 2 * size:3 * size]
        if clip is not None:
            if clip_nan:
                new[...] = xp.where(xp.isnan(new), clip[0], new)
            xp.clip(new, clip[0], clip[1], out=new)
        out = xp.tanh(new)
        out *= a[:, 3 * size:]
        if r is not None:
            out = xp.dot(out, r.T)
        if inside is not None:
            new[...] = xp.where(inside[t], new, c)
            out = xp.where(inside[t], out, h)
        each[t] = out
        h, c = each[t], new
    return hs, cs, gates


@composition
def _lstm_steps_dx(
    F: Any, gh: Any, gc: Any, g_gates: Any, hs: Any, cs: Any, gates: Any, x: Any, w_in: Any, w: Any, h: Any,
    c: Any, r: Any = None, inside: Any = None, *, clip: tuple[float, float] | None = None,
    turned: bool = False, wants_x: bool = True, wants_h: bool = True,
) -> tuple[Any, Any, Any, Any, Any, Any, Any]:
    """The cotangents of x, w_in, w, each bias, h, c, and of the projection if there is one."""
    gh, hs = _by_steps(F, gh, turned), _by_steps(F, hs, turned)
    dh: Any = None
    dc: Any = None
    das, ends, projected = [], [], []
    for t in reversed(range(gates.shape[0])):
        i, f, new, o = _blocks(F, gates, t, 4)
        earlier, out = _at(F, cs, t - 1) if t else c, F.tanh(_at(F, cs, t))
        dh = _plus(dh, F.zeros_like(h) if gh is None else _at(F, gh, t))
        dc = _plus(dc, None if gc is None else _at(F, gc, t))
        end, cell = dh, dc
        if inside is not None:
            now = _at(F, inside, t)
            end, cell = F.where(now, dh, 0), None if dc is None else F.where(now, dc, 0)
        hidden = end if r is None else F.dot(end, r)
        cell = _plus(hidden * (o * (1 - out * out)), cell)
        if clip is not None:
            raw = f * earlier + i * new
            free = F.logical_and(F.greater_equal(raw, clip[0]), F.less_equal(raw, clip[1]))
            cell = F.where(free, cell, 0)
        parts = [cell * new, cell * earlier, cell * i, hidden * out]
        if g_gates is not None:
            parts = [p + e for p, e in zip(parts, _blocks(F, g_gates, t, 4))]
        slopes = (i * (1 - i), f * (1 - f), 1 - new * new, o * (1 - o))
        das.append(F.concatenate(*[p * slope for p, slope in zip(parts, slopes)], axis=1))
        if inside is None:
            dh, dc = F.dot(das[-1], w), cell * f
        else:
            dh = F.dot(das[-1], w) + F.where(now, 0, dh)
            dc = cell * f if dc is None else F.where(now, cell * f, dc)
        if r is not None:
            ends.append(end)
            projected.append(o * out)
    dr = None if r is None else _weights_ct(F, _in_order(F, ends), _in_order(F, projected))
    da = _in_order(F, das)
    return (*_inputs_cts(F, da, x, w_in, turned, wants_x), _weights_ct(F, da, _before(F, h, hs)),
            F.sum(da, axis=(0, 1)), dh, dc, dr)


def _lstm_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any,
    c: Any, r: Any = None, inside: Any = None, clip_nan: bool = False, wanted: Sequence[bool] = _ALL,
    **params: Any,
) -> tuple[Any, ...]:
    dx, dw_in, dw, db, dh, dc, dr = F.lstm_steps_dx(
        *gs, *ys, x, w_in, w, h, c, r, inside, wants_x=wanted[0], wants_h=wanted[5], **params)
    return dx, dw_in, dw, db, db, dh, dc, dr, None


register("lstm_steps", _lstm_steps, joint=_lstm_joint, keeps="0125678y", mixed=True, gaps=True)

# one step of it -------------------------------------------------------------------------------------------


def _lstm_cell(xp: Any, sums: Any, c: Any) -> tuple[Any, Any, Any]:
    """State, cell and gates of one step, from the sums (batch, 4 size) that the gates are made of; see
    `lstm_steps`.  One op, because a cell that a user calls step by step is nothing but this and products.
    """
    if c.ndim != 2 or sums.shape != (c.shape[0], 4 * c.shape[1]):
        raise ValueError(f"sums of shape {tuple(sums.shape)} and cells of shape {tuple(c.shape)} do not fit")
    size = c.shape[1]
    gates = sums * 0.5      # sigmoid(a) is tanh(a / 2) / 2 + 1 / 2
    new = gates[:, 2 * size:3 * size]
    new += new
    xp.tanh(gates, out=gates)
    for part in (gates[:, :2 * size], gates[:, 3 * size:]):
        part *= 0.5
        part += 0.5
    cell = gates[:, size:2 * size] * c
    cell += gates[:, :size] * new
    h = xp.tanh(cell)
    h *= gates[:, 3 * size:]
    return h, cell, gates


@composition
def _lstm_cell_dx(
    F: Any, gh: Any, gc: Any, g_gates: Any, cell: Any, gates: Any, c: Any,
) -> tuple[Any, Any]:
    """The cotangents of the sums and of c."""
    size = c.shape[1]
    i, f, new, o = (F.getitem(gates, key=(slice(None), slice(k * size, (k + 1) * size))) for k in range(4))
    out = F.tanh(cell)
    gh = F.zeros_like(c) if gh is None else gh
    dc = _plus(gh * (o * (1 - out * out)), gc)
    parts = (dc * new * (i * (1 - i)), dc * c * (f * (1 - f)), dc * i * (1 - new * new),
             gh * out * (o * (1 - o)))
    dsums = F.concatenate(*parts, axis=1)
    if g_gates is not None:
        slopes = (i * (1 - i), f * (1 - f), 1 - new * new, o * (1 - o))
        dsums = dsums + g_gates * F.concatenate(*slopes, axis=1)
    return dsums, dc * f


def _lstm_cell_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], sums: Any, c: Any,
) -> tuple[Any, Any]:
    _, cell, gates = ys
    cts: tuple[Any, Any] = F.lstm_cell_dx(*gs, cell, gates, c)
    return cts


register("lstm_cell", _lstm_cell, joint=_lstm_cell_joint, keeps="1y", result="same", gaps=True)

# gated recurrent unit ---------------------------------------------------------------------------------------


def _gru_steps(
    xp: Any, x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any, inside: Any = None, *,
    turned: bool = False,
) -> tuple[Any, Any]:
    """States and gates (reset, update, new, and what is reset) of every step of a gated recurrent unit.

    With v = x[t] @ w_in.T + b_in and a = h[t-1] @ w.T + b, both in three parts: r = sigmoid(v0 + a0),
    z = sigmoid(v1 + a1), n = tanh(v2 + r a2) and h[t] = (1 - z) n + z h[t-1].
    """
    steps, batch = _check_steps(x, w_in, w, b_in, b, h, 3, turned)
    size = h.shape[1]
    gates = xp.empty((steps, batch, 4 * size), x.dtype)
    hs, each = _states(xp, steps, batch, size, x.dtype, turned)
    of_inputs = _given(xp, x, w_in, b_in, turned)
    wt = w.T
    for t in range(steps):
        given, a = of_inputs[t], xp.dot(h, wt)
        a += b
        reset_update, new, inner = gates[t, :, :2 * size], gates[t, :, 2 * size:3 * size], a[:, 2 * size:]
        gates[t, :, 3 * size:] = inner
        both = a[:, :2 * size] + given[:, :2 * size]
        both *= 0.5         # sigmoid(a) is tanh(a / 2) / 2 + 1 / 2
        xp.tanh(both, out=both)
        both *= 0.5
        both += 0.5
        reset_update[...] = both
        inner *= both[:, :size]
        inner += given[:, 2 * size:]
        xp.tanh(inner, out=new)
        out = each[t]
        xp.subtract(h, new, out=out)
        out *= both[:, size:]
        out += new
        if inside is not None:
            out[...] = xp.where(inside[t], out, h)
        h = out
    return hs, gates


@composition
def _gru_steps_dx(
    F: Any, gh: Any, g_gates: Any, hs: Any, gates: Any, x: Any, w_in: Any, w: Any, h: Any, inside: Any = None,
    *, turned: bool = False, wants_x: bool = True, wants_h: bool = True,
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """The cotangents of x, w_in, w, b_in, b, and h."""
    gh, hs = _by_steps(F, gh, turned), _by_steps(F, hs, turned)
    dh: Any = None
    dgivens, das = [], []
    for t in reversed(range(gates.shape[0])):
        r, z, new, inner = _blocks(F, gates, t, 4)
        earlier = _at(F, hs, t - 1) if t else h
        dh = _plus(dh, F.zeros_like(h) if gh is None else _at(F, gh, t))
        end = dh if inside is None else F.where(_at(F, inside, t), dh, 0)
        g_r, g_z, g_new, g_inner = [None] * 4 if g_gates is None else _blocks(F, g_gates, t, 4)
        d_new = _plus(end * (1 - z), g_new) * (1 - new * new)
        d_inner = _plus(d_new * r, g_inner)
        d_r = _plus(d_new * inner, g_r) * (r * (1 - r))
        d_z = _plus(end * (earlier - new), g_z) * (z * (1 - z))
        dgivens.append(F.concatenate(d_r, d_z, d_new, axis=1))
        das.append(F.concatenate(d_r, d_z, d_inner, axis=1))
        stays = end * z if inside is None else F.where(_at(F, inside, t), end * z, dh)
        dh = stays + F.dot(das[-1], w)
    dgiven, da = _in_order(F, dgivens), _in_order(F, das)
    return (*_inputs_cts(F, dgiven, x, w_in, turned, wants_x), _weights_ct(F, da, _before(F, h, hs)),
            F.sum(dgiven, axis=(0, 1)), F.sum(da, axis=(0, 1)), dh)


def _gru_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], x: Any, w_in: Any, w: Any, b_in: Any, b: Any, h: Any,
    inside: Any = None, wanted: Sequence[bool] = _ALL, **params: Any,
) -> tuple[Any, ...]:
    return (*F.gru_steps_dx(*gs, *ys, x, w_in, w, h, inside, wants_x=wanted[0], wants_h=wanted[5], **params),
            None)


register("gru_steps", _gru_steps, joint=_gru_joint, keeps="01256y", mixed=True, gaps=True)

# layers -----------------------------------------------------------------------------------------------------

Layer = tuple[Any, Any, Any, Any, Any]      # weights of inputs and states, biases of both, projection or None


def layer_shapes(
    mode: str, num_layers: int, input_size: int, state_size: int, directions: int,
    projection_size: int | None = None,
) -> list[list[tuple[int, ...]]]:
    """For each layer and direction the shapes of its weights (of inputs, of states, of the projection if
    there is one) and of its two biases.
    """
    rows, back = GATES[mode] * state_size, projection_size or state_size
    shapes: list[list[tuple[int, ...]]] = []
    for layer in range(num_layers):
        taken = input_size if layer == 0 else back * directions
        project = [(back, state_size)] if projection_size else []
        shapes += [[(rows, taken), (rows, back), *project, (rows,), (rows,)]] * directions
    return shapes


def shapes_in(
    length: int, mode: str, num_layers: int, state_size: int, directions: int,
    projection_size: int | None = None,
) -> list[list[tuple[int, ...]]]:
    """`layer_shapes` of the layers whose parameters are a vector of this length."""
    without = layer_shapes(mode, num_layers, 0, state_size, directions, projection_size)
    left = length - sum(product(shape) for layer in without for shape in layer)
    input_size, rest = divmod(left, GATES[mode] * state_size * directions)
    if rest or input_size < 1:
        raise ValueError(f"no input size gives such layers {length} parameters")
    return layer_shapes(mode, num_layers, input_size, state_size, directions, projection_size)


def unpack(F: Any, parameters: Any, shapes: list[list[tuple[int, ...]]]) -> list[Layer]:
    """The layers' arrays out of one vector: the weights of all layers and directions, then all biases."""
    ordered = [s for layer in shapes for s in layer[:-2]] + [s for layer in shapes for s in layer[-2:]]
    cuts = [0]
    for shape in ordered:
        cuts.append(cuts[-1] + product(shape))
    if tuple(parameters.shape) != (cuts[-1],):
        raise ValueError(f"these layers have {cuts[-1]} parameters in one vector, got shape "
                         f"{tuple(parameters.shape)}")
    parts = F.split(parameters, indices_or_sections=tuple(cuts[1:-1]), axis=0)
    arrays = [F.reshape(part, shape=shape) for part, shape in zip(parts, ordered)]
    each = len(shapes[0]) - 2
    layers: list[Layer] = []
    for k in range(len(shapes)):
        weights, biases = arrays[k * each:(k + 1) * each], arrays[len(shapes) * each + 2 * k:][:2]
        layers.append((weights[0], weights[1], *biases, weights[2] if each == 3 else None))
    return layers


def _direction(
    F: Any, mode: str, x: Any, layer: Layer, h: Any, c: Any, inside: Any,
    clip: tuple[float, float] | None, clip_nan: bool, turned: bool,
) -> tuple[Any, Any]:
    """States of one layer in one direction, and its cells or None."""
    *weights, project = layer
    if mode == "gru":
        return F.gru_steps(x, *weights, h, inside, turned=turned)[0], None
    if mode == "lstm":
        hs, cs, _ = F.lstm_steps(x, *weights, h, c, project, inside, clip=clip, clip_nan=clip_nan,
                                 turned=turned)
        return hs, cs
    return F.rnn_steps(x, *weights, h, inside, relu=mode == "rnn_relu", turned=turned), None


def recurrent(
    F: Any, x: Any, layers: Sequence[Layer], h: Any, c: Any = None, *, mode: str, directions: int = 1,
    length: Any = None, clip: tuple[float, float] | None = None, clip_nan: bool = False,
    between: Callable[[Any], Any] | None = None, turned: bool = False, ends: bool = True,
) -> tuple[Any, Any, Any]:
    """Recurrent layers, one on the other: (outputs, last states, last cells or None).

    x is (steps, batch, features), or (batch, steps, features) if it is `turned`, and so are the outputs; h
    and c (layers x directions, batch, size) are the first states, `layers` is in their order.  The outputs of
    both directions stand beside each other.  After a sequence's `length` its outputs are 0, and the last
    states are those at its end; backwards it begins there.  `between` is done to what goes from layer to
    layer.  Without `ends` there are no last states.
    """
    time = int(turned)
    steps = x.shape[time]
    inside = within = backwards = None
    if length is not None:
        inside = F.expand_dims(F.transpose(F.before(length, n=steps)), axis=2)
        backwards = F.flip(inside, axis=0)
        within = _by_steps(F, inside, turned)
        x = F.where(within, x, 0)
    last_h, last_c = [], []
    for first in range(0, len(layers), directions):
        outputs = []
        for d in range(directions):
            k = first + d
            begun, there = (F.flip(x, axis=time), backwards) if d else (x, inside)
            hs, cs = _direction(F, mode, begun, layers[k], _at(F, h, k), None if c is None else _at(F, c, k),
                                there, clip, clip_nan, turned)
            if ends:
                last_h.append(F.getitem(hs, key=(slice(None), steps - 1) if turned else steps - 1))
                if cs is not None:
                    last_c.append(_at(F, cs, steps - 1))
            outputs.append(F.flip(hs, axis=time) if d else hs)
        x = outputs[0] if directions == 1 else F.concatenate(*outputs, axis=2)
        if within is not None:
            x = F.where(within, x, 0)
        if between is not None and first + directions < len(layers):
            x = between(x)
    return x, F.stack(*last_h, axis=0) if ends else None, F.stack(*last_c, axis=0) if last_c else None


def packed(
    F: Any, x: Any, parameters: Any, h: Any, c: Any = None, length: Any = None, *, mode: str,
    state_size: int, num_layers: int, bidirectional: bool = False, projection_size: int | None = None,
    clip_min: float | None = None, clip_max: float | None = None, clip_nan: bool = False,
    between: Callable[[Any], Any] | None = None,
) -> tuple[Any, Any, Any]:
    """`recurrent` with MXNet's arguments: one vector of parameters, everything checked."""
    if mode not in GATES:
        raise ValueError(f"mode is one of {', '.join(map(repr, GATES))}, not {mode!r}")
    for name, n in (("state_size", state_size), ("num_layers", num_layers)):
        if n < 1:
            raise ValueError(f"{name} is at least 1, got {n}")
    if projection_size is not None and (mode != "lstm" or projection_size < 1):
        raise ValueError(
            f"projection_size, at least 1, is for mode 'lstm', got {projection_size} for {mode!r}")
    if (clip_min is None) != (clip_max is None):
        raise ValueError("lstm_state_clip_min and lstm_state_clip_max are given together or not at all")
    if mode != "lstm":
        clip_min = c = None
    elif c is None:
        raise TypeError("mode 'lstm' needs state_cell")
    shape = tuple(x.shape)
    if len(shape) != 3 or not shape[0]:
        raise ValueError(
            f"data is (steps, batch, features) with at least one step, got shape {shape}")
    directions = 2 if bidirectional else 1
    for name, v, size in (("state", h, projection_size or state_size), ("state_cell", c, state_size)):
        wanted = (num_layers * directions, shape[1], size)
        if v is not None and tuple(v.shape) != wanted:
            raise ValueError(f"{name} has shape {wanted} here, got {tuple(v.shape)}")
    if length is not None and tuple(length.shape) != shape[1:2]:
        raise ValueError(
            f"a length for each of {shape[1]} sequences is needed, got shape {tuple(length.shape)}")
    dtypes = {as_dtype(v.dtype).name for v in (x, parameters, h, c) if v is not None}
    if len(dtypes) != 1 or not next(iter(dtypes)).startswith("float"):
        raise TypeError(
            f"data, parameters and states are of one float dtype, got {', '.join(sorted(dtypes))}")
    layers = unpack(F, parameters, layer_shapes(
        mode, num_layers, shape[2], state_size, directions, projection_size))
    clip = None if clip_min is None or clip_max is None else (float(clip_min), float(clip_max))
    return recurrent(F, x, layers, h, c, mode=mode, directions=directions, length=length, clip=clip,
                     clip_nan=clip_nan, between=between)
