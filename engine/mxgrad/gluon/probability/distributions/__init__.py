"""Distributions and their divergences (level 16)."""
from . import constraint as constraint, utils as utils
from .categorical import *  # noqa: F403
from .continuous import *  # noqa: F403
from .discrete import *  # noqa: F403
from .distribution import *  # noqa: F403
from .divergence import *  # noqa: F403
from .gammas import *  # noqa: F403
from .multivariate_normal import *  # noqa: F403
from .transformed import *  # noqa: F403
from .utils import *  # noqa: F403
