"""Models for images, by the names of their papers (level 18).

Inputs are (batch, 3, height, width), 224 x 224 or more (299 x 299 for Inception); the published parameters
expect RGB in [0, 1], less the means (0.485, 0.456, 0.406), over the deviations (0.229, 0.224, 0.225).

>>> import mxgrad as mx
>>> net = mx.gluon.model_zoo.vision.resnet18_v1(classes=10, thumbnail=True)
>>> net.initialize()
>>> net(mx.nd.zeros((2, 3, 32, 32))).shape
(2, 10)
"""
from __future__ import annotations

from typing import Any

from ....base import InvalidValueError
from . import alexnet as _alexnet, densenet, inception, mobilenet, resnet, squeezenet, vgg
from .alexnet import *  # noqa: F403
from .densenet import *  # noqa: F403
from .inception import *  # noqa: F403
from .mobilenet import *  # noqa: F403
from .network import Network
from .resnet import *  # noqa: F403
from .squeezenet import *  # noqa: F403
from .vgg import *  # noqa: F403

__all__ = ["get_model", *_alexnet.__all__, *densenet.__all__, *inception.__all__, *mobilenet.__all__,
           *resnet.__all__, *squeezenet.__all__, *vgg.__all__]


def _names() -> dict[str, str]:
    """The constructors of models, by the names `get_model` knows them by."""
    known = {}
    for function in __all__:
        if function.islower() and not function.startswith("get_"):
            name = function.replace("mobilenet_v2_", "mobilenetv2_").replace("inception_v3", "inceptionv3")
            if name.startswith(("mobilenet", "squeezenet")):
                head, _, tail = name.rpartition("_")
                name = f"{head}.{tail}"
            known[name] = function
    return known


def get_model(name: str, **kwargs: Any) -> Network:
    """The model of a name like 'resnet18_v1' or 'mobilenet0.5'.

    Parameters
    ----------
    name : str
        Capital letters count as small ones.
    classes : int
        1000 by default.
    pretrained : bool
        Load the parameters from a file of that name in `root`: see `model_store.get_model_file`.
    ctx, device : Context or list of Context, optional
        Where to put them.
    root : str, optional
        ``$MXNET_HOME/models`` by default.
    **kwargs
        What the class of the model takes: `prefix`, `thumbnail` …

    Raises
    ------
    InvalidValueError
        There is no such model; the message lists them.
    DownloadError
        There is no such file.

    Examples
    --------
    >>> net = get_model("mobilenet0.25", classes=10)
    >>> net.output
    Dense(None -> 10, linear)
    """
    known = _names()
    if name.lower() not in known:
        options = "\n\t".join(sorted(known))
        raise InvalidValueError(f"Model {name} is not supported. Available options are\n\t{options}")
    return globals()[known[name.lower()]](**kwargs)     # type: ignore[no-any-return]
