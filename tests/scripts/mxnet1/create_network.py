"""Layers, blocks made of them, their parameters."""
import mxnet as mx
from mxnet import nd
from mxnet.gluon import nn

mx.random.seed(42)
layer = nn.Dense(2)
print(layer)
layer.initialize()
x = nd.random.uniform(-1, 1, (3, 4))
print(layer(x))
print(layer.weight.data())
print(layer.weight, layer.bias)

net = nn.Sequential()
net.add(nn.Conv2D(channels=6, kernel_size=5, activation="relu"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Conv2D(channels=16, kernel_size=3, activation="relu"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Flatten(),
        nn.Dense(120, activation="relu"),
        nn.Dense(84, activation="relu"),
        nn.Dense(10))
print(net)
net.initialize()
x = nd.random.uniform(shape=(4, 1, 28, 28))
y = net(x)
print(y.shape)
print((net[0].weight.data().shape, net[5].bias.data().shape))
print(net)


class MixMLP(nn.Block):
    def __init__(self, **kwargs):
        super(MixMLP, self).__init__(**kwargs)
        self.blk = nn.Sequential()
        self.blk.add(nn.Dense(3, activation="relu"),
                     nn.Dense(4, activation="relu"))
        self.dense = nn.Dense(5)

    def forward(self, x):
        y = nd.relu(self.blk(x))
        print(y)
        return self.dense(y)


net = MixMLP()
print(net)
net.initialize()
x = nd.random.uniform(shape=(2, 2))
print(net(x))
print(net.blk[1].weight.data())
print(net.collect_params())
print(net.collect_params(".*weight"))
print(net.name, net.blk.prefix)
print(list(net.collect_params().keys()))
net.initialize(mx.init.Constant(0.5), force_reinit=True)
print(net.dense.bias.data(), net.dense.weight.data()[0])
net.blk[0].weight.set_data(nd.ones((3, 2)) * 2)
print(net.blk[0].weight.data())
with mx.autograd.record():
    loss = net(x).sum()
loss.backward()
print(net.blk[0].weight.grad())
try:
    nn.Dense(3).weight.data()
except Exception as error:
    print(isinstance(error, RuntimeError))
net = nn.Dense(3)
net.initialize()
try:
    net.weight.data()
except Exception as error:
    print(isinstance(error, RuntimeError))
