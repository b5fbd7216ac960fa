"""Compares nd with what MXNet 1.9.1 gave: tests/data/nd_1.9.1.json, made by tests/data/record_nd.py."""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from mxgrad import MXNetError, autograd, nd

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_nd", DATA / "record_nd.py")
assert _spec is not None and _spec.loader is not None
_record = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_record)

CASES = [tuple(case) for case in json.loads((DATA / "nd_1.9.1.json").read_text())]
_ERRORS = {"IndexError": IndexError, "ValueError": ValueError, "TypeError": TypeError,
           "AssertionError": AssertionError,
           "MXNetError": MXNetError}


def recorded(*kinds: str) -> Any:
    """One test per case of these kinds."""
    cases = [c for c in CASES if c[0] in kinds]
    return pytest.mark.parametrize(("kind", "expression", "expected"), cases, ids=[c[1] for c in cases])


def compare(kind: str, expression: str, expected: Any) -> None:
    """The value of a case, or the error it raises, is as recorded."""
    if "error" in expected:
        with pytest.raises(_ERRORS[expected["error"]]) as caught:
            evaluate(kind, expression)
        assert isinstance(caught.value, MXNetError)
    else:
        _close(evaluate(kind, expression), expected)


def evaluate(kind: str, expression: str) -> Any:
    """What a case gives here, in the form of the record."""
    run = {"writes": _record.write}.get(kind,
                                        _record.gradient if kind.startswith("gradients") else _record.value)
    return run(expression, nd, autograd, numpy)


def _close(got: Any, expected: Any) -> None:
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for a, b in zip(got, expected):
            _close(a, b)
    else:
        assert (got["dtype"], got["shape"]) == (expected["dtype"], expected["shape"])
        numpy.testing.assert_allclose(got["flat"], expected["flat"], rtol=2e-5, atol=2e-6)
