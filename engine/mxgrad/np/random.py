"""np.random: MXNet 2's random numbers.

`size` is the shape of the result (an int is one axis; None that of the parameters, which broadcast).  With -2
as its first length, the others come before the shape of the parameters, as many numbers for each.

Gradients flow through real numbers drawn to the parameters of their distributions: the noise they are made of
is constant, gamma numbers move as quantiles do.  Where MXNet's are zero or missing (`uniform`, `laplace`,
`power`, `beta`, `gamma` by its scale) they are those of the definition.

>>> from mxgrad import autograd, np
>>> loc, scale = np.zeros(3), np.ones(3)
>>> loc.attach_grad()
>>> scale.attach_grad()
>>> with autograd.record():
...     x = np.random.normal(loc, scale)
>>> x.backward()
>>> loc.grad, (scale.grad == x).all()
(array([1., 1., 1.]), array(True))
"""
from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from inspect import Parameter, Signature
from typing import Any

import numpy

from ..array import wrap
from ..base import InvalidTypeError, InvalidValueError, as_dtype, completed
from ..context import Context, as_context
from ..invoke import F, describe
from ..ndarray import BaseArray
from ..random import noting, np_stream, replaying, seed as _seed
from ..tape import state
from .array import default_float, ndarray
from .functions import NP, deliver, submodule

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
    "multivariate_normal",
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


def _shape(size: Any, parameters: tuple[Any, ...]) -> tuple[int, ...]:
    """`size` as a tuple, and what a first length of -2 stands for written out."""
    lengths = size if isinstance(size, tuple) else (size,)
    if lengths[:1] != (-2,):
        return _size(size)
    try:
        return _size(lengths[1:]) + numpy.broadcast_shapes(*[numpy.shape(p) for p in parameters])
    except ValueError as error:
        raise InvalidValueError(f"size {size}: {error}") from None


def _affine(kind: str) -> Callable[..., Any]:
    return lambda noise, loc, scale: loc + noise(kind) * scale


def _scaled(kind: str) -> Callable[..., Any]:
    return lambda noise, scale: noise(kind) * scale


def _gamma(noise: Callable[..., Any], a: Any) -> Any:
    """Gamma numbers of scale 1."""
    drawn = noise("gamma", _host(a))
    return F.gamma_drawn(a, drawn) if isinstance(a, BaseArray) else drawn


def _odds(noise: Callable[..., Any], a: Any, b: Any) -> Any:
    """Gamma numbers of `b` by those of `a`, which are drawn first."""
    first = _gamma(noise, a)
    return _gamma(noise, b) / first


# How the numbers of a kind depend on their parameters: a function of what draws noise, which does not.
_PATHS: dict[str, Callable[..., Any]] = {
    "uniform": lambda noise, low, high: low + (high - low) * noise("uniform"),
    "normal": _affine("normal"),
    "lognormal": lambda noise, mean, sigma: F.exp(mean + sigma * noise("normal")),
    "logistic": _affine("logistic"),
    "gumbel": _affine("gumbel"),
    "laplace": _affine("laplace"),
    "exponential": _scaled("exponential"),
    "rayleigh": _scaled("rayleigh"),
    "weibull": lambda noise, a: noise("exponential") ** (1 / a),
    "pareto": lambda noise, a: F.exp(noise("exponential") / a) - 1,
    "power": lambda noise, a: (1 - noise("uniform")) ** (1 / a),
    "gamma": lambda noise, a, scale: _gamma(noise, a) * scale,
    "chisquare": lambda noise, df: _gamma(noise, df / 2) * 2,
    "beta": lambda noise, a, b: 1 / (1 + _odds(noise, a, b)),
    "f": lambda noise, dfnum, dfden: dfden / dfnum / _odds(noise, dfnum / 2, dfden / 2),
}


def _is_live(parameters: tuple[Any, ...]) -> bool:
    return state.recording and any(isinstance(p, BaseArray) and p._entry is not None for p in parameters)


# The others draw float32 whatever the default dtype is, as MXNet's do.
_OF_DEFAULT_DTYPE = frozenset(("uniform", "normal", "lognormal", "gamma", "chisquare", "beta", "f"))


def _draw(kind: str, parameters: tuple[Any, ...], size: Any, dtype: Any, device: Any, out: Any) -> Any:
    """Numbers of one kind, as an array on `device`."""
    if not (out is None or isinstance(out, BaseArray)):
        raise InvalidTypeError(f"random.{kind}: out must be an array, got {type(out)}")
    where = as_context(device) if out is None else out._ctx
    hosts = [_host(p) for p in parameters]
    if dtype is None and kind in _OF_DEFAULT_DTYPE:
        dtype = default_float()
    more = {} if dtype is None else {"dtype": as_dtype(dtype)}
    shape = _shape(size, parameters)
    live = kind in _PATHS and _is_live(parameters)
    watch: AbstractContextManager[dict[Any, Any]] = noting() if live else nullcontext({})
    with watch as notes:
        host = numpy.asarray(getattr(np_stream(where), kind)(*hosts, shape=shape, **more))
    result = _placed(host, where)
    if live:
        # The numbers stay MXNet's to the bit; what follows the parameters is the same noise, drawn again.
        wide = numpy.promote_types(host.dtype, "float32")

        def noise(of: str, *fixed: Any) -> Any:
            again = getattr(np_stream(where), of)(*fixed, shape=host.shape, dtype=wide)
            return _placed(numpy.asarray(again), where)

        with replaying(notes):
            path = _PATHS[kind](noise, *(_beside(p, where) for p in parameters))
        result = F.with_gradient_of(result, path)
    return deliver(out, result, f"random.{kind}")


def _placed(host: numpy.ndarray, where: Context) -> Any:
    return wrap(ndarray, where.backend.from_host(host), where)


def _beside(parameter: Any, where: Context) -> Any:
    """A parameter as a number, or as an array at a place."""
    if isinstance(parameter, BaseArray):
        return parameter.as_in_context(where)
    return parameter if numpy.isscalar(parameter) else _placed(numpy.asarray(parameter, "float32"), where)


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
    return _draw("randint", (low, high), _size(size), dtype, device, out)


@NP.adapter("random.multinomial", arrays=0)
def multinomial(n: int, pvals: Any, size: Any = None) -> Any:
    """How often each of the outcomes with probabilities `pvals` came in `n` draws."""
    return _draw("multinomial", (n, pvals), _size(size), None, None, None)


@NP.adapter("random.multivariate_normal", arrays=2)
def multivariate_normal(
    mean: Any, cov: Any, size: Any = None, check_valid: str | None = None, tol: float | None = None
) -> Any:
    """Normal vectors, along the last axis, of means `mean` (..., k) and covariances `cov` (..., k, k), which
    broadcast; `size` such draws.

    `check_valid` and `tol` are accepted and ignored: a matrix that is not positive definite is an error.
    """
    mean, cov = (v if isinstance(v, BaseArray) else numpy.asarray(v, default_float()) for v in (mean, cov))
    where = next((v._ctx for v in (mean, cov) if isinstance(v, BaseArray)), as_context(None))
    loc, spread = numpy.asarray(_host(mean)), numpy.asarray(_host(cov))
    if loc.ndim < 1 or spread.ndim < 2 or spread.shape[-2:] != loc.shape[-1:] * 2:
        raise InvalidValueError(
            f"random.multivariate_normal: mean (..., k) and cov (..., k, k), got {loc.shape} and "
            f"{spread.shape}")
    dtype = loc.dtype if loc.dtype.kind == "f" else default_float()
    try:
        root = numpy.linalg.cholesky(spread.astype("float64"))
        shape = _size(size) + numpy.broadcast_shapes(loc.shape, spread.shape[:-1])
    except (numpy.linalg.LinAlgError, ValueError) as error:
        raise InvalidValueError(f"random.multivariate_normal: {error}") from None
    noise = np_stream(where).normal(shape=shape, dtype=dtype)
    result = _placed((loc + (root @ noise[..., None])[..., 0]).astype(dtype), where)
    if not _is_live((mean, cov)):
        return result
    mean, cov, column = _beside(mean, where), _beside(cov, where), _placed(noise[..., None], where)
    return F.with_gradient_of(result, mean + F.matmul(F.cholesky(cov), column)[..., 0])


@NP.adapter("random.choice", arrays=0)
def choice(
    a: Any, size: Any = None, replace: bool = True, p: Any = None, device: Any = None, out: Any = None
) -> Any:
    """Elements of `a`, or of the numbers below the int `a`, with probabilities `p`."""
    population = a if isinstance(a, (int, numpy.integer)) else len(a)
    where = a._ctx if isinstance(a, BaseArray) else as_context(device)
    host = np_stream(where).choice(int(population), _size(size), replace, _host(p))
    index = _placed(numpy.asarray(host), where)
    return deliver(out, a[index] if isinstance(a, BaseArray) else index, "random.choice")


@NP.adapter("random.permutation", arrays=0)
def permutation(x: Any) -> Any:
    """The elements of `x` along its first axis in a random order, or the numbers below the int `x`."""
    n = x if isinstance(x, (int, numpy.integer)) else len(x)
    where = x._ctx if isinstance(x, BaseArray) else as_context(None)
    rows = isinstance(x, BaseArray) and x.ndim > 1
    index = _placed(np_stream(where).permutation(int(n), rows=rows), where)
    return x[index] if isinstance(x, BaseArray) else index


@NP.adapter("random.shuffle")
def shuffle(x: Any) -> None:
    """Bring the elements of `x` along its first axis into a random order, in place."""
    if not isinstance(x, BaseArray):
        raise InvalidTypeError(f"random.shuffle takes an array, got {describe(x)}")
    x[:] = permutation(x)


# what MXNet has by no name, or not at all -------------------------------------------------------------------


def _sized(name: str, kind: str) -> None:
    def function(size: Any = None, dtype: Any = None, device: Any = None) -> Any:
        return _draw(kind, (), size, dtype, device, None)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{kind}` with its default parameters, of shape `size`."
    NP.adapter(f"random.{name}", arrays=0)(function)


for _name, _kind in (
    ("random", "uniform"), ("random_sample", "uniform"), ("ranf", "uniform"), ("sample", "uniform"),
    ("standard_normal", "normal"), ("standard_exponential", "exponential"),
):
    _sized(_name, _kind)


# Above these NumPy's loops do not end; the numbers do not depend on the parameter any more.
_ENDLESS = {("zipf", "a"): 1e3, ("vonmises", "kappa"): 1e14}


def _of_numpy(name: str, parameters: str, doc: str) -> None:
    names = parameters.split()

    def function(*args: Any, size: Any = None, dtype: Any = None, device: Any = None, **named: Any) -> Any:
        where = as_context(device)
        # The legacy generator's numbers for a seed are the same in every release of NumPy.
        seeds = np_stream(where).randint(0, 2**31 - 1, shape=(4,)).tolist()
        given = [_host(v) for v in args]
        if len(given) == len(names) + 1:
            size = given.pop()
        more = {k: _host(v) for k, v in named.items()}
        try:
            for i, (parameter, value) in enumerate([*zip(names, given), *more.items()]):
                if parameter in names and not numpy.isfinite(value).all():
                    raise ValueError(f"{parameter} must be finite, got {value!r}")
                if (name, parameter) in _ENDLESS:
                    value = numpy.minimum(value, _ENDLESS[name, parameter])
                    if i < len(given):
                        given[i] = value
                    else:
                        more[parameter] = value
            more["size"] = None if size is None else _size(size)
            host = numpy.asarray(getattr(numpy.random.RandomState(seeds), name)(*given, **more))
        except (ValueError, TypeError) as error:
            raise completed(error, f"random.{name}: {error}") from None
        whole = numpy.int64 if host.dtype.kind in "iu" else default_float()
        return _placed(host.astype(as_dtype(dtype or whole)), where)

    given = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    given += [
        Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=None) for n in ("size", "dtype", "device")
    ]
    function.__name__ = function.__qualname__ = name
    function.__signature__ = Signature(given)       # type: ignore[attr-defined]
    function.__doc__ = (
        f"{doc}.\n\nMXNet has no numbers of this kind: they are NumPy's, from a seed that MXNet's stream "
        "gives."
    )
    NP.adapter(f"random.{name}", arrays=0)(function)


for _name, _parameters, _doc in (
    ("binomial", "n p", "How often an event of probability `p` came in `n` trials: int64"),
    ("dirichlet", "alpha", "Vectors of positive numbers that add up to 1, along a new last axis"),
    ("geometric", "p", "The number of trials until an event of probability `p` came: int64"),
    ("hypergeometric", "ngood nbad nsample",
     "How many good ones are among `nsample` drawn from `ngood` and `nbad`: int64"),
    ("logseries", "p", "The logarithmic series distribution: int64"),
    ("negative_binomial", "n p", "How many trials failed before `n` of probability `p` did not: int64"),
    ("noncentral_chisquare", "df nonc", "Noncentral chi-square with `df` degrees of freedom"),
    ("noncentral_f", "dfnum dfden nonc", "Noncentral F with `dfnum` and `dfden` degrees of freedom"),
    ("poisson", "lam", "Poisson with mean `lam`: int64"),
    ("standard_cauchy", "", "Cauchy with mode 0 and scale 1"),
    ("standard_gamma", "shape", "Gamma of shape `shape` and scale 1"),
    ("standard_t", "df", "Student's t with `df` degrees of freedom"),
    ("triangular", "left mode right", "Between `left` and `right`, with a density that is highest at `mode`"),
    ("vonmises", "mu kappa", "Angles around `mu` with concentration `kappa`"),
    ("wald", "mean scale", "Wald, also called inverse Gaussian"),
    ("zipf", "a", "Zipf with exponent `a`: int64"),
):
    _of_numpy(_name, _parameters, _doc)

__getattr__, __dir__ = submodule("random", globals(), "seed")
