"""np.linalg: norms, inverses, decompositions, solutions of equations."""
from __future__ import annotations

from typing import Any

from ..base import UnknownNameError
from .functions import NP


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        function = globals()[name] = NP.function("linalg." + name)
    except UnknownNameError as error:
        raise UnknownNameError(str(error).replace("linalg.", "").replace("mxgrad.np", "mxgrad.np.linalg")) from None
    return function


def __dir__() -> list[str]:
    return sorted(n.removeprefix("linalg.") for n in NP if n.startswith("linalg."))
