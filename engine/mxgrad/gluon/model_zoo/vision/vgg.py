"""VGG (level 18)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....base import InvalidValueError
from ....initializer import Xavier
from ... import nn
from .network import Network, chain, trained

__all__ = ["VGG", "get_vgg", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19",
           "vgg19_bn"]


class VGG(Network):
    """Stages of 3 x 3 convolutions, each halving the image, and three dense layers (Simonyan and Zisserman,
    arXiv:1409.1556).

    Parameters
    ----------
    layers, filters : list of int
        Convolutions of each stage, and their channels.
    classes : int
    batch_norm : bool
        Normalise behind every convolution.
    """

    def __init__(
        self, layers: Sequence[int], filters: Sequence[int], classes: int = 1000, batch_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        if len(layers) != len(filters):
            raise InvalidValueError(f"VGG: layers has {len(layers)} stages, filters has {len(filters)}")
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = chain()
            for count, channels in zip(layers, filters):
                for _ in range(count):
                    self.features.add(nn.Conv2D(
                        channels, kernel_size=3, padding=1,
                        weight_initializer=Xavier(rnd_type="gaussian", factor_type="out", magnitude=2)))
                    if batch_norm:
                        self.features.add(nn.BatchNorm())
                    self.features.add(nn.Activation("relu"))
                self.features.add(nn.MaxPool2D(strides=2))
            for _ in range(2):
                self.features.add(nn.Dense(4096, activation="relu", weight_initializer="normal"),
                                  nn.Dropout(rate=0.5))
            self.output = nn.Dense(classes, weight_initializer="normal")


_LAYERS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def get_vgg(
    num_layers: int, pretrained: bool = False, ctx: Any = None, root: str | None = None, device: Any = None,
    **kwargs: Any,
) -> VGG:
    """`VGG` with 11, 13, 16 or 19 layers; see `get_model` for the parameters."""
    if num_layers not in _LAYERS:
        raise InvalidValueError(f"get_vgg: num_layers is one of {', '.join(map(str, _LAYERS))}, "
                                f"not {num_layers!r}")
    name = f"vgg{num_layers}{'_bn' if kwargs.get('batch_norm') else ''}"
    return trained(VGG(_LAYERS[num_layers], (64, 128, 256, 512, 512), **kwargs), name, pretrained, root,
                   device if ctx is None else ctx)


def vgg11(**kwargs: Any) -> VGG:
    """VGG with 11 layers; see `get_vgg`."""
    return get_vgg(11, **kwargs)


def vgg13(**kwargs: Any) -> VGG:
    """VGG with 13 layers; see `get_vgg`."""
    return get_vgg(13, **kwargs)


def vgg16(**kwargs: Any) -> VGG:
    """VGG with 16 layers; see `get_vgg`."""
    return get_vgg(16, **kwargs)


def vgg19(**kwargs: Any) -> VGG:
    """VGG with 19 layers; see `get_vgg`."""
    return get_vgg(19, **kwargs)


def vgg11_bn(**kwargs: Any) -> VGG:
    """VGG with 11 layers and batch normalisation; see `get_vgg`."""
    return get_vgg(11, batch_norm=True, **kwargs)


def vgg13_bn(**kwargs: Any) -> VGG:
    """VGG with 13 layers and batch normalisation; see `get_vgg`."""
    return get_vgg(13, batch_norm=True, **kwargs)


def vgg16_bn(**kwargs: Any) -> VGG:
    """VGG with 16 layers and batch normalisation; see `get_vgg`."""
    return get_vgg(16, batch_norm=True, **kwargs)


def vgg19_bn(**kwargs: Any) -> VGG:
    """VGG with 19 layers and batch normalisation; see `get_vgg`."""
    return get_vgg(19, batch_norm=True, **kwargs)
