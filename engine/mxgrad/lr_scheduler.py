"""Learning rates that change with the number of updates: `mx.lr_scheduler` (level 1).

An optimizer calls its scheduler with the number of updates made so far and takes what it gives as the
learning rate.
"""
from __future__ import annotations

import logging
from collections.abc import Sequence
from math import cos, pi

from .base import InvalidTypeError, InvalidValueError

__all__ = ["CosineScheduler", "FactorScheduler", "LRScheduler", "MultiFactorScheduler", "PolyScheduler"]


class LRScheduler:
    """What all schedules share: the warm-up.  A schedule of one's own defines ``__call__(num_update)``.

    Parameters
    ----------
    base_lr : float
        The learning rate after the warm-up; an optimizer sets it to its own.
    warmup_steps : int
        For so many updates the rate rises from `warmup_begin_lr` to `base_lr` ('linear'), or stays at
        `warmup_begin_lr` ('constant').
    warmup_begin_lr : float
        At most `base_lr`.
    warmup_mode : str
        'linear' or 'constant'.

    Raises
    ------
    ValueError
        For a value that is not allowed.
    """

    def __init__(self, base_lr: float = 0.01, warmup_steps: int = 0, warmup_begin_lr: float = 0,
                 warmup_mode: str = "linear") -> None:
        self.base_lr = base_lr
        self.warmup_steps = _count("warmup_steps", warmup_steps)
        self.warmup_final_lr = base_lr
        self.warmup_begin_lr = warmup_begin_lr
        if warmup_begin_lr > base_lr:
            raise InvalidValueError(
                f"Base lr has to be higher than warmup_begin_lr; they are {base_lr} and {warmup_begin_lr}")
        if warmup_steps < 0:
            raise InvalidValueError(f"Warmup steps has to be positive or 0, not {warmup_steps}")
        if warmup_mode not in ("linear", "constant"):
            raise InvalidValueError(f"Supports only linear and constant modes of warmup, not {warmup_mode!r}")
        self.warmup_mode = warmup_mode

    def get_warmup_lr(self, num_update: int) -> float:
        """The rate at an update of the warm-up, `num_update` < `warmup_steps`."""
        if num_update >= self.warmup_steps:
            raise InvalidValueError(f"update {num_update} is not one of the {self.warmup_steps} warmup steps")
        if self.warmup_mode == "constant":
            return self.warmup_begin_lr
        rise = self.warmup_final_lr - self.warmup_begin_lr
        return self.warmup_begin_lr + rise * num_update / self.warmup_steps

    def __call__(self, num_update: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} must override __call__(num_update)")


class FactorScheduler(LRScheduler):
    """The rate times `factor` every `step` updates, down to `stop_factor_lr`.

    >>> from mxgrad import lr_scheduler
    >>> schedule = lr_scheduler.FactorScheduler(step=2, factor=0.5, base_lr=1.0)
    >>> [schedule(n) for n in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, step: int, factor: float = 1, stop_factor_lr: float = 1e-8, base_lr: float = 0.01,
                 warmup_steps: int = 0, warmup_begin_lr: float = 0, warmup_mode: str = "linear") -> None:
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if step < 1:
            raise InvalidValueError(f"Schedule step must be greater or equal than 1 round, not {step}")
        _check_factor(factor)
        self.step, self.factor, self.stop_factor_lr = step, factor, stop_factor_lr
        self.count = 0

    def __call__(self, num_update: int) -> float:
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        while num_update > self.count + self.step:      # a loop, for one who goes on from a later update
            self.count += self.step
            self.base_lr *= self.factor
            if self.base_lr < self.stop_factor_lr:
                self.base_lr = self.stop_factor_lr
                logging.info("Update[%d]: now learning rate arrived at %0.5e, will not change in the future",
                             num_update, self.base_lr)
            else:
                _tell(num_update, self.base_lr)
        return self.base_lr


class MultiFactorScheduler(LRScheduler):
    """The rate times `factor` after each of the updates in `step`, which rise.

    >>> from mxgrad import lr_scheduler
    >>> schedule = lr_scheduler.MultiFactorScheduler(step=[2, 4], factor=0.5, base_lr=1.0)
    >>> [schedule(n) for n in (1, 2, 3, 4, 5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, step: Sequence[int], factor: float = 1, base_lr: float = 0.01, warmup_steps: int = 0,
                 warmup_begin_lr: float = 0, warmup_mode: str = "linear") -> None:
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        step = list(step)
        if not step:
            raise InvalidValueError("Schedule step must be a list of at least one number")
        if any(b <= a for a, b in zip(step, step[1:])):
            raise InvalidValueError(f"Schedule step must be an increasing integer list, not {step}")
        if step[0] < 1:
            raise InvalidValueError(f"Schedule step must be greater or equal than 1 round, not {step[0]}")
        _check_factor(factor)
        self.step, self.factor = step, factor
        self.cur_step_ind = self.count = 0

    def __call__(self, num_update: int) -> float:
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        while self.cur_step_ind < len(self.step) and num_update > self.step[self.cur_step_ind]:
            self.count = self.step[self.cur_step_ind]
            self.cur_step_ind += 1
            self.base_lr *= self.factor
            _tell(num_update, self.base_lr)
        return self.base_lr


class _Falling(LRScheduler):
    """From `base_lr` after the warm-up down to `final_lr` at `max_update`, along a curve from 1 to 0."""

    def __init__(self, max_update: int, base_lr: float, final_lr: float, warmup_steps: int,
                 warmup_begin_lr: float, warmup_mode: str) -> None:
        super().__init__(base_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        if _count("max_update", max_update) < 1:
            raise InvalidValueError(f"maximum number of updates must be strictly positive, not {max_update}")
        self.base_lr_orig, self.max_update, self.final_lr = base_lr, max_update, final_lr
        self.max_steps = max_update - warmup_steps

    def curve(self, done: float) -> float:
        """The part of the way that is left when `done`, from 0 to 1, of the updates are."""
        raise NotImplementedError

    def __call__(self, num_update: int) -> float:
        if num_update < self.warmup_steps:
            return self.get_warmup_lr(num_update)
        if num_update <= self.max_update:
            done = (num_update - self.warmup_steps) / self.max_steps if self.max_steps else 1.0
            self.base_lr = self.final_lr + (self.base_lr_orig - self.final_lr) * self.curve(done)
        return self.base_lr


class PolyScheduler(_Falling):
    """From `base_lr` to `final_lr` in `max_update` updates, as the power `pwr` of the part that is left.

    >>> from mxgrad import lr_scheduler
    >>> schedule = lr_scheduler.PolyScheduler(max_update=4, base_lr=1.0, pwr=2)
    >>> [schedule(n) for n in (0, 2, 4, 5)]
    [1.0, 0.25, 0.0, 0.0]
    """

    def __init__(self, max_update: int, base_lr: float = 0.01, pwr: float = 2, final_lr: float = 0,
                 warmup_steps: int = 0, warmup_begin_lr: float = 0, warmup_mode: str = "linear") -> None:
        super().__init__(max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode)
        self.power = pwr

    def curve(self, done: float) -> float:
        return float((1 - done) ** self.power)


class CosineScheduler(_Falling):
    """From `base_lr` to `final_lr` in `max_update` updates, as half a period of the cosine.

    After I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, without
    the restarts.

    >>> from mxgrad import lr_scheduler
    >>> schedule = lr_scheduler.CosineScheduler(max_update=4, base_lr=1.0)
    >>> [round(schedule(n), 6) for n in (0, 2, 4, 5)]
    [1.0, 0.5, 0.0, 0.0]
    """

    def __init__(self, max_update: int, base_lr: float = 0.01, final_lr: float = 0, warmup_steps: int = 0,
                 warmup_begin_lr: float = 0, warmup_mode: str = "linear") -> None:
        super().__init__(max_update, base_lr, final_lr, warmup_steps, warmup_begin_lr, warmup_mode)

    def curve(self, done: float) -> float:
        return (1 + cos(pi * done)) / 2


def _count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(f"{name} must be an int, not {value!r}")
    return value


def _check_factor(factor: float) -> None:
    if factor > 1.0:
        raise InvalidValueError(f"Factor must be no more than 1 to make lr reduce, not {factor}")


def _tell(num_update: int, rate: float) -> None:
    logging.info("Update[%d]: Change learning rate to %0.5e", num_update, rate)
