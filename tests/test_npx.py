"""npx: what MXNet 2.0 has beyond NumPy."""
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, autograd, np, npx
from mxgrad.testing import check_grads
from test_np_functions import above as P, space, spread as A
from transcript import differences, read

DATA = Path(__file__).parent / "data"


def test_values_are_those_of_mxnet() -> None:
    path = DATA / "npx_2.0.0b1.txt"
    assert len(read(path.read_text())) > 70
    with numpy.printoptions(legacy="1.21"):
        with npx.np_shape(), npx.np_array():        # MXNet 2 starts so
            assert not differences(path, space())


def ints(*values: Any) -> Any:
    return np.array(values, dtype="int32")


GRADIENTS: dict[str, tuple[Callable[..., Any], ...]] = {
    "reshape": (lambda x: npx.reshape(x, (-5, -2)), A(2, 3, 2)),
    "reshape_like": (lambda x: npx.reshape_like(x, np.ones((3, 2))), A(2, 3)),
    "broadcast_like": (lambda x: npx.broadcast_like(x, np.ones((2, 3))), A(2, 1)),
    "slice": (lambda x: npx.slice(x, (0, 1), (2, 3)), A(2, 3)),
    "slice_like": (lambda x: npx.slice_like(x, np.ones((1, 2))), A(2, 3)),
    "slice_channel": (lambda x: npx.slice_channel(x, 3)[1], A(2, 3)),
    "pad": (lambda x: npx.pad(x, "reflect", (0, 0, 1, 1)), A(2, 3)),
    "add_n": (lambda x, y: npx.add_n(x, y, x), A(2), A(2, seed=1)),
    "norm": (npx.norm, A(3)),
    "softmax": (lambda x: npx.softmax(x, temperature=2.), A(2, 3)),
    "softmax length": (lambda x: npx.softmax(x, ints(1, 2), use_length=True), A(2, 3)),
    "log_softmax": (lambda x: npx.log_softmax(x, axis=0), A(2, 3)),
    "masked_softmax": (lambda x: npx.masked_softmax(x, ints([1, 0, 1], [1, 1, 1])), A(2, 3)),
    "pick": (lambda x: npx.pick(x, ints(0, 2), keepdims=True), A(2, 3)),
    "topk": (lambda x: npx.topk(x, k=2, ret_typ="value", axis=0), A(3, 2)),
    "batch_dot": (lambda a, b: npx.batch_dot(a, b, transpose_a=True), A(2, 3, 2), A(2, 3, 2, seed=1)),
    "fully_connected": (
        lambda x, w, b: npx.fully_connected(x, w, b, no_bias=False), A(2, 3), A(2, 3, seed=1), A(2)),
    "mish": (lambda x: npx.activation(x, "mish"), A(3)),
    "elu": (lambda x: npx.leaky_relu(x, act_type="elu"), A(3)),
    "gelu": (lambda x: npx.leaky_relu(x, act_type="gelu"), A(3)),
    "selu": (lambda x: npx.leaky_relu(x, act_type="selu"), A(3)),
    "prelu": (lambda x, g: npx.leaky_relu(x, g, act_type="prelu"), A(2, 3), P(3)),
    "layer_norm": (npx.layer_norm, A(2, 3), A(3), A(3, seed=1)),
    "embedding": (lambda w: npx.embedding(ints(0, 2, 2), w), A(3, 2)),
    "index_add": (lambda a, v: npx.index_add(a, ints([0, 1, 0], [1, 1, 1]), v), A(2, 2), A(3)),
    "index_update": (lambda a, v: npx.index_update(a, ints([0, 1], [1, 1]), v), A(2, 2), A(2)),
    "sequence_mask": (lambda x: npx.sequence_mask(x, ints(1, 2), True, axis=1), A(2, 3)),
    "sequence_last": (lambda x: npx.sequence_last(x, ints(1, 2), True), A(3, 2)),
    "sequence_reverse": (lambda x: npx.sequence_reverse(x, ints(1, 2), True), A(3, 2, 1)),
    "foreach": (lambda x, s: npx.foreach(lambda d, s: (d * s, d * s), x, s), P(3, 2), P(2)),
    "gather_nd": (lambda x: npx.gather_nd(x, ints([0, 1], [1, 1])), A(2, 2)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    f, *arrays = GRADIENTS[name]
    check_grads(f, arrays)


@pytest.mark.parametrize("codes, reverse, expected", [
    ((-2, -2, -1), False, (2, 3, 4)), ((-4,), False, (2, 3, 4)), ((-5, -2), False, (6, 4)),
    ((-5, 2, -1), False, (6, 2, 2)), ((-6, 1, 2, -4), False, (1, 2, 3, 4)),
    ((-2, -6, -1, 3, 4), False, (2, 1, 3, 4)), ((-4, 4), True, (2, 3, 4)), ((-2, -5), True, (2, 12)),
    (24, False, (24,)),
], ids=repr)
def test_reshape_codes(codes: Any, reverse: bool, expected: tuple[int, ...]) -> None:
    x = np.arange(24).reshape(2, 3, 4)
    y = npx.reshape(x, codes, reverse=reverse)
    assert y.shape == expected and y.reshape(-1).tolist() == x.reshape(-1).tolist()
    assert not np.shares_memory(x, y)


def test_reshape_leaves_out_lengths_of_one() -> None:
    assert npx.reshape(np.ones((1, 3, 1)), (-3, -2, -3)).shape == (3,)


def test_sequences() -> None:
    x = np.arange(6).reshape(3, 2)
    assert npx.sequence_mask(x, ints(1, 2), True, value=-1).tolist() == [[0, 1], [-1, 3], [-1, -1]]
    assert npx.sequence_mask(x).tolist() == x.tolist()
    assert npx.sequence_last(x, ints(1, 3), True).tolist() == [0, 5]
    assert npx.sequence_last(x).tolist() == [4, 5]
    assert npx.sequence_reverse(x, ints(2, 3), True).tolist() == [[2, 5], [0, 3], [4, 1]]
    assert npx.sequence_reverse(x).tolist() == [[4, 5], [2, 3], [0, 1]]


def test_loops_and_branches() -> None:
    out, states = npx.foreach(lambda d, s: ([d[0] + s[0], d[1]], [s[0] + 1]), [np.arange(3), np.ones((3, 2))],
                              [np.zeros(())])
    assert [o.tolist() for o in out] == [[0, 2, 4], [[1, 1]] * 3] and states[0].item() == 3
    out, variables = npx.while_loop(lambda i, s: i < 3, lambda i, s: ([i, s], [i + 1, s + i]),
                                    [np.array(0.), np.array(1.)], max_iterations=4)
    assert [o.tolist() for o in out] == [[0, 1, 2, 0], [1, 1, 2, 0]]
    assert [v.item() for v in variables] == [3, 4]
    assert npx.while_loop(lambda i: i > 9, lambda i: (i, i), np.array(0.), 2)[0] == []
    x = np.array(2.)
    x.attach_grad()
    with autograd.record():
        y = npx.cond(lambda a: a > 1, lambda a: a * a, lambda a: -a, [x])
    y.backward()
    assert y.item() == x.grad.item() == 4
    assert npx.cond(np.array(False), lambda: 1, lambda: 2) == 2


def test_files(tmp_path: Path) -> None:
    w, s = np.array([[1, 2]], dtype="int32"), np.array(3.5)
    one, many, named, zipped = (str(tmp_path / n) for n in ("a.npy", "b", "c.params", "d.npz"))
    npx.save(one, w)
    npx.save(many, [w, s])
    npx.save(named, {"w": w, "s": s})
    npx.savez(zipped, w, s=s)
    assert repr(npx.load(one)) == repr(w) and numpy.load(one).tolist() == [[1, 2]]
    assert repr(npx.load(many)) == repr([w, s])
    assert repr(npx.load(named)) == repr({"w": w, "s": s})
    assert repr(npx.load(zipped)) == repr({"s": s, "arr_0": w})
    (tmp_path / "e").write_bytes(b"no such format")
    with pytest.raises(MXNetError):
        npx.load(str(tmp_path / "e"))
    with pytest.raises(MXNetError):
        npx.load(str(tmp_path / "missing"))
    for wrong in (3, "a", [1, 2], {"a": numpy.ones(2)}):
        with pytest.raises(ValueError, match="an array, a list of arrays or a dict"):
            npx.save(one, wrong)
    with pytest.raises(ValueError, match="Naming conflict"):
        npx.savez(zipped, w, arr_0=s)
    with pytest.raises(TypeError, match="Only accepts"):
        npx.savez(zipped, 3)
    numpy.save(one, numpy.array([1j]))
    with pytest.raises(TypeError, match="complex128"):
        npx.load(one)


def test_dlpack_and_numpy() -> None:
    x = np.array([1., 2.])
    y = npx.from_dlpack(npx.to_dlpack_for_write(x))
    y += 1
    assert x.tolist() == [2, 3]
    host = numpy.ones(2, dtype="float32")
    shared, own = npx.from_numpy(host), npx.from_numpy(host, zero_copy=False)
    host[0] = 7
    assert shared.tolist() == [7, 1] and own.tolist() == [1, 1]
    with pytest.raises(ValueError, match="C-contiguous"):
        npx.from_numpy(numpy.ones((2, 3)).T)
    with pytest.raises(TypeError):
        npx.from_numpy([1, 2])


def test_default_dtype() -> None:
    """Dtypes of MXNet 2.0.0b1 after npx.set_np(dtype=True)."""
    whole = np.array([1, 2], dtype="int32")
    made = {
        "float64": (
            lambda: np.ones(2), lambda: np.array([1, 2]), lambda: np.array(1.5), lambda: np.full((2,), 1.5),
            lambda: np.linspace(0, 1, 3), lambda: np.eye(2), lambda: np.hanning(3), lambda: whole / 2,
            lambda: np.mean(whole), lambda: np.random.uniform(size=2), lambda: np.random.randn(2),
            lambda: np.random.beta(1, 1, size=2), lambda: np.array(numpy.ones(2)),
        ),
        "int64": (lambda: np.arange(3), lambda: np.array(numpy.arange(2)), lambda: np.full((2,), 1)),
        "float32": (
            lambda: np.ones(2, dtype="float32") / 2, lambda: np.array(numpy.ones(2, "float32")),
            lambda: np.random.exponential(size=2), lambda: np.random.laplace(size=2),
        ),
    }
    mx.random.seed(7)
    small = np.random.normal(size=3)

    @npx.use_np_default_dtype
    def check() -> None:
        assert npx.is_np_default_dtype()
        for dtype, functions in made.items():
            assert [f().dtype for f in functions] == [dtype] * len(functions)
        mx.random.seed(7)
        numpy.testing.assert_allclose(np.random.normal(size=3).asnumpy(), small.asnumpy(), rtol=1e-6)

    @npx.use_np_default_dtype
    class Maker:
        def make(self) -> Any:
            return np.zeros(1)

    check()
    assert Maker().make().dtype == "float64" and not npx.is_np_default_dtype()
    assert [f().dtype for f in made["float64"][:7]] == ["float32"] * 7 and np.arange(3).dtype == "float32"


def test_switches_change_nothing() -> None:
    try:
        npx.set_np()
        assert npx.is_np_array() and npx.is_np_shape() and not npx.is_np_default_dtype()
        npx.set_np(dtype=True)
        assert npx.is_np_default_dtype()
        npx.reset_np()
        assert not npx.is_np_array() and not npx.is_np_shape() and not npx.is_np_default_dtype()
        assert np.zeros(()).shape == () and np.zeros((0, 2)).sum().item() == 0
        with npx.np_shape(True):
            assert npx.is_np_shape()
        with npx.np_array():
            assert npx.is_np_array()
        assert not npx.is_np_shape() and not npx.is_np_array()
        with pytest.raises(ValueError, match="NumPy Shape semantics"):
            npx.set_np(shape=False)

        @npx.use_np
        class Block:
            pass

        assert npx.use_np(len) is len and Block().__class__ is Block
    finally:
        npx.reset_np()


def test_devices() -> None:
    assert npx.cpu() is mx.cpu() and npx.gpu(1) is mx.gpu(1) and npx.num_gpus() == mx.num_gpus()
    assert npx.current_device() is mx.cpu() and npx.Device is mx.Context
    npx.waitall()


@pytest.mark.parametrize("call, error, text", [
    (lambda: npx.reshape(np.ones((2, 3)), (-5, -2)), ValueError, "no length left"),
    (lambda: npx.reshape(np.ones((2, 3)), (-3, 3)), ValueError, "leaves out lengths of 1"),
    (lambda: npx.reshape(np.ones((2, 3)), (-6, 4, -1, 3)), ValueError, "splits 2 into 4 x 0"),
    (lambda: npx.reshape(np.ones((2, 3)), (-7,)), ValueError, "unknown reshape code -7"),
    (lambda: npx.activation(np.ones(2), "foo"), ValueError, "not 'foo'"),
    (lambda: npx.leaky_relu(np.ones(2), act_type="foo"), ValueError, "not 'foo'"),
    (lambda: npx.leaky_relu(np.ones(2), act_type="prelu"), ValueError, "needs gamma"),
    (lambda: npx.topk(np.ones(2), k=3), ValueError, "between 0 and 2"),
    (lambda: npx.topk(np.ones(2), ret_typ="foo"), ValueError, "ret_typ"),
    (lambda: npx.pick(np.ones((2, 3)), np.ones(3)), ValueError, "pick: .*shape"),
    (lambda: npx.softmax(np.ones((2, 3)), axis=5), ValueError, "axis 5 is out of bounds"),
    (lambda: npx.softmax(np.ones((2, 3)), use_length=True), ValueError, "length"),
    (lambda: npx.batch_dot(np.ones((2, 3, 4)), np.ones((3, 4, 5))), ValueError, "must be the same"),
    (lambda: npx.fully_connected(np.ones((2, 3)), np.ones((4, 2)), num_hidden=4), ValueError,
     "fully_connected"),
    (lambda: npx.fully_connected(np.ones((2, 3)), np.ones((4, 3)), no_bias=False), TypeError, "needs a bias"),
    (lambda: npx.embedding(np.ones(2), np.ones((3, 2)), input_dim=4), ValueError, "input_dim=4"),
    (lambda: npx.sequence_mask(np.ones((2, 3)), np.ones(2), True), ValueError, "each of 3 sequences"),
    (lambda: npx.sequence_mask(np.ones((2, 3)), axis=2), ValueError, "axis=2"),
    (lambda: npx.constraint_check(np.array([1, 0]), "wrong"), ValueError, "^constraint_check: wrong "),
    (lambda: npx.while_loop(lambda i: True, lambda i: (i, i), [np.ones(1)]), TypeError, "max_iterations"),
    (lambda: npx.foreach(lambda d, s: (d, s), [np.ones(2), np.ones(3)], []), ValueError, "differ in length"),
    (lambda: npx.relu([1, 2]), TypeError, "type <class 'list'> not supported"),
    (lambda: npx.foo, AttributeError, "no attribute 'foo'"),
])
def test_errors(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        call()
    assert isinstance(caught.value, MXNetError)


def test_every_name_is_there_and_documented() -> None:
    for n in dir(npx):
        assert getattr(npx, n).__doc__ or getattr(mx, n) is getattr(npx, n), n
    assert math.isclose(npx.gamma(np.array(5.)).item(), 24, rel_tol=1e-6)
