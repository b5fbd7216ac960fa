"""Optimizers: MXNet's, and how to write one; `mx.optimizer` (level 11).

>>> import mxgrad as mx
>>> optimizer = mx.optimizer.create("sgd", learning_rate=0.5)
>>> weight = mx.nd.array([1.0, 2.0])
>>> optimizer.update(0, weight, mx.nd.array([1.0, -1.0]), optimizer.create_state(0, weight))
>>> weight.asnumpy().tolist()
[0.5, 2.5]
"""
from . import contrib
from .adam import FTML, LAMB, LANS, AdaBelief, Adam, Adamax, AdamW, Nadam
from .adaptive import AdaDelta, AdaGrad, Ftrl, RMSProp
from .descent import DCASGD, LARS, LBSGD, NAG, SGD, SGLD, Signum, ccSGD
from .optimizer import Optimizer, Test, create, register
from .updater import Updater, get_updater

__all__ = ["AdaBelief", "AdaDelta", "AdaGrad", "Adam", "AdamW", "Adamax", "DCASGD", "FTML", "Ftrl", "LAMB",
           "LANS", "LARS", "LBSGD", "NAG", "Nadam", "Optimizer", "RMSProp", "SGD", "SGLD", "Signum", "Test",
           "Updater", "ccSGD", "contrib", "create", "get_updater", "register"]
