"""Gradients: a polynomial, control flow, head gradients, a function of one's own, train and predict mode."""
import mxnet as mx
from mxnet import autograd, nd

x = nd.array([[1, 2], [3, 4]])
x.attach_grad()
with autograd.record():
    y = 2 * x * x
y.backward()
print(x, x.grad)


def f(a):
    b = a * 2
    while b.norm().asscalar() < 1000:
        b = b * 2
    if b.sum().asscalar() >= 0:
        c = b[0]
    else:
        c = b[1]
    return c


a = nd.array([0.25, -0.5])
a.attach_grad()
with autograd.record():
    c = f(a)
c.backward()
print(a.grad, c / a)

with autograd.record():
    y = x * x
y.backward(nd.array([[10, 1.0], [0.1, 0.01]]))
print(x.grad)

w = nd.array([1.0, 2.0, 3.0])
w.attach_grad(grad_req="add")
for _ in range(3):
    with autograd.record():
        loss = (w ** 3).sum()
    loss.backward()
print(w.grad)

with autograd.record():
    u = x * 2
    with autograd.pause():
        v = u * 3
    t = u.detach() * x + v
t.backward()
print(x.grad)


class Sigmoid(autograd.Function):
    def forward(self, x):
        y = 1 / (1 + nd.exp(-x))
        self.save_for_backward(y)
        return y

    def backward(self, dy):
        y, = self.saved_tensors
        return dy * y * (1 - y)


s = nd.array([-2.0, 0.0, 2.0])
s.attach_grad()
func = Sigmoid()
with autograd.record():
    m = func(s)
m.backward()
print(m, s.grad)

mx.random.seed(3)
print(autograd.is_training(), autograd.is_recording())
with autograd.record():
    print(autograd.is_training(), autograd.is_recording())
    d = nd.Dropout(nd.ones((2, 8)), p=0.5)
with autograd.record(train_mode=False):
    print(autograd.is_training(), autograd.is_recording())
    e = nd.Dropout(nd.ones((2, 8)), p=0.5)
print(d)
print(e)
g = nd.array([2.0])
g.attach_grad()
with autograd.record():
    y = nd.exp(g)
    first = autograd.grad(y, [g], create_graph=True, retain_graph=True)[0]
first.backward()
print(first, g.grad)
try:
    (nd.ones((2,)) * 2).backward()
except mx.MXNetError as error:
    print("Cannot differentiate node" in str(error))
