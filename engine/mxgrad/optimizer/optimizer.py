"""What all optimizers share, and how one is found by its name (level 11)."""
from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, NoReturn

import numpy

from ..base import InvalidTypeError, InvalidValueError, MXNetError, NotAnArrayError, nearest
from ..invoke import F
from ..lr_scheduler import LRScheduler
from ..nd.update import Call, fitted, together, updates
from ..ndarray import BaseArray
from ..npx.switches import is_np_array
from ..ops.update import UPDATES, Update

__all__ = ["Optimizer", "Test", "create", "register"]


class SchedulerError(MXNetError, UserWarning):
    """A learning rate was set, and a scheduler decides it."""


class _ByVersion:
    """A default that MXNet 1 and MXNet 2 do not share."""

    def __init__(self, one: Any, two: Any) -> None:
        self.one, self.two = one, two

    def __repr__(self) -> str:
        return f"<{self.one!r}, with set_np {self.two!r}>"


def by_version(one: Any, two: Any) -> Any:
    """A parameter's default: MXNet 1's, or MXNet 2's where `npx.set_np` is on; `settled` says which."""
    return _ByVersion(one, two)


def settled(value: Any) -> Any:
    """The value of a parameter whose default is `by_version`."""
    if isinstance(value, _ByVersion):
        return value.two if is_np_array() else value.one
    return value


class Optimizer:
    """Changes weights by their gradients: the base of all optimizers.

    An optimizer of one's own defines ``create_state(index, weight)``, if it needs a state, and either
    ``step(indices, weights, grads, states)``, which gets lists, as in MXNet 2, or
    ``update(index, weight, grad, state)``, which gets one weight, as in MXNet 1.  It asks ``_get_lr(index)``
    and ``_get_wd(index)`` for the learning rate and the decay after ``_update_count(index)``.

    Where MXNet 1 and MXNet 2 differ, in defaults and in some formulas, an optimizer follows MXNet 2 if
    `npx.set_np` is on when it is made.

    Parameters
    ----------
    rescale_grad : float
        Every gradient is multiplied by it first; `gluon.Trainer` sets it to 1 / batch_size.
    param_idx2name : dict of int to str, optional
        The names of the weights, which `set_lr_mult` and `set_wd_mult` may use then.  MXNet 1 decays only
        those that end with '_weight' or '_gamma'.
    wd : float
        The decay: the penalty is half of it times the square of a weight.
    clip_gradient : float, optional
        Gradients are moved into [-clip_gradient, clip_gradient].
    learning_rate : float, optional
        The scheduler's if there is one, else 0.01.  If given it is the scheduler's `base_lr` from now on, and
        a warning says so.
    lr_scheduler : LRScheduler, optional
        Gives the learning rate from the number of updates.
    sym
        Refused: give names by `param_idx2name` and factors by `set_lr_mult` and `set_wd_mult`.
    begin_num_update : int
        The number of updates that were made before.
    multi_precision : bool
        Weights of dtype float16 are updated as a float32 copy, the state being (copy, state).
    param_dict : dict of int to Parameter, optional
        Parameters, whose `lr_mult` and `wd_mult` are used.
    aggregate_num : int, optional
        How many weights an `Updater` hands over at once; `numpy.inf` for all.
    use_fused_step : bool, optional
        Whether `update` calls `fused_step` instead of `step`.  Of the optimizers here both do the same, but
        for `AdamW`.

    Raises
    ------
    InvalidTypeError, InvalidValueError
        For a parameter that is not known or has a wrong value.

    Examples
    --------
    >>> import mxgrad as mx
    >>> @mx.optimizer.register
    ... class SignDescent(mx.optimizer.Optimizer):
    ...     def step(self, indices, weights, grads, states):
    ...         self._update_count(indices)
    ...         for weight, grad, lr in zip(weights, grads, self._get_lrs(indices)):
    ...             weight -= lr * mx.nd.sign(grad)
    >>> weight = mx.nd.array([1., 2.])
    >>> update = mx.optimizer.get_updater(mx.optimizer.create("signdescent", learning_rate=0.5))
    >>> update(0, mx.nd.array([3., -0.1]), weight)
    >>> weight.asnumpy().tolist()
    [0.5, 2.5]
    """

    opt_registry: dict[str, type[Optimizer]] = {}
    _decayed: tuple[str, ...] = ("_weight", "_gamma")
    _fused = False

    def __init__(
        self, rescale_grad: Any = 1.0, param_idx2name: dict[Any, str] | None = None, wd: float = 0.0,
        clip_gradient: float | None = None, learning_rate: float | None = None,
        lr_scheduler: LRScheduler | None = None, sym: None = None, begin_num_update: int = 0,
        multi_precision: bool = False, param_dict: Mapping[Any, Any] | None = None,
        aggregate_num: float | None = None, use_fused_step: bool | None = None, **unknown: Any,
    ) -> None:
        if unknown:
            self._refuse_unknown(unknown)
        if sym is not None:
            raise InvalidValueError(
                f"{type(self).__name__}: sym is not supported; name the weights by param_idx2name and give "
                "their factors with set_lr_mult and set_wd_mult")
        if not isinstance(param_idx2name, dict) and param_idx2name is not None:
            raise InvalidTypeError(f"{type(self).__name__}: param_idx2name should be a dict of param indexes "
                                   f"to names, not {param_idx2name!r}")
        if lr_scheduler is not None and not callable(lr_scheduler):
            raise InvalidTypeError(f"{type(self).__name__}: lr_scheduler is an LRScheduler, not "
                                   f"{lr_scheduler!r}")
        learning_rate = settled(learning_rate)
        self.rescale_grad = rescale_grad
        self.lr_scheduler = lr_scheduler
        self.lr = 0.01 if lr_scheduler is None and learning_rate is None else learning_rate
        if lr_scheduler is not None and learning_rate is not None and lr_scheduler.base_lr != learning_rate:
            warnings.warn(f"learning rate from ``lr_scheduler``, {lr_scheduler.base_lr}, has been "
                          f"overwritten by ``learning_rate`` in optimizer, {learning_rate}.", stacklevel=3)
            lr_scheduler.base_lr = learning_rate
        self.wd = wd
        self.begin_num_update = self.num_update = begin_num_update
        self._all_index_update_counts: dict[int, dict[Any, int]] = {0: {}}
        self._index_update_count = self._all_index_update_counts[0]
        self.clip_gradient = clip_gradient
        self.multi_precision = multi_precision
        self.allow_np_array = is_np_array()
        self.aggregate_num = int(self.allow_np_array) if aggregate_num is None else aggregate_num
        self.use_fused_step = self._fused if use_fused_step is None else bool(use_fused_step)
        self.idx2name = dict(param_idx2name or {})
        self.param_dict = param_dict or {}
        self.set_lr_mult({})
        self.set_wd_mult({})

    def _refuse_unknown(self, unknown: Iterable[str]) -> NoReturn:
        names = {p for c in type(self).__mro__ if c is not object for p in signature(c).parameters}
        names -= {"kwargs", "unknown"}
        raise InvalidTypeError(f"{type(self).__name__} got an unexpected keyword argument "
                               + ", ".join(f"{p!r}{nearest(p, names)}" for p in unknown))

    # -- by name ---------------------------------------------------------------------------------------------

    @staticmethod
    def register(klass: type[Optimizer]) -> type[Optimizer]:
        """Class decorator: `create` finds the optimizer under its name in lower case."""
        if not isinstance(klass, type):
            raise InvalidTypeError(f"register: an optimizer is registered as a class, not {klass!r}")
        before = Optimizer.opt_registry.get(klass.__name__.lower())
        if before is not None:
            warnings.warn(f"New optimizer {klass.__module__}.{klass.__name__} is overriding existing "
                          f"optimizer {before.__module__}.{before.__name__}", stacklevel=2)
        Optimizer.opt_registry[klass.__name__.lower()] = klass
        return klass

    @staticmethod
    def create_optimizer(name: str, **kwargs: Any) -> Optimizer:
        """The optimizer of that name, in capitals or not, made with the parameters `kwargs`.

        Raises InvalidValueError for a name that is not known.

        >>> import mxgrad as mx
        >>> mx.optimizer.create("adam", learning_rate=0.1).learning_rate
        0.1
        """
        if not isinstance(name, str):
            raise InvalidTypeError(f"create: the name of an optimizer is a string, not {name!r}")
        known = Optimizer.opt_registry
        if name.lower() not in known:
            raise InvalidValueError(f"Cannot find optimizer {name}{nearest(name.lower(), known)}")
        return known[name.lower()](**kwargs)

    # -- states ----------------------------------------------------------------------------------------------

    def create_state(self, index: Any, weight: Any) -> Any:
        """What `update` needs for a weight besides it and its gradient: arrays, tuples of them, or None."""

    def create_state_multi_precision(self, index: Any, weight: Any) -> Any:
        """The state, or (float32 copy of the weight, its state) for float16 if `multi_precision`."""
        if weight.dtype == numpy.float16:
            if self.multi_precision:
                master = weight.astype("float32")
                return master, self.create_state(index, master)
            warnings.warn("Accumulating with float16 in optimizer can lead to poor accuracy or slow "
                          f"convergence. Consider using multi_precision=True option of {type(self).__name__}",
                          stacklevel=2)
        return self.create_state(index, weight)

    # -- steps -----------------------------------------------------------------------------------------------

    def _handed_over(self) -> float:
        """How many weights `update` gets in lists at once; with 0 it gets them one by one, in no lists."""
        return self.aggregate_num or int(self.allow_np_array)

    def step(self, indices: Sequence[Any], weights: Sequence[Any], grads: Sequence[Any],
             states: Sequence[Any]) -> None:
        """Change the weights, by the gradients and states made by `create_state`."""
        raise NotImplementedError(f"{type(self).__name__} defines neither step(indices, weights, grads, "
                                  "states) nor update(index, weight, grad, state)")

    def fused_step(self, indices: Sequence[Any], weights: Sequence[Any], grads: Sequence[Any],
                   states: Sequence[Any]) -> None:
        """The same, where `use_fused_step` is set."""
        raise NotImplementedError(f"{type(self).__name__} does not define fused_step, and use_fused_step is "
                                  "on")

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Make a step for one weight, or for several: then all four are lists."""
        step = self.fused_step if self.use_fused_step else self.step
        if isinstance(index, (list, tuple)):
            step(index, weight, grad, state)
        else:
            step((index,), (weight,), (grad,), (state,))

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """`update` with the states of `create_state_multi_precision`."""
        if not self.multi_precision:
            self.update(index, weight, grad, state)
            return
        several = isinstance(index, (list, tuple))
        weights = weight if several else (weight,)
        masters, wide, own = [], [], []
        for w, g, s in zip(weights, grad if several else (grad,), state if several else (state,)):
            if w.dtype == numpy.float16:
                w, s = s
                g = g.astype("float32")
            masters.append(w)
            wide.append(g)
            own.append(s)
        if several:
            self.update(index, masters, wide, own)
        else:
            self.update(index, masters[0], wide[0], own[0])
        for w, master in zip(weights, masters):
            if w is not master:
                w[...] = master

    # -- learning rates and decays ---------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """The learning rate now: the scheduler's at `num_update`, or the one that was set."""
        return self.lr if self.lr_scheduler is None else self.lr_scheduler(self.num_update)

    def set_learning_rate(self, lr: float) -> None:
        """Set the learning rate; SchedulerError, a UserWarning, if there is a scheduler."""
        if self.lr_scheduler is not None:
            raise SchedulerError(
                "LRScheduler of the optimizer has already been defined. Note that set_learning_rate can "
                "mutate the value of the learning rate of the optimizer only when the LRScheduler of the "
                "optimizer is undefined.")
        self.lr = lr

    def set_lr_mult(self, args_lr_mult: Mapping[Any, float]) -> None:
        """Multiply the learning rates of weights, by their names or indices, by the numbers given."""
        self.lr_mult = dict(args_lr_mult)

    def set_wd_mult(self, args_wd_mult: Mapping[Any, float]) -> None:
        """Multiply the decays of weights, by their names or indices, by the numbers given.

        In MXNet 1 the names of `param_idx2name` that do not end with '_weight' or '_gamma' have 0 otherwise.
        """
        names = () if self.allow_np_array else self.idx2name.values()
        self.wd_mult = {n: 0.0 for n in names if not n.endswith(self._decayed)}
        self.wd_mult.update(args_wd_mult)

    def _get_lrs(self, indices: Sequence[Any]) -> list[float]:
        return self._factored(self.learning_rate, indices, "lr_mult")

    def _get_wds(self, indices: Sequence[Any]) -> list[float]:
        return self._factored(self.wd, indices, "wd_mult")

    def _get_lr(self, index: Any) -> float:
        return self._get_lrs([index])[0]

    def _get_wd(self, index: Any) -> float:
        return self._get_wds([index])[0]

    def _factored(self, value: float, indices: Sequence[Any], mult: str) -> list[float]:
        own, params, names = getattr(self, mult), self.param_dict, self.idx2name
        if not (own or params):
            return [value] * len(indices)
        return [value * (getattr(params[i], mult) if i in params else own[i] if i in own
                         else own.get(names.get(i), 1.0)) for i in indices]

    # -- counts ----------------------------------------------------------------------------------------------

    def _set_current_device(self, device_id: int) -> None:
        """Count the updates of the weights on that device from now on."""
        self._index_update_count = self._all_index_update_counts.setdefault(device_id, {})

    _set_current_context = _set_current_device

    def _update_count(self, index: Any) -> None:
        counts, begin, most = self._index_update_count, self.begin_num_update, self.num_update
        for i in index if isinstance(index, (list, tuple)) else (index,):
            counts[i] = count = counts.get(i, begin) + 1
            if count > most:
                most = count
        self.num_update = most

    # -- pickling --------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "param_dict"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.param_dict = {}


register = Optimizer.register
create = Optimizer.create_optimizer


Formula = tuple[Update, dict[str, Any], bool]
"""An update, its parameters, and whether the gradient is scaled, clipped and decayed before."""


class OneByOne(Optimizer):
    """An optimizer that treats weight after weight, by `_formula` or in `_one`."""

    _fused = True

    def _handed_over(self) -> float:
        # All of them, where nobody can tell: rates that change with the counts are the same in any groups.
        kind = type(self)
        plain = (kind.update is Optimizer.update and kind.step is kind.fused_step is OneByOne.step
                 and kind._counted_lrs is OneByOne._counted_lrs and kind._get_lrs is Optimizer._get_lrs)
        return numpy.inf if plain else super()._handed_over()

    def step(self, indices: Sequence[Any], weights: Sequence[Any], grads: Sequence[Any],
             states: Sequence[Any]) -> None:
        values = list(map(arrays, weights, grads, states))
        found = fitted(values)
        if found is None:
            for index, weight, grad in zip(indices, weights, grads):
                self._check(index, weight, grad)
        lrs, wds = self._counted_lrs(indices), self._get_wds(indices)
        counts = self._index_update_count
        formulas: list[Formula | None] = []
        formula: Formula | None = None
        last: Any = None
        for index, state, lr, wd in zip(indices, states, lrs, wds):
            now = counts.get(index, 0), lr, wd, state is None
            if now != last:     # many weights share a formula
                formula, last = self._formula(*now), now
                if formula is None or formula[2]:
                    found = None
            formulas.append(formula)
        if found is None or not together(found, formulas):      # type: ignore[arg-type]
            rows = zip(formulas, values, indices, weights, grads, states, lrs, wds)
            calls = [self._one(*row) if formula is None else self._call(formula, own, row[-1])
                     for formula, own, *row in rows]
            updates([call for call in calls if call is not None])

    fused_step = step

    def _check(self, index: Any, weight: Any, grad: Any) -> None:
        if not (isinstance(weight, BaseArray) and isinstance(grad, BaseArray)):
            raise NotAnArrayError(f"{type(self).__name__}: weight {index!r} and its gradient are arrays, not "
                                  f"{type(weight).__name__} and {type(grad).__name__}")
        w, g = weight._raw, grad._raw
        if w.shape != g.shape:
            raise InvalidValueError(f"{type(self).__name__}: weight {index!r} has shape {tuple(w.shape)}, "
                                    f"its gradient has shape {tuple(g.shape)}")
        if w.dtype != g.dtype or w.dtype.kind != "f":
            raise InvalidTypeError(f"{type(self).__name__}: weight {index!r} and its gradient have one "
                                   f"floating point dtype, not {w.dtype} and {g.dtype}")

    def _counted_lrs(self, indices: Sequence[Any]) -> list[float]:
        """Count the updates; the learning rates."""
        self._update_count(indices)
        return self._get_lrs(indices)

    def _formula(self, t: int, lr: float, wd: float, stateless: bool) -> Formula | None:
        """What changes a weight and its state; None if `_one` does it in another way.

        `t` counts the updates of the weight, this one included; `lr` and `wd` are its own, and `stateless`
        says that it has no state.
        """
        return None

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> Call | None:
        """Change a weight and its state, or give the update that is to; `lr` and `wd` are its own."""
        raise NotImplementedError

    def _apply(self, name: str, clip: str = "clip_gradient", **params: Any) -> Formula:
        """The update of that name."""
        params["rescale_grad"] = self.rescale_grad
        if self.clip_gradient:
            params[clip] = self.clip_gradient
        return UPDATES[name], params, False

    def _apply_decayed(self, name: str, *, wd: float, apart: bool = False, **params: Any) -> Formula:
        """The same, but in MXNet 2 the decay is added to the gradient outside of the limits.

        `apart` says that this matters without limits, too.
        """
        if wd and self.allow_np_array and (apart or self.clip_gradient):
            params.pop("clip", None)
            return UPDATES[name], params, True
        return self._apply(name, wd=wd, **params)

    def _call(self, formula: Formula, arrays: tuple[Any, ...], wd: float) -> Call:
        """The formula for a weight, its gradient and its states."""
        op, params, decays = formula
        if decays:
            weight, grad, *states = arrays
            arrays = weight, self._decayed_gradient(weight, grad, wd), *states
        return op, arrays, params

    def _scaled(self, grad: Any) -> Any:
        # In memory of its own: MXNet 2 scales some gradients in place, which breaks grad_req="add".
        return grad * float(self.rescale_grad)

    def _clipped(self, g: Any) -> Any:
        limit = self.clip_gradient
        return F.clip(g, a_min=-limit, a_max=limit) if limit else g

    def _gradient(self, grad: Any) -> Any:
        """g: ``rescale_grad * grad``, clipped."""
        return self._clipped(self._scaled(grad))

    def _decayed_gradient(self, weight: Any, grad: Any, wd: float) -> Any:
        """g + wd w, in MXNet 1 inside of the limits."""
        if not wd:
            return self._gradient(grad)
        if self.allow_np_array:
            return self._gradient(grad) + wd * weight
        return self._clipped(self._scaled(grad) + wd * weight)


def arrays(weight: Any, grad: Any, state: Any) -> tuple[Any, ...]:
    """A weight, its gradient and the arrays of its state."""
    if state is None:
        return weight, grad
    if isinstance(state, (tuple, list)):
        return weight, grad, *state
    return weight, grad, state


def zeros_like(weight: Any, n: int) -> tuple[Any, ...]:
    """The state of `n` arrays of zeros."""
    return tuple(F.zeros_like(weight) for _ in range(n))


def towards(mean: Any, beta: float, value: Any) -> None:
    """The running mean moves towards `value`: mean = beta mean + (1 - beta) value."""
    mean *= beta
    mean += (1 - beta) * value


@register
class Test(OneByOne):
    """For tests: w += g in MXNet 1, whose state is a copy of w, and w -= lr (g + wd w) in MXNet 2."""

    def create_state(self, index: Any, weight: Any) -> Any:
        return F.zeros_like(weight)

    def _one(self, index: Any, weight: Any, grad: Any, state: Any, lr: float, wd: float) -> None:
        g = self._scaled(grad)
        if self.allow_np_array:
            weight -= lr * (g + wd * weight)
        else:
            weight += g
            state[...] = weight
