"""Data parallelism over several contexts (here CPUs), the kvstore, clipping, gradient accumulation."""
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, utils as gutils

mx.random.seed(9)
ctx = [mx.cpu(0), mx.cpu(1)]
net = nn.Sequential(prefix="net_")
net.add(nn.Dense(6, activation="relu", prefix="hidden_"), nn.Dense(2, prefix="out_"))
net.initialize(init=mx.init.Normal(sigma=0.3), ctx=ctx)
x = nd.random.uniform(shape=(4, 3))
gpu_x = gutils.split_and_load(x, ctx)
print(gpu_x)
print(net(gpu_x[0]), net(gpu_x[1]))
weight = net[0].weight
try:
    weight.data(mx.cpu(2))
except RuntimeError:
    print("not initialized on", mx.cpu(2))
print(weight.data(ctx[0])[0], weight.data(ctx[1])[0], weight.list_ctx())
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.5}, kvstore="device")
loss = gluon.loss.L2Loss()
target = nd.random.uniform(shape=(4, 2))
for step in range(4):
    xs, ys = gutils.split_and_load(x, ctx), gutils.split_and_load(target, ctx)
    with autograd.record():
        losses = [loss(net(a), b) for a, b in zip(xs, ys)]
    for l in losses:
        l.backward()
    trainer.step(4)
    print("%.6f" % sum(l.sum().as_in_context(mx.cpu(0)) for l in losses).asscalar())
print((weight.data(ctx[0]) - weight.data(ctx[1]).as_in_context(ctx[0])).abs().max().asscalar())
print(gutils.split_data(nd.arange(10), 3, even_split=False))
try:
    gutils.split_data(nd.arange(10), 3)
except ValueError:
    print("refused")
grads = [p.grad(ctx[0]) for p in net.collect_params().values()]
print("%.5f" % gutils.clip_global_norm(grads, 0.01))
kv = mx.kv.create("local")
kv.init(3, nd.ones((2, 3)) * 2)
a = nd.zeros((2, 3))
kv.pull(3, out=a)
print(a)
kv.push(3, [nd.ones((2, 3), mx.cpu(i)) for i in range(4)])
kv.pull(3, out=a)
print(a)
print(kv.type, kv.rank, kv.num_workers)
for p in net.collect_params().values():
    p.grad_req = "add"
trainer = gluon.Trainer(net.collect_params(), "adam", kvstore=None)
net.collect_params().zero_grad()
for a in (x[:2], x[2:]):
    with autograd.record():
        l = net(a).sum()
    l.backward()
print(weight.grad(ctx[0]))
