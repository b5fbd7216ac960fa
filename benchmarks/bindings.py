"""What the library costs from C and from Perl: a small op, a packed call, arrays to PDL and back, and a
training step.

How the figures are taken says peers.py::

    python benchmarks/bindings.py

NumPy's `a * a` on 4x4 float32 is the unit of the small ops; copying 1e6 doubles from one place to another
that of the data; the same step in Python, a network 64 - 32 - 10 with Adam on a batch of 64, that of the
training.
Exits with 1 if a ratio misses its aim.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from peers import ROOT, Worker, best

ROUNDS = 60
LIBRARY = ROOT / "pyffi" / "libmxgrad.so.1"
PERL = ["perl", f"-I{ROOT / 'perl' / 'lib'}"]

NUMPY = """
import numpy
a = numpy.ones((4, 4), numpy.float32)
def op():
    for _ in range(200):
        a * a
serve(lambda name: best(globals()[name], 200, 8))
"""

PYTHON = """
import numpy
from mxgrad import autograd, gluon, init, nd
from mxgrad.gluon import nn
net = nn.HybridSequential()
net.add(nn.Dense(32, activation="relu"), nn.Dense(10))
net.initialize(init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss = gluon.loss.SoftmaxCrossEntropyLoss()
x, y = nd.random.uniform(shape=(64, 64)), nd.arange(64) % 10
def step():
    for _ in range(10):
        with autograd.record():
            losses = loss(net(x), y)
        losses.backward()
        trainer.step(64)
        losses.mean().asscalar()
serve(lambda name: best(globals()[name], 10, 4))
"""

C = r"""
#include <mxgrad.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {BYTES = 8000000};

static mxg_ndarray x;
static mxg_op multiply;
static mxg_value scheduler;
static char *from, *to;

static void check(int status)
{
    if (status) {
        fprintf(stderr, "%s\n", mxg_last_error());
        exit(1);
    }
}

static void op(void)
{
    mxg_ndarray y;
    check(mxg_invoke2(multiply, x, x, &y));
    mxg_ndarray_free(y);
}

static void generic(void)
{
    mxg_ndarray in[2] = {x, x}, y;
    int32_t n = 1;
    check(mxg_invoke(multiply, 2, in, 0, NULL, NULL, &n, &y));
    mxg_ndarray_free(y);
}

static void packed(void)
{
    mxg_value steps = MXG_NEW_INT(5), rate;
    check(mxg_call(&scheduler, NULL, 1, &steps, NULL, &rate));
    mxg_value_clear(&rate);
}

static void copy(void) { memcpy(to, from, BYTES); }

static double measured(void (*f)(void), int n)
{
    double best = 1e9;
    for (int r = 0; r < 8; r++) {
        struct timespec start, end;
        double seconds;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        for (int i = 0; i < n; i++)
            f();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        seconds = end.tv_sec - start.tv_sec + 1e-9 * (end.tv_nsec - start.tv_nsec);
        if (seconds < best)
            best = seconds;
    }
    return best / n * 1e6;
}

int main(void)
{
    int64_t shape[2] = {4, 4};
    mxg_value step = MXG_NEW_INT(10);
    char line[64];
    from = calloc(1, BYTES), to = malloc(BYTES);
    memset(from, 1, BYTES);
    check(mxg_ndarray_ones("float32", 2, shape, NULL, &x));
    check(mxg_op_find("multiply", &multiply));
    check(mxg_call(NULL, "lr_scheduler.FactorScheduler", 1, &step, NULL, &scheduler));
    while (fgets(line, sizeof line, stdin)) {
        double micros = !strcmp(line, "op\n")      ? measured(op, 200)
                        : !strcmp(line, "generic\n") ? measured(generic, 200)
                        : !strcmp(line, "packed\n")  ? measured(packed, 200)
                                                     : measured(copy, 2);
        printf("%.6f\n", micros);
        fflush(stdout);
    }
    return 0;
}
"""

PERL_PROGRAM = r"""
use strict;
use warnings;
use AI::MXGrad qw(mx nd autograd gluon nn);
use Time::HiRes qw(clock_gettime CLOCK_THREAD_CPUTIME_ID);

$| = 1;
my $x = nd->ones([4, 4]);
my $net = nn->HybridSequential;
$net->add(nn->Dense(32, activation => 'relu'), nn->Dense(10));
$net->initialize(mx->init->Xavier);
my $trainer = gluon->Trainer($net->collect_params, 'adam', {learning_rate => 0.01});
my $loss = gluon->loss->SoftmaxCrossEntropyLoss;
my ($pixels, $digits) = (nd->random->uniform(shape => [64, 64]), nd->arange(64) % 10);
my ($doubles, $pdl);

my %task = (
    op   => [200, sub { for (1 .. 200) { my $y = $x * $x } }],
    step => [10, sub {
        for (1 .. 10) {
            my $losses = autograd->record(sub { $loss->($net->($pixels), $digits) });
            $losses->backward;
            $trainer->step(64);
            $losses->mean->asscalar;
        }
    }],
    to_pdl   => [1, sub { my $copy = $doubles->aspdl }],
    from_pdl => [1, sub { my $copy = nd->array($pdl, dtype => 'float64') }],
);
if (eval { require PDL; 1 }) {
    $doubles = nd->arange(1_000_000, dtype => 'float64');
    $pdl = $doubles->aspdl;
}
while (my $name = <STDIN>) {
    chomp $name;
    my ($n, $code) = @{ $task{$name} };
    my $best = 1e9;
    for (1 .. 8) {
        my $start = clock_gettime(CLOCK_THREAD_CPUTIME_ID);
        $code->();
        my $seconds = clock_gettime(CLOCK_THREAD_CPUTIME_ID) - $start;
        $best = $seconds if $seconds < $best;
    }
    printf "%.6f\n", $best / $n * 1e6;
}
"""


def c_worker(folder: Path) -> Worker | None:
    if not LIBRARY.exists() or not shutil.which("gcc"):
        return None
    source, program = folder / "bindings.c", folder / "bindings"
    source.write_text(C)
    subprocess.run(["gcc", "-O2", f"-I{ROOT / 'pyffi' / 'include'}", str(source), "-o", str(program),
                    f"-L{LIBRARY.parent}", "-l:libmxgrad.so.1", f"-Wl,-rpath,{LIBRARY.parent}"], check=True)
    return Worker([str(program)])


def has_perl(module: str) -> bool:
    return bool(shutil.which("perl")) and not subprocess.run([*PERL, f"-M{module}", "-e1"],
                                                             capture_output=True).returncode


def main() -> int:
    paths = os.pathsep.join([str(ROOT / "engine"), os.environ.get("PYTHONPATH", "")])
    workers = {"numpy": Worker.python(sys.executable, NUMPY),
               "python": Worker.python(sys.executable, PYTHON, {**os.environ, "PYTHONPATH": paths})}
    asked = [("numpy", "op"), ("python", "step")]
    with tempfile.TemporaryDirectory() as folder:
        c = c_worker(Path(folder))
        if c is None:
            sys.exit("the C library is not built, or there is no gcc")
        workers["c"] = c
        asked += [("c", what) for what in ("op", "generic", "packed", "copy")]
        if has_perl("AI::MXGrad"):
            workers["perl"] = Worker([*PERL, "-e", PERL_PROGRAM])
            asked += [("perl", "op"), ("perl", "step")]
            if has_perl("PDL"):
                asked += [("perl", "to_pdl"), ("perl", "from_pdl")]
            else:
                print("skipped: PDL (not installed)")
        else:
            print("skipped: Perl (no AI::MXGrad: FFI::Platypus is not installed)")
        figures = best(ROUNDS, {key: partial(workers[key[0]].measure, key[1]) for key in asked})
        for worker in workers.values():
            worker.end()

    for (name, what), micros in figures.items():
        print(f"{name:7s} {what:9s} {micros:9.3f} us")
    a_times_a, data = figures["numpy", "op"], 2 * figures["c", "copy"] + 10
    ratios = [
        ("op from C / NumPy's a * a", figures["c", "op"] / a_times_a, 5.0),
        ("packed call from C / generic invoke", figures["c", "packed"] / figures["c", "generic"], 3.0),
    ]
    if ("perl", "op") in figures:
        ratios += [
            ("op from Perl / NumPy's a * a", figures["perl", "op"] / a_times_a, 8.0),
            ("step from Perl / from Python", figures["perl", "step"] / figures["python", "step"], 1.3),
        ]
    ratios += [(f"1e6 doubles, {what} / 2 x memcpy + 10 us", figures["perl", what] / data, 1.0)
               for what in ("to_pdl", "from_pdl") if ("perl", what) in figures]
    missed = 0
    for what, ratio, aim in ratios:
        missed += ratio > aim
        print(f"{what:42s} {ratio:6.2f}   aim {aim:4.1f}   {'reached' if ratio <= aim else 'MISSED'}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
