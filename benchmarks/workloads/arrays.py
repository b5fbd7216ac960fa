"""Large arrays: elementwise chains, reductions, losses and layers as functions."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy

from .kinds import Draw, Gradient, Step, Workload, gluon_cross_entropy


class Elementwise(Gradient):
    """tanh(x * 2 + 1) * exp(-x) + x, summed, on {size} floats"""

    tiny = {"size": 11}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.uniform(-1, 1, s.size)}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return (mx.nd.tanh(w.x * 2 + 1) * mx.nd.exp(-w.x) + w.x).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return (torch.tanh(w.x * 2 + 1) * torch.exp(-w.x) + w.x).sum()

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return (jax.numpy.tanh(w.x * 2 + 1) * jax.numpy.exp(-w.x) + w.x).sum()

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        t, e = numpy.tanh(w.x * 2 + 1), numpy.exp(-w.x)
        y = (t * e + w.x).sum()
        return [y, (2 * (1 - t * t) - t) * e + 1]


class Reductions(Gradient):
    """sum, mean and maximum of {rows} x {rows}, each over one axis"""

    tiny = {"rows": 5}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.rows), "by_sum": draw.randn(s.rows), "by_max": draw.randn(s.rows)}

    def gluon(self, module: Any, w: SimpleNamespace) -> Any:
        return (w.x.sum(axis=0) * w.by_sum + w.x.mean(axis=1) + w.x.max(axis=1) * w.by_max).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return (w.x.sum(0) * w.by_sum + w.x.mean(1) + w.x.max(1).values * w.by_max).sum()

    jax = gluon

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        at = w.x.argmax(1)[:, None]
        largest = numpy.take_along_axis(w.x, at, 1)[:, 0]
        y = (w.x.sum(0) * w.by_sum + w.x.mean(1) + largest * w.by_max).sum()
        g = w.by_sum + numpy.full_like(w.x, 1 / w.rows)
        numpy.put_along_axis(g, at, numpy.take_along_axis(g, at, 1) + w.by_max[:, None], 1)
        return [y, g]


class SoftmaxCrossEntropy(Gradient):
    """softmax cross-entropy of {rows} x {classes} logits"""

    tiny = {"rows": 3, "classes": 7}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.classes), "y": draw.randint(0, s.classes, s.rows)}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return gluon_cross_entropy(mx)(w.x, w.y).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.nn.functional.cross_entropy(w.x, w.y, reduction="sum")

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return -jax.nn.log_softmax(w.x)[jax.numpy.arange(w.rows), w.y].sum()

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        rows = numpy.arange(w.rows)
        shifted = w.x - w.x.max(1, keepdims=True)
        e = numpy.exp(shifted)
        total = e.sum(1, keepdims=True)
        loss = (numpy.log(total[:, 0]) - shifted[rows, w.y]).sum()
        e /= total
        e[rows, w.y] -= 1
        return [loss, e]


class LayerNorm(Gradient):
    """layer normalization of {rows} x {columns}"""

    leaves = ("x", "gamma", "beta")
    tiny = {"rows": 3, "columns": 7}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.columns), "gamma": 1 + 0.1 * draw.randn(s.columns),
                "beta": 0.1 * draw.randn(s.columns), "head": draw.randn(s.rows, s.columns)}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.nd.LayerNorm(w.x, w.gamma, w.beta, eps=1e-5)

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.nn.functional.layer_norm(w.x, w.gamma.shape, w.gamma, w.beta, 1e-5)

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return jax.nn.standardize(w.x, axis=1, epsilon=1e-5) * w.gamma + w.beta

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        centered = w.x - w.x.mean(1, keepdims=True)
        scale = 1 / numpy.sqrt((centered * centered).mean(1, keepdims=True) + 1e-5)
        n, g = centered * scale, w.head * w.gamma
        by_x = scale * (g - g.mean(1, keepdims=True) - n * (g * n).mean(1, keepdims=True))
        return [n * w.gamma + w.beta, by_x, (w.head * n).sum(0), w.head.sum(0)]


class BiasRelu(Gradient):
    """relu(x + b) of {rows} x {columns}"""

    leaves = ("x", "b")
    tiny = {"rows": 3, "columns": 7}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.columns), "b": draw.randn(s.columns),
                "head": draw.randn(s.rows, s.columns)}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.nd.relu(mx.nd.broadcast_add(w.x, w.b))

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.relu(w.x + w.b)

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return jax.nn.relu(w.x + w.b)

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        y = numpy.maximum(w.x + w.b, 0)
        by_x = w.head * (y > 0)
        return [y, by_x, by_x.sum(0)]


class MatrixProduct(Gradient):
    """product of two matrices of {rows} x {rows}, and both gradients"""

    leaves = ("a", "b")
    tiny = {"rows": 5}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {name: draw.randn(s.rows, s.rows) for name in ("a", "b", "head")}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.nd.dot(w.a, w.b)

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return w.a @ w.b

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return w.a @ w.b

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        return [w.a @ w.b, w.head @ w.b.T, w.a.T @ w.head]


class Attention(Gradient):
    """attention of {heads} heads, {steps} steps, {units} units each"""

    leaves = ("q", "k", "v")
    tiny = {"heads": 2, "steps": 5, "units": 3}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {name: draw.randn(s.heads, s.steps, s.units) for name in ("q", "k", "v", "head")}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        scores = mx.nd.batch_dot(w.q, w.k, transpose_b=True) * w.units ** -0.5
        return mx.nd.batch_dot(mx.nd.softmax(scores, axis=-1), w.v)

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.nn.functional.scaled_dot_product_attention(w.q[None], w.k[None], w.v[None])[0]

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        scores = w.q @ jax.numpy.swapaxes(w.k, 1, 2) * w.units ** -0.5
        return jax.nn.softmax(scores, axis=-1) @ w.v

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        scale = w.units ** -0.5
        scores = w.q @ w.k.swapaxes(1, 2) * scale
        p = numpy.exp(scores - scores.max(2, keepdims=True))
        p /= p.sum(2, keepdims=True)
        by_p = w.head @ w.v.swapaxes(1, 2)
        by_scores = p * (by_p - (p * by_p).sum(2, keepdims=True)) * scale
        return [p @ w.v, by_scores @ w.k, by_scores.swapaxes(1, 2) @ w.q, p.swapaxes(1, 2) @ w.head]


class Adam(Workload):
    """a step of Adam on {arrays} parameters of {rows} x {rows}"""

    tiny = {"rows": 3, "arrays": 2}
    rate = 0.001

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {name: [draw.randn(s.rows, s.rows) for _ in range(s.arrays)]
                for name in ("parameters", "grads")}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Step:
        update = mx.optimizer.get_updater(mx.optimizer.Adam(learning_rate=self.rate))
        indices = list(range(w.arrays))

        def step() -> list[Any]:
            update(indices, w.grads, w.parameters)
            return list(w.parameters)

        return step

    def torch(self, torch: Any, w: SimpleNamespace) -> Step:
        optimizer = torch.optim.Adam([p.requires_grad_() for p in w.parameters], lr=self.rate, fused=True)
        for p, g in zip(w.parameters, w.grads):
            p.grad = g

        def step() -> list[Any]:
            optimizer.step()
            return list(w.parameters)

        return step

    def jax(self, jax: Any, w: SimpleNamespace) -> Step:
        np = jax.numpy

        def one(t: Any, p: Any, g: Any, m: Any, v: Any) -> Any:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            rate = self.rate * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
            return p - rate * m / (np.sqrt(v) + 1e-8), m, v

        def every(t: Any, ps: Any, gs: Any, ms: Any, vs: Any) -> Any:
            return tuple(zip(*[one(t, *each) for each in zip(ps, gs, ms, vs)]))

        compiled = jax.jit(every, donate_argnums=(1, 3, 4))
        t, ps = 0.0, w.parameters
        ms, vs = [np.zeros_like(p) for p in ps], [np.zeros_like(p) for p in ps]

        def step() -> list[Any]:
            nonlocal t, ps, ms, vs
            t += 1
            ps, ms, vs = compiled(np.asarray(t, ps[0].dtype), ps, w.grads, ms, vs)
            return list(ps)

        return step

    def numpy(self, module: Any, w: SimpleNamespace) -> Step:
        t, m, v = 0, [0 * p for p in w.parameters], [0 * p for p in w.parameters]

        def step() -> list[Any]:
            nonlocal t
            t += 1
            rate = self.rate * (1 - 0.999 ** t) ** 0.5 / (1 - 0.9 ** t)
            for i, (p, g) in enumerate(zip(w.parameters, w.grads)):
                m[i] += 0.1 * (g - m[i])
                v[i] += 0.001 * (g * g - v[i])
                p -= rate * m[i] / (numpy.sqrt(v[i]) + 1e-8)
            return list(w.parameters)

        return step


WORKLOADS: dict[str, Workload] = {
    "elem_4M": Elementwise(0.25, size=4_000_000),
    "elem_40M": Elementwise(0.1, size=40_000_000),
    "reduce": Reductions(0.7, rows=2048),
    "softmax_ce": SoftmaxCrossEntropy(0.45, rows=256, classes=10_000),
    "layernorm": LayerNorm(0.6, rows=4096, columns=1024),
    "bias_relu": BiasRelu(0.7, rows=4096, columns=1024),
    "sgemm": MatrixProduct(1.0, rows=1024),
    "attention": Attention(0.9, heads=64, steps=256, units=64),
    "adam_10M": Adam(0.95, rows=1000, arrays=10),
}
