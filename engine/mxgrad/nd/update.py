"""Adapters: the optimizers' steps, in place.

``out=weight`` writes the new weights where the old ones are; without `out` they are a new array.  The states
(mom, mean, var, ...) are changed in place.  Nothing is recorded.

>>> from mxgrad import nd
>>> weight, mom = nd.array([1.0, 2.0]), nd.zeros(2)
>>> _ = nd.sgd_mom_update(weight, nd.array([1.0, -1.0]), mom, lr=0.5, momentum=0.5, out=weight)
>>> weight.asnumpy().tolist(), mom.asnumpy().tolist()
([0.5, 2.5], [-0.5, 0.5])
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from inspect import Parameter, Signature, cleandoc
from struct import error, pack, unpack
from typing import Any

import numpy

from ..array import wrap
from ..backend import quiet
from ..base import InplaceError, InvalidTypeError, InvalidValueError, ProgramError, completed
from ..invoke import F, _said, _same_memory
from ..kernels import deferred, update as compiled
from ..ndarray import IN_GRAPH, BaseArray
from ..ops.update import UPDATES, Update
from ..registry import REQUIRED
from ..tape import site, state
from .functions import ND

_nothing = nullcontext()
_FLOAT32, _FLOAT64 = numpy.dtype("float32"), numpy.dtype("float64")


def _alike(values: tuple[Any, ...]) -> bool:
    """Whether all are arrays of one floating point dtype and one shape in one place."""
    first = values[0]
    if not isinstance(first, BaseArray):
        return False
    ctx, raw = first._ctx, first._raw
    shape, dtype = raw.shape, raw.dtype
    for v in values:
        if not isinstance(v, BaseArray) or v._ctx is not ctx:
            return False
        raw = v._raw
        if raw.dtype is not dtype or raw.shape != shape:
            return False
    return dtype.kind == "f"    # type: ignore[no-any-return]


def _check(op: Update, values: tuple[Any, ...], out: Any) -> None:
    """The arrays have the weight's shape, one memory, and dtypes that go together."""
    if not op.master and (out is None or out is values[0]) and _alike(values):
        return
    weight = ND.array(values[0], "weight")
    ctx, shape, small = weight._ctx, weight._raw.shape, weight._raw.dtype
    wide = ND.array(values[-1], "weight32")._raw.dtype if op.master else small
    names: tuple[str, ...] = op.arrays
    if out is not None:
        names, values = (*names, "out"), (*values, out)
    for name, v in zip(names, values):
        data = v._data if isinstance(v, BaseArray) else ND.array(v, name)._data
        if v._ctx is not ctx:
            _same_memory(op, weight, v)
        wanted = wide
        if wide is not small and (name in ("weight", "grad") or name == "out" and not op.direction):
            wanted = small
        if data.dtype is not wanted and data.dtype != wanted or wanted.kind != "f":
            raise InvalidTypeError(
                f"{op.name}: {name} is {data.dtype}; weight and grad have one floating point dtype"
                + (", the other arrays that of weight32" if op.master else ", as all the others"))
        if data.shape != shape and name not in op.free:
            raise InvalidValueError(f"{op.name}: {name} has shape {data.shape}, weight has shape {shape}")


def _numbers(op: Update, params: dict[str, Any], dtype: numpy.dtype) -> dict[str, float]:
    """The parameters as floats, an array of one element as its number.

    They are rounded to float32, as MXNet's are, unless the arrays are float64: the first thing that many
    updates do is to take 1 - beta.
    """
    form = f"{len(params)}{'d' if dtype == _FLOAT64 else 'f'}"
    try:
        return dict(zip(params, unpack(form, pack(form, *params.values()))))
    except (error, TypeError, ValueError, OverflowError):
        for p, v in params.items():
            if v is REQUIRED:
                raise InvalidTypeError(f"{op.name}: parameter {p!r} is required") from None
        raise InvalidTypeError(f"{op.name}: parameters are numbers, got {params}") from None


_KERNELS = {name: quiet(compiled.override(name, op.kernel)) for name, op in UPDATES.items()}


def _prepared(op: Update, values: tuple[Any, ...], params: dict[str, Any], out: Any
              ) -> tuple[dict[str, float], list[Any]]:
    """The parameters as numbers, and the arrays that are written, once everything has been checked."""
    _check(op, values, out)
    numbers = _numbers(op, params, (values[-1] if op.master else values[0])._raw.dtype)
    written = [values[i] for i in op.changed]
    if out is not None:
        written.append(out)
    if state.recording and any(v._entry is not None for v in written):
        raise InplaceError(IN_GRAPH)
    if state.program is not None:
        raise ProgramError(f"a program cannot write in place; call {op.name} outside it")
    for v in written:
        deferred.flush(v._data)
    return numbers, written


def _is_void(numbers: dict[str, float]) -> bool:
    """Whether a step changes nothing, as those that have an eta do with some rates."""
    rate = numbers.get("rescale_grad", 1.0)
    return "eta" in numbers and (rate == 0 or not math.isfinite(rate))


def update(op: Update, values: tuple[Any, ...], params: dict[str, Any], out: Any = None) -> Any:
    """A call of an update: the new weights, in `out` if there is one."""
    numbers, written = _prepared(op, values, params, out)
    return _made(op, values, params, out, numbers, written)


def _made(op: Update, values: tuple[Any, ...], params: dict[str, Any], out: Any, numbers: dict[str, float],
          written: list[Any]) -> Any:
    weight = values[0]
    master = values[-1] if op.master else weight
    backend = weight._ctx.backend
    raws = [v._data for v in (values[:-1] if op.master else values)]
    raws[0] = master._data
    with backend.guard or _nothing:
        result = (backend.xp.empty_like((master if op.direction else weight)._data) if out is None
                  else out._data)
        if _is_void(numbers):
            result[...] = weight._data
            written = [] if out is None else [out]
        else:
            copied = op.master and not op.direction
            place = raws[0] if copied else result
            if place.ndim == 0:         # the kernels' temporaries must be arrays, not NumPy's scalars
                place, *raws = (r.reshape(1) for r in (place, *raws))
            try:
                _KERNELS[op.name](backend.xp, place, *raws, **numbers)
            except (ValueError, TypeError) as e:
                raise completed(e, _said(op, raws, params, e)) from None
            if copied:
                result[...] = master._data
    _touched(written)
    return wrap(type(weight), result, weight._ctx) if out is None else out


def _touched(written: Sequence[Any], depth: int = 1) -> None:
    where = site(depth)
    for v in written:
        v._touch(where)


Call = tuple[Update, tuple[Any, ...], dict[str, Any]]


def updates(calls: Sequence[Call]) -> None:
    """Several updates, each with its arrays and parameters, which put the new weights where the old ones are.

    They are made in one loop where there is a compiled kernel for all of them.
    """
    found = fitted([values for _, values, _ in calls])
    if found is None or not together(found, [(op, params) for op, _, params in calls]):
        rows = [(*call, call[1][0], *_prepared(*call, call[1][0])) for call in calls]
        for row in rows:
            _made(*row)


Fitted = tuple[Sequence[Sequence[Any]], compiled.Rows]


def fitted(values: Sequence[tuple[Any, ...]]) -> Fitted | None:
    """The arrays of several weights, weight, gradient and states of each, if one loop can change them all:
    they are on one context, in memory of their own, those of a weight have one shape, and nothing forbids to
    write them now.
    """
    if not values or state.recording or state.program is not None:
        return None
    columns = list(zip(*values))
    raws = []
    memories = set()
    try:
        ctx = values[0][0]._ctx
        for column in columns:
            for v in column:
                if v._ctx is not ctx:
                    return None
                raws.append(v._raw)
                memories.add(id(v._version or v))
    except AttributeError:      # something is no array
        return None
    if not len(raws) == len(memories) == sum(map(len, values)):
        return None
    rows = compiled.rows(raws, len(values))
    return None if rows is None else (columns, rows)


def together(found: Fitted, formulas: Sequence[tuple[Any, ...]]) -> bool:
    """Make an update of each weight whose arrays were `fitted`; its formula begins with the update and its
    parameters.

    False, and nothing has changed, where they are not of one kind or there is no compiled kernel for it.
    """
    columns, rows = found
    if len(formulas) != len(columns[0]):
        return False
    op = formulas[0][0]
    if len(columns) != len(op.arrays):
        return False
    numbers: list[dict[str, float]] = []
    last: tuple[Any, ...] | None = None
    for formula in formulas:
        if formula is not last:     # many weights share one
            if formula[0] is not op:
                return False
            last, own = formula, _numbers(op, formula[1], _FLOAT32)
        numbers.append(own)
    if "eta" in op.params and any(map(_is_void, numbers)):
        return False
    written = [v for i in (0, *op.changed) for v in columns[i]]
    for v in written:
        deferred.flush(v._raw)
    if not compiled.together(op.name, rows, numbers):
        return False
    _touched(written, 4)        # who called this one is one of ours, too
    return True


for _name, _op in UPDATES.items():
    if not _name.startswith("contrib.multi_"):
        ND.table[_name] = _op

# several weights at once ------------------------------------------------------------------------------------


def _outs(name: str, out: Any, n: int) -> Sequence[Any]:
    """The array for each of `n` results, None where it is a new one."""
    if out is None:
        return [None] * n
    outs = out if isinstance(out, (list, tuple)) else [out]
    if len(outs) != n:
        raise InvalidValueError(f"{name}: out has {len(outs)} arrays, there are {n} weights")
    return outs


def _each(name: str, values: Any, n: int, what: str) -> Any:
    """A parameter that has a number, or an array, for each of `n` weights."""
    try:
        if len(values) == n:
            return values
        got = f"{len(values)} of them"
    except TypeError:
        got = repr(values)
    raise InvalidValueError(f"{name}: {what} has one for each of {n} weights, got {got}")


def _flat(kind: str, preloaded: bool) -> None:
    """``multi_sgd_update`` and its kin, whose arrays come weight after weight in one row."""
    op = UPDATES[f"{kind}_update"]
    name = f"{'preloaded_' if preloaded else ''}multi_{kind}_update"
    width = len(op.arrays)
    rates = () if preloaded else ("lrs", "wds")
    own = {"momentum": 0.0} if "mom" in kind else {}
    shown = [Parameter("data", Parameter.VAR_POSITIONAL)]
    shown += [Parameter(p, Parameter.KEYWORD_ONLY, default=REQUIRED) for p in rates]
    rest = {**own, "rescale_grad": 1.0, "clip_gradient": -1.0, "num_weights": None, "out": None, "name": None}
    shown += [Parameter(p, Parameter.KEYWORD_ONLY, default=d) for p, d in rest.items()]
    signature = Signature(shown)

    def function(*data: Any, **params: Any) -> list[Any]:
        given = signature.bind(*data, **params)
        given.apply_defaults()
        params = given.kwargs
        out, n = params.pop("out"), params.pop("num_weights")
        del params["name"]
        if preloaded and len(data) >= 2:
            *data, lrs, wds = data      # type: ignore[assignment]
            lrs, wds = (ND.array(a, "data").asnumpy() for a in (lrs, wds))
        else:
            lrs, wds = params.pop("lrs", ()), params.pop("wds", ())
        n = len(data) // width if n is None else int(n)
        if n < 1 or len(data) != n * width:
            raise InvalidValueError(
                f"{name}: {n} weights need {width} arrays each ({', '.join(op.arrays)})"
                + (" and the arrays of lrs and wds" if preloaded else "") + f", got {len(given.args)}")
        lrs, wds = _each(name, lrs, n, "lrs"), _each(name, wds, n, "wds")
        outs = _outs(name, out, n)
        new = [
            update(op, tuple(data[i * width:(i + 1) * width]), {**params, "lr": lr, "wd": wd}, o)
            for i, (lr, wd, o) in enumerate(zip(lrs, wds, outs))
        ]
        return new if out is None else out

    function.__signature__ = signature      # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = name
    function.__doc__ = (
        f"`nd.{op.name}` for `num_weights` weights: `data` has the {width} arrays ({', '.join(op.arrays)}) "
        "of one weight after those of the other, "
        + ("and then an array of the rates and one of the decays."
           if preloaded else "`lrs` and `wds` a number for each weight.")
    )
    ND.adapter(name, arrays="*")(function)


for _kind in ("sgd", "sgd_mom", "mp_sgd", "mp_sgd_mom"):
    _flat(_kind, False)
    _flat(_kind, True)


def _several(name: str, single: str, fixed: tuple[str, ...], each: dict[str, str], size: str) -> None:
    """``contrib.multi_adamw_update`` and its kin: lists of arrays, and lists of numbers.

    `fixed` are the parameters before those lists, `each` says what parameter of the `single` update the
    lists have the values of.
    """
    op = UPDATES[single]
    lists = [{"weight": "weights", "grad": "grads", "weight32": "weights32"}.get(a, a) for a in op.arrays]
    taken = {*each.values(), *fixed}
    optional = {p: d for p, d in op.params.items() if p not in taken}
    shown = [Parameter(p, Parameter.POSITIONAL_OR_KEYWORD) for p in (*lists, *fixed, *each)]
    tail = {"out": None, "name": None, size: 0}
    shown += [Parameter(p, Parameter.POSITIONAL_OR_KEYWORD, default=d) for p, d in tail.items()]
    shown += [Parameter(p, Parameter.KEYWORD_ONLY, default=d) for p, d in optional.items()]
    signature = Signature(shown)

    def function(*args: Any, **params: Any) -> list[Any]:
        try:
            given = signature.bind(*args, **params)
        except TypeError as error:
            raise InvalidTypeError(f"{name}: {error}") from None
        given.apply_defaults()
        all_of = given.arguments
        weights = all_of["weights"]
        n = all_of[size] or len(weights)
        arrays = [_each(name, all_of[a], n, a) for a in lists]
        numbers = {single: _each(name, all_of[p], n, p) for p, single in each.items()}
        common = {p: all_of[p] for p in (*fixed, *optional)}
        outs = _outs(name, all_of["out"], n)
        new = [
            update(op, tuple(a[i] for a in arrays), {**common, **{p: v[i] for p, v in numbers.items()}},
                   outs[i])
            for i in range(n)
        ]
        return new if all_of["out"] is None else all_of["out"]

    function.__signature__ = signature      # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    function.__doc__ = (
        f"{cleandoc(op.doc)}\n\nFor several weights: {', '.join(lists)} are lists of arrays, "
        f"{', '.join(each)} have a number for each weight.")
    ND.adapter(name, arrays=0)(function)


for _mp in ("", "mp_"):
    for _kind in ("adamw", "adabelief"):
        _several(f"contrib.multi_{_mp}{_kind}_update", f"contrib.{_mp}{_kind}_update", ("rescale_grad",),
                 {"lrs": "lr", "wds": "wd", "etas": "eta"}, "size")
    for _kind in ("lamb", "lans"):
        _several(f"contrib.multi_{_mp}{_kind}_update", f"contrib.multi_{_mp}{_kind}_update", (),
                 {"step_count": "step_count", "lrs": "lr", "wds": "wd"}, "num_tensors")

# what goes with them ----------------------------------------------------------------------------------------


@ND.composed("multi_lars", arrays=4)
def multi_lars(lrs: Any, weights_sum_sq: Any, grads_sum_sq: Any, wds: Any, eta: float, eps: float,
               rescale_grad: float = 1.0, out: Any = None, name: Any = None) -> Any:
    """The rates of LARS (You et al. 2017): lr eta |w| / (rescale_grad |g| + wd |w| + eps) for each weight,
    and lr where |w| or |g| is 0; the arguments are the squares of these lengths.

    >>> from mxgrad import nd
    >>> one = nd.ones(1)
    >>> nd.multi_lars(one, 4 * one, one, 0.5 * one, eta=1.0, eps=0.0).asnumpy().tolist()
    [1.0]
    """
    length, slope = F.sqrt(weights_sum_sq), F.sqrt(grads_sum_sq) * rescale_grad
    scaled = lrs * eta * length / (slope + wds * length + eps)
    return F.where(F.logical_and(weights_sum_sq > 0, grads_sum_sq > 0), scaled, lrs)
