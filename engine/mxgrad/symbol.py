"""Graphs of operators that are built before there are values: `mx.sym` (level 11).

A `Symbol` stands for an array.  The functions of this module are nd's, on symbols; `mx.sym.np` and
`mx.sym.npx` are np's and npx's.  A symbol is computed by those very functions, so it can be differentiated
like any other calculation, and it is written and read as the JSON of MXNet.

>>> import mxgrad as mx
>>> x = mx.sym.var("x")
>>> y = mx.sym.FullyConnected(x, num_hidden=2, name="fc") * 3
>>> y.list_arguments()
['x', 'fc_weight', 'fc_bias']
>>> y.infer_shape(x=(4, 5))[0]
[(4, 5), (2, 5), (2,)]
"""
from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from inspect import Parameter, signature
from types import ModuleType
from typing import Any

from . import attribute as _attribute, autograd, name as _naming, nd as _nd, np as _np, npx as _npx
from .base import InvalidTypeError, InvalidValueError, UnknownNameError, as_dtype, nearest
from .frontend import Namespace, parse_value
from .nd.functions import ND
from .ndarray import BaseArray
from .ops.rnn import layer_shapes
from .params_file import replacing
from .registry import Op

__all__ = ["Group", "Symbol", "Variable", "fromjson", "load", "load_json", "pow", "var"]


class Node:
    """A variable (`op` is empty), or a call of `op` on outputs of other nodes.

    `attrs` has the parameters of the call, or the attributes of the variable; `marks` has attributes of a
    call that say nothing of what it computes, such as ``__lr_mult__``.
    """

    __slots__ = ("op", "name", "attrs", "marks", "inputs", "count", "parameter", "is_aux")

    def __init__(self, op: str, name: str, attrs: dict[str, Any], inputs: list[tuple[Node, int]],
                 count: int = 1, parameter: Any = None, marks: dict[str, str] | None = None) -> None:
        self.op, self.name, self.attrs, self.inputs, self.count = op, name, attrs, inputs, count
        self.parameter, self.is_aux, self.marks = parameter, False, marks or {}


# The operators of arrays under MXNet's names, and their forms with a number, which is the attribute 'scalar'.
_OPERATORS: dict[str, tuple[str, str, Callable[[Any, Any], Any]]] = {
    "add": ("elemwise_add", "_plus", operator.add),
    "sub": ("elemwise_sub", "_minus", operator.sub),
    "mul": ("elemwise_mul", "_mul", operator.mul),
    "truediv": ("elemwise_div", "_div", operator.truediv),
    "mod": ("_mod", "_mod", operator.mod),
    "pow": ("_power", "_power", operator.pow),
    "eq": ("_equal", "_equal", operator.eq),
    "ne": ("_not_equal", "_not_equal", operator.ne),
    "gt": ("_greater", "_greater", operator.gt),
    "ge": ("_greater_equal", "_greater_equal", operator.ge),
    "lt": ("_lesser", "_lesser", operator.lt),
    "le": ("_lesser_equal", "_lesser_equal", operator.le),
}
_BINARY = {binary: compute for binary, _, compute in _OPERATORS.values()}
_SCALAR = {f"{scalar}_scalar": compute for _, scalar, compute in _OPERATORS.values()}
_REFLECTED = {"sub": "_rminus", "truediv": "_rdiv", "mod": "_rmod", "pow": "_rpower", "add": "_plus",
              "mul": "_mul"}


def _turned(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, scalar: compute(scalar, x)


_SCALAR.update({f"{turned}_scalar": _turned(_OPERATORS[symbol][2]) for symbol, turned in _REFLECTED.items()
                if turned.startswith("_r")})
# MXNet 2 writes the same operators, on np arrays, so.
_NUMPY = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
          "true_divide": operator.truediv, "mod": operator.mod, "power": operator.pow}
_BINARY.update({f"_npi_{n}": f for n, f in _NUMPY.items()})
_SCALAR.update({f"_npi_{n}_scalar": f for n, f in _NUMPY.items()})
_SCALAR.update({f"_npi_r{n}_scalar": _turned(f) for n, f in _NUMPY.items()})
_HINTS = {"elemwise_add": "_plus", "elemwise_sub": "_minus", "elemwise_mul": "_mul", "elemwise_div": "_div"}

# Operators without inputs, which JSON calls by another name.
_MAKERS = {n: "_" + n for n in ("arange", "eye", "full", "linspace", "ones", "zeros")}
_HINTS.update(_MAKERS)
# Names for which MXNet's JSON has another.
_ALIASES = {"cast": "Cast", "concat": "Concat", "flatten": "Flatten", "flip": "reverse", "identity": "_copy",
            "maximum": "_maximum", "minimum": "_minimum", "pad": "Pad", "power": "_power",
            "reshape": "Reshape", "split": "SliceChannel", "stop_gradient": "BlockGrad",
            "swapaxes": "SwapAxis", **_MAKERS}

_PREFIXES = {"contrib": "_contrib_", "linalg": "_linalg_", "random": "_random_", "image": "_image_",
             "npx": "_npx_", "np": "_npi_"}


# -- shapes of parameters from the shape of the data --------------------------------------------------------


def _product(lengths: Sequence[int]) -> int:
    n = 1
    for length in lengths:
        n *= length
    return n


def _dense(data: Any, p: Any) -> dict[str, Any]:
    n = p["num_hidden"]
    return {"weight": (n, _product(data[1:]) if p.get("flatten", True) else data[-1]), "bias": (n,)}


def _channels_last(p: Any) -> bool:
    return str(p.get("layout") or "NC")[1] != "C"


def _convolution(data: Any, p: Any) -> dict[str, Any]:
    n, last, kernel = p["num_filter"], _channels_last(p), tuple(p["kernel"])
    channels = (data[-1 if last else 1] // p.get("num_group", 1),)
    return {"weight": (n, *kernel, *channels) if last else (n, *channels, *kernel), "bias": (n,)}


def _deconvolution(data: Any, p: Any) -> dict[str, Any]:
    n, last, kernel = p["num_filter"], _channels_last(p), tuple(p["kernel"])
    filters = (n // p.get("num_group", 1),)
    channels = data[-1 if last else 1]
    return {"weight": (channels, *kernel, *filters) if last else (channels, *filters, *kernel), "bias": (n,)}


def _per_channel(axis: int, *names: str) -> Callable[[Any, Any], dict[str, Any]]:
    return lambda data, p: dict.fromkeys(names, (data[p.get("axis", axis)],))


_STATISTICS = ("moving_mean", "moving_var", "running_mean", "running_var")
_LEARNED = ("weight", "bias", "gamma", "beta", *_STATISTICS)
_NORM = _per_channel(1, "gamma", "beta", *_STATISTICS)

_SHAPES: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "FullyConnected": _dense,
    "Convolution": _convolution,
    "Deconvolution": _deconvolution,
    "BatchNorm": _NORM,
    "contrib.BatchNormWithReLU": _NORM,
    "contrib.SyncBatchNorm": _NORM,
    "contrib.DeformableConvolution": _convolution,
    "contrib.ModulatedDeformableConvolution": _convolution,
    "LayerNorm": _per_channel(-1, "gamma", "beta"),
    "InstanceNorm": _per_channel(1, "gamma", "beta"),
    "GroupNorm": lambda data, p: dict.fromkeys(("gamma", "beta"), (p.get("num_groups", 1),)),
    "Embedding": lambda data, p: {"weight": (p["input_dim"], p["output_dim"])},
    "npx.group_norm": _per_channel(1, "gamma", "beta"),
    "npx.fully_connected": _dense,
    "npx.convolution": _convolution,
    "npx.deconvolution": _deconvolution,
    "npx.batch_norm": _NORM,
    "npx.layer_norm": _per_channel(-1, "gamma", "beta"),
    "npx.instance_norm": _per_channel(1, "gamma", "beta"),
}


def _classes(data: Any, p: Any) -> dict[str, Any]:
    return {"label": (data[0], *data[2:]) if p.get("multi_output") else data[:-1]}


def _targets(data: Any, p: Any) -> dict[str, Any]:
    return {"label": data[:1] if len(data) == 2 and data[1] == 1 else data}


def _recurrent(data: Any, p: Any) -> dict[str, Any]:
    directions = 2 if p.get("bidirectional") else 1
    mode, layers, size = p["mode"], p["num_layers"], p["state_size"]
    shapes = layer_shapes(mode, layers, data[2], size, directions, p.get("projection_size"))
    state = (layers * directions, data[1])
    return {"parameters": (sum(_product(shape) for layer in shapes for shape in layer),),
            "state": (*state, p.get("projection_size") or size), "state_cell": (*state, size)}


# The same for inputs that are no parameters of a layer, or all of them in one array.
_OTHER_SHAPES: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "SoftmaxOutput": _classes, "Softmax": _classes, "SVMOutput": _classes, "softmax_cross_entropy": _classes,
    "LinearRegressionOutput": _targets, "LogisticRegressionOutput": _targets, "MAERegressionOutput": _targets,
    "LeakyReLU": lambda data, p: {"gamma": (data[1],)},
    "RNN": _recurrent,
}


def parameter_shapes(op: str, data: tuple[int, ...], params: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters of the layer `op` for data of a shape, in which 0 is an unknown length.

    >>> parameter_shapes("FullyConnected", (8, 3), {"num_hidden": 2})
    {'weight': (2, 3), 'bias': (2,)}
    """
    return _SHAPES[op](data, params)


# -- operators by name --------------------------------------------------------------------------------------


def _function(op: str) -> Callable[..., Any]:
    """What computes `op`: a path like 'contrib.BilinearResize2D', 'np.dot', or a name of MXNet's JSON."""
    if op in _BINARY:
        return _BINARY[op]
    if op in _SCALAR:
        compute = _SCALAR[op]
        return lambda x, scalar, **ignored: compute(x, scalar)
    head, _, rest = op.partition(".")
    if rest:
        module: Any = {"np": _np, "npx": _npx}.get(head)
        return getattr(module, rest) if module else ND.function(op)
    for path, start in _PREFIXES.items():
        if op.startswith(start):
            return _function(f"{path}.{op[len(start):]}")
    if op.startswith("_np_"):
        return _function("np." + op[4:])
    if op == "_rnn_param_concat":
        op = "concat"
    if op not in ND and op.startswith("_") and op[1:] in ND:
        op = op[1:]
    return ND.function(op)


def _mxnet_name(op: str) -> str:
    """The name of the operator in MXNet's JSON."""
    head, _, rest = op.partition(".")
    return _PREFIXES[head] + rest if rest else _ALIASES.get(op, op)


def _outputs(op: str, attrs: Mapping[str, Any]) -> int:
    """How many outputs a call has, so far as its parameters decide it."""
    last = op.rpartition(".")[2]
    if last in ("split", "SliceChannel", "split_v2", "slice_channel"):
        return int(attrs.get("num_outputs") or 1)
    if last in ("BatchNorm", "LayerNorm", "GroupNorm", "batch_norm", "layer_norm") and attrs.get(
            "output_mean_var"):
        return 3
    if last == "RNN" and attrs.get("state_outputs"):
        return 3 if attrs.get("mode") == "lstm" else 2
    if last == "topk" and attrs.get("ret_typ") == "both":
        return 2
    return 1


def _call(op: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Symbol:
    """A node for ``function(*args, **kwargs)``; missing arrays become variables."""
    wanted = kwargs.pop("name", None)
    marks = _marks(op, kwargs)
    kinds = signature(function).parameters
    variadic = next((n for n, p in kinds.items() if p.kind is Parameter.VAR_POSITIONAL), None)
    if variadic is None:
        try:
            given = dict(signature(function).bind_partial(*args, **kwargs).arguments)
        except TypeError as error:
            raise InvalidTypeError(f"{op}: {error}") from None
    else:
        given = {f"{variadic}{i}": a for i, a in enumerate(args)} | kwargs
    own = _naming.current().get(wanted, _HINTS.get(op, op.rpartition(".")[2]).lower())
    attrs = {n: v for n, v in given.items()
             if not isinstance(v, Symbol) and not (v is None and _defaults_to_none(kinds, n))}
    for argument, value in attrs.items():
        held = value if isinstance(value, (list, tuple)) else [value]
        if any(isinstance(v, (Symbol, BaseArray)) for v in held):
            raise InvalidTypeError(f"{op}: argument {argument} is of type {type(value).__name__}; a "
                                   "graph is built of symbols, given one by one")
    if variadic is None:
        for argument in _array_arguments(op, kinds):
            if given.get(argument) is None and _is_needed(argument, kinds, attrs):
                begin = _BEGIN.get((op, argument)) or _BEGIN.get(("", argument))
                own_marks = {"__init__": begin, **marks} if begin else dict(marks)
                given[argument] = Symbol([(Node("", f"{own}_{argument}", own_marks, []), 0)])
    order = [n for n in kinds if n in given] if variadic is None else list(given)
    inputs = []
    for argument in order:
        value = given[argument]
        if isinstance(value, Symbol):
            if len(value._entries) != 1:
                raise InvalidValueError(f"{op}: argument {argument} has {len(value._entries)} outputs; "
                                        "pick one of them by index")
            entry = value._entries[0]
            if argument in _STATISTICS:
                entry[0].is_aux = True
            inputs.append(entry)
    if variadic is not None and "num_args" in kinds:    # which MXNet does not find out itself
        attrs["num_args"] = len(inputs)
    node = Node(op, own, attrs, inputs, _outputs(op, attrs), marks=marks)
    return Symbol([(node, i) for i in range(node.count)])


# Attributes that may be given by these names beside ``__name__``, as MXNet's examples do.
_HIDDEN = ("ctx_group", "force_mirroring", "lr_mult", "mirror_stage", "wd_mult")
# How variables begin that MXNet's operators make, where their names do not tell an initializer.
_BEGIN = {("LeakyReLU", "gamma"): '["Constant", {"value": 0.25}]', ("", "moving_mean"): '["zero", {}]',
          ("", "moving_var"): '["one", {}]'}


def _marks(op: str, kwargs: dict[str, Any]) -> dict[str, str]:
    """The attributes of a node: those of the scope, of `attr`, and those among `kwargs`, which lose them."""
    marks = {}
    for key, value in _attribute.current().get(kwargs.pop("attr", None)).items():
        if key in _HIDDEN:
            key = f"__{key}__"
        elif not _is_dunder(key):
            raise InvalidValueError(f"{op}: attributes of operators begin and end with two underscores, got "
                                    f"{key!r}")
        marks[key] = value
    for key in [k for k in kwargs if k in _HIDDEN or _is_dunder(k)]:
        marks[key if _is_dunder(key) else f"__{key}__"] = str(kwargs.pop(key))
    return marks


def _is_dunder(key: str) -> bool:
    return len(key) > 4 and key.startswith("__") and key.endswith("__")


def _array_arguments(op: str, kinds: Mapping[str, Parameter]) -> Sequence[str]:
    """The names of the arrays that `op` takes; of np's and npx's functions the parameters of layers."""
    if op not in ND:
        return [n for n in kinds if n in _LEARNED] if op in _SHAPES else ()
    entry = ND.table[op]
    if isinstance(entry, Op):
        return ND.array_names(entry)
    count = getattr(entry, "_array_count", 0)
    return list(kinds)[:count] if isinstance(count, int) else ()


def _is_needed(argument: str, kinds: Mapping[str, Parameter], attrs: Mapping[str, Any]) -> bool:
    """Whether an array that is not given becomes a variable."""
    if argument == "bias":
        return not attrs.get("no_bias", kinds["no_bias"].default if "no_bias" in kinds else False)
    if argument == "gamma" and "act_type" in kinds:
        return attrs.get("act_type") == "prelu"
    if argument == "state_cell":
        return attrs.get("mode") == "lstm"
    return argument in _STATISTICS or kinds[argument].default is Parameter.empty or bool(
        attrs.get(f"use_{argument}"))


class Symbol:
    """An array to be: an output of a node of a graph, or several.

    Operators and nd's methods give new symbols, an index picks one of several outputs.
    """

    def __init__(self, entries: list[tuple[Node, int]]) -> None:
        self._entries = entries
        self._steps: list[tuple[Any, Any, Any]] = []        # how to compute it, made on first use
        self._heads: list[tuple[int, int]] = []

    # -- asking ----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """The name of its node; None for a group."""
        first = self._entries[0][0]
        return first.name if all(n is first for n, _ in self._entries) else None

    def __repr__(self) -> str:
        if self.name is None:
            return f"<{type(self).__name__} group [{', '.join(str(s.name) for s in self)}]>"
        return f"<{type(self).__name__} {self.name}>"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Symbol]:
        return (Symbol([e]) for e in self._entries)

    def __getitem__(self, index: int | str) -> Symbol:
        if isinstance(index, str):
            names = self.list_outputs()
            if index not in names:
                raise UnknownNameError(f"no output {index!r}{nearest(index, names)}")
            index = names.index(index)
        if not isinstance(index, int):
            raise InvalidTypeError("a symbol is indexed by the number or name of an output; cut arrays with "
                                   "slice or slice_axis")
        if not -len(self._entries) <= index < len(self._entries):
            raise IndexError(f"output {index} of {len(self._entries)}")
        return Symbol([self._entries[index]])

    def _nodes(self) -> list[Node]:
        """All nodes, each after those it needs, in the order of their first use."""
        order: list[Node] = []
        seen: set[int] = set()
        stack: list[tuple[Node, bool]] = [(n, False) for n, _ in reversed(self._entries)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(n, False) for n, _ in reversed(node.inputs)]
        return order

    def _variables(self) -> list[Node]:
        return [n for n in self._nodes() if not n.op]

    def list_inputs(self) -> list[str]:
        """Names of all variables."""
        return [n.name for n in self._variables()]

    def list_arguments(self) -> list[str]:
        """Names of the variables that are no auxiliary states."""
        return [n.name for n in self._variables() if not n.is_aux]

    def list_auxiliary_states(self) -> list[str]:
        """Names of the variables that operators change: moving means and variances."""
        return [n.name for n in self._variables() if n.is_aux]

    def list_outputs(self) -> list[str]:
        """Names of the outputs."""
        return [n.name if not n.op else f"{n.name}_output{i if n.count > 1 else ''}"
                for n, i in self._entries]

    def get_internals(self) -> Symbol:
        """All outputs of all nodes, as a group."""
        return Symbol([(n, i) for n in self._nodes() for i in range(n.count)])

    def get_children(self) -> Symbol | None:
        """The inputs of the node, as a group; None for a variable."""
        inputs = self._entries[0][0].inputs
        return Symbol(list(inputs)) if inputs else None

    def get_inputs(self) -> Symbol:
        """All variables, as a group."""
        return Symbol([(n, 0) for n in self._variables()])

    def list_attr(self) -> dict[str, str]:
        """The parameters and attributes of the node as texts."""
        return _texts(self._entries[0][0])

    def attr(self, key: str) -> str | None:
        """One parameter or attribute of the node as text, or None."""
        return self.list_attr().get(key)

    def attr_dict(self) -> dict[str, dict[str, str]]:
        """`list_attr` of all nodes that have any, by name."""
        return {n.name: found for n in self._nodes() if (found := _texts(n))}

    def _set_attr(self, **kwargs: str) -> None:
        """Give the node attributes: strings."""
        node = self._entries[0][0]
        for key, value in kwargs.items():
            if not isinstance(value, str):
                raise InvalidValueError(f"Set Attr only accepts string values: {key} is {value!r}")
            (node.marks if node.op else node.attrs)[f"__{key}__" if key in _HIDDEN else key] = value

    def as_np_ndarray(self) -> Symbol:
        """The symbol itself: the values decide what array is computed."""
        return self

    as_nd_ndarray = as_np_ndarray

    # -- building --------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in ND:
            raise UnknownNameError(f"a symbol has no attribute {name!r}: it has no values yet")
        function = ND.function(name)
        return lambda *args, **kwargs: _call(name, function, (self, *args), kwargs)

    def astype(self, dtype: Any, **kwargs: Any) -> Symbol:
        """The symbol cast to another dtype."""
        return _call("cast", ND.function("cast"), (self, dtype), kwargs)

    def __neg__(self) -> Symbol:
        negated: Symbol = _with_number("_mul", self, -1)
        return negated

    __hash__ = object.__hash__

    # -- computing -------------------------------------------------------------------------------------------

    def _compute(self, values: Mapping[str, Any], watch: Callable[[int, list[Any], tuple[Any, ...]], None]
                 | None = None) -> list[Any]:
        """The outputs for values of the variables by name.

        `watch` is called with the number of each operator among `_nodes`, its inputs and its outputs.
        """
        if not self._steps:
            nodes = self._nodes()
            at = {id(n): k for k, n in enumerate(nodes)}
            self._steps = [
                (_function(n.op) if n.op else None, [(at[id(m)], i) for m, i in n.inputs],
                 _attrs(n) if n.op else n.name) for n in nodes]
            self._heads = [(at[id(n)], i) for n, i in self._entries]
        results: list[Any] = []
        for function, inputs, attrs in self._steps:
            if function is None:
                if attrs not in values:
                    raise InvalidValueError(f"no value for the variable {attrs!r}")
                results.append((values[attrs],))
            else:
                given = [results[k][i] for k, i in inputs]
                found = function(*given, **attrs)
                if not isinstance(found, (list, tuple)):
                    found = (found,)
                if watch is not None:
                    watch(len(results), given, tuple(found))
                results.append(found)
        return [results[k][i] for k, i in self._heads]

    def eval(self, ctx: Any = None, **values: Any) -> list[Any]:
        """The outputs for arrays given by the names of the variables.

        >>> import mxgrad as mx
        >>> (mx.sym.var("x") * 2).eval(x=mx.nd.array([1, 2]))[0].asnumpy().tolist()
        [2.0, 4.0]
        """
        return self._compute({n: v if ctx is None else v.as_in_context(ctx) for n, v in values.items()})

    def _infer(self, known: Mapping[Node, Any], everything: bool, strict: bool = True,
               ) -> dict[tuple[int, int], Any]:
        """Shapes by node and output, from the specimens (arrays) of the variables in `known`.

        Operators are run on zeros, as far as needed to know all variables, or with `everything` to the end.
        Shapes that do not follow are an error, or if not `strict` left out.
        """
        nodes = self._nodes()
        values: dict[int, Any] = {}
        unknown: dict[int, Node] = {}
        for node in nodes:
            if not node.op:
                if node in known and known[node] is not None:
                    values[id(node)] = (known[node],)
                else:
                    unknown[id(node)] = node
        with autograd.pause():
            for node in nodes:
                if node.op:
                    self._settle(node, values, unknown)
                    if not unknown and not everything:
                        break
                    missing = [n.name for n, _ in node.inputs if id(n) not in values]
                    if missing and not strict:
                        continue
                    if missing:
                        raise InvalidValueError(f"operator {node.name}: the shape of {missing[0]} does not "
                                                "follow from the inputs'")
                    values[id(node)] = _run(node, [values[id(n)][i] for n, i in node.inputs])
        return {(id(n), i): v for n in nodes if id(n) in values for i, v in enumerate(values[id(n)])}

    def _settle(self, node: Node, values: dict[int, Any], unknown: dict[int, Node]) -> None:
        """Zeros for the unknown variables among the inputs of `node`, in the shapes it needs."""
        waiting = [n for n, _ in node.inputs if id(n) in unknown]
        if not waiting:
            return
        like = next((values[id(n)][i] for n, i in node.inputs if id(n) in values), None)
        if like is None:
            return
        if node.op in _BINARY:
            shapes = dict.fromkeys((n.name for n in waiting), like.shape)
        else:
            kind = _canonical(node.op)
            rule = _SHAPES.get(kind) or _OTHER_SHAPES.get(kind)
            if rule is None:
                return
            function = _function(node.op)
            arguments = [p for p in signature(function).parameters if p not in node.attrs]
            wanted = rule(like.shape, _attrs(node))
            shapes = {n.name: wanted[a] for (n, _), a in zip(node.inputs, arguments)
                      if id(n) in unknown and a in wanted}
        for n in waiting:
            if n.name in shapes:
                del unknown[id(n)]
                values[id(n)] = (_specimen(shapes[n.name], n, like),)

    def infer_shape(self, *args: Any, **kwargs: Any) -> tuple[Any, Any, Any]:
        """(shapes of the arguments, of the outputs, of the auxiliary states) from shapes of some variables,
        by name, or in their order.  InvalidValueError where they do not follow.
        """
        return self._shapes(args, kwargs, True)

    def infer_shape_partial(self, *args: Any, **kwargs: Any) -> tuple[Any, Any, Any]:
        """`infer_shape`, with () for shapes that do not follow."""
        return self._shapes(args, kwargs, False)

    def _shapes(self, args: Any, kwargs: Any, strict: bool) -> tuple[Any, Any, Any]:
        given = dict(zip(self.list_arguments(), args)) if args else kwargs
        variables = self._variables()
        known = {n: _nd.zeros(given[n.name]) if given.get(n.name) else _given(n) for n in variables}
        shape = {k: v.shape for k, v in self._infer(known, True, strict).items()}
        return ([shape.get((id(n), 0), ()) for n in variables if not n.is_aux],
                [shape.get((id(n), i), ()) for n, i in self._entries],
                [shape.get((id(n), 0), ()) for n in variables if n.is_aux])

    def infer_type(self, *args: Any, **kwargs: Any) -> tuple[Any, Any, Any]:
        """(dtypes of the arguments, of the outputs, of the auxiliary states) where the floats have the dtype
        given for some variables, by name, or in their order; float32 unless given.

        >>> import mxgrad as mx
        >>> mx.sym.FullyConnected(mx.sym.var("x"), num_hidden=2, name="fc").infer_type(x="float16")[1]
        [<class 'numpy.float16'>]
        """
        given = dict(zip(self.list_arguments(), args)) if args else kwargs
        common = next((d for d in given.values() if d is not None), "float32")
        known: dict[str, Any] = {n.name: _dtype_of(n) for n in self._variables()}
        known.update((n, d) for n, d in given.items() if d is not None)

        def of(names: list[str]) -> list[Any]:
            return [as_dtype(known.get(n) or common).type for n in names]

        statistics = [as_dtype(known[n] or "float32").type for n in self.list_auxiliary_states()]
        return of(self.list_arguments()), of(self.list_outputs()), statistics

    infer_type_partial = infer_type

    # -- executors -------------------------------------------------------------------------------------------

    def simple_bind(
        self, ctx: Any, grad_req: Any = "write", type_dict: Mapping[str, Any] | None = None,
        stype_dict: Mapping[str, str] | None = None, group2ctx: Any = None, shared_arg_names: Any = None,
        shared_exec: Any = None, shared_buffer: Any = None, **kwargs: Any,
    ) -> Any:
        """An `mx.executor.Executor` with arrays of its own, of zeros.

        Parameters
        ----------
        ctx : Context
        grad_req : str, list of str or dict of str to str
            'write', 'add' or 'null': of all arguments, in their order, or by name.
        type_dict : dict of str to dtype, optional
            Of arguments that are not float32.
        shared_arg_names : list of str, optional
            Arguments whose arrays and gradients are those of `shared_exec`.
        shared_exec : Executor, optional
            The auxiliary states are its own too.
        stype_dict, group2ctx, shared_buffer
            Accepted for MXNet's sake: arrays are dense, and all is computed on `ctx`.
        **kwargs : tuple of int
            The shapes of arguments; those of parameters follow from the data's.

        Raises InvalidValueError where the shape of an argument does not follow.
        """
        from .executor import bind_shapes

        return bind_shapes(self, ctx, grad_req, kwargs, type_dict or {}, shared_exec, shared_arg_names or ())

    def bind(
        self, ctx: Any, args: Any, args_grad: Any = None, grad_req: Any = "write", aux_states: Any = None,
        group2ctx: Any = None, shared_exec: Any = None,
    ) -> Any:
        """An `mx.executor.Executor` with the arrays given.

        Parameters
        ----------
        ctx : Context
        args : list of NDArray or dict of str to NDArray
            One for each argument.
        args_grad : list of NDArray or dict of str to NDArray, optional
            Where gradients go.
        grad_req : str, list of str or dict of str to str
            'write', 'add' or 'null'.
        aux_states : list of NDArray or dict of str to NDArray, optional
            One for each auxiliary state.
        group2ctx, shared_exec
            Accepted for MXNet's sake.

        Raises InvalidValueError where an array is missing.

        >>> import mxgrad as mx
        >>> x = mx.sym.var("x")
        >>> gradient = mx.nd.zeros(2)
        >>> e = (x * x).bind(mx.cpu(), {"x": mx.nd.array([1, 2])}, {"x": gradient})
        >>> e.forward(is_train=True)[0].asnumpy().tolist()
        [1.0, 4.0]
        >>> e.backward(mx.nd.ones(2))
        >>> gradient.asnumpy().tolist()
        [2.0, 4.0]
        """
        from .executor import bind_arrays

        return bind_arrays(self, ctx, args, args_grad, grad_req, aux_states)

    # -- files -----------------------------------------------------------------------------------------------

    def tojson(self, remove_amp_cast: bool = True) -> str:
        """The graph in MXNet's JSON, which `load_json`, MXNet 1.9 and 2 read."""
        nodes = self._nodes()
        at = {id(n): i for i, n in enumerate(nodes)}
        written = []
        for node in nodes:
            entry: dict[str, Any] = {"op": _mxnet_name(node.op) or "null", "name": node.name}
            attrs = {**_described(node.parameter), **node.attrs, **node.marks}
            if attrs:
                entry["attrs"] = {k: _text(v) for k, v in sorted(attrs.items())}
            entry["inputs"] = [[at[id(n)], i, 0] for n, i in node.inputs]
            written.append(entry)
        rows = [0]
        for node in nodes:
            rows.append(rows[-1] + node.count)
        return json.dumps({
            "nodes": written,
            "arg_nodes": [i for i, n in enumerate(nodes) if not n.op],
            "node_row_ptr": rows,
            "heads": [[at[id(n)], i, 0] for n, i in self._entries],
            "attrs": {"mxnet_version": ["int", 10901]},
        }, indent=2)

    def save(self, fname: str, remove_amp_cast: bool = True) -> None:
        """Write `tojson` to a file."""
        text = self.tojson(remove_amp_cast)
        with replacing(fname) as file:
            file.write(text.encode())


def _operator(symbol: str) -> None:
    binary, scalar, _ = _OPERATORS[symbol]

    def forward(self: Symbol, other: Any) -> Any:
        if isinstance(other, Symbol):
            return _call_operator(binary, _HINTS.get(binary, binary), [self, other], {})
        return _with_number(scalar, self, other)

    def backward(self: Symbol, other: Any) -> Any:
        return _with_number(_REFLECTED[symbol], self, other)

    setattr(Symbol, f"__{symbol}__", forward)
    if symbol in _REFLECTED:
        setattr(Symbol, f"__r{symbol}__", backward)


# MXNet calls the nodes of these '_greater_scalar0', those of the others '_plusscalar0'.
_SPELLED = ("_rpower", "_equal", "_not_equal", "_greater", "_greater_equal", "_lesser", "_lesser_equal")


def _with_number(op: str, symbol: Symbol, number: Any) -> Any:
    if not isinstance(number, (int, float)):
        return NotImplemented
    hint = op + ("_scalar" if op in _SPELLED else "scalar")
    return _call_operator(f"{op}_scalar", hint, [symbol], {"scalar": number})


def _call_operator(op: str, hint: str, symbols: list[Symbol], attrs: dict[str, Any]) -> Symbol:
    if any(len(s._entries) != 1 for s in symbols):
        raise InvalidValueError(f"{op}: an operand has several outputs; pick one of them by index")
    own = _naming.current().get(None, hint)
    return Symbol([(Node(op, own, attrs, [s._entries[0] for s in symbols]), 0)])


for _symbol in _OPERATORS:
    _operator(_symbol)


def _run(node: Node, inputs: list[Any]) -> tuple[Any, ...]:
    """The outputs of a call node on arrays."""
    result = _function(node.op)(*inputs, **_attrs(node))
    return tuple(result) if isinstance(result, (list, tuple)) else (result,)


def _texts(node: Node) -> dict[str, str]:
    """The parameters and attributes of a node; those in `_HIDDEN` under both names, as in MXNet."""
    found = {k: str(v) for k, v in {**node.attrs, **node.marks}.items()}
    return {**{k: found[f"__{k}__"] for k in _HIDDEN if f"__{k}__" in found}, **found}


def _attrs(node: Node) -> dict[str, Any]:
    return {k: _value(v) for k, v in node.attrs.items()}


def _canonical(op: str) -> str:
    """The path of an operator that JSON names as MXNet does."""
    for path, start in _PREFIXES.items():
        if op.startswith(start):
            return f"{path}.{op[len(start):]}"
    return op


def _value(value: Any) -> Any:
    """A parameter of an operator, which JSON has as text."""
    return parse_value(value) if isinstance(value, str) else value


def _text(value: Any) -> str:
    if isinstance(value, type) or hasattr(value, "name") and not isinstance(value, Symbol):
        return str(as_dtype(value))
    return str(value)


# MXNet's numbers for dtypes, as graphs state them.
_DTYPES = ("float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool")


def _described(parameter: Any) -> dict[str, Any]:
    """What JSON says of a variable that stands for a parameter."""
    if parameter is None:
        return {}
    shape = parameter.shape
    found = {"__dtype__": str(_DTYPES.index(as_dtype(parameter.dtype).name)),
             "__lr_mult__": str(parameter.lr_mult), "__wd_mult__": str(parameter.wd_mult),
             "__storage_type__": "0"}
    if shape is not None:
        found["__shape__"] = str(tuple(max(n, 0) for n in shape))
    return found


def _given(node: Node) -> Any:
    """Zeros for a variable that says its shape itself, or None."""
    shape = node.parameter.shape if node.parameter is not None else _value(node.attrs.get("__shape__"))
    if shape is None or any(n < 1 for n in shape):
        return None
    return _nd.zeros(shape, dtype=_dtype_of(node))


def _dtype_of(node: Node) -> Any:
    if node.parameter is not None:
        return node.parameter.dtype
    code = node.attrs.get("__dtype__")
    return None if code is None else _DTYPES[int(code)]


def _specimen(shape: tuple[int, ...], node: Node, like: BaseArray) -> Any:
    dtype = _dtype_of(node) or (like._data.dtype if like._data.dtype.kind == "f" else "float32")
    zeros = _nd.zeros(shape, dtype=dtype, ctx=like.context)
    return zeros if isinstance(like, _nd.NDArray) else zeros.as_np_ndarray()


# -- making -------------------------------------------------------------------------------------------------


def var(name: str, attr: Mapping[str, str] | None = None, shape: Any = None, lr_mult: Any = None,
        wd_mult: Any = None, dtype: Any = None, init: Any = None, stype: Any = None,
        profiler_scope: Any = None, parameter: Any = None, **kwargs: Any) -> Symbol:
    """A variable.

    Parameters
    ----------
    name : str
    attr : dict of str to str, optional
        Attributes, added to those of the `mx.AttrScope` around.
    shape : tuple of int, optional
    lr_mult, wd_mult : float, optional
        Factors of learning rate and weight decay, for `mx.mod.Module`.
    dtype : dtype, optional
    init : Initializer or str, optional
        How `mx.mod.Module` begins it.
    stype, profiler_scope
        Accepted for MXNet's sake.
    parameter : gluon.Parameter, optional
        What it stands for.
    **kwargs : str
        More attributes; their names begin and end with two underscores.

    Raises InvalidTypeError for a name that is no string, InvalidValueError for another keyword.

    >>> import mxgrad as mx
    >>> mx.sym.var("w", lr_mult=2).attr("__lr_mult__")
    '2'
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"Expect a string for variable `name`, got {name!r}")
    attrs = {f"__{k}__" if k in _HIDDEN else k: v
             for k, v in _attribute.current().get(dict(attr or {})).items()}
    if shape is not None:
        attrs["__shape__"] = str(tuple(shape))
    if lr_mult is not None:
        attrs["__lr_mult__"] = str(lr_mult)
    if wd_mult is not None:
        attrs["__wd_mult__"] = str(wd_mult)
    if dtype is not None:
        attrs["__dtype__"] = str(_DTYPES.index(as_dtype(dtype).name))
    if init is not None:
        attrs["__init__"] = init if isinstance(init, str) else init.dumps()
    for key, value in kwargs.items():
        if not _is_dunder(key):
            raise InvalidValueError(f"var: Attribute name={key} is not supported. Additional attributes must "
                                    "start and end with double underscores, e.g, __yourattr__")
        attrs[key] = str(value)
    return Symbol([(Node("", name, attrs, [], parameter=parameter), 0)])


Variable = var


def Group(symbols: Sequence[Symbol], create_fn: Any = None) -> Symbol:
    """Several symbols as one with all their outputs."""
    if not symbols or any(not isinstance(s, Symbol) for s in symbols):
        raise InvalidTypeError("Expected a list of symbols as input")
    return Symbol([e for s in symbols for e in s._entries])


def pow(base: Any, exp: Any) -> Any:
    """``base ** exp`` of symbols, or a symbol and a number."""
    return base ** exp


def load(fname: str | os.PathLike[str]) -> Symbol:
    """The graph in a file of `Symbol.save` or MXNet's ``…-symbol.json``."""
    with open(fname, encoding="utf-8") as file:
        return load_json(file.read())


def load_json(json_str: str) -> Symbol:
    """The graph in MXNet's JSON.  Raises InvalidValueError for a text that is none, UnknownNameError for an
    operator that is not here.
    """
    try:
        graph = json.loads(json_str)
        nodes: list[Node] = []
        for entry in graph["nodes"]:
            op = "" if entry["op"] == "null" else str(entry["op"])
            # Old files have parameters under 'param' or 'attr'.
            attrs = {**(entry.get("param") or {}), **(entry.get("attr") or {}), **(entry.get("attrs") or {})}
            marks = {k: v for k, v in attrs.items() if op and k.startswith("__")}
            if op:
                attrs = {k: v for k, v in attrs.items() if k not in marks and k not in _IGNORED}
            inputs = [(nodes[i[0]], int(i[1])) for i in entry["inputs"]]
            parsed = {k: _value(v) for k, v in attrs.items()} if op else attrs
            if op == "_zeros" and "is_np_shape" not in graph.get("attrs", ()):
                # MXNet 1 leaves the length of the batch open in the first states of recurrent cells.
                parsed["shape"] = tuple(n or 1 for n in parsed["shape"])
            if op == "RNN":
                inputs[2:] = [_for_batch(i, inputs[0]) for i in inputs[2:]]
            nodes.append(Node(op, str(entry["name"]), parsed, inputs, _outputs(op, parsed), marks=marks))
        heads = [(nodes[h[0]], int(h[1])) for h in graph["heads"]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise InvalidValueError(f"this is no graph of MXNet's ({type(error).__name__}: {error})") from None
    for node in nodes:
        if node.op:
            function = _function(node.op)
            if _canonical(node.op) in _SHAPES:
                names = [p for p in signature(function).parameters if p not in node.attrs]
                for (source, _), argument in zip(node.inputs, names):
                    source.is_aux = source.is_aux or argument in _STATISTICS
            _whole(node)
    return Symbol(heads)


def _for_batch(state: tuple[Node, int], data: tuple[Node, int]) -> tuple[Node, int]:
    """The first state of `data`, where it is made by a node that knows a batch of 1 only."""
    maker = state[0]
    if maker.op != "_zeros" or maker.attrs["shape"][1] != 1:
        return state
    axes = {"lhs_axes": (1,), "rhs_axes": (1,)}
    return Node("broadcast_like", maker.name + "_batch", axes, [state, data]), 0


fromjson = load_json

# Parameters that say how, not what, MXNet computes.
_IGNORED = frozenset(("cudnn_off", "cudnn_tune", "workspace", "min_calib_range", "max_calib_range",
                      "lr_mult", "wd_mult", "force_mirroring", "ctx_group", "output_size"))


def _whole(node: Node) -> None:
    """MXNet 2 writes truth values as 0 and 1: give them back their type, and drop what says 'None'."""
    kinds = signature(_function(node.op)).parameters
    for key, value in list(node.attrs.items()):
        if value is None and _defaults_to_none(kinds, key):
            del node.attrs[key]
        elif key in kinds and isinstance(kinds[key].default, bool):
            node.attrs[key] = bool(value)
        elif isinstance(value, list):
            node.attrs[key] = tuple(value)


def _defaults_to_none(kinds: Mapping[str, Parameter], name: str) -> bool:
    return name not in kinds or kinds[name].default is None


class _Functions:
    """The functions of a module or namespace, on symbols."""

    def __init__(self, source: Any, path: str) -> None:
        self._source, self._path = source, path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = _on_symbols(self._source, self._path, name)
        setattr(self, name, found)
        return found


def _on_symbols(source: Any, path: str, name: str) -> Any:
    found = getattr(source, name)
    op = path + name
    if isinstance(found, (ModuleType, Namespace)):
        return _Functions(found, op + ".")
    if isinstance(found, type) or not callable(found):
        return found

    def build(*args: Any, **kwargs: Any) -> Symbol:
        return _call(op, found, args, kwargs)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = found.__doc__
    return build


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _public(name)


@cache      # and not a global: `sum` and `max` would take the place of Python's
def _public(name: str) -> Any:
    if name in ("np", "npx"):
        return _Functions({"np": _np, "npx": _npx}[name], name + ".")
    return _on_symbols(_nd, "", name)


def __dir__() -> list[str]:
    return sorted({*dir(_nd), *__all__, "np", "npx"})
