"""Automatic differentiation with autograd: the tutorial of MXNet 2's np and npx, as a program."""
from mxgrad import autograd, np, npx

npx.set_np()

x = np.array([[1, 2], [3, 4]])
print(repr(x))
x.attach_grad()
with autograd.record():
    y = 2 * x * x
y.backward()
print(repr(x.grad))         # 4x

with autograd.record():
    y = np.sum(2 * x * x)
y.backward()
print(repr(x.grad))         # y.backward() was y.sum().backward()

with autograd.record():
    y = np.sum(2 * x * x)
y.backward(retain_graph=True)
print(x.grad)
print("Since you have retained your previous graph you can run backward again")
y.backward()
print(x.grad)
try:
    y.backward()
except RuntimeError:
    print("However, you can't do backward twice unless you retain the graph.")


class MyFirstCustomOperation(autograd.Function):
    """Three outputs, two inputs, and gradients of its own making."""

    def __init__(self):
        super().__init__()

    def forward(self, x, y):
        self.save_for_backward(x, y)
        return 2 * x, 2 * x * y, 2 * y

    def backward(self, dx, dxy, dy):
        """
        The input number of arguments must match the number of outputs from forward.
        Furthermore, the number of output arguments must match the number of inputs from forward.
        """
        x, y = self.saved_tensors
        return x, y


x = np.random.uniform(-1, 1, (2, 3))
y = np.random.uniform(-1, 1, (2, 3))
x.attach_grad()
y.attach_grad()
with autograd.record():
    z = MyFirstCustomOperation()
    z1, z2, z3 = z(x, y)
    out = z1 + z2 + z3
out.backward()
print(np.array_equiv(x.asnumpy(), x.asnumpy()))
print(np.array_equiv(y.asnumpy(), y.asnumpy()))
print(np.array_equiv(x.grad, x), np.array_equiv(y.grad, y))


def my_first_function(x):
    if autograd.is_training():      # Return something else when training
        return 4 * x
    else:
        return x


y = my_first_function(x)
print(np.array_equiv(y.asnumpy(), x.asnumpy()))
with autograd.record(train_mode=False):
    y = my_first_function(x)
y.backward()
print(x.grad)
with autograd.record(train_mode=True):      # train_mode = True by default
    y = my_first_function(x)
y.backward()
print(x.grad)


def my_second_function(x):
    with autograd.record():
        return 2 * x


y = my_second_function(x)
y.backward()
print(x.grad)

with autograd.record():
    y = my_second_function(x)
    z = my_second_function(y) + 2
z.backward()
print(x.grad)


def f(a):
    """Double until the sum of magnitudes reaches 1000, then select by the sign of the sum."""
    b = a * 2
    while np.abs(b).sum() < 1000:
        b = b * 2
    if b.sum() >= 0:
        c = b[0]
    else:
        c = b[1]
    return c


a = np.random.uniform(size=2)
a.attach_grad()
with autograd.record():
    c = f(a)
c.backward()
print(repr(a.grad == c / a))

x.attach_grad()
with autograd.record():
    y = 3 * x
    y.attach_grad()
    z = 4 * y + 2 * x
z.backward()
print(x.grad)
print(y.grad)

with autograd.record():
    y = 3 * x
    z = 4 * y + 2 * x
z.backward()
print(x.grad)
print(y.grad)
