"""nd.random: MXNet 1.9's random numbers.

`shape` is the shape drawn (an int is one axis; without it (1,)); parameters may be arrays, and then `shape`
numbers are drawn for each of their elements.
"""
from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import as_context
from ..invoke import F, describe
from ..ndarray import BaseArray
from ..random import stream
from .array import NDArray, needs_floats
from .creation import _shape
from .functions import ND

__all__ = [
    "binomial", "exponential", "exponential_like", "gamma", "gamma_like", "generalized_negative_binomial",
    "generalized_negative_binomial_like", "multinomial", "negative_binomial", "negative_binomial_like",
    "normal", "normal_like", "poisson", "poisson_like", "randint", "randn", "shuffle", "uniform",
    "uniform_like",
]


_CONTINUOUS = ("uniform", "normal", "exponential", "gamma")


def _draw(
    kind: str, parameters: tuple[Any, ...], shape: Any, dtype: Any, ctx: Any, out: Any, lam: Any = None
) -> Any:
    """Numbers of one kind, for numbers or for arrays as parameters; `lam` is a rate given by name."""
    given = parameters if lam is None else (lam,)
    if out is not None:
        ND.array(out, "out")
    arrays = [p for p in given if isinstance(p, BaseArray)]
    if arrays:
        if len(arrays) != len(given) or any(a.shape != arrays[0].shape for a in arrays):
            raise InvalidValueError(
                f"random.{kind}: parameters are numbers, or arrays of one shape; got "
                + ", ".join(describe(getattr(p, "_data", p)) for p in given))
        where = arrays[0]._ctx
        each = () if shape is None else _shape(shape)
        own = arrays[0]._raw.dtype
        size, dtype = each, as_dtype(dtype or (own if own.kind == "f" else "float32"))
    else:
        where = as_context(ctx) if out is None else out._ctx
        if shape is None:
            shape = (1,) if out is None else out.shape
        size, dtype = _shape(shape), as_dtype(dtype or "float32")
    if kind in _CONTINUOUS:
        needs_floats(dtype, f"random.{kind}: ")
    hosts = [p.asnumpy() if isinstance(p, BaseArray) else p for p in given]
    named = dict(zip(("lam",), hosts)) if lam is not None else {}
    host = getattr(stream(where), kind)(*(hosts if lam is None else ()), shape=size, dtype=dtype, **named)
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
    return _draw("exponential", (), shape, dtype, ctx, out, lam=lam)


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


@ND.adapter("random.binomial random_binomial", arrays=0)
def binomial(
    n: Any = 1, p: Any = 0.5, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Successes in `n` trials of probability `p`: MXNet 2's numbers.

    As there, the mean is off by up to a quarter of the standard deviation where n p and n (1 - p) are at
    least 10 and one of them not much more.
    """
    return _draw("binomial", (n, p), shape, dtype, ctx, out)


@ND.adapter("random.randint random_randint", arrays=0)
def randint(
    low: int, high: int, shape: Any = None, dtype: Any = None, ctx: Any = None, out: Any = None
) -> Any:
    """Integers from `low` up to but not including `high`, int32 unless given."""
    return _draw("randint", (low, high), shape, dtype or "int32", ctx, out)


@ND.adapter("random.multinomial sample_multinomial random.categorical sample_categorical")
def multinomial(
    data: Any, shape: Any = None, get_prob: bool = False, out: Any = None, dtype: Any = "int32"
) -> Any:
    """Places drawn with the probabilities in the last axis of `data`, `shape` of them for each of its rows.

    With `get_prob` also the logarithms of their probabilities, through which gradients flow.
    """
    each = () if shape is None else _shape(shape)
    where = ND.array(data, "data")._ctx
    host = stream(where).multinomial(data.asnumpy(), each, dtype=as_dtype(dtype))
    lead = data.shape[:-1]
    host = host.reshape(lead + each if lead + each else (1,))
    result = wrap(NDArray, where.backend.from_host(host), where)
    result = ND.deliver(result, out, "random.multinomial")
    if not get_prob:
        return result
    rows = F.reshape(data, shape=(-1, data.shape[-1]))
    places = wrap(
        NDArray, where.backend.from_host(host.reshape(rows.shape[0], -1).astype(numpy.int64)), where
    )
    row = wrap(NDArray, where.backend.from_host(numpy.arange(rows.shape[0])[:, None]), where)
    return [result, F.reshape(F.log(rows[row, places]), shape=result.shape)]


categorical = multinomial       # its name in MXNet 2


@ND.adapter("random.shuffle shuffle")
def shuffle(data: Any, out: Any = None) -> Any:
    """The places along the first axis in a random order."""
    order = stream(ND.array(data, "data")._ctx).permutation(data.shape[0], rows=data.ndim > 1)
    index = wrap(NDArray, data._ctx.backend.from_host(order.astype(numpy.int64)), data._ctx)
    result = data[index]
    return ND.deliver(result, out, "random.shuffle")


_SAMPLED = {
    "uniform": ("low", "high"), "normal": ("mu", "sigma"), "gamma": ("alpha", "beta"),
    "exponential": ("lam",),
    "poisson": ("lam",), "negative_binomial": ("k", "p"), "generalized_negative_binomial": ("mu", "alpha"),
    "binomial": ("n", "p"),
}


def _sampler(kind: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """The function that draws `shape` numbers for each element of its parameter arrays."""
    shown = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    shown += [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=None) for n in ("shape", "dtype", "out")]
    signature = Signature(shown)

    def sample(*values: Any, **named: Any) -> Any:
        given = signature.bind(*values, **named)
        given.apply_defaults()
        *parameters, shape, dtype, out = given.args
        if names == ("lam",):
            return _draw(kind, (), shape, dtype, None, out, lam=parameters[0])
        return _draw(kind, tuple(parameters), shape, dtype, None, out)

    sample.__signature__ = signature        # type: ignore[attr-defined]
    sample.__name__ = sample.__qualname__ = f"sample_{kind}"
    sample.__doc__ = f"`shape` {kind.replace('_', ' ')} numbers for each element of the parameter arrays."
    return sample


for _kind, _names in _SAMPLED.items():
    ND.adapter(f"sample_{_kind}", arrays=len(_names))(_sampler(_kind, _names))


def _like(kind: str, **defaults: float) -> Callable[..., Any]:
    """The function that draws an array of the shape, dtype and context of another."""
    draw: Any = ND.table[f"random_{kind}"]
    shown = [Parameter("data", Parameter.POSITIONAL_OR_KEYWORD)]
    shown += [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=d) for n, d in defaults.items()]
    shown += [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=None) for n in ("out", "name")]
    signature = Signature(shown)

    def like(*values: Any, **named: Any) -> Any:
        given = signature.bind(*values, **named)
        given.apply_defaults()
        data, *parameters, out, _ = given.args
        dtype = ND.array(data, "data")._raw.dtype
        if dtype.kind != "f":
            raise InvalidTypeError(f"random.{kind}_like: data is of floating point dtype, not {dtype}")
        return draw(*parameters, shape=data.shape, dtype=dtype, ctx=data._ctx, out=out)

    like.__signature__ = signature      # type: ignore[attr-defined]
    like.__name__ = like.__qualname__ = f"{kind}_like"
    like.__doc__ = f"`nd.random_{kind}` numbers in the shape, dtype and context of `data`."
    return ND.adapter(f"random.{kind}_like")(like)


uniform_like = _like("uniform", low=0.0, high=1.0)
normal_like = _like("normal", loc=0.0, scale=1.0)
exponential_like = _like("exponential", lam=1.0)
gamma_like = _like("gamma", alpha=1.0, beta=1.0)
poisson_like = _like("poisson", lam=1.0)
negative_binomial_like = _like("negative_binomial", k=1, p=1.0)
generalized_negative_binomial_like = _like("generalized_negative_binomial", mu=1.0, alpha=1.0)
