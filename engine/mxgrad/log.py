"""`mx.log`: loggers whose lines begin with level, time and place (level 1)."""
from __future__ import annotations

import logging
import warnings

__all__ = ["CRITICAL", "DEBUG", "ERROR", "INFO", "NOTSET", "WARNING", "getLogger", "get_logger"]

from logging import CRITICAL, DEBUG, ERROR, INFO, NOTSET, WARNING

_LETTERS = {CRITICAL: "C", ERROR: "E", WARNING: "W", INFO: "I", DEBUG: "D"}


class _Formatter(logging.Formatter):
    """Coloured ``I0131 12:30:59 PID PATH:FUNCTION:LINE] MESSAGE``."""

    def __init__(self) -> None:
        super().__init__(datefmt="%m%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        colour = 31 if record.levelno >= WARNING else 32 if record.levelno >= INFO else 34
        place = f"{record.pathname}:{record.funcName}:{record.lineno}"
        return (f"\x1b[{colour}m{_LETTERS.get(record.levelno, 'U')}{record.asctime} {record.process} {place}]"
                f"\x1b[0m {record.message}")

    def usesTime(self) -> bool:
        return True


def get_logger(
    name: str | None = None, filename: str | None = None, filemode: str | None = None, level: int = WARNING,
) -> logging.Logger:
    """Python's logger of that name; at its first call it is given a level and a place to write to.

    Parameters
    ----------
    name : str, optional
        None is the root logger, which is left as it is.
    filename : str, optional
        A file to write to, as Python does; without it lines go to the standard error stream, coloured, with
        level, time, process and place.
    filemode : str, optional
        'a', to append to the file, by default.
    level : int
        What is less serious is not written.

    Examples
    --------
    >>> import mxgrad as mx
    >>> logger = mx.log.get_logger("training", level=mx.log.INFO)
    >>> logger.level == mx.log.INFO, mx.log.get_logger("training") is logger
    (True, True)
    """
    logger = logging.getLogger(name)
    if name is not None and not getattr(logger, "_init_done", False):
        if filename:
            handler: logging.Handler = logging.FileHandler(filename, filemode or "a")
        else:
            handler = logging.StreamHandler()
            handler.setFormatter(_Formatter())
        logger._init_done = True        # type: ignore[attr-defined]
        logger.addHandler(handler)
        logger.setLevel(level)
    return logger


def getLogger(
    name: str | None = None, filename: str | None = None, filemode: str | None = None, level: int = WARNING,
) -> logging.Logger:
    """`get_logger`, by a name that MXNet gave up; warns so."""
    warnings.warn("getLogger is deprecated, Use get_logger instead.", DeprecationWarning, stacklevel=2)
    return get_logger(name, filename, filemode, level)
