"""First values of parameters, with MXNet's numbers for a seed; `mx.init` (level 10).

>>> import mxgrad as mx
>>> mx.random.seed(0)
>>> w = mx.nd.zeros((2, 2))
>>> mx.init.Uniform(0.07)(mx.init.InitDesc("dense0_weight"), w)
>>> w.shape, round(float(w[0, 0]), 8)
((2, 2), 0.0068339)
"""
from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from . import np
from .base import InvalidValueError, nearest
from .nd import load, random
from .ops.rnn import GATES, shapes_in
from .ops.shape import product

__all__ = ["InitDesc", "Initializer", "Bilinear", "Constant", "FusedRNN", "Load", "LSTMBias", "MSRAPrelu",
           "Mixed", "Normal", "One", "Orthogonal", "RNNFused", "Uniform", "Xavier", "Zero", "alias", "create",
           "register"]

_known: dict[str, type[Initializer]] = {}


class InitDesc(str):
    """The name of a parameter, with attributes: ``__init__`` in `attrs` is its own initializer."""

    attrs: dict[str, str]
    global_init: Initializer | None

    def __new__(
        cls, name: str, attrs: dict[str, str] | None = None, global_init: Initializer | None = None,
    ) -> InitDesc:
        desc = super().__new__(cls, name)
        desc.attrs, desc.global_init = attrs or {}, global_init
        return desc


def register(cls: type[Initializer]) -> type[Initializer]:
    """Class decorator: `create` finds the initializer under its name in lower case."""
    _known[cls.__name__.lower()] = cls
    return cls


def alias(*aliases: str) -> Callable[[type[Initializer]], type[Initializer]]:
    """Class decorator: `create` finds the initializer under these names, too.

    >>> @alias("sevens")
    ... class Seven(Constant):
    ...     def __init__(self):
    ...         super().__init__(7)
    >>> create("sevens").value
    7
    """
    def name(cls: type[Initializer]) -> type[Initializer]:
        _known.update((other.lower(), cls) for other in aliases)
        return cls

    return name


def create(init: Any, **kwargs: Any) -> Initializer:
    """The initializer meant by an object, a name ('xavier', 'zeros') or what `dumps` gave.

    Raises InvalidValueError for a name that is not known.
    """
    if isinstance(init, Initializer):
        return init
    name, given = json.loads(init) if str(init).startswith("[") else (init, {})
    try:
        cls = _known[{"zeros": "zero", "ones": "one"}.get(name.lower(), name.lower())]
    except (KeyError, AttributeError):
        raise InvalidValueError(f"no initializer {init!r}{nearest(str(init), _known)}") from None
    return cls(**{**given, **kwargs})


class Initializer:
    """Fills an array by the name of its parameter: weights as the subclass says, biases, betas and means with
    0, gammas and variances with 1.

    A subclass defines ``_init_weight(name, arr)``, and if it likes ``_init_bias``, ``_init_gamma``,
    ``_init_beta`` and ``_init_default``; what it passes to ``super().__init__`` is what `dumps` writes.
    """

    # Of which subclasses that do not call __init__ have their own.
    _statistic: Callable[[Any], Any] | None = None

    def __init__(self, **kwargs: Any) -> None:
        self._kwargs = kwargs

    def set_verbosity(
        self, verbose: bool = False, print_func: Callable[[Any], Any] | None = None,
    ) -> Initializer:
        """Log what is initialized, at level INFO, with ``print_func(array)``; the initializer is returned.

        The function's default is the root of the mean square.
        """
        self._statistic = (print_func or _root_mean_square) if verbose else None
        return self

    def dumps(self) -> str:
        """The name and parameters as JSON, which `create` reads."""
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Initializer) and self._kwargs == other._kwargs

    __hash__ = object.__hash__

    def __call__(self, desc: str, arr: Any) -> None:
        """Fill `arr`, the parameter named `desc`.

        Raises InvalidValueError where neither the name nor its attributes say how.
        """
        if isinstance(desc, InitDesc) and desc.global_init is None:
            desc.global_init = self
        own = getattr(desc, "attrs", {}).get("__init__", "")
        if own:
            create(own)._init_weight(desc, arr)
        else:
            own = next((end for end in _ENDINGS if desc.endswith(end)), "default")
            getattr(self, _ENDINGS.get(own, "_init_default"))(desc, arr)
        if self._statistic:
            logging.info("Initialized %s as %s: %s", desc, own, self._statistic(arr))

    def _init_weight(self, name: str, arr: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not define _init_weight")

    def _init_zero(self, name: str, arr: Any) -> None:
        arr[:] = 0.0

    def _init_one(self, name: str, arr: Any) -> None:
        arr[:] = 1.0

    _init_bias = _init_beta = _init_zero
    _init_gamma = _init_one

    def _init_default(self, name: str, arr: Any) -> None:
        raise InvalidValueError(
            f"Unknown initialization pattern for {name}. Default initialization is limited to 'weight', "
            "'bias', 'gamma' (1.0), and 'beta' (0.0); give the parameter an initializer of its own")


# The methods that fill parameters whose names end so.
_ENDINGS = {"weight": "_init_weight", "bias": "_init_bias", "gamma": "_init_gamma", "beta": "_init_beta",
            "min": "_init_zero", "max": "_init_one"}


def _root_mean_square(arr: Any) -> float:
    return float(numpy.sqrt(numpy.square(arr.asnumpy()).mean()))


def _draw(law: str, first: float, second: float, arr: Any) -> None:
    """Fill `arr` with random numbers by its frontend's function: MXNet's differ in what a seed gives."""
    module = np.random if isinstance(arr, np.ndarray) else random
    getattr(module, law)(first, second, arr.shape, arr.dtype, out=arr)


@register
class Zero(Initializer):
    """Zeros."""

    def _init_weight(self, name: str, arr: Any) -> None:
        arr[:] = 0.0


@register
class One(Initializer):
    """Ones."""

    def _init_weight(self, name: str, arr: Any) -> None:
        arr[:] = 1.0


@register
class Constant(Initializer):
    """One value, or an array of the parameter's shape."""

    def __init__(self, value: Any = 0.0) -> None:
        super().__init__(value=value)
        self.value = value

    def _init_weight(self, name: str, arr: Any) -> None:
        arr[:] = self.value


@register
class Uniform(Initializer):
    """Uniform on [-`scale`, `scale`)."""

    def __init__(self, scale: float = 0.07) -> None:
        super().__init__(scale=scale)
        self.scale = scale

    def _init_weight(self, name: str, arr: Any) -> None:
        _draw("uniform", -self.scale, self.scale, arr)


@register
class Normal(Initializer):
    """Normal with mean 0 and standard deviation `sigma`."""

    def __init__(self, sigma: float = 0.01) -> None:
        super().__init__(sigma=sigma)
        self.sigma = sigma

    def _init_weight(self, name: str, arr: Any) -> None:
        _draw("normal", 0, self.sigma, arr)


@register
class Orthogonal(Initializer):
    """`scale` times a matrix of orthonormal rows or columns (Saxe and others, arXiv:1312.6120)."""

    def __init__(self, scale: float = 1.414, rand_type: str = "uniform") -> None:
        if rand_type not in ("uniform", "normal"):
            raise InvalidValueError(f"Orthogonal: rand_type is 'uniform' or 'normal', not {rand_type!r}")
        super().__init__(scale=scale, rand_type=rand_type)
        self.scale, self.rand_type = scale, rand_type

    def _init_weight(self, name: str, arr: Any) -> None:
        shape = (arr.shape[0], math.prod(arr.shape[1:]))
        draw = random.uniform(-1.0, 1.0, shape) if self.rand_type == "uniform" else random.normal(0.0, 1.0,
                                                                                                  shape)
        u, _, v = numpy.linalg.svd(draw.asnumpy(), full_matrices=False)
        q = u if u.shape == shape else v
        arr[:] = (self.scale * q).reshape(arr.shape)


@register
class Xavier(Initializer):
    """Spread so that activations and gradients keep their variance (Glorot and Bengio, AISTATS 2010).

    The scale is sqrt(`magnitude` / factor), where the factor is the number of inputs ('in'), of outputs
    ('out') or their mean ('avg') of a weight of shape (outputs, inputs, *kernel); `rnd_type` is 'uniform' or
    'gaussian'.
    """

    def __init__(self, rnd_type: str = "uniform", factor_type: str = "avg", magnitude: float = 3) -> None:
        if rnd_type not in ("uniform", "gaussian"):
            raise InvalidValueError(f"Xavier: rnd_type is 'uniform' or 'gaussian', not {rnd_type!r}")
        if factor_type not in ("avg", "in", "out"):
            raise InvalidValueError(f"Xavier: factor_type is 'avg', 'in' or 'out', not {factor_type!r}")
        super().__init__(rnd_type=rnd_type, factor_type=factor_type, magnitude=magnitude)
        self.rnd_type, self.factor_type, self.magnitude = rnd_type, factor_type, float(magnitude)

    def _init_weight(self, name: str, arr: Any) -> None:
        if arr.ndim < 2:
            raise InvalidValueError(
                f"Xavier initializer cannot be applied to vector {name}. It requires at least 2D.")
        kernel = math.prod(arr.shape[2:])
        fans = {"in": arr.shape[1] * kernel, "out": arr.shape[0] * kernel}
        factor = fans.get(self.factor_type, (fans["in"] + fans["out"]) / 2.0)
        scale = math.sqrt(self.magnitude / factor)
        if self.rnd_type == "uniform":
            _draw("uniform", -scale, scale, arr)
        else:
            _draw("normal", 0, scale, arr)


@register
class MSRAPrelu(Xavier):
    """Xavier's gaussian for layers with (leaky) rectifiers of `slope` (He et al., arXiv:1502.01852)."""

    def __init__(self, factor_type: str = "avg", slope: float = 0.25) -> None:
        super().__init__("gaussian", factor_type, 2.0 / (1 + slope**2))
        self._kwargs = {"factor_type": factor_type, "slope": slope}


@register
class Bilinear(Initializer):
    """Weights of a transposed convolution that interpolates bilinearly; shape (…, …, height, width)."""

    def _init_weight(self, name: str, arr: Any) -> None:
        height, width = arr.shape[-2:]
        f = math.ceil(width / 2.0)
        c = (2 * f - 1 - f % 2) / (2.0 * f)
        rows, columns = (1 - numpy.abs(numpy.arange(n) / f - c) for n in (height, width))
        arr[:] = numpy.broadcast_to(numpy.outer(rows, columns), arr.shape).astype("float32")


@register
class LSTMBias(Initializer):
    """Zeros, and `forget_bias` for the forget gates, which are the second quarter."""

    def __init__(self, forget_bias: float = 1.0) -> None:
        super().__init__(forget_bias=forget_bias)
        self.forget_bias = forget_bias

    def _init_weight(self, name: str, arr: Any) -> None:
        hidden = arr.shape[0] // 4
        arr[:] = 0.0
        arr[hidden:2 * hidden] = self.forget_bias


@register
class RNNFused(Initializer):
    """The parameters of recurrent layers in one vector (see `nd.RNN`), each matrix and bias by its own
    initializer, or else by the one of the whole model.

    Parameters
    ----------
    mode, num_layers, state_size, bidirectional, projection_size
        As in `nd.RNN`.
    i2h_weight_initializer, h2h_weight_initializer, h2r_weight_initializer : Initializer or str, optional
        Of the weights of inputs, states and projection.
    i2h_bias_initializer, h2h_bias_initializer : Initializer or str, optional
    """

    def __init__(
        self, mode: str, num_layers: int, state_size: int, bidirectional: bool = False,
        projection_size: int | None = None, i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, i2h_bias_initializer: Any = None,
        h2h_bias_initializer: Any = None, h2r_weight_initializer: Any = None,
    ) -> None:
        self._own = {
            "i2h_weight": i2h_weight_initializer, "h2h_weight": h2h_weight_initializer,
            "h2r_weight": h2r_weight_initializer, "i2h_bias": i2h_bias_initializer,
            "h2h_bias": h2h_bias_initializer}
        super().__init__(mode=mode, num_layers=num_layers, state_size=state_size,
                         bidirectional=bidirectional, projection_size=projection_size,
                         **{f"{n}_initializer": i for n, i in self._own.items()})
        self._sizes = mode, num_layers, state_size, 2 if bidirectional else 1, projection_size

    def _init_weight(self, name: str, arr: Any) -> None:
        default = getattr(name, "global_init", None)
        if default is None or default is self:
            default = Uniform()
        shapes = shapes_in(arr.size, *self._sizes)
        weights, biases = ("i2h_weight", "h2h_weight", "h2r_weight"), ("i2h_bias", "h2h_bias")
        parts = [part for layer in shapes for part in zip(weights, layer[:-2])]
        parts += [part for layer in shapes for part in zip(biases, layer[-2:])]
        begin = 0
        for kind, shape in parts:
            part = arr[begin:begin + product(shape)].reshape(shape).copy()
            self._fill(kind, part, default)
            arr[begin:begin + part.size] = part.reshape((-1,))
            begin += part.size

    def _fill(self, kind: str, part: Any, default: Initializer) -> None:
        default(InitDesc(kind, {"__init__": self._own[kind]} if self._own[kind] else None), part)


@register
class FusedRNN(RNNFused):
    """MXNet 1's `RNNFused`: the weights of each gate are initialized by themselves.

    Parameters
    ----------
    init : Initializer or str, optional
        Of each gate's weights and biases; or else the one of the whole model.
    num_hidden, num_layers, mode, bidirectional
        The `state_size`, and the others as in `nd.RNN`.
    forget_bias : float
        The value of both biases of an LSTM's forget gates.
    """

    def __init__(
        self, init: Any, num_hidden: int, num_layers: int, mode: str, bidirectional: bool = False,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__(mode, num_layers, num_hidden, bidirectional)
        self._init = None if init is None else create(init)
        self._gates, self._forget_bias = GATES[mode], forget_bias
        self._kwargs = {"init": self._init and self._init.dumps(), "num_hidden": num_hidden,
                        "num_layers": num_layers, "mode": mode, "bidirectional": bidirectional,
                        "forget_bias": forget_bias}

    def _fill(self, kind: str, part: Any, default: Initializer) -> None:
        each = part.shape[0] // self._gates
        for gate in range(self._gates):
            rows = part[gate * each:(gate + 1) * each].copy()
            if self._gates == 4 and gate == 1 and kind.endswith("bias"):
                rows[:] = self._forget_bias
            else:
                (self._init or default)(InitDesc(kind), rows)
            part[gate * each:(gate + 1) * each] = rows


def _for_another(desc: str, init: Initializer) -> str:
    """The description, from which an initializer that asks others takes itself away."""
    if getattr(desc, "attrs", {}).get("__init__") is not init:
        return desc
    return InitDesc(desc)


class Mixed(Initializer):
    """The initializer of the first pattern (a regular expression) that fits the parameter's name."""

    def __init__(self, patterns: Sequence[str], initializers: Sequence[Initializer]) -> None:
        if len(patterns) != len(initializers):
            raise InvalidValueError(f"Mixed: {len(patterns)} patterns and {len(initializers)} initializers")
        super().__init__()
        self.map = [(re.compile(p), init) for p, init in zip(patterns, initializers)]

    def __call__(self, desc: str, arr: Any) -> None:
        for pattern, init in self.map:
            if pattern.match(desc):
                init(_for_another(desc, self), arr)
                return
        raise InvalidValueError(
            f"Parameter name {desc} did not match any pattern. Consider adding a '.*' pattern at the end")


class Load(Initializer):
    """Values from a file of `nd.save` or a dict of arrays, by name; `default_init` serves the others.

    With `verbose`, the log says at level INFO where each comes from.
    """

    def __init__(
        self, param: str | Mapping[str, Any], default_init: Initializer | None = None, verbose: bool = False,
    ) -> None:
        super().__init__()
        self.verbose = verbose
        given = load(param) if isinstance(param, str) else param
        self.param = {n[4:] if n.startswith(("arg:", "aux:")) else n: a for n, a in given.items()}
        self.default_init = default_init

    def __call__(self, desc: str, arr: Any) -> None:
        found = self.param.get(str(desc))
        if found is not None:
            if found.shape != arr.shape:
                raise InvalidValueError(
                    f"Parameter {desc} cannot be initialized from loading. Shape mismatch, target "
                    f"{arr.shape} vs "
                    f"loaded {found.shape}")
            arr[:] = found
        elif self.default_init is not None:
            self.default_init(_for_another(desc, self), arr)
        else:
            raise InvalidValueError(
                f"Cannot initialize {desc}. It is not in the loaded parameters and there is no default "
                "initializer")
        if self.verbose:
            logging.info("Initialized %s by %s", desc, "default" if found is None else "loading")
