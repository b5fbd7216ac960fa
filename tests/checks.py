"""What several test modules check in the same way."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import nd, npx
from mxgrad.testing import use_device_double

shows_signatures = pytest.mark.skipif(
    numpy.lib.NumpyVersion(numpy.__version__) < "2.4.0",
    reason=f"shows signatures of NumPy's functions as 2.4 has them, not {numpy.__version__}",
)


@contextlib.contextmanager
def version(number: str) -> Iterator[Any]:
    """The flavour of that MXNet, and its function that makes arrays."""
    with npx.np_shape(number == "2.0"), npx.np_array(number == "2.0"):
        yield mx.np.array if number == "2.0" else nd.array


def values(shape: Any, step: float, dtype: Any = "float32") -> numpy.ndarray:
    """As in data/record_gluon.py and its like."""
    steps: numpy.ndarray = numpy.arange(numpy.prod(shape, dtype=int)) * step
    return (steps % 1.7 - 0.6).reshape(shape).astype(dtype)  # type: ignore[no-any-return]


def check_found(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Arrays, as data/record_nd_conv.py writes them down, are those recorded."""
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected):
        assert (got["dtype"], got["shape"]) == (wanted["dtype"], wanted["shape"])
        numpy.testing.assert_allclose(got["flat"], wanted["flat"], rtol=3e-5, atol=1e-5)


def check_device(function: Callable[..., Any], arrays: list[Any]) -> None:
    """A function of arrays gives the same on the device double, and nothing moves or waits on the way."""
    expected = function(*arrays).asnumpy()
    with use_device_double() as double:
        moved = [a.as_in_context(mx.gpu(1)) for a in arrays]
        with double.count() as cost:
            got = function(*moved)
        assert cost.d2h == cost.h2d == cost.sync == cost.p2p == 0
        numpy.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-12, atol=1e-12)
