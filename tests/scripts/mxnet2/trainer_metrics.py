"""Optimizers, schedules, metrics, data of gluon 2; saving a trainer; gradients accumulated."""
import mxnet as mx
from mxnet import autograd, gluon, np, npx
from mxnet.gluon import nn

npx.set_np()
mx.random.seed(20)
X = np.random.normal(size=(32, 6))
y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(np.int32)
print(y)
dataset = gluon.data.ArrayDataset(X, y)
loader = gluon.data.DataLoader(dataset, batch_size=10, last_batch="keep")
print([b[0].shape for b in loader], len(loader))
print([b[1].shape for b in gluon.data.DataLoader(dataset, 10, last_batch="discard", num_workers=2)])
loss = gluon.loss.SoftmaxCrossEntropyLoss()
schedule = mx.lr_scheduler.CosineScheduler(max_update=20, base_lr=0.1, final_lr=0.01, warmup_steps=4)
for name, options in [("sgd", {"learning_rate": 0.3, "momentum": 0.9}), ("adam", {"learning_rate": 0.02}),
                      ("rmsprop", {"learning_rate": 0.01}), ("adagrad", {}),
                      ("adadelta", {"learning_rate": 1.0}),
                      ("nag", {"learning_rate": 0.1, "momentum": 0.5, "lr_scheduler": schedule})]:
    mx.random.seed(21)
    net = nn.HybridSequential()
    net.add(nn.Dense(16, activation="tanh"), nn.Dense(2))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), name, options)
    accuracy, mean = gluon.metric.Accuracy(), gluon.metric.Loss()
    for epoch in range(5):
        accuracy.reset()
        mean.reset()
        for data, label in loader:
            with autograd.record():
                out = net(data)
                l = loss(out, label)
            l.backward()
            trainer.step(data.shape[0])
            accuracy.update(label, out)
            mean.update(None, l)
    print(name, "%.4f" % mean.get()[1], accuracy.get()[0], "%.3f" % accuracy.get()[1],
          "%.4f" % trainer.learning_rate)
print(net[0].weight)
print(gluon.metric.F1(), gluon.metric.create("mse").get())
f1 = gluon.metric.F1()
f1.update([y], [npx.softmax(net(X))])
print("%.4f" % f1.get()[1])
for p in net.collect_params().values():
    p.grad_req = "add"
net.zero_grad()
for part in (slice(0, 16), slice(16, 32)):
    with autograd.record():
        l = loss(net(X[part]), y[part])
    l.backward()
print(net[1].bias.grad())
trainer.save_states("trainer.states")
trainer.load_states("trainer.states")
net.setattr("grad_req", "null")
print(net[0].weight.grad_req)
