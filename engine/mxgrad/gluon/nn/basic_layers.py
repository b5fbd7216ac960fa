"""Containers, dense layers, normalisation (level 14)."""
from __future__ import annotations

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any

from ... import nd
from ...base import InvalidValueError, UnknownNameError, as_dtype
from ...context import num_gpus
from ...invoke import F as ops
from ...npx.switches import is_np_array
from ..block import Block, HybridBlock, _shown
from .activations import Activation

__all__ = ["BatchNorm", "BatchNormReLU", "Concatenate", "Dense", "Dropout", "Embedding", "Flatten",
           "GroupNorm", "HybridConcatenate", "HybridLambda", "HybridSequential", "Identity", "InstanceNorm",
           "Lambda", "LayerNorm", "Sequential", "SyncBatchNorm"]


class _Chain(Block):
    """What both kinds of Sequential share."""

    # `summary` shows the layers, not this.
    _only_children = True

    def add(self, *blocks: Any) -> None:
        """Put blocks at the end."""
        for block in blocks:
            self.register_child(block)

    def _chained(self, x: Any, *args: Any) -> Any:
        if args:
            x = (x, *args)
        for block in self._children.values():
            # As in MXNet 2, several outputs are several arguments of the next block.
            spread = isinstance(x, (tuple, list)) and (args or is_np_array())
            x = block(*x) if spread else block(x)
        return x

    def __repr__(self) -> str:
        return _shown(self, list(self._children.items()))

    def __getitem__(self, key: Any) -> Any:
        layers = list(self._children.values())[key]
        if not isinstance(layers, list):
            return layers
        net = type(self)(prefix=self._prefix)
        with net.name_scope():
            net.add(*layers)
        return net

    def __len__(self) -> int:
        return len(self._children)


class Sequential(_Chain):
    """Blocks one after the other.

    >>> import mxgrad as mx
    >>> net = mx.gluon.nn.Sequential()
    >>> net.add(mx.gluon.nn.Flatten(), mx.gluon.nn.Dense(1, in_units=4))
    >>> net.initialize(mx.init.One())
    >>> float(net(mx.nd.ones((1, 2, 2)))), len(net[:1])
    (4.0, 1)
    """

    def forward(self, x: Any, *args: Any) -> Any:
        """The blocks' computation."""
        return self._chained(x, *args)

    def hybridize(self, active: bool = True, **kwargs: Any) -> None:
        """`HybridBlock.hybridize` of all hybrid blocks in this one."""
        if self._children and all(isinstance(c, HybridBlock) for c in self._children.values()):
            warnings.warn(
                f"All children of this Sequential layer '{self.prefix}' are HybridBlocks. Consider using "
                "HybridSequential for the best performance.", stacklevel=2)
        super().hybridize(active, **kwargs)


class HybridSequential(_Chain, HybridBlock):
    """Hybrid blocks one after the other; `Sequential` takes others, too."""

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        return self._chained(x, *args)


class Concatenate(Sequential):
    """The outputs of blocks for the same input, joined along `axis`."""

    def __init__(self, axis: int = -1, prefix: str | None = None, params: Any = None) -> None:
        super().__init__(prefix, params)
        self.axis = axis

    def forward(self, x: Any, *args: Any) -> Any:
        """The blocks' computation."""
        from ... import nd

        return nd.concat(*[block(x) for block in self._children.values()], dim=self.axis)


class HybridConcatenate(HybridSequential):
    """The outputs of hybrid blocks for the same input, joined along `axis`."""

    def __init__(self, axis: int = -1, prefix: str | None = None, params: Any = None) -> None:
        super().__init__(prefix, params)
        self.axis = axis

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        return F.concat(*[block(x) for block in self._children.values()], dim=self.axis)


class Identity(HybridBlock):
    """The input itself."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return x


class Dense(HybridBlock):
    """activation(x @ weight.T + bias), weight of shape (`units`, features) and bias of shape (`units`,).

    Parameters
    ----------
    units : int
    activation : str, optional
        As `Activation` takes it.
    use_bias : bool
    flatten : bool
        All axes of x but the first are features; otherwise only the last is.
    dtype : str or dtype
    weight_initializer, bias_initializer : Initializer or str, optional
    in_units : int
        Features of the input; 0 to learn them from the first one.

    Examples
    --------
    >>> import mxgrad as mx
    >>> layer = mx.gluon.nn.Dense(2, activation="relu", weight_initializer="ones")
    >>> layer.initialize()
    >>> layer(mx.nd.array([[1, 2, -4], [1, 2, 4]])).asnumpy().tolist()
    [[0.0, 0.0], [7.0, 7.0]]
    >>> layer
    Dense(3 -> 2, Activation(relu))
    """

    def __init__(
        self, units: int, activation: str | None = None, use_bias: bool = True, flatten: bool = True,
        dtype: Any = "float32", weight_initializer: Any = None, bias_initializer: Any = "zeros",
        in_units: int = 0, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._units, self._in_units, self._flatten = units, in_units, flatten
        self.act: Activation | None = None
        self.bias: Any = None
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(units, in_units), init=weight_initializer,
                                          dtype=dtype, allow_deferred_init=True)
            if use_bias:
                self.bias = self.params.get("bias", shape=(units,), init=bias_initializer, dtype=dtype,
                                            allow_deferred_init=True)
            if activation is not None:
                self.act = Activation(activation, prefix=activation + "_")

    def hybrid_forward(self, F: Any, x: Any, weight: Any, bias: Any = None) -> Any:
        if F is nd and x.ndim == 2 and weight.shape == (self._units, x.shape[1]):
            y = ops.linear(x, weight) if bias is None else ops.linear(x, weight, bias)
        else:
            y = F.FullyConnected(x, weight, bias, no_bias=bias is None, num_hidden=self._units,
                                 flatten=self._flatten, name="fwd")
        return y if self.act is None else self.act(y)

    def __repr__(self) -> str:
        shape = self.weight.shape
        return f"{type(self).__name__}({shape[1] or None} -> {shape[0]}, {self.act or 'linear'})"


class Dropout(HybridBlock):
    """When training, each element becomes 0 with probability `rate`, and the others grow so that their mean
    stays; along `axes` elements share one draw (Srivastava and others, JMLR 15, 2014).
    """

    def __init__(self, rate: float, axes: Any = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rate, self._axes = rate, axes

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        if self._rate > 0:
            return F.Dropout(x, p=self._rate, axes=self._axes, name="fwd", cudnn_off=False)
        return F.identity(x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p = {self._rate}, axes={self._axes})"


def _listed(block: Block, given: dict[str, Any], in_channels: Any = "") -> str:
    """The parameters a normalisation was made with, as it prints them."""
    text = ", ".join(f"{k}={v!r}" for k, v in given.items())
    channels = "" if in_channels == "" else f", in_channels={in_channels}"
    return f"{type(block).__name__}({text}{channels})"


class _Norm(HybridBlock):
    """A normalisation with a factor gamma and a term beta."""

    def _scale_and_shift(
        self, center: bool, scale: bool, beta_initializer: Any, gamma_initializer: Any, length: int,
        always: bool = True,
    ) -> None:
        for name, wanted, init in (("gamma", scale, gamma_initializer), ("beta", center, beta_initializer)):
            setattr(self, name, self.params.get(
                name, grad_req="write" if wanted else "null", shape=(length,), init=init,
                allow_deferred_init=True, differentiable=wanted or always))


class BatchNorm(_Norm):
    """Every channel with mean 0 and variance 1 over the batch, times gamma plus beta (Ioffe and Szegedy,
    arXiv:1502.03167).

    When training, the statistics are the batch's, and move running ones, which are used otherwise.

    Parameters
    ----------
    axis : int
        Where the channels are.
    momentum : float
        The running statistics become ``running * momentum + batch * (1 - momentum)``.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there are beta and gamma to learn.
    use_global_stats : bool
        Use the running statistics when training, too.
    in_channels : int
        0 to learn the number from the first input.
    """

    fuse_relu = False

    def __init__(
        self, axis: int = 1, momentum: float = 0.9, epsilon: float = 1e-5, center: bool = True,
        scale: bool = True, use_global_stats: bool = False, beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones", running_mean_initializer: Any = "zeros",
        running_variance_initializer: Any = "ones", in_channels: int = 0, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._kwargs = {"axis": axis, "eps": epsilon, "momentum": momentum, "fix_gamma": not scale,
                        "use_global_stats": use_global_stats}
        self._axis = axis
        if in_channels:
            self.in_channels = in_channels
        self._scale_and_shift(center, scale, beta_initializer, gamma_initializer, in_channels, always=False)
        for name, init in (("running_mean", running_mean_initializer),
                           ("running_var", running_variance_initializer)):
            setattr(self, name, self.params.get(
                name, grad_req="null", shape=(in_channels,), init=init, allow_deferred_init=True,
                differentiable=False))

    def cast(self, dtype: Any) -> None:
        """Change the dtype of the parameters; under float16 they stay float32."""
        super().cast("float32" if as_dtype(dtype).name == "float16" else dtype)

    def hybrid_forward(
        self, F: Any, x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any,
    ) -> Any:
        norm = F.contrib.BatchNormWithReLU if self.fuse_relu else F.BatchNorm
        return norm(x, gamma, beta, running_mean, running_var, name="fwd", **self._kwargs)

    def __repr__(self) -> str:
        return _listed(self, self._kwargs, self.gamma.shape[0] or None)     # type: ignore[attr-defined]


class BatchNormReLU(BatchNorm):
    """`BatchNorm` with relu behind it."""

    fuse_relu = True


class SyncBatchNorm(BatchNorm):
    """`BatchNorm` with the statistics of the batches on all devices, which here is one: blocks are computed
    one device after the other, so that more cannot wait for each other.
    """

    def __init__(
        self, in_channels: int = 0, num_devices: int | None = None, momentum: float = 0.9,
        epsilon: float = 1e-5, center: bool = True, scale: bool = True, use_global_stats: bool = False,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
        running_mean_initializer: Any = "zeros", running_variance_initializer: Any = "ones", **kwargs: Any,
    ) -> None:
        super().__init__(1, momentum, epsilon, center, scale, use_global_stats, beta_initializer,
                         gamma_initializer, running_mean_initializer, running_variance_initializer,
                         in_channels, **kwargs)
        if num_devices is None:
            warnings.warn("Caution using SyncBatchNorm: if not using all the GPUs, please mannually set "
                          "num_devices", stacklevel=2)
            num_devices = max(num_gpus(), 1)
        if num_devices != 1:
            raise InvalidValueError(f"SyncBatchNorm: num_devices={num_devices}, only 1 is supported")

    def __repr__(self) -> str:
        given = {k: v for k, v in self._kwargs.items() if k != "axis"}
        return _listed(self, {**given, "ndev": 1, "key": self.prefix},
                       self.gamma.shape[0] or None)     # type: ignore[attr-defined]


class Embedding(HybridBlock):
    """Rows of a matrix of shape (`input_dim`, `output_dim`), by their numbers.

    `sparse_grad` is accepted; the gradient is dense.

    >>> import mxgrad as mx
    >>> layer = mx.gluon.nn.Embedding(4, 2)
    >>> layer.initialize()
    >>> layer(mx.nd.array([[1, 3, 3]])).shape
    (1, 3, 2)
    """

    def __init__(
        self, input_dim: int, output_dim: int, dtype: Any = "float32", weight_initializer: Any = None,
        sparse_grad: bool = False, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._kwargs = {"input_dim": input_dim, "output_dim": output_dim, "dtype": dtype,
                        "sparse_grad": sparse_grad}
        self.weight = self.params.get(
            "weight", shape=(input_dim, output_dim), init=weight_initializer, dtype=dtype,
            allow_deferred_init=True)

    def hybrid_forward(self, F: Any, x: Any, weight: Any) -> Any:
        return F.Embedding(x, weight, name="fwd", **self._kwargs)

    def __repr__(self) -> str:
        k = self._kwargs
        return f"{type(self).__name__}({k['input_dim']} -> {k['output_dim']}, {k['dtype']})"


class Flatten(HybridBlock):
    """All axes but the first as one."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.flatten(x)

    def __repr__(self) -> str:
        return type(self).__name__


class InstanceNorm(_Norm):
    """Every channel (at `axis`) of each example with mean 0 and variance 1, times gamma plus beta (Ulyanov
    and others, arXiv:1607.08022); parameters as in `BatchNorm`.
    """

    def __init__(
        self, axis: int = 1, epsilon: float = 1e-5, center: bool = True, scale: bool = False,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", in_channels: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._kwargs = {"eps": epsilon, "axis": axis, "center": center, "scale": scale}
        self._axis, self._epsilon = axis, epsilon
        self._scale_and_shift(center, scale, beta_initializer, gamma_initializer, in_channels)

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:
        if self._axis == 1:
            return F.InstanceNorm(x, gamma, beta, name="fwd", eps=self._epsilon)
        x = F.swapaxes(x, dim1=1, dim2=self._axis)
        y = F.InstanceNorm(x, gamma, beta, name="fwd", eps=self._epsilon)
        return F.swapaxes(y, dim1=1, dim2=self._axis)

    def __repr__(self) -> str:
        return _listed(self, self._kwargs, self.gamma.shape[0])     # type: ignore[attr-defined]


class LayerNorm(_Norm):
    """Mean 0 and variance 1 along `axis`, times gamma plus beta (Ba and others, arXiv:1607.06450); parameters
    as in `BatchNorm`.
    """

    def __init__(
        self, axis: int = -1, epsilon: float = 1e-5, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", in_channels: int = 0,
        prefix: str | None = None, params: Any = None,
    ) -> None:
        super().__init__(prefix, params)
        self._kwargs = {"eps": epsilon, "axis": axis, "center": center, "scale": scale}
        self._axis, self._epsilon = axis, epsilon
        self._scale_and_shift(center, scale, beta_initializer, gamma_initializer, in_channels)

    def hybrid_forward(self, F: Any, data: Any, gamma: Any, beta: Any) -> Any:
        return F.LayerNorm(data, gamma=gamma, beta=beta, axis=self._axis, eps=self._epsilon)

    def __repr__(self) -> str:
        return _listed(self, self._kwargs, self.gamma.shape[0])     # type: ignore[attr-defined]


class GroupNorm(_Norm):
    """Each of `num_groups` groups of channels (axis 1) of each example with mean 0 and variance 1, times
    gamma plus beta (Wu and He, arXiv:1803.08494); parameters as in `BatchNorm`.

    gamma and beta are one number per group, and one per channel where NumPy arrays are on, as in MXNet 1
    and 2.
    """

    def __init__(
        self, num_groups: int = 1, epsilon: float = 1e-5, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", in_channels: int = 0,
        prefix: str | None = None, params: Any = None,
    ) -> None:
        super().__init__(prefix, params)
        self._kwargs = {"eps": epsilon, "num_groups": num_groups, "center": center, "scale": scale}
        self._num_groups, self._epsilon = num_groups, epsilon
        self._per_channel = is_np_array()
        self._scale_and_shift(center, scale, beta_initializer, gamma_initializer,
                              in_channels if self._per_channel else num_groups)

    def hybrid_forward(self, F: Any, data: Any, gamma: Any, beta: Any) -> Any:
        norm = F.npx.group_norm if self._per_channel else F.GroupNorm
        return norm(data, gamma=gamma, beta=beta, num_groups=self._num_groups, eps=self._epsilon)

    def __repr__(self) -> str:
        channels = self.gamma.shape[0] if self._per_channel else ""     # type: ignore[attr-defined]
        return _listed(self, self._kwargs, channels)


def _named(function: str, *modules: Any) -> Callable[..., Any]:
    """The function of that name in the first of `modules` that has one."""
    for module in modules:
        if hasattr(module, function):
            return getattr(module, function)        # type: ignore[no-any-return]
    raise UnknownNameError(f"Function name {function} is not found in "
                           f"{'/'.join(m.__name__.rpartition('.')[2] for m in modules)}.")


def _modules() -> tuple[Any, ...]:
    from ... import nd, np, npx

    return (np, npx) if is_np_array() else (nd,)


class Lambda(Block):
    """A function as a block: a callable, or the name of one of nd's (np's or npx's where NumPy arrays are
    on).

    >>> import mxgrad as mx
    >>> mx.gluon.nn.Lambda("tanh")
    Lambda(tanh)
    """

    def __init__(self, function: Any, prefix: str | None = None) -> None:
        super().__init__(prefix)
        if not isinstance(function, str) and not callable(function):
            raise InvalidValueError(f"Unrecognized function in lambda: {function} of type {type(function)}")
        self._func_impl = _named(function, *_modules()) if isinstance(function, str) else function
        self._func_name = function if isinstance(function, str) else function.__name__

    def forward(self, *args: Any) -> Any:
        """The function's result."""
        return self._func_impl(*args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._func_name})"


class HybridLambda(HybridBlock):
    """A function as a hybrid block: the name of one of ``F``'s, or a callable.

    A callable gets ``F`` first, as in MXNet 1; where NumPy arrays are on, only if its first parameter is
    called F.
    """

    def __init__(self, function: Any, prefix: str | None = None) -> None:
        super().__init__(prefix)
        if isinstance(function, str):
            _named(function, *_modules())
        elif not callable(function):
            raise InvalidValueError(f"Unrecognized function in lambda: {function} of type {type(function)}")
        self._function = function
        self._func_name = function if isinstance(function, str) else function.__name__
        self._takes_table = not is_np_array() or next(iter(_parameters(function)), "") == "F"

    def hybrid_forward(self, F: Any, x: Any, *args: Any) -> Any:
        if isinstance(self._function, str):
            modules = (F.np, F.npx) if is_np_array() else (F,)
            return _named(self._function, *modules)(x, *args)
        return self._function(F, x, *args) if self._takes_table else self._function(x, *args)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._func_name})"


def _parameters(function: Any) -> Any:
    try:
        return signature(function).parameters
    except (TypeError, ValueError):     # written in C
        return ()
