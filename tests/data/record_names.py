"""Writes names_1.9.1.json or names_2.0.json: the public names of an installed MXNet, by namespace.

    python tests/data/record_names.py tests/data/names_1.9.1.json      (with a Python that has MXNet 1.9.1)

What a namespace merely imports from Python's or NumPy's libraries is left out; so are modules, but for the
packages in PACKAGES, of which "" is MXNet itself.
"""
from __future__ import annotations

import json
import sys
import types
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import mxnet as mx

PACKAGES = ("", "contrib", "gluon", "gluon.contrib", "gluon.data", "gluon.model_zoo")
BOTH = (
    *PACKAGES, "nd", "nd.random", "nd.linalg", "nd.contrib", "nd.image", "nd.op", "nd.NDArray", "random",
    "base", "util", "context", "test_utils", "runtime", "operator", "name", "attribute", "engine",
    "numpy_dispatch_protocol", "symbol", "symbol.Symbol", "executor.Executor", "io", "image", "callback",
    "optimizer", "optimizer.Optimizer", "initializer", "lr_scheduler", "kvstore", "kvstore.KVStore", "model",
    "recordio", "visualization", "profiler", "log", "error", "contrib.text", "contrib.text.utils",
    "contrib.text.vocab", "gluon.nn", "gluon.rnn", "gluon.loss", "gluon.data.vision",
    "gluon.data.vision.transforms", "gluon.utils", "gluon.parameter", "gluon.block", "gluon.Block",
    "gluon.HybridBlock", "gluon.SymbolBlock", "gluon.Parameter", "gluon.Trainer", "gluon.model_zoo.vision",
    "gluon.contrib.estimator",
)
FIRST = (
    "contrib.autograd", "metric", "module", "module.BaseModule", "module.Module",
    "module.BucketingModule", "module.SequentialModule", "module.PythonModule", "module.PythonLossModule",
    "monitor", "monitor.Monitor", "gluon.ParameterDict", "gluon.contrib.nn", "gluon.contrib.cnn",
    "gluon.contrib.rnn",
)
SECOND = ("np", "np.linalg", "np.random", "np.ndarray", "npx", "npx.random", "npx.image", "device",
          "gluon.metric", "gluon.probability", "gluon.data.batchify", "gluon.contrib.data.vision",
          "gluon.contrib.data.vision.dataloader", "gluon.contrib.data.vision.transforms.bbox")


def found(namespace: str) -> Any:
    """The object of that name, imported where it is a module that nobody has imported."""
    here = mx
    for part in filter(None, namespace.split(".")):
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
    keep = [n for n in dir(here) if n[0] != "_"]
    if isinstance(here, type):
        return sorted(keep)
    if namespace not in PACKAGES:
        return sorted(n for n in keep if is_own(getattr(here, n, None)))
    modules = {m.name for m in iter_modules(here.__path__) if m.name[0] != "_"}
    aliases = {n for n in keep if getattr(getattr(here, n), "__name__", "").startswith("mxnet.")
               and isinstance(getattr(here, n), types.ModuleType)}
    return sorted(modules | aliases | {n for n in keep if is_own(getattr(here, n, None))})


spaces = BOTH + (FIRST if mx.__version__.startswith("1") else SECOND)
recorded = {namespace: names(namespace) for namespace in spaces}
with open(sys.argv[1], "w") as file:
    lines = (f" {json.dumps(s)}: {json.dumps(n)}" for s, n in recorded.items())
    file.write("{\n" + ",\n".join(lines) + "\n}\n")
