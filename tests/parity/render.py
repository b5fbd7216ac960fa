"""Renders steps.txt to a Python, a Perl and a C program, and runs them.

steps.txt has cases, each a title after `##` and steps. A step is written in a small notation that Python's
parser reads: calls of operators, arithmetic, slices, `with autograd.record():`, assignments, and classes with
`forward` and `backward`. After it, lines that begin with `>` are what it prints in all three languages: the
value of an expression, or the error of any step as `! class: message`. Messages name places as the title of
the case and a line of its code. What a custom function raises is only `! Failure: message`: Python and Perl
pass it on as it is, C puts it into a CallbackError. The C program also fails if a case leaves handles.

    python tests/parity/render.py python|perl|c      the program, on standard output
    python tests/parity/render.py record             writes what the Python program prints into steps.txt
    python tests/parity/render.py compare            says where programs and steps.txt differ
"""
from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STEPS = HERE / "steps.txt"
PYFFI = ROOT / "pyffi"

# The sign of an operation, and the operator that C calls for it.
BINARY = {
    ast.Add: ("+", "add"), ast.Sub: ("-", "subtract"), ast.Mult: ("*", "multiply"), ast.Div: ("/", "divide"),
    ast.Mod: ("%", "modulo"), ast.Pow: ("**", "power"), ast.Eq: ("==", "equal"),
    ast.NotEq: ("!=", "not_equal"),
    ast.Gt: (">", "greater"), ast.GtE: (">=", "greater_equal"), ast.Lt: ("<", "lesser"),
    ast.LtE: ("<=", "lesser_equal"),
}
C_TYPES = {"float32": "float", "float64": "double", "uint8": "uint8_t", "bool": "uint8_t"}
SCOPES = {"record": (1, 1), "pause": (0, 0), "train_mode": (-1, 1), "predict_mode": (-1, 0)}
FLAGS = {"set_recording": "set_is_recording", "set_training": "set_is_training"}
PERL_NAMES = {**FLAGS, "item": "asscalar"}
NAMESPACES = {"nd", "np", "npx", "mx", "autograd"}


class Case(NamedTuple):
    title: str
    steps: list[ast.stmt]


def cases() -> list[Case]:
    """What is in steps.txt; the line numbers of the steps count the lines of code of their case from 1."""
    found = []
    for part in re.split(r"^## ", STEPS.read_text(), flags=re.M)[1:]:
        title, *lines = part.splitlines()
        found.append(Case(title, ast.parse("\n".join(line for line in lines if is_code(line))).body))
    return found


def is_code(line: str) -> bool:
    return line != "" and not line.startswith(("#", ">"))


def places() -> list[str]:
    """For each line of steps.txt, which line of code it is or follows: "title:number"."""
    found, title, number = [], "", 0
    for line in STEPS.read_text().splitlines():
        if line.startswith("## "):
            title, number = line[3:], 0
        number += is_code(line)
        found.append(f"{title}:{number}")
    return found


def expected() -> dict[str, str]:
    """What is printed, by the place of the step."""
    found: dict[str, str] = {}
    for place, line in zip(places(), STEPS.read_text().splitlines()):
        if line.startswith(">"):
            found[place] = found.get(place, "") + line[2:] + "\n"
    return found


# -- the notation -----------------------------------------------------------------------------------------


def dotted(node: ast.expr) -> list[str]:
    """["nd", "random", "uniform"] of nd.random.uniform; [] if it is no name in a namespace."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) and node.id in NAMESPACES else []


def named(call: ast.Call) -> dict[str, ast.expr]:
    return {k.arg: k.value for k in call.keywords if k.arg is not None}


def wrong(node: ast.AST) -> ValueError:
    line = getattr(node, "lineno", "?")
    return ValueError(f"steps.txt, line of code {line}: not in the notation: {ast.unparse(node)}")


def is_list(node: ast.expr, lists: set[str]) -> bool:
    """Whether an expression gives a list of arrays."""
    if isinstance(node, ast.Name):
        return node.id in lists
    if isinstance(node, ast.Attribute):
        return node.attr == "saved_tensors"
    return isinstance(node, ast.List) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("grad", "load", "split"))


def variables(steps: list[ast.stmt]) -> list[str]:
    """Names that steps assign to, without those in their classes."""
    return sorted({node.id for step in steps if not isinstance(step, ast.ClassDef) for node in ast.walk(step)
                   if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)})


class Renderer:
    """What the renderings have in common: a program is lines of text with indentation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0
        self.lists: set[str] = set()
        self.title = ""
        self.saved_from = 0     # how many arrays a custom function's body gets before those that it saved

    def place(self, step: ast.stmt) -> str:
        return f"{self.title}:{step.lineno}"

    def end(self, step: ast.stmt) -> str:
        return f"{self.title}:{step.end_lineno}"

    def write(self, *lines: str) -> None:
        self.lines += ["    " * self.depth + line for line in lines]

    def indented(self, write: Callable[..., None], *args: Any) -> None:
        self.depth += 1
        write(*args)
        self.depth -= 1

    def note_lists(self, step: ast.stmt) -> None:
        if isinstance(step, ast.Assign) and isinstance(step.targets[0], ast.Name):
            (self.lists.add if is_list(step.value, self.lists) else self.lists.discard)(step.targets[0].id)

    def block(self, steps: list[ast.stmt]) -> None:
        for step in steps:
            self.note_lists(step)
            self.step(step)

    def step(self, step: ast.stmt) -> None:
        raise NotImplementedError


# -- Python -----------------------------------------------------------------------------------------------


class Python(Renderer):
    def program(self) -> str:
        self.write(*(HERE / "prelude.py").read_text().splitlines())
        for case in cases():
            self.title = case.title
            self.write("", f"# {case.title}")
            for step in case.steps:
                self.write("try:")
                self.indented(self.block, [step])
                self.write("except Exception as error:", f"    failed({self.end(step)!r}, error)")
        return "\n".join(self.lines) + "\n"

    def step(self, step: ast.stmt) -> None:
        if isinstance(step, ast.With):
            self.write(f"with {ast.unparse(step.items[0].context_expr)}:")
            self.indented(self.block, step.body)
        elif isinstance(step, ast.ClassDef):
            self.write(f"class {step.name}(autograd.Function):")
            self.indented(self.block, step.body)
        elif isinstance(step, ast.FunctionDef):
            self.write(f"def {step.name}({ast.unparse(step.args)}):")
            self.indented(self.block, step.body)
        else:
            code = ast.unparse(step)
            if isinstance(step, ast.Expr) and prints(step):
                code = f"show({self.place(step)!r}, {code})"
            elif isinstance(step, ast.Raise) and isinstance(step.exc, ast.Constant):
                code = f"raise Failure({ast.unparse(step.exc)})"
            self.write(f"{code}  # {self.place(step)}")


# Calls that are made for what they do.
SILENT = {"attach_grad", "backward", "mark_variables", "seed", "save", "save_for_backward", "drop_grad"}


def prints(step: ast.Expr) -> bool:
    call = step.value
    if not isinstance(call, ast.Call):
        return True
    if any(k.arg == "out" for k in call.keywords):
        return False
    return not (isinstance(call.func, ast.Attribute) and call.func.attr in SILENT)


# -- Perl -------------------------------------------------------------------------------------------------


class Perl(Renderer):
    def program(self) -> str:
        self.write(*(HERE / "prelude.pl").read_text().splitlines())
        for case in cases():
            self.write("", f"# {case.title}", "{")
            self.indented(self.case, case)
            self.write("}")
        return "\n".join(self.lines) + "\n"

    def case(self, case: Case) -> None:
        self.title = case.title
        if variables(case.steps):
            self.write("my (" + ", ".join(f"${v}" for v in variables(case.steps)) + ");")
        for step in case.steps:
            if isinstance(step, ast.ClassDef):
                self.block([step])
                continue
            self.write("eval {")
            self.indented(self.block, [step])
            self.write("    1;", f"}} or failed('{self.end(step)}', $@);")

    def step(self, step: ast.stmt) -> None:
        if isinstance(step, ast.With):
            call = step.items[0].context_expr
            assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            options = self.arguments(call)
            self.write(f"autograd->{call.func.attr}(sub {{")
            self.indented(self.block, step.body)
            self.write("}" + (f", {options}" if options else "") + ");")
            return
        if isinstance(step, ast.ClassDef):
            self.write("{", f"    package {step.name};", "    BEGIN { our @ISA = "
                       "('AI::MXGrad::AutoGrad::Function') }", "    BEGIN { *nd = \\&main::nd; "
                       "*autograd = \\&main::autograd; *show = \\&main::show }")
            self.indented(self.block, step.body)
            self.write("}")
            return
        if isinstance(step, ast.FunctionDef):
            names = ", ".join(f"${a.arg}" for a in step.args.args)
            self.write(f"sub {step.name} {{", f"    my ({names}) = @_;")
            if variables(step.body):
                self.write("    my (" + ", ".join(f"${v}" for v in variables(step.body)) + ");")
            self.indented(self.block, step.body)
            self.write("}")
            return
        self.lines.append(f'# line {step.lineno} "{self.title}"')
        self.write(self.statement(step) + ";")

    def statement(self, step: ast.stmt) -> str:
        if isinstance(step, ast.Expr):
            code = self.expression(step.value)
            return f"show('{self.place(step)}', scalar {code})" if prints(step) else code
        if isinstance(step, ast.Assign):
            target, value = step.targets[0], self.expression(step.value)
            if isinstance(target, ast.Tuple):
                names = ", ".join(self.expression(t) for t in target.elts)
                return f"({names}) = {value}" if "saved_tensors" in value else f"({names}) = @{{ {value} }}"
            if isinstance(target, ast.Subscript):
                return f"{self.expression(target)} .= {value}"
            return f"{self.expression(target)} = {value}"
        if isinstance(step, ast.AugAssign):
            return f"{self.expression(step.target)} {BINARY[type(step.op)][0]}= {self.expression(step.value)}"
        if isinstance(step, ast.Return) and step.value is not None:
            if isinstance(step.value, ast.Tuple):
                return "return (" + ", ".join(self.expression(v) for v in step.value.elts) + ")"
            return f"return {self.expression(step.value)}"
        if isinstance(step, ast.Raise) and isinstance(step.exc, ast.Constant):
            return f'die "Failure: {step.exc.value!s}\\n"'
        raise wrong(step)

    def arguments(self, call: ast.Call) -> str:
        given = [self.expression(a) for a in call.args]
        return ", ".join(given + [f"{k} => {self.expression(v)}" for k, v in named(call).items()])

    def expression(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id if node.id in NAMESPACES | {"nan", "inf"} else f"${node.id}"
        if isinstance(node, ast.Constant):
            if node.value is None:
                return "undef"
            if isinstance(node.value, bool):
                return str(int(node.value))
            return f"'{node.value}'" if isinstance(node.value, str) else repr(node.value)
        if isinstance(node, (ast.List, ast.Tuple)):
            return "[" + ", ".join(self.expression(v) for v in node.elts) + "]"
        if isinstance(node, ast.Dict):
            return "{" + ", ".join(f"{self.expression(k)} => {self.expression(v)}"
                                   for k, v in zip(node.keys, node.values) if k is not None) + "}"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return f"-{self.expression(node.operand)}"
        if isinstance(node, ast.BinOp):
            return f"({self.expression(node.left)} {BINARY[type(node.op)][0]} {self.expression(node.right)})"
        if isinstance(node, ast.Compare):
            sign = BINARY[type(node.ops[0])][0]
            return f"({self.expression(node.left)} {sign} {self.expression(node.comparators[0])})"
        if isinstance(node, ast.Attribute):
            return f"{self.expression(node.value)}->{PERL_NAMES.get(node.attr, node.attr)}"
        if isinstance(node, ast.Subscript):
            return self.part(node)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Call) and isinstance(node.func.func, ast.Name):
                return f"{node.func.func.id}->new->({self.arguments(node)})"
            return f"{self.expression(node.func)}({self.arguments(node)})"
        raise wrong(node)

    def part(self, node: ast.Subscript) -> str:
        whole = self.expression(node.value)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return f"{whole}->{{{node.slice.value}}}"
        if is_list(node.value, self.lists):
            return f"{whole}->[{self.expression(node.slice)}]"
        if not isinstance(node.slice, (ast.Slice, ast.Tuple)):
            return f"{whole}->at({self.expression(node.slice)})"
        ranges = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if all(isinstance(r, ast.Slice) and ast.unparse(r) == ":" for r in ranges):
            return whole
        return f"{whole}->slice({', '.join(self.range(r) for r in ranges)})"

    def range(self, node: ast.expr) -> str:
        """A range that includes its end, as Perl's do."""
        if not isinstance(node, ast.Slice):
            raise wrong(node)
        begin, end, step = bounds(node)
        if (begin, end, step) == (None, None, 1):
            return "'X'"
        last = "undef" if end is None else str(end - (1 if step > 0 else -1))
        first = "undef" if begin is None else str(begin)
        return f"[{first}, {last}]" if step == 1 else f"[{first}, {last}, {step}]"


def bounds(node: ast.Slice) -> tuple[int | None, int | None, int]:
    given = (node.lower, node.upper, node.step)
    begin, end, step = (None if n is None else ast.literal_eval(n) for n in given)
    return begin, end, 1 if step is None else step


# -- C ----------------------------------------------------------------------------------------------------


def c_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '\\0" "') + '"'


def c_numbers(kind: str, values: list[Any]) -> str:
    return f"({kind}[]){{{', '.join(map(str, values))}}}" if values else "NULL"


def c_ranges(node: ast.expr) -> tuple[str, list[int]]:
    """The begins, ends and steps of the axes that an index names, and which of the axes go away."""
    ranges = node.elts if isinstance(node, ast.Tuple) else [node]
    rows = [bounds(r) if isinstance(r, ast.Slice) else (ast.literal_eval(r), None, 1) for r in ranges]
    texts = [["MXG_NONE" if b is None else b for b in row] for row in zip(*rows)]
    dropped = [int(not isinstance(r, ast.Slice)) for r in ranges]
    return ", ".join(c_numbers("int64_t", t) for t in texts), dropped


class C(Renderer):
    def program(self) -> str:
        self.write(*(HERE / "prelude.c").read_text().splitlines())
        all_cases = cases()
        for number, case in enumerate(all_cases):
            self.outputs: dict[str, int] = {}
            self.title = case.title
            for step in case.steps:
                if isinstance(step, ast.ClassDef):
                    self.function(step)
            self.write("", f"/* {case.title} */", f"static void case_{number}(void)", "{")
            self.indented(self.case, case)
            self.write("}")
        self.write("", "int main(void)", "{")
        self.write(*(f"    case_{number}();" for number in range(len(all_cases))), "    return 0;", "}")
        return "\n".join(self.lines) + "\n"

    def case(self, case: Case) -> None:
        self.write("jmp_buf end;")
        if variables(case.steps):
            self.write("static value " + ", ".join(variables(case.steps)) + ";")
        self.write("begin_case(&end);")
        for step in case.steps:
            if isinstance(step, ast.ClassDef):
                continue
            self.write("outer_scope = 0;", "if (setjmp(end) == 0) {")
            self.indented(self.block, [step])
            self.write("}", "else", f"    failed({c_text(self.end(step))});")
        self.write(f"end_case({c_text(case.title)});")

    def function(self, step: ast.ClassDef) -> None:
        for part in step.body:
            if not isinstance(part, ast.FunctionDef):
                raise wrong(part)
            name = f"{step.name}_{part.name}"
            names = [a.arg for a in part.args.args[1:]]
            returns = [n.value for n in ast.walk(part) if isinstance(n, ast.Return) and n.value is not None]
            if part.name == "forward":
                self.outputs[step.name] = max(
                    (len(r.elts) if isinstance(r, ast.Tuple) else 1 for r in returns), default=1)
            self.write("", f"static value {name}_body(int n, const value *in)", "{")
            self.depth += 1
            for i, n in enumerate(names):
                self.write(f"value {n} = in[{i}];")
            self.write("".join(f"value {v} = none(); " for v in variables(part.body)).rstrip(), "(void)n;")
            self.write(*(f"(void){n};" for n in names))
            self.saved_from = len(names)
            self.block(part.body)
            if not returns:
                self.write("return none();")
            self.depth -= 1
            self.write("}", "", f"static int {name}(void *ctx, int32_t n_in, const mxg_ndarray *in, "
                       "int32_t n_out, mxg_ndarray *out)", "{", "    (void)ctx;",
                       f"    return call_back({name}_body, n_in, in, n_out, out);", "}")

    def step(self, step: ast.stmt) -> None:
        self.write("{")
        self.depth += 1
        self.temporaries = 0
        if isinstance(step, ast.With):
            call = step.items[0].context_expr
            assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            recording, training = SCOPES[call.func.attr]
            if "train_mode" in named(call):
                training = self.flag(named(call)["train_mode"])
            self.write(f"int64_t scope = begin_scope({recording}, {training});")
            self.block(step.body)
            self.write("check(mxg_scope_end(scope));")
        else:
            self.lines.append(f'#line {step.lineno} "{self.title}"')
            self.write("MXG_HERE();")
            self.statement(step)
        self.depth -= 1
        self.write("}")

    def keep(self, code: str) -> str:
        """Names a value, so that calls are made in the order in which they are written."""
        self.temporaries += 1
        name = f"t{self.temporaries}"
        self.write(f"value {name} = {code};")
        return name

    def values(self, nodes: list[ast.expr]) -> str:
        names = [self.expression(n) for n in nodes]
        return f"{len(names)}, (value[]){{{', '.join(names)}}}" if names else "0, NULL"

    def statement(self, step: ast.stmt) -> None:
        if isinstance(step, ast.Expr):
            if prints(step):
                self.write(f"show({c_text(self.place(step))}, {self.expression(step.value)});")
            else:
                assert isinstance(step.value, ast.Call)
                self.command(step.value)
        elif isinstance(step, ast.Assign):
            target, value = step.targets[0], self.expression(step.value)
            if isinstance(target, ast.Subscript):
                self.assign_part(target, value)
            elif isinstance(target, ast.Tuple):
                for i, t in enumerate(target.elts):
                    self.write(f"{ast.unparse(t)} = entry({value}, {i});")
            elif isinstance(target, ast.Name):
                self.write(f"{target.id} = {value};")
            else:
                raise wrong(step)
        elif isinstance(step, ast.AugAssign):
            name = BINARY[type(step.op)][1]
            target_name = self.expression(step.target)
            self.write(f'in_place("{name}", {target_name}, {self.expression(step.value)});')
        elif isinstance(step, ast.Return) and step.value is not None:
            nodes = step.value.elts if isinstance(step.value, ast.Tuple) else [step.value]
            self.write(f"return list({self.values(nodes)});")
        elif isinstance(step, ast.Raise) and isinstance(step.exc, ast.Constant):
            self.write(f"failure({c_text(f'Failure: {step.exc.value!s}')});")
        else:
            raise wrong(step)

    def assign_part(self, target: ast.Subscript, value: str) -> None:
        whole = self.expression(target.value)
        if ast.unparse(target.slice) == ":":
            self.write(f"assign({whole}, {value});")
            return
        rows, dropped = c_ranges(target.slice)
        drop = c_numbers("int32_t", dropped)
        self.write(f"assign_slice({whole}, {len(dropped)}, {rows}, {drop}, {value});")

    def flag(self, node: ast.expr | None, default: int = 0) -> int:
        return default if node is None else int(ast.literal_eval(node))

    def heads(self, node: ast.expr | None) -> str:
        return "none()" if node is None else self.expression(node)

    def command(self, call: ast.Call) -> None:
        """A call that prints nothing."""
        assert isinstance(call.func, ast.Attribute)
        path, options, name = dotted(call.func), named(call), call.func.attr
        if "out" in options:
            values = self.values(call.args)
            self.write(f'invoke_into("{op_name(path)}", {values}, {self.expression(options["out"])});')
        elif name == "attach_grad":
            request = [*call.args, *options.values()]
            text = c_text(ast.literal_eval(request[0])) if request else "NULL"
            self.write(f"check(mxg_attach_grad({self.expression(call.func.value)}.array[0], {text}));")
        elif name == "drop_grad":
            self.write(f"check(mxg_drop_grad({self.expression(call.func.value)}.array[0]));")
        elif name == "backward":
            of_autograd = path == ["autograd", "backward"]
            heads = self.expression(call.args[0] if of_autograd else call.func.value)
            given = options.get("head_grads" if of_autograd else "out_grad")
            grads = self.heads(given or (None if of_autograd or not call.args else call.args[0]))
            self.write(f"backward({heads}, {grads}, {self.flag(options.get('retain_graph'))}, "
                       f"{self.flag(options.get('train_mode'), 1)});")
        elif name == "mark_variables":
            requests = "NULL"
            if "grad_reqs" in options:
                texts = ast.literal_eval(options["grad_reqs"])
                requests = c_numbers("const char *const", [c_text(t) for t in texts])
            lists = f"{self.expression(call.args[0])}, {self.expression(call.args[1])}"
            self.write(f"mark_variables({lists}, {requests});")
        elif name == "seed":
            self.write(f"check(mxg_seed({ast.unparse(call.args[0])}));")
        elif name == "save":
            path_text, data, names = c_text(ast.literal_eval(call.args[0])), call.args[1], "NULL"
            if isinstance(data, ast.Dict):
                names = c_numbers("const char *const", [c_text(ast.literal_eval(k)) for k in data.keys if k])
                data = ast.List(data.values)
            self.write(f"save({path_text}, {self.expression(data)}, {names});")
        elif name == "save_for_backward":
            values = self.values(call.args)
            self.write(f"value kept = list({values});", "check(mxg_save_for_backward(kept.n, kept.array));")
        else:
            raise wrong(call)

    def expression(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Constant):
            return "none()" if node.value is None else f"number({float(ast.literal_eval(node))!r})"
        if isinstance(node, ast.List):
            return self.keep(f"list({self.values(node.elts)})")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if isinstance(node.operand, ast.Constant):
                return f"number({-float(ast.literal_eval(node.operand))!r})"
            return self.keep(f'invoke("negative", {self.values([node.operand])}, "", 0)')
        if isinstance(node, ast.BinOp):
            return self.binary(type(node.op), node.left, node.right)
        if isinstance(node, ast.Compare):
            return self.binary(type(node.ops[0]), node.left, node.comparators[0])
        if isinstance(node, ast.Attribute):
            whole = "" if node.attr == "saved_tensors" else self.expression(node.value)
            forms = {
                "grad": f"gradient({whole})", "shape": f"shape_of({whole})", "dtype": f"dtype_of({whole})",
                "T": f'invoke("transpose", 1, &{whole}, "", 0)',
                "saved_tensors": f"list(n - {self.saved_from}, in + {self.saved_from})",
            }
            return self.keep(forms[node.attr])
        if isinstance(node, ast.Subscript):
            return self.part(node)
        if isinstance(node, ast.Call):
            return self.keep(self.call(node))
        raise wrong(node)

    def binary(self, op: type[ast.AST], left: ast.expr, right: ast.expr) -> str:
        first = self.expression(left)
        return self.keep(f'binary("{BINARY[op][1]}", {first}, {self.expression(right)})')

    def part(self, node: ast.Subscript) -> str:
        whole = self.expression(node.value)
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return self.keep(f"named_entry({whole}, {c_text(node.slice.value)})")
        if is_list(node.value, self.lists):
            return self.keep(f"entry({whole}, {ast.unparse(node.slice)})")
        if not isinstance(node.slice, (ast.Slice, ast.Tuple)):
            return self.keep(f"at({whole}, {ast.unparse(node.slice)})")
        rows, dropped = c_ranges(node.slice)
        return self.keep(f"slice({whole}, {len(dropped)}, {rows})")

    def call(self, node: ast.Call) -> str:
        options = named(node)
        if isinstance(node.func, ast.Call) and isinstance(node.func.func, ast.Name):
            name = node.func.func.id
            called = f"{name}"
            return (f'call_function("{name}", {called}_forward, {called}_backward, {self.values(node.args)}, '
                    f"{self.outputs[name]})")
        path = dotted(node.func)
        if not path and isinstance(node.func, ast.Attribute):
            return self.method(node.func.attr, node)
        if path[0] == "autograd":
            if path[1].startswith("is_"):
                return f"flag(mxg_{path[1]})"
            if path[1] in FLAGS:
                return f"set_flag(mxg_{path[1]}, {self.flag(node.args[0])})"
            if path[1] == "grad":
                heads, of = (self.expression(a) for a in node.args)
                create = self.flag(options.get("create_graph"))
                return (f"gradients_of({heads}, {of}, {self.heads(options.get('head_grads'))}, "
                        f"{self.flag(options.get('retain_graph'), -1)}, {create}, "
                        f"{self.flag(options.get('train_mode'), 1)})")
        if path[:2] == ["nd", "load"]:
            return f"load({c_text(ast.literal_eval(node.args[0]))})"
        if path[1:] == ["array"]:
            made = self.array(node)
            return f'invoke("np.copy", 1, (value[]){{{made}}}, "", 0)' if path[0] == "np" else made
        if path[0] == "nd" and path[1] in ("zeros", "ones", "full"):
            shape = ast.literal_eval(node.args[0])
            filler = {"zeros": "0", "ones": "1"}.get(path[1]) or ast.unparse(node.args[1])
            dtype = ast.literal_eval(options["dtype"]) if "dtype" in options else "float32"
            return f"filled({filler}, {c_text(dtype)}, {len(shape)}, {c_numbers('int64_t', list(shape))})"
        return self.invoke(op_name(path), node.args, options)

    def method(self, name: str, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Attribute)
        x = node.func.value
        if name == "item":
            return f"item_of({self.expression(x)})"
        if name == "detach":
            return f"detach({self.expression(x)})"
        if name == "astype":
            return self.invoke("cast", [x], {"dtype": node.args[0]})
        if name == "reshape":
            return self.invoke("reshape", [x], {"shape": node.args[0]})
        return self.invoke(name, [x, *node.args], named(node))

    def invoke(self, name: str, arrays: list[ast.expr], params: dict[str, ast.expr]) -> str:
        if len(arrays) == 2 and isinstance(arrays[1], ast.Constant):
            return f'binary("{name}", {self.expression(arrays[0])}, {self.expression(arrays[1])})'
        block = "".join(f"{k}\0{ast.literal_eval(v)}\0" for k, v in params.items())
        return f'invoke("{name}", {self.values(arrays)}, {c_text(block)}, {len(block)})'

    def array(self, node: ast.Call) -> str:
        source, options = node.args[0], named(node)
        if not isinstance(source, (ast.List, ast.Constant)):
            return self.invoke("copy", [source], {})
        shape: list[int] = []
        flat: list[ast.expr] = [source]
        while flat and isinstance(flat[0], ast.List):
            shape.append(len(flat[0].elts))
            flat = [e for f in flat for e in f.elts]    # type: ignore[attr-defined]
        if not shape:
            shape = [1]
        dtype = ast.literal_eval(options["dtype"]) if "dtype" in options else "float32"
        numbers = [ast.unparse(f).replace("nan", "NAN").replace("inf", "INFINITY") for f in flat]
        numbers = [{"True": "1", "False": "0"}.get(n, n) for n in numbers]
        data = c_numbers(f"const {C_TYPES.get(dtype, dtype + '_t')}", numbers)
        return f"from_data({data}, {c_text(dtype)}, {len(shape)}, {c_numbers('int64_t', shape)})"


def op_name(path: list[str]) -> str:
    """The engine's name of an operator: that in nd, or with its namespace."""
    return ".".join(path[1:] if path[0] == "nd" else path)


# -- running ----------------------------------------------------------------------------------------------

LANGUAGES: dict[str, type[Any]] = {"python": Python, "perl": Perl, "c": C}


def render(language: str) -> str:
    text: str = LANGUAGES[language]().program()
    return text


def outputs(printed: str) -> dict[str, str]:
    """What was printed, by the place of the step."""
    parts = re.split(r"^@(.+)\n", printed, flags=re.M)
    found: dict[str, str] = {}
    for place, text in zip(parts[1::2], parts[2::2]):
        found[place] = found.get(place, "") + text
    return found


def run(language: str, directory: Path) -> dict[str, str]:
    """Runs a rendering in a directory of its own. Raises subprocess.CalledProcessError if it ends badly."""
    source = directory / ("parity." + {"python": "py", "perl": "pl", "c": "c"}[language])
    source.write_text(render(language))
    if language == "python":
        command = [sys.executable, str(source)]
    elif language == "perl":
        command = ["perl", f"-I{ROOT}/perl/lib", str(source)]
    else:
        program = directory / "parity"
        compiling = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-clobbered"]
        linking = [f"-L{PYFFI}", "-lmxgrad", f"-Wl,-rpath,{PYFFI}", "-lm"]
        subprocess.run([*compiling, f"-I{PYFFI}/include", str(source), "-o", str(program), *linking],
                       check=True, capture_output=True, text=True)
        command = [str(program)]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "engine")})
    if done.returncode or done.stderr:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return outputs(done.stdout)


def record() -> None:
    with tempfile.TemporaryDirectory() as directory:
        printed = run("python", Path(directory))
    lines = []
    for place, line in zip(places(), STEPS.read_text().splitlines()):
        if not line.startswith(">"):
            lines.append(line)
        if is_code(line):
            lines += [f"> {text}".rstrip() for text in printed.get(place, "").splitlines()]
    STEPS.write_text("\n".join(lines) + "\n")


def compare() -> None:
    wanted = expected()
    for language in LANGUAGES:
        with tempfile.TemporaryDirectory() as directory:
            try:
                got = run(language, Path(directory))
            except subprocess.CalledProcessError as error:
                print(f"{language}: {error}\n{error.stderr[-3000:]}")
                continue
        for line in sorted({*wanted, *got}):
            if wanted.get(line) != got.get(line):
                print(f"{line} {language}:\n{got.get(line)}  expected:\n{wanted.get(line)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        record()
    elif sys.argv[1:] == ["compare"]:
        compare()
    else:
        sys.stdout.write(render(sys.argv[1]))
