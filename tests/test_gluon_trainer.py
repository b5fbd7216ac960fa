"""Trainer, with an optimizer of a few lines in the place of the real ones, and gluon.utils."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import MXNetError, autograd, gluon, nd
from mxgrad.gluon import nn, utils


class Plain:
    """weight -= learning rate * (rescaled gradient + momentum state)."""

    def __init__(self, learning_rate: float = 1.0, param_dict: Any = None) -> None:
        self.learning_rate, self.rescale_grad, self.param_dict = learning_rate, 1.0, param_dict or {}

    def set_learning_rate(self, lr: float) -> None:
        self.learning_rate = lr


class Updater:
    def __init__(self, optimizer: Plain) -> None:
        self.optimizer, self.states = optimizer, dict[int, int]()

    def __call__(self, indices: list[int], grads: list[Any], weights: list[Any]) -> None:
        for i, grad, weight in zip(indices, grads, weights):
            self.states[i] = self.states.get(i, 0) + 1
            rate = self.optimizer.learning_rate * self.optimizer.param_dict[i].lr_mult
            weight[:] = weight - grad * (rate * self.optimizer.rescale_grad)

    def get_states(self, dump_optimizer: bool) -> bytes:
        return pickle.dumps((self.states, self.optimizer.learning_rate))

    def set_states(self, states: bytes) -> None:
        self.states, self.optimizer.learning_rate = pickle.loads(states)


@pytest.fixture(autouse=True)
def optimizers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        mx,
        "optimizer",
        SimpleNamespace(create=lambda name, **kwargs: {"plain": Plain}[name](**kwargs), get_updater=Updater),
        raising=False,
    )


def net_on(*contexts: Any) -> Any:
    net = nn.Dense(1, in_units=1, weight_initializer="ones", prefix="net_")
    net.initialize(ctx=list(contexts) or None)
    return net


def backward(net: Any, *values: float) -> None:
    """One example on each context; the gradients are the value for the weight, and 1 for the bias."""
    contexts = net.weight.list_ctx()
    with autograd.record():
        losses = [net(nd.array([[v]], ctx=c)) for v, c in zip(values, contexts)]
    autograd.backward(losses)


def weights(net: Any) -> list[float]:
    return [float(w) for w in net.weight.list_data()]


def test_steps() -> None:
    net = net_on()
    trainer = gluon.Trainer(net.collect_params(), "plain", {"learning_rate": 0.5})
    backward(net, 4.0)
    trainer.step(2)
    assert weights(net) == [0] and float(net.bias.data()) == -0.25
    assert trainer.learning_rate == 0.5 and trainer.optimizer.rescale_grad == 0.5
    trainer.set_learning_rate(0.25)
    net.weight.lr_mult = 2.0
    backward(net, 4.0)
    trainer.allreduce_grads()
    utils.clip_global_norm([p.grad() for p in net.collect_params().values()], 1e9)
    trainer.update(1)
    assert weights(net) == [-2] and trainer.learning_rate == 0.25


def test_stale_gradients() -> None:
    net = net_on()
    trainer = gluon.Trainer(net.collect_params(), Plain())
    backward(net, 2.0)
    trainer.step(1)
    with pytest.raises(
        UserWarning,
        match=r"Gradient of Parameter `net_bias` on context cpu\(0\) has not been "
        "updated by backward since last `step`",
    ):
        trainer.step(1)
    with pytest.raises(MXNetError, match="call step with ignore_stale_grad=True"):
        trainer.update(1)
    trainer.step(1, ignore_stale_grad=True)
    assert weights(net) == [-1]
    net.bias.grad_req = "null"
    backward(net, 2.0)
    trainer.step(1)
    assert weights(net) == [-3] and float(net.bias.data()) == -1


@pytest.mark.parametrize("kvstore", ["device", "local"])
@pytest.mark.parametrize("on_kvstore", [None, False])
def test_several_contexts_see_the_sum_of_the_gradients(kvstore: str, on_kvstore: bool | None) -> None:
    net = net_on(mx.cpu(0), mx.cpu(1), mx.cpu(2))
    trainer = gluon.Trainer(net.collect_params(), "plain", kvstore=kvstore, update_on_kvstore=on_kvstore)
    backward(net, 1.0, 2.0, 3.0)
    trainer.step(2)
    assert weights(net) == [-2] * 3
    backward(net, 1.0, 2.0, 4.0)
    if on_kvstore is None:
        with pytest.raises(
            AssertionError, match=r"allreduce_grads\(\) when parameters are updated on kvstore"
        ):
            trainer.allreduce_grads()
        with pytest.raises(AssertionError, match=r"update\(\) when parameters are updated on kvstore"):
            trainer.update(1)
        trainer.step(1)
    else:
        trainer.allreduce_grads()
        assert [float(g) for g in net.weight.list_grad()] == [7] * 3
        trainer.update(1)
    assert weights(net) == [-9] * 3
    with pytest.raises(UserWarning, match="has not been updated"):
        trainer.step(1)


def test_without_a_kvstore_every_context_is_trained_by_itself() -> None:
    net = net_on(mx.cpu(0), mx.cpu(1))
    trainer = gluon.Trainer(net.collect_params(), "plain", kvstore=None)
    backward(net, 1.0, 2.0)
    trainer.step(1)
    assert weights(net) == [0, -1]


def test_a_shared_parameter_takes_one_step() -> None:
    shared = net_on()
    trainer = gluon.Trainer([shared.weight, shared.weight], Plain())
    backward(shared, 3.0)
    trainer.step(1)
    assert weights(shared) == [-2]


def test_parameters_that_wait_for_their_shape() -> None:
    net = nn.Dense(1, weight_initializer="ones")
    net.initialize()
    trainer = gluon.Trainer(net.collect_params(), "plain")
    backward(net, 3.0)
    trainer.step(1)
    assert weights(net) == [-2]


def test_states(tmp_path: Path) -> None:
    net, file = net_on(mx.cpu(0), mx.cpu(1)), str(tmp_path / "states")
    trainer = gluon.Trainer(net.collect_params(), "plain", {"learning_rate": 0.5})
    backward(net, 1.0, 2.0)
    trainer.step(1)
    trainer.save_states(file)
    other = gluon.Trainer(net.collect_params(), "plain", {"learning_rate": 2.0})
    other.load_states(file)
    assert other.learning_rate == 0.5 and other._updaters[1].states == {0: 1, 1: 1}
    assert other.optimizer.param_dict[1] is net.weight


@pytest.mark.parametrize(
    "make, error, text",
    [
        (
            lambda p: gluon.Trainer(3, "plain"),
            ValueError,
            "First argument must be a list or dict of Parameters, got",
        ),
        (lambda p: gluon.Trainer([nd.ones(1)], "plain"), ValueError, "got list of <class .*NDArray'>"),
        (
            lambda p: gluon.Trainer(p, "plain", kvstore="dist_sync"),
            ValueError,
            "several machines is not supported",
        ),
        (
            lambda p: gluon.Trainer(p, "plain", compression_params={"type": "2bit"}),
            ValueError,
            "not compressed",
        ),
        (
            lambda p: gluon.Trainer(p, Plain(), {"learning_rate": 1}),
            AssertionError,
            "optimizer_params must be None",
        ),
        (
            lambda p: gluon.Trainer([*p.values(), *net_on(mx.cpu(1)).collect_params().values()], "plain"),
            AssertionError,
            "All Parameters must be initialized on the same set of contexts, but Parameter net_weight",
        ),
        (
            lambda p: gluon.Trainer(nn.Dense(1).collect_params(), "plain"),
            RuntimeError,
            "has not been initialized",
        ),
    ],
)
def test_bad_trainers(make: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make(net_on().collect_params())


# -- utils -----------------------------------------------------------------------------------------------


def test_split() -> None:
    x = nd.array(numpy.arange(10).reshape(2, 5))
    pieces = utils.split_data(x, 2, batch_axis=1, even_split=False)
    assert [p.asnumpy().tolist() for p in pieces] == [[[0, 1, 2], [5, 6, 7]], [[3, 4], [8, 9]]]
    with pytest.raises(
        ValueError,
        match=r"data with shape \(2, 5\) cannot be evenly split into 2 slices along "
        "axis 1. Use a batch size that's multiple of 2",
    ):
        utils.split_data(x, 2, batch_axis=1)
    there = utils.split_and_load(numpy.arange(4), [mx.cpu(1), mx.cpu(2)])
    assert [(p.asnumpy().tolist(), p.context) for p in there] == [([0, 1], mx.cpu(1)), ([2, 3], mx.cpu(2))]
    assert utils.split_and_load(x, [mx.cpu(3)])[0].context == mx.cpu(3)


def test_clip_global_norm() -> None:
    arrays = [nd.array([[3.0]]), nd.array([4.0, 0.0], ctx=mx.cpu(1))]
    norm = utils.clip_global_norm(arrays, 10.0, check_isfinite=False)
    assert norm.asnumpy().tolist() == [5] and arrays[0].asnumpy().tolist() == [[3]]
    assert utils.clip_global_norm(arrays, 2.5) == 5
    numpy.testing.assert_allclose(arrays[1].asnumpy(), [2, 0], rtol=1e-6)
    with pytest.warns(UserWarning, match="nan or inf is detected. Clipping results will be undefined."):
        utils.clip_global_norm([nd.array([float("nan")])], 1.0)
    with pytest.raises(ValueError, match="there are no arrays"):
        utils.clip_global_norm([], 1.0)


def test_download(tmp_path: Path) -> None:
    source = tmp_path / "data.bin"
    source.write_bytes(b"digits")
    sha1 = hashlib.sha1(b"digits").hexdigest()
    assert utils.check_sha1(str(source), sha1) and not utils.check_sha1(str(source), "0" * 40)
    target = tmp_path / "here"
    target.mkdir()
    copied = utils.download(source.as_uri(), str(target), sha1_hash=sha1)
    assert copied == str(target / "data.bin") and Path(copied).read_bytes() == b"digits"
    assert utils.download("https://example.org/data.bin", str(target), sha1_hash=sha1) == copied
    with pytest.raises(
        OSError,
        match="does not fetch files from the network; download https://example.org/x.bin "
        f"yourself and save it as {target}/x.bin",
    ):
        utils.download("https://example.org/x.bin", str(target))
    with pytest.raises(MXNetError, match="the file there has another SHA-1"):
        utils.download("https://example.org/data.bin", str(target), sha1_hash="0" * 40)
    with pytest.raises(MXNetError, match="does not have the SHA-1"):
        utils.download(source.as_uri(), str(target / "new.bin"), sha1_hash="0" * 40)
    assert sorted(p.name for p in target.iterdir()) == ["data.bin"]
    with pytest.raises(ValueError, match="does not end in the name of a file"):
        utils.download("https://example.org/")
