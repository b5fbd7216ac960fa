"""Multilayer perceptrons: activations, dropout, weight decay; from scratch and with gluon."""
import mxnet as mx
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()
mx.random.seed(8)

x = np.arange(-8.0, 8.0, 2.0)
x.attach_grad()
for f in (npx.relu, npx.sigmoid, np.tanh):
    with autograd.record():
        y = f(x)
    y.backward()
    print(y, x.grad)


def dropout_layer(X, dropout):
    assert 0 <= dropout <= 1
    if dropout == 1:
        return np.zeros_like(X)
    if dropout == 0:
        return X
    mask = np.random.uniform(0, 1, X.shape) > dropout
    return mask.astype(np.float32) * X / (1.0 - dropout)


X = np.arange(16).reshape(2, 8)
print(dropout_layer(X, 0))
print(dropout_layer(X, 0.5))
print(dropout_layer(X, 1))

n, num_inputs = 60, 20
X = np.random.normal(0, 1, (n, num_inputs))
labels = np.dot(X, np.ones((num_inputs, 1)) * 0.3) + 0.05 + np.random.normal(0, 0.01, (n, 1))
W1 = np.random.normal(scale=0.1, size=(num_inputs, 16))
b1 = np.zeros(16)
W2 = np.random.normal(scale=0.1, size=(16, 1))
b2 = np.zeros(1)
params = [W1, b1, W2, b2]
for param in params:
    param.attach_grad()


def net(X):
    H1 = npx.relu(np.dot(X, W1) + b1)
    if autograd.is_training():
        H1 = dropout_layer(H1, 0.2)
    return np.dot(H1, W2) + b2


def l2_penalty(w):
    return (w ** 2).sum() / 2


for epoch in range(4):
    with autograd.record():
        l = (net(X) - labels) ** 2 / 2 + 3 * l2_penalty(W1) / n
    l.backward()
    for p in params:
        p[:] = p - 0.05 * p.grad / n
    print(f"{float(((net(X) - labels) ** 2 / 2).mean()):.5f}")
print("L2 norm of w:", np.linalg.norm(W1))

net = nn.Sequential()
net.add(nn.Dense(16, activation="relu"), nn.Dropout(0.2), nn.Dense(8, activation="relu"), nn.Dropout(0.5),
        nn.Dense(1))
net.initialize(init.Normal(sigma=0.1))
print(net)
net(X)
for p in net.collect_params(".*bias").values():
    p.wd_mult = 0
loss = gluon.loss.L2Loss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 3})
for epoch in range(4):
    with autograd.record():
        l = loss(net(X), labels)
    l.backward()
    trainer.step(n)
    print(f"{float(loss(net(X), labels).mean()):.5f}")
print("L2 norm of w:", np.linalg.norm(net[0].weight.data()))
print(net[4].weight.data())
