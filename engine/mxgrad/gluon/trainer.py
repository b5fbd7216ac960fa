"""Training: one optimizer for many parameters (level 14)."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..autograd import pause
from ..base import InvalidValueError, MXNetError
from ..kvstore.base import added
from ..npx.switches import is_np_array
from ..params_file import replacing
from ..tape import state
from .parameter import Parameter, ParameterError

__all__ = ["Trainer"]


Row = tuple[int, list[Any], list[Any]]


class StaleGradientError(MXNetError, UserWarning):
    """A step was asked for, and no backward has written a parameter's gradient since the last one."""


class Trainer:
    """Applies an optimizer to parameters, with the gradients that backward left there.

    Parameters
    ----------
    params : dict or list of Parameter
        As `Block.collect_params` gives them; a dict's are taken in the order of their names.
    optimizer : str or Optimizer
        The name of one, or one.
    optimizer_params : dict, optional
        What the optimizer named is made with: ``{'learning_rate': 0.1}``.
    kvstore : str, optional
        With parameters on several contexts: 'device' or 'local' adds the gradients up before the step; with
        None every context is trained by itself.
    compression_params
        Refused.
    update_on_kvstore : bool, optional
        With several contexts: take a step once and copy the result (the default), or once on each with the
        sum of the gradients, which allows `allreduce_grads` and `update` to be called one by one.

    Examples
    --------
    >>> import mxgrad as mx
    >>> net = mx.gluon.nn.Dense(1, use_bias=False, in_units=1, weight_initializer="ones")
    >>> net.initialize()
    >>> trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
    >>> with mx.autograd.record():
    ...     loss = net(mx.nd.array([[2]]))
    >>> loss.backward()
    >>> trainer.step(batch_size=1)
    >>> float(net.weight.data())
    0.0
    """

    def __init__(
        self, params: Any, optimizer: Any, optimizer_params: dict[str, Any] | None = None,
        kvstore: Any = "device", compression_params: Any = None, update_on_kvstore: bool | None = None,
    ) -> None:
        if isinstance(params, Mapping):
            params = [params[name] for name in sorted(params)]
        if not isinstance(params, (list, tuple)):
            raise InvalidValueError(
                f"First argument must be a list or dict of Parameters, got {type(params)}.")
        for p in params:
            if not isinstance(p, Parameter):
                raise InvalidValueError(
                    f"First argument must be a list or dict of Parameters, got list of {type(p)}.")
        if compression_params:
            raise InvalidValueError("Trainer: gradients are not compressed; leave compression_params out")
        kind = getattr(kvstore, "type", kvstore)
        if kind is not None and not str(kind).startswith(("local", "device", "nccl")):
            raise InvalidValueError(f"Trainer: kvstore is None, 'local' or 'device', not {kvstore!r}; "
                                    "training on several machines is not supported")
        # A parameter that blocks share is trained once.
        self._params = list({id(p): p for p in params}.values())
        self._contexts = self._check_contexts()
        self._init_optimizer(optimizer, optimizer_params or {})
        self._scale = self._optimizer.rescale_grad
        self._kvstore = kvstore if len(self._contexts) > 1 else None
        self._update_on_kvstore = self._kvstore is not None and update_on_kvstore is not False

    def _check_contexts(self) -> list[Any]:
        contexts: list[Any] = []
        what = "devices" if is_np_array() else "contexts"
        for i, p in enumerate(self._params):
            own = p.list_ctx()
            if i and own != contexts:
                raise ParameterError(
                    f"All Parameters must be initialized on the same set of {what}, but Parameter {p.name} "
                    f"is initialized on {own} while previous Parameters are initialized on {contexts}.")
            contexts = own
        return contexts

    def _init_optimizer(self, optimizer: Any, optimizer_params: dict[str, Any]) -> None:
        from .. import optimizer as optimizers

        params = dict(enumerate(self._params))
        if isinstance(optimizer, str):
            self._optimizer = optimizers.create(optimizer, param_dict=params, **optimizer_params)
        elif optimizer_params:
            raise ParameterError("optimizer_params must be None if optimizer is an instance of Optimizer "
                                 "instead of str")
        else:
            self._optimizer = optimizer
            self._optimizer.param_dict = params
        self._updaters = [optimizers.get_updater(self._optimizer) for _ in self._contexts]

    @property
    def optimizer(self) -> Any:
        """The optimizer."""
        return self._optimizer

    @property
    def learning_rate(self) -> float:
        """The optimizer's learning rate."""
        return self._optimizer.learning_rate

    def set_learning_rate(self, lr: float) -> None:
        """Set the optimizer's learning rate."""
        self._optimizer.set_learning_rate(lr)

    # -- steps -----------------------------------------------------------------------------------------------

    def step(self, batch_size: float, ignore_stale_grad: bool = False) -> None:
        """Add the gradients of all contexts up, and take a step with their sum over `batch_size`.

        Parameters
        ----------
        batch_size : number
            1 where the loss is a mean already.
        ignore_stale_grad : bool
            Leave parameters alone whose gradient no backward has written since the last step; otherwise that
            is a StaleGradientError, and no parameter changes.
        """
        self._optimizer.rescale_grad = self._scale / batch_size
        rows = self._rows(ignore_stale_grad)
        if not self._update_on_kvstore:
            self._allreduce_grads()
        self._update(rows, ignore_stale_grad)

    def allreduce_grads(self) -> None:
        """Give every context the sum of the gradients of all; then change them, and call `update`."""
        self._refuse_on_kvstore("allreduce_grads()")
        self._allreduce_grads()

    def update(self, batch_size: float, ignore_stale_grad: bool = False) -> None:
        """Take a step with the gradients as they are, over `batch_size`; see `step`."""
        self._refuse_on_kvstore("update()")
        self._optimizer.rescale_grad = self._scale / batch_size
        self._update(self._rows(ignore_stale_grad), ignore_stale_grad)

    def _refuse_on_kvstore(self, what: str) -> None:
        if self._update_on_kvstore:
            raise ParameterError(
                f"{what} when parameters are updated on kvstore is not supported. Try setting "
                "`update_on_kvstore` to False when creating trainer.")

    def _rows(self, ignore_stale_grad: bool) -> list[Row]:
        """What is trained: its index, and its gradients and weights on all contexts."""
        rows: list[Row] = []
        for i, p in enumerate(self._params):
            if p.grad_req != "null":
                weights = p.list_data()
                for weight in weights:
                    if not (ignore_stale_grad or weight._fresh_grad):
                        raise self._stale(p, weight)
                rows.append((i, p.list_grad(), weights))
        return rows

    def _stale(self, p: Parameter, weight: Any) -> StaleGradientError:
        what = "device" if is_np_array() else "context"
        return StaleGradientError(
            f"Gradient of Parameter `{p.name}` on {what} {weight.context} has not been updated by backward "
            "since last `step`. This could mean a bug in your model that made it only use a subset of the "
            "Parameters (Blocks) for this iteration. If you are intentionally only using a subset, call step "
            "with ignore_stale_grad=True to suppress this warning and skip updating of Parameters with stale "
            "gradient")

    def _allreduce_grads(self) -> None:
        if self._kvstore is None:
            return
        with pause():
            for _, grads, _ in self._rows(True):
                total = added(grads)
                for grad in grads:
                    grad[...] = total

    def _update(self, rows: list[Row], ignore_stale_grad: bool) -> None:
        if state.recording or state.training:
            with pause():
                self._update(rows, ignore_stale_grad)
            return
        if self._update_on_kvstore:
            fresh = [row for row in rows if not ignore_stale_grad or any(w._fresh_grad for w in row[2])]
            _step(self._updaters[0], [(i, added(grads), weights[0]) for i, grads, weights in fresh])
            for _, _, (first, *others) in fresh:
                for other in others:
                    other[...] = first
        else:
            for place, updater in enumerate(self._updaters):
                _step(updater, [(i, grads[place], weights[place]) for i, grads, weights in rows
                                if not ignore_stale_grad or weights[place]._fresh_grad])
        for _, _, weights in rows:
            for weight in weights:
                weight._fresh_grad = 0

    # -- states ----------------------------------------------------------------------------------------------

    def save_states(self, fname: str) -> None:
        """Write the optimizer and its states (momentum and the like) to a file."""
        states = self._updaters[0].get_states(dump_optimizer=True)
        with replacing(fname) as file:
            file.write(states)

    def load_states(self, fname: str) -> None:
        """Read what `save_states` wrote; the parameters' own factors (`lr_mult`, `wd_mult`) stay."""
        with open(fname, "rb") as file:
            states = file.read()
        for updater in self._updaters:
            updater.set_states(states)
            updater.optimizer = self._updaters[0].optimizer
        self._optimizer = self._updaters[0].optimizer
        self._optimizer.param_dict = dict(enumerate(self._params))


def _step(updater: Any, rows: list[tuple[int, Any, Any]]) -> None:
    """A step of an updater for rows of index, gradient and weight."""
    if rows:
        updater(*map(list, zip(*rows)))
