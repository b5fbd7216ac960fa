"""A language model of characters: an LSTM reads Python's documentation, its perplexity falls below 7.

The text is ``pydoc_data.topics``, the language reference as ``help()`` shows it, which comes with Python
(PSF licence); 60,000 characters of it are for training, the next 6,000 for testing.  Perplexity is the
exponential of the mean cross-entropy per character: guessing evenly among the characters has about 90,
knowing their frequencies about 25.

    python examples/char_lm.py [--quick] [--epochs N] [--picture FILE]
"""
from __future__ import annotations

import math
import sys
from pydoc_data.topics import topics
from typing import Any

import numpy
from common import check, draw_curves, options, progress

import mxgrad as mx
from mxgrad import autograd, gluon, nd
from mxgrad.gluon import nn, rnn

BATCH, STEPS, HIDDEN, BOUND = 32, 32, 160, 7.0


class Model(gluon.Block):
    """Scores (time * batch, characters) of the next characters, and the state, for indices (time, batch)."""

    def __init__(self, characters: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.embedding = nn.Embedding(characters, 32)
            self.lstm = rnn.LSTM(HIDDEN, input_size=32)
            self.output = nn.Dense(characters, in_units=HIDDEN)

    def forward(self, indices: nd.NDArray, state: list[nd.NDArray]) -> tuple[nd.NDArray, list[nd.NDArray]]:
        read, state = self.lstm(self.embedding(indices), state)
        return self.output(read.reshape((-1, HIDDEN))), state


chosen = options("language model of characters", epochs=12, quick_epochs=3)
size = 12_000 if chosen.quick else 66_000
text = "".join(topics[name] for name in sorted(topics))[:size]
characters = sorted(set(text))
place = {c: i for i, c in enumerate(characters)}
encoded = numpy.array([place[c] for c in text], dtype="float32")
split = size * 10 // 11


def columns(part: numpy.ndarray) -> nd.NDArray:
    """The text cut into BATCH pieces side by side, (time, BATCH)."""
    return nd.array(part[:len(part) // BATCH * BATCH].reshape(BATCH, -1).T)


train, test = columns(encoded[:split]), columns(encoded[split:])
model = Model(len(characters))
model.initialize(mx.init.Xavier())
trainer = gluon.Trainer(model.collect_params(), "adam", {"learning_rate": 0.005})
loss_function = gluon.loss.SoftmaxCrossEntropyLoss()


def perplexity(of: nd.NDArray, learn: bool, text: str) -> float:
    """Read the columns once, STEPS characters at a time; the state goes on, its gradient does not."""
    state = model.lstm.begin_state(batch_size=BATCH)
    mean = mx.metric.Loss()
    for start in progress(range(0, len(of) - 1, STEPS), text):
        end = min(start + STEPS, len(of) - 1)
        data, target = of[start:end], of[start + 1:end + 1].reshape((-1,))
        state = [s.detach() for s in state]
        with autograd.record(train_mode=learn):
            scores, state = model(data, state)
            loss = loss_function(scores, target)
        if learn:
            loss.backward()
            gradients = [p.grad() for p in model.collect_params().values()]
            gluon.utils.clip_global_norm(gradients, BATCH * STEPS * 0.25)
            trainer.step(BATCH * STEPS)
        mean.update(None, [loss])
    return math.exp(mean.get()[1])


def write(start: str, count: int) -> str:
    """Text that the model goes on with: the likeliest character each time."""
    state, written = model.lstm.begin_state(batch_size=1), start
    for c in start[:-1]:
        _, state = model(nd.array([[place[c]]]), state)
    for _ in range(count):
        scores, state = model(nd.array([[place[written[-1]]]]), state)
        written += characters[int(scores.argmax(axis=1).asscalar())]
    return written


trained, tested = [], []
for epoch in range(1, chosen.epochs + 1):
    trained.append(perplexity(train, True, f"epoch {epoch} of {chosen.epochs}"))
    tested.append(perplexity(test, False, "testing"))
    print(f"epoch {epoch:2d}  perplexity {trained[-1]:.4f}  test perplexity {tested[-1]:.4f}")
print(write("The ", 60), file=sys.stderr)
draw_curves(chosen.picture, "char_lm", "epoch", perplexity=trained, test_perplexity=tested)
check("test perplexity", tested[-1], tested[-1] < BOUND, f"below {BOUND}", chosen.quick)
