"""Sample arguments for every op, by kind: `SAMPLES[op name]` is a list of `Sample`.

Each module of this package, named as the one in mxgrad/ops that declares its ops, has a dict of its own::

    SAMPLES = {
        "tanh": [Sample(smooth(2, 3)), Sample(numpy.array([-300.0, 300.0]))],
        "softmax": [Sample(smooth(2, 3), axis=1, reference=lambda x, axis: ...)],
    }
"""
from importlib import import_module
from pkgutil import iter_modules

from .base import Sample, bools, ints, positive, restart, smooth

__all__ = ["SAMPLES", "Sample", "bools", "ints", "positive", "smooth"]

SAMPLES: dict[str, list[Sample]] = {}
for _module in sorted(m.name for m in iter_modules(__path__) if m.name != "base"):
    restart()
    for _op, _samples in import_module(f"{__name__}.{_module}").SAMPLES.items():
        if _op in SAMPLES:
            raise ValueError(f"samples of {_op!r} are given twice, once in {_module}.py")
        SAMPLES[_op] = _samples
