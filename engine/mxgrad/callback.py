"""Functions that a training loop calls after batches and epochs; `mx.callback` (level 13).

Those for batches get a `mx.model.BatchEndParam`.  They write INFO messages to the root logger.

>>> import logging, sys
>>> import mxgrad as mx
>>> root, shown = logging.getLogger(), logging.StreamHandler(sys.stdout)
>>> root.addHandler(shown)
>>> root.setLevel(logging.INFO)
>>> accuracy = mx.metric.Accuracy()
>>> accuracy.update([mx.nd.array([0, 1])], [mx.nd.array([0, 1])])
>>> tell = mx.callback.log_train_metric(period=50)
>>> tell(mx.model.BatchEndParam(epoch=2, nbatch=100, eval_metric=accuracy, locals=None))
Iter[2] Batch[100] Train-accuracy=1.000000
>>> root.removeHandler(shown)
>>> root.setLevel(logging.WARNING)
"""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from math import ceil
from typing import Any

from .model import save_checkpoint

__all__ = ["LogValidationMetricsCallback", "ProgressBar", "Speedometer", "do_checkpoint", "log_train_metric",
           "module_checkpoint"]


def module_checkpoint(
    mod: Any, prefix: str, period: int = 1, save_optimizer_states: bool = False,
) -> Callable[..., None]:
    """A function for the end of epochs that calls
    ``mod.save_checkpoint(prefix, epoch + 1, save_optimizer_states)`` every `period` epochs.
    """
    period = max(1, int(period))

    def checkpoint(iter_no: int, sym: Any = None, arg: Any = None, aux: Any = None) -> None:
        if (iter_no + 1) % period == 0:
            mod.save_checkpoint(prefix, iter_no + 1, save_optimizer_states)

    return checkpoint


def do_checkpoint(prefix: str, period: int = 1) -> Callable[[int, Any, dict[str, Any], dict[str, Any]], None]:
    """A function ``f(epoch, symbol, arg_params, aux_params)`` for the end of epochs that calls
    `mx.model.save_checkpoint` every `period` epochs; the first file is number 1.
    """
    period = max(1, int(period))

    def checkpoint(iter_no: int, sym: Any, arg: dict[str, Any], aux: dict[str, Any]) -> None:
        if (iter_no + 1) % period == 0:
            save_checkpoint(prefix, iter_no + 1, sym, arg, aux)

    return checkpoint


def log_train_metric(period: int, auto_reset: bool = False) -> Callable[[Any], None]:
    """A function for the end of batches that writes the metric every `period` batches, and with `auto_reset`
    resets its local statistics.
    """
    def log(param: Any) -> None:
        if param.nbatch % period == 0 and param.eval_metric is not None:
            for name, value in param.eval_metric.get_name_value():
                logging.info("Iter[%d] Batch[%d] Train-%s=%f", param.epoch, param.nbatch, name, value)
            if auto_reset:
                param.eval_metric.reset_local()

    return log


class Speedometer:
    """Writes the speed and the metric at the end of batches.

    Parameters
    ----------
    batch_size : int
        The number of examples in a batch.
    frequent : int
        Every so many batches.
    auto_reset : bool
        Reset the metric's local statistics each time.

    Notes
    -----
    The first call of an epoch starts the clock.
    """

    def __init__(self, batch_size: int, frequent: int = 50, auto_reset: bool = True) -> None:
        self.batch_size, self.frequent, self.auto_reset = batch_size, frequent, auto_reset
        self.init, self.tic, self.last_count = False, 0.0, 0

    def __call__(self, param: Any) -> None:
        count = param.nbatch
        if self.last_count > count:
            self.init = False
        self.last_count = count
        if not self.init:
            self.init, self.tic = True, time.perf_counter()
        elif count % self.frequent == 0:
            passed = time.perf_counter() - self.tic
            speed = self.frequent * self.batch_size / passed if passed > 0 else float("inf")
            if param.eval_metric is None:
                logging.info("Iter[%d] Batch [%d]\tSpeed: %.2f samples/sec", param.epoch, count, speed)
            else:
                found = param.eval_metric.get_name_value()
                start = 0
                if self.auto_reset:
                    param.eval_metric.reset_local()
                    start = count - self.frequent
                logging.info(
                    "Epoch[%d] Batch [%d-%d]\tSpeed: %.2f samples/sec" + "\t%s=%f" * len(found),
                    param.epoch, start, count, speed, *(x for pair in found for x in pair))
            self.tic = time.perf_counter()


class ProgressBar:
    """Writes a bar at the end of batches.

    Parameters
    ----------
    total : int
        The number of batches in an epoch.
    length : int
        The number of characters of the whole bar.
    """

    def __init__(self, total: int, length: int = 80) -> None:
        self.total, self.bar_len = total, length

    def __call__(self, param: Any) -> None:
        filled = round(self.bar_len * param.nbatch / self.total)
        bar = "=" * filled + "-" * (self.bar_len - filled)
        logging.info("[%s] %s%s\r", bar, ceil(100.0 * param.nbatch / self.total), "%")


class LogValidationMetricsCallback:
    """Writes the metric of a validation."""

    def __call__(self, param: Any) -> None:
        if param.eval_metric:
            for name, value in param.eval_metric.get_name_value():
                logging.info("Epoch[%d] Validation-%s=%f", param.epoch, name, value)
