"""Writes into everyday.json what the short programs in it give in an installed MXNet: those of nd with
MXNet 1.9.1, those of np with 2.0.0b1.

    python tests/data/record_everyday.py tests/data/everyday.json

A program is a key, `R` is what it gives, ``; with `` begins a block and ``;;`` ends it; a new one is added
with an empty result.  test_everyday.py runs the programs by the same `outcome`.
"""
from __future__ import annotations

import copy
import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy

KINDS = (IndexError, KeyError, AttributeError, TypeError, ValueError)


def shown(value: Any) -> str:
    """The value in words: the dtype and the text of arrays, the items of containers."""
    if type(value).__name__ in ("NDArray", "ndarray"):
        return f"{numpy.dtype(value.dtype).name} {value!r}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of " + "; ".join(map(shown, value))
    if isinstance(value, dict):
        return str({k: shown(v) for k, v in value.items()})
    return repr(value.item() if isinstance(value, numpy.generic) else value)


def outcome(mx: Any, M: Any, program: str) -> str:
    """What `program` gives with `M`, mx.nd or mx.np: `R` in words, or 'raises' and the kinds of the error."""
    values = {name: M.array(numpy.array(value), dtype=dtype) for name, value, dtype in (
        ("x", [[0, 0.5, 1, 1.5], [2, 2.5, 3, 3.5], [4, 4.5, 5, 5.5]], "float32"),
        ("v", [1, 2, 3, 4], "float32"), ("z", [[0] * 4] * 3, "float32"), ("i", [[1, 2], [3, 4]], "int32"),
        ("u", [1, 2, 200], "uint8"), ("h", [[1.5]], "float16"), ("d", [1.5], "float64"),
        ("b", [[True, False, True, True]], "bool"),
    )}
    values["s"] = values["x"][1, 1]
    names = {"mx": mx, "M": M, "numpy": numpy, "ag": mx.autograd, "copy": copy, "pickle": pickle, **values}
    code = program.replace("; with ", "\nwith ").replace(";; ", "\n")
    try:
        exec(code, names)
        return shown(names["R"])
    except Exception as error:
        return " ".join(["raises", *(kind.__name__ for kind in KINDS if isinstance(error, kind))])
    finally:
        mx.autograd.set_recording(False)
        mx.autograd.set_training(False)


if __name__ == "__main__":
    import mxnet

    is_first = mxnet.__version__.startswith("1")
    if not is_first:
        mxnet.npx.set_np()
    warnings.simplefilter("ignore")
    path, name = Path(sys.argv[1]), "nd" if is_first else "np"
    recorded = json.loads(path.read_text())
    recorded[name] = {p: outcome(mxnet, getattr(mxnet, name), p) for p in recorded[name]}
    path.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
