"""The training loop (level 19)."""
from __future__ import annotations

import copy
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from ....base import InvalidValueError
from ....context import Context, cpu, gpu, num_gpus
from ....metric import Accuracy, Loss as LossMetric
from ....npx.switches import is_np_array
from ...data import DataLoader
from ...loss import Loss, SoftmaxCrossEntropyLoss
from ...trainer import Trainer
from .batch_processor import BatchProcessor
from .event_handler import (
    BatchBegin, BatchEnd, EpochBegin, EpochEnd, GradientUpdateHandler, LoggingHandler, MetricHandler,
    StoppingHandler, TrainBegin, TrainEnd, ValidationHandler, check_handlers, check_metrics,
)

__all__ = ["Estimator"]


class Estimator:
    """Trains and evaluates a model, with handlers of the events on the way.

    Parameters
    ----------
    net : Block
    loss : Loss
    train_metrics, val_metrics : EvalMetric or list of EvalMetric, optional
        For training, by default the loss, and the accuracy for `SoftmaxCrossEntropyLoss`; and for
        validation, by default copies of the others.  'training ' and 'validation ' are put before their
        names.
    initializer : Initializer, optional
        For parameters that are not initialized.
    trainer : Trainer, optional
        By default one with SGD and a learning rate of 0.001, and a warning.
    context, device : Context or list of Context, optional
        Where the batches are computed; a GPU by default if there is one.
    val_net : Block, optional
        A model for validation that shares the parameters of `net`.
    val_loss : Loss, optional
        The loss for validation.
    batch_processor : BatchProcessor, optional
        Does with a batch what is to be done.

    Attributes
    ----------
    logger : logging.Logger
        The estimator's own, which writes to the standard output.

    Raises
    ------
    InvalidValueError
        An argument is something else.
    """

    def __init__(
        self, net: Any, loss: Any, train_metrics: Any = None, val_metrics: Any = None,
        initializer: Any = None, trainer: Any = None, context: Any = None, val_net: Any = None,
        val_loss: Any = None, batch_processor: Any = None, device: Any = None,
    ) -> None:
        self.net, self.loss = net, _loss(loss)
        self._train_metrics, self._val_metrics = check_metrics(train_metrics), check_metrics(val_metrics)
        self._name_metrics()
        self.val_loss = self.loss if val_loss is None else _loss(val_loss)
        self.val_net = net if val_net is None else val_net
        self.logger = logging.Logger(name="Estimator", level=logging.INFO)
        self.logger.addHandler(logging.StreamHandler(sys.stdout))
        self.context = _contexts(device if context is None else context)
        self._initialize(initializer)
        self.trainer = self._trainer(trainer)
        if batch_processor is not None and not all(
                callable(getattr(batch_processor, n, None)) for n in ("fit_batch", "evaluate_batch")):
            raise InvalidValueError(
                "Customized Batch Processor must contain fit_batch() and evaluate_batch() methods")
        self.batch_processor = batch_processor or BatchProcessor()
        self.max_epoch: int | None = None
        self.max_batch: int | None = None
        self.batch_axis = 0
        self.train_data: Any = None

    def _name_metrics(self) -> None:
        if not self._train_metrics:
            self._train_metrics = [Accuracy()] if isinstance(self.loss, SoftmaxCrossEntropyLoss) else []
            name = type(self.loss).__name__ if is_np_array() else self.loss.name.rstrip("1234567890")
            self._train_metrics.append(LossMetric(name))
        for metric in self._train_metrics:
            metric.name = "training " + metric.name
        if not self._val_metrics:
            self._val_metrics = [copy.deepcopy(metric) for metric in self._train_metrics]
        for metric in self._val_metrics:
            metric.name = ("" if "training" in metric.name else "validation ") + metric.name.replace(
                "training", "validation")

    def _initialize(self, initializer: Any) -> None:
        params = self.net.collect_params().values()
        if any(p._data is None and not p._deferred_init for p in params):
            self.net.initialize(init=initializer, ctx=self.context)
        elif initializer:
            warnings.warn(
                "Network already fully initialized, skipping initialization. You don't need to pass "
                "initializer if you already initialized your net. You can use "
                "net.initialize(init=your_initializer, force_reinit=True)to force re-initialize.",
                stacklevel=3)

    def _trainer(self, trainer: Any) -> Trainer:
        if trainer is None:
            warnings.warn("No trainer specified, default SGD optimizer with learning rate 0.001 is used.",
                          stacklevel=3)
            return Trainer(self.net.collect_params(), "sgd", {"learning_rate": 0.001})
        if not isinstance(trainer, Trainer):
            raise InvalidValueError(
                f"Trainer must be a Gluon Trainer instance, refer to gluon.Trainer:{trainer}")
        return trainer

    @property
    def device(self) -> list[Context]:
        """MXNet 2's name for `context`."""
        return self.context

    @property
    def train_metrics(self) -> list[Any]:
        """The metrics of training."""
        return self._train_metrics

    @property
    def val_metrics(self) -> list[Any]:
        """The metrics of validation."""
        return self._val_metrics

    # -- loops -----------------------------------------------------------------------------------------------

    def evaluate(self, val_data: Any, batch_axis: int = 0, event_handlers: Any = None) -> None:
        """Compute the metrics of validation on `val_data`.

        Parameters
        ----------
        val_data : DataLoader
            Batches are (data, labels).
        batch_axis : int
            The axis along which a batch is cut for the contexts.
        event_handlers : EventHandler or list of EventHandler, optional
            Besides a `MetricHandler` and a `LoggingHandler`, if there are none.
        """
        _check_loader(val_data)
        for metric in self.val_metrics:
            metric.reset()
        handlers = self._with_defaults(check_handlers(event_handlers), [
            MetricHandler(metrics=self.val_metrics), LoggingHandler(metrics=self.val_metrics)],
            self.val_metrics)
        self._tell(handlers, EpochBegin, "epoch_begin")
        for batch in val_data:
            self._tell(handlers, BatchBegin, "batch_begin", batch=batch)
            _, label, pred, loss = self.batch_processor.evaluate_batch(self, batch, batch_axis)
            self._tell(handlers, BatchEnd, "batch_end", batch=batch, pred=pred, label=label, loss=loss)
        self._tell(handlers, EpochEnd, "epoch_end")

    def fit(
        self, train_data: Any, val_data: Any = None, epochs: int | None = None, event_handlers: Any = None,
        batches: int | None = None, batch_axis: int = 0,
    ) -> None:
        """Train for a number of epochs, or a number of batches.

        Parameters
        ----------
        train_data : DataLoader
            Batches are (data, labels).
        val_data : DataLoader, optional
            For a `ValidationHandler`.
        epochs, batches : int
            One of them.
        event_handlers : EventHandler or list of EventHandler, optional
            Besides a `StoppingHandler`, and a `GradientUpdateHandler`, a `MetricHandler` and a
            `LoggingHandler`, if there are none.
        batch_axis : int
            The axis along which a batch is cut for the contexts.
        """
        _check_loader(train_data)
        if (not epochs) == (not batches):
            raise InvalidValueError(
                "Fit only support exactly one type of iteration, train by number of epochs or number of "
                "batches.Please specify one and only one of: epochs or batches.")
        self.max_epoch, self.max_batch, self.batch_axis = epochs, batches, batch_axis
        self.train_data = train_data
        defaults: list[Any] = [GradientUpdateHandler(), MetricHandler(metrics=self.train_metrics)]
        if val_data:
            defaults.append(ValidationHandler(val_data=val_data, eval_fn=self.evaluate))
        defaults.append(LoggingHandler(metrics=self.train_metrics))
        given = check_handlers(event_handlers)
        handlers = self._with_defaults(given, defaults, self.train_metrics + self.val_metrics,
                                       [StoppingHandler(epochs, batches)])
        self._tell(handlers, TrainBegin, "train_begin")
        stop = False
        while not stop:
            self._tell(handlers, EpochBegin, "epoch_begin")
            for batch in train_data:
                self._tell(handlers, BatchBegin, "batch_begin", batch=batch)
                _, label, pred, loss = self.batch_processor.fit_batch(self, batch, batch_axis)
                if self._tell(handlers, BatchEnd, "batch_end", batch=batch, pred=pred, label=label,
                              loss=loss):
                    break
            stop = self._tell(handlers, EpochEnd, "epoch_end")
        self._tell(handlers, TrainEnd, "train_end")

    def _tell(self, handlers: Sequence[Any], event: type, method: str, **kwargs: Any) -> bool:
        """Call a method of the handlers of an event; whether one of them wants to stop."""
        answers = [getattr(h, method)(self, **kwargs) for h in handlers if isinstance(h, event)]
        return any(answers)

    def _with_defaults(
        self, given: list[Any], defaults: list[Any], metrics: list[Any], always: Sequence[Any] = (),
    ) -> list[Any]:
        """The handlers in the order in which they are called, those `defaults` among them of whose class
        none is given.
        """
        added = [*always, *(d for d in defaults if not any(isinstance(h, type(d)) for h in given))]
        if given and added:
            for handler in given:
                _check_metrics_of(handler, metrics)
        return sorted(given + added, key=lambda h: getattr(h, "priority", 0))


def _loss(loss: Any) -> Loss:
    if not isinstance(loss, Loss):
        raise InvalidValueError(f"loss must be a Loss, refer to gluon.loss.Loss:{loss}")
    return loss


def _contexts(given: Any) -> list[Context]:
    count = num_gpus()
    if not given:
        if count > 1:
            warnings.warn("You have multiple GPUs, gpu(0) will be used by default. To utilize all your "
                          "GPUs, specify context as a list of gpus, e.g. context=[mx.gpu(0), mx.gpu(1)]",
                          stacklevel=3)
        return [gpu(0) if count else cpu()]
    found = [given] if isinstance(given, Context) else given
    if not isinstance(found, list) or not all(isinstance(c, Context) for c in found):
        raise InvalidValueError("context must be a Context or a list of Context, for example mx.cpu() or "
                                f"[mx.gpu(0), mx.gpu(1)], refer to mxgrad.Context:{given}")
    for ctx in found:
        if ctx.device_type == "gpu" and ctx.device_id >= count:
            known = ", ".join(["mx.cpu()", *(str(gpu(i)) for i in range(count))])
            raise InvalidValueError(
                f"{ctx} is not available, please make sure your context is in one of: {known}")
    return found


def _check_loader(data: Any) -> None:
    if not isinstance(data, DataLoader):
        raise InvalidValueError(
            "Estimator only support input as Gluon DataLoader. Alternatively, you can transform your "
            "DataIter or any NDArray into Gluon DataLoader. Refer to gluon.data.DataLoader; got "
            f"{type(data).__name__}")


def _check_metrics_of(handler: Any, known: list[Any]) -> None:
    """Metrics of a handler are the estimator's: others would not be updated."""
    for attribute, value in vars(handler).items():
        if "metric" in attribute and value:
            for metric in value if isinstance(value, list) else [value]:
                if not any(metric is k for k in known):
                    raise InvalidValueError(
                        f"Event handler {type(handler).__name__} refers to a metric instance {metric} "
                        "outside of the known training and validation metrics. Please use the metrics from "
                        "estimator.train_metrics and estimator.val_metrics instead.")
