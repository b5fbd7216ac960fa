"""np.random: MXNet 2's random numbers.

`size` is the shape of the result (an int is one axis; None that of the parameters, which broadcast).  The
results have no gradient.
"""
from __future__ import annotations

from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype
from ..context import as_context
from ..invoke import describe
from ..ndarray import BaseArray
from ..random import np_stream, seed as _seed
from .array import ndarray
from .functions import NP, deliver

__all__ = [
    "beta",
    "chisquare",
    "choice",
    "exponential",
    "f",
    "gamma",
    "gumbel",
    "laplace",
    "logistic",
    "lognormal",
    "multinomial",
    "normal",
    "pareto",
    "permutation",
    "power",
    "rand",
    "randint",
    "randn",
    "rayleigh",
    "seed",
    "shuffle",
    "uniform",
    "weibull",
]


def seed(seed: int, device: Any = "all") -> None:
    """Start the streams anew; the same as `mx.random.seed`."""
    _seed(seed, device)


def _size(size: Any) -> tuple[int, ...]:
    if size is None:
        return ()
    shape = (size,) if isinstance(size, (int, numpy.integer)) else tuple(size)
    if any(n < 0 for n in shape):
        raise InvalidValueError(f"size has no negative lengths, got {shape}")
    return tuple(int(n) for n in shape)


def _host(parameter: Any) -> Any:
    return parameter.asnumpy() if isinstance(parameter, BaseArray) else parameter


def _draw(kind: str, parameters: tuple[Any, ...], size: Any, dtype: Any, device: Any, out: Any) -> Any:
    """Numbers of one kind, as an array on `device`."""
    where = as_context(device) if out is None else out._ctx
    stream = np_stream(where)
    hosts = [_host(p) for p in parameters]
    more = {} if dtype is None else {"dtype": as_dtype(dtype)}
    host = getattr(stream, kind)(*hosts, shape=_size(size), **more)
    return deliver(out, wrap(ndarray, where.backend.from_host(numpy.asarray(host)), where), f"random.{kind}")


@NP.adapter("random.uniform", arrays=0)
def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None,
            out: Any = None) -> Any:
    """Uniform on [`low`, `high`)."""
    return _draw("uniform", (low, high), size, dtype, device, out)


@NP.adapter("random.rand", arrays=0)
def rand(*size: int, device: Any = None) -> Any:
    """Uniform on [0, 1), of the shape given as arguments."""
    return _draw("uniform", (), size, None, device, None)


@NP.adapter("random.normal", arrays=0)
def normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None,
           out: Any = None) -> Any:
    """Normal with mean `loc` and standard deviation `scale`."""
    return _draw("normal", (loc, scale), size, dtype, device, out)


@NP.adapter("random.randn", arrays=0)
def randn(*size: int, device: Any = None) -> Any:
    """Normal numbers of the shape given as arguments."""
    return _draw("normal", (), size, None, device, None)


@NP.adapter("random.lognormal", arrays=0)
def lognormal(mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None,
              out: Any = None) -> Any:
    """The exponential of normal numbers."""
    return _draw("lognormal", (mean, sigma), size, dtype, device, out)


@NP.adapter("random.logistic", arrays=0)
def logistic(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Logistic with mean `loc` and scale `scale`."""
    return _draw("logistic", (loc, scale), size, None, device, out)


@NP.adapter("random.gumbel", arrays=0)
def gumbel(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Gumbel with mode `loc` and scale `scale`."""
    return _draw("gumbel", (loc, scale), size, None, device, out)


@NP.adapter("random.laplace", arrays=0)
def laplace(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None,
            out: Any = None) -> Any:
    """Laplace with mean `loc` and scale `scale`."""
    return _draw("laplace", (loc, scale), size, dtype, device, out)


@NP.adapter("random.exponential", arrays=0)
def exponential(scale: Any = 1.0, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Exponential with mean `scale`."""
    return _draw("exponential", (scale,), size, None, device, out)


@NP.adapter("random.rayleigh", arrays=0)
def rayleigh(scale: Any = 1.0, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Rayleigh with mode `scale`."""
    return _draw("rayleigh", (scale,), size, None, device, out)


@NP.adapter("random.weibull", arrays=0)
def weibull(a: Any, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Weibull of shape `a`."""
    return _draw("weibull", (a,), size, None, device, out)


@NP.adapter("random.pareto", arrays=0)
def pareto(a: Any, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Pareto II of shape `a`."""
    return _draw("pareto", (a,), size, None, device, out)


@NP.adapter("random.power", arrays=0)
def power(a: Any, size: Any = None, device: Any = None, out: Any = None) -> Any:
    """Numbers on [0, 1] with density a x^(a-1)."""
    return _draw("power", (a,), size, None, device, out)


@NP.adapter("random.gamma", arrays=0)
def gamma(
    shape: Any, scale: Any = 1.0, size: Any = None, dtype: Any = None, device: Any = None, out: Any = None
) -> Any:
    """Gamma of shape `shape` and scale `scale`."""
    return _draw("gamma", (shape, scale), size, dtype, device, out)


@NP.adapter("random.beta", arrays=0)
def beta(a: Any, b: Any, size: Any = None, dtype: Any = None, device: Any = None) -> Any:
    """Beta with parameters `a` and `b`."""
    return _draw("beta", (a, b), size, dtype, device, None)


@NP.adapter("random.chisquare", arrays=0)
def chisquare(df: Any, size: Any = None, dtype: Any = None, device: Any = None) -> Any:
    """Chi-square with `df` degrees of freedom."""
    return _draw("chisquare", (df,), size, dtype, device, None)


@NP.adapter("random.f", arrays=0)
def f(dfnum: Any, dfden: Any, size: Any = None, device: Any = None) -> Any:
    """F with `dfnum` and `dfden` degrees of freedom."""
    return _draw("f", (dfnum, dfden), size, None, device, None)


@NP.adapter("random.randint", arrays=0)
def randint(low: int, high: int | None = None, size: Any = None, dtype: Any = None, device: Any = None,
            out: Any = None) -> Any:
    """Integers from `low` (0 if it is the only bound) up to but not including `high`."""
    return _draw("randint", (low, high), size, dtype, device, out)


@NP.adapter("random.multinomial", arrays=0)
def multinomial(n: int, pvals: Any, size: Any = None) -> Any:
    """How often each of the outcomes with probabilities `pvals` came in `n` draws."""
    return _draw("multinomial", (n, pvals), size, None, None, None)


@NP.adapter("random.choice", arrays=0)
def choice(
    a: Any, size: Any = None, replace: bool = True, p: Any = None, device: Any = None, out: Any = None
) -> Any:
    """Elements of `a`, or of the numbers below the int `a`, with probabilities `p`."""
    population = a if isinstance(a, (int, numpy.integer)) else len(a)
    where = a._ctx if isinstance(a, BaseArray) else as_context(device)
    host = np_stream(where).choice(int(population), _size(size), replace, _host(p))
    index = wrap(ndarray, where.backend.from_host(numpy.asarray(host)), where)
    return deliver(out, a[index] if isinstance(a, BaseArray) else index, "random.choice")


@NP.adapter("random.permutation", arrays=0)
def permutation(x: Any) -> Any:
    """The elements of `x` along its first axis in a random order, or the numbers below the int `x`."""
    n = x if isinstance(x, (int, numpy.integer)) else len(x)
    where = x._ctx if isinstance(x, BaseArray) else as_context(None)
    rows = isinstance(x, BaseArray) and x.ndim > 1
    index = wrap(ndarray, where.backend.from_host(np_stream(where).permutation(int(n), rows=rows)), where)
    return x[index] if isinstance(x, BaseArray) else index


@NP.adapter("random.shuffle")
def shuffle(x: Any) -> None:
    """Bring the elements of `x` along its first axis into a random order, in place."""
    if not isinstance(x, BaseArray):
        raise InvalidTypeError(f"random.shuffle takes an array, got {describe(x)}")
    x[:] = permutation(x)
