"""Blocks, parameters, custom layers, files; hybridize; lazy shapes."""
import mxnet as mx
from mxnet import gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()
mx.random.seed(12)
net = nn.Sequential()
net.add(nn.Dense(8, activation="relu"))
net.add(nn.Dense(10))
net.initialize()
X = np.random.uniform(size=(2, 4))
print(net(X))
print(net[1].params)


class MLP(nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = nn.Dense(6, activation="relu")
        self.out = nn.Dense(3)

    def forward(self, X):
        return self.out(self.hidden(X))


net = MLP()
net.initialize()
print(net(X))
print(net)


class MySequential(nn.Block):
    def add(self, block):
        self._children[block.name if hasattr(block, "name") else str(len(self._children))] = block

    def forward(self, X):
        for block in self._children.values():
            X = block(X)
        return X


class FixedHiddenMLP(nn.Block):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.rand_weight = gluon.Constant(np.random.uniform(size=(6, 6)))
        self.dense = nn.Dense(6, activation="relu")

    def forward(self, X):
        X = self.dense(X)
        X = npx.relu(np.dot(X, self.rand_weight.data()) + 1)
        X = self.dense(X)
        while np.abs(X).sum() > 1:
            X /= 2
        return X.sum()


net = FixedHiddenMLP()
net.initialize()
print(net(np.random.uniform(size=(2, 6))))
print(net)
print(net.collect_params())


def block1():
    net = nn.Sequential()
    net.add(nn.Dense(6, activation="relu"))
    net.add(nn.Dense(4, activation="relu"))
    return net


def block2():
    net = nn.Sequential()
    for _ in range(2):
        net.add(block1())
    return net


rgnet = nn.Sequential()
rgnet.add(block2())
rgnet.add(nn.Dense(2))
rgnet.initialize()
print(rgnet(X))
print(rgnet.collect_params)
print(rgnet.collect_params())
print(rgnet[0][1][0].bias.data())
print(rgnet.collect_params()["1.bias"].data())
rgnet[1].weight.data()[:] += 1
print(rgnet[1].weight.data()[0])
rgnet.initialize(init=init.Constant(1), force_reinit=True)
print(rgnet[0][0][0].weight.data()[0])
rgnet[0][0][0].weight.initialize(init=init.Xavier(), force_reinit=True)
print(rgnet[0][0][0].weight.data()[0])


class MyDense(nn.Block):
    def __init__(self, units, in_units, **kwargs):
        super().__init__(**kwargs)
        self.weight = gluon.Parameter("weight", shape=(in_units, units))
        self.bias = gluon.Parameter("bias", shape=(units,))

    def forward(self, x):
        linear = np.dot(x, self.weight.data(device=x.device)) + self.bias.data(device=x.device)
        return npx.relu(linear)


dense = MyDense(units=3, in_units=5)
dense.initialize()
print(dense.params)
print(dense(np.random.uniform(size=(2, 5))))

x = np.arange(4)
npx.savez("x-file.npz", x=x)
print(npx.load("x-file.npz"))
npx.save("x-single", x)
print(npx.load("x-single"))
npx.savez("two.npz", x=x, y=np.zeros(4))
print(sorted(npx.load("two.npz").items()))
net = MLP()
net.initialize()
X = np.random.uniform(size=(2, 20))
Y = net(X)
net.save_parameters("mlp.params")
clone = MLP()
clone.load_parameters("mlp.params")
print(clone(X) == Y)


class Hybrid(nn.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden = nn.Dense(4, in_units=20)
        self.output = nn.Dense(2, in_units=4)

    def forward(self, x):
        x = npx.relu(self.hidden(x))
        return self.output(x)


net = Hybrid()
net.initialize()
first = net(X)
net.hybridize()
print(abs(net(X) - first).max() < 1e-6)
net = nn.HybridSequential()
net.add(nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dense(2))
net.initialize()
net.hybridize()
first = net(X)
net.export("my_mlp")
block = gluon.SymbolBlock.imports("my_mlp-symbol.json", ["data"], "my_mlp-0000.params")
print(abs(block(X) - first).max() < 1e-6)
try:
    nn.Dense(3).weight.data()
except Exception as error:
    print(isinstance(error, RuntimeError))
shared = nn.Dense(8, activation="relu")
net = nn.Sequential()
net.add(nn.Dense(8, activation="relu"), shared,
        nn.Dense(8, activation="relu").share_parameters(shared.params),
        nn.Dense(10))
net.initialize()
net(X)
print(net[1].weight.data()[0] == net[2].weight.data()[0])
