"""Automatic differentiation: the Perl tutorial of AI::MXNet, in Python."""
from mxgrad import autograd, nd

x = nd.array([[1, 2], [3, 4]])
print(x.asnumpy())

x.attach_grad()
with autograd.record():
    y = 2 * x * x
y.backward()
print(x.grad.asnumpy())         # 4x


def f(a):
    b = a * 2
    while b.norm().asscalar() < 1000:
        b = b * 2
    if b.sum() >= 0:
        c = b[0:1]
    else:
        c = b[1:2]
    return nd.array(c)


a = nd.random.uniform(shape=2)
a.attach_grad()
with autograd.record():
    c = f(a)
c.backward()
print(a.grad.asnumpy())
print((c / a).asnumpy())
