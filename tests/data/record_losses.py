"""Writes losses_1.9.1.json or losses_2.0.json: what MXNet's losses print, and their values and gradients.

    python tests/data/record_losses.py tests/data/losses_1.9.1.json      (with a Python that has MXNet)

A case is [loss, arguments, repr, value, gradients]; the arguments are arrays (see `argument`), and the
gradients those of the sum of the value times 1, 2, 3 and so on, for each argument that a small letter begins.
This module is also what the test makes its arrays with.
"""
from __future__ import annotations

import json
import sys
from typing import Any

import numpy

SHAPES = {"a": (4, 3), "b": (4,), "c": (4, 1), "d": (2, 3, 4), "e": (2, 4), "f": (3, 4), "g": (12,),
          "h": (1, 3), "i": (2, 3), "j": (3, 2), "k": (2,), "l": (2, 1, 1), "m": (6, 2, 5), "n": (2, 6, 5)}


def argument(name: str) -> numpy.ndarray | None:
    """The array of a name such as 'xa': what it is, and its shape.  '-' is None.

    x, y, z: any numbers; p: between 0 and 1; q: so, and its rows add up to 1; l: log of q; w: positive.
    L: classes; S: signs; B: 0 or 1; C: counts; T: labels for CTC; N, M: lengths of predictions and of these.
    """
    if name == "-":
        return None
    kind, shape = name[0], SHAPES[name[1]]
    n = int(numpy.prod(shape))
    i = numpy.arange(n)
    raw = ((i * 7 + 3 * "xyzpqlwLSBCTNM".index(kind)) % 11 - 4.75).reshape(shape) / 3
    if kind in "qlp":
        raw = 1 / (1 + numpy.exp(-raw))
        if kind in "ql":
            raw = raw / raw.sum(-1, keepdims=True)
        if kind == "l":
            raw = numpy.log(raw)
    labels = (i * 5 % 3).reshape(shape)
    made = {"w": abs(raw) + 0.25, "L": labels, "S": 2 * (labels % 2) - 1, "B": labels % 2, "C": labels + 1,
            "T": (i * 3 % 4).reshape(shape), "N": 3 + labels, "M": 2 + labels % 2}
    return made.get(kind, raw).astype("float32")


CASES = (
    ("L2Loss()", "xa ya"), ("L2Loss(weight=3, batch_axis=1)", "xa ya"), ("L2Loss()", "xa yg"),
    ("L2Loss()", "xa ya wc"), ("L2Loss()", "xb yb"), ("L2Loss()", "xd yd wl"),
    ("L1Loss()", "xa ya"), ("L1Loss(weight=0.5, batch_axis=1)", "xa ya wh"), ("L1Loss()", "xd yd"),
    ("SigmoidBinaryCrossEntropyLoss()", "xa Ba"), ("SigmoidBCELoss()", "xa pa wc"),
    ("SigmoidBCELoss(weight=2)", "xa Ba - wh"), ("SigmoidBCELoss(from_sigmoid=True)", "pa Ba"),
    ("SigmoidBCELoss(from_sigmoid=True, batch_axis=1)", "pa Ba wc wh"), ("SigmoidBCELoss()", "xb Bb"),
    ("SoftmaxCrossEntropyLoss()", "xa Lb"), ("SoftmaxCELoss()", "xa Lc"), ("SoftmaxCELoss()", "xa Lb wc"),
    ("SoftmaxCELoss(axis=1)", "xd Le"), ("SoftmaxCELoss(axis=1, weight=0.5)", "xd Le wl"),
    ("SoftmaxCELoss(batch_axis=1)", "xd Li"), ("SoftmaxCELoss(sparse_label=False)", "xa qa"),
    ("SoftmaxCELoss(axis=0, sparse_label=False, batch_axis=1)", "xa qa"),
    ("SoftmaxCELoss(from_logits=True)", "la Lb"),
    ("SoftmaxCELoss(axis=0, batch_axis=1)", "xf Bb"), ("SoftmaxCELoss()", "xd Li"),
    ("SoftmaxCELoss(from_logits=True, sparse_label=False, weight=3)", "la qa wc"),
    ("KLDivLoss()", "la qa"), ("KLDivLoss(from_logits=False)", "xa qa"), ("KLDivLoss(weight=2)", "la qa wc"),
    ("KLDivLoss(from_logits=False, axis=1, batch_axis=0)", "xd qd"),
    ("CTCLoss()", "xn Ti"), ("CTCLoss(layout='TNC')", "xm Ti"),
    ("CTCLoss(layout='TNC', label_layout='TN')", "xm Tj"), ("CTCLoss(weight=2)", "xn Ti Nk"),
    ("CTCLoss()", "xn Ti Nk Mk"), ("CTCLoss()", "xn Ti - - wk"),
    ("HuberLoss()", "xa ya"), ("HuberLoss(rho=0.5, weight=2)", "xa ya wc"),
    ("HuberLoss(batch_axis=1)", "xd yd"),
    ("HingeLoss()", "xa Sa"), ("HingeLoss(margin=0.5, weight=2)", "xb Sb"), ("HingeLoss()", "xa Sa wc"),
    ("SquaredHingeLoss()", "xa Sa"), ("SquaredHingeLoss(margin=2, batch_axis=1)", "xa Sa wh"),
    ("LogisticLoss()", "xa Sa"), ("LogisticLoss(label_format='binary', weight=2)", "xb Bb"),
    ("LogisticLoss()", "xa Sa wc"),
    ("TripletLoss()", "xa ya za"), ("TripletLoss(margin=3, weight=2)", "xa ya za"),
    ("TripletLoss(batch_axis=1)", "xd yd zd"),
    ("PoissonNLLLoss()", "xa Ca"), ("PoissonNLLLoss(from_logits=False, weight=2)", "wa Ca wc"),
    ("PoissonNLLLoss(compute_full=True)", "xa Ca"), ("PoissonNLLLoss()", "xb Cb"),
    ("CosineEmbeddingLoss()", "xa ya Sb"), ("CosineEmbeddingLoss(margin=0.25, weight=2)", "xa ya Sb wc"),
    ("SDMLLoss()", "xa ya"), ("SDMLLoss(smoothing_parameter=0.1)", "xa ya"),
)


def main(path: str) -> None:
    import mxnet as mx

    new = not mx.__version__.startswith("1")
    if new:
        mx.npx.set_np()
    array: Any = mx.np.array if new else mx.nd.array
    found = []
    for source, names in CASES:
        kinds = names.split()
        args = [None if a is None else array(a, dtype="float32") for a in map(argument, kinds)]
        wanted = [a for k, a in zip(kinds, args) if k[0] in "xyzpqlw" and a is not None]
        for a in wanted:
            a.attach_grad()
        loss = eval("mx.gluon.loss." + source, {"mx": mx})
        try:
            with mx.autograd.record():
                value = loss(*args)
                total = (value * array(numpy.arange(1, value.size + 1).reshape(value.shape))).sum()
            total.backward()
        except mx.base.MXNetError as error:     # what the original cannot do
            print(source, names, str(error).splitlines()[-1])
            continue
        gradients = [a.grad.asnumpy().tolist() for a in wanted]
        found.append([source, names, repr(loss), value.asnumpy().tolist(), gradients])
    with open(path, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in found) + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
