"""What the Python rendering of steps.txt begins with: how a step's result or error is printed."""
import re
from math import inf, nan  # noqa: F401

import numpy

import mxgrad as mx  # noqa: F401
from mxgrad import autograd, nd, np, npx  # noqa: F401

SOURCE = open(__file__).read().splitlines()


class Failure(Exception):
    """What the steps raise."""


def here(match):
    """A place in this file as that in steps.txt which it renders, which stands in a comment there."""
    return SOURCE[int(match[1]) - 1].rpartition("  # ")[2]


def text(value):
    if isinstance(value, (list, tuple)):
        if any(isinstance(v, (nd.NDArray, np.ndarray)) for v in value):
            return "\n".join(text(v) for v in value)
        return "[" + ", ".join(text(v) for v in value) + "]"
    if isinstance(value, (bool, int, float, numpy.number)):
        return format(float(value), ".9g")
    if isinstance(value, (type, numpy.dtype)):
        return numpy.dtype(value).name
    return str(value)


def show(place, value):
    print(f"@{place}\n{text(value)}")


def failed(place, error):
    message = re.sub(re.escape(__file__) + r":(\d+)", here, str(error))
    print(f"@{place}\n! {type(error).__name__}: {message}")
