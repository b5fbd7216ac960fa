"""Modules that are written in Python, without a graph (level 14)."""
from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from .. import nd
from ..base import InvalidValueError
from .base_module import LEARNING_RATE, UNIFORM, BaseModule, NotReadyError, described

__all__ = ["PythonLossModule", "PythonModule"]


class PythonModule(BaseModule):
    """The base of modules without parameters; a subclass defines `forward`, `backward`, `get_outputs` and
    `_compute_output_shapes`.

    Parameters
    ----------
    data_names, label_names, output_names : sequence of str
    logger : logging.Logger or module
    """

    def __init__(
        self, data_names: Sequence[str], label_names: Sequence[str] | None, output_names: Sequence[str],
        logger: Any = logging,
    ) -> None:
        super().__init__(logger)
        self.data_names, self.output_names = list(data_names), list(output_names)
        self.label_names = list(label_names or ())
        self.data_shapes = self.label_shapes = self.output_shapes = None

    def _compute_output_shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Names and shapes of the outputs, from `data_shapes`."""
        raise self._undefined("_compute_output_shapes")

    def bind(
        self, data_shapes: Any, label_shapes: Any = None, for_training: bool = True,
        inputs_need_grad: bool = False, force_rebind: bool = False, shared_module: Any = None,
        grad_req: Any = "write",
    ) -> None:
        """Take these shapes; `grad_req` has to be 'write'.

        Raises InvalidValueError for shapes under other names.
        """
        if not force_rebind and self._is_bound():
            return
        if grad_req != "write":
            raise InvalidValueError(f"PythonModule.bind: grad_req has to be 'write', got {grad_req!r}")
        for kind, names, shapes in (("data", self.data_names, data_shapes),
                                    ("label", self.label_names, label_shapes)):
            given = [d.name for d in described(shapes)]
            if given != names and (given or kind == "data"):
                raise InvalidValueError(f"PythonModule.bind: {kind}_shapes are of {given}, not {names}")
        self.for_training, self.inputs_need_grad = for_training, inputs_need_grad
        self.data_shapes, self.label_shapes = data_shapes, label_shapes
        self.output_shapes = self._compute_output_shapes()
        self.binded = True

    def get_params(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Two empty dicts."""
        return {}, {}

    def init_params(
        self, initializer: Any = UNIFORM, arg_params: Any = None, aux_params: Any = None,
        allow_missing: bool = False, force_init: bool = False, allow_extra: bool = False,
    ) -> None:
        """There are none."""
        self.params_initialized = True

    def init_optimizer(
        self, kvstore: Any = "local", optimizer: Any = "sgd", optimizer_params: Any = LEARNING_RATE,
        force_init: bool = False,
    ) -> None:
        """There is nothing to update."""
        self.optimizer_initialized = True

    def update(self) -> None:
        """There is nothing to update."""

    def update_metric(self, eval_metric: Any, labels: Any, pre_sliced: bool = False) -> None:
        """Tell a metric the labels and the outputs, if the module takes labels."""
        if self.label_shapes is None:
            return
        if pre_sliced:
            raise InvalidValueError("PythonModule.update_metric: there are no labels by context")
        eval_metric.update(labels, self.get_outputs())

    def install_monitor(self, mon: Any) -> None:
        """There is nothing to watch."""


class PythonLossModule(PythonModule):
    """A loss whose gradient a function gives: the outputs are the data, the scores.

    Parameters
    ----------
    name : str
        The output is called ``name_output``.
    data_names, label_names : sequence of str
        One name each.
    logger : logging.Logger or module
    grad_func : callable, optional
        ``grad_func(scores, labels)`` gives the gradient of the scores, an NDArray or a NumPy array; without
        it, a subclass defines ``_backward_impl``, which sets `_scores_grad`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> loss = mx.mod.PythonLossModule(grad_func=lambda scores, labels: scores - labels)
    >>> loss.bind([("data", (1, 2))], [("softmax_label", (1, 2))])
    >>> loss.forward(mx.io.DataBatch([mx.nd.array([[3, 4]])], [mx.nd.array([[1, 1]])]))
    >>> loss.backward()
    >>> loss.get_input_grads()[0].asnumpy().tolist()
    [[2.0, 3.0]]
    """

    def __init__(
        self, name: str = "pyloss", data_names: Sequence[str] = ("data",),
        label_names: Sequence[str] = ("softmax_label",), logger: Any = logging,
        grad_func: Callable[[Any, Any], Any] | None = None,
    ) -> None:
        if len(data_names) != 1 or len(label_names) != 1:
            raise InvalidValueError(f"PythonLossModule: one name of data and one of labels, got {data_names} "
                                    f"and {label_names}")
        super().__init__(data_names, label_names, [f"{name}_output"], logger)
        self._name, self._grad_func = name, grad_func
        self._scores: Any = None
        self._labels: Any = None
        self._scores_grad: Any = None

    def _compute_output_shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(f"{self._name}_output", described(self.data_shapes)[0].shape)]

    def forward(self, data_batch: Any, is_train: bool | None = None) -> None:
        """Keep the scores, and as in training the labels."""
        self._scores = data_batch.data[0]
        if self.for_training if is_train is None else is_train:
            self._labels = data_batch.label[0]

    def get_outputs(self, merge_multi_context: bool = True) -> list[Any]:
        """The scores."""
        return [self._scores]

    def backward(self, out_grads: Any = None) -> None:
        """Compute the gradient of the scores; a loss takes no `out_grads`."""
        if out_grads is not None:
            raise InvalidValueError("PythonLossModule.backward: For a loss module, out_grads should be None")
        if not self.for_training:
            raise NotReadyError("PythonLossModule.backward: it was not bound for training")
        self._backward_impl()

    def _backward_impl(self) -> None:
        if self._grad_func is None:
            raise self._undefined("_backward_impl, and has no grad_func")
        found = self._grad_func(self._scores, self._labels)
        self._scores_grad = found if isinstance(found, nd.NDArray) else nd.array(found)

    def get_input_grads(self, merge_multi_context: bool = True) -> list[Any]:
        """The gradient of the scores."""
        return [self._scores_grad]
