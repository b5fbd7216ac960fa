"""Writes names_1.9.1.json or names_2.0.json: the public names of an installed MXNet, by namespace.

    python tests/data/record_names.py tests/data/names_1.9.1.json      (with a Python that has MXNet 1.9.1)

Modules, and what a namespace merely imports from Python's or NumPy's libraries, are left out.
"""
from __future__ import annotations

import json
import sys
import types
from importlib import import_module
from typing import Any

import mxnet as mx

BOTH = (
    "nd", "nd.random", "nd.linalg", "nd.contrib", "nd.image", "nd.op", "nd.NDArray", "random", "base", "util",
    "context", "test_utils", "runtime", "operator", "name", "attribute", "engine",
    "numpy_dispatch_protocol",
)
FIRST = ("contrib.autograd",)
SECOND = ("np", "np.linalg", "np.random", "np.ndarray", "npx", "npx.random", "npx.image", "device")


def found(namespace: str) -> Any:
    """The object of that name, imported where it is a module that nobody has imported."""
    here = mx
    for part in namespace.split("."):
        if not hasattr(here, part):
            import_module(f"{here.__name__}.{part}")
        here = getattr(here, part)
    return here


def is_own(value: Any) -> bool:
    """Whether the library defines the value itself: it has no other module to come from."""
    if isinstance(value, types.ModuleType):
        return False
    module = getattr(value, "__module__", None)
    root = module.split(".")[0] if isinstance(module, str) else ""
    return root == "builtins" or root not in sys.stdlib_module_names | {"numpy"}


def names(namespace: str) -> list[str]:
    here = found(namespace)
    of_class = isinstance(here, type)
    keep = [n for n in dir(here) if n[0] != "_"]
    return sorted(keep if of_class else [n for n in keep if is_own(getattr(here, n, None))])


spaces = BOTH + (FIRST if mx.__version__.startswith("1") else SECOND)
recorded = {namespace: names(namespace) for namespace in spaces}
with open(sys.argv[1], "w") as file:
    lines = (f" {json.dumps(s)}: {json.dumps(n)}" for s, n in recorded.items())
    file.write("{\n" + ",\n".join(lines) + "\n}\n")
