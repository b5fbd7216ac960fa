"""`mx.operator`: operators written in Python, called as ``nd.Custom(x, op_type="name")`` (level 9).

>>> import mxgrad as mx
>>> class Square(mx.operator.CustomOp):
...     def forward(self, is_train, req, in_data, out_data, aux):
...         self.assign(out_data[0], req[0], in_data[0] * in_data[0])
...     def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
...         self.assign(in_grad[0], req[0], 2 * in_data[0] * out_grad[0])
>>> @mx.operator.register("square")
... class SquareProp(mx.operator.CustomOpProp):
...     def create_operator(self, ctx, in_shapes, in_dtypes):
...         return Square()
>>> x = mx.nd.array([1., 2.])
>>> x.attach_grad()
>>> with mx.autograd.record():
...     y = mx.nd.Custom(x, op_type="square")
>>> y.backward()
>>> x.grad.asnumpy().tolist()
[2.0, 4.0]

Unlike in MXNet, a gradient of a custom operator can be differentiated again if its `backward` is made of
array ops; what it computes in NumPy is a constant then.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from inspect import Parameter
from typing import Any, NamedTuple, TypeVar

from .array import Array, wrap
from .autograd import is_training, set_recording
from .base import AutogradError, InvalidTypeError, InvalidValueError, NotAnArrayError, as_dtype, nearest
from .context import Context, current_context
from .frontend import op_function, op_names
from .invoke import describe
from .ndarray import BaseArray
from .registry import Op
from .tape import Leaf, Output, next_order, record

__all__ = [
    "CustomOp",
    "CustomOpProp",
    "OperatorArguments",
    "custom",
    "get_all_registered_operators",
    "get_all_registered_operators_grouped",
    "get_operator_arguments",
    "register",
]

_Prop = TypeVar("_Prop", bound="type[CustomOpProp]")

_registered: dict[str, type[CustomOpProp]] = {}


class CustomOp:
    """The computation of a custom operator; subclasses define `forward` and `backward`.

    Both run outside recording (`backward` inside it when the gradient itself is to be differentiated), and
    deliver by `assign`, or by writing into the arrays they get, which hold zeros at first.
    """

    def forward(
        self, is_train: bool, req: list[str], in_data: list[Any], out_data: list[Any], aux: list[Any],
    ) -> None:
        """Fill `out_data` from `in_data`.

        Parameters
        ----------
        is_train : bool
            Whether autograd is in training mode.
        req : list of str
            How each output is wanted, for `assign`: 'write'.
        in_data, out_data, aux : list of arrays
            Arguments, outputs and auxiliary states, in the order that the CustomOpProp lists them.
        """
        raise InvalidTypeError(f"{type(self).__name__} does not define forward")

    def backward(
        self, req: list[str], out_grad: list[Any], in_data: list[Any], out_data: list[Any],
        in_grad: list[Any], aux: list[Any],
    ) -> None:
        """Fill `in_grad`, the gradients of the arguments, from `out_grad`, those of the outputs.

        `req` says for each argument how its gradient is wanted: 'write', or 'null' where nobody asks for it.
        Gradients that are added up (``grad_req='add'``) are added after this.
        """
        raise AutogradError(f"{type(self).__name__} does not define backward, so it has no gradient")

    def assign(self, dst: Any, req: str, src: Any) -> None:
        """Put `src` into `dst` as `req` says: 'write' and 'inplace' write, 'add' adds, 'null' does nothing.

        >>> from mxgrad import nd
        >>> from mxgrad.operator import CustomOp
        >>> x = nd.ones(2)
        >>> CustomOp().assign(x, "add", nd.array([1., 2.]))
        >>> x.asnumpy().tolist()
        [2.0, 3.0]
        """
        if req in ("write", "inplace"):
            dst[...] = src
        elif req == "add":
            dst[...] = dst + src
        elif req != "null":
            raise InvalidValueError(f"assign: req is 'write', 'inplace', 'add' or 'null', got {req!r}")


class CustomOpProp:
    """What a custom operator takes and gives; subclasses override what differs from one argument 'data', one
    output 'output' of its shape and dtype, and no auxiliary states.

    A subclass's ``__init__`` gets the parameters of the call, all as strings.  `need_top_grad` says that
    `backward` reads `out_grad`, which it gets in any case.
    """

    def __init__(self, need_top_grad: bool = True) -> None:
        self.need_top_grad_ = need_top_grad

    def list_arguments(self) -> list[str]:
        """Names of the arguments."""
        return ["data"]

    def list_outputs(self) -> list[str]:
        """Names of the outputs."""
        return ["output"]

    def list_auxiliary_states(self) -> list[str]:
        """Names of the auxiliary states: arrays given after the arguments, without gradients, that the
        operator may change.
        """
        return []

    def infer_shape(self, in_shape: list[list[int]]) -> Sequence[Any]:
        """The shapes of arguments, outputs and (optionally) auxiliary states, a list of each, given those of
        the arguments.
        """
        return in_shape, [in_shape[0]] * len(self.list_outputs()), []

    def infer_type(self, in_type: list[Any]) -> Sequence[Any]:
        """The NumPy dtypes of arguments, outputs and (optionally) auxiliary states, as `infer_shape`."""
        return (in_type, [in_type[0]] * len(self.list_outputs()),
                [in_type[0]] * len(self.list_auxiliary_states()))

    def create_operator(self, ctx: Context, in_shapes: list[list[int]], in_dtypes: list[Any]) -> CustomOp:
        """The `CustomOp` for one call, given context, shapes and NumPy dtypes of the arguments."""
        raise InvalidTypeError(f"{type(self).__name__} does not define create_operator")


def register(reg_name: str) -> Callable[[_Prop], _Prop]:
    """A class decorator that makes a CustomOpProp callable as ``nd.Custom(..., op_type=reg_name)``.

    A name registered again is replaced.
    """
    def declare(prop_cls: _Prop) -> _Prop:
        if not (isinstance(prop_cls, type) and issubclass(prop_cls, CustomOpProp)):
            raise InvalidTypeError(f"register({reg_name!r}): {prop_cls!r} is not a subclass of CustomOpProp")
        _registered[reg_name] = prop_cls
        return prop_cls
    return declare


def get_all_registered_operators() -> list[str]:
    """The names of all functions on arrays: nd's as they are, the others' as ``np.x`` and ``npx.x``."""
    return op_names()


def get_all_registered_operators_grouped() -> dict[str, list[str]]:
    """The names of `get_all_registered_operators`, those of one function together under the first of them.

    >>> from mxgrad import operator
    >>> operator.get_all_registered_operators_grouped()["Cast"]
    ['Cast', 'cast']
    """
    groups: dict[str, list[str]] = {}
    for name in op_names():
        public: str = op_function(name).public      # type: ignore[attr-defined]
        groups.setdefault(public, []).append(name)
    return {names[0]: names for names in groups.values()}


class OperatorArguments(NamedTuple):
    """What an operator takes: how many arguments, their names, and a few words on each."""

    narg: int
    names: list[str]
    types: list[str]


def get_operator_arguments(op_name: str) -> OperatorArguments:
    """The arguments of a function that `get_all_registered_operators` names, arrays first.

    Raises UnknownNameError if there is none of that name.

    >>> from mxgrad import operator
    >>> operator.get_operator_arguments("expand_dims").names
    ['data', 'axis', 'inplace']
    """
    function = op_function(op_name)
    arrays: tuple[str, ...] = function.arrays       # type: ignore[attr-defined]
    params: dict[str, Any] = function.params        # type: ignore[attr-defined]
    types = ["NDArray[]" if name.startswith("*") else "NDArray" for name in arrays]
    for default in params.values():
        required = default is Parameter.empty
        types.append("required" if required else f"optional, default={default!r}")
    names = [name.lstrip("*") for name in arrays] + list(params)
    return OperatorArguments(len(names), names, types)


def custom(inputs: Sequence[Any], op_type: str | None, params: dict[str, Any]) -> Any:
    """What ``nd.Custom`` calls: an array, or a list of them if the operator has several outputs.

    `inputs` are arguments, then auxiliary states; those missing are looked for in `params` by their names.

    Raises
    ------
    InvalidValueError
        No `op_type`, one that is not registered, or inputs or shapes that do not fit.
    NotAnArrayError
        An input is not an array.
    """
    if not op_type:
        raise InvalidValueError("Custom: required argument `op_type` is missing")
    if op_type not in _registered:
        raise InvalidValueError(
            f"Custom: cannot find custom operator {op_type!r}{nearest(op_type, _registered)}; declare it "
            "with mx.operator.register"
        )
    who = f"Custom {op_type!r}"
    named = {name: value for name, value in params.items() if isinstance(value, BaseArray)}
    declared: Callable[..., CustomOpProp] = _registered[op_type]
    prop = declared(**{name: str(value) for name, value in params.items() if name not in named})
    arguments, states = list(prop.list_arguments()), list(prop.list_auxiliary_states())
    names = arguments + states
    given = [*inputs, *(named.pop(name) for name in names[len(inputs):] if name in named)]
    if named or len(given) != len(names):
        got = f"{len(given)} and {', '.join(named)} by name" if named else str(len(given))
        raise InvalidValueError(f"{who} expects {len(names)} inputs ({', '.join(names)}), but got {got}")
    for name, x in zip(names, given):
        if not isinstance(x, BaseArray):
            raise NotAnArrayError(f"{who}: Argument {name} must have NDArray type, but got {describe(x)}")
    xs, aux = given[:len(arguments)], given[len(arguments):]
    ctx = given[0]._ctx if given else current_context()
    shapes, dtypes = _inferred(who, prop, xs, aux)
    in_shapes, in_dtypes = [list(x.shape) for x in xs], [x._data.dtype.type for x in xs]
    operator = prop.create_operator(ctx, in_shapes, in_dtypes)
    cls = type(given[0]) if given else _nd_class()
    outputs = [_zeros(cls, ctx, shape, dtype) for shape, dtype in zip(shapes, dtypes)]
    recording = set_recording(False)
    try:
        operator.forward(
            is_training(), ["write"] * len(outputs), [x.detach() for x in xs], list(outputs), list(aux))
    finally:
        set_recording(recording)
    if recording and any(x._entry is not None for x in xs):
        node = record(
            _op(who, operator, xs, outputs, aux), {}, ctx, tuple(x._entry for x in xs),
            [x._data for x in xs], xs,
            tuple(y._data for y in outputs), outputs,
        )
        for i, y in enumerate(outputs):
            y._entry = Output((next_order(), node, i))
    return outputs[0] if len(outputs) == 1 else outputs


def _nd_class() -> type[Array]:
    from .nd import NDArray

    return NDArray


def _zeros(cls: type[Array], ctx: Context, shape: Any, dtype: Any) -> Any:
    with ctx.backend.guard or nullcontext():
        return wrap(cls, ctx.backend.xp.zeros(tuple(shape), dtype=dtype), ctx)


def _inferred(
    who: str, prop: CustomOpProp, xs: list[Any], aux: list[Any],
) -> tuple[list[tuple[int, ...]], list[Any]]:
    """Shapes and dtypes of the outputs, after a look at what the prop says of the rest."""
    found: list[list[Any]] = []
    for what, given, read in (
        ("shape", [list(x.shape) for x in xs], lambda s: tuple(int(n) for n in s)),
        ("type", [x._data.dtype.type for x in xs], as_dtype),
    ):
        said = [list(part) for part in getattr(prop, f"infer_{what}")(given)]
        said += [[]] * (3 - len(said)) if len(said) == 2 and not aux else []
        if [len(part) for part in said] != [len(xs), len(prop.list_outputs()), len(aux)]:
            raise InvalidValueError(
                f"{who}: infer_{what} gave lists of {[len(part) for part in said]} entries for {len(xs)} "
                f"arguments, {len(prop.list_outputs())} outputs, {len(aux)} auxiliary states"
            )
        for wanted, x in zip(said[0] + said[2], [*xs, *aux]):
            has = x.shape if what == "shape" else x._data.dtype
            if read(wanted) != has:
                raise InvalidValueError(f"{who}: infer_{what} wants {read(wanted)} where {has} is given")
        found.append([read(out) for out in said[1]])
    return found[0], found[1]


def _kernel(xp: Any, *data: Any) -> Any:
    raise AutogradError("a custom operator is called through nd.Custom")


def _is_wanted(entry: Any) -> bool:
    return entry is not None and not (type(entry) is Leaf and entry[2] == "null" and entry[3] is None)


def _op(who: str, operator: CustomOp, xs: list[Any], outputs: list[Any], aux: list[Any]) -> Op:
    """The op that one call is on the tape: its joint rule calls `backward` with arrays."""
    cls, ctx = type(outputs[0]), outputs[0]._ctx
    req = ["write" if _is_wanted(x._entry) else "null" for x in xs]

    def joint(F: Any, gs: Any, ys: Any, *primals: Any) -> list[Any]:
        raw = not isinstance(gs[0], Array)
        groups: list[list[Any]] = [list(gs), list(primals), list(ys)]
        if raw:
            groups = [[wrap(cls, a, ctx) for a in group] for group in groups]
        out_grad, in_data, out_data = groups
        in_grad = [_zeros(cls, ctx, x.shape, x._data.dtype) for x in in_data]
        recording = set_recording(not raw)
        try:
            operator.backward(list(req), out_grad, in_data, out_data, list(in_grad), list(aux))
        finally:
            set_recording(recording)
        return [None if r == "null" else g._data if raw else g for r, g in zip(req, in_grad)]

    return Op(who, _kernel, (), joint, "xy", False, False, {}, "", None, "free", True, False)
