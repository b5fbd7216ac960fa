"""Probability distributions, their transformations, and blocks that sample (level 17).

>>> from mxgrad import np
>>> from mxgrad.gluon import probability as mgp
>>> d = mgp.Normal(np.array([0.0, 1.0]), 2.0)
>>> d.mean, d.entropy()
(array([0., 1.]), 2.112085713764618)
>>> mgp.kl_divergence(d, mgp.Normal(0.0, 2.0))
array([0.   , 0.125])
"""
from .block import *  # noqa: F403
from .distributions import *  # noqa: F403
from .transformation import *  # noqa: F403
