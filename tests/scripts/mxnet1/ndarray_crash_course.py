"""Arrays: making, arithmetic, indexing, and the way to NumPy."""
import mxnet as mx
from mxnet import nd

print(nd.array(((1, 2, 3), (5, 6, 7))))
x = nd.ones((2, 3))
print(x)
mx.random.seed(1)
y = nd.random.uniform(-1, 1, (2, 3))
print(y)
z = nd.full((2, 3), 2.0)
print((z.shape, z.size, z.dtype, z.context))
print(x * y)
print(y.exp())
print(nd.dot(x, y.T))
print(y[1, 2])
print(y[:, 1:3])
y[:, 1:3] = 2
print(y)
y[1:2, 0:2] = 4
print(y)
a = x.asnumpy()
print((type(a), a))
print(nd.array(a))
print(repr(x))
print(x == y, x > 0)
print(nd.arange(12).reshape((3, 4)), nd.arange(12).reshape((-1, 6)).sum(axis=0))
print(nd.concat(x, y, dim=0).shape, nd.concat(x, y, dim=1).shape)
print(x.sum(), x.sum().asscalar(), x.norm().asscalar())
before = id(y)
y += x
print(id(y) == before)
nd.elemwise_add(x, y, out=z)
print(z)
print(x.astype("int32"), x.astype("float64").dtype)
print(nd.random.normal(0, 1, shape=(3, 4)))
for row in nd.array([[1, 2], [3, 4]]):
    print(row)
print(len(x), float(y[0, 0].asscalar()), int(z[0, 0].asscalar()))
print(nd.stack(nd.array([1, 2]), nd.array([3, 4])), nd.one_hot(nd.array([0, 2]), 3))
print(x.as_in_context(mx.cpu(1)).context, mx.cpu(), x.copyto(mx.cpu(0)).context)
try:
    x + nd.ones((4, 3))
except mx.MXNetError:
    print("refused")
