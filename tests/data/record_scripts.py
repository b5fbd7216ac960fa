"""What tests/scripts print with the originals: MXNet 1.9.1 runs mxnet1, 2.0.0b1 runs mxnet2.

python record_scripts.py [script ...]       writes scripts/mxnet1/*.txt or scripts/mxnet2/*.txt
"""

import io
import os
import runpy
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import mxnet
from mxnet.gluon.data.vision import datasets

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "scripts"))

from published import fashion_mnist  # noqa: E402

FOLDER = "mxnet" + mxnet.__version__[0]


def record(script: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MXNET_HOME"] = folder
        fashion_mnist(Path(folder))
        out = io.StringIO()
        with redirect_stdout(out):
            runpy.run_path(str(script), run_name="__main__")
        os.chdir(TESTS)
    to = TESTS / "data/scripts" / FOLDER / f"{script.stem}.txt"
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(out.getvalue())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    datasets.check_sha1 = lambda *_: True       # the files are not the published ones
    chosen = sys.argv[1:] or sorted(str(p) for p in (TESTS / "scripts" / FOLDER).glob("*.py"))
    if len(chosen) == 1:
        record(Path(chosen[0]).resolve())
    else:
        for path in chosen:         # a process each: names of blocks count up, and so do seeds
            status = os.system(f"{sys.executable} {__file__} {path}")
            print(path, "recorded" if status == 0 else f"status {status}", file=sys.stderr)
