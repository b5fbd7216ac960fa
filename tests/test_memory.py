"""The pool of memory for large arrays."""
from __future__ import annotations

import os
import subprocess
import sys

import mxgrad as mx
import pytest
from mxgrad.kernels import cpu

PROGRAM = """
import os, numpy, mxgrad as mx
stats = mx.context.memory_stats
mx.nd.ones(1).wait_to_read()
x = numpy.arange(1 << 20)
assert stats()["used"] >= x.nbytes and stats()["limit"] == 64 << 20
del x
kept, blocks = stats()["kept"], stats()["new"]
assert kept >= 8 << 20
assert (numpy.zeros(1 << 20, "int64") == 0).all()       # in memory that was written before
y = numpy.ones(1 << 20)
assert stats()["new"] <= blocks + 2
for n in (1 << 21, 1 << 19, 10, 1 << 18):
    y.resize(n, refcheck=False)
    assert y.size == n and (y[:10] == 1).all()
pid = os.fork()
if not pid:
    z = numpy.full(1 << 20, 3.0)
    os._exit(0 if (z + y[0] == 4).all() else 1)
assert os.waitpid(pid, 0)[1] == 0
several = [numpy.ones(1 << 16) for _ in range(8)]       # which begin at different places of a page
places = [a.ctypes.data % 4096 for a in several]
assert len(set(places)) == 8 and not any(p % 64 for p in places)
del several
big = numpy.ones(16 << 20)
del big, y
assert stats()["kept"] <= 64 << 20
mx.cpu().empty_cache()
assert stats()["kept"] == 0 and stats()["limit"] == 64 << 20
assert (mx.nd.ones((1024, 1024)) + 1).asnumpy().sum() == 2 << 20
"""


@pytest.mark.skipif(cpu.lib is None, reason="the kernels are not built (make setup)")
def test_blocks_are_kept_for_other_arrays() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100,
                          env={**os.environ, "MXGRAD_MEMORY": str(64 << 20)})
    assert done.returncode == 0, done.stderr


def test_figures_of_a_gpu() -> None:
    with mx.testing.use_device_double():
        before = mx.context.memory_stats(mx.gpu())["used"]
        x = mx.nd.ones((100, 100), ctx=mx.gpu())
        assert mx.context.memory_stats(mx.gpu())["used"] - before >= x.size * 4
