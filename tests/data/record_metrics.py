"""Writes metrics_1.9.1.json or metrics_2.0.json: what MXNet's metrics say of three batches.

    python tests/data/record_metrics.py tests/data/metrics_1.9.1.json      (with a Python that has MXNet)

A case is [metric, batches, configuration, text, found]: `batches` has for each of three updates the names of
labels and predictions (see `argument`), and `found` what `get` gives after each of them; in MXNet 1 it has
what `get_global` gives too, and the local statistics are reset before the third update.  This module is also
what the test makes its arrays with.
"""
from __future__ import annotations

import json
import sys
from typing import Any

import numpy

SHAPES = {"a": (6, 3), "b": (6,), "c": (6, 1), "d": (6, 2), "e": (2, 3, 4), "f": (2, 4), "h": (6, 5)}


def argument(name: str) -> numpy.ndarray:
    """The array of a name such as 'xa1': what it is, its shape, and which one of its kind.

    x, y: any numbers; p: between 0 and 1; q: so, and its rows add up to 1; s: so along axis 1.
    L: classes below 3; K: below 5; B: 0 or 1; I: -1 or classes below 3.
    """
    kind, shape, number = name[0], SHAPES[name[1]], int(name[2])
    n = int(numpy.prod(shape))
    i = numpy.arange(n)
    raw = ((i * (7 + number) + 3 * "xypqsLKBI".index(kind)) % 13 - 5.75).reshape(shape) / 3
    odd = i * (3 + number) // 2 + number
    if kind in "pqs":
        raw = 1 / (1 + numpy.exp(-raw))
        if kind in "qs":
            raw = raw / raw.sum(-1 if kind == "q" else 1, keepdims=True)
    made = {"L": odd % 3, "K": odd % 5, "B": odd % 2, "I": odd % 4 - 1}
    return made[kind].reshape(shape).astype("float32") if kind in made else raw.astype("float32")


BOTH = (
    ("Accuracy()", "Lb qa"), ("Accuracy(name='acc', axis=1)", "Lf se"), ("Accuracy()", "Lb Lb"),
    ("TopKAccuracy(top_k=2)", "Lb qa"), ("TopKAccuracy(3)", "Kb qh"),
    ("F1()", "Bb qd"), ("MCC()", "Bb qd"), ("F1(average='micro')", "Bb qd"),
    ("MAE()", "xa ya"), ("MAE()", "xb yb"), ("MSE()", "xa ya"), ("MSE()", "xe ye"), ("RMSE()", "xa ya"),
    ("RMSE()", "xb yb"), ("CrossEntropy()", "Lb qa"), ("CrossEntropy(eps=0.01)", "Lb qa"),
    ("PCC()", "Lb qa"), ("PCC()", "Kb Kb"), ("PCC()", "Bb qd"), ("Loss()", "Bb xa"), ("Torch()", "Bb xa"),
    ("CompositeEvalMetric(['acc', 'ce'])", "Lb qa"), ("create('top_k_acc', top_k=2)", "Lb qa"),
    ("create('ACC')", "Lb qa"), ("create(['acc', 'pcc'])", "Lb qa"),
    ("np(lambda label, pred: float(abs(label - pred).max()))", "xb yb"),
    ("CustomMetric(lambda label, pred: (float(pred.sum()), pred.size), name='own')", "xb yb"),
)
OLD = (
    ("MCC(average='micro')", "Bb qd"), ("F1(average='macro')", "Bb qd"), ("Perplexity(None)", "Lb qa"),
    ("Perplexity(1)", "Lb qa"), ("Perplexity(ignore_label=-1)", "Ib qa"),
    ("NegativeLogLikelihood()", "Lb qa"),
    ("PearsonCorrelation()", "xa ya"), ("PearsonCorrelation(average='micro')", "xa ya"), ("Caffe()", "Bb xa"),
    ("create('nll_loss', eps=0.1)", "Lb qa"), ("create('composite')", "Lb qa"), ("MSE()", "xb yc"),
)
NEW = (
    ("F1(class_type='multiclass', average='macro')", "Lb qa"),
    ("F1(class_type='multiclass', average=None)", "Lb qa"),
    ("F1(class_type='multiclass')", "Kb qh"), ("F1(class_type='multilabel', threshold=0.4)", "Ba pa"),
    ("F1(class_type='multilabel', average='macro')", "Ba pa"), ("F1(threshold=0.3)", "Bb pb"),
    ("F1()", "Bb pc"),
    ("Fbeta(beta=2)", "Bb qd"), ("Fbeta(beta=0.5, class_type='multiclass', average='macro')", "Lb qa"),
    ("MCC()", "Bb pb"), ("BinaryAccuracy()", "Bb pb"), ("BinaryAccuracy(threshold=0.3)", "Ba pa"),
    ("MeanPairwiseDistance()", "xa ya"), ("MeanPairwiseDistance(p=4)", "xe ye"),
    ("MeanCosineSimilarity()", "xa ya"), ("MeanCosineSimilarity()", "xb yb"),
    ("MeanCosineSimilarity()", "xe ye"), ("Perplexity()", "Lb qa"), ("Perplexity(ignore_label=-1)", "Ib qa"),
    ("CrossEntropy(ignore_label=1)", "Lb qa"),
    ("CrossEntropy(from_logits=True)", "Lb xa"), ("PearsonCorrelation()", "xa ya"),
    ("create('fbeta', beta=3)", "Bb qd"),
)


def plain(value: Any) -> Any:
    """Numbers and lists of them, for JSON."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return numpy.asarray(value.asnumpy() if hasattr(value, "asnumpy") else value).tolist()


def main(path: str) -> None:
    import mxnet as mx

    new = not mx.__version__.startswith("1")
    if new:
        mx.npx.set_np()
    array: Any = mx.np.array if new else mx.nd.array
    metrics: Any = mx.gluon.metric if new else mx.metric
    found = []
    for source, kinds in BOTH + (NEW if new else OLD):
        metric = eval(source, dict(vars(metrics)))
        batches = [[f"{k}{number}" for k in kinds.split()] for number in (0, 1, 2)]
        values = []
        for number, names in enumerate(batches):
            if number == 2 and not new:
                metric.reset_local()
            labels, preds = [array(argument(n), dtype="float32") for n in names]
            metric.update([labels], [preds])
            values.append(plain(metric.get()))
            if not new:
                values.append(plain(metric.get_global()))
        try:
            config = metric.get_config()
        except NotImplementedError:
            config = None
        found.append([source, batches, config, str(metric), values])
    with open(path, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in found) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
