"""mx.callback and mx.model: the texts are MXNet 1.9.1's, and so are the names in checkpoints."""
from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import callback, metric, model, nd
from mxgrad.model import BatchEndParam

DATA = Path(__file__).parent / "data"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def two_of_three_right(found: Any) -> Any:
    found.update([nd.array([0, 1, 1])], [nd.array([0, 1, 0])])
    return found


@pytest.mark.parametrize("auto_reset, starts", [(True, (0, 2)), (False, (0, 0))])
def test_speedometer(log: Any, clock: list[float], auto_reset: bool, starts: Any) -> None:
    found = metric.create(["acc", "mae"])
    speed = callback.Speedometer(32, 2, auto_reset)
    for n in range(5):
        clock[0] += 0.5
        speed(BatchEndParam(3, n, two_of_three_right(found), None))
    assert log.messages == [
        f"Epoch[3] Batch [{start}-{n}]\tSpeed: 64.00 samples/sec\taccuracy=0.666667\tmae=0.333333"
        for n, start in zip((2, 4), starts)]
    assert found.get()[1][0] == pytest.approx(2 / 3) or auto_reset
    assert found.get_global()[1][0] == pytest.approx(2 / 3)


def test_speedometer_without_a_metric(log: Any, clock: list[float]) -> None:
    speed = callback.Speedometer(32, 2)
    for n in (1, 2, 4, 0, 1, 2):        # a new epoch starts the clock anew
        clock[0] += 0.25 if n != 4 else 0
        speed(BatchEndParam(0, n, None, None))
    assert log.messages == [
        "Iter[0] Batch [2]\tSpeed: 256.00 samples/sec",
        "Iter[0] Batch [4]\tSpeed: inf samples/sec",
        "Iter[0] Batch [2]\tSpeed: 128.00 samples/sec",
    ]


def test_speedometer_resets_metrics_that_only_define_reset(log: Any, clock: list[float]) -> None:
    class Own(metric.EvalMetric):
        seen: list[int]

        def update(self, labels: Any, preds: Any) -> None:
            self.seen.append(len(labels))
            self.sum_metric, self.num_inst = sum(self.seen), len(self.seen)

        def reset(self) -> None:
            super().reset()
            self.seen = []

    own, speed = Own("own"), callback.Speedometer(1, 1)
    for n in range(2):
        clock[0] += 1
        own.update([1, 2, 3], [])
        speed(BatchEndParam(0, n, own, None))
    assert log.messages == ["Epoch[0] Batch [0-1]\tSpeed: 1.00 samples/sec\town=3.000000"] and own.seen == []


def test_progress_bar(log: Any) -> None:
    bar = callback.ProgressBar(3, length=10)
    for n in range(4):
        bar(BatchEndParam(0, n, None, None))
    bars = ["[----------] 0%", "[===-------] 34%", "[=======---] 67%", "[==========] 100%"]
    assert log.messages == [text + "\r" for text in bars]


def test_log_train_metric(log: Any) -> None:
    found = metric.create(["acc", "mae"])
    tell = callback.log_train_metric(2, auto_reset=True)
    for n in range(3):
        tell(BatchEndParam(1, n, two_of_three_right(found), None))
    tell(BatchEndParam(1, 4, None, None))
    assert log.messages == [f"Iter[1] Batch[{n}] Train-{name}" for n in (0, 2)
                            for name in ("accuracy=0.666667", "mae=0.333333")]
    assert numpy.isnan(found.get()[1]).all()


def test_log_validation(log: Any) -> None:
    tell = callback.LogValidationMetricsCallback()
    tell(BatchEndParam(1, 0, two_of_three_right(metric.Accuracy()), None))
    tell(BatchEndParam(1, 0, None, None))
    assert log.messages == ["Epoch[1] Validation-accuracy=0.666667"]


def test_batch_end_param() -> None:
    assert repr(BatchEndParam(1, 2, 3, 4)) == "BatchEndParams(epoch=1, nbatch=2, eval_metric=3, locals=4)"


def test_checkpoints(log: Any, tmp_path: Path) -> None:
    prefix = str(tmp_path / "net")
    graph = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    weights, running = {"fc_weight": nd.ones((2, 3)), "fc_bias": nd.zeros(2)}, {"mean": nd.array([0.5])}
    save = callback.do_checkpoint(prefix, period=2)
    for epoch in range(4):
        save(epoch, graph, weights, running)
    names = ["net-0002.params", "net-0004.params", "net-symbol.json"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    assert log.messages == [f'Saved checkpoint to "{prefix}-000{n}.params"' for n in (2, 4)]
    assert sorted(nd.load(prefix + "-0004.params")) == ["arg:fc_bias", "arg:fc_weight", "aux:mean"]
    symbol, args, aux = model.load_checkpoint(prefix, 4)
    assert symbol.list_arguments() == ["data", "fc_weight", "fc_bias"]
    assert args["fc_weight"].shape == (2, 3) and aux["mean"].asnumpy().tolist() == [0.5]
    found = symbol.eval(data=nd.array([[1, 2, 3]]), **args)[0]
    assert found.asnumpy().tolist() == [[6.0, 6.0]]
    model.save_checkpoint(prefix + "2", 1, None, {}, {})
    assert not (tmp_path / "net2-symbol.json").exists()
    assert model.load_params(prefix + "2", 1) == ({}, {})
    assert log.messages[-1] == f"Params file '{prefix}2-0001.params' is empty"


def test_checkpoint_of_mxnet() -> None:
    symbol, args, aux = model.load_checkpoint(str(DATA / "gluon_model_1.9.1"), 0)
    assert set(symbol.list_arguments()) - {"data"} == set(args)
    assert set(symbol.list_auxiliary_states()) == set(aux)


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    prefix = str(tmp_path / "net")
    with pytest.raises(OSError):
        model.load_checkpoint(prefix, 1)
    for arrays, message in (({"weight": nd.ones(1)}, "begin with 'arg:' or 'aux:', not 'weight'"),
                            ([nd.ones(1)], "begin with 'arg:' or 'aux:', and these arrays have none")):
        nd.save(prefix + "-0001.params", arrays)
        with pytest.raises(ValueError, match=message):
            model.load_params(prefix, 1)


def test_module_checkpoint() -> None:
    class Module:
        calls: list[Any] = []

        def save_checkpoint(self, *args: Any) -> None:
            self.calls.append(args)

    save = callback.module_checkpoint(Module(), "net", period=2, save_optimizer_states=True)
    for epoch in range(4):
        save(epoch)
    assert Module.calls == [("net", 2, True), ("net", 4, True)]
