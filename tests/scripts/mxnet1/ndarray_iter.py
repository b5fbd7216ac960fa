"""An epoch loop over mx.io.NDArrayIter with metrics, Speedometer's log, and a learning rate schedule."""
import logging
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s:%(message)s")
mx.random.seed(1)
np.random.seed(1)
centres = np.random.normal(0, 2, (3, 4))
labels = np.random.randint(0, 3, 130)
points = (centres[labels] + np.random.normal(0, 1, (130, 4))).astype("float32")
train_iter = mx.io.NDArrayIter(points[:100], labels[:100], batch_size=15, shuffle=False,
                               last_batch_handle="discard")
val_iter = mx.io.NDArrayIter(points[100:], labels[100:], batch_size=8, last_batch_handle="pad")
print(train_iter.provide_data, train_iter.provide_label)
for batch in val_iter:
    print(batch.data[0].shape, batch.label[0].dtype, batch.pad)
val_iter.reset()

net = gluon.nn.Sequential()
net.add(gluon.nn.Dense(16, activation="relu"), gluon.nn.Dense(3))
net.initialize(mx.init.Xavier())
schedule = mx.lr_scheduler.FactorScheduler(step=8, factor=0.7, base_lr=0.2)
trainer = gluon.Trainer(net.collect_params(), "sgd",
                        {"learning_rate": 0.2, "lr_scheduler": schedule, "momentum": 0.5})
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
metric = mx.metric.CompositeEvalMetric([mx.metric.Accuracy(), mx.metric.CrossEntropy()])
speedometer = mx.callback.Speedometer(batch_size=15, frequent=2, auto_reset=False)
for epoch in range(4):
    train_iter.reset()
    metric.reset()
    for i, batch in enumerate(train_iter):
        data = gluon.utils.split_and_load(batch.data[0], ctx_list=[mx.cpu()], batch_axis=0)
        label = gluon.utils.split_and_load(batch.label[0], ctx_list=[mx.cpu()], batch_axis=0)
        outputs = []
        with autograd.record():
            for x, y in zip(data, label):
                z = net(x)
                loss = loss_function(z, y)
                loss.backward()
                outputs.append(nd.softmax(z))
        metric.update(label, outputs)
        trainer.step(batch.data[0].shape[0])
        speedometer(mx.model.BatchEndParam(epoch=epoch, nbatch=i, eval_metric=metric, locals=locals()))
    name, acc = metric.get()
    print("training at epoch %d: %s=%s" % (epoch, name, ["%.3f" % a for a in acc]))
print("learning rate %.4f" % trainer.learning_rate)
metric = mx.metric.create("acc")
for batch in val_iter:
    metric.update(batch.label, [net(batch.data[0])])
print(metric, metric.get_name_value())
top = mx.metric.TopKAccuracy(top_k=2)
top.update([nd.array([2, 1])], [nd.array([[0.1, 0.2, 0.7], [0.5, 0.1, 0.4]])])
print(top.get())
