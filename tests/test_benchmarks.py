"""The workloads of benchmarks/bench.py, made tiny: what is measured is right."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import bench  # noqa: E402
from workloads import WORKLOADS  # noqa: E402
from workloads.worker import Answers, Library, digests, made, worst_error  # noqa: E402

# By PyTorch in float64, where there is no NumPy program (tests/data/record_benchmarks.py).
RECORDED = json.loads((ROOT / "tests" / "data" / "benchmarks.json").read_text())
TIMED = [name for name, workload in WORKLOADS.items() if workload.figure == "time"]


def test_the_list_is_whole() -> None:
    assert set(WORKLOADS) == set("""
        chain_fwd chain while_loop deep_100 deep_10k deep_100k deep_bytes slice_loop take hvp hvp_eager import
        elem_4M elem_40M reduce softmax_ce layernorm bias_relu sgemm attention adam_10M
        mlp lenet resblock lstm lstm_cell embedding memory""".split())
    assert set(RECORDED) == {name for name in TIMED if not WORKLOADS[name].runs_in("numpy")}
    for name, workload in WORKLOADS.items():
        assert workload.runs_in("mxgrad") and workload.runs_in("torch"), name
        assert "{" not in workload.describe()[0], name


@pytest.mark.parametrize("name", TIMED)
def test_results_are_right(name: str) -> None:
    workload, own, plain = WORKLOADS[name], Library("mxgrad"), Library("numpy")
    if name in RECORDED:
        reference = [numpy.array(values) for values in RECORDED[name]]
    else:
        reference = digests(plain, made(plain, workload, workload.tiny, "float64")())
    found = digests(own, made(own, workload, workload.tiny)())
    assert worst_error(found, reference) < workload.tolerance
    # and the check sees a result that is off, missing or not finite
    assert worst_error([1.01 * found[0], *found[1:]], reference) > workload.tolerance
    assert worst_error(found[1:], reference) == numpy.inf
    assert worst_error([numpy.nan * found[0], *found[1:]], reference) == numpy.inf


def test_memory_of_steps_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workloads.worker.WARM", 5)
    monkeypatch.setattr("workloads.worker.STEPS", 5)
    answer = Answers("mxgrad")("measure memory 0.1")
    assert abs(float(answer)) < 100


def test_a_worker_survives_a_failure() -> None:
    worker = Answers("numpy")
    assert worker("measure nothing 0.1") == "error KeyError: 'nothing'"
    assert worker("version") == numpy.__version__


def test_aims_are_judged() -> None:
    chain, deep = bench.Figures(WORKLOADS["chain"]), bench.Figures(WORKLOADS["deep_bytes"])
    chain.readings = {"mxgrad": [3.0, 2.0], "torch": [2.5, 5.0], "mxnet": [8.0]}
    deep.readings = {"mxgrad": [800.0], "torch": [1000.0]}
    deep.failures = {"mxnet": "out of memory"}
    found = {"chain": chain, "deep_bytes": deep}
    assert bench.verdicts(found) == [
        ("chain / torch", 0.8, 0.5), ("chain / mxnet", 0.25, 0.5), ("deep_bytes in bytes/op", 800.0, 700.0)]
    assert bench.shortfalls(found) == [
        "MISSED chain / torch: 0.800, aim 0.5", "MISSED deep_bytes in bytes/op: 800, aim 700",
        "FAILED deep_bytes in mxnet: out of memory"]
    assert bench.geometric_mean(found, "torch") == pytest.approx(0.8)


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.md"
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--quick", "--rounds", "1",
               "--only", "chain_fwd", "--output", str(page)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| chain_fwd | y = y * x + x on 4x4, 200 ops, recorded forward | us/op |" in page.read_text()
    assert "chain_fwd" in page.with_suffix(".svg").read_text()
    unknown = subprocess.run([*command[:2], "--only", "chian"], capture_output=True, text=True)
    assert unknown.returncode == 1 and "no workload 'chian'" in unknown.stderr


def test_a_worker_that_dies_is_reported(tmp_path: Path) -> None:
    run = bench.Run({"numpy": sys.executable}, 1, 0.01, tmp_path)
    figures = bench.Figures(WORKLOADS["chain"])
    run.worker("numpy").process.kill()
    assert run.ask("numpy", figures, "version") is None
    assert figures.failures == {"numpy": "its process died, exit status -9, in: version"}
    assert run.ask("numpy", figures, "version") == numpy.__version__     # by the next one
    run.close()
