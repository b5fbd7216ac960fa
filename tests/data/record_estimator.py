"""What MXNet's Estimator logs, warns of and saves: estimator_1.9.1.json with MXNet 1.9.1.

python record_estimator.py >estimator_1.9.1.json
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import warnings

import mxnet as mx
import numpy

numpy.Inf = numpy.inf
from mxnet.gluon.contrib import estimator  # noqa: E402

SETUP = """
x = mx.nd.array([[((i * 7 + j * 3) % 11) / 5 - 1 for j in range(3)] for i in range(10)])
y = mx.nd.array([i % 2 for i in range(10)])
data = mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(x, y), batch_size=4)
net = mx.gluon.nn.HybridSequential(prefix="net_")
with net.name_scope():
    net.add(mx.gluon.nn.Dense(4, activation="tanh", in_units=3), mx.gluon.nn.Dense(2, in_units=4))
net.initialize()
for k, p in enumerate(net.collect_params().values()):
    size = p.data().size
    p.set_data(mx.nd.array([((i * 5 + k) % 7) / 7 - 0.5 for i in range(size)]).reshape(p.shape))
trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
loss = mx.gluon.loss.SoftmaxCrossEntropyLoss(prefix="softmaxcrossentropyloss0_")
"""
CASES = [
    "est = e.Estimator(net, loss, trainer=trainer)\nest.fit(data, epochs=2)",
    "est = e.Estimator(net, loss, trainer=trainer)\nest.fit(data, val_data=data, batches=4)",
    "est = e.Estimator(net, loss, trainer=trainer)\nest.evaluate(data)",
    "est = e.Estimator(net, loss, trainer=trainer, "
    "train_metrics=[mx.metric.Accuracy(), mx.metric.TopKAccuracy(top_k=2)], "
    "val_metrics=mx.metric.Accuracy())\n"
    "est.fit(data, epochs=1, event_handlers=[e.LoggingHandler(log_interval=2, metrics=est.train_metrics)])",
    "est = e.Estimator(net, loss)\nest.fit(data, batches=1)",
    "est = e.Estimator(net, loss, trainer=trainer, initializer=mx.init.One(), "
    "val_loss=mx.gluon.loss.SoftmaxCrossEntropyLoss(), context=[mx.cpu(0)])\n"
    "est.fit(data, val_data=data, epochs=1)",
    "est = e.Estimator(net, mx.gluon.loss.L2Loss(prefix='l2loss12_'), trainer=trainer)\n"
    "print([m.name for m in est.train_metrics + est.val_metrics])",
    "est = e.Estimator(net, loss, trainer=trainer)\n"
    "est.fit(data, val_data=data, epochs=3, event_handlers=[e.EarlyStoppingHandler("
    "est.val_metrics[1], mode='min', min_delta=10, patience=1)])",
    "est = e.Estimator(net, loss, trainer=trainer)\n"
    "v = e.ValidationHandler(data, est.evaluate, epoch_period=None, batch_period=2)\n"
    "est.fit(data, epochs=1, event_handlers=[v])",
    "est = e.Estimator(net, loss, trainer=trainer)\n"
    "est.fit(data, epochs=4, event_handlers=e.CheckpointHandler(folder, max_checkpoints=2))",
    "net.hybridize()\nest = e.Estimator(net, loss, trainer=trainer)\n"
    "c = e.CheckpointHandler(folder, 'small', est.train_metrics[0], save_best=True, mode='max', "
    "batch_period=2, epoch_period=None)\n"
    "est.fit(data, batches=5, event_handlers=[c])",
    "est = e.Estimator(net, loss, trainer=trainer)\n"
    "est.fit(data, epochs=2, event_handlers=[e.CheckpointHandler(folder)])\n"
    "c = e.CheckpointHandler(folder, resume_from_checkpoint=True, verbose=1)\n"
    "est.fit(data, epochs=4, event_handlers=[c])",
    "est = e.Estimator(net, loss, trainer=trainer)\n"
    "c = e.CheckpointHandler(folder, epoch_period=None, batch_period=2, resume_from_checkpoint=True)\n"
    "est.fit(data, batches=2, event_handlers=[c])\n"
    "c = e.CheckpointHandler(folder, epoch_period=None, batch_period=2, resume_from_checkpoint=True)\n"
    "est.fit(data, batches=6, event_handlers=[c])",
    "est = e.Estimator(net, loss, trainer=trainer)\n"
    "class Every(e.TrainBegin, e.TrainEnd, e.EpochBegin, e.EpochEnd, e.BatchBegin, e.BatchEnd):\n"
    "    def train_begin(self, est): print('train begin')\n"
    "    def train_end(self, est): print('train end')\n"
    "    def epoch_begin(self, est): print('epoch begin')\n"
    "    def epoch_end(self, est): print('epoch end')\n"
    "    def batch_begin(self, est, batch): print('batch begin', batch[0].shape)\n"
    "    def batch_end(self, est, batch, pred, label, loss):\n"
    "        print(len(pred), label[0].shape, loss[0].shape)\n"
    "est.fit(data, epochs=1, event_handlers=[Every()])",
]

recorded = []
for source in CASES:
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        names = {"mx": mx, "e": estimator, "folder": folder}
        with contextlib.redirect_stdout(said):
            exec(SETUP + source, names)
        files = sorted(os.listdir(folder))
        text = said.getvalue().replace(folder, "FOLDER")
    recorded.append({
        "source": source,
        "said": re.sub(r"\d+\.\d+s", "0.000s", text),
        "warned": [str(w.message) for w in warned if issubclass(w.category, UserWarning)],
        "files": files,
        "weights": [float(v) for p in names["net"].collect_params().values()
                    for v in p.data().asnumpy().ravel()],
    })
    print(source, recorded[-1], file=sys.stderr)
json.dump({"setup": SETUP, "cases": recorded}, sys.stdout, indent=1)
