"""MobileNet and MobileNet v2 (level 18)."""
from __future__ import annotations

from typing import Any

from ... import nn
from ...block import HybridBlock
from .network import Network, chain, trained

__all__ = ["MobileNet", "MobileNetV2", "get_mobilenet", "get_mobilenet_v2", "mobilenet0_25", "mobilenet0_5",
           "mobilenet0_75", "mobilenet1_0", "mobilenet_v2_0_25", "mobilenet_v2_0_5", "mobilenet_v2_0_75",
           "mobilenet_v2_1_0"]


class RELU6(HybridBlock):
    """min(max(x, 0), 6)."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.clip(x, 0, 6, name="relu6")


def _conv(channels: int, kernel: int = 1, stride: int = 1, pad: int = 0, groups: int = 1,
          act: Any = None) -> list[Any]:
    """A convolution, its normalisation, and a block of the class `act`."""
    layers = [nn.Conv2D(channels, kernel, stride, pad, groups=groups, use_bias=False), nn.BatchNorm()]
    return layers if act is None else [*layers, act()]


def _relu() -> nn.Activation:
    return nn.Activation("relu")


class LinearBottleneck(HybridBlock):
    """A convolution to `t` times the channels, one of each channel, one to the output's; `stride` 1 and equal
    channels add the input.
    """

    def __init__(self, in_channels: int, channels: int, t: int, stride: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_shortcut = stride == 1 and in_channels == channels
        wide = in_channels * t
        with self.name_scope():
            self.out = nn.HybridSequential()
            self.out.add(*_conv(wide, act=RELU6), *_conv(wide, 3, stride, 1, groups=wide, act=RELU6),
                         *_conv(channels))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.out(x)
        return F.elemwise_add(y, x) if self.use_shortcut else y


class MobileNet(Network):
    """Convolutions of each channel and convolutions of one place by turns (Howard and others,
    arXiv:1704.04861).

    Parameters
    ----------
    multiplier : float
        All numbers of channels are multiplied by it.
    classes : int
    """

    def __init__(self, multiplier: float = 1.0, classes: int = 1000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        widths = [int(n * multiplier) for n in (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
        strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
        with self.name_scope():
            self.features = chain(*_conv(widths[0], 3, 2, 1, act=_relu))
            for inputs, outputs, stride in zip(widths, widths[1:], strides):
                self.features.add(*_conv(inputs, 3, stride, 1, groups=inputs, act=_relu),
                                  *_conv(outputs, act=_relu))
            self.features.add(nn.GlobalAvgPool2D(), nn.Flatten())
            self.output = nn.Dense(classes)


class MobileNetV2(Network):
    """`LinearBottleneck` after `LinearBottleneck` (Sandler and others, arXiv:1801.04381).

    Parameters
    ----------
    multiplier : float
        All numbers of channels are multiplied by it, the last one only if it grows.
    classes : int
    """

    def __init__(self, multiplier: float = 1.0, classes: int = 1000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # (channels, repetitions, stride of the first), table 2 of the paper
        stages = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
        inputs = int(32 * multiplier)
        with self.name_scope():
            self.features = chain(prefix="features_")
            with self.features.name_scope():
                self.features.add(*_conv(inputs, 3, 2, 1, act=RELU6))
                for number, (width, count, stride) in enumerate(stages):
                    outputs = int(width * multiplier)
                    for i in range(count):
                        self.features.add(LinearBottleneck(
                            inputs, outputs, 6 if number else 1, 1 if i else stride))
                        inputs = outputs
                self.features.add(*_conv(int(1280 * max(multiplier, 1)), act=RELU6), nn.GlobalAvgPool2D())
            self.output = chain(prefix="output_")
            with self.output.name_scope():
                self.output.add(nn.Conv2D(classes, 1, use_bias=False, prefix="pred_"), nn.Flatten())


def _suffix(multiplier: float) -> str:
    """The multiplier as file names have it: 1.0, 0.75, 0.5."""
    text = f"{multiplier:.2f}"
    return text[:-1] if text in ("1.00", "0.50") else text


def get_mobilenet(
    multiplier: float, pretrained: bool = False, ctx: Any = None, root: str | None = None,
    device: Any = None, **kwargs: Any,
) -> MobileNet:
    """`MobileNet` of some width; see `get_model` for the parameters."""
    return trained(MobileNet(multiplier, **kwargs), f"mobilenet{_suffix(multiplier)}", pretrained, root,
                   device if ctx is None else ctx)


def get_mobilenet_v2(
    multiplier: float, pretrained: bool = False, ctx: Any = None, root: str | None = None,
    device: Any = None, **kwargs: Any,
) -> MobileNetV2:
    """`MobileNetV2` of some width; see `get_model` for the parameters."""
    return trained(MobileNetV2(multiplier, **kwargs), f"mobilenetv2_{_suffix(multiplier)}", pretrained, root,
                   device if ctx is None else ctx)


def mobilenet1_0(**kwargs: Any) -> MobileNet:
    """MobileNet; see `get_mobilenet`."""
    return get_mobilenet(1.0, **kwargs)


def mobilenet0_75(**kwargs: Any) -> MobileNet:
    """MobileNet with three quarters of the channels; see `get_mobilenet`."""
    return get_mobilenet(0.75, **kwargs)


def mobilenet0_5(**kwargs: Any) -> MobileNet:
    """MobileNet with half of the channels; see `get_mobilenet`."""
    return get_mobilenet(0.5, **kwargs)


def mobilenet0_25(**kwargs: Any) -> MobileNet:
    """MobileNet with a quarter of the channels; see `get_mobilenet`."""
    return get_mobilenet(0.25, **kwargs)


def mobilenet_v2_1_0(**kwargs: Any) -> MobileNetV2:
    """MobileNet v2; see `get_mobilenet_v2`."""
    return get_mobilenet_v2(1.0, **kwargs)


def mobilenet_v2_0_75(**kwargs: Any) -> MobileNetV2:
    """MobileNet v2 with three quarters of the channels; see `get_mobilenet_v2`."""
    return get_mobilenet_v2(0.75, **kwargs)


def mobilenet_v2_0_5(**kwargs: Any) -> MobileNetV2:
    """MobileNet v2 with half of the channels; see `get_mobilenet_v2`."""
    return get_mobilenet_v2(0.5, **kwargs)


def mobilenet_v2_0_25(**kwargs: Any) -> MobileNetV2:
    """MobileNet v2 with a quarter of the channels; see `get_mobilenet_v2`."""
    return get_mobilenet_v2(0.25, **kwargs)
