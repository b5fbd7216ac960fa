"""Programs in the place of what NumPy does slowly or in several passes: erf, activations, where (level 2)."""
from __future__ import annotations

from typing import Any

import numpy

from . import cpu, vm
from .cpu import Kernel, fits, floats, lib, overrides

# A step: operation, register written, operands.  Register 0 is the array, the last one written the result;
# the constants 0, 1 and the op's parameter are
_ZERO, _ONE, _SLOPE = -1, -2, -3

_Step = tuple[Any, ...]


def _activation(name: str, *steps: _Step, times: int = 1, slope: float = 0.0) -> None:
    """Declare the kernel of the op `name`, of one array and perhaps the parameter `slope`, whose default is
    given.  Arrays of fewer than `times` times `cpu.small` elements are left to NumPy.
    """
    def make(generic: Kernel) -> Kernel:
        code = [(vm.OPS[op], to, *operands, *[0] * (3 - len(operands))) for op, to, *operands in steps]
        result = code[-1][1]

        def kernel(x: Any, **params: Any) -> Any:
            if not fits(x) or x.size < times * cpu.small:
                return generic(x, **params)
            n, y = x.size, numpy.empty_like(x)
            vm.run(n, code, [0.0, 1.0, params.get("slope", slope)], [x], [(1, n, vm.FULL)], [y],
                   [(result, 1, n, vm.FULL)])
            return y

        return kernel

    overrides(name)(make)


_SOFTRELU = (("abs", 1, 0), ("negative", 1, 1), ("exp", 1, 1), ("log1p", 1, 1), ("relu", 2, 0),
             ("add", 1, 2, 1))
_IF_POSITIVE = (("greater", 2, 0, _ZERO), ("where", 1, 2, 0, 1))

_activation("erf", ("erf", 1, 0))
_activation("sigmoid", ("sigmoid", 1, 0))
_activation("softsign", ("abs", 1, 0), ("add", 1, _ONE, 1), ("divide", 1, 0, 1), times=16)
_activation("softrelu", *_SOFTRELU, times=4)
_activation("log_sigmoid", ("negative", 0, 0), *_SOFTRELU, ("negative", 1, 1))
_activation("leaky_relu", ("multiply", 1, 0, _SLOPE), *_IF_POSITIVE, slope=0.25)
_activation("elu", ("expm1", 1, 0), ("multiply", 1, 1, _SLOPE), *_IF_POSITIVE, slope=1.0)


@overrides("where")
def _where(generic: Kernel) -> Kernel:
    operation, boolean = vm.OPS["where"], numpy.dtype("bool")

    def kernel(condition: Any, x: Any, y: Any) -> Any:
        array = x if hasattr(x, "shape") else y
        if (not fits(array) or condition.__class__ is not numpy.ndarray or condition.dtype is not boolean
                or condition.shape != array.shape or not condition.flags.c_contiguous):
            return generic(condition, x, y)
        n, out = array.size, numpy.empty_like(array)
        inputs, constants, places = [condition], [], []
        for a in (x, y):
            if a.__class__ is float or a.__class__ is int:
                constants.append(a)
                places.append(-len(constants))
            elif fits(a) and a.shape == array.shape:
                places.append(len(inputs))
                inputs.append(a)
            else:
                return generic(condition, x, y)
        layouts = [(1, n, vm.BYTES), *[(1, n, vm.FULL)] * (len(inputs) - 1)]
        first, second = places
        vm.run(n, [(operation, 3, 0, first, second)], constants, inputs, layouts, [out], [(3, 1, n, vm.FULL)])
        return out

    return kernel


@overrides("relu_dx")
def _relu_dx(generic: Kernel) -> Kernel:
    def kernel(g: Any, y: Any) -> Any:
        if not fits(g, y) or g.shape != y.shape:
            return generic(g, y)
        dx = numpy.empty_like(g)
        lib.k_relu_dx(floats(g), floats(y), floats(dx), g.size)
        return dx

    return kernel
