"""Blocks whose forward gives losses beside its result (level 15)."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ...base import InvalidValueError
from ..block import HybridBlock
from ..nn import HybridSequential

__all__ = ["StochasticBlock", "StochasticSequential"]


class StochasticBlock(HybridBlock):
    """A block whose `forward`, decorated with `collectLoss`, may call `add_loss`; `losses` has what the last
    call added.

    >>> import mxgrad as mx
    >>> from mxgrad.gluon import probability as mgp
    >>> class Latent(mgp.StochasticBlock):
    ...     @mgp.StochasticBlock.collectLoss
    ...     def forward(self, loc, scale):
    ...         posterior = mgp.Normal(loc, scale)
    ...         self.add_loss(mgp.kl_divergence(posterior, mgp.Normal(0.0, 1.0)))
    ...         return posterior.sample()
    >>> net = Latent()
    >>> net(mx.np.ones(2), mx.np.ones(2)).shape
    (2,)
    >>> net.losses
    [array([0.5, 0.5])]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._losses: list[Any] = []
        self._losscache: list[Any] = []
        # Whether `collectLoss` has run in this call.
        self._flag = False

    def add_loss(self, loss: Any) -> None:
        """Add to the losses of this call of `forward`."""
        self._losscache.append(loss)

    @staticmethod
    def collectLoss(func: Callable[..., Any]) -> Callable[..., Any]:
        """Decorates `forward`: it gives its result and the list of losses."""
        @wraps(func)
        def inner(self: Any, *args: Any, **kwargs: Any) -> Any:
            self._losscache = []
            out = func(self, *args, **kwargs)
            self._flag = True
            return out, self._losscache

        return inner

    def __call__(self, *args: Any) -> Any:
        self._flag = False
        found = super().__call__(*args)
        if not self._flag:
            raise InvalidValueError(f"{type(self).__name__}: The forward function should be decorated by "
                                    "StochasticBlock.collectLoss")
        out, self._losses = found
        return out

    @property
    def losses(self) -> list[Any]:
        """What the last call added."""
        return self._losses


class StochasticSequential(StochasticBlock, HybridSequential):
    """Blocks one after the other; `losses` has the list of losses of each one that is a `StochasticBlock`."""

    @StochasticBlock.collectLoss
    def forward(self, x: Any, *args: Any) -> Any:
        """The blocks' computation."""
        out = self._chained(x, *args)
        for block in self._children.values():
            if isinstance(block, StochasticBlock):
                self.add_loss(block.losses)
        return out
