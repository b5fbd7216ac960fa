"""Samples for mxgrad/ops/conv.py; the references take windows by padding and `sliding_window_view`."""
import numpy

from .base import Sample, ints, smooth


def windows(x, kernel, stride, dilate=None, pad=None, fill=0.0, out=None):
    """The windows of x (batch, channels, ...): (batch, channels, windows ..., kernel ...)."""
    rank = len(kernel)
    dilate, pad = dilate or (1,) * rank, pad or (0,) * rank
    span = tuple(d * (k - 1) + 1 for d, k in zip(dilate, kernel))
    more = [max(0, (m - 1) * s + e - n - p) if out else p
            for n, m, s, e, p in zip(x.shape[2:], out or (0,) * rank, stride, span, pad)]
    padded = numpy.pad(x, [(0, 0)] * 2 + list(zip(pad, more)), constant_values=fill)
    view = numpy.lib.stride_tricks.sliding_window_view(padded, span, tuple(range(2, 2 + rank)))
    step = tuple(slice(None, None, s) for s in stride) + tuple(slice(None, None, d) for d in dilate)
    view = view[(slice(None),) * 2 + step]
    return view[(slice(None),) * 2 + tuple(slice(m) for m in out)] if out else view


def conv(x, w, stride, dilate, pad, groups=1):
    rank = x.ndim - 2
    view = windows(x, w.shape[2:], stride, dilate, pad)
    parts = [numpy.tensordot(v, f, [[1, *range(2 + rank, 2 + 2 * rank)], list(range(1, rank + 2))])
             for v, f in zip(numpy.split(view, groups, 1), numpy.split(w, groups, 0))]
    return numpy.moveaxis(numpy.concatenate(parts, -1), -1, 1)


def adjoint(f, shape, g):
    """The adjoint of the linear f at g: one value of f for each element of its argument."""
    size = int(numpy.prod(shape))
    basis = numpy.eye(size).reshape(size, *shape)
    return numpy.array([(f(e) * g).sum() for e in basis]).reshape(shape)


def conv_data(g, w, shape, groups=1, **params):
    full = (g.shape[0], w.shape[1] * groups, *shape)
    return adjoint(lambda x: conv(x, w, groups=groups, **params), full, g)


def conv_weight(x, g, kernel, groups=1, **params):
    full = (g.shape[1], x.shape[1] // groups, *kernel)
    return adjoint(lambda w: conv(x, w, groups=groups, **params), full, g)


def im2col(x, kernel, stride, dilate, pad):
    rank = len(kernel)
    view = windows(x, kernel, stride, dilate, pad)
    view = numpy.moveaxis(view, range(2, 2 + rank), range(2 + rank, 2 + 2 * rank))
    return view.reshape(x.shape[0], x.shape[1] * int(numpy.prod(kernel)), -1)


def col2im(cols, shape, kernel, **params):
    full = (cols.shape[0], cols.shape[1] // int(numpy.prod(kernel)), *shape)
    return adjoint(lambda x: im2col(x, kernel, **params), full, cols)


def sum_windows(x, out, kernel, stride, pad, count=None):
    axes = tuple(range(2 + len(kernel), 2 + 2 * len(kernel)))
    total = windows(x, kernel, stride, None, pad, 0.0, out).sum(axes)
    if count is None:
        return total
    inside = numpy.ones_like(x)
    if count == "pad":
        inside = numpy.pad(inside, [(0, 0)] * 2 + [(p, p) for p in pad], constant_values=1.0)
        pad = None
    return total / numpy.maximum(windows(inside, kernel, stride, None, pad, 0.0, out).sum(axes), 1)


def spread_windows(g, shape, **params):
    return adjoint(lambda x: sum_windows(x, g.shape[2:], **params), g.shape[:2] + tuple(shape), g)


def flat_windows(x, out, kernel, stride, pad, fill):
    return windows(x, kernel, stride, None, pad, fill, out).reshape(x.shape[:2] + tuple(out) + (-1,))


def max_windows(x, out, kernel, stride, pad, lowest):
    return numpy.fmax.reduce(flat_windows(x, out, kernel, stride, pad, lowest), -1, initial=lowest)


def max_places(x, y, kernel, stride, pad):
    hits = flat_windows(x, y.shape[2:], kernel, stride, pad, numpy.nan) == y[..., None]
    number = numpy.prod(kernel)
    return numpy.where(hits.any(-1), number - hits.argmax(-1), 0).astype("int8" if number < 128 else "int32")


def pick_windows(x, places, kernel, stride, pad):
    view = flat_windows(x, places.shape[2:], kernel, stride, pad, 0.0)
    taps = (numpy.prod(kernel) - numpy.maximum(places, 1)).astype("int64")
    return numpy.where(places == 0, 0, numpy.take_along_axis(view, taps[..., None], -1)[..., 0])


def put_windows(g, places, shape, **params):
    return adjoint(lambda x: pick_windows(x, places, **params), g.shape[:2] + tuple(shape), g)


# (spatial axes, kernel, channels, filters, parameters)
CASES = [
    ((5,), (2,), 2, 3, {"stride": (1,), "dilate": (1,), "pad": (0,)}),
    ((6,), (3,), 1, 1, {"stride": (2,), "dilate": (2,), "pad": (2,)}),
    ((5, 4), (3, 2), 2, 3, {"stride": (2, 1), "dilate": (1, 2), "pad": (1, 0)}),
    ((4, 4), (3, 3), 4, 6, {"stride": (2, 2), "dilate": (1, 1), "pad": (1, 1), "groups": 2}),
    ((3, 3), (2, 2), 3, 3, {"stride": (1, 1), "dilate": (1, 1), "pad": (0, 0), "groups": 3}),
    ((1, 1), (1, 1), 1, 1, {"stride": (1, 1), "dilate": (1, 1), "pad": (0, 0)}),
    ((3, 4, 3), (2, 1, 2), 2, 2, {"stride": (1, 2, 1), "dilate": (1, 1, 2), "pad": (1, 0, 0)}),
]
EMPTY = ((3, 3), (2, 2), 2, 3, {"stride": (1, 1), "dilate": (1, 1), "pad": (0, 0)})


def convolutions(batch, case):
    """The shapes of data, weights and output, and the parameters."""
    shape, kernel, channels, filters, params = case
    groups = params.get("groups", 1)
    rest = {k: v for k, v in params.items() if k != "groups"}
    out = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, d, p in zip(
        shape, kernel, rest["stride"], rest["dilate"], rest["pad"]))
    return (batch, channels, *shape), (filters, channels // groups, *kernel), (batch, filters, *out), params


SAMPLES = {name: [] for name in ("conv", "conv_data", "conv_weight", "im2col", "col2im")}
for _batch, _case in [(2, c) for c in CASES] + [(0, EMPTY)]:
    _x, _w, _y, _params = convolutions(_batch, _case)
    SAMPLES["conv"].append(Sample(smooth(*_x), smooth(*_w), reference=conv, **_params))
    SAMPLES["conv_data"].append(
        Sample(smooth(*_y), smooth(*_w), shape=_x[2:], reference=conv_data, **_params))
    SAMPLES["conv_weight"].append(
        Sample(smooth(*_x), smooth(*_y), kernel=_w[2:], reference=conv_weight, **_params))
    if _batch and "groups" not in _params:
        _columns = (_batch, _x[1] * int(numpy.prod(_w[2:])), int(numpy.prod(_y[2:])))
        SAMPLES["im2col"].append(Sample(smooth(*_x), kernel=_w[2:], reference=im2col, **_params))
        SAMPLES["col2im"].append(
            Sample(smooth(*_columns), shape=_x[2:], kernel=_w[2:], reference=col2im, **_params))

# (spatial axes, windows, parameters): the last windows of the third case reach over the end.
POOLS = [
    ((5,), (4,), {"kernel": (2,), "stride": (1,), "pad": (0,)}),
    ((5, 4), (3, 3), {"kernel": (3, 2), "stride": (2, 2), "pad": (1, 1)}),
    ((6,), (4,), {"kernel": (3,), "stride": (2,), "pad": (1,)}),
    ((2, 3, 2), (1, 2, 1), {"kernel": (2, 2, 2), "stride": (1, 1, 1), "pad": (0, 0, 0)}),
    ((6,), (3,), {"kernel": (1,), "stride": (4,), "pad": (0,)}),
]
SAMPLES.update({name: [] for name in (
    "sum_windows", "spread_windows", "max_windows", "max_places", "pick_windows", "put_windows")})
for _shape, _out, _params in POOLS:
    _x, _y = (2, 2, *_shape), (2, 2, *_out)
    for _count in (None, "pad", "data"):
        SAMPLES["sum_windows"].append(
            Sample(smooth(*_x), out=_out, count=_count, reference=sum_windows, **_params))
        SAMPLES["spread_windows"].append(
            Sample(smooth(*_y), shape=_shape, count=_count, reference=spread_windows, **_params))
    _data = smooth(*_x)
    _max = max_windows(_data, _out, lowest=-9.0, **_params)
    _places = max_places(_data, _max, **_params)
    SAMPLES["max_windows"].append(Sample(_data, out=_out, lowest=-9.0, reference=max_windows, **_params))
    SAMPLES["max_places"].append(Sample(_data, _max, reference=max_places, **_params))
    SAMPLES["pick_windows"].append(
        Sample(_data, _places, reference=pick_windows, differentiate=(0,), **_params))
    SAMPLES["put_windows"].append(
        Sample(smooth(*_y), _places, shape=_shape, reference=put_windows, differentiate=(0,), **_params))
_ties = ints(1, 2, 6, high=2).astype("float64")
_ties[0, 0, :3] = -numpy.inf, -numpy.inf, numpy.nan
_one = {"kernel": (2,), "stride": (1,), "pad": (0,)}
SAMPLES["max_windows"].append(
    Sample(_ties, out=(5,), lowest=-9.0, reference=max_windows, differentiate=False, **_one))
SAMPLES["max_places"].append(
    Sample(_ties, max_windows(_ties, (5,), lowest=-9.0, **_one), reference=max_places, **_one))
SAMPLES["max_places"].append(
    Sample(smooth(1, 1, 128), numpy.full((1, 1, 1), 9.0), kernel=(128,), stride=(1,), pad=(0,),
           reference=max_places))
