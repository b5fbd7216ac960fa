"""A hybridized network with dropout whose shapes are not given: weights are drawn before dropout's masks."""
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn


class Net(gluon.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.drop = nn.Dropout(0.4)
            self.hidden = nn.Dense(6, activation="tanh")
            self.output = nn.Dense(2)

    def hybrid_forward(self, F, x):
        return self.output(self.drop(self.hidden(self.drop(x))))


x, label = nd.arange(24).reshape((4, 6)) / 24, nd.array([0, 1, 0, 1])
for hybrid in (False, True):
    mx.random.seed(4)
    net = Net(prefix="net_")
    net.initialize(mx.init.Xavier())
    if hybrid:
        net.hybridize(static_alloc=True, static_shape=True)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    for step in range(4):
        with autograd.record():
            l = loss(net(x), label)
        l.backward()
        trainer.step(4)
        print("%.5f" % l.mean().asscalar())
    print(net.output.weight.data())
