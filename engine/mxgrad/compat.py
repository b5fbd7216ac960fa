"""The name mxnet for mxgrad's modules, so that programs written for MXNet run unedited (level 11).

`mxgrad.as_mxnet` and ``python -m mxgrad`` use this.  ``mxnet.x`` is the very module ``mxgrad.x``: there are
no copies, so an array made through one name is an array of the other.
"""
from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import mxgrad

from .base import MXNetError, nearest
from .frontend import Namespace

__all__ = ["install"]

# Files in which the originals define what here is the package's own.
_INSIDE = {
    f"mxnet.{package}.{file}": f"mxnet.{package}" for package, file in (
        ("gluon.contrib.cnn", "conv_layers"), ("gluon.contrib.data", "sampler"),
        ("gluon.contrib.nn", "basic_layers"), ("image", "image"), ("io", "io"), ("ndarray", "ndarray"),
        ("ndarray", "utils"), ("numpy", "multiarray"))
}


class _Mxnet:
    """Finder and loader of ``mxnet`` and ``mxnet.x.y``."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != "mxnet":
            return None
        return ModuleSpec(name, self, origin=getattr(_found(name), "__file__", None))   # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what it finds under the name; the fresh module is dropped.
        sys.modules[module.__name__] = _found(module.__name__)


class _Missing:
    """The last finder: says what ``from mxnet import x`` did not find.  Python asks for it by the name of
    the package at hand, which is mxgrad.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None,
    ) -> None:
        parent, _, child = name.rpartition(".")
        if parent.partition(".")[0] == "mxgrad" and parent in sys.modules:
            raise ImportError(
                f"cannot import name {child!r} from {parent!r}, which stands for mxnet"
                f"{nearest(child, dir(sys.modules[parent]))}",
                name=name,
            )


def _found(name: str) -> Any:
    """The module of mxgrad that `name`, ``mxnet`` or ``mxnet.x.y``, stands for."""
    parent, _, child = _INSIDE.get(name, name).rpartition(".")
    if not parent:
        return mxgrad
    package = _found(parent)
    found = getattr(package, child, None)
    if not isinstance(found, (ModuleType, Namespace)):
        raise ModuleNotFoundError(
            f"No module named {name!r}: mxgrad stands for mxnet and has no such module"
            f"{nearest(child, dir(package))}",
            name=name,
        )
    return found


def install() -> None:
    """Make ``import mxnet`` mean mxgrad from now on; see `mxgrad.as_mxnet`."""
    loaded = sys.modules.get("mxnet", mxgrad)
    if loaded is not mxgrad:
        where = getattr(loaded, "__file__", None) or "an unknown place"
        raise MXNetError(
            f"as_mxnet: mxnet is imported already, from {where}; call mxgrad.as_mxnet() before anything "
            "imports mxnet"
        )
    if not any(isinstance(finder, _Mxnet) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Mxnet())
        sys.meta_path.append(_Missing())
