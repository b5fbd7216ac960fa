"""Modules for examples of different lengths, which share their parameters (level 14)."""
from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from .. import nd, symbol as symbols
from ..base import InvalidValueError
from ..model import load_params
from ..name import NameManager
from .base_module import LEARNING_RATE, UNIFORM, BaseModule, NotReadyError
from .module import Module

__all__ = ["BucketingModule"]


class BucketingModule(BaseModule):
    """A `Module` for each bucket, made when a batch with its ``bucket_key`` comes; they share parameters.

    Parameters
    ----------
    sym_gen : callable
        ``sym_gen(bucket_key)`` gives the graph, the names of the data and those of the labels.
    default_bucket_key : object
        The bucket with all parameters, such as the longest; `bind` is for it.
    logger, context, work_load_list, fixed_param_names, state_names, group2ctxs, compression_params
        As for `Module`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> def unrolled(length):
    ...     steps = mx.sym.split(mx.sym.var("data"), num_outputs=length, axis=1, squeeze_axis=True)
    ...     weight = mx.sym.var("weight", shape=(1, 1))
    ...     total = mx.sym.add_n(*[mx.sym.dot(s, weight) for s in steps])
    ...     return total, ["data"], []
    >>> module = mx.mod.BucketingModule(unrolled, default_bucket_key=3)
    >>> module.bind([("data", (1, 3, 1))])
    >>> module.init_params(mx.init.Constant(2))
    >>> data = mx.nd.ones((1, 2, 1))
    >>> module.forward(mx.io.DataBatch([data], bucket_key=2, provide_data=[("data", data.shape)]))
    >>> module.get_outputs()[0].asnumpy().tolist()
    [[4.0]]
    """

    def __init__(
        self, sym_gen: Callable[[Any], Any], default_bucket_key: Any = None, logger: Any = logging,
        context: Any = None, work_load_list: Sequence[float] | None = None,
        fixed_param_names: Sequence[str] | None = None, state_names: Sequence[str] | None = None,
        group2ctxs: Any = None, compression_params: Any = None,
    ) -> None:
        super().__init__(logger)
        if default_bucket_key is None:
            raise InvalidValueError("BucketingModule: give a default_bucket_key")
        self._sym_gen, self._default = sym_gen, default_bucket_key
        self._options: dict[str, Any] = {
            "logger": logger, "context": context, "work_load_list": work_load_list,
            "fixed_param_names": fixed_param_names, "state_names": state_names, "group2ctxs": group2ctxs,
            "compression_params": compression_params}
        self._buckets: dict[Any, Module] = {}
        self._now = self._made(default_bucket_key)
        self._monitor: Any = None
        self._grad_req: Any = "write"

    def _made(self, key: Any) -> Module:
        with NameManager():
            symbol, data_names, label_names = self._sym_gen(key)
        return Module(symbol, data_names, label_names, **self._options)

    # -- names and shapes ------------------------------------------------------------------------------------

    @property
    def data_names(self) -> list[str]:
        """The names of the data of the bucket at hand."""
        return self._now.data_names

    @property
    def output_names(self) -> list[str]:
        """The names of its outputs."""
        return self._now.output_names

    @property
    def data_shapes(self) -> Any:
        """Names and shapes of its data."""
        return self._now.data_shapes

    @property
    def label_shapes(self) -> Any:
        """Names and shapes of its labels."""
        return self._now.label_shapes

    @property
    def output_shapes(self) -> Any:
        """Names and shapes of its outputs."""
        return self._now.output_shapes

    @property
    def symbol(self) -> Any:
        """Its graph."""
        return self._now.symbol

    # -- binding ---------------------------------------------------------------------------------------------

    def bind(
        self, data_shapes: Any, label_shapes: Any = None, for_training: bool = True,
        inputs_need_grad: bool = False, force_rebind: bool = False, shared_module: Any = None,
        grad_req: Any = "write",
    ) -> None:
        """Make arrays for batches of these shapes of the default bucket; see `Module.bind`."""
        if not force_rebind and self._is_bound():
            return
        if shared_module is not None:
            raise InvalidValueError("BucketingModule.bind: shared_module is not supported")
        params = self.get_params() if self.params_initialized else None
        if force_rebind:
            self._buckets = {}
        module = self._buckets.get(self._default) or self._made(self._default)
        module.bind(data_shapes, label_shapes, for_training, inputs_need_grad, grad_req=grad_req)
        self._buckets[self._default] = self._now = module
        self.for_training, self.inputs_need_grad, self._grad_req = for_training, inputs_need_grad, grad_req
        self.binded = True
        if params is not None:
            self.set_params(*params)

    def switch_bucket(self, bucket_key: Any, data_shapes: Any, label_shapes: Any = None) -> None:
        """Take the module of a bucket, which is made and bound to these shapes if it is new."""
        self._ready("switch_bucket", params=False)
        module = self._buckets.get(bucket_key)
        if module is None:
            module = self._made(bucket_key)
        if not module.binded:
            module.bind(data_shapes, label_shapes, self.for_training, self.inputs_need_grad,
                        shared_module=self._buckets[self._default], grad_req=self._grad_req)
            if self._monitor is not None:
                module.install_monitor(self._monitor)
        self._buckets[bucket_key] = self._now = module

    # -- parameters ------------------------------------------------------------------------------------------

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Copies of the parameters and of the auxiliary states, by name, on the CPU."""
        if not self.params_initialized:
            raise NotReadyError("BucketingModule.get_params: call init_params first")
        return self._now.get_params()

    def init_params(
        self, initializer: Any = UNIFORM, arg_params: Any = None, aux_params: Any = None,
        allow_missing: bool = False, force_init: bool = False, allow_extra: bool = False,
    ) -> None:
        """Give the parameters their first values; see `Module.init_params`."""
        if self.params_initialized and not force_init:
            return
        self._ready("init_params", params=False)
        self._now.init_params(initializer, arg_params, aux_params, allow_missing, force_init, allow_extra)
        self.params_initialized = True

    def set_params(
        self, arg_params: Any, aux_params: Any, allow_missing: bool = False, force_init: bool = True,
        allow_extra: bool = False,
    ) -> None:
        """Give parameters values; with `allow_missing` the others keep theirs."""
        self._ready("set_params", params=False)
        self._now.set_params(arg_params, aux_params, allow_missing, force_init, allow_extra)
        self.params_initialized = True

    def get_states(self, merge_multi_context: bool = True) -> list[Any]:
        """The states of the bucket at hand; see `Module.get_states`."""
        return self._now.get_states(merge_multi_context)

    def set_states(self, states: Any = None, value: Any = None) -> None:
        """Give its states values; see `Module.set_states`."""
        self._now.set_states(states, value)

    def init_optimizer(
        self, kvstore: Any = "local", optimizer: Any = "sgd", optimizer_params: Any = LEARNING_RATE,
        force_init: bool = False,
    ) -> None:
        """Take an optimizer for `update`, for all buckets; see `Module.init_optimizer`."""
        self._ready("init_optimizer")
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring.")
            return
        self._now.init_optimizer(kvstore, optimizer, optimizer_params, force_init)
        for module in self._buckets.values():
            if module is not self._now:
                module.borrow_optimizer(self._now)
        self.optimizer_initialized = True

    # -- computing -------------------------------------------------------------------------------------------

    def prepare(self, data_batch: Any, sparse_row_id_fn: Any = None) -> None:
        """Make the module for the batch's bucket; the one at hand stays at hand."""
        self._ready("prepare")
        now = self._now
        self.switch_bucket(data_batch.bucket_key, data_batch.provide_data, data_batch.provide_label)
        self._now = now

    def forward(self, data_batch: Any, is_train: bool | None = None) -> None:
        """Compute the outputs for a batch, with the module of its ``bucket_key``."""
        self._ready("forward")
        self.switch_bucket(data_batch.bucket_key, data_batch.provide_data, data_batch.provide_label)
        self._now.forward(data_batch, is_train)

    def backward(self, out_grads: Any = None) -> None:
        """Compute gradients after a `forward`."""
        self._ready("backward")
        self._now.backward(out_grads)

    def update(self) -> None:
        """Take a step of the optimizer with the gradients."""
        self._ready("update", optimizer=True)
        self._now.update()
        for module in self._buckets.values():
            module._params_dirty = True

    def get_outputs(self, merge_multi_context: bool = True) -> list[Any]:
        """What the last `forward` computed."""
        self._ready("get_outputs")
        return self._now.get_outputs(merge_multi_context)

    def get_input_grads(self, merge_multi_context: bool = True) -> list[Any]:
        """The gradients of the data that the last `backward` computed."""
        self._ready("get_input_grads")
        return self._now.get_input_grads(merge_multi_context)

    def update_metric(self, eval_metric: Any, labels: Any, pre_sliced: bool = False) -> None:
        """Tell a metric the labels and the outputs."""
        self._ready("update_metric")
        self._now.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon: Any) -> None:
        """Have an `mx.monitor.Monitor` watch all buckets."""
        self._ready("install_monitor", params=False)
        self._monitor = mon
        for module in self._buckets.values():
            module.install_monitor(mon)

    # -- files -----------------------------------------------------------------------------------------------

    def save_checkpoint(self, prefix: str, epoch: int, remove_amp_cast: bool = False) -> None:
        """Write the parameters to ``prefix-0001.params``, with the epoch for a number, the graph of each
        bucket to ``prefix-KEY-symbol.json``, and the keys, which have to be int, to ``prefix.buckets``.
        """
        self._ready("save_checkpoint")
        wrong = [k for k in self._buckets if not isinstance(k, (int, numpy.integer))]
        if wrong:
            raise InvalidValueError(f"BucketingModule.save_checkpoint: keys have to be int, got {wrong[0]!r}")
        self.save_params(f"{prefix}-{epoch:04d}.params")
        for key, module in self._buckets.items():
            module.symbol.save(f"{prefix}-{key}-symbol.json", remove_amp_cast=remove_amp_cast)
        nd.save(f"{prefix}.buckets", nd.array(list(self._buckets), dtype="int32"))

    @staticmethod
    def load(
        prefix: str, epoch: int, sym_gen: Any = None, default_bucket_key: Any = None, **kwargs: Any,
    ) -> BucketingModule:
        """The module that `save_checkpoint`, here or in MXNet, wrote; `kwargs` are those of the class."""
        graphs = {int(key): symbols.load(f"{prefix}-{int(key)}-symbol.json")
                  for key in nd.load(f"{prefix}.buckets")[0].asnumpy()}
        return BucketingModule.load_dict(graphs, sym_gen, default_bucket_key, *load_params(prefix, epoch),
                                         **kwargs)

    @staticmethod
    def load_dict(
        sym_dict: Mapping[Any, Any] | None = None, sym_gen: Any = None, default_bucket_key: Any = None,
        arg_params: Any = None, aux_params: Any = None, **kwargs: Any,
    ) -> BucketingModule:
        """A module with these graphs by bucket, and these parameters.

        Raises InvalidValueError if one of the arguments is missing.
        """
        for name, value in (("sym_dict", sym_dict), ("sym_gen", sym_gen), ("arg_params", arg_params),
                            ("default_bucket_key", default_bucket_key), ("aux_params", aux_params)):
            if value is None:
                raise InvalidValueError(f"BucketingModule.load_dict: {name} is needed")
        assert sym_dict is not None
        found = BucketingModule(sym_gen, default_bucket_key, **kwargs)
        for key, symbol in sym_dict.items():
            with NameManager():
                _, data_names, label_names = sym_gen(key)
            found._buckets[key] = Module(symbol, data_names, label_names, **found._options)
        if default_bucket_key not in found._buckets:
            raise InvalidValueError(f"BucketingModule.load_dict: there is no graph of the bucket "
                                    f"{default_bucket_key!r}")
        found._now = found._buckets[default_bucket_key]
        found._now._arg_params, found._now._aux_params = arg_params, aux_params
        found._now.params_initialized = found.params_initialized = True
        return found
