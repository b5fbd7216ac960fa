"""What the engine did, and when: `mx.profiler` (level 10).

While it runs, every call of an operator and every step of a backward is timed: `dump` writes them in the
Trace Event Format that chrome://tracing and Perfetto show (docs.google.com/document/d/
1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU), `dumps` gives a table.  While it does not run, operators take
the same path as if there were no profiler.

>>> import mxgrad as mx
>>> mx.profiler.set_config(aggregate_stats=True)
>>> mx.profiler.start()
>>> y = mx.nd.ones((2, 2)) * 3
>>> mx.profiler.stop()
>>> "multiply" in mx.profiler.dumps(reset=True)
True
"""
from __future__ import annotations

import contextlib
import contextvars
import json
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from time import perf_counter_ns, time_ns
from typing import Any, NamedTuple

from . import invoke as _invoke
from .base import InvalidTypeError, InvalidValueError, MXNetError, nearest
from .registry import OPS

__all__ = ["Counter", "Domain", "Event", "Frame", "Marker", "Task", "dump", "dump_profile", "dumps", "pause",
           "profiler_set_config", "profiler_set_state", "resume", "scope", "set_config", "set_state", "start",
           "stop"]


class _Record(NamedTuple):
    """One thing that happened: times in ns of `perf_counter_ns`."""

    kind: str           # 'X' took time, 'C' is a counter's value, 'i' an instant: phases of the trace format
    name: str
    category: str
    place: str          # what the trace shows as a process: a device, or a domain
    start: int
    value: Any          # the duration in ns, the counter's value, the scope of the instant
    thread: int


_EPOCH = time_ns() - perf_counter_ns()
_CONFIG: dict[str, Any] = {
    "filename": "profile.json", "profile_all": False, "profile_symbolic": True, "profile_imperative": True,
    "profile_memory": False, "profile_api": False, "continuous_dump": False,
    "dump_period": 1.0, "aggregate_stats": False, "profile_process": "worker",
    "gpu_memory_profile_filename_prefix": "gpu_memory_profile",
}


class _State:
    """Whether the profiler runs, and what it has seen."""

    def __init__(self) -> None:
        self.config = dict(_CONFIG)
        self.running = self.paused = False
        self.started = False                        # since the last finished dump
        self.records: list[_Record] = []            # for `dump`
        self.summed: list[_Record] = []             # for `dumps`
        self.rules: list[tuple[Any, Any, Any]] = []

    def note(self, kind: str, name: str, category: str, place: str, begin: int, value: Any) -> None:
        record = _Record(kind, name, category, place, begin, value, threading.get_ident())
        self.records.append(record)
        if self.config["aggregate_stats"]:
            self.summed.append(record)

    def watch(self) -> None:
        """Time operators and rules from now on, or no more."""
        on = self.running and not self.paused
        if on == bool(self.rules):
            return
        if on:
            self.rules = [(op, op.vjps, op.joint) for op in OPS.values()]
            for op, vjps, joint in self.rules:
                name = f"_backward_{op.name}"
                op.vjps = tuple(_timed_rule(name, rule) for rule in vjps)
                if op.variadic is not None and vjps:
                    op.vjps = (*op.vjps[:-1], _timed_rules(name, vjps[-1]))
                op.joint = _timed_rule(name, joint)
        else:
            for op, vjps, joint in self.rules:
                op.vjps, op.joint = vjps, joint
            self.rules = []
        _invoke.observe(_timed_kernel if on else None)


_state = _State()


def _timed_kernel(name: str, kernel: Any, backend: Any) -> Any:
    device = getattr(backend, "device", None)
    place = "cpu/0" if device is None else f"gpu/{device.id}"

    def call(*args: Any, **params: Any) -> Any:
        begin = perf_counter_ns()
        out = kernel(*args, **params)
        if device is not None:
            backend.synchronize()
        _state.note("X", name, "operator", place, begin, perf_counter_ns() - begin)
        return out

    return call


def _timed_rule(name: str, rule: Any) -> Any:
    if rule is None:
        return None

    def call(*args: Any, **params: Any) -> Any:
        begin = perf_counter_ns()
        out = rule(*args, **params)
        _state.note("X", name, "operator", "backward", begin, perf_counter_ns() - begin)
        return out

    return call


def _timed_rules(name: str, rules: Callable[[int], Any]) -> Callable[[int], Any]:
    """The same for the rules of a variadic op, which are made for each argument."""
    return lambda i: _timed_rule(name, rules(i))


# -- switches -----------------------------------------------------------------------------------------------


def set_config(**kwargs: Any) -> None:
    """Say what is wanted, before `set_state`.

    Parameters
    ----------
    filename : str
        What `dump` writes; 'profile.json' by default.
    aggregate_stats : bool
        Keep what `dumps` needs.
    profile_all, profile_symbolic, profile_imperative, profile_memory, profile_api, continuous_dump, \
dump_period, profile_process, gpu_memory_profile_filename_prefix
        Accepted for MXNet's sake: operators are timed, memory is not looked at, and files are written by
        `dump`.

    Raises
    ------
    InvalidValueError
        There is no such argument.
    InvalidTypeError
        `filename` is no path, or another value is of the wrong type.
    """
    for key, value in kwargs.items():
        if key not in _CONFIG:
            raise InvalidValueError(f"profiler.set_config: there is no argument {key!r}"
                                    f"{nearest(key, _CONFIG)}; known are {', '.join(_CONFIG)}")
        default = _CONFIG[key]
        wanted = (str, os.PathLike) if isinstance(default, str) else (bool, int, float)
        if not isinstance(value, wanted):
            raise InvalidTypeError(f"profiler.set_config: {key} is a {type(default).__name__}, got {value!r}")
    _state.config.update(kwargs)


def _check_process(profile_process: str) -> None:
    if profile_process not in ("worker", "server"):
        raise InvalidValueError(f"profiler: profile_process is 'worker' or 'server', not {profile_process!r}")


def set_state(state: str = "stop", profile_process: str = "worker") -> None:
    """Start ('run') or stop ('stop') to watch; what was seen stays until `dump`."""
    _check_process(profile_process)
    if state not in ("run", "stop"):
        raise InvalidValueError(f"profiler.set_state: state is 'run' or 'stop', not {state!r}")
    _state.running = state == "run"
    _state.started = _state.started or _state.running
    _state.watch()


def start(profile_process: str = "worker") -> None:
    """``set_state('run')``."""
    set_state("run", profile_process)


def stop(profile_process: str = "worker") -> None:
    """``set_state('stop')``."""
    set_state("stop", profile_process)


def pause(profile_process: str = "worker") -> None:
    """Leave out what happens until `resume`."""
    _check_process(profile_process)
    _state.paused = True
    _state.watch()


def resume(profile_process: str = "worker") -> None:
    """Go on after `pause`."""
    _check_process(profile_process)
    _state.paused = False
    _state.watch()


def profiler_set_config(mode: str = "symbolic", filename: str = "profile.json") -> None:
    """An old name of `set_config`."""
    warnings.warn("profiler.profiler_set_config() is deprecated. Please use profiler.set_config() instead",
                  stacklevel=2)
    set_config(**{f"profile_{mode}": True, "filename": filename})


def profiler_set_state(state: str = "stop") -> None:
    """An old name of `set_state`."""
    warnings.warn("profiler.profiler_set_state() is deprecated. Please use profiler.set_state() instead",
                  stacklevel=2)
    set_state(state)


# -- results ------------------------------------------------------------------------------------------------


def dump(finished: bool = True, profile_process: str = "worker") -> None:
    """Write what was seen to the file of `set_config`, as JSON; times are in µs since 1970.

    With `finished` the profiler stops and forgets it; `dumps` still knows its statistics.  Raises MXNetError
    if the profiler has not run since.
    """
    _check_process(profile_process)
    if not _state.started:
        raise MXNetError("Profiler hasn't been run. Config and start profiler first")
    places: dict[str, int] = {}
    events: list[dict[str, Any]] = []
    for r in _state.records:
        pid = places.setdefault(r.place, len(places))
        event = {"name": r.name, "cat": r.category, "ph": r.kind, "ts": (r.start + _EPOCH) / 1000, "pid": pid,
                 "tid": r.thread}
        if r.kind == "X":
            event["dur"] = r.value / 1000
        elif r.kind == "C":
            event["args"] = {r.name: r.value}
        else:
            event["s"] = r.value
        events.append(event)
    named = [{"name": "process_name", "ph": "M", "pid": pid, "args": {"name": place}}
             for place, pid in places.items()]
    text = json.dumps({"traceEvents": named + events, "displayTimeUnit": "ms"}, indent=1)
    with open(_state.config["filename"], "w", encoding="utf-8") as file:
        file.write(text)
    if finished:
        set_state("stop")
        _state.records.clear()
        _state.started = False


def dump_profile() -> None:
    """An old name of `dump`."""
    warnings.warn("profiler.dump_profile() is deprecated. Please use profiler.dump() instead", stacklevel=2)
    dump(True)


_SORTS = {"total": "Total", "avg": "Avg", "min": "Min", "max": "Max", "count": "Count"}


def _statistics() -> dict[str, dict[str, dict[str, float]]]:
    """By category and name, over what took time, in ms, and over the values of counters."""
    values: dict[str, dict[str, list[float]]] = {}
    for r in _state.summed:
        if r.kind != "i":
            value = r.value / 1e6 if r.kind == "X" else r.value
            values.setdefault(r.category, {}).setdefault(r.name, []).append(value)
    return {
        category: {name: {"Count": len(v), "Total": sum(v), "Min": min(v), "Max": max(v),
                          "Avg": sum(v) / len(v)} for name, v in found.items()}
        for category, found in sorted(values.items())}


def dumps(reset: bool = False, format: str = "table", sort_by: str = "total", ascending: bool = False) -> str:
    """Statistics of what was seen: how often, and how long in all, at least, at most and on average.

    It is empty unless ``set_config(aggregate_stats=True)`` was called before.

    Parameters
    ----------
    reset : bool
        Start the statistics again.
    format : {'table', 'json'}
    sort_by : {'total', 'avg', 'min', 'max', 'count'}
    ascending : bool
    """
    if format not in ("table", "json"):
        raise InvalidValueError(f"Invalid value provided for format: {format}. Support: 'table', 'json'")
    if sort_by not in _SORTS:
        raise InvalidValueError(f"Invalid value provided for sort_by: {sort_by}. Support: "
                                f"{', '.join(map(repr, _SORTS))}")
    if not _state.config["aggregate_stats"] and not _state.summed:
        return ""
    found = {
        category: dict(sorted(rows.items(), key=lambda row: row[1][_SORTS[sort_by]], reverse=not ascending))
        for category, rows in _statistics().items()}
    if reset:
        _state.summed.clear()
    if format == "json":
        return json.dumps({"Time": found, "Unit": {"Time": "ms"}}, indent=4)
    lines = ["", "Profile Statistics:", "\tNote the difference in units for different entries."]
    head = ("Name", "Total Count", "Time (ms)", "Min Time (ms)", "Max Time (ms)", "Avg Time (ms)")
    for category, rows in found.items():
        lines += [category, "=" * 17, _row(*head), _row(*("-" * len(h) for h in head))]
        lines += [_row(name, str(v["Count"]), *(f"{v[k]:.4f}" for k in ("Total", "Min", "Max", "Avg")))
                  for name, v in rows.items()]
        lines.append("")
    return "\n".join(lines) + "\n"


def _row(name: str, *cells: str) -> str:
    return f"{name:<25}" + "".join(f"{c:>16} " for c in cells).rstrip()


# -- what a program says itself -----------------------------------------------------------------------------


def _active() -> bool:
    return _state.running and not _state.paused


class Domain:
    """A name under which tasks, frames, counters and markers stand together.

    >>> from mxgrad import profiler
    >>> task = profiler.Domain("training").new_task("epoch")
    >>> task.start()
    >>> task.stop()
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def new_task(self, name: str) -> Task:
        """A `Task` of this domain."""
        return Task(self, name)

    def new_frame(self, name: str) -> Frame:
        """A `Frame` of this domain."""
        return Frame(self, name)

    def new_counter(self, name: str, value: int | None = None) -> Counter:
        """A `Counter` of this domain."""
        return Counter(self, name, value)

    def new_marker(self, name: str) -> Marker:
        """A `Marker` of this domain."""
        return Marker(self, name)


class _Span:
    """A time between `start` and `stop`; also that of a ``with`` block."""

    def __init__(self, category: str, name: str) -> None:
        self.name, self._category = name, category
        self._begin: int | None = None

    def __str__(self) -> str:
        return self.name

    def start(self) -> None:
        """The time begins."""
        self._begin = perf_counter_ns()

    def stop(self) -> None:
        """The time ends; without a beginning nothing is noted."""
        if self._begin is not None and _active():
            _state.note("X", self.name, self._category, self._category, self._begin,
                        perf_counter_ns() - self._begin)
        self._begin = None

    def __enter__(self) -> _Span:
        self.start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.stop()


class Task(_Span):
    """A part of the work, which may be inside another: `start` and `stop` it."""

    def __init__(self, domain: Domain, name: str) -> None:
        super().__init__(domain.name, name)


class Frame(_Span):
    """One of many equal parts of the work: `start` and `stop` it."""

    def __init__(self, domain: Domain, name: str) -> None:
        super().__init__(f"{domain.name},frame", name)


class Event(_Span):
    """A part of the work outside all domains: `start` and `stop` it."""

    def __init__(self, name: str) -> None:
        super().__init__("event", name)


class Counter:
    """A number that changes with time.

    >>> from mxgrad import profiler
    >>> seen = profiler.Domain("training").new_counter("examples", 0)
    >>> seen += 32
    """

    def __init__(self, domain: Domain, name: str, value: int | None = None) -> None:
        self.name, self._category = name, domain.name
        self._value = 0
        if value is not None:
            self.set_value(value)

    def __str__(self) -> str:
        return self.name

    def set_value(self, value: int) -> None:
        """Make it `value`."""
        self._value = int(value)
        if _active():
            _state.note("C", self.name, self._category, self._category, perf_counter_ns(), self._value)

    def increment(self, delta: int = 1) -> None:
        """Add `delta`."""
        self.set_value(self._value + int(delta))

    def decrement(self, delta: int = 1) -> None:
        """Take `delta` away."""
        self.set_value(self._value - int(delta))

    def __iadd__(self, delta: int) -> Counter:
        self.increment(delta)
        return self

    def __isub__(self, delta: int) -> Counter:
        self.decrement(delta)
        return self


class Marker:
    """An instant: `mark` it."""

    def __init__(self, domain: Domain, name: str) -> None:
        self.name, self.domain = name, domain

    def mark(self, scope: str = "process") -> None:
        """It is now; `scope` ('global', 'process', 'thread', 'task' or 'marker') says how wide the trace
        shows it.
        """
        scopes = {"global": "g", "process": "p", "thread": "t", "task": "t", "marker": "t"}
        if scope not in scopes:
            raise InvalidValueError(f"Marker.mark: scope is one of {', '.join(map(repr, scopes))}, "
                                    f"not {scope!r}")
        if _active():
            category = f"{self.domain.name},instant_marker"
            _state.note("i", self.name, category, category, perf_counter_ns(), scopes[scope])


_scope: contextvars.ContextVar[str] = contextvars.ContextVar("profilerscope", default="<unk>:")


@contextlib.contextmanager
def scope(name: str = "<unk>:", append_mode: bool = True) -> Iterator[str]:
    """Name a part of the program; inside another scope the names are joined, unless `append_mode` is false.

    The trace shows it as a span.

    >>> from mxgrad import profiler
    >>> with profiler.scope("net"), profiler.scope("layer") as name:
    ...     print(name)
    net:layer:
    """
    name = name if name.endswith(":") else name + ":"
    outer = _scope.get()
    if append_mode and outer != "<unk>:":
        name = outer + name
    token = _scope.set(name)
    span = _Span("scope", name)
    span.start()
    try:
        yield name
    finally:
        span.stop()
        _scope.reset(token)
