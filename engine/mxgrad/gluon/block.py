"""Blocks: layers and models (level 13)."""
from __future__ import annotations

import itertools
import json
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy

from .. import initializer, name as naming, nd, symbol
from ..base import InvalidTypeError, InvalidValueError, MXNetError, as_dtype
from ..context import current_context
from ..ndarray import BaseArray
from ..npx.switches import is_np_array
from ..params_file import FileFormatError, replacing
from ..program import Replay
from ..random import replaying
from ..symbol import Symbol
from ..tape import state
from .parameter import (
    DeferredInitializationError, LoadError, Parameter, ParameterDict, ParameterError, Parameters, load_into,
    read_arrays, selected, without_kind, write_arrays,
)
from .utils import HookHandle, brief, indent, shape_is_known

__all__ = ["Block", "HybridBlock", "SymbolBlock"]


class _Scopes(threading.local):
    """The `name_scope` a thread is in."""

    def __init__(self) -> None:
        self.current: _BlockScope | None = None


_scopes = _Scopes()


class _BlockScope:
    """Gives the blocks and parameters made in a ``with block.name_scope():`` the block's prefix."""

    def __init__(self, block: Block) -> None:
        self._block, self._counts = block, dict[str, int]()
        self._before: list[tuple[_BlockScope | None, naming.Prefix]] = []

    @staticmethod
    def create(prefix: str | None, params: ParameterDict | None, hint: str) -> tuple[str, ParameterDict]:
        """The prefix of a new block in the current scope, and its parameters."""
        scope = _scopes.current
        if scope is None:
            if prefix is None:
                prefix = naming.current().get(None, hint) + "_"
            above, shared = "", None
        else:
            if prefix is None:
                number = scope._counts.get(hint, 0)
                scope._counts[hint] = number + 1
                prefix = f"{hint}{number}_"
            above, shared = scope._block.prefix, scope._block._params._shared
        if params is not None:
            own = ParameterDict(getattr(params, "prefix", ""), _as_parameter_dict(params))
        else:
            own = ParameterDict((scope._block._params.prefix if scope else "") + prefix, shared)
        return above + prefix, own

    def __enter__(self) -> _BlockScope:
        if not self._block._empty_prefix:
            names = naming.Prefix(self._block.prefix)
            names.__enter__()
            self._before.append((_scopes.current, names))
            _scopes.current = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if not self._block._empty_prefix:
            _scopes.current, names = self._before.pop()
            names.__exit__(kind, error, trace)


def _as_parameter_dict(params: Any) -> ParameterDict:
    if isinstance(params, ParameterDict):
        return params
    found = ParameterDict()
    dict.update(found, params)
    return found


class _Own(Parameters):
    """The parameters of one block by the names of its attributes, as MXNet 2 shows them; `get` with keyword
    arguments makes a parameter, as in MXNet 1.
    """

    def __init__(self, block: Block) -> None:
        super().__init__(block._reg_params)
        self._block = block

    def get(self, name: str, default: Any = None, **kwargs: Any) -> Any:
        return self._block._params.get(name, **kwargs) if kwargs else super().get(name, default)

    def get_constant(self, name: str, value: Any = None) -> Any:
        return self._block._params.get_constant(name, value)


class _ByPath(Parameters):
    """Parameters by their paths, which are found by the names with prefixes, too."""

    def __init__(self, found: dict[str, Parameter], prefixed: dict[str, Parameter]) -> None:
        super().__init__(found)
        self._prefixed = prefixed

    def __missing__(self, name: str) -> Parameter:
        return self._prefixed[name]


class Block:
    """A layer or a model: parameters, children, and a ``forward(self, *args)`` that a subclass defines.

    Blocks and parameters that are assigned to attributes belong to the block.

    Parameters
    ----------
    prefix : str, optional
        Stands before the names of its parameters and of the blocks made in its `name_scope`; made of the
        class's name and a number by default.
    params : ParameterDict, optional
        Parameters to share: those of another block's `params` or `collect_params`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> class Twice(mx.gluon.Block):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         with self.name_scope():
    ...             self.dense = mx.gluon.nn.Dense(2, in_units=3)
    ...     def forward(self, x):
    ...         return self.dense(x) * 2
    >>> net = Twice(prefix="net_")
    >>> net.initialize(mx.init.One())
    >>> net(mx.nd.array([[1, 2, 3]])).asnumpy().tolist()
    [[12.0, 12.0]]
    >>> net.collect_params()
    net_ (
      Parameter net_dense0_weight (shape=(2, 3), dtype=float32)
      Parameter net_dense0_bias (shape=(2,), dtype=float32)
    )
    """

    def __init__(self, prefix: str | None = None, params: Any = None) -> None:
        self._children: OrderedDict[str, Any] = OrderedDict()
        self._reg_params: dict[str, Parameter] = {}
        self._forward_hooks: OrderedDict[int, Any] = OrderedDict()
        self._forward_pre_hooks: OrderedDict[int, Any] = OrderedDict()
        self._empty_prefix = prefix == ""
        self._prefix, self._params = _BlockScope.create(prefix, params, self._alias())
        self._scope = _BlockScope(self)

    def __repr__(self) -> str:
        parts = [(n, b) for n, b in self.__dict__.items() if isinstance(b, Block)]
        return _shown(self, parts)

    def __setattr__(self, name: str, value: Any) -> None:
        existing = self.__dict__.get(name)
        if isinstance(existing, (Parameter, Block)) and not isinstance(value, type(existing)):
            raise InvalidTypeError(f"Changing attribute type for {name} from {type(existing)} to "
                                   f"{type(value)}is not allowed.")
        if isinstance(value, Block):
            self.register_child(value, name)
        elif isinstance(value, Parameter):
            self._reg_params[name] = value
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {n: v for n, v in self.__dict__.items() if n != "_scope"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__["_scope"] = _BlockScope(self)

    # -- names and parameters --------------------------------------------------------------------------------

    def _alias(self) -> str:
        """What a prefix is made of."""
        return type(self).__name__.lower()

    @property
    def prefix(self) -> str:
        """What stands before the names of its parameters and children."""
        return self._prefix

    @property
    def name(self) -> str:
        """The prefix without '_' at its end."""
        return self._prefix[:-1] if self._prefix.endswith("_") else self._prefix

    def name_scope(self) -> _BlockScope:
        """A ``with`` block in which new blocks and parameters get names with this block's prefix."""
        return self._scope

    @property
    def params(self) -> Any:
        """The block's own parameters, without its children's."""
        return _Own(self) if is_np_array() else self._all_own()

    def _all_own(self) -> ParameterDict:
        """The parameters of the block that were made through `params`, and those assigned to attributes."""
        known = {id(p) for p in self._params.values()}
        for name, p in self._reg_params.items():
            if id(p) not in known:
                self._params[self._params.prefix + name] = p
        return self._params

    def collect_params(self, select: str | None = None) -> Any:
        """The parameters of the block and all blocks in it, by name.

        Names have prefixes ('dense0_weight', a `ParameterDict`); with NumPy arrays on (`npx.set_np`) they are
        the paths of attributes ('0.weight').  `select`, a regular expression, picks those whose names begin
        with it.
        """
        self._warn_of_containers()
        found = ParameterDict(self._params.prefix)
        self._collect(found, select)
        if not is_np_array():
            return found
        paths = self._collect_params_with_prefix()
        return _ByPath({n: paths[n] for n in selected(paths, select)}, found)

    def _collect(self, found: ParameterDict, select: str | None) -> None:
        own = self._all_own()
        found.update({n: own[n] for n in selected(own, select)})
        for child in self._children.values():
            child._collect(found, select)

    def _collect_params_with_prefix(
        self, prefix: str = "", select: str | None = None,
    ) -> dict[str, Parameter]:
        """Parameters by the paths of attributes; a shared one is under each of its paths."""
        start = prefix + "." if prefix else ""
        found = {n: self._reg_params[n[len(start):]]
                 for n in selected((start + n for n in self._reg_params), select)}
        for name, child in self._children.items():
            found.update(child._collect_params_with_prefix(start + name, select))
        return found

    def _warn_of_containers(self) -> None:
        children = {id(c) for c in self._children.values()}

        def has_stranger(value: Any) -> bool:
            if isinstance(value, (list, tuple)):
                return any(has_stranger(v) for v in value)
            if isinstance(value, dict):
                return any(has_stranger(v) for v in value.values())
            return isinstance(value, Block) and id(value) not in children

        for key, value in self.__dict__.items():
            if key != "_children" and isinstance(value, (list, tuple, dict)) and has_stranger(value):
                warnings.warn(
                    f'"{type(self).__name__}.{key}" is an unregistered container with Blocks. Note that '
                    "Blocks inside the list, tuple or dict will not be registered automatically. Make sure "
                    "to register them using register_child() or switching to "
                    "nn.Sequential/nn.HybridSequential instead. ",
                    stacklevel=3)

    def initialize(
        self, init: Any = None, ctx: Any = None, verbose: bool = False, force_reinit: bool = False,
        device: Any = None,
    ) -> None:
        """Initialize all parameters; see `Parameter.initialize`.

        Parameters
        ----------
        init : Initializer, optional
            For parameters without one of their own; uniform on [-0.07, 0.07) by default.
        ctx, device : Context or list of Context, optional
            Where; the current context by default.
        verbose : bool
            Print what is initialized.
        force_reinit : bool
            Do it again where it has been done.
        """
        init = initializer.Uniform() if init is None else init
        self.collect_params().initialize(init, ctx, verbose, force_reinit, device)

    def zero_grad(self) -> None:
        """Set the gradients of all parameters to zero."""
        self.collect_params().zero_grad()

    def reset_ctx(self, ctx: Any = None) -> None:
        """Move all parameters to other contexts."""
        self.collect_params().reset_ctx(ctx)

    reset_device = reset_ctx

    def setattr(self, name: str, value: Any) -> None:
        """Set an attribute of all parameters."""
        self.collect_params().setattr(name, value)

    def share_parameters(self, shared: dict[str, Parameter] | None) -> Block:
        """Use the parameters of `shared`, a `collect_params` by paths, instead of those of the same paths;
        the block is returned.
        """
        if shared is None:
            return self
        if not isinstance(shared, dict):
            raise InvalidValueError(f"'shared' should be in type of Dict. Get type {type(shared)}!")
        left = set(shared)
        self._share(shared, left, "")
        for name in sorted(left):
            warnings.warn(f"Parameter name {name} is not in the current model!", stacklevel=2)
        return self

    def _share(self, shared: dict[str, Parameter], left: set[str], start: str) -> None:
        for name, old in list(self._reg_params.items()):
            if start + name in shared:
                new = shared[start + name]
                for key in [k for k, p in self._params.items() if p is old]:
                    self._params[key] = new
                setattr(self, name, new)
                left.discard(start + name)
        for name, child in self._children.items():
            child._share(shared, left, f"{start}{name}.")

    def cast(self, dtype: Any) -> None:
        """Change the dtype of all parameters."""
        as_dtype(dtype)
        for child in self._children.values():
            child.cast(dtype)
        for p in self._all_own().values():
            p.cast(dtype)

    # -- files -----------------------------------------------------------------------------------------------

    def save_parameters(self, filename: str, deduplicate: bool = False) -> None:
        """Write the parameters under the paths of their attributes.

        Parameters
        ----------
        filename : str
            MXNet's ``.params`` format; ``.npz`` and ``.safetensors`` files where it ends so.
        deduplicate : bool
            Write a shared parameter once, not under each of its paths.
        """
        params = self._collect_params_with_prefix()
        if deduplicate:
            last = {id(p): n for n, p in params.items()}
            params = {n: p for n, p in params.items() if last[id(p)] == n}
        write_arrays(filename, {n: p._reduce() for n, p in params.items()})

    def load_parameters(
        self, filename: str, ctx: Any = None, allow_missing: bool = False, ignore_extra: bool = False,
        cast_dtype: bool = False, dtype_source: str = "current", device: Any = None,
    ) -> None:
        """Read parameters that `save_parameters`, `export` or MXNet wrote, all or nothing.

        Parameters
        ----------
        filename : str
        ctx, device : Context or list of Context, optional
            Where to initialize the parameters that are not initialized.
        allow_missing, ignore_extra : bool
            Whether parameters may be missing in the file, and whether it may hold others.
        cast_dtype : bool
            Cast where dtypes differ: to the parameter's (`dtype_source` 'current') or the file's ('saved').

        Raises
        ------
        LoadError
            Names, shapes or dtypes do not fit; the message lists all of them.
        FileError, FileFormatError
            The file cannot be read, or is something else.
        """
        self._load(read_arrays(filename), f"file '{filename}'", device if ctx is None else ctx, allow_missing,
                   ignore_extra, cast_dtype, dtype_source)

    def load_dict(
        self, param_dict: dict[str, Any], ctx: Any = None, allow_missing: bool = False,
        ignore_extra: bool = False, cast_dtype: bool = False, dtype_source: str = "current",
        device: Any = None,
    ) -> None:
        """As `load_parameters`, from a dict of arrays."""
        arrays = {n: a if isinstance(a, BaseArray) else nd.array(a, dtype=numpy.asarray(a).dtype)
                  for n, a in param_dict.items()}
        self._load(arrays, "param_dict", device if ctx is None else ctx, allow_missing, ignore_extra,
                   cast_dtype, dtype_source)

    def _load(self, arrays: dict[str, Any], where: str, ctx: Any, allow_missing: bool, ignore_extra: bool,
              cast_dtype: bool, dtype_source: str) -> None:
        loaded = {without_kind(n): a for n, a in arrays.items()}
        self._adapt(loaded, "")
        params = self._collect_params_with_prefix()
        if loaded and not any("." in n for n in loaded) and not set(loaded) & set(params):
            # Names with prefixes, written by `collect_params().save` with or without them.
            old = ParameterDict(self._params.prefix)
            self._collect(old, None)
            params = dict(old)
            if not set(loaded) & set(params):
                loaded = {self.prefix + n: a for n, a in loaded.items()}
        if loaded or params:
            load_into(params, loaded, where, ctx, allow_missing, ignore_extra, cast_dtype, dtype_source,
                      missing="Set allow_missing=True to ignore missing parameters.",
                      owner="ParameterDict, which contains parameters")

    def _adapt(self, arrays: dict[str, Any], path: str) -> None:
        """Give saved arrays whose names begin with `path` the form this block has its parameters in; MXNet 1
        and 2 differ for some blocks.
        """
        for name, child in self._children.items():
            child._adapt(arrays, f"{path}{name}.")

    def save(self, prefix: str) -> None:
        """Write the classes and names of all blocks in this one to ``prefix-model.json``, in MXNet 1.9's form
        without its graphs, and the parameters to ``prefix-model.params``, for `load`.
        """
        with replacing(f"{prefix}-model.json") as file:
            file.write(json.dumps(self._structure(itertools.count())).encode())
        self.save_parameters(f"{prefix}-model.params")

    def _structure(self, numbers: Iterator[int]) -> dict[str, Any]:
        """The block under its class and number, and so the blocks in it."""
        about = {"orig_name": self.name, "hybridized": False, "active": getattr(self, "_active", False),
                 "children": {child.name: name for name, child in self._children.items()}}
        number = next(numbers)
        for child in self._children.values():
            about.update(child._structure(numbers))
        return {f"{type(self).__name__.lower()}{number}": about}

    def load(self, prefix: str) -> None:
        """Read what `save` wrote, here or in MXNet 1.9, into blocks that the same program made, all or
        nothing; those that were hybridized are so again.  Names stay as they are.

        Raises
        ------
        LoadError
            The blocks are others, or their parameters do not fit.
        FileFormatError, OSError
            A file is no model, or cannot be read.
        """
        with open(f"{prefix}-model.json") as file:
            try:
                saved = json.load(file)
            except ValueError as error:
                raise FileFormatError(f"{prefix}-model.json: this is no JSON: {error}") from None
        active = list(self._compared(saved, itertools.count(), f"{prefix}-model.json"))
        self.load_parameters(f"{prefix}-model.params")
        for block in active:
            block._active = True

    def _compared(self, saved: Any, numbers: Iterator[int], where: str) -> Iterator[Any]:
        """The blocks that were hybridized; LoadError where a block is not in the file."""
        key = f"{type(self).__name__.lower()}{next(numbers)}"
        about = saved.get(key) if isinstance(saved, dict) else None
        if not isinstance(about, dict):
            known = [n for n in saved if n[-1:].isdigit()] if isinstance(saved, dict) else []
            raise LoadError(f"{where}: '{key}' is missing, the blocks there are {brief(known) or 'none'}. "
                            "Nothing was loaded")
        if isinstance(self, HybridBlock) and (about.get("active") or about.get("hybridized")):
            yield self
        for child in self._children.values():
            yield from child._compared(about, numbers, where)

    def save_params(self, filename: str) -> None:
        """An old name of ``collect_params().save``, without the prefix."""
        warnings.warn("save_params is deprecated. Please use save_parameters. Note that if you want load "
                      "from SymbolBlock later, please use export instead.", stacklevel=2)
        found = ParameterDict(self._params.prefix)
        self._collect(found, None)
        found.save(filename, strip_prefix=self.prefix)

    def load_params(self, filename: str, ctx: Any = None, allow_missing: bool = False,
                    ignore_extra: bool = False) -> None:
        """An old name of `load_parameters`."""
        warnings.warn("load_params is deprecated. Please use load_parameters.", stacklevel=2)
        self.load_parameters(filename, ctx, allow_missing, ignore_extra)

    # -- children, hooks -------------------------------------------------------------------------------------

    def register_child(self, block: Block, name: str | None = None) -> None:
        """Make `block` a child, under its number if no name is given."""
        self._children[str(len(self._children)) if name is None else name] = block

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """``hook(block, inputs)`` is called before every forward; the handle removes it."""
        handle = HookHandle()
        handle.attach(self._forward_pre_hooks, hook)
        return handle

    def register_forward_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """``hook(block, inputs, output)`` is called after every forward; the handle removes it."""
        handle = HookHandle()
        handle.attach(self._forward_hooks, hook)
        return handle

    def register_op_hook(self, callback: Callable[..., Any], monitor_all: bool = False) -> None:
        """``callback(name, array)`` is called with the outputs of every block in this one that has no blocks
        of its own, and with `monitor_all` with their inputs too.

        The names are the blocks' with '_output' and '_data' behind.  MXNet calls it for every operator of a
        hybridized block, as (name, operator, array) in version 2.
        """
        if self._children:
            for child in self._children.values():
                child.register_op_hook(callback, monitor_all)
            return

        def tell(block: Block, inputs: Any, output: Any) -> None:
            told = [("_output", a) for a in _arrays(output)]
            if monitor_all:
                told = [("_data", a) for a in _arrays(inputs)] + told
            for end, array in told:
                callback(block.name + end, array)

        self.register_forward_hook(tell)

    def apply(self, fn: Callable[[Block], Any]) -> Block:
        """Call ``fn(block)`` for all blocks in this one, and last for itself; the block is returned."""
        for child in self._children.values():
            child.apply(fn)
        fn(self)
        return self

    def hybridize(self, active: bool = True, **kwargs: Any) -> None:
        """`HybridBlock.hybridize` of all hybrid blocks in this one."""
        for child in self._children.values():
            child.hybridize(active, **kwargs)

    # -- calling ---------------------------------------------------------------------------------------------

    def __call__(self, *args: Any) -> Any:
        if self._forward_pre_hooks and _hooked(args):
            for hook in list(self._forward_pre_hooks.values()):
                hook(self, args)
        out = self.forward(*args)
        if self._forward_hooks and _hooked(args):
            for hook in list(self._forward_hooks.values()):
                hook(self, args, out)
        return out

    def forward(self, *args: Any) -> Any:
        """The computation; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def summary(self, *inputs: Any) -> None:
        """Run the block on `inputs` and print its layers, their outputs' shapes and numbers of parameters.

        >>> import mxgrad as mx
        >>> net = mx.gluon.nn.Dense(2, in_units=3)
        >>> net.initialize()
        >>> net.summary(mx.nd.zeros((1, 3)))
        --------------------------------------------------------------------------------
                Layer (type)                                Output Shape         Param #
        ================================================================================
                       Input                                      (1, 3)               0
                     Dense-1                                      (1, 2)               8
        ================================================================================
        Parameters in forward computation graph, duplicate included
           Total params: 8
           Trainable params: 8
           Non-trainable params: 0
        Shared params in forward computation graph: 0
        Unique parameters in model: 8
        --------------------------------------------------------------------------------
        """
        rows: list[tuple[str, str, int]] = [("Input", _shapes(inputs), 0)]
        counts = {"trainable": 0, "shared": 0}
        seen: set[int] = set()
        handles: list[HookHandle] = []

        def note(block: Block, _: Any, outputs: Any) -> None:
            total = 0
            for p in block._all_own().values():
                size = p.data(p.list_ctx()[0]).size
                total += size
                counts["trainable"] += size if p.grad_req != "null" else 0
                counts["shared"] += size if id(p) in seen else 0
                seen.add(id(p))
            rows.append((f"{type(block).__name__}-{len(rows)}", _shapes(outputs), total))

        def watch(block: Block) -> None:
            if getattr(block, "_active", False):
                raise ParameterError(
                    f'"{type(block).__name__ if is_np_array() else block.name}" must not be hybridized to '
                    "print summary.")
            if not getattr(block, "_only_children", False):
                handles.append(block.register_forward_hook(note))

        try:
            self.apply(watch)
            self(*inputs)
        finally:
            for handle in handles:
                handle.detach()
        total = sum(n for _, _, n in rows)
        line = "{:>20}  {:>42} {:>15}"
        print("-" * 80)
        print(line.format("Layer (type)", "Output Shape", "Param #"))
        print("=" * 80)
        for row in rows:
            print(line.format(*row))
        print("=" * 80)
        print("Parameters in forward computation graph, duplicate included")
        print(f"   Total params: {total}")
        print(f"   Trainable params: {counts['trainable']}")
        print(f"   Non-trainable params: {total - counts['trainable']}")
        print(f"Shared params in forward computation graph: {counts['shared']}")
        print(f"Unique parameters in model: {total - counts['shared']}")
        print("-" * 80)


def _hooked(args: Any) -> bool:
    """Whether hooks see a call: as in MXNet 2, not one that makes a graph."""
    return not (is_np_array() and any(isinstance(a, Symbol) for a in _arrays(args)))


def _shown(block: Block, parts: Sequence[tuple[str, Any]]) -> str:
    inside = "\n".join(f"  ({name}): {indent(repr(b), 2)}" for name, b in parts)
    return f"{type(block).__name__}(\n{inside}\n)"


def _arrays(values: Any) -> Iterator[Any]:
    """The arrays in nested lists and tuples."""
    if isinstance(values, (list, tuple)):
        for v in values:
            yield from _arrays(v)
    elif isinstance(values, (BaseArray, Symbol)):
        yield values


def _shapes(values: Any) -> str:
    """The shapes of arrays in nested lists and tuples, as `summary` shows them."""
    def of(v: Any) -> Any:
        if isinstance(v, (list, tuple)):
            return [of(e) for e in v]
        return v.shape if isinstance(v, BaseArray) else v

    found = of(values)
    if isinstance(found, list):
        return str(found)[1:-1] if len(found) != 1 else str(found[0])
    return str(found)


class HybridBlock(Block):
    """A block that can be replayed: hybridized, its operators are recorded and called again without Python's
    way to them.

    A subclass defines ``hybrid_forward(self, F, x, ..., weight, ...)``, which gets its parameters by the
    names of the attributes that hold them, and `F`, a table of operators (`mxgrad.nd`, with np's and npx's
    under ``F.np`` and ``F.npx``); or ``forward(self, x, ...)``, and then `infer_shape` where shapes of
    parameters are to follow from the input.

    Examples
    --------
    >>> import mxgrad as mx
    >>> class Scale(mx.gluon.HybridBlock):
    ...     def __init__(self, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.factor = self.params.get("factor", shape=(1,), init="ones")
    ...     def hybrid_forward(self, F, x, factor):
    ...         return F.relu(x) * factor
    >>> net = Scale()
    >>> net.initialize()
    >>> net(mx.nd.array([-1, 2])).asnumpy().tolist()
    [0.0, 2.0]
    """

    def __init__(self, prefix: str | None = None, params: Any = None) -> None:
        super().__init__(prefix, params)
        self._active = False
        # Whether all own parameters are known to have values.
        self._ready = False
        # How the arguments of the last call were nested, for `export`.
        self._in_format: Any = None
        # Whether calls are replayed: those of the outermost hybridized block are.
        self._replays = False
        self._replay: tuple[Any, int, list[Any]] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, Parameter):
            self.__dict__["_ready"] = False

    def register_child(self, block: Block, name: str | None = None) -> None:
        """Make `block`, a HybridBlock, a child, under its number if no name is given."""
        if not isinstance(block, HybridBlock):
            raise InvalidValueError(
                f"Children of HybridBlock must also be HybridBlock, but {block} has type {type(block)}. If "
                "you are using Sequential, please try HybridSequential instead.")
        super().register_child(block, name)

    def hybridize(
        self, active: bool = True, backend: Any = None, clear: bool = True, static_alloc: bool = False,
        static_shape: bool = False, **kwargs: Any,
    ) -> None:
        """Have calls of the block replayed as `autograd.program` does, from the second call for arguments of
        one kind on: the numbers and gradients are the same.

        As in MXNet, `forward` or `hybrid_forward` then runs for the recording alone, and Python's values it
        takes from elsewhere are fixed; ``hybridize()`` records anew.  Parameters may change.  A block that
        looks at numbers, draws random ones (such as Dropout's when training), or writes in place is computed
        directly, and so is one with hooks in it.  Parameters of this method are accepted for MXNet's sake.

        A hybridized block remembers how its arguments are nested, which `export` needs.
        """
        self._active = bool(active)
        self._in_format = None
        if active and self._forward_hooks or self._forward_pre_hooks:
            warnings.warn(
                f'"{self}" is being hybridized while still having forward hook/pre-hook. If "{self}" is a '
                "child of HybridBlock, the hooks will not take effect.", stacklevel=2)
        super().hybridize(active, static_alloc=static_alloc, static_shape=static_shape)
        self._replay, self._replays = None, self._active
        for child in self._children.values():
            child._replays = False

    def optimize_for(self, x: Any, *args: Any, backend: Any = None, **kwargs: Any) -> None:
        """Refused: there are no backends that rewrite graphs."""
        raise MXNetError(f"optimize_for: no backend {backend!r}; blocks are computed directly")

    # -- shapes ----------------------------------------------------------------------------------------------

    def infer_shape(self, *args: Any) -> None:
        """Set the shapes of the parameters that follow from the inputs'.

        With `hybrid_forward` the shapes of weights follow where layers of `F` use them.  A subclass with
        `forward` defines this method where its own parameters may have unknown shapes: it sets
        ``self.weight.shape``.
        """
        if type(self).hybrid_forward is HybridBlock.hybrid_forward:
            lost = [p for p in self._reg_params.values() if not shape_is_known(p.shape)]
            if lost:
                kind = type(self).__name__
                raise MXNetError(
                    f"{kind} has parameters with unknown shape. You need to either specify the shape in "
                    f"__init__ or implement {kind}.infer_shape to set the parameter shapes based on the "
                    "first input. Parameters with unknown shapes are "
                    + ", ".join(f"{p.name} ({p.shape})" for p in lost))
            return
        self._infer_parameters(args)

    def _infer_parameters(self, args: Any) -> list[Parameter]:
        """Set the unknown shapes of the parameters in the graph; all of these, in the graph's order."""
        inputs, out = self._graph(_format(args))
        values = [a for a in _arrays(args) if isinstance(a, BaseArray)]
        nodes = [s._entries[0][0] for s in inputs]
        graph = symbol.Group(list(_arrays(out)))
        variables = [n for n in graph._nodes() if not n.op and n.parameter is not None]
        known = dict(zip(nodes, values)) | {n: _example(n.parameter, values[0]) for n in variables}
        found = graph._infer(known, False)
        for node in variables:
            if known[node] is None:
                node.parameter.shape = found[id(node), 0].shape
        return [n.parameter for n in variables]

    def _finish_deferred(self, *args: Any) -> None:
        """Initialize the own parameters that waited for their shapes."""
        try:
            self.infer_shape(*args)
        except (ValueError, TypeError, IndexError, MXNetError, NotImplementedError) as error:
            raise InvalidValueError(
                f"Deferred initialization failed because shape cannot be inferred. {error}") from error
        for p in self._all_own().values():
            p._finish_deferred_init()

    def _finish_all(self, args: Any) -> None:
        """Initialize all parameters below that wait for their shapes, as MXNet does when a hybridized block
        is first called: before any of its operators, such as Dropout, draws random numbers.
        """
        if not any(p._deferred_init for p in self.collect_params().values()):
            return
        try:
            with replaying({}):         # what finds the shapes leaves the random streams as they are
                waiting = self._infer_parameters(args)
        except Exception:           # what cannot be run on symbols is initialized as its layers are called
            return
        for p in waiting:
            if p._deferred_init:
                p._finish_deferred_init()

    def infer_type(self, *args: Any) -> None:
        """Set the dtype of all parameters to that of the inputs."""
        for p in self.collect_params().values():
            p.cast(next(_arrays(args)).dtype)

    # -- calling ---------------------------------------------------------------------------------------------

    def __call__(self, *args: Any) -> Any:
        if not self._ready or self._active and self._in_format is None:
            self._prepare(args)
        if self._forward_hooks or self._forward_pre_hooks:
            return super().__call__(*args)
        if self._replays and state.program is None:
            return self._replayed(args)
        return self.forward(*args)

    def _replayed(self, args: Any) -> Any:
        """`forward` as a program, as long as no hook is to see what happens inside."""
        if self._replay is None or self._replay[1] != HookHandle.count or any(
                p._data is not data for p, data in self._replay[2]):
            inside: list[Block] = []
            self.apply(inside.append)
            is_seen = any(b._forward_hooks or b._forward_pre_hooks for b in inside)
            self._replay = (self.forward if is_seen else Replay(self.forward), HookHandle.count,
                            [(p, p._data) for b in inside for p in b._reg_params.values()])
        return self._replay[0](*args)

    def _prepare(self, args: Any) -> None:
        if not any(isinstance(a, BaseArray) for a in _arrays(args)):
            return
        own = self._reg_params.values()
        if self._active and self._in_format is None:
            self._finish_all(args)
        if any(p._deferred_init for p in own):
            self._finish_deferred(*args)
        self._ready = all(p._data is not None for p in own)
        if self._active:
            self._in_format = _format(args)

    def forward(self, x: Any, *args: Any) -> Any:
        """`hybrid_forward` with nd as `F` and the parameters on the context of the input."""
        first = x if isinstance(x, BaseArray) else next(_arrays((x, *args)), None)
        if first is None:
            raise InvalidValueError("In HybridBlock, there must be one NDArray or one Symbol in the input. "
                                    "Please check the type of the args.")
        if isinstance(first, Symbol):
            variables = {n: p.var() for n, p in self._reg_params.items()}
            with self.name_scope():
                return self.hybrid_forward(symbol, x, *args, **variables)
        ctx = first._ctx
        try:
            params = {n: p.data(ctx) for n, p in self._reg_params.items()}
        except DeferredInitializationError:
            self._finish_deferred(x, *args)
            params = {n: p.data(ctx) for n, p in self._reg_params.items()}
        if ctx is current_context():
            return self.hybrid_forward(nd, x, *args, **params)
        with ctx:
            return self.hybrid_forward(nd, x, *args, **params)

    def hybrid_forward(self, F: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The computation with the operators of `F`; a subclass defines it, or `forward`."""
        raise NotImplementedError(f"{type(self).__name__} defines neither forward nor hybrid_forward")

    # -- graphs ----------------------------------------------------------------------------------------------

    def _graph(self, shape: Any) -> tuple[list[Symbol], Any]:
        """The inputs and outputs of the graph, for arguments nested as in `shape` (see `_format`)."""
        if type(self).forward is not HybridBlock.forward:
            raise MXNetError(
                f"{type(self).__name__} defines forward, which cannot be run on symbols; define "
                "hybrid_forward(self, F, x, ...) to make a graph of it")
        count = str(shape).count("0")
        inputs = [symbol.var("data" if count == 1 else f"data{i}") for i in range(count)]
        left = iter(inputs)

        def build(part: Any) -> Any:
            return [build(p) for p in part] if isinstance(part, list) else next(left) if part == 0 else None

        return inputs, self.forward(*build(shape))

    def export(self, path: str | None, epoch: int = 0, remove_amp_cast: bool = True) -> Any:
        """Write the model as MXNet does, for `SymbolBlock.imports`: the graph to ``path-symbol.json`` and the
        parameters to ``path-0000.params``, with the `epoch` for a number.

        The inputs are called 'data', or 'data0', 'data1' and so on.  The names of both files are returned;
        the graph and a dict of arrays if `path` is None.  Raises MXNetError unless the block was hybridized
        and called, and for blocks that define `forward` instead of `hybrid_forward`.
        """
        if self._in_format is None:
            raise MXNetError("Please first call block.hybridize() and then run forward with this block at "
                             "least once before calling export.")
        out = symbol.Group(list(_arrays(self._graph(self._in_format)[1])))
        names = {id(p): n for n, p in self.collect_params().items()}
        arrays = {}
        for node in out._variables():
            if node.parameter is not None:
                node.name = names.get(id(node.parameter), node.name)
                arrays[("aux:" if node.is_aux else "arg:") + node.name] = node.parameter._reduce()
        if path is None:
            return out, arrays
        graph_file, params_file = f"{path}-symbol.json", f"{path}-{epoch:04d}.params"
        out.save(graph_file, remove_amp_cast)
        nd.save(params_file, arrays)
        return graph_file, params_file


def _format(args: Any) -> Any:
    """How arrays are nested in lists and tuples: 0 for an array, -1 for anything else."""
    if isinstance(args, (list, tuple)):
        return [_format(a) for a in args]
    return 0 if isinstance(args, BaseArray) else -1


def _example(p: Parameter, like: BaseArray) -> Any:
    """An array of the parameter's shape and dtype to run operators on; None if its shape is not known."""
    if p._data is not None:
        return p._data[0]
    shape = p.shape
    if shape is None or not shape_is_known(shape):
        return None
    zeros = nd.zeros(shape, dtype=p.dtype, ctx=like.context)
    return zeros if isinstance(like, nd.NDArray) else zeros.as_np_ndarray()


class SymbolBlock(HybridBlock):
    """A block that computes a graph.

    Parameters
    ----------
    outputs : Symbol or list of Symbol
    inputs : Symbol or list of Symbol
        The variables that are arguments of the block; the others are its parameters.
    params : dict, optional
        Parameters by the names of the variables, instead of new ones.

    Examples
    --------
    >>> import mxgrad as mx
    >>> x = mx.sym.var("data")
    >>> net = mx.gluon.SymbolBlock(mx.sym.FullyConnected(x, num_hidden=1, name="fc"), x)
    >>> net.initialize(mx.init.One())
    >>> net(mx.nd.array([[1, 2]])).asnumpy().tolist()
    [[4.0]]
    """

    def __init__(self, outputs: Any, inputs: Any, params: Any = None) -> None:
        super().__init__(prefix="")
        self._params = ParameterDict("", None if params is None else _as_parameter_dict(params))
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for i in given:
            if not isinstance(i, Symbol) or len(i) != 1 or i._entries[0][0].op:
                raise ParameterError(f"Input symbols must be variable, but {i} is an output of operators")
        self._inputs = [str(i.name) for i in given]
        self._several = isinstance(outputs, (list, tuple)) and len(outputs) > 1
        found = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        self._symbol = found[0] if len(found) == 1 else symbol.Group(found)
        variables = self._symbol._variables()
        for node in [n for n in variables if not n.is_aux] + [n for n in variables if n.is_aux]:
            if node.name not in self._inputs:
                p = self._params._find(node.name) or node.parameter
                if p is None:
                    p = Parameter(node.name, "null" if node.is_aux else "write", allow_deferred_init=True)
                self._params[node.name] = self._reg_params[node.name] = p

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(\n{self._symbol} : {len(self._inputs)} -> "
                f"{len(self._symbol.list_outputs())}\n)")

    @staticmethod
    def imports(
        symbol_file: str, input_names: str | Sequence[str], param_file: str | None = None, ctx: Any = None,
        allow_missing: bool = False, ignore_extra: bool = False, device: Any = None,
    ) -> SymbolBlock:
        """The model that `HybridBlock.export`, here or in MXNet, wrote.

        Parameters
        ----------
        symbol_file : str
            The graph: ``…-symbol.json``.
        input_names : str or list of str
            The variables of the graph that are arguments.
        param_file : str, optional
            The parameters: ``…-0000.params``.
        ctx, device : Context or list of Context, optional
            Where the parameters go.
        allow_missing, ignore_extra : bool
            As in `load_parameters`.
        """
        names = [input_names] if isinstance(input_names, str) else list(input_names)
        block = SymbolBlock(symbol.load(symbol_file), [symbol.var(n) for n in names])
        if param_file is not None:
            block._load(read_arrays(param_file), f"file '{param_file}'", device if ctx is None else ctx,
                        allow_missing, ignore_extra, True, "saved")
        return block

    def infer_shape(self, *args: Any) -> None:
        """Set the shapes of the parameters that follow from the inputs'."""
        values = dict(zip(self._inputs, args))
        variables = self._symbol._variables()
        known = {n: values[n.name] if n.name in values else _example(self._reg_params[n.name], args[0])
                 for n in variables}
        found = self._symbol._infer(known, False)
        for node in variables:
            if node.name in self._reg_params and known[node] is None:
                self._reg_params[node.name].shape = found[id(node), 0].shape

    def forward(self, x: Any, *args: Any) -> Any:
        """The outputs of the graph: one, or a list."""
        given = (x, *args)
        if len(given) != len(self._inputs):
            raise InvalidValueError(f"SymbolBlock takes {len(self._inputs)} arguments "
                                    f"({', '.join(self._inputs)}), got {len(given)}")
        ctx = next(_arrays(given)).context
        values = dict(zip(self._inputs, given))
        values.update((n, p.data(ctx)) for n, p in self._reg_params.items())
        with ctx:
            found = self._symbol._compute(values)
        return found if self._several or len(found) > 1 else found[0]

    def _graph(self, shape: Any) -> tuple[list[Symbol], Any]:
        inputs = [Symbol([(n, 0)]) for n in self._symbol._variables() if n.name in self._inputs]
        for node in self._symbol._variables():
            node.parameter = self._reg_params.get(node.name)
        return inputs, self._symbol

    def cast(self, dtype: Any) -> None:
        """Change the dtype of all parameters; those of batch normalisation stay float32 under float16."""
        super().cast(dtype)
        if as_dtype(dtype).name == "float16":
            for node in self._symbol._nodes():
                if any(n.is_aux for n, _ in node.inputs):
                    for n, _ in node.inputs[1:]:
                        self._reg_params[n.name].cast("float32")
