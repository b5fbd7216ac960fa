"""What the training examples share: options, digits, progress bars, learning curves, the checked figure."""
from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy

import mxgrad as mx
from mxgrad import autograd, gluon

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data"
SEED = 7


def options(description: str, epochs: int, quick_epochs: int = 2) -> argparse.Namespace:
    """The command line of an example; seeds the generators of mxgrad and NumPy."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--epochs", type=int, metavar="N", help=f"passes through the data (default {epochs})")
    parser.add_argument("--quick", action="store_true",
                        help=f"a short run: {quick_epochs} epochs, and the figure need not be reached")
    parser.add_argument("--picture", type=Path, metavar="FILE", default=ROOT / "build/examples" / (
        Path(sys.argv[0]).stem + ".png"), help="where the picture goes (default %(default)s)")
    chosen = parser.parse_args()
    if chosen.epochs is None:
        chosen.epochs = quick_epochs if chosen.quick else epochs
    mx.random.seed(SEED)
    numpy.random.seed(SEED)
    return chosen


def digits() -> tuple[tuple[numpy.ndarray, numpy.ndarray], tuple[numpy.ndarray, numpy.ndarray]]:
    """Images float32 (n, 1, 8, 8) from 0 to 1, labels float32 (n,), for training (1,438), testing (359)."""
    rows = numpy.loadtxt(DATA / "digits.csv", delimiter=",", dtype="float32")
    images, labels = rows[:, :64].reshape(-1, 1, 8, 8) / 16, rows[:, 64]
    is_test = numpy.arange(len(rows)) % 5 == 4
    return (images[~is_test], labels[~is_test]), (images[is_test], labels[is_test])


def progress(items: Iterable[Any], text: str) -> Iterator[Any]:
    """The items, with a progress bar on standard error."""
    try:
        from tqdm import tqdm
    except ImportError:
        sys.exit("the examples show their progress with tqdm, which is missing: pip install 'mxgrad[train]'")
    return iter(tqdm(items, desc=text, leave=False))


def figure(picture: Path) -> Any:
    """matplotlib's pyplot for drawing into files; None, and a message, without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: matplotlib is missing (pip install 'mxgrad[viz]')", file=sys.stderr)
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    picture.parent.mkdir(parents=True, exist_ok=True)
    return pyplot


def draw_curves(picture: Path, title: str, xlabel: str, **curves: list[float]) -> None:
    """Draw the curves, one panel each, into the file `picture`."""
    pyplot = figure(picture)
    if pyplot is None:
        return
    fig, axes = pyplot.subplots(1, len(curves), figsize=(4.5 * len(curves), 3.2), squeeze=False)
    for axis, (name, values) in zip(axes[0], curves.items()):
        axis.plot(range(1, len(values) + 1), values, marker=".")
        axis.set(xlabel=xlabel, ylabel=name.replace("_", " "), title=title)
        axis.grid(alpha=0.3)
    fig.tight_layout()
    fig.savefig(picture, dpi=100)
    pyplot.close(fig)
    print(f"picture: {picture}", file=sys.stderr)


def check(name: str, value: float, reached: bool, bound: str, quick: bool = False) -> None:
    """Print the figure and its bound; a full run that misses it ends with status 1."""
    print(f"{name} {value:.4f} ({bound})")
    if not math.isfinite(value) or not reached and not quick:
        sys.exit(f"{name} {value:.4f} misses its bound: {bound}")


def train_classifier(net: gluon.Block, chosen: argparse.Namespace, at_least: float, optimizer: str,
                     settings: dict[str, Any], batch_size: int = 32) -> None:
    """Train `net` on the digits; print the losses, draw the curves, check the accuracy on the test part.

    The learning rate in `settings` falls to zero along a cosine, so that the last epochs settle.
    """
    train, test = digits()
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(*train), batch_size, shuffle=True)
    test_loader = gluon.data.DataLoader(gluon.data.ArrayDataset(*test), batch_size)
    schedule = mx.lr_scheduler.CosineScheduler(chosen.epochs * len(loader), base_lr=settings["learning_rate"])
    trainer = gluon.Trainer(net.collect_params(), optimizer, {**settings, "lr_scheduler": schedule})
    loss_function = gluon.loss.SoftmaxCrossEntropyLoss()
    mean_loss, accuracy = mx.metric.Loss(), mx.metric.Accuracy()
    losses, accuracies = [], []
    for epoch in range(1, chosen.epochs + 1):
        mean_loss.reset()
        for data, label in progress(loader, f"epoch {epoch} of {chosen.epochs}"):
            with autograd.record():
                loss = loss_function(net(data), label)
            loss.backward()
            trainer.step(data.shape[0])
            mean_loss.update(None, [loss])
        accuracy.reset()
        for data, label in test_loader:
            accuracy.update(label, net(data))
        losses.append(mean_loss.get()[1])
        accuracies.append(accuracy.get()[1])
        print(f"epoch {epoch:2d}  loss {losses[-1]:.5f}  test accuracy {accuracies[-1]:.4f}")
    draw_curves(chosen.picture, Path(sys.argv[0]).stem, "epoch", loss=losses, test_accuracy=accuracies)
    check("test accuracy", accuracies[-1], accuracies[-1] >= at_least, f"at least {at_least}", chosen.quick)
