"""Layers of one's own: Block, HybridBlock with hybrid_forward, parameters, constants, shared parameters."""
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn
from mxnet.gluon.nn import Block

mx.random.seed(5)


class CenteredLayer(Block):
    def forward(self, x):
        return x - nd.mean(x)


print(CenteredLayer()(nd.array([1, 2, 3, 4, 5])))


class NormalizationHybridLayer(gluon.HybridBlock):
    def __init__(self, hidden_units, scales):
        super(NormalizationHybridLayer, self).__init__()
        with self.name_scope():
            self.weights = self.params.get("weights", shape=(hidden_units, 0), allow_deferred_init=True)
            self.scales = self.params.get("scales", shape=scales.shape,
                                          init=mx.init.Constant(scales),
                                          differentiable=False)

    def hybrid_forward(self, F, x, weights, scales):
        normalized_data = F.broadcast_div(F.broadcast_sub(x, F.min(x)), (F.broadcast_sub(F.max(x), F.min(x))))
        weighted_data = F.FullyConnected(normalized_data, weights, num_hidden=self.weights.shape[0],
                                         no_bias=True)
        scaled_data = F.broadcast_mul(scales, weighted_data)
        return scaled_data


net = gluon.nn.HybridSequential()
with net.name_scope():
    net.add(nn.Dense(5))
    net.add(NormalizationHybridLayer(hidden_units=5, scales=nd.array([2])))
    net.add(nn.Dense(1))
print(net)
net.initialize(mx.init.Xavier(magnitude=2.24))
net.hybridize()
x = nd.random_uniform(low=-10, high=10, shape=(5, 2))
label = nd.random_uniform(low=-1, high=1, shape=(5, 1))
mse = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05})
for step in range(5):
    with autograd.record():
        loss = mse(net(x), label)
    loss.backward()
    trainer.step(5)
    print("step", step, "loss %.6f" % loss.mean().asscalar())
params = net.collect_params()
for key, value in params.items():
    print(key.split("_", 1)[1], value.shape, value.grad_req)
print(net[1].scales)


class MyDense(nn.Block):
    def __init__(self, units, in_units, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.params.get("weight", shape=(in_units, units))
        self.bias = self.params.get("bias", shape=(units,))

    def forward(self, x):
        return nd.relu(nd.dot(x, self.weight.data()) + self.bias.data())


dense = MyDense(units=3, in_units=5)
print(dense.params)
dense.initialize()
print(dense(nd.random.uniform(shape=(2, 5))))


class FancyMLP(nn.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rand_weight = self.params.get_constant("rand_weight", nd.random.uniform(shape=(20, 20)))
        self.dense = nn.Dense(20, activation="relu")

    def hybrid_forward(self, F, x, rand_weight):
        x = self.dense(x)
        x = F.relu(F.dot(x, rand_weight) + 1)
        return self.dense(x).sum()


net = FancyMLP()
net.initialize()
print(net(nd.random.uniform(shape=(2, 20))))
print(net)
print(net.collect_params())

shared = nn.Dense(8, activation="relu")
net = nn.Sequential()
net.add(nn.Dense(8, activation="relu"), shared, nn.Dense(8, activation="relu", params=shared.params),
        nn.Dense(2))
net.initialize()
net(nd.random.uniform(shape=(2, 20)))
print(net[1].weight.data()[0] == net[2].weight.data()[0])


class MyInit(mx.init.Initializer):
    def _init_weight(self, name, data):
        print("Init", name.split("_", 1)[1], data.shape)
        data[:] = nd.random.uniform(low=-10, high=10, shape=data.shape)
        data *= data.abs() >= 5


net = nn.Sequential(prefix="net_")
net.add(nn.Dense(4, prefix="a_"), nn.Dense(2, prefix="b_"))
net.initialize(MyInit())
net(nd.ones((2, 3)))
print(net[0].weight.data())
