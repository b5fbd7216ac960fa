"""Parameters and blocks: names, initialization, sharing, files, hooks, errors, graphs."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import MXNetError, autograd, gluon, nd, npx
from mxgrad.gluon import nn
from mxgrad.gluon.parameter import LoadError, ParameterError
from mxgrad.testing import check_grads

DATA = Path(__file__).parent / "data"


@pytest.fixture
def np_mode() -> Iterator[None]:
    with npx.np_shape(), npx.np_array():
        yield


def dense(**kwargs: Any) -> Any:
    net = nn.Dense(2, in_units=3, **kwargs)
    net.initialize()
    return net


# -- parameters ------------------------------------------------------------------------------------------


def test_a_parameter_before_during_and_after_initialization() -> None:
    p = gluon.Parameter("w", shape=(2, 0), allow_deferred_init=True, init="ones")
    assert repr(p) == "Parameter w (shape=(2, 0), dtype=<class 'numpy.float32'>)"
    for ask in (p.data, p.grad, p.list_data, p.list_grad):
        with pytest.raises(
            RuntimeError, match="Parameter 'w' has not been initialized. Note that you should"
        ):
            ask()
    with pytest.raises(MXNetError, match="'w' has not been initialized$"):
        p.list_ctx()
    with pytest.raises(ValueError, match="Cannot reset context for Parameter 'w' because it has not been"):
        p.reset_ctx(mx.cpu(1))
    with pytest.raises(AssertionError, match="'w' has not been initialized"):
        p.set_data(nd.ones((2, 3)))
    p.zero_grad()
    p.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    assert p.list_ctx() == [mx.cpu(0), mx.cpu(1)]
    with pytest.raises(gluon.DeferredInitializationError, match="initialization was deferred"):
        p.data()
    p.reset_ctx(mx.cpu(2))
    assert p.list_ctx() == [mx.cpu(2)]
    p.shape = (2, 3)
    p._finish_deferred_init()
    assert p.data().asnumpy().tolist() == [[1] * 3] * 2 and p.grad().asnumpy().tolist() == [[0] * 3] * 2
    assert p.data(mx.cpu(2)) is p.data() is p.list_data()[0] is p.data(device=mx.cpu_pinned(2))
    with pytest.raises(RuntimeError, match=r"'w' was not initialized on context cpu\(0\). It was only"):
        p.data(mx.cpu(0))
    with pytest.raises(
        AssertionError, match=r"Expected shape \(2, 4\) is incompatible with given shape \(2, 3\)."
    ):
        p.set_data(nd.ones((2, 4)))
    p.set_data(nd.ones((2, 3)) * 5)
    assert float(p.data().sum()) == 30
    with pytest.warns(UserWarning, match="'w' is already initialized, ignoring. Set force_reinit=True"):
        p.initialize()
    p.initialize(force_reinit=True, ctx=mx.cpu(0))
    assert float(p.data().sum()) == 6 and p.list_ctx() == [mx.cpu(0)]


def test_values_that_are_set_before_the_shape_is_known() -> None:
    net = nn.Dense(2)
    net.initialize()
    net.weight.set_data(nd.array([[1, 2], [3, 4]]))
    assert net(nd.array([[1, 1]])).asnumpy().tolist() == [[3, 7]]


def test_gradient_requests() -> None:
    p = gluon.Parameter("w", shape=(2,), init="ones")
    p.initialize()

    def backward() -> list[float]:
        with autograd.record():
            y = (p.data() * nd.array([2, 3])).sum()
        y.backward()
        return p.grad().asnumpy().tolist()  # type: ignore[no-any-return]

    assert backward() == backward() == [2, 3]
    p.grad_req = "add"
    assert backward() == [2, 3] and backward() == [4, 6]
    p.zero_grad()
    assert backward() == [2, 3]
    p.grad_req = "null"
    with pytest.raises(
        RuntimeError, match="Cannot get gradient array for Parameter 'w' because grad_req='null'"
    ):
        p.grad()
    p.grad_req = "write"
    p.cast("float64")
    assert p.data().dtype == numpy.float64 and p.grad().dtype == numpy.float64
    assert gluon.Parameter("m", shape=(1,), differentiable=False).grad_req == "null"
    with pytest.raises(
        AssertionError, match="grad_req must be one of 'write', 'add', or 'null', but got 'x'"
    ):
        p.grad_req = "x"
    assert p.grad_req == "write"


def test_a_parameter_without_a_shape_and_sparse_ones() -> None:
    with pytest.raises(
        ValueError, match="Cannot initialize Parameter 'v' because it has invalid shape: None."
    ):
        gluon.Parameter("v").initialize()
    with pytest.raises(ValueError, match="stype 'row_sparse' is not supported, arrays are dense"):
        gluon.Parameter("v", stype="row_sparse")
    with pytest.raises(AssertionError, match="stype for Parameter 'v' must be one of"):
        gluon.Parameter("v", stype="sparse")
    with pytest.warns(UserWarning, match="gradients are dense here"):
        p = gluon.Parameter("v", shape=(1,), grad_stype="row_sparse")
    p.initialize()
    with pytest.raises(RuntimeError, match=r"via row_sparse_data\(\) because its storage type is default"):
        p.row_sparse_data(nd.array([0]))
    with pytest.raises(RuntimeError, match="list_row_sparse_data"):
        p.list_row_sparse_data(nd.array([0]))
    with pytest.raises(TypeError, match="set_data takes an array, got <class 'list'>"):
        p.set_data([1.0])


def test_constants() -> None:
    c = gluon.Constant("c", [[1, 2]])
    assert repr(c) == "Constant c (shape=(1, 2), dtype=<class 'numpy.float32'>)"
    c.initialize(ctx=mx.cpu(1))
    assert c.data().asnumpy().tolist() == [[1, 2]] and c.data().context == mx.cpu(1)
    with pytest.warns(
        UserWarning, match='"c" does not support grad_req other than "null", and new value "write"'
    ):
        c.grad_req = "write"
    params = gluon.ParameterDict("net_")
    k = params.get_constant("k", [1.0, 2.0])
    assert params.get_constant("k") is k is params.get_constant("k", [1, 2]) and k.name == "net_k"
    with pytest.raises(AssertionError, match="Constant 'net_k' already exists but it's value doesn't match"):
        params.get_constant("k", [1, 3])
    with pytest.raises(KeyError, match="No constant named 'net_other'"):
        params.get_constant("other")
    params.get("p", shape=(1,))
    with pytest.raises(AssertionError, match="'net_p' already exists but it is not a constant"):
        params.get_constant("p", [1])


def test_parameter_dict() -> None:
    params = gluon.ParameterDict("net_")
    w = params.get("w", shape=(2, 0), allow_deferred_init=True)
    assert params.get("w", shape=(0, 3)) is w and w.shape == (2, 3) and params.prefix == "net_"
    assert params.get("w", dtype="float32", lr_mult=1.0) is w
    with pytest.raises(AssertionError, match="'shape': desired '\\(4, 3\\)' vs stored '\\(2, 3\\)'"):
        params.get("w", shape=(4, 3))
    shared = gluon.ParameterDict("net_", shared=params)
    assert shared.get("w") is w and list(shared) == ["net_w"]
    other = gluon.ParameterDict("net_")
    other.get("w")
    with pytest.raises(AssertionError, match="different Parameters with the same name 'net_w'"):
        params.update(other)
    params.initialize("ones", ctx=[mx.cpu(0), mx.cpu(1)])
    params.setattr("lr_mult", 0.5)
    assert w.lr_mult == 0.5 and set(params.list_ctx()) == {mx.cpu(0), mx.cpu(1)}
    params.reset_ctx(mx.cpu(0))
    assert w.list_ctx() == [mx.cpu(0)]
    w.grad()[:] = 3
    params.zero_grad()
    assert float(w.grad().sum()) == 0


def test_copies_and_pickles_train_on_their_own() -> None:
    net = dense()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        x = nd.ones((1, 3))
        with autograd.record():
            y = other(x)
        y.backward()
        assert float(other.weight.grad().sum()) == 6 and float(net.weight.grad().sum()) == 0
        assert (other(x).asnumpy() == net(x).asnumpy()).all()


# -- names -----------------------------------------------------------------------------------------------


def test_prefixes_and_scopes() -> None:
    class Net(gluon.Block):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            with self.name_scope():
                self.one = nn.Dense(1)
                self.two = nn.Sequential()
                with self.two.name_scope():
                    self.two.add(nn.Dense(1), nn.Conv2D(1, 1), nn.Dense(1, prefix="last_"))
            self.outside = nn.Dense(1, prefix="")

    net = Net(prefix="net_")
    assert list(net.collect_params()) == [
        "net_dense0_weight",
        "net_dense0_bias",
        "net_sequential0_dense0_weight",
        "net_sequential0_dense0_bias",
        "net_sequential0_conv0_weight",
        "net_sequential0_conv0_bias",
        "net_sequential0_last_weight",
        "net_sequential0_last_bias",
        "weight",
        "bias",
    ]
    assert net.name == "net" and net.two[1].prefix == "net_sequential0_conv0_" and net.outside.name == ""
    assert list(net.collect_params("net_dense0_.*|weight")) == [
        "net_dense0_weight",
        "net_dense0_bias",
        "weight",
    ]
    with mx.name.Prefix("outer_"):
        assert nn.Dense(1).name.startswith("outer_dense")
    assert type(net.collect_params()) is gluon.ParameterDict and isinstance(net.collect_params(), dict)


def test_paths(np_mode: None) -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(2, in_units=3), nn.BatchNorm())
    params = net.collect_params()
    assert list(params) == ["0.weight", "0.bias", "1.gamma", "1.beta", "1.running_mean", "1.running_var"]
    assert net[0].weight.name == "weight" and params["1.gamma"].shape == (-1,)
    assert repr(net[0].params) == (
        "{'weight': Parameter (shape=(2, 3), dtype=float32), 'bias': Parameter (shape=(2,), dtype=float32)}"
    )
    assert list(net.collect_params("0")) == ["0.weight", "0.bias"] and net.params == {}
    # As in books written for MXNet 1.7.
    assert params[net[0].prefix + "weight"] is net[0].weight
    params.initialize(init=mx.init.Normal(sigma=0.01))
    y = net(mx.np.ones((4, 3)))
    assert type(y) is mx.np.ndarray and type(net[0].weight.data()) is mx.np.ndarray
    net.setattr("grad_req", "null")
    assert net[0].weight.grad_req == "null"
    assert net[0].params.get("weight") is net[0].weight and net[0].params.get("absent") is None


def test_attributes() -> None:
    class Net(gluon.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.scale = gluon.Parameter("weight", shape=(1,), init="ones")
            self.layer = nn.Dense(1, in_units=1)

        def forward(self, x: Any) -> Any:
            return self.layer(x) * self.scale.data()

    net = Net()
    assert list(net.collect_params()) == [net.prefix + "scale", net.layer.weight.name, net.layer.bias.name]
    net.initialize()
    assert net(nd.ones((2, 1))).shape == (2, 1)
    with pytest.raises(TypeError, match="Changing attribute type for layer from .*Dense.* to <class 'int'>"):
        setattr(net, "layer", 3)  # noqa: B010
    with pytest.raises(ValueError, match="Children of HybridBlock must also be HybridBlock, but Lambda"):
        net.other = nn.Lambda("tanh")
    net.layers = [nn.Dense(1)]
    with pytest.warns(UserWarning, match='"Net.layers" is an unregistered container with Blocks'):
        net.collect_params()


def test_shared_parameters(tmp_path: Path, np_mode: None) -> None:
    net = nn.HybridSequential()
    shared = nn.Dense(2, in_units=2)
    net.add(shared, nn.Dense(2, in_units=2, params=shared.params), shared, nn.Dense(2, in_units=2))
    assert net[1].weight is shared.weight and len({id(p) for p in net.collect_params().values()}) == 4
    net.initialize()
    net[3].share_parameters(shared.collect_params())
    assert net[3].weight is shared.weight is net[3].collect_params()["weight"]
    with pytest.warns(UserWarning, match="Parameter name absent is not in the current model!"):
        net[3].share_parameters({"absent": shared.weight})
    with autograd.record():
        y = net(mx.np.ones((1, 2)))
    y.backward()
    assert numpy.abs(shared.weight.grad().asnumpy()).max() > 0
    file = str(tmp_path / "shared.params")
    net.save_parameters(file, deduplicate=True)
    assert sorted(nd.load(file)) == ["3.bias", "3.weight"]
    before = shared.weight.data().asnumpy()
    net.initialize(force_reinit=True)
    net.load_parameters(file)
    assert (shared.weight.data().asnumpy() == before).all()


def test_shared_parameters_by_params_as_in_mxnet_1() -> None:
    one = nn.Dense(2, in_units=2, prefix="one_")
    two = nn.Dense(2, params=one.collect_params(), prefix="two_")
    assert two.weight is one.weight and list(two.collect_params()) == ["one_weight", "one_bias"]


# -- initialization --------------------------------------------------------------------------------------


def test_initializers_and_their_order() -> None:
    def numbers(**kwargs: Any) -> list[list[float]]:
        mx.random.seed(5)
        net = nn.HybridSequential()
        net.add(nn.Dense(2, **kwargs), nn.Dense(2, in_units=2))
        net.initialize(mx.init.Uniform(1))
        net(nd.ones((1, 2)))
        return [p.data().asnumpy().ravel().round(4).tolist() for p in net.collect_params().values()]

    # MXNet 1.9.1's for the seed: the layer that waits for its shape draws last.
    first, second = [0.7215, -0.3548, 0.5325, 0.3494], [-0.5517, 0.3698, 0.7565, 0.4505]
    numpy.testing.assert_allclose(numbers()[::2], [second, first], atol=1e-4)
    numpy.testing.assert_allclose(numbers(in_units=2)[::2], [first, second], atol=1e-4)
    net = nn.Dense(2, in_units=2, weight_initializer="ones", bias_initializer=mx.init.Constant(3))
    net.initialize(mx.init.Zero())
    assert net(nd.ones((1, 2))).asnumpy().tolist() == [[5, 5]]


def test_shapes_of_own_parameters_follow_from_the_layers_that_use_them() -> None:
    class Net(gluon.HybridBlock):
        def __init__(self, use: Any) -> None:
            super().__init__()
            self.use = use
            self.weight = self.params.get("weight", shape=(3, 0), allow_deferred_init=True)

        def hybrid_forward(self, F: Any, x: Any, weight: Any) -> Any:
            return self.use(F, F.relu(x), weight)

    net = Net(lambda F, x, w: F.FullyConnected(F.Dropout(x), w, no_bias=True, num_hidden=3))
    net.initialize()
    assert net(nd.ones((2, 5))).shape == (2, 3) and net.weight.shape == (3, 5)
    net = Net(lambda F, x, w: x * w)
    net.initialize()
    assert net(nd.ones((3, 4))).shape == (3, 4) and net.weight.shape == (3, 4)
    net = Net(lambda F, x, w: F.dot(x, w))
    net.initialize()
    with pytest.raises(
        ValueError,
        match="Deferred initialization failed because shape cannot be inferred. "
        "operator .*dot0: the shape of .*weight does not follow",
    ):
        net(nd.ones((2, 5)))


def test_infer_shape_of_a_block_with_forward(np_mode: None) -> None:
    class Net(nn.HybridBlock):
        def __init__(self) -> None:
            super().__init__()
            self.weight = gluon.Parameter("weight", shape=(-1, 2), allow_deferred_init=True)

        def forward(self, x: Any) -> Any:
            return mx.np.dot(x, self.weight.data(x.device))

    net = Net()
    net.initialize()
    with pytest.raises(
        ValueError,
        match=r"Net has parameters with unknown shape. You need to either specify .*"
        r"Parameters with unknown shapes are weight \(\(-1, 2\)\)",
    ):
        net(mx.np.ones((1, 3)))

    class Better(Net):
        def infer_shape(self, x: Any) -> None:
            self.weight.shape = (x.shape[-1], 2)

    net = Better()
    net.initialize()
    assert net(mx.np.ones((1, 3))).shape == (1, 2)


def test_uninitialized_blocks_say_so() -> None:
    with pytest.raises(RuntimeError, match="has not been initialized. Note that"):
        nn.Dense(2)(nd.ones((1, 2)))
    net = dense()
    with pytest.raises(ValueError, match="there must be one NDArray or one Symbol in the input"):
        net(3.0)
    with pytest.raises(ValueError, match="FullyConnected"):
        net(nd.ones((1, 4)))
    with pytest.raises(NotImplementedError, match="Mine does not define forward"):
        type("Mine", (gluon.Block,), {})()(nd.ones(1))
    with pytest.raises(NotImplementedError, match="Mine defines neither forward nor hybrid_forward"):
        type("Mine", (gluon.HybridBlock,), {})()(nd.ones(1))


def test_several_contexts() -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(2), nn.Dense(1))
    contexts = [mx.cpu(1), mx.cpu(2)]
    net.initialize(ctx=contexts)
    for ctx in contexts:
        assert net(nd.ones((1, 3), ctx=ctx)).context == ctx
    net[0].bias.list_data()[0][:] = 2
    assert net[0].bias._reduce().asnumpy().tolist() == [1, 1]
    net.reset_ctx(mx.cpu(0))
    assert net.collect_params().list_ctx() == [mx.cpu(0)] and net(nd.ones((1, 3))).shape == (1, 1)


def test_a_table_of_operators_knows_np() -> None:
    class Net(gluon.HybridBlock):
        def hybrid_forward(self, F: Any, x: Any) -> Any:
            return F.npx.relu(F.np.exp(x) - 1)

    x = mx.np.array([-1.0, 0.0, 1.0])
    numpy.testing.assert_allclose(Net()(x).asnumpy(), [0, 0, numpy.e - 1], rtol=1e-6)


def test_both_kinds_of_arrays_in_one_net() -> None:
    net = dense()
    y = net(mx.np.ones((1, 3)))
    assert type(y) is mx.np.ndarray
    assert (y.asnumpy() == net(nd.ones((1, 3))).asnumpy()).all()


def test_gradients_of_a_net_to_second_order() -> None:
    net = nn.HybridSequential()
    net.add(
        nn.Conv2D(2, 2, activation="tanh"), nn.LayerNorm(), nn.Flatten(), nn.Dense(2, activation="sigmoid")
    )
    net.cast("float64")
    net.initialize(mx.init.Uniform(0.8))
    x = nd.array(numpy.sin(numpy.arange(9)).reshape(1, 1, 3, 3), dtype="float64")
    net(x)
    check_grads(lambda x: net(x), [x], order=2)


def test_cast() -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(2, in_units=2), nn.BatchNorm(in_channels=2))
    net.initialize()
    net.cast("float16")
    assert [p.data().dtype.__name__ for p in net.collect_params().values()] == ["float16"] * 2 + [
        "float32"
    ] * 4
    assert net[0](nd.ones((1, 2), dtype="float16")).dtype == numpy.float16
    net.cast("float64")
    assert net(nd.ones((1, 2), dtype="float64")).dtype == numpy.float64
    with pytest.raises(TypeError, match="not understood"):
        net.cast("float31")


# -- hooks -----------------------------------------------------------------------------------------------


def test_hooks() -> None:
    net = nn.Sequential()
    net.add(dense(), nn.Activation("relu"))
    seen: list[Any] = []
    pre = net.register_forward_pre_hook(lambda block, inputs: seen.append(("pre", block, len(inputs))))
    with net[0].register_forward_hook(lambda block, inputs, out: seen.append(("after", block, out.shape))):
        net(nd.ones((1, 3)))
    assert seen == [("pre", net, 1), ("after", net[0], (1, 2))]
    pre.detach()
    pre.detach()
    net(nd.ones((1, 3)))
    assert len(seen) == 2
    net.register_op_hook(lambda name, array: seen.append((name, array.shape)), monitor_all=True)
    net(nd.ones((1, 3)))
    first, second = net[0].name, net[1].name
    assert seen[2:] == [
        (first + "_data", (1, 3)),
        (first + "_output", (1, 2)),
        (second + "_data", (1, 2)),
        (second + "_output", (1, 2)),
    ]
    assert net.apply(lambda block: seen.append(type(block).__name__)) is net
    assert seen[-3:] == ["Dense", "Activation", "Sequential"]


def test_sequential() -> None:
    net = nn.Sequential(prefix="seq_")
    net.add(nn.Dense(1), nn.Dense(2), nn.Dense(3))
    assert len(net) == 3 and len(net[1:]) == 2 and net[1:][0] is net[1] and net[-1]._units == 3
    with pytest.warns(UserWarning, match="All children of this Sequential layer 'seq_' are HybridBlocks."):
        net.hybridize()
    with pytest.raises(AssertionError, match="must not be hybridized to print summary"):
        net.summary(nd.ones((1, 1)))
    with pytest.raises(MXNetError, match="no backend 'x'"):
        net[0].optimize_for(nd.ones((1, 1)), backend="x")


def test_several_outputs_go_through_a_sequence(np_mode: None) -> None:
    class Swap(gluon.HybridBlock):
        def forward(self, x: Any, y: Any) -> Any:
            return y, x

    net = nn.HybridSequential()
    net.add(Swap(), Swap(), Swap())
    a, b = mx.np.ones(1), mx.np.zeros(1)
    assert [v.item() for v in net(a, b)] == [0, 1]


def test_concatenate_and_lambda() -> None:
    for container in (nn.Concatenate(axis=1), nn.HybridConcatenate(axis=1)):
        container.add(nn.Activation("relu"), nn.HybridLambda(lambda F, x: F.square(x)))
        assert container(nd.array([[-2]])).asnumpy().tolist() == [[0, 4]]
    assert repr(nn.HybridLambda("relu")) == "HybridLambda(relu)"
    with pytest.raises(AttributeError, match="Function name rely is not found in nd"):
        nn.Lambda("rely")
    with pytest.raises(ValueError, match="Unrecognized function in lambda: 3 of type <class 'int'>"):
        nn.HybridLambda(3)


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: nn.Conv2D(1, (1, 2, 3)), "kernel_size must be a number or a list of 2 ints"),
        (lambda: nn.Conv1D(1, 1, layout="NWC"), "only supports 'NCW' layout, got 'NWC'"),
        (lambda: nn.MaxPool2D(layout="NCW"), "only supports 'NCHW' and 'NHWC' layout"),
        (lambda: nn.LeakyReLU(-1), "must be no less than 0"),
        (lambda: nn.ReflectionPad2D((1, 2)), "a number or eight"),
        (lambda: nn.SyncBatchNorm(num_devices=2), "only 1 is supported"),
    ],
)
def test_bad_layers(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_layers_that_the_originals_cannot_run() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sync = nn.SyncBatchNorm(in_channels=2)
    sync.initialize()
    x = nd.array([[1, 2], [3, 4]])
    assert (sync(x).asnumpy() == _of(nn.BatchNorm(in_channels=2), x)).all()
    y = _of(nn.BatchNormReLU(in_channels=2), nd.array([[-2, -1], [0, 1]]))
    assert y.min() == 0 and y.max() > 0
    image = nd.array(numpy.arange(18).reshape(1, 2, 3, 3) % 5)
    deformable = nn.ModulatedDeformableConvolution(1, 2, use_bias=False, weight_initializer="ones")
    # Offsets are zero at first, and the mask is 2 * sigmoid(0) = 1: a convolution.
    plain = nn.Conv2D(1, 2, use_bias=False, weight_initializer="ones")
    numpy.testing.assert_allclose(_of(deformable, image), _of(plain, image), rtol=1e-6)
    assert repr(deformable) == (
        "ModulatedDeformableConvolution(2 -> 1, kernel_size=(2, 2), stride=(1, 1), bias=False)"
    )


def _of(block: Any, x: Any) -> Any:
    block.initialize()
    return block(x).asnumpy()


def test_channels_last() -> None:
    x = numpy.sin(numpy.arange(32)).reshape(1, 4, 4, 2).astype("float32")
    for make in (
        lambda **k: nn.Conv2D(3, 3, **k),
        lambda **k: nn.Conv2DTranspose(3, 2, strides=2, **k),
        lambda **k: nn.MaxPool2D(**k),
    ):
        first, last = make(), make(layout="NHWC")
        expected = _of(first, nd.array(x.transpose(0, 3, 1, 2)))
        _of(last, nd.array(x))
        for p, q in zip(first.collect_params().values(), last.collect_params().values()):
            moved = p.data().asnumpy()
            q.set_data(nd.array(moved.transpose(0, 2, 3, 1) if moved.ndim == 4 else moved))
        numpy.testing.assert_allclose(last(nd.array(x)).asnumpy().transpose(0, 3, 1, 2), expected, rtol=1e-5)


# -- files -----------------------------------------------------------------------------------------------


def model() -> Any:
    net = nn.HybridSequential(prefix="cnn_")
    with net.name_scope():
        net.add(
            nn.Conv2D(3, 3, padding=1, activation="relu"),
            nn.BatchNorm(),
            nn.MaxPool2D(),
            nn.Conv2DTranspose(2, 2, strides=2, use_bias=False),
            nn.GlobalAvgPool2D(),
            nn.Flatten(),
            nn.Dense(4, activation="tanh"),
            nn.Dropout(0.3),
            nn.LayerNorm(),
            nn.LeakyReLU(0.2),
            nn.Dense(2),
        )
    return net


RECORDED = {v: json.loads((DATA / f"gluon_files_{v}.json").read_text()) for v in ("1.9.1", "2.0")}


def agree(net: Any, recorded: Any) -> None:
    outputs = net(*(nd.array(x) for x in recorded["x"]))
    for y, expected in zip(outputs if isinstance(outputs, (list, tuple)) else [outputs], recorded["y"]):
        numpy.testing.assert_allclose(y.asnumpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "version, file",
    [
        ("1.9.1", "gluon_saved_1.9.1.params"),
        ("1.9.1", "gluon_prefixed_1.9.1.params"),
        ("1.9.1", "gluon_model_1.9.1-0000.params"),
        ("2.0", "gluon_saved_2.0.params"),
        ("2.0", "gluon_model_2.0-0000.params"),
    ],
)
def test_parameters_that_mxnet_saved(version: str, file: str) -> None:
    net = model()
    net.load_parameters(str(DATA / file))
    agree(net, RECORDED[version]["model"])


@pytest.mark.parametrize("version, name", [("1.9.1", "model"), ("1.9.1", "mixed"), ("2.0", "model")])
def test_models_that_mxnet_exported(version: str, name: str, tmp_path: Path) -> None:
    recorded = RECORDED[version][name]
    names = ["data"] if len(recorded["x"]) == 1 else ["data0", "data1"]
    start = f"{DATA}/gluon_{name}_{version}"
    net = gluon.SymbolBlock.imports(f"{start}-symbol.json", names, f"{start}-0000.params")
    agree(net, recorded)
    # It can be trained, and written again.
    with autograd.record():
        y = net(*(nd.array(x) for x in recorded["x"]))
        y = y if not isinstance(y, list) else y[0]
    y.backward()
    weight = next(p for n, p in net.collect_params().items() if n.endswith("weight"))
    assert weight.grad().asnumpy().any()
    if name == "mixed":
        net.hybridize()
        agree(net, recorded)
        files = net.export(str(tmp_path / "again"), epoch=3)
        assert files[1].endswith("again-0003.params")
        agree(gluon.SymbolBlock.imports(files[0], names, files[1]), recorded)


def test_a_graph_without_parameters_learns_shapes() -> None:
    net = gluon.SymbolBlock.imports(f"{DATA}/gluon_model_1.9.1-symbol.json", ["data"])
    assert repr(net) == "SymbolBlock(\n<Symbol cnn_dense1_fwd> : 1 -> 1\n)"
    net.initialize()
    assert net(nd.ones((2, 2, 4, 4))).shape == (2, 2)
    assert net.collect_params()["cnn_conv1_weight"].shape == (3, 2, 2, 2)
    assert net.collect_params()["cnn_batchnorm0_running_var"].grad_req == "null"
    with pytest.raises(ValueError, match=r"SymbolBlock takes 1 arguments \(data\), got 2"):
        net(nd.ones((2, 2, 4, 4)), nd.ones(1))


def test_features_of_a_graph() -> None:
    net = gluon.SymbolBlock.imports(
        f"{DATA}/gluon_model_1.9.1-symbol.json", ["data"], f"{DATA}/gluon_model_1.9.1-0000.params"
    )
    graph = mx.sym.load(f"{DATA}/gluon_model_1.9.1-symbol.json")
    inside = graph.get_internals()
    assert "cnn_flatten0_flatten0_output" in inside.list_outputs()
    features = gluon.SymbolBlock(
        [inside["cnn_flatten0_flatten0_output"], graph], mx.sym.var("data"), params=net.collect_params()
    )
    flat, y = features(nd.array(RECORDED["1.9.1"]["model"]["x"][0]))
    assert flat.shape == (2, 2) and numpy.allclose(y.asnumpy(), RECORDED["1.9.1"]["model"]["y"][0], atol=1e-6)


def test_export(tmp_path: Path) -> None:
    net = model()
    net.initialize()
    x = nd.array(RECORDED["1.9.1"]["model"]["x"][0])
    with pytest.raises(RuntimeError, match=r"Please first call block.hybridize\(\) and then run forward"):
        net.export(str(tmp_path / "net"))
    net.hybridize(static_alloc=True, static_shape=True)
    y = net(x).asnumpy()
    files = net.export(str(tmp_path / "net"))
    assert files == (f"{tmp_path}/net-symbol.json", f"{tmp_path}/net-0000.params")
    ours, theirs = (
        json.loads(Path(f).read_text()) for f in (files[0], DATA / "gluon_model_1.9.1-symbol.json")
    )
    assert [(n["op"], n["name"], [i[:2] for i in n["inputs"]]) for n in ours["nodes"]] == [
        (n["op"], n["name"], [i[:2] for i in n["inputs"]])
        for n in theirs["nodes"]
    ]
    assert [n.get("attrs") for n in ours["nodes"] if n["op"] != "null"] == [
        n.get("attrs") for n in theirs["nodes"] if n["op"] != "null"
    ]
    for key in ("arg_nodes", "heads"):
        assert ours[key] == theirs[key]
    assert set(nd.load(files[1])) == set(nd.load(str(DATA / "gluon_model_1.9.1-0000.params")))
    again = gluon.SymbolBlock.imports(files[0], "data", files[1], ctx=mx.cpu(1))
    assert (again(x.as_in_context(mx.cpu(1))).asnumpy() == y).all()
    graph, arrays = net.export(None)
    assert graph.list_auxiliary_states() == ["cnn_batchnorm0_running_mean", "cnn_batchnorm0_running_var"]
    assert len(arrays) == 13

    class Direct(gluon.HybridBlock):
        def forward(self, x: Any) -> Any:
            return x * 2

    net = Direct()
    net.hybridize()
    net(x)
    with pytest.raises(MXNetError, match="Direct defines forward, which cannot be run on symbols"):
        net.export(str(tmp_path / "net"))


def test_export_by_paths(tmp_path: Path, np_mode: None) -> None:
    net = nn.HybridSequential()
    net.add(nn.Dense(2, activation="relu"), nn.Dense(1))
    net.initialize()
    net.hybridize()
    y = net(mx.np.ones((1, 3)))
    net.export(str(tmp_path / "net"))
    arrays = nd.load(f"{tmp_path}/net-0000.params")
    assert sorted(arrays) == ["arg:0.bias", "arg:0.weight", "arg:1.bias", "arg:1.weight"]
    again = gluon.SymbolBlock.imports(f"{tmp_path}/net-symbol.json", ["data"], f"{tmp_path}/net-0000.params")
    assert (again(mx.np.ones((1, 3))) == y).all() and type(again(mx.np.ones((1, 3)))) is mx.np.ndarray


@pytest.mark.parametrize("end", ["params", "npz", "safetensors"])
def test_saving(end: str, tmp_path: Path) -> None:
    if end == "safetensors":
        pytest.importorskip("safetensors")
    net, file = model(), f"{tmp_path}/net.{end}"
    net.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    x = nd.array(RECORDED["1.9.1"]["model"]["x"][0])
    y = net(x).asnumpy()
    net.save_parameters(file)
    other = model()
    other.load_parameters(file, ctx=mx.cpu(1))
    assert (other(x.as_in_context(mx.cpu(1))).asnumpy() == y).all()
    with pytest.raises(
        LoadError, match=r"on \[cpu\(2\)\] because it was previous initialized on \[cpu\(1\)\]"
    ):
        other.load_parameters(file, ctx=mx.cpu(2))


def test_saving_a_tree_of_blocks(tmp_path: Path) -> None:
    def made(prefix: str, *units: int) -> nn.HybridSequential:
        net = nn.HybridSequential(prefix=prefix)
        with net.name_scope():
            net.add(*(nn.Dense(n, in_units=2) for n in units))
        net.initialize()
        return net

    saved, path = made("a_", 2, 3), str(tmp_path / "net")
    saved[1].hybridize()
    saved.save(path)
    tree = json.loads((tmp_path / "net-model.json").read_text())["hybridsequential0"]
    assert tree["children"] == {"a_dense0": "0", "a_dense1": "1"} and set(tree) > {"dense1", "dense2"}
    net = made("b_", 2, 3)
    net.load(path)
    assert (net[1].weight.data() == saved[1].weight.data()).asnumpy().all()
    assert [block._active for block in (net, *net)] == [False, False, True] and net.name == "b"

    other = nn.HybridSequential()
    other.add(nn.Dense(2, in_units=2), nn.HybridSequential())
    other.initialize(mx.init.Zero())
    with pytest.raises(LoadError, match="'hybridsequential2' is missing, .* are 'dense1', 'dense2'"):
        other.load(path)
    assert other[0].weight.data().asnumpy().tolist() == [[0, 0], [0, 0]]
    for text, words in (("{", "this is no JSON"), ("[1]", "the blocks there are none")):
        (tmp_path / "net-model.json").write_text(text)
        with pytest.raises(MXNetError, match=words):
            net.load(path)


# Written by MXNet 1.9.1's Block.save for a hybridized Dense(1, in_units=2), its graph shortened.
TREE = """{"dense0": {"orig_name": "old", "in_format": [0], "out_format": [0], "inputs": ["{}"],
"symbol": "{}", "hybridized": true, "children": {}}}"""


def test_a_tree_of_blocks_of_mxnet_1(tmp_path: Path) -> None:
    (tmp_path / "net-model.json").write_text(TREE)
    nd.save(str(tmp_path / "net-model.params"), {"weight": nd.array([[1, 2]]), "bias": nd.array([3])})
    net = nn.Dense(1, in_units=2)
    net.load(str(tmp_path / "net"))
    assert net(nd.array([[1, 1]])).asscalar() == 6 and net._active


def test_saving_by_names(tmp_path: Path) -> None:
    net, file = dense(prefix="net_"), str(tmp_path / "net.params")
    net.collect_params().save(file, strip_prefix="net_")
    assert sorted(nd.load(file)) == ["bias", "weight"]
    other = nn.Dense(2, in_units=3, prefix="other_")
    other.collect_params().load(file, restore_prefix="other_")
    assert (other.weight.data().asnumpy() == net.weight.data().asnumpy()).all()
    with pytest.raises(ValueError, match="Prefix 'x_' is to be striped before saving"):
        net.collect_params().save(file, strip_prefix="x_")
    with pytest.raises(AssertionError, match="restore_prefix is 'x_' but Parameters name 'net_weight'"):
        net.collect_params().load(file, restore_prefix="x_")
    with pytest.warns(UserWarning, match="deprecated"):
        net.save_params(file)
    with pytest.warns(UserWarning, match="deprecated"):
        other.load_params(file)


def test_what_does_not_fit_is_listed_and_nothing_is_loaded(tmp_path: Path) -> None:
    net = nn.Sequential(prefix="net_")
    net.add(nn.Dense(2, in_units=2), nn.Dense(1, in_units=2), nn.Dense(1, in_units=1, dtype="float64"))
    net.initialize()
    before = {n: p.data().asnumpy() for n, p in net.collect_params().items()}
    arrays = {
        "0.weight": nd.ones((2, 2)),
        "1.weight": nd.ones((3, 2)),
        "1.bias": nd.ones(1),
        "1.gamma": nd.ones(1),
        "2.weight": nd.ones((1, 1)),
        "2.bias": nd.ones(1, dtype="float64"),
    }
    file = str(tmp_path / "net.params")
    nd.save(file, arrays)
    with pytest.raises(LoadError) as caught:
        net.load_parameters(file)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, AssertionError)
    assert str(caught.value) == (
        f"Parameter '0.bias' is missing in file '{file}', which contains parameters: '0.weight', '1.bias', "
        "'1.gamma', '1.weight', '2.bias', '2.weight'. Set allow_missing=True to ignore missing parameters.\n"
        "Nothing was loaded (- missing, + not expected, ! does not fit):\n"
        "  - 0.bias\n"
        "  + 1.gamma\n"
        "  ! 1.weight: (1, 2) float32 expected, (3, 2) float32 saved\n"
        "  ! 2.weight: (1, 1) float64 expected, (1, 1) float32 saved"
    ).replace(
        "'1.bias', '1.gamma', '1.weight', '2.bias', '2.weight'", ", ".join(f"'{n}'" for n in list(arrays)[1:])
    )
    with pytest.raises(
        ValueError, match="is not present in ParameterDict, which contains parameters '0.weight'"
    ):
        net.load_parameters(file, allow_missing=True)
    with pytest.raises(
        AssertionError,
        match=r"'.*' from saved params: shape incompatible expected \(1, 2\) vs "
        r"saved \(3, 2\)",
    ):
        net.load_parameters(file, allow_missing=True, ignore_extra=True)
    for n, p in net.collect_params().items():
        assert (p.data().asnumpy() == before[n]).all()
    arrays["1.weight"] = nd.ones((1, 2))
    net.load_dict(arrays, allow_missing=True, ignore_extra=True, cast_dtype=True)
    assert net[2].weight.data().dtype == numpy.float64 and float(net[0].weight.data().sum()) == 4
    net.load_dict(arrays, allow_missing=True, ignore_extra=True, cast_dtype=True, dtype_source="saved")
    assert net[2].weight.data().dtype == numpy.float32
    with pytest.raises(AssertionError, match="dtype_source must be 'current' or 'saved'"):
        net.load_dict(arrays, allow_missing=True, ignore_extra=True, cast_dtype=True, dtype_source="x")


def test_files_that_are_none(tmp_path: Path) -> None:
    net, file = dense(), tmp_path / "net.params"
    with pytest.raises(FileNotFoundError):
        net.load_parameters(str(file))
    net.save_parameters(str(file))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(MXNetError, match="expected .* found the end of the file"):
        net.load_parameters(str(file))
    file.write_bytes(pickle.dumps({"weight": numpy.ones(1)}))
    with pytest.raises(MXNetError, match="a .params file"):
        net.load_parameters(str(file))
    nd.save(str(file), [nd.ones(1)])
    with pytest.raises(LoadError, match="the arrays have no names"):
        net.load_parameters(str(file))
    with open(file, "wb") as out:
        numpy.savez(out, weight=numpy.array([{}], dtype=object))
    with pytest.raises(ValueError):
        net.load_parameters(str(file))
    graph = tmp_path / "net-symbol.json"
    for text in (
        "",
        "{}",
        '{"nodes": [{"op": "relu", "name": "r", "inputs": [[7, 0, 0]]}], "heads": [[0, 0, 0]]}',
    ):
        graph.write_text(text)
        with pytest.raises(ValueError, match="this is no graph of MXNet's"):
            gluon.SymbolBlock.imports(str(graph), ["data"])
    graph.write_text('{"nodes": [{"op": "rely", "name": "r", "inputs": []}], "heads": [[0, 0, 0]]}')
    with pytest.raises(AttributeError, match="'rely'.*did you mean .*'relu'"):
        gluon.SymbolBlock.imports(str(graph), ["data"])


def test_names_of_the_package() -> None:
    assert mx.sym is mx.symbol and mx.gluon.nn.Dense is nn.Dense and "utils" in dir(gluon)
    with pytest.raises(AttributeError, match="no attribute 'trainr' .did you mean 'trainer', 'Trainer'"):
        gluon.trainr  # noqa: B018
    assert issubclass(ParameterError, MXNetError)
