"""Modules one after the other (level 14)."""
from __future__ import annotations

import copy
import logging
from typing import Any

from ..base import InvalidTypeError, InvalidValueError, nearest
from .base_module import LEARNING_RATE, UNIFORM, BaseModule, NotReadyError, described

__all__ = ["SequentialModule"]


class SequentialModule(BaseModule):
    """A chain of modules: the outputs of each are the data of the next.

    >>> import mxgrad as mx
    >>> first = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="fc1")
    >>> second = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc2"),
    ...                               name="softmax")
    >>> chain = mx.mod.SequentialModule()
    >>> _ = chain.add(mx.mod.Module(first, label_names=None))
    >>> _ = chain.add(mx.mod.Module(second), take_labels=True, auto_wiring=True)
    >>> chain.bind([("data", (4, 5))], [("softmax_label", (4,))])
    >>> chain.output_shapes
    [('softmax_output', (4, 2))]
    """

    META_TAKE_LABELS = "take_labels"
    META_AUTO_WIRING = "auto_wiring"

    def __init__(self, logger: Any = logging) -> None:
        super().__init__(logger)
        self._modules: list[BaseModule] = []
        self._metas: list[dict[str, Any]] = []
        self._label_shapes: Any = None

    def add(self, module: BaseModule, **kwargs: Any) -> SequentialModule:
        """Append a module; the chain has to be bound anew.

        Parameters
        ----------
        module : BaseModule
        take_labels : bool
            Whether it needs the labels.
        auto_wiring : bool
            Whether the outputs before it get the names of its data.

        Raises InvalidTypeError for other keywords.
        """
        known = (self.META_TAKE_LABELS, self.META_AUTO_WIRING)
        for key in kwargs:
            if key not in known:
                raise InvalidTypeError(f'SequentialModule.add: Unknown meta "{key}"{nearest(key, known)}')
        self._modules.append(module)
        self._metas.append(kwargs)
        self.binded = self.params_initialized = self.optimizer_initialized = False
        return self

    # -- names and shapes ------------------------------------------------------------------------------------

    @property
    def data_names(self) -> Any:
        """The names of the first module's data."""
        return self._modules[0].data_names if self._modules else []

    @property
    def output_names(self) -> Any:
        """The names of the last module's outputs."""
        return self._modules[-1].output_names if self._modules else []

    @property
    def data_shapes(self) -> Any:
        """Names and shapes of the first module's data."""
        self._ready("data_shapes", params=False)
        return self._modules[0].data_shapes

    @property
    def label_shapes(self) -> Any:
        """Names and shapes of the labels; None if no module takes them."""
        self._ready("label_shapes", params=False)
        return self._label_shapes

    @property
    def output_shapes(self) -> Any:
        """Names and shapes of the last module's outputs."""
        self._ready("output_shapes", params=False)
        return self._modules[-1].output_shapes

    # -- setting up ------------------------------------------------------------------------------------------

    def bind(
        self, data_shapes: Any, label_shapes: Any = None, for_training: bool = True,
        inputs_need_grad: bool = False, force_rebind: bool = False, shared_module: Any = None,
        grad_req: Any = "write",
    ) -> None:
        """Make arrays for batches of these shapes; see `Module.bind`.  `shared_module` is not supported."""
        if not force_rebind and self._is_bound():
            return
        if shared_module is not None or not self._modules:
            raise InvalidValueError("SequentialModule.bind: " + (
                "shared_module is not supported" if self._modules else "there are no modules"))
        shapes = described(data_shapes)
        taken = False
        for i, (module, meta) in enumerate(zip(self._modules, self._metas)):
            takes = bool(meta.get(self.META_TAKE_LABELS))
            taken = taken or takes
            if meta.get(self.META_AUTO_WIRING):
                if len(module.data_names) != len(shapes):
                    raise InvalidValueError(f"SequentialModule.bind: module {i} takes {module.data_names}, "
                                            f"the one before gives {len(shapes)} outputs")
                shapes = described([(name, d.shape) for name, d in zip(module.data_names, shapes)])
            module.bind(shapes, label_shapes if takes else None, for_training,
                        inputs_need_grad or for_training and i > 0, force_rebind, None, grad_req)
            shapes = described(module.output_shapes)
        self.for_training, self.inputs_need_grad = for_training, inputs_need_grad
        self._label_shapes = label_shapes if taken else None
        self.binded = True

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Copies of the parameters and of the auxiliary states of all modules, by name, on the CPU."""
        self._ready("get_params")
        arg_params: dict[str, Any] = {}
        aux_params: dict[str, Any] = {}
        for module in self._modules:
            arg, aux = module.get_params()
            arg_params.update(arg)
            aux_params.update(aux)
        return arg_params, aux_params

    def init_params(
        self, initializer: Any = UNIFORM, arg_params: Any = None, aux_params: Any = None,
        allow_missing: bool = False, force_init: bool = False, allow_extra: bool = False,
    ) -> None:
        """Give the parameters of all modules their first values; see `Module.init_params`.

        Raises InvalidValueError where two modules have parameters of one name.
        """
        if self.params_initialized and not force_init:
            return
        self._ready("init_params", params=False)
        for module in self._modules:
            # Each takes its own of the parameters given.
            module.init_params(initializer, arg_params, aux_params, allow_missing, force_init,
                               allow_extra or arg_params is not None)
        owners: dict[str, int] = {}
        for i, module in enumerate(self._modules):
            for params in module.get_params():
                for name in params:
                    if owners.setdefault(name, i) != i:
                        raise InvalidValueError(
                            f'SequentialModule: Duplicated parameter names: name "{name}" in layer {i} '
                            f"({type(module).__name__}) is already used in layer {owners[name]}")
        self.params_initialized = True

    def init_optimizer(
        self, kvstore: Any = "local", optimizer: Any = "sgd", optimizer_params: Any = LEARNING_RATE,
        force_init: bool = False,
    ) -> None:
        """Take an optimizer for `update`, one for each module; see `Module.init_optimizer`."""
        self._ready("init_optimizer")
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring.")
            return
        for module in self._modules:
            module.init_optimizer(kvstore, optimizer, optimizer_params, force_init)
        self.optimizer_initialized = True

    # -- computing -------------------------------------------------------------------------------------------

    def forward(self, data_batch: Any, is_train: bool | None = None) -> None:
        """Compute the outputs for a batch."""
        self._ready("forward")
        batch = copy.copy(data_batch)
        for i, module in enumerate(self._modules):
            if i:
                before = self._modules[i - 1]
                batch.data = before.get_outputs()
                batch.provide_data = [(name, x.shape) for name, x in zip(module.data_names, batch.data)]
            module.forward(batch, is_train)

    def backward(self, out_grads: Any = None) -> None:
        """Compute gradients after a `forward`."""
        self._ready("backward")
        for i, module in reversed(list(enumerate(self._modules))):
            module.backward(out_grads)
            if i:
                out_grads = module.get_input_grads()

    def update(self) -> None:
        """Take a step of the optimizers with the gradients."""
        self._ready("update", optimizer=True)
        for module in self._modules:
            module.update()

    def get_outputs(self, merge_multi_context: bool = True) -> list[Any]:
        """What the last `forward` computed."""
        self._ready("get_outputs")
        return self._modules[-1].get_outputs(merge_multi_context)

    def get_input_grads(self, merge_multi_context: bool = True) -> list[Any]:
        """The gradients of the data that the last `backward` computed."""
        self._ready("get_input_grads")
        if not self.inputs_need_grad:
            raise NotReadyError("SequentialModule.get_input_grads: re-bind with inputs_need_grad=True")
        return self._modules[0].get_input_grads(merge_multi_context)

    def update_metric(self, eval_metric: Any, labels: Any, pre_sliced: bool = False) -> None:
        """Tell a metric the labels and the outputs of the modules that take labels."""
        self._ready("update_metric")
        for module, meta in zip(self._modules, self._metas):
            if meta.get(self.META_TAKE_LABELS):
                module.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon: Any) -> None:
        """Have an `mx.monitor.Monitor` watch all modules."""
        self._ready("install_monitor", params=False)
        for module in self._modules:
            module.install_monitor(mon)
