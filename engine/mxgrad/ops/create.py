"""Ops that make arrays from the shape and device of others, casts and copies."""
from __future__ import annotations

from typing import Any

from ..registry import composition, register, zero


def _fill(xp: Any, like: Any, *, shape: Any, dtype: Any, value: Any) -> Any:
    """An array of `shape` and `dtype` where every element is `value`, on the device of `like`."""
    return xp.full(shape, value, dtype=dtype)


register("fill", _fill, zero, keeps="", mixed=True)


def _cast(xp: Any, x: Any, *, dtype: Any) -> Any:
    """A copy of `x` with another dtype; floats are truncated towards zero.  The gradient is cast back."""
    return x.astype(dtype)


register("cast", _cast, lambda F, g, y, x, dtype: F.cast(g, dtype=x.dtype), keeps="")
register("copy", lambda xp, x: x.copy(), lambda F, g, y, x: g, keeps="", nd="identity copy", np="copy",
         nd_arrays=("data",), doc="A copy.")
register("stop_gradient", lambda xp, x: x.copy(), zero, keeps="", nd="stop_gradient BlockGrad",
         npx="stop_gradient",
         nd_arrays=("data",), doc="The same values as a constant: no gradient flows back.")


def _with_gradient_of(xp: Any, x: Any, path: Any) -> Any:
    """The values of `x` with the gradient of `path`, another expression, of the same shape, for them."""
    return x.copy()


register("with_gradient_of", _with_gradient_of, zero, lambda F, g, y, x, path: g, keeps="", mixed=True)


def _on_backward(xp: Any, x: Any, *noted: Any, action: Any) -> Any:
    """The same array `x`; ``action(*noted)`` is called whenever its gradient passes by."""
    return x


@composition
def effect(F: Any, *noted: Any, action: Any) -> None:
    """``action(*noted)``, for what it does, each time that a rule comes by."""
    action(*noted)


def _on_backward_vjp(F: Any, g: Any, y: Any, x: Any, *noted: Any, action: Any) -> Any:
    F.effect(*noted, action=action)
    return g


register("on_backward", _on_backward, _on_backward_vjp, lambda i: None, keeps="v", mixed=True)
register("zeros_like", lambda xp, x: xp.zeros_like(x), zero, keeps="", nd="zeros_like", nd_arrays=("data",),
         doc="Zeros of the shape, dtype and device of an array.")
register("ones_like", lambda xp, x: xp.ones_like(x), zero, keeps="", nd="ones_like", nd_arrays=("data",),
         doc="Ones of the shape, dtype and device of an array.")


def _transfer(xp: Any, x: Any, *, source: Any, target: Any) -> Any:
    """A copy of an array of context `source` on context `target`."""
    return target.backend.from_host(source.backend.to_host(x))


register("transfer", _transfer,
         lambda F, g, y, x, source, target: F.transfer(g, source=target, target=source), keeps="")
