"""Elementwise programs on the CPU: many operations in one pass over memory (level 2)."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy

from .cpu import ffi, lib

FULL, BYTES, SUM, MAX, MIN = range(5)
"""Kinds of outputs; an input is FULL (float32) or BYTES."""


def _operations() -> Iterable[tuple[str, int]]:
    op = 0
    while lib is not None and (name := lib.k_vm_operation(op)) != ffi.NULL:
        yield ffi.string(name).decode(), op
        op += 1


OPS: dict[str, int] = dict(_operations())
"""The operations' codes by their names, which are those of the ops; empty where no kernels are built."""


def run(
    n: int,
    code: Sequence[tuple[int, int, int, int, int]],
    constants: Sequence[float],
    inputs: Sequence[numpy.ndarray],
    layouts: Sequence[tuple[int, int, int]],
    outputs: Sequence[numpy.ndarray],
    out_layouts: Sequence[tuple[int, int, int, int]],
) -> None:
    """Run a program on `n` positions; pyffi/kernels/kernels.h describes it at ``k_vm``.

    code
        (operation, register written, operand, operand, operand); an operand is a register, or -1 - i for
        constant i.  The inputs are the first registers.
    layouts
        (inner, m, kind) of each input: position p has element (p // inner) % m.
    out_layouts
        (register, inner, m, kind) of each output.

    Arrays are in C's order, float32 or, of kind `BYTES`, bool or uint8; they must have the size that their
    layout says, which is not checked.  ValueError for a program that names what there is not.
    """
    registers = max(len(inputs), 1 + max([step[1] for step in code], default=0))
    result = lib.k_vm(
        n, [x for step in code for x in step], len(code), registers, constants, len(constants),
        len(inputs), [ffi.from_buffer(a) for a in inputs], [x for layout in layouts for x in layout],
        len(outputs), [ffi.from_buffer(a) for a in outputs], [x for layout in out_layouts for x in layout])
    if result == -1:
        raise MemoryError(f"no memory for a program with {registers} registers")
    if result == -2:
        raise ValueError(f"no program: code {list(code)} with {len(constants)} constants, inputs of layouts "
                         f"{list(layouts)}, outputs of layouts {list(out_layouts)}")
