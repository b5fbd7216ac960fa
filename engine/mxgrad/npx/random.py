"""npx.random: what MXNet 2 draws beyond NumPy's distributions.

>>> from mxgrad import npx
>>> npx.random.seed(0)
>>> npx.random.bernoulli(0.5, size=4)
array([0., 0., 0., 0.])
"""
from __future__ import annotations

from typing import Any

from numpy import broadcast_shapes

from ..array import wrap
from ..base import InvalidValueError, as_dtype
from ..context import as_context
from ..nd.functions import ND
from ..nd.random import multinomial as _categorical
from ..ndarray import BaseArray
from ..np.array import ndarray
from ..np.functions import array_of, place
from ..np.random import _draw, _size, seed
from ..random import stream
from .functions import NPX

__all__ = ["bernoulli", "categorical", "multinomial", "normal_n", "seed", "uniform_n"]

NPX.adapter("random.seed", arrays=0)(seed)


@NPX.adapter("random.bernoulli", arrays=0)
def bernoulli(prob: Any = None, logit: Any = None, size: Any = None, dtype: Any = None, device: Any = None,
              out: Any = None) -> Any:
    """1 with probability `prob`, or with that of which `logit` is log(p / (1 - p)), and 0 otherwise."""
    return _draw("bernoulli", (prob, logit), size, dtype, device, out)


def _batch(kind: str, parameters: tuple[Any, Any], batch_shape: Any, dtype: Any, device: Any) -> Any:
    """`batch_shape` times as many numbers as the parameters have elements together."""
    shapes = [p.shape for p in parameters if hasattr(p, "shape")]
    try:
        each = broadcast_shapes(*shapes)
    except ValueError:
        raise InvalidValueError(
            f"random.{kind}_n: parameters of shapes {shapes[0]} and {shapes[1]} do not broadcast") from None
    if device is None and shapes:
        device = place(parameters)
    return _draw(kind, parameters, _size(batch_shape) + each, dtype, device, None)


@NPX.adapter("random.uniform_n", arrays=0)
def uniform_n(low: Any = 0.0, high: Any = 1.0, batch_shape: Any = None, dtype: Any = None, device: Any = None
              ) -> Any:
    """Uniform on [`low`, `high`): `batch_shape` numbers for each element of the broadcast parameters, whose
    axes come last.

    >>> from mxgrad import np, npx
    >>> npx.random.uniform_n(np.zeros(3), 1.0, batch_shape=(2,)).shape
    (2, 3)
    """
    return _batch("uniform", (low, high), batch_shape, dtype, device)


@NPX.adapter("random.normal_n", arrays=0)
def normal_n(loc: Any = 0.0, scale: Any = 1.0, batch_shape: Any = None, dtype: Any = None, device: Any = None
             ) -> Any:
    """Normal with mean `loc` and standard deviation `scale`: `batch_shape` numbers for each element of the
    broadcast parameters, whose axes come last.
    """
    return _batch("normal", (loc, scale), batch_shape, dtype, device)


@NPX.adapter("random.categorical")
def categorical(data: Any, shape: Any = None, get_prob: bool = False, dtype: Any = "int32") -> Any:
    """Places drawn with the probabilities in the last axis of `data`, `shape` of them for each of its rows.

    With `get_prob` also the logarithms of their probabilities, through which gradients flow.
    """
    drawn = _categorical(array_of(data, "random.categorical"), shape, get_prob, dtype=dtype)
    if get_prob:
        return [array_of(d, "random.categorical") for d in drawn]
    return array_of(drawn, "random.categorical")


@NPX.adapter("random.multinomial", arrays=2)
def multinomial(n: Any, p: Any, shape: Any = None, dtype: Any = "float32", device: Any = None) -> Any:
    """How often each outcome came in `n` draws: of `n` (...) and probabilities `p` (..., k), `shape` draws
    for each element of `n`, an array (..., *shape, k).

    >>> from mxgrad import np, npx
    >>> npx.random.multinomial(np.array([5]), np.array([[0.0, 1.0]]), shape=2)
    array([[[0., 5.],
            [0., 5.]]])
    """
    where = place((n, p)) if device is None else as_context(device)
    trials, chances = (v.asnumpy() if isinstance(v, BaseArray) else v for v in (n, p))
    counts = stream(where).multinomial_counts(trials, chances, _size(shape), as_dtype(dtype))
    return wrap(ndarray, where.backend.from_host(counts), where)


@NPX.adapter("tensor_poisson")
def tensor_poisson(lam: Any, shape: Any = None, dtype: Any = None) -> Any:
    """`shape` Poisson numbers for each element of the means `lam`."""
    drawn = ND.function("sample_poisson")(array_of(lam, "tensor_poisson"), shape, dtype)
    return array_of(drawn, "tensor_poisson")


@NPX.adapter("scalar_poisson", arrays=0)
def scalar_poisson(lam: float = 1.0, shape: Any = None, ctx: Any = None, dtype: Any = None) -> Any:
    """Poisson numbers of mean `lam`."""
    drawn = ND.function("random_poisson")(lam, shape, dtype, ctx)
    return array_of(drawn, "scalar_poisson")
