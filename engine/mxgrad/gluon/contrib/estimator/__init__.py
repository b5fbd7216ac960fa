"""A training loop with handlers of its events (level 20).

>>> import mxgrad as mx
>>> from mxgrad.gluon.contrib.estimator import Estimator
>>> x = mx.nd.array([[0, 1], [1, 0], [2, 3], [3, 2]])
>>> data = mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(x, mx.nd.array([1, 0, 1, 0])), batch_size=2)
>>> net = mx.gluon.nn.Dense(2)
>>> net.initialize()
>>> trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.1})
>>> loop = Estimator(net, mx.gluon.loss.SoftmaxCrossEntropyLoss(), trainer=trainer)
>>> loop.logger.setLevel("WARNING")
>>> loop.fit(data, epochs=20)
>>> [metric.get() for metric in loop.train_metrics][0]
('training accuracy', 1.0)
"""
from . import batch_processor, estimator, event_handler
from .batch_processor import *  # noqa: F403
from .estimator import *  # noqa: F403
from .event_handler import *  # noqa: F403

__all__ = [*batch_processor.__all__, *estimator.__all__, *event_handler.__all__]
