"""Many small ops: what the tape and the way of a call cost."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy

from .kinds import Draw, Gradient, Step, Workload


class Chain(Gradient):
    """y = y * x + x on 4x4, {ops} ops, forward and backward"""

    unit = "us/op"
    per = "ops"
    tiny = {"ops": 10}
    tolerance = 1e-4    # of sums of many thousand terms

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.uniform(0.1, 0.9, (4, 4)), "head": numpy.ones((4, 4))}

    def gluon(self, module: Any, w: SimpleNamespace) -> Any:
        y = x = w.x
        for _ in range(w.ops // 2):
            y = y * x + x
        return y

    torch = jax = gluon

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        ys = [w.x]
        for _ in range(w.ops // 2):
            ys.append(ys[-1] * w.x + w.x)
        g, by_x = w.head, 0
        for y in reversed(ys[:-1]):
            by_x, g = by_x + g * y + g, g * w.x
        return [ys[-1], by_x + g]


class ChainForward(Chain):
    """y = y * x + x on 4x4, {ops} ops, recorded forward"""

    backward = False


class Deep(Chain):
    """the same, {ops} ops"""

    without = ("jax",)      # it would compile for minutes


class DeepBytes(ChainForward):
    """memory that a recorded chain of {ops} ops holds"""

    unit = "bytes/op"
    figure = "bytes"
    limit = 700.0
    without = ("jax", "numpy")      # they keep nothing


class While(Gradient):
    """double x of {rows} x {rows} until its norm is {bound}, then scale by its sign"""

    unit = "us"
    tiny = {"rows": 2, "bound": 100}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.uniform(0.1, 0.2, (s.rows, s.rows))}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        y = w.x * 2
        while y.norm().asscalar() < w.bound:
            y = y * 2
        return (y if y.sum().asscalar() > 0 else y * 100).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        y = w.x * 2
        while y.norm().item() < w.bound:
            y = y * 2
        return (y if y.sum().item() > 0 else y * 100).sum()

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        factor, y = 2, w.x * 2
        while numpy.linalg.norm(y) < w.bound:
            factor, y = factor * 2, y * 2
        if y.sum() <= 0:
            factor, y = factor * 100, y * 100
        return [y.sum(), numpy.full_like(y, factor)]


class SliceLoop(Gradient):
    """h = h * w + x[i] over {rows} rows of {columns}"""

    leaves = ("x", "weight")
    tiny = {"rows": 5, "columns": 3}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.columns), "weight": draw.uniform(0.1, 0.9, s.columns)}

    def gluon(self, module: Any, w: SimpleNamespace) -> Any:
        h = w.x[0]
        for i in range(1, w.rows):
            h = h * w.weight + w.x[i]
        return h.sum()

    torch = jax = gluon

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        hs = [w.x[0]]
        for row in w.x[1:]:
            hs.append(hs[-1] * w.weight + row)
        by_x, by_weight, g = numpy.empty_like(w.x), numpy.zeros_like(w.weight), numpy.ones_like(w.weight)
        for i in reversed(range(1, w.rows)):
            by_x[i] = g
            by_weight += g * hs[i - 1]
            g = g * w.weight
        by_x[0] = g
        return [hs[-1].sum(), by_x, by_weight]


class Take(Gradient):
    """{indices} rows of a table of {rows} x {columns}, by index"""

    tiny = {"rows": 5, "columns": 3, "indices": 7}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.columns), "at": draw.randint(0, s.rows, s.indices),
                "head": draw.randn(s.indices, s.columns)}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.nd.take(w.x, w.at)

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.index_select(w.x, 0, w.at)

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return jax.numpy.take(w.x, w.at, axis=0)

    def numpy(self, module: Any, w: SimpleNamespace) -> list[Any]:
        by_x = numpy.zeros_like(w.x)
        numpy.add.at(by_x, w.at, w.head)
        return [w.x[w.at], by_x]


class HessianVector(Workload):
    """Hessian-vector product of an MLP {inputs}-{units}-{outputs}, tanh, batch {rows}, as a program"""

    replayed = True

    tiny = {"inputs": 4, "units": 3, "outputs": 2, "rows": 5}
    tolerance = 1e-4
    without = ("mxnet",)    # it has no second derivative of products and sums

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        shapes = (s.inputs, s.units), (s.units,), (s.units, s.outputs), (s.outputs,)
        return {"x": draw.randn(s.rows, s.inputs), "y": draw.randn(s.rows, s.outputs),
                "parameters": [0.1 * draw.randn(*s) for s in shapes], "v": [draw.randn(*s) for s in shapes]}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Step:
        nd, autograd = mx.nd, mx.autograd
        a, b, c, d = w.parameters
        for p in w.parameters:
            p.attach_grad()

        def step() -> list[Any]:
            with autograd.record():
                loss = ((nd.dot(nd.tanh(nd.dot(w.x, a) + b), c) + d - w.y) ** 2).mean()
                grads = autograd.grad(loss, w.parameters, create_graph=True, retain_graph=True)
                along = sum((g * v).sum() for g, v in zip(grads, w.v))
            return list(autograd.grad(along, w.parameters))

        return autograd.program(step) if self.replayed else step    # type: ignore[no-any-return]

    def torch(self, torch: Any, w: SimpleNamespace) -> Step:
        a, b, c, d = (p.requires_grad_() for p in w.parameters)

        def step() -> list[Any]:
            loss = ((torch.tanh(w.x @ a + b) @ c + d - w.y) ** 2).mean()
            grads = torch.autograd.grad(loss, w.parameters, create_graph=True)
            along = sum((g * v).sum() for g, v in zip(grads, w.v))
            return list(torch.autograd.grad(along, w.parameters))

        return step

    def jax(self, jax: Any, w: SimpleNamespace) -> Step:
        def loss(parameters: list[Any], x: Any, y: Any) -> Any:
            a, b, c, d = parameters
            return ((jax.numpy.tanh(x @ a + b) @ c + d - y) ** 2).mean()

        def product(parameters: list[Any], v: list[Any], x: Any, y: Any) -> Any:
            return jax.jvp(lambda p: jax.grad(loss)(p, x, y), (parameters,), (v,))[1]

        compiled = jax.jit(product)
        return lambda: compiled(w.parameters, w.v, w.x, w.y)


class HessianVectorEager(HessianVector):
    """Hessian-vector product of an MLP {inputs}-{units}-{outputs}, tanh, batch {rows}, op by op"""

    replayed = False


class Import(Workload):
    """import of the package, in a process of its own"""

    figure = "import"

    def runs_in(self, library: str) -> bool:
        return True


WORKLOADS: dict[str, Workload] = {
    "chain_fwd": ChainForward(None, ops=200),
    "chain": Chain(0.5, ops=200),
    "while_loop": While(0.6, rows=4, bound=1000),
    "deep_100": Deep(None, ops=100),
    "deep_10k": Deep(None, ops=10_000),
    "deep_100k": Deep(0.5, ops=100_000),
    "deep_bytes": DeepBytes(None, ops=100_000),
    "slice_loop": SliceLoop(0.8, rows=256, columns=64),
    "take": Take(0.8, rows=20_000, columns=64, indices=8192),
    "hvp": HessianVector(0.8, inputs=64, units=128, outputs=10, rows=64),
    "hvp_eager": HessianVectorEager(None, inputs=64, units=128, outputs=10, rows=64),
    "import": Import(0.15),
}
