"""Runs programs written for MXNet, unedited, on mxgrad (level 12).

    python -m mxgrad script.py [argument ...]
    python -m mxgrad -m module [argument ...]
    python -m mxgrad -c command [argument ...]
    python -m mxgrad - [argument ...]               the program is read from standard input

``import mxnet``, and every ``mxnet.x.y``, means mxgrad.  Otherwise the program runs as under ``python``: it
is ``__main__`` with its own ``sys.argv`` and ``sys.path``, its exit status is the command's, and its
tracebacks begin with its own lines.
"""
from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from io import open_code
from os.path import abspath, dirname, realpath
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

from . import __version__
from .compat import install

USAGE = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[0]
# The frames of starting a program: ours, and those that read a module's code.
_OWN = (__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")


def _refuse(text: str, status: int) -> NoReturn:
    print(f"mxgrad: {text}", file=sys.stderr)
    sys.exit(status)


def _source(text: str | bytes, name: str) -> CodeType:
    return compile(text, name, "exec", dont_inherit=True)


def _script(path: str) -> tuple[CodeType, dict[str, Any]]:
    try:
        with open_code(abspath(path)) as file:
            text = file.read()
    except OSError as error:
        _refuse(f"can't open file {abspath(path)!r}: {error.strerror}", 2)
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = dirname(realpath(path))
    return _source(text, abspath(path)), {"__file__": abspath(path)}


def _module(name: str) -> tuple[CodeType, dict[str, Any]]:
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = find_spec(name)
    except ModuleNotFoundError as error:        # a parent package is missing
        _refuse(f"error while finding module {name!r}: {error}", 1)
    if spec is None or spec.loader is None:
        _refuse(f"no module named {name!r}", 1)
    code = _code(spec)
    if code is None:
        _refuse(f"no Python source in module {name!r}", 1)
    sys.argv[0] = spec.origin or name
    return code, {"__file__": spec.origin, "__package__": spec.parent, "__spec__": spec,
                  "__loader__": spec.loader}


def _code(spec: ModuleSpec) -> CodeType | None:
    get_code = getattr(spec.loader, "get_code", None)
    return get_code(spec.name) if get_code else None


def _program(how: str, what: str) -> tuple[CodeType, dict[str, Any]]:
    if how == "-m":
        return _module(what)
    if how == "-c":
        return _source(what, "<string>"), {}
    if what == "-":
        return _source(sys.stdin.read(), "<stdin>"), {}
    return _script(what)


def main(argv: list[str]) -> None:
    """Run the program that the arguments name; what it raises, SystemExit included, is raised."""
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if argv else sys.stderr)
        sys.exit(0 if argv else 2)
    if argv[0] in ("-V", "--version"):
        print("mxgrad", __version__)
        return
    how = argv[0] if argv[0] in ("-m", "-c") else ""
    rest = argv[1:] if how else argv
    if not rest or not how and rest[0].startswith("-") and rest[0] != "-":
        wrong = f"argument expected for {how}" if how else f"unknown option {rest[0]}"
        _refuse(f"{wrong}\n{USAGE}", 2)
    try:
        install()
        sys.argv[:] = [how or rest[0], *rest[1:]]
        code, names = _program(how, rest[0])
        module = ModuleType("__main__")
        module.__dict__.update({"__builtins__": __builtins__, "__package__": None, **names})
        sys.modules["__main__"] = module
        exec(code, module.__dict__)
    except BaseException as error:
        _hide_own_frames(error)
        raise


def _hide_own_frames(error: BaseException) -> None:
    """Have the traceback begin with the program's first frame, once the interpreter prints it."""
    theirs, trace = sys.excepthook, error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in _OWN:
        trace = trace.tb_next

    def hook(kind: type[BaseException], value: BaseException, _: TracebackType | None) -> None:
        theirs(kind, value.with_traceback(trace), trace)

    sys.excepthook = hook


if __name__ == "__main__":
    main(sys.argv[1:])
