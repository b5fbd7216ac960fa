"""Checkpoints: a graph and its parameters as files; `mx.model` (level 12)."""
from __future__ import annotations

import logging
from collections import namedtuple
from typing import Any

from . import nd, symbol as symbols
from .base import InvalidValueError
from .symbol import Symbol

__all__ = ["BatchEndParam", "load_checkpoint", "load_params", "save_checkpoint"]

# What callbacks at the end of a batch are called with.
BatchEndParam = namedtuple(     # type: ignore[name-match]
    "BatchEndParams", ["epoch", "nbatch", "eval_metric", "locals"])


def save_checkpoint(
    prefix: str, epoch: int, symbol: Symbol | None, arg_params: dict[str, Any], aux_params: dict[str, Any],
    remove_amp_cast: bool = True,
) -> None:
    """Write a graph to ``prefix-symbol.json`` and its parameters to ``prefix-0001.params``, with the `epoch`
    for a number; an INFO message names the file.

    Parameters
    ----------
    prefix : str
        How the files' names begin.
    epoch : int
    symbol : Symbol or None
        None writes no graph.
    arg_params, aux_params : dict of str to array
        The parameters, and those that are not trained, such as the running means of batch normalisation.
    remove_amp_cast : bool
        Leave out the casts of mixed precision.

    Examples
    --------
    >>> import tempfile
    >>> import mxgrad as mx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mx.model.save_checkpoint(folder + "/net", 7, None, {"weight": mx.nd.ones(2)}, {})
    ...     weights, running = mx.model.load_params(folder + "/net", 7)
    >>> weights["weight"].asnumpy().tolist(), running
    ([1.0, 1.0], {})
    """
    if symbol is not None:
        symbol.save(f"{prefix}-symbol.json", remove_amp_cast)
    name = _params_file(prefix, epoch)
    nd.save(name, {**{f"arg:{n}": a for n, a in arg_params.items()},
                   **{f"aux:{n}": a for n, a in aux_params.items()}})
    logging.info('Saved checkpoint to "%s"', name)


def load_params(prefix: str, epoch: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters that `save_checkpoint`, here or in MXNet, wrote: `arg_params` and `aux_params`.

    Raises InvalidValueError for a file whose names do not begin with 'arg:' and 'aux:'.
    """
    name = _params_file(prefix, epoch)
    arrays = nd.load(name)
    if not arrays:
        logging.warning("Params file '%s' is empty", name)
    return split_params(name, arrays)


def split_params(fname: str, arrays: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """`arg_params` and `aux_params` among the arrays of a checkpoint."""
    found: dict[str, dict[str, Any]] = {"arg": {}, "aux": {}}
    for key in arrays:
        kind, colon, own = key.partition(":") if isinstance(key, str) else ("", "", "")
        if not colon or kind not in found:
            raise InvalidValueError(
                f"{fname} is no checkpoint: names begin with 'arg:' or 'aux:', "
                + (f"not {key!r}" if isinstance(key, str) else "and these arrays have none"))
        found[kind][own] = arrays[key]
    return found["arg"], found["aux"]


def load_checkpoint(prefix: str, epoch: int) -> tuple[Symbol, dict[str, Any], dict[str, Any]]:
    """The graph and the parameters that `save_checkpoint`, here or in MXNet, wrote."""
    return (symbols.load(f"{prefix}-symbol.json"), *load_params(prefix, epoch))


def _params_file(prefix: str, epoch: int) -> str:
    return f"{prefix}-{epoch:04d}.params"
