"""A multilayer perceptron on the UCI handwritten digits: at least 97 % of the test images.

    python examples/mlp_digits.py [--quick] [--epochs N] [--picture FILE]
"""
from __future__ import annotations

from common import options, train_classifier

import mxgrad as mx
from mxgrad.gluon import nn

chosen = options("multilayer perceptron on the digits", epochs=20)
net = nn.HybridSequential()
net.add(nn.Dense(256, activation="relu"), nn.Dropout(0.3), nn.Dense(128, activation="relu"), nn.Dense(10))
net.initialize(mx.init.Xavier())
net.hybridize()
train_classifier(net, chosen, 0.97, "sgd", {"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4})
