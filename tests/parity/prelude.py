"""What the Python rendering of steps.txt begins with: how a step's result or error is printed."""
import re
from math import inf, nan  # noqa: F401
from pathlib import Path

import numpy

import mxgrad as mx  # noqa: F401
from mxgrad import autograd, nd, np, npx  # noqa: F401

SOURCE = Path(__file__).read_text().splitlines()


class Failure(Exception):
    """What the steps raise."""


def here(match: re.Match[str]) -> str:
    """A place in this file as that in steps.txt which it renders, which stands in a comment there."""
    return SOURCE[int(match[1]) - 1].rpartition("  # ")[2]


def text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, (nd.NDArray, np.ndarray)) for v in value):
            return "\n".join(text(v) for v in value)
        return "[" + ", ".join(text(v) for v in value) + "]"
    if isinstance(value, (bool, int, float, numpy.number)):
        return format(float(value), ".9g")      # flags are 0 and 1
    if isinstance(value, (type, numpy.dtype)):
        return str(numpy.dtype(value))
    return str(value)


def show(place: str, value: object) -> None:
    print(f"@{place}\n{text(value)}")


def failed(place: str, error: Exception) -> None:
    message = re.sub(re.escape(__file__) + r":(\d+)", here, str(error))
    print(f"@{place}\n! {type(error).__name__}: {message}")
