"""ResNet, versions 1 and 2 (level 18)."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....base import InvalidValueError
from ... import nn
from ...block import HybridBlock
from .network import Network, chain, trained

__all__ = ["BasicBlockV1", "BasicBlockV2", "BottleneckV1", "BottleneckV2", "ResNetV1", "ResNetV2",
           "get_resnet", "resnet101_v1", "resnet101_v2", "resnet152_v1", "resnet152_v2", "resnet18_v1",
           "resnet18_v2", "resnet34_v1", "resnet34_v2", "resnet50_v1", "resnet50_v2"]


def _conv3x3(channels: int, stride: int, in_channels: int) -> nn.Conv2D:
    return nn.Conv2D(channels, kernel_size=3, strides=stride, padding=1, use_bias=False,
                     in_channels=in_channels)


def _conv1x1(channels: int, stride: int, in_channels: int = 0) -> nn.Conv2D:
    return nn.Conv2D(channels, kernel_size=1, strides=stride, use_bias=False, in_channels=in_channels)


class _BlockV1(HybridBlock):
    """relu(x + body(x)); with `downsample` a convolution brings x to the shape of the other term.

    Parameters
    ----------
    channels, stride : int
        Channels of the output, and by what the image shrinks.
    downsample : bool
    in_channels : int
        0 to learn the number from the first input.
    """

    def __init__(self, channels: int, stride: int, downsample: bool = False, in_channels: int = 0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.body = self._layers(channels, stride, in_channels)
        self.downsample = None
        if downsample:
            self.downsample = chain(_conv1x1(channels, stride, in_channels), nn.BatchNorm())

    def _layers(self, channels: int, stride: int, in_channels: int) -> nn.HybridSequential:
        raise NotImplementedError

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.body(x)
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.Activation(y + shortcut, act_type="relu")


class BasicBlockV1(_BlockV1):
    __doc__ = f"""{_BlockV1.__doc__}
    The body is two 3 x 3 convolutions (He and others, arXiv:1512.03385).
    """

    def _layers(self, channels: int, stride: int, in_channels: int) -> nn.HybridSequential:
        return chain(_conv3x3(channels, stride, in_channels), nn.BatchNorm(), nn.Activation("relu"),
                     _conv3x3(channels, 1, channels), nn.BatchNorm())


class BottleneckV1(_BlockV1):
    __doc__ = f"""{_BlockV1.__doc__}
    The body is a 3 x 3 convolution of a quarter of the channels between two of one place (He and others,
    arXiv:1512.03385).
    """

    def _layers(self, channels: int, stride: int, in_channels: int) -> nn.HybridSequential:
        inner = channels // 4
        return chain(nn.Conv2D(inner, kernel_size=1, strides=stride), nn.BatchNorm(), nn.Activation("relu"),
                     _conv3x3(inner, 1, inner), nn.BatchNorm(), nn.Activation("relu"),
                     nn.Conv2D(channels, kernel_size=1, strides=1), nn.BatchNorm())


class _BlockV2(HybridBlock):
    """x plus convolutions, each of which stands behind a normalisation and relu; with `downsample` a
    convolution brings x to the shape of the other term.

    Parameters are as in `BasicBlockV1`.
    """

    def __init__(self, channels: int, stride: int, downsample: bool = False, in_channels: int = 0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._convolutions = 0
        self._add(channels, stride, in_channels)
        self.downsample = _conv1x1(channels, stride, in_channels) if downsample else None

    def _add(self, channels: int, stride: int, in_channels: int) -> None:
        raise NotImplementedError

    def _append(self, norm: Any, conv: Any) -> None:
        self._convolutions += 1
        setattr(self, f"bn{self._convolutions}", norm)
        setattr(self, f"conv{self._convolutions}", conv)

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = shortcut = x
        for i in range(1, self._convolutions + 1):
            y = F.Activation(getattr(self, f"bn{i}")(y), act_type="relu")
            if i == 1 and self.downsample is not None:
                shortcut = self.downsample(y)
            y = getattr(self, f"conv{i}")(y)
        return y + shortcut


class BasicBlockV2(_BlockV2):
    __doc__ = f"""{_BlockV2.__doc__}
    There are two 3 x 3 convolutions (He and others, arXiv:1603.05027).
    """

    def _add(self, channels: int, stride: int, in_channels: int) -> None:
        self._append(nn.BatchNorm(), _conv3x3(channels, stride, in_channels))
        self._append(nn.BatchNorm(), _conv3x3(channels, 1, channels))


class BottleneckV2(_BlockV2):
    __doc__ = f"""{_BlockV2.__doc__}
    There is a 3 x 3 convolution of a quarter of the channels between two of one place (He and others,
    arXiv:1603.05027).
    """

    def _add(self, channels: int, stride: int, in_channels: int) -> None:
        inner = channels // 4
        self._append(nn.BatchNorm(), _conv1x1(inner, 1))
        self._append(nn.BatchNorm(), _conv3x3(inner, stride, inner))
        self._append(nn.BatchNorm(), _conv1x1(channels, 1))


class _ResNet(Network):
    """What both versions share: a start, and stages of blocks."""

    def _first(self, channels: int, thumbnail: bool) -> list[Any]:
        if thumbnail:
            return [_conv3x3(channels, 1, 0)]
        return [nn.Conv2D(channels, 7, 2, 3, use_bias=False), nn.BatchNorm(), nn.Activation("relu"),
                nn.MaxPool2D(3, 2, 1)]

    def _add_stages(self, block: Any, layers: Sequence[int], channels: Sequence[int]) -> None:
        if len(layers) != len(channels) - 1:
            raise InvalidValueError(
                f"{type(self).__name__}: layers has {len(layers)} stages, so channels has to have "
                f"{len(layers) + 1} numbers, got {len(channels)}")
        for i, (count, inputs, outputs) in enumerate(zip(layers, channels, channels[1:]), 1):
            stage = chain(prefix=f"stage{i}_")
            with stage.name_scope():
                stage.add(block(outputs, 1 if i == 1 else 2, outputs != inputs, in_channels=inputs,
                                prefix=""))
                for _ in range(count - 1):
                    stage.add(block(outputs, 1, False, in_channels=outputs, prefix=""))
            self.features.add(stage)


class ResNetV1(_ResNet):
    """Residual network, version 1 (He and others, arXiv:1512.03385).

    Parameters
    ----------
    block : class
        `BasicBlockV1` or `BottleneckV1`.
    layers : list of int
        Blocks of each stage.
    channels : list of int
        Channels before the stages and of each of them.
    classes : int
    thumbnail : bool
        For small images: the first convolution does not shrink them.
    """

    def __init__(
        self, block: Any, layers: Sequence[int], channels: Sequence[int], classes: int = 1000,
        thumbnail: bool = False, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = chain(*self._first(channels[0], thumbnail))
            self._add_stages(block, layers, channels)
            self.features.add(nn.GlobalAvgPool2D())
            self.output = nn.Dense(classes, in_units=channels[-1])


class ResNetV2(_ResNet):
    """Residual network, version 2 (He and others, arXiv:1603.05027); parameters as in `ResNetV1`, with
    `BasicBlockV2` or `BottleneckV2`.
    """

    def __init__(
        self, block: Any, layers: Sequence[int], channels: Sequence[int], classes: int = 1000,
        thumbnail: bool = False, **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = chain(nn.BatchNorm(scale=False, center=False),
                                  *self._first(channels[0], thumbnail))
            self._add_stages(block, layers, channels)
            self.features.add(nn.BatchNorm(), nn.Activation("relu"), nn.GlobalAvgPool2D(), nn.Flatten())
            self.output = nn.Dense(classes, in_units=channels[-1])


_BASIC, _BOTTLENECK = (64, 64, 128, 256, 512), (64, 256, 512, 1024, 2048)
_LAYERS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def get_resnet(
    version: int, num_layers: int, pretrained: bool = False, ctx: Any = None, root: str | None = None,
    device: Any = None, **kwargs: Any,
) -> Network:
    """A residual network of `version` 1 or 2 with 18, 34, 50, 101 or 152 layers; see `get_model` for the
    other parameters.
    """
    if num_layers not in _LAYERS:
        raise InvalidValueError(f"Invalid number of layers: {num_layers}. Options are "
                                f"{', '.join(map(str, _LAYERS))}")
    if version not in (1, 2):
        raise InvalidValueError(f"Invalid resnet version: {version}. Options are 1 and 2.")
    small = num_layers < 50
    net: Network
    if version == 1:
        net = ResNetV1(BasicBlockV1 if small else BottleneckV1, _LAYERS[num_layers],
                       _BASIC if small else _BOTTLENECK, **kwargs)
    else:
        net = ResNetV2(BasicBlockV2 if small else BottleneckV2, _LAYERS[num_layers],
                       _BASIC if small else _BOTTLENECK, **kwargs)
    return trained(net, f"resnet{num_layers}_v{version}", pretrained, root, device if ctx is None else ctx)


def resnet18_v1(**kwargs: Any) -> Network:
    """ResNet 1 with 18 layers; see `get_resnet`."""
    return get_resnet(1, 18, **kwargs)


def resnet34_v1(**kwargs: Any) -> Network:
    """ResNet 1 with 34 layers; see `get_resnet`."""
    return get_resnet(1, 34, **kwargs)


def resnet50_v1(**kwargs: Any) -> Network:
    """ResNet 1 with 50 layers; see `get_resnet`."""
    return get_resnet(1, 50, **kwargs)


def resnet101_v1(**kwargs: Any) -> Network:
    """ResNet 1 with 101 layers; see `get_resnet`."""
    return get_resnet(1, 101, **kwargs)


def resnet152_v1(**kwargs: Any) -> Network:
    """ResNet 1 with 152 layers; see `get_resnet`."""
    return get_resnet(1, 152, **kwargs)


def resnet18_v2(**kwargs: Any) -> Network:
    """ResNet 2 with 18 layers; see `get_resnet`."""
    return get_resnet(2, 18, **kwargs)


def resnet34_v2(**kwargs: Any) -> Network:
    """ResNet 2 with 34 layers; see `get_resnet`."""
    return get_resnet(2, 34, **kwargs)


def resnet50_v2(**kwargs: Any) -> Network:
    """ResNet 2 with 50 layers; see `get_resnet`."""
    return get_resnet(2, 50, **kwargs)


def resnet101_v2(**kwargs: Any) -> Network:
    """ResNet 2 with 101 layers; see `get_resnet`."""
    return get_resnet(2, 101, **kwargs)


def resnet152_v2(**kwargs: Any) -> Network:
    """ResNet 2 with 152 layers; see `get_resnet`."""
    return get_resnet(2, 152, **kwargs)
