"""Words and their numbers: `mx.contrib.text` (level 3)."""
from . import utils, vocab

__all__ = ["utils", "vocab"]
