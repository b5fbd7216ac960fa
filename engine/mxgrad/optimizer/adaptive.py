"""Rates for each number from the gradients so far (level 11).

In the docstrings g is the gradient times `rescale_grad`, clipped, w the weight, lr and wd its learning rate
and decay.  Parameters besides those shown are `Optimizer`'s.  Parameters are given by name where their order
differs between MXNet 1 and 2.
"""
from __future__ import annotations

from typing import Any

from ..base import InvalidValueError
from ..invoke import F
from .optimizer import Formula, OneByOne, by_version, register, settled, towards, zeros_like

__all__ = ["AdaDelta", "AdaGrad", "Ftrl", "GroupAdaGrad", "RMSProp"]


class _Damped(OneByOne):
    """Divides by roots that must not be 0."""

    epsilon: float

    def _root(self, x: Any) -> Any:
        """sqrt(x + epsilon) in MXNet 1, sqrt(x) + epsilon in MXNet 2."""
        return F.sqrt(x) + self.epsilon if self.allow_np_array else F.sqrt(x + self.epsilon)


@register
class AdaGrad(_Damped):
    """Duchi et al. (2011): history += g^2, w -= lr (g / sqrt(history + epsilon) + wd w).

    In MXNet 2 g includes wd w, and w -= lr g / (sqrt(history) + epsilon).  `eps` is another name of
    `epsilon`.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.01),
                 epsilon: float = by_version(1e-7, 1e-6),
                 eps: float | None = None, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.epsilon = settled(epsilon) if eps is None else eps

    def create_state(self, index: Any, weight: Any) -> Any:
        return F.zeros_like(weight)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        g = self._decayed_gradient(weight, grad, wd) if self.allow_np_array else self._gradient(grad)
        state += g * g
        step = g / self._root(state)
        if wd and not self.allow_np_array:
            step += wd * weight
        weight -= lr * step


@register
class GroupAdaGrad(_Damped):
    """`AdaGrad` with one rate for each row of a matrix: history += mean of g^2 over the row,
    w -= lr g / sqrt(history + epsilon), in MXNet 2 w -= lr g / (sqrt(history) + epsilon).

    There is no decay.  `eps` is another name of `epsilon`.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.01),
                 epsilon: float = by_version(1e-5, 1e-6),
                 eps: float | None = None, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.epsilon = settled(epsilon) if eps is None else eps

    def create_state(self, index: Any, weight: Any) -> Any:
        if len(weight.shape) != 2:
            raise InvalidValueError(f"GroupAdaGrad: a weight is a matrix, this one has shape {weight.shape}")
        return F.zeros_like(weight[:, :1])

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        if wd:
            raise InvalidValueError("Weight decay is not supported for GroupAdaGrad")
        g = self._gradient(grad)
        state += F.mean(g * g, axis=1, keepdims=True)
        weight -= lr * g / self._root(state)


@register
class AdaDelta(OneByOne):
    """Zeiler (2012): n and d are running means of g^2 and step^2, with rho,
    step = sqrt(d + epsilon) / sqrt(n + epsilon) g, w -= step + wd w.

    In MXNet 2 g includes wd w, and w -= lr step.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 1.0), rho: float = 0.9,
                 epsilon: float = by_version(1e-5, 1e-6), **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.rho, self.epsilon = rho, settled(epsilon)

    def create_state(self, index: Any, weight: Any) -> Any:
        return zeros_like(weight, 2)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        n, d = state
        g = self._decayed_gradient(weight, grad, wd) if self.allow_np_array else self._gradient(grad)
        towards(n, self.rho, g * g)
        step = F.sqrt(d + self.epsilon) / F.sqrt(n + self.epsilon) * g
        towards(d, self.rho, step * step)
        weight -= lr * step if self.allow_np_array else step + wd * weight


@register
class RMSProp(_Damped):
    """Tieleman and Hinton (2012): n = rho n + (1 - rho) g^2, w -= lr g / sqrt(n + epsilon), or, `centered`,
    Graves (2013): mean = rho mean + (1 - rho) g, mom = momentum mom - lr g / sqrt(n - mean^2 + epsilon),
    w += mom.  At last w is moved into [-clip_weights, clip_weights].

    g includes wd w, in MXNet 1 inside of the limits.  In MXNet 2 the first divides by sqrt(n) + epsilon.
    `gamma1` and `gamma2` are other names of `rho` and `momentum`.
    """

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.9, momentum: float = 0.9,
                 epsilon: float = 1e-8, centered: bool = False, clip_weights: float | None = None,
                 *, gamma1: float | None = None, gamma2: float | None = None, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.rho = rho if gamma1 is None else gamma1
        self.momentum = momentum if gamma2 is None else gamma2
        self.epsilon, self.centered, self.clip_weights = epsilon, centered, clip_weights

    def create_state(self, index: Any, weight: Any) -> Any:
        return zeros_like(weight, 3 if self.centered else 1)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula | None:
        if not self.centered and self.allow_np_array:
            return None
        params: dict[str, Any] = {"gamma2": self.momentum} if self.centered else {}
        return self._apply_decayed("rmspropalex_update" if self.centered else "rmsprop_update", lr=lr, wd=wd,
                                   gamma1=self.rho, epsilon=self.epsilon,
                                   clip_weights=self.clip_weights or -1.0, **params)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        g, (n,) = self._decayed_gradient(weight, grad, wd), state
        towards(n, self.rho, g * g)
        weight -= lr * g / self._root(n)
        if self.clip_weights:
            weight[...] = F.clip(weight, a_min=-self.clip_weights, a_max=self.clip_weights)


@register
class Ftrl(OneByOne):
    """Follow the regularized leader (McMahan et al. 2013): n sums g^2, z sums g - (sqrt(new n) - sqrt(n)) w /
    lr, and w = (sign(z) lamda1 - z) / ((beta + sqrt(n)) / lr + wd) where abs(z) > lamda1, 0 elsewhere.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.1), lamda1: float = 0.01,
                 beta: float = 1.0, **kwargs: Any) -> None:
        learning_rate = settled(learning_rate)
        if learning_rate is None and kwargs.get("lr_scheduler") is None:
            learning_rate = 0.1
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.lamda1, self.beta = lamda1, beta

    def create_state(self, index: Any, weight: Any) -> Any:
        return zeros_like(weight, 2)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._apply("ftrl_update", lr=lr, wd=wd, lamda1=self.lamda1, beta=self.beta)
