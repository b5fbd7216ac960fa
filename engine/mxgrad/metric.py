"""Metrics of MXNet 1.9: `mx.metric`.  Those of MXNet 2 are in `gluon.metric` (level 10).

A metric is told labels and predictions batch by batch, and says what it has found so far.

>>> import mxgrad as mx
>>> found = mx.metric.create(["acc", "ce"])
>>> found.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[0.3, 0.7], [0.1, 0.9], [0.4, 0.6]])])
>>> [(name, round(value, 4)) for name, value in found.get_name_value()]
[('accuracy', 0.6667), ('cross-entropy', 0.6067)]
"""
from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy

from .base import InvalidTypeError, InvalidValueError, nearest
from .ndarray import BaseArray

__all__ = [
    "Accuracy", "Caffe", "CompositeEvalMetric", "CrossEntropy", "CustomMetric", "EvalMetric", "F1", "Loss",
    "MAE", "MCC", "MSE", "NegativeLogLikelihood", "PCC", "PearsonCorrelation", "Perplexity", "RMSE",
    "TopKAccuracy", "Torch", "alias", "check_label_shapes", "create", "np", "register",
]

_M = TypeVar("_M", bound="type[EvalMetric]")


def check_label_shapes(labels: Any, preds: Any, wrap: bool = False, shape: bool = False) -> tuple[Any, Any]:
    """`labels` and `preds`, which have the same length, or with `shape` the same shape.

    With `wrap` arrays are put into lists.  Raises InvalidValueError for different ones.
    """
    found = (labels.shape, preds.shape) if shape else (len(labels), len(preds))
    if found[0] != found[1]:
        raise InvalidValueError(
            f"Shape of labels {found[0]} does not match shape of predictions {found[1]}")
    if wrap:
        labels, preds = _listed(labels), _listed(preds)
    return labels, preds


def _listed(arrays: Any) -> Any:
    return [arrays] if isinstance(arrays, (BaseArray, numpy.ndarray)) else arrays


def _host(array: Any) -> numpy.ndarray:
    """The values of an array of either frontend, on any device, or of a NumPy array."""
    return array.asnumpy() if isinstance(array, BaseArray) else numpy.asarray(array)


def _floats(array: numpy.ndarray) -> numpy.ndarray:
    """float16 as float32, and integers as float64."""
    if array.dtype.kind != "f":
        return array.astype("float64", copy=False)
    return array.astype("float32") if array.dtype == "float16" else array


class EvalMetric:
    """What metrics share; one of one's own defines ``update(labels, preds)``.

    The base keeps a sum, `sum_metric`, and a number of things summed, `num_inst`, whose quotient the metric
    is; and both again as `global_sum_metric` and `global_num_inst`, which `reset_local` leaves alone.

    Parameters
    ----------
    name : str
        What the metric is called in logs.
    output_names, label_names : list of str, optional
        Which predictions and labels `update_dict` takes; all by default.
    has_global_stats : bool
        Whether `update` counts globally too.
    **kwargs
        What `get_config` tells beside the names.
    """

    sum_metric: Any
    num_inst: float

    def __init__(
        self, name: str, output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None,
        has_global_stats: bool = False, **kwargs: Any,
    ) -> None:
        self.name = str(name)
        self.output_names, self.label_names = output_names, label_names
        self._has_global_stats = has_global_stats
        self._kwargs = kwargs
        self.reset()

    def __str__(self) -> str:
        return f"EvalMetric: {dict(self.get_name_value())}"

    def get_config(self) -> dict[str, Any]:
        """What `create` makes an equal metric of: ``create(**metric.get_config())``."""
        return {**self._kwargs, "metric": type(self).__name__, "name": self.name,
                "output_names": self.output_names, "label_names": self.label_names}

    def update_dict(self, label: dict[str, Any], pred: dict[str, Any]) -> None:
        """`update` with arrays by name."""
        self.update(_chosen(label, self.label_names), _chosen(pred, self.output_names))

    def update(self, labels: Any, preds: Any) -> None:
        """Count a batch: lists of arrays, one for each output or device, or an array each."""
        raise NotImplementedError(f"{type(self).__name__} does not define update(labels, preds)")

    def reset(self) -> None:
        """Forget everything."""
        self.global_num_inst = 0
        self.global_sum_metric: Any = 0.0
        self._forget()

    def reset_local(self) -> None:
        """Forget everything but the global statistics; that is everything if there are none."""
        if self._has_global_stats:
            self._forget()
        else:
            self.reset()

    def _forget(self) -> None:
        self.num_inst, self.sum_metric = 0, 0.0

    def _add(self, total: Any, count: int) -> None:
        self.sum_metric += total
        self.num_inst += count
        self.global_sum_metric += total
        self.global_num_inst += count

    def _value(self, total: Any, count: float) -> Any:
        """The metric that follows from a sum and a number of things."""
        if count == 0:
            return float("nan")
        value = total / count
        return value.item() if getattr(value, "ndim", None) == 0 else value

    def get(self) -> tuple[Any, Any]:
        """The name and the value since the last reset, nan if nothing was counted; lists of both where a
        metric consists of several.
        """
        return self.name, self._value(self.sum_metric, self.num_inst)

    def get_global(self) -> tuple[Any, Any]:
        """As `get`, since the last `reset`, whatever `reset_local` forgot."""
        if not self._has_global_stats:
            return self.get()
        return self.name, self._value(self.global_sum_metric, self.global_num_inst)

    def get_name_value(self) -> list[tuple[str, Any]]:
        """Pairs of names and values."""
        return _pairs(*self.get())

    def get_global_name_value(self) -> list[tuple[str, Any]]:
        """Pairs of names and global values."""
        return _pairs(*self.get_global())


def _pairs(names: Any, values: Any) -> list[tuple[str, Any]]:
    if not isinstance(names, list):
        names = [names]
    return list(zip(names, values if isinstance(values, list) else [values]))


def _chosen(arrays: dict[str, Any], names: Sequence[str] | None) -> list[Any]:
    return list(arrays.values()) if names is None else [arrays[n] for n in names]


class Registry:
    """The metrics that `create` finds by name."""

    def __init__(self) -> None:
        self.known: dict[str, type[EvalMetric]] = {}

    def register(self, klass: _M, name: str | None = None) -> _M:
        """Class decorator: `create` finds the metric under its name, in whatever case."""
        if not issubclass(klass, EvalMetric):
            raise InvalidTypeError(f"Can only register subclass of EvalMetric, not {klass.__name__}")
        key = (name or klass.__name__).lower()
        if key in self.known:
            old = self.known[key]
            warnings.warn(
                f"New metric {klass.__module__}.{klass.__name__} registered with name {key} is overriding "
                f"existing metric {old.__module__}.{old.__name__}", UserWarning, stacklevel=2)
        self.known[key] = klass
        return klass

    def alias(self, *aliases: str) -> Callable[[_M], _M]:
        """Class decorator: `create` finds the metric under these names, too."""
        def with_names(klass: _M) -> _M:
            for name in aliases:
                self.register(klass, name)
            return klass
        return with_names

    def create(self, metric: Any, *args: Any, **kwargs: Any) -> Any:
        """The metric that is meant by a name, a function, a list, a configuration or a metric.

        Parameters
        ----------
        metric : str, callable, list, dict or EvalMetric
            A function ``f(label, pred)`` makes a `CustomMetric`, a list of any of these a
            `CompositeEvalMetric`; a dict, or JSON of one, is what `get_config` gave.
        *args, **kwargs
            For the metric's class.

        Raises
        ------
        InvalidValueError
            For a name that is not known.
        InvalidTypeError
            For something else.

        Examples
        --------
        >>> from mxgrad import metric
        >>> metric.create("acc").get()
        ('accuracy', nan)
        >>> metric.create(["mae", lambda label, pred: 0.0]).get()
        (['mae', 'custom(<lambda>)'], [nan, nan])
        """
        if callable(metric):
            return self._class("custommetric")(metric, *args, **kwargs)
        if isinstance(metric, list):
            return self._class("compositeevalmetric")([self.create(m, *args, **kwargs) for m in metric])
        if isinstance(metric, str) and metric[:1] in ("[", "{"):
            metric = json.loads(metric)
            if isinstance(metric, list):
                return self.create(metric[0], **metric[1])
        if isinstance(metric, (EvalMetric, dict)) and (args or kwargs):
            raise InvalidTypeError("metric is already an instance. Additional arguments are invalid")
        if isinstance(metric, EvalMetric):
            return metric
        if isinstance(metric, dict):
            return self.create(**metric)
        if not isinstance(metric, str):
            raise InvalidTypeError(f"metric must be of string type, not {metric!r}")
        return self._class(metric)(*args, **kwargs)

    def _class(self, name: str) -> Any:
        key = name.lower()
        if key not in self.known:
            raise InvalidValueError(f"{name} is not registered{nearest(key, self.known)}. Please register "
                                    "with metric.register first")
        return self.known[key]


_registry = Registry()
register, alias, create = _registry.register, _registry.alias, _registry.create


@register
@alias("composite")
class CompositeEvalMetric(EvalMetric):
    """Several metrics as one.

    Parameters
    ----------
    metrics : list, optional
        Metrics, or what `create` takes for one.
    name, output_names, label_names
        As in `EvalMetric`.
    """

    _create: Callable[..., Any] = staticmethod(create)

    def __init__(
        self, metrics: Sequence[Any] | None = None, name: str = "composite",
        output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None,
    ) -> None:
        self.metrics: list[Any] = []
        super().__init__(name, output_names, label_names, has_global_stats=True)
        self.metrics = [self._create(m) for m in metrics or ()]

    def add(self, metric: Any) -> None:
        """Append a metric, or what `create` takes for one."""
        self.metrics.append(self._create(metric))

    def get_metric(self, index: int) -> Any:
        """The metric with a number; raises InvalidValueError if there is none."""
        try:
            return self.metrics[index]
        except IndexError:
            raise InvalidValueError(
                f"Metric index {index} is out of range 0 and {len(self.metrics)}") from None

    def update_dict(self, label: dict[str, Any], pred: dict[str, Any]) -> None:
        """`update_dict` of all metrics, with the arrays of `label_names` and `output_names` only."""
        if self.label_names is not None:
            label = {n: a for n, a in label.items() if n in self.label_names}
        if self.output_names is not None:
            pred = {n: a for n, a in pred.items() if n in self.output_names}
        for metric in self.metrics:
            metric.update_dict(label, pred)

    def update(self, labels: Any, preds: Any) -> None:
        for metric in self.metrics:
            metric.update(labels, preds)

    def reset(self) -> None:
        for metric in self.metrics:
            metric.reset()

    def reset_local(self) -> None:
        for metric in self.metrics:
            metric.reset_local()

    def get(self) -> tuple[list[str], list[Any]]:
        return _unzipped([pair for metric in self.metrics for pair in _pairs(*metric.get())])

    def get_global(self) -> tuple[list[str], list[Any]]:
        return _unzipped([pair for metric in self.metrics for pair in _pairs(*metric.get_global())])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "metrics": [m.get_config() for m in self.metrics]}


def _unzipped(pairs: list[tuple[str, Any]]) -> tuple[list[str], list[Any]]:
    return [name for name, _ in pairs], [value for _, value in pairs]


class Averaged(EvalMetric):
    """A metric that is the mean of something over all examples or arrays; a subclass defines `_measure`."""

    def __init__(
        self, name: str, output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, output_names, label_names, has_global_stats=True, **kwargs)

    def update(self, labels: Any, preds: Any) -> None:
        labels, preds = check_label_shapes(labels, preds, True)
        found = [self._measure(_host(label), _host(pred)) for label, pred in zip(labels, preds)]
        self._add(float(sum(total for total, _ in found)), sum(count for _, count in found))

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        """(a sum, the number of things summed) for one array."""
        raise NotImplementedError

    def _unfit(self, label: numpy.ndarray, pred: numpy.ndarray, why: str = "") -> InvalidValueError:
        return InvalidValueError(
            f"{type(self).__name__}: labels of shape {label.shape} do not fit predictions of shape "
            f"{pred.shape}{why}")

    def _labels(self, label: numpy.ndarray, pred: numpy.ndarray, axis: int) -> numpy.ndarray:
        """Flat numbers of classes for flattened predictions whose classes are along `axis`."""
        if not -pred.ndim <= axis < pred.ndim or label.size * pred.shape[axis] != pred.size:
            raise self._unfit(label, pred, f" with classes along axis {axis}")
        return label.astype("int64").reshape(-1)

    def _named(self, label: numpy.ndarray, pred: numpy.ndarray, axis: int, ignore: int | None) -> Any:
        """The predictions for the classes that the labels name, without those of the label to ignore."""
        at = self._labels(label, pred, axis)
        rows = numpy.moveaxis(pred, axis, -1).reshape(-1, pred.shape[axis])
        if ignore is not None:
            kept = at != ignore
            at, rows = at[kept], rows[kept]
        if at.size and not (0 <= at.min() and at.max() < rows.shape[1]):
            raise InvalidValueError(
                f"{type(self).__name__}: labels are from 0 to {rows.shape[1] - 1} for predictions of shape "
                f"{pred.shape}, got {at.min()} to {at.max()}")
        return rows[numpy.arange(at.size), at]

    def _differences(self, label: numpy.ndarray, pred: numpy.ndarray) -> numpy.ndarray:
        """label - pred, a row for each example."""
        a, b = [_floats(x.reshape(-1, 1) if x.ndim == 1 else x) for x in (label, pred)]
        if a.shape[:1] != b.shape[:1]:
            raise self._unfit(label, pred)
        try:
            off: numpy.ndarray = (a - b).reshape(len(a), -1)
        except ValueError:
            raise self._unfit(label, pred) from None
        return off


@register
@alias("acc")
class Accuracy(Averaged):
    """The part of the labels that are predicted right.

    Predictions are numbers of classes if they have the labels' shape; otherwise they are scores of classes,
    along `axis`, and the class of the highest score counts.

    >>> import mxgrad as mx
    >>> accuracy = mx.metric.Accuracy()
    >>> accuracy.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[0.3, 0.7], [0, 1], [0.4, 0.6]])])
    >>> accuracy.get()
    ('accuracy', 0.6666666666666666)
    """

    def __init__(self, axis: int = 1, name: str = "accuracy", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names, axis=axis)
        self.axis = axis

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        if pred.shape != label.shape:
            label, pred = self._labels(label, pred, self.axis), pred.argmax(self.axis)
        right = pred.astype("int32").reshape(-1) == label.astype("int32").reshape(-1)
        return right.sum(), right.size


@register
@alias("top_k_accuracy", "top_k_acc")
class TopKAccuracy(Averaged):
    """The part of the labels that are among the `top_k` highest of the scores, of shape (examples, classes);
    `top_k` is above 1.
    """

    def __init__(self, top_k: int = 1, name: str = "top_k_accuracy",
                 output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None) -> None:
        if top_k <= 1:
            raise InvalidValueError(f"Please use Accuracy if top_k is no more than 1, not {top_k}")
        if not name.endswith(f"_{top_k}"):      # as it does in a configuration
            name = f"{name}_{top_k}"
        super().__init__(name, output_names, label_names, top_k=top_k)
        self.top_k = top_k

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        if pred.ndim != 2:
            raise self._unfit(label, pred, ", which have 2 axes")
        label = self._labels(label, pred, 1)
        k = min(self.top_k, pred.shape[1])
        best = numpy.argpartition(_floats(pred), -k, axis=1)[:, -k:]
        return (best == label[:, None]).sum(), label.size


class Pooled(EvalMetric):
    """A metric of statistics that can be joined; a subclass defines `_statistics`, `_joined` and `_result`.

    `average` is 'micro' where the statistics of all arrays are joined, and 'macro' where the mean over
    batches is taken.
    """

    average = "micro"

    def __init__(
        self, name: str, output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, output_names, label_names, has_global_stats=True, **kwargs)

    def reset(self) -> None:
        self._global: Any = None
        super().reset()

    def _forget(self) -> None:
        self._local: Any = None
        super()._forget()

    def update(self, labels: Any, preds: Any) -> None:
        labels, preds = check_label_shapes(labels, preds, True)
        batch, count = None, 0
        for label, pred in zip(labels, preds):
            found, n = self._statistics(_host(label), _host(pred))
            batch, count = self._with(batch, found), count + n
        if batch is None:
            return
        if self.average == "macro":
            self._add(self._result(batch), 1)
            return
        self._local, self._global = self._with(self._local, batch), self._with(self._global, batch)
        self.num_inst += count
        self.global_num_inst += count
        self.sum_metric = self._result(self._local) * self.num_inst
        self.global_sum_metric = self._result(self._global) * self.global_num_inst

    def _with(self, a: Any, b: Any) -> Any:
        return b if a is None else self._joined(a, b)

    def _statistics(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        """(the statistics of one array, its number of examples)."""
        raise NotImplementedError

    def _joined(self, a: Any, b: Any) -> Any:
        """The statistics of two sets of examples as one."""
        return a + b

    def _result(self, statistics: Any) -> Any:
        """The metric."""
        raise NotImplementedError


def _checked_average(average: str) -> str:
    if average not in ("macro", "micro"):
        raise InvalidValueError(f"average is 'macro' or 'micro', not {average!r}")
    return average


def counts_of(label: numpy.ndarray, pred: numpy.ndarray) -> numpy.ndarray:
    """True and false positives, false and true negatives: 4 numbers for each column of two bool arrays."""
    return numpy.stack([(pred & label).sum(0), (pred & ~label).sum(0), (~pred & label).sum(0),
                        (~pred & ~label).sum(0)])


def f_score(counts: numpy.ndarray, beta: float = 1) -> Any:
    """The weighted harmonic mean of precision and recall, from `counts_of`; 0 where nothing is right."""
    tp, fp, fn, _ = counts
    precision, recall = tp / numpy.maximum(tp + fp, 1), tp / numpy.maximum(tp + fn, 1)
    below = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / numpy.where(below > 0, below, 1)


def matthews(counts: numpy.ndarray) -> float:
    """Matthews' correlation coefficient, from `counts_of`; sums that are 0 count as 1 in the denominator."""
    tp, fp, fn, tn = map(float, counts)
    sums = (tp + fp, tp + fn, tn + fp, tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(math.prod(s or 1.0 for s in sums))


class _Binary(Pooled):
    """Pooled counts of two classes, predicted by scores of shape (examples, 2)."""

    def __init__(self, name: str, output_names: Sequence[str] | None, label_names: Sequence[str] | None,
                 average: str) -> None:
        self.average = _checked_average(average)
        super().__init__(name, output_names, label_names, average=average)

    def _statistics(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        if pred.ndim != 2 or label.size != len(pred):
            raise InvalidValueError(
                f"{type(self).__name__}: predictions have shape (examples, classes) and labels (examples,), "
                f"got {pred.shape} and {label.shape}")
        if len(numpy.unique(label)) > 2:
            raise InvalidValueError(f"{type(self).__name__} currently only supports binary classification.")
        return counts_of(label.reshape(-1).astype("int32") == 1, pred.argmax(1) == 1), label.size


@register
class F1(_Binary):
    """The F1 score of two classes, the harmonic mean of precision and recall.

    Labels are 0 and 1, of shape (examples,), and predictions scores of shape (examples, 2).

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    average : str
        'macro': the mean of the batches' scores; 'micro': the score of all batches as one.

    Examples
    --------
    >>> import mxgrad as mx
    >>> f1 = mx.metric.F1()
    >>> f1.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[0.3, 0.7], [0, 1], [0.4, 0.6]])])
    >>> f1.get()
    ('f1', 0.8)
    """

    def __init__(self, name: str = "f1", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, average: str = "macro") -> None:
        super().__init__(name, output_names, label_names, average)

    def _result(self, statistics: Any) -> Any:
        return float(f_score(statistics))


@register
class MCC(_Binary):
    """Matthews' correlation coefficient of two classes.  Arguments are as for `F1`."""

    def __init__(self, name: str = "mcc", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, average: str = "macro") -> None:
        super().__init__(name, output_names, label_names, average)

    def _result(self, statistics: Any) -> Any:
        return matthews(statistics)


@register
class Perplexity(Averaged):
    """exp of the mean of -log of the probabilities predicted for the labels; less than 1e-10 counts as that.

    Parameters
    ----------
    ignore_label : int or None
        Examples with this label do not count.
    axis : int
        The axis of the classes in the predictions.
    name, output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, ignore_label: int | None, axis: int = -1, name: str = "perplexity",
                 output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names, ignore_label=ignore_label, axis=axis)
        self.ignore_label, self.axis = ignore_label, axis

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        p = self._named(label, _floats(pred), self.axis, self.ignore_label)
        return -numpy.log(numpy.maximum(p, 1e-10)).sum(), p.size

    def _value(self, total: Any, count: float) -> Any:
        return math.exp(super()._value(total, count))


@register
class MAE(Averaged):
    """The mean over arrays of the mean absolute error."""

    def __init__(self, name: str = "mae", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        return abs(self._differences(label, pred)).mean(), 1


@register
class MSE(Averaged):
    """The mean over arrays of the mean squared error."""

    def __init__(self, name: str = "mse", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        return numpy.square(self._differences(label, pred)).mean(), 1


@register
class RMSE(MSE):
    """The mean over arrays of the root of the mean squared error."""

    def __init__(self, name: str = "rmse", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        return numpy.sqrt(super()._measure(label, pred)[0]), 1


@register
@alias("ce")
class CrossEntropy(Averaged):
    """The mean of -log(p + eps), p being the probabilities predicted for the labels.

    Labels are numbers of classes, of shape (examples,), and predictions of shape (examples, classes).

    >>> import mxgrad as mx
    >>> ce = mx.metric.CrossEntropy()
    >>> ce.update([mx.nd.array([0, 1])], [mx.nd.array([[0.5, 0.5], [0.75, 0.25]])])
    >>> ce.get()[0], round(ce.get()[1], 6)
    ('cross-entropy', 1.039721)
    """

    def __init__(self, eps: float = 1e-12, name: str = "cross-entropy",
                 output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names, eps=eps)
        self.eps = eps

    def _measure(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        p = self._named(label, _floats(pred), -1, None)
        return -numpy.log(p + self.eps).sum(), p.size


@register
@alias("nll_loss")
class NegativeLogLikelihood(CrossEntropy):
    """`CrossEntropy` by another name."""

    def __init__(self, eps: float = 1e-12, name: str = "nll-loss",
                 output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None) -> None:
        super().__init__(eps, name, output_names, label_names)


@register
@alias("pearsonr")
class PearsonCorrelation(Pooled):
    """Pearson's correlation of labels and predictions of the same shape.

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    average : str
        'macro': the mean of the arrays' correlations; 'micro': the correlation of all of them as one.

    Examples
    --------
    >>> import mxgrad as mx
    >>> r = mx.metric.PearsonCorrelation()
    >>> r.update([mx.nd.array([1, 2, 3])], [mx.nd.array([1, 2, 4])])
    >>> r.get()[0], round(r.get()[1], 6)
    ('pearsonr', 0.981981)
    """

    def __init__(self, name: str = "pearsonr", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, average: str = "macro") -> None:
        self.average = _checked_average(average)
        super().__init__(name, output_names, label_names, average=average)

    def update(self, labels: Any, preds: Any) -> None:
        labels, preds = check_label_shapes(labels, preds, True)
        if self.average == "macro":     # here of arrays, not of batches
            found = [self._result(self._statistics(_host(a), _host(b))[0]) for a, b in zip(labels, preds)]
            self._add(sum(found), len(found))
        else:
            super().update(labels, preds)

    def _statistics(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        check_label_shapes(label, pred, shape=True)
        both = numpy.stack([label.reshape(-1), pred.reshape(-1)]).astype("float64")
        means = both.mean(axis=1)
        off = both - means[:, None]
        return (both.shape[1], means, off @ off.T), 1

    def _joined(self, a: Any, b: Any) -> Any:
        # Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
        (n, mean, products), (m, other, more) = a, b
        step = other - mean
        return (n + m, mean + step * m / (n + m), products + more + numpy.outer(step, step) * n * m / (n + m))

    def _result(self, statistics: Any) -> Any:
        (ll, lp), (_, pp) = statistics[2]
        with numpy.errstate(invalid="ignore", divide="ignore"):
            return float(lp / numpy.sqrt(ll * pp))


@register
class PCC(Pooled):
    """The correlation of classes: Matthews' coefficient for any number of them.

    Labels are numbers of classes; predictions too if they have the labels' shape, otherwise they are scores
    of classes along axis 1.

    >>> import mxgrad as mx
    >>> pcc = mx.metric.PCC()
    >>> pcc.update([mx.nd.array([0, 1, 2, 2])], [mx.nd.array([0, 1, 2, 1])])
    >>> pcc.get()
    ('pcc', 0.7)
    """

    def __init__(self, name: str = "pcc", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None, has_global_stats: bool = True) -> None:
        super().__init__(name, output_names, label_names)
        self._has_global_stats = has_global_stats

    def _statistics(self, label: numpy.ndarray, pred: numpy.ndarray) -> tuple[Any, int]:
        shapes = label.shape, pred.shape
        if pred.shape != label.shape and pred.ndim > 1:
            pred = pred.argmax(axis=1)
        rows, columns = (a.astype("int64").reshape(-1) for a in (pred, label))
        if rows.size != columns.size:
            raise InvalidValueError(
                f"PCC: labels of shape {shapes[0]} do not fit predictions of shape {shapes[1]}")
        if rows.size and min(rows.min(), columns.min()) < 0:
            raise InvalidValueError("PCC: classes are not negative")
        k = 1 + max(rows.max(initial=0), columns.max(initial=0))
        return numpy.bincount(rows * k + columns, minlength=k * k).reshape(k, k), 1

    def _joined(self, a: Any, b: Any) -> Any:
        if len(a) < len(b):
            a, b = b, a
        joined = a.copy()
        joined[:len(b), :len(b)] += b
        return joined

    def _result(self, statistics: Any) -> Any:
        c = statistics.astype("float64")
        n, x, y = c.sum(), c.sum(axis=1), c.sum(axis=0)
        xx, yy = (x * (n - x)).sum(), (y * (n - y)).sum()
        if xx == 0 or yy == 0:
            return float("nan")
        return float((c.diagonal() * n - x * y).sum() / (xx * yy) ** 0.5)


@register
class Loss(EvalMetric):
    """The mean of the predictions themselves, which are losses; the labels do not matter."""

    def __init__(self, name: str = "loss", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def update(self, labels: Any, preds: Any) -> None:
        found = [_host(p) for p in _listed(preds)]
        self._add(float(sum(_floats(p).sum() for p in found)), sum(p.size for p in found))


@register
class Torch(Loss):
    """`Loss` by another name."""

    def __init__(self, name: str = "torch", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)


@register
class Caffe(Loss):
    """`Loss` by another name."""

    def __init__(self, name: str = "caffe", output_names: Sequence[str] | None = None,
                 label_names: Sequence[str] | None = None) -> None:
        super().__init__(name, output_names, label_names)


@register
class CustomMetric(EvalMetric):
    """The mean of what a function says.

    Parameters
    ----------
    feval : callable
        ``feval(label, pred)`` of two NumPy arrays gives a number, or a sum and the number of things summed.
    name : str, optional
        By default the function's.
    allow_extra_outputs : bool
        There may be more predictions than labels; those beyond do not count.
    output_names, label_names
        As in `EvalMetric`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> furthest = mx.metric.CustomMetric(lambda label, pred: abs(label - pred).max(), name="furthest")
    >>> furthest.update([mx.nd.array([1, 2])], [mx.nd.array([1, 5])])
    >>> furthest.get()
    ('furthest', 3.0)
    """

    _argument: Callable[[Any], Any] = staticmethod(_host)

    def __init__(
        self, feval: Callable[[Any, Any], Any], name: str | None = None, allow_extra_outputs: bool = False,
        output_names: Sequence[str] | None = None, label_names: Sequence[str] | None = None,
    ) -> None:
        if name is None:
            name = feval.__name__
            name = f"custom({name})" if "<" in name else name
        super().__init__(name, output_names, label_names, has_global_stats=True)
        self._feval, self._allow_extra_outputs = feval, allow_extra_outputs

    def update(self, labels: Any, preds: Any) -> None:
        if not self._allow_extra_outputs:
            check_label_shapes(labels, preds)
        found = [self._feval(self._argument(label), self._argument(pred))
                 for label, pred in zip(_listed(labels), _listed(preds))]
        for value in found:
            self._add(*(value if isinstance(value, tuple) else (value, 1)))

    def get_config(self) -> dict[str, Any]:
        """Refused: a function cannot be written down."""
        raise NotImplementedError("CustomMetric cannot be serialized")


def np(numpy_feval: Callable[[Any, Any], Any], name: str | None = None,
       allow_extra_outputs: bool = False) -> CustomMetric:
    """A `CustomMetric` of a function of two NumPy arrays.

    >>> from mxgrad import metric
    >>> def right(label, pred):
    ...     return float((label == pred).mean())
    >>> metric.np(right).get()
    ('right', nan)
    """
    return CustomMetric(numpy_feval, name, allow_extra_outputs)
