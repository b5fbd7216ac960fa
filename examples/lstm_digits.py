"""An LSTM reads the UCI handwritten digits row by row: at least 95 % of the test images.

    python examples/lstm_digits.py [--quick] [--epochs N] [--picture FILE]
"""
from __future__ import annotations

from typing import Any

from common import options, train_classifier

import mxgrad as mx
from mxgrad import nd
from mxgrad.gluon import Block, nn, rnn


class RowReader(Block):
    """The scores (batch, 10) of images (batch, 1, 8, 8): eight rows of eight pixels are a sequence."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        with self.name_scope():
            self.lstm = rnn.LSTM(64, layout="NTC", input_size=8)
            self.output = nn.Dense(10, in_units=64)

    def forward(self, images: nd.NDArray) -> nd.NDArray:
        states = self.lstm(images.reshape((-1, 8, 8)))
        return self.output(nd.slice_axis(states, axis=1, begin=-1, end=None).flatten())


chosen = options("LSTM that reads the digits row by row", epochs=20)
net = RowReader()
net.initialize(mx.init.Xavier())
train_classifier(net, chosen, 0.95, "adam", {"learning_rate": 0.005})
