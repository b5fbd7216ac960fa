"""What an op is, and the table of all of them (level 1)."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

OPS: dict[str, Op] = {}


def zero(F: Any, g: Any, y: Any, x: Any, *rest: Any, **params: Any) -> Any:
    """The rule of a piecewise constant op of one argument: its gradient is zero, and says so."""
    return F.fill(g, shape=x.shape, dtype=x.dtype, value=0)


def zero_second(F: Any, g: Any, y: Any, x1: Any, x2: Any, **params: Any) -> Any:
    """`zero` for the second of two arguments."""
    return zero(F, g, y, x2)


class Op:
    """One primitive: a kernel, and how its outputs' cotangents become its arguments'.

    kernel(xp, *arrays, **params)
        Raw array(s) from raw arrays; `xp` is NumPy or an array module with NumPy's semantics.  What stands
        before the bare ``*`` of its signature are arrays (``None`` as default makes one optional), the rest
        are parameters.
    vjps
        One rule per array argument, ``rule(F, g, y, *xs, **params)``, or None where no gradient flows.
    joint
        One rule for all arguments, ``joint(F, g, y, *xs, **params)``, giving a tuple of cotangents; for a
        kernel of several outputs `g` and `y` are tuples.
    asks
        The joint rule has a parameter `wanted`: whether the cotangent of each primal is wanted.
    keeps
        The values the rules read, as letters: ``x`` the primals, ``y`` the output, ``v`` the variadic
        primals, or the numbers of single primals ('0' to '9'); with '|' for each rule apart, so that ``1|0``
        keeps of a product only the factor whose other one wants a gradient.  A value that is not kept reaches
        the rule as a `Spec`: shape and dtype only.  '-' says that the rules read nothing at all, not even
        shapes, and get None where the tape can spare the `Spec`.
    broadcasts
        The walk sums a cotangent back to its primal's shape.
    ufunc
        The kernel is the array module's ufunc of this name, and may be called as such.
    result
        What dtype users expect: ``same`` as the arguments', ``float`` for functions that leave the integers,
        ``free`` where the kernel decides.  The frontends settle it, each in its own way.
    mixed
        The arguments' dtypes are independent of each other (indices, conditions).
    view
        The kernel may give a view of its first argument; `invoke` copies it unless the caller wants to share.
    gaps
        The joint rule of several outputs takes None for the cotangent of an output that nothing depends on;
        the others get zeros.
    reads_always
        Which primals the rules read, where that is the same whatever is wanted of them; else None.
    rule
        The one rule of an op of one array.
    adds
        For an op that reads a part of its first argument: ``adds(xp, total, g, *others, **params)`` does in
        the array `total` what adding the first rule's cotangent would do, and gives it.  The reverse pass
        over raw arrays calls it in place of the rule, so that a part costs what the part is worth.
    """

    __slots__ = (
        "name",
        "kernel",
        "vjps",
        "joint",
        "asks",
        "keeps",
        "reads",
        "_read_by",
        "rule",
        "reads_always",
        "keeps_y",
        "broadcasts",
        "ufunc",
        "names",
        "arrays",
        "variadic",
        "optional",
        "params",
        "doc",
        "nd_arrays",
        "result",
        "mixed",
        "view",
        "gaps",
        "adds",
    )

    def __init__(
        self, name: str, kernel: Callable[..., Any], vjps: tuple[Any, ...], joint: Callable[..., Any] | None,
        keeps: str, broadcasts: bool, ufunc: bool, names: dict[str, tuple[str, ...]], doc: str,
        nd_arrays: tuple[str, ...] | None, result: str, mixed: bool, view: bool,
        gaps: bool = False, adds: Callable[..., Any] | None = None,
    ) -> None:
        self.name, self.kernel, self.vjps, self.joint = name, kernel, vjps, joint
        self.asks = joint is not None and "wanted" in _parameters(joint)
        self.keeps, self.keeps_y = keeps, "y" in keeps
        self.reads = tuple(keeps.split("|"))
        self._read_by: dict[tuple[bool, ...], tuple[bool, ...]] = {}
        self.broadcasts, self.ufunc, self.names, self.doc = broadcasts, ufunc, names, doc
        self.result, self.mixed, self.view, self.gaps, self.adds = result, mixed, view, gaps, adds
        code, kwdefaults = kernel.__code__, kernel.__kwdefaults__ or {}
        self.arrays: tuple[str, ...] = code.co_varnames[1:code.co_argcount]
        self.optional = len(kernel.__defaults__ or ())
        named = code.co_argcount + code.co_kwonlyargcount
        self.params: dict[str, Any] = {
            p: kwdefaults.get(p, REQUIRED) for p in code.co_varnames[code.co_argcount:named]
        }
        self.variadic: str | None = code.co_varnames[named] if code.co_flags & 0x04 else None
        is_single = joint is None and self.variadic is None and len(self.arrays) == 1
        self.rule = vjps[0] if is_single else None
        self.nd_arrays = nd_arrays or self.arrays
        is_fixed = len(self.reads) == 1 and self.variadic is None
        self.reads_always = self.read_by((True,) * len(self.arrays)) if is_fixed else None

    def read_by(self, wanted: tuple[bool, ...]) -> tuple[bool, ...]:
        """Which primals the rules of the `wanted` arguments read."""
        found = self._read_by.get(wanted)
        if found is None:
            if len(self.reads) == 1:
                letters = [self.keeps]
            else:
                letters = [r for want, r in zip(wanted, self.reads) if want]
            fixed = len(self.arrays)
            found = tuple(
                any("x" in r or (str(i) if i < fixed else "v") in r for r in letters)
                for i in range(len(wanted))
            )
            self._read_by[wanted] = found
        return found

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters."""
    code = function.__code__
    return code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]


class _Required:
    """The default of a parameter that has none."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


def register(
    name: str,
    kernel: Callable[..., Any],
    *vjps: Any,
    joint: Callable[..., Any] | None = None,
    keeps: str = "x",
    broadcasts: bool = False,
    ufunc: bool = False,
    doc: str = "",
    nd_arrays: tuple[str, ...] | None = None,
    result: str = "free",
    mixed: bool = False,
    view: bool = False,
    gaps: bool = False,
    adds: Callable[..., Any] | None = None,
    nd: str = "",
    np: str = "",
    npx: str = "",
) -> Op:
    """Declare an op: the only place it is named.

    `nd`, `np`, `npx` are the public names in that frontend, separated by blanks; `nd_arrays` are the names
    MXNet 1.x gives the array arguments where they differ from the kernel's.
    """
    if name in OPS:
        raise ValueError(f"op {name!r} is registered twice")
    names = {k: tuple(v.split()) for k, v in (("nd", nd), ("np", np), ("npx", npx)) if v}
    op = Op(
        name,
        kernel,
        vjps,
        joint,
        keeps,
        broadcasts,
        ufunc,
        names,
        doc or kernel.__doc__ or "",
        nd_arrays,
        result,
        mixed,
        view,
        gaps,
        adds,
    )
    wanted = len(op.arrays) + (op.variadic is not None)
    if joint is None and len(vjps) != wanted:
        raise TypeError(
            f"op {name!r} has {wanted} array arguments and {len(vjps)} rules: give a rule for each, `zero` "
            "where it is "
            "piecewise constant, or None where no gradient flows"
        )
    OPS[name] = op
    return op


class Spec:
    """Shape and dtype of a value the tape does not keep."""

    __slots__ = ("shape", "dtype")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype = shape, dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        n = 1
        for d in self.shape:
            n *= d
        return n


COMPOSITIONS: dict[str, Callable[..., Any]] = {}


def composition(f: Callable[..., Any]) -> Callable[..., Any]:
    """Declare ``f(F, *arrays, **params)``, a composition of ops that a backend may have a kernel for.

    Rules call it as ``F.name(*arrays, **params)``.  On raw arrays that is the backend's kernel where there
    is one; on recorded arrays it is always the composition, whose ops have rules of their own: so a fused
    kernel needs none.  A leading underscore of `f` is not part of the name.
    """
    name = f.__name__.lstrip("_")
    if name in COMPOSITIONS or name in OPS:
        raise ValueError(f"{name!r} is declared twice")
    COMPOSITIONS[name] = f
    return f


def table(
    bind: Callable[[Op], Callable[..., Any]],
    fused: Callable[[str, Callable[..., Any]], Callable[..., Any]] = lambda name, f: f,
) -> SimpleNamespace:
    """The namespace F in which rules are written: every op, bound by `bind`, and every composition, or what
    `fused` puts in its place.
    """
    F = SimpleNamespace(**{op.name: bind(op) for op in OPS.values()})
    for name, f in COMPOSITIONS.items():
        setattr(F, name, fused(name, partial(f, F)))
    return F
