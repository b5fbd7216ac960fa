"""`python -m mxgrad` and `as_mxnet`: programs that import mxnet run unedited, and fail as under python."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = json.loads((ROOT / "tests/data/tutorials.json").read_text())["tutorials"]


def python(*command: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=cwd, input=stdin,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
    )


def mxgrad(*command: str, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return python("-m", "mxgrad", *command, cwd=cwd, stdin=stdin)


def test_every_spelling_of_an_import_gives_the_same_modules(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("""
import sys
import mxgrad
import mxnet as mx
import mxnet.ndarray as nd
import mxnet.ndarray.contrib
import mxnet.numpy
import mxnet.numpy.random
from mxnet import autograd, context, np, npx, random, test_utils
from mxnet.base import MXNetError, numeric_types
from mxnet.context import Context, cpu
from mxnet.device import Device
from mxnet.gluon.contrib.data.sampler import IntervalSampler
from mxnet.image.image import imresize
from mxnet.io.io import DataBatch
from mxnet.ndarray import NDArray, contrib
from mxnet.ndarray.ndarray import NDArray as Same
from mxnet.numpy.multiarray import ndarray
from mxnet.util import use_np
assert mx is mxgrad and mxnet is mxgrad and mx.nd is nd is mxgrad.nd is mx.ndarray
assert np is mxgrad.np is mxnet.numpy is mx.numpy and npx is mx.numpy_extension
assert autograd is mxgrad.autograd and random is mx.random is mx.rnd and contrib is nd.contrib
assert NDArray is Same is mxgrad.nd.NDArray and ndarray is np.ndarray
assert MXNetError is mx.MXNetError and Device is Context is mx.Context and use_np is mx.use_np
assert imresize is mx.image.imresize and DataBatch is mx.io.DataBatch
assert isinstance(nd.array([1.]), NDArray) and callable(nd.array) and mxnet.numpy.random is np.random
assert sys.modules["mxnet"] is mxgrad and mxgrad.__spec__.name == "mxgrad"
import pickle
assert pickle.loads(pickle.dumps(nd.ones(2))).asnumpy().tolist() == [1, 1]
print("passed")
""")
    done = mxgrad("script.py", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("passed\n", "", 0)


@pytest.mark.parametrize("name", sorted(TUTORIALS))
def test_tutorials_with_mxnet_imports(name: str, tmp_path: Path) -> None:
    source = (ROOT / f"examples/tutorials/tutorial_{name}.py").read_text()
    edited = re.sub(r"^(import|from) mxgrad\b", r"\1 mxnet", source, flags=re.M)
    assert "mxgrad" not in edited
    (tmp_path / "script.py").write_text(edited)
    done = mxgrad("script.py", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (TUTORIALS[name]["text"], "", 0)


@pytest.mark.parametrize("program, message", [
    ("import mxnet.gluonn", "ModuleNotFoundError: No module named 'mxnet.gluonn'"),
    ("import mxnet.randon", "did you mean 'random'?"),
    ("import mxnet.nd.array", "No module named 'mxnet.nd.array'"),
    ("import mxnet.base.x", "No module named 'mxnet.base.x'; 'mxnet.base' is not a package"),
    ("from mxnet import autogard", "from 'mxgrad', which stands for mxnet (did you mean 'autograd'"),
    ("from mxnet.ndarray import aray", "from 'mxgrad.nd', which stands for mxnet (did you mean 'array'"),
    ("import mxnet; mxnet.autogard", "module 'mxgrad' has no attribute 'autogard' (did you mean 'autograd'"),
])
def test_what_mxgrad_does_not_have(program: str, message: str, tmp_path: Path) -> None:
    done = mxgrad("-c", program, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr.strip().splitlines()[-1]
    assert done.stderr.splitlines()[1].startswith('  File "<string>", line 1')


FAILS = """
import sys
from mxnet import nd

def f(x):
    return g(x)

def g(x):
    try:
        raise KeyError("first")
    except KeyError:
        raise ValueError("second")

f(nd.ones(2))
"""


@pytest.mark.parametrize("program", [
    FAILS,
    "x = = 1\n",
    "def f(:\n    pass\n",
    "# coding: latin-1\nx = 'é'\nraise SystemError(ascii(x))\n",
    "import sys\nsys.excepthook = lambda kind, e, trace: print(kind, e, trace.tb_frame.f_code.co_name, "
    "trace.tb_lineno, trace.tb_next, file=sys.stderr)\n1/0\n",
    "import sys\nsys.exit('stopped')\n",
    "import sys\nsys.exit(3)\n",
    "raise SystemExit\n",
    "raise KeyboardInterrupt\n",
    "import sys\nprint(sys.argv[1:], __name__, __file__, sys.path[0], __builtins__.len('ab'), __spec__)\n",
    "import atexit\natexit.register(lambda: print('end', x))\nx = 1\n",
    "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nimport pickle\n"
    "print(pickle.loads(pickle.dumps(A(1))), A.__annotations__)\n",
])
def test_a_script_behaves_as_under_python(program: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_bytes(program.encode("latin-1"))
    ours = mxgrad("script.py", "a", "-b", cwd=tmp_path)
    (tmp_path / "mxnet.py").write_text("from mxgrad import nd\n")
    theirs = python("script.py", "a", "-b", cwd=tmp_path)
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


def test_interrupt_ends_by_the_signal(tmp_path: Path) -> None:
    # a shell's background job ignores SIGINT, and so would what it starts
    program = ("import os, signal, time; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
               "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
    done = mxgrad("-c", program, cwd=tmp_path)
    assert done.returncode == -signal.SIGINT


def test_other_forms(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("import mxnet\n")
    (package / "__main__.py").write_text(
        "import sys\nfrom . import mxnet\nprint(mxnet.__name__, sys.argv, __name__, __package__)\n")
    main = str(package / "__main__.py")
    assert mxgrad("-m", "package", "x", cwd=tmp_path).stdout == f"mxgrad {[main, 'x']} __main__ package\n"
    shown = "import sys, mxnet; print(mxnet.__name__, sys.argv)"
    assert mxgrad("-c", shown, "x", cwd=tmp_path).stdout == "mxgrad ['-c', 'x']\n"
    assert mxgrad("-", "x", cwd=tmp_path, stdin=shown).stdout == "mxgrad ['-', 'x']\n"
    assert mxgrad("--version", cwd=tmp_path).stdout.startswith("mxgrad ")
    assert "python -m mxgrad script.py" in mxgrad("--help", cwd=tmp_path).stdout


@pytest.mark.parametrize("command, status, message", [
    (("missing.py",), 2, "can't open file"),
    ((".",), 2, "Is a directory"),
    (("-m", "missing"), 1, "no module named 'missing'"),
    (("-m", "missing.part"), 1, "error while finding module 'missing.part'"),
    (("-m",), 2, "argument expected for -m"),
    (("-c",), 2, "argument expected for -c"),
    (("-x", "script.py"), 2, "unknown option -x"),
    ((), 2, "python -m mxgrad script.py"),
])
def test_what_cannot_be_started(command: tuple[str, ...], status: int, message: str, tmp_path: Path) -> None:
    done = mxgrad(*command, cwd=tmp_path)
    assert done.returncode == status
    assert message in done.stderr and "Traceback" not in done.stderr


def test_another_mxnet_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "mxnet.py").write_text("")
    done = python("-c", "import mxnet, mxgrad\nmxgrad.as_mxnet()", cwd=tmp_path)
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    assert "mxnet is imported already, from " in said and str(tmp_path) in said
    # One that is only installed is not in the way, and asking twice is harmless.
    program = "import mxgrad\nmxgrad.as_mxnet(); mxgrad.as_mxnet()\nimport mxnet\nprint(mxnet is mxgrad)"
    assert python("-c", program, cwd=tmp_path).stdout == "True\n"


def test_importing_mxgrad_leaves_the_support_modules_alone(tmp_path: Path) -> None:
    done = python("-c", """
import sys, mxgrad
loaded = {m.partition('.')[2] for m in sys.modules if m.startswith('mxgrad.')}
print(loaded & set('attribute compat device engine name np operator runtime test_utils util'.split()))
""", cwd=tmp_path)
    assert done.stdout == "set()\n", done.stderr
