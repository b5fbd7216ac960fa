"""The strict device double refuses what a GPU would punish, and the engine uses nothing that CuPy lacks."""
from __future__ import annotations

import copy
import inspect
import json
import pathlib
import threading
import warnings
from typing import Any

import conformance
import make_cupy_manifest
import numpy as np
import pytest
from mxgrad import device_double
from mxgrad.device_double import Counts, DeviceRuleError, OutOfMemoryError, count

xp: Any = device_double
PACKAGE = pathlib.Path(device_double.__file__).parent
MANIFEST = json.loads((PACKAGE / "cupy_manifest.json").read_text())


def host(array) -> np.ndarray:
    assert isinstance(array, xp.ndarray)
    return xp.asnumpy(array)


def same(array, expected) -> None:
    """The device array holds `expected`, in its dtype and shape."""
    found, expected = host(array), np.asarray(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.fixture
def x():
    return xp.asarray(np.arange(6, dtype="float32").reshape(2, 3))


# --- planted bugs: a small training step, right once, and wrong in each way that a GPU would not forgive ---

class Step:
    """relu(x[rows] * w) summed, its gradient and an update, as ops over xp; subclasses plant one bug each."""

    def gather(self, xp, w, rows):
        return xp.take(w, rows, axis=0)

    def relu(self, xp, x):
        return xp.maximum(x, 0)

    def relu_rule(self, xp, g, x):
        return g * (x > 0)

    def scatter(self, xp, g, w, rows):
        out = xp.zeros_like(w)
        xp.add.at(out, rows, g)
        return out

    def check(self, loss):
        pass

    def place(self, xp, grad):
        return grad

    def run(self, xp, w, x, rows):
        z = self.gather(xp, w, rows) * x
        self.check(self.relu(xp, z).sum())
        g = self.relu_rule(xp, xp.ones_like(z), z) * x
        w -= 0.5 * self.place(xp, self.scatter(xp, g, w, rows))


class HostArrayInRule(Step):
    def relu_rule(self, xp, g, x):
        return np.asarray(g) * (x > 0)


class HostZerosMixedIn(Step):
    def relu_rule(self, xp, g, x):
        return xp.where(x > 0, g, np.zeros(x.shape, "float32"))


class WhereInUfunc(Step):
    def relu_rule(self, xp, g, x):
        return xp.multiply(g, 1.0, where=x > 0)


class NumpyUfunc(Step):
    def relu(self, xp, x):
        return np.maximum(x, 0)


class NumpyAddAt(Step):
    def scatter(self, xp, g, w, rows):
        out = xp.zeros_like(w)
        np.add.at(out, rows, g)
        return out


class TakeWithMode(Step):
    def gather(self, xp, w, rows):
        return xp.take(w, rows, axis=0, mode="clip")


class LoopOverList(Step):
    def gather(self, xp, w, rows):
        return xp.stack([w[row] for row in rows.tolist()])


class BranchOnLoss(Step):
    def check(self, loss):
        if float(loss) < 0:
            raise ValueError("negative")


class GradientOnOtherDevice(Step):
    def place(self, xp, grad):
        with xp.cuda.Device(1):
            return xp.asarray(grad)


class RepeatedRowsOverwrite(Step):
    def scatter(self, xp, g, w, rows):
        out = xp.zeros_like(w)
        out[rows] += g
        return out


W = np.array([[1, 2], [3, 4], [5, 6]], "float32")
X = np.array([[1, 2], [-1, 1], [3, -3]], "float32")
ROWS = np.array([2, 0, 2])


def run(step: Step, w_device: int = 0) -> tuple[Any, Counts]:
    with xp.cuda.Device(w_device):
        w = xp.asarray(W)
    with xp.cuda.Device(0):
        x, rows = xp.asarray(X), xp.asarray(ROWS)
        with count() as cost:
            step.run(xp, w, x, rows)
    return w, cost


def test_the_right_step_passes_and_copies_nothing():
    w, cost = run(Step())
    expected = W.copy()
    Step().run(np, expected, X, ROWS)
    same(w, expected)
    assert cost.kernels > 5
    assert (cost.h2d, cost.d2h, cost.p2p, cost.sync) == (0, 0, 0, 0)


@pytest.mark.parametrize(("bug", "message"), [
    (HostArrayInRule, "Implicit conversion to a NumPy array is not allowed"),
    (HostZerosMixedIn, "where: Unsupported type <class 'numpy.ndarray'>"),
    (WhereInUfunc, "multiply: got an unexpected keyword argument 'where'"),
    (NumpyUfunc, "numpy.maximum of a device array"),
    (NumpyAddAt, "numpy.add.at of a device array"),
    (TakeWithMode, "take: got an unexpected keyword argument 'mode'"),
    (GradientOnOtherDevice, "the array is on device 1, but device 0 is current"),
    (RepeatedRowsOverwrite, "different values for one place"),
])
def test_a_planted_bug_raises(bug, message):
    with pytest.raises(DeviceRuleError, match=message):
        run(bug())


@pytest.mark.parametrize("bug", [LoopOverList, BranchOnLoss])
def test_a_planted_wait_is_counted(bug):
    _, cost = run(bug())
    assert cost.sync == cost.d2h == 1


def test_a_parameter_on_the_other_device_raises():
    with pytest.raises(DeviceRuleError, match=r"arrays on devices \[0, 1\]"):
        run(Step(), w_device=1)


# --- host and device --------------------------------------------------------------------------------------

ZERO, THREE = xp.asarray(0), xp.asarray(3)
REFUSED = {
    "operator, host array right": lambda x: x + np.ones(3, "float32"),
    "operator, host array left": lambda x: np.ones(3, "float32") + x,
    "operator, NumPy scalar right": lambda x: x * np.float64(2),
    "operator, NumPy scalar left": lambda x: np.float32(2) * x,
    "comparison": lambda x: x == np.float32(2),
    "in place": lambda x: x.__iadd__(np.ones(3, "float32")),
    "host array in place": lambda x: np.ones((2, 3)).__iadd__(x),
    "ufunc": lambda x: xp.add(x, np.ones(3)),
    "ufunc of a list": lambda x: xp.add(x, [1, 2, 3]),
    "ufunc of text": lambda x: xp.add(x, "1"),
    "ufunc, out on the host": lambda x: xp.exp(x, out=np.zeros((2, 3))),
    "function": lambda x: xp.concatenate([x, np.ones((2, 3))]),
    "function of a list": lambda x: xp.sum([1, 2]),
    "function of a number": lambda x: xp.sum(3.0),
    "stack of arrays and numbers": lambda x: xp.stack([x, 1.0]),
    "NumPy scalar in a shape": lambda x: xp.zeros((np.int64(2), 3)),
    "NumPy scalar as fill value": lambda x: xp.full((2, 3), np.float32(1)),
    "NumPy scalar as axis": lambda x: x.sum(axis=np.int64(0)),
    "device array as axis": lambda x: xp.sum(x, axis=ZERO),
    "device array as shape": lambda x: x.reshape(THREE, 2),
    "device array as size": lambda x: xp.arange(THREE),
    "device array in a slice": lambda x: x[ZERO:],
    "index list": lambda x: x[[0, 1]],
    "index from NumPy": lambda x: x[np.array([0, 1])],
    "mask from NumPy": lambda x: x[np.ones((2, 3), bool)],
    "NumPy integer as index": lambda x: x[np.int64(0)],
    "NumPy integer in a slice": lambda x: x[np.int64(0):],
    "bool as index": lambda x: x[True],
    "text as index": lambda x: x["a"],
    "index list of take": lambda x: xp.take(x, [0, 1]),
    "index list of add.at": lambda x: xp.add.at(x, [0, 1], 1.0),
    "assigned host array": lambda x: x.__setitem__(0, np.ones(3)),
    "assigned list": lambda x: x.__setitem__(0, [1, 2, 3]),
    "assigned NumPy scalar": lambda x: x.__setitem__(0, np.float32(1)),
    "numpy.asarray": lambda x: np.asarray(x),
    "numpy.array of 0-d arrays": lambda x: np.array([x[0, 0], x[0, 1]]),
    "numpy function": lambda x: np.concatenate([x, x]),
    "numpy assignment": lambda x: np.zeros((2, 3)).__setitem__(slice(None), x),
    "range": lambda x: range(THREE),
    "set from another shape": lambda x: x.set(np.ones(3, "float32")),
}


@pytest.mark.parametrize("use", REFUSED.values(), ids=REFUSED)
def test_host_and_device_do_not_mix(x, use):
    before = host(x)
    with count() as cost, pytest.raises(TypeError):
        use(x)
    assert (cost.h2d, cost.d2h, cost.p2p) == (0, 0, 0)
    same(x, before)


def test_python_numbers_are_operands(x):
    h = host(x)
    same(x + 1, h + 1)
    same(2.5 - x, 2.5 - h)
    same(xp.maximum(x, 2), np.maximum(h, 2))
    same(xp.where(x > 2, x, 0.0), np.where(h > 2, h, np.float32(0)))
    same(xp.clip(x, 1, 2.5), np.clip(h, 1, 2.5))
    same(xp.full((2,), 7, "int32"), np.full(2, 7, "int32"))


def test_other_objects_get_their_turn():
    class Wrapper:
        def __radd__(self, other):
            return "radd"

    assert xp.asarray(1.0) + Wrapper() == "radd"
    with pytest.raises(TypeError):
        xp.asarray(1.0) + None


# --- results ----------------------------------------------------------------------------------------------

ZERO_D = {
    "sum": lambda x: x.sum(),
    "xp.sum": lambda x: xp.sum(x),
    "element": lambda x: x[0, 1],
    "element by index array": lambda x: x[ZERO, ZERO],
    "argmax": lambda x: xp.argmax(x),
    "dot": lambda x: xp.dot(x[0], x[1]),
    "matmul": lambda x: x[0] @ x[1],
    "norm": lambda x: xp.linalg.norm(x),
    "allclose": lambda x: xp.allclose(x, x),
    "array_equal": lambda x: xp.array_equal(x, x),
    "count_nonzero": lambda x: xp.count_nonzero(x),
    "add of numbers": lambda x: xp.add(1, 2),
    "reduce": lambda x: xp.add.reduce(x[0]),
}


@pytest.mark.parametrize("use", ZERO_D.values(), ids=ZERO_D)
def test_single_values_stay_on_the_device(x, use):
    with count() as cost:
        result = use(x)
    assert isinstance(result, xp.ndarray) and result.shape == ()
    assert (cost.d2h, cost.sync) == (0, 0)


def test_host_questions_get_host_answers(x):
    assert xp.shape(x) == (2, 3) and xp.ndim(x) == 2 and xp.size(x) == 6
    assert xp.result_type(x, np.float64) == np.float64
    assert xp.may_share_memory(x, x[0]) is True
    assert x.size == 6 and x.nbytes == 24 and x.itemsize == 4 and x.strides == (12, 4) and len(x) == 2
    assert x.flags.c_contiguous and not x.T.flags.c_contiguous
    assert x.device == xp.cuda.Device(0) and x.device != xp.cuda.Device(1) and int(x.device) == 0


def test_several_results(x):
    whole, rest = xp.divmod(x, 2)
    same(whole, host(x) // 2)
    same(rest, host(x) % 2)
    assert [part.shape for part in xp.split(x, 3, axis=1)] == [(2, 1)] * 3
    u, s, v = xp.linalg.svd(x, full_matrices=False)
    assert type(xp.linalg.svd(x)) is tuple
    np.testing.assert_allclose(host(u * s @ v), host(x), atol=1e-5)


def test_operators_give_what_numpy_gives():
    a, b = np.array([[5, -3], [2, 7]], "int32"), np.array([2, 3], "int32")
    x, y = xp.asarray(a), xp.asarray(b)
    for word in "add sub mul truediv floordiv mod and or xor lshift rshift lt le gt ge eq ne matmul".split():
        method = f"__{word}__"
        same(getattr(x, method)(y), getattr(a, method)(b))
    for word in "radd rsub rmul rtruediv rfloordiv rmod rand ror rxor".split():
        same(getattr(y, f"__{word}__")(7), getattr(b, f"__{word}__")(7))
    for word in "neg pos abs invert".split():
        same(getattr(x, f"__{word}__")(), getattr(a, f"__{word}__")())
    same(2 ** y, 2 ** b)
    same(x ** 2, a ** 2)
    same(1 << y, 1 << b)
    same(divmod(x, y)[1], divmod(a, b)[1])
    same(divmod(7, y)[0], divmod(7, b)[0])


@pytest.mark.parametrize("word", "iadd isub imul itruediv ifloordiv imod ipow".split())
def test_operators_in_place_keep_the_array(word):
    h = np.array([5.0, -3.0, 2.5])
    x = before = xp.asarray(h)
    view = x[1:]
    with count() as cost:
        x = getattr(x, f"__{word}__")(2)
    getattr(h, f"__{word}__")(2)
    assert x is before and cost == Counts(kernels=1)
    same(x, h)
    same(view, h[1:])


def test_in_place_statements_keep_the_array(x):
    before, h = x, host(x)
    x += x
    x[0] -= 1
    x *= 0.5
    h += h
    h[0] -= 1
    h *= 0.5
    assert x is before
    same(x, h)


def test_in_place_does_not_change_the_dtype():
    x = xp.asarray(np.array([1, 2], "int32"))
    with pytest.raises(TypeError, match="same_kind"):
        x += xp.asarray(np.array([0.5, 0.5]))


def test_out_is_given_back(x):
    out = xp.empty((2, 3), "float32")
    assert xp.exp(x, out=out) is out
    assert xp.add(x, x, out) is out
    same(out, host(x) * 2)
    small = xp.empty(3, "float32")
    with count() as cost:
        assert xp.sum(x, axis=0, out=small) is small
    assert cost == Counts(kernels=1)
    assert xp.multiply(x, 2, out=x) is x
    same(xp.add(x, 1, dtype="float64", casting="unsafe"), host(x).astype("float64") + 1)


def test_numpy_floating_point_warnings_do_not_exist_on_a_device(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(x / 0 > 1, [[False, True, True], [True, True, True]])
        same(xp.log(x - 1)[0, 1], np.float32(-np.inf))


# --- indexing ---------------------------------------------------------------------------------------------

INDEX = {
    "int": lambda a: 1,
    "negative": lambda a: -1,
    "element": lambda a: (1, 2),
    "slice": lambda a: slice(None, None, -1),
    "slices": lambda a: (slice(1), slice(0, 3, 2)),
    "None": lambda a: None,
    "ellipsis": lambda a: ...,
    "mixed": lambda a: (..., None, 1),
    "array": lambda a: a([1, 0, 1]),
    "array and slice": lambda a: (slice(None), a([2, 0])),
    "arrays": lambda a: (a([0, 1]), a([2, 0])),
    "array 2-d": lambda a: a([[0, 1], [1, 1]]),
    "array 0-d": lambda a: a(1),
    "negative array": lambda a: a([-1, -2]),
    "mask": lambda a: a([[True, False, True], [False] * 3]),
    "row mask": lambda a: a([False, True]),
    "mask and int": lambda a: (a([True, False]), 1),
}


@pytest.mark.parametrize("make", INDEX.values(), ids=INDEX)
def test_indexing_is_numpys(x, make):
    h = host(x)
    same(x[make(xp.asarray)], h[make(np.asarray)])
    x[make(xp.asarray)] = 9
    h[make(np.asarray)] = 9
    same(x, h)
    x[make(xp.asarray)] = xp.asarray(np.float64(-1))
    h[make(np.asarray)] = -1
    same(x, h)


def test_basic_indices_give_views(x):
    views = [x[0], x[:, 1], x[0, 1], x[None], x.T, x.real, x.reshape(3, 2), xp.transpose(x),
             xp.broadcast_to(x, (2, 2, 3))]
    for view in views:
        with count() as cost:
            x[0, 1] += 10
        assert cost == Counts(kernels=2)
        assert host(x)[0, 1] in host(view)
    with count() as cost:
        x.reshape(6)[1:].T.swapaxes(0, 0).squeeze()
    assert cost == Counts()


def test_arrays_are_assigned_by_index(x):
    h = host(x)
    rows, values = np.array([1, 0]), np.array([[1, 2, 3], [4, 5, 6]], "float32")
    x[xp.asarray(rows)] = xp.asarray(values)
    h[rows] = values
    same(x, h)
    x[xp.asarray(h > 3)] = xp.asarray(np.zeros(3, "float32"))
    h[h > 3] = 0
    same(x, h)
    x[xp.asarray(rows)] = x[::1]  # a view of the array itself
    h[rows] = h.copy()
    same(x, h)
    x[...] = xp.asarray(np.full((1, 2, 3), np.nan))
    x[xp.asarray(rows)] = xp.asarray(np.full((1, 3), np.nan, "float32"))
    assert np.isnan(host(x)).all()


@pytest.mark.parametrize("use", [
    lambda x: x[2], lambda x: x[0, -4], lambda x: x[xp.asarray([2])], lambda x: x[xp.asarray([-3])],
    lambda x: xp.take(x, xp.asarray([2]), axis=0), lambda x: x.take(xp.asarray([6])), lambda x: xp.take(x, 6),
    lambda x: xp.take_along_axis(x, xp.asarray([[3], [0]]), 1),
    lambda x: xp.add.at(x, xp.asarray([0, 2]), 1.0), lambda x: x.__setitem__(xp.asarray([0, 2]), 1.0),
    lambda x: xp.put(x, xp.asarray([6]), 1.0), lambda x: x.scatter_add(xp.asarray([2]), 1.0),
])
def test_indices_out_of_range_raise(x, use):
    with pytest.raises(IndexError):
        use(x)


@pytest.mark.parametrize("use", [
    lambda x, i, v: x.__setitem__((0, i), v), lambda x, i, v: xp.put(x, i, v),
    lambda x, i, v: xp.put_along_axis(x, i[None], v[None], 1),
])
def test_different_values_for_one_place_raise(x, use):
    x = x[:1]
    index = xp.asarray([1, 1, 0])
    with pytest.raises(DeviceRuleError, match="different values for one place"):
        use(x, index, xp.asarray(np.array([5, 6, 7], "float32")))
    use(x, index, xp.asarray(np.array([6, 6, 7], "float32")))
    same(x, np.array([[7, 6, 2]], "float32"))


def test_sums_at_repeated_indices():
    index, values = np.array([1, 0, 1]), np.array([1, 2, 4], "float32")
    for add in (xp.add.at, xp.cupyx.scatter_add, lambda a, *rest: a.scatter_add(*rest)):
        x = xp.zeros(3, "float32")
        add(x, xp.asarray(index), xp.asarray(values))
        same(x, np.array([2, 5, 0], "float32"))
    x = xp.zeros((2, 2), "float32")
    xp.maximum.at(x, (slice(None), xp.asarray([1, 1])), 3.0)
    same(x, np.array([[0, 3], [0, 3]], "float32"))
    with pytest.raises(DeviceRuleError, match="no atomic operation on uint8"):
        xp.add.at(xp.zeros(3, "uint8"), xp.asarray(index), 1)
    with pytest.raises(DeviceRuleError, match="no atomic operation on float16"):
        xp.maximum.at(xp.zeros(3, "float16"), xp.asarray(index), 1)
    x = xp.zeros(3, "uint8")
    xp.add.at(x, slice(2), 1)
    xp.add.at(x, x == 0, 5)
    same(x, np.array([1, 1, 5], "uint8"))


# --- CuPy's names and parameters --------------------------------------------------------------------------

@pytest.mark.parametrize("name", "errstate vecdot unstack nditer insert seterr spacing random".split())
def test_names_that_cupy_lacks(name):
    with pytest.raises(AttributeError):
        getattr(xp, name)


@pytest.mark.parametrize("use", [
    lambda x: xp.linalg.multi_dot, lambda x: xp.linalg.vector_norm, lambda x: xp.frombuffer,
    lambda x: xp.get_array_module, lambda x: x.resize, lambda x: x.dot_product,
    lambda x: x.__array_namespace__, lambda x: x.reduced_view, lambda x: x.data,
])
def test_attributes_that_cupy_or_numpy_lacks(x, use):
    with pytest.raises(AttributeError):
        use(x)


@pytest.mark.parametrize("use", [
    lambda x: xp.sum(x, where=x > 0), lambda x: x.sum(where=x > 0), lambda x: xp.max(x, initial=0),
    lambda x: x.max(initial=0), lambda x: xp.take(x, ZERO, mode="wrap"), lambda x: xp.sort(x, stable=True),
    lambda x: xp.argsort(x, stable=True), lambda x: xp.std(x, correction=1), lambda x: xp.exp(x, where=x > 0),
    lambda x: xp.exp(x, order="C"), lambda x: xp.zeros(3, like=x), lambda x: xp.clip(x, min=0, max=1),
    lambda x: xp.einsum("ij->i", x, out=x[:, 0]), lambda x: xp.pad(x, 1, padding=2), lambda x: x.item(0),
    lambda x: xp.sum(x, 0, None, None, False, 0), lambda x: xp.sum(),
    lambda x: xp.exp(), lambda x: xp.exp(x, x, x),
    lambda x: xp.linalg.norm(x, 2, None, False, 1), lambda x: xp.reshape(x, shape=(6,)),
])
def test_parameters_that_cupy_lacks(x, use):
    with pytest.raises(TypeError):
        use(x)


@pytest.mark.parametrize("use", [
    lambda x: xp.maximum.reduce(x), lambda x: xp.subtract.accumulate(x), lambda x: xp.multiply.at(x, 0, 2.0),
    lambda x: xp.maximum.reduceat(x, xp.asarray([0])),
])
def test_ufunc_methods_that_cupy_lacks(x, use):
    with pytest.raises(NotImplementedError, match=r"^`cupy_\w+\.\w+` is not supported yet$"):
        use(x)


def test_ufunc_methods_that_cupy_has(x):
    h = host(x)
    same(xp.add.reduce(x, axis=1), np.add.reduce(h, axis=1))
    same(xp.multiply.accumulate(x, axis=1), np.multiply.accumulate(h, axis=1))
    same(xp.subtract.outer(x, x), np.subtract.outer(h, h))
    same(xp.add.reduceat(x[0], xp.asarray([0, 2])), np.add.reduceat(h[0], [0, 2]))
    assert (xp.add.nin, xp.add.nout, xp.add.nargs, xp.add.name) == (2, 1, 3, "cupy_add")
    assert isinstance(xp.exp, xp.ufunc)


def test_types_and_constants():
    assert xp.float32 is np.float32 and xp.newaxis is None and xp.inf == np.inf and xp.pi == np.pi
    assert xp.dtype is np.dtype and xp.finfo(xp.float16).bits == 16
    assert xp.__version__ == MANIFEST["cupy"]


@pytest.mark.parametrize("values",
                         ["text", object(), [1, "a"], np.zeros(1, "M8[s]"), np.zeros(1, "longdouble")])
def test_dtypes_that_a_device_lacks(values):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        xp.asarray(values)


def test_functions_written_here_take_cupys_parameters():
    written = [(function, words) for name, words in MANIFEST["functions"].items()
               if (function := vars(device_double).get(name))]
    written += [(method, f"self {words}") for name, words in MANIFEST["methods"].items()
                if (method := vars(xp.ndarray).get(name))]
    assert {"asarray", "array", "empty", "put_along_axis", "get"} <= {one.__name__ for one, _ in written}
    for function, words in written:
        ours = inspect.signature(function).parameters.values()
        theirs = xp.signature(words).parameters.values()
        assert [(p.name, p.kind) for p in ours] == [(p.name, p.kind) for p in theirs], function
        assert [p.default is p.empty for p in ours] == [p.default is p.empty for p in theirs], function


def test_the_array_has_no_operator_that_cupys_lacks():
    python = {"__slots__", "__weakref__", "__annotations__", "__module__", "__doc__", "__firstlineno__",
              "__static_attributes__", "__getattr__"}
    assert {name for name in vars(xp.ndarray) if name.startswith("__")} - python <= set(MANIFEST["operators"])


def test_functions_and_methods_compute_what_numpys_do(x):
    h = host(x)
    same(xp.concatenate([x, x], axis=1), np.concatenate([h, h], axis=1))
    same(xp.pad(x, ((1, 0), (0, 2)), constant_values=5), np.pad(h, ((1, 0), (0, 2)), constant_values=5))
    same(xp.einsum("ij,kj->ik", x, x), np.einsum("ij,kj->ik", h, h))
    same(xp.tensordot(x, x, axes=([1], [1])), np.tensordot(h, h, axes=([1], [1])))
    same(xp.repeat(x, 2, axis=0), np.repeat(h, 2, axis=0))
    same(xp.arange(2, 8, 3, dtype="float32"), np.arange(2, 8, 3, dtype="float32"))
    same(x.astype("int8"), h.astype("int8"))
    same(x.std(axis=0, ddof=1), h.std(axis=0, ddof=1))
    same(x.mT, h.T)
    same(xp.lib.stride_tricks.as_strided(x, (2, 2), (4, 4)), np.array([[0, 1], [1, 2]], "float32"))
    windows = xp.lib.stride_tricks.sliding_window_view(x, 2, axis=1)
    same(windows, np.lib.stride_tricks.sliding_window_view(h, 2, axis=1))
    same(xp.percentile(x, [25, 75]), np.percentile(h, [25, 75]))
    y = copy.deepcopy(x)
    y.sort(axis=0)
    y.fill(2)
    y.set(h + 1)
    same(y, h + 1)
    same(x, h)
    same(xp.linalg.matrix_power(xp.eye(2) * 2, 3), np.eye(2) * 8)


# --- memory -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("dtype", "expected"), [
    ("float16", np.nan), ("float32", np.nan), ("float64", np.nan), ("int8", -128), ("int64", -(2**63)),
    ("uint8", 255), ("bool", True),
])
def test_empty_memory_is_poisoned(dtype, expected):
    made = [xp.empty((2, 2), dtype), xp.empty_like(xp.zeros((2, 2), dtype)), xp.ndarray((2, 2), dtype),
            xp.empty_like(xp.zeros(1), dtype=dtype, shape=(2, 2))]
    for array in made:
        same(array, np.full((2, 2), expected, dtype))


def test_memory_is_counted_and_given_back(x):
    def used(device):
        with xp.cuda.Device(device):
            free, total = xp.cuda.runtime.memGetInfo()
            assert total - free == xp.get_default_memory_pool().used_bytes()
            return total - free

    before = used(0), used(1)
    with xp.cuda.Device(1):
        big = xp.zeros((100, 100))
        view = big.T[3:]
    assert (used(0), used(1)) == (before[0], before[1] + 80_000)
    del big
    assert used(1) == before[1] + 80_000
    del view
    assert (used(0), used(1)) == before
    xp.get_default_memory_pool().free_all_blocks()


def test_memory_runs_out(monkeypatch):
    monkeypatch.setattr(xp, "DEVICE_MEMORY", xp._used[0] + 1000)
    for make in (xp.empty, xp.zeros, lambda n: xp.arange(n) * 2):
        with pytest.raises(OutOfMemoryError,
                           match=r"^Out of memory allocating .* bytes \(allocated so far: "):
            make(1000)
    assert issubclass(OutOfMemoryError, MemoryError)
    xp.zeros(10)


def test_more_memory_than_the_host_has():
    for make in (xp.empty, xp.zeros):
        with pytest.raises(OutOfMemoryError):
            make(1 << 46)


# --- counters ---------------------------------------------------------------------------------------------

WAITS = {
    "get": lambda x: x.get(),
    "asnumpy": lambda x: xp.asnumpy(x),
    "float": lambda x: float(x[0, 0]),
    "int": lambda x: int(x[0, 0]),
    "bool": lambda x: bool(x[0, 0]),
    "complex": lambda x: complex(x[0, 0]),
    "if": lambda x: 1 if x[0, 0] > 0 else 0,
    "item": lambda x: x[0, 0].item(),
    "tolist": lambda x: x.tolist(),
    "tobytes": lambda x: x.tobytes(),
    "str": str,
    "repr": repr,
    "format": lambda x: f"{x[0, 0]:.2f}",
    "%": lambda x: "%f" % x[0, 0],  # noqa: UP031
    "mask": lambda x: x[xp.asarray(True)],
    "nonzero": lambda x: xp.nonzero(x),
    "method nonzero": lambda x: x.nonzero(),
    "where of one": lambda x: xp.where(x),
    "unique": lambda x: xp.unique(x).argmax(),
    "bincount": lambda x: xp.bincount(x[0].astype("int32")),
    "average with weights": lambda x: xp.average(x, weights=x + 1),
}


@pytest.mark.parametrize("use", WAITS.values(), ids=WAITS)
def test_waits_for_the_device_are_counted(x, use):
    with count() as cost:
        use(x)
    assert cost.d2h == 1 and cost.sync == 1


def test_a_mask_waits_on_assignment_too(x):
    mask = x > 2
    with count() as cost:
        x[mask] = 0
    assert (cost.sync, cost.h2d) == (1, 0)


def test_a_condition_of_three_does_not_wait(x):
    with count() as cost:
        xp.where(x > 2, x, 0)
        xp.average(x)
    assert (cost.sync, cost.d2h) == (0, 0)


def test_copies_to_the_device_are_counted(x):
    with count() as cost:
        xp.asarray(1.0)
        xp.array([[1, 2], [3, 4]])
        x.set(np.zeros((2, 3), "float32"))
    assert cost == Counts(h2d=3)
    with count() as cost:
        assert xp.asarray(x) is x
        assert xp.asarray(x, "float32") is x
    assert cost == Counts()
    with count() as cost:
        assert xp.array(x) is not x
        assert xp.asarray(x, "float64").dtype == np.float64
        assert xp.array([x[0], x[1]]).shape == (2, 3)
    assert cost == Counts(kernels=3)
    xp.cuda.Device(0).synchronize()
    with count() as cost:
        xp.cuda.Device(0).synchronize()
        xp.cuda.Stream.null.synchronize()
        xp.cuda.get_current_stream().synchronize()
        xp.cuda.runtime.deviceSynchronize()
    assert cost == Counts(sync=4)


def test_counts_are_filled_when_the_body_raises(x):
    with pytest.raises(ZeroDivisionError), count() as cost:
        float(x[0, 0])
        raise ZeroDivisionError
    assert cost.d2h == 1


def test_host_arrays_pass_asnumpy():
    h = np.ones(2)
    assert xp.asnumpy(h) is h
    x, out = xp.asarray(h), np.empty(2)
    assert xp.asnumpy(x, out=out) is out and out[0] == 1
    xp.asnumpy(x)[0] = 5  # a copy
    same(x, h)


# --- devices ----------------------------------------------------------------------------------------------

def test_devices_have_their_own_memory(x):
    with xp.cuda.Device(1) as device:
        assert device.id == xp.cuda.Device().id == xp.cuda.runtime.getDevice() == 1
        with pytest.raises(DeviceRuleError, match="on device 0, but device 1 is current"):
            x + 1
        for use in (lambda: x.sum(), lambda: xp.exp(x), lambda: x[0], lambda: x.copy(), lambda: x.fill(0),
                    lambda: x.__setitem__(0, 1.0), lambda: x.__iadd__(1),
                    lambda: x.set(np.zeros((2, 3), "float32"))):
            with pytest.raises(DeviceRuleError):
                use()
        with count() as cost:
            y = xp.asarray(x)
        assert cost == Counts(p2p=1) and y.device.id == 1
        y += 1
        same(x, host(y) - 1)  # the way to the host is open from any device
        assert x.shape == y.shape and x.T.shape == (3, 2) and y.astype("int8").device.id == 1
    with pytest.raises(DeviceRuleError, match="on device 1, but device 0 is current"):
        y + 1
    for use in (lambda: x + y, lambda: xp.concatenate([x, y]), lambda: x.__setitem__(0, y[0]), lambda: x[y],
                lambda: xp.add(x, x, out=y), lambda: xp.array([x, y])):
        with pytest.raises(DeviceRuleError):
            use()


def test_devices_nest_and_restore():
    first, second = xp.cuda.Device(0), xp.cuda.Device(1)
    with second, first, second:
        assert xp.cuda.Device().id == 1
    assert xp.cuda.Device().id == 0
    with pytest.raises(ZeroDivisionError), second:
        raise ZeroDivisionError
    assert xp.cuda.Device().id == 0
    try:
        xp.cuda.runtime.setDevice(1)
        assert xp.zeros(1).device.id == 1
    finally:
        first.use()


def test_devices_that_do_not_exist():
    assert xp.cuda.runtime.getDeviceCount() == 2 and xp.is_available() and xp.cuda.is_available()
    bad = xp.cuda.Device(2)
    with pytest.raises(xp.cuda.runtime.CUDARuntimeError,
                       match="^cudaErrorInvalidDevice: invalid device"), bad:
        pass
    assert xp.cuda.Device().id == 0


def test_a_thread_starts_on_the_first_device():
    seen = []
    with xp.cuda.Device(1):
        thread = threading.Thread(target=lambda: seen.append(xp.cuda.Device().id))
        thread.start()
        thread.join()
    assert seen == [0]


# --- conformance: what the engine's source uses, CuPy has ---------------------------------------------------

def test_the_engine_uses_only_what_cupy_has():
    found = list(conformance.engine_uses(PACKAGE))
    assert len(found) > 50
    violations = conformance.report(found, MANIFEST)
    assert not violations, "\n" + violations


def test_the_engine_uses_only_what_the_installed_cupy_has():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cupy = pytest.importorskip("cupy", exc_type=ImportError)
        manifest = make_cupy_manifest.build(cupy)
    violations = conformance.report(conformance.engine_uses(PACKAGE), manifest)
    assert not violations, "\n" + violations
    if manifest["cupy"] == MANIFEST["cupy"]:
        assert manifest == MANIFEST


SOURCE = '''
def f(xp, x, y, args, params):
    xp.multiply(x, y, where=x > 0)
    xp.take(x, y, axis=0, mode="clip")
    xp.errstate(all="ignore")
    self.xp.sort(x, stable=True)
    xp.linalg.multi_dot([x, y])
    xp.maximum.reduce(x)
    xp.exp(x, y, x)
    partial(xp.sum, where=y)
    xp.sum(*args, initial=0)
    xp.random.normal()
    xp.cuda.runtime.nothing()
    xp.lib.stride_tricks.nothing
    xp.asnumpy(x)
    xp.add(x, y, out=x), xp.sum(x, axis=0), xp.linalg.norm(x, ord=2), xp.add.at(x, y, 1), xp.float32
    xp.sum(*args, axis=1), xp.exp(x, **params), partial(xp.sum, axis=1), backend.xp.divmod(x, y), xp.inf
    xp.lib.stride_tricks.as_strided(x, (1,)), xp.linalg.LinAlgError, x.xp_sum(where=y), np.errstate()
    return [xp.stack([xp.tanh(v) for v in args], axis=0).take(3, mode="x")]
'''


def test_violations_name_their_place():
    found = [(use, True) for use in conformance.uses(SOURCE, "ops/planted.py")]
    assert sum(use.line >= 16 for use, _ in found) == 14
    lines = conformance.report(found, MANIFEST).splitlines()
    cupy = f"cupy {MANIFEST['cupy']}"
    expected = [
        f"3: xp.multiply: {cupy}: got an unexpected keyword argument 'where'",
        f"4: xp.take: {cupy}: got an unexpected keyword argument 'mode'",
        f"5: xp.errstate: {cupy} has none",
        f"6: xp.sort: {cupy}: got an unexpected keyword argument 'stable'",
        f"7: xp.linalg.multi_dot: {cupy} has none",
        f"8: xp.maximum.reduce: {cupy} has none",
        f"9: xp.exp: {cupy}: too many positional arguments",
        f"10: xp.sum: {cupy}: got an unexpected keyword argument 'where'",
        f"11: xp.sum: {cupy}: got an unexpected keyword argument 'initial'",
        f"12: xp.random.normal: {cupy} has none",
        f"13: xp.cuda.runtime.nothing: {cupy} has none",
        f"13: xp.cuda.runtime.nothing: numpy {np.__version__} has none",
        f"14: xp.lib.stride_tricks.nothing: {cupy} has none",
        f"14: xp.lib.stride_tricks.nothing: numpy {np.__version__} has none",
        f"15: xp.asnumpy: numpy {np.__version__} has none",
    ]
    assert lines == [f"ops/planted.py:{line}" for line in expected]
