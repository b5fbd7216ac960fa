"""Automatic differentiation: the crash-course tutorial of MXNet's nd, as a program."""
from mxgrad import autograd, nd

x = nd.array([[1, 2], [3, 4]])
print(x)

x.attach_grad()
with autograd.record():
    y = x * 2
    z = y * x
z.backward()        # the same as z.sum().backward()
print(x.grad)       # dz/dx = 4x


def f(a):
    """Double until the norm reaches 1000, then select by the sign of the sum."""
    b = a * 2
    while b.norm().asscalar() < 1000:
        b = b * 2
    if b.sum().asscalar() >= 0:
        c = b[0]
    else:
        c = b[1]
    return c


a = nd.random.uniform(shape=2)
a.attach_grad()
with autograd.record():
    c = f(a)
c.backward()
print([a.grad, c / a])      # b is linear in a: the gradient is [c/a[0], 0] or [0, c/a[1]]
