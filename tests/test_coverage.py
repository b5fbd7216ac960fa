"""Every public name of MXNet, and of NumPy in np, is offered, or stands in data/not_offered.json with the
reason.

The names were recorded from MXNet 1.9.1 and 2.0.0b1 by data/record_names.py, and from NumPy 2.4 by
data/record_numpy_names.py.
"""
from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad
from mxgrad.np.host import PIECEWISE_CONSTANT, VARYING

DATA = Path(__file__).parent / "data"
RECORDED: dict[str, dict[str, list[str]]] = {
    version: json.loads((DATA / f"names_{version}.json").read_text()) for version in ("1.9.1", "2.0", "numpy")
}
REASONS: dict[str, list[str]] = json.loads((DATA / "not_offered.json").read_text())
NOT_OFFERED = {name for names in REASONS.values() for name in names}
ON_HOST = f"{PIECEWISE_CONSTANT} {VARYING}".split()     # offered as far as this NumPy has them
SPACES = [(version, space) for version, spaces in RECORDED.items() for space in spaces]


def namespace(name: str) -> Any:
    """The namespace of mxgrad for one of MXNet's, or None."""
    if name in ("symbol.Symbol", "gluon.Parameter"):    # whose attributes are made with them, or later
        return mxgrad.symbol.var("x") if name == "symbol.Symbol" else mxgrad.gluon.Parameter("x")
    here: Any = mxgrad
    for part in filter(None, name.split(".")):
        if not hasattr(here, part):
            try:
                import_module(f"{here.__name__}.{part}")
            except (ImportError, AttributeError):
                return None
        here = getattr(here, part)
    return here


def is_offered(full: str) -> bool:
    space, _, name = full.rpartition(".")
    return hasattr(namespace(space), name) or namespace(full) is not None


def full_name(space: str, name: str) -> str:
    """'' is MXNet itself."""
    return f"{space}.{name}" if space else name


@pytest.mark.parametrize("version, space", SPACES)
def test_names_are_offered(version: str, space: str) -> None:
    here = namespace(space)
    assert here is not None, f"mxgrad has no {space}"
    names = RECORDED[version][space]
    missing = [n for n in names
               if not is_offered(full_name(space, n)) and full_name(space, n) not in NOT_OFFERED
               and (n not in ON_HOST or hasattr(numpy, n))]
    assert not missing, f"{version}: {space or 'mxgrad'} lacks {', '.join(missing)}"


def test_what_is_not_offered_is_not() -> None:
    known = {full_name(space, n)
             for spaces in RECORDED.values() for space, names in spaces.items() for n in names}
    assert not NOT_OFFERED - known, "names that neither MXNet nor NumPy has"
    assert not [name for name in sorted(NOT_OFFERED) if is_offered(name)], "offered all the same"


def test_every_reason_is_a_sentence_and_every_name_has_one() -> None:
    listed = [name for names in REASONS.values() for name in names]
    assert len(listed) == len(set(listed))
    assert all(reason[0].isupper() and reason.endswith(".") and names for reason, names in REASONS.items())
