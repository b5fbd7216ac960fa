"""The kinds of workloads: a function with its gradients, a step of training, anything else."""
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy

Step = Callable[[], list[Any]]      # does the work once, and gives outputs and gradients
Draw = numpy.random.RandomState

# A workload's method for each library.
LANGUAGES = {"mxgrad": "gluon", "mxnet": "gluon", "torch": "torch", "jax": "jax", "numpy": "numpy"}
SCALES = {"ms": 1e3, "us": 1e6, "us/op": 1e6}      # of units of time


class Workload:
    """One thing to measure.

    The docstring of each subclass is its line in the table, with its sizes in braces.  A second paragraph, if
    there is one, says what stands in the way of an aim, and is printed where that is missed.

    Parameters
    ----------
    aim : float, optional
        What the figure divided by PyTorch's has to reach.
    **sizes : int
        What `data` and the programs get as ``s`` and ``w``.

    Attributes
    ----------
    unit : str
        Of the figure in the table: of a time one of `SCALES`.
    figure : str
        What is measured: the ``time`` of a step, the ``bytes`` that one leaves behind while its results live,
        the ``growth`` of the memory in 1,000 steps, the time of an ``import``.
    per : str
        The name of the size that times and bytes are divided by.
    limit : float, optional
        What the figure itself has to reach.
    tiny : dict
        The sizes for a test.
    tolerance : float
        Of the relative error, in the 2-norm, of each float32 result, beside the reference in float64.
    without : tuple of str
        Libraries that cannot run it, though there is a program.
    """

    unit: ClassVar[str] = "ms"
    figure: ClassVar[str] = "time"
    per: ClassVar[str] = ""
    limit: ClassVar[float | None] = None
    tiny: ClassVar[dict[str, int]] = {}
    tolerance: ClassVar[float] = 1e-5
    without: ClassVar[tuple[str, ...]] = ()

    def __init__(self, aim: float | None = None, /, **sizes: int) -> None:
        self.aim = aim
        self.sizes = sizes

    def data(self, draw: Draw, s: SimpleNamespace) -> dict[str, Any]:
        """The arrays, or lists of arrays, that the programs get beside the sizes."""
        return {}

    def runs_in(self, library: str) -> bool:
        return hasattr(self, LANGUAGES[library]) and library not in self.without

    def step(self, language: str, module: Any, w: SimpleNamespace) -> Step:
        """The program: its results in the same order in every language."""
        made: Step = getattr(self, language)(module, w)
        return made

    def count(self) -> int:
        """What the figure of a step is divided by."""
        return self.sizes[self.per] if self.per else 1

    def describe(self) -> tuple[str, str]:
        """The line in the table, and what is said where the aim is missed."""
        line, _, why = (type(self).__doc__ or "").strip().partition("\n\n")
        return line.format(**{name: f"{size:,}" for name, size in self.sizes.items()}), " ".join(why.split())


class Gradient(Workload):
    """A function of arrays, and its gradients by `leaves`.

    The programs `gluon`, `torch` and `jax` give the output, and the head gradient is ``w.head``, if the data
    have it (otherwise the output is a scalar); `numpy` gives the list of output and gradients.
    """

    leaves: ClassVar[tuple[str, ...]] = ("x",)
    backward: ClassVar[bool] = True

    def step(self, language: str, module: Any, w: SimpleNamespace) -> Step:
        leaves = [getattr(w, name) for name in self.leaves]
        head = getattr(w, "head", None)
        made: Step = getattr(self, f"_{language}_step")(module, w, leaves, head)
        return made

    def _gluon_step(self, mx: Any, w: SimpleNamespace, leaves: list[Any], head: Any) -> Step:
        program, record = self.gluon, mx.autograd.record        # type: ignore[attr-defined]
        for x in leaves:
            x.attach_grad()

        def forward() -> list[Any]:
            with record():
                return [program(mx, w)]

        def both() -> list[Any]:
            with record():
                y = program(mx, w)
            y.backward(head)
            return [y, *[x.grad for x in leaves]]

        return both if self.backward else forward

    def _torch_step(self, torch: Any, w: SimpleNamespace, leaves: list[Any], head: Any) -> Step:
        program = self.torch    # type: ignore[attr-defined]
        for x in leaves:
            x.requires_grad_()

        def both() -> list[Any]:
            for x in leaves:
                x.grad = None
            y = program(torch, w)
            y.backward(head)
            return [y, *[x.grad for x in leaves]]

        return both if self.backward else lambda: [program(torch, w)]

    def _jax_step(self, jax: Any, w: SimpleNamespace, leaves: list[Any], head: Any) -> Step:
        program = self.jax      # type: ignore[attr-defined]
        arrays, sizes = split(w)

        def both(leaves: list[Any], arrays: dict[str, Any]) -> list[Any]:
            def function(*leaves: Any) -> Any:
                return program(jax, SimpleNamespace(**sizes, **{**arrays, **dict(zip(self.leaves, leaves))}))

            if not self.backward:
                return [function(*leaves)]
            y, pull = jax.vjp(function, *leaves)
            return [y, *pull(jax.numpy.ones_like(y) if head is None else arrays["head"])]

        compiled = jax.jit(both)
        return lambda: compiled(leaves, arrays)

    def _numpy_step(self, module: Any, w: SimpleNamespace, leaves: list[Any], head: Any) -> Step:
        return lambda: self.numpy(module, w)[:None if self.backward else 1]     # type: ignore[attr-defined]


class Training(Workload):
    """A step of training: the loss, its gradients by the parameters and by `leaves`, plain SGD.

    ``w.parameters`` are the first values, in the order that all libraries have in common.  The programs
    `gluon` and `torch` make the net, `gluon_loss` and `torch_loss` are functions of it, `jax` is the loss
    itself.
    """

    tolerance = 1e-4
    leaves: ClassVar[tuple[str, ...]] = ()
    rate: ClassVar[float] = 0.01

    def gluon_loss(self, mx: Any, net: Any, w: SimpleNamespace) -> Any:
        return gluon_cross_entropy(mx)(net(w.x), w.y).mean()

    def torch_loss(self, torch: Any, net: Any, w: SimpleNamespace) -> Any:
        return torch.nn.functional.cross_entropy(net(w.x), w.y)

    def step(self, language: str, module: Any, w: SimpleNamespace) -> Step:
        leaves = [getattr(w, name) for name in self.leaves]
        made: Step = getattr(self, f"_{language}_step")(module, w, leaves)
        return made

    def _gluon_step(self, mx: Any, w: SimpleNamespace, leaves: list[Any]) -> Step:
        net = self.gluon(mx, w)     # type: ignore[attr-defined]
        net.initialize()
        net.cast(w.parameters[0].dtype)
        self.gluon_loss(mx, net, w)     # the shapes of the parameters
        parameters = [p for p in net.collect_params().values() if p.grad_req != "null"]
        for p, value in zip(parameters, w.parameters, strict=True):
            p.set_data(value)
        for x in leaves:
            x.attach_grad()
        net.hybridize()
        trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": self.rate})

        def step() -> list[Any]:
            with mx.autograd.record():
                loss = self.gluon_loss(mx, net, w)
            loss.backward()
            trainer.step(1)
            return [loss, *[x.grad for x in leaves], *[p.grad() for p in parameters],
                    *[p.data() for p in parameters]]

        return step

    def _torch_step(self, torch: Any, w: SimpleNamespace, leaves: list[Any]) -> Step:
        net = self.torch(torch, w).to(w.parameters[0].dtype)    # type: ignore[attr-defined]
        parameters = list(net.parameters())
        with torch.no_grad():
            for p, value in zip(parameters, w.parameters, strict=True):
                p.copy_(value)
        for x in leaves:
            x.requires_grad_()
        optimizer = torch.optim.SGD(net.parameters(), lr=self.rate, fused=True)

        def step() -> list[Any]:
            optimizer.zero_grad()
            for x in leaves:
                x.grad = None
            loss = self.torch_loss(torch, net, w)
            loss.backward()
            optimizer.step()
            return [loss, *[x.grad for x in leaves], *[p.grad for p in parameters], *parameters]

        return step

    def _jax_step(self, jax: Any, w: SimpleNamespace, leaves: list[Any]) -> Step:
        program = self.jax      # type: ignore[attr-defined]
        arrays, sizes = split(w)
        parameters = arrays.pop("parameters")

        def loss_of(leaves: list[Any], parameters: list[Any], arrays: dict[str, Any]) -> Any:
            named = dict(zip(self.leaves, leaves))
            return program(jax, SimpleNamespace(parameters=parameters, **sizes, **{**arrays, **named}))

        def update(leaves: list[Any], parameters: list[Any], arrays: dict[str, Any]) -> Any:
            loss, (by_leaf, grads) = jax.value_and_grad(loss_of, (0, 1))(leaves, parameters, arrays)
            return loss, by_leaf, grads, [p - self.rate * g for p, g in zip(parameters, grads)]

        compiled = jax.jit(update)

        def step() -> list[Any]:
            nonlocal parameters
            loss, by_leaf, grads, parameters = compiled(leaves, parameters, arrays)
            return [loss, *by_leaf, *grads, *parameters]

        return step


@cache
def gluon_cross_entropy(mx: Any) -> Any:
    """The loss, which programs make once, before they train."""
    return mx.gluon.loss.SoftmaxCrossEntropyLoss()


def split(w: SimpleNamespace) -> tuple[dict[str, Any], dict[str, int]]:
    """The arrays and the sizes of a workload's data."""
    arrays = {name: value for name, value in vars(w).items() if not isinstance(value, int)}
    return arrays, {name: value for name, value in vars(w).items() if isinstance(value, int)}


def weights(draw: Draw, *shapes: tuple[int, ...]) -> list[Any]:
    """First values of matrices and kernels, scaled by their inputs, and of biases."""
    scales = [numpy.prod(s[1:]) ** -0.5 if len(s) > 1 else 0.1 for s in shapes]
    return [scale * draw.randn(*s) for scale, s in zip(scales, shapes)]
