"""np.random beyond MXNet's: moments, shapes, seeds, errors."""
from __future__ import annotations

from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, np

# name -> arguments, mean, variance
MOMENTS: dict[str, tuple[tuple[Any, ...], float | None, float | None]] = {
    "random": ((), 1 / 2, 1 / 12), "random_sample": ((), 1 / 2, 1 / 12), "ranf": ((), 1 / 2, 1 / 12),
    "sample": ((), 1 / 2, 1 / 12), "standard_normal": ((), 0, 1), "standard_exponential": ((), 1, 1),
    "binomial": ((10, .3), 3, 2.1), "geometric": ((.5,), 2, 2), "hypergeometric": ((6, 4, 5), 3, 2 / 3),
    "logseries": ((.5,), 1 / numpy.log(4) * 2, None), "negative_binomial": ((3, .5), 3, 6),
    "noncentral_chisquare": ((3, 2.), 5, 14), "noncentral_f": ((5, 20, 1.), 20 * 6 / (5 * 18), None),
    "poisson": ((4.,), 4, 4), "standard_gamma": ((2.,), 2, 2), "standard_t": ((10,), 0, 10 / 8),
    "triangular": ((0., 1., 2.), 1, 1 / 6), "vonmises": ((0., 4.), 0, None), "wald": ((1., 4.), 1, 1 / 4),
    "zipf": ((5.,), 1.0369 ** -1 * 1.0823, None), "dirichlet": (([2., 3., 5.],), 1 / 3, None),
    "standard_cauchy": ((), None, None),
}
WHOLE = ("binomial", "geometric", "hypergeometric", "logseries", "negative_binomial", "poisson", "zipf")


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_shapes_and_seeds(name: str) -> None:
    args, mean, variance = MOMENTS[name]
    draw = getattr(np.random, name)
    mx.random.seed(7)
    x = draw(*args, size=(20000,))
    assert x.dtype == ("int64" if name in WHOLE else "float32")
    assert x.shape == (20000,) + ((3,) if name == "dirichlet" else ())
    if mean is not None:
        assert x.mean().item() == pytest.approx(mean, abs=.06)
    if variance is not None:
        assert x.astype("float64").var().item() == pytest.approx(variance, rel=.08)
    assert not (draw(*args, size=20000) == x).all()
    mx.random.seed(7)
    assert (draw(*args, size=(20000,)) == x).all()
    assert draw(*args).shape == ((3,) if name == "dirichlet" else ())
    assert draw(*args, size=(2, 3), dtype="float64").dtype == "float64"


def test_parameters_that_are_arrays() -> None:
    assert np.random.poisson(np.array([1., 100.])).shape == (2,)
    assert np.random.binomial(n=10, p=np.array([.5, .5]), size=(3, 2)).shape == (3, 2)
    assert np.random.triangular(0., 1., 2., 4).shape == (4,)


@pytest.mark.parametrize("call", [
    lambda: np.random.poisson(-1.), lambda: np.random.binomial(5, 2.), lambda: np.random.zipf(0.5, 3),
    lambda: np.random.geometric(.5, size=-1), lambda: np.random.standard_t("a"),
])
def test_errors(call: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert isinstance(caught.value, MXNetError)
