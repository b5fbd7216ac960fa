"""Custom operators of `mx.operator`."""
from __future__ import annotations

from typing import Any

from ..invoke import into
from .functions import ND


@ND.adapter("Custom", arrays="*")
def Custom(*data: Any, op_type: str | None = None, out: Any = None, name: Any = None, **kwargs: Any) -> Any:
    """Call an operator declared with `mx.operator.register` under the name `op_type`.

    `data` are its arguments, then its auxiliary states; they may be given by name.  All other parameters go
    to its CustomOpProp, as strings.  Gives an array, or a list of them.  See `mxgrad.operator`.
    """
    from ..operator import custom

    result = custom(data, op_type, kwargs)
    return result if out is None else into("Custom", out, result)
