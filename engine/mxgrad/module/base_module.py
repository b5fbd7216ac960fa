"""What all modules share: the loops of training, scoring and prediction (level 14)."""
from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from .. import metric as metrics, nd
from ..base import InvalidTypeError, InvalidValueError, MXNetError, nearest
from ..context import cpu
from ..initializer import Uniform
from ..io import DataBatch, DataDesc, DataIter
from ..metric import EvalMetric
from ..model import BatchEndParam, split_params

__all__ = ["BaseModule", "NotReadyError"]


class NotReadyError(MXNetError, AssertionError):
    """A module was asked for something before it was bound, or its parameters or optimizer initialized."""


# The parameters of an optimizer that is not told any.
LEARNING_RATE = (("learning_rate", 0.01),)
# The initializer of modules that are not told any.
UNIFORM = Uniform(0.01)


def as_list(value: Any) -> list[Any]:
    """A list or tuple as a list, anything else as the only element of one."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def described(shapes: Any) -> list[DataDesc]:
    """Pairs (name, shape) as `DataDesc`."""
    return [s if isinstance(s, DataDesc) else DataDesc(*s) for s in shapes or ()]


def check_names(symbol: Any, names: Sequence[str], kind: str, strict: bool) -> None:
    """Raise InvalidValueError, or warn, where the graph has no argument of a name."""
    arguments = symbol.list_arguments()
    for name in names:
        if name not in arguments:
            likely = [a for a in arguments if not a.endswith(("_weight", "_bias", "_gamma", "_beta"))]
            text = (f"You created Module with Module(..., {kind}_names={list(names)}) but input with name "
                    f"'{name}' is not found in symbol.list_arguments(). Did you mean one of: "
                    f"{', '.join(likely)}?")
            if strict:
                raise InvalidValueError(text)
            warnings.warn(text, stacklevel=3)


class BaseModule:
    """The base of modules: `fit`, `score` and `predict`, in terms of what subclasses define.

    A module is bound to shapes by `bind`, given parameters by `init_params` and an optimizer by
    `init_optimizer`; then it computes with `forward`, `backward` and `update`.

    Parameters
    ----------
    logger : logging.Logger or module
        What `fit` writes to.

    Attributes
    ----------
    binded, params_initialized, optimizer_initialized : bool
        How far it is.
    for_training, inputs_need_grad : bool
        What it was bound for.
    """

    def __init__(self, logger: Any = logging) -> None:
        self.logger = logger
        self.binded = self.for_training = self.inputs_need_grad = False
        self.params_initialized = self.optimizer_initialized = False
        self._symbol: Any = None

    def _ready(self, what: str, params: bool = True, optimizer: bool = False) -> None:
        """Raise NotReadyError if something has to be called before the method `what`."""
        for there, needed, call in ((self.binded, True, "bind"),
                                    (self.params_initialized, params, "init_params"),
                                    (self.optimizer_initialized, optimizer, "init_optimizer")):
            if needed and not there:
                raise NotReadyError(f"{type(self).__name__}.{what}: call {call} first")

    def _is_bound(self) -> bool:
        """Whether `bind` has been called, which the log hears about."""
        if self.binded:
            self.logger.warning("Already bound, ignoring bind()")
        return self.binded

    # -- what subclasses define ------------------------------------------------------------------------------

    data_names: Any = ()
    output_names: Any = ()
    data_shapes: Any = None
    label_shapes: Any = None
    output_shapes: Any = None

    def _undefined(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not define {what}")

    def bind(
        self, data_shapes: Any, label_shapes: Any = None, for_training: bool = True,
        inputs_need_grad: bool = False, force_rebind: bool = False, shared_module: Any = None,
        grad_req: Any = "write",
    ) -> None:
        """Make arrays for batches of these shapes."""
        raise self._undefined("bind")

    def init_params(
        self, initializer: Any = UNIFORM, arg_params: Any = None, aux_params: Any = None,
        allow_missing: bool = False, force_init: bool = False, allow_extra: bool = False,
    ) -> None:
        """Give the parameters their first values."""
        raise self._undefined("init_params")

    def init_optimizer(
        self, kvstore: Any = "local", optimizer: Any = "sgd", optimizer_params: Any = LEARNING_RATE,
        force_init: bool = False,
    ) -> None:
        """Take an optimizer for `update`."""
        raise self._undefined("init_optimizer")

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Copies of the parameters and of the auxiliary states, by name, on the CPU."""
        raise self._undefined("get_params")

    def forward(self, data_batch: Any, is_train: bool | None = None) -> None:
        """Compute the outputs for a batch."""
        raise self._undefined("forward")

    def backward(self, out_grads: Any = None) -> None:
        """Compute gradients after a `forward`."""
        raise self._undefined("backward")

    def update(self) -> None:
        """Take a step of the optimizer with the gradients."""
        raise self._undefined("update")

    def get_outputs(self, merge_multi_context: bool = True) -> list[Any]:
        """What the last `forward` computed."""
        raise self._undefined("get_outputs")

    def get_input_grads(self, merge_multi_context: bool = True) -> list[Any]:
        """The gradients of the data that the last `backward` computed."""
        raise self._undefined("get_input_grads")

    def update_metric(self, eval_metric: EvalMetric, labels: Any, pre_sliced: bool = False) -> None:
        """Tell a metric the labels and the outputs."""
        raise self._undefined("update_metric")

    def install_monitor(self, mon: Any) -> None:
        """Have an `mx.monitor.Monitor` watch."""
        raise self._undefined("install_monitor")

    # -- what follows ----------------------------------------------------------------------------------------

    @property
    def symbol(self) -> Any:
        """The graph, if there is one."""
        return self._symbol

    def set_params(
        self, arg_params: Any, aux_params: Any, allow_missing: bool = False, force_init: bool = True,
        allow_extra: bool = False,
    ) -> None:
        """Give the parameters values: `init_params` without an initializer."""
        self.init_params(None, arg_params, aux_params, allow_missing, force_init, allow_extra)

    def save_params(self, fname: str) -> None:
        """Write the parameters to a file, as MXNet's checkpoints have them."""
        arg_params, aux_params = self.get_params()
        nd.save(fname, {**{f"arg:{n}": a.as_in_context(cpu()) for n, a in arg_params.items()},
                        **{f"aux:{n}": a.as_in_context(cpu()) for n, a in aux_params.items()}})

    def load_params(self, fname: str) -> None:
        """Read what `save_params` wrote.

        Raises InvalidValueError for a file of something else.
        """
        self.set_params(*split_params(fname, nd.load(fname)))

    def get_states(self, merge_multi_context: bool = True) -> list[Any]:
        """The states that are kept from batch to batch, of each context: here, none."""
        self._ready("get_states")
        return []

    def set_states(self, states: Any = None, value: Any = None) -> None:
        """Give the states arrays, or all of them one value; InvalidValueError if there are none."""
        self._ready("set_states")
        if states or value:
            raise InvalidValueError(f"{type(self).__name__}.set_states: there are no states")

    def prepare(self, data_batch: Any, sparse_row_id_fn: Any = None) -> None:
        """Get ready for a batch; `sparse_row_id_fn` is accepted for MXNet's sake: arrays are dense."""

    def forward_backward(self, data_batch: Any) -> None:
        """`forward` as in training, and `backward`."""
        self.forward(data_batch, is_train=True)
        self.backward()

    # -- loops -----------------------------------------------------------------------------------------------

    def _tell(self, eval_metric: EvalMetric, batch: Any) -> None:
        if isinstance(batch, list):
            self.update_metric(eval_metric, [b.label for b in batch], pre_sliced=True)
        else:
            self.update_metric(eval_metric, batch.label)

    def _each(self, eval_data: Any, num_batch: int | None, reset: bool) -> Iterator[tuple[int, Any]]:
        """The batches, after `forward` not as in training, and their numbers."""
        if reset:
            eval_data.reset()
        for number, batch in enumerate(eval_data):
            if number == num_batch:
                return
            self.prepare(batch)
            self.forward(batch, is_train=False)
            yield number, batch

    def score(
        self, eval_data: Any, eval_metric: Any, num_batch: int | None = None, batch_end_callback: Any = None,
        score_end_callback: Any = None, reset: bool = True, epoch: int = 0, sparse_row_id_fn: Any = None,
    ) -> list[tuple[str, Any]]:
        """Names and values of a metric over data.

        Parameters
        ----------
        eval_data : DataIter
        eval_metric : EvalMetric, str or list
        num_batch : int, optional
            Stop after so many.
        batch_end_callback, score_end_callback : callable or list of callable, optional
            Called with a `mx.model.BatchEndParam` after each batch, and at the end.
        reset : bool
            Begin with the first batch.
        epoch : int
            What callbacks are told.
        """
        self._ready("score")
        found = eval_metric if isinstance(eval_metric, EvalMetric) else metrics.create(eval_metric)
        found.reset()
        count = 0
        for nbatch, eval_batch in self._each(eval_data, num_batch, reset):
            self._tell(found, eval_batch)
            if batch_end_callback is not None:
                _call(batch_end_callback, BatchEndParam(epoch, nbatch, found, locals()))
            count = nbatch + 1
        if score_end_callback is not None:
            _call(score_end_callback, BatchEndParam(epoch, count, found, locals()))
        return found.get_name_value()

    def iter_predict(
        self, eval_data: Any, num_batch: int | None = None, reset: bool = True, sparse_row_id_fn: Any = None,
    ) -> Iterator[tuple[list[Any], int, Any]]:
        """For each batch the outputs without what only fills it, its number, and the batch."""
        self._ready("iter_predict")
        for nbatch, batch in self._each(eval_data, num_batch, reset):
            yield [out[:out.shape[0] - (batch.pad or 0)] for out in self.get_outputs()], nbatch, batch

    def predict(
        self, eval_data: Any, num_batch: int | None = None, merge_batches: bool = True, reset: bool = True,
        always_output_list: bool = False, sparse_row_id_fn: Any = None,
    ) -> Any:
        """The outputs for data.

        Parameters
        ----------
        eval_data : DataIter, NDArray or numpy.ndarray
            An array is one batch.
        num_batch : int, optional
            Stop after so many.
        merge_batches : bool
            Join the batches; otherwise a list for each of them.
        reset : bool
            Begin with the first batch.
        always_output_list : bool
            A list for a single output, too.

        Raises
        ------
        InvalidTypeError
            Data of another type.
        InvalidValueError
            Batches with different numbers of outputs, which cannot be joined.
        """
        self._ready("predict")
        if isinstance(eval_data, (nd.NDArray, numpy.ndarray)):
            given = eval_data if isinstance(eval_data, nd.NDArray) else nd.array(eval_data)
            self.forward(DataBatch([given]), is_train=False)
            return self.get_outputs()[0]
        if not isinstance(eval_data, DataIter):
            raise InvalidTypeError("predict: eval_data must be of type NDArray or DataIter, got "
                                   f"{type(eval_data).__name__}")
        batches = [[out.copy() for out in outputs]
                   for outputs, _, _ in self.iter_predict(eval_data, num_batch, reset)]
        if not batches or not merge_batches:
            return batches
        if len({len(outputs) for outputs in batches}) > 1:
            raise InvalidValueError("predict: Cannot merge batches, as num of outputs is not the same in "
                                    "mini-batches. Maybe bucketing is used?")
        merged = [nd.concat(*parts, dim=0) for parts in zip(*batches)]
        return merged[0] if len(merged) == 1 and not always_output_list else merged

    def fit(
        self, train_data: Any, eval_data: Any = None, eval_metric: Any = "acc",
        epoch_end_callback: Any = None, batch_end_callback: Any = None, kvstore: Any = "local",
        optimizer: Any = "sgd", optimizer_params: Any = LEARNING_RATE, eval_end_callback: Any = None,
        eval_batch_end_callback: Any = None, initializer: Any = UNIFORM, arg_params: Any = None,
        aux_params: Any = None, allow_missing: bool = False, force_rebind: bool = False,
        force_init: bool = False, begin_epoch: int = 0, num_epoch: int | None = None,
        validation_metric: Any = None, monitor: Any = None, sparse_row_id_fn: Any = None,
    ) -> None:
        """Train: bind, initialize, and for each epoch go through the data.

        Parameters
        ----------
        train_data : DataIter
        eval_data : DataIter, optional
            Scored after each epoch.
        eval_metric, validation_metric : EvalMetric, str or list
            Of training and of `eval_data`, by default the same; both are logged after each epoch.
        epoch_end_callback : callable or list of callable, optional
            Called with epoch, symbol, parameters and auxiliary states.
        batch_end_callback, eval_end_callback, eval_batch_end_callback : callable or list, optional
            Called with a `mx.model.BatchEndParam`.
        kvstore, optimizer, optimizer_params
            For `init_optimizer`.
        initializer, arg_params, aux_params, allow_missing, force_init
            For `init_params`.
        force_rebind : bool
            Bind again if it is bound.
        begin_epoch, num_epoch : int
            The first epoch, and the one before which to stop.
        monitor : Monitor, optional
            Writes its statistics after each batch.

        Raises InvalidValueError without `num_epoch`.
        """
        if num_epoch is None:
            raise InvalidValueError("fit: please specify number of epochs as num_epoch")
        self.bind(train_data.provide_data, train_data.provide_label, for_training=True,
                  force_rebind=force_rebind)
        if monitor is not None:
            self.install_monitor(monitor)
        self.init_params(initializer, arg_params, aux_params, allow_missing, force_init)
        self.init_optimizer(kvstore, optimizer, optimizer_params)
        if validation_metric is None:
            validation_metric = eval_metric
        if not isinstance(eval_metric, EvalMetric):
            eval_metric = metrics.create(eval_metric)
        for epoch in range(begin_epoch, num_epoch):
            tic = time.time()
            eval_metric.reset()
            data_iter = iter(train_data)
            next_batch = next(data_iter, None)
            nbatch = 0
            eval_name_vals: list[tuple[str, Any]] = []
            while next_batch is not None:
                data_batch = next_batch
                if monitor is not None:
                    monitor.tic()
                self.forward_backward(data_batch)
                self.update()
                self._tell(eval_metric, data_batch)
                next_batch = next(data_iter, None)
                if next_batch is not None:
                    self.prepare(next_batch)
                if monitor is not None:
                    monitor.toc_print()
                if next_batch is None:      # before callbacks, which may reset it
                    eval_name_vals = eval_metric.get_global_name_value()
                if batch_end_callback is not None:
                    _call(batch_end_callback, BatchEndParam(epoch, nbatch, eval_metric, locals()))
                nbatch += 1
            for name, value in eval_name_vals:
                self.logger.info("Epoch[%d] Train-%s=%f", epoch, name, value)
            self.logger.info("Epoch[%d] Time cost=%.3f", epoch, time.time() - tic)
            arg_params, aux_params = self.get_params()
            self.set_params(arg_params, aux_params)     # the mean over several contexts
            if epoch_end_callback is not None:
                _call(epoch_end_callback, epoch, self.symbol, arg_params, aux_params)
            if eval_data is not None:
                found = self.score(eval_data, validation_metric, score_end_callback=eval_end_callback,
                                   batch_end_callback=eval_batch_end_callback, epoch=epoch)
                for name, value in found:
                    self.logger.info("Epoch[%d] Validation-%s=%f", epoch, name, value)
            train_data.reset()


def _call(callbacks: Any, *args: Any) -> None:
    for callback in as_list(callbacks):
        callback(*args)


def check_params(who: str, given: Any, needed: Any) -> None:
    """Raise InvalidValueError, which lists them, where names are missing among the parameters given."""
    missing = [n for n in needed if n not in given]
    if missing:
        raise InvalidValueError(f"{who}: {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} not "
                                f"presented{nearest(missing[0], given)}; allow_missing=True lets the "
                                "initializer make them")
