"""Writes mxgrad_ops.h: a C function for each operator of the registry.

``python ops_header.py FILE`` needs the source tree, whose engine it imports, and NumPy.  What an operator
takes and gives is read from its signature and its docstring; one that mxg_invoke cannot serve (it takes a
function or a list of arrays, or gives no array) gets no function here and is reached by mxg_call.
"""
from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENGINE = Path(__file__).resolve().parent.parent / "engine"
WIDTH = 108
# types of results: several arrays, and one
SEVERAL = re.compile(r"\b(list|tuple) of (NDArray|n?d?array)|^outputs$|^Unique")
SINGLE = re.compile(r"NDArray|n?d?array|bool|int")
REQUIRED = inspect.Parameter.empty
# types of arguments that mxg_invoke cannot pass
LISTED = re.compile(r"(list|sequence|tuple) of (ND|nd)?array", flags=re.I)
KEYWORDS = {"default", "register"}      # of C and C++, where a parameter has such a name

TOP = """\
/* mxgrad_ops.h - a function for each operator of mxgrad, made when the library is built
 *
 * Operator "softmax" of mxgrad.nd is mxgop_softmax, "np.linalg.norm" of mxgrad.np is mxgop_np_linalg_norm,
 * "npx.relu" is mxgop_npx_relu.  Each has its array arguments first, in order (one that is optional may be
 * NULL; where any number is taken, a count and an array of handles), then its parameters, then the result:
 *
 *     mxg_ndarray y;
 *     int status = mxgop_softmax(x, NULL, &(mxgop_softmax_params){.axis = "0"}, &y);
 *
 * The parameters are the fields of a struct, all of them text as in mxg_invoke; what is NULL has its default,
 * and NULL for the struct leaves all at their defaults.  An operator without parameters has no such argument.
 * An operator that gives several arrays has `int32_t *n_out`, the room in `out` on entry and the number of
 * results afterwards; one that gives none has no `out`.  Where only some values of a parameter ask for more
 * than one result, mxg_invoke takes them.  Status, errors and ownership are those of mxg_invoke.
 *
 * What takes functions or lists of arrays, or does not give arrays, is reached by mxg_call.
 */
#ifndef MXGRAD_OPS_H
#define MXGRAD_OPS_H

#include "mxgrad.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Finds the operator at the first call.  The handle is the same for every thread, so that it does not matter
 * which of them stores it. */
static inline int mxgop_find_(mxg_op *known, const char *name, mxg_op *op)
{
#ifdef __GNUC__
    int status = MXG_OK;
    *op = __atomic_load_n(known, __ATOMIC_RELAXED);
    if (*op == NULL && (status = mxg_op_find(name, op)) == MXG_OK)
        __atomic_store_n(known, *op, __ATOMIC_RELAXED);
    return status;
#else
    (void)known;
    return mxg_op_find(name, op);
#endif
}

/* Calls an operator with those of n_params parameters that are given: it overwrites keys and values. */
static inline int mxgop_call_(mxg_op *known, const char *name, int32_t n_in, const mxg_ndarray *in,
                              int32_t n_params, const char **keys, const char **values, int32_t *n_out,
                              mxg_ndarray *out)
{
    mxg_op op;
    int32_t i, given = 0;
    int status = mxgop_find_(known, name, &op);
    if (status != MXG_OK)
        return status;
    for (i = 0; i < n_params; i++) {
        if (values[i] != NULL) {
            keys[given] = keys[i];
            values[given++] = values[i];
        }
    }
    return mxg_invoke(op, n_in, in, given, keys, values, n_out, out);
}
"""

BOTTOM = """
#ifdef __cplusplus
}
#endif

#endif
"""


@dataclass
class Operator:
    """What mxg_invoke has to know of an operator: `results` is 0, 1 or 2 for several."""

    name: str
    arrays: list[str]       # the last one may be '*data'
    params: dict[str, Any]
    results: int
    summary: str
    notes: dict[str, tuple[str, str]]       # of each argument: type, description

    @property
    def c_name(self) -> str:
        return c_name(self.name)


def c_name(name: str) -> str:
    """The function's name for an operator's, as in ``c_name("np.linalg.norm")``: 'mxgop_np_linalg_norm'."""
    return "mxgop_" + name.replace(".", "_")


def section(doc: str, title: str) -> str:
    """The text of a section of a numpydoc docstring."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w+\n-+$|\Z)", doc, flags=re.M | re.S)
    return found[1].strip("\n") if found else ""


def is_array(kind: str) -> bool:
    """Whether a docstring's type of an argument is that of an array and nothing else."""
    return kind.removesuffix(", optional") in ("NDArray", "ndarray", "array_like")


def described(doc: str) -> dict[str, tuple[str, str]]:
    """(type, description) of each argument in a docstring."""
    notes: dict[str, tuple[str, str]] = {}
    for entry in re.split(r"\n(?=\S)", section(doc, "Parameters")):
        head, _, text = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        for name in names.split(", "):
            notes[name.lstrip("*")] = kind, " ".join(text.split())
    return notes


def operator(name: str, function: Any) -> Operator | None:
    """The operator, or None where mxg_invoke cannot serve it."""
    doc = inspect.getdoc(function) or ""
    notes = described(doc)

    def kind(argument: str) -> str:
        return notes.get(argument.lstrip("*"), ("", ""))[0]

    arrays, params = list(function.arrays), dict(function.params)
    annotations = {p.name: str(p.annotation) for p in inspect.signature(function).parameters.values()}
    if not arrays:      # one of NumPy's, which looks at each argument itself
        for p in function.params:
            if params[p] is not REQUIRED or not is_array(kind(p)) or annotations[p] in ("int", "float"):
                break
            arrays.append(p)
            del params[p]
    if len(arrays) > 1 and arrays[-1].startswith("*") and not is_array(kind(arrays[-1])):
        arrays.pop()        # np.gradient's spacings
    # any number of arrays may also come as a sequence, where the docstring says so
    if any(bool(LISTED.search(kind(a))) != (a.startswith("*") and not is_array(kind(a))) for a in arrays):
        return None
    for p, default in params.items():
        text = kind(p)
        if default is REQUIRED and annotations[p] not in ("int", "float") and (
            is_array(text) or LISTED.search(text) or "allable" in text + annotations[p]
        ):
            return None
    first = section(doc, "Returns").split("\n")[0].partition(" : ")
    gives = first[2] or first[0]
    if gives == "None":
        results = 0
    elif SEVERAL.search(gives) or ", " in first[0]:
        results = 2
    elif SINGLE.match(gives):
        results = 1
    else:
        return None
    summary = doc.split("\n\n")[0]
    return Operator(name, arrays, params, results, " ".join(summary.split()), notes)


def operators() -> Iterator[tuple[Operator, list[str]]]:
    """Each operator that mxg_invoke serves, and the other names that its function goes by."""
    from mxgrad import frontend

    names: dict[Any, list[str]] = {}
    taken: set[str] = set()
    for name in frontend.op_names():
        if c_name(name) not in taken:       # linalg.det and linalg_det are one
            taken.add(c_name(name))
            names.setdefault(frontend.op_function(name), []).append(name)
    for function, (name, *others) in names.items():
        found = operator(name, function)
        if found is not None:
            yield found, others


# -- C ---------------------------------------------------------------------------------------------------


def comment(paragraphs: list[str]) -> str:
    """Paragraphs as a comment of C; what follows two spaces is indented."""
    lines: list[str] = []
    for text in paragraphs:
        indent = "  " if text.startswith("  ") else ""
        text = text.strip().replace("*/", "* /").replace("/*", "/ *")
        lines += textwrap.wrap(text, WIDTH - 3, initial_indent=indent, subsequent_indent=2 * indent,
                               break_long_words=False, break_on_hyphens=False)
    return "/* " + "\n * ".join(lines) + " */"


def field(name: str) -> str:
    return name + "_" if name in KEYWORDS else name


def arguments(op: Operator, params: str) -> list[tuple[str, str]]:
    """(type, name) of each argument of the C function, whose struct of parameters is `params`."""
    listed: list[tuple[str, str]] = []
    for a in op.arrays:
        if a.startswith("*"):
            listed += [("int32_t ", "n_" + a[1:]), ("const mxg_ndarray *", field(a[1:]))]
        else:
            listed.append(("mxg_ndarray ", field(a)))
    if op.params:
        listed.append((f"const {params} *", "params"))
    if op.results == 2:
        listed.append(("int32_t *", "n_out"))
    if op.results:
        listed.append(("mxg_ndarray *", "out"))
    return listed


def prototype(name: str, listed: list[tuple[str, str]]) -> str:
    start = f"static inline int {name}("
    # an argument stays on one line
    text = ", ".join((kind + a).replace(" ", "\0") for kind, a in listed) or "void"
    return textwrap.fill(start + text + ")", WIDTH, subsequent_indent=" " * min(len(start), 40),
                         break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def definition(op: Operator) -> str:
    params = op.c_name + "_params"
    said = [f"{op.name}: {op.summary}"]
    for a in [*op.arrays, *op.params]:
        kind, text = op.notes.get(a.lstrip("*"), ("", ""))
        label = f".{field(a)}" if a in op.params else field(a.lstrip("*"))
        required = ", required" if op.params.get(a) is REQUIRED else ""
        said.append(f"  {label}: {kind or 'see above'}{required}{'. ' + text if text else ''}")
    blocks = []
    if op.params:
        fields = "".join(f"    const char *{field(p)};\n" for p in op.params)
        blocks.append(f"typedef struct {params} {{\n{fields}}} {params};\n")
    blocks += [comment(said), prototype(op.c_name, arguments(op, params)), "{", "    static mxg_op known;"]
    variadic = op.arrays[-1][1:] if op.arrays and op.arrays[-1].startswith("*") else None
    single = [field(a) for a in op.arrays if not a.startswith("*")]
    if variadic and single:
        raise ValueError(f"{op.name}: single arrays before any number of them")
    if variadic:
        count, handles = "n_" + variadic, field(variadic)
    elif single:
        count, handles = str(len(single)), "in"
        blocks.append(f"    mxg_ndarray in[{count}];")
    else:
        count, handles = "0", "NULL"
    if op.params:
        quoted = ", ".join(f'"{p}"' for p in op.params)
        keys = f"    const char *keys[] = {{{quoted}}};"
        blocks.append(textwrap.fill(keys, WIDTH, subsequent_indent=" " * 8))
        blocks.append(f"    const char *values[{len(op.params)}] = {{NULL}};")
    if op.results < 2:
        blocks.append("    int32_t n_out = 1;")
    if not op.results:
        blocks.append("    mxg_ndarray out;")
    blocks += [f"    in[{i}] = {a};" for i, a in enumerate(single)]
    if op.params:
        blocks.append("    if (params != NULL) {")
        blocks += [f"        values[{i}] = params->{field(p)};" for i, p in enumerate(op.params)]
        blocks.append("    }")
    given = f"{len(op.params)}, keys, values" if op.params else "0, NULL, NULL"
    n_out = "n_out" if op.results == 2 else "&n_out"
    out = "out" if op.results else "&out"
    call = f'    return mxgop_call_(&known, "{op.name}", {count}, {handles}, {given}, {n_out}, {out});'
    blocks.append(textwrap.fill(call, WIDTH, subsequent_indent=" " * 8, break_long_words=False))
    return "\n".join([*blocks, "}"])


def alias(op: Operator, name: str) -> str:
    params = op.c_name + "_params"
    mine = c_name(name) + "_params" if op.params else params
    listed = arguments(op, mine)
    blocks = [f"typedef {params} {mine};"] if op.params else []
    blocks.append(comment([f"{name}: {op.name} by another name, see {op.c_name}."]))
    blocks.append(prototype(c_name(name), listed))
    call = f"    return {op.c_name}({', '.join(a for _, a in listed)});"
    return "\n".join([*blocks, "{", textwrap.fill(call, WIDTH, subsequent_indent=" " * 8), "}"])


def header() -> str:
    """The text of mxgrad_ops.h."""
    parts = [TOP]
    for op, others in operators():
        parts.append(definition(op))
        parts += [alias(op, name) for name in others]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n" + BOTTOM


def main() -> None:
    sys.path.insert(0, str(ENGINE))
    Path(sys.argv[1]).write_text(header(), encoding="utf-8")


if __name__ == "__main__":
    main()
