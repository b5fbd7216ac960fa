"""Parameters of blocks: arrays that are initialized, trained, saved (level 13)."""
from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import numpy

from .. import autograd, initializer, nd
from ..base import InvalidTypeError, InvalidValueError, MXNetError, as_dtype
from ..context import Context, as_context, cpu, current_context
from ..invoke import F
from ..ndarray import GRAD_REQS, BaseArray
from ..npx.switches import is_np_array, is_np_shape
from ..symbol import Symbol, var
from .utils import brief, indent, shape_is_known, zeros

__all__ = ["Constant", "DeferredInitializationError", "Parameter", "ParameterDict"]

_NAMING = ("For more info on naming, please see "
           "https://mxnet.io/api/python/docs/tutorials/packages/gluon/blocks/naming.html")


class DeferredInitializationError(MXNetError):
    """A parameter's values were asked for before the first forward pass told its shape."""


class ParameterError(InvalidValueError, AssertionError):
    """A parameter was given a shape, dtype, gradient request or place that does not fit it."""


class LoadError(ParameterError):
    """Saved arrays that do not fit the parameters; nothing was loaded."""


def contexts(ctx: Any) -> list[Context]:
    """A context, several, or None for the current one, as a list."""
    if isinstance(ctx, (list, tuple)):
        return [as_context(c) for c in ctx]
    return [as_context(ctx)]


def as_flavour(array: Any) -> Any:
    """`array` as one of the frontend that `is_np_array` tells, in the same memory."""
    return array.as_np_ndarray() if is_np_array() else array.as_nd_ndarray()


class Parameter:
    """The weights of a block: one array on each context it is initialized on, with a gradient each.

    Parameters
    ----------
    name : str
        Initializers and messages know it by this name.
    grad_req : str
        'write', 'add' or 'null', as in `attach_grad`.
    shape : int or tuple of int, optional
        Lengths that are not known yet are 0 or -1.
    dtype : str or dtype
    lr_mult, wd_mult : float
        Factors of the trainer's learning rate and weight decay.
    init : Initializer or str, optional
        Instead of the one of `initialize`.
    allow_deferred_init : bool
        Wait with the initialization until the first forward pass has told the shape.
    differentiable : bool
        Whether `grad_req` can be anything but 'null'.
    stype, grad_stype : str
        'default': arrays are dense here.  Another `grad_stype` is ignored with a warning.

    Examples
    --------
    >>> import mxgrad as mx
    >>> w = mx.gluon.Parameter("weight", shape=(2,), init="ones")
    >>> w.initialize()
    >>> with mx.autograd.record():
    ...     y = (w.data() * 3).sum()
    >>> y.backward()
    >>> w.grad().asnumpy().tolist()
    [3.0, 3.0]
    """

    def __init__(
        self, name: str = "weight", grad_req: str = "write", shape: Any = None, dtype: Any = numpy.float32,
        lr_mult: float = 1.0, wd_mult: float = 1.0, init: Any = None, allow_deferred_init: bool = False,
        differentiable: bool = True, stype: str = "default", grad_stype: str = "default",
    ) -> None:
        for what, given in (("grad_stype", grad_stype), ("stype", stype)):
            if given not in ("default", "row_sparse", "csr"):
                raise ParameterError(
                    f"{what} for Parameter '{name}' must be one of 'default', 'row_sparse', or 'csr', but "
                    f"got '{given}'")
        if stype != "default":
            raise ParameterError(
                f"Parameter '{name}': stype {stype!r} is not supported, arrays are dense; use 'default'")
        if grad_stype != "default":
            warnings.warn(f"Parameter '{name}': gradients are dense here, grad_stype={grad_stype!r} is "
                          "ignored", stacklevel=3)
        self._data: list[Any] | None = None
        self._grad: list[Any] | None = None
        self._ctx_list: list[Context] = []
        self._place: dict[Any, int] = {}
        # While it waits for its shape: initializer, contexts, default initializer, values if they were set.
        self._deferred_init: tuple[Any, ...] = ()
        self._differentiable, self._allow_deferred_init = differentiable, allow_deferred_init
        self._shape: tuple[int, ...] | None = (shape,) if isinstance(shape, int) else shape
        self.name, self._dtype = name, dtype
        self.lr_mult, self.wd_mult, self.init = lr_mult, wd_mult, init
        self._var: Symbol | None = None
        self._grad_req = ""
        self.grad_req = grad_req

    def __repr__(self) -> str:
        name = "" if is_np_array() else f" {self.name}"
        return f"{type(self).__name__}{name} (shape={self.shape}, dtype={self.dtype})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_var": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._grad is not None:      # arrays are copied without their place on the tape
            autograd.mark_variables(self._data, self._grad, self._grad_req)

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def grad_req(self) -> str:
        """What backward does with the gradient; can be set at any time."""
        return self._grad_req

    @grad_req.setter
    def grad_req(self, req: str) -> None:
        if req not in GRAD_REQS:
            raise ParameterError(f"grad_req must be one of 'write', 'add', or 'null', but got '{req}'")
        req = req if self._differentiable else "null"
        if req == self._grad_req:
            return
        self._grad_req = req
        if self._data is None:
            return
        if req == "null":
            self._grad = None
            self._data = [d.detach() for d in self._data]
        else:
            self._init_grad()

    @property
    def dtype(self) -> Any:
        """The dtype as it was given; setting it casts."""
        return self._dtype

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        self.cast(dtype)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape; an unknown length is 0, or -1 where NumPy shapes are on.  It can be set to one that fits
        what is known.
        """
        if self._shape is None or not is_np_shape():
            return self._shape
        return tuple(n if n != 0 else -1 for n in self._shape)

    @shape.setter
    def shape(self, new: tuple[int, ...]) -> None:
        old = self._shape
        if old is not None and (len(old) != len(new) or any(b not in (-1, 0, a) for a, b in zip(new, old))):
            more = f" for Parameter {self.name}" if is_np_array() else ""
            raise ParameterError(f"Expected shape {new} is incompatible with given shape {old}{more}.")
        self._shape = tuple(new)

    @property
    def stype(self) -> str:
        """Storage type; always 'default' (dense)."""
        return "default"

    def cast(self, dtype: Any) -> None:
        """Change the dtype of values and gradients."""
        as_dtype(dtype)
        self._dtype = dtype
        if self._data is None:
            return
        with autograd.pause():
            self._data = [d.astype(dtype) for d in self._data]
            if self._grad is not None:
                self._grad = [g.astype(dtype) for g in self._grad]
                autograd.mark_variables(self._data, self._grad, self._grad_req)

    # -- initialization --------------------------------------------------------------------------------------

    def initialize(
        self, init: Any = None, ctx: Any = None, default_init: Any = None, force_reinit: bool = False,
        device: Any = None,
    ) -> None:
        """Make the arrays and their gradients.

        Parameters
        ----------
        init : Initializer or str, optional
            Comes before the parameter's own, and that before `default_init` (uniform on [-0.07, 0.07)).
        ctx, device : Context or list of Context, optional
            Where; the current context by default.
        force_reinit : bool
            Do it again where it has been done; otherwise that is a warning.

        Raises
        ------
        ParameterError
            The shape is not known, and the initialization may not be deferred.
        """
        if self._data is not None and not force_reinit:
            warnings.warn(f"Parameter '{self.name}' is already initialized, ignoring. Set force_reinit=True "
                          "to re-initialize.", stacklevel=2)
            return
        if default_init is None:
            default_init = initializer.Uniform()
        if init is None:
            init = default_init if self.init is None else self.init
        known = shape_is_known(self.shape)
        if not known and not self._allow_deferred_init:
            raise ParameterError(
                f"Cannot initialize Parameter '{self.name}' because it has invalid shape: {self.shape}.")
        self._data = self._grad = None
        self._deferred_init = (init, contexts(device if ctx is None else ctx), default_init, None)
        if known:
            self._finish_deferred_init()

    def _finish_deferred_init(self) -> None:
        """Initialize if that was asked for before."""
        if not self._deferred_init:
            return
        shape = self.shape
        if shape is None or not shape_is_known(shape):
            raise ParameterError(
                f"Cannot initialize Parameter '{self.name}' because it has invalid shape: {shape}. Please "
                "specify in_units, in_channels, etc for `Block`s.")
        init, ctx, default_init, data = self._deferred_init
        self._deferred_init = ()
        with autograd.pause():
            if data is None:
                data = zeros(shape, self._dtype, cpu())
                desc = initializer.InitDesc(self.name, {"__init__": init})
                initializer.create(default_init)(desc, data)
            self._init_impl(data, ctx)

    def _init_impl(self, data: Any, ctx_list: Iterable[Context]) -> None:
        """Copy `data` to every context, and make the gradients."""
        self._ctx_list = list(ctx_list)
        self._place = {c: i for i, c in reversed(list(enumerate(self._ctx_list)))}
        for c, i in list(self._place.items()):      # cpu_pinned(0) is cpu(0)'s memory
            self._place.setdefault(_memory(c), i)
        self._data = [data.copyto(c) for c in self._ctx_list]
        self._init_grad()

    def _init_grad(self) -> None:
        if self._grad_req == "null" or self._data is None:
            self._grad = None
            return
        self._grad = [F.zeros_like(d.detach()) for d in self._data]
        autograd.mark_variables(self._data, self._grad, self._grad_req)

    def _checked(self, data: Any, cast_dtype: bool, dtype_source: str) -> Any:
        """`data` as `load` may take it over; LoadError if it does not fit."""
        if cast_dtype and dtype_source not in ("current", "saved"):
            raise ParameterError(f"dtype_source must be 'current' or 'saved', got {dtype_source!r}")
        shape = self._shape
        if shape and (len(shape) != data.ndim or any(a not in (-1, 0, b) for a, b in zip(shape, data.shape))):
            raise LoadError(
                f"Failed loading Parameter '{self.name}' from saved params: shape incompatible expected "
                f"{self.shape} vs saved {data.shape}")
        if self._dtype and as_dtype(self._dtype) != data._data.dtype:
            if not cast_dtype:
                raise LoadError(
                    f"Failed loading Parameter '{self.name}' from saved params: dtype incompatible expected "
                    f"{self.dtype} vs saved {data.dtype}. Set cast_dtype=True to cast the dtype of saved "
                    "params.")
            if dtype_source == "current":
                data = data.astype(self._dtype)
        return as_flavour(data)

    def _load_init(self, data: Any, ctx: Any = None, cast_dtype: bool = False,
                   dtype_source: str = "current") -> None:
        """Take the values of a saved array over, initializing where that has not been done."""
        data = self._checked(data, cast_dtype, dtype_source)
        wanted = None if ctx is None else contexts(ctx)
        waiting = self._deferred_init[1] if self._deferred_init else None
        have = self._ctx_list if self._data is not None else waiting
        if have is not None and wanted is not None and set(wanted) != set(have):
            raise LoadError(
                f"Failed to load Parameter '{self.name}' on {wanted} because it was previous initialized on "
                f"{have}.")
        if self._dtype and as_dtype(self._dtype) != data._data.dtype:
            self.cast(data.dtype)
        self._shape = data.shape
        if self._data is None:
            with autograd.pause():
                self._init_impl(data, have or wanted or [current_context() if is_np_array() else cpu()])
        else:
            self.set_data(data)
        self._deferred_init = ()

    def _reduce(self) -> Any:
        """The values on the CPU, the mean over the contexts."""
        copies = [d.copyto(cpu()) for d in self.list_data()]
        with autograd.pause():
            total = copies[0]
            for other in copies[1:]:
                total = total + other
            return total / len(copies) if len(copies) > 1 else total

    def reset_ctx(self, ctx: Any = None) -> None:
        """Move the parameter to other contexts."""
        if self._data is not None:
            with autograd.pause():
                self._init_impl(self._reduce(), contexts(ctx))
        elif self._deferred_init:
            init, _, default_init, data = self._deferred_init
            self._deferred_init = (init, contexts(ctx), default_init, data)
        else:
            what = "device" if is_np_array() else "context"
            raise ParameterError(
                f"Cannot reset {what} for Parameter '{self.name}' because it has not been initialized.")

    reset_device = reset_ctx

    # -- values ----------------------------------------------------------------------------------------------

    def _check_and_get(self, arrays: list[Any] | None, ctx: Any) -> Any:
        """The one of `arrays` on `ctx`; all of them if that is ``list``."""
        if arrays is not None:
            if ctx is list:
                return arrays
            if ctx is None:
                if len(arrays) == 1:
                    return arrays[0]
                ctx = current_context()
            place = self._place.get(ctx)
            if place is None:
                place = self._place.get(_memory(as_context(ctx)))
            if place is not None:
                return arrays[place]
            what = "device" if is_np_array() else "context"
            raise MXNetError(
                f"Parameter '{self.name}' was not initialized on {what} {ctx}. It was only initialized on "
                f"{self._ctx_list}.")
        if self._deferred_init:
            raise DeferredInitializationError(
                f"Parameter '{self.name}' has not been initialized yet because initialization was deferred. "
                "Actual initialization happens during the first forward pass. Please pass one batch of data "
                "through the network before accessing Parameters. You can also avoid deferred initialization "
                "by specifying in_units, num_features, etc., for network layers.")
        raise MXNetError(
            f"Parameter '{self.name}' has not been initialized. Note that you should initialize parameters "
            "and create Trainer with Block.collect_params() instead of Block.params because the later does "
            "not include Parameters of nested child Blocks")

    def data(self, ctx: Any = None, device: Any = None) -> Any:
        """The array on a context, which may be left out where there is one only.

        Raises DeferredInitializationError while the shape is not known, MXNetError where the parameter is
        not initialized, or not on that context.
        """
        place = None if ctx is None or self._data is None else self._place.get(ctx)
        if place is not None:
            return self._data[place]        # type: ignore[index]
        return self._check_and_get(self._data, device if ctx is None else ctx)

    def list_data(self) -> list[Any]:
        """The arrays on all contexts."""
        data = self._data
        return self._check_and_get(None, list) if data is None else data

    def grad(self, ctx: Any = None, device: Any = None) -> Any:
        """The gradient on a context, which may be left out where there is one only."""
        return self._check_and_get(self._grads(), device if ctx is None else ctx)

    def list_grad(self) -> list[Any]:
        """The gradients on all contexts."""
        grads = self._grad
        return self._check_and_get(self._grads(), list) if grads is None else grads

    def _grads(self) -> list[Any] | None:
        if self._data is not None and self._grad is None:
            raise MXNetError(
                f"Cannot get gradient array for Parameter '{self.name}' because grad_req='null'")
        return self._grad

    def list_ctx(self) -> list[Context]:
        """The contexts the parameter is initialized on, or will be."""
        if self._data is not None:
            return self._ctx_list
        if self._deferred_init:
            return self._deferred_init[1]       # type: ignore[no-any-return]
        raise MXNetError(f"Parameter '{self.name}' has not been initialized")

    list_device = list_ctx

    def set_data(self, data: Any) -> None:
        """Set the values on all contexts; the shape must fit."""
        if not isinstance(data, BaseArray):
            raise InvalidTypeError(f"Parameter '{self.name}': set_data takes an array, got {type(data)}")
        if self._data is None and not self._deferred_init:
            raise ParameterError(f"Parameter '{self.name}' has not been initialized")
        self.shape = data.shape
        if self._data is None:
            self._deferred_init = self._deferred_init[:3] + (as_flavour(data),)
            return
        with autograd.pause():
            for array in self._data:
                array[...] = data

    def zero_grad(self) -> None:
        """Set the gradients to zero; nothing happens where there are none."""
        for grad in self._grad or ():
            grad[...] = 0

    def row_sparse_data(self, row_id: Any) -> Any:
        """Refused: arrays are dense."""
        raise MXNetError(
            f"Cannot return a copy of Parameter {self.name} via row_sparse_data() because its storage type "
            "is default. Please use data() instead.")

    def list_row_sparse_data(self, row_id: Any) -> list[Any]:
        """Refused: arrays are dense."""
        raise MXNetError(
            f"Cannot return copies of Parameter '{self.name}' on all contexts via list_row_sparse_data() "
            "because its storage type is default. Please use data() instead.")

    def var(self) -> Symbol:
        """The variable that stands for the parameter in a graph."""
        if self._var is None:
            self._var = var(self.name, parameter=self)
        return self._var


def _memory(ctx: Context) -> tuple[bool, int]:
    return ctx.device_type == "gpu", ctx.device_id


class _Value(initializer.Initializer):
    """Fills an array with the values of another."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def _init_weight(self, name: str, arr: Any) -> None:
        arr[...] = self.value


class Constant(Parameter):
    """A parameter that is never trained: its gradient request is 'null'.  `set_data` may change it.

    Constant(name, value), or Constant(value) as in MXNet 2.

    >>> import mxgrad as mx
    >>> c = mx.gluon.Constant("c", [[1, 2]])
    >>> c.initialize()
    >>> c.data().asnumpy().tolist(), c.grad_req
    ([[1.0, 2.0]], 'null')
    """

    def __init__(self, name: Any, value: Any = None) -> None:
        if value is None:
            name, value = "const", name
        if not isinstance(value, BaseArray):
            from ..util import default_array

            value = default_array(value)
        self.value = value
        super().__init__(name, "null", value.shape, value.dtype, init=_Value(value))

    @property
    def grad_req(self) -> str:
        """Always 'null'."""
        return "null"

    @grad_req.setter
    def grad_req(self, req: str) -> None:
        self._grad_req = "null"
        if req != "null":
            warnings.warn(f'Constant parameter "{self.name}" does not support grad_req other than "null", '
                          f'and new value "{req}" is ignored.', stacklevel=2)


class Parameters(dict[str, Parameter]):
    """Parameters by name, with what is done to all of them at once."""

    __hash__ = object.__hash__      # type: ignore[assignment]

    def _each(self) -> list[Parameter]:
        """The parameters, one that has several names once."""
        return list({id(p): p for p in self.values()}.values())

    def initialize(
        self, init: Any = None, ctx: Any = None, verbose: bool = False, force_reinit: bool = False,
        device: Any = None,
    ) -> None:
        """`Parameter.initialize` of each; `init` serves those without an initializer of their own."""
        init = initializer.Uniform() if init is None else init
        if verbose:
            init = initializer.create(init).set_verbosity(True)
        for p in self._each():
            p.initialize(None, ctx, init, force_reinit, device)

    def zero_grad(self) -> None:
        """Set all gradients to zero."""
        for p in self._each():
            p.zero_grad()

    def reset_ctx(self, ctx: Any = None) -> None:
        """Move all parameters to other contexts."""
        for p in self._each():
            p.reset_ctx(ctx)

    reset_device = reset_ctx

    def list_ctx(self) -> list[Context]:
        """The contexts that parameters are on, each once."""
        return list(dict.fromkeys(c for p in self.values() for c in p.list_ctx()))

    list_device = list_ctx

    def setattr(self, name: str, value: Any) -> None:
        """Set an attribute of every parameter: ``setattr('grad_req', 'null')``."""
        for p in self.values():
            setattr(p, name, value)

    def save(self, filename: str, strip_prefix: str = "") -> None:
        """Write the values to a file, under the names without `strip_prefix`."""
        write_arrays(filename, {n: p._reduce() for n, p in self._stripped(strip_prefix).items()})

    def _stripped(self, prefix: str) -> dict[str, Parameter]:
        for name in self:
            if not name.startswith(prefix):
                raise InvalidValueError(
                    f"Prefix '{prefix}' is to be striped before saving, but Parameter's name '{name}' does "
                    f"not start with '{prefix}'. this may be due to your Block shares parameters from other "
                    f"Blocks or you forgot to use 'with name_scope()' when creating child blocks. {_NAMING}")
        return {n[len(prefix):]: p for n, p in self.items()}

    def load(
        self, filename: str, ctx: Any = None, allow_missing: bool = False, ignore_extra: bool = False,
        restore_prefix: str = "", cast_dtype: bool = False, dtype_source: str = "current",
    ) -> None:
        """Read values that `save` wrote, under the names with `restore_prefix`, all or nothing (LoadError).
        """
        for name in self:
            if not name.startswith(restore_prefix):
                raise ParameterError(
                    f"restore_prefix is '{restore_prefix}' but Parameters name '{name}' does not start with "
                    f"'{restore_prefix}'. {_NAMING}")
        self.load_dict(read_arrays(filename), ctx, allow_missing, ignore_extra, restore_prefix, filename,
                       cast_dtype, dtype_source)

    def load_dict(
        self, param_dict: Mapping[str, Any], ctx: Any = None, allow_missing: bool = False,
        ignore_extra: bool = False, restore_prefix: str = "", filename: str | None = None,
        cast_dtype: bool = False, dtype_source: str = "current",
    ) -> None:
        """As `load`, from a dict of arrays; 'arg:' and 'aux:' before names do not count."""
        loaded = {restore_prefix + without_kind(n): a for n, a in param_dict.items()}
        where = f"file: {filename}" if filename else "param_dict"
        load_into(self, loaded, where, ctx, allow_missing, ignore_extra, cast_dtype, dtype_source,
                  missing=f"Please make sure source and target networks have the same prefix.{_NAMING}",
                  owner="ParameterDict, choices are:")


class ParameterDict(Parameters):
    """The parameters of a block, made on demand under names with a prefix.

    Parameters
    ----------
    prefix : str
        Stands before the names.
    shared : ParameterDict, optional
        `get` looks there, too, before it makes a parameter.

    Examples
    --------
    >>> import mxgrad as mx
    >>> params = mx.gluon.ParameterDict("net_")
    >>> w = params.get("weight", shape=(2, 3))
    >>> params.get("weight") is w, params
    (True, net_ (
      Parameter net_weight (shape=(2, 3), dtype=<class 'numpy.float32'>)
    ))
    """

    def __init__(self, prefix: str = "", shared: ParameterDict | None = None) -> None:
        super().__init__()
        self._prefix, self._shared = prefix, shared

    def __repr__(self) -> str:
        name = self._prefix + " " if self._prefix else ""
        return name + "(\n" + "\n".join(indent(f"  {p}", 2) for p in self.values()) + "\n)"

    @property
    def prefix(self) -> str:
        """What stands before the names."""
        return self._prefix

    def _find(self, key: str) -> Parameter | None:
        if key not in self and self._shared is not None and key in self._shared:
            self[key] = self._shared[key]
        return self[key] if key in self else None

    def get(self, name: str, **kwargs: Any) -> Parameter:       # type: ignore[override]
        """The parameter named prefix and `name`: the one there is, the shared one, or a new one, made with
        `kwargs`.

        Raises ParameterError where the one there is does not fit `kwargs`.
        """
        key = self._prefix + name
        found = self._find(key)
        if found is None:
            found = self[key] = Parameter(name if is_np_array() else key, **kwargs)
            return found
        for attribute, wanted in kwargs.items():
            _agree(found, attribute, wanted)
        return found

    def get_constant(self, name: str, value: Any = None) -> Constant:
        """The constant named prefix and `name`: the one there is, the shared one, or a new one of `value`."""
        key = self._prefix + name
        found = self._find(key)
        if found is None:
            if value is None:
                raise KeyError(f"No constant named '{key}'. Please specify value if you want to create a new "
                               "constant.")
            found = self[key] = Constant(name if is_np_array() else key, value)
        if not isinstance(found, Constant):
            raise ParameterError(f"Parameter '{key}' already exists but it is not a constant.")
        if value is not None and not numpy.array_equal(found.value.asnumpy(), numpy.asarray(value)):
            raise ParameterError(f"Constant '{key}' already exists but it's value doesn't match new value")
        return found

    def update(self, other: Mapping[str, Parameter]) -> None:   # type: ignore[override]
        """Take the parameters of another dict over; under a name that is there it must be the same one."""
        for name, p in other.items():
            if name in self and self[name] is not p:
                raise ParameterError(
                    "Cannot update self with other because they have different Parameters with the same name "
                    f"'{name}'")
        super().update(other)


def _agree(parameter: Parameter, attribute: str, wanted: Any) -> None:
    """Check an attribute that was asked for again; a shape may add to what is known."""
    have = getattr(parameter, attribute, None)
    if have is None:
        setattr(parameter, attribute, wanted)
        return
    if attribute == "shape":
        wanted = (wanted,) if isinstance(wanted, int) else tuple(wanted)
        if len(wanted) == len(have) and all(a == b or a < 1 or b < 1 for a, b in zip(wanted, have)):
            parameter._shape = tuple(b if a < 1 else a for a, b in zip(wanted, have))
            return
    elif attribute == "dtype" and as_dtype(wanted) == as_dtype(have):
        return
    if wanted is not None and wanted != have:
        raise ParameterError(
            f"Cannot retrieve Parameter '{parameter.name}' because desired attribute does not match with "
            f"stored for attribute '{attribute}': desired '{wanted}' vs stored '{have}'.")


# -- files --------------------------------------------------------------------------------------------------


def without_kind(name: str) -> str:
    """A name in a file without the 'arg:' or 'aux:' of an exported model."""
    return name[4:] if name.startswith(("arg:", "aux:")) else name


def write_arrays(filename: str, arrays: Mapping[str, Any]) -> None:
    """Write named arrays: as safetensors or ``.npz`` where the file's name ends so, else as ``.params``."""
    if filename.endswith(".safetensors"):
        _safetensors("save_file", filename)({n: a.asnumpy() for n, a in arrays.items()}, filename)
    elif filename.endswith(".npz"):
        from ..npx import savez

        savez(filename, **arrays)
    else:
        nd.save(filename, dict(arrays))


def read_arrays(filename: str) -> dict[str, Any]:
    """What `write_arrays` or MXNet wrote."""
    if filename.endswith(".safetensors"):
        load_file = _safetensors("load_file", filename)
        try:
            found = load_file(filename)
        except OSError:
            raise
        except Exception as error:
            raise LoadError(
                f"{filename}: this is damaged, or no file of safetensors: {error}") from error
        loaded: Any = {n: nd.array(a, dtype=a.dtype) for n, a in found.items()}
    else:
        from ..npx import load

        loaded = load(filename)
    if isinstance(loaded, list) and not loaded:
        return {}
    if not isinstance(loaded, dict):
        raise LoadError(f"{filename}: the arrays have no names; parameters are loaded by name")
    return loaded


def _safetensors(function: str, filename: str) -> Any:
    try:
        library = import_module("safetensors.numpy")
    except ImportError:
        raise MXNetError(
            f"{filename}: files of this format need the package safetensors; install it with "
            "pip install safetensors, or use the ending .params") from None
    return getattr(library, function)


def load_into(
    params: Mapping[str, Parameter], loaded: Mapping[str, Any], where: str, ctx: Any, allow_missing: bool,
    ignore_extra: bool, cast_dtype: bool, dtype_source: str, missing: str, owner: str,
) -> None:
    """Take the arrays `loaded` over into `params`, all or nothing.

    A shared parameter is there if it is so under one of its names.  LoadError lists what does not fit: '-'
    a name that is missing, '+' one that is not expected, '!' a shape or dtype.
    """
    present = {id(p) for n, p in params.items() if n in loaded}
    lost = [n for n, p in params.items() if id(p) not in present and not allow_missing]
    extra = [n for n in loaded if n not in params and not ignore_extra]
    wrong: list[str] = []
    first = ""
    for name, array in loaded.items():
        if name in params:
            try:
                params[name]._checked(array, cast_dtype, dtype_source)
            except LoadError as error:
                first = first or str(error)
                p = params[name]
                wrong.append(f"  ! {name}: {p.shape} {as_dtype(p.dtype)} expected, {array.shape} "
                             f"{as_dtype(array.dtype)} saved")
    if lost:
        first = (f"Parameter '{lost[0]}' is missing in {where}, which contains parameters: {brief(loaded)}. "
                 f"{missing}")
    elif extra:
        first = (f"Parameter '{extra[0]}' loaded from {where} is not present in {owner} {brief(params)}. Set "
                 "ignore_extra=True to ignore. ")
    if first:
        lines = [f"  - {n}" for n in lost] + [f"  + {n}" for n in extra] + wrong
        raise LoadError("\n".join([first, "Nothing was loaded (- missing, + not expected, ! does not fit):"]
                                  + lines))
    for name, array in loaded.items():
        if name in params:
            params[name]._load_init(array, ctx, cast_dtype, dtype_source)


def selected(names: Iterable[str], select: str | None) -> list[str]:
    """The names whose beginning fits the regular expression `select`; all if there is none."""
    if not select:
        return list(names)
    pattern = re.compile(select)
    return [n for n in names if pattern.match(n)]
