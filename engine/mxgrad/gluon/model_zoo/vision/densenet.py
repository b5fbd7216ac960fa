"""DenseNet (level 18)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....base import InvalidValueError
from ... import nn
from .network import Network, chain, joined, trained

__all__ = ["DenseNet", "densenet121", "densenet161", "densenet169", "densenet201", "get_densenet"]


def _norm() -> tuple[Any, Any]:
    return nn.BatchNorm(), nn.Activation("relu")


def _layer(growth_rate: int, bn_size: int, dropout: float) -> nn.HybridConcatenate:
    new = chain(*_norm(), nn.Conv2D(bn_size * growth_rate, kernel_size=1, use_bias=False),
                *_norm(), nn.Conv2D(growth_rate, kernel_size=3, padding=1, use_bias=False))
    if dropout:
        new.add(nn.Dropout(dropout))
    return joined(nn.Identity(), new)


class DenseNet(Network):
    """Every layer sees the outputs of all before it in its stage; for images of 224 x 224 (Huang and others,
    arXiv:1608.06993).

    Parameters
    ----------
    num_init_features : int
        Channels of the first convolution.
    growth_rate : int
        Channels that a layer adds.
    block_config : list of int
        Layers of each stage.
    bn_size : int
        Channels inside a layer, in multiples of `growth_rate`.
    dropout : float
        Rate of dropout behind each layer.
    classes : int
    """

    def __init__(
        self, num_init_features: int, growth_rate: int, block_config: Sequence[int], bn_size: int = 4,
        dropout: float = 0, classes: int = 1000, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        channels = num_init_features
        with self.name_scope():
            self.features = chain(
                nn.Conv2D(channels, kernel_size=7, strides=2, padding=3, use_bias=False), *_norm(),
                nn.MaxPool2D(pool_size=3, strides=2, padding=1))
            for i, layers in enumerate(block_config, 1):
                stage = chain(prefix=f"stage{i}_")
                with stage.name_scope():
                    stage.add(*[_layer(growth_rate, bn_size, dropout) for _ in range(layers)])
                self.features.add(stage)
                channels += layers * growth_rate
                if i < len(block_config):
                    channels //= 2
                    self.features.add(chain(*_norm(), nn.Conv2D(channels, kernel_size=1, use_bias=False),
                                            nn.AvgPool2D(pool_size=2, strides=2)))
            self.features.add(*_norm(), nn.AvgPool2D(pool_size=7), nn.Flatten())
            self.output = nn.Dense(classes)


_SPECS = {121: (64, 32, (6, 12, 24, 16)), 161: (96, 48, (6, 12, 36, 24)), 169: (64, 32, (6, 12, 32, 32)),
          201: (64, 32, (6, 12, 48, 32))}


def get_densenet(
    num_layers: int, pretrained: bool = False, ctx: Any = None, root: str | None = None, device: Any = None,
    **kwargs: Any,
) -> DenseNet:
    """`DenseNet` with 121, 161, 169 or 201 layers; see `get_model` for the parameters."""
    if num_layers not in _SPECS:
        raise InvalidValueError(f"get_densenet: num_layers is one of {', '.join(map(str, _SPECS))}, "
                                f"not {num_layers!r}")
    return trained(DenseNet(*_SPECS[num_layers], **kwargs), f"densenet{num_layers}", pretrained, root,
                   device if ctx is None else ctx)


def densenet121(**kwargs: Any) -> DenseNet:
    """DenseNet with 121 layers; see `get_densenet`."""
    return get_densenet(121, **kwargs)


def densenet161(**kwargs: Any) -> DenseNet:
    """DenseNet with 161 layers; see `get_densenet`."""
    return get_densenet(161, **kwargs)


def densenet169(**kwargs: Any) -> DenseNet:
    """DenseNet with 169 layers; see `get_densenet`."""
    return get_densenet(169, **kwargs)


def densenet201(**kwargs: Any) -> DenseNet:
    """DenseNet with 201 layers; see `get_densenet`."""
    return get_densenet(201, **kwargs)
