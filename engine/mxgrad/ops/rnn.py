"""Recurrent layers: an op takes one layer in one direction through time, a composition stacks them.

An op gets the inputs of all steps already multiplied with their weights, which is one product of matrices
outside, and gives everything its rule reads: besides the states the activated gates.  The rule goes back
through time once.  It computes the slopes at each step, not for all steps before: arrays of one step stay in
the processor's cache, and memory is not asked for anew.

Where `inside` (steps, batch, 1) is false a sequence has ended, or, backwards, has not begun: its state stays.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..base import as_dtype
from ..registry import composition, register
from .shape import product

GATES = {"rnn_relu": 1, "rnn_tanh": 1, "lstm": 4, "gru": 3}


def _check_steps(x: Any, w: Any, b: Any, h: Any, gates: int) -> None:
    """Shapes that fit: the kernels write into arrays made before."""
    if x.ndim != 3 or h.ndim != 2 or not x.shape[0]:
        raise ValueError(f"inputs are (steps, batch, features) with at least one step, states (batch, size); "
                         f"got {tuple(x.shape)} and {tuple(h.shape)}")
    width = x.shape[2]
    if x.shape[1] != h.shape[0] or width % gates or (w.shape, b.shape) != ((width, h.shape[1]), (width,)):
        raise ValueError(f"inputs of shape {tuple(x.shape)}, weights {tuple(w.shape)}, a bias "
                         f"{tuple(b.shape)} and a state {tuple(h.shape)} do not fit")


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


def _weights_ct(F: Any, ct: Any, states: Any) -> Any:
    """The cotangent of weights that made outputs with the cotangent `ct` of `states`, over all steps."""
    rows = product(ct.shape[:2])
    return F.dot(F.reshape(ct, shape=(rows, ct.shape[2])), F.reshape(states, shape=(rows, states.shape[2])),
                 transpose_a=True)


# one activation ---------------------------------------------------------------------------------------------


def _rnn_steps(xp: Any, x: Any, w: Any, b: Any, h: Any, inside: Any = None, *, relu: bool = False) -> Any:
    """The states h[t] = tanh(x[t] + h[t-1] @ w.T + b), or relu of that; x is (steps, batch, size)."""
    _check_steps(x, w, b, h, 1)
    hs = xp.empty(x.shape, x.dtype)
    wt = w.T
    for t in range(x.shape[0]):
        new = hs[t]
        xp.dot(h, wt, out=new)
        new += x[t]
        new += b
        if relu:
            xp.maximum(new, 0, out=new)
        else:
            xp.tanh(new, out=new)
        if inside is not None:
            new[...] = xp.where(inside[t], new, h)
        h = new
    return hs


@composition
def _rnn_steps_dx(
    F: Any, g: Any, hs: Any, w: Any, inside: Any = None, *, relu: bool = False,
) -> tuple[Any, Any]:
    """The cotangents of x and of the first state."""
    dh: Any = None
    dxs = []
    for t in reversed(range(hs.shape[0])):
        now, dh = _at(F, hs, t), _plus(dh, _at(F, g, t))
        dx = F.where(F.greater(now, 0), dh, 0) if relu else dh * (1 - now * now)
        if inside is not None:
            dx = F.where(_at(F, inside, t), dx, 0)
            dh = F.dot(dx, w) + F.where(_at(F, inside, t), 0, dh)
        else:
            dh = F.dot(dx, w)
        dxs.append(dx)
    return _in_order(F, dxs), dh


def _rnn_joint(
    F: Any, g: Any, hs: Any, x: Any, w: Any, b: Any, h: Any, inside: Any = None, relu: bool = False,
) -> tuple[Any, ...]:
    dx, dh = F.rnn_steps_dx(g, hs, w, inside, relu=relu)
    return dx, _weights_ct(F, dx, _before(F, h, hs)), F.sum(dx, axis=(0, 1)), dh, None


register("rnn_steps", _rnn_steps, joint=_rnn_joint, keeps="134y", mixed=True)

# long short-term memory -------------------------------------------------------------------------------------


def _lstm_steps(
    xp: Any, x: Any, w: Any, b: Any, h: Any, c: Any, r: Any = None, inside: Any = None, *,
    clip: tuple[float, float] | None = None, clip_nan: bool = False,
) -> tuple[Any, Any, Any]:
    """States, cells and gates (in, forget, new, out) of every step of a long short-term memory.

    i, f, g, o are the four parts of x[t] + h[t-1] @ w.T + b, each through the sigmoid, but g through tanh.
    c[t] = f c[t-1] + i g, within `clip`, and h[t] = o tanh(c[t]), times r.T where there is a projection.
    With `clip_nan` a nan becomes the lower bound.  x is (steps, batch, 4 size).
    """
    _check_steps(x, w, b, h, 4)
    steps, batch, width = x.shape
    size = width // 4
    back = h.shape[1]
    if c.shape != (batch, size) or (back != size if r is None else r.shape != (back, size)):
        raise ValueError(f"inputs of shape {tuple(x.shape)}, cells {tuple(c.shape)} and a projection "
                         f"{r if r is None else tuple(r.shape)} do not fit a state {tuple(h.shape)}")
    gates = xp.empty(x.shape, x.dtype)
    cs = xp.empty((steps, batch, size), x.dtype)
    hs = xp.empty((steps, batch, back), x.dtype)
    wt = w.T
    # sigmoid(a) is tanh(a / 2) / 2 + 1 / 2: one pass of tanh serves all gates.
    scale = xp.full(width, 0.5, x.dtype)
    scale[2 * size:3 * size] = 1
    shift = 1 - scale
    for t in range(steps):
        a = gates[t]
        xp.dot(h, wt, out=a)
        a += x[t]
        a += b
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
        hs[t] = out
        h, c = hs[t], new
    return hs, cs, gates


@composition
def _lstm_steps_dx(
    F: Any, gh: Any, gc: Any, g_gates: Any, cs: Any, gates: Any, w: Any, h: Any, c: Any, r: Any = None,
    inside: Any = None, *, clip: tuple[float, float] | None = None,
) -> tuple[Any, Any, Any, Any]:
    """The cotangents of x, of the first state and cell, and of the projection if there is one."""
    dh: Any = None
    dc: Any = None
    dxs, ends, projected = [], [], []
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
        dxs.append(F.concatenate(*[p * slope for p, slope in zip(parts, slopes)], axis=1))
        if inside is None:
            dh, dc = F.dot(dxs[-1], w), cell * f
        else:
            dh = F.dot(dxs[-1], w) + F.where(now, 0, dh)
            dc = cell * f if dc is None else F.where(now, cell * f, dc)
        if r is not None:
            ends.append(end)
            projected.append(o * out)
    dr = None if r is None else _weights_ct(F, _in_order(F, ends), _in_order(F, projected))
    return _in_order(F, dxs), dh, dc, dr


def _lstm_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], x: Any, w: Any, b: Any, h: Any, c: Any,
    r: Any = None, inside: Any = None, clip: tuple[float, float] | None = None, clip_nan: bool = False,
) -> tuple[Any, ...]:
    hs, cs, gates = ys
    dx, dh, dc, dr = F.lstm_steps_dx(*gs, cs, gates, w, h, c, r, inside, clip=clip)
    return dx, _weights_ct(F, dx, _before(F, h, hs)), F.sum(dx, axis=(0, 1)), dh, dc, dr, None


register("lstm_steps", _lstm_steps, joint=_lstm_joint, keeps="13456y", mixed=True, gaps=True)

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


def _lstm_cell_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], sums: Any, c: Any,
) -> tuple[Any, Any]:
    gh, gc, g_gates = gs
    _, cell, gates = ys
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


register("lstm_cell", _lstm_cell, joint=_lstm_cell_joint, keeps="1y", result="same", gaps=True)

# gated recurrent unit ---------------------------------------------------------------------------------------


def _gru_steps(
    xp: Any, x: Any, w: Any, b: Any, b_state: Any, h: Any, inside: Any = None,
) -> tuple[Any, Any]:
    """States and gates (reset, update, new, and what is reset) of every step of a gated recurrent unit.

    With a = h[t-1] @ w.T + b_state and x = x[t] + b, both in three parts: r = sigmoid(x0 + a0),
    z = sigmoid(x1 + a1), n = tanh(x2 + r a2) and h[t] = (1 - z) n + z h[t-1].  x is (steps, batch, 3 size).
    """
    _check_steps(x, w, b, h, 3)
    steps, batch, width = x.shape
    size = width // 3
    gates = xp.empty((steps, batch, 4 * size), x.dtype)
    hs = xp.empty((steps, batch, size), x.dtype)
    wt = w.T
    for t in range(steps):
        given, a = x[t] + b, xp.dot(h, wt)
        a += b_state
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
        out = hs[t]
        xp.subtract(h, new, out=out)
        out *= both[:, size:]
        out += new
        if inside is not None:
            out[...] = xp.where(inside[t], out, h)
        h = out
    return hs, gates


@composition
def _gru_steps_dx(
    F: Any, gh: Any, g_gates: Any, hs: Any, gates: Any, w: Any, h: Any, inside: Any = None,
) -> tuple[Any, Any, Any]:
    """The cotangents of x, of a at all steps, and of the first state."""
    dh: Any = None
    dxs, das = [], []
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
        dxs.append(F.concatenate(d_r, d_z, d_new, axis=1))
        das.append(F.concatenate(d_r, d_z, d_inner, axis=1))
        stays = end * z if inside is None else F.where(_at(F, inside, t), end * z, dh)
        dh = stays + F.dot(das[-1], w)
    return _in_order(F, dxs), _in_order(F, das), dh


def _gru_joint(
    F: Any, gs: tuple[Any, ...], ys: tuple[Any, ...], x: Any, w: Any, b: Any, b_state: Any, h: Any,
    inside: Any = None,
) -> tuple[Any, ...]:
    hs, gates = ys
    dx, da, dh = F.gru_steps_dx(*gs, hs, gates, w, h, inside)
    return (dx, _weights_ct(F, da, _before(F, h, hs)), F.sum(dx, axis=(0, 1)), F.sum(da, axis=(0, 1)), dh,
            None)


register("gru_steps", _gru_steps, joint=_gru_joint, keeps="145y", mixed=True, gaps=True)

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
    clip: tuple[float, float] | None, clip_nan: bool,
) -> tuple[Any, Any]:
    """States (steps, batch, size) of one layer in one direction, and its cells or None."""
    w_in, w_state, b_in, b_state, project = layer
    x = F.dot(x, w_in, transpose_b=True)
    if mode == "gru":
        return F.gru_steps(x, w_state, b_in, b_state, h, inside)[0], None
    b = b_in + b_state
    if mode == "lstm":
        hs, cs, _ = F.lstm_steps(x, w_state, b, h, c, project, inside, clip=clip, clip_nan=clip_nan)
        return hs, cs
    return F.rnn_steps(x, w_state, b, h, inside, relu=mode == "rnn_relu"), None


def recurrent(
    F: Any, x: Any, layers: Sequence[Layer], h: Any, c: Any = None, *, mode: str, directions: int = 1,
    length: Any = None, clip: tuple[float, float] | None = None, clip_nan: bool = False,
    between: Callable[[Any], Any] | None = None,
) -> tuple[Any, Any, Any]:
    """Recurrent layers, one on the other: (outputs, last states, last cells or None).

    x is (steps, batch, features), h and c (layers x directions, batch, size) are the first states, `layers`
    is in their order.  The outputs of both directions stand beside each other.  After a sequence's `length`
    its outputs are 0, and the last states are those at its end; backwards it begins there.  `between` is
    done to what goes from layer to layer.
    """
    steps = x.shape[0]
    inside = turned = None
    if length is not None:
        inside = F.expand_dims(F.transpose(F.before(length, n=steps)), axis=2)
        turned = F.flip(inside, axis=0)
        x = F.where(inside, x, 0)
    last_h, last_c = [], []
    for first in range(0, len(layers), directions):
        outputs = []
        for d in range(directions):
            k = first + d
            begun, there = (F.flip(x, axis=0), turned) if d else (x, inside)
            hs, cs = _direction(F, mode, begun, layers[k], _at(F, h, k), None if c is None else _at(F, c, k),
                                there, clip, clip_nan)
            last_h.append(_at(F, hs, steps - 1))
            if cs is not None:
                last_c.append(_at(F, cs, steps - 1))
            outputs.append(F.flip(hs, axis=0) if d else hs)
        x = outputs[0] if directions == 1 else F.concatenate(*outputs, axis=2)
        if inside is not None:
            x = F.where(inside, x, 0)
        if between is not None and first + directions < len(layers):
            x = between(x)
    return x, F.stack(*last_h, axis=0), F.stack(*last_c, axis=0) if last_c else None


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
