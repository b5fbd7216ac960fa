"""gluon.contrib.estimator: what it logs, warns of, saves and learns, as data/record_estimator.py has it."""
from __future__ import annotations

import io
import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import gluon, nd, npx
from mxgrad.gluon.contrib import estimator as e

RECORDED = json.loads((Path(__file__).parent / "data" / "estimator_1.9.1.json").read_text())


@pytest.mark.parametrize("i", range(len(RECORDED["cases"])))
def test_as_mxnet(i: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = RECORDED["cases"][i]
    names = {"mx": mx, "e": e, "folder": str(tmp_path)}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        exec(RECORDED["setup"] + case["source"], names)
    said = re.sub(r"\d+\.\d+s", "0.000s", capsys.readouterr().out.replace(str(tmp_path), "FOLDER"))
    assert said == case["said"]
    assert [str(w.message) for w in warned] == case["warned"]
    assert sorted(os.listdir(tmp_path)) == case["files"]
    net: Any = names["net"]
    found = [float(v) for p in net.collect_params().values() for v in p.data().asnumpy().ravel()]
    # In 12 steps MXNet's weights move away by 6e-6 from what float64 gives, ours by 6e-8.
    numpy.testing.assert_allclose(found, case["weights"], rtol=1e-5, atol=1e-5)


def made(**kwargs: Any) -> tuple[e.Estimator, Any]:
    """An estimator that says nothing, and its data."""
    names: dict[str, Any] = {"mx": mx}
    exec(RECORDED["setup"], names)
    est = e.Estimator(names["net"], names["loss"], trainer=names["trainer"], **kwargs)
    est.logger.setLevel("ERROR")
    return est, names["data"]


def test_several_contexts_give_the_same() -> None:
    one, data = made()
    one.fit(data, epochs=2)
    names: dict[str, Any] = {"mx": mx}
    exec(RECORDED["setup"].split("trainer =")[0].replace(
        "net.initialize()", "net.initialize(ctx=[mx.cpu(0), mx.cpu(1)])"), names)
    trainer = gluon.Trainer(names["net"].collect_params(), "sgd", {"learning_rate": 0.5})
    two = e.Estimator(names["net"], gluon.loss.SoftmaxCrossEntropyLoss(), trainer=trainer,
                      device=[mx.cpu(0), mx.cpu(1)])
    two.logger.setLevel("ERROR")
    two.fit(data, epochs=2)
    assert two.device == [mx.cpu(0), mx.cpu(1)]
    for a, b in zip(one.net.collect_params().values(), two.net.collect_params().values()):
        numpy.testing.assert_allclose(a.data().asnumpy(), b.data(mx.cpu(1)).asnumpy(), rtol=1e-5, atol=1e-6)
    assert one.train_metrics[0].get() == two.train_metrics[0].get()


def test_np_arrays() -> None:
    with npx.np_shape(), npx.np_array():
        net = gluon.nn.Dense(2)
        net.initialize()
        est = e.Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss(), trainer=gluon.Trainer(
            net.collect_params(), "adam", {"learning_rate": 0.1}))
        est.logger.setLevel("ERROR")
        x = mx.np.array([[0., 1.], [1., 0.], [2., 3.], [3., 2.]])
        data = gluon.data.DataLoader(gluon.data.ArrayDataset(x, mx.np.array([1, 0, 1, 0])), batch_size=2)
        est.fit(data, epochs=20)
        names = [m.name for m in est.train_metrics]
        assert names == ["training accuracy", "training SoftmaxCrossEntropyLoss"]
        assert est.train_metrics[0].get()[1] == 1


def test_a_net_is_initialized() -> None:
    net = gluon.nn.Dense(2, in_units=2, use_bias=False)
    with pytest.warns(UserWarning, match="No trainer specified"):
        e.Estimator(net, gluon.loss.L2Loss(), initializer=mx.init.One(), context=mx.cpu(1))
    assert net.weight.data().asnumpy().tolist() == [[1, 1], [1, 1]] and net.weight.list_ctx() == [mx.cpu(1)]


def test_other_models_losses_and_processors() -> None:
    class Twice(e.BatchProcessor):
        def fit_batch(self, estimator: Any, train_batch: Any, batch_axis: int = 0) -> Any:
            super().fit_batch(estimator, train_batch, batch_axis)
            seen.append(estimator)
            return super().fit_batch(estimator, train_batch, batch_axis)

    seen: list[Any] = []
    est, data = made(batch_processor=Twice())
    est.fit(data, batches=2)
    assert seen == [est, est]
    val_net = gluon.nn.HybridLambda(lambda F, x: F.concat(x[:, :1] * 0, x[:, :1] * 0 + 5, dim=1))
    est, data = made(val_net=val_net, val_loss=gluon.loss.SoftmaxCELoss())
    est.evaluate(data)
    assert est.val_metrics[0].get()[1] == 0.5


def test_handlers_are_called_by_priority_and_stop() -> None:
    called: list[str] = []

    class Handler(e.BatchEnd, e.EpochEnd):
        def __init__(self, name: str, priority: float, stop: bool) -> None:
            self.name, self.priority, self.stop = name, priority, stop

        def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> bool:
            called.append(self.name)
            return self.stop

        def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> bool:
            called.append("end of " + self.name)
            return self.stop

    est, data = made()
    est.fit(data, epochs=3, event_handlers=[Handler("late", 5, True), Handler("early", -5000, False)])
    assert called == ["early", "late", "end of early", "end of late"]


def test_best_model_is_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    est, data = made()
    est.logger.setLevel("INFO")
    handler = e.CheckpointHandler(str(tmp_path), monitor=est.train_metrics[1], save_best=True, mode="min",
                                  verbose=1)
    values: list[float] = []

    class Worse(e.EpochEnd):
        def epoch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
            values.append(est.train_metrics[1].get()[1])
            if len(values) == 2:
                estimator.trainer.set_learning_rate(200)

    est.fit(data, epochs=4, event_handlers=[Worse(), handler])
    said = capsys.readouterr().out
    name = est.train_metrics[1].name
    assert (f"improved from inf to {values[0]:.5f}, updating best model at {tmp_path} with prefix: model-best"
            in said)
    assert f"[Epoch 2] CheckpointHandler: {name} did not improve from {values[1]:.5f}" in said
    best = nd.load(str(tmp_path / "model-best.params"))
    second = nd.load(str(tmp_path / "model-epoch1batch6.params"))
    assert all((best[n] == second[n]).asnumpy().all() for n in best)


def test_monitors() -> None:
    with pytest.warns(UserWarning, match="`greater` operator will be used to determine if accuracy has"):
        assert e.EarlyStoppingHandler(mx.metric.Accuracy()).best == -float("inf")
    with pytest.warns(UserWarning, match="`less` operator will be used to determine if loss has improved"):
        assert e.EarlyStoppingHandler(mx.metric.Loss()).best == float("inf")
    with pytest.warns(RuntimeWarning, match="mode up is unknown"), pytest.warns(UserWarning, match="greater"):
        e.EarlyStoppingHandler(mx.metric.F1(), mode="up")
    handler = e.EarlyStoppingHandler(mx.metric.Accuracy(), mode="max", baseline=0.9, patience=2)
    est, data = made()
    with pytest.warns(RuntimeWarning, match="accuracy is not updated"):
        est.fit(data, epochs=2, event_handlers=[handler])
    assert not handler.stop_training and handler.best == 0.9
    handler = e.EarlyStoppingHandler(est.train_metrics[0], mode="max", baseline=2, patience=2)
    est.fit(data, epochs=5, event_handlers=[handler])
    assert handler.stopped_epoch == 1 and handler.wait == 2


def test_training_again_goes_on() -> None:
    est, data = made()
    stopping = e.StoppingHandler()
    est.fit(data, batches=1, event_handlers=[stopping])
    before = est.net[0].weight.data().asnumpy()
    est.fit(data, batches=1, event_handlers=[stopping])
    assert stopping.current_batch == 1 and (est.net[0].weight.data().asnumpy() != before).any()


def test_progress_bar() -> None:
    pytest.importorskip("tqdm")
    shown = io.StringIO()
    est, data = made()
    est.fit(data, batches=5, event_handlers=[e.ProgressHandler(file=shown, mininterval=0, ncols=200)])
    lines = re.split("[\r\n]+", shown.getvalue().strip())
    assert any(line.startswith("epoch 0: 100%") and "3/3" in line and "training accuracy: 0.4000" in line
               for line in lines)
    assert lines[-1].startswith("epoch 1: 100%") and "2/2" in lines[-1]
    assert "training accuracy: 0.6250" in lines[-1]


def test_progress_bar_needs_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        e.ProgressHandler()


def test_refused(tmp_path: Path) -> None:
    est, data = made()
    net, trainer, loss = est.net, est.trainer, gluon.loss.L2Loss()
    folder = str(tmp_path)
    cases: list[tuple[Any, str]] = [
        (lambda: e.Estimator(net, "l2", trainer=trainer), "loss must be a Loss, refer to gluon.loss.Loss:l2"),
        (lambda: e.Estimator(net, loss, trainer=trainer, val_loss=3), "loss must be a Loss"),
        (lambda: e.Estimator(net, loss, trainer="sgd"), "Trainer must be a Gluon Trainer instance"),
        (lambda: e.Estimator(net, loss, trainer=trainer, context="cpu"), "must be a Context or a list"),
        (lambda: e.Estimator(net, loss, trainer=trainer, context=[mx.gpu(9)]), r"gpu\(9\) is not available"),
        (lambda: e.Estimator(net, loss, trainer=trainer, train_metrics="acc"), "metrics must be a Metric"),
        (lambda: e.Estimator(net, loss, trainer=trainer, batch_processor=3), "must contain fit_batch"),
        (lambda: est.fit([1], epochs=1), "only support input as Gluon DataLoader.*got list"),
        (lambda: est.evaluate(3), "only support input as Gluon DataLoader.*got int"),
        (lambda: est.fit(data), "specify one and only one of: epochs or batches"),
        (lambda: est.fit(data, epochs=1, batches=1), "specify one and only one of: epochs or batches"),
        (lambda: est.fit(data, epochs=1, event_handlers=[3]), "handlers must be an EventHandler"),
        (lambda: est.fit(data, epochs=1, event_handlers=[e.MetricHandler(mx.metric.Accuracy())]),
         "Event handler MetricHandler refers to a metric instance EvalMetric: .* outside of the known"),
        (lambda: e.LoggingHandler(log_interval="batch"), "log_interval must be either an integer or string"),
        (lambda: e.CheckpointHandler(folder, save_best=True), "To save best model only"),
        (lambda: e.EarlyStoppingHandler("acc"), "Please provide one of the metric objects"),
        (lambda: est.fit(data, epochs=1, event_handlers=[
            e.CheckpointHandler(folder, batch_period=2, resume_from_checkpoint=True)]),
         "you must only specify the same type of period"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="CompositeEvalMetric is not supported"):
        e.EarlyStoppingHandler(mx.metric.create(["acc", "mse"]))


def test_damaged_checkpoints(tmp_path: Path) -> None:
    est, data = made()
    est.fit(data, epochs=2, event_handlers=[e.CheckpointHandler(str(tmp_path))])
    again = e.CheckpointHandler(str(tmp_path), resume_from_checkpoint=True)
    with pytest.raises(ValueError, match="Found checkpoint with maximum number of epoch 2 reached"):
        est.fit(data, epochs=2, event_handlers=[again])
    (tmp_path / "model-epoch1batch6.states").unlink()
    with pytest.raises(ValueError, match="model-epoch1batch6.states does not exist"):
        est.fit(data, epochs=5, event_handlers=[again])
    assert est.max_epoch == 5


def test_an_interrupt_ends_the_loop() -> None:
    est, data = made()

    class Interrupt(e.BatchEnd):
        def batch_end(self, estimator: Any, *args: Any, **kwargs: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        est.fit(data, epochs=1, event_handlers=[Interrupt()])
    est.fit(data, epochs=1)
    assert len(data) == 3
