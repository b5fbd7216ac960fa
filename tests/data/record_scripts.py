"""What tests/scripts print with the originals: MXNet 1.9.1 runs mxnet1, 2.0.0b1 runs mxnet2.

python record_scripts.py [script ...]       writes scripts/mxnet1/*.txt or scripts/mxnet2/*.txt
"""

import io
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from contextlib import redirect_stdout
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent


def record(script: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fashion_mnist(Path(folder))
        os.environ["MXNET_HOME"] = folder           # which mxnet reads when it is imported
        os.chdir(folder)
        import mxnet

        mxnet.gluon.utils.check_sha1 = lambda *_: True          # the files are not the published ones
        out = io.StringIO()
        with redirect_stdout(out):
            runpy.run_path(str(script), run_name="__main__")
        os.chdir(TESTS)
    to = TESTS / "data/scripts" / f"mxnet{mxnet.__version__[0]}" / f"{script.stem}.txt"
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(out.getvalue())


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.path.insert(0, str(TESTS / "scripts"))
        from published import fashion_mnist

        warnings.simplefilter("ignore")
        record(Path(sys.argv[1]).resolve())
    else:
        import mxnet

        chosen = sys.argv[1:] or sorted((TESTS / "scripts" / f"mxnet{mxnet.__version__[0]}").glob("*.py"))
        for path in chosen:         # a process each: names of blocks count up, and so do seeds
            status = subprocess.call([sys.executable, __file__, str(path)])
            print(path, "recorded" if status == 0 else f"status {status}", file=sys.stderr)
