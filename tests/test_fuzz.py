"""Every public function of nd, np and npx, called with whatever comes: it works, or says what is wrong.

A call either gives arrays, of which a backward pass can be run, or raises an `MXNetError` that names the
function or the op in it (Python's own TypeError says that an argument is missing).  In both cases there are
no warnings, and the flags of autograd, the arguments and the current context are as before.
"""
from __future__ import annotations

import faulthandler
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from inspect import Parameter
from typing import Any

import mxgrad as mx
import numpy
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mxgrad import autograd, nd, np, npx  # noqa: F401 (their functions join the tables at import)
from mxgrad.array import wrap
from mxgrad.base import DTYPES, AutogradError, MXNetError
from mxgrad.np.host import PIECEWISE_CONSTANT, VARYING
from mxgrad.frontend import FRONTENDS, op_function, op_names
from mxgrad.ndarray import BaseArray
from mxgrad.registry import OPS
from mxgrad.tape import NO_INPUTS

SECONDS = 10        # no call takes that long
EFFECTS = {
    "np.random.seed": "sets the seed", "random.seed": "sets the seed",
    "save": "writes a file", "npx.save": "writes a file", "np.save": "writes a file",
    "np.savez": "writes a file", "np.genfromtxt": "reads a file", "np.fromfile": "reads a file",
    "np.loadtxt": "reads a file", "load": "reads a file", "npx.load": "reads a file",
    "np.load": "reads a file",
}
# What NumPy computes, and warns of as NumPy does.
ON_HOST = (PIECEWISE_CONSTANT + " " + VARYING).split()
# What writes into its arguments: updates of weights, running means and variances, shuffles.
WRITES = re.compile(r"update|reset|batch_?norm|shuffle|fill|put|place|copyto", re.IGNORECASE)

SHAPES = ((), (1,), (3,), (0,), (2, 3), (3, 3), (1, 3), (2, 0), (2, 3, 4), (2, 1, 3), (0, 2, 2), (1, 2, 4, 4))
WORDS = ("nonsense", "", "float32", "int64", "float16", "bool", "clip", "wrap", "raise", "valid", "full",
         "same", "max", "avg", "sum", "lp", "relu", "tanh", "constant", "edge", "reflect", "left", "ij",
         "add", "mean", "always", "null", "batch", "channel", "C", "F", "linear", "fro", "value", "both",
         "mask", "nearest", "bilinear", "elu", "prelu", "gelu", "NCHW", "NHWC", "cpu(0)", "out", "unsafe")
INTS = st.integers(-4, 7) | st.sampled_from((10 ** 18, -10 ** 18))
FLOATS = st.sampled_from((0.0, 0.5, 1.0, 2.0, -1.5, 1e-3, 1e300, float("nan"), float("inf")))
TUPLES = st.lists(st.integers(-3, 4), max_size=4).map(tuple) | st.lists(INTS, max_size=3)
JUNK = st.sampled_from((None, "nonsense", b"x", 2 + 1j, object, {}, [[1, 2], [3]], [None], ("x", 1), [[]],
                        numpy.float32(1.5), numpy.int64(2), numpy.arange(3.0), slice(1, 2), Ellipsis,
                        {"a": 1}))


@st.composite
def arrays(draw: Any, cls: type, shape: tuple[int, ...], dtype: str) -> Any:
    """An array of about that shape and dtype: small values, in some of them nan or infinite ones."""
    if draw(st.integers(0, 3)) == 0:
        shape = draw(st.sampled_from(SHAPES))
    if draw(st.integers(0, 4)) == 0:
        dtype = draw(st.sampled_from(DTYPES))
    rng = numpy.random.default_rng(draw(st.integers(0, 9)))
    host = numpy.asarray(rng.integers(-2, 5, shape) + rng.choice((0.0, 0.25)))
    if dtype[0] in "ub":
        host = abs(host)
    elif dtype[0] == "f" and draw(st.integers(0, 5)) == 0:
        host[rng.random(shape) < 0.3] = rng.choice((numpy.nan, numpy.inf, -numpy.inf))
    return wrap(cls, numpy.asarray(host, dtype))


@cache
def operands(cls: type, shape: tuple[int, ...], dtype: str) -> tuple[Any, Any, Callable[[type], Any]]:
    """Strategies for an array, for an array argument (mostly an array), and for a parameter whose default is
    of some type (mostly of the same).
    """
    array = arrays(cls, shape, dtype)
    like = {bool: st.booleans(), int: INTS, float: FLOATS, tuple: TUPLES, str: st.sampled_from(WORDS)}
    anything = st.one_of(*like.values(), array)
    return array, st.one_of(*[array] * 9, FLOATS, JUNK), cache(
        lambda kind: st.one_of(like.get(kind, anything), anything, JUNK))


@st.composite
def calls(draw: Any, name: str) -> tuple[list[Any], dict[str, Any]]:
    """Arguments for the public function `name`."""
    function: Any = op_function(name)
    cls = np.ndarray if name.startswith(("np.", "npx.")) else nd.NDArray
    shape = draw(st.sampled_from(SHAPES))
    dtype = draw(st.sampled_from(("float32", "float64", "float32", "int32")))
    array, argument, parameter = operands(cls, shape, dtype)
    positional: list[Any] = []
    for a in function.arrays:
        if a.startswith("*"):
            several = draw(st.lists(argument, max_size=3))
            positional += [several] if function._array_count == "list" else several
        else:
            positional.append(draw(argument))
    params = {}
    for p, default in function.params.items():
        if default is Parameter.empty and draw(st.integers(0, 19)) or draw(st.integers(0, 3)) == 0:
            params[p] = draw(parameter(type(default)))
    if draw(st.integers(0, 19)) == 0:
        params["out"] = draw(array | JUNK)
    return positional, params


def every_array(value: Any) -> Iterator[BaseArray]:
    if isinstance(value, BaseArray):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from every_array(v)
    elif isinstance(value, dict):
        yield from every_array(list(value.values()))


def aliases(name: str) -> set[str]:
    """The names, without those of their namespaces, of the function that is called `name`."""
    prefix, _, rest = name.partition(".")
    frontend, own = (FRONTENDS[prefix], rest) if prefix in ("np", "npx") else (FRONTENDS["nd"], name)
    same = {n for n in frontend if frontend.table[n] is frontend.table[own]}
    return {n.rpartition(".")[2] for n in same}


def check(name: str, args: list[Any], params: dict[str, Any], record: bool) -> None:
    function = op_function(name)
    given = list(every_array([args, params]))
    kept = [params["out"]] if "out" in params else []
    kept += args if WRITES.search(name) else []
    if record:
        for a in given:
            if a._data.dtype.kind == "f":
                a.attach_grad()
    before = [(a._data.copy(), a._entry) for a in given]
    state = autograd.is_recording(), autograd.is_training(), mx.current_context()
    try:
        with autograd.record() if record else autograd.pause():
            result = function(*args, **params)
    except MXNetError as error:
        text = str(error)
        who = text.partition(":")[0].rpartition(".")[2]
        assert who in aliases(name) or who in OPS, f"the error does not say who: {text!r}"
        assert len(text) < 1500, text
    except TypeError as error:
        assert re.match(r"[\w.<>]+\(\) (missing|got)", str(error)), f"{type(error)}: {error}"
    else:
        outs = list(every_array(result))
        for y in outs:
            assert y._data.dtype.name in DTYPES and y.asnumpy().shape == y.shape
        heads = [y for y in outs if y._entry is not None and y._data.dtype.kind == "f"]
        if record and heads:
            try:
                autograd.backward(heads)
            except AutogradError as error:
                assert str(error) == NO_INPUTS      # such as by the mask alone
    assert state == (autograd.is_recording(), autograd.is_training(), mx.current_context())
    for a, (data, entry) in zip(given, before):
        if not any(a is k for k in every_array(kept)):
            assert a._entry is entry
            assert a._data.dtype == data.dtype and a._data.shape == data.shape
            assert a._data.tobytes() == data.tobytes(), "an argument was changed"


def late(*_: Any) -> None:
    raise TimeoutError(f"a call takes more than {SECONDS} s")


def fuzz(name: str, examples: int) -> None:
    @settings(max_examples=examples, derandomize=True, database=None, deadline=None,
              phases=[Phase.generate],      # shrinking what fails would take longer than finding it
              report_multiple_bugs=False,
              suppress_health_check=list(HealthCheck))
    @given(calls(name), st.booleans())
    def run(call: tuple[list[Any], dict[str, Any]], record: bool) -> None:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"mxgrad\.")
            if name.removeprefix("np.") in ON_HOST:
                warnings.simplefilter("ignore")
            # Again and again: what the handler raises may be caught where a short path falls back.
            signal.setitimer(signal.ITIMER_REAL, SECONDS, 0.05)
            faulthandler.dump_traceback_later(3 * SECONDS, exit=True)       # for loops in compiled code
            check(name, *call, record)
        assert not said, [str(w.message) for w in said]

    signal.signal(signal.SIGALRM, late)
    try:
        run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()


NAMES = [n for n in {id(op_function(n)): n for n in reversed(op_names())}.values() if n not in EFFECTS]
every_function = pytest.mark.parametrize("name", sorted(NAMES))


@every_function
def test_whatever_comes(name: str) -> None:
    fuzz(name, 8)


@pytest.mark.slow
@every_function
def test_whatever_comes_for_long(name: str) -> None:
    fuzz(name, 40)
