"""Adam and its kin (level 11).

In the docstrings g is the gradient times `rescale_grad`, clipped, w the weight, lr and wd its learning rate
and decay, t the number of its updates, this one included; mean and var are the running means
mean = beta1 mean + (1 - beta1) g and var = beta2 var + (1 - beta2) g^2.  Parameters besides those shown are
`Optimizer`'s.  Parameters are given by name where their order differs between MXNet 1 and 2.
"""
from __future__ import annotations

import math
from typing import Any

from ..invoke import F
from ..nd.update import updates
from .descent import group_size
from .optimizer import Formula, OneByOne, by_version, register, settled, towards, zeros_like

__all__ = ["AdaBelief", "Adam", "AdamW", "Adamax", "FTML", "LAMB", "LANS", "Nadam"]


class _Moments(OneByOne):
    """Has two running means."""

    def __init__(self, beta1: float, beta2: float, epsilon: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def create_state(self, index: Any, weight: Any) -> Any:
        return zeros_like(weight, 2)

    def _betas(self) -> dict[str, Any]:
        return {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}

    def _corrected(self, t: int, lr: float) -> float:
        """The rate for means that began with zeros: lr sqrt(1 - beta2^t) / (1 - beta1^t)."""
        return lr * math.sqrt(1 - self.beta2 ** t) / (1 - self.beta1 ** t)


@register
class Adam(_Moments):
    """Kingma and Ba (2015): w -= lr sqrt(1 - beta2^t) / (1 - beta1^t) mean / (sqrt(var) + epsilon).

    Here t is the number of updates of the weight w, this one included; mean and var are the running means
    of g and of its square, mean = beta1 mean + (1 - beta1) g and var = beta2 var + (1 - beta2) g^2; and g is
    the gradient times `rescale_grad`, clipped, plus wd w.  MXNet 1 clips the sum.

    Parameters
    ----------
    learning_rate : float
        lr.
    beta1, beta2 : float
        How much of the running means stays, from 0 to 1.
    epsilon : float
        Keeps the step finite where var is 0.
    lazy_update : bool
        Is for sparse arrays and changes nothing here.
    **kwargs
        As in `Optimizer`: wd, clip_gradient, lr_scheduler and others.

    Examples
    --------
    >>> import mxgrad as mx
    >>> w = mx.nd.array([1.0])
    >>> adam = mx.optimizer.Adam(learning_rate=0.1)
    >>> adam.update(0, w, mx.nd.array([3.0]), adam.create_state(0, w))
    >>> round(w.asscalar().item(), 4)
    0.9
    """

    def __init__(self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999,
                 epsilon: float = 1e-8, lazy_update: bool = by_version(True, False), **kwargs: Any) -> None:
        super().__init__(beta1, beta2, epsilon, learning_rate=learning_rate, **kwargs)
        self.lazy_update = settled(lazy_update)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._apply_decayed("adam_update", lr=self._corrected(t, lr), wd=wd, **self._betas())


class _Apart(_Moments):
    """Has its correction apart from the rate."""

    def __init__(self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999,
                 epsilon: float = 1e-6, correct_bias: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("aggregate_num", group_size(4, 50))
        super().__init__(beta1, beta2, epsilon, learning_rate=learning_rate, **kwargs)
        self.correct_bias = correct_bias

    def _eta(self, t: int, lr: float) -> float:
        return self._corrected(t, lr) if self.correct_bias else lr


@register
class AdamW(_Apart):
    """Loshchilov and Hutter (2019): w -= eta (mean / (sqrt(var) + epsilon) + wd w), where eta is the rate of
    `Adam` if `correct_bias`, else lr.

    The decay is that of the old weights, or of the new ones if `use_fused_step` is False.  Otherwise a step
    with a `rescale_grad` that is 0, infinite or nan changes nothing.
    """

    def _adamw(self, t: int, lr: float, wd: float) -> Formula:
        return self._apply("contrib.adamw_update", lr=1.0, eta=self._eta(t, lr), wd=wd, **self._betas())

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula | None:
        return self._adamw(t, lr, wd) if self.use_fused_step else None

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        t = self._index_update_count[index]
        updates([self._call(self._adamw(t, lr, 0.0), (weight, grad, *state), 0.0)])
        weight *= 1 - self._eta(t, lr) * wd


@register
class AdaBelief(_Apart):
    """Zhuang et al. (2020): as `Adam`, with var the running mean of (g - mean)^2, plus epsilon.

    g includes wd w inside of the limits.  The rate is lr if `correct_bias` is False.  A step with a
    `rescale_grad` that is 0, infinite or nan changes nothing.
    """

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._apply("contrib.adabelief_update", lr=1.0, eta=self._eta(t, lr), wd=wd, **self._betas())


@register
class Adamax(_Moments):
    """Kingma and Ba (2015, section 7): var = max(beta2 var, abs(g)), w -= lr / (1 - beta1^t) mean / (var +
    epsilon).

    g includes wd w, in MXNet 1 inside of the limits.
    """

    # MXNet 1 has no epsilon: gradients that are all 0 give nan.  This one changes no other number.
    def __init__(self, learning_rate: float = 0.002, beta1: float = 0.9, beta2: float = 0.999,
                 epsilon: float = by_version(1e-30, 1e-8), **kwargs: Any) -> None:
        super().__init__(beta1, beta2, settled(epsilon), learning_rate=learning_rate, **kwargs)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        mean, var = state
        g = self._decayed_gradient(weight, grad, wd)
        towards(mean, self.beta1, g)
        var[...] = F.maximum(self.beta2 * var, F.abs(g))
        weight -= lr / (1 - self.beta1 ** self._index_update_count[index]) * mean / (var + self.epsilon)


@register
class Nadam(_Moments):
    """`Adam` with Nesterov's momentum (Dozat 2015), whose momentum warms up by `schedule_decay`.

    g includes wd w, in MXNet 1 inside of the limits.  As in MXNet all weights share one product of momenta,
    `m_schedule`.
    """

    def __init__(self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999,
                 epsilon: float = 1e-8, schedule_decay: float = 0.004, **kwargs: Any) -> None:
        super().__init__(beta1, beta2, epsilon, learning_rate=learning_rate, **kwargs)
        self.schedule_decay, self.m_schedule = schedule_decay, 1.0

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        t = self._index_update_count[index]
        now, then = (self.beta1 * (1 - 0.5 * 0.96 ** (n * self.schedule_decay)) for n in (t, t + 1))
        self.m_schedule *= now
        mean, var = state
        g = self._decayed_gradient(weight, grad, wd)
        towards(mean, self.beta1, g)
        towards(var, self.beta2, g * g)
        ahead = (1 - now) / (1 - self.m_schedule) * g + then / (1 - self.m_schedule * then) * mean
        weight -= lr * ahead / (F.sqrt(var / (1 - self.beta2 ** t)) + self.epsilon)


@register
class FTML(_Moments):
    """Follow the moving leader (Zheng and Kwok 2017): v is the running mean of g^2,
    new d = (1 - beta1^t) / lr (sqrt(v / (1 - beta2^t)) + epsilon),
    z = beta1 z + (1 - beta1) g - (new d - beta1 d) w, w = -z / new d.

    g includes wd w, in MXNet 1 inside of the limits.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.0025), beta1: float = 0.6,
                 beta2: float = 0.999, epsilon: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(beta1, beta2, epsilon, learning_rate=learning_rate, **kwargs)

    def create_state(self, index: Any, weight: Any) -> Any:
        return zeros_like(weight, 3)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._apply_decayed("ftml_update", lr=lr, wd=wd, clip="clip_grad", t=t, **self._betas())


class _LargeBatch(_Moments):
    """Has a rate for each layer, with bounds of the length of its weights."""

    def __init__(self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999,
                 epsilon: float = 1e-6, lower_bound: float | None = None, upper_bound: float | None = None,
                 **kwargs: Any) -> None:
        kwargs.setdefault("aggregate_num", settled(by_version(group_size(45, 45), 4)))
        super().__init__(beta1, beta2, epsilon, learning_rate=learning_rate, **kwargs)
        self.lower_bound, self.upper_bound = lower_bound, upper_bound

    def _apply_layer(self, name: str, t: int, lr: float, wd: float, **params: Any) -> Formula:
        return self._apply(name, lr=lr, wd=wd, step_count=t, lower_bound=self.lower_bound or -1.0,
                           upper_bound=self.upper_bound or -1.0, **self._betas(), **params)


@register
class LAMB(_LargeBatch):
    """You et al. (2019): w -= lr |w| / |d| d, where d = mean / (sqrt(var) + epsilon) + wd w with mean and var
    divided by 1 - beta1^t and 1 - beta2^t if `bias_correction`.

    |w| is at least `lower_bound` and at most `upper_bound`; the rate is lr where it or |d| is 0.
    """

    def __init__(self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999,
                 epsilon: float = 1e-6, lower_bound: float | None = None, upper_bound: float | None = None,
                 bias_correction: bool = True, **kwargs: Any) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, lower_bound, upper_bound, **kwargs)
        self.bias_correction = bias_correction

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._apply_layer("contrib.multi_lamb_update", t, lr, wd, bias_correction=self.bias_correction)


@register
class LANS(_LargeBatch):
    """`LAMB` with gradients of length 1 and Nesterov's look ahead (Zheng et al. 2020)."""

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._apply_layer("contrib.multi_lans_update", t, lr, wd)
