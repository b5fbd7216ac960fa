"""The compiled kernels for NumPy arrays, and when they are used (level 2).

Everything works without them: they are an extension that ``pyffi/build_kernels.py`` builds from
``pyffi/kernels``, whose header describes each.  The environment variable ``MXGRAD_KERNELS`` names the level
to run (``v2``, ``v3`` or ``v4`` on x86-64), or ``off``.
"""
from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy

Kernel = Callable[..., Any]

try:
    from ._cpu import ffi as ffi, lib as lib
except ImportError:         # it is not built, or there is no cffi
    ffi = lib = None
else:
    if lib.k_choose(os.environ.get("MXGRAD_KERNELS", "").encode()):     # off, or not for this processor
        ffi = lib = None

OVERRIDES: dict[str, Callable[[Kernel], Kernel]] = {}
"""By the name of an op or composition: a function that gives the kernel, from the generic one."""

small = 4096
"""Arrays of fewer elements are left to the generic kernels."""

_ndarray, _float32 = numpy.ndarray, numpy.dtype("float32")


def overrides(name: str) -> Callable[[Callable[[Kernel], Kernel]], Callable[[Kernel], Kernel]]:
    """Declare what makes the kernel of the op or composition `name`.

    The decorated function gets the generic kernel, bound to NumPy, and gives one of the same signature,
    which calls the generic one for arguments that it is not made for.
    """
    def declare(make: Callable[[Kernel], Kernel]) -> Callable[[Kernel], Kernel]:
        OVERRIDES[name] = make
        return make

    return declare


JOINED: dict[tuple[str, str], Callable[[Kernel, Kernel], Kernel]] = {}
"""By the names of two ops or compositions: what gives the kernel of both, from the kernel of each."""


def joins(first: str, second: str) -> Callable[[Callable[[Kernel, Kernel], Kernel]],
                                               Callable[[Kernel, Kernel], Kernel]]:
    """Declare what makes the kernel for a call of `first` whose result is the first argument of `second` and
    not used otherwise, which programs replay in place of both.

    The decorated function gets both kernels, and gives one that takes the arguments of the first, then the
    others of the second, and the parameters of both.
    """
    def declare(make: Callable[[Kernel, Kernel], Kernel]) -> Callable[[Kernel, Kernel], Kernel]:
        JOINED[first, second] = make
        return make

    return declare


def joined(first: str, second: str, *kernels: Kernel) -> Kernel | None:
    """The kernel for a call of `second` on the result of `first`, whose own `kernels` are given."""
    make = JOINED.get((first, second))
    return None if make is None or lib is None else make(*kernels)


def override(name: str, generic: Kernel) -> Kernel:
    """The kernel for `name` where one is built, or the generic one."""
    make = OVERRIDES.get(name)
    return generic if make is None or lib is None else make(generic)


def level() -> str | None:
    """The level of the compiled kernels, such as 'v3'; None where there are none."""
    return None if lib is None else ffi.string(lib.k_level()).decode()


def default_threads() -> int:
    """As many as processors are this process's to use: by affinity, the quota of its control group, and
    ``OMP_NUM_THREADS``.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:        # Linux, control groups v2: cgroup-v2.rst, cpu.max
            quota, period = file.read().split()
        if quota != "max":
            count = min(count, max(1, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):
        pass
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(count, int(asked))) if asked.isdigit() else count


def threads() -> int:
    """How many threads the compiled kernels compute on; 1 where there are none."""
    return 1 if lib is None else int(lib.k_threads())


def set_threads(count: int) -> None:
    """Have the compiled kernels compute on `count` threads, between 1 and 64."""
    if lib is not None:
        lib.k_set_threads(count)


set_threads(default_threads())
if lib is not None:
    lib.k_set_waiting({"active": 1, "passive": -1}.get(os.environ.get("OMP_WAIT_POLICY", "").lower(), 0))


def fits(*arrays: Any) -> bool:
    """Whether all are float32, in C's order, and neither small nor empty."""
    for a in arrays:
        if a.__class__ is not _ndarray or a.size < small or not plain(a):
            return False
    return True


def plain(*arrays: Any) -> bool:
    """Whether all are float32, in C's order, and not empty."""
    for a in arrays:
        if (a.__class__ is not _ndarray or a.dtype is not _float32 or not a.flags.c_contiguous
                or not a.size):
            return False
    return True


# the type is read here: to read its text with each call costs a third more
floats: Any = None if ffi is None else partial(ffi.from_buffer, ffi.typeof("float[]"))
"""The address of a float32 array in C's order, for a kernel that reads or writes it."""


def around(shape: tuple[int, ...], axis: int) -> tuple[int, int, int] | None:
    """The lengths before, of and after `axis`; None if there is no such axis."""
    if axis.__class__ is not int or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1:])


def rows(a: numpy.ndarray, axis: int) -> tuple[int, int] | None:
    """(how many rows, their length) if `axis` is the last one."""
    if not a.ndim or axis != -1 and axis != a.ndim - 1:
        return None
    n = a.shape[-1]
    return a.size // n, n
