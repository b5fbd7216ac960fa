"""The frontend object of npx: MXNet's operators beyond NumPy's, on np arrays."""

from __future__ import annotations

from ..frontend import FRONTENDS
from ..np.functions import NPFrontend


class NPXFrontend(NPFrontend):
    """As np's."""

    name = "npx"


NPX = FRONTENDS["npx"] = NPXFrontend()
