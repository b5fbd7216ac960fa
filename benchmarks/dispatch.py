"""What a small op costs: the recorded chain ``y = y * x + x`` on 4x4 float32, one op from C and Perl, the
import.

How the figures are taken says peers.py::

    python benchmarks/dispatch.py [torch=/path/to/python] [mxnet=/path/to/python]

NumPy is always measured; PyTorch and MXNet only where an interpreter that has them is named.  Run it with
OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE unset.  Exits with 1 if a ratio misses its aim.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from peers import ROOT, Worker, best, named

OPS = 200           # ops in one chain
ROUNDS = 150

CHAIN = """
def forward():
    with record():
        y = x
        for _ in range({half}):
            y = y * x + x
    return y
def both():
    forward().{backward}
def one():
    for _ in range({ops}):
        x * x
serve(lambda name: best(globals()[name], {ops}, 8))
"""

WORKERS = {
    "numpy": """
import numpy
a = numpy.ones((4, 4), numpy.float32)
def one():
    for _ in range({ops}):
        numpy.multiply(a, a)
serve(lambda name: best(globals()[name], {ops}, 8))
""",
    "mxgrad": """
from mxgrad import autograd, nd
x = nd.ones((4, 4)); x.attach_grad(); record = autograd.record
""" + CHAIN.replace("{backward}", "backward()"),
    "mxnet": """
import mxnet
from mxnet import autograd, nd
x = nd.ones((4, 4)); x.attach_grad(); record = autograd.record
time.thread_time = time.process_time     # its engine computes on threads of its own
""" + CHAIN.replace("{backward}", "backward(); x.grad.wait_to_read()"),
    "torch": """
import torch, contextlib
torch.set_num_threads(1)
x = torch.ones(4, 4, requires_grad=True); record = contextlib.nullcontext
""" + CHAIN.replace("{backward}", "sum().backward(); x.grad = None"),
}

C_PROGRAM = r"""
#include <mxgrad.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
int main(void) {
    int64_t shape[2] = {4, 4};
    mxg_ndarray x, y;
    mxg_op multiply;
    char line[64];
    if (mxg_ndarray_ones("float32", 2, shape, NULL, &x) || mxg_op_find("multiply", &multiply)) {
        fprintf(stderr, "%s\n", mxg_last_error());
        return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        double best = 1e9;
        for (int r = 0; r < 8; r++) {
            double t = now();
            for (int i = 0; i < 200; i++) {
                mxg_ndarray in[2] = {x, x};
                int32_t n = 1;
                if (mxg_invoke(multiply, 2, in, 0, NULL, NULL, &n, &y)) return 1;
                mxg_ndarray_free(y);
            }
            t = now() - t;
            if (t < best) best = t;
        }
        printf("%.6f\n", best / 200 * 1e6);
        fflush(stdout);
    }
    return 0;
}
"""

PERL_PROGRAM = r"""
use strict; use warnings; use AI::MXGrad qw(mx nd); use Time::HiRes qw(clock_gettime CLOCK_THREAD_CPUTIME_ID);
$| = 1;
my $x = nd->ones([4, 4]);
while (<STDIN>) {
    my $best = 1e9;
    for (1 .. 8) {
        my $t = clock_gettime(CLOCK_THREAD_CPUTIME_ID);
        for (1 .. 200) { my $y = $x * $x }
        $t = clock_gettime(CLOCK_THREAD_CPUTIME_ID) - $t;
        $best = $t if $t < $best;
    }
    printf "%.6f\n", $best / 200 * 1e6;
}
"""


def python_worker(name: str, python: str) -> Worker:
    return Worker.python(python, WORKERS[name].replace("{half}", str(OPS // 2)).replace("{ops}", str(OPS)))


def c_worker(folder: Path) -> Worker | None:
    library = ROOT / "pyffi" / "libmxgrad.so.1"
    if not library.exists() or not shutil.which("gcc"):
        return None
    source, program = folder / "op.c", folder / "op"
    source.write_text(C_PROGRAM)
    subprocess.run(["gcc", "-O2", f"-I{ROOT / 'pyffi' / 'include'}", str(source), "-o", str(program),
                    f"-L{library.parent}", "-l:libmxgrad.so.1", f"-Wl,-rpath,{library.parent}"], check=True)
    return Worker([str(program)])


def perl_worker() -> Worker | None:
    probe = ["perl", f"-I{ROOT / 'perl' / 'lib'}", "-MAI::MXGrad", "-e", "1"]
    if not shutil.which("perl") or subprocess.run(probe, capture_output=True).returncode:
        return None
    return Worker(["perl", f"-I{ROOT / 'perl' / 'lib'}", "-e", PERL_PROGRAM])


def import_seconds(module: str) -> float:
    """The CPU time of one process that imports `module`, less that of one that imports nothing."""
    code = ("import resource, sys\n"
            "def used(): r = resource.getrusage(resource.RUSAGE_SELF); return r.ru_utime + r.ru_stime\n"
            f"t = used()\nimport {module}\nprint(used() - t)")
    env = {
        k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"
    }  # users have compiled modules
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    return float(out.stdout)


def main() -> int:
    peers = named(sys.argv[1:])
    workers = {
        "numpy": python_worker("numpy", sys.executable),
        "mxgrad": python_worker("mxgrad", sys.executable),
    }
    for name in ("torch", "mxnet"):
        if name in peers:
            workers[name] = python_worker(name, peers[name])
    with tempfile.TemporaryDirectory() as folder:
        for name, worker in (("c", c_worker(Path(folder))), ("perl", perl_worker())):
            if worker is None:
                print(f"skipped: one op from {name} (not built or not installed)")
            else:
                workers[name] = worker
        asked = [("numpy", "one"), ("c", "one"), ("perl", "one")]
        for name in ("mxgrad", "torch", "mxnet"):
            asked += [(name, what) for what in ("one", "forward", "both")]
        figures = best(ROUNDS, {
            (name, what): partial(workers[name].measure, what) for name, what in asked if name in workers
        })
    imports = best(15, {module: partial(import_seconds, module) for module in ("numpy", "mxgrad")})

    for (name, what), micros in figures.items():
        print(f"{name:7s} {what:8s} {micros:7.3f} us/op")
    for module, seconds in imports.items():
        print(f"import {module:7s} {seconds * 1e3:6.1f} ms")
    numpy_one, own_one = figures["numpy", "one"], figures["mxgrad", "one"]
    ratios = [
        ("recorded forward / numpy.multiply", figures["mxgrad", "forward"] / numpy_one, 4.0),
        ("forward + backward / numpy.multiply", figures["mxgrad", "both"] / numpy_one, 12.0),
        ("import mxgrad / import numpy", imports["mxgrad"] / imports["numpy"], 1.5),
    ]
    if "torch" in workers:
        ratios += [
            (f"{w} / torch", figures["mxgrad", w] / figures["torch", w], 0.7) for w in ("forward", "both")
        ]
    if "mxnet" in workers:
        ratios += [
            (f"{w} / mxnet", figures["mxgrad", w] / figures["mxnet", w], 0.5) for w in ("forward", "both")
        ]
    if "c" in workers:
        ratios.append(("one op from C / from Python", figures["c", "one"] / own_one, 2.0))
    if "perl" in workers:
        ratios.append(("one op from Perl / from Python", figures["perl", "one"] / own_one, 3.0))
    missed = 0
    for what, ratio, aim in ratios:
        missed += ratio > aim
        print(f"{what:38s} {ratio:6.2f}   aim {aim:4.1f}   {'reached' if ratio <= aim else 'MISSED'}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
