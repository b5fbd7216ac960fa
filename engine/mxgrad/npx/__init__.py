"""npx: what MXNet 2 has beyond NumPy, on np arrays: neural network functions, files, devices, switches.

>>> from mxgrad import np, npx
>>> npx.relu(np.array([-1., 2.]))
array([0., 2.])
"""

from __future__ import annotations

from typing import Any

from ..context import Device, cpu, cpu_pinned, current_context, current_device, gpu, gpu_memory_info, num_gpus
from ..frontend import publish_all
from .functions import NPX
from . import image, operators, random, recurrent  # noqa: F401
from ..nd import creation
from ..nd.legacy import to_dlpack_for_read, to_dlpack_for_write
from ..control import cond, foreach, while_loop
from .files import from_dlpack, from_numpy, load, save, savez
from .switches import (
    is_np_array,
    is_np_default_dtype,
    is_np_shape,
    np_array,
    np_shape,
    reset_np,
    set_np,
    set_np_default_dtype,
    set_np_shape,
    use_np,
    use_np_array,
    use_np_default_dtype,
    use_np_shape,
)

__all__ = [
    "Device",
    "cond",
    "cpu",
    "cpu_pinned",
    "current_context",
    "current_device",
    "foreach",
    "from_dlpack",
    "from_numpy",
    "gpu",
    "gpu_memory_info",
    "is_np_array",
    "is_np_default_dtype",
    "is_np_shape",
    "load",
    "np_array",
    "np_shape",
    "num_gpus",
    "random",
    "reset_np",
    "save",
    "savez",
    "set_np",
    "set_np_default_dtype",
    "set_np_shape",
    "to_dlpack_for_read",
    "to_dlpack_for_write",
    "use_np",
    "use_np_array",
    "use_np_default_dtype",
    "use_np_shape",
    "waitall",
    "while_loop",
]


def waitall() -> None:
    """Wait for everything computed so far; what was put off is computed now."""
    creation.waitall()


publish_all(__name__, NPX)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    function = globals()[name] = NPX.function(name)
    return function


def __dir__() -> list[str]:
    return sorted({n.partition(".")[0] for n in NPX} | set(__all__))
