"""`mx.numpy_dispatch_protocol`: decorators for tests that call NumPy's own functions with arrays (level 11).

Arrays of np follow NumPy's dispatch protocols always: ``numpy.mean(x)`` is ``np.mean(x)``, and records.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

__all__ = ["with_array_function_protocol", "with_array_ufunc_protocol"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _reporting(protocol: str) -> Callable[[_F], _F]:
    def decorate(func: _F) -> _F:
        @wraps(func)
        def run(*args: Any, **kwargs: Any) -> Any:
            try:
                return func(*args, **kwargs)
            except Exception as error:
                raise RuntimeError(
                    f"Running function {func.__name__} with NumPy array {protocol} protocol failed with "
                    f"exception {error}"
                ) from error
        return run      # type: ignore[return-value]
    return decorate


def with_array_function_protocol(func: _F) -> _F:
    """A decorator: errors of `func`, a test of ``__array_function__``, become RuntimeErrors that name it.

    >>> import numpy
    >>> from mxgrad import np
    >>> from mxgrad.numpy_dispatch_protocol import with_array_function_protocol
    >>> @with_array_function_protocol
    ... def joined(x):
    ...     return numpy.concatenate([x, x])
    >>> joined(np.ones(1))
    array([1., 1.])
    """
    return _reporting("function")(func)


def with_array_ufunc_protocol(func: _F) -> _F:
    """A decorator: errors of `func`, a test of ``__array_ufunc__``, become RuntimeErrors that name it."""
    return _reporting("ufunc")(func)
