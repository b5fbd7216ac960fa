"""A small convolutional network on the UCI handwritten digits: at least 98 % of the test images.

    python examples/cnn_digits.py [--quick] [--epochs N] [--picture FILE]
"""
from __future__ import annotations

from common import options, train_classifier

import mxgrad as mx
from mxgrad.gluon import nn

chosen = options("convolutional network on the digits", epochs=12)
net = nn.HybridSequential()
for channels in (16, 32):
    net.add(nn.Conv2D(channels, kernel_size=3, padding=1, use_bias=False), nn.BatchNorm(),
            nn.Activation("relu"), nn.MaxPool2D(2, 2))
net.add(nn.Flatten(), nn.Dense(64, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
train_classifier(net, chosen, 0.98, "adam", {"learning_rate": 0.002})
