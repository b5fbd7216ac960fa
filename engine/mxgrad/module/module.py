"""A graph, trained and asked on one context or several (level 14)."""
from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from .. import kvstore as kvstores, nd, optimizer as optimizers
from ..base import InvalidTypeError, InvalidValueError, MXNetError
from ..context import Context, cpu
from ..executor import Executor
from ..initializer import InitDesc
from ..io import DataDesc
from ..metric import EvalMetric
from ..model import load_checkpoint
from ..params_file import replacing
from ..symbol import Symbol
from .base_module import (
    LEARNING_RATE,
    UNIFORM,
    BaseModule,
    NotReadyError,
    as_list,
    check_names,
    check_params,
    described,
)

__all__ = ["Module"]


class Module(BaseModule):
    """A graph with parameters and an optimizer.

    Parameters
    ----------
    symbol : Symbol
    data_names, label_names : sequence of str
        The arguments that are no parameters: what batches have as data and labels.
    logger : logging.Logger or module
    context : Context or list of Context
        Each of several takes its part of a batch.
    work_load_list : list of float, optional
        How large their parts are in proportion; equal by default.
    fixed_param_names : sequence of str, optional
        Parameters that are not trained.
    state_names : sequence of str, optional
        Arguments that `set_states` sets; zeros at first.
    group2ctxs
        Accepted for MXNet's sake: a graph is computed on one context.
    compression_params : dict, optional
        For ``KVStore.set_gradient_compression``.

    Raises InvalidValueError for names that the graph does not have; it warns about labels.

    Examples
    --------
    >>> import mxgrad as mx
    >>> net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1, no_bias=True, name="fc")
    >>> module = mx.mod.Module(net, label_names=None)
    >>> module.bind([("data", (1, 2))])
    >>> module.init_params(mx.init.One())
    >>> module.forward(mx.io.DataBatch([mx.nd.array([[3, 4]])]))
    >>> module.get_outputs()[0].asnumpy().tolist()
    [[7.0]]
    """

    def __init__(
        self, symbol: Symbol, data_names: Sequence[str] | None = ("data",),
        label_names: Sequence[str] | None = ("softmax_label",), logger: Any = logging, context: Any = None,
        work_load_list: Sequence[float] | None = None, fixed_param_names: Sequence[str] | None = None,
        state_names: Sequence[str] | None = None, group2ctxs: Any = None, compression_params: Any = None,
    ) -> None:
        super().__init__(logger)
        self._symbol = symbol
        self._context: list[Context] = as_list(cpu() if context is None else context)
        self._work_load_list = list(work_load_list or [1] * len(self._context))
        if len(self._work_load_list) != len(self._context):
            raise InvalidValueError(f"Module: there are {len(self._context)} contexts, work_load_list has "
                                    f"{len(self._work_load_list)} numbers")
        self._data_names, self._label_names = list(data_names or ()), list(label_names or ())
        self._state_names, self._fixed = list(state_names or ()), list(fixed_param_names or ())
        for names, kind in ((self._data_names, "data"), (self._label_names, "label"),
                            (self._state_names, "state"), (self._fixed, "fixed_param")):
            check_names(symbol, names, kind, kind != "label")
        inputs = {*self._data_names, *self._label_names, *self._state_names}
        self._param_names = [n for n in symbol.list_arguments() if n not in inputs]
        self._aux_names = symbol.list_auxiliary_states()
        self._compression_params = compression_params
        self._arg_params: dict[str, Any] | None = None
        self._aux_params: dict[str, Any] | None = None
        self._params_dirty = False      # the executors know better than _arg_params
        self._optimizer: Any = None
        self._kvstore: Any = None
        self._updater: Any = None
        self._states_file: str | None = None
        self._reset_bind()

    @staticmethod
    def load(prefix: str, epoch: int, load_optimizer_states: bool = False, **kwargs: Any) -> Module:
        """The module that `save_checkpoint`, here or in MXNet, wrote.

        Parameters
        ----------
        prefix : str
            How the files' names begin.
        epoch : int
        load_optimizer_states : bool
            `init_optimizer` shall read the states of the optimizer too.
        **kwargs
            Parameters of `Module`.
        """
        symbol, arg_params, aux_params = load_checkpoint(prefix, epoch)
        module = Module(symbol, **kwargs)
        module._arg_params, module._aux_params = arg_params, aux_params
        module.params_initialized = True
        if load_optimizer_states:
            module._states_file = f"{prefix}-{epoch:04d}.states"
        return module

    def save_checkpoint(
        self, prefix: str, epoch: int, save_optimizer_states: bool = False, remove_amp_cast: bool = True,
    ) -> None:
        """Write the graph to ``prefix-symbol.json``, the parameters to ``prefix-0001.params``, with the epoch
        for a number, and if wanted the states of the optimizer to ``prefix-0001.states``.
        """
        self._symbol.save(f"{prefix}-symbol.json", remove_amp_cast=remove_amp_cast)
        self.save_params(f"{prefix}-{epoch:04d}.params")
        logging.info('Saved checkpoint to "%s"', f"{prefix}-{epoch:04d}.params")
        if save_optimizer_states:
            self.save_optimizer_states(f"{prefix}-{epoch:04d}.states")
            logging.info('Saved optimizer state to "%s"', f"{prefix}-{epoch:04d}.states")

    # -- names and shapes ------------------------------------------------------------------------------------

    @property
    def data_names(self) -> list[str]:
        """The names of the data."""
        return self._data_names

    @property
    def label_names(self) -> list[str]:
        """The names of the labels."""
        return self._label_names

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return list(self._symbol.list_outputs())

    @property
    def data_shapes(self) -> list[DataDesc]:
        """Names and shapes of the data."""
        self._ready("data_shapes", params=False)
        return self._data_shapes

    @property
    def label_shapes(self) -> list[DataDesc] | None:
        """Names and shapes of the labels; None if it was bound without."""
        self._ready("label_shapes", params=False)
        return self._label_shapes or None

    @property
    def output_shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Names and shapes of the outputs."""
        self._ready("output_shapes", params=False)
        return [(name, self._whole(out.shape))
                for name, out in zip(self.output_names, self._execs[0].outputs)]

    def _whole(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape over all contexts."""
        return (self._batch_size, *shape[1:]) if shape and len(self._execs) > 1 else shape

    # -- binding ---------------------------------------------------------------------------------------------

    def _reset_bind(self) -> None:
        self.binded = False
        self._execs: list[Executor] = []
        self._first: list[Executor] = []    # as first bound; for other shapes their arrays are shared
        self._slices: list[slice] = []
        self._batch_size = 0
        self._data_shapes: list[DataDesc] = []
        self._label_shapes: list[DataDesc] = []

    def _described(self, data_shapes: Any, label_shapes: Any) -> tuple[list[DataDesc], list[DataDesc]]:
        """The shapes, whose names are the module's; a warning if those of labels are not."""
        data, labels = described(data_shapes), described(label_shapes)
        for kind, names, shapes in (("data", self._data_names, data), ("label", self._label_names, labels)):
            if sorted(names) != sorted(d.name for d in shapes):
                text = (f"Data provided by {kind}_shapes don't match names specified by {kind}_names "
                        f"({shapes} vs. {names})")
                if kind == "data":
                    raise InvalidValueError(f"Module.bind: {text}")
                warnings.warn(text, stacklevel=3)
        return data, labels

    def _split(self, descriptions: list[DataDesc]) -> tuple[int, list[slice]]:
        """The size of a batch, and the part of each context."""
        sizes = {d.name: d.shape[axis] for d in descriptions
                 if (axis := DataDesc.get_batch_axis(d.layout)) >= 0 and axis < len(d.shape)}
        if not sizes:
            return 0, [slice(0, 0)] * len(self._context)
        if len(set(sizes.values())) > 1:
            raise InvalidValueError("Module.bind: all data must have the same batch size, got "
                                    + ", ".join(f"{d.name} {d.shape}" for d in descriptions))
        size: int = next(iter(sizes.values()))
        if size < len(self._context):
            raise InvalidValueError(f"Module.bind: a batch of {size} is too small for {len(self._context)} "
                                    "contexts")
        total = sum(self._work_load_list)
        ends = [round(size * part / total) for part in accumulate(self._work_load_list)]
        if any(a >= b for a, b in zip([0, *ends], ends)):
            raise InvalidValueError(f"Module.bind: work_load_list {self._work_load_list} leaves a context "
                                    f"without part of a batch of {size}")
        return size, [slice(a, b) for a, b in zip([0, *ends], ends)]

    def _part(self, description: DataDesc, part: slice) -> tuple[int, ...]:
        """The shape that a context gets of an array."""
        axis = DataDesc.get_batch_axis(description.layout)
        shape = description.shape
        if axis < 0 or axis >= len(shape):
            return shape
        return (*shape[:axis], part.stop - part.start, *shape[axis + 1:])

    def bind(
        self, data_shapes: Any, label_shapes: Any = None, for_training: bool = True,
        inputs_need_grad: bool = False, force_rebind: bool = False, shared_module: Any = None,
        grad_req: Any = "write",
    ) -> None:
        """Make arrays for batches of these shapes.

        Parameters
        ----------
        data_shapes, label_shapes : list of DataDesc or of (str, tuple of int)
            Such as ``provide_data`` and ``provide_label`` of a DataIter.
        for_training : bool
            With arrays for gradients.
        inputs_need_grad : bool
            Of the data, too.
        force_rebind : bool
            Forget an earlier call; otherwise nothing happens then, but a warning in the log.
        shared_module : Module, optional
            A bound module with parameters of the same names, whose arrays are used.
        grad_req : str, list of str or dict of str to str
            'write', 'add' or 'null'.

        Raises InvalidValueError for names or shapes that do not fit.
        """
        if force_rebind:
            self._reset_bind()
        if self._is_bound():
            return
        if inputs_need_grad and not for_training:
            raise InvalidValueError("Module.bind: inputs_need_grad needs for_training")
        if shared_module is not None and not (shared_module.binded and shared_module.params_initialized):
            raise NotReadyError("Module.bind: shared_module has to be bound, and its parameters initialized")
        data, labels = self._described(data_shapes, label_shapes)
        size, slices = self._split([*data, *labels])
        arguments = self._symbol.list_arguments()
        trained = {n: "write" if n in self._param_names and n not in self._fixed
                   or inputs_need_grad and n in self._data_names else "null" for n in arguments}
        if not for_training:
            requests = dict.fromkeys(arguments, "null")
        elif isinstance(grad_req, str):
            requests = {n: grad_req if r == "write" else r for n, r in trained.items()}
        elif isinstance(grad_req, dict):
            requests = {**trained, **grad_req}
        else:
            requests = grad_req
        self._execs = [self._symbol.simple_bind(
            context, requests, {d.name: d.dtype for d in (*data, *labels)},
            shared_arg_names=self._param_names,
            shared_exec=None if shared_module is None else shared_module._execs[i],
            **{d.name: self._part(d, part) for d in (*data, *labels) if d.name in arguments})
            for i, (context, part) in enumerate(zip(self._context, slices))]
        self._first, self._slices, self._batch_size = self._execs, slices, size
        self._data_shapes, self._label_shapes = data, labels
        self.for_training, self.inputs_need_grad = for_training, inputs_need_grad
        self.binded = True
        if shared_module is not None:
            self._arg_params, self._aux_params = shared_module._arg_params, shared_module._aux_params
            self.params_initialized = True
            if shared_module.optimizer_initialized:
                self.borrow_optimizer(shared_module)
        elif self.params_initialized:
            self._send()
        else:
            first = self._execs[0]
            self._arg_params = {n: nd.zeros_like(first.arg_dict[n].as_in_context(cpu()))
                                for n in self._param_names}
            self._aux_params = {n: nd.zeros_like(a.as_in_context(cpu())) for n, a in first.aux_dict.items()}

    def reshape(self, data_shapes: Any, label_shapes: Any = None) -> None:
        """Make arrays for batches of other shapes; the parameters stay."""
        self._ready("reshape", params=False)
        data, labels = self._described(data_shapes, label_shapes)
        if (data, labels) == (self._data_shapes, self._label_shapes):
            return
        size, slices = self._split([*data, *labels])
        arguments = self._symbol.list_arguments()
        self._execs = [executor.reshape(
            partial_shaping=True, allow_up_sizing=True,
            **{n: executor.arg_dict[n].shape for n in self._param_names},
            **{d.name: self._part(d, part) for d in (*data, *labels) if d.name in arguments})
            for executor, part in zip(self._first, slices)]
        self._slices, self._batch_size = slices, size
        self._data_shapes, self._label_shapes = data, labels

    # -- parameters ------------------------------------------------------------------------------------------

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Copies of the parameters and of the auxiliary states, by name, on the CPU; the means over several
        contexts.
        """
        if not self.params_initialized or self._arg_params is None or self._aux_params is None:
            raise NotReadyError("Module.get_params: call init_params first")
        if self._params_dirty:
            for own, dicts in ((self._arg_params, [e.arg_dict for e in self._execs]),
                               (self._aux_params, [e.aux_dict for e in self._execs])):
                for name, target in own.items():
                    arrays = [d[name].as_in_context(cpu()) for d in dicts]
                    total = arrays[0]
                    for array in arrays[1:]:
                        total = total + array
                    target[:] = total / len(arrays) if len(arrays) > 1 else total
            self._params_dirty = False
        return self._arg_params, self._aux_params

    def _send(self, allow_extra: bool = True) -> None:
        for executor in self._execs:
            executor.copy_params_from(self._arg_params or {}, self._aux_params, allow_extra)

    def init_params(
        self, initializer: Any = UNIFORM, arg_params: Any = None, aux_params: Any = None,
        allow_missing: bool = False, force_init: bool = False, allow_extra: bool = False,
    ) -> None:
        """Give the parameters their first values.

        Parameters
        ----------
        initializer : Initializer, optional
            For those that are not given; by default uniform on [-0.01, 0.01).
        arg_params, aux_params : dict of str to NDArray, optional
            Values by name.
        allow_missing : bool
            These may lack some.
        force_init : bool
            Once more; otherwise nothing happens but a warning if they have values.
        allow_extra : bool
            These may have more than the graph.

        Raises InvalidValueError for parameters that are missing, too many or of another shape.
        """
        if self.params_initialized and not force_init:
            warnings.warn("Parameters already initialized and force_init=False. init_params call ignored.",
                          stacklevel=2)
            return
        self._ready("init_params", params=False)
        assert self._arg_params is not None and self._aux_params is not None
        attributes = self._symbol.attr_dict()
        for own, given in ((self._arg_params, arg_params), (self._aux_params, aux_params)):
            if given is not None:
                if not allow_missing:
                    check_params("Module.init_params", given, own)
                extra = [n for n in given if n not in own]
                if extra and not allow_extra:
                    raise InvalidValueError(f"Module.init_params: {', '.join(extra)}: there are no "
                                            "parameters of these names; allow_extra=True ignores them")
                for name, array in given.items():
                    if name in own and own[name].shape != array.shape:
                        raise InvalidValueError(f"Module.init_params: {name} has shape {own[name].shape}, "
                                                f"got one of shape {array.shape}")
        for own, given in ((self._arg_params, arg_params), (self._aux_params, aux_params)):
            for name, array in sorted(own.items()):
                if given is not None and name in given:
                    if given[name] is not array:
                        array[:] = given[name].as_in_context(cpu()).astype(array.dtype)
                elif initializer is not None:
                    initializer(InitDesc(name, attributes.get(name)), array)
        self.params_initialized, self._params_dirty = True, False
        self._send()

    def set_params(
        self, arg_params: Any, aux_params: Any, allow_missing: bool = False, force_init: bool = True,
        allow_extra: bool = False,
    ) -> None:
        """Give parameters values; with `allow_missing` the others keep theirs."""
        if not allow_missing:
            self.init_params(None, arg_params, aux_params, False, force_init, allow_extra)
            return
        if self.params_initialized and not force_init:
            warnings.warn("Parameters already initialized and force_init=False. set_params call ignored.",
                          stacklevel=2)
            return
        self._ready("set_params", params=False)
        for executor in self._execs:
            executor.copy_params_from(arg_params, aux_params, allow_extra)
        self._params_dirty = self.params_initialized = True

    # -- optimizer -------------------------------------------------------------------------------------------

    def init_optimizer(
        self, kvstore: Any = "local", optimizer: Any = "sgd", optimizer_params: Any = LEARNING_RATE,
        force_init: bool = False,
    ) -> None:
        """Take an optimizer for `update`.

        Parameters
        ----------
        kvstore : KVStore, str or None
            What adds gradients up over several contexts; a name makes none for a single one.
        optimizer : Optimizer or str
        optimizer_params : dict or sequence of pairs
            For an optimizer that is named; its `rescale_grad` is 1 / batch size unless given.
        force_init : bool
            Again; otherwise nothing happens but a warning in the log if there is one.
        """
        self._ready("init_optimizer")
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring...")
            return
        arg_params, _ = self.get_params()
        count = len(self._context)
        store, on_store = _store(kvstore, count, arg_params)
        names = dict(enumerate(self._param_names)) if on_store else {
            i * count + k: n for i, n in enumerate(self._param_names) for k in range(count)}
        scale = 1.0 / (self._batch_size or 1)
        if isinstance(optimizer, str):
            optimizer = optimizers.create(
                optimizer, param_idx2name=names, **{"rescale_grad": scale, **dict(optimizer_params)})
            self._take_factors(optimizer)
        elif not isinstance(optimizer, optimizers.Optimizer):
            raise InvalidTypeError("Module.init_optimizer: optimizer is an Optimizer or the name of one, got "
                                   f"{type(optimizer).__name__}")
        else:
            if optimizer.rescale_grad != scale:
                warnings.warn(
                    "Optimizer created manually outside Module but rescale_grad is not normalized to "
                    f"1.0/batch_size/num_workers ({optimizer.rescale_grad} vs. {scale}). Is this intended?",
                    stacklevel=2)
            optimizer.idx2name = optimizer.idx2name or dict(names)
        if store is not None:
            if self._compression_params:
                store.set_gradient_compression(self._compression_params)
            if on_store:
                store.set_optimizer(optimizer)
            for name in self._param_names:
                if on_store:
                    store.broadcast(name, arg_params[name], out=[e.arg_dict[name] for e in self._execs])
                else:
                    store.init(name, arg_params[name])
        self._optimizer, self._kvstore = optimizer, store
        self._updater = None if on_store else optimizers.get_updater(optimizer)
        self.optimizer_initialized = True
        if self._states_file is not None:
            self.load_optimizer_states(self._states_file)
            self._states_file = None

    def _take_factors(self, optimizer: Any) -> None:
        """Take the factors of learning rate and decay that are attributes of variables."""
        for kind, take in (("lr", optimizer.set_lr_mult), ("wd", optimizer.set_wd_mult)):
            key = f"__{kind}_mult__"
            take({n: float(a[key]) for n, a in self._symbol.attr_dict().items() if key in a})

    def borrow_optimizer(self, shared_module: Module) -> None:
        """Use the optimizer of another module."""
        if not shared_module.optimizer_initialized:
            raise NotReadyError("Module.borrow_optimizer: call init_optimizer of the other module first")
        self._optimizer, self._kvstore = shared_module._optimizer, shared_module._kvstore
        self._updater = shared_module._updater
        self.optimizer_initialized = True

    def update(self) -> None:
        """Take a step of the optimizer with the gradients."""
        self._ready("update", optimizer=True)
        if not self.for_training:
            raise MXNetError("Module.update: it was bound with for_training=False")
        self._params_dirty = True
        count = len(self._execs)
        weights = [e.arg_dict for e in self._execs]
        gradients = [e.grad_dict for e in self._execs]
        places: list[list[int]] = [[] for _ in self._execs]
        for i, name in enumerate(self._param_names):
            if gradients[0][name] is None:
                continue
            each = [g[name] for g in gradients]
            if self._updater is None:
                self._kvstore.pushpull(name, each, out=[w[name] for w in weights], priority=-i)
                continue
            if self._kvstore is not None:
                self._kvstore.pushpull(name, each, priority=-i)
            for own in places:
                own.append(i)
        if self._updater is None:
            return
        for k, (own, weight, gradient) in enumerate(zip(places, weights, gradients)):
            names = [self._param_names[i] for i in own]
            self._updater([i * count + k for i in own], [gradient[n] for n in names],
                          [weight[n] for n in names])

    def save_optimizer_states(self, fname: str) -> None:
        """Write the states of the optimizer to a file."""
        self._ready("save_optimizer_states", optimizer=True)
        if self._updater is None:
            self._kvstore.save_optimizer_states(fname)
        else:
            states = self._updater.get_states()
            with replacing(fname) as file:
                file.write(states)

    def load_optimizer_states(self, fname: str) -> None:
        """Read what `save_optimizer_states` wrote."""
        self._ready("load_optimizer_states", optimizer=True)
        if self._updater is None:
            self._kvstore.load_optimizer_states(fname)
        else:
            with open(fname, "rb") as file:
                self._updater.set_states(file.read())

    # -- computing -------------------------------------------------------------------------------------------

    def forward(self, data_batch: Any, is_train: bool | None = None) -> None:
        """Compute the outputs for a batch.

        Parameters
        ----------
        data_batch : DataBatch or list of DataBatch
            A list has one for each context.  A batch of other shapes binds the graph to them.
        is_train : bool, optional
            As in training; by default if it was bound for it.
        """
        self._ready("forward")
        batches = data_batch if isinstance(data_batch, list) else None
        first = data_batch[0] if batches else data_batch
        copies = len(batches or [1])

        def described_like(known: list[DataDesc], arrays: Any) -> list[DataDesc]:
            if len(arrays) != len(known):
                raise InvalidValueError(f"Module.forward: the batch has {len(arrays)} arrays for "
                                        f"{', '.join(d.name for d in known)}")
            return [DataDesc(d.name, (copies * a.shape[0], *a.shape[1:]) if copies > 1 else a.shape, d.dtype,
                             d.layout) for d, a in zip(known, arrays)]

        data = described_like(self._data_shapes, first.data)
        if data != self._data_shapes:
            self.reshape(getattr(first, "provide_data", None) or data,
                         getattr(first, "provide_label", None) or (
                             described_like(self._label_shapes, first.label) if first.label else None))
        for i, (executor, part) in enumerate(zip(self._execs, self._slices)):
            own = batches[i] if batches else data_batch
            self._load(executor, part, self._data_shapes, own.data, batches is not None)
            if own.label:
                self._load(executor, part, self._label_shapes, own.label, batches is not None)
        for executor in self._execs:
            executor.forward(self.for_training if is_train is None else is_train)

    def _load(self, executor: Executor, part: slice, known: list[DataDesc], arrays: Any, whole: bool) -> None:
        """Copy a context's part of the arrays of a batch into its executor."""
        targets = executor.arg_dict
        for d, array in zip(known, arrays):
            target = targets.get(d.name)
            if target is not None:
                source = array if whole else self._cut(array, d, part)
                if source.shape != target.shape:
                    raise InvalidValueError(f"Module.forward: {d.name} has shape {source.shape}, it is bound "
                                            f"to {target.shape}")
                target[:] = source.as_in_context(target.context)

    def _cut(self, array: Any, description: DataDesc, part: slice) -> Any:
        """The part of a context of an array of the batch."""
        axis = DataDesc.get_batch_axis(description.layout)
        if len(self._execs) == 1 or axis < 0 or axis >= array.ndim:
            return array
        return nd.slice_axis(array, axis=axis, begin=part.start, end=part.stop)

    def backward(self, out_grads: Any = None) -> None:
        """Compute gradients after a `forward`.

        Parameters
        ----------
        out_grads : NDArray or list of NDArray, optional
            The gradients of the outputs, which losses do not need.
        """
        self._ready("backward")
        if not self.for_training:
            raise NotReadyError("Module.backward: re-bind with for_training=True to run backward")
        grads = [] if out_grads is None else as_list(out_grads)
        for executor, part, context in zip(self._execs, self._slices, self._context):
            executor.backward([self._cut(g, DataDesc("", g.shape), part).as_in_context(context)
                               for g in grads])

    def get_outputs(self, merge_multi_context: bool = True) -> list[Any]:
        """What the last `forward` computed.

        Parameters
        ----------
        merge_multi_context : bool
            Join what the contexts computed; otherwise a list over them for each output.
        """
        self._ready("get_outputs")
        return self._merged([list(outs) for outs in zip(*(e.outputs for e in self._execs))],
                            merge_multi_context)

    def get_input_grads(self, merge_multi_context: bool = True) -> list[Any]:
        """The gradients of the data that the last `backward` computed; see `get_outputs`."""
        self._ready("get_input_grads")
        if not self.inputs_need_grad:
            raise NotReadyError("Module.get_input_grads: re-bind with inputs_need_grad=True")
        return self._merged([[e.grad_dict[d.name] for e in self._execs] for d in self._data_shapes],
                            merge_multi_context, [d.layout for d in self._data_shapes])

    def _merged(self, arrays: list[list[Any]], merge: bool, layouts: Any = None) -> list[Any]:
        if not merge:
            return arrays
        if len(self._execs) == 1:
            return [each[0] for each in arrays]
        return [nd.concat(*(a.as_in_context(each[0].context) for a in each),
                          dim=DataDesc.get_batch_axis(layout))
                for each, layout in zip(arrays, layouts or [None] * len(arrays))]

    def get_states(self, merge_multi_context: bool = True) -> list[list[Any]]:
        """The states, a list over the contexts for each; `merge_multi_context` has to be False."""
        self._ready("get_states")
        if merge_multi_context:
            raise InvalidValueError("Module.get_states: merge_multi_context=True is not supported")
        return [[e.arg_dict[n] for e in self._execs] for n in self._state_names]

    def set_states(self, states: Any = None, value: Any = None) -> None:
        """Give the states arrays, such as `get_states` or ``get_outputs(False)`` gives, or all one value."""
        self._ready("set_states")
        if (states is None) == (value is None):
            raise InvalidValueError("Module.set_states: give one of states and value")
        for i, own in enumerate(self.get_states(False)):
            for k, target in enumerate(own):
                target[:] = value if states is None else states[i][k]

    def update_metric(self, eval_metric: EvalMetric, labels: Any, pre_sliced: bool = False) -> None:
        """Tell a metric the labels and the outputs.

        Parameters
        ----------
        eval_metric : EvalMetric
        labels : list of NDArray
            Of a batch; with `pre_sliced` a list of them for each context.
        """
        self._ready("update_metric")
        for i, (executor, part) in enumerate(zip(self._execs, self._slices)):
            own = labels[i] if pre_sliced else [
                self._cut(a, d, part) for a, d in zip(labels, self._label_shapes)]
            eval_metric.update_dict({d.name: a for d, a in zip(self._label_shapes, own)},
                                    executor.output_dict)

    def install_monitor(self, mon: Any) -> None:
        """Have an `mx.monitor.Monitor` watch."""
        self._ready("install_monitor", params=False)
        for executor in self._execs:
            mon.install(executor)


def _store(kvstore: Any, count: int, params: dict[str, Any]) -> tuple[Any, bool]:
    """The store for so many contexts, and whether it takes the steps."""
    on_store = os.environ.get("MXNET_UPDATE_ON_KVSTORE", "1") != "0"
    if isinstance(kvstore, str):
        if count == 1 and "dist" not in kvstore:
            return None, False
        if kvstore == "local" and max((a.size for a in params.values()), default=0) > 2**24:
            on_store = False
        kvstore = kvstores.create(kvstore)
    if kvstore is None:
        return None, False
    if not isinstance(kvstore, kvstores.KVStoreBase):
        raise InvalidTypeError("Module.init_optimizer: kvstore must be KVStore, str or None, got "
                               f"{kvstore!r}")
    return kvstore, on_store and kvstore.is_capable("optimizer")
