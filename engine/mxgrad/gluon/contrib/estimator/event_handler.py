"""Handlers of the events of a training loop (level 19).

A handler is a subclass of the classes of the events it is about.  What its ``batch_end`` and ``epoch_end``
return says whether training is to stop.
"""
from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ....base import InvalidTypeError, InvalidValueError, MXNetError
from ....metric import CompositeEvalMetric, EvalMetric, Loss
from ...block import HybridBlock

__all__ = ["BatchBegin", "BatchEnd", "CheckpointHandler", "EarlyStoppingHandler", "EpochBegin", "EpochEnd",
           "GradientUpdateHandler", "LoggingHandler", "MetricHandler", "ProgressHandler", "StoppingHandler",
           "TrainBegin", "TrainEnd", "ValidationHandler"]


class EventHandler:
    """What the classes of events share."""


class TrainBegin(EventHandler):
    """Training begins."""

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """A subclass defines it."""


class TrainEnd(EventHandler):
    """Training has ended."""

    def train_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """A subclass defines it."""


class EpochBegin(EventHandler):
    """A pass through the data begins."""

    def epoch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """A subclass defines it."""


class EpochEnd(EventHandler):
    """A pass through the data has ended."""

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        """A subclass defines it; true stops training."""
        return False


class BatchBegin(EventHandler):
    """A batch begins; it is the keyword argument `batch`."""

    def batch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """A subclass defines it."""


class BatchEnd(EventHandler):
    """A batch has been computed: keyword arguments are `batch` and the lists, with an array for each context,
    `pred`, `label` and `loss`.
    """

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> Any:
        """A subclass defines it; true stops training."""
        return False


def check_handlers(handlers: Any) -> list[Any]:
    """One handler or several, as a new list."""
    found = [handlers] if isinstance(handlers, EventHandler) else list(handlers or [])
    if not all(isinstance(h, EventHandler) for h in found):
        raise InvalidValueError(
            f"handlers must be an EventHandler or a list of EventHandler, got: {handlers}")
    return found


def check_metrics(metrics: Any) -> list[Any]:
    """One metric or several, those of composites one by one, as a list."""
    if isinstance(metrics, CompositeEvalMetric):
        return [m for metric in metrics.metrics for m in check_metrics(metric)]
    if isinstance(metrics, EvalMetric):
        return [metrics]
    found = metrics or []
    if not isinstance(found, (list, tuple)) or not all(isinstance(m, EvalMetric) for m in found):
        raise InvalidValueError("metrics must be a Metric or a list of Metric, refer to "
                                f"mxgrad.metric.EvalMetric: {metrics}")
    return list(found)


def _values(metrics: Sequence[Any]) -> str:
    return ", ".join("{}: {:.4f}".format(*metric.get()) for metric in metrics)


def _say(estimator: Any, text: str, metrics: Sequence[Any]) -> None:
    estimator.logger.info((text + _values(metrics)).rstrip(", "))


class StoppingHandler(TrainBegin, BatchEnd, EpochEnd):
    """Stops after as many epochs or batches as `Estimator.fit` was told."""

    def __init__(self, max_epoch: int | None = None, max_batch: int | None = None) -> None:
        self.max_epoch, self.max_batch = max_epoch, max_batch
        self.current_batch = self.current_epoch = 0
        self.stop_training = False

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Count from 0."""
        self.max_epoch, self.max_batch = estimator.max_epoch, estimator.max_batch
        self.current_batch = self.current_epoch = 0
        self.stop_training = False

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether this was the last batch."""
        self.current_batch += 1
        self.stop_training = self.stop_training or self.current_batch == self.max_batch
        return self.stop_training

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether this was the last epoch."""
        self.current_epoch += 1
        self.stop_training = self.stop_training or self.current_epoch == self.max_epoch
        return self.stop_training


class MetricHandler(EpochBegin, BatchEnd):
    """Updates metrics with every batch.

    Parameters
    ----------
    metrics : EvalMetric or list of EvalMetric
        `metric.Loss` gets the losses, others labels and predictions.
    priority : number
        Handlers of one event are called from the lowest to the highest.
    """

    def __init__(self, metrics: Any, priority: float = -1000) -> None:
        self.metrics = check_metrics(metrics)
        self.priority = priority

    def epoch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Start the metrics again."""
        for metric in self.metrics:
            metric.reset()

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Update the metrics."""
        for metric in self.metrics:
            if isinstance(metric, Loss):
                metric.update(0, kwargs["loss"])
            else:
                metric.update(kwargs["label"], kwargs["pred"])


class ValidationHandler(TrainBegin, BatchEnd, EpochEnd):
    """Evaluates the model on other data from time to time.

    Parameters
    ----------
    val_data : DataLoader
    eval_fn : callable
        `Estimator.evaluate`, or something that is called like it.
    epoch_period, batch_period : int or None
        After how many epochs, and after how many batches.
    priority : number
        Handlers of one event are called from the lowest to the highest.
    event_handlers : EventHandler or list of EventHandler, optional
        For `eval_fn`.
    """

    def __init__(
        self, val_data: Any, eval_fn: Callable[..., Any], epoch_period: int | None = 1,
        batch_period: int | None = None, priority: float = -1000, event_handlers: Any = None,
    ) -> None:
        self.val_data, self.eval_fn = val_data, eval_fn
        self.epoch_period, self.batch_period = epoch_period, batch_period
        self.current_batch = self.current_epoch = 0
        self.priority, self.event_handlers = priority, event_handlers

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Count from 0."""
        self.current_batch = self.current_epoch = 0

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Evaluate, if it is time."""
        self.current_batch += 1
        self._evaluate(estimator, self.batch_period, self.current_batch)

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Evaluate, if it is time."""
        self.current_epoch += 1
        self._evaluate(estimator, self.epoch_period, self.current_epoch)

    def _evaluate(self, estimator: Any, period: int | None, count: int) -> None:
        if period and count % period == 0:
            self.eval_fn(val_data=self.val_data, batch_axis=estimator.batch_axis,
                         event_handlers=self.event_handlers)


class LoggingHandler(TrainBegin, TrainEnd, EpochBegin, EpochEnd, BatchBegin, BatchEnd):
    """Writes to the estimator's logger.

    Parameters
    ----------
    log_interval : int or 'epoch'
        Write after every epoch only, or also after every so many batches.
    metrics : EvalMetric or list of EvalMetric, optional
        What to write.
    priority : number
        Handlers of one event are called from the lowest to the highest.
    """

    def __init__(self, log_interval: Any = "epoch", metrics: Any = None,
                 priority: float = float("inf")) -> None:
        if not isinstance(log_interval, int) and log_interval != "epoch":
            raise InvalidValueError("log_interval must be either an integer or string 'epoch'")
        self.metrics = check_metrics(metrics)
        self.log_interval, self.priority = log_interval, priority
        self.batch_index = self.current_epoch = self.processed_samples = 0
        self.train_start = self.epoch_start = self.batch_start = self.log_interval_time = 0.0

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Write the optimizer, and for how long it goes."""
        self.train_start = time.time()
        trainer = estimator.trainer
        estimator.logger.info("Training begin: using optimizer %s with current learning rate %.4f ",
                              type(trainer.optimizer).__name__, trainer.learning_rate)
        if estimator.max_epoch:
            estimator.logger.info("Train for %d epochs.", estimator.max_epoch)
        else:
            estimator.logger.info("Train for %d batches.", estimator.max_batch)
        self.current_epoch = self.batch_index = self.processed_samples = 0
        self.log_interval_time = 0.0

    def train_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Write time and metrics."""
        took, count = int(time.time() - self.train_start), self.current_epoch
        _say(estimator, f"Train finished using total {took}s with {count} epochs. ", self.metrics)

    def batch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Look at the clock."""
        self.batch_start = time.time()

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Write time and metrics, if it is time."""
        if isinstance(self.log_interval, int):
            self.processed_samples += kwargs["batch"][0].shape[0]
            self.log_interval_time += time.time() - self.batch_start
            if self.batch_index % self.log_interval == 0:
                where = f"[Epoch {self.current_epoch}][Batch {self.batch_index}]"
                _say(estimator, f"{where}[Samples {self.processed_samples}] time/interval: "
                     f"{self.log_interval_time:.3f}s ", self.metrics)
                self.log_interval_time = 0.0
        self.batch_index += 1

    def epoch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Write what begins, by the names that `Estimator` gives its metrics."""
        self.epoch_start = time.time()
        if any("training" in metric.name for metric in self.metrics):
            estimator.logger.info("[Epoch %d] Begin, current learning rate: %.4f", self.current_epoch,
                                  estimator.trainer.learning_rate)
        else:
            estimator.logger.info("Validation Begin")

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Write time and metrics."""
        took = time.time() - self.epoch_start
        _say(estimator, f"[Epoch {self.current_epoch}] Finished in {took:.3f}s, ", self.metrics)
        self.current_epoch += 1
        self.batch_index = 0


class ProgressHandler(TrainBegin, EpochBegin, BatchEnd, EpochEnd, TrainEnd):
    """Shows a progress bar of the package tqdm for each epoch, with the values of metrics behind it.

    Next to it a `LoggingHandler` writes as usual; give one of a logger that is silenced, or set the level of
    ``estimator.logger``, for the bar alone.

    Parameters
    ----------
    metrics : EvalMetric or list of EvalMetric, optional
        What to show; the estimator's metrics of training by default.
    priority : number
        Handlers of one event are called from the lowest to the highest.
    **kwargs
        For `tqdm.tqdm`: `file`, `disable`, `leave` …

    Raises
    ------
    ImportError
        The package tqdm is not installed.
    """

    def __init__(self, metrics: Any = None, priority: float = 1000, **kwargs: Any) -> None:
        try:
            from tqdm import tqdm
        except ImportError as error:
            raise ImportError("ProgressHandler shows bars of the package tqdm: pip install tqdm") from error
        self._make, self._options = tqdm, kwargs
        self.metrics = check_metrics(metrics)
        self.priority = priority
        self.current_epoch = self._left = 0
        self._bar: Any = None

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Count from 0."""
        self.current_epoch = 0
        self._left = estimator.max_batch or 0

    def epoch_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """A new bar."""
        total = len(estimator.train_data)
        if self._left:
            total = min(total, self._left)
        self._bar = self._make(total=total, desc=f"epoch {self.current_epoch}", **self._options)

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """One step further."""
        shown = self.metrics or estimator.train_metrics
        self._bar.set_postfix_str(_values(shown), refresh=False)
        self._bar.update()
        self._left = max(self._left - 1, 0)

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """The bar is full."""
        self._bar.close()
        self.current_epoch += 1

    def train_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Forget the bar."""
        self._bar = None


class _Monitor:
    """Whether a metric has become better."""

    def __init__(self, metric: Any, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"mode {mode} is unknown, fallback to auto mode, which means max for accuracy and "
                          "f1 and min otherwise", RuntimeWarning, stacklevel=4)
            mode = "auto"
        if mode == "auto":
            name = metric.get()[0]
            mode = "max" if any(k in str(name).lower() for k in ("acc", "f1")) else "min"
            operator, other = ("greater", "min") if mode == "max" else ("less", "max")
            warnings.warn(
                f"`{operator}` operator will be used to determine if {name} has improved. Please specify "
                f"`mode='{other}'` to use the `{'less' if mode == 'max' else 'greater'}` operator. Specify "
                f"`mode='{mode}' to disable this warning.`", stacklevel=4)
        self.metric, self.min_delta = metric, min_delta
        self._sign = 1 if mode == "max" else -1
        self.best = self.start()

    def start(self, baseline: float | None = None) -> float:
        """Forget what was the best."""
        self.best = -self._sign * float("inf") if baseline is None else baseline
        return self.best

    def look(self) -> tuple[str, float, bool | None]:
        """The metric's name and value, and whether it is better than the best; None if it has no value."""
        name, value = self.metric.get()
        if value != value:
            warnings.warn(f"{name} is not updated, make sure you pass one of the metric objects from "
                          "estimator.train_metrics and estimator.val_metrics as monitor.", RuntimeWarning,
                          stacklevel=3)
            return name, value, None
        return name, value, self._sign * (value - self.best) > self.min_delta


class CheckpointHandler(TrainBegin, BatchEnd, EpochEnd):
    """Saves parameters and the trainer's states, as ``PREFIX-epochEbatchB.params`` and ``.states``, and after
    the first batch the graph of a hybridized model as ``PREFIX-symbol.json``.

    Parameters
    ----------
    model_dir : str
        The folder; it is made.
    model_prefix : str
        What the names of the files begin with.
    monitor : EvalMetric, optional
        What `save_best` is about: one of the estimator's metrics.
    verbose : int
        1 to log what is saved.
    save_best : bool
        Save the model with the best value of `monitor`, too, as ``PREFIX-best``.
    mode : {'auto', 'min', 'max'}
        Whether small or large values are good; 'auto' says large for accuracy and f1.
    epoch_period, batch_period : int or None
        After how many epochs, and after how many batches.
    max_checkpoints : int
        Older ones are deleted; the best is not counted.
    resume_from_checkpoint : bool
        Go on from the last one in the folder, if there is one, for the epochs or batches that are left.
    """

    def __init__(
        self, model_dir: str, model_prefix: str = "model", monitor: Any = None, verbose: int = 0,
        save_best: bool = False, mode: str = "auto", epoch_period: int | None = 1,
        batch_period: int | None = None, max_checkpoints: int = 5, resume_from_checkpoint: bool = False,
    ) -> None:
        if save_best and not isinstance(monitor, EvalMetric):
            raise InvalidValueError(
                "To save best model only, please provide one of the metric objects from "
                "estimator.train_metrics and estimator.val_metrics as monitor.")
        os.makedirs(model_dir, exist_ok=True)
        self.monitor, self.verbose, self.save_best = monitor, verbose, save_best
        self.model_dir, self.model_prefix = model_dir, model_prefix
        self.epoch_period, self.batch_period = epoch_period, batch_period
        self.max_checkpoints, self.resume_from_checkpoint = max_checkpoints, resume_from_checkpoint
        self.current_batch = self.current_epoch = 0
        self.trained_epoch = self.trained_batch = -1
        self.saved_checkpoints: list[str] = []
        self._best = _Monitor(monitor, mode) if save_best else None

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Count from 0, or go on from a checkpoint."""
        self.current_epoch = self.current_batch = 0
        if self._best is not None:
            self._best.start()
        if not self.resume_from_checkpoint:
            return
        wanted, other = ((self.batch_period, self.epoch_period) if estimator.max_batch
                         else (self.epoch_period, self.batch_period))
        if other or not wanted:
            raise InvalidValueError(
                "To use resume from checkpoint, you must only specify the same type of period you used for "
                "training. For example, if you are training based on number of epochs, you must save only "
                "based on epochs, and set batch_period to None.")
        self._resume(estimator)

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Save, if it is time."""
        if self.current_batch == 0:
            self._save_symbol(estimator)
        if self.batch_period and (self.current_batch + 1) % self.batch_period == 0:
            self._save_checkpoint(estimator)
        self.current_batch += 1

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Save, if it is time."""
        if self.epoch_period and (self.current_epoch + 1) % self.epoch_period == 0:
            self._save_checkpoint(estimator)
        self.current_epoch += 1

    def _save_checkpoint(self, estimator: Any) -> None:
        epoch, batch = self.current_epoch, self.current_batch
        if self.resume_from_checkpoint:
            epoch += self.trained_epoch + 1
            # At the end of an epoch the batches are counted already.
            batch += self.trained_batch + (0 if estimator.max_epoch else 1)
        prefix = f"{self.model_prefix}-epoch{epoch}batch{batch}"
        self._save(estimator, prefix)
        self.saved_checkpoints.append(prefix)
        while len(self.saved_checkpoints) > self.max_checkpoints:
            self._remove(self.saved_checkpoints.pop(0))
        if self.verbose:
            estimator.logger.info(
                "[Epoch %d] CheckpointHandler: trained total %d batches, saving model at %s with prefix: %s",
                self.current_epoch, self.current_batch + 1, self.model_dir, prefix)
        if self._best is not None:
            self._save_best(estimator, self._best)

    def _save_best(self, estimator: Any, monitor: _Monitor) -> None:
        name, value, better = monitor.look()
        if better:
            prefix = self.model_prefix + "-best"
            self._save(estimator, prefix)
            if self.verbose:
                estimator.logger.info(
                    "[Epoch %d] CheckpointHandler: %s improved from %0.5f to %0.5f, updating best model at "
                    "%s with prefix: %s", self.current_epoch, name, monitor.best, value, self.model_dir,
                    prefix)
            monitor.best = value
        elif better is not None and self.verbose:
            estimator.logger.info(
                "[Epoch %d] CheckpointHandler: %s did not improve from %0.5f, skipping updating best model",
                self.current_epoch, name, monitor.best)

    def _path(self, name: str) -> str:
        return os.path.join(self.model_dir, name)

    def _save(self, estimator: Any, prefix: str) -> None:
        estimator.net.save_parameters(self._path(prefix + ".params"))
        estimator.trainer.save_states(self._path(prefix + ".states"))

    def _remove(self, prefix: str) -> None:
        for ending in (".params", ".states"):
            path = self._path(prefix + ending)
            if os.path.exists(path):
                os.remove(path)

    def _save_symbol(self, estimator: Any) -> None:
        path = self._path(self.model_prefix + "-symbol.json")
        net = estimator.net
        if isinstance(net, HybridBlock) and net._active:
            try:
                net.export(None)[0].save(path)
                return
            except MXNetError as error:
                reason = f" ({error})"
        else:
            reason = ""
        estimator.logger.info(
            "Model architecture(symbol file) is not saved, please use HybridBlock to construct your model, "
            "and call net.hybridize() before passing to Estimator in order to save model architecture as "
            "%s.%s", path, reason)

    def _resume(self, estimator: Any) -> None:
        name = re.compile(re.escape(self.model_prefix) + r"-epoch(\d+)batch(\d+)\.params")
        files = map(name.fullmatch, os.listdir(self.model_dir))
        found = sorted((int(m[1]), int(m[2])) for m in files if m)
        unit, total = (("batches", estimator.max_batch) if estimator.max_batch
                       else ("epochs", estimator.max_epoch))
        if not found:
            estimator.logger.info("CheckpointHandler: No checkpoint found, training from scratch for %d %s",
                                  total, unit)
            return
        names = [f"{self.model_prefix}-epoch{e}batch{b}" for e, b in found]
        epoch, batch = found[-1]
        done = batch if estimator.max_batch else epoch
        if done >= total - 1:
            kind = "batch" if estimator.max_batch else "epoch"
            raise InvalidValueError(
                f"Found checkpoint with maximum number of {kind} {total} reached, please specify "
                "resume_from_checkpoint=False (default value) if you want to train from scratch.")
        parameters, states = (self._path(names[-1] + ending) for ending in (".params", ".states"))
        if not os.path.exists(states):
            raise InvalidValueError(f"Failed to load checkpoint, {states} does not exist")
        estimator.net.load_parameters(parameters, ctx=estimator.context)
        estimator.trainer.load_states(states)
        self.saved_checkpoints, self.trained_epoch, self.trained_batch = names, epoch, batch
        left = total - done - 1
        if estimator.max_batch:
            estimator.max_batch = left
        else:
            estimator.max_epoch = left
        estimator.logger.warning("CheckpointHandler: Checkpoint resumed from epoch %d batch %d, continue to "
                                 "train for %d %s ", epoch, batch, left, unit)


class EarlyStoppingHandler(TrainBegin, EpochEnd, TrainEnd):
    """Stops when a metric does not become better any more.

    Parameters
    ----------
    monitor : EvalMetric
        One of the estimator's metrics.
    min_delta : float
        By how much it has to become better.
    patience : int
        How many epochs without it are too many.
    mode : {'auto', 'min', 'max'}
        Whether small or large values are good; 'auto' says large for accuracy and f1.
    baseline : float, optional
        What it has to be better than at first.
    """

    def __init__(self, monitor: Any, min_delta: float = 0, patience: int = 0, mode: str = "auto",
                 baseline: float | None = None) -> None:
        if not isinstance(monitor, EvalMetric):
            raise InvalidValueError("Please provide one of the metric objects from estimator.train_metrics "
                                    "and estimator.val_metrics as monitor.")
        if isinstance(monitor, CompositeEvalMetric):
            raise InvalidTypeError("CompositeEvalMetric is not supported for EarlyStoppingHandler, please "
                                   "specify a simple metric instead.")
        self.monitor, self.patience, self.baseline, self.min_delta = monitor, patience, baseline, min_delta
        self._watched = _Monitor(monitor, mode, min_delta)
        self.wait = self.stopped_epoch = self.current_epoch = 0
        self.stop_training = False

    @property
    def best(self) -> float:
        """The best value so far."""
        return self._watched.best

    def train_begin(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Count from 0."""
        self.wait = self.stopped_epoch = self.current_epoch = 0
        self.stop_training = False
        self._watched.start(self.baseline)

    def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> bool:
        """Whether it is enough."""
        _, value, better = self._watched.look()
        if better:
            self._watched.best = value
            self.wait = 0
        elif better is not None:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = self.current_epoch
                self.stop_training = True
        self.current_epoch += 1
        return self.stop_training

    def train_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Log it, if training was stopped."""
        if self.stopped_epoch > 0:
            estimator.logger.info("[Epoch %d] EarlyStoppingHanlder: early stopping due to %s not improving",
                                  self.stopped_epoch, self.monitor.get()[0])


class GradientUpdateHandler(BatchEnd):
    """Takes a step of the trainer with every batch.

    Parameters
    ----------
    priority : number
        Handlers of one event are called from the lowest to the highest.
    """

    def __init__(self, priority: float = -2000) -> None:
        self.priority = priority

    def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Take the step, over the number of examples."""
        loss = kwargs["loss"]
        losses = loss if isinstance(loss, list) else [loss]
        estimator.trainer.step(sum(part.shape[0] for part in losses))
