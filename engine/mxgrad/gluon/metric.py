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
    "PearsonCorrelation", "Perplexity", "RMSE", "TopKAccuracy", "Torch", "alias", "check_label_shapes", "create",
    "np", "predict_with_threshold", "register",
]

_registry = metric.Registry()
_registry.known.update((name, known) for name, known in vars(metric)["_registry"].known.items()
                       if known in (Accuracy, TopKAccuracy, PCC, Loss, Torch))
register, alias, create = _registry.register, _registry.alias, _registry.create
