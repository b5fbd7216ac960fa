"""Files: arrays, parameters, trainer states, export and SymbolBlock.imports."""
import os

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(2)
x, y = nd.ones(3), nd.zeros(4)
nd.save("x-file", x)
print(nd.load("x-file"))
nd.save("x-files", [x, y])
print(nd.load("x-files"))
nd.save("mydict", {"x": x, "y": y})
print(sorted(nd.load("mydict").items()))


def make():
    net = nn.HybridSequential(prefix="mlp_")
    with net.name_scope():
        net.add(nn.Dense(8, activation="relu"), nn.BatchNorm(), nn.Dense(3))
    return net


net = make()
net.initialize(mx.init.Normal(0.5))
net.hybridize()
X = nd.random.uniform(shape=(4, 6))
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
for _ in range(2):
    with autograd.record():
        loss = (net(X) ** 2).sum()
    loss.backward()
    trainer.step(4)
    print("%.5f" % loss.asscalar())
net.save_parameters("net.params")
trainer.save_states("net.states")
print(sorted(nd.load("net.params")))
clone = make()
clone.load_parameters("net.params", ctx=mx.cpu())
print((clone(X) - net(X)).abs().max().asscalar())
again = gluon.Trainer(clone.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.9})
again.load_states("net.states")
for n, t in ((net, trainer), (clone, again)):
    with autograd.record():
        loss = (n(X) ** 2).sum()
    loss.backward()
    t.step(4)
    print("%.5f" % (n(X) ** 2).sum().asscalar())
net.export("model", epoch=1)
print(sorted(f for f in os.listdir(".") if f.startswith("model")))
print(sorted(nd.load("model-0001.params")))
block = gluon.nn.SymbolBlock.imports("model-symbol.json", ["data"], "model-0001.params", ctx=mx.cpu())
print((block(X) - net(X)).abs().max().asscalar() < 1e-6)
print(sorted(block.collect_params().keys()))
sym, arg_params, aux_params = mx.model.load_checkpoint("model", 1)
print(sym.list_arguments(), sym.list_auxiliary_states(), sym.list_outputs())
print(sorted(arg_params), sorted(aux_params))
try:
    nn.Dense(3, in_units=6).load_parameters("net.params")
except AssertionError as error:
    print("refused:", "net.params" in str(error))
other = nn.HybridSequential()
other.add(nn.Dense(5), nn.Dense(3))
try:
    other.load_parameters("net.params")
except AssertionError:
    print("refused")
