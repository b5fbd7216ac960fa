"""A program of a user's, for mypy: what has a comment is an error, of that kind, and nothing else is."""
import mxgrad as mx
from mxgrad import autograd, nd, np, npx


def step(x: nd.NDArray, w: nd.NDArray) -> nd.NDArray:
    return nd.dot(x, w) + 1


x = nd.array([[1.0, 2.0]], ctx=mx.cpu())
w = nd.random.normal(0, 1, shape=(2, 1), dtype="float32")
w.attach_grad()
with autograd.record():
    y = step(x, w).sum(axis=0, keepdims=True)
y.backward()
shape: tuple[int, ...] = y.shape
total: nd.NDArray = nd.linalg.gemm2(x, w) * 2 - y / 3
rows: nd.NDArray = x[0]
moved: nd.NDArray = x.as_in_context(mx.cpu(1)).astype("float64").reshape(-1)

a = np.ones((2, 3))
b: np.ndarray = np.sum(a * 2, axis=(0, 1)) + np.linalg.norm(a) + np.random.uniform(size=3)
c: np.ndarray = npx.softmax(a @ a.T) > 0.5
d: list[nd.NDArray] = nd.broadcast_like(x, x)  # error: assignment
e: bool = np.allclose(a, b)

nd.Convolution(x, w, kernel=(3,), num_filter="many")  # error: arg-type
nd.dot("x", w)  # error: arg-type
nd.dott(x, w)  # error: attr-defined
np.sum(a, axis="first")  # error: arg-type
np.sum(a, axes=0)  # error: call-arg
npx.relu()  # error: call-arg
mx.gpux()  # error: attr-defined
nd.Pooling(x, kernel=(2, 2), pooling_convention=3)  # error: arg-type
nd.L2Normalization(x, mode="pixel")  # error: arg-type
