"""Writes the type stubs of mxgrad, mxgrad.nd, mxgrad.np and mxgrad.npx, whose functions are made on demand.

    python tools/stubs.py

The types of parameters are those that the docstrings give (mxgrad/documentation), those of results what
tools/examples.py saw.  A function whose result varies with its parameters gives Any.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy

import mxgrad
from mxgrad import documentation, nd, np, npx
from mxgrad.frontend import FRONTENDS, Frontend, Namespace, document
from mxgrad.registry import REQUIRED

ENGINE = Path(mxgrad.__file__).parent
HEAD = '''# Written by tools/stubs.py.
# mypy: disable-error-code="override, misc"
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy

from {up}context import Context
from {up}ndarray import BaseArray
'''
ALIASES = {
    "nd": "_Array = BaseArray\n",
    "np": "_Array = BaseArray | numpy.ndarray[Any, Any] | float\n",
    "npx": "_Array = BaseArray | numpy.ndarray[Any, Any] | float\n",
}
COMMON = "_DType = str | type | numpy.dtype[Any]\n_Context = Context | str\n"
ARRAY = documentation.ARRAY
PIECES = {
    "int": "int", "float": "float", "number": "float", "str": "str", "bool": "bool", "bytes": "bytes",
    "None": "None", "dtype": "_DType", "Context": "_Context", "Device": "_Context",
    "callable": "Callable[..., Any]", "slice": "slice", "numpy.ndarray": "numpy.ndarray[Any, Any]",
}
# With these parameters a function gives several arrays, or others, as they say.
VARYING = {
    "arys", "condition", "full", "get_prob", "indices_or_sections", "init_states", "inputs", "loop_vars",
    "num_outputs", "op_type", "out_grad", "output_mean_var", "ret_typ", "retstep", "return_counts",
    "return_index", "return_indices", "return_inverse", "returned", "state_outputs",
}
# Own methods whose result is no array.
HOST = {"asscalar", "item", "tolist", "to_dlpack_for_read", "to_dlpack_for_write"}
COMPARISONS = ("__eq__", "__ge__", "__gt__", "__le__", "__lt__", "__ne__")


def piece(text: str, array: str) -> str:
    """The type of one alternative of a type in a docstring."""
    text = text.strip()
    inner = re.fullmatch(r"(?:tuple|sequence|pair|list) of (.*)", text)
    if inner:
        return f"Sequence[{piece(inner[1], array)}]"
    if text.startswith("{"):
        values = re.findall(r"'[^']*'|-?\d+", text)
        return f"Literal[{', '.join(values)}]" if "inf" not in text else "Any"
    if text.split(" of ")[0] == array:
        return "_Array"
    return PIECES.get(text, "Any")


def parameter_type(function: str, p: inspect.Parameter, known: dict[str, tuple[str, str]]) -> str:
    kind = re.sub(r", (optional|default .*)$", "", known.get(p.name, ("any", ""))[0])
    parts = [kind] if kind.startswith("{") else re.split(r" or |, ", kind)
    types = list(dict.fromkeys(piece(part, ARRAY[function.partition(".")[0]]) for part in parts))
    if p.default is None and "None" not in types:
        types.append("None")
    return "Any" if "Any" in types or "Sequence[Any]" in types else " | ".join(types)


def default(p: inspect.Parameter) -> str:
    simple = isinstance(p.default, (int, float, str, type(None))) and repr(p.default) not in ("inf", "nan")
    return repr(p.default) if simple else "..."


def result_type(name: str, function: Any) -> str:
    facts = documentation.examples().get(name)
    if facts is None or VARYING & set(inspect.signature(function).parameters):
        return "Any"
    found = re.fullmatch(r"(?:(list|tuple) of )?(NDArray|ndarray|int|float|bool|str|None)", facts.returns)
    if not found:
        return "Any"
    kind, element = found.groups()
    return element if kind is None else f"list[{element}]" if kind == "list" else f"tuple[{element}, ...]"


def definition(name: str, function: Any, indent: str = "", method: bool = False) -> str:
    """``def name(...) -> ...: ...`` of a public function."""
    document(f"{function.public}" if hasattr(function, "public") else name, function, None)
    sections = {s.title: s.body for s in documentation.parse(function.__doc__)[1]}
    known = documentation.parameters(sections.get("Parameters", ""))
    shown, star = [], False
    for i, p in enumerate(inspect.signature(function).parameters.values()):
        if method and i == 0 and p.kind is not p.VAR_POSITIONAL:
            shown.append("self")
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            shown.append("*")
        star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        text = f"{mark}{p.name}: {parameter_type(function.public, p, known)}"
        if p.default is not p.empty:
            required = p.default is REQUIRED
            text += " = ..." if required else f" = {default(p)}"
        shown.append(text)
        if p.kind is p.POSITIONAL_ONLY:
            shown.append("/")
    shown = [s for i, s in enumerate(shown) if s != "/" or "/" not in shown[i + 1:]]
    if method and "self" not in shown:
        shown.insert(0, "self")
    short = name.rpartition(".")[2]
    return f"{indent}def {short}({', '.join(shown)}) -> {result_type(function.public, function)}: ..."


def annotation(text: Any, array: str) -> str:
    """A written annotation, where a stub can name it."""
    text = str(text)
    if text in ("Context", "type") or re.fullmatch(r"(int|float|str|bool|bytes|None|complex| |\|)+", text):
        return text
    known = {
        "tuple[int, ...]": text, "tuple[int, int]": text, "numpy.ndarray": "numpy.ndarray[Any, Any]",
        "numpy.dtype": "numpy.dtype[Any]", "Iterator[Any]": f"Iterator[{array}]", "memoryview": text,
    }
    return known.get(text, "Any")


def own_method(name: str, function: Any, array: str) -> str:
    """A method that the class itself defines."""
    shown, star = ["self"], False
    parameters = list(inspect.signature(function).parameters.values())
    skipped = parameters[1:] if parameters[0].kind is not parameters[0].VAR_POSITIONAL else []
    for p in skipped:
        if p.kind is p.KEYWORD_ONLY and not star:
            shown.append("*")
        star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        text = f"{mark}{p.name}: {annotation(p.annotation, array)}"
        shown.append(text if p.default is p.empty else f"{text} = {default(p)}")
    returned = inspect.signature(function).return_annotation
    if name in ("as_nd_ndarray", "as_np_ndarray"):
        result = {"as_nd_ndarray": "NDArray", "as_np_ndarray": "ndarray"}[name]
    elif str(returned) == "Any":
        result = "Any" if name in HOST else f"tuple[{array}, {array}]" if "divmod" in name else array
    else:
        result = annotation(returned, array)
    return f"    def {name}({', '.join(shown)}) -> {result}: ..."


def class_stub(cls: type, frontend: Frontend) -> Iterator[str]:
    """The array class: its properties, operators and methods."""
    array = cls.__name__
    yield f"class {array}(BaseArray):"
    hidden = {"__annotations__", "__module__", "__slots__", "__weakref__", "__dict__", "__doc__",
              "__firstlineno__", "__static_attributes__"}       # the last two since Python 3.13
    for name in sorted(set(dir(cls)) - hidden):
        if name[0] == "_" and (not name.endswith("__") or name in dir(object) and name not in COMPARISONS):
            continue
        if not hasattr(cls, name):
            continue
        raw = inspect.getattr_static(cls, name)
        value = getattr(cls, name)
        if name in COMPARISONS:
            yield f"    def {name}(self, other: Any) -> {array}: ..."
        elif isinstance(raw, property):
            kind = annotation(raw.fget.__annotations__.get("return"), array) if raw.fget else "Any"
            kind = f"{array} | None" if name == "grad" else array if kind == "Any" else kind
            yield f"    @property\n    def {name}(self) -> {kind}: ..."
        elif not callable(value):
            yield f"    {name}: {type(value).__name__}"
        elif hasattr(value, "public") and value.public.startswith(frontend.name) and name in frontend:
            yield definition(name, value, "    ", method=True)
        elif name in ("__array_ufunc__", "__array_function__", "__abs__"):
            result = array if name == "__abs__" else "Any"
            yield f"    def {name}(self, *args: Any, **kwargs: Any) -> {result}: ..."
        else:
            yield own_method(name, value, array)


def namespace(frontend: Frontend, prefix: str) -> Iterator[str]:
    """The functions ``prefix.name`` as static methods of a class that stands for the namespace."""
    table = {n for n in [*frontend, *frontend.beside] if n.startswith(prefix + ".")}
    yield f"class _{prefix}:"
    for name in sorted(table):
        if not keyword.iskeyword(name.rpartition(".")[2]):
            function = frontend.beside.get(name) or frontend.function(name)
            yield "    @staticmethod\n" + definition(name, function, "    ")
    yield f"\n{prefix}: _{prefix}\n"


def others(module: ModuleType, frontend: Frontend) -> Iterator[str]:
    """The values of a frontend's package that are no functions of its table."""
    for name in sorted(n for n in vars(module) if n[0] != "_" and n not in frontend):
        value = vars(module)[name]
        if name in frontend.beside or name in ("annotations", "Any"):
            continue
        if isinstance(value, (ModuleType, Frontend, Namespace)):
            continue
        if value.__class__ is FunctionType and value.__module__.startswith("mxgrad."):
            continue
        if isinstance(value, type) and value in (nd.NDArray, np.ndarray):
            continue
        kind = "numpy.dtype[Any]" if isinstance(value, numpy.dtype) else (
            type(value).__name__ if isinstance(value, (float, str)) or value is None else "Any")
        yield f"{name}: {'None' if value is None else kind}"


def beside(frontend: Frontend) -> Iterator[str]:
    """The public functions that are not on arrays: taken from their modules, unless arrays come out."""
    for name, function in sorted(frontend.beside.items()):
        if "." in name:
            continue
        if result_type(f"{frontend.name}.{name}", function) in ("NDArray", "ndarray"):
            document(f"{frontend.name}.{name}", function, None)
            yield definition(name, function)
        elif function.__module__ == f"mxgrad.{frontend.name}":
            yield f"def {name}() -> None: ..."
        else:
            yield f"from {function.__module__} import {function.__name__} as {name}"


def frontend_stub(module: ModuleType, frontend: Frontend, cls: type | None) -> str:
    """The text of a frontend's stub."""
    imports = {"nd": "from ..np import ndarray\n", "np": "from ..nd import NDArray\n",
               "npx": "from ..nd import NDArray\nfrom ..np import ndarray\n"}[frontend.name]
    parts = [HEAD.format(up="..") + imports, ALIASES[frontend.name] + COMMON]
    if cls is not None:
        parts.append("\n".join(class_stub(cls, frontend)))
    inner = sorted({n.partition(".")[0] for n in frontend if "." in n})
    plain = sorted(n for n in frontend if "." not in n and not keyword.iskeyword(n))
    parts.append("\n".join(definition(n, frontend.function(n)) for n in plain if n not in inner))
    parts += ["\n".join([*others(module, frontend), *beside(frontend)])]
    parts += ["\n".join(namespace(frontend, prefix)) for prefix in inner]
    return unshadowed("\n\n".join(part.rstrip() for part in parts) + "\n")


def unshadowed(text: str) -> str:
    """The stub with the types of Python's that it gives another meaning, np.bool for one, named in full."""
    for name in ("bool", "bytes", "complex", "float", "int", "list", "slice", "str", "tuple", "type"):
        if re.search(rf"^( *def {name}\(|{name}: )", text, re.M):
            as_type = rf"(?<![\w.'])(?<!def ){name}\b(?![:(])|(?<=-> ){name}\b"
            text = re.sub(as_type, f"builtins.{name}", text)
    return text.replace("\nfrom collections", "\nimport builtins\nfrom collections", 1)


def root_stub() -> str:
    """The text of the package's own stub."""
    lazy = sorted(n for n in mxgrad._LAZY)
    lines = ["# Written by tools/stubs.py.", "from types import ModuleType", ""]
    lines += [f"from . import {n} as {n}" for n in sorted({*lazy, "autograd", "base", "context", "nd"})]
    lines += [f"from . import {theirs} as {ours}" for ours, theirs in sorted(mxgrad._ALIASES.items())]
    lines.append("from . import nd as ndarray")
    lines += [f"from .base import {n} as {n}" for n in ("MXNetError",)]
    names = [n for n in mxgrad.__all__ if n in vars(mxgrad.context) and n not in lazy]
    lines += [f"from .context import {n} as {n}" for n in names if n != "MXNetError" and not isinstance(
        getattr(mxgrad, n), ModuleType)]
    lines += [f"from .{module} import {n} as {n}" for n, module in mxgrad._FROM.items()]
    return "\n".join([*lines, "", "__version__: str", "", "def as_mxnet() -> None: ..."]) + "\n"


def stubs() -> dict[Path, str]:
    """The text of every stub by its path."""
    return {
        ENGINE / "__init__.pyi": root_stub(),
        ENGINE / "nd" / "__init__.pyi": frontend_stub(nd, FRONTENDS["nd"], nd.NDArray),
        ENGINE / "np" / "__init__.pyi": frontend_stub(np, FRONTENDS["np"], np.ndarray),
        ENGINE / "npx" / "__init__.pyi": frontend_stub(npx, FRONTENDS["npx"], None),
    }


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ENGINE.parent.parent))
