"""Elementwise ops: arithmetic, comparison, logic, exponential, trigonometric, rounding.

A rule reads like the textbook: ``g`` is the cotangent of the output, the names after it are the output and
the primals.  Derivatives at kinks follow MXNet: abs'(0) = 0, relu'(0) = 0, maximum and minimum give a tie to
the first argument, clip passes the gradient at its bounds.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from ..registry import Op, composition, register, zero, zero_second

_LOG2, _LOG10, _DEGREE = math.log(2.0), math.log(10.0), math.pi / 180.0
_ROOT_PI = math.sqrt(math.pi)


def _elemwise(
    name: str, *vjps: Any, kernel: Callable[..., Any] | None = None, keeps: str = "x", result: str = "same",
    **names: Any,
) -> Op:
    """Declare an elementwise op; without a kernel it is the ufunc of that name."""
    arity = len(vjps)
    if kernel is not None:
        return register(name, kernel, *vjps, keeps=keeps, broadcasts=True, result=result,
                        nd_arrays=_ND_ARRAYS[arity], **names)
    if arity == 1:
        def unary(xp: Any, x: Any) -> Any:
            return getattr(xp, name)(x)
        kernel = unary
    else:
        def binary(xp: Any, x1: Any, x2: Any) -> Any:
            return getattr(xp, name)(x1, x2)
        kernel = binary
    return register(name, kernel, *vjps, keeps=keeps, broadcasts=True, ufunc=True, result=result,
                    nd_arrays=_ND_ARRAYS[arity], **names)


_ND_ARRAYS = {1: ("data",), 2: ("lhs", "rhs")}

# arithmetic -------------------------------------------------------------------------------------------------

_elemwise("add", lambda F, g, z, x, y: g, lambda F, g, z, x, y: g, keeps="-",
          nd="broadcast_add broadcast_plus", np="add",
          doc="x1 + x2, element by element.")
_elemwise("subtract", lambda F, g, z, x, y: g, lambda F, g, z, x, y: -g, keeps="-",
          nd="broadcast_sub broadcast_minus", np="subtract",
          doc="x1 - x2, element by element.")
_elemwise("multiply", lambda F, g, z, x, y: g * y, lambda F, g, z, x, y: g * x, keeps="1|0",
          nd="broadcast_mul", np="multiply",
          doc="x1 x2, element by element.")
_elemwise("divide", lambda F, g, z, x, y: g / y, lambda F, g, z, x, y: -g * (x / y) / y, keeps="1|x",
          result="float",
          nd="broadcast_div", np="divide true_divide",
          doc="x1 / x2, element by element.")
_elemwise("floor_divide", zero, zero_second, keeps="", np="floor_divide",
          doc="The largest whole number not above x1 / x2.")
_elemwise("remainder", lambda F, g, z, x, y: g, lambda F, g, z, x, y: -g * F.floor(x / y), keeps="|x",
          nd="broadcast_mod", np="mod remainder",
          doc="x1 - floor(x1 / x2) x2: the remainder, with the sign of x2.")
_elemwise("fmod", lambda F, g, z, x, y: g, lambda F, g, z, x, y: -g * F.trunc(x / y), keeps="|x", np="fmod",
          doc="x1 - trunc(x1 / x2) x2: the remainder, with the sign of x1.")


def _power_dx(F: Any, g: Any, z: Any, x: Any, y: Any) -> Any:
    # x**0 is constant, at 0 too: the factor y is 0 there and must not meet 0**-1.
    return g * y * x ** F.where(y == 0, F.ones_like(y), y - 1) if hasattr(y, "shape") else (
        g * y * x ** (y - 1) if y != 0 else g * 0)


def _power_dy(F: Any, g: Any, z: Any, x: Any, y: Any) -> Any:
    # d/dy x**y = x**y log x, and 0 at x = 0 for y > 0, where the product is 0 * -inf.
    safe = F.where(x > 0, x, F.ones_like(x)) if hasattr(x, "shape") else (x if x > 0 else 1.0)
    return g * x ** y * (F.log(safe) if hasattr(safe, "shape") else math.log(safe))


_elemwise("power", _power_dx, _power_dy, nd="broadcast_power", np="power",
          doc="x1 to the power x2.")


def _extreme(name: str, beats: Callable[..., Any], **names: Any) -> None:
    """`beats(F, x, y, tied)`: where x is the result, ties included or not: they go to the first array."""
    _elemwise(name, lambda F, g, z, x, y: F.where(beats(F, x, y, True), g, 0),
              lambda F, g, z, x, y: F.where(beats(F, x, y, hasattr(x, "shape")), 0, g), **names)


def _over(F: Any, x: Any, y: Any, tied: bool) -> Any:
    return x >= y if tied else x > y


def _under(F: Any, x: Any, y: Any, tied: bool) -> Any:
    return x <= y if tied else x < y


_extreme("maximum", _over, nd="broadcast_maximum", np="maximum",
          doc="The larger of two elements; nan if either is.")
_extreme("minimum", _under, nd="broadcast_minimum", np="minimum",
          doc="The smaller of two elements; nan if either is.")
_extreme("fmax", lambda F, x, y, tied: F.logical_or(_over(F, x, y, tied), y != y), np="fmax",
          doc="The larger of two elements; the other one if one is nan.")
_extreme("fmin", lambda F, x, y, tied: F.logical_or(_under(F, x, y, tied), y != y), np="fmin",
          doc="The smaller of two elements; the other one if one is nan.")
_elemwise("hypot", lambda F, g, z, x, y: g * _ratio(F, x, z), lambda F, g, z, x, y: g * _ratio(F, y, z),
          keeps="0y|1y",
          result="float", nd="hypot broadcast_hypot", np="hypot",
          doc="sqrt(x1^2 + x2^2), without overflow; the gradient at the origin is 0.")
_elemwise("arctan2", lambda F, g, z, x, y: g * y / (x * x + y * y),
          lambda F, g, z, x, y: -g * x / (x * x + y * y),
          result="float", nd="arctan2", np="arctan2",
          doc="The angle, from -pi to pi, of the point with ordinate x1 and abscissa x2.")
_elemwise("logaddexp", lambda F, g, z, x, y: g * F.exp(x - z), lambda F, g, z, x, y: g * F.exp(y - z),
          keeps="0y|1y",
          result="float", np="logaddexp",
          doc="log(exp(x1) + exp(x2)), without overflow.")
_elemwise("copysign", lambda F, g, z, x, y: g * F.sign(x) * F.copysign(F.ones_like(x), y),
          zero_second, keeps="x|", np="copysign",
          doc="The size of x1 with the sign of x2.")
_elemwise("ldexp", lambda F, g, z, x, y: g * 2.0 ** y, lambda F, g, z, x, y: g * z * _LOG2, keeps="1|y",
          kernel=lambda xp, x1, x2: x1 * xp.exp2(x2), np="ldexp",
          doc="x1 2^x2.")


def _ratio(F: Any, x: Any, r: Any) -> Any:
    """x / r, and 0 where r = 0: the subgradient a norm has at the origin."""
    return x / F.where(r == 0, F.ones_like(r), r)


_elemwise("negative", lambda F, g, y, x: -g, keeps="", nd="negative", np="negative",
          doc="-x.")
_elemwise("positive", lambda F, g, y, x: g, keeps="", np="positive",
          doc="+x, a copy.")
_elemwise("reciprocal", lambda F, g, y, x: -g * y * y, keeps="y", nd="reciprocal", np="reciprocal",
          doc="1 / x.")
_elemwise("abs", lambda F, g, y, x: g * F.sign(x), kernel=lambda xp, x: xp.abs(x), nd="abs",
          np="abs absolute fabs",
          doc="|x|; its gradient at 0 is 0.")
_elemwise("square", lambda F, g, y, x: g * (2 * x), nd="square", np="square",
          doc="x^2.")
_elemwise("sqrt", lambda F, g, y, x: g * (0.5 / y), keeps="y", result="float", nd="sqrt", np="sqrt",
          doc="The square root; nan below 0.")
_elemwise("rsqrt", lambda F, g, y, x: g * (-0.5 * y * y * y), keeps="y", result="float",
          kernel=lambda xp, x: 1 / xp.sqrt(x), nd="rsqrt",
          doc="1 / sqrt(x).")
_elemwise("cbrt", lambda F, g, y, x: g / (3 * y * y), keeps="y", result="float", nd="cbrt", np="cbrt",
          doc="The cube root.")
_elemwise("rcbrt", lambda F, g, y, x: g * (y * y * y * y) * (-1 / 3), keeps="y", result="float",
          kernel=lambda xp, x: 1 / xp.cbrt(x), nd="rcbrt",
          doc="1 / cbrt(x).")

# exponentials -----------------------------------------------------------------------------------------------

_elemwise("exp", lambda F, g, y, x: g * y, keeps="y", result="float", nd="exp", np="exp",
          doc="e^x.")
_elemwise("exp2", lambda F, g, y, x: g * y * _LOG2, keeps="y", result="float", np="exp2",
          doc="2^x.")
_elemwise("expm1", lambda F, g, y, x: g * (y + 1), keeps="y", result="float", nd="expm1", np="expm1",
          doc="e^x - 1, accurate near 0.")
_elemwise("log", lambda F, g, y, x: g / x, result="float", nd="log", np="log",
          doc="The natural logarithm; nan below 0.")
_elemwise("log2", lambda F, g, y, x: g / (x * _LOG2), result="float", nd="log2", np="log2",
          doc="The logarithm to base 2.")
_elemwise("log10", lambda F, g, y, x: g / (x * _LOG10), result="float", nd="log10", np="log10",
          doc="The logarithm to base 10.")
_elemwise("log1p", lambda F, g, y, x: g / (x + 1), result="float", nd="log1p", np="log1p",
          doc="log(1 + x), accurate near 0.")

# trigonometric and hyperbolic -------------------------------------------------------------------------------

_elemwise("sin", lambda F, g, y, x: g * F.cos(x), result="float", nd="sin", np="sin",
          doc="The sine of an angle in radians.")
_elemwise("cos", lambda F, g, y, x: -g * F.sin(x), result="float", nd="cos", np="cos",
          doc="The cosine of an angle in radians.")
_elemwise("tan", lambda F, g, y, x: g * (1 + y * y), keeps="y", result="float", nd="tan", np="tan",
          doc="The tangent of an angle in radians.")
_elemwise("arcsin", lambda F, g, y, x: g / F.sqrt(1 - x * x), result="float", nd="arcsin", np="arcsin asin",
          doc="The angle from -pi/2 to pi/2 whose sine is x; nan outside [-1, 1].")
_elemwise("arccos", lambda F, g, y, x: -g / F.sqrt(1 - x * x), result="float", nd="arccos", np="arccos acos",
          doc="The angle from 0 to pi whose cosine is x; nan outside [-1, 1].")
_elemwise("arctan", lambda F, g, y, x: g / (1 + x * x), result="float", nd="arctan", np="arctan atan",
          doc="The angle from -pi/2 to pi/2 whose tangent is x.")
_elemwise("sinh", lambda F, g, y, x: g * F.cosh(x), result="float", nd="sinh", np="sinh",
          doc="(e^x - e^-x) / 2.")
_elemwise("cosh", lambda F, g, y, x: g * F.sinh(x), result="float", nd="cosh", np="cosh",
          doc="(e^x + e^-x) / 2.")
_elemwise("tanh", lambda F, g, y, x: g * (1 - y * y), keeps="y", result="float", nd="tanh", np="tanh",
          doc="sinh(x) / cosh(x).")
_elemwise("arcsinh", lambda F, g, y, x: g / F.sqrt(x * x + 1), result="float", nd="arcsinh",
          np="arcsinh asinh",
          doc="The number whose sinh is x: log(x + sqrt(x^2 + 1)).")
_elemwise("arccosh", lambda F, g, y, x: g / F.sqrt(x * x - 1), result="float", nd="arccosh",
          np="arccosh acosh",
          doc="The number from 0 whose cosh is x: log(x + sqrt(x^2 - 1)); nan below 1.")
_elemwise("arctanh", lambda F, g, y, x: g / (1 - x * x), result="float", nd="arctanh", np="arctanh atanh",
          doc="The number whose tanh is x: log((1 + x) / (1 - x)) / 2; nan outside [-1, 1].")
_elemwise("degrees", lambda F, g, y, x: g / _DEGREE, keeps="", result="float", nd="degrees",
          np="degrees rad2deg",
          doc="Radians as degrees: 180 x / pi.")
_elemwise("radians", lambda F, g, y, x: g * _DEGREE, keeps="", result="float", nd="radians",
          np="radians deg2rad",
          doc="Degrees as radians: pi x / 180.")

# rounding and other piecewise constants ---------------------------------------------------------------------

_elemwise("sign", zero, keeps="", nd="sign", np="sign",
          doc="-1, 0 or 1, as x is negative, zero or positive.")
_elemwise("floor", zero, keeps="", nd="floor", np="floor",
          doc="The largest whole number not above x.")
_elemwise("ceil", zero, keeps="", nd="ceil", np="ceil",
          doc="The smallest whole number not below x.")
_elemwise("trunc", zero, keeps="", nd="trunc", np="trunc",
          doc="x without its fraction.")
_elemwise("fix", zero, keeps="", kernel=lambda xp, x: xp.trunc(x), nd="fix", np="fix",
          doc="x without its fraction.")


def _round_away(xp: Any, x: Any) -> Any:
    """Halves away from zero, which is what C's round and MXNet's nd.round do."""
    if x.dtype.kind != "f":
        return x.copy()
    size = xp.abs(x)
    whole = xp.floor(size)
    return xp.copysign(whole + (size - whole >= 0.5), x)


_elemwise("round_away", zero, keeps="", kernel=_round_away, nd="round")


def _rint(xp: Any, x: Any) -> Any:
    """The nearest whole number; halves go down, as MXNet's rint has it: n + 1/2 becomes n."""
    if x.dtype.kind != "f":
        return x.copy()
    whole = xp.floor(x)
    return whole + (x - whole > 0.5)


_elemwise("rint", zero, keeps="", kernel=_rint, result="float", nd="rint", np="rint")


def _around(xp: Any, x: Any, *, decimals: int = 0) -> Any:
    return xp.round(x, decimals)


_elemwise("around", zero, keeps="", kernel=_around, np="around round round_",
          doc="Rounded to `decimals` places after the point, halves to the even neighbour.")

# gradients that are not the derivative, for training through a step -----------------------------------------

_elemwise("round_ste", lambda F, g, y, x: g, keeps="", kernel=_round_away, nd="contrib.round_ste",
          npx="round_ste",
          doc="Rounded, halves away from zero, with the identity's gradient (straight-through estimator).")
_elemwise("sign_ste", lambda F, g, y, x: g, keeps="", kernel=lambda xp, x: xp.sign(x), nd="contrib.sign_ste",
          npx="sign_ste", doc="The sign, with the gradient of the identity (straight-through estimator).")


def _gradient_multiplier(xp: Any, x: Any, *, scalar: float = 1.0) -> Any:
    """The identity, whose gradient is multiplied by `scalar`; a negative one reverses it."""
    if not isinstance(scalar, Real):
        raise TypeError(f"scalar is a number, got {scalar!r}")
    return x.copy()


_elemwise("gradient_multiplier", lambda F, g, y, x, scalar=1.0: g * scalar, keeps="",
          kernel=_gradient_multiplier,
          nd="contrib.gradientmultiplier")

# comparison and logic: bool results, zero gradients ---------------------------------------------------------

_right_zero = (zero, zero_second)
for _name, _doc in (
    ("equal", "Whether x1 = x2."),
    ("not_equal", "Whether x1 and x2 differ."),
    ("greater", "Whether x1 > x2."),
    ("greater_equal", "Whether x1 >= x2."),
    ("less", "Whether x1 < x2."),
    ("less_equal", "Whether x1 <= x2."),
    ("logical_and", "Whether both are true, that is not 0."),
    ("logical_or", "Whether at least one is true, that is not 0."),
    ("logical_xor", "Whether just one is true, that is not 0."),
):
    _elemwise(_name, *_right_zero, keeps="", result="free", np=_name, doc=_doc)
_elemwise("logical_not", zero, keeps="", result="free", np="logical_not",
          doc="Whether x is 0.")
for _name, _doc in (
    ("isnan", "Whether x is nan."),
    ("isinf", "Whether x is infinite."),
    ("isfinite", "Whether x is neither infinite nor nan."),
):
    _elemwise(_name, zero, keeps="", result="free", np=_name, doc=_doc)
_elemwise("isposinf", zero, keeps="", kernel=lambda xp, x: x == xp.inf, result="free", np="isposinf",
          doc="Whether x is inf.")
_elemwise("isneginf", zero, keeps="", kernel=lambda xp, x: x == -xp.inf, result="free", np="isneginf",
          doc="Whether x is -inf.")
_elemwise("signbit", zero, keeps="", result="free", np="signbit",
          doc="Whether the sign of x is minus; -0.0 has one.")
_elemwise("bitwise_and", *_right_zero, keeps="", np="bitwise_and",
          doc="The bits set in both integers.")
_elemwise("bitwise_or", *_right_zero, keeps="", np="bitwise_or",
          doc="The bits set in at least one of two integers.")
_elemwise("bitwise_xor", *_right_zero, keeps="", np="bitwise_xor",
          doc="The bits set in just one of two integers.")
_elemwise("invert", zero, keeps="", np="invert bitwise_not",
          doc="Every bit turned around: -x - 1 for signed integers.")
_elemwise("left_shift", *_right_zero, keeps="", np="left_shift bitwise_left_shift",
          doc="x1 2^x2, of integers: the bits of x1 moved up.")
_elemwise("right_shift", *_right_zero, keeps="", np="right_shift bitwise_right_shift",
          doc="floor(x1 / 2^x2), of integers: the bits of x1 moved down.")
_elemwise("gcd", *_right_zero, keeps="", np="gcd",
          doc="The greatest common divisor of two integers.")
_elemwise("lcm", *_right_zero, keeps="", np="lcm",
          doc="The least common multiple of two integers.")

# functions of neural networks that are one formula ----------------------------------------------------------


def _sigmoid(xp: Any, x: Any) -> Any:
    # 1 / (1 + exp(-x)) overflows harmlessly: exp gives inf, and 1 / inf is the right 0.
    return 1 / (1 + xp.exp(-x))


_elemwise("sigmoid", lambda F, g, y, x: g * (y * (1 - y)), keeps="y", kernel=_sigmoid, result="float",
          nd="sigmoid", npx="sigmoid",
          doc="1 / (1 + e^-x).")


@composition
def relu_dx(F: Any, g: Any, y: Any) -> Any:
    """The cotangent of relu's argument."""
    return F.where(y > 0, g, 0)


_elemwise("relu", lambda F, g, y, x: F.relu_dx(g, y), keeps="y", kernel=lambda xp, x: xp.maximum(x, 0),
          nd="relu", npx="relu",
          doc="max(x, 0); its gradient at 0 is 0.")
_elemwise("softsign", lambda F, g, y, x: g / F.square(1 + F.abs(x)), kernel=lambda xp, x: x / (1 + xp.abs(x)),
          result="float", nd="softsign", npx="softsign",
          doc="x / (1 + |x|).")


def _hard_sigmoid(xp: Any, x: Any, *, alpha: float = 0.2, beta: float = 0.5) -> Any:
    """alpha x + beta, clipped to [0, 1]; its gradient is 0 at the bounds and outside."""
    return xp.clip(alpha * x + beta, 0, 1)


_elemwise("hard_sigmoid",
          lambda F, g, y, x, alpha=0.2, beta=0.5: F.where(F.logical_and(y > 0, y < 1), g * alpha, 0),
          keeps="y", kernel=_hard_sigmoid, result="float", nd="hard_sigmoid")


def _softrelu(xp: Any, x: Any) -> Any:
    """log(1 + exp(x)), without overflow."""
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


_elemwise("softrelu", lambda F, g, y, x: g * F.sigmoid(x), kernel=_softrelu, result="float", nd="softrelu")
_elemwise("log_sigmoid", lambda F, g, y, x: g * F.sigmoid(-x), kernel=lambda xp, x: -_softrelu(xp, -x),
          result="float",
          nd="log_sigmoid", npx="log_sigmoid",
          doc="log(1 / (1 + e^-x)), without overflow.")


def _clip(xp: Any, x: Any, *, a_min: float | None = None, a_max: float | None = None) -> Any:
    """Values below `a_min` become `a_min`, above `a_max` `a_max`; the gradient passes at the bounds."""
    if a_min is None and a_max is None:
        raise ValueError("give a_min or a_max")
    return xp.clip(x, a_min, a_max)


def _clip_dx(F: Any, g: Any, y: Any, x: Any, a_min: float | None = None, a_max: float | None = None) -> Any:
    inside = x >= a_min if a_max is None else x <= a_max
    if a_min is not None and a_max is not None:
        inside = F.logical_and(x >= a_min, inside)
    return F.where(inside, g, 0)


_elemwise("clip", _clip_dx, kernel=_clip, nd="clip")


def _smooth_l1(xp: Any, x: Any, *, scalar: float = 1.0) -> Any:
    """0.5 (s x)^2 for |x| < 1/s^2, else |x| - 0.5/s^2, with s = `scalar` (Girshick, Fast R-CNN, 2015)."""
    s2 = scalar * scalar
    return xp.where(xp.abs(x) < 1 / s2, 0.5 * s2 * x * x, xp.abs(x) - 0.5 / s2)


_elemwise("smooth_l1",
          lambda F, g, y, x, scalar=1.0: g * F.clip(x * (scalar * scalar), a_min=-1.0, a_max=1.0),
          kernel=_smooth_l1, result="float", nd="smooth_l1", npx="smooth_l1")
