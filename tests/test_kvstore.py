"""kvstore: what goes in, what comes out, as MXNet 1.9.1 has it, and what is refused."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mxgrad as mx
from mxgrad import kvstore, nd


def store(name: str = "local", **values: Any) -> Any:
    found = mx.kv.create(name)
    for key, value in values.items():
        found.init(key, nd.array(value))
    return found


def pulled(kv: Any, key: Any) -> Any:
    out = nd.zeros(kv._stored[key].shape)
    kv.pull(key, out=out)
    return out.asnumpy().tolist()


def test_kinds() -> None:
    for name in ("local", "device", "local_update_cpu", "local_allreduce_cpu", "local_allreduce_device",
                 "nccl", "LOCAL"):
        kv = mx.kv.create(name)
        assert (kv.type, kv.rank, kv.num_workers) == (name.lower(), 0, 1)
        assert isinstance(kv, kvstore.KVStore) and isinstance(kv, kvstore.KVStoreBase)
        assert kv.is_capable("optimizer")
        kv._barrier()
    assert mx.kv.create().type == "local"
    with pytest.raises(ValueError, match="Unknown capability: x"):
        kv.is_capable("x")
    for wrong in (None, 3):
        with pytest.raises(TypeError, match=f"name must be a string, got {wrong}"):
            mx.kv.create(wrong)     # type: ignore[arg-type]
    for away in ("dist_sync", "dist_async", "dist_device_sync", "p3", "horovod", "byteps"):
        with pytest.raises(ValueError, match=f"'{away}' shares arrays between processes"):
            mx.kv.create(away)
    with pytest.raises(ValueError, match="there is no 'locl' .did you mean 'local'"):
        mx.kv.create("locl")


def test_push_replaces_and_adds() -> None:
    kv = store()
    kv.init([3, 5], [nd.ones(2), nd.ones(3)])
    kv.push(3, [nd.ones(2), nd.ones(2) * 3])
    assert pulled(kv, 3) == [4, 4]
    kv.push([3, 5, 3], [nd.ones(2), nd.zeros(3), [nd.ones(2), nd.ones(2)]])
    assert pulled(kv, 3) == [3, 3] and pulled(kv, 5) == [0, 0, 0]
    a, b = nd.zeros(2, ctx=mx.cpu(1)), nd.zeros(2, dtype="float64")
    kv.pull([3, 3], out=[a, [b]])
    assert a.asnumpy().tolist() == b.asnumpy().tolist() == [3, 3] and a.context == mx.cpu(1)


def test_what_is_stored_is_a_copy() -> None:
    kv, w = store(), nd.ones(2)
    kv.init("w", w)
    w[:] = 5
    assert pulled(kv, "w") == [1, 1]
    out = nd.zeros(2)
    kv.pull("w", out=out)
    out[:] = 7
    assert pulled(kv, "w") == [1, 1]


def test_nothing_is_recorded() -> None:
    kv, w = store(w=[1, 2]), nd.ones(2)
    w.attach_grad()
    with mx.autograd.record():
        y = w * 2
        kv.push("w", [y, y])
        out = nd.zeros(2)
        kv.pull("w", out=out)
    assert pulled(kv, "w") == [4, 4]
    y.backward()
    assert w.grad.asnumpy().tolist() == [2, 2]


@pytest.mark.parametrize("key", [3, "w"])
def test_updater(key: Any) -> None:
    kv, seen = store("device"), []
    kv.init(key, nd.ones(2))

    def update(k: Any, grad: Any, weight: Any) -> None:
        seen.append((k, grad.asnumpy().tolist(), weight.asnumpy().tolist()))
        weight += grad * 2

    kv._set_updater(update)
    kv.push(key, [nd.ones(2), nd.ones(2) * 3])
    v = nd.ones(2)
    kv.pushpull(key, v)
    a = nd.zeros(2)
    assert v.asnumpy().tolist() == [11, 11]
    kv.pushpull(key, [v, v], out=[a, v])
    assert a.asnumpy().tolist() == v.asnumpy().tolist() == [55, 55]
    assert seen == [(key, [4, 4], [1, 1]), (key, [1, 1], [9, 9]), (key, [22, 22], [11, 11])]
    with pytest.raises(mx.MXNetError, match="no states of an optimizer"):
        kv.save_optimizer_states("never")


def test_optimizer_and_its_states(tmp_path: Path) -> None:
    kv, file = store(w=[1, 1]), str(tmp_path / "states")
    with pytest.raises(mx.MXNetError, match="no states of an optimizer"):
        kv.load_optimizer_states(file)
    with pytest.raises(TypeError, match="an Optimizer is needed, got 'sgd'"):
        kv.set_optimizer("sgd")
    kv.set_optimizer(mx.optimizer.SGD(learning_rate=1, momentum=0.5))
    kv.push("w", nd.ones(2))
    assert pulled(kv, "w") == [0, 0]
    kv.save_optimizer_states(file, dump_optimizer=True)
    kv.push("w", nd.ones(2))
    assert pulled(kv, "w") == [-1.5, -1.5]
    other = store(w=[0, 0])
    other.set_optimizer(mx.optimizer.SGD())
    other.load_optimizer_states(file)
    other.push("w", nd.ones(2))
    assert pulled(other, "w") == [-1.5, -1.5]


def test_broadcast() -> None:
    kv = store("device")
    out = [nd.zeros(2), nd.zeros(2, ctx=mx.cpu(1))]
    kv.broadcast("b", nd.ones(2) * 5, out=out)
    assert all(o.asnumpy().tolist() == [5, 5] for o in out)
    kv.broadcast(["c", "d"], [nd.ones(2), nd.ones(3)], out=[out, nd.zeros(3)])
    assert out[1].asnumpy().tolist() == [1, 1]
    for call, message in (
        (lambda: kv.broadcast("b", nd.ones(2), out=out), "duplicate init of key b"),
        (lambda: kv.broadcast("e", nd.ones(3), out=out), r"key 'e' has shape \(3,\), an array of out \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert sorted(kv._stored) == ["b", "c", "d"]


def test_np_arrays() -> None:
    kv = store()
    kv.init(0, mx.np.ones(2))
    x = mx.np.array([1., 2.])
    kv.pushpull(0, [x, x])
    assert type(x) is mx.np.ndarray and x.tolist() == [2, 4]


def test_refused() -> None:
    kv, a = store(w=[1, 2]), nd.zeros(2)
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: kv.push("v", a), ValueError, "KVStore.push: key 'v' has not been inited"),
        (lambda: kv.pull("ww", out=a), ValueError, "has not been inited .did you mean 'w'"),
        (lambda: kv.pull("w"), ValueError, "give the arrays to write into as out"),
        (lambda: kv.init("w", a), ValueError, "duplicate init of key w"),
        (lambda: kv.init("z", [a, a]), ValueError, "duplicate init of key z"),
        (lambda: kv.init(3, a), TypeError, "Mixed key types are not allowed"),
        (lambda: kv.init(["x", 3], [a, a]), TypeError, "Mixed key types are not allowed"),
        (lambda: kv.init(["x", "y"], [a]), ValueError, "there are 2 keys and 1 values"),
        (lambda: kv.init(["x", "y"], a), ValueError, "there are 2 keys and one NDArray"),
        (lambda: kv.push(1.5, a), TypeError, "a key is a string or an int, got 1.5"),
        (lambda: kv.push("w", 3), TypeError, "what goes with key 'w' is an array or a list of them, got 3"),
        (lambda: kv.push("w", []), TypeError, "what goes with key 'w'"),
        (lambda: kv.push(["w", "w"], [a, nd.zeros(3)]), ValueError,
         r"push: the array of key 'w' has shape \(2,\), got one of shape \(3,\)"),
        (lambda: kv.pushpull("w", a, out=nd.zeros((1, 2))), ValueError, r"got one of shape \(1, 2\)"),
        (lambda: kv.row_sparse_pull("w", out=a, row_ids=a), mx.MXNetError, "arrays are dense"),
        (lambda: kv.set_gradient_compression({"type": "2bit"}), mx.MXNetError, "not compressed"),
    ]
    for call, kind, message in cases:
        with pytest.raises(kind, match=message):
            call()
    assert pulled(kv, "w") == [1, 2] and list(kv._stored) == ["w"]


def test_stores_of_one_s_own() -> None:
    ts = mx.kv.create("TestStore")
    assert (ts.type, ts.rank, ts.num_workers, ts.is_capable("optimizer")) == ("teststore", 0, 1, False)
    a, b = nd.zeros(2), nd.ones(2, ctx=mx.cpu(1))
    ts.broadcast("x", nd.ones(2), out=[a])
    ts.pushpull("x", [b, a], out=a)
    assert a.asnumpy().tolist() == [2, 2] and b.asnumpy().tolist() == [1, 1]
    ts.pushpull("x", b, out=[a])
    assert a.asnumpy().tolist() == [1, 1]
    with pytest.raises(NotImplementedError, match="TestStore has no set_optimizer"):
        ts.set_optimizer(mx.optimizer.SGD())

    class Mine(kvstore.KVStoreBase):
        pass

    assert kvstore.KVStoreBase.register(Mine) is Mine
    try:
        mine = mx.kv.create("MINE")
        assert type(mine) is Mine
        for use in ("broadcast('a', 1, 2)", "pushpull('a', 1)", "type", "rank", "num_workers",
                    "is_capable('optimizer')", "save_optimizer_states('f')", "load_optimizer_states('f')"):
            with pytest.raises(NotImplementedError, match="Mine has no "):
                eval(f"mine.{use}", {"mine": mine})
        with pytest.warns(UserWarning, match="New kvstore .*Mine is overriding existing kvstore .*Mine"):
            kvstore.KVStoreBase.register(Mine)
    finally:
        del kvstore.KVStoreBase.kv_registry["mine"]
    with pytest.raises(TypeError, match="takes a class, got 3"):
        kvstore.KVStoreBase.register(3)     # type: ignore[type-var]


def test_trainer_takes_a_store() -> None:
    net = mx.gluon.nn.Dense(1, use_bias=False, in_units=2, weight_initializer="ones")
    net.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1},
                               kvstore=mx.kv.create("device"))
    with mx.autograd.record():
        losses = [net(nd.ones((1, 2), ctx=c)) for c in (mx.cpu(0), mx.cpu(1))]
    mx.autograd.backward(losses)
    trainer.step(2)
    assert all(w.asnumpy().tolist() == [[0, 0]] for w in net.weight.list_data())
