"""What the models of the zoo share (level 18)."""
from __future__ import annotations

from typing import Any, TypeVar

from ....npx.switches import is_np_array
from ... import nn
from ...block import HybridBlock
from ...contrib.nn import HybridConcurrent
from ..model_store import get_model_file


class Network(HybridBlock):
    """A classifier of images: ``features``, then ``output``."""

    features: nn.HybridSequential
    output: Any

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.output(self.features(x))


_Net = TypeVar("_Net", bound=Network)


def trained(net: _Net, name: str, pretrained: bool, root: str | None, ctx: Any) -> _Net:
    """The model, with the parameters of the file of that name if they are wanted."""
    if pretrained:
        net.load_parameters(get_model_file(name, root), ctx=ctx)
    return net


def chain(*layers: Any, prefix: str = "") -> nn.HybridSequential:
    """The layers one after the other."""
    found = nn.HybridSequential(prefix=prefix)
    found.add(*layers)
    return found


def joined(*branches: Any, prefix: str = "") -> nn.HybridConcatenate:
    """The channels of all branches of one input."""
    found = (nn.HybridConcatenate if is_np_array() else HybridConcurrent)(axis=1, prefix=prefix)
    found.add(*branches)
    return found
