"""`mx.monitor`: statistics of the arrays inside an executor while it computes (level 10).

>>> import logging, sys
>>> import mxgrad as mx
>>> root, shown = logging.getLogger(), logging.StreamHandler(sys.stdout)
>>> root.addHandler(shown)
>>> root.setLevel(logging.INFO)
>>> executor = (mx.sym.var("x") * 2).bind(mx.cpu(), {"x": mx.nd.array([3, 4])})
>>> monitor = mx.mon.Monitor(interval=1)
>>> monitor.install(executor)
>>> monitor.tic()
>>> _ = executor.forward()
>>> monitor.toc_print()
Batch:       1 _mulscalar0_output             7.071068
Batch:       1 x                              3.535534
>>> root.removeHandler(shown)
>>> root.setLevel(logging.WARNING)
"""
from __future__ import annotations

import logging
import re
from collections.abc import Callable
from math import sqrt
from typing import Any

from . import nd
from .base import InvalidTypeError

__all__ = ["Monitor"]


def _root_mean_square(x: Any) -> Any:
    return nd.norm(x) / sqrt(x.size)


class Monitor:
    """Statistics of outputs, arguments and gradients, every `interval` batches.

    `install` it, or give it to `Module.fit`; between `tic` and `toc` it collects.

    Parameters
    ----------
    interval : int
        Every so many batches.
    stat_func : callable, optional
        Gives an NDArray, or a list of them, for one; by default the root of the mean square.
    pattern : str
        A regular expression, which the beginnings of the names of arrays fit: '.*weight|.*output' for weights
        and outputs, '.*backward.*' for gradients.
    sort : bool
        By name.
    monitor_all : bool
        The inputs of operators, too.

    Notes
    -----
    The gradients are those of arguments, named after the operator as in MXNet: 'fc_backward_output1' is that
    of the second input of 'fc'.
    """

    def __init__(
        self, interval: int, stat_func: Callable[[Any], Any] | None = None, pattern: str = ".*",
        sort: bool = False, monitor_all: bool = False,
    ) -> None:
        self.interval, self.stat_func = interval, stat_func or _root_mean_square
        self.re_prog, self.sort, self.monitor_all = re.compile(pattern), sort, monitor_all
        self.activated, self.step = False, 0
        self.queue: list[tuple[int, str, Any]] = []
        self.exes: list[Any] = []

    def stat_helper(self, name: str, array: Any) -> None:
        """Take the statistics of an array if it is wanted."""
        if self.activated and self.re_prog.match(name):
            self.queue.append((self.step, name, self.stat_func(array)))

    def install(self, exe: Any) -> None:
        """Watch an `mx.executor.Executor`, beside those before."""
        exe.set_monitor_callback(self.stat_helper, self.monitor_all)
        self.exes.append(exe)

    def tic(self) -> None:
        """Begin with a batch, of which statistics are collected if it is its turn."""
        if self.step % self.interval == 0:
            self.queue, self.activated = [], True
        self.step += 1

    def toc(self) -> list[tuple[int, str, str]]:
        """End with the batch: (number of the batch, name, statistics as text) of each array; nothing if it
        was not its turn.

        Raises InvalidTypeError if `stat_func` gave something else than arrays.
        """
        if not self.activated:
            return []
        for exe in self.exes:
            for name, array in [*exe.arg_dict.items(), *exe.aux_dict.items()]:
                self.stat_helper(name, array)
        queue, self.queue, self.activated = self.queue, [], False
        if self.sort:
            queue.sort(key=lambda entry: entry[1])
        return [(step, name, "".join(f"{_text(name, v)}\t" for v in
                                     (found if isinstance(found, list) else [found])))
                for step, name, found in queue]

    def toc_print(self) -> None:
        """End with the batch, and write what `toc` gives to the log, at level INFO."""
        for step, name, text in self.toc():
            logging.info("Batch: %7d %-30s %s", step, name, text)


def _text(name: str, statistic: Any) -> str:
    if not isinstance(statistic, nd.NDArray):
        raise InvalidTypeError(f"Monitor: stat_func gives an NDArray or a list of them, gave a "
                               f"{type(statistic).__name__} for {name}")
    return str(statistic.asscalar() if statistic.shape == (1,) else statistic.asnumpy())
