"""`mx.module` (`mx.mod`): graphs that are trained and asked by one call; MXNet 1's high level (level 14).

>>> import mxgrad as mx
>>> data = mx.sym.var("data")
>>> net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(data, num_hidden=2), name="softmax")
>>> batches = mx.io.NDArrayIter(mx.nd.array([[0, 1], [1, 0]]), mx.nd.array([0, 1]), batch_size=2)
>>> module = mx.mod.Module(net)
>>> module.fit(batches, num_epoch=20, optimizer_params={"learning_rate": 1})
>>> module.score(batches, "acc")
[('accuracy', 1.0)]
"""
from __future__ import annotations

from .base_module import BaseModule, NotReadyError
from .bucketing_module import BucketingModule
from .module import Module
from .python_module import PythonLossModule, PythonModule
from .sequential_module import SequentialModule

__all__ = ["BaseModule", "BucketingModule", "Module", "NotReadyError", "PythonLossModule", "PythonModule",
           "SequentialModule"]
