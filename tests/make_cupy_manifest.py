"""Writes engine/mxgrad/cupy_manifest.json: what CuPy offers, read from an installed CuPy (no GPU is needed).

Run it after installing a newer CuPy, and look at the difference::

    python tests/make_cupy_manifest.py

The manifest is what the device double (mxgrad.device_double) and the conformance test go by:

    cupy          the version
    functions     name -> parameters, of every function of the module cupy
    linalg, fft, stride_tricks, cupyx    the same for cupy.linalg, cupy.fft, cupy.lib.stride_tricks, and
                  cupyx.scatter_*
    ufuncs        name -> how many inputs, how many outputs, and the ufunc methods that do something
    ufunc_call, ufunc_methods    parameters of a ufunc call and of its methods
    names         constants and types of the module cupy
    cuda          names of cupy.cuda, and dotted those of cupy.cuda.runtime, memory and Stream
    methods, attributes, operators    of cupy.ndarray
    synchronizing    functions and methods that wait for the device, by their own documentation

Parameters are one string, as Python would write them without defaults' values: "a axis= *args * key= **rest".
"""
from __future__ import annotations

import inspect
import json
import pathlib
import re
from collections.abc import Iterable
from types import ModuleType
from typing import Any

PATH = pathlib.Path(__file__).resolve().parents[1] / "engine" / "mxgrad" / "cupy_manifest.json"

_UFUNC_KEYWORDS = ("out", "where", "axes", "axis", "keepdims", "casting", "order", "dtype", "subok")
_UFUNC_METHODS = ("accumulate", "at", "outer", "reduce", "reduceat")
_SYNCHRONIZES = re.compile(r"may\s+synchronize|performs\s+device\s+synchronization")


class _Probe:
    """An operand of no known type: a ufunc either delegates to its methods or refuses it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **keywords: None


def build(cupy: ModuleType) -> dict[str, Any]:
    """The manifest of the module `cupy`."""
    import cupyx
    from cupy.lib import stride_tricks

    ufuncs = {name: value for name, value in _public(cupy) if isinstance(value, cupy.ufunc)}
    array = dict(_public(cupy.ndarray))
    methods = {name: _parameters(value) for name, value in array.items() if callable(value)}
    documented = [*_public(cupy), *array.items()]
    return {
        "cupy": cupy.__version__,
        "functions": _functions(_public(cupy), skip=ufuncs),
        "linalg": _functions(_public(cupy.linalg)),
        "fft": _functions(_public(cupy.fft)),
        "stride_tricks": _functions(_public(stride_tricks)),
        "cupyx": _functions(item for item in _public(cupyx) if item[0].startswith("scatter_")),
        "ufuncs": {
            name: " ".join([str(ufunc.nin), str(ufunc.nout),
                            *(method for method in _UFUNC_METHODS if _has_method(ufunc, method))])
            for name, ufunc in ufuncs.items()
        },
        "ufunc_call": "*args " + " ".join(f"{word}=" for word in _UFUNC_KEYWORDS if _takes(cupy.exp, word)),
        "ufunc_methods": {name: _parameters(getattr(cupy.ufunc, name)) for name in _UFUNC_METHODS},
        "names": [name for name, value in _public(cupy)
                  if inspect.isclass(value) or value is None or isinstance(value, float)],
        "cuda": [name for name, _ in _public(cupy.cuda)] + [
            f"{part}.{name}" for part in ("memory", "runtime", "Stream")
            for name, _ in _public(getattr(cupy.cuda, part))
        ],
        "methods": methods,
        "attributes": sorted(set(array) - set(methods)),
        "operators": sorted(name for name in dir(cupy.ndarray) if name.startswith("__")),
        "synchronizing": sorted({name for name, value in documented
                                 if callable(value) and _SYNCHRONIZES.search(value.__doc__ or "")}),
    }


def _public(holder: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(holder, name)) for name in dir(holder) if not name.startswith("_")]


def _functions(items: Iterable[tuple[str, Any]], skip: Iterable[str] = ()) -> dict[str, str]:
    return {
        name: _parameters(value) for name, value in items
        if callable(value) and not inspect.isclass(value) and name not in skip
    }


def _parameters(function: Any) -> str:
    """The parameters of a function; of a compiled one, from the first line of its documentation."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        match = re.match(r"[\w.]+\((.*)\)", function.__doc__ or "")
        if match is None:
            return "*args **keywords"
        typed = [text.partition("=") for text in match[1].split(",") if text]  # such as "int axis=-1"
        words = [name.split()[-1] + equals for name, equals, _ in typed]
        return " ".join(word for word in words if word != "self")
    words = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            words.append(f"*{parameter.name}")
        elif parameter.kind is parameter.VAR_KEYWORD:
            taken = _taken_keywords(function, parameter.name)
            if taken and not any(word[0] == "*" for word in words):
                words.append("*")
            words += taken or [f"**{parameter.name}"]
        else:
            if parameter.kind is parameter.KEYWORD_ONLY and not any(word[0] == "*" for word in words):
                words.append("*")
            words.append(parameter.name + ("" if parameter.default is parameter.empty else "="))
    return " ".join(word for word in words if word != "self")


def _taken_keywords(function: Any, rest: str) -> list[str]:
    """The keywords that a function written in Python takes out of its ``**rest``; it refuses all others."""
    try:
        source = re.sub(r'#.*|"""[\s\S]*?"""', "", inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError):
        return []
    found = re.findall(rf"\b{rest}\.(?:pop|get)\('(\w+)'", source)
    return [f"{word}=" for word in dict.fromkeys(found)]


def _takes(ufunc: Any, word: str) -> bool:
    """Whether the call gets past the check of its keywords; the probe, or a missing GPU, ends it later."""
    try:
        ufunc(_Probe(), **{word: None})
    except Exception as error:
        return not (isinstance(error, TypeError) and "Wrong arguments" in str(error))
    return True


def _has_method(ufunc: Any, method: str) -> bool:
    operands = {"accumulate": 1, "reduce": 1, "outer": 2, "reduceat": 2, "at": 3}[method]
    try:
        getattr(ufunc, method)(*[_Probe()] * operands)
    except NotImplementedError:
        return False
    except Exception:  # it went on to compute, which a probe does not let it
        return True
    return True


def main() -> None:
    import cupy

    PATH.write_text(json.dumps(build(cupy), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
