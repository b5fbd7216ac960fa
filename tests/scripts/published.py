"""Small data sets in the files of the published ones, for scripts that expect those below $MXNET_HOME."""
from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy


def fashion_mnist(home: Path) -> None:
    """Write ``datasets/fashion-mnist`` below `home`: 200 training and 100 test images of ten shapes."""
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    random = numpy.random.RandomState(0)
    shapes = random.uniform(0, 255, (10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    for part, count in (("train", 200), ("t10k", 100)):
        labels = random.randint(0, 10, count)
        images = (shapes[labels] * random.uniform(0.2, 1, (count, 28, 28))).astype("uint8")
        for name, kind, values in (("images-idx3", 3, images), ("labels-idx1", 1, labels.astype("uint8"))):
            header = struct.pack(f">HBB{kind}I", 0, 8, kind, *values.shape)
            with gzip.open(folder / f"{part}-{name}-ubyte.gz", "wb") as file:
                file.write(header + values.tobytes())
