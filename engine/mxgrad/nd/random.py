"""nd.random: MXNet 1.9's random numbers.

`shape` is the shape drawn (an int is one axis; without it (1,)); parameters may be arrays, and then `shape`
numbers are drawn for each of their elements.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidValueError, as_dtype
from ..context import as_context
from ..invoke import F, describe
from ..ndarray import BaseArray
from ..random import stream
from .array import NDArray
from .creation import _shape
from .functions import ND

__all__ = ["uniform", "normal", "randn", "randint", "exponential", "gamma", "poisson", "negative_binomial",
           "generalized_negative_binomial", "multinomial", "shuffle", "bernoulli"]


def _draw(kind: str, parameters: tuple[Any, ...], shape: Any, dtype: Any, ctx: Any, out: Any) -> Any:
    """Numbers of one kind, for numbers or for arrays as parameters."""
    arrays = [p for p in parameters if isinstance(p, BaseArray)]
    if arrays:
        if len(arrays) != len(parameters) or any(a.shape != arrays[0].shape for a in arrays):
            raise InvalidValueError(
                f"random.{kind}: parameters are numbers, or arrays of one shape; got "
                + ", ".join(describe(getattr(p, "_data", p)) for p in parameters))
        where = arrays[0]._ctx
        each = () if shape is None else _shape(shape)
        host = getattr(stream(where), kind)(
            *(a.asnumpy() for a in parameters), each, as_dtype(dtype or arrays[0]._data.dtype))
    else:
        where = as_context(ctx) if out is None else out._ctx
        if shape is None:
            shape = (1,) if out is None else out.shape
        host = getattr(stream(where), kind)(*parameters, _shape(shape), as_dtype(dtype or "float32"))
    result = wrap(NDArray, where.backend.from_host(host), where)
    if out is None:
        return result
    out._assign(result)
    return out


@ND.adapter("random.uniform random_uniform uniform", arrays=0)
def uniform(
    low: Any = 0, high: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Uniform on [`low`, `high`)."""
    return _draw("uniform", (low, high), shape, dtype, ctx, out)


@ND.adapter("random.normal random_normal normal", arrays=0)
def normal(
    loc: Any = 0, scale: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Normal with mean `loc` and standard deviation `scale`."""
    return _draw("normal", (loc, scale), shape, dtype, ctx, out)


@ND.adapter("random.randn", arrays=0)
def randn(
    *shape: int, loc: Any = 0, scale: Any = 1, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Normal numbers of the shape given as arguments."""
    return _draw("normal", (loc, scale), shape or None, dtype, ctx, out)


@ND.adapter("random.exponential", arrays=0)
def exponential(
    scale: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Exponential with mean `scale`."""
    return _draw("exponential", (scale,), shape, dtype, ctx, out)


@ND.adapter("random_exponential", arrays=0)
def _random_exponential(
    lam: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Exponential with rate `lam`: mean 1 / `lam`."""
    return _draw("exponential", (1.0 / lam,), shape, dtype, ctx, out)


@ND.adapter("random.gamma random_gamma", arrays=0)
def gamma(
    alpha: Any = 1, beta: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Gamma of shape `alpha` and scale `beta`: mean `alpha` * `beta`."""
    return _draw("gamma", (alpha, beta), shape, dtype, ctx, out)


@ND.adapter("random.poisson random_poisson", arrays=0)
def poisson(lam: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None) -> Any:
    """Poisson with mean `lam`."""
    return _draw("poisson", (lam,), shape, dtype, ctx, out)


@ND.adapter("random.negative_binomial random_negative_binomial", arrays=0)
def negative_binomial(k: Any = 1, p: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None,
                      out: Any = None) -> Any:
    """Failures before the `k`-th success of probability `p`."""
    return _draw("negative_binomial", (k, p), shape, dtype, ctx, out)


@ND.adapter("random.generalized_negative_binomial random_generalized_negative_binomial", arrays=0)
def generalized_negative_binomial(
    mu: Any = 1, alpha: Any = 1, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Poisson whose mean is gamma distributed, with mean `mu` and dispersion `alpha`."""
    return _draw("generalized_negative_binomial", (mu, alpha), shape, dtype, ctx, out)


@ND.adapter("random.randint random_randint", arrays=0)
def randint(
    low: int, high: int, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Integers from `low` up to but not including `high`, int32 unless given."""
    return _draw("randint", (low, high), shape, dtype or "int32", ctx, out)


@ND.adapter("random.bernoulli", arrays=0)
def bernoulli(
    prob: float = 0.5, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """1 with probability `prob`, else 0."""
    where = as_context(ctx)
    host = stream(where).bernoulli_mask(prob, (1,) if shape is None else _shape(shape))
    result = wrap(NDArray, where.backend.from_host(host.astype(as_dtype(dtype or "float32"))), where)
    return result if out is None else _given(out, result)


def _given(out: Any, result: Any) -> Any:
    out._assign(result)
    return out


@ND.adapter("random.multinomial sample_multinomial")
def multinomial(
    data: Any, shape: Any = None, get_prob: bool = False, out: Any = None, dtype: Any = "int32"
) -> Any:
    """Places drawn with the probabilities in the last axis of `data`, `shape` of them for each of its rows.

    With `get_prob` also the logarithms of their probabilities, through which gradients flow.
    """
    each = () if shape is None else _shape(shape)
    where = data._ctx
    host = stream(where).multinomial(data.asnumpy(), each, dtype=as_dtype(dtype))
    lead = data.shape[:-1]
    host = host.reshape(lead + each if lead + each else (1,))
    result = wrap(NDArray, where.backend.from_host(host), where)
    if out is not None:
        result = _given(out, result)
    if not get_prob:
        return result
    rows = F.reshape(data, shape=(-1, data.shape[-1]))
    places = wrap(
        NDArray, where.backend.from_host(host.reshape(rows.shape[0], -1).astype(numpy.int64)), where
    )
    row = wrap(NDArray, where.backend.from_host(numpy.arange(rows.shape[0])[:, None]), where)
    return [result, F.reshape(F.log(rows[row, places]), shape=result.shape)]


@ND.adapter("random.shuffle shuffle")
def shuffle(data: Any, out: Any = None) -> Any:
    """The places along the first axis in a random order."""
    order = stream(data._ctx).permutation(data.shape[0])
    index = wrap(NDArray, data._ctx.backend.from_host(order.astype(numpy.int64)), data._ctx)
    result = data[index]
    return result if out is None else _given(out, result)


def _sample(kind: str) -> Callable[..., Any]:
    names = {"uniform": 2, "normal": 2, "gamma": 2, "exponential": 1, "poisson": 1, "negative_binomial": 2,
             "generalized_negative_binomial": 2}

    def two(low: Any, high: Any, shape: Any = None, dtype: Any = None, out: Any = None) -> Any:
        return _draw(kind, (low, high), shape, dtype, None, out)

    def single(lam: Any, shape: Any = None, dtype: Any = None, out: Any = None) -> Any:
        return _draw(kind, (1 / lam if kind == "exponential" else lam,), shape, dtype, None, out)

    function: Callable[..., Any] = two if names[kind] == 2 else single
    function.__name__ = function.__qualname__ = f"sample_{kind}"
    function.__doc__ = f"`shape` numbers ({kind}) for each element of the parameter arrays."
    return function


for _kind, _n in (("uniform", 2), ("normal", 2), ("gamma", 2), ("exponential", 1), ("poisson", 1),
                  ("negative_binomial", 2), ("generalized_negative_binomial", 2)):
    ND.adapter(f"sample_{_kind}", arrays=_n)(_sample(_kind))
