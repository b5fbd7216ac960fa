"""Steps of training: loss, backward, plain SGD."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy

from .kinds import Draw, Training, Workload, weights


class Mlp(Training):
    """MLP {inputs}-{first}-{second}-{classes}, relu, batch {rows}"""

    tiny = {"inputs": 5, "first": 4, "second": 3, "classes": 2, "rows": 6}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, s.inputs), "y": draw.randint(0, s.classes, s.rows),
                "parameters": weights(draw, (s.first, s.inputs), (s.first,), (s.second, s.first), (s.second,),
                                      (s.classes, s.second), (s.classes,))}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        nn = mx.gluon.nn
        net = nn.HybridSequential()
        net.add(nn.Dense(w.first, activation="relu"), nn.Dense(w.second, activation="relu"),
                nn.Dense(w.classes))
        return net

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        nn = torch.nn
        return nn.Sequential(nn.Linear(w.inputs, w.first), nn.ReLU(), nn.Linear(w.first, w.second), nn.ReLU(),
                             nn.Linear(w.second, w.classes))

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        a, b, c, d, e, f = w.parameters
        h = jax.nn.relu(jax.nn.relu(w.x @ a.T + b) @ c.T + d) @ e.T + f
        return jax_cross_entropy(jax, h, w.y)


class LeNet(Training):
    """LeNet: convolutions of {first} and {second} 5x5, tanh, {units} units, batch {rows} of 28x28"""

    tiny = {"first": 2, "second": 3, "units": 4, "rows": 2}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randn(s.rows, 1, 28, 28), "y": draw.randint(0, 10, s.rows), "parameters": weights(
            draw, (s.first, 1, 5, 5), (s.first,), (s.second, s.first, 5, 5), (s.second,),
            (s.units, s.second * 16), (s.units,), (10, s.units), (10,))}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        nn = mx.gluon.nn
        net = nn.HybridSequential()
        net.add(nn.Conv2D(w.first, 5, activation="tanh"), nn.MaxPool2D(),
                nn.Conv2D(w.second, 5, activation="tanh"), nn.MaxPool2D(),
                nn.Dense(w.units, activation="tanh"), nn.Dense(10))
        return net

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        nn = torch.nn
        return nn.Sequential(nn.Conv2d(1, w.first, 5), nn.Tanh(), nn.MaxPool2d(2),
                             nn.Conv2d(w.first, w.second, 5), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(),
                             nn.Linear(w.second * 16, w.units), nn.Tanh(), nn.Linear(w.units, 10))

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        a, b, c, d, e, f, g, h = w.parameters

        def stage(x: Any, weight: Any, bias: Any) -> Any:
            y = jax.numpy.tanh(jax.lax.conv(x, weight, (1, 1), "VALID") + bias[:, None, None])
            return jax.lax.reduce_window(y, -numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

        y = stage(stage(w.x, a, b), c, d).reshape(w.rows, -1)
        return jax_cross_entropy(jax, jax.numpy.tanh(y @ e.T + f) @ g.T + h, w.y)


class ResidualBlock(Training):
    """residual block, conv-bn-relu-conv-bn-add-relu, {rows} x {channels} x {size} x {size}"""

    leaves = ("x",)
    tiny = {"rows": 3, "channels": 2, "size": 4}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        kernel = s.channels, s.channels, 3, 3
        first, second = weights(draw, kernel, kernel)
        scales = [1 + 0.1 * draw.randn(s.channels), 0.1 * draw.randn(s.channels)]
        shape = s.rows, s.channels, s.size, s.size
        return {"x": draw.randn(*shape), "head": draw.randn(*shape),
                "parameters": [first, *scales, second, *scales]}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        nn = mx.gluon.nn

        class Block(nn.HybridBlock):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                first, second = (nn.Conv2D(w.channels, 3, padding=1, use_bias=False) for _ in (1, 2))
                self.body = nn.HybridSequential()
                self.body.add(first, nn.BatchNorm(), nn.Activation("relu"), second, nn.BatchNorm())

            def hybrid_forward(self, F: Any, x: Any) -> Any:
                return F.relu(self.body(x) + x)

        return Block()

    def gluon_loss(self, mx: Any, net: Any, w: SimpleNamespace) -> Any:
        return (net(w.x) * w.head).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        nn = torch.nn

        class Block(nn.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                first, second = (nn.Conv2d(w.channels, w.channels, 3, padding=1, bias=False) for _ in (1, 2))
                self.body = nn.Sequential(first, nn.BatchNorm2d(w.channels), nn.ReLU(),
                                          second, nn.BatchNorm2d(w.channels))

            def forward(self, x: Any) -> Any:
                return torch.relu(self.body(x) + x)

        return Block()

    def torch_loss(self, torch: Any, net: Any, w: SimpleNamespace) -> Any:
        return (net(w.x) * w.head).sum()

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        def stage(x: Any, kernel: Any, gamma: Any, beta: Any) -> Any:
            y = jax.lax.conv(x, kernel, (1, 1), "SAME")
            y = jax.nn.standardize(y, axis=(0, 2, 3), epsilon=1e-5)
            return y * gamma[:, None, None] + beta[:, None, None]

        y = stage(jax.nn.relu(stage(w.x, *w.parameters[:3])), *w.parameters[3:])
        return (jax.nn.relu(y + w.x) * w.head).sum()


class Lstm(Training):
    """LSTM of {inputs} to {units}, {steps} steps, batch {rows}"""

    leaves = ("x",)
    tiny = {"inputs": 3, "units": 4, "steps": 5, "rows": 2}

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        gates = 4 * s.units
        return {"x": draw.randn(s.steps, s.rows, s.inputs),
                "head": 0.01 * draw.randn(s.steps, s.rows, s.units),
                "parameters": weights(draw, (gates, s.inputs), (gates, s.units), (gates,), (gates,))}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.gluon.rnn.LSTM(w.units, input_size=w.inputs)

    def gluon_loss(self, mx: Any, net: Any, w: SimpleNamespace) -> Any:
        return (net(w.x) * w.head).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.nn.LSTM(w.inputs, w.units)

    def torch_loss(self, torch: Any, net: Any, w: SimpleNamespace) -> Any:
        return (net(w.x)[0] * w.head).sum()

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        a, b, c, d = w.parameters
        inputs = w.x @ a.T + (c + d)

        def one(state: Any, x: Any) -> Any:
            h, cell = state
            i, f, g, o = jax.numpy.split(x + h @ b.T, 4, axis=1)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
            h = jax.nn.sigmoid(o) * jax.numpy.tanh(cell)
            return (h, cell), h

        zeros = jax.numpy.zeros((w.rows, w.units), w.x.dtype)
        return (jax.lax.scan(one, (zeros, zeros), inputs)[1] * w.head).sum()


class LstmCell(Lstm):
    """LSTM cell of {inputs} to {units}, unrolled {steps} steps, batch {rows}"""

    without = ("jax",)      # there the layer is a cell unrolled

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.gluon.rnn.LSTMCell(w.units, input_size=w.inputs)

    def gluon_loss(self, mx: Any, net: Any, w: SimpleNamespace) -> Any:
        states = net.begin_state(w.rows, dtype=w.x.dtype)
        net.reset()
        outputs, _ = net.unroll(w.steps, w.x, states, layout="TNC", merge_outputs=True)
        return (outputs * w.head).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.nn.LSTMCell(w.inputs, w.units)

    def torch_loss(self, torch: Any, net: Any, w: SimpleNamespace) -> Any:
        state, outputs = None, []
        for x in w.x:
            state = net(x, state)
            outputs.append(state[0])
        return (torch.stack(outputs) * w.head).sum()


class Embedding(Training):
    """embedding of {words} x {units}, {tokens} tokens"""

    tiny = {"words": 5, "units": 3, "tokens": 7}
    tolerance = 1e-5

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        return {"x": draw.randint(0, s.words, s.tokens), "head": draw.randn(s.tokens, s.units),
                "parameters": [draw.randn(s.words, s.units)]}

    def gluon(self, mx: Any, w: SimpleNamespace) -> Any:
        return mx.gluon.nn.Embedding(w.words, w.units)

    def gluon_loss(self, mx: Any, net: Any, w: SimpleNamespace) -> Any:
        return (net(w.x) * w.head).sum()

    def torch(self, torch: Any, w: SimpleNamespace) -> Any:
        return torch.nn.Embedding(w.words, w.units)

    def torch_loss(self, torch: Any, net: Any, w: SimpleNamespace) -> Any:
        return (net(w.x) * w.head).sum()

    def jax(self, jax: Any, w: SimpleNamespace) -> Any:
        return (w.parameters[0][w.x] * w.head).sum()


class Memory(Mlp):
    """growth of the memory of the process in 1,000 steps of an MLP {inputs}-{first}-{second}-{classes}"""

    unit = "MB"
    figure = "growth"
    limit = 2.0
    without = ("jax",)


def jax_cross_entropy(jax: Any, x: Any, y: Any) -> Any:
    return -jax.nn.log_softmax(x)[jax.numpy.arange(len(y)), y].mean()


WORKLOADS: dict[str, Workload] = {
    "mlp": Mlp(0.85, inputs=784, first=256, second=128, classes=10, rows=64),
    "lenet": LeNet(0.75, first=20, second=50, units=500, rows=64),
    "resblock": ResidualBlock(0.85, rows=16, channels=64, size=32),
    "lstm": Lstm(0.9, inputs=128, units=256, steps=35, rows=32),
    "lstm_cell": LstmCell(None, inputs=128, units=256, steps=35, rows=32),
    "embedding": Embedding(0.7, words=50_000, units=256, tokens=2048),
    "memory": Memory(None, inputs=64, first=128, second=64, classes=10, rows=64),
}
