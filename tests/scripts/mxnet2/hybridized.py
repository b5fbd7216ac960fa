"""A hybridized network with dropout whose shapes are not given: when its weights are drawn."""
import mxnet as mx
from mxnet import autograd, gluon, np, npx
from mxnet.gluon import nn

npx.set_np()
x, label = np.arange(24).reshape((4, 6)) / 24, np.array([0, 1, 0, 1])
for hybrid in (False, True):
    mx.random.seed(4)
    net = nn.HybridSequential()
    net.add(nn.Dropout(0.4), nn.Dense(6, activation="tanh"), nn.Dropout(0.4), nn.Dense(2))
    net.initialize(mx.init.Xavier())
    if hybrid:
        net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    for step in range(4):
        with autograd.record():
            l = loss(net(x), label)
        l.backward()
        trainer.step(4)
        print("%.5f" % l.mean())
    print(net[3].weight.data())
