"""Graphs with arrays for their variables: `mx.executor` (level 12).

>>> import mxgrad as mx
>>> net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1, name="fc")
>>> executor = net.simple_bind(mx.cpu(), data=(2, 3))
>>> executor.arg_dict["fc_weight"][:] = 1
>>> executor.forward(is_train=True, data=mx.nd.ones((2, 3)))[0].asnumpy().tolist()
[[3.0], [3.0]]
>>> executor.backward(mx.nd.ones((2, 1)))
>>> executor.grad_dict["fc_weight"].asnumpy().tolist()
[[2.0, 2.0, 2.0]]
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy

from . import autograd, nd
from .base import InvalidTypeError, InvalidValueError, MXNetError, nearest
from .context import Context, current_context
from .ndarray import check_grad_req
from .symbol import Node, Symbol, _dtype_of, _function, _given

__all__ = ["Executor"]

# Operators whose gradient does not ask for that of their output: losses, and what lets no gradient through.
_HEADS = frozenset((
    "BlockGrad", "LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput", "MakeLoss",
    "SVMOutput", "Softmax", "SoftmaxOutput", "make_loss", "stop_gradient", "zeros_like"))


class Executor:
    """A graph and arrays for its variables; `Symbol.simple_bind` and `Symbol.bind` make one."""

    def __init__(
        self, symbol: Symbol, ctx: Context, grad_req: Mapping[str, str], arg_arrays: list[Any],
        grad_arrays: list[Any], aux_arrays: list[Any],
    ) -> None:
        self._symbol, self._ctx, self._grad_req = symbol, ctx, dict(grad_req)
        self._arrays = arg_arrays, grad_arrays, aux_arrays
        self._names, self._aux_names = symbol.list_arguments(), symbol.list_auxiliary_states()
        for names in (self._names, self._aux_names):
            if len(set(names)) < len(names):
                raise InvalidValueError(f"Executor: there are several variables of one name: {names}")
        self._outputs: list[Any] | None = None
        self._heads: list[Any] | None = None
        self._nodes = symbol._nodes()
        self._callback: Callable[[str, Any], None] | None = None
        self._of_inputs = False

    @property
    def arg_arrays(self) -> list[Any]:
        """The arguments."""
        return self._arrays[0]

    @property
    def grad_arrays(self) -> list[Any]:
        """Where the gradients of the arguments go; None where none is wanted."""
        return self._arrays[1]

    @property
    def aux_arrays(self) -> list[Any]:
        """The auxiliary states."""
        return self._arrays[2]

    @property
    def arg_dict(self) -> dict[str, Any]:
        """The arguments by name."""
        return dict(zip(self._names, self.arg_arrays))

    @property
    def grad_dict(self) -> dict[str, Any]:
        """The gradients by the name of the argument."""
        return dict(zip(self._names, self.grad_arrays))

    @property
    def aux_dict(self) -> dict[str, Any]:
        """The auxiliary states by name."""
        return dict(zip(self._aux_names, self.aux_arrays))

    @property
    def outputs(self) -> list[Any]:
        """What the last `forward` gave."""
        return self.forward() if self._outputs is None else self._outputs

    @property
    def output_dict(self) -> dict[str, Any]:
        """`outputs` by name."""
        return dict(zip(self._symbol.list_outputs(), self.outputs))

    def forward(self, is_train: bool = False, **kwargs: Any) -> list[Any]:
        """Compute the outputs.

        Parameters
        ----------
        is_train : bool
            As in training, so that `backward` can follow.
        **kwargs : NDArray or numpy.ndarray
            New values of arguments.

        Raises
        ------
        InvalidTypeError
            An argument that is not there; something that is no array.
        InvalidValueError
            An array of another shape.
        """
        given = self.arg_dict
        for name, array in kwargs.items():
            if not isinstance(array, (nd.NDArray, numpy.ndarray)):
                raise InvalidTypeError("Executor.forward: only accept keyword argument of NDArrays and "
                                       f"numpy.ndarray: {name} is a {type(array).__name__}")
            if name not in given:
                raise InvalidTypeError(f"Executor.forward: Unknown argument {name}{nearest(name, given)}")
            if given[name].shape != array.shape:
                raise InvalidValueError(f"Executor.forward: Shape not match! Argument {name}, need: "
                                        f"{given[name].shape}, received: {array.shape}")
        for name, array in kwargs.items():
            given[name][:] = array
        values = {**self.aux_dict, **given}
        watch = self._watch if self._callback else None
        if is_train:
            for name, array, gradient in zip(self._names, self.arg_arrays, self.grad_arrays):
                if gradient is not None:
                    values[name] = array.detach()
                    values[name]._mark(gradient, self._grad_req[name])
            with autograd.record():
                self._heads = self._symbol._compute(values, watch)
            self._outputs = [head.detach() for head in self._heads]
        else:
            with autograd.pause():
                self._outputs = self._symbol._compute(values, watch)
            self._heads = None
        return self._outputs

    def backward(self, out_grads: Any = None, is_train: bool = True) -> None:
        """Write the gradients, or add them, as the `grad_req` of each argument says.

        Parameters
        ----------
        out_grads : NDArray, list of NDArray or dict of str to NDArray, optional
            The gradient of each output; losses do without.
        is_train : bool
            True: what `forward` computed as in training.

        Raises
        ------
        MXNetError
            There was no ``forward(is_train=True)`` before it.
        InvalidTypeError, InvalidValueError
            Something that is no array; too few gradients.
        """
        if self._heads is None:
            raise MXNetError("Executor.backward: call forward(is_train=True) first; each backward needs one")
        names = self._symbol.list_outputs()
        if isinstance(out_grads, Mapping):
            missing = [n for n in names if n not in out_grads]
            if missing:
                raise InvalidValueError(f"Executor.backward: out_grads lacks {', '.join(missing)}")
            out_grads = [out_grads[n] for n in names]
        grads = [] if out_grads is None else [out_grads] if isinstance(out_grads, nd.NDArray) else out_grads
        for gradient in grads:
            if not isinstance(gradient, nd.NDArray):
                raise InvalidTypeError(
                    f"Executor.backward: out_grads must be NDArray, got {type(gradient).__name__}")
        if grads and len(grads) != len(names):
            raise InvalidValueError(f"Executor.backward: there are {len(names)} outputs, {len(grads)} "
                                    "gradients are given")
        if not grads:
            asking = [name for name, (node, _) in zip(names, self._symbol._entries) if node.op not in _HEADS]
            if asking:
                raise InvalidValueError(
                    f"Executor.backward: {asking[0]} is no loss; give the gradients of the outputs as "
                    "out_grads, or make it one with sym.MakeLoss")
        pairs = [(head, g) for head, g in zip(self._heads, grads or [None] * len(names))
                 if head._entry is not None]
        if pairs:
            autograd.backward([head for head, _ in pairs], [g for _, g in pairs])
        self._heads = None
        if self._callback:
            self._tell_gradients()

    # -- watching --------------------------------------------------------------------------------------------

    def set_monitor_callback(self, callback: Callable[[str, Any], None], monitor_all: bool = False) -> None:
        """Call ``callback(name, array)`` with each output of each operator, such as 'fc_output', and, after a
        `backward`, with the gradients of arguments, such as 'fc_backward_output1' for the weight.

        Parameters
        ----------
        callback : callable
        monitor_all : bool
            With the inputs of operators too.
        """
        self._callback, self._of_inputs = callback, monitor_all

    def _watch(self, number: int, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
        node = self._nodes[number]
        assert self._callback is not None
        with autograd.pause():
            if self._of_inputs:
                for (source, _), argument, array in zip(node.inputs, _arguments(node), inputs):
                    if not source.op:
                        self._callback(source.name, array)
                    self._callback(f"{node.name}_{argument}", array)
            for i, array in enumerate(outputs):
                self._callback(f"{node.name}_output{i if len(outputs) > 1 else ''}", array)

    def _tell_gradients(self) -> None:
        assert self._callback is not None
        gradients = self.grad_dict
        for node in reversed(self._nodes):
            for i, (source, _) in enumerate(node.inputs):
                if not source.op and gradients.get(source.name) is not None:
                    self._callback(f"{node.name}_backward_output{i}", gradients[source.name])

    # -- arrays ----------------------------------------------------------------------------------------------

    def copy_params_from(
        self, arg_params: Mapping[str, Any], aux_params: Mapping[str, Any] | None = None,
        allow_extra_params: bool = False,
    ) -> None:
        """Copy arrays into the arguments and auxiliary states of their names.

        Raises InvalidValueError for a name that is not there, unless `allow_extra_params`, or another shape;
        nothing has changed then.
        """
        pairs = []
        for what, own, given in (("arguments", self.arg_dict, arg_params),
                                 ("auxiliary states", self.aux_dict, aux_params or {})):
            for name, array in given.items():
                if name in own:
                    if own[name].shape != array.shape:
                        raise InvalidValueError(f"copy_params_from: {name} has shape {own[name].shape}, got "
                                                f"one of shape {array.shape}")
                    pairs.append((own[name], array))
                elif not allow_extra_params:
                    raise InvalidValueError(f'copy_params_from: Find name "{name}" that is not in the {what}'
                                            f"{nearest(name, own)}")
        for target, array in pairs:
            target[:] = array.as_in_context(target.context).astype(target.dtype)

    def reshape(
        self, partial_shaping: bool = False, allow_up_sizing: bool = False, **kwargs: Any,
    ) -> Executor:
        """An executor of the same graph for other shapes of arguments; arrays whose shapes stay are shared.

        Parameters
        ----------
        partial_shaping : bool
            Arguments that are not named may change their shape.
        allow_up_sizing : bool
            Accepted for MXNet's sake: larger arrays are new ones.
        **kwargs : tuple of int
            The shapes of arguments.

        Raises InvalidValueError where the shape of an argument that is not named changes.
        """
        fixed = {} if partial_shaping else {
            n: a.shape for n, a in self.arg_dict.items() if n not in kwargs}
        made = bind_shapes(self._symbol, self._ctx, self._grad_req, {**fixed, **kwargs},
                           {n: a.dtype for n, a in self.arg_dict.items()}, self, self._names)
        made._callback, made._of_inputs = self._callback, self._of_inputs
        return made


def _arguments(node: Node) -> list[str]:
    """The names of the inputs of an operator."""
    names = [p for p in signature(_function(node.op)).parameters if p not in node.attrs]
    names += [f"arg{i}" for i in range(len(node.inputs))]
    return names[:len(node.inputs)]


def _requests(names: Sequence[str], grad_req: Any) -> dict[str, str]:
    """The `grad_req` of each argument."""
    if isinstance(grad_req, str):
        found = dict.fromkeys(names, grad_req)
    elif isinstance(grad_req, Mapping):
        found = {n: grad_req.get(n, "null") for n in names}
    elif len(grad_req) == len(names):
        found = dict(zip(names, grad_req))
    else:
        raise InvalidValueError(f"bind: there are {len(names)} arguments, grad_req has {len(grad_req)}")
    for request in found.values():
        check_grad_req(request)
    return found


def bind_shapes(
    symbol: Symbol, ctx: Any, grad_req: Any, shapes: Mapping[str, Any], dtypes: Mapping[str, Any],
    shared: Executor | None, names: Collection[str],
) -> Executor:
    """`Symbol.simple_bind`: an executor with arrays of zeros, or those named `names` of another one."""
    ctx = ctx or current_context()
    arguments = symbol.list_arguments()
    requests = _requests(arguments, grad_req)
    old = {} if shared is None else {
        **{n: a for n, a in shared.arg_dict.items() if n in names}, **shared.aux_dict}
    old_gradients = {} if shared is None else shared.grad_dict
    variables = symbol._variables()
    known: dict[Node, Any] = {}
    for node in variables:
        before = old.get(node.name)
        if node.name in shapes:
            shape = tuple(shapes[node.name])
            if before is not None and before.shape == shape:
                known[node] = before
            else:
                known[node] = nd.zeros(shape, ctx, dtypes.get(node.name) or _dtype_of(node))
        else:
            known[node] = _given(node)
    found = symbol._infer(known, False)
    arrays: list[Any] = []
    gradients: list[Any] = []
    states: list[Any] = []
    for node in variables:
        if (id(node), 0) not in found:
            raise InvalidValueError(f"simple_bind: the shape of {node.name} does not follow from those of "
                                    f"{', '.join(shapes) or 'nothing'}; give it, too")
        array, before = found[id(node), 0].as_in_context(ctx), old.get(node.name)
        if before is not None and before.shape == array.shape:
            array = before
        if node.is_aux:
            states.append(array)
            continue
        arrays.append(array)
        gradient = old_gradients.get(node.name)
        if requests[node.name] == "null":
            gradients.append(None)
        elif gradient is not None and array is before:
            gradients.append(gradient)
        else:
            gradients.append(nd.zeros(array.shape, ctx, array.dtype))
    return Executor(symbol, ctx, requests, arrays, gradients, states)


def bind_arrays(
    symbol: Symbol, ctx: Any, args: Any, args_grad: Any, grad_req: Any, aux_states: Any,
) -> Executor:
    """`Symbol.bind`: an executor with the arrays given."""
    ctx = ctx or current_context()
    names = symbol.list_arguments()
    arrays = _listed("args", names, args, True)
    gradients = _listed("args_grad", names, args_grad or {}, False)
    states = _listed("aux_states", symbol.list_auxiliary_states(), aux_states or {}, True)
    requests = _requests(names, grad_req)
    for name, array, gradient in zip(names, arrays, gradients):
        if gradient is not None and gradient.shape != array.shape:
            raise InvalidValueError(f"bind: {name} has shape {array.shape}, its gradient {gradient.shape}")
    gradients = [None if requests[n] == "null" else g for n, g in zip(names, gradients)]
    return Executor(symbol, ctx, requests, arrays, gradients, states)


def _listed(what: str, names: list[str], given: Any, all_of_them: bool) -> list[Any]:
    """Arrays in the order of `names`."""
    if not isinstance(given, Mapping):
        if len(given) != len(names):
            raise InvalidValueError(f"bind: Length of {what} does not match the number of arguments: there "
                                    f"are {len(given)} for {', '.join(names)}")
        given = dict(zip(names, given))
    for name in names:
        if name in given or not all_of_them:
            if not isinstance(given.get(name), (nd.NDArray, type(None))):
                raise InvalidTypeError(f"bind: only accept list of NDArrays or dict of str to NDArray: "
                                       f"{name} in {what} is a {type(given[name]).__name__}")
        else:
            raise InvalidValueError(f"bind: key `{name}` is missing in `{what}`")
    return [given.get(name) for name in names]
