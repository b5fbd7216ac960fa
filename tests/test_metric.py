"""mx.metric and gluon.metric against MXNet 1.9.1 and 2.0 (tests/data/record_metrics.py)."""
from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import MXNetError, gluon, metric, nd

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_metrics", DATA / "record_metrics.py")
assert _spec and _spec.loader
record_metrics = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_metrics)
VERSIONS: dict[str, Any] = {"1.9.1": metric, "2.0": gluon.metric}
RECORDED = [
    (version, *case) for version in VERSIONS
    for case in json.loads((DATA / f"metrics_{version}.json").read_text())
]
# MXNet resets nothing of this locally, and has no global statistics of it.
BETTER = ("PearsonCorrelation(average='micro')",)


def numbers(found: Any) -> Iterator[Any]:
    """What `get` gave as plain names and numbers, in order."""
    if isinstance(found, (list, tuple)):
        for x in found:
            yield from numbers(x)
    else:
        yield from numpy.ravel(found.asnumpy() if hasattr(found, "asnumpy") else found).tolist()


def same(ours: Any, theirs: Any) -> None:
    a, b = list(numbers(ours)), list(numbers(theirs))
    assert [x for x in a if isinstance(x, str)] == [x for x in b if isinstance(x, str)]
    numpy.testing.assert_allclose([x for x in a if not isinstance(x, str)],
                                  [x for x in b if not isinstance(x, str)], rtol=3e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["arrays", "numpy"])
@pytest.mark.parametrize("version, source, batches, config, text, found", RECORDED,
                         ids=lambda v: v if isinstance(v, str) and "EvalMetric:" not in v else "")
def test_recorded(version: str, source: str, batches: Any, config: Any, text: str, found: Any,
                  kind: str) -> None:
    metrics = VERSIONS[version]
    made = eval(source, dict(vars(metrics)))
    arrays: dict[str, Any] = {"numpy": numpy.asarray, "1.9.1": nd.array, "2.0": mx.np.array}
    array = arrays["numpy" if kind == "numpy" else version]
    expected = iter(found)
    for number, names in enumerate(batches):
        if number == 2 and version == "1.9.1":
            made.reset_local()
        labels, preds = [array(record_metrics.argument(n), dtype="float32") for n in names]
        made.update([labels], [preds])
        if source in BETTER:
            continue
        same(made.get(), next(expected))
        if version == "1.9.1":
            same(made.get_global(), next(expected))
    if config is None:
        with pytest.raises(NotImplementedError):
            made.get_config()
        return
    told = made.get_config()
    assert told["metric"] == "CompositeEvalMetric" or {k: told[k] for k in config} == config
    again = metrics.create(**told)
    assert type(again) is type(made) and again.get_config() == told


def test_text_is_of_plain_numbers() -> None:
    made = metric.create(["acc", "mse"])
    made.update([nd.array([0, 1])], [nd.array([0, 0])])
    assert str(made) == "EvalMetric: {'accuracy': 0.5, 'mse': 0.5}"
    assert made.get_name_value() == [("accuracy", 0.5), ("mse", 0.5)]
    assert [type(v) for _, v in made.get_name_value()] == [float, float]
    f1 = gluon.metric.F1(class_type="multiclass", average=None)
    f1.update([nd.array([0, 1, 1])], [nd.array([[1, 0], [0, 1], [1, 0]])])
    assert str(f1) == "EvalMetric: {'f1': array([0.66666667, 0.66666667], dtype=float64)}"


@pytest.mark.parametrize("metrics", VERSIONS.values())
def test_nothing_counted_is_nan(metrics: Any) -> None:
    for name, known in metrics._registry.known.items():
        if known not in (metrics.CompositeEvalMetric, metrics.CustomMetric):
            made = metrics.create(name, **({"ignore_label": None} if known is metric.Perplexity else
                                           {"top_k": 2} if known is metric.TopKAccuracy else {}))
            assert math.isnan(made.get()[1]) and math.isnan(made.get_global()[1])
            made.update([], [])
            assert math.isnan(made.get()[1])


def test_local_and_global_statistics() -> None:
    micro = metric.PearsonCorrelation(average="micro")
    a, b = numpy.array([1.0, 2, 4, 3]), numpy.array([2.0, 3, 3, 5])
    micro.update(a, b)
    micro.reset_local()
    micro.update(2 * b, a)
    assert micro.get()[1] == pytest.approx(numpy.corrcoef(a, b)[0, 1])
    both = numpy.corrcoef(numpy.append(a, 2 * b), numpy.append(b, a))[0, 1]
    assert micro.get_global()[1] == pytest.approx(both)
    assert micro.get_global_name_value() == [("pearsonr", micro.get_global()[1])]
    micro.reset()
    assert math.isnan(micro.get_global()[1])


def test_several_devices_are_one_batch() -> None:
    labels, preds = numpy.array([0, 1, 1, 0, 1, 1]), numpy.array([[.6, .4]] * 3 + [[.2, .8]] * 3)
    for name in ("acc", "f1", "mcc", "pcc", "ce"):
        whole, parts = metric.create(name), metric.create(name)
        whole.update([nd.array(labels)], [nd.array(preds)])
        parts.update([nd.array(labels[:2], ctx=mx.cpu(0)), nd.array(labels[2:], ctx=mx.cpu(1))],
                     [nd.array(preds[:2], ctx=mx.cpu(0)), nd.array(preds[2:], ctx=mx.cpu(1))])
        assert whole.get()[1] == pytest.approx(parts.get()[1]), name


def test_predictions_on_several_axes() -> None:
    p = numpy.random.default_rng(0).dirichlet([1, 1, 1], (2, 4)).astype("float32")
    labels = numpy.array([[0, 1, 2, -1], [2, 2, -1, 0]])
    perplexity = metric.Perplexity(ignore_label=-1)
    perplexity.update([labels], [p])
    kept = labels >= 0
    picked = numpy.take_along_axis(p, labels[..., None] * kept[..., None], -1)[..., 0][kept]
    assert perplexity.get()[1] == pytest.approx(math.exp(-numpy.log(picked).mean()), rel=1e-5)
    ce = gluon.metric.CrossEntropy(ignore_label=-1, axis=1)
    ce.update([labels], [p.transpose(0, 2, 1)])
    assert ce.get()[1] == pytest.approx(-numpy.log(picked).mean(), rel=1e-5)


def test_what_mxnet_gets_wrong() -> None:
    column = gluon.metric.MAE()     # there (n,) and (n, 1) broadcast to (n, n)
    column.update([nd.array([1, 2, 3])], [nd.array([[1], [2], [5]])])
    assert column.get()[1] == pytest.approx(2 / 3)
    odd = gluon.metric.MeanPairwiseDistance(p=1)        # and signs cancel
    odd.update([nd.array([[1, 2]])], [nd.array([[2, 1]])])
    assert odd.get()[1] == 2
    bytes_ = metric.MAE()
    bytes_.update([nd.array([1], dtype="uint8")], [nd.array([3], dtype="uint8")])
    assert bytes_.get()[1] == 2


def test_update_dict() -> None:
    made = metric.Accuracy(output_names=["out"], label_names=["y"])
    made.update_dict({"y": nd.array([1]), "z": nd.array([0])}, {"state": nd.zeros(1), "out": nd.array([1])})
    assert made.get() == ("accuracy", 1.0)
    both = metric.CompositeEvalMetric(["acc", "mae"], output_names=["out"], label_names=["y"])
    both.update_dict({"y": nd.array([1]), "z": nd.array([0])}, {"state": nd.zeros(1), "out": nd.array([3])})
    assert both.get() == (["accuracy", "mae"], [0.0, 2.0])


def test_composite() -> None:
    first = metric.Accuracy()
    first.update(nd.array([1]), nd.array([1]))
    both = metric.CompositeEvalMetric([first])
    assert first.get()[1] == 1.0            # it was not reset
    both.add("mae")
    assert both.get_metric(0) is first and isinstance(both.get_metric(1), metric.MAE)
    with pytest.raises(ValueError, match="Metric index 2 is out of range 0 and 2"):
        both.get_metric(2)
    both.reset()
    assert math.isnan(first.get()[1])
    assert isinstance(gluon.metric.CompositeEvalMetric(["f1"]).get_metric(0), gluon.metric.F1)


def test_own_metrics() -> None:
    registry = metric.Registry()

    @registry.register
    @registry.alias("largest")
    class Furthest(metric.EvalMetric):
        def __init__(self, scale: float = 1, name: str = "furthest") -> None:
            super().__init__(name, scale=scale)
            self.scale = scale

        def update(self, labels: Any, preds: Any) -> None:
            for label, pred in zip(labels, preds):
                self.sum_metric += (nd.abs(label - pred).max() * self.scale).asscalar()
                self.num_inst += 1

    made = registry.create("FURTHEST", scale=2)
    made.update([nd.array([1, 2])], [nd.array([1, 5])])
    assert made.get() == made.get_global() == ("furthest", 6.0)
    made.reset_local()
    assert math.isnan(made.get()[1])
    assert registry.create(json.dumps({"metric": "largest", "scale": 3})).scale == 3
    assert registry.create('["largest", {"scale": 4}]').scale == 4
    with pytest.warns(UserWarning, match="registered with name furthest is overriding existing metric"):
        registry.register(Furthest)
    with pytest.raises(TypeError, match="Can only register subclass of EvalMetric, not int"):
        registry.register(int)  # type: ignore[type-var]


def test_custom_metrics_get_their_flavour() -> None:
    seen: list[type] = []

    def feval(label: Any, pred: Any) -> Any:
        seen.append(type(label))
        return (pred - label).sum()

    for metrics in (metric, gluon.metric):
        made = metrics.np(feval, allow_extra_outputs=True)
        made.update([nd.array([1, 2])], [nd.array([2, 4]), nd.zeros(7)])
        made.update([numpy.array([1, 2])], [numpy.array([2, 4])])
        assert made.get() == ("feval", 3.0)
        with pytest.raises(ValueError, match="Shape of labels 1 does not match shape of predictions 2"):
            metrics.np(feval).update([nd.array([1])], [nd.array([1]), nd.array([1])])
    assert seen == [numpy.ndarray] * 2 + [mx.np.ndarray] * 2


LABELS, SCORES = nd.array([0, 1, 2]), nd.array([[.2, .5, .3]] * 3)
WRONG = [
    (metric, "Accuracy()", nd.array([0, 1]), SCORES, "labels 2 does not match shape of predictions 3"),
    (metric, "Accuracy()", [nd.zeros((3, 3, 1))], [SCORES], r"labels of shape \(3, 3, 1\) do not .*axis 1"),
    (metric, "Accuracy()", [LABELS], [nd.zeros(6)], "classes along axis 1"),
    (metric, "TopKAccuracy(2)", [LABELS], [LABELS], "which have 2 axes"),
    (metric, "F1()", [LABELS], [SCORES], "F1 currently only supports binary classification"),
    (metric, "MCC()", [LABELS], [LABELS], r"MCC: predictions have shape \(examples, classes\)"),
    (metric, "CrossEntropy()", [nd.array([0, 1, 3])], [SCORES], "labels are from 0 to 2 .* got 0 to 3"),
    (metric, "Perplexity(None)", [nd.array([0, 1, -1])], [SCORES], "got -1 to 1"),
    (metric, "MAE()", [nd.zeros((3, 2))], [SCORES], r"MAE: labels of shape \(3, 2\) do not fit"),
    (metric, "MSE()", [nd.zeros((2, 3))], [SCORES], r"MSE: labels of shape \(2, 3\) do not fit"),
    (metric, "PearsonCorrelation()", [LABELS], [SCORES], r"Shape of labels \(3,\) does not match"),
    (metric, "PCC()", [nd.array([0, 1])], [SCORES], r"PCC: labels of shape \(2,\) do not fit"),
    (metric, "PCC()", [nd.array([0, 1, -1])], [SCORES], "PCC: classes are not negative"),
    (gluon.metric, "F1()", [LABELS], [SCORES], "F1: Wrong label for binary classification"),
    (gluon.metric, "F1()", [nd.array([0, 1, 1])], [SCORES], "for binary classification"),
    (gluon.metric, "F1(class_type='multiclass')", [nd.array([0, 1, 3])], [SCORES], "pred contains fewer"),
    (gluon.metric, "F1(class_type='multilabel')", [LABELS], [SCORES], "for multilabel classification"),
    (gluon.metric, "F1(class_type='multilabel', threshold=mx.nd.zeros(2))", [SCORES], [SCORES], "thresholds"),
    (gluon.metric, "BinaryAccuracy()", [LABELS], [SCORES], "BinaryAccuracy: labels of shape"),
    (gluon.metric, "MeanCosineSimilarity()", [LABELS], [SCORES], "MeanCosineSimilarity: labels of shape"),
]


@pytest.mark.parametrize("metrics, source, labels, preds, message", WRONG)
def test_bad_input_changes_nothing(metrics: Any, source: str, labels: Any, preds: Any, message: str) -> None:
    made = eval(source, {**vars(metrics), "mx": mx})
    scores = nd.array([[.2, .8], [.4, .6], [.9, .1]])
    good = ([nd.array([0, 1, 1])], [scores])
    if any(n in source for n in ("MAE", "MSE", "Pearson", "Cosine", "Binary")):
        good = ([scores], [scores])
    if "multilabel" in source:
        good = ([nd.zeros((3, 3))], [nd.zeros((3, 3))])
    if "threshold" not in source:
        made.update(*good)
    before = str(made.get())
    if isinstance(labels, list):        # a good array beside the bad one does not count either
        labels, preds = good[0] + labels, good[1] + preds
    with pytest.raises(ValueError, match=message) as error:
        made.update(labels, preds)
    assert isinstance(error.value, MXNetError)
    assert str(made.get()) == before


@pytest.mark.parametrize("call, kind, message", [
    (lambda: metric.create("acuracy"), ValueError, "acuracy is not registered .did you mean 'accuracy'"),
    (lambda: metric.create(3), TypeError, "metric must be of string type, not 3"),
    (lambda: metric.create(metric.MAE(), "x"), TypeError, "metric is already an instance"),
    (lambda: metric.TopKAccuracy(), ValueError, "Please use Accuracy if top_k is no more than 1"),
    (lambda: metric.F1(average="weighted"), ValueError, "average is 'macro' or 'micro', not 'weighted'"),
    (lambda: gluon.metric.F1(average="weighted"), ValueError, "average is 'micro', 'macro' or None"),
    (lambda: gluon.metric.F1(class_type="ordinal"), ValueError, "Wrong class_type ordinal! Only supports"),
    (lambda: gluon.metric.predict_with_threshold(nd.ones(2), "x"), TypeError, "wrong type for threshold"),
    (lambda: metric.EvalMetric("x").update([], []), NotImplementedError, "EvalMetric does not define update"),
])
def test_bad_arguments(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()
