"""np arrays and autograd, with np semantics on."""

from mxnet import autograd, np, npx

npx.set_np()

x = np.arange(12)
print(x, x.shape, x.size)
X = x.reshape(3, 4)
print(X)
print(repr(X))
print(np.zeros((2, 3, 4)))
np.random.seed(0)
print(np.random.normal(0, 1, size=(3, 4)))
x, y = np.array([1, 2, 4, 8]), np.array([2, 2, 2, 2])
print(x + y, x - y, x * y, x / y, x ** y)
print(np.exp(x))
Y = np.array([[2, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])
print(np.concatenate([X, Y], axis=0), np.concatenate([X, Y], axis=1))
print(X == Y, X.sum())
a, b = np.arange(3).reshape(3, 1), np.arange(2).reshape(1, 2)
print(a + b)
print(X[-1], X[1:3])
X[1, 2] = 9
X[0:2, :] = 12
print(X)
before = id(Y)
Y += X
print(id(Y) == before)
A = X.asnumpy()
B = np.array(A)
print(type(A), type(B))
a = np.array([3.5])
print(repr(a), a.item(), float(a), int(a))
A = np.arange(20).reshape(5, 4)
print(A.T, A.sum(axis=0), A.mean(axis=1, keepdims=True), A.cumsum(axis=0))
print(np.dot(np.arange(4), np.ones(4)), np.dot(A, np.ones(4)), np.linalg.norm(np.array([3, -4])))
print(A.mean(), A.dtype, (A > 5).dtype, A.astype(np.int32).dtype, np.ones(3, dtype=bool))

x = np.arange(4.0)
x.attach_grad()
print(x.grad)
with autograd.record():
    y = 2 * np.dot(x, x)
print(y)
y.backward()
print(x.grad, x.grad == 4 * x)
with autograd.record():
    y = x.sum()
y.backward()
print(x.grad)
with autograd.record():
    y = x * x
    u = y.detach()
    z = u * x
z.backward()
print(x.grad == u)


def f(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    if b.sum() > 0:
        c = b
    else:
        c = 100 * b
    return c


a = np.random.normal()
a.attach_grad()
with autograd.record():
    d = f(a)
d.backward()
print(a.grad == d / a, a.shape)
fair_probs = [1.0 / 6] * 6
print(np.random.multinomial(1, fair_probs).shape)
print(np.random.uniform(size=(2, 2)), np.random.randint(0, 5, size=6).shape)
