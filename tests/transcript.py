"""Recorded sessions of the original MXNet: '>>> ' and one line of Python, then what it printed."""
from __future__ import annotations

import re
from typing import Any

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)(?![\w])")


def read(text: str) -> list[tuple[str, str]]:
    """(line of Python, what it printed), '' where that was nothing."""
    steps: list[tuple[str, str]] = []
    for block in re.split(r"^>>> ", text, flags=re.M)[1:]:
        given, _, printed = block.partition("\n")
        steps.append((given, printed.rstrip("\n")))
    return steps


def run(given: str, space: dict[str, Any]) -> str:
    """What a line prints in the namespace `space`."""
    try:
        code = compile(given, "<transcript>", "eval")
    except SyntaxError:
        exec(compile(given, "<transcript>", "exec"), space)
        return ""
    value = eval(code, space)
    return repr(value)


def alike(a: str, b: str, rtol: float = 2e-6) -> bool:
    """Whether two texts say the same: equal but for blanks and the last digits of numbers."""
    plain = [re.sub(r"\s+", "", NUMBER.sub("#", t)) for t in (a, b)]
    numbers = [[float(n) for n in NUMBER.findall(t)] for t in (a, b)]
    return plain[0] == plain[1] and len(numbers[0]) == len(numbers[1]) and all(
        abs(x - y) <= rtol * max(1.0, abs(x)) for x, y in zip(*numbers)
    )


def differences(path: Any, space: dict[str, Any]) -> list[str]:
    """The steps of a transcript that print something else in `space`, and what they print."""
    out = []
    for given, printed in read(path.read_text()):
        try:
            got = run(given, space)
        except Exception as error:
            got = f"!! {type(error).__name__}: {error}"
        if not alike(printed, got):
            out.append(f">>> {given}\nrecorded {printed}\nours     {got}")
    return out
