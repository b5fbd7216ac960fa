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
from inspect import Parameter, signature
from types import ModuleType
from typing import Any

from . import autograd, name as _naming, nd as _nd, np as _np, npx as _npx
from .base import InvalidTypeError, InvalidValueError, UnknownNameError, as_dtype, nearest
from .frontend import Namespace, parse_value
from .nd.functions import ND
from .ndarray import BaseArray

__all__ = ["Group", "Symbol", "Variable", "fromjson", "load", "load_json", "var"]


class Node:
    """A variable (`op` is empty), or a call of `op` on outputs of other nodes."""

    __slots__ = ("op", "name", "attrs", "inputs", "count", "parameter", "is_aux")

    def __init__(self, op: str, name: str, attrs: dict[str, Any], inputs: list[tuple[Node, int]],
                 count: int = 1, parameter: Any = None) -> None:
        self.op, self.name, self.attrs, self.inputs, self.count = op, name, attrs, inputs, count
        self.parameter, self.is_aux = parameter, False


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
    """A node for ``function(*args, **kwargs)``; missing parameters of layers become variables."""
    wanted = kwargs.pop("name", None)
    kwargs.pop("attr", None)
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
    if op in _SHAPES:
        for argument in kinds:
            without = argument == "bias" and attrs.get("no_bias", kinds["no_bias"].default)
            if given.get(argument) is None and argument in _LEARNED and not without:
                given[argument] = var(f"{own}_{argument}")
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
    node = Node(op, own, attrs, inputs, _outputs(op, attrs))
    return Symbol([(node, i) for i in range(node.count)])


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

    def list_attr(self) -> dict[str, str]:
        """The parameters of the node as texts."""
        return {k: str(v) for k, v in self._entries[0][0].attrs.items()}

    def attr(self, key: str) -> str | None:
        """One parameter of the node as text, or None."""
        return self.list_attr().get(key)

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

    def __neg__(self) -> Symbol:
        negated: Symbol = _with_number("_mul", self, -1)
        return negated

    __hash__ = object.__hash__

    # -- computing -------------------------------------------------------------------------------------------

    def _compute(self, values: Mapping[str, Any]) -> list[Any]:
        """The outputs for values of the variables by name."""
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
                found = function(*[results[k][i] for k, i in inputs], **attrs)
                results.append(found if isinstance(found, (list, tuple)) else (found,))
        return [results[k][i] for k, i in self._heads]

    def eval(self, ctx: Any = None, **values: Any) -> list[Any]:
        """The outputs for arrays given by the names of the variables.

        >>> import mxgrad as mx
        >>> (mx.sym.var("x") * 2).eval(x=mx.nd.array([1, 2]))[0].asnumpy().tolist()
        [2.0, 4.0]
        """
        return self._compute({n: v if ctx is None else v.as_in_context(ctx) for n, v in values.items()})

    def _infer(self, known: Mapping[Node, Any], everything: bool) -> dict[tuple[int, int], Any]:
        """Shapes by node and output, from the specimens (arrays) of the variables in `known`.

        Operators are run on zeros, as far as needed to know all variables, or with `everything` to the end.
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
            rule = _SHAPES.get(_canonical(node.op))
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
        if args:
            kwargs = dict(zip(self.list_arguments(), args))
        variables = self._variables()
        known = {n: _nd.zeros(kwargs[n.name]) if n.name in kwargs else _given(n) for n in variables}
        found = self._infer(known, True)
        shape = {k: v.shape for k, v in found.items()}
        return ([shape[id(n), 0] for n in variables if not n.is_aux],
                [shape[id(n), i] for n, i in self._entries],
                [shape[id(n), 0] for n in variables if n.is_aux])

    # -- files -----------------------------------------------------------------------------------------------

    def tojson(self, remove_amp_cast: bool = True) -> str:
        """The graph in MXNet's JSON, which `load_json`, MXNet 1.9 and 2 read."""
        nodes = self._nodes()
        at = {id(n): i for i, n in enumerate(nodes)}
        written = []
        for node in nodes:
            entry: dict[str, Any] = {"op": _mxnet_name(node.op) or "null", "name": node.name}
            attrs = node.attrs if node.op else {**_described(node.parameter), **node.attrs}
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
        with open(fname, "w", encoding="utf-8") as file:
            file.write(text)


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


def var(name: str, attr: Mapping[str, str] | None = None, shape: Any = None, dtype: Any = None,
        parameter: Any = None, **kwargs: Any) -> Symbol:
    """A variable.  `parameter` is the parameter of a block it stands for; lr_mult, wd_mult, init and stype
    are accepted.
    """
    if not isinstance(name, str):
        raise InvalidTypeError(f"Expect a string for variable `name`, got {name!r}")
    attrs = dict(attr or {})
    if shape is not None:
        attrs["__shape__"] = str(tuple(shape))
    if dtype is not None:
        attrs["__dtype__"] = str(_DTYPES.index(as_dtype(dtype).name))
    return Symbol([(Node("", name, attrs, [], parameter=parameter), 0)])


Variable = var


def Group(symbols: Sequence[Symbol], create_fn: Any = None) -> Symbol:
    """Several symbols as one with all their outputs."""
    if not symbols or any(not isinstance(s, Symbol) for s in symbols):
        raise InvalidTypeError("Expected a list of symbols as input")
    return Symbol([e for s in symbols for e in s._entries])


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
            if op:
                attrs = {k: v for k, v in attrs.items() if not k.startswith("__") and k not in _IGNORED}
            inputs = [(nodes[i[0]], int(i[1])) for i in entry["inputs"]]
            parsed = {k: _value(v) for k, v in attrs.items()} if op else attrs
            if op == "_zeros" and "is_np_shape" not in graph.get("attrs", ()):
                # MXNet 1 leaves the length of the batch open in the first states of recurrent cells.
                parsed["shape"] = tuple(n or 1 for n in parsed["shape"])
            if op == "RNN":
                inputs[2:] = [_for_batch(i, inputs[0]) for i in inputs[2:]]
            nodes.append(Node(op, str(entry["name"]), parsed, inputs, _outputs(op, parsed)))
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
    if name in ("np", "npx"):
        found: Any = _Functions({"np": _np, "npx": _npx}[name], name + ".")
    else:
        found = _on_symbols(_nd, "", name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*dir(_nd), *__all__, "np", "npx"})
