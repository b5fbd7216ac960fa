"""Metrics of MXNet 2: `gluon.metric`.  Those of MXNet 1.9 are in `mx.metric` (level 11).

>>> from mxgrad import gluon, np
>>> f1 = gluon.metric.F1(class_type="multiclass", average="macro")
>>> f1.update([np.array([0, 1, 2])], [np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])])
>>> f1.get()[0], round(f1.get()[1], 6)
('f1', 0.555556)
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .. import metric, np as mx_np
from ..base import InvalidTypeError, InvalidValueError
from ..metric import PCC, Accuracy, EvalMetric, Loss, TopKAccuracy, Torch, check_label_shapes
from ..ndarray import BaseArray

__all__ = [
    "Accuracy", "BinaryAccuracy", "CompositeEvalMetric", "CrossEntropy", "CustomMetric", "EvalMetric", "F1",
    "Fbeta", "Loss", "MAE", "MCC", "MSE", "MeanCosineSimilarity", "MeanPairwiseDistance", "PCC",
    "PearsonCorrelation", "Perplexity", "RMSE", "TopKAccuracy", "Torch", "alias", "check_label_shapes",
    "create", "np", "predict_with_threshold", "register",
]

_registry = metric.Registry()
_registry.known.update((name, known) for name, known in metric._registry.known.items()
                       if known in (Accuracy, TopKAccuracy, PCC, Loss, Torch))     # the same in both versions
register, alias, create = _registry.register, _registry.alias, _registry.create


@register
@alias("composite")
class CompositeEvalMetric(metric.CompositeEvalMetric):
    """Several metrics as one; arguments are as for `mx.metric.CompositeEvalMetric`."""

    _create = staticmethod(create)


def predict_with_threshold(pred: Any, threshold: Any = 0.5) -> Any:
    """Where `pred` is above a threshold: one number, or an array of one for each class on the last axis.

    >>> from mxgrad import gluon
    >>> gluon.metric.predict_with_threshold(0.7), gluon.metric.predict_with_threshold(0.7, 0.8)
    (True, False)
    """
    if isinstance(threshold, (int, float)):
        return pred > threshold
    if not isinstance(threshold, (BaseArray, numpy.ndarray)):
        raise InvalidTypeError(f"{type(threshold)} is a wrong type for threshold!")
    if threshold.shape[-1:] != pred.shape[-1:]:
        raise InvalidValueError(
            f"thresholds of shape {threshold.shape} do not fit predictions of shape {pred.shape}")
    return pred > (metric._host(threshold) if isinstance(pred, numpy.ndarray) else threshold)


class _Classified(metric.Pooled):
    """Pooled counts of right and wrong predictions, for each class."""

    def __init__(
        self, name: str, output_names: Sequence[str] | None, label_names: Sequence[str] | None,
        class_type: str = "binary", threshold: Any = 0.5, **kwargs: Any,
    ) -> None:
        known = ["binary", "multiclass", "multilabel"]
        if class_type not in known:
            raise InvalidValueError(f"Wrong class_type {class_type}! Only supports {known}")
        self.class_type, self.threshold = class_type, threshold
        super().__init__(name, output_names, label_names, **kwargs)

    def _statistics(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        kind, (label_shape, shape) = type(self).__name__, (label.shape, pred.shape)
        label = label.astype("int32")
        classes = shape[-1] if shape else 1
        if self.class_type == "binary":
            if label.max(initial=0) > 1:
                raise InvalidValueError(f"{kind}: Wrong label for binary classification.")
            if shape != label_shape and classes == 2:
                pred = pred.reshape(-1, 2)[:, 1]
            classes = 1
        if label.size * (classes if self.class_type == "multiclass" else 1) != pred.size:
            raise InvalidValueError(f"{kind}: labels of shape {label_shape} do not fit predictions of shape "
                                    f"{shape} for {self.class_type} classification")
        if self.class_type == "multiclass":
            every = numpy.arange(classes)
            if label.max(initial=0) >= classes:
                raise InvalidValueError(f"{kind}: pred contains fewer classes than label!")
            right, said = label.reshape(-1, 1) == every, pred.argmax(-1).reshape(-1, 1) == every
        else:
            said = predict_with_threshold(pred, self.threshold).reshape(-1, classes)
            right = label.reshape(-1, classes) == 1
        return metric.counts_of(right, said), len(right)

    def _joined(self, a: Any, b: Any) -> Any:
        if a.shape != b.shape:
            raise InvalidValueError(f"{type(self).__name__}: Input number of classes has changed from "
                                    f"{a.shape[1]} to {b.shape[1]}")
        return a + b


@register
class F1(_Classified):
    """The F1 score, the harmonic mean of precision and recall.

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    class_type : str
        'binary': labels 0 and 1, and predictions of their shape, or of scores of 2 classes; 'multiclass':
        labels are numbers of classes and predictions scores of classes on the last axis; 'multilabel': labels
        0 and 1 for each class, and predictions of their shape.
    threshold : float or array
        Predictions above it mean 1, if `class_type` is not 'multiclass'; an array has one for each class.
    average : str or None
        'micro': the score of all classes counted as one; 'macro': the mean of the classes' scores; None:
        an array of them.

    Examples
    --------
    >>> from mxgrad import gluon, np
    >>> f1 = gluon.metric.F1()
    >>> f1.update([np.array([0, 1, 1])], [np.array([[0.3, 0.7], [0, 1], [0.4, 0.6]])])
    >>> f1.get()
    ('f1', 0.8)
    """

    beta: float = 1

    def __init__(
        self, name: str = "f1", output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None, class_type: str = "binary", threshold: Any = 0.5,
        average: str | None = "micro",
    ) -> None:
        if average not in ("micro", "macro", None):
            raise InvalidValueError(f"average is 'micro', 'macro' or None, not {average!r}")
        self.average_of = average
        super().__init__(name, output_names, label_names, class_type, threshold, average=average)
        self._kwargs.update(class_type=class_type, threshold=threshold)

    def _result(self, statistics: Any) -> Any:
        if self.average_of == "micro":
            return float(metric.f_score(statistics.sum(axis=1), self.beta))
        scores = metric.f_score(statistics, self.beta)
        return float(scores.mean()) if self.average_of else mx_np.array(scores, dtype="float64")


@register
class Fbeta(F1):
    """The F score, a weighted harmonic mean of precision and recall, in which recall weighs `beta` times as
    much as precision.  The other arguments are as for `F1`.
    """

    def __init__(
        self, name: str = "fbeta", output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None, class_type: str = "binary", beta: float = 1,
        threshold: Any = 0.5, average: str | None = "micro",
    ) -> None:
        super().__init__(name, output_names, label_names, class_type, threshold, average)
        self.beta = self._kwargs["beta"] = beta


@register
class MCC(_Classified):
    """Matthews' correlation coefficient of two classes, which are predicted as for a binary `F1`."""

    def __init__(self, name: str = "mcc", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _result(self, statistics: Any) -> Any:
        return metric.matthews(statistics[:, 0])


@register
class BinaryAccuracy(metric.Averaged):
    """The part of the labels, 0 and 1, that are predicted right, by numbers above `threshold` for 1.

    >>> from mxgrad import gluon, np
    >>> accuracy = gluon.metric.BinaryAccuracy(threshold=0.6)
    >>> accuracy.update([np.array([0, 1, 0, 1])], [np.array([0.7, 1, 0.55, 0.4])])
    >>> accuracy.get()
    ('binary_accuracy', 0.5)
    """

    def __init__(self, name: str = "binary_accuracy", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, threshold: Any = 0.5) -> None:
        super().__init__(name, output_names, label_names, threshold=threshold)
        self.threshold = threshold

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        if label.size != pred.size:
            raise self._unfit(label, pred)
        said = predict_with_threshold(pred, self.threshold).reshape(-1)
        return (said == label.astype("int32").reshape(-1)).sum(), label.size


@register
class MAE(metric.Averaged):
    """The mean over examples of the mean absolute error."""

    def __init__(self, name: str = "mae", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        off = abs(self._differences(label, pred))
        return off.mean(axis=1).sum(), len(off)


@register
class MSE(metric.Averaged):
    """The mean over examples of the mean squared error."""

    def __init__(self, name: str = "mse", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        off = numpy.square(self._differences(label, pred))
        return off.mean(axis=1).sum(), len(off)


@register
class RMSE(MSE):
    """The root of `MSE`."""

    def __init__(self, name: str = "rmse", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _value(self, total: Any, count: float) -> Any:
        return math.sqrt(super()._value(total, count))


@register
class MeanPairwiseDistance(metric.Averaged):
    """The mean over examples of the distance of labels and predictions, in the norm of order `p`.

    >>> from mxgrad import gluon, np
    >>> distance = gluon.metric.MeanPairwiseDistance()
    >>> distance.update([np.array([[1.0, 2.0], [3.0, 4.0]])], [np.array([[1.0, 2.0], [6.0, 8.0]])])
    >>> distance.get()
    ('mpd', 2.5)
    """

    def __init__(self, name: str = "mpd", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, p: float = 2) -> None:
        super().__init__(name, output_names, label_names, p=p)
        self.p = p

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        off = abs(self._differences(label, pred))
        return ((off**self.p).sum(axis=1) ** (1.0 / self.p)).sum(), len(off)


@register
class MeanCosineSimilarity(metric.Averaged):
    """The mean of the cosines of the angles between labels and predictions, vectors on the last axis.

    Products of norms below `eps` count as that.

    >>> from mxgrad import gluon, np
    >>> cosine = gluon.metric.MeanCosineSimilarity()
    >>> cosine.update([np.array([[3.0, 4.0], [2.0, 2.0]])], [np.array([[1.0, 0.0], [1.0, 1.0]])])
    >>> round(cosine.get()[1], 6)
    0.8
    """

    def __init__(self, name: str = "cos_sim", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, eps: float = 1e-8) -> None:
        super().__init__(name, output_names, label_names, eps=eps)
        self.eps = eps

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        if label.shape != pred.shape or not label.shape:
            raise self._unfit(label, pred)
        a, b = (metric._floats(x.reshape(-1, x.shape[-1])) for x in (label, pred))
        norms = numpy.linalg.norm(a, axis=1) * numpy.linalg.norm(b, axis=1)
        return ((a * b).sum(axis=1) / numpy.maximum(norms, self.eps)).sum(), len(a)


@register
@alias("ce")
class CrossEntropy(metric.Averaged):
    """The mean of -log of the probabilities predicted for the labels.

    Parameters
    ----------
    eps : float
        Less than this counts as this.
    ignore_label : int or None
        Examples with this label do not count.
    axis : int
        The axis of the classes in the predictions.
    from_logits : bool
        Softmax is taken of the predictions first.
    name, output_names, label_names
        As in `EvalMetric`.

    Examples
    --------
    >>> from mxgrad import gluon, np
    >>> ce = gluon.metric.CrossEntropy(ignore_label=-1)
    >>> ce.update([np.array([0, -1])], [np.array([[0.5, 0.5], [0.75, 0.25]])])
    >>> ce.get()[0], round(ce.get()[1], 6)
    ('cross-entropy', 0.693147)
    """

    def __init__(
        self, eps: float = 1e-12, ignore_label: int | None = None, axis: int = -1, from_logits: bool = False,
        name: str = "cross-entropy", output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name, output_names, label_names, eps=eps, ignore_label=ignore_label, axis=axis,
                         from_logits=from_logits)
        self.eps, self.ignore_label, self.axis, self.from_logits = eps, ignore_label, axis, from_logits

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        pred = metric._floats(pred)
        if self.from_logits:
            pred = numpy.exp(pred - pred.max(axis=self.axis, keepdims=True))
            pred /= pred.sum(axis=self.axis, keepdims=True)
        p = self._named(label, pred, self.axis, self.ignore_label)
        return -numpy.log(numpy.maximum(p, self.eps)).sum(), p.size


@register
class Perplexity(CrossEntropy):
    """exp of `CrossEntropy`; arguments are as for that."""

    def __init__(
        self, eps: float = 1e-12, ignore_label: int | None = None, axis: int = -1, from_logits: bool = False,
        name: str = "perplexity", output_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(eps, ignore_label, axis, from_logits, name, output_names, label_names)

    def _value(self, total: Any, count: float) -> Any:
        return math.exp(super()._value(total, count))


@register
@alias("pearsonr")
class PearsonCorrelation(metric.PearsonCorrelation):
    """Pearson's correlation of all labels and predictions as one."""

    def __init__(self, name: str = "pearsonr", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        metric.Pooled.__init__(self, name, output_names, label_names)


@register
class CustomMetric(metric.CustomMetric):
    """As `mx.metric.CustomMetric`, but the function gets np arrays."""

    @staticmethod
    def _argument(array: Any) -> Any:
        if isinstance(array, BaseArray):
            return array.as_np_ndarray()    # type: ignore[attr-defined]
        return mx_np.array(array, dtype=numpy.asarray(array).dtype)


def np(numpy_feval: Callable[[Any, Any], Any], name: str | None = None,
       allow_extra_outputs: bool = False) -> CustomMetric:
    """A `CustomMetric` of a function of two np arrays.

    >>> from mxgrad import gluon
    >>> def right(label, pred):
    ...     return (label == pred).mean()
    >>> gluon.metric.np(right).get()
    ('right', nan)
    """
    return CustomMetric(numpy_feval, name, allow_extra_outputs)
