"""Scripts written for MXNet run unedited and print what the originals did: texts alike, numbers nearly."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mxgrad as mx

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "tests/scripts").glob("mxnet*/*.py"))
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?(?!\w)")
SPEED = re.compile(r"Speed: [\d.]+")


def shape(text: str) -> list[str]:
    """A printed text without the values of its floating numbers and what depends on them: spaces, and where
    rows of arrays are wrapped.
    """
    text = NUMBER.sub(lambda m: "#" if "." in m[0] or "e" in m[0] else m[0], SPEED.sub("Speed:", text))
    text = re.sub(r"\n +(?=[-#\d])", " ", text).replace("mxgrad.np.ndarray", "mxnet.numpy.ndarray")
    return [re.sub(r"(?<=[\[(,]) | (?=[\])])", "", re.sub(r"\s+", " ", line)) for line in text.splitlines()]


def numbers(text: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(SPEED.sub("Speed:", text))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_prints_what_the_originals_print(script: Path, tmp_path: Path) -> None:
    from scripts.published import fashion_mnist

    expected = (ROOT / "tests/data/scripts" / script.parent.name / f"{script.stem}.txt").read_text()
    fashion_mnist(tmp_path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mxgrad", str(script)],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine"), "MXNET_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert shape(done.stdout) == shape(expected)
    assert numbers(done.stdout) == pytest.approx(numbers(expected), rel=2e-4, abs=2e-5)


def test_arrays_go_straight_into_matplotlib_pandas_and_pillow(tmp_path: Path) -> None:
    matplotlib, pandas, image = (pytest.importorskip(n) for n in ("matplotlib", "pandas", "PIL.Image"))
    matplotlib.use("Agg")
    from matplotlib import pyplot

    for module in (mx.nd, mx.np):
        x = module.arange(12, dtype="float32").reshape((3, 4))
        fig, axis = pyplot.subplots()
        line, = axis.plot(x[0], x[1])
        assert line.get_xydata().tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
        assert axis.imshow(x).get_array().tolist() == x.asnumpy().tolist()
        assert len(axis.scatter(x[0], x[1], c=x[2]).get_offsets()) == 4
        if module is mx.np:     # matplotlib adds int64 to them, and nd arrays do not mix dtypes
            assert [bar.get_height() for bar in axis.bar(x[0], x[1])] == [4, 5, 6, 7]
        fig.savefig(tmp_path / "plot.png")
        pyplot.close(fig)
        frame = pandas.DataFrame(x, columns=list("abcd"))
        assert frame["b"].tolist() == [1, 5, 9] and str(frame.dtypes["a"]) == "float32"
        assert pandas.Series(x[1]).sum() == 22
        assert module.array(frame.values).asnumpy().tolist() == x.asnumpy().tolist()
        picture = image.fromarray((x * 20).astype("uint8").asnumpy())
        assert module.array(picture).shape == (3, 4) and picture.getpixel((3, 2)) == 220
