"""profiler: what it sees of the engine, what it writes, and that the engine is as before when it stops."""
from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mxgrad as mx
from mxgrad import autograd, invoke, nd, profiler
from mxgrad.registry import OPS


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(profiler, "_state", profiler._State())
    yield
    profiler.set_state("stop")


def seen() -> Counter[str]:
    return Counter(r.name for r in profiler._state.records)


def train() -> nd.NDArray:
    x = nd.ones((3, 4))
    x.attach_grad()
    with autograd.record():
        y = (nd.dot(x.T, x) * 2 + nd.tanh(x).sum()).sum()
    y.backward()
    return x.grad       # type: ignore[return-value]


def test_sees_operators_and_rules_while_it_runs() -> None:
    before = [(op, op.vjps, op.joint) for op in OPS.values()]
    expected = train().asnumpy().tolist()
    assert not profiler._state.records
    profiler.start()
    assert train().asnumpy().tolist() == expected
    names = seen()
    for name in ("dot", "multiply", "tanh", "sum", "_backward_dot", "_backward_multiply", "_backward_tanh"):
        assert names[name] >= 1, name
    assert names["multiply"] == 1 and names["_backward_dot"] == 2
    assert all(r.kind == "X" and r.value >= 0 and r.category == "operator" for r in profiler._state.records)
    profiler.stop()
    count = len(profiler._state.records)
    train()
    assert len(profiler._state.records) == count
    assert all(op.vjps is vjps and op.joint is joint for op, vjps, joint in before)


def test_the_short_path_is_as_before() -> None:
    put, kernel = invoke._short["add"]
    cell = dict(zip(put.__code__.co_freevars, put.__closure__ or ()))["ufunc"]
    assert cell.cell_contents is kernel
    profiler.start()
    assert cell.cell_contents is not kernel
    profiler.start()
    profiler.stop()
    assert cell.cell_contents is kernel


def test_second_order_and_variadic_operators() -> None:
    profiler.start()
    x = nd.array([1., 2.])
    x.attach_grad()
    with autograd.record():
        y = nd.concat(x * x, x ** 3, dim=0).sum()
        (dx,) = autograd.grad(y, [x], create_graph=True, retain_graph=True)
        z = dx.sum()
    z.backward()
    assert x.grad is not None and x.grad.asnumpy().tolist() == [8, 14]
    names = seen()
    assert names["_backward_concatenate"] == 1 and names["_backward_power"] >= 2


def test_pause_and_resume() -> None:
    profiler.set_state("run")
    task = profiler.Domain("d").new_task("t")
    profiler.pause()
    nd.ones(2) + 1
    task.start()
    task.stop()
    assert not profiler._state.records
    profiler.resume()
    nd.ones(2) * 2
    assert seen() == {"multiply": 1}
    profiler.set_state("stop")
    profiler.resume()
    nd.ones(2) * 2
    assert seen() == {"multiply": 1}


def test_an_operator_that_fails_is_not_noted() -> None:
    profiler.start()
    with pytest.raises(ValueError, match="operands could not be broadcast together"):
        nd.ones(2) + nd.ones(3)
    assert not profiler._state.records


def test_trace(tmp_path: Path) -> None:
    profiler.set_config(profile_all=True, filename="trace.json")
    profiler.set_state("run")
    domain = profiler.Domain("dom")
    with domain.new_task("task"):
        nd.ones(2) + 1
    frame, event = domain.new_frame("frame"), profiler.Event("event")
    for span in (frame, event):
        span.start()
        span.stop()
        span.stop()
    counter = domain.new_counter("count", 5)
    counter += 3
    counter -= 1
    domain.new_marker("mark").mark()
    domain.new_marker("mark").mark("global")
    thread = threading.Thread(target=lambda: nd.ones(2) * 2)
    thread.start()
    thread.join()
    with profiler.scope("outer"), profiler.scope("inner:") as name:
        assert name == "outer:inner:"
    with profiler.scope("outer"), profiler.scope("x", append_mode=False) as name:
        assert name == "x:"
    assert [str(s) for s in (domain, frame, event, counter)] == ["dom", "frame", "event", "count"]
    profiler.dump(finished=False)
    nd.ones(2) / 2
    profiler.dump()
    with pytest.raises(mx.MXNetError, match="Profiler hasn't been run. Config and start profiler first"):
        profiler.dump()
    trace = json.loads((tmp_path / "trace.json").read_text())
    events = trace["traceEvents"]
    pids = {e["pid"]: e["args"]["name"] for e in events if e["ph"] == "M"}
    rest = [e for e in events if e["ph"] != "M"]
    shown = [(e["ph"], e["name"], e["cat"], pids[e["pid"]]) for e in rest]
    marker = "dom,instant_marker"
    assert shown == [
        ("X", "add", "operator", "cpu/0"), ("X", "task", "dom", "dom"),
        ("X", "frame", "dom,frame", "dom,frame"), ("X", "event", "event", "event"),
        ("C", "count", "dom", "dom"), ("C", "count", "dom", "dom"), ("C", "count", "dom", "dom"),
        ("i", "mark", marker, marker), ("i", "mark", marker, marker),
        ("X", "multiply", "operator", "cpu/0"), ("X", "outer:inner:", "scope", "scope"),
        ("X", "outer:", "scope", "scope"), ("X", "x:", "scope", "scope"), ("X", "outer:", "scope", "scope"),
        ("X", "divide", "operator", "cpu/0")]
    assert [e["args"]["count"] for e in rest if e["ph"] == "C"] == [5, 8, 7]
    assert [e["s"] for e in rest if e["ph"] == "i"] == ["p", "g"]
    assert rest[9]["tid"] != rest[0]["tid"]
    assert rest[1]["ts"] <= rest[0]["ts"] and rest[1]["dur"] >= rest[0]["dur"]
    assert abs(rest[0]["ts"] / 1e6 - (tmp_path / "trace.json").stat().st_mtime) < 60
    nd.ones(2) + 1
    assert not profiler._state.running and not profiler._state.records


def test_statistics() -> None:
    assert profiler.dumps() == ""
    profiler.set_config(aggregate_stats=True)
    profiler.start()
    for _ in range(3):
        nd.ones(2) + 1
    nd.ones(2) * 2
    profiler.stop()
    found = json.loads(profiler.dumps(format="json"))
    assert found["Unit"] == {"Time": "ms"}
    add = found["Time"]["operator"]["add"]
    assert add["Count"] == 3 and 0 < add["Min"] <= add["Avg"] <= add["Max"] <= add["Total"]
    assert add["Avg"] == pytest.approx(add["Total"] / 3)
    assert list(found["Time"]["operator"]) == sorted(
        found["Time"]["operator"], key=lambda n: -found["Time"]["operator"][n]["Total"])
    lines = profiler.dumps(sort_by="count", ascending=True).splitlines()
    assert lines[1:7] == [
        "Profile Statistics:", "\tNote the difference in units for different entries.", "operator",
        "=================",
        "Name                          Total Count        Time (ms)    Min Time (ms)    Max Time (ms)    "
        "Avg Time (ms)",
        "----                          -----------        ---------    -------------    -------------    "
        "-------------"]
    assert [line.split()[:2] for line in lines[7:9]] == [["multiply", "1"], ["add", "3"]]
    assert profiler.dumps(reset=True, sort_by="count").splitlines()[7].startswith("add")
    assert "add" not in profiler.dumps()


def test_old_names() -> None:
    with pytest.warns(UserWarning, match=r"Please use profiler.set_config\(\) instead"):
        profiler.profiler_set_config("all", "old.json")
    with pytest.warns(UserWarning, match=r"Please use profiler.set_state\(\) instead"):
        profiler.profiler_set_state("run")
    with pytest.warns(UserWarning, match=r"Please use profiler.dump\(\) instead"):
        profiler.dump_profile()
    assert json.loads(Path("old.json").read_text())["traceEvents"] == []


def test_on_a_device() -> None:
    from mxgrad.testing import use_device_double

    with use_device_double():
        profiler.start()
        x = nd.ones(2, ctx=mx.gpu(0)) + 1
        profiler.stop()
        assert x.asnumpy().tolist() == [2, 2]
        assert [(r.name, r.place) for r in profiler._state.records if r.name == "add"] == [("add", "gpu/0")]


def test_refused() -> None:
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: profiler.set_config(filenam="x"), ValueError,
         "no argument 'filenam' .did you mean 'filename'"),
        (lambda: profiler.set_config(filename=3), TypeError, "filename is a str, got 3"),
        (lambda: profiler.set_config(profile_all="maybe"), TypeError, "profile_all is a bool, got 'maybe'"),
        (lambda: profiler.set_state("go"), ValueError, "state is 'run' or 'stop', not 'go'"),
        (lambda: profiler.set_state("run", "all"), ValueError, "'worker' or 'server', not 'all'"),
        (lambda: profiler.dumps(format="x"), ValueError, "format: x. Support: 'table', 'json'"),
        (lambda: profiler.dumps(sort_by="x"), ValueError, "sort_by: x. Support: 'total', 'avg'"),
        (lambda: profiler.Domain("d").new_marker("m").mark("x"), ValueError, "scope is one of 'global'"),
    ]
    for call, kind, message in cases:
        with pytest.raises(kind, match=message):
            call()
    assert profiler._state.config == profiler._CONFIG and not profiler._state.running
