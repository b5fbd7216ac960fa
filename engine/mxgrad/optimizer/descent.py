"""Gradient descent, with momentum, by signs, with noise, with a rate for each layer (level 11).

In the docstrings g is the gradient times `rescale_grad`, clipped, w the weight, lr and wd its learning rate
and decay.  Parameters besides those shown are `Optimizer`'s.  Parameters are given by name where their order
differs between MXNet 1 and 2.
"""
from __future__ import annotations

import math
import os
from typing import Any

from ..base import InvalidValueError
from ..invoke import F
from ..nd import random
from ..nd.update import Call
from .optimizer import Formula, OneByOne, arrays, by_version, register, settled

__all__ = ["DCASGD", "LARS", "LBSGD", "NAG", "SGD", "SGLD", "Signum", "ccSGD", "group_size"]


def group_size(default: int, most: int | None = None) -> int:
    """How many weights are handed over at once: the environment may say."""
    size = int(os.environ.get("MXNET_OPTIMIZER_AGGREGATION_SIZE", default))
    return size if most is None else max(1, min(most, size))


class _Momentum(OneByOne):
    """Has a momentum, and no state where that is 0."""

    momentum: float

    def create_state(self, index: Any, weight: Any) -> Any:
        return F.zeros_like(weight) if self.momentum else None

    def _descent(self, lr: float, wd: float, momentum: float, stateless: bool) -> Formula:
        if stateless:
            return self._apply("sgd_update", lr=lr, wd=wd)
        return self._apply("sgd_mom_update", lr=lr, wd=wd, momentum=momentum)


@register
class SGD(_Momentum):
    """Stochastic gradient descent: mom = momentum mom - lr (g + wd w), w += mom.

    `lazy_update` is for sparse arrays and changes nothing here.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.1), momentum: float = 0.0,
                 lazy_update: bool = by_version(True, False), aggregate_num: float | None = None,
                 **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, aggregate_num=_size(aggregate_num), **kwargs)
        self.momentum, self.lazy_update = momentum, settled(lazy_update)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        return self._descent(lr, wd, self.momentum, stateless)


def _size(aggregate_num: float | None) -> float:
    return settled(by_version(group_size(4), 1)) if aggregate_num is None else aggregate_num


@register
class ccSGD(SGD):
    """An old name of `SGD`."""


@register
class NAG(_Momentum):
    """Nesterov's accelerated gradient: mom = momentum mom - lr (g + wd w), w += momentum mom - lr (g + wd w).

    MXNet 1 takes the decay in the new mom from the new weights.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.1),
                 momentum: float = by_version(0.0, 0.9), **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = settled(momentum)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        if stateless:
            return self._descent(lr, wd, 0.0, True)
        return self._apply_decayed("nag_mom_update", lr=lr, wd=wd, apart=True, momentum=self.momentum)


@register
class Signum(_Momentum):
    """Steps of one length (Bernstein et al. 2018): mom = momentum mom - (1 - momentum) (g + wd w),
    w = (1 - lr wd_lh) w + lr sign(mom); without momentum w = (1 - lr (wd + wd_lh)) w - lr sign(g).
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9, wd_lh: float = 0.0,
                 **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum, self.wd_lh = momentum, wd_lh

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula:
        if stateless:
            return self._apply("signsgd_update", lr=lr, wd=wd + self.wd_lh)
        return self._apply("signum_update", lr=lr, wd=wd, momentum=self.momentum, wd_lh=self.wd_lh)


@register
class SGLD(OneByOne):
    """Langevin dynamics (Patterson and Teh 2013): w += -lr / 2 (g + wd w) + noise, where the noise is normal
    with variance lr.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.1), **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        weight -= lr / 2 * (self._gradient(grad) + wd * weight)
        weight += random.normal(0, math.sqrt(lr), shape=weight.shape, dtype=weight.dtype, ctx=weight.context)


@register
class DCASGD(_Momentum):
    """Descent with compensation of the delay of gradients (Zheng et al. 2016):
    mom = momentum mom - lr (g + wd w + lamda g^2 (w - previous w)), w += mom.

    In MXNet 2 the g in g^2 includes wd w.
    """

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.1), momentum: float = 0.0,
                 lamda: float = 0.04, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum, self.lamda = momentum, lamda

    def create_state(self, index: Any, weight: Any) -> Any:
        return super().create_state(index, weight), weight.copy()

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        mom, previous = state
        g = self._gradient(grad)
        slope = g + wd * weight
        if self.allow_np_array:
            g = slope
        step = lr * (slope + self.lamda * g * g * (weight - previous))
        if mom is not None:
            mom *= self.momentum
            mom -= step
            step = -mom
        previous[...] = weight
        weight -= step


@register
class LARS(_Momentum):
    """Layer-wise adaptive rates (You et al. 2017): `SGD` with the rate lr eta |w| / (|g| + wd |w| + epsilon),
    where g is not clipped, and lr if |w| or |g| is 0 or the weight's name ends with gamma, beta or bias.

    `momentum_correction` multiplies the momentum by the new rate over the old one when a scheduler has
    changed it; MXNet 2 does not know that.  `eps` is another name of `epsilon`.
    """

    _decayed = ("_weight",)

    def __init__(self, *, learning_rate: float | None = by_version(None, 0.1), momentum: float = 0.0,
                 eta: float = 0.001, epsilon: float = by_version(0.0, 1e-8), eps: float | None = None,
                 momentum_correction: bool = by_version(True, False),
                 lazy_update: bool = by_version(True, False), aggregate_num: float | None = None,
                 **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, aggregate_num=_size(aggregate_num), **kwargs)
        self.momentum, self.eta = momentum, eta
        self.epsilon = settled(epsilon) if eps is None else eps
        self.momentum_correction, self.lazy_update = settled(momentum_correction), settled(lazy_update)
        self.last_lr: float | None = None
        self.cur_lr: float | None = None

    def _get_lrs(self, indices: Any) -> list[float]:
        self.last_lr, self.cur_lr = self.cur_lr, self.learning_rate
        return super()._get_lrs(indices)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> Call:
        if not self.idx2name.get(index, str(index)).endswith(("gamma", "beta", "bias")):
            length, slope = _length(weight), _length(grad) * float(self.rescale_grad)
            if length > 0 and slope > 0:
                lr *= self.eta * length / (slope + wd * length + self.epsilon)
        momentum = self.momentum
        if self.momentum_correction and self.last_lr and self.cur_lr is not None:
            momentum *= self.cur_lr / self.last_lr
        return self._call(self._descent(lr, wd, momentum, state is None), arrays(weight, grad, state), wd)


def _length(x: Any) -> float:
    return float(F.norm(x.astype("float32")))


@register
class LBSGD(_Momentum):
    """`SGD` for large batches: the mean of `batch_scale` gradients makes one step, whose rate warms up.

    Parameters
    ----------
    warmup_strategy : str
        'linear', 'power2' or 'sqrt': how the factor of the rate rises from 1 to `batch_scale` in
        ``warmup_epochs * updates_per_epoch`` updates; or 'lars': sqrt(|w|^2 / (|g|^2 + wd |w|^2)), at least
        0.01 and at most 100.
    warmup_epochs, batch_scale, updates_per_epoch, begin_epoch, num_epochs : int
        As above; the count starts at ``begin_epoch * updates_per_epoch``, `num_epochs` is only noted.
    """

    def __init__(self, *, momentum: float = 0.0, warmup_strategy: str = "linear", warmup_epochs: int = 5,
                 batch_scale: int = 1, updates_per_epoch: int = 32, begin_epoch: int = 0,
                 num_epochs: int = 60, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if warmup_strategy not in ("linear", "power2", "sqrt", "lars"):
            raise InvalidValueError("LBSGD: warmup_strategy is 'linear', 'power2', 'sqrt' or 'lars', not "
                                    f"{warmup_strategy!r}")
        if batch_scale < 1:
            raise InvalidValueError(f"LBSGD: batch_scale is at least 1, not {batch_scale}")
        self.momentum, self.warmup_strategy, self.batch_scale = momentum, warmup_strategy, batch_scale
        self.warmup_epochs, self.updates_per_epoch = warmup_epochs, updates_per_epoch
        self.init_updates, self.num_epochs = begin_epoch * updates_per_epoch, num_epochs
        self.cumgrads: dict[Any, tuple[Any, int]] = {}

    def _get_lbmult(self, nup: int) -> float:
        """The factor of the rate after `nup` gradients."""
        nwup = self.warmup_epochs * self.updates_per_epoch
        if nup >= nwup:
            return self.batch_scale
        if nwup <= 1:
            return 1.0
        power = {"linear": 1.0, "power2": 2.0, "sqrt": 0.5}[self.warmup_strategy]
        return 1.0 + (self.batch_scale - 1) * float((nup / nwup) ** power)

    def _counted_lrs(self, indices: Any) -> list[float]:
        lrs = self._get_lrs(indices)        # MXNet asks the scheduler before it counts this update
        self._update_count(indices)
        return lrs

    def _get_lars(self, weight: Any, grad: Any, wd: float) -> float:
        length, slope = _length(weight) ** 2, _length(grad) ** 2
        return min(max(math.sqrt(length / (slope + wd * length + 1e-18)), 0.01), 100.0)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> Call | None:
        total, count = self.cumgrads.get(index, (None, self.init_updates))
        total, count = grad.copy() if total is None else total + grad, count + 1
        call = None
        if count % self.batch_scale == 0:
            mean, total = total / self.batch_scale, None
            lars = self.warmup_strategy == "lars"
            lr *= self._get_lars(weight, mean, wd) if lars else self._get_lbmult(count)
            formula = self._descent(lr, wd, self.momentum, state is None)
            call = self._call(formula, arrays(weight, mean, state), wd)
        self.cumgrads[index] = total, count
        return call
