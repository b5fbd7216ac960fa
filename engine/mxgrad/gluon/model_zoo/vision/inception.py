"""Inception v3 (level 18)."""
from __future__ import annotations

from typing import Any

from ... import nn
from .network import Network, chain, joined, trained

__all__ = ["Inception3", "inception_v3"]


def _conv(channels: int, kernel_size: Any, strides: int = 1, padding: Any = 0) -> nn.HybridSequential:
    return chain(nn.Conv2D(channels, kernel_size, strides, padding, use_bias=False),
                 nn.BatchNorm(epsilon=0.001), nn.Activation("relu"))


def _row(channels: int) -> nn.HybridSequential:
    return _conv(channels, (1, 7), padding=(0, 3))


def _column(channels: int) -> nn.HybridSequential:
    return _conv(channels, (7, 1), padding=(3, 0))


def _cross() -> nn.HybridConcatenate:
    """Three places along either axis."""
    return joined(chain(_conv(384, (1, 3), padding=(0, 1))), chain(_conv(384, (3, 1), padding=(1, 0))))


def _mean() -> nn.AvgPool2D:
    return nn.AvgPool2D(pool_size=3, strides=1, padding=1)


def _halve() -> nn.HybridSequential:
    return chain(nn.MaxPool2D(pool_size=3, strides=2))


# The modules of the paper's figures 5, 6 and 7, and the two that shrink the image before 6 and 7.


def _A(channels: int) -> list[Any]:
    return [
        chain(_conv(64, 1)),
        chain(_conv(48, 1), _conv(64, 5, padding=2)),
        chain(_conv(64, 1), _conv(96, 3, padding=1), _conv(96, 3, padding=1)),
        chain(_mean(), _conv(channels, 1)),
    ]


def _B() -> list[Any]:
    return [
        chain(_conv(384, 3, 2)),
        chain(_conv(64, 1), _conv(96, 3, padding=1), _conv(96, 3, 2)),
        _halve(),
    ]


def _C(channels: int) -> list[Any]:
    return [
        chain(_conv(192, 1)),
        chain(_conv(channels, 1), _row(channels), _column(192)),
        chain(_conv(channels, 1), _column(channels), _row(channels), _column(channels), _row(192)),
        chain(_mean(), _conv(192, 1)),
    ]


def _D() -> list[Any]:
    return [
        chain(_conv(192, 1), _conv(320, 3, 2)),
        chain(_conv(192, 1), _row(192), _column(192), _conv(192, 3, 2)),
        _halve(),
    ]


def _E() -> list[Any]:
    return [
        chain(_conv(320, 1)),
        chain(chain(_conv(384, 1)), _cross()),
        chain(chain(_conv(448, 1), _conv(384, 3, padding=1)), _cross()),
        chain(_mean(), _conv(192, 1)),
    ]


_MODULES: tuple[tuple[Any, ...], ...] = (
    ("A1", _A, 32), ("A2", _A, 64), ("A3", _A, 64), ("B", _B), ("C1", _C, 128), ("C2", _C, 160),
    ("C3", _C, 160), ("C4", _C, 192), ("D", _D), ("E1", _E), ("E2", _E))


class Inception3(Network):
    """Branches of convolutions side by side, for images of 299 x 299 (Szegedy and others, arXiv:1512.00567).

    Parameters
    ----------
    classes : int
    """

    def __init__(self, classes: int = 1000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = chain(
                _conv(32, 3, 2), _conv(32, 3), _conv(64, 3, padding=1),
                nn.MaxPool2D(pool_size=3, strides=2),
                _conv(80, 1), _conv(192, 3),
                nn.MaxPool2D(pool_size=3, strides=2))
            for name, make, *width in _MODULES:
                module = joined(prefix=f"{name}_")
                with module.name_scope():
                    module.add(*make(*width))
                self.features.add(module)
            self.features.add(nn.AvgPool2D(pool_size=8), nn.Dropout(0.5))
            self.output = nn.Dense(classes)


def inception_v3(
    pretrained: bool = False, ctx: Any = None, root: str | None = None, device: Any = None, **kwargs: Any,
) -> Inception3:
    """`Inception3`; see `get_model` for the parameters."""
    return trained(Inception3(**kwargs), "inceptionv3", pretrained, root, device if ctx is None else ctx)
