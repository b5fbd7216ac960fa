"""Softmax regression on the UCI handwritten digits: one linear layer, trained by gradient descent.

``digits.pl`` and ``digits.c`` are this program in Perl and C; the three print the same lines.

* Every fifth line of ``data/digits.csv`` is a test image (359), the others are for training (1,438); pixels
  are divided by 16.
* ``W`` (64, 10) and ``b`` (10,) are float32 and start at zero.
* One step: the mean cross-entropy over all training images, its gradient, and ``p -= 2 * p.grad``. 300 steps.

The losses go to standard output, a progress line to standard error::

    python examples/digits.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy

from mxgrad import autograd, nd

STEPS = 300
LEARNING_RATE = 2.0

rows = numpy.loadtxt(Path(__file__).parent / "data" / "digits.csv", delimiter=",", dtype="float32")
pixels, digits = rows[:, :64] / 16, rows[:, 64]
is_test = numpy.arange(len(rows)) % 5 == 4
X, y = nd.array(pixels[~is_test]), nd.array(digits[~is_test])
X_test, y_test = nd.array(pixels[is_test]), nd.array(digits[is_test])

W = nd.zeros((64, 10))
b = nd.zeros((10,))
for p in (W, b):
    p.attach_grad()

for step in range(1, STEPS + 1):
    with autograd.record():
        log_p = nd.log_softmax(nd.dot(X, W) + b)
        loss = -nd.pick(log_p, y).mean()
    loss.backward()
    for p in (W, b):
        p -= LEARNING_RATE * p.grad
    print(f"step {step:3d}  loss {loss.asscalar():.6f}")
    print(f"\rtraining: step {step} of {STEPS}", end="\n" if step == STEPS else "", file=sys.stderr)

guess = nd.argmax(nd.dot(X_test, W) + b, axis=1)
accuracy = (guess == y_test).mean()
print(f"test accuracy {accuracy.asscalar():.4f}")
