"""AlexNet (level 18)."""
from __future__ import annotations

from typing import Any

from ... import nn
from .network import Network, chain, trained

__all__ = ["AlexNet", "alexnet"]


class AlexNet(Network):
    """Five convolutions and three dense layers for images of 224 x 224 (Krizhevsky, arXiv:1404.5997).

    Parameters
    ----------
    classes : int
    """

    def __init__(self, classes: int = 1000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = chain(
                nn.Conv2D(64, kernel_size=11, strides=4, padding=2, activation="relu"),
                nn.MaxPool2D(pool_size=3, strides=2),
                nn.Conv2D(192, kernel_size=5, padding=2, activation="relu"),
                nn.MaxPool2D(pool_size=3, strides=2),
                nn.Conv2D(384, kernel_size=3, padding=1, activation="relu"),
                nn.Conv2D(256, kernel_size=3, padding=1, activation="relu"),
                nn.Conv2D(256, kernel_size=3, padding=1, activation="relu"),
                nn.MaxPool2D(pool_size=3, strides=2),
                nn.Flatten(),
                nn.Dense(4096, activation="relu"),
                nn.Dropout(0.5),
                nn.Dense(4096, activation="relu"),
                nn.Dropout(0.5),
            )
            self.output = nn.Dense(classes)


def alexnet(
    pretrained: bool = False, ctx: Any = None, root: str | None = None, device: Any = None, **kwargs: Any,
) -> AlexNet:
    """`AlexNet`; see `get_model` for the parameters."""
    return trained(AlexNet(**kwargs), "alexnet", pretrained, root, device if ctx is None else ctx)
