"""SqueezeNet (level 18)."""
from __future__ import annotations

from typing import Any

from ....base import InvalidValueError
from ... import nn
from .network import Network, chain, joined, trained

__all__ = ["SqueezeNet", "get_squeezenet", "squeezenet1_0", "squeezenet1_1"]


def _conv(channels: int, kernel_size: int, padding: int = 0) -> nn.HybridSequential:
    return chain(nn.Conv2D(channels, kernel_size, padding=padding), nn.Activation("relu"))


def _fire(squeeze: int, expand: int) -> nn.HybridSequential:
    return chain(_conv(squeeze, 1), joined(_conv(expand, 1), _conv(expand, 3, 1)))


def _pool() -> nn.MaxPool2D:
    return nn.MaxPool2D(pool_size=3, strides=2, ceil_mode=True)


class SqueezeNet(Network):
    """AlexNet's accuracy with a fiftieth of its parameters, for images of 224 x 224 (Iandola and others,
    arXiv:1602.07360).

    Parameters
    ----------
    version : {'1.0', '1.1'}
        1.1 needs 2.4 times less computation than 1.0.
    classes : int
    """

    def __init__(self, version: str, classes: int = 1000, **kwargs: Any) -> None:
        if version not in ("1.0", "1.1"):
            raise InvalidValueError(f"SqueezeNet: version is '1.0' or '1.1', not {version!r}")
        super().__init__(**kwargs)
        with self.name_scope():
            if version == "1.0":
                self.features = chain(
                    nn.Conv2D(96, kernel_size=7, strides=2), nn.Activation("relu"), _pool(),
                    _fire(16, 64), _fire(16, 64), _fire(32, 128), _pool(),
                    _fire(32, 128), _fire(48, 192), _fire(48, 192), _fire(64, 256), _pool(),
                    _fire(64, 256))
            else:
                self.features = chain(
                    nn.Conv2D(64, kernel_size=3, strides=2), nn.Activation("relu"), _pool(),
                    _fire(16, 64), _fire(16, 64), _pool(),
                    _fire(32, 128), _fire(32, 128), _pool(),
                    _fire(48, 192), _fire(48, 192), _fire(64, 256), _fire(64, 256))
            self.features.add(nn.Dropout(0.5))
            self.output = chain(nn.Conv2D(classes, kernel_size=1), nn.Activation("relu"), nn.AvgPool2D(13),
                                nn.Flatten())


def get_squeezenet(
    version: str, pretrained: bool = False, ctx: Any = None, root: str | None = None, device: Any = None,
    **kwargs: Any,
) -> SqueezeNet:
    """`SqueezeNet` of version '1.0' or '1.1'; see `get_model` for the parameters."""
    return trained(SqueezeNet(version, **kwargs), f"squeezenet{version}", pretrained, root,
                   device if ctx is None else ctx)


def squeezenet1_0(**kwargs: Any) -> SqueezeNet:
    """SqueezeNet 1.0; see `get_squeezenet`."""
    return get_squeezenet("1.0", **kwargs)


def squeezenet1_1(**kwargs: Any) -> SqueezeNet:
    """SqueezeNet 1.1; see `get_squeezenet`."""
    return get_squeezenet("1.1", **kwargs)
