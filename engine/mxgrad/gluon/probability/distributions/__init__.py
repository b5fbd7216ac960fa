"""Distributions and their divergences (level 16)."""
from . import (
    categorical, constraint, continuous, discrete, distribution, divergence, gammas, multivariate_normal,
    transformed, utils,
)
from .categorical import *  # noqa: F403
from .continuous import *  # noqa: F403
from .discrete import *  # noqa: F403
from .distribution import *  # noqa: F403
from .divergence import *  # noqa: F403
from .gammas import *  # noqa: F403
from .multivariate_normal import *  # noqa: F403
from .transformed import *  # noqa: F403
from .utils import *  # noqa: F403

__all__ = [
    "constraint", "utils", *categorical.__all__, *continuous.__all__, *discrete.__all__,
    *distribution.__all__, *divergence.__all__, *gammas.__all__, *multivariate_normal.__all__,
    *transformed.__all__, *utils.__all__,
]
