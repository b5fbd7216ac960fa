"""Samples for mxgrad/ops/index.py."""
import numpy
from mxgrad.ops.index import Slot

from .base import Sample, bools, ints, smooth


def keyed(key, indices):
    """The key with its index arrays in it."""
    return tuple(indices[k.i] if isinstance(k, Slot) else k for k in key)


def getitem(a, *indices, key):
    return a[keyed(key, indices)]


def scatter_key(g, *indices, key, shape):
    out = numpy.zeros(shape)
    for value, place in zip(g.ravel(), numpy.arange(out.size).reshape(shape)[keyed(key, indices)].ravel()):
        out.flat[place] += value
    return out


def assign(a, value, *indices, key):
    out = a.copy()
    out[keyed(key, indices)] = value
    return out


def last_written(*indices, key, shape):
    places = numpy.arange(int(numpy.prod(shape))).reshape(shape)[keyed(key, indices)]
    later = [p in places.ravel()[i + 1:] for i, p in enumerate(places.ravel())]
    return ~numpy.array(later, bool).reshape(places.shape)


def placed(indices, n, mode):
    """Indices as the modes of `take` read them."""
    whole = indices.astype(int)
    return numpy.clip(whole, 0, n - 1) if mode == "clip" else whole % n


def take(a, indices, axis=0, mode="clip"):
    return numpy.take(a, placed(indices, a.size if axis is None else a.shape[axis], mode), axis)


def add_taken(g, indices, shape, axis=0, mode="clip"):
    places = take(numpy.arange(int(numpy.prod(shape))).reshape(shape), indices, axis, mode)
    return numpy.bincount(places.ravel(), g.ravel(), int(numpy.prod(shape))).reshape(shape)


def take_along_axis(a, indices, axis=-1, mode="clip"):
    return numpy.take_along_axis(a, placed(indices, a.shape[axis], mode), axis)


def add_along_axis(g, indices, shape, axis=-1, mode="clip"):
    places = take_along_axis(numpy.arange(int(numpy.prod(shape))).reshape(shape), indices, axis, mode)
    return numpy.bincount(places.ravel(), g.ravel(), int(numpy.prod(shape))).reshape(shape)


def gather_nd(data, indices):
    return data[tuple(indices.astype(int))]


def scatter_nd(data, indices, shape):
    out = numpy.zeros(shape)
    numpy.add.at(out, tuple(indices.astype(int)), data)
    return out


def one_hot(indices, depth, on_value=1.0, off_value=0.0, dtype="float32"):
    out = numpy.full((*indices.shape, depth), off_value, dtype)
    for place in numpy.ndindex(indices.shape):
        if 0 <= indices[place] < depth:
            out[(*place, int(indices[place]))] = on_value
    return out


def before(length, n):
    return numpy.array([numpy.arange(n) < m for m in length.ravel()]).reshape((*length.shape, n))


def array(*values, dtype="int64"):
    return numpy.array(values, dtype)


BASIC = [
    ((1,), (4, 3)), ((slice(1, 3),), (4, 3)), ((slice(None, None, -2), -1), (5, 3)),
    ((Ellipsis, None, slice(0, 2)), (4, 3)), ((None, 2, Ellipsis, 0), (4, 2, 3)), ((2, 1), (4, 3)),
    ((slice(2, 2),), (4, 3)), ((Ellipsis,), (3,)),
]
ADVANCED = [
    ((Slot(0),), (4, 3), [array(0, 2, 2, -1)]),
    ((slice(None), Slot(0)), (4, 3), [array([0, 2], [2, 2])]),
    ((Slot(0), Slot(1)), (4, 3), [array(0, 1, 1), array(2, 0, 0)]),
    ((Slot(0), slice(0, 2), Slot(1)), (4, 3, 2), [array([1], [3]), array(0, 1)]),
    ((Ellipsis, Slot(0), None), (2, 4), [array(1, 1)]),
    ((1, Slot(0)), (4, 3), [array(2, 0)]),
    ((Slot(0),), (4, 3), [array(dtype="int64")]),
]
MASKS = [((Slot(0),), (4, 3), [bools(4, 3)]), ((slice(None), Slot(0)), (4, 3), [bools(3)])]


def read(key, shape, indices=()):
    return Sample(smooth(*shape), *indices, key=key, reference=getitem, devices=not masked(indices))


def added(key, shape, indices=()):
    g = numpy.empty(shape)[keyed(key, indices)]
    return Sample(smooth(*g.shape), *indices, key=key, shape=shape, reference=scatter_key,
                  devices=not masked(indices))


def written(key, shape, indices=(), value=None, devices=True):
    value = smooth(*numpy.empty(shape)[keyed(key, indices)].shape) if value is None else value
    return Sample(smooth(*shape), value, *indices, key=key, reference=assign, devices=devices)


def masked(indices):
    """A mask makes the device wait: how many elements it takes must be known."""
    return any(i.dtype == bool for i in indices)


def repeats(key, shape, indices):
    places = numpy.arange(int(numpy.prod(shape))).reshape(shape)[keyed(key, indices)].ravel()
    return len(set(places)) < places.size


SAMPLES = {
    "getitem": [read(*case) for case in [*ADVANCED, *BASIC, *MASKS]],
    "scatter_key": [added(*case) for case in [*ADVANCED, *BASIC, *MASKS]],
    "assign": [
        *[written(*case, devices=not repeats(*case)) for case in ADVANCED],
        *[written(*case) for case in BASIC], *[written(*case, devices=False) for case in MASKS],
        written((slice(0, 2),), (4, 3), value=smooth(3)), written((1,), (4, 3), value=smooth(1, 3)),
        written((slice(None), slice(None)), (4, 3), value=smooth(4, 1)),
        written((Ellipsis,), (4, 3), value=0.5),
    ],
    "last_written": [
        Sample(*indices, key=key, shape=shape, reference=last_written) for key, shape, indices in ADVANCED
    ],
    "take": [
        Sample(smooth(4, 3), array(0, 5, -1, 2, 2), reference=take),
        Sample(smooth(4, 3), array([0, 5], [-1, 2]), axis=1, mode="wrap", reference=take),
        Sample(smooth(2, 3, 2), numpy.array([1.9, 0.2]), axis=-2, reference=take),
        Sample(smooth(2, 3), array(5, 0), axis=None, reference=take),
        Sample(smooth(2, 3), array(), reference=take),
        Sample(smooth(4, 3), numpy.array(2, "uint8"), mode="wrap", reference=take),
        Sample(smooth(4), array(-1, 2), mode="raise", reference=lambda a, i, mode: a[i]),
    ],
    "add_taken": [
        Sample(smooth(5, 3), array(0, 5, -1, 2, 2), shape=(4, 3), reference=add_taken),
        Sample(smooth(4, 2, 2), array([0, 5], [-1, 2]), shape=(4, 3), axis=1, mode="wrap",
               reference=add_taken),
        Sample(smooth(2), array(5, 0), shape=(2, 3), axis=None, reference=add_taken),
        Sample(smooth(0, 3), array(), shape=(2, 3), reference=add_taken),
        Sample(smooth(2), array(-1, 2), shape=(4,), mode="raise",
               reference=lambda g, i, shape, mode: numpy.array([0, 0, g[1], g[0]])),
    ],
    "take_along_axis": [
        Sample(smooth(3, 4), array([0, 7, 1], [2, 2, -1], [0, 0, 0]), reference=take_along_axis),
        Sample(smooth(3, 4), array([0, 7, 1, 5]), axis=0, mode="wrap", reference=take_along_axis),
        Sample(smooth(2, 3), array([-1], [2]), axis=1, mode="raise",
               reference=lambda a, i, axis, mode: numpy.take_along_axis(a, i, axis)),
    ],
    "add_along_axis": [
        Sample(smooth(3, 3), array([0, 7, 1], [2, 2, -1], [0, 0, 0]), shape=(3, 4), reference=add_along_axis),
        Sample(smooth(1, 4), array([0, 7, 1, 5]), shape=(3, 4), axis=0, mode="wrap",
               reference=add_along_axis),
        Sample(smooth(2, 1), array([-1], [2]), shape=(2, 3), axis=1, mode="raise",
               reference=lambda g, i, shape, axis, mode: numpy.array([[0, 0, g[0, 0]], [0, 0, g[1, 0]]])),
    ],
    "gather_nd": [
        Sample(smooth(3, 4), array([0, 2, 2], [1, 3, 3]), reference=gather_nd),
        Sample(smooth(3, 4), numpy.array([[[1.0, 0.0], [2.0, 2.0]]]), reference=gather_nd),
    ],
    "scatter_nd": [
        Sample(smooth(3), array([0, 2, 2], [1, 3, 3]), shape=(3, 4), reference=scatter_nd),
        Sample(smooth(2, 4), numpy.array([[1.0, 1.0]]), shape=(3, 4), reference=scatter_nd),
    ],
    "where": [
        Sample(bools(2, 3), smooth(2, 3), smooth(2, 3)),
        Sample(ints(2, 3, high=2), smooth(3), smooth(2, 1)),
        Sample(numpy.array([[0.5], [0.0]]), smooth(2, 3), 0,
               reference=lambda c, x, y: numpy.where(c != 0, x, y)),
        Sample(bools(3), 1.5, smooth(3)),
    ],
    "one_hot": [
        Sample(array([1, 0], [5, -1]), depth=3, reference=one_hot),
        Sample(numpy.array([1.7, 0.0]), depth=2, on_value=8, off_value=1, dtype="int32", reference=one_hot),
        Sample(array(dtype="int64"), depth=2, reference=one_hot),
    ],
    "as_indices": [
        Sample(numpy.array([1.7, -2.5, 0.0]), what="lengths",
               reference=lambda x, what: numpy.trunc(x).astype("int64")),
        Sample(array([1, 0], [5, -1]), what="indices", reference=lambda x, what: x.astype("int64")),
    ],
    "before": [
        Sample(array(0, 2, 9), n=3, reference=before),
        Sample(numpy.array([[1.0], [2.5]]), n=4, reference=before),
    ],
    "ravel_multi_index": [
        Sample(array([1, 0], [2, 1]), shape=(2, 3),
               reference=lambda data, shape: numpy.ravel_multi_index(data, shape)),
        Sample(numpy.array([[1.0], [2.0], [0.0]]), shape=(-1, 3, 2), differentiate=False,
               reference=lambda data, shape: numpy.ravel_multi_index(data.astype(int), (2, 3, 2))),
    ],
    "unravel_index": [
        Sample(array(5, 1), shape=(2, 3),
               reference=lambda i, shape: numpy.array(numpy.unravel_index(i, shape))),
        Sample(numpy.array([[8.0]]), shape=(-1, 3), differentiate=False,
               reference=lambda i, shape: numpy.array([[[2.0]], [[2.0]]])),
    ],
}
