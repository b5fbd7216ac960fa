"""np indexing, every form of key, drawn at random: reading, writing and differentiating as NumPy does; nd by
MXNet 1.9.1's rules, as far as they are NumPy's.
"""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings, strategies as st
from mxgrad import MXNetError, autograd, nd, np

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_nd_keys", DATA / "record_nd_keys.py")
assert _spec is not None and _spec.loader is not None
_record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_record)

FEW = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def slices(draw: Any, n: int) -> slice:
    bound = st.none() | st.integers(-n - 2, n + 2)
    return slice(draw(bound), draw(bound), draw(st.none() | st.integers(-3, 3).filter(bool)))


@st.composite
def cases(draw: Any, beyond: bool = False) -> tuple[tuple[int, ...], Any]:
    """(shape, key); with `beyond` the key may name places that are not there."""
    shape = draw(st.lists(st.integers(0, 4), max_size=4).map(tuple))
    extra = 2 if beyond else 0
    broadcast = draw(st.sampled_from([(), (1,), (2,), (3,), (2, 1), (2, 3), (0,)]))
    parts: list[Any] = []
    axis = 0
    while axis < len(shape) + draw(st.integers(0, extra)):
        n = shape[axis] if axis < len(shape) else 1
        low, high = -n - extra, n - 1 + extra
        kinds = ["slice", "slice", "none", "stop", "mask", "masks", "truth"]
        if low <= high and high >= 0:
            kinds += ["int", "int", "numpy int", "places", "places", "list"]
        kind = draw(st.sampled_from(kinds))
        if kind == "stop":
            break
        if kind == "none":
            parts.append(None)
            continue
        if kind == "truth":
            parts.append(draw(st.booleans()))
            if len(parts) > 6:
                break
            continue
        if kind == "slice":
            parts.append(draw(slices(n)))
        elif kind == "int":
            parts.append(draw(st.integers(low, high)))
        elif kind == "numpy int":
            parts.append(numpy.int32(draw(st.integers(low, high))))
        elif kind in ("places", "list"):
            size = int(numpy.prod(broadcast))
            values = draw(st.lists(st.integers(low, high), min_size=size, max_size=size))
            dtype = draw(st.sampled_from(["int64", "int32", "int8"]))
            array = numpy.array(values, dtype).reshape(broadcast)
            parts.append(array.tolist() if kind == "list" and array.ndim else array)
        else:
            k = 1 if kind == "mask" else min(2, len(shape) - axis)
            where = tuple(shape[axis:axis + max(k, 1)]) or (n,)
            size = int(numpy.prod(where)) + (draw(st.integers(0, 1)) if beyond and len(where) == 1 else 0)
            bits = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            parts.append(numpy.array(bits, bool).reshape(where if size == numpy.prod(where) else (size,)))
            axis += len(where) - 1
        axis += 1
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), Ellipsis)
    return shape, tuple(parts) if len(parts) != 1 or draw(st.booleans()) else parts[0]


def ours(key: Any) -> Any:
    """The key with its NumPy arrays as np arrays."""
    if isinstance(key, tuple):
        return tuple(ours(k) for k in key)
    return np.array(key, dtype=key.dtype) if isinstance(key, numpy.ndarray) else key


def values_of(shape: tuple[int, ...]) -> numpy.ndarray:
    return numpy.arange(1, 1 + int(numpy.prod(shape)), dtype="float64").reshape(shape)


def numpys(shape: tuple[int, ...], key: Any) -> numpy.ndarray | None:
    """What NumPy reads, or None where it refuses the key."""
    try:
        return numpy.asarray(values_of(shape)[key])
    except (IndexError, ValueError):
        return None


@FEW
@given(cases(beyond=True))
def test_np_reads_what_numpy_reads(case: tuple[tuple[int, ...], Any]) -> None:
    shape, key = case
    try:
        expected = numpys(shape, key)
    except DeprecationWarning:      # NumPy 1 does not look at places where nothing is read
        return
    x = np.array(values_of(shape), dtype="float64")
    for k in (key, ours(key)):
        if expected is None:
            with pytest.raises((IndexError, ValueError)) as caught:
                x[k]
            assert isinstance(caught.value, MXNetError)
        else:
            got = x[k]
            assert type(got) is np.ndarray and got.shape == expected.shape
            numpy.testing.assert_array_equal(got.asnumpy(), expected)


@FEW
@given(cases())
def test_np_gradient_of_reading_is_numpys_scatter(case: tuple[tuple[int, ...], Any]) -> None:
    shape, key = case
    host = values_of(shape)
    read = numpys(shape, key)
    if read is None:
        return
    head = numpy.arange(read.size, dtype="float64").reshape(read.shape) - 2
    expected = numpy.zeros(shape)
    numpy.add.at(expected, key, head)
    x = np.array(host, dtype="float64")
    x.attach_grad()
    with autograd.record():
        y = x[ours(key)]
    y.backward(np.array(head, dtype="float64"))
    numpy.testing.assert_array_equal(x.grad.asnumpy(), expected)
    # Of second order, on the gradient 3 n x² of the sum of x[key]³, where n counts how often a place is read.
    with autograd.record():
        first = autograd.grad((x[ours(key)] ** 3).sum(), [x], create_graph=True)[0]
        loss = (first * first).sum()
    loss.backward()
    counts = numpy.zeros(shape)
    numpy.add.at(counts, key, 1)
    numpy.testing.assert_allclose(x.grad.asnumpy(), 2 * (3 * host**2 * counts) * (6 * host * counts))


@FEW
@given(cases(), st.sampled_from(["number", "whole", "row", "ones", "nothing"]), st.booleans())
def test_np_writes_what_numpy_writes(case: tuple[tuple[int, ...], Any], kind: str, recorded: bool) -> None:
    shape, key = case
    read = numpys(shape, key)
    if read is None:
        return
    form = {"number": None, "whole": read.shape, "row": read.shape[-1:], "nothing": (),
            "ones": (1,) + tuple(1 for _ in read.shape)}[kind]
    value: Any = -7 if form is None else -values_of(form)
    expected = values_of(shape)
    x = np.array(values_of(shape), dtype="float64")
    try:
        expected[key] = value
    except (ValueError, TypeError):     # more axes than there is place for
        if numpy.size(value) == 1:      # which one element may have here, whatever the key
            return
        with pytest.raises((ValueError, TypeError)) as caught:
            x[ours(key)] = np.array(value, dtype="float64")
        assert isinstance(caught.value, MXNetError)
        numpy.testing.assert_array_equal(x.asnumpy(), values_of(shape))
        return
    x[key] = value
    numpy.testing.assert_array_equal(x.asnumpy(), expected)
    z = np.array(values_of(shape), dtype="float64")
    if form is None or not recorded:
        z[ours(key)] = value if form is None else np.array(value, dtype="float64")
        numpy.testing.assert_array_equal(z.asnumpy(), expected)
        return
    v = np.array(value, dtype="float64")
    v.attach_grad()
    with autograd.record():
        z[ours(key)] = v * 1
    z.backward()
    numpy.testing.assert_array_equal(z.asnumpy(), expected)
    # Each written element that stays counts once for the element of the value that it came from.
    gradient = numpy.zeros(numpy.shape(value))
    for place in expected[expected < 0]:
        gradient.reshape(-1)[int(-place) - 1] += 1
    numpy.testing.assert_array_equal(v.grad.asnumpy(), gradient)


def test_many_index_arrays() -> None:
    rng = numpy.random.default_rng(0)
    host = rng.standard_normal((2,) * 12)
    key = tuple(rng.integers(0, 2, 5) for _ in range(12))
    x = np.array(host, dtype="float64")
    x.attach_grad()
    with autograd.record():
        y = x[ours(key)] ** 2
    y.backward()
    expected = numpy.zeros(host.shape)
    numpy.add.at(expected, key, 2 * host[key])
    numpy.testing.assert_allclose(x.grad.asnumpy(), expected)
    z, v = np.zeros(host.shape, dtype="float64"), np.array(rng.standard_normal(5), dtype="float64")
    v.attach_grad()
    with autograd.record():
        z[ours(key)] = v * 1
    z.backward()
    last = {point: i for i, point in enumerate(zip(*(k.tolist() for k in key)))}
    assert v.grad.tolist() == [float(i in last.values()) for i in range(5)]
    with pytest.raises(IndexError, match=r"too many indices \(13\) for array with 12 dimensions"):
        x[ours(key + key[:1])]


@pytest.mark.parametrize("shape, key, expected", [
    (tuple(shape), key, rest) for shape, key, *rest in json.loads((DATA / "nd_keys_1.9.1.json").read_text())
])
def test_nd_is_as_recorded(shape: tuple[int, ...], key: str, expected: list[Any]) -> None:
    """Read, whether the memory is shared, written, gradient: as MXNet 1.9.1."""
    assert _record.play(shape, key, nd, numpy, autograd) == expected
