"""Notes on autograd: record, train mode, control flow, the chain rule broken by hand, as a program."""
from mxgrad import autograd, nd

x = nd.arange(4).reshape((4, 1))
print(x)
x.attach_grad()
print(x.grad)

y = 2 * nd.dot(x.T, x)
print(y)
try:
    y.backward()
except RuntimeError as error:
    print(str(error).split(". ")[0])        # it is not in a computational graph

with autograd.record():
    y = 2 * nd.dot(x.T, x)
y.backward()
print(x.grad)
print(x.grad - 4 * x)

print(autograd.is_training())
with autograd.record():
    print(autograd.is_training())


def f(a):
    b = 2 * a
    while b.norm().asscalar() < 1000:
        b = 2 * b
    if b.sum().asscalar() > 0:
        c = b
    else:
        c = 100 * b
    return c


a = nd.array([0.29956347])      # the page drew it at random, on another operating system
print("a:", a)
a.attach_grad()
with autograd.record():
    d = f(a)
d.backward()
print(a.grad)
print(d / a)

with autograd.record():
    y = x * 2
y.attach_grad()
with autograd.record():
    z = y * x
z.backward()
y.backward(y.grad)      # y left its graph when it was marked: x.grad is z's alone
print(x.grad)
print(2 * x)

z.attach_grad()
with autograd.record():
    y = x * 2
    z = y * x
z.backward()
print(x.grad)
